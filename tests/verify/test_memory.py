"""Answers of earlier runs are used again, and never after something that they hang on changed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from worker_process import run as run_apart

from codemod import refactoring, running
from codemod.configuration import CommandLine, make_options
from codemod.results import Recipe, Report
from codemod.verify.dependencies import States, Unknowable, installation
from codemod.verify.environment import TargetEnvironment
from codemod.verify.memory import Machine, Memory
from codemod.verify.runs import Answer, Overlay

MACHINE = Machine("3.11.7", "2.13.0", ("deadline",), ())
DISK = Overlay(frozenset(), {}, {}, {})


def environment(root: Path, **more: Any) -> TargetEnvironment:
    return replace(TargetEnvironment(Path(sys.executable), root), **more)


def memory(root: Path, **more: Any) -> Memory:
    found = Memory(root / "answers", environment(root, **more), ["CODEMOD_*"])
    found.met(MACHINE)
    return found


def settled(file: Path, text: str) -> Path:
    """A file that was written well before the run starts."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    time.sleep(0.05)
    return file


def request(root: Path, **more: object) -> dict[str, object]:
    return {
        "op": "observe",
        "overlay": "disk",
        "path": str(root / "net.py"),
        "class": "Net",
        **more,
    }


def answer(*depends: str, files: tuple[str, ...] = ()) -> Answer:
    known = frozenset([*depends, *(f"path:{file}" for file in files)])
    return Answer(files=frozenset(files), packed=b"packed", depends=known)


# ---- what is a miss


CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "source": ("path:{root}/net.py", lambda root: (root / "net.py").write_text("y = 2")),
    "source-gone": ("path:{root}/net.py", lambda root: (root / "net.py").unlink()),
    "same-size-and-time": (
        "path:{root}/net.py",
        lambda root: ((root / "net.py").write_text("x = 3"), os.utime(root / "net.py", (1, 1))),
    ),
    "data-file": ("path:{root}/data.yaml", lambda root: (root / "data.yaml").write_text("b")),
    "file-appears": ("path:{root}/absent", lambda root: (root / "absent").write_text("")),
    "listed-folder": ("listing:{root}/sub", lambda root: (root / "sub" / "new.txt").write_text("")),
    "shadowing-file": ("importable:{root}", lambda root: (root / "other.py").write_text("")),
    "shadowing-folder": (
        "importable:{root}",
        lambda root: ((root / "new").mkdir(), (root / "new" / "a.py").write_text("")),
    ),
    "variable": ("variable:CODEMOD_TEST", lambda root: os.environ.update(CODEMOD_TEST="2")),
    "variable-set": ("variable:CODEMOD_NEW", lambda root: os.environ.update(CODEMOD_NEW="2")),
    "any-variable": ("variable:*", lambda root: os.environ.update(CODEMOD_NEW="2")),
    "package": ("package:{root}/sub", lambda root: (root / "sub" / "part.py").write_text("x = 10")),
}


