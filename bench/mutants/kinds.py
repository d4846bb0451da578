"""The kinds of wrong rewrite: each takes the draft of a right text and makes it wrong in one way.

A kind returns False where a class has no place for it. `KINDS` holds all, by name, in groups.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from mutants.draft import Draft, expression, is_of, keyword, last_name

Kind = Callable[[Draft], bool]
KINDS: dict[str, tuple[str, Kind]] = {}


def kind(group: str, name: str) -> Callable[[Kind], Kind]:
    def register(function: Kind) -> Kind:
        assert name not in KINDS
        KINDS[name] = (group, function)
        return function

    return register


def add(group: str, name: str, function: Kind) -> None:
    kind(group, name)(function)


# ---- the function and its arguments


def renamed(names: dict[str, str]) -> Kind:
    def change(draft: Draft) -> bool:
        for call in [*draft.built, *draft.functionals]:
            if last_name(call.func) in names:
                call.func.attr = names[last_name(call.func)]
                return draft.changed(call)
        return False

    return change


for _name, _names in {
    "other-activation": {"ReLU": "LeakyReLU", "relu": "leaky_relu", "SiLU": "Mish", "silu": "mish"},
    "activation-with-a-bound": {"ReLU": "ReLU6", "relu": "relu6"},
    "activation-smoothed": {"ReLU": "GELU", "relu": "gelu", "LeakyReLU": "ELU"},
    "softmax-for-log-softmax": {"Softmax": "LogSoftmax", "softmax": "log_softmax"},
    "average-for-maximum": {"MaxPool2d": "AvgPool2d", "max_pool2d": "avg_pool2d"},
    "maximum-for-average": {"AvgPool2d": "MaxPool2d", "avg_pool2d": "max_pool2d"},
    "other-dropout": {"Dropout": "AlphaDropout", "dropout": "alpha_dropout"},
    "dropout-of-channels": {"Dropout": "Dropout1d", "dropout": "dropout1d"},
    "sigmoid-approximated": {"Sigmoid": "Hardsigmoid", "sigmoid": "special.expit"},
    "tanh-approximated": {"Tanh": "Hardtanh", "tanh": "sin"},
}.items():
    add("function", _name, renamed(_names))


def argument(names: set[str], change: Callable[[ast.Call], bool]) -> Kind:
    """Changes the arguments of the first call of one of these functions."""

    def apply(draft: Draft) -> bool:
        for call in [*draft.built, *draft.functionals]:
            if last_name(call.func) in names and change(call):
                return draft.changed(call)
        return False

    return apply


def with_keyword(name: str, value: str) -> Callable[[ast.Call], bool]:
    def change(call: ast.Call) -> bool:
        held = keyword(call, name)
        if held is not None and ast.unparse(held.value) == value:
            return False
        call.keywords = [word for word in call.keywords if word.arg != name]
        call.keywords.append(ast.keyword(name, expression(value)))
        return True

    return change


def without_keyword(*names: str) -> Callable[[ast.Call], bool]:
    def change(call: ast.Call) -> bool:
        kept = [word for word in call.keywords if word.arg not in names]
        lost = len(kept) < len(call.keywords)
        call.keywords = kept
        return lost

    return change


def first_number(change: Callable[[float], float], kinds: tuple[type, ...]) -> Kind:
    def apply(draft: Draft) -> bool:
        for call in [*draft.built, *draft.functionals]:
            if last_name(call.func) not in PARAMETER_FREE:
                continue
            for node in [*call.args, *(word.value for word in call.keywords)]:
                if isinstance(node, ast.Constant) and type(node.value) in kinds:
                    node.value = change(node.value)
                    return draft.changed(call)
        return False

    return apply


POOLS = {"MaxPool2d", "AvgPool2d", "max_pool2d", "avg_pool2d"}
DROPOUTS = {"Dropout", "dropout"}
CONVS = {"Conv1d", "Conv2d"}
NORMS = {"BatchNorm1d", "BatchNorm2d"}
INPLACE = {"ReLU", "relu", "Dropout", "SiLU", "silu", "leaky_relu", "LeakyReLU", "elu", "ELU"}
PARAMETER_FREE = {
    *POOLS,
    *DROPOUTS,
    *INPLACE,
    *("softplus", "Softplus", "hardtanh", "Hardtanh", "threshold", "Threshold", "nan_to_num"),
    *("clamp", "softmax", "Softmax", "normalize", "adaptive_avg_pool2d", "AdaptiveAvgPool2d"),
}

add("argument", "other-number", first_number(lambda v: v * 2, (float,)))
add("argument", "number-off-by-little", first_number(lambda v: v * 1.02, (float,)))
add("argument", "size-off-by-one", first_number(lambda v: v + 1, (int,)))
add("argument", "stride-lost", argument(POOLS, without_keyword("stride")))
add("argument", "stride-of-one", argument(POOLS, with_keyword("stride", "1")))
add("argument", "padding-lost", argument(POOLS | CONVS, without_keyword("padding")))
add("argument", "ceil-mode", argument(POOLS, with_keyword("ceil_mode", "True")))
_AVERAGES = {"AvgPool2d", "avg_pool2d"}
add(
    "argument",
    "padding-not-counted",
    argument(_AVERAGES, with_keyword("count_include_pad", "False")),
)
add(
    "argument",
    "gelu-approximation-lost",
    argument({"GELU", "gelu"}, without_keyword("approximate")),
)
_SOFTMAX = {"Softmax", "softmax", "log_softmax"}
add("argument", "other-dim", argument(_SOFTMAX, with_keyword("dim", "0")))
add(
    "argument",
    "default-for-given",
    argument(PARAMETER_FREE, without_keyword("p", "negative_slope", "beta", "alpha", "threshold")),
)
add("argument", "inplace-lost", argument(INPLACE, without_keyword("inplace")))
add("argument", "inplace-gained", argument(INPLACE, with_keyword("inplace", "True")))


@kind("argument", "swapped-arguments")
def swapped_arguments(draft: Draft) -> bool:
    for call in [*draft.functionals, *draft.built]:
        first = int(is_of(call.func, "F"))
        for i in range(first, len(call.args) - 1):
            if ast.unparse(call.args[i]) != ast.unparse(call.args[i + 1]):
                call.args[i], call.args[i + 1] = call.args[i + 1], call.args[i]
                return draft.changed(call)
    return False


@kind("argument", "constant-for-argument")
def constant_for_argument(draft: Draft) -> bool:
    """The default stands where the constructor's argument stood."""
    if draft.init is None:
        return False
    spec = draft.init.args
    defaults = dict(zip([a.arg for a in spec.args][::-1], spec.defaults[::-1], strict=False))
    for node in ast.walk(draft.init):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in defaults:
            value = defaults[node.id]
            if isinstance(value, ast.Constant) and isinstance(value.value, (float, int)):
                return draft.replace(node, ast.Constant(value.value))
    return False


