"""`F.relu(x)` becomes `self.relu(x)` with `self.relu = nn.ReLU()` in `__init__`.

https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

from codemod import (
    OTHER_OPERATORS,
    STRUCTURE,
    Call,
    Candidates,
    Contract,
    Example,
    Pair,
    RefusalDoc,
    Refused,
    ToModule,
    functional_names,
    training_argument,
)


class FunctionalToModule(ToModule):
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

    def takes(self, pair: Pair) -> bool:
        return pair.group != "loss" or self.settings.only is not None

    def contract_of(self, call: Call, candidates: Candidates) -> Contract:
        pair, functional = candidates[0]
        if functional.training is not None:
            _check_follows_training(call, candidates, pair)
        return OTHER_OPERATORS if pair.trace_differs else STRUCTURE


def _check_follows_training(call: Call, candidates: Candidates, pair: Pair) -> None:
    """Raises Refused: dropout-training, training-argument."""
    given = training_argument(call, candidates)
    if given == f"{call.self_name}.training":
        return
    if pair.group == "dropout" and given in (None, "True", "False"):
        raise Refused(
            "dropout-training", "no training=self.training: this is for dropout-to-module"
        )
    raise Refused("training-argument", f"the training flag is {given or 'left out'}")
