"""The subclasses, in whatever file, that use a module which their base holds: they change with it.

A rewrite of the base edits them too, and is confirmed only if their calls were reached as well. One
that calls it has its calls rewritten. One that does away with it (`del self.relu`) and runs none of
the methods that call it no longer has to.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from codemod.editing.checks import (
    check_attributes_are_plain,
    check_file,
    check_no_layer_base,
    check_not_copied,
    check_not_scripted,
)
from codemod.editing.refused import Refused
from codemod.semantics.module_class import Call, ModuleClass, SelfUse
from codemod.semantics.project import ClassKey
from codemod.semantics.relatives import relative_class

_IDENTITY = "torch.nn.Identity"


@dataclass(frozen=True)
class Heir:
    """A subclass, its calls of the base's attribute, and its statements that do away with it."""

    module: ModuleClass
    calls: tuple[Call, ...]
    dropped: tuple[ast.stmt, ...] = ()


def heirs_calling(module: ModuleClass, name: str) -> tuple[Heir, ...]:
    """The subclasses that use `self.NAME`; all that they do is to call it, or to do away with it.

    Raises Refused: used-in-family where a base uses it, or a subclass does more than that or has it
    from elsewhere too; generated, copied, scripted and the like for a subclass's own sake.
    """
    for key in module.ancestors_in_project:
        if name in module.project.classes[key].names:
            raise uses_it(module, key, name)
    every = (_heir(module, key, name) for key in module.descendants_in_project)
    found = tuple(heir for heir in every if heir is not None)
    for heir in found:
        if heir.dropped:
            _check_is_left_alone(module, heir, found, name)
    return found


def uses_it(module: ModuleClass, key: ClassKey, name: str) -> Refused:
    item = module.project.classes[key]
    return Refused("used-in-family", f"{item.qualname} ({key[0]}) uses {name} as well")


def _heir(module: ModuleClass, key: ClassKey, name: str) -> Heir | None:
    item = module.project.classes[key]
    if name not in item.names:
        return None
    _check_comes_from(module, key, name)
    heir = relative_class(module, key)
    uses = heir.self_uses.get(name, ())
    calls = tuple(use.call for use in uses if use.call is not None)
    others = [use for use in uses if use.call is None]
    dropped = tuple(one for use in others if (one := _dropped_by(heir, use)) is not None)
    if name in item.methods | item.class_attributes or len(dropped) != len(others):
        raise uses_it(module, key, name)
    if not uses:
        return None  # a comment or a text
    if item.init == "skips":
        raise Refused("used-in-family", f"{item.qualname} ({key[0]}) does not run this __init__")
    check_may_change(heir, name, calls)
    return Heir(heir, calls, dropped)


def check_may_change(relative: ModuleClass, name: str, calls: Iterable[Call]) -> None:
    """Raises Refused, for a relative's own sake, unless what it does with `self.NAME` may be
    rewritten: it is not generated, copied, scripted and the like."""
    check_file(relative)
    check_attributes_are_plain(relative)
    check_not_scripted(relative, name)
    check_no_layer_base(relative)
    check_not_copied(relative, [call.method.node for call in calls])


def _dropped_by(heir: ModuleClass, use: SelfUse) -> ast.stmt | None:
    """The statement of `__init__`, behind that of the base, that does away with the attribute."""
    statement = next((one for one in heir.ancestors(use.node) if isinstance(one, ast.stmt)), None)
    if heir.init is None or use.method.node is not heir.init.node or statement is None:
        return None
    body = heir.init.node.body
    if statement not in body or not any(
        re.search(r"super\([^()]*\)\.__init__\(", heir.text(one))
        for one in body[: body.index(statement)]
    ):
        return None
    if isinstance(statement, ast.Delete):
        return statement if statement.targets == [use.node] else None
    if not isinstance(statement, ast.Assign) or statement.targets != [use.node]:
        return None
    made = heir.call_of(statement.value)
    is_none = isinstance(statement.value, ast.Constant) and statement.value.value is None
    return statement if is_none or (made is not None and made.name == _IDENTITY) else None


def _check_is_left_alone(module: ModuleClass, heir: Heir, every: Iterable[Heir], name: str) -> None:
    """Raises Refused (used-in-family) unless no method that calls the module is run by a subclass
    that does away with it, or by those that inherit from it."""
    project = module.project
    key = heir.module.key
    family = (key, *heir.module.descendants_in_project)
    if heir.calls or any(one.module.key in family and one is not heir for one in every):
        raise uses_it(module, key, name)
    calling = [(module.key, use.method.name) for use in module.self_uses.get(name, ()) if use.call]
    calling += [(one.module.key, call.method.name) for one in every for call in one.calls]
    for owner, method in calling:
        above = (key, *project.ancestors(key))
        if owner not in above:
            continue
        hidden = any(
            owner in project.ancestors(one) and method in project.classes[one].methods
            for one in above
        )
        runs = re.compile(rf"\.{method}\(")
        calls_up = any(
            match
            for one in family
            for match in runs.finditer(project.class_text(one))
            if not project.class_text(one).endswith("self", 0, match.start())
        )
        if not hidden or calls_up:
            raise uses_it(module, key, name)


def _check_comes_from(module: ModuleClass, key: ClassKey, name: str) -> None:
    """Raises Refused unless the class's attribute can be this class's alone."""
    project = module.project
    above = project.ancestors(key)
    if module.key not in above:
        raise Refused(
            "generated", f"{key[1]} ({key[0]}) inherits from a file generated from this one"
        )
    family = {module.key, *module.ancestors_in_project, *module.descendants_in_project}
    for other in above:
        if other not in family and name in project.classes[other].names:
            raise uses_it(module, other, name)
