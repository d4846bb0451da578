"""Lines that grew too long. A second opinion on what is expected: ruff's formatter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codemod.engine.long_lines import limit_of, long_line_edits
from codemod.engine.text_edits import apply_edits
from codemod.results import Edit
from codemod.source.text import SourceText

LIMIT = 60


def made(before: str, old: str, new: str, limit: int = LIMIT) -> str:
    """`old` becomes `new` in a text, and what is then too long is broken."""
    source = SourceText("net.py", before)
    start = source.text.index(old)
    text, done = apply_edits(source.text, [Edit("net.py", start, start + len(old), new)])
    composed = source.with_text(text)
    return apply_edits(
        text, long_line_edits(source, composed, done.edits, limit_of(source, limit))
    )[0]


LONG = "F.leaky_relu(self.convolution(x), 0.2, inplace=True)"

BROKEN = {
    "arguments-on-one-line": (
        "    x = self.act(y)\n",
        "self.act(y)",
        "F.leaky_relu(self.convolution(x), negative_slope=0.2)",
        "    x = F.leaky_relu(\n        self.convolution(x), negative_slope=0.2\n    )\n",
    ),
    "one-argument-a-line": (
        "    x = self.act(y)\n",
        "self.act(y)",
        "F.leaky_relu(self.convolution_one(x), negative_slope=0.2, inplace=True)",
        "    x = F.leaky_relu(\n        self.convolution_one(x),\n        negative_slope=0.2,\n"
        "        inplace=True,\n    )\n",
    ),
    "trailing-comma-is-kept-and-splits": (
        "    x = self.act(y)\n",
        "self.act(y)",
        "F.leaky_relu(self.convolution(x), negative_slope=0.2,)",
        "    x = F.leaky_relu(\n        self.convolution(x),\n        negative_slope=0.2,\n    )\n",
    ),
    "one-generator-gets-no-comma": (
        "    x = self.act(y)\n",
        "self.act(y)",
        "nn.ModuleList(nn.LeakyReLU(negative_slope=0.2) for _ in self.a)",
        "    x = nn.ModuleList(\n        nn.LeakyReLU(negative_slope=0.2) for _ in self.a\n    )\n",
    ),
    "lambda-is-not-split": (
        "    x = self.act(y)\n",
        "self.act(y)",
        "call_it(lambda a, b: self.convolution(a) + self.other(b))",
        "    x = call_it(\n        lambda a, b: self.convolution(a) + self.other(b)\n    )\n",
    ),
    "line-within-brackets": (
        "x = run(\n    self.act(y),\n    z,\n)\n",
        "self.act(y)",
        "F.leaky_relu(self.convolution_one(x), negative_slope=0.2)",
        "x = run(\n    F.leaky_relu(\n        self.convolution_one(x), negative_slope=0.2\n    ),\n"
        "    z,\n)\n",
    ),
    "all-that-stands-in-a-bracket": (
        "x = run(\n    self.first(a, b), self.act(y), self.last(c)\n)\n",
        "self.act(y)",
        "F.leaky_relu(self.conv(x), 0.2)",
        "x = run(\n    self.first(a, b),\n    F.leaky_relu(self.conv(x), 0.2),\n"
        "    self.last(c),\n)\n",
    ),
    "head-of-a-block": (
        "if self.act(y):\n    pass\n",
        "self.act(y)",
        "F.leaky_relu(self.convolution_one(x), negative_slope=0.2)",
        "if F.leaky_relu(\n    self.convolution_one(x), negative_slope=0.2\n):\n    pass\n",
    ),
    "comment-behind-the-call": (
        "    x = self.act(y)  # [batch x width]\n",
        "self.act(y)",
        "F.relu(self.conv(x), inplace=True)",
        "    x = F.relu(\n        self.conv(x), inplace=True\n    )  # [batch x width]\n",
    ),
    "string-with-brackets": (
        "    x = self.act(y)\n",
        "self.act(y)",
        'F.interpolate(self.convolution(x), mode="a(,", size=2)',
        '    x = F.interpolate(\n        self.convolution(x), mode="a(,", size=2\n    )\n',
    ),
}


@pytest.mark.parametrize(("before", "old", "new", "after"), BROKEN.values(), ids=BROKEN)
def test_breaks_as_black_does(before: str, old: str, new: str, after: str) -> None:
    assert made(before, old, new) == after
    assert made(before.replace("\n", "\r\n"), old, new) == after.replace("\n", "\r\n")
    assert formatted(before.replace(old, new)) == after


def formatted(text: str) -> str:
    """By ruff, at the same limit; the lines of a function's body stand in one."""
    inside = text.startswith("    ")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("ruff"),
            "format",
            f"--line-length={LIMIT}",
            "--isolated",
            "-",
        ],
        input=("def f():\n" if inside else "") + text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.removeprefix("def f():\n") if inside else done.stdout


def test_what_follows_the_call_stays_behind_it() -> None:
    assert made("x = a\n", "a", f"{LONG}.mean(1)") == (
        "x = F.leaky_relu(\n    self.convolution(x), 0.2, inplace=True\n).mean(1)\n"
    )


def test_a_new_line_is_broken() -> None:
    text = "def f(self):\n    self.conv = 1\n    self.end = 1\n"
    line = "    self.up = nn.Upsample(scale_factor=2, align_corners=False)\n"
    assert made(text, "    self.end", line + "    self.end", 50) == (
        "def f(self):\n    self.conv = 1\n    self.up = nn.Upsample(\n"
        "        scale_factor=2, align_corners=False\n    )\n    self.end = 1\n"
    )


KEPT = {
    "short-enough": ("x = a\n", "a", "F.relu(self.conv(x), inplace=True)"),
    "too-long-before": (f"x = {LONG} + {LONG}\n", "0.2", "0.25"),
    "comment-for-a-tool": ("x = a  # noqa: E501, as it is\n", "a", "F.relu(self.conv(x), True)"),
    "comment-behind": ("x = a  # why\n", "a", LONG + " + 1"),
    "no-brackets": ("x = a\n", "a", " + ".join(["operand"] * 9)),
    "empty-brackets": ("x = a\n", "a", "operand_of_this + " * 4 + "last()"),
    "part-of-a-bracket": (
        "x = (\n    a\n    + run(b,\n          c)\n)\n",
        "run(b",
        LONG + "(bbbbb",
    ),
    "end-of-a-string": ('run("""\n""", a)\n', "a", LONG + " + 1"),
    "file-that-does-not-keep-to-it": (
        f"y = {LONG}.mean()\n" * 3 + "x = a\n",
        "= a",
        f"= {LONG} + b",
    ),
}


@pytest.mark.parametrize(("before", "old", "new"), KEPT.values(), ids=KEPT)
def test_leaves(before: str, old: str, new: str) -> None:
    assert made(before, old, new) == before.replace(old, new, 1)
