"""Whether a module and its children are in one mode: what `F.dropout(x, training=...)` follows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codemod.editing.observed import setters_of_mode
from codemod.editing.refused import Refused
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import ClassKey, Project

# It begins with a literal, which lets `re` skip to it.
_SETS_FLAG = re.compile(r"self\.training(?<!\wself\.training)\s*=(?!=)")
_GOES_ON = re.compile(r"\bsuper\([^()]*\)\.(?:train|eval)\(|\bModule\.(?:train|eval)\(\s*self\b")


def check_one_mode(module: ModuleClass) -> None:
    """Raises Refused (custom-train) where `train()` may leave the children in another mode."""
    for key in (module.key, *module.ancestors_in_project, *module.descendants_in_project):
        for said in _other_modes(module.project, key):
            raise Refused("custom-train", said)
    outside = setters_of_mode(module)
    if outside:
        raise Refused("custom-train", f"{outside[0]} sets .training of one module alone")


def _other_modes(project: Project, key: ClassKey) -> tuple[str, ...]:
    """How a class comes to another mode than its children."""
    return project.remembered("other-modes", ":".join(key), lambda: _find_other_modes(project, key))


def _find_other_modes(project: Project, key: ClassKey) -> Iterator[str]:
    item, text = project.classes[key], project.class_text(key)
    overridden = sorted(item.methods & {"train", "eval"})
    if overridden and not _GOES_ON.search(text):
        yield f"{item.qualname}.{overridden[0]} does not call the base's"
    if _SETS_FLAG.search(text):
        yield f"{item.qualname} sets self.training"
