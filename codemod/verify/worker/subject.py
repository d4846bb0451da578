"""The class that a recipe is searched for, what was learned about it, and calls of its models.

A *base* is a way to run the class that is varied to get further; those that came nearest to a
wanted line are varied first.
"""

from __future__ import annotations

import collections
from typing import (
    Any,
    Callable,
    Counter,
    Dict,
    FrozenSet,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from .bestfirst import Advance, BestFirst
from .branches import steps_to
from .constructor import Arguments, Constructor
from .coverage import Coverage, Line, Place, place
from .effort import Effort
from .inputs import Inputs
from .laboratory import Draft, Failure, Laboratory
from .messages import NOT_OF_KIND
from .parsing import within
from .shield import Journal
from .specs import Call

CALLS = 150
BASES = 10
TIMEOUTS = 2  # of calls of one model
REPEATS = 12  # of one message, to the letter: it does not hang on the inputs


class Base(NamedTuple):
    """A recipe that ran. `level`: how many of the steps to a wanted line it reached."""

    draft: Draft
    level: int


class Parts(NamedTuple):
    """A draft in parts that can be changed: `constructor.draft(arguments)` stands between the two
    texts of `around`."""

    around: Tuple[str, str]
    constructor: Constructor
    arguments: Arguments
    inputs: Inputs
    call: Call

    def draft(self, arguments: Optional[Arguments] = None) -> Draft:
        made = self.constructor.draft(self.arguments if arguments is None else arguments)
        return made._replace(build=made.build.join(self.around))


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
        wanted: Sequence[Sequence[Any]] = (),
    ) -> None:
        self.cls = cls
        self.namespace = namespace
        self.source_path = source_path
        self.candidates = candidates
        self.laboratory = Laboratory(cls, namespace, effort, journal)
        self.missing = frozenset(place(one) for one in wanted)  # what no recipe reached so far
        self._steps = steps_to(cls, self.lines) if wanted else set()
        self._coverage = Coverage([*self.missing, *self._steps])
        self._stepped: FrozenSet[Line] = frozenset()
        self._built: FrozenSet[Place] = frozenset()
        self.steers = False  # whether only what comes nearer to a missing place is of use
        self.promising = True  # whether the last call came nearer
        self.was_built_afresh = False  # beside the bases that are varied
        self.is_slow = False  # whether a model took too long to be called
        self.bases: List[Base] = []
        self.in_part: List[Draft] = []  # constructions of which not all arguments are known
        self._parts: Dict[Draft, Optional[Parts]] = {}
        self.constructor = Constructor(cls, namespace, cls.__qualname__)

    @property
    def lines(self) -> FrozenSet[Line]:
        """Those of the places that are missing."""
        return frozenset((path, line) for path, line, _ in self.missing)

    def take(self, recipe: Mapping[str, Any], known: bool = False) -> bool:
        """Whether a recipe that runs reaches a missing place. What comes nearer to one than all
        before it is a base, as are the first and those that are known."""
        failure, reached = self._confirmed(recipe, known)
        if failure is not None:
            return False
        steps = frozenset((path, line) for path, line, _ in reached) & self._steps
        is_nearer = known or not self.bases or bool(steps - self._stepped)
        if recipe.get("build") and is_nearer:
            draft = Draft(recipe["build"], recipe["inputs"], recipe.get("setup") or "")
            self.keep(draft, len(steps))
        self._stepped |= steps
        found = self.missing & reached
        self.missing -= found if known else frozenset()
        return bool(found)

    def keep(self, draft: Draft, level: int = 0) -> None:
        """Has what runs varied later."""
        if len(self.bases) < BASES:
            self.bases.append(Base(draft, level))

    def _confirmed(
        self, recipe: Mapping[str, Any], known: bool
    ) -> Tuple[Optional[Failure], FrozenSet[Place]]:
        if not self._coverage.wanted:
            return None, frozenset()
        failures: List[Optional[Failure]] = []
        reached = self._coverage.reaches(
            lambda: failures.append(self.laboratory.confirm(recipe, known))
        )
        return failures[0], reached

    def build(self, draft: Draft) -> Any:
        """The model, or None. What building it reaches counts for the calls that follow."""
        made: List[Any] = []
        self._built = self._watched(lambda: made.append(self.laboratory.build(draft)[0]))
        return made[0]

    def call(self, model: Any, draft: Draft, names: Sequence[str] = ()) -> Optional[Failure]:
        """As the laboratory's, and `promising` tells about it."""
        failures: List[Optional[Failure]] = []
        called = self._watched(lambda: failures.append(self.laboratory.call(model, draft, names)))
        steps = frozenset((path, line) for path, line, _ in called | self._built) & self._steps
        self.promising = not self.steers or bool(
            (called | self._built) & self.missing or steps - self._stepped
        )
        return failures[0]

    def _watched(self, action: Callable[[], Any]) -> FrozenSet[Place]:
        if self.steers:
            return self._coverage.reaches(action)
        action()
        return frozenset()

    def parts(self, draft: Draft) -> Optional[Parts]:
        """A draft in its parts; None for one that does not call the class, or in another way."""
        if draft not in self._parts:
            self._parts[draft] = self._parted(draft)
        return self._parts[draft]

    def _parted(self, draft: Draft) -> Optional[Parts]:
        before, build, after = within(draft.build)
        arguments = self.constructor.parsed(build, draft.setup)
        if arguments is None:
            return None
        model, failure = self.laboratory.build(draft)
        if failure is not None:
            return None
        inputs = Inputs(model)
        call = inputs.parsed(draft.inputs)
        if call is None:
            return None
        return Parts((before, after), self.constructor, arguments, inputs, call)

    @property
    def name(self) -> str:
        return "{}.{}".format(self.namespace.get("__name__", ""), self.cls.__qualname__).strip(".")


