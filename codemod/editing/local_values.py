"""What a local name stands for, where it is given one value that never changes.

After `k = self.size // 2`, `F.max_pool2d(x, k)` is `F.max_pool2d(x, self.size // 2)`.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence

from codemod.editing.refused import Refused
from codemod.editing.stability import stable_attributes
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.scopes import Scope
from codemod.semantics.syntax import FunctionNode, statements_in, walk

_ALL_NAMES = frozenset({"locals", "vars", "exec", "eval"})  # they see every local name
_DEEPEST = 8  # of names that stand for each other


def settled_value(call: Call, value: ast.expr) -> ast.expr:
    """An argument with what its local names stand for in their place, if it then means the same
    whenever it is evaluated; else the argument itself."""
    if not any(isinstance(node, ast.Name) and call.scope.binds(node.id) for node in walk(value)):
        return value
    meant = _Meant(call)
    found: ast.expr = meant.visit(copy.deepcopy(value))
    if not meant.replaced:
        return value
    try:
        stable_attributes(call.module, found, call.scope, call.self_name)
    except Refused:
        return value
    return found


def settled_source(call: Call, value: ast.expr) -> str:
    """The source of `settled_value`."""
    meant = settled_value(call, value)
    return call.module.text(value) if meant is value else ast.unparse(meant)


def left_over(call: Call, values: Sequence[ast.expr]) -> list[ast.stmt]:
    """`NAME = ...` that only these arguments read, once they are gone."""
    gone = {id(node) for value in values for node in walk(value)}
    settled = (value for value in values if settled_value(call, value) is not value)
    found: list[ast.stmt] = []
    for node in (node for value in settled for node in walk(value)):
        statement = _binding(call, node.id, call.node) if isinstance(node, ast.Name) else None
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name, function = statement.targets[0].id, _function_around(call, statement)
        used = (one for one in walk(function) if isinstance(one, ast.Name) and one.id == name)
        if all(one is statement.targets[0] or id(one) in gone for one in used):
            found.append(statement)
    return list(dict.fromkeys(found))


class _Meant(ast.NodeTransformer):
    """Puts what local names stand for in their place; the new nodes are those of the file."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.replaced = False
        self.uses: list[ast.expr | ast.stmt] = [call.node]  # what reads the name, innermost last

    def visit_Name(self, node: ast.Name) -> ast.expr:
        within = len(self.uses) <= _DEEPEST
        statement = _binding(self.call, node.id, self.uses[-1]) if within else None
        value = _given_to(statement, node.id) if statement is not None else None
        if statement is None or value is None:
            return node
        self.replaced = True
        self.uses.append(statement)
        found: ast.expr = self.visit(copy.deepcopy(value))
        self.uses.pop()
        return found


def _binding(call: Call, name: str, use: ast.expr | ast.stmt) -> ast.Assign | ast.AnnAssign | None:
    """The statement that binds the name, once, before it is used and in a block around that."""
    scope: Scope | None = call.scope
    while scope is not None and name not in scope.bindings:
        scope = scope.parent
    if scope is None or not isinstance(scope.node, FunctionNode):
        return None
    if len(scope.bindings[name]) != 1 or scope.node not in call.ancestors:
        return None
    for statement in statements_in(scope.node.body):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _given_to(statement, name):
            kept = _is_before(call.module, statement, use) and _keeps(
                call, scope.node, statement, name
            )
            return statement if kept else None
    return None


def _function_around(call: Call, statement: ast.stmt) -> ast.AST:
    return next(node for node in call.module.ancestors(statement) if isinstance(node, FunctionNode))


def _given_to(statement: ast.Assign | ast.AnnAssign, name: str) -> ast.expr | None:
    """`a // 2` of `NAME = a // 2`; `a[1]` of `other, NAME = a`."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    if len(targets) != 1 or statement.value is None:
        return None
    target, value = targets[0], statement.value
    if isinstance(target, ast.Name):
        return value if target.id == name else None
    if not isinstance(target, ast.Tuple | ast.List):
        return None
    names = [item.id if isinstance(item, ast.Name) else "" for item in target.elts]
    if name not in names or any(isinstance(item, ast.Starred) for item in target.elts):
        return None
    index = names.index(name)
    if isinstance(value, ast.Tuple | ast.List):
        parts = value.elts
        same = len(parts) == len(names) and not any(isinstance(one, ast.Starred) for one in parts)
        return parts[index] if same else None
    picked = ast.Subscript(value, ast.Constant(index), ast.Load())
    return ast.fix_missing_locations(ast.copy_location(picked, value))


def _is_before(module: ModuleClass, statement: ast.stmt, use: ast.expr | ast.stmt) -> bool:
    around = next(module.ancestors(statement), None)
    encloses = any(node is around for node in module.ancestors(use))
    return (statement.end_lineno or 0) < use.lineno and encloses


def _keeps(call: Call, function: ast.AST, statement: ast.stmt, name: str) -> bool:
    """Whether nothing in the function changes what is bound: no item set, no method called."""
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    is_fresh = isinstance(value, ast.List)
    inside = {id(node) for node in walk(call.node)}
    for node in walk(function):
        if isinstance(node, ast.Nonlocal) and name in node.names:
            return False
        if isinstance(node, ast.Name) and node.id in _ALL_NAMES:
            return False
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            if is_fresh and id(node) not in inside:
                return False
            if any(_may_change(call.module, one) for one in _around(call.module, node)):
                return False
    return True


def _around(module: ModuleClass, node: ast.AST) -> Iterator[ast.AST]:
    """The attribute or item that is taken of an expression, and of that in turn."""
    for parent in module.ancestors(node):
        if not isinstance(parent, ast.Attribute | ast.Subscript) or parent.value is not node:
            return
        yield parent
        node = parent


def _may_change(module: ModuleClass, node: ast.AST) -> bool:
    """Whether an attribute or item is set, or is a method that is called."""
    if not isinstance(getattr(node, "ctx", None), ast.Load):
        return True
    parent = next(module.ancestors(node), None)
    is_called = isinstance(parent, ast.Call) and parent.func is node
    return is_called or (isinstance(parent, ast.AugAssign) and parent.target is node)
