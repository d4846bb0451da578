"""Runs code that asks for a GPU on the CPU: `x.cuda()`, `device="cuda"`, `cuda.FloatTensor`.

A mode of torch looks at each call while it is entered, so it is entered only for what needs it.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
import re
from typing import Any, ContextManager, Iterable

from . import shims

_LABEL = "cuda (run on the CPU)"
_WORD = "cuda"
_OLD_TYPE = "torch.cuda."
_PLACING = ("to", "_to", "_parse_to", "type", "device")
_ASKED = re.compile(r"\.cuda\(|[\"']cuda|torch\.cuda\.\w*Tensor|pin_memory|get_device|\.to\(\d")
_STORAGES = ("Float", "Double", "Half", "BFloat16", "Byte", "Char", "Short", "Int", "Long", "Bool")


def install() -> None:
    """What needs no mode: old tensor types, and questions that raise without a GPU."""
    import torch

    cuda: Any = torch.cuda
    for name in _STORAGES:
        kind = "%sTensor" % name
        if hasattr(torch, kind):
            setattr(cuda, kind, getattr(torch, kind))
    for name in ("synchronize", "empty_cache", "set_device", "init", "manual_seed"):
        setattr(cuda, name, _nothing)
    cuda.current_device = _zero


def _nothing(*arguments: Any, **named: Any) -> None:
    return None


def _zero() -> int:
    return 0


def on_cpu() -> "ContextManager[Any]":
    """While entered, what is asked of a GPU is done on the CPU."""
    try:
        from torch.overrides import TorchFunctionMode
    except ImportError:
        return contextlib.nullcontext()
    mode: ContextManager[Any] = _mode(TorchFunctionMode)()
    return mode


def is_named_in(files: Iterable[str]) -> bool:
    """Whether a source file asks for a GPU."""
    return any(map(_asks, files))


@functools.lru_cache(maxsize=None)
def _asks(file: str) -> bool:
    return any(map(_ASKED.search, linecache.getlines(file)))


def _mode(base: Any) -> Any:
    import torch

    class OnCpu(base):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            name = getattr(func, "__name__", "")
            given = kwargs or {}
            if name in ("cuda", "pin_memory") and args and isinstance(args[0], torch.Tensor):
                shims.note(_LABEL)
                return args[0]
            if name == "device" and _asks_for_gpu(args, given):
                shims.note(_LABEL)
                args, given = ("cpu",), {}
            elif name in _PLACING and any(map(_is_place, args)):
                shims.note(_LABEL)
                args = tuple(_cpu_for(one) for one in args)
            elif name == "to" and _is_number(args[-1:]):
                shims.note(_LABEL)
                args = (*args[:-1], "cpu")
            if _is_gpu(given.get("device")):
                shims.note(_LABEL)
                given = {**given, "device": "cpu"}
            return func(*args, **given)

    def _asks_for_gpu(args: Any, given: Any) -> bool:
        """Whether `torch.device` is called so: `(0)`, `("cuda", 0)`, `(type="cuda")`."""
        return _is_number(args[:1]) or any(map(_is_place, (*args, *given.values())))

    def _is_gpu(device: Any) -> bool:
        return _is_place(device) or _is_number((device,))

    def _is_number(values: Any) -> bool:
        return bool(values) and isinstance(values[0], int) and not isinstance(values[0], bool)

    def _is_place(device: Any) -> bool:
        if isinstance(device, torch.device):
            return str(device.type) == _WORD
        return isinstance(device, str) and device.startswith((_WORD, _OLD_TYPE))

    def _cpu_for(value: Any) -> Any:
        if not _is_place(value):
            return value
        is_type = isinstance(value, str) and value.startswith(_OLD_TYPE)
        return value.replace(_OLD_TYPE, "torch.") if is_type else torch.device("cpu")

    return OnCpu
