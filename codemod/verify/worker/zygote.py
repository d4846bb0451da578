"""A zygote: has imported the project under one overlay, and forks a child for each run.

It runs the user's code, at import. Its slot trusts it with nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any, Dict, List, Sequence, Set

from . import (
    cage,
    cuda,
    foreignnumbers,
    halfway,
    loader,
    mainblock,
    options,
    ownfiles,
    process,
    pythontwo,
    shims,
    state,
    unbuilt,
    weights,
    wire,
)
from .failure import failure, of_exception, of_status
from .imports import Imports
from .reads import Reads, installed_folders
from .settings import Settings
from .stubs import Stubs
from .turns import joined, turns

# Bound once: the user's code may replace what it finds in these modules.
_fork = os.fork
_pipe = os.pipe
_exit = os._exit
_getpid = os.getpid
_close = os.close
_poll = wire._poll
_monotonic = wire._monotonic
_rmtree = shutil.rmtree
_mkdir = os.mkdir

_LOOK_MS = 50


class Zygote:
    """Serves a slot over `channel`. `overlay`: its `files` and `witnesses`."""

    def __init__(
        self,
        settings: Settings,
        overlay: Dict[str, Any],
        roots: Sequence[str],
        folder: str,
        channel: int,
    ) -> None:
        self.settings = settings
        self.overlay = loader.Overlay(overlay["files"], overlay["witnesses"])
        self.stubs = Stubs(settings.root, roots)
        self.imports = Imports(settings.root)
        self.reads = Reads(
            settings.root, settings.scratch, installed_folders(sys.path), cage.VARIABLES
        )
        self._roots = list(roots)
        self._folder = folder
        self._channel = process.set_apart(channel)
        self._known: Set[int] = set()
        self._runs = 0

    def serve(self, parent: int) -> None:
        """Close itself in, then answer until the slot is gone."""
        os.setsid()
        process.die_with_parent(parent)
        process.adopt_orphans()
        cage.close_around(self._folder, root=self.settings.root)
        process.limit_files(self.settings.memory)
        sys.path[:0] = self._roots
        self.overlay.install()
        self.imports.install()
        self.stubs.install()
        self.reads.install()
        shims.install_names(self.stubs.may_have_shims)
        shims.install_methods()
        shims.forgive_missing_operators()
        unbuilt.install(self.stubs, self.stubs.own, self.settings.root)
        halfway.install(self.overlay.tree, self.settings.root)
        pythontwo.install(self.overlay.text, self.settings.root)
        options.install()
        ownfiles.install([self.settings.root, *self._roots])
        weights.install()
        cuda.install()
        me = _getpid()
        while True:
            try:
                request = wire.receive(self._channel, None)
            except (wire.Closed, OSError):
                return
            answer = self._import(request) if request["op"] == "import" else self._run(request)
            if _getpid() != me:  # A fork that the user's import made and did not end.
                _exit(0)
            wire.send(self._channel, wire.pack(answer))

    def _import(self, request: Dict[str, Any]) -> Dict[str, Any]:
        process.limit_memory(self.settings.memory)
        try:
            with cuda.on_cpu():
                changing = self._import_packages(request["module"])
                before = state.snapshot()
                module = loader.load(request["module"], request["path"])
                mainblock.complete(module, self.overlay.text(request["path"]))
                foreignnumbers.complete_all(self.settings.root, self.overlay.text)
            self.imports.needed_by([request["path"]])  # Remembers the real paths for all runs.
            changed = state.changes(before, self.settings.root)
            return {"ok": True, "changed": changed, "changing": changing}
        except BaseException as error:
            doing = "import %s" % request["module"]
            failed = of_exception(error, self.settings.root, doing, "import-failed")
            files = self.imports.needed_by([request["path"]])
            depends = self.reads.depends(None)
            tried = cage.attempts()
            return {"failure": failed, "files": files, "depends": depends, "attempts": tried}
        finally:
            process.lift_memory_limit()
            self._known = process.children()

    def _import_packages(self, name: str) -> str:
        """Imports the packages around a module; the innermost that changed torch, or nothing."""
        changing = ""
        for package in reversed(loader.packages_of(name)):
            before = state.snapshot()
            loader.import_package(package)
            if state.changes(before, self.settings.root):
                changing = package
        return changing

    def needs(self, files: Sequence[str]) -> Dict[str, Any]:
        """What an answer depends on that needed these files: the fields that say so."""
        loaded = self.imports.needed_by(files)
        depends = self.reads.depends(loaded)
        return {"files": loaded, "depends": depends, "attempts": cage.attempts()}

    def _run(self, request: Dict[str, Any]) -> Dict[str, Any]:
        self._runs += 1
        folder = os.path.join(self._folder, "run-%d" % self._runs)
        _mkdir(folder)
        read_end, write_end = _pipe()
        parent = _getpid()
        pid = _fork()
        if pid == 0:
            self._become_child(request, folder, parent, read_end, write_end)
        _close(write_end)
        try:
            return joined(request, self._answers(read_end, pid, request))
        finally:
            _close(read_end)
            process.end(pid)
            process.end_children(keep=self._known)
            _rmtree(folder, ignore_errors=True)

    def _become_child(
        self, request: Dict[str, Any], folder: str, parent: int, read_end: int, write_end: int
    ) -> None:
        try:
            process.close_all([read_end, self._channel])
            from .run import run_and_answer

            run_and_answer(self, request, folder, parent, process.set_apart(write_end))
        finally:
            _exit(1)

    def _answers(self, fd: int, pid: int, request: Dict[str, Any]) -> List[Dict[str, Any]]:
        """The child's answers, one a turn, up to the first failure."""
        answers: List[Dict[str, Any]] = []
        for turn in turns(request):
            answer = self._await(fd, pid, turn)
            answers.append(answer)
            if "failure" in answer:
                answer.setdefault("files", self.imports.needed_by([request["path"]]))
                answer.setdefault("attempts", cage.attempts())
                break
        return answers

    def _await(self, fd: int, pid: int, request: Dict[str, Any]) -> Dict[str, Any]:
        """The child's answer, or what became of it by the deadline."""
        doing = "the run of %s" % request["class"]
        seconds = float(request["seconds"])
        deadline = _monotonic() + seconds
        reader = wire.Reader(fd)
        poll = _poll()
        poll.register(fd, wire._POLLIN)
        poll.register(self._channel, 0)
        base = process.resident(_getpid())
        while True:
            ready = dict(poll.poll(_LOOK_MS))
            if self._channel in ready:
                process.end(pid)
                _exit(0)
            if fd in ready:
                try:
                    answer = reader.feed()
                except (wire.Closed, wire.Garbled):
                    return {"failure": of_status(process.end_gently(pid), doing)}
                except wire.TooLarge:
                    return {"failure": too_large(doing)}
                if answer is not None:
                    return answer
            elif process.has_ended(pid):
                return {"failure": of_status(process.reap(pid), doing)}
            elif process.taken_by_children(pid, base) > self.settings.memory:
                said = "%s and the processes that it started ran out of memory" % doing
                return {"failure": failure("memory", said)}
            if _monotonic() > deadline:
                hint = "raise --timeout"
                return {
                    "failure": failure("timeout", "%s took more than %g s" % (doing, seconds), hint)
                }


def too_large(doing: str) -> Dict[str, str]:
    """The failure of an answer beyond the largest size."""
    return failure("too-large", "what was seen in %s is too large to compare" % doing)
