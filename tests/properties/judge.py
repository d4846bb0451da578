"""Runs generated projects in this process, before and after: what must not change."""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from families import Model, module_of

from codemod import Transform
from codemod.engine.planning import Planned, plan
from codemod.results import Rewrite
from codemod.source.overlay import Overlay

SEED = 11
_NOWHERE = Path("/nonexistent")


def planned(files: Mapping[str, bytes], transforms: Sequence[type[Transform]]) -> Planned:
    paths = sorted(files)
    python = frozenset(path for path in paths if path.endswith(".py"))
    return plan(Overlay(_NOWHERE, files), paths, python, [item() for item in transforms])


def written_without_asking(rewrite: Rewrite) -> bool:
    """Whether a rewrite is written without `--accept`, and so must preserve all."""
    return not rewrite.needs_accept and not rewrite.only_confirmed


def rewritten(
    files: Mapping[str, bytes], transforms: Sequence[type[Transform]]
) -> tuple[dict[str, bytes], Planned]:
    """The files as a run without confirmation and without `--accept` would write them."""
    found = planned(files, transforms)
    assert not found.plan.errors, found.plan.errors
    ids = [item.id for item in found.plan.rewrites if written_without_asking(item)]
    return {**files, **found.compose(ids).files}, found


class _Files(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the files of one project from memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.names = {module_of(path): path for path in files if path.endswith(".py")}
        self.names.update(
            {name.removesuffix(".__init__"): path for name, path in list(self.names.items())}
        )

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        found = self.names.get(name)
        is_folder = any(one.startswith(name + ".") for one in self.names)
        if found is None and not is_folder:
            return None
        package = found is None or found.endswith("/__init__.py")
        return importlib.machinery.ModuleSpec(name, self, is_package=package)

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        path = self.names.get(module.__name__)
        if path is not None:
            exec(compile(self.files[path], path, "exec"), module.__dict__)


@contextlib.contextmanager
def importable(files: Mapping[str, bytes]) -> Iterator[None]:
    finder = _Files(files)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith("gen_")]:
            del sys.modules[name]


def observed(files: Mapping[str, bytes], models: Sequence[Model]) -> list[dict[str, Any]]:
    """All that is seen of each model, as bytes and plain values."""
    with importable(files):
        return [_observed(files, model) for model in models]


def _observed(files: Mapping[str, bytes], model: Model) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for name, step in (("state", _state), ("eval", _eval), ("train", _train), ("use", _use)):
        try:
            made = _built(model)
            seen[name] = step(made, files)
        except Exception as error:
            seen[name] = f"raises {type(error).__name__}"
        seen[f"{name} rng"] = (plain(torch.get_rng_state()), random.getstate())
    return seen


def _built(model: Model) -> torch.nn.Module:
    module = importlib.import_module(model.module)
    _seed(0)
    made = eval(model.build, vars(module))
    assert isinstance(made, torch.nn.Module)
    return made


def _seed(more: int) -> None:
    torch.manual_seed(SEED + more)
    random.seed(SEED + more)


def _input() -> torch.Tensor:
    _seed(1)
    x = torch.randn(2, 4, 6, 6)
    _seed(2)
    return x


def _state(model: torch.nn.Module, files: Mapping[str, bytes]) -> object:
    return plain(model.state_dict())


def _eval(model: torch.nn.Module, files: Mapping[str, bytes]) -> object:
    model.eval()
    x = _input()
    with torch.no_grad():
        return [plain(model(x)), plain(x)]


def _train(model: torch.nn.Module, files: Mapping[str, bytes]) -> object:
    model.train()
    leaf = _input().requires_grad_()
    x = leaf * 1
    made = model(x)
    (made * torch.linspace(-1, 1, made.numel()).reshape(made.shape)).sum().backward()
    gradients = [(name, plain(item.grad)) for name, item in model.named_parameters()]
    return [plain(made), plain(x), plain(leaf.grad), gradients, plain(model.state_dict())]


def _use(model: torch.nn.Module, files: Mapping[str, bytes]) -> object:
    use = importlib.import_module("gen_use")
    use.FILES = {path: data.decode() for path, data in files.items()}
    seen: list[object] = []
    use.observe(model, _input(), seen)
    return plain(seen)


def plain(value: Any) -> Any:
    """A tree of bytes and plain values."""
    if isinstance(value, torch.Tensor):
        data = value.detach().contiguous().cpu()
        return (str(data.dtype), tuple(data.shape), data.numpy().tobytes())
    if isinstance(value, Mapping):
        return [(key, plain(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def shown(files: Mapping[str, bytes]) -> str:
    return "\n".join(f"# ---- {path}\n{data.decode()}" for path, data in sorted(files.items()))
