"""Reading every file of a project once, in as many processes as are allowed."""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from codemod.errors import SourceError
from codemod.results import FileError
from codemod.semantics.index import FileIndex, index_file
from codemod.semantics.project import Project
from codemod.semantics.syntax import parse
from codemod.source.overlay import Overlay, digest
from codemod.source.text import SourceText


@contextmanager
def paused_collector() -> Iterator[None]:
    """Without cyclic garbage collection, which takes as long as parsing does and finds nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Below this many items a second process costs more than it saves.
_WORTH_A_PROCESS = 64


def index_files(overlay: Overlay, paths: Iterable[str]) -> list[FileIndex | FileError]:
    """The index of each file, or why there is none."""
    with paused_collector():
        return [_index_one(overlay, path) for path in paths]


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
    results = spread(_IndexFiles(overlay), paths, jobs)
    files = {item.path: item for item in results if isinstance(item, FileIndex)}
    errors = tuple(item for item in results if isinstance(item, FileError))
    return Project(overlay, files), errors


class _IndexFiles:
    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay

    def __call__(self, paths: Sequence[str]) -> list[FileIndex | FileError]:
        return index_files(self.overlay, paths)


# What the processes of the moment run: inherited by a fork, sent once to a spawned process.
_shared: Any = None


def _run_shared(items: Any) -> Any:
    return _shared(items)


def _share(function: Any) -> None:
    global _shared
    _shared = function


def _share_once(*functions: Any) -> None:
    if functions:
        _share(functions[0])


def spread(
    function: Callable[[Sequence[_Item]], list[_Result]], items: Sequence[_Item], jobs: int
) -> list[_Result]:
    """`function(items)` in chunks over `jobs` processes; results in the order of the items.

    Where processes can be forked, `function` and all that it holds is shared, not sent.
    """
    if jobs <= 1 or len(items) < _WORTH_A_PROCESS:
        return function(items)
    size = max(8, min(48, len(items) // (jobs * 4)))
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    context = multiprocessing.get_context(method)
    _share(function)
    initargs = () if method == "fork" else (function,)
    try:
        with ProcessPoolExecutor(jobs, context, _share_once, initargs) as pool:
            return list(_flatten(pool.map(_run_shared, chunks)))
    finally:
        _share(None)


def _flatten(results: Iterable[list[_Result]]) -> Iterator[_Result]:
    for result in results:
        yield from result
