"""Refusals for calls that stand in no module class."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import cast

from codemod.editing.refused import Refused
from codemod.editing.transform import Transform
from codemod.results import Refusal
from codemod.semantics.layout import span
from codemod.semantics.module_class import SourceFile
from codemod.semantics.project import Base
from codemod.semantics.scopes import Scope
from codemod.semantics.syntax import FunctionNode, children, dotted_name


def outside_refusals(
    transform: Transform,
    file: SourceFile,
    modules: frozenset[str],
    wanted: Callable[[str], bool],
) -> Iterator[Refusal]:
    """A refusal for each call, outside the module classes, of a wanted function.

    The codes are outside-class; in a module class, outside of its methods, in-class-body; and in
    a class that another of its name replaces, defined-twice.
    """
    for call, name, owner in outside_calls(transform, file, modules):
        if wanted(name):
            yield refuse_outside(transform, file, call, owner, _refused(owner, modules))


def outside_calls(
    transform: Transform, file: SourceFile, modules: frozenset[str]
) -> Iterator[tuple[ast.Call, str, str]]:
    """Calls outside the module classes, near the transform's markers: the call, the qualified
    name of the function, and the function or class that the call stands in."""
    lines = {file.project.classes[file.path, name].line for name in modules}
    for call, scope, owner in _calls(file, _marked(file, transform), None, "", lines):
        name = file.resolver.qualified(call.func, scope)
        if name is not None:
            yield call, name, owner


def calls_named(
    transform: Transform, file: SourceFile, modules: frozenset[str], name: str
) -> Iterator[tuple[ast.Call, str]]:
    """Calls of `x.NAME(...)` outside the module classes where x is an object, not a class, a
    package or `super()`; with the function or class that the call stands in."""
    skipped = {file.project.classes[file.path, one].line for one in modules}
    for call, scope, owner in _calls(file, _marked(file, transform), None, "", skipped):
        if not isinstance(call.func, ast.Attribute) or call.func.attr != name:
            continue
        dotted = dotted_name(call.func.value)
        found = file.resolver.resolve(dotted, scope) if dotted is not None else Base()
        if found == Base() and dotted not in (None, "cls", "self"):
            yield call, owner


def refuse_outside(
    transform: Transform, file: SourceFile, node: ast.Call, owner: str, refused: Refused
) -> Refusal:
    """A refusal for a place outside the module classes."""
    position = file.source.position(span(file.source, node)[0])
    shown = owner.removesuffix(_IN_BODY)
    return transform.refusal(file.path, position.line, position.column, shown, refused)


def _refused(owner: str, modules: frozenset[str]) -> Refused:
    if owner.endswith(_IN_BODY):
        return Refused(
            "in-class-body", f"the call stands in no method of {owner[: -len(_IN_BODY)]}"
        )
    for name in modules:
        if owner.startswith(f"{name}."):
            return Refused("defined-twice", f"{name} is defined again further down")
    return Refused("outside-class", f"{owner or 'the file'} is no nn.Module class")


def _marked(file: SourceFile, transform: Transform) -> ast.Module:
    """The file's statements that the transform's markers are found in."""
    markers = transform.markers_in(file.project, file.path)
    if file.hides(markers):
        return file.tree
    marked = file.parts.with_match(markers)
    body = [item for item in marked if file.source.has(markers, item)]
    return ast.Module(body=body, type_ignores=[])


_IN_BODY = ".<class body>"
_BINDS = ast.Assign | ast.AnnAssign
_NAMED_KINDS = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef})


_Placed = tuple[ast.Call, Scope | None, str]


def _calls(
    file: SourceFile, node: ast.AST, scope: Scope | None, owner: str, modules: set[int]
) -> list[_Placed]:
    """Calls below `node` with the function or class around; `modules`: lines of module classes."""
    found: list[_Placed] = []
    _collect(file, node, scope, owner, modules, found)
    return found


def _collect(
    file: SourceFile,
    node: ast.AST,
    scope: Scope | None,
    owner: str,
    modules: set[int],
    found: list[_Placed],
) -> None:
    for child in children(node):
        kind = child.__class__
        if kind is ast.Call:
            found.append((cast(ast.Call, child), scope, owner))
        if kind not in _NAMED_KINDS:
            _collect(file, child, scope, owner, modules, found)
            continue
        name = getattr(child, "name", "<lambda>")
        name = f"{owner}.{name}" if owner else name
        if isinstance(child, FunctionNode | ast.Lambda):
            _collect(file, child, file.scope(child, scope), name, modules, found)
        elif isinstance(child, ast.ClassDef) and child.lineno in modules:
            lambdas = ast.Module(
                body=[item for item in child.body if isinstance(item, _BINDS)], type_ignores=[]
            )
            inside = _calls(file, lambdas, scope, name, modules)
            found += [(call, around, name + _IN_BODY) for call, around, _ in inside]
        else:
            _collect(file, child, scope, name, modules, found)
