"""What a run planned, kept for the next one over the same files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codemod.editing.transform import Transform
from codemod.engine.compose import Pass
from codemod.engine.indexing import build_project, index_files
from codemod.engine.kept import keep as keep_value
from codemod.engine.kept import kept, program
from codemod.engine.kept_indexes import KeptIndexes
from codemod.engine.planning import Planned, after_pass, compose_alone, plan
from codemod.errors import SourceError
from codemod.results import Composition, Plan, Rewrite
from codemod.source.overlay import Overlay

_KEPT = 8
_INDEXES = "indexes"
# A file that changed so shortly ago may change again without a new time stamp.
_SETTLED_SECONDS = 2.0


@dataclass(frozen=True)
class _Entry:
    """All that is needed to compose what the last run composed."""

    plan: Plan
    snapshot: dict[str, bytes]
    passes: tuple[tuple[Rewrite, ...], ...]
    known: dict[frozenset[str], Composition]


@dataclass(frozen=True)
class PlanCache:
    """Plans by what they were made from. Whatever is wrong with it is a miss.

    One that is not `used` knows nothing and remembers nothing.
    """

    folder: Path
    used: bool = True

    def plan(
        self,
        overlay: Overlay,
        paths: Sequence[str],
        selected: frozenset[str],
        transforms: Sequence[Transform],
        *,
        jobs: int = 1,
        line_length: int = 88,
    ) -> tuple[Planned, str]:
        """As `planning.plan`, and the key to `store` the result under."""
        key = _key(overlay.root, paths, selected, transforms, line_length)
        entry: _Entry | None = kept(self.folder / key, key) if self.used else None
        indexes = KeptIndexes(self.folder / _INDEXES)
        index = indexes.index if self.used else index_files
        if entry is None:
            made = plan(
                overlay,
                paths,
                selected,
                transforms,
                jobs=jobs,
                line_length=line_length,
                index=index,
            )
            if self.used:
                indexes.keep(item for one in made.passes for item in one.indexes)
            return made, key

        def make_passes() -> tuple[Pass, ...]:
            project, _ = build_project(overlay, paths, jobs, index)
            project = replace(project, line_length=line_length, overlay=overlay.lay(entry.snapshot))
            passes: list[Pass] = []
            for rewrites in entry.passes:
                one = Pass(project, rewrites)
                passes.append(one)
                project = after_pass(one, compose_alone(one, jobs))
            return tuple(passes)

        return Planned(entry.plan, entry.snapshot, make_passes, dict(entry.known)), key

    def store(self, key: str, planned: Planned, keep: Iterable[frozenset[str]]) -> None:
        """Remember a plan and the compositions that a like run will ask for."""
        known = {ids: planned.known[ids] for ids in keep if ids in planned.known}
        if not self.used or planned.plan.errors or (self.folder / key).exists():
            return
        entry = _Entry(
            planned.plan,
            dict(planned.snapshot),
            tuple(one.rewrites for one in planned.passes),
            known,
        )
        keep_value(self.folder / key, key, entry)
        self._forget_old()

    def _forget_old(self) -> None:
        with contextlib.suppress(OSError):
            plans = (path for path in self.folder.iterdir() if path.name != _INDEXES)
            for path in sorted(plans, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
                path.unlink(missing_ok=True)


def _key(
    root: Path,
    paths: Sequence[str],
    selected: frozenset[str],
    transforms: Sequence[Transform],
    line_length: int,
) -> str:
    """A digest of all that a plan depends on: the files, the transforms, this program."""
    said = hashlib.blake2b(digest_size=16)
    settings = [
        (item.name, replace(item.settings, only=None), sorted(item.settings.only or ["all"]))
        for item in transforms
    ]
    said.update(repr((settings, line_length, program(_files_of(transforms)))).encode())
    now = time.time()
    for path in paths:
        said.update(repr((path, path in selected, _state(root, path, now))).encode())
    return said.hexdigest()


def _state(root: Path, path: str, now: float) -> object:
    """Size and time of a file; its content where the time cannot be trusted."""
    try:
        status = os.stat(root / path)
    except OSError as error:
        return error.errno
    if now - status.st_mtime < _SETTLED_SECONDS:
        try:
            content = Overlay(root).read(path)
        except SourceError:
            content = b""
        return (status.st_size, status.st_mtime_ns, hashlib.blake2b(content).digest())
    return (status.st_size, status.st_mtime_ns)


def _files_of(transforms: Sequence[Transform]) -> set[str]:
    """The files that define the transforms."""
    modules = (sys.modules.get(type(item).__module__) for item in transforms)
    return {module.__file__ for module in modules if module is not None and module.__file__}
