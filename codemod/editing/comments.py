"""Comments in a piece of source."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

# What tells a tool about the statement that it stands behind, up to the next comment.
_DIRECTIVE = re.compile(
    r"#\s*(?:type:|noqa\b|nosec\b|pragma:|(?:pylint|pyright|mypy|ruff|isort):|fmt:\s*skip)[^#]*",
    re.IGNORECASE,
)


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Line (1-based) and text of each comment; stops where the text is no longer Python."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return


def for_readers(comment: str) -> str:
    """What of a comment outlives its statement: all but `# type:`, `# noqa` and the like."""
    return _DIRECTIVE.sub("", comment).strip()
