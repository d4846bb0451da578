"""What a piece of code looks at: where an object that is asked about may have been found."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from codemod.editing.object_uses import nodes_at
from codemod.semantics.instances import (
    UNKNOWN,
    Around,
    Instances,
    binds,
    is_container,
    last_assigned,
)
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import (
    FunctionNode,
    last_name,
    object_of_type,
    parameters_of,
    walk,
)

_ALL = frozenset({"modules", "named_modules"})
_OWN = frozenset({"children", "named_children", "_modules"})
_LOOPS = ast.For | ast.AsyncFor
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_RUN_BY_TORCH = frozenset({"__init__", "forward", "__call__"})
DEEPEST = 3  # calls of calls that are followed


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at: the modules within `of`, at any depth or (`own`) its direct children
    alone, or (`elements`) what a loop over it gives."""

    of: Instances
    depth: str  # "any", "own", "elements"


@dataclass(frozen=True, slots=True)
class TypeSweep:
    place: Place
    looked: Looked


def whose_type(node: ast.expr, around: Around) -> ast.expr | None:
    """`x` of `type(x)` and `x.__class__`, of `type(x).__mro__` and of a local that keeps it."""
    asked = object_of_type(node)
    if asked is not None:
        return asked
    if isinstance(node, ast.Attribute) and node.attr == "__mro__":
        return whose_type(node.value, (node, *around))
    if isinstance(node, ast.NamedExpr):
        return whose_type(node.value, (node, *around))
    kept = last_assigned(node, around) if isinstance(node, ast.Name) else None
    return None if kept is None or isinstance(kept[0], ast.Name) else whose_type(*kept)


def sweeps_of(
    project: Project, path: str, subject: ast.expr, node: ast.AST, around: Around
) -> Iterator[TypeSweep]:
    place = Place(path, subject.lineno)
    for looked in looked_at(project, path, subject, (node, *around), DEEPEST):
        yield TypeSweep(place, looked)


def looked_at(
    project: Project, path: str, subject: ast.expr, around: Around, deepest: int
) -> Iterator[Looked]:
    """Where an object that is asked about may have been found, unless it is one that is known.

    `x.NAME` is none: what uses the attribute itself is asked apart.
    """
    if isinstance(subject, ast.Attribute):
        return
    if isinstance(subject, ast.Subscript):
        if isinstance(subject.value, ast.Name):
            yield from _elements_of(project, path, subject.value, (subject, *around), deepest)
        elif isinstance(subject.value, ast.Attribute) and subject.value.attr == "_modules":
            inner = (subject.value, subject, *around)
            yield Looked(project.values.of(path, subject.value.value, inner), "own")
        return
    if not isinstance(subject, ast.Name):
        yield Looked(UNKNOWN, "any")
        return
    found = list(swept(project, path, subject, around, deepest))
    if found:
        yield from found
        return
    if not project.values.of(path, subject, around) & UNKNOWN:
        return
    yield from _given(project, path, subject, around, deepest)


def modules_gone_over(
    project: Project, path: str, iterated: ast.expr, around: Around
) -> Iterator[Looked]:
    """What a loop over an expression gives, where that is of modules: `model.modules()`."""
    iterated, around = _behind_local(iterated, around)
    for one in _of_iterated(project, path, iterated, around, DEEPEST):
        if one.depth != "elements":
            yield one


def _elements_of(
    project: Project, path: str, name: ast.Name, around: Around, deepest: int
) -> Iterator[Looked]:
    """What a container gives: a part of the model, where a sweep over it gave the container."""
    held = project.values.of(path, name, around)
    if not held & UNKNOWN and all(one.key is not None or is_container(one) for one in held):
        yield Looked(held, "elements")
        return
    whole = [one for one in swept(project, path, name, around, deepest) if one.depth != "elements"]
    if whole:
        yield from (Looked(one.of, "any") for one in whole)
        return
    iterated, inner = _behind_local(name, around)
    if isinstance(iterated, ast.Name):
        yield Looked(held, "elements")
    else:
        yield from _of_iterated(project, path, iterated, inner, deepest)


def swept(
    project: Project, path: str, subject: ast.Name, around: Around, deepest: int
) -> Iterator[Looked]:
    """What the innermost loop that gives the name its value goes over."""
    for index, scope in enumerate(around):
        rest = around[index + 1 :]
        if isinstance(scope, FunctionNode | ast.Lambda):
            return
        loops = [scope] if isinstance(scope, _LOOPS) else getattr(scope, "generators", ())
        for loop in loops if isinstance(scope, _LOOPS | _COMPREHENSIONS) else ():
            if not binds(loop.target, subject.id):
                continue
            iterated, inner = _behind_local(loop.iter, (scope, *rest))
            yield from _of_iterated(project, path, iterated, inner, deepest)
            return


