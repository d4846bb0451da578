"""Every pair against the installed torch: bitwise, in train and eval, in both directions."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from catalogue_cases import CASES
from observing import arguments, inputs, observe

from codemod.catalogue import (
    PAIRS,
    Arguments,
    Bound,
    Functional,
    FunctionalCall,
    ModuleCall,
    Pair,
    bind,
    by_functional,
    module_call,
    to_functional,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

VARIANTS = [
    pytest.param(pair, variant, id=f"{pair.module[9:]}({variant})")
    for pair in PAIRS
    for variant in CASES[pair.module[9:]].variants
]
SPELLINGS = [
    pytest.param(pair, functional, id=f"{functional.name}-{pair.module[9:]}")
    for pair in PAIRS
    for functional in pair.functional
]


def module_named(pair: Pair, constructor: str) -> torch.nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built = eval(f"{pair.module}({constructor})", {"torch": torch})
    assert isinstance(built, torch.nn.Module)
    return built


def bound_constructor(pair: Pair, variant: str) -> Bound:
    bound = bind(pair.constructor, arguments(variant))
    assert isinstance(bound, Bound)
    return bound


def names(count: int) -> tuple[str, ...]:
    return tuple(f"x{index}" for index in range(count))


def function(expression: str, count: int, owner: torch.nn.Module) -> Callable[..., Any]:
    """`expression` over `x0`, `x1`..., with `self` for the training flag."""
    made = eval(f"lambda {', '.join(names(count))}: {expression}", {"torch": torch, "self": owner})
    assert callable(made)
    return made


def functional_expression(call: FunctionalCall, given: Arguments) -> str:
    full = call.full(given)
    assert isinstance(full, Arguments)
    return f"{call.name}({full})"


@pytest.mark.parametrize(("pair", "variant"), VARIANTS)
def test_module_to_functional(pair: Pair, variant: str) -> None:
    call = to_functional(pair, bound_constructor(pair, variant))
    assert isinstance(call, FunctionalCall)
    module = module_named(pair, variant)
    for given, training in itertools.product(CASES[pair.module[9:]].inputs, (True, False)):
        module.train(training)
        count = len(inputs(given))
        expression = functional_expression(call, Arguments(names(count)))
        before, trace_before = observe(module, given)
        after, trace_after = observe(function(expression, count, module), given)
        assert after == before, expression
        assert pair.trace_differs or trace_after == trace_before, expression


@pytest.mark.parametrize(("pair", "functional"), SPELLINGS)
def test_functional_to_module(pair: Pair, functional: Functional) -> None:
    if not pair.from_functional:
        refused = module_call([(pair, functional)], {})
        assert getattr(refused, "code", "") == "no-module"
        return
    tried = 0
    for variant, given in itertools.product(
        CASES[pair.module[9:]].variants, CASES[pair.module[9:]].inputs
    ):
        for call in calls(pair, functional, bound_constructor(pair, variant), given):
            tried += 1
            check_to_module(pair, functional, call, given)
    assert tried


def check_to_module(pair: Pair, functional: Functional, call: Arguments, given: str) -> None:
    bound = bind(functional.parameters, call)
    assert isinstance(bound, Bound), bound
    result = module_call(by_functional(functional.name), bound)
    assert isinstance(result, ModuleCall), result
    module = module_named(result.pair, str(result.arguments))
    assert not module.state_dict()
    count = len(inputs(given))
    for training in (True, False) if functional.training else (True,):
        module.train(training)
        expression = f"{functional.name}({call})"
        before, trace_before = observe(function(expression, count, module), given)
        after, trace_after = observe(function(f"self({result.inputs})", count, module), given)
        built = f"{result.module}({result.arguments})({result.inputs}) for {expression}"
        assert after == before, built
        assert result.pair.trace_differs or trace_after == trace_before, built


def calls(
    pair: Pair, functional: Functional, constructor: Bound, given: str
) -> Iterator[Arguments]:
    """The call of this spelling that means this module, by keyword and by position."""
    defaults = {parameter.name: parameter.default for parameter in pair.constructor}
    linked = {link.module for link in functional.links}
    for name, source in constructor.items():
        expressible = (
            name in linked
            or name in pair.stateful_if
            or name in pair.ignored
            or is_one_of(source, defaults[name], functional.implies.get(name))
        )
        if not expressible:
            return
    for name, source in functional.implies.items():
        if not is_one_of(str(constructor.get(name, defaults[name])), source):
            return
    values = dict(zip(functional.inputs, names(len(inputs(given))), strict=False))
    for link in functional.links:
        source = constructor.get(link.module, defaults[link.module])
        if source is not None and (link.functional not in values or source != "None"):
            values[link.functional] = functional_value(link.convert, source)
    values.update(functional.constants)
    if functional.training:
        values[functional.training] = "self.training"
    yield by_position(functional, values)
    first = (values.pop(functional.parameters[0].name),) if functional.method else ()
    yield Arguments(first, tuple(values.items()))


def is_one_of(source: str, *others: str | None) -> bool:
    return any(eval(source) == eval(other) for other in others if other is not None)


def functional_value(convert: str, source: str) -> str:
    times = {
        "same": 0,
        "repeat-2": 2,
        "repeat-4": 4,
        "repeat-6": 6,
        "single-to-tuple": 1,
        "single-to-pair": 2,
        "single-to-triple": 3,
    }[convert]
    value = eval(source)
    if times and isinstance(value, (int, float)):
        return repr((value,) * times)
    return source


def by_position(functional: Functional, values: dict[str, str]) -> Arguments:
    positional: list[str] = []
    keywords: list[tuple[str, str]] = []
    last = max(index for index, p in enumerate(functional.parameters) if p.name in values)
    for parameter in functional.parameters[: last + 1]:
        source = values.get(parameter.name, parameter.default)
        assert source is not None
        if not parameter.keyword_only:
            positional.append(source)
        elif parameter.name in values:
            keywords.append((parameter.name, source))
    return Arguments(tuple(positional), tuple(keywords))


# That the comparison sees what it must see


@pytest.mark.parametrize(
    ("one", "other", "given"),
    [
        pytest.param("F.dropout(x0, 0.5, True)", "F.dropout(x0, 0.5, False)", "r(2, 4)", id="mode"),
        pytest.param("F.relu(x0)", "F.relu(x0, True)", "r(2, 4)", id="in-place"),
        pytest.param("F.relu(x0)", "F.relu(x0.detach())", "r(2, 4)", id="gradient"),
        pytest.param("x0 * 0.0", "x0.abs() * 0.0", "r(2, 4)", id="negative-zero"),
        pytest.param("x0 + 0.0", "x0 * (1 + 1e-7)", "r(2, 40)", id="last-bit"),
        pytest.param("x0 * 1", "(x0 * 1).t().contiguous().t()", "r(2, 4)", id="strides"),
        pytest.param("x0", "x0.clone()", "r(2, 4)", id="alias"),
        pytest.param("x0 * 1", "torch.rand(1) * 0 + x0", "r(2, 4)", id="generator"),
        pytest.param("(x0, x0)", "[x0, x0]", "r(2, 4)", id="container"),
    ],
)
def test_a_difference_is_seen(one: str, other: str, given: str) -> None:
    owner = torch.nn.Identity()
    seen = [
        observe(function(text.replace("F.", "torch.nn.functional."), 1, owner), given)[0]
        for text in (one, other)
    ]
    assert seen[0] != seen[1]


def test_swapped_positions_would_be_seen() -> None:
    """max_pool2d has ceil_mode before return_indices, the module after it."""
    module = torch.nn.MaxPool2d(3, 2, 1, 1, False, True)
    given = CASES["MaxPool2d"].inputs[0]
    wrong = function("torch.nn.functional.max_pool2d(x0, 3, 2, 1, 1, False, True)", 1, module)
    assert observe(module, given)[0] != observe(wrong, given)[0]
