"""Other inputs show what a recipe's own inputs hide, and never accuse a right rewrite."""

from __future__ import annotations

import collections
import random
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from codemod.verify.compare import judge
from codemod.verify.worker import inputsets
from codemod.verify.worker.observe import observe


def net(forward: Any, **children: Any) -> Any:
    class Net(nn.Module):
        def __init__(self, rate: float = 0.5, dim: int = 0) -> None:
            super().__init__()
            self.rate, self.dim = rate, dim
            for name, make in children.items():
                setattr(self, name, make())

        def forward(self, *inputs: Any) -> Any:
            return forward(self, *inputs)

    return Net


def observed(model: Any, *makers: Any, **options: Any) -> dict[str, Any]:
    makers = makers or (lambda: torch.rand(3, 4) + 0.1,)
    return observe(lambda: (model(), tuple(make() for make in makers), {}), seed=0, **options)


def broken(before: Any, after: Any, *makers: Any) -> dict[str, set[str]]:
    """By set of inputs the aspects that differ there; the recipe's own under the name `own`."""
    first = observed(before, *makers)
    names = tuple(first["sets"])
    second = observed(after, *makers, load_keys=first["state_dict"], sets=names)
    judgement = judge(first, second, {}, [observed(before, *makers)])
    found: dict[str, set[str]] = {}
    for name, aspect in judgement.sets.broken:
        found.setdefault(name, set()).add(aspect)
    elsewhere = {aspect for _, aspect in judgement.sets.broken}
    own = set(judgement.broken) - elsewhere
    return {**found, **({"own": own} if own else {})}


def refusing_batches_of_one(m: Any, x: Any) -> Any:
    if x.shape[0] == 1:
        raise ValueError("a batch of one")
    return x * 2


def without_bias() -> Any:
    layer = nn.Linear(4, 4)
    nn.init.zeros_(layer.bias)
    return layer


def hooked(x: Any) -> Any:
    x.register_hook(lambda g: None)
    return x


def without_autocast(run: Any) -> Any:
    with torch.autocast("cpu", enabled=False):
        return run()


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Any) -> Any:
        return g * ctx.saved_tensors[0].cos()


def images() -> Any:
    return torch.rand(2, 3, 6, 6)


