"""Tries drafts of recipes on small tensors: every attempt bounded, every failure described."""

from __future__ import annotations

import linecache
import os
import re
import sys
import traceback
import warnings
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

import torch

from . import uninitialised
from .effort import Effort, limited
from .guards import Guard, guard_of
from .quick import quickly_filled
from .reading import sources_of
from .recipe import arguments, evaluate, surroundings
from .shield import Journal
from .standin import StandIn, Touched, forbidden, package_of
from .step import seed_all
from .watch import Operand, Watch

ATTEMPT_SECONDS = 4.0
CONFIRM_SECONDS = 20.0
NOTHING_BUT_NAN = "the output is nothing but NaN"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNFOUND = re.compile(r"No module named '(\w+)")  # said again by an error of the project's own


class Draft(NamedTuple):
    """A recipe in the making: source of setup, build and inputs."""

    build: str
    inputs: str = ""
    setup: str = ""


class Frame(NamedTuple):
    """One frame of the user's own code in a traceback: what stands on the failing lines.

    `sources`: what stands where the names of these lines were assigned, in turn.
    """

    function: str
    path: str
    words: Tuple[str, ...]
    sources: Tuple[str, ...] = ()


class Failure(NamedTuple):
    """Why an attempt failed. `frames`: the user's own frames, innermost first."""

    stage: str  # "build" or "call"
    kind: str
    message: str
    frames: Tuple[Frame, ...] = ()
    draft: Optional[Draft] = None
    shapes: Tuple[Tuple[int, ...], ...] = ()  # of tensors in the innermost frame of torch
    guard: Optional[Guard] = None  # the condition in the innermost frame that led to the raise
    package: str = ""  # the missing package that was wanted
    progress: int = 0  # how far the run got, see `Watch`
    reach: int = 0  # the same, to compare models of several sizes
    operator: str = ""  # the operator that raised
    operands: Tuple[Operand, ...] = ()  # what it was given; else what the last one was given

    @property
    def words(self) -> Tuple[str, ...]:
        return tuple(word for frame in self.frames for word in frame.words)

    @property
    def sources(self) -> Tuple[str, ...]:
        """What the words were made of, and what the condition asked that led to the raise."""
        asked = self.guard.words if self.guard is not None else ()
        return (*asked, *(word for frame in self.frames for word in frame.sources))

    @property
    def text(self) -> str:
        return "{}: {}".format(self.kind, self.message) if self.message else self.kind


def furthest(failures: Sequence[Failure]) -> Optional[Failure]:
    """The call that got furthest, the one met first among equals: it says what is still wrong."""
    return max(failures, key=lambda failure: failure.progress, default=None)


class Laboratory:
    """Builds and calls one class with limited effort, and keeps the failures."""

    def __init__(
        self,
        cls: Any,
        namespace: Mapping[str, Any],
        effort: Effort,
        journal: Optional[Journal] = None,
    ) -> None:
        self.cls = cls
        self.namespace = namespace
        self._effort = effort
        self.journal = journal or Journal()
        self.failures: List[Failure] = []
        self.contains: Set[Tuple[str, str]] = set()
        self.attempts = 0
        self.used_weights = False  # in the last call

    @property
    def left(self) -> float:
        return self._effort.left

    def begin_anew(self) -> None:
        """Has the search begin here: what went before it takes nothing of its time."""
        self._effort.begin_anew()

    def build(self, draft: Draft) -> Tuple[Any, Optional[Failure]]:
        """The model, or the failure."""

        def constructed() -> Any:
            names = self._names(draft)
            with uninitialised.marked():
                return eval(compile(draft.build.strip(), "<build>", "eval"), names)

        def build() -> Any:
            model = constructed()
            uninitialised.fill(model, constructed)
            if not _holds(model, self.cls):
                raise TypeError("{} gives no {}".format(draft.build, self.cls.__name__))
            return model

        return self._attempt("build", draft, build)

    def call(self, model: Any, draft: Draft, names: Sequence[str] = ()) -> Optional[Failure]:
        """Runs the model in train and in eval mode; None if both gave a tensor.

        `names`: of the positional arguments, for the operands of a failure.
        """
        watches: List[Watch] = []

        def run() -> None:
            for training in (True, False):
                args, kwargs = arguments(
                    eval(compile(draft.inputs.strip(), "<inputs>", "eval"), self._names(draft))
                )
                model.train(training)
                seed_all(1)
                watches.append(Watch({**dict(zip(names, args)), **kwargs}))
                with watches[-1]:
                    output = model(*args, **kwargs)
                require_output(output)
                require_numbers(output)

        failure = self._attempt("call", draft, run, watches)[1]
        self.used_weights = any(watch.uses_weights for watch in watches)
        return failure

    def begin(self) -> Optional[str]:
        """Counts one more attempt; how it ended its process, if it did so before."""
        self.attempts += 1
        return self.journal.begin(self.attempts)

    def confirm(self, recipe: Mapping[str, Any], known: bool = False) -> Optional[Failure]:
        """Builds afresh and runs in both modes, as the recipe will be; None if that went well.

        What is `known` to run is built once for both.
        """

        def run() -> None:
            make = evaluate(recipe, self.cls, self.namespace)
            made: Any = None
            for training in (True, False):
                seed_all(0)
                model, args, kwargs = made = made if known and made else make()
                uninitialised.fill(model, lambda: make()[0])
                model.train(training)
                require_output(model(*args, **kwargs))
                self.contains = _classes_in(model)

        draft = Draft(
            recipe.get("build") or "", recipe.get("inputs") or "", recipe.get("setup") or ""
        )
        return self._attempt("call", draft, run, seconds=CONFIRM_SECONDS)[1]

    def _names(self, draft: Draft) -> Dict[str, Any]:
        seed_all(0)
        names = surroundings(self.cls, self.namespace)
        exec(compile(draft.setup, "<setup>", "exec"), names)
        return names

    def _attempt(
        self,
        stage: str,
        draft: Draft,
        work: Callable[[], Any],
        watches: Sequence[Watch] = (),
        seconds: float = ATTEMPT_SECONDS,
    ) -> Tuple[Any, Optional[Failure]]:
        ended = self.begin()
        if ended is not None:
            failure = Failure(stage, "Crashed", "the run {}".format(ended), (), draft)
            self.failures.append(failure)
            return None, failure
        if self.left <= 0:
            return None, Failure(stage, "OutOfTime", "the time for this class is spent")
        try:
            with limited(min(self.left, seconds)), warnings.catch_warnings(), forbidden():
                warnings.simplefilter("ignore")
                with quickly_filled():
                    return work(), None
        except BaseException as error:  # a touched stand-in and what the model itself raises
            failure = describe(error, stage, draft)
        if watches:
            failure = failure._replace(
                progress=sum(watch.progress for watch in watches),
                reach=sum(watch.reach for watch in watches),
                operator=watches[-1].operator,
                operands=watches[-1].operands,
            )
        self.failures.append(failure)
        return None, failure


