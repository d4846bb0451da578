"""Which of the wanted lines run. A line is a path and a number."""

from __future__ import annotations

import contextlib
import dis
import os
import sys
from typing import Any, Callable, Dict, FrozenSet, Iterable, Iterator, Set, Tuple

Line = Tuple[str, int]
_NONE: FrozenSet[int] = frozenset()


class Coverage:
    """`reached`: those of the wanted lines that ran under `watching`."""

    def __init__(self, wanted: Iterable[Line]) -> None:
        self.wanted = frozenset((os.path.realpath(path), line) for path, line in wanted)
        self.reached: Set[Line] = set()
        self._by_path: Dict[str, Set[int]] = {}
        for path, line in self.wanted:
            self._by_path.setdefault(path, set()).add(line)
        self._paths: Dict[str, str] = {}
        self._of_code: Dict[Any, FrozenSet[int]] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def reaches(self, action: Callable[[], Any]) -> FrozenSet[Line]:
        """The wanted lines that ran while the action did."""
        self.reached = set()
        with self.watching():
            action()
        return frozenset(self.reached)

    def _enter(self, frame: Any, event: str, argument: Any) -> Any:
        code = frame.f_code
        lines = self._lines_in(code)
        if code.co_firstlineno in lines:  # of a `def`: no line event tells that it was entered
            self.reached.add((self._paths[code.co_filename], code.co_firstlineno))
        return self._note if lines else None

    def _note(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "line" and frame.f_lineno in self._lines_in(frame.f_code):
            self.reached.add((self._paths[frame.f_code.co_filename], frame.f_lineno))
        return self._note

    def _lines_in(self, code: Any) -> FrozenSet[int]:
        found = self._of_code.get(code)
        if found is None:
            path = self._paths.get(code.co_filename)
            if path is None:
                path = self._paths[code.co_filename] = os.path.realpath(code.co_filename)
            wanted = self._by_path.get(path)
            found = frozenset(wanted & set(_lines_of(code))) if wanted else _NONE
            self._of_code[code] = found
        return found


def _lines_of(code: Any) -> Iterator[int]:
    return (line for _, line in dis.findlinestarts(code) if line is not None)
