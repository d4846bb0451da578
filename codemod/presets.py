"""Presets: transforms that are wanted together for one purpose. A project may add its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codemod.errors import UsageError

# What `--preset` knows in every project.
BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "attribution": {
        "transforms": [
            "functional-to-module",
            "hoist-inline-modules",
            "unshare-modules",
            "inplace-off",
        ],
        "loops": "per-layer",
        "reuse": "Captum and SHAP need a module a call",
    },
    "quantization": {
        "transforms": [
            "functional-to-module",
            "hoist-inline-modules",
            "unshare-modules",
            "dropout-to-module",
        ],
        "loops": "per-layer",
        "reuse": "eager quantization needs a module a call",
    },
    "cleanup": {
        "transforms": [
            "fix-functional-name",
            "fix-super-init",
            "call-to-forward",
            "forward-to-call",
            "register-containers",
            "dropout-to-module",
        ],
    },
}


@dataclass(frozen=True)
class Preset:
    """Transforms by name or path; catalogue entries as for `--only`; `loops` as for `--loops`.

    `reuse`: why it matters that a module is called more than once a forward; empty where it
    does not.
    """

    transforms: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    loops: str = ""
    reuse: str = ""


def resolve(name: str, own: Mapping[str, Mapping[str, Any]]) -> Preset:
    """A preset by name, those that it is made of included; a project's own hides a built-in one.

    Raises KeyError for an unknown name; UsageError for one that contains itself.
    """
    return _resolve(name, own, ())


def _resolve(name: str, own: Mapping[str, Mapping[str, Any]], seen: tuple[str, ...]) -> Preset:
    # `[tool.codemod.presets.cleanup] presets = ["cleanup"]` adds to the built-in one.
    if name in seen and name not in BUILT_IN:
        raise UsageError(f"the preset {name!r} contains itself: {' -> '.join([*seen, name])}")
    table = BUILT_IN[name] if name in seen or name not in own else own[name]
    parts = [_resolve(part, own, (*seen, name)) for part in table.get("presets", ())]
    transforms = (*(one for part in parts for one in part.transforms), *table.get("transforms", ()))
    only = table.get("only") or [one for part in parts for one in part.only]
    loops, reuse = (
        table.get(key, "") or next((getattr(part, key) for part in parts if getattr(part, key)), "")
        for key in ("loops", "reuse")
    )
    return Preset(tuple(dict.fromkeys(transforms)), tuple(dict.fromkeys(only)), loops, reuse)
