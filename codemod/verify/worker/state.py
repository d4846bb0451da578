"""What a project's import changes for everybody: torch's defaults, classes and functions.

Files that do so get a zygote of their own, or results would hang on which file came first.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Dict, List

from . import loader

_FLAGS = (
    "get_default_dtype",
    "get_default_device",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "are_deterministic_algorithms_enabled",
    "is_anomaly_enabled",
    "get_num_threads",
    "get_float32_matmul_precision",
)
_PATCHED = ("torch", "torch.nn", "torch.nn.functional", "torch.nn.init")
_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks")

Snapshot = Dict[str, Any]


def snapshot() -> Snapshot:
    """What can be changed for everybody, by name."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {}
    seen: Snapshot = {name: str(getattr(torch, name)()) for name in _FLAGS if hasattr(torch, name)}
    seen.update(("global hooks %s" % name, len(hooks)) for name, hooks in _hooks())
    for name in _PATCHED:
        module = sys.modules[name]
        seen.update(("%s.%s" % (name, key), value) for key, value in vars(module).items())
    for owner in (sys.modules["torch.nn"].Module, sys.modules["torch"].Tensor):
        seen.update(("%s.%s" % (owner.__name__, key), one) for key, one in vars(owner).items())
    return seen


def _hooks() -> "List[tuple[str, Any]]":
    module = sys.modules["torch.nn.modules.module"]
    return [(name, getattr(module, name)) for name in _HOOKS if hasattr(module, name)]


def changes(before: Snapshot, root: str) -> List[str]:
    """What is no longer as it was, sorted; what other packages patched is their own affair."""
    after = snapshot()
    return sorted(
        name
        for name, value in after.items()
        if name in before and before[name] is not value and _counts(before[name], value, root)
    )


def _counts(old: Any, new: Any, root: str) -> bool:
    if isinstance(new, (str, int)):
        return bool(type(old) is not type(new) or old != new)
    module = sys.modules.get(str(getattr(new, "__module__", "")))
    file = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
    return isinstance(file, str) and loader.is_under(file, root)
