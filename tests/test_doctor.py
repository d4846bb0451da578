"""`codemod doctor`: what it says of classes that run and of those that do not, what it writes."""

from __future__ import annotations

import ast
import io
import json
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import tomllib

from codemod.cli import main
from codemod.errors import UsageError
from codemod.report import doctor
from codemod.report.exit_code import of_diagnosis
from codemod.results import ClassDiagnosis, Diagnosis, FileError, Reason, Recipe, RecipeEvidence
from codemod.verify.advice import line_for
from codemod.verify.recipes_file import Finding, function_name, render
from codemod.verify.signatures import Parameters, required

NET = """
class Base:
    def __init__(self, config, *, depth): ...
    def forward(self, x, mask=None): ...

class Net(Base):
    def forward(self, x, /, y, *more, z, mask=None, **named): ...

class Outer:
    class Inner(Base): ...

class Foreign(elsewhere.Base): ...
class Circle(Circle): ...
"""
REASON = Reason("no-recipe", "cannot build Net: config has no\n.hidden", "give a recipe for it")


# ---- the line to add


@pytest.mark.parametrize(
    ("source", "name", "method", "expected"),
    [
        pytest.param("class Net(:", "Net", "forward", (), id="does-not-parse"),
        pytest.param(NET, "Absent", "forward", (), id="no-such-class"),
        pytest.param(NET, "Foreign", "forward", (), id="base-of-another-file"),
        pytest.param(NET, "Circle", "forward", (), id="its-own-base"),
        pytest.param(NET, "Net", "__init__", ("config", "depth"), id="inherited"),
        pytest.param(NET, "Net", "forward", ("x", "y", "z"), id="only-what-is-required"),
        pytest.param(NET, "Outer.Inner", "forward", ("x",), id="inner-class"),
    ],
)
def test_required_parameters(
    source: str, name: str, method: str, expected: tuple[str, ...]
) -> None:
    assert required(source, name, method).names == expected


@pytest.mark.parametrize("code", ["needs-package", "import-failed", "no-torch", "recipe-raises"])
def test_a_recipe_is_not_advised_where_it_cannot_help(code: str) -> None:
    assert line_for(replace(REASON, code=code), "pkg.net.Net", "Net", NET) == ""


def test_the_line_is_valid_and_valid_python_stands_in_it() -> None:
    line = line_for(REASON, "pkg.net.Net", "Net", NET)
    (entry,) = tomllib.loads(line).values()
    assert entry["build"] == "Net(config=..., depth=...)"
    assert ast.literal_eval(entry["inputs"]) == {"x": ..., "y": ..., "z": ...}


def test_required_takes_the_method_itself_for_self() -> None:
    assert required("class A:\n    def f(this): ...", "A", "f") == Parameters()


# ---- codemod_recipes.py


def finding(name: str = "Net", module: str = "pkg.net", **fields: Any) -> Finding:
    recipe = Recipe("harvested", "t.py:3", "pkg/net.py", name, f"{name}(WIDTH)", "((x,), {})")
    return Finding(module, name, NET, replace(recipe, setup="x = torch.ones(2)", **fields))


def missing(name: str = "Net", module: str = "pkg.net") -> Finding:
    return Finding(module, name, NET, None, REASON)


def test_what_stands_in_the_file_stays() -> None:
    existing = "# mine\ndef pkg_net_Net():\n    return 1\n"
    assert render([finding()], existing) == existing
    added = render([finding(), finding("Other")], existing)
    assert added.startswith(existing.rstrip())
    assert added.count("def ") == 2


def test_written_again_nothing_is_added() -> None:
    findings = [finding(), missing("Other")]
    once = render(findings)
    assert render(findings, once) == once


def test_a_file_that_does_not_parse_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="not valid Python, nothing added"):
        render([finding()], "def Net(:")


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(Finding("pkg.net", "Net", NET, None), id="enclosed-in-another-model"),
        pytest.param(finding(source="given"), id="given-already"),
    ],
)
def test_what_is_not_written(one: Finding) -> None:
    assert render([one]) == ""


def test_a_recipe_becomes_a_function_with_its_imports() -> None:
    assert render([finding()]).endswith(
        dedent(
            """


            def pkg_net_Net():
                # harvested from t.py:3
                from pkg.net import Net, WIDTH
                x = torch.ones(2)
                return Net(WIDTH), ((x,), {})
            """
        )
    )


def test_what_is_missing_is_a_comment_that_becomes_a_function() -> None:
    """A stub that runs would keep the search from finding anything."""
    text = render([missing()])
    assert [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)] == []
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]
    assert lines[0] == "pkg.net.Net: cannot build Net: config has no .hidden"
    (function,) = ast.parse("\n".join(lines[1:])).body
    assert isinstance(function, ast.FunctionDef)


