"""The fixtures: what they claim is checked by torch alone, then the tool is held to it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from codemod.configuration import CommandLine, make_options
from codemod.refactoring import run, undo
from codemod.results import Report

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FIXTURES = Path(__file__).parent.parent / "fixtures"
MODELS_KEYS = {"about", "models"}
SEED = 20


@dataclass(frozen=True)
class Model:
    """How to build and call one class of a fixture."""

    file: str
    build: str
    inputs: str


@dataclass(frozen=True)
class Case:
    """One fixture under one transform."""

    fixture: str
    transform: str
    models: tuple[Model, ...]
    expected: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.fixture}-{self.transform}"

    @property
    def before(self) -> Path:
        return FIXTURES / self.fixture / "before"

    @property
    def after(self) -> Path:
        return FIXTURES / self.fixture / f"after-{self.transform}"


def described(name: str) -> dict[str, Any]:
    return tomllib.loads((FIXTURES / name / "fixture.toml").read_text(encoding="utf-8"))


def cases() -> Iterator[Case]:
    for path in sorted(FIXTURES.glob("*/fixture.toml")):
        name = path.parent.name
        data = described(name)
        models = tuple(Model(**model) for model in data["models"])
        for transform in sorted(data.keys() - MODELS_KEYS):
            yield Case(name, transform, models, data[transform])


CASES = list(cases())
COMPARED = [
    pytest.param(case, model, id=f"{case}-{model.build}") for case in CASES for model in case.models
]
each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_model = pytest.mark.parametrize(("case", "model"), COMPARED)


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def expected_tree(case: Case) -> dict[str, bytes]:
    changed = tree(case.after) if case.after.is_dir() else {}
    return tree(case.before) | changed


def written(files: Mapping[str, bytes], root: Path) -> Path:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return root


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """The files under `root` can be imported, and are forgotten afterwards."""
    known = set(sys.modules)
    saved_path, saved_flag = list(sys.path), sys.dont_write_bytecode
    sys.path[:0] = [str(root), str(root / "src")]
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = saved_path, saved_flag
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(root)):
                del sys.modules[name]


def built(model: Model) -> torch.nn.Module:
    namespace = vars(importlib.import_module(model.file))
    torch.manual_seed(SEED)
    result = eval(model.build, {**namespace, "torch": torch})
    assert isinstance(result, torch.nn.Module)
    return result


def inputs_of(model: Model) -> tuple[Any, ...]:
    torch.manual_seed(SEED + 1)
    inputs = eval(f"({model.inputs},)", {"torch": torch})
    assert isinstance(inputs, tuple)
    return inputs


def called(net: torch.nn.Module, inputs: tuple[Any, ...], *, seed: int = SEED + 2) -> torch.Tensor:
    torch.manual_seed(seed)
    output = net(*inputs)
    assert isinstance(output, torch.Tensor)
    return output


def trained(net: torch.nn.Module, inputs: tuple[Any, ...]) -> dict[str, torch.Tensor]:
    """Output, gradients and inputs of one train step, and the state after it."""
    output = called(net.train(), inputs)
    torch.manual_seed(SEED + 3)
    (output * torch.randn_like(output)).sum().backward()
    seen = {"output": output.detach(), "draws": torch.get_rng_state()}
    for name, parameter in net.named_parameters():
        seen[f"gradient of {name}"] = torch.zeros(()) if parameter.grad is None else parameter.grad
    for index, value in enumerate(inputs):
        if isinstance(value, torch.Tensor):
            seen[f"input {index}"] = value
    return seen | {f"state {key}": value for key, value in net.state_dict().items()}


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return list(one) == list(other) and all(torch.equal(one[key], other[key]) for key in one)


class TestTheFixturesThemselves:
    def test_there_are_some(self) -> None:
        assert len(CASES) >= 12

    @pytest.mark.parametrize(
        "folder",
        sorted(FIXTURES.glob("*/after-*")),
        ids=lambda path: f"{path.parent.name}-{path.name}",
    )
    def test_an_after_tree_holds_changed_files_alone(self, folder: Path) -> None:
        before = tree(folder.parent / "before")
        assert folder.name.removeprefix("after-") in described(folder.parent.name)
        for path, content in tree(folder).items():
            assert path in before
            assert content != before[path]

    @each_model
    def test_before_and_after_compute_the_same(
        self, case: Case, model: Model, tmp_path: Path
    ) -> None:
        quieted = model.build in case.expected.get("quieted", [])
        states, steps, evals, reseeded = [], [], [], []
        for name, files in (("before", tree(case.before)), ("after", expected_tree(case))):
            with importable(written(files, tmp_path / name)):
                states.append(built(model).state_dict())
                evals.append({"": called(built(model).eval(), inputs_of(model))})
                reseeded.append({"": called(built(model).eval(), inputs_of(model), seed=1)})
                steps.append(trained(built(model), inputs_of(model)))
        assert same(states[0], states[1])
        assert same(steps[0], steps[1])
        if quieted:
            assert not same(evals[0], reseeded[0])
            assert same(evals[1], reseeded[1])
        else:
            assert same(evals[0], evals[1])

    @each_model
    def test_a_checkpoint_of_either_loads_strictly_into_the_other(
        self, case: Case, model: Model, tmp_path: Path
    ) -> None:
        nets = []
        for name, files in (("before", tree(case.before)), ("after", expected_tree(case))):
            with importable(written(files, tmp_path / name)):
                nets.append(built(model))
        for source, target in (nets, reversed(nets)):
            with torch.no_grad():
                for parameter in source.parameters():
                    parameter.add_(1)
            torch.save(source.state_dict(), tmp_path / "checkpoint.pt")
            target.load_state_dict(torch.load(tmp_path / "checkpoint.pt", weights_only=True))
            assert same(source.state_dict(), target.state_dict())

    def test_the_net_with_forward_and_its_twin_with_call_share_checkpoints(
        self, tmp_path: Path
    ) -> None:
        with importable(FIXTURES / "call_twin" / "before"):
            proper, twin = (built(Model(file, "Net()", "")) for file in ("proper", "called"))
        rows = torch.randn(5, 6)
        for source, target in ((proper, twin), (twin, proper)):
            trained(source, (rows,))
            torch.save(source.state_dict(), tmp_path / "checkpoint.pt")
            target.load_state_dict(
                torch.load(tmp_path / "checkpoint.pt", weights_only=True), strict=True
            )
            assert torch.equal(source.eval()(rows), target.eval()(rows))

    @pytest.mark.parametrize("direction", ["functional-to-module", "module-to-functional"])
    @pytest.mark.parametrize("build", ["Layered()", "Called()", "PreActivation()"])
    def test_a_lost_inplace_flag_would_show(
        self, direction: str, build: str, tmp_path: Path
    ) -> None:
        text = (FIXTURES / "multi_branch" / f"after-{direction}" / "branches.py").read_text()
        lost = (
            text.replace(", inplace=True", "")
            .replace("inplace=True", "")
            .replace("(x, True)", "(x)")
        )
        lost = lost.replace("ReLU(True)", "ReLU()")
        seen = []
        for name, content in (("kept", text), ("lost", lost)):
            root = written({"branches.py": content.encode()}, tmp_path / name)
            with importable(root):
                model = Model("branches", build, "torch.randn(2, 3, 8, 8)")
                seen.append({"": called(built(model).eval(), inputs_of(model))})
        assert not same(seen[0], seen[1])


class TestTheToolOnTheFixtures:
    """Whether the tool does what the fixtures say, and takes it back."""

    @pytest.fixture(autouse=True)
    def _own_state(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    @pytest.mark.parametrize("case", [c for c in CASES if "different" not in c.expected], ids=str)
    def test_without_running_it_writes_the_expected_files(self, case: Case, tmp_path: Path) -> None:
        project = written(tree(case.before), tmp_path / "project")
        report = applied(case, project, verify=False)
        assert tree(project) == expected_tree(case)
        assert refusals(report) == sorted(case.expected.get("refusals", []))
        assert report.errors == ()

    @each_case
    def test_what_it_confirms_is_written_once_and_can_be_undone(
        self, case: Case, tmp_path: Path
    ) -> None:
        project = written(tree(case.before), tmp_path / "project")
        report = applied(case, project)
        assert verdicts(report) == {kind: case.expected.get(kind, 0) for kind in VERDICTS}
        assert tree(project) == expected_tree(case)
        assert not any(outcome.written for outcome in applied(case, project).outcomes)
        assert tree(project) == expected_tree(case)
        if any(outcome.written for outcome in report.outcomes):
            undo(project)
        assert tree(project) == tree(case.before)

    def test_a_change_on_purpose_is_not_written_unasked(self, tmp_path: Path) -> None:
        (case,) = (case for case in CASES if str(case) == "dropout_eval-dropout-to-module")
        project = written(tree(case.before), tmp_path / "project")
        report = applied(replace(case, expected={}), project)
        changed = [outcome for outcome in report.outcomes if outcome.written]
        assert [outcome.rewrite.class_name for outcome in changed] == ["Switched"]
        assert verdicts(report)["confirmed"] == 3


VERDICTS = ("confirmed", "different", "unconfirmed")


def applied(case: Case, project: Path, *, verify: bool = True) -> Report:
    line = CommandLine(
        paths=(str(project),),
        transforms=(case.transform,),
        accept=tuple(case.expected.get("accept", ())),
        verify=verify,
        jobs=1,
    )
    return run(make_options(line, project), mode="apply", progress=None)


def refusals(report: Report) -> list[list[object]]:
    return sorted([one.path, one.line, one.code] for one in report.refusals)


def verdicts(report: Report) -> dict[str, int]:
    kinds = [outcome.verdict.kind for outcome in report.outcomes]
    return {kind: kinds.count(kind) for kind in VERDICTS}
