"""Constructor arguments whose sizes would agree, where a call says that two sizes do not.

`planes * 4` channels meet the `inplanes` of the shortcut: 256 against 64. No input mends that; an
argument that is larger or smaller by the same factor does.
"""

from __future__ import annotations

import re
from typing import Iterator, List, Optional, Sequence, Tuple

Pair = Tuple[int, int]

_PATTERNS = (
    re.compile(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)"),
    re.compile(r"cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)"),
    re.compile(r"to have (\d+) channels, but got (\d+) channels"),
    re.compile(r"running_mean should contain (\d+) elements not (\d+)"),
    re.compile(r"Given normalized_shape=\[(\d+)\].*but got input of size\[.*?(\d+)\]"),
)
_RESHAPED = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")


def disagreeing(message: str) -> List[Pair]:
    """The pairs of sizes that a message says do not agree; none for any other message."""
    found = [pattern.search(message) for pattern in _PATTERNS]
    pairs = [(int(match.group(1)), int(match.group(2))) for match in found if match]
    reshaped = _RESHAPED.search(message)
    if reshaped:
        sizes = [int(one) for one in reshaped.group(1).split(",")]
        pairs.append((abs(_product(sizes)), int(reshaped.group(2))))
    return [(one, other) for one, other in pairs if one != other and one > 0 and other > 0]


def _product(sizes: List[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


def in_proportion(value: Optional[int], pairs: Sequence[Pair]) -> Iterator[int]:
    """Values larger or smaller than `value` by the factor between the sizes of a pair."""
    for one, other in pairs:
        for size, wanted in ((one, other), (other, one)):
            if value and value * wanted % size == 0:
                yield value * wanted // size


def of_the_pair(value: Optional[int], pairs: Sequence[Pair]) -> Iterator[int]:
    """The sizes themselves, for what is a number or may be one."""
    return (size for pair in pairs if value is not None for size in pair)
