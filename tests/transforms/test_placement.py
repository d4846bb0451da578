"""Where a new layer stands in `__init__`, and its number."""

from __future__ import annotations

import pytest
from marked_cases import HEAD, NO_F, holds, net

from codemod.transforms.functional_to_module import FunctionalToModule

WIDE = "self.v = nn.Linear(4, 8)"
Q, K, V = (f"self.{name} = nn.Linear(4, 4)" for name in "qkv")
RELU = "self.relu = nn.ReLU()"
SOFTMAX = "self.softmax = nn.Softmax(dim=-1)"

PLACES = {
    "product-of-two-layers-that-are-made-alike": (
        ("return F.softmax(self.q(x) @ self.k(x).T, dim=-1) @ self.v(x)",),
        ("return self.softmax(self.q(x) @ self.k(x).T) @ self.v(x)",),
        (Q, K, V, SOFTMAX),
    ),
    "product-of-two-layers": (
        ("return F.softmax(self.q(x) @ self.k(x).T, dim=-1) @ self.v(x)",),
        ("return self.softmax(self.q(x) @ self.k(x).T) @ self.v(x)",),
        (Q, K, SOFTMAX, WIDE),
    ),
    "product-by-a-function": (
        ("q, k = self.q(x), self.k(x)", "return F.softmax(x.new(q, k), dim=-1)"),
        ("q, k = self.q(x), self.k(x)", "return self.softmax(x.new(q, k))"),
        (Q, K, V, SOFTMAX),
    ),
    "product-by-a-function-of-torch": (
        ("q, k = self.q(x), self.k(x)", "return F.softmax(torch.matmul(q, k), dim=-1)"),
        ("q, k = self.q(x), self.k(x)", "return self.softmax(torch.matmul(q, k))"),
        (Q, K, V, SOFTMAX),
    ),
    "product-by-a-method": (
        ("q = self.q(x)", "k = self.k(x)", "return F.softmax(q.matmul(k), dim=-1)"),
        ("q = self.q(x)", "k = self.k(x)", "return self.softmax(q.matmul(k))"),
        (Q, K, V, SOFTMAX),
    ),
    "sum-in-place": (
        ("y = self.q(x)", "y += self.k(x)", "return F.relu(y)"),
        ("y = self.q(x)", "y += self.k(x)", "return self.relu(y)"),
        (Q, K, RELU, V),
    ),
    "one-of-two-branches": (
        ("y = self.k(x) if x.sum() > 0 else self.q(x)", "return F.relu(y)"),
        ("y = self.k(x) if x.sum() > 0 else self.q(x)", "return self.relu(y)"),
        (Q, K, RELU, V),
    ),
    "part-of-one-layer": (
        ("a, b = self.q(x).chunk(2)", "return F.relu(b)"),
        ("a, b = self.q(x).chunk(2)", "return self.relu(b)"),
        (Q, RELU, K, V),
    ),
    "method-of-a-tensor": (
        ("return self.q(x).relu()",),
        ("return self.relu(self.q(x))",),
        (Q, RELU, K, V),
    ),
    "one-of-several-that-a-loop-goes-over": (
        ("for a, b in zip(self.q, self.k):", "    x = F.relu(b(a(x)))", "return x"),
        ("for a, b in zip(self.q, self.k):", "    x = self.relu(b(a(x)))", "return x"),
        (Q, K, RELU, V),
    ),
    "layer-that-a-loop-counts": (
        ("for i, (a, b) in enumerate(zip(self.k, self.q)):", "    x = F.relu(b(x))", "return x"),
        ("for i, (a, b) in enumerate(zip(self.k, self.q)):", "    x = self.relu(b(x))", "return x"),
        (Q, RELU, K, V),
    ),
    "name-that-stands-for-itself": (
        ("for _ in range(2):", "    x = F.relu(x)", "return x"),
        ("for _ in range(2):", "    x = self.relu(x)", "return x"),
        (Q, K, V, RELU),
    ),
    "numbered-as-init-makes-them": (
        ("return F.relu(self.q(F.relu(self.k(x))))",),
        ("return self.relu1(self.q(self.relu2(self.k(x))))",),
        (Q, "self.relu1 = nn.ReLU()", K, "self.relu2 = nn.ReLU()", V),
    ),
}


@pytest.mark.parametrize(("before", "after", "init"), PLACES.values(), ids=PLACES)
def test_stands_behind_the_last_layer_that_feeds_it(
    before: tuple[str, ...], after: tuple[str, ...], init: tuple[str, ...]
) -> None:
    head = NO_F if "F." in "".join(before) else HEAD
    made = (Q, K, WIDE if WIDE in init else V)
    holds(FunctionalToModule, net(*before, init=made), net(*after, init=init, head=head))
