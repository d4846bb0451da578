"""Code that looks at modules from outside: goes over children by position, hooks, sets a mode."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeGuard

from codemod.semantics.syntax import (
    FunctionNode,
    children,
    dotted_name,
    last_name,
    object_of_type,
    parameters_of,
    targets_of,
    walk,
)
from codemod.source.text import SourceText

# positions: takes children by position. in-order: runs, counts or lists them all.
# in-depth: takes modules at any depth by position, counts or lists them.
# all-hooked: every module gets a hook, or another forward. hooked: one gets one.
# mode: `.training` of one alone is set.
ObserverKind = Literal["positions", "in-order", "in-depth", "all-hooked", "hooked", "mode"]


@dataclass(frozen=True)
class Observer:
    """One place. `receiver` is the source of what it looks at; `owner` the class around it.

    `part`: the receiver is held by an object (`self.body`, what a loop over it gives).

    `made_by`: dotted names of the calls that may have made the receiver; "" for one that cannot
    be told (a parameter, the target of a loop).
    """

    kind: ObserverKind
    line: int
    receiver: str
    owner: str
    made_by: tuple[str, ...]
    part: bool = False


_WORDS = re.compile(
    r"(?:children|modules)\(\)|LayerGetter\(|\._modules\b|\bregister_\w*hook\(|\.training\s*=(?!=)|\.apply\("
    r"""|(?:setattr\([^()\n]*,\s*|__dict__\[\s*)["']training["']"""
)
# One of these stands wherever `_WORDS` matches; they are searched for much faster.
_LITERALS = (
    "LayerGetter(",
    "children()",
    "modules()",
    "._modules",
    "hook(",
    ".apply(",
    '"training"',
    "'training'",
)
_SETS_MODE = re.compile(r"\.training\s*=(?!=)")
_CHILDREN = frozenset({"children", "named_children", "_modules"})
_SWEEPS = _CHILDREN | {"modules", "named_modules"}
_KEEPS_ORDER = frozenset({"list", "tuple", "reversed", "enumerate", "zip", "iter", "sorted"})
_VIEWS = frozenset({"values", "items", "keys", "copy"})
_HOOK = re.compile(r"register_(?:module_)?(?:full_)?(?:forward|backward)\w*hook$")
_EVERYWHERE = re.compile(r"register_module_(?:full_)?(?:forward|backward)\w*hook$")
_STORES = frozenset({"append", "add_module", "register_module", "insert"})
# Functions and containers that take modules in their order.
_IN_ORDER = frozenset(
    {"ModuleDict", "ModuleList", "OrderedDict", "Sequential", "islice", "map", "reduce"}
)
_COUNTS = frozenset({"len", "enumerate", "zip", "next", "map", "reduce", "islice"})
_HOLDS_ALL = _KEEPS_ORDER | {"Counter", "dict", "frozenset", "set"}
_SETS_MODE_OF = frozenset({"train", "eval"})

_Around = tuple[ast.AST, ...]  # nearest first


def observers_in(source: SourceText, tree: ast.Module) -> tuple[Observer, ...]:
    """All of one file, in order."""
    text = source.text
    if not any(word in text for word in _LITERALS) and not _SETS_MODE.search(text):
        return ()
    found: list[Observer] = []
    hooks = ("hook(", ".forward = ", ".__call__ = ")
    hooking = frozenset(_hooking(tree) if any(word in text for word in hooks) else ())
    for statement in tree.body:
        if source.has(_WORDS, statement):
            found += _walk(statement, (), "", "", hooking)
    return tuple(dict.fromkeys(found))


def _hooking(tree: ast.Module) -> Iterator[str]:
    """The functions of a file that hook what they are given."""
    for node in walk(tree):
        if isinstance(node, FunctionNode):
            given = {item.arg for item in parameters_of(node)} - {"self", "cls"}
            if any(_hooks(one, given, frozenset()) or _wraps(one, given) for one in walk(node)):
                yield node.name


def _walk(
    node: ast.AST, around: _Around, owner: str, prefix: str, hooking: frozenset[str]
) -> Iterator[Observer]:
    """What `node` holds. `owner`: the class around; `prefix`: of the names of classes in it."""
    place = _Place(around, owner, hooking)
    if isinstance(node, ast.Call | ast.Attribute):
        yield from _of_expression(node, place)
    elif isinstance(node, ast.stmt):
        yield from _modes(node, place)
    if isinstance(node, ast.ClassDef):
        owner = prefix + node.name
        prefix = f"{owner}."
    elif isinstance(node, FunctionNode):
        prefix = f"{prefix}{node.name}.<locals>."
    for child in children(node):
        yield from _walk(child, (node, *around), owner, prefix, hooking)


@dataclass(frozen=True)
class _Place:
    """`hooking`: the functions of the file that hook what they are given."""

    around: _Around
    owner: str
    hooking: frozenset[str]

    def observer(self, kind: ObserverKind, node: ast.AST, receiver: ast.expr) -> Observer:
        line = getattr(node, "lineno", 1)
        made_by = tuple(sorted(_makers(receiver, self.around)))
        part = _is_part(receiver, self.around)
        return Observer(kind, line, ast.unparse(receiver), self.owner, made_by, part)


def _of_expression(node: ast.Call | ast.Attribute, place: _Place) -> Iterator[Observer]:
    runs = isinstance(node, ast.Call) and last_name(node.func) == "IntermediateLayerGetter"
    if isinstance(node, ast.Call) and runs and node.args:
        yield place.observer("in-order", node, node.args[0])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name, receiver = node.func.attr, node.func.value
        if _EVERYWHERE.match(name):
            yield place.observer("all-hooked", node, node.func)
        elif _HOOK.match(name) and not _is_of_a_sweep(receiver, place.around):
            yield place.observer("hooked", node, receiver)
        if name in _SWEEPS:
            yield from _sweep(node, name, receiver, place)
        elif name == "apply" and len(node.args) == 1:
            if _is_hooking(node.args[0], place.hooking):
                yield place.observer("all-hooked", node, receiver)
            elif _is_counting(node.args[0], place.around):
                yield place.observer("in-depth", node, receiver)
    elif isinstance(node, ast.Call):
        if _EVERYWHERE.match(dotted_name(node.func) or ""):
            yield place.observer("all-hooked", node, node.func)
        yield from _mode_by_name(node, place)
    elif node.attr == "_modules" and isinstance(node.ctx, ast.Load):
        yield from _sweep(node, "_modules", node.value, place)


def _is_hooking(function: ast.expr, hooking: frozenset[str]) -> bool:
    """Whether what `apply` is given hooks each module."""
    if isinstance(function, ast.Lambda):
        given = {item.arg for item in parameters_of(function)}
        return isinstance(function.body, ast.Call) and _hooks(function.body, given, hooking)
    return last_name(function) in hooking


def _is_counting(function: ast.expr, around: _Around) -> bool:
    """Whether what `apply` is given counts or lists every module: `lambda m: seen.append(m)`, or a
    function beside it."""
    if isinstance(function, ast.Lambda):
        given = {item.arg for item in parameters_of(function)}
        return isinstance(function.body, ast.Call) and _stores(function.body, given)
    beside = (one for scope in around if isinstance(scope, FunctionNode) for one in scope.body)
    return any(
        isinstance(one, FunctionNode) and one.name == dotted_name(function) and _counts_all(one)
        for one in beside
    )


def _counts_all(function: FunctionNode) -> bool:
    given = {item.arg for item in parameters_of(function)}
    return any(
        (_counts(one) and isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name))
        or (
            isinstance(one, ast.Expr)
            and isinstance(one.value, ast.Call)
            and _stores(one.value, given)
        )
        for one in function.body
    )


# ---- sweeps


def _sweep(node: ast.expr, name: str, receiver: ast.expr, place: _Place) -> Iterator[Observer]:
    if dotted_name(receiver) == "sys":
        return
    whole, wrappers, around = _unwrapped(node, place.around)
    kind = _use_of_sweep(whole, name in _CHILDREN, wrappers, around, place.hooking)
    if kind in ("positions", "in-order") and name not in _CHILDREN:
        kind = "in-depth"
    if kind is not None and not _is_known_container(receiver, place.around):
        yield place.observer(kind, node, receiver)
    if _sets_mode_of_some(whole, name in _CHILDREN, around):
        yield place.observer("mode", node, receiver)


def _is_known_container(receiver: ast.expr, around: _Around) -> bool:
    """Whether an `if isinstance(receiver, nn.Sequential)` stands around."""
    shown = re.escape(ast.unparse(receiver))
    wanted = re.compile(rf"isinstance\({shown}, [^)]*\b(?:Sequential|ModuleList|ModuleDict)\b")
    return any(isinstance(node, ast.If) and wanted.search(ast.unparse(node.test))
               for node in around)  # fmt: skip


def _unwrapped(node: ast.expr, around: _Around) -> tuple[ast.expr, frozenset[str], _Around]:
    """The expression around `node` that is still the same modules, and the names that make it."""
    wrappers: set[str] = set()
    while around:
        parent = around[0]
        if isinstance(parent, ast.Attribute) and parent.attr in _VIEWS:
            node, around = parent, around[1:]
            continue
        if isinstance(parent, ast.Call):
            name = dotted_name(parent.func) or ""
            if parent.func is node:
                node, around = parent, around[1:]
                continue
            if name in _KEEPS_ORDER:
                wrappers.add(name)
                node, around = parent, around[1:]
                continue
        break
    return node, frozenset(wrappers), around


def _use_of_sweep(
    node: ast.expr,
    is_children: bool,
    wrappers: frozenset[str],
    around: _Around,
    hooking: frozenset[str],
) -> ObserverKind | None:
    parent = around[0] if around else None
    counted = is_children or wrappers & {"list", "tuple"}
    if _is_compared(node, around):
        return "in-order"
    if isinstance(parent, ast.Attribute) and parent.attr == "popitem":
        return "positions"
    if is_children and _takes_in_order(parent, node):
        return "in-order"
    if isinstance(parent, ast.Starred):
        return "positions"
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return "positions" if wrappers else None
    if isinstance(parent, ast.Call) and dotted_name(parent.func) == "dict":
        outer = around[1] if len(around) > 1 else None
        if not isinstance(outer, ast.Call) or dotted_name(outer.func) != "len":
            return None
        return None if _asks_if_any(outer, around[2:]) else "in-order"
    if isinstance(parent, ast.Call) and dotted_name(parent.func) in ("len", "next"):
        return "in-order" if counted and not _asks_if_any(parent, around[1:]) else None
    if isinstance(parent, ast.For | ast.AsyncFor) and parent.iter is node:
        numbered = wrappers & ({"enumerate", "zip"} if is_children else {"enumerate"})
        if numbered and _goes_by_place(parent, numbered):
            return "in-order"  # of all modules, beside another list, are two models alike
        return _use_in_loop(parent, is_children, hooking, around[1:])
    if isinstance(parent, ast.comprehension) and parent.iter is node:
        return _use_in_comprehension(parent, around, is_children, hooking)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and counted:
        return _use_of_stored(parent.targets[0], around)
    if isinstance(parent, ast.Return | ast.Call) and wrappers & {"list", "tuple"} and is_children:
        return "positions"
    return None


def _is_compared(node: ast.AST, around: _Around) -> bool:
    """`set(dict(m.named_children())) == {...}`: whether all of a sweep must be what is expected."""
    for index, parent in enumerate(around):
        if isinstance(parent, ast.Compare):
            return isinstance(parent.ops[0], ast.Eq | ast.NotEq)
        if isinstance(parent, ast.Call):
            holds = parent.func is node or last_name(parent.func) in _HOLDS_ALL
        else:
            holds = isinstance(parent, ast.Attribute) and parent.attr in _VIEWS
        if not holds:
            return False
        node = around[index]
    return False


def _asks_if_any(call: ast.Call, around: _Around) -> bool:
    """`next(m.children(), None)`, `len(list(m.children())) > 0`: whether it is a leaf."""
    parent = around[0] if around else None
    compared = isinstance(parent, ast.Compare) and all(
        isinstance(item, ast.Constant) and item.value in (0, 1) for item in parent.comparators
    )
    tested = isinstance(parent, ast.UnaryOp | ast.BoolOp) or (
        isinstance(parent, ast.If | ast.IfExp) and parent.test is call
    )
    return compared or tested or len(call.args) == 2


def _takes_in_order(parent: ast.AST | None, node: ast.expr) -> bool:
    """`nn.ModuleList(model.children())`, `islice(model.children(), 2)`."""
    if not isinstance(parent, ast.Call) or node not in parent.args:
        return False
    return last_name(parent.func) in _IN_ORDER


def _goes_by_place(loop: ast.For | ast.AsyncFor, wrappers: frozenset[str]) -> bool:
    """`for m, w in zip(...)`, or `for i, m in enumerate(...)` that compares the number."""
    if "zip" in wrappers:
        return True
    first = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else None
    number = dotted_name(first) if first is not None else None
    return number is not None and any(
        (
            isinstance(node, ast.Compare | ast.Subscript)
            or (isinstance(node, ast.Call) and "seed" in last_name(node.func))
        )
        and any(isinstance(leaf, ast.Name) and leaf.id == number for leaf in walk(node))
        for statement in loop.body
        for node in walk(statement)
    )


def _use_in_loop(
    loop: ast.For | ast.AsyncFor, is_children: bool, hooking: frozenset[str], around: _Around
) -> ObserverKind | None:
    names = _child_names(loop.target)
    kind: ObserverKind | None = None
    chosen = any(
        isinstance(one, ast.If) and not _asks_for_leaf(one.test, names) for one in loop.body
    )
    for statement in loop.body:
        if _counts(statement) and not is_chosen(loop, statement):
            kind = "in-order"
        for node in walk(statement):
            if _wraps(node, names) and not is_chosen(loop, node):
                return "all-hooked"
            if _puts_into_another(node, names) and not is_chosen(loop, node):
                return "all-hooked"
            if not is_children and _is_listed(node, loop, around):
                kind = "in-order"
            if isinstance(node, ast.Call):
                if _hooks(node, names, hooking) and not is_chosen(loop, node):
                    return "all-hooked"
                if is_children and (_is_one_of(node.func, names) or _stores(node, names)):
                    kind = "in-order"
            elif is_children and (
                _is_kept(node, names) or (not chosen and _takes_apart(node, names))
            ):
                kind = "in-order"
    return kind


def is_chosen(loop: ast.For | ast.AsyncFor, node: ast.expr | ast.stmt) -> bool:
    """Whether only some modules, of a kind or by name, get to a place in a loop over them.

    One that leaves out a kind (`if not isinstance(m, nn.Linear)`) takes all others.
    """
    every = {leaf.id for leaf in walk(loop.target) if isinstance(leaf, ast.Name)}
    every |= set(_types_kept(loop, every))
    if any(
        isinstance(one, ast.If)
        and one.lineno < node.lineno
        and _goes_on(one)
        and _leaves_out(one.test, every)
        for one in loop.body
    ):
        return True
    tests = [
        one.test
        for statement in loop.body
        for one in walk(statement)
        if isinstance(one, ast.If)
        and any(below is node for item in one.body for below in walk(item))
    ]
    return any(_tells(test, every) and not _leaves_out(test, every) for test in tests)


def _types_kept(loop: ast.For | ast.AsyncFor, names: set[str]) -> Iterator[str]:
    """`kind` of `kind = type(m)`, `kind = m.__class__.__name__`."""
    for statement in loop.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            asked = [*walk(statement.value)]
            is_type = any(
                (isinstance(one, ast.Attribute) and one.attr == "__class__")
                or (isinstance(one, ast.Call) and dotted_name(one.func) == "type")
                for one in asked
            )
            if is_type and any(isinstance(one, ast.Name) and one.id in names for one in asked):
                yield statement.targets[0].id


def _goes_on(statement: ast.If) -> bool:
    return isinstance(statement.body[-1], ast.Continue) and not statement.orelse


def _tells(test: ast.expr, names: set[str]) -> bool:
    """Whether a test asks which module it is: for its class, its name, an attribute."""
    if _asks_for_leaf(test, names):
        return False
    return any(isinstance(leaf, ast.Name) and leaf.id in names for leaf in walk(test))


def _leaves_out(test: ast.expr, names: set[str]) -> bool:
    """`not isinstance(m, nn.Linear)`, `name != "fc"`, `name not in skipped`."""
    if isinstance(test, ast.BoolOp):
        told = [one for one in test.values if _tells(one, names)]
        return bool(told) and all(_leaves_out(one, names) for one in told)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _tells(test.operand, names)
    negative = ast.NotIn | ast.NotEq | ast.IsNot
    return isinstance(test, ast.Compare) and all(isinstance(one, negative) for one in test.ops)


def _asks_for_leaf(test: ast.expr, names: set[str]) -> bool:
    """`not list(child.children())`: all that asks for no more takes every leaf, a layer too."""
    if isinstance(test, ast.BoolOp):
        return all(_asks_for_leaf(one, names) for one in test.values)
    attributes = [node for node in walk(test) if isinstance(node, ast.Attribute)]
    asked = [node for node in attributes if dotted_name(node.value) in names]
    return bool(asked) and all(node.attr in _SWEEPS for node in asked)


def _child_names(target: ast.expr) -> set[str]:
    """What `child` is called in `for name, child in ...`."""
    names = [leaf.id for leaf in walk(target) if isinstance(leaf, ast.Name)]
    return set(names[-1:])


def _hooks(call: ast.AST, names: set[str], hooking: frozenset[str]) -> bool:
    """`child.register_forward_hook(...)`, or a function that does it."""
    if not isinstance(call, ast.Call):
        return False
    function = call.func
    if last_name(function) in hooking:
        return any(_is_one_of(one, names) for one in call.args)
    return (
        isinstance(function, ast.Attribute)
        and _HOOK.match(function.attr) is not None
        and dotted_name(function.value) in names
    )


def _wraps(node: ast.AST, names: set[str]) -> TypeGuard[ast.Call | ast.Assign]:
    """`child.forward = ...`, `setattr(child, "forward", ...)`, `type(child).__call__ = ...`."""
    if isinstance(node, ast.Call):
        is_set = dotted_name(node.func) == "setattr" and len(node.args) == 3
        run = node.args[1] if is_set else None
        return isinstance(run, ast.Constant) and _is_run_by(node.args[0], str(run.value), names)
    return isinstance(node, ast.Assign) and any(
        isinstance(one, ast.Attribute) and _is_run_by(one.value, one.attr, names)
        for one in node.targets
    )


def _is_run_by(owner: ast.expr, method: str, names: set[str]) -> bool:
    """Whether a method is what a call of the module, or of any of its class, runs."""
    if method == "forward" and _is_one_of(owner, names):
        return True
    kept = object_of_type(owner)
    return kept is not None and method in ("forward", "__call__") and _is_one_of(kept, names)


def _puts_into_another(node: ast.AST, names: set[str]) -> TypeGuard[ast.Call | ast.Assign]:
    """`setattr(model, name, Wrapper(child))`, `model._modules[name] = Wrapper(child)`."""
    made: ast.expr | None = None
    if isinstance(node, ast.Call):
        if dotted_name(node.func) == "setattr" and len(node.args) == 3:
            made = node.args[2]
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        table = node.targets[0].value
        made = node.value if isinstance(table, ast.Attribute) and table.attr == "_modules" else None
    name = last_name(made.func) if isinstance(made, ast.Call) else ""
    return (
        isinstance(made, ast.Call)
        # A function may give it back, changed or not: those that look for kinds are asked apart.
        and (name[:1].isupper() or "wrap" in name)
        and any(_is_one_of(one, names) for one in made.args)
    )


def _is_listed(node: ast.AST, loop: ast.For | ast.AsyncFor, around: _Around) -> bool:
    """`layers.append(m)` for every module, or every leaf, of a list that is then indexed."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    every = {leaf.id for leaf in walk(loop.target) if isinstance(leaf, ast.Name)}
    return (
        node.func.attr == "append"
        and any(_is_one_of(one, every) for one in node.args)
        and _is_indexed(node.func.value, around)
        and not is_chosen(loop, node)
    )


def _is_indexed(kept: ast.expr, around: _Around) -> bool:
    """Whether the list of this name is taken apart by position."""
    name = dotted_name(kept)
    kind = FunctionNode if isinstance(kept, ast.Name) else ast.ClassDef
    scope = next((one for one in around if isinstance(one, kind)), None)
    return scope is not None and any(
        isinstance(one, ast.Subscript)
        and dotted_name(one.value) == name
        and not (isinstance(one.slice, ast.Constant) and isinstance(one.slice.value, str))
        for one in walk(scope)
    )


def _is_one_of(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _counts(statement: ast.stmt) -> bool:
    """`count += 1`, in each round of a loop."""
    return isinstance(statement, ast.AugAssign) and isinstance(statement.value, ast.Constant)


def _stores(call: ast.Call, names: set[str]) -> bool:
    """`layers.append(child)`, `self.add_module(name, child)`."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _STORES:
        return False
    return any(_is_one_of(item, names) for item in call.args)


def _is_kept(node: ast.AST, names: set[str]) -> bool:
    """`layers[name] = child`, `self.last = child`."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Name)
        and node.value.id in names
        and any(isinstance(one, ast.Subscript | ast.Attribute) for one in node.targets)
    )


def _takes_apart(node: ast.AST, names: set[str]) -> bool:
    """`for layer in child`, `child[0]`: each child has to be a container, which no layer is."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return _is_child(node.iter, names)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return _is_child(node.value, names)
    return False


def _is_child(node: ast.expr, names: set[str]) -> bool:
    """`child`, or `self._modules[name]` for each of the names."""
    if isinstance(node, ast.Name):
        return node.id in names
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "_modules"
        and isinstance(node.slice, ast.Name)
        and node.slice.id in names
    )


