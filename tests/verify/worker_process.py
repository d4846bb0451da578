"""Runs a script in an interpreter of its own that has the worker's files and no packages."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

WORKER = Path(__file__).parents[2] / "codemod" / "verify" / "worker"

PROLOGUE = f"""
import importlib.util, json, os, sys
def _package():
    spec = importlib.util.spec_from_file_location(
        "_codemod_worker", {str(WORKER / "__init__.py")!r},
        submodule_search_locations=[{str(WORKER)!r}],
    )
    sys.modules["_codemod_worker"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["_codemod_worker"])
_package()
def say(value):
    sys.stdout.write(json.dumps(value))
"""


def run(script: str, *paths: Path) -> Any:
    """What the script says with `say`, as JSON. `paths` are put first on `sys.path`."""
    start = f"sys.path[:0] = {[str(path) for path in paths]!r}\n"
    done = subprocess.run(
        [sys.executable, "-B", "-I", "-S", "-c", PROLOGUE + start + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
