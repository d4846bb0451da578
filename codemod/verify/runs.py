"""Runs recipes on overlays: nothing is run twice needlessly, and nothing past the budget.

A job is a generator that yields requests and is sent their answers. Many jobs run side by side,
each waiting for one request at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from codemod.errors import WorkerError
from codemod.results import Attempt, Composition, Located, Recipe
from codemod.source.text import SourceText
from codemod.verify.differences import Tree

T = TypeVar("T")
Key = TypeVar("Key", bound=Hashable)

DISK = "disk"
_BESIDE = ".codemod-beside.py"  # no file; it makes an overlay another
_NO_RECIPE = Recipe("given", "", "", "")
_MORE_BUDGET = 10.0  # seconds for a recipe beyond the first


class Pool(Protocol):
    """What confirming needs of a worker pool."""

    @property
    def protection(self) -> tuple[str, ...]: ...

    @property
    def torch(self) -> str | None: ...

    def define(
        self,
        overlay: str,
        files: Mapping[str, str],
        witnesses: Mapping[str, list[list[object]]],
    ) -> None: ...

    def forget(self, overlay: str) -> None: ...

    def submit(self, request: Mapping[str, object]) -> Future[dict[str, Any]]: ...


class Memory(Protocol):
    """Answers of earlier runs; see `memory`."""

    def recall(self, request: Mapping[str, object], overlay: Overlay) -> Answer | None: ...

    def keep(self, request: Mapping[str, object], overlay: Overlay, answer: Answer) -> None: ...


class BudgetSpent(Exception):
    """The time for the run is over; thrown into jobs that ask for more."""


@dataclass(frozen=True)
class Overlay:
    """What a set of rewrites makes of the project, as the worker wants it.

    `files` and `witnesses` are keyed by absolute path; a file may be watched as it is on the disk.
    `keys`: by rewrite those of its witnesses; `put_there`, `taken_away`: of the further places
    that it brings, or, where it is left out, would take away. `lines`: of those, (path, line).
    """

    ids: frozenset[str]
    files: Mapping[str, str]
    witnesses: Mapping[str, list[list[object]]]
    keys: Mapping[str, tuple[str, ...]]
    put_there: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    taken_away: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lines: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        return self.signature(None)[:16] if self._digests else DISK

    def signature(self, paths: Iterable[str] | None) -> str:
        """A digest of what the overlay holds for these absolute paths; None: for all."""
        chosen = self._digests.keys() if paths is None else self._digests.keys() & set(paths)
        digests = "".join(self._digests[path] for path in sorted(chosen))
        return hashlib.sha256(digests.encode()).hexdigest()

    @cached_property
    def _digests(self) -> dict[str, str]:
        digests = {}
        for path in (*self.files, *(self.witnesses.keys() - self.files.keys())):
            part = json.dumps([path, self.files.get(path), self.witnesses.get(path, [])])
            digests[path] = hashlib.sha256(part.encode()).hexdigest()
        return digests


@dataclass(frozen=True)
class Model:
    """A class that can be asked for: path relative to the root, qualified name in the file."""

    path: str
    class_name: str

    def __str__(self) -> str:
        return self.class_name or self.path


@dataclass(frozen=True)
class FindRecipe:
    """A recipe other than the `known` ones, for lines that none of those reaches.

    `wanted`: the places, as path relative to the root, line and column. `only_reaching`: the first
    recipe, too, must reach one. `observed`: the process that searched also answers `observation`.
    """

    overlay: Overlay
    model: Model
    known: tuple[Recipe, ...] = ()
    wanted: tuple[tuple[str, int, int], ...] = ()
    only_reaching: bool = False
    observed: bool = False

    @property
    def key(self) -> Hashable:
        return ("recipe", self.model, self.known, self.wanted, self.only_reaching)

    def observation(self, recipe: Recipe) -> Observe:
        """Two runs of what was found, on the same overlay."""
        return Observe(self.overlay, self.model, recipe, repeat=2)


@dataclass(frozen=True)
class Observe:
    """`attempt`: anything above 0 asks for a fresh process although the answer is known.

    `sets`: the other sets of inputs to run; None: the worker chooses. `located`: those of which
    each operator's line is to be told; an empty name stands for the recipe's own inputs.
    """

    overlay: Overlay
    model: Model
    recipe: Recipe
    load_keys: str = ""  # JSON
    repeat: int = 1
    raw: bool = False
    attempt: int = 0
    sets: tuple[str, ...] | None = None
    located: tuple[str, ...] = ()

    @property
    def key(self) -> Hashable:
        return (
            "observe",
            self.model,
            self.recipe,
            self.load_keys,
            self.repeat,
            self.raw,
            self.attempt,
            self.sets,
            self.located,
        )


@dataclass(frozen=True)
class Record:
    """Recipes for what takes part in a model that runs."""

    overlay: Overlay
    model: Model
    recipe: Recipe

    @property
    def key(self) -> Hashable:
        return ("record", self.model, self.recipe)


@dataclass(frozen=True)
class RunOnTerms:
    """`modes`: whether in train mode, for each. `before`: JSON of what to be held against."""

    overlay: Overlay
    model: Model
    modes: tuple[bool, ...]
    before: str = ""

    @property
    def key(self) -> Hashable:
        return ("symbolic", self.model, self.modes, self.before)


Request = FindRecipe | Observe | Record | RunOnTerms


@dataclass(frozen=True)
class Answer:
    """What the worker said. Observations are kept packed: a run may hold thousands."""

    failure: Mapping[str, Any] | None = None
    recipe: Recipe | None = None
    witnesses: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()  # absolute
    stubs: tuple[str, ...] = ()
    packed: bytes = b""
    attempts: tuple[Attempt, ...] = ()  # with absolute paths
    depends: frozenset[str] | None = None  # on what else than files; None: it is not known
    contains: frozenset[tuple[str, str]] = frozenset()  # file and name of a model's classes

    def observations(self) -> list[dict[str, Tree]]:
        found: list[dict[str, Tree]] = json.loads(zlib.decompress(self.packed))
        return found

    def observation(self) -> dict[str, Tree]:
        return self.observations()[0]

    def recorded(self) -> list[Recipe]:
        """What a `Record` found; nothing where the model did not run."""
        if not self.packed:
            return []
        found: list[dict[str, Any]] = self.observations()
        return [_as_recipe(one) for one in found[0]["recorded"]]


Job = Generator[Request, Answer, T]


def packed(observations: object) -> bytes:
    """Observations as an answer keeps them."""
    return zlib.compress(json.dumps(observations).encode(), 1)


def load_keys(observation: Mapping[str, Tree]) -> str:
    """Keys, shapes and dtypes of a state_dict, for the `load` aspect of an after run; empty for
    a model that could not be built."""
    if "state_dict" not in observation:
        return ""
    return json.dumps(_without_values(observation["state_dict"]))


@dataclass(frozen=True)
class Project:
    """Where the code lies. `module_of`: path relative to the root -> dotted name."""

    root: Path
    module_of: Callable[[str], str]


@dataclass
class Runner:
    """Sends requests to the pool for many jobs at once and remembers the answers."""

    pool: Pool
    project: Project
    compose: Callable[[frozenset[str]], Composition]
    candidates_for: Callable[[str, str], Iterable[Recipe]]
    seed: int
    recipe_budget: float
    expired: Callable[[], bool]
    memory: Memory | None = None
    _overlays: dict[frozenset[str], Overlay] = field(default_factory=dict)
    _defined: set[str] = field(default_factory=set)
    _known: dict[Hashable, list[tuple[Overlay, Answer]]] = field(default_factory=dict)

    def overlay(self, ids: Iterable[str]) -> Overlay:
        """What these rewrites make of the project; composed once."""
        chosen = frozenset(ids)
        if chosen not in self._overlays:
            made = self.compose(chosen)
            if not chosen:  # The disk, whatever would be taken away from it.
                made = Composition({}, {}, taken_away=made.taken_away)
            self._overlays[chosen] = _as_overlay(chosen, made, self.project.root)
        return self._overlays[chosen]

    def shadow(self, base: Overlay, over: Overlay) -> Overlay:
        """What `base` holds, as an overlay of its own that replaces the files that `over` does.

        It is served by other processes, in other folders.
        """
        files = dict(base.files)
        for path in over.files.keys() - base.files.keys():
            with contextlib.suppress(OSError):  # A file that the rewrites make is not there.
                data = Path(path).read_bytes()
                files[path] = SourceText.decode(os.path.relpath(path, self.project.root), data).text
        beside = {str(self.project.root / _BESIDE): ""}
        return dataclasses.replace(base, ids=base.ids | {_BESIDE}, files={**files, **beside})

    def run_all(
        self, jobs: Mapping[Key, Job[T]], done: Callable[[Key], None] = lambda _key: None
    ) -> dict[Key, T | BudgetSpent]:
        """Runs jobs side by side: each one's result, or BudgetSpent for what the time cut off.

        Raises WorkerError; on it and on KeyboardInterrupt, what waits is cancelled.
        """
        return _Round(self, jobs, done).run()

    def known(self, request: Request) -> Answer | None:
        """An answer to the same request for the same text of every file that it loaded."""
        for overlay, answer in self._known.get(request.key, ()):
            paths = answer.files or None
            if overlay.ids == request.overlay.ids or (
                overlay.signature(paths) == request.overlay.signature(paths)
            ):
                return answer
        recalled = self.memory.recall(self._wire(request), request.overlay) if self.memory else None
        if recalled is not None:
            self._known.setdefault(request.key, []).append((request.overlay, recalled))
        return recalled

    def remember(self, request: Request, answer: Answer) -> None:
        self._known.setdefault(request.key, []).append((request.overlay, answer))
        if self.memory is not None:
            self.memory.keep(self._wire(request), request.overlay, answer)

    def attempts(self) -> tuple[Attempt, ...]:
        """What runs of the code on the disk tried, each thing once. Paths relative to the root."""
        answers = (pair for pairs in self._known.values() for pair in pairs)
        found = {one for overlay, answer in answers if not overlay.files for one in answer.attempts}
        root = str(self.project.root) + os.sep
        return tuple(
            sorted(
                dataclasses.replace(one, path=one.path.removeprefix(root).replace(os.sep, "/"))
                for one in found
            )
        )

    def submit(self, request: Request) -> Future[dict[str, Any]]:
        overlay = request.overlay
        if overlay.name != DISK and overlay.name not in self._defined:
            self.pool.define(overlay.name, overlay.files, overlay.witnesses)
            self._defined.add(overlay.name)
        return self.pool.submit(self._wire(request))

    def forget_all_but(self, overlays: Iterable[Overlay]) -> None:
        """Ends the processes that serve other overlays."""
        for name in self._defined - {overlay.name for overlay in overlays}:
            self.pool.forget(name)
            self._defined.discard(name)

    def _wire(self, request: Request) -> dict[str, object]:
        model = request.model
        common: dict[str, object] = {
            "overlay": request.overlay.name,
            "module": self.project.module_of(model.path),
            "path": str(self.project.root / model.path),
            "class": model.class_name,
        }
        if isinstance(request, FindRecipe):
            found = self.candidates_for(model.path, model.class_name)
            return {
                **common,
                "op": "recipe",
                "candidates": [dataclasses.asdict(recipe) for recipe in found],
                "known": [dataclasses.asdict(recipe) for recipe in request.known],
                "wanted": [[str(self.project.root / path), *at] for path, *at in request.wanted],
                "only_reaching": request.only_reaching,
                "budget": min(self.recipe_budget, _MORE_BUDGET)
                if request.known
                else self.recipe_budget,
                "observe": self._manner(request.observation(_NO_RECIPE))
                if request.observed
                else None,
            }
        if isinstance(request, Record):
            return {**common, "op": "record", "recipe": dataclasses.asdict(request.recipe)}
        if isinstance(request, RunOnTerms):
            before = json.loads(request.before) if request.before else None
            return {**common, "op": "symbolic", "modes": list(request.modes), "before": before}
        recipe = dataclasses.asdict(request.recipe)
        return {**common, "op": "observe", "recipe": recipe, **self._manner(request)}

    def _manner(self, request: Observe) -> dict[str, object]:
        """How a recipe is to be run."""
        return {
            "seed": self.seed,
            "repeat": request.repeat,
            "raw": request.raw,
            "root": str(self.project.root),
            "located": request.located,
            "sets": request.sets,
            "load_keys": json.loads(request.load_keys) if request.load_keys else None,
            "attempt": request.attempt,
        }


class _Round:
    """One `run_all`. Jobs that ask the same thing share one request."""

    def __init__(
        self, runner: Runner, jobs: Mapping[Key, Job[T]], done: Callable[[Key], None]
    ) -> None:
        self._runner = runner
        self._jobs: dict[Any, Job[Any]] = dict(jobs)
        self._done = done
        self._results: dict[Any, Any] = {}
        self._waiting: dict[Future[dict[str, Any]], tuple[Request, list[Any]]] = {}

    def run(self) -> dict[Any, Any]:
        try:
            for key in list(self._jobs):
                self._advance(key, None)
            while self._waiting:
                finished, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    self._deliver(future)
        except BaseException:
            for future in self._waiting:
                future.cancel()
            raise
        return {key: self._results[key] for key in self._jobs}

    def _deliver(self, future: Future[dict[str, Any]]) -> None:
        request, keys = self._waiting.pop(future)
        data = future.result()
        answer = _as_answer(data)
        self._runner.remember(request, answer)
        if isinstance(request, FindRecipe) and answer.recipe is not None and "observed" in data:
            seen = _as_answer(data["observed"])
            self._runner.remember(request.observation(answer.recipe), seen)
        for key in keys:
            self._advance(key, answer)

    def _advance(self, key: Any, answer: Answer | None) -> None:
        """Takes a job on to its next request that is not answered yet."""
        job = self._jobs[key]
        try:
            request = next(job) if answer is None else job.send(answer)
            while (known := self._runner.known(request)) is not None:
                request = job.send(known)
            if self._runner.expired():
                job.close()
                self._finish(key, BudgetSpent())
                return
        except StopIteration as stop:
            self._finish(key, stop.value)
            return
        self._wait_for(request, key)

    def _wait_for(self, request: Request, key: Any) -> None:
        for other, keys in self._waiting.values():
            if other.key == request.key and other.overlay.ids == request.overlay.ids:
                keys.append(key)
                return
        self._waiting[self._runner.submit(request)] = (request, [key])

    def _finish(self, key: Any, result: Any) -> None:
        self._results[key] = result
        self._done(key)


def _as_overlay(ids: frozenset[str], made: Composition, root: Path) -> Overlay:
    files = {
        os.path.realpath(root / path): SourceText.decode(path, data).text
        for path, data in made.files.items()
    }
    witnesses: dict[str, list[list[object]]] = {}

    def watched(places: Mapping[str, Located], prefix: str = "") -> dict[str, tuple[str, ...]]:
        keys = {}
        for rewrite, located in places.items():
            names = tuple(f"{rewrite}:{prefix}{ordinal}" for ordinal in range(len(located)))
            keys[rewrite] = names
            for name, (path, at) in zip(names, located, strict=True):
                entry = [name, at.kind, at.line, at.column, at.end_line, at.end_column]
                witnesses.setdefault(os.path.realpath(root / path), []).append(entry)
        return keys

    return Overlay(
        ids,
        files,
        witnesses,
        watched(made.witnesses),
        watched(made.put_there, "new "),
        watched(made.taken_away, "old "),
        {
            rewrite: tuple((path, at.line) for path, at in located)
            for rewrite, located in made.taken_away.items()
        },
    )


def _as_answer(data: Mapping[str, Any]) -> Answer:
    try:
        if (data.get("failure") or {}).get("code") == "internal":
            raise WorkerError(f"the worker failed: {data['failure'].get('message')}")
        if data.get("failure"):
            files = frozenset(data.get("files") or ())
            return Answer(
                failure=dict(data["failure"]),
                files=files,
                depends=_depends(data),
                attempts=as_attempts(data),
            )
        if "recipe" in data:
            # A recipe serves whatever the overlay holds: only a later run asks what it hangs on.
            contains = frozenset((str(file), str(name)) for file, name in data["contains"])
            return Answer(
                recipe=_as_recipe(data["recipe"]),
                depends=_depends(data),
                attempts=as_attempts(data),
                contains=contains,
            )
        return Answer(
            witnesses=frozenset(data["witnesses"]),
            files=frozenset(data["files"]),
            stubs=tuple(data.get("stubs") or ()),
            packed=packed(data["observations"]),
            depends=_depends(data),
            attempts=as_attempts(data),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WorkerError(f"the worker gave an answer that is none: {error!r}") from error


def as_attempts(data: Mapping[str, Any]) -> tuple[Attempt, ...]:
    """Of an answer of the worker's."""
    return tuple(
        Attempt(
            kind=one["kind"],
            what=str(one["what"]),
            path=str(one["path"]),
            line=int(one["line"]),
            class_name=str(one["class"]),
        )
        for one in data.get("attempts") or ()
    )


def _depends(data: Mapping[str, Any]) -> frozenset[str] | None:
    """What the answer depends on, the files that it loaded among it."""
    if "depends" not in data:
        return None
    return frozenset([*data["depends"], *(f"path:{file}" for file in data.get("files") or ())])


def _as_recipe(data: Mapping[str, Any]) -> Recipe:
    names = {f.name for f in dataclasses.fields(Recipe)}
    kept = {name: value for name, value in data.items() if name in names}
    return Recipe(**{**kept, "labels": tuple(kept.get("labels") or ())})


def _without_values(tree: Any) -> Any:
    """The tree with no more of each tensor than is needed to make another one."""
    if isinstance(tree, list):
        return [_without_values(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "tensor" in tree and isinstance(tree["tensor"], dict):
        kept = ("dtype", "shape", "device", "scheme")
        return {"tensor": {k: v for k, v in tree["tensor"].items() if k in kept}}
    return {name: _without_values(value) for name, value in tree.items()}
