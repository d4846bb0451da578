"""Stands in for what torch, NumPy, Python and others once had under a name that is gone.

A shim is what the old name meant: `np.int` is `int`, `torch._six.string_classes` is `(str, bytes)`.
Only the project's own files see them; each use is noted and shown.
"""

from __future__ import annotations

import collections.abc
import contextlib
import math
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, Callable, Dict, List, Mapping, Optional, Set

_used: Set[str] = set()


def used() -> List[str]:
    """What old names and missing parts were replaced so far, sorted."""
    return sorted(_used)


def note(label: str) -> None:
    """Something was replaced: one clause that a person understands."""
    _used.add(label)


# ---- names of modules that are gone


def _six() -> Dict[str, Any]:
    return {
        "PY2": False,
        "PY3": True,
        "PY37": True,
        "inf": math.inf,
        "nan": math.nan,
        "string_classes": (str, bytes),
        "int_classes": int,
        "container_abcs": collections.abc,
        "istuple": lambda value: isinstance(value, tuple),
    }


def _model_zoo() -> Dict[str, Any]:
    import torch

    load = torch.hub.load_state_dict_from_url
    return {"load_url": load, "load_state_dict_from_url": load}


def _functional_tensor() -> Dict[str, Any]:
    import importlib

    return dict(vars(importlib.import_module("torchvision.transforms._functional_tensor")))


_MODULES: Mapping[str, Callable[[], Dict[str, Any]]] = {
    "torch._six": _six,
    "torch.utils.model_zoo": _model_zoo,
    "torchvision.models.utils": _model_zoo,
    "torchvision.transforms.functional_tensor": _functional_tensor,
}
# Parts of torch that are gone, or that need a package: their use is `needs-package`.
STOOD_IN_FOR = (
    "torch.legacy",
    "torch.utils.ffi",
    "torch.utils.serialization",
    "torch.nn.backends",
    "torch.utils.tensorboard",
)


class OldModules:
    """A finder for modules that are gone, behind all others."""

    def __init__(self, is_wanted: Callable[[int], bool]) -> None:
        self._is_wanted = is_wanted

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        if name not in _MODULES or not self._is_wanted(1):
            return None
        note("%s (no longer there)" % name)
        return ModuleSpec(name, _Maker())


class _Maker(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name, "What this module held.")

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(_MODULES[module.__name__]())


# ---- names in modules that are gone


def _numpy() -> Dict[str, Any]:
    numpy = sys.modules["numpy"]
    plain: Dict[str, Any] = {
        "int": int, "float": float, "bool": bool, "object": object, "complex": complex,
        "str": str, "long": int, "unicode": str, "Inf": math.inf, "Infinity": math.inf,
        "infty": math.inf, "PINF": math.inf, "NINF": -math.inf, "NaN": math.nan, "NAN": math.nan,
        "PZERO": 0.0, "NZERO": -0.0,
    }  # fmt: skip
    renamed = {
        "float_": "float64", "complex_": "complex128", "cfloat": "complex128",
        "singlecomplex": "complex64", "string_": "bytes_", "unicode_": "str_", "bool8": "bool_",
        "int0": "intp", "uint0": "uintp", "object0": "object_", "product": "prod",
        "cumproduct": "cumprod", "sometrue": "any", "alltrue": "all", "row_stack": "vstack",
        "round_": "round", "in1d": "isin", "trapz": "trapezoid", "asfarray": "asarray",
    }  # fmt: skip
    plain.update((old, getattr(numpy, new)) for old, new in renamed.items() if hasattr(numpy, new))
    return plain


def _collections() -> Dict[str, Any]:
    return {name: getattr(collections.abc, name) for name in collections.abc.__all__}


def _fractions() -> Dict[str, Any]:
    return {"gcd": math.gcd}


def _time() -> Dict[str, Any]:
    import time

    return {"clock": time.perf_counter}


def _inspect() -> Dict[str, Any]:
    import inspect

    return {"getargspec": inspect.getfullargspec}


