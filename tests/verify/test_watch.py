"""What the search learns from a call that failed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from codemod.verify.worker.bestfirst import Advance
from codemod.verify.worker.messages import Change, changes
from codemod.verify.worker.tracing import Recorder
from codemod.verify.worker.watch import Watch


def watched(function: Any, **inputs: Any) -> Watch:
    watch = Watch(inputs)
    with watch:
        try:
            function(**inputs)
        except Exception:
            return watch
    return watch


def test_nothing_raised_names_no_operator() -> None:
    assert watched(lambda x: F.relu(x), x=torch.ones(2)).operator == ""


def test_operands_name_the_inputs_that_they_were_made_of() -> None:
    def forward(x: Any, y: Any) -> Any:
        return torch.mm(F.relu(x), y)

    watch = watched(forward, x=torch.ones(2, 3), y=torch.ones(4, 5))
    assert watch.operator == "mm"
    made, given = watch.operands
    assert (made.names, made.shape, made.itself) == ({"x"}, (2, 3), False)
    assert (given.names, given.shape, given.itself) == ({"y"}, (4, 5), True)


def test_an_exception_that_was_caught_is_not_the_last_one() -> None:
    def forward(x: Any) -> Any:
        try:
            torch.mm(x, x)
        except RuntimeError:
            return F.relu(x)

    assert watched(forward, x=torch.ones(2, 3)).operator == ""


def test_progress_does_not_grow_with_the_turns_of_a_loop() -> None:
    def forward(x: Any) -> Any:
        for row in x:
            torch.relu(row)

    few, many = (watched(forward, x=torch.ones(count, 3)).progress for count in (2, 9))
    assert few == many > 0


def test_progress_tells_layers_on_one_line_apart_by_their_weights() -> None:
    layers = torch.nn.Sequential(*(torch.nn.Linear(3, 3) for _ in range(4)))
    one = watched(lambda x: layers[0](x), x=torch.ones(2, 3)).progress
    assert watched(lambda x: layers(x), x=torch.ones(2, 3)).progress == one + 3


def test_a_state_that_got_no_further_becomes_no_cheaper() -> None:
    advance = Advance()
    assert advance.is_new(3)
    assert not advance.is_new(3)
    assert advance.cost(1.0, 2) == 1.0


def test_a_state_that_got_further_goes_before_all_of_the_level_below() -> None:
    advance = Advance()
    advance.is_new(1)
    below = advance.cost(0.0, 1)
    advance.is_new(5)
    assert advance.cost(9.0, 5) <= below + advance.MOST - advance.STEP


def raised_by(action: Any) -> tuple[str, str]:
    with pytest.raises(Exception) as caught:
        action()
    return type(caught.value).__name__, str(caught.value)


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        pytest.param(
            lambda: torch.mm(torch.ones(2, 3, 4), torch.ones(4, 2)),
            Change("rank", b=2),
            id="matrix",
        ),
        pytest.param(
            lambda: torch.bmm(torch.ones(2, 3), torch.ones(2, 3)), Change("rank", b=3), id="batches"
        ),
        pytest.param(
            lambda: torch.cat([torch.ones(2, 3), torch.ones(2)]), Change("rank", b=1), id="ranks"
        ),
        pytest.param(
            lambda: torch.ones(2, 8).view(-1, 3), Change("numel", 16, 15), id="view-with-rest"
        ),
        pytest.param(
            lambda: torch.ones(2, 8).view(2, 4), Change("numel", 16, 8), id="view-without-rest"
        ),
        pytest.param(
            lambda: torch.nn.GRU(4, 6)(torch.ones(5, 2, 4), torch.ones(1, 3, 6)),
            Change("shape", shape=(1, 2, 6)),
            id="hidden-state",
        ),
        pytest.param(
            lambda: torch.nn.GroupNorm(8, 16)(torch.ones(2, 4, 3, 3)),
            Change("multiple", b=8),
            id="groups",
        ),
        pytest.param(
            lambda: F.binary_cross_entropy(torch.full((2,), 3.0), torch.ones(2)),
            Change("kind", kind="positive"),
            id="probabilities",
        ),
        pytest.param(
            lambda: torch.ones(2, 3).select(1, 7), Change("grow", 1, 8), id="index-in-dimension"
        ),
    ],
)
def test_messages_of_torch_say_what_to_change(action: Any, wanted: Change) -> None:
    kind, message = raised_by(action)
    assert wanted in [change for _, change in changes(kind, message, [])], message


def test_memory_that_nothing_was_written_to_is_not_part_of_a_trace() -> None:
    """`copy.deepcopy` of a buffer first makes an empty storage, then copies into it."""
    lines = []
    for filling in (1.0, 2.0):
        source = torch.full((8,), filling)
        recorder = Recorder()
        with recorder:
            torch.empty(0).set_(source.untyped_storage(), 0, (8,))
            torch.empty(8).copy_(torch.ones(8))
        lines.append(recorder.lines)
    assert lines[0] == lines[1]
    assert not lines[0][-1].endswith("view")
