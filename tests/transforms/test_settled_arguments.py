"""Arguments that are attributes: which of them have one value from `__init__` on."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
SITE = "return F.leaky_relu(self.fc(x), self.slope)"
SLOPE = "self.slope = slope"
MADE = "self.leaky_relu = nn.LeakyReLU(self.slope)"
METHOD = "\n    def reset(self):\n        "
REASSIGNED = f"{SITE}  #! argument-reassigned"
NOT_STATIC = "return F.pad(x, self.pad)  #! argument-not-static"

REFUSED = {
    "set-under-a-condition-only": net(REASSIGNED, init=(FC, "if a:", f"    {SLOPE}"), taken="a"),
    "set-in-a-loop-only": net(REASSIGNED, init=(FC, "for slope in a:", f"    {SLOPE}"), taken="a"),
    "set-in-a-try": net(
        REASSIGNED, init=(FC, "try:", f"    {SLOPE}", "except ValueError:", "    pass"), taken="a"
    ),
    "set-in-a-function-of-init": net(
        REASSIGNED, init=(FC, SLOPE, "def later():", "    self.slope = 0.0"), taken="slope"
    ),
    "set-again-in-a-tuple": net(REASSIGNED, init=(FC, SLOPE), taken="slope")
    + f"{METHOD}self.slope, self.other = 0.0, 1.0\n",
    "set-again-by-a-loop": net(REASSIGNED, init=(FC, SLOPE), taken="slope")
    + f"{METHOD}for self.slope in (0.1, 0.2):\n            pass\n",
    "set-again-by-with": net(REASSIGNED, init=(FC, SLOPE), taken="slope")
    + f"{METHOD}with slope() as self.slope:\n            pass\n",
    "deleted": net(REASSIGNED, init=(FC, SLOPE), taken="slope") + f"{METHOD}del self.slope\n",
    "set-by-setattr": net(REASSIGNED, init=(FC, SLOPE), taken="slope")
    + '\n\ndef anneal(model):\n    setattr(model, "slope", 0.0)\n',
    "pad-of-two-lengths": net(
        NOT_STATIC,
        init=(FC, "self.pad = (0, 1)", "if a:", "    self.pad = (0, 1, 0, 1)"),
        taken="a",
    ),
    "pad-of-a-starred-tuple": net(NOT_STATIC, init=(FC, "self.pad = (*a, 0)"), taken="a"),
    "pad-repeated-by-a-name": net(NOT_STATIC, init=(FC, "self.pad = (0,) * a"), taken="a"),
    "shadowed-built-in": net(
        "float = pick()",
        "return F.leaky_relu(self.fc(x), float(self.slope))  #! argument-not-static",
        init=(FC, SLOPE),
        taken="slope",
    ),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(FunctionalToModule, source)


def settled(
    *init: str, before: str = SITE, made: str = MADE, taken: str = "slope"
) -> tuple[str, str]:
    name = made.partition(" ")[0]
    return (
        net(before, init=(FC, *init), taken=taken),
        net(f"return {name}(self.fc(x))", init=(FC, *init, made), taken=taken, head=NO_F),
    )


WRITTEN = {
    "set-twice-in-init": settled("self.slope = 0.1", "if slope:", "    self.slope = slope"),
    "augmented-in-init": settled("self.slope = 0.1", "self.slope += slope"),
    "set-in-both-branches": settled("if slope:", f"    {SLOPE}", "else:", "    self.slope = 0.1"),
    "set-or-raised": settled("if slope:", f"    {SLOPE}", "else:", "    raise ValueError(slope)"),
    "set-in-a-with": settled("with quiet():", f"    {SLOPE}"),
    "built-in-of-an-attribute": settled(
        SLOPE,
        before="return F.leaky_relu(self.fc(x), float(self.slope))",
        made="self.leaky_relu = nn.LeakyReLU(float(self.slope))",
    ),
    "slice-of-an-attribute": settled(
        SLOPE,
        before="return F.interpolate(self.fc(x), scale_factor=self.slope[1:])",
        made="self.upsample = nn.Upsample(scale_factor=self.slope[1:])",
    ),
    "last-of-an-attribute": settled(
        SLOPE,
        before="return F.leaky_relu(self.fc(x), self.slope[-1])",
        made="self.leaky_relu = nn.LeakyReLU(self.slope[-1])",
    ),
    "pad-of-a-known-length": settled(
        "self.pad = (slope, 0)",
        before="return F.pad(self.fc(x), self.pad)",
        made="self.pad1 = nn.ZeroPad1d(self.pad)",
    ),
    "pad-of-a-repeated-number": settled(
        "self.width = slope",
        before="return F.pad(self.fc(x), (self.width,) * 4)",
        made="self.pad = nn.ZeroPad2d((self.width,) * 4)",
    ),
    "pad-of-one-length-in-two-branches": settled(
        "if slope:",
        "    self.pad = (slope, 0)",
        "else:",
        "    self.pad = [0, 0]",
        before="return F.pad(self.fc(x), self.pad)",
        made="self.pad1 = nn.ZeroPad1d(self.pad)",
    ),
    "pad-by-a-list-becomes-a-tuple": settled(
        "self.a = slope",
        before="return F.pad(self.fc(x), [self.a, 0, self.a, 1])",
        made="self.pad = nn.ZeroPad2d((self.a, 0, self.a, 1))",
    ),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: str, after: str) -> None:
    holds(FunctionalToModule, before, after)


# ---- who else may set it


HERE = "import net\n\n\n"
REACHED = {
    "any-object": "def f(m):\n    m.slope = 0.0\n",
    "told-by-a-type-that-is-no-class-of-the-project": "def f(m: Any):\n    m.slope = 0.0\n",
    "told-by-the-base": "import torch.nn as nn\n\n\ndef f(m: nn.Module):\n    m.slope = 0.0\n",
    "told-by-its-own-name": "from net import Net\n\n\ndef f(m: Net):\n    m.slope = 0.0\n",
    "instance-or-not": (
        "from net import Net\n\n\ndef f(m, a):\n    if isinstance(m, int) or a:\n"
        "        m.slope = 0.0\n"
    ),
    "not-an-instance": (
        "from other import Other\n\n\ndef f(m):\n    if not isinstance(m, Other):\n"
        "        m.slope = 0.0\n\n"
    ),
    "else-of-an-instance": (
        "from other import Other\n\n\ndef f(m):\n    if isinstance(m, Other):\n"
        "        pass\n    else:\n        m.slope = 0.0\n"
    ),
    "reads-what-every-module-has": "def f(m):\n    m.train()\n    m.slope = 0.0\n",
    "reads-what-the-class-has": "def f(m):\n    print(m.fc)\n    m.slope = 0.0\n",
    "of-a-call": "def f():\n    pick().slope = 0.0\n",
    "of-an-item": "def f(ms):\n    ms[0].slope = 0.0\n",
}
OTHER = {"other.py": "import torch.nn as nn\n\n\nclass Other(nn.Module):\n    pass\n"}


@pytest.mark.parametrize("code", REACHED.values(), ids=REACHED)
def test_an_assignment_that_may_reach_the_class_is_a_refusal(code: str) -> None:
    source = net(REASSIGNED, init=(FC, SLOPE), taken="slope")
    stays(FunctionalToModule, source, files={"use.py": code, **OTHER})


NOT_REACHED = {
    "told-by-another-class": "from other import Other\n\n\ndef f(m: Other):\n    m.slope = 0.0\n",
    "instance-of-another-class": (
        "from other import Other\n\n\ndef f(m, a):\n    if isinstance(m, Other) and a:\n"
        "        m.slope = 0.0\n"
    ),
    "instance-of-a-layer": (
        "import torch.nn as nn\n\n\ndef f(m):\n    if isinstance(m, (nn.PReLU, nn.ELU)):\n"
        "        m.slope = 0.0\n"
    ),
    "made-here": "from other import Other\n\n\ndef f():\n    m = Other()\n    m.slope = 0.0\n",
    "reads-what-the-class-has-not": "def f(m):\n    print(m.classifier)\n    m.slope = 0.0\n",
    "part-of-the-settings": (
        "class NetConfig:\n    def __init__(self):\n        self.encoder.slope = 0.0\n"
    ),
}


@pytest.mark.parametrize("code", NOT_REACHED.values(), ids=NOT_REACHED)
def test_an_assignment_to_something_else_is_none(code: str) -> None:
    before, after = settled(SLOPE)
    holds(FunctionalToModule, before, after, files={"use.py": code, **OTHER})


def test_a_base_that_sets_it_in_another_method_is_a_refusal() -> None:
    base = (
        "import torch.nn as nn\n\n\nclass Base(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.slope = 0.1\n\n"
        "    def anneal(self):\n        self.slope = 0.0\n"
    )
    source = net(
        REASSIGNED,
        head="import torch\nfrom base import Base\n"
        + NO_F.split("\n", 1)[1]
        + "import torch.nn.functional as F\n",
    ).replace("(nn.Module)", "(Base)")
    stays(FunctionalToModule, source, files={"base.py": base})


def test_a_subclass_that_sets_it_in_a_tuple_is_a_refusal() -> None:
    child = (
        "from net import Net\n\n\nclass Child(Net):\n    def __init__(self):\n"
        "        super().__init__(0.1)\n        self.slope, self.n = 0.0, 1\n"
    )
    source = net(REASSIGNED, init=(FC, SLOPE), taken="slope")
    stays(FunctionalToModule, source, files={"child.py": child})


def test_what_a_module_made_before_the_attribute_changes_was_given_is_kept() -> None:
    holds(
        ModuleToFunctional,
        net(
            "return self.act(x)",
            init=(
                "self.slope = 0.1",
                "self.act = nn.LeakyReLU(self.slope)",
                "self.slope = 0.3",
            ),
        ),
        net(
            "return F.leaky_relu(x, self.act_negative_slope)",
            init=("self.slope = 0.1", "self.act_negative_slope = self.slope", "self.slope = 0.3"),
        ),
    )


def test_a_module_made_after_the_attribute_changes_is_written() -> None:
    twice = ("self.slope = 0.1", "self.slope = 0.3")
    holds(
        ModuleToFunctional,
        net("return self.act(x)", init=(*twice, "self.act = nn.LeakyReLU(self.slope)")),
        net("return F.leaky_relu(x, self.slope)", init=twice),
    )
