"""The model made over: built with other arguments, or a copy of it that holds other weights."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from typing import Any, Callable, Iterator, List, Optional, Tuple

import torch

from .othervalues import Made
from .step import Build, Manner, attempt, built
from .trees import Tree

Value = Callable[[str, Any], Any]  # name and value of an argument -> another value, or None

_HALF = 0.5
_FROM_ZERO = 0.25
_MOST_ARGUMENTS = 3


def with_weights(
    build: Build, manner: Manner, change: Callable[[Any], Any], keys: Optional[Tree]
) -> Tuple[Optional[Made], Optional[Tree]]:
    """A copy of the model that has loaded other values; built anew where it cannot be copied.

    What was made of the weights when the model was built is still that of the old ones, and
    what holds the model itself still holds the original. `keys`: the `state_dict` tree of
    those that change.
    """
    model, args, kwargs = built(build, manner.seed)
    failed, copied, _error = attempt(lambda: copy.deepcopy(model))
    model = model if failed else copied
    failed, _nothing, error = attempt(lambda: _load(model, change, keys))
    return (None, error) if failed else ((model, args, kwargs), None)


def _load(model: Any, change: Callable[[Any], Any], keys: Optional[Tree]) -> None:
    state = model.state_dict()
    known = state if keys is None else {str(key) for key, _tree in keys.get("dict", ())}
    for key in [key for key in state if key in known]:
        value = state[key]
        if isinstance(value, torch.Tensor) and value.dtype.is_floating_point:
            state[key] = change(value.detach())
    model.load_state_dict(state)


def with_arguments(
    build: Build, made: Made, manner: Manner, change: Value
) -> Tuple[Optional[Made], Optional[Tree]]:
    """The model built with other arguments of its constructor.

    A constant that stands for an argument is right for the default alone.
    """
    changed: List[str] = []
    with _changing_arguments(type(made[0]), change, changed):
        _failed, other, error = attempt(lambda: built(build, manner.seed))
    return (other, error) if changed else (None, None)


def other_number(name: str, value: Any) -> Optional[float]:
    """Of rates, slopes and scales: each `float` halved, 0.0 not 0."""
    if type(value) is not float:
        return None
    return value * _HALF if value else _FROM_ZERO


def other_value_of(wanted: str) -> Value:
    """Of one integer: a dimension, the size of a kernel. A flag may start a download."""

    def change(name: str, value: Any) -> Any:
        if name != wanted or type(value) is not int:
            return None
        return value + (1 if value >= 0 else -1)

    return change


def integers(build: Build, manner: Manner) -> List[str]:
    """The last few arguments of the constructor that are integers."""
    kind = type(built(build, manner.seed)[0])
    found: List[str] = []

    def note(name: str, value: Any) -> Any:
        if type(value) is int:
            found.append(name)

    with _changing_arguments(kind, note, []):
        attempt(lambda: built(build, manner.seed))
    return found[-_MOST_ARGUMENTS:]


@contextlib.contextmanager
def _changing_arguments(kind: Any, change: Value, changed: List[str]) -> Iterator[None]:
    """While it lasts, `kind` is built with other arguments; `changed` says which."""
    own, init = "__init__" in vars(kind), kind.__init__
    running: List[Any] = []

    @functools.wraps(init)
    def other_init(self: Any, *args: Any, **kwargs: Any) -> None:
        if running or type(self) is not kind:
            init(self, *args, **kwargs)
            return
        running.append(self)
        try:
            args, kwargs = _other_arguments(init, (self, *args), kwargs, change, changed)
            init(*args, **kwargs)
        finally:
            running.pop()

    kind.__init__ = other_init
    try:
        yield
    finally:
        if own:
            kind.__init__ = init
        else:
            del kind.__init__


def _other_arguments(
    init: Any, args: Tuple[Any, ...], kwargs: Any, change: Value, changed: List[str]
) -> Tuple[Tuple[Any, ...], Any]:
    try:
        bound = inspect.signature(init).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return args, kwargs
    bound.apply_defaults()
    for name, value in bound.arguments.items():
        other = change(name, value)
        if other is not None:
            bound.arguments[name] = other
            changed.append(name)
    return bound.args, bound.kwargs
