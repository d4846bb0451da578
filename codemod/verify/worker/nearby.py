"""Finds the project's own files under names that only a `PYTHONPATH`, a script's `sys.path` or
Python 2 would have given them.

Behind all other finders, and for the project's own imports alone: `from attention import Attention`
in a package that holds an `attention.py`; `from transformer.decoder import Decoder` where the
project has one folder with a `transformer` in it.
"""

from __future__ import annotations

import ast
import linecache
import os
import re
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, Callable, Dict, List, Optional, Set

from . import guarded, shims

_NEVER_BELOW = {"site-packages", "dist-packages", "node_modules", "__pycache__", "build", "dist"}
_MOST_FOLDERS = 5000
_OPEN = re.compile(r"\bimport \*|def __getattr__")
_WORD = re.compile(r"[^\W\d]\w*")


class Nearby:
    """A finder over the folders below `root`. `is_wanted`: whether the import going on is one that
    the project makes and must make; asked with the frames to skip."""

    def __init__(self, root: str, is_wanted: Callable[[int], bool]) -> None:
        self._root = os.path.realpath(root)
        self._is_wanted = is_wanted
        self._holders: Optional[Dict[str, List[str]]] = None

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        if not self._is_wanted(1):
            return None
        if "." in name:
            return self._elsewhere(name)
        importer = next(guarded.importing_frames(1), None)
        if importer is None:
            return None
        importing = os.path.realpath(importer.f_code.co_filename)
        folder = self._folder_with(name, importing)
        spec = PathFinder.find_spec(name, [folder]) if folder else None
        if folder is None or spec is None or _is_at(spec, importing):
            return None
        shims.note("%s (found in %s)" % (name, os.path.relpath(folder, self._root)))
        return spec

    def _elsewhere(self, name: str) -> Optional[ModuleSpec]:
        """A part that the package which was found lacks, and the only other one of its name has."""
        package = name.rpartition(".")[0]
        inside = package.replace(".", os.sep)
        holders = self._all_holders().get(name.partition(".")[0], [])
        folders = [os.path.join(one, inside) for one in holders]
        found = [spec for one in folders for spec in [PathFinder.find_spec(name, [one])] if spec]
        if len(found) != 1 or found[0].origin is None:
            return None
        shims.note("%s (found in %s)" % (name, os.path.relpath(found[0].origin, self._root)))
        return found[0]

    def _folder_with(self, name: str, importing: str) -> Optional[str]:
        """Of the folders that have the name, and in it what the file takes from it: the nearest
        one around the file, else the only one. What has nothing of it is only named like it."""
        taken = _taken_from(name, importing)
        lacking = {one: _lacking(one, name, taken) for one in self._all_holders().get(name, [])}
        complete = [one for one, names in lacking.items() if not names]
        holders = complete or [one for one, names in lacking.items() if names < taken]
        around = [one for one in holders if importing.startswith(one + os.sep)]
        if around:
            return max(around, key=len)
        packages = [one for one in holders if os.path.isdir(os.path.join(one, name))]
        return next((found[0] for found in (holders, packages) if len(found) == 1), None)

    def _all_holders(self) -> Dict[str, List[str]]:
        """The folders of the project that hold a file or a package, by its name."""
        if self._holders is None:
            self._holders = _holders_below(self._root)
        return self._holders


def _is_at(spec: ModuleSpec, path: str) -> bool:
    """Whether a file asks for a package that it is only named like."""
    return spec.origin is not None and os.path.realpath(spec.origin) == path


def _holders_below(root: str) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for seen, (folder, folders, files) in enumerate(os.walk(root)):
        if seen > _MOST_FOLDERS:
            break
        folders[:] = sorted(name for name in folders if _may_hold_code(name))
        names = {name[:-3] for name in files if name.endswith(".py")}
        names.update(one for one in folders if _is_package(os.path.join(folder, one)))
        for name in names:
            found.setdefault(name, []).append(folder)
    return found


def _may_hold_code(name: str) -> bool:
    return not name.startswith(".") and name not in _NEVER_BELOW


def _taken_from(name: str, importing: str) -> Set[str]:
    """What a file takes from a module, by `from NAME import ...`, and the parts that it names."""
    try:
        tree = ast.parse("".join(linecache.getlines(importing)))
    except (SyntaxError, ValueError):
        return set()
    taken: Set[str] = set()
    parts: List[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            parts.append(node.module or "")
            taken.update(one.name for one in node.names if node.module == name)
        elif isinstance(node, ast.Import):
            parts += [one.name for one in node.names]
    taken.update(one.split(".")[1] for one in parts if one.startswith(name + "."))
    return taken - {"*"}


def _lacking(folder: str, name: str, taken: Set[str]) -> Set[str]:
    """Those of the names of which the module or package does not speak, and for which it has no
    file; none where it may hold whatever other files do."""
    package = os.path.join(folder, name)
    file = os.path.join(package, "__init__.py")
    text = "".join(linecache.getlines(file if os.path.isfile(file) else package + ".py"))
    if _OPEN.search(text):
        return set()
    parts = {one: os.path.join(package, one) for one in taken - set(_WORD.findall(text))}
    return {
        one
        for one, part in parts.items()
        if not os.path.isfile(part + ".py") and not os.path.isdir(part)
    }


def _is_package(folder: str) -> bool:
    """Whether a folder can be imported: it holds Python files."""
    try:
        return any(name.endswith(".py") for name in os.listdir(folder))
    except OSError:
        return False
