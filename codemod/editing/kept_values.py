"""A constructor argument that is kept on `self`, where the module was made.

`self.rate = rate` in the place of `self.dropout = nn.Dropout(rate)`: what is evaluated there, once,
is what the module was given.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from codemod.catalogue import by_module
from codemod.editing.attributes import is_asked_for
from codemod.editing.refused import Refused
from codemod.editing.stability import PURE_BUILTINS
from codemod.results import Edit, Requirement
from codemod.semantics.module_class import Assignment, Call, ModuleClass
from codemod.semantics.module_names import MODULE_NAMES
from codemod.semantics.syntax import dotted_name, walk

_READS = PURE_BUILTINS | {"getattr", "len"}
_OPERATIONS = (
    ast.Attribute | ast.BinOp | ast.BoolOp | ast.Call | ast.Compare | ast.Constant | ast.IfExp
    | ast.List | ast.Name | ast.Slice | ast.Subscript | ast.Tuple | ast.UnaryOp | ast.keyword
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """How the calls read a value that is kept, and the lines of `__init__` that keep it."""

    source: str
    lines: tuple[Requirement, ...]


def keep(
    made: Sequence[Assignment], constructor: Call, value: ast.expr, parameter: str
) -> Kept | None:
    """Keep what a constructor is given; None where it may be no value to be read.

    `made`: the statements of `__init__` that make the module, all with the same value.
    Raises Refused: argument-not-static, where no name is free.
    """
    module = constructor.module
    if not _is_read(module, constructor, value):
        return None
    text = _on_its_own(module.text(value))
    places: list[ast.stmt] = [one.node for one in made]
    if text is None or any(not _begins_its_line(module, place) for place in places):
        return None
    shared = _shared_place(constructor, value, made) if len(made) == 1 else None
    if shared is not None:
        places = [shared]
    name = _name_for(module, value, f"{made[0].name}_{parameter}", None if shared else places[0])
    lines = (_line(constructor, name, text, place) for place in places)
    return Kept(f"{constructor.self_name}.{name}", tuple(lines))


def is_bound_once(constructor: Call, name: str) -> bool:
    """Whether a name of `__init__` is bound by its parameter alone."""
    return len(constructor.method.scope.bindings.get(name, ())) == 1


def _line(constructor: Call, name: str, text: str, place: ast.stmt) -> Requirement:
    module = constructor.module
    start = module.source.line_start(module.offset(place))
    line = f"{module.source.indent(start)}{constructor.self_name}.{name} = {text}"
    edit = Edit(module.path, start, start, line + module.source.newline, order=-1)
    return Requirement(f"store:{module.path}:{module.name}:{name}:{start}", edit)


def _is_read(module: ModuleClass, constructor: Call, value: ast.expr) -> bool:
    """Whether the value is put together from what is there, and nothing is run for it."""
    for node in walk(value):
        if not isinstance(node, _OPERATIONS):
            return False
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            known = constructor.scope.binds(name) or name in module.file.index.bindings
            if name not in _READS or known:
                return False
    return True


def _on_its_own(text: str) -> str | None:
    """The text of a value as it can stand behind `=`; None where it holds a comment."""
    if "\n" not in text:
        return text
    return None if "#" in text else f"({text})"


def _begins_its_line(module: ModuleClass, statement: ast.stmt) -> bool:
    start = module.offset(statement)
    return not module.source.text[module.source.line_start(start) : start].strip()


# ---- one line for several layers


def _shared_place(
    constructor: Call, value: ast.expr, made: Sequence[Assignment]
) -> ast.stmt | None:
    """The first statement of `__init__` that gives a layer this very value, if that is at hand
    there already: a parameter, or a setting of one, that nothing changes up to the constructor."""
    dotted = dotted_name(value)
    head = (dotted or "").partition(".")[0]
    if dotted is None or head == constructor.self_name or not is_bound_once(constructor, head):
        return None
    if isinstance(value, ast.Attribute) and not made[0].top_level:
        return None
    place = _first_use(constructor, dotted) or made[0].node
    is_set = isinstance(value, ast.Attribute) and _is_set_within(constructor, value, place)
    return None if is_set else place


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


def _first_use(constructor: Call, dotted: str) -> ast.stmt | None:
    """The first statement at the top of `__init__` that gives the expression to a layer which has
    a functional."""
    module = constructor.module
    for statement in constructor.method.node.body:
        for node in walk(statement):
            if isinstance(node, ast.Call) and any(
                dotted_name(value) == dotted
                for value in [*node.args, *(item.value for item in node.keywords)]
            ):
                made = module.call_of(node)
                known = made is not None and made.name and by_module(made.name)
                if known and _is_layer_of_self(statement, node):
                    return statement
    return None


def _is_layer_of_self(statement: ast.stmt, node: ast.Call) -> bool:
    """Whether the call is the whole value of an assignment in the statement."""
    return any(
        isinstance(item, ast.Assign | ast.AnnAssign) and item.value is node
        for item in walk(statement)
    )


# ---- names


def _name_for(module: ModuleClass, value: ast.expr, fallback: str, place: ast.stmt | None) -> str:
    """The value's own name where it has one that is free.

    `place`: where the value is kept for one module alone; a shared one has one name in a class.
    """
    dotted = dotted_name(value)
    question = f"{dotted}" if place is None else f"{place.lineno}:{fallback}"
    if question in module.stored_names:
        return module.stored_names[question]
    taken = module.family_names | MODULE_NAMES | set(module.stored_names.values())
    own = (dotted or "").rpartition(".")[2]
    names = (own, fallback) if own and not own.isupper() else (fallback,)
    name = next((one for one in names if one not in taken and not is_asked_for(module, one)), None)
    if name is None:
        message = f"`{module.text(value)}` is not kept on self, nor is a name free"
        raise Refused("argument-not-static", message)
    module.stored_names[question] = name
    return name
