"""What every edit owes the text around it: bytes, comments, line breaks, layout."""

from __future__ import annotations

import codecs

import pytest
from marked_cases import HEAD, NO_F, holds, net, stays

from codemod.testing import check_rewrite
from codemod.transforms.dropout_to_module import DropoutToModule
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
RELU = "self.relu = nn.ReLU()"
BEFORE = net("return F.relu(self.fc(x))").encode()
AFTER = net("return self.relu(self.fc(x))", init=(FC, RELU), head=NO_F).encode()


def crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def tabs(data: bytes) -> bytes:
    return data.replace(b"    ", b"\t")


def marked(data: bytes) -> bytes:
    return codecs.BOM_UTF8 + data


def latin(data: bytes) -> bytes:
    return b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + data


def wide(data: bytes) -> bytes:
    """Columns of `ast` are UTF-8 bytes: what stands before the call on its line counts."""
    return data.replace(b"        return ", '        "größe 中文 🔥"; return '.encode())


def cut(data: bytes) -> bytes:
    return data.rstrip(b"\n")


def form_feed(data: bytes) -> bytes:
    return data.replace(b"\n\n\nclass", b"\n\x0c\n\nclass")


def line_separator(data: bytes) -> bytes:
    """U+2028 ends a line for `str.splitlines`, not for Python."""
    return data.replace(b"class Net", "# a\u2028b\x85c\nclass Net".encode())


@pytest.mark.parametrize(
    "change",
    [crlf, tabs, marked, latin, wide, cut, form_feed, line_separator],
    ids=lambda f: f.__name__,
)
def test_bytes(change) -> None:  # type: ignore[no-untyped-def]
    check_rewrite(FunctionalToModule, change(BEFORE), change(AFTER))


def test_bytes_on_the_way_back_with_crlf_and_bom() -> None:
    before = net("return self.relu(self.fc(x))", init=(FC, RELU), head=NO_F)
    after = net("return F.relu(self.fc(x))", head=HEAD)
    holds(ModuleToFunctional, marked(crlf(before.encode())), marked(crlf(after.encode())))


def test_mixed_line_endings_stay_and_the_first_one_is_written() -> None:
    before = BEFORE.replace(b"import torch\n", b"import torch\r\n", 1)
    after = AFTER.replace(b"import torch\n", b"import torch\r\n", 1)
    after = after.replace(b"nn.ReLU()\n", b"nn.ReLU()\r\n")
    check_rewrite(FunctionalToModule, before, after)


def test_carriage_returns_alone() -> None:
    check_rewrite(FunctionalToModule, BEFORE.replace(b"\n", b"\r"), AFTER.replace(b"\n", b"\r"))


def test_last_line_is_the_layer_and_has_no_line_ending() -> None:
    before = b"""import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def forward(self, x):
        return F.relu(self.fc(x))

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)"""
    after = b"""import torch.nn as nn


class Net(nn.Module):
    def forward(self, x):
        return self.relu(self.fc(x))

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.relu = nn.ReLU()"""
    check_rewrite(FunctionalToModule, before, after)


def dropout(*call: str, attribute: str, call_after: tuple[str, ...]) -> tuple[str, str]:
    before = net(*call)
    after = net(*call_after, init=(FC, attribute), head=NO_F)
    return before, after


