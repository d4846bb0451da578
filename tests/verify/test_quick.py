"""Large tensors are filled in part during a search, and in full outside of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from codemod.verify.worker.quick import BLOCK, quickly_filled


@pytest.mark.parametrize("size", [10, 1 << 18, (1 << 18) + 5], ids=["small", "even", "uneven"])
def test_it_is_filled_to_the_end(size: int) -> None:
    with quickly_filled():
        filled = torch.full((size,), 7.0).uniform_(-1, 1)
    assert filled.abs().max() <= 1
    assert (filled[:BLOCK] == torch.full((size,), 7.0)[:BLOCK]).sum() == 0


def test_only_the_first_block_is_drawn() -> None:
    with quickly_filled():
        layer = nn.Linear(1024, 1024)
    flat = layer.weight.detach().view(-1)
    assert torch.equal(flat[:BLOCK], flat[BLOCK : 2 * BLOCK])


def test_it_ends_with_the_search() -> None:
    with pytest.raises(ZeroDivisionError), quickly_filled():
        raise ZeroDivisionError
    flat = nn.Linear(1024, 1024).weight.detach().view(-1)
    assert not torch.equal(flat[:BLOCK], flat[BLOCK : 2 * BLOCK])
    assert "normal_" not in vars(torch.Tensor)


def test_gradients_and_views_are_left_to_torch() -> None:
    leaf = nn.Parameter(torch.zeros(1024, 1024))
    with quickly_filled():
        with pytest.raises(RuntimeError, match="leaf Variable"):
            leaf.normal_()
        part = torch.zeros(1024, 1024).t().normal_()
    assert part.unique().numel() > 2 * BLOCK
