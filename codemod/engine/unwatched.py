"""Places that a rewrite takes away or puts there and that its own witnesses do not watch.

A statement that comes, goes or changes must run, and so must every branch of it that does: to have
entered the method around a branch says nothing about the branch. Of a condition that changes both
outcomes must be seen: one that never holds may become any other that never holds. And it may not
draw random numbers, of which a few runs see too few.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from codemod.engine.text_edits import OffsetMap, moved
from codemod.results import Edit, Rewrite, Witness
from codemod.semantics.layout import span
from codemod.semantics.parts import Parts
from codemod.semantics.syntax import blocks_of, walk
from codemod.source.text import SourceText

_BRANCH = re.compile(r"\b(?:if|and|or|for|lambda)\b")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)
_SILENT = (ast.Global, ast.Nonlocal, ast.Pass)


@dataclass(frozen=True)
class Stretch:
    """From where to where a text was changed; nothing where text was only put in."""

    start: int
    end: int

    def touches(self, start: int, end: int) -> bool:
        return start < self.end and self.start < end


def taken_away(parts: Parts, rewrite: Rewrite) -> list[Witness]:
    """What the rewrite replaces in one file, as places of the text that it was found in."""
    path, text = parts.source.path, parts.source.text
    extents = [
        extent
        for edit in _edits_of(rewrite, path)
        if not _is_watched(edit, text, rewrite.witnesses)
        for extent in [_old(edit, text)]
        if extent.start < extent.end
    ]
    watched = {w.start for w in rewrite.witnesses if w.kind == "function" and w.path == path}
    return _places(parts, extents, watched)


def new_stretches(
    before: SourceText, maps: Sequence[OffsetMap], rewrite: Rewrite
) -> Iterator[Stretch]:
    """What a rewrite wrote into one file and does not watch, in the text that all `maps` led to."""
    edits = _edits_of(rewrite, before.path)
    shift = 0
    for edit in maps[0].edits:
        if edit in edits and not _is_watched(edit, before.text, rewrite.witnesses):
            new = _new(edit, before.text, edit.start + shift)
            if new.start < new.end:
                yield Stretch(*moved(maps[1:], new.start, new.end))
        shift += len(edit.new) - (edit.end - edit.start)


def put_there(
    parts: Parts, stretches: Sequence[Stretch], maps: Sequence[OffsetMap], rewrite: Rewrite
) -> list[Witness]:
    """The places in these stretches of the new text."""
    watched = {
        moved(maps, one.start, one.end)[0]
        for one in rewrite.witnesses
        if one.kind == "function" and one.path == parts.source.path
    }
    return _places(parts, stretches, watched)


def _edits_of(rewrite: Rewrite, path: str) -> list[Edit]:
    return [edit for edit in rewrite.edits if edit.path == path]


def _is_watched(edit: Edit, text: str, witnesses: Iterable[Witness]) -> bool:
    """Whether it lies in an expression that must be evaluated, and brings or takes no branch."""
    if _BRANCH.search(edit.new) or _BRANCH.search(text[edit.start : edit.end]):
        return False
    return any(
        one.kind == "expression"
        and one.path == edit.path
        and one.start <= edit.start
        and edit.end <= one.end
        for one in witnesses
    )


def _old(edit: Edit, text: str) -> Stretch:
    head, tail = _same_ends(text[edit.start : edit.end], edit.new)
    return Stretch(edit.start + head, edit.end - tail)


def _new(edit: Edit, text: str, start: int) -> Stretch:
    head, tail = _same_ends(text[edit.start : edit.end], edit.new)
    return Stretch(start + head, start + len(edit.new) - tail)


def _same_ends(one: str, other: str) -> tuple[int, int]:
    """How much two texts have in common at the beginning, and then at the end."""
    most = min(len(one), len(other))
    head = next((i for i in range(most) if one[i] != other[i]), most)
    most -= head
    tail = next((i for i in range(most) if one[-1 - i] != other[-1 - i]), most)
    return head, tail


def _places(parts: Parts, extents: Sequence[Stretch], watched: set[int]) -> list[Witness]:
    source = parts.source
    found: dict[Witness, None] = {}
    for extent in extents:
        lines = range(source.position(extent.start).line, source.position(extent.end).line + 1)
        body = {id(one): one for line in lines for one in parts.at(line)}
        for place in _in_block(source, list(body.values()), extent, watched, None):
            found[place] = None
    return list(found)


def _in_block(
    source: SourceText,
    block: Sequence[ast.stmt],
    extent: Stretch,
    watched: set[int],
    function: bool | None,
) -> Iterator[Witness]:
    """`function`: whether the block is the body of one that is watched; None outside of any.

    Where a function is watched, what stands in it before any `return` has run.
    """
    for statement in block:
        start, end = span(source, statement)
        if extent.touches(start, end):
            if function is False and not _is_silent(statement):
                yield Witness(source.path, start, end, "statement")
            if function is not None:
                yield from _branches(source, statement, extent)
                yield from _outcomes(source, statement, extent)
            for inner in blocks_of(statement):
                inside = None if function is None else False
                if isinstance(statement, _FUNCTIONS):
                    inside = start in watched
                yield from _in_block(source, inner, extent, watched, inside)
        if function and any(isinstance(node, ast.Return) for node in walk(statement)):
            function = False


def _is_silent(statement: ast.stmt) -> bool:
    """Whether there is nothing to run."""
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    is_bare = isinstance(statement, ast.AnnAssign) and statement.value is None
    return is_text or is_bare or isinstance(statement, _SILENT)


def _branches(source: SourceText, statement: ast.stmt, extent: Stretch) -> Iterator[Witness]:
    """The parts of its own expressions that need not be evaluated when it runs."""
    for expression in _own_expressions(statement):
        for node in walk(expression):
            whole = isinstance(node, ast.expr) and _decides(source, node, extent)
            for part in _parts_that_may_be_left_out(node):
                if whole or extent.touches(*span(source, part)):
                    yield Witness(source.path, *span(source, part), "expression")
            if whole and isinstance(node, ast.IfExp):
                yield Witness(source.path, *span(source, node.test), "condition")
            if whole and isinstance(node, ast.BoolOp):
                yield Witness(source.path, *span(source, node), "short-cut")


def _decides(source: SourceText, node: ast.expr, extent: Stretch) -> bool:
    """Whether a change touches what decides which parts are evaluated."""
    if isinstance(node, ast.IfExp):
        return extent.touches(*span(source, node.test))
    if isinstance(node, ast.BoolOp):
        return extent.touches(*span(source, node))
    if isinstance(node, (*_COMPREHENSIONS, ast.DictComp)):
        conditions = [one for part in node.generators for one in (part.iter, *part.ifs)]
        return any(extent.touches(*span(source, one)) for one in conditions)
    return False


def _outcomes(source: SourceText, statement: ast.stmt, extent: Stretch) -> Iterator[Witness]:
    """Of an `if`, `while` or `for` whose head changes: its blocks."""
    head = statement.test if isinstance(statement, ast.If | ast.While) else None
    head = statement.iter if isinstance(statement, ast.For | ast.AsyncFor) else head
    if head is None or not extent.touches(*span(source, head)):
        return
    yield Witness(source.path, *span(source, head), "condition")
    for block in (statement.body, statement.orelse):  # type: ignore[attr-defined]
        first = next((one for one in block if not _is_silent(one)), None)
        if first is not None:
            yield Witness(source.path, *span(source, first), "statement")
    if isinstance(statement, ast.If) and not statement.orelse:
        yield Witness(source.path, *span(source, statement), "else")


def _own_expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(statement):
        if not isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield node


def _parts_that_may_be_left_out(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.BoolOp):
        return node.values[1:]
    if isinstance(node, _COMPREHENSIONS):
        return [node.elt]
    if isinstance(node, ast.DictComp):
        return [node.key, node.value]
    return [node.body] if isinstance(node, ast.Lambda) else []
