"""The candidates for each class: what the user gives, then what the project shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from codemod.errors import UsageError
from codemod.results import Recipe
from codemod.source.discovery import SKIPPED_DIRECTORIES
from codemod.verify import given as given_recipes
from codemod.verify.given import Given
from codemod.verify.harvest import Key, Text, harvest
from codemod.verify.spelling import ModuleOf

RECIPES_FILE = "codemod_recipes.py"
_DOCUMENTS = (".md", ".rst", ".json", ".yaml", ".yml")
_LARGEST_DOCUMENT = 256 * 1024
_MOST_DOCUMENTS = 2000


class RecipeBook:
    """Candidates for the classes of one project: `book(path, class_name)`, best first."""

    def __init__(
        self,
        given: Collection[Given],
        harvested: Mapping[Key, tuple[Recipe, ...]],
        module_of: ModuleOf,
    ) -> None:
        self._given = tuple(given)
        self._harvested = harvested
        self._module_of = module_of

    def __call__(self, path: str, class_name: str) -> tuple[Recipe, ...]:
        """A class that has given recipes is run with those alone."""
        dotted = f"{self._module_of(path)}.{class_name}"
        found = [one for one in self._given if one.covers(path) and one.matches(dotted, class_name)]
        if found:
            nearest = max(len(one.folder) for one in found)
            chosen = (one for one in found if len(one.folder) == nearest)
            return tuple(one.recipe(path, class_name) for one in chosen)
        return self._harvested.get((path, class_name), ())


def dotted_name(path: str) -> str:
    """The name that a file is imported by if the project's root, or `src/`, is the import root."""
    return path.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")


def find_recipes(
    root: Path,
    files: Mapping[str, Callable[[str], str]],
    wanted: Collection[Key],
    file: Path | None = None,
    runners: Callable[[Key], Iterable[Key]] = lambda key: (),
    module_of: ModuleOf = dotted_name,
) -> RecipeBook:
    """The candidates for the wanted classes and for what else runs them, read once.

    `files`: path -> a function that gives the text of a path. `file`: what `--recipes` names.
    Raises UsageError for given recipes that cannot be used.
    """
    given = read_given(root, read_table(root), file)
    given += read_nested(root, files)
    every = dict.fromkeys([*wanted, *(other for key in wanted for other in runners(key))])
    texts = {path: partial(_encoded, text, path) for path, text in files.items()}
    return collect(texts, list(every), module_of, given, find_documents(root))


def _encoded(text: Callable[[str], str], path: str) -> bytes:
    return text(path).encode("utf-8", "surrogatepass")


def read_nested(root: Path, files: Iterable[str]) -> tuple[Given, ...]:
    """What the projects in folders below the root give for the files below them.

    Raises UsageError.
    """
    folders = {parent.as_posix() for file in files for parent in PurePosixPath(file).parents}
    found: tuple[Given, ...] = ()
    for folder in sorted(folders - {"."}):
        inner = root / folder
        if (inner / "pyproject.toml").is_file() or (inner / RECIPES_FILE).is_file():
            for one in read_given(inner, read_table(inner, f"{folder}/pyproject.toml")):
                found += (replace(one, where=f"{folder}/{one.where}", folder=folder),)
    return found


def find_documents(root: Path) -> dict[str, Text]:
    """Prose and data of a project that may show how its models are built: path -> bytes."""
    found: dict[str, Text] = {}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name for name in folders if name not in SKIPPED_DIRECTORIES and not name.startswith(".")
        )
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(_DOCUMENTS) and _size(file) <= _LARGEST_DOCUMENT:
                found[file.relative_to(root).as_posix()] = file.read_bytes
            if len(found) == _MOST_DOCUMENTS:
                return found
    return found


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return _LARGEST_DOCUMENT + 1


def read_table(root: Path, shown: str = "pyproject.toml") -> Mapping[str, Any]:
    """The table of a folder's pyproject.toml; empty without one. Raises UsageError."""
    try:
        content = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    except OSError:
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {shown}: {error}") from None
    table = content.get("tool", {}).get("codemod", {}).get("recipes", {})
    return table if isinstance(table, Mapping) else {}


def read_given(
    root: Path, table: Mapping[str, Any] | None = None, file: Path | None = None
) -> tuple[Given, ...]:
    """What the user gives: the table of the configuration, then the recipes file.

    `file`: the one that `--recipes` names; without it, a `codemod_recipes.py` at the root.
    Raises UsageError.
    """
    found = given_recipes.from_table(table) if table else ()
    chosen = file if file is not None else root / RECIPES_FILE
    if file is not None or chosen.is_file():
        found += given_recipes.from_file(chosen, _shown(chosen, root))
    return found


def collect(
    files: Mapping[str, Text],
    wanted: Collection[Key],
    module_of: ModuleOf,
    given: Collection[Given] = (),
    documents: Mapping[str, Text] | None = None,
) -> RecipeBook:
    """Harvests the project once for all wanted classes, given as `(path, class name)`."""
    return RecipeBook(given, harvest(files, wanted, module_of, documents), module_of)


def candidates(
    files: Mapping[str, Text],
    path: str,
    class_name: str,
    given: Collection[Given],
    module_of: ModuleOf,
) -> tuple[Recipe, ...]:
    """The candidates for one class; `collect` serves many at the price of one."""
    return collect(files, [(path, class_name)], module_of, given)(path, class_name)


def _shown(file: Path, root: Path) -> str:
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(file)
