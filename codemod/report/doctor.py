"""What `codemod doctor` shows: the surroundings, a line or two for each class, what to add."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from rich.text import Text

from codemod.report.cage import holes
from codemod.report.terminal import visible
from codemod.results import ClassDiagnosis, Diagnosis

SCHEMA = 1
_LABEL = 9
_LONGEST = 160


def to_json(diagnosis: Diagnosis) -> str:
    """All of it as JSON text that ends with a line feed."""
    classes: list[dict[str, Any]] = []
    for one in diagnosis.classes:
        fields = asdict(one)
        fields["class"] = fields.pop("class_name")
        classes.append(fields)
    said = {
        "schema": SCHEMA,
        "tool": {"name": "codemod", "version": diagnosis.version},
        "root": diagnosis.root,
        "python": diagnosis.python,
        "torch": diagnosis.torch,
        "import_roots": list(diagnosis.import_roots),
        "protection": list(diagnosis.protection),
        "recipes": list(diagnosis.recipes),
        "summary": {
            "classes": len(classes),
            "run": sum(runs(one) for one in diagnosis.classes),
            "by_source": dict(_sources(diagnosis.classes)),
            "by_reason": dict(_reasons(diagnosis.classes)),
            "seconds": round(diagnosis.seconds, 3),
        },
        "classes": classes,
        "errors": [asdict(error) for error in diagnosis.errors],
        "notes": list(diagnosis.notes),
    }
    text = json.dumps(said, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode("utf-8") + "\n"


def runs(one: ClassDiagnosis) -> bool:
    return one.recipe is not None


def text(diagnosis: Diagnosis) -> Text:
    """All of it to be read."""
    lines = [
        *_surroundings(diagnosis),
        *(line for path, classes in _by_path(diagnosis) for line in _file(path, classes)),
        *(_row("error", "bold red", f"{e.path}: {e.message}") for e in diagnosis.errors),
        Text(),
        *_totals(diagnosis),
        *(Text(visible(note)) for note in diagnosis.notes),
        *_next(diagnosis),
    ]
    return Text("\n").join([*lines, Text()])


# ---- the surroundings


def _surroundings(diagnosis: Diagnosis) -> Iterator[Text]:
    torch = f"torch {diagnosis.torch}" if diagnosis.torch else "no torch"
    yield _row("python", "bold", f"{diagnosis.python}, {torch}")
    yield _row("imports", "bold", f"from {', '.join(diagnosis.import_roots)}")
    yield _row("cage", "bold", ", ".join(diagnosis.protection) or "none")
    yield from (_row("not held", "bold", said) for said in holes(diagnosis.protection))
    yield _row("recipes", "bold", f"given in {', '.join(diagnosis.recipes) or 'no file'}")


# ---- classes


def _by_path(diagnosis: Diagnosis) -> Iterable[tuple[str, list[ClassDiagnosis]]]:
    found: dict[str, list[ClassDiagnosis]] = {}
    for one in diagnosis.classes:
        found.setdefault(one.path, []).append(one)
    return found.items()


def _file(path: str, classes: Iterable[ClassDiagnosis]) -> Iterator[Text]:
    yield Text()
    yield Text(visible(path), style="bold")
    for one in classes:
        yield from _class(one)


def _class(one: ClassDiagnosis) -> Iterator[Text]:
    sites = f"{one.sites} site{'' if one.sites == 1 else 's'}" if one.sites else "no site"
    what = f"{one.class_name} (line {one.line}, {sites})"
    if one.recipe is not None:
        where = f" {one.recipe.where}" if one.recipe.where else ""
        yield _row("runs", "green", f"{what}: {one.recipe.source}{where}")
        inputs = f" on {one.recipe.inputs}" if one.recipe.inputs else ""
        yield _detail(f"{one.recipe.call}{inputs}")
        yield _detail(f"ran {', '.join(one.ran)}")
        if one.stubs:
            yield _detail(f"stood in for: {', '.join(one.stubs)}")
        return
    code = one.reason.code if one.reason else "no-recipe"
    yield _row("fails", "yellow", f"{what}: {code}")
    if one.reason is not None:
        yield _detail(one.reason.message)
        if one.advice:
            yield _detail(one.advice, style="cyan")
        else:
            yield _detail(f"hint: {one.reason.hint}")


# ---- the end


def _totals(diagnosis: Diagnosis) -> Iterator[Text]:
    classes = diagnosis.classes
    if not classes:
        yield Text("No class with a site of any transform; --all shows every module class.")
        return
    run = sum(runs(one) for one in classes)
    share = f"{run} of {len(classes)} classes run ({100 * run / len(classes):.0f}%)"
    yield Text(f"{share}: {_counted(_sources(classes))}; {diagnosis.seconds:.1f} s", style="bold")
    if run < len(classes):
        yield Text(f"{len(classes) - run} do not: {_counted(_reasons(classes))}")


def _next(diagnosis: Diagnosis) -> Iterator[Text]:
    if any(one.advice for one in diagnosis.classes):
        yield Text(
            "Put lines like those above, the ... filled in, under [tool.codemod.recipes] in "
            "pyproject.toml; codemod doctor --write-recipes starts a codemod_recipes.py."
        )


def _sources(classes: Iterable[ClassDiagnosis]) -> Counter[str]:
    return Counter(one.recipe.source for one in classes if one.recipe is not None)


def _reasons(classes: Iterable[ClassDiagnosis]) -> Counter[str]:
    return Counter(one.reason.code if one.reason else "" for one in classes if not runs(one))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"


def _row(label: str, style: str, said: str) -> Text:
    return Text.assemble(Text(f"  {label:{_LABEL}}", style=style), visible(said))


def _detail(said: str, style: str = "dim") -> Text:
    line = " ".join(said.split())
    if len(line) > _LONGEST and style == "dim":
        line = line[:_LONGEST] + "..."
    return Text(" " * (_LABEL + 4) + visible(line), style=style)
