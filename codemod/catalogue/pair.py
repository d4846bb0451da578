"""What the catalogue holds: one `Pair` for each nn module that has a functional form.

Source text stands for values throughout (`"0.5"`, `"None"`): the catalogue maps code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Group = Literal[
    "activation",
    "softmax",
    "pooling",
    "dropout",
    "padding",
    "upsampling",
    "shape",
    "normalization",
    "distance",
    "loss",
]

# How an argument's source changes from constructor to functional, and back.
# `repeat-N`: a number becomes a tuple of N of it; a tuple must have N elements, and becomes a
# number where all N are the same number. `single-to-X`: a number becomes a tuple; a tuple stays.
Converter = Literal[
    "same",
    "repeat-2",
    "repeat-4",
    "repeat-6",
    "single-to-tuple",
    "single-to-pair",
    "single-to-triple",
]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a constructor, `forward` or functional; no `default`: required."""

    name: str
    default: str | None = None
    keyword_only: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Constructor parameter `module` and functional parameter `functional` are the same thing.

    Of several links to one functional parameter the first is the constructor's proper name, the
    others are deprecated aliases that win over it unless they are None.
    """

    module: str
    functional: str
    convert: Converter = "same"


@dataclass(frozen=True, slots=True)
class Functional:
    """One spelling of the functional form, with its own signature.

    `inputs`: the parameters given a call, in the order of `Pair.forward`.
    `constants`: functional parameters that this pair fixes (`mode="reflect"`).
    `accepts`: functional parameters without a module form, and values, beside the default, that
    change nothing.
    `training`: the functional parameter that must be `self.training`.
    `implies`: constructor parameters that the spelling itself sets (`relu_`: inplace=True).
    `method`: called on its first input (`x.unflatten(1, (2, 3))`), `name` is then `torch.Tensor.X`;
    `parameters` and `inputs` begin with that input all the same, as `input`.
    `emit`: whether module-to-functional may write this spelling (the first that may is preferred).

    A parameter that is no input, no constant, not `training` and in no link has no module form.
    """

    name: str  # "torch.nn.functional.relu"
    parameters: tuple[Parameter, ...]
    inputs: tuple[str, ...]
    links: tuple[Link, ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    accepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    training: str | None = None
    implies: Mapping[str, str] = field(default_factory=dict)
    method: bool = False
    emit: bool = True


@dataclass(frozen=True, slots=True)
class Pair:
    """`module` and each of `functional` compute the same.

    `stateful_if`: constructor parameters that give the module parameters or buffers, each with the
    source values under which it has none: `{"weight": ("None",)}`, `{"affine": ("False",)}`.
    `ignored`: constructor parameters that change no result while the module is stateless.
    `from_functional`: whether functional-to-module may make this module.
    `trace_differs`: the operators differ although all results are bitwise equal (no pair's do so
    far; the test that runs all pairs compares them).
    """

    module: str  # "torch.nn.ReLU"
    group: Group
    attribute: str  # the field's habit: "relu", "pool"
    constructor: tuple[Parameter, ...]
    forward: tuple[Parameter, ...]
    functional: tuple[Functional, ...]
    stateful_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    from_functional: bool = True
    trace_differs: bool = False
    note: str = ""

    @property
    def functional_names(self) -> frozenset[str]:
        """The last parts of the names of its functionals: `relu`."""
        return frozenset(item.name.rpartition(".")[2] for item in self.functional)
