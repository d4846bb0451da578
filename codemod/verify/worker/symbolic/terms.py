"""Opaque values that a symbolic run computes with, and the record of what was done to them.

A `Tensor` term is named by the event that made it; a `Value` term (a size, an argument of the
constructor) by the expression that it stands for. What is done to tensors, and every call of what
is not known, is an event, in order; questions about sizes and arithmetic on them are none.
"""

from __future__ import annotations

import contextlib
import dis
import hashlib
import sys
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from . import guards_of_torch

MOST_PATHS = 64
_MOST_EVENTS = 4000
_LONGEST = 120

Json = Any
Event = Dict[str, Json]


class Unsupported(Exception):
    """What a term cannot do: the run shows nothing from here on."""


class TooMany(BaseException):
    """More paths or events than anybody wants to compare."""


class Recorder:
    """One path through the code: the answers given to its questions, and the events."""

    def __init__(self, given: Sequence[bool]) -> None:
        self.events: List[Event] = []
        self.answers: Dict[str, Json] = {}
        self.turns: List[bool] = []
        self._given = list(given)
        self._objects: Dict[int, Tuple[str, Any]] = {}
        self.names: Dict[int, str] = {}
        self.kept: List[Any] = []  # what `names` names, so that no other object gets its address
        self.building = False

    def decide(self, expression: str) -> bool:
        """The truth of an expression: as given, else False; the same each time it is asked."""
        if expression in self.answers:
            return bool(self.answers[expression])
        guard = guards_of_torch.answer(sys._getframe(2))
        if guard is not None:
            return guard
        turn = self._given[len(self.turns)] if len(self.turns) < len(self._given) else False
        self.turns.append(turn)
        self.answers[expression] = turn
        return turn

    def assume(self, expression: str, value: Any) -> Any:
        """A number where nothing but a number will do."""
        return self.answers.setdefault(expression, value)

    def event(self, op: str, args: Any, kwargs: Any, result: bool = True) -> str:
        """The name of what an event gives."""
        if len(self.events) >= _MOST_EVENTS:
            raise TooMany("events")
        name = "%%%d" % len(self.events)
        shown: Event = {"op": op, "args": [self.show(one) for one in args]}
        if kwargs:
            shown["kwargs"] = {key: self.show(kwargs[key]) for key in sorted(kwargs)}
        mode = _autograd_mode()
        if mode:
            shown["mode"] = mode
        self.events.append(shown)
        return name

    def show(self, value: Any) -> Json:
        """A value as JSON that is equal for equal values of two runs."""
        if isinstance_exactly(value, Tensor):
            return {"term": value._term}
        if isinstance_exactly(value, Value):
            return {"value": value._term}
        if value is None or type(value) in (bool, int, float, complex, str, bytes):
            return {"is": "%s %r" % (type(value).__name__, value)}
        if isinstance(value, (tuple, list)):
            kind = "tuple" if isinstance(value, tuple) else "list"
            return {kind: [self.show(one) for one in value]}
        if type(value) is dict:
            return {"dict": [[self.show(key), self.show(one)] for key, one in value.items()]}
        if type(value) is slice:
            return {"slice": [self.show(one) for one in (value.start, value.stop, value.step)]}
        return {"is": self._name_of(value)}

    def _name_of(self, value: Any) -> str:
        known = self.names.get(id(value))
        if known is not None:
            version = getattr(value, "_version", 0)
            return "%s, written to %s times" % (known, version) if version else known
        text = _constant(value)
        if text is not None:
            return text
        if id(value) not in self._objects:
            kind = type(value)
            name = "object %d %s.%s" % (len(self._objects), kind.__module__, kind.__qualname__)
            self._objects[id(value)] = (name, value)
        return self._objects[id(value)][0]


def _constant(value: Any) -> Optional[str]:
    import torch

    if value is Ellipsis or value is NotImplemented:
        return repr(value)
    if isinstance(value, (torch.dtype, torch.device, torch.layout, torch.memory_format)):
        return repr(value)
    if type(value) in (torch.Tensor, torch.nn.Parameter):
        from ..trees import digest

        return "tensor %s %s %s" % (tuple(value.shape), value.dtype, digest(value))
    if isinstance(value, type) or callable(value):
        name = getattr(value, "__qualname__", None)
        if isinstance(name, str) and not hasattr(value, "__self__"):
            return "%s.%s" % (getattr(value, "__module__", ""), name)
    return None


