"""In-place layers, functionals and methods of tensors: where the flag stands, and its edits."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache

from codemod.catalogue import PAIRS, Pair, Parameter, by_functional, by_module
from codemod.editing.calls import rewrite_call
from codemod.editing.receivers import receiver_of, tensor_method
from codemod.editing.refused import Refused
from codemod.results import Aspect, Contract, Edit, Expectation
from codemod.semantics.layout import ArgumentSpan
from codemod.semantics.module_class import Call

# In place, their backward starts from the result, else from the input: the last digits of the
# gradients differ (derivatives.yaml of torch, `is_result`).
_ROUNDED = frozenset({"torch.nn.CELU", "torch.nn.ELU", "torch.nn.SELU"})


@dataclass(frozen=True)
class InplaceCall:
    """A layer's constructor or a functional that has the flag. `value`: what is given for it.

    `spelled`: the function's own name says it, `F.relu_`. `is_method`: a tensor's, `x.relu_()`.
    """

    call: Call
    pair: Pair
    parameters: tuple[Parameter, ...]
    makes_module: bool
    value: ast.expr | None
    spelled: bool
    is_method: bool = False

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
    """The flag, layers that may be given it by position, and functions whose name says it."""
    layers = [pair.module.rpartition(".")[2] for pair in PAIRS if _has_flag(pair.constructor)]
    functionals = {item.name.rpartition(".")[2] for pair in PAIRS for item in pair.functional
                   if _has_flag(item.parameters) or "inplace" in item.implies}  # fmt: skip
    spelled = {f"{item.name.rpartition('.')[2]}_" for pair in PAIRS if pair.group == "activation"
               for item in pair.functional if not item.implies}  # fmt: skip
    names = sorted({*layers, *functionals, *spelled})
    return re.compile(rf"\binplace\b|\b(?:{'|'.join(names)})\(")


def inplace_call(call: Call) -> InplaceCall | None:
    """The call of a layer's constructor, or of a functional, that can be in place."""
    method = tensor_method(call) if call.name is None else None
    name = call.name or method
    found = _flagged(name) if name is not None else None
    if found is None or (method is not None and not found.spelled):
        return None
    value = _given(call.node, found.parameters)
    return InplaceCall(
        call,
        found.pair,
        found.parameters,
        found.makes_module,
        value,
        found.spelled,
        method is not None,
    )


def is_inplace_method(call: Call) -> bool:
    """Whether a call is that of a tensor's method that overwrites it: `x.relu_()`."""
    site = inplace_call(call)
    return site is not None and site.is_method


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
        spelled = bool(candidates) and candidates[0][1].implies.get("inplace") == "True"
        if not candidates and name.endswith("_"):  # torch.sigmoid_: the layer has no flag
            candidates = by_functional(name.removesuffix("_"))
            spelled = bool(candidates) and candidates[0][0].group == "activation"
        if not candidates or (candidates[0][1].method and not spelled):
            return None
        pair, functional = candidates[0]
        found = _Flagged(pair, functional.parameters, False, spelled)
    return found if found.spelled or _has_flag(found.parameters) else None


def without_flag(site: InplaceCall, line_length: int) -> list[Edit]:
    """Edits that take the flag out of the call, or set it to False where more than it would go.

    Raises Refused (unusual-call).
    """
    call, layout = site.call, site.call.layout
    text = call.module.text(call.node.func)
    if site.spelled:
        if not isinstance(call.node.func, ast.Attribute):
            raise Refused("unusual-call", f"{text} is imported by its own name")
        return [Edit(call.module.path, layout.function_end - 1, layout.function_end, "")]
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
    """The calls that overwrite something, as far as the class makes them."""
    call, module = site.call, site.call.module
    uses: list[Call] = [] if site.makes_module else [call]
    for name, assignments in module.assignments.items():
        if any(item.value is call.node for item in assignments):
            uses += [use.call for use in module.self_uses.get(name, ()) if use.call is not None]
    outer = module.call_of(call.ancestors[0])
    if site.makes_module and outer is not None and outer.node.func is call.node:
        uses.append(outer)
    return uses


def input_of(use: Call) -> ast.expr | None:
    """The tensor that a layer or a functional is given, or a method is called on."""
    if is_inplace_method(use):
        return receiver_of(use)
    if use.node.args:
        return use.node.args[0]
    return next((item.value for item in use.node.keywords if item.arg == "input"), None)


def position_in_sequential(call: Call) -> int | None:
    """Where a constructor stands among the arguments of an nn.Sequential, if it does."""
    around = call.module.call_of(call.ancestors[0])
    if around is None or around.name != "torch.nn.Sequential" or call.node not in around.node.args:
        return None
    return around.node.args.index(call.node)


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
