"""What a declared change takes along in other aspects, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from codemod.results import ASPECTS
from codemod.verify.compare import judge

ONE: Any = {"value": "1"}
TWO: Any = {"value": "2"}


def tensor(alias: int, digest: str = "d") -> Any:
    return {"tensor": {"dtype": "float32", "shape": [2], "alias": alias, "digest": digest}}


def seen(inputs: Any = ONE, outputs: Any = ONE, sets: Any = None, **parts: Any) -> Any:
    of_eval = {"outputs": outputs, "inputs": inputs, **parts}
    return {
        **dict.fromkeys(ASPECTS, ONE),
        "eval": {"dict": [list(item) for item in of_eval.items()]},
        "inputs": inputs,
        "eval_other_seed": outputs,
        "sets": sets or {},
    }


def test_an_input_that_is_kept_may_differ_in_eval_mode_as_well() -> None:
    found = judge(seen(), seen(inputs=TWO), {"inputs": "may-differ"})
    assert not found.broken
    assert found.statuses["inputs"] == "changed-as-declared"
    assert found.statuses["eval"] == "equal"


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        (seen(outputs=tensor(0)), seen(inputs=TWO, outputs=tensor(1)), ()),
        (seen(), seen(inputs=TWO, outputs=TWO), ("eval",)),
        (seen(rng=ONE), seen(inputs=TWO, rng=TWO), ("eval",)),
    ],
    ids=["output-was-the-input", "another-output", "another-generator"],
)
def test_nothing_else_may(before: Any, after: Any, broken: tuple[str, ...]) -> None:
    assert judge(before, after, {"inputs": "may-differ"}).broken == broken


def test_numbers_that_differ_are_shown_where_what_they_share_may() -> None:
    before, after = seen(outputs=tensor(0)), seen(inputs=TWO, outputs=tensor(1, "other"))
    found = judge(before, after, {"inputs": "may-differ"})
    assert found.broken == ("eval",)
    (shown,) = (one for one in found.differences if one.aspect == "eval")
    assert (shown.before, shown.after) == ("float32[2] digest d", "float32[2] digest other")


def test_it_may_on_other_inputs_too() -> None:
    before = seen(sets={"large": {"eval": seen()["eval"], "reached": {}}})
    other = {"eval": seen(inputs=TWO)["eval"], "reached": {}}
    after = seen(inputs=TWO, sets={"large": other})
    assert not judge(before, after, {"inputs": "may-differ"}).broken
    assert judge(before, {**after, "inputs": ONE}, {}).broken == ("eval",)


def gradients(**named: Any) -> Any:
    entries = {"dict": [list(item) for item in named.items()]}
    return {"dict": [["parameters", entries]]}


@pytest.mark.parametrize(
    ("after", "broken"),
    [(gradients(a=ONE, b=TWO), ()), (gradients(a=TWO, b=TWO), ("eval",))],
    ids=["old-ones-kept", "old-one-changed"],
)
def test_parameters_gained_are_gained_in_eval_mode_as_well(
    after: Any, broken: tuple[str, ...]
) -> None:
    before = seen(grads=gradients(a=ONE))
    found = judge(before, seen(grads=after), {"grads": "gains-keys"})
    assert tuple(aspect for aspect in found.broken if aspect == "eval") == broken


RAISES: Any = {"raises": "RuntimeError: modified by an inplace operation"}


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        pytest.param(RAISES, ONE, (), id="mended"),
        pytest.param(ONE, ONE, (), id="ran-before"),
        pytest.param(ONE, TWO, ("eval",), id="ran-before-and-differs"),
        pytest.param(ONE, RAISES, ("eval",), id="raises-after"),
    ],
)
def test_a_gradient_that_is_mended_is_so_in_eval_mode(
    before: Any, after: Any, broken: tuple[str, ...]
) -> None:
    changes: Any = {"grads": "may-raise-before"}
    assert judge(seen(grads=before), seen(grads=after), changes).broken == broken
    sets = [{"large": {"eval": seen(grads=one)["eval"], "reached": {}}} for one in (before, after)]
    old, new = (seen(sets=one) for one in sets)
    assert judge(old, new, changes).broken == broken
