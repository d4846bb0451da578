"""What the user's code can't do while it is confirmed: write, connect, outlive, eat the machine.

A slot gives up what it has of the system, each zygote the right to write before it imports
anything, and each run everything but a folder of its own.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

from . import landlock, namespaces, privileges, process
from .audit import Guard

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
_SHARED_MEMORY = "/dev/shm"
_MORE_PROCESSES = 256
_DISK = 1 << 30
_HOMES = ("HOME", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TORCH_HOME")
_CACHES = ("HF_HOME", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")

VARIABLES = frozenset(_HOMES + _CACHES + _OFFLINE)  # what a run finds other than the user set it

_guard: Optional[Guard] = None
_entered: Tuple[str, ...] = ()


def enter(folder: str, needed: Iterable[str]) -> Tuple[str, ...]:
    """Give up, for good, what this process and all of its children won't need of the system.

    It has one thread and writes in `folder` alone. `needed`: paths that must stay readable.
    Words for what holds. Its right to be told of its parent's death is gone: ask again.
    """
    global _entered
    needed = list(needed)
    words = list(namespaces.enter(folder, _DISK, needed))
    words += privileges.drop(folder, needed)
    alone = "unprivileged-user" in words or "own-user-namespace" in words
    if privileges.limit_processes(_MORE_PROCESSES, alone):
        words.append("process-limit")
    _entered = tuple(words)
    return _entered


def close_around(folder: str, system: bool = True, root: str = "") -> Tuple[str, ...]:
    """From now on only `folder` can be written. Words for what holds.

    It can be called again with a folder inside the first. `system`: use what the operating system
    has, beyond Python's own audit hook. `root`: the project's folder, whose lines are named.
    """
    global _guard
    enforced: Tuple[str, ...] = ()
    if system:
        enforced = landlock.restrict([folder, _SHARED_MEMORY], _DEVICES)
    if _guard is None:
        _guard = Guard(folder, _holds_programs([*_entered, *enforced]), root)
        _guard.install()
    else:
        _guard.folder = os.path.realpath(folder)
    _live_in(folder)
    return _words(enforced)


def run_of(class_name: str) -> None:
    """From now on what is tried is tried by this model."""
    if _guard is not None:
        _guard.class_name = class_name


def attempts() -> List[Dict[str, Any]]:
    """What was tried in this process and those that it is a fork of; see `Guard.attempts`."""
    return _guard.attempts() if _guard is not None else []


def _holds_programs(words: Sequence[str]) -> bool:
    """Whether the system holds another program as the audit hook holds Python."""
    return all(
        any(word.startswith(kind) for word in words) for kind in ("read-only:", "no-network:")
    )


def _words(enforced: Sequence[str]) -> Tuple[str, ...]:
    words: List[str] = [*_entered, *enforced]
    for word in ("read-only", "no-network"):
        if not any(one.startswith(word) for one in words):
            words.append(word + ":audit-hook")
    return tuple(words)


def _live_in(folder: str) -> None:
    os.chdir(folder)
    for name in _HOMES + _CACHES:
        os.environ[name] = folder
    for name in _OFFLINE:
        os.environ[name] = "1"
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile.tempdir = None  # type: ignore[attr-defined]


def probe(folder: str, memory: int) -> Tuple[str, ...]:
    """What a run in `folder` is held by: found out by a child that closes itself in."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        words: List[str] = []
        try:
            words += ["memory-limit"] if process.limit_memory(memory) else []
            words += close_around(folder)
        finally:
            os.write(write_end, " ".join(words).encode())
            os._exit(0)
    os.close(write_end)
    with open(read_end, "rb") as file:
        found = file.read().decode().split()
    process.reap(pid)
    return tuple(sorted({"deadline", "no-input", "scratch-directory", *found}))
