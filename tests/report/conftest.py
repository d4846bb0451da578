"""A report with one of everything."""

from __future__ import annotations

import pytest
from hand_made import (
    CONFIRMED,
    DIFFERENT,
    DROPOUT,
    NO_RECIPE,
    make_outcome,
    make_report,
    make_rewrite,
)

from codemod.results import FileError, Refusal, Report


@pytest.fixture
def report() -> Report:
    """A diff with one of everything."""
    return make_report(
        make_outcome(make_rewrite("d", 40), DIFFERENT, would=False),
        make_outcome(make_rewrite("b", 20, name="Head"), NO_RECIPE, would=False),
        make_outcome(make_rewrite("a", 10), CONFIRMED, would=True),
        make_outcome(make_rewrite("c", 30, DROPOUT), CONFIRMED, would=False),
        refusals=(
            Refusal("t", "pkg/net.py", 9, 5, "Net", "star-arguments", "passes *args", "Write out."),
            Refusal("t", "pkg/a.py", 3, 5, "A", "star-arguments", "passes **kw", "Write out."),
            Refusal("t", "pkg/a.py", 2, 5, "A", "generated", "is generated", ""),
        ),
        errors=(FileError("pkg/bad.py", "syntax-error", "pkg/bad.py:3: invalid syntax"),),
        patch="--- a\n-x: [int]\n+x: [bold]int[/bold]\n",
    )