def calls(
    subject: Subject,
    draft: Draft,
    model: Any,
    budget: int = CALLS,
    start: Optional[Call] = None,
    alone: bool = False,
) -> Iterator[Tuple[Inputs, Call, Draft]]:
    """Calls of the built model that run, and run again when it is built afresh, unless only what
    comes nearer is of use: see `promising`.

    A call that got further than all before it is where the search goes on.
    """
    inputs = Inputs(model)
    if start is not None and [name for name, _ in start] == list(inputs.parameters):
        if alone:
            inputs.queue = BestFirst()
        inputs.queue.push(-1.0, start)
    laboratory = subject.laboratory
    repeats: Counter[str] = collections.Counter()
    timeouts = 0
    advance = Advance()
    for _ in range(budget):
        popped = inputs.queue.pop()
        if popped is None or laboratory.left <= 0:
            return
        cost, call = popped
        written = inputs.draft(call, draft)
        failure = subject.call(model, written, inputs.positional(call))
        if failure is None:
            if subject.steers or laboratory.confirm(written._asdict()) is None:
                yield inputs, call, written
            continue
        repeats[failure.text] += 1
        if failure.kind == "OutOfTime" and laboratory.left > 0:
            subject.is_slow = True
            timeouts += 1
            if timeouts >= TIMEOUTS:
                return
        if advance.is_new(failure.progress):
            repeats.clear()
        if _hopeless(failure) or repeats[failure.text] > REPEATS:
            return
        inputs.learn(advance.cost(cost, failure.progress), call, failure)


def steered(subject: Subject, draft: Draft, model: Any, call: Call, budget: int) -> Iterator[Draft]:
    """This call, repaired where it must be."""
    for _, _, found in calls(subject, draft, model, budget, call, alone=True):
        if subject.promising:
            yield found
        return


def _hopeless(failure: Failure) -> bool:
    """Whether other inputs cannot help: the forward is abstract, or needs what is not there."""
    of_torch = failure.operator or NOT_OF_KIND.search(failure.message)
    abstract = failure.kind == "NotImplementedError" and not of_torch
    return bool(failure.package) or abstract or failure.kind == "ImportError"


def as_recipe(subject: Subject, draft: Draft) -> Dict[str, Any]:
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
