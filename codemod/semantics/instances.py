"""What an expression may be an instance of, as far as the code of a project says.

It goes by what binds a name: a constructor, an annotation, an `isinstance`, a list that a loop goes
over, the assignments of an attribute in all of its class's family. Whatever else binds it makes it
`ANYTHING`. The result of calling a module is taken for no module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from codemod.semantics.index import NO_MODULE as SETTINGS
from codemod.semantics.index import bindings_of
from codemod.semantics.module_names import is_torch_module
from codemod.semantics.outside_values import outside_values
from codemod.semantics.syntax import (
    FunctionNode,
    blocks_of,
    children,
    class_at,
    dotted_name,
    parameters_of,
    statements_below,
    statements_in,
    targets_of,
    walk,
)

if TYPE_CHECKING:
    from codemod.semantics.project import ClassKey, Project

Around = tuple[ast.AST, ...]  # the nodes around an expression, nearest first


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a class of the project (`key`) or of another package (`name`).

    With neither it may be anything. `exact`: of that very class, not of a subclass.
    """

    key: ClassKey | None = None
    name: str | None = None
    exact: bool = False


ANYTHING = Instance()
Instances = frozenset[Instance]
UNKNOWN: Instances = frozenset({ANYTHING})
# A tensor, a number, a text: nothing that is got from one is a module.
PLAIN: Instances = frozenset({Instance(name="torch.Tensor", exact=True)})
# A class, a function, a file, a list: no module, but a module may be got from it.
NO_INSTANCE: Instances = frozenset({Instance(name="builtins.type", exact=True)})

# `setattr(x, "NAME", ...)`: its arguments on this line and the next, and the names among them.
_SETATTR = re.compile(r"setattr\((.*(?:\n.*)?)")
_NAME_ARGUMENT = re.compile(r""",\s*["'](\w+)["']""")
_COMPREHENSION = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_PLAIN_VALUES = ast.Constant | ast.JoinedStr | ast.Compare | ast.UnaryOp
_HOLDERS = ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Lambda | ast.BinOp | _COMPREHENSION
_PLAIN_NAMES = frozenset(
    {"bool", "bytes", "complex", "float", "int", "range", "slice", "str", "len", "isinstance"}
)
_HOLDER_NAMES = frozenset({"dict", "frozenset", "list", "set", "tuple", "type"})
_TENSORS = ("torch.nn.functional.", "torch.Tensor", "torch.linalg.", "torch.fft.")
# Functions of torch that may give back a module that they are given, or loaded.
_MAY_GIVE_MODULE = frozenset({"torch.compile", "torch.load"})
_SAME_ELEMENTS = frozenset({"list", "tuple", "reversed", "iter", "set", "sorted"})
_CONTAINERS = frozenset({"torch.nn.ModuleList", "torch.nn.Sequential", "torch.nn.ModuleDict"})
_ANY_ANNOTATION = frozenset(
    {"torch.nn.Module", "typing.Any", "typing.Callable", "collections.abc.Callable", "typing.Self"}
)
_OF_ITS_ARGUMENTS = frozenset(
    {"typing.Optional", "typing.Union", "typing.Annotated", "typing.Final", "typing.ClassVar"}
)
_BLOCKS = ast.stmt | ast.ExceptHandler | ast.match_case
_MOST_STEPS = 2000
_DEEPEST = 60


