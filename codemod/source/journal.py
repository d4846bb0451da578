"""The journal of commits: what undo and recovery need, on the disk before a file is touched.

    journal/000007/entry.json   the files of one commit, with digests of old and new bytes
    journal/000007/0.before     the old bytes of the first file
    journal/000007/done         every file is new
    journal/000007/undoing      an undo of it has begun
    journal/undone/...          undone commits, some files of which could not be restored

An entry without `done` is an interrupted commit; one with `undoing`, an interrupted undo.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from codemod.errors import CommitError
from codemod.source import durable

KEPT_ENTRIES = 20
_NUMBER = re.compile(r"[0-9]{6,}")


@dataclass(frozen=True, slots=True)
class Record:
    """One file of a commit. `target` is where it really lies (`path` may be a link to it)."""

    path: str
    target: str
    temporary: str
    before: str  # SHA-256
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit in the journal."""

    folder: Path
    records: tuple[Record, ...]

    @property
    def is_done(self) -> bool:
        return (self.folder / "done").exists()

    @property
    def is_being_undone(self) -> bool:
        return (self.folder / "undoing").exists()

    @property
    def is_finished(self) -> bool:
        return self.is_done and not self.is_being_undone

    def before(self, index: int) -> bytes:
        """The old bytes of the file at `index`. Raises CommitError if the journal is damaged."""
        path = self.folder / f"{index}.before"
        data = path.read_bytes()
        if digest(data) != self.records[index].before:
            raise CommitError(f"{path}: the journal is damaged; restore this file from a backup")
        return data


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entries(state_dir: Path) -> tuple[Entry, ...]:
    """All entries, oldest first. Raises CommitError if one cannot be read."""
    folders = [f for f in _folders(_home(state_dir)) if _NUMBER.fullmatch(f.name)]
    return tuple(_read(folder) for folder in sorted(folders, key=lambda f: int(f.name)))


def unfinished(state_dir: Path) -> tuple[Entry, ...]:
    """Interrupted commits and undos, newest first."""
    return tuple(entry for entry in reversed(entries(state_dir)) if not entry.is_finished)


def add(state_dir: Path, records: Sequence[Record], before: Iterable[bytes]) -> Entry:
    """Write an entry in one step. Raises OSError; there is then no such entry."""
    home = _home(state_dir)
    os.makedirs(home, exist_ok=True)
    _tidy(home)
    folder = home / f"new-{os.urandom(4).hex()}"
    entry = Entry(home / f"{_next_number(home):06}", tuple(records))
    os.mkdir(folder)
    try:
        for index, data in enumerate(before):
            durable.write_new(folder / f"{index}.before", data)
        text = json.dumps({"format": 1, "files": [asdict(record) for record in records]}, indent=1)
        durable.write_new(folder / "entry.json", text.encode("ascii"))
        durable.sync_folder(folder)
        os.rename(folder, entry.folder)
        durable.sync_folder(home)
    except BaseException:
        with contextlib.suppress(OSError):
            os.rename(entry.folder, folder)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return entry


def mark_done(entry: Entry) -> None:
    _mark(entry, "done")


def mark_undoing(entry: Entry) -> None:
    if not entry.is_being_undone:
        _mark(entry, "undoing")


def drop(entry: Entry) -> None:
    """Forget an entry, in one step."""
    _move(entry, entry.folder.parent / f"dropped-{os.urandom(4).hex()}")
    _tidy(entry.folder.parent)


def set_aside(entry: Entry) -> Path:
    """Take an entry out of the journal but keep its old bytes; returns where they are."""
    folder = entry.folder.parent / "undone" / f"{entry.folder.name}-{os.urandom(4).hex()}"
    os.makedirs(folder.parent, exist_ok=True)
    _move(entry, folder)
    return folder


def prune(state_dir: Path) -> None:
    """Drop the oldest finished entries beyond those that are kept for undo."""
    for entry in [e for e in entries(state_dir) if e.is_finished][:-KEPT_ENTRIES]:
        drop(entry)


def _home(state_dir: Path) -> Path:
    return state_dir / "journal"


def _folders(home: Path) -> list[Path]:
    try:
        return [path for path in home.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []


def _next_number(home: Path) -> int:
    return 1 + max((int(f.name) for f in _folders(home) if _NUMBER.fullmatch(f.name)), default=0)


def _tidy(home: Path) -> None:
    """Remove what a kill left of entries that were half made or half removed."""
    for folder in _folders(home):
        if folder.name.startswith(("new-", "dropped-")):
            shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path) -> Entry:
    try:
        content = json.loads((folder / "entry.json").read_bytes())
        return Entry(folder, tuple(Record(**fields) for fields in content["files"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommitError(
            f"{folder}: cannot be read ({error}); look at it, then remove this folder"
        ) from None


def _mark(entry: Entry, name: str) -> None:
    durable.write_new(entry.folder / name, b"")
    durable.sync_folder(entry.folder)


def _move(entry: Entry, folder: Path) -> None:
    os.rename(entry.folder, folder)
    durable.sync_folder(entry.folder.parent)
