"""Blocks that deletions leave without a statement: the `if` goes, or `pass` fills them."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from codemod.editing.removal import remove_statement
from codemod.results import Edit
from codemod.semantics.layout import span
from codemod.semantics.parts import Parts
from codemod.semantics.syntax import blocks_of, walk
from codemod.source.text import SourceText

_EFFECTS = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


def without_empty_blocks(parts: Parts, edits: Sequence[Edit]) -> list[Edit]:
    """The edits of a file, completed where together they would empty a block."""
    source = parts.source
    deletions = [edit for edit in edits if _deletes_lines(source, edit)]
    if not deletions:
        return list(edits)
    lines = {
        line
        for edit in deletions
        for line in range(source.position(edit.start).line, source.position(edit.end).line + 1)
    }
    body = {id(item): item for line in sorted(lines) for item in parts.at(line)}
    return _settled(source, list(body.values()), deletions, list(edits), is_file=True)


def _deletes_lines(source: SourceText, edit: Edit) -> bool:
    lines = edit.new.splitlines()
    return _leaves_pass(edit) or (
        "\n" in source.text[edit.start : edit.end] + "\n" * (edit.end == len(source.text))
        and edit.start < edit.end
        and all(not line.strip() or line.lstrip().startswith("#") for line in lines)
    )


def _adds_lines(edit: Edit) -> bool:
    """Whether a statement is put between two lines."""
    return edit.start == edit.end and any(
        line.strip() and not line.lstrip().startswith("#") for line in edit.new.splitlines()
    )


def _leaves_pass(edit: Edit) -> bool:
    """Whether a statement that stood on one line with its `if` was deleted."""
    return edit.new == "pass"


def _settled(
    source: SourceText,
    block: list[ast.stmt],
    deletions: Sequence[Edit],
    edits: list[Edit],
    *,
    is_file: bool = False,
) -> list[Edit]:
    """The edits with those that this block, and the blocks in it, take."""
    touched = [statement for statement in block if _is_touched(source, statement, deletions)]
    added = [edit.start for edit in edits if _adds_lines(edit)]
    gone = [statement for statement in touched if _is_gone(source, statement, deletions, added)]
    for statement in gone:
        if not _covered(source, statement, edits):
            start, end = span(source, statement)
            edits = [edit for edit in edits if not _lies_in(edit, start, source.next_line(end))]
            edits.append(remove_statement(source, statement))
    for statement in touched:
        if statement not in gone:
            for inner in blocks_of(statement):
                edits = _settled(source, inner, deletions, edits)
    if is_file or len(gone) < len(block) or _is_elif(source, block[0]):
        return edits
    start, end = span(source, block[0])
    first = source.line_start(start)
    if any(_leaves_pass(edit) and _lies_in(edit, start, end) for edit in edits):
        return edits
    if any(first <= offset <= span(source, block[-1])[1] for offset in added):
        return edits
    fill = source.indent(first) + "pass" + source.newline
    return [*edits, Edit(source.path, first, first, fill)]


def _lies_in(edit: Edit, start: int, end: int) -> bool:
    return start <= edit.start < end and edit.end <= end


def _is_touched(source: SourceText, node: ast.stmt, deletions: Sequence[Edit]) -> bool:
    start, end = span(source, node)
    return any(edit.start < end and start < edit.end for edit in deletions)


def _is_elif(source: SourceText, node: ast.stmt) -> bool:
    return source.text.startswith("elif", span(source, node)[0])


def _covered(source: SourceText, node: ast.stmt, edits: Sequence[Edit]) -> bool:
    start, end = span(source, node)
    return any(edit.start <= start and end <= edit.end for edit in edits)


def _is_gone(
    source: SourceText, node: ast.stmt, deletions: Sequence[Edit], added: Sequence[int]
) -> bool:
    """Whether a statement is deleted, or is an `if` that only asks, all of whose body is.

    `added`: where statements are put.
    """
    if _covered(source, node, deletions):
        return True
    start, end = span(source, node)
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and not any(start < offset < end for offset in added)
        and not any(isinstance(item, _EFFECTS) for item in walk(node.test))
        and all(_is_gone(source, item, deletions, added) for item in node.body)
        and "#" not in source.text[start:end]
    )
