"""Modules that stay called more than once a forward: how many, and where their calls stand."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from codemod.errors import SourceError
from codemod.results import Reuse
from codemod.semantics.syntax import parse, walk
from codemod.source.text import SourceText

_MOST = 12  # places that are named


def remaining(
    found: Iterable[Reuse], why: str, text_of: Callable[[str], SourceText]
) -> Iterator[str]:
    """Lines that say what remains of `found`, in the text that a run would write."""
    every = list(dict.fromkeys(found))
    if not every:
        yield f"No module without state is called more than once a forward in what ran: {why}."
        return
    modules = "module is" if len(every) == 1 else "modules are"
    yield f"{len(every)} {modules} still called more than once a forward in what ran; {why}:"
    for item in every[:_MOST]:
        times = f"{item.times} times a forward"
        yield f"  {_place(item, text_of)}  {item.class_name}: {item.module} ({item.type}), {times}"
    if len(every) > _MOST:
        yield f"  and {len(every) - _MOST} more; --format json has all"


def _place(item: Reuse, text_of: Callable[[str], SourceText]) -> str:
    lines = list(dict.fromkeys(_calls(text_of(item.path), item.class_name, item.module)))
    return f"{item.path}:{','.join(map(str, lines))}" if lines else item.path


def _calls(source: SourceText, class_name: str, module: str) -> Iterator[int]:
    """Lines of a class that call `self.MODULE`."""
    try:
        tree = parse(source)
    except SourceError:
        return
    last = class_name.rpartition(".")[2]
    for owner in walk(tree):
        if not isinstance(owner, ast.ClassDef) or owner.name != last:
            continue
        for node in walk(owner):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and f"{node.func.value.id}.{node.func.attr}" == f"self.{module}"
            ):
                yield node.lineno
