"""What files are imported as, and which interpreter runs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from codemod.errors import UsageError
from codemod.verify.environment import TargetEnvironment, find_python, import_roots

PYPROJECT_WHERE = "[tool.setuptools.packages.find]\nwhere = ['lib']\n"
PYPROJECT_DIR = "[tool.setuptools]\npackage-dir = {'' = 'lib'}\n"
POETRY = "[tool.poetry]\npackages = [{include = 'pkg', from = 'lib'}]\n"
HATCH = "[tool.hatch.build.targets.wheel]\npackages = ['lib/pkg']\n"
SETUP_CFG = "[options]\npackage_dir =\n    = lib\n[options.packages.find]\nwhere = lib\n"
SETUP_PY = "setup(package_dir={'': 'lib'}, packages=find_packages('lib'))\n"


def project(root: Path, *files: str) -> TargetEnvironment:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    python = [name for name in files if name.endswith(".py")]
    return TargetEnvironment.of(Path(sys.executable), root, python)


def located(environment: TargetEnvironment, path: str) -> tuple[str, str]:
    """The name, and the first root relative to the project's."""
    target = environment.locate(path)
    return target.module, os.path.relpath(target.roots[0], environment.root)


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        pytest.param(
            "pkg/sub/net.py",
            ["pkg/__init__.py", "pkg/sub/__init__.py"],
            ("pkg.sub.net", "."),
            id="flat",
        ),
        pytest.param("pkg/__init__.py", [], ("pkg", "."), id="init"),
        pytest.param("src/pkg/net.py", ["src/pkg/__init__.py"], ("pkg.net", "src"), id="src"),
        pytest.param("scripts/train.py", [], ("train", "scripts"), id="script"),
        pytest.param("train.py", [], ("train", "."), id="script-at-the-root"),
        pytest.param("tools/my-train.py", [], ("my-train", "tools"), id="script-with-a-dash"),
        pytest.param(
            "code/pkg/net.py", ["code/pkg/__init__.py"], ("pkg.net", "code"), id="in-a-folder"
        ),
    ],
)
def test_names_of_files(
    tmp_path: Path, path: str, files: list[str], expected: tuple[str, str]
) -> None:
    assert located(project(tmp_path, path, *files), path) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("pyproject.toml", PYPROJECT_WHERE, id="pyproject-where"),
        pytest.param("pyproject.toml", PYPROJECT_DIR, id="pyproject-package-dir"),
        pytest.param("pyproject.toml", POETRY, id="poetry"),
        pytest.param("pyproject.toml", HATCH, id="hatch"),
        pytest.param("setup.cfg", SETUP_CFG, id="setup-cfg"),
        pytest.param("setup.py", SETUP_PY, id="setup-py"),
    ],
)
def test_packaging_metadata_names_a_root(tmp_path: Path, name: str, text: str) -> None:
    """Also for a namespace package, which no `__init__.py` tells."""
    (tmp_path / name).write_text(text)
    environment = project(
        tmp_path, "lib/space/pkg/__init__.py", "lib/space/pkg/net.py", "lib/space/plain.py"
    )
    assert located(environment, "lib/space/pkg/net.py") == ("space.pkg.net", "lib")
    assert located(environment, "lib/space/plain.py") == ("space.plain", "lib")
    assert environment.import_roots[0] == tmp_path / "lib"


def test_every_package_of_a_monorepo_is_a_root(tmp_path: Path) -> None:
    environment = project(
        tmp_path,
        "libs/a/pyproject.toml",
        "libs/a/src/pkg_a/__init__.py",
        "libs/b/setup.py",
        "libs/b/pkg_b/__init__.py",
        "libs/b/pkg_b/net.py",
    )
    assert located(environment, "libs/b/pkg_b/net.py") == ("pkg_b.net", "libs/b")
    assert tmp_path / "libs/a/src" in environment.import_roots


