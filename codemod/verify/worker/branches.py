"""Which names decide whether a line of a class's method runs, and what lies on the way to it.

They stand in the conditions around the line, in those of statements before it that leave the
block, and in the conditions around the calls of the line's method; names of locals are followed to
what they were made of, attributes to what the constructor made them of.
"""

from __future__ import annotations

import ast
import os
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

from .coverage import Line
from .reading import initialiser, methods_of, plain_function, sources_of, tree_of

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_BLOCKS = ("body", "orelse", "finalbody", "handlers")
DEPTH = 3  # of methods that call each other


class Condition(NamedTuple):
    """A test on the way to a line, and whether it must hold; None: it may hold or not."""

    test: ast.AST
    holds: Optional[bool]


def deciding_names(cls: type, lines: Iterable[Line]) -> List[str]:
    """The names, those nearest to the lines first."""
    found: Dict[str, None] = {}
    for method, tree, line in _on_the_way(cls, lines):
        names = [name for one in conditions_before(tree, line) for name in _names(one.test)]
        found.update(dict.fromkeys(names))
        found.update(dict.fromkeys(sources_of(method.__code__, tuple(names))))
    made = plain_function(initialiser(cls))
    if made is not None:
        found.update(dict.fromkeys(sources_of(made.__code__, tuple(found))))
    return list(found)


def steps_to(cls: type, lines: Iterable[Line]) -> Set[Line]:
    """Lines that run before the wanted ones do: where each block around them starts, what follows
    a statement that may leave it, and the same for the calls of their methods."""
    found: Set[Line] = set()
    for method, tree, line in _on_the_way(cls, lines):
        path, before = os.path.realpath(method.__code__.co_filename), _lines_before(method)
        found.update((path, own + before) for own in _steps(tree.body, line))
    return found


def entrances(cls: type, lines: Iterable[Line]) -> List[str]:
    """Public methods other than forward in which a wanted line stands; and those that call its
    method, where forward does not."""
    found: Dict[str, None] = {}
    for line in sorted(lines):
        names = [method.__name__ for method, _, _ in _on_the_way(cls, [line])]
        found.update(dict.fromkeys(names[:1] if "forward" in names else names))
    return [name for name in found if name != "forward" and not name.startswith("_")]


def demands(cls: type, line: Line) -> Dict[str, Optional[bool]]:
    """What attributes of `self` must be for the line of a method to run, as far as the conditions
    say so: true, false, or None. Those nearest to the line have the last word."""
    found: Dict[str, Optional[bool]] = {}
    for _, tree, own in _on_the_way(cls, [line]):
        asked: Dict[str, Optional[bool]] = {}
        for condition in conditions_before(tree, own):
            if condition.holds is not None:
                asked.update(_asked_of_self(condition.test, condition.holds))
        found = {**asked, **found}
    return found


def _on_the_way(cls: type, lines: Iterable[Line]) -> Iterator[Tuple[Any, Any, int]]:
    """The methods that hold one of the lines, and those that call them, in turn: each with its
    tree, and the line in it, counted from its own first line."""
    methods = [(method, tree) for method in methods_of(cls) for tree in [tree_of(method)] if tree]
    for path, line in sorted(lines):
        for method, tree in methods:
            if os.path.realpath(method.__code__.co_filename) == path:
                yield from _up_from(method, tree, line, methods, DEPTH)


def _up_from(
    method: Any, tree: Any, line: int, methods: List[Tuple[Any, Any]], depth: int
) -> Iterator[Tuple[Any, Any, int]]:
    own = line - _lines_before(method)
    if not tree.lineno <= own <= (tree.end_lineno or 0):
        return
    yield method, tree, own
    for other, inner in methods if depth else ():
        for called in _calls(inner, tree.name) if other is not method else ():
            yield from _up_from(other, inner, called + _lines_before(other), methods, depth - 1)


def _lines_before(method: Any) -> int:
    return int(method.__code__.co_firstlineno) - 1


def conditions_before(tree: Any, line: int) -> Iterator[Condition]:
    """The conditions that must hold or fail for the line of the function to run."""
    yield from _in_block(tree.body, line)


def _in_block(block: List[Any], line: int) -> Iterator[Condition]:
    for statement in block:
        if statement.lineno > line:
            return
        if line > (statement.end_lineno or statement.lineno):
            if isinstance(statement, ast.If) and _may_leave(statement):
                yield Condition(statement.test, _stays(statement))
            continue
        yield from _of_statement(statement, line)


def _of_statement(statement: Any, line: int) -> Iterator[Condition]:
    if isinstance(statement, (ast.If, ast.While)):
        yield Condition(statement.test, _side(statement, line))
    elif isinstance(statement, ast.For):
        yield Condition(statement.iter, None)
    for node in ast.walk(statement):
        inside = getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)
        if isinstance(node, ast.IfExp) and inside:
            yield Condition(node.test, None)
        elif isinstance(node, ast.BoolOp) and inside and node is not getattr(statement, "test", 0):
            yield Condition(node, None)
    for field in _BLOCKS:
        yield from _in_block(getattr(statement, field, None) or [], line)


def _side(statement: Any, line: int) -> Optional[bool]:
    """Which side of an `if` or `while` the line is on."""
    if statement.body[0].lineno <= line <= statement.body[-1].end_lineno:
        return True
    return False if statement.orelse and statement.orelse[0].lineno <= line else None


def _stays(statement: ast.If) -> Optional[bool]:
    """What the test must be for the block to go on after an `if` that may leave it."""
    leaves = isinstance(statement.body[-1], _LEAVES)
    otherwise = bool(statement.orelse) and isinstance(statement.orelse[-1], _LEAVES)
    return None if leaves == otherwise else otherwise


def _may_leave(statement: ast.If) -> bool:
    return any(
        isinstance(node, _LEAVES)
        for part in (statement.body, statement.orelse)
        for inner in part
        for node in ast.walk(inner)
    )


def _steps(block: List[Any], line: int) -> Iterator[int]:
    """Where the blocks around the line start, and where they go on after what may leave them."""
    fresh = True
    for statement in block:
        if statement.lineno > line:
            return
        is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if fresh and not is_text:
            yield statement.lineno
        if line <= (statement.end_lineno or statement.lineno):
            for field in _BLOCKS:
                yield from _steps_inside(getattr(statement, field, None) or [], line)
            return
        fresh = isinstance(statement, ast.If) and _may_leave(statement)


def _steps_inside(block: List[Any], line: int) -> Iterator[int]:
    for handler in (one for one in block if isinstance(one, ast.ExceptHandler)):
        yield from _steps_inside(handler.body, line)
    if block and block[0].lineno <= line <= (block[-1].end_lineno or 0):
        yield from _steps(block, line)


def _asked_of_self(test: Any, holds: bool) -> Iterator[Tuple[str, Optional[bool]]]:
    """What the attributes of `self` must be for a test to hold, or to fail."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _asked_of_self(test.operand, not holds)
    elif isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) == holds:
        for one in test.values:
            yield from _asked_of_self(one, holds)
    elif _is_of_self(test):
        yield test.attr, holds
    elif _is_none_of_self(test, holds):
        yield test.left.attr, None


def _is_of_self(node: Any) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _is_none_of_self(test: Any, holds: bool) -> bool:
    """Whether it is `self.x is None` that must hold, or `self.x is not None` that must fail."""
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Is if holds else ast.IsNot)
        and _is_of_self(test.left)
        and isinstance(test.comparators[0], ast.Constant)
        and test.comparators[0].value is None
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
