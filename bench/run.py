"""Measures the tool: `run.py [PART]...`, all parts where none is named.

Parts: overhead, static, packages, reach, mutants, confirm, models, alarms. `PART:NAME` is one of
them.

Writes `bench/out/results.json` and `results.md` after each measurement; the tool's own reports
lie in `bench/out/reports/`. `--resume` keeps what was measured before with the same sources.
`--readme` puts the tables of the results at hand into README.md, docs/reach.md and docs/mutants.md,
and measures nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import alarms
import confirm
import models
import mutation
import overhead
import reach
import static
from environment import SMALL, TORCH, make_corpora, make_environment
from table import markdown, mutants_page, put_into, reach_table
from tool import BenchError

BENCH = Path(__file__).resolve().parent
OUT = BENCH / "out"
TOOL, MUTANTS = BENCH.parent / "codemod", BENCH / "mutants"
PARTS = ("overhead", "static", "packages", "reach", "mutants", "confirm", "models", "alarms")
Measurement = tuple[str, str, Callable[[], dict[str, Any]]]


def measurements(parts: list[str]) -> Iterator[Measurement]:
    """Those that are asked for, the quickest first."""
    for part, name, action in _all():
        if part in parts or f"{part}:{name}" in parts:
            yield part, name, action


def _all() -> Iterator[Measurement]:
    yield "overhead", "100 classes", lambda: overhead.measure(OUT)
    for transform in static.TRANSFORMS:
        yield "static", transform, lambda name=transform: static.measure(name, OUT)
    for transform in static.TRANSFORMS:
        yield "packages", transform, lambda name=transform: static.measure_packages(name, OUT)
    for case in reach.cases():
        yield "reach", " ".join(case), lambda one=case: reach.measure(*one, OUT)
    yield "mutants", "all kinds", mutation.measure
    for target in confirm.targets():
        yield "confirm", target.package, lambda one=target: confirm.measure(one, OUT)
    for package in models.packages():
        yield "models", package, lambda one=package: models.measure(one, OUT)
    for package in alarms.packages():
        yield "alarms", package, lambda one=package: alarms.measure(one, OUT)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--resume", action="store_true", help="keep what is measured already")
    parser.add_argument("--readme", action="store_true", help="only put the tables into the pages")
    options = parser.parse_args(arguments)
    unknown = {part.partition(":")[0] for part in options.parts} - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    results = read_results()
    if options.readme:
        put_into(BENCH.parent / "README.md", markdown(results))
        put_into(BENCH.parent / "docs" / "reach.md", reach_table(results))
        put_into(BENCH.parent / "docs" / "mutants.md", mutants_page(results))
        return 0
    (OUT / "reports").mkdir(parents=True, exist_ok=True)
    make_environment()
    make_corpora()
    parts = options.parts or list(PARTS)
    if any(part.partition(":")[0] == "models" for part in parts):
        make_corpora(SMALL)
    return measure(parts, results, resume=options.resume)


def measure(parts: list[str], results: dict[str, Any], *, resume: bool) -> int:
    sources = digest_of_sources()
    failed = 0
    for part, name, action in measurements(parts):
        known = results.setdefault(part, {}).get(name, {})
        if resume and known.get("sources") == sources and "error" not in known:
            continue
        print(f"{part}: {name} ...", file=sys.stderr, flush=True)
        try:
            entry = action()
        except BenchError as error:
            entry, failed = {"error": f"{part}, {name}: {error}"}, 1
        results[part][name] = {**entry, "sources": sources}
        write_results(results)
    print(markdown(results))
    return failed


def read_results() -> dict[str, Any]:
    path = OUT / "results.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    about = f"{os.cpu_count()} cores, Python {platform.python_version()}, {TORCH}."
    return {**kept, "about": about}


def write_results(results: dict[str, Any]) -> None:
    for name, text in (
        ("results.json", json.dumps(results, indent=1) + "\n"),
        ("results.md", markdown(results)),
    ):
        beside = OUT / f"{name}.new"
        beside.write_text(text, encoding="utf-8")
        beside.replace(OUT / name)


def digest_of_sources() -> str:
    """Of the tool and of these scripts: a result stands for one state of both."""
    digest = hashlib.sha256()
    for path in sorted([*TOOL.rglob("*.py"), *BENCH.glob("*.py"), *MUTANTS.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
