"""From a module's constructor to a functional call and back, on source text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from codemod.catalogue import literals
from codemod.catalogue.arguments import (
    Arguments,
    Bound,
    Unmappable,
    arranged,
    bind,
    positional_of,
)
from codemod.catalogue.pair import Converter, Functional, Link, Pair, Parameter


@dataclass(frozen=True, slots=True)
class FunctionalCall:
    """What a module becomes: `NAME(INPUTS, ARGUMENTS)`, or `INPUT.METHOD(ARGUMENTS)`.

    `arguments` follow the inputs.
    """

    pair: Pair
    functional: Functional
    arguments: Arguments

    @property
    def name(self) -> str:
        return self.functional.name

    def inputs(self, call: Arguments) -> Arguments | Unmappable:
        """The arguments of a call of the module as inputs of the functional.

        What stood by position stays so; an optional input that the functional has further back
        (`output_size` of `max_unpool2d`) becomes a keyword, as do those of other names.
        """
        bound = bind(self.pair.forward, call, short(self.pair.module))
        if isinstance(bound, Unmappable):
            return bound
        names = dict(zip((p.name for p in self.pair.forward), self.functional.inputs, strict=True))
        given = {names[name]: source for name, source in bound.items()}
        positional = frozenset(names[name] for name in bound.positional)
        return arranged(self.functional.parameters, given, positional)

    def full(self, call: Arguments) -> Arguments | Unmappable:
        """Inputs and arguments together, as they can stand in one call."""
        inputs = self.inputs(call)
        if isinstance(inputs, Unmappable):
            return inputs
        if len(inputs.positional) < _leading_inputs(self.functional):
            own = bind(_after(self.functional), self.arguments, short(self.name))
            assert isinstance(own, Bound)
            return Arguments(inputs.positional, (*inputs.keywords, *own.items()))
        return Arguments(
            inputs.positional + self.arguments.positional,
            inputs.keywords + self.arguments.keywords,
        )


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """What a functional call becomes: `MODULE(ARGUMENTS)` built once, called with `inputs`.

    `moved`: functional parameters given that the constructor takes care of: their sources must
    mean the same when the module is built.
    """

    pair: Pair
    functional: Functional
    arguments: Arguments
    inputs: Arguments
    moved: tuple[str, ...]

    @property
    def module(self) -> str:
        return self.pair.module


def short(name: str) -> str:
    """A name as people write it: `nn.ReLU`, `F.relu`, `torch.relu`."""
    for long, alias in (
        ("torch.nn.functional.", "F."),
        ("torch.nn.", "nn."),
        ("torch.Tensor.", "Tensor."),
    ):
        if name.startswith(long):
            return alias + name[len(long) :]
    return name


def _leading_inputs(functional: Functional) -> int:
    names = [p.name for p in functional.parameters]
    return next((i for i, name in enumerate(names) if name not in functional.inputs), len(names))


def _after(functional: Functional) -> tuple[Parameter, ...]:
    return tuple(p for p in functional.parameters if p.name not in functional.inputs)


def _is_idle_flag(source: str, default: str | None) -> bool:
    """Numbers and strings that the author wrote stay, flags that say the default go."""
    return default is not None and source in literals.FLAGS and literals.same(source, default)


def _keeps_place(source: str, link: Link, pair: Pair, functional: Functional) -> bool:
    """A bare `True` that moves to another position says no longer what it is: it gets its name."""
    own = [p.name for p in pair.constructor].index(link.module)
    theirs = [p.name for p in _after(functional)].index(link.functional)
    return source not in literals.FLAGS or own == theirs


# Module to functional


def to_functional(pair: Pair, constructor: Mapping[str, str]) -> FunctionalCall | Unmappable:
    """The functional call for a module built with these arguments."""
    state = _state(pair, constructor)
    if state is not None:
        return state
    failure: Unmappable | None = None
    for functional in pair.functional:
        if not functional.emit:
            continue
        arguments = _functional_arguments(pair, functional, constructor)
        if isinstance(arguments, Arguments):
            return FunctionalCall(pair, functional, arguments)
        failure = failure or arguments
    assert failure is not None, "a pair has a functional that may be written"
    return failure


def _state(pair: Pair, constructor: Mapping[str, str]) -> Unmappable | None:
    defaults = {p.name: p.default for p in pair.constructor}
    for name, stateless in pair.stateful_if.items():
        source = constructor.get(name, defaults[name])
        if source in stateless:
            continue
        message = f"{short(pair.module)} with {name}={source} may hold parameters or buffers"
        return Unmappable("stateful", f"{message}, {short(pair.functional[0].name)} has none.")
    return None


def _functional_arguments(
    pair: Pair, functional: Functional, constructor: Mapping[str, str]
) -> Arguments | Unmappable:
    homeless = _without_functional_form(pair, functional, constructor)
    if homeless is not None:
        return homeless
    defaults = {p.name: p.default for p in functional.parameters}
    given: dict[str, str] = {}
    positional: set[str] = set()
    for link, source, is_default in _linked(pair, functional, constructor):
        converted = _to_functional_source(link, source, pair)
        if isinstance(converted, Unmappable):
            return converted
        if is_default and _agree(converted, defaults[link.functional]):
            continue
        if _is_idle_flag(converted, defaults[link.functional]):
            continue
        given[link.functional] = converted
        renamed = link.module != link.functional and defaults[link.functional] is None
        by_position = link.module in positional_of(constructor) and _keeps_place(
            converted, link, pair, functional
        )
        if is_default or renamed or by_position:
            positional.add(link.functional)
    for name, source in functional.constants.items():
        if not _agree(source, defaults[name]):
            given[name] = source
            if defaults[name] is None:
                positional.add(name)
    if functional.training is not None:
        given[functional.training] = "self.training"
    return arranged(_after(functional), given, frozenset(positional))


def _agree(source: str, default: str | None) -> bool:
    return default is not None and literals.same(source, default)


def _linked(
    pair: Pair, functional: Functional, constructor: Mapping[str, str]
) -> Iterator[tuple[Link, str, bool]]:
    """Each linked constructor argument; last, whether it is the constructor's default."""
    defaults = {p.name: p.default for p in pair.constructor}
    aliases = {
        link.functional: link
        for link in functional.links
        if constructor.get(link.module, "None") != "None"
    }
    seen: set[str] = set()
    for link in functional.links:
        if link.functional in seen:
            continue
        seen.add(link.functional)
        winner = aliases.get(link.functional, link)
        if winner.module in constructor:
            yield winner, constructor[winner.module], False
        else:
            default = defaults[winner.module]
            if default is not None:
                yield winner, default, True


