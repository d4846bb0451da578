"""A run that showed a difference is repeated by its name, from a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.act = nn.SiLU()

    def forward(self, x):
        x = self.fc(x)
        return self.act(x)


if __name__ == "__main__":
    Net()(torch.randn(2, 4))
"""
WRONG = '''from codemod import Contract, Transform, witness


class Wrong(Transform):
    """Replace nn.SiLU by nn.Mish, and claim that nothing changes."""

    name = "wrong"
    contract = Contract(changes={"modules": "differs", "hooks": "differs"})

    def find(self, module):
        for call in module.calls_to("torch.nn.SiLU"):
            yield self.rewrite(module, "SiLU -> Mish", [call.node],
                               [call.replace_function("nn.Mish")], [witness(module, call.node)])
'''


def codemod(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "codemod"
    return subprocess.run(
        [str(program), *arguments], cwd=root, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.codemod]\n")
    (root / "net.py").write_text(NET)
    (tmp_path / "wrong.py").write_text(WRONG)
    return root


def test_a_difference_is_told_and_repeated(project: Path) -> None:
    done = codemod(project, "diff", "-t", "../wrong.py", "--format", "json", "net.py")
    (rewrite,) = json.loads(done.stdout)["rewrites"]
    assert rewrite["verdict"] == "different"
    site: dict[str, Any] = rewrite["evidence"]["first_site"]
    assert (site["before"], site["text_before"]) == ("net.py:13", "return self.act(x)")
    assert (site["operator_before"], site["operator_after"]) == (
        "aten.silu.default",
        "aten.mish.default",
    )
    key = rewrite["evidence"]["replay"]
    assert key == rewrite["id"]

    told = codemod(project, "diff", "-t", "../wrong.py", "net.py").stderr
    assert f"again: codemod verify --replay {key}\n" in told

    again = codemod(project, "verify", "--replay", key)
    assert again.returncode == 1, again.stderr
    largest = next(d["max_abs"] for d in rewrite["evidence"]["differences"] if d["max_abs"])
    assert f"largest difference {largest:.3g}" in again.stdout
    assert "aten.mish.default at net.py:13" in again.stdout

    elsewhere = codemod(project.parent, "verify", "--replay", key, "project")
    assert elsewhere.stdout == again.stdout

    (project / "net.py").write_text(NET.replace("4, 4", "4, 5"))
    stale = codemod(project, "verify", "--replay", key)
    assert stale.returncode == 2
    assert "net.py: changed since that run" in stale.stderr


@pytest.mark.parametrize("key", ["nothing", "../project/net", ""])
def test_a_run_that_is_not_kept(project: Path, key: str) -> None:
    done = codemod(project, "verify", "--replay", key)
    assert done.returncode == 2
    assert "is kept for this project" in done.stderr