def _torch() -> Dict[str, Any]:
    torch = sys.modules["torch"]
    linalg = torch.linalg

    def symeig(input: Any, eigenvectors: bool = False, upper: bool = True) -> Any:
        values, vectors = linalg.eigh(input, UPLO="U" if upper else "L")
        return values, vectors if eigenvectors else vectors.new_zeros(())

    def rfft(input: Any, signal_ndim: int, normalized: bool = False, onesided: bool = True) -> Any:
        dims = tuple(range(-signal_ndim, 0))
        norm = "ortho" if normalized else "backward"
        transform = torch.fft.rfftn if onesided else torch.fft.fftn
        return torch.view_as_real(transform(input, dim=dims, norm=norm))

    def irfft(
        input: Any,
        signal_ndim: int,
        normalized: bool = False,
        onesided: bool = True,
        signal_sizes: Any = None,
    ) -> Any:
        dims = tuple(range(-signal_ndim, 0))
        norm = "ortho" if normalized else "backward"
        given = torch.view_as_complex(input.contiguous())
        if not onesided:
            return torch.fft.ifftn(given, dim=dims, norm=norm).real
        return torch.fft.irfftn(given, s=signal_sizes, dim=dims, norm=norm)

    return {
        "symeig": symeig,
        "rfft": rfft,
        "irfft": irfft,
        "matrix_rank": linalg.matrix_rank,
        "solve": lambda b, a: (linalg.solve(a, b), a),
    }


def _linear() -> Dict[str, Any]:
    linear = sys.modules["torch.nn.modules.linear"]
    return {"_LinearWithBias": getattr(linear, "NonDynamicallyQuantizableLinear", linear.Linear)}


_NAMES: Mapping[str, Callable[[], Dict[str, Any]]] = {
    "collections": _collections,
    "fractions": _fractions,
    "inspect": _inspect,
    "numpy": _numpy,
    "time": _time,
    "torch": _torch,
    "torch.nn.modules.linear": _linear,
}


def has(module: str, name: str) -> bool:
    """Whether a name that is gone from a module has a shim."""
    return module in _NAMES and name in _NAMES[module]()


def install_names(may_have: Callable[[FrameType], bool]) -> None:
    """Have modules give names that are gone, to the frames that may have them."""
    for name in _NAMES:
        module = sys.modules.get(name)
        if module is None:
            with contextlib.suppress(ImportError):
                __import__(name)
                module = sys.modules[name]
        if module is not None:
            _answer_for(module, may_have)


def _answer_for(module: ModuleType, may_have: Callable[[FrameType], bool]) -> None:
    before = vars(module).get("__getattr__")
    names: Dict[str, Any] = {}

    def __getattr__(name: str) -> Any:
        try:
            if before is not None:
                return before(name)
            raise AttributeError("module %r has no attribute %r" % (module.__name__, name))
        except AttributeError:
            if name.startswith("__") or not may_have(sys._getframe(1)):
                raise
            if not names:
                names.update(_NAMES[module.__name__]())
            if name not in names:
                raise
            note("%s.%s (no longer there)" % (module.__name__, name))
            return names[name]

    module.__getattr__ = __getattr__  # type: ignore[method-assign]


# ---- methods that are gone


def install_methods() -> None:
    """What torch's own classes once did when a subclass of the project called them."""
    import torch

    batch_norm: Any = torch.nn.modules.batchnorm._BatchNorm
    batch_norm._check_input_dim = _check_input_dim


def _check_input_dim(self: Any, input: Any) -> None:
    """It asked for one statistic a channel, of inputs of any rank."""
    note("torch.nn.modules.batchnorm._BatchNorm._check_input_dim (no longer there)")
    if input.size(1) != self.num_features:
        text = "got {}-feature tensor, expected {}"
        raise ValueError(text.format(input.size(1), self.num_features))


# ---- compiled parts that do not load


def forgive_missing_operators() -> None:
    """Let packages import whose compiled part does not load: what they say of its operators is
    left out. To call one still fails."""
    library: Any = sys.modules.get("torch.library")
    for name in ("register_fake", "impl_abstract", "register_autograd", "register_kernel"):
        real = getattr(library, name, None)
        if real is not None:
            setattr(library, name, _forgiving(real))


def _forgiving(register: Callable[..., Any]) -> Callable[..., Any]:
    def forgiving(op: Any, *arguments: Any, **named: Any) -> Any:
        try:
            found = register(op, *arguments, **named)
        except (RuntimeError, AttributeError) as error:
            return _left_out(op, error, lambda function: function)
        if not callable(found):
            return found

        def decorate(function: Any) -> Any:
            try:
                return found(function)
            except (RuntimeError, AttributeError) as error:
                return _left_out(op, error, lambda _: None)(function) or function

        return decorate

    return forgiving


def _left_out(op: Any, error: Exception, instead: Any) -> Any:
    if "does not exist" not in str(error) and "no attribute" not in str(error):
        raise error
    note("compiled part of %s (does not load)" % str(op).partition("::")[0])
    return instead
