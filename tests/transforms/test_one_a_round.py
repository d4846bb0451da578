"""unshare-modules with `--loops per-layer`: what a loop calls again and again becomes a list."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from marked_cases import NO_F, holds, net, stays
from test_executed import build, observe

from codemod.editing.transform import Settings
from codemod.engine.planning import plan
from codemod.source.overlay import Overlay
from codemod.testing import confirm_rewrite
from codemod.transforms.inplace_off import InplaceOff
from codemod.transforms.unshare_modules import UnshareModules


class PerLayer(UnshareModules):
    """With the setting of the command line's `--loops per-layer`."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(replace(settings or Settings(), per_layer=True))


LAYERS = "self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))"
RELU = "self.relu = nn.ReLU()"
LOOP = ("for layer in self.layers:", "    x = self.relu(layer(x))", "return x")
ROUNDS = ("for layer, relu in zip(self.layers, self.relus):", "    x = relu(layer(x))", "return x")
RELUS = "self.relus = nn.ModuleList(nn.ReLU() for _ in self.layers)"


def looped(*forward: str, init: tuple[str, ...] = (LAYERS, RELU), taken: str = "") -> str:
    return net(*(forward or LOOP), init=init, taken=taken, head=NO_F)


def refused(code: str, *forward: str, init: tuple[str, ...] = (LAYERS,), below: str = "") -> str:
    return looped(*forward, init=(*init, f"{RELU}  #! {code}")) + below


ELSEWHERE = "\n    def other(self):\n        return [self.relu for _ in range(2)]\n"
STAYS = {
    "no-loop": looped("return self.relu(x)"),
    "loss": looped(
        "for layer in self.layers:",
        "    x = self.loss(layer(x), x)",
        "return x",
        init=(LAYERS, "self.loss = nn.MSELoss()"),
    ),
    "rounds-of-an-argument": refused(
        "loop-not-static", "for _ in range(n):", "    x = self.relu(x)", "return x"
    ).replace("(self, x)", "(self, x, n)"),
    "while": refused("loop-not-static", "while x.sum() > 0:", "    x = self.relu(x)", "return x"),
    "used-elsewhere": refused("used-as-value", below=ELSEWHERE),
    "used-from-outside": refused(
        "used-outside", below="\n\ndef f(m, x):\n    return m.relu.register_forward_hook(x)\n"
    ),
    "holds-weights": looped(
        "for layer in self.layers:",
        "    x = self.relu(layer(x))",
        "return x",
        init=(LAYERS, "self.relu = nn.PReLU()  #! shared-weights"),
    ),
    "argument-that-is-set-again": looped(
        "for layer in self.layers:",
        "    x = self.drop(layer(x))",
        "return x",
        init=(
            "self.p = 0.5",
            "self.drop = nn.Dropout(self.p)  #! argument-not-static",
            "self.p = 0.1",
            LAYERS,
        ),
    ),
    "under-a-condition": net(
        *LOOP,
        init=(LAYERS, "if a:", f"    {RELU}  #! loop-not-static"),
        taken="a",
        head=NO_F,
    ),
}


@pytest.mark.parametrize("source", STAYS.values(), ids=STAYS)
def test_stays_one(source: str) -> None:
    stays(PerLayer, source)


def test_stays_one_where_it_is_not_asked_for() -> None:
    stays(UnshareModules, looped())


WRITTEN = {
    "made-behind-the-layers": (looped(), looped(*ROUNDS, init=(LAYERS, RELUS))),
    "made-before-the-layers": (
        looped(init=(RELU, LAYERS)),
        looped(*ROUNDS, init=(LAYERS, RELUS)),
    ),
    "its-comment-moves-along": (
        looped(init=(f"{RELU}  # of each", LAYERS)),
        looped(*ROUNDS, init=(LAYERS, f"{RELUS}  # of each")),
    ),
    "two-in-one-loop": (
        looped(
            "for layer in self.layers:",
            "    x = self.drop(self.relu(layer(x)))",
            "return x",
            init=(LAYERS, RELU, "self.drop = nn.Dropout(0.5)"),
        ),
        looped(
            "for layer, relu, drop in zip(self.layers, self.relus, self.drops):",
            "    x = drop(relu(layer(x)))",
            "return x",
            init=(
                LAYERS,
                RELUS,
                "self.drops = nn.ModuleList(nn.Dropout(0.5) for _ in self.layers)",
            ),
        ),
    ),
    "range": (
        looped(
            "for i in range(len(self.layers)):",
            "    x = self.relu(self.layers[i](x))",
            "return x",
        ),
        looped(
            "for i in range(len(self.layers)):",
            "    x = self.relus[i](self.layers[i](x))",
            "return x",
            init=(
                LAYERS,
                "self.relus = nn.ModuleList(nn.ReLU() for _ in range(len(self.layers)))",
            ),
        ),
    ),
    "arguments": (
        looped(init=(LAYERS, "self.relu = nn.Dropout(0.5)")),
        looped(
            *ROUNDS,
            init=(LAYERS, "self.relus = nn.ModuleList(nn.Dropout(0.5) for _ in self.layers)"),
        ),
    ),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_gives_each_round_its_own(before: str, after: str) -> None:
    holds(PerLayer, before, after)
    assert observe(before, (), (3, 4)) == observe(after, (), (3, 4))
    build(after, ()).load_state_dict(build(before, ()).state_dict(), strict=True)


def test_is_confirmed_and_no_module_fires_twice() -> None:
    source = looped() + "\n\nif __name__ == '__main__':\n    Net()(torch.randn(2, 4))\n"
    (outcome,) = confirm_rewrite(PerLayer, {"net.py": source}).outcomes
    assert outcome.verdict.kind == "confirmed"
    assert outcome.verdict.evidence is not None
    assert not outcome.verdict.evidence.reused


def test_what_is_made_a_round_is_then_taken_out_of_place() -> None:
    """The constructor is said again elsewhere: it is changed where it then stands."""
    files = {"net.py": looped(init=("self.relu = nn.ReLU(inplace=True)", LAYERS)).encode()}
    overlay = Overlay(Path("/nonexistent"), files)
    planned = plan(overlay, ["net.py"], frozenset(["net.py"]), [PerLayer(), InplaceOff()])
    ids = [rewrite.id for rewrite in planned.plan.rewrites]
    assert len(ids) == 2
    wanted = looped(*ROUNDS, init=(LAYERS, RELUS))
    assert planned.compose(ids).files["net.py"].decode() == wanted
