"""Gives files of the project what Python 2 had built in, where they have no other way to it.

Each name has the meaning that it had: `xrange` is `range`, `long` is `int`. A file that binds the
name itself, or that asks whether it is there (`except NameError`), is left alone.
"""

from __future__ import annotations

import ast
import functools
import os
import re
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, Set

from . import guarded, shims

_NAMES: Dict[str, Any] = {
    "basestring": str,
    "long": int,
    "reduce": functools.reduce,
    "unichr": chr,
    "unicode": str,
    "xrange": range,
}
_ONE = re.compile(r"\b(%s|NameError)\b" % "|".join(_NAMES))


def install(text_of: Callable[[str], str], root: str) -> None:
    """`text_of`: a file as it is run. `root`: the folder of the files that this is for."""
    folders = [os.path.realpath(root)]
    execute = SourceFileLoader.exec_module

    def exec_module(loader: SourceFileLoader, module: ModuleType) -> None:
        if guarded.belongs(loader.path, folders):
            for name in sorted(lacking(text_of(loader.path))):
                shims.note("%s (built into Python 2)" % name)
                vars(module).setdefault(name, _NAMES[name])
        execute(loader, module)

    SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign, assignment]


def lacking(text: str) -> Set[str]:
    """The names that a file uses as those of Python 2: that it reads and never binds."""
    said = set(_ONE.findall(text))
    if not said or "NameError" in said:
        return set()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in nodes):
        return set()
    read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    bound = {name for node in nodes for name in _bound(node)}
    return (said & read) - bound


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
