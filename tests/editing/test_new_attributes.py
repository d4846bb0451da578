"""Names of new attributes, and the layers that feed them."""

from __future__ import annotations

import textwrap

import pytest
from editing_of import module_of

from codemod import fresh_names, producer_of

NET = """
    import torch
    import torch.nn as nn
    import torch.nn.functional as F


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)
            self.heads = nn.ModuleDict()
            self.layers = nn.ModuleList()

        def forward(self, x, mask=None):
{body}
"""


def body(*lines: str) -> str:
    return NET.format(body="\n".join(f"            {line}" for line in lines))


NAMES = [
    pytest.param("relu", [5], {5: "relu"}, id="one"),
    pytest.param("relu", [5, 9], {5: "relu1", 9: "relu2"}, id="two-are-numbered"),
    pytest.param("relu", [9, 5], {9: "relu1", 5: "relu2"}, id="in-the-order-given"),
    pytest.param("conv", [5], {5: "conv1"}, id="taken-by-a-layer"),
    pytest.param("forward", [5], {5: "forward1"}, id="taken-by-a-method"),
    pytest.param("half", [5], {5: "half1"}, id="taken-by-nn-module"),
    pytest.param("type", [5], {5: "type1"}, id="taken-by-nn-module-too"),
    pytest.param("_modules", [5], {5: "_modules1"}, id="taken-by-its-machinery"),
]


@pytest.mark.parametrize(("base", "sites", "expected"), NAMES)
def test_names(base: str, sites: list[int], expected: dict[int, str]) -> None:
    assert fresh_names(module_of(body("return x")), base, sites) == expected


def test_a_number_that_is_taken_is_passed_over() -> None:
    module = module_of(body("return self.relu2(x)"))
    assert fresh_names(module, "relu", [1, 2, 3]) == {1: "relu1", 2: "relu3", 3: "relu4"}


def test_two_transforms_of_one_pass_do_not_give_a_name_twice() -> None:
    module = module_of(body("return x"))
    assert fresh_names(module, "relu", [1]) == {1: "relu"}
    assert fresh_names(module, "relu", [2]) == {2: "relu1"}
    assert fresh_names(module, "relu", [1]) == {1: "relu"}, "a site keeps the name that it has"


LOOP = "for k, v in kwargs.items():\n            setattr(self, k, v)"
PUT = """

def put({0}, **kw):
    for k in kw:
        setattr({0}, k, kw[k])
"""
KEYWORDS = [
    pytest.param(LOOP, "Net(width=1, Net=relu)", "relu", id="none-of-the-name"),
    pytest.param("pass", "Net(relu=True)", "relu", id="sets-none"),
    pytest.param("setattr(self, 'width', kwargs)", "Net(relu=True)", "relu", id="sets-one"),
    pytest.param("pass", "put(cfg, relu=True)" + PUT.format("cfg"), "relu", id="of-settings"),
    pytest.param(LOOP, "Other(relu=True)", "relu", id="keyword-of-another"),
    pytest.param(LOOP.replace("kwargs", "vars(x)"), "Net(relu=1)", "relu", id="of-no-keywords"),
    pytest.param("pass", "put(m, act=True), relu" + PUT.format("m"), "relu", id="of-another-name"),
    pytest.param(LOOP, "Net(relu=True)", "relu1", id="keyword"),
    pytest.param(LOOP, "Net(**{'relu': True})", "relu1", id="key-of-a-table"),
    pytest.param("self.__dict__.update(kwargs)", "Net(relu=True)", "relu1", id="all-at-once"),
    pytest.param("pass", "put(Net(), relu=True)" + PUT.format("m"), "relu1", id="by-a-function"),
]


@pytest.mark.parametrize(("put", "use", "expected"), KEYWORDS)
def test_a_name_that_a_keyword_sets_is_not_taken(put: str, use: str, expected: str) -> None:
    text = textwrap.dedent(body("return x")).replace("__init__(self", "__init__(self, **kwargs")
    text = text.replace("super().__init__()", f"super().__init__()\n        {put}")
    assert fresh_names(module_of(f"{text}\n\n{use}\n"), "relu", [1]) == {1: expected}


FEEDS = [
    pytest.param(("return F.relu(self.conv(x))",), "conv", id="directly"),
    pytest.param(("x = self.conv(x)", "return F.relu(x)"), "conv", id="through-a-name"),
    pytest.param(("x = self.conv(x).mean(1)", "return F.relu(x)"), "conv", id="through-a-method"),
    pytest.param(("return F.relu(self.conv(x) + x)",), "conv", id="through-a-sum"),
    pytest.param(("return F.relu(2 * self.conv(x))",), "conv", id="through-a-factor"),
    pytest.param(("return F.relu(self.conv(x)[0])",), "conv", id="through-an-index"),
    pytest.param(("return F.relu(torch.cat([self.conv(x), x]))",), "conv", id="through-cat"),
    pytest.param(("return F.relu(F.relu6(self.conv(x)))",), "conv", id="through-a-functional"),
    pytest.param(("return F.relu(input=self.conv(x))",), "conv", id="by-keyword"),
    pytest.param(('return F.relu(self.heads["a"](x))',), "heads", id="out-of-a-container"),
    pytest.param(
        ("for layer in self.layers:", "    x = F.relu(layer(x))", "return x"), "layers", id="loop"
    ),
    pytest.param(
        ("for i, layer in enumerate(self.layers):", "    x = F.relu(layer(x))", "return x"),
        "layers",
        id="enumerated-loop",
    ),
    pytest.param(
        ("return [F.relu(layer(x)) for layer in self.layers]",), "layers", id="comprehension"
    ),
    pytest.param(("return F.relu(x)",), None, id="the-input-itself"),
    pytest.param(("return F.relu(*x)",), None, id="star"),
    pytest.param(("return F.relu(other(x))",), None, id="something-else"),
]


ATTENDS = [
    pytest.param("torch.matmul(self.q(x), x)", "v", id="one-seen"),
    pytest.param("self.q(x) @ self.k(x)", "v", id="two-seen"),
    pytest.param("torch.bmm(self.v(x), x)", "v", id="the-last-of-them"),
    pytest.param("self.q(x) + self.k(x)", "k", id="a-sum"),
    pytest.param("self.k(x)", "k", id="one-alone"),
    pytest.param("torch.matmul(self.out(x), x)", "out", id="another"),
]


@pytest.mark.parametrize(("value", "expected"), ATTENDS)
def test_a_product_comes_behind_all_layers_that_are_made_alike(value: str, expected: str) -> None:
    made = "".join(f"\n        self.{one} = nn.Linear(4, 4)" for one in "qkv")
    text = textwrap.dedent(body(f"return F.relu({value})"))
    text = text.replace("super().__init__()", f"super().__init__(){made}\n        self.out = C(4)")
    (call,) = module_of(text).calls_to("torch.nn.functional.relu")
    assert producer_of(call) == expected


@pytest.mark.parametrize(("lines", "expected"), FEEDS)
def test_producers(lines: tuple[str, ...], expected: str | None) -> None:
    module = module_of(body(*lines))
    (call,) = module.calls_to("torch.nn.functional.relu")
    assert producer_of(call) == expected
