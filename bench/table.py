"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import models
import mutation

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def markdown(results: Mapping[str, Any]) -> str:
    parts = [results["about"]]
    sections = {
        "confirm": confirm,
        "models": model_classes,
        "alarms": false_alarms,
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


def model_classes(entries: Sequence[Mapping[str, Any]]) -> str:
    measured = {entry["package"]: entry for entry in entries if "error" not in entry}
    unseen = [measured.pop(name) for name in models.NOT_LOOKED_AT if name in measured]
    shown = list(measured.values())
    rows = [*shown, models.summed(shown, f"these {len(shown)}")] if shown else []
    if unseen:
        rows.append(models.summed(unseen, f"{len(unseen)} more, never looked at"))
    head = (
        "package, all transforms | classes with a rewrite | refused only | built | run "
        "| every site reached | confirmed | share | rewrites confirmed | different "
        "| seconds a class"
    )
    reasons = [f"{row['package']}: {listed(row['reasons'])}." for row in rows[len(shown) :]]
    about = (
        f"Of each package the files of about {models.SAMPLE} classes with a forward, drawn once; "
        "of a large one, of classes that mention a functional or a layer without weights. "
        "A class is confirmed where each of its rewrites is. Why the others are not:"
    )
    cells = [_model_cells(row) for row in rows]
    return "\n\n".join([table(head, cells), " ".join([about, *reasons]), *errors(entries)])


def _model_cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    held = row["held"]
    return (
        row["package"],
        held,
        *(row[key] for key in ("refused_only", "built", "ran", "reached", "confirmed")),
        percent(row["confirmed"] / held if held else None),
        f"{row['rewrites_confirmed']} of {row['rewrites']}",
        row["different"],
        f"{row['seconds'] / held:.1f}" if held else "-",
    )


def false_alarms(entries: Sequence[Mapping[str, Any]]) -> str:
    measured = [entry for entry in entries if "error" not in entry]
    head = (
        "whole package, all transforms but `inplace-on` | rewrites | confirmed | different "
        "| unconfirmed | seconds"
    )
    cells = [
        (
            entry["package"],
            entry["rewrites"],
            entry["confirmed"],
            len(entry["different"]),
            sum(entry["unconfirmed"].values()),
            entry["seconds"],
        )
        for entry in measured
    ]
    total = ("all", *(sum(row[column] for row in cells) for column in range(1, 6)))
    rows = [(*row[:5], f"{row[5]:.0f}") for row in [*cells, total]]
    places = [f"{entry['package']}: {place}" for entry in measured for place in entry["different"]]
    listing = f"Different: {'; '.join(places)}." if places else ""
    return "\n\n".join(filter(None, [table(head, rows), listing, *errors(entries)]))


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


def mutants_page(results: Mapping[str, Any]) -> str:
    """What docs/mutants.md shows."""
    entries = [entry for entry in results.get("mutants", {}).values() if "error" not in entry]
    return "\n\n".join(mutation.page(entry, table) for entry in entries)


def table(head: str, rows: Sequence[Sequence[object]]) -> str:
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|" + "---|" * columns]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) if rows else ""


def errors(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"Not measured: {entry['error']}" for entry in entries if "error" in entry]


def reach_table(results: Mapping[str, Any]) -> str:
    """What docs/reach.md shows: sites by package and transform, and why some stay."""
    entries = [entry for entry in results.get("reach", {}).values() if entry]
    measured = [entry for entry in entries if "error" not in entry]
    parts = []
    for transform in dict.fromkeys(entry["transform"] for entry in measured):
        chosen = [entry for entry in measured if entry["transform"] == transform]
        parts += [f"## `{transform}`", _reach_rows(chosen), _reasons(chosen)]
    written = sum(entry["written"] for entry in measured)
    broken = [path for entry in measured for path in entry["broken"]]
    parts.append(f"Files written: {written}; that do not compile: {listed_paths(broken)}.")
    return "\n\n".join([*parts, *errors(entries)]) + "\n"


def _reach_rows(entries: Sequence[Mapping[str, Any]]) -> str:
    head = (
        "package | sites | rewritten | share | refused "
        "| free functions | generated or copied | needs a run"
    )
    keys = ("sites", "rewrites", "elsewhere", "tied", "needs_run")
    total = {key: sum(entry[key] for entry in entries) for key in keys}
    rows = [
        (
            entry["package"],
            entry["sites"],
            entry["rewrites"],
            percent(entry["rewrites"] / entry["sites"] if entry["sites"] else None),
            entry["sites"] - entry["rewrites"],
            entry["elsewhere"],
            entry["tied"],
            entry["needs_run"],
        )
        for entry in [*entries, {"package": "all", **total}]
    ]
    return table(head, rows)


def _reasons(entries: Sequence[Mapping[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for entry in entries:
        for code, count in entry["refused"].items():
            counts[code] = counts.get(code, 0) + count
    ordered = dict(sorted(counts.items(), key=lambda item: -item[1]))
    return f"Refused: {listed(ordered)}."


def listed_paths(paths: Sequence[str]) -> str:
    return ", ".join(paths) or "none"


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