@dataclass
class Values:
    """Questions about the expressions of one project; answers about attributes are remembered."""

    project: Project
    _attributes: dict[tuple[ClassKey, str, bool], Instances] = field(default_factory=dict)
    _assigned: dict[str, dict[str, list[tuple[ast.expr | None, Around]]]] = field(
        default_factory=dict
    )
    _open: set[object] = field(default_factory=set)  # what is being found out
    _depth: int = 0
    _steps: int = 0

    def of(self, path: str, node: ast.expr, around: Around) -> Instances:
        """What an expression of a file may be an instance of."""
        return self._bounded(self._of, path, node, around)

    def elements(self, path: str, node: ast.expr, around: Around) -> Instances:
        """What the elements of a list, a ModuleList and the like may be."""
        return self._bounded(self._elements, path, node, around)

    def _bounded(self, question: object, path: str, node: ast.expr, around: Around) -> Instances:
        self._steps = self._steps + 1 if self._depth else 0
        if self._depth > _DEEPEST or self._steps > _MOST_STEPS:
            return UNKNOWN
        self._depth += 1
        try:
            return question(path, node, around)  # type: ignore[operator,no-any-return]
        finally:
            self._depth -= 1

    # -- expressions ---------------------------------------------------------------------------

    def _of(self, path: str, node: ast.expr, around: Around) -> Instances:
        inner = (node, *around)
        if isinstance(node, ast.Name):
            return self._of_name(path, node, around)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(path, node, around)
        if isinstance(node, ast.Call):
            return self._of_call(path, node, around)
        if isinstance(node, ast.IfExp):
            return self.of(path, node.body, inner) | self.of(path, node.orelse, inner)
        if isinstance(node, ast.BoolOp):
            return frozenset().union(*(self.of(path, item, inner) for item in node.values))
        if isinstance(node, ast.NamedExpr):
            return self.of(path, node.value, inner)
        if isinstance(node, ast.Subscript):
            held = self.of(path, node.value, inner)
            if held <= PLAIN:
                return held
            return UNKNOWN if _is_slice(node) else self.elements(path, node.value, inner)
        if isinstance(node, _PLAIN_VALUES):
            return PLAIN
        return NO_INSTANCE if isinstance(node, _HOLDERS) else UNKNOWN

    def _of_attribute(self, path: str, node: ast.Attribute, around: Around) -> Instances:
        dotted = dotted_name(node)
        if SETTINGS.search((dotted or "").rpartition(".")[0]):
            return NO_INSTANCE
        if dotted is not None and self._is_file_level(dotted, around):
            found = self.project.resolve(path, dotted)
            if found.key is not None or found.name is not None or self._is_file(path, dotted):
                return NO_INSTANCE
        owners = self.of(path, node.value, (node, *around))
        found_in: set[Instance] = set()
        for owner in owners:
            if owner in PLAIN:
                found_in.add(owner)
            elif owner.key is None:
                found_in.add(ANYTHING)
            else:
                found_in |= self.attribute(owner.key, node.attr)
        return frozenset(found_in)

    def _of_call(self, path: str, node: ast.Call, around: Around) -> Instances:
        made = self._constructed(path, node.func, around)
        if made is not None:
            return made
        inner = (node, *around)
        if isinstance(node.func, ast.Attribute):
            owners = self.of(path, node.func.value, (node.func, *inner))
            if owners <= PLAIN:
                return owners
        returned = self._returned(path, node.func, around)
        if returned is not None:
            return returned
        called = self.of(path, node.func, inner)
        is_module = bool(called) and all(
            (one.key is not None and self.project.is_module(one.key))
            or (one.name is not None and is_torch_module(one.name))
            for one in called
        )
        return PLAIN if is_module else UNKNOWN

    def _returned(self, path: str, function: ast.expr, around: Around) -> Instances | None:
        """What a function of the project says that it returns; None where it does not."""
        if not isinstance(function, ast.Name) or not self._is_file_level(function.id, around):
            return None
        bindings = self.project.files[path].bindings.get(function.id, ())
        if len(bindings) != 1:
            return None
        home, name = path, function.id
        if bindings[0].kind == "import":
            homes = self.project.reach.defining(path, function.id)
            if len(homes) != 1:
                return None
            home, name = homes[0], bindings[0].target.rpartition(".")[2]
        defined = [
            one
            for one in self.project.parts(home).with_match(re.compile(rf"(?m)^def {name}\("))
            if isinstance(one, ast.FunctionDef) and one.name == name
        ]
        if len(defined) != 1 or defined[0].returns is None:
            return None
        return self.annotated(home, defined[0].returns)

    def _constructed(self, path: str, function: ast.expr, around: Around) -> Instances | None:
        """What a call makes, where the function is known by name; None where it is not."""
        owner = _class_around(self.project, path, around)
        dotted = dotted_name(function)
        if owner is not None and (dotted == "cls" or _is_own_type(function)):
            return frozenset({Instance(owner)})
        if dotted is None or not self._is_file_level(dotted, around):
            return None
        found = self.project.resolve(path, dotted)
        if found.key is not None:
            return frozenset({Instance(found.key, exact=True)})
        if found.name is not None:
            return _made_outside(found.name)
        known = dotted in self.project.files[path].bindings
        if known:
            return None
        if dotted in _HOLDER_NAMES:
            return NO_INSTANCE
        return PLAIN if dotted in _PLAIN_NAMES else None

    # -- names ---------------------------------------------------------------------------------

    def _of_name(self, path: str, node: ast.Name, around: Around) -> Instances:
        tested = self._tested(path, node, around)
        if tested is not None:
            return tested
        nearest = last_assigned(node, around)
        if nearest is not None:
            return self.of(path, *nearest)
        for index, scope in enumerate(around):
            outside = around[index + 1 :]
            if isinstance(scope, _COMPREHENSION):
                for part in scope.generators:
                    if binds(part.target, node.id):
                        inner = (scope, *outside)
                        return self._looped(path, part.target, part.iter, node.id, inner)
            elif isinstance(scope, ast.Lambda):
                if any(item.arg == node.id for item in parameters_of(scope)):
                    return UNKNOWN
            elif isinstance(scope, FunctionNode):
                question = (path, scope.lineno, node.id)
                if question in self._open:
                    return frozenset()  # what is assigned from itself adds nothing
                self._open.add(question)
                try:
                    found = self._bound_in(path, scope, node.id, outside)
                finally:
                    self._open.discard(question)
                if found is not None:
                    return found
        return self._at_file_level(path, node.id)

    def _bound_in(
        self, path: str, function: FunctionNode, name: str, outside: Around
    ) -> Instances | None:
        """What the bindings of a name in one function give it; None if it has none there."""
        inner: Around = (function, *outside)
        found: set[Instance] = set()
        bound = False
        for place, parameter in enumerate(parameters_of(function)):
            if parameter.arg == name:
                bound = True
                found |= self._of_parameter(path, function, place, parameter, outside)
        for statement in _binders(function).get(name, ()):
            values = self._given_by(path, statement, name, inner)
            if values is not None:
                bound = True
                found |= values
        if _is_bound_within(function, name):
            return UNKNOWN
        return frozenset(found) if bound else None

    def _given_by(
        self, path: str, statement: ast.stmt, name: str, around: Around
    ) -> Instances | None:
        """What one statement gives a name; None if it does not bind it."""
        if isinstance(statement, ast.For | ast.AsyncFor):
            if binds(statement.target, name):
                return self._looped(path, statement.target, statement.iter, name, around)
            return None
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(isinstance(one, ast.Name) and one.id == name for one in targets):
                if statement.value is None:
                    return frozenset()
                return self.of(path, statement.value, (statement, *around))
            return UNKNOWN if any(binds(one, name) for one in targets) else None
        if isinstance(statement, FunctionNode | ast.ClassDef):
            return NO_INSTANCE if statement.name == name else None
        if isinstance(statement, ast.Global | ast.Nonlocal):
            return UNKNOWN if name in statement.names else None
        if isinstance(statement, ast.Import | ast.ImportFrom):
            if not any(bound == name for bound, _ in bindings_of(statement, path)):
                return None
            if isinstance(statement, ast.Import):
                return NO_INSTANCE
            target = next(
                one.target for bound, one in bindings_of(statement, path) if bound == name
            )
            found = self.project.resolve_import(path, target)
            return UNKNOWN if found.key is None and found.name is None else NO_INSTANCE
        if isinstance(statement, ast.AugAssign | ast.Match):
            return UNKNOWN if binds(statement, name) else None
        return UNKNOWN if any(binds(one, name) for one in targets_of(statement)) else None

    def _looped(
        self, path: str, target: ast.expr, iterated: ast.expr, name: str, around: Around
    ) -> Instances:
        """What a loop gives a name of its target."""
        if isinstance(target, ast.Name):
            return self.elements(path, iterated, around)
        called = dotted_name(iterated.func) if isinstance(iterated, ast.Call) else None
        if isinstance(target, ast.Tuple) and isinstance(iterated, ast.Call):
            places = [binds(item, name) for item in target.elts]
            place = places.index(True)
            if called == "enumerate" and iterated.args:
                if place == 0:
                    return PLAIN
                return self._looped(path, target.elts[place], iterated.args[0], name, around)
            if called == "zip" and place < len(iterated.args):
                return self._looped(path, target.elts[place], iterated.args[place], name, around)
        return UNKNOWN

    def _of_parameter(
        self,
        path: str,
        function: FunctionNode,
        place: int,
        parameter: ast.arg,
        outside: Around,
    ) -> Instances:
        in_class = bool(outside) and _nearest_definition(outside) is not None
        decorators = {dotted_name(item) for item in function.decorator_list}
        if place == 0 and in_class and "staticmethod" not in decorators:
            owner = _class_around(self.project, path, outside)
            if "classmethod" in decorators:
                return NO_INSTANCE
            return UNKNOWN if owner is None else frozenset({Instance(owner)})
        if parameter.annotation is None or parameter in (function.args.vararg, function.args.kwarg):
            return UNKNOWN
        return self.annotated(path, parameter.annotation)

    def _at_file_level(self, path: str, name: str) -> Instances:
        bindings = self.project.files[path].bindings.get(name)
        if not bindings:  # from a star import, or a built-in
            found = self.project.resolve(path, name)
            return UNKNOWN if found.key is None and found.name is None else NO_INSTANCE
        if all(item.kind == "definition" for item in bindings):
            return NO_INSTANCE
        found = self.project.resolve(path, name)
        if found.key is not None or found.name is not None or self._is_file(path, name):
            return NO_INSTANCE
        if all(item.kind == "import" for item in bindings):
            return UNKNOWN
        given: set[Instance] = set()
        for statement in statements_in(self.project.parts(path).outside_definitions(name)):
            values = self._given_by(path, statement, name, ())
            given |= values or frozenset()
        return frozenset(given) or UNKNOWN

    def _is_file(self, path: str, dotted: str) -> bool:
        """Whether an imported name is a file of the project, or a folder on the way to one."""
        head, _, rest = dotted.partition(".")
        bindings = self.project.files[path].bindings.get(head, ())
        targets = [f"{item.target}.{rest}" if rest else item.target for item in bindings]
        return bool(targets) and all(
            item.kind == "import" and self.project.file_of(target, path)
            for item, target in zip(bindings, targets, strict=True)
        )

    def _is_file_level(self, dotted: str, around: Around) -> bool:
        """Whether no function or comprehension around binds the name's head."""
        head = dotted.partition(".")[0]
        for scope in around:
            if isinstance(scope, _COMPREHENSION):
                if any(binds(part.target, head) for part in scope.generators):
                    return False
            elif isinstance(scope, FunctionNode | ast.Lambda):
                if any(item.arg == head for item in parameters_of(scope)):
                    return False
                if isinstance(scope, FunctionNode) and head in _binders(scope):
                    return False
        return True

    def _tested(self, path: str, node: ast.Name, around: Around) -> Instances | None:
        """What a test around says of a name that its branch does not bind again."""
        below: ast.AST = node
        for scope in around:
            if isinstance(scope, FunctionNode | ast.Lambda):
                return None
            branch = _implied_at(scope, below)
            if branch is not None:
                test, statements = branch
                kinds = _types_of(test, node.id)
                if kinds is not None and not any(_binds_in(one, node.id) for one in statements):
                    return frozenset().union(*(self._of_kind(path, *kind) for kind in kinds))
            below = scope
        return None

    def _of_kind(self, path: str, kind: ast.expr, exact: bool) -> Instances:
        """What is an instance of a class; `exact`: of none that inherits from it."""
        found = self.annotated(path, kind)
        if not exact or found & UNKNOWN:
            return found
        return frozenset(replace(one, exact=True) for one in found)

    # -- annotations ---------------------------------------------------------------------------

    def annotated(self, path: str, node: ast.expr) -> Instances:
        """What an annotation lets a value be."""
        if isinstance(node, ast.Constant):
            if not isinstance(node.value, str):
                return PLAIN
            try:
                return self.annotated(path, ast.parse(node.value, mode="eval").body)
            except (SyntaxError, ValueError):
                return UNKNOWN
        if isinstance(node, ast.BinOp):
            return self.annotated(path, node.left) | self.annotated(path, node.right)
        if isinstance(node, ast.Subscript):
            name = self.project.resolve(path, dotted_name(node.value) or "?").name
            if name in _OF_ITS_ARGUMENTS:
                parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                return frozenset().union(*(self.annotated(path, one) for one in parts))
            return self.annotated(path, node.value)
        dotted = dotted_name(node)
        if dotted is None:
            return UNKNOWN
        found = self.project.resolve(path, dotted)
        if found.key is not None:
            return UNKNOWN if found.key in self.project.protocols else frozenset(
                {Instance(found.key)}
            )  # fmt: skip
        if found.name is None:
            if dotted in self.project.files[path].bindings:
                return UNKNOWN
            if dotted in _HOLDER_NAMES:
                return NO_INSTANCE
            return PLAIN if dotted in _PLAIN_NAMES else UNKNOWN
        if found.name in _ANY_ANNOTATION:
            return UNKNOWN
        if found.name.startswith(_TENSORS):
            return PLAIN
        if found.name.partition(".")[0] in ("typing", "typing_extensions"):
            return UNKNOWN
        return frozenset({Instance(name=found.name)})

    # -- lists ---------------------------------------------------------------------------------

    def _elements(self, path: str, node: ast.expr, around: Around) -> Instances:
        inner = (node, *around)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self._of_all(path, node.elts, inner)
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            return self.of(path, node.elt, inner)
        if isinstance(node, ast.Dict):
            return self._of_all(path, node.values, inner)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self.elements(path, node.value, inner)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.elements(path, node.left, inner) | self.elements(path, node.right, inner)
        if isinstance(node, ast.Call):
            return self._elements_of_call(path, node, around)
        if isinstance(node, ast.Attribute):
            return self._elements_of_attribute(path, node, around)
        found = self.of(path, node, around)
        return found if found <= PLAIN else UNKNOWN

    def _of_all(self, path: str, items: Iterable[ast.expr], around: Around) -> Instances:
        found: set[Instance] = set()
        for item in items:
            if isinstance(item, ast.Starred):
                found |= self.elements(path, item.value, (item, *around))
            else:
                found |= self.of(path, item, around)
        return frozenset(found)

    def _elements_of_call(self, path: str, node: ast.Call, around: Around) -> Instances:
        inner = (node, *around)
        dotted = dotted_name(node.func) or ""
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("values", "__iter__"):
            return self.elements(path, node.func.value, (node.func, *inner))
        if not node.args or node.keywords or not self._is_file_level(dotted, around):
            return UNKNOWN
        if dotted == "range":
            return PLAIN
        name = self.project.resolve(path, dotted).name
        if name == "torch.nn.Sequential":
            return self._of_all(path, node.args, inner)
        if name in _CONTAINERS or dotted in _SAME_ELEMENTS:
            return self.elements(path, node.args[0], inner)
        return UNKNOWN

    def _elements_of_attribute(self, path: str, node: ast.Attribute, around: Around) -> Instances:
        owners = self.of(path, node.value, (node, *around))
        if not owners or any(one.key is None for one in owners):
            return UNKNOWN
        return frozenset().union(
            *(self.attribute(one.key, node.attr, of_elements=True) for one in owners if one.key)
        )

    # -- attributes ----------------------------------------------------------------------------

    def attribute(self, key: ClassKey, name: str, of_elements: bool = False) -> Instances:
        """What `self.NAME` (or its elements) may be in a class and all that it is related to."""
        question = (key, name, of_elements)
        if question not in self._attributes:
            self._attributes[question] = UNKNOWN  # where it hangs on itself
            self._attributes[question] = self._attribute(key, name, of_elements)
        return self._attributes[question]

    def _attribute(self, key: ClassKey, name: str, of_elements: bool) -> Instances:
        below = (key, *self.project.descendants(key))
        above = (up for one in below for up in self.project.ancestors(one))
        family = dict.fromkeys([*below, *above])
        ask = self.elements if of_elements else self.of
        found: set[Instance] = set()
        assigned = False
        for one in family:
            item = self.project.classes[one]
            if name in item.methods:
                return UNKNOWN
            if name in item.class_attributes:
                if of_elements:
                    return UNKNOWN
                assigned = True
                found |= self._in_class_body(one, name)
            if self._is_set_by_name(one, name):
                return UNKNOWN
            if name not in item.names:
                continue
            for value, around in self._assignments_in(one).get(name, ()):
                assigned = True
                if value is None:
                    return UNKNOWN
                found |= ask(one[0], value, around)
        if not assigned or self._is_set_by_name_outside(name):
            return UNKNOWN
        for given in outside_values(self.project, name):
            receiver = self.of(given.path, given.receiver, given.around)
            if may_be(self.project, key, receiver):
                if given.value is None:
                    return UNKNOWN
                found |= ask(given.path, given.value, given.around)
        return frozenset(found)

    def _in_class_body(self, key: ClassKey, name: str) -> Instances:
        """What the statements of a class body give an attribute."""
        node = self._class_node(key)
        found: set[Instance] = set()
        for statement in statements_in(node.body) if node is not None else ():
            if not any(
                isinstance(one, ast.Name) and one.id == name for one in targets_of(statement)
            ):
                continue
            if isinstance(statement, ast.AnnAssign):
                found |= self.annotated(key[0], statement.annotation)
            elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                found |= self.of(key[0], statement.value, (statement, node) if node else ())
            else:
                return UNKNOWN
        return frozenset(found) or UNKNOWN

    def _is_set_by_name(self, key: ClassKey, name: str) -> bool:
        """Whether a class sets the attribute by `add_module("NAME", ...)` and the like."""
        text = self.project.class_text(key)
        return (f'"{name}"' in text or f"'{name}'" in text) and bool(
            re.search(rf"""(?:setattr|add_module|register_module)\([^()\n]*["']{name}["']""", text)
        )

    def _is_set_by_name_outside(self, name: str) -> bool:
        """Whether code of other objects may set it by `setattr(x, "NAME", ...)`."""
        return any(
            name in self._set_by_name_in(path) for path in self.project.files_with_string(name)
        )

    def _set_by_name_in(self, path: str) -> tuple[str, ...]:
        return self.project.remembered(
            "set-by-name",
            path,
            lambda: (
                name
                for call in _SETATTR.finditer(self.project.text(path))
                for name in _NAME_ARGUMENT.findall(call.group(1))
            ),
        )

    def _assignments_in(self, key: ClassKey) -> dict[str, list[tuple[ast.expr | None, Around]]]:
        """By attribute, what a class assigns to it (None: what cannot be told) or appends."""
        path, qualname = key
        question = f"{path}:{qualname}"
        if question not in self._assigned:
            node = self._class_node(key)
            self._assigned[question] = {}
            for name, value, around in _assigned_to_self(node) if node is not None else ():
                self._assigned[question].setdefault(name, []).append((value, around))
        return self._assigned[question]

    def _class_node(self, key: ClassKey) -> ast.ClassDef | None:
        line = self.project.classes[key].line
        return class_at(self.project.parts(key[0]).at(line), line)


