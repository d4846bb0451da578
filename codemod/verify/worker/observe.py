"""Runs a model under a seed and writes down everything that can be seen of it.

Each mode is run on a model of its own, built anew from the same seed. `docs/architecture.md`
describes the result.
"""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import random
import sys
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .trees import (
    Encoder,
    Tree,
    bytes_digest,
    digest,
    is_plain_object,
    memory,
    quick_digest,
    raised,
    storage_address,
    text_digest,
    type_name,
)

Build = Callable[[], Tuple[Any, Any, Any]]

NO_OUTPUT = "no differentiable output"
_HASHED_PARAMETERS = 1 << 22
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
_UNINITIALISED = ("empty", "new_empty", "resize", "_empty", "_efficientzerotensor")


@dataclasses.dataclass
class _Step:
    """One forward and backward, and all that it left behind."""

    outputs: Tree
    grads: Tree
    buffers: Tree
    inputs: Tree
    rng: Tree
    raised: bool


def observe(
    build: Build, *, seed: int, load_keys: Optional[Tree] = None, raw: bool = False
) -> Dict[str, Tree]:
    """Every aspect of the model that `build()` gives as `(model, args, kwargs)`.

    `load_keys`: the `state_dict` tree whose keys, shapes and dtypes are loaded; None: its own.
    Raises what `build` raises, and `MemoryError`.
    """
    model, args, kwargs = _built(build, seed)
    seen = {"state_dict": _state_dict(model, raw), "modules": _modules(model)}
    scripted = _scripted(model)
    if scripted:
        seen["scripted"] = {"lines": scripted}
    untouched = _rng_state()
    differentiable = True
    step = _step(model, args, kwargs, False, seed, raw, differentiable)
    if step.raised:
        plain = _step(*_built(build, seed), False, seed, raw, False)
        if not plain.raised:
            step, differentiable = plain, False
    seen["eval"] = {
        "dict": [
            ["outputs", step.outputs],
            *([["trace", _traced_eval(build, seed)]] if step.raised else []),
            ["gradient inputs", {"value": str(differentiable)}],
            ["grads", step.grads],
            ["buffers", step.buffers],
            ["inputs", step.inputs],
            ["rng", step.rng],
        ]
    }
    seen["eval_other_seed"] = step.outputs
    if step.rng != _rng_tree(untouched):
        seen["eval_other_seed"] = _eval_outputs(_built(build, seed), seed + 1, raw, differentiable)
    step = _step(*_built(build, seed), True, seed, raw, differentiable)
    seen.update(
        train=step.outputs, grads=step.grads, buffers=step.buffers, inputs=step.inputs, rng=step.rng
    )
    seen["trace"], seen["hooks"] = _traced(build, seed, differentiable, step.outputs)
    model = _built(build, seed)[0]
    seen["load"] = _loaded(model, load_keys or seen["state_dict"], raw)
    return seen


def seed_all(seed: int) -> None:
    """Seeds the generators of torch, `random` and, where it is loaded, NumPy."""
    torch.manual_seed(seed)
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % (1 << 32))


def _built(build: Build, seed: int) -> Tuple[Any, Any, Any]:
    seed_all(seed)
    return build()


# Runs


def _step(
    model: Any, args: Any, kwargs: Any, train: bool, seed: int, raw: bool, differentiable: bool
) -> _Step:
    leaves = []  # type: List[Any]
    args, kwargs = _as_inputs((args, kwargs), leaves, differentiable)
    encoder = Encoder(_owners(model), raw)
    encoder.tree((args, kwargs))
    before = _parameter_versions(model)
    failed, outputs, error = _attempt(lambda: _forward(model, args, kwargs, train))
    seen = encoder.tree(outputs) if error is None else error
    grads = {"not-applicable": "the forward raised"}  # type: Tree
    if not failed:
        grads = _grads(model, outputs, leaves, seed, raw)
    return _Step(
        outputs=seen,
        grads=grads,
        buffers=_buffers(model, before, raw),
        inputs=Encoder(_owners(model), raw).tree((args, kwargs)),
        rng=_rng_tree(_rng_state()),
        raised=failed,
    )


