"""One run of a model, forward and backward, and all that it leaves behind."""

from __future__ import annotations

import collections.abc
import copy
import dataclasses
import random
import sys
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
)

import torch

from . import leftovers, process, surroundings, uninitialised
from .trees import (
    Encoder,
    Tree,
    bytes_digest,
    digest,
    is_plain_object,
    memory,
    raised,
    storage_address,
    text_digest,
)

Build = Callable[[], Tuple[Any, Any, Any]]
Change = Callable[[Any], Any]

NO_OUTPUT = "no differentiable output"
_HASHED_PARAMETERS = 1 << 22
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


@dataclasses.dataclass(frozen=True)
class Manner:
    """How models are run. `raw`: values of small tensors are kept. `differentiable`: floating
    inputs take part in the gradient. `root`: the project, in which the operators of the runs
    on the `located` inputs are to be found."""

    seed: int
    raw: bool = False
    differentiable: bool = True
    root: str = ""
    located: FrozenSet[str] = frozenset()

    def locates(self, inputs: str) -> bool:
        return bool(self.root) and inputs in self.located


@dataclasses.dataclass
class Step:
    """One forward and backward, and all that it left behind."""

    outputs: Tree
    grads: Tree
    buffers: Tree
    inputs: Tree
    rng: Tree
    raised: bool


def seed_all(seed: int) -> None:
    """Seeds the generators of torch, `random` and, where it is loaded, NumPy."""
    if torch.cuda.is_initialized():
        torch.manual_seed(seed)
    torch.default_generator.manual_seed(seed)  # The other way formats a stack for each device.
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % (1 << 32))


def built(build: Build, seed: int) -> Tuple[Any, Any, Any]:
    """What `build` makes from a seed, with numbers where nothing was initialised."""
    return initialised(constructed(build, seed), build, seed)


def constructed(build: Build, seed: int) -> Tuple[Any, Any, Any]:
    seed_all(seed)
    return build()


def initialised(made: Tuple[Any, Any, Any], build: Build, seed: int) -> Tuple[Any, Any, Any]:
    uninitialised.fill(made[0], lambda: constructed(build, seed)[0])
    return made


def step(
    model: Any,
    args: Any,
    kwargs: Any,
    train: bool,
    manner: Manner,
    order: int = 1,
    twice: bool = False,
) -> Step:
    """Runs the model once in train or eval mode, on copies of the inputs.

    `order`: of the gradients; 0: none are taken, 2: those of the gradients' own sum.
    `twice`: what is seen is a second run, in the mode that the first left behind.
    """
    leaves: List[Any] = []
    run = forward
    if twice:
        first = as_inputs((args, kwargs), [], manner.differentiable)
        attempt(lambda: forward(model, first[0], first[1], train))
        run = _forward_again
    args, kwargs = as_inputs((args, kwargs), leaves, manner.differentiable)
    encoder = Encoder(owners(model), manner.raw)
    encoder.tree((args, kwargs))
    before = _parameter_versions(model)
    marks = leftovers.marks(model)
    failed, outputs, error = attempt(lambda: run(model, args, kwargs, train))
    seen = encoder.tree(outputs) if error is None else error
    left = leftovers.left(model, marks)
    grads = {"not-applicable": "the forward raised"}  # type: Tree
    if not failed and order:
        grads = _grads(model, outputs, leaves, manner, order)
    return Step(
        outputs=seen,
        grads=grads,
        buffers=_buffers(model, before, left, train, manner.raw),
        inputs=Encoder(owners(model), manner.raw).tree((args, kwargs)),
        rng=rng_tree(rng_state()),
        raised=failed,
    )


def forward(model: Any, args: Any, kwargs: Any, train: bool) -> Any:
    """One call in train or eval mode."""
    model.train(train)
    return _forward_again(model, args, kwargs, train)


def _forward_again(model: Any, args: Any, kwargs: Any, train: bool) -> Any:
    outputs = model(*args, **kwargs)
    process.end_stray_fork()
    return outputs


def attempt(action: Callable[[], Any]) -> Tuple[bool, Any, Optional[Tree]]:
    """Whether the model's code raised, what it returned, what it raised."""
    try:
        return False, action(), None
    except MemoryError:
        raise
    except Exception as error:
        if any(sign in str(error) for sign in _OUT_OF_MEMORY):
            raise MemoryError(str(error)[:200]) from error
        return True, None, raised(error)


def as_inputs(value: Any, leaves: List[Any], differentiable: bool) -> Any:
    """A copy of the inputs in which each floating tensor is the non-leaf clone of a new leaf.

    An in-place first layer would raise on a leaf that requires grad. What the model writes into
    its inputs stays in the copy: another run begins with what this one began with.
    """

    def as_input(tensor: Any) -> Any:
        floating = tensor.dtype.is_floating_point or tensor.dtype.is_complex
        if tensor.requires_grad and not tensor.is_leaf:
            return tensor
        if not differentiable or not floating or tensor.layout is not torch.strided:
            return tensor.detach().clone().requires_grad_(tensor.requires_grad)
        leaf = tensor.detach().clone().requires_grad_(True)
        leaves.append(leaf)
        return leaf.clone()

    return copied(value, as_input)


def copied(value: Any, change: Change) -> Any:
    """The containers in `value` anew, each tensor in them as `change` gives it, asked once."""
    return _copied(value, change, {})


