"""One project and the same options give the same report; models that are not so are called so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# name -> (the first line, the second, whether it differs from run to run)
MODELS = {
    "Clock": ("x * (time.time() % 1)", "F.relu(self.fc(x))", True),
    "Entropy": ("x * random.SystemRandom().random()", "F.relu(self.fc(x))", True),
    "OwnGenerator": ("x * float(np.random.default_rng().random())", "F.relu(self.fc(x))", True),
    "Process": ("x * os.getpid()", "F.relu(self.fc(x))", True),
    "OnceAProcess": ("x * drawn_once()", "F.relu(self.fc(x))", True),
    "Seeded": ("x * random.random()", "F.relu(self.fc(x))", False),
    "SeededNumpy": ("x * float(np.random.rand())", "F.relu(self.fc(x))", False),
    "SetOfWords": ("x * len(list({'a', 'bb', 'ccc'})[0])", "F.relu(self.fc(x))", False),
    "Environment": ("x * len(os.environ.get('LANG', ''))", "F.relu(self.fc(x))", False),
    "Counted": ("x + counted(self)", "F.relu(self.fc(x))", False),
    "Threads": ("in_threads(x)", "F.relu(self.fc(x))", False),
}
# What hangs on addresses and folders differs now and then: more cannot be asked.
COINS = {
    "Addresses": ("x * len(str(sorted(map(id, {object(), object()}))[0]))", "F.relu(x)", True),
    "SetOrder": ("x * float(list({Key(1), Key(2), Key(3)})[0].number)", "F.relu(x)", True),
    "Folder": ("x * len(os.environ.get('HOME', ''))", "F.relu(self.fc(x))", True),
}
HEAD = """import os
import random
import threading
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Key:
    def __init__(self, number):
        self.number = number


ONCE = []
SEEN = []


def drawn_once():
    if not ONCE:
        ONCE.append(random.SystemRandom().random())
    return ONCE[0]


def counted(model):
    # How many models this process has run.
    if not hasattr(model, "number"):
        SEEN.append(model)
        model.number = len(SEEN)
    return model.number


def in_threads(x):
    done = []
    threads = [threading.Thread(target=lambda: done.append(x + 1)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)
"""
CLASS = """

class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        x = {first}
        return {second}
"""
VOLATILE = re.compile(r'"seconds": [\d.]+')


def text(models: dict[str, tuple[str, str, bool]]) -> str:
    classes = [
        CLASS.format(name=name, first=first, second=second)
        for name, (first, second, _) in models.items()
    ]
    calls = "".join(f"    {name}()(torch.randn(2, 4))\n" for name in models)
    return HEAD + "".join(classes) + f'\n\nif __name__ == "__main__":\n{calls}'


def report(folder: Path, file: str, hash_seed: str, jobs: str) -> str:
    """The report of a first run of the tool in a process of its own."""
    state = folder / f"state-{hash_seed}"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "XDG_STATE_HOME": str(state)}
    program = Path(sys.executable).parent / "codemod"
    options = ["-t", "functional-to-module", "--format", "json", "-j", jobs]
    done = subprocess.run(
        [str(program), "diff", *options, file],
        cwd=folder / "project",
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout, done.stderr
    return VOLATILE.sub('"seconds": 0', done.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("determinism")
    (folder / "project").mkdir()
    (folder / "project" / "pyproject.toml").write_text("[tool.codemod]\n")
    (folder / "project" / "nets.py").write_text(text(MODELS))
    (folder / "project" / "coins.py").write_text(text(COINS))
    return folder


@pytest.fixture(scope="module")
def reports(project: Path) -> list[str]:
    return [report(project, "nets.py", "1", "1"), report(project, "nets.py", "2", "2")]


def test_the_same_report_byte_for_byte(reports: list[str]) -> None:
    first, second = reports
    assert first == second


@pytest.mark.parametrize("name", [name for name, (_, _, known) in MODELS.items() if known])
def test_what_differs_from_run_to_run_is_called_so(reports: list[str], name: str) -> None:
    rewrite = of(reports, name)
    assert rewrite["verdict"] == "unconfirmed"
    assert rewrite["reason"]["code"] == "nondeterministic"
    line = text(MODELS).split("\n").index(f"        x = {MODELS[name][0]}") + 1
    assert f"first at nets.py:{line}" in rewrite["reason"]["message"]
    assert "eval" in rewrite["reason"]["message"]


@pytest.mark.parametrize("name", [n for n, (_, _, known) in MODELS.items() if not known])
def test_what_a_seed_holds_is_confirmed(reports: list[str], name: str) -> None:
    assert of(reports, name)["verdict"] == "confirmed", of(reports, name)["reason"]


def test_what_differs_now_and_then_is_never_different(project: Path) -> None:
    for rewrite in json.loads(report(project, "coins.py", "3", "2"))["rewrites"]:
        code = rewrite["reason"] and rewrite["reason"]["code"]
        assert (rewrite["verdict"], code) in {
            ("confirmed", None),
            ("unconfirmed", "nondeterministic"),
        }


def of(reports: list[str], name: str) -> Any:
    rewrites = json.loads(reports[0])["rewrites"]
    return next(rewrite for rewrite in rewrites if rewrite["class"] == name)
