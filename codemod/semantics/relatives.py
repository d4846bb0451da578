"""Parsing another class of the same project: a base or a subclass in whatever file."""

from __future__ import annotations

from codemod.errors import StaleFileError
from codemod.semantics.module_class import ModuleClass, SourceFile
from codemod.semantics.project import ClassKey, Project
from codemod.source.overlay import digest
from codemod.source.text import SourceText


def load_file(project: Project, path: str) -> SourceFile:
    """Read one file of a project.

    Raises SourceError; StaleFileError (changed-on-disk) if it is no longer what was indexed.
    """
    data = project.overlay.read(path)
    if digest(data) != project.files[path].digest:
        raise StaleFileError.during_run(path)
    return SourceFile(project, SourceText.decode(path, data))


def relative_class(module: ModuleClass, key: ClassKey) -> ModuleClass:
    """The class that `key` names, parsed."""
    file = module.file if key[0] == module.path else load_file(module.project, key[0])
    item = module.project.classes[key]
    node = file.class_node(item)
    assert node is not None
    return ModuleClass(file, item, node)
