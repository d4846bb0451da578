"""The one writer to the user's files: all files of a commit or none, and the way back.

A commit that was interrupted is rolled back by the next run; if every file was already new,
it is kept instead. Either way each file is whole at any moment.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codemod.errors import CommitError, StaleFileError
from codemod.source import durable, journal, lock
from codemod.source.journal import Entry, Record, digest


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was not restored, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of a commit or an undo that had been interrupted."""

    restored: tuple[str, ...] = ()
    kept: tuple[Kept, ...] = ()
    completed: tuple[str, ...] = ()  # every file was new: the commit stands

    @property
    def sentence(self) -> str:
        if self.completed:
            return f"An earlier run was cut short after it had written {_files(self.completed)}."
        text = f"An earlier run was cut short; {_files(self.restored)} put back as before it."
        return text + "".join(f" {kept.path} {kept.reason}: left as it is." for kept in self.kept)


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What a commit wrote. `notes` are sentences for the user."""

    written: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What an undo restored. `saved` holds the old bytes of the files in `kept`."""

    restored: tuple[str, ...] = ()
    already: tuple[str, ...] = ()  # had the old bytes before the undo
    kept: tuple[Kept, ...] = ()
    saved: Path | None = None
    interrupted: bool = False  # what was undone had never been finished

    @property
    def found_nothing(self) -> bool:
        return not (self.restored or self.already or self.kept)


@dataclass(frozen=True, slots=True)
class _Change:
    """One file to write. `target` is where it really lies, `path` may be a link to it."""

    path: str
    target: Path
    before: bytes
    after: bytes
    links: int


def commit(root: Path, files: Mapping[str, tuple[bytes, bytes]], state_dir: Path) -> CommitResult:
    """Write all `files` (path: bytes as read, bytes to write), or none of them.

    Raises StaleFileError if a file no longer has the bytes that were read, and CommitError if
    it cannot be written, or lies outside `root`. No file is changed then.
    A file with several hard links is written under this one name; the others keep the old text.
    """
    root = Path(os.path.realpath(root))
    wanted = {path: pair for path, pair in sorted(files.items()) if pair[0] != pair[1]}
    if not wanted:
        return CommitResult()
    with lock.held(state_dir):
        recovery = _recover(root, state_dir)
        changes = _unique(_check(root, path, *pair) for path, pair in wanted.items())
        entry = _open_entry(root, changes, state_dir)
        try:
            _write(root, entry, changes)
        except BaseException as error:
            _abort(root, entry, error)
            raise
        _settle(state_dir)
    notes = [recovery.sentence] if recovery else []
    notes += [_hard_link_note(change.path) for change in changes if change.links > 1]
    return CommitResult(tuple(wanted), tuple(notes))


def undo(root: Path, state_dir: Path) -> UndoResult:
    """Take back the last commit: restore its files whose bytes are as written, name the rest.

    Called again, it takes back the commit before that. Raises CommitError if a file cannot be
    written; undo can then be called again.
    """
    root = Path(os.path.realpath(root))
    if not state_dir.exists():
        return UndoResult()
    with lock.held(state_dir):
        interrupted = journal.unfinished(state_dir)
        entry = interrupted[0] if interrupted else _last(journal.entries(state_dir))
        if entry is None:
            return UndoResult()
        cut_short = not entry.is_done
        try:
            journal.mark_undoing(entry)
            restored, kept = _roll_back(root, entry)
            saved = journal.set_aside(entry) if kept else None
            if not kept:
                journal.drop(entry)
        except OSError as error:
            raise CommitError(
                f"undo stopped: {_reason(error)}; every file is whole: run `codemod undo` again"
            ) from None
    changed = {*restored, *(file.path for file in kept)}
    already = tuple(record.path for record in entry.records if record.path not in changed)
    return UndoResult(restored, already, kept, saved, cut_short)


def recover(root: Path, state_dir: Path) -> Recovery | None:
    """Put right what an interrupted run left. Call it before reading files that will be written.

    Raises CommitError if a file cannot be written; it can then be called again.
    """
    if not interruption(state_dir):
        return None
    with lock.held(state_dir):
        return _recover(Path(os.path.realpath(root)), state_dir)


def interruption(state_dir: Path) -> str | None:
    """A sentence about an interrupted run that was not put right yet. Writes nothing."""
    found = journal.unfinished(state_dir)
    if not found:
        return None
    return (
        f"An earlier run was cut short while it wrote {_files(found[0].records)}:"
        " each file is whole, old or new. `codemod undo` puts them back."
    )


def _recover(root: Path, state_dir: Path) -> Recovery | None:
    restored: list[str] = []
    kept: list[Kept] = []
    completed: list[str] = []
    found = journal.unfinished(state_dir)
    try:
        for entry in found:
            if not entry.is_being_undone and _is_written(root, entry):
                _remove_temporaries(root, entry)
                journal.mark_done(entry)
                completed += [record.path for record in entry.records]
            else:
                put_back, left = _roll_back(root, entry)
                restored += put_back
                kept += left
                _forget(entry, left)
    except OSError as error:
        raise CommitError(
            f"an earlier run was cut short and cannot be put right: {_reason(error)};"
            " every file is whole: run `codemod undo`"
        ) from None
    return Recovery(tuple(restored), tuple(kept), tuple(completed)) if found else None


