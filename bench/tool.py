"""Runs `codemod diff` on a copy of a project, with a state folder of its own."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Run, run

CODEMOD = Path(sys.executable).parent / "codemod"
ANSWERED = {0, 1, 3}  # 3: the report names files that could not be analysed


class BenchError(Exception):
    """A measurement that did not come about."""


@dataclass(frozen=True)
class Copy:
    """A copy of a project outside any repository; `state` holds what the tool keeps of it."""

    root: Path
    state: Path

    def forget(self) -> None:
        shutil.rmtree(self.state, ignore_errors=True)


@contextmanager
def copied(source: Path) -> Iterator[Copy]:
    with tempfile.TemporaryDirectory(prefix="codemod-bench-") as folder:
        root = Path(folder) / source.name
        shutil.copytree(source, root, ignore=shutil.ignore_patterns("*.dist-info", ".ready"))
        yield Copy(root, Path(folder) / "state")


@contextmanager
def empty_copy() -> Iterator[Copy]:
    """A project with nothing in it yet."""
    with tempfile.TemporaryDirectory(prefix="codemod-bench-") as folder:
        root = Path(folder) / "project"
        root.mkdir()
        yield Copy(root, Path(folder) / "state")


def patch_only(copy: Copy, arguments: Sequence[str], log: Path, *, watch: bool = False) -> Run:
    """One `codemod diff` as a person runs it: the patch on stdout. Raises `BenchError`."""
    state = {"XDG_STATE_HOME": str(copy.state), "XDG_CACHE_HOME": str(copy.state)}
    command = [str(CODEMOD), "diff", *arguments]
    done = run(command, cwd=copy.root, log=log, environment=state, watch=watch)
    if done.code not in ANSWERED:
        raise BenchError(f"codemod ended with {done.code}, see {log}")
    return done


def apply(copy: Copy, arguments: Sequence[str], log: Path) -> Run:
    """One `codemod apply`. Raises `BenchError`."""
    state = {"XDG_STATE_HOME": str(copy.state), "XDG_CACHE_HOME": str(copy.state)}
    done = run([str(CODEMOD), "apply", *arguments], cwd=copy.root, log=log, environment=state)
    if done.code not in ANSWERED:
        raise BenchError(f"codemod ended with {done.code}, see {log}")
    return done


def diff(
    copy: Copy, arguments: Sequence[str], report: Path, *, watch: bool = False
) -> tuple[Run, dict[str, Any]]:
    """One `codemod diff`, and its report. Raises `BenchError` when there is none."""
    report.unlink(missing_ok=True)
    state = {"XDG_STATE_HOME": str(copy.state), "XDG_CACHE_HOME": str(copy.state)}
    command = [str(CODEMOD), "diff", *arguments, "--format", "json", "--output", str(report)]
    log = report.with_suffix(".log")
    done = run(command, cwd=copy.root, log=log, environment=state, watch=watch)
    if done.code not in ANSWERED or not report.exists():
        raise BenchError(f"codemod ended with {done.code}, see {log}")
    return done, json.loads(report.read_text(encoding="utf-8"))
