"""Whether two operations on the same terms do the same: tried out on tensors of many kinds.

`F.max_pool2d(x, 2)` and `F.max_pool2d(x, 2, stride=2)` are one operation, `F.relu` and `F.relu6`
are two; what tells them apart is what they give, what they do to their input, what they draw from
the generator and what gradients they have.
"""

from __future__ import annotations

import ast
import zlib
from typing import Any, Dict, List, Optional, Tuple

import torch

from ..trees import digest, strides_of
from .operators import called
from .terms import Event, Json

_SHAPES = ((2, 3, 8, 8), (2, 4, 6), (3, 4), (2, 2, 4, 6, 6), (7,))
_SPECIAL = (0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, -6.0, 0.5, -0.5, 20.0, -20.0, 1e4, -1e4)
_LEAST = (1, 2, 0.1)
_NOT_FINITE = (float("nan"), float("inf"), float("-inf"))


class Opaque(Exception):
    """An argument that stands for what is not known."""


def same_operation(first: Event, second: Event) -> Optional[bool]:
    """None where it cannot be tried, or differs on numbers that a model may never see."""
    built = [_built(event) for event in (first, second)]
    if any(built):
        one_is_torchs = built.count("") == 1 and "torch.nn.modules." in "".join(built)
        return None if one_is_torchs else False
    functions = called(first["op"]), called(second["op"])
    if functions[0] is None or functions[1] is None:
        return False if first["op"] == second["op"] and not _holds_values(first, second) else None
    unknown = _holds_values(first, second)
    told = False
    for least in _LEAST if unknown else (0,):
        for shape in _SHAPES:
            for values in ("plain", "special", "whole"):
                try:
                    results = [
                        _outcome(function, event, _Samples(shape, values, least))
                        for function, event in zip(functions, (first, second))
                    ]
                except Opaque:
                    return None
                if results[0] != results[1]:
                    return None if unknown or values != "plain" else False
                told = told or not isinstance(results[0], str)
    return True if told else None


def _built(event: Event) -> str:
    """The class that an event is the construction of; empty for another event."""
    kind, _, name = str(event["op"]).partition(" ")
    return name if kind == "construct" else ""


def _holds_values(*events: Event) -> bool:
    return any("{'value': " in repr(event) for event in events)


def _outcome(function: Any, event: Event, samples: "_Samples") -> Any:
    """All that is seen of one operation; the name of what it raised if it raises."""
    args = [samples.decoded(one) for one in event["args"]]
    kwargs = {key: samples.decoded(one) for key, one in event.get("kwargs", {}).items()}
    inputs, leaves = samples.inputs, samples.leaves
    torch.manual_seed(7)
    try:
        output = function(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
    tensors = _tensors(output)
    seen: List[Any] = [_seen(one) for one in tensors] or [repr(output)]
    seen += [next((name for name, one in inputs.items() if one is out), "") for out in tensors]
    seen += [_seen(one) for _, one in sorted(inputs.items())]
    seen.append(digest(torch.get_rng_state()))
    return seen + _gradients(tensors, leaves)


def _seen(tensor: Any) -> Tuple[Any, ...]:
    strides = tuple(strides_of(tensor.shape, tensor.stride()))
    return (tuple(tensor.shape), str(tensor.dtype), strides, digest(tensor.detach()))


def _gradients(tensors: List[Any], leaves: Dict[str, Any]) -> List[Any]:
    wanted = [one for one in tensors if one.requires_grad]
    if not wanted:
        return []
    generator = torch.Generator()
    generator.manual_seed(3)
    try:
        torch.autograd.backward(
            wanted,
            [torch.randn(one.shape, generator=generator, dtype=one.dtype) for one in wanted],
        )
    except Exception as error:
        return [type(error).__name__]
    return [None if one.grad is None else digest(one.grad) for _, one in sorted(leaves.items())]


def _tensors(value: Any) -> List[Any]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [one for item in value for one in _tensors(item)]
    return []


class _Samples:
    """What stands in for the terms of one operation. `least`: of the numbers for the unknown."""

    def __init__(self, shape: Tuple[int, ...], kind: str, least: float) -> None:
        self.inputs: Dict[str, Any] = {}
        self.leaves: Dict[str, Any] = {}
        self._shape = shape
        self._kind = kind
        self._least = least

    def decoded(self, value: Json) -> Any:
        """The argument that JSON stands for. Raises `Opaque`."""
        name, content = next(iter(value.items()))
        if name == "term":
            return self._tensor(content)
        if name == "value":
            # Told from each other by their names, in whichever operation they stand.
            return type(self._least)(self._least + zlib.crc32(content.encode()) % 3)
        if name in ("tuple", "list"):
            items = [self.decoded(one) for one in content]
            return tuple(items) if name == "tuple" else items
        if name == "is":
            return _constant(content)
        raise Opaque(name)

    def _tensor(self, name: str) -> Any:
        if name not in self.inputs:
            leaf = _sample(self._shape, self._kind, zlib.crc32(name.encode()) % 997)
            self.leaves[name] = leaf
            self.inputs[name] = leaf.clone() if leaf.requires_grad else leaf
        return self.inputs[name]


def _constant(text: str) -> Any:
    kind, _, shown = text.partition(" ")
    if kind in ("bool", "int", "str", "bytes", "NoneType", "complex"):
        return ast.literal_eval(shown)
    if kind == "float":
        return float(shown)
    if text.startswith("torch.") and hasattr(torch, text[6:]):
        return getattr(torch, text[6:])
    raise Opaque(text)


def _sample(shape: Tuple[int, ...], kind: str, number: int) -> Any:
    generator = torch.Generator()
    generator.manual_seed(11 + number)
    if kind == "whole":
        return torch.randint(-9, 9, shape, generator=generator)
    sample = torch.randn(shape, generator=generator) * 3
    flat = sample.view(-1)
    if kind == "special":
        values = torch.tensor(_SPECIAL + _NOT_FINITE)
        count = min(len(values), flat.numel() - 1)
        places = torch.randperm(flat.numel(), generator=generator)[:count]
        flat[places] = values[:count]
    return sample.requires_grad_(True)
