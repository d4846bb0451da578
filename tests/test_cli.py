"""The command line, with a stand-in for the engine: what goes in, what comes out, where."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from codemod.cli import main
from codemod.configuration import Options
from codemod.errors import (
    CodemodError,
    CommitError,
    RewriteError,
    StaleFileError,
    TransformError,
    UsageError,
    WorkerError,
)
from codemod.results import Contract, FileError, Outcome, Reason, Report, Rewrite, Site, Verdict
from codemod.source.commit import UndoResult, commit, undo

PATCH = "--- a/net.py\n+++ b/net.py\n@@ -1 +1 @@\n-x: list[int] = '\udce9'\n+x: [bold]\n"
PATCH_BYTES = PATCH.encode("utf-8", "surrogateescape")
REWRITE = Rewrite(
    id="r1",
    transform="demo",
    path="net.py",
    class_name="Net",
    summary="F.relu -> self.relu",
    sites=(Site("net.py", 1, 1),),
    edits=(),
    contract=Contract(),
    witnesses=(),
)
CONFIRMED = Outcome(REWRITE, Verdict("confirmed"), (), "", would_write=True, written=False)
REPORT = Report("0.1.0", None, (), 1, 0.5, (CONFIRMED,), (), (), patch=PATCH)
WRITTEN = replace(REPORT, outcomes=(replace(CONFIRMED, written=True),), mode="apply")
NOTHING = replace(REPORT, outcomes=(), patch="")


@dataclass(frozen=True)
class Doc:
    why: str
    way_out: str


@dataclass(frozen=True)
class Sample:
    before: str
    after: str
    note: str = ""


class Demo:
    """Replace one thing by another.

    At some length.
    """

    name = "demo-transform"
    contract = Contract(changes={"eval": "becomes-deterministic", "modules": "differs"})
    examples = (Sample("x = 1\n", "x = [2]\n", "A note."),)

    def refusal_docs(self) -> dict[str, Doc]:
        return {"star-arguments": Doc("The call passes *args.", "Write them out.")}


@dataclass
class StandIn:
    """In place of `codemod.refactoring`."""

    report: Report = REPORT
    error: BaseException | None = None
    undone: UndoResult = field(default_factory=UndoResult)
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def run(self, options: Options, *, mode: Any, progress: Any) -> Report:
        self.calls.append((mode, options))
        if progress:
            progress(1, 2, "net.py [int]")
        if self.error:
            raise self.error
        return self.report

    def undo(self, root: Path) -> UndoResult:
        self.calls.append(("undo", root))
        return self.undone

    def transforms(self, options: Options) -> tuple[Any, ...]:
        return (Demo(),)


@dataclass(frozen=True)
class Ran:
    code: int
    out: bytes
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    project = tmp_path / "project"
    project.mkdir()
    (project / "net.py").write_text("")
    monkeypatch.chdir(project)

    def call(*argv: str, facade: StandIn | None = None) -> Ran:
        stdout, stderr = io.BytesIO(), io.StringIO()
        code = main(argv, stdout, stderr, facade or StandIn())
        return Ran(code, stdout.getvalue(), stderr.getvalue())

    return call


# ---- usage errors


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["dif"], "No such command 'dif'", id="command"),
        pytest.param(["diff", "--acept=x"], "--accept", id="option"),
        pytest.param(["diff", "--format", "sarif"], "'sarif' is not one of", id="format"),
        pytest.param(["diff", "--accept", "all"], "'all' is not one of", id="accept"),
        pytest.param(["diff", "-j", "0"], "0 is not in the range", id="jobs"),
        pytest.param(["diff", "--timeout", "0"], "0.0 is not in the range", id="timeout"),
        pytest.param(["diff", "nets"], "nets: no such file or folder", id="path"),
        pytest.param(["diff", "--preset", "x"], "unknown preset 'x'", id="preset"),
        pytest.param(["diff", "-q", "-v"], "exclude each other", id="quiet-and-verbose"),
        pytest.param(["diff", "--output", "no/x"], "--output no/x: cannot be", id="output"),
        pytest.param(
            ["diff", "--output", "."], "--output .: cannot be written", id="output-folder"
        ),
        pytest.param(["undo", "nowhere"], "nowhere: no such file or folder", id="undo-path"),
        pytest.param(
            ["explain", "demo-transfrm"], "did you mean demo-transform?", id="explain-name"
        ),
        pytest.param(
            ["explain", "demo-transform", "--refusal", "star-argument"],
            "unknown refusal 'star-argument'; did you mean star-arguments?",
            id="explain-refusal",
        ),
    ],
)
def test_usage_error_is_one_sentence_and_2(run: Run, argv: list[str], message: str) -> None:
    facade = StandIn()
    ran = run(*argv, facade=facade)
    assert ran.code == 2
    assert message in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == b""
    assert facade.calls == []


def test_wrong_configuration_is_a_usage_error(run: Run) -> None:
    Path("pyproject.toml").write_text("[tool.codemod]\nonyl = []\n")
    ran = run("diff")
    assert (ran.code, ran.out) == (2, b"")
    assert "did you mean only?" in ran.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("u"), 2),
        (CommitError("c"), 1),
        (StaleFileError("net.py", "stale", "net.py: changed"), 1),
        (WorkerError("w"), 3),
        (TransformError("t"), 3),
        (RewriteError("net.py", "r"), 3),
        (CodemodError("e"), 3),
    ],
)
def test_error_of_a_run_gives_its_code(run: Run, error: CodemodError, code: int) -> None:
    ran = run("apply", facade=StandIn(error=error))
    assert (ran.code, ran.out, ran.err) == (code, b"", f"codemod: {error}\n")


def test_fault_of_ours_is_3_and_shows_where(run: Run) -> None:
    ran = run("diff", facade=StandIn(error=ZeroDivisionError("ours")))
    assert ran.code == 3
    assert "ZeroDivisionError: ours" in ran.err
    assert ran.err.endswith("codemod: this is a fault of codemod; every file is whole.\n")


def test_interrupt_is_one_sentence_and_130(run: Run) -> None:
    ran = run("apply", facade=StandIn(error=KeyboardInterrupt()))
    assert (ran.code, ran.out) == (130, b"")
    assert ran.err == "codemod: interrupted; every file is whole, nothing is half written.\n"


# ---- streams


def test_diff_puts_the_patch_on_stdout_byte_for_byte(run: Run) -> None:
    ran = run("diff", ".")
    assert (ran.code, ran.out) == (1, PATCH_BYTES)
    assert "1 rewrite: 1 confirmed" in ran.err
    assert ran.err.endswith("To write 1 rewrite: codemod apply .\n")


def test_next_command_leaves_out_what_shapes_the_output(run: Run) -> None:
    ran = run("diff", "-v", "--output", "p.patch", "--format=text", "-t", "demo", "net.py")
    assert ran.err.endswith("To write 1 rewrite: codemod apply -t demo net.py\n")


def test_quiet_still_puts_the_patch(run: Run) -> None:
    ran = run("diff", "-q")
    assert (ran.out, ran.err) == (PATCH_BYTES, "")


def test_json_on_stdout_and_only_errors_beside_it(run: Run) -> None:
    error = FileError("bad.py", "nul-byte", "bad.py:1: the file holds a NUL byte")
    ran = run("diff", "--format", "json", facade=StandIn(replace(REPORT, errors=(error,))))
    assert ran.code == 3
    content = json.loads(ran.out)
    assert content["summary"]["confirmed"] == 1
    assert ran.err == "error        bad.py:1: the file holds a NUL byte [nul-byte]\n"


@pytest.mark.parametrize("form", ["text", "json"])
def test_output_takes_what_stdout_would(run: Run, form: str) -> None:
    expected = run("diff", "--format", form).out
    ran = run("diff", "--format", form, "--output", "report")
    assert ran.out == b""
    assert Path("report").read_bytes() == expected
    assert sorted(os.listdir()) == ["net.py", "report"]


def test_output_keeps_the_old_file_if_the_run_fails(run: Run) -> None:
    Path("report").write_text("old")
    assert run("diff", "--output", "report", facade=StandIn(error=WorkerError("w"))).code == 3
    assert Path("report").read_text() == "old"


def test_output_may_be_a_device(run: Run) -> None:
    assert run("diff", "--output", os.devnull).code == 1
    assert not Path(os.devnull).is_file()


def test_apply_names_the_files(run: Run) -> None:
    ran = run("apply", facade=StandIn(WRITTEN))
    assert (ran.code, ran.out) == (0, b"net.py: 1 rewrite\n")
    assert "Wrote 1 rewrite; codemod undo takes back what was written.\n" in ran.err


def test_apply_that_leaves_a_rewrite_is_1(run: Run) -> None:
    verdict = Verdict("unconfirmed", Reason("no-recipe", "cannot build Net"))
    left = replace(CONFIRMED, verdict=verdict, would_write=False)
    ran = run("apply", facade=StandIn(replace(WRITTEN, outcomes=(left,), patch="")))
    assert (ran.code, ran.out) == (1, b"")
    assert ran.err.endswith("To write 1 of them: codemod apply --accept unconfirmed\n")


def test_nothing_to_do_is_quiet(run: Run) -> None:
    ran = run("diff", facade=StandIn(NOTHING))
    assert (ran.code, ran.out, ran.err) == (0, b"", "1 file: nothing to rewrite.\n")


class Closed(io.BytesIO):
    def write(self, data: Any) -> int:
        raise BrokenPipeError

    def fileno(self) -> int:
        raise OSError


def test_reader_that_has_gone_is_no_error(run: Run) -> None:
    stderr = io.StringIO()
    assert main(["diff"], Closed(), stderr, StandIn()) == 1
    assert "Traceback" not in stderr.getvalue()
    assert main(["list"], Closed(), stderr, StandIn()) == 0


# ---- a terminal


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


def test_patch_is_coloured_on_a_terminal_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stdout = Terminal()
    main(["diff"], stdout, io.StringIO(), StandIn())
    assert b"\x1b[31m-x: list[int] = '\\xe9'\x1b[m\n" in stdout.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    stdout = Terminal()
    main(["diff"], stdout, io.StringIO(), StandIn())
    assert b"\x1b" not in stdout.getvalue()


def _all_of(master: int) -> str:
    """What was written to a terminal whose other end is closed: one read may give a part."""
    shown = b""
    with contextlib.suppress(OSError):  # the end of it, on Linux
        while part := os.read(master, 1 << 16):
            shown += part
    os.close(master)
    return shown.decode()


def test_progress_is_shown_on_a_terminal_and_never_elsewhere(run: Run) -> None:
    assert "[int]" not in run("diff").err
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stderr:
        main(["diff"], io.BytesIO(), stderr, StandIn())
    shown = _all_of(master)
    assert "1/2" in shown
    assert "net.py [int]" in shown


# ---- options reach the run


def test_options_reach_the_run(run: Run) -> None:
    Path("r.py").write_text("")
    facade = StandIn()
    run(
        *("apply", "net.py", "-t", "a", "-t", "b", "--only", "relu,@pooling", "--no-verify"),
        *(
            "--accept",
            "unconfirmed",
            "--accept",
            "behaviour-change",
            "-j2",
            "--python",
            sys.executable,
        ),
        *(
            "--recipes",
            "r.py",
            "--timeout",
            "3",
            "--budget",
            "9",
            "--include",
            "i",
            "--exclude",
            "e",
        ),
        facade=facade,
    )
    [(mode, options)] = facade.calls
    here = Path.cwd()
    assert mode == "apply"
    assert options == Options(
        paths=(here / "net.py",),
        root=here,
        transforms=("a", "b"),
        only=("relu", "@pooling"),
        verify=False,
        accept=frozenset({"unconfirmed", "behaviour-change"}),
        jobs=2,
        python=Path(sys.executable),
        recipes=here / "r.py",
        timeout=3.0,
        budget=9.0,
        include=("i",),
        exclude=("e",),
    )


def test_verify_is_the_configurations_unless_said(run: Run) -> None:
    Path("pyproject.toml").write_text("[tool.codemod]\nverify = false\n")
    facade = StandIn()
    run("diff", facade=facade)
    run("diff", "--verify", facade=facade)
    assert [options.verify for _, options in facade.calls] == [False, True]


# ---- help, version, list, explain


@pytest.mark.parametrize("argv", [[], ["-h"], ["--help"], ["diff", "--help"], ["undo", "-h"]])
def test_help_goes_to_stdout(run: Run, argv: list[str]) -> None:
    ran = run(*argv)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(b"Usage: codemod ")


def test_version(run: Run) -> None:
    ran = run("--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(b"codemod ")


def test_list(run: Run) -> None:
    assert run("list").out == b"demo-transform  Replace one thing by another.\n"


def test_explain(run: Run) -> None:
    ran = run("explain", "demo-transform")
    assert ran.code == 0
    assert (
        ran.out.decode()
        == """\
