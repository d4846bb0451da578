"""Code that puts something else in the place of a layer or a function of torch.

`F.relu = quantized`, `nn.Dropout.forward = always_on`, `patch("torch.nn.ReLU", ...)`: from then on
the layer and the function do different things. So they do where `nn.Module.__call__` is replaced,
which only the layer goes through, or what a file has under the name `F`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial

from codemod.catalogue import by_module
from codemod.editing.object_uses import nodes_at
from codemod.editing.strings_behind import strings_behind
from codemod.semantics.index import receiver_before
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import last_name

_HOMES = frozenset({"nn", "F", "functional", "torch"})
_RUNS = ("forward", "__call__", "__init__", "__new__", "_call_impl")  # methods of a layer
_OF_MODULE = ("__call__", "_call_impl", "__init__")  # those that all layers have from nn.Module
# Calls that set an attribute by its name. Each begins with a literal, for `re` to skip to it.
_SETTERS = ("setattr", "patch", r"\.object")
# `setattr(F, name, ...)`, with a name that is not written there.
_COMPUTED = re.compile(r"setattr\(\s*([\w.]+)\s*,\s*(?![\"'\s])")


def replaced_in(module: ModuleClass, layer: str) -> Iterator[Place]:
    """Where a layer (`torch.nn.ReLU`), or a function that does the same, is replaced by code that
    the class may meet."""
    project, pair = module.project, by_module(layer)
    names = {layer.rpartition(".")[2], *(pair.functional_names if pair is not None else ())}
    for name in (*sorted(names), "Module"):
        for place in project.remembered("replaced", name, partial(_places, project, name)):
            if project.reach.may_meet(place.path, module.key):
                yield place
    yield from project.remembered(
        "replaced-here", module.path, partial(_replaced_names, project, module.path)
    )


def _places(project: Project, name: str) -> Iterator[Place]:
    methods = _OF_MODULE if name == "Module" else _RUNS
    run = rf"\.(?:{'|'.join(methods)})"
    assigned = re.compile(rf"\.{name}(?:{run}){'' if name == 'Module' else '?'}[ \t]*=(?!=)")
    for path in project.files_with_attribute(name):
        text = project.text(path)
        if not project.files[path].outside_assigned.isdisjoint((name, *methods)):
            for match in assigned.finditer(text):
                if _is_of_torch(project, path, receiver_before(text, match.start())):
                    yield Place.at(path, text, match.start())
        if project.files[path].sets_by_name:
            yield from _methods_by_name(project, path, name, methods)
    for path in project.files_with_string(name):
        if project.files[path].sets_by_name:
            yield from _by_name(project, path, name)
            yield from _by_computed_name(project, path, name)


def _is_of_torch(project: Project, path: str, dotted: str) -> bool:
    """Whether a name stands for torch, or for one of its packages or files."""
    if dotted.rpartition(".")[2] in _HOMES:
        return True
    named = project.resolve(path, dotted).name if dotted else None
    return named is not None and (named == "torch" or named.startswith("torch.nn"))


def _methods_by_name(
    project: Project, path: str, name: str, methods: tuple[str, ...]
) -> Iterator[Place]:
    """`setattr(nn.ReLU, "forward", ...)`."""
    text = project.text(path)
    if f".{name}," not in text:
        return
    for setter in _SETTERS:
        pattern = rf"""{setter}\(\s*([\w.]+)\.{name},\s*["'](?:{"|".join(methods)})["']"""
        for match in re.finditer(pattern, text):
            if _is_of_torch(project, path, match.group(1)):
                yield Place.at(path, text, match.start())


def _by_name(project: Project, path: str, name: str) -> Iterator[Place]:
    """`setattr(F, "relu", ...)`, `patch("torch.nn.functional.relu", ...)`."""
    text = project.text(path)
    run = rf"(?:\.(?:{'|'.join(_RUNS)}))?"
    for setter in _SETTERS:
        pattern = rf"""{setter}\(\s*(?:([\w.]+)\s*,\s*["']|["']([\w.]+)\.){name}{run}["']"""
        for match in re.finditer(pattern, text):
            if _is_of_torch(project, path, match.group(1) or match.group(2)):
                yield Place.at(path, text, match.start())


def _by_computed_name(project: Project, path: str, name: str) -> Iterator[Place]:
    """`for name in NAMES: setattr(F, name, ...)`."""
    for place, names in project.remembered(
        "set-on-torch", path, partial(_set_by_computed_name, project, path)
    ):
        if name in names:
            yield place


def _set_by_computed_name(project: Project, path: str) -> Iterator[tuple[Place, frozenset[str]]]:
    text = project.text(path)
    offsets = [
        match.start()
        for match in _COMPUTED.finditer(text)
        if _is_of_torch(project, path, match.group(1))
    ]
    for node, around in nodes_at(project, path, offsets, whole=True):
        if isinstance(node, ast.Call) and last_name(node.func) == "setattr" and len(node.args) > 1:
            names = strings_behind(project, path, node.args[1], (node, *around))
            yield Place(path, node.lineno), names


def _replaced_names(project: Project, path: str) -> Iterator[Place]:
    """`net.F = mine`, `patch("pkg.net.F")`: where a name of torch is another in the file."""
    names = [
        name
        for name, found in project.files[path].bindings.items()
        if any(one.kind == "alias" or one.target.startswith("torch") for one in found)
        and _is_of_torch(project, path, name)
    ]
    stem = path.removesuffix(".py").rpartition("/")[2]
    for name in names:
        for place, before, is_quoted in project.remembered(
            "set-by-others", name, partial(_set_by_others, project, name)
        ):
            if is_quoted:
                if before.rpartition(".")[2] == stem:
                    yield place
            elif _is_file(project, place.path, before, path):
                yield place


def _set_by_others(project: Project, name: str) -> Iterator[tuple[Place, str, bool]]:
    """Where `x.NAME` is set, with `x`; whether `"x.NAME"` is a string."""
    # Each begins with a literal, for `re` to skip to it.
    quoted = [
        re.compile(rf"""{one}\(\s*["']([\w.]+)\.{name}["']""") for one in ("setattr", "patch")
    ]
    for path in project.files_with_string(name):
        text = project.text(path)
        for pattern in quoted if project.files[path].sets_by_name else ():
            for match in pattern.finditer(text):
                yield Place.at(path, text, match.start()), match.group(1), True
    assigned = re.compile(rf"\.{name}[ \t]*=(?!=)")
    for path in project.files_with_attribute(name):
        if name in project.files[path].outside_assigned:
            text = project.text(path)
            for match in assigned.finditer(text):
                yield (
                    Place.at(path, text, match.start()),
                    receiver_before(text, match.start()),
                    False,
                )


def _is_file(project: Project, user: str, dotted: str, path: str) -> bool:
    """Whether a name stands for the file at `path`."""
    head, dot, rest = dotted.partition(".")
    targets = [one.target for one in project.files[user].bindings.get(head, ())]
    return any(project.file_of(target + dot + rest, user) == path for target in targets)
