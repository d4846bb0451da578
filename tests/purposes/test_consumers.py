"""What the presets are for, shown with those who use the models: Captum and torch's quantization.

Each net is run by the consumer before and after `codemod apply --preset ...`.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from codemod.cli import main

# Functionals, a layer that is used twice and in place, one that is made in forward.
ATTRIBUTED = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2 = nn.Conv2d(4, 8, 3)
        self.fc1 = nn.Linear(200, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc2(x)


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 32)
        self.fc2 = nn.Linear(32, 32)
        self.fc3 = nn.Linear(32, 10)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return nn.ELU()(self.fc3(x))


if __name__ == "__main__":
    Functional()(torch.randn(2, 1, 16, 16))
    Shared()(torch.randn(2, 16))
"""
INPUTS = {"Functional": (4, 1, 16, 16), "Shared": (4, 16)}

QUANTIZED = """\
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.ao.quantization import DeQuantStub, QuantStub


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = QuantStub()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(4, 4, 3)
        self.fc = nn.Linear(4 * 12 * 12, 10)
        self.dequant = DeQuantStub()

    def forward(self, x):
        x = self.relu(self.conv1(self.quant(x)))
        x = self.relu(self.conv2(x))
        x = F.dropout(torch.flatten(x, 1), 0.5)
        return self.dequant(F.elu(self.fc(x)))


if __name__ == "__main__":
    Net()(torch.randn(2, 1, 16, 16))
"""


def load(folder: Path) -> ModuleType:
    module = ModuleType("net")
    exec(compile((folder / "net.py").read_text(), "net.py", "exec"), vars(module))
    return module


def apply(folder: Path, *options: str) -> str:
    said = io.StringIO()
    assert main(["apply", *options, str(folder)], io.BytesIO(), said) == 0, said.getvalue()
    return said.getvalue()


def deep_lift(folder: Path, name: str) -> float:
    """The largest convergence delta of Captum's DeepLift on a seeded net. Raises what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from captum.attr import DeepLift

        torch.manual_seed(0)
        net: Any = getattr(load(folder), name)().eval()
        x = torch.randn(INPUTS[name])
        _, delta = DeepLift(net).attribute(
            x, torch.zeros_like(x), target=3, return_convergence_delta=True
        )
    return float(delta.abs().max())


def test_attributions_that_were_wrong_or_raised_add_up(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(ATTRIBUTED)
    assert deep_lift(tmp_path, "Functional") > 1e-3
    with pytest.raises(RuntimeError, match="used more than once"):
        deep_lift(tmp_path, "Shared")
    said = apply(tmp_path, "--preset", "attribution")
    assert deep_lift(tmp_path, "Functional") < 1e-5
    assert deep_lift(tmp_path, "Shared") < 1e-5
    assert "No module without state is called more than once a forward" in said


def quantized(folder: Path, fuse: list[list[str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """What the net gives as it is, and once it is fused, prepared, calibrated and converted."""
    from torch.ao import quantization

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        net = load(folder).Net().eval()
        x = torch.randn(4, 1, 16, 16)
        exact = net(x)
        engines = torch.backends.quantized.supported_engines
        torch.backends.quantized.engine = "onednn" if "onednn" in engines else engines[-1]
        net.qconfig = quantization.get_default_qconfig(torch.backends.quantized.engine)
        net = quantization.fuse_modules(net, fuse)
        net = quantization.prepare(net)
        net(x)
        return exact, quantization.convert(net)(x)


def test_eager_quantization_takes_the_net(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(QUANTIZED)
    with pytest.raises(AssertionError, match="did not find fuser method"):
        quantized(tmp_path, [["conv1", "relu"], ["conv2", "relu"]])
    with pytest.raises((NotImplementedError, RuntimeError)):
        quantized(tmp_path, [["conv1", "relu"]])
    apply(tmp_path, "--preset", "quantization", "--accept", "behaviour-change")
    exact, found = quantized(tmp_path, [["conv1", "relu"], ["conv2", "relu2"]])
    assert float((found - exact).abs().max()) < 0.1 * float(exact.abs().max())


def test_forward_hooks_fire_where_call_was_written_by_hand(tmp_path: Path) -> None:
    text = ATTRIBUTED.replace("def forward(self, x)", "def __call__(self, x)", 1)
    (tmp_path / "net.py").write_text(text)
    fired: list[str] = []
    for _ in range(2):
        net = load(tmp_path).Functional()
        net.register_forward_hook(lambda *_: fired.append("hook"))
        net(torch.randn(1, 1, 16, 16))
        if not fired:
            apply(tmp_path, "-t", "call-to-forward")
    assert fired == ["hook"]
