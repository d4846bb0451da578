"""`--loops per-layer`: a call in a loop becomes a list of modules, one a round."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from marked_cases import NO_F, holds, net, stays
from test_executed import build, observe

from codemod.editing.transform import Settings
from codemod.testing import confirm_rewrite
from codemod.transforms.dropout_to_module import DropoutToModule
from codemod.transforms.functional_to_module import FunctionalToModule


class PerLayer(FunctionalToModule):
    """With the setting of the command line's `--loops per-layer`."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(replace(settings or Settings(), per_layer=True))


class DropoutPerLayer(DropoutToModule):
    """The same for dropout."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(replace(settings or Settings(), per_layer=True))


LAYERS = "self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))"
BLOCKS = "self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))"
SITE = "    x = F.relu(layer(x))  #! loop-not-static"
PLAIN = ("for layer in self.layers:", SITE, "return x")


def grown(*lines: str, init: tuple[str, ...] = (LAYERS,), below: str = "") -> str:
    return net(*lines, init=init) + below


REFUSED = {
    "while": grown("while x.sum() > 1:", "    x = F.tanh(x)  #! loop-not-static", "return x"),
    "over-the-input": grown("for y in x:", "    x = F.relu(y)  #! loop-not-static", "return x"),
    "range-of-the-input": grown(
        "for i in range(x.shape[0]):", "    x = F.relu(x)  #! loop-not-static", "return x"
    ),
    "range-from-one": grown(
        "for i in range(1, 3):", "    x = F.relu(x)  #! loop-not-static", "return x"
    ),
    "enumerate-from-one": grown("for i, layer in enumerate(self.layers, 1):", SITE, "return x"),
    "loop-in-a-loop": grown(
        "for layer in self.layers:",
        "    for i in range(2):",
        "        x = F.relu(layer(x))  #! loop-not-static",
        "return x",
    ),
    "comprehension-of-two": grown(
        "return [F.relu(layer(y)) for y in x for layer in self.layers]  #! loop-not-static"
    ),
    "lambda-in-a-loop": grown(
        "for layer in self.layers:",
        "    x = run(lambda y: F.relu(layer(y)), x)  #! loop-not-static",
        "return x",
    ),
    "loop-in-a-nested-function": grown(
        "def run(x):",
        "    for layer in self.layers:",
        "        x = F.relu(layer(x))  #! loop-not-static",
        "    return x",
        "",
        "return run(x)",
    ),
    "counter-set-again": grown(
        "for i, layer in enumerate(self.layers):", "    i += 1", SITE, "return x"
    ),
    "zip-means-something-else": grown("zip = pick()", *PLAIN),
    "list-that-a-method-fills": grown(
        *PLAIN, below="\n    def grow(self):\n        self.layers.append(nn.Linear(4, 4))\n"
    ),
    "list-that-others-fill": grown(
        *PLAIN, below="\n\ndef grow(net):\n    net.layers.append(nn.Linear(4, 4))\n"
    ),
    "list-that-others-cut": grown(*PLAIN, below="\n\ndef cut(net):\n    del net.layers[1:]\n"),
    "list-that-others-replace": grown(
        *PLAIN, below="\n\ndef cut(net):\n    net.layers = net.layers[:2]\n"
    ),
    "list-that-a-subclass-fills": grown(
        *PLAIN,
        below="\n\nclass Longer(Net):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layers.append(nn.Linear(4, 4))\n",
    ),
    "list-made-twice": grown(*PLAIN, init=(LAYERS, LAYERS)),
    "no-list-of-layers": grown(*PLAIN, init=("self.layers = make()",)),
    "zip-of-nothing-known": grown("for layer, y in zip(x, x):", SITE, "return x"),
    "items-of-a-dict": grown(
        "for name, layer in self.layers.items():",
        SITE,
        "return x",
        init=("self.layers = nn.ModuleDict()",),
    ),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(PerLayer, source)


MADE = "self.relus = nn.ModuleList(nn.ReLU() for _ in self.layers)"

WRITTEN = {
    "over-the-layers": (
        ("for layer in self.layers:", "    x = F.relu(layer(x))", "return x"),
        (
            "for layer, relu in zip(self.layers, self.relus):",
            "    x = relu(layer(x))",
            "return x",
        ),
        MADE,
    ),
    "over-the-layers-backwards": (
        ("for layer in reversed(self.layers):", "    x = F.relu(layer(x))", "return x"),
        (
            "for layer, relu in zip(reversed(self.layers), self.relus):",
            "    x = relu(layer(x))",
            "return x",
        ),
        "self.relus = nn.ModuleList(nn.ReLU() for _ in reversed(self.layers))",
    ),
    "over-a-part": (
        ("for layer in self.layers[:-1]:", "    x = F.relu(layer(x))", "return self.layers[-1](x)"),
        (
            "for layer, relu in zip(self.layers[:-1], self.relus):",
            "    x = relu(layer(x))",
            "return self.layers[-1](x)",
        ),
        "self.relus = nn.ModuleList(nn.ReLU() for _ in self.layers[:-1])",
    ),
    "enumerated": (
        (
            "for i, layer in enumerate(self.layers):",
            "    x = F.relu(layer(x)) * i",
            "return x",
        ),
        (
            "for i, layer in enumerate(self.layers):",
            "    x = self.relus[i](layer(x)) * i",
            "return x",
        ),
        MADE,
    ),
    "range-of-a-number": (
        ("for i in range(3):", "    x = F.relu(self.layers[i](x))", "return x"),
        ("for i in range(3):", "    x = self.relus[i](self.layers[i](x))", "return x"),
        "self.relus = nn.ModuleList(nn.ReLU() for _ in range(3))",
    ),
    "range-of-the-layers": (
        ("for i in range(len(self.layers)):", "    x = F.relu(self.layers[i](x))", "return x"),
        (
            "for i in range(len(self.layers)):",
            "    x = self.relus[i](self.layers[i](x))",
            "return x",
        ),
        "self.relus = nn.ModuleList(nn.ReLU() for _ in range(len(self.layers)))",
    ),
    "zipped": (
        (
            "for layer, s in zip(self.layers, [1, 2]):",
            "    x = F.relu(layer(x)) * s",
            "return x",
        ),
        (
            "for layer, s, relu in zip(self.layers, [1, 2], self.relus):",
            "    x = relu(layer(x)) * s",
            "return x",
        ),
        MADE,
    ),
    "zipped-in-parentheses": (
        (
            "for (layer, s) in zip(self.layers, [1, 2]):",
            "    x = F.relu(layer(x)) * s",
            "return x",
        ),
        (
            "for (layer, s, relu) in zip(self.layers, [1, 2], self.relus):",
            "    x = relu(layer(x)) * s",
            "return x",
        ),
        MADE,
    ),
    "in-a-comprehension": (
        ("return sum(F.relu(layer(x)) for layer in self.layers)",),
        ("return sum(relu(layer(x)) for layer, relu in zip(self.layers, self.relus))",),
        MADE,
    ),
    "name-of-the-round-is-taken": (
        ("for layer in self.layers:", "    relu = layer(x)", "    x = F.relu(relu)", "return x"),
        (
            "for layer, relu_ in zip(self.layers, self.relus):",
            "    relu = layer(x)",
            "    x = relu_(relu)",
            "return x",
        ),
        MADE,
    ),
    "iterable-of-the-loop-runs-once": (
        ("for y in F.relu(x):", "    x = x + y", "return x"),
        ("for y in self.relu(x):", "    x = x + y", "return x"),
        "self.relu = nn.ReLU()",
    ),
    "else-of-the-loop-runs-once": (
        ("for layer in self.layers:", "    x = layer(x)", "else:", "    x = F.relu(x)", "return x"),
        (
            "for layer in self.layers:",
            "    x = layer(x)",
            "else:",
            "    x = self.relu(x)",
            "return x",
        ),
        "self.relu = nn.ReLU()",
    ),
}


@pytest.mark.parametrize(("before", "after", "made"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: tuple[str, ...], after: tuple[str, ...], made: str) -> None:
    first, second = net(*before, init=(LAYERS,)), net(*after, init=(LAYERS, made), head=NO_F)
    holds(PerLayer, first, second)
    assert observe(first, (), (3, 4)) == observe(second, (), (3, 4))


def test_two_sites_in_one_loop() -> None:
    before = net(
        "for a, b in self.pairs:",
        "    x = F.relu(b(F.relu(a(x))))",
        "return x",
        init=(
            "self.pairs = nn.ModuleList(nn.ModuleList([nn.Linear(4, 4), nn.Identity()])",
            "                           for _ in range(2))",
        ),
    )
    after = net(
        "for (a, b), relu1, relu2 in zip(self.pairs, self.relus1, self.relus2):",
        "    x = relu2(b(relu1(a(x))))",
        "return x",
        init=(
            "self.pairs = nn.ModuleList(nn.ModuleList([nn.Linear(4, 4), nn.Identity()])",
            "                           for _ in range(2))",
            "self.relus1 = nn.ModuleList(nn.ReLU() for _ in self.pairs)",
            "self.relus2 = nn.ModuleList(nn.ReLU() for _ in self.pairs)",
        ),
        head=NO_F,
    )
    holds(PerLayer, before, after)
    assert observe(before, (), (3, 4)) == observe(after, (), (3, 4))


def test_a_filled_list_and_arguments_of_the_module() -> None:
    fill = (
        "self.layers = nn.ModuleList()",
        "for i in range(3):",
        "    self.layers.append(nn.Linear(4, 4))",
        "self.p = 0.5",
    )
    before = net(
        "for layer in self.layers:",
        "    x = F.dropout(layer(x), self.p, self.training)",
        "return x",
        init=fill,
    )
    after = net(
        "for layer, dropout in zip(self.layers, self.dropouts):",
        "    x = dropout(layer(x))",
        "return x",
        init=(*fill, "self.dropouts = nn.ModuleList(nn.Dropout(self.p) for _ in self.layers)"),
        head=NO_F,
    )
    holds(PerLayer, before, after)
    holds(DropoutPerLayer, before, after)
    assert observe(before, (), (3, 4)) == observe(after, (), (3, 4))


def test_each_round_has_a_hook_of_its_own() -> None:
    _, after, made = WRITTEN["over-the-layers"]
    model = build(net(*after, init=(LAYERS, made), head=NO_F), ())
    fired: list[str] = []
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.ReLU):
            layer.register_forward_hook(lambda *_, name=name: fired.append(name))
    model(torch.ones(1, 4))
    assert fired == ["relus.0", "relus.1", "relus.2"]


def test_is_confirmed() -> None:
    before, _, _ = WRITTEN["over-the-layers"]
    source = net(*before, init=(LAYERS,))
    source += "\n\nif __name__ == '__main__':\n    Net()(torch.randn(2, 4))\n"
    report = confirm_rewrite(PerLayer, {"net.py": source})
    assert [item.verdict.kind for item in report.outcomes] == ["confirmed"]
