"""One file's text: bytes in, bytes out, with encoding, BOM and line endings kept."""

from __future__ import annotations

import ast
import codecs
import io
import re
import tokenize
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from codemod.errors import SourceError
from codemod.results import Position

LINE_END = re.compile(r"\r\n|\r|\n")


def _encoding_of(data: bytes) -> str:
    """As `tokenize` finds it. Raises SyntaxError, or UnicodeDecodeError where none is declared."""
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        if not any(b"coding" in line for line in data.splitlines()[:2]):
            data.decode("utf-8")
        raise


@dataclass(frozen=True)
class SourceText:
    """Decoded text of one file. Offsets count code points of `text`."""

    path: str
    text: str
    encoding: str = "utf-8"
    bom: bool = False

    @classmethod
    def decode(cls, path: str, data: bytes) -> SourceText:
        """Decode as Python would (PEP 263). Raises SourceError: undecodable, nul-byte."""
        if b"\0" in data:
            line = data[: data.index(b"\0")].count(b"\n") + 1
            raise SourceError(path, "nul-byte", f"{path}:{line}: the file holds a NUL byte")
        try:
            encoding = _encoding_of(data)
            bom = encoding == "utf-8-sig"
            if bom:
                encoding, data = "utf-8", data[len(codecs.BOM_UTF8) :]
            return cls(path, data.decode(encoding), encoding, bom)
        except (SyntaxError, LookupError) as error:
            raise SourceError(path, "undecodable", f"{path}: {error}") from None
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise SourceError(
                path,
                "undecodable",
                f"{path}:{line}: byte 0x{data[error.start]:02x} is not {error.encoding};"
                " declare the encoding in the first line or convert the file",
            ) from None

    def with_text(self, text: str) -> SourceText:
        return SourceText(self.path, text, self.encoding, self.bom)

    def encode(self) -> bytes:
        data = self.text.encode(self.encoding)
        return codecs.BOM_UTF8 + data if self.bom else data

    @cached_property
    def line_starts(self) -> Sequence[int]:
        """Offset of the first code point of each line, as the tokenizer counts lines."""
        # Untranslated, a stream splits where the tokenizer does, and in C.
        starts = array("L", accumulate(map(len, io.StringIO(self.text, newline="")), initial=0))
        return starts if self.text.endswith(("\n", "\r")) else starts[:-1] or starts

    @cached_property
    def newline(self) -> str:
        """The line ending to write: that of the first line."""
        match = LINE_END.search(self.text)
        return match.group() if match else "\n"

    @cached_property
    def _is_ascii(self) -> bool:
        return self.text.isascii()

    def offset(self, line: int, utf8_column: int) -> int:
        """Offset of an `ast` position: 1-based line, 0-based column in UTF-8 bytes."""
        start = self.line_starts[line - 1]
        if self._is_ascii:
            return start + utf8_column
        width = 0
        for index in range(start, len(self.text) + 1):
            if width >= utf8_column:
                return index
            width += len(self.text[index].encode("utf-8", "surrogatepass"))
        return len(self.text)

    def has(self, pattern: re.Pattern[str], node: ast.stmt) -> bool:
        """Whether `pattern` is found in the lines of a statement, its decorators included."""
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        start, end = self.line_starts[first - 1], node.end_lineno or node.lineno
        stop = self.line_starts[end] if end < len(self.line_starts) else len(self.text)
        found = self.matches(pattern)
        index = bisect_left(found, start)
        return index < len(found) and found[index] < stop

    def matches(self, pattern: re.Pattern[str]) -> list[int]:
        """Where a pattern is found in the whole text: searched for once, asked for often."""
        if pattern not in self._matches:
            self._matches[pattern] = [match.start() for match in pattern.finditer(self.text)]
        return self._matches[pattern]

    @cached_property
    def _matches(self) -> dict[re.Pattern[str], list[int]]:
        return {}

    def ast_position(self, offset: int) -> tuple[int, int]:
        """The `ast` position of an offset: 1-based line, 0-based column in UTF-8 bytes."""
        line = bisect_right(self.line_starts, offset)
        prefix = self.text[self.line_starts[line - 1] : offset]
        return line, len(prefix.encode("utf-8", "surrogatepass"))

    def position(self, offset: int) -> Position:
        """1-based line and column, column in code points."""
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def lines(self, first: int, last: int) -> str:
        """Lines (1-based) up to and with the last, each ended by `\n`, the last one by none.

        The text may have fewer by now than where the numbers come from.
        """
        starts = self.line_starts
        ends = (starts[n] if n < len(starts) else len(self.text) for n in (first - 1, last))
        lines = self.text[slice(*ends)]
        return (LINE_END.sub("\n", lines) if "\r" in lines else lines).removesuffix("\n")

    def line_start(self, offset: int) -> int:
        """Offset of the first code point of the line that holds `offset`."""
        return self.line_starts[bisect_right(self.line_starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Offset of the line ending (or end of text) of the line that holds `offset`."""
        match = LINE_END.search(self.text, offset)
        return match.start() if match else len(self.text)

    def next_line(self, offset: int) -> int:
        """Offset of the first code point after the line that holds `offset`."""
        match = LINE_END.search(self.text, offset)
        return match.end() if match else len(self.text)

    def indent(self, offset: int) -> str:
        """The white space that begins the line of `offset`."""
        start = self.line_start(offset)
        end = start
        while end < len(self.text) and self.text[end] in " \t\f":
            end += 1
        return self.text[start:end]
