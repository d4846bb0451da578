"""The logic of stages, blame and budget, on a pool that only pretends to run models.

A file is a row of words, a rewrite replaces one word. What a word does when it "runs":

    plain*    nothing            random    eval differs from seed to seed
    bad*      other outputs      loud      other outputs in train mode
    crash*    a crash            module*   one more module
    broken*   an import error    opaque    outputs that cannot be compared
    dead*     is never reached   flaky     other outputs each time
    pair1, pair2                 other outputs if both are there
    raises    eval and train raise
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codemod.errors import WorkerError
from codemod.results import (
    ASPECTS,
    Composition,
    Contract,
    Edit,
    Location,
    Recipe,
    Rewrite,
    Site,
    Verdict,
    Witness,
)
from codemod.verify.confirm import Confirmation, Options, Target, confirm
from codemod.verify.reasons import _FAILURES

ROOT = Path("/project")
STRUCTURAL = Contract({"modules": "differs", "hooks": "differs"})
ON_PURPOSE = Contract({"train": "differs"})
DETERMINISTIC = Contract({"eval": "becomes-deterministic"})


def rewrite(
    key: str, path: str, index: int, new: str, contract: Contract = STRUCTURAL, **changes: Any
) -> Rewrite:
    """Replaces the word at `index` of `path`; its class is named like the file."""
    made = Rewrite(
        id=key,
        transform="t",
        path=path,
        class_name=path.removesuffix(".py").title(),
        summary="",
        sites=(Site(path, 1, index + 1),),
        edits=(Edit(path, index, index, new),),
        contract=contract,
        witnesses=(Witness(path, index, index),),
    )
    return replace(made, **changes)


class World:
    """A project, its recipes, and a pool that runs it."""

    protection = ("pretence",)
    torch = "2.0"

    def __init__(self, files: Mapping[str, str], rewrites: Iterable[Rewrite], **models: Any):
        self.files = dict(files)
        self.rewrites = tuple(rewrites)
        self.loads = {path.removesuffix(".py").title(): [path] for path in files}
        self.loads.update(models.get("loads", {}))
        self.recipes = models.get("recipes", {})
        self.alternatives = models.get("alternatives", {})
        self.contains = models.get("contains", {})
        self.overlays: dict[str, Any] = {"disk": ({}, {})}
        self.history: dict[str, Any] = {"disk": {}}
        self.asked: list[dict[str, Any]] = []
        self.turn = 0
        self.now = 0.0
        self.composed: list[frozenset[str]] = []
        self.fault: BaseException | None = None

    # The pool

    def define(self, overlay: str, files: Any, witnesses: Any) -> None:
        assert overlay not in self.overlays
        self.overlays[overlay] = (dict(files), dict(witnesses))
        self.history[overlay] = dict(files)

    def forget(self, overlay: str) -> None:
        del self.overlays[overlay]

    def submit(self, request: Mapping[str, object]) -> Future[dict[str, Any]]:
        assert request["overlay"] in self.overlays
        self.asked.append(dict(request))
        self.now += 1
        future: Future[dict[str, Any]] = Future()
        if self.fault is not None:
            future.set_exception(self.fault)
        elif request["op"] == "recipe":
            future.set_result(self._recipe(request))
        elif request["op"] == "record":
            future.set_result({"failure": {"code": "raised", "message": "words have no parts"}})
        elif request["op"] == "symbolic":
            future.set_result({"failure": {"code": "raised", "message": "words are no terms"}})
        else:
            future.set_result(self._observe(request))
        return future

    def _recipe(self, request: Any) -> dict[str, Any]:
        known = self.recipes.get(request["class"], ["r"])
        if isinstance(known, dict):
            return {"failure": known}
        if len(request["known"]) >= len(known):
            return {"failure": {"code": "no-recipe", "message": "that is all"}}
        name = known[len(request["known"])]
        made = Recipe("synthesised", "", "", request["class"], build=name, inputs="x")
        recipe = {name: getattr(made, name) for name in made.__slots__}
        inner = [[str(ROOT / path), name] for path, name in self.contains.get(request["class"], ())]
        return {"recipe": recipe, "contains": inner}

    def _words(self, request: Any) -> dict[str, list[str]]:
        files, _ = self.overlays[request["overlay"]]
        return {
            str(ROOT / path): files.get(str(ROOT / path), self.files[path]).split()
            for path in self.loads[request["class"]]
        }

    def _observe(self, request: Any) -> dict[str, Any]:
        texts = self._words(request)
        words = [word for text in texts.values() for word in text]
        for word in words:
            if word.startswith("crash"):
                return {"failure": {"code": "crashed", "message": "signal 11"}}
            if word.startswith("broken"):
                return {"failure": {"code": "import-failed", "message": "NameError: x"}}
        _, witnesses = self.overlays[request["overlay"]]
        reached = [
            key
            for path, entries in witnesses.items()
            for key, _kind, line, *_rest in entries
            if path in texts and self._reaches(texts[path][line], request["recipe"]["build"])
        ]
        return {
            "observations": [self._seen(words) for _ in range(request["repeat"])],
            "witnesses": reached,
            "files": list(texts),
            "stubs": [],
        }

    def _reaches(self, word: str, recipe: str) -> bool:
        return not word.startswith("dead") or word == f"dead-{recipe}"

    def _seen(self, words: list[str]) -> dict[str, Any]:
        self.turn += 1
        bad = [word for word in words if word.startswith("bad")]
        bad += ["pair"] * ({"pair1", "pair2"} <= set(words))
        bad += [str(self.turn)] * ("flaky" in words)
        outputs: Any = {"value": " ".join(bad)}
        if "opaque" in words:
            outputs = {"opaque": "Thing"}
        if "raises" in words:
            outputs = {"raises": "ValueError: no"}
        loud: Any = {"value": "loud"} if "loud" in words else outputs
        modules = [word for word in words if word.startswith("module")]
        tree: dict[str, Any] = {key: {"value": ""} for key in ASPECTS}
        return {
            **tree,
            "state_dict": {"dict": []},
            "eval": {"dict": [["outputs", outputs]]},
            "eval_other_seed": {"value": "other"} if "random" in words else outputs,
            "train": loud,
            "modules": {"lines": modules},
            "hooks": {"lines": modules},
        }

    # The caller's side

    def compose(self, ids: frozenset[str]) -> Composition:
        self.composed.append(ids)
        chosen = [r for r in self.rewrites if r.id in ids]
        assert all(key in ids for r in chosen for key in r.requires)
        texts = {path: text.split() for path, text in self.files.items()}
        for r in chosen:
            for edit in r.edits:
                texts[edit.path][edit.start] = edit.new
        changed = {edit.path for r in chosen for edit in r.edits}
        return Composition(
            {path: " ".join(texts[path]).encode() for path in changed},
            {
                r.id: tuple(
                    (w.path, Location("expression", w.start, 0, w.start, 0)) for w in r.witnesses
                )
                for r in chosen
            },
        )

    def confirm(self, **options: Any) -> Confirmation:
        self.told: list[tuple[int, int, str]] = []
        target = Target(ROOT, lambda path: path, lambda path, name: self.alternatives.get(name, ()))
        found = confirm(
            target,
            self.rewrites,
            self.compose,
            lambda path, name: (),
            self,
            Options(**options),
            lambda *told: self.told.append(told),
            lambda: self.now,
        )
        assert set(found.verdicts) == {r.id for r in self.rewrites}
        return found


def code(verdict: Verdict) -> str:
    return verdict.reason.code if verdict.reason else verdict.kind


def codes(found: Confirmation) -> dict[str, str]:
    return {key: code(verdict) for key, verdict in found.verdicts.items()}


def one(new: str, contract: Contract = STRUCTURAL, text: str = "plain plain", **more: Any) -> World:
    return World({"a.py": text}, [rewrite("r", "a.py", 0, new, contract)], **more)


@pytest.mark.parametrize(
    ("new", "kind", "reason"),
    [
        pytest.param("bad", "different", "different", id="other-outputs"),
        pytest.param("broken", "different", "different", id="does-not-import"),
        pytest.param("crash", "unconfirmed", "crashed", id="crashes"),
        pytest.param("dead", "unconfirmed", "not-reached", id="never-runs"),
        pytest.param("raises", "different", "different", id="raises-now"),
        pytest.param("flaky", "unconfirmed", "nondeterministic", id="flaky-after"),
    ],
)
def test_one_rewrite_that_is_not_confirmed(new: str, kind: str, reason: str) -> None:
    found = one(new).confirm()
    assert found.verdicts["r"].kind == kind
    assert code(found.verdicts["r"]) == reason
    assert found.final == frozenset()
    assert found.verdicts["r"].reason is not None
    assert found.verdicts["r"].reason.hint
    assert found.verdicts["r"].evidence is not None


def test_confirmed_takes_one_search_one_before_and_one_after() -> None:
    world = one("module")
    found = world.confirm()
    assert codes(found) == {"r": "confirmed"}
    assert found.final == {"r"}
    assert [(ask["op"], ask["overlay"] == "disk") for ask in world.asked] == [
        ("recipe", True),
        ("observe", True),
        ("observe", False),
    ]
    assert world.told == [(1, 1, "A")]
    evidence = found.verdicts["r"].evidence
    assert evidence is not None
    assert (evidence.witnesses_reached, evidence.witnesses) == (1, 1)
    assert evidence.aspects["modules"] == "changed-as-declared"
    assert evidence.aspects["eval"] == "equal"
    assert (found.torch, found.protection) == ("2.0", ("pretence",))


def test_undeclared_structure_is_different() -> None:
    assert codes(one("module", Contract()).confirm()) == {"r": "different"}


def test_a_rewrite_without_witnesses_is_never_confirmed() -> None:
    world = World({"a.py": "plain"}, [rewrite("r", "a.py", 0, "plain2", witnesses=())])
    assert codes(world.confirm()) == {"r": "not-reached"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("plain flaky", "nondeterministic", id="nondeterministic"),
        pytest.param("plain opaque", "not-comparable", id="opaque"),
        pytest.param("plain raises", "raised", id="raises-in-both-modes"),
        pytest.param("plain crash", "crashed", id="crashes"),
    ],
)
def test_a_before_run_that_shows_nothing(text: str, reason: str) -> None:
    found = one("plain2", text=text).confirm()
    assert codes(found) == {"r": reason}
    assert found.final == frozenset()
    assert found.verdicts["r"].evidence is not None


@pytest.mark.parametrize("failure", sorted(_FAILURES))
def test_every_failure_of_a_search_is_a_reason(failure: str) -> None:
    world = one("plain2", recipes={"A": {"code": failure, "message": "cfg has no .hidden"}})
    verdict = world.confirm().verdicts["r"]
    assert verdict.kind == "unconfirmed"
    assert verdict.evidence is None
    assert verdict.reason is not None
    assert verdict.reason.code == failure
    assert "cfg has no .hidden" in verdict.reason.message
    assert verdict.reason.hint


def test_a_failure_keeps_the_sentence_and_the_hint_of_the_worker() -> None:
    said = {"code": "no-recipe", "message": "cannot build A: cfg has no .x", "hint": "give one"}
    reason = one("plain2", recipes={"A": said}).confirm().verdicts["r"].reason
    assert reason is not None
    assert (reason.message, reason.hint) == ("cannot build A: cfg has no .x", "give one")


MIXED = ["plain2", "module2", "bad2", "plain4", "plain5", "module6", "plain7"]


@pytest.mark.parametrize("position", range(7))
def test_only_the_culprit_is_withdrawn(position: int) -> None:
    words = ["plain2"] * 7
    words[position] = "bad"
    rewrites = [rewrite(f"r{i}", "a.py", i, word) for i, word in enumerate(words)]
    world = World({"a.py": "plain " * 7}, rewrites)
    found = world.confirm()
    wrong = f"r{position}"
    assert codes(found) == {r.id: "different" if r.id == wrong else "confirmed" for r in rewrites}
    assert found.final == {r.id for r in rewrites} - {wrong}
    differences = found.verdicts[wrong].evidence
    assert differences is not None
    assert differences.differences


def test_two_culprits() -> None:
    words = ["bad1", "plain2", "crash", "plain2", "dead"]
    rewrites = [rewrite(f"r{i}", "a.py", i, word) for i, word in enumerate(words)]
    found = World({"a.py": "plain " * 5}, rewrites).confirm()
    assert codes(found) == {
        "r0": "different",
        "r1": "confirmed",
        "r2": "crashed",
        "r3": "confirmed",
        "r4": "not-reached",
    }
    assert found.final == {"r1", "r3"}


def test_two_that_fail_only_together_lose_one() -> None:
    words = ["pair1", "plain2", "pair2"]
    rewrites = [rewrite(f"r{i}", "a.py", i, word) for i, word in enumerate(words)]
    found = World({"a.py": "plain " * 3}, rewrites).confirm()
    assert codes(found) == {"r0": "confirmed", "r1": "confirmed", "r2": "different"}


def test_what_is_written_has_run_exactly() -> None:
    words = ["plain2", "dead", "bad", "module"]
    rewrites = [rewrite(f"r{i}", "a.py", i, word) for i, word in enumerate(words)]
    world = World({"a.py": "plain " * 4}, rewrites)
    found = world.confirm()
    assert found.final == {"r0", "r3"}
    written = world.compose(found.final).files["a.py"].decode()
    ran = [ask for ask in world.asked if ask["op"] == "observe"][-1]
    assert world.history[ran["overlay"]] == {str(ROOT / "a.py"): written}


def test_unconfirmed_that_is_accepted_is_in_the_overlay_that_ran() -> None:
    words = ["plain2", "dead"]
    rewrites = [rewrite(f"r{i}", "a.py", i, word) for i, word in enumerate(words)]
    rewrites.append(rewrite("q", "b.py", 0, "plain2"))
    world = World(
        {"a.py": "plain plain", "b.py": "plain"},
        rewrites,
        recipes={"B": {"code": "no-recipe", "message": "none"}},
    )
    found = world.confirm(accept_unconfirmed=True)
    assert codes(found) == {"r0": "confirmed", "r1": "not-reached", "q": "no-recipe"}
    assert found.final == {"r0", "r1", "q"}
    assert world.confirm().final == {"r0"}


def test_an_accepted_culprit_is_still_withdrawn() -> None:
    rewrites = [rewrite("r0", "a.py", 0, "plain2"), rewrite("r1", "a.py", 1, "crash")]
    found = World({"a.py": "plain plain"}, rewrites).confirm(accept_unconfirmed=True)
    assert codes(found) == {"r0": "confirmed", "r1": "crashed"}
    assert found.final == {"r0"}


def test_an_unconfirmed_one_that_breaks_another_class_is_different() -> None:
    rewrites = [rewrite("q", "b.py", 0, "bad"), rewrite("r", "a.py", 0, "plain2")]
    world = World(
        {"a.py": "plain", "b.py": "plain"},
        rewrites,
        recipes={"B": {"code": "no-recipe", "message": "none"}},
        loads={"A": ["a.py", "b.py"]},
    )
    found = world.confirm(accept_unconfirmed=True)
    assert codes(found) == {"q": "different", "r": "confirmed"}
    assert found.final == {"r"}


def test_a_culprit_in_a_file_that_others_load() -> None:
    rewrites = [
        rewrite("block", "block.py", 0, "bad"),
        rewrite("net", "net.py", 0, "plain2"),
        rewrite("other", "other.py", 0, "plain2"),
    ]
    world = World(
        {"block.py": "plain", "net.py": "plain", "other.py": "plain"},
        rewrites,
        loads={"Net": ["net.py", "block.py"], "Other": ["other.py", "block.py"]},
    )
    found = world.confirm()
    assert codes(found) == {"block": "different", "net": "confirmed", "other": "confirmed"}


# Recipes


CANNOT = {"code": "no-recipe", "message": "cannot build A"}


def test_class_that_cannot_be_run_is_reached_in_a_model_that_was_seen_to_hold_it() -> None:
    rewrites = [rewrite("r0", "a.py", 0, "x"), rewrite("r1", "b.py", 0, "y")]
    world = World(
        {"a.py": "plain", "b.py": "plain"},
        rewrites,
        recipes={"A": CANNOT, "B": ["whole"]},
        loads={"B": ["a.py", "b.py"]},
        contains={"B": [("a.py", "A")]},
    )
    found = world.confirm()
    assert codes(found) == {"r0": "confirmed", "r1": "confirmed"}
    evidence = found.verdicts["r0"].evidence
    assert evidence is not None
    assert [(one.source, one.where) for one in evidence.recipes] == [("enclosed", "b.py: B")]


def test_a_model_that_holds_the_class_and_never_reaches_it_confirms_nothing() -> None:
    rewrites = [rewrite("r0", "a.py", 0, "dead-z"), rewrite("r1", "b.py", 0, "y")]
    world = World(
        {"a.py": "plain", "b.py": "plain"},
        rewrites,
        recipes={"A": CANNOT, "B": ["whole"]},
        loads={"B": ["a.py", "b.py"]},
        contains={"B": [("a.py", "A")]},
    )
    assert codes(world.confirm()) == {"r0": "not-reached", "r1": "confirmed"}


def test_several_recipes_together_reach_all() -> None:
    rewrites = [rewrite("r0", "a.py", 0, "dead-x"), rewrite("r1", "a.py", 1, "dead-y")]
    world = World({"a.py": "plain plain"}, rewrites, recipes={"A": ["x", "y"]})
    found = world.confirm()
    assert codes(found) == {"r0": "confirmed", "r1": "confirmed"}
    asked = [ask["known"] for ask in world.asked if ask["op"] == "recipe"]
    assert [[recipe["build"] for recipe in known] for known in asked] == [[], ["x"]]
    evidence = found.verdicts["r1"].evidence
    assert evidence is not None
    assert [recipe.call for recipe in evidence.recipes] == ["x", "y"]


def test_an_enclosing_model_runs_what_cannot_be_built() -> None:
    world = one(
        "plain2",
        recipes={"A": {"code": "no-recipe", "message": "none"}},
        alternatives={"A": [("b.py", "B")]},
        loads={"B": ["a.py", "b.py"]},
    )
    world.files["b.py"] = "plain"
    found = world.confirm()
    assert codes(found) == {"r": "confirmed"}
    evidence = found.verdicts["r"].evidence
    assert evidence is not None
    assert [(r.source, r.where) for r in evidence.recipes] == [("enclosed", "b.py: B")]


def test_an_enclosing_model_must_reach_the_witness() -> None:
    world = one(
        "dead",
        recipes={"A": {"code": "no-recipe", "message": "none"}},
        alternatives={"A": [("b.py", "B")]},
        loads={"B": ["a.py", "b.py"]},
    )
    world.files["b.py"] = "plain"
    assert codes(world.confirm()) == {"r": "not-reached"}


# Changes on purpose


def test_on_purpose_is_confirmed_and_not_written_unless_accepted() -> None:
    found = one("loud", ON_PURPOSE).confirm()
    assert codes(found) == {"r": "confirmed"}
    assert found.final == frozenset()
    found = one("loud", ON_PURPOSE).confirm(accept_behaviour_change=True)
    assert codes(found) == {"r": "confirmed"}
    assert found.final == {"r"}


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        pytest.param("plain2", "not-exercised", id="nothing-changed"),
        pytest.param("bad", "different", id="eval-changed-too"),
        pytest.param("dead", "not-reached", id="not-reached"),
    ],
)
def test_on_purpose_that_is_not_confirmed(new: str, reason: str) -> None:
    found = one(new, ON_PURPOSE).confirm(accept_behaviour_change=True)
    assert codes(found) == {"r": reason}
    assert found.final == frozenset()


def test_becomes_deterministic() -> None:
    assert codes(one("plain2", DETERMINISTIC, "random plain").confirm()) == {"r": "confirmed"}
    assert codes(one("plain2", DETERMINISTIC, "plain random").confirm()) == {"r": "not-exercised"}


def test_a_change_on_purpose_does_not_hide_anothers() -> None:
    """`quiet` declares a change in train that only its neighbour makes."""
    rewrites = [
        rewrite("loud", "a.py", 0, "loud", ON_PURPOSE),
        rewrite("quiet", "a.py", 1, "plain2", ON_PURPOSE),
    ]
    found = World({"a.py": "plain plain"}, rewrites).confirm(accept_behaviour_change=True)
    assert codes(found) == {"loud": "confirmed", "quiet": "not-exercised"}
    assert found.final == {"loud"}


def test_a_change_on_purpose_does_not_excuse_anothers() -> None:
    """`fix` changes eval on purpose; `loud` may not, and does."""
    rewrites = [
        rewrite("fix", "a.py", 0, "plain2", DETERMINISTIC),
        rewrite("loud", "a.py", 1, "bad", Contract({"train": "differs"})),
    ]
    found = World({"a.py": "random plain"}, rewrites).confirm(accept_behaviour_change=True)
    assert codes(found) == {"fix": "confirmed", "loud": "different"}


def test_declared_structure_does_not_excuse_undeclared() -> None:
    rewrites = [
        rewrite("declared", "a.py", 0, "module1"),
        rewrite("undeclared", "a.py", 1, "module2", Contract()),
        rewrite("innocent", "a.py", 2, "plain2", Contract()),
    ]
    found = World({"a.py": "plain plain plain"}, rewrites).confirm()
    assert codes(found) == {
        "declared": "confirmed",
        "undeclared": "different",
        "innocent": "confirmed",
    }


def test_preserving_stays_confirmed_when_the_change_on_purpose_is_wrong() -> None:
    rewrites = [
        rewrite("keep", "a.py", 0, "module"),
        rewrite("change", "a.py", 1, "bad", ON_PURPOSE),
    ]
    found = World({"a.py": "plain plain"}, rewrites).confirm(accept_behaviour_change=True)
    assert codes(found) == {"keep": "confirmed", "change": "different"}
    assert found.final == {"keep"}


def test_preserving_runs_again_beside_an_accepted_change() -> None:
    rewrites = [
        rewrite("keep", "net.py", 0, "plain2"),
        rewrite("change", "block.py", 0, "loud", ON_PURPOSE),
    ]
    world = World(
        {"net.py": "plain", "block.py": "plain"},
        rewrites,
        loads={"Net": ["net.py", "block.py"]},
    )
    found = world.confirm(accept_behaviour_change=True)
    assert codes(found) == {"keep": "confirmed", "change": "confirmed"}
    both = {str(ROOT / "net.py"): "plain2", str(ROOT / "block.py"): "loud"}
    assert any(
        world.history[ask["overlay"]] == both for ask in world.asked if ask["class"] == "Net"
    )


def test_raises_before_is_found_on_the_overlay() -> None:
    contract = Contract(dict.fromkeys(("eval", "train"), "raises-before"))
    found = one("plain2", contract, "raises plain").confirm(accept_behaviour_change=True)
    assert codes(found) == {"r": "confirmed"}
    found = one("plain2", contract, "raises raises").confirm(accept_behaviour_change=True)
    assert codes(found) == {"r": "different"}
    found = one("plain2", contract, "plain plain").confirm(accept_behaviour_change=True)
    assert codes(found) == {"r": "not-exercised"}


# Requirements


def test_what_is_built_on_a_withdrawn_rewrite_goes_with_it() -> None:
    rewrites = [
        rewrite("base", "a.py", 0, "bad"),
        rewrite("top", "a.py", 1, "plain2", requires=("base",)),
        rewrite("free", "a.py", 2, "plain2"),
    ]
    found = World({"a.py": "plain plain plain"}, rewrites).confirm()
    assert codes(found) == {"base": "different", "top": "requires", "free": "confirmed"}
    assert found.final == {"free"}


def test_what_is_built_on_a_change_on_purpose_waits_for_it() -> None:
    rewrites = [
        rewrite("top", "a.py", 1, "plain2", requires=("base",)),
        rewrite("base", "a.py", 0, "loud", ON_PURPOSE),
    ]
    found = World({"a.py": "plain plain"}, rewrites).confirm()
    assert codes(found) == {"top": "confirmed", "base": "confirmed"}
    assert found.final == frozenset()
    found = World({"a.py": "plain plain"}, rewrites).confirm(accept_behaviour_change=True)
    assert found.final == {"top", "base"}


# Time, faults


@pytest.mark.parametrize("budget", range(9))
def test_no_budget_confirms_what_did_not_run(budget: int) -> None:
    rewrites = [rewrite("a", "a.py", 0, "plain2"), rewrite("b", "b.py", 0, "plain2")]
    world = World({"a.py": "plain", "b.py": "plain"}, rewrites)
    found = world.confirm(budget=budget)
    assert set(codes(found).values()) <= {"confirmed", "budget"}
    assert found.final == {key for key, what in codes(found).items() if what == "confirmed"}
    if found.final:
        written = world.compose(found.final).files
        ran = [world.history[ask["overlay"]] for ask in world.asked if ask["op"] == "observe"]
        for path, text in written.items():
            assert any(files.get(str(ROOT / path)) == text.decode() for files in ran)
    if budget >= 6:
        assert codes(found) == {"a": "confirmed", "b": "confirmed"}


def test_a_fault_of_the_worker_is_no_verdict() -> None:
    world = one("plain2")
    world.fault = WorkerError("the host is gone")
    with pytest.raises(WorkerError):
        world.confirm()


def test_an_answer_that_is_none_is_a_fault() -> None:
    world = one("plain2")
    world._observe = lambda request: {"witnesses": []}  # type: ignore[method-assign]
    with pytest.raises(WorkerError):
        world.confirm()


def test_a_request_that_the_worker_calls_internal_is_a_fault() -> None:
    world = one("plain2", recipes={"A": {"code": "internal", "message": "no overlay"}})
    with pytest.raises(WorkerError, match="no overlay"):
        world.confirm()


def test_an_interrupt_goes_through() -> None:
    world = one("plain2")
    world.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        world.confirm()


def test_nothing_is_asked_twice() -> None:
    words = ["plain2", "bad", "dead", "module", "plain3"]
    rewrites = [rewrite(f"r{i}", "a.py", i, word) for i, word in enumerate(words)]
    rewrites += [rewrite("x", "b.py", 0, "loud", ON_PURPOSE), rewrite("y", "b.py", 1, "plain2")]
    world = World({"a.py": "plain " * 5, "b.py": "plain plain"}, rewrites)
    world.confirm(accept_behaviour_change=True)
    asked = Counter(
        repr(sorted((key, str(value)) for key, value in ask.items()))
        for ask in world.asked
        if not ask.get("raw")
    )
    assert max(asked.values()) == 1


def test_nothing_to_do() -> None:
    found = World({"a.py": "plain"}, []).confirm()
    assert (found.verdicts, found.final) == ({}, frozenset())
