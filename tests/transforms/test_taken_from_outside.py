"""Other files that replace what torch gives, or take a class's methods for themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from marked_cases import NO_F, holds, net, stays
from test_seen_by import seen_by

from codemod.engine.planning import plan
from codemod.source.overlay import Overlay
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.inplace_off import InplaceOff
from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
RELU = "self.relu = nn.ReLU()"
CALL = "return self.relu(self.fc(x))"
FUNCTIONAL = "return F.relu(self.fc(x))"
HEAD = (
    "import types\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
    "from unittest.mock import patch\nfrom net import Net\n\n\n"
)
LONE = (
    HEAD + "class Lone(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.fc = nn.Linear(4, 4)\n        self.relu = torch.tanh\n\n"
)


def tool(*lines: str, head: str = HEAD) -> str:
    return f"{head}def tool(m, f):\n" + "".join(f"    {line}\n" for line in lines)


REPLACES = {
    "layer": tool("nn.ReLU = f"),
    "method-of-the-layer": tool("torch.nn.ReLU.forward = f"),
    "function": tool("F.relu = f"),
    "function-by-its-long-name": tool("torch.nn.functional.relu = f"),
    "function-of-torch": tool("torch.relu = f"),
    "by-name": tool('setattr(nn.functional, "relu", f)'),
    "function-by-another-name-of-its-home": tool("import torch.nn.functional as tf").replace(
        HEAD, f"import torch.nn.functional as tf\n{HEAD}"
    )
    + "    tf.relu = f\n",
    "method-by-the-file-of-the-layer": tool("torch.nn.modules.activation.ReLU.forward = f"),
    "call-of-every-module": tool("nn.Module.__call__ = f"),
    "call-of-every-module-by-name": tool('setattr(torch.nn.Module, "_call_impl", f)'),
    "method-by-name": tool('m.setattr(nn.ReLU, "forward", f)'),
    "by-its-whole-name": tool('m.setattr("torch.nn.functional.relu", f)'),
    "function-of-an-object": tool('with patch.object(F, "relu", f):', "    m(1)"),
    "one-name-after-the-other": tool('for one in ("gelu", "ReLU"):', "    setattr(nn, one, f)"),
    "what-the-file-has-by-the-name": "import net\n\n\ndef tool(f):\n    net.nn = f\n",
    "in-a-test-what-the-file-has-by-the-name": tool('with patch("net.nn", f):', "    m(1)"),
    "in-a-test": tool('with patch("torch.nn.functional.relu", f):', "    m(1)"),
}
REPLACES_ANOTHER = {
    "another-function": tool("F.gelu = f"),
    "compared": tool("return F.relu == f"),
    "other-method-of-every-module": tool("nn.Module.extra_repr = f"),
    "name-of-another-home": tool('m.setattr(torch.optim, "ReLU", f)'),
    "other-names-one-after-the-other": tool(
        'for one in ("gelu", "elu"):', "    setattr(F, one, f)", 'print("relu")'
    ),
    "what-another-file-has-by-the-name": tool("types.nn = f"),
    "what-an-object-has-by-the-name": tool("m.nn = f"),
    "own-name": tool("relu = F.relu", "return relu"),
}
BORROWS = {
    "method": LONE + "    forward = Net.forward\n",
    "method-run-on-it": LONE + "    def forward(self, x):\n        return Net.forward(self, x)\n",
    "bound-to-it": tool("m.forward = types.MethodType(Net.forward, m)"),
    "made-without-init": tool("m = Net.__new__(Net)", "nn.Module.__init__(m)"),
    "turned-into-it": tool("m.__class__ = Net"),
    "made-by-type": HEAD + "Lone = type('Lone', (Net,), {'__init__': nn.Module.__init__})\n",
    "replaced": HEAD + "Net.forward = lambda self, x: self.fc(self.relu(x))\n",
    "constructor-replaced": HEAD + "Net.__init__ = nn.Module.__init__\n",
}
INHERITS = {
    "subclass": HEAD + "class More(Net):\n    def forward(self, x):\n"
    "        return Net.forward(self, x)\n",
    "documentation": tool("print(Net.forward.__doc__)"),
    "another-class": tool("m.forward = f.Internet.forward"),
    "compared": tool("return m.__class__ == Net"),
}


@pytest.mark.parametrize("other", REPLACES.values(), ids=REPLACES)
def test_stays_where_torch_is_changed(other: str) -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! replaced"), head=NO_F)
    stays(ModuleToFunctional, refused, files={"other.py": other})


@pytest.mark.parametrize("line", ["F.relu = f", "nn.ReLU = f"])
def test_a_module_is_made_on_demand_where_torch_is_changed(line: str) -> None:
    head = "import torch.nn.functional as F" if line.startswith("F") else "pass"
    assert seen_by(net(FUNCTIONAL), f"{head}\n{line}")


@pytest.mark.parametrize("other", REPLACES_ANOTHER.values(), ids=REPLACES_ANOTHER)
def test_is_rewritten_where_something_else_is_changed(other: str) -> None:
    before = net(CALL, init=(FC, RELU), head=NO_F)
    holds(ModuleToFunctional, before, net(FUNCTIONAL), files={"other.py": other})


@pytest.mark.parametrize("other", BORROWS.values(), ids=BORROWS)
def test_stays_where_a_method_runs_on_another_object(other: str) -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! borrowed"), head=NO_F)
    stays(ModuleToFunctional, refused, files={"other.py": other})
    refused = net(f"{FUNCTIONAL}  #! borrowed", init=(FC,))
    stays(FunctionalToModule, refused, files={"other.py": other})


@pytest.mark.parametrize("other", INHERITS.values(), ids=INHERITS)
def test_is_rewritten_where_methods_stay_in_the_family(other: str) -> None:
    before = net(CALL, init=(FC, RELU), head=NO_F)
    holds(ModuleToFunctional, before, net(FUNCTIONAL), files={"other.py": other})


SETS_MODE = {
    "of-what-stands-below": "for m in model.children():\n        m.eval()",
    "of-all-but-a-kind": "for m in model.modules():\n        if not isinstance(m, nn.Linear):\n"
    "            m.train()",
    "of-leaves": "for m in model.modules():\n        if not list(m.children()):\n"
    "            m.train()",
}
SETS_MODE_OF_ALL = {
    "of-all": "for m in model.modules():\n        m.eval()",
    "of-a-kind": "for m in model.modules():\n        if isinstance(m, nn.BatchNorm2d):\n"
    "            m.eval()",
}
DROPOUT = "return F.dropout(self.fc(x), 0.1, self.training)"


@pytest.mark.parametrize("lines", SETS_MODE.values(), ids=SETS_MODE)
def test_dropout_stays_where_only_some_change_their_mode(lines: str) -> None:
    refused = net(f"{DROPOUT}  #! custom-train", init=(FC,))
    other = f"{HEAD}def freeze(model):\n    {lines}\n"
    stays(FunctionalToModule, refused, files={"other.py": other})


@pytest.mark.parametrize("lines", SETS_MODE_OF_ALL.values(), ids=SETS_MODE_OF_ALL)
def test_dropout_is_rewritten_where_all_do(lines: str) -> None:
    after = net("return self.dropout(self.fc(x))", init=(FC, "self.dropout = nn.Dropout(0.1)"))
    after = after.replace("import torch.nn.functional as F\n", "")
    other = f"{HEAD}def freeze(model):\n    {lines}\n"
    holds(FunctionalToModule, net(DROPOUT, init=(FC,)), after, files={"other.py": other})


@pytest.mark.parametrize("method", ["add_module", "register_module"])
def test_stays_where_a_subclass_puts_another_in_its_place(method: str) -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! named-in-string"), head=NO_F)
    more = "class More(Net):\n    def __init__(self):\n        super().__init__()\n"
    other = f'{HEAD}{more}        self.{method}("relu", nn.Tanh())\n'
    stays(ModuleToFunctional, refused, files={"other.py": other})


def test_a_subclass_gets_other_names_than_its_base() -> None:
    before = net(FUNCTIONAL, init=(FC,))
    after = net(CALL, init=(FC, RELU)).replace("import torch.nn.functional as F\n", "")
    more = (
        "import torch.nn.functional as F\nfrom net import Net\n\n\n"
        "class More(Net):\n    def forward(self, x):\n"
        "        return super().forward(F.relu(x, inplace=True))\n"
    )
    files = {"net.py": before.encode(), "other.py": more.encode()}
    planned = plan(
        Overlay(Path("/none"), files), sorted(files), frozenset(files), [FunctionalToModule()]
    )
    made = planned.compose([item.id for item in planned.plan.rewrites]).files
    assert made["net.py"].decode() == after
    (name,) = re.findall(r"self\.(relu\d*) = nn\.ReLU", made["other.py"].decode())
    assert name != "relu"


def test_the_flag_stays_where_a_base_runs_the_layer() -> None:
    base = net(CALL, init=(FC, RELU), head=NO_F)
    more = (
        "import torch.nn as nn\nfrom net import Net\n\n\n"
        "class More(Net):\n    def __init__(self):\n        super().__init__()\n"
        "        self.relu = nn.ReLU(inplace=True)  #! used-in-family\n"
    )
    stays(InplaceOff, more, path="more.py", files={"net.py": base})
