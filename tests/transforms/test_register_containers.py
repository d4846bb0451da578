"""register-containers: what is hidden on purpose or no container first, then what is registered."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.testing import check_examples, confirm_rewrite
from codemod.transforms.register_containers import RegisterContainers

LAYERS = "self.layers = [nn.Linear(4, 4), nn.Linear(4, 4)]"
LOOP = ("for layer in self.layers:", "    x = layer(x)", "return x")


def container(*init: str, forward: tuple[str, ...] = LOOP, taken: str = "", below: str = "") -> str:
    return net(*forward, init=init, taken=taken, head=NO_F) + below


def test_examples() -> None:
    check_examples(RegisterContainers)


LEFT = {
    "registered": container("self.layers = nn.ModuleList([nn.Linear(4, 4)])"),
    "numbers": container("self.layers = [1, 2]"),
    "names-of-layers": container("self.fc = nn.Linear(4, 4)", "self.layers = [self.fc]"),
    "given-layers": container("self.layers = layers", taken="layers"),
    "hidden-in-a-list-of-one": container("self.layers = [teacher]", taken="teacher"),
    "local-list": container("layers = [nn.Linear(4, 4)]", "self.layers = nn.Sequential(*layers)"),
    "tensors": container("self.layers = [torch.ones(2)]"),
}


@pytest.mark.parametrize("source", LEFT.values(), ids=LEFT)
def test_leaves_what_holds_no_layers_of_its_own(source: str) -> None:
    stays(RegisterContainers, source)


REFUSED = {
    "registered-elsewhere-as-well": container(
        "self.fc = nn.Linear(4, 4)",
        "self.layers = [self.fc, nn.ReLU()]  #! not-made-here",
    ),
    "layers-and-none": container("self.layers = [nn.Linear(4, 4), None]  #! mixed-contents"),
    "layers-and-parameters": container(
        "self.layers = [nn.ReLU(), nn.Parameter(torch.ones(1))]  #! mixed-contents"
    ),
    "set-again": container(
        f"{LAYERS}  #! set-elsewhere",
        below="\n    def reset(self):\n        self.layers = []\n",
    ),
    "under-a-condition": container("if a:", f"    {LAYERS}  #! set-elsewhere", taken="a"),
    "numbers-as-keys": container(
        "self.layers = {1: nn.Linear(4, 4)}  #! keys-not-strings",
        forward=("return self.layers[1](x)",),
    ),
    "dots-in-keys": container(
        'self.layers = {"a.b": nn.Linear(4, 4)}  #! keys-not-strings',
        forward=('return self.layers["a.b"](x)',),
    ),
    "get-of-a-dict": container(
        'self.layers = {"a": nn.Linear(4, 4)}  #! needs-a-plain-container',
        forward=('return self.layers.get("a")(x)',),
    ),
    "sorted": container(
        f"{LAYERS}  #! needs-a-plain-container", forward=("self.layers.sort()", "return x")
    ),
    "passed-on": container(
        f"{LAYERS}  #! needs-a-plain-container", forward=("return run(self.layers, x)",)
    ),
    "used-outside": container(
        f"{LAYERS}  #! used-outside", below="\n\ndef look(model):\n    return model.layers[0]\n"
    ),
    "before-super-init": container(LAYERS, "super().__init__()  # late").replace(
        f"        super().__init__()\n        {LAYERS}",
        f"        {LAYERS}  #! no-super-init",
    ),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses_what_is_more_than_a_list_of_layers(source: str) -> None:
    stays(RegisterContainers, source)


REWRITTEN = {
    "list": (LAYERS, "self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])"),
    "tuple": (
        "self.layers = (nn.Linear(4, 4), nn.ReLU())",
        "self.layers = nn.ModuleList((nn.Linear(4, 4), nn.ReLU()))",
    ),
    "comprehension": (
        "self.layers = [nn.Linear(4, 4) for _ in range(n)]",
        "self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(n)])",
    ),
    "parameters": (
        "self.layers = [nn.Parameter(torch.ones(4))]",
        "self.layers = nn.ParameterList([nn.Parameter(torch.ones(4))])",
    ),
    "modules-of-the-project": (
        "self.layers = [Block(), Block()]",
        "self.layers = nn.ModuleList([Block(), Block()])",
    ),
}
BLOCK = "\n\nclass Block(nn.Module):\n    def forward(self, x):\n        return x\n"


@pytest.mark.parametrize(("before", "after"), REWRITTEN.values(), ids=REWRITTEN)
def test_registers_the_layers(before: str, after: str) -> None:
    plan = holds(
        RegisterContainers,
        container(before, taken="n", below=BLOCK),
        container(after, taken="n", below=BLOCK),
    )
    assert plan.rewrites[0].contract.changes["state_dict"] == "gains-keys"


def test_an_empty_list_that_is_filled() -> None:
    fill = ("for _ in range(2):", "    self.layers.append(nn.Linear(4, 4))")
    holds(
        RegisterContainers,
        container("self.layers = []", *fill),
        container("self.layers = nn.ModuleList()", *fill),
    )


def test_a_dict() -> None:
    forward = ("for layer in self.heads.values():", "    x = layer(x)", "return x")
    before = container('self.heads = {"a": nn.Linear(4, 4)}', forward=forward)
    after = container('self.heads = nn.ModuleDict({"a": nn.Linear(4, 4)})', forward=forward)
    holds(RegisterContainers, before, after)


def test_keys_are_gained_and_nothing_else_is_changed() -> None:
    text = container(
        "self.head = nn.Linear(4, 4)", LAYERS, forward=(*LOOP[:2], "return self.head(x)")
    )
    report = confirm_rewrite(RegisterContainers, {"net.py": text}, accept=["behaviour-change"])
    (outcome,) = report.outcomes
    assert outcome.verdict.kind == "confirmed", outcome.verdict.reason
    assert outcome.verdict.evidence is not None
    aspects = outcome.verdict.evidence.aspects
    assert aspects["state_dict"] == aspects["load"] == aspects["grads"] == "changed-as-declared"
    assert aspects["eval"] == aspects["train"] == aspects["trace"] == aspects["rng"] == "equal"


def test_dropout_in_the_list_is_turned_off_in_eval_on_purpose() -> None:
    text = container("self.layers = [nn.Linear(4, 4), nn.Dropout(0.5)]")
    report = confirm_rewrite(RegisterContainers, {"net.py": text})
    (outcome,) = report.outcomes
    assert outcome.verdict.kind == "confirmed", outcome.verdict.reason
    assert not outcome.would_write
    assert "eval" in outcome.rewrite.contract.behaviour
