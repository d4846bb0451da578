"""A project in which files changed knows what a project that is read anew finds out."""

from __future__ import annotations

from pathlib import Path

import pytest

from codemod.engine.indexing import build_project
from codemod.semantics.carried import carry
from codemod.semantics.project import Project
from codemod.source.overlay import Overlay

FILES = {
    "pkg/__init__.py": "from .net import Net\n",
    "pkg/layers.py": "import torch.nn as nn\n\n\nclass Block(nn.Module):\n    pass\n",
    "pkg/other.py": "class Block:\n    pass\n",
    "pkg/net.py": "import torch.nn as nn\nfrom .layers import Block\n\n\n"
    "class Net(Block):\n    def forward(self, x):\n        return nn.ReLU()(x)\n"
    "\n\nBase = nn.Module\n\n\nclass Aliased(Base):\n    pass\n",
    "pkg/sub.py": "from .net import *\n\n\nclass Sub(Net):\n    pass\n",
    "run.py": "import pkg\n\nmodel = pkg.Net()\n",
}
NET = FILES["pkg/net.py"]
# By what happens to pkg/net.py: its new text.
CHANGES = {
    "a-base-of-the-same-name-from-elsewhere": NET.replace(".layers", ".other"),
    "another-base": NET.replace("Net(Block)", "Net(nn.Module)"),
    "a-class-goes": NET.replace("class Net", "class Gone"),
    "a-class-comes": NET + "\n\nclass More(Net):\n    pass\n",
    "an-import-goes": NET.replace("from .layers import Block\n", "Block = object\n"),
    "an-import-comes": NET + "\n\nfrom .other import Block as Other\n",
    "a-star-comes": "from .other import *\n" + NET,
    "an-import-in-a-function": NET + "\n\ndef run():\n    import run\n",
    "a-string-that-names-a-class": NET + "\n\nNAMES = ['Sub']\n",
    "what-an-alias-begins-with": NET.replace("import torch.nn as nn", "import unknown as nn"),
    "a-name-is-bound-twice": NET.replace("class Net", "Block = make()\n\n\nclass Net"),
}  # fmt: skip
# What rewrites do, which leaves the names alone.
KEPT = {
    "code": NET.replace("nn.ReLU()(x)", "x.relu()"),
    "an-import-of-another-package": NET.replace(
        "import torch.nn as nn", "import torch.nn as nn\nimport torch.nn.functional as F"
    ),
    "lines-move": NET.replace("    def forward", "    # more\n\n    def forward"),
}


def project_of(files: dict[str, str]) -> Project:
    contents = {path: text.encode() for path, text in files.items()}
    return build_project(Overlay(Path("/nonexistent"), contents), sorted(files), jobs=1)[0]


def found_out(project: Project) -> object:
    reach, files, classes = project.reach, project.files, project.classes
    return (
        project.bases,
        {key: (project.is_module(key), project.ancestors(key)) for key in classes},
        {key: project.descendants(key) for key in classes},
        {path: sorted(reach.importers(path)) for path in files},
        {(path, key): reach.may_hold(path, key) for path in files for key in classes},
    )


def carried(text: str) -> Project:
    before, after = project_of(FILES), project_of(FILES | {"pkg/net.py": text})
    found_out(before)
    carry(before, after, {"pkg/net.py"})
    return after


@pytest.mark.parametrize("text", [*CHANGES.values(), *KEPT.values()], ids=[*CHANGES, *KEPT])
def test_it_knows_what_one_that_is_read_anew_finds_out(text: str) -> None:
    assert found_out(carried(text)) == found_out(project_of(FILES | {"pkg/net.py": text}))


@pytest.mark.parametrize("text", CHANGES.values(), ids=CHANGES.keys())
def test_each_change_changes_what_is_found_out(text: str) -> None:
    assert found_out(project_of(FILES | {"pkg/net.py": text})) != found_out(project_of(FILES))


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT.keys())
def test_what_rewrites_do_loses_nothing_that_is_known(text: str) -> None:
    assert carried(text).reach.is_known


def test_another_package_file_is_found_out_about_anew() -> None:
    changed = {"pkg/__init__.py": "from .net import Net\nfrom .other import Block\n"}
    before, after = project_of(FILES), project_of(FILES | changed)
    found_out(before)
    carry(before, after, changed)
    assert found_out(after) == found_out(project_of(FILES | changed))
