"""The model of one nn.Module class: its methods, calls, attributes, and its relatives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import cast

from codemod.results import Edit
from codemod.semantics.index import ClassIndex, FileIndex
from codemod.semantics.layout import CallLayout, call_layout, span
from codemod.semantics.parts import Parts
from codemod.semantics.project import Base, ClassKey, Project
from codemod.semantics.scopes import SCOPE_KINDS, Resolver, Scope, ScopeNode
from codemod.semantics.syntax import (
    FunctionNode,
    children,
    class_at,
    dotted_name,
    statements_below,
    statements_in,
    targets_of,
)
from codemod.source.text import SourceText

_WALRUS = re.compile(":=")


@dataclass(frozen=True)
class SourceFile:
    """One file of a project."""

    project: Project
    source: SourceText

    @property
    def path(self) -> str:
        return self.source.path

    @property
    def index(self) -> FileIndex:
        return self.project.files[self.path]

    @cached_property
    def resolver(self) -> Resolver:
        return Resolver(self.project, self.path)

    @cached_property
    def parts(self) -> Parts:
        """The syntax tree, parsed where it is looked at."""
        return Parts(self.source, self.index.outline)

    @cached_property
    def tree(self) -> ast.Module:
        """The whole syntax tree; `parts` has the same nodes for less."""
        return ast.Module(body=self.parts.all(), type_ignores=[])

    def class_node(self, item: ClassIndex) -> ast.ClassDef | None:
        """The statement of a class of this file."""
        return class_at(self.parts.at(item.line), item.line)

    @cached_property
    def imported_at_top(self) -> tuple[tuple[str, str], ...]:
        """Names that imports in the file's own body bind (no `if` or `try`), and what they are."""
        names = [
            alias.asname or alias.name.partition(".")[0]
            for statement in self.parts.simple()
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for alias in statement.names
        ]
        resolved = ((name, self.resolver.resolve(name, None).name) for name in dict.fromkeys(names))
        return tuple((name, target) for name, target in resolved if target is not None)

    def scope(self, node: ScopeNode, parent: Scope | None) -> Scope:
        walrus = self._has_walrus and (
            not isinstance(node, ast.stmt) or self.source.has(_WALRUS, node)
        )
        return Scope(node, self.path, parent, walrus)

    @cached_property
    def _has_walrus(self) -> bool:
        return ":=" in self.source.text

    def hides(self, pattern: re.Pattern[str]) -> bool:
        """Whether an import or an alias gives a matching name another one: `import relu as r`."""
        return any(
            pattern.search(binding.target) and name != binding.target.rpartition(".")[2]
            for name, bindings in self.index.bindings.items()
            for binding in bindings
            if binding.kind in ("import", "alias")
        )


@dataclass(frozen=True)
class Method:
    """One `def` in the class body. `self_name` is None for static and class methods."""

    node: FunctionNode
    self_name: str | None
    scope: Scope

    @property
    def name(self) -> str:
        return self.node.name


@dataclass(frozen=True)
class Call:
    """One call in a method of a module class."""

    module: ModuleClass = field(repr=False)
    node: ast.Call = field(repr=False)
    method: Method = field(repr=False)
    scope: Scope = field(repr=False)

    @cached_property
    def name(self) -> str | None:
        """The function's qualified name (`torch.nn.functional.relu`), if it can be told."""
        return self.module.file.resolver.qualified(self.node.func, self.scope)

    @cached_property
    def layout(self) -> CallLayout:
        return call_layout(self.module.source, self.node)

    def replace(self, text: str) -> Edit:
        """The edit that puts `text` in the place of the whole call."""
        return Edit(self.module.path, self.layout.start, self.layout.end, text)

    def replace_function(self, text: str) -> Edit:
        """The edit that calls `text` instead, with the same arguments."""
        return Edit(self.module.path, self.layout.start, self.layout.function_end, text)

    @property
    def has_star(self) -> bool:
        return any(isinstance(one, ast.Starred) for one in self.node.args) or any(
            keyword.arg is None for keyword in self.node.keywords
        )

    @cached_property
    def self_name(self) -> str | None:
        """The name under which the module can be reached here, if it can."""
        name = self.method.self_name
        if name is None:
            return None
        scope: Scope | None = self.scope
        while scope is not None and scope is not self.method.scope:
            if name in scope.bindings:
                return None
            scope = scope.parent
        return name if len(self.method.scope.bindings.get(name, ())) == 1 else None

    @cached_property
    def ancestors(self) -> tuple[ast.AST, ...]:
        """The nodes around the call, nearest first, up to its method."""
        return tuple(self.module.ancestors(self.node))

    @property
    def statement(self) -> ast.stmt:
        return next(node for node in self.ancestors if isinstance(node, ast.stmt))

    @property
    def in_f_string(self) -> bool:
        return any(isinstance(node, ast.JoinedStr) for node in self.ancestors)

    @property
    def in_loop(self) -> bool:
        """Whether it may run more than once a call of its method."""
        loops = (ast.For, ast.AsyncFor, ast.While, *_comprehension_types())
        return any(isinstance(node, loops) for node in self.ancestors)

    @property
    def in_decorator_or_default(self) -> bool:
        """Whether it runs when the `def` is executed, not when the method is called."""
        inner: ast.AST = self.node
        for node in self.ancestors:
            if isinstance(node, FunctionNode):
                return inner not in node.body
            inner = node
        return False


