"""Runs over a project that changes: what is kept of its files shows in nothing but the time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codemod.editing.transform import Settings
from codemod.engine import indexing, kept, kept_indexes
from codemod.engine.cache import PlanCache
from codemod.engine.planning import Planned
from codemod.source.overlay import Overlay
from codemod.source.text import SourceText
from codemod.transforms.functional_to_module import FunctionalToModule

BASE = "import torch.nn as nn\n\n\nclass Base(nn.Module):\n    pass\n"
NET = """\
import torch.nn as nn
import torch.nn.functional as F
from {base} import Base


class Net(Base):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        return F.relu(self.fc(x))
"""
FILES = {
    "base.py": BASE,
    "net.py": NET.format(base="base"),
    "other.py": NET.format(base="base").replace("Net", "Other"),
}
NO_MODULE = "class Base:\n    pass\n"
HOOKS = "from net import Net\n\n\ndef f(n: Net):\n    n.relu = None\n"

Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "nothing": lambda root: None,
    "a-site-goes": lambda root: (root / "net.py").write_text(BASE.replace("Base", "Net")),
    "a-base-is-no-module-any-more": lambda root: (root / "base.py").write_text(NO_MODULE),
    "a-file-comes-that-sets-the-name": lambda root: (root / "hooks.py").write_text(HOOKS),
    "the-file-of-the-base-goes": lambda root: (root / "base.py").unlink(),
    "the-file-of-the-base-is-renamed": lambda root: (root / "base.py").rename(root / "basis.py"),
    "a-file-moves-into-a-package": lambda root: _move_to_package(root),
    "two-files-are-swapped": lambda root: _swap(root / "base.py", root / "net.py"),
    "a-file-breaks": lambda root: (root / "net.py").write_text("def"),
}


def _move_to_package(root: Path) -> None:
    (root / "pkg").mkdir()
    (root / "net.py").rename(root / "pkg" / "net.py")


def _swap(one: Path, other: Path) -> None:
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are parsed for the index, in order."""
    found: list[str] = []
    parse = indexing.parse

    def watched(source: SourceText) -> object:
        found.append(source.path)
        return parse(source)

    monkeypatch.setattr(indexing, "parse", watched)
    return found


def _plan(root: Path, *, used: bool = True) -> Planned:
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    cache = PlanCache(root.parent / "cache", used)
    transform = FunctionalToModule(Settings())
    return cache.plan(Overlay(root), paths, frozenset(paths), [transform])[0]


def _all_that_is_found(planned: Planned) -> object:
    composed = planned.compose(item.id for item in planned.plan.rewrites)
    return planned.plan, composed.files, dict(planned.snapshot)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_run_after_another_finds_what_a_first_run_finds(root: Path, change: Change) -> None:
    before = _plan(root)
    assert {item.path for item in before.plan.rewrites} == {"net.py", "other.py"}
    change(root)
    assert _all_that_is_found(_plan(root)) == _all_that_is_found(_plan(root, used=False))


def test_only_what_changed_is_read_again(root: Path, read: list[str]) -> None:
    _plan(root)
    del read[:]
    with (root / "base.py").open("a") as file:
        file.write("# more\n")
    _plan(root)
    assert read == ["base.py"]


def test_runs_in_which_one_file_after_another_changes_forget_none(
    root: Path, read: list[str]
) -> None:
    _plan(root)
    for name in (*FILES, *FILES):
        del read[:]
        with (root / name).open("a") as file:
            file.write("# more\n")
        _plan(root)
        assert read == [name]


def test_what_rewrites_make_of_a_file_is_kept_too(root: Path, read: list[str]) -> None:
    planned = _plan(root)
    assert sorted(read) == ["base.py", "net.py", "other.py"]
    del read[:]
    for path, data in planned.compose(item.id for item in planned.plan.rewrites).files.items():
        (root / path).write_bytes(data)
    (root / "more.py").write_text("")
    _plan(root)
    assert read == ["more.py"]


def test_a_run_without_cache_keeps_nothing(root: Path) -> None:
    _plan(root, used=False)
    assert not (root.parent / "cache").exists()


def test_files_that_are_gone_are_forgotten(root: Path) -> None:
    _plan(root)
    for name in ("net.py", "other.py"):
        (root / name).unlink()
    _plan(root)
    known = kept.kept(root.parent / "cache" / "indexes", kept.program())
    assert [item.path for packed in known for item in packed.items] == ["base.py"]


def _as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


BROKEN: dict[str, Change] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut-off": lambda file: file.write_bytes(file.read_bytes()[:-7]),
    "one-bit-flipped": lambda file: file.write_bytes(_flipped(file.read_bytes())),
    "something-else": lambda file: file.write_text("hello"),
    "a-folder": _as_folder,
    "unreadable": lambda file: file.chmod(0),
}


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_as_if_it_were_not_there(root: Path, broken: Change) -> None:
    _plan(root)
    broken(root.parent / "cache" / "indexes")
    (root / "more.py").write_text("")
    assert _all_that_is_found(_plan(root)) == _all_that_is_found(_plan(root, used=False))


def test_what_another_program_kept_does_not_count(
    root: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _plan(root)
    del read[:]
    (root / "more.py").write_text("")
    monkeypatch.setattr(kept_indexes, "program", lambda: "another")
    _plan(root)
    assert set(read) == {*FILES, "more.py"}


def test_a_broken_plan_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "plan"
    kept.keep(file, "key", {"a": 1})
    assert kept.kept(file, "key") == {"a": 1}
    file.write_bytes(_flipped(file.read_bytes()))
    assert kept.kept(file, "key") is None
    assert not file.exists()
