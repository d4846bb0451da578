"""How long a search may go on: in processor time, so that a busy machine finds what an idle one
does.

The clock on the wall bounds it too, more generously: a model that sleeps uses no processor.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from typing import Any, Iterator, Optional

PATIENCE = 3.0  # seconds of the clock for one of the processor


class OutOfTime(BaseException):
    """Raised in code that runs past its limit; no `except Exception` swallows it."""


class Effort:
    """So many seconds of this process from now on, until `end` (`time.monotonic()`) at most."""

    def __init__(self, seconds: float, end: Optional[float] = None) -> None:
        self._seconds = seconds
        self._processor_end = time.process_time() + seconds
        self._end = time.monotonic() + PATIENCE * seconds if end is None else end

    def begin_anew(self) -> None:
        """Of the processor, what was used so far does not count."""
        self._processor_end = time.process_time() + self._seconds

    @property
    def left(self) -> float:
        """Seconds of the processor that may still be used; none when the time is up."""
        if time.monotonic() >= self._end:
            return 0.0
        return self._processor_end - time.process_time()


def processor_time(pid: int) -> float:
    """Seconds of the processor that another process has used; 0 where the system won't tell."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) makes it on Linux
    except (OSError, AttributeError, OverflowError):
        return 0.0


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises `OutOfTime` in the body after so many seconds of the processor, or `PATIENCE` times
    as many of the clock, where the system has timers."""
    usable = hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    )
    if not usable or signal.getitimer(signal.ITIMER_REAL)[0] > 0:
        yield
        return

    def ring(number: int, frame: Any) -> None:
        raise OutOfTime("took more than {:.0f} s".format(seconds))

    seconds = max(seconds, 0.01)
    before = [signal.signal(one, ring) for one in (signal.SIGALRM, signal.SIGPROF)]
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for one, handler in zip((signal.SIGALRM, signal.SIGPROF), before):
            signal.signal(one, handler)
