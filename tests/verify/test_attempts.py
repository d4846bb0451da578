"""What code tried while it ran: by whom, from which line, and whatever became of the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codemod.results import Attempt
from codemod.verify.environment import TargetEnvironment
from codemod.verify.pool import WorkerPool
from codemod.verify.runs import as_attempts

MODEL = """
import os, socket, subprocess, urllib.request
from torch import nn
{top}

class Net(nn.Module):
    def forward(self, x):
        try:
            {code}
        except OSError:
            pass
        return x
"""
CASES: dict[str, tuple[str, str, str]] = {
    "connect": ("socket.create_connection(('10.0.0.1', 80), 1)", "network", "10.0.0.1"),
    "name": ("socket.getaddrinfo('a.example', 80)", "network", "a.example"),
    "url": ("urllib.request.urlopen('http://b.example/x')", "network", "b.example"),
    "unix": ("socket.socket(socket.AF_UNIX).connect('/run/x.sock')", "network", "/run/x.sock"),
    "write": ("open('/etc/motd', 'a')", "write", "/etc/motd"),
    "remove": ("os.remove('/etc/motd')", "write", "/etc/motd"),
    "program": ("subprocess.run(['true', 'a b'])", "program", "true a b"),
    "shell": ("os.system('true; true')", "program", "true; true"),
    "fails-all-the-same": ("os._exit(open('/etc/motd', 'a'))", "write", "/etc/motd"),
    "raises": ("socket.getaddrinfo('c.example', 1); 1 / 0", "network", "c.example"),
    "signal": ("os.kill(1, 9)", "signal", "a process that is not its own"),
}
NONE = {
    "reads": "open('/etc/hostname').read()",
    "writes-in-its-folder": "open('mine', 'w').close()",
    "a-pair-of-sockets": "socket.socketpair()",
    "a-fork-of-its-own": "pid = os.fork(); os._exit(0) if not pid else os.waitpid(pid, 0)",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, (code, _, _) in CASES.items():
        (folder / f"{stem(name)}.py").write_text(MODEL.format(code=code, top=""))
    for name, code in NONE.items():
        (folder / f"{stem(name)}.py").write_text(MODEL.format(code=code, top=""))
    top = "try:\n    os.mkdir('/etc/new')\nexcept OSError:\n    pass"
    (folder / "imports.py").write_text(MODEL.format(code="pass", top=top))
    (folder / "import_fails.py").write_text(MODEL.format(code="pass", top="open('/etc/a', 'w')"))
    return folder


@pytest.fixture(scope="module")
def pool(root: Path) -> Iterator[WorkerPool]:
    environment = TargetEnvironment(Path(sys.executable), root, (root,), timeout=20.0)
    with WorkerPool(environment) as pool:
        yield pool


def stem(name: str) -> str:
    return name.replace("-", "_")


def tried(pool: WorkerPool, path: str) -> list[Attempt]:
    recipe: dict[str, Any] = {"source": "given", "where": "", "path": path, "class_name": "Net"}
    recipe.update(build="Net()", inputs="(torch.ones(4, 3),), {}", setup="", function="", labels=[])
    request = {"op": "observe", "overlay": "disk", "path": path, "class": "Net", "recipe": recipe}
    found = as_attempts(pool.submit({**request, "sets": []}).result(timeout=60))
    # One process may have imported other files before: what those tried is told again.
    return [one for one in found if one.path.endswith(path)]


@pytest.mark.parametrize("name", CASES)
def test_attempt_is_kept_with_its_line_and_class(pool: WorkerPool, root: Path, name: str) -> None:
    _, kind, what = CASES[name]
    path = str(root / f"{stem(name)}.py")
    assert tried(pool, f"{stem(name)}.py") == [Attempt(kind, what, path, 9, "Net")]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NONE)
def test_what_the_cage_allows_is_no_attempt(pool: WorkerPool, name: str) -> None:
    assert tried(pool, f"{stem(name)}.py") == []


def test_import_has_a_line_and_no_class(pool: WorkerPool, root: Path) -> None:
    expected = [Attempt("write", "/etc/new", str(root / "imports.py"), 5)]
    assert tried(pool, "imports.py") == expected


def test_import_that_fails_still_tells(pool: WorkerPool, root: Path) -> None:
    expected = [Attempt("write", "/etc/a", str(root / "import_fails.py"), 4)]
    assert tried(pool, "import_fails.py") == expected
    assert not os.path.exists("/etc/a")
