"""Runs a model on other inputs than its recipe's: other values, shapes, layouts and precision.

The same model serves all sets, one after the other, its tensors put back each time; which sets
are run is settled before the first, so that what one leaves behind is the same in every run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

import torch

from . import witness
from .step import Build, Change, Manner, attempt, built, copied, seed_all, step
from .tracing import located
from .trees import Tree

Made = Tuple[Any, Any, Any]
_Value = Callable[[str, Any], Any]  # name and value of an argument -> another value, or None

# Work that a run on the recipe's own inputs may cost, in elements (`tracing.Recorder.work`).
_CHEAP = 30_000_000
_AFFORDABLE = 200_000_000
_SIZES = 5
_HALF = 0.5
_DOUBLE, _OTHER_ARGUMENTS = "float64", "other arguments"
_FROM_ZERO = 0.25


@dataclasses.dataclass(frozen=True)
class _Shape:
    """Sizes that tensors of one call have in common. 0: there is none."""

    batch: int
    length: int


def _negative(tensor: Any, shape: _Shape) -> Any:
    """All values below zero, in a batch of one more."""
    more = _one_more(tensor, 0, shape.batch)
    return -more.abs() if _is_floating(more) else more


def _zero(tensor: Any, shape: _Shape) -> Any:
    return torch.zeros_like(tensor)


def _large(tensor: Any, shape: _Shape) -> Any:
    """Values of all sizes: times 1, 10, 100, 1000 and 10,000 in turn."""
    if not _is_floating(tensor):
        return tensor
    turns = torch.arange(tensor.numel()).remainder_(_SIZES).reshape(tensor.shape)
    return tensor * torch.pow(10, turns).to(tensor.dtype)


def _not_finite(tensor: Any, shape: _Shape) -> Any:
    """NaN in the first example, both infinities in the last, the others as they are."""
    if not _is_floating(tensor) or tensor.is_complex() or tensor.numel() < 4:
        return tensor
    changed = tensor.clone(memory_format=torch.contiguous_format)
    flat = changed.view(-1)
    flat[0] = float("nan")
    flat[-1] = float("inf")
    flat[-2] = float("-inf")
    return changed


def _batch_of_one(tensor: Any, shape: _Shape) -> Any:
    """The first example alone, in whole numbers."""
    if not tensor.dim() or tensor.shape[0] != shape.batch or shape.batch < 2:
        return tensor
    return (tensor[:1] * 2).round() if _is_floating(tensor) else tensor[:1].clone()


def _laid_out_otherwise(tensor: Any, shape: _Shape) -> Any:
    """The same values, the last two dimensions swapped in memory."""
    if tensor.dim() < 2 or min(tensor.shape[-2:]) < 2:
        return tensor
    return tensor.transpose(-1, -2).contiguous().transpose(-1, -2)


def _longer(tensor: Any, shape: _Shape) -> Any:
    """One more element wherever there is the last size of the first tensor."""
    for dimension in range(1, tensor.dim()):
        tensor = _one_more(tensor, dimension, shape.length)
    return tensor


def _double(tensor: Any, shape: _Shape) -> Any:
    return tensor.double() if tensor.dtype is torch.float32 else tensor


def _unchanged(tensor: Any, shape: _Shape) -> Any:
    return tensor


# In the order in which they run; `float64` changes the model for good.
_CHANGES: Dict[str, Callable[[Any, _Shape], Any]] = {
    "large": _large,
    "not finite": _not_finite,
    "longer": _longer,
    "negative": _negative,
    "zero": _zero,
    "batch of one": _batch_of_one,
    "other layout": _laid_out_otherwise,
    _DOUBLE: _double,
    _OTHER_ARGUMENTS: _unchanged,
}
_FEW = ("large", "longer")
_ARGUMENT = "argument "  # and the name of an integer that the constructor takes
_MOST_ARGUMENTS = 3


def affordable(work: int) -> Tuple[str, ...]:
    """The sets to be run of a model whose run on its own inputs costs `work`."""
    if work > _AFFORDABLE:
        return ()
    return _FEW if work > _CHEAP else tuple(_CHANGES)


def suitable(work: int, build: Build, manner: Manner) -> Tuple[str, ...]:
    """Those that are affordable, with those that this model's constructor gives."""
    names = affordable(work)
    return names if len(names) < len(_CHANGES) else (*names, *arguments(build, manner))


def observed(build: Build, manner: Manner, names: Sequence[str]) -> Tree:
    """What each set shows: by name the aspects that depend on inputs, and keys of witnesses.

    A set that changes nothing about this model is left out. A mode in which the model raises
    holds that alone.
    """
    found: Dict[str, Tree] = {}
    if not names:
        return found
    made = built(build, manner.seed)
    kept = _Kept(made[0])
    for name in names:
        other, error = _made_for(name, made, build, manner)
        if error is not None:
            found[name] = {"eval": error, "train": error}
        elif other is not None:
            own = other[0] is made[0] and name != _DOUBLE
            found[name] = _modes(other, kept if own else _Kept(other[0]), manner)
    for name in manner.located & found.keys():
        found[name]["places"] = _places(name, build, manner)
    return found


def _made_for(
    name: str, made: Made, build: Build, manner: Manner
) -> Tuple[Optional[Made], Optional[Tree]]:
    """A model and inputs of a set, or what building them raises; neither if nothing changes."""
    if name == _OTHER_ARGUMENTS:
        return _with_other_arguments(build, made, manner, _other_number)
    if name.startswith(_ARGUMENT):
        change = _other_value_of(name[len(_ARGUMENT) :])
        return _with_other_arguments(build, made, manner, change)
    shape = _shape_of(made)
    changed = _changed(made, lambda tensor: _CHANGES[name](tensor, shape))
    if changed is not None and name == _DOUBLE:
        made[0].double()
    return changed, None


def _modes(made: Made, kept: "_Kept", manner: Manner) -> Tree:
    tree = {"reached": {}}  # type: Tree
    for mode in ("eval", "train"):
        kept.put_back()
        with witness.apart() as keys:
            seen, error = _mode(made, mode == "train", manner)
        tree.update(seen if error is None else {mode: error})
        tree["reached"][mode] = sorted(keys)
    kept.put_back()
    return tree


def _places(name: str, build: Build, manner: Manner) -> Tree:
    """By mode what ran where, on models of their own: the others must not notice."""
    places: Tree = {}
    for mode in ("eval", "train"):
        made, error = _made_for(name, built(build, manner.seed), build, manner)
        if made is not None and error is None:
            seed_all(manner.seed)
            places[mode] = located(made, mode == "train", manner)
    return places


def _mode(made: Made, train: bool, manner: Manner) -> Tuple[Dict[str, Tree], Optional[Tree]]:
    seed_all(manner.seed)
    try:
        done = step(*made, train, manner, backward=train)
    except MemoryError:
        return {}, {"raises": "MemoryError"}
    if done.raised:
        return {}, done.outputs
    parts = {"buffers": done.buffers, "inputs": done.inputs, "rng": done.rng}
    if train:
        return {"train": done.outputs, "grads": done.grads, **parts}, None
    return {"eval": {"dict": [["outputs", done.outputs], *map(list, parts.items())]}}, None


def _changed(made: Made, change: Change) -> Optional[Made]:
    """The same model and other inputs; None if no tensor changes, or none can."""
    model, args, kwargs = made
    changes: List[bool] = []

    def noting(tensor: Any) -> Any:
        if tensor.layout is not torch.strided or tensor.is_quantized:
            return tensor
        other = change(tensor.detach())
        changes.append(not _is_same(other, tensor))
        return other

    failed, inputs, _error = attempt(lambda: copied((args, kwargs), noting))
    return None if failed or not any(changes) else (model, *inputs)


def _is_same(one: Any, other: Any) -> bool:
    return (
        one.dtype is other.dtype
        and one.shape == other.shape
        and one.stride() == other.stride()
        and torch.equal(one, other)
    )


def _one_more(tensor: Any, dimension: int, size: int) -> Any:
    if size == 0 or tensor.dim() <= dimension or tensor.shape[dimension] != size:
        return tensor
    return torch.cat([tensor, tensor.narrow(dimension, 0, 1)], dimension)


def _is_floating(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating_point or tensor.dtype.is_complex)


def _shape_of(made: Made) -> _Shape:
    """Of the first tensors that have a batch and a length: images, sequences, tokens."""
    tensors: List[Any] = []

    def note(tensor: Any) -> Any:
        tensors.append(tensor)
        return tensor

    attempt(lambda: copied(made[1:], note))
    batches = [t.shape[0] for t in tensors if t.dim() > 0]
    lengths = [
        t.shape[-1] for t in tensors if t.dim() > 2 or (t.dim() == 2 and not _is_floating(t))
    ]
    return _Shape(batches[0] if batches else 0, lengths[0] if lengths else 0)


class _Kept:
    """The tensors of a model as they are now, to be put back."""

    def __init__(self, model: Any) -> None:
        self._held: List[_Held] = []
        for part in model.modules():
            for held in (part._parameters, part._buffers):
                for name, tensor in held.items():
                    if tensor is not None and not torch.nn.parameter.is_lazy(tensor):
                        values = tensor.detach().clone()
                        self._held.append(_Held(held, name, tensor, values))

    def put_back(self) -> None:
        with torch.no_grad():
            for one in self._held:
                one.owner[one.name] = one.tensor
                one.tensor.grad = None
                # Normalisation writes its statistics past the version counter.
                one.tensor.data = one.values.clone()


@dataclasses.dataclass(frozen=True)
class _Held:
    owner: Dict[str, Any]
    name: str
    tensor: Any
    values: Any


# Other arguments of the constructor


def _with_other_arguments(
    build: Build, made: Made, manner: Manner, change: _Value
) -> Tuple[Optional[Made], Optional[Tree]]:
    """The model built with other arguments of its constructor.

    A constant that stands for an argument is right for the default alone.
    """
    changed: List[str] = []
    with _changing_arguments(type(made[0]), change, changed):
        _failed, other, error = attempt(lambda: built(build, manner.seed))
    return (other, error) if changed else (None, None)


@contextlib.contextmanager
def _changing_arguments(kind: Any, change: _Value, changed: List[str]) -> Iterator[None]:
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
    init: Any, args: Tuple[Any, ...], kwargs: Dict[str, Any], change: _Value, changed: List[str]
) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
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


def _other_number(name: str, value: Any) -> Optional[float]:
    """Of rates, slopes and scales: each `float` halved, 0.0 not 0."""
    if type(value) is not float:
        return None
    return value * _HALF if value else _FROM_ZERO


def _other_value_of(wanted: str) -> _Value:
    """Of one integer: a dimension, the size of a kernel. A flag may start a download."""

    def change(name: str, value: Any) -> Any:
        if name != wanted or type(value) is not int:
            return None
        return value + (1 if value >= 0 else -1)

    return change


def arguments(build: Build, manner: Manner) -> Tuple[str, ...]:
    """The sets in which one argument of the constructor is another."""
    kind = type(built(build, manner.seed)[0])
    found: List[str] = []

    def note(name: str, value: Any) -> Any:
        if type(value) is int:
            found.append(_ARGUMENT + name)

    with _changing_arguments(kind, note, []):
        attempt(lambda: built(build, manner.seed))
    return tuple(found[-_MOST_ARGUMENTS:])
