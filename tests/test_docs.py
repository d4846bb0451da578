"""What is generated from the transforms is up to date."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import codemod

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


def test_api_page_is_up_to_date(generate: ModuleType) -> None:
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == generate.api()


def test_each_public_name_is_in_one_group_and_has_a_sentence(generate: ModuleType) -> None:
    homes = [home for group in generate.GROUPS.values() for home in group]
    assert sorted(homes) == sorted(codemod.public_names())
    for names in codemod.public_names().values():
        for name in names:
            text = generate.VALUES.get(name) or inspect.getdoc(getattr(codemod, name)) or ""
            assert text, name
            assert not text.startswith((f"{name}(", "Built-in", "Represent")), name


def test_the_page_on_writing_transforms_works_as_it_stands(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "writing-transforms.md").read_text(encoding="utf-8")
    examples = dict(re.findall(r"<!-- example: (\S+) -->\n```python\n(.*?)```", text, re.DOTALL))
    for name, source in examples.items():
        (tmp_path / name).write_text(source, encoding="utf-8")
    assert examples.keys() == {"gelu_tanh.py", "test_gelu_tanh.py"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "4 passed" in ran.stdout
