"""From a module attribute and its calls to functional calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
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
from codemod.editing.markers import any_class
from codemod.editing.readable import readable_arguments
from codemod.editing.refused import Refused
from codemod.editing.removal import remove_statement
from codemod.editing.to_module import arguments_of, refused_mapping
from codemod.editing.training import check_one_mode
from codemod.editing.transform import Transform, site_of, witness
from codemod.results import Contract, Edit, Release, Requirement, Rewrite
from codemod.semantics.layout import span
from codemod.semantics.module_class import Assignment, Call, ModuleClass, SelfUse
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

    `heirs`: the relatives that call it too, each with what its calls become. `settings`: reads of
    what it was built with, each with its source. `again`: further statements that assign the same;
    `elsewhere`: statements of relatives that go as well.
    """

    module: ModuleClass
    assignment: Assignment
    constructor: Call
    calls: tuple[Call, ...]
    form: FunctionalForm
    stores: tuple[Requirement, ...]  # constructor arguments to be kept as attributes
    heirs: tuple[tuple[Heir, FunctionalForm], ...] = ()
    settings: tuple[tuple[ast.Attribute, str], ...] = ()
    again: tuple[Assignment, ...] = ()
    elsewhere: tuple[tuple[ModuleClass, ast.stmt], ...] = ()


@cache
def module_names() -> re.Pattern[str]:
    """The class names of the catalogue: `ReLU`, `MaxPool2d`..."""
    names = {pair.module.rpartition(".")[2] for pair in PAIRS}
    return re.compile(rf"{any_class(names)}\b")


def setting_read(module: ModuleClass, use: SelfUse, pair: Pair) -> ast.Attribute | None:
    """`self.drop.p`: the read of what a dropout was built with, which it keeps as it was given."""
    parent = next(module.ancestors(use.node), None)
    if pair.group != "dropout" or not isinstance(parent, ast.Attribute):
        return None
    known = {item.name for item in pair.constructor}
    return parent if parent.attr in known and isinstance(parent.ctx, ast.Load) else None


def attribute_site(
    module: ModuleClass,
    assignment: Assignment,
    pair: Pair,
    calls: Sequence[Call],
    heirs: Sequence[Heir] = (),
    reads: Sequence[SelfUse] = (),
    again: Sequence[Assignment] = (),
) -> AttributeSite:
    """Everything that the rewrite of one attribute needs. Raises Refused.

    `reads`: uses of which `setting_read` knows what they read. `again`: further statements of
    `__init__` that assign the same.
    """
    check_not_scripted(module, assignment.name)
    methods = [assignment.method, *(one.method for one in calls), *(one.method for one in reads)]
    check_not_copied(module, [one.node for one in methods])
    constructor = module.call_of(assignment.value)
    assert constructor is not None
    if constructor.has_star:
        raise Refused("star-arguments", "the constructor takes * or ** arguments")
    every = [*calls, *(call for heir in heirs for call in heir.calls)]
    for call in every:
        check_site(call)
    readable = readable_arguments(assignment, constructor, pair, every, again)

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
        tuple((heir, form_of(heir.module, heir.calls)) for heir in heirs if heir.calls),
        tuple(_settings(module, constructor, pair, readable.arguments, reads)),
        tuple(again),
        tuple((heir.module, one) for heir in heirs for one in heir.dropped),
    )


def _settings(
    module: ModuleClass,
    constructor: Call,
    pair: Pair,
    arguments: Arguments,
    reads: Sequence[SelfUse],
) -> Iterator[tuple[ast.Attribute, str]]:
    """What each read of a setting becomes. Raises Refused."""
    bound = bind(pair.constructor, arguments, short(pair.module))
    if isinstance(bound, Unmappable):
        raise refused_mapping(bound)
    defaults = {item.name: item.default for item in pair.constructor}
    for use in reads:
        node = setting_read(module, use, pair)
        assert node is not None
        source = bound.get(node.attr) or defaults[node.attr]
        if source is None:
            raise Refused("no-counterpart", f"self.{use.node.attr}.{node.attr} has no source")
        tree = ast.parse(source, mode="eval").body
        names = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
        if constructor.self_name in names and use.method.self_name != constructor.self_name:
            raise Refused("unusual-call", "self has another name in __init__")
        hidden = sorted(one for one in names - {constructor.self_name} if use.scope.binds(one))
        if hidden:
            raise Refused("argument-not-static", f"`{hidden[0]}` means something else at a read")
        plain = isinstance(tree, ast.Constant | ast.Attribute | ast.Name)
        yield node, source if plain else f"({source})"


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
    edits = [remove_statement(module.source, one.node) for one in (assignment, *site.again)]
    edits += [remove_statement(owner.source, one) for owner, one in site.elsewhere]
    for node, source in site.settings:
        edits.append(Edit(module.path, *span(module.source, node), source))
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
            *(one.node for one in (assignment, *site.again)),
            *(call.node for call in site.calls),
            *(node for node, _ in site.settings),
            *(site_of(heir.module, call.node) for heir, _, call in inherited),
            *(site_of(owner, one) for owner, one in site.elsewhere),
        ],
        edits=edits,
        witnesses=[
            *(witness(module, call.node) for call in site.calls),
            *(witness(module, node) for node, _ in site.settings),
            witness(module, init.node),
            *(witness(heir.module, call.node) for heir, _, call in inherited),
            *(witness(owner, owner.init.node) for owner, _ in site.elsewhere if owner.init),
        ],
        kind=site.form.made.pair.module,
        contract=contract,
        requirements=dict.fromkeys(
            [
                *(site.form.requirements if site.calls else ()),
                *site.stores,
                *(item for _, form in site.heirs for item in form.requirements),
            ]
        ),
        releases=[Release(module.path, head), *_released(site)],
        also=_to_be_run(site),
    )


def _released(site: AttributeSite) -> Iterator[Release]:
    """The names that relatives said where they made, or did away with, the layer."""
    for owner, statement in site.elsewhere:
        value = statement.value if isinstance(statement, ast.Assign) else None
        if isinstance(value, ast.Call):
            yield Release(owner.path, owner.text(value.func).partition(".")[0])


def _to_be_run(site: AttributeSite) -> list[ModuleClass]:
    """The relatives that are run for the rewrite, each once; a base that has no layer cannot be."""
    above = site.module.ancestors_in_project
    found = [heir.module for heir, _ in site.heirs if heir.module.key not in above]
    found += [owner for owner, _ in site.elsewhere]
    return list({one.key: one for one in found}.values())


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
