"""Arguments of a call as values that can be changed step by step, and written as source."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

import torch

from . import words
from .configs import HELPERS
from .messages import Change

NODES, EDGES = 8, 20
_OF_ONE_ITEM = (
    "dim",
    "channel",
    "last",
    "rank",
    "kind",
    "more channels",
    "wider",
)  # changes of one tensor of a list
LARGEST = 4096
FRAMES = 16
MOST_NUMBERS = 1 << 22
Shape = Tuple[int, ...]


class Tensor(NamedTuple):
    """`kind`: float, long, bool, complex, positive (from 0 to 1) or full (of the number `high`).

    `high`: the bound of long values.
    """

    kind: str
    shape: Shape
    high: int = 2

    @property
    def text(self) -> str:
        shape = ", ".join(str(size) for size in self.shape)
        if self.kind == "long":
            written = "({},)".format(shape) if len(self.shape) == 1 else "({})".format(shape)
            return "torch.randint(0, {}, {})".format(max(self.high, 1), written)
        if self.kind == "bool":
            return "torch.ones({}, dtype=torch.bool)".format(shape or "()")
        if self.kind == "full":
            written = "({},)".format(shape) if len(self.shape) == 1 else "({})".format(shape)
            return "torch.full({}, {})".format(written, self.high)
        if self.kind == "complex":
            return "torch.randn({}, dtype=torch.complex64)".format(shape or "()")
        if self.kind == "positive":
            return "torch.rand({})".format(shape or "()")
        return "torch.randn({})".format(shape or "()")


class Raw(NamedTuple):
    """A plain value, as source."""

    source: str

    @property
    def text(self) -> str:
        return self.source


class Group(NamedTuple):
    """A list or tuple."""

    bracket: str
    items: Tuple["Spec", ...]

    @property
    def text(self) -> str:
        inner = ", ".join(item.text for item in self.items)
        if self.bracket == "(":
            return "({},)".format(inner) if len(self.items) == 1 else "({})".format(inner)
        return "[{}]".format(inner)


class Table(NamedTuple):
    """A dictionary, or an object with its items as attributes."""

    items: Tuple[Tuple[str, "Spec"], ...]
    is_object: bool = False

    @property
    def text(self) -> str:
        if self.is_object:
            inner = ", ".join("{}={}".format(name, value.text) for name, value in self.items)
            return "codemod_config({})".format(inner)
        return "{{{}}}".format(", ".join("{!r}: {}".format(k, v.text) for k, v in self.items))


Spec = Union[Tensor, Raw, Group, Table]
OMITTED = Raw("")
Call = Tuple[Tuple[str, Spec], ...]


def trials(spec: Spec, numbers: Tuple[int, ...], strings: Tuple[str, ...]) -> Iterator[Spec]:
    """The spec with one size, the last sizes, the rank or the value changed."""
    if isinstance(spec, Raw):
        for value in (*strings, *numbers, *(n + 1 for n in numbers), True, False, None):
            yield Raw(repr(value))
        return
    if isinstance(spec, Group) and spec.items:
        for count in (*numbers, 1, 2, 3, 4, 5, 6, 8):
            if 0 < count < 20:
                yield spec._replace(items=spec.items[:1] * count)
        return
    if not isinstance(spec, Tensor):
        return
    shape = spec.shape
    for number in numbers:
        if 0 < number <= 1024:
            for index in reversed(range(len(shape))):
                yield spec._replace(shape=(*shape[:index], number, *shape[index + 1 :]))
            if len(shape) > 2:
                yield spec._replace(shape=spatially(shape, number))
    for rank in (1, 2, 3, 4, 5):
        yield spec._replace(shape=with_rank(shape, rank))
    for kind in ("float", "long", "bool"):
        yield spec._replace(kind=kind)


def other_shapes(spec: Tensor) -> Iterator[Tensor]:
    """Sides that no power of two divides, sides apart, a batch of one, a longer last dimension."""
    shape = spec.shape
    if len(shape) > 2:
        for shift in (1, 3):
            yield spec._replace(shape=(*shape[:2], *(size + shift for size in shape[2:])))
        yield spec._replace(shape=(*shape[:-1], shape[-1] + 1))
        yield spec._replace(shape=spatially(shape, shape[-1] * 2))
    if shape:
        yield spec._replace(shape=(1, *shape[1:]))
        yield spec._replace(shape=(shape[0] + 1, *shape[1:]))
    if len(shape) > 1:
        yield spec._replace(shape=(shape[0], shape[1] + 1, *shape[2:]))
        yield spec._replace(shape=(shape[0], 1, *shape[2:]))


def example(spec: Spec) -> Any:
    return eval(spec.text, {"torch": torch, **HELPERS})


def children_of(spec: Spec) -> Tuple[Spec, ...]:
    if isinstance(spec, Table):
        return tuple(item for _, item in spec.items)
    return spec.items if isinstance(spec, Group) else ()


def with_children(spec: Spec, children: Sequence[Spec]) -> Spec:
    """The list or the table with other items in the places of its own."""
    if isinstance(spec, Group):
        return spec._replace(items=tuple(children))
    if isinstance(spec, Table):
        return spec._replace(items=tuple(zip((key for key, _ in spec.items), children)))
    return spec


def tensors_of(spec: Spec) -> Tuple[Tensor, ...]:
    """The tensors that a spec is made of, in order."""
    if isinstance(spec, Tensor):
        return (spec,)
    return tuple(tensor for child in children_of(spec) for tensor in tensors_of(child))


def with_tensor(spec: Spec, index: int, tensor: Tensor) -> Spec:
    """The spec with another tensor at this place among its tensors."""
    if isinstance(spec, Tensor):
        return tensor if index == 0 else spec
    children = []
    for child in children_of(spec):
        count = len(tensors_of(child))
        children.append(with_tensor(child, index, tensor) if 0 <= index < count else child)
        index -= count
    return with_children(spec, children)


def apply(
    call: Dict[str, Spec], change: Change, blamed: List[str]
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """The change in all tensors at once, and in each alone; blamed ones are cheaper."""
    changed: Dict[str, Spec] = {}
    for name, spec in call.items():
        new = _changed(spec, change)
        if new != spec:
            changed[name] = new
    for name, spec in call.items():
        for index, item in enumerate(tensors_of(spec)):
            if change.action in _OF_ONE_ITEM and not isinstance(spec, Tensor):
                new = with_tensor(spec, index, _changed_tensor(item, change))
                yield 0.05 * index, {**call, name: new}
    singles = list(changed.items())
    for name, spec in call.items():
        sizes = _one_size_each if change.action == "dim" else _scaled_sizes
        for index, tensor in enumerate(tensors_of(spec)):
            if name in blamed and change.action in ("dim", "numel"):
                for step, one in enumerate(sizes(tensor, change)):
                    yield 0.15 + 0.1 * step, {**call, name: with_tensor(spec, index, one)}
    if len(singles) > 1 and change.action in ("dim", "spatial", "ratio"):
        yield 0.0, {**call, **changed}
    widths = {name: new for name, new in singles if not _is_of_indices(new)}
    if 1 < len(widths) < len(singles) and change.action == "ratio":
        yield 0.0, {**call, **widths}
    for step, (name, new) in enumerate(singles):
        yield 0.1 * step + _distance(name, blamed), {**call, name: new}


def _is_of_indices(spec: Spec) -> bool:
    return isinstance(spec, Tensor) and spec.kind == "long"


def _distance(name: str, blamed: List[str]) -> float:
    if not blamed:
        return 0.25
    return 0.1 * blamed.index(name) if name in blamed else 1.2


def _one_size_each(spec: Tensor, change: Change) -> Iterator[Tensor]:
    """The change in one dimension of several that have the size."""
    found = [index for index, size in enumerate(spec.shape) if size == change.a]
    for index in reversed(found) if len(found) > 1 else ():
        shape = (*spec.shape[:index], change.b, *spec.shape[index + 1 :])
        if is_small(shape):
            yield spec._replace(shape=shape)


def _scaled_sizes(spec: Tensor, change: Change) -> Iterator[Tensor]:
    """One size scaled so that the number of elements is `b` where it was `a`."""
    for index in reversed(range(len(spec.shape))):
        size, left = divmod(spec.shape[index] * change.b, max(change.a, 1))
        shape = (*spec.shape[:index], size, *spec.shape[index + 1 :])
        if not left and shape != spec.shape and is_small(shape):
            yield spec._replace(shape=shape)


def apply_to_all(call: Dict[str, Spec], change: Change) -> Dict[str, Spec]:
    return {name: _changed(spec, change) for name, spec in call.items()}


def _changed(spec: Spec, change: Change) -> Spec:
    if isinstance(spec, Tensor):
        return _changed_tensor(spec, change)
    return with_children(spec, [_changed(child, change) for child in children_of(spec)])


def _changed_tensor(spec: Tensor, change: Change) -> Tensor:
    shape = spec.shape
    if change.action == "dim":
        shape = tuple(change.b if size == change.a else size for size in shape)
    elif change.action == "channel" and len(shape) > 1:
        shape = (shape[0], change.b, *shape[2:])
    elif change.action == "more channels" and len(shape) > 1:
        shape = (shape[0], shape[1] + change.b, *shape[2:])
    elif change.action == "wider" and shape:
        shape = (*shape[:-1], shape[-1] + change.b)
    elif change.action == "last" and shape and (not change.a or shape[-1] == change.a):
        shape = (*shape[:-1], change.b)
    elif change.action == "spatial" and len(shape) > 2 and spec.kind == "float":
        shape = spatially(shape, change.b)
        if len(shape) == 5 and not is_small(shape):  # one film of a few large frames
            shape = (1, shape[1], FRAMES, *shape[3:])
    elif change.action == "rank":
        shape = with_rank(shape, change.b)
    elif change.action == "kind":
        return spec._replace(kind=change.kind)
    elif change.action == "tokens" and spec.kind == "float" and shape:
        return spec._replace(kind="long", high=change.b, shape=(shape[0], words.LENGTH))
    elif change.action == "high" and spec.kind == "long":
        return spec._replace(high=min(change.b, spec.high))
    elif change.action == "ratio" and len(shape) > 1 and change.a:
        scaled = shape[1] * change.b // change.a
        if scaled * change.a == shape[1] * change.b and scaled > 0:
            shape = (shape[0], scaled, *shape[2:])
    elif change.action == "multiple" and len(shape) > 1 and change.b:
        shape = (shape[0], -(-shape[1] // change.b) * change.b, *shape[2:])
    elif change.action == "shape":
        shape = change.shape
    elif change.action == "grow" and len(shape) > change.a >= -len(shape):
        index = change.a % len(shape)
        shape = (*shape[:index], max(shape[index], change.b), *shape[index + 1 :])
    elif change.action == "area" and len(shape) > 2 and change.a:
        side = shape[-1] * (change.b / change.a) ** (1 / (len(shape) - 2))
        shape = spatially(shape, max(round(side), 1))
    return spec._replace(shape=shape) if is_small(shape) else spec


def numbers_in(spec: Spec) -> int:
    """How many numbers its tensors hold."""
    return sum(math.prod(one.shape) for one in tensors_of(spec))


def is_small(shape: Shape) -> bool:
    return all(0 < size <= LARGEST for size in shape) and math.prod(shape) <= MOST_NUMBERS


def spatially(shape: Shape, size: int) -> Shape:
    return (*shape[:2], *(size,) * (len(shape) - 2))


def with_rank(shape: Shape, rank: int) -> Shape:
    if rank == len(shape) or not 0 <= rank <= 6:
        return shape
    if rank < len(shape):
        return (*shape[: rank - 1], shape[-1]) if len(shape) == 3 and rank else shape[:rank]
    if len(shape) >= 3:
        return (*shape, *(shape[-1],) * (rank - len(shape)))
    if len(shape) == 2:
        middle = (words.LENGTH,) if rank == 3 else ()
        tail = (words.SPATIAL,) * (rank - 2) if rank > 3 else ()
        return (shape[0], *middle, shape[1]) if middle else (*shape, *tail)
    width = shape[-1] if shape else words.CHANNELS
    return with_rank((words.BATCH, width), rank) if rank != 2 else (words.BATCH, width)
