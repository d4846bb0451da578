"""The target's environment: which interpreter runs it, and what its files are imported as."""

from __future__ import annotations

import ast
import configparser
import contextlib
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from codemod.errors import UsageError
from codemod.source.discovery import SKIPPED_DIRECTORIES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GIB = 1024**3
_MOST_FILES = 5000
_ABSOLUTE = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([A-Za-z_][A-Za-z0-9_.]*)", re.MULTILINE)
_METADATA = ("pyproject.toml", "setup.cfg", "setup.py")
_PACKAGE_DIR = re.compile(r"""package_dir\s*=\s*\{\s*['"]['"]\s*:\s*['"]([\w./-]+)['"]""")
_FIND_WHERE = re.compile(
    r"""find(?:_namespace)?_packages\(\s*(?:where\s*=\s*)?['"]([\w./-]+)['"]"""
)


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """What a file is imported as, and the folders that stand first on `sys.path` for it."""

    module: str
    roots: tuple[str, ...]


@dataclass(frozen=True)
class TargetEnvironment:
    """The interpreter and the project that it runs.

    `root` and `import_roots` are absolute; of the import roots those in `declared` come from
    configuration or packaging metadata. Times in seconds, `memory` in bytes that a run may add.
    """

    python: Path
    root: Path
    import_roots: tuple[Path, ...] = ()
    declared: tuple[Path, ...] = ()
    timeout: float = 30.0
    import_timeout: float = 60.0
    memory: int = 4 * GIB

    @classmethod
    def of(
        cls,
        python: Path,
        root: Path,
        files: Iterable[str],
        configured: Sequence[str] = (),
        *,
        timeout: float = 30.0,
        memory: int = 4 * GIB,
    ) -> TargetEnvironment:
        """For a project and its files (relative to `root`). Raises UsageError."""
        root = root.resolve()
        paths = [root / file for file in files]
        declared = declared_roots(root, paths, configured)
        return cls(
            python=python,
            root=root,
            import_roots=import_roots(root, paths, configured),
            declared=declared,
            timeout=timeout,
            import_timeout=max(60.0, timeout),
            memory=memory,
        )

    def locate(self, path: str | Path) -> ImportTarget:
        """How a file (absolute, or relative to the root) is imported."""
        file = self.root / path
        base, module = _name(file, self.root, self.declared)
        around = _script_folders(file, self.root)
        last = _beside(file, self.root)
        ordered = dict.fromkeys([base, *around, *self.import_roots, self.root, *last])
        return ImportTarget(module, tuple(str(root) for root in ordered))

    def module_name(self, path: str) -> str:
        """The dotted name that a file is imported as; the stem of a script."""
        return self.locate(path).module


