"""Cuts out of a block of statements those that building and calling one model depend on."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from codemod.verify.calls import Call, call_of
from codemod.verify.spelling import last_name

# Calls on a model or a tensor that only say where it is kept, or in which mode.
_PLACING = frozenset({"cuda", "cpu", "to", "eval", "train", "requires_grad_", "contiguous"})
# What a recipe must not do: read files, load weights, reach the network, wait for a person.
_UNWANTED_CALLS = frozenset(
    {
        "open", "input", "load", "load_state_dict", "load_url", "load_state_dict_from_url",
        "from_pretrained", "imread", "urlopen", "urlretrieve", "hf_hub_download",
        "snapshot_download", "DataLoader", "init_process_group",
    }
)  # fmt: skip
_PARSERS = ("parse_args", "parse_known_args")
_UNWANTED_NAMES = frozenset({"requests", "urllib", "wandb"})
_BUILTINS = frozenset(dir(builtins))
_ALWAYS_THERE = _BUILTINS | {"torch"}

Outside = Callable[[str], "Sequence[ast.stmt] | None"]


@dataclass(frozen=True, slots=True)
class Slice:
    """Source of a model's construction and of one call; `inputs` is empty without a call."""

    setup: str
    build: str
    inputs: str
    line: int


def on_cpu(tree: ast.Module) -> ast.Module:
    """The tree, changed in place: without what says where a model or tensor is kept, and with
    the defaults of command lines in place of `sys.argv`."""
    changed: ast.Module = _Tamed().visit(tree)
    return changed


def slices(
    body: Sequence[ast.stmt], constructs: Callable[[ast.Call], bool], outside: Outside
) -> Iterator[Slice]:
    """Each construction in the block, with the first call of what it gives; see `on_cpu` first.

    `constructs`: whether a call constructs the class. `outside`: the statements that define a
    name beyond the block, none if it needs none, or None if it cannot be had.
    """
    flat = list(_flat(body))
    for index, statement in enumerate(flat):
        for call in _own_calls(statement):
            if constructs(call):
                found = _slice(flat, index, statement, call, outside)
                if found is not None:
                    yield found


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in order, those of `with`, `try` and `if` blocks among them."""
    for statement in body:
        if isinstance(statement, (ast.With, ast.Try)):
            yield from _flat(statement.body)
        elif isinstance(statement, ast.If):
            yield from _flat([*statement.body, *statement.orelse])
        else:
            yield from _one_by_one(statement)


def _one_by_one(statement: ast.stmt) -> Iterator[ast.stmt]:
    """`a, b = Net(), x` as two statements."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            parts = [*target.elts, *value.elts]
            if len(target.elts) == len(value.elts) and not any(
                isinstance(part, ast.Starred) for part in parts
            ):
                for name, one in zip(target.elts, value.elts, strict=True):
                    yield ast.copy_location(ast.Assign([name], one), statement)
                return
    yield statement


def _own_calls(statement: ast.stmt) -> Iterator[ast.Call]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For)):
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            yield node


def _slice(
    flat: Sequence[ast.stmt],
    index: int,
    statement: ast.stmt,
    construction: ast.Call,
    outside: Outside,
) -> Slice | None:
    called = _first_call(flat, index, statement, construction)
    last = index
    inputs: list[ast.expr] = []
    if called is not None:
        last, call = called
        inputs = call.expressions
    setup = _needed([construction, *inputs], flat[:last], outside, construction)
    if setup is None and called is not None:
        called = None
        setup = _needed([construction], flat[:index], outside, construction)
    if setup is None:
        return None
    return Slice(
        "\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in setup),
        ast.unparse(construction),
        called[1].text() if called is not None else "",
        construction.lineno,
    )


def _first_call(
    flat: Sequence[ast.stmt], index: int, statement: ast.stmt, construction: ast.Call
) -> tuple[int, Call] | None:
    """The index of the statement that calls the model, and the call."""
    names = _model_names(statement, construction)

    def is_model(node: ast.expr) -> bool:
        return node is construction or (isinstance(node, ast.Name) and node.id in names)

    for later in range(index, len(flat)):
        names |= _aliases(flat[later], names)
        for node in (n for n in ast.walk(flat[later]) if isinstance(n, ast.Call)):
            found = call_of(node, is_model)
            if found is not None:
                return later, found
    return None


