"""Writes docs/transforms.md and the README's list of transforms, from the transforms."""

from __future__ import annotations

from pathlib import Path

from codemod.editing.transform import Transform
from codemod.engine.registry import known_transforms
from codemod.report.explanation import of_transform

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- transforms -->", "<!-- /transforms -->"


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
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