def _assigned_to_self(
    node: ast.ClassDef,
) -> Iterator[tuple[str, ast.expr | None, Around]]:
    """Attribute, value and what stands around it, for each `self.NAME = ...` and `.append`."""
    for method in statements_in(node.body):
        if not isinstance(method, FunctionNode) or not parameters_of(method):
            continue
        first = parameters_of(method)[0].arg
        for statement in statements_below(method):
            around: Around = (statement, method, node)
            value = getattr(statement, "value", None)
            whole = isinstance(statement, ast.AnnAssign) or (
                isinstance(statement, ast.Assign)
                and all(isinstance(one, ast.Attribute | ast.Name) for one in statement.targets)
            )
            for leaf in targets_of(statement):
                if isinstance(leaf, ast.Attribute) and dotted_name(leaf.value) == first:
                    yield leaf.attr, (value if whole else None), around
            if isinstance(statement, ast.Expr) and isinstance(value, ast.Call):
                yield from _added(value, first, around)


def _added(call: ast.Call, first: str, around: Around) -> Iterator[tuple[str, ast.expr, Around]]:
    """`self.layers.append(Block())`, as the assignment of a list of it."""
    dotted = (dotted_name(call.func) or "").split(".")
    if len(dotted) == 3 and dotted[0] == first and dotted[2] in ("append", "insert", "add_module"):
        if call.args:
            yield dotted[1], ast.List(elts=[call.args[-1]], ctx=ast.Load()), (call, *around)
    elif len(dotted) == 3 and dotted[0] == first and dotted[2] in ("extend", "update"):
        yield from ((dotted[1], item, (call, *around)) for item in call.args)


