"""A transform as a third party would write it: nothing but what `codemod` exports.

https://docs.pytorch.org/docs/stable/generated/torch.nn.Mish.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codemod import (
    Contract,
    Example,
    Found,
    ModuleClass,
    Refused,
    Transform,
    check_file,
    replace_function,
)


class SiluToMish(Transform):
    """Replace nn.SiLU by nn.Mish."""

    name = "silu-to-mish"
    contract = Contract(
        changes={"eval": "differs", "train": "differs", "grads": "differs", "trace": "differs",
                 "modules": "differs", "hooks": "differs"}
    )  # fmt: skip
    markers = re.compile(r"\bSiLU\b")
    examples = (
        Example(
            before="""\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.SiLU()

    def forward(self, x):
        return self.act(x)
""",
            after="""\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.Mish()

    def forward(self, x):
        return self.act(x)
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_to("torch.nn.SiLU"):
            try:
                check_file(module)
                yield replace_function(self, call, "torch.nn.Mish")
            except Refused as refused:
                yield self.refuse(module, call.node, refused)
