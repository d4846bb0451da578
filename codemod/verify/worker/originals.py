"""Methods of tensors as they were before any code of the project ran.

What a model puts in their place changes what it computes, and must not change what is written down
of that.
"""

from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterator, List, Tuple

import torch

_BASE = torch.Tensor.__mro__[1]
_at_the_start: Dict[str, Any] = dict(vars(torch.Tensor))
_ABSENT = object()


@contextlib.contextmanager
def originals() -> Iterator[None]:
    """Within it tensors have the methods that torch gave them."""
    replaced = _replaced()
    for name, original, _theirs in replaced:
        _set(name, original)
    try:
        yield
    finally:
        for name, _original, theirs in replaced:
            _set(name, theirs)


def _replaced() -> List[Tuple[str, Any, Any]]:
    """What is set otherwise than at the start: its name, what stood there, what stands there."""
    there = vars(torch.Tensor)
    if there == _at_the_start:
        return []
    return [
        (name, _at_the_start.get(name, _ABSENT), there.get(name, _ABSENT))
        for name in sorted({*there, *_at_the_start})
        if there.get(name, _ABSENT) is not _at_the_start.get(name, _ABSENT)
        and (name in _at_the_start or hasattr(_BASE, name))
    ]


def _set(name: str, value: Any) -> None:
    if value is not _ABSENT:
        setattr(torch.Tensor, name, value)
    elif name in vars(torch.Tensor):
        delattr(torch.Tensor, name)
