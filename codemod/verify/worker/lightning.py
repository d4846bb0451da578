"""A `LightningModule` without its package: an nn.Module that keeps its settings.

It does what one does that no trainer holds: `log` writes nothing, `trainer` is None. What needs the
rest of the package raises as any other part of it does.
"""

from __future__ import annotations

import functools
import sys
from types import FrameType
from typing import Any, Callable, Dict, Iterator, Optional

PACKAGES = ("lightning", "pytorch_lightning")
NAME = "LightningModule"
_IGNORED = ("log", "log_dict", "log_grad_norm", "print")
_NEEDS_THE_PACKAGE = (
    "all_gather", "load_from_checkpoint", "lr_schedulers", "manual_backward", "optimizers",
    "summarize", "to_onnx", "to_torchscript", "toggle_optimizer", "untoggle_optimizer",
)  # fmt: skip


class Settings(Dict[str, Any]):
    """A dictionary whose items are attributes too, as Lightning's `AttributeDict`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError("no hyperparameter %r" % name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def is_lightning_module(name: str) -> bool:
    """Whether a dotted name stands for the class, wherever a version of the package has it."""
    package, _, rest = name.partition(".")
    return package in PACKAGES and rest.rpartition(".")[2] == NAME


@functools.lru_cache(maxsize=None)
def module_class(touch: Callable[[str], None]) -> type:
    """The class. `touch` is told of what needs the package, before that raises."""
    import torch

    class LightningModule(torch.nn.Module):  # type: ignore[misc]
        trainer = None
        logger = None
        loggers = ()
        example_input_array = None
        automatic_optimization = True
        current_epoch = global_step = global_rank = local_rank = 0

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__()

        @property
        def device(self) -> Any:
            return torch.device("cpu")

        @property
        def dtype(self) -> Any:
            return torch.get_default_dtype()

        @property
        def hparams(self) -> Any:
            return self.__dict__.setdefault("_hparams", Settings())

        @hparams.setter
        def hparams(self, given: Any) -> None:
            self.__dict__["_hparams"] = _settings(given)

        def save_hyperparameters(
            self,
            *chosen: Any,
            ignore: Any = (),
            frame: Optional[FrameType] = None,
            logger: bool = True,
        ) -> None:
            given = _given(self, frame or sys._getframe(1))
            left_out = [ignore] if isinstance(ignore, str) else list(ignore or ())
            if len(chosen) == 1 and not isinstance(chosen[0], (str, list, tuple)):
                self.hparams = chosen[0]
                return
            names = [n for one in chosen for n in ([one] if isinstance(one, str) else one)]
            kept = {n: v for n, v in given.items() if n in names or not names}
            self.hparams.update((n, v) for n, v in kept.items() if n not in left_out)

        def freeze(self) -> None:
            self.requires_grad_(False).eval()

        def unfreeze(self) -> None:
            self.requires_grad_(True).train()

    for name in _IGNORED:
        setattr(LightningModule, name, lambda self, *arguments, **named: None)
    for name in _NEEDS_THE_PACKAGE:
        setattr(LightningModule, name, _needing("%s.%s.%s" % (PACKAGES[1], NAME, name), touch))
    LightningModule.__qualname__ = NAME
    LightningModule.__module__ = "torch." + PACKAGES[1]  # passed over where projects are read
    return LightningModule


def _needing(name: str, touch: Callable[[str], None]) -> Any:
    def needing(*arguments: Any, **named: Any) -> None:
        touch(name)

    return needing


def _settings(given: Any) -> Any:
    return Settings(given) if isinstance(given, dict) else given


def _given(model: Any, frame: Optional[FrameType]) -> Dict[str, Any]:
    """The arguments of the constructors that build the model; those of the outermost count."""
    found: Dict[str, Any] = {}
    for one in _constructors(model, frame):
        code, local = one.f_code, one.f_locals
        count = code.co_argcount + code.co_kwonlyargcount
        found.update((n, local[n]) for n in code.co_varnames[1:count] if n in local)
        if code.co_flags & 0x08:  # it takes **keywords
            rest = local.get(code.co_varnames[count + bool(code.co_flags & 0x04)])
            found.update(rest if isinstance(rest, dict) else {})
    return found


def _constructors(model: Any, frame: Optional[FrameType]) -> Iterator[FrameType]:
    """The frames of `__init__` around the call, innermost first."""
    while frame is not None and frame.f_code.co_name == "__init__":
        first = frame.f_code.co_varnames[:1]
        if not first or frame.f_locals.get(first[0]) is not model:
            return
        yield frame
        frame = frame.f_back
