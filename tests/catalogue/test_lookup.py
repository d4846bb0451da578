"""Look-up by name, selection, and what the catalogue may import."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from codemod.catalogue import (
    GROUPS,
    PAIRS,
    by_functional,
    by_module,
    canonical,
    select,
)
from codemod.errors import UsageError


@pytest.mark.parametrize("name", ["relux", "@activations", "", "torch.nn.Conv2d", "@", "nn"])
def test_an_unknown_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError):
        select(["relu", name])


def test_the_error_names_what_is_near() -> None:
    with pytest.raises(UsageError, match=r"Did you mean dropout, .*@activation, @softmax"):
        select(["dropuot"])


@pytest.mark.parametrize(
    ("pattern", "modules"),
    [
        ("relu", ["ReLU"]),
        ("ReLU", ["ReLU"]),
        ("torch.nn.ReLU", ["ReLU"]),
        ("F.relu_", ["ReLU"]),
        ("leaky_relu", ["LeakyReLU"]),
        ("leakyrelu", ["LeakyReLU"]),
        ("max_pool2d", ["MaxPool2d"]),
        ("softmax", ["Softmax", "Softmax2d"]),
        ("flatten", ["Flatten"]),
        ("cross_entropy", ["CrossEntropyLoss"]),
        (" dropout ", ["Dropout"]),
        ("@softmax", ["Softmax", "LogSoftmax", "Softmin", "Softmax2d"]),
    ],
)
def test_selection(pattern: str, modules: list[str]) -> None:
    assert [pair.module for pair in select([pattern])] == [f"torch.nn.{name}" for name in modules]


def test_pad_selects_every_padding() -> None:
    assert select(["pad"]) == select(["@padding"])
    assert len(select(["pad"])) == 15


def test_groups_together_are_everything() -> None:
    assert select(f"@{group}" for group in GROUPS) == PAIRS
    assert select([]) == ()


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("torch.nn.ReLU", "torch.nn.ReLU"),
        ("torch.nn.modules.ReLU", "torch.nn.ReLU"),
        ("torch.nn.modules.activation.ReLU", "torch.nn.ReLU"),
        ("torch.nn.modules.pooling.MaxPool2d", "torch.nn.MaxPool2d"),
        ("torch.nn.modules.activation", "torch.nn.modules.activation"),
        ("torch.nn.modules.utils._pair", "torch.nn.modules.utils._pair"),
        ("torch._C._nn.gelu", "torch.nn.functional.gelu"),
        ("torch._C._nn.log_sigmoid", "torch.nn.functional.logsigmoid"),
        ("torch._VF.dropout", "torch.dropout"),
        ("torch.functional.einsum", "torch.einsum"),
        ("torch.nn.functional.relu", "torch.nn.functional.relu"),
        ("mypackage.torch.nn.modules.activation.ReLU", None),
        ("torch.nn.quantized.modules.activation.ReLU6", None),
    ],
)
def test_canonical(name: str, public: str | None) -> None:
    assert canonical(name) == (public or name)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.module[9:])
def test_the_name_a_class_gives_itself_finds_its_pair(pair: object) -> None:
    module = getattr(torch.nn, pair.module[9:])  # type: ignore[attr-defined]
    assert by_module(f"{module.__module__}.{module.__qualname__}") is pair


@pytest.mark.parametrize("name", ["torch.nn.Conv2d", "torch.nn.Identity", "ReLU", "", "nn.ReLU"])
def test_no_pair_for_another_name(name: str) -> None:
    assert by_module(name) is None
    assert by_functional(name) == ()


def test_several_modules_for_pad() -> None:
    assert len(by_functional("torch.nn.functional.pad")) == 15
    assert len(by_functional("torch.nn.functional.relu")) == 1


def test_the_catalogue_needs_neither_torch_nor_libcst() -> None:
    code = "import sys, codemod.catalogue; print(*sorted({'torch', 'libcst'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
