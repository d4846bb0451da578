"""From functional calls in methods to modules of their own: what such transforms share."""

from __future__ import annotations

import ast
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from codemod.catalogue import (
    Arguments,
    Functional,
    ModuleCall,
    Pair,
    Unmappable,
    bind,
    by_functional,
    module_call,
    short,
)
from codemod.editing.attributes import (
    Placement,
    add_attribute,
    fresh_names,
    placement_for,
)
from codemod.editing.calls import rewrite_call
from codemod.editing.checks import (
    check_class_accepts_attributes,
    check_not_copied,
    check_site,
    check_subclasses_run_init,
    first_run_in_init,
)
from codemod.editing.containers import Fed, append_edits, fed_by_sequential
from codemod.editing.functional_names import behind_a_dot, stand_alone
from codemod.editing.imports import Reach, reach
from codemod.editing.lengths import length_of
from codemod.editing.local_values import left_over, settled_source, settled_value
from codemod.editing.loops import Rounds, header_edits, plural, round_variable, rounds_of
from codemod.editing.outside import outside_refusals
from codemod.editing.producers import producer_of
from codemod.editing.receivers import (
    begins_with,
    call_with_receiver,
    check_receiver,
    receiver_of,
    tensor_method,
)
from codemod.editing.refused import Refused
from codemod.editing.removal import remove_statement
from codemod.editing.stability import attributes_for_init
from codemod.editing.training import check_one_mode
from codemod.editing.transform import Found, Settings, Transform, witness
from codemod.results import Contract, Edit, Release, Requirement, Rewrite
from codemod.semantics.module_class import Call, ModuleClass, SourceFile
from codemod.semantics.project import Project

Candidates = tuple[tuple[Pair, Functional], ...]

# What a module come or gone changes on purpose, and what it may change where the two forms run
# other operators.
STRUCTURE = Contract(changes={"modules": "differs", "hooks": "differs"})
OTHER_OPERATORS = Contract(
    changes={"modules": "differs", "hooks": "differs", "trace": "may-differ"}
)
# What a module in the place of what is always in train mode changes.
TURNED_OFF_IN_EVAL = Contract(
    changes={"eval": "becomes-deterministic", "modules": "differs", "hooks": "differs"}
)

# A reshape as a method is how everybody writes it: `x.flatten(1)` is no layer in the making.
_METHOD_GROUPS = ("activation", "softmax")

_REFUSAL_OF = {
    "no-functional-argument": "no-counterpart",
    "no-module-argument": "no-counterpart",
    "other-module": "no-counterpart",
    "no-module": "no-counterpart",
    "needs-literal": "argument-not-static",
    "stateful": "stateful",
}


@dataclass(frozen=True)
class FunctionalSite:
    """A functional call that can become a module: all questions but the name are answered."""

    call: Call
    made: ModuleCall
    placement: Placement
    package: Reach
    keep: tuple[int, ...]
    rounds: Rounds | None = None  # the loop, where each of its rounds is to have its own module
    fed: Fed | None = None  # the Sequential whose last layer it becomes
    left_over: tuple[ast.stmt, ...] = ()  # `k = 3` of what was `F.max_pool2d(x, k)`

    @property
    def pair(self) -> Pair:
        return self.made.pair

    @property
    def is_method(self) -> bool:
        return self.made.functional.method

    @property
    def offset(self) -> int:
        return self.call.layout.start

    @property
    def order(self) -> int:
        """Sites in order of evaluation: an inner call ends before the one around it."""
        return self.call.layout.end


