"""The arguments of a call as source text, and which parameters they are for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from codemod.catalogue.pair import Parameter


@dataclass(frozen=True, slots=True)
class Unmappable:
    """Why arguments have no other form: a stable code and one sentence.

    Codes: `too-many-arguments`, `unknown-argument`, `duplicate-argument`, `missing-argument`,
    `stateful`, `no-functional-argument`, `no-module-argument`, `needs-literal`, `other-module`
    (the call means another module than the one asked for), `no-module`.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call as source, without star arguments."""

    positional: tuple[str, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Each argument as it stands in a call: `("2", "stride=1")`."""
        return (*self.positional, *(f"{name}={source}" for name, source in self.keywords))

    def __str__(self) -> str:
        return ", ".join(self.sources)


@dataclass(frozen=True, eq=False)
class Bound(Mapping[str, str]):
    """Source by parameter name: what a call gives, defaults left out.

    `positional`: the names that were given by position.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    positional: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> str:
        return self.sources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.sources)

    def __len__(self) -> int:
        return len(self.sources)


def bind(
    parameters: Iterable[Parameter], arguments: Arguments, callee: str = "the function"
) -> Bound | Unmappable:
    """Which parameter each argument is for. A method's receiver counts as its first argument."""
    known = {parameter.name: parameter for parameter in parameters}
    ordered = [p.name for p in known.values() if not p.keyword_only]
    if len(arguments.positional) > len(ordered):
        message = f"{callee} takes {len(ordered)} positional arguments"
        return Unmappable(
            "too-many-arguments", f"{message}, {len(arguments.positional)} are given."
        )
    values = dict(zip(ordered, arguments.positional, strict=False))
    positional = frozenset(values)
    for name, source in arguments.keywords:
        if name not in known:
            return Unmappable("unknown-argument", f"{callee} takes no argument {name}.")
        if name in values:
            return Unmappable("duplicate-argument", f"{callee} is given {name} twice.")
        values[name] = source
    for parameter in known.values():
        if parameter.default is None and parameter.name not in values:
            return Unmappable("missing-argument", f"{callee} needs the argument {parameter.name}.")
    return Bound(MappingProxyType(values), positional)


def positional_of(bound: Mapping[str, str]) -> frozenset[str]:
    """The names given by position; none for a plain mapping."""
    return bound.positional if isinstance(bound, Bound) else frozenset()


def arranged(
    parameters: Iterable[Parameter], given: Mapping[str, str], wanted: frozenset[str]
) -> Arguments:
    """Those of `wanted` by position that can be, the rest by keyword."""
    positional: list[str] = []
    keywords: list[tuple[str, str]] = []
    unbroken = True
    for parameter in parameters:
        unbroken = unbroken and parameter.name in given and not parameter.keyword_only
        if parameter.name not in given:
            continue
        unbroken = unbroken and parameter.name in wanted
        if unbroken:
            positional.append(given[parameter.name])
        else:
            keywords.append((parameter.name, given[parameter.name]))
    return Arguments(tuple(positional), tuple(keywords))
