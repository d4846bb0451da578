"""Which layer made the input of a call, in straight-line reading."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemod.editing.attributes import index_in_init
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.syntax import dotted_name, last_name, statements_in, walk

_MOST_STEPS = 100
# Methods of a tensor whose arguments are tensors too.
_OF_SEVERAL = frozenset(
    {"add", "add_", "baddbmm", "bmm", "div", "matmul", "mm", "mul", "mul_", "sub", "sub_"}
)
_PRODUCTS = frozenset({"baddbmm", "bmm", "einsum", "matmul"})
_VIEWS = frozenset({"H", "T", "imag", "mH", "mT", "real"})


def producer_of(call: Call) -> str | None:
    """The attribute of the layer that made the call's input, as far as it can be seen.

    Where several layers did (`q @ k`, `x + shortcut`), the one that `__init__` makes last. A
    product of two stands behind all that are made alike: of query, key and value the last.
    """
    module = call.module
    found: list[str] = []
    multiplies = False
    queue = list(_operands(call, call.node))
    for _ in range(_MOST_STEPS):
        if not queue:
            break
        value = queue.pop(0)
        layer = _layer_called(call, value)
        if layer in module.assignments:
            found.append(layer)
        else:
            queue += _operands(call, value)
            multiplies = multiplies or _is_product(value)
    last = max(found, key=lambda name: index_in_init(module, name), default=None)
    return _last_alike(module, last) if last is not None and multiplies else last


def _is_product(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.MatMult)
    return isinstance(value, ast.Call) and last_name(value.func) in _PRODUCTS


def _last_alike(module: ModuleClass, name: str) -> str:
    """The last layer of a row of lines of `__init__` that make the same as that of a layer."""
    index = index_in_init(module, name)
    body = module.init.node.body[index:] if module.init is not None and index >= 0 else []
    made = [(one, item) for item, values in module.assignments.items() for one in values]
    first: str | None = None
    for statement in body:
        kept = next((item for one, item in made if one.node is statement and one.value), None)
        value = getattr(statement, "value", None)
        if kept is None or value is None or (first is not None and ast.dump(value) != first):
            break
        first, name = ast.dump(value), kept
    return name


def _layer_called(call: Call, value: ast.expr) -> str | None:
    """The attribute that a call goes to: `self.conv(x)`, `self.heads["a"](x)`, a loop's layer."""
    if not isinstance(value, ast.Call):
        return None
    function = value.func
    if isinstance(function, ast.Subscript):
        function = function.value
    if isinstance(function, ast.Name):
        return _looped_over(call, function.id)
    if isinstance(function, ast.Attribute) and _is_self_attribute(function, call.self_name):
        return function.attr
    return None


def _looped_over(call: Call, name: str) -> str | None:
    """The container in `for name in self.layers`, around the call."""
    for node in call.ancestors:
        loops = [node] if isinstance(node, ast.For) else getattr(node, "generators", [])
        for loop in loops:
            targets = {item.id for item in walk(loop.target) if isinstance(item, ast.Name)}
            if name in targets:
                attributes = (
                    item
                    for item in walk(_iterated(loop.target, loop.iter, name))
                    if isinstance(item, ast.Attribute)
                )
                return next(
                    (a.attr for a in attributes if _is_self_attribute(a, call.self_name)), None
                )
    return None


def _iterated(target: ast.expr, iterable: ast.expr, name: str) -> ast.expr:
    """What `name` comes from: `self.bns` in `for conv, bn in zip(self.convs, self.bns)`."""
    if not (isinstance(iterable, ast.Call) and isinstance(target, ast.Tuple)):
        return iterable
    parts = [{i.id for i in walk(one) if isinstance(i, ast.Name)} for one in target.elts]
    index = next(index for index, names in enumerate(parts) if name in names)
    function = dotted_name(iterable.func)
    if function == "enumerate" and index == 1 and iterable.args:
        return _iterated(target.elts[1], iterable.args[0], name)
    if function == "zip" and index < len(iterable.args):
        return _iterated(target.elts[index], iterable.args[index], name)
    return iterable


def _is_self_attribute(node: ast.expr, self_name: str | None) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == self_name
    )


def _operands(call: Call, value: ast.expr) -> Iterator[ast.expr]:
    """The expressions whose values a value is made of."""
    if isinstance(value, ast.Name):
        yield from _last_assigned(call, value)
    elif isinstance(value, ast.BinOp):
        yield from (value.left, value.right)
    elif isinstance(value, ast.UnaryOp):
        yield value.operand
    elif isinstance(value, ast.IfExp):
        yield from (value.body, value.orelse)
    elif isinstance(value, ast.Subscript | ast.NamedExpr):
        yield value.value
    elif isinstance(value, ast.List | ast.Tuple):
        yield from value.elts
    elif isinstance(value, ast.Attribute) and value.attr in _VIEWS:
        yield value.value
    elif isinstance(value, ast.Call):
        yield from _operands_of_call(call, value)


def _operands_of_call(call: Call, node: ast.Call) -> Iterator[ast.expr]:
    if (
        isinstance(node.func, ast.Attribute)
        and not _is_self_attribute(node.func, call.self_name)
        and call.module.file.resolver.qualified(node.func, call.scope) is None
    ):
        yield node.func.value
        if node.func.attr not in _OF_SEVERAL:
            return
    yield from (item for item in node.args if not isinstance(item, ast.Starred))
    yield from (item.value for item in node.keywords if item.arg == "input")


def _last_assigned(call: Call, name: ast.Name) -> Iterator[ast.expr]:
    """The value last assigned to a name above its use; with what is added to it there."""
    best: ast.stmt | None = None
    for statement in statements_in(call.method.node.body):
        end = (statement.end_lineno or 0, statement.end_col_offset or 0)
        if end < (name.lineno, name.col_offset) and _assigned(statement, name.id) is not None:
            best = statement
    if isinstance(best, ast.AugAssign) and isinstance(best.target, ast.Name):
        yield from (best.target, best.value)
    elif best is not None:
        value = _assigned(best, name.id)
        assert value is not None
        yield value


def _assigned(statement: ast.stmt, name: str) -> ast.expr | None:
    """What a statement assigns to a name: `a, b = f(x), g(x)` assigns `f(x)` to `a`."""
    if isinstance(statement, ast.AugAssign):
        is_it = isinstance(statement.target, ast.Name) and statement.target.id == name
        return statement.value if is_it else None
    if not isinstance(statement, ast.Assign):
        return None
    for target in statement.targets:
        if isinstance(target, ast.Name) and target.id == name:
            return statement.value
        if isinstance(target, ast.Tuple):
            names = [item.id if isinstance(item, ast.Name) else None for item in target.elts]
            if name in names:
                value = statement.value
                if isinstance(value, ast.Tuple) and len(value.elts) == len(names):
                    return value.elts[names.index(name)]
                return value
    return None
