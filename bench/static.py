"""How long a run without confirming takes on all of transformers, beside parsing all of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from environment import CORPORA
from measure import run
from tool import BenchError, Copy, copied, diff, patch_only

TRANSFORMS = (
    "functional-to-module",
    "module-to-functional",
    "dropout-to-module",
    "call-to-forward",
)
PARSE = Path(__file__).with_name("parse.py")


def measure(transform: str, out: Path) -> dict[str, Any]:
    """Cold: the tool knows nothing of the project; the files are in the system's cache.

    Memory is watched in a cold run of its own.
    """
    report_path = out / "reports" / f"static-{transform}.json"
    arguments = ["-t", transform, "--no-verify", "-j", "2", "."]
    with copied(CORPORA / "transformers") as copy:
        files = sum(len(path.read_bytes()) > 0 for path in copy.root.rglob("*.py"))
        libcst_seconds = _libcst_seconds(copy, out)
        copy.forget()
        cold = patch_only(copy, arguments, report_path.with_suffix(".patch"))
        second = patch_only(copy, arguments, report_path.with_suffix(".patch"))
        copy.forget()
        watched, report = diff(copy, arguments, report_path, watch=True)
    return {
        "transform": transform,
        "files": files,
        "rewrites": len(report["rewrites"]),
        "refused": len(report["refusals"]),
        "cold_seconds": cold.seconds,
        "second_seconds": second.seconds,
        "largest_process_mib": watched.largest_mib,
        "tree_mib": watched.tree_mib,
        "libcst_seconds": libcst_seconds,
        "of_libcst": cold.seconds / libcst_seconds,
    }


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
