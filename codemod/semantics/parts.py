"""A file's syntax tree, made a part at a time: what nobody asks for is not parsed.

A part is a statement of the file's body, or several that share a line.
"""

from __future__ import annotations

import ast
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from codemod.errors import SourceError
from codemod.semantics.syntax import first_line, parse
from codemod.source.text import SourceText

_COMPOUND = re.compile(r"@|(?:async|class|def|for|if|try|while|with)\b")
_DEFINITION = re.compile(r"@|(?:async|class|def)\b")


def first_lines(tree: ast.Module) -> Sequence[int]:
    """The line (1-based) that each part of a file begins on, decorators included."""
    lines = array("L")
    end = 0
    for statement in tree.body:
        first = first_line(statement)
        if first > end:
            lines.append(first)
        end = max(end, statement.end_lineno or first)
    return lines


@dataclass(frozen=True)
class Parts:
    """The parts of one file, which is known to parse; `lines` are those of `first_lines`."""

    source: SourceText
    lines: Sequence[int]
    _parsed: dict[int, list[ast.stmt]] = field(default_factory=dict, repr=False)

    def all(self) -> list[ast.stmt]:
        """The whole body of the file."""
        return self._statements(range(len(self.lines)))

    def first(self) -> list[ast.stmt]:
        return self._statements(range(min(1, len(self.lines))))

    def at(self, line: int) -> list[ast.stmt]:
        """The part that a line (1-based) belongs to: it lasts until the next one begins."""
        index = bisect_right(self.lines, line) - 1
        return self._part(index) if index >= 0 else []

    def with_match(self, pattern: re.Pattern[str]) -> list[ast.stmt]:
        """The parts that a pattern is found in."""
        return self._statements(self._matched(pattern))

    def texts_with(self, pattern: re.Pattern[str]) -> list[tuple[int, int, str]]:
        """First line, last line and text of the parts that a pattern is found in."""
        text, ends = self.source.text, [*self._starts[1:], len(self.source.text)]
        last = [*(line - 1 for line in self.lines[1:]), len(self.source.line_starts)]
        return [
            (self.lines[one], last[one], text[self._starts[one] : ends[one]])
            for one in self._matched(pattern)
        ]

    def has_match(self, pattern: re.Pattern[str], line: int) -> bool:
        """Whether a pattern is found in the part that a line belongs to."""
        return bisect_right(self.lines, line) - 1 in self._matched(pattern)

    def simple(self) -> list[ast.stmt]:
        """Imports, assignments, expressions; of the compound statements, a `match` at most."""
        return self._not_beginning(_COMPOUND)

    def outside_definitions(self, name: str = "") -> list[ast.stmt]:
        """The parts that define no function and no class, of those in which a name stands."""
        text, ends = self.source.text, [*self._starts[1:], len(self.source.text)]
        places = enumerate(zip(self._starts, ends, strict=True))
        return self._statements(
            index
            for index, (start, end) in places
            if not _DEFINITION.match(text, start) and text.find(name, start, end) >= 0
        )

    def texts_of_definitions(self) -> list[str]:
        """The text of each part that defines a function or a class."""
        text, ends = self.source.text, [*self._starts[1:], len(self.source.text)]
        places = zip(self._starts, ends, strict=True)
        return [text[start:end] for start, end in places if _DEFINITION.match(text, start)]

    def first_definition(self) -> int:
        """The line of the first function or class of the body; behind the file if it has none."""
        text = self.source.text
        places = zip(self.lines, self._starts, strict=True)
        found = (line for line, start in places if _DEFINITION.match(text, start))
        return next(found, len(self.source.line_starts) + 1)

    @cached_property
    def _starts(self) -> list[int]:
        return [self.source.line_starts[line - 1] for line in self.lines]

    def _matched(self, pattern: re.Pattern[str]) -> list[int]:
        found = {bisect_right(self._starts, place) - 1 for place in self.source.matches(pattern)}
        return sorted(found - {-1})

    def _not_beginning(self, pattern: re.Pattern[str]) -> list[ast.stmt]:
        text = self.source.text
        return self._statements(
            index for index, start in enumerate(self._starts) if not pattern.match(text, start)
        )

    def _statements(self, indices: Iterable[int]) -> list[ast.stmt]:
        return [statement for index in indices for statement in self._part(index)]

    def _part(self, index: int) -> list[ast.stmt]:
        if index not in self._parsed:
            self._parse(index)
        return self._parsed[index]

    def _parse(self, index: int) -> None:
        """Parse one part where it stands, by its lines; all of them if it does not stand alone."""
        bounds = [*self._starts[index : index + 2], len(self.source.text)]
        lines = "\n" * (self.lines[index] - 1) + self.source.text[bounds[0] : bounds[1]]
        try:
            self._parsed[index] = parse(self.source.with_text(lines)).body
        except SourceError:
            self._parse_whole()

    def _parse_whole(self) -> None:
        found: dict[int, list[ast.stmt]] = {index: [] for index in range(len(self.lines))}
        for statement in parse(self.source).body:
            found[bisect_right(self.lines, first_line(statement)) - 1].append(statement)
        # What was given away before keeps its nodes.
        self._parsed.update({index: found[index] for index in found.keys() - self._parsed.keys()})
