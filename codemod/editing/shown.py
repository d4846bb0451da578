"""Code that compares, counts in or hashes how a model is shown: `str(model) == TEXT`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemod.editing.object_uses import nodes_at, nodes_below
from codemod.editing.strings_behind import strings_behind
from codemod.editing.type_sweeps import may_be_or_hold
from codemod.semantics.instances import UNKNOWN, Around, Instance, Instances
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.module_names import is_torch_module
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import FunctionNode, dotted_name, last_name

# What a model is called where nothing tells what an object is.
_CALLED = r"(?:\w+_)?(?:model|module|net|network|backbone|encoder|decoder)\d*"
_MODEL = re.compile(rf"(?:.*\.)?{_CALLED}\Z")
# The text of a model, or of what is just made, by its name and by what stands before or behind it:
# what it is for. Each begins with a literal, for `re` to skip to it.
_OBJECT = rf"\(\s*(?:\w+\.)*(?:{_CALLED}|m|[A-Z]\w*\([^()\n]*\))\s*\)"
_SHOWS = tuple(re.compile(rf"{shows}{_OBJECT}") for shows in ("str", "repr"))
_BEFORE = re.compile(r"(?:[=!]=|\bin|\w=|=|\bassert\w*\(|,)\s*\Z")
_BEHIND = re.compile(r"\s*(?:[=!]=|\.(?:count|encode|splitlines|split)\(|\n|,|\)|#)")
_NEAR = 40  # code points before it that are looked at
_HASHES = frozenset({"blake2b", "crc32", "hash", "md5", "sha1", "sha256", "sha512"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One place. `words`: those that are looked for in the text; none where all of it counts."""

    place: Place
    of: Instances
    words: frozenset[str]


def compared_texts(module: ModuleClass) -> Iterator[Place]:
    """Where all of the text of what may be, or hold, the class is compared with another."""
    return (one.place for one in _met(module) if not one.words)


def telling_texts(module: ModuleClass, layer: str, name: str) -> Iterator[Place]:
    """Where such a text is searched for words that a layer (`torch.nn.ReLU`) held under that name
    brings or takes along."""
    told = f"({name}): {layer.rpartition('.')[2]}("
    for one in _met(module):
        if any(len(word) > 2 and (word in told or told in word) for word in one.words):
            yield one.place


def _met(module: ModuleClass) -> Iterator[Shown]:
    project = module.project
    for one in project.remembered("all-shown", "", partial(_all, project)):
        if project.reach.may_meet(one.place.path, module.key) and any(
            may_be_or_hold(module, item) for item in one.of
        ):
            yield one


def texts_in(project: Project, path: str) -> tuple[Shown, ...]:
    """The places of one file, found once."""
    return project.remembered("shown", path, partial(_find, project, path))


def _all(project: Project) -> Iterator[Shown]:
    return (one for path in project.files for one in texts_in(project, path))


def _find(project: Project, path: str) -> Iterator[Shown]:
    text = project.text(path)
    offsets = [
        match.start()
        for pattern in _SHOWS
        for match in pattern.finditer(text)
        if _BEFORE.search(text, max(0, match.start() - _NEAR), match.start())
        or _BEHIND.match(text, match.end())
    ]
    for node, around in nodes_at(project, path, offsets):
        if isinstance(node, ast.Call) and dotted_name(node.func) in ("str", "repr"):
            shown = node.args[0] if len(node.args) == 1 else None
            used = _used(project, path, node, around) if shown is not None else None
            if shown is None or used is None:
                continue
            held = project.values.of(path, shown, (node, *around))
            if _is_another(project, path, shown, around):
                continue
            asked = _MODEL.match(dotted_name(shown) or "") is not None
            if held := frozenset(one for one in held if _may_be_module(project, one, asked)):
                yield Shown(Place(path, node.lineno), held, used)


def _may_be_module(project: Project, one: Instance, by_name: bool) -> bool:
    """Whether an object is a module; where it cannot be told, whether its name says so."""
    if one.key is None:
        return by_name and one in UNKNOWN
    is_module = project.is_module(one.key)
    return by_name if is_module is None else is_module


def _is_another(project: Project, path: str, shown: ast.expr, around: Around) -> bool:
    """Whether an `if isinstance(model, Path)` stands around, of a class that is no module."""
    asked = ast.dump(shown)
    for one in around:
        test = one.test if isinstance(one, ast.If) else None
        if (
            isinstance(test, ast.Call)
            and dotted_name(test.func) == "isinstance"
            and len(test.args) == 2
            and ast.dump(test.args[0]) == asked
        ):
            found = project.resolve(path, dotted_name(test.args[1]) or "")
            return found.key is None and not is_torch_module(found.name or "torch.nn.Module")
    return False


def _used(
    project: Project, path: str, node: ast.AST, around: Around, *, is_kept: bool = False
) -> frozenset[str] | None:
    """The words that are looked for in a text, none where all of it is compared; None where it is
    only shown."""
    parent = around[0] if around else None
    inner = around[1:]
    if isinstance(parent, ast.Attribute) and inner and isinstance(inner[0], ast.Call):
        if parent.attr == "encode":
            return _hashed(inner[1:])
        if parent.attr in ("count", "find", "index"):
            return strings_behind(project, path, inner[0].args[0], inner) or None
        return _used(project, path, inner[0], inner[1:], is_kept=is_kept)
    if isinstance(parent, ast.Compare):
        if isinstance(parent.ops[0], ast.In | ast.NotIn) and node in parent.comparators:
            return strings_behind(project, path, parent.left, around) or None
        return frozenset()
    if isinstance(parent, ast.Call) and node in parent.args:
        called = last_name(parent.func) or getattr(parent.func, "attr", "")
        if called in ("assertIn", "assertNotIn") and node is not parent.args[0]:
            return strings_behind(project, path, parent.args[0], around) or None
        return frozenset() if called.startswith(("assert", "hash")) else None
    if isinstance(parent, ast.Assign) and not is_kept:
        target = parent.targets[0]
        return _used_as(project, path, target.id, inner) if isinstance(target, ast.Name) else None
    return None


def _hashed(around: Around) -> frozenset[str] | None:
    parent = around[0] if around else None
    is_hash = isinstance(parent, ast.Call) and last_name(parent.func) in _HASHES
    return frozenset() if is_hash else None


def _used_as(project: Project, path: str, name: str, around: Around) -> frozenset[str] | None:
    """The same of a text that a variable keeps."""
    at = next((n for n, one in enumerate(around) if isinstance(one, FunctionNode)), None)
    if at is None:
        return None
    words: set[str] | None = None
    for one, inner in nodes_below(around[at], around[at + 1 :]):
        is_read = isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and one.id == name
        if is_read:
            used = _used(project, path, one, inner, is_kept=True)
            if used == frozenset():
                return used
            words = words if used is None else (words or set()) | used
    return None if words is None else frozenset(words)
