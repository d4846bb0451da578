"""The library facade: plan, verify, commit, undo.

What runs models is imported by who runs some: a static run has half as much to load.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from codemod import __version__
from codemod.configuration import Options, line_length
from codemod.editing.transform import Transform
from codemod.engine.cache import PlanCache
from codemod.engine.compose import Pass, closed, compose, touched_paths
from codemod.engine.planning import Planned
from codemod.engine.processes import spread
from codemod.engine.registry import choose, known_transforms
from codemod.engine.reuse import remaining
from codemod.errors import SourceError, StaleFileError
from codemod.report.patch import patch
from codemod.results import (
    Composition,
    Edit,
    FileError,
    Outcome,
    Position,
    Reason,
    Report,
    Rewrite,
    Verdict,
)
from codemod.settings import settings_of
from codemod.source import commit
from codemod.source.commit import UndoResult
from codemod.source.discovery import Discovery, discover
from codemod.source.overlay import Overlay, read_file
from codemod.source.state import state_directory
from codemod.source.text import SourceText

if TYPE_CHECKING:
    from codemod.confirmation import repeat as repeat
    from codemod.diagnosis import diagnose as diagnose
    from codemod.running import Progress
    from codemod.verify.confirm import Confirmation

Mode = Literal["diff", "apply"]

_HOMES = {"repeat": "codemod.confirmation", "diagnose": "codemod.diagnosis"}
NOT_RUN = Verdict("unconfirmed", Reason("not-run", "It was not run.", "Leave out --no-verify."))


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def run(
    options: Options,
    *,
    mode: Mode = "diff",
    progress: Progress | None = None,
    chosen: Sequence[type[Transform]] = (),
) -> Report:
    """Plan, confirm and, in mode `apply`, write. Raises CodemodError; writes all files or none.

    `chosen` transforms run instead of those that the options name.
    """
    started = time.monotonic()
    notes = _interruption(options.root, mode)
    transforms = [item(settings_of(options)) for item in chosen or choose(options.transforms)]
    found = discover(options.root, options.paths, options.include, options.exclude)
    cache = PlanCache(state_directory(found.root) / "cache", options.cache)
    planned, key = _plan(cache, found, transforms, options)
    rewrites = planned.plan.rewrites
    confirmation = _confirm(planned, found, options, progress) if options.verify else None
    verdicts = confirmation.verdicts if confirmation else {}
    kept = confirmation.final if confirmation else _unverified_choice(rewrites, options)
    kept, stale = _not_stale(found, planned, kept) if mode == "apply" else (kept, ())
    changes = _changes(planned.snapshot, planned.compose(kept))
    written = frozenset[str]()
    cache.store(key, planned, [kept])
    if mode == "apply" and changes:
        result = commit.commit(found.root, changes, state_directory(found.root))
        notes += result.notes
        written = kept
    details = _details(planned, options.jobs) if options.details else {}
    outcomes = tuple(_outcomes(planned, verdicts, kept, written, details))
    if options.reuse and confirmation is not None:
        notes += _reuse(planned, outcomes, kept, options.reuse)
    return Report(
        version=__version__,
        torch=confirmation.torch if confirmation else None,
        protection=confirmation.protection if confirmation else (),
        attempts=confirmation.attempts if confirmation else (),
        files=len(found.selected),
        seconds=time.monotonic() - started,
        outcomes=outcomes,
        refusals=planned.plan.refusals,
        errors=(*_errors(found, planned), *stale),
        patch=patch(changes),
        mode=mode,
        notes=tuple(notes),
    )


def undo(root: Path) -> UndoResult:
    """Take back the last commit of the project at `root`; called again, the one before it."""
    return commit.undo(root, state_directory(root))


def transforms(options: Options) -> tuple[Transform, ...]:
    """Every known transform, those in files that the options name included."""
    files = [Path(name) for name in options.transforms if name.endswith(".py")]
    return tuple(item() for _, item in sorted(known_transforms(files).items()))


def _interruption(root: Path, mode: Mode) -> list[str]:
    """What an earlier run left half done: put right before writing, only said before a diff."""
    state = state_directory(root)
    if mode == "diff":
        said = commit.interruption(state)
        return [said] if said is not None else []
    recovered = commit.recover(root, state)
    return [recovered.sentence] if recovered is not None else []


def _plan(
    cache: PlanCache, found: Discovery, transforms: list[Transform], options: Options
) -> tuple[Planned, str]:
    return cache.plan(
        Overlay(found.root),
        (*found.files, *found.documents),
        found.selected,
        transforms,
        jobs=options.jobs,
        line_length=line_length(options.root),
    )


def _confirm(
    planned: Planned, found: Discovery, options: Options, progress: Progress | None
) -> Confirmation | None:
    from codemod.confirmation import confirm

    return confirm(planned, found, options, progress)


def _errors(found: Discovery, planned: Planned) -> tuple[FileError, ...]:
    known = {(error.path, error.code) for error in planned.plan.errors}
    more = [error for error in found.errors if (error.path, error.code) not in known]
    return (*planned.plan.errors, *more)


def _changes(
    before: Mapping[str, bytes], composition: Composition
) -> dict[str, tuple[bytes, bytes]]:
    """Path: bytes before and after, of the files that the composition changes."""
    pairs = {path: (before[path], after) for path, after in composition.files.items()}
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def _not_stale(
    found: Discovery, planned: Planned, kept: frozenset[str]
) -> tuple[frozenset[str], tuple[FileError, ...]]:
    """The rewrites whose files are still as they were read; an error for each other file."""
    errors: list[FileError] = []
    for path in planned.compose(kept).files:
        try:
            same = read_file(found.root, path) == planned.snapshot[path]
        except SourceError:
            same = False
        if not same:
            error = StaleFileError.during_run(path)
            errors.append(FileError(path, error.code, error.message))
    gone = {error.path for error in errors}
    left = {r.id for r in planned.plan.rewrites if r.id in kept and not touched_paths(r) & gone}
    return closed(planned.plan.rewrites, left), tuple(errors)


def _unverified_choice(rewrites: Iterable[Rewrite], options: Options) -> frozenset[str]:
    """What is written when nothing was run: the preserving ones, and what is accepted."""
    accepted = "behaviour-change" in options.accept
    chosen = {
        item.id
        for item in rewrites
        if (accepted or not item.needs_accept) and not item.only_confirmed
    }
    return closed(rewrites, chosen)


# ---- outcomes


def _reuse(
    planned: Planned, outcomes: Iterable[Outcome], kept: frozenset[str], why: str
) -> list[str]:
    """What a preset says about modules that stay called more than once a forward."""
    project, files = planned.passes[0].project, planned.compose(kept).files
    found = [
        item
        for outcome in outcomes
        if outcome.verdict.kind == "confirmed" and outcome.verdict.evidence is not None
        for item in outcome.verdict.evidence.reused
    ]

    def text_of(path: str) -> SourceText:
        data = files[path] if path in files else project.overlay.read(path)
        return SourceText.decode(path, data)

    return list(remaining(found, why, text_of))


def _outcomes(
    planned: Planned,
    verdicts: Mapping[str, Verdict],
    chosen: frozenset[str],
    written: frozenset[str],
    details: Mapping[str, _Details],
) -> Iterator[Outcome]:
    for rewrite in planned.plan.rewrites:
        shown = details.get(rewrite.id, _Details())
        yield Outcome(
            rewrite=rewrite,
            verdict=verdicts.get(rewrite.id, NOT_RUN),
            edits=shown.edits,
            patch=shown.patch,
            would_write=rewrite.id in chosen,
            written=rewrite.id in written,
        )


@dataclass(frozen=True)
class _Details:
    """The edits of a rewrite with their places, and what it does alone."""

    edits: tuple[tuple[Edit, Position, Position], ...] = ()
    patch: str = ""


def _details(planned: Planned, jobs: int) -> dict[str, _Details]:
    """The details of every rewrite, by its id."""
    items = [(number, item) for number, one in enumerate(planned.passes) for item in one.rewrites]
    found = spread(_Detailing(planned.passes, planned.snapshot), items, jobs)
    return {rewrite.id: shown for (_, rewrite), shown in zip(items, found, strict=True)}


@dataclass(frozen=True)
class _Detailing:
    passes: tuple[Pass, ...]
    snapshot: Mapping[str, bytes]

    def __call__(self, items: Sequence[tuple[int, Rewrite]]) -> list[_Details]:
        texts: dict[tuple[int, str], SourceText] = {}
        return [
            _Details(self._placed_edits(number, rewrite, texts), self._patch(rewrite))
            for number, rewrite in items
        ]

    def _patch(self, rewrite: Rewrite) -> str:
        """Of the rewrite and those that it is built on."""
        made = compose(self.passes, [rewrite.id, *rewrite.requires])
        return patch(_changes(self.snapshot, made))

    def _placed_edits(
        self, number: int, rewrite: Rewrite, texts: dict[tuple[int, str], SourceText]
    ) -> tuple[tuple[Edit, Position, Position], ...]:
        """The edits, requirements included, with their places in the snapshot of their pass."""
        edits = (*rewrite.edits, *(item.edit for item in rewrite.requirements))
        for path in {edit.path for edit in edits}:
            if (number, path) not in texts:
                data = self.passes[number].project.overlay.read(path)
                texts[number, path] = SourceText.decode(path, data)
        return tuple(
            (edit, source.position(edit.start), source.position(edit.end))
            for edit in sorted(edits, key=lambda item: (item.path, item.start, item.order))
            for source in [texts[number, edit.path]]
        )