def _made_outside(name: str) -> Instances:
    """What a function or class of another package gives."""
    last = name.rpartition(".")[2]
    if name.startswith(_TENSORS) or (
        name.startswith("torch.")
        and name.count(".") == 1
        and last[:1].islower()
        and name not in _MAY_GIVE_MODULE
    ):
        return PLAIN
    if is_torch_module(name):
        return frozenset({Instance(name=name, exact=True)})
    return UNKNOWN


def _is_slice(node: ast.Subscript) -> bool:
    return isinstance(node.slice, ast.Slice)


def _is_own_type(function: ast.expr) -> bool:
    """`type(self)(...)`, `self.__class__(...)`."""
    if isinstance(function, ast.Attribute):
        return dotted_name(function) == "self.__class__"
    return (
        isinstance(function, ast.Call)
        and dotted_name(function.func) == "type"
        and [dotted_name(item) for item in function.args] == ["self"]
    )


def last_assigned(node: ast.Name, around: Around) -> tuple[ast.expr, Around] | None:
    """The value of the one assignment that the name has at this place whichever way is taken."""
    function = next((one for one in around if isinstance(one, FunctionNode)), None)
    binders = _binders(function).get(node.id, ()) if function is not None else ()
    if function is None or not binders:
        return None
    if _is_bound_within(function, node.id):
        return None
    below: ast.AST = node
    for index, parent in enumerate(around):
        blocks = blocks_of(parent) if isinstance(parent, ast.stmt) else _body_of(parent)
        for block in blocks if isinstance(below, ast.stmt) else ():
            earlier = block[: _place_in(block, below)]
            before = [one for one in earlier if _holds_one(one, binders)]
            if before:
                last = before[-1]
                value = last.value if isinstance(last, ast.Assign | ast.AnnAssign) else None
                targets = targets_of(last)
                if value is None or len(targets) != 1 or not isinstance(targets[0], ast.Name):
                    return None
                return value, (last, *around[index:])
        if isinstance(parent, FunctionNode | ast.Lambda | ast.ClassDef | _COMPREHENSION):
            return None
        loops = isinstance(parent, ast.For | ast.AsyncFor | ast.While | ast.Try)
        if loops and _holds_one(parent, binders):
            return None
        below = parent
    return None