def _use_in_comprehension(
    generator: ast.comprehension, around: _Around, is_children: bool, hooking: frozenset[str]
) -> ObserverKind | None:
    names = _child_names(generator.target)
    whole = around[1] if len(around) > 1 else None
    if whole is None:
        return None
    if _is_compared(whole, around[2:]) and not any(
        _tells(test, names) and not _leaves_out(test, names) for test in generator.ifs
    ):
        return "in-order"
    if isinstance(whole, ast.DictComp):
        given = [node for node in walk(whole.value) if isinstance(node, ast.Call)]
        hooks = not generator.ifs and any(_hooks(one, names, hooking) for one in given)
        return "all-hooked" if hooks else None
    if not isinstance(whole, ast.ListComp | ast.GeneratorExp):
        return None
    if any(isinstance(node, ast.Call) and _hooks(node, names, hooking) for node in walk(whole.elt)):
        return "all-hooked"
    outer = around[2] if len(around) > 2 else None
    is_counted = isinstance(whole.elt, ast.Constant) and not generator.ifs
    if is_counted and isinstance(outer, ast.Call) and dotted_name(outer.func) == "sum":
        return "in-order"
    if isinstance(whole, ast.ListComp) and _takes_every(whole.elt, generator):
        kept = outer.targets[0] if isinstance(outer, ast.Assign) else None
        if _asks_for_order(outer) or (kept is not None and _is_indexed(kept, around)):
            return "in-order"
    if not is_children:
        return None
    runs = any(isinstance(n, ast.Call) and _is_one_of(n.func, names) for n in walk(whole.elt))
    collects = isinstance(whole, ast.ListComp) and not generator.ifs
    return "in-order" if runs or collects else None


