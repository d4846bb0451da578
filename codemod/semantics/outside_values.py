"""What code of other objects gives an attribute: `model.head = Head()`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codemod.semantics.index import outside_assignments
from codemod.semantics.syntax import FunctionNode, blocks_of, targets_of

if TYPE_CHECKING:
    from codemod.semantics.project import Project

_Around = tuple[ast.AST, ...]


@dataclass(frozen=True, slots=True)
class OutsideValue:
    """One assignment; `value` is None where what it gives stands in no expression of its own."""

    path: str
    receiver: ast.expr
    value: ast.expr | None
    around: _Around  # the nodes around both, nearest first


def outside_values(project: Project, name: str) -> tuple[OutsideValue, ...]:
    """Every `x.NAME = ...` of the project where x is neither `self` nor settings."""
    if name not in project.assigned_outside:
        return ()
    return project.remembered("set-outside", name, lambda: _values(project, name))


def _values(project: Project, name: str) -> Iterator[OutsideValue]:
    for path, line in _places(project, name):
        for statement, around in _statements(project.parts(path).at(line), ()):
            if statement.lineno <= line <= (statement.end_lineno or 0):
                yield from _given(path, name, statement, (statement, *around))


def _places(project: Project, name: str) -> Iterator[tuple[str, int]]:
    """File and line (1-based) of each assignment."""
    for path, file in project.files.items():
        if name in file.outside_assigned:
            text = project.text(path)
            offsets = [offset for found, offset in outside_assignments(text) if found == name]
            yield from dict.fromkeys((path, text.count("\n", 0, one) + 1) for one in offsets)


def _statements(body: list[ast.stmt], around: _Around) -> Iterator[tuple[ast.stmt, _Around]]:
    """The statements, and all within, with what stands around each, nearest first."""
    for statement in body:
        yield statement, around
        for block in blocks_of(statement):
            yield from _statements(block, (statement, *around))


def _given(path: str, name: str, statement: ast.stmt, around: _Around) -> Iterator[OutsideValue]:
    if isinstance(statement, FunctionNode | ast.ClassDef):
        return
    plain = isinstance(statement, ast.AnnAssign) or (
        isinstance(statement, ast.Assign)
        and all(isinstance(one, ast.Attribute | ast.Name) for one in statement.targets)
    )
    value = statement.value if plain else None  # type: ignore[attr-defined]
    for target in targets_of(statement):
        if isinstance(target, ast.Attribute) and target.attr == name:
            yield OutsideValue(path, target.value, value, around)
