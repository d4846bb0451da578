"""Which nn module is which functional: data, look-up by name, and the mapping of arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import get_args

from codemod.catalogue.arguments import Arguments, Bound, Unmappable, bind
from codemod.catalogue.exceptions import LEFT_OUT, NO_MODULE
from codemod.catalogue.mapping import (
    FunctionalCall,
    ModuleCall,
    module_call,
    short,
    to_functional,
    to_module,
)
from codemod.catalogue.pair import Functional, Group, Link, Pair, Parameter
from codemod.catalogue.pairs import PAIRS
from codemod.errors import UsageError

__all__ = [
    "GROUPS",
    "LEFT_OUT",
    "NO_MODULE",
    "PAIRS",
    "Arguments",
    "Bound",
    "Functional",
    "FunctionalCall",
    "Group",
    "Link",
    "ModuleCall",
    "Pair",
    "Parameter",
    "Unmappable",
    "bind",
    "by_functional",
    "by_module",
    "canonical",
    "module_call",
    "select",
    "short",
    "to_functional",
    "to_module",
]

GROUPS: tuple[Group, ...] = get_args(Group)

_PRIVATE = (
    (re.compile(r"torch\.nn\.modules(?:\.[a-z_0-9]+)?\.(?=[A-Z]\w*$)"), "torch.nn."),
    (re.compile(r"torch\.(?:functional|_VF|_C\._VariableFunctions)\.(?=\w+$)"), "torch."),
    (re.compile(r"torch\._C\._nn\.(?=\w+$)"), "torch.nn.functional."),
    (re.compile(r"torch\._C\._special\.special_(?=\w+$)"), "torch.special."),
    (re.compile(r"torch\._C\._?Tensor(?:Base)?\.(?=\w+$)"), "torch.Tensor."),
    (re.compile(r"torch\._tensor\.Tensor\.(?=\w+$)"), "torch.Tensor."),
)


def canonical(name: str) -> str:
    """The public name: `torch.nn.modules.activation.ReLU` is `torch.nn.ReLU`."""
    if name == "torch._C._nn.log_sigmoid":
        return "torch.nn.functional.logsigmoid"
    for private, public in _PRIVATE:
        if found := private.match(name):
            return public + name[found.end() :]
    return name


def _by_functional() -> Mapping[str, tuple[tuple[Pair, Functional], ...]]:
    found: dict[str, tuple[tuple[Pair, Functional], ...]] = {}
    for pair in PAIRS:
        for functional in pair.functional:
            found[functional.name] = (*found.get(functional.name, ()), (pair, functional))
    return found


_MODULES: Mapping[str, Pair] = {pair.module: pair for pair in PAIRS}
_FUNCTIONALS = _by_functional()


def by_module(name: str) -> Pair | None:
    """The pair of a module class, by its public or private full name."""
    return _MODULES.get(canonical(name))


def by_functional(name: str) -> tuple[tuple[Pair, Functional], ...]:
    """All pairs that a functional may mean (`pad`: 15), in order of preference; often one."""
    return _FUNCTIONALS.get(canonical(name), ())


def select(patterns: Iterable[str]) -> tuple[Pair, ...]:
    """The pairs that `relu`, `MaxPool2d`, `torch.nn.functional.pad` or `@activation` name.

    Raises `UsageError` for a name that is none, with those near to it.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        chosen |= _named(pattern.strip())
    return tuple(pair for pair in PAIRS if pair.module in chosen)


def _named(pattern: str) -> set[str]:
    names = _selectable()
    found = names.get(pattern) or names.get(_folded(pattern))
    if found:
        return found
    near = get_close_matches(_folded(pattern), names, n=3, cutoff=0.6)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    groups = ", ".join(f"@{group}" for group in GROUPS)
    raise UsageError(f"'{pattern}' is no layer, functional or group.{hint} Groups: {groups}.")


def _folded(pattern: str) -> str:
    return pattern.rpartition(".")[2].rstrip("_").lower()


def _selectable() -> Mapping[str, set[str]]:
    names: dict[str, set[str]] = {f"@{group}": set() for group in GROUPS}
    for pair in PAIRS:
        names[f"@{pair.group}"].add(pair.module)
        names.setdefault(_folded(pair.module), set()).add(pair.module)
        for functional in pair.functional:
            names.setdefault(_folded(functional.name), set()).add(pair.module)
    return names
