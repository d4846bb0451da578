"""Hand-made results: no run is needed to report on one."""

from __future__ import annotations

from dataclasses import replace

from codemod.results import (
    Contract,
    Difference,
    Edit,
    Evidence,
    Outcome,
    Position,
    Reason,
    RecipeEvidence,
    Report,
    Rewrite,
    Site,
    Verdict,
)

MODULES = Contract(changes={"hooks": "differs", "modules": "differs"})
DROPOUT = Contract(changes={"modules": "differs", "eval": "becomes-deterministic"})
EVIDENCE = Evidence(
    recipes=(
        RecipeEvidence("harvested", "tests/test_net.py:8", "Net(3)", "torch.randn(2, 3, 8, 8)"),
    ),
    aspects={"eval": "equal", "state_dict": "equal", "modules": "changed-as-declared"},
    witnesses_reached=1,
    witnesses=1,
)
CONFIRMED = Verdict("confirmed", evidence=EVIDENCE)
NO_RECIPE = Verdict(
    "unconfirmed",
    Reason("no-recipe", "cannot build Head: cfg has no .hidden", "give a recipe for pkg.net.Head"),
)
DIFFERENT = Verdict(
    "different",
    Reason("different", "eval is not what it was"),
    replace(
        EVIDENCE,
        aspects={"eval": "different"},
        differences=(
            Difference("eval", "output[0]", "tensor([1.])", "tensor([2.])", 1.0, float("inf")),
        ),
    ),
)


def make_rewrite(
    identity: str, line: int, contract: Contract = MODULES, name: str = "Net"
) -> Rewrite:
    return Rewrite(
        id=identity,
        transform="functional-to-module",
        path="pkg/net.py",
        class_name=name,
        summary="F.relu -> self.relu",
        sites=(Site("pkg/net.py", line, 9),),
        edits=(Edit("pkg/net.py", 4, 6, "x[int]"),),
        contract=contract,
        witnesses=(),
    )


def make_outcome(
    rewrite: Rewrite, verdict: Verdict, *, would: bool, written: bool = False
) -> Outcome:
    edits = ((rewrite.edits[0], Position(1, 5), Position(1, 7)),)
    return Outcome(rewrite, verdict, edits, "-a\n+b\n", would, written)


def make_report(*outcomes: Outcome, **fields: object) -> Report:
    plain = Report(
        version="0.1.0",
        torch="2.13.0",
        protection=("deadline", "no-network"),
        files=4,
        seconds=1.25,
        outcomes=outcomes,
        refusals=(),
        errors=(),
    )
    return replace(plain, **fields)  # type: ignore[arg-type]
