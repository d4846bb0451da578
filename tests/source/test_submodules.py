"""Submodules that are named in `.gitmodules` and not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemod.source.submodules import not_checked_out

TWO = """[submodule "there"]
\tpath = lib/there
\turl = https://example.invalid/there
[submodule "a b"]
\tpath = lib/absent
\turl = https://example.invalid/absent?x=%20
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, (), id="no-submodules"),
        pytest.param("[submodule", (), id="not-readable"),
        pytest.param('[submodule "x"]\n\turl = y\n', (), id="without-a-path"),
        pytest.param(TWO, ("lib/absent",), id="one-of-two"),
    ],
)
def test_submodules_of_which_there_is_nothing(
    tmp_path: Path, text: str | None, expected: tuple[str, ...]
) -> None:
    (tmp_path / "lib" / "there").mkdir(parents=True)
    (tmp_path / "lib" / "there" / "net.py").write_text("")
    (tmp_path / "lib" / "absent").mkdir()
    if text is not None:
        (tmp_path / ".gitmodules").write_text(text)
    assert not_checked_out(tmp_path) == expected
