"""Runs a command and says how long it took and how much memory its processes held."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.2


@dataclass(frozen=True)
class Run:
    """One finished command.

    `largest_mib`: peak resident size of its largest single process, by the kernel's account.
    `tree_mib`: peak of the sum over all its processes, sampled; pages shared between them are
    shared out evenly. None where it was not asked for: looking costs time.
    """

    code: int
    seconds: float
    largest_mib: float
    tree_mib: float | None
    output: str


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
    watch: bool = False,
) -> Run:
    """Runs `command` to its end; stdout and stderr go to `log`."""
    peak = [0.0]
    with log.open("w", encoding="utf-8") as stream:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        done = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, done, peak))
        if watch:
            sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        done.set()
        if watch:
            sampler.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        code=process.returncode,
        seconds=seconds,
        largest_mib=usage.ru_maxrss / 1024,
        tree_mib=peak[0] if watch else None,
        output=log.read_text(encoding="utf-8", errors="replace"),
    )


def _sample(pid: int, done: threading.Event, peak: list[float]) -> None:
    while not done.wait(INTERVAL):
        peak[0] = max(peak[0], sum(_proportional_mib(one) for one in _tree(pid)))


def _tree(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _proportional_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
