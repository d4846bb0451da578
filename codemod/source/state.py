"""Where a project's journal and cache live."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def state_directory(root: Path, environment: Mapping[str, str] | None = None) -> Path:
    """`codemod` in the project's git directory, or in the user's state directory without git.

    Nothing is created. A project below the top of its repository gets a folder of its own,
    named by its place in the repository, so that the repository can be moved.
    """
    root = root.resolve()
    top = git_top(root)
    directory = git_directory(top) if top else None
    if top is None or directory is None:
        return user_state_directory(environment) / "codemod" / _key(str(root))
    if top == root:
        return directory / "codemod"
    return directory / "codemod" / "projects" / _key(root.relative_to(top).as_posix())


def git_top(path: Path) -> Path | None:
    """The nearest folder, `path` included, that holds a usable `.git`."""
    for folder in (path, *path.parents):
        if git_directory(folder) is not None:
            return folder
    return None


def git_directory(top: Path) -> Path | None:
    """The git directory of a checkout; `.git` may be a file (worktree, submodule) that names it."""
    dot_git = top / ".git"
    try:
        if dot_git.is_dir():
            return dot_git if (dot_git / "HEAD").exists() else None
        first_line = dot_git.read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return None
    if not first_line.startswith("gitdir:"):
        return None
    named = top / first_line.removeprefix("gitdir:").strip()
    return named.resolve() if (named / "HEAD").exists() else None


def user_state_directory(environment: Mapping[str, str] | None = None) -> Path:
    """`XDG_STATE_HOME`, or what the platform uses in its place."""
    environment = os.environ if environment is None else environment
    named = environment.get("XDG_STATE_HOME", "")
    if os.path.isabs(named):
        return Path(named)
    if sys.platform == "win32" and environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"])
    home = environment.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "state"


def _key(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in text.rpartition("/")[2])
    return f"{name[:40]}-{digest}"
