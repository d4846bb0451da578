"""Linux namespaces: a process leaves the network and sees all files read-only but its own folder.

A read-only mount also refuses what Landlock does not know (`chmod`, `chown`, `utime`), and it holds
other programs as well as Python.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Callable, Iterable, List, Sequence, Tuple

_NEW_MOUNTS = 0x00020000
_NEW_IPC = 0x08000000
_NEW_USER = 0x10000000
_NEW_NETWORK = 0x40000000

_NO_SET_UID, _NO_DEVICES = 2, 4
_RECURSIVE, _PRIVATE = 1 << 14, 1 << 18
_MOUNT_SETATTR = 442
_HERE = -100
_WHOLE_TREE = 0x8000
_READ_ONLY = 1

_SHARED_MEMORY = "/dev/shm"
# Where services listen: the network namespace does not take away a socket that is a file.
_SOCKETS = "/run"

_libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """The system does not let us."""


def enter(folder: str, size: int, needed: Iterable[str]) -> Tuple[str, ...]:
    """Move this process, which has one thread, into namespaces of its own.

    `folder` becomes an empty file system of at most `size` bytes, for this process and its
    children alone. `needed`: paths that must stay visible. Gives words for what holds.
    """
    if not sys.platform.startswith("linux"):
        return ()
    words: List[str] = []
    if _unshare(_NEW_NETWORK):
        words.append("no-network:namespace")
    elif _unshare(_NEW_USER | _NEW_NETWORK):
        words += ["no-network:namespace", "own-user-namespace"]
    if _unshare(_NEW_MOUNTS | _NEW_IPC):
        words += _mounts(folder, size, list(needed))
    return tuple(words)


def _unshare(flags: int) -> bool:
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(flags) != 0:
        return False
    if flags & _NEW_USER:
        _map("setgroups", "deny")
        _map("uid_map", "%d %d 1" % (user, user))
        _map("gid_map", "%d %d 1" % (group, group))
    return True


def _map(name: str, text: str) -> None:
    try:
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    except OSError:
        pass


def _mounts(folder: str, size: int, needed: Sequence[str]) -> List[str]:
    try:
        _mount("none", "/", None, _RECURSIVE | _PRIVATE, None)
    except Refused:
        return []
    words: List[str] = []
    own = []
    for place, mode in ((folder, "0700"), (_SHARED_MEMORY, "1777")):
        if os.path.isdir(place) and _does(lambda: _fresh(place, size, mode)):  # noqa: B023
            own.append(place)
    if folder in own:
        words.append("disk-limit")
    if _may_hide(_SOCKETS, [folder, *needed]) and _does(lambda: _fresh(_SOCKETS, 1 << 20, "0755")):
        words.append("no-services")
    if folder in own and _does(lambda: _set_attributes("/", True, _READ_ONLY, 0)):
        for place in own:
            _set_attributes(place, False, 0, _READ_ONLY)
        words.append("read-only:mounts")
    return words


def _does(action: Callable[[], None]) -> bool:
    try:
        action()
    except Refused:
        return False
    return True


def _may_hide(place: str, needed: Sequence[str]) -> bool:
    """Whether nothing that is needed lies there (NixOS keeps all programs below it)."""
    if not os.path.isdir(place) or os.path.isdir(os.path.join(place, "current-system")):
        return False
    real = [os.path.realpath(path) for path in needed]
    return not any(path == place or path.startswith(place + "/") for path in real)


def _fresh(place: str, size: int, mode: str) -> None:
    options = "size=%d,mode=%s" % (size, mode)
    _mount("tmpfs", place, "tmpfs", _NO_SET_UID | _NO_DEVICES, options)


def _mount(source: str, target: str, kind: "str | None", flags: int, options: "str | None") -> None:
    texts = [None if one is None else os.fsencode(one) for one in (source, target, kind, options)]
    if _libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]) != 0:
        raise Refused("mount")


def _set_attributes(place: str, tree: bool, added: int, cleared: int) -> None:
    attributes = struct.pack("QQQQ", added, cleared, 0, 0)
    done = _libc.syscall(
        _MOUNT_SETATTR,
        _HERE,
        os.fsencode(place),
        ctypes.c_uint(_WHOLE_TREE if tree else 0),
        attributes,
        ctypes.c_size_t(len(attributes)),
    )
    if done != 0:
        raise Refused("mount_setattr")