def _forward(model: Any, args: Any, kwargs: Any, train: bool) -> Any:
    model.train(train)
    return model(*args, **kwargs)


def _eval_outputs(built: Tuple[Any, Any, Any], seed: int, raw: bool, differentiable: bool) -> Tree:
    model, args, kwargs = built
    args, kwargs = _as_inputs((args, kwargs), [], differentiable)
    encoder = Encoder(_owners(model), raw)
    encoder.tree((args, kwargs))
    seed_all(seed)
    _failed, outputs, error = _attempt(lambda: _forward(model, args, kwargs, False))
    return encoder.tree(outputs) if error is None else error


def _attempt(action: Callable[[], Any]) -> Tuple[bool, Any, Optional[Tree]]:
    """Whether the model's code raised, what it returned, what it raised."""
    try:
        return False, action(), None
    except MemoryError:
        raise
    except Exception as error:
        if any(sign in str(error) for sign in _OUT_OF_MEMORY):
            raise MemoryError(str(error)[:200]) from error
        return True, None, raised(error)


def _as_inputs(value: Any, leaves: List[Any], differentiable: bool) -> Any:
    """A copy of the inputs in which each floating tensor is the non-leaf clone of a new leaf.

    An in-place first layer would raise on a leaf that requires grad.
    """
    return _copied(value, leaves, differentiable, {})


def _copied(value: Any, leaves: List[Any], differentiable: bool, known: Dict[int, Any]) -> Any:
    if id(value) in known:
        return known[id(value)]
    copy = value
    if isinstance(value, torch.Tensor):
        copy = _copied_tensor(value, leaves, differentiable)
    elif type(value) in (list, tuple):
        copy = type(value)(_copied(item, leaves, differentiable, known) for item in value)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        copy = type(value)(*(_copied(item, leaves, differentiable, known) for item in value))
    elif type(value) is dict:
        copy = {k: _copied(item, leaves, differentiable, known) for k, item in value.items()}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            item = getattr(value, field.name, None)
            object.__setattr__(value, field.name, _copied(item, leaves, differentiable, known))
    known[id(value)] = copy
    return copy


def _copied_tensor(value: Any, leaves: List[Any], differentiable: bool) -> Any:
    floating = value.dtype.is_floating_point or value.dtype.is_complex
    if not differentiable or not floating or value.layout is not torch.strided:
        return value
    if value.requires_grad and not value.is_leaf:
        return value
    leaf = value.detach().clone().requires_grad_(True)
    leaves.append(leaf)
    return leaf.clone()


# What is seen


def _state_dict(model: Any, raw: bool) -> Tree:
    encoder = Encoder(raw=raw)
    failed, state, error = _attempt(model.state_dict)
    if failed:
        return error or {}
    return {"dict": [[str(key), encoder.tree(value)] for key, value in state.items()]}


def _modules(model: Any) -> Tree:
    named = model.named_modules(remove_duplicate=False)
    return {"lines": ["%s: %s" % (name, type_name(type(module))) for name, module in named]}


def _scripted(model: Any) -> List[str]:
    kinds = (torch.jit.ScriptModule, torch.jit.ScriptFunction)
    return [name for name, module in model.named_modules() if isinstance(module, kinds)]


def _named_tensors(model: Any) -> Iterator[Tuple[str, Any]]:
    for name, parameter in model.named_parameters():
        yield name, parameter
    for name, buffer in model.named_buffers():
        yield name, buffer


def _owners(model: Any) -> Dict[int, str]:
    owners = {}  # type: Dict[int, str]
    for name, tensor in _named_tensors(model):
        try:
            address = storage_address(tensor)
        except (RuntimeError, NotImplementedError, ValueError):
            continue
        if address:
            owners.setdefault(address, name)
    return owners


def _parameter_versions(model: Any) -> Dict[str, Tuple[int, int]]:
    versions = {}
    for name, parameter in model.named_parameters():
        lazy = torch.nn.parameter.is_lazy(parameter)
        versions[name] = (id(parameter), -1 if lazy else parameter._version)
    return versions


