"""How many of the places that a transform is about it rewrites, by package; nothing is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from environment import CORPORA, PACKAGES
from tool import apply, copied, diff

TRANSFORMS = ("functional-to-module", "module-to-functional", "dropout-to-module")
# Places where there is no instance that a module could belong to.
ELSEWHERE = ("outside-class", "no-self", "defined-twice")
# Code that has to change together with an original somewhere else.
TIED = ("generated", "copied")
# Methods of what may be a tensor: rewritten where a run confirms it.
NEEDS_RUN = ("unknown-receiver",)


def cases() -> Iterator[tuple[str, str]]:
    for package in sorted(PACKAGES):
        for transform in TRANSFORMS:
            yield package, transform


def measure(package: str, transform: str, out: Path) -> dict[str, Any]:
    """Sites and refusals of one transform, and whether every file that it writes compiles."""
    report_path = out / "reports" / f"reach-{package}-{transform}.json"
    arguments = ["-t", transform, "--no-verify", "--accept", "behaviour-change", "-j", "2", "."]
    with copied(CORPORA / package) as copy:
        _, report = diff(copy, arguments, report_path)
        before = _texts(copy.root)
        apply(copy, arguments, report_path.with_suffix(".apply.log"))
        after = _texts(copy.root)
    written = {path: text for path, text in after.items() if text != before[path]}
    broken = [path for path, text in written.items() if not _compiles(path, text)]
    codes = Counter(item["code"] for item in report["refusals"])
    refused = {code: count for code, count in codes.most_common() if code not in _ASIDE}
    rewrites = len(report["rewrites"])
    return {
        "package": package,
        "transform": transform,
        "sites": rewrites + sum(refused.values()),
        "rewrites": rewrites,
        "refused": refused,
        "elsewhere": sum(codes[code] for code in ELSEWHERE),
        "tied": sum(codes[code] for code in TIED),
        "needs_run": sum(codes[code] for code in NEEDS_RUN),
        "written": len(written),
        "broken": broken,
    }


_ASIDE = frozenset((*ELSEWHERE, *TIED, *NEEDS_RUN))


def _texts(root: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.py")}


def _compiles(path: str, text: bytes) -> bool:
    try:
        compile(text, path, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True
