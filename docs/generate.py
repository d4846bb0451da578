"""Writes docs/transforms.md, docs/api.md and the README's list of transforms, from the code."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path

import codemod
from codemod.editing.transform import Transform
from codemod.engine.registry import known_transforms
from codemod.report.explanation import of_transform

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- transforms -->", "<!-- /transforms -->"

# The modules that define the public names, by what they are for.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "A transform and what it yields": ("editing.transform", "editing.refused", "results"),
    "What it is given": ("semantics.module_class", "semantics.relatives"),
    "Syntax and text": ("semantics.syntax", "semantics.layout"),
    "The catalogue of layers and functionals": ("catalogue", "catalogue.pair"),
    "Edits": ("editing.replace", "editing.calls", "editing.removal", "editing.imports"),
    "New attributes in `__init__`": ("editing.attributes", "editing.producers"),
    "What must not be touched": ("editing.checks", "editing.uses", "editing.outside"),
    "What an expression makes, and whether it stays the same": (
        "editing.constructor",
        "editing.heirs",
        "editing.made_by_subclasses",
        "editing.settled",
        "editing.stability",
        "editing.branches",
    ),
    "Functionals to modules": (
        "editing.to_module",
        "editing.functional_names",
        "editing.one_a_round",
    ),
    "Modules to functionals": ("editing.to_functional", "editing.inline", "editing.sequential"),
    "In place": ("editing.inplace", "editing.observed", "editing.overwritten"),
    "Misspelled functions": ("editing.misspelled",),
    "Tests": ("testing",),
}
# What has no docstring of its own.
VALUES: Mapping[str, str] = {
    "Candidates": "Pairs that a call may mean, each with the functional it is a spelling of.",
    "Found": "What `find` yields: a `Rewrite` or a `Refusal`.",
    "OTHER_OPERATORS": "A contract: other modules and hooks, other operators in the trace.",
    "REPAIRS": "A contract: what raised before runs after.",
    "STRUCTURE": "A contract: other modules and hooks, nothing else.",
    "TURNED_OFF_IN_EVAL": "A contract: what was random in eval mode is so no longer.",
}


def built_in() -> list[Transform]:
    known = known_transforms().values()
    own = [item for item in known if item.__module__.startswith("codemod.transforms.")]
    return [item() for item in sorted(own, key=lambda item: item.name)]


def page() -> str:
    """One section a transform, and what each of its refusals means."""
    parts = ["# Transforms\n\nMade by `make docs` from the transforms; do not edit.\n"]
    for transform in built_in():
        docs = sorted(transform.refusal_docs().items())
        refusals = "".join(f"| `{code}` | {doc.why} | {doc.way_out} |\n" for code, doc in docs)
        parts.append(
            f"## {transform.name}\n\n```text\n{of_transform(transform)}```\n\n"
            f"| refusal | why | way out |\n|---|---|---|\n{refusals}"
        )
    return "\n".join(parts)


def api() -> str:
    """All that `codemod` exports, by what it is for."""
    parts = [
        "# Public API\n\nMade by `make docs` from the docstrings; do not edit."
        " How they go together: [writing a transform](writing-transforms.md).\n"
    ]
    names = codemod.public_names()
    for title, homes in GROUPS.items():
        rows = "".join(
            f"| `{_shown(name)}` | {_first_sentence(name)} |\n"
            for home in homes
            for name in names[home]
        )
        parts.append(f"## {title}\n\n| name | |\n|---|---|\n{rows}")
    return "\n".join(parts)


def _shown(name: str) -> str:
    value = getattr(codemod, name)
    if not inspect.isroutine(inspect.unwrap(value)):
        return name
    return f"{name}({', '.join(inspect.signature(value).parameters)})"


def _first_sentence(name: str) -> str:
    """The first paragraph of the docstring, on one line."""
    text = VALUES.get(name) or inspect.getdoc(getattr(codemod, name)) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("|", "\\|")


def table() -> str:
    rows = [
        f"| `{item.name}` | {(item.__doc__ or '').strip().splitlines()[0]} |" for item in built_in()
    ]
    return "\n".join([BEGIN, "| transform | does |", "|---|---|", *rows, END])


def with_table(readme: str) -> str:
    before, _, rest = readme.partition(BEGIN)
    return before + table() + rest.partition(END)[2]


def main() -> None:
    (ROOT / "docs" / "transforms.md").write_text(page(), encoding="utf-8")
    (ROOT / "docs" / "api.md").write_text(api(), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
