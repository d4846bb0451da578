"""What the arguments of a construction come to, told from the source alone."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from codemod.verify.constructions import Constructions, parameters_of
from codemod.verify.harvest import harvest
from codemod.verify.settings import in_source

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width, depth, act=None):
        super().__init__()
"""
OPTIONS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=32)
parser.add_argument("--depth", type=int, required=True)
parser.add_argument("--name", default=None)
args = parser.parse_args()
"""


def arguments(text: str) -> list[str]:
    tree = ast.parse(dedent(text))
    found = Constructions(tree, list(in_source("net.py", tree)))
    parameters = parameters_of(ast.parse(NET), "Net")
    is_net = lambda call: isinstance(call.func, ast.Name) and call.func.id == "Net"  # noqa: E731
    return [one.arguments for one in found.of(is_net, parameters)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Net(a, b)", [], id="nothing-known"),
        pytest.param("Net(*sizes, 3)", [], id="starred"),
        pytest.param("Net(3, **more)", [], id="two-stars"),
        pytest.param("def f(n):\n    Net(n, 3)", ["(..., 3)"], id="parameter-without-default"),
        pytest.param("width = load()\nNet(width, 3)", ["(..., 3)"], id="a-call-is-not-made"),
        pytest.param("x = x + 1\nNet(x, 3)", ["(..., 3)"], id="no-endless-loop"),
        pytest.param("def f():\n    Net(n, 3)\n    n = 4", ["(..., 3)"], id="assigned-later"),
        pytest.param("Net(sizes[3], 2)\nsizes = [1, 2]", ["(..., 2)"], id="index-beyond"),
        pytest.param("Net({**a}, 2)", ["(..., 2)"], id="spread-dictionary"),
        pytest.param("n = 4\nNet(n, n * 2)", ["(4, 4 * 2)"], id="names-and-sums"),
        pytest.param(
            "def f(n=8):\n    m = n // 2\n    return Net(m, depth=[n] * 3)",
            ["(8 // 2, depth=[8] * 3)"],
            id="defaults-of-a-function",
        ),
        pytest.param(
            "class A:\n    def __init__(self, w=5):\n        self.w = w\n"
            "    def f(self):\n        Net(self.w, len(data))",
            ["(5, ...)"],
            id="attribute-of-self",
        ),
        pytest.param(
            "import torch.nn as nn\nimport torch.nn.functional as F\n"
            "Net(nn.ReLU(inplace=True), F.relu)",
            ["(torch.nn.ReLU(inplace=True), torch.nn.functional.relu)"],
            id="of-torch",
        ),
        pytest.param(OPTIONS + "Net(args.width, args.name)", ["(32, 4)"], id="by-its-own-name"),
        pytest.param(OPTIONS + "Net(args.name, opt['depth'])", ["(32, 4)"], id="options"),
        pytest.param(
            "cfg = {'width': (7, 'how wide it is'), 'depth': (2, 'how deep it is')}\n"
            "Net(cfg.width, getattr(cfg, 'depth', 1), act=cfg.get('act', 'relu'))",
            ["(7, 2, act='relu')"],
            id="explained-settings",
        ),
    ],
)
def test_arguments(text: str, expected: list[str]) -> None:
    assert arguments(text) == expected


def test_a_script_that_must_be_given_options_still_shows_the_construction() -> None:
    use = (
        OPTIONS
        + "from net import Net\nnet = Net(args.width, args.depth, Block)\nclass Block: pass\n"
    )
    files = {"net.py": NET.encode, "train.py": use.encode}
    found = harvest(files, [("net.py", "Net")], lambda path: path.removesuffix(".py"))
    builds = {(one.build, one.inputs) for one in found["net.py", "Net"]}
    assert ("Net(32, 4, Block)", "") in builds
