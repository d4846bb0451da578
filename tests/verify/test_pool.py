"""Models that misbehave: each costs itself, never the next one, the project or the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codemod.errors import WorkerError
from codemod.verify.environment import TargetEnvironment
from codemod.verify.pool import WorkerPool

GOOD = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return torch.relu(self.fc(x))
"""

# Code in the constructor, in the forward or before the class, and the failure it leads to.
INIT: dict[str, tuple[str, str | None]] = {
    "exits-in-constructor": ("os._exit(0)", "exited"),
    "sys-exit-in-constructor": ("sys.exit(3)", "exited"),
    "interrupts-itself": ("raise KeyboardInterrupt", "raised"),
    "raises-in-constructor": ("raise ImportError('no')", "raised"),
    "recurses-in-constructor": ("f = lambda: f() + 1; f()", "raised"),
    "kills-its-parent": ("os.kill(os.getppid(), 9)", "raised"),
    "reads-stdin": ("assert sys.stdin.read() == ''", None),
    "closes-descriptors": ("os.closerange(0, 64)", None),
}
FORWARD: dict[str, tuple[str, str | None]] = {
    "hangs-in-forward": ("while True: pass", "timeout"),
    "sleeps-with-signals-blocked": (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)); time.sleep(99)",
        "timeout",
    ),
    "eats-memory": ("x = [bytearray(1 << 26) for _ in range(99999)]", "memory"),
    "eats-memory-in-torch": ("torch.empty(1 << 38)", "memory"),
    "exits-in-forward": ("os._exit(7)", "exited"),
    "sys-exit-in-forward": ("sys.exit()", "exited"),
    "segfault": ("ctypes.string_at(0)", "crashed"),
    "aborts": ("os.abort()", "crashed"),
    "prints-a-lot": ("for _ in range(200): os.write(1, b'x' * (1 << 20)); print('y' * 1000)", None),
    "replaces-stdout": ("sys.stdout = None; sys.stderr = None", None),
    "forges-an-answer": ("[os.write(fd, b'{}\\n' * 99) for fd in (0, 1, 2)]", None),
    "forks-a-copy": ("if 'copy' not in globals(): globals()['copy'] = os.fork()", None),
    "changes-directory": ("os.chdir('/')", None),
    "deletes-its-directory": ("shutil.rmtree(os.getcwd(), ignore_errors=True)", None),
}
IMPORT: dict[str, tuple[str, str]] = {
    "exits-at-import": ("os._exit(0)", "exited"),
    "sys-exit-at-import": ("sys.exit('bye')", None),
    "raises-at-import": ("1 / 0", None),
    "imports-what-is-gone": ("from os import gone", "import-failed"),
    "syntax-error": ("def f(:", "import-failed"),
    "segfault-at-import": ("ctypes.string_at(0)", "crashed"),
    "hangs-at-import": ("while True: pass", "timeout"),
    "eats-memory-at-import": ("x = [bytearray(1 << 26) for _ in range(99999)]", "memory"),
}
HEADER = "import ctypes, os, shutil, socket, subprocess, sys, threading, time\n"


def model(init: str = "", forward: str = "", top: str = "") -> str:
    lines = GOOD.splitlines()
    for marker, code in (("self.fc = ", init), ("return", forward)):
        index = next(i for i, line in enumerate(lines) if line.strip().startswith(marker))
        lines[index:index] = ["        " + one for one in code.splitlines()]
    return HEADER + top + "\n" + "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "good.py").write_text(GOOD)
    for name, (code, _) in INIT.items():
        (folder / f"{stem(name)}.py").write_text(model(init=code))
    for name, (code, _) in FORWARD.items():
        (folder / f"{stem(name)}.py").write_text(model(forward=code))
    for name, (code, _) in IMPORT.items():
        (folder / f"{stem(name)}.py").write_text(model(top=code))
    return folder


