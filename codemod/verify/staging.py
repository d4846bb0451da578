"""Brings rewrites in by stages until what stands is what ran.

S0 is the disk, S1 adds the rewrites that preserve behaviour, S2 those that change it on purpose.
Whatever fails is withdrawn and the stages run again; answers for unchanged text are remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from codemod.results import Reason, Rewrite, Site
from codemod.verify import reasons
from codemod.verify.blame import Blame, Failing, blame, in_order_of_need
from codemod.verify.runs import BudgetSpent, Job, Overlay
from codemod.verify.trials import Group, Laboratory, Problem, Trial, ended, sites_of, touched
from codemod.verify.verdicts import shortfall

_BUDGET = Problem("unconfirmed", reasons.budget())


@dataclass(frozen=True)
class Examined:
    """What the runs of one group showed: trials for each of its rewrites, or a failure."""

    trials: Mapping[str, tuple[Trial, ...]]
    failing: Failing | None = None
    problem: Problem | None = None


@dataclass
class Staging:
    """The state of one confirmation.

    `settled`: rewrites that cannot be confirmed any more, and why; never taken back.
    `withdrawn`: those of them that are in no overlay any more.
    `kept`: rewrites that are accepted without a confirmation, as all are with `keep_unconfirmed`.
    """

    laboratory: Laboratory
    groups: Sequence[Group]
    keep_unconfirmed: bool
    done: Callable[[Group], None]
    settled: dict[str, Problem] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    trials: dict[str, tuple[Trial, ...]] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    def run(self) -> tuple[Overlay, Overlay]:
        """S1 and S2 such that all that is not settled ran in them as they are."""
        self._find_first_ways()
        while True:
            before = (len(self.settled), len(self.withdrawn))
            self._settle_dependents()
            disk = self.laboratory.runner.overlay(())
            first = self._stage(disk, self._preserving)
            second = self._stage(first, self._on_purpose)
            self._settle_dependents()
            if before == (len(self.settled), len(self.withdrawn)):
                return first, second

    # Which rewrites are in which stage

    def _present(self) -> set[str]:
        ids = set(self.laboratory.rewrites) - self.withdrawn
        return {key for key in ids if key not in self.settled or self._may_be_unconfirmed(key)}

    def _may_be_unconfirmed(self, key: str) -> bool:
        accepted = self.keep_unconfirmed or key in self.kept
        return accepted and not self.laboratory.rewrites[key].only_confirmed

    def _preserving(self) -> set[str]:
        return self._present() - self.second_stage

    def _on_purpose(self) -> set[str]:
        return self._present() & self.second_stage

    @property
    def second_stage(self) -> frozenset[str]:
        """Rewrites that are written on demand alone, and all that are built on them."""
        return self._with_dependents(lambda rewrite: rewrite.needs_accept)

    @property
    def _behaviour_changes(self) -> frozenset[str]:
        return self._with_dependents(lambda rewrite: rewrite.contract.changes_behaviour)

    def _with_dependents(self, chosen: Callable[[Rewrite], bool]) -> frozenset[str]:
        found = {key for key, one in self.laboratory.rewrites.items() if chosen(one)}
        return frozenset(found | set(self._dependents(found)))

    def _dependents(self, ids: Iterable[str]) -> list[str]:
        """All that is built on these, however indirectly, without them."""
        start = set(ids)
        found: dict[str, None] = {}
        for rewrite in in_order_of_need(list(self.laboratory.rewrites.values())):
            if any(key in start or key in found for key in rewrite.requires):
                found[rewrite.id] = None
        return [key for key in found if key not in start]

    def _settle_dependents(self) -> None:
        """What is built on a rewrite that is not there can neither be composed nor confirmed."""
        for rewrite in in_order_of_need(list(self.laboratory.rewrites.values())):
            for key in rewrite.requires:
                gone = key in self.withdrawn or key not in self.laboratory.rewrites
                if gone or (key in self.settled and not self._may_be_unconfirmed(key)):
                    problem = Problem("unconfirmed", reasons.requires(key))
                    self.settled.setdefault(rewrite.id, problem)
                if gone:
                    self.withdrawn.add(rewrite.id)

    # Running

    def _find_first_ways(self) -> None:
        """Rewrites of what cannot be run at all are in no stage.

        First each class by itself, then what contains those for which that failed.
        """
        laboratory, disk = self.laboratory, self.laboratory.runner.overlay(())
        groups = [group for group in self.groups if not group.raises_before]
        for alone in (True, False):
            jobs = {
                id(group): laboratory.next_way(group, disk, sites_of(group.rewrites), alone)
                for group in groups
            }
            results = laboratory.runner.run_all(jobs)
            laboratory.share()
            for group in groups:
                if isinstance(results[id(group)], BudgetSpent):
                    self._settle(group.rewrites, _BUDGET)
                    self.done(group)
            groups = [group for group in groups if results[id(group)] is None]
        for group in groups:
            self._settle(group.rewrites, self._why_no_way(group))
            self.done(group)

    def _stage(self, base: Overlay, added: Callable[[], set[str]]) -> Overlay:
        """Brings `added()` in over `base`, without those that fail."""
        runner = self.laboratory.runner
        while True:
            self._settle_dependents()
            over = runner.overlay(base.ids | added())
            groups = [group for group in self.groups if self._is_concerned(group, base, over)]
            jobs = {id(group): self._examine(group, base, over) for group in groups}
            results = runner.run_all(jobs, self._teller(groups))
            failing = []
            for group in groups:
                result = results[id(group)]
                if isinstance(result, BudgetSpent):
                    self._settle(_in_question(group, base, over), _BUDGET)
                elif result.failing is not None:
                    failing.append(result.failing)
                else:
                    self._take(group, base, over, result)
            runner.forget_all_but([runner.overlay(()), base, over])
            if not failing:
                return over
            self._blame(failing)

    def _teller(self, groups: Sequence[Group]) -> Callable[[int], None]:
        by_id = {id(group): group for group in groups}
        return lambda key: self.done(by_id[key])

    def _is_concerned(self, group: Group, base: Overlay, over: Overlay) -> bool:
        """Whether a group has something unsettled to see in this stage, or in changed files."""
        open_ids = {rewrite.id for rewrite in group.rewrites} - self.settled.keys()
        if not open_ids:
            return False
        if open_ids & (over.ids - base.ids):
            return True
        seen = {files for runs in group.ran.values() for files, _ in runs}
        return bool(open_ids & base.ids) and any(
            base.signature(files) != over.signature(files) for files in seen
        )

    def _examine(self, group: Group, base: Overlay, over: Overlay) -> Job[Examined]:
        own = [r for r in group.rewrites if r.id in over.ids - base.ids]
        trials: list[Trial] = []
        index = 0
        while True:
            if index == len(group.ways):
                missing = [one for one in own if not _is_reached(base, over, one, trials)]
                if trials and not missing:
                    break
                wanted = [*sites_of(missing or own), *self._taken_away_by(missing)]
                if not own or (yield from self.laboratory.next_way(group, over, wanted)) is None:
                    break
            way = group.ways[index]
            index += 1
            trial = yield from self.laboratory.trial(group, way, base, over, own)
            if isinstance(trial, Reason):
                group.problems.append(ended(way, trial))
                continue
            if trial.fails:
                return Examined({}, Failing(group, way, base, over))
            if trial.judgement.incomparable:
                found = trial.judgement.hidden()
                reason = reasons.not_comparable(found, str(way.model))
                group.problems.append(Problem("unconfirmed", reason, trial))
                continue
            trials.append(trial)
        if not trials:
            return Examined({}, problem=self._why_no_way(group))
        return (yield from self._examine_apart(group, base, over, own, trials))

    def _taken_away_by(self, rewrites: Iterable[Rewrite]) -> list[Site]:
        """Where on the disk stands what the rewrites take away."""
        lines = self.laboratory.runner.overlay(()).lines
        return [Site(path, line, 1) for one in rewrites for path, line in lines.get(one.id, ())]

    def _examine_apart(
        self,
        group: Group,
        base: Overlay,
        over: Overlay,
        own: Sequence[Rewrite],
        trials: Sequence[Trial],
    ) -> Job[Examined]:
        """Judges apart those whose own change another's declared change may hide."""
        found = {rewrite.id: tuple(trials) for rewrite in own}
        for members in self._hidden(base, over, own, trials):
            ids = {rewrite.id for rewrite in members}
            without = self.laboratory.runner.overlay(over.ids - ids - set(self._dependents(ids)))
            apart = []
            for trial in trials:
                one = yield from self.laboratory.trial(group, trial.way, without, over, members)
                if isinstance(one, Reason):
                    return Examined({}, problem=ended(trial.way, one))
                if one.fails:
                    return Examined({}, Failing(group, trial.way, without, over))
                apart.append(one)
            found.update({key: tuple(apart) for key in ids})
        return Examined(found)

    def _hidden(
        self, base: Overlay, over: Overlay, own: Sequence[Rewrite], trials: Sequence[Trial]
    ) -> list[list[Rewrite]]:
        """Rewrites to be judged apart, in sets of one contract where nothing changes on purpose."""
        added = over.ids - base.ids
        on_purpose = self._behaviour_changes
        alone = [r for r in own if r.id in on_purpose and len(added) > 1]
        changed = {
            aspect
            for trial in trials
            for aspect, status in trial.judgement.statuses.items()
            if status == "changed-as-declared"
        }
        by_contract: dict[frozenset[str], list[Rewrite]] = {}
        for rewrite in own:
            declared = frozenset(str(aspect) for aspect in rewrite.contract.changes)
            if rewrite.id not in on_purpose and not changed <= declared:
                by_contract.setdefault(declared, []).append(rewrite)
        return [*([r] for r in alone), *by_contract.values()]

    def _take(self, group: Group, base: Overlay, over: Overlay, result: Examined) -> None:
        """Keeps what a passing group showed; settles those of its rewrites that fall short."""
        if result.problem is not None:
            self._settle(_in_question(group, base, over), result.problem)
            return
        for rewrite in group.rewrites:
            if rewrite.id not in over.ids - base.ids or rewrite.id in self.settled:
                continue
            self.trials[rewrite.id] = result.trials.get(rewrite.id, ())
            keys = over.keys.get(rewrite.id, ())
            beside = beside_witnesses(base, over, rewrite)
            reason = shortfall(rewrite, self.trials[rewrite.id], keys, beside)
            if reason is not None:
                self.settled[rewrite.id] = Problem("unconfirmed", reason)

    def _blame(self, failing: Sequence[Failing]) -> None:
        """Withdraws culprits; where failures may have one culprit in common, one is asked first."""
        chosen: list[Failing] = []
        taken: set[str] = set()
        for failure in failing:
            ids = self._possible_culprits(failure)
            if not ids & taken:
                chosen.append(failure)
                taken |= ids
        jobs = {index: blame(self.laboratory, failure) for index, failure in enumerate(chosen)}
        results = self.laboratory.runner.run_all(jobs)
        for index, failure in enumerate(chosen):
            result = results[index]
            if isinstance(result, BudgetSpent):
                self._settle(_in_question(failure.group, failure.base, failure.over), _BUDGET)
            else:
                self._act_on(result, failure)

    def _possible_culprits(self, failure: Failing) -> set[str]:
        root = self.laboratory.runner.project.root
        loaded = {path for files, _ in failure.group.ran.get(failure.way, ()) for path in files}
        return {
            key
            for key in failure.over.ids - failure.base.ids
            if not loaded
            or any(str(root / path) in loaded for path in touched(self.laboratory.rewrites[key]))
        }

    def _act_on(self, result: Blame, failure: Failing) -> None:
        if result.culprit is None:
            self._settle(_in_question(failure.group, failure.base, failure.over), result.problem)
            return
        self.settled[result.culprit] = result.problem
        self.withdrawn.add(result.culprit)
        self._settle_dependents()

    def _settle(self, rewrites: Iterable[Rewrite], problem: Problem) -> None:
        for rewrite in rewrites:
            self.settled.setdefault(rewrite.id, problem)

    def _why_no_way(self, group: Group) -> Problem:
        if group.problems:
            return group.problems[0]
        failure = {"code": "no-recipe", "message": "no recipe was found"}
        return Problem("unconfirmed", reasons.of_failure(failure, str(group.model)))


def _in_question(group: Group, base: Overlay, over: Overlay) -> list[Rewrite]:
    """What a stage that shows nothing leaves in doubt: the group's new rewrites, else all of it."""
    added = over.ids - base.ids
    return [r for r in group.rewrites if r.id in added] or list(group.rewrites)


def _is_reached(base: Overlay, over: Overlay, rewrite: Rewrite, trials: Sequence[Trial]) -> bool:
    reached = {key for trial in trials for key in trial.reached}
    keys = over.keys.get(rewrite.id, ())
    return reached.issuperset((*keys, *beside_witnesses(base, over, rewrite)))


def beside_witnesses(base: Overlay, over: Overlay, rewrite: Rewrite) -> tuple[str, ...]:
    """Keys of the places that a rewrite takes out of `base` and puts into `over`, beside those
    that it watches itself."""
    return (*over.put_there.get(rewrite.id, ()), *base.taken_away.get(rewrite.id, ()))
