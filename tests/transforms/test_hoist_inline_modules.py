"""hoist-inline-modules: what must stay where it is first, then what is moved."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod import Contract
from codemod.testing import check_examples
from codemod.transforms.hoist_inline_modules import HoistInlineModules

FC = "self.fc = nn.Linear(4, 4)"


def inline(*forward: str, init: tuple[str, ...] = (FC,), taken: str = "", more: str = "") -> str:
    return net(*forward, init=init, taken=taken, head=NO_F, parameters=f"x{more}")


def test_examples() -> None:
    check_examples(HoistInlineModules)


NOT_INLINE = {
    "made-in-init": inline("return self.fc(x)", init=(FC, "y = nn.ReLU()(torch.ones(2))")),
    "passed-on": inline("return run(nn.ReLU(), x)"),
    "made-to-be-returned": inline("layer = nn.Linear(2, 2)", "return layer"),
    "made-to-be-registered": inline("layer = nn.ReLU()", 'self.add_module("relu", layer)'),
    "in-a-container": inline("return nn.Sequential(nn.ReLU())(x)"),
    "loss": inline("return nn.MSELoss()(x, x)"),
    "loss-in-a-local": inline("loss_fct = nn.CrossEntropyLoss()", "return loss_fct(x, y)"),
    "nn-is-a-local": inline("nn = make()", "return nn.ReLU()(x)"),
    "in-eval-mode": inline("return nn.Dropout(0.5).eval()(x)"),
    "in-a-function": NO_F + "\n\ndef run(x):\n    return nn.ReLU()(x)\n",
}


@pytest.mark.parametrize("source", NOT_INLINE.values(), ids=NOT_INLINE)
def test_leaves_what_is_not_made_anew_by_forward(source: str) -> None:
    stays(HoistInlineModules, source)


REFUSED = {
    "linear-has-fresh-weights": inline("return nn.Linear(4, 4)(x)  #! fresh-weights"),
    "batch-norm-has-fresh-statistics": inline("return nn.BatchNorm1d(4)(x)  #! fresh-weights"),
    "layer-norm-has-fresh-weights": inline("return nn.LayerNorm(4)(x)  #! fresh-weights"),
    "fresh-weights-in-a-local": inline(
        "conv = nn.Conv2d(1, 1, 1)  #! fresh-weights", "return conv(x)"
    ),
    "argument-of-the-call": inline(
        "return nn.Softmax(dim=d)(x)  #! argument-not-static", more=", d"
    ),
    "argument-from-the-input": inline(
        "return nn.AvgPool2d(x.shape[-1])(x)  #! argument-not-static"
    ),
    "argument-that-is-scheduled": inline(
        "return nn.Dropout(self.p)(x)  #! argument-reassigned", init=("self.p = 0.1",)
    )
    + "\n    def anneal(self):\n        self.p *= 0.5\n",
    "constructor-with-stars": inline("return nn.ReLU(*a)(x)  #! star-arguments", more=", *a"),
    "local-set-twice": inline(
        "act = nn.ReLU()  #! kept-otherwise", "if a:", "    act = None", "return act(x)"
    ),
    "local-that-is-a-parameter": inline(
        "act = nn.ReLU()  #! kept-otherwise", "return act(x)", more=", act=None"
    ),
    "local-passed-on-as-well": inline(
        "act = nn.ReLU()  #! kept-otherwise", "return run(act, act(x))"
    ),
    "local-in-a-closure": inline(
        "act = nn.ReLU()  #! kept-otherwise",
        "def run(y):",
        "    return act(y)",
        "return run(x)",
    ),
    "run-by-init-too-early": inline(
        "return self.fc(x)", init=("self.fc = self.make()", "self.a = 0.1")
    )
    + "\n    def make(self):\n        return nn.ELU(self.a)(torch.ones(2))  #! in-init\n",
    "static-method": inline("return x")
    + "\n    @staticmethod\n    def act(x):\n        return nn.ReLU()(x)  #! no-self\n",
    "children-are-swept": inline("return nn.ReLU()(x)  #! sweeps-children")
    + "\n    def body(self):\n        return nn.Sequential(*self.children())\n",
    "subclass-skips-init": inline("return nn.ReLU()(x)  #! subclass-skips-init")
    + "\n\nclass Sub(Net):\n    def __init__(self):\n        super(Net, self).__init__()\n",
    "no-super-init": inline("return nn.ReLU()(x)  #! no-super-init").replace(
        "        super().__init__()\n", ""
    ),
    "in-f-string": inline('return f"{nn.ReLU()(x)}"  #! in-f-string'),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses_what_means_something_else_in_init(source: str) -> None:
    stays(HoistInlineModules, source)


REWRITTEN = {
    "keeps-the-flag": (
        inline("return nn.ReLU(inplace=True)(self.fc(x))"),
        inline("return self.relu(self.fc(x))", init=(FC, "self.relu = nn.ReLU(inplace=True)")),
    ),
    "one-a-place": (
        inline("return nn.ReLU()(self.fc(nn.ReLU()(x)))"),
        inline(
            "return self.relu2(self.fc(self.relu1(x)))",
            init=(FC, "self.relu1 = nn.ReLU()", "self.relu2 = nn.ReLU()"),
        ),
    ),
    "name-is-taken": (
        inline("return nn.ReLU()(self.relu(x))", init=("self.relu = nn.Linear(4, 4)",)),
        inline(
            "return self.relu1(self.relu(x))",
            init=("self.relu = nn.Linear(4, 4)", "self.relu1 = nn.ReLU()"),
        ),
    ),
    "local-called-twice": (
        inline("act = nn.ReLU()  # one for both", "return act(self.fc(act(x)))"),
        inline(
            "# one for both",
            "return self.relu(self.fc(self.relu(x)))",
            init=(FC, "self.relu = nn.ReLU()"),
        ),
    ),
    "several-inputs-and-stars": (
        inline("return nn.CosineSimilarity(dim=1)(*x)"),
        inline(
            "return self.cosine_similarity(*x)",
            init=(FC, "self.cosine_similarity = nn.CosineSimilarity(dim=1)"),
        ),
    ),
    "lambda-that-captures-self": (
        inline("return map(lambda y: nn.ReLU()(y), x)"),
        inline("return map(lambda y: self.relu(y), x)", init=(FC, "self.relu = nn.ReLU()")),
    ),
    "class-imported-by-name": (
        inline("return Softmax(dim=1)(x)").replace(NO_F, NO_F + "from torch.nn import Softmax\n"),
        inline("return self.softmax(x)", init=(FC, "self.softmax = Softmax(dim=1)")).replace(
            NO_F, NO_F + "from torch.nn import Softmax\n"
        ),
    ),
    "class-imported-in-forward": (
        inline("from torch.nn import Softmax", "return Softmax(dim=1)(x)"),
        inline(
            "from torch.nn import Softmax",
            "return self.softmax(x)",
            init=(FC, "self.softmax = nn.Softmax(dim=1)"),
        ),
    ),
    "class-without-init": (
        NO_F + "\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        return nn.ReLU()(x) + 1\n",
        NO_F + "\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.relu = nn.ReLU()\n\n    def forward(self, x):\n"
        "        return self.relu(x) + 1\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), REWRITTEN.values(), ids=REWRITTEN)
def test_moves_the_layer_to_init(before: str, after: str) -> None:
    holds(HoistInlineModules, before, after)


def test_losses_are_moved_where_they_are_asked_for() -> None:
    before = inline("return nn.MSELoss()(self.fc(x), x)")
    plan = holds(
        HoistInlineModules,
        before,
        inline("return self.mse_loss(self.fc(x), x)", init=(FC, "self.mse_loss = nn.MSELoss()")),
        only=["@loss"],
    )
    assert len(plan.rewrites) == 1


@pytest.mark.parametrize(
    ("layer", "name", "turned_off"),
    [
        ("nn.ReLU()", "relu", False),
        ("nn.Dropout(0.5)", "dropout", True),
        ("nn.RReLU()", "rrelu", True),
        ("nn.AlphaDropout(0.2)", "dropout", True),
    ],
    ids=["relu", "dropout-was-always-on", "random-relu-was-always-on", "alpha-dropout"],
)
def test_what_is_always_in_train_mode_is_a_change_on_purpose(
    layer: str, name: str, turned_off: bool
) -> None:
    plan = holds(
        HoistInlineModules,
        inline(f"return {layer}(self.fc(x))"),
        inline(f"return self.{name}(self.fc(x))", init=(FC, f"self.{name} = {layer}")),
    )
    contract: Contract = plan.rewrites[0].contract
    assert contract.changes_behaviour is turned_off
    assert (contract.changes.get("eval") == "becomes-deterministic") is turned_off
