"""Functions that are told which kind of layer to look for: `find(model, nn.ReLU)`.

Also those that go over kinds (`for kind in KINDS: isinstance(m, kind)`), and objects that are told
when they are made (`isinstance(m, self.kinds)`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import occurrences
from codemod.editing.strings_behind import given_in_class
from codemod.semantics.instances import Around
from codemod.semantics.project import Project
from codemod.semantics.syntax import (
    FunctionNode,
    defaults_of,
    dotted_name,
    last_name,
    parameters_of,
    walk,
)

# A class that is asked for by a name in small letters: `isinstance(m, kind)`, `type(m) is kind`.
_KIND = r"((?:self\.)?[a-z_]\w*)"
_COMPARED = rf"\s*(?:is not|is|==|!=|not in|in)\s+{_KIND}\b(?![.(])"
_ASKED = (  # each begins with a literal, which lets `re` skip to it
    re.compile(rf"isinstance\(\s*[\w.]+\s*,\s*(?:tuple\()?{_KIND}\)?\s*\)"),
    re.compile(rf"type\(\s*\w+\s*\){_COMPARED}"),
    re.compile(rf"\.__class__{_COMPARED}"),
)
_BUILTIN = frozenset(
    {"bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple", "type"}
)
_DEEPEST = 3  # functions that hand it on


@dataclass(frozen=True, slots=True)
class Asker:
    """A function that asks whether `subject` is of a kind which it is given as a parameter."""

    path: str
    function: str  # as it is called; "" where no call tells it
    parameter: str
    place: int | None  # among the arguments of a call; None for one that is given by name
    default: ast.expr | None
    subject: ast.expr
    around: Around


def askers_told(project: Project, names: frozenset[str]) -> Iterator[Asker]:
    """Those that are told one of these classes, in some call or by a default."""
    for asker in project.remembered("all-askers", "", partial(_all_askers, project)):
        if _is_told(project, asker, names, _DEEPEST):
            yield asker


def _all_askers(project: Project) -> Iterator[Asker]:
    return (one for path in project.files for one in _askers(project, path))


def _askers(project: Project, path: str) -> Iterator[Asker]:
    if not project.files[path].goes_over_modules:
        return
    text = project.text(path)
    offsets = [
        match.start()
        for pattern in _ASKED
        for match in pattern.finditer(text)
        if match.group(1) not in _BUILTIN
    ]
    for node, around in nodes_at(project, path, offsets):
        for subject, kind in _question(node):
            inner = (node, *around)
            if isinstance(kind, ast.Attribute):
                yield from _of_object(path, kind.attr, subject, inner)
            elif isinstance(kind, ast.Name):
                yield from _of_loop(path, kind.id, subject, inner)
                yield from _of_function(path, kind.id, subject, inner, inner)


def _question(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The object that is asked about, and the class that it is compared with."""
    if isinstance(node, ast.Call) and dotted_name(node.func) == "isinstance":
        if len(node.args) == 2:
            yield node.args[0], _within_tuple(node.args[1])
    elif isinstance(node, ast.Compare):
        left = node.left
        if isinstance(left, ast.Call) and dotted_name(left.func) == "type" and left.args:
            yield left.args[0], node.comparators[0]
        elif isinstance(left, ast.Attribute) and left.attr == "__class__":
            yield left.value, node.comparators[0]


def _within_tuple(node: ast.expr) -> ast.expr:
    """`kinds` of `tuple(kinds)`."""
    is_made = isinstance(node, ast.Call) and dotted_name(node.func) == "tuple" and node.args
    return node.args[0] if is_made else node  # type: ignore[attr-defined]


def _of_function(
    path: str, kind: str, subject: ast.expr, around: Around, place: Around
) -> Iterator[Asker]:
    """What the parameter of a function is asked, which the function around `place` has."""
    at = next((n for n, one in enumerate(place) if isinstance(one, FunctionNode)), None)
    function = place[at] if at is not None else None
    if not isinstance(function, FunctionNode) or at is None:
        return
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
    is_method = names[:1] in (["self"], ["cls"])
    if kind not in (one.arg for one in parameters_of(function)) or kind in names[:is_method]:
        return
    owner = next((one for one in place[at + 1 :] if isinstance(one, ast.ClassDef)), None)
    is_init = owner is not None and function.name == "__init__"
    called = owner.name if owner is not None and is_init else function.name
    index = names.index(kind) - is_method if kind in names else None
    default = defaults_of(function).get(kind)
    yield Asker(path, called, kind, index, default, subject, around)


def _of_loop(path: str, kind: str, subject: ast.expr, around: Around) -> Iterator[Asker]:
    """`for kind in KINDS`, `for kind, new in TABLE.items()`."""
    for scope in around:
        if isinstance(scope, FunctionNode):
            return
        loops = [scope] if isinstance(scope, ast.For) else getattr(scope, "generators", ())
        for loop in loops:
            if any(isinstance(one, ast.Name) and one.id == kind for one in walk(loop.target)):
                yield Asker(path, "", kind, None, loop.iter, subject, around)


def _of_object(path: str, kind: str, subject: ast.expr, around: Around) -> Iterator[Asker]:
    """`isinstance(m, self.kinds)`: what the class gives the attribute."""
    owner = next((one for one in around if isinstance(one, ast.ClassDef)), None)
    if owner is None:
        return
    for value, within in given_in_class(owner).get(kind, ()):
        yield Asker(path, "", kind, None, value, subject, around)
        place = (*within, owner)
        if isinstance(value, ast.Name) and within:
            yield from _of_function(path, value.id, subject, around, place)


def _is_told(project: Project, asker: Asker, names: frozenset[str], deepest: int) -> bool:
    default = asker.default
    if default is not None and _may_name(project, asker.path, default, asker.around, names, 0):
        return True
    if not asker.function:
        return False
    for path in dict.fromkeys((asker.path, *project.reach.importers(asker.path))):
        text = project.text(path)
        offsets = list(occurrences(text, f"{asker.function}("))
        for node, around in nodes_at(project, path, offsets, whole=True):
            if not isinstance(node, ast.Call) or last_name(node.func) != asker.function:
                continue
            given = _given(node, asker)
            if given is not None and _may_name(project, path, given, around, names, deepest):
                return True
    return False


def _given(call: ast.Call, asker: Asker) -> ast.expr | None:
    for item in call.keywords:
        if item.arg == asker.parameter:
            return item.value
    if asker.place is not None and asker.place < len(call.args):
        return call.args[asker.place]
    return None


def _may_name(
    project: Project,
    path: str,
    given: ast.expr,
    around: Around,
    names: frozenset[str],
    deepest: int,
) -> bool:
    """Whether an argument names one of the classes, or is a parameter or a variable that does."""
    if _names_one(given, names):
        return True
    function = next((one for one in around if isinstance(one, FunctionNode)), None)
    if not isinstance(given, ast.Name) or function is None:
        return False
    if any(
        _names_one(one.value, names)
        for one in walk(function)
        if isinstance(one, ast.Assign | ast.AnnAssign)
        and one.value is not None
        and any(isinstance(leaf, ast.Name) and leaf.id == given.id for leaf in _targets(one))
    ):
        return True
    return any(
        _is_told(project, handed, names, deepest - 1)
        for handed in _of_function(path, given.id, given, around, around)
        if deepest and function.name != "forward"
    )


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]


def _names_one(node: ast.expr, names: frozenset[str]) -> bool:
    return any(
        (isinstance(one, ast.Attribute) and one.attr in names)
        or (isinstance(one, ast.Name) and one.id in names)
        for one in walk(node)
    )
