"""Shapes that docstrings give, in the styles of the field."""

from __future__ import annotations

import pytest

from codemod.verify.worker.documented import likely_size, shapes_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x (Tensor, optional): the input.", {}, id="type-in-brackets"),
        pytest.param("y: not an input (B, T).", {}, id="other-name"),
        pytest.param("x: the input (see above).", {}, id="words"),
        pytest.param("x: a kernel of (3, 3)", {}, id="numbers-alone"),
        pytest.param("x: a size (default)", {}, id="one-word"),
        pytest.param("Returns:\n    out (B, T)", {}, id="returned"),
        pytest.param("x (Tensor): signal (B, 1, T).", {"x": ("B", "1", "T")}, id="google"),
        pytest.param("x: points, [B, C, N]", {"x": ("B", "C", "N")}, id="square"),
        pytest.param(":param x: batch (#batch, time)", {"x": ("#batch", "time")}, id="sphinx"),
        pytest.param("x: [B x L x D]", {"x": ("B", "L", "D")}, id="crosses"),
        pytest.param("x : Tensor\n    of shape (N, C+3)", {"x": ("N", "C+3")}, id="next-line"),
        pytest.param("- x: labels (N,)", {"x": ("N",)}, id="vector"),
    ],
)
def test_shapes(text: str, expected: dict[str, tuple[str, ...]]) -> None:
    def forward(self: object, x: object) -> None: ...

    forward.__doc__ = text
    assert shapes_of(forward, ["self", "x"]) == expected


def test_sizes() -> None:
    symbols = ["N", "B", "#batch", "T", "H", "3"]
    assert [likely_size(one, index == 0) for index, one in enumerate(symbols)] == [
        2,
        2,
        2,
        8,
        16,
        3,
    ]
