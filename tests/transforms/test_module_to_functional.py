"""module-to-functional: where an attribute is more than its calls first, then what is written."""

from __future__ import annotations

import pytest
from marked_cases import HEAD, NO_F, holds, net, stays

from codemod.testing import check_examples
from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
RELU = "self.relu = nn.ReLU()"
CALL = "return self.relu(self.fc(x))"
DONE = net("return F.relu(self.fc(x))")


def marked_init(code: str, line: str = RELU) -> tuple[str, ...]:
    return (FC, f"{line}  #! {code}")


def relu(code: str, *, body: str = "", below: str = "", line: str = RELU) -> str:
    """The plain case, refused for what stands in the class body or below the class."""
    text = net(CALL, init=marked_init(code, line), head=NO_F)
    return text.replace(":\n    def __init__", f":\n{body}    def __init__", 1) + below


def test_examples() -> None:
    check_examples(ModuleToFunctional)


NOT_OURS = {
    "layer-with-parameters": net("return self.act(x)", init=("self.act = nn.PReLU()",), head=NO_F),
    "layer-of-the-project": net("return self.relu(x)", init=(RELU,), head="from layers import nn\n")
    .replace("nn.Module", "torch.nn.Module")
    .replace("from", "import torch.nn\nfrom", 1),
    "layer-in-a-module-list": net(
        "return x", init=("self.acts = nn.ModuleList([nn.ReLU() for _ in range(3)])",), head=NO_F
    ),
    "layer-of-a-parameter": net(
        "return self.act(x)", init=("self.act = act_layer()",), taken="act_layer", head=NO_F
    ),
    "shared-instance": net("return self.act(x)", init=("self.act = act",), taken="act", head=NO_F),
    "layer-in-a-local": net("act = nn.ReLU()", "return act(x)", head=NO_F),
    "identity-has-no-functional": net(
        "return self.a(x)", init=("self.a = nn.Identity()",), head=NO_F
    ),
    "normalization-holds-state": net(
        "return self.n(x)", init=("self.n = nn.LayerNorm(4, elementwise_affine=False)",), head=NO_F
    ),
    "nn-is-a-parameter": net("return self.relu(x)", init=(RELU,), taken="nn", head=NO_F),
    "not-a-module-class": NO_F
    + "\n\nclass Helper:\n    def __init__(self):\n        self.relu = nn.ReLU()\n",
    "layer-of-another-object": net(
        "return x", init=("self.inner = Inner()", "self.inner.relu = nn.ReLU()"), head=NO_F
    ),
    "layer-in-setattr": net(
        "return self.relu(x)", init=('setattr(self, "relu", nn.ReLU())',), head=NO_F
    ),
    "layer-in-add-module": net(
        "return self.relu(x)", init=('self.add_module("relu", nn.ReLU())',), head=NO_F
    ),
}


@pytest.mark.parametrize("source", NOT_OURS.values(), ids=NOT_OURS)
def test_leaves_what_is_none_of_its_business(source: str) -> None:
    stays(ModuleToFunctional, source)