class ToModule(Transform):
    """Turns calls of functionals into modules of their own, one a call.

    A subclass says which entries of the catalogue it `takes`, and what the rewrite of one call
    promises: `contract_of`.
    """

    settles = True

    @abstractmethod
    def takes(self, pair: Pair) -> bool:
        """Whether the functional forms of this module are sites."""

    @abstractmethod
    def contract_of(self, call: Call, candidates: Candidates) -> Contract:
        """What the rewrite of one call promises. Raises Refused."""

    def find(self, module: ModuleClass) -> Iterator[Found]:
        sites: list[tuple[FunctionalSite, Contract]] = []
        for call in module.calls_near(self.markers_in(module.project, module.path)):
            candidates = self.candidates(call.name) or self._as_method(call)
            if not candidates:
                continue
            try:
                check_class_accepts_attributes(module, call)
                _check_is_run(self, candidates)
                contract = self.contract_of(call, candidates)
                sites.append((functional_site(call, candidates, self.settings), contract))
            except Refused as refused:
                yield self.refuse(module, call.node, refused)
        yield from module_rewrites(self, module, _apart(sites))

    def markers_in(self, project: Project, path: str) -> re.Pattern[str]:
        dotted = behind_a_dot(self.markers)
        return self.markers if dotted is None or stand_alone(project, path) else dotted

    def find_outside(self, file: SourceFile, modules: frozenset[str]) -> Iterator[Found]:
        return outside_refusals(self, file, modules, lambda name: bool(self.candidates(name)))

    def _as_method(self, call: Call) -> Candidates:
        """What a method of the call's name means, if it is called as tensors' methods are."""
        found = self.candidates(tensor_method(call))
        if not found or found[0][0].group not in _METHOD_GROUPS or call.has_star:
            return ()
        functional = found[0][1]
        bound = bind(functional.parameters, arguments_of(call, functional), short(functional.name))
        return () if isinstance(bound, Unmappable) else found

    def candidates(self, name: str | None) -> Candidates:
        """The entries of the catalogue that a function's qualified name may mean here."""
        found = by_functional(name) if name else ()
        return tuple(one for one in found if self.is_chosen(one[0]) and self.takes(one[0]))


def _apart(
    sites: list[tuple[FunctionalSite, Contract]],
) -> list[tuple[FunctionalSite, Contract]]:
    """Without methods of what another method is called on, and without calls on what becomes a
    Sequential alone: those are found in the next pass."""
    methods = [site.call for site, _ in sites if site.is_method]
    appended = [site.call for site, _ in sites if site.fed is not None]
    return [
        (site, contract)
        for site, contract in sites
        if not (site.is_method and any(begins_with(site.call, other) for other in methods))
        and not any(other.node in site.call.node.args for other in appended)
    ]


def _check_is_run(transform: Transform, candidates: Candidates) -> None:
    """Raises Refused (unknown-receiver) for a method where nothing is going to be run."""
    functional = candidates[0][1]
    if functional.method and not transform.settings.verify:
        raise Refused(
            "unknown-receiver", f"what {short(functional.name)} is called on cannot be seen"
        )


def refused_mapping(result: Unmappable) -> Refused:
    return Refused(_REFUSAL_OF.get(result.code, "unusual-call"), result.message.rstrip("."))


def arguments_of(call: Call, functional: Functional | None = None) -> Arguments:
    """The call's arguments as the catalogue takes them: a method's receiver is the first; of a
    functional's, local names with what they stand for in their place.

    Star arguments must be ruled out before.
    """
    module = call.module
    is_method = functional is not None and functional.method
    receiver = (module.text(receiver_of(call)),) if is_method else ()

    def source(value: ast.expr) -> str:
        return module.text(value) if functional is None else settled_source(call, value)

    return Arguments(
        receiver + tuple(source(item) for item in call.node.args),
        tuple((item.arg or "", source(item.value)) for item in call.node.keywords),
    )


def training_argument(call: Call, candidates: Candidates) -> str | None:
    """The source given for the functional's training argument, or None where none is given.

    Raises Refused (unusual-call) for arguments that the functional does not take.
    """
    functional = candidates[0][1]
    bound = bind(functional.parameters, arguments_of(call, functional), short(functional.name))
    if isinstance(bound, Unmappable):
        raise refused_mapping(bound)
    return bound.get(functional.training) if functional.training else None