def _autograd_mode() -> List[str]:
    """What surrounds an operation and changes what it does, where it is not as usual."""
    import torch

    return [
        *([] if torch.is_grad_enabled() else ["no grad"]),
        *(["autocast"] if torch.is_autocast_enabled() else []),
        *(["autocast on the CPU"] if torch.is_autocast_cpu_enabled() else []),
    ]


_recorder: Optional[Recorder] = None


def begin(given: Sequence[bool]) -> Recorder:
    """The recorder of the path that is run from now on."""
    global _recorder
    _recorder = Recorder(given)
    return _recorder


@contextlib.contextmanager
def aside() -> Iterator[Recorder]:
    """Try something out: what is recorded meanwhile is forgotten."""
    global _recorder
    kept, _recorder = _recorder, Recorder(())
    try:
        yield _recorder
    finally:
        _recorder = kept


def recorder() -> Recorder:
    assert _recorder is not None
    return _recorder


def isinstance_exactly(value: Any, kind: type) -> bool:
    """`isinstance` that asks no term for its `__class__`."""
    return issubclass(type(value), kind)


def is_term(value: Any) -> bool:
    return issubclass(type(value), Term)


def holds_term(value: Any, depth: int = 4) -> bool:
    """Whether there is a term in it, however deep in plain containers."""
    if is_term(value):
        return True
    if depth and isinstance(value, (tuple, list)):
        return any(holds_term(one, depth - 1) for one in value)
    if depth and type(value) is dict:
        return any(holds_term(one, depth - 1) for one in value.values())
    if depth and type(value) is slice:
        return any(is_term(one) for one in (value.start, value.stop, value.step))
    return False


def operation(op: str, args: Sequence[Any], kwargs: Optional[Dict[str, Any]] = None) -> Any:
    """Record that something is done to tensors; the tensor that comes of it.

    What is done in place gives back what it is done to.
    """
    kwargs = kwargs or {}
    name = recorder().event(op, args, kwargs)
    if args and _is_in_place(op, kwargs) and is_term(args[0]):
        return args[0]
    if kwargs.get("out") is not None:
        return kwargs["out"]
    return Tensor(name)


def _is_in_place(op: str, kwargs: Dict[str, Any]) -> bool:
    name = op.rpartition(".")[2]
    return kwargs.get("inplace") is True or (name.endswith("_") and not name.endswith("__"))


class Term:
    """What both kinds of terms have in common."""

    def __init__(self, term: str) -> None:
        object.__setattr__(self, "_term", term)

    def __bool__(self) -> bool:
        return recorder().decide(_expression("bool", (self,)))

    def __hash__(self) -> int:
        return id(self)

    def __len__(self) -> int:
        return int(recorder().assume(_expression("len", (self,)), 2))

    def __iter__(self) -> Any:
        return iter([self[index] for index in range(_wanted_by(sys._getframe(1)) or len(self))])

    def __contains__(self, other: Any) -> bool:
        return recorder().decide(_expression("in", (other, self)))

    def __index__(self) -> int:
        return int(recorder().assume(_expression("index", (self,)), 2))

    def __int__(self) -> int:
        expression = _expression("int", (self,))
        return int(recorder().assume(expression, 8 * (1 + _number(expression, 13))))

    def __float__(self) -> float:
        expression = _expression("float", (self,))
        return float(recorder().assume(expression, 1 + _number(expression, 97) / 8))

    def __repr__(self) -> str:
        return "<%s>" % self._term

    __str__ = __repr__

    def __format__(self, form: str) -> str:
        return repr(self)

    def __deepcopy__(self, memo: Any) -> Any:
        raise Unsupported("deepcopy")

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    _term: str


def _wanted_by(frame: Any) -> Optional[int]:
    """How many values the statement that unpacks a term wants; None where it does not unpack."""
    instruction = next(
        (one for one in dis.get_instructions(frame.f_code) if one.offset == frame.f_lasti), None
    )
    if instruction is not None and instruction.opname == "UNPACK_SEQUENCE":
        return int(instruction.argval)
    return None


def _number(expression: str, below: int) -> int:
    return int(hashlib.sha256(expression.encode()).hexdigest()[:8], 16) % below


def _expression(op: str, args: Sequence[Any]) -> str:
    """A text for an expression; a long one is cut, and told from others by a digest."""
    text = "%s(%s)" % (op, ", ".join(_text(one) for one in args))
    if len(text) > _LONGEST:
        text = "%s..%s" % (text[:40], hashlib.sha256(text.encode()).hexdigest()[:24])
    return text