@pytest.mark.parametrize(("dependency", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_dependency_is_a_miss(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dependency: str,
    change: Callable[[Path], object],
) -> None:
    monkeypatch.setenv("CODEMOD_TEST", "1")
    monkeypatch.setenv("CODEMOD_NEW", "")
    monkeypatch.delenv("CODEMOD_NEW")
    settled(tmp_path / "data.yaml", "a")
    settled(tmp_path / "sub" / "part.py", "x = 1")
    settled(tmp_path / "net.py", "x = 1")
    memory(tmp_path).keep(
        request(tmp_path), DISK, answer(dependency.format(root=tmp_path), "path:/never/there")
    )
    assert memory(tmp_path).recall(request(tmp_path), DISK) is not None
    change(tmp_path)
    assert memory(tmp_path).recall(request(tmp_path), DISK) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: (root / "other.py").write_text(""), id="another-file"),
        pytest.param(lambda root: (root / "net.py").touch(), id="time-of-a-file"),
        pytest.param(lambda root: (root / "notes.txt").write_text(""), id="no-module"),
        pytest.param(lambda root: os.environ.update(CODEMOD_OTHER="1"), id="another-variable"),
    ],
)
def test_what_has_no_part_in_it_is_no_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    monkeypatch.setenv("CODEMOD_OTHER", "0")
    source = settled(tmp_path / "net.py", "x = 1")
    settled(tmp_path / "sub" / "part.py", "x = 1")
    depends = (f"importable:{tmp_path}/sub", "variable:HOME", f"listing:{tmp_path}/sub")
    memory(tmp_path).keep(request(tmp_path), DISK, answer(*depends, files=(str(source),)))
    change(tmp_path)
    assert memory(tmp_path).recall(request(tmp_path), DISK) is not None


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        pytest.param(Answer(packed=b""), "nothing known", id="dependencies-unknown"),
        pytest.param(answer("program:make"), "program", id="runs-a-program"),
        pytest.param(
            Answer(failure={"code": "timeout"}, depends=frozenset()), "busy", id="timed-out"
        ),
        pytest.param(
            Answer(failure={"code": "memory"}, depends=frozenset()), "busy", id="out-of-memory"
        ),
    ],
)
def test_what_is_not_remembered(tmp_path: Path, kept: Answer, why: str) -> None:
    memory(tmp_path).keep(request(tmp_path), DISK, kept)
    assert memory(tmp_path).recall(request(tmp_path), DISK) is None, why


def test_a_file_that_changed_under_the_run_is_not_remembered(tmp_path: Path) -> None:
    """The worker may have read the old text, or the new one."""
    known = memory(tmp_path)
    source = settled(tmp_path / "net.py", "x = 1")
    os.utime(source, (1, 1))
    known.keep(request(tmp_path), DISK, answer(files=(str(source),)))
    assert memory(tmp_path).recall(request(tmp_path), DISK) is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"class": "Other"}, id="class"),
        pytest.param({"recipe": {"build": "Net(4)"}}, id="recipe"),
        pytest.param({"seed": 1}, id="seed"),
        pytest.param({"attempt": 1}, id="seen-again-in-a-fresh-process"),
        pytest.param({"repeat": 2}, id="repeat"),
    ],
)
def test_another_request_is_a_miss(tmp_path: Path, other: dict[str, object]) -> None:
    asked = request(tmp_path, recipe={"build": "Net(3)"}, seed=0, attempt=0, repeat=1)
    memory(tmp_path).keep(asked, DISK, answer())
    assert memory(tmp_path).recall({**asked, **other}, DISK) is None
    assert memory(tmp_path).recall({**asked, "overlay": "a1"}, DISK) is not None


@pytest.mark.parametrize(
    "met",
    [
        pytest.param(replace(MACHINE, torch="2.14.0"), id="torch"),
        pytest.param(replace(MACHINE, python="3.12.0"), id="python"),
        pytest.param(replace(MACHINE, path=("/elsewhere",)), id="sys-path"),
    ],
)
def test_another_interpreter_is_a_miss(tmp_path: Path, met: Machine) -> None:
    memory(tmp_path).keep(request(tmp_path), DISK, answer())
    other = Memory(tmp_path / "answers", environment(tmp_path))
    other.met(met)
    assert other.recall(request(tmp_path), DISK) is None


def test_a_variable_that_c_code_reads_is_a_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(tmp_path).keep(request(tmp_path), DISK, answer())
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert memory(tmp_path).recall(request(tmp_path), DISK) is None


def test_a_longer_timeout_asks_again(tmp_path: Path) -> None:
    memory(tmp_path).keep(request(tmp_path), DISK, answer())
    assert memory(tmp_path, timeout=99.0).recall(request(tmp_path), DISK) is None


def test_an_installed_package_is_a_miss(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "einops-1.0.dist-info").mkdir(parents=True)
    before = installation([str(site)])
    (site / "__pycache__").mkdir()
    assert installation([str(site)]) == before
    os.utime(site / "einops-1.0.dist-info", (1, 1))
    reinstalled = installation([str(site)])
    (site / "xformers").mkdir()
    assert len({before, reinstalled, installation([str(site)])}) == 3


def test_without_a_known_interpreter_there_is_no_answer(tmp_path: Path) -> None:
    unknown = Memory(tmp_path / "answers", environment(tmp_path))
    unknown.keep(request(tmp_path), DISK, answer())
    assert unknown.machine is None
    assert unknown.recall(request(tmp_path), DISK) is None


