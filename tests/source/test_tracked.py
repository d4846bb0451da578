"""A `.gitignore` hides what git does not track, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from codemod.source.discovery import discover

FILES = {
    ".gitignore": "models/\n*_local.py\n",
    "models/net.py": "",
    "models/scratch.py": "",
    "models/parts/block.py": "",
    "run_local.py": "",
    "other_local.py": "",
    "train.py": "",
}
TRACKED = ("models/net.py", "models/parts/block.py", "run_local.py", "train.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_ignored_files_that_git_tracks_belong_to_the_project(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-f", *TRACKED)
    assert discover(project, [project]).files == TRACKED


def test_so_they_do_where_the_project_is_a_folder_of_the_repository(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-f", *TRACKED)
    found = discover(project / "models", [project / "models"])
    assert found.files == ("net.py", "parts/block.py", "scratch.py")  # the root is not ignored


def test_without_a_repository_the_names_decide(project: Path) -> None:
    assert discover(project, [project]).files == ("train.py",)


def test_without_git_the_names_decide(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "init", "-q")
    git(project, "add", "-f", *TRACKED)
    monkeypatch.setenv("PATH", os.devnull)
    assert discover(project, [project]).files == ("train.py",)


def test_a_program_that_the_repository_names_is_not_run(project: Path, tmp_path: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-f", *TRACKED)
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path / 'sprung'}\n")
    trap.chmod(0o755)
    git(project, "config", "core.fsmonitor", str(trap))
    assert discover(project, [project]).files == TRACKED
    assert not (tmp_path / "sprung").exists()
