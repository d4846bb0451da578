"""Methods of tensors: proposed as modules, and written only where a run confirms them."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.configuration import Options
from codemod.refactoring import run
from codemod.testing import confirm_rewrite
from codemod.transforms.functional_to_module import FunctionalToModule

FC = "self.fc = nn.Linear(4, 4)"

NOT_OURS = {
    "method-of-the-module-itself": net("return self.relu(x)", head=NO_F),
    "child-called-with-an-input": net("return self.blocks.relu(x)", head=NO_F),
    "function-of-a-package": net(
        "return act.relu(x)", head="import act\nimport torch\nimport torch.nn as nn\n"
    ),
    "static-method-of-a-class-of-the-file": net("return Acts.sigmoid()", head=NO_F)
    + "\n\nclass Acts:\n    pass\n",
    "method-of-the-base": net("return super().softmax(1)", head=NO_F),
    "too-many-arguments": net("return x.sigmoid(1, 2)", head=NO_F),
    "unknown-keyword": net("return x.relu(slope=1)", head=NO_F),
    "star-arguments": net("return x.softmax(*dims)", head=NO_F, parameters="x, dims"),
    "reshape-is-no-layer": net("return x.flatten(1).unflatten(1, (2, 2))", head=NO_F),
    "method-as-a-value": net("return map(x.relu, [1])", head=NO_F),
    "another-method": net("return x.mean()", head=NO_F),
}


@pytest.mark.parametrize("source", NOT_OURS.values(), ids=NOT_OURS)
def test_leaves_what_is_none_of_its_business(source: str) -> None:
    stays(FunctionalToModule, source)


REFUSED = {
    "dim-from-the-input": net(
        "return x.softmax(d)  #! argument-not-static", head=NO_F, parameters="x, d"
    ),
    "dtype": net("return x.softmax(1, dtype=torch.half)  #! no-counterpart", head=NO_F),
    "static-method": net("return x", head=NO_F)
    + "\n    @staticmethod\n    def act(x):\n        return x.relu()  #! no-self\n",
    "comment-inside": net("return (", "    x  # the input", "    .relu()", ")", head=NO_F).replace(
        "x  # the", "x  #! unusual-call\n            # the"
    ),
    "in-init": net("return x", init=(FC, "w = x.relu()  #! in-init"), head=NO_F, taken="x"),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(FunctionalToModule, source)


def written(
    *before: str, after: tuple[str, ...], made: str = "self.relu = nn.ReLU()"
) -> tuple[str, str]:
    return net(*before, head=NO_F), net(*after, init=(FC, made), head=NO_F)


WRITTEN = {
    "relu": written("return self.fc(x).relu()", after=("return self.relu(self.fc(x))",)),
    "trailing-underscore-is-in-place": written(
        "return self.fc(x).relu_()",
        after=("return self.relu(self.fc(x))",),
        made="self.relu = nn.ReLU(inplace=True)",
    ),
    "softmax-by-position": written(
        "return x.softmax(-1)",
        after=("return self.softmax(x)",),
        made="self.softmax = nn.Softmax(-1)",
    ),
    "softmax-by-keyword": written(
        "return x.softmax(dim=1) + x",
        after=("return self.softmax(x) + x",),
        made="self.softmax = nn.Softmax(dim=1)",
    ),
    "parentheses-around-the-receiver": written(
        "return (x + 1).relu()", after=("return self.relu(x + 1)",)
    ),
    "parentheses-that-the-receiver-needs": written(
        "return (y := x).relu()", after=("return self.relu((y := x))",)
    ),
    "method-chained-on-the-result": written(
        "return x.relu().mean(1)", after=("return self.relu(x).mean(1)",)
    ),
    "chain-over-lines": written(
        "return (",
        "    self.fc(x)",
        "    .relu()",
        "    .mean(1)",
        ")",
        after=("return (", "    self.relu(self.fc(x))", "    .mean(1)", ")"),
    ),
    "receiver-is-a-parameter-of-the-module": written(
        "return self.fc.weight.relu()", after=("return self.relu(self.fc.weight)",)
    ),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: str, after: str) -> None:
    plan = holds(FunctionalToModule, before, after)
    assert all(rewrite.only_confirmed for rewrite in plan.rewrites)


def test_two_in_a_chain() -> None:
    holds(
        FunctionalToModule,
        net("return x.relu().sigmoid()", head=NO_F),
        net(
            "return self.sigmoid(self.relu(x))",
            init=(FC, "self.relu = nn.ReLU()", "self.sigmoid = nn.Sigmoid()"),
            head=NO_F,
        ),
    )


# ---- what decides is the run

TENSOR = net("return self.fc(x).relu() + F.relu(x)") + "\n\nif __name__ == '__main__':\n"
RUNS = TENSOR + "    Net()(torch.randn(2, 4))\n"
BOX = """
import torch
import torch.nn as nn


class Box:
    def __init__(self, value):
        self.value = value

    def relu(self):
        return self.value * 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        box = Box(self.fc(x))
        return box.relu()


if __name__ == "__main__":
    Net()(torch.randn(2, 4))
"""


def test_a_tensor_is_confirmed() -> None:
    report = confirm_rewrite(FunctionalToModule, {"net.py": RUNS})
    assert [(item.verdict.kind, item.would_write) for item in report.outcomes] == [
        ("confirmed", True)
    ] * 2


def test_what_is_no_tensor_is_never_written() -> None:
    report = confirm_rewrite(FunctionalToModule, {"net.py": BOX}, accept=["unconfirmed"])
    assert [item.would_write for item in report.outcomes] == [False]
    assert report.outcomes[0].verdict.kind == "different"


def test_what_cannot_be_run_is_not_written_even_where_that_is_accepted() -> None:
    source = net("return self.fc(x).relu()", taken="cfg", head="import nowhere\n" + NO_F).replace(
        "super().__init__()", "super().__init__()\n        nowhere.check(cfg.a.b)"
    )
    report = confirm_rewrite(FunctionalToModule, {"net.py": source}, accept=["unconfirmed"])
    assert [(item.verdict.kind, item.would_write) for item in report.outcomes] == [
        ("unconfirmed", False)
    ]


def test_without_a_run_it_is_a_refusal_and_takes_no_name(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(RUNS)
    report = run(Options((tmp_path,), tmp_path, verify=False), chosen=[FunctionalToModule])
    assert [item.code for item in report.refusals] == ["unknown-receiver"]
    assert "return self.fc(x).relu() + self.relu(x)" in report.patch
