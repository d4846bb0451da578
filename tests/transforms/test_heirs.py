"""Subclasses that call their base's module: what rules it out first, then both change together."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.engine.planning import plan
from codemod.source.overlay import Overlay
from codemod.testing import confirm_rewrite
from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
RELU = "self.relu = nn.ReLU()"
CALL = "return self.relu(self.fc(x))"
HEAD = "import torch.nn as nn\nfrom net import Net\n\n\n"
RUN = "    def forward(self, x):\n        return self.relu(x)\n"


def child(body: str, bases: str = "Net", head: str = HEAD) -> str:
    return f"{head}class Child({bases}):\n{body}"


def init(line: str) -> str:
    return f"    def __init__(self):\n        super().__init__()\n        {line}\n\n"


REFUSED = {
    "sets-it": ("used-in-family", child(init("self.relu = None") + RUN)),
    "deletes-it": ("used-in-family", child(init("del self.relu"))),
    "sets-it-by-name": ("named-in-string", child(init('setattr(self, "relu", None)') + RUN)),
    "passes-it-on": ("used-in-family", child("    def f(self, x):\n        return g(self.relu)\n")),
    "sets-its-flag": ("used-in-family", child(init("self.relu.inplace = False") + RUN)),
    "has-a-method-of-the-name": (
        "used-in-family",
        child("    def relu(self, x):\n        return x\n"),
    ),
    "has-a-class-attribute": ("used-in-family", child("    relu = None\n\n" + RUN)),
    "calls-it-in-its-init": ("in-init", child(init("self.n = self.relu(self.fc.weight)"))),
    "calls-it-with-a-star": (
        "star-arguments",
        child("    def f(self, x):\n        return self.relu(*x)\n"),
    ),
    "skips-the-init": (
        "used-in-family",
        child("    def __init__(self):\n        nn.Module.__init__(self)\n\n" + RUN),
    ),
    "may-have-it-from-another-base": (
        "used-in-family",
        child(
            RUN,
            "Mixin, Net",
            HEAD + "class Mixin:\n    def put(self):\n        self.relu = 1\n\n\n",
        ),
    ),
    "answers-for-its-attributes": (
        "custom-attributes",
        child("    def __getattr__(self, name):\n        return 1\n\n" + RUN),
    ),
    "is-generated": (
        "generated",
        "# This file was automatically generated from modular_child.py.\n" + child(RUN),
    ),
    "is-copied": ("copied", child(RUN).replace("class C", "# Copied from other.Net\nclass C")),
    "is-listed-in-constants": ("scripted", child('    __constants__ = ["relu"]\n\n' + RUN)),
    "is-scripted": ("scripted", child(RUN).replace("class C", "@torch.jit.script\nclass C")),
}


@pytest.mark.parametrize(("code", "other"), REFUSED.values(), ids=REFUSED)
def test_stays_where_a_subclass(code: str, other: str) -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! {code}"), head=NO_F)
    stays(ModuleToFunctional, refused, files={"child.py": other})


def test_stays_where_a_base_calls_it() -> None:
    base = f"{NO_F}\n\nclass Base(nn.Module):\n{RUN}"
    head = "import torch.nn as nn\nfrom base import Base\n"
    text = net(CALL, init=(FC, f"{RELU}  #! used-in-family"), head=head)
    stays(ModuleToFunctional, text.replace("Net(nn.Module)", "Net(Base)"), files={"base.py": base})


def test_stays_where_a_subclass_of_the_generated_twin_calls_it() -> None:
    twin = "# This file was automatically generated from net.py.\n" + net(CALL, init=(FC, RELU))
    other = child(RUN, head="import torch.nn as nn\nfrom made import Net\n\n\n")
    refused = net(CALL, init=(FC, f"{RELU}  #! generated"), head=NO_F)
    plan = planned({"net.py": refused, "made.py": twin, "child.py": other})
    assert [item.code for item in plan.plan.refusals] == ["generated"]
    assert not plan.plan.rewrites


def test_a_constant_of_the_base_s_file_is_kept_for_another() -> None:
    base = net(CALL, init=(FC, "self.relu = nn.Dropout(RATE)"), head=NO_F + "\nRATE = 0.5\n")
    files = composed({"net.py": base, "child.py": child(RUN)})
    assert "        self.relu_p = RATE\n" in files["net.py"]
    for path in ("net.py", "child.py"):
        assert "F.dropout(" in files[path]
        assert "self.relu_p, training=self.training)" in files[path]
    assert "RATE" not in files["child.py"]


def planned(files: dict[str, str], selected: str = "net.py"):  # type: ignore[no-untyped-def]
    overlay = Overlay(Path("/nonexistent"), {name: text.encode() for name, text in files.items()})
    return plan(overlay, sorted(files), frozenset([selected]), [ModuleToFunctional()])


def composed(files: dict[str, str]) -> dict[str, str]:
    """All files as the one rewrite of `net.py` leaves them."""
    found = planned(files)
    assert not found.plan.errors
    assert not found.plan.refusals
    (rewrite,) = found.plan.rewrites
    after = found.compose([rewrite.id]).files
    return {**files, **{path: data.decode() for path, data in after.items()}}


HELD = net(CALL, init=(FC, RELU), head=NO_F)
DONE = net("return F.relu(self.fc(x))")
CHILD_DONE = child(
    "    def forward(self, x):\n        return F.relu(x)\n",
    head="import torch.nn as nn\nimport torch.nn.functional as F\nfrom net import Net\n\n\n",
)


def test_base_and_subclass_of_another_file_change_together() -> None:
    assert composed({"net.py": HELD, "child.py": child(RUN)}) == {
        "net.py": DONE,
        "child.py": CHILD_DONE,
    }


def test_the_rewrite_says_what_it_changes_and_what_is_to_be_run() -> None:
    (rewrite,) = planned({"net.py": HELD, "child.py": child(RUN)}).plan.rewrites
    assert rewrite.class_name == "Net"
    assert rewrite.also == (("child.py", "Child"),)
    assert [(one.path, one.line) for one in rewrite.sites] == [
        ("net.py", 9),
        ("net.py", 12),
        ("child.py", 7),
    ]
    assert sorted(one.path for one in rewrite.witnesses) == ["child.py", "net.py", "net.py"]


def test_all_generations_change_together() -> None:
    grand = "from child import Child\n\n\nclass Grand(Child):\n" + RUN.replace("(x)\n", "(x * 2)\n")
    after = composed({"net.py": HELD, "child.py": child(RUN), "grand.py": grand})
    assert after["child.py"] == CHILD_DONE
    assert "return F.relu(x * 2)" in after["grand.py"]
    assert "import torch.nn.functional as F" in after["grand.py"]


def test_only_the_subclass_calls_it() -> None:
    base = net("return self.fc(x)", init=(FC, RELU), head=NO_F)
    after = composed({"net.py": base, "child.py": child(RUN)})
    assert "relu" not in after["net.py"]
    assert after["child.py"] == CHILD_DONE


def test_a_rate_is_read_from_the_attribute_that_the_base_keeps() -> None:
    base = net("return self.d(x)", init=("self.p = p", "self.d = nn.Dropout(p)"), taken="p")
    after = composed({"net.py": base, "child.py": child(RUN.replace("relu", "d"))})
    assert "return F.dropout(x, self.p, training=self.training)" in after["child.py"]
    assert "self.d" not in after["net.py"]


def test_a_subclass_in_the_same_file() -> None:
    below = f"\n\nclass Child(Net):\n{RUN}"
    done = below.replace("self.relu", "F.relu")
    holds(ModuleToFunctional, HELD + below, DONE + done)


def test_a_comment_of_a_subclass_is_no_use() -> None:
    other = child(
        "    def f(self, x):\n        # self.relu(x) is done by the caller\n        return x\n"
    )
    after = composed({"net.py": HELD, "child.py": other})
    assert after == {"net.py": DONE, "child.py": other}


def test_a_marked_line_of_a_subclass_keeps_both() -> None:
    other = child(RUN.replace("self.relu(x)", "self.relu(x)  # codemod: skip"))
    found = planned({"net.py": HELD, "child.py": other})
    assert not found.plan.rewrites


RUN_BASE = """\
import torch.nn as nn


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x):
        return self.act(self.fc(x))
"""
RUN_CHILD = """\
from base import Base


class Child(Base):
    def forward(self, x):
        return self.act({}) + 1
"""


def test_the_base_and_the_subclass_are_run() -> None:
    files = {"base.py": RUN_BASE, "child.py": RUN_CHILD.format("self.fc(x)")}
    (outcome,) = confirm_rewrite(ModuleToFunctional, files).outcomes
    assert outcome.verdict.kind == "confirmed"
    evidence = outcome.verdict.evidence
    assert evidence is not None
    assert {recipe.call for recipe in evidence.recipes} == {"Base()", "Child()"}


def test_a_subclass_that_cannot_be_run_leaves_all_of_it_unconfirmed() -> None:
    files = {"base.py": RUN_BASE, "child.py": RUN_CHILD.format("no_such_function(x)")}
    (outcome,) = confirm_rewrite(ModuleToFunctional, files).outcomes
    assert outcome.verdict.kind == "unconfirmed"
    assert not outcome.would_write