def _copied(value: Any, change: Change, known: Dict[int, Any]) -> Any:
    if id(value) in known:
        return known[id(value)]
    made = value
    if isinstance(value, torch.Tensor):
        made = change(value)
    elif type(value) in (list, tuple):
        made = type(value)(_copied(item, change, known) for item in value)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        made = type(value)(*(_copied(item, change, known) for item in value))
    elif isinstance(value, dict):
        made = copy.copy(value)
        for key, item in value.items():
            dict.__setitem__(made, key, _copied(item, change, known))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = copy.copy(value)
        for field in dataclasses.fields(value):
            item = getattr(value, field.name, None)
            object.__setattr__(made, field.name, _copied(item, change, known))
    known[id(value)] = made
    return made


def _named_tensors(model: Any) -> Iterator[Tuple[str, Any]]:
    for name, parameter in model.named_parameters():
        yield name, parameter
    for name, buffer in model.named_buffers():
        yield name, buffer


def owners(model: Any) -> Dict[int, str]:
    """The parameter or buffer that owns each storage, by address."""
    names: Dict[int, str] = {}
    for name, tensor in _named_tensors(model):
        try:
            address = storage_address(tensor)
        except (RuntimeError, NotImplementedError, ValueError):
            continue
        if address:
            names.setdefault(address, name)
    return names


def _parameter_versions(model: Any) -> Dict[str, Tuple[int, int]]:
    versions = {}
    for name, parameter in model.named_parameters():
        lazy = torch.nn.parameter.is_lazy(parameter)
        versions[name] = (id(parameter), -1 if lazy else parameter._version)
    return versions


def _buffers(
    model: Any, before: Dict[str, Tuple[int, int]], left: List[List[Any]], train: bool, raw: bool
) -> Tree:
    """The buffers, and of parts that hold a state: those parameters that the run replaced or
    wrote to, those that take no gradient, and the parts that are in the other mode.

    What went past the version counter (`.data`) is seen in models of common size only.
    """
    encoder = Encoder(raw=raw)
    trees = [[name, encoder.tree(buffer)] for name, buffer in model.named_buffers()]
    parameters = dict(model.named_parameters())
    if _size(parameters.values()) > _HASHED_PARAMETERS:
        now = _parameter_versions(model)
        parameters = {name: p for name, p in parameters.items() if now[name] != before.get(name)}
    digests = [[name, {"value": _digest(parameter)}] for name, parameter in parameters.items()]
    return {
        "dict": [
            *trees,
            ["parameters", {"dict": digests}],
            ["in the other mode", {"lines": _in_other_mode(model, train)}],
            ["frozen", {"lines": [n for n, p in model.named_parameters() if not p.requires_grad]}],
            ["attributes", {"dict": left}],
        ]
    }


def _in_other_mode(model: Any, train: bool) -> List[str]:
    """Parts that hold a state, by name: others may come and go."""
    return [
        name
        for name, part in model.named_modules()
        if part.training != train and (next(_named_tensors(part), None) or part is model)
    ]


def _size(parameters: Iterable[Any]) -> int:
    return sum(0 if torch.nn.parameter.is_lazy(p) else p.numel() for p in parameters)


def _digest(parameter: Any) -> str:
    if torch.nn.parameter.is_lazy(parameter):
        return "uninitialized"
    try:
        return digest(parameter)
    except (RuntimeError, NotImplementedError, ValueError):
        return "?"


def _grads(model: Any, outputs: Any, leaves: List[Any], manner: Manner, order: int) -> Tree:
    tensors = differentiable_in(outputs)
    if not tensors:
        return {"not-applicable": NO_OUTPUT}
    sources = [*model.parameters(), *leaves] if order > 1 else []
    failed, _nothing, error = attempt(lambda: backward(tensors, manner.seed, sources))
    if failed:
        return error or {}
    encoder = Encoder(raw=manner.raw)
    named = [[name, encoder.tree(p.grad)] for name, p in model.named_parameters()]
    inputs = [encoder.tree(leaf.grad) for leaf in leaves]
    return {"dict": [["parameters", {"dict": named}], ["inputs", {"list": inputs}]]}


def backward(tensors: List[Any], seed: int, sources: Sequence[Any] = ()) -> None:
    """Gradients of the sum of each output times a fixed random cotangent.

    `sources`: instead those of the gradients of these, summed up in the same way.
    """
    generator = torch.Generator()
    generator.manual_seed(seed + 1)
    cotangents = [_cotangent(tensor, generator) for tensor in tensors]
    wanted = [source for source in sources if source.requires_grad]
    if wanted:
        first = torch.autograd.grad(
            tensors, wanted, cotangents, create_graph=True, allow_unused=True
        )
        tensors = differentiable_in(first)
        cotangents = [_cotangent(tensor, generator) for tensor in tensors]
    if tensors:
        torch.autograd.backward(tensors, cotangents)


def _cotangent(tensor: Any, generator: Any) -> Any:
    dtype = torch.complex64 if tensor.dtype.is_complex else torch.float32
    values = torch.randn(tuple(tensor.shape), generator=generator, dtype=dtype)
    return values.to(device=tensor.device, dtype=tensor.dtype)


def differentiable_in(value: Any) -> List[Any]:
    """Every floating tensor in `value` that has a gradient."""
    found: List[Any] = []
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


def rng_state() -> List[str]:
    """Lines for each generator that may be drawn from, and for what holds for all of a process."""
    states = [
        *surroundings.switches(),
        "torch " + bytes_digest(memory(torch.get_rng_state())),
        "random " + text_digest(repr(random.getstate())),
    ]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        kind, keys, *rest = numpy.random.get_state()
        states.append("numpy %s" % bytes_digest(keys.tobytes() + repr((kind, rest)).encode()))
    return states


def rng_tree(states: List[str]) -> Tree:
    return {"lines": list(states)}
