"""A rewriter that forgets something is caught: otherwise the properties would prove nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cases import Case, cases
from hypothesis import HealthCheck, Phase, given, settings
from test_properties import DIRECTIONS, check

from codemod.editing.attributes import add_attribute
from codemod.results import Edit
from codemod.semantics.layout import span

TO_MODULE, TO_FUNCTIONAL = DIRECTIONS["to-module"], DIRECTIONS["to-functional"]
A_MODULE_A_CALL = DIRECTIONS["a-module-a-call"]
OUT_OF_PLACE, IN_PLACE = DIRECTIONS["out-of-place"], DIRECTIONS["in-place"]


@dataclass(frozen=True)
class Mutation:
    """`target` is replaced; projects of these fragments and shapes must show it."""

    target: str
    replacement: Any
    direction: tuple[Any, ...]
    fragments: tuple[str, ...]
    shapes: tuple[str, ...] = ("plain",)


def nothing(*_: object, **__: object) -> None:
    return None


def without_flag(module: Any, name: str, value: str, *rest: Any) -> Edit:
    return add_attribute(module, name, value.replace("inplace=True", ""), *rest)


def of_another_layer(module: Any, name: str, value: str, *rest: Any) -> Edit:
    return add_attribute(module, name, value.replace("ReLU", "Tanh"), *rest)


def own(*_: object) -> str:
    return "own"


def with_comment(source: Any, statement: Any) -> Edit:
    start, end = span(source, statement)
    return Edit(source.path, source.line_start(start), source.next_line(end), "")


EDITING = "codemod.editing"
MUTATIONS = {
    "uses-elsewhere-are-not-looked-for": Mutation(
        "codemod.transforms.module_to_functional.check_free_of_others",
        nothing,
        TO_FUNCTIONAL,
        ("used-outside",),
    ),
    "modes-are-not-looked-at": Mutation(
        f"{EDITING}.to_module.check_one_mode", nothing, TO_MODULE, ("training-set-by-hand",)
    ),
    "overridden-train-is-not-seen": Mutation(
        f"{EDITING}.to_functional.check_one_mode", nothing, TO_FUNCTIONAL, ("train-override",)
    ),
    "arguments-may-change": Mutation(
        f"{EDITING}.stability.check_attribute", nothing, TO_MODULE, ("rate-scheduled-inside",)
    ),
    "subclasses-may-skip-init": Mutation(
        f"{EDITING}.to_module.check_subclasses_run_init",
        nothing,
        TO_MODULE,
        ("plain-functional",),
        ("child-in-another-file",),
    ),
    "own-sweeps-are-not-seen": Mutation(
        "codemod.semantics.index.observers_in",
        lambda *_: (),
        TO_MODULE,
        ("own-children-swept",),
    ),
    "observers-are-not-asked": Mutation(
        f"{EDITING}.transform.observers_of",
        lambda *_: (),
        TO_MODULE,
        ("positions-swept-outside", "hooks-on-all"),
    ),
    "names-may-be-taken": Mutation(
        "codemod.semantics.module_class.ModuleClass.family_names",
        frozenset(),
        TO_MODULE,
        ("name-is-a-float", "class-attribute-is-none"),
    ),
    "the-flag-is-lost": Mutation(
        f"{EDITING}.to_module.add_attribute", without_flag, TO_MODULE, ("in-place-on-the-input",)
    ),
    "the-layer-is-another": Mutation(
        "codemod.transforms.unshare_modules.add_attribute",
        of_another_layer,
        A_MODULE_A_CALL,
        ("shared-layer", "shared-by-branches"),
    ),
    "an-inline-layer-is-another": Mutation(
        "codemod.transforms.hoist_inline_modules.add_attribute",
        of_another_layer,
        A_MODULE_A_CALL,
        ("inline-layer",),
    ),
    **{
        f"whose-tensor-it-is-is-not-asked:{name}": Mutation(
            "codemod.transforms.inplace_off.overwritten", own, OUT_OF_PLACE, (name,)
        )
        for name in (
            "in-place-on-the-input",
            "overwrites-what-has-another-name",
            "overwrites-what-a-list-holds",
            "overwrites-in-a-loop",
            "overwrites-left-of-it",
            "overwrites-alone",
        )
    },
    "what-made-the-input-is-not-asked": Mutation(
        "codemod.transforms.inplace_on._check_dead", nothing, IN_PLACE, ("plain-functional",)
    ),
    "comments-are-lost": Mutation(
        f"{EDITING}.to_functional.remove_statement",
        with_comment,
        TO_FUNCTIONAL,
        ("plain-module",),
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_mutation_of_the_rewriter_is_caught(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutation.target, mutation.replacement)
    assert caught(mutation, lambda case: check(case, mutation.direction))


def caught(mutation: Mutation, checked: Callable[[Case], None]) -> bool:
    found: list[Case] = []

    @settings(
        max_examples=60,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(mutation.fragments, mutation.shapes))
    def try_one(case: Case) -> None:
        if not found:
            try:
                checked(case)
            except AssertionError:
                found.append(case)

    try_one()
    return bool(found)
