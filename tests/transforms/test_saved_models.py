"""What was saved before a rewrite, loaded after it: the README says what loads and what does not.

https://docs.pytorch.org/docs/stable/generated/torch.load.html
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from marked_cases import NO_F, holds, net

from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

NAME = "net_that_was_saved"
FUNCTIONAL = net("return F.relu(self.fc(x))")
LAYERED = net(
    "return self.relu(self.fc(x))",
    init=("self.fc = nn.Linear(4, 4)", "self.relu = nn.ReLU()"),
    head=NO_F,
)
X = torch.linspace(-1, 1, 4)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    sys.modules.pop(NAME, None)


def imported(source: str) -> ModuleType:
    """The project as it is now: what a pickle finds its classes in."""
    module = ModuleType(NAME)
    exec(compile(source, "net.py", "exec"), module.__dict__)
    sys.modules[NAME] = module
    return module


def whole(source: str) -> tuple[bytes, torch.Tensor]:
    torch.manual_seed(0)
    model = imported(source).Net()
    buffer = io.BytesIO()
    torch.save(model, buffer)
    return buffer.getvalue(), model(X)


def loaded(data: bytes) -> torch.nn.Module:
    model: torch.nn.Module = torch.load(io.BytesIO(data), weights_only=False)
    return model


def test_the_two_forms_are_those_of_the_transforms() -> None:
    holds(FunctionalToModule, FUNCTIONAL, LAYERED)
    holds(ModuleToFunctional, LAYERED, FUNCTIONAL)


def test_a_whole_model_saved_before_functional_to_module_lacks_the_layer() -> None:
    saved, _ = whole(FUNCTIONAL)
    imported(LAYERED)
    with pytest.raises(AttributeError, match="no attribute 'relu'"):
        loaded(saved)(X)


def test_a_whole_model_saved_before_module_to_functional_runs() -> None:
    saved, wanted = whole(LAYERED)
    imported(FUNCTIONAL)
    assert torch.equal(loaded(saved)(X), wanted)


@pytest.mark.parametrize(
    ("before", "after"), [(FUNCTIONAL, LAYERED), (LAYERED, FUNCTIONAL)], ids=["to-module", "back"]
)
def test_a_state_dict_loads_both_ways(before: str, after: str) -> None:
    state = imported(before).Net().state_dict()
    model = imported(after).Net()
    model.load_state_dict(state, strict=True)
    assert torch.equal(model.fc.weight, state["fc.weight"])
