"""What the user's code can't do while it is confirmed: write, connect, outlive, eat the memory.

The network is taken from a slot, the right to write from each zygote before it imports anything,
and everything but the run's own folder from each run.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import List, Optional, Sequence, Tuple

from . import landlock, process
from .audit import Guard

_NEW_NETWORK = 0x40000000
_NEW_USER = 0x10000000
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
_SHARED_MEMORY = "/dev/shm"
_HOMES = ("HOME", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TORCH_HOME")
_CACHES = ("HF_HOME", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")

_guard: Optional[Guard] = None


def leave_network() -> Tuple[str, ...]:
    """Move this process, which has one thread, into an empty network. Words for what was done."""
    if not sys.platform.startswith("linux"):
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) == 0:
        return ("no-network:namespace",)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return ()
    _map("setgroups", "deny")
    _map("uid_map", "%d %d 1" % (user, user))
    _map("gid_map", "%d %d 1" % (group, group))
    return ("no-network:namespace",)


def _map(name: str, text: str) -> None:
    try:
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    except OSError:
        pass


def close_around(folder: str, system: bool = True) -> Tuple[str, ...]:
    """From now on only `folder` can be written. Words for what holds.

    It can be called again with a folder inside the first. `system`: use what the operating system
    has, beyond Python's own audit hook.
    """
    global _guard
    enforced: Tuple[str, ...] = ()
    if system:
        enforced = landlock.restrict([folder, _SHARED_MEMORY], _DEVICES)
    if _guard is None:
        _guard = Guard(folder, enforced)
        _guard.install()
    else:
        _guard.folder = os.path.realpath(folder)
    _live_in(folder)
    return _words(enforced)


def _words(enforced: Sequence[str]) -> Tuple[str, ...]:
    words: List[str] = list(enforced)
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


def probe(folder: str, network: Sequence[str], memory: int) -> Tuple[str, ...]:
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
    if network:
        found = [word for word in found if not word.startswith("no-network")]
    return tuple(sorted(["deadline", "no-input", "scratch-directory", *network, *found]))
