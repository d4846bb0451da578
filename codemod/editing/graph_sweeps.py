"""Code that works on traced graphs (torch.fx), where a layer and a function are different nodes.

`if node.target == F.relu`, `matches((nn.Conv2d, nn.ReLU), node)`, `set_object_type(F.relu, ...)`:
in a file that does such things, to name a layer or a function and not to call it is to look for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from codemod.catalogue import by_module
from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import occurrences
from codemod.editing.strings_behind import strings_behind
from codemod.semantics.instances import Around, Instances
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import dotted_name, last_name

_WORDS = (
    "symbolic_trace(", "fx.Tracer", "fx.Interpreter", "fx.Transformer", "(Tracer)", "(Interpreter)",
    "(Transformer)", "set_object_type(", '"object_type"', "'object_type'",
)  # fmt: skip
# One of them is used, or imported, where one of these words stands.
_NAMES = frozenset(
    {"Interpreter", "Tracer", "Transformer", "fx", "set_object_type", "symbolic_trace"}
)


def traces_graphs(project: Project, path: str) -> bool:
    """Whether a file traces models, or goes over traced ones, as far as its text tells."""
    file = project.files[path]
    if not (
        any(".fx" in one for one in file.local_imports)
        or any(not _NAMES.isdisjoint(names) for names in (file.outside_attributes, file.bindings))
        or "object_type" in file.strings
    ):
        return False
    found = project.remembered(
        "traces", path, lambda: [word for word in _WORDS if word in project.text(path)]
    )
    return bool(found)


# Functions that are told the nodes of a traced graph by name.
_TOLD_NODES = ("create_feature_extractor",)


@dataclass(frozen=True, slots=True)
class AskedNodes:
    """A place that asks for nodes of the graph of a model, and their names."""

    place: Place
    model: Instances
    names: frozenset[str]

    def of_functional(self, layer: str) -> Iterator[str]:
        """The last parts of names of calls of a layer's functional: of `"layer1.0.relu_1"`."""
        pair = by_module(layer)
        for name in sorted(self.names):
            last = name.rpartition(".")[2]
            if pair is not None and last.rstrip("0123456789").rstrip("_") in pair.functional_names:
                yield last


def nodes_asked_for(project: Project) -> tuple[AskedNodes, ...]:
    """Where nodes of traced graphs are asked for by name."""
    return project.remembered("nodes-asked-for", "", partial(_told_nodes, project))


def _told_nodes(project: Project) -> Iterator[AskedNodes]:
    for name in _TOLD_NODES:
        for path in dict.fromkeys(
            (*project.files_with_attribute(name), *project.files_binding(name))
        ):
            offsets = list(occurrences(project.text(path), f"{name}("))
            for node, around in nodes_at(project, path, offsets, whole=True):
                if not isinstance(node, ast.Call) or last_name(node.func) != name or not node.args:
                    continue
                inner = (node, *around)
                model = project.values.of(path, node.args[0], inner)
                for given in (*node.args[1:], *(one.value for one in node.keywords)):
                    words = strings_behind(project, path, given, inner)
                    yield AskedNodes(Place(path, node.lineno), model, words)


def graph_sweeps(project: Project, layer: str) -> Iterator[Place]:
    """Where a layer (`ReLU`), or a function that does the same, is looked for in graphs."""
    pair = by_module(f"torch.nn.{layer}")
    names = {layer, *(pair.functional_names if pair is not None else ())}
    for name in sorted(names):
        yield from project.remembered("graph-sweeps", name, partial(_sweeps, project, name))


def _sweeps(project: Project, name: str) -> Iterator[Place]:
    named = (*project.files_with_attribute(name), *project.files_binding(name))
    for path in dict.fromkeys(named):
        if traces_graphs(project, path):
            offsets = list(occurrences(project.text(path), name))
            for node, around in nodes_at(project, path, offsets):
                if _is_named(project, path, node, around, name):
                    yield Place(path, getattr(node, "lineno", 1))


def _is_named(project: Project, path: str, node: ast.AST, around: Around, name: str) -> bool:
    """Whether an expression stands for the layer or the function, and is not called."""
    if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return False
    dotted = dotted_name(node)
    parent = around[0] if around else None
    if dotted is None or dotted.rpartition(".")[2] != name or isinstance(parent, ast.arg):
        return False
    if isinstance(parent, ast.Call) and parent.func is node:
        return False
    named = project.resolve(path, dotted).name or ""
    return named.startswith("torch.") and not named.startswith("torch.ops.")
