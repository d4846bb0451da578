"""What the code of a script reads of its main block is there when the file is imported."""

from __future__ import annotations

import types
from textwrap import dedent
from typing import Any

import pytest

from codemod.verify.worker.mainblock import complete

HEAD = "import torch\nfrom torch import nn\n"
MAIN = 'if __name__ == "__main__":\n'


def completed(code: str, block: str) -> dict[str, Any]:
    text = HEAD + dedent(code) + MAIN + "".join(f"    {line}\n" for line in block.splitlines())
    module = types.ModuleType("script")
    exec(compile(text, "script.py", "exec"), vars(module))
    complete(module, text)
    return vars(module)


NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(table), width)
"""


@pytest.mark.parametrize(
    ("block", "name"),
    [
        pytest.param("table = {}\nwidth = 3\nmodel = Net()", "model", id="a-model-is-not-built"),
        pytest.param("width = 3\nprint(width)\nother = 4", "other", id="what-nobody-reads"),
        pytest.param("open('table.txt')\ntable = missing()", "table", id="what-fails"),
        pytest.param(
            "table = {}\nfor table in []:\n    loss.backward()\nwidth = 3\nloss = 1",
            "loss",
            id="no-training",
        ),
    ],
)
def test_what_is_not_run(block: str, name: str) -> None:
    assert name not in completed(NET, block)


def test_a_name_that_the_file_has_stays_as_it_is() -> None:
    assert completed(NET + "width = 5\n", "width = 3\ntable = []")["width"] == 5


def test_values_and_what_they_are_made_of() -> None:
    names = completed(
        NET,
        "words = 'a b c'.split()\nunused = 1 / 0\ntable = {}\n"
        "for word in words:\n    table[word] = len(table)\nwidth = half * 2\nhalf = 4",
    )
    assert names["table"] == {"a": 0, "b": 1, "c": 2}
    assert "width" not in names  # a script would have failed there as well


def test_the_class_can_be_built() -> None:
    names = completed(
        NET, "import math\ntable = ['a', 'b']\nhalf = math.sqrt(4)\nwidth = int(half)"
    )
    assert names["Net"]().embedding.weight.shape == (2, 2)


def test_a_loop_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codemod.verify.worker.mainblock.SECONDS", 0.05)
    names = completed(NET, "width = 3\ntable = [0 for _ in iter(int, 1)]")
    assert names["width"] == 3
    assert "table" not in names
