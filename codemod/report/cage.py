"""What the cage does not hold on this machine, in a sentence each."""

from __future__ import annotations

from collections.abc import Collection, Iterator

_BY_HOOK = {
    "read-only:audit-hook": "a C extension can write files (no mount namespace, no Landlock)",
    "no-network:audit-hook": "a C extension can reach the network (no network namespace)",
}
_BY_LANDLOCK = "a C extension can send what is not TCP (no network namespace)"


def holes(protection: Collection[str]) -> Iterator[str]:
    """`protection`: the words of the worker for what was in force; none: nothing ran."""
    yield from (said for word, said in _BY_HOOK.items() if word in protection)
    if "no-network:landlock" in protection and "no-network:namespace" not in protection:
        yield _BY_LANDLOCK
    if protection and "memory-limit" not in protection:
        yield "memory is not limited"
    if protection and "process-limit" not in protection:
        yield "the number of processes is not limited"
