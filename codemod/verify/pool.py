"""The tool's side of the worker: a host process, its slots, and a thread for each slot.

A fault of the user's code is an answer with a `failure`. `WorkerError` means that the worker
itself is at fault; it is raised once the host is gone, and by everything that is asked after that.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any

from codemod.errors import WorkerError
from codemod.results import Reason
from codemod.verify.environment import TargetEnvironment
from codemod.verify.variables import for_models

_MAIN = Path(__file__).parent / "worker" / "__main__.py"
_START_TIMEOUT = 180.0
_HELLO_TIMEOUT = 60.0
_GRACE = 30.0
_END_TIMEOUT = 5.0
_MOST_PASSED_OVER = 16

DISK = "disk"


class WorkerPool:
    """Runs requests in the target's interpreter, `jobs` at a time. A context manager.

    `variables`: names or patterns of environment variables that models may see beyond the harmless.
    `unavailable` says why no model can be run at all (no torch, say), and is None otherwise;
    then every request is answered with it as its failure.
    """

    def __init__(
        self,
        environment: TargetEnvironment,
        jobs: int = 1,
        timeout: float | None = None,
        memory: int | None = None,
        variables: Sequence[str] = (),
    ) -> None:
        self._environment = environment
        self._timeout = environment.timeout if timeout is None else timeout
        self._memory = environment.memory if memory is None else memory
        self._variables = for_models(os.environ, variables)
        self._queue = _Queue()
        self._overlays: dict[str, dict[str, Any]] = {}
        self._slots = [_Slot(self, number) for number in range(max(1, jobs))]
        self._host: _Host | None = None
        self._scratch = ""
        self.unavailable: Reason | None = None
        self.python: str | None = None
        self.torch: str | None = None
        self.protection: tuple[str, ...] = ()
        self.path: tuple[str, ...] = ()

    def __enter__(self) -> WorkerPool:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def define(
        self,
        overlay: str,
        files: Mapping[str, str],
        witnesses: Mapping[str, list[list[object]]],
    ) -> None:
        """Make an overlay known: absolute path -> text, and the witnesses in them.

        A slot is told before it first uses it.
        """
        self._overlays[overlay] = {
            "op": "overlay",
            "overlay": overlay,
            "files": dict(files),
            "witnesses": dict(witnesses),
        }

    def forget(self, overlay: str) -> None:
        """End the processes that serve an overlay, once what they run is done."""
        self._overlays.pop(overlay, None)
        for slot in self._slots:
            slot.stale.add(overlay)
        self._queue.wake()

    def submit(self, request: Mapping[str, object]) -> Future[dict[str, Any]]:
        """Have a `recipe` or `observe` request answered by some slot.

        `roots` and `module` are added where they are missing. The future raises WorkerError.
        """
        job = _Job(self._completed(request))
        if self.unavailable is not None:
            job.future.set_result({"failure": _as_failure(self.unavailable)})
        else:
            self._queue.put(job)
        return job.future

    def close(self) -> None:
        """End all processes and forget what waits. Can be called again.

        An interrupt does not keep it from its end.
        """
        try:
            self._close()
        except KeyboardInterrupt:
            self._close()
            raise

    def _close(self) -> None:
        self._queue.close(WorkerError("the worker pool is closed"))
        if self._host is not None:
            self._host.end()
        for slot in self._slots:
            slot.join()
        self._host = None
        if self._scratch:
            _remove(self._scratch)
            self._scratch = ""

    def _start(self) -> None:
        self._open_host()
        assert self._host is not None
        said = self._host.first_word()
        if "unavailable" in said:
            self.unavailable = Reason(**said["unavailable"])
            return
        self.python, self.torch = said["ready"]["python"], said["ready"]["torch"]
        hello = self._slots[0].connect(self._host, self._settings())
        self.protection = tuple(hello["protection"])
        self.path = tuple(hello["path"])
        for slot in self._slots:
            slot.start(self._host, self._settings())

    def _open_host(self) -> None:
        try:
            # Named before it is there, so that an interrupt right after leaves nothing behind.
            self._scratch = os.path.join(tempfile.gettempdir(), f"codemod-{uuid.uuid4().hex}")
            # Slots of root become users of their own, who have to get to their folders.
            os.mkdir(self._scratch, 0o711)
            log = Path(self._scratch) / "host.log"
            self._host = _Host(self._environment.python, log, self._variables)
            self._host.start()
        except OSError as error:
            because = error.strerror or error
            raise WorkerError(
                f"no temporary folder can be written: {because}; set TMPDIR"
            ) from None

    def _settings(self) -> dict[str, Any]:
        return {
            "root": str(self._environment.root),
            "scratch": os.path.realpath(self._scratch),
            "timeout": self._timeout,
            "import_timeout": max(self._environment.import_timeout, self._timeout),
            "memory": self._memory,
        }

    def _completed(self, request: Mapping[str, object]) -> dict[str, Any]:
        target = self._environment.locate(str(request["path"]))
        path = str(self._environment.root / str(request["path"]))
        added = {"module": target.module, "roots": list(target.roots)}
        return {**added, **request, "path": path}

    def _definition(self, overlay: str) -> dict[str, Any] | None:
        return self._overlays.get(overlay)

    def _longest(self, request: Mapping[str, Any]) -> float:
        """Seconds after which a slot that has not answered is broken."""
        once = self._timeout + float(request.get("budget") or 0)
        then: Mapping[str, Any] = request.get("observe") or {}
        runs = once * int(request.get("repeat") or 1) + self._timeout * int(then.get("repeat") or 0)
        return float(self._settings()["import_timeout"]) + runs + _GRACE

    def _host_is_gone(self, error: WorkerError) -> None:
        self._queue.close(error)


class _Job:
    """A request on its way to an answer."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.future: Future[dict[str, Any]] = Future()
        self.passed_over = 0

    @property
    def key(self) -> tuple[str, str]:
        """What a slot must have imported to start on it at once."""
        return (str(self.request["overlay"]), str(self.request["path"]))


