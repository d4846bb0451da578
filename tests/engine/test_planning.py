"""Passes, overlaps, ids, and the choice of any subset."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from toy_transforms import composed, finding, net, planned, renaming, replacing

from codemod import Edit, ModuleClass, Transform, span, witness
from codemod.errors import RewriteError
from codemod.results import Rewrite

# ---- overlaps


def test_of_two_rewrites_of_one_place_the_first_is_made_and_the_other_finds_nothing_left() -> None:
    files = {"net.py": net("return a(x)")}
    result = planned(files, renaming("a", "b"), renaming("a", "c"))
    assert [item.transform for item in result.plan.rewrites] == ["a-to-b"]
    assert composed(result) == net("return b(x)")


def test_the_order_of_the_transforms_does_not_decide_on_overlaps() -> None:
    files = {"net.py": net("return a(x)")}
    result = planned(files, renaming("a", "c"), renaming("a", "b"))
    assert [item.transform for item in result.plan.rewrites] == ["a-to-b"]


def test_nested_calls_do_not_overlap() -> None:
    result = planned({"net.py": net("return a(a(a(x)))")}, renaming("a", "b"))
    assert len(result.plan.rewrites) == 3
    assert len(result.passes) == 1
    assert composed(result) == net("return b(b(b(x)))")


def test_a_rewrite_inside_another_waits_for_the_next_pass() -> None:
    whole = replacing("return a(x)", "return b(a(x))", "wrap")
    result = planned({"net.py": net("return a(x)")}, renaming("a", "c"), whole)
    first, second = result.plan.rewrites
    assert (first.transform, second.transform) == ("wrap", "a-to-c")
    assert second.requires == (first.id,)
    assert composed(result) == net("return b(c(x))")


def test_identical_rewrites_of_two_transforms_are_one() -> None:
    files = {"net.py": net("return a(x)")}
    result = planned(files, renaming("a", "b", "one"), renaming("a", "b", "two"))
    assert [item.transform for item in result.plan.rewrites] == ["one"]


# ---- passes


def test_a_second_pass_builds_on_the_first() -> None:
    result = planned({"net.py": net("return a(x)")}, renaming("a", "b"), renaming("b", "c"))
    first, second = result.plan.rewrites
    assert (first.requires, second.requires) == ((), (first.id,))
    assert composed(result) == net("return c(x)")


def test_what_builds_on_a_rejected_rewrite_is_not_composed() -> None:
    result = planned({"net.py": net("return a(x)")}, renaming("a", "b"), renaming("b", "c"))
    first, second = result.plan.rewrites
    assert result.compose([second.id]).files == {}
    assert composed(result, [first.id]) == net("return b(x)")


def test_passes_end_where_transforms_go_in_circles() -> None:
    result = planned({"net.py": net("return a(x)")}, renaming("a", "b"), renaming("b", "a"))
    assert len(result.passes) == 10


def test_a_rewrite_of_another_file_does_not_depend_on_it() -> None:
    files = {"a.py": net("return a(x)"), "b.py": net("return b(x)")}
    result = planned(files, renaming("a", "b"), renaming("b", "c"))
    by_file = {(item.path, item.summary): item for item in result.plan.rewrites}
    assert by_file["b.py", "b -> c"].requires == ()
    assert by_file["a.py", "b -> c"].requires == (by_file["a.py", "a -> b"].id,)


def test_files_outside_of_the_selection_are_read_and_not_rewritten() -> None:
    files = {"a.py": net("return a(x)"), "b.py": net("return a(x)")}
    result = planned(files, renaming("a", "b"), selected=["b.py"])
    assert [item.path for item in result.plan.rewrites] == ["b.py"]
    assert result.plan.files == 1


# ---- ids


def test_ids_stay_when_other_sites_and_lines_come_and_go() -> None:
    before = planned({"net.py": net("return a(x)")}, renaming("a", "b"))
    moved = planned({"net.py": "# new\n\n" + net("y = 1", "return a(x + y)")}, renaming("a", "b"))
    assert before.plan.rewrites[0].id == moved.plan.rewrites[0].id


def test_ids_tell_alike_rewrites_of_one_line_apart() -> None:
    result = planned({"net.py": net("return a(a(x)) + a(x)")}, renaming("a", "b"))
    assert len({item.id for item in result.plan.rewrites}) == 3


def test_every_subset_composes_and_ids_never_shift() -> None:
    result = planned({"net.py": net("return a(a(x)) + a(y)")}, renaming("a", "b"))
    ids = [item.id for item in result.plan.rewrites]
    texts = set()
    for size in range(1, 4):
        for chosen in itertools.combinations(ids, size):
            text = composed(result, chosen)
            assert text.count("b(") == size
            texts.add(text)
    assert len(texts) == 7


# ---- faults


def broken(transform: Transform, module: ModuleClass) -> Iterator[object]:
    for call in module.calls:
        start, end = span(module.source, call.node)
        edit = Edit(module.path, start, end, "((")
        yield transform.rewrite(module, "break", [call.node], [edit], [witness(module, call.node)])


def test_a_rewrite_that_would_not_parse_is_withdrawn_and_said() -> None:
    result = planned({"net.py": net("return a(x) + c(x)")}, finding(broken), renaming("a", "b"))
    assert [item.summary for item in result.plan.rewrites] == ["a -> b"]
    (error,) = {item.code for item in result.plan.errors}
    assert error == "rewrite-broken"
    assert all("finding" in item.message for item in result.plan.errors)
    assert composed(result) == net("return b(x) + c(x)")


def test_a_transform_that_raises_names_its_authors_line() -> None:
    def find(transform: Transform, module: ModuleClass) -> Iterator[object]:
        yield 1 / 0

    result = planned({"net.py": net("return a(x)")}, finding(find), renaming("a", "b"))
    (error,) = result.plan.errors
    line = find.__code__.co_firstlineno + 1
    assert error.code == "transform-failed"
    assert f"{__file__}:{line}: ZeroDivisionError" in error.message
    assert composed(result) == net("return b(x)"), "the other transforms go on"


def test_a_transform_that_raises_in_our_code_names_the_authors_line() -> None:
    def find(transform: Transform, module: ModuleClass) -> Iterator[object]:
        module.text(None)  # type: ignore[arg-type]
        yield

    (error,) = planned({"net.py": net("return a(x)")}, finding(find)).plan.errors
    assert f"{__file__}:{find.__code__.co_firstlineno + 1}: " in error.message


def test_a_file_that_cannot_be_parsed_is_one_error_and_the_rest_goes_on() -> None:
    files = {"bad.py": "def f(:\n", "net.py": net("return a(x)")}
    result = planned(files, renaming("a", "b"))
    assert [(item.path, item.code) for item in result.plan.errors] == [("bad.py", "syntax-error")]
    assert len(result.plan.rewrites) == 1


YIELDED = {
    "a-string": lambda transform, module: ["a"],
    "none": lambda transform, module: [None],
    "nothing-iterable": lambda transform, module: 3,
    "no-site": lambda transform, module: [
        Rewrite("i", "finding", "net.py", "Net", "s", (), (Edit("net.py", 0, 0, "#"),),
                transform.contract, ())
    ],
    "no-edit": lambda transform, module: [
        transform.rewrite(module, "s", [module.node], [], [])
    ],
    "edit-behind-the-end": lambda transform, module: [
        transform.rewrite(module, "s", [module.node], [Edit("net.py", 10**6, 10**6, "x")], [])
    ],
    "edit-that-ends-before-it-starts": lambda transform, module: [
        transform.rewrite(module, "s", [module.node], [Edit("net.py", 5, 2, "x")], [])
    ],
    "edit-of-an-unknown-file": lambda transform, module: [
        transform.rewrite(module, "s", [module.node], [Edit("other.py", 0, 0, "x")], [])
    ],
    "edits-of-its-own-that-overlap": lambda transform, module: [
        transform.rewrite(
            module, "s", [module.node], [Edit("net.py", 0, 5, "a"), Edit("net.py", 2, 6, "b")], []
        )
    ],
    "unknown-refusal-code": lambda transform, module: [
        transform.refuse(module, module.node, _refused())
    ],
}  # fmt: skip


def _refused() -> Exception:
    from codemod import Refused

    return Refused("no-such-code", "because")


@pytest.mark.parametrize("find", YIELDED.values(), ids=YIELDED)
def test_what_is_no_sound_rewrite_is_an_error_of_the_transform(find) -> None:  # type: ignore[no-untyped-def]
    result = planned({"net.py": net("return a(x)")}, finding(find), renaming("a", "b"))
    (error,) = result.plan.errors
    assert error.code == "transform-failed"
    assert "finding" in error.message
    assert [item.summary for item in result.plan.rewrites] == ["a -> b"]


def test_compose_names_the_file_that_does_not_parse() -> None:
    result = planned({"net.py": net("return a(x)")}, renaming("a", "b"))
    from dataclasses import replace

    from codemod.engine.compose import Pass, compose

    one = result.passes[0]
    edits = (replace(one.rewrites[0].edits[0], new="("),)
    spoilt = Pass(one.project, (replace(one.rewrites[0], edits=edits),))
    with pytest.raises(RewriteError, match=r"net\.py"):
        compose([spoilt], [spoilt.rewrites[0].id])
