"""Attributes set under the names of keywords: `for k, v in kwargs.items(): setattr(x, k, v)`.

An attribute of such a name, given to the class for something else, would be overwritten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import is_quoted, occurrences
from codemod.editing.strings_behind import strings_behind
from codemod.semantics.index import NO_MODULE
from codemod.semantics.instances import Around
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import ClassKey, Project
from codemod.semantics.syntax import FunctionNode, last_name, walk

# What sets attributes by names that are not written there.
_SETS = re.compile(r"setattr\(\s*([\w.]+)\s*,\s*(\w+)\s*,")
_UPDATES = (".__dict__.update(", "vars(self).update(")
_NEAR = 400  # code points before it that a loop over the keywords is looked for in


@dataclass(frozen=True, slots=True)
class Setter:
    """A function that sets attributes of `receiver` by the names of its keywords, and the class
    that it is a method of."""

    path: str
    function: str
    receiver: str
    owner: str


def is_given_by_keyword(module: ModuleClass, name: str) -> bool:
    """Whether code may set `x.NAME`, x being of the class, because a call has a keyword NAME."""
    project = module.project
    family = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    for setter in project.remembered("keyword-setters", "", partial(_all_setters, project)):
        own = setter.receiver == "self"
        if own and (setter.path, setter.owner) not in family:
            continue
        if not own and not project.reach.may_meet(setter.path, module.key):
            continue
        if any(
            _is_given(project, setter.path, called, name) for called in _calls_of(setter, family)
        ):
            return True
    return False


def _calls_of(setter: Setter, family: tuple[ClassKey, ...]) -> list[str]:
    """What a call of the function names: the classes, and what their own `__init__` calls."""
    if setter.function != "__init__":
        return [setter.function]
    if setter.receiver != "self":
        return [setter.owner.rpartition(".")[2]]
    return ["__init__", *dict.fromkeys(key[1].rpartition(".")[2] for key in family)]


def _is_given(project: Project, home: str, function: str, name: str) -> bool:
    find = partial(_given, project, home, function, name)
    return bool(project.remembered(f"keyword {name}", f"{home}:{function}", find))


def _all_setters(project: Project) -> Iterator[Setter]:
    for path, file in project.files.items():
        if file.sets_by_name or "update" in file.outside_attributes:
            yield from project.remembered(
                "keyword-setters-in", path, partial(_setters_in, project, path)
            )


def _setters_in(project: Project, path: str) -> Iterator[Setter]:
    text = project.text(path)
    if "**" not in text:
        return
    offsets = [
        match.start()
        for match in _SETS.finditer(text)
        if not NO_MODULE.search(match.group(1)) and _may_be_looped(text, match)
    ]
    offsets += [one for word in _UPDATES for one in occurrences(text, word)]
    for node, around in nodes_at(project, path, offsets):
        receiver = _set_on(node) if isinstance(node, ast.Call) else None
        function = next((one for one in around if isinstance(one, FunctionNode)), None)
        if receiver is None or function is None or NO_MODULE.search(receiver):
            continue
        given = function.args.kwarg
        if given is not None and _is_of(given.arg, node, around):
            owner = [one.name for one in around if isinstance(one, ast.ClassDef)]
            yield Setter(path, function.name, receiver, ".".join(reversed(owner)))


def _may_be_looped(text: str, match: re.Match[str]) -> bool:
    """Whether the loop above that gives the name goes over the keywords of a function."""
    above = text[max(0, match.start() - _NEAR) : match.start()]
    loops = re.findall(rf"for {match.group(2)}\b[^\n]*?\bin\s+(?:\w+\()?(\w+)", above)
    return any(f"**{name}" in text for name in loops)


def _set_on(call: ast.Call) -> str | None:
    """`x` of `setattr(x, ...)`, `x.__dict__.update(...)`, `vars(x).update(...)`."""
    if last_name(call.func) == "setattr" and len(call.args) > 1:
        by_name = isinstance(call.args[1], ast.Name)
        return ast.unparse(call.args[0]) if by_name else None
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "update":
        return None
    table = call.func.value
    if isinstance(table, ast.Attribute) and table.attr == "__dict__":
        return ast.unparse(table.value)
    is_vars = isinstance(table, ast.Call) and last_name(table.func) == "vars" and table.args
    return ast.unparse(table.args[0]) if is_vars else None  # type: ignore[attr-defined]


def _is_of(given: str, call: ast.AST, around: Around) -> bool:
    """Whether the names come from the keywords: a loop over them stands around, or they are what
    the table is updated with."""
    loops = [one.iter for one in around if isinstance(one, ast.For)]
    looked = loops or (
        getattr(call, "args", []) + [one.value for one in getattr(call, "keywords", [])]
    )
    return any(
        isinstance(leaf, ast.Name) and leaf.id == given for one in looked for leaf in walk(one)
    )


def _given(project: Project, home: str, function: str, name: str) -> Iterator[str]:
    """The files that call such a function with such a keyword, or with a table that may have it."""
    for path in dict.fromkeys((home, *project.reach.importers(home))):
        text = project.text(path)
        if f"{name}=" not in text and not is_quoted(name, text):
            continue
        for node, around in nodes_at(project, path, occurrences(text, f"{function}("), whole=True):
            called = node.func if isinstance(node, ast.Call) else None
            is_it = isinstance(called, ast.Attribute | ast.Name) and function == (
                called.attr if isinstance(called, ast.Attribute) else called.id
            )
            keywords = node.keywords if isinstance(node, ast.Call) and is_it else []
            inner = (node, *around)
            if any(
                one.arg == name
                or (one.arg is None and name in strings_behind(project, path, one.value, inner))
                for one in keywords
            ):
                yield path
                break
