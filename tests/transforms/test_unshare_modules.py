"""unshare-modules: what is shared on purpose or not at all first, then what is written."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.testing import check_examples
from codemod.transforms.unshare_modules import UnshareModules

FC = "self.fc = nn.Linear(4, 4)"
RELU = "self.relu = nn.ReLU()"
TWICE = "return self.relu(self.fc(self.relu(x)))"


def shared(*forward: str, init: tuple[str, ...] = (RELU, FC), taken: str = "") -> str:
    return net(*(forward or (TWICE,)), init=init, taken=taken, head=NO_F)


def refused(code: str, *forward: str, line: str = RELU, below: str = "", taken: str = "") -> str:
    return shared(*forward, init=(f"{line}  #! {code}", FC), taken=taken) + below


def test_examples() -> None:
    check_examples(UnshareModules)


NOT_SHARED = {
    "called-once": shared("return self.relu(self.fc(x))"),
    "called-once-in-a-loop": shared("for _ in range(3):", "    x = self.relu(x)", "return x"),
    "in-other-branches": shared(
        "if self.training:", "    return self.relu(x)", "else:", "    return self.relu(-x)"
    ),
    "below-an-early-return": shared(
        "if x.sum() > 0:", "    return self.relu(x)", "return self.relu(-x)"
    ),
    "in-either-arm-of-an-expression": shared("return self.relu(x) if a else self.relu(-x)"),
    "in-cases-of-a-match": shared(
        "match a:",
        "    case 1:",
        "        y = self.relu(x)",
        "    case _:",
        "        y = self.relu(-x)",
        "return y",
    ),
    "entries-that-never-meet": shared("return self.relu(x)")
    + "\n    def features(self, x):\n        return self.relu(-x)\n",
    "helpers-of-other-branches": shared("return self.a(x) if self.training else self.b(x)")
    + "\n    def a(self, x):\n        return self.relu(x)\n"
    + "\n    def b(self, x):\n        return self.relu(-x)\n",
    "layer-of-the-project": net(
        TWICE, init=(RELU, FC), head="import torch.nn\nfrom layers import nn\n"
    ).replace("(nn.Module)", "(torch.nn.Module)"),
    "layer-of-a-parameter": shared(init=("self.relu = act", FC), taken="act"),
    "loss-called-twice": shared(
        "return self.loss(x, x) + self.loss(x, -x)", init=("self.loss = nn.MSELoss()",)
    ),
    "not-a-module-class": NO_F
    + "\n\nclass Helper:\n    def __init__(self):\n        self.relu = nn.ReLU()\n"
    + "\n    def run(self, x):\n        return self.relu(self.relu(x))\n",
}


@pytest.mark.parametrize("source", NOT_SHARED.values(), ids=NOT_SHARED)
def test_leaves_what_no_run_shares(source: str) -> None:
    stays(UnshareModules, source)


REFUSED = {
    "shared-prelu-ties-weights": refused("shared-weights", line="self.relu = nn.PReLU()"),
    "shared-linear-ties-weights": refused("shared-weights", line="self.relu = nn.Linear(4, 4)"),
    "shared-batch-norm-ties-statistics": refused(
        "shared-weights", line="self.relu = nn.BatchNorm1d(4)"
    ),
    "stateful-instance-norm": refused(
        "shared-weights", line="self.relu = nn.InstanceNorm1d(4, affine=True)"
    ),
    "perhaps-a-layer-with-weights": refused(
        "shared-weights", line="self.relu = nn.ReLU() if a else nn.PReLU()", taken="a"
    ),
    "perhaps-a-layer-of-the-project": refused(
        "set-elsewhere", line="self.relu = nn.ReLU() if a else Act()", taken="a"
    ),
    "set-in-another-method": refused(
        "set-elsewhere", below="\n    def swap(self):\n        self.relu = nn.GELU()\n"
    ),
    "set-in-a-loop": shared(
        init=("for _ in range(2):", "    self.relu = nn.ReLU()  #! set-elsewhere", FC)
    ),
    "two-targets": refused("set-elsewhere", line="self.relu = self.act = nn.ReLU()"),
    "class-attribute-as-well": refused("set-elsewhere").replace(
        ":\n    def __init__", ":\n    relu = None\n\n    def __init__", 1
    ),
    "deleted": refused("set-elsewhere", below="\n    def off(self):\n        del self.relu\n"),
    "passed-as-a-value": refused(
        "used-as-value", "return checkpoint(self.relu, self.relu(x))"
    ).replace(
        "checkpoint(self.relu, self.relu(x))", "checkpoint(self.relu, self.relu(self.relu(x)))"
    ),
    "its-flag-is-set": refused(
        "used-as-value", below="\n    def off(self):\n        self.relu.inplace = False\n"
    ),
    "put-into-a-sequential": refused(
        "used-as-value", below="\n    def body(self):\n        return nn.Sequential(self.relu)\n"
    ),
    "constructor-draws": refused("argument-not-static", line="self.relu = nn.Dropout(random())"),
    "constructor-takes-stars": refused(
        "star-arguments", line="self.relu = nn.ReLU(**kw)", taken="kw"
    ),
    "subclass-sets-it": refused(
        "used-in-family",
        below="\n\nclass Sub(Net):\n    def __init__(self):\n        super().__init__()\n"
        "        self.relu = nn.GELU()\n",
    ),
    "subclass-skips-init": refused(
        "subclass-skips-init",
        below="\n\nclass Sub(Net):\n    def __init__(self):\n        super(Net, self).__init__()\n",
    ),
    "hook-on-it-from-outside": refused(
        "used-outside", below="\n\ndef watch(m, f):\n    m.relu.register_forward_hook(f)\n"
    ),
    "replaced-from-outside": refused(
        "used-outside", below="\n\ndef smooth(m):\n    m.relu = nn.GELU()\n"
    ),
    "looked-up-by-name": refused(
        "named-in-string", below='\n\ndef watch(m):\n    return getattr(m, "relu")\n'
    ),
    "return-node-names-it": refused("named-in-string", below='\n\nNODES = ["body.relu"]\n'),
    "children-are-swept": refused(
        "sweeps-children",
        below="\n    def body(self):\n        return nn.Sequential(*self.children())\n",
    ),
    "scripted": refused("scripted").replace("class Net", "@torch.jit.script\nclass Net"),
    "in-f-string": refused("in-f-string", 'return self.relu(x), f"{self.relu(x)}"'),
    "captured-where-self-is-another": refused(
        "no-self", "f = lambda self: self.relu(x)", "return f(self) + self.relu(x)"
    ),
    "copied": refused("copied").replace("class Net", "# Copied from other.Net\nclass Net"),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses_what_it_must_not_split(source: str) -> None:
    stays(UnshareModules, source)


END = "self.end = nn.Linear(4, 4)"
REWRITTEN = {
    "never-above-the-one-that-it-is-split-off": (
        shared("return self.relu(self.end(self.relu(self.fc(x))))", init=(FC, END, RELU)),
        shared(
            "return self.relu2(self.end(self.relu(self.fc(x))))",
            init=(FC, END, RELU, "self.relu2 = nn.ReLU()"),
        ),
    ),
    "keeps-flag-and-first-name": (
        shared(init=("self.relu = nn.ReLU(inplace=True)", FC)),
        shared(
            "return self.relu2(self.fc(self.relu(x)))",
            init=(
                "self.relu = nn.ReLU(inplace=True)",
                FC,
                "self.relu2 = nn.ReLU(inplace=True)",
            ),
        ),
    ),
    "branches-share-and-the-rest-does-not": (
        shared("x = self.relu(x)", "return self.relu(x) if a else self.relu(-x)"),
        shared(
            "x = self.relu(x)",
            "return self.relu2(x) if a else self.relu2(-x)",
            init=(RELU, "self.relu2 = nn.ReLU()", FC),
        ),
    ),
    "branches-in-a-loop-meet": (
        shared("for i in x:", "    y = self.relu(i) if i else self.relu(-i)", "return y"),
        shared(
            "for i in x:",
            "    y = self.relu(i) if i else self.relu2(-i)",
            "return y",
            init=(RELU, FC, "self.relu2 = nn.ReLU()"),
        ),
    ),
    "name-taken-by-a-subclass": (
        shared() + "\n\nclass Sub(Net):\n    def __init__(self):\n        super().__init__()\n"
        "        self.relu2 = nn.GELU()\n",
        shared(
            "return self.relu3(self.fc(self.relu(x)))",
            init=(RELU, FC, "self.relu3 = nn.ReLU()"),
        )
        + "\n\nclass Sub(Net):\n    def __init__(self):\n        super().__init__()\n"
        "        self.relu2 = nn.GELU()\n",
    ),
    "name-that-ends-in-a-digit": (
        shared("return self.act1(self.act1(x))", init=("self.act1 = nn.ReLU()", FC)),
        shared(
            "return self.act1_2(self.act1(x))",
            init=("self.act1 = nn.ReLU()", "self.act1_2 = nn.ReLU()", FC),
        ),
    ),
    "made-in-every-branch": (
        shared(
            init=(
                FC,
                "if a:",
                "    self.relu = nn.ReLU()",
                "else:",
                "    self.relu = nn.GELU()",
            ),
            taken="a",
        ),
        shared(
            "return self.relu2(self.fc(self.relu(x)))",
            init=(
                FC,
                "if a:",
                "    self.relu = nn.ReLU()",
                "    self.relu2 = nn.ReLU()",
                "else:",
                "    self.relu = nn.GELU()",
                "    self.relu2 = nn.GELU()",
            ),
            taken="a",
        ),
    ),
    "made-on-the-line-of-an-if": (
        shared(init=("if a: self.relu = nn.ReLU()", FC), taken="a"),
        shared(
            "return self.relu2(self.fc(self.relu(x)))",
            init=("if a: self.relu = nn.ReLU(); self.relu2 = nn.ReLU()", FC),
            taken="a",
        ),
    ),
    "or-none": (
        shared(
            "if self.pool is not None:",
            "    x = self.pool(x)",
            "return self.pool(x)",
            init=("self.pool = nn.MaxPool1d(2) if a else None",),
            taken="a",
        ),
        shared(
            "if self.pool is not None:",
            "    x = self.pool(x)",
            "return self.pool2(x)",
            init=(
                "self.pool = nn.MaxPool1d(2) if a else None",
                "self.pool2 = nn.MaxPool1d(2) if a else None",
            ),
            taken="a",
        ),
    ),
    "argument-that-is-rebound": (
        shared(
            "return self.drop(self.fc(self.drop(x)))",
            init=("self.drop = nn.Dropout(p)", "p = 0.9", FC, "self.end = nn.Dropout(p)"),
            taken="p",
        ),
        shared(
            "return self.drop2(self.fc(self.drop(x)))",
            init=(
                "self.drop = nn.Dropout(p)",
                "self.drop2 = nn.Dropout(p)",
                "p = 0.9",
                FC,
                "self.end = nn.Dropout(p)",
            ),
            taken="p",
        ),
    ),
    "helper-that-forward-runs": (
        shared("return self.relu(self.head(x))")
        + "\n    def head(self, x):\n        return self.relu(self.fc(x))\n",
        shared(
            "return self.relu(self.head(x))",
            init=(RELU, FC, "self.relu2 = nn.ReLU()"),
        )
        + "\n    def head(self, x):\n        return self.relu2(self.fc(x))\n",
    ),
    "subclass-that-calls-it": (
        shared()
        + "\n\nclass Sub(Net):\n    def forward(self, x):\n        return self.relu(self.fc(x))\n",
        shared(
            "return self.relu2(self.fc(self.relu(x)))", init=(RELU, FC, "self.relu2 = nn.ReLU()")
        )
        + "\n\nclass Sub(Net):\n    def forward(self, x):\n        return self.relu(self.fc(x))\n",
    ),
    "fused-by-name-elsewhere": (
        shared() + '\n\ndef fuse(m):\n    fuse_modules(m, [["fc", "relu"]])\n',
        shared(
            "return self.relu2(self.fc(self.relu(x)))", init=(RELU, FC, "self.relu2 = nn.ReLU()")
        )
        + '\n\ndef fuse(m):\n    fuse_modules(m, [["fc", "relu"]])\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), REWRITTEN.values(), ids=REWRITTEN)
def test_gives_each_call_its_own(before: str, after: str) -> None:
    holds(UnshareModules, before, after)


def test_losses_are_split_where_they_are_asked_for() -> None:
    loss = "self.loss = nn.MSELoss()"
    before = shared("return self.loss(x, x) + self.loss(x, -x)", init=(loss,))
    after = shared(
        "return self.loss(x, x) + self.loss2(x, -x)",
        init=(loss, "self.loss2 = nn.MSELoss()"),
    )
    holds(UnshareModules, before, after, only=["@loss"])
