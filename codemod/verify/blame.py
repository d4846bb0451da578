"""Finds the rewrite that makes a model behave differently, and sees it again in fresh processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codemod.results import Reason, Rewrite
from codemod.verify import input_sets, reasons
from codemod.verify.bisect import first_to_fail
from codemod.verify.compare import disagreements
from codemod.verify.differences import without_data
from codemod.verify.first_site import first_site
from codemod.verify.runs import Answer, Job, Observe, Overlay
from codemod.verify.trials import Group, Laboratory, Problem, Trial, Way, after_run, ended

# Not reaching the end is a difference only where it says that the code itself is broken.
BROKEN_CODE = frozenset({"import-failed", "raised"})


@dataclass(frozen=True)
class Failing:
    """A way in which `over` fails against `base`."""

    group: Group
    way: Way
    base: Overlay
    over: Overlay


@dataclass(frozen=True)
class Blame:
    """`culprit`: the id to withdraw; None: nobody can be blamed, the whole group is in doubt."""

    culprit: str | None
    problem: Problem


def blame(laboratory: Laboratory, failing: Failing) -> Job[Blame]:
    """Sees the failure again, then bisects the rewrites that touch what the model loads."""
    target = str(failing.way.model)
    again = yield from _seen_again(laboratory, failing, ())
    if isinstance(again, Reason):
        return Blame(None, ended(failing.way, again))
    suspects = yield from _suspects(laboratory, failing)
    if not suspects:
        return Blame(None, ended(failing.way, reasons.nondeterministic((), target)))
    if len(suspects) == 1:
        return Blame(suspects[0].id, problem_of(again, target))
    index = yield from _bisected(laboratory, failing, suspects)
    culprit = suspects[index]
    alone = yield from _culprit_alone(laboratory, failing, suspects[: index + 1])
    if isinstance(alone, Reason):
        return Blame(culprit.id, ended(failing.way, alone))
    return Blame(culprit.id, problem_of(alone, target))


def problem_of(trial: Trial, target: str) -> Problem:
    """What a failing trial that was seen twice says."""
    if trial.failure is None:
        differences = trial.judgement.differences
        return Problem("different", reasons.different(differences, target), trial, differences)
    if trial.failure.get("code") in BROKEN_CODE:
        return Problem("different", reasons.breaks(trial.failure, target), trial)
    return Problem("unconfirmed", reasons.of_failure(trial.failure, target), trial)


def _bisected(laboratory: Laboratory, failing: Failing, suspects: Sequence[Rewrite]) -> Job[int]:
    def fails(prefix: Sequence[Rewrite]) -> Job[bool]:
        over = _with(laboratory, failing.base, prefix)
        own = _own(failing.group, prefix)
        trial = yield from laboratory.trial(failing.group, failing.way, failing.base, over, own)
        return isinstance(trial, Trial) and trial.fails

    return (yield from first_to_fail(suspects, fails))


def _culprit_alone(
    laboratory: Laboratory, failing: Failing, prefix: Sequence[Rewrite]
) -> Job[Trial | Reason]:
    """The last rewrite of a failing prefix against the others; against the base if that passes."""
    without = _with(laboratory, failing.base, prefix[:-1])
    over = _with(laboratory, failing.base, prefix)
    last = Failing(failing.group, failing.way, without, over)
    trial = yield from _seen_again(laboratory, last, _own(failing.group, prefix[-1:]))
    if isinstance(trial, Trial) and trial.fails:
        return trial
    whole = Failing(failing.group, failing.way, failing.base, over)
    return (yield from _seen_again(laboratory, whole, _own(failing.group, prefix)))


def _seen_again(
    laboratory: Laboratory, failing: Failing, own: Sequence[Rewrite]
) -> Job[Trial | Reason]:
    """The failure in fresh processes, with raw data; a Reason if a run differs from its first.

    The code before must also agree with itself where it is loaded as the code after is.
    """
    way, base, over = failing.way, failing.base, failing.over
    target = str(way.model)
    before = yield from laboratory.before(failing.group, way, base)
    if isinstance(before, Reason):
        return before
    first = before.observation()
    names = input_sets.names(first)
    after = yield after_run(way, over, first)
    rewrites = own or _own(failing.group, [laboratory.rewrites[key] for key in over.ids - base.ids])
    located = _showing(laboratory.judged(way, [before], after, base, over, rewrites))
    fresh_before = yield Observe(
        base, way.model, way.recipe, raw=True, attempt=2, sets=names, located=located
    )
    request = after_run(way, over, first, raw=True, attempt=2, located=located)
    fresh_after = yield request
    for overlay, one, other in ((base, before, fresh_before), (over, after, fresh_after)):
        apart = _apart(one, other)
        if apart is not None:
            place = yield from laboratory.unsteady_place(way, overlay)
            return reasons.nondeterministic(apart, target, place)
    shadow = laboratory.runner.shadow(base, over)
    elsewhere = yield Observe(shadow, way.model, way.recipe, raw=True, attempt=2, sets=names)
    apart = _apart(before, elsewhere)
    if apart is not None:
        return reasons.nondeterministic(apart, target)
    befores = [fresh_before, before, elsewhere]
    trial = laboratory.judged(way, befores, fresh_after, base, over, rewrites)
    unsteady = _unsteady(trial, after, fresh_after)
    if unsteady:
        return reasons.nondeterministic(unsteady, target)
    site = None
    if fresh_before.failure is None and fresh_after.failure is None:
        site = first_site(
            fresh_before.observation(),
            fresh_after.observation(),
            (laboratory.line_of(base), laboratory.line_of(over)),
            other_operators=any("trace" in rewrite.contract.changes for rewrite in rewrites),
        )
    return replace(trial, first_site=site, base=base, request=request)


def _showing(trial: Trial) -> tuple[str, ...]:
    """The inputs that show a difference; others only where the recipe's own do not."""
    own = any(not one.inputs for one in trial.judgement.differences)
    return ("",) if own else tuple(dict.fromkeys(name for name, _ in trial.judgement.sets.broken))


