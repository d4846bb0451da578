"""Recipes found in the project's own source."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent, indent

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
    sources = {path: text for path, text in texts.items() if path.endswith(".py")}
    prose = {path: text for path, text in texts.items() if path not in sources}
    return list(harvest(sources, [(path, name)], module_of, prose).get((path, name), ()))


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
                width = int(input("width?"))
                net = Net(width)
                net(torch.randn(1, 3))
            """,
            id="asks-a-person",
        ),
        pytest.param(
            """
            def test(width):
                net = Net(width)
                net(torch.randn(1, 3))
            """,
            id="fixture-argument",
        ),
        pytest.param("def make():\n    return requests.get(Net(width)).json()\n", id="network"),
        pytest.param(
            "def make(path):\n    width = int(open(path).read())\n    return Net(width)\n",
            id="file",
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


def test_two_packages_of_one_name_have_their_own_recipes() -> None:
    use = "from pkg.net import Net\nnet = Net({0})\nnet(torch.ones({0}))\n"
    files = {
        "a/pkg/net.py": NET,
        "a/use.py": use.format(1),
        "b/pkg/net.py": NET,
        "b/use.py": use.format(2),
    }
    texts = {path: text.encode() for path, text in files.items()}
    keys = [("a/pkg/net.py", "Net"), ("b/pkg/net.py", "Net")]
    got = harvest(
        {path: (lambda data=data: data) for path, data in texts.items()},  # type: ignore[misc]
        keys,
        lambda path: module_of(path).partition(".")[2],
    )
    assert [[recipe.build for recipe in got[key]] for key in keys] == [["Net(1)"], ["Net(2)"]]


# ---- how models are shown to be called


X = "torch.ones(2)"
SHOWN = {
    "called-input": ("input = torch.ones(2)\nnet = Net(3)\nnet(input)", "((input,), {})"),
    "forward": ("net = Net(3)\nnet.forward(torch.ones(2))", f"(({X},), {{}})"),
    "at-once": ("y = Net(3)(torch.ones(2))", f"(({X},), {{}})"),
    "wrapped": ("net = nn.DataParallel(Net(3))\nnet(torch.ones(2))", f"(({X},), {{}})"),
    "two-at-once": ("net, x = Net(3), torch.ones(2)\nnet(x)", "((x,), {})"),
    "torchsummary": ("net = Net(3)\nsummary(net, (3, 8, 8))", "((torch.randn(2, 3, 8, 8),), {})"),
    "torchsummary-two": (
        "net = Net(3)\nsummary(net, [(3, 8, 8), (5,)])",
        "((torch.randn(2, 3, 8, 8), torch.randn(2, 5)), {})",
    ),
    "torchinfo": (
        "net = Net(3)\nsummary(net, input_size=(1, 3, 8, 8))", "((torch.randn(1, 3, 8, 8),), {})"
    ),
    "ptflops": (
        "net = Net(3)\nget_model_complexity_info(net, (3, 8, 8), as_strings=True)",
        "((torch.randn(2, 3, 8, 8),), {})",
    ),
    "thop": ("net = Net(3)\nprofile(net, inputs=(torch.ones(2),))", f"(({X},), {{}})"),
    "traced": ("net = Net(3)\ntorch.jit.trace(net, torch.ones(2))", f"(({X},), {{}})"),
    "exported": ("net = Net(3)\ntorch.onnx.export(net, torch.ones(2), 'f')", f"(({X},), {{}})"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "inputs"), SHOWN.values(), ids=SHOWN.keys())
def test_forms_of_calls(code: str, inputs: str) -> None:
    (recipe,) = in_net("if __name__ == '__main__':\n" + indent(code, "    "))
    assert (recipe.build, recipe.inputs) == ("Net(3)", inputs)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("other(torch.ones(2))", id="another-model"),
        pytest.param("net(*batch)", id="starred"),
        pytest.param("summary(other, (3, 8, 8))", id="summary-of-another"),
        pytest.param("summary(net, size)", id="size-from-elsewhere"),
        pytest.param("for x in loader:\n    net(x)", id="from-a-loop"),
    ],
)
def test_what_shows_no_inputs(code: str) -> None:
    block = f"net = Net(3)\n{code}"
    (recipe,) = in_net("if __name__ == '__main__':\n" + indent(block, "    "))
    assert (recipe.build, recipe.inputs) == ("Net(3)", "")


