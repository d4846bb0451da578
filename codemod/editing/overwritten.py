"""Whose tensor an in-place operation overwrites, and which names lead to it as well."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from codemod.editing.inplace import input_of, is_inplace
from codemod.editing.refused import Refused
from codemod.results import Edit
from codemod.semantics.module_class import Call
from codemod.semantics.syntax import (
    FunctionNode,
    blocks_of,
    dotted_name,
    parameters_of,
    statements_in,
    targets_of,
)

# Whose tensor an in-place operation overwrites: one that nothing else holds, as far as can be
# seen, or one that the caller of the method holds.
Overwritten = Literal["own", "callers"]

# Methods of a tensor, and functions of torch, that may give the same numbers in another shape.
_VIEWS = frozenset({
    "as_strided", "chunk", "contiguous", "detach", "diagonal", "expand", "expand_as", "flatten",
    "float", "half", "movedim", "narrow", "permute", "ravel", "reshape", "select", "split",
    "squeeze", "swapaxes", "t", "tensor_split", "to", "transpose", "type", "type_as", "unbind",
    "unflatten", "unfold", "unsqueeze", "view", "view_as"
})  # fmt: skip
# Layers that give back their input, or a view of it, as a dropout does in eval mode.
_GIVE_BACK = frozenset({"torch.nn.Identity", "torch.nn.Flatten", "torch.nn.Unflatten"})
_ITERATORS = frozenset({"enumerate", "reversed", "zip", "list", "tuple", "iter", "next"})
# Methods of a container that keep what they are given.
_KEEPS = frozenset({"add", "append", "appendleft", "extend", "insert", "setdefault", "update"})
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class _Memory:
    """Where numbers lie: in a parameter, in what a line made; `part`: of what was taken apart."""

    base: object
    part: tuple[int, int] | None = None

    def meets(self, other: _Memory) -> bool:
        if self.base != other.base or self.part is None or other.part is None:
            return self.base == other.base
        return self.part[0] != other.part[0] or self.part == other.part


_Memories = frozenset[_Memory]


def overwritten(call: Call, value: ast.expr) -> Overwritten:
    """Whose tensor goes when the call overwrites `value`, its input.

    A call that stands alone is read as one that assigns its result to its input.
    Raises Refused (read-afterwards) where the method itself reads it again, under any name.
    """
    function = function_around(call)
    known = _known(call, function)
    held = _memories(call, value, known)
    for memory in held:
        if isinstance(memory.base, _Outside):
            raise Refused("read-afterwards", f"`{memory.base.name}` outlives the call")
    names = {
        name
        for name, memories in known.items()
        if any(one.meets(other) for one in memories for other in held)
    }
    rebound = {t.id for t in targets_of(call.statement) if isinstance(t, ast.Name)}
    if isinstance(call.ancestors[0], ast.Expr) and isinstance(value, ast.Name):
        rebound = {value.id}
    reader = next(_loads_after(call, function, names, rebound), None)
    if reader is not None:
        raise Refused("read-afterwards", f"`{reader.id}` is read again at line {reader.lineno}")
    given = {memory for memories in _parameters(function).values() for memory in memories}
    return "callers" if any(one.meets(other) for one in held for other in given) else "own"


def stands_alone(use: Call) -> bool:
    """Whether a call is there for what it does to its input: its result is not used."""
    return isinstance(use.ancestors[0], ast.Expr)


def assigned_result(use: Call) -> Edit:
    """The edit that makes `self.relu(x)`, standing alone, `x = self.relu(x)`.

    Raises Refused (result-unused) where the input is no local variable.
    """
    value, function = input_of(use), function_around(use)
    if isinstance(value, ast.Name) and not isinstance(function, ast.Lambda):
        targets = [t for item in statements_in(function.body) for t in targets_of(item)]
        local = {item.arg for item in parameters_of(function)}
        local |= {target.id for target in targets if isinstance(target, ast.Name)}
        outer = (ast.Global, ast.Nonlocal)
        is_outer = any(isinstance(item, outer) for item in statements_in(function.body))
        if value.id in local and not is_outer:
            return Edit(use.module.path, use.layout.start, use.layout.start, f"{value.id} = ")
    raise Refused("result-unused", f"the call at line {use.node.lineno} stands alone")


def function_around(call: Call) -> FunctionNode | ast.Lambda:
    """The innermost function that a call stands in."""
    return next(node for node in call.ancestors if isinstance(node, _FUNCTIONS))


@dataclass(frozen=True, slots=True)
class _Outside:
    """Something that is there when the function has ended: an attribute, a name from around it."""

    name: str


def _parameters(function: FunctionNode | ast.Lambda) -> dict[str, _Memories]:
    return {item.arg: frozenset({_Memory(item.arg)}) for item in parameters_of(function)}


def _known(call: Call, function: FunctionNode | ast.Lambda) -> dict[str, _Memories]:
    """What each name may hold when the call runs, in the first round of a loop or in a later."""
    known = _parameters(function)
    if not isinstance(function, ast.Lambda):
        for statement in statements_in(function.body):
            is_later = _start(statement) >= _start(call.statement)
            loop = _loop_around(call, statement) if is_later else None
            if is_later and loop is None:
                continue
            for name, memories in _given_by(call, statement, known):
                before = known.get(name, frozenset())
                if loop is not None:
                    known[name] = before | {one for one in memories if not _made_in(loop, one)}
                else:
                    known[name] = memories if _surely_runs(call, statement) else before | memories
    for node in call.ancestors:
        for generator in getattr(node, "generators", ()):
            memories = _memories(call, generator.iter, known)
            names = (n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name))
            known.update(dict.fromkeys(names, memories))
    return known


def _loop_around(call: Call, statement: ast.stmt) -> ast.AST | None:
    """The innermost loop that both a call and a statement behind it stand in."""
    around = {id(node) for node in call.module.ancestors(statement)}
    return next((n for n in call.ancestors if isinstance(n, _LOOPS) and id(n) in around), None)


def _made_in(loop: ast.AST, memory: _Memory) -> bool:
    """Whether each round of a loop makes it anew."""
    return isinstance(memory.base, tuple) and _start(loop) <= memory.base < _end(loop)


def _given_by(
    call: Call, statement: ast.stmt, known: Mapping[str, _Memories]
) -> Iterator[tuple[str, _Memories]]:
    """The names to which a statement gives a value, or adds one, and what they then hold."""
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from _assigned(call, target, statement.value, known)
    elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        name = statement.target.id
        if isinstance(statement.value, ast.List | ast.Tuple):  # outputs += [x]
            yield name, known.get(name, frozenset()) | _memories(call, statement.value, known)
    elif isinstance(statement, ast.For | ast.AsyncFor):
        memories = _memories(call, statement.iter, known)
        for leaf in targets_of(statement):
            if isinstance(leaf, ast.Name):
                yield leaf.id, memories
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if isinstance(function, ast.Attribute) and function.attr in _KEEPS:
            for one in statement.value.args:
                yield from _kept(call, function.value, _memories(call, one, known), known)


def _assigned(
    call: Call, target: ast.expr, value: ast.expr, known: Mapping[str, _Memories]
) -> Iterator[tuple[str, _Memories]]:
    if isinstance(target, ast.Name):
        yield target.id, _memories(call, value, known)
    elif isinstance(target, ast.Tuple | ast.List):
        same_length = isinstance(value, ast.Tuple | ast.List) and (
            len(value.elts) == len(target.elts)
        )
        whole = _memories(call, value, known)
        for index, one in enumerate(target.elts):
            if same_length and isinstance(value, ast.Tuple | ast.List):
                yield from _assigned(call, one, value.elts[index], known)
            elif isinstance(one, ast.Name):
                part = (value.lineno, index)
                yield one.id, frozenset(_Memory(memory.base, part) for memory in whole)
    else:
        yield from _kept(call, target, _memories(call, value, known), known)


def _kept(
    call: Call, holder: ast.expr, memories: _Memories, known: Mapping[str, _Memories]
) -> Iterator[tuple[str, _Memories]]:
    """`outputs.append(x)`, `outputs["a"] = x`: what holds `outputs` then holds x too."""
    shown = ast.unparse(holder)
    while isinstance(holder, ast.Subscript | ast.Attribute):
        holder = holder.value
    if isinstance(holder, ast.Name):
        # What is kept on the module is there when the method has ended.
        kept = {_Memory(_Outside(shown))} if holder.id == call.self_name else set()
        yield holder.id, known.get(holder.id, frozenset()) | memories
        for name, other in known.items() if kept else ():
            if any(one.meets(two) for one in other for two in memories):
                yield name, other | kept


def _memories(call: Call, value: ast.expr, known: Mapping[str, _Memories]) -> _Memories:
    """Where the numbers of a value may lie; what an operation made lies in a place of its own."""
    parts = _shared_by(call, value)
    if parts is not None:
        return frozenset(one for part in parts for one in _memories(call, part, known))
    if isinstance(value, ast.Name):
        return known.get(value.id, frozenset({_Memory(_Outside(value.id))}))
    if isinstance(value, ast.Attribute):
        return frozenset({_Memory(_Outside(ast.unparse(value)))})
    return frozenset({_Memory((value.lineno, value.col_offset))})


def _shared_by(call: Call, value: ast.expr) -> list[ast.expr] | None:
    """The expressions whose numbers a value may share; None for one that they end with."""
    if isinstance(value, ast.Subscript | ast.Starred | ast.NamedExpr):
        return [value.value]
    if isinstance(value, ast.Attribute):
        is_own = (dotted_name(value) or "").partition(".")[0] == call.self_name
        return None if is_own else [value.value]
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        return value.elts
    if isinstance(value, ast.Dict):
        return value.values
    if isinstance(value, ast.BoolOp):
        return value.values
    if isinstance(value, ast.IfExp):
        return [value.body, value.orelse]
    if isinstance(value, ast.BinOp):
        sides = [value.left, value.right]
        return sides if any(isinstance(one, ast.List | ast.Tuple) for one in sides) else None
    if isinstance(value, ast.Call):
        return _shared_by_call(call, value)
    return None


def _shared_by_call(call: Call, value: ast.Call) -> list[ast.expr] | None:
    function = value.func
    if isinstance(function, ast.Name) and function.id in _ITERATORS:
        return value.args
    if not isinstance(function, ast.Attribute):
        return None
    made = call.module.call_of(value)
    qualified = made.name if made is not None else None
    if qualified is not None:
        in_place = qualified.endswith("_") or is_inplace(qualified, value)
        shares = function.attr in _VIEWS or in_place or "dropout" in function.attr
        return _first_of(value) if qualified.startswith("torch.") and shares else None
    if dotted_name(function.value) == call.self_name:
        return _first_of(value) if _may_give_back(call, function.attr) else None
    is_view = function.attr in _VIEWS or (
        function.attr.endswith("_") and not function.attr.endswith("__")
    )
    return [function.value] if is_view else None


def _first_of(value: ast.Call) -> list[ast.expr]:
    named = [item.value for item in value.keywords if item.arg == "input"]
    return value.args[:1] or named


def _may_give_back(call: Call, name: str) -> bool:
    """Whether `self.NAME` may hold a layer that gives back its input, or a view of it."""
    made = (call.module.call_of(item.value) for item in call.module.assignments.get(name, ()))
    return any(
        one is not None
        and one.name is not None
        and (is_inplace(one.name, one.node) or one.name in _GIVE_BACK or "Dropout" in one.name)
        for one in made
    )


def _loads_after(
    call: Call, function: FunctionNode | ast.Lambda, names: set[str], rebound: set[str]
) -> Iterator[ast.Name]:
    """Uses of the names once the call has run, until a statement gives them new values.

    `rebound`: the names that the call's own statement gives them.
    """
    if isinstance(function, ast.Lambda):
        rebound = set()
    within = {id(node) for node in ast.walk(call.statement)}
    left = set(names)
    nodes = sorted(
        (node for node in ast.walk(function) if isinstance(node, ast.Name)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    yield from (node for node in nodes if node.id in left and _waits(call, node))
    for node in _in_order_of_running(call, function, nodes):
        if isinstance(node, ast.stmt):  # the head of a loop that starts another round
            left -= {t.id for t in targets_of(node) if isinstance(t, ast.Name)}
            continue
        if id(node) not in within:
            left -= rebound
        if node.id not in left:
            continue
        if isinstance(node.ctx, ast.Load):
            yield node
        elif isinstance(node.ctx, ast.Store):
            owner = next(i for i in call.module.ancestors(node) if isinstance(i, ast.stmt))
            reads = {n.id for n in ast.walk(owner) if isinstance(n, ast.Name)
                     and isinstance(n.ctx, ast.Load)}  # fmt: skip
            if node.id not in reads and _surely_runs(call, owner):
                left.discard(node.id)


def _in_order_of_running(
    call: Call, function: FunctionNode | ast.Lambda, nodes: list[ast.Name]
) -> Iterator[ast.Name | ast.stmt]:
    """The names of a function from the call on, those that a further round of a loop comes to."""
    start, end = _start(call.node), _end(call.node)
    for loop in call.ancestors:
        if loop is function:
            break
        if isinstance(loop, _LOOPS):
            yield from (node for node in nodes if end <= _start(node) < _end(loop))
            yield loop
            first = loop.test if isinstance(loop, ast.While) else loop.body[0]
            yield from (node for node in nodes if _start(first) <= _start(node) < start)
            start, end = _start(first), _end(loop)
    once = not any(isinstance(node, _LOOPS) for node in call.ancestors)
    behind = (node for node in nodes if end <= _start(node))
    yield from (node for node in behind if not (once and _in_other_branch(call, node)))


def _in_other_branch(call: Call, node: ast.AST) -> bool:
    """Whether a node stands in the `else` of an `if` in whose body the call stands."""
    inside, child = {id(one) for one in call.module.ancestors(node)}, ast.AST()
    for around in call.ancestors:
        if isinstance(around, ast.If) and id(around) in inside and child in around.body:
            return any(id(one) in inside or one is node for one in around.orelse)
        child = around
    return False


def _waits(call: Call, node: ast.Name) -> bool:
    """Whether a name left of the call is used right of it: `h` in `h + F.relu_(h)`."""
    statement = call.statement
    if not _start(statement) <= _start(node) < _start(call.node):
        return False
    if isinstance(statement, ast.AugAssign) and node is statement.target:
        return True
    if not isinstance(node.ctx, ast.Load):
        return False
    around = {id(one) for one in call.ancestors}
    for one in call.module.ancestors(node):
        if id(one) in around:
            return not isinstance(one, ast.stmt) or one is statement
        if isinstance(one, ast.Call):
            return False
    return False


def _start(node: ast.AST) -> tuple[int, int]:
    return (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))


def _end(node: ast.AST) -> tuple[int, int]:
    return (getattr(node, "end_lineno", 0), getattr(node, "end_col_offset", 0))


def _surely_runs(call: Call, statement: ast.stmt) -> bool:
    """Whether a statement runs whenever the call does: it stands in a block around it."""
    around = {id(node) for node in call.ancestors}
    parent = next(call.module.ancestors(statement), None)
    if parent is None or id(parent) not in around:
        return parent is None
    block = next((one for one in blocks_of(parent) if statement in one), [])
    return any(id(one) in around for one in block)
