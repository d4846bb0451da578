"""What a composition tidies up: imports without a use, blocks without a statement."""

from __future__ import annotations

import pytest

from codemod.testing import check_rewrite
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

CLASS = """

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return F.relu(self.fc(x))
"""
DONE = CLASS.replace("F.relu(", "self.relu(").replace(
    "4, 4)\n\n", "4, 4)\n        self.relu = nn.ReLU()\n\n"
)
NN = "import torch.nn as nn\n"
F = "import torch.nn.functional as F\n"


def check(head: str, head_after: str, *, tail: str = "", path: str = "net.py", **more) -> None:  # type: ignore[no-untyped-def]
    check_rewrite(
        FunctionalToModule,
        (head + CLASS + tail).encode(),
        (head_after + DONE + tail).encode(),
        path=path,
        **more,
    )


STAYS = {
    "used-in-the-same-file": (NN + F, "\n\ndef act(x, f=F.gelu):\n    return f(x)\n"),
    "used-in-an-annotation-string": (NN + F, '\n\ndef act(x: "F.Mode"):\n    return x\n'),
    "listed-in-all": (NN + F, '\n\n__all__ = ["F", "Net"]\n'),
    "noqa": (NN + F.rstrip() + "  # noqa: F401\n", ""),
    "any-comment": (NN + F.rstrip() + "  # needed by plugins\n", ""),
    "imported-twice": (NN + F + F, ""),
    "imported-under-try": (NN + "try:\n    " + F + "except ImportError:\n    F = None\n", ""),
    "declared-global": (NN + F, "\n\ndef swap():\n    global F\n    F = None\n"),
}


@pytest.mark.parametrize(("head", "tail"), STAYS.values(), ids=STAYS)
def test_import_stays(head: str, tail: str) -> None:
    if "F = None" in head or "F = None" in tail:
        # Two meanings of F: nothing is rewritten in the first place.
        check_rewrite(
            FunctionalToModule, (head + CLASS + tail).encode(), (head + CLASS + tail).encode()
        )
    else:
        check(head, head, tail=tail)


def test_import_stays_in_an_init_file() -> None:
    check(NN + F, NN + F, path="pkg/__init__.py")


@pytest.mark.parametrize(
    "other",
    [
        "from net import F\n",
        "from .net import F\n",
        "from net import *\n",
        "import net\n\nnet.F.gelu\n",
    ],
    ids=["by-name", "relative", "by-star", "as-an-attribute"],
)
def test_import_stays_where_another_file_takes_it(other: str) -> None:
    check(NN + F, NN + F, files={"other.py": other})


GOES = {
    "alone": (NN + F, NN),
    "comment-above-it-stays": (NN + "# the functions\n" + F, NN + "# the functions\n"),
    "first-of-two-names": (
        NN + "from torch.nn import functional as F, Linear\n",
        NN + "from torch.nn import Linear\n",
    ),
    "last-of-two-names": (
        NN + "from torch.nn import Linear, functional as F\n",
        NN + "from torch.nn import Linear\n",
    ),
    "one-of-three-in-parentheses": (
        NN + "from torch.nn import (\n    Linear,\n    functional as F,\n    Conv2d,\n)\n",
        NN + "from torch.nn import (\n    Linear,\n    Conv2d,\n)\n",
    ),
    "last-in-parentheses-with-a-trailing-comma": (
        NN + "from torch.nn import (\n    Linear,\n    functional as F,\n)\n",
        NN + "from torch.nn import (\n    Linear,\n)\n",
    ),
    "plain-import-of-two": (
        "import torch.nn.functional as F, torch.nn as nn\n",
        "import torch.nn as nn\n",
    ),
    "between-semicolons": ("import math; " + F.rstrip() + "; " + NN, "import math; " + NN),
    "between-blank-lines": (NN + "\n" + F + "\nimport math\n", NN + "\nimport math\n"),
    "last-of-the-imports": ("import math\n\n" + NN + F, "import math\n\n" + NN),
}


@pytest.mark.parametrize(("head", "after"), GOES.values(), ids=GOES)
def test_import_goes(head: str, after: str) -> None:
    check(head, after)


