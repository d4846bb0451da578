"""A later pass builds on what was kept of the earlier ones, and waits for what it must."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import torch
from toy_transforms import composed, finding, planned, renaming

from codemod import ModuleClass, Transform
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.hoist_inline_modules import HoistInlineModules
from codemod.transforms.inplace_off import InplaceOff
from codemod.transforms.unshare_modules import UnshareModules

HEAD = "import torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
BLOCK = """\
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.conv(self.relu(x)))
"""
SPLIT_BLOCK = """\
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.relu = nn.ReLU()
        self.relu2 = nn.ReLU()

    def forward(self, x):
        return self.relu2(self.conv(self.relu(x)))
"""
OTHER = """\


class Other(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return F.elu(nn.Dropout(0.5)(self.fc(x)))
"""


def by_transform(result: object) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for item in result.plan.rewrites:  # type: ignore[attr-defined]
        found.setdefault((item.transform, item.class_name), []).append(item.id)
    return found


def test_a_layer_is_shared_out_before_the_layers_are_changed_in_every_order() -> None:
    for transforms in itertools.permutations((UnshareModules, InplaceOff)):
        result = planned({"net.py": HEAD + BLOCK}, *transforms)
        text = composed(result)
        assert text.count("nn.ReLU()") == 2, text
        assert "inplace" not in text
        (split,) = by_transform(result)["unshare-modules", "Block"]
        alone = composed(result, [split])
        assert alone.count("nn.ReLU(inplace=True)") == 2, alone


def test_what_another_class_leaves_out_is_nothing_to_a_later_pass() -> None:
    files = {"net.py": HEAD + OTHER.lstrip("\n") + "\n\n" + BLOCK}
    result = planned(files, FunctionalToModule, HoistInlineModules, UnshareModules, InplaceOff)
    found = by_transform(result)
    of_block = [*found["unshare-modules", "Block"], *found["inplace-off", "Block"]]
    text = composed(result, of_block)
    assert text == HEAD + OTHER.lstrip("\n") + "\n\n" + SPLIT_BLOCK
    everything = composed(result)
    assert "self.dropout" in everything
    assert everything.endswith(text[text.index("class Block") :])


def test_what_its_own_class_leaves_out_takes_a_later_rewrite_along() -> None:
    result = planned({"net.py": HEAD + BLOCK}, UnshareModules, InplaceOff)
    found = by_transform(result)
    assert not result.compose(found["inplace-off", "Block"]).files


def test_every_choice_runs() -> None:
    head = "import torch\nfrom torch.nn import functional as F\n\n\n"
    block = BLOCK.replace("nn.", "torch.nn.")
    other = OTHER.lstrip("\n").replace("nn.", "torch.nn.")
    result = planned(
        {"net.py": head + other + "\n\n" + block},
        FunctionalToModule,
        HoistInlineModules,
        UnshareModules,
        InplaceOff,
    )
    ids = [item.id for item in result.plan.rewrites]
    texts = set()
    for size in range(1, len(ids) + 1):
        for chosen in itertools.combinations(ids, size):
            text = result.compose(chosen).files.get("net.py")
            if text is None:
                continue
            names: dict[str, object] = {}
            exec(compile(text, "net.py", "exec"), names)
            torch.manual_seed(0)
            names["Other"]()(torch.ones(1, 4))  # type: ignore[operator]
            names["Block"]()(torch.ones(1, 2, 3, 3))  # type: ignore[operator]
            texts.add(text)
    assert len(texts) > len(ids)


LONG_CALL = "a_function_with_a_name_that_is_quite_long"
MANY_LONG_LINES = """\
class Noisy(nn.Module):
    def forward(self, x):
{lines}
        return x


class Block(nn.Module):
    def forward(self, x):
        return a(x, "an argument of some length, and one more", "another that fills the line up")
"""


def test_lines_of_another_class_do_not_decide_where_lines_are_broken() -> None:
    """Left out, the long lines of the other class are no sign that the file has no limit."""
    lines = "\n".join([f"        x = noise(x)  # {'why ' * 15}"] * 4)
    result = planned(
        {"net.py": MANY_LONG_LINES.format(lines=lines)},
        renaming("noise", f"very_much_{LONG_CALL}"),
        renaming("a", "b"),
        renaming("b", f"b_{LONG_CALL}"),
        renaming(f"b_{LONG_CALL}", f"c_{LONG_CALL}"),
    )
    of_block = [item.id for item in result.plan.rewrites if item.class_name == "Block"]
    assert len(of_block) == 3
    alone = composed(result, of_block)
    assert "noise(x)" in alone
    everything = composed(result)
    assert alone[alone.index("class Block") :] == everything[everything.index("class Block") :]


def test_a_later_rewrite_alone_brings_nothing_of_an_earlier_pass() -> None:
    """Found only once the other class has changed, but it lies in a class of its own."""
    other = "class Other(nn.Module):\n    def forward(self, x):\n        return old(x)\n"
    block = "class Block(nn.Module):\n    def forward(self, x):\n        return a(x)\n"
    renamed = renaming("a", "b")

    def find(transform: Transform, module: ModuleClass) -> Iterable[object]:
        if "old(" not in module.source.text:
            yield from renamed.find(transform, module)  # type: ignore[arg-type]

    result = planned(
        {"net.py": HEAD + other + "\n\n" + block}, renaming("old", "new"), finding(find)
    )
    late = [item for item in result.plan.rewrites if item.class_name == "Block"]
    assert [item.requires for item in late] == [()]
    assert composed(result, [late[0].id]) == HEAD + other + "\n\n" + block.replace("a(", "b(")
