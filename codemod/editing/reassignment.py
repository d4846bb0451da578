"""Which `x.NAME = ...` of the project may set the attribute of a given module class.

An assignment through `self` is that class's own affair. One through another name may reach any
object, unless the function says what the name stands for: by an annotation, an `isinstance`, the
constructor, or by what else it reads of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from codemod.editing.quoted import quoted
from codemod.semantics.index import NO_MODULE
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.module_names import MODULE_NAMES
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import FunctionNode, children, dotted_name, parameters_of, parse, walk
from codemod.source.text import SourceText

# What stands before, and behind, the name of an attribute that is set by its name.
_SETS = re.compile(r"\b(?:setattr|delattr)\(\s*([\w.]+)\s*,\s*\Z")
_DICT = re.compile(r"([\w.]+)\.__dict__\[\s*\Z")
_IS_SET = re.compile(r"\s*\]\s*=(?!=)")
_WINDOW = 200
SETTINGS_CLASS = re.compile(r"(?:Config|Configuration|Settings|Options|Args|Arguments|Params)$")


@dataclass(frozen=True, slots=True)
class _Assigned:
    """One assignment: where it stands, and what is known of the object that it is made on."""

    line: int
    types: frozenset[str]  # class names, one of which the object is an instance of
    read: frozenset[str]  # other attributes that the function reads of it


def reaching_assignment(module: ModuleClass, name: str) -> str | None:
    """`path:line` of the first assignment of `.NAME` that may be made on the class, or None."""
    project = module.project
    if name in project.assigned_outside:
        for path, file in project.files.items():
            if name in file.outside_assigned and project.reach.may_meet(path, module.key):
                for place in _places(path, project.text(path)).get(name, ()):
                    if _may_reach(module, path, place):
                        return f"{path}:{place.line}"
    return _set_by_name(module, name)


def _may_reach(module: ModuleClass, path: str, place: _Assigned) -> bool:
    family = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    if place.types and all(_is_known(module.project, path, one) for one in place.types):
        names = {key[1].rpartition(".")[2] for key in family}
        names |= {
            (base.name or "").rpartition(".")[2]
            for key in family
            for base in module.project.bases[key]
        }
        if not {one.rpartition(".")[2] for one in place.types} & (names | {"Module", "object"}):
            return False
    telling = {one for one in place.read - MODULE_NAMES if not one.startswith("__")}
    return not telling or bool(telling & module.family_names)


def _is_known(project: Project, path: str, name: str) -> bool:
    """Whether a name stands for a class of the project or for one of torch."""
    found = project.resolve(path, name)
    return found.key is not None or (found.name or "").startswith("torch.nn.")


def _set_by_name(module: ModuleClass, name: str) -> str | None:
    """Where `setattr(x, "NAME", ...)` stands, for an x that may be the module."""
    project = module.project
    found = project.remembered("setattr", name, lambda: _settings_by_name(project, name))
    for place in found:
        if project.reach.may_meet(place.path, module.key):
            return str(place)
    for owner in (module.key, *module.ancestors_in_project, *module.descendants_in_project):
        text = project.class_text(owner)
        if _sets_by_name(text) and "self" in _set_on(name, text).values():
            return f"{owner[0]}:{project.classes[owner].line}"
    return None


def _settings_by_name(project: Project, name: str) -> Iterator[Place]:
    for path in project.files_with_string(name):
        text = project.text(path)
        if not _file_sets_by_name(project, path):
            continue
        for offset, receiver in _set_on(name, text).items():
            if receiver != "self" and not NO_MODULE.search(receiver):
                yield Place.at(path, text, offset)


def _file_sets_by_name(project: Project, path: str) -> bool:
    found = project.remembered("sets-by-name", path, lambda: _setters(project.text(path)))
    return bool(found)


def _sets_by_name(text: str) -> bool:
    """A quick no where nothing that `_setattr` finds can stand."""
    return any(_setters(text))


def _setters(text: str) -> Iterator[str]:
    return (word for word in ("setattr(", "delattr(", ".__dict__[") if word in text)


def _set_on(name: str, text: str) -> dict[int, str]:
    """On what `setattr(x, "NAME", ...)` and the like set it, by the offset at which they stand."""
    found: dict[int, str] = {}
    for offset in quoted(text, name):
        match = _SETS.search(text, max(0, offset - _WINDOW), offset)
        if match is not None:
            found[match.start()] = match.group(1)
            continue
        match = _DICT.search(text, max(0, offset - _WINDOW), offset)
        if match is not None and _IS_SET.match(text, offset + len(name) + 2):
            found[match.start()] = match.group(1)
    return found


@lru_cache(maxsize=256)
def _places(path: str, text: str) -> dict[str, tuple[_Assigned, ...]]:
    """The assignments of a file to attributes of other objects than `self`, by attribute."""
    found: dict[str, list[_Assigned]] = {}
    tree = parse(SourceText(path, text))
    for name, place in _in_block(tree, None, ""):
        found.setdefault(name, []).append(place)
    return {name: tuple(places) for name, places in found.items()}


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _in_block(
    node: ast.AST, function: _Function | None, owner: str, types: frozenset[str] = frozenset()
) -> Iterator[tuple[str, _Assigned]]:
    for child in children(node):
        inner, around, narrowed = owner, function, types
        if isinstance(child, ast.ClassDef):
            inner, around = child.name, None
        elif isinstance(child, FunctionNode):
            around, narrowed = child, frozenset()
        elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            yield from _place(child, function, owner, types)
        if isinstance(node, ast.If) and child in node.body:
            narrowed = types | _instance_tests(node.test)
        yield from _in_block(child, around, inner, narrowed)


def _instance_tests(test: ast.expr) -> frozenset[str]:
    """`RECEIVER:TYPE` for each `isinstance(RECEIVER, TYPE)` that a true test implies."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    found: set[str] = set()
    for part in parts:
        if (
            isinstance(part, ast.Call)
            and dotted_name(part.func) == "isinstance"
            and len(part.args) == 2
        ):
            kinds = part.args[1].elts if isinstance(part.args[1], ast.Tuple) else [part.args[1]]
            names = [dotted_name(kind) or "?" for kind in kinds]
            found |= {f"{dotted_name(part.args[0])}:{name}" for name in names}
    return frozenset(found)