def test_a_file_outside_of_packages_that_imports_relatively_has_a_dotted_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/net.py").write_text("from .parts import Part\n")
    environment = TargetEnvironment.of(Path(sys.executable), tmp_path, ["models/net.py"])
    assert located(environment, "models/net.py") == ("models.net", ".")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from ..basic import layers", ("pkg.models.ranking.net", ".")),
        ("    from ...basic import (\n        layers)", ("pkg.models.ranking.net", ".")),
        ("from . import other", ("ranking.net", "pkg/models")),
        ("from ... to ...: no import", ("ranking.net", "pkg/models")),
    ],
    ids=["one-above", "two-above", "inside", "prose"],
)
def test_a_folder_without_init_that_relative_imports_reach_through_is_a_package(
    tmp_path: Path, line: str, expected: tuple[str, str]
) -> None:
    files = ("pkg/__init__.py", "pkg/models/ranking/__init__.py", "pkg/models/ranking/net.py")
    environment = project(tmp_path, *files)
    (tmp_path / "pkg/models/ranking/other.py").write_text(line + "\n")
    for folder in ("pkg", "pkg/models"):
        (tmp_path / folder / "basic.py").touch()
    assert located(environment, "pkg/models/ranking/net.py") == expected


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        pytest.param(
            "kit", "from ..ops import f", ("kit.models.net", ".."), id="root-is-a-package"
        ),
        pytest.param("my-kit", "from ..ops import f", ("models.net", "."), id="no-name-for-one"),
        pytest.param("kit", "from ..gone import f", ("models.net", "."), id="leads-nowhere"),
        pytest.param("kit", "from ...ops import f", ("models.net", "."), id="beyond-the-root"),
    ],
)
def test_relative_imports_that_reach_beyond_the_root(
    tmp_path: Path, name: str, line: str, expected: tuple[str, str]
) -> None:
    root = tmp_path / name
    environment = project(root, "ops.py", "models/__init__.py", "models/net.py")
    (root / "models/net.py").write_text(line + "\n")
    assert located(environment, "models/net.py") == expected


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        pytest.param("kit", "from kit.ops import f", ("kit.net", ".."), id="by-its-name"),
        pytest.param("kit", "from kits.ops import f", ("net", "."), id="another-name"),
        pytest.param("kit", "from kit.gone import f", ("net", "."), id="an-installed-one"),
        pytest.param("kit", "import kit", ("net", "."), id="perhaps-an-installed-one"),
        pytest.param("my-kit", "from kit.ops import f", ("net", "."), id="no-name-for-one"),
    ],
)
def test_files_that_import_each_other_by_the_name_of_the_root(
    tmp_path: Path, name: str, line: str, expected: tuple[str, str]
) -> None:
    root = tmp_path / name
    environment = project(root, "net.py", "ops.py")
    (root / "other.py").write_text(line + "\n")
    assert located(environment, "net.py") == expected


def test_relative_imports_that_reach_out_of_all_packages_move_no_root(tmp_path: Path) -> None:
    environment = project(tmp_path, "pkg/__init__.py", "pkg/net.py")
    (tmp_path / "pkg/template.py").write_text("from ....somewhere import thing\n")
    assert located(environment, "pkg/net.py") == ("pkg.net", ".")


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        pytest.param("", ("pkg.sub.net", "lib"), id="nobody-imports-it"),
        pytest.param("from pkg.sub import net\n", ("pkg.sub.net", "lib"), id="from-the-package"),
        pytest.param("from lib.pkg.sub import net\n", ("lib.pkg.sub.net", "."), id="from-the-root"),
        pytest.param("import lib.pkg\n", ("lib.pkg.sub.net", "."), id="import-from-the-root"),
        pytest.param("import lib.pkgs.other\n", ("pkg.sub.net", "lib"), id="another-name"),
        pytest.param(
            "import lib.pkg\nimport pkg.sub\nfrom pkg import sub\n",
            ("pkg.sub.net", "lib"),
            id="what-most-say",
        ),
    ],
)
def test_a_package_goes_by_the_name_that_the_project_imports_it_by(
    tmp_path: Path, imports: str, expected: tuple[str, str]
) -> None:
    files = ["lib/pkg/__init__.py", "lib/pkg/sub/__init__.py", "lib/pkg/sub/net.py", "main.py"]
    environment = project(tmp_path, *files)
    (tmp_path / "main.py").write_text(imports)
    assert located(environment, "lib/pkg/sub/net.py") == expected


def test_a_package_that_only_holds_scripts_is_their_folder(tmp_path: Path) -> None:
    """`code/__init__.py` and `code/main.py`, which imports `model`: Python starts in `code`."""
    for name in ("train/code", "test/code"):
        environment = project(
            tmp_path, f"{name}/__init__.py", f"{name}/main.py", f"{name}/model/__init__.py",
            f"{name}/model/net.py", f"{name}/model/common.py",
        )  # fmt: skip
        (tmp_path / name / "main.py").write_text("import model\n")
        (tmp_path / name / "model/net.py").write_text("from model import common\n")
    assert located(environment, "test/code/model/net.py") == ("model.net", "test/code")
    assert located(environment, "train/code/model/net.py") == ("model.net", "train/code")


