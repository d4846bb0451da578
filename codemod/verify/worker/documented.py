"""Shapes that the docstring of a function says its arguments have: `x (Tensor): signal (B, 1, T)`.

Only the number of dimensions and which of them agree is taken from it, and sizes that are numbers.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, Collection, Dict, Tuple

from . import words

Symbols = Tuple[str, ...]

_NAMED = re.compile(
    r"^\s*(?:[-*]\s+)?(?::param\s+(?:\w+\s+)?)?[`*]*(\w+)[`*]*\s*(?:\([^)]*\))?\s*[:=-]"
)
_BRACKETS = re.compile(r"[\[(]([^\[\]()]{1,80})[\])]")
_SEPARATOR = re.compile(r"\s*(?:,|\s[xX*\u00d7]\s)\s*")
_SYMBOL = re.compile(r"#?[A-Za-z_]\w*'?(?:\s?[-+*/]\s?\w+)?$|\d+$")
_NO_SIZES = {
    "optional", "tensor", "torch", "default", "none", "true", "false", "int", "float", "bool",
    "list", "tuple", "long", "str", "longtensor", "floattensor",
}  # fmt: skip
_SIZES = {
    words.BATCH: {"b", "bs", "batch", "batch_size", "bsz", "batchsize", "nbatch"},
    words.SPATIAL: {"h", "w", "height", "width", "z", "y", "x", "depth", "h_in", "w_in"},
    words.LENGTH: {"t", "l", "s", "time", "len", "length", "seq", "seq_len", "seq_length", "tmax"},
}
POINTS = 64  # of any other letter: nodes, points, channels


def shapes_of(function: Any, names: Collection[str]) -> Dict[str, Symbols]:
    """The sizes of each of these parameters of which the docstring says any, by their symbols."""
    found: Dict[str, Symbols] = {}
    current = ""
    for line in (inspect.getdoc(function) or "").splitlines():
        named = _NAMED.match(line)
        if named:
            current = named.group(1)
            line = line[named.end() :]
        if current in names and current not in found:
            shape = next((s for s in map(_symbols, _BRACKETS.findall(line)) if s), None)
            if shape:
                found[current] = shape
    return found


def _symbols(text: str) -> Symbols:
    """The sizes in brackets; none where it holds other words."""
    parts = [part.strip() for part in _SEPARATOR.split(text.strip()) if part.strip()]
    if not 1 <= len(parts) <= 5 or not all(_SYMBOL.match(part) for part in parts):
        return ()
    if any(part.lower() in _NO_SIZES for part in parts):
        return ()
    is_one_word = len(parts) == 1 and not ("," in text or len(parts[0].strip("#")) == 1)
    return () if is_one_word or all(part.isdigit() for part in parts) else tuple(parts)


def likely_size(symbol: str, first: bool) -> int:
    """A size that a symbol usually stands for."""
    if symbol.isdigit():
        return int(symbol)
    plain = symbol.lower().lstrip("#")
    if first and plain in ("n", "m"):
        return words.BATCH
    return next((size for size, known in _SIZES.items() if plain in known), POINTS)
