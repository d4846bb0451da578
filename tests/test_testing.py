"""The helper for authors: each check fails for what it is there to see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codemod import (
    Edit,
    Example,
    Found,
    ModuleClass,
    Refused,
    Transform,
    check_examples,
    check_refusal,
    check_rewrite,
    check_unchanged,
    confirm_rewrite,
    dotted_name,
    replace_function,
    span,
    witness,
)

BEFORE = """
    import torch
    import torch.nn as nn


    class Net(nn.Module):
        def forward(self, x):
            return torch.relu(x)
"""
AFTER = BEFORE.replace("torch.relu", "torch.tanh")

Change = Callable[[str], str]


class ReluToTanh(Transform):
    """Replace torch.relu by torch.tanh."""

    name = "relu-to-tanh"
    markers = re.compile("relu")
    examples = (
        Example(
            before="import torch\nfrom torch import nn\n\n\nclass N(nn.Module):\n"
            "    def forward(self, x):\n        return torch.relu(x)\n",
            after="import torch\nfrom torch import nn\n\n\nclass N(nn.Module):\n"
            "    def forward(self, x):\n        return torch.tanh(x)\n",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_to("torch.relu"):
            try:
                yield replace_function(self, call, "torch.tanh")
            except Refused as refused:
                yield self.refuse(module, call.node, refused)


def changing(find: Callable[[Transform, ModuleClass], Iterator[Found]]) -> type[Transform]:
    class Changing(Transform):
        """Change something."""

        name = "changing"

    Changing.find = find  # type: ignore[assignment, method-assign]
    Changing.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    return Changing


def test_what_holds_holds_and_the_plan_is_given() -> None:
    plan = check_rewrite(ReluToTanh, BEFORE, AFTER)
    assert [item.summary for item in plan.rewrites] == ["torch.relu -> torch.tanh"]
    assert check_unchanged(ReluToTanh, AFTER).rewrites == ()
    check_examples(ReluToTanh)


def test_texts_are_dedented_and_bytes_are_not() -> None:
    with pytest.raises(AssertionError, match="unexpected indent"):
        check_unchanged(ReluToTanh, b"\n    x = 1\n")


def test_another_text_is_shown_as_a_diff() -> None:
    wanted = AFTER.replace("tanh", "sigmoid")
    with pytest.raises(AssertionError) as caught:
        check_rewrite(ReluToTanh, BEFORE, wanted)
    message = str(caught.value)
    assert "-        return torch.sigmoid(x)" in message
    assert "+        return torch.tanh(x)" in message
    assert "rewrite: torch.relu -> torch.tanh" in message


def test_a_difference_that_cannot_be_seen_is_shown() -> None:
    before = b"import torch\nimport torch.nn as nn\n\n\nclass N(nn.Module):\n    pass\n"
    with pytest.raises(AssertionError, match=re.escape(r"'import torch\r\n'")):
        check_rewrite(ReluToTanh, before, before.replace(b"\n", b"\r\n"))


def test_expected_text_that_does_not_parse() -> None:
    with pytest.raises(AssertionError, match="the expected text does not parse"):
        check_rewrite(ReluToTanh, BEFORE, AFTER.replace("(x)", "(x"))


def test_a_rewrite_that_is_not_expected() -> None:
    with pytest.raises(AssertionError, match="not as expected"):
        check_unchanged(ReluToTanh, BEFORE)


def test_a_refusal_that_is_missing() -> None:
    with pytest.raises(AssertionError, match=r"missing: net\.py:7:star-arguments"):
        check_refusal(ReluToTanh, BEFORE, {7: "star-arguments"})


def test_a_refusal_that_is_not_expected() -> None:
    starred = BEFORE.replace("(x)\n", "(*x)\n")
    with pytest.raises(AssertionError, match=r"not expected: net\.py:7: star-arguments"):
        check_unchanged(ReluToTanh, starred)
    with pytest.raises(AssertionError, match=r"missing: net\.py:6:star-arguments"):
        check_refusal(ReluToTanh, starred, {6: "star-arguments"})
    check_refusal(ReluToTanh, starred, {7: "star-arguments"})
    check_refusal(ReluToTanh, starred, {("net.py", 7): ["star-arguments"]})


def test_no_refusal_to_expect() -> None:
    with pytest.raises(AssertionError, match="use check_unchanged"):
        check_refusal(ReluToTanh, BEFORE, {})


def test_other_files_change_as_they_are_told_and_not_otherwise() -> None:
    files = {"other.py": BEFORE}
    check_rewrite(ReluToTanh, AFTER, AFTER, files=files, files_after={"other.py": AFTER})
    with pytest.raises(AssertionError, match=r"other\.py is not as expected"):
        check_rewrite(ReluToTanh, AFTER, AFTER, files=files)


def test_a_file_that_cannot_be_read() -> None:
    with pytest.raises(AssertionError, match="NUL"):
        check_unchanged(ReluToTanh, b"x = 1\0\n")


def test_a_transform_that_raises() -> None:
    def find(transform: Transform, module: ModuleClass) -> Iterator[Found]:
        raise RuntimeError("no")

    with pytest.raises(AssertionError, match=r"test_testing\.py:\d+: RuntimeError: no"):
        check_unchanged(changing(find), BEFORE)


# ---- what every transform owes


def replacing(old: str, new: str) -> type[Transform]:
    """The first occurrence of a text in the class, each time again."""

    def find(transform: Transform, module: ModuleClass) -> Iterator[Found]:
        start = module.source.text.find(old)
        if start >= 0:
            method = module.methods[0].node
            edit = Edit(module.path, start, start + len(old), new)
            yield transform.rewrite(module, "s", [method], [edit], [witness(module, method)])

    return changing(find)


def test_a_comment_that_is_lost() -> None:
    before = BEFORE.replace("(x)\n", "(x)  # why\n")
    with pytest.raises(AssertionError, match=r"comments are lost: \['# why'\]"):
        check_rewrite(replacing("  # why", ""), before, BEFORE)


def test_a_second_run_that_changes_more() -> None:
    """Passes go on to a fixpoint, so this takes a transform that remembers."""
    runs: list[object] = []

    def find(transform: Transform, module: ModuleClass) -> Iterator[Found]:
        if transform not in runs:
            runs.append(transform)
            for call in module.calls:
                start, end = span(module.source, call.node.func)
                edit = Edit(module.path, start, end, (dotted_name(call.node.func) or "") + "_")
                made = witness(module, call.node)
                yield transform.rewrite(module, "s", [call.node], [edit], [made])

    with pytest.raises(AssertionError, match="a second run changes more"):
        check_rewrite(changing(find), BEFORE, BEFORE.replace("relu", "relu_"))


def test_a_rewrite_without_a_witness() -> None:
    def find(transform: Transform, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_to("torch.relu"):
            start, end = span(module.source, call.node.func)
            edit = Edit(module.path, start, end, "torch.tanh")
            yield transform.rewrite(module, "s", [call.node], [edit], [])

    with pytest.raises(AssertionError, match="has no witness"):
        check_rewrite(changing(find), BEFORE, AFTER)


def test_a_witness_that_is_no_expression() -> None:
    def find(transform: Transform, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_to("torch.relu"):
            start, end = span(module.source, call.node.func)
            edit = Edit(module.path, start, end, "torch.tanh")
            made = witness(module, call.statement)
            yield transform.rewrite(module, "s", [call.node], [edit], [made])

    with pytest.raises(AssertionError, match="is no expression"):
        check_rewrite(changing(find), BEFORE, AFTER)


def test_an_edit_that_is_out_of_bounds() -> None:
    def find(transform: Transform, module: ModuleClass) -> Iterator[Found]:
        edit = Edit(module.path, 10**6, 10**6, "x")
        method = module.methods[0].node
        yield transform.rewrite(module, "s", [method], [edit], [witness(module, method)])

    with pytest.raises(AssertionError, match="code points"):
        check_rewrite(changing(find), BEFORE, AFTER)


def test_a_rewrite_that_does_not_parse() -> None:
    with pytest.raises(AssertionError, match="the rewritten text is not valid"):
        check_rewrite(replacing("torch.relu(x)", "torch.relu(("), BEFORE, AFTER)


def test_rewrites_that_only_stand_together() -> None:
    def find(transform: Transform, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_to("torch.relu"):
            start, end = span(module.source, call.node)
            for place, text in ((start, "("), (end, ")")):
                if module.source.text[start - 1] != "(":
                    edit = Edit(module.path, place, place, text)
                    method = witness(module, module.methods[0].node)
                    yield transform.rewrite(module, text, [call.node], [edit], [method])

    with pytest.raises(AssertionError, match="does not stand alone"):
        check_rewrite(changing(find), BEFORE, BEFORE.replace("torch.relu(x)", "(torch.relu(x))"))


def test_examples_that_are_missing_or_wrong() -> None:
    with pytest.raises(AssertionError, match="has no examples"):
        check_examples(replacing("a", "b"))

    class Wrong(ReluToTanh):
        """Replace torch.relu by torch.tanh."""

        name = "wrong"
        examples = (Example(before=ReluToTanh.examples[0].before, after="x = 1\n"),)

    with pytest.raises(AssertionError, match="not as expected"):
        check_examples(Wrong)


# ---- confirming


def test_confirming_a_folder_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(ReluToTanh.examples[0].before, encoding="utf-8")
    report = confirm_rewrite(ReluToTanh, tmp_path)
    (outcome,) = report.outcomes
    assert outcome.verdict.kind == "different", "the contract promises that nothing changes"
    assert not outcome.would_write
    assert "+        return torch.tanh(x)" in outcome.patch
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
    assert file.read_text(encoding="utf-8") == ReluToTanh.examples[0].before


def test_confirming_nothing() -> None:
    report = confirm_rewrite(ReluToTanh, {"net.py": AFTER})
    assert report.outcomes == ()
    assert report.files == 1
