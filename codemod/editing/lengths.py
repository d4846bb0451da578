"""How many elements a tuple has, where its source says so."""

from __future__ import annotations

import ast

from codemod.semantics.module_class import ModuleClass


def length_of(module: ModuleClass, node: ast.expr, self_name: str | None) -> int | None:
    """The length of `(0, 1)`, `(self.pad,) * 4` or an attribute that is only ever given such."""
    if isinstance(node, ast.Tuple | ast.List):
        starred = any(isinstance(item, ast.Starred) for item in node.elts)
        return None if starred else len(node.elts)
    if isinstance(node, ast.BinOp):
        return _length_of_operation(module, node, self_name)
    if (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == self_name
    ):
        return _length_of_attribute(module, node.attr)
    return None


def _length_of_operation(module: ModuleClass, node: ast.BinOp, self_name: str | None) -> int | None:
    left, right = length_of(module, node.left, self_name), node.right
    if left is None:
        return None
    if isinstance(node.op, ast.Add):
        more = length_of(module, right, self_name)
        return None if more is None else left + more
    if isinstance(node.op, ast.Mult) and isinstance(right, ast.Constant):
        return left * right.value if type(right.value) is int else None
    return None


def _length_of_attribute(module: ModuleClass, name: str) -> int | None:
    items = module.assignments.get(name, ())
    lengths = {
        length_of(module, item.value, None) if item.plain and item.value is not None else None
        for item in items
    }
    return lengths.pop() if len(lengths) == 1 else None
