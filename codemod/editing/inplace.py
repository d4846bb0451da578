"""In-place layers and functionals: where the flag stands, and who sees the overwritten input."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from codemod.catalogue import PAIRS, Pair, Parameter, by_functional, by_module
from codemod.editing.calls import rewrite_call
from codemod.editing.refused import Refused
from codemod.results import Aspect, Contract, Edit, Expectation
from codemod.semantics.layout import ArgumentSpan
from codemod.semantics.module_class import Call
from codemod.semantics.syntax import parameters_of, statements_in, targets_of

# Whose tensor an in-place operation overwrites: one that nothing else holds, as far as can be
# seen, or one that the caller of the method holds.
Overwritten = Literal["own", "callers"]

# In place, their backward starts from the result, else from the input: the last digits of the
# gradients differ (derivatives.yaml of torch, `is_result`).
_ROUNDED = frozenset({"torch.nn.CELU", "torch.nn.ELU", "torch.nn.SELU"})


@dataclass(frozen=True)
class InplaceCall:
    """A layer's constructor or a functional that has the flag. `value`: what is given for it.

    `spelled`: the function's own name says it, `F.relu_`.
    """

    call: Call
    pair: Pair
    parameters: tuple[Parameter, ...]
    makes_module: bool
    value: ast.expr | None
    spelled: bool

    @property
    def is_on(self) -> bool:
        return self.spelled or _is_constant(self.value, True)

    @property
    def argument(self) -> ArgumentSpan | None:
        """Where the flag stands in the call."""
        node, layout = self.call.node, self.call.layout
        if self.value in node.args:
            positional = [item for item in layout.arguments if item.keyword is None]
            return positional[node.args.index(self.value)]
        return next((item for item in layout.arguments if item.keyword == "inplace"), None)


def inplace_contract(pair: Pair, seen_by_callers: bool = False) -> Contract:
    """What may change when the flag of a layer or functional is turned.

    `seen_by_callers`: whether it is the caller's tensor that is overwritten.
    """
    changes: dict[Aspect, Expectation] = {"trace": "may-differ"}
    if seen_by_callers:
        changes["inputs"] = "may-differ"
    if pair.module in _ROUNDED:
        changes["eval"] = changes["grads"] = "may-differ"
    return Contract(changes)


@cache
def inplace_names() -> re.Pattern[str]:
    """The flag, layers that may be given it by position, and functionals whose name says it."""
    layers = [pair.module.rpartition(".")[2] for pair in PAIRS if _has_flag(pair.constructor)]
    functionals = {item.name.rpartition(".")[2] for pair in PAIRS for item in pair.functional
                   if _has_flag(item.parameters) or "inplace" in item.implies}  # fmt: skip
    return re.compile(rf"\binplace\b|\b(?:{'|'.join(sorted({*layers, *functionals}))})\(")


def inplace_call(call: Call) -> InplaceCall | None:
    """The call of a layer's constructor, or of a functional, that can be in place."""
    found = _flagged(call.name) if call.name is not None else None
    if found is None:
        return None
    value = _given(call.node, found.parameters)
    return InplaceCall(call, found.pair, found.parameters, found.makes_module, value, found.spelled)


def is_inplace(name: str, node: ast.Call) -> bool:
    """Whether a call of this function turns the flag on: `nn.ReLU(True)`, `F.relu_(x)`."""
    found = _flagged(name)
    return found is not None and (
        found.spelled or _is_constant(_given(node, found.parameters), True)
    )


@dataclass(frozen=True, slots=True)
class _Flagged:
    """A function that has the flag, or whose name says it."""

    pair: Pair
    parameters: tuple[Parameter, ...]
    makes_module: bool
    spelled: bool


def _flagged(name: str) -> _Flagged | None:
    pair = by_module(name)
    if pair is not None:
        found = _Flagged(pair, pair.constructor, True, False)
    else:
        candidates = by_functional(name)
        if not candidates or candidates[0][1].method:
            return None
        pair, functional = candidates[0]
        spelled = functional.implies.get("inplace") == "True"
        found = _Flagged(pair, functional.parameters, False, spelled)
    return found if found.spelled or _has_flag(found.parameters) else None


def without_flag(site: InplaceCall, line_length: int) -> list[Edit]:
    """Edits that take the flag out of the call, or set it to False where more than it would go."""
    call, layout = site.call, site.call.layout
    text = call.module.text(call.node.func)
    if site.spelled:
        return [call.replace_function(text.removesuffix("_"))]
    argument = site.argument
    assert argument is not None
    index = layout.arguments.index(argument)
    last = max((i for i, item in enumerate(layout.arguments) if item.keyword is None), default=-1)
    if layout.comments or (argument.keyword is None and index != last):
        prefix = "inplace=" if argument.keyword is not None else ""
        return [Edit(call.module.path, argument.start, argument.end, prefix + "False")]
    keep = [i for i in range(len(layout.arguments)) if i != index]
    return list(rewrite_call(call, text, keep, (), line_length))


def with_flag(site: InplaceCall, line_length: int) -> list[Edit]:
    """Edits that turn the flag on."""
    call, layout, argument = site.call, site.call.layout, site.argument
    if argument is not None:
        prefix = "inplace=" if argument.keyword is not None else ""
        return [Edit(call.module.path, argument.start, argument.end, prefix + "True")]
    text = call.module.text(call.node.func)
    everything = range(len(layout.arguments))
    return list(rewrite_call(call, text, everything, ["inplace=True"], line_length))


