"""`--sequential append`: a functional around the call of a Sequential becomes its last layer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from marked_cases import HEAD, NO_F, holds, net
from test_executed import build, observe

from codemod.editing.transform import Settings
from codemod.testing import confirm_rewrite
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional


class Append(FunctionalToModule):
    """With the setting of the command line's `--sequential append`."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(replace(settings or Settings(), append=True))


DICT = "from collections import OrderedDict\n\n"
BODY = "self.body = nn.Sequential(nn.Linear(4, 4))"
ACT = "self.relu = nn.ReLU()"
CALL, APART = "return F.relu(self.body(x))", "return self.relu(self.body(x))"


def appended(before: tuple[str, ...], after: tuple[str, ...], *calls: str, head: str = "") -> tuple:
    first, last = calls or (CALL, "return self.body(x)")
    left = NO_F if "F." not in last else HEAD
    return net(first, init=before, head=head + HEAD), net(last, init=after, head=head + left)


WRITTEN = {
    "one-line": appended((BODY,), ("self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU())",)),
    "arguments": appended(
        (BODY,),
        ("self.body = nn.Sequential(nn.Linear(4, 4), nn.ELU(alpha=0.5))",),
        "return F.elu(self.body(x), alpha=0.5)",
        "return self.body(x)",
    ),
    "two-in-their-order": appended(
        (BODY,),
        ("self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Softmax(dim=1))",),
        "return F.softmax(F.relu(self.body(x)), dim=1)",
        "return self.body(x)",
    ),
    "dropout-follows-the-mode": appended(
        (BODY,),
        ("self.body = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))",),
        "return F.dropout(self.body(x), 0.5, training=self.training)",
        "return self.body(x)",
    ),
    "a-layer-a-line": appended(
        ("self.body = nn.Sequential(", "    nn.Linear(4, 4),  # wide", ")"),
        ("self.body = nn.Sequential(", "    nn.Linear(4, 4),  # wide", "    nn.ReLU(),", ")"),
    ),
    "no-comma-behind-the-last": appended(
        ("self.body = nn.Sequential(", "    nn.Linear(4, 4),", "    nn.Tanh()  # last", ")"),
        (
            "self.body = nn.Sequential(",
            "    nn.Linear(4, 4),",
            "    nn.Tanh(),  # last",
            "    nn.ReLU()",
            ")",
        ),
    ),
    "bracket-behind-the-last": appended(
        ("self.body = nn.Sequential(", "    nn.Linear(4, 4),", "    nn.Tanh())"),
        (
            "self.body = nn.Sequential(",
            "    nn.Linear(4, 4),",
            "    nn.Tanh(),",
            "    nn.ReLU())",
        ),
    ),
    "an-ordered-dict": appended(
        ('self.body = nn.Sequential(OrderedDict([("fc", nn.Linear(4, 4))]))',),
        (
            "self.body = nn.Sequential(",
            '    OrderedDict([("fc", nn.Linear(4, 4)), ("relu", nn.ReLU())])',
            ")",
        ),
        head=DICT,
    ),
    "a-key-that-is-taken": appended(
        (
            "self.body = nn.Sequential(",
            "    OrderedDict([",
            '        ("relu", nn.ReLU()),',
            '        ("fc", nn.Linear(4, 4)),',
            "    ])",
            ")",
        ),
        (
            "self.body = nn.Sequential(",
            "    OrderedDict([",
            '        ("relu", nn.ReLU()),',
            '        ("fc", nn.Linear(4, 4)),',
            '        ("relu2", nn.ReLU()),',
            "    ])",
            ")",
        ),
        head=DICT,
    ),
    "call-over-lines": appended(
        (BODY,),
        ("self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU())",),
        "return F.relu(\n            self.body(x),\n        )",
        "return self.body(x)",
    ),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_appends(before: str, after: str) -> None:
    holds(Append, before, after)
    assert observe(before, (), (3, 4)) == observe(after, (), (3, 4))
    build(after, ()).load_state_dict(build(before, ()).state_dict(), strict=True)


BELOW = "\n\ndef f(m, x):\n    return m.body(x)\n"
OTHER = "\n    def other(self, x):\n        return self.body(x)\n"
TAKEN = "\n\nclass Child(Net):\n    def forward(self, x):\n        return self.body(x)\n"
# init, the result of the call, what stands below: somebody else sees what the Sequential gives.
APART_CASES = {
    "used-from-outside": ((BODY,), CALL, APART, BELOW),
    "called-in-another-method": ((BODY,), CALL, APART, OTHER),
    "called-twice": (
        (BODY,),
        "return F.relu(self.body(x)) + self.body(x)",
        "return self.relu(self.body(x)) + self.body(x)",
        "",
    ),
    "indexed": (
        (BODY,),
        "return F.relu(self.body(x)) + self.body[0](x)",
        "return self.relu(self.body(x)) + self.body[0](x)",
        "",
    ),
    "used-by-a-subclass": ((BODY,), CALL, APART, TAKEN),
    "assigned-twice": ((BODY, BODY), CALL, APART, ""),
    "layers-of-a-list": (("self.body = nn.Sequential(*[nn.Linear(4, 4)])",), CALL, APART, ""),
    "no-layer-in-it": (("self.body = nn.Sequential()",), CALL, APART, ""),
    "list-of-layers": (
        ("self.body = nn.ModuleList([nn.Linear(4, 4)])",),
        "return F.relu(self.body[0](x))",
        "return self.relu(self.body[0](x))",
        "",
    ),
    "hook-looks-at-it": ((BODY, "self.body.register_forward_hook(print)"), CALL, APART, ""),
    "in-a-list-of-names": ((BODY,), CALL, APART, "\n\nNODES = {'body': 'features'}\n"),
}


@pytest.mark.parametrize(("init", "call", "apart", "below"), APART_CASES.values(), ids=APART_CASES)
def test_a_layer_apart_where_something_sees_the_result(
    init: tuple[str, ...], call: str, apart: str, below: str
) -> None:
    after = net(apart, init=(*init, ACT), head=NO_F)
    holds(Append, net(call, init=init) + below, after + below)


def test_apart_where_it_is_not_asked_for() -> None:
    before, _ = WRITTEN["one-line"]
    holds(FunctionalToModule, before, net(APART, init=(BODY, ACT), head=NO_F))


@pytest.mark.parametrize("name", ["one-line", "two-in-their-order", "a-layer-a-line"])
def test_there_and_back(name: str) -> None:
    before, after = WRITTEN[name]
    holds(Append, before, after)
    holds(ModuleToFunctional, after, before)


def test_is_confirmed() -> None:
    source = WRITTEN["two-in-their-order"][0]
    source += "\n\nif __name__ == '__main__':\n    Net()(torch.randn(2, 4))\n"
    report = confirm_rewrite(Append, {"net.py": source})
    assert [item.verdict.kind for item in report.outcomes] == ["confirmed", "confirmed"]
