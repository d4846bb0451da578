"""How long runs without confirming take, beside parsing all files with libcst.

`measure` is for all of transformers, `measure_packages` for all packages as one project.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

from environment import CORPORA, PACKAGES
from measure import Run, run
from tool import BenchError, Copy, copied, empty_copy, patch_only

TRANSFORMS = (
    "functional-to-module",
    "module-to-functional",
    "dropout-to-module",
    "call-to-forward",
)
PARSE = Path(__file__).with_name("parse.py")
_COUNTS = re.compile(r"(\d+) files?, (\d+) rewrites?: .*?(\d+) refused")
_NOTHING = re.compile(r"(\d+) files?: nothing to rewrite")


def measure(transform: str, out: Path) -> dict[str, Any]:
    """Cold: the tool knows nothing of the project; the files are in the system's cache.

    Memory is watched in a cold run of its own.
    """
    log = _log(out, f"static-{transform}")
    arguments = _arguments(transform)
    with copied(CORPORA / "transformers") as copy:
        libcst_seconds = _libcst_seconds(copy, out)
        cold = patch_only(copy, arguments, log)
        second = patch_only(copy, arguments, log)
        copy.forget()
        watched = patch_only(copy, arguments, log, watch=True)
    return {
        "transform": transform,
        **_counts(cold),
        "cold_seconds": cold.seconds,
        "second_seconds": second.seconds,
        "largest_process_mib": watched.largest_mib,
        "tree_mib": watched.tree_mib,
        "libcst_seconds": libcst_seconds,
        "of_libcst": cold.seconds / libcst_seconds,
    }


def measure_packages(transform: str, out: Path) -> dict[str, Any]:
    """All packages as one project, and every file of it twice: both cold."""
    log = _log(out, f"packages-{transform}")
    arguments = _arguments(transform)
    with empty_copy() as copy:
        _add_packages(copy.root / "one")
        once = patch_only(copy, arguments, log)
        copy.forget()
        watched = patch_only(copy, arguments, log, watch=True)
        copy.forget()
        _add_packages(copy.root / "two")
        twice = patch_only(copy, arguments, log)
    return {
        "transform": transform,
        **_counts(once),
        "seconds": once.seconds,
        "tree_mib": watched.tree_mib,
        "twice_seconds": twice.seconds,
        "growth": twice.seconds / once.seconds,
    }


def _arguments(transform: str) -> list[str]:
    return ["-t", transform, "--no-verify", "-j", "2", "."]


def _log(out: Path, name: str) -> Path:
    return out / "reports" / f"{name}.patch"


def _add_packages(folder: Path) -> None:
    ignored = shutil.ignore_patterns("*.dist-info", ".ready")
    for name in PACKAGES:
        shutil.copytree(CORPORA / name, folder / name, ignore=ignored)


def _counts(done: Run) -> dict[str, int]:
    """What the last lines of a run say of it."""
    said = done.output[-2000:]
    found = _COUNTS.findall(said) + [(files, "0", "0") for files in _NOTHING.findall(said)]
    if not found:
        raise BenchError(f"no counts in the output: {said[-500:]}")
    files, rewrites, refused = map(int, found[-1])
    return {"files": files, "rewrites": rewrites, "refused": refused}


_parsed: list[float] = []


def _libcst_seconds(copy: Copy, out: Path) -> float:
    """`libcst.parse_module` over all files in two processes, once for all transforms of a run."""
    if not _parsed:
        log = out / "reports" / "parse.log"
        command = [sys.executable, str(PARSE), str(copy.root)]
        done = run(command, cwd=copy.root, log=log)
        if done.code:
            raise BenchError(f"libcst run failed, see {log}")
        _parsed.append(done.seconds)
    return _parsed[0]
