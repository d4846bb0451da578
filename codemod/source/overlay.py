"""What rewrites would make of the project: an immutable view over the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codemod.errors import SourceError


@dataclass(frozen=True)
class Overlay:
    """`path -> bytes`, the disk where nothing is laid over it. Paths are relative to `root`."""

    root: Path
    changes: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        """Raises SourceError (unreadable) with the reason that the system gives."""
        if path in self.changes:
            return self.changes[path]
        return read_file(self.root, path)

    def lay(self, changes: Mapping[str, bytes]) -> Overlay:
        return Overlay(self.root, {**self.changes, **changes})


def digest(data: bytes) -> bytes:
    """Tells one content of a file from another."""
    return hashlib.blake2b(data, digest_size=16).digest()


def read_file(root: Path, path: str) -> bytes:
    """The bytes of one project file. Raises SourceError (unreadable)."""
    try:
        return (root / path).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceError(path, "unreadable", f"{path}: cannot be read: {reason}") from None