def _model_names(statement: ast.stmt, construction: ast.Call) -> set[str]:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        return set()
    if not _is_or_wraps(statement.value, construction):
        return set()
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _aliases(statement: ast.stmt, names: set[str]) -> set[str]:
    """`b` of `b = a`, where `a` is one of the names."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Name):
        return set()
    if statement.value.id not in names:
        return set()
    return {target.id for target in statement.targets if isinstance(target, ast.Name)}


def _is_or_wraps(value: ast.expr | None, construction: ast.Call) -> bool:
    """`Net()`, or `DataParallel(Net())`, which is called in the same way."""
    if value is construction:
        return True
    wraps = isinstance(value, ast.Call) and len(value.args) >= 1
    return wraps and _is_or_wraps(value.args[0], construction)  # type: ignore[union-attr]


def _needed(
    expressions: Sequence[ast.expr],
    before: Sequence[ast.stmt],
    outside: Outside,
    construction: ast.Call,
) -> list[ast.stmt] | None:
    """The statements that the expressions depend on, in order; None if one cannot be used."""
    if any(_is_unwanted(node) for node in expressions):
        return None
    wanted = set().union(*(_reads(node) for node in expressions))
    kept: list[ast.stmt] = []
    for statement in reversed(before):
        bound = _binds(statement)
        changes = _changes(statement) & wanted
        if not bound & wanted and not changes:
            continue
        if construction in set(ast.walk(statement)):
            return None
        if _is_unusable(statement):
            if bound & wanted:
                return None
            continue
        kept.append(statement)
        if not changes and not isinstance(statement, ast.AugAssign):
            wanted -= bound
        wanted |= _reads(statement)
    first = from_outside(wanted, outside)
    return None if first is None else [*first, *reversed(kept)]


def from_outside(names: set[str], outside: Outside) -> list[ast.stmt] | None:
    """What defines the names beyond the block, and all that this needs: imports first."""
    found: list[ast.stmt] = []
    pending = sorted(names - _ALWAYS_THERE)
    seen: set[str] = set(pending)
    while pending:
        statements = outside(pending.pop(0))
        if statements is None or any(_is_unusable(node) for node in statements):
            return None
        new = [node for node in statements if node not in found]
        found += new
        more = set().union(*(_reads(node) for node in new)) - seen - _ALWAYS_THERE
        seen |= more
        pending.extend(sorted(more))
    imports = [node for node in found if isinstance(node, (ast.Import, ast.ImportFrom))]
    rest = sorted((node for node in found if node not in imports), key=lambda node: node.lineno)
    return [*imports, *rest]


def _reads(node: ast.AST) -> set[str]:
    """The free names of a node. Local names of inner functions count only if they are read."""
    loads = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _loads(n)}
    inner = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    comprehended = {
        n.id
        for c in ast.walk(node)
        if isinstance(c, ast.comprehension)
        for n in ast.walk(c.target)
        if isinstance(n, ast.Name)
    }
    stored: set[str] = set()
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not _loads(n)}
        stored.add(node.name)
    return loads - inner - comprehended - stored


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def _binds(statement: ast.stmt) -> set[str]:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return {statement.name}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and not _loads(n)}


def _changes(statement: ast.stmt) -> set[str]:
    """Names of what the statement changes in place: `c.x = 1`, `c["x"] = 1`, `c.append(1)`."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        changed: list[ast.expr] = [statement.value.func]
    elif isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        changed = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    else:
        return set()
    return {_root(one) for one in changed if isinstance(one, (ast.Attribute, ast.Subscript))}


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_unusable(statement: ast.stmt) -> bool:
    usable = (
        ast.Assign,
        ast.AnnAssign,
        ast.AugAssign,
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.ClassDef,
    )
    is_change = isinstance(statement, ast.Expr) and bool(_changes(statement))
    return not (isinstance(statement, usable) or is_change) or _is_unwanted(statement)


def _is_unwanted(node: ast.AST) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Yield, ast.YieldFrom, ast.Await)):
            return True
        if isinstance(inner, ast.Name) and inner.id in _UNWANTED_NAMES:
            return True
        if isinstance(inner, ast.Call) and last_name(inner.func) in _UNWANTED_CALLS:
            return True
    return False


class _Tamed(ast.NodeTransformer):
    """Drops `.cuda()`, `.to(device)`, `device=...` and the mode of a model; asks no `sys.argv`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _only_places(node):
            return node.func.value  # type: ignore[attr-defined,no-any-return]
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "device"]
        is_method = isinstance(node.func, ast.Attribute)
        if is_method and last_name(node.func) in _PARSERS and not node.args:
            node.args = [ast.List([], ast.Load())]
        return node


def _only_places(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in _PLACING:
        return False
    return node.func.attr != "to" or not _converts(node)


def _converts(node: ast.Call) -> bool:
    """Whether `.to(...)` gives another type: `x.to(torch.float64)`."""
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(
        isinstance(value, ast.Attribute)
        and isinstance(value.value, ast.Name)
        and value.value.id == "torch"
        for value in values
    )
