"""The kinds of wrong rewrite, by name.

A kind takes the draft of a right text and makes it wrong in one way; it returns False where a
class has no place for it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from mutants.draft import Draft, expression, keyword, last_name

Kind = Callable[[Draft], bool]
KINDS: dict[str, tuple[str, Kind]] = {}


def kind(group: str, name: str) -> Callable[[Kind], Kind]:
    def register(function: Kind) -> Kind:
        assert name not in KINDS
        KINDS[name] = (group, function)
        return function

    return register


def add(group: str, name: str, function: Kind) -> None:
    kind(group, name)(function)


# Parts that kinds are made of


POOLS = {"MaxPool2d", "AvgPool2d", "max_pool2d", "avg_pool2d"}
DROPOUTS = {"Dropout", "dropout"}
CONVS = {"Conv1d", "Conv2d"}
NORMS = {"BatchNorm1d", "BatchNorm2d"}
INPLACE = {"ReLU", "relu", "Dropout", "SiLU", "silu", "leaky_relu", "LeakyReLU", "elu", "ELU"}
PARAMETER_FREE = {
    *POOLS,
    *DROPOUTS,
    *INPLACE,
    *("softplus", "Softplus", "hardtanh", "Hardtanh", "threshold", "Threshold", "nan_to_num"),
    *("clamp", "softmax", "Softmax", "normalize", "adaptive_avg_pool2d", "AdaptiveAvgPool2d"),
}


def argument(names: set[str], change: Callable[[ast.Call], bool]) -> Kind:
    """Changes the arguments of the first call of one of these functions."""

    def apply(draft: Draft) -> bool:
        for call in [*draft.built, *draft.functionals]:
            if last_name(call.func) in names and change(call):
                return draft.changed(call)
        return False

    return apply


def with_keyword(name: str, value: str) -> Callable[[ast.Call], bool]:
    def change(call: ast.Call) -> bool:
        held = keyword(call, name)
        if held is not None and ast.unparse(held.value) == value:
            return False
        call.keywords = [word for word in call.keywords if word.arg != name]
        call.keywords.append(ast.keyword(name, expression(value)))
        return True

    return change


def without_keyword(*names: str) -> Callable[[ast.Call], bool]:
    def change(call: ast.Call) -> bool:
        kept = [word for word in call.keywords if word.arg not in names]
        lost = len(kept) < len(call.keywords)
        call.keywords = kept
        return lost

    return change


def of_layer(template: str, helper: str = "") -> Kind:
    def apply(draft: Draft) -> bool:
        calls = draft.layers
        if not calls:
            return False
        if helper:
            draft.define(helper)
        return draft.replace(calls[-1], template.replace("INPUT", draft.first_input))

    return apply
