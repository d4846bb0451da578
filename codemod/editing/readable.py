"""Constructor arguments as the methods can read them: as they are, or kept as attributes."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from codemod.catalogue import Arguments, Pair
from codemod.editing.attributes import is_asked_for
from codemod.editing.refused import Refused
from codemod.editing.settled import check_attribute, check_set_before
from codemod.editing.stability import stable_attributes
from codemod.results import Edit, Requirement
from codemod.semantics.module_class import Assignment, Call, ModuleClass
from codemod.semantics.module_names import MODULE_NAMES
from codemod.semantics.syntax import dotted_name, walk


@dataclass(frozen=True, slots=True)
class Readable:
    """Arguments whose sources mean at the calls what the constructor was given.

    `stores`: lines of `__init__` (`self.rate = rate`) that this takes.
    """

    arguments: Arguments
    stores: tuple[Requirement, ...]


def readable_arguments(
    assignment: Assignment, constructor: Call, pair: Pair, calls: Sequence[Call]
) -> Readable:
    """How the calls can say what the constructor was given.

    A literal or a stable attribute stands as it is. A parameter of `__init__` is read from the
    attribute that keeps it, or is kept in a new one, where the module was made.
    Raises Refused: argument-not-static, argument-reassigned, unusual-call.
    """
    module = constructor.module
    stored = _stored_parameters(constructor)
    stores: list[Requirement] = []
    ordered = [item.name for item in pair.constructor if not item.keyword_only]

    def readable(value: ast.expr, parameter: str) -> str:
        if isinstance(value, ast.Name) and value.id in stored:
            return stored[value.id]
        try:
            _check_means_the_same(constructor, value, calls)
        except Refused as refused:
            store = _store(assignment, constructor, value, parameter, refused)
            stores.append(store.requirement)
            return store.source
        return module.text(value)

    positional = [
        readable(value, ordered[index] if index < len(ordered) else "")
        for index, value in enumerate(constructor.node.args)
    ]
    keywords = [(item.arg or "", readable(item.value, item.arg or ""))
                for item in constructor.node.keywords]  # fmt: skip
    texts = [*positional, *(source for _, source in keywords)]
    if any(f"{constructor.self_name}." in text for text in texts) and any(
        call.self_name != constructor.self_name for call in calls
    ):
        raise Refused("unusual-call", "self has another name in __init__")
    return Readable(Arguments(tuple(positional), tuple(keywords)), tuple(stores))


def _stored_parameters(constructor: Call) -> dict[str, str]:
    """`self.p` for each parameter p of `__init__` that it stores once and never binds again."""
    module, method = constructor.module, constructor.method
    found: dict[str, str] = {}
    for name, items in module.assignments.items():
        value = items[0].value
        if len(items) != 1 or not isinstance(value, ast.Name) or items[0].method is not method:
            continue
        if _runs_between(constructor, items[0].node):
            continue
        if _is_bound_once(constructor, value.id):
            try:
                check_attribute(module, name)
            except Refused:
                continue
            found.setdefault(value.id, f"{method.self_name}.{name}")
    return found


def _runs_between(constructor: Call, store: ast.stmt) -> bool:
    """Whether, from the constructor on until an attribute is set, `__init__` may run the module.

    It may where it calls a method of its own, or hands itself on.
    """
    method = constructor.method
    first, last = constructor.statement.lineno, store.lineno
    if last < first:
        return False
    own = {item.name for item in constructor.module.methods}
    for node in walk(method.node):
        if not isinstance(node, ast.Name) or node.id != method.self_name:
            continue
        if not first <= node.lineno < last:
            continue
        parent = next(constructor.module.ancestors(node), None)
        if not isinstance(parent, ast.Attribute) or parent.attr in own:
            return True
    return False


def _is_bound_once(constructor: Call, name: str) -> bool:
    """Whether a name of `__init__` is bound by its parameter alone."""
    return len(constructor.method.scope.bindings.get(name, ())) == 1


def _check_means_the_same(constructor: Call, value: ast.expr, calls: Sequence[Call]) -> None:
    read = stable_attributes(constructor.module, value, constructor.scope, constructor.self_name)
    for name in read:
        check_set_before(constructor.module, name, constructor.statement)
    names = {node.id for node in walk(value) if isinstance(node, ast.Name)}
    names.discard(constructor.self_name or "")
    for call in calls:
        elsewhere = call.module.path != constructor.module.path
        hidden = sorted(
            name
            for name in names
            if call.scope.binds(name) or (elsewhere and not hasattr(builtins, name))
        )
        if hidden:
            raise Refused("argument-not-static", f"`{hidden[0]}` means something else at a call")


@dataclass(frozen=True, slots=True)
class _Store:
    source: str
    requirement: Requirement


def _store(
    assignment: Assignment, constructor: Call, value: ast.expr, parameter: str, refused: Refused
) -> _Store:
    """Keep a parameter of `__init__`, or a setting of one, as an attribute. Raises `refused`."""
    dotted = dotted_name(value)
    head = (dotted or "").partition(".")[0]
    if dotted is None or not _is_bound_once(constructor, head) or head == constructor.self_name:
        raise refused
    if isinstance(value, ast.Attribute) and not assignment.top_level:
        raise refused
    module = constructor.module
    place = _first_use(module, constructor, dotted) or assignment.node
    if isinstance(value, ast.Attribute) and _is_set_within(constructor, value, place):
        raise refused
    name = _name_for(module, dotted, f"{assignment.name}_{parameter}")
    line = module.source.line_start(module.offset(place))
    text = f"{module.source.indent(line)}{constructor.self_name}.{name} = {dotted}"
    edit = Edit(module.path, line, line, text + module.source.newline, order=-1)
    key = f"store:{module.path}:{module.name}:{name}"
    return _Store(f"{constructor.self_name}.{name}", Requirement(key, edit))


def _is_set_within(constructor: Call, value: ast.Attribute, place: ast.stmt) -> bool:
    """Whether `__init__` may set a setting from a statement on until the constructor is called."""
    return any(
        place.lineno <= node.lineno <= constructor.statement.lineno
        and (
            (isinstance(node, ast.Attribute)
             and not isinstance(node.ctx, ast.Load) and node.attr == value.attr
             and dotted_name(node.value) != constructor.self_name)
            or (isinstance(node, ast.Call)
                and dotted_name(node.func) in ("setattr", "delattr", "vars"))
        )
        for node in walk(constructor.method.node)
        if isinstance(node, ast.Attribute | ast.Call)
    )  # fmt: skip


def _name_for(module: ModuleClass, dotted: str, fallback: str) -> str:
    """The parameter's own name where it is free; one expression has one name in a class."""
    if dotted in module.stored_names:
        return module.stored_names[dotted]
    taken = module.family_names | MODULE_NAMES | set(module.stored_names.values())
    names = (dotted.rpartition(".")[2], fallback)
    name = next((one for one in names if one not in taken and not is_asked_for(module, one)), None)
    if name is None:
        raise Refused("argument-not-static", f"`{dotted}` is not kept on self, nor is a name free")
    module.stored_names[dotted] = name
    return name


def _first_use(module: ModuleClass, constructor: Call, dotted: str) -> ast.stmt | None:
    """The first statement at the top of `__init__` that gives the expression to a constructor."""
    for statement in constructor.method.node.body:
        for node in walk(statement):
            if isinstance(node, ast.Call) and any(
                dotted_name(value) == dotted
                for value in [*node.args, *(item.value for item in node.keywords)]
            ):
                made = module.call_of(node)
                if made is not None and _is_layer_of_self(statement, node):
                    return statement
    return None


def _is_layer_of_self(statement: ast.stmt, node: ast.Call) -> bool:
    """Whether the call is the whole value of an assignment in the statement."""
    return any(
        isinstance(item, ast.Assign | ast.AnnAssign) and item.value is node
        for item in walk(statement)
    )