def test_import_with_the_effect_of_loading_stays() -> None:
    # `import torch.nn.functional` binds `torch`, and others may rely on what it loads.
    head = "import torch.nn as nn\nimport torch.nn.functional\n"
    before = head + CLASS.replace("F.relu", "torch.nn.functional.relu")
    check_rewrite(FunctionalToModule, before.encode(), (head + DONE).encode())


# ---- blocks


def layers(*init: str, forward: str, head: str) -> bytes:
    lines = ["", "", "class Net(nn.Module):", "    def __init__(self, p):"]
    lines += ["        super().__init__()", "        self.fc = nn.Linear(4, 4)"]
    lines += [f"        {line}" for line in init]
    lines += ["", "    def forward(self, x):", f"        return {forward}", ""]
    return (head + "\n".join(lines)).encode()


BLOCKS = {
    "the-whole-if-goes": (("if p:", "    self.d = nn.Dropout(0.5)"), ()),
    "nested-ifs-go": (("if p:", "    if p > 1:", "        self.d = nn.Dropout(0.5)"), ()),
    "an-if-whose-test-does-something-stays": (
        ("if check(p):", "    self.d = nn.Dropout(0.5)"),
        ("if check(p):", "    pass"),
    ),
    "an-if-with-an-else-stays": (
        ("if p:", "    self.d = nn.Dropout(0.5)", "else:", "    self.n = 1"),
        ("if p:", "    pass", "else:", "    self.n = 1"),
    ),
    "an-else-is-filled": (
        ("if p:", "    self.n = 1", "else:", "    self.d = nn.Dropout(0.5)"),
        ("if p:", "    self.n = 1", "else:", "    pass"),
    ),
    "a-last-elif-goes": (
        ("if p:", "    self.n = 1", "elif p == 0:", "    self.d = nn.Dropout(0.5)"),
        ("if p:", "    self.n = 1"),
    ),
    "an-elif-in-the-middle-is-filled": (
        (
            "if p:",
            "    self.n = 1",
            "elif p == 0:",
            "    self.d = nn.Dropout(0.5)",
            "else:",
            "    self.n = 2",
        ),
        ("if p:", "    self.n = 1", "elif p == 0:", "    pass", "else:", "    self.n = 2"),
    ),
    "a-comment-in-the-if-is-kept-with-it": (
        ("if p:", "    # rarely", "    self.d = nn.Dropout(0.5)"),
        ("if p:", "    # rarely", "    pass"),
    ),
    "an-if-on-one-line": (("if p: self.d = nn.Dropout(0.5)", "self.n = 1"), ("self.n = 1",)),
    "an-if-with-more-in-it": (
        ("if p:", "    self.d = nn.Dropout(0.5)", "    self.n = 1"),
        ("if p:", "    self.n = 1"),
    ),
}


@pytest.mark.parametrize(("before", "after"), BLOCKS.values(), ids=BLOCKS)
def test_blocks(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    check_rewrite(
        ModuleToFunctional,
        layers(*before, forward="self.d(x)", head=NN),
        layers(*after, forward="F.dropout(x, 0.5, training=self.training)", head=NN + F),
    )


def test_two_rewrites_empty_one_block_together() -> None:
    before = layers(
        "if p:", "    self.d = nn.Dropout(0.5)", "    self.r = nn.ReLU()",
        forward="self.r(self.d(x))", head=NN,
    )  # fmt: skip
    after = layers(forward="F.relu(F.dropout(x, 0.5, training=self.training))", head=NN + F)
    check_rewrite(ModuleToFunctional, before, after)


def test_an_init_that_only_makes_the_layer_keeps_its_super_call() -> None:
    before = b"""import torch.nn as nn


class Net(nn.Module):
    def __init__(self): super().__init__(); self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(x)
"""
    after = b"""import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self): super().__init__()

    def forward(self, x):
        return F.relu(x)
"""
    check_rewrite(ModuleToFunctional, before, after)


def test_a_star_takes_only_what_all_lists() -> None:
    """`from net import *` takes no F from a file whose `__all__` leaves it out."""
    tail = '\n\n__all__ = ["Net"]\n'
    check(NN + F, NN, tail=tail, files={"use.py": "from net import *\n"})
