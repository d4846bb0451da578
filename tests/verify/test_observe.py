"""Each aspect is shown to catch what it is for; right pairs are shown to agree."""

from __future__ import annotations

import enum
import random
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from codemod.results import ASPECTS
from codemod.verify.worker.observe import observe
from codemod.verify.worker.trees import Encoder, digest, quick_digest

SEEN = (*ASPECTS, "eval_other_seed")


def observed(model: Any, *inputs: Any, **options: Any) -> dict[str, Any]:
    """An observation of `model()` on what `inputs` make."""
    makers = inputs or (lambda: torch.randn(2, 4),)
    return observe(
        lambda: (model(), tuple(make() for make in makers), {}),
        **{"seed": 0, **options},
    )


def differing(before: Any, after: Any, *inputs: Any) -> set[str]:
    first = observed(before, *inputs)
    second = observed(after, *inputs, load_keys=first["state_dict"])
    return {aspect for aspect in SEEN if first[aspect] != second[aspect]}


def net(forward: Any, **children: Any) -> Any:
    """A maker of a model named Net with these children (makers, in order) and this forward."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, make in children.items():
                setattr(self, name, make())

        def forward(self, *inputs: Any) -> Any:
            return forward(self, *inputs)

    return Net


def linear() -> nn.Module:
    return nn.Linear(4, 4)


def after_fc(change: Any) -> Any:
    return net(lambda m, x: change(m, m.fc(x)), fc=linear)


plain = after_fc(lambda m, h: h * 1)
dropout_fixed = after_fc(lambda m, h: F.dropout(h, 0.5, m.training))


def _mutates(m: Any, x: Any) -> Any:
    x.mul_(2)
    return m.fc(x)


def _consumes(m: Any, x: Any) -> Any:
    torch.rand(1)
    return m.fc(x)


def _consumes_python(m: Any, x: Any) -> Any:
    random.random()
    return m.fc(x)


def _consumes_numpy(m: Any, x: Any) -> Any:
    np.random.rand()
    return m.fc(x)


def _twice(m: Any, x: Any) -> Any:
    m.act(x)
    return m.act(x)


def _norm(**options: Any) -> Any:
    return net(lambda m, x: m.bn(x), bn=lambda: nn.BatchNorm1d(4, **options))


def _drawn_in_other_order() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            b = linear()
            self.a = linear()
            self.b = b

        def forward(self, x: Any) -> Any:
            return self.a(x) + self.b(x)

    return Net()


def _wrong_gradient(m: Any, h: Any) -> Any:
    return h.detach() + (h - h.detach()) * 2


CAUGHT = {
    "inplace-flag-lost-on-input": (
        net(lambda m, x: F.relu(m.fc(F.relu(x, inplace=True))), fc=linear),
        net(lambda m, x: F.relu(m.fc(F.relu(x))), fc=linear),
        {"inputs", "trace", "eval"},
    ),
    "inplace-flag-lost-inside": (
        after_fc(lambda m, h: F.relu(h, inplace=True)),
        after_fc(lambda m, h: F.relu(h)),
        {"trace"},
    ),
    "dropout-order": (
        net(lambda m, x: F.dropout(m.fc(F.dropout(x, 0.5, m.training)), 0.2), fc=linear),
        net(lambda m, x: F.dropout(m.fc(F.dropout(x, 0.2, m.training)), 0.5), fc=linear),
        {"train", "grads", "trace", "eval"},
    ),
    "equal-output-other-gradient": (plain, after_fc(_wrong_gradient), {"grads", "eval", "trace"}),
    "no-gradient": (plain, after_fc(lambda m, h: h.detach() * 1), {"grads", "train", "eval"}),
    "buffer-not-updated": (_norm(), _norm(momentum=0.0), {"buffers"}),
    "buffer-gone": (_norm(), _norm(track_running_stats=False), {"state_dict", "load", "buffers"}),
    "output-no-more-the-input": (
        net(lambda m, x: x),
        net(lambda m, x: x.clone()),
        {"train", "eval", "trace"},
    ),
    "output-is-the-parameter": (
        net(lambda m, x: m.fc.weight, fc=linear),
        net(lambda m, x: m.fc.weight.clone(), fc=linear),
        {"train", "eval"},
    ),
    "two-outputs-share-memory": (
        after_fc(lambda m, h: (h, h)),
        after_fc(lambda m, h: (h, h.clone())),
        {"train", "eval"},
    ),
    "other-strides": (
        after_fc(lambda m, h: h * 1),
        after_fc(lambda m, h: (h * 1).t().contiguous().t()),
        {"train", "eval"},
    ),
    "other-dtype": (plain, after_fc(lambda m, h: (h * 1).double()), {"train", "eval"}),
    "minus-zero": (
        after_fc(lambda m, h: h.detach() * 0.0),
        after_fc(lambda m, h: (h.detach() * 0.0).abs()),
        {"train", "eval"},
    ),
    "list-for-tuple": (
        after_fc(lambda m, h: (h,)),
        after_fc(lambda m, h: [h]),
        {"train", "eval"},
    ),
    "key-renamed": (
        net(lambda m, x: m.fc(x), fc=linear),
        net(lambda m, x: m.fc1(x), fc1=linear),
        {"state_dict", "load", "modules", "hooks"},
    ),
    "key-order": (
        net(lambda m, x: m.b(m.a(x)), a=nn.Identity, b=linear),
        net(lambda m, x: m.b(m.a(x)), b=linear, a=nn.Identity),
        {"modules"},
    ),
    "init-order": (
        net(lambda m, x: m.a(x) + m.b(x), a=linear, b=linear),
        _drawn_in_other_order,
        {"state_dict", "eval"},
    ),
    "torch-generator": (
        net(lambda m, x: m.fc(x), fc=linear),
        net(_consumes, fc=linear),
        {"rng", "eval", "trace"},
    ),
    "python-generator": (
        net(lambda m, x: m.fc(x), fc=linear),
        net(_consumes_python, fc=linear),
        {"rng", "eval"},
    ),
    "numpy-generator": (
        net(lambda m, x: m.fc(x), fc=linear),
        net(_consumes_numpy, fc=linear),
        {"rng", "eval"},
    ),
    "hook-fires-twice": (
        net(lambda m, x: m.act(x), act=nn.ReLU),
        net(_twice, act=nn.ReLU),
        {"hooks", "trace"},
    ),
    "hook-silent": (
        net(lambda m, x: m.act(x), act=nn.ReLU),
        net(lambda m, x: m.act.forward(x), act=nn.ReLU),
        {"hooks"},
    ),
    "left-in-eval": (
        net(lambda m, x: m.fc(x), fc=linear),
        net(lambda m, x: (m.fc(x), m.fc.eval())[0], fc=linear),
        {"buffers"},
    ),
    "frozen-by-running": (
        net(lambda m, x: m.fc(x), fc=linear),
        net(lambda m, x: (m.fc(x), m.fc.weight.requires_grad_(False))[0], fc=linear),
        {"buffers", "eval"},
    ),
    "input-changed-in-place": (
        net(lambda m, x: m.fc(x * 2), fc=linear),
        net(_mutates, fc=linear),
        {"inputs", "eval", "trace"},
    ),
    "training-flag-ignored": (
        dropout_fixed,
        after_fc(lambda m, h: F.dropout(h, 0.5)),
        {"eval", "eval_other_seed"},
    ),
    "parameter-written": (
        net(lambda m, x: m.fc(x), fc=linear),
        net(lambda m, x: (m.fc(x), m.fc.weight.data.add_(1))[0], fc=linear),
        {"buffers", "eval"},
    ),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_catches(name: str) -> None:
    before, after, aspects = CAUGHT[name]
    assert differing(before, after) >= aspects


AGREES = {
    "functional-for-module": (
        net(lambda m, x: F.relu(m.fc(x)), fc=linear),
        net(lambda m, x: m.relu(m.fc(x)), fc=linear, relu=nn.ReLU),
        {"modules", "hooks", "signature"},
    ),
    "inplace-kept": (
        net(lambda m, x: m.fc(F.relu(x, inplace=True)), fc=linear),
        net(lambda m, x: m.fc(torch.relu_(x)), fc=linear),
        set(),
    ),
    "not-a-number": (
        after_fc(lambda m, h: h / 0 * 0),
        after_fc(lambda m, h: h / 0 * 0),
        set(),
    ),
    "dropout-module": (
        dropout_fixed,
        net(lambda m, x: m.d(m.fc(x)), fc=linear, d=lambda: nn.Dropout(0.5)),
        {"modules", "hooks", "signature"},
    ),
}


@pytest.mark.parametrize("name", AGREES)
def test_agrees(name: str) -> None:
    before, after, aspects = AGREES[name]
    assert differing(before, after) == aspects


def test_other_sign_of_nan_is_equal() -> None:
    assert digest(torch.tensor([float("nan")])) == digest(-torch.tensor([float("nan")]))
    assert digest(torch.tensor([0.0])) != digest(torch.tensor([-0.0]))


def test_one_seed_one_observation() -> None:
    first = observed(dropout_fixed)
    assert first == observed(dropout_fixed)
    assert first["train"] != observed(dropout_fixed, seed=1)["train"]


def test_global_generators_do_not_matter() -> None:
    first = observed(dropout_fixed)
    torch.rand(3), random.random(), np.random.rand()
    assert observed(dropout_fixed) == first


def test_other_seed_shows_randomness_in_eval_alone() -> None:
    stays_on = observed(after_fc(lambda m, h: F.dropout(h, 0.5)))
    assert stays_on["eval_other_seed"] != stays_on["eval"]["dict"][0][1]
    fixed = observed(dropout_fixed)
    assert fixed["eval_other_seed"] == fixed["eval"]["dict"][0][1]
    assert fixed["state_dict"] == stays_on["state_dict"]


def test_first_layer_in_place_runs() -> None:
    seen = observed(net(lambda m, x: m.act(x), act=lambda: nn.ReLU(inplace=True)))
    assert "tensor" in seen["train"]
    assert seen["grads"]["dict"][1][1]["list"][0]["tensor"]["shape"] == [2, 4]


def test_backward_that_raises_is_seen() -> None:
    def spoils(m: Any, x: Any) -> Any:
        h = torch.sigmoid(m.fc(x))
        y = h * 1
        h.mul_(2)
        return y

    seen = observed(net(spoils, fc=linear))
    assert "tensor" in seen["train"]
    assert "modified by an inplace operation" in seen["grads"]["raises"]


def test_forward_that_raises_has_no_address_and_keeps_its_trace() -> None:
    def fails(m: Any, x: Any) -> Any:
        m.fc(x)
        raise ValueError(f"no {object()!r}")

    seen = observed(net(fails, fc=linear))
    assert seen["train"] == {"raises": "ValueError: no <object object at 0x...>"}
    assert any("addmm" in line for line in seen["trace"]["lines"])
    eval_trace = dict(seen["eval"]["dict"])["trace"]
    assert any("addmm" in line for line in eval_trace["lines"])
    assert differing(net(fails, fc=linear), net(fails, fc=linear)) == set()


def test_what_ran_before_a_raise_is_seen() -> None:
    def fails(scale: float) -> Any:
        def forward(m: Any, x: Any) -> Any:
            m.fc(x) * scale
            raise ValueError("done")

        return net(forward, fc=linear)

    assert differing(fails(2.0), fails(3.0)) == {"trace", "eval"}


def test_what_a_constructor_runs_is_seen() -> None:
    def runs(function: Any) -> Any:
        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.fc = linear()
                self.size = function(torch.randn(1, 4)).shape[-1]

            def forward(self, x: Any) -> Any:
                return self.fc(x) * self.size

        return Net

    assert differing(runs(F.relu), runs(F.gelu)) == {"trace"}
    assert differing(runs(F.relu), runs(torch.relu)) == set()


def test_out_of_memory_is_no_observation() -> None:
    def fails(m: Any, x: Any) -> Any:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")

    with pytest.raises(MemoryError):
        observed(net(fails))


def test_plain_inputs_where_gradient_inputs_raise() -> None:
    seen = observed(net(lambda m, x: torch.from_numpy(x.numpy() * 2)))
    assert seen["train"]["tensor"]["shape"] == [2, 4]
    assert dict(seen["eval"]["dict"])["gradient inputs"] == {"value": "False"}


def test_integer_inputs_stay() -> None:
    embed = net(lambda m, x: m.e(x), e=lambda: nn.Embedding(5, 3))
    seen = observed(embed, lambda: torch.tensor([1, 2]))
    assert seen["inputs"]["tuple"][0]["tuple"][0]["tensor"]["dtype"] == "int64"
    assert seen["grads"]["dict"][1][1] == {"list": []}


def test_no_differentiable_output() -> None:
    seen = observed(net(lambda m, x: x.argmax(-1)))
    assert seen["grads"] == {"not-applicable": "no differentiable output"}


class _Pair(NamedTuple):
    a: Any
    b: Any


@dataclass
class _Data:
    x: Any
    n: int


class _Color(enum.Enum):
    RED = 1


class _Bag:
    def __init__(self, x: Any) -> None:
        self.x = x


def _squashed(scale: float) -> Any:
    """A policy's answer: a distribution whose transforms were asked for their inverse."""
    transforms = torch.distributions.transforms
    parts = [transforms.TanhTransform(cache_size=1), transforms.AffineTransform(0.0, scale)]
    normal = torch.distributions.Normal(torch.zeros(2), torch.ones(2))
    squashed = torch.distributions.TransformedDistribution(normal, parts)
    squashed.log_prob(torch.full((2,), 0.5))
    return squashed


