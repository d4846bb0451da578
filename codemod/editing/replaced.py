"""Code that puts something else in the place of a layer or a function of torch.

`F.relu = quantized`, `nn.Dropout.forward = always_on`, `patch("torch.nn.ReLU", ...)`: from then on
the layer and the function do different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from codemod.catalogue import by_module
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Place, Project

_WORD = re.compile(r"\W")
_HOMES = ("nn", "F", "functional", "torch")
_HOME = rf"\b(?:{'|'.join(_HOMES)})"
_RUNS = ("forward", "__call__", "__init__")  # methods of a layer
# Calls that are given the name as a string: up to the home, and from there to the name.
_BY_NAME = ((r"setattr\(\s*[\w.]*", r"""\s*,\s*["']"""), (r"""patch\(\s*["'][\w.]*""", r"\."))


def replaced_in(module: ModuleClass, layer: str) -> Iterator[Place]:
    """Where a layer (`torch.nn.ReLU`), or a function that does the same, is replaced by code that
    the class may meet."""
    project, pair = module.project, by_module(layer)
    functions = pair.functional if pair is not None else ()
    names = {layer.rpartition(".")[2], *(one.name.rpartition(".")[2] for one in functions)}
    for name in sorted(names):
        for place in project.remembered("replaced", name, partial(_places, project, name)):
            if project.reach.may_meet(place.path, module.key):
                yield place


def _places(project: Project, name: str) -> Iterator[Place]:
    # Each begins with a literal, which lets `re` skip to it.
    assigned = re.compile(rf"\.{name}(?:\.(?:{'|'.join(_RUNS)}))?[ \t]*=(?!=)")
    by_name = [re.compile(rf"""{call}{_HOME}{between}{name}["']""") for call, between in _BY_NAME]
    for path in project.files_with_attribute(name):
        if project.files[path].outside_assigned.isdisjoint((name, *_RUNS)):
            continue
        text = project.text(path)
        for match in assigned.finditer(text):
            if _WORD.split(text[max(0, match.start() - 20) : match.start()])[-1] in _HOMES:
                yield Place.at(path, text, match.start())
    for path in project.files_with_string(name):
        text = project.text(path)
        for pattern in by_name:
            for match in pattern.finditer(text):
                yield Place.at(path, text, match.start())
