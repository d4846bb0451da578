"""Options: the command line over [tool.codemod] over the defaults; errors name file and key."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codemod.configuration import CommandLine, Options, find_root, make_options, unknown_name
from codemod.errors import UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "net.py").write_text("")
    return root


def configure(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text("[tool.codemod]\n" + text)


def options(project: Path, **line: object) -> Options:
    return make_options(CommandLine(**line), project)  # type: ignore[arg-type]


# ---- errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "transform = []", "unknown key 'transform'; did you mean transforms", id="near"
        ),
        pytest.param("zzz = 1", "unknown key 'zzz'; known are: accept, budget", id="far"),
        pytest.param(
            "transforms = 'x'", "transforms: must be a list of strings, not 'x'", id="list"
        ),
        pytest.param("only = [1]", "only: must be a list of strings", id="list-of-numbers"),
        pytest.param("verify = 'yes'", "verify: must be true or false", id="flag"),
        pytest.param("jobs = true", "jobs: must be a whole number, not True", id="flag-as-number"),
        pytest.param("jobs = 0", "jobs must be more than 0", id="zero-jobs"),
        pytest.param("timeout = -1", "timeout must be more than 0", id="negative"),
        pytest.param("timeout = nan", "timeout must be more than 0", id="nan"),
        pytest.param("accept = ['unconfirmd']", "did you mean unconfirmed", id="accept"),
        pytest.param("presets = 1", "presets: must be a table", id="presets"),
        pytest.param("presets.x = 1", r"\[tool.codemod.presets.x\]: must be a table", id="preset"),
        pytest.param("presets.x.ony = []", "unknown key 'ony'; did you mean only", id="preset-key"),
        pytest.param("presets.x.only = 'a'", "presets.x.*only: must be a list", id="preset-value"),
        pytest.param(
            "preset = 'y'", "unknown preset 'y'; known are: attribution, cl", id="no-such-preset"
        ),
        pytest.param(
            "preset = 'x'\ntransforms = []\npresets.x.only = []", "not both", id="preset-and-own"
        ),
        pytest.param("python = 'no/python'", "no/python: no such interpreter", id="python"),
        pytest.param("recipes = 'none.py'", "none.py: no such file", id="recipes"),
        pytest.param("recipes.Net = 1", "recipes: must be a file name, or a table", id="recipe"),
        pytest.param("import_roots = ['none']", "none: no such file or folder", id="import-root"),
        pytest.param("jobs = ", "is no valid TOML", id="broken-toml"),
    ],
)
def test_wrong_configuration_is_a_usage_error(project: Path, text: str, message: str) -> None:
    configure(project, text)
    with pytest.raises(UsageError, match=message):
        options(project)


def test_error_names_the_file(project: Path) -> None:
    configure(project, "jbos = 2")
    with pytest.raises(UsageError) as caught:
        options(project)
    assert str(project / "pyproject.toml") in str(caught.value)
    assert "did you mean jobs" in str(caught.value)


def test_table_that_is_no_table(project: Path) -> None:
    (project / "pyproject.toml").write_text("tool.codemod = 1\n")
    with pytest.raises(UsageError, match="must be a table"):
        options(project)


def test_path_that_does_not_exist(project: Path) -> None:
    with pytest.raises(UsageError, match=r"nets: no such file or folder"):
        options(project, paths=("nets",))


@pytest.mark.parametrize("line", [{"jobs": 0}, {"timeout": 0.0}])
def test_zero_on_the_command_line_is_not_the_default(project: Path, line: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="more than 0"):
        options(project, **line)


def test_named_configuration_must_hold_the_table(project: Path) -> None:
    (project / "other.toml").write_text("[tool.other]\n")
    with pytest.raises(UsageError, match=r"other.toml: holds no \[tool.codemod\]"):
        options(project, config="other.toml")
    with pytest.raises(UsageError, match=r"none.toml: no such file"):
        options(project, config="none.toml")


def test_names_that_look_alike_are_offered() -> None:
    known = ["call-to-forward", "dropout-to-module"]
    assert str(unknown_name("transform", "dropout-to-modul", known)) == (
        "unknown transform 'dropout-to-modul'; did you mean dropout-to-module?"
    )
    assert str(unknown_name("transform", "q", known)) == (
        "unknown transform 'q'; known are: call-to-forward, dropout-to-module"
    )


# ---- values


def test_defaults(project: Path) -> None:
    found = options(project)
    assert found.paths == (project,)
    assert found.transforms == ("call-to-forward", "dropout-to-module")
    assert found.verify is True
    assert found.accept == frozenset()
    assert found.jobs >= 1
    assert (found.preset, found.only, found.python, found.recipes) == (None, (), None, None)


def test_everything_in_the_file(project: Path) -> None:
    (project / "src").mkdir()
    (project / "r.py").write_text("")
    configure(
        project,
        """
        transforms = ["functional-to-module", "./mine.py"]
        only = ["relu", "@pooling"]
        verify = false
        accept = ["unconfirmed"]
        jobs = 3
        recipes = "r.py"
        timeout = 5
        budget = 0.5
        include = ["vendor/ours"]
        exclude = ["*_pb2.py"]
        import_roots = ["src"]
        """,
    )
    found = make_options(CommandLine(), project / "pkg")
    assert found == Options(
        paths=(project / "pkg",),
        root=project,
        transforms=("functional-to-module", str(project / "mine.py")),
        only=("relu", "@pooling"),
        verify=False,
        accept=frozenset({"unconfirmed"}),
        jobs=3,
        recipes=project / "r.py",
        timeout=5,
        budget=0.5,
        include=("vendor/ours",),
        exclude=("*_pb2.py",),
        import_roots=(project / "src",),
    )


def test_command_line_wins(project: Path) -> None:
    (project / "pkg" / "r.py").write_text("")
    configure(
        project,
        'transforms = ["a"]\nonly = ["relu"]\nverify = true\naccept = ["unconfirmed"]\njobs = 3\n'
        'recipes = "none.py"\ntimeout = 5\nbudget = 5\nexclude = ["x"]',
    )
    line = CommandLine(
        paths=("net.py",),
        transforms=("b", "./mine.py", "b"),
        only=("gelu,@dropout", "silu"),
        verify=False,
        accept=("behaviour-change",),
        jobs=1,
        recipes="r.py",
        timeout=1.5,
        budget=0.0,
        exclude=("y",),
    )
    found = make_options(line, project / "pkg")
    assert found.paths == (project / "pkg" / "net.py",)
    assert found.root == project
    assert found.transforms == ("b", str(project / "pkg" / "mine.py"))
    assert found.only == ("gelu", "@dropout", "silu")
    assert (found.verify, found.jobs, found.timeout, found.budget) == (False, 1, 1.5, 0.0)
    assert found.accept == frozenset({"behaviour-change"})
    assert found.recipes == project / "pkg" / "r.py"
    assert found.exclude == ("x", "y")


PRESETS = """
[tool.codemod.presets.quantization]
transforms = ["functional-to-module"]
only = ["@activation"]
[tool.codemod.presets.pooling]
only = ["@pooling"]
"""


def test_preset_of_the_command_line(project: Path) -> None:
    configure(project, 'transforms = ["a"]\nonly = ["relu"]\n' + PRESETS)
    found = options(project, preset="quantization")
    assert (found.transforms, found.only) == (("functional-to-module",), ("@activation",))
    found = options(project, preset="pooling")
    assert (found.transforms, found.only) == (("a",), ("@pooling",))
    found = options(project, preset="quantization", transforms=("b",), only=("gelu",))
    assert (found.transforms, found.only, found.preset) == (("b",), ("gelu",), "quantization")
    with pytest.raises(UsageError, match="unknown preset 'quantisation'; did you mean quantiz"):
        options(project, preset="quantisation")


def test_built_in_presets(project: Path) -> None:
    found = options(project, preset="attribution")
    assert found.transforms == (
        "functional-to-module",
        "hoist-inline-modules",
        "unshare-modules",
        "inplace-off",
    )
    assert found.loops == "per-layer"
    assert found.reuse
    assert not options(project, preset="cleanup").reuse


def test_presets_are_made_of_presets(project: Path) -> None:
    configure(
        project,
        """