@pytest.fixture(scope="module")
def pool(root: Path) -> Iterator[WorkerPool]:
    environment = TargetEnvironment(
        python=Path(sys.executable),
        root=root,
        import_roots=(root,),
        timeout=5.0,
        import_timeout=5.0,
        memory=1 << 30,
    )
    with WorkerPool(environment, jobs=2) as pool:
        assert pool.unavailable is None
        yield pool


def stem(name: str) -> str:
    return name.replace("-", "_")


def ask(pool: WorkerPool, path: str, class_name: str = "Net", **fields: Any) -> dict[str, Any]:
    recipe = {
        "source": "given",
        "where": "here",
        "path": path,
        "class_name": class_name,
        "build": "Net()",
        "inputs": "(torch.ones(4, 3),), {}",
        "setup": "",
        "function": "",
        "labels": [],
    }
    request = {
        "op": "observe",
        "overlay": "disk",
        "path": path,
        "class": class_name,
        "recipe": recipe,
        "seed": 0,
        "repeat": 1,
        "raw": False,
        "load_keys": None,
    }
    return pool.submit({**request, **fields}).result(timeout=60)


def code_of(answer: dict[str, Any]) -> str | None:
    return answer["failure"]["code"] if "failure" in answer else None


def assert_still_works(pool: WorkerPool, root: Path) -> None:
    answers = [ask(pool, "good.py") for _ in range(2)]
    assert [code_of(answer) for answer in answers] == [None, None]
    assert answers[0]["observations"] == answers[1]["observations"]
    assert answers[0]["files"] == [str(root / "good.py")]


