"""Whole numbers of a configuration that must agree with each other: `n_fft // 2 + 1 == bins`.

They are tried on the condition that was not met, on the configuration that it saw.
"""

from __future__ import annotations

import itertools
from typing import Any, Collection, Iterator, List, Mapping, Tuple

from .configs import codemod_config
from .guards import Guard

Path = Tuple[str, ...]
MOST = 4  # settings that a condition is about
_SIZES = (64, 32, 33, 128, 65, 16, 31, 192, 8, 4, 2, 1)  # with what a half and one more give


def agreeing(
    guard: Guard, names: Collection[str], settings: Mapping[Path, str]
) -> Iterator[List[Tuple[Path, int]]]:
    """Values for the settings that the condition mentions, with which it would have been passed.

    `names`: of locals that may hold the configuration; else an attribute of `self` does.
    """
    asked = [path for path, text in settings.items() if text.isdigit() and path[-1] in guard.words]
    for live in _held(guard, names) if 1 < len(asked) <= MOST else ():
        parents = [_at(live, path[:-1]) for path in asked]
        before = [getattr(one, path[-1], None) for one, path in zip(parents, asked)]
        if None in parents or None in before:
            continue
        for numbers in itertools.product(_SIZES, repeat=len(asked)):
            _set(parents, asked, numbers)
            passes = guard.passes({})
            _set(parents, asked, before)
            if passes:
                yield list(zip(asked, numbers))


def _held(guard: Guard, names: Collection[str]) -> Iterator[Any]:
    """The configurations that a condition can see."""
    own = getattr(guard.local.get("self"), "__dict__", {})
    seen = [*(guard.local.get(name) for name in names), *own.values()]
    kind = type(codemod_config())
    yield from {id(one): one for one in seen if isinstance(one, kind)}.values()


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = getattr(value, key, None)
    return value


def _set(parents: List[Any], paths: List[Path], values: Collection[Any]) -> None:
    for parent, path, value in zip(parents, paths, values):
        setattr(parent, path[-1], value)