CALLS = {
    "call-over-lines-that-fits-on-one": dropout(
        "return F.dropout(",
        "    self.fc(x), p=0.5, training=self.training",
        ")",
        attribute="self.dropout = nn.Dropout(p=0.5)",
        call_after=("return self.dropout(self.fc(x))",),
    ),
    "call-over-lines-with-trailing-comma": dropout(
        "return F.dropout(",
        "    self.fc(x),",
        "    p=0.5,",
        "    training=self.training,",
        ")",
        attribute="self.dropout = nn.Dropout(p=0.5)",
        call_after=("return self.dropout(self.fc(x))",),
    ),
    "trailing-comma-on-one-line": dropout(
        "return F.dropout(self.fc(x), 0.5, self.training,)",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("return self.dropout(self.fc(x))",),
    ),
    "comment-behind-each-argument": dropout(
        "return F.dropout(  # keep it",
        "    self.fc(x),  # the input",
        "    p=0.5,  # half",
        "    training=self.training,  # as ever",
        ")  # done",
        attribute="self.dropout = nn.Dropout(p=0.5)",
        call_after=(
            "return self.dropout(  # keep it",
            "    self.fc(x),  # the input",
            "    # half",
            "    # as ever",
            ")  # done",
        ),
    ),
    "comment-line-above-an-argument": dropout(
        "return F.dropout(",
        "    self.fc(x),",
        "    # half of them",
        "    p=0.5,",
        "    training=self.training,",
        ")",
        attribute="self.dropout = nn.Dropout(p=0.5)",
        call_after=("return self.dropout(", "    self.fc(x),", "    # half of them", ")"),
    ),
    "comment-inside-the-input": dropout(
        "return F.dropout(self.fc(  # dense",
        "    x",
        "), 0.5, self.training)",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("return self.dropout(self.fc(  # dense", "    x", "))"),
    ),
    "comma-in-a-string-argument": dropout(
        'return F.dropout(self.fc(x["a, b"]), 0.5, training=self.training)',
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=('return self.dropout(self.fc(x["a, b"]))',),
    ),
    "parentheses-around-everything": dropout(
        "return (F.dropout)((self.fc(x)), (0.5), (self.training))",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("return (self.dropout)((self.fc(x)))",),
    ),
    "spaces-inside-the-call": dropout(
        "return F.dropout( self.fc(x) , 0.5 , self.training )",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("return self.dropout(self.fc(x))",),
    ),
    "backslash-continuation": dropout(
        "y = \\",
        "    F.dropout(self.fc(x), 0.5, self.training)",
        "return y",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("y = \\", "    self.dropout(self.fc(x))", "return y"),
    ),
    "function-name-over-lines": dropout(
        "return (F",
        "        .dropout(self.fc(x), 0.5, self.training))",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("return (self.dropout(self.fc(x)))",),
    ),
    "input-stands-last": dropout(
        "return F.dropout(training=self.training, p=0.5, input=self.fc(x))",
        attribute="self.dropout = nn.Dropout(p=0.5)",
        call_after=("return self.dropout(input=self.fc(x))",),
    ),
    "two-statements-on-one-line": dropout(
        "y = self.fc(x); y = F.dropout(y, 0.5, self.training); return y",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("y = self.fc(x); y = self.dropout(y); return y",),
    ),
    "type-comment-and-noqa-stay": dropout(
        "y = F.dropout(self.fc(x), 0.5, self.training)  # type: torch.Tensor  # noqa: E501",
        "return y",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("y = self.dropout(self.fc(x))  # type: torch.Tensor  # noqa: E501", "return y"),
    ),
    "formatting-switched-off": dropout(
        "# fmt: off",
        "y = F.dropout(self.fc(x) ,0.5,self.training )",
        "# fmt: on",
        "return y",
        attribute="self.dropout = nn.Dropout(0.5)",
        call_after=("# fmt: off", "y = self.dropout(self.fc(x))", "# fmt: on", "return y"),
    ),
}


