"""Commit, undo and recovery: all files or none, each whole at any moment."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import subprocess
import sys
import threading
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from codemod.errors import CommitError, StaleFileError
from codemod.source import journal, lock
from codemod.source.commit import commit, interruption, recover, undo

DRIVER = Path(__file__).with_name("fault_driver.py")
MODES = ("whole", "partial")
OLD = {"a.py": b"a = 1\n", "p/b.py": b"b = 1\r\n", "c.py": b"c"}
NEW = {"a.py": b"a = 2\n", "p/b.py": b"b = 22\r\n", "c.py": b""}
BOTH = {path: (OLD[path], NEW[path]) for path in OLD}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def make_project(root: Path) -> Path:
    for path, data in OLD.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() or path.is_symlink()
    }


# ---- nothing is written


def test_file_changed_on_disk_stops_the_whole_commit(project: Path, state: Path) -> None:
    (project / "p/b.py").write_bytes(b"edited")
    with pytest.raises(StaleFileError, match=r"p/b\.py: changed on disk") as caught:
        commit(project, BOTH, state)
    assert caught.value.path == "p/b.py"
    assert tree(project) == {**OLD, "p/b.py": b"edited"}
    assert journal.entries(state) == ()


def test_file_changed_while_the_commit_runs_is_kept_and_the_rest_put_back(
    project: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def edit_c_after_first_rename(source: Path, target: Path) -> None:
        replace(source, target)
        if target.name == "a.py":
            (project / "c.py").write_bytes(b"edited")

    monkeypatch.setattr(os, "replace", edit_c_after_first_rename)
    with pytest.raises(StaleFileError, match=r"c\.py"):
        commit(project, BOTH, state)
    assert tree(project) == {**OLD, "c.py": b"edited"}
    assert journal.unfinished(state) == ()


def test_file_removed_on_disk_is_stale(project: Path, state: Path) -> None:
    (project / "c.py").unlink()
    with pytest.raises(StaleFileError):
        commit(project, BOTH, state)
    assert tree(project) == {path: OLD[path] for path in ("a.py", "p/b.py")}


def test_read_only_file_is_respected_even_by_the_superuser(project: Path, state: Path) -> None:
    (project / "p/b.py").chmod(0o444)
    with pytest.raises(CommitError, match=r"p/b\.py: the file is read-only; no file was changed"):
        commit(project, BOTH, state)
    assert tree(project) == OLD


def test_path_that_leads_out_of_the_project_is_not_written(
    project: Path, state: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.py"
    outside.write_bytes(b"x")
    (project / "link.py").symlink_to(outside)
    for path in ("link.py", "../outside.py"):
        with pytest.raises(CommitError, match="outside the project root"):
            commit(project, {**BOTH, path: (b"x", b"y")}, state)
    assert outside.read_bytes() == b"x"
    assert (project / "a.py").read_bytes() == OLD["a.py"]


def test_two_links_to_one_file_that_disagree_are_not_written(project: Path, state: Path) -> None:
    (project / "z.py").symlink_to("a.py")
    with pytest.raises(CommitError, match="are one file"):
        commit(project, {"a.py": (OLD["a.py"], b"1"), "z.py": (OLD["a.py"], b"2")}, state)
    assert (project / "a.py").read_bytes() == OLD["a.py"]


class FailingOnce:
    """`os.<name>` that fails at its `number`-th call."""

    def __init__(self, name: str, number: int) -> None:
        self.original = getattr(os, name)
        self.left = number

    def __call__(self, *args: object, **kwargs: object) -> object:
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.original(*args, **kwargs)


@pytest.mark.parametrize("name", ["write", "replace", "fsync", "open", "mkdir", "rename"])
def test_one_failing_call_leaves_all_old_or_all_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    failures = 0
    for number in itertools.count(1):
        project = make_project(tmp_path / f"project-{number}")
        state = tmp_path / f"state-{number}"
        call = FailingOnce(name, number)
        monkeypatch.setattr(os, name, call)
        message = commit_or_message(project, state)
        monkeypatch.undo()
        assert tree(project) == (OLD if message else NEW), number
        assert journal.unfinished(state) == (), number
        assert undo(project, state).found_nothing == bool(message), number
        if call.left > 0:
            break
        if message:
            failures += 1
            assert "No space left on device" in message, number
    assert failures >= 1


def commit_or_message(project: Path, state: Path) -> str:
    try:
        commit(project, BOTH, state)
    except CommitError as error:
        return str(error)
    return ""


def test_full_disk_that_stays_full_leaves_every_file_whole(
    project: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace
    full = False

    def then_full(source: Path, target: Path) -> None:
        nonlocal full
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        full = True
        replace(source, target)

    write = os.write

    def write_unless_full(descriptor: int, data: bytes) -> int:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "replace", then_full)
    monkeypatch.setattr(os, "write", write_unless_full)
    with pytest.raises(CommitError, match=r"run `codemod undo`"):
        commit(project, BOTH, state)
    monkeypatch.undo()
    assert tree(project) == {**OLD, "a.py": NEW["a.py"]}
    assert interruption(state) is not None
    assert undo(project, state).restored == ("a.py",)
    assert tree(project) == OLD


def test_interrupt_in_the_middle_puts_files_back(
    project: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def interrupted(source: Path, target: Path) -> None:
        replace(source, target)
        if target.name == "c.py" and target.read_bytes() == NEW["c.py"]:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        commit(project, BOTH, state)
    assert tree(project) == OLD
    assert journal.entries(state) == ()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_unwritable_folder_leaves_everything(project: Path, state: Path) -> None:
    (project / "p").chmod(0o555)
    try:
        with pytest.raises(CommitError, match=r"p/b\.py: cannot be written: Permission denied"):
            commit(project, BOTH, state)
    finally:
        (project / "p").chmod(0o755)
    assert tree(project) == OLD


def test_folder_that_refuses_new_files_leaves_everything(
    project: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = os.open

    def refuse(path: Path, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        if Path(path).parent.name == "p" and flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied")
        return original(path, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(CommitError, match=r"p/b\.py: cannot be written: Permission denied"):
        commit(project, BOTH, state)
    assert tree(project) == OLD


def test_state_directory_that_cannot_be_made_leaves_everything(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommitError, match="the journal cannot be written"):
        commit(project, BOTH, tmp_path / "file" / "state")
    assert tree(project) == OLD


def test_second_writer_waits_and_then_gives_up(project: Path, state: Path) -> None:
    with (
        lock.held(state),
        pytest.raises(CommitError, match="another codemod run"),
        lock.held(state, patience=0.05),
    ):
        pass


def test_two_commits_at_once_do_not_mix(project: Path, state: Path) -> None:
    outcomes: list[str] = []

    def write(text: bytes) -> None:
        try:
            commit(project, {path: (old, text) for path, old in OLD.items()}, state)
            outcomes.append(text.decode())
        except StaleFileError:
            outcomes.append("stale")

    threads = [threading.Thread(target=write, args=(text,)) for text in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["one", "stale"], ["stale", "two"])
    assert len(set(tree(project).values())) == 1


# ---- a kill at any moment


@pytest.fixture
def without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill, unlike a power cut, loses nothing that is not on the disk yet."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@dataclass(frozen=True)
class Killed:
    """What an action that was killed at one of its system calls left behind."""

    label: str
    project: Path
    state: Path


def kills(action: str, start: Path, *modes: str) -> list[Killed]:
    """Kill `action` at each of its steps, each time in a copy of `start`."""
    runs = start.with_name("runs")
    subprocess.run([sys.executable, DRIVER, action, start, runs, *modes], check=True, timeout=120)
    found = [Killed(run.name, run / "project", run / "state") for run in sorted(runs.iterdir())]
    assert len(found) > 10
    return found


def assert_whole(project: Path, label: str) -> None:
    for path in OLD:
        assert (project / path).read_bytes() in (OLD[path], NEW[path]), (label, path)


@pytest.mark.usefixtures("without_fsync")
def test_killed_commit_leaves_whole_files_and_the_next_run_puts_it_right(tmp_path: Path) -> None:
    make_project(tmp_path / "start" / "project")
    seen = set()
    for label, project, state in map(astuple, kills("commit", tmp_path / "start", *MODES)):
        assert_whole(project, label)
        before = {path: (project / path).read_bytes() for path in OLD}
        told = interruption(state)
        recovery = recover(project, state)
        assert (told is None) == (recovery is None), label
        assert tree(project) in (OLD, NEW), label
        if before == NEW:
            assert tree(project) == NEW, label
        if before not in (OLD, NEW):
            assert recovery is not None, label
            assert recovery.restored, label
        assert interruption(state) is None, label
        seen.add(tuple(before[path] == NEW[path] for path in sorted(OLD)))
        if tree(project) == NEW:
            undo(project, state)
        assert tree(project) == OLD, label
        commit(project, BOTH, state)
        assert tree(project) == NEW, label
    # The kills did fall between the renames.
    assert len(seen) == len(OLD) + 1


@pytest.mark.usefixtures("without_fsync")
def test_killed_undo_leaves_whole_files_and_a_second_undo_ends_it(tmp_path: Path) -> None:
    start = tmp_path / "start"
    commit(make_project(start / "project"), BOTH, start / "state")
    for label, project, state in map(astuple, kills("undo", start, *MODES)):
        assert_whole(project, label)
        undo(project, state)
        assert tree(project) == OLD, label
        assert undo(project, state).found_nothing, label


@pytest.mark.usefixtures("without_fsync")
def test_killed_recovery_can_be_recovered(tmp_path: Path) -> None:
    start = tmp_path / "start"
    _interrupted(make_project(start / "project"), start / "state")
    for label, project, state in map(astuple, kills("recover", start, "whole")):
        assert_whole(project, label)
        recover(project, state)
        assert tree(project) == OLD, label
        assert interruption(state) is None, label


def _interrupted(project: Path, state: Path) -> journal.Entry:
    """As a kill between the first and the second rename leaves it."""
    commit(project, BOTH, state)
    entry = journal.entries(state)[-1]
    (entry.folder / "done").unlink()
    (project / "c.py").write_bytes(OLD["c.py"])
    (project / entry.records[1].temporary).write_bytes(NEW["c.py"][:1])
    return entry


def test_recovery_keeps_what_the_user_changed_and_says_so(project: Path, state: Path) -> None:
    _interrupted(project, state)
    (project / "a.py").write_bytes(b"mine")
    recovery = recover(project, state)
    assert recovery is not None
    assert recovery.restored == ("p/b.py",)
    assert [kept.path for kept in recovery.kept] == ["a.py"]
    assert "a.py was changed since it was written: left as it is." in recovery.sentence
    assert tree(project) == {**OLD, "a.py": b"mine"}


def test_commit_after_an_interrupted_one_puts_that_right_first(project: Path, state: Path) -> None:
    _interrupted(project, state)
    with pytest.raises(StaleFileError):
        commit(project, {"a.py": (NEW["a.py"], b"3")}, state)
    assert tree(project) == OLD


def test_damaged_journal_is_named(project: Path, state: Path) -> None:
    commit(project, BOTH, state)
    entry = journal.entries(state)[-1]
    (entry.folder / "0.before").write_bytes(b"rotten")
    with pytest.raises(CommitError, match=r"0\.before: the journal is damaged"):
        undo(project, state)
    assert_whole(project, "damaged bytes")
    (entry.folder / "entry.json").write_bytes(b"{")
    with pytest.raises(CommitError, match="cannot be read"):
        undo(project, state)


# ---- what is written


def test_commit_writes_all_and_leaves_nothing_else(project: Path, state: Path) -> None:
    result = commit(project, BOTH, state)
    assert result.written == ("a.py", "c.py", "p/b.py")
    assert result.notes == ()
    assert tree(project) == NEW


def test_nothing_to_write_touches_nothing(project: Path, state: Path) -> None:
    assert commit(project, {"a.py": (OLD["a.py"], OLD["a.py"])}, state).written == ()
    assert not state.exists()


def test_mode_and_extended_attributes_stay(project: Path, state: Path) -> None:
    target = project / "a.py"
    target.chmod(0o751)
    with_attribute = hasattr(os, "setxattr")
    if with_attribute:
        try:
            os.setxattr(target, "user.codemod", b"kept")
        except OSError:
            with_attribute = False
    commit(project, BOTH, state)
    assert stat.S_IMODE(target.stat().st_mode) == 0o751
    if with_attribute:
        assert os.getxattr(target, "user.codemod") == b"kept"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs the superuser")
def test_owner_stays(project: Path, state: Path) -> None:
    os.chown(project / "a.py", 1234, 2345)
    commit(project, BOTH, state)
    status = (project / "a.py").stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)


def test_journal_is_readable_by_its_owner_only(project: Path, state: Path) -> None:
    commit(project, BOTH, state)
    for path in journal.entries(state)[-1].folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_symbolic_link_stays_one_and_its_target_is_written(project: Path, state: Path) -> None:
    (project / "link.py").symlink_to("p/b.py")
    commit(project, {"link.py": BOTH["p/b.py"]}, state)
    assert (project / "link.py").is_symlink()
    assert (project / "p/b.py").read_bytes() == NEW["p/b.py"]
    assert not (project / "p/b.py").is_symlink()
    assert undo(project, state).restored == ("link.py",)
    assert (project / "link.py").is_symlink()
    assert (project / "p/b.py").read_bytes() == OLD["p/b.py"]


def test_two_links_to_one_file_that_agree_write_it_once(project: Path, state: Path) -> None:
    (project / "link.py").symlink_to("a.py")
    result = commit(project, {"a.py": BOTH["a.py"], "link.py": BOTH["a.py"]}, state)
    assert result.written == ("a.py", "link.py")
    assert (project / "a.py").read_bytes() == NEW["a.py"]
    assert (project / "link.py").is_symlink()


def test_other_hard_links_keep_the_old_text_and_are_told(project: Path, state: Path) -> None:
    os.link(project / "a.py", project / "backup")
    result = commit(project, BOTH, state)
    assert (project / "backup").read_bytes() == OLD["a.py"]
    assert result.notes == ("a.py has other hard links: they keep the old text.",)


def test_root_given_as_a_link(project: Path, state: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(project)
    commit(tmp_path / "alias", BOTH, state)
    assert tree(project) == NEW
    undo(project, state)
    assert tree(project) == OLD


def test_file_name_that_is_not_utf8_and_one_that_is_long(project: Path, state: Path) -> None:
    names = [os.fsdecode(b"caf\xe9 \xff.py"), "n" * 252 + ".py"]
    for name in names:
        (project / name).write_bytes(b"1")
    assert set(commit(project, dict.fromkeys(names, (b"1", b"2")), state).written) == set(names)
    assert set(undo(project, state).restored) == set(names)


# ---- undo


def test_undo_without_a_commit_finds_nothing(project: Path, state: Path) -> None:
    assert undo(project, state).found_nothing
    assert not state.exists()


def test_undo_names_files_that_were_changed_since(project: Path, state: Path) -> None:
    commit(project, BOTH, state)
    (project / "a.py").write_bytes(b"mine")
    (project / "c.py").unlink()
    result = undo(project, state)
    assert result.restored == ("p/b.py",)
    assert [(kept.path, kept.reason) for kept in result.kept] == [
        ("a.py", "was changed since it was written"),
        ("c.py", "is gone or cannot be read"),
    ]
    assert tree(project) == {"a.py": b"mine", "p/b.py": OLD["p/b.py"]}
    assert result.saved is not None
    assert (result.saved / "0.before").read_bytes() == OLD["a.py"]


def test_undo_of_what_the_user_had_put_back_already(project: Path, state: Path) -> None:
    commit(project, BOTH, state)
    make_project(project)
    result = undo(project, state)
    assert result.already == ("a.py", "c.py", "p/b.py")
    assert not result.found_nothing


def test_second_undo_goes_one_commit_further_back(project: Path, state: Path) -> None:
    commit(project, BOTH, state)
    commit(project, {"a.py": (NEW["a.py"], b"a = 3\n")}, state)
    assert undo(project, state).restored == ("a.py",)
    assert tree(project) == NEW
    assert undo(project, state).restored == ("a.py", "c.py", "p/b.py")
    assert tree(project) == OLD
    assert undo(project, state).found_nothing


def test_project_that_was_moved_can_be_undone(project: Path, state: Path, tmp_path: Path) -> None:
    commit(project, BOTH, state)
    project.rename(tmp_path / "moved")
    undo(tmp_path / "moved", state)
    assert tree(tmp_path / "moved") == OLD


def test_old_entries_are_pruned(project: Path, state: Path) -> None:
    for number in range(journal.KEPT_ENTRIES + 3):
        data = (project / "a.py").read_bytes()
        commit(project, {"a.py": (data, b"%d" % number)}, state)
    kept = journal.entries(state)
    assert len(kept) == journal.KEPT_ENTRIES
    assert kept[-1].before(0) == b"%d" % (journal.KEPT_ENTRIES + 1)