demo-transform

Replace one thing by another.

At some length.

Preserves, bit for bit: state_dict, load, signature, train, grads, \
buffers, inputs, rng, trace, hooks.
Changes on purpose:
  eval        no longer depends on the seed
  modules     differs
A rewrite that changes behaviour is written with --accept behaviour-change.

Example:
A note.

    @@ -1 +1 @@
    -x = 1
    +x = [2]

Refuses (--refusal CODE says the way out):
  star-arguments  The call passes *args.
"""
    )


def test_explain_a_refusal(run: Run) -> None:
    assert (
        run("explain", "demo-transform", "--refusal", "star-arguments").out.decode()
        == """\
demo-transform refuses: star-arguments

The call passes *args.

Way out: Write them out.
"""
    )


# ---- undo


class Undoing(StandIn):
    """With the real undo."""

    def undo(self, root: Path) -> UndoResult:
        return undo(root, root.parent / "state")


def test_undo_restores_and_names_the_rest(run: Run) -> None:
    here = Path.cwd()
    for name in ("a.py", "b.py"):
        (here / name).write_bytes(b"old")
    state = here.parent / "state"
    commit(here, dict.fromkeys(("a.py", "b.py"), (b"old", b"new")), state)
    (here / "b.py").write_bytes(b"mine")
    ran = run("undo", facade=Undoing())
    assert (ran.code, ran.out) == (1, b"restored a.py\n")
    assert "b.py was changed since it was written: left as it is\n" in ran.err
    assert "The earlier text of those files is in " in ran.err
    assert (here / "a.py").read_bytes() == b"old"
    ran = run("undo", facade=Undoing())
    assert (ran.code, ran.out, ran.err) == (0, b"", "Nothing to undo.\n")


def test_undo_takes_the_root_of_a_path(run: Run) -> None:
    facade = StandIn()
    Path("pkg").mkdir()
    Path("pkg/__init__.py").write_text("")
    run("undo", "pkg", facade=facade)
    assert facade.calls == [("undo", Path.cwd())]


# ---- as a process

SLOW = """
import signal, sys, time
from codemod import cli

# A shell starts what runs in its background with the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Slow:
    def run(self, options, *, mode, progress):
        print("started", file=sys.stderr, flush=True)
        time.sleep(60)

cli._facade = Slow
cli.run()
"""


def test_control_c_ends_a_running_process_with_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "apply"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "started\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "codemod: interrupted; every file is whole, nothing is half written.\n"


def test_closed_pipe_of_a_process_is_quiet(tmp_path: Path) -> None:
    script = (
        "from codemod import cli\nfrom codemod.results import Report\n"
        "report = Report('0', None, (), 1, 0.5, (), (), (), patch='+x\\n' * 200_000)\n"
        "cli._facade = type('F', (), {'run': lambda self, options, **_: report})\ncli.run()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, "diff"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.read(3) == b"+x\n"
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 1
    assert err == b"1 file: nothing to rewrite.\n"


def test_the_module_is_the_script(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("x = 1\n")
    ran = subprocess.run(
        [sys.executable, "-m", "codemod", "diff", "--no-verify", "net.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.startswith("1 file: nothing to rewrite")
