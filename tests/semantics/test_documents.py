"""Configuration files: which are read, and what their names forbid."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_of import project_of

from codemod.source.discovery import discover

FILES = {
    "net.py": "",
    "conf/model.yaml": "a: 1\n",
    "settings.toml": "a = 1\n",
    "large.json": "1" * 200_000,
    "notes.txt": "a\n",
    "ignored.yaml": "a: 1\n",
    ".venv/b.yaml": "a: 1\n",
    ".gitignore": "ignored.yaml\n",
}


def test_small_files_that_git_keeps_are_read(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = discover(tmp_path, [tmp_path])
    assert found.files == ("net.py",)
    assert found.selected == {"net.py"}
    assert found.documents == ("conf/model.yaml", "settings.toml")


NAMES = {
    "yaml": ("a.yaml", "model:\n  _target_: pkg.net.Net\n", "Net"),
    "json": ("a.json", '{"layers": ["conv1", "relu"]}', "relu"),
    "toml": ("a.toml", 'fuse = "layer1.relu"\n', "relu"),
}


@pytest.mark.parametrize(("path", "text", "name"), NAMES.values(), ids=NAMES)
def test_names_are_found(path: str, text: str, name: str) -> None:
    assert project_of({"a.py": "", path: text}).documents_with(name) == (path,)


def test_part_of_a_name_is_not_the_name() -> None:
    assert project_of({"a.yaml": "my_relu: relu6\n"}).documents_with("relu") == ()
