"""Follows the operators of a call: how far it got, what the one that failed was given."""

from __future__ import annotations

import sys
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

import torch
from torch.overrides import TorchFunctionMode

_DEPTH = 2
_NOTHING: FrozenSet[str] = frozenset()


class Operand(NamedTuple):
    """A tensor that an operator was given. `names`: the inputs of the call that it comes from.

    `itself`: it is one of them as it was given.
    """

    names: FrozenSet[str]
    shape: Tuple[int, ...]
    dtype: str
    itself: bool


class Watch(TorchFunctionMode):  # type: ignore[misc]
    """`inputs`: the arguments of the call by name.

    `progress`: the number of places of the code, told apart by the weights that they use, at
    which an operator ran. It does not grow with the turns of a loop. `reach`: the number of places
    alone, which does not grow with the number of layers either.
    """

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        super().__init__()
        self._origins: Dict[int, FrozenSet[str]] = {}
        self._inputs: Set[int] = set()
        self._kept: List[Any] = []  # An id stands for a tensor as long as that lives.
        self._places: Set[Any] = set()
        self._last: Tuple[Any, Any, Any] = (None, (), {})
        self._failed = False
        for name, value in inputs.items():
            for tensor in _tensors(value, 0):
                self._inputs.add(id(tensor))
                self._note(tensor, frozenset([name]))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = list(_tensors((args, kwargs), 0))
        if not given:
            return func(*args, **kwargs)
        self._last, self._failed = (func, args, kwargs), True
        result = func(*args, **kwargs)
        self._failed = False
        origins = _NOTHING.union(*(self._origins.get(id(one), _NOTHING) for one in given))
        weights = tuple(id(one) for one in given if isinstance(one, torch.nn.Parameter))
        self._places.add((_place(), func, weights))
        if origins:
            for tensor in _tensors(result, 0):
                self._note(tensor, origins)
        return result

    def _note(self, tensor: Any, origins: FrozenSet[str]) -> None:
        self._origins[id(tensor)] = self._origins.get(id(tensor), _NOTHING) | origins
        self._kept.append(tensor)

    @property
    def progress(self) -> int:
        return len(self._places)

    @property
    def reach(self) -> int:
        return len({place for place, _, _ in self._places})

    @property
    def uses_weights(self) -> bool:
        return any(weights for _, _, weights in self._places)

    @property
    def operator(self) -> str:
        """The operator that raised; empty if none did."""
        return getattr(self._last[0], "__name__", "") if self._failed else ""

    @property
    def operands(self) -> Tuple[Operand, ...]:
        """What the operator that raised was given, or the last one that ran."""
        _, args, kwargs = self._last
        return tuple(self._operand(one) for one in _tensors((args, kwargs), 0))

    def _operand(self, tensor: Any) -> Operand:
        return Operand(
            self._origins.get(id(tensor), _NOTHING),
            _shape(tensor),
            str(tensor.dtype),
            id(tensor) in self._inputs,
        )


def _shape(tensor: Any) -> Tuple[int, ...]:
    try:
        return tuple(int(size) for size in tensor.shape)
    except Exception:
        return ()


def _place() -> Any:
    """The innermost line outside of torch."""
    frame: Optional[Any] = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        if not (name == "torch" or name.startswith("torch.")):
            return frame.f_code, frame.f_lineno
        frame = frame.f_back
    return None


def _tensors(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, torch.Tensor):
        yield value
    elif depth > _DEPTH:
        return
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item, depth + 1)
