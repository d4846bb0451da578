"""What opaque terms say of rewrites that no run confirmed: evidence of its own kind."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from codemod.results import ASPECTS, STRUCTURAL, Evidence, Rewrite, Verdict
from codemod.verify.runs import Job, Model, Overlay, Runner, RunOnTerms

Symbolic = Literal["equal", "different"]
_BOTH = (True, False)
_TRAIN = (True,)


def on_terms(
    runner: Runner, base: Overlay, rewrites: Sequence[Rewrite]
) -> dict[str, Symbolic | None]:
    """For each rewrite by id: the same as before it on opaque terms, or not; None: not known.

    `base`: what is kept of the others; the rewrites themselves need not be taken out of it.
    """
    ids = {rewrite.id for rewrite in rewrites}
    known = runner.overlay(base.ids - ids)
    # All at once: a class sees of the others no more than that they are called.
    over = runner.overlay(known.ids | _closed(rewrites, known, rewrites))
    groups: dict[tuple[Model, tuple[bool, ...]], list[Rewrite]] = {}
    for rewrite in rewrites:
        modes = _modes(rewrite)
        if rewrite.class_name and modes and rewrite.id in over.ids:
            key = (Model(rewrite.path, rewrite.class_name), modes)
            groups.setdefault(key, []).append(rewrite)
    jobs = {key: _judge(runner, known, over, *key, group) for key, group in groups.items()}
    found: dict[str, Symbolic | None] = dict.fromkeys(ids)
    for result in runner.run_all(jobs).values():
        if isinstance(result, dict):
            found.update(result)
    return found


def with_terms(verdict: Verdict, seen: Symbolic | None) -> Verdict:
    """The verdict with what terms showed, where nothing else did."""
    if verdict.kind != "unconfirmed" or seen is None:
        return verdict
    evidence = verdict.evidence or Evidence(
        recipes=(),
        aspects=dict.fromkeys(ASPECTS, "not-run"),
        witnesses_reached=0,
        witnesses=0,
    )
    return replace(verdict, evidence=replace(evidence, symbolic=seen))


def _modes(rewrite: Rewrite) -> tuple[bool, ...]:
    """The modes in which nothing may change, train mode as True; what changes in both has none.

    Other operators that do the same are told apart from those that don't in any case.
    """
    changed = rewrite.contract.changes.keys() - STRUCTURAL - {"trace"}
    if not changed:
        return _BOTH
    return _TRAIN if changed == {"eval"} else ()


def _judge(
    runner: Runner,
    base: Overlay,
    all: Overlay,
    model: Model,
    modes: tuple[bool, ...],
    rewrites: Sequence[Rewrite],
) -> Job[dict[str, Symbolic | None]]:
    """All rewrites of a class at once; each alone where something is different."""
    before = yield RunOnTerms(base, model, modes)
    if before.failure is not None:
        return {}
    told = json.dumps(before.observation())
    said: Any
    after = yield RunOnTerms(all, model, modes, told)
    if after.failure is not None:
        return {}
    said = after.observation()
    if said["symbolic"] != "different":
        return _equal(said, rewrites, all)
    found: dict[str, Symbolic | None] = {}
    for rewrite in rewrites:
        alone = runner.overlay(base.ids | _closed([rewrite], base, rewrites))
        after = yield RunOnTerms(alone, model, modes, told)
        if after.failure is not None:
            continue
        said = after.observation()
        if said["symbolic"] == "different":
            found[rewrite.id] = "different"
        found.update(_equal(said, [rewrite], alone))
    return found


def _closed(group: Iterable[Rewrite], base: Overlay, rewrites: Iterable[Rewrite]) -> frozenset[str]:
    """The ids of those of a group that can be there, and of all that they are built on."""
    by_id = {rewrite.id: rewrite for rewrite in rewrites}
    found: set[str] = set()
    for rewrite in group:
        needed = _needed(rewrite.id, by_id, base)
        if needed is not None:
            found |= needed
    return frozenset(found)


def _needed(key: str, by_id: Mapping[str, Rewrite], base: Overlay) -> set[str] | None:
    """A rewrite and all that it is built on beyond `base`; None where that is not there."""
    if key in base.ids:
        return set()
    if key not in by_id:
        return None
    found = {key}
    for other in by_id[key].requires:
        needed = _needed(other, by_id, base)
        if needed is None:
            return None
        found |= needed
    return found


def _equal(said: Any, rewrites: Iterable[Rewrite], over: Overlay) -> dict[str, Symbolic | None]:
    """Those of which each place was reached, where all is equal."""
    if said["symbolic"] != "equal":
        return {}
    reached = set(said["reached"])
    return {
        rewrite.id: "equal"
        for rewrite in rewrites
        if over.keys.get(rewrite.id) and reached.issuperset(over.keys[rewrite.id])
    }
