"""Line differences: right for any texts, least for small ones."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codemod.report import line_diff
from codemod.report.line_diff import Change, changes

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n"]), max_size=12)


def rebuilt(old: list[bytes], new: list[bytes], found: list[Change]) -> list[bytes]:
    result: list[bytes] = []
    at = 0
    for change in found:
        result += old[at : change.old_start] + new[change.new_start : change.new_end]
        at = change.old_end
    return result + old[at:]


def fewest(old: list[bytes], new: list[bytes]) -> int:
    """Lines removed plus lines added, by the textbook recurrence."""
    row = list(range(len(new) + 1))
    for removed, left in enumerate(old, 1):
        previous, row = row, [removed]
        for index, right in enumerate(new):
            step = previous[index] if left == right else 1 + min(previous[index + 1], row[index])
            row.append(step)
    return row[-1]


@given(LINES, LINES)
def test_any_two_texts(old: list[bytes], new: list[bytes]) -> None:
    found = changes(old, new)
    assert rebuilt(old, new, found) == new
    for first, second in pairwise(found):
        assert first.old_end < second.old_start
        assert first.new_end < second.new_start
    size = sum(c.old_end - c.old_start + c.new_end - c.new_start for c in found)
    assert size == fewest(old, new)


def test_too_many_differences_are_one_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_diff, "MOST_DIFFERENCES", 3)
    old = [b"same", b"1", b"x", b"2", b"y", b"3", b"same"]
    new = [b"same", b"4", b"x", b"5", b"y", b"6", b"same"]
    assert changes(old, new) == [Change(1, 6, 1, 6)]
