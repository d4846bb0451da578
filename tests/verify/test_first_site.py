"""The first place that gives another result, from runs in which each operator has its line."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from codemod.results import FirstSite
from codemod.verify.first_site import first_site
from codemod.verify.worker.observe import observe

HERE = __file__.rpartition("/")[0]


def located(*steps: tuple[str, str]) -> dict[str, Any]:
    """A run of (operator and result, place)."""
    return {"lines": [line for line, _ in steps], "places": [place for _, place in steps]}


def seen(train: Any, **sets: Any) -> dict[str, Any]:
    others = {name: {"places": {"eval": run}} for name, run in sets.items()}
    return {"places": {"train": train}, "sets": others}


def found(before: Any, after: Any, **options: Any) -> FirstSite | None:
    lines = (lambda path, number: f" old {number}", lambda path, number: f" new {number} ")
    return first_site(before, after, lines, **options)


CONV = ("conv [2]a", "net.py:4")
RELU = ("relu [2]b", "net.py:5")
LEAKY = ("leaky [2]c", "net.py:6")


def test_the_first_result_that_differs() -> None:
    assert found(seen(located(CONV, RELU)), seen(located(CONV, LEAKY))) == FirstSite(
        "train", "", "net.py:5", "net.py:6", "old 5", "new 6", "relu", "leaky"
    )


@pytest.mark.parametrize(
    ("before", "after", "options", "expected"),
    [
        pytest.param([CONV], [CONV], {}, None, id="all-equal"),
        pytest.param([CONV, RELU], [CONV], {}, ("net.py:5", ""), id="one-less"),
        pytest.param([CONV], [CONV, RELU], {}, ("", "net.py:5"), id="one-more"),
        pytest.param(
            [CONV, RELU],
            [("conv2 [2]a", "net.py:4"), LEAKY],
            {"other_operators": True},
            ("net.py:5", "net.py:6"),
            id="other-operators-are-declared",
        ),
        pytest.param([("mul g", "")], [("mul h", "")], {}, None, id="nothing-of-the-project"),
    ],
)
def test_places(before: Any, after: Any, options: Any, expected: Any) -> None:
    site = found(seen(located(*before)), seen(located(*after)), **options)
    assert (site and (site.before, site.after)) == expected


def test_other_inputs_come_last() -> None:
    same, other = located(CONV), located(RELU)
    site = found(seen(same, zero=same, large=same), seen(same, zero=same, large=other))
    assert site is not None
    assert (site.inputs, site.mode) == ("large", "eval")


def test_each_operator_has_the_line_that_ran_it() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 3)  # constructed here

        def forward(self, x: Any) -> Any:
            x = self.fc(x)  # called here
            return x.relu()

    with open(__file__, encoding="utf-8") as file:
        lines = file.read().split("\n")
    run = observe(lambda: (Net(), (torch.ones(2, 3),), {}), seed=0, root=HERE, located=("",))
    tree = run["places"]["train"]
    assert len(tree["lines"]) == len(tree["places"])
    where = dict(zip(tree["lines"], tree["places"], strict=True))
    for start, comment in (
        ("aten.uniform_", "# constructed here"),
        ("aten.addmm", "# called here"),
    ):
        place = next(place for line, place in where.items() if line.startswith(start))
        path, _, number = place.rpartition(":")
        assert path == "test_first_site.py"
        assert lines[int(number) - 1].endswith(comment)
