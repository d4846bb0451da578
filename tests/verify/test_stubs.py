"""Missing packages are stood in for where the project must have them, and nowhere else."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from worker_process import run

START = """
from _codemod_worker import loader, standin
from _codemod_worker.stubs import Stubs
overlay = loader.Overlay({{}}, {{}})
overlay.install()
stubs = Stubs({root!r}, [{root!r}])
stubs.install()
def outcome(name):
    try:
        loader.load(name, os.path.join({root!r}, name + ".py"))
    except Exception as error:
        return type(error).__name__
    return "imported"
"""


def stubbed(root: Path, script: str, *paths: Path) -> Any:
    return run(START.format(root=str(root)) + textwrap.dedent(script), root, *paths)


def project(tmp_path: Path, **files: str) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    for name, text in files.items():
        (root / f"{name}.py").write_text(textwrap.dedent(text))
    return root


IMPORTED = {
    "plain": "import absent",
    "submodule": "import absent.sub.deep as d; assert d.x",
    "from": "from absent.sub import Thing, other",
    "in-a-function": "def f():\n    import absent\nf()",
    "try-for-something-else": "try:\n    import absent\nexcept KeyError:\n    pass",
    "in-the-else": "try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    import absent",
    "in-the-handler": "try:\n    1 / 0\nexcept Exception:\n    import absent",
}


@pytest.mark.parametrize("text", IMPORTED.values(), ids=IMPORTED.keys())
def test_a_required_package_is_stood_in_for(tmp_path: Path, text: str) -> None:
    root = project(tmp_path, net=text)
    said = stubbed(root, "say([outcome('net'), stubs.packages()])")
    assert said == ["imported", ["absent"]]


OPTIONAL = {
    "try": "try:\n    import absent\nexcept ImportError:\n    HAS = False\n",
    "try-from": "try:\n    from absent.a import b\nexcept ModuleNotFoundError:\n    HAS = False",
    "try-tuple": "try:\n    import absent\nexcept (ValueError, ImportError):\n    HAS = False",
    "try-exception": "try:\n    import absent\nexcept Exception as e:\n    HAS = False",
    "try-bare": "try:\n    import absent\nexcept:\n    HAS = False",
    "try-over-lines": (
        "try:\n    if True:\n        from absent import (\n            a,\n        )\n"
        "except ImportError:\n    HAS = False"
    ),
    "suppress": (
        "import contextlib\nHAS = False\nwith contextlib.suppress(ImportError):\n"
        "    import absent\n    HAS = True"
    ),
    "import-module": (
        "import importlib\ntry:\n    importlib.import_module('absent')\n"
        "except ImportError:\n    HAS = False"
    ),
    "find-spec": "import importlib.util\nHAS = importlib.util.find_spec('absent') is not None",
    "metadata": (
        "from importlib import metadata\ntry:\n    metadata.version('absent')\n"
        "except metadata.PackageNotFoundError:\n    HAS = False"
    ),
    "through-another-file": "try:\n    import needs\nexcept ImportError:\n    HAS = False",
    "in-a-function": (
        "def has():\n    try:\n        import absent\n        return True\n"
        "    except ImportError:\n        return False\nHAS = has()"
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", OPTIONAL.values(), ids=OPTIONAL.keys())
@pytest.mark.parametrize("first", [None, "required"], ids=["alone", "after-a-stand-in"])
def test_an_optional_package_stays_missing(tmp_path: Path, text: str, first: str | None) -> None:
    """Also once another file has had the package stood in for: order must not matter."""
    root = project(tmp_path, net=text, needs="import absent", required=IMPORTED["plain"])
    script = f"""
    if {first!r}:
        outcome({first!r})
    say([outcome('net'), sys.modules['net'].HAS, stubs.packages()])
    """
    said = stubbed(root, script)
    assert said == ["imported", False, ["absent"] if first else []]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("import torch.absent", id="torch"),
        pytest.param("import torch", id="torch-itself"),
        pytest.param("import os.absent", id="standard-library"),
        pytest.param("import msvcrt", id="standard-library-elsewhere"),
        pytest.param("import sibling.absent", id="the-project-itself"),
        pytest.param("from sibling import absent", id="a-name-of-the-project"),
        pytest.param("from . import absent", id="relative"),
    ],
)
def test_what_is_never_stood_in_for(tmp_path: Path, text: str) -> None:
    root = project(tmp_path, net=text, sibling="")
    said = stubbed(root, "say([outcome('net'), stubs.packages()])")
    assert said[0] in ("ImportError", "ModuleNotFoundError")
    assert said[1] == []


def test_a_name_that_only_an_optional_package_brings_is_stood_in_for(tmp_path: Path) -> None:
    data = "try:\n    from absent import Data\nexcept ImportError:\n    pass\n"
    root = project(tmp_path, data=data, net="from data import Data", other="from data import Dota")
    said = stubbed(root, "say([outcome('net'), outcome('other'), stubs.packages()])")
    assert said == ["imported", "ImportError", ["data.Data"]]


def test_a_name_of_the_project_that_is_optional_stays_missing(tmp_path: Path) -> None:
    net = "try:\n    from data import Data\nexcept ImportError:\n    Data = None"
    root = project(tmp_path, data="", net=net)
    said = stubbed(root, "say([outcome('net'), stubs.packages(), sys.modules['net'].Data is None])")
    assert said == ["imported", [], True]


def test_files_that_import_each_other_in_a_circle_still_fail(tmp_path: Path) -> None:
    root = project(tmp_path, net="from data import A\nB = 1", data="from net import B\nA = 1")
    assert stubbed(root, "say([outcome('net'), stubs.packages()])") == ["ImportError", []]


def test_a_log_folder_is_no_package_of_the_project(tmp_path: Path) -> None:
    root = project(tmp_path, net="import sys; sys.modules.pop('absent_logs', None)")
    (root / "absent_logs").mkdir()
    said = stubbed(root, "say([stubs.is_foreign('absent_logs'), stubs.is_foreign('net')])")
    assert said == [True, False]


FOUND_IN = {
    "beside-a-file-in-a-package": ("pkg/net.py", "sibling", "pkg/sibling.py"),
    "in-a-folder-above": ("src/bin/net.py", "models", "src/models/parts.py"),
    "the-only-one-there-is": ("tools/net.py", "models", "src/models/parts.py"),
    "a-package-before-files-of-the-name": ("tools/net.py", "net2", "src/net2/x.py"),
    "the-names-before-the-nearness": ("src/bin/net.py", "helpers", "src/helpers/helpers.py"),
    "one-of-two-that-has-the-names": ("tools/net.py", "helpers", "b/helpers.py"),
}  # fmt: skip


@pytest.mark.parametrize(("importer", "name", "at"), FOUND_IN.values(), ids=FOUND_IN.keys())
def test_what_a_python_path_would_find_is_found(
    tmp_path: Path, importer: str, name: str, at: str
) -> None:
    root = project(tmp_path)
    for path, text in {
        "a/net2.py": "",
        "b/net2.py": "",
        "c/helpers.py": "Y = 5\n",
        "src/helpers/__init__.py": "",
        at: "X = 5\n",
        importer: f"import {name}\n" + (f"from {name} import X\n" if name == "helpers" else ""),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    said = stubbed(
        root,
        f"""
        loader.load("net", {str(root / importer)!r})
        found = sys.modules[{name!r}]
        say([stubs.packages(), [*getattr(found, "__path__", [found.__file__])][0]])
        """,
    )
    whole = root / at
    assert said == [[], str(whole if whole.stem == name else whole.parent)]


NAMED_LIKE_A_PACKAGE = {
    "what-it-lacks": ("from wanted import Config", "from .parts import Block\n"),
    "a-part-that-it-lacks": ("from wanted.utils import helper", "X = 5\n"),
    "a-part-imported-as-a-whole": ("import wanted.utils", "X = 5\n"),
}


@pytest.mark.parametrize(
    ("text", "inside"), NAMED_LIKE_A_PACKAGE.values(), ids=NAMED_LIKE_A_PACKAGE.keys()
)
def test_a_folder_that_has_nothing_of_what_is_taken_is_only_named_like_a_package(
    tmp_path: Path, text: str, inside: str
) -> None:
    root = project(tmp_path)
    for path, content in {
        "pkg/__init__.py": "",
        "pkg/models/__init__.py": "",
        "pkg/models/wanted/__init__.py": inside,
        "pkg/models/wanted/parts.py": "from ..base import Base\n",
        "pkg/net.py": text,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    script = f"loader.load('pkg.net', {str(root / 'pkg/net.py')!r}); say(stubs.packages())"
    assert stubbed(root, f"sys.path.insert(0, {str(root)!r}); {script}") == ["wanted"]


def test_a_part_that_the_package_lacks_is_found_in_another_of_its_name(tmp_path: Path) -> None:
    root = project(tmp_path)
    for path, text in {
        "utils/__init__.py": "",
        "lib/utils/__init__.py": "",
        "lib/utils/debugger.py": "from . import colours\nX = colours.Y\n",
        "lib/utils/colours.py": "Y = 5\n",
        "net.py": "from utils.debugger import X\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    script = (
        "sys.path.insert(0, {!r}); outcome('net'); say([sys.modules['net'].X, stubs.packages()])"
    )
    assert stubbed(root, script.format(str(root))) == [5, []]


EXTENSIONS = {
    "a-name-of-the-package": ("from . import _C", "setup.py", "ext = CUDAExtension('pkg._C', [])"),
    "by-its-whole-name": ("from pkg import _C", "setup.py", "ext = CUDAExtension('_C', [])"),
    "a-package-of-them": ("from ._ext import dcn as _backend", "pkg/build.py", "x('_ext.dcn')"),
    "cython": ("import pkg.nms.cpu_nms as nms", "pkg/nms/cpu_nms.pyx", ""),
}  # fmt: skip


@pytest.mark.parametrize(("text", "file", "says"), EXTENSIONS.values(), ids=EXTENSIONS.keys())
@pytest.mark.parametrize("is_built", [True, False], ids=["named", "not-named"])
def test_extensions_that_the_project_would_build_are_stood_in_for(
    tmp_path: Path, text: str, file: str, says: str, is_built: bool
) -> None:
    """A part that no build file names is missing indeed."""
    root = project(tmp_path)
    (root / "pkg" / "nms").mkdir(parents=True)
    (root / "pkg" / "nms" / "__init__.py").write_text("")
    (root / "pkg" / "__init__.py").write_text("")
    (root / "pkg" / "net.py").write_text(text)
    if is_built:
        (root / file).write_text(says)
    script = f"""
    from _codemod_worker import unbuilt
    unbuilt.install(stubs, stubs.own, {str(root)!r})
    sys.path.insert(0, {str(root)!r})
    try:
        loader.load("pkg.net", {str(root / "pkg" / "net.py")!r})
    except ImportError:
        say(None)
    else:
        say([stubs.packages()[0], stubs.why(stubs.packages()[0])])
    """
    said = stubbed(root, script)
    assert said is None if not is_built else said[1] == "it is not built", said


NOT_FOUND = {
    "two-of-the-name": ("tools/net.py", "import twice", ["a/twice.py", "b/twice.py"]),
    "the-importer-itself": ("tools/absent.py", "import absent", []),
    "in-a-hidden-folder": ("tools/net.py", "import hidden", [".venv/hidden.py"]),
    "optional": ("a/net.py", "try:\n    import other\nexcept ImportError:\n    other = 0\n"
                 "assert other == 0", ["b/other.py"]),
}  # fmt: skip


@pytest.mark.parametrize(("importer", "text", "others"), NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_what_is_not_taken_for_a_missing_package(
    tmp_path: Path, importer: str, text: str, others: list[str]
) -> None:
    root = project(tmp_path)
    for path in [importer, *others]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text if path == importer else "assert False\n")
    script = f"loader.load('net', {str(root / importer)!r}); say(stubs.packages())"
    name = text.split()[-1]
    assert stubbed(root, script) == ([] if "try" in text else [name])


def installed(tmp_path: Path, name: str, text: str) -> Path:
    site = tmp_path / "site-packages"
    (site / name).mkdir(parents=True, exist_ok=True)
    (site / name / "__init__.py").write_text(text)
    (site / name / "part.py").write_text("X = 1\n")
    return site


def test_an_installed_package_that_does_not_import_is_stood_in_for(tmp_path: Path) -> None:
    site = installed(
        tmp_path, "broken", "from . import part\nraise RuntimeError('no\\noperator')\n"
    )
    root = project(tmp_path, net="import broken\nfrom broken.part import X\nassert X is not 1\n")
    said = stubbed(root, "say([outcome('net'), stubs.packages(), stubs.why('broken')])", site)
    assert said == ["imported", ["broken"], "its import raised RuntimeError: no operator"]


def test_a_broken_package_that_is_optional_raises_its_own_error(tmp_path: Path) -> None:
    site = installed(tmp_path, "broken", "raise RuntimeError('no')\n")
    text = "try:\n    import broken\nexcept Exception as error:\n    SAID = type(error).__name__\n"
    root = project(tmp_path, net=text)
    said = stubbed(root, "say([outcome('net'), sys.modules['net'].SAID])", site)
    assert said == ["imported", "RuntimeError"]


def test_what_an_installed_package_imports_is_its_own_affair(tmp_path: Path) -> None:
    """It stands or falls as a whole; a missing part of it is never faked beneath it."""
    site = installed(
        tmp_path, "whole", "try:\n    import absent\nexcept ImportError:\n    OK = 1\n"
    )
    installed(tmp_path, "halved", "import absent\n")
    root = project(tmp_path, net="import absent, whole, halved\nassert whole.OK\n")
    said = stubbed(root, "say([outcome('net'), stubs.packages()])", site)
    assert said == ["imported", ["absent", "halved"]]


def test_a_good_package_is_left_alone(tmp_path: Path) -> None:
    site = installed(tmp_path, "fine", "VALUE = 5\n")
    root = project(tmp_path, net="import fine\nassert fine.VALUE == 5\n")
    assert stubbed(root, "say([outcome('net'), stubs.packages()])", site) == ["imported", []]


USES = {
    "attribute": "absent.a.b.C",
    "called": "absent.make(1, x=2).more()",
    "subclassed": "class A(absent.Base): pass",
    "subclassed-module-class": "class A(absent.sub.Base, dict, option=1): x = 1\nA()",
    "two-bases": "class A(absent.One, absent.Two): pass",
    "decorator": "@absent.register\ndef f(): return 5\nassert f() == 5",
    "decorator-with-arguments": "@absent.register('x', y=1)\nclass A: z = 5\nassert A.z == 5",
    "context": "with absent.context() as c: pass",
    "annotation-union": "def f(x: absent.X | None, y: 'None' = None) -> absent.Y[int, ...]: pass",
    "annotation-reverse-union": "def f(x: None | absent.X): pass",
    "typing": "import typing\nx = typing.Optional[absent.X], typing.Union[int, absent.Z]",
    "isinstance": "assert not isinstance(1, absent.X) and not isinstance(1, (str, absent.X))",
    "issubclass": "assert not issubclass(int, absent.X)",
    "version": "assert tuple(map(int, absent.__version__.split('.'))) < (1, 0)",
    "iterated": "x = absent.items\nassert list(x) == [] and len(x) == 0 and 1 not in x",
    "star": "from absent.sub import *",
    "default": "def f(x=absent.CONSTANT * 2 + 1): return x",
    "formatted": "assert str(absent.x) and f'{absent.x}'",
    "dataclass": "from dataclasses import *\n@dataclass\nclass A:\n  x: absent.X = None\nA()",
    "copied": "import copy\ncopy.copy(absent.x); copy.deepcopy(absent.x)",
    "getattr": "assert getattr(absent, 'thing', None) is not None and hasattr(absent, 'more')",
    "enum-like": "class A(absent.Enum):\n    X = 1\nassert A.X == 1",
}  # fmt: skip


@pytest.mark.parametrize("text", USES.values(), ids=USES.keys())
def test_a_stand_in_survives_what_files_do_at_import(tmp_path: Path, text: str) -> None:
    root = project(tmp_path, net=f"import absent, absent.sub\n{text}\n")
    said = stubbed(root, f"loader.load('net', {str(root / 'net.py')!r}); say(standin.touched())")
    assert said == []


TOUCHES = {
    "attribute": ("import absent\ndef run(): return absent.x.y", "absent"),
    "called": ("from absent.nn import Layer\ndef run(): Layer(3)", "absent"),
    "swallowed": (
        "import absent\ndef run():\n  try:\n    absent.x()\n  except Exception:\n    pass",
        "absent",
    ),
    "derived": ("import absent\nclass A(absent.B): pass\ndef run(): A()", "absent"),
    "truth": ("from absent import FLAG\ndef run(): return 1 if FLAG else 0", "absent"),
    "isinstance": ("from absent import X\ndef run(): isinstance(1, X)", "absent"),
    "imported-late": ("def run():\n    import absent\n    absent.x", "absent"),
}


@pytest.mark.parametrize(("text", "package"), TOUCHES.values(), ids=TOUCHES.keys())
def test_touching_a_stand_in_while_running_is_no_exception(
    tmp_path: Path, text: str, package: str
) -> None:
    root = project(tmp_path, net=text)
    script = f"""
    net = loader.load('net', {str(root / "net.py")!r})
    standin.forbid()
    try:
        net.run()
    except BaseException as error:
        say([isinstance(error, Exception), error.package, list(standin.touched())])
    """
    assert stubbed(root, script) == [False, package, [package]]


def test_a_stand_in_that_is_only_imported_is_not_touched(tmp_path: Path) -> None:
    text = "import absent\nclass A(dict, absent.Mixin): pass\ndef run(): return A(x=1)"
    root = project(tmp_path, net=text)
    script = f"""
    net = loader.load('net', {str(root / "net.py")!r})
    standin.forbid()
    say([net.run(), list(standin.touched())])
    """
    assert stubbed(root, script) == [{"x": 1}, []]
