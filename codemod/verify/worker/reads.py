"""Which files, folders, variables and packages an answer depends on beyond the loaded sources.

Told by Python's audit events, and by the functions that ask whether a file is there. What C code
opens by itself is not seen.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pathlib
import sys
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from . import loader

_PROGRAMS = ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "pty.spawn")
_LISTINGS = ("os.listdir", "os.scandir")
_OF_THE_SYSTEM = ("/proc/", "/sys/", "/dev/")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ASKING = ("exists", "isfile", "isdir", "lexists", "getmtime", "getsize")
_ASKING_PATHS = ("exists", "is_file", "is_dir")

_LIBRARY = os.path.dirname(os.__file__) + os.sep

Kind = str  # path, listing, importable, variable, package, program
Read = Tuple[Kind, str]


class Reads:
    """Watches a process, and the forks of it, from `install` on.

    `installed`: the folders of `sys.path` that packages are installed in. What happens at import
    is put down to the project's file that did it; what happens in a run counts for the run.
    """

    def __init__(
        self, root: str, scratch: str, installed: Sequence[str], fixed: Iterable[str] = ()
    ) -> None:
        self._root = loader.real(root)
        own = os.path.dirname(os.path.abspath(__file__))
        self._passed_over = (loader.real(scratch) + os.sep, own + os.sep, *_OF_THE_SYSTEM)
        self._installed = sorted((one + os.sep for one in installed), key=len, reverse=True)
        self._fixed = frozenset(fixed)
        self._at_import: Dict[Optional[str], Set[Read]] = {}
        self._in_run: Optional[Set[Read]] = None
        self._shared = -1
        self._busy = False

    def install(self) -> None:
        """Watch from now on; it cannot be taken back."""
        noted = {
            "open": self._open,
            **dict.fromkeys(_LISTINGS, self._list),
            **dict.fromkeys(_PROGRAMS, self._program),
        }
        check_of = noted.get

        def hook(event: str, arguments: Tuple[Any, ...]) -> None:
            note = check_of(event)
            if note is not None:
                note(arguments)

        sys.addaudithook(hook)
        self._watch_questions()
        self._watch_variables()

    def begin(self, folder: str) -> None:
        """A run starts in this process: what it and its forks read counts for it."""
        self._in_run = set()
        name = os.path.join(folder, ".reads")
        self._shared = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.unlink(name)

    def depends(self, files: Optional[Iterable[str]]) -> List[str]:
        """All that an answer depends on that needed these files: `KIND:NAME`, sorted.

        None: whatever was read, as after an import that failed halfway.
        """
        found: Set[Read] = set(self._in_run or ())
        for file in list(self._at_import) if files is None else [None, *files]:
            found |= self._at_import.get(file, set())
        return ["%s:%s" % read for read in sorted(found | self._of_forks())]

    def _of_forks(self) -> Set[Read]:
        if self._shared < 0:
            return set()
        try:
            data = os.pread(self._shared, os.fstat(self._shared).st_size, 0)
        except OSError:
            return {("program", "the run closed what is written down of it")}
        return {tuple(json.loads(line)) for line in data.splitlines()}

    # What is noted

    def _open(self, arguments: Tuple[Any, ...]) -> None:
        path, _, flags = arguments[:3]
        if isinstance(flags, int) and flags & _WRITING:
            return
        self._path("path", path)

    def _list(self, arguments: Tuple[Any, ...]) -> None:
        by_import = sys._getframe(2).f_code.co_filename.startswith("<frozen importlib")
        self._path("importable" if by_import else "listing", arguments[0] or ".")

    def _program(self, arguments: Tuple[Any, ...]) -> None:
        """What an installed package starts (matplotlib asks for fonts) is its own affair."""
        if not self._is_for_a_package():
            self._note("program", str(arguments[0]) if arguments else "")

    def _is_for_a_package(self) -> bool:
        """Whether the innermost frame beyond the standard library is one of a package."""
        frame = sys._getframe(3)
        while frame is not None:
            name = frame.f_code.co_filename
            if _is_installed(os.path.dirname(name)):
                return True
            if not name.startswith((_LIBRARY, "<frozen")):
                return False
            frame = frame.f_back  # type: ignore[assignment]
        return False

    def _path(self, kind: Kind, path: Any) -> None:
        if isinstance(path, int):
            return
        try:
            name = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return
        if name.startswith(self._passed_over):
            return
        for folder in self._installed:
            if name.startswith(folder):
                top = name[len(folder) :].partition(os.sep)[0]
                if kind == "path" and top != "__pycache__":
                    self._note("package", folder + top)
                return
        if name + os.sep in self._installed:
            return
        self._note(kind, _source_of(name))

    def _note(self, kind: Kind, name: str) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            self._keep((kind, name))
        finally:
            self._busy = False

    def _keep(self, read: Read) -> None:
        if self._in_run is None:
            self._at_import.setdefault(self._importer(read[1]), set()).add(read)
        elif read not in self._in_run:
            self._in_run.add(read)
            with contextlib.suppress(OSError):
                os.write(self._shared, json.dumps(read).encode() + b"\n")

    def _importer(self, opened: str) -> Optional[str]:
        """The innermost of the project's files that is being executed.

        A source that the import system opens counts for itself: `imports` tells who needs it.
        """
        frame = sys._getframe(3)
        while frame is not None:
            name = frame.f_code.co_filename
            if _is_machinery(name) and opened.endswith(".py"):
                return opened
            if name.startswith(self._root + os.sep) and not name.startswith(tuple(self._installed)):
                return loader.real(name)
            frame = frame.f_back  # type: ignore[assignment]
        return None

    # What raises no event

    def _watch_questions(self) -> None:
        for name in _ASKING:
            setattr(os.path, name, self._asking(getattr(os.path, name)))
        for name in _ASKING_PATHS:
            setattr(pathlib.Path, name, self._asking(getattr(pathlib.Path, name)))

    def _asking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def ask(path: Any, *arguments: Any, **named: Any) -> Any:
            self._path("path", path)
            return function(path, *arguments, **named)

        ask.__name__ = function.__name__
        ask.__doc__ = function.__doc__
        return ask

    def _watch_variables(self) -> None:
        kind: Any = type(os.environ)
        get, each = kind.__getitem__, kind.__iter__

        def getitem(environ: Any, key: Any) -> Any:
            if isinstance(key, str) and key not in self._fixed:
                self._note("variable", key)
            return get(environ, key)

        def iterate(environ: Any) -> Any:
            self._note("variable", "*")
            return each(environ)

        kind.__getitem__, kind.__iter__ = getitem, iterate


def _is_machinery(name: str) -> bool:
    if os.path.dirname(name) == os.path.dirname(__file__):
        return name != __file__
    return name.startswith("<frozen importlib")


def _source_of(name: str) -> str:
    """The source of a file of bytecode."""
    if name.endswith(".pyc"):
        try:
            return importlib.util.source_from_cache(name)
        except ValueError:
            return name
    return name


def installed_folders(entries: Iterable[str]) -> List[str]:
    """Of the entries of `sys.path`, those that hold Python's own modules and installed packages."""
    return [one for one in entries if _is_installed(one) or (one + os.sep).startswith(_LIBRARY)]


def _is_installed(folder: str) -> bool:
    return not {"site-packages", "dist-packages"}.isdisjoint(folder.split(os.sep))
