"""The catalogue's signatures against torch's own, and that nothing in torch is forgotten."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from catalogue_cases import CASES

from codemod.catalogue import LEFT_OUT, NO_MODULE, PAIRS, Functional, Pair, Parameter, by_module
from codemod.catalogue.mapping import short

Signature = list[tuple[str, object, bool]]
REQUIRED = object()
FUNCTIONALS = sorted(
    {functional.name: functional for pair in PAIRS for functional in pair.functional}.items()
)
# What torch.nn.functional exports without being one: helpers of its own implementation.
HELPERS = {
    "boolean_dispatch",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
}
# Modules that need other arguments than the numbers tried, each with what they are built from.
BUILT_FROM = {
    "Sequential": "",
    "DataParallel": "torch.nn.ReLU()",
    "AdaptiveLogSoftmaxWithLoss": "8, 10, [2, 5]",
    "MultiheadAttention": "4, 2",
    "Transformer": "4, 2, 1, 1, 4",
    "TransformerEncoder": "torch.nn.TransformerEncoderLayer(4, 2, 4), 1",
    "TransformerDecoder": "torch.nn.TransformerDecoderLayer(4, 2, 4), 1",
    "TransformerEncoderLayer": "4, 2, 4",
    "TransformerDecoderLayer": "4, 2, 4",
    "RNNBase": "'LSTM', 3, 4",
    "RNNCellBase": "3, 4, True, 4",
}
NUMBERS = ("", "2", "2, 2", "2, 2, 2")


def named(name: str) -> Any:
    value: Any = torch
    for part in name.split(".")[1:]:
        value = getattr(value, part)
    return value


def described(parameters: tuple[Parameter, ...]) -> Signature:
    return [
        (p.name, REQUIRED if p.default is None else eval(p.default), p.keyword_only)
        for p in parameters
    ]


def inspected(function: Callable[..., object]) -> Signature:
    return [
        (
            p.name,
            REQUIRED if p.default is inspect.Parameter.empty else p.default,
            p.kind is inspect.Parameter.KEYWORD_ONLY,
        )
        for p in inspect.signature(function).parameters.values()
        if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def written_in_python(functional: Functional) -> Callable[..., object] | None:
    """The Python function to inspect; those with `return_indices` dispatch to one of two."""
    function = named(functional.name)
    name = functional.name.rpartition(".")[2]
    with_indices = getattr(F, f"{name}_with_indices", None)
    if functional.name.startswith("torch.nn.functional.") and with_indices is not None:
        function = with_indices
    if not inspect.isfunction(function):
        return None
    return function


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.module[9:])
def test_constructor_and_forward_are_those_of_torch(pair: Pair) -> None:
    module = named(pair.module)
    assert described(pair.constructor) == inspected(module.__init__)
    assert described(pair.forward) == inspected(module.forward)


@pytest.mark.parametrize(
    "functional",
    [functional for _, functional in FUNCTIONALS if written_in_python(functional)],
    ids=lambda functional: functional.name,
)
def test_functional_written_in_python_has_its_signature(functional: Functional) -> None:
    function = written_in_python(functional)
    assert function is not None
    named_alike = [
        ("self" if functional.method and p == 0 else parameter.name)
        for p, parameter in enumerate(functional.parameters)
    ]
    expected = list(inspect.signature(function).parameters)
    assert named_alike == expected
    if not functional.method:
        assert described(functional.parameters) == inspected(function)


@pytest.mark.parametrize(
    "functional",
    [functional for _, functional in FUNCTIONALS if not written_in_python(functional)],
    ids=lambda functional: functional.name,
)
def test_builtin_takes_no_argument_of_another_name(functional: Functional) -> None:
    """Names and order of those listed are run in `test_pairs_run`."""
    known = {parameter.name for parameter in functional.parameters}
    documented = builtin_parameters(named(functional.name).__doc__ or "", functional)
    assert documented <= known | {"generator", "self"}


def builtin_parameters(doc: str, functional: Functional) -> set[str]:
    """Parameter names of the first line of a builtin's docstring, `relu(input) -> Tensor`."""
    name = functional.name.rpartition(".")[2]
    first = doc.strip().partition("\n")[0]
    if not first.startswith(f"{name}(") or "->" not in first:
        return set()
    listed = first[len(name) + 1 : first.rindex(")")].split(",")
    return {item.partition("=")[0].strip() for item in listed} - {"", "*"}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.module[9:])
def test_every_constructor_parameter_has_a_role(pair: Pair) -> None:
    preferred = next(functional for functional in pair.functional if functional.emit)
    roles = {link.module for link in preferred.links} | {*pair.ignored, *pair.stateful_if}
    assert {p.name for p in pair.constructor} == roles


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.module[9:])
def test_a_functional_names_only_parameters_it_has(pair: Pair) -> None:
    own = {p.name for p in pair.constructor}
    for functional in pair.functional:
        names = {p.name for p in functional.parameters}
        assert {*functional.inputs, *functional.constants, *functional.accepts} <= names
        assert {link.functional for link in functional.links} <= names
        assert {link.module for link in functional.links} <= own
        assert functional.implies.keys() <= own
        assert functional.training is None or functional.training in names
        assert len(functional.inputs) == len(pair.forward)


