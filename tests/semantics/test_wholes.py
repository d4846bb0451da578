"""Which classes are models, and which only parts of others."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from project_of import project_of

from codemod.semantics.wholes import is_part

NN = "import torch.nn as nn\n"
BLOCK = f"{NN}class Block(nn.Module):\n    pass\n"
HOLDER = "class Net(nn.Module):\n    def __init__(self):\n        self.block = Block()\n"

WHOLES = {
    "named-nowhere": {"a.py": BLOCK},
    "made-by-a-function": {"a.py": BLOCK + "def block():\n    return Block()\n"},
    "made-by-a-script": {"a.py": BLOCK, "main.py": "from a import Block\nmodel = Block()\n"},
    "made-by-both": {"a.py": BLOCK + HOLDER + "model = Block()\n"},
    "a-subclass-is-made": {"a.py": f"{BLOCK}{HOLDER}class Big(Block):\n    pass\nmodel = Big()\n"},
    "only-imported": {"a.py": BLOCK, "b.py": "from a import Block\n"},
}
PARTS = {
    "made-by-a-module": {"a.py": BLOCK + HOLDER},
    "made-by-a-module-elsewhere": {"a.py": BLOCK, "b.py": f"{NN}from a import Block\n{HOLDER}"},
    "made-through-its-file": {
        "a.py": BLOCK,
        "b.py": f"{NN}import a\n{HOLDER.replace('Block', 'a.Block')}",
    },
    "made-over-lines": {
        "a.py": BLOCK + HOLDER.replace("Block()", "Block(\n            1\n        )")
    },
    "handed-on": {"a.py": BLOCK + "def net():\n    return Net(Block, [2, 2])\n"},
    "handed-on-by-name": {"a.py": BLOCK + "model = Net(block=Block)\n"},
    "tested-alone": {
        "a.py": BLOCK + HOLDER,
        "tests/test_a.py": "from a import Block\nmodel = Block()\n",
    },
}


@pytest.mark.parametrize("files", WHOLES.values(), ids=WHOLES)
def test_whole(files: Mapping[str, str]) -> None:
    assert not is_part(project_of(files), ("a.py", "Block"))


@pytest.mark.parametrize("files", PARTS.values(), ids=PARTS)
def test_part(files: Mapping[str, str]) -> None:
    assert is_part(project_of(files), ("a.py", "Block"))
