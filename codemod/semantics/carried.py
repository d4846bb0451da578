"""What a project knows of its names still holds where a rewrite left them as they were.

Who inherits from whom and who imports whom hang on what files define, import and name in strings,
not on the code between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from codemod.semantics.index import FileIndex
from codemod.semantics.project import Project


def carry(before: Project, after: Project, changed: Collection[str]) -> None:
    """Let `after`, in which some files changed, take over what it would find out again."""
    after.learn(before.answers_about(before.files.keys() - changed))
    after.learn(before.lasting_answers)
    if all(_offers_the_same(before, after, path) for path in changed):
        after.take_over_names(before)
        if before.reach.is_known and all(
            before.reach.imports(path) == after.reach.imports(path) for path in changed
        ):
            after.reach.take_over(before.reach)


def _offers_the_same(before: Project, after: Project, path: str) -> bool:
    """Whether other files get the same from a file: names that stand for what the project defines,
    and classes with the same bases.

    A name of another package, as of `import torch.nn.functional as F`, may come or go: who imports
    it from here keeps it in its place.
    """
    old, new = before.files[path], after.files[path]
    rebound = _rebound(old, new)
    return (
        not path.endswith("__init__.py")
        and (old.stars, old.generated) == (new.stars, new.generated)
        and not any(_is_of_project(before, file, name) for file in (old, new) for name in rebound)
        and _named_bases(old) == _named_bases(new)
        and (rebound.isdisjoint(_heads(new)) or _bases(before, old) == _bases(after, new))
    )


def _rebound(old: FileIndex, new: FileIndex) -> frozenset[str]:
    """The names that two states of a file bind differently."""
    return frozenset(
        name
        for name in old.bindings.keys() | new.bindings.keys()
        if old.bindings.get(name) != new.bindings.get(name)
    )


def _is_of_project(project: Project, file: FileIndex, name: str) -> bool:
    """Whether a name stands for what the project defines."""
    return any(
        one.kind != "import" or project.reach.homes(file.path, one.target)
        for one in file.bindings.get(name, ())
    )


def _named_bases(file: FileIndex) -> Sequence[object]:
    return [(one.qualname, one.bases) for one in file.classes]


def _heads(file: FileIndex) -> Iterator[str]:
    """The names that the bases of a file's classes may hang on, through aliases as well."""
    bases = (base for one in file.classes for base in one.bases if base)
    bindings = chain.from_iterable(file.bindings.values())
    aliased = (one.target for one in bindings if one.kind == "alias")
    return (dotted.partition(".")[0] for dotted in chain(bases, aliased))


def _bases(project: Project, file: FileIndex) -> Sequence[object]:
    return [project.bases_of(file.path, one) for one in file.classes]