@pytest.mark.parametrize(
    "text", ["import pkg.model\n", "from .model import net\n"], ids=["by-name", "relatively"]
)
def test_a_package_that_is_imported_stays_one(tmp_path: Path, text: str) -> None:
    files = ["pkg/__init__.py", "pkg/main.py", "pkg/model/__init__.py", "pkg/model/net.py"]
    environment = project(tmp_path, *files)
    (tmp_path / "pkg/main.py").write_text("import model\n" + text)
    assert located(environment, "pkg/model/net.py") == ("pkg.model.net", ".")
    assert str(tmp_path / "pkg") not in environment.locate("pkg/model/net.py").roots


def test_a_folder_with_a_file_of_its_own_name_is_a_package_where_parts_are_imported(
    tmp_path: Path,
) -> None:
    environment = project(tmp_path, "model/model.py", "model/net.py", "tools/tools.py", "run.py")
    (tmp_path / "model/model.py").write_text("from model.net import Net\n")
    (tmp_path / "run.py").write_text("from tools import make\nimport torch.nn\n")
    assert located(environment, "model/model.py") == ("model.model", ".")
    assert located(environment, "model/net.py") == ("model.net", ".")
    assert located(environment, "tools/tools.py") == ("tools", "tools")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("from fpn import Fpn\n", ("fpn", "code/model"), id="from-beside"),
        pytest.param("import fpn\nimport model.fpn\n", ("fpn", "code/model"), id="as-often"),
        pytest.param("from model.fpn import *\n", ("model.fpn", "code"), id="from-a-folder"),
        pytest.param("import code.model.fpn\n", ("code.model.fpn", "."), id="from-the-root"),
        pytest.param("from model import other\n", ("fpn", "code/model"), id="another-file"),
    ],
)
def test_a_file_without_a_package_is_named_as_others_import_it(
    tmp_path: Path, text: str, expected: tuple[str, str]
) -> None:
    environment = project(tmp_path, "code/model/fpn.py", "code/model/detector.py")
    (tmp_path / "code/model/detector.py").write_text(text)
    assert located(environment, "code/model/fpn.py") == expected
    assert str(tmp_path / "code/model") in environment.locate("code/model/fpn.py").roots


def test_a_part_of_a_project_means_its_own_folders(tmp_path: Path) -> None:
    part = ["run.py", "models/net.py", "utils/masks.py"]
    files = [*part, *(f"part/{name}" for name in part)]
    environment = project(tmp_path, *files)
    for folder in (tmp_path, tmp_path / "part"):
        (folder / "run.py").write_text("from models.net import Net\n")
    roots = [os.path.relpath(one, tmp_path) for one in environment.locate(files[4]).roots]
    assert roots == ["part", ".", "part/models"]
    roots = [os.path.relpath(one, tmp_path) for one in environment.locate(files[1]).roots]
    assert roots == [".", "models"]


def test_configured_roots_come_first_and_must_exist(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    assert import_roots(tmp_path, [], ["own"])[0] == tmp_path / "own"
    with pytest.raises(UsageError, match="absent"):
        import_roots(tmp_path, [], ["absent"])


def test_the_root_of_the_project_is_always_a_root(tmp_path: Path) -> None:
    environment = project(tmp_path, "scripts/train.py", "lib/pkg/__init__.py")
    roots = environment.locate("scripts/train.py").roots
    assert roots == (
        str(tmp_path / "scripts"),
        str(tmp_path / "lib"),
        str(tmp_path),
    )


@pytest.mark.parametrize(
    "text", ["not toml [", "[tool]\nsetuptools = 3\n", "[tool.poetry]\npackages = 'x'\n"]
)
def test_metadata_that_makes_no_sense_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "setup.cfg").write_text("no section\n")
    assert import_roots(tmp_path, []) == (tmp_path,)


def venv(folder: Path) -> Path:
    python = folder / "bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return python


def test_the_interpreter_in_order(tmp_path: Path) -> None:
    assert find_python(None, tmp_path, {}) == Path(sys.executable)
    own = venv(tmp_path / ".venv")
    assert find_python(None, tmp_path, {}) == own
    conda = venv(tmp_path / "conda")
    active = venv(tmp_path / "active")
    assert find_python(None, tmp_path, {"CONDA_PREFIX": str(tmp_path / "conda")}) == conda
    both = {"CONDA_PREFIX": str(tmp_path / "conda"), "VIRTUAL_ENV": str(tmp_path / "active")}
    assert find_python(None, tmp_path, both) == active
    assert find_python(str(own), tmp_path, both) == own
    assert find_python(str(tmp_path / "conda"), tmp_path, both) == conda


@pytest.mark.parametrize("given", ["absent/python", "."])
def test_an_interpreter_that_is_not_there_is_a_usage_error(tmp_path: Path, given: str) -> None:
    with pytest.raises(UsageError, match="--python"):
        find_python(str(tmp_path / given), tmp_path, {})
