"""Which of the wanted places run. A place is a path, a line and a column; 0 is all of the line.

Where the interpreter tells columns (3.11 upward), of two places on a line each is seen by itself:
one side of a conditional expression may never run. Elsewhere, and for a `def`, the line counts.
"""

from __future__ import annotations

import contextlib
import dis
import linecache
import os
import sys
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    NamedTuple,
    Sequence,
    Set,
    Tuple,
)

Line = Tuple[str, int]
Place = Tuple[str, int, int]


class _Wanted(NamedTuple):
    """What is wanted of one code object: by line, and by the offset of an instruction."""

    lines: Dict[int, FrozenSet[Place]]
    offsets: Dict[int, FrozenSet[Place]]


_NOTHING = _Wanted({}, {})


def place(wanted: Sequence[Any]) -> Place:
    """A path and a line, with or without a column (from 1, in code points), as a place."""
    path, line, *column = wanted
    return os.path.realpath(path), int(line), int(column[0]) if column else 0


class Coverage:
    """`reached`: those of the wanted places that ran under `watching`."""

    def __init__(self, wanted: Iterable[Sequence[Any]]) -> None:
        self.wanted = frozenset(place(one) for one in wanted)
        self.reached: Set[Place] = set()
        self._by_path: Dict[str, Dict[int, Set[Place]]] = {}
        for one in self.wanted:
            self._by_path.setdefault(one[0], {}).setdefault(one[1], set()).add(one)
        self._paths: Dict[str, str] = {}
        self._of_code: Dict[Any, _Wanted] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def reaches(self, action: Callable[[], Any]) -> FrozenSet[Place]:
        """The wanted places that ran while the action did."""
        self.reached = set()
        with self.watching():
            action()
        return frozenset(self.reached)

    def _enter(self, frame: Any, event: str, argument: Any) -> Any:
        code = frame.f_code
        found = self._wanted_of(code)
        # Of a `def` no line event tells that it was entered.
        self.reached.update(found.lines.get(code.co_firstlineno, ()))
        if found.offsets:
            frame.f_trace_opcodes = True
        return self._note if found is not _NOTHING else None

    def _note(self, frame: Any, event: str, argument: Any) -> Any:
        found = self._wanted_of(frame.f_code)
        if event == "line":
            self.reached.update(found.lines.get(frame.f_lineno, ()))
        elif event == "opcode":
            self.reached.update(found.offsets.get(frame.f_lasti, ()))
        return self._note

    def _wanted_of(self, code: Any) -> _Wanted:
        found = self._of_code.get(code)
        if found is None:
            path = self._paths.get(code.co_filename)
            if path is None:
                path = self._paths[code.co_filename] = os.path.realpath(code.co_filename)
            wanted = self._by_path.get(path)
            found = self._of_code[code] = _sorted(code, wanted) if wanted else _NOTHING
        return found


def _sorted(code: Any, wanted: Dict[int, Set[Place]]) -> _Wanted:
    own = set(_lines_of(code)) | {code.co_firstlineno}
    on_lines = {line: set(wanted[line]) for line in own if line in wanted}
    columns = {one: _bytes_before(one) for places in on_lines.values() for one in places if one[2]}
    offsets: Dict[int, FrozenSet[Place]] = {}
    for offset, starts in _starts(code):
        at = frozenset(one for one, before in columns.items() if (one[1], before) == starts)
        if at:
            offsets[offset] = at
    inner = (start for one in _inside(code) for _, start in _starts(one))
    precise = {start for _, start in _starts(code)} | (set(inner) if columns else set())
    lines = {
        line: frozenset(one for one in places if (line, columns.get(one)) not in precise)
        for line, places in on_lines.items()
    }
    lines = {line: places for line, places in lines.items() if places}
    return _Wanted(lines, offsets) if lines or offsets else _NOTHING


def _bytes_before(place: Place) -> int:
    path, line, column = place
    return len(linecache.getline(path, line)[: column - 1].encode("utf-8", "surrogatepass"))


def _starts(code: Any) -> Iterator[Tuple[int, Tuple[int, int]]]:
    """The offset of each instruction, with the line and the column in bytes that it starts at."""
    positions = getattr(code, "co_positions", None)
    for index, (line, _, column, _) in enumerate(positions() if positions is not None else ()):
        is_entry = column == 0 and line == code.co_firstlineno  # it stands for the whole `def`
        if line is not None and column is not None and not is_entry:
            yield 2 * index, (line, column)


def _inside(code: Any) -> Iterator[Any]:
    for constant in code.co_consts:
        if hasattr(constant, "co_consts"):
            yield constant
            yield from _inside(constant)


def _lines_of(code: Any) -> Iterator[int]:
    return (line for _, line in dis.findlinestarts(code) if line is not None)
