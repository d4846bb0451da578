"""Rewrites, right and wrong, of real models, confirmed by a real worker."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codemod.results import (
    Composition,
    Contract,
    Edit,
    Location,
    Recipe,
    Rewrite,
    Site,
    Verdict,
    Witness,
)
from codemod.verify.confirm import Confirmation, Options, Target, confirm
from codemod.verify.environment import TargetEnvironment
from codemod.verify.pool import WorkerPool

HEAD = """import itertools
import os
import torch
import torch.nn.functional as F
from torch import nn


"""
INIT = """    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
"""
STRUCTURAL = Contract({"modules": "differs", "hooks": "differs"})
DETERMINISTIC = Contract({"eval": "becomes-deterministic", **STRUCTURAL.changes})

# name -> (class body before, class body after, the expression to be reached, contract)
CASES: dict[str, tuple[str, str, str, Contract]] = {
    "Right": (
        INIT + "    def forward(self, x):\n        return F.relu(self.fc(x))\n",
        INIT
        + "        self.relu = nn.ReLU()\n"
        + "    def forward(self, x):\n        return self.relu(self.fc(x))\n",
        "self.relu(self.fc(x))",
        STRUCTURAL,
    ),
    "OtherFunction": (
        INIT + "    def forward(self, x):\n        return F.leaky_relu(self.fc(x))\n",
        INIT
        + "        self.relu = nn.ReLU()\n"
        + "    def forward(self, x):\n        return self.relu(self.fc(x))\n",
        "self.relu(self.fc(x))",
        STRUCTURAL,
    ),
    "LostInplace": (
        INIT + "    def forward(self, x):\n        return self.fc(F.relu(x, inplace=True))\n",
        INIT + "    def forward(self, x):\n        return self.fc(F.relu(x))\n",
        "F.relu(x)",
        STRUCTURAL,
    ),
    "SharedBranch": (
        INIT
        + "    def forward(self, x):\n        h = self.fc(x)\n"
        + "        return F.relu(h) + h\n",
        INIT
        + "    def forward(self, x):\n        h = self.fc(x)\n"
        + "        return F.relu(h, inplace=True) + h\n",
        "F.relu(h, inplace=True)",
        STRUCTURAL,
    ),
    "DropoutAlwaysOn": (
        INIT + "    def forward(self, x):\n        return F.dropout(self.fc(x), 0.5)\n",
        INIT
        + "    def forward(self, x):\n        return F.dropout(self.fc(x), 0.5, self.training)\n",
        "F.dropout(self.fc(x), 0.5, self.training)",
        DETERMINISTIC,
    ),
    "DropoutSwapped": (
        INIT
        + "    def forward(self, x):\n        return F.dropout(self.fc(x), 0.5, self.training)\n",
        INIT + "    def forward(self, x):\n        return F.dropout(self.fc(x), 0.5)\n",
        "F.dropout(self.fc(x), 0.5)",
        STRUCTURAL,
    ),
    "DropoutNeverRandom": (
        INIT + "    def forward(self, x):\n        return F.dropout(self.fc(x), 0.0)\n",
        INIT
        + "    def forward(self, x):\n        return F.dropout(self.fc(x), 0.0, self.training)\n",
        "F.dropout(self.fc(x), 0.0, self.training)",
        DETERMINISTIC,
    ),
    "DrawOrder": (
        INIT
        + "        self.b = nn.Linear(4, 4)\n"
        + "    def forward(self, x):\n        return self.b(self.fc(x))\n",
        "    def __init__(self):\n        super().__init__()\n"
        + "        b = nn.Linear(4, 4)\n"
        + "        self.fc = nn.Linear(4, 4)\n        self.b = b\n"
        + "    def forward(self, x):\n        return self.b(self.fc(x)) \n",
        "self.b(self.fc(x))",
        STRUCTURAL,
    ),
    "BeforeSuper": (
        INIT + "    def forward(self, x):\n        return F.relu(self.fc(x))\n",
        "    def __init__(self):\n        self.relu = nn.ReLU()\n"
        + "        super().__init__()\n        self.fc = nn.Linear(4, 4)\n"
        + "    def forward(self, x):\n        return self.relu(self.fc(x))\n",
        "self.relu(self.fc(x))",
        STRUCTURAL,
    ),
    "KeyGained": (
        INIT + "    def forward(self, x):\n        return F.prelu(self.fc(x), torch.ones(1) / 4)\n",
        INIT
        + "        self.act = nn.PReLU()\n"
        + "    def forward(self, x):\n        return self.act(self.fc(x))\n",
        "self.act(self.fc(x))",
        STRUCTURAL,
    ),
    "NeverReached": (
        INIT
        + "    def forward(self, x):\n        if len(x) > 1000:\n            return F.relu(x)\n"
        + "        return self.fc(x)\n",
        INIT
        + "    def forward(self, x):\n        if len(x) > 1000:\n            return F.gelu(x)\n"
        + "        return self.fc(x)\n",
        "F.gelu(x)",
        STRUCTURAL,
    ),
    "Restless": (
        INIT
        + "    def forward(self, x):\n"
        + "        return F.relu(self.fc(x)) + int.from_bytes(os.urandom(4), 'big')\n",
        INIT
        + "    def forward(self, x):\n"
        + "        return torch.relu(self.fc(x)) + int.from_bytes(os.urandom(4), 'big')\n",
        "torch.relu(self.fc(x))",
        STRUCTURAL,
    ),
    "Opaque": (
        INIT + "    def forward(self, x):\n        return F.relu(self.fc(x)), itertools.count()\n",
        INIT
        + "    def forward(self, x):\n        return torch.relu(self.fc(x)), itertools.count()\n",
        "torch.relu(self.fc(x))",
        STRUCTURAL,
    ),
    "AlwaysRaises": (
        INIT + "    def forward(self, x):\n        F.relu(self.fc(x))\n        raise OSError\n",
        INIT + "    def forward(self, x):\n        torch.relu(self.fc(x))\n        raise OSError\n",
        "torch.relu(self.fc(x))",
        STRUCTURAL,
    ),
    "CrashesAfter": (
        INIT + "    def forward(self, x):\n        return F.relu(self.fc(x))\n",
        INIT + "    def forward(self, x):\n        return os.abort() or F.relu(self.fc(x))\n",
        "os.abort()",
        STRUCTURAL,
    ),
    "TwoOnALine": (
        INIT + "    def forward(self, x):\n        return F.relu(self.fc(F.relu(x)))\n",
        INIT
        + "        self.relu = nn.ReLU()\n"
        + "    def forward(self, x):\n        return self.relu(self.fc(self.relu(x)))\n",
        "self.relu(self.fc(self.relu(x)))",
        STRUCTURAL,
    ),
}

EXPECTED = {
    "Right": "confirmed",
    "OtherFunction": "different",
    "LostInplace": "different",
    "SharedBranch": "different",
    "DropoutAlwaysOn": "confirmed",
    "DropoutSwapped": "different",
    "DropoutNeverRandom": "not-exercised",
    "DrawOrder": "different",
    "BeforeSuper": "different",
    "KeyGained": "different",
    "NeverReached": "not-reached",
    "Restless": "nondeterministic",
    "Opaque": "not-comparable",
    "AlwaysRaises": "recipe-raises",
    "CrashesAfter": "crashed",
    "TwoOnALine": "confirmed",
}
PATH = "pkg/net.py"


def _text(after: frozenset[str]) -> str:
    classes = [
        f"class {name}(nn.Module):\n{new if name in after else old}\n\n"
        for name, (old, new, _witness, _contract) in CASES.items()
    ]
    return HEAD + "".join(classes)


def _location(text: str, name: str, expression: str) -> Location:
    (cls,) = (
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    node = next(
        node
        for node in ast.walk(cls)
        if isinstance(node, ast.expr) and ast.get_source_segment(text, node) == expression
    )
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return Location(
        "expression", node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
    )


def _compose(ids: frozenset[str]) -> Composition:
    text = _text(ids)
    located = {name: ((PATH, _location(text, name, CASES[name][2])),) for name in ids}
    return Composition({PATH: text.encode()}, located)


def _rewrites() -> list[Rewrite]:
    return [
        Rewrite(
            id=name,
            transform="by-hand",
            path=PATH,
            class_name=name,
            summary="",
            sites=(Site(PATH, 1, 1),),
            edits=(Edit(PATH, 0, 0, ""),),
            contract=contract,
            witnesses=(Witness(PATH, 0, 0),),
        )
        for name, (_old, _new, _witness, contract) in CASES.items()
    ]


def _recipes(path: str, name: str) -> list[Recipe]:
    return [
        Recipe("given", "here", path, name, build=f"{name}()", inputs="((torch.randn(2, 4),), {})")
    ]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confirmation]:
    root = tmp_path_factory.mktemp("project")
    (root / "pkg").mkdir()
    (root / "pkg" / "__init__.py").write_text("")
    (root / PATH).write_text(_text(frozenset()))
    environment = TargetEnvironment.of(Path(sys.executable), root, [PATH], timeout=20)
    target = Target(root, environment.module_name)
    with WorkerPool(environment, jobs=2) as pool:
        yield confirm(
            target,
            _rewrites(),
            _compose,
            _recipes,
            pool,
            Options(accept_behaviour_change=True, recipe_budget=1.0),
        )
    assert (root / PATH).read_text() == _text(frozenset())


def _code(verdict: Verdict) -> str:
    return verdict.reason.code if verdict.reason else verdict.kind


def test_verdicts(found: Confirmation) -> None:
    assert {key: _code(verdict) for key, verdict in found.verdicts.items()} == EXPECTED
    assert found.final == {key for key, code in EXPECTED.items() if code == "confirmed"}


def test_evidence(found: Confirmation) -> None:
    right = found.verdicts["Right"].evidence
    assert right is not None
    assert right.aspects["hooks"] == "changed-as-declared"
    assert {right.aspects[a] for a in ("state_dict", "load", "eval", "grads", "trace")} == {"equal"}
    dropout = found.verdicts["DropoutAlwaysOn"].evidence
    assert dropout is not None
    assert dropout.aspects["eval"] == "changed-as-declared"
    assert dropout.aspects["train"] == "equal"
    reused = found.verdicts["TwoOnALine"].evidence
    assert reused is not None
    assert reused.notes == ("reused-at-run-time: relu fires 2 times a forward",)


def test_differences_are_shown_with_their_size(found: Confirmation) -> None:
    wrong = found.verdicts["OtherFunction"].evidence
    assert wrong is not None
    sizes = [d.max_abs for d in wrong.differences if d.aspect == "train" and d.max_abs is not None]
    assert sizes
    assert all(0 < size < 1 for size in sizes)
    lost = found.verdicts["LostInplace"].evidence
    assert lost is not None
    assert {d.aspect for d in lost.differences} >= {"inputs", "trace"}


def test_protection_is_told(found: Confirmation) -> None:
    assert "deadline" in found.protection
    assert found.torch
