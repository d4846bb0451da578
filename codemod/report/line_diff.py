"""Which lines of two texts differ: Myers' greedy algorithm, fast where little changed.

Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_DIFFERENCES = 2000
"""Where more lines than this differ, all between the first and the last is one change."""


@dataclass(frozen=True, slots=True)
class Change:
    """`old[old_start:old_end]` becomes `new[new_start:new_end]`; 0-based line numbers."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def changes(old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    """The changes in order; between two of them stands at least one equal line."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    old_middle, new_middle = old[start : len(old) - end], new[start : len(new) - end]
    if not old_middle and not new_middle:
        return []
    found: list[Change] = []
    old_at = new_at = start
    for old_next, new_next, length in _equal_runs(old_middle, new_middle):
        if (old_at, new_at) != (start + old_next, start + new_next):
            found.append(Change(old_at, start + old_next, new_at, start + new_next))
        old_at, new_at = start + old_next + length, start + new_next + length
    return found


def _common(old: Sequence[bytes], new: Sequence[bytes]) -> int:
    """How many lines are equal from the start."""
    for index, (left, right) in enumerate(zip(old, new, strict=False)):
        if left != right:
            return index
    return min(len(old), len(new))


def _equal_runs(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[int, int, int]]:
    """Runs of equal lines: start in old, start in new, length; the last is empty, at the ends."""
    steps = _search(old, new)
    runs: list[tuple[int, int, int]] = []
    x, y = len(old), len(new)
    for differences in range(len(steps) - 1, 0, -1):
        previous_x, previous_y = _came_from(steps[differences - 1], differences, x - y)
        # One line was removed or added, and equal lines followed it.
        after_x, after_y = _after_step(previous_x, previous_y, x - y)
        runs.append((after_x, after_y, x - after_x))
        x, y = previous_x, previous_y
    runs.append((0, 0, x if steps else 0))
    yield from (run for run in reversed(runs) if run[2])
    yield len(old), len(new), 0


def _search(old: Sequence[bytes], new: Sequence[bytes]) -> list[dict[int, int]]:
    """For each number of differences, how far each diagonal (x - y) gets. Empty: given up."""
    steps: list[dict[int, int]] = []
    reached: dict[int, int] = {}
    for differences in range(min(len(old) + len(new), MOST_DIFFERENCES) + 1):
        furthest: dict[int, int] = {}
        for diagonal in range(-differences, differences + 1, 2):
            x, y = 0, 0
            if differences:
                x, y = _after_step(*_came_from(reached, differences, diagonal), diagonal)
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            if x >= len(old) and y >= len(new):
                return [*steps, furthest]
        steps.append(furthest)
        reached = furthest
    return []


def _came_from(reached: dict[int, int], differences: int, diagonal: int) -> tuple[int, int]:
    """The end, one difference earlier, from which `diagonal` is reached."""
    down, right = reached.get(diagonal + 1, -1), reached.get(diagonal - 1, -1)
    is_down = diagonal == -differences or (diagonal != differences and right < down)
    return (down, down - diagonal - 1) if is_down else (right, right - diagonal + 1)


def _after_step(x: int, y: int, diagonal: int) -> tuple[int, int]:
    return (x, y + 1) if diagonal < x - y else (x + 1, y)
