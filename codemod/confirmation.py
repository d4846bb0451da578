"""The half of the library facade that runs models: confirm what was planned, repeat a run."""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path

from codemod.configuration import Options, find_root
from codemod.engine.planning import Planned
from codemod.errors import UsageError
from codemod.results import Repeated, Verdict
from codemod.running import Progress, find_environment, open_pool, silent
from codemod.semantics.relations import Relations
from codemod.source.discovery import Discovery, discover
from codemod.source.state import state_directory
from codemod.verify import confirm as confirming
from codemod.verify import replay
from codemod.verify.environment import TargetEnvironment
from codemod.verify.pool import WorkerPool
from codemod.verify.recipes import find_recipes

_REPLAYS = "replays"


def confirm(
    planned: Planned, found: Discovery, options: Options, progress: Progress | None
) -> confirming.Confirmation | None:
    """Run the models; verdicts whose run was kept say so. Nothing is started where there is
    nothing to confirm."""
    rewrites = planned.plan.rewrites
    if not rewrites:
        return None
    environment = find_environment(found, options)
    project = planned.passes[0].project
    relations = Relations(project)
    recipes = find_recipes(
        found.root,
        dict.fromkeys(found.files, project.text),
        [(item.path, item.class_name) for item in rewrites],
        options.recipes,
        relations.runners,
        environment.module_name,
    )
    target = confirming.Target(
        found.root,
        environment.module_name,
        lambda path, name: relations.runners((path, name)),
    )
    with open_pool(environment, options) as (pool, memory):
        confirmed = confirming.confirm(
            target,
            rewrites,
            planned.composed_to_run,
            recipes,
            pool,
            confirming.Options(
                accept_behaviour_change="behaviour-change" in options.accept,
                accept_unconfirmed="unconfirmed" in options.accept,
                accept_symbolic="symbolic" in options.accept,
                budget=options.budget,
            ),
            progress or silent,
            memory=memory,
        )
    return dataclasses.replace(confirmed, verdicts=_with_replays(confirmed, environment))


def _with_replays(
    confirmation: confirming.Confirmation, environment: TargetEnvironment
) -> dict[str, Verdict]:
    root, python, timeout = environment.root, str(environment.python), environment.timeout
    replays = [
        dataclasses.replace(one, python=python, timeout=timeout) for one in confirmation.replays
    ]
    kept = replay.store(state_directory(root) / _REPLAYS, replays)
    verdicts = dict(confirmation.verdicts)
    for key in kept:
        evidence = verdicts[key].evidence
        if evidence is not None:
            known = dataclasses.replace(evidence, replay=f"{key}{_from_here(root)}")
            verdicts[key] = dataclasses.replace(verdicts[key], evidence=known)
    return verdicts


def _from_here(root: Path) -> str:
    """What tells the project, where the folder at hand does not."""
    here = Path.cwd()
    if find_root([here]).resolve() == root.resolve():
        return ""
    return " " + shlex.quote(os.path.relpath(root, here))


def repeat(options: Options, key: str) -> Repeated:
    """Run again, in fresh processes, what showed the rewrite `key` to be different.

    Raises UsageError where nothing is kept of it, or where the source has changed since.
    """
    kept = replay.load(state_directory(options.root) / _REPLAYS, key)
    changed = replay.changed_files(kept, options.root)
    if changed:
        raise UsageError(
            f"{', '.join(changed)}: changed since that run, which cannot be repeated exactly;"
            " codemod diff runs what is there"
        )
    found = discover(options.root, (options.root,), options.include, options.exclude)
    options = dataclasses.replace(options, python=Path(kept.python), timeout=kept.timeout)
    environment = find_environment(found, options)
    with WorkerPool(environment, jobs=1, variables=options.environment) as pool:
        return replay.repeat(kept, found.root, environment.module_name, pool)
