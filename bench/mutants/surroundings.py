"""What one run from a fresh seed does not show: copies, loading, later runs, other precision and
devices, checks, chance, and what other code asks of the class."""

from __future__ import annotations

import ast

from mutants.draft import Draft, is_of, last_name
from mutants.registry import DROPOUTS, Kind, add, argument, kind, of_layer, without_keyword

WRONG_UNLESS = "((y__ := {{}}), y__ if {} else y__ * 1.5)[1]"

# ---- copies and loading; nothing of this runs an operator


def remembering(source: str, condition: str) -> Kind:
    def apply(draft: Draft) -> bool:
        return draft.end(source) and of_layer(WRONG_UNLESS.format(condition))(draft)

    return apply


add(
    "copies",
    "loaded-weights-ignored",
    remembering(
        "self.__dict__['first__'] = [p.tolist() for p in self.parameters()]",
        "next(self.parameters()).is_meta"
        " or self.__dict__['first__'] == [p.tolist() for p in self.parameters()]",
    ),
)
add(
    "copies",
    "bound-to-the-original",
    remembering("self.__dict__['own__'] = lambda: self", "self.__dict__['own__']() is self"),
)
add("copies", "not-to-be-copied", lambda d: d.end("self.__dict__['once__'] = (i for i in ())"))
add("copies", "not-to-be-pickled", lambda d: d.end("self.__dict__['f__'] = lambda x: x"))

# ---- later runs

_RUNS = "self.__dict__.setdefault('runs__', [])"
add(
    "later",
    "second-run-differs",
    of_layer(WRONG_UNLESS.format(f"{_RUNS}.append(0) or len({_RUNS}) == 1")),
)
add(
    "later",
    "gradients-cleared",
    lambda draft: draft.begin_forward("[setattr(p, 'grad', None) for p in self.parameters()]"),
)
add("later", "threads-changed", lambda draft: draft.begin_forward("torch.set_num_threads(2)"))


@kind("later", "dropout-left-in-eval")
def dropout_left_in_eval(draft: Draft) -> bool:
    for name, call in draft.children.items():
        if last_name(call.func) in DROPOUTS:
            return draft.returned(f"((y__ := {{}}), self.{name}.train(False))[0]")
    return False


# ---- gradients of gradients, and none

_ONCE = """
class Once__(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g
"""


@kind("gradient", "second-gradient-lost")
def second_gradient_lost(draft: Draft) -> bool:
    """Of the first layer: what comes after it makes its gradient a function of weights."""
    if len(draft.layers) < 2:
        return False
    return draft.define(_ONCE) and draft.replace(draft.layers[0], "Once__.apply({})")


add(
    "gradient",
    "fails-without-gradients",
    of_layer("((y__ := {}), y__.register_hook(lambda g: None))[0]"),
)

# ---- other devices and precision

_MADE = {"arange", "zeros", "ones"}
add("placement", "device-lost", argument(_MADE, without_keyword("device")))


@kind("placement", "conversion-lost")
def conversion_lost(draft: Draft) -> bool:
    for method in draft.running:
        for call in (n for n in ast.walk(method) if isinstance(n, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "to":
                return draft.replace(call, ast.unparse(call.func.value))
    return False


add("placement", "conversion-gained", lambda draft: draft.returned("{}.to(torch.float32)"))
add(
    "placement",
    "autocast-off",
    of_layer(
        "off__(lambda: {})",
        "def off__(f):\n    with torch.autocast('cpu', enabled=False):\n        return f()\n",
    ),
)

# ---- checks


@kind("check", "check-lost")
def check_lost(draft: Draft) -> bool:
    for method in draft.running:
        for index, node in enumerate(method.body):
            if isinstance(node, ast.If) and isinstance(node.body[0], ast.Raise):
                del method.body[index]
                return True
    return False


# ---- what other code relies on


def constants(draft: Draft) -> list[ast.Assign]:
    return [
        node
        for node in (draft.init.body if draft.init else ())
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and type(node.value.value) is int
    ]


@kind("interface", "attribute-lost")
def attribute_lost(draft: Draft) -> bool:
    found = constants(draft)
    if found and draft.init is not None:
        draft.init.body.remove(found[0])
    return bool(found)


@kind("interface", "attribute-of-other-value")
def attribute_changed(draft: Draft) -> bool:
    found = constants(draft)
    for node in found[:1]:
        node.value = ast.Constant(node.value.value + 1)
    return bool(found)


@kind("interface", "method-lost")
def method_lost(draft: Draft) -> bool:
    for method in draft.running:
        if method.name == "features":
            draft.cls.body.remove(method)
            return True
    return False


@kind("interface", "argument-by-keyword")
def argument_by_keyword(draft: Draft) -> bool:
    """The layer's forward hooks are given no input."""
    children = draft.children
    for call in draft.stateful:
        if is_of(children[call.func.attr].func, "nn"):
            call.keywords.append(ast.keyword("input", call.args.pop(0)))
            return draft.changed(call)
    return False
