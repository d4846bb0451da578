"""Nodes of exported graphs that code asks for by name: `"/layer1/relu/Relu_output_0"`.

The exporter puts such a name together from the path of the module and the operator that it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Place, Project

# What the packages are called that read exported graphs.
_PACKAGES = ("gs", "onnx", "onnx_graphsurgeon", "onnxruntime", "onnxsim", "ort")
_NODE = re.compile(r"""["']/((?:[\w.]+/)*)([A-Z][A-Za-z]*)(?:_\d+)?(?:_output_\d+)?["']""")
_DIMENSIONS = re.compile(r"\dd$")


@dataclass(frozen=True, slots=True)
class OnnxName:
    place: Place
    modules: frozenset[str]  # the parts of the path: `layer1`, `0`, `relu`
    operator: str  # in small letters


def nodes_named(module: ModuleClass, name: str) -> Iterator[Place]:
    """Where a node of the child of that name is asked for."""
    return (one.place for one in _met(module) if name in one.modules)


def nodes_of_layer(module: ModuleClass, layer: str) -> Iterator[Place]:
    """Where a node is asked for that a layer, `torch.nn.ReLU`, or its functional is exported as."""
    kind = _DIMENSIONS.sub("", layer.rpartition(".")[2]).replace("Avg", "Average").lower()
    return (one.place for one in _met(module) if one.operator in kind)


def _met(module: ModuleClass) -> Iterator[OnnxName]:
    project = module.project
    for one in project.remembered("all-onnx-names", "", partial(_all, project)):
        if project.reach.may_meet(one.place.path, module.key):
            yield one


def _all(project: Project) -> Iterator[OnnxName]:
    paths = [*project.files_with_attribute("onnx")]
    paths += [path for name in _PACKAGES for path in project.files_binding(name)]
    paths += [
        path
        for path, file in project.files.items()
        if any(one.startswith("onnx") for one in file.local_imports)
    ]
    for path in dict.fromkeys(paths):
        yield from project.remembered("onnx-names", path, partial(_find, project, path))


def _find(project: Project, path: str) -> Iterator[OnnxName]:
    text = project.text(path)
    for match in _NODE.finditer(text):
        modules = frozenset(re.split(r"[/.]", match.group(1))) - {""}
        yield OnnxName(Place.at(path, text, match.start()), modules, match.group(2).lower())