PLAIN_TREES = [
    pytest.param(_Pair(1, None), {"value": "1"}, id="namedtuple"),
    pytest.param(_Data(1, 2), {"value": "1"}, id="dataclass"),
    pytest.param(OrderedDict(x=1), {"value": "1"}, id="ordered-dict"),
    pytest.param(_Bag(1), {"value": "1"}, id="plain-object"),
    pytest.param([1], None, id="list"),
    pytest.param(_Color.RED, None, id="enum"),
    pytest.param(np.arange(3.0), None, id="numpy"),
    pytest.param(np.float32(1), None, id="numpy-scalar"),
    pytest.param({1, 2}, {"value": "1"}, id="set"),
    pytest.param(torch.eye(2).to_sparse(), None, id="sparse"),
    pytest.param(torch.zeros(2, dtype=torch.bfloat16), None, id="bfloat16"),
    pytest.param(torch.zeros(0, 3), None, id="empty"),
    pytest.param(torch.zeros(2, device="meta"), None, id="meta"),
    pytest.param(torch.zeros(2, dtype=torch.complex64).conj(), None, id="conjugate"),
    pytest.param(torch.zeros(2, dtype=torch.complex64).conj().imag, None, id="negated"),
    pytest.param(torch.distributions.Normal(0.0, torch.ones(2)), None, id="distribution"),
    pytest.param(_squashed(2.0), None, id="transformed-distribution"),
    pytest.param(torch.distributions.transforms.ExpTransform().inv, None, id="inverse-transform"),
    pytest.param(torch.max(torch.eye(2), 0), None, id="return-type"),
]


