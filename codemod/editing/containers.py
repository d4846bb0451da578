"""The layers that are written in an `nn.Sequential`, and a layer more behind them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from codemod.editing.refused import Refused
from codemod.editing.settled import is_settled
from codemod.editing.uses import check_not_used_elsewhere
from codemod.results import Edit
from codemod.semantics.layout import span
from codemod.semantics.module_class import Call, ModuleClass

_SEQUENTIAL = "torch.nn.Sequential"
_LAST = 2**40  # behind what else is inserted at an offset


def sequential_elements(module: ModuleClass, container: Call) -> list[ast.expr]:
    """The layers of `nn.Sequential(a, b)` or the pairs of `nn.Sequential(OrderedDict([...]))`."""
    node = container.node
    if container.has_star or node.keywords:
        return []
    inner = module.call_of(node.args[0]) if len(node.args) == 1 else None
    if inner is None or inner.name != "collections.OrderedDict":
        return node.args
    listed = inner.node.args[0] if len(inner.node.args) == 1 and not inner.node.keywords else None
    return listed.elts if isinstance(listed, ast.List | ast.Tuple) else []


@dataclass(frozen=True)
class Fed:
    """`F.relu(self.NAME(x))`, where NAME is a Sequential that is run there and nowhere else."""

    call: Call
    name: str
    inner: ast.Call
    last: ast.expr
    keys: frozenset[str] | None  # of the layers, where they have names


def fed_by_sequential(call: Call, inputs: tuple[int, ...]) -> Fed | None:
    """What a functional call may be appended to. `inputs`: the arguments that a module is called
    with, by index."""
    module = call.module
    inner = call.node.args[0] if inputs == (0,) and call.node.args else None
    if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Attribute):
        return None
    name = inner.func.attr
    made = module.assignments.get(name, ())
    container = module.call_of(made[0].value) if len(made) == 1 else None
    if container is None or container.name != _SEQUENTIAL or not is_settled(module, made[0]):
        return None
    elements = tuple(sequential_elements(module, container))
    uses = [use for use in module.self_uses[name] if not _is_within(module, use.node, made[0].node)]
    run = [use.call.node for use in uses if use.call is not None]
    if not elements or len(uses) != 1 or run != [inner]:
        return None
    if len(inner.args) != 1 or inner.keywords or isinstance(inner.args[0], ast.Starred):
        return None
    if name in module.index.class_attributes or "#" in _around(call, inner):
        return None
    project = module.project
    if any(project.reach.may_meet(path, module.key) for path in project.files_with_string(name)):
        return None  # `return_nodes={"features": "0"}`: what it gives is looked at
    try:
        check_not_used_elsewhere(module, name, _SEQUENTIAL)
    except Refused:
        return None
    if not any(isinstance(element, ast.Tuple) for element in elements):
        return Fed(call, name, inner, elements[-1], None)
    keys = [_key(element) for element in elements]
    known = frozenset(key for key in keys if key is not None)
    return Fed(call, name, inner, elements[-1], known) if None not in keys else None


def append_edits(fed: Fed, made: str, attribute: str, order: int) -> list[Edit]:
    """The layer `made` behind the last one, and the call of the Sequential alone.

    `attribute`: what such a layer is called, where the layers have names.
    """
    if fed.keys is not None:
        made = f'("{_fresh_key(fed.keys, attribute)}", {made})'
    path, layout = fed.call.module.path, fed.call.layout
    start, end = span(fed.call.module.source, fed.inner)
    return [
        *_behind(fed.call.module, fed.last, made, order),
        Edit(path, layout.start, start, ""),
        Edit(path, end, layout.end, ""),
    ]


def _is_within(module: ModuleClass, node: ast.AST, statement: ast.stmt) -> bool:
    return any(one is statement for one in module.ancestors(node))


def _around(call: Call, inner: ast.expr) -> str:
    """What goes: the text of the call without that of its input."""
    source, layout = call.module.source, call.layout
    start, end = span(source, inner)
    return source.text[layout.start : start] + source.text[end : layout.end]


def _key(element: ast.expr) -> str | None:
    key = element.elts[0] if isinstance(element, ast.Tuple) and element.elts else None
    found = key.value if isinstance(key, ast.Constant) else None
    return found if isinstance(found, str) else None


def _fresh_key(keys: frozenset[str], attribute: str) -> str:
    numbered = (f"{attribute}{number}" for number in range(2, len(keys) + 3))
    return next(name for name in (attribute, *numbered) if name not in keys)


def _behind(module: ModuleClass, last: ast.expr, made: str, order: int) -> list[Edit]:
    """On a line of its own where the last layer stands on one, its comma and comment kept."""
    source, path = module.source, module.path
    start, end = span(source, last)
    line = source.line_start(start)
    if source.text[line:start].strip():
        return [Edit(path, end, end, f", {made}", order)]
    indent = source.newline + source.text[line:start]
    stop = source.line_end(end)
    rest = re.fullmatch(r"\s*(,?)\s*(#.*)?", source.text[end:stop])
    if rest is None:
        return [Edit(path, end, end, f",{indent}{made}", order)]
    comma = [] if rest[1] else [Edit(path, end, end, ",", order)]
    return [*comma, Edit(path, stop, stop, f"{indent}{made}{rest[1]}", _LAST + order)]
