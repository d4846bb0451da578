"""Overlay text is what runs, by whatever name; witnesses tell what was evaluated."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path
from typing import Any

import pytest
from worker_process import run

OVERLAY = """
from _codemod_worker import loader, witness
overlay = loader.Overlay({files!r}, {witnesses!r})
overlay.install()
"""


def loaded(
    script: str,
    *paths: Path,
    files: dict[Path, str],
    witnesses: dict[Path, list[list[Any]]] | None = None,
) -> Any:
    held = {str(path): text for path, text in files.items()}
    wanted = {str(path): found for path, found in (witnesses or {}).items()}
    start = OVERLAY.format(files=held, witnesses=wanted)
    return run(start + textwrap.dedent(script), *paths)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_overlay_text_runs_and_the_disk_is_not_touched(tmp_path: Path) -> None:
    file = write(tmp_path / "mod.py", "X = 'disk'\n")
    other = write(tmp_path / "other.py", "Y = 'disk'\n")
    said = loaded("import mod, other; say([mod.X, other.Y])", tmp_path, files={file: "X = 'new'\n"})
    assert said == ["new", "disk"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mod.py", "other.py"]
    assert other.read_text() == "Y = 'disk'\n"


def test_a_stale_bytecode_file_does_not_win(tmp_path: Path) -> None:
    file = write(tmp_path / "mod.py", "X = 'disk'\n")
    run(f"import py_compile; say(py_compile.compile({str(file)!r}))")
    assert list((tmp_path / "__pycache__").iterdir())
    assert loaded("import mod; say(mod.X)", tmp_path, files={file: "X = 'over'\n"}) == "over"


WAYS = {
    "import": "import pkg.mod as m",
    "installed-link": "sys.path.insert(0, {link!r}); import pkg.mod as m",
    "two-names": "sys.path.insert(0, {pkg!r}); import pkg.mod, mod as m",
    "by-path": """
        import importlib.util
        spec = importlib.util.spec_from_file_location("anything", {file!r})
        m = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(m)
    """,
    "editable-finder": """
        import importlib.util
        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name == "editable":
                    return importlib.util.spec_from_file_location(name, {file!r})
        sys.meta_path.insert(0, Finder())
        import editable as m
    """,
    "own-loader-class": """
        import importlib.util
        from importlib.machinery import SourceFileLoader
        class Mine(SourceFileLoader):
            def source_to_code(self, data, path, **options):
                return super().source_to_code(data, path)
        spec = importlib.util.spec_from_loader("mine", Mine("mine", {file!r}))
        m = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(m)
    """,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_every_way_to_load_a_file_gives_its_overlay(tmp_path: Path, way: str) -> None:
    write(tmp_path / "project/pkg/__init__.py", "")
    file = write(tmp_path / "project/pkg/mod.py", "X = 'disk'\n")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "project")
    script = textwrap.dedent(way).format(link=str(link), pkg=str(file.parent), file=str(file))
    paths = () if "link" in script else (tmp_path / "project",)
    said = loaded(script + "\nsay(m.X)", *paths, files={file: "X = 'new'\n"})
    assert said == "new"


def test_getsource_sees_the_overlay_without_instruments(tmp_path: Path) -> None:
    file = write(tmp_path / "mod.py", "# disk\n\ndef f(x):\n    return 0\n")
    text = "def f(x):\n    return x + 1\n"
    said = loaded(
        """
        import inspect, linecache, mod
        linecache.checkcache()
        say([inspect.getsource(mod.f), inspect.getsource(mod), mod.f(1), witness.reached()])
        """,
        tmp_path,
        files={file: text},
        witnesses={file: [["k", "expression", 2, 11, 2, 16]]},
    )
    assert said == [text, text, 2, ["k"]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("X = 'é'\r\nY = 1\r\n", id="crlf"),
        pytest.param("\ufeffX = 'é'\n", id="bom"),
        pytest.param("# -*- coding: latin-1 -*-\nX = 'é'\n", id="another-encoding"),
        pytest.param("\x0cX = 'é'\nZ = '\u2028'\n", id="form-feed-and-line-separator"),
        pytest.param("X = 'é'", id="no-last-newline"),
    ],
)
def test_text_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "mod.py", "X = 0\n")
    assert loaded("import mod; say(mod.X)", tmp_path, files={file: text}) == "é"


def test_lines_of_a_traceback_are_those_of_the_overlay(tmp_path: Path) -> None:
    file = write(tmp_path / "mod.py", "X = 0\n")
    text = 'def f():\n    """Doc."""\n\n    return (\n        1 / 0\n    )\n'
    said = loaded(
        """
        import mod, traceback
        try:
            mod.f()
        except ZeroDivisionError as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            say([frame.lineno, frame.line, mod.f.__doc__, witness.reached()])
        """,
        tmp_path,
        files={file: text},
        witnesses={
            file: [["e", "expression", 5, 8, 5, 13], ["f", "function", 1, 0, 6, 5]],
        },
    )
    assert said == [5, "1 / 0", "Doc.", []]  # What raises has not run.


# `«...»` marks the witness; `call` runs what it is in. Import alone never reaches a body.
SITES = {
    "call": ("def f(x):\n    return «abs(x)»\n", "mod.f(1)"),
    "bracketed": ("def f(x):\n    return «(abs(x))»\n", "mod.f(1)"),
    "bracketed-over-lines": ("def f(x):\n    return «(\n        abs(x)\n    )»\n", "mod.f(1)"),
    "after-wide-characters": ("def f(x):\n    return 'äöü€😀', «abs(x)»\n", "mod.f(1)"),
    "after-a-form-feed": ("Z = '\u2028'\n\x0c\ndef f(x):\n    return «abs(x)»\n", "mod.f(1)"),
    "receiver": ("def f(x):\n    return «x.real».imag\n", "mod.f(1)"),
    "callee": ("def f(x):\n    return «abs»(x)\n", "mod.f(1)"),
    "comprehension": ("def f(x):\n    return [«abs(i)» for i in x]\n", "mod.f([1])"),
    "comprehension-condition": ("def f(x):\n    return [i for i in x if «abs(i)»]\n", "mod.f([1])"),
    "lambda": ("f = lambda x: «abs(x)»\n", "mod.f(1)"),
    "nested-function": (
        "def f(x):\n    def g():\n        return «abs(x)»\n    return g()\n",
        "mod.f(1)",
    ),
    "generator": ("def f(x):\n    yield «abs(x)»\n", "list(mod.f(1))"),
    "yield-inside": (
        "def f(x):\n    y = «abs((yield x))»\n    yield y\n",
        "g = mod.f(1); next(g); g.send(2)",
    ),
    "walrus-inside": ("def f(x):\n    return «abs(y := x)», y\n", "mod.f(1)"),
    "f-string": ("def f(x):\n    return f'{x} and {«abs(x)»:>3}'\n", "mod.f(1)"),
    "conditional": ("def f(x):\n    return «abs(x)» if x else 0\n", "mod.f(1)"),
    "starred": ("def f(x):\n    return max(*«sorted(x)»)\n", "mod.f([1, 2])"),
    "keyword": ("def f(x):\n    return dict(a=«abs(x)»)\n", "mod.f(1)"),
    "subscripted-target": ("def f(x):\n    «x.setdefault(1, {})»[2] = 3\n", "mod.f({})"),
    "with": ("def f(x):\n    with «memoryview(x)» as y:\n        pass\n", "mod.f(b'')"),
    "zero-argument-super": (
        "class A:\n    def f(self):\n        return «super().__repr__()»\n",
        "mod.A().f()",
    ),
    "private-name": (
        "class A:\n    def __g(self): pass\n    def f(self):\n        return «self.__g()»\n",
        "mod.A().f()",
    ),
    "whole-statement": ("def f(x):\n    «abs(x)»\n", "mod.f(1)"),
    "await": (
        "async def g(): pass\nasync def f():\n    return «await g()»\n",
        "import asyncio; asyncio.run(mod.f())",
    ),
}  # fmt: skip


def place(text: str) -> tuple[str, list[int]]:
    """The text without the marks, and where they stood, as `ast` counts."""
    start, end = text.index("«"), text.index("»")
    clean = text.replace("«", "").replace("»", "")
    ast.parse(clean)

    def at(offset: int) -> list[int]:
        before = clean[:offset]
        line = before.count("\n") + 1
        return [line, len(before[before.rfind("\n") + 1 :].encode())]

    return clean, [*at(start), *at(end - 1)]


@pytest.mark.parametrize(("text", "call"), SITES.values(), ids=SITES.keys())
def test_an_expression_is_reached_when_it_is_evaluated(
    tmp_path: Path, text: str, call: str
) -> None:
    clean, numbers = place(text)
    file = write(tmp_path / "mod.py", clean)
    said = loaded(
        f"import mod; before = witness.reached(); {call}\n"
        "say([before, witness.reached(), overlay.unlocated])",
        tmp_path,
        files={file: clean},
        witnesses={file: [["k", "expression", *numbers]]},
    )
    assert said == [[], ["k"], []]


def test_two_sites_on_one_line_are_told_apart(tmp_path: Path) -> None:
    text = "def f(x):\n    return abs(x) if x else abs(x)\n"
    file = write(tmp_path / "mod.py", text)
    said = loaded(
        "import mod; mod.f(0); say(witness.reached())",
        tmp_path,
        files={file: text},
        witnesses={
            file: [["a", "expression", 2, 11, 2, 17], ["b", "expression", 2, 28, 2, 34]],
        },
    )
    assert said == ["b"]


def test_what_raises_is_not_reached_and_what_is_around_it_neither(tmp_path: Path) -> None:
    text = "def f(x):\n    return abs(int(x))\n"
    file = write(tmp_path / "mod.py", text)
    witnesses = {file: [["in", "expression", 2, 15, 2, 21], ["out", "expression", 2, 11, 2, 22]]}
    script = """
    import mod
    try:
        mod.f("no")
    except ValueError:
        first = witness.reached()
    mod.f("1")
    say([first, witness.reached()])
    """
    said = loaded(script, tmp_path, files={file: text}, witnesses=witnesses)
    assert said == [[], ["in", "out"]]


FUNCTIONS = {
    "def": ("def f(): pass\n", 0, "mod.f()"),
    "docstring": ("def f():\n    'doc'\n", 0, "assert mod.f.__doc__ == 'doc'; mod.f()"),
    "decorated": ("@staticmethod\ndef f(): pass\n", 0, "mod.f.__func__()"),
    "async": ("async def f(): pass\n", 0, "import asyncio; asyncio.run(mod.f())"),
    "generator": ("def f():\n    yield 1\n", 0, "list(mod.f())"),
    "method": ("class A:\n    def f(self): return 1\nf = A().f\n", 4, "mod.f()"),
    "lambda": ("f = lambda: 0\n", 4, "mod.f()"),
    "one-line": ("def f(): 'doc'; return 1\n", 0, "assert mod.f() == 1"),
}


@pytest.mark.parametrize(("text", "column", "call"), FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_a_function_is_reached_at_its_entry(
    tmp_path: Path, text: str, column: int, call: str
) -> None:
    lines = text.splitlines()
    line = next(n for n, one in enumerate(lines, 1) if "def f" in one or "lambda" in one)
    file = write(tmp_path / "mod.py", text)
    said = loaded(
        f"import mod; before = witness.reached(); {call}; say([before, witness.reached()])",
        tmp_path,
        files={file: text},
        witnesses={file: [["k", "function", line, column, len(lines), len(lines[-1])]]},
    )
    assert said == [[], ["k"]]


def test_what_an_import_evaluates_stays_reached_and_calls_do_not(tmp_path: Path) -> None:
    text = "X = abs(-1)\ndef f(a=abs(-2)):\n    return abs(a)\nf()\n"
    file = write(tmp_path / "mod.py", text)
    said = loaded(
        "import mod; before = witness.reached(); witness.reset(); say([before, witness.reached()])",
        tmp_path,
        files={file: text},
        witnesses={
            file: [
                ["top", "expression", 1, 4, 1, 11],
                ["default", "expression", 2, 8, 2, 15],
                ["body", "expression", 3, 11, 3, 17],
            ]
        },
    )
    assert said == [["body", "default", "top"], ["default", "top"]]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        pytest.param("x = [1, 2]\n", [1, 5, 1, 9], id="half-a-node"),
        pytest.param("x = 1\n", [9, 0, 9, 1], id="no-such-line"),
        pytest.param("x = 1\n", [1, 0, 1, 1], id="a-target"),
        pytest.param("f'a{1}'\n", [1, 2, 1, 3], id="text-of-an-f-string"),
    ],
)
def test_what_cannot_be_located_is_said_and_never_reached(
    tmp_path: Path, text: str, numbers: list[int]
) -> None:
    file = write(tmp_path / "mod.py", text)
    said = loaded(
        "import mod; say([overlay.unlocated, witness.reached()])",
        tmp_path,
        files={file: text},
        witnesses={file: [["k", "expression", *numbers]]},
    )
    assert said == [["k"], []]


def test_a_script_is_loaded_by_path_under_its_stem(tmp_path: Path) -> None:
    file = write(tmp_path / "train-it.py", "import helper\nNAME = __name__\n")
    plain = write(tmp_path / "plain.py", "NAME = __name__\nif NAME == '__main__': 1 / 0\n")
    taken = write(tmp_path / "json.py", "NAME = __name__\nMINE = True\n")
    write(tmp_path / "helper.py", "")
    said = loaded(
        f"""
        import json
        say([
            loader.load("train-it", {str(file)!r}).NAME != "__main__",
            loader.load("plain", {str(plain)!r}).NAME,
            loader.load("json", {str(taken)!r}).MINE,
            hasattr(sys.modules["json"], "dumps"),
        ])
        """,
        tmp_path,
        files={},
    )
    assert said == [True, "plain", True, True]


def test_another_file_under_the_same_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a/pkg/__init__.py", "")
    write(tmp_path / "a/pkg/mod.py", "")
    file = write(tmp_path / "b/pkg/mod.py", "")
    said = loaded(
        f"""
        from _codemod_worker.failure import Refused
        try:
            loader.load("pkg.mod", {str(file)!r})
        except Refused as refused:
            say(refused.failure)
        """,
        tmp_path / "a",
        files={},
    )
    assert said["code"] == "import-failed"
    assert "import_roots" in said["hint"]


def test_an_answer_names_the_files_that_it_depends_on(tmp_path: Path) -> None:
    for name, text in {
        "pkg/__init__.py": "",
        "pkg/a.py": "from . import b\nfrom .c import X\n",
        "pkg/b.py": "def late():\n    import pkg.d\n",
        "pkg/c.py": "X = 1\n",
        "pkg/d.py": "",
        "pkg/other.py": "import pkg.a\n",
        "plugin.py": "import importlib\ne = importlib.import_module('.e', 'pkg')\n",
        "pkg/e.py": "",
    }.items():
        write(tmp_path / name, text)
    said = loaded(
        f"""
        from _codemod_worker.imports import Imports
        root = {str(tmp_path)!r}
        imports = Imports(root)
        imports.install()
        def needed(name):
            found = imports.needed_by([os.path.join(root, name)])
            return [os.path.relpath(one, root) for one in found]
        loader.load("pkg.other", root + "/pkg/other.py")
        loader.load("plugin", root + "/plugin.py")
        loader.load("pkg.a", root + "/pkg/a.py")
        before = needed("pkg/a.py")
        sys.modules["pkg.b"].late()
        say([before, needed("pkg/a.py"), needed("plugin.py"), needed("pkg/c.py")])
        """,
        tmp_path,
        files={},
    )
    a = ["pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/c.py"]
    assert said[0] == a
    assert said[1] == sorted([*a, "pkg/d.py"])
    assert said[2] == ["pkg/__init__.py", "pkg/e.py", "plugin.py"]
    assert said[3] == ["pkg/__init__.py", "pkg/c.py"]
