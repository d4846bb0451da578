"""Short constructors for the tables: a signature is written as it stands in a `def`.

`pair("ELU", "alpha=1.0", F("elu", "alpha=1.0"), group="activation")`: what a functional
shares with the constructor by name is linked; its inputs are named as in `forward`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from codemod.catalogue.pair import Converter, Functional, Group, Link, Pair, Parameter

INPLACE: Mapping[str, str] = {"inplace": "True"}


def parameters(signature: str) -> tuple[Parameter, ...]:
    """`"p=0.5, *, out=None"` as parameters. Defaults hold no comma."""
    found: list[Parameter] = []
    keyword_only = False
    for item in filter(None, signature.split(", ")):
        if item == "*":
            keyword_only = True
            continue
        name, has_default, default = item.partition("=")
        found.append(Parameter(name, default if has_default else None, keyword_only))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Spelling:
    """A functional as a table writes it; `pair` completes it with inputs and links.

    `signature` holds what follows the inputs. `inputs` names them where `forward` names them
    otherwise. `links` adds to those found by name: `{"padding": ("pad", "repeat-4")}`.
    """

    prefix: str
    name: str
    signature: str = ""
    inputs: str = ""
    links: Mapping[str, tuple[str, Converter]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    accepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    training: str | None = None
    implies: Mapping[str, str] = field(default_factory=dict)
    emit: bool = True


F = partial(Spelling, "torch.nn.functional")
T = partial(Spelling, "torch", emit=False)
S = partial(Spelling, "torch.special", emit=False)
M = partial(Spelling, "torch.Tensor", emit=False)


def pair(
    name: str,
    constructor: str,
    *spellings: Spelling,
    group: Group,
    forward: str = "input",
    attribute: str = "",
    stateful_if: Mapping[str, tuple[str, ...]] | None = None,
    ignored: tuple[str, ...] = (),
    from_functional: bool = True,
    trace_differs: bool = False,
    note: str = "",
) -> Pair:
    """The pair of `torch.nn.NAME`; `attribute` is the first spelling's name if not given."""
    own = parameters(constructor)
    called = parameters(forward)
    stateful = stateful_if or {}
    linkable = {p.name for p in own} - set(stateful) - set(ignored)
    return Pair(
        module=f"torch.nn.{name}",
        group=group,
        attribute=attribute or spellings[0].name,
        constructor=own,
        forward=called,
        functional=tuple(_functional(spelling, called, linkable) for spelling in spellings),
        stateful_if=stateful,
        ignored=ignored,
        from_functional=from_functional,
        trace_differs=trace_differs,
        note=note,
    )


def _functional(
    spelling: Spelling, forward: tuple[Parameter, ...], linkable: set[str]
) -> Functional:
    required = ", ".join(p.name for p in forward if p.default is None)
    leading = parameters(spelling.inputs or required)
    following = parameters(spelling.signature)
    optional = {p.name for p in forward if p.default is not None}
    inputs = (*(p.name for p in leading), *(p.name for p in following if p.name in optional))
    taken = {*inputs, *spelling.constants, spelling.training}
    links = {
        p.name: Link(p.name, p.name)
        for p in following
        if p.name in linkable and p.name not in taken
    }
    links.update({name: Link(name, *link) for name, link in spelling.links.items()})
    return Functional(
        name=f"{spelling.prefix}.{spelling.name}",
        parameters=leading + following,
        inputs=inputs,
        links=tuple(links.values()),
        constants=spelling.constants,
        accepts=spelling.accepts,
        training=spelling.training,
        implies=spelling.implies,
        method=spelling.prefix == "torch.Tensor",
        emit=spelling.emit,
    )
