# ruff: noqa: E501
"""Opaque terms: right rewrites are equal, and no wrong one ever is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("symbolic_driver.py")

BEFORE = """\
import torch
import torch.nn.functional as F
from torch import nn


class Other(nn.Module):
    def forward(self, x):
        return x + 1


class Net(nn.Module):
    def __init__(self, cfg, dim, make_act, p, depth=3, flag=False):
        super().__init__()
        if dim % 8:
            raise ValueError("dim")
        self.first = nn.Linear(dim, dim)
        self.second = nn.Conv2d(dim, dim * 2, 3)
        self.act = make_act()
        self.table = TABLE[cfg.kind]
        self.layers = nn.ModuleList(nn.Linear(dim, cfg.width) for _ in range(depth))
        self.other = Other()
        self.scale = nn.Parameter(torch.zeros(dim))
        self.p = p
        self.depth = depth
        self.flag = flag
        self.register_buffer("seen", torch.zeros(1))
        # made

    def forward(self, x, mask=None):
        batch, width = x.shape
        x = self.first(x)
        x = F.relu(x)
        with torch.no_grad():
            y = F.relu(x, inplace=True)
        x = self.second(x) + y
        for layer in self.layers:
            x = F.gelu(layer(x))
        if self.flag:
            x = F.softmax(x, dim=1)
        if x.dim() == 4:
            x = F.max_pool2d(x, 2)
        x = F.dropout(x, 0.5, self.training)
        x = F.dropout(x, self.p, self.training)
        x = torch.sigmoid(x)
        x = F.leaky_relu(x, 0.2)
        if mask is not None:
            x = x.masked_fill(mask, 0)
        if not self.training:
            x = F.hardtanh(x)
        self.last = x
        self.seen += 1
        return self.act(self.other(x)) * self.scale, x.reshape(batch, width)


