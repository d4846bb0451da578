"""Bad files among good ones: one clear error each, and everything else goes on."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codemod import refactoring
from codemod.cli import main

GOOD = b"""\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return F.relu(self.fc(x))
"""


def undecodable(path: Path) -> None:
    path.write_bytes(b"name = 'caf\xe9'\n")


def wrong_cookie(path: Path) -> None:
    path.write_bytes(b"# -*- coding: no-such-codec -*-\n")


def broken_syntax(path: Path) -> None:
    path.write_bytes(b"import torch\n\n\ndef forward(self, x:\n    return x\n")


def nul_byte(path: Path) -> None:
    path.write_bytes(b"import torch\nx = 1\0\n")


def link_in_a_circle(path: Path) -> None:
    path.symlink_to(path.name)


def link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere.py")


def folder_with_the_name_of_a_file(path: Path) -> None:
    path.mkdir()
    os.symlink("..", path / "inner")


def nested_too_deeply(path: Path) -> None:
    path.write_bytes(b"x = " + b"(" * 3000 + b")" * 3000 + b"\n")


BAD: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "undecodable": (undecodable, "undecodable", "bad.py:1: byte 0xe9 is not utf-8"),
    "unknown-encoding": (wrong_cookie, "undecodable", "bad.py: unknown encoding"),
    "syntax-error": (broken_syntax, "syntax-error", "bad.py:4: "),
    "nul-byte": (nul_byte, "nul-byte", "bad.py:2: the file holds a NUL byte"),
    "symlink-loop": (link_in_a_circle, "unreadable", "bad.py: cannot be read: "),
    "dangling-link": (link_to_nothing, "unreadable", "bad.py: cannot be read: No such file"),
    "nested-too-deeply": (nested_too_deeply, "syntax-error", "bad.py"),
}


def project(root: Path) -> Path:
    (root / "good.py").write_bytes(GOOD)
    return root


def codemod(root: Path, *arguments: str) -> tuple[int, bytes, str]:
    stdout, stderr = io.BytesIO(), io.StringIO()
    line = [arguments[0], "-t", "functional-to-module", "--no-verify", *arguments[1:], str(root)]
    code = main(line, stdout, stderr)
    return code, stdout.getvalue(), stderr.getvalue()


@pytest.mark.parametrize(("make", "error", "sentence"), BAD.values(), ids=BAD)
def test_bad_file_is_one_error_and_the_rest_goes_on(
    tmp_path: Path, make: Callable[[Path], None], error: str, sentence: str
) -> None:
    root = project(tmp_path)
    make(root / "bad.py")
    code, out, err = codemod(root, "apply", "--format", "json")
    report: dict[str, Any] = json.loads(out)
    assert code == 3, err
    assert [item["code"] for item in report["errors"]] == [error]
    assert sentence in report["errors"][0]["message"]
    assert [item["written"] for item in report["rewrites"]] == [True]
    assert b"self.relu(self.fc(x))" in (root / "good.py").read_bytes()


def test_folder_that_links_to_its_parent_is_walked_once(tmp_path: Path) -> None:
    root = project(tmp_path)
    folder_with_the_name_of_a_file(root / "bad.py")
    code, out, err = codemod(root, "diff")
    assert code == 1, err
    assert out.count(b"diff --git") == 1


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path)
    (root / "bad.py").write_bytes(GOOD)
    (root / "bad.py").chmod(0)
    if os.geteuid() == 0:  # root reads everything: the system's answer is given in its place
        read = Path.read_bytes

        def denied(path: Path) -> bytes:
            if path.name == "bad.py" and not stat.S_IMODE(path.stat().st_mode):
                raise PermissionError(13, "Permission denied")
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", denied)
    code, out, _ = codemod(root, "diff", "--format", "json")
    report = json.loads(out)
    assert code == 3
    assert report["errors"] == [
        {
            "path": "bad.py",
            "code": "unreadable",
            "message": "bad.py: cannot be read: Permission denied",
        }
    ]
    assert [item["path"] for item in report["rewrites"]] == ["good.py"]


def test_file_that_changes_between_read_and_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left as its author made it, said so, and the other file is written."""
    root = project(tmp_path)
    (root / "other.py").write_bytes(GOOD)
    theirs = b"# typed meanwhile\n" + GOOD
    choose = refactoring._unverified_choice

    def meanwhile(*arguments: Any) -> frozenset[str]:
        (root / "good.py").write_bytes(theirs)
        return choose(*arguments)

    monkeypatch.setattr(refactoring, "_unverified_choice", meanwhile)
    code, out, _ = codemod(root, "apply", "--format", "json")
    report = json.loads(out)
    assert code == 3
    assert [(item["path"], item["code"]) for item in report["errors"]] == [
        ("good.py", "changed-on-disk")
    ]
    assert (root / "good.py").read_bytes() == theirs
    assert b"self.relu(self.fc(x))" in (root / "other.py").read_bytes()
    assert {item["path"]: item["written"] for item in report["rewrites"]} == {
        "good.py": False,
        "other.py": True,
    }


def test_nothing_to_do_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("print('no model here')\n")
    stdout, stderr = io.BytesIO(), io.StringIO()
    assert main(["diff", str(tmp_path)], stdout, stderr) == 0
    assert stdout.getvalue() == b""
    assert len(stderr.getvalue().splitlines()) <= 1


def test_unknown_transform_names_what_is_near(tmp_path: Path) -> None:
    stdout, stderr = io.BytesIO(), io.StringIO()
    code = main(["diff", "-t", "functional-to-modul", str(project(tmp_path))], stdout, stderr)
    assert code == 2
    assert "did you mean functional-to-module" in stderr.getvalue()


def test_second_run_over_unchanged_files_gives_the_same_patch(tmp_path: Path) -> None:
    root = project(tmp_path)
    os.utime(root / "good.py", (1, 1))  # long settled, so that the plan may be kept
    first = codemod(root, "diff")
    second = codemod(root, "diff")
    assert first[:2] == second[:2]
    (root / "good.py").write_bytes(GOOD.replace(b"F.relu", b"F.gelu"))
    os.utime(root / "good.py", (2, 2))
    assert b"self.gelu" in codemod(root, "diff")[1]