def _buffers(model: Any, before: Dict[str, Tuple[int, int]], raw: bool) -> Tree:
    """The buffers, and those parameters that the run replaced or wrote to.

    What went past the version counter (`.data`) is seen in models of common size only.
    """
    encoder = Encoder(raw=raw)
    trees = [[name, encoder.tree(buffer)] for name, buffer in model.named_buffers()]
    parameters = dict(model.named_parameters())
    if _size(parameters.values()) > _HASHED_PARAMETERS:
        now = _parameter_versions(model)
        parameters = {name: p for name, p in parameters.items() if now[name] != before.get(name)}
    digests = [_parameter_line(name, parameter) for name, parameter in parameters.items()]
    return {"dict": [*trees, ["parameters", {"value": text_digest("\n".join(digests))}]]}


def _size(parameters: Iterable[Any]) -> int:
    return sum(0 if torch.nn.parameter.is_lazy(p) else p.numel() for p in parameters)


def _parameter_line(name: str, parameter: Any) -> str:
    if torch.nn.parameter.is_lazy(parameter):
        return name + " uninitialized"
    try:
        return "%s %s" % (name, digest(parameter))
    except (RuntimeError, NotImplementedError, ValueError):
        return name + " ?"


def _grads(model: Any, outputs: Any, leaves: List[Any], seed: int, raw: bool) -> Tree:
    tensors = _differentiable(outputs)
    if not tensors:
        return {"not-applicable": NO_OUTPUT}
    failed, _nothing, error = _attempt(lambda: _backward(tensors, seed))
    if failed:
        return error or {}
    encoder = Encoder(raw=raw)
    named = [[name, encoder.tree(p.grad)] for name, p in model.named_parameters()]
    inputs = [encoder.tree(leaf.grad) for leaf in leaves]
    return {"dict": [["parameters", {"dict": named}], ["inputs", {"list": inputs}]]}


def _backward(tensors: List[Any], seed: int) -> None:
    """Gradients of the sum of each output times a fixed random cotangent."""
    generator = torch.Generator()
    generator.manual_seed(seed + 1)
    cotangents = [_cotangent(tensor, generator) for tensor in tensors]
    torch.autograd.backward(tensors, cotangents)


def _cotangent(tensor: Any, generator: Any) -> Any:
    dtype = torch.complex64 if tensor.dtype.is_complex else torch.float32
    values = torch.randn(tuple(tensor.shape), generator=generator, dtype=dtype)
    return values.to(device=tensor.device, dtype=tensor.dtype)


def _differentiable(value: Any) -> List[Any]:
    found = []  # type: List[Any]
    _collect(value, found, set())
    return found


def _collect(value: Any, found: List[Any], known: Any) -> None:
    if id(value) in known:
        return
    known.add(id(value))
    if isinstance(value, torch.Tensor):
        if value.requires_grad and (value.dtype.is_floating_point or value.dtype.is_complex):
            found.append(value)
    elif isinstance(value, collections.abc.Mapping):
        for item in value.values():
            _collect(item, found, known)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, found, known)
    elif dataclasses.is_dataclass(value) or is_plain_object(value):
        for item in list(vars(value).values()):
            _collect(item, found, known)


def _rng_state() -> List[str]:
    states = [
        "torch " + bytes_digest(memory(torch.get_rng_state())),
        "random " + text_digest(repr(random.getstate())),
    ]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        kind, keys, *rest = numpy.random.get_state()
        states.append("numpy %s" % bytes_digest(keys.tobytes() + repr((kind, rest)).encode()))
    return states


def _rng_tree(states: List[str]) -> Tree:
    return {"lines": list(states)}


# Trace and hooks


