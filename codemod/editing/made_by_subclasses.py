"""A layer that each subclass makes and their base calls: all of them change together, or none.

The base alone cannot run the methods that call it: it has no such layer.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from codemod.editing.checks import check_class_accepts_attributes
from codemod.editing.heirs import Heir, check_may_change, uses_it
from codemod.editing.settled import is_settled
from codemod.editing.uses import check_free_of_others
from codemod.semantics.module_class import Assignment, ModuleClass
from codemod.semantics.project import ClassKey
from codemod.semantics.relatives import relative_class


@dataclass(frozen=True)
class Siblings:
    """`heirs`: the relatives that call the layer, or make it too. `is_first`: whether the class is
    the first of those that make it, of which the rewrite is."""

    heirs: tuple[Heir, ...]
    is_first: bool


def siblings_making(module: ModuleClass, assignment: Assignment, kind: str) -> Siblings | None:
    """The family of a class that makes a layer (`torch.nn.ReLU`) which a base of it calls; None
    where no base uses the attribute.

    Raises Refused: used-in-family where not all subclasses make the same, or one does more than to
    make and call it; for a relative's own sake as for the class itself.
    """
    project, name = module.project, assignment.name
    above = [key for key in module.ancestors_in_project if name in project.classes[key].names]
    if not above:
        return None
    family: dict[ClassKey, None] = {}
    for key in above:
        family |= dict.fromkeys((key, *project.descendants(key)))
    makers = [module.key]
    heirs: list[Heir] = []
    for key in family:
        if key == module.key or name not in project.classes[key].names:
            continue
        heir = _relative(module, key, assignment)
        if heir.dropped and key in above:
            raise uses_it(module, key, name)
        if heir.dropped:
            makers.append(key)
            check_class_accepts_attributes(heir.module)
            check_free_of_others(heir.module, name, kind)
        heirs.append(heir)
    _check_all_make_it(module, name, family, frozenset(makers))
    return Siblings(tuple(heirs), module.key == min(makers))


def _relative(module: ModuleClass, key: ClassKey, assignment: Assignment) -> Heir:
    """A base that calls the layer, or a class that makes the same, and may call it."""
    name = assignment.name
    item = module.project.classes[key]
    relative = relative_class(module, key)
    made: Sequence[Assignment] = relative.assignments.get(name, ())
    uses = relative.self_uses.get(name, ())
    calls = tuple(use.call for use in uses if use.call is not None)
    is_plain = len(made) <= 1 and len(calls) + len(made) == len(uses)
    if (
        not is_plain
        or name in item.methods | item.class_attributes
        or (made and not _is_the_same(relative, made[0], module, assignment))
    ):
        raise uses_it(module, key, name)
    check_may_change(relative, name, calls)
    return Heir(relative, calls, tuple(one.node for one in made))


def _is_the_same(
    relative: ModuleClass, made: Assignment, module: ModuleClass, assignment: Assignment
) -> bool:
    """Whether both make the same layer, of nothing but literals."""
    one, other = relative.call_of(made.value), module.call_of(assignment.value)
    if one is None or other is None or one.name is None or one.name != other.name:
        return False
    if not (made.top_level and is_settled(relative, made)):
        return False
    given = [*one.node.args, *(item.value for item in one.node.keywords)]
    return all(isinstance(value, ast.Constant) for value in given) and (
        _arguments(one.node) == _arguments(other.node)
    )


def _arguments(call: ast.Call) -> list[str]:
    return [ast.dump(one) for one in (*call.args, *call.keywords)]


def _check_all_make_it(
    module: ModuleClass,
    name: str,
    family: dict[ClassKey, None],
    makers: frozenset[ClassKey],
) -> None:
    """Raises Refused unless each class that nobody inherits from has the layer, and all have it
    from nowhere else."""
    project = module.project
    for key in family:
        has_it = not makers.isdisjoint((key, *project.ancestors(key)))
        if not has_it and not project.subclasses.get(key):
            raise uses_it(module, key, name)
        for other in project.ancestors(key):
            if other not in family and name in project.classes[other].names:
                raise uses_it(module, other, name)
