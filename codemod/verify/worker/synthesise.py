"""Finds a recipe that runs: the candidates in order, then a ladder of generators.

A *generator* takes the `Subject` and yields drafts that built and ran. It reads what failed so far
in `subject.laboratory.failures`. To deepen the search, add a generator to `LADDER`.
"""

from __future__ import annotations

import re
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
    Tuple,
)
from typing import Generator as Iteration

import torch
from torch.nn.parameter import is_lazy

from .bestfirst import Advance
from .effort import Effort
from .further import further
from .laboratory import ATTEMPT_SECONDS, Draft, Failure, describe, furthest
from .parsing import is_in_part
from .shield import Crashed, Journal, shielded
from .standin import package_below
from .subject import CALLS, Subject, as_recipe, calls
from .unnamed import by_methods, by_other_methods, has_empty_forward, has_no_forward

GIVE = (
    "give a recipe for {} under [tool.codemod.recipes] in pyproject.toml,"
    " or as a function in codemod_recipes.py"
)
BUILDS = 150
WORKING_BUILDS = 12
SLOW = 0.4  # seconds to build a model: a smaller one is tried first
HEAVY = 1 << 26  # numbers in a model: the same
SMALL_BUILDS = 2  # that could not be called, before the large one is
SMALL_CALLS = 12  # of a model that is smaller than one that could be built


class NoRecipe(Exception):
    """No recipe ran. `code`: `no-recipe`, `recipe-raises`, `needs-package` or `timeout`."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Found(NamedTuple):
    """`contains`: the classes of the model's modules, each as file and qualified name."""

    recipe: Dict[str, Any]
    contains: List[Tuple[str, str]]


Generator = Callable[[Subject], Iterator[Draft]]


def search(
    cls: Any,
    namespace: Mapping[str, Any],
    source_path: str,
    candidates: Sequence[Mapping[str, Any]],
    known: Sequence[Mapping[str, Any]],
    seconds: float,
    wanted: Sequence[Sequence[Any]] = (),
    only_reaching: bool = False,
    patience: Optional[float] = None,
) -> Found:
    """A recipe that runs, other than the known ones.

    `wanted`: places that should be reached, each a path, a line and perhaps a column. Where there
    are known recipes, or `only_reaching`, the recipe reaches one that none of the known ones
    reaches; unless they reach all of them.
    `seconds` of the processor, beside what the known recipes take; `patience` of the clock.
    Attempts are made in a fork: one that crashes or hangs is passed over. Raises `NoRecipe`.
    """

    if not issubclass(cls, torch.nn.Module):
        raise _no_module(cls, namespace)

    def work(journal: Journal, effort: Effort) -> Dict[str, Any]:
        subject = Subject(cls, namespace, source_path, candidates, effort, journal, wanted)
        try:
            recipe = _search(subject, known, only_reaching)
            return {"recipe": recipe, "contains": sorted(subject.laboratory.contains)}
        except NoRecipe as none:
            return {"none": [none.code, none.message, none.hint]}
        except Exception as error:
            return {"error": describe(error, "search").text}

    try:
        answer = shielded(work, seconds, ATTEMPT_SECONDS, patience)
    except Crashed as crash:
        raise NoRecipe(
            "timeout" if "in time" in str(crash) else "crashed",
            "every way to run {} {}".format(cls.__qualname__, crash),
            GIVE.format("{}.{}".format(namespace.get("__name__", ""), cls.__qualname__)),
        ) from None
    if "none" in answer:
        raise NoRecipe(*answer["none"])
    if "error" in answer:
        raise RuntimeError("the search of a recipe failed: {}".format(answer["error"]))
    return Found(answer["recipe"], [tuple(one) for one in answer["contains"]])


