"""What the transforms will ask of all files is asked once, before the processes part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from codemod.editing.foreseen import (
    Question,
    is_sent,
    layers_held,
    layers_made,
    questions_about_sweeps,
    questions_about_uses,
)
from codemod.editing.transform import Transform
from codemod.engine.processes import is_worth_processes, paused_collector, spread
from codemod.semantics.project import Project

_Answers = Mapping[tuple[str, str], tuple[Any, ...]]


def foresee(
    project: Project, transforms: Sequence[Transform], paths: Sequence[str], jobs: int
) -> None:
    """Let the project remember the answers. One process finds them as fast when it needs them."""
    if not is_worth_processes(paths, jobs):
        return
    for key in project.classes:
        project.is_module(key)
    changing = [item for item in transforms if "modules" in item.contract.changes]
    if not changing:
        return
    project.reach.find_out()
    makers = [item.markers for item in changing if not item.asks_about_layers]
    kinds = layers_made(project, frozenset(paths), makers)
    asks = len(makers) < len(changing)
    questions: list[Question] = []
    if asks:
        held = layers_held(project, paths)
        kinds |= held.kinds
        questions += questions_about_uses(project, held)
    questions += questions_about_sweeps(project, kinds, held=asks)
    questions.sort(key=lambda one: one.path)  # what asks one file parses it once
    if is_worth_processes(questions, jobs):
        for answers in spread(_Ask(project), questions, jobs):
            project.learn(answers)


@dataclass(frozen=True)
class _Ask:
    project: Project

    def __call__(self, questions: Sequence[Question]) -> list[_Answers]:
        known = len(self.project.answered)
        with paused_collector():
            for question in questions:
                question(self.project)
        new = islice(self.project.answered.items(), known, None)
        return [{key: one for key, one in new if is_sent(key[0])}]
