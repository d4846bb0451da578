"""Two transforms in every order: together, and one after the other, they come to the same text."""

from __future__ import annotations

import re
from itertools import combinations, permutations

import pytest
from toy_transforms import composed, planned

from codemod import Transform
from codemod.engine.registry import known_transforms

# One file in which every transform finds something, and some find what others made.
SOURCE = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, p=0.5):
        super(Block, self).__init__()
        self.p = p
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2 = nn.Conv2d(4, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.extra = [nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)]

    def __call__(self, x):
        act = nn.ELU(inplace=True)
        x = self.relu(self.conv1.forward(x))
        x = F.leaky_relu(self.conv2(x), 0.1, inplace=True)
        x = act(self.conv2(act(self.conv2(x))))
        for layer in self.extra:
            x = self.relu(layer(x))
        x = F.ReLU(F.dropout(x, self.p))
        return nn.Softmax(dim=1)(F.dropout(x, self.p, self.training))
"""

TRANSFORMS = {
    name: transform
    for name, transform in known_transforms().items()
    if transform.__module__.startswith("codemod.transforms.")
}
INVERSES = {frozenset((name, item.inverse)) for name, item in TRANSFORMS.items() if item.inverse}


def run(text: str, *transforms: type[Transform]) -> str:
    result = planned({"net.py": text}, *transforms)
    return composed(result) if result.plan.rewrites else text


PAIRS = sorted(
    pair for pair in combinations(sorted(TRANSFORMS), 2) if frozenset(pair) not in INVERSES
)


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=["+".join(pair) for pair in PAIRS])
def test_the_order_in_one_run_changes_nothing(one: str, other: str) -> None:
    first, second = TRANSFORMS[one], TRANSFORMS[other]
    assert run(SOURCE, first, second) == run(SOURCE, second, first)


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=["+".join(pair) for pair in PAIRS])
def test_one_after_the_other_comes_to_the_same(one: str, other: str) -> None:
    """Up to the numbers in names and the places of lines in __init__, which follow the order."""
    first, second = TRANSFORMS[one], TRANSFORMS[other]
    together = run(SOURCE, first, second)
    in_turn = {order: settled(*(TRANSFORMS[name] for name in order))
               for order in permutations((one, other))}  # fmt: skip
    for text in in_turn.values():
        assert shape(text) == shape(together), text


def settled(*transforms: type[Transform]) -> str:
    """The transforms by turns, each in a run of its own, until nothing changes."""
    text = SOURCE
    for _ in range(6):
        before = text
        for transform in transforms:
            text = run(text, transform)
        if text == before:
            return text
    raise AssertionError("no fixpoint")


def shape(text: str) -> tuple[list[str], str]:
    """What __init__ makes, in any order, and the rest; numbers at the end of names left out."""
    lines = [re.sub(r"\b(self\.[a-z_]+?)_?\d+\b", r"\1", line) for line in text.splitlines()]
    made = sorted(line for line in lines if re.match(r"\s+self\.\w+ = ", line))
    return made, "\n".join(line for line in lines if line not in made)


def test_what_hoisting_made_is_split_in_the_same_run() -> None:
    text = run(SOURCE, TRANSFORMS["hoist-inline-modules"], TRANSFORMS["unshare-modules"])
    assert "self.elu2(self.conv2(self.elu(self.conv2(x))))" in text
    assert text.count("nn.ELU(inplace=True)") == 2


def test_flags_of_modules_that_were_just_made_are_taken_off() -> None:
    attribution = (
        "functional-to-module",
        "hoist-inline-modules",
        "unshare-modules",
        "inplace-off",
    )
    text = run(SOURCE, *(TRANSFORMS[name] for name in attribution))
    assert "inplace" not in text
    assert run(text, *(TRANSFORMS[name] for name in attribution)) == text
