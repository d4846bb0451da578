"""Writes what was found as functions of a `codemod_recipes.py`: to be kept, and corrected."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codemod.errors import UsageError
from codemod.results import Reason, Recipe
from codemod.verify.advice import call, inputs_of
from codemod.verify.given import Given
from codemod.verify.signatures import required

HEADER = '''"""How codemod builds and calls the classes of this project; see `codemod doctor`.

Each function without parameters is the recipe of the class that it is named after. It returns
`(model, inputs)`, or the constructor's `(args, kwargs, inputs)`.
"""

import torch
'''
_GIVEN_BY_THE_WORKER = frozenset(
    {
        *dir(builtins),
        "torch",
        "codemod_small",
        "codemod_after",
        "codemod_config",
        "codemod_entry",
        "codemod_module",
        "codemod_set",
    }
)
_WIDTH = 96


@dataclass(frozen=True)
class Finding:
    """A class, and the recipe that ran it alone, or why there is none.

    `module`: what its file is imported as. `source`: the text of the file.
    """

    module: str
    class_name: str
    source: str
    recipe: Recipe | None
    reason: Reason | None = None

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.class_name}"


def render(findings: Sequence[Finding], existing: str = "") -> str:
    """The text of the file: what it says already, then what it lacks.

    Classes whose recipe is given are left out. Raises UsageError for an existing file that
    does not parse.
    """
    taken = _defined(existing)
    pieces = []
    for finding in findings:
        if finding.recipe is None and finding.reason is None:
            continue  # it runs inside another model
        name = function_name(finding, findings)
        if name is None or name in taken or f"# def {name}()" in existing:
            continue
        if finding.recipe is not None and finding.recipe.source == "given":
            continue
        written = _function(name, finding) if finding.recipe else _stub(name, finding)
        if written:
            pieces.append(written)
    if not pieces:
        return existing
    start = existing.rstrip() or HEADER.rstrip()
    return "\n\n\n".join([start, *pieces]) + "\n"


def function_name(finding: Finding, among: Iterable[Finding]) -> str | None:
    """The longest end of the class's dotted name that names a function, and this class alone."""
    parts = finding.dotted.split(".")
    shortest = len(finding.class_name.split("."))
    for start in range(len(parts) - shortest + 1):
        name = "_".join(parts[start:])
        given = Given(name, "_", "", {})
        alone = not any(
            given.matches(other.dotted, other.class_name) for other in among if other != finding
        )
        if name.isidentifier() and alone:
            return name
    return None


def _defined(text: str) -> set[str]:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError) as error:
        raise UsageError(
            f"codemod_recipes.py is not valid Python, nothing added: {error}"
        ) from None
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def _function(name: str, finding: Finding) -> str | None:
    recipe = finding.recipe
    assert recipe is not None
    if not recipe.build or not recipe.inputs:
        return None
    source = "\n".join([recipe.setup, recipe.build, recipe.inputs])
    names = sorted(_free_names(ast.parse(source)) - _GIVEN_BY_THE_WORKER)
    lines = [f"# {recipe.source}" + (f" from {recipe.where}" if recipe.where else "")]
    lines += [f"from {finding.module} import {', '.join(names)}"] if names else []
    lines += recipe.setup.splitlines()
    lines += [*_returned(recipe)]
    return f"def {name}():\n" + "\n".join(f"    {line}".rstrip() for line in lines)


def _returned(recipe: Recipe) -> list[str]:
    whole = f"return {recipe.build}, {recipe.inputs}"
    if len(whole) <= _WIDTH and "\n" not in whole:
        return [whole]
    return [*f"model = {recipe.build}".splitlines(), f"return model, {recipe.inputs}"]


def _stub(name: str, finding: Finding) -> str:
    """A comment, so that the class is still searched for until somebody fills it in."""
    build = call(required(finding.source, finding.class_name, "__init__"))
    inputs = inputs_of(required(finding.source, finding.class_name, "forward"))
    outer = finding.class_name.partition(".")[0]
    said = f"{finding.dotted}: {finding.reason.message}" if finding.reason else finding.dotted
    lines = [
        " ".join(said.split()),
        f"def {name}():",
        f"    from {finding.module} import {outer}",
        f"    return {finding.class_name}({build}), {inputs}",
    ]
    return "\n".join(f"# {line}" for line in lines)


def _free_names(tree: ast.Module) -> set[str]:
    """Names that are read and nowhere bound."""
    read: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(one.asname or one.name).partition(".")[0] for one in node.names}
    return read - bound
