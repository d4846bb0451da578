"""What a declared change takes along in other aspects, so that each thing is judged once.

Eval mode holds gradients, buffers, inputs and generators of its own: there they may do what the
aspects of these names may. Whose input is no longer overwritten, its output is no longer the input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from codemod.results import Aspect, Expectation
from codemod.verify.differences import Tree, child, raises

Observation = Mapping[str, Any]
Changes = Mapping[Aspect, Expectation]
_Change = Callable[[Tree, Tree], tuple[Tree, Tree]]

_PARTS: tuple[Aspect, ...] = ("grads", "buffers", "inputs", "rng")
_OUTPUTS: tuple[Aspect, ...] = ("eval", "train")


def aligned(
    before: Observation, after: Observation, changes: Changes
) -> tuple[Observation, Observation]:
    """Both observations without what follows from the declared changes in undeclared aspects."""
    steps: list[tuple[Aspect, _Change]] = []
    if "inputs" in changes:
        steps += [(aspect, _both_without_alias) for aspect in _OUTPUTS if aspect not in changes]
    if "eval" not in changes and changes.keys() & set(_PARTS):
        steps.append(("eval", lambda left, right: _parts(left, right, changes)))
    if not steps:
        return before, after
    old, new = dict(before), dict(after)
    _apply(steps, old, new)
    for name in before.get("sets", {}).keys() & after.get("sets", {}).keys():
        one, other = dict(before["sets"][name]), dict(after["sets"][name])
        _apply(steps, one, other)
        old["sets"] = {**old["sets"], name: one}
        new["sets"] = {**new["sets"], name: other}
    return old, new


def kept_keys(before: Tree, after: Tree) -> Tree:
    """`after` without the keys, at any depth of dictionaries, that `before` has not."""
    if "dict" not in before or "dict" not in after:
        return after
    known = dict(map(tuple, before["dict"]))
    kept = [[key, kept_keys(known[key], tree)] for key, tree in after["dict"] if key in known]
    return {"dict": kept}


def is_mended(before: Tree, after: Tree) -> bool:
    """Whether what raised runs."""
    return raises(before) is not None and raises(after) is None


def _apply(
    steps: list[tuple[Aspect, _Change]], before: dict[str, Any], after: dict[str, Any]
) -> None:
    for aspect, change in steps:
        if aspect in before and aspect in after:
            before[aspect], after[aspect] = change(before[aspect], after[aspect])


def _parts(before: Tree, after: Tree, changes: Changes) -> tuple[Tree, Tree]:
    for name in _PARTS:
        left, right = child(before, name), child(after, name)
        if name not in changes or left is None or right is None:
            continue
        if changes[name] == "may-raise-before" and not is_mended(left, right):
            continue
        if changes[name] == "gains-keys":
            old, new = without_alias(left), without_alias(kept_keys(left, right))
            before, after = _with(before, name, old), _with(after, name, new)
        else:
            before, after = _with(before, name, None), _with(after, name, None)
    return before, after


def _with(tree: Tree, name: str, part: Tree | None) -> Tree:
    """The tree with another entry `name`, or without it."""
    entries = [[key, part if key == name else value] for key, value in tree["dict"]]
    return {"dict": [entry for entry in entries if entry[1] is not None]}


def _both_without_alias(before: Tree, after: Tree) -> tuple[Tree, Tree]:
    return without_alias(before), without_alias(after)


def without_alias(tree: Any) -> Any:
    """The tree without which tensors share storage."""
    if isinstance(tree, list):
        return [without_alias(item) for item in tree]
    if not isinstance(tree, Mapping):
        return tree
    if isinstance(tree.get("tensor"), Mapping):
        return {"tensor": {key: value for key, value in tree["tensor"].items() if key != "alias"}}
    return {key: without_alias(value) for key, value in tree.items()}
