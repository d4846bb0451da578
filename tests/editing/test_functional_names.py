"""Where a functional may go by its last name alone, and what is found where none does."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemod.editing.functional_names import behind_a_dot, functional_names, stand_alone
from codemod.engine.indexing import build_project
from codemod.semantics.project import Project
from codemod.source.overlay import Overlay
from codemod.transforms.functional_to_module import FunctionalToModule

BODY = "class Net:\n    def forward(self, x):\n        return {0}\n"
ALONE = {
    "imported": f"from torch.nn.functional import relu\n{BODY.format('relu(x)')}",
    "imported-in-a-list": f"from torch import (\n    cat,\n    relu,\n)\n{BODY.format('relu(x)')}",
    "imported-under-another-name": f"from torch import relu as r\n{BODY.format('r(x)')}",
    "from-a-star": f"from torch.nn.functional import *\n{BODY.format('relu(x)')}",
    "in-a-function": "def run(x):\n    from torch import relu\n    return relu(x)\n",
    "in-a-class": "class A:\n    from torch import relu\n",
    "alias-of-the-file": f"import torch\nrelu = torch.relu\n{BODY.format('relu(x)')}",
    "alias-in-a-function": "def run(x):\n    relu = torch.relu\n    return relu(x)\n",
    "alias-in-a-pair": "def run(x):\n    relu, t = torch.relu, torch.tanh\n    return relu(x)\n",
    "default-of-a-parameter": "def run(x, relu=torch.relu):\n    return relu(x)\n",
}
BEHIND_A_DOT = {
    "called": BODY.format("F.relu(x)"),
    "called-with-white-space": BODY.format("F. relu (x)"),
    "in-a-chain": BODY.format("(x\n            .relu())"),
    "of-another-object": BODY.format("self.F.relu(x)"),
}
NEITHER = {
    "of-self": BODY.format("self.relu(x)"),
    "setting": BODY.format("x * self.config.dropout + 1"),
    "attribute-of-self": "class A:\n    def __init__(self):\n        self.dropout = 0.5\n",
    "in-a-word": BODY.format("F.relu_twice(x)"),
}


def project_of(text: str) -> Project:
    overlay = Overlay(Path("/nonexistent"), {"net.py": text.encode()})
    return build_project(overlay, ["net.py"], jobs=1)[0]


@pytest.mark.parametrize("text", ALONE.values(), ids=ALONE)
def test_a_name_may_stand_alone(text: str) -> None:
    project = project_of(text)
    assert stand_alone(project, "net.py")
    assert FunctionalToModule().markers_in(project, "net.py") is functional_names()


@pytest.mark.parametrize("text", (BEHIND_A_DOT | NEITHER).values(), ids=BEHIND_A_DOT | NEITHER)
def test_all_stand_behind_dots(text: str) -> None:
    project = project_of(text)
    assert not stand_alone(project, "net.py")
    assert FunctionalToModule().markers_in(project, "net.py") is behind_a_dot(functional_names())


@pytest.mark.parametrize("text", BEHIND_A_DOT.values(), ids=BEHIND_A_DOT)
def test_behind_a_dot_is_found(text: str) -> None:
    quick = behind_a_dot(functional_names())
    assert quick is not None
    assert len(quick.findall(text)) == 1
    assert len(functional_names().findall(text)) == 1


@pytest.mark.parametrize("text", NEITHER.values(), ids=NEITHER)
def test_what_is_none_is_not_found(text: str) -> None:
    quick = behind_a_dot(functional_names())
    assert quick is not None
    assert not quick.findall(text)


def test_one_group_finds_its_own_names() -> None:
    quick = behind_a_dot(functional_names("dropout"))
    assert quick is not None
    assert quick.search("F.dropout2d(x)")
    assert not quick.search("F.relu(x)")
