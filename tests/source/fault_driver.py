"""Run an action once for each of its system calls, killed at that call, each in a copy.

Usage: fault_driver.py ACTION START RUNS MODE...
START holds `project` and `state`; RUNS gets a copy of it, `MODE-NUMBER`, for each kill.
MODE `whole` kills before the call; `partial` lets a write put down half of its bytes first.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from codemod.source.commit import commit, recover, undo

STEPS = (
    "open", "write", "fsync", "close", "replace", "rename", "unlink", "mkdir", "rmdir", "chmod",
)  # fmt: skip
FILES = {
    "a.py": (b"a = 1\n", b"a = 2\n"),
    "p/b.py": (b"b = 1\r\n", b"b = 22\r\n"),
    "c.py": (b"c", b""),
}


def main(action: str, start: Path, runs: Path, modes: list[str]) -> None:
    for mode in modes:
        number = 1
        while run_in_child(action, start, runs / f"{mode}-{number}", number, mode):
            number += 1
        shutil.rmtree(runs / f"{mode}-{number}")  # this one came to its end


def run_in_child(action: str, start: Path, place: Path, kill_at: int, mode: str) -> bool:
    """Whether the action was killed. Any other end but success stops the driver."""
    shutil.copytree(start, place, symlinks=True)
    child = os.fork()
    if child == 0:
        kill_this_process_at(kill_at, mode)
        run(action, place / "project", place / "state")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status:
        raise SystemExit(f"{place}: ended with {status}")
    return False


def run(action: str, project: Path, state: Path) -> None:
    if action == "commit":
        commit(project, FILES, state)
    elif action == "undo":
        undo(project, state)
    else:
        recover(project, state)


def kill_this_process_at(kill_at: int, mode: str) -> None:
    calls = 0

    def count(name: str) -> None:
        # A killed process loses nothing that it did not bring to the disk: fsync only counts.
        original = getattr(os, name) if name != "fsync" else lambda _: None

        def step(*args: object, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls == kill_at:
                if mode == "partial" and name == "write":
                    original(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        setattr(os, name, step)

    for name in STEPS:
        count(name)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
