"""Judges two observations against what a rewrite promises, aspect by aspect."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from codemod.results import (
    ASPECTS,
    STRUCTURAL,
    Aspect,
    AspectStatus,
    Difference,
    Expectation,
    Reuse,
)
from codemod.verify.alignment import aligned, is_mended, kept_keys, without_alias
from codemod.verify.differences import (
    MAX_DIFFERENCES,
    Spot,
    Tree,
    child,
    describe,
    distance,
    is_nan_throughout,
    is_not_applicable,
    opaque_types,
    outline,
    raises,
    spots,
)
from codemod.verify.input_sets import (
    MISSING,
    NOTHING_ELSE,
    SetsJudgement,
    judge_sets,
    names,
    tree_of,
)
from codemod.verify.reasons import ONLY_NAN

# What is seen of a model that was built, without running it.
_OF_A_BUILT_MODEL: frozenset[Aspect] = frozenset({"state_dict", "load", "modules", "signature"})

_OPAQUE = "an opaque value"

Observation = Mapping[str, Any]
Changes = Mapping[Aspect, Expectation]

# As `worker/signatures.py`, `worker/run.py` and `worker/tracing.py` write them.
_PASSED_OVER = "statements"
REQUIRED: Tree = {"value": "required"}
_PART: Tree = {"value": "a part"}
_BY_KEYWORD = " (by keyword)"
_INPLACE = re.compile(r"(?:, )?\binplace=True(?=\)$)")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What two observations say about a promise.

    `broken`: aspects that differ and may not, or changed in another way than declared.
    `incomparable`: aspects that hold what cannot be compared, which `in_the_way` names.
    `unexercised`: declared changes that were not seen. `differences`: of the broken aspects.
    `sets`: what other inputs showed.
    """

    statuses: Mapping[Aspect, AspectStatus]
    broken: tuple[Aspect, ...] = ()
    incomparable: tuple[Aspect, ...] = ()
    unexercised: tuple[Aspect, ...] = ()
    differences: tuple[Difference, ...] = ()
    sets: SetsJudgement = NOTHING_ELSE
    in_the_way: str = _OPAQUE

    def hidden(self) -> dict[Aspect, str]:
        """The aspects that cannot be compared, with what stands in the way."""
        return dict.fromkeys(self.incomparable, self.in_the_way)


@dataclass(frozen=True, slots=True)
class _Finding:
    status: AspectStatus
    fault: str = ""  # "broken", "incomparable", "unexercised"


def judge(
    before: Observation,
    after: Observation,
    changes: Changes,
    more_before: Sequence[Observation] = (),
) -> Judgement:
    """Each aspect's status under the declared changes; every other aspect must be equal.

    `more_before`: further runs of the code before, which must agree on other inputs as well.
    """
    more_before = [aligned(one, after, changes)[0] for one in more_before]
    before, after = aligned(before, after, changes)
    findings = {aspect: _find(aspect, before, after, changes) for aspect in ASPECTS}
    findings = _without_an_error(findings, changes)
    sets = judge_sets([before, *more_before], after, changes)
    elsewhere: dict[Aspect, str] = {}
    for name, aspect in sets.broken:
        if findings[aspect].fault != "broken":
            findings[aspect] = _Finding("different", "broken")
            elsewhere[aspect] = name
    broken = _with_fault(findings, "broken")
    is_blind = not broken and _gives_only_nan(before)
    if is_blind:
        findings["eval"] = _Finding("not-run", "incomparable")
    return Judgement(
        statuses={aspect: finding.status for aspect, finding in findings.items()},
        broken=broken,
        incomparable=_with_fault(findings, "incomparable"),
        unexercised=_with_fault(findings, "unexercised"),
        differences=tuple(
            difference
            for aspect in broken
            for difference in differences(aspect, before, after, elsewhere.get(aspect, ""))
        ),
        sets=sets,
        in_the_way=ONLY_NAN if is_blind else _OPAQUE,
    )


