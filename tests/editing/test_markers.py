"""Patterns of many names."""

from __future__ import annotations

import re

import pytest

from codemod.editing.markers import any_class, any_of

NAMES = ["relu", "relu6", "relu_", "rrelu", "gelu", "max_pool2d", "max_pool1d"]


@pytest.mark.parametrize("text", ["re", "rel", "relu66", "max_pool", "max_pool3d", "xrelu", ""])
def test_what_only_begins_like_a_name_is_none(text: str) -> None:
    assert re.fullmatch(any_of(NAMES), text) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_found_whole(name: str) -> None:
    assert re.fullmatch(any_of(NAMES), name)
    found = re.search(any_of(NAMES) + r"\(", f"F.{name}(x)")
    assert found is not None
    assert found.group() == f"{name}("


def test_one_name_is_itself() -> None:
    assert any_of(["relu"]) == "relu"


CLASSES = ["ReLU", "ReLU6", "RReLU", "GELU", "Dropout", "Dropout2d"]


@pytest.mark.parametrize("text", ["MyReLU", "_ReLU", "ReLU62", "eLU", "nn.relu", "XDropout", ""])
def test_no_class_is_found_within_a_word(text: str) -> None:
    assert re.search(rf"{any_class(CLASSES)}\b", text) is None


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_found_whole(name: str) -> None:
    found = re.search(rf"{any_class(CLASSES)}\b", f"x = nn.{name}()")
    assert found is not None
    assert found.group() == name
