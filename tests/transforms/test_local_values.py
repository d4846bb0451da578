"""Arguments that are local names: which of them stand for one value."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.transforms.functional_to_module import FunctionalToModule

MARK = "  #! argument-not-static"
POOL = f"return F.max_pool2d(x, k){MARK}"
FC = "self.fc = nn.Linear(4, 4)"
SIZE = "self.size = size"

REFUSED = {
    "of-the-input": net("k = x.shape[-1]", POOL),
    "of-the-input-by-another-name": net("n = x.shape[-1]", "k = n // 2", POOL),
    "bound-twice": net("k = 2", "if x.dim() > 3:", "    k = 3", POOL),
    "changed-in-place": net("k = 2", "k += 1", POOL),
    "bound-under-a-condition": net("if x.dim() > 3:", "    k = 2", POOL),
    "bound-after-the-call": net(
        "def pool(x):", f"    return F.max_pool2d(x, k){MARK}", "k = 2", "return pool(x)"
    ),
    "changed-by-a-function-inside": net(
        "k = 2", "def more():", "    nonlocal k", "    k = 3", "more()", POOL
    ),
    "also-a-parameter": net("k = 2", POOL, parameters="x, k=3"),
    "also-a-loop-variable": net("k = 2", "for k in (2, 3):", "    pass", POOL),
    "of-a-comprehension": net("k = 2", f"return [F.max_pool2d(x, k) for k in (2, 3)]{MARK}", "#"),
    "list-that-grows": net("k = [2]", "k.append(2)", POOL),
    "list-of-which-an-item-is-set": net("k = [2, 2]", "k[0] = 3", POOL),
    "list-that-is-handed-on": net("k = [2, 2]", "change(k)", POOL),
    "attribute-of-which-an-item-is-set": net(
        "k = self.size", "k[0] = 3", POOL, init=(FC, SIZE), taken="size"
    ),
    "attribute-that-is-set-again": net("k = self.size", POOL, init=(FC, SIZE), taken="size")
    + "\n    def grow(self):\n        self.size = 3\n",
    "starred": net("k, *rest = self.size", POOL, init=(FC, SIZE), taken="size"),
    "of-several-targets": net("k = n = 2", POOL),
    "unpacked-from-the-input": net("k, n = x.shape[2:]", POOL),
    "set-by-name": net("k = 2", "locals()['k'] = 3", POOL),
    "file-level-and-local": net("k = SIZE", "SIZE = 2", POOL),
    "training": net("k = 2 if self.training else 3", POOL),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(FunctionalToModule, source)


def written(
    *forward: str, made: str, left: tuple[str, ...] = (), init: tuple[str, ...] = (FC,)
) -> tuple[str, str]:
    """A call at the end of `forward`, and `left` of what stood before it."""
    name = made.partition(" ")[0]
    return (
        net(*forward, init=init, taken="size"),
        net(*left, f"return {name}(x)", init=(*init, made), taken="size", head=NO_F),
    )


CALL = "return F.max_pool2d(x, k)"
WRITTEN = {
    "number": written("k = 3", CALL, made="self.pool = nn.MaxPool2d(3)"),
    "annotated": written(
        "k: int = 3", CALL, made="self.pool = nn.MaxPool2d(3)", left=("k: int = 3",)
    ),
    "read-elsewhere-too": written(
        "k = 3",
        "x = x / k",
        CALL,
        made="self.pool = nn.MaxPool2d(3)",
        left=("k = 3", "x = x / k"),
    ),
    "attribute": written(
        "k = self.size", CALL, made="self.pool = nn.MaxPool2d(self.size)", init=(FC, SIZE)
    ),
    "operation-in-an-operation": written(
        "k = self.size - 1",
        "return F.max_pool2d(x, k * 2)",
        made="self.pool = nn.MaxPool2d((self.size - 1) * 2)",
        init=(FC, SIZE),
    ),
    "name-of-a-name": written(
        "n = self.size",
        "k = n // 2",
        CALL,
        made="self.pool = nn.MaxPool2d(self.size // 2)",
        init=(FC, SIZE),
        left=("n = self.size",),
    ),
    "unpacked-attribute": written(
        "h, w = self.size",
        "return F.max_pool2d(x, (h, w))",
        made="self.pool = nn.MaxPool2d((self.size[0], self.size[1]))",
        init=(FC, SIZE),
        left=("h, w = self.size",),
    ),
    "unpacked-tuple": written(
        "n, k = 2, 3", CALL, made="self.pool = nn.MaxPool2d(3)", left=("n, k = 2, 3",)
    ),
    "list-for-this-call": written(
        "pads = [1, 2, 1, 2]",
        "return F.pad(x, pads)",
        made="self.pad = nn.ZeroPad2d((1, 2, 1, 2))",
    ),
    "mode": written(
        "how = 'reflect'",
        "return F.pad(x, (1, 1), mode=how)",
        made="self.pad = nn.ReflectionPad1d(1)",
    ),
}


@pytest.mark.parametrize(("before", "after"), WRITTEN.values(), ids=WRITTEN)
def test_rewrites(before: str, after: str) -> None:
    holds(FunctionalToModule, before, after)


def test_one_name_of_two_calls_stays() -> None:
    holds(
        FunctionalToModule,
        net("k = 3", "x = F.max_pool2d(x, k)", "return F.avg_pool2d(x, k)"),
        net(
            "k = 3",
            "x = self.pool(x)",
            "return self.avg_pool(x)",
            init=(FC, "self.pool = nn.MaxPool2d(3)", "self.avg_pool = nn.AvgPool2d(3)"),
            head=NO_F,
        ),
    )


def test_a_function_inside_reads_what_stands_before_it() -> None:
    before = net("k = 3", "pool = lambda y: F.max_pool2d(y, k)", "return pool(x)")
    made = (FC, "self.pool = nn.MaxPool2d(3)")
    holds(
        FunctionalToModule,
        before,
        net("pool = lambda y: self.pool(y)", "return pool(x)", init=made, head=NO_F),
    )


def test_a_comment_beside_it_stays() -> None:
    holds(
        FunctionalToModule,
        net("k = 3  # as in the paper", CALL),
        net(
            "# as in the paper",
            "return self.pool(x)",
            init=(FC, "self.pool = nn.MaxPool2d(3)"),
            head=NO_F,
        ),
    )
