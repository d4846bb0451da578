"""A call dropped, doubled, moved or of another child; code that does not hold together, or run."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mutants.draft import Draft, expression, is_of, last_name
from mutants.registry import (
    Kind,
    add,
    kind,
)

# ---- sites


@kind("site", "site-dropped")
def site_dropped(draft: Draft) -> bool:
    calls = draft.stateless
    return bool(calls) and draft.replace(calls[0], ast.unparse(calls[0].args[0]))


@kind("site", "site-doubled")
def site_doubled(draft: Draft) -> bool:
    calls = draft.stateless
    if not calls:
        return False
    doubled = ast.Call(calls[0].func, [calls[0], *calls[0].args[1:]], calls[0].keywords)
    return draft.replace(calls[0], expression(ast.unparse(doubled)))


@kind("site", "site-before-its-layer")
def site_before(draft: Draft) -> bool:
    return _exchanged(draft, lambda name: name not in ("dropout", "Dropout"))


def _exchanged(draft: Draft, wanted: Callable[[str], bool]) -> bool:
    """`f(g(x))` becomes `g(f(x))`."""
    stateless, layers = draft.stateless, draft.layers
    for outer in stateless:
        inner = outer.args[0]
        if inner in layers and isinstance(inner, ast.Call) and wanted(_layer(draft, outer)):
            outer.args[0], inner.args[0] = inner.args[0], outer
            return _put(draft, outer, inner)
    return False


def _put(draft: Draft, outer: ast.Call, inner: ast.Call) -> bool:
    new = expression(ast.unparse(inner))
    inner.args[0] = ast.Constant(None)  # Break the ring before the outer call is looked for.
    return draft.replace(outer, new)


def _layer(draft: Draft, call: ast.Call) -> str:
    name = last_name(call.func)
    return last_name(draft.children[name].func) if name in draft.children else name


@kind("dropout", "dropout-before-its-layer")
def dropout_before(draft: Draft) -> bool:
    return _exchanged(draft, lambda name: name in ("dropout", "Dropout"))


@kind("site", "other-child")
def other_child(draft: Draft) -> bool:
    """Another child of the same form is called: weights are used in the wrong place."""
    children = draft.children
    for call in draft.stateful:
        own = call.func.attr
        for name, made in children.items():
            if name != own and ast.unparse(made) == ast.unparse(children[own]):
                call.func.attr = name
                return draft.changed(call)
    return False


@kind("site", "child-shared")
def child_shared(draft: Draft) -> bool:
    children = draft.children
    names = list(children)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            same = ast.unparse(children[first]) == ast.unparse(children[second])
            if same and last_name(children[first].func) in ("Linear", "Conv2d", "conv_block"):
                return draft.replace(children[second], f"self.{first}")
    return False


@kind("site", "sum-of-one-branch")
def one_branch(draft: Draft) -> bool:
    for node in _of_type(draft, ast.BinOp):
        if isinstance(node.op, ast.Add) and _holds_call(node):
            return draft.replace(node, f"({ast.unparse(node.left)}) + ({ast.unparse(node.left)})")
    return False


@kind("site", "difference-for-sum")
def difference(draft: Draft) -> bool:
    for node in _of_type(draft, ast.BinOp):
        if isinstance(node.op, ast.Add) and _holds_call(node):
            node.op = ast.Sub()
            return draft.changed(node)
    return False


@kind("site", "concatenated-in-other-order")
def other_order(draft: Draft) -> bool:
    for call in draft.functionals:
        if last_name(call.func) in ("cat", "stack") and call.args:
            return draft.replace(call.args[0], f"list({ast.unparse(call.args[0])})[::-1]")
    return False


def loop(template: str) -> Kind:
    def apply(draft: Draft) -> bool:
        for node in _of_type(draft, ast.For):
            return draft.replace(node.iter, template)
        return False

    return apply


add("site", "loop-cut-short", loop("list({})[:-1]"))
add("site", "loop-reversed", loop("reversed(list({}))"))


def _of_type(draft: Draft, *types: type) -> list[ast.AST]:
    return [n for m in draft.running for n in ast.walk(m) if isinstance(n, types)]


def _holds_call(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Call) for one in ast.walk(node))


# ---- code that does not hold together


@kind("broken", "attribute-missing")
def attribute_missing(draft: Draft) -> bool:
    for call in draft.stateless:
        if last_name(call.func) in draft.children:
            return draft.replace(call.func, "{}.missing__")
    return False


@kind("broken", "name-missing")
def name_missing(draft: Draft) -> bool:
    calls = draft.layers
    return bool(calls) and draft.replace(calls[0], "missing__({})")


@kind("broken", "before-super")
def before_super(draft: Draft) -> bool:
    for index, node in enumerate(draft.init.body if draft.init else ()):
        if isinstance(node, ast.Expr) and "super(" in ast.unparse(node):
            draft.init.body.append(draft.init.body.pop(index))
            return True
    return False


@kind("broken", "name-of-a-method")
def name_of_a_method(draft: Draft) -> bool:
    return draft.end("self.forward = None")


@kind("broken", "exception-swallowed")
def exception_swallowed(draft: Draft) -> bool:
    """The site raises, and what is around it goes on without it."""
    for call in draft.stateless:
        inner = ast.unparse(call.args[0])
        draft.define(
            "def tried__(f, x):\n    try:\n        return f(x)\n"
            "    except AttributeError:\n        return x\n"
        )
        lost = ast.unparse(call.func) if not is_of(call.func, "F") else "F.missing__"
        lost = lost if lost == "F.missing__" else lost + "_"
        return draft.replace(call, f"tried__(lambda v__: {lost}(v__), {inner})", mark=False)
    return False


# ---- not reached by the recipe: not seen to be wrong, and not confirmed


@kind("unreached", "in-a-branch")
def in_a_branch(draft: Draft) -> bool:
    for call in draft.stateless:
        text = ast.unparse(call)
        draft.is_marked = True
        return draft.replace(
            call, f"(__site__(({text}) * 1.5) if getattr(self, 'flag__', False) else {text})"
        )
    return False


@kind("unreached", "in-an-empty-loop")
def in_an_empty_loop(draft: Draft) -> bool:
    for call in draft.stateless:
        text = ast.unparse(call)
        draft.is_marked = True
        return draft.replace(
            call,
            f"([__site__(({text}) * 1.5) for _ in getattr(self, 'loop__', ())] or [{text}])[0]",
        )
    return False


@kind("unreached", "in-another-method")
def in_another_method(draft: Draft) -> bool:
    draft.is_marked = True
    draft.cls.body += ast.parse("def other__(self, x):\n    return __site__(x * 1.5)\n").body
    return True
