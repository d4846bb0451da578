"""Values kept on disk between runs: what is broken, or of another program, counts as missing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codemod.source.durable import write_file

_SEAL = 16


def keep(file: Path, key: str, value: object) -> None:
    """Write a value, to be found under the same key. A disk that refuses it keeps nothing."""
    payload = pickle.dumps(value, protocol=5)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, _seal(key, payload) + payload)


def kept(file: Path, key: str) -> Any:
    """What was kept under the key; None where nothing was. What stands there instead goes."""
    with contextlib.suppress(OSError):
        data = file.read_bytes()
        payload = memoryview(data)[_SEAL:]
        if data[:_SEAL] == _seal(key, payload):
            return pickle.loads(payload)
        file.unlink()
    return None


def program(files: Iterable[str] = ()) -> str:
    """Tells one state of this Python, of this package and of `files` from others."""
    own = Path(__file__).resolve().parent.parent
    sources = sorted({*files, *map(str, own.rglob("*.py"))})
    return repr((sys.version, [(path, *_state(path)) for path in sources]))


def _state(path: str) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _seal(key: str, payload: bytes | memoryview) -> bytes:
    said = hashlib.blake2b(key.encode(), digest_size=_SEAL)
    said.update(payload)
    return said.digest()
