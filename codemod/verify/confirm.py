"""Runs models before and after rewrites and gives each rewrite its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codemod.results import Attempt, Composition, Recipe, Rewrite, Verdict
from codemod.verify.replay import Replay, of_trial
from codemod.verify.runs import Memory, Model, Overlay, Pool, Project, Runner
from codemod.verify.staging import Staging
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
    groups = _groups(rewrites, target)
    staging = Staging(
        laboratory=Laboratory(runner, {rewrite.id: rewrite for rewrite in rewrites}),
        groups=groups,
        keep_unconfirmed=options.accept_unconfirmed,
        done=_counting(progress, len(groups)),
    )
    first, second = staging.run()
    final = second if options.accept_behaviour_change else first
    return Confirmation(
        verdicts={
            rewrite.id: _verdict(rewrite, group, staging, first, second, final)
            for group in groups
            for rewrite in group.rewrites
        },
        final=final.ids,
        torch=pool.torch,
        protection=pool.protection,
        attempts=runner.attempts(),
        replays=tuple(_replays(rewrites, staging, runner)),
    )


def _replays(rewrites: Sequence[Rewrite], staging: Staging, runner: Runner) -> Iterator[Replay]:
    """What can be repeated: the runs in which rewrites behave differently."""
    for rewrite in rewrites:
        problem = staging.settled.get(rewrite.id)
        if problem is not None and problem.kind == "different" and problem.trial is not None:
            found = of_trial(rewrite, problem.trial, runner.project.root, runner.seed)
            if found is not None:
                yield found


def _verdict(
    rewrite: Rewrite,
    group: Group,
    staging: Staging,
    first: Overlay,
    second: Overlay,
    final: Overlay,
) -> Verdict:
    overlay = second if rewrite.id in staging.second_stage else first
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
    )


def _groups(rewrites: Sequence[Rewrite], target: Target) -> list[Group]:
    """One group a class, in the order of the plan; what raises on the disk is apart."""
    members: dict[tuple[Model, bool], list[Rewrite]] = {}
    for rewrite in rewrites:
        key = (Model(rewrite.path, rewrite.class_name), _raises_before(rewrite))
        members.setdefault(key, []).append(rewrite)
    return [
        Group(model, tuple(found), targets(model, target), raises)
        for (model, raises), found in members.items()
    ]


def _raises_before(rewrite: Rewrite) -> bool:
    return "raises-before" in rewrite.contract.changes.values()


def targets(model: Model, target: Target) -> tuple[Model, ...]:
    """What may run a class: itself, then its alternatives."""
    others = [Model(*other) for other in target.alternatives(model.path, model.class_name)]
    own = [model] if model.class_name else []
    return tuple(dict.fromkeys([*own, *others]))


def deadline(budget: float | None, clock: Callable[[], float]) -> Callable[[], bool]:
    """Whether a budget of seconds, counted from this call, is spent."""
    if budget is None:
        return lambda: False
    end = clock() + budget
    return lambda: clock() >= end


def _counting(progress: Progress, total: int) -> Callable[[Group], None]:
    """Tells each group once, when it is first done."""
    told: set[int] = set()

    def done(group: Group) -> None:
        if id(group) not in told:
            told.add(id(group))
            progress(len(told), total, str(group.model))

    return done
