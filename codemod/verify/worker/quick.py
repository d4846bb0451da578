"""Large tensors are filled quickly while a recipe is searched: by one small block, again and again.

What a search asks is whether a model can be built and called. The classifier of a VGG net alone
draws a hundred million numbers, a second and more each time that it is built.
"""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

import torch

BLOCK = 1 << 14
_LARGE = 1 << 18  # numbers
_FILLERS = ("normal_", "uniform_", "erfinv_")


@contextlib.contextmanager
def quickly_filled() -> Iterator[None]:
    """Within it large tensors are drawn, or computed, in part."""
    own = {name: vars(torch.Tensor).get(name) for name in _FILLERS}
    for name in _FILLERS:
        setattr(torch.Tensor, name, _quick(getattr(torch.Tensor, name)))
    try:
        yield
    finally:
        for name, before in own.items():
            if before is None:
                delattr(torch.Tensor, name)
            else:
                setattr(torch.Tensor, name, before)


def _quick(real: Any) -> Any:
    def fill(tensor: Any, *arguments: Any, **named: Any) -> Any:
        is_plain = tensor.layout == torch.strided and tensor.is_contiguous()
        if not is_plain or tensor.numel() < _LARGE or _is_recorded(tensor):
            return real(tensor, *arguments, **named)
        flat = tensor.view(-1)
        real(flat[:BLOCK], *arguments, **named)
        whole = flat.numel() // BLOCK
        flat[BLOCK : whole * BLOCK].view(whole - 1, BLOCK).copy_(flat[:BLOCK])
        flat[whole * BLOCK :].copy_(flat[: flat.numel() - whole * BLOCK])
        return tensor

    return fill


def _is_recorded(tensor: Any) -> bool:
    return bool(tensor.requires_grad and torch.is_grad_enabled())
