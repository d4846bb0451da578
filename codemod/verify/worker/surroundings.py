"""What holds for all of a process, and a model that runs may leave changed for everybody else."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Iterator, List

import torch

_MAX_TEXT = 120
_FLAGS = (
    "is_inference_mode_enabled",
    "is_anomaly_enabled",
    "is_autocast_cache_enabled",
    "get_default_device",
    "get_float32_matmul_precision",
    "are_deterministic_algorithms_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
)
_GLOBAL_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_module_registration_hooks",
    "_global_parameter_registration_hooks",
)
# Set by torch itself, when first it needs them.
_OF_TORCH = frozenset({"TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"})

_variables: Dict[str, str] = {}
_folder = [""]


def begin(folder: str) -> None:
    """The run begins here: in this folder, with these variables."""
    _variables.clear()
    _variables.update(os.environ)
    _folder[0] = os.path.realpath(folder)


def switches() -> List[str]:
    """A line for each kind of switch. What is as the run began it, and differs from run to run,
    is left out."""
    return [
        "threads %d, %s, gradients %s, denormals %s"
        % (
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            float(torch.full((), 1e-40, dtype=torch.float32).mul_(1)) != 0,
        ),
        "torch " + ", ".join("%s %s" % pair for pair in _of_torch()),
        "python " + ", ".join("%s %s" % pair for pair in _of_python()),
        *("variable %s" % change for change in _changed_variables()),
    ]


def _of_torch() -> "Iterator[tuple[str, Any]]":
    for name in _FLAGS:
        yield name, _told(torch, name)
    for name in ("cudnn", "mkldnn"):
        backend = getattr(torch.backends, name)
        for flag in ("enabled", "deterministic", "benchmark", "allow_tf32"):
            yield "%s %s" % (name, flag), _told(backend, flag)
    hooks = sys.modules["torch.nn.modules.module"]
    for name in _GLOBAL_HOOKS:
        yield name, len(getattr(hooks, name, ()))


def _told(owner: Any, name: str) -> Any:
    """What torch says; a version may not know the switch, or refuse to tell of it."""
    try:
        value = getattr(owner, name)
        return value() if callable(value) else value
    except (AttributeError, RuntimeError):
        return "unknown"


def _of_python() -> "Iterator[tuple[str, Any]]":
    yield "folder", _shown(os.getcwd())
    yield "recursion", sys.getrecursionlimit()
    yield "umask", _umask()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        yield "numpy", sorted(numpy.geterr().items())


def _umask() -> int:
    mask = os.umask(0o77)
    os.umask(mask)
    return mask


def _changed_variables() -> Iterator[str]:
    now = dict(os.environ)
    for name in sorted((_variables.keys() | now.keys()) - _OF_TORCH):
        if now.get(name) != _variables.get(name):
            yield "%s is %s" % (name, _shown(now[name]) if name in now else "gone")


def _shown(text: str) -> str:
    return text.replace(_folder[0] or "\0", ".")[:_MAX_TEXT]
