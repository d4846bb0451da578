"""Modules that are made and called at once: `nn.ReLU()(x)` is `F.relu(x)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemod.catalogue import Pair, by_module
from codemod.editing.checks import check_file, check_not_copied, check_text
from codemod.editing.refused import Refused
from codemod.editing.settled import check_attribute
from codemod.editing.to_functional import call_edits, functional_form
from codemod.editing.to_module import arguments_of
from codemod.editing.transform import Transform, witness
from codemod.results import Contract, Release, Rewrite
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.syntax import walk

# What may change something when it is evaluated, so that the order of evaluation matters.
_ACTS = (ast.Call, ast.Await, ast.NamedExpr, ast.Yield, ast.YieldFrom)


def inline_calls(module: ModuleClass) -> Iterator[tuple[Call, Call, Pair]]:
    """Calls of a module of the catalogue that is made on the spot: call, constructor, entry."""
    for call in module.calls:
        made = module.call_of(call.node.func) if isinstance(call.node.func, ast.Call) else None
        pair = by_module(made.name) if made is not None and made.name else None
        if made is not None and pair is not None:
            yield call, made, pair


def inline_rewrite(transform: Transform, call: Call, made: Call, pair: Pair) -> Rewrite:
    """One rewrite; nothing that can be seen of the model changes.

    Raises Refused: generated, copied, built-inline, star-arguments, unusual-call, in-f-string,
    argument-not-static, argument-reassigned.
    """
    module = call.module
    check_file(module)
    check_not_copied(module, [call.method.node])
    check_text(call)
    if made.has_star:
        raise Refused("star-arguments", "the constructor takes * or ** arguments")
    _check_order(call, made)
    if made.layout.comments:
        raise Refused("unusual-call", "a comment stands inside the constructor")
    form = functional_form(module, pair, arguments_of(made), [call.scope])
    if form.made.functional.training is not None:
        raise Refused("built-inline", f"{pair.module} made in the call is always in train mode")
    head = module.text(made.node.func)
    return transform.rewrite(
        module,
        summary=f"{head}() -> {form.function}",
        sites=[call.node],
        edits=call_edits(transform, form, call),
        witnesses=[witness(module, call.node)],
        kind=f"inline {pair.module}",
        contract=Contract(changes={"trace": "may-differ"} if pair.trace_differs else {}),
        requirements=form.requirements,
        releases=[Release(module.path, head.partition(".")[0])],
    )


def _check_order(call: Call, made: Call) -> None:
    """Raises Refused where it matters that the constructor's arguments are evaluated first."""
    inputs = [node for value in _values(call) for node in walk(value)]
    for node in (node for value in _values(made) for node in walk(value)):
        if isinstance(node, _ACTS) or (
            isinstance(node, ast.Name) and any(isinstance(one, ast.NamedExpr) for one in inputs)
        ):
            raise Refused("unusual-call", "what the constructor is given would be evaluated later")
        if isinstance(node, ast.Attribute) and any(isinstance(one, _ACTS) for one in inputs):
            owner = node.value.id if isinstance(node.value, ast.Name) else None
            if owner is not None and owner == call.self_name:
                check_attribute(call.module, node.attr)


def _values(call: Call) -> list[ast.expr]:
    return [*call.node.args, *(item.value for item in call.node.keywords)]
