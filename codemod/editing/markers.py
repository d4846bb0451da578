"""Patterns that tell quickly where one of many names stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def any_of(names: Iterable[str]) -> str:
    """A pattern for any of the names: what several begin with is tried once.

    As fast as one name; a plain alternation tries each name at each word.
    """
    return _pattern(_tree(names))


def any_class(names: Iterable[str]) -> str:
    r"""As `\b` and `any_of`, for names that begin with capitals: each way begins with a letter that
    is rare in code, which lets `re` skip to it, six times as fast."""
    ways = (f"{first}(?<!\\w{first}){_pattern(below)}" for first, below in _tree(names).items())
    return f"(?:{'|'.join(ways)})"


def _tree(names: Iterable[str]) -> dict[str, Any]:
    """The names, character by character; `""` where one ends."""
    tree: dict[str, Any] = {}
    for name in sorted(names):
        node = tree
        for character in name:
            node = node.setdefault(character, {})
        node[""] = {}
    return tree


def _pattern(node: dict[str, Any]) -> str:
    ways = [re.escape(character) + _pattern(below) for character, below in node.items()]
    # A name that ends here comes last: a longer one is preferred.
    longer = [way for way in ways if way]
    if "" in node and longer:
        return f"(?:{'|'.join(longer)})?"
    return longer[0] if len(longer) == 1 else f"(?:{'|'.join(longer)})" if longer else ""
