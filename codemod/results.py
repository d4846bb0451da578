"""The frozen values that all layers exchange. Imports nothing of ours.

Lines and columns are 1-based; columns and offsets count code points, never bytes.
Paths are POSIX paths relative to the project root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Aspect = Literal[
    "state_dict",
    "load",
    "signature",
    "eval",
    "train",
    "grads",
    "buffers",
    "inputs",
    "rng",
    "trace",
    "modules",
    "hooks",
]
ASPECTS: tuple[Aspect, ...] = (
    "state_dict",
    "load",
    "signature",
    "eval",
    "train",
    "grads",
    "buffers",
    "inputs",
    "rng",
    "trace",
    "modules",
    "hooks",
)
STRUCTURAL: frozenset[Aspect] = frozenset({"modules", "hooks"})

Expectation = Literal[
    "differs",
    "may-differ",
    "becomes-deterministic",
    "gains-keys",
    "raises-before",
    "may-raise-before",
]

# What these say is mended: where it ran before, it is preserved.
MENDED: frozenset[Expectation] = frozenset({"raises-before", "may-raise-before"})


@dataclass(frozen=True)
class Contract:
    """What a rewrite promises: every aspect not in `changes` is preserved bitwise."""

    changes: Mapping[Aspect, Expectation] = field(default_factory=dict)

    @property
    def preserves(self) -> tuple[Aspect, ...]:
        return tuple(aspect for aspect in ASPECTS if aspect not in self.changes)

    @property
    def changes_behaviour(self) -> bool:
        """Whether what the model does changes: such a rewrite needs `--accept`.

        Its parts, and the operators by which it comes to the same results, are no behaviour.
        """
        return bool(self.behaviour)

    @property
    def behaviour(self) -> tuple[Aspect, ...]:
        """The aspects of behaviour that change on purpose; what raised before has none."""
        return tuple(
            aspect
            for aspect, expectation in self.changes.items()
            if aspect not in STRUCTURAL and aspect != "trace" and expectation not in MENDED
        )


# The contract of a repair: the code raised when it was built or run, and runs after. What could
# be seen before is preserved.
REPAIRS = Contract(changes=dict.fromkeys(ASPECTS, "raises-before"))


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text: 1-based line and column, column in code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One place in the source that a rewrite changes."""

    path: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Edit:
    """One text replacement: `text[start:end]` becomes `new`. Offsets in code points.

    `start == end` inserts. Insertions at one offset do not clash: they are ordered by `order`,
    then by the order in which their rewrites stand in the plan.
    """

    path: str
    start: int
    end: int
    new: str
    order: int = 0


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a rewrite needs and may share: an import, a new `__init__`, a blank line.

    Two rewrites with the same `key` are met once.
    """

    key: str
    edit: Edit


@dataclass(frozen=True, slots=True)
class Release:
    """A file-level name (`F`, `nn`) that a rewrite stops using in `path`.

    Its import goes too if nothing in the composed file uses it any more.
    """

    path: str
    name: str


# The last four are found by the engine, beside what a rewrite names: a `statement` is watched
# where it begins, an `else` is that of an `if` that has none, a `short-cut` that of `and` or `or`
# where the last operand is not evaluated; a `condition` may draw no random numbers.
WitnessKind = Literal["expression", "function", "statement", "else", "short-cut", "condition"]


@dataclass(frozen=True, slots=True)
class Witness:
    """What must be executed in the after run for a site to count as reached.

    `expression`: the expression at `text[start:end]`, after the edits in and around it.
    `function`: the `def` whose keyword (`def` or `async`) stands at `start`, left by a return.
    Offsets are those of the snapshot that the rewrite was found in.
    """

    path: str
    start: int
    end: int
    kind: WitnessKind = "expression"


@dataclass(frozen=True, slots=True)
class Extent:
    """A stretch of a file's text. Offsets in code points."""

    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The smallest change that makes sense alone.

    `only_confirmed`: whether it is right can be seen only by running it, so nothing but a
    confirmation lets it be written.
    """

    id: str
    transform: str
    path: str
    class_name: str  # qualified within the file
    summary: str  # "F.relu -> self.relu"
    sites: tuple[Site, ...]
    edits: tuple[Edit, ...]
    contract: Contract
    witnesses: tuple[Witness, ...]
    requirements: tuple[Requirement, ...] = ()
    releases: tuple[Release, ...] = ()
    requires: tuple[str, ...] = ()
    only_confirmed: bool = False
    # Text that the edits say again elsewhere: a rewrite that changes it and this one do not go
    # together in one pass.
    repeats: tuple[Extent, ...] = ()
    # `path:line` of code of the project that sees the change of structure: it goes over children
    # by position or type, or registers hooks.
    seen_by: tuple[str, ...] = ()
    # Other classes that it changes, as (path, class name): all of them, or none.
    also: tuple[tuple[str, str], ...] = ()

    @property
    def needs_accept(self) -> bool:
        """Whether it is written with `--accept behaviour-change` alone."""
        return self.contract.changes_behaviour or bool(self.seen_by)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A place that a transform matched and must not rewrite."""

    transform: str
    path: str
    line: int
    column: int
    class_name: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class FileError:
    """A file inside PATHS that could not be analysed."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Location:
    """A witness in the composed text, as `ast` counts: 1-based line, 0-based UTF-8 columns."""

    kind: WitnessKind
    line: int
    column: int
    end_line: int
    end_column: int


Located = tuple[tuple[str, Location], ...]


@dataclass(frozen=True, slots=True)
class Composition:
    """What accepted rewrites make of the project: changed files only.

    `witnesses` maps a rewrite's id to `(path, location)` pairs in the composed text; so do
    `put_there`, places that it brings and no witness watches, and, of those that are not
    accepted, `taken_away`: places that it would change or take away.
    """

    files: Mapping[str, bytes]
    witnesses: Mapping[str, Located]
    put_there: Mapping[str, Located] = field(default_factory=dict)
    taken_away: Mapping[str, Located] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The rewrites and refusals for one snapshot of a project."""

    rewrites: tuple[Rewrite, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    errors: tuple[FileError, ...] = ()
    files: int = 0


VerdictKind = Literal["confirmed", "different", "unconfirmed"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rewrite is not confirmed: stable code, one sentence, what the user can do."""

    code: str
    message: str
    hint: str = ""


RecipeSource = Literal["given", "harvested", "recorded", "synthesised", "enclosed"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build and call one class, as Python source that the worker evaluates.

    `setup`: statements run first, in a copy of the globals of the file named by `path`.
    `build`: an expression that gives the model. `inputs`: an expression that gives
    `(args, kwargs)` for one call of it. Torch is always there as `torch`.
    `function`: instead of both, `FILE:NAME` of a function of a recipes file
    that returns `(args, kwargs, inputs)`.
    """

    source: RecipeSource
    where: str
    path: str
    class_name: str
    build: str = ""
    inputs: str = ""
    setup: str = ""
    function: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecipeEvidence:
    """A recipe that ran, as the report shows it."""

    source: RecipeSource
    where: str
    call: str
    inputs: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing seen to differ: aspect, path in its tree, and what stood there.

    `inputs`: the set of other inputs that showed it; empty for the recipe's own.
    """

    aspect: Aspect
    path: str
    before: str
    after: str
    max_abs: float | None = None
    max_rel: float | None = None
    inputs: str = ""


@dataclass(frozen=True, slots=True)
class FirstSite:
    """The first operator whose own result differs: which line ran it, before and after.

    A place is `path:line`, empty where nothing of the project stood there; an operator is
    empty where the run had ended. `inputs`: the set of other inputs; empty for the recipe's own.
    """

    mode: str
    inputs: str
    before: str
    after: str
    text_before: str
    text_after: str
    operator_before: str
    operator_after: str


AspectStatus = Literal[
    "equal", "different", "changed-as-declared", "not-changed", "not-applicable", "not-run"
]


@dataclass(frozen=True, slots=True)
class Reuse:
    """A module without state of its own that was called more than once in one forward.

    `path` and `class_name`: the model that ran; `module`: its name in there; `new`: whether the
    rewrites made it.
    """

    path: str
    class_name: str
    module: str
    type: str
    times: int
    new: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen when a rewrite was run. Null in a report only when nothing ran.

    `input_sets`: the sets of other inputs that were run as well, such as `negative`, and whether
    anything differed there that must not. `replay`: what `codemod verify --replay` takes.
    """

    recipes: tuple[RecipeEvidence, ...]
    aspects: Mapping[Aspect, AspectStatus]
    witnesses_reached: int
    witnesses: int
    stubs: tuple[str, ...] = ()
    symbolic: str | None = None
    differences: tuple[Difference, ...] = ()
    first_site: FirstSite | None = None
    replay: str = ""
    input_sets: Mapping[str, AspectStatus] = field(default_factory=dict)
    reused: tuple[Reuse, ...] = ()
    notes: tuple[str, ...] = ()  # e.g. "reused-at-run-time: relu fires 2 times a forward"


@dataclass(frozen=True, slots=True)
class Repeated:
    """What the repetition of a run showed. `failure`: how it ended, where it did not run."""

    summary: str
    call: str
    inputs: str
    differences: tuple[Difference, ...] = ()
    first_site: FirstSite | None = None
    failure: str = ""

    @property
    def differs(self) -> bool:
        return bool(self.differences or self.failure)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`confirmed`, `different`, or `unconfirmed` with its reason. There is no default."""

    kind: VerdictKind
    reason: Reason | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rewrite, what was found out about it, and what happened to it."""

    rewrite: Rewrite
    verdict: Verdict
    edits: tuple[tuple[Edit, Position, Position], ...]  # with requirements, composed alone
    patch: str  # of this rewrite alone (with those it requires)
    would_write: bool
    written: bool


@dataclass(frozen=True, slots=True, order=True)
class Attempt:
    """What a model or an import tried that the cage is there for.

    `path`, `line`: the innermost line of the project that it came through, `class_name` the model
    that ran: empty and 0 where there was none. `what`: a host, a path, a command line.
    """

    kind: Literal["network", "write", "program", "signal"]
    what: str
    path: str = ""
    line: int = 0
    class_name: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run found, did and did not do."""

    version: str
    torch: str | None
    protection: tuple[str, ...]
    files: int
    seconds: float
    outcomes: tuple[Outcome, ...]
    refusals: tuple[Refusal, ...]
    errors: tuple[FileError, ...]
    patch: str = ""  # of everything that would be written
    mode: Literal["diff", "apply"] = "diff"
    notes: tuple[str, ...] = field(default=())
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassDiagnosis:
    """Whether one class can be run.

    `dotted`: what it is imported as. `sites`: how many places of it a transform is about.
    `recipe`: how it ran, `ran`: in which modes; null and empty if it did not: then `reason`
    says why, and `advice` is the line of configuration that helps, if one does.
    """

    path: str
    line: int
    class_name: str
    dotted: str
    sites: int
    recipe: RecipeEvidence | None
    ran: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    reason: Reason | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `codemod doctor` found: the surroundings, then each class."""

    version: str
    root: str
    python: str
    torch: str | None
    import_roots: tuple[str, ...]  # relative to the root where they lie below it
    protection: tuple[str, ...]
    recipes: tuple[str, ...]  # files that give recipes
    classes: tuple[ClassDiagnosis, ...]
    errors: tuple[FileError, ...]
    seconds: float
    notes: tuple[str, ...] = ()
