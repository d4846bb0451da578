"""What is not held is said, and nothing where all is."""

from __future__ import annotations

import pytest

from codemod.report.cage import holes

ALL = ("memory-limit", "no-network:namespace", "process-limit", "read-only:mounts")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(ALL, [], id="everything-holds"),
        pytest.param((), [], id="nothing-ran"),
        pytest.param((*ALL, "read-only:landlock", "no-network:landlock"), [], id="both-means"),
        pytest.param(
            ("memory-limit", "no-network:audit-hook", "process-limit", "read-only:audit-hook"),
            ["files", "network"],
            id="audit-hook-alone",
        ),
        pytest.param(
            ("memory-limit", "no-network:landlock", "process-limit", "read-only:landlock"),
            ["not TCP"],
            id="landlock-alone",
        ),
        pytest.param(ALL[1:2] + ALL[3:], ["memory", "processes"], id="no-limits"),
    ],
)
def test_what_is_not_held(words: tuple[str, ...], said: list[str]) -> None:
    found = list(holes(words))
    assert len(found) == len(said)
    assert all(part in one for part, one in zip(said, found, strict=True))