def _holds_one(statement: ast.AST, found: Iterable[ast.stmt]) -> bool:
    """Whether one of these statements is the statement or stands in it."""
    assert isinstance(statement, ast.stmt)
    first, last = statement.lineno, statement.end_lineno or statement.lineno
    return any(first <= one.lineno <= last for one in found)


def _body_of(node: ast.AST) -> list[list[ast.stmt]]:
    """The statements of an `except` or a `case`."""
    return [node.body] if isinstance(node, ast.ExceptHandler | ast.match_case) else []


def _place_in(block: Sequence[ast.stmt], statement: ast.AST) -> int:
    return next((index for index, one in enumerate(block) if one is statement), 0)


def _is_bound_within(function: FunctionNode, name: str) -> bool:
    """Whether an expression, or a function within, binds a name of the function."""
    return name in _bound_within(function)


@lru_cache(maxsize=64)  # asked of one function for many names; it keeps the trees alive
def _bound_within(function: FunctionNode) -> frozenset[str]:
    nodes = list(walk(function))
    named = (one.target.id for one in nodes if isinstance(one, ast.NamedExpr))
    declared = (name for one in nodes if isinstance(one, ast.Nonlocal) for name in one.names)
    return frozenset({*named, *declared})


@lru_cache(maxsize=64)  # as above
def _binders(function: FunctionNode) -> dict[str, list[ast.stmt]]:
    """By name, the statements of a function that bind it, in their order."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in statements_in(function.body):
        for name in _bound_by(statement):
            found.setdefault(name, []).append(statement)
    return found


def _bound_by(statement: ast.stmt) -> Iterable[str]:
    """The names of a function that one statement itself binds or declares."""
    if isinstance(statement, FunctionNode | ast.ClassDef):
        return (statement.name,)
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [one.asname or one.name.partition(".")[0] for one in statement.names]
    if isinstance(statement, ast.Global | ast.Nonlocal):
        return statement.names
    heads = [one for one in children(statement) if not isinstance(one, _BLOCKS)]
    return {name for head in heads for name in _stored_in(head)}


def _implied_at(node: ast.AST, below: ast.AST) -> tuple[ast.expr, list[ast.stmt]] | None:
    """What must be true where `below` runs, which stands in the node, and the statements there."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        before = node.values[: next(n for n, one in enumerate(node.values) if one is below)]
        return (ast.BoolOp(op=node.op, values=before), []) if before else None
    if not isinstance(node, ast.If):
        return None
    if any(below is one for one in node.body):
        return node.test, node.body
    is_not = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
    if is_not and any(below is one for one in node.orelse):
        assert isinstance(node.test, ast.UnaryOp)
        return node.test.operand, node.orelse
    return None


