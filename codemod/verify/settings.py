"""Default settings that a project defines, and the classes that are built from one such object.

Options of `argparse`, dataclasses and plain classes of constants, dictionaries at the top of a
file, JSON and YAML files. A class takes settings if a parameter of its constructor is read by
attribute (`config.hidden`) or by key; it gets the first settings that have all that it reads.
"""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codemod.verify.examples import find_class

_MOST_ITEMS = 200
_BY_TYPE: Mapping[str, Any] = {"int": 4, "float": 0.1, "str": "", "bool": False}


Path = tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """Names and plain values, dictionaries of them among these, and where they stand.

    `partial`: a file that overrides some defaults that stand elsewhere.
    """

    path: str
    line: int
    values: Mapping[str, Any]
    partial: bool = False


@dataclass(frozen=True)
class Needs:
    """The constructor's parameter that takes settings, and what is read of it: `model.depth`.

    `others`: further required parameters. `whole`: the settings are handed on as they are.
    """

    parameter: str
    read: frozenset[Path]
    others: tuple[str, ...]
    whole: bool

    def are_met_by(self, values: Mapping[str, Any]) -> bool:
        return all(_holds(values, path) for path in self.read)


def recipes_of(
    needs: Needs, class_name: str, known: Sequence[Settings]
) -> Iterator[tuple[str, Settings]]:
    """Source that builds the class from each settings that have what it reads, the fewest first."""
    if needs.others:
        return
    fitting = [one for one in known if needs.are_met_by(one.values)]
    for one in sorted(fitting or _merged(needs, known), key=lambda one: len(str(one.values))):
        values = one.values if needs.whole else _only_read(one.values, needs.read)
        yield f"{class_name}({needs.parameter}={_written(values)})", one


def _merged(needs: Needs, known: Sequence[Settings]) -> list[Settings]:
    """Defaults with the values of a file laid over them, where only both together suffice."""
    defaults = [one for one in known if not one.partial]
    found = []
    for over in (one for one in known if one.partial):
        for base in defaults:
            if over.values.keys() & base.values.keys():
                values = _laid_over(base.values, over.values)
                if needs.are_met_by(values):
                    found.append(Settings(over.path, over.line, values, True))
    return found


def _laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict)
        merged[key] = _laid_over(inner, value) if both else value  # type: ignore[arg-type]
    return merged


def _holds(values: Any, path: Path) -> bool:
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True


def _only_read(values: Mapping[str, Any], read: Iterable[Path]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for path in sorted(read):
        target, source = kept, values
        for name in path[:-1]:
            target, source = target.setdefault(name, {}), source[name]
        if path[-1] not in target:
            target[path[-1]] = source[path[-1]]
    return kept


def _written(value: Any) -> str:
    """Source of a value; dictionaries can be read by attribute, too."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return repr(value)
    if all(key.isidentifier() and not keyword.iskeyword(key) for key in value):
        return f"codemod_config({', '.join(f'{k}={_written(v)}' for k, v in value.items())})"
    items = ", ".join(f"{key!r}: {_written(inner)}" for key, inner in value.items())
    return f"codemod_config(**{{{items}}})"


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
        reader = _Reader(name)
        for statement in init.body:
            reader.visit(statement)
        if len(reader.read) >= 2:
            others = tuple(one for one in required if one != name)
            return Needs(name, _longest(reader.read), others, reader.whole)
    return None


def _longest(paths: Iterable[Path]) -> frozenset[Path]:
    """Without those that are the beginning of another."""
    all = set(paths)
    inner = {path[:end] for path in all for end in range(1, len(path))}
    return frozenset(all - inner)


class _Reader(ast.NodeVisitor):
    """Collects what is read of a name by attribute or key, under other names as well."""

    def __init__(self, name: str) -> None:
        self.known: dict[str, Path] = {name: ()}
        self.read: set[Path] = set()
        self.whole = False

    def visit_Assign(self, node: ast.Assign) -> None:
        path = self._path(node.value)
        if path is None:
            self.generic_visit(node)
            return
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.known[target.id] = path
            else:
                self.whole = self.whole or not path
        if path:
            self.read.add(path)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._read(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._read(node)

    def visit_Call(self, node: ast.Call) -> None:
        """A method of a value is none of the settings: `config.sizes.copy()`."""
        path = self._path(node.func)
        if path is not None and len(path) > 1:
            self.read.add(path[:-1])
        elif path is None:
            self.visit(node.func)
        for argument in [*node.args, *(one.value for one in node.keywords)]:
            self.visit(argument)

    def visit_Name(self, node: ast.Name) -> None:
        if self.known.get(node.id) == ():
            self.whole = True

    def _read(self, node: ast.Attribute | ast.Subscript) -> None:
        path = self._path(node)
        if path:
            self.read.add(path)
        else:
            self.generic_visit(node)

    def _path(self, node: ast.expr) -> Path | None:
        """`config.model["depth"]` as a path; None for anything else."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            return self._beyond(node.value, node.attr)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return self._beyond(node.value, node.slice.value)
        return None

    def _beyond(self, node: ast.expr, name: object) -> Path | None:
        inner = self._path(node)
        return (*inner, name) if inner is not None and isinstance(name, str) else None


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


# ---- where settings stand


def in_source(path: str, tree: ast.Module) -> Iterator[Settings]:
    """Those of a Python file."""
    yield from _of_argparse(path, tree)
    yield from _set_by_attribute(path, tree)
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
        yield from _nested(path, 1, content, partial=True)


def _nested(
    path: str, line: int, values: Mapping[Any, Any], partial: bool = False
) -> Iterator[Settings]:
    """A dictionary, and the dictionaries in it."""
    named = {key: value for key, value in values.items() if isinstance(key, str)}
    if all(_is_explained(value) for value in named.values()):
        named = {key: value[0] for key, value in named.items()}
    if 1 <= len(named) <= _MOST_ITEMS:
        yield Settings(path, line, named, partial)
    for value in named.values():
        if isinstance(value, dict):
            yield from _nested(path, line, value)


def _is_explained(value: Any) -> bool:
    """`(0.1, "the learning rate")`."""
    return isinstance(value, tuple) and len(value) == 2 and " " in str(value[1])


def _set_by_attribute(path: str, tree: ast.Module) -> Iterator[Settings]:
    """`cfg = CfgNode()` and then `cfg.model.depth = 3`, as yacs and easydict are used."""
    found: dict[str, dict[str, Any]] = {}
    lines: dict[str, int] = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        names = _attributes(node.targets[0])
        if len(names) < 2:
            continue
        lines.setdefault(names[0], node.lineno)
        target = found.setdefault(names[0], {})
        for name in names[1:-1]:
            inner = target.setdefault(name, {})
            target = inner if isinstance(inner, dict) else {}
        target[names[-1]] = {} if isinstance(node.value, ast.Call) else _literal(node.value)
    for name, values in found.items():
        yield Settings(path, lines[name], values)


def _attributes(node: ast.expr) -> list[str]:
    """`["a", "b", "c"]` of `a.b.c`; empty for anything else."""
    if isinstance(node, ast.Name):
        return [node.id]
    inner = _attributes(node.value) if isinstance(node, ast.Attribute) else []
    return [*inner, node.attr] if inner and isinstance(node, ast.Attribute) else []


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
