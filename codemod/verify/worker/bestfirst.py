"""A queue of states to try, cheapest first, each state once."""

from __future__ import annotations

import heapq
from typing import Generic, Hashable, List, Optional, Set, Tuple, TypeVar

State = TypeVar("State", bound=Hashable)


class BestFirst(Generic[State]):
    def __init__(self) -> None:
        self._heap: List[Tuple[float, int, State]] = []
        self._seen: Set[State] = set()
        self._count = 0

    def push(self, cost: float, state: State) -> None:
        if state not in self._seen:
            self._seen.add(state)
            self._count += 1
            heapq.heappush(self._heap, (cost, self._count, state))

    def pop(self) -> Optional[Tuple[float, State]]:
        if not self._heap:
            return None
        cost, _, state = heapq.heappop(self._heap)
        return cost, state
