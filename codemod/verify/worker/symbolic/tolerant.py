"""Builds a model whose constructor does not run on terms: statement by statement.

What a statement would have assigned, had it run, is a term named by the statement's own text: two
versions of a class agree on it if they agree on the text.
"""

from __future__ import annotations

import ast
import inspect
from typing import Any, Dict, List, Tuple

from torch import nn

from ..reading import parsed_block
from .opaque import opaque_class
from .terms import TooMany, recorder

_compiled: Dict[Any, Tuple[str, List[Tuple[ast.stmt, Any]]]] = {}


def build(cls: Any, arguments: Dict[str, Any]) -> Any:
    """An instance of `cls` after what runs of `__init__`. Raises where its source is not there."""
    model = object.__new__(cls)
    nn.Module.__init__(model)
    constructor = cls.__init__
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if constructor not in _compiled:
        _compiled[constructor] = _statements(constructor)
    me, statements = _compiled[constructor]
    names = {**constructor.__globals__, **arguments, me: model, "__class__": owner}
    for statement, code in statements:
        _run(statement, code, names, me, model)
    return model


def _statements(constructor: Any) -> Tuple[str, List[Tuple[ast.stmt, Any]]]:
    """What the instance is called, and each statement with its code."""
    function = parsed_block(inspect.getsource(constructor)).body[0]
    if not isinstance(function, ast.FunctionDef):
        raise TypeError("no plain constructor")
    me = function.args.args[0].arg
    found = []
    for statement in function.body:
        changed = _SuperWithArguments(me).visit(statement)
        module = ast.fix_missing_locations(ast.Module([changed], []))
        found.append((changed, compile(module, "<constructor>", "exec")))
    return me, found


def _run(statement: ast.stmt, code: Any, names: Dict[str, Any], me: str, model: Any) -> None:
    try:
        exec(code, names)
    except (TooMany, MemoryError):
        raise
    except Exception:
        text = ast.dump(statement)
        for attribute in _assigned(statement, me):
            made = opaque_class(nn.Module)("does not run", attribute, text)
            if attribute not in vars(model) and attribute not in model._modules:
                setattr(model, attribute, made)
        if not any(_assigned(statement, me)):
            recorder().event("does not run", (text,), {})


def _assigned(statement: ast.stmt, me: str) -> List[str]:
    """The attributes that a statement stores into, in order."""
    found: Dict[str, None] = {}
    for node in ast.walk(statement):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
            continue
        if isinstance(node.value, ast.Name) and node.value.id == me:
            found[node.attr] = None
    return list(found)


class _SuperWithArguments(ast.NodeTransformer):
    """`super()` outside a class needs to be told which."""

    def __init__(self, me: str) -> None:
        self._me = me

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
            node.args = [_load("__class__"), _load(self._me)]
        return node


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())
