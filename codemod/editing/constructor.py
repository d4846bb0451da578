"""Calls that make a module of the catalogue: what they make, and whether they may be repeated."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from codemod.catalogue import Pair, Unmappable, bind, by_module, short, to_functional
from codemod.editing.refused import Refused
from codemod.editing.stability import PURE_BUILTINS
from codemod.editing.to_functional import module_names
from codemod.editing.to_module import arguments_of, refused_mapping
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.syntax import walk

_PURE_FUNCTIONS = PURE_BUILTINS | {"getattr", "len", "list"}
# Layers of torch.nn that hold parameters or running statistics.
_STATEFUL = re.compile(
    r"PReLU|Linear|Bilinear|Embedding\w*|(?:Lazy)?(?:Conv\w*|BatchNorm\w*|InstanceNorm\w*)"
    r"|SyncBatchNorm|LayerNorm|GroupNorm|RMSNorm|LSTM|GRU|RNN|\w+Cell|MultiheadAttention"
    r"|Transformer\w*"
)
_OPERATORS = (
    ast.Attribute,
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.List,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
)


@dataclass(frozen=True)
class Constructor:
    """A call that makes a module of which the catalogue knows the functional form."""

    call: Call
    pair: Pair

    @property
    def values(self) -> tuple[ast.expr, ...]:
        """The arguments, in source order of their kinds."""
        node = self.call.node
        return (*node.args, *(keyword.value for keyword in node.keywords))


@cache
def layer_names() -> re.Pattern[str]:
    """The class names of the catalogue, and of layers of torch.nn that hold parameters."""
    return re.compile(rf"{module_names().pattern}|\b(?:{_STATEFUL.pattern})\b")


def layer_made(module: ModuleClass, value: ast.AST | None) -> str | None:
    """The layer of torch.nn that an expression makes: `ReLU`, `Linear`. No containers."""
    call = module.call_of(value)
    package, _, name = ((call.name if call is not None else None) or "").rpartition(".")
    return name if package == "torch.nn" and layer_names().fullmatch(name) else None


def layer_held(module: ModuleClass, name: str) -> str | None:
    """The layer of torch.nn that `self.NAME` is, if nothing makes it another: no subclass, no code
    of other objects."""
    made = {layer_made(module, item.value) for item in module.assignments.get(name, ())}
    held = {one.name for one in module.project.values.attribute(module.key, name)}
    layer = made.pop() if len(made) == 1 else None
    return layer if held == {f"torch.nn.{layer}"} else None


def holds_weights(layer: str) -> bool:
    """Whether a layer of torch.nn holds parameters or statistics, whatever its arguments."""
    stateless = layer in ("GroupNorm", "LayerNorm", "RMSNorm") or "InstanceNorm" in layer
    return not stateless and _STATEFUL.fullmatch(layer) is not None


def constructor_of(module: ModuleClass, value: ast.AST | None) -> Constructor | None:
    """What an expression makes, if it makes a module of the catalogue."""
    call = module.call_of(value)
    pair = by_module(call.name) if call is not None and call.name else None
    return Constructor(call, pair) if call is not None and pair is not None else None


def check_stateless(constructor: Constructor) -> None:
    """Raises Refused (stateful, star-arguments, unusual-call) unless the module holds no state."""
    if constructor.call.has_star:
        raise Refused("star-arguments", "the constructor takes * or ** arguments")
    pair = constructor.pair
    bound = bind(pair.constructor, arguments_of(constructor.call), short(pair.module))
    if isinstance(bound, Unmappable):
        raise refused_mapping(bound)
    made = to_functional(pair, bound)
    if isinstance(made, Unmappable) and made.code == "stateful":
        raise refused_mapping(made)


def fresh_modules(module: ModuleClass, value: ast.expr | None) -> Iterator[Constructor]:
    """The constructors in an expression that makes a new module each time it is evaluated.

    `nn.ReLU() if relu else None` is such an expression. Raises Refused: argument-not-static,
    and what `check_stateless` raises; ValueError where something else may be made.
    """
    if isinstance(value, ast.IfExp):
        _check_pure(module, value.test)
        yield from fresh_modules(module, value.body)
        yield from fresh_modules(module, value.orelse)
        return
    if isinstance(value, ast.Constant) and value.value is None:
        return
    call = module.call_of(value)
    if call is not None and call.name == "torch.nn.Identity":
        return
    constructor = constructor_of(module, value)
    if constructor is None:
        raise ValueError("not a constructor of the catalogue")
    check_stateless(constructor)
    for argument in constructor.values:
        _check_pure(module, argument)
    yield constructor


def is_lasting(made: Sequence[Constructor]) -> bool:
    """Whether the one constructor's arguments mean the same further down in `__init__`."""
    if len(made) != 1:
        return False
    call = made[0].call
    nodes = (node for value in made[0].values for node in walk(value))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return all(
        name != call.self_name and len(call.scope.bindings.get(name, ())) <= 1 for name in names
    )


def _check_pure(module: ModuleClass, value: ast.expr) -> None:
    """Raises Refused (argument-not-static) unless the expression may be evaluated once more."""
    for node in walk(value):
        if isinstance(node, ast.expr) and not _is_pure(module, node):
            text = ast.unparse(node)
            raise Refused("argument-not-static", f"`{text[:40]}` may differ when evaluated again")


def _is_pure(module: ModuleClass, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        call = module.call_of(node)
        hidden = call is None or call.scope.binds(name) or name in module.file.index.bindings
        return name in _PURE_FUNCTIONS and hasattr(builtins, name) and not hidden
    return isinstance(node, (ast.Constant, ast.Name, *_OPERATORS))
