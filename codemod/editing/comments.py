"""Comments in a piece of source."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Line (1-based) and text of each comment; stops where the text is no longer Python."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return
