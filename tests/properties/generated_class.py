"""The text of one generated class, put together from fragments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[object]], object]
Choice = TypeVar("Choice")

STEP = "    "
_LEAD = re.compile(r"(?m)^(?: {4})+")

# How torch is imported, and what `F.relu` and `nn.ReLU` are called then.
IMPORTS = {
    "usual": ("import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n", "F", "nn"),
    "from-torch": ("import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n",
                   "F", "nn"),
    "other-alias": ("import torch\nimport torch.nn as nn\nimport torch.nn.functional as nnf\n",
                    "nnf", "nn"),
    "whole-names": ("import torch\n", "torch.nn.functional", "torch.nn"),
    "torch-alias": ("import torch as th\nimport torch\n", "th.nn.functional", "th.nn"),
    "through-nn": ("import torch\nfrom torch import nn\n", "nn.functional", "nn"),
    "file-level-alias": ("import torch\nimport torch.nn as nn\n\nF = nn.functional\n", "F", "nn"),
}  # fmt: skip


@dataclass
class GeneratedClass:
    """What the fragments of one class put where. `x` is a (2, 4, 6, 6) tensor throughout."""

    draw: Draw
    name: str
    imports: str = "usual"
    bases: str = ""
    before_super: list[str] = field(default_factory=list)
    init: list[str] = field(default_factory=list)
    init_end: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    use: list[str] = field(default_factory=list)  # statements of `observe(model, x, seen)`
    decorators: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    traps: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    super_call: str = "super().__init__()"
    inherits_forward: bool = False
    call_name: str = "forward"
    plain: bool = False  # black's format, no comments

    # -- choosing ------------------------------------------------------------------------------

    def pick(self, *options: Choice) -> Choice:
        return self.draw(st.sampled_from(options))  # type: ignore[return-value, arg-type]

    def fresh(self, *names: str) -> str:
        """A name of an attribute that is not taken; the first one most of all."""
        free = [name for name in names if name not in self.taken]
        name = self.pick(*free) if free else f"{names[0]}_{len(self.taken)}"
        self.taken.add(name)
        return name

    # -- text ----------------------------------------------------------------------------------

    def f(self, name: str) -> str:
        return f"{IMPORTS[self.imports][1]}.{name}"

    def nn(self, name: str) -> str:
        return f"{IMPORTS[self.imports][2]}.{name}"

    def call(self, function: str, *arguments: str) -> str:
        """A call, now and then oddly formatted."""
        style = "plain" if self.plain else self.pick(*["plain"] * 5, "spaced", "broken", "hugged")
        if style == "spaced":
            return f"{function}( {' ,'.join(arguments)} )"
        if style == "broken":
            return f"{function}(\n    " + ",\n    ".join(arguments) + ",\n)"
        if style == "hugged":
            return f"{function}({', '.join(arguments[:1])}" + "".join(
                f",\n    {item}" for item in arguments[1:]
            ) + ")"  # fmt: skip
        return f"{function}({', '.join(arguments)})"

    def layer(self) -> str:
        """A layer with parameters, made in `__init__`; its attribute."""
        name = self.fresh("conv1", "conv2", "fc", "proj", "bn")
        made = {
            "fc": "Linear(6, 6)",
            "proj": "Conv2d(4, 4, 1, bias=False)",
            "bn": "BatchNorm2d(4)",
        }.get(name, "Conv2d(4, 4, 3, padding=1)")
        self.init.append(f"self.{name} = {self.nn(made)}")
        return name

    def value(self) -> str:
        """An expression for a tensor of the shape of `x`."""
        if self.pick(True, True, False):
            return f"self.{self.layer()}(x)"
        return self.pick("x", "x * 2", "(x - 0.5)")

    def render(self) -> str:
        """The whole file."""
        parts = [IMPORTS[self.imports][0]]
        parts += [item + "\n" for item in self.above]
        parts.append("\n\n" + "\n".join([*self.decorators, f"class {self.name}({self.base}):\n"]))
        inner = [*self.body]
        if self.has_init:
            lines = [*self.before_super, self.super_call, *self.init, *self.init_end]
            inner.append(_def("__init__(self)", lines))
        if self.forward or not self.inherits_forward:
            inner.append(_def(f"{self.call_name}(self, x)", [*self.forward, "return x"]))
        inner += self.methods
        parts.append("\n".join(textwrap.indent(item.rstrip("\n") + "\n", STEP) for item in inner))
        parts += ["\n\n" + item.rstrip("\n") + "\n" for item in self.below]
        return "".join(parts)

    @property
    def base(self) -> str:
        return self.bases or self.nn("Module")

    @property
    def has_init(self) -> bool:
        return (
            bool(self.init or self.init_end or self.before_super)
            or self.super_call != "super().__init__()"
        )


def _def(head: str, lines: list[str]) -> str:
    return f"def {head}:\n" + textwrap.indent("\n".join(lines), STEP) + "\n"


def with_step(text: str, step: str) -> str:
    """Indented by `step`."""
    return _LEAD.sub(lambda match: step * (len(match.group()) // len(STEP)), text)


def commented(text: str, chosen: Iterator[bool]) -> str:
    """Comments behind and above lines, where they may stand."""
    lines: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if line.strip() and not continued(lines) and next(chosen, False):
            if number % 2:
                indent = line[: len(line) - len(line.lstrip())]
                lines.append(f"{indent}# above {number}")
            elif not continued([line]):
                line += f"  # behind {number}"
        lines.append(line)
    return "\n".join(lines)


def continued(lines: list[str]) -> bool:
    return bool(lines) and lines[-1].endswith("\\")
