"""What other code relies on by name: parameters, attributes, that a model can be copied and saved.

Each thing that is there is an entry; an entry that goes missing is a difference, a new one is not.
"""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any, Callable, Dict, List, Tuple

import torch

from .trees import Tree, type_name, without_addresses

REQUIRED = "required"
_PART = "a part"
_MAX_TEXT = 200
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_MOST_BYTES = 1 << 24


def signatures(model: Any) -> Tree:
    """By class of the model and its parts, those of torch left out: constructor and call, public
    attributes. Of the model as a whole, whether it can be copied and pickled."""
    parts: Dict[str, Any] = {}
    for part in model.modules():
        if type(part).__module__.partition(".")[0] != "torch":
            parts.setdefault(type_name(type(part)), part)
    found = [[name, _of_part(part, part is model)] for name, part in parts.items()]
    return {"dict": found}


def _of_part(part: Any, is_model: bool) -> Tree:
    kind = type(part)
    own_call = kind.__call__ is not torch.nn.Module.__call__
    called = kind.__call__ if own_call else kind.forward
    entries = [
        ["constructor", _of(kind.__init__)],
        ["call", _of(called)],
        ["attributes", {"dict": _attributes(part)}],
    ]
    if is_model:
        entries.append(["uses", {"dict": _uses(part)}])
    return {"dict": entries}


def _attributes(part: Any) -> List[List[Any]]:
    """Public names that can be read, and the values of flags and whole numbers."""
    names = {*vars(part), *dir(type(part))} - _OF_MODULES
    names.update(part._modules, part._parameters, part._buffers)
    public = sorted(name for name in names if not name.startswith("_"))
    return [[name, {"value": _plain(part, name)}] for name in public]


_OF_MODULES = {*vars(torch.nn.Module()), *dir(torch.nn.Module)} - {"forward"}


def _plain(part: Any, name: str) -> str:
    if name in part._modules:
        return _PART
    value = inspect.getattr_static(part, name, None)
    return repr(value) if type(value) in (bool, int) else ""


def _uses(model: Any) -> List[List[Any]]:
    tried: List[Tuple[str, Callable[[], Any]]] = [
        ("copied", lambda: copy.deepcopy(model)),
        ("pickled", lambda: pickle.dumps(model)),
    ]
    size = sum(
        p.numel() * p.element_size()
        for p in (*model.parameters(), *model.buffers())
        if not torch.nn.parameter.is_lazy(p)
    )
    return [[name, {"value": "possible"}] for name, use in tried if _runs(use, size)]


def _runs(action: Callable[[], Any], size: int) -> bool:
    if size > _MOST_BYTES:
        return True
    try:
        action()
    except MemoryError:
        raise
    except Exception:
        return False
    return True


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
