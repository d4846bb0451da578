"""forward-to-call: what means something else first, then what is written."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.testing import check_examples
from codemod.transforms.forward_to_call import ForwardToCall

FC = ("self.fc = nn.Linear(4, 4)",)


def calling(*forward: str, init: tuple[str, ...] = FC, taken: str = "") -> str:
    return net(*forward, init=init, taken=taken, head=NO_F)


def test_examples() -> None:
    check_examples(ForwardToCall)


LEFT = {
    "super": calling("return super().forward(x)"),
    "base-by-name": calling("return nn.Module.forward(self, x)"),
    "class-of-the-project": calling("return Base.forward(self, x)")
    + "\n\nclass Base(nn.Module):\n    pass\n",
    "autograd-function": NO_F
    + "\n\nclass Scale(torch.autograd.Function):\n    pass\n"
    + calling("return Scale.forward(None, x)").removeprefix(NO_F),
    "extension-that-may-be-missing": NO_F
    + "\n\ntry:\n    from pkg import cuda_extension\nexcept ImportError:\n    FOUND = False\n"
    + calling("return cuda_extension.forward(x)").removeprefix(NO_F),
    "passed-as-a-value": calling("return checkpoint(self.fc.forward, x)"),
    "own-forward-in-call": calling("return self.fc(x)")
    + "\n    def __call__(self, x):\n        return self.forward(x) * 2\n",
    "helper-that-is-no-module": calling("return self.fc.forward(x)", init=("self.fc = Scaler()",))
    + "\n\nclass Scaler:\n    def forward(self, x):\n        return x\n",
    "object-that-is-no-module": NO_F
    + "\n\nclass Scaler:\n    def run(self, x):\n        return self.forward(x)\n",
}


@pytest.mark.parametrize("source", LEFT.values(), ids=LEFT)
def test_leaves_what_is_no_call_of_a_module(source: str) -> None:
    stays(ForwardToCall, source)


OWN_CALL = (
    "\n\nclass Twice(nn.Module):\n    def forward(self, x):\n        return x\n"
    "\n    def __call__(self, x):\n        return super().__call__(x) * 2\n"
)
REFUSED = {
    "class-with-a-call-of-its-own": calling(
        "return self.twice.forward(x)  #! own-call", init=("self.twice = Twice()",)
    )
    + OWN_CALL,
    "own-class-with-a-call": calling("return self.fc(x)")
    + "\n    def predict(self, x):\n        return self.forward(x)  #! own-call\n"
    + "\n    def __call__(self, x):\n        return x\n",
    "subclass-with-a-call": calling("return self.fc(x)")
    + "\n    def predict(self, x):\n        return self.forward(x)  #! own-call\n"
    + "\n\nclass Sub(Net):\n    def __call__(self, x):\n        return x\n",
    "in-a-script": calling("return self.fc(x)")
    + "\n\ndef train(model, x):\n    return model.forward(x)  #! in-a-function\n",
    "in-an-f-string": calling('return f"{self.fc.forward(x)}"  #! in-f-string'),
    "generated": "# Automatically generated from a.py, do not edit\n"
    + calling("return self.fc.forward(x)  #! generated"),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses_where_a_call_does_something_else(source: str) -> None:
    stays(ForwardToCall, source)


REWRITTEN = {
    "layer": ("return self.fc.forward(x)", "return self.fc(x)", False),
    "itself": (
        "return x if x is None else self.forward(-x)",
        "return x if x is None else self(-x)",
        False,
    ),
    "nested": ("return self.fc.forward(self.fc.forward(x))", "return self.fc(self.fc(x))", False),
    "arguments-stay": ("return self.fc.forward(input=x)", "return self.fc(input=x)", False),
    "in-a-loop": (
        "return [layer.forward(x) for layer in self.layers]",
        "return [layer(x) for layer in self.layers]",
        True,
    ),
    "of-a-list": ("return self.layers[0].forward(x)", "return self.layers[0](x)", True),
    "of-a-parameter": ("return model.forward(x)", "return model(x)", True),
    "wrapped-layer-whose-hook-makes-the-weight": (
        "return self.wrapped.forward(x)",
        "return self.wrapped(x)",
        True,
    ),
}


@pytest.mark.parametrize(("before", "after", "unknown"), REWRITTEN.values(), ids=REWRITTEN)
def test_calls_the_module(before: str, after: str, unknown: bool) -> None:
    init = (*FC, "self.wrapped = weight_norm(nn.Linear(4, 4))")
    plan = holds(ForwardToCall, calling(before, init=init), calling(after, init=init))
    assert {rewrite.only_confirmed for rewrite in plan.rewrites} == {unknown}