@pytest.mark.parametrize(("value", "first"), PLAIN_TREES)
def test_values_have_trees_without_opaque(value: Any, first: Any) -> None:
    tree = Encoder().tree(value)
    assert "opaque" not in repr(tree)
    assert tree == Encoder().tree(value)
    if first is not None:
        assert tree["fields"][0][1] == first


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda: 0, id="function"),
        pytest.param(iter([1]), id="iterator"),
        pytest.param(nn.ReLU(), id="module"),
        pytest.param(np.array([object()]), id="array-of-objects"),
    ],
)
def test_what_cannot_be_compared_is_opaque(value: Any) -> None:
    assert "opaque" in Encoder().tree(value)


def test_what_transforms_hold_is_compared() -> None:
    one, other = (Encoder().tree(_squashed(scale)) for scale in (2.0, 3.0))
    assert one != other
    assert one == Encoder().tree(_squashed(2.0))


def test_a_cycle_ends() -> None:
    value: list[Any] = []
    value.append(value)
    assert Encoder().tree(value) == {"list": [{"opaque": "cycle"}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(1, True, id="one-true"),
        pytest.param(0.0, -0.0, id="zeros"),
        pytest.param(1, 1.0, id="int-float"),
        pytest.param("0x12345", "0x54321", id="texts-like-addresses"),
        pytest.param(np.float32(1), np.float64(1), id="numpy-scalars"),
        pytest.param(torch.ones(2), torch.ones(2).requires_grad_(), id="requires-grad"),
        pytest.param(torch.eye(2).to_sparse(), torch.eye(2), id="sparse-dense"),
        pytest.param(
            torch.ones(2, dtype=torch.complex64),
            torch.ones(2, dtype=torch.complex64).conj(),
            id="c",
        ),
        pytest.param(torch.zeros(2, 0), torch.zeros(3, 0), id="empty-shapes"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="dict-order"),
    ],
)
def test_unequal_values_have_unequal_trees(one: Any, other: Any) -> None:
    assert Encoder().tree(one) != Encoder().tree(other)


