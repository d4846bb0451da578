"""Gives files their overlay text, by real path, whatever name or finder they are loaded through."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import linecache
import os
import sys
import tokenize
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from . import witness
from .failure import Refused

_disk_code = SourceFileLoader.get_code
_disk_source = SourceFileLoader.get_source
_import_module = importlib.import_module  # What `imports` does not watch.

# What was loaded before any of the project's files: torch and the worker itself.
_before: Set[str] = set()


class Overlay:
    """What files hold other than on disk, and the witnesses in them. Paths are absolute."""

    def __init__(
        self, files: Mapping[str, str], witnesses: Mapping[str, Sequence[witness.Located]]
    ) -> None:
        self._files = {os.path.realpath(path): text for path, text in files.items()}
        self._witnesses = {os.path.realpath(path): list(all) for path, all in witnesses.items()}
        self.unlocated: List[str] = []

    def install(self) -> None:
        """Have all loading of source files in this process go through the overlay."""
        sys.dont_write_bytecode = True
        _before.update(sys.modules)
        witness.install()
        overlay = self

        def get_code(loader: SourceFileLoader, fullname: str) -> Optional[CodeType]:
            path = os.path.realpath(loader.path)
            if not overlay.holds(path):
                return _disk_code(loader, fullname)
            return overlay._code(loader, path)

        def get_source(loader: SourceFileLoader, fullname: str) -> Optional[str]:
            path = os.path.realpath(loader.path)
            return overlay.text(path) if overlay.holds(path) else _disk_source(loader, fullname)

        SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
        SourceFileLoader.get_source = get_source  # type: ignore[method-assign, assignment]

    def holds(self, path: str) -> bool:
        """Whether a file (its real path) is not to be loaded from disk."""
        return path in self._files or path in self._witnesses

    def text(self, path: str) -> str:
        """The text of a file: the overlay's, else the disk's."""
        text = self._files.get(os.path.realpath(path))
        if text is None:
            with tokenize.open(path) as file:
                text = file.read()
        return text[1:] if text.startswith("\ufeff") else text

    def tree(self, path: str) -> ast.Module:
        """A file as it is run: with the instruments, where it has any."""
        text, located = self.text(path), self._witnesses.get(os.path.realpath(path), ())
        return witness.instrument(text, os.path.realpath(path), located)[0]

    def _code(self, loader: SourceFileLoader, path: str) -> CodeType:
        text = self.text(path)
        for name in {path, str(loader.path)}:
            # Without a time stamp linecache never looks at the disk again.
            lines = witness.lines_of(text)
            linecache.cache[name] = (len(text), None, lines, name)
        located = self._witnesses.get(path, ())
        tree, missing = witness.instrument(text, path, located)
        self.unlocated += missing
        try:
            code: Any = loader.source_to_code(tree, loader.path)
        except (TypeError, AttributeError):
            # A project's own loader that wants bytes: what it makes of them can't be instrumented.
            self.unlocated += [one[0] for one in located if one[0] not in missing]
            code = loader.source_to_code(text.encode("utf-8"), loader.path)
        if not isinstance(code, CodeType):
            raise ImportError("no code in " + path)
        return code


def load(name: str, path: str) -> ModuleType:
    """The file at `path`, imported as `name`: a dotted name, or the stem of a script.

    A script whose stem belongs to another module is loaded under a name of its own.
    """
    loaded = loaded_from(path, name)
    if loaded is not None:
        return loaded
    if "." in name or os.path.basename(path) == "__init__.py":
        module = _import_module(name)
        if _is_file(module, path):
            return module
        raise Refused(
            "import-failed",
            "import %s gives %s, not %s" % (name, getattr(module, "__file__", None), path),
            "set import_roots so that the project's own file comes first",
        )
    return _load_script(name, path)


def packages_of(name: str) -> List[str]:
    """The names of the packages around a module, innermost first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def import_package(name: str) -> None:
    """What importing a module of the package does first."""
    _import_module(name)


def _load_script(name: str, path: str) -> ModuleType:
    if name in sys.modules or not name.isidentifier():
        name = "_codemod_script_" + "".join(c if c.isalnum() else "_" for c in name)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Refused("import-failed", "%s is no Python source file" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules.get(name, module)


def loaded_from(path: str, name: str = "") -> Optional[ModuleType]:
    """The module that a file has been loaded as, `name` before others; None if it has not."""
    preferred = sys.modules.get(name)
    if preferred is not None and _is_file(preferred, path):
        return preferred
    for module in list(sys.modules.values()):
        if _is_file(module, path):
            return module
    return None


def _is_file(module: Any, path: str) -> bool:
    file = vars(module).get("__file__") if isinstance(module, ModuleType) else None
    if not isinstance(file, str) or os.path.basename(file) != os.path.basename(path):
        return False
    return os.path.realpath(file) == os.path.realpath(path)


def paths_under(root: str) -> Dict[str, str]:
    """The real paths of the source files below `root` that were loaded, by module name."""
    found = {}
    for name in set(sys.modules) - _before:
        module = sys.modules.get(name)
        file = vars(module).get("__file__") if isinstance(module, ModuleType) else None
        if isinstance(file, str) and file.endswith(".py") and is_under(file, root):
            found[name] = real(file)
    return found


def is_under(file: str, root: str) -> bool:
    """Whether a file lies below a folder, links followed."""
    return real(file).startswith(real(root) + os.sep)


@functools.lru_cache(maxsize=None)
def real(path: str) -> str:
    """The path without links; asked of the system once."""
    return os.path.realpath(path)
