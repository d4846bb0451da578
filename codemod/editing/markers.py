"""Patterns that tell quickly where one of many names stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def any_of(names: Iterable[str]) -> str:
    """A pattern for any of the names: what several begin with is tried once.

    As fast as one name; a plain alternation tries each name at each word.
    """
    tree: dict[str, Any] = {}
    for name in sorted(names):
        node = tree
        for character in name:
            node = node.setdefault(character, {})
        node[""] = {}
    return _pattern(tree)


def _pattern(node: dict[str, Any]) -> str:
    ways = [re.escape(character) + _pattern(below) for character, below in node.items()]
    # A name that ends here comes last: a longer one is preferred.
    longer = [way for way in ways if way]
    if "" in node and longer:
        return f"(?:{'|'.join(longer)})?"
    return longer[0] if len(longer) == 1 else f"(?:{'|'.join(longer)})" if longer else ""
