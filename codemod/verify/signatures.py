"""The parameters of a class's methods, read from its file without importing it."""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a method after `self`: those that a call must give."""

    positional: tuple[str, ...] = ()
    keyword: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.positional, *self.keyword)


def required(source: str, class_name: str, method: str) -> Parameters:
    """What a call of the method must give; nothing where no source of it is in the file."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return Parameters()
    node = _class(tree, class_name)
    seen: set[str] = set()
    while node is not None and node.name not in seen:
        seen.add(node.name)
        for one in node.body:
            if isinstance(one, ast.FunctionDef) and one.name == method:
                return _required(one.args)
        bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
        node = next((found for base in bases if (found := _class(tree, base))), None)
    return Parameters()


def _required(arguments: ast.arguments) -> Parameters:
    positional = [*arguments.posonlyargs, *arguments.args]
    without = positional[: len(positional) - len(arguments.defaults)]
    keyword = [
        one.arg
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    return Parameters(tuple(one.arg for one in without[1:]), tuple(keyword))


def _class(tree: ast.Module, name: str) -> ast.ClassDef | None:
    body: list[ast.stmt] = tree.body
    found = None
    for part in name.split("."):
        found = next((n for n in body if isinstance(n, ast.ClassDef) and n.name == part), None)
        if found is None:
            return None
        body = found.body
    return found
