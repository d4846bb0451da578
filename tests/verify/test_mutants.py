"""Rewrites made wrong on purpose are different, by code that shares nothing with the verifier.

The short form of `bench/run.py mutants`: one mutant of a kind, of small classes; of the kinds
that show in most aspects at once every third.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
LEAST_KINDS = 60
PLAIN_GROUPS = ("function", "argument", "site", "value", "broken")
Found = tuple[list[Any], Mapping[str, list[str]], Mapping[str, Any]]


@pytest.fixture(scope="module")
def found() -> Found:
    sys.path.insert(0, str(BENCH))
    try:
        from mutants import subjects, trial
        from mutants.kinds import KINDS
    finally:
        sys.path.remove(str(BENCH))
    chosen = [*subjects.written(), *subjects.generated(10), *subjects.fixtures(small=True)]
    kinds = [
        name
        for index, (name, (group, _)) in enumerate(KINDS.items())
        if group not in PLAIN_GROUPS or index % 3 == 0
    ]
    cases = trial.cases(chosen, trial.right_texts(chosen), 1, kinds)
    python = Path(sys.executable)
    return cases, trial.plainly_wrong(cases, python, []), trial.verdicts(cases, python, [])


def of(found: Found, *groups: str, wrong: bool) -> dict[str, str]:
    """Verdicts of the mutants in some groups, or of all others, by kind and class."""
    cases, plain, verdicts = found
    return {
        f"{case.kind} in {case.subject.name}": verdicts[case.name].kind
        for case in cases
        if (case.group in groups) != wrong and (not wrong or plain[case.name])
    }


def test_what_plain_torch_shows_to_be_wrong_is_different(found: Found) -> None:
    shown = of(found, "right", "unreached", wrong=True)
    assert len(shown) >= LEAST_KINDS
    assert {name: kind for name, kind in shown.items() if kind != "different"} == {}


def test_right_rewrites_of_the_same_classes_are_confirmed(found: Found) -> None:
    right = of(found, "right", wrong=False)
    assert right
    assert set(right.values()) == {"confirmed"}


def test_what_no_recipe_reaches_is_not_confirmed(found: Found) -> None:
    cases, _, verdicts = found
    codes = {verdicts[c.name].reason.code for c in cases if c.group == "unreached"}
    assert codes == {"not-reached"}