def describe(error: BaseException, stage: str, draft: Optional[Draft] = None) -> Failure:
    frames, shapes = [], []  # type: List[Frame], List[Tuple[int, ...]]
    guard: Optional[Guard] = None
    walked = list(traceback.walk_tb(error.__traceback__))
    package = _missing_package(error)
    for frame, line in reversed(walked[1:]):
        path = frame.f_code.co_filename
        if _is_torch_file(frame.f_globals.get("__name__") or ""):
            if not frames and not shapes:
                shapes = [tuple(v.shape) for v in frame.f_locals.values() if _is_tensor(v)]
            continue
        if path.startswith("<") or path == __file__:
            continue
        if not frames and not shapes:
            guard = guard_of(frame, line)
        words = tuple(_WORD.findall(_statement(path, line)))
        sources = sources_of(frame.f_code, words)
        if not frames and not package and StandIn.__name__ in str(error):
            package = _stood_in_on({**frame.f_globals, **frame.f_locals}, words)
        frames.append(Frame(frame.f_code.co_name, path, words, sources))
    try:
        message = " ".join(str(error).split())[:600]
    except Exception:
        message = ""
    unfound = _UNFOUND.search(message)
    return Failure(
        stage,
        type(error).__name__,
        message,
        tuple(frames[:12]),
        draft,
        tuple(shapes),
        guard,
        package or (unfound.group(1) if unfound else ""),
    )


def _stood_in_on(names: Mapping[str, Any], words: Sequence[str]) -> str:
    """The package whose stand-in was given to what does not touch it: `nn.Linear(STATES, 2)`."""
    found = (names.get(word) for word in words)
    return next((package_of(one) for one in found if type(one) is StandIn), "")


def _missing_package(error: BaseException) -> str:
    if isinstance(error, Touched):
        return error.package
    if isinstance(error, ModuleNotFoundError):
        return (error.name or "").partition(".")[0]
    return ""


def _statement(path: str, line: int) -> str:
    """The line, with those before and after that belong to the same call, as brackets tell."""
    text = linecache.getline(path, line)
    last = line
    while text.count("(") > text.count(")") and last < line + 8:
        last += 1
        text += linecache.getline(path, last)
    first = line
    while text.count(")") > text.count("(") and first > max(line - 8, 1):
        first -= 1
        text = linecache.getline(path, first) + text
    return text


def _classes_in(model: Any) -> Set[Tuple[str, str]]:
    """The classes of the modules in it, each as file and qualified name."""
    found = set()
    for kind in {type(part) for part in model.modules()}:
        module = sys.modules.get(kind.__module__)
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not _is_torch_file(kind.__module__):
            found.add((os.path.realpath(file), kind.__qualname__))
    return found


def _is_torch_file(name: str) -> bool:
    return name == "torch" or name.startswith("torch.")


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _holds(model: Any, cls: Any) -> bool:
    if isinstance(model, cls):
        return True
    modules = model.modules() if isinstance(model, torch.nn.Module) else ()
    return any(isinstance(module, cls) for module in modules)


def require_output(output: Any) -> None:
    """Raises `ValueError` unless there is a non-empty tensor somewhere in the output."""
    tensors = list(tensors_in(output, 0))
    if not tensors:
        raise ValueError("the output holds no tensor but {}".format(type(output).__name__))
    if all(tensor.numel() == 0 for tensor in tensors):
        raise ValueError("the output is empty: shape {}".format(tuple(tensors[0].shape)))


def require_numbers(output: Any) -> None:
    """Raises `ValueError` where all that the output holds is NaN: it would show nothing."""
    floating = [one for one in tensors_in(output, 0) if one.is_floating_point()]
    if floating and all(one.numel() and bool(one.isnan().all()) for one in floating):
        raise ValueError(NOTHING_BUT_NAN)


def tensors_in(value: Any, depth: int) -> Iterator[Any]:
    if _is_tensor(value):
        yield value
    elif depth > 6:
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item, depth + 1)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from tensors_in(item, depth + 1)
    elif hasattr(value, "__dict__") and not isinstance(value, (type, torch.nn.Module)):
        for item in list(vars(value).values()):
            yield from tensors_in(item, depth + 1)
    elif callable(getattr(value, "to_tuple", None)):
        yield from tensors_in(value.to_tuple(), depth + 1)
