"""One function over many items, in as many processes as are allowed."""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar


@contextmanager
def paused_collector() -> Iterator[None]:
    """Without cyclic garbage collection, which takes as long as parsing does and finds nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.unfreeze()  # into the oldest generation: the next collection walks what is new
            gc.enable()


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Below this many items a second process costs more than it saves.
_WORTH_A_PROCESS = 64


# What the processes of the moment run: inherited by a fork, sent once to a spawned process.
_shared: Any = None


def _run_shared(items: Any) -> Any:
    return _shared(items)


def _share(function: Any) -> None:
    global _shared
    _shared = function


def _share_once(*functions: Any) -> None:
    gc.freeze()  # a collection that walks what is shared would copy it
    if functions:
        _share(functions[0])


def is_worth_processes(items: Sequence[object], jobs: int) -> bool:
    """Whether `spread` uses several."""
    return jobs > 1 and len(items) >= _WORTH_A_PROCESS


def spread(
    function: Callable[[Sequence[_Item]], list[_Result]], items: Sequence[_Item], jobs: int
) -> list[_Result]:
    """`function(items)` in chunks over `jobs` processes; results in the order of the items.

    Where processes can be forked, `function` and all that it holds is shared, not sent.
    """
    if not is_worth_processes(items, jobs):
        return function(items)
    size = max(8, min(24, len(items) // (jobs * 8)))
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    context = multiprocessing.get_context(method)
    _share(function)
    initargs = () if method == "fork" else (function,)
    try:
        with ProcessPoolExecutor(jobs, context, _share_once, initargs) as pool:
            return list(_flatten(pool.map(_run_shared, chunks)))
    finally:
        _share(None)


def _flatten(results: Iterable[list[_Result]]) -> Iterator[_Result]:
    for result in results:
        yield from result
