"""What will be asked of all files about the layers that the classes of some files hold.

Every process would ask it anew for the names that many classes give their layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from codemod.catalogue import PAIRS
from codemod.editing.markers import any_class
from codemod.editing.name_sweeps import name_sweeps_in
from codemod.editing.named import strings_with
from codemod.editing.object_uses import layer_uses_in, lookups_in
from codemod.editing.type_sweeps import read_for_sweeps
from codemod.semantics.project import Project

Question = Callable[[Project], object]

# The answers that are worth sending to other processes: the rest is on the way to them.
_SENT = (
    "layer-uses ", "lookups ", "strings ", "name-sweeps",
    "type-sweeps ", "types-by-name", "type-attributes ",
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
    """Which modules the code of one file asks for by name, and which layers by these kinds."""

    path: str
    kinds: tuple[str, ...]

    def __call__(self, project: Project) -> None:
        name_sweeps_in(project, self.path)
        read_for_sweeps(project, self.path, self.kinds)


def is_sent(question: str) -> bool:
    """Whether the answer to a question goes to other processes."""
    return question.startswith(_SENT)


def questions_about_layers(project: Project, paths: Iterable[str]) -> Iterator[Question]:
    """The questions about attributes of `paths` that hold a layer of the catalogue, by the text.

    Asked is the code of the same package, or folder: other code may never meet the class.
    """
    kinds: set[str] = set()
    names: dict[str, set[str]] = {}
    for path in paths:
        file = project.files[path]
        if _KINDS.isdisjoint(file.outside_attributes) and _KINDS.isdisjoint(file.bindings):
            continue
        for name, kind in _HOLDS.findall(project.text(path)):
            kinds.add(kind)
            names.setdefault(_home(project, path), set()).add(name)
    sorted_kinds = tuple(sorted(kinds))
    yield from (_SweepsIn(path, sorted_kinds) for path in (project.files if kinds else ()))
    users: dict[str, set[str]] = {}
    for home, found in names.items():
        for name in found:
            for path in (*project.files_with_attribute(name), *project.files_with_string(name)):
                if _home(project, path) == home:
                    users.setdefault(path, set()).add(name)
    yield from (_UsesIn(path, tuple(sorted(found))) for path, found in sorted(users.items()))


def _home(project: Project, path: str) -> str:
    """The package that a file belongs to; the folder of a file of none."""
    package, dot, _ = project.module_of(path).partition(".")
    return package if dot else f"{path.rpartition('/')[0]}/"
