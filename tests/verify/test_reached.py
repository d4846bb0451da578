"""Confirmed means reached: what never ran after the rewrite is never confirmed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

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

PATH = "net.py"
HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"
INIT = """    def __init__(self, flag=False):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.act = nn.ReLU()
        self.flag = flag
        self.layers = []
"""
STRUCTURAL = Contract({"modules": "differs", "hooks": "differs"})


def forward(*lines: str, name: str = "forward") -> str:
    return f"    def {name}(self, x):\n" + "".join(f"        {line}\n" for line in lines)


# name -> (bodies before, bodies after: right all of them; what is watched, expected)
CASES: dict[str, tuple[str, str, str, str]] = {
    "ran": (
        INIT + forward("return F.relu(self.fc(x))"),
        INIT + forward("return self.act(self.fc(x))"),
        "self.act(self.fc(x))",
        "confirmed",
    ),
    "branch-of-another-flag": (
        INIT + forward("if self.flag:", "    x = F.relu(x)", "return self.fc(x)"),
        INIT + forward("if self.flag:", "    x = self.act(x)", "return self.fc(x)"),
        "self.act(x)",
        "not-reached",
    ),
    "loop-of-no-round": (
        INIT + forward("for one in self.layers:", "    x = F.relu(x)", "return self.fc(x)"),
        INIT + forward("for one in self.layers:", "    x = self.act(x)", "return self.fc(x)"),
        "self.act(x)",
        "not-reached",
    ),
    "comprehension-of-no-round": (
        INIT + forward("return self.fc(x), [F.relu(x) for _ in self.layers]"),
        INIT + forward("return self.fc(x), [self.act(x) for _ in self.layers]"),
        "self.act(x)",
        "not-reached",
    ),
    "method-never-entered": (
        INIT + forward("return self.fc(x)") + forward("return F.relu(x)", name="extra"),
        INIT + forward("return self.fc(x)") + forward("return self.act(x)", name="extra"),
        "self.act(x)",
        "not-reached",
    ),
    "method-never-entered-by-its-entry": (
        INIT + forward("return self.fc(x)") + forward("return F.relu(x)", name="extra"),
        INIT + forward("return self.fc(x)") + forward("return self.act(x)", name="extra"),
        "def extra",
        "not-reached",
    ),
    "short-cut": (
        INIT + forward("return self.fc(x) if True or F.relu(x) else x"),
        INIT + forward("return self.fc(x) if True or self.act(x) else x"),
        "self.act(x)",
        "not-reached",
    ),
    "exception-swallowed": (
        INIT
        + forward("x = self.fc(x)", "try:", "    F.missing(x)", "except AttributeError:")
        + "            pass\n        return x\n",
        INIT
        + forward("x = self.fc(x)", "try:", "    self.missing(x)", "except AttributeError:")
        + "            pass\n        return x\n",
        "self.missing(x)",
        "not-reached",
    ),
    "exception-swallowed-in-an-entered-method": (
        INIT
        + forward("x = self.fc(x)", "try:", "    self.extra(x)", "except AttributeError:")
        + "            pass\n        return x\n"
        + forward("return F.missing(x)", name="extra"),
        INIT
        + forward("x = self.fc(x)", "try:", "    self.extra(x)", "except AttributeError:")
        + "            pass\n        return x\n"
        + forward("return self.missing(x)", name="extra"),
        "def extra",
        "not-reached",
    ),
    "method-entered-and-left": (
        INIT + forward("return self.extra(x)") + forward("return F.relu(x)", name="extra"),
        INIT + forward("return self.extra(x)") + forward("return self.act(x)", name="extra"),
        "def extra",
        "confirmed",
    ),
    "method-that-returns-nothing": (
        INIT + forward("self.note(x)", "return self.fc(x)") + forward("F.relu(x)", name="note"),
        INIT + forward("self.note(x)", "return self.fc(x)") + forward("self.act(x)", name="note"),
        "def note",
        "confirmed",
    ),
    "generator-that-is-not-exhausted": (
        INIT
        + forward("return next(self.steps(x))")
        + forward("yield F.relu(self.fc(x))", "yield x", name="steps"),
        INIT
        + forward("return next(self.steps(x))")
        + forward("yield self.act(self.fc(x))", "yield x", name="steps"),
        "def steps",
        "confirmed",
    ),
    "subclass-that-overrides-it": (
        INIT + forward("return F.relu(self.fc(x))"),
        INIT + forward("return self.act(self.fc(x))"),
        "self.act(self.fc(x))",
        "not-reached",
    ),
    "subclass-that-overrides-it-by-its-entry": (
        INIT + forward("return F.relu(self.fc(x))"),
        INIT + forward("return self.act(self.fc(x))"),
        "def forward",
        "not-reached",
    ),
    "only-on-inputs-that-raise": (
        INIT
        + forward(
            "if x.isnan().any():", "    F.relu(x)", "    raise ValueError", "return self.fc(x)"
        ),
        INIT + forward("if x.isnan().any():", "    self.act(x)", "    1 / 0", "return self.fc(x)"),
        "self.act(x)",
        "not-reached",
    ),
    "only-on-other-inputs": (
        INIT + forward("if x.isnan().any():", "    x = F.relu(x)", "return self.fc(x)"),
        INIT + forward("if x.isnan().any():", "    x = self.act(x)", "return self.fc(x)"),
        "self.act(x)",
        "confirmed",
    ),
}


# What is run in the place of a class: a subclass of it.
SUBCLASSES = {
    "SubclassThatOverridesIt": "Child",
    "SubclassThatOverridesItByItsEntry": "Other",
}


def _text(after: frozenset[str]) -> str:
    classes = [
        f"class {_class(name)}(nn.Module):\n{new if name in after else old}"
        for name, (old, new, _watched, _expected) in CASES.items()
    ]
    for base, name in SUBCLASSES.items():
        classes.append(f"class {name}({base}):\n{forward('return self.fc(x)')}")
    return HEAD + "\n\n".join(classes)


def _class(name: str) -> str:
    return name.title().replace("-", "")


def _location(text: str, name: str, watched: str) -> Location:
    cls = next(
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef) and node.name == _class(name)
    )
    kind = "function" if watched.startswith("def ") else "expression"
    for node in ast.walk(cls):
        if isinstance(node, ast.FunctionDef) and f"def {node.name}" == watched:
            break
        if isinstance(node, ast.expr) and ast.get_source_segment(text, node) == watched:
            break
    else:
        raise AssertionError(watched)
    end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
    if kind == "function":
        return Location("function", node.lineno, node.col_offset, end_line, end_column)
    return Location("expression", node.lineno, node.col_offset, end_line, end_column)


def _compose(ids: frozenset[str]) -> Composition:
    text = _text(ids)
    located = {name: ((PATH, _location(text, name, CASES[name][2])),) for name in ids}
    return Composition({PATH: text.encode()}, located)


def _rewrites() -> list[Rewrite]:
    return [
        Rewrite(
            id=name,
            transform="by-hand",
            path=PATH,
            class_name=_class(name),
            summary="",
            sites=(Site(PATH, 1, 1),),
            edits=(Edit(PATH, 0, 0, ""),),
            contract=STRUCTURAL,
            witnesses=(Witness(PATH, 0, 0),),
        )
        for name in CASES
    ]


def _recipes(path: str, name: str) -> list[Recipe]:
    inputs = "((torch.rand(2, 4),), {})"
    build = f"{SUBCLASSES.get(name, name)}()"
    return [Recipe("given", "here", path, name, build=build, inputs=inputs)]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    root = tmp_path_factory.mktemp("project")
    (root / PATH).write_text(_text(frozenset()))
    environment = TargetEnvironment.of(Path(sys.executable), root, [PATH], timeout=20)
    with WorkerPool(environment, jobs=2) as pool:
        found = confirm(
            Target(root, environment.module_name),
            _rewrites(),
            _compose,
            _recipes,
            pool,
            Options(recipe_budget=0.2),
        )
    return dict(found.verdicts)


@pytest.mark.parametrize("name", CASES)
def test_what_never_ran_is_not_confirmed(verdicts: dict[str, Verdict], name: str) -> None:
    verdict = verdicts[name]
    assert (verdict.reason.code if verdict.reason else verdict.kind) == CASES[name][3]
