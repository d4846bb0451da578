"""Classes in all their shapes: where they stand, how they are built, what they inherit from."""

from __future__ import annotations

import pytest
from marked_cases import HEAD, NO_F, holds, net, stays

from codemod.testing import check_refusal
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
BEFORE = net("return F.relu(self.fc(x))")
AFTER = net("return self.relu(self.fc(x))", init=(FC, "self.relu = nn.ReLU()"), head=NO_F)


def shaped(text: str, **changes: str) -> str:
    for old, new in changes.items():
        text = text.replace(SLOTS[old], new)
    return text


SLOTS = {"super_call": "super().__init__()", "base": "(nn.Module)", "head": "import torch\n"}

SHAPES = {
    "python-2-super": {"super_call": "super(Net, self).__init__()"},
    "init-of-nn-module-by-name": {"super_call": "nn.Module.__init__(self)"},
    "super-with-arguments": {"super_call": "super().__init__(4, key=1)"},
    "lightning": {
        "base": "(pl.LightningModule)",
        "head": "import torch\nimport pytorch_lightning as pl\n",
    },
    "lightning-2": {
        "base": "(LightningModule)",
        "head": "import torch\nfrom lightning.pytorch import LightningModule\n",
    },
    "generic-base": {"base": "(Base[int])", "head": "import torch\nfrom base import Base\n"},
    "base-of-another-package": {
        "base": "(PreTrainedModel)",
        "head": "import torch\nfrom transformers import PreTrainedModel\n",
    },
    "two-bases": {"base": "(Mixin, nn.Module)", "head": "import torch\nfrom mixin import Mixin\n"},
    "class-keyword": {"base": "(nn.Module, register=True)"},
    "base-in-a-third-file": {"base": "(C)", "head": "import torch\nfrom b import C\n"},
}
PROJECT = {
    "base.py": (
        "from typing import Generic, TypeVar\n\nimport torch.nn as nn\n\nT = TypeVar('T')\n\n\n"
        "class Base(nn.Module, Generic[T]):\n    pass\n"
    ),
    "mixin.py": "class Mixin:\n    pass\n",
    "a.py": "from torch import nn\n\n\nclass A(nn.Module):\n    pass\n",
    "b.py": "import a\n\n\nclass B(a.A):\n    pass\n\n\nC = B\n",
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_shapes(changes: dict[str, str]) -> None:
    before, after = shaped(BEFORE, **changes), shaped(AFTER, **changes)
    holds(FunctionalToModule, before, after, files=PROJECT)
    holds(ModuleToFunctional, after, before, files=PROJECT)


@pytest.mark.parametrize("base", ["nn.Sequential", "nn.ModuleList", "nn.MultiheadAttention"])
def test_container_of_torch_as_base_is_refused(base: str) -> None:
    """A child of an nn.Sequential is run by it; `dropout` is an attribute of the attention."""
    source = shaped(BEFORE, base=f"({base})")
    check_refusal(
        FunctionalToModule, source, {source.split("F.relu")[0].count("\n") + 1: "layer-base"}
    )


@pytest.mark.parametrize("base", ["nn.Linear", "nn.Conv2d", "nn.LayerNorm", "nn.MaxPool2d"])
def test_layer_of_torch_as_base_is_a_class_like_others(base: str) -> None:
    before, after = shaped(BEFORE, base=f"({base})"), shaped(AFTER, base=f"({base})")
    holds(FunctionalToModule, before, after)
    holds(ModuleToFunctional, after, before)


def test_getattr_that_gives_way_keeps_the_names_of_settings() -> None:
    """`__getattr__` may answer for a constructor's parameter before it is asked for a child."""
    gives_way = (
        "\n    def __getattr__(self, name):\n        if name in self.__dict__['settings']:\n"
        "            return self.settings[name]\n        return super().__getattr__(name)\n"
    )
    before = net("return F.relu(self.fc(x)) + x", taken="relu=False") + gives_way
    after = net(
        "return self.relu1(self.fc(x)) + x",
        init=(FC, "self.relu1 = nn.ReLU()"),
        taken="relu=False",
        head=NO_F,
    )
    holds(FunctionalToModule, before, after + gives_way)


MIXIN = "\n\nclass Mixin:\n    def __getattr__(self, name):\n        raise AttributeError(name)\n"


def test_getattr_behind_nn_module_is_never_asked() -> None:
    files = {"mixin.py": "import torch.nn as nn\n\n\nclass Base(nn.Module):\n    pass\n" + MIXIN}
    changes = {"head": "import torch\nfrom mixin import Base, Mixin\n", "base": "(Base, Mixin)"}
    holds(FunctionalToModule, shaped(BEFORE, **changes), shaped(AFTER, **changes), files=files)


def test_getattr_in_front_of_nn_module_is_refused() -> None:
    files = {"mixin.py": "import torch.nn as nn\n\n\nclass Base(nn.Module):\n    pass\n" + MIXIN}
    changes = {"head": "import torch\nfrom mixin import Base, Mixin\n", "base": "(Mixin, Base)"}
    source = shaped(BEFORE, **changes)
    line = source.split("F.relu")[0].count("\n") + 1
    check_refusal(FunctionalToModule, source, {line: "custom-attributes"}, files=files)


def test_init_of_a_base_further_up_runs_module_init() -> None:
    files = {
        "base.py": "import torch.nn as nn\n\n\nclass Top(nn.Module):\n    pass\n"
        "\n\nclass Mid(Top):\n    pass\n"
    }
    changes = {
        "head": "import torch\nfrom base import Mid, Top\n",
        "base": "(Mid)",
        "super_call": "Top.__init__(self)",
    }
    holds(FunctionalToModule, shaped(BEFORE, **changes), shaped(AFTER, **changes), files=files)


def test_super_call_that_is_not_first() -> None:
    before = """
        import torch.nn as nn
        import torch.nn.functional as F


        class Net(nn.Module):
            def __init__(self, width):
                '''Builds it.'''
                width = width * 2
                super().__init__()

            def forward(self, x):
                return F.relu(x) + x
    """
    after = """
        import torch.nn as nn


        class Net(nn.Module):
            def __init__(self, width):
                '''Builds it.'''
                width = width * 2
                super().__init__()
                self.relu = nn.ReLU()

            def forward(self, x):
                return self.relu(x) + x
    """
    holds(FunctionalToModule, before, after)


def test_class_nested_in_a_module_class() -> None:
    before = """
        import torch.nn as nn
        import torch.nn.functional as F


        class Outer(nn.Module):
            class Inner(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.a = nn.Linear(4, 4)

                def forward(self, x):
                    return F.relu(self.a(x))

            def __init__(self):
                super().__init__()
                self.inner = Outer.Inner()

            def forward(self, x):
                return F.gelu(self.inner(x))
    """
    after = """
        import torch.nn as nn


        class Outer(nn.Module):
            class Inner(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.a = nn.Linear(4, 4)
                    self.relu = nn.ReLU()

                def forward(self, x):
                    return self.relu(self.a(x))

            def __init__(self):
                super().__init__()
                self.inner = Outer.Inner()
                self.gelu = nn.GELU()

            def forward(self, x):
                return self.gelu(self.inner(x))
    """
    plan = holds(FunctionalToModule, before, after)
    assert [item.class_name for item in plan.rewrites] == ["Outer.Inner", "Outer"]


FACTORY = """
    import torch.nn as nn


    def make(width):
        import torch.nn.functional as F

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(width, width)

            def forward(self, x):
                return F.relu(self.fc(x))

        return Net()
"""


def test_class_in_a_factory() -> None:
    after = FACTORY.replace("F.relu", "self.relu").replace(
        "width)\n\n            def",
        "width)\n                self.relu = nn.ReLU()\n\n            def",
    )
    plan = holds(FunctionalToModule, FACTORY, after)
    assert [item.class_name for item in plan.rewrites] == ["make.<locals>.Net"]


NEURAL = FACTORY.replace("(nn.Module)", "(neural.Module)")


def test_base_that_only_the_factory_imports_is_found() -> None:
    source = NEURAL.replace("as F\n", "as F\n        import torch.nn as neural\n")
    after = source.replace("F.relu", "self.relu").replace(
        "width)\n\n            def",
        "width)\n                self.relu = nn.ReLU()\n\n            def",
    )
    plan = holds(FunctionalToModule, source, after)
    assert [item.class_name for item in plan.rewrites] == ["make.<locals>.Net"]


def test_base_that_the_factory_imports_or_is_given_is_not_found() -> None:
    source = NEURAL.replace(
        "as F\n", "as F\n        import torch.nn as neural\n        neural = other(neural)\n"
    )
    stays(FunctionalToModule, source.replace("F.relu(self.fc(x))", "F.relu(x)  #! unknown-base"))


def test_argument_from_around_the_class_is_refused() -> None:
    source = """
        import torch.nn as nn
        import torch.nn.functional as F


        def make(slope):
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()

                def forward(self, x):
                    return x + F.leaky_relu(x, slope)  #! argument-not-static

            return Net()
    """
    stays(FunctionalToModule, source)


def test_class_defined_twice_is_judged_by_the_one_that_counts() -> None:
    source = """
        import torch.nn as nn
        import torch.nn.functional as F

        if nn:
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()

                def forward(self, x):
                    return F.relu(x)  #! defined-twice
        else:
            class Net(nn.Module):
                def forward(self, x):
                    return x
    """
    stays(FunctionalToModule, source)


def test_two_classes_in_one_file_keep_apart() -> None:
    two = BEFORE + "\n\nclass Other" + BEFORE.partition("class Net")[2]
    done = AFTER + "\n\nclass Other" + AFTER.partition("class Net")[2]
    plan = holds(FunctionalToModule, two, done)
    assert [item.class_name for item in plan.rewrites] == ["Net", "Other"]


def test_method_under_a_condition() -> None:
    before = """
        import torch.nn as nn
        import torch.nn.functional as F


        class Net(nn.Module):
            def __init__(self):
                super().__init__()

            if nn:
                def forward(self, x):
                    return F.relu(x) + x
    """
    after = """
        import torch.nn as nn


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.relu = nn.ReLU()

            if nn:
                def forward(self, x):
                    return self.relu(x) + x
    """
    holds(FunctionalToModule, before, after)


def test_unknown_module_in_a_file_that_is_only_looked_at() -> None:
    source = HEAD + "\n\nclass Net(Unknown):\n    def run(self, x):\n        return x\n"
    stays(FunctionalToModule, source)


def test_new_init_stands_above_the_condition_around_the_methods() -> None:
    before = """
        import torch.nn as nn
        import torch.nn.functional as F


        class Net(nn.Module):
            fast = True

            if fast:
                def forward(self, x):
                    return F.relu(x) + 1
            else:
                def forward(self, x):
                    return F.gelu(x) + 1
    """
    after = """
        import torch.nn as nn


        class Net(nn.Module):
            fast = True

            def __init__(self):
                super().__init__()
                self.relu = nn.ReLU()
                self.gelu = nn.GELU()

            if fast:
                def forward(self, x):
                    return self.relu(x) + 1
            else:
                def forward(self, x):
                    return self.gelu(x) + 1
    """
    holds(FunctionalToModule, before, after)
