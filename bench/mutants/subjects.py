"""The classes that mutants are made of: fixtures, generated ones, and those of real packages."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import generate

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Subject:
    """A class in a text of its own, how to build and call it, and what a right rewrite is.

    `others`: further ways to build it, which the recipe does not show. `transform`: gives the
    right text; none: the text itself is the right one. `batch`, `size`: of the first input.
    """

    name: str
    text: str
    class_name: str
    build: str
    inputs: str
    batch: int
    size: int
    transform: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class InPackage:
    """A class of a package; `module`: where it is defined."""

    module: str
    class_name: str
    arguments: str
    inputs: str
    batch: int
    size: int
    transform: str


HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"

# What real classes seldom hold: functions whose arguments alone decide for some inputs.
_WRITTEN = {
    "Bounded": (
        "        return F.hardtanh(self.fc(x), -50.0, 50.0)\n",
        "        self.fc = nn.Linear(5, 5)\n",
    ),
    "Cleaned": (
        "        return torch.nan_to_num(x, nan=0.5) * self.scale\n",
        "        self.scale = nn.Parameter(torch.ones(5))\n",
    ),
    "Thresholded": (
        "        return F.threshold(x, -20.0, 5.0) + self.fc(x)\n",
        "        self.fc = nn.Linear(5, 5)\n",
    ),
    "Counting": (
        "        self.steps.add_(1)\n        return F.relu(self.norm(self.fc(x)))\n",
        "        self.fc = nn.Linear(5, 5)\n        self.norm = nn.BatchNorm1d(5)\n"
        "        self.register_buffer('steps', torch.zeros(1))\n",
    ),
    "Swept": (
        "        for child in self.children():\n            x = child(x)\n        return x\n",
        "        self.fc = nn.Linear(5, 5)\n        self.act = nn.Tanh()\n"
        "        self.fc2 = nn.Linear(5, 5)\n",
    ),
    "Placed": (
        "        x = self.fc(x.to(self.fc.weight.dtype))\n"
        "        return torch.tanh(x + torch.arange(5, device=x.device))\n",
        "        self.fc = nn.Linear(5, 5)\n",
    ),
    "Checked": (
        "        if x.shape[0] == 1:\n            raise ValueError('one example is too few')\n"
        "        return F.relu(self.drop(self.fc(x)))\n",
        "        self.width = 5\n        self.fc = nn.Linear(5, 5)\n"
        "        self.drop = nn.Dropout(0.4)\n\n"
        "    def features(self, x):\n        return self.fc(x)\n",
    ),
    "Rated": (
        "        x = F.leaky_relu(self.fc(x), self.slope)\n"
        "        return F.dropout(x * factor, self.rate, self.training)\n",
        "        self.rate, self.slope = rate, slope\n        self.fc = nn.Linear(5, 5)\n",
    ),
}


def written() -> list[Subject]:
    found = []
    for name, (forward, init) in _WRITTEN.items():
        rated = name == "Rated"
        text = (
            f"{HEAD}class {name}(nn.Module):\n"
            f"    def __init__(self{', rate=0.5, slope=0.1' if rated else ''}):\n"
            f"        super().__init__()\n{init}\n"
            f"    def forward(self, x{', factor=1.0' if rated else ''}):\n{forward}"
        )
        build = f"{name}(rate=0.4, slope=0.3)" if rated else f"{name}()"
        others = (f"{name}()", f"{name}(0.2, 0.6)") if rated else ()
        found.append(Subject(name, text, name, build, "torch.rand(3, 5)", 3, 5, "", others))
    return found


_SMALL = 16
_FIXTURES = {
    "two_conv/before/net.py": ("Net", "torch.randn(2, 1, 28, 28)", 2, 28, "functional-to-module"),
    "alexnet_functional/before/alexnet.py": (
        "AlexNet",
        "torch.randn(2, 3, 64, 64)",
        2,
        64,
        "functional-to-module",
    ),
    "dropout_eval/before/classifiers.py": (
        "Switched",
        "torch.randn(4, 12)",
        4,
        12,
        "functional-to-module",
    ),
    "containers/before/nets.py": ("Stacked", "torch.randn(3, 8)", 3, 8, ""),
}


def fixtures(*, small: bool = False) -> list[Subject]:
    """`small`: those alone that take little time."""
    found = []
    for path, (name, inputs, batch, size, transform) in _FIXTURES.items():
        if small and size > _SMALL:
            continue
        text = (REPOSITORY / "fixtures" / path).read_text(encoding="utf-8")
        title = f"fixtures/{path.split('/')[0]} {name}"
        found.append(Subject(title, text, name, f"{name}()", inputs, batch, size, transform))
    return found


# Other ways to build them that their inputs fit.
_OTHERS = {
    "Perceptron": ("{}(20)", "{}(3)"),
    "Normed": ("{}(4)", "{}(10)"),
    "Bag": ("{}(30)", "{}(20, 5)"),
    "Recurrent": ("{}(6, 5)", "{}(hidden_size=9)"),
    "Signal": ("{}(2, 4)", "{}(2, 8)"),
    "FeedForward": ("{}(10, 3)",),
    "Deep": ("{}(2)", "{}(5)"),
}
_SIZES = {"Bag": 7, "Perceptron": 12, "Recurrent": 6, "Signal": 32, "FeedForward": 10, "Deep": 6}


def generated(number: int) -> list[Subject]:
    """One class for each shape of `bench/generate.py`, each with another activation."""
    found = []
    for index, shape in enumerate(generate.SHAPES[:number]):
        activation = generate.ACTIVATIONS[index]
        name = activation.title + shape.title
        body = generate._original(shape.body, activation)
        text = f"{generate.HEAD}\n\nclass {name}(nn.Module):{body}"
        batch = int(
            shape.inputs.partition("(")[2]
            .split(",")[0 if "randn" in shape.inputs else 2]
            .strip("( ")
        )
        size = _SIZES.get(shape.title, int(shape.inputs.rstrip(")").split(",")[-1]))
        found.append(
            Subject(
                f"generated {name}",
                text,
                name,
                f"{name}()",
                shape.inputs,
                batch,
                size,
                "functional-to-module",
                tuple(other.format(name) for other in _OTHERS.get(shape.title, ())),
            )
        )
    return found


_PYTORCHCV = (
    InPackage(
        "pytorchcv.models.vgg",
        "VGGDense",
        "6, 5",
        "torch.randn(3, 6)",
        3,
        6,
        "module-to-functional",
    ),
    InPackage(
        "pytorchcv.models.densenet",
        "TransitionBlock",
        "4, 6",
        "torch.randn(2, 4, 8, 8)",
        2,
        8,
        "module-to-functional",
    ),
    InPackage(
        "pytorchcv.models.preresnet",
        "PreResActivation",
        "4",
        "torch.randn(2, 4, 6, 6)",
        2,
        6,
        "module-to-functional",
    ),
    InPackage(
        "pytorchcv.models.squeezenet",
        "FireConv",
        "3, 4, 3, 1",
        "torch.randn(2, 3, 6, 6)",
        2,
        6,
        "module-to-functional",
    ),
    InPackage(
        "pytorchcv.models.shufflenet",
        "ShuffleInitBlock",
        "3, 8",
        "torch.randn(2, 3, 16, 16)",
        2,
        16,
        "module-to-functional",
    ),
    InPackage(
        "pytorchcv.models.squeezenet",
        "SqueezeInitBlock",
        "3, 8, 3",
        "torch.randn(2, 3, 9, 9)",
        2,
        9,
        "module-to-functional",
    ),
)
_TIMM = (
    InPackage(
        "timm.models.inception_v3",
        "InceptionA",
        "4, 3",
        "torch.randn(2, 4, 8, 8)",
        2,
        8,
        "functional-to-module",
    ),
    InPackage(
        "timm.models.inception_v3",
        "InceptionC",
        "4, 3",
        "torch.randn(2, 4, 8, 8)",
        2,
        8,
        "functional-to-module",
    ),
    InPackage(
        "timm.layers.split_attn", "RadixSoftmax", "2, 2", "torch.randn(3, 8, 1, 1)", 3, 1, ""
    ),
)


def of_packages(corpora: Path) -> list[Subject]:
    chosen = [one for one in (*_PYTORCHCV, *_TIMM) if one.inputs]
    return [_taken_out(corpora, one) for one in chosen]


def _taken_out(corpora: Path, one: InPackage) -> Subject:
    """The class in a file of its own; what stands beside it is imported from the package."""
    package = one.module.split(".")[0]
    path = corpora / package / (one.module.replace(".", "/") + ".py")
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    cls = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == one.class_name)
    used = {node.id for node in ast.walk(cls) if isinstance(node, ast.Name)}
    lines = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            lines.append(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom):
            lines.append(ast.unparse(_absolute(node, one.module)))
    beside = [n.name for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))]
    wanted = sorted(used & set(beside) - {one.class_name})
    if wanted:
        lines.append(f"from {one.module} import {', '.join(wanted)}")
    body = ast.get_source_segment(text, cls)
    head = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
    return Subject(
        f"{package} {one.class_name}",
        head + "\n".join(lines) + f"\n\n\n{body}\n",
        one.class_name,
        f"{one.class_name}({one.arguments})",
        one.inputs,
        one.batch,
        one.size,
        one.transform,
    )


def _absolute(node: ast.ImportFrom, module: str) -> ast.ImportFrom:
    if not node.level:
        return node
    base = module.split(".")[: -node.level]
    return ast.ImportFrom(".".join([*base, *filter(None, [node.module])]), node.names, 0)
