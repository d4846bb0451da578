"""Exit codes: 2 beats 3 beats 1 beats 0."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hand_made import CONFIRMED, NO_RECIPE, make_outcome, make_report, make_rewrite

from codemod.report.exit_code import exit_code
from codemod.results import FileError, Outcome, Reason, Refusal, Report, Verdict

WRITTEN = make_outcome(make_rewrite("a", 1), CONFIRMED, would=True, written=True)
LEFT = make_outcome(make_rewrite("b", 2), NO_RECIPE, would=False)
REFUSAL = Refusal("t", "a.py", 1, 1, "A", "c", "m", "h")
ERROR = FileError("a.py", "syntax-error", "a.py:1: no")


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        pytest.param(make_report(), 0, id="diff-nothing-to-do"),
        pytest.param(make_report(WRITTEN, patch="x"), 1, id="diff-with-a-patch"),
        pytest.param(make_report(LEFT), 0, id="diff-of-what-would-not-be-written"),
        pytest.param(make_report(mode="apply"), 0, id="apply-nothing-to-do"),
        pytest.param(make_report(WRITTEN, mode="apply", patch="x"), 0, id="apply-all-written"),
        pytest.param(make_report(WRITTEN, LEFT, mode="apply"), 1, id="apply-one-not-written"),
        pytest.param(make_report(refusals=(REFUSAL,)), 0, id="diff-refusals-never-count"),
        pytest.param(make_report(refusals=(REFUSAL,), mode="apply"), 0, id="apply-refusals-too"),
        pytest.param(make_report(errors=(ERROR,)), 3, id="a-file-error"),
        pytest.param(make_report(errors=(ERROR,), patch="x"), 3, id="3-beats-1-in-diff"),
        pytest.param(make_report(LEFT, errors=(ERROR,), mode="apply"), 3, id="3-beats-1-in-apply"),
    ],
)
def test_of_a_report(report: Report, expected: int) -> None:
    assert exit_code(report) == expected


@pytest.mark.parametrize("code", ["crashed", "timeout", "no-recipe", "memory", "exited"])
def test_a_users_model_that_fails_is_no_failure_of_ours(code: str) -> None:
    outcome: Outcome = replace(LEFT, verdict=Verdict("unconfirmed", Reason(code, "m")))
    assert exit_code(make_report(outcome)) == 0


@pytest.mark.parametrize(
    ("problem", "expected"),
    [("usage", 2), ("failed", 3), ("not-written", 1), ("interrupted", 130)],
)
def test_of_a_run_that_ended_early(problem, expected: int) -> None:
    assert exit_code(None, problem) == expected
    assert exit_code(make_report(errors=(ERROR,), patch="x"), problem) == expected
