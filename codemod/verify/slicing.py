"""Cuts out of a block of statements those that building and calling one model depend on."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

# Calls on a model or a tensor that only say where it is kept, or in which mode.
_PLACING = frozenset({"cuda", "cpu", "to", "eval", "train", "requires_grad_", "contiguous"})
# What a recipe must not do: read arguments and files, load weights, reach the network.
_UNWANTED = frozenset(
    {
        "argparse", "argv", "parse_args", "ArgumentParser", "open", "input", "load",
        "load_state_dict", "load_url", "load_state_dict_from_url", "from_pretrained", "imread",
        "urlopen", "urlretrieve", "requests", "hf_hub_download", "snapshot_download",
        "DataLoader", "init_process_group",
    }
)  # fmt: skip
_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Slice:
    """Source of a model's construction and of one call; `inputs` is empty without a call."""

    setup: str
    build: str
    inputs: str
    line: int


def on_cpu(tree: ast.Module) -> ast.Module:
    """The tree, changed in place, without what says where a model or tensor is kept."""
    changed: ast.Module = _OnCpu().visit(tree)
    return changed


def slices(
    body: Sequence[ast.stmt],
    constructs: Callable[[ast.Call], bool],
    outside: Callable[[str], Sequence[ast.stmt] | None],
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
    outside: Callable[[str], Sequence[ast.stmt] | None],
) -> Slice | None:
    called = _first_call(flat, index, statement, construction)
    last = index
    inputs: list[ast.expr] = []
    if called is not None:
        last, call = called
        inputs = [*call.args, *(keyword.value for keyword in call.keywords)]
        if any(isinstance(a, ast.Starred) for a in call.args) or not _named(call):
            called, inputs = None, []
    setup = _needed([construction, *inputs], flat[:last], outside, construction)
    if setup is None and called is not None:
        called, inputs = None, []
        setup = _needed([construction], flat[:index], outside, construction)
    if setup is None:
        return None
    return Slice(
        "\n".join(ast.unparse(node) for node in setup),
        ast.unparse(construction),
        _inputs_text(called[1]) if called is not None else "",
        construction.lineno,
    )


def _named(call: ast.Call) -> bool:
    return all(keyword.arg is not None for keyword in call.keywords)


def _first_call(
    flat: Sequence[ast.stmt], index: int, statement: ast.stmt, construction: ast.Call
) -> tuple[int, ast.Call] | None:
    """The index of the statement that calls the model, and the call."""
    for node in _own_calls(statement):
        if node.func is construction:
            return index, node
    names = _model_names(statement, construction)
    for later in range(index, len(flat)):
        for call in (n for n in ast.walk(flat[later]) if isinstance(n, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in names:
                return later, call
    return None


def _model_names(statement: ast.stmt, construction: ast.Call) -> set[str]:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        return set()
    if statement.value is not construction:
        return set()
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _needed(
    expressions: Sequence[ast.expr],
    before: Sequence[ast.stmt],
    outside: Callable[[str], Sequence[ast.stmt] | None],
    construction: ast.Call,
) -> list[ast.stmt] | None:
    """The statements that the expressions depend on, in order; None if one cannot be used."""
    wanted = set().union(*(_reads(node) for node in expressions))
    kept: list[ast.stmt] = []
    for statement in reversed(before):
        bound = _binds(statement)
        if not bound & wanted:
            continue
        if _is_unusable(statement) or construction in set(ast.walk(statement)):
            return None
        kept.append(statement)
        if not isinstance(statement, ast.AugAssign):
            wanted -= bound
        wanted |= _reads(statement)
    if any(_is_unwanted(node) for node in expressions):
        return None
    first: list[ast.stmt] = []
    pending = sorted(wanted - _BUILTINS - {"torch"})
    seen: set[str] = set(pending)
    while pending:
        found = outside(pending.pop(0))
        if found is None or any(_is_unusable(node) for node in found):
            return None
        new = [node for node in found if node not in first]
        first = [*new, *first]
        more = set().union(*(_reads(node) for node in new)) - seen - _BUILTINS - {"torch"}
        seen |= more
        pending.extend(sorted(more))
    imports = [node for node in first if isinstance(node, (ast.Import, ast.ImportFrom))]
    rest = sorted((node for node in first if node not in imports), key=lambda node: node.lineno)
    return [*imports, *rest, *reversed(kept)]


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
    return not isinstance(statement, usable) or _is_unwanted(statement)


def _is_unwanted(node: ast.AST) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in _UNWANTED:
            return True
        if isinstance(inner, ast.Attribute) and inner.attr in _UNWANTED:
            return True
    return False


class _OnCpu(ast.NodeTransformer):
    """Drops `.cuda()`, `.to(device)`, `device=...`, and the mode of a model."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _only_places(node):
            return node.func.value  # type: ignore[attr-defined,no-any-return]
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "device"]
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


def _inputs_text(call: ast.Call) -> str:
    args = [ast.unparse(argument) for argument in call.args]
    kwargs = [f"{keyword.arg!r}: {ast.unparse(keyword.value)}" for keyword in call.keywords]
    written = f"({args[0]},)" if len(args) == 1 else f"({', '.join(args)})"
    return f"({written}, {{{', '.join(kwargs)}}})"