def find_python(explicit: str | None, root: Path, env: Mapping[str, str] = os.environ) -> Path:
    """The interpreter: the one given, the active environment's, the project's `.venv`, this one.

    Raises UsageError for one given that is not there.
    """
    if explicit is not None:
        python = Path(explicit).expanduser()
        if python.is_dir():
            python = _python_in(python) or python
        if not python.is_file() or not os.access(python, os.X_OK):
            raise UsageError(f"--python {explicit}: there is no interpreter")
        return python.absolute()
    named = [env.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    for folder in [*(Path(name) for name in named if name), root / ".venv"]:
        found = _python_in(folder)
        if found is not None:
            return found.absolute()
    return Path(sys.executable)


def _python_in(folder: Path) -> Path | None:
    candidates = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
    return next((path for path in candidates if path.is_file()), None)


def import_roots(
    root: Path, files: Iterable[Path], configured: Sequence[str] = ()
) -> tuple[Path, ...]:
    """The folders that the project's imports start from, in order: configured, declared by
    packaging metadata, the parents of the topmost packages, the root itself."""
    paths = list(files)
    tops = {_package_parent(path.parent) for path in paths if _in_package(path)}
    found = [*declared_roots(root, paths, configured), *sorted(tops - {root}), root]
    return tuple(dict.fromkeys(found))


def declared_roots(
    root: Path, files: Iterable[Path], configured: Sequence[str] = ()
) -> tuple[Path, ...]:
    """The import roots that configuration and packaging metadata name."""
    found: dict[Path, None] = {}
    for name in configured:
        folder = (root / name).resolve()
        if not folder.is_dir():
            raise UsageError(f"import_roots: {name} is no folder of {root}")
        found[folder] = None
    for folder in sorted(_folders(root, files)):
        for declared in _packaging_roots(folder):
            found[declared] = None
    return tuple(found)


def _folders(root: Path, files: Iterable[Path]) -> set[Path]:
    """The folders from the root down to the files."""
    found = {root}
    for folder in {path.parent for path in files}:
        while folder not in found and root in folder.parents:
            found.add(folder)
            folder = folder.parent
    return found


def _packaging_roots(folder: Path) -> Iterator[Path]:
    """Where the packages lie of the distribution whose metadata is in `folder`, if any is."""
    if not any((folder / name).is_file() for name in _METADATA):
        return
    named = [*_of_pyproject(folder), *_of_setup_cfg(folder), *_of_setup_py(folder)]
    if (folder / "src").is_dir() and not _is_package(folder / "src"):
        named.append("src")
    for name in named:
        path = (folder / name).resolve()
        if path.is_dir():
            yield path
    yield folder


def _of_pyproject(folder: Path) -> Iterator[str]:
    try:
        data = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return
    setuptools = _table(data, "tool", "setuptools")
    where = _table(setuptools, "packages", "find").get("where", ())
    yield from _texts(where)
    yield from _texts(_table(setuptools, "package-dir").get("", ()))
    packages = _table(data, "tool", "poetry").get("packages", ())
    for package in packages if isinstance(packages, list) else ():
        if isinstance(package, dict):
            yield from _texts(package.get("from", ()))
    wheel = _table(data, "tool", "hatch", "build", "targets", "wheel")
    for name in _texts(wheel.get("packages", ())):
        yield os.path.dirname(name) or "."
    yield from _texts(_table(data, "tool", "pdm", "build").get("package-dir", ()))


def _of_setup_cfg(folder: Path) -> Iterator[str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(folder / "setup.cfg", encoding="utf-8")
    except (configparser.Error, OSError, ValueError):
        return
    for line in parser.get("options", "package_dir", fallback="").splitlines():
        name, _, value = line.partition("=")
        if not name.strip() and value.strip():
            yield value.strip()
    yield from parser.get("options.packages.find", "where", fallback="").split()


def _of_setup_py(folder: Path) -> Iterator[str]:
    try:
        text = (folder / "setup.py").read_text("utf-8", "replace")
    except OSError:
        return
    for pattern in (_PACKAGE_DIR, _FIND_WHERE):
        yield from pattern.findall(text)


def _table(data: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        inner = data.get(name)
        if not isinstance(inner, dict):
            return {}
        data = inner
    return data


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)):
        return [one for one in value if isinstance(one, str)]
    return []


def _name(path: Path, root: Path, declared: Sequence[Path]) -> tuple[Path, str]:
    """The import root that a file belongs to, and its name from there."""
    if _in_package(path):
        top = _above_relative_imports(path, _package_parent(path.parent), root)
        inside = [one for one in declared if one != root and one in top.parents]
        for base in sorted(inside, key=lambda one: len(one.parts), reverse=True):
            if _dotted(path, base) is not None and not _declares(base):
                return base, _dotted(path, base) or path.stem
        top = _as_the_project_says(path, top, root)
        return top, _dotted(path, top) or path.stem
    for base in sorted(declared, key=lambda one: len(one.parts), reverse=True):
        if base != root and base in path.parents and not _declares(base):
            return base, _dotted(path, base) or path.stem
    return _script(path, root)


def _as_the_project_says(path: Path, top: Path, root: Path) -> Path:
    """The root where the project's own imports start there (`from lib.pkg import net`), else
    `top`, where the package lies: under two names a file would be loaded twice."""
    package, *below = path.relative_to(top).parts
    if below and root != top / package and _is_script_folder(top / package, root):
        return _as_the_project_says(path, top / package, root)
    package = package.removesuffix(".py")
    whole = _dotted(top / package, root) if root in top.parents else None
    if whole is None:
        return top
    counts = _imported_names(root)
    return root if _count(counts, whole) > _count(counts, package) else top


def _script_folders(path: Path, root: Path) -> list[Path]:
    """The folders between a file and the root from which scripts import, the nearest first: the
    scripts of one part of a project mean its own `utils`, not that of another part."""
    between = [one for one in path.parents[1:] if root in one.parents]
    return [one for one in between if _is_script_folder(one, root)]


@cache
def _is_script_folder(folder: Path, root: Path) -> bool:
    """Whether a file in a folder imports another folder of it by its bare name, and nothing
    imports or reaches the folder itself as a package."""
    inside = {file.parent for file in folder.glob("*/*.py")}
    imported = {
        name.decode().partition(".")[0]
        for file in folder.glob("*.py")
        for name in _absolute_imports(file)
    }
    started = [one for one in inside if one.name in imported]
    return bool(started) and not _is_imported(folder, root)


def _is_imported(folder: Path, root: Path) -> bool:
    """Whether any import of the project names a folder, or a relative one below leads to it."""
    named = any(folder.name in name.split(".") for name in _imported_names(root))
    return _is_package(folder) and (named or _overshoot(folder) >= 0)


def _absolute_imports(file: Path) -> list[bytes]:
    with contextlib.suppress(OSError):
        return _ABSOLUTE.findall(file.read_bytes())
    return []


def _count(counts: Mapping[str, int], package: str) -> int:
    return sum(n for name, n in counts.items() if (name + ".").startswith(package + "."))


@cache
def _imported_names(root: Path) -> Mapping[str, int]:
    """How often the project's files import what, by its dotted name."""
    found: Counter[str] = Counter()
    for file in islice(_python_files(root), _MOST_FILES):
        with contextlib.suppress(OSError):
            found.update(name.decode() for name in _ABSOLUTE.findall(file.read_bytes()))
    return found


def _python_files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name for name in folders if name[0] != "." and name not in SKIPPED_DIRECTORIES
        ]
        yield from (Path(folder, name) for name in names if name.endswith(".py"))


