"""Where a project holds something that a transform is about, whether it may be rewritten or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from codemod.editing.transform import Transform
from codemod.engine.find import FindInFiles
from codemod.engine.indexing import build_project
from codemod.engine.processes import spread
from codemod.results import FileError, Refusal, Site
from codemod.semantics.project import ClassKey, Project
from codemod.source.overlay import Overlay


@dataclass(frozen=True)
class Sites:
    """The module classes of a project, each with its sites; `errors` of the selected files."""

    project: Project
    of: Mapping[ClassKey, tuple[Site, ...]]
    errors: tuple[FileError, ...]


def find_sites(
    overlay: Overlay,
    paths: Sequence[str],
    selected: frozenset[str],
    transforms: Sequence[Transform],
    *,
    every: bool = False,
    jobs: int = 1,
    line_length: int = 88,
) -> Sites:
    """One look at the selected files: transforms that undo each other may look together.

    `every`: module classes without a site as well.
    """
    project, errors = build_project(overlay, paths, jobs)
    project = replace(project, line_length=line_length)
    look_in = sorted(selected & project.files.keys())
    findings = spread(FindInFiles(project, transforms), look_in, jobs)
    found: dict[ClassKey, set[Site]] = {}
    for key in _module_classes(project, look_in) if every else ():
        found[key] = set()
    for item in (one for finding in findings for one in finding.found):
        key = (item.path, item.class_name)
        if key not in project.classes or project.classes[key].in_function:
            continue
        if isinstance(item, Refusal):
            found.setdefault(key, set()).add(Site(item.path, item.line, item.column))
        else:
            found.setdefault(key, set()).update(item.sites)
    own = [error for error in errors if error.path in selected]
    own += [error for finding in findings for error in finding.errors]
    ordered = sorted(found, key=lambda key: (key[0], project.classes[key].line))
    return Sites(
        project,
        {key: tuple(sorted(found[key])) for key in ordered},
        tuple(sorted(set(own), key=lambda error: (error.path, error.code))),
    )


def _module_classes(project: Project, paths: Sequence[str]) -> list[ClassKey]:
    keys = ((path, item.qualname) for path in paths for item in project.files[path].classes)
    return [key for key in keys if project.is_module(key) and not project.classes[key].in_function]
