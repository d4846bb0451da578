"""The condition that led to a raise: an `assert`, or the `if`s around it.

A `Guard` keeps the frame's names, so that other values can be tried on the condition alone.
"""

from __future__ import annotations

import ast
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from .reading import tree_of_code


class Shaped(NamedTuple):
    """A local tensor whose shape a condition compared with another one."""

    name: str
    shape: Tuple[int, ...]
    other: Tuple[int, ...]


class Guard(NamedTuple):
    """`tests`: compiled conditions, each with the outcome that led to the raise.

    `words`: all names and attributes in them; `names`: those of them that are local.
    """

    function: str
    tests: Tuple[Tuple[Any, bool], ...]
    names: Tuple[str, ...]
    numbers: Tuple[int, ...]
    strings: Tuple[str, ...]
    scope: Any
    local: Dict[str, Any]
    words: Tuple[str, ...] = ()
    shapes: Tuple[Shaped, ...] = ()

    def passes(self, changes: Dict[str, Any]) -> bool:
        """Whether, with these local names changed, the raise is not reached."""
        local = {**self.local, **changes}
        try:
            names = {**self.scope, **local}
            return not all(bool(eval(test, names)) == outcome for test, outcome in self.tests)
        except Exception:
            return False


def guard_of(frame: Any, line: int) -> Optional[Guard]:
    """The guard of the statement at `line`, or None if nothing guards it."""
    tree = tree_of_code(frame.f_code)
    if tree is None:
        return None
    offset = frame.f_code.co_firstlineno - 1
    tests: List[Tuple[ast.AST, bool]] = []
    _collect(tree.body, line - offset, tests)  # type: ignore[attr-defined]
    if not tests:
        return None
    local = dict(frame.f_locals)
    names: Set[str] = set()
    numbers: Set[int] = set()
    strings: Set[str] = set()
    compiled = []
    for test, outcome in tests:
        code = compile(ast.fix_missing_locations(ast.Expression(test)), "<guard>", "eval")  # type: ignore[arg-type]
        compiled.append((code, outcome))
        _mentions(test, frame.f_globals, local, names, numbers, strings)
    return Guard(
        frame.f_code.co_name,
        tuple(compiled),
        tuple(sorted(names)),
        tuple(sorted(numbers)),
        tuple(sorted(strings)),
        frame.f_globals,
        local,
        tuple(dict.fromkeys(word for test, _ in tests for word in _words(test))),
        tuple(one for test, _ in tests for one in _shaped(test, frame.f_globals, local)),
    )


def _shaped(test: ast.AST, scope: Any, local: Dict[str, Any]) -> Iterator[Shaped]:
    for node in ast.walk(test):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        shapes = [_shape(_value(one, scope, local)) for one in sides]
        for one, shape, other in (
            *zip(sides, shapes, shapes[1:]),
            *zip(sides[1:], shapes[1:], shapes),
        ):
            if shape is not None and other is not None and shape != other:
                yield Shaped(_root(one), shape, other)


def _shape(value: Any) -> Optional[Tuple[int, ...]]:
    is_shape = isinstance(value, (tuple, list)) and all(type(one) is int for one in value)
    return tuple(value) if is_shape and value else None


def _words(test: ast.AST) -> Iterator[str]:
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node.id != "self":
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _collect(body: List[Any], line: int, tests: List[Tuple[ast.AST, bool]]) -> None:
    for statement in body:
        if not statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            continue
        if isinstance(statement, ast.Assert):
            tests.append((statement.test, False))
        elif isinstance(statement, ast.If):
            _collect_if(statement, line, tests)
        else:
            for field in ("body", "orelse", "finalbody"):
                _collect(getattr(statement, field, None) or [], line, tests)


def _collect_if(statement: ast.If, line: int, tests: List[Tuple[ast.AST, bool]]) -> None:
    inside = any(s.lineno <= line <= (s.end_lineno or s.lineno) for s in statement.body)
    chosen = statement.body if inside else statement.orelse
    found: List[Tuple[ast.AST, bool]] = []
    _collect(chosen, line, found)
    raises = any(
        isinstance(s, ast.Raise) and s.lineno <= line <= (s.end_lineno or s.lineno) for s in chosen
    )
    if raises or found:
        tests.append((statement.test, inside))
        tests.extend(found)


def _mentions(
    test: ast.AST,
    scope: Any,
    local: Dict[str, Any],
    names: Set[str],
    numbers: Set[int],
    strings: Set[str],
) -> None:
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node.id in local:
            names.add(node.id)
        if isinstance(node, ast.Constant) and type(node.value) is int:
            numbers.add(node.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
        if isinstance(node, (ast.Attribute, ast.Name, ast.Subscript)):
            value = _value(node, scope, local)
            if type(value) is int:
                numbers.add(value)
            elif isinstance(value, str) and _root(node) not in local:
                strings.add(value)
            elif isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) < 40:
                strings.update(item for item in value if isinstance(item, str))
                numbers.update(item for item in value if type(item) is int)


def _root(node: ast.AST) -> str:
    """The name that an expression begins with: `x` of `x.shape[1:]`, of `x.size()`."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.AST, scope: Any, local: Dict[str, Any]) -> Any:
    try:
        code = compile(ast.fix_missing_locations(ast.Expression(node)), "<guard>", "eval")  # type: ignore[arg-type]
        return eval(code, {**scope, **local})
    except Exception:
        return None
