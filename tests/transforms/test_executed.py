"""Before and after, run side by side by torch alone: what a rewrite keeps is kept bit by bit."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from marked_cases import NO_F, holds, net

from codemod import Transform
from codemod.transforms.call_to_forward import CallToForward
from codemod.transforms.dropout_to_module import DropoutToModule
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.hoist_inline_modules import HoistInlineModules
from codemod.transforms.inplace_off import InplaceOff
from codemod.transforms.inplace_on import InplaceOn
from codemod.transforms.module_to_functional import ModuleToFunctional
from codemod.transforms.unshare_modules import UnshareModules

SEED = 7
FC = "self.fc = nn.Linear(4, 4)"
CONVS = ("self.a = nn.Conv2d(2, 4, 3)", "self.b = nn.Conv2d(4, 4, 3)")


@dataclass(frozen=True)
class Run:
    """What one model did: everything as bytes or plain values."""

    keys: list[str]
    state: dict[str, bytes]
    outputs: dict[str, bytes]
    gradients: dict[str, bytes | None]
    generator: bytes


def data(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().numpy().tobytes()


def build(source: str, arguments: tuple[Any, ...]) -> torch.nn.Module:
    names: dict[str, Any] = {"__name__": "net"}
    exec(compile(source, "net.py", "exec"), names)
    torch.manual_seed(SEED)
    model = names["Net"](*arguments)
    assert isinstance(model, torch.nn.Module)
    return model


def observe(source: str, arguments: tuple[Any, ...], shape: tuple[int, ...]) -> Run:
    model = build(source, arguments)
    state = {key: data(value) for key, value in model.state_dict().items()}
    torch.manual_seed(SEED + 1)
    x = torch.randn(shape)
    outputs = {}
    model.eval()
    torch.manual_seed(SEED + 2)
    with torch.no_grad():
        outputs["eval"] = data(model(x.clone()))
    model.train()
    torch.manual_seed(SEED + 3)
    leaf = x.clone().requires_grad_()
    made = model(leaf * 1)
    outputs["train"] = data(made)
    made.sin().sum().backward()
    gradients = {
        name: None if value.grad is None else data(value.grad)
        for name, value in [("x", leaf), *model.named_parameters()]
    }
    return Run(list(state), state, outputs, gradients, data(torch.get_rng_state()))


def sequential_conv() -> str:
    return net(
        "x = F.relu(self.a(x))",
        "x = F.max_pool2d(F.leaky_relu(self.b(x), 0.2), 2)",
        "return torch.flatten(x, 1)",
        init=CONVS,
    )


PRESERVING: Mapping[str, tuple[type[Transform], str, str, tuple[Any, ...], tuple[int, ...]]] = {
    "convolutions": (
        FunctionalToModule,
        sequential_conv(),
        net(
            "x = self.relu(self.a(x))",
            "x = self.pool(self.leaky_relu(self.b(x)))",
            "return self.flatten(x)",
            init=(
                "self.a = nn.Conv2d(2, 4, 3)",
                "self.relu = nn.ReLU()",
                "self.b = nn.Conv2d(4, 4, 3)",
                "self.leaky_relu = nn.LeakyReLU(0.2)",
                "self.pool = nn.MaxPool2d(2)",
                "self.flatten = nn.Flatten(1)",
            ),
            head="import torch.nn as nn\n",
        ),
        (),
        (2, 2, 9, 9),
    ),
    "layer-order-and-seed": (
        FunctionalToModule,
        net(
            "return self.b(F.gelu(self.a(x))) + F.softmax(x, dim=-1)",
            init=("self.a = nn.Linear(4, 4)", "self.b = nn.Linear(4, 4)"),
        ),
        net(
            "return self.b(self.gelu(self.a(x))) + self.softmax(x)",
            init=(
                "self.a = nn.Linear(4, 4)",
                "self.gelu = nn.GELU()",
                "self.b = nn.Linear(4, 4)",
                "self.softmax = nn.Softmax(dim=-1)",
            ),
            head=NO_F,
        ),
        (),
        (3, 4),
    ),
    "dropout-follows-the-mode": (
        DropoutToModule,
        net(
            "x = F.dropout(self.fc(x), self.dropout, self.training)",
            "return F.dropout(x, p=0.1, training=self.training)",
            init=("self.dropout = p", FC),
            taken="p",
        ),
        net(
            "x = self.dropout1(self.fc(x))",
            "return self.dropout2(x)",
            init=(
                "self.dropout = p",
                FC,
                "self.dropout1 = nn.Dropout(self.dropout)",
                "self.dropout2 = nn.Dropout(p=0.1)",
            ),
            taken="p",
            head=NO_F,
        ),
        (0.4,),
        (5, 4),
    ),
    "dropout-in-place": (
        DropoutToModule,
        net("return F.dropout(self.fc(x), 0.5, self.training, True)"),
        net(
            "return self.dropout(self.fc(x))",
            init=(FC, "self.dropout = nn.Dropout(0.5, inplace=True)"),
            head=NO_F,
        ),
        (),
        (5, 4),
    ),
    "alpha-dropout": (
        DropoutToModule,
        net("return F.alpha_dropout(self.fc(x), 0.3, self.training)"),
        net(
            "return self.dropout(self.fc(x))",
            init=(FC, "self.dropout = nn.AlphaDropout(0.3)"),
            head=NO_F,
        ),
        (),
        (5, 4),
    ),
    "in-place-relu-on-a-shared-input": (
        FunctionalToModule,
        net("y = self.fc(x)", "h = F.relu(y, inplace=True)", "return h + y"),
        net(
            "y = self.fc(x)",
            "h = self.relu(y)",
            "return h + y",
            init=(FC, "self.relu = nn.ReLU(inplace=True)"),
            head=NO_F,
        ),
        (),
        (3, 4),
    ),
    "max-pool-positions": (
        FunctionalToModule,
        net("return F.max_pool2d(self.a(x), 3, 2, 1, 1, True)", init=CONVS[:1]),
        net(
            "return self.pool(self.a(x))",
            init=(CONVS[0], "self.pool = nn.MaxPool2d(3, 2, 1, 1, ceil_mode=True)"),
            head=NO_F,
        ),
        (),
        (1, 2, 10, 10),
    ),
    "one-module-in-a-loop": (
        FunctionalToModule,
        net(
            "for layer in self.layers:",
            "    x = F.elu(layer(x))",
            "return x",
            init=("self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))",),
        ),
        net(
            "for layer in self.layers:",
            "    x = self.elu(layer(x))",
            "return x",
            init=(
                "self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))",
                "self.elu = nn.ELU()",
            ),
            head=NO_F,
        ),
        (),
        (3, 4),
    ),
    "dropout-module-with-positions": (
        ModuleToFunctional,
        net("return self.d(self.fc(x))", init=(FC, "self.d = nn.Dropout(0.5, True)"), head=NO_F),
        net("return F.dropout(self.fc(x), 0.5, training=self.training, inplace=True)"),
        (),
        (5, 4),
    ),
    "pool-module-with-positions": (
        ModuleToFunctional,
        net(
            "return self.p(self.a(x))",
            init=(CONVS[0], "self.p = nn.MaxPool2d(3, 2, 1, 1, False, True)"),
            head=NO_F,
        ),
        net("return F.max_pool2d(self.a(x), 3, 2, 1, 1, ceil_mode=True)", init=CONVS[:1]),
        (),
        (1, 2, 10, 10),
    ),
    "upsampling-module": (
        ModuleToFunctional,
        net(
            "return self.u(self.a(x))",
            init=(CONVS[0], "self.u = nn.UpsamplingBilinear2d(scale_factor=2)"),
            head=NO_F,
        ),
        net(
            "return F.interpolate(",
            '    self.a(x), scale_factor=2, mode="bilinear", align_corners=True',
            ")",
            init=CONVS[:1],
        ),
        (),
        (1, 2, 6, 6),
    ),
    "pad-module": (
        ModuleToFunctional,
        net(
            "return self.p(self.a(x))",
            init=(CONVS[0], "self.p = nn.ReflectionPad2d(1)"),
            head=NO_F,
        ),
        net('return F.pad(self.a(x), (1, 1, 1, 1), mode="reflect")', init=CONVS[:1]),
        (),
        (1, 2, 6, 6),
    ),
    "random-relu-module": (
        ModuleToFunctional,
        net("return self.r(self.fc(x))", init=(FC, "self.r = nn.RReLU()"), head=NO_F),
        net("return F.rrelu(self.fc(x), training=self.training)"),
        (),
        (5, 4),
    ),
    "flatten-and-softmax-2d": (
        ModuleToFunctional,
        net(
            "return self.f(self.s(self.a(x)))",
            init=(CONVS[0], "self.s = nn.Softmax2d()", "self.f = nn.Flatten()"),
            head=NO_F,
        ),
        net("return torch.flatten(F.softmax(self.a(x), dim=-3), 1)", init=CONVS[:1]),
        (),
        (1, 2, 6, 6),
    ),
    "shared-relu-in-place": (
        UnshareModules,
        net(
            "x = self.relu(self.fc(x))",
            "return self.relu(self.fc2(x) + 1)",
            init=(FC, "self.relu = nn.ReLU(inplace=True)", "self.fc2 = nn.Linear(4, 4)"),
            head=NO_F,
        ),
        net(
            "x = self.relu(self.fc(x))",
            "return self.relu2(self.fc2(x) + 1)",
            init=(
                FC,
                "self.relu = nn.ReLU(inplace=True)",
                "self.fc2 = nn.Linear(4, 4)",
                "self.relu2 = nn.ReLU(inplace=True)",
            ),
            head=NO_F,
        ),
        (),
        (3, 4),
    ),
    "shared-dropout-draws-in-order": (
        UnshareModules,
        net(
            "return self.drop(self.fc(self.drop(x)))",
            init=(FC, "self.drop = nn.Dropout(0.5)"),
            head=NO_F,
        ),
        net(
            "return self.drop2(self.fc(self.drop(x)))",
            init=(FC, "self.drop = nn.Dropout(0.5)", "self.drop2 = nn.Dropout(0.5)"),
            head=NO_F,
        ),
        (),
        (5, 4),
    ),
    "in-place-activations-off": (
        InplaceOff,
        net(
            "x = F.leaky_relu_(self.fc(x), 0.3)",
            "x = self.fc(self.fc(x).relu_())",
            "x.sigmoid_()",
            "return self.body(x)",
            init=(FC, "self.body = nn.Sequential(nn.Linear(4, 4), nn.Hardtanh(-0.7, 0.7, True))"),
        ),
        net(
            "x = F.leaky_relu(self.fc(x), 0.3)",
            "x = self.fc(self.fc(x).relu())",
            "x = x.sigmoid()",
            "return self.body(x)",
            init=(FC, "self.body = nn.Sequential(nn.Linear(4, 4), nn.Hardtanh(-0.7, 0.7))"),
        ),
        (),
        (3, 4),
    ),
    "in-place-activations-on": (
        InplaceOn,
        net(
            "return self.body(self.act(self.fc(x)))",
            init=(
                FC,
                "self.act = nn.LeakyReLU(0.3)",
                "self.body = nn.Sequential(nn.BatchNorm1d(4), nn.LeakyReLU(0.7))",
            ),
            head=NO_F,
        ),
        net(
            "return self.body(self.act(self.fc(x)))",
            init=(
                FC,
                "self.act = nn.LeakyReLU(0.3, inplace=True)",
                "self.body = nn.Sequential(nn.BatchNorm1d(4), nn.LeakyReLU(0.7, inplace=True))",
            ),
            head=NO_F,
        ),
        (),
        (3, 4),
    ),
    "softmax-made-in-forward": (
        HoistInlineModules,
        net("return nn.Softmax(dim=-1)(self.fc(x))", head=NO_F),
        net(
            "return self.softmax(self.fc(x))",
            init=(FC, "self.softmax = nn.Softmax(dim=-1)"),
            head=NO_F,
        ),
        (),
        (3, 4),
    ),
    "call-becomes-forward": (
        CallToForward,
        net("return self.fc(x) * 2").replace("forward", "__call__"),
        net("return self.fc(x) * 2"),
        (),
        (3, 4),
    ),
}


@pytest.mark.parametrize(
    ("transform", "before", "after", "arguments", "shape"), PRESERVING.values(), ids=PRESERVING
)
def test_nothing_changes_that_is_not_meant_to(
    transform: type[Transform],
    before: str,
    after: str,
    arguments: tuple[Any, ...],
    shape: tuple[int, ...],
) -> None:
    holds(transform, before, after)
    assert observe(before, arguments, shape) == observe(after, arguments, shape)
    build(after, arguments).load_state_dict(build(before, arguments).state_dict(), strict=True)


def test_dropout_left_on_is_turned_off_in_eval_and_nowhere_else() -> None:
    before = net("return F.dropout(self.fc(x), 0.5)")
    after = net(
        "return self.dropout(self.fc(x))",
        init=(FC, "self.dropout = nn.Dropout(0.5)"),
        head=NO_F,
    )
    holds(DropoutToModule, before, after)
    first, second = observe(before, (), (5, 4)), observe(after, (), (5, 4))
    assert first.outputs["eval"] != second.outputs["eval"]
    assert first.outputs["train"] == second.outputs["train"]
    assert first.gradients == second.gradients
    assert first.state == second.state


def test_dropout_made_in_forward_is_turned_off_in_eval_and_nowhere_else() -> None:
    before = net("return nn.Dropout(0.5)(self.fc(x))", head=NO_F)
    after = net(
        "return self.dropout(self.fc(x))",
        init=(FC, "self.dropout = nn.Dropout(0.5)"),
        head=NO_F,
    )
    holds(HoistInlineModules, before, after)
    first, second = observe(before, (), (5, 4)), observe(after, (), (5, 4))
    assert first.outputs["eval"] != second.outputs["eval"]
    assert first.outputs["train"] == second.outputs["train"]
    assert first.gradients == second.gradients
    assert first.state == second.state


def test_hooks_fire_after_call_becomes_forward() -> None:
    after = net("return self.fc(x)")
    holds(CallToForward, after.replace("forward", "__call__"), after)
    fired: list[str] = []
    for source in (after.replace("forward", "__call__"), after):
        model = build(source, ())
        model.register_forward_hook(lambda *_: fired.append("hook"))
        model(torch.ones(1, 4))
    assert fired == ["hook"]


def test_each_site_has_a_hook_of_its_own() -> None:
    layers = ("self.a = nn.Linear(4, 4)", "self.b = nn.Linear(4, 4)")
    before = net("return F.relu(self.b(F.relu(self.a(x))))", init=layers)
    after = net(
        "return self.relu2(self.b(self.relu1(self.a(x))))",
        init=(layers[0], "self.relu1 = nn.ReLU()", layers[1], "self.relu2 = nn.ReLU()"),
        head=NO_F,
    )
    holds(FunctionalToModule, before, after)
    model = build(after, ())
    order: list[str] = []
    for name, child in model.named_children():
        child.register_forward_hook(lambda *_, name=name: order.append(name))
    model(torch.randn(1, 4))
    assert order == [name for name, _ in model.named_children()]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    random.seed(SEED)
    torch.set_num_threads(1)