def _above_relative_imports(path: Path, top: Path, root: Path) -> Path:
    """As far above `top` as the relative imports of the package below it reach: a folder without
    an `__init__.py` is a package all the same, if its name allows it; so is the root itself."""
    above = top
    for _ in range(_overshoot(top / path.relative_to(top).parts[0])):
        above = above.parent
        if _is_package(above):
            above = _package_parent(above)
            break
    reaches = above == root.parent or root in (above, *above.parents)
    return above if reaches and _dotted(path, above) is not None else top


@cache
def _overshoot(package: Path) -> int:
    """How many folders above a package's parent its relative imports reach; less than 0 where
    they do not reach the package itself."""
    found = [-1]
    for file in package.rglob("*.py"):
        inside = len(file.relative_to(package).parts)  # packages around the file
        with contextlib.suppress(OSError):
            imports = _RELATIVE.findall(file.read_bytes())
            found += [len(dots) - inside for dots, name in imports if _is_there(file, dots, name)]
    return max(found)


def _is_there(file: Path, dots: bytes, name: bytes) -> bool:
    """Whether a relative import of a file leads to a file or folder."""
    around = file.parents[min(len(dots), len(file.parents)) - 1]
    first = name.decode().partition(".")[0]
    return not first or (around / first).is_dir() or (around / f"{first}.py").is_file()


def _declares(folder: Path) -> bool:
    """Whether a folder holds packaging metadata: then not all below it is for import."""
    return any((folder / name).is_file() for name in _METADATA)


def _script(path: Path, root: Path) -> tuple[Path, str]:
    """A file outside of packages: its stem; a dotted name where it imports relatively, or the
    others by the name of the root."""
    level = _deepest_relative_import(path)
    if not level and _is_imported_by_name(root):
        return root.parent, _dotted(path, root.parent) or path.stem
    if not level and _hides_itself(path.parent, root):
        return path.parent.parent, _dotted(path, path.parent.parent) or path.stem
    if not level:
        base = _as_imported(path, root)
        return base, _dotted(path, base) or path.stem
    dotted = _dotted(path, root)
    if dotted is not None and dotted.count(".") >= level:
        return root, dotted
    base = path.parent
    for _ in range(level):
        base = base.parent
    return base, _dotted(path, base) or path.stem


def _as_imported(path: Path, root: Path) -> Path:
    """The folder above a file from which the project's own imports reach it most often: `net.py` is
    `model.net` where others say so, as a folder without an `__init__.py` is a package too. Under
    two names it would be loaded twice."""
    counts = _imported_names(root)
    above = [one for one in path.parents if one == root or root in one.parents]
    return max(above, key=lambda one: _count(counts, _dotted(path, one) or path.stem))


def _beside(path: Path, root: Path) -> list[Path]:
    """The folder of a file that is in no package: what is nowhere else may lie beside it."""
    folder = path.parent
    return [] if _is_package(folder) or _hides_itself(folder, root) else [folder]


def _hides_itself(folder: Path, root: Path) -> bool:
    """Whether a folder holds a file of its own name, and the project's files import parts of the
    folder: with the folder first on `sys.path`, `model.net` would be a part of `model/model.py`."""
    if folder == root or not (folder / f"{folder.name}.py").is_file():
        return False
    parts = (
        name.split(".")[1] for name in _imported_names(root) if name.startswith(f"{folder.name}.")
    )
    return any((folder / part).is_dir() or (folder / f"{part}.py").is_file() for part in parts)


def _is_imported_by_name(root: Path) -> bool:
    """Whether the project's files import each other by the name of its root: it is a package
    without an `__init__.py`."""
    imported = (name.split(".") for name in _imported_names(root) if "." in name)
    return any(
        first == root.name and ((root / second).is_dir() or (root / f"{second}.py").is_file())
        for first, second, *_ in imported
    )


_RELATIVE = re.compile(
    rb"^[ \t]*from[ \t]+(\.+)[ \t]*(?:([A-Za-z_][\w.]*)[ \t]+)?import\b", re.MULTILINE
)


@cache
def _deepest_relative_import(path: Path) -> int:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return 0
    return max((n.level for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)), default=0)


def _dotted(path: Path, base: Path) -> str | None:
    """The dotted name of a file from a folder above it; None where it has none."""
    try:
        parts = [*path.relative_to(base).with_suffix("").parts]
    except ValueError:
        return None
    if len(parts) > 1 and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts) if all(part.isidentifier() for part in parts) else None


def _in_package(path: Path) -> bool:
    return _is_package(path.parent)


@cache
def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def _package_parent(folder: Path) -> Path:
    """The first folder, from one that is a package upwards, that is none."""
    while _is_package(folder) and folder.name.isidentifier() and folder != folder.parent:
        folder = folder.parent
    return folder
