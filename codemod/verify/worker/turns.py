"""The turns of one request: what one process runs, one after the other, an answer for each.

A search for a recipe is followed by the runs that are asked for of what it finds: the search
itself happens in forks, so that its process is as good as new.
"""

from __future__ import annotations

from typing import Any, Dict, List

_LISTED = ("observations", "attempts")


def turns(request: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The requests of single runs, each with its `seconds`. An `observe` after a search lacks the
    recipe that is to be found."""
    found = [request] if request["op"] != "observe" else _repeated(request)
    return [*found, *_repeated(_observation(request))] if request.get("observe") else found


def joined(request: Dict[str, Any], answers: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The answer to the whole request. `answers`: of its turns; a failure is the last one."""
    if request.get("observe") and len(answers) > 1:
        return {**answers[0], "observed": _together(answers[1:])}
    return _together(answers)


def _observation(request: Dict[str, Any]) -> Dict[str, Any]:
    return {**request, **request["observe"], "op": "observe", "observe": None}


def _repeated(request: Dict[str, Any]) -> List[Dict[str, Any]]:
    return [{**request, "turn": turn} for turn in range(int(request.get("repeat") or 1))]


def _together(answers: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The answers of repeated runs as one: observations in a row, everything else together."""
    if len(answers) == 1 or "failure" in answers[-1]:
        return answers[-1]
    together: Dict[str, Any] = {}
    for name in answers[0]:
        all: List[Any] = [one for answer in answers for one in answer[name]]
        together[name] = all if name in _LISTED else sorted(set(all))
    return together