def uses_of(site: InplaceCall) -> list[Call]:
    """The calls that overwrite something, as far as the class makes them.

    Raises Refused (result-unused) for a call that is there for what it does to its input.
    """
    call, module = site.call, site.call.module
    uses: list[Call] = [] if site.makes_module else [call]
    for name, assignments in module.assignments.items():
        if any(item.value is call.node for item in assignments):
            uses += [use.call for use in module.self_uses.get(name, ()) if use.call is not None]
    outer = module.call_of(call.ancestors[0])
    if site.makes_module and outer is not None and outer.node.func is call.node:
        uses.append(outer)
    for use in uses:
        if isinstance(use.ancestors[0], ast.Expr):
            raise Refused("result-unused", f"the call at line {use.node.lineno} stands alone")
    return uses


def input_of(use: Call) -> ast.expr | None:
    """The tensor that a layer or a functional is given."""
    if use.node.args:
        return use.node.args[0]
    return next((item.value for item in use.node.keywords if item.arg == "input"), None)


def position_in_sequential(call: Call) -> int | None:
    """Where a constructor stands among the arguments of an nn.Sequential, if it does."""
    around = call.module.call_of(call.ancestors[0])
    if around is None or around.name != "torch.nn.Sequential" or call.node not in around.node.args:
        return None
    return around.node.args.index(call.node)


def overwritten(call: Call, value: ast.expr) -> Overwritten:
    """Whose tensor goes when the call overwrites `value`, its input.

    Raises Refused (read-afterwards) where the method itself reads it again.
    """
    inner = call.module.call_of(value)
    within = inplace_call(inner) if inner is not None else None
    if within is not None and not within.makes_module and within.is_on:
        deeper = input_of(within.call)
        return overwritten(within.call, deeper) if deeper is not None else "own"
    held = value
    while isinstance(held, ast.Subscript | ast.Starred):
        held = held.value
    if isinstance(held, ast.Attribute):
        raise Refused("read-afterwards", f"`{ast.unparse(held)}` outlives the call")
    if not isinstance(held, ast.Name):
        return "own"
    reader = _read_again(call, held)
    if reader is not None:
        line = reader.lineno
        raise Refused("read-afterwards", f"`{held.id}` is read again at line {line}")
    return "callers" if _is_given(call, held) else "own"


def _read_again(call: Call, held: ast.Name) -> ast.Name | None:
    """A later use of the same tensor, under its own name or under one that it was given before."""
    statement = call.statement
    names = {held.id}
    for item in statements_in(call.method.node.body):
        if item.lineno >= statement.lineno:
            break
        targets = [t.id for t in targets_of(item) if isinstance(t, ast.Name)]
        value = getattr(item, "value", None)
        if isinstance(item, ast.Assign) and isinstance(value, ast.Name) and value.id in names:
            names.update(targets)  # identity = x
        elif isinstance(item, ast.Assign) and held.id in targets:
            names = {held.id}  # what stood there before is another tensor
        else:
            names -= {name for name in targets if name != held.id}
    end = (call.node.end_lineno or 0, call.node.end_col_offset or 0)
    rebound = {t.id for t in targets_of(statement) if isinstance(t, ast.Name)}
    return next(_loads_after(call, names, rebound, end), None)


def _loads_after(
    call: Call, names: set[str], rebound: set[str], end: tuple[int, int]
) -> Iterator[ast.Name]:
    """Uses of the names behind the call, until a statement of its block gives them new values."""
    statement = call.statement
    inside = {id(node) for node in ast.walk(statement)}
    left = set(names)
    nodes = sorted(
        (node for node in ast.walk(call.method.node) if isinstance(node, ast.Name)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    behind = [node for node in nodes if (node.lineno, node.col_offset) >= end]
    for node in behind:
        if id(node) not in inside and rebound:
            left -= rebound
            rebound = set()
        if node.id in left and isinstance(node.ctx, ast.Load):
            yield node
        elif node.id in left and isinstance(node.ctx, ast.Store):
            owner = next(i for i in call.module.ancestors(node) if isinstance(i, ast.stmt))
            reads = {n.id for n in ast.walk(owner) if isinstance(n, ast.Name)
                     and isinstance(n.ctx, ast.Load)}  # fmt: skip
            if node.id not in reads and _same_block(call, owner):
                left.discard(node.id)


def _same_block(call: Call, statement: ast.stmt) -> bool:
    """Whether a statement surely runs once the call has run: it stands in a block around it."""
    around = {id(node) for node in call.ancestors}
    parent = next(call.module.ancestors(statement), None)
    return parent is None or id(parent) in around


def _is_given(call: Call, held: ast.Name) -> bool:
    """Whether the name still holds an argument of the method, or may."""
    if held.id not in {item.arg for item in parameters_of(call.method.node)}:
        return False
    for item in call.method.node.body:
        if item.lineno >= call.statement.lineno:
            break
        if any(isinstance(t, ast.Name) and t.id == held.id for t in targets_of(item)):
            return isinstance(item, ast.AugAssign)
    return True


def _given(node: ast.Call, parameters: tuple[Parameter, ...]) -> ast.expr | None:
    """What the call gives for the flag. Star arguments hide it."""
    for keyword in node.keywords:
        if keyword.arg == "inplace":
            return keyword.value
    ordered = [item.name for item in parameters if not item.keyword_only]
    position = ordered.index("inplace") if "inplace" in ordered else len(node.args)
    if any(isinstance(item, ast.Starred) for item in node.args):
        return None
    return node.args[position] if position < len(node.args) else None


def _has_flag(parameters: tuple[Parameter, ...]) -> bool:
    return any(item.name == "inplace" for item in parameters)


def _is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
