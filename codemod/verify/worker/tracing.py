"""Watches a run: which operators ran, what each gave and where, and which hooks fired."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from .step import (
    Build,
    Manner,
    as_inputs,
    attempt,
    backward,
    built,
    constructed,
    differentiable_in,
    forward,
    initialised,
)
from .trees import Tree, quick_digest, strides_of, type_name

_UNINITIALISED = ("empty", "new_empty", "resize", "_empty", "_efficientzerotensor", "set_")
_TORCH = os.path.join(os.path.dirname(torch.__file__), "")
_TYPES = {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "int": torch.int32,
    "long": torch.int64,
    "bool": torch.bool,
}
_OPERATOR_WORK = 5_000  # elements that could be worked on in the time that calling one takes


class Recorder(TorchDispatchMode):  # type: ignore[misc]
    """Writes down each operator that runs, with a digest of what it gave.

    `places`: for each operator the line of the innermost file below `root` that was running;
    empty without a root. `work`: what the run cost, counted in elements.
    """

    def __init__(self, root: str = "") -> None:
        super().__init__()
        self.lines: List[str] = []
        self.places: List[str] = []
        self.work = 0
        self._root = os.path.join(root, "") if root else ""
        self._views: Dict[Any, bool] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = str(func)
        if func not in self._views:
            self._views[func] = _gives_view(func) or _gives_garbage(name)
        view = self._views[func]
        self.lines.append("%s %s" % (name, _result_digest(result, not view)))
        self.work += _OPERATOR_WORK + (0 if view else _work(result) + _work(args))
        if self._root:
            self.places.append(_place_below(self._root))
        return result

    def note(self, text: str) -> None:
        """A line that stands for no operator."""
        self.lines.append(text)
        if self._root:
            self.places.append(_place_below(self._root))


class _Conversions(TorchFunctionMode):  # type: ignore[misc]
    """Writes down where the user's code asks for a device or a type, also where that is no work.

    What goes missing there shows on another device or in another precision alone.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if not sys._getframe(1).f_code.co_filename.startswith(_TORCH):
            for asked in _asked(getattr(func, "__name__", ""), args, kwargs):
                self._recorder.note("as asked, %s" % asked)
        return result


def _asked(name: str, args: Any, kwargs: Any) -> List[str]:
    """What a call asks of its result: a device, a type, or both."""
    given: List[Any] = []
    if name in _TYPES:
        given = [_TYPES[name]]
    elif name == "cpu":
        given = [torch.device("cpu")]
    elif name in ("to", "type"):
        given = [*args[1:2], *kwargs.values(), *(a for a in args[2:3] if _is_type(a))]
    elif name == "type_as":
        given = [*args[1:2], *kwargs.values()]
    elif kwargs.get("device") is not None:
        given = [kwargs["device"]]
    found = []
    for value in given:
        if isinstance(value, torch.Tensor):
            found += ["its device", str(value.dtype)]
        elif isinstance(value, torch.device):
            found.append("its device")
        elif (isinstance(value, str) and "Tensor" not in value) or type(value) is int:
            found.append("device %s" % value)
        elif _is_type(value):
            found.append(str(value))
    return sorted(found)


def _is_type(value: Any) -> bool:
    return isinstance(value, torch.dtype)


def _work(values: Any) -> int:
    if isinstance(values, torch.Tensor):
        return int(values.numel())
    return sum(map(_work, values)) if isinstance(values, (list, tuple)) else 0


def _place_below(root: str) -> str:
    frame = sys._getframe(2)  # type: Any
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(root) and "site-packages" not in path[len(root) :]:
            return "%s:%d" % (path[len(root) :].replace(os.sep, "/"), frame.f_lineno)
        frame = frame.f_back
    return ""


def _gives_view(func: Any) -> bool:
    """Whether the values of the result are those of an argument."""
    try:
        aliases = [returned.alias_info for returned in func._schema.returns]
    except AttributeError:
        return False
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)