def default(of: str, change: Callable[[float], float]) -> Kind:
    def apply(draft: Draft) -> bool:
        method = draft.init if of == "__init__" else draft.forward
        for value in method.args.defaults if method else ():
            if isinstance(value, ast.Constant) and type(value.value) in (int, float):
                value.value = change(value.value)
                return True
        return False

    return apply


add("argument", "other-default", default("__init__", lambda v: v * 2))
add("argument", "other-default-of-forward", default("forward", lambda v: v * 2))

# ---- dropout and the training flag

add("dropout", "training-lost", argument(DROPOUTS, without_keyword("training")))
add("dropout", "training-always", argument({"dropout"}, with_keyword("training", "True")))
add("dropout", "training-never", argument({"dropout"}, with_keyword("training", "False")))
add("dropout", "other-rate", argument(DROPOUTS, lambda call: _rate(call)))


def _rate(call: ast.Call) -> bool:
    return with_keyword("p", "0.9")(call) if not call.args[is_of(call.func, "F") :] else False


@kind("dropout", "dropout-unregistered")
def dropout_unregistered(draft: Draft) -> bool:
    """Held past registration: `eval()` does not turn it off."""
    for name, call in draft.children.items():
        if last_name(call.func) in DROPOUTS:
            return draft.end(f"self.__dict__[{name!r}] = self._modules.pop({name!r})")
    return False


def of_dropout(template: str) -> Kind:
    def apply(draft: Draft) -> bool:
        children = draft.children
        for call in draft.stateless:
            name = last_name(call.func)
            if name == "dropout" or (
                name in children and last_name(children[name].func) in DROPOUTS
            ):
                inner = ast.unparse(call.args[0])
                return draft.replace(call, template.replace("INNER", f"({inner})"))
        return False

    return apply


add("dropout", "dropout-dropped", of_dropout("INNER"))
add("dropout", "dropout-in-eval-alone", of_dropout("{} if not self.training else INNER"))


