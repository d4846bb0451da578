"""Other gradients, values, state and traces left behind, and what shows for some inputs alone."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mutants.draft import Draft, last_name
from mutants.registry import (
    CONVS,
    NORMS,
    Kind,
    add,
    argument,
    kind,
    of_layer,
    with_keyword,
)

# ---- gradients: the outputs are the same


_WRONG_FOR_NEGATIVES = """
class Wrong__(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g.flip(0)
"""
add("gradient", "detached", of_layer("{}.detach()"))
add("gradient", "without-grad", of_layer("torch.no_grad()(lambda: {})()"))
add("gradient", "gradient-doubled", of_layer("((y__ := {}) * 2 - y__.detach())"))
add(
    "gradient",
    "gradient-hooked",
    of_layer("((y__ := {}), y__.register_hook(lambda g: g * 2) if y__.requires_grad else 0)[0]"),
)
add(
    "gradient",
    "gradient-where-it-is-zero",
    of_layer(
        "((y__ := {}), y__.register_hook(lambda g: g + (g == 0).to(g.dtype))"
        " if y__.requires_grad else 0)[0]"
    ),
)
add("gradient", "gradient-of-own-backward", of_layer("Wrong__.apply({})", _WRONG_FOR_NEGATIVES))
add("gradient", "gradient-of-output-lost", lambda draft: draft.returned("{}.detach()"))
add(
    "gradient",
    "gradient-reversed-in-train",
    of_layer(
        "((y__ := {}), y__.register_hook(lambda g: -g)"
        " if self.training and y__.requires_grad else 0)[0]"
    ),
)

# ---- values that are nearly right

add("value", "off-by-one-ulp", of_layer("{} * 1.0000001"))
add("value", "half-precision", of_layer("{}.half().float()"))
add("value", "examples-exchanged", of_layer("{}.flip(0)"))
add("value", "clamped", of_layer("{}.clamp(-1.0, 1.0)"))
add("value", "output-in-double", lambda draft: draft.returned("{}.double()"))
add("value", "output-with-one-more-dim", lambda draft: draft.returned("{}.unsqueeze(0)"))
add("value", "output-in-a-list", lambda draft: draft.returned("[{}]"))
add("value", "output-in-a-tuple", lambda draft: draft.returned("({},)"))
add(
    "value",
    "output-laid-out-otherwise",
    lambda draft: draft.returned("((y__ := {}).transpose(0, -1).contiguous().transpose(0, -1))"),
)
add("value", "output-is-an-input", lambda draft: draft.returned("((y__ := {}), INPUT)[1]"))

# ---- state


def statement(put: Callable[[Draft, str], bool], source: str) -> Kind:
    """What is about normalisation has a place where there is some."""

    def apply(draft: Draft) -> bool:
        return ("running_mean" not in source or has_norms(draft)) and put(draft, source)

    return apply


def on_norms(action: str) -> str:
    return f"[{action} for m in self.modules() if hasattr(m, 'running_mean')]"


def has_norms(draft: Draft) -> bool:
    return "BatchNorm" in ast.unparse(draft.cls)


INIT_STATEMENTS = {
    "key-gained": "self.register_buffer('extra__', torch.zeros(1))",
    "parameter-gained": "self.extra__ = nn.Parameter(torch.zeros(1))",
    "draw-after-init": "torch.rand(1)",
    "weights-scaled": "next(self.parameters()).data.mul_(1.5)",
    "weights-of-other-scale-by-little": "next(self.parameters()).data.mul_(1.0001)",
    "parameter-frozen": "next(self.parameters()).requires_grad_(False)",
    "buffers-not-persistent": on_norms("m._non_persistent_buffers_set.update(m._buffers)"),
    "statistics-frozen": on_norms("setattr(m, 'momentum', 0.0)"),
    "statistics-not-tracked": on_norms("setattr(m, 'track_running_stats', False)"),
    "norm-in-eval": on_norms(
        "setattr(m, 'train', lambda mode=True, m=m: m) or setattr(m, 'training', False)"
    ),
    "state-dict-prefixed": "self._register_state_dict_hook(lambda m, s, p, _:"
    " [s.__setitem__('x.' + k, s.pop(k)) for k in list(s)] and None)",
    "loading-refused": "self._register_load_state_dict_pre_hook(lambda s, *_: s.clear())",
}
for _name, _source in INIT_STATEMENTS.items():
    add("state", _name, statement(Draft.end, _source))
add("state", "draw-before-init", lambda draft: _after_super(draft, "torch.rand(1)"))


def _after_super(draft: Draft, source: str) -> bool:
    for index, node in enumerate(draft.init.body if draft.init else ()):
        if isinstance(node, ast.Expr) and "super(" in ast.unparse(node):
            draft.init.body[index + 1 : index + 1] = ast.parse(source).body
            return True
    return False


@kind("state", "key-renamed")
def key_renamed(draft: Draft) -> bool:
    names = [n for n, call in draft.children.items() if last_name(call.func) in _PARAMETERS]
    if not names:
        return False
    for node in ast.walk(draft.cls):
        if isinstance(node, ast.Attribute) and node.attr == names[0]:
            node.attr = names[0] + "_"
    return True


_PARAMETERS = {"Linear", "Conv1d", "Conv2d", "BatchNorm1d", "BatchNorm2d", "Embedding"}


@kind("state", "key-lost")
def key_lost(draft: Draft) -> bool:
    for name, call in draft.children.items():
        if last_name(call.func) in _PARAMETERS:
            return draft.end(f"self.__dict__[{name!r}] = self._modules.pop({name!r})")
    return False


@kind("state", "other-order-of-init")
def other_init_order(draft: Draft) -> bool:
    body = draft.init.body if draft.init else []
    made = [i for i, node in enumerate(body) if isinstance(node, ast.Assign) and _makes(node)]
    if len(made) < 2:
        return False
    first, second = made[:2]
    body[first], body[second] = body[second], body[first]
    return True


def _makes(node: ast.Assign) -> bool:
    return isinstance(node.value, ast.Call) and last_name(node.value.func) in _PARAMETERS


add("state", "bias-lost", argument(CONVS | {"Linear"}, with_keyword("bias", "False")))
add("state", "other-momentum", argument(NORMS, with_keyword("momentum", "0.5")))
add("state", "other-eps", argument(NORMS, with_keyword("eps", "0.001")))
add("state", "affine-lost", argument(NORMS, with_keyword("affine", "False")))

# ---- effects beside the output

FORWARD_STATEMENTS = {
    "draw": "torch.rand(1)",
    "draw-in-eval": "self.training or torch.rand(1)",
    "draw-of-python": "__import__('random').random()",
    "draw-of-numpy": "__import__('numpy').random.rand()",
    "seeded": "torch.manual_seed(0)",
    "counted-twice": on_norms("self.training and m.num_batches_tracked.add_(1)"),
    "mode-changed": "self.train(False)",
    "children-in-eval": "[c.train(False) for c in self.children()]",
    "variable-set": "__import__('os').environ.update(WRONG__='1')",
    "folder-left": "__import__('os').chdir('/')",
    "numpy-raises": "__import__('numpy').seterr(all='raise')",
    "type-for-all-changed": "torch.set_default_dtype(torch.float64)",
    "attribute-left": "self.last__ = 1",
}
for _name, _source in FORWARD_STATEMENTS.items():
    add("effect", _name, statement(Draft.begin_forward, _source))
RETURN_EFFECTS = {
    "input-overwritten": "((y__ := {}), INPUT.data.zero_())[0]",
    "input-scaled": "((y__ := {}), INPUT.data.mul_(2))[0]",
    "weights-decayed": "((y__ := {}), [p.data.mul_(0.5) for p in self.parameters()])[0]",
    "statistics-reset": "((y__ := {}), " + on_norms("m.reset_running_stats()") + ")[0]",
    "left-in-eval": "((y__ := {}), self.train(False))[0]",
    "weights-frozen-by-running": "((y__ := {}), self.requires_grad_(False))[0]",
}
for _name, _source in RETURN_EFFECTS.items():
    add("effect", _name, statement(Draft.returned, _source))


@kind("effect", "hooks-lost")
def hooks_lost(draft: Draft) -> bool:
    for call in draft.stateful:
        return draft.replace(call.func, "{}.forward")
    return False


# ---- only for some inputs, modes and arguments. The condition runs no operator.

_VALUES = """
def values__(x):
    x = [0.5] if getattr(x, "is_meta", False) else x
    x = x.tolist() if hasattr(x, "tolist") else x
    return [v for one in x for v in values__(one)] if isinstance(x, list) else [float(x)]
"""
CONDITIONS = {
    "only-in-train": "self.training",
    "only-in-eval": "not self.training",
    "only-in-a-batch-of-one": "INPUT.shape[0] == 1",
    "only-in-a-greater-batch": "INPUT.shape[0] > BATCH",
    "only-for-another-size": "INPUT.shape[-1] != SIZE",
    "only-in-double": "INPUT.dtype == torch.float64",
    "only-when-not-contiguous": "not INPUT.is_contiguous()",
    "only-for-negative": "max(values__(INPUT)) < 0",
    "only-for-zero": "not any(values__(INPUT))",
    "only-for-large": "max(map(abs, values__(INPUT))) > 100",
    "only-for-nan": "any(v != v for v in values__(INPUT))",
    "only-for-infinity": "float('inf') in values__(INPUT)",
    "only-for-whole-numbers": "all(v == v // 1 for v in values__(INPUT))",
    "only-for-tiny": "0 < max(map(abs, values__(INPUT))) < 1e-6",
    "only-when-not-square": "INPUT.dim() > 3 and INPUT.shape[-2] != INPUT.shape[-1]",
    "only-of-odd-rank": "INPUT.dim() in (1, 3)",
    "only-under-another-seed": "torch.initial_seed() % 2",
    "only-under-autocast": "torch.is_autocast_enabled('cpu')",
    "only-for-other-indices": "INPUT.dtype == torch.int64 and values__(INPUT)[-1] == 0",
}
for _name, _condition in CONDITIONS.items():

    def _conditional(draft: Draft, condition: str = _condition) -> bool:
        condition = condition.replace("BATCH", str(draft.batch)).replace("SIZE", str(draft.size))
        return of_layer(f"((y__ := {{}}), y__ * 1.5 if {condition} else y__)[1]", _VALUES)(draft)

    add("condition", _name, _conditional)


@kind("condition", "constant-batch")
def constant_batch(draft: Draft) -> bool:
    for method in draft.running:
        for call in (n for n in ast.walk(method) if isinstance(n, ast.Call)):
            if last_name(call.func) in ("view", "reshape") and call.args:
                first = ast.unparse(call.args[0])
                if ".size(0)" in first or ".shape[0]" in first:
                    return draft.replace(call.args[0], str(draft.batch))
    return False