def _search(
    subject: Subject, known: Sequence[Mapping[str, Any]], only_reaching: bool
) -> Dict[str, Any]:
    wanted = subject.missing
    for recipe in known:
        subject.take(recipe, known=True)
    subject.laboratory.begin_anew()
    must_reach = bool(known or only_reaching) and bool(subject.missing)
    if not subject.missing:  # The lines ran, a place on one of them did not.
        subject.missing = wanted
    subject.steers = must_reach and bool(subject.bases)
    seen = {_key_of(recipe) for recipe in known}
    for found in _working(subject):
        key = _key_of(found)
        if key not in seen and (not must_reach or subject.take(found)):
            return found
        seen.add(key)
    raise _explain(subject, len(seen))


def _key_of(recipe: Mapping[str, Any]) -> Tuple[str, ...]:
    return tuple(recipe.get(field) or "" for field in ("setup", "build", "inputs", "function"))


def _working(subject: Subject) -> Iterator[Dict[str, Any]]:
    """What runs. Once a model is known to be large or slow, smaller ones come before those that the
    project builds without inputs; where only a missing place is of use, all that is known does."""
    postponed = []
    for candidate in subject.candidates:
        waits = subject.is_slow and _may_wait(candidate)
        if waits or (yield from _of_candidate(subject, candidate)):
            postponed.append(candidate)
    for generator in _ladder(subject.cls):
        for draft in generator(subject):
            yield as_recipe(subject, draft)
        if not subject.steers:
            for candidate in postponed:
                yield from _of_candidate(subject, candidate)
            postponed = []
    for candidate in postponed:
        yield from _of_candidate(subject, candidate)


def _may_wait(candidate: Mapping[str, Any]) -> bool:
    """Whether it is a construction without inputs that the project makes."""
    is_whole = candidate.get("function") or candidate.get("inputs")
    return not is_whole and candidate.get("source") != "given"


def _of_candidate(
    subject: Subject, candidate: Mapping[str, Any]
) -> Iteration[Dict[str, Any], None, bool]:
    """What runs of it. Whether it is the first large model, which was built and not called."""
    draft = Draft(candidate.get("build") or "", "", candidate.get("setup") or "")
    if candidate.get("function") or candidate.get("inputs"):
        if _candidate_runs(subject, candidate):
            yield dict(candidate)
    elif _may_wait(candidate) and (is_in_part(draft.build) or has_empty_forward(subject.cls)):
        subject.in_part.append(draft)
    elif draft.build:
        before = subject.laboratory.left
        model, failure = subject.laboratory.build(draft)
        if failure is not None:
            if candidate.get("source") == "given":
                raise _given_raises(subject, {"where": "the configuration"}, failure)
            subject.in_part.append(draft)
            return False
        is_large = _may_wait(candidate) and _is_large(model, before - subject.laboratory.left)
        if is_large and not subject.is_slow:
            subject.is_slow = True
            return True
        for _, _, found in calls(subject, draft, model):
            yield {**candidate, "inputs": found.inputs}
            break
    return False


def _candidate_runs(subject: Subject, candidate: Mapping[str, Any]) -> bool:
    """Whether it runs in both modes. A given one that raises is an error of its own."""
    failure = subject.laboratory.confirm(candidate)
    if failure is not None and candidate.get("source") == "given":
        raise _given_raises(subject, candidate, failure)
    return failure is None


def _given_raises(subject: Subject, candidate: Mapping[str, Any], failure: Failure) -> NoRecipe:
    where = candidate.get("where") or "the recipe"
    return NoRecipe(
        "recipe-raises",
        "the recipe for {} in {} raises {}".format(subject.name, where, failure.text),
        "correct the recipe for {} in {}".format(subject.name, where),
    )


# The ladder


