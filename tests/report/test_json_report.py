"""The JSON report has the documented fields, all of them and no others."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from hand_made import CONFIRMED, DIFFERENT, make_outcome, make_report, make_rewrite

from codemod.report.json_report import to_json
from codemod.results import ASPECTS, FileError, Report

PLACE = {"line": int, "column": int}
RECIPE = {"source": str, "where": str, "call": str, "inputs": str}
DIFFERENCE = {
    "aspect": str,
    "inputs": str,
    "path": str,
    "before": str,
    "after": str,
    "max_abs": (float, None),
    "max_rel": (float, None),
}
FIRST_SITE = {
    "mode": str,
    "inputs": str,
    "before": str,
    "after": str,
    "text_before": str,
    "text_after": str,
    "operator_before": str,
    "operator_after": str,
}
EVIDENCE = {
    "recipes": [RECIPE],
    "aspects": {str: str},
    "input_sets": {str: str},
    "witnesses_reached": int,
    "witnesses": int,
    "stubs": [str],
    "symbolic": (str, None),
    "first_site": (FIRST_SITE, None),
    "replay": (str, None),
    "differences": [DIFFERENCE],
    "reused": [
        {"path": str, "class_name": str, "module": str, "type": str, "times": int, "new": bool}
    ],
}
SCHEMA: dict[str, Any] = {
    "schema": int,
    "tool": {"name": str, "version": str},
    "torch": (str, None),
    "protection": [str],
    "attempts": [{"kind": str, "what": str, "path": str, "line": int, "class": str}],
    "summary": {
        "files": int,
        "rewrites": int,
        "confirmed": int,
        "different": int,
        "unconfirmed": int,
        "refused": int,
        "errors": int,
        "written": int,
        "seconds": float,
    },
    "rewrites": [
        {
            "id": str,
            "transform": str,
            "path": str,
            "class": str,
            "also": [{"path": str, "class": str}],
            "summary": str,
            "requires": [str],
            "sites": [{"path": str, **PLACE}],
            "contract": {"preserves": [str], "changes": {str: str}},
            "seen_by": [str],
            "edits": [{"path": str, "start": PLACE, "end": PLACE, "new": str}],
            "patch": str,
            "verdict": str,
            "reason": ({"code": str, "message": str, "hint": str}, None),
            "evidence": (EVIDENCE, None),
            "would_write": bool,
            "written": bool,
        }
    ],
    "refusals": [
        {
            "transform": str,
            "path": str,
            "line": int,
            "class": str,
            "code": str,
            "message": str,
            "hint": str,
        }
    ],
    "errors": [{"path": str, "code": str, "message": str}],
}


def check(value: object, schema: Any, where: str = "$") -> None:
    if isinstance(schema, tuple):
        if value is not None:
            check(value, schema[0], where)
    elif isinstance(schema, list):
        assert isinstance(value, list), where
        for index, item in enumerate(value):
            check(item, schema[0], f"{where}[{index}]")
    elif isinstance(schema, dict) and str in schema:
        assert isinstance(value, dict), where
        for key, item in value.items():
            check(item, schema[str], f"{where}.{key}")
    elif isinstance(schema, dict):
        assert isinstance(value, dict), where
        assert list(value) == list(schema), where
        for key, item in value.items():
            check(item, schema[key], f"{where}.{key}")
    else:
        assert type(value) is schema, where


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_every_field_and_no_other(report: Report) -> None:
    content = strict(to_json(report))
    check(content, SCHEMA)
    assert content["schema"] == 1
    assert content["tool"] == {"name": "codemod", "version": "0.1.0"}
    assert content["summary"] == {
        "files": 4,
        "rewrites": 4,
        "confirmed": 2,
        "different": 1,
        "unconfirmed": 1,
        "refused": 3,
        "errors": 1,
        "written": 0,
        "seconds": 1.25,
    }


def test_an_empty_report() -> None:
    content = strict(to_json(make_report(torch=None, protection=())))
    check(content, SCHEMA)
    assert content["torch"] is None
    assert content["rewrites"] == content["refusals"] == content["errors"] == []


def test_order_does_not_depend_on_the_order_of_the_run(report: Report) -> None:
    shuffled = replace(report, outcomes=report.outcomes[::-1], refusals=report.refusals[::-1])
    assert to_json(shuffled) == to_json(report)
    content = strict(to_json(report))
    assert [rewrite["id"] for rewrite in content["rewrites"]] == ["a", "b", "c", "d"]
    assert [(r["path"], r["line"]) for r in content["refusals"]] == [
        ("pkg/a.py", 2),
        ("pkg/a.py", 3),
        ("pkg/net.py", 9),
    ]


def test_one_rewrite_in_full(report: Report) -> None:
    rewrite = strict(to_json(report))["rewrites"][0]
    assert rewrite["sites"] == [{"path": "pkg/net.py", "line": 10, "column": 9}]
    assert rewrite["edits"] == [
        {
            "path": "pkg/net.py",
            "start": {"line": 1, "column": 5},
            "end": {"line": 1, "column": 7},
            "new": "x[int]",
        }
    ]
    assert list(rewrite["contract"]["changes"]) == ["modules", "hooks"]
    assert rewrite["contract"]["preserves"] == list(ASPECTS[:-2])
    assert list(rewrite["evidence"]["aspects"]) == ["state_dict", "eval", "modules"]
    assert rewrite["reason"] is None


def test_evidence_is_null_only_where_nothing_ran(report: Report) -> None:
    rewrites = strict(to_json(report))["rewrites"]
    assert [rewrite["evidence"] is None for rewrite in rewrites] == [False, True, False, False]
    assert rewrites[1]["reason"]["code"] == "no-recipe"


def test_infinity_and_nan_are_no_json() -> None:
    evidence = DIFFERENT.evidence
    assert evidence is not None
    nan = replace(evidence.differences[0], max_abs=math.nan)
    verdict = replace(DIFFERENT, evidence=replace(evidence, differences=(nan,)))
    text = to_json(make_report(make_outcome(make_rewrite("a", 1), verdict, would=False)))
    found = strict(text)["rewrites"][0]["evidence"]["differences"][0]
    assert found["max_abs"] is None
    assert found["max_rel"] is None


def test_bytes_that_are_no_utf8_leave_valid_unicode() -> None:
    outcome = replace(
        make_outcome(make_rewrite("a", 1), CONFIRMED, would=True), patch="+caf\udce9 é\n"
    )
    error = FileError("caf\udce9.py", "undecodable", "\ud800")
    text = to_json(make_report(outcome, errors=(error,)))
    content = strict(text.encode("utf-8").decode("utf-8"))
    assert content["rewrites"][0]["patch"] == "+caf\ufffd é\n"
    assert content["errors"][0]["path"] == "caf\ufffd.py"
