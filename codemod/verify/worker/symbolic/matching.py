"""Holds what two versions of a class did with terms against each other."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Optional, Tuple

from .samples import same_operation
from .terms import Event, Json

_Key = FrozenSet[Tuple[str, str]]


def compare(before: Dict[str, Json], after: Dict[str, Json]) -> Dict[str, Json]:
    """`symbolic`: "equal", "different", or None where it is not known, and `why` not.

    `reached`: witnesses on paths that were seen to their end and are equal, in every mode of at
    least one scenario.
    """
    verdicts: Dict[str, Optional[bool]] = {}
    reached: Dict[str, List[str]] = {}
    why = ""
    for run in before:
        verdicts[run], reached[run], said = _runs(before[run], after.get(run, []))
        if verdicts[run] is False:
            return {"symbolic": "different", "why": "%s: %s" % (run, said), "reached": []}
        why = why or ("" if verdicts[run] else "%s: %s" % (run, said))
    scenarios = sorted({run.partition(" ")[0] for run in before})
    seen: List[str] = []
    for scenario in scenarios:
        runs = [run for run in before if run.startswith(scenario + " ")]
        if all(verdicts[run] for run in runs):
            common = set(reached[runs[0]]).intersection(*(reached[run] for run in runs[1:]))
            seen += sorted(common - set(seen))
    mismatch = any(one is None and reached[run] is _MISMATCH for run, one in verdicts.items())
    equal = any(verdicts.values()) and not mismatch and bool(seen)
    return {"symbolic": "equal" if equal else None, "why": why, "reached": seen if equal else []}


_MISMATCH: List[str] = ["mismatch"]


def _runs(before: List[Json], after: List[Json]) -> Tuple[Optional[bool], List[str], str]:
    """True: all paths are equal, or end alike where nothing more can be seen, some not so."""
    if not before or not after:
        return None, [], "too many paths"
    others = {_key(path): path for path in after}
    reached: List[str] = []
    complete = False
    for path in before:
        other = others.get(_key(path))
        if other is None:
            return None, _MISMATCH, "the paths are not the same"
        same, said = _path(path, other)
        if not same:
            return same, _MISMATCH, said
        if path["complete"]:
            complete = complete or not path["ending"]
            reached += [key for key in other["reached"] if key not in reached]
    if len(others) != len(before):
        return None, _MISMATCH, "the paths are not the same"
    if not complete:
        return None, [], "no path was seen to its end: %s" % before[0]["ending"]
    return True, reached, ""


def _key(path: Json) -> _Key:
    return frozenset((key, repr(value)) for key, value in path["answers"].items())


def _path(before: Json, after: Json) -> Tuple[Optional[bool], str]:
    found: Optional[bool] = True
    said = ""
    for first, second in zip(before["events"], after["events"]):
        same = _event(first, second)
        if same is False:
            return False, "%s before, %s after" % (describe(first), describe(second))
        if same is None and found:
            found, said = None, "%s before, %s after" % (describe(first), describe(second))
    if found is None:
        return None, said
    lengths = len(before["events"]), len(after["events"])
    if lengths[0] != lengths[1] and before["complete"] and after["complete"]:
        return False, "%d operations before, %d after" % lengths
    for name in ("state", "changed", "ending", "complete"):
        if before[name] != after[name]:
            return _unequal(name, before, after)
    if lengths[0] != lengths[1]:
        return None, "it ends elsewhere"
    return True, ""


def _unequal(name: str, before: Json, after: Json) -> Tuple[Optional[bool], str]:
    said = "%s: %s before, %s after" % (name, before[name], after[name])
    certain = before["complete"] and after["complete"] and name in ("state", "changed")
    return (False if certain else None), said[:300]


def _event(first: Event, second: Event) -> Optional[bool]:
    return True if first == second else _same(first, second)


def _same(first: Event, second: Event) -> Optional[bool]:
    around = [(one.get("mode"), one.get("training")) for one in (first, second)]
    return False if around[0] != around[1] else same_operation(first, second)


def describe(event: Event) -> str:
    """An operation as one would write it, for a person."""
    given = [_shown(one) for one in event["args"]]
    given += ["%s=%s" % (key, _shown(one)) for key, one in event.get("kwargs", {}).items()]
    return "%s(%s)" % (event["op"], ", ".join(given))[:150]


def _shown(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    kind, content = next(iter(value.items()))
    if kind == "is":
        return str(content).partition(" ")[2] or str(content)
    if isinstance(content, list):
        return "(%s)" % ", ".join(_shown(one) for one in content)
    return str(content)
