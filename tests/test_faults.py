"""Faults of the machine and of the user's timing: a clear report, whole files, no process left."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codemod.cli import main
from codemod.verify import pool, runs

BEFORE = """\
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return F.relu(self.fc(x))


if __name__ == "__main__":
    Net()(torch.ones(4, 3))
"""
ARGUMENTS = ["apply", "-t", "functional-to-module", "-j", "1"]
DOCUMENTED = {0, 1, 2, 3, 130}
WRITING = ("open", "write", "fsync", "close", "replace", "rename", "unlink", "mkdir", "chmod")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "net.py").write_text(BEFORE)
    (tmp_path / "tmp").mkdir()
    home = tmp_path / f"home-{os.getpid()}-{time.monotonic_ns()}"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return folder


def codemod(project: Path, *more: str) -> tuple[int, str]:
    said = io.StringIO()
    code = main([*ARGUMENTS, *more, str(project)], io.BytesIO(), said)
    return code, said.getvalue()


@pytest.fixture
def after(project: Path, tmp_path: Path) -> str:
    """The text that an undisturbed run writes."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "net.py").write_text(BEFORE)
    assert codemod(other, "--no-verify")[0] == 0
    return (other / "net.py").read_text()


class Fault:
    """Raises at the `number`th call of any of the functions of `os` that write; counts all."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int, error: Callable[[], Any]) -> None:
        self.calls = 0
        self._number, self._error = number, error
        for name in WRITING:
            patch.setattr(os, name, self._step(getattr(os, name)))

    def _step(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == self._number:
                raise self._error()
            return original(*args, **kwargs)

        return step


def _disk_full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read_only() -> OSError:
    return OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        pytest.param(_disk_full, DOCUMENTED - {130}, id="disk-full"),
        pytest.param(KeyboardInterrupt, {0, 130}, id="control-c"),
    ],
)
def test_fault_at_any_call_that_writes(
    project: Path, after: str, error: Callable[[], Any], codes: set[int]
) -> None:
    for number in range(1, 1000):
        (project / "net.py").write_text(BEFORE)
        with pytest.MonkeyPatch.context() as patch:
            fault = Fault(patch, number, error)
            code, said = codemod(project, "--no-verify")
        text = (project / "net.py").read_text()
        assert code in codes, (number, said)
        assert "Traceback" not in said, said
        assert text in (BEFORE, after), number
        if code == 0:
            assert text == after, number
        assert [path.name for path in project.iterdir()] == ["net.py"], number
        if text == BEFORE:
            assert code != 0, number
            assert said.startswith("codemod: "), (number, said)
        if fault.calls < number:
            break
        codemod(project, "--no-verify")  # puts right what was left, writes the rest
        assert (project / "net.py").read_text() == after, number
    else:
        raise AssertionError("it never came to its end")


@pytest.mark.parametrize("error", [_disk_full, _read_only], ids=["disk-full", "read-only"])
def test_no_temporary_folder_is_one_sentence_and_3(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Callable[[], OSError]
) -> None:
    mkdir = os.mkdir

    def fail(path: str, mode: int = 0o777, **kwargs: Any) -> None:
        if str(path).startswith(str(tempfile.tempdir)):
            raise error()
        mkdir(path, mode, **kwargs)

    monkeypatch.setattr(os, "mkdir", fail)
    code, said = codemod(project)
    assert code == 3
    assert said.count("\n") == 1
    assert "no temporary folder can be written" in said
    assert "TMPDIR" in said
    assert (project / "net.py").read_text() == BEFORE


def test_clock_that_jumps_changes_nothing(
    project: Path, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter([0.0, 4e9] * 1000)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    code, said = codemod(project, "--no-verify")
    assert code == 0
    assert " -" not in said.splitlines()[-2].rpartition(";")[2], said
    assert (project / "net.py").read_text() == after


def test_two_runs_at_once_write_once(project: Path, after: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "codemod.cli", *ARGUMENTS, "--no-verify", str(project)]
    script = "import sys; from codemod.cli import run; sys.argv[0] = 'codemod'; run()"
    command = [sys.executable, "-c", script, *command[3:]]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[1] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes[0] == 0, said
    assert set(codes) <= {0, 1, 3}, said  # the later one finds nothing to do, or a changed file
    assert not any("Traceback" in text for text in said)
    assert (project / "net.py").read_text() == after
    assert [path.name for path in project.iterdir()] == ["net.py"]


# ---- while models are run


def processes_that_name(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def is_scratch(arguments: tuple[Any, ...]) -> bool:
    path = arguments[0]
    return not isinstance(path, str | os.PathLike) or "codemod-" in os.fspath(path)


def interrupting(original: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    """The function, with the user's Ctrl-C right before its first call, or right after it."""
    turns = iter([True])

    def call(*args: Any, **kwargs: Any) -> Any:
        now = (not args or is_scratch(args)) and next(turns, False)
        if now and before:
            raise KeyboardInterrupt
        value = original(*args, **kwargs)
        if now:
            raise KeyboardInterrupt
        return value

    return call


