"""The last layers of an nn.Sequential go out of it where they hold no state; no key moves."""

from __future__ import annotations

import pytest
import torch
from marked_cases import HEAD, NO_F, holds, net, stays
from test_executed import build, observe

from codemod.testing import confirm_rewrite
from codemod.transforms.module_to_functional import ModuleToFunctional

DICT_HEAD = "from collections import OrderedDict\n\n"
BODY = "self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU())"
CALL = "return self.body(x)"

NOT_OURS = {
    "last-layer-has-parameters": ("nn.Sequential(nn.ReLU(), nn.Linear(4, 4))", CALL),
    "layer-in-the-middle": ("nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))", CALL),
    "last-is-a-normalization": (
        "nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4, elementwise_affine=False))",
        CALL,
    ),
    "nothing-would-stay": ("nn.Sequential(nn.ReLU(), nn.Tanh())", CALL),
    "star-arguments": ("nn.Sequential(*layers, nn.ReLU())", CALL),
    "layers-of-a-list": ("nn.Sequential(*[nn.Linear(4, 4), nn.ReLU()])", CALL),
    "module-list": ("nn.ModuleList([nn.Linear(4, 4), nn.ReLU()])", "return x"),
    "sequential-of-the-project": ("Sequential(nn.Linear(4, 4), nn.ReLU())", CALL),
    "ordered-dict-of-a-name": ("nn.Sequential(OrderedDict(layers))", CALL),
}


@pytest.mark.parametrize(("made", "forward"), NOT_OURS.values(), ids=NOT_OURS)
def test_leaves_what_is_none_of_its_business(made: str, forward: str) -> None:
    init = (f"self.body = {made}",)
    stays(ModuleToFunctional, net(forward, init=init, taken="layers", head=DICT_HEAD + NO_F))


def refused(code: str, *forward: str, init: tuple[str, ...] = (BODY,), below: str = "") -> str:
    first, *rest = init
    return net(*forward, init=(f"{first}  #! {code}", *rest), head=NO_F, parameters="x") + below


