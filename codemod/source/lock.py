"""One writer at a time: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from codemod.errors import CommitError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def held(state_dir: Path, patience: float = 10.0) -> Iterator[None]:
    """Hold the project's lock. Raises CommitError after `patience` seconds in vain."""
    try:
        os.makedirs(state_dir, exist_ok=True)
        descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CommitError(
            f"{state_dir}: the journal cannot be written: {error.strerror}; no file was changed"
        ) from None
    try:
        _wait(descriptor, state_dir, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, state_dir: Path, deadline: float) -> None:
    while True:
        try:
            return _try_lock(descriptor)
        except OSError:
            if time.monotonic() >= deadline:
                raise CommitError(
                    "another codemod run is writing to this project; no file was changed:"
                    " wait for it and run again"
                ) from None
            time.sleep(0.02)
