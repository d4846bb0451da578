"""What a person reads: the patch for stdout, the summary for stderr.

No markup is ever parsed: text of the user's files stays as it is, `[int]` included.
"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Literal, TypeVar

from rich.text import Text

from codemod.report import patch
from codemod.report.cage import holes
from codemod.results import (
    ASPECTS,
    Difference,
    Evidence,
    FirstSite,
    Outcome,
    Refusal,
    Repeated,
    Report,
    Rewrite,
)

Verbosity = Literal["quiet", "normal", "verbose"]
_T = TypeVar("_T")

_STYLES = {"confirmed": "green", "different": "red", "unconfirmed": "yellow", "error": "bold red"}
_PATCH_COLOURS = (
    (b"diff ", b"\x1b[1m"),
    (b"--- ", b"\x1b[1m"),
    (b"+++ ", b"\x1b[1m"),
    (b"@@", b"\x1b[36m"),
    (b"-", b"\x1b[31m"),
    (b"+", b"\x1b[32m"),
)
_SHOWN_DIFFERENCES = 3
_LABEL = 13


def patch_for_pipe(report: Report) -> bytes:
    """The patch, byte for byte."""
    return patch.to_bytes(report.patch)


def patch_for_terminal(report: Report, *, colour: bool) -> bytes:
    """The patch to look at: control characters made visible, and coloured."""
    lines = patch.to_bytes(report.patch).split(b"\n")[:-1]
    return b"".join(_patch_line(line, colour) + b"\n" for line in lines)


def written_files(report: Report) -> str:
    """One line for each file that `apply` wrote."""
    counts = Counter(
        path for outcome in report.outcomes if outcome.written for path in _paths(outcome.rewrite)
    )
    return "".join(f"{visible(p)}: {_count(n, 'rewrite')}\n" for p, n in sorted(counts.items()))


def _paths(rewrite: Rewrite) -> set[str]:
    """A rewrite may span files."""
    return {rewrite.path, *(edit.path for edit in rewrite.edits)}


def summary(report: Report, verbosity: Verbosity = "normal", again: Sequence[str] = ()) -> Text:
    """All that stderr says about a run; empty or lines that each end with a line feed.

    `again`: the arguments of this command, to tell the user what to type next.
    """
    lines = [*_errors(report)]
    if verbosity != "quiet":
        verbose = verbosity == "verbose"
        lines = [
            *_confirmed(report, verbose),
            *_not_confirmed(report),
            *_refused(report, verbose),
            *_attempted(report, verbose),
            *lines,
            *(Text(visible(note)) for note in report.notes),
            *_protection(report, verbose),
            *_totals(report),
            *_next_steps(report, again),
        ]
    return Text("\n").join([*lines, Text()]) if lines else Text()


def visible(text: str) -> str:
    """`text` with control characters shown, so that no file can steer the terminal."""
    return "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    code = ord(character)
    if code < 32 or code == 127:
        return "^" + chr(code ^ 64)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    # White space and letters that merely are not "printable" are left; controls are not.
    return character if code > 0x9F and not _steers(code) else f"\\u{code:04x}"


def _steers(code: int) -> bool:
    """Marks that reorder or hide the text around them."""
    return code in (0x61C, 0xFEFF) or 0x200B <= code <= 0x200F or 0x2028 <= code <= 0x206F


def _patch_line(line: bytes, colour: bool) -> bytes:
    text = visible(line.decode("utf-8", "surrogateescape")).encode("utf-8", "replace")
    if colour:
        for prefix, code in _PATCH_COLOURS:
            if line.startswith(prefix):
                return code + text + b"\x1b[m"
    return text


# ---- confirmed rewrites


def _confirmed(report: Report, verbose: bool) -> Iterator[Text]:
    found = [o for o in report.outcomes if o.verdict.kind == "confirmed"]
    for group in _grouped(found, _same_run):
        yield _head("confirmed", *_class_of(group))
        for outcome in group:
            if verbose or not outcome.would_write:
                yield _line(_place(outcome.rewrite), "  ", outcome.rewrite.summary, _label(outcome))
            if not outcome.would_write:
                yield _detail(_why_not_written(outcome))
        yield from map(_detail, _evidence_lines(group))


def _same_run(outcome: Outcome) -> Hashable:
    evidence, rewrite = outcome.verdict.evidence, outcome.rewrite
    if evidence is None:
        return (rewrite.path, rewrite.class_name)
    shown = (
        evidence.recipes,
        tuple(evidence.aspects.items()),
        tuple(evidence.input_sets.items()),
        evidence.stubs,
        evidence.notes,
    )
    return (rewrite.path, rewrite.class_name, *shown)


def _class_of(group: Sequence[Outcome]) -> tuple[str, str]:
    rewrite = group[0].rewrite
    first = min(group, key=lambda o: o.rewrite.sites).rewrite
    place = _place(first) if len(group) == 1 else rewrite.path
    what = rewrite.summary if len(group) == 1 else _count(len(group), "rewrite")
    return place, f"{rewrite.class_name}: {what}"


def _why_not_written(outcome: Outcome) -> str:
    changes, seen_by = outcome.rewrite.contract.behaviour, outcome.rewrite.seen_by
    if changes:
        return f"not written: it changes {', '.join(changes)} on purpose"
    if seen_by:
        more = f" and {len(seen_by) - 1} more" if len(seen_by) > 1 else ""
        return f"not written: {seen_by[0]}{more} may see that modules or hooks change"
    return "not written: it rests on a rewrite that is not written"


def _evidence_lines(group: Sequence[Outcome]) -> Iterator[str]:
    evidence = group[0].verdict.evidence
    if evidence is None:
        return
    for recipe in evidence.recipes:
        inputs = f" on {recipe.inputs}" if recipe.inputs else ""
        where = f" {recipe.where}" if recipe.where else ""
        yield f"ran {recipe.call}{inputs} ({recipe.source}{where})"
    yield "; ".join([*_aspect_phrases(evidence), _reached(group)])
    if evidence.input_sets:
        yield f"also on inputs: {', '.join(evidence.input_sets)}"
    if evidence.stubs:
        yield f"stood in for: {', '.join(evidence.stubs)}"
    yield from evidence.notes


def _aspect_phrases(evidence: Evidence) -> Iterator[str]:
    phrases = {
        "equal": "equal",
        "changed-as-declared": "changed as declared",
        "different": "different",
        "not-changed": "did not change",
    }
    for status, phrase in phrases.items():
        names = [aspect for aspect in ASPECTS if evidence.aspects.get(aspect) == status]
        if names:
            yield f"{', '.join(names)} {phrase}"


def _reached(group: Sequence[Outcome]) -> str:
    found = [o.verdict.evidence for o in group if o.verdict.evidence is not None]
    reached = sum(evidence.witnesses_reached for evidence in found)
    return f"{reached} of {_count(sum(e.witnesses for e in found), 'site')} reached"


# ---- rewrites that are not confirmed


def _not_confirmed(report: Report) -> Iterator[Text]:
    for kind in ("different", "unconfirmed"):
        found = [o for o in report.outcomes if o.verdict.kind == kind and not _was_not_run(o)]
        for group in _grouped(found, _same_reason):
            yield from _not_confirmed_group(kind, group)
    not_run = [outcome for outcome in report.outcomes if _was_not_run(outcome)]
    if not_run:
        yield _head("unconfirmed", _count(len(not_run), "rewrite"), "not run")
    for outcome in not_run:
        if not outcome.would_write:
            yield _line(_place(outcome.rewrite), "  ", outcome.rewrite.summary, _label(outcome))
            yield _detail(_why_not_written(outcome))


def _was_not_run(outcome: Outcome) -> bool:
    return outcome.verdict.reason is not None and outcome.verdict.reason.code == "not-run"


def _same_reason(outcome: Outcome) -> Hashable:
    rewrite, verdict = outcome.rewrite, outcome.verdict
    own = outcome.rewrite.id if verdict.evidence and verdict.evidence.differences else ""
    return (rewrite.path, rewrite.class_name, verdict.reason, own, _symbolic(outcome))


def _symbolic(outcome: Outcome) -> str | None:
    return outcome.verdict.evidence.symbolic if outcome.verdict.evidence else None


def _not_confirmed_group(kind: str, group: Sequence[Outcome]) -> Iterator[Text]:
    for index, outcome in enumerate(group):
        parts = (_place(outcome.rewrite), f"{outcome.rewrite.summary}{_label(outcome)}")
        yield _head(kind, *parts) if index == 0 else _line("  ".join(parts))
    verdict = group[0].verdict
    if verdict.reason is not None:
        yield _detail(f"{verdict.reason.message} [{verdict.reason.code}]")
    differences = verdict.evidence.differences if verdict.evidence else ()
    yield from (_detail(_difference(found)) for found in differences[:_SHOWN_DIFFERENCES])
    if len(differences) > _SHOWN_DIFFERENCES:
        yield _detail(f"and {len(differences) - _SHOWN_DIFFERENCES} more; --format json has all")
    if verdict.evidence and verdict.evidence.first_site:
        yield from map(_detail, _first_site(verdict.evidence.first_site))
    if verdict.evidence and verdict.evidence.replay:
        yield _detail(f"again: codemod verify --replay {verdict.evidence.replay}")
    if verdict.evidence is not None and verdict.evidence.symbolic is not None:
        yield _detail(_SYMBOLIC[verdict.evidence.symbolic])
    if verdict.reason is not None and verdict.reason.hint:
        yield _detail(f"hint: {verdict.reason.hint}")


_SYMBOLIC = {
    "equal": "on opaque terms it does the same as before, in the same order",
    "different": "on opaque terms it does something else than before: it is never written",
}


def _difference(found: Difference) -> str:
    sizes = []
    if found.max_abs is not None:
        sizes.append(f"largest difference {found.max_abs:.3g}")
    if found.max_rel is not None and math.isfinite(found.max_rel):
        sizes.append(f"relative {found.max_rel:.3g}")
    size = f" ({', '.join(sizes)})" if sizes else ""
    place = f" {found.path}" if found.path else ""
    where = f" (inputs: {found.inputs})" if found.inputs else ""
    return f"{found.aspect}{place}{where}: {found.before} before, {found.after} after{size}"


def _first_site(site: FirstSite) -> Iterator[str]:
    """Two lines: what ran the first operator that gives another result, before and after."""
    inputs = f", inputs: {site.inputs}" if site.inputs else ""
    yield f"first in {site.mode}{inputs}:"
    for side, place, text, operator in (
        ("before", site.before, site.text_before, site.operator_before),
        ("after", site.after, site.text_after, site.operator_after),
    ):
        what = f"{operator or 'nothing'} at {place}" if place else operator or "nothing"
        yield f"  {side}: {what}" + (f"  {text}" if text else "")


def repeated(found: Repeated) -> Text:
    """What `codemod verify --replay` shows; lines that each end with a line feed."""
    lines = [_head("different" if found.differs else "equal", found.summary)]
    lines.append(_detail(f"ran {found.call} on {found.inputs}"))
    lines += [_detail(_difference(difference)) for difference in found.differences]
    if found.first_site:
        lines += map(_detail, _first_site(found.first_site))
    if found.failure:
        lines.append(_detail(found.failure))
    if not found.differs:
        lines.append(_detail("this time both sides gave the same"))
    return Text("").join(line + Text("\n") for line in lines)


# ---- refusals and errors


def _refused(report: Report, verbose: bool) -> Iterator[Text]:
    if not report.refusals:
        return
    if verbose:
        for refusal in report.refusals:
            yield _head("refused", _refusal_place(refusal), f"{refusal.message} [{refusal.code}]")
            if refusal.hint:
                yield _detail(f"hint: {refusal.hint}")
        return
    yield _head("refused", _count(len(report.refusals), "place"), "(-v lists each)")
    groups = _grouped(report.refusals, lambda refusal: refusal.code)
    for group in sorted(groups, key=lambda group: (-len(group), group[0].code)):
        example = group[0]
        text = f"{len(group):4}  {example.code}"
        yield _detail(f"{text:30}  {_refusal_place(example)}: {example.message}")


def _refusal_place(refusal: Refusal) -> str:
    return f"{refusal.path}:{refusal.line}:{refusal.column}"


def _errors(report: Report) -> Iterator[Text]:
    for error in report.errors:
        message = error.message
        if not message.startswith(error.path):
            message = f"{error.path}: {message}"
        yield _head("error", f"{message} [{error.code}]")


# ---- what the code tried while it ran

_TRIED = {
    "network": "to reach the network",
    "write": "to write outside its scratch folder",
    "program": "to start a program",
    "signal": "to end another process",
}


def _attempted(report: Report, verbose: bool) -> Iterator[Text]:
    """One line for each kind, with the first of it; verbose: each of them."""
    for group in _grouped(report.attempts, lambda attempt: attempt.kind):
        more = "" if len(group) == 1 else f" and {len(group) - 1} more (-v lists each)"
        for attempt in group if verbose else group[:1]:
            where = f"{attempt.path}:{attempt.line}" if attempt.path else "an import or a library"
            whose = f" {attempt.class_name}" if attempt.class_name else ""
            said = f"{_TRIED[attempt.kind]}: {attempt.what}{'' if verbose else more}"
            yield _head("tried", f"{where}{whose}", said)


# ---- the end


def _protection(report: Report, verbose: bool) -> Iterator[Text]:
    if verbose and report.torch:
        yield Text(f"torch {report.torch}; protection: {', '.join(report.protection) or 'none'}")
        yield from (Text(f"not held: {said}") for said in holes(report.protection))


def _totals(report: Report) -> Iterator[Text]:
    files = _count(report.files, "file")
    if not (report.outcomes or report.refusals or report.errors):
        yield Text(f"{files}: nothing to rewrite.")
        return
    kinds = Counter(outcome.verdict.kind for outcome in report.outcomes)
    parts = [
        f"{files}, {_count(len(report.outcomes), 'rewrite')}: {kinds['confirmed']} confirmed",
        f"{kinds['different']} different",
        f"{kinds['unconfirmed']} unconfirmed",
        f"{len(report.refusals)} refused",
    ]
    if report.errors:
        parts.append(_count(len(report.errors), "error"))
    yield Text(f"{', '.join(parts)}; {report.seconds:.1f} s", style="bold")


def _next_steps(report: Report, again: Sequence[str]) -> Iterator[Text]:
    written = sum(outcome.written for outcome in report.outcomes)
    would = sum(outcome.would_write for outcome in report.outcomes)
    if report.mode == "apply" and written:
        yield Text(f"Wrote {_count(written, 'rewrite')}; codemod undo takes back what was written.")
    elif report.mode == "diff" and would:
        yield Text(f"To write {_count(would, 'rewrite')}: {_command('apply', again)}")
    waiting = [o for o in report.outcomes if not (o.would_write or _is_never_written(o))]
    for group in _grouped(waiting, lambda outcome: _missing_flags(outcome, again)):
        flags = _missing_flags(group[0], again)
        if flags:
            accepts = [part for flag in flags for part in ("--accept", flag)]
            more = f"{len(group)} {'more' if written or would else 'of them'}"
            yield Text(f"To write {more}: {_command('apply', [*accepts, *again])}")


def _is_never_written(outcome: Outcome) -> bool:
    """Whatever is accepted."""
    differs = outcome.verdict.kind == "different" or _symbolic(outcome) == "different"
    unseen = outcome.rewrite.only_confirmed and outcome.verdict.kind == "unconfirmed"
    return differs or unseen


def _missing_flags(outcome: Outcome, again: Sequence[str]) -> tuple[str, ...]:
    """What `--accept` must name before the rewrite is written."""
    needed = []
    if outcome.rewrite.needs_accept:
        needed.append("behaviour-change")
    if outcome.verdict.kind == "unconfirmed" and not _was_not_run(outcome):
        needed.append("symbolic" if _symbolic(outcome) == "equal" else "unconfirmed")
    given = {value.removeprefix("--accept=") for value in again}
    return tuple(flag for flag in needed if flag not in given)


def _command(name: str, arguments: Iterable[str]) -> str:
    return visible(shlex.join(["codemod", name, *arguments]))


# ---- small parts


def _grouped(items: Iterable[_T], key: Callable[[_T], Hashable]) -> list[list[_T]]:
    groups: dict[Hashable, list[_T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _place(rewrite: Rewrite) -> str:
    if not rewrite.sites:
        return rewrite.path
    site = rewrite.sites[0]
    return f"{site.path}:{site.line}:{site.column}"


def _label(outcome: Outcome) -> str:
    return f"  ({outcome.rewrite.transform})"


def _head(kind: str, *parts: str) -> Text:
    text = Text(f"{kind:{_LABEL}}", style=_STYLES.get(kind, "cyan"), end="")
    return Text.assemble(text, visible("  ".join(parts)))


def _line(*parts: str) -> Text:
    return Text(" " * _LABEL + visible("".join(parts)))


def _detail(text: str) -> Text:
    indent = " " * (_LABEL + 2)
    return Text(indent + visible(text).replace("\n", "\n" + indent), style="dim")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
