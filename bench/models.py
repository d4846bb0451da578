"""How many classes of public model packages are confirmed with no configuration.

Every transform runs but `inplace-on`, whose inverse does; `module-to-functional` in a run of its
own, for it is the inverse of another. Of a large package the files of a sample are taken, the same
in each measurement; the project is the whole package all the same.
"""

from __future__ import annotations

import ast
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment import CORPORA, PYTHON
from tool import Copy, copied, diff

RUNS = {
    "others": (
        "call-to-forward",
        "dropout-to-module",
        "fix-functional-name",
        "fix-super-init",
        "forward-to-call",
        "functional-to-module",
        "hoist-inline-modules",
        "inplace-off",
        "register-containers",
        "unshare-modules",
    ),
    "module-to-functional": ("module-to-functional",),
}
LARGE = (
    "diffusers",
    "kornia",
    "monai",
    "pytorchcv",
    "segmentation_models_pytorch",
    "timm",
    "torch_geometric",
    "transformers",
)
LOOKED_AT = (
    "denoising_diffusion_pytorch",
    "geffnet",
    "lpips",
    "perceiver_pytorch",
    "performer_pytorch",
    "pytorch_tcn",
    "reformer_pytorch",
    "vector_quantize_pytorch",
    "vit_pytorch",
    "x_transformers",
)
# Nobody read what these gave while the tool was built; pytorch_tabnet, until it was measured once.
NOT_LOOKED_AT = (
    "efficientnet_pytorch",
    "facenet_pytorch",
    "lightweight_gan",
    "open_clip_torch",
    "pretrainedmodels",
    "pytorch_tabnet",
    "resnest",
    "stylegan2_pytorch",
    "tab_transformer_pytorch",
    "torchcrepe",
)
SAMPLE = 24  # classes with a forward, of one package; of a large one, those that may hold a site
SEED = 20
# Most classes of a large package hold nothing that a transform is about. Counted by words, without
# the tool: a functional, or a layer without weights.
_ABOUT = re.compile(
    r"\b(?:F|functional)\.[a-z]\w*\("
    r"|\bnn\.(?:\w*(?:LU|Sigmoid|Tanh|Softmax|Dropout|Pool|swish|Mish|Upsample)\w*)\b"
)
_GENERATED = "This file was automatically generated"

# What a class got as far as, the furthest last.
STAGES = ("held", "built", "ran", "reached", "confirmed")
_BUILT_ALL_THE_SAME = frozenset({"raised", "nondeterministic", "not-comparable", "not-reached"})


@dataclass(frozen=True)
class Outcome:
    """What became of one class: the furthest stage, and why not further."""

    stage: str
    reason: str = ""


def packages() -> Iterator[str]:
    yield from (*LARGE, *LOOKED_AT, *NOT_LOOKED_AT)


def measure(package: str, out: Path) -> dict[str, Any]:
    paths = sample(CORPORA / package, may_hold_a_site if package in LARGE else has_forward)
    seconds, rewrites, refused = 0.0, [], set()
    with copied(CORPORA / package) as copy:
        for name in RUNS:
            report_path = out / "reports" / f"models-{package}-{name}.json"
            run_seconds, report = report_of(RUNS[name], paths, copy, report_path)
            seconds += run_seconds
            rewrites += report["rewrites"]
            refused |= {(one["path"], one["class"]) for one in report["refusals"] if one["class"]}
    return {
        "package": package,
        "files": len(paths),
        "seconds": seconds,
        **counted(rewrites, refused),
    }


def report_of(
    transforms: Sequence[str], paths: Sequence[str], copy: Copy, report_path: Path
) -> tuple[float, dict[str, Any]]:
    """The seconds and the report of one run with confirmation. Raises `BenchError`."""
    arguments = ["-j", "2", "--python", str(PYTHON)]
    arguments += [word for name in transforms for word in ("-t", name)]
    done, report = diff(copy, [*arguments, *paths], report_path)
    return done.seconds, report


