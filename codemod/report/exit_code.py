"""The one place that computes the exit code.

| code | meaning |
|---|---|
| 0 | nothing to do, or everything planned was written |
| 1 | `diff`: the patch is not empty; `apply`: a planned rewrite was not written |
|   | `doctor`: a class cannot be run; `verify --replay`: it differs again |
| 2 | usage or configuration error |
| 3 | a file inside PATHS could not be analysed, or our own worker failed |
| 130 | interrupted |

2 beats 3 beats 1.
"""

from __future__ import annotations

from typing import Literal

from codemod.results import Diagnosis, Repeated, Report

DONE = 0
NOT_WRITTEN = 1
USAGE = 2
FAILED = 3
INTERRUPTED = 130

Problem = Literal["usage", "failed", "not-written", "interrupted"]
_OF_PROBLEM = {
    "usage": USAGE,
    "failed": FAILED,
    "not-written": NOT_WRITTEN,
    "interrupted": INTERRUPTED,
}


def exit_code(report: Report | None, problem: Problem | None = None) -> int:
    """The exit code of a run that gave `report`, or ended early with `problem`."""
    if problem is not None:
        return _OF_PROBLEM[problem]
    if report is None:
        return DONE
    if report.errors:
        return FAILED
    if report.mode == "diff":
        return NOT_WRITTEN if report.patch else DONE
    return DONE if all(outcome.written for outcome in report.outcomes) else NOT_WRITTEN


def of_repetition(found: Repeated) -> int:
    """The exit code of `codemod verify --replay`."""
    return NOT_WRITTEN if found.differs else DONE


def of_diagnosis(diagnosis: Diagnosis) -> int:
    """The exit code of `codemod doctor`."""
    if diagnosis.errors:
        return FAILED
    return DONE if all(one.recipe is not None for one in diagnosis.classes) else NOT_WRITTEN