def _takes_every(given: ast.expr, generator: ast.comprehension) -> bool:
    """`[m for m in model.modules() if not list(m.children())]`: all, all leaves, all but a kind."""
    every = {leaf.id for leaf in walk(generator.target) if isinstance(leaf, ast.Name)}
    return all(not isinstance(one, ast.Attribute | ast.Call) for one in walk(given)) and all(
        _asks_for_leaf(test, every) or _leaves_out(test, every) for test in generator.ifs
    )


def _asks_for_order(outer: ast.AST | None) -> bool:
    """Whether a list is indexed, counted or compared with another."""
    if isinstance(outer, ast.Call):
        return dotted_name(outer.func) == "len"
    return isinstance(outer, ast.Subscript) or (
        isinstance(outer, ast.Compare) and isinstance(outer.ops[0], ast.Eq | ast.NotEq)
    )


def _use_of_stored(target: ast.expr, around: _Around) -> ObserverKind | None:
    """`layers = list(model.children())`, and then `layers[:3]`, `*layers`, `for ... in layers`."""
    if isinstance(target, ast.Tuple | ast.List):
        return "positions"  # `*body, head = model.children()`
    name = dotted_name(target)
    if name is None:
        return None
    scope = next((node for node in around if isinstance(node, FunctionNode)), around[-1])
    for node in walk(scope):
        held: ast.AST | None = None
        if isinstance(node, ast.Subscript | ast.Starred):
            held = node.value
        elif isinstance(node, ast.For):
            held = node.iter
        elif isinstance(node, ast.Return):
            held = node.value
        elif isinstance(node, ast.Call) and dotted_name(node.func) in _COUNTS:
            held = next((item for item in node.args if dotted_name(item) == name), None)
        if held is not None and dotted_name(held) == name:
            return "positions"
    return None


