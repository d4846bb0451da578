"""A call with another function, fewer arguments, more arguments, comments and line breaks."""

from __future__ import annotations

import pytest
from editing_of import applied, module_of

from codemod import rewrite_call


def rewritten(call: str, keep: list[int], *extra: str, length: int = 88) -> str:
    """The call after it, taken out of a method that returns it."""
    head = "import torch.nn as nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
    module = module_of(f"{head}        return {call}\n")
    outer = max(module.calls, key=lambda item: item.layout.end - item.layout.start)
    text = applied(module, rewrite_call(outer, "g", keep, extra, length))
    assert text.startswith(f"{head}        return ")
    return text[len(f"{head}        return ") : -1]


CALLS = [
    pytest.param("f(x)", [0], (), "g(x)", id="name-alone"),
    pytest.param("f()", [], (), "g()", id="nothing"),
    pytest.param("f()", [], ("1", "a=2"), "g(1, a=2)", id="added-to-nothing"),
    pytest.param("f(x)", [0], ("1", "a=2"), "g(x, 1, a=2)", id="added"),
    pytest.param("f(x,)", [0], ("1",), "g(x, 1,)", id="added-before-a-trailing-comma"),
    pytest.param("f(x, 1, a=2)", [0], (), "g(x)", id="dropped-behind"),
    pytest.param("f(1, x)", [1], (), "g(x)", id="dropped-before"),
    pytest.param("f(a=1, input=x, b=2)", [1], (), "g(input=x)", id="dropped-around"),
    pytest.param("f(x, 1, y)", [0, 2], (), "g(x, y)", id="dropped-between"),
    pytest.param("f(x, 1)", [], (), "g()", id="all-dropped"),
    pytest.param("f(x, 1,)", [0], (), "g(x)", id="dropped-with-a-trailing-comma"),
    pytest.param("f(x, 1)", [0], ("2",), "g(x, 2)", id="dropped-and-added"),
    pytest.param("f ( x )", [0], (), "g ( x )", id="spaces-stay"),
    pytest.param("(f)(x)", [0], (), "(g)(x)", id="parentheses-around-the-function"),
    pytest.param("a.b[0].f(x, 1)", [0], (), "g(x)", id="function-is-an-expression"),
    pytest.param("f((x), (1))", [0], (), "g((x))", id="parentheses-around-arguments"),
    pytest.param("f((x, 1), [2, 3])", [0], (), "g((x, 1))", id="commas-in-arguments"),
    pytest.param("f('a,b)', \"(\", x)", [2], (), "g(x)", id="brackets-in-strings"),
    pytest.param("f(lambda a, b: a, 1)", [0], (), "g(lambda a, b: a)", id="lambda"),
    pytest.param(
        "f(lambda a=lambda b, c: b, *d: (a, d), x=1)",
        [0],
        (),
        "g(lambda a=lambda b, c: b, *d: (a, d))",
        id="lambda-in-a-lambda",
    ),
    pytest.param("f(x[1:2, 0], {1: 2, 3: 4}, 5)", [0], (), "g(x[1:2, 0])", id="slices"),
    pytest.param("f(*x, 1)", [0], (), "g(*x)", id="star"),
    pytest.param("f(x, **k)", [0, 1], ("a=1",), "g(x, **k, a=1)", id="double-star"),
    pytest.param("f(x if a else y, 1)", [0], (), "g(x if a else y)", id="conditional"),
    pytest.param("f(y := x, 1)", [0], (), "g(y := x)", id="walrus"),
    pytest.param("f('''a\n\nb''', 1)", [0], (), "g('''a\n\nb''')", id="string-over-lines"),
    pytest.param(
        "f(\n            x,\n            1,\n        )",
        [0],
        (),
        "g(x)",
        id="lines-that-fit-on-one",
    ),
    pytest.param(
        "f(\n            x,\n            1,\n        )",
        [0, 1],
        (),
        "g(\n            x,\n            1,\n        )",
        id="lines-stay-where-nothing-is-dropped",
    ),
    pytest.param(
        "f(  # why\n            x, 1)",
        [0],
        (),
        "g(  # why\n            x, )",
        id="comment-behind-the-parenthesis",
    ),
    pytest.param(
        "f(\n            x,  # in\n            1,  # one\n        )",
        [0],
        ("2",),
        "g(\n            x, 2,  # in\n            # one\n        )",
        id="comment-of-a-dropped-argument",
    ),
]


@pytest.mark.parametrize(("call", "keep", "extra", "expected"), CALLS)
def test_calls(call: str, keep: list[int], extra: tuple[str, ...], expected: str) -> None:
    assert rewritten(call, keep, *extra) == expected
