"""`self.relu`, called at two places, becomes `self.relu` and `self.relu2`: a module a call.

https://docs.pytorch.org/docs/stable/quantization.html (modules that are reused)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from codemod import (
    STRUCTURE,
    Assignment,
    Call,
    Constructor,
    Edit,
    Example,
    Extent,
    Found,
    ModuleClass,
    RefusalDoc,
    Refused,
    Rewrite,
    SelfUse,
    Transform,
    add_attribute,
    check_class_accepts_attributes,
    check_not_copied,
    check_only_called_elsewhere,
    check_site,
    check_subclasses_run_init,
    fresh_modules,
    fresh_names,
    groups,
    holds_weights,
    is_lasting,
    layer_made,
    layer_names,
    one_a_round,
    placement_behind,
    placement_for,
    producer_of,
    span,
    witness,
)


class UnshareModules(Transform):
    """Give each call of a stateless module that is called at several places one of its own.

    Places that no run reaches together (the branches of an if) go on sharing one. A place in a
    loop is one place; with `--loops per-layer` the module of a loop's only place becomes a list,
    one a round. What is still called more than once is reported when it runs. Losses are left,
    unless --only asks for them.
    """

    name = "unshare-modules"
    contract = STRUCTURE
    markers = layer_names()
    refusals = {
        "shared-weights": RefusalDoc(
            "The layer holds parameters or running statistics, which its calls share: layers of"
            " their own would no longer be trained as one.",
            "If they are not meant to be one layer, make a second one by hand: the state_dict"
            " gains its keys.",
        ),
        "set-elsewhere": RefusalDoc(
            "The attribute is not set plainly in __init__ alone, so which layer it holds is known"
            " only when the model runs.",
            "Set it in __init__, by plain assignments that each make a new layer.",
        ),
        "used-as-value": RefusalDoc(
            "The module is also used otherwise than by calling it (passed on, put into another"
            " module, its settings changed), and that may be meant for all of its calls.",
            "Make a layer of its own for that use first.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        out = self.relu(self.conv1(x))
        out = self.conv2(out)
        return self.relu(out + x)
""",
            after="""\
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.conv1(x))
        out = self.conv2(out)
        return self.relu2(out + x)
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for name, assignments in module.assignments.items():
            uses = module.self_uses.get(name, ())
            calls = [use.call for use in uses if use.call is not None]
            if not calls or not any(_layers(module, item.value) for item in assignments):
                continue
            shares = groups(sorted(calls, key=lambda call: call.layout.end))
            try:
                if len(shares) > 1:
                    yield from self._split(module, name, assignments, shares)
                elif self.settings.per_layer and len(calls) == len(assignments) == 1:
                    yield from self._a_round(module, name, assignments[0], calls[0])
            except Refused as refused:
                yield self.refuse(module, assignments[0].node, refused)

    def _a_round(
        self, module: ModuleClass, name: str, assignment: Assignment, call: Call
    ) -> Iterator[Rewrite]:
        """A list of modules for one that a loop calls again and again. Raises Refused."""
        if not call.in_loop:
            return
        made = _made(module, assignment)
        if len(made) != 1 or not self._takes(made[0]):
            return
        for use in module.self_uses[name]:
            _check_use(module, use)
        check_subclasses_run_init(module, call.method.name)
        found = one_a_round(self, call, assignment, made[0])
        if found is not None:
            yield found

    def _split(
        self,
        module: ModuleClass,
        name: str,
        assignments: Sequence[Assignment],
        shares: Sequence[Sequence[Call]],
    ) -> Iterator[Rewrite]:
        """All but the first get a module of their own. Raises Refused."""
        made = [item for one in assignments for item in _made(module, one)]
        if not any(self._takes(item) for item in made):
            return
        for use in module.self_uses[name]:
            _check_use(module, use)
        pairs = {item.pair.module: item.pair for item in made}
        check_only_called_elsewhere(module, name, made[0].pair if len(pairs) == 1 else None)
        check_class_accepts_attributes(module)
        check_not_copied(module, [item.method.node for item in assignments])
        for call in (call for share in shares for call in share):
            check_not_copied(module, [call.method.node])
            check_site(call)
            check_subclasses_run_init(module, call.method.name)
        base = f"{name}_" if name[-1].isdigit() else name
        offsets = [share[0].layout.start for share in shares[1:]]
        names = fresh_names(module, base, offsets, first=2)
        for share in shares[1:]:
            new = names[share[0].layout.start]
            yield self.rewrite(
                module,
                f"self.{name} -> self.{new}",
                [call.node for call in share],
                [
                    *(call.replace_function(f"{call.self_name}.{new}") for call in share),
                    *_assign(module, share[0], new, assignments, made),
                ],
                [witness(module, call.node) for call in share],
                kind=name,
                repeats=[_constructor(module, item) for item in assignments],
                layers=sorted({item.pair.module for item in made}),
                children=[new],
            )

    def _takes(self, item: Constructor) -> bool:
        """Losses are no part of what a model is built from: only where they are asked for."""
        return self.is_chosen(item.pair) and (
            item.pair.group != "loss" or self.settings.only is not None
        )


def _layers(module: ModuleClass, value: ast.expr | None) -> set[str]:
    """The layers of torch.nn of which an expression may make one."""
    if isinstance(value, ast.IfExp):
        return _layers(module, value.body) | _layers(module, value.orelse)
    name = layer_made(module, value)
    return {name} if name is not None else set()


def _made(module: ModuleClass, item: Assignment) -> list[Constructor]:
    """The constructors that a statement assigns from. Raises Refused."""
    if any(map(holds_weights, _layers(module, item.value))):
        raise Refused("shared-weights", f"self.{item.name} holds what its calls share")
    blocks = [node for node in module.ancestors(item.node) if isinstance(node, ast.stmt)][:-1]
    is_plain = item.plain and item.method.name == "__init__"
    if not is_plain or not all(isinstance(node, ast.If) for node in blocks):
        raise Refused("set-elsewhere", f"self.{item.name} is not set plainly in __init__ alone")
    if item.name in module.index.class_attributes:
        raise Refused("set-elsewhere", f"{item.name} is a class attribute as well")
    try:
        return list(fresh_modules(module, item.value))
    except ValueError:
        raise Refused("set-elsewhere", f"self.{item.name} may be another layer") from None
    except Refused as refused:
        if refused.code != "stateful":
            raise
        raise Refused("shared-weights", refused.message) from None


def _check_use(module: ModuleClass, use: SelfUse) -> None:
    """Raises Refused (used-as-value) unless it is a call, an assignment or a test for None."""
    parent = next(module.ancestors(use.node))
    is_test = isinstance(parent, ast.Compare) and all(
        isinstance(item, ast.Constant) and item.value is None for item in parent.comparators
    )
    is_set = isinstance(use.node.ctx, ast.Store)
    if use.call is None and not is_set and not is_test:
        raise Refused("used-as-value", f"self.{use.node.attr} is used without being called")


def _assign(
    module: ModuleClass,
    call: Call,
    new: str,
    assignments: Sequence[Assignment],
    made: Sequence[Constructor],
) -> Iterator[Edit]:
    """Lines of `__init__` that make another module wherever the shared one is made.

    One that is made in one place goes behind the layer that feeds it, and behind the shared one.
    """
    for item in assignments:
        made_by = _constructor(module, item)
        text = module.source.text[made_by.start : made_by.end]
        place = placement_behind(module, item.node)
        if len(assignments) == 1 and item.top_level and is_lasting(made):
            place = placement_for(module, producer_of(call), [item.name])
        yield add_attribute(module, new, text, place, call.layout.end)


def _constructor(module: ModuleClass, item: Assignment) -> Extent:
    """What an assignment makes the module with."""
    assert item.value is not None
    return Extent(module.path, *span(module.source, item.value))
