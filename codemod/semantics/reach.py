"""Which code may ever hold an instance of which class: by who imports whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from codemod.semantics.index import FileIndex
from codemod.semantics.mentions import chains, code_of

if TYPE_CHECKING:
    from codemod.semantics.project import ClassKey, Project


@dataclass
class Reach:
    """Import relations of one project; what was found is remembered.

    A file imports the files that define the names that it takes, whatever they are re-exported
    through: from its own package's `__init__.py` by what it reads of it (`pkg.ops.nms`), and all
    that this imports where it hands the package on. A file outside of a package that imports it
    sees all that its `__init__.py` imports. A string, or a configuration file, that names a class
    of the project imports it.
    """

    project: Project
    # Sets of files are bits of a number: there are as many sets as files.
    _users: dict[str, int] = field(default_factory=dict)
    _bits: dict[str, int] = field(default_factory=dict)
    _inits: list[str] = field(default_factory=list)  # the `__init__.py` that have bits
    _homes_of_target: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    _doing_more: dict[str, bool] = field(default_factory=dict)
    # Each `__init__.py`, with a file that takes all that it imports.
    _whole_packages: set[tuple[str, str]] = field(default_factory=set)
    _imports: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _homes_of_key: dict[ClassKey, tuple[str, ...]] = field(default_factory=dict)
    _places: dict[str, tuple[str, str, bool]] = field(default_factory=dict)
    _code: dict[str, str] = field(default_factory=dict)  # of the file that was asked about last

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
        homes = (home for target in targets for home in self.homes(path, target))
        return tuple(dict.fromkeys(homes))

    def imports(self, path: str) -> tuple[str, ...]:
        """The files that a file takes a name from directly."""
        if path not in self._imports:
            self._imports[path] = tuple(dict.fromkeys(self._imported(path)))
        return self._imports[path]

    @property
    def is_known(self) -> bool:
        """Whether anybody has asked who imports whom."""
        return "_importers" in vars(self)

    def find_out(self) -> None:
        """Find out about all files what will be asked about most."""
        for path in self.project.files:
            self._users_of(path)

    def take_over(self, other: Reach) -> None:
        """Know what was found out about another project whose files import the same."""
        vars(self)["_importers"] = other._importers
        self._users.update(other._users)
        self._imports.update(other._imports)
        self._bits.update(other._bits)
        self._inits[:] = other._inits
        self._homes_of_target.update(other._homes_of_target)
        self._doing_more.update(other._doing_more)
        self._whole_packages.update(other._whole_packages)

    def _homes_of_class(self, key: ClassKey) -> tuple[str, ...]:
        if key not in self._homes_of_key:
            homes = (key[0], *(child[0] for child in self.project.descendants(key)))
            self._homes_of_key[key] = tuple(dict.fromkeys(homes))
        return self._homes_of_key[key]

    def _is_beside(self, path: str, home: str) -> bool:
        folder, package, _ = self._place(path)
        its_folder, its_package, in_package = self._place(home)
        return folder == its_folder or (in_package and package == its_package)

    def _place(self, path: str) -> tuple[str, str, bool]:
        """The folder and the package of a file; whether it is within the package."""
        if path not in self._places:
            package, dot, _ = self.project.module_of(path).partition(".")
            self._places[path] = (path.rpartition("/")[0], package, bool(dot))
        return self._places[path]

    def _is_common(self, users: int, path: str, home: str) -> bool:
        if users & (self._bit(path) | self._bit(home)):
            return True
        if not users:
            return False
        inits = [one for one in self._inits if users & self._bits[one]]
        return len(inits) < users.bit_count() or any(self._does_more(one) for one in inits)

    def _bit(self, path: str) -> int:
        if path not in self._bits:
            self._bits[path] = 1 << len(self._bits)
            if path.endswith("__init__.py"):
                self._inits.append(path)
        return self._bits[path]

    def _does_more(self, path: str) -> bool:
        """Whether an `__init__.py` does more than to re-export: it defines something, and that
        uses what is imported."""
        if path not in self._doing_more:
            self._doing_more[path] = self._uses_imports(path)
        return self._doing_more[path]

    def _uses_imports(self, path: str) -> bool:
        file = self.project.files[path]
        bound = file.bindings.items()
        if not any(item.kind == "definition" for _, found in bound for item in found):
            return False
        if file.stars or file.local_imports:
            return True
        code = code_of("".join(self.project.parts(path).texts_of_definitions()))
        return any(
            next(chains(code, name), None) is not None
            for name, found in bound
            if any(item.kind == "import" and self.homes(path, item.target) for item in found)
        )

    def _users_of(self, path: str) -> int:
        """The file, and those that may get what it defines."""
        if path not in self._users:
            found, queue = 0, [path]
            while queue:
                one = queue.pop()
                if found & self._bit(one):
                    continue  # and all its users are there
                found |= self._users.get(one, self._bit(one))
                if one not in self._users:
                    users = self._importers.get(one, ())
                    queue += [user for user in users if self._passes_on(one, user)]
            self._users[path] = found
        return self._users[path]

    def _passes_on(self, path: str, user: str) -> bool:
        """Whether who takes a name of a file may get what that file imports along with it."""
        return (
            not path.endswith("__init__.py")
            or self._does_more(path)
            or (path, user) in self._whole_packages
        )

    @cached_property
    def _importers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.project.files:
            for target in self.imports(path):
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
        files, package = self.project.files, self._package_of(path)
        file = files[path]
        yield from self._named(file.strings - file.exports)
        for name, target in _targets(file):
            homes = self.homes(path, target)
            bound = any(target.rpartition(".")[2] in files[home].bindings for home in homes)
            for home in homes:
                if home == path:
                    continue
                if self._package_of(home) != package:
                    self._whole_packages.add((home, path))
                    yield home
                    for init in self._outermost_init(home):
                        self._whole_packages.add((init, path))
                        yield init
                elif home.endswith("__init__.py"):
                    yield from self._read_of_package(path, name, target, home, bound=bound)
                else:
                    yield home

    def _read_of_package(
        self, path: str, name: str, target: str, init: str, *, bound: bool
    ) -> Iterator[str]:
        """What a file takes from an `__init__.py` that it gets under a name ("": all of it), or
        from which it gets the name; `bound`: one that it is got from says what the name is."""
        if self.project.file_of(target, path) != init:
            if not bound:
                self._whole_packages.add((init, path))
            yield init
            return
        for chain in self._read_of(path, name):
            read = target + chain
            homes = self.homes(path, read) or (init,)
            is_known = chain and chain.split(".")[1] in self.project.files[init].bindings
            for home in homes:
                if self.project.file_of(read, path) == home or (home == init and not is_known):
                    self._whole_packages.add((home, path))
                yield home

    def _read_of(self, path: str, name: str) -> Iterable[str]:
        """`.ops.nms` for what a file reads of the package of a name; "" for all of it."""
        if not name or path.endswith("__init__.py") or self._is_read_through(path, name):
            return ("",)
        if path not in self._code:
            self._code.clear()
            self._code[path] = code_of(self.project.text(path))
        return dict.fromkeys(chains(self._code[path], name)) or ("",)

    def _is_read_through(self, path: str, name: str) -> bool:
        """Whether other files get a package from a file that imports it: `api.models`."""
        read = f"{path.removesuffix('.py').rpartition('/')[2]}.{name}"
        return any(
            read in self.project.text(other) for other in self.project.files_with_attribute(name)
        )

    @cached_property
    def _class_homes(self) -> dict[str, set[str]]:
        """Files by the names of the classes that they define."""
        found: dict[str, set[str]] = {}
        for path, qualname in self.project.classes:
            found.setdefault(qualname.rpartition(".")[2], set()).add(path)
        return found

    def _package_of(self, path: str) -> str:
        return self._place(path)[1]

    def _outermost_init(self, path: str) -> Iterator[str]:
        parts = path.split("/")
        inits = ("/".join([*parts[:count], "__init__.py"]) for count in range(1, len(parts)))
        yield from islice((init for init in inits if init in self.project.files), 1)

    def homes(self, importer: str, target: str) -> tuple[str, ...]:
        """The files that define what an import target names, behind all re-exports.

        One answer for all files of a folder, to which the same name is the same.
        """
        is_relative = target.startswith("/")
        if not is_relative and target.partition(".")[0] not in self.project.import_heads:
            return ()
        key = ("" if is_relative else importer.rpartition("/")[0], target)
        if key not in self._homes_of_target:
            self._homes_of_target[key] = tuple(self._find_homes(importer, target))
        return self._homes_of_target[key]

    def _find_homes(self, importer: str, target: str) -> Iterator[str]:
        """Packages whose files import each other's names in circles are gone through once."""
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


def _targets(file: FileIndex) -> Iterator[tuple[str, str]]:
    """What a file imports, and the name that it has there; "" where there are many or none."""
    for name, bindings in file.bindings.items():
        yield from ((name, one.target) for one in bindings if one.kind == "import")
    yield from (("", target) for target in (*file.stars, *file.local_imports))
