"""Test functions as plain blocks of statements: fixtures, parameters and `setUp` written out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType

from codemod.verify.constructions import defaults_of
from codemod.verify.spelling import last_name

Body = Sequence[ast.stmt]
_MOST_DEPTH = 5


def test_bodies(tree: ast.Module) -> Iterator[Body]:
    """The functions of a test file and the methods of its test classes, fit to be sliced."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    fixtures = {node.name: node for node in functions if _is_fixture(node)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield written_out(node, fixtures, node.decorator_list)
        elif isinstance(node, ast.ClassDef) and _is_test_class(node):
            yield from _of_class(node, fixtures)


def _of_class(node: ast.ClassDef, fixtures: Mapping[str, ast.FunctionDef]) -> Iterator[Body]:
    methods = {inner.name: inner for inner in node.body if isinstance(inner, ast.FunctionDef)}
    known = {**fixtures, **{name: one for name, one in methods.items() if _is_fixture(one)}}
    shared = [one for one in node.body if isinstance(one, (ast.Assign, ast.AnnAssign))]
    first: list[ast.stmt] = [_attribute_of_self(one) for one in shared]
    for name in ("setUpClass", "setup_class", "setUp", "setup_method", "setup"):
        if name in methods:
            first += methods[name].body
    for name, method in methods.items():
        if name.lower().startswith("setup"):
            continue
        marks = [*node.decorator_list, *method.decorator_list]
        body = [*first, *written_out(method, known, marks)]
        yield [_Flattened().visit(deepcopy(one)) for one in body]


def _attribute_of_self(statement: ast.Assign | ast.AnnAssign) -> ast.stmt:
    """`width = 3` of a class, as its methods read it."""
    copied = deepcopy(statement)
    targets = copied.targets if isinstance(copied, ast.Assign) else [copied.target]
    for target in targets:
        if isinstance(target, ast.Name):
            target.id = f"self_{target.id}"
    return copied


def _is_test_class(node: ast.ClassDef) -> bool:
    bases = [base.attr if isinstance(base, ast.Attribute) else "" for base in node.bases]
    return node.name.lower().startswith("test") or "TestCase" in bases or node.name.endswith("Test")


def _is_fixture(node: ast.FunctionDef) -> bool:
    return any(last_name(mark.func if isinstance(mark, ast.Call) else mark) == "fixture"
               for mark in node.decorator_list)  # fmt: skip


def written_out(
    node: ast.FunctionDef,
    fixtures: Mapping[str, ast.FunctionDef] = MappingProxyType({}),
    marks: Sequence[ast.expr] = (),
    depth: int = 0,
) -> list[ast.stmt]:
    """The body, after statements that give its parameters what a test run would give first.

    A parameter of which nothing is known is bound to a `yield`, which no recipe can use.
    """
    body: list[ast.stmt] = []
    values = _parameters(marks)
    defaults = defaults_of(node.args)
    for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
        name = argument.arg
        value = values.get(name, defaults.get(name))
        if value is not None:
            body.append(_assign(name, value, node))
        elif name in fixtures and name != node.name and depth < _MOST_DEPTH:
            body += _of_fixture(fixtures[name], fixtures, depth + 1)
        elif name not in ("self", "cls"):
            body.append(_assign(name, ast.Yield(), node))  # only a caller knows it
    return [*body, *node.body]


def _of_fixture(
    node: ast.FunctionDef, fixtures: Mapping[str, ast.FunctionDef], depth: int
) -> list[ast.stmt]:
    body = written_out(node, fixtures, node.decorator_list, depth)
    given: list[ast.stmt] = []
    for statement in body:
        value = statement.value if isinstance(statement, (ast.Return, ast.Expr)) else None
        if isinstance(value, ast.Yield):
            value = value.value
        elif isinstance(statement, ast.Expr):
            value = None
        given.append(statement if value is None else _assign(node.name, value, statement))
    return given


def _parameters(marks: Sequence[ast.expr]) -> dict[str, ast.expr]:
    """The first set of values that `pytest.mark.parametrize` gives."""
    found: dict[str, ast.expr] = {}
    for mark in marks:
        if not isinstance(mark, ast.Call) or last_name(mark.func) != "parametrize":
            continue
        if len(mark.args) < 2 or not isinstance(mark.args[1], (ast.List, ast.Tuple)):
            continue
        names, values = _names(mark.args[0]), mark.args[1].elts
        first = _value(values[0]) if values else None
        if len(names) == 1 and first is not None:
            found[names[0]] = first[0] if isinstance(first, list) else first
        elif isinstance(first, (ast.Tuple, ast.List)) and len(first.elts) == len(names):
            found.update(zip(names, first.elts, strict=True))
        elif isinstance(first, list) and len(first) == len(names):
            found.update(zip(names, first, strict=True))
    return found


def _names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [name.strip() for name in node.value.split(",") if name.strip()]
    if isinstance(node, (ast.List, ast.Tuple)):
        return [str(one.value) for one in node.elts if isinstance(one, ast.Constant)]
    return []


def _value(node: ast.expr) -> ast.expr | list[ast.expr]:
    """A value, or those in `pytest.param(...)`."""
    if isinstance(node, ast.Call) and last_name(node.func) == "param":
        return list(node.args)
    return node


class _Flattened(ast.NodeTransformer):
    """`self.net` and `cls.net` as plain variables."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            return ast.copy_location(ast.Name(f"self_{node.attr}", node.ctx), node)
        return node


def _assign(name: str, value: ast.expr, at: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), at)
