"""Taking a statement out of its block without losing a comment that a reader wants."""

from __future__ import annotations

import ast
import re

from codemod.editing.comments import comments, for_readers
from codemod.results import Edit
from codemod.semantics.layout import span
from codemod.source.text import SourceText


def remove_statement(source: SourceText, statement: ast.stmt) -> Edit:
    """Delete a statement; a comment in or behind it stays on a line of its own, unless it told a
    tool about the statement (`# type:`, `# noqa`).

    A block that this leaves empty is seen to when all rewrites are composed.
    """
    start, end = span(source, statement)
    line, line_end = source.line_start(start), source.line_end(end)
    before, after = source.text[line:start], source.text[end:line_end]
    if before.strip() or after.lstrip().startswith(";"):
        return _remove_between_semicolons(source, start, end)
    found = [*_comments_in(source.text[start:end]), after.strip()]
    indent = source.indent(start)
    kept = "".join(
        indent + comment + source.newline for one in found if (comment := for_readers(one))
    )
    stop = source.next_line(end)
    if not kept:
        line, stop = _with_blank_lines(source, line, stop)
    return Edit(source.path, line, stop, kept)


def _remove_between_semicolons(source: SourceText, start: int, end: int) -> Edit:
    after = re.compile(r"[ \t]*;[ \t]*").match(source.text, end)
    if after:
        return Edit(source.path, start, after.end(), "")
    before = re.compile(r"[ \t]*;[ \t]*\Z").search(source.text[:start])
    if before:
        return Edit(source.path, before.start(), end, "")
    return Edit(source.path, start, end, "pass")


def _comments_in(text: str) -> list[str]:
    """Comments inside a statement of several lines."""
    return [comment for _, comment in comments(text)] if "#" in text else []


def _with_blank_lines(source: SourceText, start: int, stop: int) -> tuple[int, int]:
    """Take a blank line along where the deletion would leave two in a row, or one at the end."""
    if start == 0:
        return start, stop
    above = source.line_start(start - 1)
    blank_above = not source.text[above:start].strip()
    below = source.text[stop : source.line_end(stop)]
    if blank_above and stop == len(source.text):
        return above, stop
    if blank_above and not below.strip():
        return start, source.next_line(stop)
    return start, stop
