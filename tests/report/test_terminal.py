"""What a person reads."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hand_made import CONFIRMED, DROPOUT, NO_RECIPE, make_outcome, make_report, make_rewrite
from rich.console import Console

from codemod.report.terminal import (
    Verbosity,
    patch_for_pipe,
    patch_for_terminal,
    summary,
    visible,
    written_files,
)
from codemod.results import Attempt, Edit, FileError, Reason, Report, Verdict


def shown(
    report: Report, verbosity: Verbosity = "normal", again: tuple[str, ...] = ("pkg",)
) -> str:
    stream = io.StringIO()
    console = Console(file=stream, markup=False, highlight=False, width=40)
    console.print(summary(report, verbosity, again), end="", soft_wrap=True)
    return stream.getvalue()


def test_the_whole_summary(report: Report) -> None:
    assert (
        shown(report)
        == """\
confirmed    pkg/net.py  Net: 2 rewrites
             pkg/net.py:30:9  F.relu -> self.relu  (functional-to-module)
               not written: it changes eval on purpose
               ran Net(3) on torch.randn(2, 3, 8, 8) (harvested tests/test_net.py:8)
               state_dict, eval equal; modules changed as declared; 2 of 2 sites reached
different    pkg/net.py:40:9  F.relu -> self.relu  (functional-to-module)
               eval is not what it was [different]
               eval output[0]: tensor([1.]) before, tensor([2.]) after (largest difference 1)
unconfirmed  pkg/net.py:20:9  F.relu -> self.relu  (functional-to-module)
               cannot build Head: cfg has no .hidden [no-recipe]
               hint: give a recipe for pkg.net.Head
refused      3 places  (-v lists each)
                  2  star-arguments            pkg/net.py:9:5: passes *args
                  1  generated                 pkg/a.py:2:5: is generated
error        pkg/bad.py:3: invalid syntax [syntax-error]
4 files, 4 rewrites: 2 confirmed, 1 different, 1 unconfirmed, 3 refused, 1 error; 1.2 s
To write 1 rewrite: codemod apply pkg
To write 1 more: codemod apply --accept unconfirmed pkg
To write 1 more: codemod apply --accept behaviour-change pkg
"""
    )


def test_verbose_lists_every_rewrite_and_refusal(report: Report) -> None:
    text = shown(report, "verbose")
    for place in ("net.py:10:9", "net.py:20:9", "net.py:30:9", "net.py:40:9"):
        assert f"pkg/{place}  F.relu -> self.relu" in text
    assert "refused      pkg/a.py:3:5  passes **kw [star-arguments]\n" in text
    assert "hint: Write out." in text
    assert "torch 2.13.0; protection: deadline, no-network\n" in text


ATTEMPTS = (
    Attempt("network", "a.example", "pkg/a.py", 3, "Net"),
    Attempt("network", "b.example"),
    Attempt("program", "git \x1b[2J", "pkg/a.py", 9),
)


@pytest.mark.parametrize(
    ("verbosity", "lines"),
    [
        (
            "normal",
            [
                "pkg/a.py:3 Net  to reach the network: a.example and 1 more (-v lists each)",
                "pkg/a.py:9  to start a program: git ^[[2J",
            ],
        ),
        (
            "verbose",
            [
                "pkg/a.py:3 Net  to reach the network: a.example",
                "an import or a library  to reach the network: b.example",
                "pkg/a.py:9  to start a program: git ^[[2J",
            ],
        ),
        ("quiet", []),
    ],
)
def test_what_was_tried_is_one_line_a_kind(verbosity: Verbosity, lines: list[str]) -> None:
    text = summary(make_report(attempts=ATTEMPTS), verbosity).plain
    found = [line for line in text.splitlines() if line.startswith("tried")]
    assert found == [f"tried        {line}" for line in lines]


def test_quiet_says_errors_alone(report: Report) -> None:
    assert shown(report, "quiet") == "error        pkg/bad.py:3: invalid syntax [syntax-error]\n"
    assert shown(replace(report, errors=()), "quiet") == ""


def test_nothing_to_do_is_one_line() -> None:
    assert shown(make_report()) == "4 files: nothing to rewrite.\n"


def test_flags_already_given_are_not_asked_for_again() -> None:
    report = make_report(make_outcome(make_rewrite("a", 1), NO_RECIPE, would=False))
    assert "--accept" in shown(report)
    for again in (("--accept", "unconfirmed"), ("--accept=unconfirmed",)):
        assert "To write" not in shown(report, "normal", again)


def test_arguments_are_quoted_for_the_shell() -> None:
    report = make_report(make_outcome(make_rewrite("a", 1), CONFIRMED, would=True))
    assert "codemod apply 'my models' --only=relu\n" in shown(
        report, "normal", ("my models", "--only=relu")
    )


def test_rewrites_that_were_not_run_are_one_line() -> None:
    verdict = Verdict("unconfirmed", Reason("not-run", "--no-verify was given"))
    outcomes = [make_outcome(make_rewrite(str(n), n), verdict, would=True) for n in range(1, 30)]
    text = shown(make_report(*outcomes))
    assert text.startswith("unconfirmed  29 rewrites  not run\n4 files, 29 rewrites:")
    assert "--accept" not in text


def test_change_on_purpose_that_was_not_run_is_named() -> None:
    verdict = Verdict("unconfirmed", Reason("not-run", "--no-verify was given"))
    outcomes = [
        make_outcome(make_rewrite("a", 1), verdict, would=True),
        make_outcome(make_rewrite("b", 2, DROPOUT), verdict, would=False),
    ]
    assert (
        shown(make_report(*outcomes), "normal", ("--no-verify",))
        == """\
