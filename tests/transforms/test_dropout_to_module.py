"""dropout-to-module: on purpose or not, by its training flag."""

from __future__ import annotations

import pytest
from marked_cases import HEAD, NO_F, holds, net, stays

from codemod.results import Contract
from codemod.testing import check_examples
from codemod.transforms.dropout_to_module import DropoutToModule

FC = "self.fc = nn.Linear(4, 4)"
MADE = "self.dropout = nn.Dropout(0.5)"

STRUCTURE = Contract(changes={"modules": "differs", "hooks": "differs"})
TURNED_OFF_IN_EVAL = Contract(
    changes={"eval": "becomes-deterministic", "modules": "differs", "hooks": "differs"}
)


def test_examples() -> None:
    check_examples(DropoutToModule)


NOT_OURS = {
    "other-functionals": net("return F.relu(x)"),
    "module-already": net("return self.dropout(x)", init=(MADE,), head=NO_F),
    "built-inline": net("return nn.Dropout(0.5)(x)"),
    "local-named-F": net("F = x", "return F.dropout(x)"),
    "function-passed-on": net("return checkpoint(F.dropout, x)"),
    "drop-path-of-another-package": net(
        "return drop_path(x, 0.1, self.training)", head=NO_F + "from timm.layers import drop_path\n"
    ),
}


@pytest.mark.parametrize("source", NOT_OURS.values(), ids=NOT_OURS)
def test_leaves_what_is_none_of_its_business(source: str) -> None:
    stays(DropoutToModule, source)


