"""A project of 100 small classes, each with one functional call, and what it becomes.

Ten shapes of net by ten activations, a file for each shape. Every second file shows in a
`__main__` block how to build and call its classes; for the others the tool finds out itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Activation:
    """One functional call and its module."""

    title: str
    call: str
    attribute: str
    module: str


@dataclass(frozen=True)
class Shape:
    """One kind of net. `FEED` stands for the line of the new module, `{ACT(...)}` for the call."""

    title: str
    inputs: str
    body: str


ACTIVATIONS = (
    Activation("Relu", "F.relu({})", "relu", "nn.ReLU()"),
    Activation("Leaky", "F.leaky_relu({}, 0.1)", "leaky_relu", "nn.LeakyReLU(0.1)"),
    Activation("Gelu", "F.gelu({}, approximate='tanh')", "gelu", "nn.GELU(approximate='tanh')"),
    Activation("Softplus", "F.softplus({}, beta=2)", "softplus", "nn.Softplus(beta=2)"),
    Activation("Elu", "F.elu({}, alpha=0.5)", "elu", "nn.ELU(alpha=0.5)"),
    Activation("Silu", "F.silu({})", "silu", "nn.SiLU()"),
    Activation("Tanh", "torch.tanh({})", "tanh", "nn.Tanh()"),
    Activation("Softmax", "F.softmax({}, dim=1)", "softmax", "nn.Softmax(dim=1)"),
    Activation("Thinned", "F.dropout({}, 0.5, self.training)", "dropout", "nn.Dropout(0.5)"),
    Activation("Mish", "F.mish({})", "mish", "nn.Mish()"),
)

SHAPES = (
    Shape(
        "Perceptron",
        "torch.randn(4, 12)",
        """
    def __init__(self, hidden=16):
        super().__init__()
        self.fc1 = nn.Linear(12, hidden)
FEED
        self.fc2 = nn.Linear(hidden, 3)

    def forward(self, x):
        return self.fc2(ACT(self.fc1(x)))
""",
    ),
    Shape(
        "Convs",
        "torch.randn(2, 3, 10, 10)",
        """
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3)
FEED
        self.conv2 = nn.Conv2d(6, 4, 3)

    def forward(self, x):
        x = ACT(self.conv1(x))
        return self.conv2(x)
""",
    ),
    Shape(
        "Normed",
        "torch.randn(2, 3, 8, 8)",
        """
    def __init__(self, channels: int = 8):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)
FEED

    def forward(self, x):
        return ACT(self.bn(self.conv(x)))
""",
    ),
    Shape(
        "Residual",
        "torch.randn(2, 6, 8, 8)",
        """
    def __init__(self, width=6):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
FEED

    def forward(self, x):
        return x + ACT(self.conv(x))
""",
    ),
    Shape(
        "Bag",
        "torch.randint(0, 20, (3, 7))",
        """
    def __init__(self, num_embeddings=20, dim=8):
        super().__init__()
        self.embed = nn.Embedding(num_embeddings, dim)
        self.proj = nn.Linear(dim, dim)
FEED

    def forward(self, tokens):
        x = self.embed(tokens).mean(dim=1)
        return ACT(self.proj(x))
""",
    ),
    Shape(
        "Recurrent",
        "torch.randn(2, 5, 6)",
        """
    def __init__(self, input_size=6, hidden_size=8):
        super().__init__()
        self.gru = nn.GRU(input_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, 4)
FEED

    def forward(self, x):
        states, last = self.gru(x)
        return ACT(self.out(states)), last
""",
    ),
    Shape(
        "Branched",
        "torch.randn(2, 3, 8, 8)",
        """
    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(3, 4, 1)
FEED
        self.right = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        left = ACT(self.left(x))
        return torch.cat([left, self.right(x)], dim=1)
""",
    ),
    Shape(
        "Signal",
        "torch.randn(2, 2, 32)",
        """
    def __init__(self, in_channels=2, out_channels=6):
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, 5, stride=2)
FEED
        self.norm = nn.GroupNorm(2, out_channels)

    def forward(self, x):
        x = self.conv(x)
        x = ACT(x)
        return self.norm(x)
""",
    ),
    Shape(
        "FeedForward",
        "torch.randn(2, 4, 10)",
        """
    def __init__(self, dim=10, factor=2):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, dim * factor)
FEED
        self.down = nn.Linear(dim * factor, dim)

    def forward(self, x):
        return x + self.down(ACT(self.up(self.norm(x))))
""",
    ),
    Shape(
        "Deep",
        "torch.randn(4, 6)",
        """
    def __init__(self, depth=4, width=6):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = nn.Linear(width, width)
FEED

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return ACT(self.head(x))
""",
    ),
)

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def file_name(shape: Shape) -> str:
    return f"{shape.title.lower()}_nets.py"


def class_names(shape: Shape) -> list[str]:
    return [f"{activation.title}{shape.title}" for activation in ACTIVATIONS]


def text(shape: Shape, *, after: bool) -> str:
    parts = [HEAD]
    for activation in ACTIVATIONS:
        body = _converted(shape.body, activation) if after else _original(shape.body, activation)
        parts.append(f"\n\nclass {activation.title}{shape.title}(nn.Module):{body}")
    if SHAPES.index(shape) % 2 == 0:
        calls = "".join(f"    print({name}()({shape.inputs}))\n" for name in class_names(shape))
        parts.append(f'\n\nif __name__ == "__main__":\n{calls}')
    return "".join(parts)


def write_project(folder: Path, *, after: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for shape in SHAPES:
        (folder / file_name(shape)).write_text(text(shape, after=after), encoding="utf-8")


def _original(body: str, activation: Activation) -> str:
    return _with_call(body.replace("FEED\n", ""), activation.call)


def _converted(body: str, activation: Activation) -> str:
    line = f"        self.{activation.attribute} = {activation.module}\n"
    return _with_call(body.replace("FEED\n", line), f"self.{activation.attribute}({{}})")


def _with_call(body: str, template: str) -> str:
    """Replaces the one `ACT(x)` by the template around `x`."""
    start = body.index("ACT(")
    depth, end = 1, start + len("ACT(")
    while depth:
        depth += {"(": 1, ")": -1}.get(body[end], 0)
        end += 1
    inner = body[start + len("ACT(") : end - 1]
    return body[:start] + template.format(inner) + body[end:]
