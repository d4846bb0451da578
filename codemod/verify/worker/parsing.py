"""Reads the source of a recipe back into arguments that can be changed one by one."""

from __future__ import annotations

import ast
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .specs import Group, Raw, Spec, Tensor

HOLE = "..."  # an argument that is to be found
_STATES = ("codemod_after", "codemod_entry", "codemod_set")
_KINDS = {"randn": "float", "zeros": "float", "ones": "float", "rand": "positive", "empty": "float"}


class Written(NamedTuple):
    """The arguments of a call, each as source; `called`: what is called."""

    called: str
    positional: Tuple[str, ...]
    named: Dict[str, str]


def call_of(source: str) -> Optional[Written]:
    """The call that an expression is; None if it is none, or has starred arguments."""
    node = _parsed(source)
    if not isinstance(node, ast.Call):
        return None
    if any(isinstance(one, ast.Starred) for one in node.args) or any(
        keyword.arg is None for keyword in node.keywords
    ):
        return None
    return Written(
        _text(source, node.func),
        tuple(_text(source, one) for one in node.args),
        {str(one.arg): _text(source, one.value) for one in node.keywords},
    )


def is_in_part(source: str) -> bool:
    """Whether an argument of the call is left open: `Net(3, ...)`."""
    written = call_of(source)
    return written is not None and HOLE in (*written.positional, *written.named.values())


def within(source: str) -> Tuple[str, str, str]:
    """What stands before the expression that a helper puts in another state, the expression, what
    stands after it. Helpers may stand around helpers."""
    text = source.strip()
    first = last = _parsed(text)
    while (
        isinstance(last, ast.Call)
        and isinstance(last.func, ast.Name)
        and last.func.id in _STATES
        and last.args
    ):
        last = last.args[0]
    if last is first:
        return "", text, ""
    inner, before = _text(text, last), text.encode()[: last.col_offset].decode()
    return before, inner, text[len(before) + len(inner) :]


def inputs_of(source: str) -> Optional[Tuple[Tuple[Spec, ...], Dict[str, Spec]]]:
    """The arguments of `((x, y), {"mask": m})`; None for inputs that are written otherwise."""
    node = _parsed(source)
    if not (isinstance(node, ast.Tuple) and len(node.elts) == 2):
        return None
    args, kwargs = node.elts
    if not (isinstance(args, (ast.Tuple, ast.List)) and isinstance(kwargs, ast.Dict)):
        return None
    if any(isinstance(one, ast.Starred) for one in args.elts):
        return None
    named: Dict[str, Spec] = {}
    for key, value in zip(kwargs.keys, kwargs.values):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            return None
        named[key.value] = _spec(source, value)
    return tuple(_spec(source, one) for one in args.elts), named


def _spec(source: str, node: ast.expr) -> Spec:
    tensor = _tensor(node)
    if tensor is not None:
        return tensor
    if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
        items = [_tensor(one) for one in node.elts]
        if all(items):
            bracket = "[" if isinstance(node, ast.List) else "("
            return Group(bracket, tuple(one for one in items if one))
    return Raw(_text(source, node))


def _tensor(node: ast.expr) -> Optional[Tensor]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "torch"):
        return None
    name, numbers = node.func.attr, [_numbers(one) for one in node.args]
    if node.keywords or not numbers or any(one is None for one in numbers):
        return None
    sizes = [size for one in numbers for size in one or ()]
    if name in _KINDS:
        return Tensor(_KINDS[name], tuple(sizes))
    if name == "randint" and len(numbers) == 3 and sizes[0] == 0:
        return Tensor("long", tuple(sizes[2:]), sizes[1])
    return None


def _numbers(node: ast.expr) -> Optional[List[int]]:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return [node.value]
    if isinstance(node, (ast.Tuple, ast.List)):
        inner = [_numbers(one) for one in node.elts]
        return (
            None if any(one is None for one in inner) else [n for one in inner for n in one or ()]
        )
    return None


def _parsed(source: str) -> Any:
    try:
        return ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _text(source: str, node: ast.AST) -> str:
    return ast.get_source_segment(source.strip(), node) or ""
