"""Configuration files of a project (YAML, JSON, TOML...): only the names that stand in them."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z_]\w{0,99}(?:\.\w{1,99}){0,9}")


def names_in_document(data: bytes) -> frozenset[str]:
    """The names in one file, dotted ones whole."""
    return frozenset(_NAME.findall(data.decode("utf-8", "replace")))
