"""Checks of arguments in torch's own code: `if p < 0.0 or p > 1.0: raise`.

A symbolic run takes its arguments to be valid, so these are answered so that nothing is raised.
"""

from __future__ import annotations

import ast
import os
from typing import Any, Dict, Optional

_statements: Dict[str, Dict[int, ast.stmt]] = {}


def answer(frame: Any) -> Optional[bool]:
    """What a term says whose truth this frame asks for; None where it is no such check."""
    path = frame.f_code.co_filename
    if not _is_torch(path):
        return None
    if path not in _statements:
        _statements[path] = _by_line(path)
    statement = _statements[path].get(frame.f_lineno)
    if isinstance(statement, ast.If) and isinstance(statement.body[0], ast.Raise):
        return _outcome(statement.test, False)
    if isinstance(statement, ast.Assert):
        return _outcome(statement.test, True)
    return None


def _outcome(test: ast.expr, wanted: bool) -> Optional[bool]:
    """What an operand is to be for the test to come out as wanted, whichever is asked for."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _outcome(test.operand, not wanted)
    if isinstance(test, ast.BoolOp) and any(map(_turns_round, test.values)):
        return None
    return wanted


def _turns_round(node: ast.expr) -> bool:
    return isinstance(node, (ast.BoolOp, ast.UnaryOp))


def _by_line(path: str) -> Dict[int, ast.stmt]:
    """The `if` whose test, or the `assert`, that stands on a line of a file."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return {}
    found: Dict[int, ast.stmt] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.If, ast.Assert)):
            where = node.test if isinstance(node, ast.If) else node
            for line in range(where.lineno, (where.end_lineno or where.lineno) + 1):
                found.setdefault(line, node)
    return found


def _is_torch(path: str) -> bool:
    import torch

    return path.startswith(os.path.dirname(torch.__file__) + os.sep)
