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

from .effort import PATIENCE, Effort, processor_time
from .process import has_ended

MOST_CRASHES = 6
OVERDUE = 2.0  # seconds in which a limit of Python's own should have ended an attempt
_NOTE = struct.Struct("qdd")


class Journal:
    """The number of the present attempt, in memory that forks share, and those to pass over."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NOTE.size)
        self.avoid: Dict[int, str] = {}

    def begin(self, number: int) -> Optional[str]:
        """Notes the attempt. Returns why it must not be made, if it ended a fork before."""
        self._memory[:] = _NOTE.pack(number, time.monotonic(), time.process_time())
        return self.avoid.get(number)

    def present(self) -> Tuple[int, float, float]:
        """The number of the last attempt, when it began, what its process had used by then."""
        number, began, used = _NOTE.unpack(self._memory[:])
        return int(number), float(began), float(used)


class Crashed(Exception):
    """Too many attempts ended their process. `str()` says how the last one did."""


def shielded(
    work: Callable[[Journal, Effort], Any],
    seconds: float,
    attempt_seconds: float,
    patience: Optional[float] = None,
) -> Any:
    """What `work` returns, which must be JSON. `work` runs in a fork where there is one.

    `seconds` of the processor for all, `attempt_seconds` for one attempt; `patience`: seconds of
    the clock for all.
    """
    journal = Journal()
    end = time.monotonic() + (PATIENCE * seconds if patience is None else patience)
    if not hasattr(os, "fork"):
        return work(journal, Effort(seconds, end))
    last = "ran out of time"
    for _ in range(MOST_CRASHES):
        ended, answer, used = _in_fork(work, journal, seconds, end, attempt_seconds)
        if ended is None:
            return answer
        journal.avoid[journal.present()[0]] = last = ended
        seconds -= used
        if min(seconds, end - time.monotonic()) < 0.5:
            break
    raise Crashed(last)


def _in_fork(
    work: Callable[[Journal, Effort], Any],
    journal: Journal,
    seconds: float,
    end: float,
    attempt_seconds: float,
) -> Tuple[Optional[str], Any, float]:
    """How the fork ended, None if well, its answer, and the seconds of the processor it took."""
    reader, writer = os.pipe()
    journal.begin(0)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        journal.begin(0)
        _answer(lambda: work(journal, Effort(seconds, end)), writer)
    os.close(writer)
    try:
        data, hung = _read(reader, pid, journal, end, attempt_seconds)
    finally:
        os.close(reader)
        _end(pid)
    _, status, usage = os.wait4(pid, 0)
    used = usage.ru_utime + usage.ru_stime
    if data is not None and data.endswith(b"\n"):
        return None, json.loads(data.decode()), used
    if hung:
        return "did not end in time", None, used
    name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "an exit"
    return "was ended by {}".format(name), None, used


def _end(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _answer(work: Callable[[], Any], writer: int) -> None:
    try:
        data = json.dumps(work()).encode() + b"\n"
        while data:
            data = data[os.write(writer, data) :]
    finally:
        os._exit(0)


def _read(
    reader: int, pid: int, journal: Journal, end: float, attempt_seconds: float
) -> Tuple[Optional[bytes], bool]:
    """The line that the fork writes, or what there is of it; or None, and whether it hung.

    The end of the pipe tells nothing: what the fork started may hold it open.
    """
    data = b""
    while True:
        over = has_ended(pid)
        ready, _, _ = select.select([reader], [], [], 0.0 if over else 0.25)
        if ready:
            piece = os.read(reader, 65536)
            data += piece
            if not piece or data.endswith(b"\n"):
                return data, False
        elif over:
            return data, False
        if time.monotonic() > end + OVERDUE or _hangs(pid, journal, attempt_seconds + OVERDUE):
            return None, True


def _hangs(pid: int, journal: Journal, seconds: float) -> bool:
    _, began, used = journal.present()
    late = time.monotonic() - began > PATIENCE * seconds
    return late or processor_time(pid) - used > seconds
