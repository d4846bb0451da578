"""What is generated from the transforms is up to date."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_transforms_page_is_up_to_date(generate: ModuleType) -> None:
    assert (ROOT / "docs" / "transforms.md").read_text(encoding="utf-8") == generate.page()


def test_readme_lists_the_transforms(generate: ModuleType) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert generate.BEGIN in readme
    assert generate.with_table(readme) == readme
