"""`nn.ReLU()(x)` in forward becomes `self.relu(x)`, with `self.relu = nn.ReLU()` in `__init__`.

https://docs.pytorch.org/docs/stable/notes/modules.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codemod import (
    STRUCTURE,
    TURNED_OFF_IN_EVAL,
    Call,
    Constructor,
    Contract,
    Edit,
    Example,
    Found,
    ModuleClass,
    Placement,
    Reach,
    RefusalDoc,
    Refused,
    Release,
    Rewrite,
    Transform,
    add_attribute,
    attributes_for_init,
    check_class_accepts_attributes,
    check_not_copied,
    check_site,
    check_stateless,
    check_subclasses_run_init,
    constructor_of,
    first_run_in_init,
    fresh_names,
    holds_weights,
    layer_made,
    layer_names,
    placement_for,
    producer_of,
    reach,
    remove_statement,
    witness,
)


@dataclass(frozen=True)
class _Site:
    """A layer that a method makes and calls. `statement`: what keeps it in a local, if that."""

    made: Constructor
    uses: tuple[Call, ...]
    statement: ast.stmt | None
    placement: Placement
    package: Reach | None  # where the layer's own name means something else in __init__

    @property
    def offset(self) -> int:
        return self.made.call.layout.start

    @property
    def order(self) -> int:
        """Sites in the order in which their layers are first called."""
        return self.uses[0].layout.end


class HoistInlineModules(Transform):
    """Move layers that a method makes at every call to __init__, where eval and hooks see them.

    A layer that is kept in a local variable and only called is moved as well. Losses are left,
    unless --only asks for them.
    """

    name = "hoist-inline-modules"
    contract = TURNED_OFF_IN_EVAL
    markers = layer_names()
    refusals = {
        "fresh-weights": RefusalDoc(
            "The layer gets new random weights at every call, which nothing ever trains or saves.",
            "Make it in __init__ by hand, if it is meant to be trained: the state_dict gains its"
            " keys.",
        ),
        "kept-otherwise": RefusalDoc(
            "The local variable that holds the layer is set more than once, or is used otherwise"
            " than by calling it.",
            "Make the layer in __init__ by hand.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return nn.Softmax(dim=1)(self.fc(x))
""",
            after="""\
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x):
        return self.softmax(self.fc(x))
""",
            note="A layer without a train mode: nothing but the list of modules changes.",
        ),
        Example(
            before="""\
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.p = p
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        drop = nn.Dropout(self.p)
        return self.fc(drop(x))
""",
            after="""\
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.p = p
        self.fc = nn.Linear(8, 2)
        self.dropout = nn.Dropout(self.p)

    def forward(self, x):
        return self.fc(self.dropout(x))
""",
            note="A dropout made in forward is on in eval as well: turned off on purpose.",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        sites: list[_Site] = []
        for call in module.calls_near(self.markers):
            layer = layer_made(module, call.node)
            if layer is None or call.method.name == "__init__":
                continue
            if not holds_weights(layer) and not self._takes(call):
                continue
            try:
                uses, statement = _uses(call)
                if uses:
                    sites.append(_site(call, layer, uses, statement))
            except Refused as refused:
                yield self.refuse(module, call.node, refused)
        sites.sort(key=lambda site: site.order)
        names = _names(module, sites)
        yield from (self._rewrite(site, names[site.offset]) for site in sites)

    def _takes(self, call: Call) -> bool:
        """Losses are no part of what a model is built from: only where they are asked for."""
        made = constructor_of(call.module, call.node)
        return (
            made is not None
            and self.is_chosen(made.pair)
            and (made.pair.group != "loss" or self.settings.only is not None)
        )

    def _rewrite(self, site: _Site, name: str) -> Rewrite:
        call, module = site.made.call, site.made.call.module
        package = site.package
        head = module.text(call.node.func).partition(".")[0]
        return self.rewrite(
            module,
            f"{module.text(call.node)} -> self.{name}",
            [call.node, *(use.node for use in site.uses)][: None if site.statement else 1],
            [
                *_edits(site, name),
                add_attribute(module, name, _made(site), site.placement, site.order),
            ],
            [witness(module, use.node) for use in site.uses],
            kind=site.made.pair.module,
            contract=_contract(site.made),
            layers=[site.made.pair.module],
            children=[name],
            requirements=[
                *site.placement.requirements,
                *([package.requirement] if package and package.requirement else []),
            ],
            releases=[Release(module.path, head)],
        )


def _contract(made: Constructor) -> Contract:
    """A layer made anew is in train mode, whatever the mode of the model."""
    has_modes = any(item.training is not None for item in made.pair.functional)
    return TURNED_OFF_IN_EVAL if has_modes else STRUCTURE


def _uses(call: Call) -> tuple[tuple[Call, ...], ast.stmt | None]:
    """The calls of the layer that a constructor makes, and the statement that keeps it, if any."""
    module, parent = call.module, call.ancestors[0]
    outer = module.call_of(parent)
    if outer is not None and outer.node.func is call.node:
        return (outer,), None
    name = _local(parent, call.node)
    if name is None or not isinstance(parent, ast.stmt):
        return (), None
    return tuple(_calls_of_local(call, name)), parent


def _local(statement: ast.AST, value: ast.expr) -> str | None:
    """The local that a statement keeps the value in, if that is all that it does."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) and statement.value is value else None


def _calls_of_local(call: Call, name: str) -> list[Call]:
    """Every use of a local. Raises Refused (kept-otherwise) where one is no call."""
    module, owner = call.module, call.scope.node
    uses = [
        node
        for node in ast.walk(owner)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    calls = [module.call_of(next(module.ancestors(node))) for node in uses]
    called = [use for use, node in zip(calls, uses, strict=True) if use and use.node.func is node]
    if not called:
        return []  # made to be returned or registered
    if len(call.scope.bindings.get(name, ())) != 1:
        raise Refused("kept-otherwise", f"{name} is set more than once")
    if len(called) < len(uses):
        raise Refused("kept-otherwise", f"{name} is used without being called")
    if any(use.scope.node is not owner for use in called):
        raise Refused("kept-otherwise", f"{name} is used in a function within")
    return called


def _site(call: Call, layer: str, uses: Sequence[Call], statement: ast.stmt | None) -> _Site:
    """Everything that the rewrite of one layer needs but its name. Raises Refused."""
    module, init = call.module, call.module.init
    made = constructor_of(module, call.node)
    if holds_weights(layer) or made is None:
        raise Refused("fresh-weights", f"nn.{layer} is made anew at every call")
    try:
        check_stateless(made)
    except Refused as refused:
        if refused.code != "stateful":
            raise
        raise Refused("fresh-weights", refused.message) from None
    check_class_accepts_attributes(module, call)
    check_site(call)
    check_subclasses_run_init(module, call.method.name)
    if init is not None:
        check_not_copied(module, [init.node])
    needs = attributes_for_init(call, made.values)
    place = placement_for(module, producer_of(uses[0]), needs, first_run_in_init(call))
    return _Site(made, tuple(uses), statement, place, _package(call))


def _package(call: Call) -> Reach | None:
    """How `__init__` names torch.nn, where it cannot name the layer as the method does."""
    module, init = call.module, call.module.init
    scope = init.scope if init is not None else module.file_scope
    head = module.text(call.node.func).partition(".")[0]
    if not call.scope.binds(head) and not (scope is not None and scope.binds(head)):
        return None
    return reach(module.file, "torch.nn", (scope,))


def _made(site: _Site) -> str:
    """The constructor, as `__init__` writes it."""
    call, module = site.made.call, site.made.call.module
    if site.package is None:
        return module.text(call.node)
    inside = module.source.text[call.layout.open : call.layout.end]
    return f"{site.package.expression}.{site.made.pair.module.rpartition('.')[2]}{inside}"


def _edits(site: _Site, name: str) -> Iterator[Edit]:
    call = site.made.call
    if site.statement is None:
        yield call.replace(f"{call.self_name}.{name}")
        return
    yield remove_statement(call.module.source, site.statement)
    for use in site.uses:
        yield use.replace_function(f"{use.self_name}.{name}")


def _names(module: ModuleClass, sites: Sequence[_Site]) -> dict[int, str]:
    by_base: dict[str, list[int]] = {}
    for site in sites:
        by_base.setdefault(site.made.pair.attribute, []).append(site.offset)
    names: dict[int, str] = {}
    for base, offsets in sorted(by_base.items()):
        names.update(fresh_names(module, base, offsets))
    return names