def _place(
    node: ast.Attribute, function: _Function | None, owner: str, tests: frozenset[str]
) -> Iterator[tuple[str, _Assigned]]:
    receiver = dotted_name(node.value)
    if receiver == "self" or NO_MODULE.search(receiver or ""):
        return
    if receiver is not None and receiver.startswith("self.") and SETTINGS_CLASS.search(owner):
        return
    types = {test.partition(":")[2] for test in tests if test.partition(":")[0] == receiver}
    read: frozenset[str] = frozenset()
    if receiver is not None and function is not None:
        types |= set(_declared_types(function, receiver)) if not types else set()
        read = _read_of(function, receiver) - {node.attr}
    yield node.attr, _Assigned(node.lineno, frozenset(types), read)


def _declared_types(function: _Function, receiver: str) -> Iterator[str]:
    """The class that a parameter is annotated with, or that a name is constructed from."""
    for parameter in parameters_of(function):
        if parameter.arg == receiver and parameter.annotation is not None:
            annotation = parameter.annotation
            name = dotted_name(annotation)
            if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
                name = annotation.value
            yield name or "?"
            return
    made = [
        item.value
        for item in walk(function)
        if isinstance(item, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == receiver for target in item.targets)
    ]
    if made and all(isinstance(value, ast.Call) for value in made):
        for value in made:
            assert isinstance(value, ast.Call)
            yield dotted_name(value.func) or "?"


def _read_of(function: _Function, receiver: str) -> frozenset[str]:
    return frozenset(
        item.attr
        for item in walk(function)
        if isinstance(item, ast.Attribute)
        and not isinstance(item.ctx, ast.Store)
        and dotted_name(item.value) == receiver
    )
