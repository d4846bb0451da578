"""Where a name stands as a whole string in a text."""

from __future__ import annotations

from collections.abc import Iterator


def quoted(text: str, name: str) -> list[int]:
    """Offsets of NAME as a whole string, without prefix, in order."""
    return sorted(
        offset for quote in ('"', "'") for offset in occurrences(text, f"{quote}{name}{quote}")
    )


def is_quoted(name: str, text: str) -> bool:
    """Whether a text holds a name as a string: a quick no for patterns that ask for more."""
    return f'"{name}"' in text or f"'{name}'" in text


def occurrences(text: str, wanted: str) -> Iterator[int]:
    """Offsets of a piece of text, overlapping ones included."""
    offset = text.find(wanted)
    while offset >= 0:
        yield offset
        offset = text.find(wanted, offset + 1)
