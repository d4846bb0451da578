"""What a run leaves behind beside buffers: attributes of the model, of its classes, and globals of
their files that it set, or put things into."""

from __future__ import annotations

import sys
import types
from typing import Any, Dict, Iterator, List, Tuple

from .trees import Encoder, Tree

_SIZED = (list, dict, set, tuple)
_OF_TORCH = "torch"
_MODE = "training"
# Of what is shared by all models, code and what else a file holds is no state.
_STATE = (bool, int, float, str, bytes, type(None), *_SIZED)

Mark = Tuple[Any, int]
Marks = Dict[str, Mark]


def marks(model: Any) -> Marks:
    """By name: the object, which so stays where it is, and how much it holds."""
    return {name: (value, _size(value)) for name, value in _values(model)}


def left(model: Any, before: Marks) -> List[List[Any]]:
    """What is other than it was, as trees by name. What is gone is named."""
    encoder = Encoder()
    now = dict(_values(model))
    changed = [
        [name, _tree(encoder, name, value)]
        for name, value in now.items()
        if name not in before or not _is_as_it_was(value, before[name])
    ]
    return [*changed, *([name, {"value": "gone"}] for name in before if name not in now)]


def _values(model: Any) -> Iterator[Tuple[str, Any]]:
    """What torch's own layers keep for themselves is their affair."""
    kinds: Dict[type, None] = {}
    for part_name, part in model.named_modules():
        for kind in type(part).__mro__:
            if kind is not object and not _is_of_torch(kind.__module__):
                kinds[kind] = None
        if not _is_of_torch(type(part).__module__):
            for name, value in vars(part).items():
                if name not in _OF_MODULES and name != _MODE:
                    yield ".".join(filter(None, (part_name, name))), value
    for kind in kinds:
        yield from _shared(kind.__qualname__, vars(kind))
    for file in dict.fromkeys(kind.__module__ for kind in kinds):
        yield from _shared(file, vars(sys.modules.get(file, types)))


def _shared(owner: str, values: Any) -> Iterator[Tuple[str, Any]]:
    for name, value in list(values.items()):
        if not name.startswith("_") and isinstance(value, _STATE):
            yield "%s: %s" % (owner, name), value


def _is_of_torch(module: str) -> bool:
    return module.partition(".")[0] == _OF_TORCH


def _own_names() -> "frozenset[str]":
    import torch

    return frozenset(vars(torch.nn.Module()))


_OF_MODULES = _own_names()


def _size(value: Any) -> int:
    return len(value) if type(value) in _SIZED else 0


def _is_as_it_was(value: Any, mark: Mark) -> bool:
    return value is mark[0] and _size(value) == mark[1]


def _tree(encoder: Encoder, name: str, value: Any) -> Tree:
    """Of what cannot be compared, and of a private number (a clock, mostly): that it is there."""
    if type(value) is float and name.rpartition(".")[2].startswith("_"):
        return {"value": "set"}
    tree = encoder.tree(value)
    return {"value": "set"} if _is_opaque(tree) else tree


def _is_opaque(tree: Any) -> bool:
    if isinstance(tree, dict):
        return "opaque" in tree or any(_is_opaque(value) for value in tree.values())
    if isinstance(tree, list):
        return any(_is_opaque(item) for item in tree)
    return False
