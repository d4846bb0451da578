"""What `codemod explain` says about a transform."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Protocol

from codemod.report.patch import file_patch
from codemod.results import ASPECTS, Contract, Expectation

_EXPECTATIONS: Mapping[Expectation, str] = {
    "differs": "differs",
    "may-differ": "may differ",
    "becomes-deterministic": "no longer depends on the seed",
    "gains-keys": "gains keys",
    "raises-before": "raised before, runs after",
    "may-raise-before": "runs after where it raised before",
}


class _Refusal(Protocol):
    @property
    def why(self) -> str: ...

    @property
    def way_out(self) -> str: ...


class _Example(Protocol):
    @property
    def before(self) -> str: ...

    @property
    def after(self) -> str: ...

    @property
    def note(self) -> str: ...


class Explained(Protocol):
    """What is read of a transform."""

    @property
    def name(self) -> str: ...

    @property
    def contract(self) -> Contract: ...

    @property
    def examples(self) -> Sequence[_Example]: ...

    def refusal_docs(self) -> Mapping[str, _Refusal]: ...


def of_transform(transform: Explained) -> str:
    """The whole explanation."""
    parts = [
        f"{transform.name}\n\n{inspect.getdoc(transform) or ''}".rstrip(),
        _contract(transform.contract),
        *map(_example, transform.examples),
        _refusals(transform.refusal_docs()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def of_refusal(name: str, code: str, refusal: _Refusal) -> str:
    """One refusal: why, and the way out."""
    return f"{name} refuses: {code}\n\n{refusal.why}\n\nWay out: {refusal.way_out}\n"


def _contract(contract: Contract) -> str:
    lines = [f"Preserves, bit for bit: {', '.join(contract.preserves)}."]
    changes = [
        f"  {aspect:11} {_EXPECTATIONS[contract.changes[aspect]]}"
        for aspect in ASPECTS
        if aspect in contract.changes
    ]
    if changes:
        lines += ["Changes on purpose:", *changes]
    if contract.changes_behaviour:
        lines.append("A rewrite that changes behaviour is written with --accept behaviour-change.")
    return "\n".join(lines)


def _example(example: _Example) -> str:
    data = file_patch("example.py", example.before.encode(), example.after.encode())
    lines = data.decode().splitlines()[3:]
    note = [example.note] if example.note else []
    return "\n".join(["Example:", *note, "", *(f"    {line}".rstrip() for line in lines)])


def _refusals(refusals: Mapping[str, _Refusal]) -> str:
    if not refusals:
        return ""
    width = max(map(len, refusals))
    lines = [f"  {code:{width}}  {refusals[code].why}" for code in sorted(refusals)]
    return "\n".join(["Refuses (--refusal CODE says the way out):", *lines])