def _is_of_a_sweep(receiver: ast.expr, around: _Around) -> bool:
    """Whether a name is the target of a loop over modules."""
    return any(
        isinstance(part, ast.Attribute) and part.attr in _SWEEPS
        for iterated in _loops_of(receiver, around)
        for part in walk(iterated)
    )


def _loops_of(receiver: ast.expr, around: _Around) -> Iterator[ast.expr]:
    """What the loops go over that give a name its value."""
    name = dotted_name(receiver)
    for node in around:
        loops: list[ast.For | ast.comprehension] = []
        if isinstance(node, ast.For):
            loops = [node]
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
            loops = list(node.generators)
        for loop in loops:
            names = {leaf.id for leaf in walk(loop.target) if isinstance(leaf, ast.Name)}
            if name in names:
                yield loop.iter


# ---- the mode


def _modes(statement: ast.stmt, place: _Place) -> Iterator[Observer]:
    """`model.training = False`, of one module and not of all in turn."""
    if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        return
    value = statement.value
    if isinstance(value, ast.Attribute) and value.attr == "training":
        return  # a copy of another module's
    for target in targets_of(statement):
        if isinstance(target, ast.Attribute) and target.attr == "training":
            yield from _mode(statement, target.value, value, place)
        elif (
            isinstance(target, ast.Subscript)
            and _is_training(target.slice)
            and isinstance(target.value, ast.Attribute)
            and target.value.attr == "__dict__"
        ):
            yield from _mode(statement, target.value.value, value, place)


