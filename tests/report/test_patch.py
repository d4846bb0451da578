"""Patches: what `git apply` makes of them is the file, byte for byte."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

from codemod.report.patch import file_patch, patch, to_bytes

CASES = {
    "one-line": (b"a\n", b"b\n"),
    "crlf": (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"),
    "mixed-line-endings": (b"a\r\nb\nc\r\n", b"a\r\nB\nc\r\n"),
    "lone-carriage-returns": (b"a\rb\rc", b"a\rB\rc"),
    "form-feed-and-line-separator": (b"a\x0cb\n\xe2\x80\xa8c\n", b"a\x0cB\n\xe2\x80\xa8c\n"),
    "no-last-newline-in-both": (b"a\nb", b"a\nc"),
    "last-newline-lost": (b"a\nb\n", b"a\nb"),
    "last-newline-gained": (b"a\nb", b"a\nb\n"),
    "no-last-newline-in-context": (b"a\nb\nc", b"A\nb\nc"),
    "latin-1": (b"# coding: latin-1\nx = '\xe9'\n", b"# coding: latin-1\nx = '\xe9!'\n"),
    "byte-order-mark": (b"\xef\xbb\xbfa\n", b"\xef\xbb\xbfb\n"),
    "becomes-empty": (b"a\nb\n", b""),
    "was-empty": (b"", b"a\n"),
    "line-that-looks-like-a-header": (b"-- a\n++ b\n@@ x\n", b"-- a\n++ c\n@@ x\n"),
    "line-that-looks-like-the-marker": (b"\\ No newline at end of file\na\n", b"a\n"),
    "first-and-last-of-many": (b"0\n" * 50, b"1\n" + b"0\n" * 48 + b"1\n"),
    "markup": (b"x: list[int]\n", b"x: list[bold]\n"),
}  # fmt: skip
NAMES = [
    "a.py", "with space.py", " leading.py", "trailing ", "d/é ü.py", 'quo"te.py', "back\\slash.py",
    "tab\there.py", "line\nbreak.py", os.fsdecode(b"latin-\xe9.py"), "a b/c d.py", "{x}[int].py",
]  # fmt: skip


def apply(folder: Path, data: bytes, *options: str) -> None:
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", *options, "-"],
        cwd=folder,
        input=data,
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace") + data.decode(
        errors="replace"
    )


def write(folder: Path, path: str, data: bytes) -> Path:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, timeout=30)
    return tmp_path


def test_nothing_changed_gives_nothing() -> None:
    assert file_patch("a.py", b"x", b"x") == b""
    assert patch({}) == ""


@pytest.mark.parametrize("case", CASES)
def test_git_applies_and_reverses_it(repository: Path, case: str) -> None:
    before, after = CASES[case]
    target = write(repository, "a.py", before)
    data = file_patch("a.py", before, after)
    apply(repository, data, "--check")
    apply(repository, data)
    assert target.read_bytes() == after
    apply(repository, data, "--reverse")
    assert target.read_bytes() == before


def test_file_names_as_git_quotes_them(repository: Path) -> None:
    for name in NAMES:
        target = write(repository, name, b"a\n")
        apply(repository, file_patch(name, b"a\n", b"b\n"))
        assert target.read_bytes() == b"b\n", name


def test_all_files_in_one_patch_survive_as_text(repository: Path) -> None:
    files = {f"{number}.py": pair for number, pair in enumerate(CASES.values())}
    for path, (before, _) in files.items():
        write(repository, path, before)
    text = patch(files)
    assert text.index("a/10.py") < text.index("a/2.py")
    apply(repository, to_bytes(text), "--check")
    apply(repository, to_bytes(text))
    assert {path: (repository / path).read_bytes() for path in files} == {
        path: after for path, (_, after) in files.items()
    }


def test_random_edits(repository: Path) -> None:
    generator = random.Random(7)
    files = {f"f{number}.py": random_pair(generator) for number in range(60)}
    for path, (before, _) in files.items():
        write(repository, path, before)
    apply(repository, to_bytes(patch(files)))
    for path, (_, after) in files.items():
        assert (repository / path).read_bytes() == after, path


def random_pair(generator: random.Random) -> tuple[bytes, bytes]:
    alphabet = [b"a\n", b"b\r\n", b"\n", b"  \n", b"c\xff\n", b"d"]
    lines = [generator.choice(alphabet) for _ in range(generator.randrange(40))]
    before = b"".join(lines)
    for _ in range(generator.randrange(1, 6)):
        start = generator.randrange(len(lines) + 1)
        lines[start : start + generator.randrange(3)] = generator.choices(alphabet, k=2)
    return before, b"".join(lines)


def test_text_written_out() -> None:
    before = b"".join(b"%d\n" % number for number in range(1, 11))
    after = before.replace(b"5\n", b"five\n")
    assert file_patch("pkg/a.py", before, after) == (
        b"diff --git a/pkg/a.py b/pkg/a.py\n--- a/pkg/a.py\n+++ b/pkg/a.py\n"
        b"@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
    )


def test_long_file_of_repeated_lines_changes_only_what_changed() -> None:
    before = b"x = relu(x)\n\n" * 1500
    after = before.replace(b"x = relu(x)\n", b"x = self.relu(x)\n", 1)
    assert file_patch("a.py", before, after).count(b"\n-x") == 1
