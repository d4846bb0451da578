"""Wrong rewrites made on purpose: how many the tool calls different, and what showed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from environment import CORPORA, PYTHON
from mutants import subjects, trial
from mutants.kinds import KINDS
from mutants.trial import RIGHT, Case

from codemod.results import Verdict

PER_KIND = 2
UNREACHED = "unreached"


def measure() -> dict[str, Any]:
    roots = [CORPORA / "pytorchcv", CORPORA / "timm"]
    chosen = [
        *subjects.of_packages(CORPORA),
        *subjects.fixtures(),
        *subjects.written(),
        *subjects.generated(10),
    ]
    cases = trial.cases(chosen, trial.right_texts(chosen), PER_KIND)
    plain = trial.plainly_wrong(cases, PYTHON, roots)
    return counted(cases, plain, trial.verdicts(cases, PYTHON, roots))


def counted(
    cases: Sequence[Case], plain: Mapping[str, Sequence[str]], verdicts: Mapping[str, Verdict]
) -> dict[str, Any]:
    """Mutants count as wrong if plain torch shows it, or if no input reaches what is wrong."""
    right = [case for case in cases if case.group == RIGHT]
    unreached = [case for case in cases if case.group == UNREACHED]
    mutants = [case for case in cases if case.group not in (RIGHT, UNREACHED)]
    wrong = [case for case in mutants if plain[case.name]]
    same = [case for case in mutants if not plain[case.name]]
    killed = [case for case in wrong if verdicts[case.name].kind == "different"]
    return {
        "kinds": len({case.kind for case in wrong + unreached}),
        "unused": sorted(set(KINDS) - {case.kind for case in wrong + unreached}),
        "subjects": len({case.subject.name for case in cases}),
        "right": len(right),
        "right_confirmed": _kinds(right, verdicts)["confirmed"],
        "right_different": _kinds(right, verdicts)["different"],
        "groups": _by_group(wrong, verdicts),
        "wrong": len(wrong),
        "different": len(killed),
        "confirmed": [_named(case) for case in wrong if verdicts[case.name].kind == "confirmed"],
        "unconfirmed": {
            _named(case): _code(verdicts[case.name])
            for case in wrong
            if verdicts[case.name].kind == "unconfirmed"
        },
        "unreached": dict(Counter(_code(verdicts[case.name]) for case in unreached)),
        "equivalent": {_named(case): verdicts[case.name].kind for case in same},
        "aspects": _contributions([_aspects(verdicts[case.name]) for case in killed]),
        "inputs": _contributions([_inputs(verdicts[case.name]) for case in killed]),
    }


def _by_group(wrong: Sequence[Case], verdicts: Mapping[str, Verdict]) -> dict[str, dict[str, int]]:
    groups: dict[str, dict[str, int]] = {}
    for group in dict.fromkeys(case.group for case in wrong):
        members = [case for case in wrong if case.group == group]
        groups[group] = {
            "kinds": len({case.kind for case in members}),
            "mutants": len(members),
            "different": _kinds(members, verdicts)["different"],
        }
    return groups


def _contributions(shown: Sequence[frozenset[str]]) -> dict[str, dict[str, int]]:
    """By way of showing a difference: how many mutants it showed, and how many it alone."""
    found = Counter(way for ways in shown for way in ways)
    alone = Counter(next(iter(ways)) for ways in shown if len(ways) == 1)
    without_trace = Counter(
        next(iter(ways - {"trace"})) for ways in shown if len(ways - {"trace"}) == 1
    )
    return {
        way: {"mutants": count, "alone": alone[way], "alone_but_for_trace": without_trace[way]}
        for way, count in found.most_common()
    }


def _aspects(verdict: Verdict) -> frozenset[str]:
    if verdict.evidence is None:
        return frozenset({"does not run"})
    broken = {a for a, status in verdict.evidence.aspects.items() if status == "different"}
    return frozenset(broken or {"does not run"})


def _inputs(verdict: Verdict) -> frozenset[str]:
    """The recipe's own inputs, or else the sets of others that showed the difference."""
    evidence = verdict.evidence
    if evidence is None or any(not one.inputs for one in evidence.differences):
        return frozenset({"the recipe's own"})
    sets = {name for name, status in evidence.input_sets.items() if status == "different"}
    return frozenset(sets or {"the recipe's own"})


def _kinds(cases: Sequence[Case], verdicts: Mapping[str, Verdict]) -> Counter[str]:
    return Counter(verdicts[case.name].kind for case in cases)


def _named(case: Case) -> str:
    return f"{case.kind} in {case.subject.name}"


def _code(verdict: Verdict) -> str:
    return verdict.reason.code if verdict.reason else verdict.kind


def markdown(entry: Mapping[str, Any], table: Any) -> list[str]:
    """The results in short, as lines for the README."""
    equivalent = len({name.partition(" in ")[0] for name in entry["equivalent"]})
    unconfirmed = ", ".join(f"{name} ({code})" for name, code in entry["unconfirmed"].items())
    unreached, seen = sum(entry["unreached"].values()), entry["unreached"].get("not-reached", 0)
    kinds = sum(group["kinds"] for group in entry["groups"].values())
    return [
        f"Wrong rewrites made on purpose: {kinds} kinds, {entry['wrong']} mutants; different: "
        f"{entry['different']}; confirmed: {', '.join(entry['confirmed']) or 'none'}; "
        f"unconfirmed: {unconfirmed or 'none'}. "
        f"{unreached} more are wrong only where no recipe gets: {seen} unconfirmed, not-reached. "
        f"Of {entry['right']} right rewrites of the same classes {entry['right_confirmed']} are "
        f"confirmed, {entry['right_different']} different. {equivalent} kinds change nothing in "
        "some class. By kind, and what showed them: [mutants](docs/mutants.md).",
    ]


def page(entry: Mapping[str, Any], table: Any) -> str:
    """What docs/mutants.md shows; `table(head, rows)` makes a table."""
    groups = [
        (name, group["kinds"], group["mutants"], group["different"])
        for name, group in entry["groups"].items()
    ]
    total = ("all", sum(row[1] for row in groups), entry["wrong"], entry["different"])
    equivalent = ", ".join(sorted({name.partition(" in ")[0] for name in entry["equivalent"]}))
    parts = [
        table("wrong rewrites, by what is wrong | kinds | mutants | different", [*groups, total]),
        f"Equivalent by accident in some class: {equivalent or 'none'}.",
        table(
            "what showed it | mutants | it alone | it alone, but for the trace",
            [
                (name, way["mutants"], way["alone"], way["alone_but_for_trace"])
                for name, way in entry["aspects"].items()
            ],
        ),
        table(
            "on which inputs, where the recipe's own show nothing | mutants | these alone",
            [(name, way["mutants"], way["alone"]) for name, way in entry["inputs"].items()],
        ),
    ]
    return "\n\n".join(parts) + "\n"
