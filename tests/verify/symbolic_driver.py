"""Symbolic runs of pairs of files, each in a fork of one process: torch is imported once.

Usage: symbolic_driver.py CASES.json. A case: name -> [file before, file after, class]. Says
name -> what `compare` gives. Each run reaches the one witness "w".
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

WORKER = Path(__file__).parents[2] / "codemod" / "verify" / "worker"


def load(name: str, path: Path, **fields: Any) -> Any:
    spec = importlib.util.spec_from_file_location(name, path, **fields)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def in_child(action: Any) -> Any:
    """What an action gives, as JSON, in a process of its own."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read_end)
            said = json.dumps(action())
        except BaseException as error:
            said = json.dumps({"symbolic": "failed", "why": repr(error), "reached": []})
        with open(write_end, "w") as file:
            file.write(said)
        os._exit(0)
    os.close(write_end)
    with open(read_end) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return json.loads(said)


def main(cases: dict[str, list[str]]) -> dict[str, Any]:
    load("_codemod_worker", WORKER / "__init__.py", submodule_search_locations=[str(WORKER)])
    from _codemod_worker import witness  # type: ignore[import-not-found]
    from _codemod_worker.symbolic import operators, paths  # type: ignore[import-not-found]

    operators.install()
    paths._SCENARIOS = ("defaults", "terms")
    witness.reached = lambda: ["w"]
    known: dict[str, Any] = {}
    found = {}
    for name, (before, after, class_name) in cases.items():

        def seen(file: str, cls: str = class_name) -> Any:
            module = load("pair", Path(file))
            return paths.run(getattr(module, cls), [True, False], str(Path(file).parent))

        if before not in known:
            known[before] = in_child(lambda: seen(before))  # noqa: B023
        found[name] = in_child(lambda: paths.compare(known[before], seen(after)))  # noqa: B023
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
