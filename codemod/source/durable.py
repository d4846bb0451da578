"""Writes that survive a crash: each file is whole, old or new, at any moment."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def write_new(path: Path, data: bytes, like: Path | None = None, mode: int = 0o600) -> None:
    """Create `path` with `data`, on the disk when this returns.

    The new file has `mode` less the umask; with `like`, that file's mode, owner and extended
    attributes, as far as the system allows. Raises OSError; `path` is then gone again.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600 if like else mode)
    try:
        try:
            _write_all(descriptor, data)
            if like is not None:
                _copy_attributes(like, path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        remove(path)
        raise


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file that may be missing."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def write_file(path: Path, data: bytes) -> None:
    """Create or replace `path` in one step. Raises OSError; the old file is then untouched.

    What is no regular file (a pipe, a device) is written to instead.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        target.write_bytes(data)
        return
    temporary = target.parent / f".codemod-{os.getpid()}-{os.urandom(4).hex()}"
    write_new(temporary, data, like=target if target.exists() else None, mode=0o666)
    try:
        os.replace(temporary, target)
    except BaseException:
        remove(temporary)
        raise
    sync_folder(target.parent)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _copy_attributes(source: Path, target: Path) -> None:
    status = os.stat(source)
    own = os.stat(target)
    if hasattr(os, "chown") and (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
        _copy_owner(target, status)
    if hasattr(os, "listxattr"):
        _copy_extended(source, target)
    # Last: a change of owner clears bits of the mode.
    os.chmod(target, stat.S_IMODE(status.st_mode))


def _copy_owner(target: Path, status: os.stat_result) -> None:
    """Only the superuser may give a file away; the group can often be kept."""
    for owner in (status.st_uid, -1):
        try:
            os.chown(target, owner, status.st_gid)
            return
        except PermissionError:
            continue


def _copy_extended(source: Path, target: Path) -> None:
    """Some names (security labels) may be read and not set: they stay as the system made them."""
    try:
        for name in os.listxattr(source):
            os.setxattr(target, name, os.getxattr(source, name))
    except OSError:
        return
