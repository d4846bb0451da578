"""Which of the project's files a class depends on, told from who imported what.

A zygote has loaded files for other classes too. An answer that depends on fewer files can be used
again when those others change.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from . import loader

_Import = Tuple[str, Tuple[str, ...]]  # absolute name, names taken from it


class Imports:
    """Watches the imports of a process from `install` on."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._by_file: Dict[Optional[str], Set[_Import]] = {}

    def install(self) -> None:
        """Watch `import` statements and `importlib.import_module`."""
        real_import, real_module = builtins.__import__, importlib.import_module
        note = self._note

        def import_(
            name: str,
            globals: Optional[Mapping[str, Any]] = None,
            locals: Optional[Mapping[str, Any]] = None,
            fromlist: Sequence[str] = (),
            level: int = 0,
        ) -> Any:
            note(globals, name, tuple(fromlist or ()), level)
            return real_import(name, globals, locals, fromlist, level)

        def import_module(name: str, package: Optional[str] = None) -> Any:
            level = len(name) - len(name.lstrip("."))
            around = {**sys._getframe(1).f_globals, "__package__": package}
            note(around if level else sys._getframe(1).f_globals, name[level:], (), level)
            return real_module(name, package)

        builtins.__import__ = import_  # type: ignore[assignment]
        importlib.import_module = import_module

    def needed_by(self, files: Iterable[str]) -> List[str]:
        """The project's files among `files`, all that they import in turn, and all that was
        imported by files that are not the project's."""
        paths = loader.paths_under(self._root)
        wanted = {loader.real(file) for file in files} & set(paths.values())
        for name in [name for name, path in paths.items() if path in wanted]:
            wanted.update(paths[one] for one in _up_to(name) if one in paths)
        waiting: List[Optional[str]] = [None, *wanted]
        while waiting:
            for name in self._modules_of(waiting.pop()):
                path = paths.get(name)
                if path is not None and path not in wanted:
                    wanted.add(path)
                    waiting.append(path)
        return sorted(wanted)

    def _note(
        self,
        importer: Optional[Mapping[str, Any]],
        name: str,
        taken: Tuple[str, ...],
        level: int,
    ) -> None:
        known = importer or {}
        if level:
            package = str(known.get("__package__") or "").split(".")
            kept = package[: len(package) - level + 1]
            name = ".".join(part for part in (*kept, name) if part)
        file = known.get("__file__")
        own = isinstance(file, str) and loader.is_under(file, self._root)
        importing = loader.real(file) if isinstance(file, str) and own else None
        self._by_file.setdefault(importing, set()).add((name, taken))

    def _modules_of(self, file: Optional[str]) -> Iterable[str]:
        """The names of the modules that a file imports, with the packages around them."""
        for name, taken in self._by_file.get(file, ()):
            yield from _up_to(name)
            for one in taken:
                yield name + "." + one


def _up_to(name: str) -> Iterator[str]:
    """A module's name and those of the packages around it, outermost first."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))
