"""Blank lines where one line stands in the place of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codemod.results import Edit
from codemod.source.text import SourceText


def with_blank_lines_kept(source: SourceText, edits: Sequence[Edit]) -> list[Edit]:
    """The edits; a deletion leaves the blank line that it took along where a line comes instead.

    A statement that stands between two blank lines is deleted with one of them.
    """
    filled = {edit.start for edit in edits if edit.start == edit.end and edit.new.strip()}
    return [
        replace(edit, end=_end_of_code(source, edit))
        if edit.start in filled and edit.start < edit.end and not edit.new
        else edit
        for edit in edits
    ]


def _end_of_code(source: SourceText, edit: Edit) -> int:
    """The end of the last line of a deletion that is not blank."""
    end = edit.end
    for line in reversed(source.text[edit.start : edit.end].splitlines(keepends=True)):
        if line.strip():
            return end
        end -= len(line)
    return edit.end
