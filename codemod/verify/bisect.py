"""Finds which of several changes made together makes a test fail."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Test = Callable[[Sequence[Item]], Generator[Any, Any, bool]]


def first_to_fail(items: Sequence[Item], fails: Test[Item]) -> Generator[Any, Any, int]:
    """The index of an item that makes a prefix fail which passed without it.

    `fails(prefix)` is a job that tells whether a prefix fails; the empty prefix passes and
    all items together fail. Takes about log2(len(items)) tests, also where changes fail only
    together.
    """
    passing, failing = 0, len(items)
    while failing - passing > 1:
        middle = (passing + failing) // 2
        if (yield from fails(items[:middle])):
            failing = middle
        else:
            passing = middle
    return failing - 1