def _gives_only_nan(observation: Observation) -> bool:
    """Whether no mode, and no other inputs, gave a number: any other code might give that."""
    seen = [_eval_outputs(observation), _tree(observation, "train")]
    for name in names(observation):
        seen.append(_outputs(tree_of(observation, name, "eval")))
        seen.append(tree_of(observation, name, "train"))
    shown = [tree for tree in seen if not raises(tree) and not opaque_types(tree)]
    return bool(shown) and all(map(is_nan_throughout, shown))


def disagreements(first: Observation, second: Observation) -> tuple[Aspect, ...]:
    """The aspects in which two runs of the same code differ, `eval_other_seed` included in eval."""
    found = [a for a in ASPECTS if _tree(first, a) != _tree(second, a)]
    if first.get("eval_other_seed") != second.get("eval_other_seed") and "eval" not in found:
        found.append("eval")
    return tuple(found)


def opaque(observation: Observation, aspects: Iterable[Aspect]) -> dict[Aspect, str]:
    """Those of the aspects that cannot be compared, with the first type that stands in the way."""
    found = {aspect: opaque_types(_tree(observation, aspect)) for aspect in aspects}
    return {aspect: types[0] for aspect, types in found.items() if types}


def raises_always(observation: Observation) -> str | None:
    """What the model raised, if it raised in eval and in train mode: such a run shows nothing."""
    in_eval = raises(_eval_outputs(observation))
    in_train = raises(_tree(observation, "train"))
    return in_eval if in_eval and in_train else None


def modes_that_ran(observation: Observation) -> tuple[str, ...]:
    """Those of `eval`, `train` and `grads` in which the model gave something."""
    shown = {
        "eval": _eval_outputs(observation),
        "train": _tree(observation, "train"),
        "grads": _tree(observation, "grads"),
    }
    return tuple(
        mode
        for mode, tree in shown.items()
        if not raises(tree) and not (isinstance(tree, dict) and "not-applicable" in tree)
    )


def differences(
    aspect: Aspect, before: Observation, after: Observation, inputs: str = ""
) -> tuple[Difference, ...]:
    """The first few places in which an aspect differs on the recipe's or other inputs."""
    if inputs:
        left, right = tree_of(before, inputs, aspect), tree_of(after, inputs, aspect)
    else:
        left, right = _tree(before, aspect), _tree(after, aspect)
    found = islice(spots(left, right), MAX_DIFFERENCES)
    return tuple(replace(_difference(aspect, spot), inputs=inputs) for spot in found)


def reused_modules(
    before: Observation, after: Observation, path: str, class_name: str
) -> tuple[Reuse, ...]:
    """Modules that the after run of a model called more than once a forward: those that are new,
    and those that hold neither parts nor a state, which could be a module a call."""
    old = set(_lines(before, "modules"))
    lines = _lines(after, "modules")
    fired = Counter(line.removesuffix(_BY_KEYWORD) for line in _lines(after, "hooks"))
    owners = _prefixes(line.partition(":")[0] for line in lines)
    owners |= _prefixes(str(key) for key, _ in _tree(after, "state_dict").get("dict", ()))
    found = []
    for line in dict.fromkeys(lines):
        name, _, kind = line.partition(": ")
        is_new = line not in old
        if fired[line] > 1 and name and (is_new or name not in owners):
            found.append(Reuse(path, class_name, name, kind, fired[line], is_new))
    return tuple(found)


def _prefixes(names: Iterable[str]) -> set[str]:
    """`a` and `a.b` of `a.b.weight`."""
    return {name[:index] for name in names for index, c in enumerate(name) if c == "."}


def _find(aspect: Aspect, before: Observation, after: Observation, changes: Changes) -> _Finding:
    left, right = _tree(before, aspect), _tree(after, aspect)
    expected = changes.get(aspect)
    if expected is None and aspect == "signature":
        return _find_signature(left, right)
    if expected is None:
        return _find_preserved(left, right)
    if expected == "raises-before":
        return _find_raises_before(aspect, before, after)
    if expected == "may-raise-before":
        if is_mended(left, right):
            return _Finding("changed-as-declared")
        return _find_preserved(left, right)
    if aspect == "hooks" and "state_dict" not in changes and _loses_hooks(before, after):
        return _Finding("different", "broken")
    if aspect in STRUCTURAL:
        return _Finding("equal" if left == right else "changed-as-declared")
    if expected == "gains-keys":
        return _find_gained(aspect, left, right)
    if raises(right) is not None and raises(left) is None and aspect != "load":
        return _Finding("different", "broken")
    if expected == "becomes-deterministic":
        return _find_deterministic(aspect, before, after)
    return _find_changed(left, right, must_differ=expected == "differs")


