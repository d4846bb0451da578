"""A call in a loop as one module a round: `nn.ModuleList(nn.ReLU() for _ in self.layers)`."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass

from codemod.editing.reassignment import reaching_assignment
from codemod.editing.refused import Refused
from codemod.editing.stability import stable_attributes
from codemod.results import Edit, Requirement
from codemod.semantics.layout import call_layout, span
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.scopes import Comprehension
from codemod.semantics.syntax import FunctionNode, dotted_name, walk

_CONTAINERS = ("torch.nn.ModuleList", "torch.nn.Sequential")
_GROWS = r"(?:append|extend|insert|pop|add_module|register_module)\("
_LAST = 2**40  # behind all else that is inserted at an offset

_Loop = ast.For | ast.comprehension


@dataclass(frozen=True)
class Rounds:
    """The loop around a call: what it goes over, and how a round can find its own module.

    `over`: what `__init__` can go over in its place. `needs`: the attributes that this reads.
    `index`: the name that counts the rounds from 0; None where a name has to be added.
    """

    loop: _Loop
    over: str
    needs: frozenset[str]
    index: str | None


def rounds_of(call: Call) -> Rounds | None:
    """The loop that runs the call, if any. Raises Refused: loop-not-static."""
    loops = list(_loops_around(call))
    if not loops:
        return None
    if len(loops) > 1 or not isinstance(loops[0], _Loop):
        raise _unknown("the loop is no plain `for`, or stands in another one")
    if call.module.init is None or call.module.init.self_name != call.self_name:
        raise _unknown("there is no __init__ that could make as many modules")
    loop = loops[0]
    for name in ("zip", "range"):
        if call.scope.binds(name) or name in call.module.file.index.bindings:
            raise _unknown(f"{name} means something else here")
    return _rounds(call, loop)


def _unknown(why: str) -> Refused:
    return Refused("loop-not-static", why)


def _loops_around(call: Call) -> list[ast.AST]:
    """What may run the call more than once in one run of its method, nearest first."""
    found: list[ast.AST] = []
    inner: ast.AST = call.node
    functions: list[ast.AST] = []
    for node in call.ancestors:
        if _repeats(node, inner):
            found.append(node)
        elif isinstance(node, Comprehension) and inner is not node.generators[0]:
            found.append(node.generators[0] if len(node.generators) == 1 else node)
        elif isinstance(node, ast.comprehension) and inner is not node.iter:
            found.append(node)
        elif isinstance(node, FunctionNode | ast.Lambda) and node is not call.method.node:
            functions.append(node)
        inner = node
    return [*functions, *found] if found else []


def _repeats(node: ast.AST, inner: ast.AST) -> bool:
    """Whether a loop statement runs the part of it again and again."""
    if isinstance(node, ast.For | ast.AsyncFor):
        return inner in node.body
    return isinstance(node, ast.While) and inner not in node.orelse


def _rounds(call: Call, loop: _Loop) -> Rounds:
    iterable, target = loop.iter, loop.target
    name = dotted_name(iterable.func) if isinstance(iterable, ast.Call) else None
    if isinstance(iterable, ast.Call) and name == "enumerate" and _is_plain(iterable, 1):
        if isinstance(target, ast.Tuple) and len(target.elts) == 2:
            over, needs = _sized(call, iterable.args[0])
            return Rounds(loop, over, needs, _index(call, loop, target.elts[0]))
    elif isinstance(iterable, ast.Call) and name == "range" and _is_plain(iterable, 1):
        needs = _count(call, iterable.args[0])
        return Rounds(loop, call.module.text(iterable), needs, _index(call, loop, target))
    elif isinstance(iterable, ast.Call) and name == "zip" and not iterable.keywords:
        if isinstance(target, ast.Tuple) and len(target.elts) == len(iterable.args):
            over, needs = _first_sized(call, iterable.args)
            return Rounds(loop, over, needs, None)
    else:
        over, needs = _sized(call, iterable)
        if isinstance(target, ast.Name | ast.Tuple):
            return Rounds(loop, over, needs, None)
    raise _unknown("how often the loop runs cannot be seen in __init__")


def _is_plain(node: ast.Call, count: int) -> bool:
    starred = any(isinstance(item, ast.Starred) for item in node.args)
    return len(node.args) == count and not node.keywords and not starred


def _index(call: Call, loop: _Loop, target: ast.expr) -> str:
    """The name that counts the rounds. Raises Refused where the loop sets it again."""
    body = [node for item in loop.body for node in walk(item)] if isinstance(loop, ast.For) else []
    if not isinstance(target, ast.Name) or any(
        isinstance(node, ast.Name) and node.id == target.id and not isinstance(node.ctx, ast.Load)
        for node in body
    ):
        raise _unknown("the name that counts the rounds is set again")
    return target.id


def _first_sized(call: Call, values: Collection[ast.expr]) -> tuple[str, frozenset[str]]:
    for value in values:
        try:
            return _sized(call, value)
        except Refused:
            continue
    raise _unknown("nothing that the loop goes over is a list of layers made in __init__")


def _sized(call: Call, value: ast.expr) -> tuple[str, frozenset[str]]:
    """A list of layers that keeps its length, as source, and its attribute. Raises Refused."""
    inner = value
    if (
        isinstance(inner, ast.Call)
        and dotted_name(inner.func) == "reversed"
        and _is_plain(inner, 1)
    ):
        inner = inner.args[0]
    if isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Slice):
        bounds = (inner.slice.lower, inner.slice.upper, inner.slice.step)
        for bound in bounds:
            if bound is not None:
                _stable(call, bound)
        inner = inner.value
    if (
        isinstance(inner, ast.Attribute)
        and isinstance(inner.value, ast.Name)
        and inner.value.id == call.self_name
    ):
        _check_keeps_its_length(call.module, inner.attr)
        return call.module.text(value), frozenset({inner.attr})
    raise _unknown("how often the loop runs cannot be seen in __init__")


def _count(call: Call, value: ast.expr) -> frozenset[str]:
    if isinstance(value, ast.Call) and dotted_name(value.func) == "len" and _is_plain(value, 1):
        return _sized(call, value.args[0])[1]
    return _stable(call, value)


def _stable(call: Call, value: ast.expr) -> frozenset[str]:
    try:
        return stable_attributes(call.module, value, call.scope, call.self_name)
    except Refused as refused:
        raise _unknown(f"how often the loop runs: {refused.message}") from refused


def _check_keeps_its_length(module: ModuleClass, name: str) -> None:
    """Raises Refused unless `__init__` alone makes and fills the list of layers."""
    items = module.assignments.get(name, ())
    made = module.call_of(items[0].value) if len(items) == 1 else None
    if made is None or made.name not in _CONTAINERS or items[0].method is not module.init:
        raise _unknown(f"self.{name} is no list of layers made in __init__")
    for key in (*module.ancestors_in_project, *module.descendants_in_project):
        if name in module.project.classes[key].names:
            raise _unknown(f"{key[1]} uses self.{name} as well")
    for use in module.self_uses[name]:
        text = module.source.text[span(module.source, use.node)[1] :][:40]
        if use.method is not module.init and re.match(rf"\.{_GROWS}|\[[^\]]*\]\s*=(?!=)", text):
            raise _unknown(f"{use.method.name} changes self.{name}")
    place = reaching_assignment(module, name) or _grown_outside(module, name)
    if place is not None:
        raise _unknown(f"{place} may change how long .{name} is")


def _grown_outside(module: ModuleClass, name: str) -> str | None:
    """Where other code may add to the list of another object, or take from it."""
    project, key = module.project, ("grown", name)
    if key not in project.answers:
        pattern = re.compile(
            rf"(?<!self)\.{re.escape(name)}\.{_GROWS}|\bdel\s+[\w.]+\.{re.escape(name)}\["
        )
        project.answers[key] = next(
            (
                path
                for path in project.files_with_attribute(name)
                if pattern.search(project.text(path))
            ),
            None,
        )
    return project.answers[key]


def plural(name: str) -> str:
    """`relus`, `softmaxes`."""
    return f"{name}es" if name.endswith(("s", "x", "sh")) else f"{name}s"


def round_variable(call: Call, rounds: Rounds, name: str) -> str:
    """A fresh name for the module of one round: `relus2` gives `relu2`."""
    stem = re.sub(r"s(\d*)$", r"\1", name)
    used = {node.id for node in walk(call.method.node) if isinstance(node, ast.Name)}
    used |= {node.arg for node in walk(call.method.node) if isinstance(node, ast.arg)}
    while stem in used or call.scope.binds(stem) or stem in call.module.file.index.bindings:
        stem += "_"
    return stem


def header_edits(
    call: Call, rounds: Rounds, variable: str, attribute: str, order: int
) -> tuple[list[Edit], list[Requirement]]:
    """`for layer in self.layers` becomes `for layer, relu in zip(self.layers, self.relus)`."""
    source, path = call.module.source, call.module.path
    start, end = span(source, rounds.loop.target)
    first, last = span(source, rounds.loop.iter)
    iterable = rounds.loop.iter
    requirements: list[Requirement] = []

    def also(kind: str, offset: int, text: str, place: int) -> None:
        key = f"loop:{path}:{first}:{kind}"
        requirements.append(Requirement(key, Edit(path, offset, offset, text, place)))

    if isinstance(iterable, ast.Call) and dotted_name(iterable.func) == "zip":
        last = call_layout(source, iterable).arguments[-1].end
        end -= source.text[end - 1] == ")"
    else:
        if isinstance(rounds.loop.target, ast.Tuple) and source.text[start] != "(":
            also("open-target", start, "(", -1)
            also("close-target", end, ")", -1)
        also("zip", first, "zip(", -1)
        also("close", last, ")", _LAST)
    return [
        Edit(path, end, end, f", {variable}", order),
        Edit(path, last, last, f", {attribute}", order),
    ], requirements
