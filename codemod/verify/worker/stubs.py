"""Stands in for third-party packages that are missing or do not import.

Only imports that the project's own files make, and must make, are met: an optional import fails
as it should, and so does what an installed package imports.
"""

from __future__ import annotations

import builtins
import contextlib
import glob
import importlib
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, Dict, List, Optional, Sequence, Set

from . import guarded, nearby, shims, standin
from .standin import StandIn, StandInLoader, StandInModule

_NEVER = {"torch", "_codemod_worker"}


class Stubs:
    """The packages that stand-ins were made for, and why."""

    def __init__(self, root: str, roots: Sequence[str]) -> None:
        project = os.path.realpath(root)
        every = dict.fromkeys([project, *(os.path.realpath(one) for one in roots)])
        self._folders = [one for one in every if not _is_above(one, project)]
        self.own: Set[str] = _own_names(self._folders) | {os.path.basename(project)}
        self._why: Dict[str, str] = {}
        self._find_spec = importlib.util.find_spec

    def install(self) -> None:
        """Take the first and the last place among the finders."""
        sys.meta_path.insert(0, _Broken(self))
        sys.meta_path.append(shims.OldModules(self.is_wanted))
        sys.meta_path.append(nearby.Nearby(self._folders[0], self.is_wanted))
        sys.meta_path.append(_Missing(self))
        self._watch_imports()

    def packages(self) -> List[str]:
        """The packages that are stood in for, sorted."""
        return sorted(self._why)

    def why(self, package: str) -> str:
        """Why a package, or a part of it, is stood in for: one clause."""
        known = (why for name, why in self._why.items() if (name + ".").startswith(package + "."))
        return next(known, "it is not installed")

    def stands_in(self, name: str) -> bool:
        """Whether `name` belongs to a package that is stood in for."""
        parts = name.split(".")
        return any(".".join(parts[:end]) in self._why for end in range(1, len(parts) + 1))

    def is_foreign(self, name: str) -> bool:
        """Whether a package is neither Python's, nor torch, nor the project's."""
        return not (name in _NEVER or name in self.own or name in _standard_library())

    def may_have_shims(self, frame: FrameType) -> bool:
        """Whether a frame is one of the project's, which has no other way to what it asks for."""
        name = frame.f_code.co_filename
        return guarded.belongs(name, self._folders) and not guarded.is_guarded(frame)

    def is_wanted(self, skip: int) -> bool:
        """Whether the import going on is one that the project makes and must make."""
        if guarded.asks_only(skip + 1):
            return False
        frames = list(guarded.importing_frames(skip + 1))
        if not frames or not guarded.belongs(frames[0].f_code.co_filename, self._folders):
            return False
        return not guarded.is_optional(iter(frames), self._folders)

    def stand_in(self, package: str, why: str) -> None:
        """Stand in for a package from now on, for the imports that need it alone."""
        self._why.setdefault(package, why)
        standin.register(package)

    def _watch_imports(self) -> None:
        """Keep a stand-in in `sys.modules` from those whose import of it would have failed, and
        give the project's files what a newer version of a package no longer has."""
        real_import, real_find = builtins.__import__, self._find_spec
        real_module = importlib.import_module

        def import_(name: str, *arguments: Any, **named: Any) -> Any:
            relative = arguments[3] if len(arguments) > 3 else named.get("level", 0)
            if not relative and self.stands_in(name) and not self.is_wanted(1):
                raise ModuleNotFoundError("No module named %r" % name, name=name)
            found = real_import(name, *arguments, **named)
            taken = arguments[2] if len(arguments) > 2 else named.get("fromlist")
            if relative or not taken:
                return found
            lacking = self._lacking(name, found, taken)
            return self._extended(name, found, lacking) if lacking and self.is_wanted(1) else found

        def find_spec(name: str, package: Optional[str] = None) -> Optional[ModuleSpec]:
            return None if self.stands_in(name) else real_find(name, package)

        def import_module(name: str, package: Optional[str] = None) -> Any:
            if self.stands_in(name) and not self.is_wanted(1):
                raise ModuleNotFoundError("No module named %r" % name, name=name)
            return real_module(name, package)

        builtins.__import__ = import_
        importlib.import_module = import_module
        importlib.util.find_spec = find_spec

    def _lacking(self, name: str, module: Any, taken: Sequence[str]) -> List[str]:
        """Names that are taken from a module which has them no longer, or which would have them
        if an optional package were installed."""
        top = name.partition(".")[0]
        if isinstance(module, StandInModule):
            return []
        lacking = [one for one in taken if one != "*" and not hasattr(module, one)]
        if top in self.own:
            return [one for one in lacking if one in guarded.optional_names(module)]
        if not (self.is_foreign(top) or top == "torch"):
            return []
        return [one for one in lacking if not shims.has(name, one)]

    def _extended(self, name: str, module: Any, lacking: Sequence[str]) -> Any:
        for one in lacking:
            whose = "project's file" if name.partition(".")[0] in self.own else "installed one"
            self.stand_in("%s.%s" % (name, one), "the %s has no %s" % (whose, one))
        return _Extended(module, {one: StandIn("%s.%s" % (name, one)) for one in lacking})


