"""`[tool.codemod]` of pyproject.toml and the command line, as one frozen value."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from codemod import presets
from codemod.errors import UsageError
from codemod.source.state import git_top

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOOPS = ("shared", "per-layer")
SEQUENTIAL = ("apart", "append")
ACCEPTABLE = ("behaviour-change", "symbolic", "unconfirmed")
DEFAULT_TRANSFORMS = ("call-to-forward", "dropout-to-module")
_PROJECT_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg")
_LINE_LENGTH = 88
_PRESET_KEYS = ("presets", "transforms", "only")


@dataclass(frozen=True)
class Options:
    """What a run is asked to do. Paths are absolute; globs are relative to `root`."""

    paths: tuple[Path, ...]
    root: Path
    transforms: tuple[str, ...] = DEFAULT_TRANSFORMS
    preset: str | None = None
    reuse: str = ""  # why modules that are called more than once a forward are counted
    only: tuple[str, ...] = ()
    loops: str = "shared"  # one of LOOPS: what a call in a loop becomes
    sequential: str = "apart"  # one of SEQUENTIAL: what a call on the result of one becomes
    verify: bool = True
    accept: frozenset[str] = frozenset()
    jobs: int = 1
    python: Path | None = None
    recipes: Path | None = None
    timeout: float = 60.0  # seconds, of one child
    budget: float | None = None  # seconds, of the run
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    import_roots: tuple[Path, ...] = ()
    environment: tuple[str, ...] = ()  # variables that models may see, beyond the harmless ones
    cache: bool = True
    details: bool = False  # each rewrite with its edits and patch alone, for a JSON report


@dataclass(frozen=True)
class CommandLine:
    """What the command line says; None or empty where it says nothing. Paths are as typed."""

    paths: tuple[str, ...] = ()
    transforms: tuple[str, ...] = ()
    preset: str | None = None
    only: tuple[str, ...] = ()
    loops: str | None = None
    sequential: str | None = None
    verify: bool | None = None
    accept: tuple[str, ...] = ()
    jobs: int | None = None
    python: str | None = None
    recipes: str | None = None
    timeout: float | None = None
    budget: float | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    config: str | None = None
    cache: bool | None = None


@dataclass(frozen=True)
class _Configuration:
    """The `[tool.codemod]` table of one file; its paths are relative to `folder`."""

    file: Path
    table: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.file.parent


def make_options(line: CommandLine, cwd: Path) -> Options:
    """The options of a run: the command line over the configuration over the defaults.

    Raises UsageError: a path that does not exist, a broken or unknown key, a bad value.
    """
    paths = tuple(_existing(cwd, path) for path in line.paths) or (cwd,)
    root = find_root(paths)
    configuration = _configuration(line.config, cwd, root)
    table = configuration.table
    # Transforms that are named on the command line replace a preset of the configuration.
    preset = line.preset or (None if line.transforms else table.get("preset"))
    found = _preset(preset, configuration) if preset else presets.Preset()
    chosen = {**table, **{key: value for key, value in asdict(found).items() if value}}
    return Options(
        paths=paths,
        root=root,
        transforms=_transforms(line, chosen, configuration, cwd),
        preset=preset,
        reuse=found.reuse,
        only=_names(line.only or chosen.get("only", ())),
        loops=_one_of("loops", _first(line.loops, chosen.get("loops"), "shared"), LOOPS),
        sequential=_one_of(
            "sequential", _first(line.sequential, table.get("sequential"), "apart"), SEQUENTIAL
        ),
        verify=_first(line.verify, table.get("verify"), True),
        accept=_accepted(line.accept or table.get("accept", ())),
        jobs=_positive("jobs", _first(line.jobs, table.get("jobs"), _processors())),
        python=_interpreter(line.python, cwd, table.get("python"), configuration),
        recipes=_file(line.recipes, cwd, table.get("recipes"), configuration),
        timeout=_positive("timeout", _first(line.timeout, table.get("timeout"), Options.timeout)),
        budget=_first(line.budget, table.get("budget"), None),
        include=(*table.get("include", ()), *line.include),
        exclude=(*table.get("exclude", ()), *line.exclude),
        import_roots=_folders(configuration),
        environment=tuple(table.get("environment", ())),
        cache=_first(line.cache, table.get("cache"), True),
    )


def find_root(paths: Sequence[Path]) -> Path:
    """The project root of `paths`.

    Above them all, the nearest folder whose pyproject.toml has [tool.codemod]; else the top of
    the git repository; else the nearest folder with packaging metadata; else their common
    folder, or the parent of the package that it lies in.
    """
    start = _common_folder(paths)
    top = git_top(start)
    above = [start, *start.parents]
    if top is not None:
        above = above[: above.index(top) + 1]
    configured = (folder for folder in above if _table(folder / "pyproject.toml") is not None)
    packaged = (f for f in above if any((f / marker).is_file() for marker in _PROJECT_MARKERS))
    return next(configured, None) or top or next(packaged, None) or _outside_packages(start)


def line_length(root: Path) -> int:
    """The project's limit: that of ruff or black in its pyproject.toml, else theirs by default."""
    try:
        content = tomllib.loads((root / "pyproject.toml").read_bytes().decode("utf-8"))
    except (OSError, ValueError):
        return _LINE_LENGTH
    tools = content.get("tool", {})
    found = (tools.get("ruff", {}).get("line-length"), tools.get("black", {}).get("line-length"))
    return next((value for value in found if isinstance(value, int)), _LINE_LENGTH)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that does not exist, with those that look like it."""
    known = sorted(known)
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return UsageError(f"unknown {kind} {name!r}; did you mean {' or '.join(near)}?")
    return UsageError(f"unknown {kind} {name!r}; known are: {', '.join(known) or 'none'}")


# ---- the file


def _configuration(named: str | None, cwd: Path, root: Path) -> _Configuration:
    file = _existing(cwd, named) if named else root / "pyproject.toml"
    table = _table(file)
    if table is None and named:
        raise UsageError(f"{named}: holds no [tool.codemod]")
    _check_table(file, table or {})
    return _Configuration(file, table or {})


def _table(file: Path) -> Mapping[str, Any] | None:
    """`[tool.codemod]` of a TOML file; None if the file or the table is not there."""
    try:
        content = tomllib.loads(file.read_bytes().decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{file}: is no valid TOML: {error}") from None
    tools = content.get("tool", {})
    table = tools.get("codemod") if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{file}: [tool.codemod] must be a table")
    return table


def _check_table(file: Path, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if key not in _KEYS:
            error = unknown_name("key", key, _KEYS)
            raise UsageError(f"{file}: [tool.codemod]: {error}")
        is_right, wanted = _KEYS[key]
        if not is_right(value):
            raise UsageError(f"{file}: [tool.codemod] {key}: must be {wanted}, not {value!r}")
    if "preset" in table and "transforms" in table:
        raise UsageError(f"{file}: [tool.codemod]: set preset or transforms, not both")
    for name, preset in table.get("presets", {}).items():
        _check_preset(file, name, preset)


def _check_preset(file: Path, name: str, preset: object) -> None:
    where = f"{file}: [tool.codemod.presets.{name}]"
    if not isinstance(preset, dict):
        raise UsageError(f"{where}: must be a table")
    for key, value in preset.items():
        if key not in _PRESET_KEYS:
            raise UsageError(f"{where}: {unknown_name('key', key, _PRESET_KEYS)}")
        if not _is_strings(value):
            raise UsageError(f"{where} {key}: must be a list of strings, not {value!r}")


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_string(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_recipes(value: object) -> bool:
    """A file, or `[tool.codemod.recipes."pkg.net.Net"]`, which confirming reads itself."""
    is_table = isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())
    return is_table or _is_string(value)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


_STRINGS = (_is_strings, "a list of strings")
_STRING = (_is_string, "a string")
_NUMBER = (_is_number, "a number of seconds")
_KEYS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "accept": _STRINGS,
    "budget": _NUMBER,
    "environment": _STRINGS,
    "cache": (_is_flag, "true or false"),
    "exclude": _STRINGS,
    "import_roots": _STRINGS,
    "include": _STRINGS,
    "jobs": (_is_whole, "a whole number"),
    "loops": _STRING,
    "only": _STRINGS,
    "preset": _STRING,
    "presets": (_is_table, "a table"),
    "python": _STRING,
    "recipes": (_is_recipes, "a file name, or a table of recipes by class"),
    "sequential": _STRING,
    "timeout": _NUMBER,
    "transforms": _STRINGS,
    "verify": (_is_flag, "true or false"),
}


# ---- one value each


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _transforms(
    line: CommandLine, chosen: Mapping[str, Any], configuration: _Configuration, cwd: Path
) -> tuple[str, ...]:
    """Names as they are; paths of transform files made absolute."""
    base = cwd if line.transforms else configuration.folder
    names = line.transforms or chosen.get("transforms") or DEFAULT_TRANSFORMS
    found = [str(base / name) if _is_path(name) else name for name in names]
    return tuple(dict.fromkeys(found))


def _is_path(name: str) -> bool:
    return name.endswith(".py") or "/" in name or os.sep in name


def _preset(name: str, configuration: _Configuration) -> presets.Preset:
    own: Mapping[str, Any] = configuration.table.get("presets", {})
    try:
        return presets.resolve(name, own)
    except KeyError as missing:
        known = {*presets.BUILT_IN, *own}
        raise unknown_name("preset", str(missing.args[0]), known) from None


def _names(values: Iterable[str]) -> tuple[str, ...]:
    """`relu,@pooling` is two names."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _accepted(values: Iterable[str]) -> frozenset[str]:
    return frozenset(_one_of("accept", value, ACCEPTABLE) for value in values)


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise unknown_name(f"value of {name}", value, known)
    return value


