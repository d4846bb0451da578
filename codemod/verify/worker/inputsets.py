"""Runs a model on other inputs than its recipe's, with other weights, seeds and arguments.

The same model serves all sets that change inputs alone, one after the other, its tensors put
back each time; which sets are run is settled before the first, so that what one leaves behind
is the same in every run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import zlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch

from . import namednumbers, otherbuilds, witness
from .othervalues import CHANGES, Made, changed, double, tiny
from .step import Build, Manner, built, seed_all, step
from .tracing import located
from .trees import Tree

_WEIGHTS, _SMALL = "other weights", "small numbers"
_WITHOUT_GRADIENTS, _SECOND = "without gradients", "second gradients"
_AUTOCAST = "autocast"
_DOUBLE, _OTHER_ARGUMENTS = "float64", "other arguments"
_ARGUMENT = "argument "  # and the name of an integer that the constructor takes

# The most telling first: those that follow are run where there is work left for them.
_ORDER = (
    "large",
    "longer",
    _WEIGHTS,
    _WITHOUT_GRADIENTS,
    "negative",
    "batch of one",
    "not finite",
    _DOUBLE,
    "higher",
    "much longer",
    "zero",
    _SMALL,
    "other layout",
    "whole numbers",
    "other rank",
    _SECOND,
    _AUTOCAST,
    _OTHER_ARGUMENTS,
)
# In elements (`tracing.Recorder.work`): of all sets together, of one run for there to be any.
_WORK = 400_000_000
_AFFORDABLE = 200_000_000


def affordable(work: int) -> Tuple[str, ...]:
    """The sets to be run of a model whose run on its own inputs costs `work`."""
    return () if work > _AFFORDABLE else _ORDER[: _WORK // max(1, work)]


def suitable(work: int, build: Build, manner: Manner) -> Tuple[str, ...]:
    """Those that are affordable, with those that this model's constructor and code give."""
    names = affordable(work)
    if len(names) < len(_ORDER):
        return names
    arguments = (_ARGUMENT + name for name in otherbuilds.integers(build, manner))
    return (*names, *arguments, *namednumbers.sets(built(build, manner.seed)))


def observed(
    build: Build, manner: Manner, names: Sequence[str], keys: Optional[Tree] = None
) -> Tree:
    """What each set shows: by name the aspects that depend on inputs, and keys of witnesses.

    A set that changes nothing about this model is left out. A mode in which the model raises
    holds that alone. `keys`: the `state_dict` tree of those weights that may change.
    """
    found: Dict[str, Tree] = {}
    if not names:
        return found
    sets = _Sets(build, manner, keys)
    kept = _Kept(sets.made[0])
    for name in names:
        other, error = sets.made_for(name, sets.made)
        if error is not None:
            found[name] = {"eval": error, "train": error}
        elif other is not None:
            own = kept if other[0] is sets.made[0] else _Kept(other[0])
            found[name] = _modes(name, other, own, sets.manner_of(name))
    for name in manner.located & found.keys():
        found[name]["places"] = sets.places(name)
    return found


class _Sets:
    """The sets of one model, `made` being the one that serves several."""

    def __init__(self, build: Build, manner: Manner, keys: Optional[Tree]) -> None:
        self.made = built(build, manner.seed)
        self._build, self._manner, self._keys = build, manner, keys

    def manner_of(self, name: str) -> Manner:
        """Each under a seed of its own: what chance decides is decided otherwise."""
        manner = self._manner
        return dataclasses.replace(
            manner,
            seed=manner.seed + 1 + zlib.crc32(name.encode()) % 10_000,
            differentiable=manner.differentiable and name != _WITHOUT_GRADIENTS,
        )

    def made_for(self, name: str, made: Made) -> Tuple[Optional[Made], Optional[Tree]]:
        """A model and inputs of a set, or what building them raises; neither if nothing changes."""
        build, manner = self._build, self._manner
        if name == _OTHER_ARGUMENTS:
            return otherbuilds.with_arguments(build, made, manner, otherbuilds.other_number)
        if name.startswith(_ARGUMENT):
            change = otherbuilds.other_value_of(name[len(_ARGUMENT) :])
            return otherbuilds.with_arguments(build, made, manner, change)
        if name == _WEIGHTS:
            return otherbuilds.with_weights(build, manner, lambda v: v * 0.75 + 0.0625, self._keys)
        if name == _SMALL:
            return self._small()
        if name == _DOUBLE:
            other = changed(built(build, manner.seed), double)
            return (None if other is None else (other[0].double(), *other[1:])), None
        if name.startswith(namednumbers.PREFIX):
            return namednumbers.with_number(name, made), None
        if name in (_WITHOUT_GRADIENTS, _SECOND, _AUTOCAST):
            return made, None
        return changed(made, CHANGES[name]), None

    def _small(self) -> Tuple[Optional[Made], Optional[Tree]]:
        other, error = otherbuilds.with_weights(self._build, self._manner, tiny, self._keys)
        return (changed(other, tiny) or other if other is not None else None), error

    def places(self, name: str) -> Tree:
        """By mode what ran where, on models of their own: the others must not notice."""
        places: Tree = {}
        manner = self.manner_of(name)
        for mode in ("eval", "train"):
            made, error = self.made_for(name, built(self._build, self._manner.seed))
            if made is not None and error is None:
                seed_all(manner.seed)
                with _around(name):
                    places[mode] = located(made, mode == "train", manner)
        return places


@contextlib.contextmanager
def _around(name: str) -> Iterator[None]:
    """What users put around the call of a model, and the model may undo."""
    precision = torch.autocast("cpu", torch.bfloat16, enabled=name == _AUTOCAST)
    with torch.set_grad_enabled(name != _WITHOUT_GRADIENTS), precision:
        yield


def _modes(name: str, made: Made, kept: "_Kept", manner: Manner) -> Tree:
    tree = {"reached": {}}  # type: Tree
    for mode in ("train",) if name == _SECOND else ("eval", "train"):
        kept.put_back(gradients=name == _WEIGHTS)
        with witness.apart() as keys, _around(name):
            seen, error = _mode(name, made, mode == "train", manner)
        tree.update(seen if error is None else {mode: error})
        tree["reached"][mode] = sorted(keys)
    kept.put_back()
    return tree


def _mode(
    name: str, made: Made, train: bool, manner: Manner
) -> Tuple[Dict[str, Tree], Optional[Tree]]:
    order = (2 if name == _SECOND else 1) if train else 0
    seed_all(manner.seed)
    try:
        done = step(*made, train, manner, order, twice=name == _WITHOUT_GRADIENTS)
    except MemoryError:
        return {}, {"raises": "MemoryError"}
    if done.raised:
        return {}, done.outputs
    parts = {"buffers": done.buffers, "inputs": done.inputs, "rng": done.rng}
    if train:
        return {"train": done.outputs, "grads": done.grads, **parts}, None
    return {"eval": {"dict": [["outputs", done.outputs], *map(list, parts.items())]}}, None


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

    def put_back(self, *, gradients: bool = False) -> None:
        """`gradients`: those of parameters are ones, to be added to; else there are none."""
        with torch.no_grad():
            for one in self._held:
                one.owner[one.name] = one.tensor
                # Normalisation writes its statistics past the version counter.
                one.tensor.data = one.values.clone()
                wanted = gradients and one.tensor.requires_grad
                one.tensor.grad = torch.ones_like(one.tensor) if wanted else None


@dataclasses.dataclass(frozen=True)
class _Held:
    owner: Dict[str, Any]
    name: str
    tensor: Any
    values: Any
