"""The cage holds, with what the system has and with Python's audit hook alone."""

from __future__ import annotations

import socket
import textwrap
from pathlib import Path
from typing import Any

import pytest
from worker_process import run

START = """
import shutil, socket, subprocess, tempfile
from _codemod_worker import cage, process
project, scratch = {project!r}, {scratch!r}
network = cage.leave_network() if {system} else ()
words = cage.close_around(scratch, system={system})
def refused(action):
    try:
        action()
    except (OSError, subprocess.SubprocessError):
        return True
    return False
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "inner").mkdir(parents=True)
    (folder / "net.py").write_text("X = 1\n")
    (folder / "link").symlink_to(folder / "net.py")
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def caged(project: Path, scratch: Path, system: bool, script: str) -> Any:
    start = START.format(project=str(project), scratch=str(scratch), system=system)
    return run(start + textwrap.dedent(script))


BOTH = pytest.mark.parametrize("system", [True, False], ids=["system", "audit-hook-alone"])

CHANGES = {
    "write": "open(project + '/net.py', 'w')",
    "append": "open(project + '/net.py', 'a')",
    "read-and-write": "open(project + '/net.py', 'r+b')",
    "create": "open(project + '/new', 'x')",
    "low-level": "os.open(project + '/net.py', os.O_WRONLY)",
    "low-level-create": "os.open(project + '/new', os.O_CREAT)",
    "through-a-link": "open(project + '/link', 'w')",
    "relative": "open(os.path.relpath(project + '/net.py'), 'w')",
    "after-chdir": "(os.chdir(project), open('net.py', 'w'))",
    "remove": "os.remove(project + '/net.py')",
    "unlink-a-link": "os.unlink(project + '/link')",
    "rename": "os.rename(project + '/net.py', project + '/other')",
    "rename-away": "os.rename(project + '/net.py', scratch + '/net.py')",
    "replace": "(open('mine', 'w').close(), os.replace('mine', project + '/net.py'))",
    "mkdir": "os.mkdir(project + '/new')",
    "rmdir": "os.rmdir(project + '/inner')",
    "symlink": "os.symlink('/', project + '/new')",
    "hard-link": "os.link('/etc/hostname', project + '/new')",
    "truncate": "os.truncate(project + '/net.py', 0)",
    "chmod": "os.chmod(project + '/net.py', 0)",
    "utime": "os.utime(project + '/net.py', (0, 0))",
    "rmtree": "shutil.rmtree(project)",
    "a-new-link-in-scratch": "(os.symlink(project, 'l'), open('l/net.py', 'w'))",
    "another-program": "subprocess.run(['rm', '-f', project + '/net.py'], check=True)",
    "a-shell": "subprocess.run('echo > ' + project + '/net.py', shell=True, check=True)",
}


@BOTH
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_project_cannot_be_changed(
    project: Path, scratch: Path, system: bool, change: str
) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in project.rglob("*"))
    assert caged(project, scratch, system, f"say(refused(lambda: {change}))") is True
    assert sorted((path, path.stat().st_mtime_ns) for path in project.rglob("*")) == before
    assert (project / "net.py").read_text() == "X = 1\n"


@BOTH
def test_what_a_model_needs_still_works(project: Path, scratch: Path, system: bool) -> None:
    script = """
    os.mkdir("folder")
    with open("folder/a", "w") as file:
        file.write("a")
    os.rename("folder/a", "folder/b")
    os.chmod("folder/b", 0o600)
    os.utime("folder/b", (0, 0))
    os.symlink("b", "folder/c")
    read = open("folder/c").read()
    shutil.rmtree("folder")
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    with tempfile.TemporaryDirectory() as folder:
        inside = folder.startswith(scratch)
    open(os.devnull, "w").write("x")
    pair = socket.socketpair()
    pair[0].send(b"x")
    import multiprocessing
    multiprocessing.Lock()
    say([read, open(project + "/net.py").read(), inside, os.path.expanduser("~"), os.getcwd()])
    """
    said = caged(project, scratch, system, script)
    assert said == ["a", "X = 1\n", True, str(scratch), str(scratch)]
    assert list(scratch.iterdir()) == []


CONNECTIONS = {
    "tcp": "socket.create_connection(('127.0.0.1', {port}))",
    "bind": "socket.socket().bind(('127.0.0.1', 0))",
    "udp": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
    "name": "socket.getaddrinfo('localhost', 80)",
    "unix": "socket.socket(socket.AF_UNIX).connect({path!r})",
    "url": "__import__('urllib.request').request.urlopen('http://127.0.0.1:{port}/')",
}


@BOTH
@pytest.mark.parametrize("attempt", CONNECTIONS.values(), ids=CONNECTIONS.keys())
def test_nothing_can_be_connected(
    project: Path, scratch: Path, system: bool, attempt: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "s")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        code = attempt.format(port=server.getsockname()[1], path=path)
        assert caged(project, scratch, system, f"say(refused(lambda: {code}))") is True


@BOTH
def test_others_cannot_be_killed(project: Path, scratch: Path, system: bool) -> None:
    script = """
    child = os.fork()
    if child == 0:
        import time
        time.sleep(60)
        os._exit(0)
    os.kill(child, 9)
    os.waitpid(child, 0)
    say(refused(lambda: os.kill(os.getppid(), 15)))
    """
    assert caged(project, scratch, system, script) is True


@BOTH
def test_a_run_is_closed_in_further_than_its_zygote(
    project: Path, scratch: Path, system: bool
) -> None:
    script = """
    os.mkdir("run-1"), os.mkdir("run-2")
    os.chdir("/")
    if os.fork() == 0:
        cage.close_around(scratch + "/run-1", system=%r)
        open("mine", "w").close()
        sibling = refused(lambda: open(scratch + "/run-2/x", "w"))
        os._exit(0 if sibling and refused(lambda: open("../x", "w")) else 1)
    status = os.wait()[1]
    open(scratch + "/run-2/y", "w").close()
    say([status, sorted(os.listdir(scratch + "/run-1")), os.listdir(scratch + "/run-2")])
    """
    assert caged(project, scratch, system, script % system) == [0, ["mine"], ["y"]]


def test_words_name_what_holds_it(project: Path, scratch: Path) -> None:
    alone = caged(project, scratch, False, "say(words)")
    assert alone == ["read-only:audit-hook", "no-network:audit-hook"]
    script = "from _codemod_worker import landlock; say([list(words), landlock.version()])"
    words, version = caged(project, scratch, True, script)
    assert ("read-only:landlock" in words) == (version >= 1)


def test_memory_is_limited_beyond_what_is_there(project: Path, scratch: Path) -> None:
    script = """
    first = bytearray(200 << 20)
    limited = process.limit_memory(100 << 20)
    second = bytearray(50 << 20)
    try:
        third = bytearray(100 << 20)
    except MemoryError:
        third = None
    process.lift_memory_limit()
    say([limited, third is None, len(bytearray(100 << 20)) > 0])
    """
    assert caged(project, scratch, True, script) == [True, True, True]