def test_every_pair_has_cases_and_every_case_a_pair() -> None:
    assert {pair.module[9:] for pair in PAIRS} == CASES.keys()


def test_modules_are_listed_once() -> None:
    names = [pair.module for pair in PAIRS]
    assert len(names) == len(set(names))
    assert not set(names) & LEFT_OUT.keys()


def test_a_spelling_is_listed_once_a_pair() -> None:
    for pair in PAIRS:
        names = [functional.name for functional in pair.functional]
        assert len(names) == len(set(names)), pair.module


# Nothing forgotten


def module_classes() -> Iterator[tuple[str, type[torch.nn.Module]]]:
    """Every public module class of torch.nn and torch.nn.modules."""
    found: dict[str, type[torch.nn.Module]] = {}
    packages = [torch.nn, torch.nn.modules]
    for info in pkgutil.iter_modules(torch.nn.modules.__path__):
        packages.append(importlib.import_module(f"torch.nn.modules.{info.name}"))
    for package in packages:
        for name, value in vars(package).items():
            if (
                isinstance(value, type)
                and issubclass(value, torch.nn.Module)
                and not name.startswith("_")
                and value.__module__.startswith("torch.nn.modules.")
            ) or value is torch.nn.DataParallel:
                found[name] = value
    yield from sorted(found.items())


CLASSES = dict(module_classes())


def built(name: str) -> torch.nn.Module | None:
    for arguments in (BUILT_FROM[name],) if name in BUILT_FROM else NUMBERS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = eval(f"cls({arguments})", {"torch": torch, "cls": CLASSES[name]})
        except (TypeError, ValueError, AttributeError):
            continue
        assert isinstance(made, torch.nn.Module)
        return made
    return None


def test_the_walk_finds_modules() -> None:
    assert {"ReLU", "Conv2d", "DataParallel", "ZeroPad3d"} <= CLASSES.keys()


@pytest.mark.parametrize("name", CLASSES)
def test_a_stateless_module_is_a_pair_or_left_out_for_a_reason(name: str) -> None:
    full = f"torch.nn.{name}"
    if full in LEFT_OUT or by_module(full) is not None:
        return
    module = built(name)
    assert module is not None, f"{name} can't be built: add it to BUILT_FROM or to LEFT_OUT"
    state = [*module.parameters(), *module.buffers()]
    assert state, f"{name} is stateless: it belongs into a pair or into LEFT_OUT"


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
def test_what_is_left_out_exists(name: str) -> None:
    assert issubclass(named(name), torch.nn.Module)


def functional_names() -> Iterator[str]:
    for name, value in vars(F).items():
        origin = getattr(value, "__module__", None) or ""
        if (
            callable(value)
            and not isinstance(value, type)
            and not name.startswith("_")
            and name not in HELPERS
            and origin in ("torch", "torch.nn.functional", "torch._C._nn", "torch._C")
        ):
            yield f"torch.nn.functional.{name}"


@pytest.mark.parametrize("name", sorted(functional_names()))
def test_a_functional_is_in_a_pair_or_has_no_module_for_a_reason(name: str) -> None:
    readable = {
        functional.name for pair in PAIRS if pair.from_functional for functional in pair.functional
    }
    assert (name in readable) != (name in NO_MODULE), short(name)


@pytest.mark.parametrize("name", sorted(NO_MODULE))
def test_what_has_no_module_exists(name: str) -> None:
    assert callable(named(name))


def test_a_torch_function_named_as_a_known_functional_is_known_too() -> None:
    """`torch.celu` beside `F.celu`: a spelling that is missed is a site that is missed."""
    names = {functional.name for pair in PAIRS for functional in pair.functional}
    leaves = {name.rpartition(".")[2].rstrip("_") for name in {*names, *NO_MODULE}}
    missing = [
        f"torch.{leaf}{ending}"
        for leaf in sorted(leaves)
        for ending in ("", "_")
        if callable(getattr(torch, leaf + ending, None))
        and f"torch.{leaf}{ending}" not in names | NO_MODULE.keys()
    ]
    assert missing == []


def test_a_tensor_method_named_as_a_known_functional_is_known_too() -> None:
    names = {functional.name for pair in PAIRS for functional in pair.functional}
    leaves = {name.rpartition(".")[2].rstrip("_") for name in names}
    missing = [
        f"torch.Tensor.{leaf}{ending}"
        for leaf in sorted(leaves)
        for ending in ("", "_")
        if callable(getattr(torch.Tensor, leaf + ending, None))
        and f"torch.Tensor.{leaf}{ending}" not in names | NO_MODULE.keys()
    ]
    assert missing == []
