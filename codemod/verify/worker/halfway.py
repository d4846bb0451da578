"""Imports of a file what it defines, where a statement at its top raises.

A script trains at its top, reads data that are not there, asks for options; its classes stand
beside that. The statement that raised is passed over, the rest is run. What was passed over is part
of what a run shows: a rewrite after which more raises is different. An import that fails is not
passed over, nor what the importing file catches.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import os
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, List, Optional

from . import guarded
from .effort import OutOfTime, limited
from .failure import describe, is_out_of_memory

SECONDS = 10.0  # for the rest of a file
_TRAINS = {"backward", "step", "zero_grad"}
_IMPORTS = (ast.Import, ast.ImportFrom)

_passed_over: Dict[str, List[str]] = {}


def passed_over(files: Iterable[str]) -> List[str]:
    """What the statements raised that were passed over in these files."""
    return [line for file in sorted(files) for line in _passed_over.get(file, ())]


def labels(files: Iterable[str]) -> List[str]:
    """Of these files, those of which statements were passed over: one clause each."""
    found = sorted(set(files) & set(_passed_over))
    return ["what %s raises when it is imported (passed over)" % os.path.basename(f) for f in found]


def install(tree_of: Callable[[str], ast.Module], root: str) -> None:
    """`tree_of`: a file as it is run. `root`: the folder of the files that this is for."""
    folders = [os.path.realpath(root)]
    execute = SourceFileLoader.exec_module

    def exec_module(loader: SourceFileLoader, module: ModuleType) -> None:
        try:
            execute(loader, module)
        except (Exception, SystemExit) as error:
            line = _line_in(error, loader.path)
            if line is None or not _may_go_on(error, loader.path, folders):
                raise
            _go_on(module, tree_of(loader.path), line, error)

    SourceFileLoader.exec_module = exec_module  # type: ignore[method-assign, assignment]


def _may_go_on(error: BaseException, path: str, folders: List[str]) -> bool:
    if isinstance(error, (ImportError, SyntaxError)) or is_out_of_memory(error):
        return False
    importing = guarded.importing_frames()
    return guarded.belongs(path, folders) and not guarded.is_optional(importing, folders)


def _line_in(error: BaseException, path: str) -> Optional[int]:
    """The line of the file's top level on which the exception arose."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_name == "<module>" and code.co_filename == path:
            return trace.tb_lineno
        trace = trace.tb_next
    return None


def _go_on(module: ModuleType, tree: ast.Module, line: int, error: BaseException) -> None:
    path = os.path.realpath(str(module.__file__))
    raised = _passed_over[path] = [describe(error)]
    flags = _future(tree)
    with contextlib.suppress(OutOfTime), limited(SECONDS):
        for statement in tree.body:
            if statement.lineno <= line or _is_training(statement):
                continue
            code: Any = compile(ast.Module([statement], []), path, "exec", flags, True)
            try:
                exec(code, vars(module))
            except (Exception, SystemExit) as more:
                if isinstance(statement, _IMPORTS):
                    raise
                raised.append(describe(more))


def _future(tree: ast.Module) -> int:
    """The compiler's flags for what a file imports from `__future__`."""
    names = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    ]
    flags = 0
    for name in names:
        flags |= getattr(__future__, name).compiler_flag
    return flags


def _is_training(statement: ast.stmt) -> bool:
    """Whether a statement, no definition, trains a model."""
    return not isinstance(statement, (ast.FunctionDef, ast.ClassDef)) and trains(statement)


def trains(node: ast.AST) -> bool:
    """Whether code names what trains a model."""
    return any(isinstance(n, ast.Attribute) and n.attr in _TRAINS for n in ast.walk(node))
