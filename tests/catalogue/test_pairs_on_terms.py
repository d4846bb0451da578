"""Every pair on opaque terms: never different in either direction, never equal for other arguments.

Where torch itself looks at shapes, or is told the same in another way, nothing is claimed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from catalogue_cases import CASES
from observing import inputs, observe
from test_pairs_run import (
    bound_constructor,
    function,
    functional_expression,
    module_named,
    names,
)

from codemod.catalogue import PAIRS, Arguments, FunctionalCall, Pair, to_functional

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")

DRIVER = Path(__file__).parents[1] / "verify" / "symbolic_driver.py"
HEAD = "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n"


def expression(pair: Pair, variant: str, count: int) -> str:
    call = to_functional(pair, bound_constructor(pair, variant))
    assert isinstance(call, FunctionalCall)
    return functional_expression(call, Arguments(names(count)))


def net(children: str, returned: str, count: int) -> str:
    given = ", ".join(names(count))
    init = f"    def __init__(self):\n        super().__init__()\n{children}\n"
    return f"{HEAD}{init}    def forward(self, {given}):\n        return {returned}\n"


def with_module(pair: Pair, variant: str, count: int) -> str:
    child = f"        self.m = {pair.module}({variant})\n"
    return net(child, f"self.m({', '.join(names(count))})", count)


def with_functional(pair: Pair, variant: str, count: int) -> str:
    return net("", expression(pair, variant, count), count)


def other_variant(pair: Pair, variant: str, given: str) -> str | None:
    """One that does something else on the inputs of the catalogue, by running it."""
    count = len(inputs(given))
    seen = observe(module_named(pair, variant), given)[0]
    for other in CASES[pair.module[9:]].variants:
        owner = torch.nn.Identity()
        if observe(function(expression(pair, other, count), count, owner), given)[0] != seen:
            return other
    return None


def right() -> dict[str, tuple[Pair, str, int]]:
    """By name a pair, its last constructor arguments, and how many inputs it takes."""
    found = {}
    for pair in PAIRS:
        case = CASES[pair.module[9:]]
        found[f"{pair.module[9:]}({case.variants[-1]})"] = (
            pair,
            case.variants[-1],
            len(inputs(case.inputs[0])),
        )
    return found


RIGHT = right()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("pairs")
    cases = {}
    for number, (name, (pair, variant, count)) in enumerate(RIGHT.items()):
        one, other, wrong = (folder / f"{kind}{number}.py" for kind in ("nn", "f", "wrong"))
        one.write_text(with_module(pair, variant, count))
        other.write_text(with_functional(pair, variant, count))
        cases[f"{name} to F"] = [str(one), str(other), "Net"]
        cases[f"{name} to nn"] = [str(other), str(one), "Net"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lacking = other_variant(pair, variant, CASES[pair.module[9:]].inputs[0])
        if lacking is not None:
            wrong.write_text(with_functional(pair, lacking, count))
            cases[f"{name} wrong"] = [str(one), str(wrong), "Net"]
    (folder / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(DRIVER), str(folder / "cases.json")],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def said(seen: dict[str, Any], *, wrong: bool) -> dict[str, str | None]:
    return {
        name: found["symbolic"] for name, found in seen.items() if name.endswith(" wrong") == wrong
    }


def test_no_right_pair_is_different(seen: dict[str, Any]) -> None:
    right = said(seen, wrong=False)
    assert len(right) == 2 * len(RIGHT)
    assert [name for name, symbolic in right.items() if symbolic == "different"] == []
    equal = [name for name, symbolic in right.items() if symbolic == "equal"]
    assert len(equal) > 0.8 * len(right)


def test_other_arguments_are_never_equal(seen: dict[str, Any]) -> None:
    wrong = said(seen, wrong=True)
    assert len(wrong) > 0.5 * len(RIGHT)
    assert [name for name, symbolic in wrong.items() if symbolic == "equal"] == []
    different = [name for name, symbolic in wrong.items() if symbolic == "different"]
    assert len(different) > 0.8 * len(wrong)
