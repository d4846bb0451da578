"""Reading every file of a project once, in as many processes as are allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from codemod.engine.processes import paused_collector, spread
from codemod.errors import SourceError
from codemod.results import FileError
from codemod.semantics.documents import names_in_document
from codemod.semantics.index import FileIndex, index_file
from codemod.semantics.project import Project
from codemod.semantics.syntax import parse
from codemod.source.discovery import DOCUMENTS
from codemod.source.overlay import Overlay, digest
from codemod.source.text import SourceText

Indexed = FileIndex | FileError
Indexer = Callable[[Overlay, Sequence[str], int], list[Indexed]]


def index_files(overlay: Overlay, paths: Sequence[str], jobs: int) -> list[Indexed]:
    """The index of each file, in their order, or why there is none."""
    return spread(IndexFiles(overlay), paths, jobs)


class IndexFiles:
    """The index of each of some files, in this process."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay

    def __call__(self, paths: Sequence[str]) -> list[Indexed]:
        with paused_collector():
            return [_index_one(self.overlay, path) for path in paths]


def _index_one(overlay: Overlay, path: str) -> Indexed:
    try:
        data = overlay.read(path)
        source = SourceText.decode(path, data)
        return index_file(source, parse(source), digest(data))
    except SourceError as error:
        return FileError(error.path, error.code, error.message)


def build_project(
    overlay: Overlay, paths: Sequence[str], jobs: int, index: Indexer = index_files
) -> tuple[Project, tuple[FileError, ...]]:
    """Index all files. Those that cannot be analysed are errors, and the rest goes on.

    `paths` may name configuration files too; one that cannot be read says nothing.
    """
    python = [path for path in paths if not path.endswith(DOCUMENTS)]
    results = index(overlay, python, jobs)
    files = {item.path: item for item in results if isinstance(item, FileIndex)}
    errors = tuple(item for item in results if isinstance(item, FileError))
    documents = (path for path in paths if path.endswith(DOCUMENTS))
    return Project(overlay, files, documents=dict(_index_documents(overlay, documents))), errors


def _index_documents(
    overlay: Overlay, paths: Iterable[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    for path in paths:
        with suppress(SourceError):
            yield path, names_in_document(overlay.read(path))
