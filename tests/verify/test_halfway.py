"""Files whose top raises: what they define is there, and what raised is part of what is seen."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from worker_process import run

from codemod.verify.compare import judge

SCRIPT = """
import importlib
from _codemod_worker import halfway, options
root = {root!r}
read = lambda path: __import__("ast").parse(open(path).read())
halfway.install(read, root)
options.install()
try:
    found = importlib.import_module("script")
    said = sorted(name for name in vars(found) if not name.startswith("_"))
except BaseException as error:
    said = type(error).__name__
say([said, halfway.passed_over([root + "/script.py", root + "/inner.py"])])
"""


def imported(folder: Path, script: str, inner: str = "") -> Any:
    (folder / "script.py").write_text(dedent(script))
    (folder / "inner.py").write_text(dedent(inner))
    return run(SCRIPT.format(root=str(folder.resolve())), folder)


@pytest.mark.parametrize(
    ("script", "inner", "error"),
    [
        pytest.param("import not_there\nx = 1", "", "ModuleNotFoundError", id="import"),
        pytest.param("x = 1 / 0\nimport not_there", "", "ModuleNotFoundError", id="later-import"),
        pytest.param("x = = 1", "", "SyntaxError", id="syntax"),
        pytest.param("raise MemoryError", "", "MemoryError", id="memory"),
        pytest.param("raise KeyboardInterrupt", "", "KeyboardInterrupt", id="interrupt"),
    ],
)
def test_what_is_not_passed_over(tmp_path: Path, script: str, inner: str, error: str) -> None:
    said, _ = imported(tmp_path, script, inner)
    assert said == error


def test_what_the_project_catches_itself_is_left_to_it(tmp_path: Path) -> None:
    script = "try:\n    from inner import a\nexcept Exception:\n    a = None\n    b = 1\n"
    said, raised = imported(tmp_path, script, "a = 1\nraise ValueError('no')\n")
    assert (said, raised) == (["a", "b"], [])


def test_definitions_on_both_sides_of_what_raises_are_there(tmp_path: Path) -> None:
    said, raised = imported(
        tmp_path,
        """
        from inner import c
        class A: pass
        data = open("missing.csv")
        for row in data:
            loss.backward()
        print(data)
        class B: pass
        raise SystemExit(3)
        """,
        "import sys\nsys.exit('no display')\nc = 1\n",
    )
    assert said == ["A", "B", "c"]
    assert [line.partition(":")[0] for line in raised] == [
        "SystemExit",
        "FileNotFoundError",
        "NameError",
        "SystemExit",
    ]


def test_required_options_are_made_up(tmp_path: Path) -> None:
    said, raised = imported(
        tmp_path,
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("path")
        parser.add_argument("--size", type=int, required=True)
        parser.add_argument("--mode", choices=["b", "c"], required=True)
        parser.add_argument("--rate", type=float, default=0.5)
        args = parser.parse_args()
        assert (args.path, args.size, args.mode, args.rate) == ("a", 4, "b", 0.5)
        try:
            parser.parse_args(["--size", "3"])
        except SystemExit:
            strict = True
        """,
    )
    assert raised == []
    assert "strict" in said


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param([], ["KeyError: 1"], "different", id="more"),
        pytest.param(["KeyError: 1"], ["KeyError: 2"], "different", id="other"),
        pytest.param(["KeyError: 1"], ["KeyError: 1"], "equal", id="same"),
    ],
)
def test_a_rewrite_after_which_more_raises_is_different(
    before: list[str], after: list[str], status: str
) -> None:
    found = judge(seen(before), seen(after), {})
    assert found.statuses["signature"] == status


def seen(raised: list[str]) -> dict[str, Any]:
    lines = {"dict": [[line, {"value": "required"}] for line in raised]}
    tree: Any = {"dict": [["import", {"dict": [["statements", lines]]}]] if raised else []}
    return {"signature": tree}
