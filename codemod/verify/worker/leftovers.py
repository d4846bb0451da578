"""What a run leaves on a model beside its buffers: attributes that it set, or put things into."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from .trees import Encoder, Tree

_SIZED = (list, dict, set, tuple)
_OF_TORCH = "torch"

Mark = Tuple[Any, int]
Marks = Dict[Tuple[str, str], Mark]


def marks(model: Any) -> Marks:
    """By part and name: the object, which so stays where it is, and how much it holds."""
    return {
        (part_name, name): _mark(value)
        for part_name, part in model.named_modules()
        for name, value in _attributes(part).items()
    }


def left(model: Any, before: Marks) -> List[List[Any]]:
    """The attributes that are others than they were, as trees by name. A gone one is named."""
    encoder = Encoder()
    found: List[List[Any]] = []
    seen = set()
    for part_name, part in model.named_modules():
        for name, value in _attributes(part).items():
            key = (part_name, name)
            seen.add(key)
            if key not in before or not _is_as_it_was(value, before[key]):
                found.append([".".join(filter(None, key)), _tree(encoder, value)])
    gone = [".".join(filter(None, key)) for key in before if key not in seen]
    return [*found, *([name, {"value": "gone"}] for name in gone)]


def _attributes(part: Any) -> Dict[str, Any]:
    """Public ones of the instance; what torch's own layers keep for themselves is their affair."""
    if type(part).__module__.partition(".")[0] == _OF_TORCH:
        return {}
    return {
        name: value
        for name, value in vars(part).items()
        if not name.startswith("_") and name != "training"
    }


def _mark(value: Any) -> Mark:
    return value, len(value) if type(value) in _SIZED else 0


def _is_as_it_was(value: Any, mark: Mark) -> bool:
    return value is mark[0] and (type(value) not in _SIZED or len(value) == mark[1])


def _tree(encoder: Encoder, value: Any) -> Tree:
    """What cannot be compared is not compared: it is there, that is all."""
    tree = encoder.tree(value)
    return {"value": "set"} if _is_opaque(tree) else tree


def _is_opaque(tree: Any) -> bool:
    if isinstance(tree, dict):
        return "opaque" in tree or any(_is_opaque(value) for value in tree.values())
    if isinstance(tree, list):
        return any(_is_opaque(item) for item in tree)
    return False