def _forget(entry: Entry, kept: Iterable[Kept]) -> None:
    if any(kept):
        journal.set_aside(entry)
    else:
        journal.drop(entry)


def _check(root: Path, path: str, before: bytes, after: bytes) -> _Change:
    target = Path(os.path.realpath(root / path))
    if root not in target.parents:
        raise CommitError(
            f"{path}: leads outside the project root {root}, where nothing is written;"
            f" leave it out with --exclude {path}"
        )
    _check_unchanged(path, target, before)
    status = os.stat(target)
    if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise CommitError(f"{path}: the file is read-only; no file was changed")
    return _Change(path, target, before, after, status.st_nlink)


def _check_unchanged(path: str, target: Path, before: bytes) -> None:
    if _read(target) != before:
        raise StaleFileError(
            path, "stale", f"{path}: changed on disk since it was read; no file was changed"
        )


def _read(target: Path) -> bytes | None:
    """The bytes of a regular file; None for anything else, also for one that is not there."""
    try:
        if not stat.S_ISREG(os.stat(target).st_mode):
            return None
        return target.read_bytes()
    except OSError:
        return None


def _unique(changes: Iterable[_Change]) -> tuple[_Change, ...]:
    """One change a real file: two links to it may be written if they agree."""
    found: dict[Path, _Change] = {}
    for change in changes:
        other = found.setdefault(change.target, change)
        if other.after != change.after:
            raise CommitError(
                f"{change.path} and {other.path} are one file and would be written differently;"
                f" leave one out with --exclude {change.path}"
            )
    return tuple(found.values())


def _open_entry(root: Path, changes: tuple[_Change, ...], state_dir: Path) -> Entry:
    token = os.urandom(4).hex()
    records = [
        Record(
            change.path,
            change.target.relative_to(root).as_posix(),
            change.target.with_name(f".codemod-{token}-{index}").relative_to(root).as_posix(),
            digest(change.before),
            digest(change.after),
        )
        for index, change in enumerate(changes)
    ]
    try:
        return journal.add(state_dir, records, (change.before for change in changes))
    except OSError as error:
        raise CommitError(
            f"{state_dir}: the journal cannot be written: {_reason(error)}; no file was changed"
        ) from None


def _write(root: Path, entry: Entry, changes: tuple[_Change, ...]) -> None:
    temporaries = [root / record.temporary for record in entry.records]
    for change, temporary in zip(changes, temporaries, strict=True):
        try:
            durable.write_new(temporary, change.after, like=change.target)
        except OSError as error:
            raise _cannot_write(change.path, error) from None
    for change, temporary in zip(changes, temporaries, strict=True):
        _check_unchanged(change.path, change.target, change.before)
        try:
            os.replace(temporary, change.target)
        except OSError as error:
            raise _cannot_write(change.path, error) from None
    try:
        _sync_folders(temporaries)
        journal.mark_done(entry)
    except OSError as error:
        raise _cannot_write(changes[-1].path, error) from None


def _cannot_write(path: str, error: OSError) -> CommitError:
    return CommitError(f"{path}: cannot be written: {_reason(error)}; no file was changed")


def _abort(root: Path, entry: Entry, error: BaseException) -> None:
    """Undo what was written of a commit that failed with `error`."""
    try:
        _, kept = _roll_back(root, entry)
        _forget(entry, kept)
    except OSError as second:
        raise CommitError(
            f"{error}; putting the files back stopped as well ({_reason(second)}):"
            " every file is whole, old or new: run `codemod undo`"
        ) from None


def _settle(state_dir: Path) -> None:
    """The commit stands: a journal that cannot be pruned is no reason to fail."""
    try:
        journal.prune(state_dir)
    except (OSError, CommitError):
        return


def _roll_back(root: Path, entry: Entry) -> tuple[tuple[str, ...], tuple[Kept, ...]]:
    restored: list[str] = []
    kept: list[Kept] = []
    _remove_temporaries(root, entry)
    for index, record in enumerate(entry.records):
        target, temporary = root / record.target, root / record.temporary
        reason = _why_not_restorable(record, target)
        if reason:
            kept.append(Kept(record.path, reason))
        elif digest(_read(target) or b"") == record.after:
            durable.write_new(temporary, entry.before(index), like=target)
            os.replace(temporary, target)
            restored.append(record.path)
    _sync_folders(root / record.temporary for record in entry.records)
    return tuple(restored), tuple(kept)


def _why_not_restorable(record: Record, target: Path) -> str:
    data = _read(target)
    if data is None:
        return "is gone or cannot be read"
    if digest(data) not in (record.before, record.after):
        return "was changed since it was written"
    return ""


def _is_written(root: Path, entry: Entry) -> bool:
    found = ((record, _read(root / record.target)) for record in entry.records)
    return all(data is not None and digest(data) == record.after for record, data in found)


def _remove_temporaries(root: Path, entry: Entry) -> None:
    for record in entry.records:
        durable.remove(root / record.temporary)


def _sync_folders(paths: Iterable[Path]) -> None:
    for folder in sorted({path.parent for path in paths}):
        if folder.is_dir():
            durable.sync_folder(folder)


def _last(entries: tuple[Entry, ...]) -> Entry | None:
    return entries[-1] if entries else None


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _hard_link_note(path: str) -> str:
    return f"{path} has other hard links: they keep the old text."


def _files(paths: Iterable[object]) -> str:
    count = len(list(paths))
    return "1 file" if count == 1 else f"{count} files"
