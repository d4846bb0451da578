"""Judges what runs on other inputs than the recipe's own showed.

A set counts in those aspects alone in which every run of the code before agreed. Where all of
them raised, the code after must raise as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codemod.results import Aspect, AspectStatus, Expectation
from codemod.verify.differences import Tree, opaque_types, outline, raises, without_data

Observation = Mapping[str, Any]
Sets = Mapping[str, Tree]

MISSING: Tree = {"opaque": "not observed"}
_OF_MODE: Mapping[str, tuple[Aspect, ...]] = {
    "eval": ("eval",),
    "train": ("train", "grads", "buffers", "inputs", "rng"),
}


@dataclass(frozen=True, slots=True)
class SetsJudgement:
    """`statuses`: by set. `broken`: what differs and may not, as (set, aspect).
    `reached`: keys of the witnesses that ran in what was judged, before or after."""

    statuses: Mapping[str, AspectStatus]
    broken: tuple[tuple[str, Aspect], ...] = ()
    reached: frozenset[str] = frozenset()


NOTHING_ELSE = SetsJudgement({})


def names(observation: Observation) -> tuple[str, ...]:
    """The sets that a run was given."""
    return tuple(observation.get("sets", ()))


def judge_sets(
    before: Sequence[Observation], after: Observation, changes: Mapping[Aspect, Expectation]
) -> SetsJudgement:
    """`before`: all runs of the code before, `after`: one run of the code after."""
    statuses: dict[str, AspectStatus] = {}
    broken: list[tuple[str, Aspect]] = []
    reached: set[str] = set()
    for name in names(before[0]):
        statuses[name] = "not-run"
        right = after.get("sets", {}).get(name, {})
        for mode, aspects in _judged(before, name, right, changes):
            wrong = [a for a in aspects if _differs(before[0], name, a, right, changes)]
            statuses[name] = "different" if wrong or statuses[name] == "different" else "equal"
            broken += [(name, aspect) for aspect in wrong]
            if raises(tree_of(before[0], name, _OF_MODE[mode][0])) is None:
                for side in (before[0].get("sets", {}).get(name, {}), right):
                    reached.update(side.get("reached", {}).get(mode, ()))
    return SetsJudgement(statuses, tuple(broken), frozenset(reached))


def tree_of(observation: Observation, name: str, aspect: Aspect) -> Tree:
    tree: Tree = observation.get("sets", {}).get(name, {}).get(aspect, MISSING)
    return tree


def _judged(
    before: Sequence[Observation], name: str, right: Tree, changes: Mapping[Aspect, Expectation]
) -> Iterator[tuple[str, list[Aspect]]]:
    """The modes of a set that ran, with the aspects in which all runs agree."""
    for mode, aspects in _OF_MODE.items():
        trees = [tree_of(one, name, aspects[0]) for one in before]
        if raises(trees[0]) is None:
            yield mode, [aspect for aspect in aspects if _is_steady(before, name, aspect)]
        elif aspects[0] in right and _must_raise(trees, changes):
            yield mode, [aspects[0]]


def _must_raise(trees: Sequence[Tree], changes: Mapping[Aspect, Expectation]) -> bool:
    """Whether what raised before may not run after: a check that is lost.

    Weights that were not in the model before could not follow it to another precision.
    """
    always = all(raises(tree) not in (None, "MemoryError") for tree in trees)
    return always and not changes.keys() & {"state_dict", "eval", "train"}


def _is_steady(before: Sequence[Observation], name: str, aspect: Aspect) -> bool:
    tree, *others = (without_data(tree_of(one, name, aspect)) for one in before)
    return all(tree == other for other in others) and not opaque_types(tree) and not raises(tree)


def _differs(
    before: Observation,
    name: str,
    aspect: Aspect,
    right: Tree,
    changes: Mapping[Aspect, Expectation],
) -> bool:
    left, other = tree_of(before, name, aspect), right.get(aspect, MISSING)
    if raises(left) is not None and aspect in ("eval", "train"):
        return raises(other) is None
    if changes.get(aspect, "may-raise-before") == "may-raise-before":
        return bool(left != other)
    if changes[aspect] == "becomes-deterministic":
        return bool(outline(left) != outline(other))
    return raises(other) is not None
