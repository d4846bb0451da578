"""Methods of tensors as functionals: `x.relu()` for `F.relu(x)`.

What the receiver is, is known only when the code runs: such a rewrite is never written unless it
was confirmed by running.
"""

from __future__ import annotations

import ast

from codemod.editing.refused import Refused
from codemod.results import Edit
from codemod.semantics.layout import span
from codemod.semantics.module_class import Call
from codemod.semantics.scopes import Scope
from codemod.semantics.syntax import dotted_name

_METHODS = "torch.Tensor."


def tensor_method(call: Call) -> str | None:
    """`torch.Tensor.NAME` for `x.NAME(...)` where x may be a tensor, else None."""
    function = call.node.func
    if not isinstance(function, ast.Attribute) or call.name is not None:
        return None
    receiver = function.value
    if isinstance(receiver, ast.Constant | ast.Dict | ast.List | ast.Set | ast.JoinedStr):
        return None
    if isinstance(receiver, ast.Call) and dotted_name(receiver.func) == "super":
        return None
    dotted = dotted_name(receiver)
    if dotted is not None and (dotted == call.self_name or _is_file_level(call, dotted)):
        return None
    return _METHODS + function.attr


def _is_file_level(call: Call, dotted: str) -> bool:
    """Whether a name is no local one: a package, a class, a constant of the file."""
    head = dotted.partition(".")[0]
    scope: Scope | None = call.scope
    return scope is None or not scope.binds(head)


def receiver_of(call: Call) -> ast.expr:
    """The expression that a method is called on."""
    assert isinstance(call.node.func, ast.Attribute)
    return call.node.func.value


def check_receiver(call: Call) -> None:
    """Raises Refused (unusual-call) where a comment stands behind the receiver."""
    source = call.module.source
    last = span(source, receiver_of(call))[1]
    if "#" in source.text[last : call.layout.open] or call.layout.comments:
        raise Refused("unusual-call", "a comment stands inside the call")


def call_with_receiver(call: Call, function: str) -> tuple[Edit, ...]:
    """Edits that make `x.relu()` the call `FUNCTION(x)`; the receiver's text is not touched."""
    source, layout = call.module.source, call.layout
    first, last = span(source, receiver_of(call))
    start, path = layout.start, source.path
    needs_own = first > start and isinstance(
        receiver_of(call), ast.NamedExpr | ast.Yield | ast.GeneratorExp
    )
    left, right = ("(", ")") if needs_own else ("", "")
    return (
        Edit(path, start, first, f"{function}({left}"),
        Edit(path, last, layout.end, f"{right})"),
    )


def begins_with(call: Call, other: Call) -> bool:
    """Whether the receiver of a method begins with another call: `x.relu().sigmoid()`."""
    first, last = span(call.module.source, receiver_of(call))
    return other.layout.start == first and other.layout.end <= last
