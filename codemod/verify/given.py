"""Recipes that the user gives: `[tool.codemod.recipes]` and a `codemod_recipes.py`.

    [tool.codemod.recipes]
    "pkg.net.Net" = { build = "Net(3)", inputs = "torch.randn(1, 3, 8, 8)" }

`args` (source of a tuple) and `kwargs` (source of a dictionary) may stand for `build`; `setup`
holds statements that run first. Without `inputs` they are searched for.

In a recipes file each function without parameters whose name is that of a class is its recipe
and returns `(args, kwargs, inputs)`. Where two classes have one name, put as much of the dotted
name before it as tells them apart, joined by underscores: `net_Net`, `pkg_net_Net`, `Outer_Inner`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codemod.errors import UsageError
from codemod.results import Recipe

_KEYS = frozenset({"build", "inputs", "setup", "args", "kwargs"})


@dataclass(frozen=True, slots=True)
class Given:
    """One given recipe before it is matched with a class.

    `name`: the name as written; `joint`: what joins its parts. The texts are as in `Recipe`.
    `folder`: it holds for classes below that folder, relative to the root, alone.
    """

    name: str
    joint: str
    where: str
    texts: Mapping[str, str]
    folder: str = ""

    def covers(self, path: str) -> bool:
        """Whether a file lies where the recipe holds."""
        return not self.folder or path.startswith(self.folder + "/")

    def matches(self, dotted: str, class_name: str) -> bool:
        """Whether the name is the dotted name of the class, or the end of it."""
        written = self.name.split(self.joint) if self.joint == "." else [self.name]
        parts = dotted.split(".")
        shortest = len(class_name.split("."))
        if self.joint == ".":
            return len(written) >= shortest and parts[-len(written) :] == written
        ends = (self.joint.join(parts[-n:]) for n in range(shortest, len(parts) + 1))
        return self.name in ends

    def recipe(self, path: str, class_name: str) -> Recipe:
        texts = self.texts
        build = texts.get("build", "")
        if "args" in texts or "kwargs" in texts:
            parts = [f"*{texts['args']}"] if "args" in texts else []
            parts += [f"**{texts['kwargs']}"] if "kwargs" in texts else []
            build = f"{class_name}({', '.join(parts)})"
        return Recipe(
            source="given",
            where=self.where,
            path=path,
            class_name=class_name,
            build=build,
            inputs=texts.get("inputs", ""),
            setup=texts.get("setup", ""),
            function=texts.get("function", ""),
        )


def from_table(table: Mapping[str, Any], where: str = "pyproject.toml") -> tuple[Given, ...]:
    """The recipes of `[tool.codemod.recipes]`. Raises UsageError for one that cannot be used."""
    return tuple(_from_entry(name, entry, where) for name, entry in table.items())


def _from_entry(name: str, entry: Any, where: str) -> Given:
    place = f"{where}: the recipe for {name}"
    if not isinstance(entry, Mapping):
        raise UsageError(f"{place} must be a table, such as {{ build = ..., inputs = ... }}")
    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise UsageError(f"{place} has no key {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}")
    for key, text in entry.items():
        if not isinstance(text, str):
            raise UsageError(f"{place}: {key} must be a string that holds Python source")
        _require_source(f"{place}: {key}", text, "exec" if key == "setup" else "eval")
    if "build" in entry and ("args" in entry or "kwargs" in entry):
        raise UsageError(f"{place} has both build and args or kwargs; give one of them")
    if not entry.keys() & {"build", "args", "kwargs"}:
        raise UsageError(f"{place} does not say how to build: give build, args or kwargs")
    return Given(name, ".", where, dict(entry))


def _require_source(what: str, text: str, mode: str) -> None:
    try:
        ast.parse(text.strip(), mode=mode)
    except (SyntaxError, ValueError) as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{what} is not valid Python: {said}") from None


def from_file(file: Path, shown: str = "") -> tuple[Given, ...]:
    """The recipes of a recipes file, which is read, not run. Raises UsageError."""
    name = shown or file.name
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except OSError as error:
        raise UsageError(f"cannot read the recipes in {name}: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"the recipes in {name} are not valid Python: {error}") from None
    return tuple(
        Given(
            node.name,
            "_",
            f"{name}:{node.lineno}",
            {"function": f"{file.resolve()}:{node.name}"},
        )
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not _has_parameters(node)
    )


def _has_parameters(node: ast.FunctionDef) -> bool:
    arguments = node.args
    return bool(arguments.posonlyargs or arguments.args or arguments.kwonlyargs)
