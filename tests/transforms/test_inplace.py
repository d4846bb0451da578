"""inplace-off and inplace-on: who else sees the overwritten tensor first, then what is written."""

from __future__ import annotations

import pytest
import torch
from marked_cases import HEAD, NO_F, holds, net, stays
from torch import nn

from codemod.catalogue import PAIRS, Pair
from codemod.editing.inplace import inplace_contract
from codemod.testing import check_examples
from codemod.transforms.inplace_off import InplaceOff
from codemod.transforms.inplace_on import InplaceOn

FC = "self.fc = nn.Linear(4, 4)"
ON = "self.relu = nn.ReLU(inplace=True)"
OFF = "self.relu = nn.ReLU()"


def layer(*forward: str, made: str = ON, more: tuple[str, ...] = (FC,), taken: str = "") -> str:
    return net(*forward, init=(*more, made), taken=taken, head=NO_F)


def functional(*forward: str) -> str:
    return net(*forward)


def test_examples() -> None:
    check_examples(InplaceOff)
    check_examples(InplaceOn)


NOT_IN_PLACE = {
    "off-already": layer("return self.relu(self.fc(x))", made="self.relu = nn.ReLU(inplace=False)"),
    "no-flag": layer("return self.relu(self.fc(x))", made=OFF),
    "dropout-in-train-mode": functional("return F.dropout(x, 0.5, True)"),
    "flag-of-something-else": layer("fuse(self, inplace=True)", "return x", made=OFF),
    "method-of-a-table": layer("self.table.drop(x, inplace=True)", "return x", made=OFF),
}


@pytest.mark.parametrize("source", NOT_IN_PLACE.values(), ids=NOT_IN_PLACE)
def test_off_leaves_what_is_not_in_place(source: str) -> None:
    stays(InplaceOff, source)


OFF_REFUSED = {
    "multi-branch": layer(
        "h = self.fc(x)",
        "return self.relu(h) + h",
        made=f"{ON}  #! read-afterwards",
    ),
    "multi-branch-of-a-functional": functional(
        "h = self.fc(x)",
        "y = F.relu(h, inplace=True)  #! read-afterwards",
        "return self.fc(h) + y",
    ),
    "residual-alias": functional(
        "x = self.fc(x)",
        "identity = x",
        "x = F.relu_(x)  #! read-afterwards",
        "return x + identity",
    ),
    "view-of-a-tensor": functional(
        "h = self.fc(x)", "y = F.relu_(h[0])  #! read-afterwards", "return h + y"
    ),
    "tensor-of-the-module": functional("return F.relu_(self.state)  #! read-afterwards"),
    "view-under-a-name-of-its-own": functional(
        "h = self.fc(x)", "y = h[0]", "y = F.relu_(y)  #! read-afterwards", "return h + y"
    ),
    "part-that-is-read-whole": functional(
        "h = self.fc(x)",
        "a, b = h.chunk(2)",
        "a = torch.relu_(a)  #! read-afterwards",
        "return a + b + h.sum()",
    ),
    "same-numbers-in-another-shape": functional(
        "h = self.fc(x)",
        "y = torch.flatten(h.view(4, -1), 1)",
        "y = F.relu_(y)  #! read-afterwards",
        "return y.sum() + h",
    ),
    "dropout-that-gives-its-input-in-eval": functional(
        "h = self.fc(x)",
        "y = F.dropout(h, 0.5, self.training)",
        "y = F.relu_(y)  #! read-afterwards",
        "return y + h",
    ),
    "dropout-of-a-named-input": functional(
        "h = self.fc(x)",
        "y = F.dropout(training=self.training, input=h)",
        "y = F.relu_(y)  #! read-afterwards",
        "return y + h",
    ),
    "kept-in-a-list": functional(
        "found = []",
        "x = self.fc(x)",
        "found.append(x)",
        "x = F.relu_(x)  #! read-afterwards",
        "return found + [x]",
    ),
    "kept-in-a-dict": functional(
        "found = {}",
        "x = self.fc(x)",
        "found['fc'] = x",
        "x = F.relu_(x)  #! read-afterwards",
        "return found, x",
    ),
    "kept-on-the-module": functional(
        "x = self.fc(x)", "self.last = x", "return F.relu_(x)  #! read-afterwards"
    ),
    "kept-in-an-earlier-round": functional(
        "found = []",
        "for _ in range(2):",
        "    x = F.elu_(x)  #! read-afterwards",
        "    found.append(x)",
        "return found",
    ),
    "read-again-in-the-next-round": functional(
        "h = self.fc(x)",
        "for fc in self.layers:",
        "    x = x + h",
        "    y = F.relu_(h)  #! read-afterwards",
        "return x",
    ),
    "named-left-of-the-call": functional(
        "h = self.fc(x)", "return h + F.relu_(h)  #! read-afterwards"
    ),
    "added-to-itself": functional(
        "h = self.fc(x)", "h += F.relu_(h)  #! read-afterwards", "return h"
    ),
    "read-in-one-of-two-branches": functional(
        "h = self.fc(x)",
        "y = h",
        "if x.sum() > 0:",
        "    y = self.fc(h)",
        "y = F.relu_(y)  #! read-afterwards",
        "return h + y",
    ),
    "name-from-around": functional(
        "h = self.fc(x)",
        "def gate():",
        "    return F.relu_(h)  #! read-afterwards",
        "return gate()",
    ),
    "alone-and-kept-elsewhere": functional(
        "y = x", "F.relu_(x)  #! read-afterwards", "return x + y"
    ),
    "alone-on-what-has-no-name": functional("F.relu_(self.fc(x))  #! result-unused", "return x"),
    "alone-on-one-of-two-layers": layer(
        "self.relu(x)",
        "return x",
        made="if a:\n            self.relu = nn.ReLU(True)  #! result-unused\n"
        "        else:\n            self.relu = nn.ELU()",
    ),
    "function-imported-by-its-own-name": functional("return relu_(x)  #! unusual-call").replace(
        "import torch\n", "import torch\nfrom torch import relu_\n", 1
    ),
    "flag-from-a-parameter": layer(
        "return self.relu(self.fc(x))",
        made="self.relu = nn.ReLU(inplace=flag)  #! flag-not-literal",
        taken="flag",
    ),
    "layer-from-a-parameter": layer(
        "return self.act(self.fc(x))",
        made="self.act = act(inplace=True)  #! unknown-layer",
        taken="act",
    ),
    "in-a-function": NO_F + "\n\ndef make():\n    return nn.ReLU(True)  #! in-a-function\n",
}


