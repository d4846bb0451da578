"""The host: imports torch once, runs no operator, and forks a slot whenever the tool asks.

After one operator with several threads in the parent every forked forward would hang.

It is started as `PYTHON worker --control FD`. FD is a Unix socket. The tool sends one JSON object a
message: `{"start": NUMBER, "settings": {...}}` with the slot's end of a fresh socket attached, or
`{"stop": NUMBER}`. The host says once `{"ready": {...}}` or `{"unavailable": FAILURE}`.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import socket
import sys
from typing import Any, Dict, List, Optional, Tuple

from . import process
from .failure import describe, failure

_OLDEST_TORCH = (1, 13)
_LARGEST_MESSAGE = 1 << 20
_TICK_MS = 500

# What the forks would otherwise import each for themselves: their own files, and what torch
# imports at the first backward and under the first dispatch mode (seconds).
_NEEDED_LATER = (
    "numpy.random",
    "torch.fx.experimental.symbolic_shapes",
    "torch._dynamo",
    "torch.onnx._internal.exporter._onnx_program",
    ".observe",
    ".recipe",
    ".synthesise",
    ".slot",
    ".zygote",
    ".run",
)


def main(arguments: List[str]) -> int:
    """Serve until the control socket closes."""
    if len(arguments) != 2 or arguments[0] != "--control":
        sys.stderr.write("usage: PYTHON worker --control FD\n")
        return 2
    control = socket.socket(fileno=int(arguments[1]))
    control.set_inheritable(False)
    unavailable = _prepare()
    if unavailable is not None:
        _say(control, {"unavailable": unavailable})
        return 0
    process.adopt_orphans()
    _say(control, {"ready": _versions()})
    Host(control).serve()
    return 0


class Host:
    """The slots that are alive, by number."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._slots: Dict[int, int] = {}
        self._scratch = ""

    def serve(self) -> None:
        """Start and stop slots as told; at the end leave no process behind."""
        poll = select.poll()
        poll.register(self._control.fileno(), select.POLLIN)
        while True:
            if poll.poll(_TICK_MS):
                message, fds = _receive(self._control)
                if message is None:
                    break
                self._obey(message, fds)
            process.end_children(keep=self._slots.values())
        process.end_children(keep=())
        if self._scratch:  # The tool removes it too, unless it was killed.
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _obey(self, message: Dict[str, Any], fds: List[int]) -> None:
        if "stop" in message:
            self._stop(int(message["stop"]))
        if "start" in message and fds:
            self._stop(int(message["start"]))
            self._scratch = message["settings"]["scratch"]
            self._start(int(message["start"]), message["settings"], fds[0])

    def _start(self, number: int, settings: Dict[str, Any], fd: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self._control.close()
                process.die_with_parent(parent)
                from .slot import Slot

                Slot(number, settings, socket.socket(fileno=fd)).serve()
            finally:
                os._exit(0)
        os.close(fd)
        self._slots[number] = pid

    def _stop(self, number: int) -> None:
        pid = self._slots.pop(number, None)
        if pid is not None:
            process.end(pid)


def _prepare() -> Optional[Dict[str, str]]:
    """Import torch and what runs need of it; the failure if that can't be done."""
    if not hasattr(os, "fork"):
        return failure(
            "no-fork", "confirming needs a system that can fork", "run codemod on Linux or macOS"
        )
    try:
        import torch
    except BaseException as error:
        return failure(
            "no-torch",
            "torch cannot be imported by %s: %s" % (sys.executable, describe(error)),
            "give --python an interpreter that has torch",
        )
    if _version_of(torch.__version__) < _OLDEST_TORCH:
        return failure(
            "old-torch",
            "torch %s of %s is older than 1.13" % (torch.__version__, sys.executable),
            "give --python an interpreter with a newer torch",
        )
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    for name in _NEEDED_LATER:
        with contextlib.suppress(Exception):
            importlib.import_module(name, __package__)
    gc.collect()
    gc.freeze()
    return None


def _versions() -> Dict[str, str]:
    import torch

    return {"python": "%d.%d.%d" % sys.version_info[:3], "torch": str(torch.__version__)}


def _version_of(text: str) -> Tuple[int, int]:
    parts = text.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return _OLDEST_TORCH


def _say(control: socket.socket, message: Dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        control.sendall(json.dumps(message).encode() + b"\n")


def _receive(control: socket.socket) -> Tuple[Optional[Dict[str, Any]], List[int]]:
    """One message and the descriptors that came with it; None where the tool is gone."""
    fds = array.array("i")
    try:
        data, ancillary, _, _ = control.recvmsg(
            _LARGEST_MESSAGE, socket.CMSG_SPACE(4 * fds.itemsize)
        )
    except OSError:
        return None, []
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    if not data:
        return None, []
    return json.loads(data.decode()), list(fds)