def _find_preserved(left: Tree, right: Tree) -> _Finding:
    if left != right:
        return _Finding("different", "broken")
    if opaque_types(left):
        return _Finding("not-run", "incomparable")
    return _Finding("not-applicable" if is_not_applicable(left) else "equal")


def _find_signature(left: Tree, right: Tree) -> _Finding:
    """What could be called before can be called in the same way after."""
    if "dict" not in left or "dict" not in right:
        return _find_preserved(left, right)
    signatures = dict(_signatures(right))
    for path, tree in _signatures(left):
        keeps = _has_all_of if path[1] == "attributes" else _takes_all_of
        if not keeps(tree, signatures.get(path, tree)):
            return _Finding("different", "broken")
    before = {path for path, _ in _signatures(left)}
    if any(path[1] == _PASSED_OVER and path not in before for path in signatures):
        return _Finding("different", "broken")
    return _Finding("equal")


def _signatures(tree: Tree) -> Iterator[tuple[tuple[str, str], Tree]]:
    for kind, parts in tree.get("dict", ()):
        for part, parameters in parts["dict"]:
            yield (kind, part), parameters


def _takes_all_of(before: Tree, after: Tree) -> bool:
    new = [item for item in after.get("dict", ()) if not item[0].startswith("*")]
    named = [item for item in before.get("dict", ()) if not item[0].startswith("*")]
    old = [_kept(item) if _kept(item) in new else item for item in named]
    if len(old) < len(before.get("dict", ())):  # It took anything.
        return all(item in new or len(new) < len(after.get("dict", ())) for item in old)
    kept = [item for item in new if item in old]
    return kept == old and all(item in old or item[1] != REQUIRED for item in new)


def _kept(item: Any) -> Any:
    """The parameter, its default a layer that keeps its input: what runs without showing it."""
    name, default = item
    text = default.get("value", "")
    return [name, {"value": _INPLACE.sub("", text)}] if text.endswith(")") else item


def _has_all_of(before: Tree, after: Tree) -> bool:
    """Parts may come and go, or take the place of what was no part."""
    now = dict(map(tuple, after.get("dict", ())))
    kept = [item for item in before.get("dict", ()) if item[1] != _PART]
    return all(name in now and now[name] in (value, _PART) for name, value in kept)


def _loses_hooks(before: Observation, after: Observation) -> bool:
    """Whether a part that holds a state fires less often, or in another order, than before, or
    its hooks get no longer to see what it is given."""
    keys = [str(key) for key, _ in _tree(before, "state_dict").get("dict", ())]
    parts = {"", *(key[:index] for key in keys for index, c in enumerate(key) if c == ".")}
    old, new = (
        [
            (line.partition(":")[0], line.endswith(_BY_KEYWORD))
            for line in _lines(seen, "hooks")
            if line.partition(":")[0] in parts
        ]
        for seen in (before, after)
    )
    rest = iter(new)
    return not all(any(_fires_as(one, other) for other in rest) for one in old)


def _fires_as(before: tuple[str, bool], after: tuple[str, bool]) -> bool:
    return before[0] == after[0] and (before[1] or not after[1])


def _find_changed(left: Tree, right: Tree, *, must_differ: bool) -> _Finding:
    if left != right:
        return _Finding("changed-as-declared")
    if opaque_types(left):
        return _Finding("not-run", "incomparable")
    if must_differ:
        return _Finding("not-changed", "unexercised")
    return _Finding("not-applicable" if is_not_applicable(left) else "equal")


