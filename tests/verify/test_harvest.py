"""Recipes found in the project's own source."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import pytest

from codemod.results import Recipe
from codemod.verify.harvest import harvest

NET = """
import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self, width, depth=2):
        super().__init__()

    def forward(self, x):
        return x
"""


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def found(files: Mapping[str, str], path: str = "pkg/net.py", name: str = "Net") -> list[Recipe]:
    texts = {p: (lambda t=text: dedent(t).encode()) for p, text in files.items()}  # type: ignore[misc]
    return list(harvest(texts, [(path, name)], module_of).get((path, name), ()))


def in_net(addition: str) -> list[Recipe]:
    return found({"pkg/net.py": NET + dedent(addition)})


@pytest.mark.parametrize(
    "addition",
    [
        pytest.param("def make(width):\n    return Net(width)\n", id="factory-needs-arguments"),
        pytest.param("def make():\n    return Net\n", id="factory-returns-the-class"),
        pytest.param("class Sub(Net):\n    pass\nSub(3)\n", id="subclass-is-another-class"),
        pytest.param("Net(width)\n", id="argument-defined-nowhere"),
        pytest.param("class Other:\n    Net = 3\nOther.Net(3)\n", id="attribute-of-another"),
        pytest.param("print('Net(3)')\n", id="name-in-a-string"),
        pytest.param(
            """
            if __name__ == "__main__":
                import argparse
                parser = argparse.ArgumentParser()
                opt = parser.parse_args()
                net = Net(opt.width)
                net(torch.randn(1, 3))
            """,
            id="argparse",
        ),
        pytest.param(
            """
            def test(width):
                net = Net(width)
                net(torch.randn(1, 3))
            """,
            id="fixture-argument",
        ),
    ],
)
def test_no_recipe(addition: str) -> None:
    assert in_net(addition) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("from other.net import Net\nNet(3)\n", id="same-name-from-elsewhere"),
        pytest.param("class Net: pass\nNet(3)\n", id="same-name-defined-here"),
        pytest.param("def Net(x): pass\nNet(3)\n", id="function-of-that-name"),
        pytest.param("from pkg.net import Net\nNet(3\n", id="file-does-not-parse"),
    ],
)
def test_no_recipe_from_another_file(text: str) -> None:
    assert found({"pkg/net.py": NET, "pkg/use.py": text}) == []


def test_a_file_that_cannot_be_read_gives_nothing() -> None:
    def gone() -> bytes:
        raise FileNotFoundError

    assert harvest({"pkg/net.py": gone}, [("pkg/net.py", "Net")], module_of) == {}


def test_a_main_block_is_cut_down_to_what_the_call_needs() -> None:
    (recipe,) = in_net(
        """
        if __name__ == "__main__":
            device = torch.device("cuda")
            size = 8
            print("building")
            net = Net(width=size).to(device)
            net.load_state_dict(torch.load("weights.pth"))
            x = torch.randn(2, 3, size, size, device=device).cuda()
            y = net(x.to(device))
            print(y.shape)
        """
    )
    assert recipe.setup.splitlines() == ["size = 8", "x = torch.randn(2, 3, size, size)"]
    assert recipe.build == "Net(width=size)"
    assert recipe.inputs == "((x,), {})"
    assert (recipe.source, recipe.where) == ("harvested", "pkg/net.py:16")


def test_a_type_given_to_to_stays() -> None:
    (recipe,) = in_net("def demo():\n    return Net(3)(torch.ones(1).to(torch.float64))\n")
    assert recipe.inputs == "((torch.ones(1).to(torch.float64),), {})"


def test_keywords_of_the_call_are_kept() -> None:
    (recipe,) = in_net("def demo():\n    net = Net(3)\n    return net(x=torch.ones(1))\n")
    assert recipe.inputs == "((), {'x': torch.ones(1)})"


def test_a_test_in_another_file_brings_its_imports() -> None:
    (recipe,) = found(
        {
            "pkg/net.py": NET,
            "tests/test_net.py": """
                import torch as th
                from pkg import net

                WIDTH = 4

                class TestNet:
                    def test_shape(self):
                        model = net.Net(WIDTH)
                        assert model(th.zeros(1, WIDTH)).shape == (1, 4)
            """,
        }
    )
    assert set(recipe.setup.splitlines()) == {
        "import torch as th",
        "from pkg import net",
        "WIDTH = 4",
    }
    assert (recipe.build, recipe.inputs) == ("net.Net(WIDTH)", "((th.zeros(1, WIDTH),), {})")


def test_relative_imports_are_written_absolute() -> None:
    (recipe,) = found(
        {
            "pkg/net.py": NET,
            "pkg/demo.py": """
                from .net import Net
                from .sizes import WIDTH

                def demo():
                    return Net(WIDTH)
            """,
        }
    )
    assert set(recipe.setup.splitlines()) == {
        "from pkg.net import Net",
        "from pkg.sizes import WIDTH",
    }


@pytest.mark.parametrize(
    "use",
    [
        pytest.param("from pkg.net import Net\nm = [Net(64, depth=10)]\n", id="direct"),
        pytest.param("from pkg import Net\nm = [Net(64, depth=10)]\n", id="re-exported"),
        pytest.param("from pkg.net import Net as N\nm = [N(64, depth=10)]\n", id="renamed"),
        pytest.param("import pkg.net\nm = [pkg.net.Net(64, depth=10)]\n", id="dotted"),
        pytest.param("from pkg import net as n\nm = [n.Net(64, depth=10)]\n", id="module-renamed"),
        pytest.param("from pkg.net import *\nm = [Net(64, depth=10)]\n", id="star"),
    ],
)
def test_literal_calls_elsewhere(use: str) -> None:
    recipes = found({"pkg/net.py": NET, "use.py": use})
    assert "Net(64, depth=10)" in [recipe.build for recipe in recipes if not recipe.setup]


def test_factories_never_load_weights() -> None:
    (recipe,) = in_net(
        """
        def _net(width, pretrained, **kwargs):
            model = Net(width, **kwargs)
            if pretrained:
                model.load_state_dict(load_url("..."))
            return model

        def net18(pretrained=True, progress=True, **kwargs):
            return _net(18, pretrained, **kwargs)
        """
    )
    assert recipe.build == "net18(pretrained=False, progress=False)"
    assert recipe.inputs == ""


def test_doctests() -> None:
    (recipe,) = found(
        {
            "pkg/net.py": '''
                class Net:
                    """A net.

                    >>> net = Net(5)
                    >>> net(torch.ones(2, 5)).shape
                    torch.Size([2, 5])
                    """
            '''
        }
    )[:1]
    assert (recipe.build, recipe.inputs) == ("Net(5)", "((torch.ones(2, 5),), {})")


def test_the_telling_ones_come_first_and_doubles_go() -> None:
    recipes = found(
        {
            "pkg/net.py": NET
            + dedent(
                """
                def small():
                    return Net(1)

                if __name__ == "__main__":
                    Net(2)(torch.ones(2))
                """
            ),
            "a.py": "from pkg.net import Net\nm = [Net(3)]\nn = [Net(3)]\n",
        }
    )
    builds = [recipe.build for recipe in recipes]
    assert builds == ["Net(2)", "Net(1)", "Net(3)", "small()"]


def test_a_module_level_demo_does_not_define_the_class_again() -> None:
    recipes = in_net("x = torch.ones(2)\nnet = Net(3)\nnet(x)\n")
    assert recipes[0].setup == "x = torch.ones(2)"
    assert recipes[0].inputs == "((x,), {})"
