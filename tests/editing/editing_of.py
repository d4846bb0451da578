"""One class of a project in memory, and what edits make of its file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from codemod import Edit, ModuleClass
from codemod.engine.indexing import build_project
from codemod.engine.text_edits import apply_edits
from codemod.semantics.relatives import load_file
from codemod.source.overlay import Overlay


def source_of(text: str) -> str:
    return textwrap.dedent(text).removeprefix("\n")


def module_of(text: str, name: str = "Net", others: Mapping[str, str] | None = None) -> ModuleClass:
    """The class `name` of a file `net.py`."""
    files = {"net.py": text, **(others or {})}
    data = {path: source_of(one).encode() for path, one in files.items()}
    project, errors = build_project(Overlay(Path("/nonexistent"), data), sorted(data), jobs=1)
    assert not errors
    file = load_file(project, "net.py")
    item = project.classes["net.py", name]
    node = file.class_node(item)
    assert node is not None
    return ModuleClass(file, item, node)


def applied(module: ModuleClass, edits: Iterable[Edit]) -> str:
    return apply_edits(module.source.text, edits)[0]
