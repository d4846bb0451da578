"""Which transforms there are: built in, installed, or given as a file."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from codemod.engine import registry
from codemod.engine.registry import choose, known_transforms
from codemod.errors import TransformError, UsageError

TRANSFORM = '''
from codemod import Transform


class {cls}(Transform):
    """Do nothing."""

    name = "{name}"

    def find(self, module):
        return ()
'''


def write(folder: Path, file: str, text: str) -> Path:
    path = folder / file
    path.write_text(text, encoding="utf-8")
    return path


def transform(folder: Path, name: str, cls: str = "Mine") -> Path:
    return write(folder, f"{name.replace('-', '_')}.py", TRANSFORM.format(cls=cls, name=name))


# ---- files


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = transform(tmp_path, "do-nothing")
    (chosen,) = choose([str(path)])
    assert chosen.name == "do-nothing"


def test_a_file_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transform(tmp_path, "do-nothing")
    monkeypatch.chdir(tmp_path)
    assert [item.name for item in choose(["./do_nothing.py"])] == ["do-nothing"]


def test_a_file_with_two_transforms_and_a_base_without_a_name(tmp_path: Path) -> None:
    text = TRANSFORM.format(cls="One", name="one") + (
        "\n\nclass Base(Transform):\n    '''Shared.'''\n\n\n"
        "class Two(One):\n    '''Two.'''\n\n    name = 'two'\n"
    )
    path = write(tmp_path, "several.py", text)
    assert sorted(item.name for item in choose([str(path)])) == ["one", "two"]


def test_two_files_of_one_stem_do_not_hide_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = write(tmp_path / "a", "mine.py", TRANSFORM.format(cls="A", name="in-a"))
    second = write(tmp_path / "b", "mine.py", TRANSFORM.format(cls="B", name="in-b"))
    assert [item.name for item in choose([str(first), str(second)])] == ["in-a", "in-b"]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        choose([str(tmp_path / "gone.py")])


def test_a_file_without_a_transform(tmp_path: Path) -> None:
    path = write(tmp_path, "empty.py", "from codemod import Transform\n")
    with pytest.raises(UsageError, match=r"empty\.py: defines no subclass"):
        choose([str(path)])


def test_a_file_that_raises_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.py", "import codemod\n\nvalue = 1 / 0\n")
    with pytest.raises(TransformError, match=r"bad\.py:3: ZeroDivisionError"):
        choose([str(path)])


def test_a_file_with_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.py", "x = 1\ndef f(:\n")
    with pytest.raises(TransformError, match=r"bad\.py:2: SyntaxError"):
        choose([str(path)])


def test_a_file_that_imports_what_is_not_there_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.py", "\nfrom codemod import nothing_of_the_kind\n")
    with pytest.raises(TransformError, match=r"bad\.py:2: ImportError"):
        choose([str(path)])


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    path = transform(tmp_path, "call-to-forward")
    with pytest.raises(UsageError, match="two transforms are called 'call-to-forward'") as caught:
        choose([str(path)])
    assert str(path.resolve()) in str(caught.value)
    assert "codemod/transforms/call_to_forward.py" in str(caught.value)


# ---- names


def test_unknown_name_with_a_near_one() -> None:
    with pytest.raises(UsageError, match="did you mean functional-to-module"):
        choose(["functional-to-modules"])


def test_unknown_name_without_a_near_one() -> None:
    with pytest.raises(UsageError, match=r"known are: call-to-forward, .*module-to-functional"):
        choose(["xyz"])


def test_inverses_do_not_run_together() -> None:
    with pytest.raises(UsageError, match="undo each other"):
        choose(["functional-to-module", "module-to-functional"])


def test_a_name_given_twice_runs_once() -> None:
    names = [item.name for item in choose(["call-to-forward", "call-to-forward"])]
    assert names == ["call-to-forward"]


# ---- entry points


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, *values: str) -> None:
    points = [
        EntryPoint(f"point{i}", value, registry.ENTRY_POINTS) for i, value in enumerate(values)
    ]
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def test_an_installed_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "plugin_a.py", TRANSFORM.format(cls="Mine", name="from-a"))
    installed(monkeypatch, tmp_path, "plugin_a:Mine")
    assert "from-a" in known_transforms()


def test_an_installed_file_of_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TRANSFORM.format(cls="One", name="b-one") + TRANSFORM.format(cls="Two", name="b-two")
    write(tmp_path, "plugin_b.py", text)
    installed(monkeypatch, tmp_path, "plugin_b")
    assert known_transforms().keys() >= {"b-one", "b-two"}


def test_two_packages_with_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("plugin_c", "plugin_d"):
        write(tmp_path, f"{name}.py", TRANSFORM.format(cls="Mine", name="same"))
    installed(monkeypatch, tmp_path, "plugin_c:Mine", "plugin_d:Mine")
    with pytest.raises(UsageError, match=r"two transforms are called 'same'.*plugin_c.*plugin_d"):
        known_transforms()


def test_one_class_under_two_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "plugin_e.py", TRANSFORM.format(cls="Mine", name="from-e"))
    installed(monkeypatch, tmp_path, "plugin_e:Mine", "plugin_e")
    assert "from-e" in known_transforms()


def test_an_installed_one_that_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "plugin_f.py", "raise RuntimeError('no')\n")
    installed(monkeypatch, tmp_path, "plugin_f:Mine")
    with pytest.raises(TransformError, match=r"plugin_f:Mine: cannot be loaded: .*plugin_f\.py:1"):
        known_transforms()


def test_an_installed_one_that_is_no_transform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "plugin_g.py", "Mine = 3\n")
    installed(monkeypatch, tmp_path, "plugin_g:Mine")
    with pytest.raises(TransformError, match="plugin_g:Mine: is no Transform"):
        known_transforms()
