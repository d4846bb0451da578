"""Attributes set under the names of keywords: `for k, v in kwargs.items(): setattr(x, k, v)`.

An attribute of such a name, given to the class for something else, would be overwritten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial

from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import occurrences
from codemod.semantics.index import NO_MODULE
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Project
from codemod.semantics.syntax import FunctionNode, dotted_name, last_name, walk

_SETS = re.compile(r"setattr\(\s*([\w.]+)\s*,\s*(\w+)\s*,")
_UPDATES = ("self.__dict__.update(", "vars(self).update(")


def is_given_by_keyword(module: ModuleClass, name: str) -> bool:
    """Whether code may set `x.NAME`, x being of the class, because a call has a keyword NAME."""
    project = module.project
    family = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    if any(_sets_own(project, *key) for key in family):
        texts = project.remembered("keyword", name, partial(_with_keyword, project, name))
        if any(path == module.path or project.reach.may_meet(path, module.key) for path in texts):
            return True
    setters = project.remembered("keyword-setters", "", partial(_all_setters, project))
    return any(
        project.reach.may_meet(path, module.key)
        for home, function in setters
        for path in project.remembered(
            f"keyword {name}", f"{home}:{function}", partial(_given, project, home, function, name)
        )
    )


def _sets_own(project: Project, path: str, qualname: str) -> bool:
    """Whether a class sets attributes of its own by the names that a loop gives."""

    def found() -> Iterator[bool]:
        text = project.class_text((path, qualname))
        if any(word in text for word in _UPDATES) or (
            "setattr(" in text and any(_is_looped(text, "self"))
        ):
            yield True

    return bool(project.remembered("sets-own-by-keyword", f"{path}:{qualname}", found))


def _is_looped(text: str, receiver: str) -> Iterator[bool]:
    for match in _SETS.finditer(text):
        if match.group(1) == receiver and re.search(rf"\bfor {match.group(2)}\b", text):
            yield True


def _with_keyword(project: Project, name: str) -> Iterator[str]:
    """The files in which a call may have such a keyword, or a table such a key."""
    given = re.compile(rf"""{name}(?:=(?!=)|["']\s*:)""")
    for path in project.files:
        text = project.text(path)
        if any(
            not (text[one - 1 : one].isalnum() or text[one - 1 : one] in "_.")
            and given.match(text, one)
            for one in occurrences(text, name)
        ):
            yield path


def _all_setters(project: Project) -> Iterator[tuple[str, str]]:
    """The functions that set attributes of another object by the names of their keywords."""
    for path, file in project.files.items():
        if file.sets_by_name:
            yield from project.remembered(
                "keyword-setters-in", path, partial(_setters_in, project, path)
            )


def _setters_in(project: Project, path: str) -> Iterator[tuple[str, str]]:
    text = project.text(path)
    offsets = [
        match.start()
        for match in _SETS.finditer(text)
        if match.group(1) != "self" and not NO_MODULE.search(match.group(1))
    ]
    for node, around in nodes_at(project, path, offsets):
        if not isinstance(node, ast.Call) or dotted_name(node.func) != "setattr":
            continue
        function = next((one for one in around if isinstance(one, FunctionNode)), None)
        given = function.args.kwarg.arg if function is not None and function.args.kwarg else None
        loop = next((one for one in around if isinstance(one, ast.For)), None)
        if (
            function is not None
            and loop is not None
            and any(isinstance(one, ast.Name) and one.id == given for one in walk(loop.iter))
        ):
            yield path, function.name


def _given(project: Project, home: str, function: str, name: str) -> Iterator[str]:
    """The files that call such a function with such a keyword."""
    for path in dict.fromkeys((home, *project.reach.importers(home))):
        offsets = list(occurrences(project.text(path), f"{function}("))
        for node, _ in nodes_at(project, path, offsets, whole=True):
            if (
                isinstance(node, ast.Call)
                and last_name(node.func) == function
                and any(one.arg == name for one in node.keywords)
            ):
                yield path
                break
