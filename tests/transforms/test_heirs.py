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


OWN = "    def forward(self, x):\n        return self.fc(x)\n"


def init(line: str) -> str:
    return f"    def __init__(self):\n        super().__init__()\n        {line}\n\n"


REFUSED = {
    "sets-it": ("used-in-family", child(init("self.relu = None") + RUN)),
    "deletes-it": ("used-in-family", child(init("del self.relu"))),
    "sets-it-by-name": ("named-in-string", child(init('setattr(self, "relu", None)') + RUN)),
    "deletes-it-and-runs-the-base-s-forward": (
        "used-in-family",
        child(
            init("del self.relu") + "    def forward(self, x):\n        return super().forward(x)\n"
        ),
    ),
    "deletes-it-and-names-the-base-s-forward": (
        "used-in-family",
        child(
            init("del self.relu")
            + "    def forward(self, x):\n        return Net.forward(self, x)\n"
        ),
    ),
    "replaces-it-and-inherits-its-call": (
        "used-in-family",
        child(init("self.relu = nn.Identity()")),
    ),
    "replaces-it-by-what-it-is-given": (
        "used-in-family",
        child(init("self.relu = self.fc") + OWN),
    ),
    "deletes-it-under-a-condition": (
        "used-in-family",
        child(init("if self.fc.bias is None:\n            del self.relu") + OWN),
    ),
    "deletes-it-with-another": ("used-in-family", child(init("del self.relu, self.fc") + OWN)),
    "deletes-it-before-the-base-makes-it": (
        "used-in-family",
        child(
            "    def __init__(self):\n        self.relu = None\n        super().__init__()\n\n"
            + OWN
        ),
    ),
    "deletes-it-and-a-subclass-of-it-calls-it": (
        "used-in-family",
        child(init("self.relu = nn.Identity()") + OWN) + f"\n\nclass Grand(Child):\n{RUN}",
    ),
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


def composed(files: dict[str, str], selected: str = "net.py") -> dict[str, str]:
    """All files as the one rewrite of the selected one leaves them."""
    found = planned(files, selected)
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
    assert "functional" not in after["net.py"]
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


DROPS = {
    "deleted": "del self.relu",
    "set-to-none": "self.relu = None",
    "replaced-by-nothing": "self.relu = nn.Identity()",
}


@pytest.mark.parametrize("line", DROPS.values(), ids=DROPS)
def test_a_subclass_that_does_away_with_it_no_longer_does(line: str) -> None:
    after = composed({"net.py": HELD, "child.py": child(init(line) + OWN)})
    head = HEAD if "nn" not in line else HEAD.replace("import torch.nn as nn\n", "")
    done = child(init("").replace("        \n", "") + OWN, head=head)
    assert after == {"net.py": DONE, "child.py": done}


def test_the_one_that_does_away_with_it_and_its_subclasses_may_call_other_methods() -> None:
    helper = "\n    def features(self, x):\n        return self.relu(x)\n"
    other = child(init("del self.relu") + OWN.replace("forward", "features") + "\n" + OWN)
    after = composed({"net.py": HELD + helper, "child.py": other})
    assert "del" not in after["child.py"]


BASE_RUNS = f"import torch.nn as nn\n\n\nclass Base(nn.Module):\n{RUN}"
MAKES = "    def __init__(self):\n        super().__init__()\n        self.relu = nn.ReLU()\n"
SIBLING_HEAD = "import torch.nn as nn\nfrom base import Base\n\n\n"


def sibling(name: str = "First", body: str = MAKES, bases: str = "Base") -> str:
    return f"{SIBLING_HEAD}class {name}({bases}):\n{body}"


NOT_ALL_MAKE_IT = {
    "makes-none": (BASE_RUNS, sibling("Second", "    width = 3\n")),
    "makes-another": (BASE_RUNS, sibling("Second", MAKES.replace("ReLU()", "GELU()"))),
    "makes-it-otherwise": (BASE_RUNS, sibling("Second", MAKES.replace("()\n", "(True)\n"))),
    "makes-it-of-an-argument": (
        BASE_RUNS,
        sibling("Second", MAKES.replace("(self)", "(self, i)").replace("ReLU()", "ReLU(i)")),
    ),
    "makes-it-under-a-condition": (
        BASE_RUNS,
        sibling("Second", MAKES.replace("self.relu", "if 1:\n            self.relu")),
    ),
    "makes-it-later": (BASE_RUNS, sibling("Second", MAKES.replace("__init__(self)", "make(self)"))),
    "hands-it-on": (
        BASE_RUNS,
        sibling("Second", MAKES + "\n    def get(self):\n        return self.relu\n"),
    ),
    "base-asks-whether-it-is-there": (
        BASE_RUNS.replace("self.relu(x)", "self.relu(x) if self.relu else x"),
        sibling("Second"),
    ),
    "base-makes-it-too": (
        BASE_RUNS.replace("(nn.Module):\n", f"(nn.Module):\n{MAKES}\n"),
        sibling("Second"),
    ),
    "base-has-it-as-a-class-attribute": (
        BASE_RUNS.replace("(nn.Module):\n", "(nn.Module):\n    relu: nn.Module = None\n\n"),
        sibling("Second"),
    ),
    "base-is-copied": (
        BASE_RUNS.replace("class B", "# Copied from other.Base\nclass B"),
        sibling("Second"),
    ),
    "other-code-hooks-that-of-one": (
        BASE_RUNS,
        sibling("Second") + "\n\ndef hook(m: Second):\n    m.relu.register_forward_hook(print)\n",
    ),
}


@pytest.mark.parametrize(("base", "second"), NOT_ALL_MAKE_IT.values(), ids=NOT_ALL_MAKE_IT)
def test_no_subclass_changes_where_one(base: str, second: str) -> None:
    files = {"base.py": base, "first.py": sibling(), "second.py": second}
    found = planned(files, "first.py")
    assert [one.code for one in found.plan.refusals] in (
        [["used-in-family"], ["copied"], ["used-outside"], ["used-as-value"]]
    )
    assert not found.plan.rewrites
    assert not planned(files, "second.py").plan.rewrites


def test_all_subclasses_that_make_it_and_the_base_that_calls_it_change_together() -> None:
    second = sibling("Second", MAKES + "\n" + RUN.replace("forward", "again"))
    third = f"from second import Second\n\n\nclass Third(Second):\n{RUN}"
    files = {
        "base.py": BASE_RUNS, "first.py": sibling(), "second.py": second, "third.py": third,
    }  # fmt: skip
    after = composed(files, "first.py")
    assert after == {
        "base.py": BASE_RUNS.replace("self.relu", "F.relu").replace(
            "as nn\n", "as nn\nimport torch.nn.functional as F\n"
        ),
        "first.py": "from base import Base\n\n\nclass First(Base):\n"
        "    def __init__(self):\n        super().__init__()\n",
        "second.py": "import torch.nn.functional as F\nfrom base import Base\n\n\n"
        "class Second(Base):\n    def __init__(self):\n        super().__init__()\n\n"
        + RUN.replace("forward", "again").replace("self.relu", "F.relu"),
        "third.py": "from second import Second\nimport torch.nn.functional as F\n\n\n"
        "class Third(Second):\n" + RUN.replace("self.relu", "F.relu"),
    }
    assert planned(files, "second.py").plan.rewrites == ()
    (rewrite,) = planned(files, "first.py").plan.rewrites
    assert rewrite.class_name == "First"
    assert set(rewrite.also) == {("second.py", "Second"), ("third.py", "Third")}


def test_the_subclasses_are_run_and_not_the_base_that_has_no_layer() -> None:
    base = RUN_BASE.replace("        self.act = nn.LeakyReLU(0.2)\n", "")
    makes = (
        "import torch.nn as nn\nfrom base import Base\n\n\nclass {0}(Base):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.act = nn.LeakyReLU(0.2)\n"
    )
    files = {"a.py": makes.format("A"), "b.py": makes.format("B"), "base.py": base}
    (outcome,) = confirm_rewrite(ModuleToFunctional, files).outcomes
    assert outcome.verdict.kind == "confirmed"
    evidence = outcome.verdict.evidence
    assert evidence is not None
    assert {recipe.call for recipe in evidence.recipes} == {"A()", "B()"}
