"""Modules that are made and called at once, as functionals."""

from __future__ import annotations

import pytest
from marked_cases import HEAD, NO_F, holds, net, stays

from codemod.testing import confirm_rewrite
from codemod.transforms.module_to_functional import ModuleToFunctional

NOT_OURS = {
    "layer-with-parameters": net("return nn.PReLU()(x)", head=NO_F),
    "no-functional-form": net("return nn.Identity()(x)", head=NO_F),
    "made-but-not-called": net("return [nn.ReLU()]", head=NO_F),
    "what-another-call-gives": net("return pick(nn.ReLU())(x)", head=NO_F),
    "layer-of-the-project": net("return layers.ReLU()(x)", head="import layers\n" + NO_F),
    "class-without-a-call": net("return nn.ReLU(x)", head=NO_F),
    "normalization-holds-state": net("return nn.LayerNorm(4)(x)", head=NO_F),
}


@pytest.mark.parametrize("source", NOT_OURS.values(), ids=NOT_OURS)
def test_leaves_what_is_none_of_its_business(source: str) -> None:
    stays(ModuleToFunctional, source)


REFUSED = {
    "dropout-is-always-on": net("return nn.Dropout(0.5)(x)  #! built-inline", head=NO_F),
    "rrelu-is-always-on": net("return nn.RReLU()(x)  #! built-inline", head=NO_F),
    "star-arguments-of-the-constructor": net(
        "return nn.Softmax(**k)(x)  #! star-arguments", head=NO_F, parameters="x, k"
    ),
    "star-arguments": net("return nn.ReLU()(*x)  #! star-arguments", head=NO_F),
    "constructor-argument-is-a-call": net(
        "return nn.Softmax(pick())(x)  #! unusual-call", head=NO_F
    ),
    "input-binds-the-constructors-argument": net(
        "return nn.Softmax(d)(torch.ones(d := 2))  #! unusual-call", head=NO_F, parameters="x, d"
    ),
    "input-may-set-the-constructors-argument": net(
        "return nn.Softmax(self.d)(self.step(x))  #! argument-reassigned",
        init=("self.d = 1",),
        head=NO_F,
    )
    + "\n    def step(self, x):\n        self.d = 0\n        return x\n",
    "loss-with-a-weight": net(
        "return nn.NLLLoss(weight=w)(x, y)  #! stateful", head=NO_F, parameters="x, y, w"
    ),
    "generated": "# This file was automatically generated from modular_net.py.\n"
    + net("return nn.ReLU()(x)  #! generated", head=NO_F),
    "copied-method": net("return nn.ReLU()(x)  #! copied", head=NO_F).replace(
        "    def forward", "    # Copied from other.models.Net.forward\n    def forward"
    ),
    "in-f-string": net('return f"{nn.ReLU()(x)}"  #! in-f-string', head=NO_F),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(ModuleToFunctional, source)


FC = "self.fc = nn.Linear(4, 4)"
WRITTEN = {
    "relu": ("return nn.ReLU()(self.fc(x))", "return F.relu(self.fc(x))"),
    "in-place-stays": ("return nn.ReLU(True)(x)", "return F.relu(x, True)"),
    "by-its-full-name": (
        "return torch.nn.ReLU()(x) + torch.ones(1)",
        "return F.relu(x) + torch.ones(1)",
    ),
    "function-of-torch-itself": ("return nn.Sigmoid()(x)", "return torch.sigmoid(x)"),
    "argument-of-the-call": ("return nn.Softmax(d)(x)", "return F.softmax(x, d)"),
    "attribute-that-stays": (
        "return nn.Softmax(self.d)(self.fc(x))",
        "return F.softmax(self.fc(x), self.d)",
    ),
    "positions-that-swap": (
        "return nn.MaxPool2d(2, 2, 0, 1, True, False)(x)",
        "return F.max_pool2d(x, 2, 2, 0, 1, return_indices=True)",
    ),
    "one-in-another": ("return nn.ReLU()(nn.Tanh()(x))", "return F.relu(torch.tanh(x))"),
    "in-a-lambda": ("return map(lambda y: nn.ELU()(y), x)", "return map(lambda y: F.elu(y), x)"),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: str, after: str) -> None:
    init = (FC, "self.d = 1")
    head = HEAD if "F." in after else NO_F
    source = net(before, init=init, head=NO_F, parameters="x, d=0")
    plan = holds(ModuleToFunctional, source, net(after, init=init, head=head, parameters="x, d=0"))
    assert all(not rewrite.contract.changes for rewrite in plan.rewrites)


def test_in_a_static_method_and_in_a_container_that_counts_its_children() -> None:
    """Nothing is added to the class or taken from it, so its shape does not matter."""
    before = net("return x", head=NO_F).replace("(nn.Module)", "(nn.Sequential)")
    method = "\n    @staticmethod\n    def act(x):\n        return nn.ReLU()(x)\n"
    holds(
        ModuleToFunctional,
        before + method,
        before.replace(NO_F, HEAD) + method.replace("nn.ReLU()", "F.relu"),
    )


def test_is_confirmed_with_nothing_changed() -> None:
    source = net("return nn.Softmax(dim=1)(nn.ReLU()(self.fc(x)))", head=NO_F)
    source += "\n\nif __name__ == '__main__':\n    Net()(torch.randn(2, 4))\n"
    report = confirm_rewrite(ModuleToFunctional, {"net.py": source})
    assert [item.verdict.kind for item in report.outcomes] == ["confirmed"] * 2
