"""Which rewrites of earlier passes a later one hangs on, and where it lies without the others.

A rewrite of a later pass was found in the text that all earlier ones make of its file. What
happened in another class of the file is nothing to it, as long as neither reaches beyond its own.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar

from codemod.errors import RewriteError
from codemod.results import Edit, Rewrite, Witness
from codemod.semantics.layout import span
from codemod.semantics.syntax import parse
from codemod.source.overlay import Overlay
from codemod.source.text import SourceText

_Placed = TypeVar("_Placed", Edit, Witness)


def hangs_on(rewrite: Rewrite, found_in: Overlay, earlier: Rewrite, before: Overlay) -> bool:
    """Whether `rewrite`, found in one text, needs one of its file that was found `before`."""
    if _outermost(rewrite) == _outermost(earlier):
        return True
    return not (
        stays_within_its_class(rewrite, found_in) and stays_within_its_class(earlier, before)
    )


def stays_within_its_class(rewrite: Rewrite, found_in: Overlay) -> bool:
    """Whether all that a rewrite changes and needs lies in one class of the file's top level."""
    if rewrite.requirements:
        return False
    places = {edit.path for edit in rewrite.edits} | {item.path for item in rewrite.witnesses}
    if places != {rewrite.path}:
        return False
    found = _extent(found_in, rewrite.path, _outermost(rewrite))
    return found is not None and all(
        found[0] <= edit.start and edit.end <= found[1] for edit in rewrite.edits
    )


def placed(rewrite: Rewrite, found_in: Overlay, base: Overlay) -> Rewrite:
    """The rewrite as it lies in `base`, where rewrites of other classes may have been left out.

    Raises RewriteError where its class is another there.
    """
    path = rewrite.path
    if base.read(path) == found_in.read(path):
        return rewrite
    name = _outermost(rewrite)
    found, wanted = _extent(found_in, path, name), _extent(base, path, name)
    if (
        found is None
        or wanted is None
        or _text(found_in, path)[slice(*found)] != _text(base, path)[slice(*wanted)]
        or not stays_within_its_class(rewrite, found_in)
    ):
        raise RewriteError(path, f"{name} is not as it was when its rewrites were found")
    by = wanted[0] - found[0]
    return replace(
        rewrite,
        edits=tuple(_shifted(item, by) for item in rewrite.edits),
        witnesses=tuple(_shifted(item, by) for item in rewrite.witnesses),
    )


def _shifted(item: _Placed, by: int) -> _Placed:
    return replace(item, start=item.start + by, end=item.end + by)


def _outermost(rewrite: Rewrite) -> str:
    return rewrite.class_name.partition(".")[0]


def _text(overlay: Overlay, path: str) -> str:
    return SourceText.decode(path, overlay.read(path)).text


def _extent(overlay: Overlay, path: str, name: str) -> tuple[int, int] | None:
    """From where to where the only class of this name at the top level goes, whole lines."""
    return _extents(path, overlay.read(path)).get(name)


@lru_cache(maxsize=128)
def _extents(path: str, data: bytes) -> dict[str, tuple[int, int]]:
    source = SourceText.decode(path, data)
    classes = [node for node in parse(source).body if isinstance(node, ast.ClassDef)]
    counts = Counter(node.name for node in classes)
    return {
        node.name: (span(source, node)[0], source.next_line(span(source, node)[1]))
        for node in classes
        if counts[node.name] == 1
    }