REFUSED = {
    "class-attribute": NO_F
    + "\n\nclass Net(nn.Module):\n    relu = nn.ReLU()  #! class-attribute\n"
    "\n    def forward(self, x):\n        return self.relu(x)\n",
    # how the attribute is set
    "set-to-none-first": net(
        CALL, init=(FC, "self.relu = None  #! assigned-more-than-once", RELU), head=NO_F
    )
    .replace("None  #! assigned-more-than-once", "None")
    .replace("nn.ReLU()", "nn.ReLU()  #! assigned-more-than-once"),
    "set-in-both-branches": net(
        CALL,
        init=(
            FC,
            "if a:",
            "    self.relu = nn.ReLU()  #! assigned-more-than-once",
            "else:",
            "    self.relu = nn.GELU()",
        ),
        taken="a",
        head=NO_F,
    ),
    "set-in-a-loop": net(
        CALL,
        init=(FC, "for i in range(2):", "    self.relu = nn.ReLU()  #! assigned-more-than-once"),
        head=NO_F,
    ),
    "set-in-a-try": net(
        CALL,
        init=(
            FC,
            "try:",
            "    self.relu = nn.ReLU()  #! assigned-more-than-once",
            "except E:",
            "    pass",
        ),
        head=NO_F,
    ),
    "set-again-in-another-method": relu(
        "assigned-more-than-once", below="\n    def fuse(self):\n        self.relu = None\n"
    ),
    "set-outside-init": net("return self.relu(x)", head=NO_F)
    + "\n    def build(self):\n        self.relu = nn.ReLU()  #! assigned-more-than-once\n",
    "deleted": relu(
        "assigned-more-than-once", below="\n    def fuse(self):\n        del self.relu\n"
    ),
    "two-targets": net(
        CALL, init=(FC, "self.relu = self.act = nn.ReLU()  #! assigned-more-than-once"), head=NO_F
    ),
    "local-and-attribute": net(
        CALL, init=(FC, "act = self.relu = nn.ReLU()  #! assigned-more-than-once"), head=NO_F
    ),
    "class-attribute-as-well": relu("assigned-more-than-once", body="    relu = None\n\n"),
    "set-by-setattr": relu(
        "named-in-string", below='\n    def off(self):\n        setattr(self, "relu", None)\n'
    ),
    # what else it is used for
    "passed-as-a-value": relu(
        "used-as-value", below="\n    def run(self, x):\n        return checkpoint(self.relu, x)\n"
    ),
    "mapped": relu(
        "used-as-value", below="\n    def run(self, xs):\n        return map(self.relu, xs)\n"
    ),
    "put-into-a-sequential": relu(
        "used-as-value",
        below="\n    def body(self):\n        return nn.Sequential(self.fc, self.relu)\n",
    ),
    "its-flag-is-set": relu(
        "used-as-value", below="\n    def off(self):\n        self.relu.inplace = False\n"
    ),
    "hook-on-itself": relu(
        "used-as-value",
        below="\n    def watch(self, f):\n        self.relu.register_forward_hook(f)\n",
    ),
    "never-called": net("return x", init=marked_init("never-called"), head=NO_F),
    "used-in-a-nested-function-as-a-value": relu(
        "used-as-value",
        below="\n    def run(self, x):\n        return [f(x) for f in (self.relu, self.fc)]\n",
    ),
    "hook-from-outside": relu(
        "used-outside", below="\n\ndef watch(m, f):\n    m.relu.register_forward_hook(f)\n"
    ),
    "flag-set-from-outside": relu(
        "used-outside", below="\n\ndef off(m):\n    m.relu.inplace = False\n"
    ),
    "getattr-from-outside": relu(
        "named-in-string", below='\n\ndef get(m):\n    return getattr(m, "relu")\n'
    ),
    "getattr-of-an-f-string": relu(
        "named-in-string",
        below='\n    def run(self, x, i):\n        return getattr(self, f"rel{i}")(x)\n',
    ),
    "getattr-of-a-sum-of-strings": relu(
        "named-in-string",
        below='\n    def run(self, x, i):\n        return getattr(self, "rel" + i)(x)\n',
    ),
    "getattr-of-a-format": relu(
        "named-in-string",
        below='\n    def run(self, x, i):\n        return getattr(self, "re%s" % i)(x)\n',
    ),
    "asked-for-among-its-modules": relu(
        "named-in-string",
        below='\n    def has(self):\n        return "relu" in self._modules\n',
    ),
    "taken-from-a-table-of-modules": relu(
        "named-in-string",
        below="\n\ndef hook(m):\n    table = dict(m.named_modules())\n"
        '    table["relu"].register_forward_hook(print)\n',
    ),
    "get-submodule": relu(
        "named-in-string", below='\n\ndef get(m):\n    return m.get_submodule("layer1.relu")\n'
    ),
    "fuse-modules": relu(
        "named-in-string",
        below='\n\ndef fuse(m):\n    fuse_modules(m, [["fc", "relu"]], inplace=True)\n',
    ),
    "return-nodes": relu("named-in-string", below='\n\nNODES = {"layer1.relu": "features"}\n'),
    "swept-by-type": relu(
        "swept-by-type",
        below="\n\ndef off(m):\n    for one in m.modules():\n"
        "        if isinstance(one, nn.ReLU):\n            one.inplace = False\n",
    ),
    "swept-by-type-among-several": relu(
        "swept-by-type", below="\n\ndef is_act(m):\n    return isinstance(m, (nn.GELU, nn.ReLU))\n"
    ),
    "swept-by-exact-type": relu(
        "swept-by-type", below="\n\ndef is_act(m):\n    return type(m) is nn.ReLU\n"
    ),
    "sweeps-its-children": relu(
        "sweeps-children",
        below="\n    def body(self):\n        return nn.Sequential(*list(self.children())[:-1])\n",
    ),
    # what it was built with
    "random-argument": net(
        "return self.dropout(x)",
        init=("self.dropout = nn.Dropout(random())  #! argument-not-static",),
        head=NO_F,
    ),
    "draws-in-a-branch": net(
        "return self.dropout(x)",
        init=("self.dropout = nn.Dropout(random() if p is None else p)  #! argument-not-static",),
        taken="p",
        head=NO_F,
    ),
    "named-by-a-walrus": net(
        "return self.dropout(x)",
        init=("self.dropout = nn.Dropout((q := p / 2))  #! argument-not-static", "self.q = q"),
        taken="p",
        head=NO_F,
    ),
    "comment-in-a-value-that-would-be-kept": net(
        "return self.dropout(x)",
        init=(
            "self.dropout = nn.Dropout(  #! argument-not-static",
            "    p",
            "    # halved",
            "    / 2",
            ")",
        ),
        taken="p",
        head=NO_F,
    ),
    "behind-what-its-value-hangs-on-in-one-line": net(
        "return self.dropout(x)",
        init=("p = p / 2; self.dropout = nn.Dropout(p)  #! argument-not-static",),
        taken="p",
        head=NO_F,
    ),
    "its-rate-is-set": net(
        "self.d.p = 0.1",
        "return self.d(x)",
        init=("self.d = nn.Dropout(0.5)  #! used-as-value",),
        head=NO_F,
    ),
    "its-rate-is-read-and-it-is-never-called": net(
        "return f(x, self.d.p)",
        init=("self.d = nn.Dropout(0.5)  #! never-called",),
        head=NO_F,
    ),
    "rate-hidden-where-it-is-read": net(
        "x = self.d(x)",
        "return [f(x, self.d.p) for P in x]",
        init=("self.d = nn.Dropout(P)  #! argument-not-static",),
        head=NO_F + "\nP = 0.5\n",
    ),
    "attribute-that-is-no-setting": net(
        "return self.d(x) if self.d.training else x",
        init=("self.d = nn.Dropout(0.5)  #! used-as-value",),
        head=NO_F,
    ),
    "setting-of-a-layer-that-changes-it": net(
        "return self.p(x) * self.p.stride",
        init=("self.p = nn.MaxPool2d(2)  #! used-as-value",),
        head=NO_F,
    ),
    "star-constructor": net(
        "return self.pool(x)",
        init=("self.pool = nn.MaxPool2d(*sizes)  #! star-arguments",),
        taken="sizes",
        head=NO_F,
    ),
    "double-star-constructor": net(
        "return self.pool(x)",
        init=("self.pool = nn.MaxPool2d(**cfg)  #! star-arguments",),
        taken="cfg",
        head=NO_F,
    ),
    "star-call": net("return self.relu(*x)", init=marked_init("star-arguments"), head=NO_F),
    "loss-with-a-weight-holds-a-buffer": net(
        "return self.loss(x, y)",
        init=("self.loss = nn.CrossEntropyLoss(weight=w)  #! stateful",),
        parameters="x, y",
        taken="w",
        head=NO_F,
    ),
    "loss-with-a-pos-weight-holds-a-buffer": net(
        "return self.loss(x, y)",
        init=("self.loss = nn.BCEWithLogitsLoss(pos_weight=w)  #! stateful",),
        parameters="x, y",
        taken="w",
        head=NO_F,
    ),
    # where it is called
    "called-in-init": net(
        CALL, init=(*marked_init("in-init"), "self.n = self.relu(torch.ones(3))"), head=NO_F
    ),
    "called-in-an-f-string": net(
        'print(f"{self.relu(x)}")', "return x", init=marked_init("in-f-string"), head=NO_F
    ),
    "called-in-a-default-of-an-inner-function": net(
        "def act(y=self.relu(x)):",
        "    return y",
        "return act()",
        init=marked_init("in-default"),
        head=NO_F,
    ),
    "dropout-under-a-train-override": net(
        "return self.d(x)", init=("self.d = nn.Dropout(0.5)  #! custom-train",), head=NO_F
    )
    + "\n    def train(self, mode=True):\n        return self\n",
    "dropout-put-in-a-mode-of-its-own": net(
        "return self.d(x)", init=("self.d = nn.Dropout(0.5)  #! used-as-value",), head=NO_F
    )
    + "\n    def sample(self):\n        self.d.train()\n",
    # class shape
    "in-constants": relu("scripted", body='    __constants__ = ["relu"]\n\n'),
    "scripted-class": relu("scripted").replace("class Net", "@torch.jit.script\nclass Net"),
    "custom-getattr": relu(
        "custom-attributes", below="\n    def __getattr__(self, name):\n        return 1\n"
    ),
    "generated": "# This file was automatically generated from modular_net.py.\n"
    + relu("generated"),
    "copied-class": relu("copied").replace("class Net", "# Copied from other.Net\nclass Net"),
    "copied-method-that-calls-it": relu("copied").replace(
        "    def forward", "    # Copied from other.Net.forward\n    def forward"
    ),
    "copied-init": relu("copied").replace(
        "    def __init__", "    # Copied from other.Net.__init__\n    def __init__"
    ),
    "unknown-base": relu("unknown-base").replace("nn.Module", "make_base()"),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(ModuleToFunctional, source)


ELSEWHERE = {
    "subclass-sets-it": (
        "used-in-family",
        "from net import Net\n\n\nclass Child(Net):\n    def __init__(self):\n"
        "        super().__init__()\n        self.relu = None\n",
    ),
    "hook-in-another-file": (
        "used-outside",
        "def watch(m, f):\n    m.relu.register_forward_hook(f)\n",
    ),
    "string-in-another-file": ("named-in-string", 'def get(m):\n    return getattr(m, "relu")\n'),
    "fused-in-another-file": ("named-in-string", 'PAIRS = [["fc", "relu"]]\n'),
    "nested-path-in-another-file": ("named-in-string", 'HOOKED = "encoder.relu"\n'),
    "swept-in-another-file": (
        "swept-by-type",
        "from torch import nn\n\n\ndef off(m):\n    for one in m.modules():\n"
        "        if isinstance(one, nn.ReLU):\n            one.inplace = False\n",
    ),
    "swept-in-another-file-by-bare-name": (
        "swept-by-type",
        "from torch.nn import ReLU\n\n\ndef is_act(m):\n    return isinstance(m, ReLU)\n",
    ),
}


@pytest.mark.parametrize(("code", "other"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_refuses_for_what_another_file_does(code: str, other: str) -> None:
    stays(ModuleToFunctional, relu(code), files={"other.py": other})


HARMLESS = {
    "functional-of-the-same-name": "import torch.nn.functional as F\n\n\ndef act(x):\n"
    "    return F.relu(x)\n",
    "tensor-method-of-the-same-name": "def act(x):\n    return x.relu()\n",
    "string-alone": 'NAMES = {"relu": 1}\n',
    "another-class-with-its-own": (
        "import torch.nn as nn\n\n\nclass Other(nn.Module):\n    def forward(self, x):\n"
        "        return self.relu(x)\n"
    ),
    "comment": "# m.relu.inplace = False\n",
    "registry-by-name": 'def pick(name):\n    return {"relu": 1, "gelu": 2}[name]\n',
}


@pytest.mark.parametrize("other", HARMLESS.values(), ids=HARMLESS)
def test_is_not_held_back_by(other: str) -> None:
    holds(
        ModuleToFunctional, net(CALL, init=(FC, RELU), head=NO_F), DONE, files={"other.py": other}
    )


WRITTEN = {
    "reused-module-is-one-rewrite": (
        net("x = self.relu(self.fc(x))", "return self.relu(x)", init=(FC, RELU), head=NO_F),
        net("x = F.relu(self.fc(x))", "return F.relu(x)"),
    ),
    "nested-calls-of-one-module": (
        net("return self.relu(self.relu(x))", init=(FC, RELU), head=NO_F),
        net("return F.relu(F.relu(x))"),
    ),
    "nested-calls-of-two-modules": (
        net(
            "return self.d(self.relu(self.fc(x)))",
            init=(FC, RELU, "self.d = nn.Dropout(0.2)"),
            head=NO_F,
        ),
        net("return F.dropout(F.relu(self.fc(x)), 0.2, training=self.training)"),
    ),
    "in-place-by-position-stays": (
        net(CALL, init=(FC, "self.relu = nn.ReLU(True)"), head=NO_F),
        net("return F.relu(self.fc(x), True)"),
    ),
    "dropout-in-place-by-position-is-not-training": (
        net("return self.d(x)", init=(FC, "self.d = nn.Dropout(0.5, True)"), head=NO_F),
        net("return F.dropout(x, 0.5, training=self.training, inplace=True)"),
    ),
    "dropout-default-probability": (
        net("return self.d(x)", init=(FC, "self.d = nn.Dropout()"), head=NO_F),
        net("return F.dropout(x, training=self.training)"),
    ),
    "alpha-dropout-default-is-off": (
        net("return self.d(x)", init=(FC, "self.d = nn.AlphaDropout(0.1)"), head=NO_F),
        net("return F.alpha_dropout(x, 0.1, training=self.training)"),
    ),
    "rrelu-training": (
        net("return self.a(x)", init=(FC, "self.a = nn.RReLU()"), head=NO_F),
        net("return F.rrelu(x, training=self.training)"),
    ),
    "max-pool-positions-five-and-six-swap": (
        net(
            "return self.p(x)",
            init=(FC, "self.p = nn.MaxPool2d(3, 2, 1, 1, False, True)"),
            head=NO_F,
        ),
        net("return F.max_pool2d(x, 3, 2, 1, 1, ceil_mode=True)"),
    ),
    "gelu-approximate-is-keyword-only": (
        net("return self.a(x)", init=(FC, 'self.a = nn.GELU("tanh")'), head=NO_F),
        net('return F.gelu(x, approximate="tanh")'),
    ),
    "upsampling-bilinear-aligns-corners": (
        net(
            "return self.u(x)",
            init=(FC, "self.u = nn.UpsamplingBilinear2d(scale_factor=2)"),
            head=NO_F,
        ),
        net('return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)'),
    ),
    "flatten-starts-at-one": (
        net(
            "return self.f(self.fc(x))",
            init=(FC, "self.f = nn.Flatten()"),
            head="import torch.nn as nn\n",
        ),
        net("return torch.flatten(self.fc(x), 1)", head="import torch\nimport torch.nn as nn\n"),
    ),
    "softmax-2d": (
        net("return self.s(x)", init=(FC, "self.s = nn.Softmax2d()"), head=NO_F),
        net("return F.softmax(x, dim=-3)"),
    ),
    "sigmoid": (
        net("return self.s(x)", init=(FC, "self.s = nn.Sigmoid()"), head=NO_F),
        net("return torch.sigmoid(x)", head=NO_F),
    ),
    "constant-pad-int-becomes-four": (
        net("return self.p(x)", init=(FC, "self.p = nn.ConstantPad2d(1, 0.5)"), head=NO_F),
        net("return F.pad(x, (1, 1, 1, 1), value=0.5)"),
    ),
    "stored-parameter-is-read-from-the-attribute": (
        net(
            "return self.d(x)",
            init=("self.p = p", "self.d = nn.Dropout(p)", FC),
            taken="p",
            head=NO_F,
        ),
        net(
            "return F.dropout(x, self.p, training=self.training)",
            init=("self.p = p", FC),
            taken="p",
        ),
    ),
    "rate-read-of-the-module": (
        net(
            "return self.d(x) if a else f(x, self.d.p)",
            init=("self.d = nn.Dropout(0.5)", FC),
            head=NO_F,
        ),
        net(
            "return F.dropout(x, 0.5, training=self.training) if a else f(x, 0.5)",
            init=(FC,),
        ),
    ),
    "rate-of-a-parameter-read-of-the-module": (
        net(
            "return sdpa(self.d(x), self.d.p)",
            init=("self.d = nn.Dropout(p)", FC),
            taken="p",
            head=NO_F,
        ),
        net(
            "return sdpa(F.dropout(x, self.p, training=self.training), self.p)",
            init=("self.p = p", FC),
            taken="p",
        ),
    ),
    "default-rate-read-of-the-module": (
        net("return sdpa(self.d(x), self.d.p)", init=("self.d = nn.Dropout()", FC), head=NO_F),
        net("return sdpa(F.dropout(x, training=self.training), 0.5)", init=(FC,)),
    ),
    "same-in-both-branches": (
        net(
            CALL,
            init=(
                "if a:",
                "    self.b = 1",
                "    self.relu = nn.ReLU()",
                "else:",
                "    self.b = 2",
                "    self.relu = nn.ReLU()",
                FC,
            ),
            taken="a",
            head=NO_F,
        ),
        net(
            "return F.relu(self.fc(x))",
            init=("if a:", "    self.b = 1", "else:", "    self.b = 2", FC),
            taken="a",
        ),
    ),
    "file-constant": (
        net("return self.d(x)", init=("self.d = nn.Dropout(P)", FC), head=NO_F + "\nP = 0.5\n"),
        net("return F.dropout(x, P, training=self.training)", head=HEAD + "\nP = 0.5\n"),
    ),
    "conditional-and-closure-and-comprehension": (
        net(
            "def act(y):",
            "    return self.relu(y)",
            "",
            "y = [self.relu(i) for i in x]",
            "return self.relu(x) if y else (lambda z: self.relu(z))(act(x))",
            init=(FC, RELU),
            head=NO_F,
        ),
        net(
            "def act(y):",
            "    return F.relu(y)",
            "",
            "y = [F.relu(i) for i in x]",
            "return F.relu(x) if y else (lambda z: F.relu(z))(act(x))",
        ),
    ),
    "annotated-layer": (
        net(CALL, init=(FC, "self.relu: nn.Module = nn.ReLU()"), head=NO_F),
        DONE,
    ),
    "input-by-keyword": (
        net("return self.relu(input=self.fc(x))", init=(FC, RELU), head=NO_F),
        net("return F.relu(input=self.fc(x))"),
    ),
    "walrus-in-the-input": (
        net("return self.d(y := self.fc(x)) + y", init=(FC, "self.d = nn.Dropout(0.5)"), head=NO_F),
        net("return F.dropout(y := self.fc(x), 0.5, training=self.training) + y"),
    ),
    "only-layer-of-an-if": (
        net(
            "return self.d(x) if self.p else x",
            init=(FC, "self.p = p", "if p > 0:", "    self.d = nn.Dropout(0.5)"),
            taken="p",
            head=NO_F,
        ),
        net(
            "return F.dropout(x, 0.5, training=self.training) if self.p else x",
            init=(FC, "self.p = p"),
            taken="p",
        ),
    ),
    "only-layer-of-an-else": (
        net(
            "return self.d(x)",
            init=(FC, "if p:", "    self.n = 1", "else:", "    self.d = nn.Dropout(0.5)"),
            taken="p",
            head=NO_F,
        ),
        net(
            "return F.dropout(x, 0.5, training=self.training)",
            init=(FC, "if p:", "    self.n = 1", "else:", "    pass"),
            taken="p",
        ),
    ),
    "whole-init-of-layers": (
        net("return self.relu(x)", init=(RELU,), head=NO_F),
        net("return F.relu(x)", init=()),
    ),
    "F-is-a-local-at-the-call": (
        net("B, C, F = x.shape", "return self.relu(x)", init=(FC, RELU), head=NO_F),
        net(
            "B, C, F = x.shape",
            "return torch_F.relu(x)",
            head=NO_F + "import torch.nn.functional as torch_F\n",
        ),
    ),
    "F-is-another-package": (
        net(
            CALL,
            init=(FC, RELU),
            head="import torch.nn as nn\nfrom fractions import Fraction as F\n",
        ),
        net(
            "return torch_F.relu(self.fc(x))",
            head="import torch.nn as nn\nimport torch.nn.functional as torch_F\n"
            "from fractions import Fraction as F\n",
        ),
    ),
    "F-is-there-under-its-own-alias": (
        net(
            CALL, init=(FC, RELU), head="import torch.nn as nn\nimport torch.nn.functional as nnf\n"
        ),
        net(
            "return nnf.relu(self.fc(x))",
            head="import torch.nn as nn\nimport torch.nn.functional as nnf\n",
        ),
    ),
    "nn-renamed": (
        net(
            CALL,
            init=(FC, "self.relu = tnn.ReLU()"),
            head="import torch.nn as nn\nimport torch.nn as tnn\n",
        ),
        net(
            "return F.relu(self.fc(x))",
            head="import torch.nn as nn\nimport torch.nn.functional as F\n",
        ),
    ),
    "class-imported-by-name": (
        net(
            CALL,
            init=(FC, "self.relu = ReLU()"),
            head="import torch.nn as nn\nfrom torch.nn import ReLU\n",
        ),
        net(
            "return F.relu(self.fc(x))",
            head="import torch.nn as nn\nimport torch.nn.functional as F\n",
        ),
    ),
    "getattr-of-other-names": (
        net(CALL, 'return getattr(self, f"fc{x}")(x)', init=(FC, RELU), head=NO_F),
        net("return F.relu(self.fc(x))", 'return getattr(self, f"fc{x}")(x)'),
    ),
    "constants-list-another-name": (
        relu("x")
        .replace("  #! x", "")
        .replace(":\n    def __init__", ':\n    __constants__ = ["n"]\n\n    def __init__', 1),
        DONE.replace(":\n    def __init__", ':\n    __constants__ = ["n"]\n\n    def __init__', 1),
    ),
    "looped-over-by-modules-for-initialisation": (
        net(
            CALL,
            init=(
                FC,
                RELU,
                "for m in self.modules():",
                "    if isinstance(m, nn.Linear):",
                "        m.reset_parameters()",
            ),
            head=NO_F,
        ),
        net(
            "return F.relu(self.fc(x))",
            init=(
                FC,
                "for m in self.modules():",
                "    if isinstance(m, nn.Linear):",
                "        m.reset_parameters()",
            ),
        ),
    ),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: str, after: str) -> None:
    holds(ModuleToFunctional, before, after)


def test_only_the_chosen_modules() -> None:
    before = net(
        "return self.d(self.relu(x))", init=(FC, RELU, "self.d = nn.Dropout(0.2)"), head=NO_F
    )
    after = net("return self.d(F.relu(x))", init=(FC, "self.d = nn.Dropout(0.2)"))
    holds(ModuleToFunctional, before, after, only=["relu"])
    holds(ModuleToFunctional, before, after, only=["@activation"])


def test_refuses_a_call_on_a_self_of_another_name() -> None:
    # Whose attribute `this.relu` is takes a look at the tree, and the whole project is searched.
    source = net("return this.relu(x)", init=marked_init("used-outside"), head=NO_F)
    stays(ModuleToFunctional, source.replace("def forward(self,", "def forward(this,"))


KEPT_ARGUMENTS = {
    "parameter-of-init": (
        ("self.dropout = nn.Dropout(rate)",),
        ("self.rate = rate",),
        "F.dropout(x, self.rate, training=self.training)",
    ),
    "setting-of-a-parameter": (
        ("self.dropout = nn.Dropout(p=rate.dropout_rate)",),
        ("self.dropout_rate = rate.dropout_rate",),
        "F.dropout(x, p=self.dropout_rate, training=self.training)",
    ),
    "attribute-that-is-kept-already": (
        ("self.kept = rate", "self.dropout = nn.Dropout(rate)"),
        ("self.kept = rate",),
        "F.dropout(x, self.kept, training=self.training)",
    ),
    "its-name-is-taken": (
        ("self.rate = 3", "self.dropout = nn.Dropout(rate)"),
        ("self.rate = 3", "self.dropout_p = rate"),
        "F.dropout(x, self.dropout_p, training=self.training)",
    ),
    "kept-in-the-place-of-the-layer": (
        ("self.fc = nn.Linear(4, 4)", "", "self.dropout = nn.Dropout(rate)", "", "self.n = 1"),
        ("self.fc = nn.Linear(4, 4)", "", "self.rate = rate", "", "self.n = 1"),
        "F.dropout(x, self.rate, training=self.training)",
    ),
    "kept-later-but-run-before": (
        ("self.dropout = nn.Dropout(rate)", "self.n = self.forward(1)", "self.kept = rate"),
        ("self.rate = rate", "self.n = self.forward(1)", "self.kept = rate"),
        "F.dropout(x, self.rate, training=self.training)",
    ),
    "kept-later": (
        ("self.dropout = nn.Dropout(rate)", "self.n = pick(self.m)", "self.kept = rate"),
        ("self.n = pick(self.m)", "self.kept = rate"),
        "F.dropout(x, self.kept, training=self.training)",
    ),
    "parameter-that-is-set-again": (
        ("self.rate = rate", "rate = rate / 2", "self.dropout = nn.Dropout(rate)"),
        ("self.rate = rate", "rate = rate / 2", "self.dropout_p = rate"),
        "F.dropout(x, self.dropout_p, training=self.training)",
    ),
    "local-of-either-branch": (
        ("if rate:", "    p = rate", "else:", "    p = 0.1", "self.dropout = nn.Dropout(p)"),
        ("if rate:", "    p = rate", "else:", "    p = 0.1", "self.p = p"),
        "F.dropout(x, self.p, training=self.training)",
    ),
    "element-of-a-local": (
        ("rates = to_2tuple(rate)", "self.dropout = nn.Dropout(rates[1])"),
        ("rates = to_2tuple(rate)", "self.dropout_p = rates[1]"),
        "F.dropout(x, self.dropout_p, training=self.training)",
    ),
    "setting-with-a-default": (
        ('self.dropout = nn.Dropout(getattr(rate, "p", 0.1))',),
        ('self.dropout_p = getattr(rate, "p", 0.1)',),
        "F.dropout(x, self.dropout_p, training=self.training)",
    ),
    "over-several-lines": (
        ("self.dropout = nn.Dropout(", "    rate.first", "    if rate.first", "    else 0.1", ")"),
        ("self.dropout_p = (rate.first", "    if rate.first", "    else 0.1)"),
        "F.dropout(x, self.dropout_p, training=self.training)",
    ),
    "setting-that-changes-after-its-first-use": (
        (
            "self.first = nn.PReLU(rate.p)",
            "rate.p = rate.p / 2",
            "self.dropout = nn.Dropout(rate.p)",
        ),
        ("self.first = nn.PReLU(rate.p)", "rate.p = rate.p / 2", "self.dropout_p = rate.p"),
        "F.dropout(x, self.dropout_p, training=self.training)",
    ),
    "setting-under-the-condition-of-the-layer": (
        ("if rate:", "    self.dropout = nn.Dropout(rate.p)"),
        ("if rate:", "    self.p = rate.p"),
        "F.dropout(x, self.p, training=self.training)",
    ),
    "attribute-that-is-set-again-further-down": (
        ("self.p = rate", "self.dropout = nn.Dropout(self.p)", "self.p = 0.1"),
        ("self.p = rate", "self.dropout_p = self.p", "self.p = 0.1"),
        "F.dropout(x, self.dropout_p, training=self.training)",
    ),
    "in-both-branches": (
        (
            "if rate:",
            "    self.dropout = nn.Dropout(rate.p)",
            "else:",
            "    rate = Defaults()",
            "    self.dropout = nn.Dropout(rate.p)",
        ),
        (
            "if rate:",
            "    self.p = rate.p",
            "else:",
            "    rate = Defaults()",
            "    self.p = rate.p",
        ),
        "F.dropout(x, self.p, training=self.training)",
    ),
    "beside-the-layer-not-the-block-that-is-given-it": (
        (
            "self.block = Block(rate)",
            "self.fc = nn.Linear(4, 4)",
            "self.dropout = nn.Dropout(rate)",
        ),
        ("self.block = Block(rate)", "self.fc = nn.Linear(4, 4)", "self.rate = rate"),
        "F.dropout(x, self.rate, training=self.training)",
    ),
    "kept-under-the-condition-of-the-layer": (
        ("if rate:", "    self.dropout = nn.Dropout(rate)"),
        ("self.rate = rate",),
        "F.dropout(x, self.rate, training=self.training)",
    ),
}


@pytest.mark.parametrize(("before", "after", "call"), KEPT_ARGUMENTS.values(), ids=KEPT_ARGUMENTS)
def test_keeps_what_the_constructor_was_given(
    before: tuple[str, ...], after: tuple[str, ...], call: str
) -> None:
    both = "import torch.nn.functional as F\n"
    source = net("return self.dropout(x)", init=before, taken="rate", head=NO_F)
    wanted = net(f"return {call}", init=after, taken="rate", head=NO_F)
    wanted = wanted.replace("import torch.nn as nn\n", "import torch.nn as nn\n" + both, 1)
    holds(ModuleToFunctional, source, wanted)


ASKS = {
    "hasattr": "def f(m):\n    if hasattr(m, 'rate'):\n        m.stop()\n",
    "getattr-with-a-default": "def f(m):\n    return getattr(m, 'rate', 0.0)\n",
    "set-from-outside": "def f(m):\n    m.rate = 0.0\n",
}


@pytest.mark.parametrize("code", ASKS.values(), ids=ASKS)
def test_a_kept_parameter_takes_no_name_that_other_code_asks_for(code: str) -> None:
    holds(
        ModuleToFunctional,
        net("return self.drop(x)", init=("self.drop = nn.Dropout(rate)",), taken="rate"),
        net(
            "return F.dropout(x, self.drop_p, training=self.training)",
            init=("self.drop_p = rate",),
            taken="rate",
        ),
        files={"use.py": code},
    )


def test_a_constant_that_a_parameter_of_forward_hides_is_kept() -> None:
    init = ("self.dropout = nn.Dropout(P)",)
    head = "import torch.nn as nn\nimport torch.nn.functional as F\n\nP = 0.5\n"
    holds(
        ModuleToFunctional,
        net("return self.dropout(x)", init=init, parameters="x, P=1", head=head),
        net(
            "return F.dropout(x, self.dropout_p, training=self.training)",
            init=("self.dropout_p = P",),
            parameters="x, P=1",
            head=head,
        ),
    )


@pytest.mark.parametrize(
    ("value", "first"), [("rate", "rate"), ("rate.p", "a_p")], ids=["local", "setting"]
)
def test_two_values_of_one_expression_are_kept_apart(value: str, first: str) -> None:
    change = f"{value} = {value} / 2"
    both = "import torch.nn as nn\nimport torch.nn.functional as F\n"
    holds(
        ModuleToFunctional,
        net(
            "x = self.a(x)",
            "return self.b(x)",
            init=(f"self.a = nn.Dropout({value})", change, f"self.b = nn.Dropout({value})"),
            taken="rate",
            head=both,
        ),
        net(
            f"x = F.dropout(x, self.{first}, training=self.training)",
            "return F.dropout(x, self.b_p, training=self.training)",
            init=(f"self.{first} = {value}", change, f"self.b_p = {value}"),
            taken="rate",
            head=both,
        ),
    )


def test_one_parameter_of_two_layers_is_kept_once() -> None:
    init = ("self.first = nn.Dropout(rate)", "self.second = nn.Dropout(rate)")
    source = net("return self.second(self.first(x))", init=init, taken="rate", head=NO_F)
    wanted = net(
        "return F.dropout(",
        "    F.dropout(x, self.rate, training=self.training),",
        "    self.rate,",
        "    training=self.training,",
        ")",
        init=("self.rate = rate",),
        taken="rate",
        head=NO_F,
    )
    both = "import torch.nn as nn\nimport torch.nn.functional as F\n"
    wanted = wanted.replace("import torch.nn as nn\n", both, 1)
    holds(ModuleToFunctional, source, wanted)
