"""Lines that rewrites made longer than the project's limit, broken as black would."""

from __future__ import annotations

import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codemod.editing.comments import comments, for_readers
from codemod.results import Edit
from codemod.source.text import SourceText

# A file with more lines than this beyond the limit does not keep to it.
_FEW = 2
_MOST = 120
_IN_A_CHAIN = re.compile(r"\.\w+")
_PLAIN_TAIL = re.compile(r"[)\]}][,:]?")


@dataclass(frozen=True, slots=True)
class _Pair:
    """A bracket of the line's outermost level: offsets in the line, and of its own commas."""

    opened: int
    closed: int
    commas: tuple[int, ...]


def long_line_edits(
    before: SourceText, composed: SourceText, edits: Sequence[Edit], limit: int
) -> list[Edit]:
    """Edits of the composed text that break those lines that `edits` made too long.

    `edits`, sorted, made `composed` of `before`. A line that was too long before stays, and so does
    one with a comment that is not a single call. `limit`: that of the file, see `limit_of`.
    """
    lines: dict[int, None] = {}
    moved = 0
    for edit in edits:
        start, end = edit.start + moved, edit.start + moved + len(edit.new)
        moved += len(edit.new) - (edit.end - edit.start)
        is_new_line = edit.start == before.line_start(edit.start) and edit.new.endswith(
            ("\n", "\r")
        )
        if is_new_line or _length_at(before, edit.start) <= limit:
            lines.update(dict.fromkeys(_line_starts(composed, start, end)))
    return [edit for start in sorted(lines) for edit in _break(composed, start, limit)]


def limit_of(source: SourceText, limit: int) -> int:
    """The project's limit, or the longest line of a file that does not keep to it."""
    beyond = [len(line) for line in source.text.splitlines() if len(line) > limit]
    return limit if len(beyond) <= _FEW else min(max(beyond), _MOST)


def _length_at(source: SourceText, offset: int) -> int:
    return source.line_end(offset) - source.line_start(offset)


def _line_starts(source: SourceText, start: int, end: int) -> Sequence[int]:
    """The beginnings of the lines that hold text between two offsets."""
    starts = source.line_starts
    first = bisect_right(starts, start) - 1
    last = bisect_right(starts, max(start, end - 1)) - 1
    return starts[first : last + 1]


def _break(source: SourceText, start: int, limit: int) -> Iterator[Edit]:
    line, comment = _without_comment(source.text[start : source.line_end(start)])
    # What a comment tells a tool does not count, as for ruff.
    width = len(line) + (2 + len(comment) if for_readers(comment) else 0)
    if width <= limit or (comment and not line.endswith(")")):
        return
    if _is_all_of_a_bracket(source, start):
        commas = _outer_commas(line)
        if commas:
            yield from _one_a_line(source, start, line, commas)
            return
    pair = _widest(line)
    if pair is None:
        return
    outer = source.newline + source.indent(start)
    inner = outer + ("\t" if outer.endswith("\t") else "    ")
    body = line[pair.opened + 1 : pair.closed]
    one_line = len(inner.lstrip("\r\n")) + len(body.strip()) <= limit
    has_comma = body.rstrip().endswith(",")
    left, right = len(body) - len(body.lstrip()), len(body) - len(body.rstrip())
    opened, closed = start + pair.opened + 1, start + pair.closed
    yield Edit(source.path, opened, opened + left, inner)
    if not one_line or has_comma:
        for comma in pair.commas:
            after = line[comma + 1 : pair.closed]
            if after.strip():
                gap = len(after) - len(after.lstrip())
                yield Edit(source.path, start + comma + 1, start + comma + 1 + gap, inner)
    comma_too = bool(pair.commas) and not one_line and not has_comma
    yield Edit(source.path, closed - right, closed, "," * comma_too + outer)


def _without_comment(line: str) -> tuple[str, str]:
    """The code of a line and the comment behind it."""
    found = [text for _, text in comments(line.lstrip())] if "#" in line else []
    if not found or not line.endswith(found[0]):
        return line, ""
    return line.removesuffix(found[0]).rstrip(), found[0]


def _is_all_of_a_bracket(source: SourceText, start: int) -> bool:
    """Whether a line is all that stands between a bracket above it and the closing one below."""
    above = source.text[:start].rstrip()
    below = source.text[source.line_end(start) :].lstrip()
    is_next = source.text[len(above) : start].count(source.newline) == 1
    return is_next and above.endswith(("(", "[", "{")) and below.startswith((")", "]", "}"))


def _one_a_line(source: SourceText, start: int, line: str, commas: Sequence[int]) -> Iterator[Edit]:
    """Edits that put each item of a bracket's only line on a line of its own."""
    inner = source.newline + source.indent(start)
    for comma in commas:
        after = line[comma + 1 :]
        if after.strip():
            gap = len(after) - len(after.lstrip())
            yield Edit(source.path, start + comma + 1, start + comma + 1 + gap, inner)
    if not line.rstrip().endswith(","):
        end = start + len(line.rstrip())
        yield Edit(source.path, end, end, ",")


def _outer_commas(line: str) -> tuple[int, ...]:
    """The commas of a line outside of its brackets; none where it is no plain list of items."""
    found: list[int] = []
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.lstrip()).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "COMMENT" or (token.start[0] > 1 and kind not in ("NEWLINE", "ENDMARKER")):
                return ()
            if depth == 0 and token.string in ("for", "lambda"):
                return ()
            if kind == "OP":
                depth += (token.string in "([{") - (token.string in ")]}")
                if token.string == "," and depth == 0:
                    found.append(len(line) - len(line.lstrip()) + token.start[1])
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return ()
    return tuple(found) if depth == 0 else ()


def _widest(line: str) -> _Pair | None:
    """The bracket to open up: the widest of the chain of calls that the line ends with."""
    pairs = _pairs(line)
    if pairs and _PLAIN_TAIL.fullmatch(line[pairs[-1].closed :].rstrip()):
        first = len(pairs) - 1
        while first and _IN_A_CHAIN.fullmatch(
            line[pairs[first - 1].closed + 1 : pairs[first].opened]
        ):
            first -= 1
        pairs = pairs[first:]
    filled = [pair for pair in pairs if line[pair.opened + 1 : pair.closed].strip()]
    return max(filled, key=lambda pair: pair.closed - pair.opened, default=None)


def _pairs(line: str) -> list[_Pair]:
    """The outermost brackets of a line; none for a line that is no piece of code of its own."""
    pairs: list[_Pair] = []
    commas: list[int] = []
    depth = strings = opened = 0
    splits = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.lstrip()).readline):
            offset = len(line) - len(line.lstrip()) + token.start[1]
            kind = tokenize.tok_name[token.type]
            if kind == "COMMENT":
                return []
            strings += (kind == "FSTRING_START") - (kind == "FSTRING_END")
            if strings or token.start[0] > 1:
                continue
            if depth == 1 and token.string in ("for", "lambda"):
                splits = False
            if kind != "OP":
                continue
            if token.string in "([{":
                depth += 1
                if depth == 1:
                    opened, commas, splits = offset, [], True
            elif token.string in ")]}":
                depth -= 1
                if depth < 0:
                    return []
                if depth == 0:
                    pairs.append(_Pair(opened, offset, tuple(commas) if splits else ()))
            elif token.string == "," and depth == 1:
                commas.append(offset)
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return []
    return pairs if depth == 0 else []
