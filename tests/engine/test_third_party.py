"""A transform of somebody else gets analysis, text keeping, refusals and confirmation for free."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import silu_to_mish
from silu_to_mish import SiluToMish

from codemod import (
    check_examples,
    check_refusal,
    check_rewrite,
    check_unchanged,
    confirm_rewrite,
)
from codemod.engine.registry import choose
from codemod.results import Report

NET = """
    {head}


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = {made}

        def forward(self, x):
            return self.act(x)
"""
NN = "import torch.nn as nn"


def net(made: str, head: str = NN) -> str:
    return NET.format(head=head, made=made)


def test_it_imports_nothing_but_the_public_api() -> None:
    tree = ast.parse(Path(silu_to_mish.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in modules if name and name.startswith("codemod")} == {"codemod"}


def test_it_is_found_by_its_path() -> None:
    (chosen,) = choose([str(silu_to_mish.__file__)])
    assert chosen.name == SiluToMish.name


def test_examples() -> None:
    check_examples(SiluToMish)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(net("nn.SiLU()"), net("nn.Mish()"), id="plain"),
        pytest.param(net("nn.SiLU(inplace=True)"), net("nn.Mish(inplace=True)"), id="arguments"),
        pytest.param(
            net("nn.SiLU(  # act\n                True)"),
            net("nn.Mish(  # act\n                True)"),
            id="comment",
        ),
        pytest.param(
            net("SiLU()", NN + "\n    from torch.nn import SiLU"), net("nn.Mish()"), id="by-name"
        ),
        pytest.param(
            net("S()", NN + "\n    from torch.nn import Linear, SiLU as S"),
            net("nn.Mish()", NN + "\n    from torch.nn import Linear"),
            id="by-another-name",
        ),
    ],
)
def test_rewrites(before: str, after: str) -> None:
    check_rewrite(SiluToMish, before, after)


def test_leaves_others_alone() -> None:
    check_unchanged(SiluToMish, net("nn.GELU()"))
    check_unchanged(SiluToMish, net("nn.SiLU", "from other import nn\n    import torch.nn as nn"))


def test_refuses() -> None:
    check_refusal(SiluToMish, net("nn.SiLU(*args)"), {7: "star-arguments"})
    check_refusal(
        SiluToMish, "# @generated\n" + net("nn.SiLU()").replace("\n    ", "\n"), {9: "generated"}
    )


def verdicts(report: Report) -> list[tuple[str, str | None]]:
    return [
        (item.verdict.kind, item.verdict.reason.code if item.verdict.reason else None)
        for item in report.outcomes
    ]


def test_confirmed_by_running_and_written_only_if_accepted() -> None:
    files = {"net.py": net("nn.SiLU()")}
    report = confirm_rewrite(SiluToMish, files)
    assert verdicts(report) == [("confirmed", None)]
    assert [item.would_write for item in report.outcomes] == [False]
    accepted = confirm_rewrite(SiluToMish, files, accept=["behaviour-change"])
    assert [item.would_write for item in accepted.outcomes] == [True]
    assert "+        self.act = nn.Mish()" in accepted.patch


def test_a_promise_that_is_not_kept_is_seen() -> None:
    class Promising(SiluToMish):
        """Replace nn.SiLU by nn.Mish, and say that nothing changes."""

        name = "promising"
        contract = type(SiluToMish.contract)(changes={"modules": "differs", "hooks": "differs"})

    report = confirm_rewrite(Promising, {"net.py": net("nn.SiLU()")})
    assert verdicts(report)[0][0] == "different"
    assert report.patch == ""
