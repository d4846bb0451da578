"""The index of each file, kept by its content: a run reads anew only what no run before it read."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from codemod.engine.indexing import Indexed, IndexFiles
from codemod.engine.kept import keep, kept, program
from codemod.engine.processes import spread
from codemod.errors import SourceError
from codemod.semantics.index import FileIndex
from codemod.source.overlay import Overlay, digest

_Content = tuple[str, bytes]  # path, digest of the bytes


@dataclass(frozen=True)
class _Packed:
    """Some files as they were indexed, and the bytes that they travel as and are kept as."""

    items: tuple[Indexed, ...]
    data: bytes

    @classmethod
    def of(cls, items: Iterable[Indexed]) -> _Packed:
        packed = tuple(items)
        return cls(packed, pickle.dumps(packed, protocol=5))

    @property
    def indexes(self) -> Iterator[tuple[_Content, FileIndex]]:
        return (((one.path, one.digest), one) for one in self.items if isinstance(one, FileIndex))

    def __reduce__(self) -> tuple[Callable[[bytes], _Packed], tuple[bytes]]:
        return _unpacked, (self.data,)


def _unpacked(data: bytes) -> _Packed:
    return _Packed(pickle.loads(data), data)


@dataclass(frozen=True)
class _PackFiles:
    index: IndexFiles

    def __call__(self, paths: Sequence[str]) -> list[_Packed]:
        return [_Packed.of(self.index(paths))]


@dataclass
class KeptIndexes:
    """What the last run over a project knew of its files, as they were and as it rewrote them."""

    file: Path
    _used: dict[_Content, FileIndex] = field(default_factory=dict)
    _made: list[_Packed] = field(default_factory=list)

    def index(self, overlay: Overlay, paths: Sequence[str], jobs: int) -> list[Indexed]:
        """As `index_files`."""
        known = {path: item for path in paths if (item := self._find(overlay, path)) is not None}
        missing = [path for path in paths if path not in known]
        packed = spread(_PackFiles(IndexFiles(overlay)), missing, jobs)
        made = (item for one in packed for item in one.items)
        result = [known[path] if path in known else next(made) for path in paths]
        self._made += packed
        self._use(item for item in result if isinstance(item, FileIndex))
        return result

    def keep(self, composed: Iterable[FileIndex]) -> None:
        """Keep what was asked for, and the files as rewrites made them, and nothing else: the
        file grows with the project alone."""
        self._use(composed)
        if self._used.keys() != self._known.keys():
            keep(self.file, program(), self._packed())

    def _packed(self) -> list[_Packed]:
        """All that was used: what is packed and whole as it is."""
        left = dict(self._used)
        whole: list[_Packed] = []
        for one in (*self._read, *self._made):
            contents = [content for content, _ in one.indexes]
            if contents and all(content in left for content in contents):
                whole.append(one)
                for content in contents:
                    del left[content]
        return [*whole, _Packed.of(left.values())]

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
        return {content: item for one in self._read for content, item in one.indexes}

    @cached_property
    def _read(self) -> list[_Packed]:
        return kept(self.file, program()) or []
