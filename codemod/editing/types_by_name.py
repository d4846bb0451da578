"""Code that asks for the name of a class: `"ReLU" in type(m).__name__`, or for its file's.

So does what puts the name of a function together: `getattr(self, f"visit_{type(m).__name__}")`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemod.catalogue import by_module
from codemod.editing.looked_at import DEEPEST, TypeSweep, sweeps_of, swept, whose_type
from codemod.editing.object_uses import nodes_at, nodes_below
from codemod.editing.quoted import occurrences
from codemod.editing.strings_behind import strings_behind
from codemod.semantics.instances import Around
from codemod.semantics.project import Project
from codemod.semantics.syntax import FunctionNode, dotted_name, walk

# What asks for the name of a class, or for a text that it stands in.
_TYPE_NAME = (".__name__", ".__qualname__", ".__module__", "._get_name()", ".original_name")
_NAMES = frozenset({"__name__", "__qualname__", "__module__"})
# `torch.nn.ReLU`, also as `str` shows the class.
_WHOLE_NAME = re.compile(r"(?:<class ')?[\w.]*\.(\w+)(?:'>)?\Z")
# The files of `torch.nn.modules` in which the layers of a group of the catalogue stand.
_FILES = {"softmax": "activation", "shape": "flatten"}
_SHOWN = tuple(  # each begins with a literal, which lets `re` skip to it
    re.compile(rf"{shows}\((?:type\()?\w+\)(?:\.__class__)?\)?(?=[ \t]*(?:\)|\.|:|in|==|!=))")
    for shows in ("str", "repr")
)


@dataclass(frozen=True, slots=True)
class NamedType:
    """A place that asks for the name of a class, and the words (in small letters) beside it."""

    words: frozenset[str]
    sweep: TypeSweep

    def is_about(self, layer: str) -> bool:
        """Whether one of the words is (in) the name of a layer, `ReLU`, or that of its file."""
        pair = by_module(f"torch.nn.{layer}")
        group = pair.group if pair is not None else ""
        file = f"nn.modules.{_FILES.get(group, group)}"
        return any(word in layer.lower() or file in word for word in self.words)


def types_by_name(project: Project, path: str) -> tuple[NamedType, ...]:
    return project.remembered("types-by-name", path, partial(_find_types_by_name, project, path))


def all_types_by_name(project: Project) -> tuple[NamedType, ...]:
    """Those of all files."""
    return project.remembered("all-types-by-name", "", partial(_all, project))


def _all(project: Project) -> Iterator[NamedType]:
    return (one for path in project.files for one in types_by_name(project, path))


def _find_types_by_name(project: Project, path: str) -> Iterator[NamedType]:
    """`"ReLU" in type(m).__name__`, also by way of a variable."""
    if not project.files[path].goes_over_modules:
        return
    text = project.text(path)
    offsets = [one for word in _TYPE_NAME for one in occurrences(text, word)]
    offsets += [match.start() for shown in _SHOWN for match in shown.finditer(text)]
    for node, around in nodes_at(project, path, offsets, whole=True):
        subject = _whose_type_name(node, around)
        if subject is None or not isinstance(node, ast.expr):
            continue
        if _is_shown_alone(project, path, node, subject, around):
            continue
        words = _words_beside(project, path, node, around)
        if words:
            for sweep in sweeps_of(project, path, subject, node, around):
                yield NamedType(words, sweep)


def _whose_type_name(node: ast.AST, around: Around) -> ast.expr | None:
    """`x` of `type(x).__name__`, `x.__module__`, `x._get_name()`, `str(type(x))`, `str(x)`."""
    if isinstance(node, ast.Attribute) and node.attr == "original_name":
        return node.value  # of what torch.jit made
    if isinstance(node, ast.Attribute) and node.attr in _NAMES:
        is_own = node.attr == "__module__" and isinstance(node.value, ast.Name)
        return node.value if is_own else whose_type(node.value, (node, *around))
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "_get_name":
        return node.func.value
    if dotted_name(node.func) in ("str", "repr") and len(node.args) == 1:
        return whose_type(node.args[0], (node, *around)) or node.args[0]
    return None


def _is_shown_alone(
    project: Project, path: str, node: ast.expr, subject: ast.expr, around: Around
) -> bool:
    """`str(x)` and `x.__module__` of what no loop over modules gives."""
    is_of_x = isinstance(node, ast.Attribute) and node.value is subject
    if not (isinstance(node, ast.Call) or is_of_x) or not isinstance(subject, ast.Name):
        return False
    return not any(swept(project, path, subject, (node, *around), DEEPEST))


def _words_beside(project: Project, path: str, node: ast.expr, around: Around) -> frozenset[str]:
    """The strings that a name of a class is compared with, in small letters, and what else the
    names of functions say that it is a part of."""
    asked: list[tuple[ast.AST, Around]] = [(node, around)]
    for parent in around:
        if isinstance(parent, ast.stmt):
            break
        asked.append((parent, around[len(asked) :]))
    words = set(_functions_meant(project, path, node, around))
    statement = next((one for one in around if isinstance(one, ast.stmt)), None)
    if isinstance(statement, ast.Assign):
        names = {one.id for one in statement.targets if isinstance(one, ast.Name)}
        at = next((n for n, one in enumerate(around) if isinstance(one, FunctionNode)), -1)
        for one, inner in nodes_below(around[at], around[at:][1:]):
            if isinstance(one, ast.Name) and one.id in names:
                words |= set(_functions_meant(project, path, one, inner))
            elif isinstance(one, ast.Compare | ast.Call | ast.Subscript) and any(
                isinstance(leaf, ast.Name) and leaf.id in names for leaf in walk(one)
            ):
                asked.append((one, inner))
    for one, inner in asked:
        for part in _compared_with(one):
            words |= strings_behind(project, path, part, (one, *inner))
    words |= {match.group(1) for word in words if (match := _WHOLE_NAME.match(word))}
    return frozenset(word.lower() for word in words if len(word) > 2)


def _functions_meant(project: Project, path: str, node: ast.expr, around: Around) -> Iterator[str]:
    """`ReLU` of a function `visit_ReLU`, where `"visit_" + NAME` is put together."""
    begin = _put_before(node, around)
    if not begin.isidentifier():
        return
    file = project.files[path]
    owner = next((one for one in around if isinstance(one, ast.ClassDef)), None)
    classes = list(file.classes)
    if owner is not None:
        own = [(path, item.qualname) for item in classes if item.line == owner.lineno]
        classes += [project.classes[key] for one in own for key in project.descendants(one)]
    for name in dict.fromkeys([*file.bindings, *(one for item in classes for one in item.methods)]):
        if name.startswith(begin):
            yield name[len(begin) :]


def _put_before(node: ast.expr, around: Around) -> str:
    """What a text begins with that an expression is put into."""
    below: ast.AST = node
    for parent in around:
        first: ast.expr | None = None
        if isinstance(parent, ast.JoinedStr):
            first = parent.values[0]
        elif isinstance(parent, ast.BinOp):
            first = parent.left
        elif isinstance(parent, ast.Call) and below in parent.args:
            first = parent.func.value if isinstance(parent.func, ast.Attribute) else None
        elif isinstance(parent, ast.FormattedValue | ast.Attribute | ast.Call):
            below = parent
            continue
        is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
        return re.split("[%{]", first.value)[0] if is_text else ""  # type: ignore[union-attr]
    return ""


def _compared_with(node: ast.AST) -> list[ast.expr]:
    """What stands beside a text: the sides of a comparison, arguments, the table it is a key of."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Call):
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return [*owner, *node.args]
    return [node.value] if isinstance(node, ast.Subscript) else []
