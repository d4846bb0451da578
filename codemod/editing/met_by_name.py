"""Whether code that asks for modules by their names finds an attribute of a given class."""

from __future__ import annotations

from collections.abc import Iterator

from codemod.catalogue import Pair
from codemod.editing.name_sweeps import NameSweep, child_sweeps
from codemod.editing.named import NameUse, names_it
from codemod.editing.type_sweeps import may_be_or_hold
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Place


def sweeps_of_child(module: ModuleClass, name: str) -> Iterator[Place]:
    """Where code goes over modules by name, and a new child of that name would be among them."""
    for sweep, word in child_sweeps(module.project, name):
        if sweep_meets(module, name, sweep, word, None):
            yield sweep.place


def sweep_meets(
    module: ModuleClass, name: str, sweep: NameSweep, word: str, pair: Pair | None
) -> bool:
    """Whether code that asks for modules by name may find the class's attribute."""
    project = module.project
    if not project.reach.may_meet(sweep.place.path, module.key):
        return False
    tokens = tuple(word.split("."))
    is_path = sweep.how == "path"
    within = sweep.within and not (is_path and len(tokens) == 1)
    if not any(may_be_or_hold(module, one, within=within) for one in sweep.looked):
        return False
    if not is_path or len(tokens) == 1:
        return True
    use = NameUse(sweep.place, tokens, tokens.index(name))
    return names_it(module, use, pair)
