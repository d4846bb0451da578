"""Finds the first place of the source whose own result differs between two located runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from codemod.results import FirstSite
from codemod.verify.differences import Tree

Observation = Mapping[str, Any]
Line = Callable[[str, int], str]


def first_site(
    before: Observation,
    after: Observation,
    lines: tuple[Line, Line],
    *,
    other_operators: bool = False,
) -> FirstSite | None:
    """Where raw runs first differ, those on the recipe's own inputs first; None if nowhere.

    `lines`: for each side the text of a line of a file. `other_operators`: which operators run
    may change, so that their results alone tell.
    """
    for inputs, mode, left, right in _runs(before, after):
        index = _first_apart(left["lines"], right["lines"], other_operators)
        if index is None:
            continue
        places = [_place(side, index) for side in (left, right)]
        if any(places):
            texts = [_text(place, line) for place, line in zip(places, lines, strict=True)]
            operators = [_operator(side["lines"], index) for side in (left, right)]
            return FirstSite(mode, inputs, *places, *texts, *operators)
    return None


def _runs(before: Observation, after: Observation) -> Iterator[tuple[str, str, Tree, Tree]]:
    """Each run that both sides located: the inputs, the mode, both sides."""
    pairs = [("", before, after)]
    others = after.get("sets", {})
    pairs += [(name, tree, others.get(name, {})) for name, tree in before.get("sets", {}).items()]
    for inputs, left, right in pairs:
        here, there = left.get("places", {}), right.get("places", {})
        for mode in ("train", "eval"):
            if mode in here and mode in there:
                yield inputs, mode, here[mode], there[mode]


def _first_apart(left: Sequence[str], right: Sequence[str], results_alone: bool) -> int | None:
    if results_alone:
        left, right = [_result(line) for line in left], [_result(line) for line in right]
    for index in range(max(len(left), len(right))):
        if left[index : index + 1] != right[index : index + 1]:
            return index
    return None


def _result(line: str) -> str:
    return line.partition(" ")[2]


def _operator(lines: Sequence[str], index: int) -> str:
    return lines[index].partition(" ")[0] if index < len(lines) else ""


def _place(side: Tree, index: int) -> str:
    places: Sequence[str] = side["places"]
    return places[index] if index < len(places) else ""


def _text(place: str, line: Line) -> str:
    path, _, number = place.rpartition(":")
    return line(path, int(number)).strip() if path else ""
