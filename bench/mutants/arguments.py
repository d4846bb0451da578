"""Another function, other arguments, another training flag."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mutants.draft import Draft, is_of, last_name
from mutants.registry import (
    CONVS,
    DROPOUTS,
    INPLACE,
    PARAMETER_FREE,
    POOLS,
    Kind,
    add,
    argument,
    kind,
    with_keyword,
    without_keyword,
)

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


@kind("dropout", "training-stored")
def training_stored(draft: Draft) -> bool:
    """The flag as it was when the model was built."""
    for method in draft.running:
        for node in ast.walk(method):
            if isinstance(node, ast.Attribute) and node.attr == "training":
                draft.replace(node, "self.__dict__['stored__']")
                return draft.end("self.__dict__['stored__'] = self.training")
    return False
