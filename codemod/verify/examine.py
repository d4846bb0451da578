"""Whether classes can be run at all: finds a recipe for each and runs it on the disk's text."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from codemod.results import Composition, Reason, RecipeEvidence, Site
from codemod.verify import reasons
from codemod.verify.compare import modes_that_ran
from codemod.verify.confirm import Candidates, Options, Progress, Target, deadline, targets
from codemod.verify.runs import BudgetSpent, Job, Memory, Model, Pool, Project, Runner
from codemod.verify.trials import Group, Laboratory, Way
from codemod.verify.verdicts import recipe_evidence


@dataclass(frozen=True)
class Examination:
    """What was found out about one class.

    `ran`: modes in which it gave something. `way`: how it ran; without one `reason` says why.
    """

    way: Way | None
    evidence: RecipeEvidence | None
    ran: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    reason: Reason | None = None


def examine(
    target: Target,
    classes: Mapping[tuple[str, str], Sequence[Site]],
    candidates_for: Candidates,
    pool: Pool,
    options: Options,
    progress: Progress,
    memory: Memory | None = None,
) -> dict[tuple[str, str], Examination]:
    """An examination of each class, by path and name. `classes`: with the places to be reached.

    Raises WorkerError if our own worker fails; the pool is the caller's to close.
    """
    runner = Runner(
        pool=pool,
        project=Project(target.root.resolve(), target.module_of),
        compose=_nothing,
        candidates_for=candidates_for,
        seed=options.seed,
        recipe_budget=options.recipe_budget,
        expired=deadline(options.budget, time.monotonic),
        memory=memory,
    )
    laboratory = Laboratory(runner, {})
    groups = {key: _group(key, target) for key in classes}
    count = _counting(progress, len(groups))
    found: dict[tuple[str, str], Examination] = {}
    for alone in (True, False):
        left = [key for key in classes if key not in found or found[key].way is None]
        jobs = {key: _examine(laboratory, groups[key], classes[key], alone) for key in left}
        for key, result in runner.run_all(jobs, count if alone else _silent).items():
            spent = Examination(None, None, reason=reasons.budget())
            found[key] = spent if isinstance(result, BudgetSpent) else result
        laboratory.share()
    return {key: found[key] for key in classes}


def _silent(key: tuple[str, str]) -> None:
    return None


def _nothing(ids: frozenset[str]) -> Composition:
    return Composition({}, {})


def _group(key: tuple[str, str], target: Target) -> Group:
    model = Model(*key)
    return Group(model, (), targets(model, target))


def _counting(progress: Progress, total: int) -> Callable[[tuple[str, str]], None]:
    done = 0

    def count(key: tuple[str, str]) -> None:
        nonlocal done
        done += 1
        progress(done, total, key[1])

    return count


def _examine(
    laboratory: Laboratory, group: Group, sites: Sequence[Site], alone: bool
) -> Job[Examination]:
    disk = laboratory.runner.overlay(())
    way = yield from laboratory.next_way(group, disk, sites, alone)
    if way is None:
        reason = group.problems[0].reason if group.problems else None
        return Examination(None, None, reason=reason or _no_recipe(group))
    answer = yield from laboratory.before(group, way, disk)
    if isinstance(answer, Reason):
        return Examination(None, None, reason=answer)
    return Examination(
        way,
        recipe_evidence(group.model, way),
        modes_that_ran(answer.observation()),
        answer.stubs,
    )


def _no_recipe(group: Group) -> Reason:
    failure = {"code": "no-recipe", "message": "no recipe was found"}
    return reasons.of_failure(failure, str(group.model))
