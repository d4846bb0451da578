"""Gives the code of a script the names that only its main block defines.

Functions and classes of a script often read as globals what `if __name__ == "__main__":` sets:
sizes, a vocabulary. A file that is imported lacks them. Those statements of the block are run that
define such a name, or what it is made of; a statement that fails leaves its names undefined.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import dis
import os
from types import CodeType, ModuleType
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set

import torch

from .effort import OutOfTime, limited
from .halfway import trains

SECONDS = 5.0
_defined: Dict[str, str] = {}
_USABLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Import, ast.ImportFrom, ast.Expr, ast.If)


def complete(module: ModuleType, text: str) -> None:
    """Runs in the module what its code lacks of its main block. `text`: the file's source."""
    if "__main__" not in text:
        return
    try:
        tree = ast.parse(text)
        lacking = _lacking(compile(text, "<script>", "exec"), vars(module))
    except (SyntaxError, ValueError, RecursionError):
        return
    block = [one for node in tree.body if _is_main(node) for one in _flat(node.body)]  # type: ignore[attr-defined]
    chosen = _needed(block, lacking, vars(module)) if lacking else []
    if chosen:
        _run(chosen, module, lacking)


def _lacking(code: CodeType, names: Any) -> Set[str]:
    """The globals that functions read and that are nowhere."""
    read = set(_globals_read(code))
    return {name for name in read if name not in names and not hasattr(builtins, name)}


def _globals_read(code: CodeType) -> Iterator[str]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            for step in dis.get_instructions(inner):
                if step.opname == "LOAD_GLOBAL":
                    yield str(step.argval)
            yield from _globals_read(inner)


def _is_main(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, (ast.With, ast.Try)):
            yield from _flat(statement.body)
        else:
            yield statement


def _needed(block: List[ast.stmt], lacking: Set[str], names: Any) -> List[ast.stmt]:
    """The statements that define the names, or what they are made of, in order."""
    wanted, kept = set(lacking), []  # type: Set[str], List[ast.stmt]
    own = set().union(*(_binds(statement) for statement in block))
    for statement in reversed(block):
        concerned = _binds(statement) | (_changes(statement) & own)
        if concerned & wanted and _is_usable(statement, names):
            kept.append(statement)
            wanted |= {n.id for n in _names_in(statement) if isinstance(n.ctx, ast.Load)}
    return kept[::-1]


def _is_usable(statement: ast.stmt, names: Any) -> bool:
    """Whether a statement only makes values: it builds no model of the file, and trains none."""
    is_loop = isinstance(statement, ast.For)
    if not (is_loop or isinstance(statement, _USABLE)) or trains(statement):
        return False
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = names.get(node.func.id)
            if isinstance(called, type) and issubclass(called, torch.nn.Module):
                return False
    return True


def _names_in(statement: ast.AST) -> Iterator[ast.Name]:
    return (node for node in ast.walk(statement) if isinstance(node, ast.Name))


def _binds(statement: ast.stmt) -> Set[str]:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(one.asname or one.name).partition(".")[0] for one in statement.names}
    return {node.id for node in _names_in(statement) if isinstance(node.ctx, ast.Store)}


def _changes(statement: ast.stmt) -> Set[str]:
    """Names of what is changed in place: `table[word] = 1`, `words.append(word)`."""
    found: Set[Optional[str]] = set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            found.add(_root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found.add(_root(node.value.func))
    return {name for name in found if name}


def _root(node: ast.AST) -> Optional[str]:
    inside = False
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node, inside = node.value, True
    return node.id if inside and isinstance(node, ast.Name) else None


def _run(chosen: List[ast.stmt], module: ModuleType, lacking: Set[str]) -> None:
    """Runs the statements as the file's own."""
    names = vars(module)
    path = str(names.get("__file__") or "<script>")
    with contextlib.suppress(OutOfTime), limited(SECONDS):
        for statement in chosen:
            with contextlib.suppress(Exception, SystemExit):
                code = compile(ast.Module([statement], []), path, "exec")
                exec(code, names)
    defined = sorted(lacking & set(names))
    if defined:
        _defined[os.path.realpath(path)] = "%s (of the main block of %s)" % (
            ", ".join(defined),
            os.path.basename(path),
        )


def labels(files: Iterable[str]) -> List[str]:
    """What was defined in these files, one clause for each file."""
    return [_defined[file] for file in sorted(files) if file in _defined]
