"""Runs a class on opaque terms where it cannot be built and run: its constructor, then `forward`.

Each path through it is run, in train and in eval mode. What is seen of one version is held against
what was seen of another: the same operators on the same terms in the same order, in place or not,
random or not. Nothing is computed, so it is evidence of its own kind, not a confirmation.
"""

from __future__ import annotations

import inspect
import linecache
import os
import random
import traceback
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import torch

from .. import witness
from ..trees import digest
from . import matching, opaque, operators, tolerant
from .terms import MOST_PATHS, Json, Recorder, Tensor, TooMany, Value, begin, isinstance_exactly

# What has a default keeps it; so it does, but what is true or false of the model is not known;
# or no argument is known.
_SCENARIOS = ("defaults", "flags", "terms")
_MODES = (True, False)
_TORCH = os.path.join(os.path.dirname(torch.__file__), "")


def run(cls: type, modes: Sequence[bool], root: str) -> Dict[str, Json]:
    """All paths of all scenarios, as JSON: `{"SCENARIO MODE": [path...]}`."""
    operators.install()
    opaque.install(cls)
    return {
        "%s %s" % (scenario, "train" if mode else "eval"): _paths(cls, scenario, mode, root)
        for scenario in _SCENARIOS
        for mode in modes
    }


def compare(before: Dict[str, Json], after: Dict[str, Json]) -> Dict[str, Json]:
    """`{"symbolic": "equal" | "different" | None, "why": ..., "reached": [...]}`."""
    return matching.compare(before, after)


def _paths(cls: type, scenario: str, mode: bool, root: str) -> List[Json]:
    """One record a path, depth first; none at all where there are too many."""
    found: List[Json] = []
    waiting: List[List[bool]] = [[]]
    while waiting:
        given = waiting.pop()
        if len(found) >= MOST_PATHS:
            return []
        recorder = begin(given)
        try:
            found.append(_path(recorder, cls, scenario, mode, root))
        except TooMany:
            return []
        for index in reversed(range(len(given), len(recorder.turns))):
            waiting.append([*recorder.turns[:index], not recorder.turns[index]])
    return found


def _path(recorder: Recorder, cls: Any, scenario: str, mode: bool, root: str) -> Json:
    torch.manual_seed(0)
    random.seed(0)
    witness.reset()
    ending, complete = "", True
    state: List[str] = []
    changed: Dict[str, Json] = {}
    try:
        recorder.building = True
        model = _build(cls, scenario)
        recorder.building = False
        state = _state(model)
        if scenario == "flags":
            _forget_flags(model)
        model.train(mode)
        _name_tensors(recorder, model)
        before = _shown(recorder, model)
        output = model.forward(*_arguments(cls.forward, scenario, tensors=True))
        recorder.event("return", (output,), {})
        after = _shown(recorder, model)
        changed = {name: one for name, one in after.items() if before.get(name) != one}
    except (MemoryError, TooMany):
        raise
    except Exception as error:
        complete = _is_raised_on_purpose(error)
        ending = "%s at %s" % (type(error).__name__, _place(error, root))
    return {
        "answers": recorder.answers,
        "events": recorder.events,
        "state": state,
        "changed": changed,
        "ending": ending if not complete else ending.partition(" ")[0],
        "complete": complete,
        "reached": witness.reached(),
    }


def _build(cls: Any, scenario: str) -> Any:
    try:
        return cls(*_arguments(cls.__init__, scenario, tensors=False))
    except (TooMany, MemoryError):
        raise
    except Exception:
        recorder = begin_again()
        recorder.building = True
        return tolerant.build(cls, _named(cls.__init__, scenario))


def begin_again() -> Recorder:
    """Forget what a constructor recorded before it failed; its questions stay answered."""
    from .terms import recorder

    current = recorder()
    del current.events[:]
    return current


def _arguments(function: Any, scenario: str, tensors: bool) -> List[Any]:
    return list(_named(function, scenario, tensors).values())


def _named(function: Any, scenario: str, tensors: bool = False) -> Dict[str, Any]:
    """A term for each parameter without a default, and for the others if the scenario says so."""
    found: Dict[str, Any] = {}
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                raise TypeError("keyword-only %s" % name)
            continue
        if parameter.default is parameter.empty or scenario == "terms":
            found[name] = Tensor("in." + name) if tensors else Value("arg." + name)
        else:
            found[name] = parameter.default
    return found


def _state(model: Any) -> List[str]:
    """What a state_dict depends on: where the opaque modules and the tensors hang."""
    modules = [
        "%s %s" % (name, part._name)
        for name, part in model.named_modules()
        if isinstance(part, opaque.Opaque)
    ]
    tensors = [name for name, _ in _tensors(model)]
    terms = [
        "%s %s" % (name, value._term)
        for name, value in vars(model).items()
        if isinstance_exactly(value, Tensor)
    ]
    return modules + tensors + terms


def _tensors(model: Any) -> Iterator[Tuple[str, Any]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _name_tensors(recorder: Recorder, model: Any) -> None:
    for name, tensor in _tensors(model):
        recorder.names[id(tensor)] = "tensor " + name
        recorder.kept.append(tensor)


def _forget_flags(model: Any) -> None:
    """Have both sides of `if self.fused:` run."""
    for name, value in _attributes(model).items():
        if isinstance(value, bool):
            object.__setattr__(model, name, Value("self." + name))


_TENSORS = (torch.Tensor, torch.nn.Parameter)
_OF_A_MODULE = frozenset(vars(torch.nn.Module()))


def _attributes(model: Any) -> Dict[str, Any]:
    own = {name: value for name, value in vars(model).items() if name not in _OF_A_MODULE}
    return {**own, **model._buffers, **model._parameters}


def _shown(recorder: Recorder, model: Any) -> Dict[str, Json]:
    """The attributes; of tensors what they hold, since their names do not tell."""
    return {
        name: digest(value) if type(value) in _TENSORS else recorder.show(value)
        for name, value in _attributes(model).items()
    }


def _is_raised_on_purpose(error: BaseException) -> bool:
    """Whether a `raise` or an `assert` did it, and not a term that could not do something.

    A layer of torch raises where it cannot take what a term answers for its shape.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    return line.startswith(("raise", "assert")) and not last.filename.startswith(_TORCH)


def _place(error: BaseException, root: str) -> str:
    """The innermost function of the project; its line would move with a rewrite."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(root):
            return "%s: %s" % (frame.name, " ".join(str(error).split())[:100])
    return " ".join(str(error).split())[:100]
