"""What the commands that run models have in common: interpreter, pool, memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from codemod.configuration import Options
from codemod.source.discovery import Discovery
from codemod.source.state import state_directory
from codemod.verify.environment import TargetEnvironment, find_python
from codemod.verify.memory import Memory
from codemod.verify.pool import WorkerPool
from codemod.verify.standby import StandbyPool

Progress = Callable[[int, int, str], None]


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