def plain(subject: Subject) -> Iterator[Draft]:
    """Constructor arguments, cheapest first; for each that builds, inputs, cheapest first."""
    if any(subject.parts(base.draft) for base in subject.bases):
        return
    laboratory, constructor = subject.laboratory, subject.constructor
    first = constructor.first
    for step, known in enumerate(subject.in_part):
        constructor.begin_with(-1.0 + 0.1 * step, known)
    built, late = 0, []  # type: int, List[Any]
    reached: Optional[int] = None
    for _ in range(BUILDS):
        popped = late.pop() if late and built >= SMALL_BUILDS else None
        popped = popped or constructor.queue.pop() or (late.pop() if late else None)
        if popped is None or laboratory.left <= 0 or built >= WORKING_BUILDS:
            return
        cost, arguments = popped
        draft = constructor.draft(arguments)
        before = laboratory.left
        model, failure = laboratory.build(draft)
        is_large = _is_large(model, before - laboratory.left)
        if is_large and arguments == first and first != constructor.modest:
            late.append(popped)
            first = constructor.modest
            continue
        if failure is None:
            built += 1
            before_calls = len(laboratory.failures)
            budget = SMALL_CALLS if late else CALLS if built < 4 else 60
            for _, _, found in calls(subject, draft, model, budget):
                yield found
                return
            failure = furthest(laboratory.failures[before_calls:])
            reach = failure.reach if failure is not None else 0
            if reached is not None and reach > reached:
                cost, built = cost - Advance.STEP, 1
            reached = max(reached or 0, reach)
        constructor.learn(cost, arguments, failure)


def _is_large(model: Any, seconds: float) -> bool:
    """Of a model that took so long to build: whether a smaller one is worth a try first."""
    parameters = model.parameters() if isinstance(model, torch.nn.Module) else ()
    return seconds > SLOW or sum(one.numel() for one in parameters if not is_lazy(one)) > HEAVY


LADDER: Tuple[Generator, ...] = (plain, by_other_methods, further)


def _ladder(cls: type) -> Tuple[Generator, ...]:
    if has_no_forward(cls):
        return (by_methods, further)
    return (by_methods, *LADDER) if has_empty_forward(cls) else LADDER


# What is missing


def _no_module(cls: type, namespace: Mapping[str, Any]) -> NoRecipe:
    name = "{}.{}".format(namespace.get("__name__", ""), cls.__qualname__)
    if package_below(cls):
        return _needs_package(cls.__qualname__, package_below(cls))
    return NoRecipe(
        "no-recipe",
        "cannot call {}: it is no nn.Module".format(cls.__qualname__),
        "give a recipe for a model that uses {}".format(name),
    )


def _needs_package(name: str, package: str) -> NoRecipe:
    return NoRecipe(
        "needs-package",
        "cannot run {}: it needs the package {}".format(name, package),
        "install {} beside the project".format(package),
    )


def _no_forward(subject: Subject) -> NoRecipe:
    return NoRecipe(
        "no-recipe",
        "cannot call {}: it defines no forward".format(subject.cls.__qualname__),
        "give a recipe for a subclass or a model that contains {}".format(subject.name),
    )


def _explain(subject: Subject, found: int) -> NoRecipe:
    """The failure that says most: of calls the one that got furthest, else the first."""
    failures = subject.laboratory.failures
    hint = GIVE.format(subject.name)
    name = subject.cls.__qualname__
    if found:
        return NoRecipe("no-recipe", "found no further way to call {}".format(name), hint)
    if has_no_forward(subject.cls):
        return _no_forward(subject)
    calls = [f for f in failures if f.stage == "call" and f.kind != "OutOfTime"]
    builds = [f for f in failures if f.stage == "build" and f.kind != "OutOfTime"]
    unknown = Failure("build", "OutOfTime", "")
    chosen = furthest(calls) or (builds or failures or [unknown])[0]
    near = (chosen,) if calls else (chosen, *builds[-3:])
    package = next((f.package for f in near if f.package), "")
    if package:
        return _needs_package(name, package)
    verb = "call" if calls else "build"
    if chosen.kind == "OutOfTime":
        return NoRecipe("timeout", "found no way to {} {} in time".format(verb, name), hint)
    message = "cannot {} {}: {}".format(verb, name, _sentence(chosen))
    return NoRecipe("no-recipe", message, hint)


def _sentence(failure: Failure) -> str:
    missing = re.search(r"'(\w+)' object has no attribute '(\w+)'", failure.message)
    if missing:
        return "{} has no .{}".format(missing.group(1), missing.group(2))
    return failure.text
