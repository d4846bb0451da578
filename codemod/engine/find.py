"""Running the transforms over the module classes of one file."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from codemod.editing.transform import Found, Transform
from codemod.engine.processes import paused_collector
from codemod.engine.soundness import fault_of
from codemod.engine.suppression import Suppression, is_suppressed, suppressions
from codemod.errors import CodemodError, SourceError, TransformError
from codemod.results import FileError, Refusal, Rewrite
from codemod.semantics.index import ClassIndex
from codemod.semantics.module_class import ModuleClass, SourceFile
from codemod.semantics.project import ClassKey, Project
from codemod.semantics.relatives import load_file

_OWN_CODE = str(Path(__file__).resolve().parent.parent)


@dataclass(frozen=True)
class Findings:
    """What the transforms found in one file, in their order; `answers`: those that hold on."""

    path: str
    found: tuple[Found, ...] = ()
    errors: tuple[FileError, ...] = ()
    answers: Mapping[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class FindInFiles:
    """All transforms over some files of one project.

    `settled`: classes that those which settle do not look at again; `(path, "")` is what stands
    outside of the classes of a file.
    """

    project: Project
    transforms: Sequence[Transform]
    settled: frozenset[ClassKey] = frozenset()

    def __call__(self, paths: Sequence[str]) -> list[Findings]:
        with paused_collector():
            return [
                _find_in_file(self.project, path, self.transforms, self.settled) for path in paths
            ]


def _find_in_file(
    project: Project, path: str, transforms: Sequence[Transform], settled: frozenset[ClassKey]
) -> Findings:
    """Rewrites and refusals of every transform in one file. A fault of a transform is an error."""
    text = project.text(path)
    wanted = [item for item in transforms if item.markers_in(project, path).search(text)]
    if not wanted:
        return Findings(path)
    try:
        file = load_file(project, path)
    except SourceError as error:
        return Findings(path, (), (FileError(path, error.code, error.message),))
    classes, known = _ModuleClasses(file), len(project.lasting_answers)
    skips = suppressions(file)
    found: list[Found] = []
    errors: list[FileError] = []
    for transform in wanted:
        try:
            done = settled if transform.settles else frozenset()
            for module in classes.marked(transform.markers_in(project, path), done):
                found += _checked(transform, partial(transform.find, module), file, skips)
            if (path, "") not in done:
                outside = partial(transform.find_outside, file, frozenset(classes.items))
                found += _checked(transform, outside, file, skips)
        except TransformError as error:
            errors.append(FileError(path, "transform-failed", str(error)))
    classes.forget()
    new = islice(project.lasting_answers.items(), known, None)
    return Findings(path, tuple(found), tuple(errors), dict(new))


class _ModuleClasses:
    """The module classes of a file, and those that may be (an unknown base) and look it.

    `items` has the last definition of each name; a class is parsed when it is first looked at.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        last = {item.qualname: item for item in file.index.classes}
        self.items = {name: item for name, item in last.items() if self._is_one(item)}
        self._parsed: dict[str, ModuleClass] = {}

    def _is_one(self, item: ClassIndex) -> bool:
        is_module = self.file.project.is_module((self.file.path, item.qualname))
        return is_module or (is_module is None and _looks_like_module(item))

    def marked(
        self, pattern: re.Pattern[str], settled: frozenset[ClassKey]
    ) -> Iterator[ModuleClass]:
        """Those in whose text the pattern is found; all where an import hides a name."""
        everywhere, source = self.file.hides(pattern), self.file.source
        for item in self.items.values():
            if (self.file.path, item.qualname) in settled:
                continue
            if everywhere or self.file.parts.has_match(pattern, item.line):
                module = self._module_class(item)
                if everywhere or source.has(pattern, module.node):
                    yield module

    def _module_class(self, item: ClassIndex) -> ModuleClass:
        if item.qualname not in self._parsed:
            node = self.file.class_node(item)
            assert node is not None
            self._parsed[item.qualname] = ModuleClass(self.file, item, node)
        return self._parsed[item.qualname]

    def forget(self) -> None:
        for module in self._parsed.values():
            module.forget()


def _looks_like_module(item: ClassIndex) -> bool:
    return "forward" in item.methods


def _checked(
    transform: Transform,
    find: Callable[[], object],
    file: SourceFile,
    skips: Sequence[Suppression],
) -> Iterator[Found]:
    """The results of a transform, faults turned into TransformError, skipped places left out."""
    try:
        items = list(find())  # type: ignore[call-overload]
    except CodemodError:
        raise
    except Exception as error:
        raise TransformError(_fault(transform, error)) from error
    for item in items:
        if isinstance(item, Rewrite):
            fault = fault_of(item, file)
            if fault is not None:
                raise TransformError(f"{transform.name}: {item.summary!r} is no rewrite: {fault}")
            skipped = _is_skipped(item, file, skips)
        elif isinstance(item, Refusal):
            skipped = is_suppressed(skips, [item.line], transform.name)
        else:
            kind = type(item).__name__
            message = f"{transform.name}: find() yielded a {kind}, not a Rewrite or a Refusal"
            raise TransformError(message)
        if not skipped:
            yield item


def _is_skipped(rewrite: Rewrite, file: SourceFile, skips: Sequence[Suppression]) -> bool:
    """Whether a comment skips a site, or text that the rewrite replaces in whatever file."""
    sites = [site.line for site in rewrite.sites if site.path == file.path]
    if is_suppressed(skips, sites, rewrite.transform):
        return True
    for path in {edit.path for edit in rewrite.edits}:
        if path != file.path and "codemod:" not in file.project.text(path):
            continue
        other = file if path == file.path else load_file(file.project, path)
        found = skips if path == file.path else suppressions(other)
        replaced = [
            other.source.position(edit.start).line
            for edit in rewrite.edits
            if edit.path == path and edit.start < edit.end
        ]
        if is_suppressed(found, replaced, rewrite.transform):
            return True
    return False


def _fault(transform: Transform, error: Exception) -> str:
    """The innermost frame of the author's own code, else the innermost of all."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_OWN_CODE)]
    frame = (theirs or frames)[-1]
    kind = type(error).__name__
    return f"{transform.name}: {frame.filename}:{frame.lineno}: {kind}: {error}"
