"""A run that showed a difference, kept whole, so that it can be repeated exactly."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codemod.errors import UsageError
from codemod.results import Aspect, Composition, Expectation, Recipe, Repeated, Rewrite
from codemod.source.durable import write_file
from codemod.verify import reasons
from codemod.verify.blame import BROKEN_CODE
from codemod.verify.compare import judge
from codemod.verify.first_site import first_site
from codemod.verify.runs import Answer, Job, Model, Observe, Overlay, Pool, Project, Runner
from codemod.verify.trials import Laboratory, Trial
from codemod.verify.verdicts import shown_inputs

_SCHEMA = 1
_MOST = 50
_BEFORE, _AFTER = frozenset({"before"}), frozenset({"after"})
Texts = Mapping[str, str]


@dataclass(frozen=True)
class Replay:
    """All that two runs need. Paths are relative to the root.

    `before`, `after`: the files in which each side is not the disk. `digests`: of every file of
    the project on the disk that either side loaded.
    """

    id: str
    summary: str
    path: str
    class_name: str
    recipe: Recipe
    seed: int
    sets: tuple[str, ...]
    located: tuple[str, ...]
    load_keys: str
    changes: Mapping[Aspect, Expectation]
    before: Texts
    after: Texts
    digests: Texts
    python: str = ""
    timeout: float = 0.0


def of_trial(rewrite: Rewrite, trial: Trial, root: Path, seed: int) -> Replay | None:
    """What is kept of a failing trial that was seen again; None for another."""
    request, base = trial.request, trial.base
    if request is None or base is None:
        return None
    before, after = _relative(base, root), _relative(request.overlay, root)
    files = {path for path in trial.files if path.startswith(f"{root}/")}
    paths = {Path(path).relative_to(root).as_posix() for path in files}
    return Replay(
        id=rewrite.id,
        summary=f"{rewrite.path} {rewrite.class_name}: {rewrite.summary}",
        path=trial.way.model.path,
        class_name=trial.way.model.class_name,
        recipe=trial.way.recipe,
        seed=seed,
        sets=request.sets or (),
        located=request.located,
        load_keys=request.load_keys,
        changes=dict(trial.changes),
        before=before,
        after=after,
        digests=_digests(root, {*paths, *before, *after}),
    )


def store(folder: Path, replays: Iterable[Replay]) -> frozenset[str]:
    """Writes each to `ID.json` and keeps the newest; the ids written. A full disk loses them."""
    written = set()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for replay in replays:
            data = {"schema": _SCHEMA, **dataclasses.asdict(replay)}
            write_file(folder / f"{replay.id}.json", json.dumps(data).encode())
            written.add(replay.id)
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[: -max(_MOST, len(written))]:
            path.unlink(missing_ok=True)
    except OSError:
        return frozenset(written)
    return frozenset(written)


def load(folder: Path, key: str) -> Replay:
    """Raises UsageError for an id that nothing is kept of."""
    try:
        if Path(key).name != key:
            raise ValueError(key)
        data: dict[str, Any] = json.loads((folder / f"{key}.json").read_bytes())
        if data.pop("schema") != _SCHEMA:
            raise ValueError("another schema")
        recipe = {**data["recipe"], "labels": tuple(data["recipe"]["labels"])}
        tuples = {name: tuple(data[name]) for name in ("sets", "located")}
        return Replay(**{**data, "recipe": Recipe(**recipe), **tuples})
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"no run {key} is kept for this project; codemod diff keeps those that differ"
        ) from None


def changed_files(replay: Replay, root: Path) -> list[str]:
    """The files that are not as they were when the run was made."""
    now = _digests(root, replay.digests)
    return [path for path, digest in replay.digests.items() if now[path] != digest]


def repeat(replay: Replay, root: Path, module_of: Callable[[str], str], pool: Pool) -> Repeated:
    """Runs both sides again, in fresh processes. Raises WorkerError."""

    def compose(ids: frozenset[str]) -> Composition:
        texts = replay.after if ids == _AFTER else replay.before
        return Composition({path: text.encode() for path, text in texts.items()}, {})

    runner = Runner(
        pool=pool,
        project=Project(root, module_of),
        compose=compose,
        candidates_for=lambda path, name: (),
        seed=replay.seed,
        recipe_budget=0.0,
        expired=lambda: False,
    )
    repeated: Repeated = runner.run_all({0: _job(replay, runner)})[0]  # type: ignore[assignment]
    return repeated


def _job(replay: Replay, runner: Runner) -> Job[Repeated]:
    model = Model(replay.path, replay.class_name)
    base = runner.overlay(_BEFORE if replay.before else ())
    over = runner.overlay(_AFTER)
    raw = {"raw": True, "attempt": 2, "sets": replay.sets, "located": replay.located}
    before: Answer = yield Observe(base, model, replay.recipe, **raw)  # type: ignore[arg-type]
    if before.failure is not None:
        failure = reasons.of_failure(before.failure, str(model)).message
        return _repeated(replay, failure=failure)
    after: Answer = yield Observe(over, model, replay.recipe, replay.load_keys, **raw)  # type: ignore[arg-type]
    if after.failure is not None:
        code = after.failure.get("code")
        reason = reasons.breaks if code in BROKEN_CODE else reasons.of_failure
        return _repeated(replay, failure=reason(after.failure, str(model)).message)
    first, second = before.observation(), after.observation()
    laboratory = Laboratory(runner, {})
    site = first_site(
        first,
        second,
        (laboratory.line_of(base), laboratory.line_of(over)),
        other_operators="trace" in replay.changes,
    )
    differences = judge(first, second, replay.changes).differences
    return _repeated(replay, differences=differences, first_site=site if differences else None)


def _repeated(replay: Replay, **shown: Any) -> Repeated:
    recipe = replay.recipe
    return Repeated(
        summary=replay.summary,
        call=recipe.build or recipe.function,
        inputs=shown_inputs(recipe.inputs) or recipe.function,
        **shown,
    )


def _relative(overlay: Overlay, root: Path) -> dict[str, str]:
    return {Path(path).relative_to(root).as_posix(): text for path, text in overlay.files.items()}


def _digests(root: Path, paths: Iterable[str]) -> dict[str, str]:
    found = {}
    for path in sorted(paths):
        try:
            found[path] = hashlib.sha256((root / path).read_bytes()).hexdigest()
        except OSError:
            found[path] = "missing"
    return found
