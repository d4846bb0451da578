"""Expressions that follow a path of attributes: `reduce(getattr, path.split("."), model)`,
`operator.attrgetter(path)(model)`."""

from __future__ import annotations

import ast

from codemod.semantics.instances import Around
from codemod.semantics.syntax import last_name

FOLLOWS = ("reduce(getattr", "attrgetter(")  # what the text of one holds


def path_followed(node: ast.Call, around: Around) -> tuple[ast.expr, ast.expr] | None:
    """The object that a call starts from, and the path; None for any other call."""
    function = last_name(node.func)
    if function == "reduce" and len(node.args) > 1 and last_name(node.args[0]) == "getattr":
        path = node.args[1]
        if len(node.args) > 2:
            return node.args[2], path
        first = path.left if isinstance(path, ast.BinOp) else path  # [model] + path.split(".")
        return (first.elts[0], path) if isinstance(first, ast.List) and first.elts else None
    call = around[0] if around else None
    if (
        function == "attrgetter"
        and node.args
        and isinstance(call, ast.Call)
        and call.func is node
        and call.args
    ):
        return call.args[0], node.args[0]
    return None
