"""The files that git tracks although a `.gitignore` names them: they belong to the project."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# `core.fsmonitor` may name a program of the repository, which would be run.
_LIST = ("git", "-c", "core.fsmonitor=false", "ls-files", "-z", "-c", "-i", "--exclude-standard")
_SECONDS = 20


@dataclass(frozen=True)
class Tracked:
    """Those below a folder, asked of git when it is first needed; none where git cannot tell."""

    root: Path

    def holds(self, path: str) -> bool:
        """Whether a file, or any file in a folder, is one; `path` is relative to `root`."""
        return path in self._paths

    @cached_property
    def _paths(self) -> frozenset[str]:
        if not any((folder / ".git").exists() for folder in (self.root, *self.root.parents)):
            return frozenset()
        try:
            done = subprocess.run(
                _LIST,
                cwd=self.root,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return frozenset()
        names = (
            done.stdout.decode("utf-8", "surrogateescape").split("\0")
            if not done.returncode
            else []
        )
        return frozenset(part for name in names for part in _with_folders(name))


def _with_folders(path: str) -> list[str]:
    """`a`, `a/b` and `a/b/c.py` of `a/b/c.py`."""
    ends = [index for index, one in enumerate(path) if one == "/"]
    return [*(path[:end] for end in ends), path]
