"""Which code may ever hold an instance of which class: by who imports whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from codemod.semantics.index import FileIndex

if TYPE_CHECKING:
    from codemod.semantics.project import ClassKey, Project


@dataclass
class Reach:
    """Import relations of one project; what was found is remembered.

    A file imports the files that define the names that it takes, whatever they are re-exported
    through. A file outside of a package that imports it sees all that its `__init__.py` imports.
    A string, or a configuration file, that names a class of the project imports it.
    """

    project: Project
    _users: dict[str, frozenset[str]] = field(default_factory=dict)
    _homes_of_target: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def may_meet(self, path: str, key: ClassKey) -> bool:
        """Whether code of `path` may be given an instance of the class or of a subclass.

        It may if both belong to one package, for whose users they are, or to one folder.
        """
        homes = self._homes_of_class(key)
        return any(self._is_beside(path, home) for home in homes) or self.may_hold(path, key)

    def may_hold(self, path: str, key: ClassKey) -> bool:
        """Whether some file of the project uses both, directly or through others."""
        here = self._users_of(path)
        return any(
            self._is_common(here & self._users_of(home), path, home)
            for home in self._homes_of_class(key)
        )

    def importers(self, path: str) -> tuple[str, ...]:
        """The files that take a name from the file directly."""
        return tuple(user for user in self._importers.get(path, ()) if user in self.project.files)

    def defining(self, path: str, name: str) -> tuple[str, ...]:
        """The files that define what a file imports under a name."""
        bindings = self.project.files[path].bindings.get(name, ())
        targets = [item.target for item in bindings if item.kind == "import"]
        homes = (home for target in targets for home in self._homes_from(path, target))
        return tuple(dict.fromkeys(homes))

    def _homes_of_class(self, key: ClassKey) -> set[str]:
        return {key[0], *(child[0] for child in self.project.descendants(key))}

    def _is_beside(self, path: str, home: str) -> bool:
        if path.rpartition("/")[0] == home.rpartition("/")[0]:
            return True
        in_package = "." in self.project.module_of(home)
        return in_package and self._package_of(path) == self._package_of(home)

    def _is_common(self, users: Iterable[str], path: str, home: str) -> bool:
        return any(
            user in (path, home) or not user.endswith("__init__.py") or self._does_more(user)
            for user in users
        )

    def _does_more(self, path: str) -> bool:
        """Whether an `__init__.py` does more than to re-export: it defines something."""
        bindings = self.project.files[path].bindings.values()
        return any(item.kind == "definition" for found in bindings for item in found)

    def _users_of(self, path: str) -> frozenset[str]:
        if path not in self._users:
            found = {path}
            queue = [path]
            while queue:
                for user in self._importers.get(queue.pop(), ()):
                    if user not in found:
                        found.add(user)
                        queue.append(user)
            self._users[path] = frozenset(found)
        return self._users[path]

    @cached_property
    def _importers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.project.files:
            for target in dict.fromkeys(self._imported(path)):
                found.setdefault(target, []).append(path)
        for path, names in self.project.documents.items():
            for target in dict.fromkeys(self._named(names)):
                found.setdefault(target, []).append(path)
        return found

    def _named(self, names: Iterable[str]) -> Iterator[str]:
        """The files that define the classes of these names, dotted or not."""
        for name in names:
            yield from self._class_homes.get(name.rpartition(".")[2], ())

    def _imported(self, path: str) -> Iterator[str]:
        file, package = self.project.files[path], self._package_of(path)
        yield from self._named(file.strings - file.exports)
        for target in _targets(file):
            for home in self._homes_from(path, target):
                if home == path:
                    continue
                yield home
                if self._package_of(home) != package:
                    yield from self._outermost_init(home)

    @cached_property
    def _class_homes(self) -> dict[str, set[str]]:
        """Files by the names of the classes that they define."""
        found: dict[str, set[str]] = {}
        for path, qualname in self.project.classes:
            found.setdefault(qualname.rpartition(".")[2], set()).add(path)
        return found

    def _package_of(self, path: str) -> str:
        return self.project.module_of(path).partition(".")[0]

    def _outermost_init(self, path: str) -> Iterator[str]:
        parts = path.split("/")
        inits = ("/".join([*parts[:count], "__init__.py"]) for count in range(1, len(parts)))
        yield from islice((init for init in inits if init in self.project.files), 1)

    def _homes_from(self, importer: str, target: str) -> tuple[str, ...]:
        """As `_homes`: one answer for all files of a folder, to which the same name is the same."""
        key = ("" if target.startswith("/") else importer.rpartition("/")[0], target)
        if key not in self._homes_of_target:
            self._homes_of_target[key] = tuple(self._homes(importer, target))
        return self._homes_of_target[key]

    def _homes(self, importer: str, target: str) -> Iterator[str]:
        """The files that define what an import target names, behind all re-exports.

        Packages whose files import each other's names in circles are gone through once.
        """
        seen = {(importer, target)}
        queue = [(importer, target)]
        while queue:
            for found in self._behind(*queue.pop()):
                if isinstance(found, str):
                    yield found
                elif found not in seen:
                    seen.add(found)
                    queue.append(found)

    def _behind(self, importer: str, target: str) -> Iterator[str | tuple[str, str]]:
        """Files that define what is named, and the imports, by file, that may lead to others."""
        lead, dotted = ("/", target[1:]) if target.startswith("/") else ("", target)
        parts = dotted.split(".")
        for cut in range(len(parts), 0, -1):
            file = self.project.file_of(lead + ".".join(parts[:cut]), importer)
            if file is None:
                continue
            if cut == len(parts):
                yield file
            else:
                yield from self._behind_name(file, parts[cut])
            return

    def _behind_name(self, file: str, name: str) -> Iterator[str | tuple[str, str]]:
        index = self.project.files[file]
        bindings = index.bindings.get(name)
        if bindings is None:
            yield file
            yield from ((file, f"{star}.{name}") for star in index.stars)
            return
        for binding in bindings:
            yield (file, binding.target) if binding.kind == "import" else file


def _targets(file: FileIndex) -> Iterator[str]:
    for bindings in file.bindings.values():
        yield from (binding.target for binding in bindings if binding.kind == "import")
    yield from file.stars
    yield from file.local_imports
