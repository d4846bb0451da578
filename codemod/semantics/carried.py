"""What a project knows of its names still holds where a rewrite left them as they were.

Who inherits from whom and who imports whom hang on what files define, import and name in strings,
not on the code between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from codemod.semantics.index import Binding, FileIndex
from codemod.semantics.project import Project


def carry(before: Project, after: Project, changed: Collection[str]) -> None:
    """Let `after`, in which some files changed, take over what it would find out again."""
    after.learn(before.answers_about(before.files.keys() - changed))
    after.learn(before.lasting_answers())
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
    return (
        not path.endswith("__init__.py")
        and (old.stars, old.generated) == (new.stars, new.generated)
        and _offered(before, old) == _offered(before, new)
        and _based(before, old) == _based(after, new)
    )


def _based(project: Project, file: FileIndex) -> Sequence[object]:
    return [(one.qualname, one.bases, project.bases_of(file.path, one)) for one in file.classes]


def _offered(project: Project, file: FileIndex) -> Mapping[str, tuple[Binding, ...]]:
    return {
        name: found
        for name, found in file.bindings.items()
        if any(one.kind != "import" or project.reach.homes(file.path, one.target) for one in found)
    }
