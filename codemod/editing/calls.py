"""Rewriting a call: another function, some arguments kept where they are, some added."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from codemod.results import Edit
from codemod.semantics.layout import ArgumentSpan, CallLayout, span
from codemod.semantics.module_class import Call
from codemod.source.text import SourceText


def rewrite_call(
    call: Call,
    function: str,
    keep: Sequence[int],
    extra: Sequence[str] = (),
    line_length: int = 88,
) -> tuple[Edit, ...]:
    """Edits that call `function` with the kept arguments (by index, in order) and the extra ones.

    The text of a kept argument is not touched, so that rewrites inside it can be made as well.
    Comments between the arguments stay; a call that lost arguments is put on one line if that fits
    into `line_length`. Lines that grow too long are broken when all rewrites are composed.
    """
    source, layout = call.module.source, call.layout
    kept = [layout.arguments[index] for index in keep]
    function_start = span(source, call.node.func)[0]  # parentheses around the function stay
    edits = [Edit(source.path, function_start, layout.function_end, function)]
    if not kept:
        inside = ", ".join(extra)
        edits.append(Edit(source.path, layout.open + 1, layout.close, inside))
        return tuple(edits)
    dropped = len(kept) < len(layout.arguments)
    multiline = "\n" in source.text[layout.open : layout.close]
    if dropped and layout.comments and multiline:
        edits += _drop_around_comments(source, layout, keep)
        edits += _append(source.path, kept[-1].end, extra)
    elif dropped and not (multiline and not _fits(source, layout, function, kept, line_length)):
        edits += _close_up(source.path, layout, kept, extra)
    elif dropped and tuple(keep) == tuple(range(len(keep))):
        tail = "".join(f", {item}" for item in extra)
        edits.append(Edit(source.path, kept[-1].end, layout.arguments[-1].end, tail))
    elif dropped:
        edits += _drop_around_comments(source, layout, keep)
        edits += _append(source.path, kept[-1].end, extra)
    else:
        edits += _append(source.path, kept[-1].end, extra)
    return tuple(edit for edit in edits if edit.start != edit.end or edit.new)


def _append(path: str, offset: int, extra: Sequence[str]) -> list[Edit]:
    return [Edit(path, offset, offset, "".join(f", {item}" for item in extra))] if extra else []


def _close_up(
    path: str, layout: CallLayout, kept: Sequence[ArgumentSpan], extra: Sequence[str]
) -> list[Edit]:
    """Everything between the kept arguments becomes `, `."""
    edits = [Edit(path, layout.open + 1, kept[0].start, "")]
    for left, right in pairwise(kept):
        edits.append(Edit(path, left.end, right.start, ", "))
    tail = "".join(f", {item}" for item in extra)
    edits.append(Edit(path, kept[-1].end, layout.close, tail))
    return edits


def _drop_around_comments(
    source: SourceText, layout: CallLayout, keep: Sequence[int]
) -> list[Edit]:
    """Take out each dropped argument with its comma, and leave lines and comments as they are."""
    edits: list[Edit] = []
    for index, argument in enumerate(layout.arguments):
        if index in keep:
            continue
        start, end = argument.start, argument.end
        after = source.text.find(",", end, layout.close)
        stop = layout.arguments[index + 1].start if index + 1 < len(layout.arguments) else None
        has_comma = (
            after >= 0 and not source.text[end:after].strip() and (stop is None or after < stop)
        )
        if has_comma:
            end = after + 1
        # The comma before a last argument without one may stay as a trailing comma.
        line = source.line_start(start)
        alone = (
            not source.text[line:start].strip()
            and not source.text[end : source.line_end(end)].strip()
        )
        if alone and source.next_line(end) <= layout.close:
            start, end = line, source.next_line(end)
        elif has_comma:
            while end < layout.close and source.text[end] == " ":
                end += 1
        edits.append(Edit(source.path, start, end, ""))
    return edits


def _fits(
    source: SourceText,
    layout: CallLayout,
    function: str,
    kept: Sequence[ArgumentSpan],
    line_length: int,
) -> bool:
    """Whether the kept arguments, on one line, stay within the limit."""
    texts = [source.text[argument.start : argument.end] for argument in kept]
    if any("\n" in text for text in texts):
        return False
    before = layout.start - source.line_start(layout.start)
    after = source.line_end(layout.close) - layout.close
    return before + len(function) + 1 + len(", ".join(texts)) + after <= line_length
