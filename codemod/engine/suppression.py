"""`# codemod: skip` and `# codemod: skip[transform-name]` on a line, a `def` or a `class`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from codemod.editing.comments import comments
from codemod.semantics.module_class import SourceFile
from codemod.semantics.syntax import FunctionNode, first_line, walk

_SKIP = re.compile(r"#\s*codemod:\s*skip(?:\[([^\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Suppression:
    """Lines `first` to `last` are skipped by `transforms` (all of them where it is empty)."""

    first: int
    last: int
    transforms: frozenset[str]

    def covers(self, line: int, transform: str) -> bool:
        inside = self.first <= line <= self.last
        return inside and (not self.transforms or transform in self.transforms)


def suppressions(file: SourceFile) -> tuple[Suppression, ...]:
    """The skip comments of a file, each with the lines that it rules."""
    if "codemod:" not in file.source.text:
        return ()
    return tuple(
        Suppression(*_lines(file, line), _names(match.group(1)))
        for line, text in comments(file.source.text)
        if (match := _SKIP.search(text))
    )


def is_suppressed(found: Iterable[Suppression], lines: Iterable[int], transform: str) -> bool:
    lines = tuple(lines)
    return any(item.covers(line, transform) for item in found for line in lines)


def _names(listed: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (listed or "").split(",") if name.strip())


def _lines(file: SourceFile, line: int) -> tuple[int, int]:
    """The definition whose header the line belongs to, else the statement on it, else the line.

    A comment on a line of its own belongs to no header.
    """
    source = file.source
    start = source.line_starts[line - 1]
    alone = source.text[start : source.line_end(start)].lstrip().startswith("#")
    best: tuple[int, int] | None = None
    for node in walk(ast.Module(body=file.parts.at(line), type_ignores=[])):
        if not isinstance(node, ast.stmt):
            continue
        last = node.end_lineno or node.lineno
        if isinstance(node, FunctionNode | ast.ClassDef):
            first = first_line(node)
            if not alone and first <= line < max(node.body[0].lineno, node.lineno + 1):
                return first, last
        elif not hasattr(node, "body") and node.lineno <= line <= last:
            best = (node.lineno, last)
    return best or (line, line)
