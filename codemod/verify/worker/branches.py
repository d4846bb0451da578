"""Which names decide whether a line of a class's method runs.

They stand in the conditions around the line, in those of statements before it that leave the
block, and in the conditions around the calls of the line's method; names of locals are followed to
what they were made of, attributes to what the constructor made them of.
"""

from __future__ import annotations

import ast
import os
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from .coverage import Line
from .reading import initialiser, methods_of, plain_function, sources_of, tree_of

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_BLOCKS = ("body", "orelse", "finalbody", "handlers")
DEPTH = 3  # of methods that call each other


def deciding_names(cls: type, lines: Iterable[Line]) -> List[str]:
    """The names, those nearest to the lines first."""
    methods = [(method, tree) for method in methods_of(cls) for tree in [tree_of(method)] if tree]
    found: Dict[str, None] = {}
    for path, line in sorted(lines):
        for method, tree in methods:
            if os.path.realpath(method.__code__.co_filename) == path:
                _decide(method, tree, line, methods, DEPTH, found)
    made = plain_function(initialiser(cls))
    if made is not None:
        found.update(dict.fromkeys(sources_of(made.__code__, tuple(found))))
    return list(found)


def _decide(
    method: Any,
    tree: Any,
    line: int,
    methods: List[Tuple[Any, Any]],
    depth: int,
    found: Dict[str, None],
) -> None:
    own = line - method.__code__.co_firstlineno + 1
    if not tree.lineno <= own <= (tree.end_lineno or 0):
        return
    names = [name for test in tests_before(tree, own) for name in _names(test)]
    found.update(dict.fromkeys(names))
    found.update(dict.fromkeys(sources_of(method.__code__, tuple(names))))
    if depth:
        for other, inner in methods:
            for called in _calls(inner, tree.name):
                at = called + other.__code__.co_firstlineno - 1
                if other is not method:
                    _decide(other, inner, at, methods, depth - 1, found)


def tests_before(tree: Any, line: int) -> Iterator[ast.AST]:
    """The conditions that must hold or fail for the line of the function to run."""
    yield from _in_block(tree.body, line)


def _in_block(block: List[Any], line: int) -> Iterator[ast.AST]:
    for statement in block:
        if statement.lineno > line:
            return
        if line > (statement.end_lineno or statement.lineno):
            if isinstance(statement, ast.If) and _may_leave(statement):
                yield statement.test
            continue
        yield from _of_statement(statement, line)


def _of_statement(statement: Any, line: int) -> Iterator[ast.AST]:
    if isinstance(statement, (ast.If, ast.While)):
        yield statement.test
    elif isinstance(statement, ast.For):
        yield statement.iter
    for node in ast.walk(statement):
        inside = getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)
        if isinstance(node, ast.IfExp) and inside:
            yield node.test
        elif isinstance(node, ast.BoolOp) and inside and node is not getattr(statement, "test", 0):
            yield node
    for field in _BLOCKS:
        yield from _in_block(getattr(statement, field, None) or [], line)


def _may_leave(statement: ast.If) -> bool:
    return any(
        isinstance(node, _LEAVES)
        for part in (statement.body, statement.orelse)
        for inner in part
        for node in ast.walk(inner)
    )


def _names(test: ast.AST) -> Iterator[str]:
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node.id != "self":
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _calls(tree: ast.AST, name: str) -> Iterator[int]:
    """The lines of a function on which the method is called or named."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == name:
            yield node.lineno
