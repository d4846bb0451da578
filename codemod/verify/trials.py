"""Runs one model on two overlays and judges what is seen; says which promises apply to the pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from codemod.results import (
    Aspect,
    Difference,
    Expectation,
    FirstSite,
    Reason,
    Recipe,
    Reuse,
    Rewrite,
    Site,
)
from codemod.verify import input_sets, reasons
from codemod.verify.compare import (
    Judgement,
    disagreements,
    judge,
    raises_always,
    reused_modules,
)
from codemod.verify.first_site import first_site
from codemod.verify.runs import (
    Answer,
    FindRecipe,
    Job,
    Model,
    Observe,
    Overlay,
    Record,
    Runner,
    load_keys,
    packed,
)

MAX_WAYS = 8
MAX_RECIPES_EACH = 6
MAX_SHARED = 3
MAX_FRUITLESS = 3  # targets that gave nothing, of a class that runs already

# How a run can end on other inputs than its own, for which nobody is to blame.
_OF_OTHER_INPUTS = frozenset(
    {"timeout", "crashed", "memory", "exited", "too-large", "needs-package"}
)


@dataclass(frozen=True)
class Way:
    """A model and a recipe that was seen to run it."""

    model: Model
    recipe: Recipe


@dataclass(frozen=True)
class Trial:
    """One way run before and after. `failure`: the after run did not get to its end.

    `changes`: what might change. `files`: those of the project that either run loaded, absolute.
    `request`: of the after run, and `base` what it was compared with, where it was seen again.
    """

    way: Way
    judgement: Judgement
    reached: frozenset[str] = frozenset()
    failure: Mapping[str, Any] | None = None
    stubs: tuple[str, ...] = ()
    reused: tuple[Reuse, ...] = ()
    scripted: bool = False
    first_site: FirstSite | None = None
    base: Overlay | None = None
    request: Observe | None = None
    changes: Mapping[Aspect, Expectation] = field(default_factory=dict)
    files: frozenset[str] = frozenset()

    @property
    def fails(self) -> bool:
        return self.failure is not None or bool(self.judgement.broken)


@dataclass(frozen=True)
class Problem:
    """Why a rewrite cannot be confirmed, and the trial that showed it."""

    kind: Literal["different", "unconfirmed"]
    reason: Reason
    trial: Trial | None = None
    differences: tuple[Difference, ...] = ()


@dataclass
class Group:
    """All rewrites of one class that are confirmed by the same runs.

    `ways`: found so far. `tried`: these and the ones that could not be used; `problems`: why.
    `target`: the one of the targets whose turn it is. `waiting`: ways to be taken up first.
    `fruitless`: searches that gave nothing since the last one that did.
    `ran`: for each way, the files that an after run loaded and the overlay's digest of them.
    """

    model: Model
    rewrites: tuple[Rewrite, ...]
    targets: tuple[Model, ...]
    raises_before: bool = False
    ways: list[Way] = field(default_factory=list)
    tried: list[Way] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    target: int = 0
    waiting: list[Way] = field(default_factory=list)
    fruitless: int = 0
    ran: dict[Way, set[tuple[frozenset[str], str]]] = field(default_factory=dict)


def ended(way: Way, reason: Reason) -> Problem:
    """A way that was run and showed nothing that can be judged."""
    return Problem("unconfirmed", reason, Trial(way, Judgement({})))


def after_run(way: Way, over: Overlay, before: Mapping[str, Any], **more: Any) -> Observe:
    """The run of a way on `over` that can be compared with what was seen before."""
    keys = load_keys(before)
    return Observe(over, way.model, way.recipe, keys, sets=input_sets.names(before), **more)


def _places_of(sites: Iterable[Site]) -> tuple[tuple[str, int, int], ...]:
    return tuple(sorted({(site.path, site.line, site.column) for site in sites}))


def sites_of(rewrites: Iterable[Rewrite]) -> list[Site]:
    return [site for rewrite in rewrites for site in rewrite.sites]


def touched(rewrite: Rewrite) -> frozenset[str]:
    """Every file that the rewrite changes or watches, relative to the root."""
    return frozenset(
        [
            *(edit.path for edit in rewrite.edits),
            *(requirement.edit.path for requirement in rewrite.requirements),
            *(release.path for release in rewrite.releases),
            *(witness.path for witness in rewrite.witnesses),
        ]
    )


def promised(own: Iterable[Rewrite], foreign: Iterable[Rewrite]) -> dict[Aspect, Expectation]:
    """What may change when these rewrites come in together.

    Foreign rewrites lie in other classes that the model contains: it need not show their change.
    Where expectations mix, nothing more than `may-differ` can be asked of the pair.
    """
    changes: dict[Aspect, Expectation] = {}
    for rewrite in own:
        for aspect, expectation in rewrite.contract.changes.items():
            known = changes.setdefault(aspect, expectation)
            if known != expectation:
                changes[aspect] = "may-differ"
    for rewrite in foreign:
        for aspect, expectation in rewrite.contract.changes.items():
            if expectation == "may-raise-before":
                changes.setdefault(aspect, expectation)
            elif expectation != "raises-before":  # of a model that ran before, nothing is repaired
                changes[aspect] = "may-differ"
    return changes


def _is_of_limits(failure: Mapping[str, Any] | None) -> bool:
    """Whether a run failed in a way in which it may not fail without the other inputs."""
    return failure is not None and failure.get("code") in _OF_OTHER_INPUTS


def _is_of_the_code(failure: Mapping[str, Any]) -> bool:
    """Whether the code itself raised, when it was imported or built: what a repair mends."""
    return failure.get("code") in ("raised", "recipe-raises", "import-failed")


@dataclass(frozen=True)
class Laboratory:
    """The jobs that run models. `rewrites` in the order of the plan, by id.

    `found`: ways that ran, by the classes of the project whose modules are in the model;
    `shared`: those of them that all groups may use.
    """

    runner: Runner
    rewrites: Mapping[str, Rewrite]
    found: dict[Model, set[Way]] = field(default_factory=dict)
    shared: dict[Model, tuple[Way, ...]] = field(default_factory=dict)

    def share(self) -> None:
        """Lets all groups use what was found so far. Called between rounds, when no job runs:
        what a group uses must not hang on which of the jobs was faster."""
        for model, ways in self.found.items():
            smallest = sorted(ways, key=lambda way: (len(way.recipe.build), repr(way)))
            self.shared[model] = tuple(smallest[:MAX_SHARED])

    def _note(self, way: Way, contains: Iterable[tuple[str, str]]) -> None:
        root = self.runner.project.root
        for file, name in contains:
            path = Path(file)
            if path.is_relative_to(root):
                model = Model(path.relative_to(root).as_posix(), name)
                if model != way.model:
                    self.found.setdefault(model, set()).add(way)

    def before(self, group: Group, way: Way, base: Overlay) -> Job[Answer | Reason]:
        """A before run that agrees with itself and shows something; else why it does not."""
        target = str(way.model)
        request = Observe(base, way.model, way.recipe, repeat=2)
        answer = yield request
        if _is_of_limits(answer.failure):
            request = replace(request, sets=())
            answer = yield request
        if answer.failure is not None and group.raises_before and _is_of_the_code(answer.failure):
            return Answer(files=answer.files, packed=packed([{}]))
        if answer.failure is not None:
            return reasons.of_failure(answer.failure, target)
        first, second = answer.observations()
        if disagreements(first, second) or first.get("sets") != second.get("sets"):
            # The first of two runs in one process may have left something behind.
            request = replace(request, repeat=1, attempt=1)
            again = yield request
            if _is_of_limits(again.failure):
                again = yield replace(request, sets=())
            if _is_of_limits(again.failure):
                return reasons.of_failure(again.failure or {}, target)
            if again.failure is not None:
                return reasons.nondeterministic((), target)
            apart = disagreements(first, again.observation())
            if apart:
                place = yield from self.unsteady_place(way, base)
                return reasons.nondeterministic(apart, target, place)
            answer = replace(answer, packed=packed([first, again.observation()]))
        what = raises_always(first)
        if what is not None and not group.raises_before:
            return reasons.raised(what, target)
        return answer

    def unsteady_place(self, way: Way, overlay: Overlay) -> Job[str]:
        """The line whose own result first differs between two runs of one code; else nothing.

        Each in a process of its own: what differs may be what a process finds out once.
        """
        request = Observe(overlay, way.model, way.recipe, raw=True, sets=(), located=("",))
        one = yield replace(request, attempt=3)
        other = yield replace(request, attempt=4)
        if one.failure is not None or other.failure is not None:
            return ""
        line = self.line_of(overlay)
        found = first_site(one.observation(), other.observation(), (line, line))
        return (found.before or found.after) if found else ""

    def line_of(self, overlay: Overlay) -> Callable[[str, int], str]:
        """Tells a line of a file (relative to the root) as it stands in an overlay."""

        def line(path: str, number: int) -> str:
            file = self.runner.project.root / path
            text = overlay.files.get(str(file))
            if text is None:
                try:
                    text = file.read_text("utf-8", "replace")
                except OSError:
                    return ""
            lines = text.split("\n")
            return lines[number - 1] if 0 < number <= len(lines) else ""

        return line

    def trial(
        self, group: Group, way: Way, base: Overlay, over: Overlay, own: Sequence[Rewrite]
    ) -> Job[Trial | Reason]:
        """`over` judged against `base`; a Reason if the before run shows nothing."""
        before = yield from self.before(group, way, base)
        if isinstance(before, Reason):
            return before
        after = yield after_run(way, over, before.observation())
        if after.failure is None:
            seen = (after.files, over.signature(after.files))
            group.ran.setdefault(way, set()).add(seen)
        return self.judged(way, [before], after, base, over, own)

    def judged(
        self,
        way: Way,
        befores: Sequence[Answer],
        after: Answer,
        base: Overlay,
        over: Overlay,
        own: Sequence[Rewrite],
    ) -> Trial:
        """`befores`: runs of the code before; the first is compared, all must agree."""
        files = befores[0].files | after.files
        if after.failure is not None:
            return Trial(way, Judgement({}), failure=after.failure, files=files)
        suspects = self.suspects(base, over, befores[0], after)
        foreign = [rewrite for rewrite in suspects if rewrite not in own]
        first, *more = [one for answer in befores for one in answer.observations()]
        second = after.observation()
        changes = promised(own, foreign)
        judgement = judge(first, second, changes, more)
        return Trial(
            way,
            judgement,
            reached=after.witnesses | befores[0].witnesses | judgement.sets.reached,
            stubs=after.stubs,
            reused=reused_modules(first, second, way.model.path, way.model.class_name),
            scripted="scripted" in second,
            changes=changes,
            files=files,
        )

    def suspects(
        self, base: Overlay, over: Overlay, before: Answer, after: Answer
    ) -> list[Rewrite]:
        """The rewrites between two overlays that touch a file which the model loaded."""
        root = self.runner.project.root
        loaded = before.files | after.files
        added = over.ids - base.ids
        if after.failure is not None and not after.files:
            return [rewrite for key, rewrite in self.rewrites.items() if key in added]
        return [
            rewrite
            for key, rewrite in self.rewrites.items()
            if key in added and any(str(root / path) in loaded for path in touched(rewrite))
        ]

    def next_way(
        self, group: Group, over: Overlay, sites: Iterable[Site], alone: bool = False
    ) -> Job[Way | None]:
        """One more way to reach these places, or None; `group` remembers where it got to.

        Recipes are found on the disk; for what raises there, on `over`. `alone`: models that
        contain the class are not asked.
        """
        overlay = over if group.raises_before else self.runner.overlay(())
        while len(group.ways) < MAX_WAYS:
            way = yield from self._way_of(group, overlay, _places_of(sites))
            if way is None:
                if group.target >= len(group.targets) or (alone and group.target):
                    return None
                continue
            group.tried.append(way)
            if not group.raises_before:
                before = yield from self.before(group, way, overlay)
                if isinstance(before, Reason):
                    group.problems.append(ended(way, before))
                    continue
            group.ways.append(way)
            return way
        return None

    def _way_of(
        self, group: Group, overlay: Overlay, wanted: tuple[tuple[str, int, int], ...]
    ) -> Job[Way | None]:
        """A way of the target whose turn it is; None, and the turn goes on, when it has no more."""
        if group.target == 1 and not group.waiting:
            shared = [way for way in self.shared.get(group.model, ()) if way not in group.tried]
            for way in shared[:1]:
                yield from self._take_up(group, way, overlay)
        while group.waiting:
            way = group.waiting.pop(0)
            if way not in group.tried:
                return way
        model = group.targets[group.target] if group.target < len(group.targets) else None
        known = tuple(way.recipe for way in group.tried if way.model == model)
        if model is not None and len(known) < MAX_RECIPES_EACH:
            only_reaching, observed = model != group.model, not group.raises_before
            request = FindRecipe(overlay, model, known, wanted, only_reaching, observed)
            answer = yield request
            if answer.recipe is not None:
                group.fruitless = 0
                way = Way(model, answer.recipe)
                self._note(way, answer.contains)
                yield from self._take_up(group, way, overlay)
                return group.waiting.pop(0)
            if not known:
                reason = reasons.of_failure(answer.failure or {}, str(model))
                group.problems.append(Problem("unconfirmed", reason))
            group.fruitless += 1
        group.target += 1
        if group.ways and group.fruitless >= MAX_FRUITLESS:
            group.target = len(group.targets)
        return None

    def _take_up(self, group: Group, way: Way, overlay: Overlay) -> Job[None]:
        """What runs the class by itself inside a model, as was seen there, then the model."""
        if way.model != group.model and not group.raises_before:
            answer = yield Record(overlay, way.model, way.recipe)
            own = (group.model.path, group.model.class_name)
            for recipe in answer.recorded():
                if (recipe.path, recipe.class_name) == own:
                    group.waiting.append(Way(group.model, recipe))
        group.waiting.append(way)
