"""`F.relu(x)` becomes `self.relu(x)` with `self.relu = nn.ReLU()` in `__init__`.

https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

from collections.abc import Iterator

from codemod import (
    Call,
    Contract,
    Example,
    Found,
    Functional,
    FunctionalSite,
    ModuleClass,
    Pair,
    RefusalDoc,
    Refused,
    SourceFile,
    Transform,
    by_functional,
    check_class_accepts_attributes,
    functional_names,
    functional_site,
    module_rewrites,
    outside_refusals,
    training_argument,
)

STRUCTURE = Contract(changes={"modules": "differs", "hooks": "differs"})
OTHER_OPERATORS = Contract(
    changes={"modules": "differs", "hooks": "differs", "trace": "may-differ"}
)


class FunctionalToModule(Transform):
    """Turn calls of functionals into modules of their own, one a call."""

    name = "functional-to-module"
    inverse = "module-to-functional"
    contract = STRUCTURE
    markers = functional_names()
    refusals = {
        "dropout-training": RefusalDoc(
            "A dropout without training=self.training stays on in eval (or is never on), so a"
            " module in its place would change what the model does.",
            "Use dropout-to-module, which does that on purpose.",
        ),
        "training-argument": RefusalDoc(
            "The functional's training flag is not self.training, and a module has no other.",
            "Pass training=self.training.",
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
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        return F.max_pool2d(F.relu(self.conv2(x)), 2)
""",
            after="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.relu2 = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.relu1(self.conv1(x))
        return self.pool(self.relu2(self.conv2(x)))
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        sites: list[tuple[FunctionalSite, Contract]] = []
        for call in module.calls_near(self.markers):
            candidates = self._candidates(call.name)
            if not candidates:
                continue
            try:
                check_class_accepts_attributes(module, call)
                self._check_training(call)
                site = functional_site(call, candidates)
            except Refused as refused:
                yield self.refuse(module, call.node, refused)
            else:
                sites.append((site, OTHER_OPERATORS if site.pair.trace_differs else STRUCTURE))
        yield from module_rewrites(self, module, sites)

    def find_outside(self, file: SourceFile, modules: frozenset[str]) -> Iterator[Found]:
        return outside_refusals(self, file, modules, lambda name: bool(self._candidates(name)))

    def _candidates(self, name: str | None) -> tuple[tuple[Pair, Functional], ...]:
        candidates = by_functional(name) if name else ()
        if self.settings.only is not None:
            return tuple(one for one in candidates if one[0].module in self.settings.only)
        return tuple(one for one in candidates if one[0].group != "loss")

    def _check_training(self, call: Call) -> None:
        candidates = self._candidates(call.name)
        pair, functional = candidates[0]
        if functional.training is None:
            return
        given = training_argument(call, candidates)
        if given == f"{call.self_name}.training":
            return
        if pair.group == "dropout":
            raise Refused(
                "dropout-training", "no training=self.training: this is for dropout-to-module"
            )
        raise Refused("training-argument", f"the training flag is {given or 'left out'}")