def _without_functional_form(
    pair: Pair, functional: Functional, constructor: Mapping[str, str]
) -> Unmappable | None:
    mapped = {link.module for link in functional.links} | {*pair.ignored, *pair.stateful_if}
    defaults = {p.name: p.default for p in pair.constructor}
    for name, implied in functional.implies.items():
        source = constructor.get(name, defaults[name])
        if name not in mapped and not _agree(implied, source):
            return _no_functional_argument(pair, functional, name)
    for name, source in constructor.items():
        if name in mapped or name in functional.implies or _agree(source, defaults.get(name)):
            continue
        return _no_functional_argument(pair, functional, name)
    return None


def _no_functional_argument(pair: Pair, functional: Functional, name: str) -> Unmappable:
    message = f"{short(functional.name)} has nothing for {name} of {short(pair.module)}."
    return Unmappable("no-functional-argument", message)


_REPEATS: Mapping[Converter, int] = {"repeat-2": 2, "repeat-4": 4, "repeat-6": 6}
_TIMES: Mapping[Converter, int] = {
    **_REPEATS,
    "single-to-tuple": 1,
    "single-to-pair": 2,
    "single-to-triple": 3,
}


def _to_functional_source(link: Link, source: str, pair: Pair) -> str | Unmappable:
    if link.convert == "same" or source == "None":
        return source
    if literals.is_number(source):
        return literals.repeated(source, _TIMES[link.convert])
    parts = literals.elements(source)
    if parts is not None and len(parts) == _REPEATS.get(link.convert, len(parts)):
        return source
    message = f"{link.module} of {short(pair.module)} is {source}"
    return Unmappable(
        "needs-literal", f"{message}: only a number or a tuple in place can be told apart."
    )


# Functional to module


def module_call(
    candidates: Iterable[tuple[Pair, Functional]],
    call: Mapping[str, str],
    lengths: Mapping[str, int] | None = None,
) -> ModuleCall | Unmappable:
    """The first candidate that means the same as the call, else the most telling reason.

    `lengths`: how many elements the value of a source is known to have (`self.padding`).
    """
    failures: list[Unmappable] = []
    for pair, functional in candidates:
        result = to_module(pair, functional, call, lengths)
        if isinstance(result, ModuleCall):
            return result
        failures.append(result)
    telling = [failure for failure in failures if failure.code != "other-module"]
    if telling:
        return telling[0]
    return Unmappable("no-module", "torch.nn has no module for these arguments.")


