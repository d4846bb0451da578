"""Parsing, and small questions about syntax trees."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from collections import deque
from collections.abc import Iterator

from codemod.errors import SourceError
from codemod.source.text import SourceText

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def parse(source: SourceText) -> ast.Module:
    """The tree of a file. Raises SourceError: syntax-error, or syntax-too-new for this Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source.text)
    except SyntaxError as error:
        code, where = "syntax-error", f"{source.path}:{error.lineno or 1}"
        if _newer_python_reads(source.text):
            raise SourceError(
                source.path,
                "syntax-too-new",
                f"{where}: newer syntax than the Python that runs codemod reads;"
                " run codemod with a newer Python",
            ) from None
        raise SourceError(source.path, code, f"{where}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "nested too deeply"
        raise SourceError(source.path, "syntax-error", f"{source.path}: {reason}") from None


# What Python 3.11 to 3.14 added, by the look of it.
_NEW_SYNTAX = re.compile(
    r"(?m)^\s*type\s+\w+|except\s*\*|^\s*(?:class|def)\s+\w+\s*\[|\b[fFtT][rR]?[\"']"
)
_READ = "import libcst, sys; libcst.parse_module(sys.stdin.buffer.read())"


def _newer_python_reads(text: str) -> bool:
    """Whether libcst, which reads the newest syntax, can parse it.

    In a process of its own: its parser overflows the stack on text that is nested deeply.
    """
    if not _NEW_SYNTAX.search(text):
        return False
    done = subprocess.run(
        [sys.executable, "-c", _READ], input=text.encode(), capture_output=True, check=False
    )
    return done.returncode == 0


def dotted_name(node: ast.AST) -> str | None:
    """`a.b.c` for a chain of attributes on a name, else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))


def object_of_type(node: ast.AST) -> ast.expr | None:
    """`x` of `type(x)` and of `x.__class__`."""
    if isinstance(node, ast.Call) and dotted_name(node.func) == "type" and len(node.args) == 1:
        return node.args[0]
    if isinstance(node, ast.Attribute) and node.attr == "__class__":
        return node.value
    return None


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c`; "" for what is no chain of attributes on a name."""
    return (dotted_name(node) or "").rpartition(".")[2]


_PLAIN_FIELDS = frozenset(
    {"attr", "arg", "asname", "conversion", "ctx", "id", "kind", "level", "module", "op"}
    | {"ops", "simple", "type_comment"}
)
# Their lists hold None or texts beside nodes.
_MIXED = frozenset({ast.Dict, ast.Global, ast.MatchClass, ast.Nonlocal, ast.arguments})
_fields: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: ()}


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below, contexts and operators left out; faster than `iter_child_nodes`."""
    kind = node.__class__
    names = _fields.get(kind)
    if names is None:
        names = _fields[kind] = tuple(name for name in node._fields if name not in _PLAIN_FIELDS)
    found: list[ast.AST] = []
    for name in names:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += value
        elif isinstance(value, ast.AST):
            found.append(value)
    return [item for item in found if isinstance(item, ast.AST)] if kind in _MIXED else found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below, in the order of `ast.walk`; contexts and operators left out."""
    waiting = [node]
    for one in waiting:
        yield one
        waiting += children(one)


def first_line(statement: ast.stmt) -> int:
    """The line (1-based) of a statement, or that of its first decorator."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def walk_at(node: ast.AST, line: int) -> Iterator[ast.AST]:
    """As `walk`, without the statements below that do not stand on a line (1-based)."""
    waiting = [node]
    for one in waiting:
        yield one
        waiting += [item for item in children(one) if not _is_apart(item, line)]


def _is_apart(node: ast.AST, line: int) -> bool:
    return isinstance(node, ast.stmt) and not first_line(node) <= line <= (node.end_lineno or line)


# Those whose blocks belong to the scope around. (`TryStar` came with Python 3.11.)
_COMPOUND = frozenset(
    {ast.AsyncFor, ast.AsyncWith, ast.For, ast.If, ast.Match, ast.Try, ast.While, ast.With}
    | {getattr(ast, "TryStar", ast.Try)}
)


def statements_in(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a block and of the blocks within, not of nested functions or classes."""
    for statement in body:
        yield statement
        if statement.__class__ in _COMPOUND:
            for block in blocks_of(statement):
                yield from statements_in(block)


def statements_below(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statement and all within, nested functions and classes too, in the order of `ast.walk`.

    It looks into no expression.
    """
    waiting: deque[ast.AST] = deque([statement])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, ast.stmt):
            yield node
        for name in ("body", "handlers", "orelse", "finalbody", "cases"):
            below = getattr(node, name, None)
            if isinstance(below, list):
                waiting.extend(below)


def blocks_of(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    """The statement lists that a compound statement holds."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(statement, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block
    for handler in getattr(statement, "handlers", ()):
        yield handler.body
    for case in getattr(statement, "cases", ()):
        yield case.body


def class_at(body: list[ast.stmt], line: int) -> ast.ClassDef | None:
    """The class statement on a line, in these statements and in all within."""
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.lineno == line:
            return statement
        if statement.lineno <= line <= (statement.end_lineno or 0):
            for block in blocks_of(statement):
                found = class_at(block, line)
                if found is not None:
                    return found
    return None


def targets_of(statement: ast.stmt) -> list[ast.expr]:
    """The expressions that a statement assigns to, tuples taken apart."""
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
        targets = [statement.target]
    elif isinstance(statement, ast.With | ast.AsyncWith):
        targets = [item.optional_vars for item in statement.items if item.optional_vars]
    elif isinstance(statement, ast.Delete):
        targets = statement.targets
    else:
        targets = []
    return [leaf for target in targets for leaf in _leaves(target)]


def _leaves(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _leaves(element)
    elif isinstance(target, ast.Starred):
        yield from _leaves(target.value)
    else:
        yield target


def parameters_of(node: FunctionNode | ast.Lambda) -> list[ast.arg]:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*named, *(arg for arg in (arguments.vararg, arguments.kwarg) if arg)]


def defaults_of(node: FunctionNode | ast.Lambda) -> dict[str, ast.expr]:
    """The default of each parameter that has one."""
    arguments = node.args
    placed = [*arguments.posonlyargs, *arguments.args]
    last = zip(placed[::-1], arguments.defaults[::-1], strict=False)
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {one.arg: value for one, value in (*last, *named) if value is not None}
