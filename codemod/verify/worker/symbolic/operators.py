"""Has torch's functions take terms, in a process that ends after this run.

A function that is given a term is recorded under its own name, with its arguments as its
signature orders them: nothing is computed.
"""

from __future__ import annotations

import ast
import inspect
import sys
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

import torch
from torch.nn import functional

from .terms import (
    Tensor,
    Unsupported,
    Value,
    _expression,
    holds_term,
    is_term,
    operation,
    recorder,
)

_HOMES = (
    ("torch", torch),
    ("functional", functional),
    ("special", getattr(torch, "special", None)),
    ("linalg", getattr(torch, "linalg", None)),
    ("fft", getattr(torch, "fft", None)),
)
# Asked of what may be a tensor: they compute nothing.
_QUESTIONS = ("is_floating_point", "is_complex", "numel", "is_grad_enabled", "is_tensor")
_LEFT = ("compile", "is_tensor", "typename", "manual_seed", "set_grad_enabled", "no_grad")

_names: Dict[int, str] = {}
_originals: Dict[str, Callable[..., Any]] = {}
_wrapped: Dict[int, Callable[..., Any]] = {}
_seen: Set[str] = set()


def name_of(function: Callable[..., Any]) -> str:
    """What an operator is called in a record: `functional.relu`, `torch.cat`, `method.view`."""
    known = _names.get(id(function))
    if known is not None:
        return known
    name = getattr(function, "__name__", None)
    if isinstance(name, str) and getattr(torch.Tensor, name, None) is function:
        return "method." + name
    raise Unsupported("a function of torch without a name")


def called(name: str) -> Optional[Callable[..., Any]]:
    """The function of a name that `name_of` gave."""
    if name.startswith("method."):
        return getattr(torch.Tensor, name[len("method.") :], None)
    return _originals.get(name)


def install() -> None:
    """Wrap the functions, wherever a module that is loaded keeps them under a name of its own.

    Called again, it sees to the modules that were loaded since.
    """
    if not _wrapped:
        for prefix, home in _HOMES:
            _wrap_all(prefix, home)
        for name in ("tensor", "as_tensor", "is_tensor"):
            _names.setdefault(id(getattr(torch, name)), "torch." + name)
        torch.nn.Parameter.__new__ = staticmethod(_parameter)
    for name, module in list(sys.modules.items()):
        if name not in _seen and isinstance(module, ModuleType) and not _is_worker(module):
            _replace(module, _wrapped)
        _seen.add(name)


def _wrap_all(prefix: str, home: Optional[ModuleType]) -> None:
    for key, function in list(vars(home).items()) if home is not None else ():
        if _is_operator(key, function) and id(function) not in _wrapped:
            name = "%s.%s" % (prefix, key)
            _names[id(function)] = name
            _originals[name] = function
            _wrapped[id(function)] = _wrapper(name, function)


def _is_operator(key: str, function: Any) -> bool:
    if key.startswith("_") or key in _LEFT or not callable(function):
        return False
    if isinstance(function, (type, ModuleType)):
        return False
    module = getattr(function, "__module__", None) or ""
    return inspect.isbuiltin(function) or module.startswith("torch")


def _is_worker(module: ModuleType) -> bool:
    return module.__name__.startswith("_codemod_worker")


def _replace(module: ModuleType, wrapped: Dict[int, Callable[..., Any]]) -> None:
    if module.__name__.startswith("torch.") and module is not functional:
        inner = getattr(module, "__name__", "")
        if not inner.startswith(("torch.nn", "torch.special", "torch.linalg", "torch.fft")):
            return
    content = getattr(module, "__dict__", {})
    for key, function in list(content.items()):
        replaced = wrapped.get(id(function))
        if replaced is not None:
            content[key] = replaced


def _wrapper(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    binders: List[Callable[[Any, Any], Any]] = []  # made when it is needed: there are thousands
    question = name.partition(".")[2] in _QUESTIONS

    def call(*args: Any, **kwargs: Any) -> Any:
        if not (holds_term(args) or holds_term(kwargs)):
            return function(*args, **kwargs)
        if question:
            return Value(_expression(name, args))
        if not binders:
            binders.append(_binder(function))
        args, kwargs = binders[0](args, kwargs)
        return operation(name, args, kwargs)

    _names[id(call)] = name
    for attribute in ("__name__", "__qualname__", "__module__", "__doc__"):
        try:
            setattr(call, attribute, getattr(function, attribute))
        except (AttributeError, TypeError):
            continue
    return call


def _binder(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Fills in defaults and gives all by name but the first, where the signature is known."""
    try:
        signature = inspect.signature(_dispatched(function))
    except (TypeError, ValueError):
        return lambda args, kwargs: _by_schema(function, args, kwargs)
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        return lambda args, kwargs: (args, kwargs)

    def bind(args: Any, kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return args, kwargs
        bound.apply_defaults()
        given = {key: value for key, value in bound.arguments.items() if key != "_stacklevel"}
        first = next(iter(given))
        return (given.pop(first),), given

    return bind


def _dispatched(function: Callable[..., Any]) -> Callable[..., Any]:
    """What `F.max_pool2d` stands for: it hands its arguments to one of two functions."""
    if inspect.isfunction(function) and "if_true" in function.__code__.co_freevars:
        return inspect.getclosurevars(function).nonlocals["if_true"]  # type: ignore[no-any-return]
    return function


def _by_schema(function: Callable[..., Any], args: Any, kwargs: Any) -> Tuple[Any, Any]:
    """The arguments by name, if all forms of the operator that take them agree on the names."""
    packet = getattr(torch.ops.aten, getattr(function, "__name__", ""), None)
    forms = []
    for overload in getattr(packet, "overloads", list)():
        bound = _bound([*getattr(packet, overload)._schema.arguments], args, kwargs)
        if bound is not None and bound not in forms:
            forms.append(bound)
    if len(forms) != 1:
        return args, kwargs
    first = next(iter(forms[0]))
    given = {name: value for name, value in forms[0].items() if name != first}
    return (args[0] if args else kwargs[first],), {
        name: _given(name, at, args, kwargs) for name, at in given.items()
    }


def _bound(arguments: List[Any], args: Any, kwargs: Any) -> Optional[Dict[str, Any]]:
    """Name: the position of the argument, or its default; None where the call does not fit."""
    names = [argument.name for argument in arguments if not argument.kwarg_only]
    if len(args) > len(names) or not set(kwargs) <= {argument.name for argument in arguments}:
        return None
    bound: Dict[str, Any] = {}
    for argument in arguments:
        name = argument.name
        if name in names[: len(args)]:
            bound[name] = ("at", names.index(name))
        elif name in kwargs:
            bound[name] = ("named", name)
        elif argument.has_default_value():
            bound[name] = ("default", repr(argument.default_value))
        else:
            return None
    return bound


def _given(name: str, at: Any, args: Any, kwargs: Any) -> Any:
    kind, what = at
    if kind == "at":
        return args[what]
    return kwargs[what] if kind == "named" else ast.literal_eval(what)


_new_parameter = torch.nn.Parameter.__new__


def _parameter(cls: Any, data: Any = None, requires_grad: bool = True) -> Any:
    if is_term(data):
        return Tensor(recorder().event("parameter", (data, requires_grad), {}))
    return _new_parameter(cls, data, requires_grad)
