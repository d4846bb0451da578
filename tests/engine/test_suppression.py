"""`# codemod: skip` on a line, a `def` or a `class`, for all transforms or for some."""

from __future__ import annotations

import pytest
from toy_transforms import net, planned, renaming

BOTH = (renaming("a", "b"), renaming("c", "d"))


def left(source: str) -> list[str]:
    return sorted(item.summary for item in planned({"net.py": source}, *BOTH).plan.rewrites)


CASES = {
    "nothing-skipped": (net("y = a(x)", "return c(y)"), ["a -> b", "c -> d"]),
    "line": (net("y = a(x)  # codemod: skip", "return c(y)"), ["c -> d"]),
    "line-with-a-reason": (net("y = a(x)  # codemod: skip, ask Kim", "return c(y)"), ["c -> d"]),
    "line-after-another-comment": (
        net("y = a(x)  # noqa: E501  # codemod: skip", "return c(y)"),
        ["c -> d"],
    ),
    "no-spaces": (net("y = a(x)  #codemod:skip", "return c(y)"), ["c -> d"]),
    "one-transform-of-a-line": (net("return a(c(x))  # codemod: skip[a-to-b]"), ["c -> d"]),
    "two-transforms-of-a-line": (net("return a(c(x))  # codemod: skip[a-to-b, c-to-d]"), []),
    "another-transform-of-a-line": (
        net("return a(c(x))  # codemod: skip[e-to-f]"),
        ["a -> b", "c -> d"],
    ),
    "last-line-of-a-statement-over-several": (
        net("y = a(", "    x", ")  # codemod: skip", "return c(y)"),
        ["c -> d"],
    ),
    "first-line-of-a-statement-over-several": (
        net("y = a(  # codemod: skip", "    x", ")", "return c(y)"),
        ["c -> d"],
    ),
    "line-inside-a-loop-alone": (
        net("for y in x:", "    y = a(y)  # codemod: skip", "return c(y)"),
        ["c -> d"],
    ),
    "header-of-a-loop-is-its-line-alone": (
        net("for y in a(x):  # codemod: skip", "    y = c(y)", "return y"),
        ["c -> d"],
    ),
    "def": (net("y = a(x)", "return c(y)").replace("x):", "x):  # codemod: skip"), []),
    "def-over-several-lines": (
        net("y = a(x)", "return c(y)").replace(
            "(self, x):", "(\n        self,\n        x,\n    ):  # codemod: skip"
        ),
        [],
    ),
    "def-leaves-the-others": (
        net("return a(x)").replace("x):", "x):  # codemod: skip")
        + "\n    def other(self, x):\n        return c(x)\n",
        ["c -> d"],
    ),
    "decorator": (
        net("return a(x)").replace("    def", "    @torch.no_grad()  # codemod: skip\n    def"),
        [],
    ),
    "class": (net("y = a(x)", "return c(y)").replace("Module):", "Module):  # codemod: skip"), []),
    "class-for-one-transform": (
        net("y = a(x)", "return c(y)").replace("Module):", "Module):  # codemod: skip[a-to-b]"),
        ["c -> d"],
    ),
    "in-a-string-it-is-text": (
        net('y = a(x, "# codemod: skip")', "return c(y)"),
        ["a -> b", "c -> d"],
    ),
    "line-above-does-not-count": (
        net("# codemod: skip", "y = a(x)", "return c(y)"),
        ["a -> b", "c -> d"],
    ),
    "another-tool": (net("return a(x)  # othermod: skip"), ["a -> b"]),
}


@pytest.mark.parametrize(("source", "expected"), CASES.values(), ids=CASES)
def test_skips(source: str, expected: list[str]) -> None:
    assert left(source) == expected


def test_refusals_are_skipped_as_well() -> None:
    from codemod.transforms.functional_to_module import FunctionalToModule

    source = net("y = F.dropout(x)  # codemod: skip", "return F.dropout(y)").replace(
        "import", "import torch.nn.functional as F\nimport", 1
    )
    plan = planned({"net.py": source}, FunctionalToModule).plan
    assert [item.line for item in plan.refusals] == [8]


def test_carriage_returns_do_not_hide_the_comment() -> None:
    source = net("y = a(x)  # codemod: skip", "return c(y)")
    assert left(source.replace("\n", "\r\n")) == ["c -> d"]


FAMILY = """
import torch.nn as nn


class Net(nn.Module):
    def __call__(self, x):
        return x
"""
CHILD = """
from net import Net


class Child(Net):{on_class}
    def __call__(self, x):{on_def}
        return super().__call__(x) + 1
"""


@pytest.mark.parametrize(
    ("on_class", "on_def", "count"),
    [
        pytest.param("", "", 1, id="nothing-skipped"),
        pytest.param("  # codemod: skip", "", 0, id="class-in-another-file"),
        pytest.param("", "  # codemod: skip[call-to-forward]", 0, id="def-in-another-file"),
        pytest.param("", "  # codemod: skip[dropout-to-module]", 1, id="another-transform"),
    ],
)
def test_a_rewrite_over_files_is_skipped_as_a_whole(on_class: str, on_def: str, count: int) -> None:
    from codemod.transforms.call_to_forward import CallToForward

    files = {"net.py": FAMILY, "child.py": CHILD.format(on_class=on_class, on_def=on_def)}
    assert len(planned(files, CallToForward).plan.rewrites) == count


def test_one_skipped_call_keeps_the_whole_layer() -> None:
    from codemod.transforms.module_to_functional import ModuleToFunctional

    source = net("y = self.relu(x)  # codemod: skip", "return self.relu(y)").replace(
        "    def forward",
        "    def __init__(self):\n        super().__init__()\n        self.relu = nn.ReLU()\n\n"
        "    def forward",
    )
    assert planned({"net.py": source}, ModuleToFunctional).plan.rewrites == ()
    free = source.replace("  # codemod: skip", "")
    assert len(planned({"net.py": free}, ModuleToFunctional).plan.rewrites) == 1