def _positive(name: str, value: Any) -> Any:
    if not value > 0:  # also what is no number at all
        raise UsageError(f"{name} must be more than 0, not {value}")
    return value


def _interpreter(
    typed: str | None, cwd: Path, configured: str | None, configuration: _Configuration
) -> Path | None:
    """A path, or a command that is found on PATH. Links stay: they lead to an environment."""
    name = typed if typed is not None else configured
    if name is None:
        return None
    base = cwd if typed is not None else configuration.folder
    path = base / Path(name).expanduser()
    if path.is_file():
        return Path(os.path.abspath(path))
    found = None if _is_path(name) else shutil.which(name)
    if found is None:
        raise UsageError(f"{name}: no such interpreter")
    return Path(found)


def _file(
    typed: str | None, cwd: Path, configured: object, configuration: _Configuration
) -> Path | None:
    if typed is not None:
        return _existing(cwd, typed)
    return _existing(configuration.folder, configured) if isinstance(configured, str) else None


def _folders(configuration: _Configuration) -> tuple[Path, ...]:
    names = configuration.table.get("import_roots", ())
    return tuple(_existing(configuration.folder, name) for name in names)


def _existing(base: Path, name: str) -> Path:
    path = Path(os.path.abspath(base / name))
    if not os.path.lexists(path):
        raise UsageError(f"{name}: no such file or folder")
    return path


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# ---- the root


def _common_folder(paths: Sequence[Path]) -> Path:
    folders = [(path if path.is_dir() else path.parent).resolve() for path in paths]
    return Path(os.path.commonpath(folders))


def _outside_packages(folder: Path) -> Path:
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder
