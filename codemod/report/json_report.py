"""The report as JSON: stable, versioned, in one order for one result.

Lines and columns are 1-based, columns count code points. All text is valid Unicode:
a byte or a name that is none is shown as U+FFFD; `edits` holds every change in full.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from typing import Any

from codemod.results import (
    ASPECTS,
    Attempt,
    Contract,
    Difference,
    Edit,
    Evidence,
    FileError,
    Outcome,
    Position,
    Refusal,
    Report,
    Verdict,
)

SCHEMA = 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_Json = dict[str, Any]


def to_json(report: Report) -> str:
    """The report as JSON text that ends with a line feed."""
    text = json.dumps(as_dict(report), indent=2, ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub("\ufffd", text) + "\n"


def as_dict(report: Report) -> _Json:
    return {
        "schema": SCHEMA,
        "tool": {"name": "codemod", "version": report.version},
        "torch": report.torch,
        "protection": list(report.protection),
        "attempts": [_attempt(attempt) for attempt in report.attempts],
        "summary": _summary(report),
        "rewrites": [_outcome(o) for o in sorted(report.outcomes, key=_outcome_order)],
        "refusals": [_refusal(r) for r in sorted(report.refusals, key=_refusal_order)],
        "errors": [_error(e) for e in sorted(report.errors, key=_error_order)],
    }


def _attempt(attempt: Attempt) -> _Json:
    return {
        "kind": attempt.kind,
        "what": attempt.what,
        "path": attempt.path,
        "line": attempt.line,
        "class": attempt.class_name,
    }


def _summary(report: Report) -> _Json:
    kinds = [outcome.verdict.kind for outcome in report.outcomes]
    return {
        "files": report.files,
        "rewrites": len(kinds),
        "confirmed": kinds.count("confirmed"),
        "different": kinds.count("different"),
        "unconfirmed": kinds.count("unconfirmed"),
        "refused": len(report.refusals),
        "errors": len(report.errors),
        "written": sum(outcome.written for outcome in report.outcomes),
        "seconds": round(report.seconds, 3),
    }


def _outcome_order(outcome: Outcome) -> tuple[object, ...]:
    rewrite = outcome.rewrite
    return (rewrite.path, rewrite.sites, rewrite.transform, rewrite.id)


def _refusal_order(refusal: Refusal) -> tuple[object, ...]:
    return (refusal.path, refusal.line, refusal.column, refusal.transform, refusal.code)


def _error_order(error: FileError) -> tuple[str, str, str]:
    return (error.path, error.code, error.message)


def _outcome(outcome: Outcome) -> _Json:
    rewrite = outcome.rewrite
    return {
        "id": rewrite.id,
        "transform": rewrite.transform,
        "path": rewrite.path,
        "class": rewrite.class_name,
        "also": [{"path": path, "class": name} for path, name in rewrite.also],
        "summary": rewrite.summary,
        "requires": list(rewrite.requires),
        "sites": [{"path": s.path, "line": s.line, "column": s.column} for s in rewrite.sites],
        "contract": _contract(rewrite.contract),
        "seen_by": list(rewrite.seen_by),
        "edits": [_edit(*edit) for edit in outcome.edits],
        "patch": outcome.patch,
        **_verdict(outcome.verdict),
        "would_write": outcome.would_write,
        "written": outcome.written,
    }


def _contract(contract: Contract) -> _Json:
    changes = {aspect: contract.changes[aspect] for aspect in ASPECTS if aspect in contract.changes}
    return {"preserves": list(contract.preserves), "changes": changes}


def _edit(edit: Edit, start: Position, end: Position) -> _Json:
    return {"path": edit.path, "start": _position(start), "end": _position(end), "new": edit.new}


def _position(position: Position) -> _Json:
    return {"line": position.line, "column": position.column}


def _verdict(verdict: Verdict) -> _Json:
    reason = verdict.reason
    return {
        "verdict": verdict.kind,
        "reason": reason and {"code": reason.code, "message": reason.message, "hint": reason.hint},
        "evidence": verdict.evidence and _evidence(verdict.evidence),
    }


def _evidence(evidence: Evidence) -> _Json:
    return {
        "recipes": [
            {"source": r.source, "where": r.where, "call": r.call, "inputs": r.inputs}
            for r in evidence.recipes
        ],
        "aspects": {a: evidence.aspects[a] for a in ASPECTS if a in evidence.aspects},
        "input_sets": dict(evidence.input_sets),
        "witnesses_reached": evidence.witnesses_reached,
        "witnesses": evidence.witnesses,
        "stubs": list(evidence.stubs),
        "symbolic": evidence.symbolic,
        "first_site": evidence.first_site and asdict(evidence.first_site),
        "replay": evidence.replay or None,
        "differences": [_difference(difference) for difference in evidence.differences],
        "reused": [asdict(item) for item in evidence.reused],
    }


def _difference(difference: Difference) -> _Json:
    return {
        "aspect": difference.aspect,
        "inputs": difference.inputs,
        "path": difference.path,
        "before": difference.before,
        "after": difference.after,
        "max_abs": _finite(difference.max_abs),
        "max_rel": _finite(difference.max_rel),
    }


def _finite(number: float | None) -> float | None:
    """JSON has no infinity and no NaN."""
    return number if number is not None and math.isfinite(number) else None


def _refusal(refusal: Refusal) -> _Json:
    return {
        "transform": refusal.transform,
        "path": refusal.path,
        "line": refusal.line,
        "class": refusal.class_name,
        "code": refusal.code,
        "message": refusal.message,
        "hint": refusal.hint,
    }


def _error(error: FileError) -> _Json:
    return {"path": error.path, "code": error.code, "message": error.message}