def to_module(
    pair: Pair,
    functional: Functional,
    call: Mapping[str, str],
    lengths: Mapping[str, int] | None = None,
) -> ModuleCall | Unmappable:
    """The module for a call of this spelling. The caller has seen to the training argument."""
    if not pair.from_functional:
        message = f"{short(functional.name)} is not made {short(pair.module)}. {pair.note}"
        return Unmappable("no-module", message.strip())
    arguments = _module_arguments(pair, functional, call, lengths or {})
    if isinstance(arguments, Unmappable):
        return arguments
    return ModuleCall(
        pair=pair,
        functional=functional,
        arguments=arguments,
        inputs=_module_inputs(pair, functional, call),
        moved=tuple(link.functional for link in functional.links if link.functional in call),
    )


def _module_inputs(pair: Pair, functional: Functional, call: Mapping[str, str]) -> Arguments:
    names = {
        name: parameter.name
        for name, parameter in zip(functional.inputs, pair.forward, strict=True)
    }
    given = {names[name]: call[name] for name in functional.inputs if name in call}
    positional = frozenset(names[name] for name in names if name in positional_of(call))
    return arranged(pair.forward, given, positional)


def _module_arguments(
    pair: Pair, functional: Functional, call: Mapping[str, str], lengths: Mapping[str, int]
) -> Arguments | Unmappable:
    refused = _other_module(pair, functional, call)
    if refused is not None:
        return refused
    own = {p.name: p.default for p in pair.constructor}
    theirs = {p.name: p.default for p in functional.parameters}
    given: dict[str, str] = {}
    positional: set[str] = set()
    taken: set[str] = set()
    for link in functional.links:
        if link.functional in taken:
            continue
        taken.add(link.functional)
        is_default = link.functional not in call
        source = theirs[link.functional] if is_default else call[link.functional]
        if source is None:
            continue
        converted = _to_module_source(link, source, pair, functional, lengths)
        if isinstance(converted, Unmappable):
            return converted
        if is_default and _agree(converted, own[link.module]):
            continue
        if _is_idle_flag(converted, own[link.module]):
            continue
        given[link.module] = converted
        renamed = link.module != link.functional and own[link.module] is None
        by_position = link.functional in positional_of(call) and _keeps_place(
            converted, link, pair, functional
        )
        if is_default or renamed or by_position:
            positional.add(link.module)
    refused = _without_module_form(pair, functional, call, taken)
    if refused is not None:
        return refused
    for name, source in functional.implies.items():
        if not _agree(source, own[name]):
            given[name] = source
    return arranged(pair.constructor, given, frozenset(positional))


def _other_module(pair: Pair, functional: Functional, call: Mapping[str, str]) -> Unmappable | None:
    """Whether the call's fixed arguments (`mode`) are those of this module."""
    defaults = {p.name: p.default for p in functional.parameters}
    for name, constant in functional.constants.items():
        source = call.get(name, defaults[name])
        if source is None or not literals.is_literal(source):
            message = f"Which module {short(functional.name)} is depends on {name}, {source}."
            return Unmappable("needs-literal", message)
        if not literals.same(source, constant):
            message = f"{short(pair.module)} has {name}={constant}, not {source}."
            return Unmappable("other-module", message)
    return None


def _without_module_form(
    pair: Pair, functional: Functional, call: Mapping[str, str], linked: set[str]
) -> Unmappable | None:
    mapped = {*functional.inputs, *functional.constants, functional.training, *linked}
    defaults = {p.name: p.default for p in functional.parameters}
    for name, source in call.items():
        if name in mapped or _agree(source, defaults[name]):
            continue
        if any(literals.same(source, value) for value in functional.accepts.get(name, ())):
            continue
        message = f"{short(pair.module)} has nothing for {name} of {short(functional.name)}."
        return Unmappable("no-module-argument", message)
    return None


def _to_module_source(
    link: Link, source: str, pair: Pair, functional: Functional, lengths: Mapping[str, int]
) -> str | Unmappable:
    times = _REPEATS.get(link.convert)
    if times is None:
        return source
    parts = literals.elements(source)
    length = lengths.get(source) if parts is None else len(parts)
    if length is None:
        message = f"{link.functional} of {short(functional.name)} is {source}"
        return Unmappable("needs-literal", f"{message}: how long it is decides on the module.")
    if length != times:
        message = f"{short(pair.module)} pads by {times} numbers, not by {length}."
        return Unmappable("other-module", message)
    if parts is None:
        return source
    if literals.is_number(parts[0]) and len(set(parts)) == 1:
        return parts[0]
    return literals.as_tuple(source)
