"""Constructor arguments that hang together: none of them is wrong alone."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from test_synthesise import find, server

from codemod.verify.worker.inputs import Inputs
from codemod.verify.worker.laboratory import Failure
from codemod.verify.worker.layouts import by_words
from codemod.verify.worker.messages import Change
from codemod.verify.worker.sizes import disagreeing, in_proportion
from codemod.verify.worker.specs import MOST_NUMBERS, Tensor, apply
from codemod.verify.worker.words import BATCH, guesses, words_of

__all__ = ["find", "server"]

HALF = Change("ratio", 256, 128)


@pytest.mark.parametrize("name", ["init_dim", "patch_dim", "image_channels", "layer_planes"])
def test_the_last_word_of_a_name_says_what_it_is(name: str) -> None:
    assert guesses(name)[0] == "64"


@pytest.mark.parametrize(("name", "first"), [("head_dim", "16"), ("dim_scale", "1.0")])
def test_a_width_that_is_named_further_keeps_its_own_guess(name: str, first: str) -> None:
    assert guesses(name)[0] == first


BLOCKS = {
    "bottleneck-without-a-shortcut": """
        class Net(nn.Module):
            expansion = 4
            def __init__(self, inplanes, planes, stride=1, downsample=None):
                super().__init__()
                self.conv1 = nn.Conv2d(inplanes, planes, 1)
                self.bn1 = nn.BatchNorm2d(planes)
                self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1)
                self.bn2 = nn.BatchNorm2d(planes)
                self.conv3 = nn.Conv2d(planes, planes * 4, 1)
                self.bn3 = nn.BatchNorm2d(planes * 4)
                self.downsample = downsample
            def forward(self, x):
                residual = x
                out = F.relu(self.bn1(self.conv1(x)))
                out = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(out)))))
                if self.downsample is not None:
                    residual = self.downsample(x)
                return F.relu(out + residual)
        """,
    "a-width-left-out-that-must-be-three-times-another": """
        class Net(nn.Module):
            def __init__(self, in_features, hidden_features=None, out_features=None):
                super().__init__()
                out_features = out_features or in_features
                hidden_features = hidden_features or in_features
                self.fc1 = nn.Linear(in_features, in_features)
                self.fc2 = nn.Linear(hidden_features, out_features)
            def forward(self, x):
                x = self.fc1(x)
                return self.fc2(torch.cat((x, F.gelu(x), F.relu(x)), dim=2))
        """,
    "as-many-heads-as-the-layer-has-room-for": """
        class Net(nn.Module):
            def __init__(self, dim, num_heads=8, in_dim=None):
                super().__init__()
                self.num_heads, self.in_dim = num_heads, in_dim
                self.qkv = nn.Linear(dim, in_dim * 3)
                self.proj = nn.Linear(in_dim, in_dim)
            def forward(self, x):
                B, N, C = x.shape
                qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, self.in_dim)
                q, k, v = qkv.permute(2, 0, 3, 1, 4)
                x = (q @ k.transpose(-2, -1)).softmax(-1) @ v
                x = x.transpose(1, 2).reshape(B, N, self.in_dim)
                return v.squeeze(1) + self.proj(x)
        """,
    "a-class-of-blocks-and-how-many-of-each": """
        class Block(nn.Module):
            expansion = 1
            def __init__(self, inplanes, planes):
                super().__init__()
                self.conv = nn.Conv2d(inplanes, planes, 3, padding=1)
            def forward(self, x):
                return F.relu(self.conv(x))
        class Net(nn.Module):
            def __init__(self, block, layers):
                super().__init__()
                self.inplanes = 8
                self.layer1 = self._make_layer(block, 8, layers[0])
                self.layer2 = self._make_layer(block, 16, layers[1])
            def _make_layer(self, block, planes, blocks):
                layers = [block(self.inplanes, planes * block.expansion)]
                self.inplanes = planes * block.expansion
                for i in range(1, blocks):
                    layers.append(block(self.inplanes, planes))
                return nn.Sequential(*layers)
            def forward(self, x):
                return self.layer2(self.layer1(x))
        """,
    "a-word-that-the-error-lists": """
        class Net(nn.Module):
            def __init__(self, scale, mode):
                super().__init__()
                self.scale, self.mode = scale, mode
            def forward(self, x):
                x = F.interpolate(x, scale_factor=self.scale, mode=self.mode, align_corners=None)
                return F.relu(x)
        """,
    "settings-of-a-configuration-inside-another": """
        class Net(nn.Module):
            def __init__(self, cfg):
                super().__init__()
                extra = cfg.MODEL.EXTRA
                self.parts = self._make(extra.NUM_LAYERS, extra.NUM_FILTERS)
                self.last = nn.Conv2d(extra.NUM_FILTERS[-1], cfg.MODEL.NUM_JOINTS, 1)
            def _make(self, num_layers, num_filters):
                assert num_layers == len(num_filters), "one number of filters a layer"
                return nn.Sequential(*[nn.LazyConv2d(num_filters[i], 1) for i in range(num_layers)])
            def forward(self, x):
                return self.last(self.parts(x))
        """,
    "settings-that-another-class-is-given-by-name": """
        class Inner(nn.Module):
            def __init__(self, channels, n_layers, n_channels, kernel_size):
                super().__init__()
                assert kernel_size % 2 == 1
                self.first = nn.Conv1d(channels, n_channels, kernel_size)
                self.rest = nn.ModuleList([nn.Conv1d(n_channels, n_channels, 1)] * n_layers)
            def forward(self, x):
                x = self.first(x)
                for part in self.rest:
                    x = part(x)
                return x
        class Net(nn.Module):
            def __init__(self, channels, inner_config):
                super().__init__()
                self.inner = Inner(channels, **inner_config)
            def forward(self, x):
                return F.relu(self.inner(x))
        """,
}


@pytest.mark.parametrize("source", BLOCKS.values(), ids=BLOCKS.keys())
def test_arguments_that_must_agree_are_found(find: Any, source: str) -> None:
    found = find(source)
    found.run(found.search())


MESSAGES = {
    "added": (
        "The size of tensor a (256) must match the size of tensor b (64) at non-singleton "
        "dimension 1",
        [(256, 64)],
    ),
    "multiplied": ("mat1 and mat2 shapes cannot be multiplied (16x192 and 64x32)", [(192, 64)]),
    "convolved": (
        "Given groups=1, weight of size [8, 16, 3, 3], expected input[2, 64, 8, 8] to have 16 "
        "channels, but got 64 channels instead",
        [(16, 64)],
    ),
    "reshaped": ("shape '[2, 3, -1]' is invalid for input of size 7", [(6, 7)]),
    "equal-sizes-of-other-dimensions": (
        "mat1 and mat2 shapes cannot be multiplied (16x64 and 64x32)",
        [],
    ),
    "something-else": ("index 3 is out of bounds for dimension 0 with size 2", []),
}


@pytest.mark.parametrize(("message", "pairs"), MESSAGES.values(), ids=MESSAGES.keys())
def test_the_sizes_of_a_message_are_read(message: str, pairs: list[tuple[int, int]]) -> None:
    assert disagreeing(message) == pairs


def test_a_value_grows_or_shrinks_by_the_factor_between_both_sizes() -> None:
    assert list(in_proportion(64, [(256, 64)])) == [16, 256]
    assert list(in_proportion(8, [(24576, 3072)])) == [1, 64]
    assert list(in_proportion(3, [(256, 64)])) == [12]
    assert list(in_proportion(None, [(256, 64)])) == []


def test_no_input_of_millions_of_numbers_is_tried() -> None:
    model = torch.nn.Linear(4032, 2)
    inputs = Inputs(model)
    failed = Failure("call", "RuntimeError", "mat1 and mat2 shapes cannot be multiplied")
    starts = list(iter(inputs.queue.pop, None))
    inputs.learn(*starts[0], failed)
    tried = list(iter(inputs.queue.pop, None))
    tensors = [spec for _, call in tried for _, spec in call if isinstance(spec, Tensor)]
    assert any(4032 in one.shape for one in tensors)
    assert max(math.prod(one.shape) for one in tensors) <= MOST_NUMBERS


def test_what_is_scaled_together_is_widths_and_not_the_number_of_edges() -> None:
    call = {
        "x": Tensor("float", (8, 128)),
        "edge_index": Tensor("long", (2, 20), 8),
        "edge_attr": Tensor("float", (20, 128)),
    }
    first = [(one["x"], one["edge_attr"], one["edge_index"]) for _, one in apply(call, HALF, [])]
    assert (Tensor("float", (8, 64)), Tensor("float", (20, 64)), call["edge_index"]) in first


@pytest.mark.parametrize("name", ["class_labels", "class_ids", "classLabel"])
def test_an_example_has_one_class(name: str) -> None:
    assert by_words(name, set(words_of(name)), 64) == Tensor("long", (BATCH,), 2)
