"""Which transforms there are: built in, installed by others, or given as a file."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from codemod.editing.transform import Transform
from codemod.errors import TransformError, UsageError

ENTRY_POINTS = "codemod.transforms"


def known_transforms(files: Iterable[Path] = ()) -> dict[str, type[Transform]]:
    """Every transform by name. Raises UsageError for two of one name, TransformError."""
    found: dict[str, type[Transform]] = {}
    for transform in (*_built_in(), *_installed(), *_in_files(files)):
        other = found.setdefault(transform.name, transform)
        if other is not transform:
            raise UsageError(
                f"two transforms are called {transform.name!r}: {_home(other)}, {_home(transform)}"
            )
    return found


def choose(names: Sequence[str]) -> list[type[Transform]]:
    """The transforms of a run, by name or by the path of the file that defines them.

    Raises UsageError: an unknown name, a file without a transform, two declared inverses.
    """
    files = [Path(name) for name in names if name.endswith(".py")]
    known = known_transforms(files)
    chosen: dict[str, type[Transform]] = {}
    for name in names:
        if name.endswith(".py"):
            chosen.update({item.name: item for item in _in_files([Path(name)])})
        elif name in known:
            chosen[name] = known[name]
        else:
            raise _unknown(name, known)
    for item in chosen.values():
        if item.inverse in chosen:
            raise UsageError(
                f"{item.name} and {item.inverse} undo each other: run one of them at a time"
            )
    return list(chosen.values())


def _unknown(name: str, known: Iterable[str]) -> UsageError:
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(names)}"
    return UsageError(f"unknown transform {name!r}; {hint}")


def _built_in() -> Iterator[type[Transform]]:
    package = importlib.import_module("codemod.transforms")
    for info in pkgutil.iter_modules(package.__path__):
        yield from _transforms_of(importlib.import_module(f"codemod.transforms.{info.name}"))


def _installed() -> Iterator[type[Transform]]:
    for point in entry_points(group=ENTRY_POINTS):
        try:
            loaded = point.load()
        except Exception as error:
            raise TransformError(f"{point.value}: cannot be loaded: {_fault(error)}") from error
        if isinstance(loaded, ModuleType):
            yield from _transforms_of(loaded)
        elif isinstance(loaded, type) and issubclass(loaded, Transform):
            yield loaded
        else:
            raise TransformError(f"{point.value}: is no Transform")


_loaded: dict[Path, ModuleType] = {}


def _in_files(files: Iterable[Path]) -> Iterator[type[Transform]]:
    for file in files:
        module = _load(file.resolve())
        transforms = list(_transforms_of(module))
        if not transforms:
            raise UsageError(f"{file}: defines no subclass of codemod.Transform with a name")
        yield from transforms


def _load(file: Path) -> ModuleType:
    if file in _loaded:
        return _loaded[file]
    if not file.is_file():
        raise UsageError(f"{file}: no such file")
    name = f"_codemod_transform_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise TransformError(f"{file}: cannot be loaded: {_fault(error)}") from error
    _loaded[file] = module
    return module


def _transforms_of(module: ModuleType) -> Iterator[type[Transform]]:
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Transform)
            and value.__module__ == module.__name__
            and not inspect.isabstract(value)
            and getattr(value, "name", None)
        ):
            yield value


def _home(transform: type[Transform]) -> str:
    return inspect.getsourcefile(transform) or transform.__module__


def _fault(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}: {type(error).__name__}: {error}"
