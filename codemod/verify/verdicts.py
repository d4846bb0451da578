"""The one place that says `confirmed`, after every condition was checked by name."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from codemod.results import (
    ASPECTS,
    Aspect,
    AspectStatus,
    Evidence,
    Reason,
    RecipeEvidence,
    Reuse,
    Rewrite,
    Verdict,
)
from codemod.verify import reasons
from codemod.verify.runs import Model
from codemod.verify.trials import Problem, Trial, Way

# Where trials of several recipes differ, the status that stands first here is shown.
_PRECEDENCE: tuple[AspectStatus, ...] = (
    "different",
    "not-run",
    "changed-as-declared",
    "not-changed",
    "equal",
    "not-applicable",
)
_DREW = " drew"  # as `worker/witness.py` writes it
_OF_SETS: tuple[AspectStatus, ...] = ("different", "equal", "not-run")


def shortfall(
    rewrite: Rewrite,
    trials: Sequence[Trial],
    keys: Sequence[str],
    beside: Collection[str] = (),
) -> Reason | None:
    """What is missing for a confirmation; None if nothing is.

    `keys`: those of the rewrite's witnesses that the overlay watched. `beside`: of the places that
    it changes beside them.
    """
    target = rewrite.class_name or rewrite.path
    if not trials:
        return reasons.of_failure({"code": "no-recipe", "message": "nothing ran"}, target)
    for trial in trials:
        if trial.failure is not None:
            return reasons.of_failure(trial.failure, target)
        if trial.judgement.broken:
            return reasons.different(trial.judgement.differences, target)
        if trial.judgement.incomparable:
            found = trial.judgement.hidden()
            return reasons.not_comparable(found, target)
    missing = len(rewrite.witnesses) - len(reached(rewrite, trials))
    if missing or not keys or len(keys) != len(rewrite.witnesses):
        scripted = any(trial.scripted for trial in trials)
        return reasons.not_reached(max(missing, 1), len(rewrite.witnesses), target, scripted)
    unseen = set(beside).difference(*(trial.reached for trial in trials))
    if unseen:
        return reasons.not_reached(len(unseen), len(beside), target, scripted=False)
    if any(key + _DREW in trial.reached for key in beside for trial in trials):
        return reasons.chance(target)
    unexercised = _unexercised(trials)
    if unexercised:
        return reasons.not_exercised(unexercised, target)
    return None


def verdict(
    rewrite: Rewrite,
    trials: Sequence[Trial],
    keys: Sequence[str],
    problem: Problem | None,
    ran_as_it_will_be: bool,
    beside: Collection[str] = (),
) -> Verdict:
    """The verdict. `ran_as_it_will_be`: the text that the trials ran is the text to be written."""
    shown = [problem.trial] if problem and problem.trial else list(trials)
    evidence = _evidence(rewrite, shown, problem) if shown else None
    if problem is not None:
        return Verdict(problem.kind, problem.reason, evidence)
    reason = shortfall(rewrite, trials, keys, beside)
    if reason is None and not ran_as_it_will_be:
        reason = reasons.not_final(rewrite.class_name or rewrite.path)
    if reason is not None:
        return Verdict("unconfirmed", reason, evidence)
    return Verdict("confirmed", None, evidence)


def reached(rewrite: Rewrite, trials: Sequence[Trial]) -> set[str]:
    """The keys of those witnesses of the rewrite that ran in any of the trials."""
    keys = {f"{rewrite.id}:{ordinal}" for ordinal in range(len(rewrite.witnesses))}
    return {key for trial in trials for key in trial.reached if key in keys}


def _unexercised(trials: Sequence[Trial]) -> list[Aspect]:
    """Declared changes that no trial showed."""
    common = set(trials[0].judgement.unexercised)
    for trial in trials[1:]:
        common &= set(trial.judgement.unexercised)
    return [aspect for aspect in trials[0].judgement.unexercised if aspect in common]


def _evidence(rewrite: Rewrite, trials: Sequence[Trial], problem: Problem | None) -> Evidence:
    model = Model(rewrite.path, rewrite.class_name)
    recipes = dict.fromkeys(recipe_evidence(model, trial.way) for trial in trials)
    reused = tuple(dict.fromkeys(item for trial in trials for item in trial.reused))
    return Evidence(
        recipes=tuple(recipes),
        aspects=_statuses(trials),
        witnesses_reached=len(reached(rewrite, trials)),
        witnesses=len(rewrite.witnesses),
        stubs=tuple(dict.fromkeys(stub for trial in trials for stub in trial.stubs)),
        differences=problem.differences if problem else (),
        first_site=trials[0].first_site if problem and problem.kind == "different" else None,
        input_sets=_input_sets(trials),
        reused=reused,
        notes=tuple(_note(item) for item in reused if item.new),
    )


def _note(item: Reuse) -> str:
    return f"reused-at-run-time: {item.module} fires {item.times} times a forward"


def _input_sets(trials: Sequence[Trial]) -> dict[str, AspectStatus]:
    """The sets of other inputs that any trial could judge."""
    found: dict[str, AspectStatus] = {}
    for trial in trials:
        for name, status in trial.judgement.sets.statuses.items():
            found[name] = min(found.get(name, status), status, key=_OF_SETS.index)
    return {name: status for name, status in found.items() if status != "not-run"}


def recipe_evidence(model: Model, way: Way) -> RecipeEvidence:
    """How a way ran a class, as reports show it: alone, or enclosed in another model."""
    recipe = way.recipe
    own = way.model == model
    return RecipeEvidence(
        source=recipe.source if own else "enclosed",
        where=recipe.where if own else f"{way.model.path}: {way.model.class_name}",
        call=recipe.build or f"{recipe.function.rpartition(':')[2]}()",
        inputs=shown_inputs(recipe.inputs),
    )


def shown_inputs(source: str) -> str:
    """`((x,), {"mask": m})` as a call would be written: `x, mask=m`."""
    try:
        node = ast.parse(source, mode="eval").body
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            args, kwargs = node.elts
            if isinstance(args, ast.Tuple) and isinstance(kwargs, ast.Dict):
                named = zip(kwargs.keys, kwargs.values, strict=True)
                shown = [ast.unparse(item) for item in args.elts]
                shown += [
                    f"{ast.literal_eval(key)}={ast.unparse(value)}" for key, value in named if key
                ]
                return ", ".join(shown)
    except (SyntaxError, ValueError):
        pass
    return source


def _statuses(trials: Sequence[Trial]) -> dict[Aspect, AspectStatus]:
    return {
        aspect: min(
            (trial.judgement.statuses.get(aspect, "not-run") for trial in trials),
            key=_PRECEDENCE.index,
        )
        for aspect in ASPECTS
    }
