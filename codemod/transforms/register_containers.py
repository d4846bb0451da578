"""`self.layers = [nn.Linear(4, 4), ...]` becomes an `nn.ModuleList`, whose layers are registered.

https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemod import (
    Assignment,
    Contract,
    Edit,
    Example,
    Found,
    ModuleClass,
    RefusalDoc,
    Refused,
    SelfUse,
    Transform,
    check_after_super,
    check_class_accepts_attributes,
    check_not_copied,
    check_not_used_elsewhere,
    dotted_name,
    is_settled,
    layer_made,
    reach,
    span,
    witness,
)

_GAINED = Contract(
    changes={
        "state_dict": "gains-keys",
        "load": "gains-keys",
        "grads": "gains-keys",
        "buffers": "gains-keys",
        "modules": "differs",
        "hooks": "differs",
    }
)
# Layers that behave otherwise in eval mode, which reaches them only once they are registered.
_WITH_MODES = Contract(changes={**_GAINED.changes, "eval": "may-differ"})
_MODELESS = re.compile(r"Linear|Bilinear|Embedding\w*|Conv\w*|LayerNorm|GroupNorm|ReLU\w*|\w*ELU"
                       r"|Sigmoid|Tanh|Softmax|\w+Pool\d?d|Flatten|Identity")  # fmt: skip
# What an nn.ModuleList has of a list, and an nn.ModuleDict of a dict.
_LIST_METHODS = frozenset({"append", "extend", "insert", "pop"})
_DICT_METHODS = frozenset({"items", "keys", "values", "pop", "clear"})


class RegisterContainers(Transform):
    """Register layers and parameters that a plain list, tuple or dict hides from the model.

    The layers are then moved, trained, saved and put into eval mode with the model. Published
    packages hold next to none: a model with this mistake does not learn.
    """

    name = "register-containers"
    contract = _WITH_MODES
    markers = re.compile(r"self\.\w+\s*(?::[^=\n]+)?=\s*(?:[\[({]|dict\(|list\(|tuple\()")
    refusals = {
        "set-elsewhere": RefusalDoc(
            "The attribute is set more than once, or not plainly in __init__.",
            "Set it once, at the top level of __init__.",
        ),
        "not-made-here": RefusalDoc(
            "The container also holds what is not made in it: registered elsewhere already, or"
            " kept out of the model on purpose.",
            "Register it by hand, if it is to be part of the model.",
        ),
        "mixed-contents": RefusalDoc(
            "The container holds other things as well, which no container of torch.nn takes.",
            "Keep the layers in a container of their own.",
        ),
        "keys-not-strings": RefusalDoc(
            "The keys of an nn.ModuleDict are strings without dots.",
            "Use such keys.",
        ),
        "needs-a-plain-container": RefusalDoc(
            "The class does something with it that containers of torch.nn do not offer.",
            "Write that in another way first.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(4, 4) for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
""",
            after="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
