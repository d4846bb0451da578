"""Judgements on hand-made trees."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from codemod.results import ASPECTS, Aspect, Contract, Difference, Reuse
from codemod.verify.compare import (
    differences,
    disagreements,
    judge,
    opaque,
    raises_always,
    reused_modules,
)

ONE: Any = {"value": "1"}
TWO: Any = {"value": "2"}
OPAQUE: Any = {"opaque": "pkg.Thing"}
RAISES: Any = {"raises": "ValueError: no"}
NONE: Any = {"not-applicable": "no differentiable output"}


def tensor(digest: str = "d", **changes: Any) -> Any:
    info = {
        "dtype": "float32",
        "shape": [2],
        "stride": [1],
        "requires_grad": True,
        "alias": 0,
        "digest": digest,
    }
    return {"tensor": {**info, **changes}}


def raw(*values: float, dtype: str = "float32", code: str = "f") -> Any:
    data = base64.b64encode(struct.pack(f"={len(values)}{code}", *values)).decode()
    return tensor(str(values), data=data, dtype=dtype, shape=[len(values)])


def eval_of(outputs: Any, **rest: Any) -> Any:
    return {"dict": [["outputs", outputs], *rest.items()]}


def seen(**aspects: Any) -> Any:
    base: dict[str, Any] = dict.fromkeys(ASPECTS, ONE)
    base["eval"] = eval_of(ONE)
    base["eval_other_seed"] = ONE
    return {**base, **aspects}


def keys(*pairs: tuple[str, Any]) -> Any:
    return {"dict": [list(pair) for pair in pairs]}


@pytest.mark.parametrize("aspect", ASPECTS)
def test_a_preserved_aspect_that_differs_is_broken(aspect: Aspect) -> None:
    found = judge(seen(), seen(**{aspect: TWO}), {})
    assert found.broken == (aspect,)
    assert found.statuses[aspect] == "different"
    assert [d.aspect for d in found.differences] == [aspect]


@pytest.mark.parametrize("aspect", ASPECTS)
def test_equal_but_opaque_is_never_equal(aspect: Aspect) -> None:
    found = judge(seen(**{aspect: OPAQUE}), seen(**{aspect: OPAQUE}), {})
    assert found.incomparable == (aspect,)
    assert found.statuses[aspect] == "not-run"


@pytest.mark.parametrize("aspect", ASPECTS)
def test_what_was_not_observed_is_not_equal(aspect: Aspect) -> None:
    part = {key: tree for key, tree in seen().items() if key != aspect}
    assert judge(part, part, {}).incomparable == (aspect,)


NAN = {"tensor": {**tensor("n")["tensor"], "nan": True}}


@pytest.mark.parametrize(
    ("observation", "is_blind"),
    [
        pytest.param(seen(eval=eval_of(NAN), train=NAN), True, id="in-both-modes"),
        pytest.param(seen(eval=eval_of(NAN, buffers=ONE), train=NAN), True, id="beside-buffers"),
        pytest.param(seen(eval=eval_of(NAN)), False, id="in-eval"),
        pytest.param(seen(eval=eval_of({"list": [NAN, tensor("a")]}), train=NAN), False, id="some"),
        pytest.param(
            seen(eval=eval_of(NAN), train=NAN, sets={"zero": {"eval": eval_of(tensor("a"))}}),
            False,
            id="not-on-other-inputs",
        ),
        pytest.param(
            seen(eval=eval_of(NAN), train=NAN, sets={"zero": {"eval": eval_of(RAISES)}}),
            True,
            id="raises-on-other-inputs",
        ),
    ],
)
def test_equal_where_nothing_but_nan_was_seen_is_never_equal(
    observation: Any, is_blind: bool
) -> None:
    found = judge(observation, observation, {})
    assert found.incomparable == (("eval",) if is_blind else ())
    assert found.hidden() == ({"eval": "nothing but NaN"} if is_blind else {})


def test_equal() -> None:
    found = judge(seen(grads=NONE), seen(grads=NONE), {})
    assert (found.broken, found.incomparable, found.unexercised) == ((), (), ())
    assert found.statuses["grads"] == "not-applicable"
    assert found.statuses["eval"] == "equal"


@pytest.mark.parametrize(
    "field",
    [
        pytest.param({"digest": "e"}, id="values"),
        pytest.param({"stride": [2]}, id="stride"),
        pytest.param({"alias": 1}, id="alias"),
        pytest.param({"requires_grad": False}, id="requires-grad"),
        pytest.param({"dtype": "float64"}, id="dtype"),
        pytest.param({"shape": [3]}, id="shape"),
    ],
)
def test_each_field_of_a_tensor_counts(field: Any) -> None:
    before, after = seen(train=tensor()), seen(train=tensor(**field))
    found = judge(before, after, {})
    assert found.broken == ("train",)
    assert found.differences[0].before != found.differences[0].after


@pytest.mark.parametrize(
    ("after", "status", "fault"),
    [
        pytest.param(ONE, "not-changed", "unexercised", id="not-changed"),
        pytest.param(TWO, "changed-as-declared", "", id="changed"),
        pytest.param(RAISES, "different", "broken", id="now-raises"),
    ],
)
def test_differs(after: Any, status: str, fault: str) -> None:
    found = judge(seen(), seen(train=after), {"train": "differs"})
    assert found.statuses["train"] == status
    assert found.unexercised == (("train",) if fault == "unexercised" else ())
    assert found.broken == (("train",) if fault == "broken" else ())


def test_differs_of_what_cannot_be_compared() -> None:
    found = judge(seen(train=OPAQUE), seen(train=OPAQUE), {"train": "differs"})
    assert found.incomparable == ("train",)


def test_may_differ() -> None:
    assert judge(seen(), seen(train=TWO), {"train": "may-differ"}).statuses["train"] == (
        "changed-as-declared"
    )
    assert judge(seen(), seen(), {"train": "may-differ"}).statuses["train"] == "equal"
    assert judge(seen(), seen(train=RAISES), {"train": "may-differ"}).broken == ("train",)


@pytest.mark.parametrize("aspect", ["modules", "hooks"])
def test_structural_passes_either_way(aspect: Aspect) -> None:
    same = judge(seen(), seen(), {aspect: "differs"})
    other = judge(seen(), seen(**{aspect: TWO}), {aspect: "differs"})
    assert (same.broken, same.unexercised, same.statuses[aspect]) == ((), (), "equal")
    assert (other.broken, other.statuses[aspect]) == ((), "changed-as-declared")


def called_with(*parameters: tuple[str, str]) -> Any:
    pairs = [[name, {"value": value}] for name, value in parameters]
    return {"dict": [["net.Net", {"dict": [["constructor", {"dict": pairs}]]}]]}


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param([("p", "0.5")], [("p", "0.1")], "different", id="other-default"),
        pytest.param([("p", "required")], [("q", "required")], "different", id="other-name"),
        pytest.param([("p", "0.5")], [("p", "required")], "different", id="default-lost"),
        pytest.param([("p", "0.5")], [], "different", id="parameter-lost"),
        pytest.param(
            [("p", "1"), ("q", "1")], [("q", "1"), ("p", "1")], "different", id="other-order"
        ),
        pytest.param([], [("p", "required")], "different", id="one-more-to-be-given"),
        pytest.param([("p", "1")], [("p", "1"), ("q", "2")], "equal", id="one-more-with-a-default"),
        pytest.param([("*args", "any")], [("p", "required")], "equal", id="took-anything"),
        pytest.param([("p", "1")], [("p", "1"), ("*args", "any")], "equal", id="takes-more"),
        pytest.param(
            [("p", "ReLU()")], [("p", "ReLU(inplace=True)")], "different", id="overwrites"
        ),
        pytest.param(
            [("p", "ELU(alpha=1.0, inplace=True)")], [("p", "ELU(alpha=1.0)")], "equal", id="keeps"
        ),
        pytest.param(
            [("p", "ELU(alpha=1.0, inplace=True)")],
            [("p", "ELU(alpha=2.0)")],
            "different",
            id="keeps-with-another-value",
        ),
    ],
)
def test_signature_keeps_every_call_good(before: Any, after: Any, status: str) -> None:
    found = judge(seen(signature=called_with(*before)), seen(signature=called_with(*after)), {})
    assert found.statuses["signature"] == status


def test_classes_that_come_and_go_have_no_say_in_the_signature() -> None:
    none: Any = {"dict": []}
    found = judge(seen(signature=called_with(("p", "1"))), seen(signature=none), {})
    assert found.statuses["signature"] == "equal"


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param(["fc: Linear"], [], "different", id="lost"),
        pytest.param(["a.fc: L", "b: L"], ["b: L", "a.fc: L"], "different", id="other-order"),
        pytest.param(
            ["fc: L", ": Net"], ["fc: L", "relu: R", ": Net"], "changed-as-declared", id="gained"
        ),
        pytest.param(["relu: R", "fc: L"], ["fc: L"], "changed-as-declared", id="stateless-lost"),
        pytest.param([], [": Net"], "changed-as-declared", id="root-gained"),
    ],
)
def test_parts_with_a_state_keep_their_hooks(before: Any, after: Any, status: str) -> None:
    state = keys(("fc.weight", ONE), ("a.fc.weight", ONE), ("b.weight", ONE))
    found = judge(
        seen(state_dict=state, hooks={"lines": before}),
        seen(state_dict=state, hooks={"lines": after}),
        {"hooks": "differs"},
    )
    assert found.statuses["hooks"] == status


RANDOM = {"eval": eval_of(tensor("a")), "eval_other_seed": tensor("b")}
FIXED = {"eval": eval_of(tensor("c")), "eval_other_seed": tensor("c")}


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param(RANDOM, RANDOM, "not-changed", id="still-random"),
        pytest.param(FIXED, FIXED, "not-changed", id="was-not-random"),
        pytest.param(FIXED, RANDOM, "not-changed", id="became-random"),
        pytest.param(RANDOM, FIXED, "changed-as-declared", id="fixed"),
        pytest.param(
            RANDOM,
            {"eval": eval_of(tensor("c", alias=1)), "eval_other_seed": tensor("c", alias=1)},
            "changed-as-declared",
            id="fixed-and-is-the-input-itself",
        ),
        pytest.param(
            RANDOM,
            {"eval": eval_of(tensor("c", shape=[3])), "eval_other_seed": tensor("c", shape=[3])},
            "different",
            id="other-shape",
        ),
        pytest.param(
            RANDOM, {"eval": eval_of(RAISES), "eval_other_seed": RAISES}, "different", id="raises"
        ),
        pytest.param(
            RANDOM, {"eval": eval_of(OPAQUE), "eval_other_seed": OPAQUE}, "not-run", id="opaque"
        ),
    ],
)
def test_becomes_deterministic(before: Any, after: Any, status: str) -> None:
    found = judge(seen(**before), seen(**after), {"eval": "becomes-deterministic"})
    assert found.statuses["eval"] == status
    assert bool(found.broken or found.unexercised or found.incomparable) == (
        status != "changed-as-declared"
    )


OLD = keys(("a", tensor("1")), ("b", tensor("2", alias=1)))


@pytest.mark.parametrize(
    ("after", "status"),
    [
        pytest.param(OLD, "not-changed", id="no-new-key"),
        pytest.param(keys(("a", tensor("1"))), "different", id="lost-a-key"),
        pytest.param(
            keys(("b", tensor("2")), ("a", tensor("1")), ("c", tensor())), "different", id="order"
        ),
        pytest.param(
            keys(("a", tensor("1")), ("b", tensor("9")), ("c", tensor())), "different", id="value"
        ),
        pytest.param(
            keys(("a", tensor("1")), ("n", tensor("9", alias=1)), ("b", tensor("2", alias=2))),
            "changed-as-declared",
            id="gained-one-between",
        ),
    ],
)
def test_gains_keys(after: Any, status: str) -> None:
    found = judge(seen(state_dict=OLD), seen(state_dict=after), {"state_dict": "gains-keys"})
    assert found.statuses["state_dict"] == status


@pytest.mark.parametrize(
    ("message", "status"),
    [
        pytest.param("Missing key(s) in state_dict: n", "changed-as-declared", id="missing"),
        pytest.param("Missing key(s) n; Unexpected key(s) m", "different", id="unexpected-too"),
        pytest.param("size mismatch for a", "different", id="size"),
    ],
)
def test_load_of_fewer_keys(message: str, status: str) -> None:
    after = seen(load={"raises": f"RuntimeError: {message}"})
    assert judge(seen(), after, {"load": "gains-keys"}).statuses["load"] == status


def test_raises_before() -> None:
    before = seen(eval=eval_of(RAISES), train=RAISES, grads=NONE)
    changes: Any = dict.fromkeys(("eval", "train", "grads"), "raises-before")
    fixed = judge(before, seen(), changes)
    assert (fixed.broken, fixed.unexercised) == ((), ())
    assert judge(before, before, changes).broken == ("eval", "train")
    assert judge(seen(), seen(), changes).unexercised == ("eval", "train", "grads")


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        pytest.param(RAISES, ONE, "changed-as-declared", id="mended"),
        pytest.param(ONE, ONE, "equal", id="ran-before"),
        pytest.param(RAISES, RAISES, "equal", id="raises-still"),
        pytest.param(ONE, TWO, "different", id="ran-before-and-differs"),
        pytest.param(ONE, RAISES, "different", id="raises-after"),
    ],
)
def test_may_raise_before(before: Any, after: Any, status: str) -> None:
    changes: Any = {"grads": "may-raise-before"}
    found = judge(seen(grads=before), seen(grads=after), changes)
    assert (found.statuses["grads"], bool(found.broken)) == (status, status == "different")
    assert not Contract(changes).changes_behaviour


def test_raising_always_shows_nothing() -> None:
    assert raises_always(seen(eval=eval_of(RAISES), train=RAISES)) == "ValueError: no"
    assert raises_always(seen(train=RAISES)) is None
    assert raises_always(seen(eval=eval_of(RAISES))) is None


def test_disagreements_count_the_other_seed() -> None:
    assert disagreements(seen(), seen()) == ()
    assert disagreements(seen(), seen(eval_other_seed=TWO)) == ("eval",)
    assert disagreements(seen(), seen(rng=TWO)) == ("rng",)


def test_opaque_names_the_type() -> None:
    observation = seen(train={"list": [ONE, OPAQUE]})
    assert opaque(observation, ("train", "grads")) == {"train": "pkg.Thing"}


def test_paths_of_differences() -> None:
    before = seen(train={"dict": [["'y'", {"tuple": [ONE, ONE]}], ["'z'", ONE]]})
    after = seen(train={"dict": [["'y'", {"tuple": [ONE, TWO]}]]})
    assert differences("train", before, after) == (
        Difference("train", "'y'[1]", "1", "2"),
        Difference("train", "'z'", "1", "nothing"),
    )


def test_order_of_keys_is_a_difference() -> None:
    found = differences(
        "state_dict", seen(state_dict=OLD), seen(state_dict=keys(*OLD["dict"][::-1]))
    )
    assert [(d.before, d.after) for d in found] == [("dict of 2: a, b", "dict of 2: b, a")]


def test_first_line_that_differs() -> None:
    before, after = {"lines": ["a", "b"]}, {"lines": ["a", "c", "d"]}
    (found,) = differences("trace", seen(trace=before), seen(trace=after))
    assert (found.before, found.after) == ("2: b", "2: c")
    (found,) = differences("trace", seen(trace=before), seen(trace={"lines": ["a"]}))
    assert (found.before, found.after) == ("2: b", "ends after 1")


@pytest.mark.parametrize(
    ("before", "after", "max_abs", "max_rel"),
    [
        pytest.param(raw(1.0, 2.0), raw(1.0, 2.5), 0.5, 0.25, id="float32"),
        pytest.param(
            raw(4.0, dtype="float64", code="d"),
            raw(5.0, dtype="float64", code="d"),
            1,
            0.25,
            id="d",
        ),
        pytest.param(
            raw(1.0, dtype="float16", code="e"),
            raw(1.5, dtype="float16", code="e"),
            0.5,
            0.5,
            id="e",
        ),
        pytest.param(raw(float("nan")), raw(1.0), None, None, id="nan"),
        pytest.param(
            raw(0x3F80, dtype="bfloat16", code="H"),
            raw(0x4000, dtype="bfloat16", code="H"),
            1.0,
            1.0,
            id="bfloat16",
        ),
        pytest.param(raw(0.0), raw(-0.0), 0.0, 0.0, id="minus-zero"),
        pytest.param(raw(1.0), tensor("x", shape=[1]), None, None, id="no-data"),
    ],
)
def test_size_of_a_difference(before: Any, after: Any, max_abs: Any, max_rel: Any) -> None:
    (found,) = differences("train", seen(train=before), seen(train=after))
    assert (found.max_abs, found.max_rel) == (max_abs, max_rel)


def test_new_modules_called_twice_are_noted() -> None:
    before = seen(modules={"lines": [": Net", "old: ReLU"]}, hooks={"lines": []})
    after = seen(
        modules={"lines": [": Net", "old: ReLU", "relu: ReLU", "one: ReLU"]},
        hooks={"lines": ["relu: ReLU", "old: ReLU", "relu: ReLU", "old: ReLU", "one: ReLU"]},
    )
    assert reused_modules(before, after, "net.py", "Net") == (
        Reuse("net.py", "Net", "old", "ReLU", 2, new=False),
        Reuse("net.py", "Net", "relu", "ReLU", 2, new=True),
    )
