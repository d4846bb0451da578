"""One small project for each trap: what is rewritten there, and what is refused."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from codemod import Transform
from codemod.transforms.call_to_forward import CallToForward
from codemod.transforms.dropout_to_module import DropoutToModule
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.hoist_inline_modules import HoistInlineModules
from codemod.transforms.module_to_functional import ModuleToFunctional

M, F, D, C, H = (
    FunctionalToModule,
    ModuleToFunctional,
    DropoutToModule,
    CallToForward,
    HoistInlineModules,
)
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


@dataclass(frozen=True)
class Case:
    """`expected`: summaries of rewrites, and `refused CODE` for refusals, in no order.

    `seen` says whether the rewrites are such that the project's own code would notice.
    """

    transform: type[Transform]
    net: str
    expected: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    seen: bool = False


def net(forward: str, init: str = "", body: str = "", above: str = "", head: str = HEAD) -> str:
    """`net.py`: a model with a layer `fc`, and what a trap adds to it."""
    init = textwrap.indent(f"self.fc = nn.Linear(4, 4)\n{init}".rstrip(), " " * 8)
    forward = textwrap.indent(forward, " " * 8)
    body = textwrap.indent(body + "\n", " " * 4) if body else ""
    return (
        f"{head}{above}\n\nclass Net(nn.Module):\n{body}    def __init__(self):\n"
        f"        super().__init__()\n{init}\n\n    def forward(self, x):\n{forward}\n"
    )


def case(
    transform: type[Transform],
    text: str,
    expected: str | Iterable[str] = (),
    *,
    seen: bool = False,
    **files: str,
) -> Case:
    """`files` by name: `other` is `other.py`, `conf_yaml` is `conf.yaml`."""
    named = {
        name.replace("_yaml", ".yaml") if name.endswith("_yaml")
        else name.replace("_pyi", ".pyi") if name.endswith("_pyi") else f"{name}.py": text
        for name, text in files.items()
    }  # fmt: skip
    wanted = (expected,) if isinstance(expected, str) else tuple(expected)
    return Case(transform, text, wanted, named, seen)


RELU = "self.relu = nn.ReLU()"
CALL = "return self.relu(self.fc(x))"
GONE = "self.relu -> F.relu"
NEW = "F.relu -> self.relu"
PLAIN = net("return F.relu(self.fc(x))")
HELD = net(CALL, RELU)
CHILD = "import torch.nn as nn\nfrom net import Net\n\n\nclass Child(Net):\n"


def tool(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"import torch\nimport torch.nn as nn\nfrom net import Net\n\n\ndef tool(m, x):\n{body}"


REUSE = {
    "one-module-a-site": case(
        M,
        net("return F.relu(self.fc(F.relu(x)))"),
        ("F.relu -> self.relu1", "F.relu -> self.relu2"),
    ),
    "loop-one-site": case(M, net("for l in self.ls:\n    x = F.relu(l(x))\nreturn x"), NEW),
    "comprehension-one-site": case(M, net("return [F.relu(l(x)) for l in self.ls]"), NEW),
    "while-one-site": case(M, net("while x.sum() > 1:\n    x = F.relu(x)\nreturn x"), NEW),
    "name-taken-by-a-float": case(
        D,
        net("return F.dropout(x, self.dropout, self.training)", "self.dropout = 0.1"),
        "F.dropout -> self.dropout1",
    ),
    "name-is-a-method-of-module": case(
        M,
        net("return F.hardtanh(x)", body="def hardtanh(self):\n    return 1\n"),
        "F.hardtanh -> self.hardtanh1",
    ),
    "name-taken-in-a-base": case(
        M,
        PLAIN.replace("nn.Module", "Base").replace("\n\n\n", "\nfrom base import Base\n\n\n", 1),
        "F.relu -> self.relu1",
        base=HEAD + "\n\nclass Base(nn.Module):\n    def f(self):\n        self.relu = 1\n",
    ),
    "name-taken-in-a-subclass": case(
        M, PLAIN, "F.relu -> self.relu1", child=CHILD + "    def f(self):\n        self.relu = 1\n"
    ),
    "name-is-a-class-attribute": case(
        M, net("return F.relu(x)", body="relu = None"), "F.relu -> self.relu1"
    ),
    "name-is-annotated": case(
        M, net("return F.relu(x)", body="relu: float"), "F.relu -> self.relu1"
    ),
    "name-set-from-outside": case(M, PLAIN, "F.relu -> self.relu1", other=tool("m.relu = 1")),
    "children-sliced": case(M, PLAIN, NEW, seen=True, other=tool("list(m.children())[:-1]")),
    "children-unpacked": case(
        F, HELD, GONE, seen=True, other=tool("nn.Sequential(*m.children())(x)")
    ),
    "own-children-swept": case(
        M,
        net("for l in self.children():\n    x = l(x)\nreturn F.relu(x)"),
        "refused sweeps-children",
    ),
    "modules-dict-read": case(F, HELD, "refused named-in-string", other=tool('m._modules["relu"]')),
    "hooked-by-attribute": case(
        F, HELD, "refused used-outside", other=tool("m.relu.register_forward_hook(x)")
    ),
    "getattr-elsewhere": case(
        F, HELD, "refused named-in-string", other=tool('getattr(m, "relu")(x)')
    ),
    "get-submodule": case(
        F, HELD, "refused named-in-string", other=tool('m.get_submodule("layer1.relu")')
    ),
    "fused-by-name": case(
        F, HELD, "refused named-in-string", other=tool('fuse_modules(m, [["fc", "relu"]])')
    ),
    "return-node-name": case(
        F, HELD, "refused named-in-string", other=tool('nodes = {"body.relu": "out"}')
    ),
    "flag-set-from-outside": case(
        F, HELD, "refused used-outside", other=tool("m.relu.inplace = False")
    ),
    "named-in-yaml": case(
        F, HELD, "refused named-in-string", conf_yaml="fuse:\n  - fc\n  - relu\n"
    ),
    "name-put-together": case(
        F,
        net(
            'for i in (1,):\n    x = getattr(self, f"relu{i}")(x)\nreturn self.relu1(x)',
            "self.relu1 = nn.ReLU()",
        ),
        "refused named-in-string",
    ),
    "type-swept": case(
        F,
        HELD,
        "refused swept-by-type",
        other=tool("[n for n in m.modules() if isinstance(n, nn.ReLU)]"),
    ),
    "type-swept-new-layer": case(
        M, PLAIN, NEW, seen=True, other=tool("[n for n in m.modules() if isinstance(n, nn.ReLU)]")
    ),
    "set-to-none-first": case(
        F, net(CALL, f"self.relu = None\n{RELU}"), "refused assigned-more-than-once"
    ),
    "set-under-else": case(
        F,
        net(CALL, f"if self.fc:\n    {RELU}\nelse:\n    self.relu = nn.GELU()"),
        "refused assigned-more-than-once",
    ),
    "set-in-a-loop": case(
        F, net(CALL, f"for i in range(2):\n    {RELU}"), "refused assigned-more-than-once"
    ),
    "set-by-setattr": case(F, net(CALL, 'setattr(self, "relu", nn.ReLU())')),
    "set-by-add-module": case(F, net(CALL, 'self.add_module("relu", nn.ReLU())')),
    "chained-assignment": case(
        F, net(CALL, "self.a = self.relu = nn.ReLU()"), "refused assigned-more-than-once"
    ),
    "made-by-a-factory": case(F, net(CALL, "self.relu = act_layer()")),
    "shared-instance": case(F, net(CALL, "self.relu = act")),
    "deleted": case(
        F,
        net(CALL, RELU, "def fuse(self):\n    del self.relu\n"),
        "refused assigned-more-than-once",
    ),
    "function-as-attribute": case(M, net("return self.act(x)", "self.act = F.relu")),
    "partial-as-attribute": case(M, net("return self.act(x)", "self.act = partial(F.relu, a=1)")),
    "chosen-function": case(M, net("return (F.relu if x.sum() else F.gelu)(x)")),
    "function-as-default": case(M, net("return x", body="def f(self, x, act=F.relu): return x\n")),
}
BODY = "self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))"
CONTAINERS = {
    "middle-of-a-sequential": case(F, net("return self.body(x)", BODY)),
    "sequential-indexed": case(F, net("return self.body[1](x)", BODY)),
    "loss-with-weight": case(
        F,
        net(
            "return self.loss(x, x)",
            "self.loss = nn.CrossEntropyLoss(weight=W)",
            above="\nW = torch.ones(4)\n",
        ),
        "refused stateful",
    ),
}
SHAPES = {
    "before-super": case(
        M, PLAIN.replace("super()", "self.__dict__['a'] = 1\n        super()"), NEW
    ),
    "no-super": case(
        M, PLAIN.replace("super().__init__()", "self.a = 1"), "refused no-super-init"
    ),
    "subclass-skips-init": case(
        M,
        PLAIN,
        "refused subclass-skips-init",
        child=CHILD + "    def __init__(self):\n        super(Net, self).__init__()\n",
    ),
    "used-in-a-subclass": case(
        F, HELD, GONE, child=CHILD + "    def forward(self, x):\n        return self.relu(x)\n"
    ),
    "read-in-a-subclass": case(
        F,
        HELD,
        "refused used-in-family",
        child=CHILD + "    def forward(self, x):\n        return run(self.relu, x)\n",
    ),
    "unresolved-base": case(
        F, HELD.replace("nn.Module", "make_base()"), "refused unknown-base"
    ),
    "no-init": case(
        M,
        f"{HEAD}\n\nclass Base(nn.Module):\n    def __init__(self, width=3):\n"
        "        super().__init__()\n\n\nclass Net(Base):\n    def forward(self, x):\n"
        "        return F.relu(x * 2)\n",
        NEW,
    ),
    "class-attribute-module": case(
        F, net("return self.d(x)", body="d = nn.Dropout(0.5)"), "refused class-attribute"
    ),
    "own-getattr": case(
        F,
        net(CALL, RELU, "def __getattr__(self, name):\n    return 1\n"),
        "refused custom-attributes",
    ),
    "own-slots": case(F, net(CALL, RELU, '__slots__ = ("a",)'), "refused custom-attributes"),
    "own-metaclass": case(
        F, HELD.replace("nn.Module", "nn.Module, metaclass=Meta"), "refused custom-attributes"
    ),
    "dataclass-module": case(
        F, HELD.replace("class Net", "@dataclass\nclass Net"), "refused custom-attributes"
    ),
    "lightning-module": case(
        M, PLAIN.replace("nn.Module", "L.LightningModule").replace(
            HEAD, HEAD + "import lightning as L\n"
        ),
        NEW,
    ),
    "factory-class": case(
        M,
        "def make():\n" + textwrap.indent(PLAIN, "    ") + "    return Net\n",
        NEW,
    ),
    "nested-class": case(
        M, PLAIN.replace("class Net", "class Outer:\n  class Net").replace("\n    ", "\n      "),
        NEW,
    ),
    "forward-is-a-lambda": case(
        M,
        f"{HEAD}\n\nclass Net(nn.Module):\n    forward = lambda self, x: F.relu(x)\n",
        "refused in-class-body",
    ),
}  # fmt: skip
SCOPE = {
    "local-named-F": case(M, net("B, C, F = x.shape\nreturn F.relu(x)")),
    "parameter-named-F": case(M, PLAIN.replace("(self, x)", "(self, x, F)")),
    "comprehension-variable-F": case(M, net("return [F.relu(x) for F in self.fs]")),
    "functional-as-nnf": case(
        M, PLAIN.replace("as F", "as nnf").replace("F.relu", "nnf.relu"), "nnf.relu -> self.relu"
    ),
    "imported-under-another-name": case(
        M,
        PLAIN.replace(
            "import torch.nn.functional as F", "from torch.nn.functional import relu as r"
        ).replace("F.relu", "r"),
        "r -> self.relu",
    ),
    "torch-as-th": case(
        M,
        PLAIN.replace("import torch\n", "import torch as th\n").replace("F.relu", "th.relu"),
        "th.relu -> self.relu",
    ),
    "import-in-a-function": case(
        M,
        net("import torch.nn.functional as G\nreturn G.relu(x)"),
        "G.relu -> self.relu",
    ),
    "file-level-alias": case(
        M, PLAIN.replace("import torch.nn.functional as F", "F = nn.functional"), NEW
    ),
    "two-meanings-of-F": case(M, PLAIN.replace("\n\n\n", "\nimport os as F\n\n\n", 1)),
    "import-under-try": case(
        M,
        PLAIN.replace(
            "import torch.nn.functional as F",
            "try:\n    import torch.nn.functional as F\nexcept ImportError:\n    F = None",
        ),
    ),
    "star-import": case(
        M,
        net("return relu(x * 2)", head=HEAD + "from torch.nn.functional import *\n"),
        "relu -> self.relu",
    ),
    "F-has-no-ReLU": case(M, net("return F.ReLU(x)")),
    "nn-call-builds-a-module": case(F, net("return nn.ReLU(x)")),
    "torch-functions": case(
        M,
        net("return torch.sigmoid(torch.relu(torch.softmax(x, 1)))"),
        ("torch.relu -> self.relu", "torch.sigmoid -> self.sigmoid",
         "torch.softmax -> self.softmax"),
    ),
    "tensor-method": case(M, net("return self.fc(x).relu()"), ".relu -> self.relu"),
    "in-place-functions": case(
        M, net("return torch.relu_(F.relu_(x))"),
        ("F.relu_ -> self.relu1", "torch.relu_ -> self.relu2"),
    ),
    "in-place-kept-to-module": case(M, net("return F.relu(x * 2, inplace=True)"), NEW),
    "in-place-kept-to-functional": case(F, net(CALL, "self.relu = nn.ReLU(True)"), GONE),
}  # fmt: skip
DROP = "self.drop = nn.Dropout(0.5)"
DROPOUT = {
    "dropout-left-on": case(M, net("return F.dropout(x, 0.5)"), "refused dropout-training"),
    "dropout-always-on": case(D, net("return F.dropout(x, 0.5, True)"), "refused always-on"),
    "dropout-by-a-flag": case(
        D, net("return F.dropout(x, 0.5, self.flag)"), "refused training-argument"
    ),
    "dropout-never-on": case(D, net("return F.dropout(x, 0.5, False)"), "refused never-on"),
    "dropout-second-position": case(
        F, net("return self.d(self.fc(x))", "self.d = nn.Dropout(0.5, True)"), "self.d -> F.dropout"
    ),
    "rate-scheduled": case(
        D,
        net("return F.dropout(x, self.p, self.training)", "self.p = 0.1",
            "def step(self):\n    self.p = 0.2\n"),
        "refused argument-reassigned",
    ),
    "rate-scheduled-outside": case(
        D,
        net("return F.dropout(x, self.p, self.training)", "self.p = 0.1"),
        "refused argument-reassigned",
        other=tool("m.p = 0.2"),
    ),
    "rate-set-beside-a-dict": case(
        D,
        net("return F.dropout(x, self.p, self.training)", "self.p = 0.1"),
        "refused argument-reassigned",
        other=tool("m.p = 0.2", 'm.__dict__["a"] = 1'),
    ),
    "rate-is-an-argument": case(
        D,
        net("return F.dropout(x, p, self.training)").replace("(self, x)", "(self, x, p)"),
        "refused argument-not-static",
    ),
    "training-set-by-hand": case(
        D,
        net("return F.dropout(x, 0.5, self.training)"),
        "refused custom-train",
        other=tool("m.training = False"),
    ),
    "train-override": case(
        D,
        net(
            "return F.dropout(x, 0.5, self.training)",
            body="def train(self, mode=True):\n    return self\n",
        ),
        "refused custom-train",
    ),
    "part-in-another-mode": case(
        F, net("return self.drop(x)", DROP), "refused used-outside", other=tool("m.drop.train()")
    ),
    "dropout-built-inline": case(
        H, net("return nn.Dropout(0.5)(self.fc(x))"), "nn.Dropout(0.5) -> self.dropout"
    ),
    "free-function": case(
        M, HEAD + "\n\ndef act(x):\n    return F.relu(x)\n", "refused outside-class"
    ),
    "closure": case(M, net("return (lambda t: F.relu(t))(x)"), NEW),
}  # fmt: skip
ARGUMENTS = {
    "size-of-the-input": case(
        M, net("return F.interpolate(x, size=x.shape[2:])"), "refused argument-not-static"
    ),
    "kernel-of-the-input": case(
        M, net("return F.max_pool2d(x, x.size()[2:])"), "refused argument-not-static"
    ),
    "softmax-dtype": case(
        M, net("return F.softmax(x, 1, dtype=torch.float64)"), "refused no-counterpart"
    ),
    "constructor-argument-ran-once": case(
        F, net("return self.d(x)", "self.d = nn.Dropout(random())"), "refused argument-not-static"
    ),
    "star-arguments": case(M, net("return F.relu(*[x])"), "refused star-arguments"),
    "keyword-input": case(M, net("return F.relu(input=self.fc(x))"), NEW),
    "generator-argument": case(M, net("return F.relu(y for y in x)"), "refused unusual-call"),
    "walrus": case(M, net("return F.relu(y := x) + y"), NEW),
    "comments-between-arguments": case(
        M, net("return F.leaky_relu(\n    x,  # input\n    0.2,  # slope\n)"),
        "F.leaky_relu -> self.leaky_relu",
    ),
}  # fmt: skip
RUN = net("return self.fc(x)").replace("forward", "__call__")
RENAMED = "__call__ -> forward"
CALLS = {
    "call-renamed": case(C, RUN, RENAMED),
    "super-call": case(C, RUN.replace("self.fc(x)", "super().__call__(x)"), "refused super-call"),
    "call-and-forward": case(
        C,
        net("return x", body="def __call__(self, x):\n    return self.forward(x) + 1\n"),
        "refused call-and-forward",
    ),
    "call-delegates": case(
        C,
        net("return x", body="def __call__(self, x):\n    return self.forward(x)\n"),
        "__call__ removed: forward does it",
    ),
    "forward-is-call": case(C, RUN + "\n    forward = __call__\n", RENAMED),
    "call-is-forward": case(
        C, net("return x") + "\n    __call__ = forward\n", "__call__ = forward removed"
    ),
    "call-in-a-family": case(
        C,
        RUN,
        RENAMED,
        child=CHILD + "    def __call__(self, x):\n        return super().__call__(x)\n",
    ),
    "called-by-name": case(C, RUN, RENAMED, other=tool("return Net.__call__(m, x)")),
    "hooks-come-on": case(C, RUN, RENAMED, seen=True, other=tool("m.register_forward_hook(print)")),
    "call-of-no-module": case(C, "class Net:\n    def __call__(self, x):\n        return x\n"),
}
OTHER = {
    "annotated-assignment": case(F, net(CALL, "self.relu: nn.Module = nn.ReLU()"), GONE),
    "tuple-targets": case(
        F,
        net(CALL, "self.relu, self.b = nn.ReLU(), nn.GELU()"),
    ),
    "nested-calls": case(F, net("return self.relu(self.fc(self.relu(x)))", RELU), GONE),
    "in-f-string": case(M, net('return f"{F.relu(x)}"'), "refused in-f-string"),
    "conditional-expression": case(M, net("return F.relu(x) if x.sum() else x"), NEW),
    "passed-as-value": case(
        F, net("return checkpoint(self.relu, x)", RELU), "refused used-as-value"
    ),
    "mapped": case(F, net("return map(self.relu, x)", RELU), "refused used-as-value"),
    "script-constants": case(F, net(CALL, RELU, '__constants__ = ["relu"]'), "refused scripted"),
    "scripted-class": case(
        F, HELD.replace("class Net", "@torch.jit.script\nclass Net"), "refused scripted"
    ),
    "noqa-of-a-layer": case(F, net(CALL, RELU + "  # noqa: E501"), GONE),
    "type-comment": case(M, net("y = F.relu(self.fc(x))  # type: Tensor\nreturn y"), NEW),
    "generated-file": case(
        M, "# This file was automatically generated from x.py.\n" + PLAIN, "refused generated"
    ),
    "copied-class": case(
        M, PLAIN.replace("class Net", "# Copied from other.Net\nclass Net"), "refused copied"
    ),
    "stub-beside": case(F, HELD, "refused declared", net_pyi="class Net:\n    relu: object\n"),
    "named-in-a-protocol": case(
        F,
        HELD,
        "refused declared",
        other="from typing import Protocol\n\n\nclass Has(Protocol):\n    relu: object\n",
    ),
    "named-in-configuration": case(
        F, HELD, "refused named-in-string", conf_yaml="_target_: net.Net\nhook: net.relu\n"
    ),
    "helper-called-twice": case(
        M, net("return self.f(self.f(x))", body="def f(self, x):\n    return F.relu(x)\n"), NEW
    ),
}

CASES = {
    **REUSE, **CONTAINERS, **SHAPES, **SCOPE, **DROPOUT, **ARGUMENTS, **CALLS, **OTHER,
}  # fmt: skip
