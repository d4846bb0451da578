"""What the commands that run models have in common: settings, interpreter, pool."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from codemod.catalogue import select
from codemod.configuration import Options, line_length
from codemod.editing.transform import Settings
from codemod.source.discovery import Discovery
from codemod.source.state import state_directory
from codemod.verify.environment import TargetEnvironment, find_python
from codemod.verify.memory import Memory
from codemod.verify.pool import WorkerPool
from codemod.verify.standby import StandbyPool


def settings_of(options: Options) -> Settings:
    """What the options say to transforms."""
    only = frozenset(pair.module for pair in select(options.only)) if options.only else None
    per_layer = options.loops == "per-layer"
    append = options.sequential == "append"
    return Settings(only, line_length(options.root), options.verify, per_layer, append)


@contextlib.contextmanager
def open_pool(
    environment: TargetEnvironment, options: Options
) -> Iterator[tuple[WorkerPool | StandbyPool, Memory | None]]:
    """What runs the models, and what remembers the answers."""

    def make() -> WorkerPool:
        return WorkerPool(environment, jobs=options.jobs, variables=options.environment)

    if not options.cache:
        with make() as pool:
            yield pool, None
        return
    folder = state_directory(environment.root) / "answers"
    memory = Memory(folder, environment, options.environment)
    with StandbyPool(make, memory) as standby:
        yield standby, memory


def silent(done: int, total: int, label: str) -> None:
    return None


def find_environment(found: Discovery, options: Options) -> TargetEnvironment:
    python = find_python(str(options.python) if options.python else None, found.root)
    return TargetEnvironment.of(
        python,
        found.root,
        found.files,
        [str(root) for root in options.import_roots],
        timeout=options.timeout,
    )
