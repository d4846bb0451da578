"""The strings that an expression may be: followed back to what its names were given.

`targets` in `def hook(model, targets)` is what the callers pass; `self.names` what `__init__` was
called with; `args.layer` the default of `--layer`, or a field of settings. What a user alone knows
adds nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial

from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import occurrences
from codemod.semantics.instances import Around
from codemod.semantics.project import Project
from codemod.semantics.syntax import (
    FunctionNode,
    class_at,
    defaults_of,
    dotted_name,
    last_name,
    parameters_of,
    statements_below,
    statements_in,
    targets_of,
    walk,
)

_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_DISPLAYS = ast.List | ast.Tuple | ast.Set
_SPLITS = frozenset({"split", "rsplit"})
# What gives the strings that it is given, or that the object has whose method it is.
_GIVES_ON = _SPLITS | {
    "compile", "copy", "dict", "enumerate", "format", "frozenset", "get", "items", "join", "keys",
    "list", "lstrip", "partition", "replace", "reversed", "rpartition", "rstrip", "set",
    "sorted", "str", "strip", "tuple", "union", "values", "zip",
}  # fmt: skip
_ADDS = frozenset({"append", "extend", "add", "update"})
_OPTION = re.compile(r"""add_argument\(\s*(?:["']-\w["']\s*,\s*)?["'](?:--)?([\w-]+)["']""")
_DEEPEST = 4  # steps from name to name

Row = str | None  # the key under which a row of a table is read


def strings_behind(project: Project, path: str, node: ast.expr, around: Around) -> frozenset[str]:
    """Every string that the expression may be, or that the list, set or table which it is holds.

    Of a table both keys and values count, but of a row that is read by a key what it has there.
    """
    return frozenset(_Search(project).behind(path, node, around, None, _DEEPEST))


@dataclass(frozen=True)
class _Search:
    """One search. `seen`: what it has been through, so that each name is followed once."""

    project: Project
    seen: set[object] = field(default_factory=set)

    def behind(
        self, path: str, node: ast.expr, around: Around, row: Row, deepest: int
    ) -> Iterator[str]:
        inner = (node, *around)
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and row is None:
                yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from (one for part in node.values if (one := _text(part)) is not None)
        elif isinstance(node, ast.Dict):
            yield from self._of_table(path, node, inner, row, deepest)
        elif isinstance(node, ast.Subscript):
            key = _text(node.slice)
            yield from self.behind(path, node.value, inner, row if key is None else key, deepest)
            if key is not None and not isinstance(node.value, ast.Subscript):
                yield from self._of_setting(key)
        elif isinstance(node, ast.Call):
            yield from self._of_call(path, node, inner, row, deepest)
        elif isinstance(node, ast.Attribute):
            yield from self._of_attribute(path, node, around, row, deepest)
        elif isinstance(node, ast.Name):
            scope = next((one for one in around if isinstance(one, FunctionNode)), None)
            question = (path, id(scope), node.id, row)
            if deepest and question not in self.seen:
                self.seen.add(question)
                yield from self._of_name(path, node.id, around, row, deepest - 1)
        else:
            for part in _parts(node):
                yield from self.behind(path, part, inner, row, deepest)

    def _of_table(
        self, path: str, node: ast.Dict, around: Around, row: Row, deepest: int
    ) -> Iterator[str]:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(value, ast.Dict):
                yield from self.behind(path, value, around, row, deepest)
            elif row is None or (key is not None and _text(key) == row):
                yield from self.behind(path, value, around, None, 0)
            if row is None and key is not None:
                yield from self.behind(path, key, around, None, 0)

    def _of_call(
        self, path: str, node: ast.Call, around: Around, row: Row, deepest: int
    ) -> Iterator[str]:
        called = last_name(node.func)
        if isinstance(node.func, ast.Attribute):
            called = node.func.attr
        if called not in _GIVES_ON:
            return
        parts = [*node.args, *(one.value for one in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            key = _text(node.args[0]) if called == "get" and node.args else None
            if key is not None:
                row, parts = key, node.args[1:]
                yield from self._of_setting(key)
            yield from self._each(
                path, [node.func.value], (node.func, *around), row, deepest, called
            )
            row = None if key is not None else row
        yield from self._each(path, parts, around, row, deepest, called)

    def _each(
        self, path: str, parts: list[ast.expr], around: Around, row: Row, deepest: int, called: str
    ) -> Iterator[str]:
        for part in parts:
            for found in self.behind(path, part, around, row, deepest):
                yield found
                if called in _SPLITS:
                    yield from re.split(r"[\s,;|.]+", found)

    def _of_attribute(
        self, path: str, node: ast.Attribute, around: Around, row: Row, deepest: int
    ) -> Iterator[str]:
        owner = next((one for one in around if isinstance(one, ast.ClassDef)), None)
        if dotted_name(node.value) not in ("self", "cls") or owner is None:
            yield from self._of_setting(node.attr)
            return
        question = (path, id(owner), node.attr, row)
        if not deepest or question in self.seen:
            return
        self.seen.add(question)
        for value, within in given_in_class(owner).get(node.attr, ()):
            yield from self.behind(path, value, (*within, owner), row, deepest - 1)

    def _of_name(
        self, path: str, name: str, around: Around, row: Row, deepest: int
    ) -> Iterator[str]:
        for index, scope in enumerate(around):
            outside = around[index + 1 :]
            values: list[ast.expr] = []
            if isinstance(scope, _COMPREHENSIONS):
                values = [one.iter for one in scope.generators if _binds(one.target, name)]
            elif isinstance(scope, FunctionNode):
                values = _given_to(scope).get(name, [])
            for value in values:
                yield from self.behind(path, value, (scope, *outside), row, deepest)
            if isinstance(scope, FunctionNode | ast.Lambda) and any(
                one.arg == name for one in parameters_of(scope)
            ):
                if isinstance(scope, FunctionNode):
                    yield from self._of_parameter(path, scope, name, outside, row, deepest)
                return
            if values:
                return
        yield from self._at_file_level(path, name, row, deepest)

    def _at_file_level(self, path: str, name: str, row: Row, deepest: int) -> Iterator[str]:
        found = self.project.files[path].bindings.get(name, ())
        if any(one.kind not in ("import", "definition") for one in found):
            for statement in self.project.parts(path).outside_definitions(name):
                for value in _values_given(statement, name):
                    yield from self.behind(path, value, (), row, deepest)
            for key, around in _keys_given(self.project, path, name) if row is None else ():
                yield from self.behind(path, key, around, None, deepest)
        for binding in found:
            if binding.kind != "import" or not deepest:
                continue
            imported = binding.target.rpartition(".")[2]
            for home in self.project.reach.defining(path, name):
                if home != path:
                    yield from self._at_file_level(home, imported, row, deepest - 1)

    def _of_parameter(
        self,
        path: str,
        function: FunctionNode,
        name: str,
        outside: Around,
        row: Row,
        deepest: int,
    ) -> Iterator[str]:
        """The default of a parameter, and what the project's own calls of the function give it."""
        default = defaults_of(function).get(name)
        if default is not None:
            yield from self.behind(path, default, outside, row, deepest)
        for value in parametrized(function, name):
            yield from self.behind(path, value, outside, row, deepest)
        owner = outside[0] if outside else None
        called = function.name
        if called == "__init__" and isinstance(owner, ast.ClassDef):
            called = owner.name
        elif called.startswith("__") or called == "forward" or not deepest:
            return
        is_method = isinstance(owner, ast.ClassDef)
        for user in dict.fromkeys((path, *self.project.reach.importers(path))):
            for call, around in _calls(self.project, user, called):
                for value in _given(call, function, name, is_method=is_method):
                    yield from self.behind(user, value, (call, *around), row, deepest)

    def _of_setting(self, name: str) -> Iterator[str]:
        """The default of an option, of a field of settings, and what a configuration says."""
        if name not in self.seen:
            self.seen.add(name)
            yield from self.project.remembered(
                "setting", name, lambda: frozenset(_settings(self.project, name))
            )


def _text(node: ast.expr) -> str | None:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else None  # type: ignore[attr-defined]


def _parts(node: ast.expr) -> list[ast.expr]:
    """The expressions of which one holds all that this one does."""
    if isinstance(node, _DISPLAYS):
        return node.elts
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, _COMPREHENSIONS):
        return [one.iter for one in node.generators]
    return [node.value] if isinstance(node, ast.Starred | ast.NamedExpr) else []


def _binds(target: ast.expr, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in walk(target))


def _values_given(statement: ast.stmt, name: str) -> Iterator[ast.expr]:
    for one in statements_in([statement]):
        value = getattr(one, "iter", None) or getattr(one, "value", None)
        if isinstance(value, ast.expr) and any(
            isinstance(target, ast.Name) and target.id == name for target in targets_of(one)
        ):
            yield value


def _keys_given(project: Project, path: str, name: str) -> Iterator[tuple[ast.expr, Around]]:
    """The keys under which functions of a file put something into a table."""
    offsets = list(occurrences(project.text(path), f"{name}["))
    for node, around in nodes_at(project, path, offsets):
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == name
        ):
            yield node.slice, (node, *around)


@lru_cache(maxsize=64)  # asked of one function for many names; it keeps the trees alive
def _given_to(scope: FunctionNode | ast.ClassDef) -> dict[str, list[ast.expr]]:
    """By name, what the statements of a function or a class body give it or add to it."""
    found: dict[str, list[ast.expr]] = {}
    for statement in statements_in(scope.body):
        value = getattr(statement, "iter", None) or getattr(statement, "value", None)
        if isinstance(value, ast.expr):
            for target in targets_of(statement):
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(value)
        if isinstance(statement, ast.Expr) and isinstance(value, ast.Call):
            function = value.func
            if isinstance(function, ast.Attribute) and function.attr in _ADDS:
                found.setdefault(dotted_name(function.value) or "", []).extend(value.args)
    return found


@lru_cache(maxsize=64)  # as above
def given_in_class(owner: ast.ClassDef) -> dict[str, list[tuple[ast.expr, Around]]]:
    """By attribute, what the class body and its methods give it, with the method."""
    found: dict[str, list[tuple[ast.expr, Around]]] = {
        name: [(value, ()) for value in values] for name, values in _given_to(owner).items()
    }
    for method in statements_in(owner.body):
        for statement in statements_below(method) if isinstance(method, FunctionNode) else ():
            value = getattr(statement, "value", None)
            if isinstance(value, ast.expr):
                for target in targets_of(statement):
                    if isinstance(target, ast.Attribute):
                        found.setdefault(target.attr, []).append((value, (method,)))
    return found


# ---- what functions are given


def _given(
    call: ast.Call, function: FunctionNode, name: str, *, is_method: bool
) -> Iterator[ast.expr]:
    """What a call gives a parameter; of `**kwargs` the names."""
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    skipped = is_method and names[:1] in (["self"], ["cls"])
    yield from (one.value for one in call.keywords if one.arg == name)
    if arguments.kwarg is not None and arguments.kwarg.arg == name:
        for one in call.keywords:
            if one.arg is not None and one.arg not in names:
                yield ast.copy_location(ast.Constant(one.arg), one.value)
    elif arguments.vararg is not None and arguments.vararg.arg == name:
        yield from call.args[len(names) - skipped :]
    elif name in names and 0 <= names.index(name) - skipped < len(call.args):
        yield call.args[names.index(name) - skipped]


def parametrized(function: FunctionNode, name: str) -> Iterator[ast.expr]:
    """What `pytest.mark.parametrize` gives a parameter of a test."""
    for one in function.decorator_list:
        if not isinstance(one, ast.Call) or last_name(one.func) != "parametrize":
            continue
        names = [part.strip() for part in (_text(one.args[0]) or "").split(",")] if one.args else []
        rows = one.args[1] if len(one.args) > 1 else None
        if name not in names or not isinstance(rows, _DISPLAYS):
            continue
        for row in rows.elts:
            values = row.args if isinstance(row, ast.Call) else getattr(row, "elts", [row])
            if names.index(name) < len(values):
                yield values[names.index(name)]


def _calls(project: Project, path: str, function: str) -> tuple[tuple[ast.Call, Around], ...]:
    question = f"calls {function}"
    return project.remembered(question, path, partial(_calls_in, project, path, function))


def _calls_in(project: Project, path: str, function: str) -> Iterator[tuple[ast.Call, Around]]:
    offsets = list(occurrences(project.text(path), f"{function}("))
    for node, around in nodes_at(project, path, offsets, whole=True):
        if isinstance(node, ast.Call) and last_name(node.func) == function:
            yield node, around


# ---- settings


def _settings(project: Project, name: str) -> Iterator[str]:
    for key in project.classes_with_attribute(name):
        if project.is_module(key) is False:
            line = project.classes[key].line
            owner = class_at(project.parts(key[0]).at(line), line)
            for value in _given_to(owner).get(name, ()) if owner is not None else ():
                yield from _Search(project).behind(key[0], value, (), None, 1)
    for path, call in project.remembered("options", "", lambda: _options(project)):
        if _dest(call) == name:
            for one in call.keywords:
                if one.arg == "default":
                    yield from _Search(project).behind(path, one.value, (call,), None, 1)
    for path in project.documents_with(name):
        yield from _in_document(project.text(path), name)


def _options(project: Project) -> Iterator[tuple[str, ast.Call]]:
    for path in project.files:
        text = project.text(path)
        if "add_argument(" in text:
            offsets = [match.start() for match in _OPTION.finditer(text)]
            for node, _ in nodes_at(project, path, offsets, whole=True):
                if isinstance(node, ast.Call) and last_name(node.func) == "add_argument":
                    yield path, node


def _dest(call: ast.Call) -> str:
    named = [_text(one.value) for one in call.keywords if one.arg == "dest"]
    options = [one for part in call.args if (one := _text(part)) is not None]
    return str((named or options[-1:] or [""])[0]).lstrip("-").replace("-", "_")


def _in_document(text: str, name: str) -> Iterator[str]:
    """The words behind `NAME:` or `NAME =`, in a list of lines below it too."""
    for match in re.finditer(rf"""\b{re.escape(name)}["']?[ \t]*[:=][ \t]*""", text):
        block = re.match(r"[^\n]*(?:\n[ \t]*-[^\n]*)*", text[match.end() :])
        yield from re.findall(r"[A-Za-z_][\w.]*", block.group() if block else "")
