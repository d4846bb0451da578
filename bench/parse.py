"""Parses every Python file below a folder with libcst, in two processes. Prints how many parse."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import libcst


def parses(path: Path) -> bool:
    try:
        libcst.parse_module(path.read_bytes())
    except libcst.ParserSyntaxError:
        return False
    return True


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).rglob("*.py"))
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.imap_unordered(parses, files, chunksize=16)))