def _sets_mode_of_some(node: ast.expr, is_children: bool, around: _Around) -> bool:
    """`for m in model.children(): m.eval()`: of what stands below alone, or of all but a kind."""
    loop = around[0] if around else None
    if not isinstance(loop, ast.For) or loop.iter is not node:
        return False
    names = _child_names(loop.target)
    every = {leaf.id for leaf in walk(loop.target) if isinstance(leaf, ast.Name)}
    for statement in loop.body:
        for call in walk(statement):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if call.func.attr in _SETS_MODE_OF and dotted_name(call.func.value) in names:
                tests = [one.test for one in walk(loop) if isinstance(one, ast.If)]
                asked = any(isinstance(leaf, ast.Name) and leaf.id in every
                            for test in tests for leaf in walk(test))  # fmt: skip
                if not is_chosen(loop, call) and (is_children or asked):
                    return True
    return False


def _mode_by_name(call: ast.Call, place: _Place) -> Iterator[Observer]:
    if dotted_name(call.func) == "setattr" and len(call.args) == 3 and _is_training(call.args[1]):
        yield from _mode(call, call.args[0], call.args[2], place)


def _is_training(node: ast.expr) -> bool:
    return _is_text(node, "training")


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _mode(
    node: ast.AST, receiver: ast.expr, value: ast.expr | None, place: _Place
) -> Iterator[Observer]:
    # `for module, mode in saved: module.training = mode` puts back what was.
    restores = not isinstance(value, ast.Constant) and any(_loops_of(receiver, place.around))
    if not restores and not _is_of_a_sweep(receiver, place.around):
        yield place.observer("mode", node, receiver)