def _types_of(test: ast.expr, name: str) -> list[tuple[ast.expr, bool]] | None:
    """The classes of which NAME is an instance where a test is true, each with whether of that
    very class; None where the test does not say."""
    if isinstance(test, ast.BoolOp):
        found = [_types_of(one, name) for one in test.values]
        if isinstance(test.op, ast.And):
            return next((one for one in found if one is not None), None)
        known = [one for one in found if one is not None]
        return [kind for one in known for kind in one] if len(known) == len(found) else None
    if isinstance(test, ast.Call):
        asks = dotted_name(test.func) == "isinstance" and len(test.args) == 2
        if asks and dotted_name(test.args[0]) == name:
            return [(kind, False) for kind in _each(test.args[1])]
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        if isinstance(test.ops[0], ast.Is | ast.Eq) and _is_type_of(test.left, name):
            return [(test.comparators[0], True)]
        if isinstance(test.ops[0], ast.In) and _is_type_of(test.left, name):
            return [(kind, True) for kind in _each(test.comparators[0])]
    return None


def _each(kinds: ast.expr) -> list[ast.expr]:
    return kinds.elts if isinstance(kinds, ast.Tuple | ast.List | ast.Set) else [kinds]


def _is_type_of(node: ast.expr, name: str) -> bool:
    """`type(NAME)`, `NAME.__class__`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "__class__" and dotted_name(node.value) == name
    if not isinstance(node, ast.Call) or dotted_name(node.func) != "type":
        return False
    return [dotted_name(one) for one in node.args] == [name]


def binds(node: ast.AST, name: str) -> bool:
    """Whether a target, or a statement's own parts, bind a name."""
    return name in _stored(node)


