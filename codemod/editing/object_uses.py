"""What code does with `x.NAME` where x is another object than `self`, and whose NAME that may be.

A use tells whom it is about by what the object may be an instance of, by what else is read of it
before, and by what is done with the attribute: a ReLU has no `.weight`, and takes one argument.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeGuard, TypeVar

from codemod.catalogue import Pair
from codemod.editing.quoted import occurrences, quoted
from codemod.editing.reassignment import SETTINGS_CLASS
from codemod.semantics.index import NO_MODULE
from codemod.semantics.instances import (
    UNKNOWN,
    Around,
    Instances,
    answers_for_others,
    binds,
    inherits_from_elsewhere,
    may_be,
    may_be_of_project,
)
from codemod.semantics.mentions import is_of_word
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.module_names import MODULE_NAMES
from codemod.semantics.partial_class import below
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import (
    FunctionNode,
    children,
    dotted_name,
    last_name,
    walk,
)

_Found = TypeVar("_Found")

# The questions by which a project remembers what is found, before the name.
_OF_LAYER, _USES, _LOOKUPS = "layer-uses ", "uses ", "lookups "

# Functions that take an object and the name of an attribute.
LOOKS_UP = frozenset(
    {"getattr", "setattr", "hasattr", "delattr", "get_attr", "rgetattr", "rsetattr", "rhasattr"}
)
# What layers gain when they are prepared for quantization, or compiled.
_ALWAYS_THERE = frozenset({"activation_post_process", "code", "graph", "original_name", "qconfig"})
_CONDITIONS = (ast.If, ast.IfExp, ast.BoolOp, ast.Try, ast.While, ast.For, ast.AsyncFor,
               ast.ExceptHandler, ast.Match, ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef,
               ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)  # fmt: skip
_LEAVES = ast.Return | ast.Raise | ast.Continue | ast.Break
_RECEIVER = re.compile(r"[A-Za-z_][\w.]*$")
# A call as `_fits` allows none of a layer, told by the text alone: without input, or with a number.
_NO_INPUT = re.compile(r"\(\s*(?:\)|[-+]?\d+\s*[,)])")
_OUTPUT = re.compile(r"(?:\w+_)?outputs?")
_IS_TORCH = re.compile(r"torch(?:\.|$)")
_NUMBER_NAMES = frozenset({"float", "int", "round", "abs"})


@dataclass(frozen=True, slots=True)
class ObjectUse:
    """One use.

    `read`: other attributes that the function reads of the object wherever it comes to this use.
    `then`: the attribute that is read of the attribute. `arguments`: how many a call gives it,
    `keywords` by which names. `called`: whether it is called, `with_number`: with a number first.
    `as_number`: whether it is computed with.
    """

    place: Place
    receiver: Instances
    read: frozenset[str] = frozenset()
    then: str | None = None
    called: bool = False
    arguments: int | None = None
    keywords: frozenset[str] = frozenset()
    with_number: bool = False
    as_number: bool = False


def attribute_uses(
    module: ModuleClass, name: str, *, of_layer: bool = False
) -> Iterator[ObjectUse]:
    """Every `x.NAME` that the class may meet, where x is not `self` and no settings.

    `of_layer`: without those that no layer of the catalogue can be used like: `x.flatten(1)`.
    """
    uses_in, question = (layer_uses_in, _OF_LAYER) if of_layer else (_attribute_uses_in, _USES)
    paths = module.project.files_with_attribute(name)
    return met_by(module, name, paths, uses_in, question)


def lookups(module: ModuleClass, name: str) -> Iterator[ObjectUse]:
    """Every `getattr(x, "NAME")` and the like that the class may meet."""
    paths = module.project.files_with_string(name)
    return met_by(module, name, paths, lookups_in, _LOOKUPS)


def met_by(
    module: ModuleClass,
    name: str,
    paths: Iterable[str],
    found_in: Callable[[Project, str, str], Iterable[_Found]],
    question: str,
) -> Iterator[_Found]:
    """What is found in those files that may be given an instance of the class.

    `question`: that by which the project remembers what `found_in` finds for a name. Where it has
    found nothing before, most often, it is not asked for each class again.
    """
    project = module.project
    asked = f"{question}{name}"
    left = project.remembered(
        f"not empty: {asked}",
        "",
        lambda: [path for path in paths if project.answered.get((asked, path)) != ()],
    )
    for path in left:
        if project.reach.may_meet(path, module.key):
            yield from found_in(project, path, name)


def layer_uses_in(project: Project, path: str, name: str) -> tuple[ObjectUse, ...]:
    """The uses of one file, as `attribute_uses` gives them for a layer; found once."""
    answer = partial(_layer_uses, project, path, name)
    return project.remembered(f"{_OF_LAYER}{name}", path, answer)


def _attribute_uses_in(project: Project, path: str, name: str) -> tuple[ObjectUse, ...]:
    answer = partial(_attribute_uses, project, path, name)
    return project.remembered(f"{_USES}{name}", path, answer)


def lookups_in(project: Project, path: str, name: str) -> tuple[ObjectUse, ...]:
    """Those of one file, found once."""
    return project.remembered(f"{_LOOKUPS}{name}", path, partial(_lookups, project, path, name))


def reaches(module: ModuleClass, use: ObjectUse, pair: Pair | None = None) -> bool:
    """Whether a use that the class may meet may be one of its attribute, which holds a module of
    `pair`."""
    return (
        may_be(module.project, module.key, use.receiver)
        and _has_all(module, use.read)
        and (pair is None or _fits(use, pair))
    )


def _has_all(module: ModuleClass, names: frozenset[str]) -> bool:
    """Whether the class may have all of these attributes."""
    project = module.project
    family = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    if any(
        answers_for_others(project, key) or inherits_from_elsewhere(project, key) for key in family
    ):
        return True
    telling = names - MODULE_NAMES - module.family_names - project.assigned_outside
    texts = [project.class_text(key) for key in family]
    return all(
        any(f'"{name}"' in text or f"'{name}'" in text for text in texts)
        for name in telling
        if not name.startswith("__")
    )


def _fits(use: ObjectUse, pair: Pair) -> bool:
    """Whether a module of the pair can be used like that."""
    if use.as_number:
        return False
    if use.then is not None:
        return suits(use.then, pair)
    if use.called:
        inputs = {item.name for item in pair.forward}
        too_many = use.arguments is not None and use.arguments > len(pair.forward)
        fits = not too_many and use.keywords <= inputs and use.arguments != 0
        return fits and not use.with_number
    return True


def suits(attribute: str, pair: Pair) -> bool:
    """Whether a module of the pair has an attribute."""
    known = {item.name for item in pair.constructor} | MODULE_NAMES | _ALWAYS_THERE
    return attribute in known or attribute.startswith("_")


# ---- finding them


def _layer_uses(project: Project, path: str, name: str) -> Iterator[ObjectUse]:
    text, width = project.text(path), len(name)
    found = (one for one in _occurrences(text, name) if not _NO_INPUT.match(text, one + width))
    return _uses_at(project, path, name, found)


def _attribute_uses(project: Project, path: str, name: str) -> Iterator[ObjectUse]:
    return _uses_at(project, path, name, _occurrences(project.text(path), name))


def _uses_at(project: Project, path: str, name: str, places: Iterable[int]) -> Iterator[ObjectUse]:
    offsets = [one for one in places if _may_be_object(project, path, one - 1)]
    for node, around in nodes_at(project, path, offsets):
        if isinstance(node, ast.Attribute) and node.attr == name:
            use = _use_of(project, path, node, node, node.value, around)
            if use is not None:
                yield use


def _may_be_object(project: Project, path: str, dot: int) -> bool:
    """Whether what stands before a dot may be another object than those that `_use_of` leaves out,
    by the text alone: most are `self`, and their classes need not be parsed for that."""
    text = project.text(path)
    line = text[text.rfind("\n", 0, dot) + 1 : dot]
    found = _RECEIVER.search(line)
    if found is None or line[: found.start()].endswith("."):
        return True
    head = found.group().partition(".")[0]
    if found.group() == "self":
        at = project.line_at(path, dot)
        return not any(item.line <= at <= item.end_line for item in project.files[path].classes)
    bindings = project.files[path].bindings.get(head, ())
    if bindings and all(one.kind == "import" and _IS_TORCH.match(one.target) for one in bindings):
        return False
    return NO_MODULE.search(found.group()) is None


def _lookups(project: Project, path: str, name: str) -> Iterator[ObjectUse]:
    text = project.text(path)
    if not any(f"{function}(" in text for function in LOOKS_UP):
        return
    for node, around in nodes_at(project, path, quoted(text, name)):
        if not isinstance(node, ast.Constant) or node.value != name or not around:
            continue
        call = around[0]
        if (
            isinstance(call, ast.Call)
            and last_name(call.func) in LOOKS_UP
            and len(call.args) > 1
            and call.args[1] is node
        ):
            use = _use_of(project, path, call, node, call.args[0], around[1:])
            if use is not None:
                yield use


def _use_of(
    project: Project,
    path: str,
    node: ast.expr,
    named: ast.expr,
    receiver: ast.expr,
    around: Around,
) -> ObjectUse | None:
    """The use that an expression is, or None for one of what can be no module of the project."""
    if is_settings(receiver) or _is_super(receiver) or _is_own(receiver, around):
        return None
    if _is_held_by_settings(receiver, around):
        return None
    held = project.values.of(path, receiver, (node, *around))
    if not may_be_of_project(held) or (held <= UNKNOWN and _is_output(receiver)):
        return None
    parent = around[0] if around else None
    called = isinstance(parent, ast.Call) and parent.func is node
    arguments: int | None = None
    keywords: frozenset[str] = frozenset()
    if isinstance(parent, ast.Call) and called:
        given = [*parent.args, *(item.value for item in parent.keywords)]
        starred = any(isinstance(one, ast.Starred) for one in given) or any(
            item.arg is None for item in parent.keywords
        )
        arguments = None if starred else len(given)
        keywords = frozenset(item.arg for item in parent.keywords if item.arg is not None)
    then = parent.attr if isinstance(parent, ast.Attribute) and parent.value is node else None
    return ObjectUse(
        place=Place(path, named.end_lineno or named.lineno),
        receiver=held,
        read=_read_before(receiver, node, around),
        then=then,
        called=called,
        arguments=arguments,
        keywords=keywords,
        with_number=isinstance(parent, ast.Call) and called and _begins_with_number(parent),
        as_number=not isinstance(getattr(node, "ctx", None), ast.Store)
        and _is_number(project, path, node, parent),
    )


def _begins_with_number(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    number = first.operand if isinstance(first, ast.UnaryOp) else first
    return isinstance(number, ast.Constant)


def _is_number(project: Project, path: str, node: ast.expr, parent: ast.AST | None) -> bool:
    """Whether the value is computed with, as no module can be."""
    if isinstance(parent, ast.BinOp | ast.UnaryOp):
        return not (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not))
    if isinstance(parent, ast.Compare):
        ordered = ast.Lt | ast.LtE | ast.Gt | ast.GtE
        return all(isinstance(one, ordered) for one in parent.ops)
    if isinstance(parent, ast.Call) and parent.func is not node:
        dotted = dotted_name(parent.func) or ""
        if dotted in _NUMBER_NAMES:
            return True
        found = project.resolve(path, dotted).name or ""
        return found.startswith("torch.nn.functional.")
    return False


def is_settings(receiver: ast.expr) -> bool:
    """Whether an object is one of settings, by its name."""
    return NO_MODULE.search(dotted_name(receiver) or "") is not None


def _is_output(receiver: ast.expr) -> bool:
    """Whether a variable is what a model gave, by its name."""
    return isinstance(receiver, ast.Name) and _OUTPUT.fullmatch(receiver.id) is not None


def _is_held_by_settings(receiver: ast.expr, around: Around) -> bool:
    """`self.encoder` in a class of settings: what it holds are settings too."""
    shown = dotted_name(receiver) or ""
    return shown.startswith("self.") and is_in_settings(around)


def is_in_settings(around: Around) -> bool:
    """Whether the code is that of a class of settings."""
    owner = next((one for one in around if isinstance(one, ast.ClassDef)), None)
    return owner is not None and SETTINGS_CLASS.search(owner.name) is not None


def _is_own(receiver: ast.expr, around: Around) -> bool:
    """Whether an object is the `self` of a class, whose family is asked apart."""
    is_self = isinstance(receiver, ast.Name) and receiver.id == "self"
    return is_self and any(isinstance(one, ast.ClassDef) for one in around)


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and dotted_name(node.func) == "super"


def _occurrences(text: str, name: str) -> Iterator[int]:
    """Offsets of `.NAME` as a whole name."""
    for offset in occurrences(text, "." + name):
        after = text[offset + len(name) + 1 : offset + len(name) + 2]
        if not is_of_word(after):
            yield offset + 1


def nodes_at(
    project: Project, path: str, offsets: Iterable[int], *, whole: bool = False
) -> list[tuple[ast.AST, Around]]:
    """The nodes that end on the lines of these offsets, with the nodes around, nearest first.

    `whole`: those too that only reach over such a line.
    """
    wanted = list(offsets)
    if not wanted:
        return []
    parts = project.parts(path)
    lines = {parts.source.position(offset).line for offset in wanted}
    return [
        (node, around)
        for one in parts.over(lines)
        for node, around in _nodes_over(one, (), lines)
        if whole or getattr(node, "end_lineno", None) in lines
    ]


def nodes_below(node: ast.AST, around: Around) -> Iterator[tuple[ast.AST, Around]]:
    """The node and all below, each with the nodes around, nearest first."""
    yield node, around
    for child in children(node):
        yield from nodes_below(child, (node, *around))


def _nodes_over(node: ast.AST, around: Around, lines: set[int]) -> Iterator[tuple[ast.AST, Around]]:
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    if first is not None and last is not None:
        first = min([first, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        if not any(first <= line <= last for line in lines):
            return
        yield node, around
    for child in below(node, lines):
        yield from _nodes_over(child, (node, *around), lines)


# ---- what else is read of the object


def _read_before(receiver: ast.expr, node: ast.expr, around: Around) -> frozenset[str]:
    """Attributes that are read of the same object whenever the code comes to `node`."""
    shown = dotted_name(receiver)
    scope = next((one for one in around if isinstance(one, FunctionNode)), None)
    binder = _binder(scope, shown.partition(".")[0]) if shown is not None and scope else None
    if shown is None or scope is None or binder is None:
        return frozenset()
    if any(_is_stored(one, shown) for one in walk(scope)):
        return frozenset()
    if binder is not scope and not any(one is binder for one in around):
        return frozenset()  # what a loop left behind
    conditions = _conditions(node, around)
    lines = _lines_of_body(binder)
    found: set[str] = set()
    for other, its_around in _attributes_of(binder, shown, ()):
        if other is node or other.lineno not in lines:
            continue
        if not _conditions(other, (*its_around, *_outside(binder, around))) <= conditions:
            continue
        if other.lineno <= node.lineno or not _may_leave(scope, node.lineno, other.lineno):
            found.add(other.attr)
    return frozenset(found)


def _lines_of_body(binder: FunctionNode | ast.For) -> range:
    """The lines on which what a function or a round of a loop does stands."""
    return range(binder.body[0].lineno, (binder.body[-1].end_lineno or 0) + 1)


def _outside(binder: ast.AST, around: Around) -> Around:
    """What stands around the loop that binds a name."""
    places = [index for index, one in enumerate(around) if one is binder]
    return around[places[0] + 1 :] if places else ()


def _is_read(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)


def _is_stored(node: ast.AST, shown: str) -> bool:
    is_store = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    return is_store and dotted_name(node) == shown


def _attributes_of(
    node: ast.AST, shown: str, around: Around
) -> Iterator[tuple[ast.Attribute, Around]]:
    for child in children(node):
        inner = (node, *around)
        if _is_read(child) and dotted_name(child.value) == shown:
            yield child, inner
        yield from _attributes_of(child, shown, inner)


def _conditions(node: ast.AST, around: Around) -> frozenset[tuple[int, str]]:
    """The branches, loops and inner functions that a node stands in."""
    found: set[tuple[int, str]] = set()
    below = node
    for one in around:
        if isinstance(one, _CONDITIONS):
            branch = _branch(one, below)
            if branch:
                found.add((id(one), branch))
        below = one
    return frozenset(found)


def _branch(node: ast.AST, below: ast.AST) -> str:
    """In which part of a condition what stands below it is; "" for one that always runs."""
    if isinstance(node, ast.If | ast.While | ast.IfExp) and below is node.test:
        return ""
    if isinstance(node, ast.For | ast.AsyncFor) and below is node.iter:
        return ""
    if isinstance(node, ast.BoolOp):
        return "" if below is node.values[0] else "later"
    if isinstance(node, ast.If | ast.Try):
        in_body = any(below is one for one in node.body)
        return "body" if in_body else "else"
    if isinstance(node, ast.IfExp):
        return "body" if below is node.body else "else"
    return "inside"


def _binder(function: FunctionNode, name: str) -> FunctionNode | ast.For | None:
    """What gives the name its one value: a parameter or a statement of the function, or a loop, for
    each round; None where several do."""
    parameters = [item for item in walk(function.args) if isinstance(item, ast.arg)]
    count = sum(item.arg == name for item in parameters)
    loops: list[ast.For] = []
    for item in walk(function):
        if isinstance(item, ast.Name) and item.id == name and isinstance(item.ctx, ast.Store):
            count += 1
        elif isinstance(item, ast.For) and binds(item.target, name):
            loops.append(item)
        elif isinstance(item, ast.AsyncFor | ast.comprehension):
            count += 2 * binds(item.target, name)
        elif isinstance(item, ast.arg) and item not in parameters and item.arg == name:
            count += 2
    if count != 1:
        return None
    return loops[0] if loops else function


def _may_leave(function: FunctionNode, first: int, last: int) -> bool:
    """Whether a return, a raise and the like stand between two lines."""
    return any(
        isinstance(item, _LEAVES) and first <= item.lineno <= last for item in walk(function)
    )