# ---- what a receiver is


def _is_part(receiver: ast.expr, around: _Around) -> bool:
    """Whether it is held by an object (`self.body`), or given by a loop over what is."""
    if isinstance(receiver, ast.Attribute):
        return True
    return isinstance(receiver, ast.Name) and any(
        (dotted_name(node) or "").startswith("self.")
        for iterated in _loops_of(receiver, around)
        for node in walk(iterated)
    )


def _makers(receiver: ast.expr, around: _Around) -> set[str]:
    if isinstance(receiver, ast.Call):
        return {dotted_name(receiver.func) or ""}
    name = dotted_name(receiver)
    if name is None:
        return {""}
    scopes = [node for node in around if isinstance(node, FunctionNode | ast.ClassDef)]
    scope: ast.AST | None
    if name.startswith("self.") and name.count(".") == 1:
        scope = next((node for node in scopes if isinstance(node, ast.ClassDef)), None)
    elif "." in name:
        return {""}
    else:
        scope = next((node for node in scopes if isinstance(node, FunctionNode)), None)
    whole = scope if scope is not None else around[-1] if around else None
    return {""} if whole is None else _assigned_calls(whole, name) or {""}


def _assigned_calls(scope: ast.AST, name: str) -> set[str]:
    """The functions whose results `name` is assigned in a scope; "" for any other value."""
    found: set[str] = set()
    for node in walk(scope):
        if isinstance(node, ast.arg) and node.arg == name:
            found.add("")
        elif isinstance(node, ast.stmt) and any(
            dotted_name(target) == name for target in targets_of(node)
        ):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            called = value.func if isinstance(value, ast.Call) else None
            found.add((dotted_name(called) if called is not None else None) or "")
    return found