@lru_cache(maxsize=1024)  # as above
def _stored(node: ast.AST) -> frozenset[str]:
    return frozenset(_stored_in(node))


def _stored_in(node: ast.AST) -> Iterator[str]:
    for leaf in walk(node):
        if leaf.__class__ is ast.Name and leaf.ctx.__class__ is ast.Store:
            yield leaf.id


def _binds_in(statement: ast.stmt, name: str) -> bool:
    """Whether a statement, or one within it, binds a name of the function that it stands in."""
    if isinstance(statement, FunctionNode | ast.ClassDef | ast.Import | ast.ImportFrom):
        return name in _bound_by(statement)
    return binds(statement, name)


def _nearest_definition(around: Around) -> ast.ClassDef | None:
    """The class whose body a function stands in; None for a function in a function."""
    for node in around:
        if isinstance(node, FunctionNode):
            return None
        if isinstance(node, ast.ClassDef):
            return node
    return None


def _class_around(project: Project, path: str, around: Around) -> ClassKey | None:
    """The nearest class around, if it is known."""
    node = next((one for one in around if isinstance(one, ast.ClassDef)), None)
    if node is None:
        return None
    for item in project.files[path].classes:
        if item.line == node.lineno and item.qualname.rpartition(".")[2] == node.name:
            return (path, item.qualname)
    return None


