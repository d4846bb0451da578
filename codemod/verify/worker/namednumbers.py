"""Whole numbers that a model's code gives a meaning of their own: `ignore_index`, a padding token.

An index that no input holds shows nothing of what is done with it.
"""

from __future__ import annotations

import types
from typing import Any, Dict, Iterator, List, Optional

import torch

from .othervalues import Made, Shape, changed
from .step import attempt, copied

PREFIX = "index "  # and the number, " in ", and which of the tensors of whole numbers it is put in

_ATTRIBUTES = ("ignore_index", "padding_idx")
_BY_DEFAULT = {"cross_entropy": -100, "nll_loss": -100}
_LARGEST = 1 << 31
_MOST_NUMBERS = 4
_MOST_TENSORS = 3


def sets(made: Made) -> List[str]:
    """The names of the sets that put such a number into one of the inputs."""
    tensors = _tensors(made)[:_MOST_TENSORS]
    return [
        "%s%d in %d" % (PREFIX, number, ordinal)
        for ordinal, tensor in enumerate(tensors)
        for number in _numbers(made[0])
        if not _holds(tensor, number)
    ]


def with_number(name: str, made: Made) -> Optional[Made]:
    """The call with the number of a set as the first element of its tensor."""
    number, _, wanted = name[len(PREFIX) :].partition(" in ")
    seen: List[int] = []

    def change(tensor: Any, shape: Shape) -> Any:
        if not _is_index(tensor):
            return tensor
        seen.append(len(seen))
        if seen[-1] != int(wanted):
            return tensor
        other = tensor.clone(memory_format=torch.contiguous_format)
        other.view(-1)[0] = int(number)
        return other

    return changed(made, change)


def _numbers(model: Any) -> List[int]:
    found: Dict[int, None] = {}
    for part in model.modules():
        for name in _ATTRIBUTES:
            if type(getattr(part, name, None)) is int:
                found[getattr(part, name)] = None
    for kind in dict.fromkeys(type(part) for part in model.modules()):
        if kind.__module__.partition(".")[0] != "torch":
            found.update(dict.fromkeys(_written_in(kind)))
    return [number for number in found if abs(number) < _LARGEST][:_MOST_NUMBERS]


def _written_in(kind: Any) -> Iterator[int]:
    """Of all methods but the constructor, which speaks of sizes."""
    for name, method in vars(kind).items():
        if name != "__init__" and isinstance(method, types.FunctionType):
            yield from _in_code(method.__code__)


def _in_code(code: Any) -> Iterator[int]:
    for name in code.co_names:
        if name in _BY_DEFAULT:
            yield _BY_DEFAULT[name]
    for constant in code.co_consts:
        if type(constant) is int:
            yield constant
        elif isinstance(constant, types.CodeType):
            yield from _in_code(constant)


def _tensors(made: Made) -> List[Any]:
    found: List[Any] = []

    def note(tensor: Any) -> Any:
        if _is_index(tensor):
            found.append(tensor)
        return tensor

    attempt(lambda: copied(made[1:], note))
    return found


def _is_index(tensor: Any) -> bool:
    return tensor.layout is torch.strided and tensor.dtype is torch.int64 and tensor.numel() > 0


def _holds(tensor: Any, number: int) -> bool:
    return bool((tensor == number).any())
