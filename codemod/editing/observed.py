"""Which code of the project sees that a module gained or lost a child, or that its hooks fire."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from codemod.editing.graph_sweeps import nodes_asked_for
from codemod.editing.met_by_name import sweeps_of_child
from codemod.editing.onnx_names import nodes_of_layer
from codemod.editing.replaced import replaced_in
from codemod.editing.shown import compared_texts, telling_texts
from codemod.editing.type_sweeps import may_be_or_hold, type_sweeps
from codemod.results import Contract
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.observers import Observer, ObserverKind
from codemod.semantics.project import Base, ClassKey, Place
from codemod.semantics.wholes import is_part

_KINDS_OF_CHILDREN: frozenset[ObserverKind] = frozenset(
    {"positions", "in-order", "in-depth", "all-hooked"}
)
_KINDS_OF_HOOKS: frozenset[ObserverKind] = frozenset({"hooked", "all-hooked"})


def observers_of(
    module: ModuleClass,
    contract: Contract,
    layers: Iterable[str] = (),
    children: Iterable[str] = (),
) -> tuple[str, ...]:
    """`path:line` of each place that sees what a rewrite of the class changes in structure.

    `layers`: the module classes of which an instance comes or goes. `children`: the names of those
    that come.
    """
    if "modules" in contract.changes:
        layers, children = tuple(layers), tuple(children)
        typed = (place for layer in layers for place in type_sweeps(module, layer))
        replaced = (str(place) for layer in layers for place in replaced_in(module, layer))
        named = (str(place) for child in children for place in sweeps_of_child(module, child))
        told = (one for layer in layers for child in children
                for one in telling_texts(module, layer, child))  # fmt: skip
        nodes = (one for layer in layers for one in _nodes_of(module, layer, children))
        shown = map(str, (*compared_texts(module), *told, *nodes))
        structure = _places(module, _KINDS_OF_CHILDREN)
        return tuple(dict.fromkeys([*structure, *typed, *replaced, *named, *shown]))
    if "hooks" in contract.changes:
        return tuple(_places(module, _KINDS_OF_HOOKS))
    return ()


def _nodes_of(module: ModuleClass, layer: str, children: Collection[str]) -> Iterator[Place]:
    """Where nodes of exported or traced graphs are asked for that get another name."""
    yield from nodes_of_layer(module, layer)
    for one in nodes_asked_for(module.project):
        if any(last not in children for last in one.of_functional(layer)) and (
            module.project.reach.may_meet(one.place.path, module.key)
            and any(may_be_or_hold(module, item) for item in one.model if item.name is None)
        ):
            yield one.place


def runners_of(module: ModuleClass) -> tuple[str, ...]:
    """`path:line` of each place that runs the children of an instance in their order, or takes
    some by position."""
    return tuple(_places(module, frozenset({"positions", "in-order", "in-depth"})))


def setters_of_mode(module: ModuleClass) -> tuple[str, ...]:
    """`path:line` of each `x.training = ...` where x, but not its children, may be an instance."""
    return tuple(_places(module, frozenset({"mode"})))


def _places(module: ModuleClass, kinds: frozenset[ObserverKind]) -> Iterator[str]:
    for path, observer in module.project.observers:
        if observer.kind in kinds and _may_look_at(module, path, observer):
            yield f"{path}:{observer.line}"


def _may_look_at(module: ModuleClass, path: str, observer: Observer) -> bool:
    """Whether the receiver may be an instance of the class or, where all below it is looked at,
    may hold one."""
    holds = observer.kind in ("all-hooked", "in-depth")
    if observer.receiver == "self" and not holds:
        return _is_related(module, (path, observer.owner))
    if observer.part and observer.kind == "in-order" and _has_forward(module):
        return False  # a part whose children are run one by one is a container
    if observer.made_by and "" not in observer.made_by:
        made = [module.project.resolve(path, name) for name in observer.made_by]
        if all(_is_other(module, base, holds) for base in made):
            return False
    reach = module.project.reach
    if "." in observer.receiver:
        return reach.may_hold(path, module.key)
    if observer.kind in ("positions", "in-order") and is_part(module.project, module.key):
        return False  # what takes any model apart is given whole ones
    return reach.may_meet(path, module.key)


def _is_other(module: ModuleClass, made: Base, holds: bool) -> bool:
    """Whether what a call makes is of another package, or of another class of this one."""
    if made.key is None:
        return made.name is not None
    return not holds and not _is_related(module, made.key)


def _has_forward(module: ModuleClass) -> bool:
    keys = (module.key, *module.ancestors_in_project)
    return any({"forward", "__call__"} & module.project.classes[key].methods for key in keys)


def _is_related(module: ModuleClass, key: ClassKey) -> bool:
    relatives = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    return key in relatives
