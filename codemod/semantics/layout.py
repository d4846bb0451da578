"""Where the parts of a call stand in the text: parentheses, arguments, comments."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass

from codemod.source.text import SourceText


@dataclass(frozen=True, slots=True)
class ArgumentSpan:
    """One argument, with the parentheses around it and, for a keyword, its name."""

    start: int
    end: int
    keyword: str | None
    star: bool


@dataclass(frozen=True, slots=True)
class CallLayout:
    """Offsets of one call. `open` and `close` are those of its parentheses."""

    start: int
    function_end: int
    open: int
    close: int
    arguments: tuple[ArgumentSpan, ...]
    trailing_comma: int | None
    comments: tuple[tuple[int, str], ...]  # between the arguments, not inside them

    @property
    def end(self) -> int:
        return self.close + 1


def span(source: SourceText, node: ast.expr | ast.stmt) -> tuple[int, int]:
    """Offsets of a node's text; parentheses around an expression are not part of it."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start = source.offset(node.lineno, node.col_offset)
    return start, source.offset(node.end_lineno, node.end_col_offset)


def call_layout(source: SourceText, node: ast.Call) -> CallLayout:
    """Take the text of a call apart."""
    start, end = span(source, node)
    function_end = span(source, node.func)[1]
    opened = _opening(source.text, function_end, end)
    parts, trailing, comments = _split(source.text, opened, end)
    keywords = _keyword_names(node)
    arguments = tuple(
        ArgumentSpan(first, last, *keywords[index]) for index, (first, last) in enumerate(parts)
    )
    return CallLayout(start, function_end, opened, end - 1, arguments, trailing, comments)


def _keyword_names(node: ast.Call) -> list[tuple[str | None, bool]]:
    """Name and star of each argument, in source order."""
    found: list[tuple[tuple[int, int], str | None, bool]] = []
    for argument in node.args:
        star = isinstance(argument, ast.Starred)
        found.append(((argument.lineno, argument.col_offset), None, star))
    for keyword in node.keywords:
        place = (keyword.value.lineno, keyword.value.col_offset)
        found.append((place, keyword.arg, keyword.arg is None))
    return [(name, star) for _, name, star in sorted(found, key=lambda item: item[0])]


def _opening(text: str, function_end: int, end: int) -> int:
    """The call's own `(`: closing parentheses around the callee stand before it."""
    offset = function_end
    while offset < end:
        if text[offset] == "#":
            offset = min(i for i in (text.find("\n", offset), text.find("\r", offset)) if i >= 0)
        elif text[offset] == "(":
            return offset
        offset += 1
    raise ValueError("a call without parentheses")


def _split(
    text: str, opened: int, end: int
) -> tuple[list[tuple[int, int]], int | None, tuple[tuple[int, str], ...]]:
    """Spans of the arguments, offset of a trailing comma, comments between arguments."""
    segment = SourceText("", text[opened:end])
    parts: list[tuple[int, int]] = []
    comments: list[tuple[int, str]] = []
    depth = lambdas = 0
    first = last = comma = None
    for token in tokenize.generate_tokens(io.StringIO(segment.text, newline="").readline):
        start = opened + segment.line_starts[token.start[0] - 1] + token.start[1]
        stop = opened + segment.line_starts[token.end[0] - 1] + token.end[1]
        if token.type == tokenize.COMMENT:
            if first is None or depth == 1:
                comments.append((start, token.string))
            continue
        if token.type in _LAYOUT_TOKENS:
            continue
        if token.type == tokenize.OP and token.string in ")]}":
            depth -= 1
            if depth == 0:
                break
        if token.type == tokenize.OP and token.string in "([{":
            depth += 1
            if depth == 1:
                continue
        if depth == 1 and token.string in ("lambda", ":"):
            lambdas += 1 if token.string == "lambda" else -1
        # A comma among the parameters of a lambda separates no arguments.
        if depth == 1 and not lambdas and token.type == tokenize.OP and token.string == ",":
            assert first is not None
            assert last is not None
            parts.append((first, last))
            first, comma = None, start
            continue
        first = start if first is None else first
        last = stop
    if first is not None and last is not None:
        parts.append((first, last))
        comma = None
    return parts, comma, tuple(comments)


_LAYOUT_TOKENS = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
)
