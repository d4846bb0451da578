"""The library facade of `codemod doctor`: which classes can be run, and what the rest lacks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from codemod import __version__
from codemod.configuration import Options, line_length
from codemod.engine.registry import choose, known_transforms
from codemod.engine.sites import Sites, find_sites
from codemod.errors import UsageError
from codemod.results import ClassDiagnosis, Diagnosis, Recipe
from codemod.running import Progress, find_environment, open_pool, silent
from codemod.semantics.project import ClassKey
from codemod.semantics.relations import Relations
from codemod.settings import settings_of
from codemod.source.discovery import Discovery, discover
from codemod.source.durable import write_file
from codemod.source.overlay import Overlay
from codemod.source.submodules import not_checked_out
from codemod.verify import confirm as confirming
from codemod.verify.advice import line_for
from codemod.verify.environment import TargetEnvironment
from codemod.verify.examine import Examination, examine
from codemod.verify.recipes import RECIPES_FILE, find_recipes, read_given, read_table
from codemod.verify.recipes_file import Finding, render


def diagnose(
    options: Options,
    *,
    transforms: tuple[str, ...] = (),
    every: bool = False,
    write_recipes: bool = False,
    progress: Progress | None = None,
) -> Diagnosis:
    """Try to run each class that holds a site of a transform; with `every`, each module class.

    `transforms`: those alone, all by default. `write_recipes`: put what was found into
    codemod_recipes.py. Raises CodemodError.
    """
    started = time.monotonic()
    chosen = choose(transforms) if transforms else list(known_transforms().values())
    found = discover(options.root, options.paths, options.include, options.exclude)
    sites = find_sites(
        Overlay(found.root),
        found.files,
        found.selected,
        [item(settings_of(options)) for item in chosen],
        every=every,
        jobs=options.jobs,
        line_length=line_length(options.root),
    )
    environment = find_environment(found, options)
    relations = Relations(sites.project)
    recipes = find_recipes(
        found.root,
        dict.fromkeys(found.files, sites.project.text),
        list(sites.of),
        options.recipes,
        relations.runners,
        environment.module_name,
    )
    target = confirming.Target(
        found.root, environment.module_name, lambda path, name: relations.runners((path, name))
    )
    with open_pool(environment, options) as (pool, memory):
        seen = examine(
            target,
            sites.of,
            recipes,
            pool,
            confirming.Options(budget=options.budget),
            progress or silent,
            memory,
        )
        torch, protection = pool.torch, pool.protection
    return Diagnosis(
        version=__version__,
        root=str(found.root),
        python=str(environment.python),
        torch=torch,
        import_roots=tuple(_shown(root, found.root) for root in environment.import_roots),
        protection=protection,
        recipes=_recipe_files(found.root, options),
        classes=tuple(_class(key, sites, seen[key], environment) for key in sites.of),
        errors=(*sites.errors, *found.errors),
        seconds=time.monotonic() - started,
        notes=(
            *_lacking(found.root),
            *(_written(found, sites, seen, environment, options) if write_recipes else ()),
        ),
    )


def _class(
    key: ClassKey, sites: Sites, seen: Examination, environment: TargetEnvironment
) -> ClassDiagnosis:
    path, name = key
    dotted = f"{environment.module_name(path)}.{name}"
    advice = line_for(seen.reason, dotted, name, sites.project.text(path)) if seen.reason else ""
    return ClassDiagnosis(
        path=path,
        line=sites.project.classes[key].line,
        class_name=name,
        dotted=dotted,
        sites=len(sites.of[key]),
        recipe=seen.evidence,
        ran=seen.ran,
        stubs=seen.stubs,
        reason=seen.reason,
        advice=advice,
    )


def _lacking(root: Path) -> tuple[str, ...]:
    absent = not_checked_out(root)
    if not absent:
        return ()
    return (f"Not checked out: {', '.join(absent)}. Run git submodule update --init.",)


def _shown(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)


def _recipe_files(root: Path, options: Options) -> tuple[str, ...]:
    given = read_given(root, read_table(root), options.recipes)
    return tuple(dict.fromkeys(one.where.partition(":")[0] for one in given))


# ---- writing what was found


def _written(
    found: Discovery,
    sites: Sites,
    seen: Mapping[ClassKey, Examination],
    environment: TargetEnvironment,
    options: Options,
) -> tuple[str, ...]:
    """Adds to the recipes file, and says so. What stands in it stays as it is."""
    file = options.recipes or found.root / RECIPES_FILE
    existing = _text(file)
    findings = [
        Finding(
            environment.module_name(path),
            name,
            sites.project.text(path),
            _own_recipe((path, name), seen[path, name]),
            seen[path, name].reason,
        )
        for path, name in sites.of
    ]
    text = render(findings, existing)
    if text == existing:
        return (f"{file.name} has all of it already.",)
    try:
        write_file(file, text.encode("utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
    added = text.count("\ndef ") - existing.count("\ndef ")
    return (f"{'Added' if existing else 'Wrote'} {added} recipes: {_shown(file, found.root)}",)


def _own_recipe(key: ClassKey, seen: Examination) -> Recipe | None:
    """The recipe, unless the class only ran inside another model."""
    way = seen.way
    return way.recipe if way and (way.model.path, way.model.class_name) == key else None


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file.name} cannot be read, nothing added: {error}") from None
