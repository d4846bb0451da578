"""Which other classes of a project run a class: its subclasses, and the models that hold it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from codemod.semantics.project import ClassKey, Project


@dataclass
class Relations:
    """Asked for many classes of one project; what was read is remembered."""

    project: Project
    _holders: dict[str, tuple[ClassKey, ...]] = field(default_factory=dict)

    def runners(self, key: ClassKey, most: int = 3) -> tuple[ClassKey, ...]:
        """Subclasses first, then modules that construct the class or a subclass of it, then
        those that construct these."""
        subclasses = self.project.descendants(key)
        holders: dict[ClassKey, None] = {}
        for one in (key, *subclasses):
            for holder in self._constructing(one):
                if holder != key and holder not in subclasses:
                    holders[holder] = None
        outer = dict.fromkeys(
            further
            for holder in list(holders)[:most]
            for further in self._constructing(holder)
            if further not in holders and further != key and further not in subclasses
        )
        return (*subclasses[:most], *list(holders)[:most], *list(outer)[:most])

    def _constructing(self, key: ClassKey) -> Iterable[ClassKey]:
        path, qualname = key
        name = qualname.rpartition(".")[2]
        if name not in self._holders:
            self._holders[name] = tuple(self._find(name))
        meant = [one for one in self._holders[name] if not self._means_another(one[0], name, key)]
        own = [holder for holder in meant if holder[0] == path]
        return own or meant

    def _means_another(self, path: str, name: str, key: ClassKey) -> bool:
        """Whether the name is known to be another class of the project in a file."""
        found = self.project.resolve(path, name).key
        return found is not None and found != key

    def _find(self, name: str) -> Iterable[ClassKey]:
        """Module classes in whose text `Name(` or `=Name` stands."""
        pattern = re.compile(rf"\b{re.escape(name)}\(|[=,(]\s*{re.escape(name)}\s*[,)\n]")
        for path, file in self.project.files.items():
            text = self.project.text(path)
            if name not in text:
                continue
            lines = [text.count("\n", 0, match.start()) + 1 for match in pattern.finditer(text)]
            for item in file.classes:
                key = (path, item.qualname)
                inside = any(item.line < line <= item.end_line for line in lines)
                if inside and not item.in_function and self.project.is_module(key):
                    yield key
