"""`nn.ReLU(inplace=True)` becomes `nn.ReLU()`: the input of the layer is kept.

https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from codemod import (
    Call,
    Contract,
    Example,
    Found,
    InplaceCall,
    ModuleClass,
    Pair,
    RefusalDoc,
    Refused,
    SourceFile,
    Transform,
    assigned_result,
    check_file,
    check_not_copied,
    check_text,
    inplace_call,
    inplace_contract,
    inplace_names,
    input_of,
    is_inplace,
    outside_calls,
    overwritten,
    position_in_sequential,
    refuse_outside,
    stands_alone,
    uses_of,
    without_flag,
    witness,
)


class InplaceOff(Transform):
    """Turn in-place layers and functionals into ones that keep their input.

    Where the caller may see that its tensor is kept, that is a change on purpose; so are the last
    digits of the gradients of ELU, CELU and SELU. A method of a tensor (x.relu_()) is written
    only if a run confirms it.
    """

    name = "inplace-off"
    contract = Contract(
        changes={"grads": "may-raise-before", "inputs": "may-differ", "trace": "may-differ"}
    )
    inverse = "inplace-on"
    markers = inplace_names()
    refusals = {
        "flag-not-literal": RefusalDoc(
            "Whether it is in place is decided elsewhere.",
            "Change the value where it is decided.",
        ),
        "in-a-function": RefusalDoc(
            "The layer is made by a function that belongs to no class, so no run can be tied to"
            " the change.",
            "Take the flag off by hand, or make the function a method of the model.",
        ),
        "unknown-layer": RefusalDoc(
            "What takes inplace=True here cannot be told: it may be no layer of torch.nn.",
            "Take the flag off by hand, where the layer is known.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.bn = nn.BatchNorm2d(6)
        self.act = nn.LeakyReLU(0.2, inplace=True)

    def forward(self, x):
        x = self.act(self.bn(x))
        return F.relu_(self.conv(x))
""",
            after="""\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.bn = nn.BatchNorm2d(6)
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x):
        x = self.act(self.bn(x))
        return F.relu(self.conv(x))
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_near(self.markers):
            site = inplace_call(call)
            if site is None:
                if _says_inplace(call) and _may_make_layer(call):
                    refused = Refused("unknown-layer", "it may be no layer of torch.nn")
                    yield self.refuse(module, call.node, refused)
                continue
            if not self.is_chosen(site.pair) or (site.value is None and not site.spelled):
                continue
            try:
                if not site.is_on and not isinstance(site.value, ast.Constant):
                    raise Refused(
                        "flag-not-literal", f"it is `{ast.unparse(site.value or call.node)}`"
                    )
                if site.is_on:
                    yield self._turn_off(module, site)
            except Refused as refused:
                yield self.refuse(module, call.node, refused)

    def find_outside(self, file: SourceFile, modules: frozenset[str]) -> Iterator[Found]:
        for node, name, owner in outside_calls(self, file, modules):
            if is_inplace(name, node):
                refused = Refused("in-a-function", f"{owner or 'the file'} belongs to no class")
                yield refuse_outside(self, file, node, owner, refused)

    def _turn_off(self, module: ModuleClass, site: InplaceCall) -> Found:
        call = site.call
        check_file(module)
        check_not_copied(module, [call.method.node])
        check_text(call)
        _check_not_run_by_bases(site)
        uses = uses_of(site)
        edits = without_flag(site, self.settings.line_length)
        alone = [use for use in uses if stands_alone(use)]
        if alone and _is_made_elsewhere(site):
            raise Refused("result-unused", "one of several layers that a call may go to")
        edits += [assigned_result(use) for use in alone]
        if site.is_method and not self.settings.verify:
            raise Refused("unknown-receiver", "what it is called on cannot be seen")
        whose = {overwritten(use, value) for use in uses if (value := input_of(use)) is not None}
        if position_in_sequential(call) == 0 or _begins_a_list(call):
            whose.add("callers")
        shown = module.text(call.node.func)
        found = self.rewrite(
            module,
            f"{shown} keeps its input",
            [call.node],
            edits,
            [witness(module, node) for node in {call.node, *(use.node for use in uses)}],
            kind=site.pair.module,
            contract=_contract(site.pair, "callers" in whose),
        )
        return replace(found, only_confirmed=site.is_method)


def _contract(pair: Pair, seen_by_callers: bool) -> Contract:
    """What was overwritten may have been needed for a gradient: that raised."""
    changes = inplace_contract(pair, seen_by_callers).changes
    return Contract({"grads": "may-raise-before", **changes})


def _check_not_run_by_bases(site: InplaceCall) -> None:
    """Raises Refused (used-in-family) where a base calls the attribute that holds the layer.

    What it reads afterwards of the layer's input is not looked at from here.
    """
    module = site.call.module
    for name, assignments in module.assignments.items():
        if not any(item.value is site.call.node for item in assignments):
            continue
        for key in module.ancestors_in_project:
            if f"self.{name}(" in module.project.class_text(key):
                raise Refused("used-in-family", f"{key[1]} ({key[0]}) calls {name}")


def _is_made_elsewhere(site: InplaceCall) -> bool:
    """Whether another assignment gives the attribute that holds the layer another one."""
    return any(
        len(assignments) > 1 and any(item.value is site.call.node for item in assignments)
        for assignments in site.call.module.assignments.values()
    )


def _begins_a_list(call: Call) -> bool:
    """`layers = [nn.ReLU(True), ...]`: what runs first is given what comes from outside."""
    around, statement = call.ancestors[:2]
    is_first = isinstance(around, ast.List | ast.Tuple) and around.elts[0] is call.node
    return is_first and isinstance(statement, ast.Assign)


def _says_inplace(call: Call) -> bool:
    return any(
        item.arg == "inplace" and isinstance(item.value, ast.Constant) and item.value.value is True
        for item in call.node.keywords
    )


def _may_make_layer(call: Call) -> bool:
    """`act_layer(inplace=True)`: a parameter, a local or a class of the project is called."""
    function = call.node.func
    if not isinstance(function, ast.Name):
        return False
    resolved = call.module.file.resolver.resolve(function.id, call.scope)
    return resolved.key is not None or call.scope.binds(function.id)
