"""What opaque terms show, from the command's options to the verdict and what is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codemod import Contract, Transform, witness
from codemod.configuration import CommandLine, make_options
from codemod.refactoring import run
from codemod.results import Outcome
from codemod.transforms.dropout_to_module import DropoutToModule
from codemod.transforms.functional_to_module import FunctionalToModule

# None of them can be built: there is no such file.
TEXT = """\
import torch
import torch.nn.functional as F
from torch import nn


class Right(nn.Module):
    def __init__(self, path):
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.weights = torch.load(open(path + "/no/such/file", "rb"))

    def forward(self, x):
        return F.relu(self.fc(x))


class Wrong(nn.Module):
    def __init__(self, path):
        super().__init__()
        self.act = nn.SiLU()
        self.weights = torch.load(open(path + "/no/such/file", "rb"))

    def forward(self, x):
        return self.act(x)


class OnPurpose(nn.Module):
    def __init__(self, path):
        super().__init__()
        self.weights = torch.load(open(path + "/no/such/file", "rb"))

    def forward(self, x):
        return F.dropout(x, 0.5)


class Unknown(nn.Module):
    def __init__(self, path):
        super().__init__()
        self.weights = torch.load(open(path + "/no/such/file", "rb"))

    def forward(self, x):
        while x.sum() > 0:
            x = x - 1
        return F.relu(x)


class Runs(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        return F.relu(self.fc(x))
"""


class SiluToMish(Transform):
    """Claims that SiLU and Mish are one."""

    name = "silu-to-mish"
    contract = Contract(changes={"modules": "differs", "hooks": "differs"})

    def find(self, module: Any) -> Iterator[Any]:
        for call in module.calls_to("torch.nn.SiLU"):
            edit = call.replace_function("nn.Mish")
            yield self.rewrite(
                module, "SiLU -> Mish", [call.node], [edit], [witness(module, call.node)]
            )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "net.py").write_text(TEXT)
    return folder


def outcomes(project: Path, *accept: str) -> dict[str, Outcome]:
    options = make_options(CommandLine(paths=(str(project),), accept=accept, jobs=1), project)
    report = run(options, chosen=[FunctionalToModule, DropoutToModule, SiluToMish])
    return {one.rewrite.class_name: one for one in report.outcomes}


def symbolic(outcome: Outcome) -> str | None:
    return outcome.verdict.evidence.symbolic if outcome.verdict.evidence else None


def test_evidence_is_shown_and_confirms_nothing(project: Path) -> None:
    found = outcomes(project)
    assert {name: (one.verdict.kind, symbolic(one)) for name, one in found.items()} == {
        "Right": ("unconfirmed", "equal"),
        "Wrong": ("unconfirmed", "different"),
        "OnPurpose": ("unconfirmed", "equal"),
        "Unknown": ("unconfirmed", None),
        "Runs": ("confirmed", None),
    }


@pytest.mark.parametrize(
    ("accept", "written"),
    [
        ((), {"Runs"}),
        (("symbolic",), {"Runs", "Right"}),
        (("behaviour-change",), {"Runs"}),
        (("symbolic", "behaviour-change"), {"Runs", "Right", "OnPurpose"}),
        (("unconfirmed",), {"Runs", "Right", "Unknown"}),
        (("unconfirmed", "symbolic"), {"Runs", "Right", "Unknown"}),
    ],
    ids=lambda value: "-and-".join(sorted(value)) or "nothing",
)
def test_what_is_written(project: Path, accept: tuple[str, ...], written: set[str]) -> None:
    found = outcomes(project, *accept)
    assert {name for name, one in found.items() if one.would_write} == written
    confirmed = {name for name, one in found.items() if one.verdict.kind == "confirmed"}
    assert confirmed == {"Runs"}
