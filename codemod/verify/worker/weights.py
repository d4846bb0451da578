"""Weights that cannot be had: a download, a file that is not there. The model keeps its own.

What loads them gets an empty state_dict that says so, and loading that into a model does nothing.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, Mapping

from . import shims

_OWN = os.path.dirname(__file__)

_missing = False


class NoWeights(Dict[str, Any]):
    """A state_dict, or a checkpoint that holds some, of which nothing is known."""

    def __missing__(self, key: Any) -> "NoWeights":
        return NoWeights()

    def pop(self, key: Any, *default: Any) -> Any:
        return default[0] if default else None

    def __delitem__(self, key: Any) -> None:
        return None

    def get(self, key: Any, default: Any = None) -> Any:
        return default

    def copy(self) -> "NoWeights":
        return NoWeights()


def install() -> None:
    """Replace what downloads or reads weights, and what takes them."""
    torch: Any = sys.modules["torch"]
    import torch.hub as hub
    import torch.utils.model_zoo as model_zoo

    hub.load_state_dict_from_url = _refuse
    model_zoo.load_url = _refuse
    if hasattr(model_zoo, "load_state_dict_from_url"):
        model_zoo.load_state_dict_from_url = _refuse
    torch.load = _or_none(torch.load)
    module = torch.nn.Module
    module.load_state_dict = _taking_none(module.load_state_dict)


def _refuse(url: str, *arguments: Any, **named: Any) -> NoWeights:
    """Instead of `load_state_dict_from_url`."""
    return _without("weights of %s" % str(url).rpartition("/")[2])


def _without(label: str) -> NoWeights:
    global _missing
    _missing = True
    shims.note("%s (not loaded)" % label)
    return NoWeights()


def _or_none(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_or_none(f: Any, *arguments: Any, **named: Any) -> Any:
        if isinstance(f, (str, os.PathLike)) and not os.path.exists(f):
            return _without("weights of %s" % os.path.basename(os.fspath(f)))
        return load(f, *arguments, **named)

    return load_or_none


def _is_left_over() -> bool:
    """Whether the project loads an empty state_dict, which may be what it made of `NoWeights`."""
    return _missing and os.path.dirname(sys._getframe(2).f_code.co_filename) != _OWN


def _taking_none(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_state_dict(module: Any, state_dict: Mapping[str, Any], *a: Any, **named: Any) -> Any:
        if isinstance(state_dict, NoWeights) or (not state_dict and _is_left_over()):
            from torch.nn.modules.module import _IncompatibleKeys

            return _IncompatibleKeys([], [])
        return load(module, state_dict, *a, **named)

    return load_state_dict
