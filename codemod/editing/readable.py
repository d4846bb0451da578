"""Constructor arguments as the methods can read them: as they are, or kept as attributes."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from codemod.catalogue import Arguments, Pair
from codemod.editing.kept_values import is_bound_once, keep
from codemod.editing.refused import Refused
from codemod.editing.settled import check_attribute, check_set_before
from codemod.editing.stability import stable_attributes
from codemod.results import Requirement
from codemod.semantics.module_class import Assignment, Call
from codemod.semantics.syntax import walk


@dataclass(frozen=True, slots=True)
class Readable:
    """Arguments whose sources mean at the calls what the constructor was given.

    `stores`: lines of `__init__` (`self.rate = rate`) that this takes.
    """

    arguments: Arguments
    stores: tuple[Requirement, ...]


def readable_arguments(
    assignment: Assignment,
    constructor: Call,
    pair: Pair,
    calls: Sequence[Call],
    again: Sequence[Assignment] = (),
) -> Readable:
    """How the calls can say what the constructor was given.

    A literal or a stable attribute stands as it is. A parameter of `__init__` is read from the
    attribute that keeps it. Any other value is kept in a new one, where the module was made.
    `again`: further statements of `__init__` that make the same.
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
            kept = keep([assignment, *again], constructor, value, parameter)
            if kept is None:
                raise refused from None
            stores.extend(kept.lines)
            return kept.source
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
        if is_bound_once(constructor, value.id):
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
