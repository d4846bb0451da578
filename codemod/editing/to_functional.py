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
from codemod.editing.heirs import Heir
from codemod.editing.imports import Reach, reach
from codemod.editing.markers import any_of
from codemod.editing.readable import readable_arguments
from codemod.editing.refused import Refused
from codemod.editing.removal import remove_statement
from codemod.editing.to_module import arguments_of, refused_mapping
from codemod.editing.training import check_one_mode
from codemod.editing.transform import Transform, site_of, witness
from codemod.results import Contract, Edit, Release, Requirement, Rewrite
from codemod.semantics.module_class import Assignment, Call, ModuleClass
from codemod.semantics.scopes import Scope


@dataclass(frozen=True)
class FunctionalForm:
    """What the calls of a module become, and how the package is named there."""

    made: FunctionalCall
    package: Reach | None  # none for a method of the input

    @property
    def function(self) -> str:
        """`F.relu`; `.unflatten` for a method."""
        name = self.made.name.rpartition(".")[2]
        return f"{self.package.expression}.{name}" if self.package else f".{name}"

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        requirement = self.package.requirement if self.package else None
        return () if requirement is None else (requirement,)


@dataclass(frozen=True)
class AttributeSite:
    """A module attribute that can become functional calls.

    `heirs`: the subclasses that call it too, each with what its calls become.
    """

    module: ModuleClass
    assignment: Assignment
    constructor: Call
    calls: tuple[Call, ...]
    form: FunctionalForm
    stores: tuple[Requirement, ...]  # constructor arguments to be kept as attributes
    heirs: tuple[tuple[Heir, FunctionalForm], ...] = ()


@cache
def module_names() -> re.Pattern[str]:
    """The class names of the catalogue: `ReLU`, `MaxPool2d`..."""
    names = {pair.module.rpartition(".")[2] for pair in PAIRS}
    return re.compile(rf"\b{any_of(names)}\b")


def attribute_site(
    module: ModuleClass,
    assignment: Assignment,
    pair: Pair,
    calls: Sequence[Call],
    heirs: Sequence[Heir] = (),
) -> AttributeSite:
    """Everything that the rewrite of one attribute needs. Raises Refused."""
    check_not_scripted(module, assignment.name)
    check_not_copied(module, [assignment.method.node, *(call.method.node for call in calls)])
    constructor = module.call_of(assignment.value)
    assert constructor is not None
    if constructor.has_star:
        raise Refused("star-arguments", "the constructor takes * or ** arguments")
    every = [*calls, *(call for heir in heirs for call in heir.calls)]
    for call in every:
        check_site(call)
    readable = readable_arguments(assignment, constructor, pair, every)

    def form_of(owner: ModuleClass, its_calls: Sequence[Call]) -> FunctionalForm:
        form = functional_form(owner, pair, readable.arguments, [call.scope for call in its_calls])
        if form.made.functional.training is not None:
            check_one_mode(owner)
        return form

    return AttributeSite(
        module,
        assignment,
        constructor,
        tuple(calls),
        form_of(module, calls),
        readable.stores,
        tuple((heir, form_of(heir.module, heir.calls)) for heir in heirs),
    )


def functional_form(
    module: ModuleClass, pair: Pair, arguments: Arguments, scopes: Sequence[Scope]
) -> FunctionalForm:
    """What a module built with these arguments is as a functional. Raises Refused."""
    bound = bind(pair.constructor, arguments, short(pair.module))
    if isinstance(bound, Unmappable):
        raise refused_mapping(bound)
    made = to_functional(pair, bound)
    if isinstance(made, Unmappable):
        raise refused_mapping(made)
    if made.functional.method:
        return FunctionalForm(made, None)
    return FunctionalForm(made, reach(module.file, made.name.rpartition(".")[0], scopes))


def functional_rewrite(transform: Transform, site: AttributeSite, contract: Contract) -> Rewrite:
    """One rewrite: the assignment goes, every call becomes a functional call, in subclasses too."""
    module, assignment = site.module, site.assignment
    init = assignment.method
    edits = [remove_statement(module.source, assignment.node)]
    for call in site.calls:
        edits += call_edits(transform, site.form, call)
    inherited = [(heir, form, call) for heir, form in site.heirs for call in heir.calls]
    for _, form, call in inherited:
        edits += call_edits(transform, form, call)
    head = module.text(site.constructor.node.func).partition(".")[0]
    return transform.rewrite(
        module,
        summary=f"self.{assignment.name} -> {site.form.function}",
        sites=[
            assignment.node,
            *(call.node for call in site.calls),
            *(site_of(heir.module, call.node) for heir, _, call in inherited),
        ],
        edits=edits,
        witnesses=[
            *(witness(module, call.node) for call in site.calls),
            witness(module, init.node),
            *(witness(heir.module, call.node) for heir, _, call in inherited),
        ],
        kind=site.form.made.pair.module,
        contract=contract,
        requirements=dict.fromkeys(
            [
                *site.form.requirements,
                *site.stores,
                *(item for _, form in site.heirs for item in form.requirements),
            ]
        ),
        releases=[Release(module.path, head)],
        also=[heir.module for heir, _ in site.heirs],
    )


def call_edits(transform: Transform, form: FunctionalForm, call: Call) -> list[Edit]:
    """Edits that make the call of a module one of its functional. Raises Refused."""
    given = arguments_of(call)
    if form.made.functional.method:
        return _method_edits(form.made, call, given)
    full = form.made.full(given)
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
    if call.self_name not in (None, "self"):
        extra = [item.replace("=self.training", f"={call.self_name}.training") for item in extra]
    return list(
        rewrite_call(
            call,
            form.function,
            range(len(call.layout.arguments)),
            extra,
            transform.settings.line_length,
        )
    )


def _method_edits(made: FunctionalCall, call: Call, given: Arguments) -> list[Edit]:
    """`self.unflatten(x)` becomes `x.unflatten(1, (2, 3))`."""
    if len(given.positional) != 1 or given.keywords or call.layout.comments:
        raise Refused("unusual-call", "the input of a method call must be its only argument")
    argument, layout = call.layout.arguments[0], call.layout
    plain = isinstance(call.node.args[0], ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    left, right = ("", "") if plain else ("(", ")")
    name = made.name.rpartition(".")[2]
    tail = f"{right}.{name}({made.arguments})"
    path = call.module.path
    return [
        Edit(path, layout.start, argument.start, left),
        Edit(path, argument.end, layout.end, tail),
    ]
