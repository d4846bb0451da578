"""Turns values that a model takes and returns into JSON trees that can be compared for equality.

Equal trees without an `opaque` node mean bitwise equal values: NaN equals NaN, 0.0 is not -0.0.
"""

from __future__ import annotations

import base64
import collections.abc
import ctypes
import dataclasses
import enum
import hashlib
import re
import sys
from typing import Any, Dict, List, Optional, Sequence

import torch

from .originals import originals

# As they are before any code of the project runs.
_blake2b, _string_at, _isnan, _as_real = (
    hashlib.blake2b,
    ctypes.string_at,
    torch.isnan,
    torch.view_as_real,
)

Tree = Dict[str, Any]

MAX_DEPTH = 40
MAX_NODES = 50_000
RAW_BYTES = 1 << 14
_COPIED_BYTES = 1 << 16
_SAMPLED_BYTES = 1 << 23
_SAMPLES = 1 << 16
_HEAP_TYPE = 1 << 9
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
_VERSION = re.compile(r"is at version \d+; expected version \d+")
_MAX_TEXT = 400


def type_name(kind: type) -> str:
    """The dotted name of a type; builtins without their module."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return kind.__module__ + "." + kind.__qualname__


def without_addresses(text: str) -> str:
    return _ADDRESS.sub("0x...", text)


def raised(error: BaseException) -> Tree:
    message = without_addresses("%s: %s" % (type_name(type(error)), error))
    message = _VERSION.sub("is at version ...", message)
    return {"raises": message[:_MAX_TEXT]}


def text_digest(text: str) -> str:
    return bytes_digest(text.encode("utf-8", "surrogatepass"))


def bytes_digest(data: Any) -> str:
    return _blake2b(data, digest_size=12).hexdigest()


def storage_address(tensor: Any) -> int:
    """Where the tensor's storage starts; 0 if it has none."""
    if hasattr(tensor, "untyped_storage"):
        return int(tensor.untyped_storage().data_ptr())
    return int(tensor.storage().data_ptr())


def strides_of(shape: Sequence[int], strides: Sequence[int]) -> List[int]:
    """The steps from one element to the next; 0 where there is no next one.

    What torch and NumPy keep there leads nowhere, and a copy may have another number in its place.
    """
    return [step if size > 1 and 0 not in shape else 0 for size, step in zip(shape, strides)]


def plain_values(tensor: Any) -> Any:
    """A contiguous real CPU tensor with the same values, every NaN the same NaN."""
    tensor = tensor.detach()
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    if tensor.is_quantized:
        return tensor.int_repr().contiguous()
    if tensor.is_conj():
        tensor = tensor.resolve_conj()
    if tensor.is_neg():
        tensor = tensor.resolve_neg()
    if tensor.dtype.is_complex:
        tensor = _as_real(tensor)
    tensor = tensor.contiguous()
    if tensor.dtype.is_floating_point:
        if tensor.element_size() == 1:
            tensor = tensor.float()
        if bool(_isnan(tensor.sum())):  # Where one is NaN, so is the sum: half the time.
            tensor = tensor.masked_fill(_isnan(tensor), float("nan"))
    return tensor


def _is_nan_throughout(values: Any) -> bool:
    """Of what `plain_values` gives. Most tensors show by their first element that they are not."""
    if not values.dtype.is_floating_point or values.numel() == 0:
        return False
    return bool(_isnan(values.reshape(-1)[0])) and bool(_isnan(values).all())


def memory(tensor: Any) -> Any:
    """The bytes of a contiguous CPU tensor, as something that hashlib takes; without NumPy."""
    size = tensor.numel() * tensor.element_size()
    if size == 0:
        return b""
    address = tensor.data_ptr()
    if address == 0:
        raise ValueError("a tensor without memory")
    if size <= _COPIED_BYTES:
        return _string_at(address, size)
    return (ctypes.c_char * size).from_address(address)


def digest(tensor: Any) -> str:
    """A digest of the tensor's values. Raises what torch raises for tensors without memory."""
    values = plain_values(tensor)
    return bytes_digest(memory(values))


