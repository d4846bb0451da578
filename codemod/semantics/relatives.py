"""Parsing another class of the same project: a base or a subclass in whatever file."""

from __future__ import annotations

from codemod.errors import StaleFileError
from codemod.semantics.module_class import ModuleClass, SourceFile
from codemod.semantics.project import ClassKey, Project
from codemod.semantics.syntax import parse
from codemod.source.overlay import digest
from codemod.source.text import SourceText


def load_file(project: Project, path: str) -> SourceFile:
    """Parse one file of a project.

    Raises SourceError; StaleFileError (changed-on-disk) if it is no longer what was indexed.
    """
    data = project.overlay.read(path)
    if digest(data) != project.files[path].digest:
        raise StaleFileError.during_run(path)
    source = SourceText.decode(path, data)
    return SourceFile(project, source, parse(source))


def relative_class(module: ModuleClass, key: ClassKey) -> ModuleClass:
    """The class that `key` names, parsed."""
    path, name = key
    file = module.file if path == module.path else load_file(module.project, path)
    return ModuleClass(file, module.project.classes[key], file.class_nodes[name])
