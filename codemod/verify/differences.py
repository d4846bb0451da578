"""Finds where two trees of an observation differ. Pure functions of JSON."""

from __future__ import annotations

import array
import base64
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tree = Mapping[str, Any]

MAX_DIFFERENCES = 5
_MAX_TEXT = 160
_FLOATING = re.compile("b?float|complex")
_TYPECODES = {
    "float64": "d",
    "complex128": "d",
    "float32": "f",
    "complex64": "f",
    "float8_e4m3fn": "f",
    "float8_e5m2": "f",
    "int64": "q",
    "int32": "i",
    "int16": "h",
    "int8": "b",
    "uint8": "B",
    "bool": "B",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """One place where two trees differ: its path, and the node on either side (None: nothing)."""

    path: str
    before: Tree | None
    after: Tree | None


def spots(before: Tree, after: Tree, path: str = "") -> Iterator[Spot]:
    """Every smallest place in which the trees differ, in order."""
    if before == after:
        return
    pairs = _children(before, after, path)
    if pairs is None:
        yield Spot(path, before, after)
        return
    for name, left, right in pairs:
        if left is None or right is None:
            yield Spot(name, left, right)
        else:
            yield from spots(left, right, name)


def nodes(tree: Tree) -> Iterator[Tree]:
    """The tree and all below it."""
    yield tree
    for _name, child in _named(tree):
        yield from nodes(child)


def opaque_types(tree: Tree) -> list[str]:
    return [str(node["opaque"]) for node in nodes(tree) if "opaque" in node]


def is_nan_throughout(tree: Tree) -> bool:
    """Whether there are tensors of floating-point numbers in it, and none of them holds one."""
    tensors = (node["tensor"] for node in nodes(tree) if isinstance(node.get("tensor"), dict))
    floating = [one for one in tensors if _FLOATING.match(one["dtype"]) and 0 not in one["shape"]]
    return bool(floating) and all("nan" in one for one in floating)


def raises(tree: Tree) -> str | None:
    """The first exception in the tree, or None."""
    return next((str(node["raises"]) for node in nodes(tree) if "raises" in node), None)


def is_not_applicable(tree: Tree) -> bool:
    return "not-applicable" in tree


def child(tree: Tree, name: str) -> Tree | None:
    """The entry `name` of a tree's `dict`."""
    return next((value for key, value in tree.get("dict", ()) if key == name), None)


def without_data(tree: Any) -> Any:
    """The tree without the values that a raw run keeps."""
    if isinstance(tree, list):
        return [without_data(item) for item in tree]
    if isinstance(tree, Mapping):
        if isinstance(tree.get("tensor"), Mapping):
            return {"tensor": {k: v for k, v in tree["tensor"].items() if k != "data"}}
        return {key: without_data(value) for key, value in tree.items()}
    return tree


def outline(tree: Tree) -> Any:
    """The tree without values: containers, shapes and dtypes are left."""
    if "tensor" in tree:
        return {"tensor": [tree["tensor"]["dtype"], tree["tensor"]["shape"]]}
    if "value" in tree:
        return "value"
    if "lines" in tree:
        return "lines"
    children = [[name, outline(node)] for name, node in _named(tree)]
    kind = next(iter(tree), "")
    return [kind, tree.get("object"), children] if children else dict(tree)


def describe(spot: Spot) -> tuple[str, str]:
    """Both sides of a spot, as short text."""
    before, after = spot.before, spot.after
    if before and after and "tensor" in before and "tensor" in after:
        return _describe_tensors(before["tensor"], after["tensor"])
    if before and after and "lines" in before and "lines" in after:
        return _describe_lines(before["lines"], after["lines"])
    return _text(before), _text(after)


def distance(spot: Spot) -> tuple[float | None, float | None]:
    """Greatest absolute and relative difference of two small tensors seen raw.

    None where it is not known or not finite.
    """
    before, after = _numbers(spot.before), _numbers(spot.after)
    if before is None or after is None or len(before) != len(after) or not before:
        return None, None
    absolute = [_apart(a, b) for a, b in zip(before, after, strict=True)]
    relative = [
        0.0 if gap == 0 else gap / abs(a) if a and math.isfinite(gap) else math.inf
        for gap, a in zip(absolute, before, strict=True)
    ]
    return _finite(max(absolute)), _finite(max(relative))


def _children(
    before: Tree, after: Tree, path: str
) -> list[tuple[str, Tree | None, Tree | None]] | None:
    """Pairs of what stands at one place in both; None where the nodes are no like containers."""
    left, right = _named(before), _named(after)
    if set(before) != set(after) or before.get("object") != after.get("object"):
        return None
    if not left and not right:
        return None
    names = [name for name, _ in left]
    others = [name for name, _ in right]
    if len(set(names)) < len(names) or len(set(others)) < len(others):
        return None
    if [n for n in names if n in set(others)] != [n for n in others if n in set(names)]:
        return None
    here, there = dict(left), dict(right)
    return [
        (_join(path, name), here.get(name), there.get(name))
        for name in dict.fromkeys(names + others)
    ]


def _named(tree: Tree) -> list[tuple[str, Tree]]:
    if "dict" in tree or "fields" in tree:
        return [(str(name), node) for name, node in tree.get("dict", tree.get("fields", ()))]
    for kind in ("list", "tuple"):
        if kind in tree:
            return [(f"[{i}]", node) for i, node in enumerate(tree[kind])]
    return []


def _join(path: str, name: str) -> str:
    if not path:
        return name
    return path + name if name.startswith("[") else f"{path}.{name}"


def _describe_tensors(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str]:
    head = f"{before['dtype']}{before['shape']}", f"{after['dtype']}{after['shape']}"
    if head[0] != head[1]:
        return head
    # A declared change may have taken the alias out of both.
    known = ("stride", "requires_grad", "alias")
    names = [name for name in known if before.get(name) != after.get(name)]
    if not names:
        names = [n for n in {**before, **after} if n != "data" and before.get(n) != after.get(n)]
    sides = (before, after)
    texts = [", ".join(f"{name} {side.get(name)}" for name in names) for side in sides]
    return f"{head[0]} {texts[0]}", f"{head[1]} {texts[1]}"


def _describe_lines(before: Sequence[str], after: Sequence[str]) -> tuple[str, str]:
    """The first line that differs, with its number."""
    common = 0
    while common < min(len(before), len(after)) and before[common] == after[common]:
        common += 1
    return _line(before, common), _line(after, common)


def _line(lines: Sequence[str], index: int) -> str:
    if index >= len(lines):
        return f"ends after {len(lines)}"
    return f"{index + 1}: {lines[index]}"[:_MAX_TEXT]


def _text(tree: Tree | None) -> str:
    if tree is None:
        return "nothing"
    if "tensor" in tree:
        return f"{tree['tensor']['dtype']}{tree['tensor']['shape']}"
    if "raises" in tree:
        return f"raises {tree['raises']}"[:_MAX_TEXT]
    if "value" in tree:
        return str(tree["value"])[:_MAX_TEXT]
    if "not-applicable" in tree:
        return f"not applicable: {tree['not-applicable']}"
    if "object" in tree:
        return str(tree["object"])
    children = [name for name, _ in _named(tree)]
    kind = next(iter(tree), "nothing")
    return f"{kind} of {len(children)}: {', '.join(children)}"[:_MAX_TEXT]


def _numbers(tree: Tree | None) -> list[float] | None:
    if tree is None or "tensor" not in tree or "data" not in tree["tensor"]:
        return None
    data, dtype = base64.b64decode(tree["tensor"]["data"]), str(tree["tensor"]["dtype"])
    if dtype == "float16":
        return [float(x) for x in struct.unpack(f"={len(data) // 2}e", data)]
    if dtype == "bfloat16":
        words = struct.unpack(f"={len(data) // 2}H", data)
        return [float(struct.unpack("=f", struct.pack("=I", word << 16))[0]) for word in words]
    if dtype not in _TYPECODES:
        return None
    return [float(x) for x in array.array(_TYPECODES[dtype], data)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _apart(before: float, after: float) -> float:
    if before == after or (math.isnan(before) and math.isnan(after)):
        return 0.0
    gap = abs(before - after)
    return math.inf if math.isnan(gap) else gap