def _text(value: Any) -> str:
    return value._term if is_term(value) else repr(recorder().show(value))


class Value(Term):
    """A size, an argument, an attribute: what is asked of it or computed from it is no event."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in _ASKED_OF_ALL:
            raise AttributeError(name)
        return Value(_expression("." + name, (self,)))

    def __setattr__(self, name: str, value: Any) -> None:
        recorder().event("setattr", (self, name, value), {})

    def __getitem__(self, index: Any) -> Any:
        return Value(_expression("[]", (self, index)))

    def __setitem__(self, index: Any, value: Any) -> None:
        recorder().event("setitem", (self, index, value), {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if recorder().building:
            from . import opaque

            return opaque.unknown(self, args, kwargs)
        name = recorder().event("call", (self, *args), kwargs)
        return Tensor(name) if holds_tensor((args, kwargs)) else Value(name)


class Tensor(Term):
    """What tensors go through. It says that it is a `torch.Tensor`, for `isinstance`."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        import torch

        return torch.Tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        from .operators import name_of

        return operation(name_of(func), args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in _QUESTIONS:
            return lambda *args, **kwargs: Value(
                _expression("." + name, (self, *args, *sorted(kwargs.items())))
            )
        if name in _PROPERTIES:
            return Value(_expression("." + name, (self,)))
        if name in _CONTENTS:
            return lambda *args: Value(recorder().event("method." + name, (self, *args), {}))
        import torch

        if callable(getattr(torch.Tensor, name, None)):
            return lambda *args, **kwargs: operation("method." + name, (self, *args), kwargs)
        return operation("attribute." + name, (self,))

    def __setattr__(self, name: str, value: Any) -> None:
        recorder().event("setattr", (self, name, value), {})

    def __getitem__(self, index: Any) -> Any:
        return operation("method.__getitem__", (self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        recorder().event("method.__setitem__", (self, index, value), {})


def holds_tensor(value: Any) -> bool:
    if isinstance_exactly(value, Tensor):
        return True
    if isinstance(value, (tuple, list)):
        return any(holds_tensor(one) for one in value)
    return type(value) is dict and any(holds_tensor(one) for one in value.values())


# What libraries ask of any object, to see whether it is one of theirs.
_ASKED_OF_ALL = (
    "_is_param",
    "_is_buffer",
    "_fields",
    "_is_fx_proxy",
    "_backward_hooks",
    "_modules",
)
# Asked of tensors and told by their sizes and kinds: nothing is computed.
_QUESTIONS = (
    *("size", "dim", "numel", "nelement", "ndimension", "stride", "element_size", "get_device"),
    *("is_contiguous", "is_floating_point", "is_complex", "type", "storage_offset", "is_pinned"),
)
_PROPERTIES = (
    *(
        "shape",
        "dtype",
        "device",
        "ndim",
        "layout",
        "requires_grad",
        "is_leaf",
        "itemsize",
        "names",
    ),
    *(
        "is_cuda",
        "is_sparse",
        "is_quantized",
        "is_mkldnn",
        "is_meta",
        "is_nested",
        "is_mps",
        "is_xpu",
    ),
)
_CONTENTS = ("item", "tolist", "numpy", "cpu_numpy")

_BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"),
    *("lshift", "rshift"),
)
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
_UNARY = ("neg", "pos", "abs", "invert", "round")


def _give_operators() -> None:
    for name in (*_BINARY, *_COMPARISONS):
        _give("__%s__" % name)
    for name in _BINARY:
        _give("__r%s__" % name)
        setattr(Tensor, "__i%s__" % name, _in_place("__i%s__" % name))
    for name in _UNARY:
        _give("__%s__" % name)


def _give(name: str) -> None:
    def on_value(self: Any, *others: Any) -> Any:
        if any(isinstance_exactly(one, Tensor) for one in others):
            return operation("method." + name, (self, *others))
        return Value(_expression(name, (self, *others)))

    def on_tensor(self: Any, *others: Any) -> Any:
        return operation("method." + name, (self, *others))

    setattr(Value, name, on_value)
    setattr(Tensor, name, on_tensor)


def _in_place(name: str) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        recorder().event("method." + name, (self, other), {})
        return self

    return method


_give_operators()
