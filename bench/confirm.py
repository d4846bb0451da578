"""How many of the places that a transform matches in real packages are confirmed by running."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment import CORPORA, PYTHON
from tool import copied, diff

LARGEST = 5


@dataclass(frozen=True)
class Target:
    """One transform on one package; `paths` below it, or all of it."""

    package: str
    transform: str
    paths: tuple[str, ...] = (".",)


def targets() -> Iterator[Target]:
    yield Target("pytorchcv", "module-to-functional")
    yield Target("timm", "functional-to-module")
    yield Target("torch_geometric", "functional-to-module")
    yield Target("transformers", "dropout-to-module", largest_model_folders())


def measure(target: Target, out: Path) -> dict[str, Any]:
    report_path = out / "reports" / f"confirm-{target.package}.json"
    arguments = ["-t", target.transform, "-j", "2", "--python", str(PYTHON), *target.paths]
    with copied(CORPORA / target.package) as copy:
        done, report = diff(copy, arguments, report_path)
    return {
        "package": target.package,
        "transform": target.transform,
        "paths": list(target.paths),
        "seconds": done.seconds,
        **counted(report),
    }


def counted(report: dict[str, Any]) -> dict[str, Any]:
    rewrites, refusals = report["rewrites"], report["refusals"]
    verdicts = Counter(rewrite["verdict"] for rewrite in rewrites)
    reasons = Counter(
        rewrite["reason"]["code"] for rewrite in rewrites if rewrite["verdict"] == "unconfirmed"
    )
    return {
        "matched": len(rewrites) + len(refusals),
        "rewrites": len(rewrites),
        "confirmed": verdicts["confirmed"],
        "different": verdicts["different"],
        "unconfirmed": dict(reasons.most_common()),
        "refused": dict(Counter(refusal["code"] for refusal in refusals).most_common()),
        "errors": len(report["errors"]),
        "of_matched": share(verdicts["confirmed"], len(rewrites) + len(refusals)),
        "of_rewrites": share(verdicts["confirmed"], len(rewrites)),
    }


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def largest_model_folders() -> tuple[str, ...]:
    """The model folders of transformers with most dropout calls, counted without the tool."""
    root = CORPORA / "transformers"
    sites: Counter[str] = Counter()
    for folder in (root / "transformers" / "models").iterdir():
        for path in folder.glob("*.py"):
            sites[folder.relative_to(root).as_posix()] += dropout_calls(path)
    ordered = sorted(sites.items(), key=lambda item: (-item[1], item[0]))
    return tuple(name for name, _ in ordered[:LARGEST])


def dropout_calls(path: Path) -> int:
    """Calls of a functional dropout: `nn.functional.dropout(...)`, `F.dropout2d(...)`."""
    text = path.read_text(encoding="utf-8")
    if not any(f"{owner}.dropout" in text for owner in ("F", "functional", "torch")):
        return 0
    return sum(_is_dropout_call(node) for node in ast.walk(ast.parse(text)))


def _is_dropout_call(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = ast.unparse(node.func.value)
    return node.func.attr.startswith("dropout") and (
        owner == "F" or owner.endswith("nn.functional") or owner == "torch"
    )
