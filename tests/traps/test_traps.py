"""Every known trap has a case, and every case does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cases_of_traps import CASES, Case

from codemod.engine.planning import Planned, plan
from codemod.results import Rewrite
from codemod.source.overlay import Overlay

HERE = Path(__file__).parent
LISTED = [
    line.partition(":")[0]
    for line in (HERE / "traps.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
COLLECTION = HERE.parents[2] / "shared" / "traps.md"


def test_every_trap_has_a_case() -> None:
    assert sorted(LISTED) == sorted(CASES)
    assert len(set(LISTED)) == len(LISTED)


@pytest.mark.skipif(not COLLECTION.exists(), reason="the collection is not beside the checkout")
def test_every_part_of_the_collection_is_listed() -> None:
    parts = re.findall(r"(?m)^## (.+)$", COLLECTION.read_text())
    listed = re.findall(r"(?m)^# (.+)$", (HERE / "traps.txt").read_text())
    wanted = [part.replace("`", "") for part in parts if not part.startswith("How common")]
    assert [part for part in wanted if part not in listed] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_trap(case: Case) -> None:
    files = {path: text.encode() for path, text in {**case.files, "net.py": case.net}.items()}
    planned = planned_on(files, case)
    assert not planned.plan.errors
    assert outcomes(planned) == sorted(case.expected)
    assert {bool(item.seen_by) for item in rewrites(planned)} <= {case.seen}
    after = {**files, **planned.compose([item.id for item in rewrites(planned)]).files}
    for path, data in after.items():
        if path.endswith(".py"):
            compile(data, path, "exec", dont_inherit=True)
    assert not rewrites(planned_on(after, case)), "a second run changes more"


def planned_on(files: dict[str, bytes], case: Case) -> Planned:
    overlay = Overlay(Path("/nonexistent"), files)
    return plan(overlay, sorted(files), frozenset(["net.py"]), [case.transform()])


def rewrites(planned: Planned) -> tuple[Rewrite, ...]:
    return planned.plan.rewrites


def outcomes(planned: Planned) -> list[str]:
    made = [item.summary for item in rewrites(planned)]
    return sorted([*made, *(f"refused {item.code}" for item in planned.plan.refusals)])
