"""Recipes of the configuration and of a recipes file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from codemod.errors import UsageError
from codemod.verify.given import from_file, from_table
from codemod.verify.recipes import RecipeBook, find_recipes, read_given
from codemod.verify.worker.recipe import RecipeError, evaluate


def module_of(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param("Net(3)", "must be a table", id="a-bare-string"),
        pytest.param({"build": "Net(3", "inputs": "1"}, "not valid Python", id="unclosed-bracket"),
        pytest.param(
            {"build": "x = 1", "inputs": "1"}, "not valid Python", id="build-is-statement"
        ),
        pytest.param({"build": "Net(3)", "input": "1"}, "no key 'input'", id="misspelt-key"),
        pytest.param({"build": 3}, "must be a string", id="number-for-source"),
        pytest.param({"inputs": "1"}, "does not say how to build", id="no-build"),
        pytest.param({"build": "Net()", "args": "(1,)"}, "has both", id="build-and-args"),
    ],
)
def test_a_table_entry_that_cannot_be_used_is_refused(entry: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        from_table({"pkg.net.Net": entry})
    assert "pkg.net.Net" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "path", "class_name", "matches"),
    [
        pytest.param("pkg.net.Net", "pkg/net.py", "Net", True, id="whole-dotted-name"),
        pytest.param("net.Net", "pkg/net.py", "Net", True, id="end-of-dotted-name"),
        pytest.param("Net", "pkg/net.py", "Net", True, id="class-alone"),
        pytest.param("et", "pkg/net.py", "Net", False, id="end-of-a-word"),
        pytest.param("other.Net", "pkg/net.py", "Net", False, id="other-file"),
        pytest.param("Inner", "net.py", "Outer.Inner", False, id="inner-class-without-outer"),
        pytest.param("Outer.Inner", "net.py", "Outer.Inner", True, id="inner-class"),
    ],
)
def test_a_table_name_matches_the_end_of_the_dotted_name(
    name: str, path: str, class_name: str, matches: bool
) -> None:
    (given,) = from_table({name: {"build": "x"}})
    assert given.matches(f"{module_of(path)}.{class_name}", class_name) is matches


def test_functions_of_a_recipes_file_are_matched_by_name(tmp_path: Path) -> None:
    file = tmp_path / "codemod_recipes.py"
    file.write_text(
        "def Net():\n    return (), {}, None\n"
        "def pkg_two_Net():\n    return (), {}, None\n"
        "def Outer_Inner():\n    return (), {}, None\n"
        "def Helper(size):\n    return size\n"
    )
    book = RecipeBook(read_given(tmp_path), {}, module_of)
    assert [r.where for r in book("one.py", "Net")] == ["codemod_recipes.py:1"]
    assert [r.where for r in book("pkg/two.py", "Net")] == [
        "codemod_recipes.py:1",
        "codemod_recipes.py:3",
    ]
    assert [r.where for r in book("a.py", "Outer.Inner")] == ["codemod_recipes.py:5"]
    assert book("a.py", "Helper") == ()


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"def Net(:", id="syntax-error"), pytest.param(b"\0", id="nul-byte")],
)
def test_a_broken_recipes_file_is_one_usage_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"mine\.py"):
        from_file(file)


def test_a_recipes_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.py"):
        read_given(tmp_path, None, tmp_path / "gone.py")


class Line(torch.nn.Module):
    def __init__(self, width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(width, 2)
        self.scale = scale

    def forward(self, x: torch.Tensor, shift: float = 0.0) -> torch.Tensor:
        return self.inner(x) * self.scale + shift


def evaluated(**recipe: str) -> Any:
    torch.manual_seed(0)
    return evaluate(recipe, Line, {"WIDTH": 3})()


def test_source_is_evaluated_in_the_globals_of_the_file() -> None:
    model, args, kwargs = evaluated(
        setup="double = WIDTH * 2", build="Line(double)", inputs="torch.ones(1, double)"
    )
    assert model.inner.in_features == 6
    assert [tuple(a.shape) for a in args] == [(1, 6)]
    assert kwargs == {}


def test_each_call_builds_afresh_and_the_same_from_one_seed() -> None:
    make = evaluate({"build": "Line(3)", "inputs": "torch.randn(2, 3)"}, Line, {})
    torch.manual_seed(5)
    first, (x,), _ = make()
    torch.manual_seed(5)
    second, (y,), _ = make()
    assert first is not second
    assert torch.equal(first.inner.weight, second.inner.weight)
    assert torch.equal(x, y)


@pytest.mark.parametrize(
    ("inputs", "args", "kwargs"),
    [
        pytest.param("7", (7,), {}, id="one-value"),
        pytest.param("[7]", ([7],), {}, id="a-list-is-one-value"),
        pytest.param("(7, 8)", (7, 8), {}, id="a-tuple-is-the-arguments"),
        pytest.param("{'a': 7}", (), {"a": 7}, id="a-dictionary-is-keywords"),
        pytest.param("((7,), {'a': 8})", (7,), {"a": 8}, id="arguments-and-keywords"),
        pytest.param("(7, {'a': 8})", (7, {"a": 8}), {}, id="a-dictionary-as-argument"),
    ],
)
def test_forms_of_inputs(inputs: str, args: Any, kwargs: Any) -> None:
    _, found_args, found_kwargs = evaluated(build="Line(3)", inputs=inputs)
    assert (found_args, found_kwargs) == (args, kwargs)


def test_a_function_of_a_recipes_file(tmp_path: Path) -> None:
    file = tmp_path / "codemod_recipes.py"
    file.write_text(
        "import torch\n\ndef Line():\n    return (4,), {'scale': 2.0}, {'x': torch.ones(1, 4)}\n"
    )
    model, args, kwargs = evaluated(function=f"{file}:Line")
    assert (model.inner.in_features, model.scale, args) == (4, 2.0, ())
    assert tuple(kwargs["x"].shape) == (1, 4)


def test_a_function_that_builds_the_model_itself(tmp_path: Path) -> None:
    file = tmp_path / "codemod_recipes.py"
    file.write_text(
        "import torch\n\ndef Line():\n    return torch.nn.Linear(3, 1), ((torch.ones(1, 3),), {})\n"
    )
    model, args, kwargs = evaluated(function=f"{file}:Line")
    assert (model.in_features, tuple(args[0].shape), kwargs) == (3, (1, 3), {})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("return 1", "must return", id="no-tuple"),
        pytest.param("return (), {}", "must return", id="two-values"),
    ],
)
def test_a_function_that_returns_something_else(tmp_path: Path, body: str, said: str) -> None:
    file = tmp_path / "codemod_recipes.py"
    file.write_text(f"def Line():\n    {body}\n")
    with pytest.raises(RecipeError, match=said):
        evaluated(function=f"{file}:Line")


def test_a_recipe_without_inputs_is_incomplete() -> None:
    with pytest.raises(RecipeError, match="no inputs"):
        evaluated(build="Line(3)")


def test_args_and_kwargs_stand_for_build() -> None:
    (given,) = from_table({"Line": {"args": "(5,)", "kwargs": "{'scale': 3.0}", "inputs": "1"}})
    recipe = given.recipe("line.py", "Line")
    model, _, _ = evaluated(build=recipe.build, inputs=recipe.inputs)
    assert (model.inner.in_features, model.scale) == (5, 3.0)


def test_find_recipes_prefers_what_is_given_and_serves_runners(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.codemod.recipes]\n"pkg.net.Net" = { build = "Net(3)", inputs = "1" }\n'
    )
    text = "class Net: pass\nclass Big: pass\ndef demo():\n    Net(1)\n    Big(2)\n"
    book = find_recipes(
        tmp_path,
        {"pkg/net.py": lambda path: text},
        [("pkg/net.py", "Net")],
        runners=lambda key: [("pkg/net.py", "Big")],
    )
    assert [(r.source, r.build) for r in book("pkg/net.py", "Net")] == [("given", "Net(3)")]
    assert [(r.source, r.build) for r in book("pkg/net.py", "Big")] == [("harvested", "Big(2)")]
    assert book("pkg/net.py", "Other") == ()


def test_recipes_of_an_inner_project_hold_for_its_files(tmp_path: Path) -> None:
    """The nearest ones win; those of a sibling do not count."""
    for folder in ("", "a", "a/deep", "b"):
        (tmp_path / folder).mkdir(exist_ok=True)
        name = folder.replace("/", "_") or "top"
        (tmp_path / folder / "codemod_recipes.py").write_text(
            f"def Net():\n    return ('{name}',), {{}}, 1\n"
        )
    (tmp_path / "a" / "pyproject.toml").write_text(
        '[tool.codemod.recipes]\n"Other" = { build = "Other()" }\n'
    )
    paths = ["net.py", "a/net.py", "a/more/net.py", "a/deep/net.py", "b/net.py"]
    book = find_recipes(tmp_path, dict.fromkeys(paths, lambda path: ""), [])
    assert [one.where for path in paths for one in book(path, "Net")] == [
        "codemod_recipes.py:1",
        "a/codemod_recipes.py:1",
        "a/codemod_recipes.py:1",
        "a/deep/codemod_recipes.py:1",
        "b/codemod_recipes.py:1",
    ]
    assert [one.where for one in book("a/deep/net.py", "Other")] == ["a/pyproject.toml"]
    assert book("b/net.py", "Other") == ()


def test_a_broken_inner_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "pyproject.toml").write_text("[")
    with pytest.raises(UsageError, match="cannot read a/pyproject"):
        find_recipes(tmp_path, {"a/net.py": lambda path: ""}, [])
