"""The index of each file, kept by its content: a run reads anew only what no run before it read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from codemod.engine.indexing import Indexed, index_files
from codemod.engine.kept import keep, kept, program
from codemod.errors import SourceError
from codemod.semantics.index import FileIndex
from codemod.source.overlay import Overlay, digest

_Content = tuple[str, bytes]  # path, digest of the bytes


@dataclass
class KeptIndexes:
    """What the last run over a project knew of its files, as they were and as it rewrote them."""

    file: Path
    _used: dict[_Content, FileIndex] = field(default_factory=dict)

    def index(self, overlay: Overlay, paths: Sequence[str], jobs: int) -> list[Indexed]:
        """As `index_files`."""
        known = {path: item for path in paths if (item := self._find(overlay, path)) is not None}
        made = iter(index_files(overlay, [path for path in paths if path not in known], jobs))
        result = [known[path] if path in known else next(made) for path in paths]
        self._use(item for item in result if isinstance(item, FileIndex))
        return result

    def keep(self, composed: Iterable[FileIndex]) -> None:
        """Keep what was asked for, and the files as rewrites made them, and nothing else: the
        file grows with the project alone."""
        self._use(composed)
        if self._used.keys() != self._known.keys():
            keep(self.file, program(), self._used)

    def _use(self, files: Iterable[FileIndex]) -> None:
        self._used.update({(item.path, item.digest): item for item in files})

    def _find(self, overlay: Overlay, path: str) -> FileIndex | None:
        if not self._known:
            return None
        try:
            return self._known.get((path, digest(overlay.read(path))))
        except SourceError:
            return None

    @cached_property
    def _known(self) -> dict[_Content, FileIndex]:
        return kept(self.file, program()) or {}
