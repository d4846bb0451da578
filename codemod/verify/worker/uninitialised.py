"""What no code initialises holds what was in memory before: it is given small numbers.

`torch.Tensor(3, 4)` and `torch.empty` leave memory as it is. A parameter that is made of it, and
that nothing fills, has other values in each run, so that no two runs agree. While a model is built,
torch marks such memory by NaN, as it does where deterministic algorithms are asked for
(https://docs.pytorch.org/docs/stable/deterministic.html). What bears the mark in the end, and holds
no NaN where such memory is zero, is filled.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, Iterator, Tuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from . import shims

LABEL = "values of uninitialised tensors (small numbers)"
Place = Tuple[int, str]  # the number of the part, and the name in it

_UNINITIALISED = ("empty", "new_empty", "resize")
_zeroing = False


class _Zeros(TorchDispatchMode):  # type: ignore[misc]
    """Within it memory that torch hands out holds no NaN, also where it was in use before."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.__name__.startswith(_UNINITIALISED) and _can_be_marked(result):
            result.nan_to_num_(0.0)
        return result


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """Within it torch fills memory that it hands out with NaN, from 2.2 on."""
    if _zeroing or torch.are_deterministic_algorithms_enabled():
        yield
        return
    # The public function also loads the compiler.
    torch._C._set_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        if torch.is_deterministic_algorithms_warn_only_enabled():
            torch._C._set_deterministic_algorithms(False, warn_only=False)


def fill(model: Any, again: Callable[[], Any]) -> None:
    """Fills what bears the mark in a model that was just built. `again` builds another one."""
    bearing = {place: tensor for place, tensor in _tensors(model) if _holds_nan(tensor)}
    if not bearing:
        return
    meant = dict(_tensors(_without_marks(again)))
    for place, tensor in bearing.items():
        wanted = torch.isnan(tensor.detach())
        other = meant.get(place)
        if other is not None and other.shape == tensor.shape:
            wanted &= ~torch.isnan(other.detach())
        if bool(wanted.any()):
            tensor.data[wanted] = _numbers(tensor)[wanted]
            shims.note(LABEL)


def _without_marks(again: Callable[[], Any]) -> Any:
    """Another model, zeros in the place of the marks; None if it cannot be built so."""
    global _zeroing
    _zeroing = True
    try:
        with _Zeros():
            return again()
    except Exception:
        return None
    finally:
        _zeroing = False


def _numbers(tensor: Any) -> Any:
    """From -0.1 to 0.1, none of them zero."""
    turns = torch.arange(tensor.numel()).mul_(37).remainder_(101)
    return turns.sub(50.5).div_(500).reshape(tensor.shape).to(tensor.dtype)


def _tensors(model: Any) -> Iterator[Tuple[Place, Any]]:
    """Parameters, buffers and attributes, those in lists and dictionaries included, by place."""
    for index, part in enumerate(model.modules() if isinstance(model, torch.nn.Module) else ()):
        for held in (part._parameters, part._buffers, _attributes(part)):
            for name, tensor in held.items():
                if _can_be_marked(tensor):
                    yield (index, name), tensor


def _attributes(part: Any) -> Dict[str, Any]:
    found = {}
    for name, value in vars(part).items():
        if name in ("_parameters", "_buffers", "_modules"):
            continue
        found[name] = value
        if type(value) in (list, tuple):
            found.update(("%s[%d]" % (name, i), one) for i, one in enumerate(value))
        elif type(value) is dict:
            found.update(("%s[%r]" % (name, key), one) for key, one in value.items())
    return found


def _can_be_marked(tensor: Any) -> bool:
    return (
        isinstance(tensor, torch.Tensor)
        and not torch.nn.parameter.is_lazy(tensor)
        and tensor.device.type == "cpu"
        and tensor.layout is torch.strided
        and not tensor.is_quantized
        and (tensor.dtype.is_floating_point or tensor.dtype.is_complex)
    )


def _holds_nan(tensor: Any) -> bool:
    try:
        return bool(torch.isnan(tensor.detach().sum())) and bool(torch.isnan(tensor).any())
    except (RuntimeError, NotImplementedError):
        return False
