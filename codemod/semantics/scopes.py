"""Which name a use refers to: function scopes inside one file, then the file, then the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from codemod.semantics.index import Binding, bindings_of
from codemod.semantics.project import Base, Project
from codemod.semantics.syntax import FunctionNode, dotted_name, parameters_of, statements_in, walk

ScopeNode = FunctionNode | ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
# The same, to ask of every node of a tree: far quicker than `isinstance`.
SCOPE_KINDS: frozenset[type[ast.AST]] = frozenset(
    {ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda}
    | {ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp}
)


@dataclass(frozen=True)
class Scope:
    """One function, lambda or comprehension, inside another or inside the file."""

    node: ScopeNode
    path: str
    parent: Scope | None = None
    walrus: bool = True  # whether it may hold a `:=`

    @cached_property
    def bindings(self) -> dict[str, list[Binding]]:
        found: dict[str, list[Binding]] = {}
        for name, binding in self._bound():
            found.setdefault(name, []).append(binding)
        return found

    def _bound(self) -> list[tuple[str, Binding]]:
        other = Binding("other")
        node = self.node
        if isinstance(node, Comprehension):
            names = [leaf for part in node.generators for leaf in walk(part.target)]
            return [(leaf.id, other) for leaf in names if isinstance(leaf, ast.Name)]
        bound = [(argument.arg, other) for argument in parameters_of(node)]
        if isinstance(node, ast.Lambda):
            return bound
        for statement in statements_in(node.body):
            bound.extend(bindings_of(statement, self.path))
            if isinstance(statement, ast.Global | ast.Nonlocal):
                bound.extend((name, other) for name in statement.names)
            elif isinstance(statement, ast.Match):
                bound.extend((name, other) for name in _captures(statement))
        if self.walrus:
            named = (inner for inner in walk(node) if isinstance(inner, ast.NamedExpr))
            bound.extend((inner.target.id, other) for inner in named)
        return bound

    def binds(self, name: str) -> bool:
        """Whether `name` is local to this scope or to one around it."""
        return name in self.bindings or (self.parent is not None and self.parent.binds(name))


def _captures(statement: ast.Match) -> Iterator[str]:
    """The names that the patterns of a `match` bind."""
    for case in statement.cases:
        for inner in walk(case.pattern):
            if isinstance(inner, ast.MatchAs | ast.MatchStar) and inner.name:
                yield inner.name
            elif isinstance(inner, ast.MatchMapping) and inner.rest:
                yield inner.rest


@dataclass
class Resolver:
    """Resolves names of one file. File-level answers are remembered."""

    project: Project
    path: str
    _known: dict[str, Base] = field(default_factory=dict)

    def qualified(self, node: ast.expr, scope: Scope | None) -> str | None:
        """The dotted name in another package that an expression stands for, or None."""
        dotted = dotted_name(node)
        return None if dotted is None else self.resolve(dotted, scope).name

    def resolve(self, dotted: str, scope: Scope | None) -> Base:
        head, _, rest = dotted.partition(".")
        while scope is not None:
            bindings = scope.bindings.get(head)
            if bindings is not None:
                return self._resolve_local(bindings, rest, scope)
            scope = scope.parent
        if dotted not in self._known:
            self._known[dotted] = self.project.resolve(self.path, dotted)
        return self._known[dotted]

    def _resolve_local(self, bindings: list[Binding], rest: str, scope: Scope) -> Base:
        if len(set(bindings)) != 1:
            return Base()
        binding = bindings[0]
        target = f"{binding.target}.{rest}" if rest else binding.target
        if binding.kind == "import":
            return self.project.resolve_import(self.path, target)
        if binding.kind == "alias" and binding.target.partition(".")[0] not in scope.bindings:
            return self.resolve(target, scope.parent)
        return Base()
