"""What the verdicts on whole packages are: a right rewrite must never be `different`.

Every transform runs over every file, as in `models`, which takes a sample of the classes. What is
`different` is listed with its place, for a person to read: it is a wrong rewrite or a false alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environment import CORPORA, PACKAGES
from models import RUNS, report_of
from tool import copied


def packages() -> Iterator[str]:
    yield from PACKAGES


def measure(package: str, out: Path) -> dict[str, Any]:
    seconds, rewrites = 0.0, []
    with copied(CORPORA / package) as copy:
        for name in RUNS:
            report_path = out / "reports" / f"alarms-{package}-{name}.json"
            run_seconds, report = report_of(RUNS[name], ["."], copy, report_path)
            seconds += run_seconds
            rewrites += report["rewrites"]
    verdicts = Counter(rewrite["verdict"] for rewrite in rewrites)
    reasons = Counter(
        rewrite["reason"]["code"] for rewrite in rewrites if rewrite["verdict"] == "unconfirmed"
    )
    return {
        "package": package,
        "rewrites": len(rewrites),
        "confirmed": verdicts["confirmed"],
        "different": [
            f"{rewrite['path']} {rewrite['class']}: {rewrite['transform']} {rewrite['summary']}"
            for rewrite in rewrites
            if rewrite["verdict"] == "different"
        ],
        "unconfirmed": dict(reasons.most_common()),
        "seconds": seconds,
    }
