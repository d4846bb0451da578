"""A change of structure that the project itself looks at is written on demand alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked_cases import NO_F, net

from codemod import Transform
from codemod.engine.planning import plan
from codemod.source.overlay import Overlay
from codemod.testing import confirm_rewrite
from codemod.transforms.call_to_forward import CallToForward
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

TO_MODULE = net("return F.relu(self.fc(x))")
TO_FUNCTIONAL = net("return self.act(self.fc(x))", init=("self.act = nn.ReLU()",), head=NO_F)
CALL = net("return self.fc(x)").replace("forward", "__call__")

UNSEEN = {
    "looks-for-other-layers": (
        TO_MODULE,
        "for m in model.modules():\n    isinstance(m, nn.Linear)",
    ),
    "model-of-another-package": (TO_MODULE, "m = torchvision.vgg()\nlist(m.children())[:-1]"),
    "model-of-another-class": (TO_MODULE, "m = Other()\nlist(m.children())[:-1]"),
    "one-layer-hooked": (TO_MODULE, "model.fc.register_forward_hook(f)"),
    "parts-of-a-container-run": (
        TO_MODULE,
        "class A(nn.Module):\n    def forward(self, x):\n        for b in self.body.children():\n"
        "            x = b(x)",
    ),
    "call-and-no-hooks": (CALL, "model(x)"),
}
SEEN = {
    "children-sliced": (TO_MODULE, "list(model.children())[:-1]"),
    "children-sliced-of-this-class": (TO_MODULE, "m = Net()\nlist(m.children())[:-1]"),
    "children-sliced-of-functional": (TO_FUNCTIONAL, "nn.Sequential(*model.children())"),
    "all-hooked": (TO_MODULE, "for m in model.modules():\n    m.register_forward_hook(f)"),
    "looks-for-the-new-layer": (
        TO_MODULE,
        "[m for m in model.modules() if isinstance(m, nn.ReLU)]",
    ),
    "call-and-hooked": (CALL, "model.register_forward_hook(f)"),
    "call-and-all-hooked": (CALL, "for m in model.modules():\n    m.register_forward_hook(f)"),
}
TRANSFORM: dict[str, type[Transform]] = {
    TO_MODULE: FunctionalToModule,
    TO_FUNCTIONAL: ModuleToFunctional,
    CALL: CallToForward,
}


def seen_by(source: str, line: str) -> tuple[str, ...]:
    head = "import torch.nn as nn\nimport torchvision\nfrom net import Net\n\n\n"
    other = "class Other(nn.Module):\n    pass\n\n\n"
    body = "".join(f"    {one}\n" for one in line.split("\n"))
    tool = f"{head}{other}def tool(model, x, f):\n{body}"
    files = {"net.py": source.encode(), "tool.py": tool.encode()}
    paths = sorted(files)
    overlay = Overlay(Path("/nonexistent"), files)
    (rewrite,) = plan(overlay, paths, frozenset(["net.py"]), [TRANSFORM[source]()]).plan.rewrites
    assert rewrite.needs_accept is bool(rewrite.seen_by)
    return rewrite.seen_by


@pytest.mark.parametrize(("source", "line"), UNSEEN.values(), ids=UNSEEN)
def test_is_written_at_once(source: str, line: str) -> None:
    assert seen_by(source, line) == ()


@pytest.mark.parametrize(("source", "line"), SEEN.values(), ids=SEEN)
def test_is_written_on_demand(source: str, line: str) -> None:
    places = seen_by(source, line)
    assert [place.partition(":")[0] for place in places] == ["tool.py"]


@pytest.mark.parametrize("accept", [(), ("behaviour-change",)], ids=["not-asked-for", "accepted"])
def test_confirmed_and_not_written_unless_accepted(accept: tuple[str, ...]) -> None:
    report = confirm_rewrite(
        FunctionalToModule,
        {
            "net.py": TO_MODULE,
            "tool.py": "def tool(model):\n    return list(model.children())[:-1]\n",
        },
        accept=accept,
    )
    (outcome,) = report.outcomes
    assert outcome.verdict.kind == "confirmed"
    assert outcome.would_write is bool(accept)
    assert outcome.rewrite.seen_by == ("tool.py:2",)