def counted(rewrites: Sequence[Mapping[str, Any]], refused: set[tuple[str, str]]) -> dict[str, Any]:
    """The classes by the furthest stage, and the reasons of those that are not confirmed."""
    by_class: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for rewrite in rewrites:
        if rewrite["class"]:
            by_class[rewrite["path"], rewrite["class"]].append(rewrite)
    outcomes = {key: outcome(its) for key, its in by_class.items()}
    verdicts = Counter(rewrite["verdict"] for rewrite in rewrites)
    reached = {
        stage: sum(STAGES.index(one.stage) >= place for one in outcomes.values())
        for place, stage in enumerate(STAGES)
    }
    reasons = Counter(one.reason for one in outcomes.values() if one.reason)
    return {
        **reached,
        "refused_only": len(refused - set(by_class)),
        "reasons": dict(reasons.most_common()),
        "rewrites": len(rewrites),
        "rewrites_confirmed": verdicts["confirmed"],
        "different": verdicts["different"],
    }


def outcome(rewrites: Sequence[Mapping[str, Any]]) -> Outcome:
    """That of a class with these rewrites: confirmed where every one of them is."""
    left = [rewrite for rewrite in rewrites if rewrite["verdict"] != "confirmed"]
    if not left:
        return Outcome("confirmed")
    reason = Counter(rewrite["reason"]["code"] for rewrite in left).most_common(1)[0][0]
    if all(map(_all_reached, rewrites)):
        return Outcome("reached", reason)
    if any(rewrite["evidence"] and rewrite["evidence"]["recipes"] for rewrite in rewrites):
        return Outcome("ran", reason)
    return Outcome("built" if any(map(_was_built, left)) else "held", reason)


def _all_reached(rewrite: Mapping[str, Any]) -> bool:
    evidence = rewrite["evidence"]
    return bool(
        evidence and evidence["recipes"] and evidence["witnesses_reached"] == evidence["witnesses"]
    )


def _was_built(rewrite: Mapping[str, Any]) -> bool:
    reason = rewrite["reason"]
    return reason["code"] in _BUILT_ALL_THE_SAME or reason["message"].startswith("cannot call")


# ---- the sample


def sample(root: Path, counts: Callable[[ast.ClassDef, str], bool]) -> list[str]:
    """The files, below `root`, of at least `SAMPLE` classes that count, or of all there are."""
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    random.Random(SEED).shuffle(files)
    chosen, classes = [], 0
    for file in files:
        found = _models_in(root / file, counts) if classes < SAMPLE else 0
        if found:
            chosen.append(file)
            classes += found
    return sorted(chosen)


def _models_in(path: Path, counts: Callable[[ast.ClassDef, str], bool]) -> int:
    """Classes that count, found without the tool."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if "def forward" not in text:
        return 0
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return 0
    return sum(isinstance(node, ast.ClassDef) and counts(node, text) for node in ast.walk(tree))


def has_forward(node: ast.ClassDef, _text: str) -> bool:
    return any(isinstance(one, ast.FunctionDef) and one.name == "forward" for one in node.body)


def may_hold_a_site(node: ast.ClassDef, text: str) -> bool:
    """Whether the source of a class with a forward, in a file written by hand, mentions one."""
    if _GENERATED in text or not has_forward(node, text):
        return False
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return _ABOUT.search("\n".join(lines)) is not None


# ---- the table


def summed(entries: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """One row for several packages."""
    numbers = (*STAGES, "refused_only", "rewrites", "rewrites_confirmed", "different", "seconds")
    reasons: Counter[str] = Counter()
    for entry in entries:
        reasons.update(entry["reasons"])
    return {
        "package": name,
        **{key: sum(entry[key] for entry in entries) for key in numbers},
        "reasons": dict(reasons.most_common()),
    }
