"""The inputs that a file shows, with smaller images.

A main block calls its model on 512 by 512 pixels because the data have that size; the same code
runs on 64 by 64, sixty times as fast. A model that needs the size says so by an exception, and the
file's own inputs are taken.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemod.verify.spelling import last_name

_LARGE = 96  # pixels
_SMALLEST = 64
_FACTORS = (16, 8, 4, 2)
_MOST_BATCH = 4
_FACTORIES = frozenset(
    {"randn", "rand", "zeros", "ones", "empty", "full", "randint", "Tensor", "FloatTensor"}
)


def with_small_images(setup: str, inputs: str) -> tuple[str, str] | None:
    """Both with all images made smaller by one factor; None without a large image.

    Images are tensors of 4 dimensions, videos and volumes those of 5, as `torch.randn(2, 3, 512,
    512)` writes them down; a side is at least 64 pixels then, a batch at most 4.
    """
    trees = ast.parse(setup), ast.parse(inputs)
    shapes = [shape for tree in trees for shape in _shapes(tree)]
    sides = [pixels for shape in shapes for pixels in _sides(shape).values()]
    factor = next((f for f in _FACTORS if sides and min(sides) // f >= _SMALLEST), None)
    if factor is None:
        return None
    for shape in shapes:
        for index, pixels in _sides(shape).items():
            shape[index] = ast.Constant(-(-pixels // factor))
        batch = _number(shape[0])
        if batch is not None:
            shape[0] = ast.Constant(min(batch, _MOST_BATCH))
    return ast.unparse(trees[0]), ast.unparse(trees[1])


def _shapes(tree: ast.Module) -> Iterator[list[ast.expr]]:
    """The sizes of each image, volume or video that is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) in _FACTORIES:
            for shape in _written(node):
                if len(shape) in (4, 5) and _sides(shape):
                    yield shape


def _written(call: ast.Call) -> Iterator[list[ast.expr]]:
    yield call.args
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        if isinstance(argument, (ast.Tuple, ast.List)):
            yield argument.elts


def _sides(shape: list[ast.expr]) -> dict[int, int]:
    """The large sizes after batch and channels, by place; none unless height and width are."""
    numbers = [_number(size) or 0 for size in shape]
    if min(numbers[-2:]) < _LARGE:
        return {}
    return {place: size for place, size in enumerate(numbers) if place > 1 and size >= _LARGE}


def _number(node: ast.expr) -> int | None:
    is_number = isinstance(node, ast.Constant) and type(node.value) is int
    return node.value if is_number else None  # type: ignore[attr-defined]
