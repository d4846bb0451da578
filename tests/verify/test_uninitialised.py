"""Memory that no code initialises holds the same small numbers in each run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from codemod.verify.compare import disagreements
from codemod.verify.worker import shims, uninitialised
from codemod.verify.worker.observe import observe
from codemod.verify.worker.recipe import evaluate

INPUTS = "torch.linspace(-1, 1, 12).reshape(3, 4)"


class Holding(nn.Module):
    """Gives its input times what it holds."""

    def __init__(self, make: Any, hold: Any) -> None:
        super().__init__()
        hold(self, make())

    def forward(self, x: Any) -> Any:
        held = self.held[0] if isinstance(self.held, list) else self.held
        return x * held


def as_parameter(model: Any, tensor: Any) -> None:
    model.held = nn.Parameter(tensor)


def as_buffer(model: Any, tensor: Any) -> None:
    model.register_buffer("held", tensor)


def as_attribute(model: Any, tensor: Any) -> None:
    model.held = tensor


def in_list(model: Any, tensor: Any) -> None:
    model.held = [tensor]


def observed(make: Any, hold: Any) -> Any:
    recipe = {"build": "Holding(make, hold)", "inputs": INPUTS}
    names = {"make": make, "hold": hold}
    return observe(evaluate(recipe, Holding, names), seed=0, raw=True)


@pytest.mark.parametrize("hold", [as_parameter, as_buffer, as_attribute, in_list])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: torch.Tensor(4), id="legacy"),
        pytest.param(lambda: torch.empty(4, dtype=torch.float64), id="empty"),
        pytest.param(lambda: torch.zeros(1).new_empty(4), id="new_empty"),
        pytest.param(lambda: torch.cat([torch.ones(2), torch.Tensor(2)]), id="in-part"),
    ],
)
def test_two_runs_agree_on_small_numbers(make: Any, hold: Any) -> None:
    first = observed(make, hold)
    used = [torch.full((4,), float("nan")) for _ in range(64)]
    del used
    assert disagreements(first, observed(make, hold)) == ()
    made = evaluate(
        {"build": "Holding(make, hold)", "inputs": INPUTS}, Holding, {"make": make, "hold": hold}
    )
    model = made()[0]
    uninitialised.fill(model, lambda: made()[0])
    held = model.held[0] if hold is in_list else model.held
    assert bool(torch.isfinite(held).all())
    assert 0 < float(held.detach().abs().min()) <= float(held.detach().abs().max()) <= 1
    assert uninitialised.LABEL in shims.used()


def test_nan_that_is_meant_stays() -> None:
    model = Holding(lambda: torch.full((4,), float("nan")), as_buffer)
    uninitialised.fill(model, lambda: Holding(lambda: torch.full((4,), float("nan")), as_buffer))
    assert bool(torch.isnan(model.held).all())


def test_what_is_initialised_stays() -> None:
    def make() -> Any:
        return nn.init.constant_(torch.Tensor(4), 3.0)

    recipe = {"build": "Holding(make, hold)", "inputs": INPUTS}
    made = evaluate(recipe, Holding, {"make": make, "hold": as_parameter})
    model = made()[0]
    uninitialised.fill(model, lambda: made()[0])
    assert model.held.tolist() == [3.0] * 4


def test_inputs_and_other_code_get_memory_as_it_is() -> None:
    recipe = {
        "build": "Holding(make, hold)",
        "inputs": "torch.is_deterministic_algorithms_warn_only_enabled()",
    }
    names = {"make": lambda: torch.ones(4), "hold": as_parameter}
    assert evaluate(recipe, Holding, names)()[1] == (False,)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_model_that_asks_for_deterministic_algorithms_keeps_them() -> None:
    def make() -> Any:
        torch.use_deterministic_algorithms(True)
        return torch.ones(4)

    recipe = {"build": "Holding(make, hold)", "inputs": INPUTS}
    try:
        evaluate(recipe, Holding, {"make": make, "hold": as_parameter})()
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
