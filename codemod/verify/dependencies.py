"""The state of what an answer of the worker depends on, so that a later run can tell a change.

A *dependency* is `KIND:NAME` as the worker writes it (`worker/reads.py`): a path that was read or
asked for, a folder that was listed, a variable of the environment, a package.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_MODULE_ENDINGS = (".py", ".so", ".pyd")
_LARGE = 64 * 1024**2  # of a larger file size and times stand for the content


class Unknowable(Exception):
    """A dependency whose state cannot be told: the answer must not be used again."""


@dataclass
class States:
    """Asks the disk once for each dependency.

    `since`: what changed after this time (ns) has no state that holds for the run.
    """

    since: int | None = None
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _known: dict[str, str] = field(default_factory=dict)

    def of(self, dependency: str) -> str:
        """A text that changes with the dependency. Raises Unknowable."""
        if dependency not in self._known:
            kind, _, name = dependency.partition(":")
            self._known[dependency] = _READERS[kind](self, name)
        return self._known[dependency]

    def _path(self, name: str) -> str:
        status = self._status(name)
        if status is None:
            return "absent"
        if os.path.isdir(name):
            return "folder"
        if status.st_size > _LARGE or not os.path.isfile(name):
            return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
        try:
            with open(name, "rb") as file:
                return hashlib.sha256(file.read()).hexdigest()
        except OSError as error:
            return str(error.errno)

    def _listing(self, name: str) -> str:
        return _digest(sorted(entry.name for entry in _entries(name)))

    def _importable(self, name: str) -> str:
        """What an import can find in a folder: files of modules, and folders that hold some."""
        return _digest(sorted(entry.name for entry in _entries(name) if _is_importable(entry)))

    def _variable(self, name: str) -> str:
        if name == "*":
            return _digest(f"{key}={value}" for key, value in sorted(self.variables.items()))
        return _digest([self.variables[name]]) if name in self.variables else "unset"

    def _package(self, name: str) -> str:
        if os.path.isdir(name):
            return _digest(sorted(_tree(name)))
        status = self._status(name)
        return "absent" if status is None else f"{status.st_size} {status.st_mtime_ns}"

    def _program(self, name: str) -> str:
        raise Unknowable(f"it runs {name}")

    def _status(self, name: str) -> os.stat_result | None:
        try:
            status = os.stat(name)
        except (OSError, ValueError):
            return None
        recent = self.since is not None and status.st_ctime_ns >= self.since
        if recent and not stat.S_ISDIR(status.st_mode):
            raise Unknowable(f"{name} changed while the run went on")
        return status


_READERS: Mapping[str, Callable[[States, str], str]] = {
    "path": States._path,
    "listing": States._listing,
    "importable": States._importable,
    "variable": States._variable,
    "package": States._package,
    "program": States._program,
}


def installation(path: Iterable[str]) -> str:
    """A digest of what is installed in the folders of an interpreter's `sys.path`."""
    said = []
    for folder in path:
        said.append(folder)
        for entry in sorted(_entries(folder), key=lambda entry: entry.name):
            if entry.name == "__pycache__":
                continue
            dated = entry.name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))
            said.append(f"{entry.name} {entry.stat().st_mtime_ns if dated else ''}")
    return _digest(said)


def sources(folder: Path) -> str:
    """A digest of the Python files below a folder."""
    files = sorted(folder.rglob("*.py"))
    contents = (hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    return _digest(f"{path} {content}" for path, content in zip(files, contents, strict=True))


def _tree(folder: str) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != "__pycache__":
                yield from _tree(entry.path)
        elif entry.name.endswith(_MODULE_ENDINGS):
            status = entry.stat()
            yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_importable(entry: os.DirEntry[str]) -> bool:
    if entry.name.endswith(_MODULE_ENDINGS):
        return True
    if not entry.name.isidentifier() or not entry.is_dir():
        return False
    return any(inner.name.endswith(_MODULE_ENDINGS) for inner in _entries(entry.path))


def _digest(texts: Iterable[str]) -> str:
    said = hashlib.sha256()
    for text in texts:
        said.update(text.encode("utf-8", "surrogateescape") + b"\0")
    return said.hexdigest()[:32]
