"""`self.relu = nn.ReLU()` and every call of it become `F.relu(...)`; the attribute goes.

https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from codemod import (
    OTHER_OPERATORS,
    STRUCTURE,
    Assignment,
    Call,
    Example,
    Found,
    ModuleClass,
    Pair,
    RefusalDoc,
    Refused,
    SelfUse,
    Transform,
    attribute_site,
    by_module,
    check_class_accepts_attributes,
    check_free_of_others,
    check_not_used_elsewhere,
    functional_rewrite,
    heirs_calling,
    inline_calls,
    inline_rewrite,
    is_settled,
    module_names,
    setting_read,
    siblings_making,
    trailing_layers,
    trailing_rewrite,
)


class ModuleToFunctional(Transform):
    """Turn stateless modules held as attributes into functional calls, one attribute a rewrite."""

    name = "module-to-functional"
    inverse = "functional-to-module"
    contract = STRUCTURE
    markers = module_names()
    asks_about_layers = True
    settles = True
    refusals = {
        "assigned-more-than-once": RefusalDoc(
            "The attribute is assigned in more than one place, or not plainly in __init__, so"
            " which layer it holds is known only when the model runs.",
            "Assign it once, at the top level of __init__.",
        ),
        "class-attribute": RefusalDoc(
            "The module is made in the class body: it is no child of any instance, so train() and"
            " eval() do not reach it, and a dropout stays on.",
            "Make it in __init__.",
        ),
        "used-as-value": RefusalDoc(
            "The module is used otherwise than by calling it (passed on, indexed, inspected).",
            "Leave it a module, or wrap the functional in a lambda by hand.",
        ),
        "never-called": RefusalDoc(
            "The class never calls the module directly; something else may, by way of children().",
            "Remove the attribute by hand if nothing uses it.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.conv(x))
""",
            after="""\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)

    def forward(self, x):
        return F.relu(self.conv(x), inplace=True)
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for name, assignments in module.assignments.items():
            found = [(item, pair) for item in assignments if (pair := self._pair(module, item))]
            if not found:
                yield from self._trailing(module, name, assignments)
                continue
            assignment, pair = found[0]
            try:
                check_class_accepts_attributes(module)
                siblings = siblings_making(module, assignment, pair.module)
                heirs = siblings.heirs if siblings else heirs_calling(module, name)
                again = _same_again(module, assignments, assignment)
                if len(assignments) > 1 + len(again):
                    raise _more_than_once(name)
                calls, reads = self._uses(module, name, assignments, pair)
                if not calls and not heirs:
                    raise Refused("never-called", f"self.{name} is never called in the class")
                check_free_of_others(module, name, pair.module)
                site = attribute_site(module, assignment, pair, calls, heirs, reads, again)
            except Refused as refused:
                yield self.refuse(module, assignment.node, refused)
            else:
                contract = OTHER_OPERATORS if pair.trace_differs else STRUCTURE
                if siblings is None or siblings.is_first:
                    yield functional_rewrite(self, site, contract)
        yield from self._inline(module)
        yield from self._class_attributes(module)

    def _class_attributes(self, module: ModuleClass) -> Iterator[Found]:
        for statement, call, name in module.class_attribute_calls:
            pair = by_module(name)
            if pair is not None and pair.group != "normalization" and self.is_chosen(pair):
                message = f"`{module.text(call)}` belongs to the class, not to its instances"
                yield self.refuse(module, statement, Refused("class-attribute", message))

    def _trailing(
        self, module: ModuleClass, name: str, assignments: Sequence[Assignment]
    ) -> Iterator[Found]:
        """The last layers of a Sequential that is held as the attribute."""
        found = [one for item in assignments if (one := trailing_layers(module, item, self._takes))]
        if not found:
            return
        trailing = found[0]
        differs = any(pair.trace_differs for _, pair in trailing.layers)
        try:
            check_class_accepts_attributes(module)
            if len(assignments) > 1:
                raise _more_than_once(name)
            calls, _ = self._uses(module, name, assignments)
            if not calls:
                raise Refused("never-called", f"self.{name} is never called in the class")
            for _, pair in trailing.layers:
                check_not_used_elsewhere(module, name, pair.module, within=True)
            contract = OTHER_OPERATORS if differs else STRUCTURE
            yield trailing_rewrite(self, module, trailing, calls, contract)
        except Refused as refused:
            yield self.refuse(module, trailing.assignment.node, refused)

    def _takes(self, pair: Pair) -> bool:
        """Whether a layer is a candidate; those that hold state as a rule are none."""
        return pair.group != "normalization" and self.is_chosen(pair)

    def _inline(self, module: ModuleClass) -> Iterator[Found]:
        for call, made, pair in inline_calls(module):
            if not self._takes(pair):
                continue
            try:
                yield inline_rewrite(self, call, made, pair)
            except Refused as refused:
                yield self.refuse(module, call.node, refused)

    def _pair(self, module: ModuleClass, item: Assignment) -> Pair | None:
        """The catalogue entry of the module that is assigned, if it is one."""
        made = module.call_of(item.value)
        pair = by_module(made.name) if made is not None and made.name else None
        return pair if pair is not None and self._takes(pair) else None

    def _uses(
        self,
        module: ModuleClass,
        name: str,
        assignments: Sequence[Assignment],
        pair: Pair | None = None,
    ) -> tuple[list[Call], list[SelfUse]]:
        """The calls of the attribute in the class, and the reads of its settings. Raises Refused.

        `pair`: what it holds, where that has settings that may be read.
        """
        if not all(is_settled(module, one) for one in assignments):
            raise _more_than_once(name)
        if name in module.index.class_attributes:
            raise Refused("assigned-more-than-once", f"{name} is a class attribute as well")
        own = [one.node for one in assignments]
        calls: list[Call] = []
        reads: list[SelfUse] = []
        for use in module.self_uses[name]:
            if use.call is not None:
                calls.append(use.call)
            elif pair is not None and setting_read(module, use, pair) is not None:
                reads.append(use)
            elif not any(node in own for node in module.ancestors(use.node)):
                raise Refused("used-as-value", f"self.{name} is used without being called")
        return calls, reads


def _same_again(
    module: ModuleClass, assignments: Sequence[Assignment], first: Assignment
) -> list[Assignment]:
    """The further assignments, where all say the same: in both branches of an if, say."""
    others = [item for item in assignments if item is not first]
    assert first.value is not None
    text = ast.dump(first.value)
    same = all(item.value is not None and ast.dump(item.value) == text for item in others)
    return others if same else []


def _more_than_once(name: str) -> Refused:
    return Refused(
        "assigned-more-than-once", f"self.{name} is not assigned once, plainly, in __init__"
    )
