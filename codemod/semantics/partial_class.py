"""A class statement of which only the statements that are asked for are parsed."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from codemod.errors import SourceError
from codemod.semantics.syntax import children, first_line


@dataclass(frozen=True)
class Members:
    """The statements of the body of one class, each parsed when it is first asked for.

    `lines`: the first line (1-based) of each, and the line behind the class. `parse`: gives the
    class with those statements of its body alone that stand from a line on, before another; raises
    SourceError where they cannot stand alone. `whole`: gives all of the class.
    """

    lines: Sequence[int]
    parse: Callable[[int, int], ast.ClassDef]
    whole: Callable[[], ast.ClassDef]
    given: dict[int, list[ast.stmt]] = field(default_factory=dict)

    def at(self, line: int) -> list[ast.stmt]:
        """The statements near a line; nothing above and below the body."""
        index = self._index(line)
        if not 0 <= index < len(self.lines) - 1:
            return []
        if index not in self.given:
            try:
                self.given[index] = self.parse(*self.lines[index : index + 2]).body
            except SourceError:  # the head ends in a backslash, say
                return [one for one in self.whole().body if self._of(one) == index]
        return self.given[index]

    def keep_in(self, body: list[ast.stmt]) -> None:
        """Put the nodes that were given away in the place of those parsed anew."""
        fresh: dict[int, list[ast.stmt]] = {}
        for one in body:
            fresh.setdefault(self._of(one), []).append(one)
        self.given.update({index: fresh[index] for index in fresh.keys() - self.given.keys()})
        body[:] = [one for index in sorted(self.given) for one in self.given[index]]

    def _of(self, statement: ast.stmt) -> int:
        return self._index(first_line(statement))

    def _index(self, line: int) -> int:
        return bisect_right(self.lines, line) - 1


class PartialClass(ast.ClassDef):
    """As any `ast.ClassDef`; its `body` is parsed when it is read."""

    members: Members

    @classmethod
    def of(cls, members: Members) -> ast.ClassDef:
        """The class itself where its head does not stand alone."""
        try:
            head = members.parse(*members.lines[:2])
        except SourceError:
            return members.whole()
        made = cls.__new__(cls)
        made.members = members
        for name in (*head._fields, *head._attributes):
            if name != "body":
                setattr(made, name, getattr(head, name, None))
        made.end_lineno = members.lines[-1] - 1
        return made

    @property
    def body(self) -> list[ast.stmt]:
        return self.members.whole().body

    @body.setter
    def body(self, statements: list[ast.stmt]) -> None:
        raise AttributeError("what was parsed is not changed")

    def over(self, lines: Iterable[int]) -> list[ast.AST]:
        """The nodes of the head, and the statements of the body near these lines."""
        found = {id(one): one for line in sorted(lines) for one in self.members.at(line)}
        return [*self.decorator_list, *self.bases, *self.keywords, *found.values()]


def below(node: ast.AST, lines: Iterable[int]) -> list[ast.AST]:
    """The nodes directly below that reach over one of these lines, and perhaps others."""
    return node.over(lines) if isinstance(node, PartialClass) else children(node)
