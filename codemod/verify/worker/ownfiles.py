"""Files of the project that its code opens by a path from where it is usually started.

A run begins in a folder of its own: `open("cfg/net.cfg")` finds nothing there. It is looked for in
the folders that the project's imports start from. Nothing is written there.
"""

from __future__ import annotations

import builtins
import io
import os
from typing import Any, Sequence


def install(folders: Sequence[str]) -> None:
    """Have `open` look there, in order, for what is to be read and is not in the run's folder."""
    real = builtins.open

    def open_(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        try:
            return real(file, mode, *arguments, **named)
        except FileNotFoundError:
            found = _found(file, folders) if not set(mode) & set("wax+") else None
            if found is None:
                raise
        return real(found, mode, *arguments, **named)

    builtins.open = open_
    io.open = open_


def _found(file: Any, folders: Sequence[str]) -> Any:
    if not isinstance(file, (str, os.PathLike)):
        return None
    path = os.fspath(file)
    if not isinstance(path, str) or os.path.isabs(path):
        return None
    paths = (os.path.join(folder, path) for folder in folders)
    return next((one for one in paths if os.path.isfile(one)), None)
