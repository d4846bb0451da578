"""Functional to module and back gives the same bytes, for code in canonical form."""

from __future__ import annotations

from generated_class import GeneratedClass
from hypothesis import assume, given
from hypothesis import strategies as st
from judge import rewritten, shown

from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

CALLS = (
    "F.relu({})",
    "F.relu({}, inplace=True)",
    "F.gelu({})",
    "F.leaky_relu({}, 0.2)",
    "F.elu({}, 0.5)",
    "F.softmax({}, dim=-1)",
    "F.dropout({}, 0.3, training=self.training)",
    "F.max_pool2d({}, 3, 1, 1)",
    "F.hardtanh({})",
    "torch.sigmoid({})",
    "torch.tanh({})",
)
STATEMENTS = (
    "x = {}",
    "x = {} + x",
    "y = {}\nx = x + y",
    "x = {}  # why",
    "if x.dim() == 4:\n    x = {}",
    "for layer in self.layers:\n    x = {}",
    "# above\nx = {}",
)
VALUES = ("x", "self.{layer}(x)", "x * 2", "self.{layer}(x) + x")


@st.composite
def canonical(draw: st.DrawFn) -> str:
    """A file as black writes it, in which each functional call is as the tool would write it."""
    made = GeneratedClass(draw, "Net", plain=True)  # type: ignore[arg-type]
    made.init.append("self.layers = nn.ModuleList(nn.Linear(6, 6) for _ in range(2))")
    for index in range(draw(st.integers(1, 5))):
        statement = made.pick(*STATEMENTS)
        value = made.pick(*VALUES)
        if "{layer}" in value:
            made.init.append(f"self.conv{index} = nn.Conv2d(4, 4, 3, padding=1)")
        call = made.pick(*CALLS).format(value.format(layer=f"conv{index}"))
        made.forward.append(statement.format(call))
    return made.render()


@given(text=canonical())
def test_there_and_back(text: str) -> None:
    before = {"net.py": text.encode()}
    there, found = rewritten(before, [FunctionalToModule])
    assume(not found.plan.refusals)
    assert found.plan.rewrites
    back, _ = rewritten(there, [ModuleToFunctional])
    assert back == before, f"{shown(there)}\n{shown(back)}"
