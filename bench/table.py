"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mutation

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def markdown(results: Mapping[str, Any]) -> str:
    parts = [results["about"]]
    sections = {
        "confirm": confirm,
        "static": static,
        "packages": packages,
        "overhead": overhead,
        "mutants": mutants,
    }
    for part, section in sections.items():
        measured = [entry for entry in results.get(part, {}).values() if entry]
        if measured:
            parts.append(section(measured))
    return "\n\n".join(parts) + "\n"


def confirm(entries: Sequence[Mapping[str, Any]]) -> str:
    head = (
        "package | transform | matched | rewrites | confirmed | different | unconfirmed | refused "
        "| confirmed of matched | of rewrites | seconds"
    )
    rows = [
        (
            entry["package"],
            f"`{entry['transform']}`",
            entry["matched"],
            entry["rewrites"],
            entry["confirmed"],
            entry["different"],
            sum(entry["unconfirmed"].values()),
            sum(entry["refused"].values()),
            percent(entry["of_matched"]),
            percent(entry["of_rewrites"]),
            f"{entry['seconds']:.0f}",
        )
        for entry in entries
        if "error" not in entry
    ]
    lists = [
        f"{entry['package']}: unconfirmed: {listed(entry['unconfirmed'])}. "
        f"Refused: {listed(entry['refused'])}."
        for entry in entries
        if "error" not in entry
    ]
    return "\n\n".join([table(head, rows), *lists, *errors(entries)])


def static(entries: Sequence[Mapping[str, Any]]) -> str:
    head = (
        "`--no-verify` on transformers | files | rewrites | refused | cold | second run "
        "| peak of all processes | libcst parses all | cold / libcst"
    )
    rows = [
        (
            f"`{entry['transform']}`",
            entry["files"],
            entry["rewrites"],
            entry["refused"],
            f"{entry['cold_seconds']:.1f} s",
            f"{entry['second_seconds']:.1f} s",
            f"{entry['tree_mib']:.0f} MiB",
            f"{entry['libcst_seconds']:.1f} s",
            f"{entry['of_libcst']:.2f}",
        )
        for entry in entries
        if "error" not in entry
    ]
    return "\n\n".join([table(head, rows), *errors(entries)])


def packages(entries: Sequence[Mapping[str, Any]]) -> str:
    head = (
        "`--no-verify` on nine packages at once | files | rewrites | refused | seconds "
        "| peak of all processes | every file twice | growth"
    )
    rows = [
        (
            f"`{entry['transform']}`",
            entry["files"],
            entry["rewrites"],
            entry["refused"],
            f"{entry['seconds']:.1f} s",
            f"{entry['tree_mib']:.0f} MiB",
            f"{entry['twice_seconds']:.1f} s",
            f"{entry['growth']:.2f}",
        )
        for entry in entries
        if "error" not in entry
    ]
    return "\n\n".join([table(head, rows), *errors(entries)])


def overhead(entries: Sequence[Mapping[str, Any]]) -> str:
    head = "small classes | confirmed | `codemod diff -j2` | bare script | ratio"
    rows = [
        (
            entry["classes"],
            entry["confirmed"],
            f"{entry['tool_seconds']:.1f} s",
            f"{entry['bare_seconds']:.1f} s",
            f"{entry['ratio']:.1f}",
        )
        for entry in entries
        if "error" not in entry
    ]
    return "\n\n".join([table(head, rows), *errors(entries)])


def mutants(entries: Sequence[Mapping[str, Any]]) -> str:
    measured = [entry for entry in entries if "error" not in entry]
    shown = [part for entry in measured for part in mutation.markdown(entry, table)]
    return "\n\n".join([*shown, *errors(entries)])


def table(head: str, rows: Sequence[Sequence[object]]) -> str:
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|" + "---|" * columns]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) if rows else ""


def errors(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"Not measured: {entry['error']}" for entry in entries if "error" in entry]


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"


def listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {count}" for code, count in counts.items()) or "none"


def put_into(readme: Path, text: str) -> None:
    """Replaces what stands between the markers. Raises `ValueError` when there are none."""
    whole = readme.read_text(encoding="utf-8")
    head, begin, rest = whole.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme.name} has no lines {BEGIN} and {END}")
    readme.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", encoding="utf-8")
