"""A worker pool that starts nothing until it must."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from codemod.verify.memory import Machine, Memory
from codemod.verify.pool import WorkerPool


class StandbyPool:
    """Starts the pool that `make` gives for the first request that the memory cannot answer.

    Where the memory does not know the interpreter, that is at once. A context manager.
    """

    def __init__(self, make: Callable[[], WorkerPool], memory: Memory) -> None:
        self._make = make
        self._memory = memory
        self._pool: WorkerPool | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> StandbyPool:
        if self._memory.machine is None:
            self._started()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
        self._memory.forget_old()

    @property
    def protection(self) -> tuple[str, ...]:
        return self._pool.protection if self._pool else self._known.protection

    @property
    def torch(self) -> str | None:
        return self._pool.torch if self._pool else self._known.torch

    @property
    def _known(self) -> Machine:
        assert self._memory.machine is not None, "no pool and no memory of one"
        return self._memory.machine

    def define(
        self,
        overlay: str,
        files: Mapping[str, str],
        witnesses: Mapping[str, list[list[object]]],
    ) -> None:
        self._started().define(overlay, files, witnesses)

    def forget(self, overlay: str) -> None:
        if self._pool is not None:
            self._pool.forget(overlay)

    def submit(self, request: Mapping[str, object]) -> Future[dict[str, Any]]:
        return self._started().submit(request)

    def _started(self) -> WorkerPool:
        if self._pool is None:
            self._pool = self._open.enter_context(self._make())
            self._meet(self._pool)
        return self._pool

    def _meet(self, pool: WorkerPool) -> None:
        if pool.unavailable is None:
            said = Machine(str(pool.python), str(pool.torch), pool.protection, pool.path)
            self._memory.met(said)