def test_settings_that_are_changed_on_the_way_are_kept() -> None:
    (recipe,) = in_net(
        """
        class Config:
            pass

        if __name__ == "__main__":
            sizes = []
            sizes.append(3)
            config = Config()
            config.width = 4
            config.load("weights.bin")
            net = Net(config, sizes)
            net(torch.ones(2))
        """
    )
    assert recipe.setup.splitlines() == [
        "sizes = []",
        "sizes.append(3)",
        "config = Config()",
        "config.width = 4",
    ]


def test_a_command_line_gives_its_defaults() -> None:
    (recipe,) = in_net(
        """
        if __name__ == "__main__":
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--width", default=8)
            opt = parser.parse_args()
            net = Net(opt.width)
            net(torch.randn(1, 3))
        """
    )
    assert recipe.setup.splitlines()[-2:] == [
        "parser.add_argument('--width', default=8)",
        "opt = parser.parse_args([])",
    ]


def test_a_factory_that_is_called_builds_the_class() -> None:
    recipes = found(
        {
            "pkg/net.py": NET + "def small(width):\n    return Net(width)\n",
            "use.py": "from pkg.net import small\nnet = small(5)\nnet(torch.ones(2))\n",
        }
    )
    assert [(r.build, r.inputs) for r in recipes] == [("small(5)", "((torch.ones(2),), {})")]


# ---- tests


TESTS = {
    "fixture": (
        """
        @pytest.fixture
        def width():
            return 4

        @pytest.fixture()
        def net(width):
            made = Net(width)
            yield made

        def test_it(net):
            net(torch.ones(2))
        """,
        ["width = 4"],
    ),
    "parametrize": (
        """
        @pytest.mark.parametrize("width, depth", [(4, 1), (8, 2)])
        @pytest.mark.parametrize("size", [pytest.param(3, id="three"), 5])
        def test_it(width, depth, size):
            net = Net(width, depth)
            net(torch.ones(size))
        """,
        ["width = 4", "depth = 1", "size = 3"],
    ),
    "default": (
        "def test_it(width=4):\n    net = Net(width)\n    net(torch.ones(2))\n",
        ["width = 4"],
    ),
    "set-up": (
        """
        class NetTest(unittest.TestCase):
            width = 4

            def setUp(self):
                self.net = Net(self.width)

            def test_it(self):
                y = self.net(torch.ones(2))
        """,
        ["self_width = 4"],
    ),
}


@pytest.mark.parametrize(("code", "setup"), TESTS.values(), ids=TESTS.keys())
def test_tests_are_written_out(code: str, setup: list[str]) -> None:
    first = "import pytest, torch, unittest\nfrom pkg.net import Net\n"
    recipes = found({"pkg/net.py": NET, "tests/test_net.py": first + dedent(code)})
    (recipe,) = [one for one in recipes if one.inputs]
    lines = [line for line in recipe.setup.splitlines() if "import" not in line]
    assert sorted(lines) == sorted(setup)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("def test_it(net):\n    net(torch.ones(2))\n", id="fixture-from-elsewhere"),
        pytest.param(
            "@pytest.fixture\ndef net(net):\n    return Net(net)\n"
            "def test_it(net):\n    net(torch.ones(2))\n",
            id="fixture-of-itself",
        ),
        pytest.param(
            "@pytest.mark.parametrize('width', sizes())\n"
            "def test_it(width):\n    Net(width)(torch.ones(2))\n",
            id="computed-parameters",
        ),
    ],
)
def test_tests_that_show_nothing(code: str) -> None:
    first = "import pytest, torch\nfrom pkg.net import Net\n"
    assert found({"pkg/net.py": NET, "tests/test_net.py": first + code}) == []


# ---- prose


README = """
    # Net

    ```bash
    pip install net; Net(1)
    ```

    ```python
    import torch
    from pkg import Net
    ```

    Then call it:

    ```python
    net = Net(
        width=4
    )
    y = net(torch.ones(2, 4))
    ```

    ```python
    this is no Net(7) Python
    ```
"""


