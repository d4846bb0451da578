"""Recipes for the blocks inside a model that runs, from what built them and what they were given.

A model is built and called once in each mode while the constructors and the calls of its parts are
watched. What a part was given is written as source where that can be done: plain values, classes
and functions that can be imported, other parts, and what hangs on an argument of the model itself.
Tensors are written as others of their shape and kind; short ones of whole numbers as they are.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import math
import os
import sys
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

import torch

from . import uninitialised
from .configs import HELPERS
from .naming import Value, joined
from .parsing import call_of
from .reading import forward_of, initialiser, plain_function
from .recipe import evaluate
from .step import seed_all

EACH = 2  # recipes of one class
LONGEST = 2000  # characters of one argument
WRITTEN_OUT = 256  # whole numbers of one tensor
_LARGE = 1e4
_DEPTH = 6


class _Unwritable(Exception):
    """A value that no source of ours gives."""


class _Made(NamedTuple):
    """What a part was built with and first called with, each as source; None: it can't be told."""

    part: Any
    build: Optional[Value]
    inputs: List[Value]


def recorded(
    recipe: Mapping[str, Any], cls: Any, namespace: Mapping[str, Any], root: str
) -> List[Dict[str, Any]]:
    """Recipes for the classes below `root` whose instances take part in the model, not for its own.

    Those with the shortest source first. Raises what the recipe raises.
    """
    make = evaluate(recipe, cls, namespace)
    seed_all(0)
    kinds = _kinds_in(make()[0])
    watch = _Watch(recipe, cls, namespace)
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(_noting(kind, "__init__", watch.built))
        seed_all(0)
        model, args, kwargs = make()
    uninitialised.fill(model, lambda: make()[0])
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(_noting(kind, _called_by(kind), watch.called))
        for training in (True, False):
            model.train(training)
            seed_all(1)
            model(*args, **kwargs)
    return list(_recipes(watch, model, os.path.realpath(root)))


def _recipes(watch: "_Watch", model: Any, root: str) -> Iterator[Dict[str, Any]]:
    by_class: Dict[type, List[Tuple[Value, Value]]] = {}
    for made in watch.parts.values():
        if made.part is model or type(made.part) is type(model) or made.build is None:
            continue
        ways = by_class.setdefault(type(made.part), [])
        ways += [(made.build, one) for one in made.inputs]
    for kind, ways in by_class.items():
        file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
        path = os.path.relpath(os.path.realpath(file), root)
        if path.startswith(os.pardir) or "<locals>" in kind.__qualname__:
            continue
        ways.sort(key=lambda way: len(way[0].text) + len(way[1].text))
        for build, inputs in list(dict.fromkeys(ways))[:EACH]:
            yield {
                "source": "recorded",
                "where": "in {}".format(type(model).__qualname__),
                "path": path.replace(os.sep, "/"),
                "class_name": kind.__qualname__,
                "build": build.text,
                "inputs": inputs.text,
                "setup": joined([build.setup, inputs.setup]),
                "function": "",
                "labels": [],
            }


def _kinds_in(model: Any) -> List[type]:
    kinds = {type(part): None for part in model.modules()}
    return [
        kind
        for kind in kinds
        if kind is not torch.nn.Module and not issubclass(kind, torch.jit.ScriptModule)
    ]


def _called_by(kind: type) -> str:
    """What a call runs: `forward`, or a `__call__` written by hand."""
    return "forward" if forward_of(kind) is getattr(kind, "forward", None) else "__call__"


@contextlib.contextmanager
def _noting(kind: Any, name: str, note: Callable[..., None]) -> Iterator[None]:
    """While it lasts, `note` is told of each call of the method on instances of just this class."""
    own, method = vars(kind).get(name), getattr(kind, name)

    @functools.wraps(method)
    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self) is kind:
            note(self, args, kwargs)
        return method(self, *args, **kwargs)

    setattr(kind, name, noting)
    try:
        yield
    finally:
        if own is None:
            delattr(kind, name)
        else:
            setattr(kind, name, own)