def test_quick_digest_sees_a_single_bit() -> None:
    big = torch.zeros(1 << 22)
    before = quick_digest(big)
    assert before == quick_digest(big.clone())
    big[1234567] = -0.0
    assert before != quick_digest(big)


def test_raw_data_of_small_tensors() -> None:
    tree = Encoder(raw=True).tree(torch.tensor([1, 2], dtype=torch.uint8))
    assert tree["tensor"]["data"] == "AQI="
    assert "data" not in Encoder(raw=True).tree(torch.zeros(1 << 15))["tensor"]


def test_load_reads_back_what_before_had() -> None:
    first = observed(net(lambda m, x: m.fc(x), fc=linear))
    bigger = net(lambda m, x: m.fc(x), fc=lambda: nn.Linear(4, 5))
    second = observed(bigger, load_keys=first["state_dict"])
    assert "size mismatch" in second["load"]["raises"]


def test_load_through_a_wrong_hook_is_seen() -> None:
    class Swaps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = linear()

        def forward(self, x: Any) -> Any:
            return self.fc(x)

        def _load_from_state_dict(self, state: Any, *rest: Any) -> None:
            state["fc.weight"] = state["fc.weight"] + 1
            super()._load_from_state_dict(state, *rest)

    Swaps.__qualname__ = "net.<locals>.Net"
    assert differing(net(lambda m, x: m.fc(x), fc=linear), Swaps) == {"load", "signature"}


