"""Unified diffs that `git apply` takes, byte for byte.

A patch is text in which each byte that is no UTF-8 stands as a lone surrogate
(`surrogateescape`), so `to_bytes` gives back the files' own bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from codemod.report.line_diff import Change, changes

CONTEXT = 3
_NO_NEWLINE = b"\\ No newline at end of file\n"
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def patch(files: Mapping[str, tuple[bytes, bytes]]) -> str:
    """The patch of all `files` (path: bytes before, bytes after), in order of their paths."""
    data = b"".join(file_patch(path, *files[path]) for path in sorted(files))
    return data.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """The bytes of a patch, as `git apply` reads them."""
    return text.encode("utf-8", "surrogateescape")


def file_patch(path: str, before: bytes, after: bytes) -> bytes:
    """The patch of one file; empty if nothing changed."""
    if before == after:
        return b""
    old, new = _lines(before), _lines(after)
    hunks = (line for near in _grouped(changes(old, new)) for line in _hunk(old, new, near))
    return b"".join([*_header(path), *hunks])


def quoted(name: str) -> bytes:
    """A file name as git writes it: in quotes with octal escapes if it is not plain."""
    data = name.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in _ESCAPES for byte in data):
        return data
    return b'"' + b"".join(map(_quoted_byte, data)) + b'"'


def _quoted_byte(byte: int) -> bytes:
    if byte in _ESCAPES:
        return b"\\" + _ESCAPES[byte].encode()
    return bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte


def _header(path: str) -> Iterator[bytes]:
    old, new = quoted(f"a/{path}"), quoted(f"b/{path}")
    # A name with a space needs a tab after it, or what follows the space counts as a date.
    end = b"\t\n" if " " in path and not old.startswith(b'"') else b"\n"
    yield b"diff --git " + old + b" " + new + b"\n"
    yield b"--- " + old + end
    yield b"+++ " + new + end


def _lines(data: bytes) -> list[bytes]:
    """Lines as git counts them: a line feed ends one, a lone carriage return does not."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _grouped(found: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes that share a hunk: their context touches or overlaps."""
    group: list[Change] = []
    for change in found:
        if group and change.old_start - group[-1].old_end > 2 * CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _hunk(old: Sequence[bytes], new: Sequence[bytes], near: Sequence[Change]) -> Iterator[bytes]:
    first, last = near[0], near[-1]
    before = min(CONTEXT, first.old_start)
    after = min(CONTEXT, len(old) - last.old_end)
    old_range = _range(first.old_start - before, last.old_end + after)
    new_range = _range(first.new_start - before, last.new_end + after)
    yield b"@@ -%s +%s @@\n" % (old_range, new_range)
    position = first.old_start - before
    for change in near:
        yield from (_line(b" ", line) for line in old[position : change.old_start])
        yield from (_line(b"-", line) for line in old[change.old_start : change.old_end])
        yield from (_line(b"+", line) for line in new[change.new_start : change.new_end])
        position = change.old_end
    yield from (_line(b" ", line) for line in old[position : position + after])


def _range(start: int, end: int) -> bytes:
    count = end - start
    if count == 1:
        return b"%d" % (start + 1)
    return b"%d,%d" % (start + 1 if count else start, count)


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + b"\n" + _NO_NEWLINE
