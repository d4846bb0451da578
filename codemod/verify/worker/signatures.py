"""What the classes of a model can be called with: names and defaults of their parameters."""

from __future__ import annotations

import inspect
from typing import Any, Callable, List, Tuple

import torch

from .trees import Tree, type_name, without_addresses

REQUIRED = "required"
_MAX_TEXT = 200
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def signatures(model: Any) -> Tree:
    """By class of the model and its parts, those of torch left out: constructor and call."""
    kinds = dict.fromkeys(type(part) for part in model.modules())
    found: List[Tuple[str, Tree]] = [
        (type_name(kind), _of_class(kind))
        for kind in kinds
        if kind.__module__.partition(".")[0] != "torch"
    ]
    return {"dict": [[name, tree] for name, tree in dict(found).items()]}


def _of_class(kind: Any) -> Tree:
    own_call = kind.__call__ is not torch.nn.Module.__call__
    called = kind.__call__ if own_call else kind.forward
    return {"dict": [["constructor", _of(kind.__init__)], ["call", _of(called)]]}


def _of(function: Callable[..., Any]) -> Tree:
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return {"not-applicable": "no signature"}
    return {"dict": [_named(p) for p in parameters]}


def _named(parameter: inspect.Parameter) -> List[Any]:
    if parameter.kind in _NAMED:
        return [parameter.name, {"value": _default(parameter)}]
    return ["*" + parameter.name, {"value": "any"}]


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return REQUIRED
    try:
        return without_addresses(repr(parameter.default))[:_MAX_TEXT]
    except Exception:
        return type_name(type(parameter.default))
