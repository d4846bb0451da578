"""Code that keeps the types of modules, or their names, and asks later for one of them.

`by[type(m)].append(m)` and then `by[nn.ReLU]`, `Counter(type(m).__name__ for m in ...)["ReLU"]`,
`nn.ReLU in {type(m) for m in ...}`, `list(map(type, model.modules())).count(nn.ReLU)`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import partial

from codemod.editing.looked_at import DEEPEST, Looked, TypeSweep, looked_at, modules_gone_over
from codemod.editing.object_uses import nodes_at, nodes_below
from codemod.editing.quoted import occurrences
from codemod.semantics.index import receiver_before
from codemod.semantics.instances import Around
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import FunctionNode, dotted_name, last_name, object_of_type

# The type of an object, what may stand behind it where it is kept, and what before it: a call of a
# name, a variable that is given it, a bracket.
_TYPE = re.compile(r"type\(\s*[\w.]+\s*\)")
_CLASS = ".__class__"
_BEHIND = re.compile(r"(?:\.__(?:qual)?name__)?\s*(?:(for)\b|[]),:#]|$)", re.MULTILINE)
_BEFORE = re.compile(r"(?:\b(\w+)\(\s*[\[(]?|\b(\w+)\s*=|[\[{(,])\s*\Z")
# What stands behind a name that is asked for, and what else on its line asks.
_ENDS = re.compile(r"""["']?\s*([])},]|(?:not )?in\b)""")
_ASKING = (".count(", ".get(", ".index(", ".pop(", "assertIn(", "assertNotIn(", "==", "!=")
_NEAR = 60  # code points before it that are looked at
_NAMES = frozenset({"__name__", "__qualname__"})
_ADDS = frozenset({"add", "append", "appendleft", "insert", "setdefault", "update"})
_MAKES = frozenset({"Counter", "frozenset", "list", "set", "sorted", "tuple"})
_DISPLAYS = ast.List | ast.Set | ast.Tuple
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
# How a table or a list is asked for one element.
_ASKS = frozenset({"count", "get", "index", "pop", "assertIn", "assertNotIn"})


@dataclass(frozen=True, slots=True)
class KeptTypes:
    """Where types of modules, or (`by_name`) the names of types, are kept, and whose they are."""

    looked: Looked
    by_name: bool


def kept_types(project: Project, path: str) -> tuple[KeptTypes, ...]:
    """Those that one file keeps, found once."""
    return project.remembered("kept-types", path, partial(_find_kept, project, path))


def asked_of_kept(project: Project, short: str, paths: Container[str]) -> Iterator[TypeSweep]:
    """Where one of `paths`, which name the layer, asks types that were kept for it."""
    for path, one in project.remembered("all-kept-types", "", partial(_all_kept, project)):
        for user in dict.fromkeys((path, *project.reach.importers(path))):
            if user not in paths:
                continue
            asked = partial(_asked_in, project, user, short)
            for place, by_name in project.remembered(f"asks-for-type {short}", user, asked):
                if by_name == one.by_name:
                    yield TypeSweep(place, one.looked)


def _all_kept(project: Project) -> Iterator[tuple[str, KeptTypes]]:
    return ((path, one) for path in project.files for one in kept_types(project, path))


# ---- what is kept


def _candidates(text: str) -> Iterator[int]:
    """Offsets of `type(m)` and `m.__class__` where what stands around may be what keeps them."""
    yield from occurrences(text, "map(type,")
    for match in _TYPE.finditer(text):
        if _may_be_kept(text, match.start(), match.end()):
            yield match.start()
    for offset in occurrences(text, _CLASS):
        start = offset - len(receiver_before(text, offset))
        if _may_be_kept(text, start, offset + len(_CLASS)):
            yield offset


def _may_be_kept(text: str, start: int, end: int) -> bool:
    behind = _BEHIND.match(text, end)
    before = _BEFORE.search(text, max(0, start - _NEAR), start)
    if behind is None or before is None:
        return False
    called, kept = before.groups()
    if called is not None and behind.group(1) != "for":
        return called in _ADDS or called in _MAKES
    return kept is None or any(f"{left}{kept}" in text for left in "[({")


