"""Makes a file's code tell which of its witnesses were evaluated.

The expression `E` at a location becomes `__codemod_reached__(keys, E)`. A function tells it where
it returns: what raises has not run. A generator, which may be left early, tells it where it
starts. Lines stay where they are.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import random
import sys
from typing import Any, Dict, Iterator, List, Sequence, Set, Tuple

NAME = "__codemod_reached__"
SHORT_CUT = "__codemod_short_cut__"
BEFORE, CONDITION = "__codemod_before__", "__codemod_condition__"
DREW = " drew"  # follows the key of a condition that random numbers decide
Located = Sequence[Any]  # key, kind, line, column, end line, end column
_Place = Tuple[int, int, int, int]
_BESIDE = ("statement", "else", "short-cut", "condition")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

_reached: Set[str] = set()
_at_import: Set[str] = set()
_to_the_last: Dict[Tuple[str, ...], int] = {}


def install() -> None:
    """Make the recording function known to all code of this process."""
    setattr(builtins, NAME, _record)
    setattr(builtins, SHORT_CUT, _short_cut)
    setattr(builtins, BEFORE, _generators)
    setattr(builtins, CONDITION, _condition)


def _record(keys: Tuple[str, ...], value: Any = None) -> Any:
    _reached.update(keys)
    return value


def _short_cut(keys: Tuple[str, ...], at_the_end: bool, value: Any) -> Any:
    """Called with the last operand where that is evaluated, then with what all of them give."""
    if not at_the_end:
        _to_the_last[keys] = _to_the_last.get(keys, 0) + 1
    elif _to_the_last.get(keys):
        _to_the_last[keys] -= 1
    else:
        _reached.update(keys)
    return value


def _generators() -> Tuple[Any, ...]:
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    return (
        random.getstate(),
        torch.default_generator.get_state().tolist() if torch is not None else None,
        repr(numpy.random.get_state()[2:]) if numpy is not None else None,
    )


def _condition(keys: Tuple[str, ...], before: Tuple[Any, ...], value: Any) -> Any:
    _reached.update(keys)
    if _generators() != before:
        _reached.update(key + DREW for key in keys)
    return value


def reached() -> List[str]:
    """The keys of the witnesses reached since the last `reset`."""
    return sorted(_reached)


def reset() -> None:
    """Forget what was reached, except what only an import can reach."""
    _reached.intersection_update(_at_import)


@contextlib.contextmanager
def apart() -> Iterator[Set[str]]:
    """What is reached inside counts in the given set alone."""
    before = set(_reached)
    inside: Set[str] = set()
    _reached.clear()
    try:
        yield inside
    finally:
        inside.update(_reached)
        _reached.clear()
        _reached.update(before)


def instrument(text: str, path: str, witnesses: Sequence[Located]) -> Tuple[ast.Module, List[str]]:
    """The tree of a file, made to record its witnesses, and the keys that could not be located."""
    tree = ast.parse(text, path)
    if not witnesses:
        return tree, []
    finder = _Finder(tree, text)
    wrapped: Dict[ast.AST, List[str]] = {}
    entered: Dict[ast.AST, List[str]] = {}
    beside: Dict[str, Dict[ast.AST, List[str]]] = {kind: {} for kind in _BESIDE}
    missing: List[str] = []
    for key, kind, *numbers in witnesses:
        node = finder.find(kind, (numbers[0], numbers[1], numbers[2], numbers[3]))
        if node is None:
            missing.append(key)
            continue
        if kind in beside:
            beside[kind].setdefault(node, []).append(key)
            continue
        (entered if isinstance(node, _FUNCTIONS) else wrapped).setdefault(node, []).append(key)
        if not isinstance(node, _FUNCTIONS) and not finder.in_function(node):
            _at_import.add(key)
    tree = _Recording(wrapped, entered, beside).visit(tree)
    return ast.fix_missing_locations(tree), missing


def lines_of(text: str) -> List[str]:
    """The lines as Python counts them: a form feed or U+2028 ends none."""
    return io.StringIO(text, newline=None).readlines()


class _Finder:
    """Nodes by their place, and what stands around them."""

    def __init__(self, tree: ast.Module, text: str) -> None:
        self._lines = lines_of(text)
        self._parents: Dict[ast.AST, ast.AST] = {}
        self._expressions: Dict[_Place, ast.expr] = {}
        self._functions: Dict[Tuple[int, int], ast.AST] = {}
        self._statements: Dict[Tuple[int, int], ast.AST] = {}
        for parent in ast.walk(tree):
            for child in ast.iter_child_nodes(parent):
                self._parents[child] = parent
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt):
                self._statements[node.lineno, node.col_offset] = node
            if isinstance(node, _FUNCTIONS):
                self._functions[node.lineno, node.col_offset] = node
            elif isinstance(node, ast.expr) and self._can_be_wrapped(node):
                self._expressions.setdefault(_place(node), node)

    def find(self, kind: str, place: _Place) -> "ast.AST | None":
        """The function or the statement that starts at a place, or the expression that fills it."""
        if kind in ("statement", "else"):
            return self._statements.get(place[:2])
        if kind == "function":
            function = self._functions.get(place[:2])
            return function or self._lambda_body(place)
        return self._expressions.get(place) or self._expressions.get(self._inside(place))

    def _lambda_body(self, place: _Place) -> "ast.AST | None":
        for node in self._expressions.values():
            if isinstance(node, ast.Lambda) and _place(node)[:2] == place[:2]:
                return node.body
        return None

    def in_function(self, node: ast.AST) -> bool:
        """Whether a node runs when a function is called, not when the file is imported."""
        child = node
        while child in self._parents:
            parent = self._parents[child]
            if isinstance(parent, _FUNCTIONS) and child in parent.body:
                return True
            if isinstance(parent, ast.Lambda) and child is parent.body:
                return True
            child = parent
        return False

    def _can_be_wrapped(self, node: ast.expr) -> bool:
        if isinstance(node, (ast.Starred, ast.Slice, ast.FormattedValue)):
            return False
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            return False
        parent = self._parents.get(node)
        if isinstance(parent, (ast.JoinedStr, ast.FormattedValue)):
            return isinstance(parent, ast.FormattedValue) and node is parent.value
        return type(parent).__name__ not in ("MatchValue", "MatchMapping", "MatchClass")

    def _inside(self, place: _Place) -> _Place:
        """The place without the brackets and blanks around it."""
        text = self._cut(place)
        inner = text
        while inner[:1] == b"(" and inner[-1:] == b")":
            inner = inner[1:-1].strip()
        start = text.find(inner) if inner else 0
        return (
            *_after(place[0], place[1], text[:start]),
            *_after(place[0], place[1], text[: start + len(inner)]),
        )

    def _cut(self, place: _Place) -> bytes:
        line, column, end_line, end_column = place
        lines = [one.encode("utf-8") for one in self._lines[line - 1 : end_line]]
        if not lines:
            return b""
        lines[-1] = lines[-1][:end_column]
        lines[0] = lines[0][column:]
        return b"".join(lines)


def _after(line: int, column: int, text: bytes) -> Tuple[int, int]:
    breaks = text.count(b"\n")
    if not breaks:
        return line, column + len(text)
    return line + breaks, len(text) - text.rfind(b"\n") - 1


def _place(node: ast.expr) -> _Place:
    return (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)


class _Recording(ast.NodeTransformer):
    def __init__(
        self,
        wrapped: Dict[ast.AST, List[str]],
        entered: Dict[ast.AST, List[str]],
        beside: Dict[str, Dict[ast.AST, List[str]]],
    ) -> None:
        self._wrapped = wrapped
        self._entered = entered
        self._begun, self._otherwise = beside["statement"], beside["else"]
        self._short_cuts, self._conditions = beside["short-cut"], beside["condition"]

    def visit(self, node: ast.AST) -> Any:
        original = node
        keys = self._wrapped.get(node)
        entry = self._entered.get(node)
        self.generic_visit(node)
        if entry is not None and isinstance(node, _FUNCTIONS):
            _tell_end(node, entry)
        if isinstance(node, ast.If) and node in self._otherwise and not node.orelse:
            node.orelse = [_statement(self._otherwise[node], node)]
        if isinstance(node, ast.BoolOp) and node in self._short_cuts:
            node = _counted(node, self._short_cuts[node])
        if original in self._conditions and isinstance(node, ast.expr):
            node = _watched_for_draws(node, self._conditions[original])
        if keys is not None and isinstance(node, ast.expr):
            return ast.copy_location(_call(keys, [node]), node)
        if isinstance(node, ast.stmt) and node in self._begun:
            return [_statement(self._begun[node], node), node]
        return node


def _tell_end(function: "ast.FunctionDef | ast.AsyncFunctionDef", keys: List[str]) -> None:
    inside = _Inside(keys)
    function.body = [inside.visit(statement) for statement in function.body]
    if inside.is_generator:
        at = int(ast.get_docstring(function, clean=False) is not None)
        function.body.insert(at, _statement(keys, function.body[0]))
    else:
        function.body.append(_statement(keys, function.body[-1]))


class _Inside(ast.NodeTransformer):
    """What stands in a function itself, not in one inside it."""

    def __init__(self, keys: List[str]) -> None:
        self._keys = keys
        self.is_generator = False

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, (*_FUNCTIONS, ast.Lambda, ast.ClassDef)):
            return node
        self.generic_visit(node)
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            self.is_generator = True
        if isinstance(node, ast.Return):
            arguments = [] if node.value is None else [node.value]
            node.value = ast.copy_location(_call(self._keys, arguments), node)
        return node


def _counted(node: ast.BoolOp, keys: List[str]) -> ast.expr:
    def call(at_the_end: bool, value: ast.expr) -> ast.expr:
        made = _call(keys, [ast.Constant(at_the_end), value])
        made.func = ast.Name(SHORT_CUT, ast.Load())
        return ast.copy_location(made, value)

    node.values[-1] = call(False, node.values[-1])
    return call(True, node)


def _watched_for_draws(node: ast.expr, keys: List[str]) -> ast.expr:
    before = ast.copy_location(ast.Call(ast.Name(BEFORE, ast.Load()), [], []), node)
    made = _call(keys, [before, node])
    made.func = ast.Name(CONDITION, ast.Load())
    return ast.copy_location(made, node)


def _statement(keys: List[str], beside: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Expr(_call(keys, [])), beside)


def _call(keys: List[str], arguments: List[ast.expr]) -> ast.Call:
    names = ast.Tuple([ast.Constant(key) for key in keys], ast.Load())
    return ast.Call(ast.Name(NAME, ast.Load()), [names, *arguments], [])
