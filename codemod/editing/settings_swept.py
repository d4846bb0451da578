"""Code that goes over the modules of a model and asks for a setting of a layer, or sets it.

`for m in model.modules(): if hasattr(m, "inplace")`, `m.inplace = False` for each of them,
`model.apply(f)` with such an `f`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from functools import partial

from codemod.catalogue import by_module
from codemod.editing.looked_at import DEEPEST, Looked, TypeSweep, swept
from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import occurrences, quoted
from codemod.semantics.instances import UNKNOWN, Around, binds
from codemod.semantics.observers import is_chosen
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import FunctionNode, dotted_name, parameters_of

# What stands before the name of a setting that is asked of a variable, and behind one that is set.
_ASKED = re.compile(
    r"(?:attr\(\s*\w+\s*,|(?:__dict__|vars\(\s*\w+\s*\))(?:\[|\.(?:get|pop|setdefault)\())\s*\Z"
)
_IS_IN = re.compile(r"\s*(?:not\s+)?in\s+(?:(?:vars|dir)\(|\w+\.__dict__)")
_IS_SET = re.compile(r"[ \t]*=(?!=)")
_WINDOW = 120
_PARAMETERS = frozenset({"weight", "pos_weight"})  # who asks for these looks for weights
_ASKS = frozenset({"hasattr", "getattr", "setattr"})


def settings_of(layer: str) -> list[str]:
    """The names of what a layer, `ReLU`, is made with."""
    pair = by_module(f"torch.nn.{layer}")
    names = [item.name for item in pair.constructor] if pair is not None else []
    return [name for name in names if name not in _PARAMETERS]


def setting_askers(project: Project, setting: str) -> Collection[str]:
    """The files that may ask for a setting of that name, or set it."""
    (found,) = project.remembered("setting-askers", setting, lambda: [_askers(project, setting)])
    return found


def _askers(project: Project, setting: str) -> Collection[str]:
    paths = [*project.files_with_string(setting)]
    if setting in project.assigned_outside:
        paths += [
            one
            for one in project.files_with_attribute(setting)
            if setting in project.files[one].outside_assigned
        ]
    return dict.fromkeys(paths)


def by_setting(project: Project, path: str, setting: str) -> tuple[TypeSweep, ...]:
    """The places of one file that do, found once."""
    find = partial(_find_by_setting, project, path, setting)
    return project.remembered(f"type-settings {setting}", path, find)


def _find_by_setting(project: Project, path: str, name: str) -> Iterator[TypeSweep]:
    text = project.text(path)
    offsets = [
        one
        for one in quoted(text, name)
        if _ASKED.search(text, max(0, one - _WINDOW), one)
        or _IS_IN.match(text, one + len(name) + 2)
    ]
    for one in occurrences(text, f".{name}"):
        if _IS_SET.match(text, one + 1 + len(name)) and not text.endswith("self", 0, one):
            offsets.append(one)
    for node, around in nodes_at(project, path, offsets):
        asked = _asked_about(node, around, name)
        if asked is not None:
            for looked in _looked_at(project, path, asked, (node, *around)):
                if looked.depth != "elements":
                    yield TypeSweep(Place(path, asked.lineno), looked)


def _asked_about(node: ast.AST, around: Around, name: str) -> ast.Name | None:
    """`x` of `hasattr(x, NAME)`, `NAME in x.__dict__` and the like, and of `x.NAME = ...`."""
    asked: ast.expr | None = None
    if isinstance(node, ast.Attribute):
        if node.attr == name and isinstance(node.ctx, ast.Store):
            asked = node.value
    elif isinstance(node, ast.Constant) and node.value == name:
        parent = around[0] if around else None
        if isinstance(parent, ast.Call) and node in parent.args:
            if node is not parent.args[0]:
                asked = parent.args[0] if dotted_name(parent.func) in _ASKS else None
            elif isinstance(parent.func, ast.Attribute):
                asked = _whose_attributes(parent.func.value)
        elif isinstance(parent, ast.Subscript) and parent.slice is node:
            asked = _whose_attributes(parent.value)
        elif isinstance(parent, ast.Compare) and parent.left is node:
            asked = _whose_attributes(parent.comparators[0])
    return asked if isinstance(asked, ast.Name) else None


def _whose_attributes(table: ast.expr) -> ast.expr | None:
    """`x` of `x.__dict__`, `vars(x)`, `dir(x)`."""
    if isinstance(table, ast.Attribute) and table.attr == "__dict__":
        return table.value
    is_call = isinstance(table, ast.Call) and dotted_name(table.func) in ("dir", "vars")
    return table.args[0] if is_call and table.args else None  # type: ignore[attr-defined]


def _looked_at(project: Project, path: str, asked: ast.Name, around: Around) -> Iterator[Looked]:
    """The modules that the object is one of, in turn."""
    if not project.values.of(path, asked, around) & UNKNOWN or _is_of_some(asked, around):
        return
    yield from swept(project, path, asked, around, DEEPEST)
    function = next((one for one in around if isinstance(one, FunctionNode | ast.Lambda)), None)
    if function is None or all(one.arg != asked.id for one in parameters_of(function)):
        return
    if _is_applied(project, path, function, around):
        yield Looked(UNKNOWN, "any")


def _is_of_some(asked: ast.Name, around: Around) -> bool:
    """Whether only modules of a kind, or of a name, come so far in the loop over all: those who
    look for a kind or a name are asked apart."""
    loops = (one for one in around if isinstance(one, ast.For) and binds(one.target, asked.id))
    loop = next(loops, None)
    return loop is not None and is_chosen(loop, asked)


def _is_applied(
    project: Project, path: str, function: FunctionNode | ast.Lambda, around: Around
) -> bool:
    """Whether a model's `apply` is given the function."""
    if isinstance(function, ast.Lambda):
        call = around[around.index(function) + 1]
        return (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "apply"
        )
    applied = re.compile(rf"\.apply\(\s*(?:\w+\.)*{re.escape(function.name)}\b")
    return any(
        applied.search(project.text(user)) for user in (path, *project.reach.importers(path))
    )