@pytest.mark.parametrize("source", OFF_REFUSED.values(), ids=OFF_REFUSED)
def test_off_refuses_where_the_overwritten_tensor_is_read(source: str) -> None:
    stays(InplaceOff, source)


OFF_REWRITTEN = {
    "function-of-torch-without-a-flag": (
        functional("return torch.sigmoid_(self.fc(x)) + torch.tanh_(self.fc(x))"),
        functional("return torch.sigmoid(self.fc(x)) + torch.tanh(self.fc(x))"),
    ),
    "part-that-nothing-else-reads": (
        functional("a, b = self.fc(x).chunk(2)", "a = F.relu_(a)", "return a + b"),
        functional("a, b = self.fc(x).chunk(2)", "a = F.relu(a)", "return a + b"),
    ),
    "made-anew-in-each-round": (
        functional(
            "found = []",
            "for fc in self.layers:",
            "    y = F.relu_(fc(x))",
            "    found.append(y)",
            "return found",
        ),
        functional(
            "found = []",
            "for fc in self.layers:",
            "    y = F.relu(fc(x))",
            "    found.append(y)",
            "return found",
        ),
    ),
    "read-in-the-other-branch": (
        functional(
            "h = self.fc(x)", "if x.sum() > 0:", "    return F.relu_(h)", "else:", "    return h"
        ),
        functional(
            "h = self.fc(x)", "if x.sum() > 0:", "    return F.relu(h)", "else:", "    return h"
        ),
    ),
    "alone": (
        functional("h = self.fc(x)", "F.relu_(h)", "return h"),
        functional("h = self.fc(x)", "h = F.relu(h)", "return h"),
    ),
    "layer-alone": (
        layer("h = self.fc(x)", "self.relu(h)", "return h"),
        layer("h = self.fc(x)", "h = self.relu(h)", "return h", made=OFF),
    ),
    "by-position": (
        layer("return self.relu(self.fc(x))", made="self.relu = nn.ReLU(True)"),
        layer("return self.relu(self.fc(x))", made=OFF),
    ),
    "dropout-by-position": (
        layer("return self.d(self.fc(x))", made="self.d = nn.Dropout(0.5, True)"),
        layer("return self.d(self.fc(x))", made="self.d = nn.Dropout(0.5)"),
    ),
    "functional-with-training": (
        functional("return F.dropout(self.fc(x), 0.5, self.training, True)"),
        functional("return F.dropout(self.fc(x), 0.5, self.training)"),
    ),
    "name-with-an-underscore": (
        functional("return torch.relu_(self.fc(x)) + F.leaky_relu_(self.fc(x), 0.5)"),
        functional("return torch.relu(self.fc(x)) + F.leaky_relu(self.fc(x), 0.5)"),
    ),
    "rebound-before-it-is-read": (
        functional("x = self.fc(x)", "x = F.relu_(x)", "return x + x"),
        functional("x = self.fc(x)", "x = F.relu(x)", "return x + x"),
    ),
    "alias-of-an-earlier-tensor": (
        functional("identity = x", "x = self.fc(x)", "x = F.relu_(x)", "return x + identity"),
        functional("identity = x", "x = self.fc(x)", "x = F.relu(x)", "return x + identity"),
    ),
    "comment-in-the-call": (
        layer(
            "return self.relu(self.fc(x))",
            made="self.relu = nn.ReLU(  # saves memory\n            inplace=True\n        )",
        ),
        layer(
            "return self.relu(self.fc(x))",
            made="self.relu = nn.ReLU(  # saves memory\n            inplace=False\n        )",
        ),
    ),
    "in-a-list-of-layers": (
        layer("return x", made="layers = [nn.Linear(4, 4), nn.ReLU(True)]"),
        layer("return x", made="layers = [nn.Linear(4, 4), nn.ReLU()]"),
    ),
}