def functional_site(call: Call, candidates: Candidates, settings: Settings) -> FunctionalSite:
    """Everything that the rewrite of one functional call needs. Raises Refused."""
    check_site(call)
    _check_no_wrapper(call)
    module = call.module
    functional = candidates[0][1]
    if functional.method:
        check_receiver(call)
    bound = bind(functional.parameters, arguments_of(call, functional), short(functional.name))
    if isinstance(bound, Unmappable):
        raise refused_mapping(bound)
    made = module_call(candidates, bound, _lengths(call))
    if isinstance(made, Unmappable):
        raise refused_mapping(made)
    given = _parameter_names(call, functional)
    moved = [value for name, value in given if name in made.moved]
    needs = attributes_for_init(call, [settled_value(call, value) for value in moved])
    check_subclasses_run_init(module, call.method.name)
    init = module.init
    if init is not None:
        check_not_copied(module, [init.node])
    if made.functional.training is not None:
        check_one_mode(module)
    package = reach(module.file, "torch.nn", (init.scope if init else module.file_scope,))
    rounds = rounds_of(call) if settings.per_layer else None
    if rounds is not None:
        needs |= rounds.needs
    keep = _kept(call, made)
    gone = [value for index, (_, value) in enumerate(given) if index not in keep]
    can_append = settings.append and rounds is None and not needs and not made.functional.method
    return FunctionalSite(
        call=call,
        made=made,
        placement=placement_for(module, producer_of(call), needs, first_run_in_init(call)),
        package=package,
        keep=keep,
        rounds=rounds,
        left_over=tuple(left_over(call, gone)),
        fed=fed_by_sequential(call, keep) if can_append else None,
    )


def _lengths(call: Call) -> dict[str, int]:
    """How many elements the arguments have, by source, where that can be seen."""
    values = [*call.node.args, *(item.value for item in call.node.keywords)]
    found = {
        settled_source(call, value): length_of(
            call.module, settled_value(call, value), call.self_name
        )
        for value in values
    }
    return {source: length for source, length in found.items() if length is not None}


def _check_no_wrapper(call: Call) -> None:
    """Raises Refused (already-a-module) for a class that only wraps this one functional."""
    if call.method.name != "forward":
        return
    body = [item for item in call.method.node.body if not _is_docstring(item)]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or body[0].value is not call.node:
        return
    assigned = (item for items in call.module.assignments.values() for item in items)
    layers = any(isinstance(item.value, ast.Call) for item in assigned)
    plain = all(isinstance(item, ast.Name | ast.Constant) for item in call.node.args)
    if plain and not layers:
        raise Refused("already-a-module", f"{call.module.name} is the module form of this call")


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _parameter_names(call: Call, functional: Functional) -> list[tuple[str, ast.expr]]:
    """The parameter and value of each argument, in source order."""
    ordered = [item.name for item in functional.parameters if not item.keyword_only]
    if functional.method:
        del ordered[0]
    found = list(zip(ordered, call.node.args, strict=False))
    found += [(item.arg or "", item.value) for item in call.node.keywords]
    return sorted(found, key=lambda item: (item[1].lineno, item[1].col_offset))


def _kept(call: Call, made: ModuleCall) -> tuple[int, ...]:
    """Which arguments stay in the call. Raises Refused where they would have to be reordered."""
    names = _parameter_names(call, made.functional)
    if made.functional.method:
        return ()
    inputs = made.functional.inputs
    keep = tuple(index for index, (name, _) in enumerate(names) if name in inputs)
    staying = [call.layout.arguments[index] for index in keep]
    positional = sum(item.keyword is None for item in staying)
    keywords = {item.keyword for item in staying if item.keyword is not None}
    wanted = {name for name, _ in made.inputs.keywords}
    if positional != len(made.inputs.positional) or keywords != wanted:
        raise Refused("unusual-call", "the inputs would have to be reordered or renamed")
    return keep


