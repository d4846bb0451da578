"""Runs models before and after rewrites and gives each rewrite its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codemod.results import Attempt, Composition, Recipe, Rewrite, Verdict
from codemod.verify.replay import Replay, of_trial
from codemod.verify.runs import Memory, Model, Overlay, Pool, Project, Runner
from codemod.verify.staging import Staging, beside_witnesses
from codemod.verify.symbolic import Symbolic, on_terms, with_terms
from codemod.verify.trials import Group, Laboratory
from codemod.verify.verdicts import verdict

Compose = Callable[[frozenset[str]], Composition]
Candidates = Callable[[str, str], Iterable[Recipe]]
Progress = Callable[[int, int, str], None]


def _no_alternatives(path: str, class_name: str) -> Sequence[tuple[str, str]]:
    return ()


def _no_progress(done: int, total: int, label: str) -> None:
    return None


@dataclass(frozen=True)
class Target:
    """The project to be run.

    `root`: its folder. `module_of`: path relative to the root -> dotted name to import it by.
    `alternatives`: what else runs a class, as (path, class name): its known subclasses, then
    the project's models that construct it.
    """

    root: Path
    module_of: Callable[[str], str]
    alternatives: Callable[[str, str], Sequence[tuple[str, str]]] = _no_alternatives


@dataclass(frozen=True)
class Options:
    """`budget`: seconds for the whole run; `recipe_budget`: for one search of a recipe."""

    accept_behaviour_change: bool = False
    accept_unconfirmed: bool = False
    accept_symbolic: bool = False
    budget: float | None = None
    recipe_budget: float = 20.0
    seed: int = 0


@dataclass(frozen=True)
class Confirmation:
    """`verdicts`: one for each rewrite. `final`: the ids to be written under the options;
    composed together they are the text that ran."""

    verdicts: Mapping[str, Verdict]
    final: frozenset[str]
    torch: str | None
    protection: tuple[str, ...]
    attempts: tuple[Attempt, ...] = ()
    replays: tuple[Replay, ...] = ()


def confirm(
    target: Target,
    rewrites: Sequence[Rewrite],
    compose: Compose,
    candidates_for: Candidates,
    pool: Pool,
    options: Options = Options(),
    progress: Progress = _no_progress,
    clock: Callable[[], float] = time.monotonic,
    memory: Memory | None = None,
) -> Confirmation:
    """The verdict of each rewrite, by running models on the disk and on what `compose` gives.

    `progress(done, total, label)` is called as classes are done. Raises WorkerError if our own
    worker fails, and lets KeyboardInterrupt through; the pool is the caller's to close.
    """
    runner = Runner(
        pool=pool,
        project=Project(target.root.resolve(), target.module_of),
        compose=compose,
        candidates_for=candidates_for,
        seed=options.seed,
        recipe_budget=options.recipe_budget,
        expired=deadline(options.budget, clock),
        memory=memory,
    )
    laboratory = Laboratory(runner, {rewrite.id: rewrite for rewrite in rewrites})
    done = _counting(progress, len(_groups(rewrites, target)))

    def staged(**fields: Any) -> Staged:
        groups = _groups(rewrites, target)
        staging = Staging(laboratory, groups, options.accept_unconfirmed, done, **fields)
        return Staged(staging, *staging.run())

    found = staged()
    symbolic = on_terms(runner, found.first, found.in_doubt())
    runner.forget_all_but([runner.overlay(()), found.first, found.second])
    again = _what_terms_change(found, symbolic, options)
    if again:
        found = staged(**again)
    final = found.second if options.accept_behaviour_change else found.first
    return Confirmation(
        verdicts={
            rewrite.id: with_terms(_verdict(rewrite, group, found, final), symbolic.get(rewrite.id))
            for group in found.staging.groups
            for rewrite in group.rewrites
        },
        final=final.ids,
        torch=pool.torch,
        protection=pool.protection,
        attempts=runner.attempts(),
        replays=tuple(_replays(rewrites, found.staging, runner)),
    )


def _replays(rewrites: Sequence[Rewrite], staging: Staging, runner: Runner) -> Iterator[Replay]:
    """What can be repeated: the runs in which rewrites behave differently."""
    for rewrite in rewrites:
        problem = staging.settled.get(rewrite.id)
        if problem is not None and problem.kind == "different" and problem.trial is not None:
            found = of_trial(rewrite, problem.trial, runner.project.root, runner.seed)
            if found is not None:
                yield found


@dataclass(frozen=True)
class Staged:
    """The end of one staging: what holds the preserving rewrites, and what holds all."""

    staging: Staging
    first: Overlay
    second: Overlay

    def in_doubt(self) -> list[Rewrite]:
        """Those that were not seen to differ and not confirmed either."""
        settled = self.staging.settled
        rewrites = self.staging.laboratory.rewrites
        return [rewrites[key] for key, why in settled.items() if why.kind == "unconfirmed"]


def _what_terms_change(
    found: Staged, symbolic: Mapping[str, Symbolic | None], options: Options
) -> dict[str, Any]:
    """How to stage again, so that what is written is what ran; empty if nothing changes."""
    problems = found.staging.settled
    equal = frozenset(key for key, seen in symbolic.items() if seen == "equal")
    different = {key for key, seen in symbolic.items() if seen == "different"}
    kept = equal if options.accept_symbolic else frozenset()
    barred = different if options.accept_unconfirmed else set()
    if not kept and not barred:
        return {}
    settled = {key: problems[key] for key in barred}
    return {"kept": kept, "settled": settled, "withdrawn": barred}


def _verdict(
    rewrite: Rewrite,
    group: Group,
    found: Staged,
    final: Overlay,
) -> Verdict:
    staging = found.staging
    is_second = rewrite.id in staging.second_stage
    overlay = found.second if is_second else found.first
    base = found.first if is_second else staging.laboratory.runner.overlay(())
    written = final if rewrite.id in final.ids else overlay
    trials = staging.trials.get(rewrite.id, ())
    ways = {trial.way for trial in trials}
    ran = bool(ways) and all(
        any(written.signature(files) == text for files, text in group.ran.get(way, ()))
        for way in ways
    )
    return verdict(
        rewrite,
        trials,
        overlay.keys.get(rewrite.id, ()),
        staging.settled.get(rewrite.id),
        ran_as_it_will_be=ran and rewrite.id in written.ids,
        beside=beside_witnesses(base, overlay, rewrite),
    )


def _groups(rewrites: Sequence[Rewrite], target: Target) -> list[Group]:
    """One group a class, in the order of the plan; what raises on the disk is apart."""
    members: dict[tuple[Model, bool], list[Rewrite]] = {}
    for rewrite in rewrites:
        key = (Model(rewrite.path, rewrite.class_name), _raises_before(rewrite))
        members.setdefault(key, []).append(rewrite)
    return [
        Group(model, tuple(found), targets(model, target, found), raises)
        for (model, raises), found in members.items()
    ]


def _raises_before(rewrite: Rewrite) -> bool:
    return "raises-before" in rewrite.contract.changes.values()


def targets(model: Model, target: Target, rewrites: Iterable[Rewrite] = ()) -> tuple[Model, ...]:
    """What may run a class: itself, the others that its rewrites change, then its alternatives."""
    changed = [Model(*other) for rewrite in rewrites for other in rewrite.also]
    others = [Model(*other) for other in target.alternatives(model.path, model.class_name)]
    own = [model] if model.class_name else []
    return tuple(dict.fromkeys([*own, *changed, *others]))


def deadline(budget: float | None, clock: Callable[[], float]) -> Callable[[], bool]:
    """Whether a budget of seconds, counted from this call, is spent."""
    if budget is None:
        return lambda: False
    end = clock() + budget
    return lambda: clock() >= end


def _counting(progress: Progress, total: int) -> Callable[[Group], None]:
    """Tells each group once, when it is first done."""
    told: set[tuple[Model, bool]] = set()

    def done(group: Group) -> None:
        key = (group.model, group.raises_before)
        if key not in told:
            told.add(key)
            progress(len(told), total, str(group.model))

    return done
