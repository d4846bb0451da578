"""The least that could be done: one process builds and observes every class before and after.

Run with the interpreter that has torch: `bare.py BEFORE AFTER`. Prints how many classes agree.
It shares the tool's `observe`, so that the same things are looked at.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from generate import SHAPES, Shape, class_names, file_name

WORKER = Path(__file__).parent.parent / "codemod" / "verify" / "worker"
SEED = 0
STRUCTURAL = {"modules", "hooks", "signature"}  # A new part shows in each of them.


def loaded(name: str, path: Path) -> ModuleType:
    search = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def observed(
    observe: Any, module: ModuleType, name: str, shape: Shape, sets: list[str] | None = None
) -> dict[str, Any]:
    """`sets`: the further sets of inputs; None: those that fit the model."""

    def build() -> tuple[Any, Any, Any]:
        model = getattr(module, name)()
        return model, (eval(shape.inputs, {"torch": torch}),), {}

    return observe(build, seed=SEED, sets=sets)


def agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[aspect] == other[aspect] for aspect in one.keys() - STRUCTURAL)


def main(before: Path, after: Path) -> None:
    torch.set_num_threads(1)
    loaded("worker", WORKER / "__init__.py")
    observe = importlib.import_module("worker.observe").observe
    count = 0
    for shape in SHAPES:
        # One name for both: the names of classes are observed too.
        modules = [loaded(shape.title, folder / file_name(shape)) for folder in (before, after)]
        for name in class_names(shape):
            one = observed(observe, modules[0], name, shape)
            other = observed(observe, modules[1], name, shape, list(one["sets"]))
            count += agree(one, other)
    print(count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