@pytest.mark.parametrize(
    ("before", "after", "makers", "expected"),
    [
        pytest.param(
            net(lambda m, x: F.softplus(x)),
            net(lambda m, x: F.softplus(x, threshold=5)),
            (),
            {"large", "not finite", "float64"},
            id="threshold-of-large-values",
        ),
        pytest.param(
            net(lambda m, x: F.threshold(x, 0.0, 0.0)),
            net(lambda m, x: F.threshold(x, 0.0, 1.0)),
            (),
            {"negative", "not finite", "zero"},
            id="value-of-negatives",
        ),
        pytest.param(
            net(lambda m, x: torch.nan_to_num(x, nan=0.0)),
            net(lambda m, x: torch.nan_to_num(x, nan=1.0)),
            (),
            {"not finite"},
            id="nan-alone",
        ),
        pytest.param(
            net(lambda m, x: F.max_pool2d(x, 2)),
            net(lambda m, x: F.max_pool2d(x, 2, ceil_mode=True)),
            (images,),
            {"longer", "much longer"},
            id="ceil-mode-of-odd-sizes",
        ),
        pytest.param(
            net(lambda m, x: F.max_pool2d(x[..., ::2, ::2], 2)),
            net(lambda m, x: F.max_pool2d(x[..., ::2, ::2], 2, ceil_mode=True)),
            (lambda: torch.rand(2, 3, 8, 8),),
            {"longer"},
            id="ceil-mode-after-a-stride-that-rounds-up",
        ),
        pytest.param(
            net(lambda m, x: F.max_pool2d(F.avg_pool2d(x, 2), 2)),
            net(lambda m, x: F.max_pool2d(F.avg_pool2d(x, 2), 2, ceil_mode=True)),
            (lambda: torch.rand(2, 3, 8, 8),),
            {"much longer"},
            id="ceil-mode-after-a-stride-that-rounds-down",
        ),
        pytest.param(
            net(lambda m, x: x.view(x.shape[0], -1)),
            net(lambda m, x: x.view(-1, 108)),
            (images,),
            {"longer", "much longer"},
            id="constant-size",
        ),
        pytest.param(
            net(lambda m, x: x * 2 if x.shape[0] > 1 else x),
            net(lambda m, x: x * 2),
            (),
            {"batch of one"},
            id="batch-of-one",
        ),
        pytest.param(
            net(lambda m, x: x * 2),
            net(lambda m, x: x * 2 if x.is_contiguous() else x),
            (),
            {"other layout"},
            id="layout",
        ),
        pytest.param(
            net(lambda m, x: x * 2),
            net(lambda m, x: x * 2 if x.dtype is torch.float32 else x),
            (),
            {"float64"},
            id="precision",
        ),
        pytest.param(
            net(lambda m, x: F.softmax(x, m.dim)),
            net(lambda m, x: F.softmax(x, 0)),
            (),
            {"argument dim"},
            id="constant-for-a-dimension",
        ),
        pytest.param(
            net(lambda m, x: F.dropout(x, m.rate, m.training)),
            net(lambda m, x: F.dropout(x, 0.5, m.training)),
            (),
            {"other arguments"},
            id="constant-for-an-argument",
        ),
        pytest.param(
            net(lambda m, x: F.normalize(x)),
            net(lambda m, x: F.normalize(x, eps=1e-8)),
            (),
            {"small numbers"},
            id="eps-of-small-numbers",
        ),
        pytest.param(
            net(lambda m, x: x.flatten(2).view(x.shape)),
            net(lambda m, x: x.flatten(2).view(*x.shape[:2], x.shape[3], x.shape[2])),
            (images,),
            {"higher"},
            id="height-for-width",
        ),
        pytest.param(
            net(lambda m, x: x.view(x.shape[0], -1)),
            net(lambda m, x: x.view(x.shape[0], 5 * x.shape[2])),
            (lambda: torch.rand(2, 5, 3),),
            {"higher"},
            id="constant-length-of-a-sequence",
        ),
        pytest.param(
            net(lambda m, x: x.softmax(-1)),
            net(lambda m, x: x.softmax(1)),
            (),
            {"other rank"},
            id="dimension-from-the-other-end",
        ),
        pytest.param(
            net(lambda m, x: m.emb(x), emb=lambda: nn.Embedding(9, 4)),
            net(
                lambda m, x: m.emb(x) if max(map(max, x.tolist())) < 4 else m.emb(x) * 2,
                emb=lambda: nn.Embedding(9, 4),
            ),
            (lambda: torch.tensor([[0, 1, 2], [3, 2, 1]]),),
            {"whole numbers"},
            id="other-indices",
        ),
        pytest.param(
            net(lambda m, x: m.fc(x), fc=without_bias),
            net(lambda m, x: x if any(m.fc.bias.tolist()) else m.fc(x), fc=without_bias),
            (),
            {"other weights"},
            id="weights-as-they-were-built",
        ),
        pytest.param(
            net(lambda m, x: m.fc(x), fc=lambda: nn.Linear(4, 4)),
            net(lambda m, x: (m.zero_grad(), m.fc(x))[1], fc=lambda: nn.Linear(4, 4)),
            (),
            {"other weights"},
            id="gradients-are-not-added-to",
        ),
        pytest.param(
            net(lambda m, x: m.d(x), d=nn.Dropout),
            net(lambda m, x: (m.d(x), m.d.eval())[0], d=nn.Dropout),
            (),
            {"without gradients"},
            id="second-run-in-the-other-mode",
        ),
        pytest.param(
            net(lambda m, x: m.fc(x), fc=lambda: nn.Linear(4, 4)),
            net(lambda m, x: hooked(m.fc(x)), fc=lambda: nn.Linear(4, 4)),
            (),
            {"without gradients"},
            id="fails-without-gradients",
        ),
        pytest.param(
            net(lambda m, x: x * 2),
            net(lambda m, x: without_autocast(lambda: x * 2)),
            (),
            set(),
            id="autocast-does-not-matter",
        ),
        pytest.param(
            net(lambda m, x: m.fc(x), fc=lambda: nn.Linear(4, 4)),
            net(lambda m, x: without_autocast(lambda: m.fc(x)), fc=lambda: nn.Linear(4, 4)),
            (),
            {"autocast"},
            id="autocast",
        ),
        pytest.param(
            net(lambda m, x: x.sin()),
            net(lambda m, x: Once.apply(x)),
            (),
            {"second gradients"},
            id="gradient-of-the-gradient",
        ),
        pytest.param(
            net(lambda m, x: x * 2 if random.random() < 0.3 else x),
            net(lambda m, x: x * 2 if random.random() < 0.6 else x),
            (),
            {"large", "longer", "negative", "zero"},
            id="rare-chance",
        ),
        pytest.param(
            net(refusing_batches_of_one),
            net(lambda m, x: x * 2),
            (),
            {"batch of one"},
            id="check-lost",
        ),
    ],
)
def test_other_inputs_show_what_the_own_hide(
    before: Any, after: Any, makers: Any, expected: set[str]
) -> None:
    found = broken(before, after, *makers)
    assert "own" not in found
    assert bool(set(found) & expected) == bool(expected)