def _comprehension_types() -> tuple[type, ...]:
    return (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class SelfUse:
    """One `self.NAME` in a method: read, called, assigned or deleted."""

    node: ast.Attribute
    method: Method
    scope: Scope
    call: Call | None  # where it is the function of a call


@dataclass(frozen=True)
class Assignment:
    """One statement that assigns `self.NAME`."""

    name: str
    node: ast.stmt
    value: ast.expr | None
    method: Method
    plain: bool  # `self.NAME = value` (annotated or not), nothing else
    top_level: bool  # directly in the method's body


@dataclass(frozen=True)
class ModuleClass:
    """One nn.Module class, parsed, with everything that the project knows about it."""

    file: SourceFile = field(repr=False)
    index: ClassIndex = field(repr=False)
    node: ast.ClassDef = field(repr=False)
    # Names given to new attributes in this pass, by the offset of their site: transforms that
    # share a pass must not give one name twice.
    _known_calls: dict[int, list[Call]] = field(default_factory=dict, repr=False, compare=False)
    stored_names: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    reserved_names: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    def forget(self) -> None:
        """Let go of the calls and uses that were found: they and the class hold each other."""
        self._known_calls.clear()
        for name in vars(self).keys() - {item.name for item in fields(self)}:
            del vars(self)[name]

    # -- place ---------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        return self.file.project

    @property
    def source(self) -> SourceText:
        return self.file.source

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def name(self) -> str:
        """The qualified name within the file."""
        return self.index.qualname

    @property
    def key(self) -> ClassKey:
        return (self.path, self.name)

    @cached_property
    def ancestors_in_project(self) -> tuple[ClassKey, ...]:
        return self.project.ancestors(self.key)

    @cached_property
    def descendants_in_project(self) -> tuple[ClassKey, ...]:
        return self.project.descendants(self.key)

    @cached_property
    def bases(self) -> tuple[Base, ...]:
        return self.project.bases[self.key]

    # -- text ----------------------------------------------------------------------------------

    def text(self, node: ast.expr | ast.stmt) -> str:
        start, end = span(self.source, node)
        return self.source.text[start:end]

    def offset(self, node: ast.expr | ast.stmt) -> int:
        return span(self.source, node)[0]

    # -- syntax --------------------------------------------------------------------------------

    @cached_property
    def _parents(self) -> dict[int, ast.AST]:
        parents: dict[int, ast.AST] = {}
        stack: list[ast.AST] = [self.node]
        while stack:
            node = stack.pop()
            below = children(node)
            for child in below:
                parents[id(child)] = node
            stack += below
        return parents

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around `node`, nearest first, up to the method that holds it."""
        parent = self._parents.get(id(node))
        while parent is not None and parent is not self.node:
            yield parent
            parent = self._parents.get(id(parent))

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """The functions of the class body, those under an `if` included."""

        found: list[Method] = []
        for statement in statements_in(self.node.body):
            if isinstance(statement, FunctionNode):
                scope = self.file.scope(statement, self.file_scope)
                found.append(Method(statement, _self_name(statement), scope))
        return tuple(found)

    @cached_property
    def file_scope(self) -> Scope | None:
        """The innermost function around the class, for a class that a function defines."""
        if not self.index.in_function:
            return None
        scope: Scope | None = None
        around = ast.Module(body=self.file.parts.at(self.index.line), type_ignores=[])
        for node in _enclosing_functions(around, self.node):
            scope = self.file.scope(node, scope)
        return scope

    @cached_property
    def class_attribute_calls(self) -> tuple[tuple[ast.stmt, ast.Call, str], ...]:
        """`NAME = F(...)` in the class body: the statement, the call, F's qualified name."""
        found = []
        for statement in statements_in(self.node.body):
            value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.Call):
                name = self.file.resolver.qualified(value.func, self.file_scope)
                if name is not None:
                    found.append((statement, value, name))
        return tuple(found)

    def method(self, name: str) -> Method | None:
        """The last definition of a method, which is the one that counts."""
        return next((item for item in reversed(self.methods) if item.name == name), None)

    @property
    def init(self) -> Method | None:
        return self.method("__init__")

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls in all methods, in the order of evaluation of their sites."""
        return tuple(call for item in self.methods for call in self._calls_in(item))

    @cached_property
    def _calls_by_node(self) -> dict[int, Call]:
        return {id(call.node): call for call in self.calls}

    def call_of(self, node: ast.AST | None) -> Call | None:
        """The call that a node is, if it is one."""
        return self._calls_by_node.get(id(node))

    def calls_near(self, pattern: re.Pattern[str]) -> Iterator[Call]:
        """The calls in those methods whose text matches, or all where an import hides names."""
        everywhere = self.file.hides(pattern)
        for method in self.methods:
            if everywhere or self.source.has(pattern, method.node):
                yield from self._calls_in(method)

    def _calls_in(self, method: Method) -> list[Call]:
        if id(method.node) in self._known_calls:
            return self._known_calls[id(method.node)]
        found = self._known_calls[id(method.node)] = []
        self._collect(method.node, method, method.scope, found)
        found.sort(key=lambda call: (call.node.end_lineno or 0, call.node.end_col_offset or 0))
        return found

    def _collect(self, node: ast.AST, method: Method, scope: Scope, found: list[Call]) -> None:
        for child in children(node):
            kind, inner = child.__class__, scope
            if kind is ast.ClassDef:
                continue
            if kind in SCOPE_KINDS:
                inner = self.file.scope(cast(ScopeNode, child), scope)
            elif kind is ast.Call:
                found.append(Call(self, cast(ast.Call, child), method, scope))
            self._collect(child, method, inner, found)

    def calls_to(self, *names: str) -> Iterator[Call]:
        """Calls of functions by their qualified names, whatever they are called in this file."""
        wanted = frozenset(names)
        lasts = {name.rpartition(".")[2] for name in wanted}
        for call in self.calls:
            # An alias hides the last part of the name: only attribute access can be skipped early.
            if isinstance(call.node.func, ast.Attribute) and call.node.func.attr not in lasts:
                continue
            if call.name in wanted:
                yield call

    @cached_property
    def self_uses(self) -> dict[str, tuple[SelfUse, ...]]:
        """Every `self.NAME` in the methods, by name."""
        calls = {id(call.node.func): call for call in self.calls}
        found: dict[str, list[SelfUse]] = {}
        for method in self.methods:
            for node, scope in self._self_attributes(method.node, method, method.scope):
                use = SelfUse(node, method, scope, calls.get(id(node)))
                found.setdefault(node.attr, []).append(use)
        return {name: tuple(uses) for name, uses in found.items()}

    def _self_attributes(
        self, node: ast.AST, method: Method, scope: Scope
    ) -> Iterator[tuple[ast.Attribute, Scope]]:
        for child in children(node):
            inner = scope
            if child.__class__ in SCOPE_KINDS:
                inner = self.file.scope(cast(ScopeNode, child), scope)
            elif (
                isinstance(child, ast.Attribute)
                and isinstance(child.value, ast.Name)
                and child.value.id == method.self_name
            ):
                yield child, scope
            yield from self._self_attributes(child, method, inner)

    @cached_property
    def assignments(self) -> dict[str, tuple[Assignment, ...]]:
        """Every statement that assigns to `self.NAME`, by name."""
        found: dict[str, list[Assignment]] = {}
        for method in self.methods:
            top = {id(statement) for statement in method.node.body}
            for node in statements_below(method.node):
                for item in _assignments(node, method, id(node) in top):
                    found.setdefault(item.name, []).append(item)
        return {name: tuple(items) for name, items in found.items()}

    # -- names ---------------------------------------------------------------------------------

    @cached_property
    def family_names(self) -> frozenset[str]:
        """Every attribute and method name of the class, its bases and its subclasses."""
        names = set(self.index.names)
        for key in (*self.ancestors_in_project, *self.descendants_in_project):
            names |= self.project.classes[key].names
        return frozenset(names)


def _self_name(node: FunctionNode) -> str | None:
    decorators = {dotted_name(item) for item in node.decorator_list}
    if decorators & {"staticmethod", "classmethod"}:
        return None
    parameters = [*node.args.posonlyargs, *node.args.args]
    return parameters[0].arg if parameters else None


def _enclosing_functions(tree: ast.Module, target: ast.ClassDef) -> list[FunctionNode]:
    def search(node: ast.AST, path: list[FunctionNode]) -> list[FunctionNode] | None:
        for child in ast.iter_child_nodes(node):
            if child is target:
                return path
            inner = [*path, child] if isinstance(child, FunctionNode) else path
            found = search(child, inner)
            if found is not None:
                return found
        return None

    return search(tree, []) or []


def _assignments(node: ast.stmt, method: Method, top_level: bool) -> Iterator[Assignment]:
    plain = (isinstance(node, ast.Assign) and len(node.targets) == 1) or isinstance(
        node, ast.AnnAssign
    )
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) else None
    for leaf in targets_of(node):
        if (
            isinstance(leaf, ast.Attribute)
            and isinstance(leaf.value, ast.Name)
            and leaf.value.id == method.self_name
        ):
            whole = isinstance(node, ast.AnnAssign) or (
                isinstance(node, ast.Assign) and node.targets[0] is leaf
            )
            yield Assignment(leaf.attr, node, value, method, plain and whole, top_level)
