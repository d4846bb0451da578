"""What a model leaves changed for the whole process, or on itself, is seen; what is not is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_modules

from codemod.verify.worker import leftovers, surroundings

CHANGES: dict[str, Callable[[], Any]] = {
    "variable-set": lambda: os.environ.update(CODEMOD_TEST="1"),
    "variable-gone": lambda: os.environ.pop("HOME"),
    "folder": lambda: os.chdir("/"),
    "umask": lambda: os.umask(0o77),
    "recursion-limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "numpy-errors": lambda: np.seterr(divide="raise"),
    "default-type": lambda: torch.set_default_dtype(torch.float64),
    "gradients": lambda: torch.set_grad_enabled(False),
    "deterministic": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "benchmark": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "denormals": lambda: torch.set_flush_denormal(True),
    "hook-on-all-modules": lambda: torch_modules.register_module_forward_hook(lambda *_: None),
}


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[None]:
    variables, folder, limit = dict(os.environ), os.getcwd(), sys.getrecursionlimit()
    errors = np.geterr()
    os.chdir(tmp_path)
    surroundings.begin(str(tmp_path))
    yield
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    os.umask(0o22)
    sys.setrecursionlimit(limit)
    np.seterr(**errors)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)
    torch.backends.cudnn.benchmark = False
    torch.set_flush_denormal(False)
    torch_modules._global_forward_hooks.clear()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_holds_for_all_of_a_process_is_seen(begun: None, change: Callable[[], Any]) -> None:
    before = surroundings.switches()
    assert surroundings.switches() == before
    change()
    assert surroundings.switches() != before


def test_the_folder_of_a_run_is_not_told(begun: None, tmp_path: Path) -> None:
    os.environ["CODEMOD_TEST"] = str(tmp_path / "cache")
    found = surroundings.switches()
    assert "variable CODEMOD_TEST is ./cache" in found
    assert str(tmp_path) not in " ".join(found)


COUNT: list[int] = []


class Noting(nn.Module):
    built = 1

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Linear(2, 2)
        self.kept, self.seen = object(), [1]
        self.calls = 0


LEFT: dict[str, tuple[Callable[[Noting], Any], list[str]]] = {
    "nothing": (lambda m: m.part(torch.ones(2)), []),
    "set-to-the-same-object": (lambda m: setattr(m, "kept", m.kept), []),
    "counted": (lambda m: setattr(m, "calls", m.calls + 1), ["calls"]),
    "set-anew": (lambda m: setattr(m, "attention", torch.ones(2)), ["attention"]),
    "put-into-a-list": (lambda m: m.seen.append(2), ["seen"]),
    "not-to-be-compared": (lambda m: setattr(m, "kept", (i for i in ())), ["kept"]),
    "gone": (lambda m: delattr(m, "calls"), ["calls"]),
    "private": (lambda m: setattr(m, "_cache", 1), ["_cache"]),
    "of-the-class": (lambda m: setattr(Noting, "built", 2), ["Noting: built"]),
    "of-the-file": (lambda m: COUNT.append(1), [__name__ + ": COUNT"]),
    "the-mode": (lambda m: m.eval(), []),
    "a-part": (lambda m: setattr(m, "act", nn.ReLU()), []),
    "of-a-layer-of-torch": (lambda m: setattr(m.part, "noted", 1), []),
}


@pytest.mark.parametrize(("run", "names"), LEFT.values(), ids=LEFT.keys())
def test_attributes_that_a_run_left(run: Callable[[Noting], Any], names: list[str]) -> None:
    model = Noting()
    marks = leftovers.marks(model)
    run(model)
    found = leftovers.left(model, marks)
    Noting.built = 1
    assert [name for name, _ in found] == names
    assert "opaque" not in str(found)


def test_a_private_number_is_a_clock() -> None:
    trees = []
    for value in (1.0, 2.0):
        model = Noting()
        marks = leftovers.marks(model)
        model._begun = value
        trees.append(leftovers.left(model, marks))
    assert trees[0] == trees[1] != []


def test_the_value_of_what_is_left_is_told() -> None:
    trees = []
    for value in (1.0, 2.0):
        model = Noting()
        marks = leftovers.marks(model)
        model.attention = torch.full((2,), value)
        trees.append(leftovers.left(model, marks))
    assert trees[0] != trees[1]
