"""Reading every file of a project once, in as many processes as are allowed."""

from __future__ import annotations

from collections.abc import Sequence

from codemod.engine.processes import paused_collector, spread
from codemod.errors import SourceError
from codemod.results import FileError
from codemod.semantics.index import FileIndex, index_file
from codemod.semantics.project import Project
from codemod.semantics.syntax import parse
from codemod.source.overlay import Overlay, digest
from codemod.source.text import SourceText


class IndexFiles:
    """The index of each file, or why there is none."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay

    def __call__(self, paths: Sequence[str]) -> list[FileIndex | FileError]:
        with paused_collector():
            return [_index_one(self.overlay, path) for path in paths]


def _index_one(overlay: Overlay, path: str) -> FileIndex | FileError:
    try:
        data = overlay.read(path)
        source = SourceText.decode(path, data)
        return index_file(source, parse(source), digest(data))
    except SourceError as error:
        return FileError(error.path, error.code, error.message)


def build_project(
    overlay: Overlay, paths: Sequence[str], jobs: int
) -> tuple[Project, tuple[FileError, ...]]:
    """Index all files. Those that cannot be analysed are errors, and the rest goes on."""
    results = spread(IndexFiles(overlay), paths, jobs)
    files = {item.path: item for item in results if isinstance(item, FileIndex)}
    errors = tuple(item for item in results if isinstance(item, FileError))
    return Project(overlay, files), errors
