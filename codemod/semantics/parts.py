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
from codemod.semantics.partial_class import Members, PartialClass
from codemod.semantics.syntax import first_line, parse
from codemod.source.text import SourceText

_COMPOUND = re.compile(r"@|(?:async|class|def|for|if|try|while|with)\b")
_DEFINITION = re.compile(r"@|(?:async|class|def)\b")


@dataclass(frozen=True)
class Outline:
    """Where the statements of a file stand, by line (1-based), decorators included.

    `parts`: the first line of each part. `members`: of each class of the file's body whose own body
    begins below its first line, the first line of each part of that, and the line behind the class.
    """

    parts: Sequence[int]
    members: Sequence[int]

    def members_of(self, index: int) -> Sequence[int]:
        """Those of the class that a part is; nothing where it is none."""
        ends = self.parts[index : index + 2]
        start = bisect_right(self.members, ends[0])
        return self.members[start : bisect_right(self.members, ends[1]) if ends[1:] else None]


def outline_of(tree: ast.Module) -> Outline:
    members = array("L")
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            lines = _first_lines(statement.body)
            if lines[0] > first_line(statement):
                members.extend(lines)
                members.append((statement.end_lineno or lines[-1]) + 1)
    return Outline(_first_lines(tree.body), members)


def _first_lines(body: Iterable[ast.stmt]) -> array[int]:
    lines = array("L")
    end = 0
    for statement in body:
        first = first_line(statement)
        if first > end:
            lines.append(first)
        end = max(end, statement.end_lineno or first)
    return lines


@dataclass(frozen=True)
class Parts:
    """The parts of one file, which is known to parse."""

    source: SourceText
    outline: Outline
    _parsed: dict[int, list[ast.stmt]] = field(default_factory=dict, repr=False)
    _partial: dict[int, ast.ClassDef] = field(default_factory=dict, repr=False)

    def all(self) -> list[ast.stmt]:
        """The whole body of the file."""
        return self._statements(range(len(self.lines)))

    def first(self) -> list[ast.stmt]:
        return self._statements(range(min(1, len(self.lines))))

    def at(self, line: int) -> list[ast.stmt]:
        """The part that a line (1-based) belongs to: it lasts until the next one begins."""
        index = bisect_right(self.lines, line) - 1
        return self._part(index) if index >= 0 else []

    def over(self, lines: Iterable[int]) -> list[ast.stmt]:
        """The parts that these lines belong to; of a class, a `PartialClass`."""
        found: dict[int, list[ast.stmt]] = {}
        for line in sorted(lines):
            index = bisect_right(self.lines, line) - 1
            if index >= 0 and index not in found:
                found[index] = self._over(index)
        return [one for statements in found.values() for one in statements]

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

    @property
    def lines(self) -> Sequence[int]:
        return self.outline.parts

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
        first, behind = self.lines[index], self._behind(index)
        try:
            found = self._parsed_lines((first, behind))
        except SourceError:
            self._parse_whole()
            return
        self._learn(index, found)

    def _over(self, index: int) -> list[ast.stmt]:
        if index in self._parsed and index not in self._partial:
            return self._parsed[index]
        if index not in self._partial:
            lines = self.outline.members_of(index)
            if not lines:
                return self._part(index)
            head = (self.lines[index], lines[0])

            def parsed(first: int, behind: int) -> ast.ClassDef:
                return _one_class(self._parsed_lines(head, (first, behind)))

            members = Members(lines, parsed, lambda: _one_class(self._part(index)))
            self._partial[index] = PartialClass.of(members)
        return [self._partial[index]]

    def _behind(self, index: int) -> int:
        """The line on which the next part begins."""
        ends = self.lines[index + 1 : index + 2]
        return ends[0] if ends else len(self.source.line_starts) + 1

    def _parsed_lines(self, *ranges: tuple[int, int]) -> list[ast.stmt]:
        """What these lines hold, from the first to the one behind, parsed where they stand."""
        starts, text = self.source.line_starts, self.source.text
        found, line = [], 1
        for first, behind in ranges:
            end = starts[behind - 1] if behind <= len(starts) else len(text)
            found += ["\n" * (first - line), text[starts[first - 1] : end]]
            line = behind
        return parse(self.source.with_text("".join(found))).body

    def _parse_whole(self) -> None:
        found: dict[int, list[ast.stmt]] = {index: [] for index in range(len(self.lines))}
        for statement in parse(self.source).body:
            found[bisect_right(self.lines, first_line(statement)) - 1].append(statement)
        for index in found.keys() - self._parsed.keys():
            self._learn(index, found[index])

    def _learn(self, index: int, statements: list[ast.stmt]) -> None:
        """What was given away before keeps its nodes."""
        partial = self._partial.get(index)
        if isinstance(partial, PartialClass):
            partial.members.keep_in(_one_class(statements).body)
        self._parsed[index] = statements


def _one_class(statements: list[ast.stmt]) -> ast.ClassDef:
    (found,) = statements
    assert isinstance(found, ast.ClassDef)
    return found