""",
            note="The state_dict gains the keys of the layers; those that it had stay as they are.",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for name, assignments in module.assignments.items():
            for item in assignments:
                values = _values(module, name, item)
                if not any(_made(module, value) for value in values):
                    continue
                try:
                    yield self._register(module, item, values, len(assignments))
                except Refused as refused:
                    yield self.refuse(module, item.node, refused)
                break

    def _register(
        self, module: ModuleClass, item: Assignment, values: list[ast.expr], count: int
    ) -> Found:
        assert item.value is not None
        if count > 1 or not is_settled(module, item) or not item.top_level:
            raise Refused("set-elsewhere", f"self.{item.name} is not set once, plainly")
        kind = _container(module, values)
        _check_keys(item.value)
        for use in module.self_uses.get(item.name, ()):
            _check_use(module, use, item)
        check_after_super(module, item.node)
        check_class_accepts_attributes(module)
        check_not_copied(module, [item.method.node])
        check_not_used_elsewhere(module, item.name, "torch.nn.Module")
        package = reach(module.file, "torch.nn", (item.method.scope,))
        is_dict = isinstance(item.value, ast.Dict | ast.DictComp)
        container = f"{package.expression}.{kind}{'Dict' if is_dict else 'List'}"
        start, end = _whole(module, item.value)
        return self.rewrite(
            module,
            f"self.{item.name} -> {container}",
            [item.node],
            _wrap(module, item.value, container, start, end),
            [witness(module, item.value), witness(module, item.method.node)],
            kind=item.name,
            contract=_contract(module, values),
            requirements=[package.requirement] if package.requirement else [],
        )


def _values(module: ModuleClass, name: str, item: Assignment) -> list[ast.expr]:
    """What the container holds: what it is made with, and what the class appends to it."""
    value = item.value
    if isinstance(value, ast.ListComp):
        return [value.elt]
    if isinstance(value, ast.DictComp):
        return [value.value]
    if isinstance(value, ast.Dict):
        return [*value.values, *_stored(module, name)]
    if isinstance(value, ast.List | ast.Tuple):
        return [*value.elts, *_appended(module, name)]
    return []


def _appended(module: ModuleClass, name: str) -> Iterator[ast.expr]:
    """`self.layers.append(nn.Linear(4, 4))`, `self.layers += [...]`."""
    for use in module.self_uses.get(name, ()):
        parent = next(module.ancestors(use.node))
        around = next(module.ancestors(parent), None)
        if isinstance(parent, ast.Attribute) and isinstance(around, ast.Call):
            if parent.attr == "append":
                yield from around.args
            elif parent.attr == "insert":
                yield from around.args[1:]
            elif parent.attr == "extend" and around.args:
                yield from getattr(around.args[0], "elts", around.args)


def _stored(module: ModuleClass, name: str) -> Iterator[ast.expr]:
    """`self.heads["a"] = nn.Linear(4, 4)`."""
    for use in module.self_uses.get(name, ()):
        parent = next(module.ancestors(use.node))
        around = next(module.ancestors(parent), None)
        if isinstance(parent, ast.Subscript) and isinstance(around, ast.Assign):
            yield around.value


def _made(module: ModuleClass, value: ast.expr) -> str | None:
    """`Module` or `Parameter`, if the expression makes one."""
    call = module.call_of(value)
    if call is None:
        return None
    if call.name in ("torch.nn.Parameter", "torch.nn.parameter.Parameter"):
        return "Parameter"
    if layer_made(module, value) is not None or call.name == "torch.nn.Sequential":
        return "Module"
    dotted = dotted_name(call.node.func)
    found = module.file.resolver.resolve(dotted, call.scope) if dotted else None
    if found is not None and found.key is not None and module.project.is_module(found.key):
        return "Module"
    return None


def _container(module: ModuleClass, values: list[ast.expr]) -> str:
    """`Module` or `Parameter`, where all that the container holds is of that kind."""
    kinds = {_made(module, value) for value in values}
    if None in kinds:
        if any(isinstance(value, ast.Constant) for value in values):
            raise Refused("mixed-contents", "it also holds constants")
        raise Refused("not-made-here", "it also holds what is not made in it")
    if len(kinds) > 1:
        raise Refused("mixed-contents", "it holds layers and parameters")
    return str(kinds.pop())


def _contract(module: ModuleClass, values: list[ast.expr]) -> Contract:
    layers = [layer_made(module, value) for value in values if _made(module, value) == "Module"]
    has_modes = any(layer is None or not _MODELESS.fullmatch(layer) for layer in layers)
    return _WITH_MODES if has_modes else _GAINED


def _check_keys(value: ast.expr) -> None:
    keys = value.keys if isinstance(value, ast.Dict) else []
    keys = [value.key] if isinstance(value, ast.DictComp) else keys
    for key in keys:
        is_text = isinstance(key, ast.JoinedStr) or (
            isinstance(key, ast.Constant) and isinstance(key.value, str) and "." not in key.value
        )
        if not is_text:
            raise Refused("keys-not-strings", "a key is no plain string")


def _check_use(module: ModuleClass, use: SelfUse, item: Assignment) -> None:
    """Raises Refused (needs-a-plain-container) for what the torch.nn container does not do."""
    parent = next(module.ancestors(use.node))
    if parent is item.node:
        return
    methods = _LIST_METHODS
    if isinstance(item.value, ast.Dict | ast.DictComp):
        methods = _DICT_METHODS
    if isinstance(parent, ast.Subscript) and parent.value is use.node:
        return
    if isinstance(parent, ast.Attribute) and parent.attr in methods:
        return
    if isinstance(parent, ast.For | ast.comprehension) and parent.iter is use.node:
        return
    if isinstance(parent, ast.Call) and dotted_name(parent.func) in ("len", "enumerate", "zip"):
        return
    raise Refused("needs-a-plain-container", f"self.{use.node.attr} is used in another way")


def _whole(module: ModuleClass, value: ast.expr) -> tuple[int, int]:
    """The span of the container; a tuple without brackets has none of its own."""
    start, end = span(module.source, value)
    if isinstance(value, ast.Tuple) and module.source.text[start] != "(":
        raise Refused("set-elsewhere", "the tuple has no brackets")
    return start, end


def _wrap(module: ModuleClass, value: ast.expr, container: str, start: int, end: int) -> list[Edit]:
    if isinstance(value, ast.List) and not value.elts and end - start == 2:
        return [Edit(module.path, start, end, f"{container}()")]
    if isinstance(value, ast.Dict) and not value.keys and end - start == 2:
        return [Edit(module.path, start, end, f"{container}()")]
    return [
        Edit(module.path, start, start, f"{container}("),
        Edit(module.path, end, end, ")"),
    ]
