"""Finds a recipe that runs: the candidates in order, then a ladder of generators.

A *generator* takes the `Subject` and yields drafts that built and ran. It reads what failed so far
in `subject.laboratory.failures`. To deepen the search, add a generator to `LADDER`.
"""

from __future__ import annotations

import collections
import inspect
import itertools
import re
from typing import (
    Any,
    Callable,
    Counter,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import torch

from .bestfirst import Advance, BestFirst
from .branches import deciding_names
from .constructor import Arguments, Constructor
from .coverage import Coverage, Line
from .effort import Effort
from .inputs import Inputs
from .laboratory import (
    ATTEMPT_SECONDS,
    Draft,
    Failure,
    Laboratory,
    describe,
)
from .messages import NOT_OF_KIND
from .parsing import is_in_part
from .reading import forward_of, plain_function
from .shield import Crashed, Journal, shielded
from .specs import Call

GIVE = (
    "give a recipe for {} under [tool.codemod.recipes] in pyproject.toml,"
    " or as a function in codemod_recipes.py"
)
BUILDS = 60
WORKING_BUILDS = 12
CALLS = 150
SLOW = 0.4  # seconds to build a model: a smaller one is tried first
ENTRIES = 40  # calls of a model by another of its methods, or in another state
FLAGS = 6  # of a model that are flipped
PAIRED = 12  # calls of a model that was built in another way
REPEATS = 12  # of one message, to the letter: it does not hang on the inputs


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


class Subject:
    """The class to find a recipe for, and what was learned about it so far."""

    def __init__(
        self,
        cls: Any,
        namespace: Mapping[str, Any],
        source_path: str,
        candidates: Sequence[Mapping[str, Any]],
        effort: Effort,
        journal: Optional[Journal] = None,
        wanted: Sequence[Line] = (),
    ) -> None:
        self.cls = cls
        self.namespace = namespace
        self.source_path = source_path
        self.candidates = candidates
        self.laboratory = Laboratory(cls, namespace, effort, journal)
        self.worked: List[Tuple[Constructor, Arguments, Inputs, Call]] = []
        self.coverage = Coverage(wanted)
        self.missing = self.coverage.wanted  # lines that no recipe reached so far
        self.first: Optional[Draft] = None  # what ran first: forward itself
        self.in_part: List[Draft] = []  # constructions of which not all arguments are known

    def found(self, recipe: Mapping[str, Any]) -> None:
        if self.first is None and recipe.get("build"):
            self.first = Draft(recipe["build"], recipe["inputs"], recipe.get("setup") or "")

    def reached_by(self, recipe: Mapping[str, Any]) -> FrozenSet[Line]:
        """The wanted lines that run in a recipe."""
        if not self.coverage.wanted:
            return frozenset()
        return self.coverage.reaches(lambda: self.laboratory.confirm(recipe))

    @property
    def name(self) -> str:
        return "{}.{}".format(self.namespace.get("__name__", ""), self.cls.__qualname__).strip(".")


Generator = Callable[[Subject], Iterator[Draft]]


def search(
    cls: Any,
    namespace: Mapping[str, Any],
    source_path: str,
    candidates: Sequence[Mapping[str, Any]],
    known: Sequence[Mapping[str, Any]],
    seconds: float,
    wanted: Sequence[Line] = (),
    only_reaching: bool = False,
    patience: Optional[float] = None,
) -> Found:
    """A recipe that runs, other than the known ones.

    `wanted`: lines that should be reached. Where there are known recipes, or `only_reaching`, the
    recipe reaches one that none of the known ones reaches; unless they reach all of them.
    `seconds` of the processor, `patience` of the clock. Attempts are made in a fork: one that
    crashes or hangs is passed over. Raises `NoRecipe`.
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
    for recipe in known:
        subject.missing -= subject.reached_by(recipe)
        subject.found(recipe)
        _take_up(subject, recipe)
    must_reach = bool(known or only_reaching) and bool(subject.missing)
    if not subject.missing:  # The lines ran, a place on one of them did not.
        subject.missing = subject.coverage.wanted
    seen = {_key_of(recipe) for recipe in known}
    for found in _working(subject):
        key = _key_of(found)
        if key not in seen and (not must_reach or subject.missing & subject.reached_by(found)):
            return found
        seen.add(key)
    raise _explain(subject, len(seen))


def _key_of(recipe: Mapping[str, Any]) -> Tuple[str, ...]:
    return tuple(recipe.get(field) or "" for field in ("setup", "build", "inputs", "function"))


def _take_up(subject: Subject, recipe: Mapping[str, Any]) -> None:
    """Has the variants start from a recipe that is known."""
    constructor = Constructor(subject.cls, subject.namespace, subject.cls.__qualname__)
    setup = recipe.get("setup") or ""
    arguments = constructor.parsed(recipe.get("build") or "", setup)
    if arguments is None:
        return
    model, failure = subject.laboratory.build(constructor.draft(arguments))
    if failure is None:
        inputs = Inputs(model)
        call = inputs.parsed(recipe.get("inputs") or "")
        if call is not None:
            subject.worked.append((constructor, arguments, inputs, call))


def _working(subject: Subject) -> Iterator[Dict[str, Any]]:
    for candidate in subject.candidates:
        if candidate.get("function") or candidate.get("inputs"):
            if _candidate_runs(subject, candidate):
                subject.found(candidate)
                yield dict(candidate)
        elif candidate.get("build"):
            draft = Draft(candidate["build"], "", candidate.get("setup") or "")
            if candidate.get("source") != "given" and is_in_part(draft.build):
                subject.in_part.append(draft)
                continue
            for found in _completed(subject, draft, candidate.get("source") == "given"):
                subject.found(found._asdict())
                yield {**candidate, "inputs": found.inputs}
    if forward_of(subject.cls) in (None, torch.nn.Module.forward):
        raise _no_forward(subject)
    for generator in LADDER:
        for draft in generator(subject):
            subject.found(draft._asdict())
            yield _recipe(subject, draft)


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


def _completed(subject: Subject, draft: Draft, given: bool) -> Iterator[Draft]:
    """Inputs for a build that is known."""
    model, failure = subject.laboratory.build(draft)
    if failure is not None and given:
        raise _given_raises(subject, {"where": "the configuration"}, failure)
    if failure is not None:
        subject.in_part.append(draft)
        return
    for _, _, found in _calls(subject, draft, model):
        yield found
        return


# The ladder


def plain(subject: Subject) -> Iterator[Draft]:
    """Constructor arguments, cheapest first; for each that builds, inputs, cheapest first."""
    if subject.worked:
        return
    laboratory = subject.laboratory
    constructor = Constructor(subject.cls, subject.namespace, subject.cls.__qualname__)
    first = constructor.first
    for step, known in enumerate(subject.in_part):
        constructor.begin_with(-1.0 + 0.1 * step, known)
    built, late = 0, []  # type: int, List[Tuple[float, Arguments]]
    for _ in range(BUILDS):
        popped = constructor.queue.pop() or (late.pop(0) if late else None)
        if popped is None or laboratory.left <= 0 or built >= WORKING_BUILDS:
            return
        cost, arguments = popped
        draft = constructor.draft(arguments)
        before = laboratory.left
        model, failure = laboratory.build(draft)
        if before - laboratory.left > SLOW and arguments == first and first != constructor.modest:
            late.append(popped)
            first = constructor.modest
            continue
        if failure is None:
            built += 1
            before_calls = len(laboratory.failures)
            for inputs, call, found in _calls(subject, draft, model, CALLS if built < 4 else 60):
                subject.worked.append((constructor, arguments, inputs, call))
                yield found
                return
            failure = furthest(laboratory.failures[before_calls:])
        constructor.learn(cost, arguments, failure)


def flags(subject: Subject) -> Iterator[Draft]:
    """What ran first, with flags of the model flipped that its constructor makes of no argument,
    but of the surroundings, and that decide whether a wanted line runs."""
    if subject.first is None or not subject.missing:
        return
    first, laboratory = subject.first, subject.laboratory
    model, failure = laboratory.build(first)
    if failure is not None or type(model) is not subject.cls:
        return
    found = _flags_of(model, deciding_names(subject.cls, subject.missing))
    for count in (1, 2):
        for flipped in itertools.combinations(found, count):
            settings = ", ".join("{}={}".format(name, not getattr(model, name)) for name in flipped)
            draft = first._replace(build="codemod_set({}, {})".format(first.build, settings))
            other, failure = laboratory.build(draft)
            if failure is None and laboratory.call(other, draft) is None:
                yield draft
                yield from _other_calls(subject, draft, other)
            elif failure is None:
                yield from _first_call(subject, draft)


def _other_calls(subject: Subject, draft: Draft, model: Any) -> Iterator[Draft]:
    """What runs, with other inputs that decide whether a wanted line runs."""
    inputs = Inputs(model)
    call = inputs.parsed(draft.inputs)
    if call is not None and subject.missing:
        deciding = deciding_names(subject.cls, subject.missing)
        for other in itertools.islice(inputs.variants(call, deciding), PAIRED):
            yield from _steered(subject, draft, other, 10)


def _flags_of(model: Any, names: Sequence[str]) -> List[str]:
    """Attributes among the names that are true or false, other than the mode."""
    own = (n for n in names if n != "training" and type(vars(model).get(n)) is bool)
    return list(own)[:FLAGS]


def variants(subject: Subject) -> Iterator[Draft]:
    """What worked, with another flag, option or optional input, so that other branches run."""
    deciding = deciding_names(subject.cls, subject.missing)
    for constructor, arguments, inputs, call in list(subject.worked):
        draft = constructor.draft(arguments)
        for other in inputs.variants(call, deciding):
            if subject.laboratory.left <= 0:
                return
            yield from _steered(subject, draft, other, 30)
        for others in constructor.variants(arguments, deciding):
            if subject.laboratory.left <= 0:
                return
            yield from _rebuilt(subject, constructor.draft(others), call, deciding)


def _rebuilt(
    subject: Subject, draft: Draft, call: Call, deciding: Sequence[str]
) -> Iterator[Draft]:
    """The model built in another way, called as before and with other deciding inputs."""
    model, failure = subject.laboratory.build(draft)
    if failure is not None:
        return
    for inputs, found_call, found in _calls(subject, draft, model, 40, call):
        yield found
        if subject.missing:
            for other in itertools.islice(inputs.variants(found_call, deciding), PAIRED):
                yield from _steered(subject, draft, other, 10)
        return


def entries(subject: Subject) -> Iterator[Draft]:
    """What ran first, entered by another method in which a wanted line stands."""
    if subject.first is None:
        return
    for name in _wanted_methods(subject.cls, subject.missing):
        build = "codemod_entry({}, {!r})".format(subject.first.build, name)
        for inputs in (subject.first.inputs, "((), {})"):
            draft = Draft(build, inputs, subject.first.setup)
            model, failure = subject.laboratory.build(draft)
            if failure is None and subject.laboratory.call(model, draft) is None:
                yield draft
                break
        else:
            yield from _first_call(subject, Draft(build, "", subject.first.setup))


def _first_call(subject: Subject, draft: Draft) -> Iterator[Draft]:
    """Inputs of its own for a model that is entered by another method, or is in another state."""
    model, failure = subject.laboratory.build(draft)
    if failure is None:
        for _, _, found in _calls(subject, draft, model, ENTRIES):
            yield found
            return


def _wanted_methods(cls: type, wanted: Iterable[Line]) -> List[str]:
    """Public methods of the class itself, other than forward, with a wanted line in them."""
    numbers = {line for _, line in wanted}
    found = []
    for name, value in vars(cls).items():
        function = plain_function(value)
        if name.startswith("_") or name == "forward" or not inspect.isfunction(function):
            continue
        try:
            lines, first = inspect.getsourcelines(function)
        except (OSError, TypeError):
            continue
        if any(first <= line < first + len(lines) for line in numbers):
            found.append(name)
    return found


LADDER: Tuple[Generator, ...] = (plain, flags, entries, variants)


def _calls(
    subject: Subject,
    draft: Draft,
    model: Any,
    budget: int = CALLS,
    start: Optional[Call] = None,
    alone: bool = False,
) -> Iterator[Tuple[Inputs, Call, Draft]]:
    """Calls of the built model that run, and run again when it is built afresh.

    A call that got further than all before it is where the search goes on.
    """
    inputs = Inputs(model)
    if start is not None and [name for name, _ in start] == list(inputs.parameters):
        if alone:
            inputs.queue = BestFirst()
        inputs.queue.push(-1.0, start)
    laboratory = subject.laboratory
    repeats: Counter[str] = collections.Counter()
    advance = Advance()
    for _ in range(budget):
        popped = inputs.queue.pop()
        if popped is None or laboratory.left <= 0:
            return
        cost, call = popped
        written = inputs.draft(call, draft)
        failure = laboratory.call(model, written, inputs.positional(call))
        if failure is None:
            if laboratory.confirm(written._asdict()) is None:
                yield inputs, call, written
            continue
        repeats[failure.text] += 1
        if advance.is_new(failure.progress):
            repeats.clear()
        if _hopeless(failure) or repeats[failure.text] > REPEATS:
            return
        inputs.learn(advance.cost(cost, failure.progress), call, failure)


def _steered(subject: Subject, draft: Draft, call: Call, budget: int) -> Iterator[Draft]:
    """This call, repaired where it must be."""
    fresh, failure = subject.laboratory.build(draft)
    if failure is None:
        for _, _, found in _calls(subject, draft, fresh, budget, call, alone=True):
            yield found
            return


def _hopeless(failure: Failure) -> bool:
    """Whether other inputs cannot help: the forward is abstract, or needs what is not there."""
    abstract = failure.kind == "NotImplementedError" and not NOT_OF_KIND.search(failure.message)
    return bool(failure.package) or abstract or failure.kind == "ImportError"


def _recipe(subject: Subject, draft: Draft) -> Dict[str, Any]:
    return {
        "source": "synthesised",
        "where": "",
        "path": subject.source_path,
        "class_name": subject.cls.__qualname__,
        "build": draft.build,
        "inputs": draft.inputs,
        "setup": draft.setup,
        "function": "",
        "labels": [],
    }


# What is missing


def _no_module(cls: type, namespace: Mapping[str, Any]) -> NoRecipe:
    name = "{}.{}".format(namespace.get("__name__", ""), cls.__qualname__)
    return NoRecipe(
        "no-recipe",
        "cannot call {}: it is no nn.Module".format(cls.__qualname__),
        "give a recipe for a model that uses {}".format(name),
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
    calls = [f for f in failures if f.stage == "call" and f.kind != "OutOfTime"]
    builds = [f for f in failures if f.stage == "build" and f.kind != "OutOfTime"]
    unknown = Failure("build", "OutOfTime", "")
    chosen = furthest(calls) or (builds or failures or [unknown])[0]
    near = (chosen,) if calls else (chosen, *builds[-3:])
    package = next((f.package for f in near if f.package), "")
    if package:
        return NoRecipe(
            "needs-package",
            "cannot run {}: it needs the package {}".format(name, package),
            "install {} beside the project".format(package),
        )
    verb = "call" if calls else "build"
    if chosen.kind == "OutOfTime":
        return NoRecipe("timeout", "found no way to {} {} in time".format(verb, name), hint)
    message = "cannot {} {}: {}".format(verb, name, _sentence(chosen))
    return NoRecipe("no-recipe", message, hint)


def furthest(failures: Sequence[Failure]) -> Optional[Failure]:
    """The call that got furthest, the one met first among equals: it says what is still wrong."""
    return max(failures, key=lambda failure: failure.progress, default=None)


def _sentence(failure: Failure) -> str:
    missing = re.search(r"'(\w+)' object has no attribute '(\w+)'", failure.message)
    if missing:
        return "{} has no .{}".format(missing.group(1), missing.group(2))
    return failure.text
