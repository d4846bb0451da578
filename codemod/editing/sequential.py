"""The last layers of an `nn.Sequential`, where they hold no state, as functionals around its call.

No key of the state_dict moves: those layers have none, and nothing stands behind them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from codemod.catalogue import Arguments, Pair, Unmappable, by_module
from codemod.editing.calls import rewrite_call
from codemod.editing.checks import check_not_copied, check_not_scripted, check_site
from codemod.editing.containers import sequential_elements
from codemod.editing.readable import readable_arguments
from codemod.editing.refused import Refused
from codemod.editing.to_functional import FunctionalForm, functional_form
from codemod.editing.to_module import refused_mapping
from codemod.editing.training import check_one_mode
from codemod.editing.transform import Transform, witness
from codemod.results import Contract, Edit, Release, Requirement, Rewrite
from codemod.semantics.layout import span
from codemod.semantics.module_class import Assignment, Call, ModuleClass

_FIRST, _LAST = -(2**40), -1  # at one offset: around all else, before what others append


@dataclass(frozen=True)
class TrailingLayers:
    """`self.NAME = nn.Sequential(..., LAYERS)`: the layers in the order in which they run."""

    assignment: Assignment
    container: Call
    elements: tuple[ast.expr, ...]  # all of them: layers, or pairs of name and layer
    layers: tuple[tuple[Call, Pair], ...]

    @property
    def kept(self) -> int:
        return len(self.elements) - len(self.layers)


def trailing_layers(
    module: ModuleClass, assignment: Assignment, takes: Callable[[Pair], bool]
) -> TrailingLayers | None:
    """What can go out of a Sequential that is assigned, if anything; one layer at least stays."""
    container = module.call_of(assignment.value)
    if container is None or container.name != "torch.nn.Sequential":
        return None
    elements = sequential_elements(module, container)
    made = [_made(module, element) for element in reversed(elements)]
    layers = list(takewhile(lambda item: item is not None and takes(item[1]), made))
    if not layers or len(layers) == len(elements):
        return None
    found = tuple(item for item in reversed(layers) if item is not None)
    return TrailingLayers(assignment, container, tuple(elements), found)


def _made(module: ModuleClass, element: ast.expr) -> tuple[Call, Pair] | None:
    """The constructor in an element, and its entry of the catalogue."""
    if isinstance(element, ast.Tuple) and len(element.elts) == 2:
        element = element.elts[1]
    made = module.call_of(element)
    pair = by_module(made.name) if made is not None and made.name else None
    return (made, pair) if made is not None and pair is not None else None


def trailing_rewrite(
    transform: Transform,
    module: ModuleClass,
    found: TrailingLayers,
    calls: Sequence[Call],
    contract: Contract,
) -> Rewrite:
    """One rewrite: the layers go, each call of the Sequential gets their functionals around it.

    Raises Refused.
    """
    assignment = found.assignment
    check_not_scripted(module, assignment.name)
    check_not_copied(module, [assignment.method.node, *(call.method.node for call in calls)])
    for call in calls:
        check_site(call)
        if len(call.node.args) != 1 or call.node.keywords:
            raise Refused("unusual-call", "a Sequential takes one input, by position")
    forms: list[FunctionalForm] = []
    requirements: list[Requirement] = []
    for made, pair in found.layers:
        if made.has_star:
            raise Refused("star-arguments", "the constructor takes * or ** arguments")
        readable = readable_arguments(assignment, made, pair, calls)
        form = functional_form(module, pair, readable.arguments, [call.scope for call in calls])
        forms.append(form)
        requirements += [*readable.stores, *form.requirements]
    if any(form.made.functional.training is not None for form in forms):
        check_one_mode(module)
    edits = _without_layers(transform, module, found)
    for call in calls:
        edits += _around(call, forms)
    names = ", ".join(form.function for form in forms)
    heads = [module.text(made.node.func).partition(".")[0] for made, _ in found.layers]
    return transform.rewrite(
        module,
        summary=f"last of self.{assignment.name} -> {names}",
        sites=[assignment.node, *(call.node for call in calls)],
        edits=edits,
        witnesses=[witness(module, call.node) for call in calls]
        + [witness(module, assignment.method.node)],
        kind=f"trailing {assignment.name}",
        contract=contract,
        requirements=requirements,
        releases=[Release(module.path, head) for head in dict.fromkeys(heads)],
    )


def _without_layers(transform: Transform, module: ModuleClass, found: TrailingLayers) -> list[Edit]:
    container, source = found.container, module.source
    if found.elements[0] in container.node.args:
        function = module.text(container.node.func)
        limit = transform.settings.line_length
        return list(rewrite_call(container, function, range(found.kept), (), limit))
    start = span(source, found.elements[found.kept - 1])[1]
    end = span(source, found.elements[-1])[1]
    if "#" in source.text[start:end]:
        raise Refused("unusual-call", "a comment stands beside a layer that would go")
    return [Edit(source.path, start, end, "")]


def _around(call: Call, forms: Sequence[FunctionalForm]) -> list[Edit]:
    """`F.max_pool2d(F.relu(self.features(x)), 2)`, the call itself untouched."""
    left = right = ""
    for form in forms:
        full = form.made.full(Arguments(("_",)))
        if isinstance(full, Unmappable):
            raise refused_mapping(full)
        if form.made.functional.method or full.positional[:1] != ("_",):
            raise Refused("unusual-call", f"{form.function} does not take its input first")
        more = "".join(f", {source}" for source in full.sources[1:])
        if call.self_name != "self":
            more = more.replace("=self.training", f"={call.self_name}.training")
        left, right = f"{form.function}({left}", f"{right}{more})"
    path, layout = call.module.path, call.layout
    return [
        Edit(path, layout.start, layout.start, left, _FIRST),
        Edit(path, layout.end, layout.end, right, _LAST),
    ]