REFUSED = {
    "always-on-by-keyword": net("return F.dropout(x, 0.5, training=True)  #! always-on"),
    "always-on-by-position": net("return F.dropout(x, 0.5, True)  #! always-on"),
    "never-on": net("return F.dropout(x, 0.5, training=False)  #! never-on"),
    "never-on-by-default": net("return F.alpha_dropout(x, 0.5)  #! never-on"),
    "flag-argument": net(
        "return F.dropout(x, 0.5, training=flag)  #! training-argument", parameters="x, flag"
    ),
    "flag-attribute": net("return F.dropout(x, 0.5, self.mc)  #! training-argument"),
    "flag-computed": net(
        "return F.dropout(x, 0.5, self.training or self.mc)  #! training-argument"
    ),
    "flag-of-another-module": net(
        "return F.dropout(x, 0.5, training=self.fc.training)  #! training-argument"
    ),
    "flag-inverted": net("return F.dropout(x, 0.5, not self.training)  #! training-argument"),
    "training-of-another-self": net(
        "def act(self):",
        "    return F.dropout(x, 0.5, self.training)  #! training-argument",
        "return act(x)",
    ),
    "probability-of-a-schedule": net(
        "return F.dropout(x, self.p, self.training)  #! argument-reassigned", init=("self.p = 0.5",)
    )
    + "\n    def step(self):\n        self.p = self.p * 0.9\n",
    "probability-set-from-outside": net(
        "return F.dropout(x, self.p, self.training)  #! argument-reassigned", init=("self.p = 0.5",)
    )
    + "\n\ndef anneal(m):\n    m.p = 0.0\n",
    "probability-argument": net(
        "return F.dropout(x, p, self.training)  #! argument-not-static", parameters="x, p"
    ),
    "probability-local": net(
        "p = 0.5 / len(x)", "return F.dropout(x, p, self.training)  #! argument-not-static"
    ),
    "probability-by-training": net(
        "return F.dropout(x, 0.5 if self.training else 0.1)  #! argument-not-static"
    ),
    "probability-method": net(
        "return F.dropout(x, self.p(), self.training)  #! argument-not-static"
    ),
    "free-function": HEAD + "\n\ndef act(x):\n    return F.dropout(x, 0.5)  #! outside-class\n",
    "static-method": net("return x")
    + "\n    @staticmethod\n    def act(x):\n        return F.dropout(x, 0.5)  #! no-self\n",
    "star-arguments": net("return F.dropout(x, *self.args)  #! star-arguments"),
    "too-many-arguments": net("return F.dropout(x, 0.5, self.training, False, 1)  #! unusual-call"),
    "in-init": net("return x", init=("self.w = F.dropout(torch.ones(3))  #! in-init",)),
    "generated": "# This file was automatically generated from modular_net.py.\n"
    + net("return F.dropout(x, 0.5)  #! generated"),
    "train-override-that-does-not-recurse": net(
        "return F.dropout(x, 0.5, self.training)  #! custom-train"
    )
    + "\n    def train(self, mode=True):\n        self.fc.train(mode)\n        return self\n",
    "flag-set-by-hand": net("return F.dropout(x, 0.5, self.training)  #! custom-train")
    + "\n    def freeze(self):\n        self.training = False\n",
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(DropoutToModule, source)


def dropped(call: str, after: str, made: str = MADE) -> tuple[str, str]:
    return net(f"return {call}"), net(f"return {after}", init=(FC, made), head=NO_F)


WRITTEN = {
    "left-on-in-eval": (
        *dropped("F.dropout(self.fc(x), 0.5)", "self.dropout(self.fc(x))"),
        TURNED_OFF_IN_EVAL,
    ),
    "left-on-in-eval-by-default-p": (
        *dropped("F.dropout(x)", "self.dropout(x)", "self.dropout = nn.Dropout()"),
        TURNED_OFF_IN_EVAL,
    ),
    "left-on-in-eval-in-place": (
        *dropped(
            "F.dropout(x, p=0.5, inplace=True)",
            "self.dropout(x)",
            "self.dropout = nn.Dropout(p=0.5, inplace=True)",
        ),
        TURNED_OFF_IN_EVAL,
    ),
    "by-position": (*dropped("F.dropout(x, 0.5, self.training)", "self.dropout(x)"), STRUCTURE),
    "by-position-with-in-place": (
        *dropped(
            "F.dropout(x, 0.5, self.training, True)",
            "self.dropout(x)",
            "self.dropout = nn.Dropout(0.5, inplace=True)",
        ),
        STRUCTURE,
    ),
    "training-alone": (
        *dropped(
            "F.dropout(x, training=self.training)", "self.dropout(x)", "self.dropout = nn.Dropout()"
        ),
        STRUCTURE,
    ),
    "zero-probability": (
        *dropped(
            "F.dropout(x, 0.0, self.training)", "self.dropout(x)", "self.dropout = nn.Dropout(0.0)"
        ),
        STRUCTURE,
    ),
    "two-dimensional": (
        *dropped(
            "F.dropout2d(x, 0.1, self.training)",
            "self.dropout(x)",
            "self.dropout = nn.Dropout2d(0.1)",
        ),
        STRUCTURE,
    ),
    "alpha": (
        *dropped(
            "F.alpha_dropout(x, 0.1, self.training)",
            "self.dropout(x)",
            "self.dropout = nn.AlphaDropout(0.1)",
        ),
        STRUCTURE,
    ),
    "torch-dropout": (
        net("return torch.dropout(x, 0.5, self.training)"),
        net(
            "return self.dropout(x)",
            init=(FC, MADE),
            head="import torch.nn as nn\nimport torch.nn.functional as F\n",
        ),
        STRUCTURE,
    ),
    "config-probability": (
        net(
            "return F.dropout(self.fc(x), self.cfg.p, self.training)",
            init=("self.cfg = cfg", FC),
            taken="cfg",
        ),
        net(
            "return self.dropout(self.fc(x))",
            init=("self.cfg = cfg", FC, "self.dropout = nn.Dropout(self.cfg.p)"),
            taken="cfg",
            head=NO_F,
        ),
        STRUCTURE,
    ),
    "probability-named-dropout": (
        net(
            "return F.dropout(self.fc(x), self.dropout, training=self.training)",
            init=("self.dropout = dropout", FC),
            taken="dropout",
        ),
        net(
            "return self.dropout1(self.fc(x))",
            init=("self.dropout = dropout", FC, "self.dropout1 = nn.Dropout(self.dropout)"),
            taken="dropout",
            head=NO_F,
        ),
        STRUCTURE,
    ),
    "probability-of-a-class-attribute": (
        net("return F.dropout(x, self.p, self.training)").replace(
            "nn.Module):\n", "nn.Module):\n    p = 0.5\n\n"
        ),
        net(
            "return self.dropout(x)", init=(FC, "self.dropout = nn.Dropout(self.p)"), head=NO_F
        ).replace("nn.Module):\n", "nn.Module):\n    p = 0.5\n\n"),
        STRUCTURE,
    ),
    "closure-over-self": (
        net("def act(y):", "    return F.dropout(y, 0.5, self.training)", "", "return act(x)"),
        net(
            "def act(y):",
            "    return self.dropout(y)",
            "",
            "return act(x)",
            init=(FC, MADE),
            head=NO_F,
        ),
        STRUCTURE,
    ),
    "self-under-another-name": (
        net("return F.dropout(x, 0.5, this.training)").replace("self, x", "this, x"),
        net("return this.dropout(x)", init=(FC, MADE), head=NO_F).replace("self, x", "this, x"),
        STRUCTURE,
    ),
}


@pytest.mark.parametrize(("before", "after", "contract"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: str, after: str, contract: Contract) -> None:
    plan = holds(DropoutToModule, before, after)
    assert [rewrite.contract for rewrite in plan.rewrites] == [contract]


def test_each_site_has_its_own_contract() -> None:
    plan = holds(
        DropoutToModule,
        net("x = F.dropout(x, 0.5)", "return F.dropout(self.fc(x), 0.5, self.training)"),
        net(
            "x = self.dropout1(x)",
            "return self.dropout2(self.fc(x))",
            init=(FC, "self.dropout1 = nn.Dropout(0.5)", "self.dropout2 = nn.Dropout(0.5)"),
            head=NO_F,
        ),
    )
    assert [rewrite.contract for rewrite in plan.rewrites] == [TURNED_OFF_IN_EVAL, STRUCTURE]


def test_only_the_chosen_modules() -> None:
    before = net("return F.dropout(F.dropout2d(x, 0.1, self.training), 0.5, self.training)")
    after = net(
        "return F.dropout(self.dropout(x), 0.5, self.training)",
        init=(FC, "self.dropout = nn.Dropout2d(0.1)"),
    )
    holds(DropoutToModule, before, after, only=["dropout2d"])


def test_a_train_override_that_calls_the_bases_is_fine() -> None:
    override = (
        "\n    def train(self, mode=True):\n        super().train(mode)\n        return self\n"
    )
    holds(
        DropoutToModule,
        net("return F.dropout(x, 0.5, self.training)") + override,
        net("return self.dropout(x)", init=(FC, MADE), head=NO_F) + override,
    )


def test_refuses_where_a_subclass_overrides_train() -> None:
    child = """
        from net import Net


        class Child(Net):
            def train(self, mode=True):
                return self
    """
    source = net("return F.dropout(x, 0.5, self.training)  #! custom-train")
    stays(DropoutToModule, source, files={"child.py": child})


# ---- a new __init__


NO_INIT = """
    import torch.nn as nn
    import torch.nn.functional as F
    {imports}

    class Net({base}):
        def forward(self, x):
            return F.dropout(x, 0.5, self.training)
"""
WITH_INIT = """
    import torch.nn as nn
    {imports}

    class Net({base}):
        def __init__({parameters}):
            super().__init__({passed})
            self.dropout = nn.Dropout(0.5)

        def forward(self, x):
            return self.dropout(x)
"""
BASES = {
    "nn-module-takes-nothing": ("nn.Module", "self", "", ""),
    "base-of-the-project": (
        "Base",
        "self, width, depth=2, *, bias=True",
        "width, depth, bias=bias",
        "class Base(nn.Module):\n    def __init__(self, width, depth=2, *, bias=True):\n"
        "        super().__init__()\n",
    ),
    "annotations-stay-with-the-base": (
        "Base",
        "self, width, depth=2",
        "width, depth",
        "class Base(nn.Module):\n    def __init__(self, width: 'Width', depth: int = 2) -> None:\n"
        "        super().__init__()\n",
    ),
    "star-parameters-of-the-base": (
        "Base",
        "self, *widths, **rest",
        "*widths, **rest",
        "class Base(nn.Module):\n    def __init__(self, *widths, **rest):\n"
        "        super().__init__()\n",
    ),
    "default-that-means-something-there-only": (
        "Base",
        "self, *args, **kwargs",
        "*args, **kwargs",
        "class Base(nn.Module):\n    def __init__(self, width=WIDTH):\n"
        "        super().__init__()\n",
    ),
    "base-that-inherits-its-init": (
        "Base",
        "self, width",
        "width",
        "class Root(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n\n\n"
        "class Base(Root):\n    pass\n",
    ),
    "base-of-another-package": ("Base", "self, *args, **kwargs", "*args, **kwargs", None),
}


@pytest.mark.parametrize(("base", "parameters", "passed", "other"), BASES.values(), ids=BASES)
def test_new_init_keeps_the_signature(
    base: str, parameters: str, passed: str, other: str | None
) -> None:
    imports = {"nn.Module": "", "Base": "from base import Base\n"}[base]
    if other is None:
        imports = "from somewhere.models import Base\n"
    files = {"base.py": f"import torch.nn as nn\n\n\n{other}"} if other else {}

    def text(template: str) -> bytes:
        filled = template.replace("\n    ", "\n").lstrip("\n")
        filled = filled.format(imports=imports, base=base, parameters=parameters, passed=passed)
        return filled.rstrip(" ").encode()

    holds(DropoutToModule, text(NO_INIT), text(WITH_INIT), files=files)


def test_new_init_is_shared_and_stands_above_the_comment_of_the_first_method() -> None:
    before = '''
        import torch.nn.functional as F
        from torch import nn


        class Net(nn.Module):
            """Drops twice."""

            p = 0.5

            # Once here,
            # once there.
            @torch.no_grad()
            def first(self, x):
                return F.dropout(x, self.p, self.training)

            def forward(self, x):
                return F.dropout(self.first(x), 0.1)
    '''
    after = '''
        from torch import nn


        class Net(nn.Module):
            """Drops twice."""

            p = 0.5

            def __init__(self):
                super().__init__()
                self.dropout1 = nn.Dropout(self.p)
                self.dropout2 = nn.Dropout(0.1)

            # Once here,
            # once there.
            @torch.no_grad()
            def first(self, x):
                return self.dropout1(x)

            def forward(self, x):
                return self.dropout2(self.first(x))
    '''
    holds(DropoutToModule, before, after)


def test_new_init_in_a_class_indented_with_tabs() -> None:
    before = b"""import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
\tdef forward(self, x):
\t\treturn F.dropout(x) + x
"""
    after = b"""import torch.nn as nn


class Net(nn.Module):
\tdef __init__(self):
\t\tsuper().__init__()
\t\tself.dropout = nn.Dropout()

\tdef forward(self, x):
\t\treturn self.dropout(x) + x
"""
    holds(DropoutToModule, before, after)