def module_rewrites(
    transform: Transform,
    module: ModuleClass,
    sites: Iterable[tuple[FunctionalSite, Contract]],
) -> list[Rewrite]:
    """One rewrite and one new attribute a site."""
    pairs = list(sites)
    names = _names(module, [site for site, _ in pairs])
    return [
        _appended(transform, site, site.fed, contract)
        if site.fed is not None
        else _rewrite(transform, site, names[site.offset], contract)
        for site, contract in pairs
    ]


def _names(module: ModuleClass, sites: list[FunctionalSite]) -> Mapping[int, str]:
    """Numbered as `__init__` makes them; what stands at one place, in the order of evaluation."""
    by_base: dict[str, list[int]] = {}
    apart = [site for site in sites if site.fed is None]
    for site in sorted(apart, key=lambda site: (site.placement.offset, site.order)):
        base = site.pair.attribute
        by_base.setdefault(base if site.rounds is None else plural(base), []).append(site.offset)
    names: dict[int, str] = {}
    for base, offsets in sorted(by_base.items()):
        names.update(fresh_names(module, base, offsets))
    return names


def _appended(transform: Transform, site: FunctionalSite, fed: Fed, contract: Contract) -> Rewrite:
    """The last layer of the Sequential that is called in the functional call."""
    module = site.call.module
    function = module.text(site.call.node.func)
    requirement = site.package.requirement
    return transform.rewrite(
        module,
        summary=f"{function} -> last of {site.call.self_name}.{fed.name}",
        sites=[site.call.node],
        edits=[
            *append_edits(fed, _made(site), site.pair.attribute, site.order),
            *_without_left_over(site),
        ],
        witnesses=[witness(module, fed.inner)],
        kind=site.made.functional.name,
        contract=contract,
        layers=[site.made.module],
        requirements=[requirement] if requirement is not None else [],
        releases=[Release(module.path, function.partition(".")[0].strip())],
    )


def _without_left_over(site: FunctionalSite) -> list[Edit]:
    return [remove_statement(site.call.module.source, statement) for statement in site.left_over]


def _made(site: FunctionalSite) -> str:
    """`nn.ReLU()`"""
    return f"{site.package.expression}.{site.made.module.rpartition('.')[2]}({site.made.arguments})"


def _rewrite(transform: Transform, site: FunctionalSite, name: str, contract: Contract) -> Rewrite:
    call, module = site.call, site.call.module
    target = f"{call.self_name}.{name}"
    made = _made(site)
    requirements: list[Requirement] = list(site.placement.requirements)
    if site.package.requirement is not None:
        requirements.append(site.package.requirement)
    edits = _without_left_over(site)
    if site.rounds is not None:
        made = f"{site.package.expression}.ModuleList({made} for _ in {site.rounds.over})"
        if site.rounds.index is not None:
            target += f"[{site.rounds.index}]"
        else:
            variable = round_variable(call, site.rounds, name)
            header, shared = header_edits(call, site.rounds, variable, target, site.order)
            edits, target = [*edits, *header], variable
            requirements += shared
    shown = "." + site.made.functional.name.rpartition(".")[2]
    observed = receiver_of(call) if site.is_method else call.node
    if site.is_method:
        edits += call_with_receiver(call, target)
    else:
        shown = module.text(call.node.func)
        edits += rewrite_call(call, target, site.keep, line_length=transform.settings.line_length)
    return transform.rewrite(
        module,
        summary=f"{shown} -> {call.self_name}.{name}",
        sites=[call.node],
        edits=[
            *edits,
            add_attribute(module, name, made, site.placement, site.order),
        ],
        witnesses=[witness(module, observed)],
        kind=site.made.functional.name,
        contract=contract,
        layers=[site.made.module],
        children=[name],
        requirements=requirements,
        releases=[] if site.is_method else [Release(module.path, shown.partition(".")[0].strip())],
        only_confirmed=site.is_method,
    )