MOMENTS = {
    "the-scratch-folder-is-there": (os, "mkdir", False),
    "the-host-runs": (pool._Host, "start", False),
    "torch-is-imported": (pool._Host, "first_word", False),
    "a-slot-is-forked": (pool._Slot, "connect", False),
    "a-model-runs": (runs, "wait", True),
    "all-is-being-closed": (pool._Host, "end", True),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_control_c_while_confirming_leaves_nothing(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: tuple[Any, str, bool],
) -> None:
    owner, name, before = moment
    monkeypatch.setattr(owner, name, interrupting(getattr(owner, name), before=before))
    code, said = codemod(project)
    assert (code, said) == (
        130,
        "codemod: interrupted; every file is whole, nothing is half written.\n",
    )
    assert (project / "net.py").read_text() == BEFORE
    assert _soon(lambda: not processes_that_name(os.environ["HOME"]))
    assert _soon(lambda: not list((tmp_path / "tmp").glob("codemod-*")))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_command_leaves_nothing(
    project: Path, tmp_path: Path, number: signal.Signals
) -> None:
    (project / "net.py").write_text(
        BEFORE.replace("return F", "import time; time.sleep(60); return F")
    )
    script = "import sys; from codemod.cli import run; sys.argv[0] = 'codemod'; run()"
    running = subprocess.Popen(
        [sys.executable, "-c", script, *ARGUMENTS, str(project)],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        # A shell that starts the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert _soon(lambda: bool(list((tmp_path / "tmp").glob("codemod-*/*"))))
    running.send_signal(number)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert said.endswith("codemod: interrupted; every file is whole, nothing is half written.\n")
    assert _soon(lambda: not list((tmp_path / "tmp").iterdir()))
    assert _soon(lambda: not processes_that_name(os.environ["HOME"]))


def _soon(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_dead_worker_is_one_sentence_and_3(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = pool.WorkerPool.submit

    def kill_first(self: pool.WorkerPool, request: Any) -> Any:
        assert self._host is not None
        os.kill(self._host.pid, 9)
        return submit(self, request)

    monkeypatch.setattr(pool.WorkerPool, "submit", kill_first)
    code, said = codemod(project)
    assert code == 3
    assert said.count("\n") == 1, said
    assert said.startswith("codemod: the worker "), said
    assert (project / "net.py").read_text() == BEFORE
    assert _soon(lambda: not processes_that_name(os.environ["HOME"]))


@pytest.mark.parametrize("generation", [1, 2, 3], ids=["slot", "zygote", "run"])
def test_process_that_is_killed_costs_its_own_model_alone(project: Path, generation: int) -> None:
    """In the middle of a request; the next one gets what it needs anew."""
    from codemod.verify.environment import TargetEnvironment

    (project / "slow.py").write_text(BEFORE.replace("return F", "import time; time.sleep(9); F"))
    environment = TargetEnvironment(Path(sys.executable), project, (project,))
    with pool.WorkerPool(environment) as workers:
        assert workers._host is not None
        host = workers._host.pid
        running = workers.submit(_request("slow.py"))
        assert _soon(lambda: len(_line(host)) > 3)
        os.kill(_line(host)[generation], 9)
        assert running.result(timeout=30)["failure"]["code"] == "crashed"
        assert "failure" not in workers.submit(_request("net.py")).result(timeout=30)
    assert _soon(lambda: not processes_that_name(os.environ["HOME"]))


def _request(path: str) -> dict[str, Any]:
    inputs = "(torch.ones(4, 3),), {}"
    recipe = {"source": "given", "where": "", "path": path, "class_name": "Net", "build": "Net()"}
    recipe.update(inputs=inputs, setup="", function="")
    return {"op": "observe", "overlay": "disk", "path": path, "class": "Net", "recipe": recipe}


def _line(pid: int) -> list[int]:
    """A process, its first child, the first child of that, and so on."""
    with contextlib.suppress(OSError):
        return [pid, *(_line(_children(pid)[0]) if _children(pid) else [])]
    return [pid]


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