TABLE = {"a": 1}
"""


def module(text: str, made: str) -> list[tuple[str, str]]:
    """The replacements that make a module and use it in the place of a text."""
    name = "made_here"
    call = f"self.{name}"
    argument = text.partition("(")[2].partition(",")[0].rstrip(")")
    argument = "layer(x)" if "layer(x" in text else argument
    return [("# made", f"self.{name} = {made}"), (text, f"{call}({argument})")]


RIGHT: dict[str, list[tuple[str, str]]] = {
    "nothing": [],
    "relu": module("F.relu(x)", "nn.ReLU()"),
    "relu-in-place": module("F.relu(x, inplace=True)", "nn.ReLU(inplace=True)"),
    "in-a-loop": module("F.gelu(layer(x))", "nn.GELU()"),
    "under-a-flag": module("F.softmax(x, dim=1)", "nn.Softmax(dim=1)"),
    "stride-given-or-not": module("F.max_pool2d(x, 2)", "nn.MaxPool2d(2)"),
    "dropout": module("F.dropout(x, 0.5, self.training)", "nn.Dropout(0.5)"),
    "dropout-of-an-argument": module("F.dropout(x, self.p, self.training)", "nn.Dropout(p)"),
    "function-of-torch": module("torch.sigmoid(x)", "nn.Sigmoid()"),
    "slope": module("F.leaky_relu(x, 0.2)", "nn.LeakyReLU(0.2)"),
    "only-in-eval": module("F.hardtanh(x)", "nn.Hardtanh()"),
    "two-functions-that-are-one": [("F.hardtanh(x)", "F.hardtanh(x, -1, 1.0)")],
    "method": [("torch.sigmoid(x)", "x.sigmoid()")],
    "operands-of-a-product": [("self.act(self.other(x)) * self.scale", "self.scale * self.act(self.other(x))")],
    "kept-argument": [("# made", "self.kept = p")],
    "stateless-child-first": [("self.first = nn", "self.none = nn.ReLU()\n        self.first = nn")],
}  # fmt: skip
WRONG: dict[str, list[tuple[str, str]]] = {
    "other-function": module("F.relu(x)", "nn.ReLU6()"),
    "other-function-with-the-same-output-in-most-cases": module("F.hardtanh(x)", "nn.Hardtanh(-1, 1.01)"),
    "other-form-of-gelu": module("F.gelu(layer(x))", "nn.GELU(approximate='tanh')"),
    "other-slope": module("F.leaky_relu(x, 0.2)", "nn.LeakyReLU()"),
    "other-axis": module("F.softmax(x, dim=1)", "nn.Softmax(dim=-1)"),
    "logarithm": module("F.softmax(x, dim=1)", "nn.LogSoftmax(dim=1)"),
    "other-stride": module("F.max_pool2d(x, 2)", "nn.MaxPool2d(2, 1)"),
    "average": module("F.max_pool2d(x, 2)", "nn.AvgPool2d(2)"),
    "lost-in-place": module("F.relu(x, inplace=True)", "nn.ReLU()"),
    "in-place-made-up": module("F.relu(x)", "nn.ReLU(inplace=True)"),
    "other-p": module("F.dropout(x, 0.5, self.training)", "nn.Dropout(0.4)"),
    "other-p-of-an-argument": module("F.dropout(x, self.p, self.training)", "nn.Dropout(depth)"),
    "p-doubled": module("F.dropout(x, self.p, self.training)", "nn.Dropout(p * 2)"),
    "always-on": [("F.dropout(x, 0.5, self.training)", "F.dropout(x, 0.5)")],
    "always-off": [("F.dropout(x, 0.5, self.training)", "F.dropout(x, 0.5, False)")],
    "drops-features": module("F.dropout(x, 0.5, self.training)", "nn.Dropout1d(0.5)"),
    "dropped": [("        x = F.relu(x)\n", "")],
    "doubled": [("x = F.relu(x)", "x = F.relu(F.relu(x))")],
    "moved": [("        x = F.relu(x)\n", ""), ("        x = torch.sigmoid(x)\n", "        x = torch.sigmoid(x)\n        x = F.relu(x)\n")],
    "dropouts-swapped": [("0.5, self.training", "0.0, self.training"), ("self.p, self.training", "0.5, self.training")],
    "other-input": [("x = torch.sigmoid(x)", "x = torch.sigmoid(y)")],
    "result-thrown-away": [("x = torch.sigmoid(x)", "torch.sigmoid(x)")],
    "only-in-train": [("x = torch.sigmoid(x)", "x = torch.sigmoid(x) if self.training else x")],
    "only-without-mask": [("x = torch.sigmoid(x)", "x = torch.sigmoid(x) if mask is None else x")],
    "other-branch": [("if x.dim() == 4:", "if x.dim() == 3:")],
    "branch-turned-round": [("if self.flag:", "if not self.flag:")],
    "lost-branch": [("        if self.flag:\n            x = F.softmax(x, dim=1)\n", "        x = F.softmax(x, dim=1)\n")],
    "fewer-layers": [("in self.layers:", "in self.layers[1:]:")],
    "other-loop": [("range(depth)", "range(depth - 1)")],
    "gradients-are-on": [("with torch.no_grad():", "if True:")],
    "gradients-are-off": [("x = self.first(x)", "x = self.first(x).detach()")],
    "order-of-layers": [("self.first = nn.Linear(dim, dim)\n        self.second = nn.Conv2d(dim, dim * 2, 3)", "self.second = nn.Conv2d(dim, dim * 2, 3)\n        self.first = nn.Linear(dim, dim)")],
    "size-of-a-layer": [("nn.Linear(dim, dim)", "nn.Linear(dim, p)")],
    "renamed-key": [("self.second", "self.conv")],
    "renamed-parameter": [("self.scale", "self.gamma")],
    "one-more-layer": [("# made", "self.extra = nn.Linear(2, 2)")],
    "one-more-parameter": [("# made", "self.extra = nn.Parameter(torch.zeros(dim))")],
    "one-more-buffer": [("# made", "self.register_buffer('extra', torch.zeros(2))")],
    "lost-layer": [("        self.second = nn.Conv2d(dim, dim * 2, 3)\n", ""), ("self.second(x) + y", "x + y")],
    "layers-swapped": [("x = self.first(x)", "x = self.second(x)"), ("x = self.second(x)", "x = self.first(x)", )],
    "with-weights": module("F.relu(x)", "nn.PReLU()"),
    "buffer-not-updated": [("        self.seen += 1\n", "")],
    "attribute-not-set": [("        self.last = x\n", "")],
    "attribute-set-to-another": [("self.last = x", "self.last = y")],
    "outputs-swapped": [("return self.act(self.other(x)) * self.scale, x.reshape(batch, width)", "return x.reshape(batch, width), self.act(self.other(x)) * self.scale")],
    "sizes-swapped": [("x.reshape(batch, width)", "x.reshape(width, batch)")],
    "other-default": [("flag=False", "flag=True")],
    "check-lost": [('        if dim % 8:\n            raise ValueError("dim")\n', "")],
    "raises": [("x = torch.sigmoid(x)", "raise ValueError")],
    "does-not-run": [("x = torch.sigmoid(x)", "x = torch.no_such_function(x)")],
    "what-does-not-run-is-another": [("cfg.kind", "cfg.other")],
    "one-child-in-eval": [("# made", "self.other.eval()"), ("self.last = x", "self.other.eval()\n        self.last = x")],
}  # fmt: skip


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "before.py").write_text(BEFORE)
    cases = {}
    for kind, table in (("right", RIGHT), ("wrong", WRONG)):
        for name, replacements in table.items():
            text = BEFORE
            for old, new in replacements:
                assert old in text, (name, old)
                text = text.replace(old, new)
            path = folder / f"{kind}_{name.replace('-', '_')}.py"
            path.write_text(text)
            cases[f"{kind} {name}"] = [str(folder / "before.py"), str(path), "Net"]
    (folder / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(folder / "cases.json")],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_right_rewrite_is_equal(seen: dict[str, Any], name: str) -> None:
    assert seen[f"right {name}"] == {"symbolic": "equal", "why": "", "reached": ["w"]}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rewrite_is_never_equal(seen: dict[str, Any], name: str) -> None:
    found = seen[f"wrong {name}"]
    assert found["symbolic"] in ("different", None), found
    assert found["why"]
    assert found["reached"] == []