def test_code_of_a_document_goes_on_from_block_to_block() -> None:
    (recipe,) = found({"pkg/net.py": NET, "README.md": README})
    assert (recipe.build, recipe.inputs) == ("Net(width=4)", "((torch.ones(2, 4),), {})")
    assert recipe.where == "README.md:16"


def test_code_of_a_reStructuredText_document() -> None:
    text = "Net\n===\n\n.. code-block:: python\n\n   net = Net(3)\n   net(torch.ones(2))\n\nEnd.\n"
    (recipe,) = found({"pkg/net.py": NET, "docs/net.rst": text})
    assert (recipe.build, recipe.where) == ("Net(3)", "docs/net.rst:6")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Net(3)", id="no-code"),
        pytest.param("```python\nfrom other.net import Net\nnet = Net(3)\n```", id="of-another"),
    ],
)
def test_a_document_about_something_else(text: str) -> None:
    recipes = found({"pkg/net.py": NET, "other/net.py": "class Net: pass", "README.md": text})
    assert [one for one in recipes if "from other" not in one.setup] == []


def test_code_blocks_of_docstrings() -> None:
    (recipe,) = found(
        {
            "pkg/net.py": '''
                class Net:
                    """A net.

                    Example::

                        net = Net(5)
                        net(torch.ones(2, 5))
                    """
            '''
        }
    )
    assert (recipe.build, recipe.inputs) == ("Net(5)", "((torch.ones(2, 5),), {})")


# ---- files that say it themselves


def test_get_inputs_is_made_small_first() -> None:
    small, own = in_net(
        """
        batch_size = 2 ** 7
        width, depth = 3, 5
        N = 2048 * 2

        def get_inputs():
            return [torch.rand(batch_size, N, 100)]

        def get_init_inputs():
            return [N]
        """
    )
    assert (own.setup, own.build) == ("", "Net(*get_init_inputs())")
    assert own.inputs == small.inputs == "(tuple(get_inputs()), {})"
    assert "batch_size = 4" in small.setup
    assert "N = 64" in small.setup
    assert "torch.rand(batch_size, N, 64)" in small.setup


# ---- large images


@pytest.mark.parametrize(
    ("large", "small"),
    [
        pytest.param("randn(1, 3, 512, 512)", "randn(1, 3, 64, 64)", id="both-sides"),
        pytest.param("rand(16, 3, 224, 192)", "rand(4, 3, 112, 96)", id="half-and-batch"),
        pytest.param("rand((1, 3, 513, 513))", "rand((1, 3, 65, 65))", id="odd-stays-odd"),
        pytest.param("zeros(1, 3, 16, 256, 256)", "zeros(1, 3, 16, 64, 64)", id="video"),
        pytest.param("ones(n, 3, 128, 128)", "ones(n, 3, 64, 64)", id="batch-by-name"),
        pytest.param(
            "randint(0, 256, size=(2, 1, 256, 256))",
            "randint(0, 256, size=(2, 1, 64, 64))",
            id="bounds-are-no-pixels",
        ),
    ],
)
def test_a_large_image_is_made_small_first(large: str, small: str) -> None:
    recipes = in_net(f"""
        if __name__ == "__main__":
            n = 2
            net = Net(3)
            net(torch.{large})
        """)
    assert [recipe.inputs for recipe in recipes] == [
        f"((torch.{one},), {{}})" for one in (small, large)
    ]


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param("randn(1, 3, 64, 64)", id="small-already"),
        pytest.param("randn(1, 3, 512, 8)", id="one-side"),
        pytest.param("randn(32, 512, 1000)", id="sequence"),
        pytest.param("randn(1, 3, n, n)", id="sides-by-name"),
        pytest.param("randn(512, 512)", id="matrix"),
    ],
)
def test_what_is_no_large_image_stays(inputs: str) -> None:
    (recipe,) = in_net(f"""
        if __name__ == "__main__":
            n = 512
            net = Net(3)
            net(torch.{inputs})
        """)
    assert recipe.inputs == f"((torch.{inputs},), {{}})"


