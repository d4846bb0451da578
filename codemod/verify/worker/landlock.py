"""Landlock: a process of any user gives up its right to write, connect and signal, for good."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Iterable, Tuple

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE = 1 << 1
_REMOVE_DIR = 1 << 4
_REMOVE_FILE = 1 << 5
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = (
    1 << bit for bit in range(6, 13)
)
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_CHANGES = (
    _WRITE_FILE
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_CHAR
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_SOCK
    | _MAKE_FIFO
    | _MAKE_BLOCK
    | _MAKE_SYM
)
_CONNECT_TCP, _BIND_TCP = 1 << 1, 1 << 0
_SCOPE_ABSTRACT_SOCKET, _SCOPE_SIGNAL = 1 << 0, 1 << 1

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of the system's Landlock; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def restrict(folders: Iterable[str], files: Iterable[str]) -> Tuple[str, ...]:
    """Take from this process the right to change anything but what lies in `folders`.

    `files` (devices) may be written, not removed. Gives words for what is enforced from now on;
    () where the system can't.
    """
    known = version()
    if known < 1:
        return ()
    rights = _CHANGES | (_REFER if known >= 2 else 0) | (_TRUNCATE if known >= 3 else 0)
    network = _CONNECT_TCP | _BIND_TCP if known >= 4 else 0
    scope = _SCOPE_ABSTRACT_SOCKET | _SCOPE_SIGNAL if known >= 6 else 0
    attributes = struct.pack("QQQ", rights, network, scope)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _libc.syscall(_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return ()
    try:
        for folder in folders:
            _allow(ruleset, folder, rights)
        for file in files:
            _allow(ruleset, file, rights & (_WRITE_FILE | _TRUNCATE))
        enforced = (
            _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            and _libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)) == 0
        )
    finally:
        os.close(ruleset)
    if not enforced:
        return ()
    return ("read-only:landlock",) + (("no-network:landlock",) if network else ())


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, getattr(os, "O_PATH", 0) | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = struct.pack("=Qi", rights, fd)
        _libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, ctypes.c_uint32(0))
    finally:
        os.close(fd)
