"""What holds for every built-in transform, the next one included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import codemod
from codemod import Transform
from codemod.editing import to_module
from codemod.editing.refused import COMMON_REFUSALS
from codemod.engine.registry import known_transforms
from codemod.presets import BUILT_IN
from codemod.testing import check_examples

PACKAGE = Path(codemod.__file__).parent
TRANSFORMS = sorted(known_transforms().items())
each = pytest.mark.parametrize("transform", [item for _, item in TRANSFORMS], ids=lambda t: t.name)


def test_there_are_transforms() -> None:
    assert {name for name, _ in TRANSFORMS} >= {
        "call-to-forward",
        "dropout-to-module",
        "functional-to-module",
        "module-to-functional",
    }


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_presets_name_transforms(name: str) -> None:
    assert set(BUILT_IN[name]["transforms"]) <= {one for one, _ in TRANSFORMS}


@each
def test_name_is_kebab_case_and_that_of_its_file(transform: type[Transform]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", transform.name)
    assert transform.__module__.rpartition(".")[2] == transform.name.replace("-", "_")


@each
def test_says_what_it_does_in_one_line(transform: type[Transform]) -> None:
    first = (transform.__doc__ or "").splitlines()[0]
    assert first.endswith(".")
    assert len(first) <= 100


@each
def test_examples_hold(transform: type[Transform]) -> None:
    check_examples(transform)


@each
def test_examples_are_found_by_the_markers(transform: type[Transform]) -> None:
    assert all(transform.markers.search(example.before) for example in transform.examples)


@each
def test_inverse_is_another_transform(transform: type[Transform]) -> None:
    assert transform.inverse in {None, *known_transforms()} - {transform.name}


@each
def test_refusals_say_why_and_the_way_out(transform: type[Transform]) -> None:
    for code, doc in transform.refusal_docs().items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert doc.why.endswith("."), code
        assert doc.way_out.endswith("."), code


@each
def test_own_refusals_do_not_hide_common_ones(transform: type[Transform]) -> None:
    assert not transform.refusals.keys() & COMMON_REFUSALS.keys()


def refused_codes(path: Path) -> Iterator[str]:
    """The codes of `Refused("code", ...)` in a file; a code that is computed is not among them."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if (
                node.func.id == "Refused"
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                yield first.value


def codes_of_helpers() -> set[str]:
    """What helpers refuse, any transform that calls them must be able to explain."""
    written = {code for path in (PACKAGE / "editing").glob("*.py") for code in refused_codes(path)}
    return written | set(to_module._REFUSAL_OF.values())


def test_every_code_of_a_helper_is_documented_for_every_transform() -> None:
    assert codes_of_helpers() <= COMMON_REFUSALS.keys()


def test_every_documented_common_code_is_used() -> None:
    in_transforms = {
        code for path in (PACKAGE / "transforms").glob("*.py") for code in refused_codes(path)
    }
    assert COMMON_REFUSALS.keys() <= codes_of_helpers() | in_transforms


@each
def test_every_own_code_is_documented_and_used(transform: type[Transform]) -> None:
    path = PACKAGE / "transforms" / (transform.name.replace("-", "_") + ".py")
    written = set(refused_codes(path))
    assert written <= transform.refusal_docs().keys()
    assert transform.refusals.keys() <= written
