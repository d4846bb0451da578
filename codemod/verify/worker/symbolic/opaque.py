"""Modules that a symbolic run does not look into: whatever holds parameters, or is not torch's.

A layer of torch without parameters is the real thing, whose own `forward` runs on terms; so are
torch's containers, and the class that is looked at.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any, Dict, Iterator, List, Tuple

import torch
from torch import nn

from .terms import Tensor, TooMany, Value, _expression, aside, holds_tensor, recorder

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)

_classes: Dict[type, type] = {}
_target: List[type] = []
_trying: List[bool] = []
_plain: Dict[str, bool] = {}


class Opaque:
    """Mixed into the class of a module that is not looked into."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        nn.Module.__init__(self)
        kind = type(self)._seen_as  # type: ignore[attr-defined]
        name = recorder().event("construct %s" % kind, args, kwargs)
        object.__setattr__(self, "_name", "m" + name)
        recorder().names[id(self)] = "module " + name
        recorder().kept.append(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _called(self, "call", args, kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return _called(self, "forward", args, kwargs)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name in _OF_EVERY_MODULE:
            return object.__getattribute__(self, name)
        own = object.__getattribute__(self, "__dict__")
        if name in own:
            return own[name]
        for kind in ("_modules", "_parameters", "_buffers"):
            if name in own.get(kind, ()):
                return own[kind][name]
        if name in ("weight", "bias"):
            return Tensor(_expression("." + name, (Value(self._name),)))
        return Value(_expression("." + name, (Value(self._name),)))

    def __getitem__(self, index: Any) -> Any:
        return Value(_expression("[]", (Value(self._name), index)))

    def __iter__(self) -> Iterator[Any]:
        return iter([self[0], self[1]])

    _name: str


_OF_EVERY_MODULE = frozenset(dir(nn.Module)) - {"forward"} | {"forward"}


def _called(module: Any, how: str, args: Any, kwargs: Any) -> Any:
    name = recorder().event(how, (Value(module._name), *args), kwargs)
    # Its mode is part of what it does.
    recorder().events[-1]["training"] = bool(module.training)
    return Tensor(name) if holds_tensor((args, kwargs)) else Value(name)


def install(target: type) -> None:
    """From now on every module that is built is opaque, but for those that are not."""
    _target[:] = [target]
    nn.Module.__new__ = staticmethod(_new)


def _new(cls: Any, *args: Any, **kwargs: Any) -> Any:
    if issubclass(cls, Opaque) or _trying or cls in _CONTAINERS or cls is _target[0]:
        return object.__new__(cls)
    if _is_of_torch(cls):
        key = "%s %s" % (cls, json.dumps(recorder().show([list(args), kwargs])))
        if key not in _plain:
            _plain[key] = _has_nothing_to_learn(cls, args, kwargs)
        if _plain[key]:
            return object.__new__(cls)
    return object.__new__(opaque_class(cls))


def unknown(callee: Value, args: Any, kwargs: Any) -> Any:
    """What a call of an unknown thing gives while a model is built: most likely a module."""
    return opaque_class(nn.Module)("result of", callee, *args, **kwargs)


def opaque_class(cls: type) -> type:
    if cls not in _classes:
        seen_as = "%s.%s" % (cls.__module__, cls.__qualname__)
        names = {"_seen_as": seen_as, "__module__": cls.__module__}
        _classes[cls] = type(cls)(cls.__name__, (Opaque, cls), names)
    return _classes[cls]


def _is_of_torch(cls: type) -> bool:
    return cls.__module__.startswith("torch.nn.modules.")


def _has_nothing_to_learn(cls: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> bool:
    """Whether a module of torch's holds no tensor at all: found out by building one."""
    state = torch.get_rng_state()
    _trying.append(True)
    try:
        with aside() as seen, _without_memory():
            made = cls(*args, **kwargs)
        held = [*made.parameters(), *made.buffers()]
        hidden = any(isinstance(part, Opaque) for part in made.modules())
        return not held and not hidden and not seen.events
    except TooMany:
        raise
    except Exception:
        return False
    finally:
        _trying.pop()
        torch.set_rng_state(state)


def _without_memory() -> Any:
    """Where torch has it, tensors are made that take no memory."""
    return torch.device("meta") if hasattr(torch.device, "__enter__") else contextlib.nullcontext()