def _unsteady(trial: Trial, after: Answer, fresh_after: Answer) -> tuple[str, ...]:
    """The aspects that differ on other inputs, and there from run to run of the code after."""
    broken = trial.judgement.sets.broken
    if not broken:
        return ()
    sides = [after.observation(), fresh_after.observation()]
    found = {}
    for name, aspect in broken:
        one, other = (without_data(input_sets.tree_of(side, name, aspect)) for side in sides)
        if one != other:
            found[aspect] = True
    return tuple(found)


def _apart(first: Answer, second: Answer) -> tuple[str, ...] | None:
    """In what two runs of the same code differ: aspects, or nothing for how they end."""
    if first.failure is not None or second.failure is not None:
        codes = [(answer.failure or {}).get("code") for answer in (first, second)]
        return None if codes[0] == codes[1] else ()
    found = disagreements(first.observation(), without_data(second.observation()))
    return found or None


def _suspects(laboratory: Laboratory, failing: Failing) -> Job[list[Rewrite]]:
    before = yield from laboratory.before(failing.group, failing.way, failing.base)
    if isinstance(before, Reason):
        return []
    after = yield after_run(failing.way, failing.over, before.observation())
    found = laboratory.suspects(failing.base, failing.over, before, after)
    return in_order_of_need(found)


def in_order_of_need(rewrites: Sequence[Rewrite]) -> list[Rewrite]:
    """Each rewrite after those that it requires; otherwise as they stand."""
    by_id = {rewrite.id: rewrite for rewrite in rewrites}
    ordered: dict[str, Rewrite] = {}

    def place(rewrite: Rewrite) -> None:
        if rewrite.id in ordered:
            return
        for key in rewrite.requires:
            if key in by_id and key not in ordered:
                place(by_id[key])
        ordered[rewrite.id] = rewrite

    for rewrite in rewrites:
        place(rewrite)
    return list(ordered.values())


def _with(laboratory: Laboratory, base: Overlay, prefix: Sequence[Rewrite]) -> Overlay:
    return laboratory.runner.overlay(base.ids | {rewrite.id for rewrite in prefix})


def _own(group: Group, rewrites: Sequence[Rewrite]) -> list[Rewrite]:
    members = {rewrite.id for rewrite in group.rewrites}
    return [rewrite for rewrite in rewrites if rewrite.id in members]