class _Watch:
    """`parts`: by identity what was built, in order."""

    def __init__(self, recipe: Mapping[str, Any], cls: Any, namespace: Mapping[str, Any]) -> None:
        self.parts: Dict[int, _Made] = {}
        self._outer = cls
        self._call = call_of(recipe.get("build") or "")
        self._setup = recipe.get("setup") or ""
        self._namespace = namespace
        self._known: Dict[int, Value] = {}
        self._kept: List[Any] = []  # An id stands for an object as long as that lives.

    def built(self, part: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        if id(part) in self.parts:
            return
        if not self._known and type(part) is self._outer:
            self._take_arguments(args, kwargs)
        self.parts[id(part)] = _Made(
            part, self._written(lambda: self._build(part, args, kwargs)), []
        )

    def called(self, part: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        made = self.parts.get(id(part))
        if made is not None and made.part is part and not made.inputs:
            inputs = self._written(lambda: self._inputs(args, kwargs))
            if inputs is not None:
                made.inputs.append(inputs)

    def _take_arguments(self, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        """What hangs on the arguments of the model is named by the source that made these."""
        call = self._call
        if call is None or call.called != self._outer.__name__:
            return
        texts = [*zip(call.positional, args)]
        texts += [(text, kwargs[name]) for name, text in call.named.items() if name in kwargs]
        for text, value in texts:
            with contextlib.suppress(_Unwritable):
                self._know(value, self._from_outside(text), 0)

    def _know(self, value: Any, source: Value, depth: int) -> None:
        if _is_plain(value) or id(value) in self._known or depth > 2:
            return
        self._known[id(value)] = source
        self._kept.append(value)
        if isinstance(value, dict):
            items = [("[{!r}]".format(key), one) for key, one in value.items()]
        else:
            held = getattr(value, "__dict__", {})
            items = [("." + name, one) for name, one in held.items() if name.isidentifier()]
        for step, one in items:
            self._know(one, source._replace(text=source.text + step), depth + 1)

    def _from_outside(self, text: str) -> Value:
        """Source that was written for the model's file, with the imports that others need."""
        module = str(self._namespace.get("__name__", ""))
        lines = [self._setup]
        for node in ast.walk(ast.parse(text, mode="eval")):
            name = node.id if isinstance(node, ast.Name) else ""
            known = name in HELPERS or hasattr(builtins, name)
            if not known and self._namespace.get(name, torch) is not torch:
                lines.append("from {} import {}".format(module, name))
        return Value(text, joined(lines))

    def _written(self, write: Callable[[], Value]) -> Optional[Value]:
        try:
            value = write()
        except (_Unwritable, RuntimeError, AttributeError, NotImplementedError):
            return None
        return value if len(value.text) <= LONGEST else None

    def _build(self, part: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Value:
        kind = type(part)
        if initialiser(kind) is None:
            raise _Unwritable
        called = self._importable(kind)
        given = [self._source(one, 0) for one in args]
        named = [(name, self._source(one, 0)) for name, one in kwargs.items()]
        texts = [one.text for one in given]
        texts += ["{}={}".format(name, one.text) for name, one in named]
        setups = [called.setup, *(one.setup for one in given), *(one.setup for _, one in named)]
        return Value("{}({})".format(called.text, ", ".join(texts)), joined(setups))

    def _inputs(self, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Value:
        given, named = self._source(tuple(args), 0), self._source(dict(kwargs), 0)
        text = "({}, {})".format(given.text, named.text)
        return Value(text, joined([given.setup, named.setup]))

    def _source(self, value: Any, depth: int) -> Value:
        if depth > _DEPTH:
            raise _Unwritable
        if _is_plain(value):
            return Value(_plain(value))
        known = self._known.get(id(value))
        if known is not None:
            return known
        if type(value) in (torch.Tensor, torch.nn.Parameter):
            return Value(_tensor(value.detach()))
        if isinstance(value, torch.nn.Module):
            made = self.parts.get(id(value))
            if made is None or made.build is None or made.part is not value:
                raise _Unwritable
            return made.build
        if type(value) is dict:
            return self._dictionary(value, depth)
        if type(value) in (list, tuple, torch.Size, set):
            return self._sequence(value, depth)
        if isinstance(value, functools.partial):
            return self._partial(value, depth)
        if isinstance(value, type) or plain_function(value) is value or callable(value):
            return self._importable(value)
        raise _Unwritable

    def _sequence(self, value: Any, depth: int) -> Value:
        items = [self._source(one, depth + 1) for one in value]
        inner = ", ".join(one.text for one in items)
        if isinstance(value, tuple):
            text = "({},)".format(inner) if len(items) == 1 else "({})".format(inner)
        elif isinstance(value, set):
            text = "{{{}}}".format(inner) if items else "set()"
        else:
            text = "[{}]".format(inner)
        return Value(text, joined([one.setup for one in items]))

    def _dictionary(self, value: Dict[Any, Any], depth: int) -> Value:
        keys = [self._source(key, depth + 1) for key in value]
        items = [self._source(one, depth + 1) for one in value.values()]
        inner = ", ".join("{}: {}".format(k.text, v.text) for k, v in zip(keys, items))
        return Value("{{{}}}".format(inner), joined([one.setup for one in (*keys, *items)]))

    def _partial(self, value: Any, depth: int) -> Value:
        function = self._source(value.func, depth + 1)
        args = [self._source(one, depth + 1) for one in value.args]
        named = [(name, self._source(one, depth + 1)) for name, one in value.keywords.items()]
        texts = [function.text, *(one.text for one in args)]
        texts += ["{}={}".format(name, one.text) for name, one in named]
        setups = ["import functools", function.setup, *(one.setup for one in args)]
        setups += [one.setup for _, one in named]
        return Value("functools.partial({})".format(", ".join(texts)), joined(setups))

    def _importable(self, value: Any) -> Value:
        """A class or function by its name in its module, where it is there."""
        name, module = getattr(value, "__qualname__", ""), getattr(value, "__module__", None) or ""
        if isinstance(value, type) and getattr(torch.nn, name, None) is value:
            return Value("torch.nn." + name)
        if getattr(torch.nn.functional, name, None) is value:
            return Value("torch.nn.functional." + name)
        outer = name.partition(".")[0]
        found: Any = sys.modules.get(module)
        for step in name.split("."):
            found = getattr(found, step, None)
        if found is not value or module.startswith("_codemod"):
            raise _Unwritable
        if module == "builtins":
            return Value(name)
        return Value(name, "from {} import {}".format(module, outer))


def _is_plain(value: Any) -> bool:
    kinds = (type(None), bool, int, float, str, bytes, torch.dtype, torch.device)
    return type(value) in kinds or value is Ellipsis


def _plain(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "float({!r})".format(str(value))
    if isinstance(value, torch.device):
        return "torch.device({!r})".format(str(value))
    return repr(value)


def _tensor(tensor: Any) -> str:
    """Source of a tensor of the shape and kind."""
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise _Unwritable
    shape = tuple(tensor.shape)
    dtype = "" if tensor.dtype is torch.float32 else ", dtype={}".format(tensor.dtype)
    if tensor.dtype.is_complex:
        return "torch.randn({}{})".format(shape, dtype)
    if tensor.dtype.is_floating_point:
        return "torch.{}({}{})".format(_filling(tensor), shape, dtype)
    if 0 < tensor.numel() <= WRITTEN_OUT:
        return "torch.tensor({}, dtype={})".format(tensor.tolist(), tensor.dtype)
    if tensor.dtype is torch.bool or tensor.numel() == 0:
        return "torch.ones({}{})".format(shape, dtype)
    low, high = int(tensor.min()), int(tensor.max())
    return "torch.randint({}, {}, {}{})".format(low, high + 1, shape, dtype)


def _filling(tensor: Any) -> str:
    """What makes a tensor like it: a mask of zeros, shares from 0 to 1, numbers of any sign."""
    if tensor.numel() == 0:
        return "zeros"
    if not bool(torch.isfinite(tensor).all()) or float(tensor.abs().max()) > _LARGE:
        return "zeros"
    return "rand" if float(tensor.min()) >= 0 and float(tensor.max()) <= 1 else "randn"