def _find_kept(project: Project, path: str) -> Iterator[KeptTypes]:
    if not project.files[path].goes_over_modules:
        return
    text = project.text(path)
    for node, around in nodes_at(project, path, _candidates(text), whole=True):
        if isinstance(node, ast.Call) and dotted_name(node.func) == "map":
            if len(node.args) == 2 and dotted_name(node.args[0]) == "type":
                for looked in modules_gone_over(project, path, node.args[1], (node, *around)):
                    yield KeptTypes(looked, by_name=False)
            continue
        subject = object_of_type(node)
        by_name = bool(around) and isinstance(around[0], ast.Attribute) and around[0].attr in _NAMES
        below, rest = (around[0], around[1:]) if by_name else (node, around)
        if subject is not None and _is_kept(below, rest):
            for looked in looked_at(project, path, subject, (node, *around), DEEPEST):
                yield KeptTypes(looked, by_name)


def _is_kept(node: ast.AST, around: Around, *, is_local: bool = False) -> bool:
    """Whether a table, a list or a set gets the value, also by way of a variable."""
    parent = around[0] if around else None
    if isinstance(parent, ast.Subscript):
        return parent.slice is node and _is_set(around)
    if isinstance(parent, _COMPREHENSIONS):
        given = parent.key if isinstance(parent, ast.DictComp) else parent.elt
        return given is node
    if isinstance(parent, _DISPLAYS):  # `counter.update([type(m)])`
        return _is_added(parent, around[1:])
    if isinstance(parent, ast.Assign) and not is_local and isinstance(parent.targets[0], ast.Name):
        name = parent.targets[0].id
        at = next((n for n, one in enumerate(around) if isinstance(one, FunctionNode)), None)
        return at is not None and any(
            isinstance(one, ast.Name) and one.id == name and _is_kept(one, inner, is_local=True)
            for one, inner in nodes_below(around[at], around[at + 1 :])
        )
    return _is_added(node, around)


def _is_set(around: Around) -> bool:
    """Whether `by[...]` is given something: `by[...] = m`, `by[...] += 1`, `by[...].append(m)`."""
    subscript, *rest = around
    assert isinstance(subscript, ast.Subscript)
    if not isinstance(subscript.ctx, ast.Load):
        return True
    parent = rest[0] if rest else None
    return isinstance(parent, ast.Attribute) and parent.attr in _ADDS


def _is_added(node: ast.AST, around: Around) -> bool:
    call = around[0] if around else None
    if not isinstance(call, ast.Call) or node not in call.args:
        return False
    return isinstance(call.func, ast.Attribute) and call.func.attr in _ADDS


# ---- what is asked for


def _asked_in(project: Project, path: str, short: str) -> Iterator[tuple[Place, bool]]:
    """Where a file uses the layer, or its name, as a key or as an element that may be there."""
    for node, around in nodes_at(project, path, _ends(project.text(path), short)):
        by_name = isinstance(node, ast.Constant) and node.value == short
        is_type = isinstance(node, ast.Attribute | ast.Name) and last_name(node) == short
        if (by_name or is_type) and _is_asked_for(node, around):
            yield Place(path, getattr(node, "lineno", 1)), by_name


def _ends(text: str, short: str) -> Iterator[int]:
    """Offsets of a name that may be a key or an element, by what stands around."""
    for offset in occurrences(text, short):
        behind = _ENDS.match(text, offset + len(short))
        if behind is None:
            continue
        line = text[text.rfind("\n", 0, offset) + 1 : offset]
        whole = line + text[offset : offset + _NEAR].partition("\n")[0]
        is_key = behind.group(1) == "]" and "[" in line
        if is_key or behind.group(1).endswith("in") or any(word in whole for word in _ASKING):
            yield offset


def _is_asked_for(node: ast.AST, around: Around) -> bool:
    parent = around[0] if around else None
    if isinstance(parent, ast.Subscript):
        return parent.slice is node and isinstance(parent.ctx, ast.Load)
    if isinstance(parent, ast.Compare):
        return parent.left is node and isinstance(parent.ops[0], ast.In | ast.NotIn)
    if isinstance(parent, ast.Call) and node in parent.args[:1]:
        return isinstance(parent.func, ast.Attribute) and parent.func.attr in _ASKS
    if isinstance(parent, _DISPLAYS):
        outer = around[1] if len(around) > 1 else None
        is_made = isinstance(outer, ast.Call) and last_name(outer.func) in _MAKES
        return isinstance(around[2] if is_made and len(around) > 2 else outer, ast.Compare)
    return False