class _Recorder(TorchDispatchMode):  # type: ignore[misc]
    """Writes down each operator that runs, with a digest of what it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = []  # type: List[str]
        self._views = {}  # type: Dict[Any, bool]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = str(func)
        if func not in self._views:
            self._views[func] = _gives_view(func) or _gives_garbage(name)
        self.lines.append("%s %s" % (name, _result_digest(result, not self._views[func])))
        return result


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
        strides = ".".join(str(stride) for stride in tensor.stride())
        values = quick_digest(tensor)[:24] if content else "view"
        return "%s[%s/%s]%s" % (str(tensor.dtype)[6:], shape, strides, values)
    except MemoryError:
        raise
    except Exception:
        return "?"


def _traced(build: Build, seed: int, differentiable: bool, outputs: Tree) -> Tuple[Tree, Tree]:
    """The trace and the hooks, of one run in train mode: up to where the run raises."""
    recorder = _Recorder()
    built = _built_in_sight(build, seed, recorder)
    hooks, error = _recorded(built, True, seed, differentiable, recorder)
    if error == (outputs if "raises" in outputs else None):
        return {"lines": recorder.lines}, {"lines": hooks}
    hooks, _error = _recorded(_built(build, seed), True, seed, differentiable, None)
    return {"opaque": "operators cannot be watched"}, {"lines": hooks}


def _traced_eval(build: Build, seed: int) -> Tree:
    """What ran in eval mode before it raised: otherwise none of it would be seen."""
    recorder = _Recorder()
    _recorded(_built_in_sight(build, seed, recorder), False, seed, True, recorder)
    return {"lines": recorder.lines}


def _built_in_sight(build: Build, seed: int, recorder: _Recorder) -> Tuple[Any, Any, Any]:
    """A constructor may run the model to find a shape: what it reaches must be seen as well."""
    try:
        with recorder:
            return _built(build, seed)
    except MemoryError:
        raise
    except Exception:
        recorder.lines.append("the constructor cannot be watched")
        return _built(build, seed)


def _recorded(
    built: Tuple[Any, Any, Any],
    train: bool,
    seed: int,
    differentiable: bool,
    recorder: Optional[_Recorder],
) -> Tuple[List[str], Optional[Tree]]:
    """The hooks that fired, and what the forward raised."""
    model, args, kwargs = built
    fired = []  # type: List[str]
    handles = _watch(model, fired)
    args, kwargs = _as_inputs((args, kwargs), [], differentiable)
    with recorder or contextlib.nullcontext():
        _failed, outputs, error = _attempt(lambda: _forward(model, args, kwargs, train))
    tensors = _differentiable(outputs)
    if tensors:
        _recorded_backward(tensors, seed, recorder)
    for handle in handles:
        handle.remove()
    return fired, error


def _recorded_backward(tensors: List[Any], seed: int, recorder: Optional[_Recorder]) -> None:
    """A backward that raises is seen in `grads`; here the operators up to there are."""
    if recorder is None:
        _attempt(lambda: _backward(tensors, seed))
        return
    with recorder:
        failed, _nothing, error = _attempt(lambda: _backward(tensors, seed))
    if failed:
        recorder.lines.append(str(error))


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
        self._fired.append(self._line)


# Loading


def _loaded(model: Any, keys: Tree, raw: bool) -> Tree:
    """What is read back after strictly loading tensors of the given keys, shapes and dtypes."""
    if "dict" not in keys:
        return {"not-applicable": "there is no state_dict"}
    failed, own, error = _attempt(model.state_dict)
    if failed:
        return error or {}
    state = type(own)() if isinstance(own, dict) else {}
    for ordinal, (key, tree) in enumerate(keys["dict"]):
        value = _filled(tree, ordinal)
        if value is not None:
            state[key] = value
        elif key in own:
            state[key] = own[key]
    failed, _nothing, error = _attempt(lambda: model.load_state_dict(state, strict=True))
    if failed:
        return error or {}
    return _state_dict(model, raw)


def _filled(tree: Tree, ordinal: int) -> Any:
    """A tensor of the shape and dtype in `tree`, with values told apart by place and key."""
    if "tensor" not in tree and "object" not in tree:
        return None
    info = tree.get("tensor") or dict(tree["fields"]).get("tensor", {}).get("tensor")
    dtype = getattr(torch, info["dtype"], None) if info else None
    if dtype is None or "scheme" in info or info.get("device"):
        return None
    count = 1
    for size in info["shape"]:
        count *= size
    values = torch.arange(count, dtype=torch.int32).remainder_(251).add_(ordinal % 97 + 1)
    if dtype.is_floating_point:
        return values.to(torch.float32).div_(64).to(dtype).reshape(info["shape"])
    return values.remainder_(113).to(dtype).reshape(info["shape"])
