"""Which other classes run a class."""

from __future__ import annotations

import pytest
from project_of import project_of

from codemod.semantics.relations import Relations

BLOCK = """
    from torch import nn

    class Block(nn.Module):
        pass
"""
HOLDER = """
    from torch import nn
    {}

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = {}(3)
"""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        pytest.param("from b.layers import Block", "Block", id="imported-from-another"),
        pytest.param("from .layers import Block", "Block", id="imported-from-its-own-package"),
        pytest.param("class Block(nn.Module): pass", "Block", id="its-own"),
    ],
)
def test_who_means_another_class_of_that_name_is_no_runner(line: str, name: str) -> None:
    project = project_of(
        {
            "a/layers.py": BLOCK,
            "b/layers.py": BLOCK,
            "b/net.py": HOLDER.format(line, name),
        }
    )
    assert Relations(project).runners(("a/layers.py", "Block")) == ()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        pytest.param("from a.layers import Block", "Block", id="imported"),
        pytest.param("from a import layers", "layers.Block", id="through-its-file"),
        pytest.param("from a.layers import *", "Block", id="star"),
    ],
)
def test_who_builds_a_class_runs_it(line: str, name: str) -> None:
    project = project_of({"a/layers.py": BLOCK, "net.py": HOLDER.format(line, name)})
    assert Relations(project).runners(("a/layers.py", "Block")) == (("net.py", "Net"),)