# ---- what is found again


def test_an_answer_comes_back_whole(tmp_path: Path) -> None:
    recipe = Recipe("harvested", "net.py:3", "net.py", "Net", "Net()", "((), {})", labels=("a",))
    kept = Answer(
        recipe=recipe,
        witnesses=frozenset({"r:0"}),
        files=frozenset({"/gone/net.py"}),
        stubs=("einops",),
        packed=b"\x00\xff",
        depends=frozenset({"path:/gone/net.py"}),
    )
    memory(tmp_path).keep(request(tmp_path), DISK, kept)
    again = Memory(tmp_path / "answers", environment(tmp_path))
    assert again.machine == MACHINE
    assert again.recall(request(tmp_path), DISK) == replace(kept, depends=None)


def test_each_overlay_has_its_own_answer(tmp_path: Path) -> None:
    """The text that ran counts, and what was watched in it, not the text on the disk."""
    file = str(settled(tmp_path / "net.py", "x = 1"))
    witness: dict[str, list[list[object]]] = {file: [["r:0", "expression", 1, 0, 1, 1]]}
    overlays = [
        DISK,
        Overlay(frozenset("a"), {file: "x = 2"}, {}, {}),
        Overlay(frozenset("b"), {file: "x = 3"}, {}, {}),
        Overlay(frozenset("c"), {file: "x = 3"}, witness, {}),
    ]
    for number, overlay in enumerate(overlays):
        kept = replace(answer(files=(file,)), stubs=(str(number),))
        memory(tmp_path).keep(request(tmp_path), overlay, kept)
    for number, overlay in enumerate(overlays):
        found = memory(tmp_path).recall(request(tmp_path), overlay)
        assert found is not None
        assert found.stubs == (str(number),)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut-short"),
        pytest.param(lambda data: data[:-1] + bytes([data[-1] ^ 1]), id="one-bit"),
        pytest.param(lambda data: b"\0" * len(data), id="zeros"),
    ],
)
def test_a_damaged_file_is_a_miss(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    known = memory(tmp_path)
    known.keep(request(tmp_path), DISK, answer())
    for file in (tmp_path / "answers").iterdir():
        file.write_bytes(damage(file.read_bytes()))
    again = Memory(tmp_path / "answers", environment(tmp_path))
    assert again.machine is None
    assert known.recall(request(tmp_path), DISK) is None
    known.keep(request(tmp_path), DISK, answer())
    assert known.recall(request(tmp_path), DISK) is not None


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("in the way")
    known = memory(tmp_path)
    known.keep(request(tmp_path), DISK, answer())
    assert known.recall(request(tmp_path), DISK) is None
    known.forget_old()


def test_the_state_of_a_program_cannot_be_known() -> None:
    with pytest.raises(Unknowable):
        States().of("program:nvidia-smi")


# ---- what the worker writes down


READ = {
    "open": ("open({root!r} + '/a.txt').read()", "path:{root}/a.txt"),
    "open-what-is-not-there": (
        "try:\n    open({root!r} + '/gone')\nexcept OSError:\n    pass",
        "path:{root}/gone",
    ),
    "pathlib": ("import pathlib; pathlib.Path({root!r}, 'a.txt').read_text()", "path:{root}/a.txt"),
    "source": ("exec(open({root!r} + '/late.py').read())", "path:{root}/late.py"),
    "exists": ("os.path.exists({root!r} + '/gone')", "path:{root}/gone"),
    "path-exists": ("import pathlib; pathlib.Path({root!r}, 'x').is_file()", "path:{root}/x"),
    "listdir": ("os.listdir({root!r})", "listing:{root}"),
    "glob": ("import glob; glob.glob({root!r} + '/*.txt')", "listing:{root}"),
    "variable": ("os.environ.get('CODEMOD_X')", "variable:CODEMOD_X"),
    "getenv": ("os.getenv('CODEMOD_X')", "variable:CODEMOD_X"),
    "in-environ": ("'CODEMOD_X' in os.environ", "variable:CODEMOD_X"),
    "all-variables": ("dict(os.environ)", "variable:*"),
    "program": ("import subprocess; subprocess.run(['true'])", "program:true"),
    "fork": (
        "pid = os.fork()\nif not pid:\n    open({root!r} + '/a.txt').read(); os._exit(0)\n"
        "os.waitpid(pid, 0)",
        "path:{root}/a.txt",
    ),
    "late-import": ("import late", "path:{root}/late.py"),
}  # fmt: skip

WATCHED = """
from _codemod_worker.reads import Reads
os.makedirs({root!r} + "/scratch", exist_ok=True)
reads = Reads({root!r}, {root!r} + "/scratch", [], ["HOME"])
reads.install()
"""


@pytest.mark.parametrize("when", ["at-import", "in-a-run"])
@pytest.mark.parametrize(("code", "expected"), READ.values(), ids=READ.keys())
def test_what_is_read_is_written_down(tmp_path: Path, code: str, expected: str, when: str) -> None:
    if when == "at-import" and ("fork" in code or "import late" in code):
        pytest.skip("such a fork is ended; who imports what is told by imports.py")
    root = os.path.realpath(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "late.py").write_text("x = 1")
    (tmp_path / "net.py").write_text("import os\n" + code.format(root=root))
    begin = f"reads.begin({root!r} + '/scratch')" if when == "in-a-run" else ""
    script = f"{begin}\nimport net\nsay(reads.depends([{root!r} + '/net.py']))"
    assert expected.format(root=root) in run_apart(WATCHED.format(root=root) + script, tmp_path)


def test_what_a_package_starts_is_its_own_affair(tmp_path: Path) -> None:
    """matplotlib asks `fc-list` for fonts when it is first imported."""
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "fonts.py").write_text("import subprocess\nsubprocess.run(['true'])")
    root = os.path.realpath(tmp_path)
    (tmp_path / "net.py").write_text("import fonts")
    script = f"import net\nsay(reads.depends([{root!r} + '/net.py']))"
    said = run_apart(WATCHED.format(root=root) + script, tmp_path, site)
    assert [one for one in said if one.startswith("program")] == []


