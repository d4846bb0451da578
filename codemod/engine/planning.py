"""Passes of finding and composing, to a fixpoint."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from codemod.editing.transform import Transform
from codemod.engine.compose import Pass, compose, compose_to_run, touched_paths, with_requirements
from codemod.engine.find import FindInFiles, Findings
from codemod.engine.foresight import foresee
from codemod.engine.independence import hangs_on
from codemod.engine.indexing import Indexer, build_project, index_files
from codemod.engine.long_lines import limit_of
from codemod.engine.processes import paused_collector, spread
from codemod.engine.text_edits import overlaps
from codemod.errors import RewriteError, SourceError, StaleFileError
from codemod.results import Composition, Edit, FileError, Plan, Refusal, Rewrite
from codemod.semantics.carried import carry
from codemod.semantics.project import ClassKey, Project
from codemod.source.overlay import Overlay, digest
from codemod.source.text import SourceText

MAX_PASSES = 10
_Found = TypeVar("_Found", Rewrite, Refusal)


@dataclass
class Planned:
    """A plan, and the passes from which any choice of its rewrites can be composed.

    `snapshot`: the bytes, as they were planned on, of the files that the rewrites touch.
    `known`: what was composed before; the passes are made only when something else is asked for.
    """

    plan: Plan
    snapshot: Mapping[str, bytes]
    make_passes: Callable[[], tuple[Pass, ...]]
    known: dict[frozenset[str], Composition] = field(default_factory=dict)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        return self.make_passes()

    def compose(self, ids: Iterable[str]) -> Composition:
        wanted = frozenset(ids)
        if not wanted:
            return Composition({}, {})
        if wanted not in self.known:
            self.known[wanted] = compose(self.passes, wanted)
        return self.known[wanted]

    def composed_to_run(self, ids: Iterable[str]) -> Composition:
        """As `compose`, with the places to watch; with none accepted, too, it tells what the
        rewrites would take away."""
        return compose_to_run(self.passes, frozenset(ids))


def plan(
    overlay: Overlay,
    paths: Sequence[str],
    selected: frozenset[str],
    transforms: Sequence[Transform],
    *,
    jobs: int = 1,
    line_length: int = 88,
    index: Indexer = index_files,
) -> Planned:
    """Find all rewrites in the `selected` files of the project that `paths` make up.

    The order in which the transforms are given shows nowhere, not in the names of what they make.
    """
    transforms = sorted(transforms, key=lambda transform: transform.name)
    with paused_collector():
        return _plan(overlay, paths, selected, transforms, jobs, line_length, index)


def _plan(
    overlay: Overlay,
    paths: Sequence[str],
    selected: frozenset[str],
    transforms: Sequence[Transform],
    jobs: int,
    line_length: int,
    index: Indexer,
) -> Planned:
    project, errors = build_project(overlay, paths, jobs, index)
    project = replace(project, line_length=line_length)
    found_errors = [error for error in errors if error.path in selected]
    passes: list[Pass] = []
    refusals: dict[tuple[str, int, str], Refusal] = {}
    snapshot: dict[str, bytes] = {}
    look_in = sorted(selected & project.files.keys())
    settled: frozenset[ClassKey] = frozenset()
    foresee(project, transforms, look_in, jobs)
    for number in range(1, MAX_PASSES + 1):
        findings = spread(FindInFiles(project, transforms, settled), look_in, jobs)
        for item in findings:
            project.learn(item.answers)
            found_errors += item.errors
        if number == 1:
            refusals = {_key(item): item for item in _of(findings, Refusal)}
        every = _of(findings, Rewrite)
        rewrites = _accept(every, number, passes, project)
        waiting = {item.path for item in every} if len(rewrites) < len(every) else set()
        if number == 1:
            snapshot, stale = _snapshot(project, rewrites)
            found_errors += stale
            gone = {error.path for error in stale}
            rewrites = [item for item in rewrites if not touched_paths(item) & gone]
            project = _on_snapshot(project, snapshot)
        if not rewrites:
            break
        one, composition, broken = _composed(project, rewrites, jobs)
        found_errors += broken
        passes.append(one)
        look_in = sorted((composition.files.keys() | waiting) & selected)
        project = after_pass(one, composition)
        if any(item.settles for item in transforms):
            settled = _untouched(project, one, composition.files.keys() - waiting)
    result = Plan(
        rewrites=tuple(rewrite for one in passes for rewrite in one.rewrites),
        refusals=tuple(sorted(refusals.values(), key=_place)),
        errors=tuple(sorted(set(found_errors), key=lambda item: (item.path, item.code))),
        files=len(selected),
    )
    made = tuple(passes)
    return Planned(result, snapshot, lambda: made)


def _on_snapshot(project: Project, snapshot: Mapping[str, bytes]) -> Project:
    """The same files, whatever becomes of them on disk."""
    kept = replace(project, overlay=project.overlay.lay(snapshot))
    carry(project, kept, ())
    return kept


def _snapshot(
    project: Project, rewrites: Sequence[Rewrite]
) -> tuple[dict[str, bytes], list[FileError]]:
    """The bytes of the files to be changed, and those that are no longer what was read."""
    found: dict[str, bytes] = {}
    stale: list[FileError] = []
    for path in sorted({path for rewrite in rewrites for path in touched_paths(rewrite)}):
        try:
            found[path] = project.overlay.read(path)
        except SourceError as error:
            stale.append(FileError(path, error.code, error.message))
            continue
        if digest(found[path]) != project.files[path].digest:
            changed = StaleFileError.during_run(path)
            stale.append(FileError(path, changed.code, changed.message))
    return found, stale


def _place(item: Refusal) -> tuple[str, int, int, str]:
    return (item.path, item.line, item.column, item.transform)


def _key(item: Refusal) -> tuple[str, int, str]:
    return (f"{item.transform}:{item.path}", item.line * 10000 + item.column, item.code)


def _of(findings: Iterable[Findings], kind: type[_Found]) -> list[_Found]:
    return [item for one in findings for item in one.found if isinstance(item, kind)]


def after_pass(one: Pass, composition: Composition) -> Project:
    """The project after all rewrites of a pass: what changed is as it was composed.

    What was found out about the other files holds on: which objects their code meets is a matter of
    what runs, and a rewrite keeps that.
    """
    project = one.project
    made = {path: digest(data) for path, data in composition.files.items()}
    changed = {item.path: item for item in one.indexes if item.digest == made.get(item.path)}
    limits = {
        path: limit_of(SourceText.decode(path, project.overlay.read(path)), project.line_length)
        for path in composition.files.keys() - project.line_limits.keys()
    }
    after = Project(
        project.overlay.lay(composition.files),
        {**project.files, **changed},
        project.documents,
        project.line_length,
        {**limits, **project.line_limits},
    )
    carry(project, after, composition.files.keys())
    return after


def _untouched(project: Project, one: Pass, paths: Set[str]) -> frozenset[ClassKey]:
    """The classes of some files that a pass left as they were, as it did their family; and what
    stands outside of the classes of these files, `(path, "")`."""
    keys = {(path, item.qualname) for path in paths for item in project.files[path].classes}
    kept = keys.intersection(one.kept)
    touched = keys - kept
    return frozenset(
        key
        for key in kept
        if touched.isdisjoint((*project.ancestors(key), *project.descendants(key)))
    ) | {(path, "") for path in paths}


def _accept(
    rewrites: list[Rewrite], number: int, earlier: Sequence[Pass], project: Project
) -> list[Rewrite]:
    """Those that can be composed together; what overlaps an earlier one waits for the next pass."""
    accepted: list[Rewrite] = []
    edits: dict[str, list[Edit]] = {}
    repeated: dict[str, list[Edit]] = {}
    seen: set[tuple[Edit, ...]] = set()
    ordered = sorted(rewrites, key=lambda item: (item.path, min(item.sites), item.transform))
    identified = _identified(ordered, number, earlier, project)
    # What repeats a text goes before what changes it: the change then finds all that say it.
    for rewrite in sorted(identified, key=lambda item: not item.repeats):
        if rewrite.edits in seen:
            continue  # two transforms want the same
        repeats = _repeats(rewrite)
        if any(
            overlaps(edits.get(path, []), [*with_requirements([rewrite], path), *repeats])
            or overlaps(repeated.get(path, []), rewrite.edits)
            for path in touched_paths(rewrite)
        ):
            continue
        seen.add(rewrite.edits)
        accepted.append(rewrite)
        for edit in rewrite.edits:
            edits.setdefault(edit.path, []).append(edit)
        for edit in repeats:
            repeated.setdefault(edit.path, []).append(edit)
    kept = {item.id for item in accepted}
    return [item for item in identified if item.id in kept]


def _repeats(rewrite: Rewrite) -> list[Edit]:
    """What a rewrite says again, as edits that would clash with a change of it."""
    return [Edit(one.path, one.start, one.end, "") for one in rewrite.repeats]


def _composed(
    project: Project, rewrites: list[Rewrite], jobs: int
) -> tuple[Pass, Composition, list[FileError]]:
    """All rewrites of a pass; those that would not parse are withdrawn, as a fault of ours."""
    errors: list[FileError] = []
    while True:
        try:
            one = Pass(project, tuple(rewrites))
            return one, compose_alone(one, jobs), errors
        except RewriteError as error:
            culprit = _culprit(project, [r for r in rewrites if error.path in touched_paths(r)])
            message = f"{culprit.transform}: {error}; the rewrite is withdrawn, please report it"
            errors.append(FileError(culprit.path, "rewrite-broken", message))
            rewrites = [item for item in rewrites if item is not culprit]


def compose_alone(one: Pass, jobs: int = 1) -> Composition:
    """What all rewrites of a pass make of the snapshot that they were found in."""
    free = tuple(replace(item, requires=()) for item in one.rewrites)
    return compose([replace(one, rewrites=free)], [item.id for item in free], jobs)


def _culprit(project: Project, rewrites: Sequence[Rewrite]) -> Rewrite:
    """The first rewrite with which the ones before it no longer parse."""
    for count in range(1, len(rewrites)):
        try:
            compose_alone(Pass(project, tuple(rewrites[:count])))
        except RewriteError:
            return rewrites[count - 1]
    return rewrites[-1]


def _identified(
    rewrites: Iterable[Rewrite], number: int, earlier: Sequence[Pass], project: Project
) -> list[Rewrite]:
    """Ids: a hash of transform, path, class, kind and ordinal among those; and what each needs.

    A rewrite of a later pass was found in the text that the earlier ones make of its file.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    result: list[Rewrite] = []
    for rewrite in rewrites:
        kind = (rewrite.transform, rewrite.path, rewrite.class_name, rewrite.id)
        counts[kind] += 1
        text = "\0".join([*kind, str(counts[kind]), str(number)])
        requires = tuple(
            item.id
            for one in earlier
            for item in one.rewrites
            if touched_paths(item) & touched_paths(rewrite)
            and hangs_on(rewrite, project.overlay, item, one.project.overlay)
        )
        identity = hashlib.sha256(text.encode()).hexdigest()[:12]
        result.append(replace(rewrite, id=identity, requires=requires))
    return result
