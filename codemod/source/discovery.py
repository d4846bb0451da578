"""Which Python files make a project, and which of them a run may rewrite."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pathspec

from codemod.errors import UsageError
from codemod.results import FileError
from codemod.source.tracked import Tracked

SKIPPED_DIRECTORIES = frozenset(
    {
        ".bzr", ".direnv", ".eggs", ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox",
        ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv", "__pycache__", "__pypackages__",
        "_build", "build", "dist", "node_modules", "site-packages", "third_party", "vendor", "venv",
    }
)  # fmt: skip


# Configuration and stub files name layers and classes; what is larger than this is data.
DOCUMENTS = (".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".pyi")
_LARGEST_DOCUMENT = 128 * 1024


@dataclass(frozen=True, slots=True)
class Discovery:
    """All Python files of a project (`files`) and those that may be rewritten (`selected`).

    `documents`: its configuration and stub files, which are read and never written.
    """

    root: Path
    files: tuple[str, ...]
    selected: frozenset[str]
    errors: tuple[FileError, ...]
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ignore:
    """One `.gitignore` and the folder it rules."""

    base: str
    spec: pathspec.GitIgnoreSpec


def discover(
    root: Path,
    paths: Sequence[Path],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Discovery:
    """List the project below `root`; `paths` (files or folders) say what may be rewritten.

    Folders such as `.venv` or `vendor` are skipped unless a path or `include` names them.
    Raises UsageError for a path that does not exist or lies outside `root`.
    """
    root = root.resolve()
    errors: list[FileError] = []
    tracked = Tracked(root)
    everything: dict[str, None] = {}
    documents: list[str] = []
    for path in _walk(root, root, include, errors, tracked):
        if path.endswith(DOCUMENTS):
            documents.append(path)
        else:
            everything[path] = None
    selected: set[str] = set()
    for named in paths:
        absolute = named if named.is_absolute() else Path.cwd() / named
        relative = _relative(root, absolute, named)
        if absolute.is_dir():
            prefix = "" if relative == "." else relative + "/"
            below = [path for path in everything if path.startswith(prefix)]
            if not below and relative != ".":
                found = _walk(root, absolute.resolve(), include, errors, tracked, named=True)
                below = [path for path in found if not path.endswith(DOCUMENTS)]
            selected.update(below)
            everything.update(dict.fromkeys(below))
        elif os.path.lexists(absolute):
            selected.add(relative)
            everything[relative] = None
        else:
            raise UsageError(f"{named}: no such file or folder")
    keep = {path for path in selected if not _matches(path, exclude)}
    return Discovery(
        root, tuple(sorted(everything)), frozenset(keep), tuple(errors), tuple(sorted(documents))
    )


def _relative(root: Path, absolute: Path, named: Path) -> str:
    # Only the folder is resolved: a named symbolic link to a file stays the file that was named.
    resolved = absolute.parent.resolve() / absolute.name if absolute.name else absolute.resolve()
    if absolute.is_dir():
        resolved = absolute.resolve()
    try:
        return resolved.relative_to(root).as_posix()
    except ValueError:
        raise UsageError(f"{named}: lies outside the project root {root}") from None


def _matches(path: str, globs: Iterable[str]) -> bool:
    return any(
        fnmatch(path, glob) or fnmatch(path, f"*/{glob}") or path.startswith(glob.rstrip("/") + "/")
        for glob in globs
    )


def _walk(
    root: Path,
    start: Path,
    include: Sequence[str],
    errors: list[FileError],
    tracked: Tracked,
    *,
    named: bool = False,
) -> Iterator[str]:
    """Relative paths of the Python and configuration files below `start`, in sorted order."""
    ignores = [] if named else list(_ignores_above(root, start))
    yield from _walk_folder(root, str(start), ignores, include, errors, tracked)


def _ignores_above(root: Path, start: Path) -> Iterator[_Ignore]:
    for folder in [*reversed(start.parents)]:
        if folder == root or root in folder.parents:
            yield from _read_ignore(str(folder), folder.relative_to(root).as_posix())


def _read_ignore(folder: str, base: str) -> Iterator[_Ignore]:
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    yield _Ignore("" if base == "." else base + "/", pathspec.GitIgnoreSpec.from_lines(lines))


def _is_ignored(relative: str, ignores: Sequence[_Ignore], tracked: Tracked) -> bool:
    for ignore in reversed(ignores):
        if relative.startswith(ignore.base):
            result = ignore.spec.check_file(relative[len(ignore.base) :])
            if result.include is not None:
                return bool(result.include) and not tracked.holds(relative.rstrip("/"))
    return False


def _walk_folder(
    root: Path,
    folder: str,
    ignores: list[_Ignore],
    include: Sequence[str],
    errors: list[FileError],
    tracked: Tracked,
) -> Iterator[str]:
    base = os.path.relpath(folder, root).replace(os.sep, "/")
    prefix = "" if base == "." else base + "/"
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        errors.append(FileError(base, "unreadable", f"{base}: {error.strerror}"))
        return
    ignores = [*ignores, *_read_ignore(folder, base)]
    for entry in entries:
        relative = prefix + entry.name
        wanted = _matches(relative, include) if include else False
        # Links to folders are not followed: they lead to a second name for a file, or in a circle.
        if entry.is_dir(follow_symlinks=False):
            skipped = entry.name in SKIPPED_DIRECTORIES or _is_virtual_environment(entry.path)
            if _may_hold_included(relative, include) or not (
                skipped or _is_ignored(relative + "/", ignores, tracked)
            ):
                yield from _walk_folder(root, entry.path, ignores, include, errors, tracked)
        elif _is_to_be_read(entry) and (wanted or not _is_ignored(relative, ignores, tracked)):
            yield relative


def _is_to_be_read(entry: os.DirEntry[str]) -> bool:
    """Whether it is a Python file or a configuration file that is no data."""
    try:
        return entry.name.endswith(".py") or (
            entry.name.endswith(DOCUMENTS) and entry.stat().st_size <= _LARGEST_DOCUMENT
        )
    except OSError:
        return False


def _may_hold_included(relative: str, include: Sequence[str]) -> bool:
    return any(glob == relative or glob.startswith(relative + "/") for glob in include)


def _is_virtual_environment(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "pyvenv.cfg"))
