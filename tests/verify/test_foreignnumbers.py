"""A number that a missing package would give is made up, where it is nothing but a number."""

from __future__ import annotations

import itertools
import types
from textwrap import dedent
from typing import Any

import pytest

from codemod.verify.worker.foreignnumbers import complete
from codemod.verify.worker.standin import NUMBER, StandIn

HEAD = "from torch import nn\n"
COUNT = itertools.count()


def completed(code: str) -> dict[str, Any]:
    text = HEAD + dedent(code)
    module = types.ModuleType(f"script{next(COUNT)}")
    vars(module)["gym"] = StandIn("gym")
    exec(compile(text, "script.py", "exec"), vars(module))
    complete(module, lambda: text)
    return vars(module)


NET = """
env = gym.make("Pole")
size = env.observation_space.shape[0]
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {}
"""


@pytest.mark.parametrize(
    "use",
    [
        pytest.param("self.fc = nn.Linear(size.n, 2)", id="attribute"),
        pytest.param("self.fc = nn.Linear(size[0], 2)", id="item"),
        pytest.param("self.fc = nn.Linear(size(), 2)", id="call"),
        pytest.param("self.fc = [nn.Linear(one, 2) for one in size]", id="loop"),
        pytest.param("self.fc = nn.Linear(2 * size, size.n)", id="number-here-object-there"),
        pytest.param("self.fc = nn.Linear(2, 2)", id="no-use"),
        pytest.param("self.fc = 3 in size", id="membership"),
    ],
)
def test_what_stays_a_stand_in(use: str) -> None:
    assert type(completed(NET.format(use))["size"]) is StandIn


def test_a_class_of_the_package_stays_one() -> None:
    code = "Box = gym.Box\nclass Net(nn.Module):\n    def f(self, x):\n        return {}\n"
    assert type(completed(code.format("isinstance(x, Box)"))["Box"]) is StandIn


@pytest.mark.parametrize(
    "use",
    [
        pytest.param("self.fc = nn.Linear(size, 2)", id="argument"),
        pytest.param("self.fc = nn.Linear(in_features=size)", id="by-keyword"),
        pytest.param("self.fc = nn.Linear(2 * size + 1, 2)", id="arithmetic"),
        pytest.param("self.fc = nn.Unflatten(1, (size, 2))", id="side"),
        pytest.param("self.size = size", id="kept"),
        pytest.param("self.rows = [0, 1, 2, 3][-size:size]", id="bound-of-a-slice"),
    ],
)
def test_what_becomes_a_number(use: str) -> None:
    names = completed(NET.format(use))
    assert names["size"] == NUMBER
    assert type(names["env"]) is StandIn
