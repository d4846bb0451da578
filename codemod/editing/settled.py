"""Whether an attribute keeps the value that it has when `__init__` has run."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Literal

from codemod.editing.reassignment import reaching_assignment
from codemod.editing.refused import Refused
from codemod.semantics.module_class import Assignment, ModuleClass
from codemod.semantics.project import ClassKey
from codemod.semantics.relatives import relative_class
from codemod.semantics.syntax import FunctionNode

# Where the code of one class sets an attribute: nowhere; in `__init__`, whatever way that takes;
# in `__init__` under a condition; or elsewhere too.
_Setting = Literal["never", "always", "sometimes", "elsewhere"]


def check_attribute(module: ModuleClass, name: str) -> None:
    """Raise Refused unless `__init__` (or the class body) gives `self.NAME` its one value.

    Raises Refused: argument-not-static, argument-reassigned.
    """
    if name == "training":
        raise Refused("argument-not-static", "the argument depends on self.training")
    if any(method.name == name for method in module.methods):
        raise Refused("argument-not-static", f"self.{name} is a property or a method")
    place = reaching_assignment(module, name)
    if place is not None:
        raise Refused("argument-reassigned", f"{place} assigns .{name} of an object")
    for key in module.descendants_in_project:
        if _setting(module, key, name) != "never":
            raise Refused("argument-reassigned", f"{key[1]} ({key[0]}) sets self.{name} again")
    settings = [
        (key, _setting(module, key, name)) for key in (module.key, *module.ancestors_in_project)
    ]
    for key, setting in settings:
        if setting == "elsewhere":
            raise Refused("argument-reassigned", f"{key[1]} sets self.{name} outside of __init__")
    found = {setting for _, setting in settings}
    if "always" in found or _is_class_attribute(module, name):
        return
    if "sometimes" in found:
        raise Refused("argument-reassigned", f"__init__ sets self.{name} under a condition only")
    raise Refused("argument-not-static", f"where self.{name} is set cannot be seen")


def check_set_before(module: ModuleClass, name: str, statement: ast.stmt) -> None:
    """Raise Refused (argument-reassigned) where `__init__` sets `self.NAME` again further down."""
    for item in module.assignments.get(name, ()):
        if (item.node.end_lineno or 0) > statement.lineno:
            raise Refused("argument-reassigned", f"__init__ sets self.{name} again further down")


def _is_class_attribute(module: ModuleClass, name: str) -> bool:
    keys = (module.key, *module.ancestors_in_project)
    return any(name in module.project.classes[key].class_attributes for key in keys)


def _setting(module: ModuleClass, key: ClassKey, name: str) -> _Setting:
    if key == module.key:
        return _setting_in(module, name)
    if name not in module.project.classes[key].names:
        return "never"
    answers, question = module.project.answers, ("setting", f"{key[0]}:{key[1]}.{name}")
    if question not in answers:
        looks_set = re.search(
            rf"\w\.{re.escape(name)}\b\s*(?:[:=,)\]]|[-+*/%&|^@<>]+=|in\b)",
            module.project.class_text(key),
        )
        answers[question] = _setting_in(relative_class(module, key), name) if looks_set else "never"
    return answers[question]  # type: ignore[return-value]


def _setting_in(owner: ModuleClass, name: str) -> _Setting:
    items = owner.assignments.get(name, ())
    if not items:
        return "never"
    if not all(_runs_with_init(owner, item) for item in items) or owner.init is None:
        return "elsewhere"
    nodes = frozenset(id(item.node) for item in items)
    return "always" if _always_sets(owner.init.node.body, nodes) else "sometimes"


def _runs_with_init(owner: ModuleClass, item: Assignment) -> bool:
    """Whether the assignment is code of `__init__` itself, not of a function defined there."""
    around = [node for node in owner.ancestors(item.node) if isinstance(node, FunctionNode)]
    return item.method.name == "__init__" and len(around) == 1


def _always_sets(body: Sequence[ast.stmt], nodes: frozenset[int]) -> bool:
    """Whether one of the statements runs whatever way is taken through the block."""
    for statement in body:
        if id(statement) in nodes or isinstance(statement, ast.Raise):
            return True
        if isinstance(statement, ast.If) and statement.orelse:
            if _always_sets(statement.body, nodes) and _always_sets(statement.orelse, nodes):
                return True
        elif isinstance(statement, ast.With) and _always_sets(statement.body, nodes):
            return True
    return False


def is_settled(module: ModuleClass, assignment: Assignment) -> bool:
    """Whether `__init__` makes the assignment plainly, at its top level or under `if` alone."""
    if not assignment.plain or assignment.method.name != "__init__":
        return False
    around = [node for node in module.ancestors(assignment.node) if isinstance(node, ast.stmt)]
    return all(isinstance(node, ast.If) for node in around[:-1])
