"""Wrong rewrites of a transform that watches the method alone, through the command: none is
confirmed. What it deletes or changes must have run, on both sides, with both outcomes."""

from __future__ import annotations

import io
import json
import textwrap
from typing import Any

import pytest

from codemod.cli import main

SWAP = '''
import json, pathlib
from codemod import Contract, Edit, Transform, witness

SWAPS = json.loads(pathlib.Path(__file__).with_name("swaps.json").read_text())


class Swap(Transform):
    """Put one text in the place of another."""

    name = "swap"
    contract = Contract()

    def find(self, module):
        text = module.source.text
        old, new = SWAPS.get(module.name, ("", ""))
        start = text.find(old)
        if not old or start < 0 or (old in new and new in text):
            return
        forward = next(method.node for method in module.methods if method.name == "forward")
        edits = [Edit(module.path, start, start + len(old), new)]
        yield self.rewrite(module, "swap", [forward], edits, [witness(module, forward)])
'''
HEAD = """\
import os
import random

import torch
import torch.nn.functional as F
from torch import nn

COUNT = []


class {name}(nn.Module):
    seen = 0

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward({signature}):
"""
RUN = "\n\nif __name__ == '__main__':\n    {name}()({inputs})\n"
X, MASK, INDICES = "self, x", "self, x, mask=None", "self, x, y"

# name -> (signature, body, old, new, what must come out)
Case = tuple[str, str, str, str, str]
CASES: dict[str, Case] = {
    "right": (X, "return F.relu(self.fc(x))", "F.relu(", "torch.relu(", "confirmed"),
    "right-in-a-branch-that-is-given": (
        MASK,
        "x = self.fc(x)\nif mask is not None:\n    x = F.relu(x)\nreturn x",
        "F.relu(x)",
        "torch.relu(x)",
        "confirmed",
    ),
    "branch-of-an-optional-argument-deleted": (
        MASK,
        "x = self.fc(x)\nif mask is not None:\n    x = x * mask\nreturn x",
        "\n        if mask is not None:\n            x = x * mask",
        "",
        "different",
    ),
    "branch-of-an-optional-argument-changed": (
        MASK,
        "x = self.fc(x)\nif mask is not None:\n    x = x * mask\nreturn x",
        "x * mask",
        "x + mask",
        "different",
    ),
    "default-for-what-is-given": (
        MASK, "return self.fc(x) * (mask or 1.0)", "mask or 1.0", "1.0", "different",
    ),
    "branch-that-nothing-reaches-deleted": (
        X,
        "x = self.fc(x)\nif os.environ.get('NEVER__'):\n    x = x * 2\nreturn x",
        "\n        if os.environ.get('NEVER__'):\n            x = x * 2",
        "",
        "not-reached",
    ),
    "branch-that-nothing-reaches-changed": (
        X,
        "x = self.fc(x)\nif os.environ.get('NEVER__'):\n    x = x * 2\nreturn x",
        "x * 2",
        "x * 3",
        "not-reached",
    ),
    "value-that-nothing-reaches-changed": (
        X, "return self.fc(x) if not os.environ.get('NEVER__') else x", "else x", "else x * 2",
        "not-reached",
    ),
    "condition-that-never-holds-changed": (
        X,
        "if x.shape[0] > 512:\n    x = x[:512]\nreturn self.fc(x)",
        "x.shape[0] > 512",
        "x.shape[0] > 511",
        "not-reached",
    ),
    "chance-that-is-never-hit": (
        X,
        "if self.training and random.random() < 1e-6:\n    return x\nreturn self.fc(x)",
        "1e-6",
        "1e-5",
        "not-reached",
    ),
    "chance-that-is-hit-at-times": (
        X,
        "if self.training and torch.rand(()) < 0.5:\n    return x\nreturn self.fc(x)",
        "0.5",
        "0.5001",
        "chance",
    ),
    "variable-set": (X, "return self.fc(x)", "return", "os.environ['A__'] = '1'; return",
                     "different"),
    "attribute-not-left": (
        X, "self.last = self.fc(x)\nreturn self.last * 2", "self.last = self.fc(x)\n"
        "        return self.last * 2", "return self.fc(x) * 2", "different",
    ),
    "private-attribute-not-left": (
        X, "self._last = self.fc(x)\nreturn self._last * 2", "self._last = self.fc(x)\n"
        "        return self._last * 2", "return self.fc(x) * 2", "different",
    ),
    "not-counted-in-a-global": (
        X, "COUNT.append(1)\nreturn self.fc(x)", "COUNT.append(1)", "pass", "different",
    ),
    "not-counted-in-the-class": (
        X, "type(self).seen += 1\nreturn self.fc(x)", "type(self).seen += 1", "pass", "different",
    ),
    "ignored-index-other": (
        INDICES, "return F.cross_entropy(self.fc(x), y, ignore_index=255)", "255", "254",
        "different",
    ),
    "ignored-index-not-the-default": (
        INDICES, "return F.cross_entropy(self.fc(x), y)", "x), y)", "x), y, ignore_index=-1)",
        "different",
    ),
    "masked-index-other": (
        INDICES, "return self.fc(x) * (y != 9).unsqueeze(-1)", "y != 9", "y != 8", "different",
    ),
}  # fmt: skip


def class_of(name: str) -> str:
    return "".join(word.title() for word in name.split("-"))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("by-hand")
    project = folder / "project"
    project.mkdir()
    swaps = {}
    for name, (signature, body, old, new, _) in CASES.items():
        kind = class_of(name)
        inputs = "torch.randn(3, 6), torch.tensor([0, 1, 2])"
        text = HEAD.format(name=kind, signature=signature)
        text += textwrap.indent(body, " " * 8)
        text += RUN.format(name=kind, inputs=inputs if signature == INDICES else "torch.ones(3, 6)")
        assert old in text
        (project / f"{name.replace('-', '_')}.py").write_text(text)
        swaps[kind] = (old, new)
    (folder / "swap.py").write_text(SWAP)
    (folder / "swaps.json").write_text(json.dumps(swaps))
    said, errors = io.BytesIO(), io.StringIO()
    arguments = ["diff", "-t", str(folder / "swap.py"), "--format", "json", "-j", "2"]
    main([*arguments, str(project)], said, errors)
    report = json.loads(said.getvalue())
    assert report["errors"] == [], errors.getvalue()
    return {one["class"]: one for one in report["rewrites"]}


@pytest.mark.parametrize("name", CASES)
def test_verdict(found: dict[str, dict[str, Any]], name: str) -> None:
    rewrite, expected = found[class_of(name)], CASES[name][-1]
    code = (rewrite["reason"] or {}).get("code", rewrite["verdict"])
    assert code == expected, rewrite["reason"]
    assert (rewrite["verdict"] == "confirmed") == name.startswith("right")
