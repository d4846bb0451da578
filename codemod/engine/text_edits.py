"""Applying edits to one text, and finding a place of the old text in the new one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codemod.results import Edit


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Where offsets of the old text lie in the new one. `edits` are sorted and do not overlap."""

    edits: tuple[Edit, ...]

    def start(self, offset: int) -> int:
        """A place that something begins at: after what is inserted there."""
        return offset + sum(
            len(edit.new) - (edit.end - edit.start)
            for edit in self.edits
            if edit.end <= offset and (edit.start < offset or edit.start == edit.end)
        )

    def end(self, offset: int) -> int:
        """A place that something ends at: before what is inserted there."""
        return offset + sum(
            len(edit.new) - (edit.end - edit.start)
            for edit in self.edits
            if edit.end <= offset and edit.start < offset
        )


def moved(maps: Iterable[OffsetMap], start: int, end: int) -> tuple[int, int]:
    """Where a stretch lies after several rounds of edits."""
    for one in maps:
        start, end = one.start(start), one.end(end)
    return start, end


def overlaps(edits: Sequence[Edit], others: Iterable[Edit]) -> bool:
    """Whether an edit of one side replaces text that one of the other replaces or inserts into."""
    placed = sorted(edits, key=lambda edit: edit.start)
    starts = [edit.start for edit in placed]
    for other in others:
        index = bisect_right(starts, other.end)
        for edit in placed[max(0, index - 8) : index + 1]:
            if clash(edit, other):
                return True
    return False


def clash(left: Edit, right: Edit) -> bool:
    if left.start == left.end and right.start == right.end:
        return False
    if left.start == left.end:
        return right.start < left.start < right.end
    if right.start == right.end:
        return left.start < right.start < left.end
    return left.start < right.end and right.start < left.end


def apply_edits(text: str, edits: Iterable[Edit]) -> tuple[str, OffsetMap]:
    """The new text. Insertions at one offset are joined by `order`, then as they come.

    Raises ValueError for edits that overlap.
    """
    placed = sorted(edits, key=lambda edit: (edit.start, edit.end != edit.start, edit.order))
    parts: list[str] = []
    position = 0
    for edit in placed:
        if edit.start < position:
            raise ValueError(f"overlapping edits at offset {edit.start}")
        parts += (text[position : edit.start], edit.new)
        position = edit.end
    parts.append(text[position:])
    return "".join(parts), OffsetMap(tuple(placed))