class _Queue:
    """The jobs that wait. A slot takes first what it has imported already."""

    def __init__(self) -> None:
        self._jobs: list[_Job] = []
        self._owner: dict[tuple[str, str], int] = {}
        self._changed = threading.Condition()
        self._error: WorkerError | None = None

    def put(self, job: _Job) -> None:
        with self._changed:
            if self._error is not None:
                job.future.set_exception(self._error)
                return
            self._jobs.append(job)
            self._changed.notify_all()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def take(self, slot: int, imported: set[tuple[str, str]]) -> _Job | None:
        """The next job for a slot: waits for one, None once the queue is closed."""
        with self._changed:
            while self._error is None:
                self._jobs = [job for job in self._jobs if not job.future.cancelled()]
                job = self._choose(slot, imported)
                if job is not None:
                    self._jobs.remove(job)
                    if job.future.set_running_or_notify_cancel():
                        self._owner[job.key] = slot
                        return job
                    continue
                self._changed.wait()
            return None

    def _choose(self, slot: int, imported: set[tuple[str, str]]) -> _Job | None:
        """One that this slot has imported, one that no other has, the oldest; nothing starves."""
        if not self._jobs:
            return None
        oldest = self._jobs[0]
        if oldest.passed_over >= _MOST_PASSED_OVER:
            return oldest
        own = next((job for job in self._jobs if job.key in imported), None)
        free = next((job for job in self._jobs if self._owner.get(job.key, slot) == slot), None)
        chosen = own or free or oldest
        if chosen is not oldest:
            oldest.passed_over += 1
        return chosen

    def close(self, error: WorkerError) -> None:
        with self._changed:
            if self._error is None:
                self._error = error
            waiting, self._jobs = self._jobs, []
            self._changed.notify_all()
        for job in waiting:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(self._error)

    @property
    def error(self) -> WorkerError | None:
        return self._error


