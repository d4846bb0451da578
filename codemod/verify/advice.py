"""What a user can add to the configuration so that a class can be run."""

from __future__ import annotations

import json

from codemod.results import Reason
from codemod.verify.signatures import Parameters, required

# Reasons that a recipe can do something about.
_HELPED_BY_A_RECIPE = frozenset(
    {"no-recipe", "raised", "timeout", "memory", "crashed", "too-large", "exited", "not-comparable"}
)


def line_for(reason: Reason, dotted: str, class_name: str, source: str) -> str:
    """The line for `[tool.codemod.recipes]`, with `...` where only the user knows; may be empty."""
    if reason.code not in _HELPED_BY_A_RECIPE:
        return ""
    build = f"{class_name}({call(required(source, class_name, '__init__'))})"
    inputs = inputs_of(required(source, class_name, "forward"))
    return (
        f"{json.dumps(dotted)} = {{ build = {json.dumps(build)}, inputs = {json.dumps(inputs)} }}"
    )


def call(parameters: Parameters) -> str:
    return ", ".join(f"{name}=..." for name in parameters.names)


def inputs_of(parameters: Parameters) -> str:
    """A dictionary of the arguments of one call."""
    return "{" + ", ".join(f"{name!r}: ..." for name in parameters.names) + "}"