unconfirmed  2 rewrites  not run
             pkg/net.py:2:9  F.relu -> self.relu  (functional-to-module)
               not written: it changes eval on purpose
4 files, 2 rewrites: 0 confirmed, 0 different, 2 unconfirmed, 0 refused; 1.2 s
To write 1 rewrite: codemod apply --no-verify
To write 1 more: codemod apply --accept behaviour-change --no-verify
"""
    )


def test_rewrites_of_a_class_with_one_reason_share_it() -> None:
    outcomes = [make_outcome(make_rewrite(str(n), n), NO_RECIPE, would=False) for n in (1, 2, 3)]
    text = shown(make_report(*outcomes))
    assert text.count("cannot build Head") == 1
    assert "             pkg/net.py:3:9  F.relu" in text


def test_apply_names_what_it_wrote() -> None:
    outcomes = [
        make_outcome(make_rewrite("a", 1), CONFIRMED, would=True, written=True),
        make_outcome(make_rewrite("b", 2), CONFIRMED, would=True, written=True),
    ]
    report = make_report(*outcomes, mode="apply")
    assert written_files(report) == "pkg/net.py: 2 rewrites\n"
    assert "Wrote 2 rewrites; codemod undo takes back what was written.\n" in shown(report)


def test_rewrite_that_spans_files_counts_in_each() -> None:
    rewrite = make_rewrite("a", 1)
    spanning = replace(rewrite, edits=(*rewrite.edits, Edit("pkg/use.py", 0, 0, "x")))
    report = make_report(make_outcome(spanning, CONFIRMED, would=True, written=True), mode="apply")
    assert written_files(report) == "pkg/net.py: 1 rewrite\npkg/use.py: 1 rewrite\n"


def test_nothing_of_a_file_is_taken_for_markup(report: Report) -> None:
    assert patch_for_pipe(report) == b"--- a\n-x: [int]\n+x: [bold]int[/bold]\n"
    error = FileError("[red]x.py", "code", "[/red] is [int] :smile:")
    text = shown(replace(report, errors=(error,)))
    assert "error        [red]x.py: [/red] is [int] :smile: [code]\n" in text


def test_patch_on_a_terminal_is_coloured_by_line() -> None:
    report = make_report(patch="diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n z\n")
    assert patch_for_terminal(report, colour=True) == (
        b"\x1b[1mdiff --git a/a b/a\x1b[m\n\x1b[1m--- a/a\x1b[m\n\x1b[1m+++ b/a\x1b[m\n"
        b"\x1b[36m@@ -1 +1 @@\x1b[m\n\x1b[31m-x\x1b[m\n\x1b[32m+y\x1b[m\n z\n"
    )
    assert patch_for_terminal(report, colour=False) == patch_for_pipe(report)


def test_files_cannot_steer_the_terminal(report: Report) -> None:
    nasty = make_report(patch="+\x1b[2J\r\x07\x9b1m \udce9 \u202e é 日本\n")
    assert patch_for_terminal(nasty, colour=False) == (
        "+^[[2J^M^G\\u009b1m \\xe9 \\u202e é 日本\n".encode()
    )
    assert (
        patch_for_pipe(nasty)
        == "+\x1b[2J\r\x07\x9b1m ".encode() + b"\xe9" + " \u202e é 日本\n".encode()
    )
    error = FileError("a.py", "c", "\x1b]0;title\x07")
    assert "\x1b" not in shown(replace(report, errors=(error,)))
    assert visible("a\x7f\x00") == "a^?^@"


def test_long_lines_are_not_broken(report: Report) -> None:
    error = FileError("a.py", "c", "word " * 60)
    lines = shown(replace(report, errors=(error,))).splitlines()
    assert any(line.count("word") == 60 for line in lines)