class _Extended:
    """A module for one `from` import: with stand-ins for what it lacks."""

    def __init__(self, module: Any, more: Dict[str, Any]) -> None:
        self.__dict__.update(more)
        self.__dict__["_codemod_module"] = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_codemod_module"], name)


class _Missing:
    """The last finder: what nobody else found."""

    def __init__(self, stubs: Stubs) -> None:
        self._stubs = stubs

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        top = name.partition(".")[0]
        if not (self._stubs.is_foreign(top) or name in shims.STOOD_IN_FOR):
            return None
        if not self._stubs.is_wanted(1):
            return None
        if "." not in name:
            self._stubs.stand_in(top, "it is not installed")
        elif not self._stubs.stands_in(name) and guarded.looks_for_a_name(1):
            return None
        elif not self._stubs.stands_in(name):
            self._stubs.stand_in(name, "the installed %s has no %s" % (top, name))
        return ModuleSpec(name, StandInLoader(), is_package=True)


class _Broken:
    """The first finder: watches installed packages import, and stands in for those that fail."""

    def __init__(self, stubs: Stubs) -> None:
        self._stubs = stubs
        self._looking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        is_part = name in shims.STOOD_IN_FOR
        if self._looking or not (is_part or ("." not in name and self._stubs.is_foreign(name))):
            return None
        if not self._stubs.is_wanted(1):
            return None
        self._looking = True
        try:
            spec = self._stubs._find_spec(name)
        except (ImportError, ValueError):
            return None
        finally:
            self._looking = False
        if spec is None or not hasattr(spec.loader, "exec_module"):
            return None
        self._watch(spec)
        return spec

    def _watch(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            try:
                execute(module)
            except Exception as error:
                _forget(spec.name)
                why = "its import raised %s: %s" % (type(error).__name__, error)
                self._stubs.stand_in(spec.name, " ".join(why.split())[:200])
                stand_in = ModuleSpec(spec.name, StandInLoader(), is_package=True)
                sys.modules[spec.name] = StandInModule(stand_in)

        with contextlib.suppress(AttributeError):
            loader.exec_module = exec_module


def _forget(package: str) -> None:
    for name in list(sys.modules):
        if name == package or name.startswith(package + "."):
            del sys.modules[name]


def _is_above(folder: str, project: str) -> bool:
    """Whether a folder holds the project, and others' files beside it."""
    return project.startswith(folder.rstrip(os.sep) + os.sep)


def _own_names(folders: Sequence[str]) -> Set[str]:
    """The top-level names that the project itself defines."""
    names: Set[str] = set()
    for folder in folders:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)
            if suffix in (".py", ".so", ".pyd", ".pyx"):
                names.add(stem.partition(".")[0])
            elif entry.name.isidentifier() and _holds_python(entry.path):
                names.add(entry.name)
    return names


def _holds_python(folder: str) -> bool:
    """Whether a folder has Python files, in it or one level down: a log folder has none."""
    if not os.path.isdir(folder):
        return False
    patterns = (os.path.join(folder, "*.py"), os.path.join(folder, "*", "*.py"))
    return any(next(glob.iglob(pattern), None) for pattern in patterns)


def _standard_library() -> Any:
    names = getattr(sys, "stdlib_module_names", None)
    return names if names is not None else _names_on_disk()


def _names_on_disk() -> Set[str]:
    folder = os.path.dirname(os.__file__)
    names = {os.path.splitext(name)[0] for name in os.listdir(folder)}
    return names | set(sys.builtin_module_names) | {"winreg", "msvcrt", "_winapi", "nt"}
