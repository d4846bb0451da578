"""The strides of a side of one element lead nowhere; all others count."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
import torch

from codemod.verify.worker.tracing import _tensor_line
from codemod.verify.worker.trees import Encoder


def filled(shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    return torch.empty_strided(shape, strides).fill_(1.5)


SAME = {
    "one-channel": ((2, 1, 4, 4), (16, 1, 4, 1), (16, 16, 4, 1)),
    "one-row": ((1, 6), (1, 1), (6, 1)),
    "one-element": ((1, 1), (7, 3), (1, 1)),
    "no-element": ((2, 0), (5, 1), (1, 1)),
}
OTHER = {
    "channels-last": ((2, 3, 4, 4), (48, 1, 12, 3), (48, 16, 4, 1)),
    "transposed": ((2, 3), (1, 2), (3, 1)),
    "expanded": ((2, 3), (0, 1), (3, 1)),
}


def seen(tensor: Any) -> tuple[Any, str]:
    return Encoder().tree(tensor), _tensor_line(tensor, content=True)


@pytest.mark.parametrize(("shape", "one", "other"), SAME.values(), ids=SAME)
def test_a_side_of_one_element_has_no_stride(
    shape: tuple[int, ...], one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    tensors = [filled(shape, strides) for strides in (one, other)]
    assert tensors[0].stride() != tensors[1].stride()
    assert seen(tensors[0]) == seen(tensors[1])


@pytest.mark.parametrize(("shape", "one", "other"), OTHER.values(), ids=OTHER)
def test_other_strides_are_told_apart(
    shape: tuple[int, ...], one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    left = torch.ones(1).expand(shape) if 0 in one else filled(shape, one)
    tree, line = seen(left)
    tree_of_other, line_of_other = seen(filled(shape, other))
    assert tree != tree_of_other
    assert line != line_of_other


def test_arrays() -> None:
    array = numpy.ones((2, 1, 4), dtype="float32")
    moved = numpy.moveaxis(numpy.ones((2, 4, 1), dtype="float32"), 2, 1)
    transposed = numpy.ones((4, 1, 2), dtype="float32").T
    assert array.strides != moved.strides
    assert Encoder().tree(array) == Encoder().tree(moved.copy(order="K"))
    assert Encoder().tree(array) != Encoder().tree(transposed.copy(order="K"))
