"""Shapes of generated projects: who inherits from whom over which files, who defines `__call__`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from fragments import FRAGMENTS, act_layer
from generated_class import STEP, GeneratedClass

NET, USE = "gen_net.py", "gen_use.py"
HEADER = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


@dataclass(frozen=True)
class Model:
    """A model to be run: an expression in the names of one file."""

    module: str
    build: str


Shape = Callable[[GeneratedClass], tuple[dict[str, str], tuple[Model, ...]]]
SHAPES: dict[str, Shape] = {}


def shape(one: Shape) -> Shape:
    SHAPES[one.__name__.replace("_", "-")] = one
    return one


# How a base class in another file is imported: the files beside it, and the import.
HOMES = {
    "beside": ("gen_base.py", {}, "from gen_base import {0}"),
    "renamed": ("gen_base.py", {}, "from gen_base import {0} as {0}"),
    "as-a-module": ("gen_base.py", {}, "import gen_base\n{0} = gen_base.{0}"),
    "star": ("gen_base.py", {}, "from gen_base import *"),
    "package": (
        "gen_pkg/layers/base.py",
        {"gen_pkg/__init__.py": "", "gen_pkg/layers/__init__.py": ""},
        "from gen_pkg.layers.base import {0}",
    ),
    "re-exported": (
        "gen_pkg/base.py",
        {"gen_pkg/__init__.py": "from .base import {0}\n"},
        "from gen_pkg import {0}",
    ),
    "re-exported-star": (
        "gen_pkg/base.py",
        {"gen_pkg/__init__.py": "from .base import *\n"},
        "import gen_pkg\n{0} = gen_pkg.{0}",
    ),
    "namespace-package": ("gen_space/base.py", {}, "from gen_space.base import {0}"),
    "src-layout": (
        "src/gen_pkg/base.py",
        {"src/gen_pkg/__init__.py": ""},
        "from gen_pkg.base import {0}",
    ),
    "imported-in-a-try": (
        "gen_base.py",
        {},
        "try:\n    from gen_base import {0}\nexcept ImportError:\n    from .gen_base import {0}",
    ),
}


def module_of(path: str) -> str:
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".")


@shape
def plain(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    return {NET: c.render()}, (Model("gen_net", "Net()"),)


@shape
def base_in_another_file(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    """Net inherits from Base; both have sites, attributes and, maybe, the same names."""
    base = GeneratedClass(c.draw, "Base", c.pick("usual", "from-torch"))
    for name in (c.pick(*PLAIN), c.pick(*PLAIN)):
        FRAGMENTS[name](base)
    path, files, line = c.pick(*HOMES.values())
    c.bases = "Base"
    c.above.append(line.format("Base"))
    if base.taken and c.pick(True, False):
        c.forward.append(f"x = self.{c.pick(*sorted(base.taken))}(x)" if c.pick(True, False)
                         else "x = super().forward(x)")  # fmt: skip
    if c.pick(True, False):
        c.forward.append("x = super().forward(x)")
    made = {path: base.render(), NET: c.render()}
    made.update({name: text.format("Base") for name, text in files.items()})
    return made, (Model("gen_net", "Net()"), Model(module_of(path), "Base()"))


@shape
def child_in_another_file(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    lines = {
        "calls-up": "def forward(self, x):\n    return super().forward(x) * 2\n",
        "uses-attribute": "def forward(self, x):\n    return self.{0}(super().forward(x))\n",
        "replaces-attribute": "def __init__(self):\n    super().__init__()\n"
        "    self.{0} = nn.Tanh()\n",
        "takes-a-new-name": "def __init__(self):\n    super().__init__()\n"
        "    self.relu = self.gelu = self.dropout1 = 2.0\n",
        "class-attribute": "{0} = relu = None\n",
        "skips-init": "def __init__(self):\n    super(Net, self).__init__()\n{1}\n",
        "own-init-by-name": "def __init__(self):\n    nn.Module.__init__(self)\n{1}\n",
    }
    body = c.pick(*lines.values())
    attribute = c.pick(*sorted(c.taken)) if c.taken else "relu"
    copied = textwrap.indent("\n".join(c.init), STEP) or STEP + "pass"
    child = f"class Child(Net):\n{textwrap.indent(body.format(attribute, copied), STEP)}"
    for one in c.above:
        child = one + "\n" + child
    files = {NET: c.render(), "gen_child.py": f"{HEADER}from gen_net import Net\n\n\n{child}"}
    return files, (Model("gen_net", "Net()"), Model("gen_child", "Child()"))


@shape
def mixin_first(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    c.above.append(
        "\nclass Mixin:\n    def __init__(self, *args, **kwargs):\n"
        "        super().__init__(*args, **kwargs)\n        self.mixed = 1\n"
    )
    c.bases = f"Mixin, {c.nn('Module')}"
    return plain(c)


@shape
def class_in_a_function(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    text = c.render()
    head, mark, rest = text.partition("\n\nclass Net")
    body, after = rest, ""
    if c.below:
        body, after = rest.split("\n\n" + c.below[0].rstrip("\n"), 1)
        after = "\n\n" + c.below[0].rstrip("\n") + after
    inner = textwrap.indent(mark.strip("\n") + body, STEP)
    made = f"{head}\n\ndef make():\n{inner}\n    return Net\n{after}"
    return {NET: made}, (Model("gen_net", "make()()"),)


@shape
def nested_class(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    if c.below:
        return plain(c)
    head, mark, rest = c.render().partition("\n\nclass Net")
    made = f"{head}\n\nclass Outer:\n{textwrap.indent(mark.strip(chr(10)) + rest, STEP)}"
    return {NET: made}, (Model("gen_net", "Outer.Net()"),)


@shape
def held_by_another(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    holder = (
        f"{HEADER}from gen_net import Net\n\n\nclass Holder(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.net = Net()\n\n"
        "    def forward(self, x):\n        return F.relu(self.net(x))\n"
    )
    return {NET: c.render(), "gen_holder.py": holder}, (
        Model("gen_net", "Net()"),
        Model("gen_holder", "Holder()"),
    )


# ---- __call__


@shape
def call_override(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    c.call_name = "__call__"
    how = c.pick("model.__call__(x)", "type(model).__call__(model, x)", "model(x)")
    c.use.append(f"seen.append({how})")
    return plain(c)


@shape
def call_that_delegates(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    more = c.pick("return self.forward(x)", "return self.forward(x) * 2")
    c.methods.append(f"def __call__(self, x):\n    {more}\n")
    return plain(c)


@shape
def call_is_forward(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    if c.pick(True, False):
        c.methods.append("__call__ = forward\n")
    else:
        c.call_name = "__call__"
        c.methods.append("forward = __call__\n")
    return plain(c)


@shape
def call_in_a_family(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    c.call_name = "__call__"
    body = c.pick(
        "def __call__(self, x):\n    return super().__call__(x) * 2\n",
        "def __call__(self, x):\n    return Net.__call__(self, x) * 2\n",
        "def __call__(self, x):\n    return x * 2\n",
        "def forward(self, x):\n    return x * 3\n",
        "def other(self, x):\n    return self.__call__(x)\n",
        "def __call__(self, x, *more):\n    return super().__call__(x)\n",
    )
    child = f"{HEADER}from gen_net import Net\n\n\nclass Child(Net):\n{textwrap.indent(body, STEP)}"
    return {NET: c.render(), "gen_child.py": child}, (
        Model("gen_net", "Net()"),
        Model("gen_child", "Child()"),
    )


@shape
def hook_on_a_call(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    c.call_name = "__call__"
    c.use += ["model.register_forward_hook(lambda m, i, o: o * 2)", "seen.append(model(x))"]
    return plain(c)


@shape
def base_attribute_used_in_child(c: GeneratedClass) -> tuple[dict[str, str], tuple[Model, ...]]:
    """The parent's module is called in both files."""
    name = act_layer(c)
    c.forward.append(f"x = self.{name}(x)")
    child = (
        f"{HEADER}from gen_net import Net\n\n\nclass Child(Net):\n    def forward(self, x):\n"
        f"        return self.{name}(super().forward(x))\n"
    )
    return {NET: c.render(), "gen_child.py": child}, (
        Model("gen_net", "Net()"),
        Model("gen_child", "Child()"),
    )


PLAIN = (
    "plain-functional", "plain-module", "pooling", "dropout-module", "dropout-functional",
    "nested-calls", "helper-called-twice", "loop-over-layers", "name-is-a-float",
)  # fmt: skip
