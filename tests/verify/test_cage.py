"""The cage holds, with what the system has and with Python's audit hook alone."""

from __future__ import annotations

import os
import socket
import textwrap
from pathlib import Path
from typing import Any

import pytest
from worker_process import run

START = """
import ctypes, shutil, signal, socket, subprocess, tempfile, time
from _codemod_worker import cage, namespaces, privileges, process
{before}
project, scratch = {project!r}, {scratch!r}
entered = cage.enter(scratch, [project, sys.prefix]) if {system} else ()
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


def caged(project: Path, scratch: Path, system: bool, script: str, before: str = "") -> Any:
    start = START.format(
        project=str(project), scratch=str(scratch), system=system, before=textwrap.dedent(before)
    )
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
    "rm-rf": "subprocess.run(['rm', '-rf', project], check=True)",
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


OTHER_PROGRAMS = {
    "chmod": "chmod 0 {project}/net.py",
    "touch": "touch -d 2001-01-01 {project}/net.py",
    "chown": "chown 12345 {project}/net.py",
    "remount": "mount -o remount,rw / && rm -rf {project}",
    "unmount": "umount {scratch} && touch {scratch}/x",
    "a-namespace-of-its-own": "unshare --user --map-root-user --mount"
    " sh -c 'mount -o remount,bind,rw {project} /mnt; rm -rf {project}'",
}


@pytest.mark.parametrize("command", OTHER_PROGRAMS.values(), ids=OTHER_PROGRAMS.keys())
def test_what_landlock_does_not_know_is_held_by_mounts(
    project: Path, scratch: Path, command: str
) -> None:
    before = {path: path.stat() for path in [project, project / "net.py"]}
    line = command.format(project=project, scratch=scratch)
    script = (
        f"say([list(words), refused(lambda: subprocess.run({line!r}, shell=True, check=True))])"
    )
    words, refused = caged(project, scratch, True, script)
    if "read-only:mounts" not in words:
        pytest.skip("this machine gives no mount namespace")
    assert refused
    for path, stat in before.items():
        now = path.stat()
        assert (now.st_mode, now.st_mtime_ns, now.st_uid) == (
            stat.st_mode, stat.st_mtime_ns, stat.st_uid,
        )  # fmt: skip


FORKING = """
pids = []
def bomb(most):
    while len(pids) < most:
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        pids.append(pid)
"""


@pytest.mark.parametrize(
    "first",
    ["pass", "assert ctypes.CDLL(None).unshare(0x10000000) in (0, -1)"],
    ids=["plain", "in-a-user-namespace-of-its-own"],
)
def test_a_fork_bomb_ends_at_the_limit(project: Path, scratch: Path, first: str) -> None:
    """Bounded here too: at most 60 processes, were the limit of 20 not kept."""
    script = f"{first}\nheld = refused(lambda: bomb(60))\n" + textwrap.dedent("""
        for pid in pids:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        say([list(words), held, len(pids)])
        """)
    before = "cage._MORE_PROCESSES = 20\n" + FORKING
    words, held, count = caged(project, scratch, True, script, before)
    if "process-limit" not in words:
        pytest.skip("this machine binds no number of processes")
    assert held
    assert count <= 20 or "unprivileged-user" not in words


def test_the_disk_is_limited_over_all_files(project: Path, scratch: Path) -> None:
    script = """
    def fill():
        for number in range(8):
            with open("part-%d" % number, "wb") as file:
                file.write(bytes(1 << 20))
    say([list(words), refused(fill)])
    """
    words, refused = caged(project, scratch, True, script, "cage._DISK = 4 << 20")
    if "disk-limit" not in words:
        pytest.skip("this machine gives no file system of a size")
    assert refused


def test_memory_of_started_processes_counts_together(project: Path, scratch: Path) -> None:
    script = """
    base = process.resident(os.getpid())
    read_end, write_end = os.pipe()
    def child():
        if os.fork() == 0:
            held = bytearray(b"x") * (30 << 20)
            os.write(write_end, b"x")
            time.sleep(30)
            os._exit(0)
    lone = os.fork()
    if lone == 0:
        held = bytearray(b"x") * (30 << 20)
        os.write(write_end, b"x")
        time.sleep(30)
    os.read(read_end, 1)
    without = process.taken_by_children(lone, base)
    family = os.fork()
    if family == 0:
        os.setsid(), child(), child()
        time.sleep(30)
    os.read(read_end, 1), os.read(read_end, 1)
    together = process.taken_by_children(family, base)
    os.kill(lone, 9), os.killpg(family, 9)
    say([without, together >> 20])
    """
    without, together = caged(project, scratch, False, script)
    assert without == 0
    assert 55 <= together <= 80


def test_services_that_listen_in_a_folder_are_out_of_reach(project: Path, scratch: Path) -> None:
    script = "say([list(words), os.listdir('/run')])"
    words, found = caged(project, scratch, True, script)
    assert found == [] or "no-services" not in words


FALLBACKS = {
    "no-namespaces": "namespaces._unshare = lambda flags: False",
    "no-mounts": "namespaces._mounts = lambda *others: []",
    "only-user-namespaces": "own = namespaces._unshare; namespaces._unshare ="
    " lambda flags: flags != 0x40000000 and own(flags)",
    "unreadable-for-others": "privileges._child_can = lambda *others: False",
}


@pytest.mark.parametrize("lack", FALLBACKS.values(), ids=FALLBACKS.keys())
def test_what_a_machine_lacks_is_not_claimed_and_the_rest_holds(
    project: Path, scratch: Path, lack: str
) -> None:
    script = """
    import multiprocessing
    multiprocessing.Lock()
    open("mine", "w").close()
    say([list(words), [refused(lambda: open(project + "/net.py", "w")),
         refused(lambda: subprocess.run(["rm", project + "/net.py"], check=True)),
         refused(lambda: os.kill(os.getppid(), 15))]])
    """
    words, held = caged(project, scratch, True, script, lack)
    claimed = {
        "no-namespaces": {"no-network:namespace", "read-only:mounts", "disk-limit"},
        "no-mounts": {"read-only:mounts", "disk-limit"},
        "only-user-namespaces": {"unprivileged-user"},
        "unreadable-for-others": {"unprivileged-user", "process-limit"},
    }[next(name for name, code in FALLBACKS.items() if code == lack)]
    if os.geteuid() == 0:
        assert not claimed & set(words)
    assert held == [True, True, True]


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