@pytest.mark.parametrize(
    ("module", "others", "expected"),
    [
        pytest.param("pkg.net", [], "pkg_net_Net", id="whole-dotted-name"),
        pytest.param("my-net", [], "Net", id="script-that-cannot-be-imported"),
        pytest.param("1.net", [], "net_Net", id="folder-that-is-a-number"),
        pytest.param("my-net", ["your-net"], None, id="two-that-no-name-tells-apart"),
        pytest.param("a.net", ["b.net"], "a_net_Net", id="two-of-one-name"),
        pytest.param("net", ["a.net"], None, id="name-that-fits-another-too"),
    ],
)
def test_names_of_functions(module: str, others: list[str], expected: str | None) -> None:
    own = missing(module=module)
    assert function_name(own, [own, *(missing(module=other) for other in others)]) == expected


# ---- what is shown


RUNS = ClassDiagnosis(
    "pkg/net.py",
    3,
    "Net",
    "pkg.net.Net",
    2,
    RecipeEvidence("harvested", "t.py:3", "Net(3)", "torch.ones(2)"),
    ("eval", "train"),
    ("einops",),
)
FAILS = ClassDiagnosis(
    "pkg/net.py", 9, "Head", "pkg.net.Head", 1, None, reason=REASON, advice='"x" = { [int] }'
)
FOUND = Diagnosis(
    "0.1.0",
    "/p",
    "/usr/bin/python",
    "2.13.0",
    ("src", "."),
    ("deadline",),
    (),
    (RUNS, FAILS),
    (),
    1.5,
)


def test_every_class_is_shown_with_what_it_lacks() -> None:
    said = doctor.text(FOUND).plain
    for part in (
        "/usr/bin/python, torch 2.13.0",
        "from src, .",
        "runs     Net (line 3, 2 sites): harvested t.py:3",
        "Net(3) on torch.ones(2)",
        "ran eval, train",
        "stood in for: einops",
        "fails    Head (line 9, 1 site): no-recipe",
        "cannot build Net: config has no .hidden",
        '"x" = { [int] }',
        "1 of 2 classes run (50%): 1 harvested",
    ):
        assert part in said


def test_no_text_of_the_project_steers_the_terminal() -> None:
    bad = replace(FAILS, path="a\x1b[2Jb.py", reason=replace(REASON, message="\x1b]0;x\x07"))
    assert "\x1b" not in doctor.text(replace(FOUND, classes=(bad,))).plain


def test_json_has_everything() -> None:
    said = json.loads(doctor.to_json(FOUND))
    assert said["summary"]["run"] == 1
    assert said["summary"]["by_reason"] == {"no-recipe": 1}
    assert [one["class"] for one in said["classes"]] == ["Net", "Head"]
    assert said["classes"][0]["recipe"]["call"] == "Net(3)"
    assert said["classes"][1]["reason"]["code"] == "no-recipe"


@pytest.mark.parametrize(
    ("classes", "errors", "code"),
    [
        pytest.param((), (), 0, id="nothing-there"),
        pytest.param((RUNS,), (), 0, id="all-run"),
        pytest.param((RUNS, FAILS), (), 1, id="one-does-not"),
        pytest.param((FAILS,), (FileError("a.py", "syntax", "no"),), 3, id="file-not-analysed"),
    ],
)
def test_exit_codes(classes: Any, errors: Any, code: int) -> None:
    assert of_diagnosis(replace(FOUND, classes=classes, errors=errors)) == code


# ---- a whole run


PROJECT = """
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.layer = nn.Linear(width, 2)

        def forward(self, x):
            return F.relu(self.layer(x))

    class Plain(nn.Module):
        def forward(self, x):
            return x

    class Never(nn.Module):
        def __init__(self, config):
            super().__init__()
            raise ValueError("never")

        def forward(self, x):
            return F.relu(x)
"""


def run(root: Path, *arguments: str) -> tuple[int, str]:
    stdout = io.BytesIO()
    code = main(["doctor", str(root), *arguments], stdout, io.StringIO())
    return code, stdout.getvalue().decode()


def test_what_is_written_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "net.py").write_text(dedent(PROJECT))
    code, said = run(root, "--write-recipes", "--all")
    assert code == 1
    assert "runs     Plain" in said
    assert '"net.Never" = { build = "Never(config=...)"' in said
    text = (root / "codemod_recipes.py").read_text()
    assert [n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)] == [
        "net_Net",
        "net_Plain",
    ]
    code, said = run(root, "--format", "json", "--only", "relu")
    by_class = {one["class"]: one for one in json.loads(said)["classes"]}
    assert by_class.keys() == {"Net", "Never"}
    assert by_class["Net"]["recipe"]["source"] == "given"
    assert by_class["Never"]["recipe"] is None
