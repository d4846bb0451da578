"""The project index: who is defined where, who inherits from whom, over all files."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from codemod.catalogue import canonical
from codemod.errors import SourceError
from codemod.semantics.index import ClassIndex, FileIndex
from codemod.semantics.instances import Values
from codemod.semantics.module_names import is_torch_module
from codemod.semantics.observers import Observer
from codemod.semantics.parts import Parts
from codemod.semantics.reach import Reach
from codemod.source.overlay import Overlay
from codemod.source.text import SourceText

_Found = TypeVar("_Found")
_Key = TypeVar("_Key")
ClassKey = tuple[str, str]  # path, qualified name within the file

# Module classes of other packages, by their public name: they behave as nn.Module subclasses do.
_KNOWN_MODULES = frozenset(
    {
        "lightning.LightningModule",
        "lightning.pytorch.LightningModule",
        "pytorch_lightning.LightningModule",
        "torch.jit.ScriptModule",
    }
)
_KEPT_TREES = 16
# Questions that begin so are about what no rewrite changes: what other code does with objects.
LASTING = "lasting "
_PLAIN = frozenset(sys.stdlib_module_names) | {"object"}


@dataclass(frozen=True, slots=True)
class Base:
    """A base class: one of the project (`key`), one of another package (`name`), or unknown."""

    key: ClassKey | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    path: str
    line: int

    @classmethod
    def at(cls, path: str, text: str, offset: int) -> Place:
        return cls(path, text.count("\n", 0, offset) + 1)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Project:
    """All files of one snapshot. `files` maps a path to its index."""

    overlay: Overlay
    files: Mapping[str, FileIndex]
    # The names in each configuration file.
    documents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    line_length: int = 88
    # Of files that rewrites changed: the limit that their lines kept to before all of them.
    line_limits: Mapping[str, int] = field(default_factory=dict)
    # Answers to questions about all files, by question and name: asked of many classes.
    answers: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)
    _found: dict[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict, repr=False)
    _lasting: dict[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict, repr=False)
    _sources: dict[str, SourceText] = field(default_factory=dict, repr=False)
    _class_texts: dict[ClassKey, str] = field(default_factory=dict, repr=False)
    _parts: dict[str, Parts] = field(default_factory=dict, repr=False)
    _modules: dict[str, str] = field(default_factory=dict, repr=False)
    _ancestors: dict[ClassKey, tuple[ClassKey, ...]] = field(default_factory=dict, repr=False)
    _descendants: dict[ClassKey, tuple[ClassKey, ...]] = field(default_factory=dict, repr=False)
    _is_module: dict[ClassKey, bool | None] = field(default_factory=dict, repr=False)
    _module_lines: dict[str, list[range]] = field(default_factory=dict, repr=False)

    # -- files by import name ------------------------------------------------------------------

    def take_over_names(self, other: Project) -> None:
        """Know what another project found out whose files define and import the same names."""
        found = vars(other)
        for name in (
            "_by_module",
            "import_heads",
            "bases",
            "subclasses",
            "protocols",
            "_generated",
        ):
            if name in found:
                vars(self)[name] = found[name]
        self._modules.update(other._modules)
        self._ancestors.update(other._ancestors)
        self._descendants.update(other._descendants)
        self._is_module.update(other._is_module)

    @cached_property
    def _by_module(self) -> dict[str, list[str]]:
        """Every dotted name by which a file might be imported, most complete names included."""
        found: dict[str, list[str]] = {}
        for path in self.files:
            parts = path[:-3].split("/")
            if parts[-1] == "__init__":
                parts.pop()
            for start in range(len(parts)):
                found.setdefault(".".join(parts[start:]), []).append(path)
        return found

    @cached_property
    def import_heads(self) -> frozenset[str]:
        """What the absolute name of a module of the project may begin with."""
        return frozenset(name.partition(".")[0] for name in self._by_module)

    def file_of(self, module: str, importer: str) -> str | None:
        """The project file that `module` names when `importer` imports it, if it can be told."""
        if module.startswith("/"):
            base = module[1:].replace(".", "/")
            candidates = (f"{base}.py", f"{base}/__init__.py" if base else "__init__.py")
            return next((path for path in candidates if path in self.files), None)
        candidates_found = self._by_module.get(module, [])
        if len(candidates_found) == 1:
            return candidates_found[0]
        if not candidates_found:
            return None
        whole = [path for path in candidates_found if self.module_of(path) == module]
        if len(whole) == 1:
            return whole[0]
        folder = importer.rpartition("/")[0]
        beside = [path for path in candidates_found if path.rpartition("/")[0] == folder]
        return beside[0] if len(beside) == 1 else None

    def module_of(self, path: str) -> str:
        """The dotted name from the topmost package's parent."""
        if path not in self._modules:
            self._modules[path] = self._find_module_of(path)
        return self._modules[path]

    def _find_module_of(self, path: str) -> str:
        parts = path[:-3].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        start = len(path.split("/")) - 1
        while start > 0 and "/".join([*path.split("/")[:start], "__init__.py"]) in self.files:
            start -= 1
        return ".".join(parts[start:])

    # -- names ---------------------------------------------------------------------------------

    def resolve(self, path: str, dotted: str) -> Base:
        """What a dotted file-level name of `path` stands for."""
        return self._resolve(path, dotted, frozenset())

    def _resolve(self, path: str, dotted: str, seen: frozenset[tuple[str, str]]) -> Base:
        if (path, dotted) in seen:
            return Base()
        seen = seen | {(path, dotted)}
        index = self.files.get(path)
        if index is None:
            return Base()
        head, _, rest = dotted.partition(".")
        bindings = index.bindings.get(head)
        if bindings is None:
            return self._resolve_star(index, dotted, seen)
        found = {self._resolve_binding(path, kind.kind, kind.target, head, rest, seen)
                 for kind in bindings}  # fmt: skip
        return found.pop() if len(found) == 1 else Base()

    def _resolve_binding(
        self,
        path: str,
        kind: str,
        target: str,
        head: str,
        rest: str,
        seen: frozenset[tuple[str, str]],
    ) -> Base:
        suffix = f".{rest}" if rest else ""
        if kind == "definition":
            key = (path, head + suffix)
            return Base(key=key) if key in self.classes else Base()
        if kind == "alias":
            step = (path, f"{head} = {target}")  # `env = env.unwrapped` leads to itself
            return Base() if step in seen else self._resolve(path, target + suffix, seen | {step})
        if kind == "import":
            return self._resolve_import(path, target + suffix, seen)
        return Base()

    def resolve_import(self, importer: str, dotted: str) -> Base:
        """What an absolute dotted name stands for, seen from `importer`."""
        return self._resolve_import(importer, dotted, frozenset())

    def _resolve_import(self, importer: str, dotted: str, seen: frozenset[tuple[str, str]]) -> Base:
        """Split an absolute dotted name into a project file and a name in it."""
        relative = dotted.startswith("/")
        parts = dotted[1:].split(".") if relative else dotted.split(".")
        for cut in range(len(parts), 0, -1):
            module = ".".join(parts[:cut])
            file = self.file_of(f"/{module}" if relative else module, importer)
            if file is None or (file == importer and cut == len(parts)):
                continue
            if cut == len(parts):
                return Base()  # a file, not a name in one
            return self._resolve(file, ".".join(parts[cut:]), seen)
        return Base() if relative else Base(name=canonical(dotted))

    def _resolve_star(
        self, index: FileIndex, dotted: str, seen: frozenset[tuple[str, str]]
    ) -> Base:
        for module in index.stars:
            if module in ("torch.nn", "torch.nn.functional", "torch"):
                return Base(name=canonical(f"{module}.{dotted}"))
            file = self.file_of(module, index.path)
            if file is not None:
                found = self._resolve(file, dotted, seen)
                if found != Base():
                    return found
        return Base()

    # -- classes -------------------------------------------------------------------------------

    @cached_property
    def classes(self) -> dict[ClassKey, ClassIndex]:
        return {
            (path, item.qualname): item
            for path, file in self.files.items()
            for item in file.classes
        }

    @cached_property
    def bases(self) -> dict[ClassKey, tuple[Base, ...]]:
        """The direct bases of each class, resolved."""
        return {key: self.bases_of(key[0], item) for key, item in self.classes.items()}

    def bases_of(self, path: str, item: ClassIndex) -> tuple[Base, ...]:
        """The direct bases of a class, as a file that stands at `path` means them."""
        return tuple(self._resolve_base((path, item.qualname), base) for base in item.bases)

    def _resolve_base(self, key: ClassKey, base: str | None) -> Base:
        if base is None:
            return Base()
        path, qualname = key
        if base.startswith("="):
            return self.resolve_import(path, base[1:])
        # A class nested beside this one is found before a file-level one.
        prefix = qualname.rpartition(".")[0]
        while prefix:
            candidate = (path, f"{prefix}.{base}")
            if candidate in self.classes and candidate != key:
                return Base(key=candidate)
            prefix = prefix.rpartition(".")[0]
        if base in ("object", "Exception"):
            return Base(name=base)
        return self.resolve(path, base)

    @cached_property
    def subclasses(self) -> dict[ClassKey, tuple[ClassKey, ...]]:
        """Direct subclasses in the project."""
        found: dict[ClassKey, list[ClassKey]] = {}
        for key, bases in self.bases.items():
            for base in bases:
                if base.key is not None:
                    found.setdefault(base.key, []).append(key)
        return {key: tuple(sorted(children)) for key, children in found.items()}

    @cached_property
    def names_in_modules(self) -> frozenset[str]:
        """What any class that may be a module gives its instances."""
        classes = self.classes.items()
        names = (item.names for key, item in classes if self.is_module(key) is not False)
        return frozenset().union(*names)

    def classes_with_attribute(self, name: str) -> tuple[ClassKey, ...]:
        """The classes whose own body gives NAME a value."""
        return tuple(self._classes_by_attribute.get(name, ()))

    @cached_property
    def _classes_by_attribute(self) -> dict[str, list[ClassKey]]:
        return _by_name((key, item.class_attributes) for key, item in self.classes.items())

    @cached_property
    def protocols(self) -> tuple[ClassKey, ...]:
        """The classes that say what others look like."""
        return tuple(
            key
            for key, bases in self.bases.items()
            if any(base.name in ("typing.Protocol", "typing_extensions.Protocol") for base in bases)
        )

    def ancestors(self, key: ClassKey) -> tuple[ClassKey, ...]:
        """All project classes that `key` inherits from, nearest first."""
        if key not in self._ancestors:
            self._ancestors[key] = self._closure(
                key, lambda one: [base.key for base in self.bases[one] if base.key]
            )
        return self._ancestors[key]

    def descendants(self, key: ClassKey) -> tuple[ClassKey, ...]:
        """All project classes that inherit from `key`, nearest first.

        A file that is generated from another holds twins of its classes: who inherits from the
        twin inherits from what the class will be.
        """
        if key not in self._descendants:
            self._descendants[key] = self._closure(
                key,
                lambda one: [
                    child
                    for same in self._with_twins(one)
                    for child in self.subclasses.get(same, ())
                ],
            )
        return self._descendants[key]

    def generated_from(self, path: str) -> tuple[str, ...]:
        """The files whose header says that they are generated from this one."""
        return tuple(self._generated.get(path, ()))

    @cached_property
    def _generated(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, file in self.files.items():
            match = re.search(r"([\w/.-]+\.py)\b", file.generated or "")
            if match is None:
                continue
            name = match.group(1).rpartition("/")[2]
            source = "/".join([*path.split("/")[:-1], name])
            if source in self.files and source != path:
                found.setdefault(source, []).append(path)
        return found

    def _with_twins(self, key: ClassKey) -> list[ClassKey]:
        twins = [(path, key[1]) for path in self.generated_from(key[0])]
        return [key, *(twin for twin in twins if twin in self.classes)]

    def _closure(
        self, key: ClassKey, step: Callable[[ClassKey], Iterable[ClassKey]]
    ) -> tuple[ClassKey, ...]:
        found: dict[ClassKey, None] = {}
        queue = [key]
        while queue:
            for item in step(queue.pop(0)):
                if item not in found and item != key:
                    found[item] = None
                    queue.append(item)
        return tuple(found)

    def is_module(self, key: ClassKey) -> bool | None:
        """Whether a class is an nn.Module subclass; None where a base cannot be told."""
        if key not in self._is_module:
            self._is_module[key] = self._find_is_module(key)
        return self._is_module[key]

    def is_in_module_class(self, path: str, line: int) -> bool:
        """Whether a line (1-based) stands in a module class, below its head."""
        if path not in self._module_lines:
            self._module_lines[path] = [
                range(item.line + 1, item.end_line + 1)
                for item in self.files[path].classes
                if self.is_module((path, item.qualname))
            ]
        return any(line in lines for lines in self._module_lines[path])

    def _find_is_module(self, key: ClassKey) -> bool | None:
        answer: bool | None = False
        for one in (key, *self.ancestors(key)):
            for base in self.bases[one]:
                known = self._is_module_base(base)
                if known:
                    return True
                if known is None:
                    answer = None
        return answer

    def _is_module_base(self, base: Base) -> bool | None:
        if base.key is not None:
            return False  # its own bases are asked in turn
        if base.name is None:
            return None
        if base.name in _KNOWN_MODULES or is_torch_module(base.name):
            return True
        return False if base.name.partition(".")[0] in _PLAIN else None

    def has_unknown_base(self, key: ClassKey) -> bool:
        """Whether an expression that cannot be resolved to any name stands among the bases."""
        return any(
            base == Base() for one in (key, *self.ancestors(key)) for base in self.bases[one]
        )

    # -- uses ----------------------------------------------------------------------------------

    @cached_property
    def reach(self) -> Reach:
        return Reach(self)

    @cached_property
    def values(self) -> Values:
        return Values(self)

    @cached_property
    def observers(self) -> tuple[tuple[str, Observer], ...]:
        """What looks at modules from outside, with its path."""
        return tuple((path, one) for path, file in self.files.items() for one in file.observers)

    def remembered(
        self, question: str, name: str, answer: Callable[[], Iterable[_Found]]
    ) -> tuple[_Found, ...]:
        """The answer to a question about all files: asked for many classes, found once."""
        key = (question, name)
        if key not in self._found:
            self.learn({key: tuple(answer())})
        return self._found[key]

    @property
    def answered(self) -> Mapping[tuple[str, str], tuple[Any, ...]]:
        """What is remembered."""
        return self._found

    @property
    def lasting_answers(self) -> Mapping[tuple[str, str], tuple[Any, ...]]:
        """What is remembered of questions that begin with `LASTING`."""
        return self._lasting

    def learn(self, answers: Mapping[tuple[str, str], tuple[Any, ...]]) -> None:
        """Remember what another process was answered."""
        self._found.update(answers)
        self._lasting.update(
            (key, found) for key, found in answers.items() if key[0].startswith(LASTING)
        )

    def answers_about(self, paths: Container[str]) -> dict[tuple[str, str], tuple[Any, ...]]:
        """What is remembered of single files, of those that are among `paths`."""
        return {key: found for key, found in self._found.items() if key[1] in paths}

    @cached_property
    def assigned_outside(self) -> frozenset[str]:
        """NAME of every `x.NAME = ...` in the project where x is not `self`."""
        return frozenset().union(*(file.outside_assigned for file in self.files.values()))

    @cached_property
    def _files_by_attribute(self) -> dict[str, list[str]]:
        return _by_name((path, file.outside_attributes) for path, file in self.files.items())

    @cached_property
    def _files_by_string(self) -> dict[str, list[str]]:
        """Files by each part of the dotted strings that they hold."""
        return _by_name((path, _parts_of(file.strings)) for path, file in self.files.items())

    @cached_property
    def _documents_by_name(self) -> dict[str, list[str]]:
        return _by_name((path, _parts_of(names)) for path, names in self.documents.items())

    def documents_with(self, name: str) -> tuple[str, ...]:
        """Configuration files in which NAME stands, alone or between dots."""
        return tuple(self._documents_by_name.get(name, ()))

    def files_with_attribute(self, name: str) -> tuple[str, ...]:
        """Files that hold `x.NAME` where x is not `self`."""
        return tuple(self._files_by_attribute.get(name, ()))

    @cached_property
    def _files_by_binding(self) -> dict[str, list[str]]:
        return _by_name((path, file.bindings) for path, file in self.files.items())

    @cached_property
    def _files_by_star(self) -> dict[str, list[str]]:
        return _by_name((path, file.stars) for path, file in self.files.items())

    def files_binding(self, name: str) -> tuple[str, ...]:
        """Files in which a file-level name NAME stands for something."""
        return tuple(self._files_by_binding.get(name, ()))

    def files_with_star(self, module: str) -> tuple[str, ...]:
        """Files that import everything from a module."""
        return tuple(self._files_by_star.get(module, ()))

    def files_with_string(self, name: str) -> tuple[str, ...]:
        """Files that hold a string in which NAME stands, alone or between dots."""
        return tuple(self._files_by_string.get(name, ()))

    @cached_property
    def _import_targets(self) -> frozenset[str]:
        """The last two parts of everything that is imported from anywhere."""
        return frozenset(
            ".".join(binding.target.lstrip("/").split(".")[-2:])
            for file in self.files.values()
            for found in file.bindings.values()
            for binding in found
            if binding.kind == "import"
        )

    @cached_property
    def _star_imported(self) -> frozenset[str]:
        return frozenset(
            module.rpartition(".")[2].lstrip("/")
            for file in self.files.values()
            for module in file.stars
        )

    def is_imported_from(self, path: str, name: str) -> bool:
        """Whether some file may take `name` from the file at `path`."""
        stem = path[:-3].rpartition("/")[2]
        exports = self.files[path].exports
        by_star = stem in self._star_imported and (not exports or name in exports)
        return by_star or f"{stem}.{name}" in self._import_targets

    def text(self, path: str) -> str:
        """The text of a file for word searches; decoding errors replaced."""
        return self._source(path).text

    def _source(self, path: str) -> SourceText:
        if path not in self._sources:
            try:
                text = self.overlay.read(path).decode("utf-8-sig", "replace")
            except SourceError:
                text = ""
            self._sources[path] = SourceText(path, text)
        return self._sources[path]

    def parts(self, path: str) -> Parts:
        """The syntax tree of a file, whose offsets are those of `text`. A few are kept."""
        if path not in self._parts:
            if len(self._parts) == _KEPT_TREES:
                del self._parts[next(iter(self._parts))]
            self._parts[path] = Parts(self._source(path), self.files[path].outline)
        return self._parts[path]

    def class_text(self, key: ClassKey) -> str:
        """The lines of a class."""
        if key not in self._class_texts:
            item = self.classes[key]
            self._class_texts[key] = self._source(key[0]).lines(item.line, item.end_line)
        return self._class_texts[key]

    def line_at(self, path: str, offset: int) -> int:
        """The line (1-based) of an offset in the text of a file."""
        return bisect_right(self._source(path).line_starts, offset)

    def mentions(self, name: str, pattern: re.Pattern[str]) -> Iterator[Place]:
        """Where `pattern` is found, once a file, in files that use the attribute NAME."""
        for path in self.files_with_attribute(name):
            match = pattern.search(self.text(path))
            if match:
                yield Place.at(path, self.text(path), match.start())


def _by_name(named: Iterable[tuple[_Key, Iterable[str]]]) -> dict[str, list[_Key]]:
    """What has each name."""
    found: dict[str, list[_Key]] = {}
    for key, names in named:
        for name in names:
            found.setdefault(name, []).append(key)
    return found


def _parts_of(dotted: Iterable[str]) -> set[str]:
    """`a`, `b` and `c` of `a.b` and `b.c`."""
    return {part for one in dotted for part in one.split(".")}
