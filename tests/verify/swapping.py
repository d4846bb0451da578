"""One text put in the place of another in the `forward` of a class, judged by the real command."""

from __future__ import annotations

import io
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        free = module.name.startswith("OtherOperators")
        contract = Contract(changes={"trace": "may-differ"} if free else {})
        witnesses = [witness(module, forward)]
        yield self.rewrite(module, "swap", [forward], edits, witnesses, contract=contract)
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

# signature, body, old, new, what must come out
Case = tuple[str, str, str, str, str]


def class_of(name: str) -> str:
    return "".join(word.title() for word in name.split("-"))


def judged(folder: Path, cases: Mapping[str, Case]) -> dict[str, dict[str, Any]]:
    """What the report says of each rewrite, by class; the cases by name."""
    project = folder / "project"
    project.mkdir()
    swaps = {}
    for name, (signature, body, old, new, _) in cases.items():
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