def may_be(project: Project, key: ClassKey, found: Instances) -> bool:
    """Whether one of these may be an instance of the class or of a subclass of it."""
    return any(_may_be_one(project, key, one) for one in found)


def may_be_of_project(found: Instances) -> bool:
    """Whether one of these may be an instance of a class of the project."""
    return any(one.key is not None or not one.exact for one in found)


def _may_be_one(project: Project, key: ClassKey, one: Instance) -> bool:
    if one == ANYTHING:
        return True
    below = {key, *project.descendants(key)}
    if one.key is None:
        return not one.exact and any(inherits_from_elsewhere(project, item) for item in below)
    if answers_for_others(project, one.key):
        return True
    if one.exact:
        return one.key in below
    return bool(below & {one.key, *project.descendants(one.key)})


def inherits_from_elsewhere(project: Project, key: ClassKey) -> bool:
    """Whether a base of another package, nn.Module aside, stands above a class."""
    bases = (
        base for item in (key, *project.ancestors(key)) for base in project.bases[item]
    )  # fmt: skip
    return any(base.key is None and base.name not in _PLAIN_BASES for base in bases)


_PLAIN_BASES = frozenset({"torch.nn.Module", "object", "abc.ABC", "typing.Generic"})


def answers_for_others(project: Project, key: ClassKey) -> bool:
    """Whether a class hands what it lacks on to what it holds."""
    return any(
        "__getattr__" in project.classes[one].methods for one in (key, *project.ancestors(key))
    )


def is_container(one: Instance) -> bool:
    """Whether it is a list of modules of torch."""
    return one.name in _CONTAINERS


def may_be_module(project: Project, found: Instances) -> bool:
    """Whether one of these may be a module of any class."""
    return not found or any(
        one == ANYTHING
        or (one.key is not None and project.is_module(one.key) is not False)
        or (one.name is not None and (not one.exact or is_torch_module(one.name)))
        for one in found
    )
