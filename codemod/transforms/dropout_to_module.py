"""`F.dropout` and its relatives become `nn.Dropout` and its relatives, which eval turns off.

https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
"""

from __future__ import annotations

from codemod import (
    STRUCTURE,
    TURNED_OFF_IN_EVAL,
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


class DropoutToModule(ToModule):
    """Turn functional dropout into modules; one that stays on in eval is turned off there."""

    name = "dropout-to-module"
    inverse = "module-to-functional"
    contract = TURNED_OFF_IN_EVAL
    markers = functional_names("dropout")
    refusals = {
        "always-on": RefusalDoc(
            "training=True keeps dropout on in eval, which Monte-Carlo dropout does on purpose.",
            "If it is not on purpose, pass training=self.training.",
        ),
        "never-on": RefusalDoc(
            "This dropout is never on: its training flag is False, given or by default.",
            "Remove the call, or pass training=self.training.",
        ),
        "training-argument": RefusalDoc(
            "The training flag is computed, and a module has no other than self.training.",
            "Pass training=self.training.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn
import torch.nn.functional as F


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return F.dropout(self.fc(x), 0.5)
""",
            after="""\
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.dropout(self.fc(x))
""",
            note="Without training=self.training the dropout was on in eval: a change on purpose.",
        ),
        Example(
            before="""\
import torch.nn as nn
import torch.nn.functional as F


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return F.dropout(self.fc(x), p=0.5, training=self.training)
""",
            after="""\
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)
        self.dropout = nn.Dropout(p=0.5)

    def forward(self, x):
        return self.dropout(self.fc(x))
""",
        ),
    )

    def takes(self, pair: Pair) -> bool:
        return pair.group == "dropout"

    def contract_of(self, call: Call, candidates: Candidates) -> Contract:
        functional = candidates[0][1]
        default = {item.name: item.default for item in functional.parameters}
        given = training_argument(call, candidates)
        flag = given or (default[functional.training] if functional.training else None)
        if flag == f"{call.self_name}.training":
            return STRUCTURE
        if flag == "False":
            raise Refused("never-on", "its training flag is False")
        if given == "True":
            raise Refused("always-on", "training=True is given")
        if flag != "True":
            raise Refused("training-argument", f"the training flag is {flag}")
        return TURNED_OFF_IN_EVAL
