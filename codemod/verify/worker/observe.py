"""Runs a model under a seed and writes down everything that can be seen of it.

Each mode is run on a model of its own, built anew from the same seed. `docs/architecture.md`
describes the result.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch

from . import inputsets
from .signatures import signatures
from .step import (
    Build,
    Manner,
    as_inputs,
    attempt,
    built,
    forward,
    owners,
    rng_state,
    rng_tree,
    seed_all,
    step,
)
from .tracing import located_build, traced, traced_eval
from .trees import Encoder, Tree, type_name


def observe(
    build: Build,
    *,
    seed: int,
    load_keys: Optional[Tree] = None,
    raw: bool = False,
    sets: Optional[Sequence[str]] = None,
    root: str = "",
    located: Sequence[str] = (),
) -> Dict[str, Tree]:
    """Every aspect of the model that `build()` gives as `(model, args, kwargs)`.

    `load_keys`: the `state_dict` tree whose keys, shapes and dtypes are loaded; None: its own.
    `sets`: the other sets of inputs to run; None: those that fit the model and its cost.
    `located`: those of which `places` tells what line below `root` ran each operator; an empty
    name stands for the model's own inputs.
    Raises what `build` raises, and `MemoryError`.
    """
    manner = Manner(seed, raw, root=root, located=frozenset(located))
    model, args, kwargs = built(build, seed)
    seen = {
        "state_dict": _state_dict(model, raw),
        "signature": signatures(model),
        "modules": _modules(model),
    }
    scripted = _scripted(model)
    if scripted:
        seen["scripted"] = {"lines": scripted}
    untouched = rng_state()
    done = step(model, args, kwargs, False, manner)
    if done.raised:
        alone = dataclasses.replace(manner, differentiable=False)
        plain = step(*built(build, seed), False, alone)
        if not plain.raised:
            done, manner = plain, alone
    seen["eval"] = {
        "dict": [
            ["outputs", done.outputs],
            *([["trace", traced_eval(build, manner)]] if done.raised else []),
            ["gradient inputs", {"value": str(manner.differentiable)}],
            ["grads", done.grads],
            ["buffers", done.buffers],
            ["inputs", done.inputs],
            ["rng", done.rng],
        ]
    }
    seen["eval_other_seed"] = done.outputs
    if done.rng != rng_tree(untouched):
        seen["eval_other_seed"] = _eval_outputs(built(build, seed), seed + 1, manner)
    done = step(*built(build, seed), True, manner)
    seen.update(
        train=done.outputs, grads=done.grads, buffers=done.buffers, inputs=done.inputs, rng=done.rng
    )
    seen["trace"], seen["hooks"], work = traced(build, manner, done.outputs)
    if manner.locates(""):
        seen["places"] = {
            "eval": located_build(build, False, manner),
            "train": located_build(build, True, manner),
        }
    model = built(build, seed)[0]
    seen["load"] = _loaded(model, load_keys or seen["state_dict"], raw)
    seen["sets"] = inputsets.observed(
        build,
        manner,
        inputsets.suitable(work, build, manner) if sets is None else sets,
        load_keys,
    )
    return seen


def _eval_outputs(made: Tuple[Any, Any, Any], seed: int, manner: Manner) -> Tree:
    model, args, kwargs = made
    args, kwargs = as_inputs((args, kwargs), [], manner.differentiable)
    encoder = Encoder(owners(model), manner.raw)
    encoder.tree((args, kwargs))
    seed_all(seed)
    _failed, outputs, error = attempt(lambda: forward(model, args, kwargs, False))
    return encoder.tree(outputs) if error is None else error


def _state_dict(model: Any, raw: bool) -> Tree:
    encoder = Encoder(raw=raw)
    failed, state, error = attempt(model.state_dict)
    if failed:
        return error or {}
    return {"dict": [[str(key), encoder.tree(value)] for key, value in state.items()]}


def _modules(model: Any) -> Tree:
    named = model.named_modules(remove_duplicate=False)
    return {"lines": ["%s: %s" % (name, type_name(type(module))) for name, module in named]}


def _scripted(model: Any) -> List[str]:
    kinds = (torch.jit.ScriptModule, torch.jit.ScriptFunction)
    return [name for name, module in model.named_modules() if isinstance(module, kinds)]


def _loaded(model: Any, keys: Tree, raw: bool) -> Tree:
    """What is read back after strictly loading tensors of the given keys, shapes and dtypes."""
    if "dict" not in keys:
        return {"not-applicable": "there is no state_dict"}
    failed, own, error = attempt(model.state_dict)
    if failed:
        return error or {}
    state = type(own)() if isinstance(own, dict) else {}
    for ordinal, (key, tree) in enumerate(keys["dict"]):
        value = _filled(tree, ordinal)
        if value is not None:
            state[key] = value
        elif key in own:
            state[key] = own[key]
    failed, _nothing, error = attempt(lambda: model.load_state_dict(state, strict=True))
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
