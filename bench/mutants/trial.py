"""Makes mutants, has them shown to be wrong without the tool, and asks for its verdicts."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codemod.results import (
    Composition,
    Contract,
    Edit,
    Location,
    Recipe,
    Rewrite,
    Site,
    Verdict,
    Witness,
)
from codemod.verify.confirm import Options, Target, confirm
from codemod.verify.environment import TargetEnvironment
from codemod.verify.pool import WorkerPool
from mutants.draft import Draft, Wrong
from mutants.kinds import KINDS
from mutants.subjects import Subject

PLAIN = Path(__file__).with_name("plain.py")
CODEMOD = Path(sys.executable).parent / "codemod"
RIGHT = "right"
_STRUCTURAL = Contract({"modules": "differs", "hooks": "differs"})


@dataclass(frozen=True)
class Case:
    """A text to be confirmed against its subject's: wrong by `kind`, or the right one."""

    name: str
    kind: str
    group: str
    subject: Subject
    wrong: Wrong


def right_texts(subjects: Sequence[Subject]) -> dict[str, str]:
    """What the transforms make of the subjects, by name; nothing is run."""
    texts = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for transform in {subject.transform for subject in subjects} - {""}:
            root = Path(folder) / transform
            root.mkdir()
            members = [s for s in subjects if s.transform == transform]
            for number, subject in enumerate(members):
                (root / f"s{number}.py").write_text(subject.text, encoding="utf-8")
            command = [str(CODEMOD), "apply", "--no-verify", "-t", transform, "-q", "."]
            state = {**os.environ, "XDG_STATE_HOME": folder, "XDG_CACHE_HOME": folder}
            subprocess.run(command, cwd=root, env=state, check=True)
            for number, subject in enumerate(members):
                texts[subject.name] = (root / f"s{number}.py").read_text(encoding="utf-8")
    return {subject.name: texts.get(subject.name, subject.text) for subject in subjects}


def cases(
    subjects: Sequence[Subject],
    right: Mapping[str, str],
    per_kind: int,
    kinds: Collection[str] = KINDS,
) -> list[Case]:
    """The right text of each subject, then up to `per_kind` mutants of each of the kinds."""
    found = [
        Case(f"r{number:03}", RIGHT, RIGHT, subject, Wrong(right[subject.name], None))
        for number, subject in enumerate(subjects)
        if right[subject.name] != subject.text
    ]
    for index, (name, (group, change)) in enumerate(KINDS.items()):
        if name not in kinds:
            continue
        made = 0
        for subject in (*subjects[index % len(subjects) :], *subjects[: index % len(subjects)]):
            if made == per_kind:
                break
            draft = Draft(right[subject.name], subject.class_name, subject.batch, subject.size)
            if change(draft):
                made += 1
                found.append(Case(f"m{len(found):03}", name, group, subject, draft.written()))
    return found


def plainly_wrong(
    chosen: Sequence[Case], python: Path, roots: Sequence[Path]
) -> dict[str, list[str]]:
    """By case the first way in which plain torch shows the two texts to differ, if any."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        asked = []
        for case in chosen:
            before, after = (Path(folder) / f"{case.name}_{side}.py" for side in ("old", "new"))
            before.write_text(case.subject.text, encoding="utf-8")
            after.write_text(case.wrong.text, encoding="utf-8")
            subject = case.subject
            entry = {"name": case.name, "before": str(before), "after": str(after)}
            entry.update(build=subject.build, inputs=subject.inputs, others=subject.others)
            asked.append(entry)
        path = Path(folder) / "cases.json"
        path.write_text(json.dumps({"roots": [str(r) for r in roots], "cases": asked}))
        command = [str(python), "-W", "ignore", str(PLAIN), str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def verdicts(
    chosen: Sequence[Case], python: Path, roots: Sequence[Path], jobs: int = 2
) -> dict[str, Verdict]:
    """What the tool says of each case, all in one run over a project of a file for each."""
    by_name = {case.name: case for case in chosen}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        root = Path(folder).resolve()
        paths = [f"{name}.py" for name in by_name]
        for case in chosen:
            (root / f"{case.name}.py").write_text(case.subject.text, encoding="utf-8")
        environment = TargetEnvironment.of(
            python, root, paths, [str(path) for path in roots], timeout=60
        )

        def compose(ids: frozenset[str]) -> Composition:
            return Composition(
                {f"{name}.py": by_name[name].wrong.text.encode() for name in ids},
                {name: tuple((f"{name}.py", at) for at in watched(by_name[name])) for name in ids},
            )

        def recipes(path: str, class_name: str) -> list[Recipe]:
            subject = by_name[path.removesuffix(".py")].subject
            inputs = f"(({subject.inputs},), {{}})"
            return [Recipe("given", "", path, class_name, build=subject.build, inputs=inputs)]

        with WorkerPool(environment, jobs=jobs) as pool:
            found = confirm(
                Target(root, environment.module_name),
                [_rewrite(case) for case in chosen],
                compose,
                recipes,
                pool,
                Options(recipe_budget=0.5),
            )
    return dict(found.verdicts)


def _rewrite(case: Case) -> Rewrite:
    path = f"{case.name}.py"
    return Rewrite(
        id=case.name,
        transform="mutants",
        path=path,
        class_name=case.subject.class_name,
        summary=case.kind,
        sites=(Site(path, 1, 1),),
        edits=(Edit(path, 0, 0, ""),),
        contract=_STRUCTURAL,
        witnesses=(Witness(path, 0, 0),) * len(watched(case)),
    )


def watched(case: Case) -> list[Location]:
    """The changed expression; without one, the methods whose text changed, or `forward`."""
    text = case.wrong.text
    if case.wrong.site is not None:
        return [_location(text, *case.wrong.site)]
    before = _methods(case.subject.text, case.subject.class_name)
    after = _methods(text, case.subject.class_name)
    changed = [
        node
        for name, node in after.items()
        if name not in before or ast.dump(before[name]) != ast.dump(node)
    ]
    nodes = changed or [after[name] for name in ("forward", "__call__") if name in after][:1]
    return [
        Location("function", n.lineno, n.col_offset, n.end_lineno or 0, n.end_col_offset or 0)
        for n in nodes
    ]


def _methods(text: str, class_name: str) -> dict[str, ast.FunctionDef]:
    (cls,) = (
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and node.name == class_name
    )
    return {node.name: node for node in cls.body if isinstance(node, ast.FunctionDef)}


def _location(text: str, start: int, end: int) -> Location:
    places = []
    for offset in (start, end):
        line = text.count("\n", 0, offset) + 1
        column = len(text[text.rfind("\n", 0, offset) + 1 : offset].encode())
        places.append((line, column))
    return Location("expression", *places[0], *places[1])
