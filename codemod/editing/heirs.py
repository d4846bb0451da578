"""The subclasses, in whatever file, that call a module which their base holds: they change with it.

A rewrite of the base edits them too, and is confirmed only if their calls were reached as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from codemod.editing.checks import (
    check_attributes_are_plain,
    check_file,
    check_no_layer_base,
    check_not_copied,
    check_not_scripted,
)
from codemod.editing.refused import Refused
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.project import ClassKey
from codemod.semantics.relatives import relative_class


@dataclass(frozen=True)
class Heir:
    """A subclass and its calls of the base's attribute."""

    module: ModuleClass
    calls: tuple[Call, ...]


def heirs_calling(module: ModuleClass, name: str) -> tuple[Heir, ...]:
    """The subclasses that use `self.NAME`; all that they do is to call it.

    Raises Refused: used-in-family where a base uses it, or a subclass does more than to call it or
    has it from elsewhere too; generated, copied, scripted and the like for a subclass's own sake.
    """
    for key in module.ancestors_in_project:
        if name in module.project.classes[key].names:
            raise _uses_it(module, key, name)
    found = (_heir(module, key, name) for key in module.descendants_in_project)
    return tuple(heir for heir in found if heir is not None)


def _uses_it(module: ModuleClass, key: ClassKey, name: str) -> Refused:
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
    if name in item.methods | item.class_attributes or len(calls) != len(uses):
        raise _uses_it(module, key, name)
    if not calls:
        return None  # a comment or a text
    if item.init == "skips":
        raise Refused("used-in-family", f"{item.qualname} ({key[0]}) does not run this __init__")
    check_file(heir)
    check_attributes_are_plain(heir)
    check_not_scripted(heir, name)
    check_no_layer_base(heir)
    check_not_copied(heir, [call.method.node for call in calls])
    return Heir(heir, calls)


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
            raise _uses_it(module, other, name)
