"""A slot: serves one request at a time, through a zygote for each overlay and set of import roots.

It runs no code of the user's itself.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from typing import Any, Dict, List, Optional, Tuple

from . import cage, process, wire
from .failure import Failure, Refused, failure, of_status
from .loader import packages_of
from .settings import Settings
from .turns import turns

_MOST_ZYGOTES = 4
_GRACE = 5.0
# Overlay, import roots, and the one file (name, path) or package (name, "") that it is for, if it
# is for one alone.
_Key = Tuple[str, Tuple[str, ...], Optional[Tuple[str, str]]]
_DISK: Dict[str, Any] = {"files": {}, "witnesses": {}}


class Slot:
    """One side of a socket to the tool, and the zygotes behind it."""

    def __init__(self, number: int, settings: Dict[str, Any], tool: socket.socket) -> None:
        self._settings = Settings.of(settings)
        self._folder = os.path.join(self._settings.scratch, "slot-%d" % number)
        self._tool = tool
        self._overlays: Dict[str, Dict[str, Any]] = {"disk": _DISK}
        self._zygotes: "Dict[_Key, _Zygote]" = {}
        self._failed: Dict[Tuple[Any, ...], Dict[str, Any]] = {}

    def serve(self) -> None:
        """Answer requests until the tool is gone."""
        parent = os.getppid()
        process.adopt_orphans()
        process.silence()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.makedirs(self._folder)
        cage.enter(self._folder, _needed(self._settings.root))
        process.die_with_parent(parent)
        for line in self._tool.makefile("rb"):
            request = json.loads(line.decode("utf-8"))
            answer = self._answer(request)
            answer["id"] = request.get("id")
            self._tool.sendall(json.dumps(answer).encode("utf-8") + b"\n")
        for key in list(self._zygotes):
            self._end(key)

    def _answer(self, request: Dict[str, Any]) -> Dict[str, Any]:
        op = request.get("op")
        if op == "hello":
            return self._hello()
        if op == "overlay":
            self._forget(request["overlay"])
            self._overlays[request["overlay"]] = request
            return {"ok": True}
        if op == "forget":
            self._forget(request["overlay"])
            return {"ok": True}
        try:
            return self._run(request)
        except Refused as refused:
            return {"failure": refused.failure}
        except _NotImported as failed:
            return dict(failed.answer)

    def _hello(self) -> Dict[str, Any]:
        import torch

        probe = os.path.join(self._folder, "probe")
        os.makedirs(probe, exist_ok=True)
        return {
            "python": "%d.%d.%d" % sys.version_info[:3],
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "path": list(sys.path),
            "protection": cage.probe(probe, self._settings.memory),
        }

    def _run(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Import what the request names, then run it; each run in a process of its own."""
        if request["overlay"] not in self._overlays:
            raise Refused("internal", "no overlay %s was sent" % request["overlay"])
        target = (request["module"], request["path"])
        key: _Key = (request["overlay"], tuple(request.get("roots") or ()), None)
        failed = self._failed.get((key, target))
        if failed is not None:
            return dict(failed)
        key, zygote = self._zygote(key, target)
        if target not in zygote.imported:
            key = self._import(key, zygote, target)
        return self._ask(key, zygote, self._timed(request))

    def _import(self, key: "_Key", zygote: "_Zygote", target: Tuple[str, str]) -> "_Key":
        """Have a file imported; the key that its zygote has from now on. Raises `_NotImported`."""
        doing = "import %s" % target[0]
        order = {"op": "import", "module": target[0], "path": target[1]}
        seconds = self._settings.import_timeout
        try:
            answer = zygote.ask(order, seconds)
        except _Died as died:
            answer = {"failure": died.failure(doing, seconds)}
        if "failure" in answer:
            # What it loaded before it failed would make the next import of such a file succeed.
            self._end(key)
            self._failed[key, target] = answer
            raise _NotImported(answer)
        zygote.imported.add(target)
        alone = target if answer.get("changed") else (answer["changing"], "")
        if alone[0]:
            self._zygotes.pop(key)
            key = (key[0], key[1], alone)
            self._zygotes[key] = zygote
        return key

    def _ask(self, key: _Key, zygote: "_Zygote", request: Dict[str, Any]) -> Dict[str, Any]:
        seconds = sum(turn["seconds"] for turn in turns(request))
        try:
            return zygote.ask(request, seconds + _GRACE)
        except _Died as died:
            self._end(key)
            return {"failure": died.failure("the run of %s" % request["class"], seconds)}

    def _timed(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """The request with the seconds that each of its turns may take."""
        timeout = self._settings.timeout
        searching = float(request.get("budget") or 0) if request["op"] == "recipe" else 0.0
        timed = {**request, "seconds": searching + timeout}
        if request.get("observe"):
            timed["observe"] = {**request["observe"], "seconds": timeout}
        return timed

    def _zygote(self, key: "_Key", target: Tuple[str, str]) -> "Tuple[_Key, _Zygote]":
        """The zygote for a file: its own, its package's, or the one for its overlay and roots.

        The most recently used stands last.
        """
        names = [target, *((package, "") for package in packages_of(target[0]))]
        nearer: List[_Key] = [(key[0], key[1], name) for name in names]
        key = next((one for one in nearer if one in self._zygotes), key)
        zygote = self._zygotes.pop(key, None)
        if zygote is None:
            while len(self._zygotes) >= _MOST_ZYGOTES:
                self._end(next(iter(self._zygotes)))
            zygote = self._fork(key)
        self._zygotes[key] = zygote
        return key, zygote

    def _fork(self, key: _Key) -> "_Zygote":
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        folder = _fresh_folder(self._folder)
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                self._tool.close()
                process.close_all(zygote.fd for zygote in self._zygotes.values())
                from .zygote import Zygote

                overlay = self._overlays[key[0]]
                Zygote(self._settings, overlay, key[1], folder, theirs.detach()).serve(parent)
            finally:
                os._exit(0)
        theirs.close()
        return _Zygote(pid, ours.detach(), folder)

    def _forget(self, overlay: str) -> None:
        self._overlays.pop(overlay, None)
        for key in [key for key in self._zygotes if key[0] == overlay]:
            self._end(key)
        for failed in [one for one in self._failed if one[0][0] == overlay]:
            del self._failed[failed]

    def _end(self, key: _Key) -> None:
        zygote = self._zygotes.pop(key, None)
        if zygote is not None:
            zygote.end()
            process.end_children(keep=[other.pid for other in self._zygotes.values()])
            shutil.rmtree(zygote.folder, ignore_errors=True)


class _NotImported(Exception):
    """A file whose import failed, with the answer that says why."""

    def __init__(self, answer: Dict[str, Any]) -> None:
        super().__init__(answer)
        self.answer = answer


class _Died(Exception):
    """A zygote that gave no answer; what became of it."""

    def __init__(self, late: bool, status: Optional[int]) -> None:
        super().__init__(late, status)
        self.late = late
        self.status = status

    def failure(self, doing: str, seconds: float) -> Failure:
        if self.late:
            return failure(
                "timeout", "%s took more than %g s" % (doing, seconds), "raise --timeout"
            )
        return of_status(self.status, doing)


class _Zygote:
    """A zygote as its slot sees it."""

    def __init__(self, pid: int, fd: int, folder: str) -> None:
        self.pid = pid
        self.fd = fd
        self.folder = folder
        self.imported: "set[Tuple[str, str]]" = set()

    def ask(self, request: Dict[str, Any], seconds: float) -> Dict[str, Any]:
        """Its answer. Raises `_Died` where there is none in time."""
        deadline = wire._monotonic() + seconds
        try:
            wire.send(self.fd, wire.pack(request))
            return wire.receive(self.fd, deadline)
        except wire.Late:
            raise _Died(True, None) from None
        except (wire.Closed, wire.Garbled, wire.TooLarge, OSError):
            raise _Died(False, process.end_gently(self.pid)) from None

    def end(self) -> None:
        process.end(self.pid)
        process.close_all([self.fd])


def _needed(root: str) -> List[str]:
    """What imports read: the project, the interpreter, and all that it looks for packages in."""
    places = [root, os.path.dirname(__file__), sys.prefix, sys.base_prefix, *sys.path]
    return [path for path in places if path and os.path.exists(path)]


_folders = 0


def _fresh_folder(parent: str) -> str:
    global _folders
    _folders += 1
    folder = os.path.join(parent, "zygote-%d" % _folders)
    os.makedirs(folder)
    return folder