def test_scripted_modules_are_named() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            scripted = torch.jit.trace(nn.ReLU(), torch.ones(1), check_trace=False)
            self.part = scripted

        def forward(self, x: Any) -> Any:
            return self.part(x)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        seen = observed(Net)
    assert seen["scripted"] == {"lines": ["part"]}


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(
            lambda: (nn.LSTM(3, 4, 2, dropout=0.5), (torch.randn(2, 3, 3),), {}), id="lstm"
        ),
        pytest.param(
            lambda: (
                nn.TransformerEncoderLayer(4, 2, 8, batch_first=True),
                (torch.randn(2, 3, 4),),
                {},
            ),
            id="transformer",
        ),
        pytest.param(lambda: (nn.LazyLinear(3), (torch.randn(2, 3),), {}), id="lazy"),
        pytest.param(
            lambda: (nn.Embedding(4, 2, sparse=True), (torch.tensor([1]),), {}), id="sparse-grads"
        ),
        pytest.param(
            lambda: (
                net(lambda m, x: checkpoint(m.fc, x, use_reentrant=False), fc=linear)(),
                (torch.randn(2, 4),),
                {},
            ),
            id="checkpoint",
        ),
    ],
)
def test_ordinary_layers_agree_with_themselves(build: Any) -> None:
    first = observe(build, seed=0)
    assert first == observe(build, seed=0)
    assert "opaque" not in repr(first)
    del first["sets"]  # Some take no other size.
    assert "raises" not in repr(first)


def test_what_a_layer_that_is_a_default_does_is_part_of_the_signature() -> None:
    def dropping(p: float) -> Any:
        class Net(nn.Module):
            def forward(self, x: Any, late: Any = nn.Dropout(p)) -> Any:  # noqa: B008
                return x

        return Net

    assert differing(dropping(0.1), dropping(0.5)) == {"signature"}
    assert differing(dropping(0.1), dropping(0.1)) == set()