def _find_deterministic(aspect: Aspect, before: Observation, after: Observation) -> _Finding:
    """Two seeds gave two outputs before and give one now, of the same containers and shapes."""
    old, new = _eval_outputs(before), _eval_outputs(after)
    if aspect != "eval" or opaque_types(_tree(after, "eval")):
        return _Finding("not-run", "incomparable")
    if outline(_tree(before, "eval")) != outline(_tree(after, "eval")):
        return _Finding("different", "broken")
    was_random = old != before.get("eval_other_seed", old)
    is_random = new != after.get("eval_other_seed", MISSING)
    if was_random and not is_random:
        return _Finding("changed-as-declared")
    return _Finding("not-changed", "unexercised")


def _find_raises_before(aspect: Aspect, before: Observation, after: Observation) -> _Finding:
    """What could be seen before is preserved; what the code raised instead of is there now."""
    left, right = _tree(before, aspect), _tree(after, aspect)
    if opaque_types(right):
        return _Finding("not-run", "incomparable")
    if raises(right) is not None:
        return _Finding("different", "broken")
    if aspect in _OF_A_BUILT_MODEL:
        was_there = aspect in before and raises(left) is None
    else:
        ran = _eval_outputs(before) if aspect == "eval" else _tree(before, "train")
        was_there = aspect in before and raises(ran) is None
    if not was_there:
        return _Finding("changed-as-declared")
    return _find_preserved(left, right)


def _without_an_error(
    findings: Mapping[Aspect, _Finding], changes: Changes
) -> dict[Aspect, _Finding]:
    """A repair of what did not raise is not exercised in any of its aspects."""
    repaired = [aspect for aspect, wanted in changes.items() if wanted == "raises-before"]
    if any(findings[aspect].status == "changed-as-declared" for aspect in repaired):
        return dict(findings)
    unseen = _Finding("not-changed", "unexercised")
    return {
        aspect: unseen if aspect in repaired and not finding.fault else finding
        for aspect, finding in findings.items()
    }


def _find_gained(aspect: Aspect, left: Tree, right: Tree) -> _Finding:
    if aspect == "load":
        return _find_load_of_fewer(left, right)
    if opaque_types(left) or opaque_types(right):
        return _Finding("not-run", "incomparable")
    if is_not_applicable(left):
        return _Finding("changed-as-declared" if left != right else "not-applicable")
    if "dict" not in left or "dict" not in right:
        return _Finding("different", "broken")
    if without_alias(kept_keys(left, right)) != without_alias(left):
        return _Finding("different", "broken")
    if left == right and aspect == "state_dict":
        return _Finding("not-changed", "unexercised")
    return _Finding("changed-as-declared" if left != right else "equal")


def _find_load_of_fewer(left: Tree, right: Tree) -> _Finding:
    """Loading the old keys strictly fails for the new ones alone."""
    error = raises(right) or ""
    if left == right:
        return _Finding("not-changed", "unexercised")
    others = ("Unexpected key", "size mismatch")
    if raises(left) is None and "Missing key" in error and not any(o in error for o in others):
        return _Finding("changed-as-declared")
    return _Finding("different", "broken")


def _difference(aspect: Aspect, spot: Spot) -> Difference:
    before, after = describe(spot)
    max_abs, max_rel = distance(spot)
    return Difference(aspect, spot.path, before, after, max_abs, max_rel)


def _with_fault(findings: Mapping[Aspect, _Finding], fault: str) -> tuple[Aspect, ...]:
    return tuple(aspect for aspect, finding in findings.items() if finding.fault == fault)


def _tree(observation: Observation, aspect: str) -> Tree:
    tree: Tree = observation.get(aspect, MISSING)
    return tree


def _eval_outputs(observation: Observation) -> Tree:
    return _outputs(_tree(observation, "eval"))


def _outputs(tree: Tree) -> Tree:
    """Of what was seen in eval."""
    return child(tree, "outputs") or MISSING


def _lines(observation: Observation, aspect: Aspect) -> list[str]:
    return list(_tree(observation, aspect).get("lines", ()))