@pytest.mark.parametrize(("before", "after"), OFF_REWRITTEN.values(), ids=OFF_REWRITTEN)
def test_off_keeps_the_input(before: str, after: str) -> None:
    plan = holds(InplaceOff, before, after)
    assert not any(rewrite.contract.changes_behaviour for rewrite in plan.rewrites)


OFF_OF_THE_CALLER = {
    "argument": (functional("return F.relu_(x)"), functional("return F.relu(x)")),
    "argument-of-a-nested-call": (
        functional("return F.relu_(F.relu_(x))"),
        functional("return F.relu(F.relu(x))"),
    ),
    "given-on-by-an-overwriting-layer": (
        layer("x = self.relu(x)", "return self.elu(x)", more=(FC, "self.elu = nn.ELU(1.0, True)")),
        layer(
            "x = self.relu(x)", "return self.elu(x)", more=(FC, "self.elu = nn.ELU(1.0)"), made=OFF
        ),
    ),
    "given-on-by-a-flag-without-a-name": (
        functional("x = F.leaky_relu(x, 0.1, True)", "return F.relu_(x)"),
        functional("x = F.leaky_relu(x, 0.1)", "return F.relu(x)"),
    ),
    "first-of-a-list": (
        layer("return x", made="layers = [nn.ReLU(True), nn.Linear(4, 4)]"),
        layer("return x", made="layers = [nn.ReLU(), nn.Linear(4, 4)]"),
    ),
    "first-of-a-sequential": (
        layer("return self.body(x)", made="self.body = nn.Sequential(nn.ReLU(True))"),
        layer("return self.body(x)", made="self.body = nn.Sequential(nn.ReLU())"),
    ),
}


@pytest.mark.parametrize(("before", "after"), OFF_OF_THE_CALLER.values(), ids=OFF_OF_THE_CALLER)
def test_off_where_the_caller_may_see_it_is_a_change_on_purpose(before: str, after: str) -> None:
    plan = holds(InplaceOff, before, after)
    assert all("inputs" in rewrite.contract.behaviour for rewrite in plan.rewrites)


CONVS = ("self.conv = nn.Conv2d(1, 1, 1)",)


def plain(*forward: str, made: str = OFF, more: tuple[str, ...] = CONVS) -> str:
    return layer(*forward, made=made, more=more)