def _gives_garbage(name: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and parts[1].startswith(_UNINITIALISED)


def _result_digest(result: Any, content: bool) -> str:
    if isinstance(result, torch.Tensor):
        return _tensor_line(result, content)
    if isinstance(result, (list, tuple)):
        return ",".join(_result_digest(r, content and not _is_workspace(r)) for r in result)
    return repr(result) if isinstance(result, (bool, int, float, type(None))) else "?"


def _is_workspace(result: Any) -> bool:
    """Bytes given beside the results of a fused layer: partly uninitialised memory."""
    return isinstance(result, torch.Tensor) and result.dtype == torch.uint8


def _tensor_line(tensor: Any, content: bool) -> str:
    try:
        shape = "x".join(str(size) for size in tensor.shape)
        strides = ".".join(map(str, strides_of(tensor.shape, tensor.stride())))
        values = quick_digest(tensor)[:24] if content else "view"
        return "%s[%s/%s]%s" % (str(tensor.dtype)[6:], shape, strides, values)
    except MemoryError:
        raise
    except Exception:
        return "?"


def traced(build: Build, manner: Manner, outputs: Tree) -> Tuple[Tree, Tree, int]:
    """Trace, hooks and work of one run in train mode, the constructor's operators included.

    `outputs`: what such a run gave unwatched. A run that raises is traced up to there.
    """
    recorder = Recorder()
    made = _built_in_sight(build, manner.seed, recorder)
    hooks, error = _recorded(made, True, manner, recorder)
    if error == (outputs if "raises" in outputs else None):
        return {"lines": recorder.lines}, {"lines": hooks}, recorder.work
    hooks, _error = _recorded(built(build, manner.seed), True, manner, None)
    return {"opaque": "operators cannot be watched"}, {"lines": hooks}, recorder.work


def traced_eval(build: Build, manner: Manner) -> Tree:
    """What ran in eval mode before it raised: otherwise none of it would be seen."""
    recorder = Recorder()
    made = _built_in_sight(build, manner.seed, recorder)
    _recorded(made, False, manner, recorder)
    return {"lines": recorder.lines}


def located_build(build: Build, train: bool, manner: Manner) -> Tree:
    """`located`, of a model built anew, its constructor included."""
    recorder = Recorder(manner.root)
    made = _built_in_sight(build, manner.seed, recorder)
    return _located(made, train, manner, recorder)


def located(made: Tuple[Any, Any, Any], train: bool, manner: Manner) -> Tree:
    """The operators of one run, and after each the line of the project that ran it."""
    return _located(made, train, manner, Recorder(manner.root))


def _located(made: Tuple[Any, Any, Any], train: bool, manner: Manner, recorder: Recorder) -> Tree:
    _recorded(made, train, manner, recorder)
    return {"lines": recorder.lines, "places": recorder.places}


def _built_in_sight(build: Build, seed: int, recorder: Recorder) -> Tuple[Any, Any, Any]:
    """A constructor may run the model to find a shape: what it reaches must be seen as well."""
    try:
        with _watching(recorder):
            made = constructed(build, seed)
        return initialised(made, build, seed)
    except MemoryError:
        raise
    except Exception:
        recorder.note("the constructor cannot be watched")
        return built(build, seed)


def _recorded(
    made: Tuple[Any, Any, Any], train: bool, manner: Manner, recorder: Optional[Recorder]
) -> Tuple[List[str], Optional[Tree]]:
    """The hooks that fired, and what the forward raised."""
    model, args, kwargs = made
    fired: List[str] = []
    handles = _watch(model, fired)
    args, kwargs = as_inputs((args, kwargs), [], manner.differentiable)
    with _watching(recorder):
        _failed, outputs, error = attempt(lambda: forward(model, args, kwargs, train))
    tensors = differentiable_in(outputs)
    if tensors:
        _recorded_backward(tensors, manner.seed, recorder)
    for handle in handles:
        handle.remove()
    return fired, error


@contextlib.contextmanager
def _watching(recorder: Optional[Recorder]) -> Iterator[None]:
    if recorder is None:
        yield
        return
    with _Conversions(recorder), recorder:
        yield


def _recorded_backward(tensors: List[Any], seed: int, recorder: Optional[Recorder]) -> None:
    """A backward that raises is seen in `grads`; here the operators up to there are."""
    if recorder is None:
        attempt(lambda: backward(tensors, seed))
        return
    with recorder:
        failed, _nothing, error = attempt(lambda: backward(tensors, seed))
    if failed:
        recorder.note(str(error))


def _watch(model: Any, fired: List[str]) -> List[Any]:
    handles = []
    for name, module in model.named_modules():
        line = "%s: %s" % (name, type_name(type(module)))
        try:
            handles.append(module.register_forward_hook(_Hook(line, fired)))
        except (RuntimeError, AttributeError):
            continue
    return handles


class _Hook:
    def __init__(self, line: str, fired: List[str]) -> None:
        self._line = line
        self._fired = fired

    def __call__(self, module: Any, args: Any, output: Any) -> None:
        self._fired.append(self._line if args else "%s (by keyword)" % self._line)
