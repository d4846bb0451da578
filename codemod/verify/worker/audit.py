"""Refuses, inside Python, what the operating system might not, and keeps a list: an audit hook.

Code that goes around Python (C extensions, other programs) is not held by it: it stands behind
Landlock and network namespaces where there are any, and for them where there are none.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, List, Tuple

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
# What `subprocess` does underneath: it has told of the program itself.
_STARTED_BY_OTHERS = ("os.exec", "os.posix_spawn")
_NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
_MOST_ATTEMPTS = 100
_LONGEST = 200
_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


Attempt = Tuple[str, str, str, int, str]
_FIELDS = ("kind", "what", "path", "line", "class")


class Guard:
    """The one hook of a process. `folder` moves with the process; nothing switches it off.

    `programs`: others may be started, since the system holds them too. `root`: the project's
    folder; `class_name`: of the model that runs, if one does.
    """

    def __init__(self, folder: str, programs: bool, root: str = "") -> None:
        self.folder = os.path.realpath(folder)
        self.class_name = ""
        self._root = root + os.sep if root else ""
        self._programs = programs
        self._attempts: Dict[Attempt, None] = {}
        self._checks: Dict[str, Callable[[str, Tuple[Any, ...]], None]] = {
            "open": self._open,
            "os.kill": self._kill,
            "os.killpg": self._kill,
            **dict.fromkeys(_CHANGED, self._change),
            **dict.fromkeys(_NETWORK, self._connect),
            **dict.fromkeys(_NAMES, self._look_up),
            **dict.fromkeys(_PROGRAMS, self._start_program),
        }

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
            self._note("write", path)
            _refuse("open %s for writing" % (path,), "only the scratch folder can be written")

    def _change(self, event: str, arguments: Tuple[Any, ...]) -> None:
        for index in _CHANGED[event]:
            if index < len(arguments) and not self._may_change(arguments[index]):
                self._note("write", arguments[index])
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
        self._note("network", _host_of(address))
        _refuse(event, "no network")

    def _kill(self, event: str, arguments: Tuple[Any, ...]) -> None:
        if arguments[0] in (os.getpid(), 0) or _is_child(arguments[0]):
            return
        if os.path.exists("/proc/%s" % (arguments[0],)):
            self._note("signal", "a process that is not its own")
        _refuse("kill process %s" % (arguments[0],), "not a process of the model")

    def _look_up(self, event: str, arguments: Tuple[Any, ...]) -> None:
        self._note("network", _host_of(arguments[:1]))
        _refuse(event, "no network")

    def _start_program(self, event: str, arguments: Tuple[Any, ...]) -> None:
        if event not in _STARTED_BY_OTHERS or not self._programs:
            self._note("program", _command_of(arguments))
        if not self._programs:
            _refuse(event, "no other programs")

    def attempts(self) -> List[Dict[str, Any]]:
        """What was tried that the cage is there for, as JSON, each thing once."""
        return [dict(zip(_FIELDS, attempt)) for attempt in self._attempts]

    def _note(self, kind: str, what: Any) -> None:
        """Remember an attempt, and the innermost line of the project that it came through."""
        if len(self._attempts) >= _MOST_ATTEMPTS:
            return
        try:
            text = " ".join(os.fsdecode(what).split())[:_LONGEST]
        except (TypeError, ValueError):
            text = "?"
        frame: Any = sys._getframe()
        path, line = "", 0
        while self._root and frame is not None:
            if frame.f_code.co_filename.startswith(self._root):
                path, line = frame.f_code.co_filename, frame.f_lineno
                break
            frame = frame.f_back
        self._attempts[kind, text, path, line, self.class_name] = None


def _host_of(address: Any) -> str:
    """Of a socket's address; its port tells little, and may be another each time."""
    host = address[0] if isinstance(address, tuple) and address else address
    return host if isinstance(host, (str, bytes)) else "?"  # type: ignore[return-value]


def _command_of(arguments: Tuple[Any, ...]) -> str:
    """The program and its arguments, of any event that starts one."""
    program = arguments[0] if arguments else "?"
    words = arguments[1] if len(arguments) > 1 else None
    if isinstance(words, (list, tuple)) and words:
        return " ".join(os.fsdecode(word) for word in words if isinstance(word, (str, bytes)))
    return os.fsdecode(program) if isinstance(program, (str, bytes)) else "?"


def _is_child(pid: Any) -> bool:
    try:
        with open("/proc/%d/stat" % pid) as file:
            return int(file.read().rpartition(")")[2].split()[1]) == os.getpid()
    except (OSError, ValueError, IndexError, TypeError):
        return False


def _refuse(what: str, why: str) -> None:
    raise PermissionError("codemod refuses %s: %s while confirming" % (what, why))
