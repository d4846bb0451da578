"""Who may import whom: the table of docs/architecture.md, held against every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "codemod"
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
WORKER = "verify/worker"

BOTTOM = frozenset({"results", "errors", "catalogue"})
SOURCE = BOTTOM | {"source"}
SEMANTICS = SOURCE | {"semantics"}
EDITING = SEMANTICS | {"editing"}
API = frozenset({"codemod"})  # what codemod/__init__.py exports, the version included
ENGINE = EDITING | {"transforms", "engine"}
VERIFY = frozenset({"results", "errors", "source"})
FACADE = ENGINE | {"verify", "report", "configuration"}

MAY_IMPORT: dict[str, frozenset[str]] = {
    "results": frozenset(),
    "errors": frozenset(),
    "catalogue": BOTTOM,
    "source": SOURCE,
    "semantics": SEMANTICS,
    "editing": EDITING,
    "transforms": API,
    "engine": ENGINE,
    "verify": VERIFY | {"verify"},
    WORKER: frozenset({WORKER}),
    "report": frozenset({"results", "report"}),
    "presets": frozenset({"errors"}),
    "configuration": frozenset({"errors", "source", "presets"}),
    "settings": frozenset({"catalogue", "configuration", "editing"}),
    "running": FACADE,
    "confirmation": FACADE | {"running"},
    "diagnosis": FACADE | {"running", "settings"} | API,
    "refactoring": FACADE | {"running", "settings", "confirmation", "diagnosis"} | API,
    "testing": FACADE | {"refactoring"} | API,
    "cli": frozenset({"configuration", "errors", "report", "results", "source", "refactoring"}),
    "__main__": frozenset({"cli"}),
    "codemod": EDITING | {"refactoring", "testing"},
}
TORCH_ONLY_IN = (WORKER,)
CLICK_ONLY_IN = ("cli",)
NO_LIBCST = ("results", "errors", "catalogue", "verify", WORKER, "report", "configuration", "cli")
NO_RICH = (
    "results",
    "errors",
    "catalogue",
    "source",
    "semantics",
    "editing",
    "transforms",
    "engine",
)


def layer(path: str) -> str:
    if path == "__init__.py":
        return "codemod"
    if path.startswith(WORKER + "/"):
        return WORKER
    return path.partition("/")[0].removesuffix(".py")


def imported(path: str) -> Iterator[str]:
    """Full names of what a file imports, lazily or not; `from a import b` gives `a.b`."""
    package = ["codemod", *path.split("/")[:-1]]
    for node in ast.walk(ast.parse((PACKAGE / path).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def own_layers(path: str) -> set[str]:
    found = set()
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "codemod":
            continue
        target = PACKAGE.joinpath(*parts[1:2])
        known = len(parts) > 1 and (target.is_dir() or target.with_suffix(".py").is_file())
        if parts[1:3] == ["verify", "worker"]:
            found.add(WORKER)
        else:
            found.add(parts[1] if known else "codemod")
    return found


def foreign(path: str) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)} - {"codemod"}


@pytest.mark.parametrize("path", FILES)
def test_imports_point_one_way(path: str) -> None:
    name = layer(path)
    assert name in MAY_IMPORT, f"{path}: give its layer a line in the table"
    forbidden = own_layers(path) - MAY_IMPORT[name]
    assert not forbidden, f"{path} may not import {sorted(forbidden)}"


@pytest.mark.parametrize("path", FILES)
def test_foreign_packages_stay_in_their_layers(path: str) -> None:
    found, name = foreign(path), layer(path)
    if name not in TORCH_ONLY_IN:
        assert not found & {"torch", "numpy"}, path
    if name not in CLICK_ONLY_IN:
        assert "click" not in found, path
    if name in NO_LIBCST:
        assert "libcst" not in found, path
    if name in NO_RICH:
        assert "rich" not in found, path


@pytest.mark.parametrize("path", [path for path in FILES if layer(path) == WORKER])
def test_worker_uses_the_standard_library_and_torch_only(path: str) -> None:
    """It is started by path, where no `codemod` is installed: its own files by relative import."""
    assert foreign(path) <= set(sys.stdlib_module_names) | {"torch", "numpy"}
    absolute = (
        name
        for node in ast.walk(ast.parse((PACKAGE / path).read_bytes()))
        for name in absolute_imports(node)
    )
    assert "codemod" not in {name.partition(".")[0] for name in absolute}


def absolute_imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    return []


def test_table_has_no_layer_that_does_not_exist() -> None:
    assert {layer(path) for path in FILES} <= set(MAY_IMPORT)


def test_help_does_not_pay_for_what_it_does_not_use() -> None:
    script = (
        "import io, sys\nfrom codemod.cli import main\n"
        "assert main(['--help'], io.BytesIO(), io.StringIO()) == 0\n"
        "print(sorted({'torch', 'libcst', 'rich', 'numpy', 'pathspec'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
