"""What is asked before the processes part, and that it is what each would find by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codemod import Found, ModuleClass
from codemod.editing import uses
from codemod.editing.name_sweeps import child_sweeps_in
from codemod.editing.object_uses import layer_uses_in
from codemod.editing.type_sweeps import sweeps_for
from codemod.engine.foresight import foresee
from codemod.engine.indexing import build_project
from codemod.engine.planning import plan
from codemod.semantics.project import Project
from codemod.source.overlay import Overlay
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

NET = (
    "import torch.nn as nn\n\n\nclass Net{0}(nn.Module):\n    def __init__(self):\n"
    "        super().__init__()\n        self.act = nn.ReLU()\n\n    def forward(self, x):\n"
    "        return self.act(x)\n"
)
# One asks for its act, one by name, one for every ReLU; the last has nothing to do with them.
OTHERS = {
    "uses.py": "from net3 import Net3\n\nNet3().act.register_forward_hook(print)\n",
    "names.py": "from net4 import Net4\n\nhook = getattr(Net4(), 'act')\n",
    "sweeps.py": "import torch.nn as nn\nfrom net5 import Net5\n\n"
    "found = [m for m in Net5().modules() if isinstance(m, nn.ReLU)]\n",
    "other.py": "def run(x):\n    return x.config.act\n",
}
FILES = {f"net{number}.py": NET.format(number) for number in range(70)} | OTHERS


def overlay_of(files: dict[str, str]) -> Overlay:
    return Overlay(Path("/nonexistent"), {path: text.encode() for path, text in files.items()})


def project_of(files: dict[str, str]) -> Project:
    return build_project(overlay_of(files), sorted(files), jobs=1)[0]


def test_nothing_is_asked_for_a_transform_that_does_not_ask_about_layers() -> None:
    project = project_of(FILES)
    foresee(project, [FunctionalToModule()], sorted(FILES), 2)
    assert not project.answered


def test_one_process_asks_when_it_needs_to_know() -> None:
    project = project_of(FILES)
    foresee(project, [ModuleToFunctional()], sorted(FILES), 1)
    assert not project.answered


def test_the_answers_are_those_that_one_process_finds() -> None:
    # As many files use the attribute as make several processes worth while.
    users = {f"user{n}.py": f"import net{n}\n\nnet{n}.Net{n}().act(1.0, 2)\n" for n in range(70)}
    known, asking = project_of(FILES | users), project_of(FILES | users)
    foresee(known, [ModuleToFunctional()], sorted(FILES), 2)
    for path in ("uses.py", "other.py", "user7.py"):
        answer = known.answered["layer-uses act", path]
        assert answer == layer_uses_in(asking, path, "act")
    assert [item.place.line for item in known.answered["layer-uses act", "uses.py"]] == [3]
    assert known.answered["type-sweeps ReLU", "sweeps.py"] == sweeps_for(asking, "ReLU") != ()
    assert sweeps_for(known, "ReLU") == sweeps_for(asking, "ReLU")


CALLS = NET.replace("        self.act = nn.ReLU()\n", "").replace(
    "self.act(x)", "nn.functional.relu(x)"
)


def test_who_would_meet_a_new_layer_is_asked_before() -> None:
    files = {f"net{number}.py": CALLS.format(number) for number in range(70)} | OTHERS
    files["names.py"] = (
        "from net4 import Net4\n\nfor name, m in Net4().named_modules():\n"
        "    if name == 'relu':\n        m.register_forward_hook(print)\n"
    )
    known, asking = project_of(files), project_of(files)
    foresee(known, [FunctionalToModule()], sorted(files), 2)
    for name in ("names.py", "sweeps.py"):
        assert known.answered["name-sweeps", name] == child_sweeps_in(asking, name)
    assert len(known.answered["name-sweeps", "names.py"]) == 1
    assert known.answered["type-sweeps ReLU", "sweeps.py"] == sweeps_for(asking, "ReLU") != ()
    assert not any(question == "type-sweeps Softmax" for question, _ in known.answered)


def test_several_processes_refuse_what_one_does() -> None:
    results = [
        plan(overlay_of(FILES), sorted(FILES), frozenset(FILES), [ModuleToFunctional()], jobs=jobs)
        for jobs in (1, 2)
    ]
    one, several = (item.plan for item in results)
    assert (one.rewrites, one.refusals) == (several.rewrites, several.refusals)
    refused = {item.path: item.code for item in several.refusals}
    assert refused["net3.py"] == "used-outside"
    assert refused["net4.py"] == "named-in-string"
    assert refused["net5.py"] == "swept-by-type"


TWO = (
    "import torch.nn as nn\nimport torch.nn.functional as F\n\n\n{first}\n\n{second}"
    "\n\nclass Heir(First):\n    pass\n\n\nclass Other(nn.Module):\n    pass\n"
)


def test_a_class_that_a_pass_left_as_it_was_is_not_asked_about_again() -> None:
    asked: list[str] = []

    class Asking(ModuleToFunctional):
        """Write down who is asked about."""

        def find(self, module: ModuleClass) -> Iterator[Found]:
            asked.append(module.name)
            return super().find(module)

    first = NET.format("").replace("Net", "First").partition("\n\n\n")[2]
    second = first.replace("First", "Second").replace("return self.act(x)", "return x")
    text = TWO.format(first=first, second=second)
    heir, other = "class Heir(First):\n", "class Other(nn.Module):\n"
    for head in (heir, other):
        text = text.replace(f"{head}    pass", f"{head}    drop = nn.Dropout")
    files = {"net.py": text}
    plan(overlay_of(files), ["net.py"], frozenset(files), [Asking()])
    assert asked == ["First", "Second", "Heir", "Other", "Heir"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_others_forbade_is_not_asked_again(
    jobs: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each of many classes has one attribute that goes and one that another file uses."""
    log = tmp_path / "asked"

    def asked(module: ModuleClass, name: str, *others: object) -> object:
        with log.open("a") as stream:  # by whatever process
            stream.write(f"{module.name}.{name}\n")
        return kept_by_others(module, name, *others)  # type: ignore[arg-type]

    kept_by_others = uses._kept_by_others
    monkeypatch.setattr(uses, "_kept_by_others", asked)
    two = NET.replace("self.act = nn.ReLU()", "self.act = nn.ReLU()\n        self.gone = nn.Tanh()")
    two = two.replace("self.act(x)", "self.gone(self.act(x))")
    files = {f"net{number}.py": two.format(number) for number in range(70)}
    files |= {
        f"use{n}.py": f"import net{n}\n\nprint(net{n}.Net{n}().act.inplace)\n" for n in range(70)
    }
    made = plan(
        overlay_of(files), sorted(files), frozenset(files), [ModuleToFunctional()], jobs=jobs
    )
    assert len(made.plan.rewrites) == len(made.plan.refusals) == 70
    names = log.read_text().split()
    assert sorted(names) == sorted(f"Net{n}.{one}" for n in range(70) for one in ("act", "gone"))