def _behind_local(node: ast.expr, around: Around) -> tuple[ast.expr, Around]:
    """The value of a local name, if it has one alone: `layers = list(model.children())`."""
    nearest = last_assigned(node, around) if isinstance(node, ast.Name) else None
    return nearest if nearest is not None else (node, around)


def _of_iterated(
    project: Project, path: str, iterated: ast.expr, around: Around, deepest: int
) -> Iterator[Looked]:
    sweeps = [
        one for one in walk(iterated) if isinstance(one, ast.Attribute) and one.attr in _ALL | _OWN
    ]
    for one in sweeps:
        for root, is_given in _roots(project, path, one.value, (one, *around), deepest):
            yield Looked(root, "any" if is_given or one.attr in _ALL else "own")
    if sweeps:
        return
    if isinstance(iterated, ast.Name):
        yield from _elements_of(project, path, iterated, around, deepest)
    else:
        yield Looked(UNKNOWN, "elements")


def _roots(
    project: Project, path: str, node: ast.expr, around: Around, deepest: int
) -> Iterator[tuple[Instances, bool]]:
    """What the model that is gone through may be; whether it is one that a function was given,
    which may be a part of a part."""
    found = project.values.of(path, node, around)
    if not found & UNKNOWN or not isinstance(node, ast.Name):
        yield found, bool(found & UNKNOWN)
        return
    known = False
    for looked in _given(project, path, node, around, deepest):
        known = True
        yield looked.of, True
    if not known:
        yield found, True


def _given(
    project: Project, path: str, name: ast.Name, around: Around, deepest: int
) -> Iterator[Looked]:
    """What a parameter is given, where only the project's own code calls its function."""
    index = next((n for n, one in enumerate(around) if isinstance(one, FunctionNode)), None)
    function = around[index] if index is not None else None
    if not isinstance(function, FunctionNode) or index is None:
        yield Looked(UNKNOWN, "any")
        return
    parameters = [item.arg for item in parameters_of(function)]
    outside = around[index + 1 :]
    owner = next((one for one in outside if isinstance(one, ast.ClassDef)), None)
    if name.id not in parameters or deepest == 0:
        yield Looked(UNKNOWN, "any")
    elif owner is not None and function.name in _RUN_BY_TORCH:
        return  # it is given a module by an expression that names it
    elif owner is not None or not function.name.startswith("_"):
        applied = list(_applied_to(project, path, function.name))
        yield from applied or [Looked(UNKNOWN, "any")]
    else:
        place = parameters.index(name.id)
        yield from _from_callers(project, path, function, place, name.id, deepest)


def _applied_to(project: Project, path: str, function: str) -> Iterator[Looked]:
    """`self.apply(self.FUNCTION)`, where that is all that a file does with a function."""
    text = project.text(path)
    uses = [match.start() for match in re.finditer(rf"(?<!def )\b{re.escape(function)}\b", text)]
    given: list[Looked] = []
    for node, around in nodes_at(project, path, uses, whole=True):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        if last_name(node) != function:
            continue
        call = around[0] if around else None
        if not (
            isinstance(call, ast.Call)
            and node in call.args
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "apply"
        ):
            return
        root = project.values.of(path, call.func.value, (call.func, *around))
        given.append(Looked(root, "any"))
    if not function.startswith("_") and not _is_local(project, path, function):
        return
    yield from given


def _is_local(project: Project, path: str, function: str) -> bool:
    """Whether a function stands in another one, so that no other file can call it."""
    return re.search(rf"(?m)^def {re.escape(function)}\b", project.text(path)) is None


def _from_callers(
    project: Project, path: str, function: FunctionNode, place: int, name: str, deepest: int
) -> Iterator[Looked]:
    calls = 0
    for user in dict.fromkeys((path, *project.reach.importers(path))):
        text = project.text(user)
        uses = [match.start() for match in re.finditer(rf"\b{re.escape(function.name)}\b", text)]
        for node, around in nodes_at(project, user, uses, whole=True):
            if not isinstance(node, ast.Name) or node.id != function.name:
                continue
            call = around[0] if around else None
            given = _argument(call, place, name) if isinstance(call, ast.Call) else None
            if not isinstance(call, ast.Call) or call.func is not node or given is None:
                yield Looked(UNKNOWN, "any")
                return
            calls += 1
            if user == path and any(one.lineno == function.lineno for one in around
                                    if isinstance(one, FunctionNode)):  # fmt: skip
                continue  # itself, with a part of what it was given
            if isinstance(given, ast.Name):
                for root, _ in _roots(project, user, given, around, deepest - 1):
                    yield Looked(root, "any")
            else:
                yield Looked(project.values.of(user, given, around), "any")
    if not calls:
        yield Looked(UNKNOWN, "any")


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    named = [item.value for item in call.keywords if item.arg == name]
    if named:
        return named[0]
    if place < len(call.args) and not any(isinstance(one, ast.Starred) for one in call.args):
        return call.args[place]
    return None