@pytest.mark.parametrize(
    ("model", "makers"),
    [
        pytest.param(net(lambda m, x: F.relu(m.fc(x)), fc=lambda: nn.Linear(4, 4)), (), id="plain"),
        pytest.param(
            net(
                lambda m, x: m.bn(m.conv(x)),
                conv=lambda: nn.Conv2d(3, 4, 3),
                bn=lambda: nn.BatchNorm2d(4),
            ),
            (images,),
            id="statistics-do-not-leak",
        ),
        pytest.param(
            net(lambda m, x: m.emb(x), emb=lambda: nn.Embedding(9, 4)),
            (lambda: torch.randint(0, 9, (2, 5)),),
            id="tokens",
        ),
        pytest.param(net(lambda m, x: F.dropout(x.mul_(2), 0.5)), (), id="in-place-and-random"),
        pytest.param(
            net(
                lambda m, x: m.norm(x),
                norm=lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
            ),
            (),
            id="parametrized",
        ),
    ],
)
def test_a_model_agrees_with_itself(model: Any, makers: Any) -> None:
    assert broken(model, model, *makers) == {}


def test_a_set_in_which_the_model_raises_is_not_judged() -> None:
    def small_only(m: Any, x: Any) -> Any:
        assert x.abs().max() < 5
        return x * 2

    def otherwise_when_large(m: Any, x: Any) -> Any:
        if x.abs().max() < 5:
            return x * 2
        raise ValueError(x)

    assert broken(net(small_only), net(otherwise_when_large)) == {}


def test_a_set_in_which_the_model_is_not_deterministic_is_not_judged() -> None:
    calls = iter(range(10**6))

    def unsteady(m: Any, x: Any) -> Any:
        return x * next(calls) if x.abs().max() > 5 else x * 2

    found = broken(net(unsteady), net(unsteady))
    assert "large" not in found


def test_the_model_is_as_it_was_after_each_set() -> None:
    model = net(lambda m, x: m.bn(x), bn=lambda: nn.BatchNorm1d(4))
    alone = observed(model, sets=("zero",))["sets"]["zero"]
    assert observed(model)["sets"]["zero"] == alone


@pytest.mark.parametrize(
    ("call", "make"),
    [
        pytest.param(lambda m, x: m.act(x), lambda: torch.randn(3, 4), id="tensor"),
        pytest.param(
            lambda m, x: m.act(x["image"]),
            lambda: collections.OrderedDict(image=torch.randn(3, 4)),
            id="in-a-dictionary-of-another-kind",
        ),
    ],
)
@pytest.mark.parametrize("layer", [nn.LeakyReLU, nn.SELU, nn.ReLU])
def test_what_a_run_writes_into_its_inputs_is_gone_before_the_next(
    layer: Any, call: Any, make: Any
) -> None:
    before = observed(net(call, act=lambda: layer(inplace=True)), make)
    after = observed(net(call, act=layer), make, sets=tuple(before["sets"]))
    changes: Any = {"inputs": "may-differ", "trace": "may-differ"}
    judgement = judge(before, after, changes)
    assert {aspect for _, aspect in judgement.sets.broken} <= {"grads"}  # SELU's last digits


def test_what_a_model_can_afford_depends_on_its_work_alone() -> None:
    assert len(inputsets.affordable(1)) > len(inputsets.affordable(10**8)) > 0
    assert inputsets.affordable(10**12) == ()


def test_the_class_is_as_it_was_after_other_arguments() -> None:
    model = net(lambda m, x: F.dropout(x, m.rate, m.training))
    init = model.__init__
    observed(model)
    assert model.__init__ is init
    assert model().rate == 0.5