def test_what_another_file_reads_at_import_is_its_own_affair(tmp_path: Path) -> None:
    root = os.path.realpath(tmp_path)
    (tmp_path / "net.py").write_text("import os\nos.path.exists('/from/net')")
    (tmp_path / "other.py").write_text("import os\nos.path.exists('/from/other')")
    script = f"import other, net\nsay(reads.depends([{root!r} + '/net.py']))"
    said = run_apart(WATCHED.format(root=root) + script, tmp_path)
    assert "path:/from/net" in said
    assert "path:/from/other" not in said
    assert f"path:{root}/other.py" not in said


# ---- whole runs


NET = """
    import os
    import torch
    import torch.nn.functional as F
    from torch import nn

    SLOPE = float(open(os.path.join(os.path.dirname(__file__), "slope.txt")).read())

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Linear(4, 4)

        def forward(self, x):
            return F.dropout(self.conv(x), SLOPE, self.training)

    class Never(nn.Module):
        def __init__(self, config):
            super().__init__()
            raise ValueError("never")

        def forward(self, x):
            return F.dropout(x, 0.5, self.training)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "project"
    settled(root / "net.py", dedent(NET))
    settled(root / "slope.txt", "0.5")
    return root


def diff(root: Path, **more: Any) -> Report:
    line = CommandLine(paths=(str(root),), transforms=("functional-to-module",), **more)
    options = make_options(replace(line, only=("dropout",)), root)
    return refactoring.run(replace(options, details=True))


def test_a_second_run_starts_no_worker(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = diff(project)
    assert [outcome.verdict.kind for outcome in first.outcomes] == ["confirmed", "unconfirmed"]

    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(running, "WorkerPool", refuse)
    again = diff(project)
    assert replace(again, seconds=0.0) == replace(first, seconds=0.0)
    (project / "slope.txt").write_text("0.25")
    with pytest.raises(AssertionError, match="a worker was started"):
        diff(project)
    (project / "slope.txt").write_text("0.5")
    with pytest.raises(AssertionError, match="a worker was started"):
        diff(project, cache=False)