def test_two_images_of_one_call_keep_their_proportion() -> None:
    small, _own = in_net("""
        def demo():
            net = Net(3)
            low, high = torch.rand(1, 3, 128, 128), torch.rand(1, 3, 512, 512)
            return net(low, high)
        """)
    assert small.setup.splitlines() == [
        "low = torch.rand(1, 3, 64, 64)",
        "high = torch.rand(1, 3, 256, 256)",
    ]


# ---- settings


TAKES_SETTINGS = """
class Net:
    def __init__(self, configs):
        self.layer = Linear(configs.width, configs["depth"])
"""
SETTINGS = {
    "argparse": (
        "run.py",
        "p = argparse.ArgumentParser()\np.add_argument('-w', '--width', type=int, default=8)\n"
        "p.add_argument('--depth', type=int, required=True)\n"
        "p.add_argument('--fast', action='store_true')\n",
        "Net(configs=codemod_config(depth=4, width=8))",
    ),
    "dataclass": (
        "conf.py",
        "@dataclass\nclass NetConfig:\n    width: int = 8\n    depth: int = 2\n",
        "Net(configs=codemod_config(depth=2, width=8))",
    ),
    "set-in-init": (
        "conf.py",
        "class Config:\n    def __init__(self):\n        self.width = 8\n        self.depth = 2\n",
        "Net(configs=codemod_config(depth=2, width=8))",
    ),
    "dictionary": (
        "conf.py",
        "CONFIG = {'data': 'x', 'model': {'width': 8, 'depth': 2}}\n",
        "Net(configs=codemod_config(depth=2, width=8))",
    ),
    "yacs": (
        "conf.py",
        "_C = CN()\n_C.width = 8\n_C.depth = 2\n_C.more = CN()\n_C.more.x = f()\n",
        "Net(configs=codemod_config(depth=2, width=8))",
    ),
    "json": (
        "configs/a.json",
        '{"model": {"width": 8, "depth": 2}, "seed": 1}',
        "Net(configs=codemod_config(depth=2, width=8))",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "build"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_that_have_all_that_is_read(path: str, text: str, build: str) -> None:
    assert [one.build for one in found({"pkg/net.py": TAKES_SETTINGS, path: text})] == [build]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("conf.py", "CONFIG = {'width': 8, 'other': 2}\n", id="one-is-missing"),
        pytest.param("conf.py", "CONFIG = {'width': f(), **more}\n", id="no-literal"),
        pytest.param("a.json", '{"width": 8, "depth"', id="broken-json"),
        pytest.param("a.json", '["width", "depth"]', id="no-dictionary"),
    ],
)
def test_settings_that_do_not_fit(path: str, text: str) -> None:
    assert found({"pkg/net.py": TAKES_SETTINGS, path: text}) == []


NESTED = """
class Net:
    def __init__(self, config):
        part = config.model.net
        self.depth = part.depth
        self.sizes = config.model.sizes.copy()
        self.rest = build({})
"""


def test_defaults_are_overridden_by_a_file() -> None:
    (recipe,) = found(
        {
            "pkg/net.py": NESTED.format("config.seed"),
            "conf.py": "C = CN()\nC.model = CN()\nC.model.sizes = [1, 2]\nC.seed = 0\nC.x = 1\n",
            "conf/a.yaml": "model:\n  net:\n    depth: 7\nseed: 3\n",
        }
    )
    assert recipe.build == (
        "Net(config=codemod_config(model=codemod_config(net=codemod_config(depth=7), "
        "sizes=[1, 2]), seed=3))"
    )
    assert recipe.where == "conf/a.yaml:1"


def test_settings_that_are_handed_on_are_given_whole() -> None:
    text = "config = {'model': {'net': {'depth': 7}, 'sizes': []}, 'more': 'x', 'and': 1}\n"
    (recipe,) = found({"pkg/net.py": NESTED.format("config"), "conf.py": text})
    assert recipe.build == (
        "Net(config=codemod_config(**{'model': codemod_config(net=codemod_config(depth=7), "
        "sizes=[]), 'more': 'x', 'and': 1}))"
    )
