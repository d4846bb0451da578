"""A queue of states to try, cheapest first, each once; and what getting further is worth."""

from __future__ import annotations

import bisect
import heapq
import math
from typing import Dict, Generic, Hashable, List, Optional, Set, Tuple, TypeVar

State = TypeVar("State", bound=Hashable)


class BestFirst(Generic[State]):
    """A state that is pushed again, cheaper, moves up; one that was popped stays away."""

    def __init__(self) -> None:
        self._heap: List[Tuple[float, int, State]] = []
        self._costs: Dict[State, float] = {}
        self._popped: Set[State] = set()
        self._count = 0

    def push(self, cost: float, state: State) -> None:
        if cost < self._costs.get(state, math.inf) and state not in self._popped:
            self._costs[state] = cost
            self._count += 1
            heapq.heappush(self._heap, (cost, self._count, state))

    def pop(self) -> Optional[Tuple[float, State]]:
        while self._heap:
            cost, _, state = heapq.heappop(self._heap)
            if state not in self._popped:
                self._popped.add(state)
                return cost, state
        return None


class Advance:
    """Makes the states cheaper that come from one which got further.

    Only the order of what was reached counts: each new record is one step.
    """

    STEP = 2.0
    MOST = 4.0  # that all changes since then cost

    def __init__(self) -> None:
        self._records: List[int] = []

    def is_new(self, progress: int) -> bool:
        """Whether nothing got as far before; from now on it did."""
        if self._records and progress <= self._records[-1]:
            return False
        self._records.append(progress)
        return True

    def cost(self, cost: float, progress: int) -> float:
        """The cost of a state that was popped at `cost` and got so far, to reckon from."""
        best = -self.STEP * bisect.bisect_right(self._records, progress)
        return max(best, min(cost, best + self.MOST))