[tool.codemod.presets.attribution]
presets = ["attribution"]
transforms = ["./mine.py"]
[tool.codemod.presets.all]
presets = ["attribution", "cleanup"]
only = ["relu"]
""",
    )
    found = options(project, preset="attribution")
    assert found.transforms[:1] == ("functional-to-module",)
    assert found.transforms[-1].endswith("mine.py")
    found = options(project, preset="all")
    assert {"unshare-modules", "call-to-forward"} <= set(found.transforms)
    assert found.only == ("relu",)


def test_a_preset_that_contains_itself_is_an_error(project: Path) -> None:
    configure(project, '[tool.codemod.presets]\na.presets = ["b"]\nb.presets = ["a"]\n')
    with pytest.raises(UsageError, match="'a' contains itself: a -> b -> a"):
        options(project, preset="a")
    configure(project, '[tool.codemod.presets]\na.presets = ["atribution"]\n')
    with pytest.raises(UsageError, match="unknown preset 'atribution'; did you mean attribution"):
        options(project, preset="a")


def test_transforms_of_the_command_line_replace_the_preset_of_the_file(project: Path) -> None:
    configure(project, 'preset = "quantization"\n' + PRESETS)
    assert options(project).only == ("@activation",)
    found = options(project, transforms=("dropout-to-module",))
    assert (found.preset, found.only) == (None, ())


def test_named_configuration_and_its_paths(project: Path) -> None:
    (project / "etc").mkdir()
    (project / "etc" / "r.py").write_text("")
    (project / "etc" / "codemod.toml").write_text('[tool.codemod]\nrecipes = "r.py"\n')
    configure(project, "jobs = 7")
    found = options(project, config="etc/codemod.toml")
    assert found.recipes == project / "etc" / "r.py"
    assert found.root == project


def test_recipes_in_the_file_itself_are_no_path(project: Path) -> None:
    configure(project, '[tool.codemod.recipes."pkg.net.Net"]\nbuild = "Net(3)"\n')
    assert options(project).recipes is None


def test_interpreter_is_a_path_or_a_command(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "venv").mkdir()
    link = project / "venv" / "python"
    link.symlink_to(sys.executable)
    # A link is not resolved: it is what makes the environment.
    assert options(project, python="venv/python").python == link
    monkeypatch.setenv("PATH", str(link.parent) + os.pathsep + os.environ["PATH"])
    assert options(project, python="python").python == link
    with pytest.raises(UsageError, match="no such interpreter"):
        options(project, python="python-of-nobody")


# ---- the root


def test_root_is_the_nearest_configured_folder(project: Path) -> None:
    configure(project, "")
    (project / ".git").mkdir()
    (project / ".git" / "HEAD").write_text("ref: x")
    inner = project / "packages" / "one"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text("[project]\nname = 'one'\n")
    assert find_root([inner]) == project
    configure(inner, "")
    assert find_root([inner]) == inner
    assert find_root([inner, project / "pkg"]) == project


def test_root_without_configuration_is_the_git_root(project: Path) -> None:
    (project / ".git").mkdir()
    (project / ".git" / "HEAD").write_text("ref: x")
    (project / "pkg" / "setup.py").write_text("")
    assert find_root([project / "pkg" / "net.py"]) == project


def test_configuration_above_the_git_root_is_another_project(project: Path) -> None:
    configure(project, "")
    (project / "sub" / ".git").mkdir(parents=True)
    (project / "sub" / ".git" / "HEAD").write_text("ref: x")
    assert find_root([project / "sub"]) == project / "sub"


def test_root_without_git_is_where_the_packaging_metadata_is(project: Path) -> None:
    (project / "setup.cfg").write_text("")
    assert find_root([project / "pkg" / "net.py"]) == project


def test_root_without_anything_is_the_parent_of_the_topmost_package(project: Path) -> None:
    (project / "pkg" / "__init__.py").write_text("")
    (project / "pkg" / "sub").mkdir()
    (project / "pkg" / "sub" / "__init__.py").write_text("")
    (project / "pkg" / "sub" / "a.py").write_text("")
    assert find_root([project / "pkg" / "sub" / "a.py"]) == project
    assert find_root([project / "pkg" / "sub", project / "pkg" / "net.py"]) == project


def test_root_of_a_loose_script_is_its_folder(project: Path) -> None:
    assert find_root([project / "pkg" / "net.py"]) == project / "pkg"
