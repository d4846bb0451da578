"""What the options say to transforms."""

from __future__ import annotations

from codemod.catalogue import select
from codemod.configuration import Options, line_length
from codemod.editing.transform import Settings


def settings_of(options: Options) -> Settings:
    only = frozenset(pair.module for pair in select(options.only)) if options.only else None
    per_layer = options.loops == "per-layer"
    append = options.sequential == "append"
    return Settings(only, line_length(options.root), options.verify, per_layer, append)
