"""What will be asked of all files about the layers that come or go in the classes of some files.

Every process would ask it anew for the names that many classes give their layers.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from codemod.catalogue import PAIRS
from codemod.editing.markers import any_class
from codemod.editing.name_sweeps import child_sweeps_in, name_sweeps_in
from codemod.editing.named import strings_with
from codemod.editing.object_uses import layer_uses_in, lookups_in
from codemod.editing.shown import texts_in
from codemod.editing.type_sweeps import Asked, askers_of, read_for_sweeps
from codemod.semantics.project import Project


class Question(Protocol):
    """What is asked of one file."""

    @property
    def path(self) -> str: ...

    def __call__(self, project: Project) -> None: ...


# The answers that are worth sending to other processes: the rest is on the way to them.
_SENT = (
    "layer-uses ", "lookups ", "strings ", "name-sweeps",
    "type-sweeps ", "types-by-name", "type-settings ",
    "types-looked-up", "shown", "kept-types",
)  # fmt: skip
_KINDS = frozenset(
    pair.module.rpartition(".")[2] for pair in PAIRS if pair.group != "normalization"
)
_HOLDS = re.compile(rf"self\.(\w+)\s*(?::[^=\n]+)?=\s*[\w.]*?({any_class(_KINDS)})\(")


@dataclass(frozen=True)
class _UsesIn:
    """What the code of one file does with attributes of these names."""

    path: str
    names: tuple[str, ...]

    def __call__(self, project: Project) -> None:
        for name in self.names:
            if self.path in project.files_with_attribute(name):
                layer_uses_in(project, self.path, name)
            if self.path in project.files_with_string(name):
                lookups_in(project, self.path, name)
                strings_with(project, self.path, name)


@dataclass(frozen=True)
class _SweepsIn:
    """Which modules the code of one file asks for by name, and which layers otherwise.

    `held`: by the names, too, that layers have, not by those alone that they will get.
    """

    path: str
    asked: Asked
    held: bool

    def __call__(self, project: Project) -> None:
        (name_sweeps_in if self.held else child_sweeps_in)(project, self.path)
        read_for_sweeps(project, self.path, self.asked)
        texts_in(project, self.path)


def is_sent(question: str) -> bool:
    """Whether the answer to a question goes to other processes."""
    return question.startswith(_SENT)


@dataclass(frozen=True)
class Held:
    """The kinds of layer, `ReLU`, that classes hold, and the names that they give them, by the
    package or folder of the class: other code may never meet it."""

    kinds: frozenset[str]
    names: Mapping[str, Set[str]]


def layers_held(project: Project, paths: Iterable[str]) -> Held:
    """The attributes of `paths` that hold a layer of the catalogue, by the text."""
    kinds: set[str] = set()
    names: dict[str, set[str]] = {}
    for path in paths:
        file = project.files[path]
        if _KINDS.isdisjoint(file.outside_attributes) and _KINDS.isdisjoint(file.bindings):
            continue
        for name, kind in _HOLDS.findall(project.text(path)):
            kinds.add(kind)
            names.setdefault(_home(project, path), set()).add(name)
    return Held(frozenset(kinds), names)


def layers_made(
    project: Project, paths: Container[str], markers: Sequence[re.Pattern[str]]
) -> frozenset[str]:
    """The kinds of layer that calls of functionals in `paths` may become, by the text, where
    `markers` find such a call."""
    made: set[str] = set()
    for pair in PAIRS:
        names = sorted(pair.functional_names)
        wanted = [one for one in names if any(mark.search(f".{one}(") for mark in markers)]
        if any(_is_called(project, paths, name) for name in wanted):
            made.add(pair.module.rpartition(".")[2])
    return frozenset(made)


def _is_called(project: Project, paths: Container[str], name: str) -> bool:
    calls = [f"{home}.{name}(" for home in ("F", "functional", "torch")]
    return any(
        path in paths and any(call in project.text(path) for call in calls)
        for path in project.files_with_attribute(name)
    )


def questions_about_uses(project: Project, held: Held) -> Iterator[Question]:
    """What other code does with the attributes that hold layers."""
    users: dict[str, set[str]] = {}
    for home, found in held.names.items():
        for name in found:
            for path in (*project.files_with_attribute(name), *project.files_with_string(name)):
                if _home(project, path) == home:
                    users.setdefault(path, set()).add(name)
    yield from (_UsesIn(path, tuple(sorted(found))) for path, found in sorted(users.items()))


def questions_about_sweeps(
    project: Project, kinds: Iterable[str], *, held: bool
) -> Iterator[Question]:
    """Who looks for layers of these kinds, or for modules by their names."""
    wanted = sorted(kinds)
    found = askers_of(project, wanted) if wanted else {}
    yield from (_SweepsIn(path, asked, held) for path, asked in found.items())


def _home(project: Project, path: str) -> str:
    """The package that a file belongs to; the folder of a file of none."""
    package, dot, _ = project.module_of(path).partition(".")
    return package if dot else f"{path.rpartition('/')[0]}/"
