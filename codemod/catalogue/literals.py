"""What can be told of a value from its source alone."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache

FLAGS = frozenset({"None", "True", "False"})
_ABSENT = object()


@lru_cache(maxsize=4096)
def _value(source: str) -> object:
    try:
        return ast.literal_eval(source.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _ABSENT


def is_literal(source: str) -> bool:
    return _value(source) is not _ABSENT


def same(one: str, other: str) -> bool:
    """Whether both are literals of one value; `0` and `0.0` are, `0` and `False` are not."""
    if one == other:
        return True
    a, b = _value(one), _value(other)
    if a is _ABSENT or b is _ABSENT:
        return False
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def is_number(source: str) -> bool:
    value = _value(source)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def elements(source: str) -> Sequence[str] | None:
    """The elements of a tuple or list display; None for anything else, and for starred ones."""
    try:
        node = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(node, (ast.Tuple, ast.List)):
        return None
    if any(isinstance(element, ast.Starred) for element in node.elts):
        return None
    return [ast.unparse(element) for element in node.elts]


def repeated(source: str, times: int) -> str:
    """`1` as `(1, 1)`; once: `(1,)`."""
    return f"({source},)" if times == 1 else f"({', '.join([source.strip()] * times)})"


def as_tuple(source: str) -> str:
    """`[1, 2]` as `(1, 2)`; anything else as it is."""
    text = source.strip()
    if not text.startswith("["):
        return source
    return f"({text[1:-1]})" if len(elements(source) or ()) > 1 else f"({text[1:-1]},)"
