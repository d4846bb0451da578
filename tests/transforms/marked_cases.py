"""Cases as texts: a line that ends in `#! CODE` is one where a refusal of that code is expected."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from codemod import Transform
from codemod.results import Plan
from codemod.testing import check_rewrite

_MARK = re.compile(r"#! ([a-z, -]+)")


def expected_refusals(source: str | bytes, path: str) -> dict[tuple[str, int], list[str]]:
    text = source if isinstance(source, str) else source.decode("utf-8", "replace")
    lines = textwrap.dedent(text).removeprefix("\n").splitlines()
    return {
        (path, number): match.group(1).strip().split(", ")
        for number, line in enumerate(lines, 1)
        if (match := _MARK.search(line))
    }


def holds(
    transform: type[Transform],
    before: str | bytes,
    after: str | bytes,
    *,
    files: Mapping[str, str | bytes] | None = None,
    path: str = "net.py",
    **more: object,
) -> Plan:
    """`check_rewrite`, refusals taken from the marks in all texts."""
    refusals = expected_refusals(before, path)
    for name, text in (files or {}).items():
        refusals.update(expected_refusals(text, name))
    return check_rewrite(
        transform,
        before,
        after,
        path=path,
        files=files,
        refusals=refusals,
        **more,  # type: ignore[arg-type]
    )


def stays(
    transform: type[Transform],
    source: str | bytes,
    *,
    files: Mapping[str, str | bytes] | None = None,
    path: str = "net.py",
    **more: object,
) -> Plan:
    """Nothing is rewritten, and the refusals are those that the marks announce."""
    return holds(transform, source, source, files=files, path=path, **more)


HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
NO_F = "import torch\nimport torch.nn as nn\n"


def net(
    *forward: str,
    init: tuple[str, ...] = ("self.fc = nn.Linear(4, 4)",),
    head: str = HEAD,
    parameters: str = "x",
    taken: str = "",
) -> str:
    """A file with one small model: the statements of `__init__` and of `forward`."""
    lines = [
        "",
        "",
        "class Net(nn.Module):",
        f"    def __init__(self{', ' + taken if taken else ''}):",
        "        super().__init__()",
        *(f"        {line}" for line in init),
        "",
        f"    def forward(self, {parameters}):",
        *(f"        {line}" for line in forward),
        "",
    ]
    return head + "\n".join(lines)
