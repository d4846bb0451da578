"""Which imports are optional: those in a `try` that catches their failure.

Told from the importing files' source, so that an optional dependency that is missing stays missing.
"""

from __future__ import annotations

import ast
import functools
import linecache
import os
import sys
from types import FrameType, ModuleType
from typing import FrozenSet, Iterator, Optional, Sequence, Tuple, Union

_CATCHES = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_BY_NAME = {"import_module", "__import__"}


def importing_frames(skip: int = 1) -> Iterator[FrameType]:
    """The frames that execute an import now, innermost first, without the machinery's own."""
    frame: Optional[FrameType] = sys._getframe(skip + 1)
    while frame is not None:
        if not _is_machinery(frame):
            yield frame
        frame = frame.f_back


def asks_only(skip: int = 1) -> bool:
    """Whether a finder is asked by `importlib.util.find_spec` or its like, not by an import."""
    frame: Optional[FrameType] = sys._getframe(skip + 1)
    while frame is not None:
        name = frame.f_code.co_filename
        if frame.f_code.co_name in ("find_spec", "find_loader") and name.endswith(
            ("importlib/util.py", "importlib/__init__.py", "pkgutil.py")
        ):
            return True
        if frame.f_code.co_name in ("find_spec", "find_loader") and "importlib.util" in name:
            return True
        if not _is_machinery(frame):
            return False
        frame = frame.f_back
    return False


def looks_for_a_name(skip: int = 1) -> bool:
    """Whether a finder is asked for `b` of `from a import b`, which may be no module at all."""
    frame: Optional[FrameType] = sys._getframe(skip + 1)
    while frame is not None and _is_machinery(frame):
        if frame.f_code.co_name == "_handle_fromlist":
            return True
        frame = frame.f_back
    return False


def is_guarded(frame: FrameType) -> bool:
    """Whether a frame executes an import that stands where its failure is caught."""
    return _guards(frame.f_code.co_filename, frame.f_lineno)


def _is_machinery(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return (
        name.startswith("<frozen importlib")
        or "/importlib/" in name.replace(os.sep, "/")
        or os.path.dirname(name) == os.path.dirname(__file__)
    )


def is_optional(frames: Iterator[FrameType], roots: Sequence[str]) -> bool:
    """Whether one of the project's frames executes its import inside such a `try`."""
    return any(
        _guards(frame.f_code.co_filename, frame.f_lineno)
        for frame in frames
        if belongs(frame.f_code.co_filename, roots)
    )


def belongs(filename: str, roots: Sequence[str]) -> bool:
    """Whether a file is one of the project's, not one installed inside of it."""
    real = os.path.realpath(filename)
    if "site-packages" in real.split(os.sep) or "dist-packages" in real.split(os.sep):
        return False
    return any(real.startswith(root + os.sep) for root in roots)


def _guards(filename: str, line: int) -> bool:
    return any(first <= line <= last for first, last in _guarded_imports(filename))


def optional_names(module: ModuleType) -> FrozenSet[str]:
    """The names that a module has only where its optional imports succeed."""
    return _optional_names(getattr(module, "__file__", None) or "")


@functools.lru_cache(maxsize=None)
def _optional_names(filename: str) -> FrozenSet[str]:
    return frozenset(
        (one.asname or one.name).partition(".")[0]
        for node in _guarded_nodes(filename)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for one in node.names
    )


@functools.lru_cache(maxsize=None)
def _guarded_imports(filename: str) -> Tuple[Tuple[int, int], ...]:
    """The lines of the imports in a file that stand where their failure is caught."""
    return tuple((one.lineno, one.end_lineno or one.lineno) for one in _guarded_nodes(filename))


def _guarded_nodes(filename: str) -> Iterator[Union[ast.stmt, ast.expr]]:
    """The imports in a file that stand where their failure is caught."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)), filename)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        for statement in _guarded_body(node):
            for one in ast.walk(statement):
                if isinstance(one, (ast.stmt, ast.expr)) and _is_import(one):
                    yield one


def _guarded_body(node: ast.AST) -> Sequence[ast.stmt]:
    if isinstance(node, ast.Try) and any(_catches(handler.type) for handler in node.handlers):
        return node.body
    if isinstance(node, ast.With) and any(_suppresses(item.context_expr) for item in node.items):
        return node.body
    return ()


def _is_import(node: ast.AST) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    return isinstance(node, ast.Call) and _last_name(node.func) in _BY_NAME


def _catches(kind: Optional[ast.expr]) -> bool:
    if kind is None:
        return True
    if isinstance(kind, ast.Tuple):
        return any(_catches(one) for one in kind.elts)
    return _last_name(kind) in _CATCHES


def _suppresses(context: ast.expr) -> bool:
    return (
        isinstance(context, ast.Call)
        and _last_name(context.func) == "suppress"
        and any(_catches(argument) for argument in context.args)
    )


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
