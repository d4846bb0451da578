"""Classes of layers that are looked up by a name: `getattr(nn, name)`, `locate("torch.nn.ReLU")`.

What is asked for them at once, or by way of the variable that keeps them, is asked for a layer.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemod.editing.looked_at import TypeSweep, sweeps_of, whose_type
from codemod.editing.object_uses import nodes_at
from codemod.editing.strings_behind import strings_behind
from codemod.semantics.instances import Around
from codemod.semantics.project import Project
from codemod.semantics.syntax import FunctionNode, dotted_name, last_name

# What looks a class up. Each begins with a literal, which lets `re` skip to it.
_LOOKS_UP = (
    re.compile(r"getattr\(\s*(?:\w+\.)*(?:nn|modules)\s*,"),
    re.compile(r"getattr\(\s*(?:\w+\.)*import_module\("),
    re.compile(r"import_module\([^()\n]*\)\.\w"),
    re.compile(r"locate\("),
    re.compile(r"nn\.__dict__\["),
)
_TORCH = re.compile(r"torch\.nn(?:\.modules)?(?:\.|$)")


@dataclass(frozen=True, slots=True)
class LookedUpTypes:
    """The names that a class may have, with the variable that keeps it and the places that ask."""

    names: frozenset[str]
    variable: str
    sweeps: tuple[TypeSweep, ...]


def types_looked_up(project: Project, path: str) -> tuple[LookedUpTypes, ...]:
    """Those of one file, found once."""
    return project.remembered("types-looked-up", path, partial(_find, project, path))


def all_types_looked_up(project: Project) -> tuple[tuple[str, LookedUpTypes], ...]:
    """Those of all files, with the file."""
    return project.remembered("all-types-looked-up", "", partial(_all, project))


def _all(project: Project) -> Iterator[tuple[str, LookedUpTypes]]:
    return ((path, one) for path in project.files for one in types_looked_up(project, path))


def _find(project: Project, path: str) -> Iterator[LookedUpTypes]:
    if not project.files[path].goes_over_modules:
        return
    text = project.text(path)
    offsets = [match.start() for pattern in _LOOKS_UP for match in pattern.finditer(text)]
    for node, around in nodes_at(project, path, offsets, whole=True):
        name = _name_of_class(project, path, node) if isinstance(node, ast.expr) else None
        if name is None:
            continue
        words = strings_behind(project, path, name, (node, *around))
        names = frozenset(word.rpartition(".")[2] for word in words)
        subject, inner = _asked_about(node, around)
        sweeps = sweeps_of(project, path, subject, inner[0], inner[1:]) if subject else ()
        if names:
            yield LookedUpTypes(names, _variable(around), tuple(sweeps))


def _name_of_class(project: Project, path: str, node: ast.expr) -> ast.expr | None:
    """What gives the name of the class of torch that an expression looks up."""
    if isinstance(node, ast.Call) and last_name(node.func) == "getattr" and len(node.args) > 1:
        home = node.args[0]
        is_home = last_name(home.func) == "import_module" if isinstance(home, ast.Call) else (
            _is_torch(project, path, home)
        )  # fmt: skip
        return node.args[1] if is_home else None
    if isinstance(node, ast.Call) and last_name(node.func) == "locate" and node.args:
        return node.args[0]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        is_home = node.value.attr == "__dict__" and _is_torch(project, path, node.value.value)
        return node.slice if is_home else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
        called = last_name(node.value.func) == "import_module"
        return ast.copy_location(ast.Constant(node.attr), node) if called else None
    return None


def _is_torch(project: Project, path: str, node: ast.expr) -> bool:
    dotted = dotted_name(node)
    named = project.resolve(path, dotted).name if dotted else None
    return named is not None and _TORCH.match(named) is not None


def _asked_about(node: ast.AST, around: Around) -> tuple[ast.expr | None, Around]:
    """The object of which it is asked whether it is of the class, and the question."""
    for index, parent in enumerate(around):
        inner = around[index:]
        if isinstance(parent, ast.Call) and dotted_name(parent.func) in (
            "isinstance",
            "issubclass",
        ):
            asked = parent.args[0]
            return (whose_type(asked, inner) or asked if asked is not node else None), inner
        if isinstance(parent, ast.Compare):
            sides = [parent.left, *parent.comparators]
            return next((one for side in sides if (one := whose_type(side, inner))), None), inner
        if isinstance(parent, ast.stmt):
            break
    return None, (node, *around)


def _variable(around: Around) -> str:
    """The variable that a class, or a list of such, is kept as."""
    for parent in around:
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            return parent.targets[0].id
        if isinstance(parent, ast.stmt | FunctionNode):
            break
    return ""
