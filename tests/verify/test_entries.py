"""Sites in methods that forward never calls: the model is entered there as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemod import refactoring
from codemod.configuration import CommandLine, make_options
from codemod.results import Outcome

SOURCE = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Coder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Linear(8, 2)
        self.up = nn.Linear(2, 8)

    def forward(self, x):
        return self.up(self.down(x))

    def encode(self, x):
        return F.relu(self.down(x))

    def scale(self):
        return F.softplus(self.up.weight)

    def decode(self, code, table):
        return F.gelu(self.up(code[table["index"]]))

    def pick(self, codes, chosen):
        return F.elu(codes[:, chosen] * codes.shape[2])

    def fuse(self):
        self.up.bias = nn.Parameter(self._bias())

    def _bias(self):
        return F.silu(self.up.bias)

    def ask(self, service):
        return F.selu(self.up(service.request("weights", timeout=3)))


class Trained(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc(x)

    def least(self, code):
        return torch.min(F.celu(self.forward(code)), self(code))

    def step(self, batch, optimizer):
        return {"loss": F.mish(self.forward(**batch)).sum()}
"""


def outcomes(root: Path) -> dict[str, Outcome]:
    (root / "coder.py").write_text(SOURCE)
    line = CommandLine(paths=(str(root),), transforms=("functional-to-module",), jobs=1)
    report = refactoring.run(make_options(line, root))
    return {item.rewrite.summary.partition(" ")[0]: item for item in report.outcomes}


def test_methods_beside_forward_are_entered(tmp_path: Path) -> None:
    found = outcomes(tmp_path)
    calls = {
        name: [recipe.call for recipe in item.verdict.evidence.recipes]
        for name, item in found.items()
        if item.verdict.evidence is not None
    }
    assert found["F.relu"].verdict.kind == "confirmed"
    assert "codemod_entry(Coder(), 'encode')" in calls["F.relu"]
    assert found["F.softplus"].verdict.kind == "confirmed"
    assert "codemod_entry(Coder(), 'scale')" in calls["F.softplus"]


@pytest.mark.parametrize("call", ["F.celu", "F.mish"])
def test_a_method_that_calls_the_model_itself_is_entered(tmp_path: Path, call: str) -> None:
    assert outcomes(tmp_path)[call].verdict.kind == "confirmed"


def test_a_method_is_reached_by_one_that_calls_it(tmp_path: Path) -> None:
    verdict = outcomes(tmp_path)["F.silu"].verdict
    assert verdict.kind == "confirmed"
    assert verdict.evidence is not None
    assert "codemod_after(Coder(), 'fuse')" in [one.call for one in verdict.evidence.recipes]


@pytest.mark.parametrize("call", ["F.gelu", "F.elu"])
def test_a_method_that_takes_other_inputs_than_forward_gets_its_own(
    tmp_path: Path, call: str
) -> None:
    assert outcomes(tmp_path)[call].verdict.kind == "confirmed"


def test_method_that_cannot_be_called_so_is_not_reached(tmp_path: Path) -> None:
    verdict = outcomes(tmp_path)["F.selu"].verdict
    assert verdict.kind == "unconfirmed"
    assert verdict.reason is not None
    assert verdict.reason.code == "not-reached"
