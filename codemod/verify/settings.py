"""Default settings that a project defines, and the classes that are built from one such object.

Options of `argparse`, dataclasses and plain classes of constants, dictionaries at the top of a
file, JSON and YAML files. A class takes settings if a parameter of its constructor is read by
attribute (`config.hidden`) or by key; it gets the first settings that have all that it reads.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codemod.verify.examples import find_class

_MOST_ITEMS = 200
_BY_TYPE: Mapping[str, Any] = {"int": 4, "float": 0.1, "str": "", "bool": False}


@dataclass(frozen=True)
class Settings:
    """Names and plain values, and where they stand. `words`: how the file calls them."""

    path: str
    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Needs:
    """The constructor's parameter that takes settings, what is read of it, other required ones."""

    parameter: str
    read: frozenset[str]
    others: tuple[str, ...]


def recipes_of(
    needs: Needs, class_name: str, known: Sequence[Settings]
) -> Iterator[tuple[str, Settings]]:
    """Source that builds the class from each settings that have what it reads, the fewest first."""
    if needs.others or not needs.read:
        return
    fitting = [one for one in known if needs.read <= one.values.keys()]
    for one in sorted(fitting, key=lambda one: len(one.values)):
        given = ", ".join(f"{k}={v!r}" for k, v in one.values.items() if k.isidentifier())
        yield f"{class_name}({needs.parameter}=codemod_config({given}))", one


def needs_of(tree: ast.Module, class_name: str) -> Needs | None:
    """What a class reads of the one required parameter that holds settings; None without one."""
    node = find_class(tree, class_name)
    methods = (m for m in node.body if isinstance(m, ast.FunctionDef)) if node else ()
    init = next((m for m in methods if m.name == "__init__"), None)
    if init is None:
        return None
    arguments = [*init.args.posonlyargs, *init.args.args][1:]
    required = [one.arg for one in arguments[: len(arguments) - len(init.args.defaults)]]
    for name in required:
        read = frozenset(_read_of(init, name))
        if len(read) >= 2:
            return Needs(name, read, tuple(one for one in required if one != name))
    return None


def _read_of(init: ast.FunctionDef, name: str) -> Iterator[str]:
    for node in ast.walk(init):
        if isinstance(node, ast.Attribute) and _is_name(node.value, name):
            if isinstance(node.ctx, ast.Load):
                yield node.attr
        elif isinstance(node, ast.Subscript) and _is_name(node.value, name):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if isinstance(key, str):
                yield key


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


# ---- where settings stand


def in_source(path: str, tree: ast.Module) -> Iterator[Settings]:
    """Those of a Python file."""
    yield from _of_argparse(path, tree)
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            values = dict(_constants(node.body))
            if len(values) >= 2:
                yield Settings(path, node.lineno, values)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            yield from _nested(path, node.lineno, _dictionary(node.value))


def _dictionary(node: ast.expr) -> Mapping[Any, Any]:
    """The value of `{"a": 1}` and `dict(a=1)`; empty for anything else."""
    if isinstance(node, ast.Dict):
        value = _literal(node)
        return value if isinstance(value, dict) else {}
    if isinstance(node, ast.Call) and _is_name(node.func, "dict") and not node.args:
        return {one.arg: _literal(one.value) for one in node.keywords if one.arg}
    return {}


def in_data(path: str, text: str) -> Iterator[Settings]:
    """Those of a JSON or YAML file; none where it cannot be read."""
    try:
        content = json.loads(text) if path.endswith(".json") else _yaml(text)
    except (ValueError, RecursionError):
        return
    if isinstance(content, dict):
        yield from _nested(path, 1, content)


def _nested(path: str, line: int, values: Mapping[Any, Any]) -> Iterator[Settings]:
    """A dictionary, and the dictionaries in it."""
    named = {str(key): value for key, value in values.items() if isinstance(key, str)}
    if 2 <= len(named) <= _MOST_ITEMS:
        yield Settings(path, line, named)
    for value in named.values():
        if isinstance(value, dict):
            yield from _nested(path, line, value)


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        return None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _of_argparse(path: str, tree: ast.Module) -> Iterator[Settings]:
    """All options of the file's parsers, with their defaults."""
    values: dict[str, Any] = {}
    line = 1
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in ("add_argument", "add_option"):
            option = _option(node)
            if option is not None:
                line = node.lineno if not values else line
                values.setdefault(*option)
    if len(values) >= 2:
        yield Settings(path, line, values)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _option(node: ast.Call) -> tuple[str, Any] | None:
    """Name and default of an option; what has none gets a value of its type."""
    flags = [one.value for one in node.args if isinstance(one, ast.Constant)]
    named = {one.arg: one.value for one in node.keywords if one.arg}
    longest = next(
        (flag for flag in flags if str(flag).startswith("--")), flags[0] if flags else ""
    )
    dest = named.get("dest")
    name = str(dest.value if isinstance(dest, ast.Constant) else longest).lstrip("-")
    name = name.replace("-", "_")
    if not name.isidentifier():
        return None
    action = named.get("action")
    if isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
        return name, action.value == "store_false"
    if "default" in named:
        return name, _literal(named["default"])
    choices = _literal(named["choices"]) if "choices" in named else None
    if isinstance(choices, (list, tuple)) and choices:
        return name, choices[0]
    kind = named.get("type")
    return name, _BY_TYPE.get(kind.id if isinstance(kind, ast.Name) else "", None)


def _constants(body: Iterable[ast.stmt]) -> Iterator[tuple[str, Any]]:
    """`width = 64` and `width: int = 64` of a class, and what its __init__ sets to constants."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield from _constants(
                one
                for one in node.body
                if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Attribute)
            )
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _constant(node.target, node.value)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            yield from _constant(node.targets[0], node.value)


def _constant(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Any]]:
    name = target.id if isinstance(target, ast.Name) else None
    if isinstance(target, ast.Attribute) and _is_name(target.value, "self"):
        name = target.attr
    literal = _literal(value)
    if name is not None and (literal is not None or _is_none(value)):
        yield name, literal


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _literal(node: ast.expr) -> Any:
    """The value of a literal; None for anything else."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
