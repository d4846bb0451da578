"""Git submodules that a checkout lacks: their folders are empty, and what imports them fails."""

from __future__ import annotations

import configparser
from pathlib import Path


def not_checked_out(root: Path) -> tuple[str, ...]:
    """The paths, relative to the root, of submodules of which there is nothing on disk."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        text = (root / ".gitmodules").read_text(encoding="utf-8", errors="replace")
        parser.read_string("\n".join(line.strip() for line in text.splitlines()))
    except (OSError, configparser.Error):
        return ()
    paths = [parser.get(section, "path", fallback="") for section in parser.sections()]
    return tuple(path for path in paths if path and not _holds_anything(root / path))


def _holds_anything(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False
