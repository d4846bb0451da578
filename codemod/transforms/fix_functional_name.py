"""`F.ReLU(x)`, which does not exist, becomes `F.relu(x)`; `nn.Sigmoid(x)` too is a functional call.

https://docs.pytorch.org/docs/stable/nn.functional.html
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemod import (
    REPAIRS,
    Call,
    Example,
    Found,
    ModuleClass,
    Pair,
    RefusalDoc,
    Refused,
    Transform,
    by_functional,
    by_module,
    check_file,
    check_not_copied,
    functional_of,
    misspelled_functional,
    misspelled_names,
    replace_function,
    takes_arguments,
)

# Layers that are made of nothing, or of a flag: given a tensor, they were meant to be called.
_MADE_OF_NOTHING = frozenset(
    f"torch.nn.{name}"
    for name in (
        "Hardsigmoid", "Hardswish", "LogSigmoid", "Mish", "ReLU", "ReLU6", "SELU", "SiLU",
        "Sigmoid", "Softsign", "Tanh", "Tanhshrink",
    )
)  # fmt: skip


class FixFunctionalName(Transform):
    """Mend calls of functionals that do not exist (F.ReLU), and of layers as functions.

    Such code raises where it runs, so published packages hold none: it is for code in the making,
    and for what was copied from an article.
    """

    name = "fix-functional-name"
    contract = REPAIRS
    markers = misspelled_names()
    refusals = {
        "several-meanings": RefusalDoc(
            "More than one function may be meant, or its arguments fit none.",
            "Write what is meant by hand.",
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
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 2)

    def forward(self, x):
        x = F.Dropout(F.ReLU(self.fc1(x)), 0.5, self.training)
        return nn.Sigmoid(self.fc2(x))
""",
            after="""\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 2)

    def forward(self, x):
        x = F.dropout(F.relu(self.fc1(x)), 0.5, self.training)
        return torch.sigmoid(self.fc2(x))
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_near(self.markers):
            try:
                meant = self._meant(call)
                if meant is not None:
                    check_file(module)
                    check_not_copied(module, [call.method.node])
                    yield replace_function(self, call, meant, contract=REPAIRS)
            except Refused as refused:
                yield self.refuse(module, call.node, refused)

    def _meant(self, call: Call) -> str | None:
        """The qualified name of what was meant, where the call is wrong as it is."""
        name = call.name or ""
        package, _, last = name.rpartition(".")
        if package == "torch.nn.functional" and not by_functional(name):
            pair = by_module(f"torch.nn.{last}") or misspelled_functional(last)
            return _functional_or_layer(call, pair) if pair and self.is_chosen(pair) else None
        pair = by_module(name) if _is_given_a_tensor(call) else None
        return functional_of(pair) if pair and self.is_chosen(pair) else None


def _functional_or_layer(call: Call, pair: Pair) -> str:
    """What `F.ReLU(...)` was meant to be. Raises Refused (several-meanings)."""
    functional = functional_of(pair)
    as_layer = takes_arguments(call, pair.constructor)
    parent = call.ancestors[0]
    if as_layer and isinstance(parent, ast.Call) and parent.func is call.node:
        return pair.module  # F.ReLU()(x)
    if as_layer and call.method.name == "__init__":
        return pair.module  # self.relu = F.ReLU()
    accepted = next((f.parameters for f in pair.functional if f.name == functional), ())
    if functional is None or not takes_arguments(call, accepted):
        raise Refused("several-meanings", f"the arguments fit no functional form of {pair.module}")
    if pair.module == "torch.nn.Flatten":
        raise Refused("several-meanings", "nn.Flatten and torch.flatten begin at other dimensions")
    return functional


def _is_given_a_tensor(call: Call) -> bool:
    """`nn.Sigmoid(x)` in forward, the result used at once: no layer is made of a tensor."""
    if call.name not in _MADE_OF_NOTHING or call.method.name != "forward":
        return False
    if len(call.node.args) != 1 or call.node.keywords:
        return False
    value, parent = call.node.args[0], call.ancestors[0]
    is_flag = isinstance(value, ast.Constant) or "inplace" in ast.unparse(value)
    is_called = isinstance(parent, ast.Call) and parent.func is call.node
    return not is_flag and not is_called and not isinstance(value, ast.Starred)
