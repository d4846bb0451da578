"""Files that say themselves how to build and call their model: `get_inputs`, `get_init_inputs`.

The sizes of such files are made for a benchmark. So the first recipe is the same with every large
number made small, and equal numbers stay equal; the second is the file's own.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from copy import deepcopy

from codemod.verify.slicing import Slice

_INPUTS, _ARGUMENTS = "get_inputs", "get_init_inputs"
_LARGE = 64
_MOST_BATCH = 4


def recipes_of(tree: ast.Module, class_name: str) -> Iterator[Slice]:
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if _INPUTS not in functions:
        return
    arguments = f"*{_ARGUMENTS}()" if _ARGUMENTS in functions else ""
    line = functions[_INPUTS].lineno
    build, inputs = f"{class_name}({arguments})", f"(tuple({_INPUTS}()), {{}})"
    setup = _small(tree)
    if setup:
        yield Slice(setup, build, inputs, line)
    yield Slice("", build, inputs, line)


def _small(tree: ast.Module) -> str:
    """The constants and functions of the file once more, with small numbers; "" without a large."""
    functions = (_INPUTS, _ARGUMENTS)
    chosen = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef) and node.name in functions)
        or (isinstance(node, ast.Assign) and all(_is_number(n) for n in ast.walk(node.value)))
    ]
    small = [_Smaller().visit(deepcopy(node)) for node in chosen]
    before, after = (
        "\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in nodes)
        for nodes in (chosen, small)
    )
    return after if after != before else ""


def _is_number(node: ast.AST) -> bool:
    """Whether a part of an expression may stand in one that is made of numbers alone."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    allowed = (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Tuple, ast.List, ast.Load)
    return isinstance(node, allowed)


class _Smaller(ast.NodeTransformer):
    """Numbers above 64 become 64, those of a batch at most 4; products of numbers first."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        value = _evaluated(node.value)
        if value is not None:
            node.value = ast.Constant(_smaller(value, "batch" in name.lower()))
            return node
        self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return ast.Constant(_smaller(node.value, False))
        return node


def _smaller(value: int, is_batch: bool) -> int:
    return min(value, _MOST_BATCH if is_batch else _LARGE)


_OPERATIONS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda left, right: left // right if right else 0,
    ast.Pow: lambda left, right: left**right if abs(left) < 1024 and 0 <= right < 16 else 0,
    ast.LShift: lambda left, right: left << right if 0 <= right < 64 else 0,
}


def _evaluated(node: ast.expr) -> int | None:
    """The integer that an expression of integers gives."""
    if isinstance(node, ast.Constant):
        is_integer = isinstance(node.value, int) and not isinstance(node.value, bool)
        return node.value if is_integer else None  # type: ignore[return-value]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _evaluated(node.left), _evaluated(node.right)
        if left is not None and right is not None:
            return _OPERATIONS[type(node.op)](left, right)
    return None