REFUSED = {
    "indexed": refused("used-as-value", "return self.body[0](x)"),
    "sliced": refused("used-as-value", "return self.body[:-1](x)"),
    "measured": refused("used-as-value", "return self.body(x) * len(self.body)"),
    "iterated": refused("used-as-value", "for one in self.body:", "    x = one(x)", "return x"),
    "passed-on": refused("used-as-value", "return run(self.body, x)"),
    "part-of-another": refused(
        "used-as-value", "return self.all(x)", init=(BODY, "self.all = nn.Sequential(self.body)")
    ),
    "mode-of-its-own": refused("used-as-value", "self.body.eval()", CALL),
    "never-called": refused("never-called", "return x"),
    "assigned-twice": refused("assigned-more-than-once", CALL, init=(BODY, BODY)),
    "made-in-a-method": net(CALL, init=("self.n = 1",), head=NO_F)
    + f"\n    def grow(self):\n        {BODY}  #! assigned-more-than-once\n",
    "used-from-outside": refused(
        "used-outside", CALL, below="\n\ndef f(m):\n    return m.body[1]\n"
    ),
    "named-by-position": refused(
        "named-in-string", CALL, below="\n\nFUSED = fuse_modules(m, [['body.0', 'body.1']])\n"
    ),
    "child-of-the-name-that-it-is-given": refused(
        "used-outside",
        CALL,
        below="\n    parts = ('head',)\n\n\ndef f(m):\n    return m.body.head\n",
    ),
    "another-layer-appended": refused(
        "used-outside", CALL, below="\n\ndef f(m):\n    m.body.append(nn.Tanh())\n"
    ),
    "subclass-uses-it": refused(
        "used-in-family",
        CALL,
        below="\n\nclass Child(Net):\n    def forward(self, x):\n        return self.body[0](x)\n",
    ),
    "layers-looked-for-by-type": refused(
        "swept-by-type",
        CALL,
        below="\n\ndef f(m):\n    return [o for o in m.modules() if isinstance(o, nn.ReLU)]\n",
    ),
    "layers-looked-at-in-every-container": refused(
        "swept-by-type",
        CALL,
        below="\n\ndef f(m):\n    for one in m.modules():\n"
        "        if len(one) > 1 and type(one[1]) is nn.ReLU:\n            fuse(one)\n",
    ),
    "layers-gone-through-in-every-container": refused(
        "swept-by-type",
        CALL,
        below="\n\ndef f(m):\n    for one in m.modules():\n        for layer in one:\n"
        "            if type(layer) is nn.ReLU:\n                fuse(layer)\n",
    ),
    "loss-with-a-state": refused(
        "stateful", CALL, init=("self.body = nn.Sequential(a, nn.NLLLoss(weight=1))",)
    ).replace("def __init__(self)", "def __init__(self, a)"),
    "input-by-keyword": refused("unusual-call", "return self.body(input=x)"),
    "star-in-the-call": refused("star-arguments", "return self.body(*x)"),
    "argument-of-the-layer-is-not-kept": refused(
        "argument-not-static", CALL, init=("self.body = nn.Sequential(a, nn.Dropout(pick()))",)
    ).replace("def __init__(self)", "def __init__(self, a)"),
    "train-of-its-own": refused(
        "custom-train",
        CALL,
        init=("self.body = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))",),
        below="\n    def train(self, mode=True):\n        self.mode = mode\n        return self\n",
    ),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(ModuleToFunctional, source)


def pair(
    before: tuple[str, ...],
    after: tuple[str, ...],
    forward: str,
    called: str = "return self.body(x)",
    head: str = "",
) -> tuple[str, str]:
    return (
        net(called, init=before, head=head + NO_F),
        net(forward, init=after, head=head + (HEAD if "F." in forward else NO_F)),
    )


WRITTEN = {
    "one": pair(
        (BODY,), ("self.body = nn.Sequential(nn.Linear(4, 4))",), "return F.relu(self.body(x))"
    ),
    "two-in-their-order": pair(
        ("self.body = nn.Sequential(nn.Linear(4, 4), nn.ELU(0.5, True), nn.Softmax(dim=1))",),
        ("self.body = nn.Sequential(nn.Linear(4, 4))",),
        "return F.softmax(F.elu(self.body(x), 0.5, True), dim=1)",
    ),
    "dropout-follows-the-mode": pair(
        ("self.body = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))",),
        ("self.body = nn.Sequential(nn.Linear(4, 4))",),
        "return F.dropout(self.body(x), 0.5, training=self.training)",
    ),
    "a-layer-a-line": pair(
        (
            "self.body = nn.Sequential(",
            "    nn.Linear(4, 4),  # wide",
            "    nn.ReLU(),  # last",
            ")",
        ),
        ("self.body = nn.Sequential(", "    nn.Linear(4, 4),  # wide", "    # last", ")"),
        "return F.relu(self.body(x))",
    ),
    "an-ordered-dict": pair(
        ('self.body = nn.Sequential(OrderedDict([("fc", nn.Linear(4, 4)), ("act", nn.ReLU())]))',),
        ('self.body = nn.Sequential(OrderedDict([("fc", nn.Linear(4, 4))]))',),
        "return F.relu(self.body(x))",
        head=DICT_HEAD,
    ),
    "an-ordered-dict-over-lines": pair(
        (
            "self.body = nn.Sequential(",
            "    OrderedDict(",
            "        [",
            '            ("fc", nn.Linear(4, 4)),',
            '            ("act", nn.ReLU()),',
            "        ]",
            "    )",
            ")",
        ),
        (
            "self.body = nn.Sequential(",
            "    OrderedDict(",
            "        [",
            '            ("fc", nn.Linear(4, 4)),',
            "        ]",
            "    )",
            ")",
        ),
        "return F.relu(self.body(x))",
        head=DICT_HEAD,
    ),
    "called-twice": pair(
        (BODY,),
        ("self.body = nn.Sequential(nn.Linear(4, 4))",),
        "return F.relu(self.body(F.relu(self.body(x))))",
        called="return self.body(self.body(x))",
    ),
    "another-attribute-around-it": pair(
        (BODY, "self.act = nn.LeakyReLU(negative_slope=0.2)"),
        ("self.body = nn.Sequential(nn.Linear(4, 4))",),
        "return F.leaky_relu(F.relu(self.body(x)), negative_slope=0.2)",
        called="return self.act(self.body(x))",
    ),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: str, after: str) -> None:
    holds(ModuleToFunctional, before, after)
    assert observe(before, (), (3, 4)) == observe(after, (), (3, 4))
    build(after, ()).load_state_dict(build(before, ()).state_dict(), strict=True)


def test_a_parameter_of_init_is_kept() -> None:
    holds(
        ModuleToFunctional,
        net(
            CALL,
            init=("self.body = nn.Sequential(nn.Linear(4, 4), nn.Dropout(p))",),
            taken="p",
            head=NO_F,
        ),
        net(
            "return F.dropout(self.body(x), self.p, training=self.training)",
            init=("self.p = p", "self.body = nn.Sequential(nn.Linear(4, 4))"),
            taken="p",
        ),
    )


def test_only_chosen_layers_go() -> None:
    body = "self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Softmax(1))"
    holds(
        ModuleToFunctional,
        net(CALL, init=(body,), head=NO_F),
        net(
            "return F.softmax(self.body(x), 1)",
            init=("self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU())",),
        ),
        only=["softmax"],
    )


ITSELF = "\n    def size(self):\n        return hasattr(self, 'body')\n"
OTHERS = "import torch.nn as nn\n\n\nclass Other(nn.Module):" + ITSELF


def test_another_class_may_ask_itself_for_an_attribute_of_the_name() -> None:
    before, after = WRITTEN["one"]
    holds(ModuleToFunctional, before, after, files={"other.py": OTHERS})


PAIRS = "import torch.nn as nn\n\nBODY = [('fc', nn.Linear(4, 4)), ('body', nn.ReLU())]\n"
TWO = OTHERS.replace("hasattr(self, 'body')", "hasattr(self, 'body') and hasattr(self, 'fc')")


@pytest.mark.parametrize("code", [PAIRS, TWO], ids=["children-of-another", "asked-of-itself"])
def test_a_name_beside_names_of_the_class_may_be_somebody_elses(code: str) -> None:
    fc = ("self.fc = nn.Linear(4, 4)",)
    holds(
        ModuleToFunctional,
        net(CALL, init=(*fc, BODY), head=NO_F),
        net("return F.relu(self.body(x))", init=(*fc, BODY.replace(", nn.ReLU()", ""))),
        files={"other.py": code},
    )


def test_the_class_itself_may_not() -> None:
    stays(ModuleToFunctional, refused("named-in-string", CALL) + ITSELF)


def test_nor_may_a_subclass() -> None:
    child = "from net import Net\n\n\nclass Child(Net):" + ITSELF
    stays(ModuleToFunctional, refused("named-in-string", CALL), files={"child.py": child})


def test_nor_may_a_function_that_may_become_a_method() -> None:
    function = "def size(self):\n    return hasattr(self, 'body')\n"
    stays(ModuleToFunctional, refused("named-in-string", CALL), files={"patch.py": function})


NAMED = "class Holder(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
HOLDS = f"import torch.nn as nn\nfrom net import Net\n\n\n{NAMED}        self.part = Net()\n\n\n"


@pytest.mark.parametrize("path", ["part.body.0.weight", "part.body.to_bias", "part.body.experts"])
def test_keys_of_weights_and_names_that_it_has_not_name_no_layer(path: str) -> None:
    other = f"{HOLDS}RENAMED = {{{path!r}: 'x'}}\n"
    before = net(CALL, init=(BODY,), head=NO_F)
    after = net("return F.relu(self.body(x))", init=("self.body = nn.Sequential(nn.Linear(4, 4))",))
    holds(ModuleToFunctional, before, after, files={"other.py": other})


@pytest.mark.parametrize("path", ["part.body.1", "part.body", "part.body.children"])
def test_what_leads_into_it_does(path: str) -> None:
    other = f"{HOLDS}HOOKED = {path!r}\n"
    stays(ModuleToFunctional, refused("named-in-string", CALL), files={"other.py": other})


def test_is_confirmed() -> None:
    source = WRITTEN["two-in-their-order"][0]
    source += "\n\nif __name__ == '__main__':\n    Net()(torch.randn(2, 4))\n"
    report = confirm_rewrite(ModuleToFunctional, {"net.py": source})
    assert [item.verdict.kind for item in report.outcomes] == ["confirmed"]


def test_keys_stay() -> None:
    """Of an AlexNet in miniature: the classifier's and the features' keys are as they were."""
    before, after = WRITTEN["a-layer-a-line"]
    assert list(build(before, ()).state_dict()) == ["body.0.weight", "body.0.bias"]
    assert list(build(after, ()).state_dict()) == ["body.0.weight", "body.0.bias"]
    assert isinstance(build(after, ()).body, torch.nn.Sequential)


def test_an_attribute_that_no_sequential_has_is_that_of_another() -> None:
    (before, after) = WRITTEN["one"]
    other = "\n\ndef f(m):\n    return m.body.c_fc.weight, m.body.head(1)\n"
    holds(ModuleToFunctional, before + other, after + other)