@kind("dropout", "dropout-before-its-layer")
def dropout_before(draft: Draft) -> bool:
    return _exchanged(draft, lambda name: name in ("dropout", "Dropout"))


@kind("dropout", "training-stored")
def training_stored(draft: Draft) -> bool:
    """The flag as it was when the model was built."""
    for method in draft.running:
        for node in ast.walk(method):
            if isinstance(node, ast.Attribute) and node.attr == "training":
                draft.replace(node, "self.__dict__['stored__']")
                return draft.end("self.__dict__['stored__'] = self.training")
    return False


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


# ---- gradients: the outputs are the same


def of_layer(template: str, helper: str = "") -> Kind:
    def apply(draft: Draft) -> bool:
        calls = draft.layers
        if not calls:
            return False
        if helper:
            draft.define(helper)
        return draft.replace(calls[-1], template.replace("INPUT", draft.first_input))

    return apply


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
        "((y__ := {}), y__.register_hook(lambda g: -g) if self.training and y__.requires_grad else 0)[0]"
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

INIT_STATEMENTS = {
    "key-gained": "self.register_buffer('extra__', torch.zeros(1))",
    "parameter-gained": "self.extra__ = nn.Parameter(torch.zeros(1))",
    "draw-after-init": "torch.rand(1)",
    "weights-scaled": "next(self.parameters()).data.mul_(1.5)",
    "weights-of-other-scale-by-little": "next(self.parameters()).data.mul_(1.0001)",
    "parameter-frozen": "next(self.parameters()).requires_grad_(False)",
    "buffers-not-persistent": "[m._non_persistent_buffers_set.update(m._buffers) for m in self.modules() if m._buffers]",
    "statistics-frozen": "[setattr(m, 'momentum', 0.0) for m in self.modules() if hasattr(m, 'running_mean')]",
    "statistics-not-tracked": "[setattr(m, 'track_running_stats', False) for m in self.modules() if hasattr(m, 'running_mean')]",
    "norm-in-eval": "[setattr(m, 'train', lambda mode=True, m=m: m) or setattr(m, 'training', False) for m in self.modules() if hasattr(m, 'running_mean')]",
    "state-dict-prefixed": "self._register_state_dict_hook(lambda m, s, p, _: [s.__setitem__('x.' + k, s.pop(k)) for k in list(s)] and None)",
    "loading-refused": "self._register_load_state_dict_pre_hook(lambda s, *_: s.clear())",
}
for _name, _source in INIT_STATEMENTS.items():
    add("state", _name, lambda draft, source=_source: draft.end(source))
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
    "counted-twice": "[m.num_batches_tracked.add_(1) for m in self.modules() if hasattr(m, 'num_batches_tracked') and self.training]",
    "mode-changed": "self.train(False)",
    "children-in-eval": "[c.train(False) for c in self.children()]",
}
for _name, _source in FORWARD_STATEMENTS.items():
    add("effect", _name, lambda draft, source=_source: draft.begin(draft.forward, source))
RETURN_EFFECTS = {
    "input-overwritten": "((y__ := {}), INPUT.data.zero_())[0]",
    "input-scaled": "((y__ := {}), INPUT.data.mul_(2))[0]",
    "weights-decayed": "((y__ := {}), [p.data.mul_(0.5) for p in self.parameters()])[0]",
    "statistics-reset": "((y__ := {}), [m.reset_running_stats() for m in self.modules() if hasattr(m, 'running_mean')])[0]",
    "left-in-eval": "((y__ := {}), self.train(False))[0]",
    "weights-frozen-by-running": "((y__ := {}), [p.requires_grad_(False) for p in self.parameters()])[0]",
}
for _name, _source in RETURN_EFFECTS.items():
    add("effect", _name, lambda draft, source=_source: draft.returned(source))


@kind("effect", "hooks-lost")
def hooks_lost(draft: Draft) -> bool:
    for call in draft.stateful:
        return draft.replace(call.func, "{}.forward")
    return False


# ---- only for some inputs, modes and arguments. The condition runs no operator.

_VALUES = """
def values__(x):
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
}
for _name, _condition in CONDITIONS.items():

    def _conditional(draft: Draft, condition: str = _condition) -> bool:
        condition = condition.replace("BATCH", str(draft.batch)).replace("SIZE", str(draft.size))
        return of_layer(f"((y__ := {{}}) * 1.5 if {condition} else y__)", _VALUES)(draft)

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