def quick_digest(tensor: Any) -> str:
    """As `digest`; of a big tensor the wrapping sum of all its words and a sample of them."""
    size = tensor.numel() * tensor.element_size()
    if size <= _SAMPLED_BYTES:
        return digest(tensor)
    values = plain_values(tensor).reshape(-1)
    words = values.view(torch.uint8) if values.dtype == torch.bool else values
    integers = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    words = words.view(integers[words.element_size()])
    sample = words[:: max(1, words.numel() // _SAMPLES)].contiguous()
    total = int(words.sum(dtype=torch.int64)) & (1 << 64) - 1
    return "%x~%s" % (total, bytes_digest(memory(sample)))


class Encoder:
    """Encodes the values of one run. Values must stay alive until the last one is encoded.

    `names`: address of a storage -> the name of the parameter or buffer that owns it.
    """

    def __init__(self, names: Optional[Dict[int, str]] = None, raw: bool = False) -> None:
        self._aliases = dict(names or {})  # type: Dict[int, Any]
        self._ordinal = 0
        self._raw = raw
        self._open = set()  # type: ignore[var-annotated]
        self._nodes = 0

    def tree(self, value: Any) -> Tree:
        if id(value) in self._open:
            return {"opaque": "cycle"}
        self._nodes += 1
        if self._nodes > MAX_NODES or len(self._open) > MAX_DEPTH:
            return {"opaque": "more than can be shown"}
        self._open.add(id(value))
        try:
            return self._tree(value)
        finally:
            self._open.discard(id(value))

    def tensor(self, value: Any) -> Tree:
        try:
            with originals():
                if type(value) is torch.Tensor or type(value) is torch.nn.Parameter:
                    return self._tensor(value)
                with torch._C.DisableTorchFunction():
                    tree = self._tensor(value)
                return {"object": type_name(type(value)), "fields": [["tensor", tree]]}
        except MemoryError:
            raise
        except Exception:
            return {"opaque": type_name(type(value))}

    def _tree(self, value: Any) -> Tree:
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, enum.Enum):
            return {"value": "%s.%s" % (type_name(type(value)), value.name)}
        if value is None or type(value) in (bool, int, float, complex, str, bytes):
            return {"value": _short_repr(value)}
        if isinstance(value, (torch.dtype, torch.device, torch.Size, torch.layout, type)):
            return {"value": _short_repr(value)}
        if isinstance(value, (slice, range, type(Ellipsis))):
            return {"value": repr(value)}
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
            return self._array(numpy, value)
        return self._container(value)

    def _container(self, value: Any) -> Tree:
        kind = type(value)
        if kind is list:
            return {"list": [self.tree(item) for item in value]}
        if kind is tuple:
            return {"tuple": [self.tree(item) for item in value]}
        if kind is dict:
            return {"dict": [[_key(key), self.tree(item)] for key, item in value.items()]}
        if isinstance(value, collections.abc.Mapping):
            return self._object(value, [(_key(key), value[key]) for key in value])
        if isinstance(value, (tuple, list)):
            names = getattr(kind, "_fields", range(len(value)))
            return self._object(value, [(names[i], item) for i, item in enumerate(value)])
        if isinstance(value, (set, frozenset, collections.deque)):
            return self._collection(value)
        if isinstance(value, (bool, int, float, complex, str, bytes)):
            return {"value": "%s: %s" % (type_name(kind), _short_repr(value.__reduce_ex__(2)[1:]))}
        if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            return self._object(value, [(f.name, getattr(value, f.name, None)) for f in fields])
        if is_plain_object(value):
            return self._object(value, list(vars(value).items()))
        if _is_transform(value):
            return self._object(value, _settings_of(value))
        return {"opaque": type_name(kind)}

    def _object(self, value: Any, fields: List[Any]) -> Tree:
        trees = [[str(name), self.tree(item)] for name, item in fields]
        return {"object": type_name(type(value)), "fields": trees}

    def _collection(self, value: Any) -> Tree:
        items = list(value)
        if not isinstance(value, collections.deque):
            items.sort(key=_key)
        return self._object(value, [(str(i), item) for i, item in enumerate(items)])

    def _array(self, numpy: Any, value: Any) -> Tree:
        kind = "numpy" if isinstance(value, numpy.ndarray) else "numpy scalar"
        dtype = "%s %s" % (kind, value.dtype)
        if value.dtype.hasobject:
            return {"opaque": dtype}
        values = numpy.array(value)
        if values.dtype.kind in "fc":
            values[numpy.isnan(values)] = numpy.nan
        address = value.__array_interface__["data"][0] if value.size and value.base is None else 0
        return {
            "tensor": {
                "dtype": dtype,
                "shape": list(value.shape),
                "stride": strides_of(value.shape, value.strides),
                "requires_grad": False,
                "alias": self._alias(address),
                "digest": bytes_digest(values.tobytes()),
            }
        }

    def _tensor(self, value: Any) -> Tree:
        if torch.nn.parameter.is_lazy(value):
            return {"value": "uninitialized " + str(value.dtype)}
        if getattr(value, "is_nested", False):
            return self._parts("nested", value, dict(enumerate(value.unbind())))
        if value.layout is not torch.strided:
            return self._sparse(value)
        return {"tensor": self._strided(value)}

    def _strided(self, value: Any) -> Tree:
        info = {
            "dtype": _bare(value.dtype),
            "shape": list(value.shape),
            "stride": strides_of(value.shape, value.stride()),
            "requires_grad": bool(value.requires_grad),
        }  # type: Tree
        if value.device.type != "cpu":
            info["device"] = str(value.device)
        if value.device.type == "meta":
            info.update(alias=None, digest="meta")
            return info
        info["alias"] = self._alias(storage_address(value))
        values = plain_values(value)
        data = memory(values)
        info["digest"] = bytes_digest(data)
        if _is_nan_throughout(values):
            info["nan"] = True
        for flag in ("is_conj", "is_neg", "is_inference"):
            if getattr(value, flag, bool)():
                info[flag] = True
        if value.is_quantized:
            info["scheme"] = _quantization(value)
        elif self._raw and values.numel() * values.element_size() <= RAW_BYTES:
            info["data"] = base64.b64encode(bytes(data)).decode("ascii")
        return info

    def _sparse(self, value: Any) -> Tree:
        if value.layout is torch.sparse_coo:
            parts = {"indices": value._indices(), "values": value._values()}  # type: Dict[Any, Any]
            return self._parts("sparse_coo coalesced=%s" % value.is_coalesced(), value, parts)
        names = ("crow_indices", "ccol_indices", "row_indices", "col_indices", "values")
        parts = {}
        for name in names:
            try:
                parts[name] = getattr(value, name)()
            except RuntimeError:
                continue
        if "values" not in parts:
            return {"opaque": str(value.layout)}
        return self._parts(_bare(value.layout), value, parts)

    def _parts(self, kind: str, value: Any, parts: Dict[Any, Any]) -> Tree:
        shape = "?" if kind == "nested" else str(list(value.shape))
        head = "%s %s %s requires_grad=%s" % (kind, value.dtype, shape, value.requires_grad)
        return {
            "object": head,
            "fields": [[str(k), self._tensor(part.detach())] for k, part in parts.items()],
        }

    def _alias(self, address: int) -> Any:
        if address == 0:
            return None
        if address not in self._aliases:
            self._aliases[address] = self._ordinal
            self._ordinal += 1
        return self._aliases[address]


def _bare(value: Any) -> str:
    return str(value).replace("torch.", "", 1)


def _quantization(value: Any) -> str:
    scheme = str(value.qscheme())
    if "per_tensor" in scheme:
        return "%s %r %r" % (scheme, value.q_scale(), value.q_zero_point())
    scales = value.q_per_channel_scales().tolist()
    return "%s %r %r" % (scheme, scales, value.q_per_channel_zero_points().tolist())


def _short_repr(value: Any) -> str:
    text = repr(value)
    if len(text) <= _MAX_TEXT:
        return text
    return "%s... %s" % (text[:_MAX_TEXT], text_digest(text))


def _key(key: Any) -> str:
    if isinstance(key, enum.Enum):
        return "%s.%s" % (type(key).__qualname__, key.name)
    return without_addresses(_short_repr(key))


def _is_transform(value: Any) -> bool:
    """Whether it is what `torch.distributions` transforms samples by: a plain object, but for its
    `__call__`."""
    kind = getattr(sys.modules.get("torch.distributions.transforms"), "Transform", None)
    return kind is not None and isinstance(value, kind) and _is_made_in_python(type(value))


def _settings_of(transform: Any) -> List[Any]:
    """What a transform holds, without what was made of it, its inverse."""
    is_inverse = type(transform).__name__ == "_InverseTransform"
    held = vars(transform).items()
    return [(name, item) for name, item in held if name != "_inv" or is_inverse]


def is_plain_object(value: Any) -> bool:
    """Whether `vars` tells all there is: a class in Python all the way down, no slots."""
    return not callable(value) and hasattr(value, "__dict__") and _is_made_in_python(type(value))


def _is_made_in_python(kind: type) -> bool:
    """Whether a class is one in Python all the way down, without slots."""
    return all(
        one is object or (one.__flags__ & _HEAP_TYPE and not one.__dict__.get("__slots__"))
        for one in kind.__mro__
    )
