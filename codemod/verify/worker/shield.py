"""Runs a search in a fork, so that an attempt that crashes or hangs ends only itself.

The search notes each attempt before it makes it. If the fork dies or one attempt does not end, a
new fork repeats the search, which is deterministic, and passes over that attempt.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import select
import signal
import struct
import time
from typing import Any, Callable, Dict, Optional, Tuple

MOST_CRASHES = 6
_NOTE = struct.Struct("qd")


class Journal:
    """The number of the present attempt, in memory that forks share, and those to pass over."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NOTE.size)
        self.avoid: Dict[int, str] = {}

    def begin(self, number: int) -> Optional[str]:
        """Notes the attempt. Returns why it must not be made, if it ended a fork before."""
        self._memory[:] = _NOTE.pack(number, time.monotonic())
        return self.avoid.get(number)

    def present(self) -> Tuple[int, float]:
        """The number of the last attempt, and when it began."""
        number, began = _NOTE.unpack(self._memory[:])
        return int(number), float(began)


class Crashed(Exception):
    """Too many attempts ended their process. `str()` says how the last one did."""


def shielded(
    work: Callable[[Journal], Any], deadline: float, attempt_seconds: float, overdue: float = 2.0
) -> Any:
    """What `work` returns, which must be JSON. `work` runs in a fork where there is one."""
    journal = Journal()
    if not hasattr(os, "fork"):
        return work(journal)
    last = "ran out of time"
    for _ in range(MOST_CRASHES):
        ended, answer = _in_fork(work, journal, deadline + overdue, attempt_seconds + overdue)
        if ended is None:
            return answer
        number, _ = journal.present()
        journal.avoid[number] = last = ended
        if time.monotonic() > deadline - 0.5:
            break
    raise Crashed(last)


def _in_fork(
    work: Callable[[Journal], Any], journal: Journal, deadline: float, attempt_seconds: float
) -> Tuple[Optional[str], Any]:
    """How the fork ended, None if well, and its answer."""
    journal.begin(0)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _answer(work, journal, writer)
    os.close(writer)
    try:
        data, hung = _read(reader, journal, deadline, attempt_seconds)
    finally:
        os.close(reader)
        _end(pid)
    _, status = os.waitpid(pid, 0)
    if data is not None and data.endswith(b"\n"):
        return None, json.loads(data.decode())
    if hung:
        return "did not end in time", None
    name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an exit"
    return "was ended by {}".format(name), None


def _end(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _answer(work: Callable[[Journal], Any], journal: Journal, writer: int) -> None:
    try:
        data = json.dumps(work(journal)).encode() + b"\n"
        while data:
            data = data[os.write(writer, data) :]
    finally:
        os._exit(0)


def _read(
    reader: int, journal: Journal, deadline: float, attempt_seconds: float
) -> Tuple[Optional[bytes], bool]:
    """All that the fork writes; or None, and whether it hung."""
    data = b""
    while True:
        ready, _, _ = select.select([reader], [], [], 0.25)
        if ready:
            piece = os.read(reader, 65536)
            if not piece:
                return data, False
            data += piece
        now = time.monotonic()
        if now > deadline or now - journal.present()[1] > attempt_seconds:
            return None, True
