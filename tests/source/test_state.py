"""Where journal and cache live."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codemod.source.state import git_top, state_directory


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "packages" / "one").mkdir(parents=True)
    git(root, "init")
    git(root, "commit", "--allow-empty", "-m", "start")
    return root


def test_top_of_a_repository(repository: Path) -> None:
    assert state_directory(repository) == repository / ".git" / "codemod"


def test_project_below_the_top_has_its_own_folder(repository: Path) -> None:
    one = state_directory(repository / "packages" / "one")
    other = state_directory(repository / "packages")
    assert one != other
    for directory in (one, other):
        assert directory.parent == repository / ".git" / "codemod" / "projects"


def test_project_below_the_top_survives_a_move(repository: Path) -> None:
    before = state_directory(repository / "packages" / "one")
    moved = repository.rename(repository.with_name("moved"))
    assert state_directory(moved / "packages" / "one").name == before.name


def test_worktree_uses_its_own_git_directory(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", str(tmp_path / "tree"))
    expected = repository / ".git" / "worktrees" / "tree" / "codemod"
    assert state_directory(tmp_path / "tree") == expected


def test_submodule_uses_the_directory_that_its_file_names(repository: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init")
    git(inner, "commit", "--allow-empty", "-m", "start")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", str(inner), "sub")
    assert state_directory(repository / "sub") == repository / ".git" / "modules/sub/codemod"


@pytest.mark.parametrize("content", ["", "nonsense", "gitdir: nowhere", "gitdir: "])
def test_broken_dot_git_file_counts_as_no_git(tmp_path: Path, content: str) -> None:
    (tmp_path / ".git").write_text(content)
    assert git_top(tmp_path) is None


def test_no_git_uses_the_users_state_directory(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": "/home/nobody"}
    a = state_directory(tmp_path / "a", environment)
    assert a.parent == tmp_path / "state" / "codemod"
    assert a != state_directory(tmp_path / "b", environment)


@pytest.mark.parametrize("value", ["", "relative/folder"])
def test_relative_state_home_is_ignored_as_the_standard_says(tmp_path: Path, value: str) -> None:
    found = state_directory(tmp_path, {"XDG_STATE_HOME": value, "HOME": "/home/nobody"})
    assert found.parent == Path("/home/nobody/.local/state/codemod")
