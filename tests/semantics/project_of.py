"""A project in memory."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from codemod.engine.indexing import build_project
from codemod.semantics.project import Project
from codemod.source.overlay import Overlay


def project_of(files: Mapping[str, str]) -> Project:
    """Texts by path; each is dedented."""
    data = {path: textwrap.dedent(text).removeprefix("\n").encode() for path, text in files.items()}
    project, errors = build_project(Overlay(Path("/nonexistent"), data), sorted(data), jobs=1)
    assert not errors
    return project
