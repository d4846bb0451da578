"""From a module attribute and its calls to functional calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from codemod.catalogue import (
    PAIRS,
    Arguments,
    FunctionalCall,
    Pair,
    Unmappable,
    bind,
    short,
    to_functional,
)
from codemod.editing.calls import rewrite_call
from codemod.editing.checks import check_not_copied, check_not_scripted, check_site
from codemod.editing.imports import Reach, reach
from codemod.editing.markers import any_of
from codemod.editing.readable import readable_arguments
from codemod.editing.refused import Refused
from codemod.editing.removal import remove_statement
from codemod.editing.to_module import arguments_of, refused_mapping
from codemod.editing.training import check_one_mode
from codemod.editing.transform import Transform, witness
from codemod.results import Contract, Edit, Release, Requirement, Rewrite
from codemod.semantics.module_class import Assignment, Call, ModuleClass


@dataclass(frozen=True)
class AttributeSite:
    """A module attribute that can become functional calls."""

    module: ModuleClass
    assignment: Assignment
    constructor: Call
    calls: tuple[Call, ...]
    made: FunctionalCall
    package: Reach | None  # none for a method of the input
    stores: tuple[Requirement, ...]  # constructor arguments to be kept as attributes


@cache
def module_names() -> re.Pattern[str]:
    """The class names of the catalogue: `ReLU`, `MaxPool2d`..."""
    names = {pair.module.rpartition(".")[2] for pair in PAIRS}
    return re.compile(rf"\b{any_of(names)}\b")


def is_settled(module: ModuleClass, assignment: Assignment) -> bool:
    """Whether `__init__` makes the assignment plainly, at its top level or under `if` alone."""
    if not assignment.plain or assignment.method.name != "__init__":
        return False
    around = [node for node in module.ancestors(assignment.node) if isinstance(node, ast.stmt)]
    return all(isinstance(node, ast.If) for node in around[:-1])


def attribute_site(
    module: ModuleClass, assignment: Assignment, pair: Pair, calls: Sequence[Call]
) -> AttributeSite:
    """Everything that the rewrite of one attribute needs. Raises Refused."""
    check_not_scripted(module, assignment.name)
    check_not_copied(module, [assignment.method.node, *(call.method.node for call in calls)])
    constructor = module.call_of(assignment.value)
    assert constructor is not None
    if constructor.has_star:
        raise Refused("star-arguments", "the constructor takes * or ** arguments")
    for call in calls:
        check_site(call)
    readable = readable_arguments(assignment, constructor, pair, calls)
    bound = bind(pair.constructor, readable.arguments, short(pair.module))
    if isinstance(bound, Unmappable):
        raise refused_mapping(bound)
    made = to_functional(pair, bound)
    if isinstance(made, Unmappable):
        raise refused_mapping(made)
    if made.functional.training is not None:
        check_one_mode(module)
    package = None
    if not made.functional.method:
        package_name = made.name.rpartition(".")[0]
        package = reach(module.file, package_name, [call.scope for call in calls])
    return AttributeSite(
        module, assignment, constructor, tuple(calls), made, package, readable.stores
    )


def functional_rewrite(transform: Transform, site: AttributeSite, contract: Contract) -> Rewrite:
    """One rewrite: the assignment goes, every call becomes a functional call."""
    module, assignment = site.module, site.assignment
    init = assignment.method
    edits = [remove_statement(module.source, assignment.node)]
    for call in site.calls:
        edits += _call_edits(transform, site, call)
    package = site.package
    name = site.made.name.rpartition(".")[2]
    shown = f"{package.expression}.{name}" if package else f".{name}"
    head = module.text(site.constructor.node.func).partition(".")[0]
    return transform.rewrite(
        module,
        summary=f"self.{assignment.name} -> {shown}",
        sites=[assignment.node, *(call.node for call in site.calls)],
        edits=edits,
        witnesses=[witness(module, call.node) for call in site.calls]
        + [witness(module, init.node)],
        kind=site.made.pair.module,
        contract=contract,
        requirements=[
            *([package.requirement] if package and package.requirement else []),
            *site.stores,
        ],
        releases=[Release(module.path, head)],
    )


def _call_edits(transform: Transform, site: AttributeSite, call: Call) -> list[Edit]:
    given = arguments_of(call)
    made = site.made
    if made.functional.method:
        return _method_edits(site, call, given)
    full = made.full(given)
    if isinstance(full, Unmappable):
        raise refused_mapping(full)
    count = len(given.positional)
    same = full.positional[:count] == given.positional and (
        count == len(full.positional) or not given.keywords
    )
    extra = [*full.positional[count:]]
    if not same or not set(given.keywords) <= set(full.keywords):
        raise Refused("unusual-call", "the inputs would have to be reordered or renamed")
    extra += [
        f"{name}={source}" for name, source in full.keywords if (name, source) not in given.keywords
    ]
    assert site.package is not None
    function = f"{site.package.expression}.{made.name.rpartition('.')[2]}"
    if call.self_name != "self":
        extra = [item.replace("=self.training", f"={call.self_name}.training") for item in extra]
    return list(
        rewrite_call(
            call,
            function,
            range(len(call.layout.arguments)),
            extra,
            transform.settings.line_length,
        )
    )


def _method_edits(site: AttributeSite, call: Call, given: Arguments) -> list[Edit]:
    """`self.unflatten(x)` becomes `x.unflatten(1, (2, 3))`."""
    if len(given.positional) != 1 or given.keywords or call.layout.comments:
        raise Refused("unusual-call", "the input of a method call must be its only argument")
    argument, layout = call.layout.arguments[0], call.layout
    plain = isinstance(call.node.args[0], ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    left, right = ("", "") if plain else ("(", ")")
    name = site.made.name.rpartition(".")[2]
    tail = f"{right}.{name}({site.made.arguments})"
    path = call.module.path
    return [
        Edit(path, layout.start, argument.start, left),
        Edit(path, argument.end, layout.end, tail),
    ]
