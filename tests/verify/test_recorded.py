"""Blocks that cannot be built alone get a recipe from a model that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemod import refactoring
from codemod.configuration import CommandLine, make_options
from codemod.results import Outcome

BLOCKS = """\
import functools
import torch
import torch.nn as nn
import torch.nn.functional as F


def check(key):
    if sum(map(ord, key)) != 168:
        raise ValueError(key)


class Spec:
    def __init__(self, text):
        self.width, self.height = map(int, text.split("x"))


class Plain(nn.Module):
    def __init__(self, key, act, norm, *, widths=(1, 1)):
        super().__init__()
        check(key)
        self.act, self.fc, self.norm = act, nn.Linear(*widths), norm(widths[1])

    def forward(self, x, where, *, table):
        return F.relu(self.act(self.norm(self.fc(x)))[where] + table["shift"][0])


class OfObject(nn.Module):
    def __init__(self, key, spec):
        super().__init__()
        check(key)
        self.fc = nn.Linear(spec.height, spec.height)

    def forward(self, x):
        return F.gelu(self.fc(x))


class OfConfig(nn.Module):
    def __init__(self, key, config):
        super().__init__()
        check(key)
        self.fc = nn.Linear(config.spec.height, config.spec.height)

    def __call__(self, x):
        return F.elu(self.fc(x))


class OfLambda(nn.Module):
    def __init__(self, key, make):
        super().__init__()
        check(key)
        self.fc = make(4)

    def forward(self, x):
        return F.silu(self.fc(x))
"""

NET = """\
import functools
import torch
import torch.nn as nn
import blocks as b


class Config:
    def __init__(self):
        self.spec = b.Spec("8x4")


class Net(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        norm = functools.partial(nn.LayerNorm, eps=1e-3)
        key = chr(113) + chr(55)  # which nobody guesses
        self.plain = b.Plain(key, nn.LeakyReLU(0.2), norm, widths=(8, 4))
        self.object = b.OfObject(key, b.Spec("8x4"))
        self.config = b.OfConfig(key, config)
        self.function = b.OfLambda(key, lambda n: nn.Linear(n, n))
        self.heads = nn.ModuleList([nn.Linear(4, 2)])

    def forward(self, x):
        y = self.plain(x, torch.tensor([0, 1]), table={"shift": [torch.ones(4)]})
        return torch.sigmoid(self.heads[0](self.function(self.config(self.object(y)))))


if __name__ == "__main__":
    print(Net(Config())(torch.randn(2, 8)))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    root = tmp_path_factory.mktemp("project")
    (root / "blocks.py").write_text(BLOCKS)
    (root / "net.py").write_text(NET)
    return outcomes_of(root)


def outcomes_of(root: Path, transform: str = "functional-to-module") -> dict[str, Outcome]:
    line = CommandLine(paths=(str(root),), transforms=(transform,), jobs=1)
    report = refactoring.run(make_options(line, root))
    return {str(item.rewrite.class_name): item for item in report.outcomes}


@pytest.mark.parametrize(
    ("name", "call", "inputs"),
    [
        pytest.param(
            "Plain",
            "Plain('q7', torch.nn.LeakyReLU(0.2), functools.partial(torch.nn.LayerNorm, eps=0.001),"
            " widths=(8, 4))",
            "torch.randn((2, 8)), torch.tensor([0, 1], dtype=torch.int64),"
            " table={'shift': [torch.rand((4,))]}",
            id="values-modules-and-partials",
        ),
        pytest.param(
            "OfConfig",
            "OfConfig('q7', Config())",
            "torch.randn((2, 4))",
            id="argument-of-the-model-itself-under-a-call-written-by-hand",
        ),
    ],
)
def test_a_block_runs_by_itself_as_it_did_in_a_model(
    outcomes: dict[str, Outcome], name: str, call: str, inputs: str
) -> None:
    verdict = outcomes[name].verdict
    assert verdict.kind == "confirmed"
    assert verdict.evidence is not None
    (recipe,) = verdict.evidence.recipes
    assert (recipe.source, recipe.where) == ("recorded", "in Net")
    assert recipe.call == call
    assert recipe.inputs == inputs


@pytest.mark.parametrize("name", ["OfObject", "OfLambda"])
def test_what_cannot_be_written_as_source_is_run_in_the_model(
    outcomes: dict[str, Outcome], name: str
) -> None:
    verdict = outcomes[name].verdict
    assert verdict.kind == "confirmed"
    assert verdict.evidence is not None
    assert [recipe.source for recipe in verdict.evidence.recipes] == ["enclosed"]


def test_a_recorded_run_that_does_not_reach_the_place_confirms_nothing(tmp_path: Path) -> None:
    unreached = BLOCKS.replace(
        'return F.relu(self.act(self.norm(self.fc(x)))[where] + table["shift"][0])',
        'y = self.act(self.norm(self.fc(x)))[where] + table["shift"][0]\n'
        "        return F.relu(y) if torch.is_tensor(None) else y",
    )
    assert unreached != BLOCKS
    (tmp_path / "blocks.py").write_text(unreached)
    (tmp_path / "net.py").write_text(NET)
    verdict = outcomes_of(tmp_path)["Plain"].verdict
    assert verdict.kind == "unconfirmed"
    assert verdict.reason is not None
    assert verdict.reason.code == "not-reached"


FLAGGED = """\
import torch.nn as nn
import torch.nn.functional as F

FAST = True


class Flagged(nn.Module):
    def __init__(self):
        super().__init__()
        self.fast, self.fc = FAST, nn.Linear(8, 8)

    def forward(self, x):
        return self.fc(x) if self.fast else F.relu(self.fc(x))
"""
FUSING = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Fusing(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv(x) + x

    @torch.no_grad()
    def fuse(self):
        assert not self.training
        self.conv.weight.copy_(F.relu(self.conv.weight))
        return self.conv
"""
PRUNED = """\
import torch.nn as nn
import torch.nn.functional as F


class Pruned(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        x = self.first(x)
        if self.second is None:
            return F.relu(x)
        return self.second(x)
"""
WRONG = """\
from codemod import Contract, Transform, witness


class ReluToLeaky(Transform):
    '''Claims to preserve everything, and does not.'''

    name = "relu-to-leaky"
    contract = Contract(changes={})

    def find(self, module):
        for call in module.calls_to("torch.nn.functional.relu"):
            edits = [call.replace_function("F.leaky_relu")]
            yield self.rewrite(module, "wrong", [call.node], edits, [witness(module, call.node)])
"""


def test_a_wrong_rewrite_is_different_in_a_recorded_run_and_in_another_state(
    tmp_path: Path,
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    files = {
        "blocks": BLOCKS,
        "net": NET,
        "flagged": FLAGGED,
        "fusing": FUSING,
        "pruned": PRUNED,
    }
    for name, text in files.items():
        (project / f"{name}.py").write_text(text)
    (tmp_path / "wrong.py").write_text(WRONG)
    found = outcomes_of(project, str(tmp_path / "wrong.py"))
    assert {name: item.verdict.kind for name, item in found.items()} == {
        "Plain": "different",
        "Flagged": "different",
        "Fusing": "different",
        "Pruned": "different",
    }
    calls = {
        name: item.verdict.evidence.recipes[0].call
        for name, item in found.items()
        if item.verdict.evidence is not None
    }
    assert calls["Flagged"] == "codemod_set(Flagged(), fast=False)"
    assert calls["Fusing"] == "codemod_after(Fusing(), 'fuse')"
    assert calls["Pruned"] == "codemod_set(Pruned(), second=None)"
