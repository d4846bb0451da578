"""What confirming 100 small classes costs, beside the least that could be done."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from confirm import counted
from environment import PYTHON
from generate import ACTIVATIONS, SHAPES, write_project
from measure import run
from tool import BenchError, Copy, diff

BARE = Path(__file__).with_name("bare.py")
REPEATS = 3


def measure(out: Path) -> dict[str, Any]:
    """Medians of three runs in turn; the tool starts each time without what it may have kept."""
    with tempfile.TemporaryDirectory(prefix="codemod-bench-") as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        write_project(before)
        write_project(after, after=True)
        copy = Copy(before, Path(folder) / "state")
        arguments = ["-t", "functional-to-module", "-j", "2", "--python", str(PYTHON), "."]
        bare, tool = [], []
        for _ in range(REPEATS):
            bare.append(bare_seconds(before, after, out))
            copy.forget()
            done, report = diff(copy, arguments, out / "reports" / "overhead.json")
            tool.append(done.seconds)
    counts = counted(report)
    return {
        "classes": len(SHAPES) * len(ACTIVATIONS),
        "confirmed": counts["confirmed"],
        "unconfirmed": counts["unconfirmed"],
        "tool_seconds": statistics.median(tool),
        "bare_seconds": statistics.median(bare),
        "ratio": statistics.median(tool) / statistics.median(bare),
    }


def bare_seconds(before: Path, after: Path, out: Path) -> float:
    command = [str(PYTHON), "-B", str(BARE), str(before), str(after)]
    done = run(command, cwd=before, log=out / "reports" / "bare.log")
    expected = str(len(SHAPES) * len(ACTIVATIONS))
    if done.code or done.output.strip() != expected:
        raise BenchError(f"the bare script saw a difference or failed: {done.output[-500:]}")
    return done.seconds
