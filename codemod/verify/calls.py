"""How code shows what a model is called with: by calling it, or by having it called.

`net(x)`, `net.forward(x)`; `summary(net, (3, 32, 32))` of torchsummary and torchinfo;
`profile(net, inputs=(x,))`, `torch.jit.trace(net, x)`, `torch.onnx.export(net, x, ...)` and
others that take a model and example inputs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_BATCH = 2
# Functions of a model and example inputs -> keywords that the inputs may be given by.
_TAKE_INPUTS = {
    "profile": ("inputs",),
    "trace": ("example_inputs",),
    "export": ("args",),
    "add_graph": ("input_to_model",),
    "FlopCountAnalysis": ("inputs",),
    "flop_count": ("inputs",),
    "parameter_count": (),
    "make_dot": (),
}
# Functions of a model and the shape of one input without its batch.
_TAKE_SHAPE = {
    "get_model_complexity_info": ("input_res",),
    "stat": ("input_size",),
}


@dataclass(frozen=True)
class Call:
    """The arguments of one call of a model."""

    args: Sequence[ast.expr]
    keywords: Sequence[tuple[str, ast.expr]] = ()

    @property
    def expressions(self) -> list[ast.expr]:
        return [*self.args, *(value for _, value in self.keywords)]

    def text(self) -> str:
        """Source of `(args, kwargs)`."""
        args = [ast.unparse(argument) for argument in self.args]
        kwargs = [f"{name!r}: {ast.unparse(value)}" for name, value in self.keywords]
        written = f"({args[0]},)" if len(args) == 1 else f"({', '.join(args)})"
        return f"({written}, {{{', '.join(kwargs)}}})"


def call_of(node: ast.Call, is_model: Callable[[ast.expr], bool]) -> Call | None:
    """What the model is called with by this call; None if it does not say."""
    if is_model(node.func) or _is_forward(node.func, is_model):
        return _plain(node)
    if not node.args or not is_model(node.args[0]):
        return None
    name = node.func.attr if isinstance(node.func, ast.Attribute) else _name(node.func)
    if name == "summary":
        return _of_summary(node)
    if name in _TAKE_SHAPE:
        return _of_shape(_argument(node, _TAKE_SHAPE[name]), batched=False)
    if name in _TAKE_INPUTS:
        return _of_inputs(_argument(node, _TAKE_INPUTS[name]))
    return None


def _plain(node: ast.Call) -> Call | None:
    if any(isinstance(one, ast.Starred) for one in node.args):
        return None
    if any(keyword.arg is None for keyword in node.keywords):
        return None
    return Call(node.args, [(one.arg, one.value) for one in node.keywords if one.arg])


def _is_forward(func: ast.expr, is_model: Callable[[ast.expr], bool]) -> bool:
    return isinstance(func, ast.Attribute) and func.attr == "forward" and is_model(func.value)


def _argument(node: ast.Call, names: Sequence[str]) -> ast.expr | None:
    named = (one.value for one in node.keywords if one.arg in names)
    return node.args[1] if len(node.args) > 1 else next(named, None)


def _of_inputs(given: ast.expr | None) -> Call | None:
    if given is None:
        return None
    if isinstance(given, ast.Tuple):
        return None if any(isinstance(one, ast.Starred) for one in given.elts) else Call(given.elts)
    return Call([given])


def _of_summary(node: ast.Call) -> Call | None:
    """torchsummary leaves the batch out, torchinfo has it: with four sizes it is an image's."""
    data = next((one.value for one in node.keywords if one.arg == "input_data"), None)
    if data is not None:
        return _of_inputs(data)
    shape = _argument(node, ("input_size",))
    batched = isinstance(shape, ast.Tuple) and len(shape.elts) in (2, 4)
    return _of_shape(shape, batched)


def _of_shape(shape: ast.expr | None, batched: bool) -> Call | None:
    if not isinstance(shape, (ast.Tuple, ast.List)):
        return None
    inner = [one for one in shape.elts if isinstance(one, (ast.Tuple, ast.List))]
    if inner:
        return (
            Call([_random(one.elts, batched) for one in inner])
            if len(inner) == len(shape.elts)
            else None
        )
    return Call([_random(shape.elts, batched)])


def _random(sizes: Sequence[ast.expr], batched: bool) -> ast.expr:
    all = list(sizes) if batched else [ast.Constant(_BATCH), *sizes]
    return ast.Call(ast.Attribute(ast.Name("torch", ast.Load()), "randn", ast.Load()), all, [])


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
