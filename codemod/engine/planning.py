"""Passes of finding and composing, to a fixpoint."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from codemod.editing.transform import Transform
from codemod.engine.compose import Pass, compose, touched_paths, with_requirements
from codemod.engine.find import FindInFiles, Findings
from codemod.engine.indexing import build_project, index_files, spread
from codemod.engine.text_edits import overlaps
from codemod.errors import RewriteError
from codemod.results import Composition, Edit, FileError, Plan, Refusal, Rewrite
from codemod.semantics.index import FileIndex
from codemod.semantics.project import Project
from codemod.source.overlay import Overlay

MAX_PASSES = 10


@dataclass(frozen=True)
class Planned:
    """A plan, and the passes from which any choice of its rewrites can be composed."""

    plan: Plan
    passes: tuple[Pass, ...]

    def compose(self, ids: Iterable[str]) -> Composition:
        return compose(self.passes, frozenset(ids))


def plan(
    overlay: Overlay,
    paths: Sequence[str],
    selected: frozenset[str],
    transforms: Sequence[Transform],
    *,
    jobs: int = 1,
    line_length: int = 88,
) -> Planned:
    """Find all rewrites in the `selected` files of the project that `paths` make up."""
    project, errors = build_project(overlay, paths, jobs)
    project = replace(project, line_length=line_length)
    found_errors = [error for error in errors if error.path in selected]
    passes: list[Pass] = []
    refusals: dict[tuple[str, int, str], Refusal] = {}
    look_in = sorted(selected & project.files.keys())
    for number in range(1, MAX_PASSES + 1):
        findings = spread(FindInFiles(project, transforms), look_in, jobs)
        found_errors += [error for item in findings for error in item.errors]
        if number == 1:
            refusals = {_key(item): item for item in _of(findings, Refusal)}
        rewrites, broken = _accept(project, _of(findings, Rewrite), number, passes)
        found_errors += broken
        if not rewrites:
            break
        one = Pass(project, tuple(rewrites))
        passes.append(one)
        composition = compose([one], [rewrite.id for rewrite in rewrites])
        look_in = sorted(composition.files.keys() & selected)
        project = _reindexed(project, overlay.lay({}).lay(project.overlay.changes), composition)
    every = tuple(rewrite for one in passes for rewrite in one.rewrites)
    result = Plan(
        rewrites=every,
        refusals=tuple(
            sorted(
                refusals.values(),
                key=lambda item: (item.path, item.line, item.column, item.transform),
            )
        ),
        errors=tuple(sorted(set(found_errors), key=lambda item: (item.path, item.code))),
        files=len(selected),
    )
    return Planned(result, tuple(passes))


def _key(item: Refusal) -> tuple[str, int, str]:
    return (f"{item.transform}:{item.path}", item.line * 10000 + item.column, item.code)


def _of(findings: Iterable[Findings], kind):  # type: ignore[no-untyped-def]
    return [item for one in findings for item in one.found if isinstance(item, kind)]


def _reindexed(project: Project, overlay: Overlay, composition: Composition) -> Project:
    """The project after a pass: only what changed is read again."""
    laid = overlay.lay(composition.files)
    changed = index_files(laid, composition.files)
    files = {
        **project.files,
        **{item.path: item for item in changed if isinstance(item, FileIndex)},
    }
    return Project(laid, files, project.line_length)


def _accept(
    project: Project, rewrites: list[Rewrite], number: int, earlier: Sequence[Pass]
) -> tuple[list[Rewrite], list[FileError]]:
    """Those that can be composed together; what overlaps an earlier one waits for the next pass."""
    accepted: list[Rewrite] = []
    edits: dict[str, list[Edit]] = {}
    seen: set[tuple[Edit, ...]] = set()
    ordered = sorted(rewrites, key=lambda item: (item.path, min(item.sites), item.transform))
    for rewrite in _identified(ordered, number, earlier):
        if rewrite.edits in seen:
            continue  # two transforms want the same
        if any(
            overlaps(edits.get(path, []), with_requirements([rewrite], path))
            for path in touched_paths(rewrite)
        ):
            continue
        seen.add(rewrite.edits)
        accepted.append(rewrite)
        for edit in rewrite.edits:
            edits.setdefault(edit.path, []).append(edit)
    return _without_broken(project, accepted)


def _without_broken(
    project: Project, rewrites: list[Rewrite]
) -> tuple[list[Rewrite], list[FileError]]:
    """Withdraw what would not parse: a fault of a transform, said as such."""
    errors: list[FileError] = []
    try:
        compose([Pass(project, tuple(rewrites))], [item.id for item in rewrites])
        return rewrites, errors
    except RewriteError:
        pass
    kept: list[Rewrite] = []
    for rewrite in rewrites:
        same_files = [item for item in kept if touched_paths(item) & touched_paths(rewrite)]
        candidate = Pass(project, (*same_files, replace(rewrite, requires=())))
        try:
            compose([candidate], [item.id for item in candidate.rewrites])
        except RewriteError as error:
            message = f"{rewrite.transform}: {error}; the rewrite is withdrawn, please report it"
            errors.append(FileError(rewrite.path, "rewrite-broken", message))
        else:
            kept.append(rewrite)
    return kept, errors


def _identified(rewrites: Iterable[Rewrite], number: int, earlier: Sequence[Pass]) -> list[Rewrite]:
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
        )
        identity = hashlib.sha256(text.encode()).hexdigest()[:12]
        result.append(replace(rewrite, id=identity, requires=requires))
    return result
