"""What a project lacks that was neither installed nor built: its own metadata, and extensions that
it compiles when it is imported."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Iterable, Optional, Set

from . import shims
from .standin import StandIn, StandInLoader

if TYPE_CHECKING:
    from .stubs import Stubs

_BUILDER = "torch.utils.cpp_extension"


# Files that say what is compiled, and what is compiled under its own name.
_BUILD_FILE = re.compile(r"(setup|build|make)\w*\.py$|\w+\.pyx$")
_STRING = re.compile(r"""['"]([\w./]+)['"]""")
_MOST_FOLDERS = 5000


def install(stubs: "Stubs", own: Iterable[str], root: str) -> None:
    """`own`: the top-level names that the project defines. `root`: its folder."""
    _describe({_normal(name) for name in own})
    sys.meta_path.insert(0, _Builder(stubs))
    sys.meta_path.append(_Extensions(stubs, root))


def _describe(own: Set[str]) -> None:
    """Have `importlib.metadata` know the project's own distributions."""
    kind: Any = importlib.metadata.Distribution
    real = kind.from_name

    def from_name(name: str) -> Any:
        try:
            return real(name)
        except importlib.metadata.PackageNotFoundError:
            if _normal(name) not in own:
                raise
            shims.note("metadata of %s (not installed)" % name)
            return _Undescribed(name)

    kind.from_name = from_name


class _Undescribed(importlib.metadata.Distribution):
    """A distribution that is not installed: a name and a version."""

    def __init__(self, name: str) -> None:
        self._text = "Metadata-Version: 2.1\nName: %s\nVersion: 0.0.0\n" % name

    def read_text(self, filename: str) -> Optional[str]:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        raise FileNotFoundError(path)


def _normal(name: str) -> str:
    """As PEP 503 compares names of distributions."""
    return re.sub(r"[-_.]+", "-", name).lower()


class _Builder:
    """A finder that has what compiles extensions give a stand-in for one that cannot be built."""

    def __init__(self, stubs: "Stubs") -> None:
        self._stubs = stubs

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        if name != _BUILDER:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None and hasattr(spec.loader, "exec_module"):
                self._watch(spec)
                return spec
        return None

    def _watch(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            for function in ("load", "load_inline"):
                vars(module)[function] = self._forgiving(getattr(module, function))

        loader.exec_module = exec_module

    def _forgiving(self, load: Callable[..., Any]) -> Callable[..., Any]:
        def build(name: str, *arguments: Any, **named: Any) -> Any:
            try:
                return load(name, *arguments, **named)
            except Exception as error:
                why = "it cannot be compiled: %s: %s" % (type(error).__name__, error)
                self._stubs.stand_in(name, " ".join(why.split())[:200])
                return StandIn(name)

        return build


class _Extensions:
    """The last finder: stands in for parts of the project's packages that its build files name."""

    def __init__(self, stubs: "Stubs", root: str) -> None:
        self._stubs = stubs
        self._root = root
        self._built: Optional[Set[str]] = None

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        top, _, last = name.rpartition(".")
        if not top or self._stubs.is_foreign(name.partition(".")[0]):
            return None
        if not self._stubs.is_wanted(1):
            return None
        if not self._stubs.stands_in(name):
            if last not in self._names_that_are_built():
                return None
            self._stubs.stand_in(name, "it is not built")
        return ModuleSpec(name, StandInLoader(), is_package=True)

    def _names_that_are_built(self) -> Set[str]:
        if self._built is None:
            self._built = _named_in_build_files(self._root)
        return self._built


def _named_in_build_files(root: str) -> Set[str]:
    """The words of the strings in files that build something, and the names of Cython files."""
    found: Set[str] = set()
    for seen, (folder, folders, files) in enumerate(os.walk(root)):
        if seen > _MOST_FOLDERS:
            break
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in filter(_BUILD_FILE.match, files):
            found.update([name[:-4]] if name.endswith(".pyx") else _words_of_strings(folder, name))
    return found - {""}


def _words_of_strings(folder: str, name: str) -> Set[str]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            texts = _STRING.findall(file.read())
    except OSError:
        return set()
    return {word for text in texts for word in re.split(r"[./]", text)}
