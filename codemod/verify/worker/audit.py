"""Refuses, inside Python, what the operating system might not: an audit hook.

Code that goes around Python (C extensions, other programs) is not held by it: it stands behind
Landlock and network namespaces where there are any, and for them where there are none.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, Tuple

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
_SHARED_MEMORY = "/dev/shm"

# Which arguments of an event are paths that it changes.
_CHANGED: Dict[str, Tuple[int, ...]] = {
    "os.chflags": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (0, 1),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.removexattr": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.setxattr": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "shutil.rmtree": (0,),
}
_PROGRAMS = ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "pty.spawn")
_NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


class Guard:
    """The one hook of a process. `folder` moves with the process; nothing switches it off.

    `programs`: others may be started, since the system holds them too.
    """

    def __init__(self, folder: str, programs: bool) -> None:
        self.folder = os.path.realpath(folder)
        self._checks: Dict[str, Callable[[str, Tuple[Any, ...]], None]] = {
            "open": self._open,
            "os.kill": _kill,
            "os.killpg": _kill,
            **dict.fromkeys(_CHANGED, self._change),
            **dict.fromkeys(_NETWORK, self._connect),
            **dict.fromkeys(_NAMES, _look_up),
        }
        if not programs:
            self._checks.update(dict.fromkeys(_PROGRAMS, _start_program))

    def install(self) -> None:
        """Hook it in. It stays, in this process and all of its forks."""
        check_of = self._checks.get

        def hook(event: str, arguments: Tuple[Any, ...]) -> None:
            check = check_of(event)
            if check is not None:
                check(event, arguments)

        sys.addaudithook(hook)

    def _open(self, event: str, arguments: Tuple[Any, ...]) -> None:
        path, mode, flags = arguments[:3]
        writing = isinstance(flags, int) and flags & _WRITING
        if isinstance(mode, str) and any(letter in mode for letter in "wax+"):
            writing = True
        if writing and not self._may_change(path):
            _refuse("open %s for writing" % (path,), "only the scratch folder can be written")

    def _change(self, event: str, arguments: Tuple[Any, ...]) -> None:
        for index in _CHANGED[event]:
            if index < len(arguments) and not self._may_change(arguments[index]):
                _refuse(
                    "%s %s" % (event, arguments[index]), "only the scratch folder can be written"
                )

    def _may_change(self, path: Any) -> bool:
        if isinstance(path, int):
            return True
        try:
            text = os.fsdecode(path)
        except (TypeError, ValueError):
            return True
        if text in _DEVICES:
            return True
        parent, name = os.path.split(os.path.abspath(text))
        real = os.path.join(os.path.realpath(parent), name)
        if os.path.islink(real):
            real = os.path.realpath(real)
        return any(
            real == folder or real.startswith(folder + os.sep)
            for folder in (self.folder, _SHARED_MEMORY)
        )

    def _connect(self, event: str, arguments: Tuple[Any, ...]) -> None:
        address = arguments[1] if len(arguments) > 1 else None
        if isinstance(address, (str, bytes)):
            if not address or self._may_change(address):
                return
        elif address is None:
            return
        _refuse(event, "no network")


def _kill(event: str, arguments: Tuple[Any, ...]) -> None:
    if arguments[0] in (os.getpid(), 0) or _is_child(arguments[0]):
        return
    _refuse("kill process %s" % (arguments[0],), "not a process of the model")


def _look_up(event: str, arguments: Tuple[Any, ...]) -> None:
    _refuse(event, "no network")


def _start_program(event: str, arguments: Tuple[Any, ...]) -> None:
    _refuse(event, "no other programs")


def _is_child(pid: Any) -> bool:
    try:
        with open("/proc/%d/stat" % pid) as file:
            return int(file.read().rpartition(")")[2].split()[1]) == os.getpid()
    except (OSError, ValueError, IndexError, TypeError):
        return False


def _refuse(what: str, why: str) -> None:
    raise PermissionError("codemod refuses %s: %s while confirming" % (what, why))
