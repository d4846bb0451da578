"""What a file's text does with a name: asked where a tree of the whole file would be too much."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Strings without fields, comments, import statements; a comment goes to the end of its line.
_NO_CODE = re.compile(
    r"""(?P<fields>\b(?:[fF][rR]?|[rR][fF]))?"""
    r"""(?P<string>(?P<quotes>\"\"\"|''')(?:\\.|[^\\])*?(?P=quotes)"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|\#[^\n]*"""
    r"""|^[ \t]*(?:from[ \t]+[.\w]+[ \t]+import[ \t]*(?:\([^)]*\)|(?:[^\n\\]|\\.)*)"""
    r"""|import[ \t](?:[^\n\\]|\\.)*)""",
    re.MULTILINE | re.DOTALL,
)


def code_of(text: str) -> str:
    """A text without its comments, its imports and its strings, those with fields apart."""
    return _NO_CODE.sub(lambda match: match.group() if match.group("fields") else " ", text)


def chains(code: str, name: str) -> Iterator[str]:
    """What follows a name wherever it stands: `.models.resnet18`, "" where nothing does."""
    pattern = rf"(?<![\w.]){re.escape(name)}\b((?:\s*\.\s*[A-Za-z_]\w*)*)"
    for match in re.finditer(pattern, code):
        yield re.sub(r"\s+", "", match.group(1))


def is_of_word(character: str) -> bool:
    """Whether a character, or none, may stand within a name."""
    return character == "_" or character.isalnum()