def processes_that_name(text: str) -> list[int]:
    """Processes with a text in their command line or their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                read = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if text.encode() in read:
                found.append(int(entry.name))
    return found


CASES = [
    pytest.param(name, code, id=name) for name, (_, code) in {**INIT, **FORWARD, **IMPORT}.items()
]


@pytest.mark.parametrize(("name", "code"), CASES)
def test_a_bad_model_costs_itself_alone(
    pool: WorkerPool, root: Path, name: str, code: str | None
) -> None:
    answer = ask(pool, f"{stem(name)}.py")
    assert code_of(answer) == code, answer.get("failure")
    if code is not None:
        assert "\n" not in answer["failure"]["message"]
        assert "_codemod_worker" not in answer["failure"]["message"]
    assert_still_works(pool, root)


def test_what_a_crash_says(pool: WorkerPool) -> None:
    assert "SIGSEGV" in ask(pool, "segfault.py")["failure"]["message"]
    assert "SIGABRT" in ask(pool, "aborts.py")["failure"]["message"]
    assert "code 7" in ask(pool, "exits_in_forward.py")["failure"]["message"]
    raised = ask(pool, "imports_what_is_gone.py")["failure"]["message"]
    assert "cannot import name 'gone'" in raised
    assert "imports_what_is_gone.py:2" in raised


def test_writes_and_deletes_nothing_outside_its_folder(pool: WorkerPool, root: Path) -> None:
    attacks = [
        f"open({str(root / 'new.txt')!r}, 'w')",
        f"open({str(root / 'good.py')!r}, 'a')",
        f"os.remove({str(root / 'good.py')!r})",
        f"os.rename({str(root / 'good.py')!r}, {str(root / 'bad.py')!r})",
        f"os.mkdir({str(root / 'folder')!r})",
        f"os.symlink('/', {str(root / 'link')!r})",
        f"os.truncate({str(root / 'good.py')!r}, 0)",
        f"os.chmod({str(root / 'good.py')!r}, 0)",
        f"os.utime({str(root / 'good.py')!r}, (0, 0))",
        f"shutil.rmtree({str(root)!r})",
        f"subprocess.run(['rm', {str(root / 'good.py')!r}], check=True)",
        "open(os.path.expanduser('~root') + '/codemod-was-here', 'w')",
    ]
    body = ["self.held = 0"]
    for attack in attacks:
        body += ["try:", f"    {attack}", "except (OSError, subprocess.SubprocessError):"]
        body += ["    self.held += 1"]
    body += [f"assert self.held == {len(attacks)}, self.held", "open('mine', 'w').write('x')"]
    (root / "attacks.py").write_text(model(init="\n".join(body)))
    before = {path: (path.read_bytes(), path.stat()) for path in root.iterdir() if path.is_file()}
    assert code_of(ask(pool, "attacks.py")) is None
    after = {path: (path.read_bytes(), path.stat()) for path in root.iterdir() if path.is_file()}
    assert after.keys() == before.keys()
    for path, (data, stat) in before.items():
        assert after[path][0] == data
        assert (after[path][1].st_mode, after[path][1].st_mtime_ns) == (
            stat.st_mode,
            stat.st_mtime_ns,
        )


def test_writes_nothing_at_import(pool: WorkerPool, root: Path) -> None:
    (root / "writes_at_import.py").write_text(model(top=f"open({str(root / 'log')!r}, 'w')"))
    seen = ask(pool, "writes_at_import.py")["observations"][0]["signature"]
    assert "PermissionError" in str(seen)
    assert not (root / "log").exists()
    assert not (root / "__pycache__").exists()


def test_opens_no_connection(pool: WorkerPool, root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        body = [
            "held = 0",
            "for attempt in (",
            f"    lambda: socket.create_connection(('127.0.0.1', {port})),",
            "    lambda: socket.getaddrinfo('example.org', 80),",
            "    lambda: socket.socket().bind(('127.0.0.1', 0)),",
            "    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9)),",
            "    lambda: subprocess.run([sys.executable, '-c', 'import socket;'",
            f"        'socket.create_connection((\"127.0.0.1\", {port}))'], check=True),",
            "):",
            "    try:",
            "        attempt()",
            "    except (OSError, subprocess.SubprocessError):",
            "        held += 1",
            "assert held == 5, held",
        ]
        (root / "connects.py").write_text(model(init="\n".join(body)))
        answer = ask(pool, "connects.py")
    assert code_of(answer) is None, answer.get("failure")


def test_no_process_outlives_a_run(pool: WorkerPool, root: Path, tmp_path: Path) -> None:
    """Neither a child, nor a child in a session of its own, nor a detached grandchild."""
    mark = f"codemod-mark-{os.getpid()}-{time.monotonic_ns()}"
    body = f"""\
    for own in (False, True):
        command = [sys.executable, '-c', 'import time; time.sleep(99)', {mark!r}]
        subprocess.Popen(command, start_new_session=own)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            subprocess.run(command)
        os._exit(0)"""
    (root / "spawns.py").write_text(model(init=textwrap.dedent(body)))
    assert code_of(ask(pool, "spawns.py")) is None
    assert processes_that_name(mark) == []


def test_a_search_does_not_wait_for_what_a_model_leaves_running(
    pool: WorkerPool, root: Path
) -> None:
    """What it started holds the pipe open on which the search answers."""
    mark = f"CODEMOD_MARK_{os.getpid()}_{time.monotonic_ns()}"
    body = f"""\
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            subprocess.run([sys.executable, '-c', 'import time; time.sleep(99)', {mark!r}])
        os._exit(0)"""
    (root / "detaches.py").write_text(model(forward=textwrap.dedent(body)))
    fields = {"candidates": [], "known": [], "wanted": [], "only_reaching": False, "budget": 10.0}
    answer = ask(pool, "detaches.py", op="recipe", observe=None, **fields)
    assert code_of(answer) is None, answer["failure"]
    assert processes_that_name(mark) == []


def test_threads_started_at_import_do_no_harm(pool: WorkerPool, root: Path) -> None:
    top = "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
    (root / "threads.py").write_text(model(top=top))
    assert code_of(ask(pool, "threads.py")) is None
    assert_still_works(pool, root)


def test_a_fork_at_import_answers_nothing(pool: WorkerPool, root: Path) -> None:
    (root / "forks_at_import.py").write_text(model(top="os.fork()"))
    assert code_of(ask(pool, "forks_at_import.py")) is None
    assert_still_works(pool, root)


def test_a_deadlock_is_ended(pool: WorkerPool, root: Path) -> None:
    body = "lock = threading.Lock()\nlock.acquire()\nlock.acquire()"
    (root / "deadlock.py").write_text(model(forward=body))
    failure = ask(pool, "deadlock.py")["failure"]
    assert failure["code"] == "timeout"
    assert "5 s" in failure["message"]
    assert "--timeout" in failure["hint"]
    assert_still_works(pool, root)


def test_a_failed_import_is_not_tried_again(pool: WorkerPool) -> None:
    first, second = (ask(pool, "imports_what_is_gone.py") for _ in range(2))
    assert first["failure"] == second["failure"]


def test_classes_that_cannot_be_found(pool: WorkerPool, root: Path) -> None:
    body = "def make():\n    class Inner: pass\n    return Inner\nclass Outer:\n    class Net: pass"
    (root / "local.py").write_text(body)
    assert code_of(ask(pool, "local.py", "Missing")) == "import-failed"
    assert code_of(ask(pool, "local.py", "make.Inner")) == "local-class"
    assert code_of(ask(pool, "local.py", "make.<locals>.Inner")) == "local-class"
    assert code_of(ask(pool, "absent.py")) == "import-failed"


COUNTING = model(top="COUNT = []", init="COUNT.append(1)").replace(
    "torch.relu(self.fc(x))", "torch.relu(self.fc(x)) + len(COUNT)"
)


def test_requests_share_nothing_and_the_runs_of_one_do(pool: WorkerPool, root: Path) -> None:
    (root / "counts.py").write_text(COUNTING)
    first, second = (ask(pool, "counts.py", repeat=2, attempt=n)["observations"] for n in (0, 1))
    assert first == second
    assert first[0]["eval"] != first[1]["eval"]


def test_order_by_address_is_seen_as_nondeterminism(pool: WorkerPool, root: Path) -> None:
    init = """\
    class Key:
        pass
    order = list({Key(): None for _ in range(1)})
    keys = {Key(): n for n in range(64)}
    self.order = [keys[key] for key in set(keys)]"""
    text = model(init=textwrap.dedent(init)).replace(
        "torch.relu(self.fc(x))", "torch.relu(self.fc(x)) + torch.tensor(self.order).float()[:2]"
    )
    (root / "by_address.py").write_text(text)
    first, second = ask(pool, "by_address.py", repeat=2)["observations"]
    assert first["eval"] != second["eval"]


def test_a_slot_that_dies_is_replaced(pool: WorkerPool, root: Path) -> None:
    """A model that finds and kills every process it may: the cage keeps it from the slot."""
    body = """\
    for entry in os.listdir('/proc'):
        if entry.isdigit() and int(entry) not in (1, os.getpid()):
            try:
                os.kill(int(entry), 0)
            except OSError:
                continue
            raise AssertionError('may signal ' + entry)"""
    (root / "kills.py").write_text(model(init=textwrap.dedent(body)))
    answer = ask(pool, "kills.py")
    assert code_of(answer) is None, answer["failure"]


def test_protection_is_named(pool: WorkerPool) -> None:
    words = {word.partition(":")[0] for word in pool.protection}
    everywhere = {"deadline", "memory-limit", "no-input", "no-network", "read-only"}
    assert words >= everywhere | {"scratch-directory"}


def test_secrets_of_the_tool_are_not_in_a_model(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its own variables nor in those of the processes that it comes from."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MY_SECRET", "geheim-4711")
    monkeypatch.setenv("DATA_FOLDER", "here")
    body = f"""\
    assert os.environ["DATA_FOLDER"] == "here"
    assert "geheim-4711" not in os.environ.values()
    pid = os.getppid()
    while pid > 1:
        try:
            assert b"geheim-4711" not in open(f"/proc/{{pid}}/environ", "rb").read()
            pid = int(open(f"/proc/{{pid}}/stat").read().rpartition(")")[2].split()[1])
        except OSError:
            break
    open(os.path.expanduser("~/mine"), "w").close()
    for path in ({str(home / "a")!r}, {str(home / ".bashrc")!r}):
        try:
            open(path, "w")
        except OSError:
            continue
        raise AssertionError(path)
    assert subprocess.run(["sh", "-c", "echo > {home}/b"]).returncode != 0"""
    (root / "secrets.py").write_text(model(init=textwrap.dedent(body)))
    with WorkerPool(environment_of(root), variables=["DATA_*"]) as pool:
        answer = ask(pool, "secrets.py")
    assert code_of(answer) is None, answer.get("failure")
    assert list(home.iterdir()) == []


def environment_of(root: Path, **fields: Any) -> TargetEnvironment:
    return TargetEnvironment(
        **{"python": Path(sys.executable), "root": root, "import_roots": (root,), **fields}
    )


def test_no_torch_is_one_sentence(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    python.chmod(0o755)
    (tmp_path / "good.py").write_text(GOOD)
    with WorkerPool(environment_of(tmp_path, python=python)) as pool:
        assert pool.unavailable is not None
        assert pool.unavailable.code == "no-torch"
        assert "torch cannot be imported by" in pool.unavailable.message
        assert "--python" in pool.unavailable.hint
        assert code_of(ask(pool, "good.py")) == "no-torch"


def test_an_interpreter_that_fails_is_a_worker_error(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho it is broken >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(WorkerError, match="it is broken"):
        WorkerPool(environment_of(tmp_path, python=python)).__enter__()
    with pytest.raises(WorkerError, match="cannot be started"):
        WorkerPool(environment_of(tmp_path, python=tmp_path / "absent")).__enter__()


def test_a_dead_host_is_said_once_and_nothing_stays(root: Path) -> None:
    with WorkerPool(environment_of(root), jobs=2) as pool:
        scratch = pool._scratch
        assert code_of(ask(pool, "good.py")) is None
        assert pool._host is not None
        host = pool._host.pid
        os.kill(host, 9)
        with pytest.raises(WorkerError, match="died") as first:
            ask(pool, "good.py")
        with pytest.raises(WorkerError) as second:
            ask(pool, "good.py")
        assert str(first.value) == str(second.value)
    assert not Path(scratch).exists()
    assert wait_until_gone(scratch)


def test_close_ends_what_still_runs(root: Path) -> None:
    with WorkerPool(environment_of(root, timeout=90.0), jobs=2) as pool:
        host = pool._host
        assert host is not None
        running = pool.submit(request_for("hangs_in_forward.py"))
        waiting = [pool.submit(request_for("hangs_in_forward.py")) for _ in range(3)]
        time.sleep(1)
        children = descendants(host.pid)
        assert children
    assert all(not Path(f"/proc/{pid}").exists() for pid in children)
    for future in [running, *waiting]:
        with pytest.raises(WorkerError):
            future.result(timeout=5)


def test_a_killed_tool_leaves_nothing(root: Path, tmp_path: Path) -> None:
    script = f"""
    import sys, time
    from pathlib import Path
    from codemod.verify.environment import TargetEnvironment
    from codemod.verify.pool import WorkerPool
    root = Path({str(root)!r})
    with WorkerPool(TargetEnvironment(Path(sys.executable), root, (root,))) as pool:
        print(pool._host.pid, flush=True)
        time.sleep(99)
    """
    tool = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert tool.stdout is not None
    host = int(tool.stdout.readline())
    known = [host, *descendants(host)]
    tool.kill()
    tool.wait()
    tool.stdout.close()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in known) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in known if Path(f"/proc/{pid}").exists()] == []
    assert list(tmp_path.glob("codemod-*")) == []


def request_for(path: str) -> dict[str, Any]:
    recipe = {"source": "given", "where": "", "build": "Net()", "inputs": "torch.ones(4, 3)"}
    return {"op": "observe", "overlay": "disk", "path": path, "class": "Net", "recipe": recipe}


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def wait_until_gone(text: str) -> bool:
    deadline = time.monotonic() + 10
    while processes_that_name(text) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_that_name(text)


def test_an_import_that_changes_torch_changes_it_for_its_own_file_alone(
    pool: WorkerPool, root: Path
) -> None:
    alone = ask(pool, "good.py")["observations"]
    for name, top in {
        "default_dtype": "import torch\ntorch.set_default_dtype(torch.float64)",
        "patches": "import torch\nold = torch.relu\ntorch.relu = lambda x: old(x) + 1",
        "no_grad": "import torch\ntorch.set_grad_enabled(False)",
    }.items():
        (root / f"{name}.py").write_text(model(top=top))
        changed = [ask(pool, f"{name}.py") for _ in range(2)]
        for answer in changed:
            answer.pop("attempts")  # a process that is shared tells what other files tried, too
        assert changed[0] == changed[1]
        assert changed[0]["observations"] != alone
        assert [ask(pool, "good.py")["observations"] for _ in range(2)] == [alone, alone]


def test_files_of_a_package_that_changes_torch_share_its_one_import(root: Path) -> None:
    tells = "y = self.fc(torch.relu(x)); return y.detach(), torch.tensor([os.getppid()])"
    of_process = HEADER + "import os\n" + model(forward=tells)
    package = root / "patching"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import torch\nold = torch.relu\ntorch.relu = lambda x: old(x) + 1"
    )
    for name in ("one", "two"):
        (package / f"{name}.py").write_text(of_process)
    (package / "three.py").write_text(of_process + "torch.set_default_dtype(torch.float64)\n")
    (root / "beside.py").write_text(of_process)
    environment = TargetEnvironment(Path(sys.executable), root, (root,))
    with WorkerPool(environment, jobs=1) as pool:
        names = ["patching/one", "patching/two", "patching/three", "patching/two", "beside"]
        seen = [ask(pool, f"{name}.py")["observations"][0]["eval"] for name in names]
    outputs = [one["dict"][0][1]["tuple"] for one in seen]
    results, processes = zip(*outputs, strict=True)
    assert processes[0] == processes[1]
    assert len({str(one) for one in processes[2:]}) == 3
    assert results[0] == results[1] == results[3]
    assert results[2]["tensor"]["dtype"] == "float64"
    assert results[4] != results[0]


def test_an_overlay_runs_and_says_what_it_reached(pool: WorkerPool, root: Path) -> None:
    before = ask(pool, "good.py")["observations"]
    text = GOOD.replace("torch.relu(", "torch.tanh(")
    at = text[: text.index("torch.tanh")].count("\n") + 1
    wide = len("        return ")
    located = ["expression", at, wide, at, wide + len("torch.tanh(self.fc(x))")]
    pool.define("one", {str(root / "good.py"): text}, {str(root / "good.py"): [["k:0", *located]]})
    answer = ask(pool, "good.py", overlay="one")
    assert answer["witnesses"] == ["k:0"]
    assert answer["unlocated"] == []
    assert answer["observations"] != before
    pool.define("one", {str(root / "good.py"): GOOD}, {})
    again = ask(pool, "good.py", overlay="one")
    assert again["witnesses"] == []
    assert again["observations"] == before
    pool.forget("one")
    assert ask(pool, "good.py")["observations"] == before


def test_a_recipe_is_found_and_runs(pool: WorkerPool, root: Path) -> None:
    request = {"op": "recipe", "overlay": "disk", "path": "good.py", "class": "Net"}
    found = pool.submit({**request, "candidates": [], "known": [], "budget": 5.0}).result(
        timeout=60
    )
    assert found["recipe"]["source"] == "synthesised"
    assert found["recipe"]["path"] == "good.py"
    assert code_of(ask(pool, "good.py", recipe=found["recipe"])) is None


def test_a_model_that_needs_a_missing_package_says_which(pool: WorkerPool, root: Path) -> None:
    (root / "needs.py").write_text(model(top="import absent_package", init="absent_package.go()"))
    (root / "imports.py").write_text(model(top="import absent_package"))
    failure = ask(pool, "needs.py")["failure"]
    assert failure["code"] == "needs-package"
    assert "absent_package" in failure["message"]
    assert ask(pool, "imports.py")["stubs"] == ["absent_package"]


TOUCHES = {
    "built": {"init": "absent_package.Layer()"},
    "called": {"forward": "absent_package.go(x)"},
    "given-to-torch": {"top": "SIZE = absent_package.size", "init": "self.fc = nn.Linear(SIZE, 2)"},
    "built-where-asked": {"init": "(absent_package.Layer if deep else nn.Identity)()"},
}


@pytest.mark.parametrize("how", TOUCHES.values(), ids=TOUCHES.keys())
def test_a_search_names_the_missing_package(
    pool: WorkerPool, root: Path, how: dict[str, str]
) -> None:
    (root / "needs_more.py").write_text(
        "import torch\nfrom torch import nn\nimport absent_package\n"
        f"{how.get('top', '')}\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, deep=True):\n"
        "        super().__init__()\n"
        f"        {how.get('init', 'self.fc = nn.Linear(2, 2)')}\n"
        "    def forward(self, x):\n"
        f"        return {how.get('forward', 'torch.relu(x)')}\n"
    )
    request = {"op": "recipe", "overlay": "disk", "path": "needs_more.py", "class": "Net"}
    found = pool.submit({**request, "candidates": [], "known": [], "budget": 20.0})
    answer = found.result(timeout=60)
    if "recipe" in answer:  # the flag that does without it
        assert answer["recipe"]["build"] == "Net(deep=False)"
    else:
        assert answer["failure"]["code"] == "needs-package"
        assert "absent_package" in answer["failure"]["message"]


def test_a_file_of_a_package_that_does_not_import_fails_whatever_was_asked_before(
    pool: WorkerPool, root: Path
) -> None:
    (root / "halfway").mkdir()
    (root / "halfway" / "__init__.py").write_text(
        "from . import one, two, three\nraise ImportError('no')\n"
    )
    names = ("one", "two", "three")
    for name in names:
        (root / "halfway" / f"{name}.py").write_text(model())
    for name in (*names, *names):
        assert code_of(ask(pool, f"halfway/{name}.py", module=f"halfway.{name}")) == "import-failed"


def test_scripts_of_two_folders_have_each_their_own_helpers(tmp_path: Path) -> None:
    for folder, size in (("a", 2), ("b", 5)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper.py").write_text(f"SIZE = {size}\n")
        text = GOOD.replace("import torch\n", "import torch\nfrom helper import SIZE\n", 1)
        (tmp_path / folder / "net.py").write_text(text.replace("Linear(3, 2)", "Linear(3, SIZE)"))
    environment = TargetEnvironment.of(Path(sys.executable), tmp_path, ["a/net.py", "b/net.py"])
    with WorkerPool(environment) as pool:
        seen = {
            folder: ask(pool, f"{folder}/net.py")["observations"][0]["state_dict"]["dict"]
            for folder in ("a", "b", "a")
        }
    shapes = {folder: [tree["tensor"]["shape"] for _, tree in seen[folder]] for folder in seen}
    assert shapes == {"a": [[2, 3], [2]], "b": [[5, 3], [5]]}