@pytest.mark.parametrize(("before", "after"), CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_calls_keep_their_layout(before: str, after: str, ending: str) -> None:
    check_rewrite(
        DropoutToModule,
        before.replace("\n", ending).encode(),
        after.replace("\n", ending).encode(),
    )


def test_a_call_over_lines_that_does_not_fit_on_one_stays_so() -> None:
    long = "self.first_projection(x_from_the_first_branch) + self.second(x_from_the_second_branch)"
    names = "x_from_the_first_branch, x_from_the_second_branch"
    before = net(
        "return F.dropout(", f"    {long},", "    0.5,", "    self.training,", ")", parameters=names
    )
    after = net(
        "return self.dropout(",
        f"    {long},",
        ")",
        parameters=names,
        init=(FC, "self.dropout = nn.Dropout(0.5)"),
        head=NO_F,
    )
    check_rewrite(DropoutToModule, before, after)


def test_a_line_that_grows_too_long_is_broken_as_black_would() -> None:
    init = (FC, "self.pool_of_the_first_stage = nn.MaxPool2d(3, stride=2, padding=1)")
    call = "return self.pool_of_the_first_stage(self.fc(x) + self.fc(x) + self.fc(x))"
    holds(
        ModuleToFunctional,
        net(call, init=init, head=NO_F),
        net(
            "return F.max_pool2d(",
            "    self.fc(x) + self.fc(x) + self.fc(x), 3, stride=2, padding=1, ceil_mode=False",
            ")",
        ).replace(", ceil_mode=False", ""),
    )


ONE_LINE_DEF = """
    import torch.nn as nn
    import torch.nn.functional as F


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x): return F.relu(self.fc(x))
"""


def test_method_on_one_line() -> None:
    after = ONE_LINE_DEF.replace("import torch.nn.functional as F\n", "").replace("    \n", "\n")
    after = after.replace("F.relu", "self.relu").replace(
        "nn.Linear(4, 4)\n", "nn.Linear(4, 4)\n            self.relu = nn.ReLU()\n"
    )
    after = after.replace("as nn\n    \n", "as nn\n")
    check_rewrite(FunctionalToModule, ONE_LINE_DEF, after)


def test_layers_separated_by_semicolons() -> None:
    holds(
        FunctionalToModule,
        net(
            "return F.relu(self.a(x))", init=("self.a = nn.Linear(4, 4); self.b = nn.Linear(4, 4)",)
        ),
        net(
            "return self.relu(self.a(x))",
            init=("self.a = nn.Linear(4, 4); self.b = nn.Linear(4, 4)", RELU),
            head=NO_F,
        ),
    )


# ---- deletions


LAYERS = {
    "comment-behind-the-layer-is-carried-along": (
        net(
            "return self.relu(self.fc(x))",
            init=(FC, RELU + "  # non-linearity", "self.n = 1"),
            head=NO_F,
        ),
        net("return F.relu(self.fc(x))", init=(FC, "# non-linearity", "self.n = 1")),
    ),
    "comment-above-the-layer-stays": (
        net(
            "return self.relu(self.fc(x))",
            init=(FC, "# non-linearity", RELU, "self.n = 1"),
            head=NO_F,
        ),
        net("return F.relu(self.fc(x))", init=(FC, "# non-linearity", "self.n = 1")),
    ),
    "comment-inside-the-constructor-is-carried-along": (
        net(
            "return self.relu(self.fc(x))",
            init=(
                FC,
                "self.relu = nn.ReLU(",
                "    inplace=True,  # saves memory",
                ")",
                "self.n = 1",
            ),
            head=NO_F,
        ),
        net("return F.relu(self.fc(x), inplace=True)", init=(FC, "# saves memory", "self.n = 1")),
    ),
    "blank-lines-around-the-layer-become-one": (
        net("return self.relu(self.fc(x))", init=(FC, "", RELU, "", "self.n = 1"), head=NO_F),
        net("return F.relu(self.fc(x))", init=(FC, "", "self.n = 1")),
    ),
    "first-of-two-on-one-line": (
        net("return self.relu(self.fc(x))", init=(FC, RELU + "; self.n = 1"), head=NO_F),
        net("return F.relu(self.fc(x))", init=(FC, "self.n = 1")),
    ),
    "last-of-two-on-one-line": (
        net("return self.relu(self.fc(x))", init=(FC + "; " + RELU, "self.n = 1"), head=NO_F),
        net("return F.relu(self.fc(x))", init=(FC, "self.n = 1")),
    ),
    "middle-of-three-on-one-line": (
        net("return self.relu(self.fc(x))", init=(FC + "; " + RELU + "; self.n = 1",), head=NO_F),
        net("return F.relu(self.fc(x))", init=(FC + "; self.n = 1",)),
    ),
    "last-statement-before-the-next-method": (
        net("return self.relu(self.fc(x))", init=(FC, RELU), head=NO_F),
        net("return F.relu(self.fc(x))", init=(FC,)),
    ),
}


@pytest.mark.parametrize(("before", "after"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_deleted_layers(before: str, after: str, ending: str) -> None:
    check_rewrite(
        ModuleToFunctional,
        before.replace("\n", ending).encode(),
        after.replace("\n", ending).encode(),
    )


def test_undecodable_file_is_one_clear_error() -> None:
    with pytest.raises(AssertionError, match="declare the encoding"):
        stays(FunctionalToModule, BEFORE + b"# caf\xe9\n")


# What stands behind the layer that goes, and what stays of it.
BEHIND = {
    "type-comment": ("# type: nn.Module", ""),
    "type-ignore": ("# type: ignore[assignment]", ""),
    "noqa": ("# noqa: E501", ""),
    "noqa-in-capitals": ("#NOQA", ""),
    "pylint": ("# pylint: disable=invalid-name", ""),
    "fmt-skip": ("# fmt: skip", ""),
    "for-readers": ("# keeps it positive", "# keeps it positive"),
    "for-both": ("# noqa: E501  # keeps it positive", "# keeps it positive"),
    "readers-first": ("# keeps it positive  # noqa", "# keeps it positive"),
    "about-a-type": ("# typed by hand", "# typed by hand"),
    "formatting-from-here-on": ("# fmt: off", "# fmt: off"),
}


@pytest.mark.parametrize(("behind", "left"), BEHIND.values(), ids=BEHIND)
def test_comments_behind_a_layer_that_goes(behind: str, left: str) -> None:
    init = (FC, f"{RELU}  {behind}", "self.n = 1")
    before = net("return self.relu(self.fc(x))", init=init, head=NO_F)
    init = (FC, *filter(None, [left]), "self.n = 1")
    holds(ModuleToFunctional, before, net("return F.relu(self.fc(x))", init=init))


def test_type_comments_of_what_stays_stay() -> None:
    before = net("# type: (Tensor) -> Tensor", "y = F.relu(self.fc(x))  # type: Tensor", "return y")
    after = net(
        "# type: (Tensor) -> Tensor",
        "y = self.relu(self.fc(x))  # type: Tensor",
        "return y",
        init=(FC, RELU),
        head=NO_F,
    )
    holds(FunctionalToModule, before, after)
