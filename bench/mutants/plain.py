"""Shows without the tool that a text is wrong: builds both classes in plain torch and compares.

`plain.py CASES.json`, run with the interpreter that has torch: a list of `{name, before, after,
class, build, inputs, others, roots}`, `before` and `after` being files. Prints by name the first
way that shows a difference, as JSON; none: the two are the same as far as these ways tell.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib.abc
import importlib.util
import inspect
import itertools
import json
import os
import pickle
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import torch

torch.set_num_threads(1)
_numbers = itertools.count()
_FOLDER, _VARIABLES = os.getcwd(), dict(os.environ)


class Anything(type):
    """A class that has every attribute."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})


class Missing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for packages that timm imports and these classes do not use.

    torchvision may be installed and not load beside a CPU build of torch.
    """

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name.partition(".")[0] not in ("torchvision", "PIL"):
            return None
        return importlib.util.spec_from_loader(name, self, is_package=True)

    def exec_module(self, module: Any) -> None:
        module.__version__ = "99.0"
        module.__getattr__ = functools.partial(getattr, Anything("anything", (), {}))


sys.meta_path.insert(0, Missing())


def module_of(path: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"case{next(_numbers)}", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seed(number: int = 7) -> None:
    """Everything as it was when the process began, and the generators at a number."""
    os.chdir(_FOLDER)
    os.environ.clear()
    os.environ.update(_VARIABLES)
    numpy.seterr(all="warn", under="ignore")
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(1)
    torch.manual_seed(number)
    random.seed(number)
    numpy.random.seed(number)


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return (
            a.dtype == b.dtype
            and a.shape == b.shape
            and a.stride() == b.stride()
            and a.requires_grad == b.requires_grad
            and a.device == b.device
            and (a.is_meta or bool(((a == b) | ((a != a) & (b != b))).all()))
        )
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return bool(a == b)


class Side:
    """One of the two texts. `change`: of the inputs. What it raises is what it gives."""

    def __init__(self, path: str, case: dict[str, Any]) -> None:
        self.case = case
        self.names = vars(module_of(path))

    def model(self, build: str = "") -> Any:
        seed()
        return eval(build or self.case["build"], self.names)

    def inputs(self, change: Callable[[Any], Any] = lambda x: x) -> list[Any]:
        seed()
        made = eval(self.case["inputs"], {"torch": torch})
        made = made if isinstance(made, tuple) else (made,)
        return [change(x) for x in made]

    def run(
        self,
        train: bool,
        change: Any = lambda x: x,
        build: str = "",
        prepare: Callable[[Any], Any] = lambda model: model,
        around: Callable[[], Any] = contextlib.nullcontext,
        start: int = 7,
        runs: int = 1,
        order: int = 1,
    ) -> dict[str, Any]:
        """Everything that the last of some forwards, and one backward, leave behind."""
        model = prepare(self.model(build)).train(train)
        for part in model.parameters():
            part.grad = torch.ones_like(part)
        leaves = [x.detach().clone() for x in self.inputs(change)]
        for x in leaves:
            x.requires_grad_(x.is_floating_point())
        given = [x.clone() if x.requires_grad else x for x in leaves]
        fired: list[tuple[str, int]] = []
        for name, part in model.named_modules():
            if any(True for _ in part.parameters(recurse=False)):
                part.register_forward_hook(lambda _, x, y, n=name: fired.append((n, len(x))))
        seed(start)
        with around():
            for _ in range(runs - 1):
                model(*[x.detach().clone() for x in leaves])
            output = model(*given)
        drawn = torch.get_rng_state(), random.random(), numpy.random.random()
        first = output[0] if isinstance(output, (tuple, list)) else output
        if first.requires_grad:
            differentiate(first, [*leaves, *model.parameters()], order)
        return {
            "output": output,
            "gradient": [x.grad for x in leaves] + [p.grad for p in model.parameters()],
            "buffers": list(model.buffers()),
            "weights": [p.detach() for p in model.parameters()],
            "trainable": [p.requires_grad for p in model.parameters()],
            "inputs": [x.detach() for x in given],
            "generators": list(drawn),
            "hooks": fired,
            "threads": torch.get_num_threads(),
            "surroundings": [
                sorted(os.environ.items()),
                os.getcwd(),
                sorted(numpy.geterr().items()),
                str(torch.get_default_dtype()),
            ],
            "attributes": sorted(name for name in vars(model) if not name.startswith("_")),
            "mode": [part.training for part in model.modules() if part.training != train],
        }


def differentiate(output: Any, sources: list[Any], order: int) -> None:
    torch.manual_seed(3)
    towards = torch.randn(output.shape).to(output)
    if order == 1:
        output.backward(towards)
        return
    known = [x for x in sources if x.requires_grad]
    first = torch.autograd.grad(output, known, towards, create_graph=True, allow_unused=True)
    total = sum((g * torch.randn_like(g)).sum() for g in first if g is not None)
    if total.requires_grad:
        total.backward()


def reloaded(model: Any) -> Any:
    """A copy of the model that has loaded other weights."""
    model = copy.deepcopy(model)
    state = model.state_dict()
    model.load_state_dict({k: v * 0.5 if v.is_floating_point() else v for k, v in state.items()})
    return model


def smaller(model: Any) -> Any:
    for p in model.parameters():
        p.data.mul_(1e-8)
    return model


# How else one can run a model.
SURROUNDINGS: dict[str, dict[str, Any]] = {
    "in double": {"change": lambda x: x.double(), "prepare": lambda m: m.double()},
    "on double": {"change": lambda x: x.double()},
    "reloaded": {"prepare": reloaded},
    "small": {"prepare": smaller, "change": lambda x: x * 1e-8},
    "elsewhere": {
        "prepare": lambda m: m.to("meta"),
        "change": lambda x: x.to("meta"),
    },
    "in autocast": {"around": lambda: torch.autocast("cpu", torch.bfloat16)},
    "without gradients": {"around": torch.no_grad},
    "seed 8": {"start": 8},
    "seed 11": {"start": 11},
    "twice": {"runs": 2},
    "second gradients": {"order": 2},
}


def attempt(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except Exception as error:
        return {"raises": type(error).__name__}


def used(action: Callable[[Any], Any], model: Any) -> dict[str, Any]:
    found = attempt(lambda: action(model))
    return found if isinstance(found, dict) else {}


def larger(x: Any) -> Any:
    return x * 333 if x.is_floating_point() else x


def holed(value: float) -> Callable[[Any], Any]:
    def change(x: Any) -> Any:
        if not x.is_floating_point():
            return x
        x = x.clone()
        x[0] = value
        return x

    return change


INPUTS: dict[str, Callable[[Any], Any]] = {
    "negative": lambda x: -x.abs() - 0.25 if x.is_floating_point() else x,
    "zero": torch.zeros_like,
    "large": larger,
    "nan": holed(float("nan")),
    "infinite": holed(float("inf")),
    "whole": lambda x: (x * 3).round() if x.is_floating_point() else x,
    "scaled-by-15": lambda x: x * 15 if x.is_floating_point() else x,
    "one": lambda x: x[:1],
    "double": lambda x: torch.cat([x, x]),
    "wider": lambda x: torch.cat([x, x[..., :1]], -1),
    "higher": lambda x: torch.cat([x, x[..., :1, :]], -2) if x.dim() > 2 else x,
    "other-rank": lambda x: x[0] if x.dim() > 2 else x[:, None],
    "reversed": lambda x: x.flip(0, 1) if x.dim() > 1 else x,
    "first-index": lambda x: x if x.is_floating_point() else torch.zeros_like(x),
    "not-contiguous": lambda x: x.flip(-1).transpose(-1, -2).contiguous().transpose(-1, -2),
}


def ways(before: Side, after: Side) -> Iterator[str]:
    """Every way in which the two differ."""
    one, other = attempt(before.model), attempt(after.model)
    if isinstance(other, dict):
        yield "build"
        return
    if list(one.state_dict()) != list(other.state_dict()):
        yield "keys"
    elif not same(list(one.state_dict().values()), list(other.state_dict().values())):
        yield "values"
    seed()
    state = {
        key: torch.rand(value.shape).to(value.dtype) for key, value in one.state_dict().items()
    }
    loaded = [
        attempt(lambda m=m: m.load_state_dict(dict(state)) and dict(m.state_dict()))
        for m in (one, other)
    ]
    if not same(*loaded):
        yield "load"
    if [p.requires_grad for p in one.parameters()] != [p.requires_grad for p in other.parameters()]:
        yield "frozen"
    for name in sorted({n for n in {*dir(one)} - {*one._modules} if not n.startswith("_")}):
        kept = getattr(other, name, ...)
        if kept is ... or (isinstance(kept, int) and kept != getattr(one, name)):
            yield f"attribute {name}"
    for use in (copy.deepcopy, pickle.dumps):
        if "raises" not in used(use, one) and "raises" in used(use, other):
            yield use.__name__
    for method in ("__init__", "forward"):
        if _defaults(type(one), method) != _defaults(type(other), method):
            yield f"signature of {method}"
    for mode in ("eval", "train"):
        yield from _run(before, after, mode)
        for name, change in INPUTS.items():
            if any(_run(before, after, mode, change=change)):
                yield f"{mode} {name}"
        for name, how in SURROUNDINGS.items():
            if any(_run(before, after, mode, **how)):
                yield f"{mode} {name}"
        for build in before.case["others"]:
            if any(_run(before, after, mode, build=build)):
                yield f"{mode} of {build}"


def _run(before: Side, after: Side, mode: str, **how: Any) -> Iterator[str]:
    one, other = (attempt(lambda s=s: s.run(mode == "train", **how)) for s in (before, after))
    if "raises" in one or "raises" in other:
        if "raises" not in one or "raises" not in other:
            yield f"{mode} raises"
        return
    for part in one:
        if not same(one[part], other[part]):
            yield f"{mode} {part}"


def _defaults(kind: Any, method: str) -> list[tuple[str, str]]:
    parameters = inspect.signature(getattr(kind, method)).parameters.values()
    return [(p.name, repr(p.default)) for p in parameters if p.default is not p.empty]


def shown(case: dict[str, Any]) -> list[str]:
    before = Side(case["before"], case)
    try:
        after = Side(case["after"], case)
    except Exception:
        return ["import"]
    return list(itertools.islice(ways(before, after), 1))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    sys.path[:0] = cases["roots"]
    print(json.dumps({case["name"]: shown(case) for case in cases["cases"]}))