class _Host:
    """The host process and the socket that commands it."""

    def __init__(self, python: Path, log: Path, variables: Mapping[str, str]) -> None:
        self._python = python
        self._log = log
        self._variables = variables
        self._control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._failed: BaseException | None = None
        self._begun, self._over = False, threading.Event()

    def start(self) -> None:
        """Raises WorkerError where the interpreter can't be started.

        In a thread: an interrupt between the fork and the answer would leave a host that nobody
        knows of.
        """
        self._begun = True
        threading.Thread(target=self._start, name="codemod-start", daemon=True).start()
        self._over.wait()
        if self._failed is not None:
            raise self._failed

    def _start(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self._failed = error
        finally:
            self._over.set()

    def _run(self) -> None:
        with self._theirs as theirs, self._log.open("wb") as errors:
            try:
                self._process = subprocess.Popen(
                    [str(self._python), str(_MAIN), "--control", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    # Where torch makes a folder when it is imported.
                    env={**self._variables, "TORCHINDUCTOR_CACHE_DIR": str(self._log.parent)},
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except OSError as error:
                raise WorkerError(f"{self._python} cannot be started: {error.strerror}") from None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def first_word(self) -> dict[str, Any]:
        """`ready` or `unavailable`, once torch is imported."""
        self._control.settimeout(_START_TIMEOUT)
        try:
            data = self._control.recv(1 << 20)
        except TimeoutError:
            raise WorkerError(
                f"{self._python} took more than {_START_TIMEOUT:g} s to import torch"
            ) from None
        except OSError:
            data = b""
        if not data:
            raise self.gone("ended before it was ready")
        said: dict[str, Any] = json.loads(data)
        return said

    def start_slot(self, number: int, settings: dict[str, Any]) -> socket.socket:
        """Fork a slot afresh; the socket to it."""
        ours, theirs = socket.socketpair()
        message = json.dumps({"start": number, "settings": settings}).encode()
        with theirs, self._lock:
            try:
                socket.send_fds(self._control, [message], [theirs.fileno()])
            except OSError:
                ours.close()
                raise self.gone("died") from None
        return ours

    def gone(self, what: str) -> WorkerError:
        """The one sentence about a host that died."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        said = self._log.read_text("utf-8", "replace").strip().splitlines()
        because = f": {said[-1]}" if said else f" (status {self._process.returncode})"
        return WorkerError(f"the worker {self._python} {what}{because}")

    def is_alive(self) -> bool:
        """Whether it still runs: a dying one is given a moment."""
        assert self._process is not None
        try:
            self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            return True
        return False

    def end(self) -> None:
        """Have it end its slots and itself. Can be called again."""
        if self._begun:
            self._over.wait(_END_TIMEOUT)
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        self._theirs.close()
        if self._process is None:
            return
        try:
            self._process.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Slot:
    """One slot and the thread that feeds it."""

    def __init__(self, pool: WorkerPool, number: int) -> None:
        self._pool = pool
        self._number = number
        self._thread = threading.Thread(target=self._serve, name=f"codemod-{number}", daemon=True)
        self._line: _Line | None = None
        self._host: _Host
        self._settings: dict[str, Any] = {}
        self._defined: dict[str, dict[str, Any]] = {}
        self._imported: set[tuple[str, str]] = set()
        self.stale: set[str] = set()

    def connect(self, host: _Host, settings: dict[str, Any]) -> dict[str, Any]:
        """Have the slot forked; what it says of itself. Raises WorkerError."""
        self._host, self._settings = host, settings
        self._line = _Line(host.start_slot(self._number, settings))
        self._defined, self._imported = {}, set()
        try:
            return self._line.ask({"op": "hello"}, _HELLO_TIMEOUT)
        except (OSError, ValueError):
            raise host.gone("died") from None

    def start(self, host: _Host, settings: dict[str, Any]) -> None:
        self._host, self._settings = host, settings
        self._thread.start()

    def join(self) -> None:
        if self._thread.is_alive():
            self._thread.join()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _serve(self) -> None:
        while (job := self._pool._queue.take(self._number, self._imported)) is not None:
            try:
                answer = self._answer(job)
            except WorkerError as error:
                self._pool._host_is_gone(error)
                job.future.set_exception(self._pool._queue.error or error)
                return
            except BaseException as error:
                job.future.set_exception(WorkerError(f"the worker failed: {error!r}"))
            else:
                job.future.set_result(answer)

    def _answer(self, job: _Job) -> dict[str, Any]:
        if self._line is None:
            self.connect(self._host, self._settings)
        assert self._line is not None
        try:
            self._refresh(str(job.request["overlay"]))
            answer = self._line.ask(job.request, self._pool._longest(job.request))
        except (OSError, ValueError) as error:
            return self._lost(job, error)
        self._imported.add(job.key)
        return answer

    def _refresh(self, overlay: str) -> None:
        """Tell the slot of overlays that are gone, and of the one to use now."""
        assert self._line is not None
        while self.stale:
            gone = self.stale.pop()
            if self._defined.pop(gone, None) is not None:
                self._line.ask({"op": "forget", "overlay": gone}, _HELLO_TIMEOUT)
                self._imported = {key for key in self._imported if key[0] != gone}
        definition = self._pool._definition(overlay)
        if definition is not None and self._defined.get(overlay) is not definition:
            self._line.ask(definition, _HELLO_TIMEOUT)
            self._defined[overlay] = definition

    def _lost(self, job: _Job, error: Exception) -> dict[str, Any]:
        """A slot that died or hangs: the next job gets a new one, this one its failure."""
        assert self._line is not None
        self._line.close()
        self._line = None
        if self._pool._queue.error is not None:
            raise self._pool._queue.error
        if not self._host.is_alive():
            raise self._host.gone("died")
        if isinstance(error, TimeoutError):
            code, what = "timeout", "did not answer in time"
        else:
            code, what = "crashed", "died"
        message = f"the process that confirms {job.request.get('class')} {what}"
        return {"failure": {"code": code, "message": message, "hint": ""}}


class _Line:
    """One JSON object a line, there and back."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._rest = b""
        self._asked = 0

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer. Raises OSError where the slot is gone or late, ValueError for no answer."""
        self._asked += 1
        data = json.dumps({**request, "id": self._asked}).encode() + b"\n"
        self._channel.settimeout(seconds)
        self._channel.sendall(data)
        answer: dict[str, Any] = json.loads(self._read())
        if answer.pop("id", None) != self._asked:
            raise ValueError("the answer is to another request")
        return answer

    def _read(self) -> bytes:
        chunks = [self._rest]
        while b"\n" not in chunks[-1]:
            chunk = self._channel.recv(1 << 20)
            if not chunk:
                raise ConnectionError("the slot is gone")
            chunks.append(chunk)
        line, _, self._rest = b"".join(chunks).partition(b"\n")
        return line

    def close(self) -> None:
        self._channel.close()


def _as_failure(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "message": reason.message, "hint": reason.hint}


def _remove(folder: str) -> None:
    """Remove a folder whatever a model made of the rights in it."""

    def allow(function: Any, path: str, _error: Any) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(path), 0o700)
            os.chmod(path, 0o700)
            function(path)

    shutil.rmtree(folder, onerror=allow)
