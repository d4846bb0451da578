"""Root gives up what makes it root: its user, its capabilities, its way back.

Limits on processes bind no root, and a user namespace of its own would make a user root again:
so root becomes a user that nobody else is, and nobody keeps a capability.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Iterable, List, Optional, Tuple

_KEEP_CAPABILITIES = 8
_DROP_FROM_BOUNDING_SET = 24
_NO_NEW_PRIVILEGES = 38
_VERSION_3 = 0x20080522
_OVERRIDE, _READ_AND_SEARCH = 1, 2
_READING = (_OVERRIDE, _READ_AND_SEARCH)
_MOST_CAPABILITIES = 64

# Users that no system hands out (systemd's table of users has them free), below 65536, which is
# all that a container may know.
_FIRST_USER, _USERS = 60578, 606

_libc = ctypes.CDLL(None, use_errno=True)


def drop(folder: str, needed: Iterable[str]) -> Tuple[str, ...]:
    """Become an unprivileged user that owns `folder` and can read the `needed` paths.

    Gives words for what holds; root that could not read what it needs stays root and says nothing.
    """
    if not sys.platform.startswith("linux"):
        return ()
    words: List[str] = []
    user = _free_user() if os.geteuid() == 0 else None
    if user is not None and _child_can(user, folder, list(needed)):
        os.chown(folder, user, user)
        _become(user)
        words.append("unprivileged-user")
    else:
        _leave_capabilities(_READING if os.geteuid() == 0 else (_READ_AND_SEARCH,))
    if not _has_capabilities():
        words.append("no-capabilities")
    return tuple(words)


def limit_processes(more: int, alone: bool) -> bool:
    """Let this user have so many more processes and threads. True where that binds: not root.

    `alone`: the system counts no process of this user but our own.
    """
    import resource

    wanted = more if alone else _processes_of_this_user() + more
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NPROC, (wanted, wanted))
    except (OSError, ValueError):
        return False
    return os.geteuid() != 0


def _processes_of_this_user() -> int:
    """Threads included, as far as `/proc` tells."""
    user, count = os.getuid(), 0
    try:
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.stat("/proc/" + name).st_uid == user:
                    count += len(os.listdir("/proc/%s/task" % name))
            except OSError:
                continue
    except OSError:
        return 0
    return count


def _free_user() -> Optional[int]:
    """A number that no process has as its user."""
    taken = set()
    try:
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    taken.add(os.stat("/proc/" + name).st_uid)
                except OSError:
                    continue
    except OSError:
        pass
    for turn in range(_USERS):
        user = _FIRST_USER + (os.getpid() + turn) % _USERS
        if user not in taken:
            return user
    return None


def _child_can(user: int, folder: str, needed: List[str]) -> bool:
    """Whether a process that became this user gets at everything: tried out in a child."""
    pid = os.fork()
    if pid == 0:
        try:
            os.chown(folder, user, user)
            _become(user)
            for path in needed:
                if os.path.isdir(path):
                    os.listdir(path)
                elif os.path.exists(path):
                    open(path, "rb").close()
                else:
                    os._exit(1)
            os.rmdir(_made(folder))
            os._exit(0)
        except OSError:
            pass
        finally:
            os._exit(1)
    done = os.waitpid(pid, 0)[1] == 0
    if not done:
        os.chown(folder, 0, 0)
    return done


def _made(folder: str) -> str:
    path = os.path.join(folder, "may-i")
    os.mkdir(path)
    return path


def _become(user: int) -> None:
    """Raises OSError. Of the capabilities only reading what root could read is kept."""
    _drop_from_bounding_set()
    _libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _leave_capabilities((_READ_AND_SEARCH,))


def _leave_capabilities(kept: Tuple[int, ...]) -> None:
    _drop_from_bounding_set()
    left = _permitted() & sum(1 << number for number in kept)
    low, high = left & 0xFFFFFFFF, left >> 32
    data = struct.pack("=6I", low, low, 0, high, high, 0)
    _libc.capset(struct.pack("=Ii", _VERSION_3, 0), data)
    _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _drop_from_bounding_set() -> None:
    for number in range(_MOST_CAPABILITIES):
        if _libc.prctl(_DROP_FROM_BOUNDING_SET, number, 0, 0, 0) != 0:
            return


def _permitted() -> int:
    header = struct.pack("=Ii", _VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    if _libc.capget(header, data) != 0:
        return 0
    low, high = struct.unpack("=6I", data.raw)[1::3]
    return int(low) | int(high) << 32


def _has_capabilities() -> bool:
    return bool(_permitted() & ~(1 << _READ_AND_SEARCH))
