"""What the worker answered in earlier runs, kept on disk for as long as nothing changed.

An answer is used again for the same request, to the same interpreter with the same packages, by
the same codemod, if all that it depends on (`dependencies`) is as it was. Whatever is wrong with
a file of the memory is a miss.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codemod.results import Attempt, Recipe
from codemod.verify import dependencies
from codemod.verify.dependencies import States, Unknowable
from codemod.verify.environment import TargetEnvironment
from codemod.verify.runs import Answer, Overlay
from codemod.verify.variables import for_models

_MOST_BYTES = 512 * 1024**2
_MOST_ENTRIES = 8  # of one request: one for each text of the files that it saw
_CLOCK_NS = 20_000_000  # by which a file's time may lag behind the clock
_STALE_SECONDS = 3600.0  # after which a temporary file belongs to nobody
# Read by torch and the loader of programs, beneath what Python can be told of.
_READ_BY_C = ("ATEN_", "DNNL_", "KMP_", "LD_", "MKL_", "OMP_", "ONEDNN_", "PYTORCH_", "TORCH_")
# What a busy machine may cause: it says nothing about the next run.
_PASSING = frozenset({"timeout", "memory", "crashed", "no-torch", "internal"})


@dataclass(frozen=True)
class Machine:
    """An interpreter, as its worker described itself. `path`: its `sys.path`."""

    python: str
    torch: str
    protection: tuple[str, ...]
    path: tuple[str, ...]


class Memory:
    """The answers kept in a folder, for one target environment.

    `recall` and `keep` know nothing until `machine` is: from an earlier run, or `met`.
    """

    def __init__(
        self, folder: Path, environment: TargetEnvironment, variables: Iterable[str] = ()
    ) -> None:
        """`variables`: names or patterns of those that models may see beyond the harmless."""
        self._folder = folder
        self._environment = environment
        self._variables = for_models(os.environ, tuple(variables))
        self._states = States(variables=self._variables)
        since = time.time_ns() - _CLOCK_NS
        self._states_to_keep = States(since=since, variables=self._variables)
        self._program = dependencies.sources(Path(__file__).parent.parent)
        self._key = ""
        self.machine = self._remembered()

    # The interpreter

    def met(self, machine: Machine) -> None:
        """The worker runs: this is what it said of itself."""
        self.machine = machine
        self._key = self._key_of(machine)
        entry = {**dataclasses.asdict(machine), "key": self._key}
        self._write(self._interpreter_file(), entry)

    def _remembered(self) -> Machine | None:
        entry = self._read(self._interpreter_file())
        try:
            machine = Machine(
                str(entry["python"]),
                str(entry["torch"]),
                tuple(entry["protection"]),
                tuple(entry["path"]),
            )
        except (KeyError, TypeError):
            return None
        self._key = self._key_of(machine)
        return machine if self._key == entry.get("key") else None

    def _interpreter_file(self) -> str:
        python = self._environment.python
        said = [str(python), os.path.realpath(python), platform.machine(), self._program]
        said += [self._variables.get(name, "") for name in ("PYTHONPATH", "PYTHONHOME")]
        for file in (python, python.parent.parent / "pyvenv.cfg"):
            with contextlib.suppress(OSError):
                status = file.stat()
                said += [f"{status.st_size} {status.st_mtime_ns}"]
        return _name_of(said)

    def _key_of(self, machine: Machine) -> str:
        """What all answers of a run depend on."""
        environment = self._environment
        return _name_of(
            [
                self._interpreter_file(),
                machine.python,
                machine.torch,
                dependencies.installation(machine.path),
                str(environment.root),
                *(f"{k}={v}" for k, v in sorted(self._variables.items()) if _is_read_by_c(k)),
                f"{environment.timeout} {environment.import_timeout} {environment.memory}",
            ]
        )

    # Answers

    def recall(self, request: Mapping[str, object], overlay: Overlay) -> Answer | None:
        """The answer to the same request, if nothing that it hangs on has changed."""
        if self.machine is None:
            return None
        for entry in self._entries(self._request_file(request)):
            with contextlib.suppress(Exception):
                if self._holds(entry["states"], overlay):
                    return _as_answer(entry["answer"])
        return None

    def keep(self, request: Mapping[str, object], overlay: Overlay, answer: Answer) -> None:
        """Remember an answer of which all that it depends on is known."""
        if self.machine is None or answer.depends is None or _is_passing(request, answer):
            return
        try:
            states = {one: _state(one, overlay, self._states_to_keep) for one in answer.depends}
        except (Unknowable, OSError):
            return
        name = self._request_file(request)
        others = [one for one in self._entries(name) if one.get("states") != states]
        entry = {"states": states, "answer": _as_json(answer)}
        self._write(name, {"entries": [entry, *others][:_MOST_ENTRIES]})

    def forget_old(self) -> None:
        """Keep the folder below its largest size: the least recently written go first."""
        with contextlib.suppress(OSError):
            found = [(entry, entry.stat()) for entry in os.scandir(self._folder)]
            found.sort(key=lambda pair: pair[1].st_mtime, reverse=True)
            total = 0
            for entry, status in found:
                total += status.st_size
                age = time.time() - status.st_mtime
                if total > _MOST_BYTES or (entry.name.startswith(".") and age > _STALE_SECONDS):
                    os.unlink(entry.path)

    def _holds(self, states: Mapping[str, str], overlay: Overlay) -> bool:
        return all(_state(one, overlay, self._states) == was for one, was in states.items())

    def _entries(self, name: str) -> list[dict[str, Any]]:
        entries = self._read(name).get("entries")
        return (
            [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
        )

    def _request_file(self, request: Mapping[str, object]) -> str:
        asked = {key: value for key, value in request.items() if key != "overlay"}
        target = self._environment.locate(str(request["path"]))
        said = [self._key, json.dumps(asked, sort_keys=True), target.module, *target.roots]
        return _name_of(said)

    # Files: a digest of the content, then the content

    def _read(self, name: str) -> dict[str, Any]:
        try:
            data = (self._folder / name).read_bytes()
            if hashlib.sha256(data[32:]).digest() != data[:32]:
                return {}
            content = json.loads(zlib.decompress(data[32:]))
        except (OSError, ValueError, zlib.error):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        data = zlib.compress(json.dumps(content).encode(), 1)
        temporary = self._folder / f".{os.getpid()}-{os.urandom(4).hex()}"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(hashlib.sha256(data).digest() + data)
                os.replace(temporary, self._folder / name)
            finally:
                temporary.unlink(missing_ok=True)


def _is_read_by_c(variable: str) -> bool:
    return variable.startswith(_READ_BY_C)


def _is_passing(request: Mapping[str, object], answer: Answer) -> bool:
    """Whether an answer may be another next time though nothing changed.

    A search that ran out of its time is no such: its time is part of the request.
    """
    code = str((answer.failure or {}).get("code", ""))
    return code in _PASSING and not (request["op"] == "recipe" and code == "timeout")


def _state(dependency: str, overlay: Overlay, states: States) -> str:
    kind, _, name = dependency.partition(":")
    if kind == "path" and name in overlay.files:
        return "overlay " + overlay.signature([name])
    if kind == "path" and name in overlay.witnesses:
        return f"watched {overlay.signature([name])} {states.of(dependency)}"
    return states.of(dependency)


def _as_json(answer: Answer) -> dict[str, Any]:
    return {
        "failure": dict(answer.failure) if answer.failure is not None else None,
        "recipe": dataclasses.asdict(answer.recipe) if answer.recipe is not None else None,
        "witnesses": sorted(answer.witnesses),
        "files": sorted(answer.files),
        "stubs": list(answer.stubs),
        "attempts": [dataclasses.asdict(one) for one in answer.attempts],
        "packed": base64.b64encode(answer.packed).decode("ascii"),
        "contains": sorted(answer.contains),
    }


def _as_answer(data: Mapping[str, Any]) -> Answer:
    recipe = data["recipe"]
    if recipe is not None:
        recipe = Recipe(**{**recipe, "labels": tuple(recipe["labels"])})
    return Answer(
        failure=data["failure"],
        recipe=recipe,
        witnesses=frozenset(data["witnesses"]),
        files=frozenset(data["files"]),
        stubs=tuple(data["stubs"]),
        attempts=tuple(Attempt(**one) for one in data["attempts"]),
        packed=base64.b64decode(data["packed"]),
        contains=frozenset((file, name) for file, name in data["contains"]),
    )


def _name_of(texts: Iterable[str]) -> str:
    said = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogateescape"))
    return said.hexdigest()[:40]
