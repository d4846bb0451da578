"""The runs of the code before, as a job that asks for them: what it makes of each ending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from codemod.results import ASPECTS, Recipe
from codemod.verify.reasons import Reason
from codemod.verify.runs import Answer, Model, Observe, Overlay, packed
from codemod.verify.trials import Group, Laboratory, Way

MODEL = Model("net.py", "Net")
WAY = Way(MODEL, Recipe("synthesised", "", "net.py", "Net"))


def seen(outputs: str, sets: Any = None) -> dict[str, Any]:
    base: dict[str, Any] = {aspect: {"value": "1"} for aspect in ASPECTS}
    base["eval"] = {"dict": [["outputs", {"value": outputs}]]}
    return {**base, "sets": sets or {}}


def ran(*outputs: str) -> Answer:
    return Answer(packed=packed([seen(one) for one in outputs]))


def failed(code: str) -> Answer:
    return Answer(failure={"code": code, "message": "no"})


def ended(answers: Sequence[Answer]) -> tuple[Answer | Reason, list[Observe]]:
    """What the job gives when its requests are answered so, and the requests."""
    laboratory = Laboratory(cast(Any, None), {})
    job = laboratory.before(Group(MODEL, (), (MODEL,)), WAY, cast(Overlay, None))
    asked = [cast(Observe, next(job))]
    try:
        for answer in answers:
            asked.append(cast(Observe, job.send(answer)))
    except StopIteration as stop:
        return cast("Answer | Reason", stop.value), asked
    raise AssertionError(f"it asks for more: {asked[-1]}")


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        pytest.param([failed("raised")], "raised", id="raises"),
        pytest.param([failed("timeout"), failed("timeout")], "timeout", id="too-slow"),
        pytest.param([ran("1", "2"), failed("raised")], "nondeterministic", id="raises-at-times"),
        pytest.param(
            [ran("1", "2"), failed("timeout"), failed("timeout")], "timeout", id="slow-at-times"
        ),
        pytest.param(
            [ran("1", "2"), failed("memory"), failed("raised")],
            "nondeterministic",
            id="large-then-raises",
        ),
    ],
)
def test_why_the_code_before_shows_nothing(answers: list[Answer], code: str) -> None:
    result, _ = ended(answers)
    assert isinstance(result, Reason)
    assert result.code == code


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([ran("1", "1")], id="agrees"),
        pytest.param([failed("timeout"), ran("1", "1")], id="agrees-without-other-inputs"),
        pytest.param([ran("1", "2"), ran("1")], id="a-process-of-its-own-agrees"),
        pytest.param(
            [ran("1", "2"), failed("timeout"), ran("1")],
            id="a-process-of-its-own-agrees-without-other-inputs",
        ),
    ],
)
def test_the_code_before_agrees_with_itself(answers: list[Answer]) -> None:
    result, asked = ended(answers)
    assert isinstance(result, Answer)
    assert [one["eval"] for one in result.observations()] == [seen("1")["eval"]] * 2
    slow = [answer.failure is not None for answer in answers]
    assert [request.sets == () for request in asked] == [False, *slow[:-1]]
