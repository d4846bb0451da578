"""The tensors of a call made over: other values, sizes, layouts and precision."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch

from .step import attempt, copied

Made = Tuple[Any, Any, Any]

_SIZES = 5
_TINY = 2.0**-30


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes that tensors of one call have in common. 0: there is none.

    `batch`: the first; `length`: the last; `height`: the last but one; `rank`: of the tensor
    that `height` was taken from.
    """

    batch: int
    length: int
    height: int
    rank: int


def _negative(tensor: Any, shape: Shape) -> Any:
    """All values below zero, in a batch of one more."""
    more = _more(tensor, 0, shape.batch)
    return -more.abs() if _is_floating(more) else more


def _zero(tensor: Any, shape: Shape) -> Any:
    return torch.zeros_like(tensor)


def _large(tensor: Any, shape: Shape) -> Any:
    """Values of all sizes: times 1, 10, 100, 1000 and 10,000 in turn."""
    return _at_sizes(tensor, _SIZES) if _is_floating(tensor) else tensor


def tiny(tensor: Any, _shape: Optional[Shape] = None) -> Any:
    """What a small constant beside it (an `eps`, a threshold) decides about."""
    return tensor * _TINY if _is_floating(tensor) else tensor


def _not_finite(tensor: Any, shape: Shape) -> Any:
    """NaN in the first example, both infinities in the last, the others as they are."""
    if not _is_floating(tensor) or tensor.is_complex() or tensor.numel() < 4:
        return tensor
    changed = tensor.clone(memory_format=torch.contiguous_format)
    flat = changed.view(-1)
    flat[0] = float("nan")
    flat[-1] = float("inf")
    flat[-2] = float("-inf")
    return changed


def _batch_of_one(tensor: Any, shape: Shape) -> Any:
    """The first example alone, in whole numbers."""
    if not tensor.dim() or tensor.shape[0] != shape.batch or shape.batch < 2:
        return tensor
    return (tensor[:1] * 2).round() if _is_floating(tensor) else tensor[:1].clone()


def _laid_out_otherwise(tensor: Any, shape: Shape) -> Any:
    """The same values, the last two dimensions swapped in memory."""
    if tensor.dim() < 2 or min(tensor.shape[-2:]) < 2:
        return tensor
    return tensor.transpose(-1, -2).contiguous().transpose(-1, -2)


def _longer(tensor: Any, shape: Shape, by: int = 1) -> Any:
    """More elements wherever there is the last size of the first tensor."""
    for dimension in range(1, tensor.dim()):
        tensor = _more(tensor, dimension, shape.length, by)
    return tensor


def _much_longer(tensor: Any, shape: Shape) -> Any:
    """Seven more: of 16 that is 23, then 11, then 5, odd wherever it is halved."""
    return _longer(tensor, shape, by=7)


def _higher(tensor: Any, shape: Shape) -> Any:
    """One more row: of images that one dimension alone, of sequences wherever there is their
    length."""
    if shape.rank > 3:
        return _more(tensor, tensor.dim() - 2, shape.height) if tensor.dim() > 3 else tensor
    for dimension in range(1, tensor.dim()):
        tensor = _more(tensor, dimension, shape.height)
    return tensor


def _of_other_rank(tensor: Any, shape: Shape) -> Any:
    """One dimension more where there are at most two, else none for the batch."""
    if not _is_floating(tensor) or not tensor.dim() or tensor.shape[0] != shape.batch:
        return tensor
    return torch.stack([tensor, tensor + 1], 1) if tensor.dim() < 3 else tensor[0].clone()


def _whole_numbers(tensor: Any, shape: Shape) -> Any:
    """Indices in turn, one more than there was; masks the other way round."""
    if _is_floating(tensor) or not tensor.numel():
        return tensor
    if tensor.dtype is torch.bool:
        return ~tensor
    count = max(1, int(tensor.max()) + 2)
    values = torch.arange(tensor.numel() - 1, -1, -1).remainder_(count)
    return values.reshape(tensor.shape).to(tensor.dtype)


def double(tensor: Any, shape: Shape) -> Any:
    """What single precision cannot hold, of three sizes."""
    return _at_sizes(tensor.double(), 3) + 1e-12 if tensor.dtype is torch.float32 else tensor


# By name, the most telling first.
CHANGES: Dict[str, Callable[[Any, Shape], Any]] = {
    "large": _large,
    "longer": _longer,
    "negative": _negative,
    "batch of one": _batch_of_one,
    "not finite": _not_finite,
    "higher": _higher,
    "much longer": _much_longer,
    "zero": _zero,
    "other layout": _laid_out_otherwise,
    "whole numbers": _whole_numbers,
    "other rank": _of_other_rank,
}


def changed(made: Made, change: Callable[[Any, Shape], Any]) -> Optional[Made]:
    """The same model and other inputs; None if no tensor changes, or none can."""
    model, args, kwargs = made
    changes: List[bool] = []
    shape = _shape_of(made)

    def noting(tensor: Any) -> Any:
        if tensor.layout is not torch.strided or tensor.is_quantized:
            return tensor
        other = change(tensor.detach(), shape)
        changes.append(not _is_same(other, tensor))
        return other

    failed, inputs, _error = attempt(lambda: copied((args, kwargs), noting))
    return None if failed or not any(changes) else (model, *inputs)


def _is_same(one: Any, other: Any) -> bool:
    return (
        one.dtype is other.dtype
        and one.shape == other.shape
        and one.stride() == other.stride()
        and torch.equal(one, other)
    )


def _at_sizes(tensor: Any, count: int) -> Any:
    turns = torch.arange(tensor.numel()).remainder_(count).reshape(tensor.shape)
    return tensor * torch.pow(10, turns).to(tensor.dtype)


def _more(tensor: Any, dimension: int, size: int, by: int = 1) -> Any:
    """The first elements once more, after the last, where the dimension has this size."""
    if size == 0 or tensor.dim() <= dimension or tensor.shape[dimension] != size:
        return tensor
    return tensor.index_select(dimension, torch.arange(size + by) % size)


def _is_floating(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating_point or tensor.dtype.is_complex)


def _shape_of(made: Made) -> Shape:
    """Of the first tensors that have a batch and a length: images, sequences, tokens."""
    tensors: List[Any] = []

    def note(tensor: Any) -> Any:
        tensors.append(tensor)
        return tensor

    attempt(lambda: copied(made[1:], note))
    batches = [t.shape[0] for t in tensors if t.dim() > 0]
    lengths = [
        t.shape[-1] for t in tensors if t.dim() > 2 or (t.dim() == 2 and not _is_floating(t))
    ]
    heights = [(t.shape[-2], t.dim()) for t in tensors if t.dim() > 2] or [(0, 0)]
    return Shape(batches[0] if batches else 0, lengths[0] if lengths else 0, *heights[0])
