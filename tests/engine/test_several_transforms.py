"""Built-in transforms that run together."""

from __future__ import annotations

import pytest
from toy_transforms import composed, planned

from codemod.engine.registry import choose
from codemod.errors import UsageError
from codemod.transforms.call_to_forward import CallToForward
from codemod.transforms.dropout_to_module import DropoutToModule
from codemod.transforms.functional_to_module import FunctionalToModule

HEAD = "import torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


def net(
    *forward: str, made: tuple[str, ...] = (), head: str = HEAD, method: str = "forward"
) -> str:
    lines = ["class Net(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += ["        self.fc = nn.Linear(4, 4)", *(f"        {line}" for line in made), ""]
    lines += [f"    def {method}(self, x):", *(f"        {line}" for line in forward), ""]
    return head + "\n".join(lines)


NO_F = "import torch.nn as nn\n\n\n"


def test_what_two_transforms_want_alike_is_one_rewrite() -> None:
    files = {"net.py": net("return F.dropout(self.fc(x), 0.5, self.training)")}
    result = planned(files, FunctionalToModule, DropoutToModule)
    assert len(result.plan.rewrites) == 1
    made = ("self.dropout = nn.Dropout(0.5)",)
    assert composed(result) == net("return self.dropout(self.fc(x))", made=made, head=NO_F)


def test_names_do_not_clash_and_imports_are_shared() -> None:
    files = {
        "net.py": net(
            "x = F.dropout(self.fc(x))", "return F.relu(F.dropout(x, 0.5, self.training))"
        )
    }
    result = planned(files, FunctionalToModule, DropoutToModule)
    made = (
        "self.dropout1 = nn.Dropout()",
        "self.dropout2 = nn.Dropout(0.5)",
        "self.relu = nn.ReLU()",
    )
    text = composed(result)
    for line in made:
        assert text.count(line) == 1, text
    assert "F." not in text
    ids = [item.id for item in result.plan.rewrites]
    for one in ids:
        alone = composed(result, [one])
        assert alone.count("nn.Dropout(") + alone.count("nn.ReLU(") == 1


def test_a_renamed_method_and_what_is_rewritten_in_it() -> None:
    files = {"net.py": net("return F.relu(self.fc(x))", method="__call__")}
    result = planned(files, CallToForward, FunctionalToModule)
    made = ("self.relu = nn.ReLU()",)
    assert composed(result) == net("return self.relu(self.fc(x))", made=made, head=NO_F)
    assert len(result.passes) == 1


@pytest.mark.parametrize("other", ["functional-to-module", "dropout-to-module"])
def test_what_undoes_each_other_does_not_run_together(other: str) -> None:
    with pytest.raises(UsageError, match="undo each other"):
        choose(["module-to-functional", other])
