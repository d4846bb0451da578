"""Names of functionals as they are written wrongly: `F.ReLU`, `F.maxpool2d`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from codemod.catalogue import PAIRS, Pair, Parameter, Unmappable, bind
from codemod.editing.to_module import arguments_of
from codemod.semantics.module_class import Call

_FUNCTIONALS = "torch.nn.functional."


@cache
def misspelled_names() -> re.Pattern[str]:
    """Where a functional or a layer of the catalogue is called by a name that may be wrong."""
    names = {pair.module.rpartition(".")[2].lower() for pair in PAIRS} | set(_by_folded())
    return re.compile(rf"(?i)\b(?:{'|'.join(sorted(names))})\s*(?:\(|as\b|$)")


def misspelled_functional(name: str) -> Pair | None:
    """The pair whose functional has this name but for capitals and underscores."""
    return None if name.endswith("_") else _by_folded().get(_folded(name))


def functional_of(pair: Pair) -> str | None:
    """The functional form that is written for a module; none for a method of the input."""
    return next((item.name for item in pair.functional if item.emit and not item.method), None)


def takes_arguments(call: Call, parameters: Iterable[Parameter]) -> bool:
    """Whether the call's arguments fit the parameters."""
    return not call.has_star and not isinstance(bind(parameters, arguments_of(call)), Unmappable)


@cache
def _by_folded() -> dict[str, Pair]:
    """Pairs by the folded name of their functional; names that mean several pairs left out."""
    found: dict[str, set[str]] = {}
    pairs = {pair.module: pair for pair in PAIRS}
    for pair in PAIRS:
        for item in pair.functional:
            if item.name.startswith(_FUNCTIONALS) and not item.name.endswith("_"):
                found.setdefault(_folded(item.name[len(_FUNCTIONALS) :]), set()).add(pair.module)
    return {name: pairs[one] for name, (one, *more) in found.items() if not more}


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