ON_REFUSED = {
    "multi-branch": plain(
        "h = self.conv(x)", "return self.relu(h) + h", made=f"{OFF}  #! read-afterwards"
    ),
    "residual-alias": plain(
        "x = self.conv(x)",
        "y = x",
        "x = self.relu(x)",
        "return x + y",
        made=f"{OFF}  #! read-afterwards",
    ),
    "leaf-that-requires-grad": plain("return self.relu(x)", made=f"{OFF}  #! may-be-leaf"),
    "first-of-a-sequential": plain(
        "return self.body(x)", made="self.body = nn.Sequential(nn.ReLU())  #! may-be-leaf"
    ),
    "tensor-that-backward-needs": plain(
        "return self.relu(self.gate(x))",
        made=f"{OFF}  #! needed-by-backward",
        more=("self.gate = nn.Sigmoid()",),
    ),
    "behind-one-that-backward-needs": plain(
        "return self.body(x)",
        made="self.body = nn.Sequential(nn.Sigmoid(), nn.ReLU())  #! needed-by-backward",
    ),
    "needed-by-the-backward-of-what-stands-left": plain(
        "x = self.conv(x)",
        "return self.gate(x) + self.relu(x)",
        made=f"{OFF}  #! needed-by-backward",
        more=(*CONVS, "self.gate = nn.Conv2d(1, 1, 1)"),
    ),
    "layer-that-may-give-its-input": plain(
        "return self.relu(self.down(x))",
        made=f"{OFF}  #! may-be-leaf",
        more=("self.down = nn.Identity()",),
    ),
    "layer-of-the-project": plain(
        "return self.relu(self.block(x))",
        made=f"{OFF}  #! unknown-input",
        more=("self.block = Block()",),
    ),
    "passed-on-as-well": plain(
        "y = checkpoint(self.relu, x)",
        "return self.relu(self.conv(y))",
        made=f"{OFF}  #! unknown-input",
    ),
    "made-in-another-block": plain(
        "y = self.conv(x)",
        "if a:",
        "    y = self.relu(y)",
        "return y",
        made=f"{OFF}  #! unknown-input",
    ),
    "subclass-calls-it": plain("return self.relu(self.conv(x))", made=f"{OFF}  #! used-in-family")
    + "\n\nclass Sub(Net):\n    def forward(self, x):\n        return self.relu(x)\n",
    "subclass-makes-another-before-it": plain(
        "return self.relu(self.conv(x))", made=f"{OFF}  #! unknown-input"
    )
    + "\n\nclass Sub(Net):\n    def __init__(self):\n        super().__init__()\n"
    "        self.conv = nn.Tanh()\n",
    "other-code-makes-another-before-it": plain(
        "return self.relu(self.conv(x))", made=f"{OFF}  #! unknown-input"
    )
    + "\n\nnet = Net()\nnet.conv = nn.Tanh()\n",
    "children-run-in-their-order": plain(
        "for layer in self.children():",
        "    x = layer(x)",
        "return self.relu(self.conv(x))",
        made=f"{OFF}  #! unknown-input",
    ),
    "children-taken-by-position": plain(
        "return self.relu(self.conv(x))", made=f"{OFF}  #! unknown-input"
    )
    + "\n\nhead = nn.Sequential(nn.Sigmoid(), *list(Net().children())[1:])\n",
    "subclass-registers-another-before-it": plain(
        "return self.relu(self.conv(x))", made=f"{OFF}  #! unknown-input"
    )
    + "\n\nclass Sub(Net):\n    def __init__(self):\n        super().__init__()\n"
    '        self.add_module("conv", nn.Tanh())\n',
}


@pytest.mark.parametrize("source", ON_REFUSED.values(), ids=ON_REFUSED)
def test_on_refuses_where_the_input_may_be_seen(source: str) -> None:
    stays(InplaceOn, source)


ON_NOT_TAKEN = {
    "backward-needs-the-input": plain(
        "return self.relu(self.conv(x))", made="self.relu = nn.SiLU()"
    ),
    "negative-slope-from-outside": plain(
        "return self.relu(self.conv(x))", made="self.relu = nn.LeakyReLU(a)"
    ),
    "on-already": plain("return self.relu(self.conv(x))", made=ON),
}


@pytest.mark.parametrize("source", ON_NOT_TAKEN.values(), ids=ON_NOT_TAKEN)
def test_on_leaves_layers_that_it_is_not_about(source: str) -> None:
    stays(InplaceOn, source)


ON_REWRITTEN = {
    "behind-a-convolution": (
        plain("return self.relu(self.conv(x))"),
        plain("return self.relu(self.conv(x))", made=ON),
    ),
    "rebound": (
        plain("x = self.conv(x)", "x = self.relu(x)", "return x"),
        plain("x = self.conv(x)", "x = self.relu(x)", "return x", made=ON),
    ),
    "flag-written-out": (
        plain("return self.relu(self.conv(x))", made="self.relu = nn.ReLU(inplace=False)"),
        plain("return self.relu(self.conv(x))", made=ON),
    ),
    "functional": (
        HEAD + plain("return F.relu(self.conv(x))").removeprefix(NO_F),
        HEAD + plain("return F.relu(self.conv(x), inplace=True)").removeprefix(NO_F),
    ),
}


@pytest.mark.parametrize(("before", "after"), ON_REWRITTEN.values(), ids=ON_REWRITTEN)
def test_on_where_nothing_else_holds_the_input(before: str, after: str) -> None:
    holds(InplaceOn, before, after)


def _gradients(name: str, inplace: bool) -> list[torch.Tensor]:
    found = []
    for seed in range(20):
        torch.manual_seed(seed)
        x = torch.randn(5, 4, requires_grad=True)
        arguments = (0.1, 20.0) if name == "Threshold" else ()
        result = getattr(nn, name)(*arguments, inplace=inplace)(x * 1.0)
        (result * torch.randn(5, 4)).sum().backward()
        assert x.grad is not None
        found.append(x.grad)
    return found


FLAGGED = [
    pair
    for pair in PAIRS
    if any(item.name == "inplace" for item in pair.constructor) and pair.group == "activation"
]


@pytest.mark.parametrize("pair", FLAGGED, ids=lambda pair: pair.module)
def test_the_contract_says_whose_gradients_change(pair: Pair) -> None:
    name = pair.module.rpartition(".")[2]
    both = zip(_gradients(name, True), _gradients(name, False), strict=True)
    same = all(torch.equal(one, other) for one, other in both)
    assert ("grads" in inplace_contract(pair).changes) is not same
