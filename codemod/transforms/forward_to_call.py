"""`self.conv.forward(x)` becomes `self.conv(x)`, which runs the layer's hooks as well.

https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.forward
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from codemod import (
    Call,
    Contract,
    Edit,
    Example,
    Found,
    ModuleClass,
    RefusalDoc,
    Refused,
    SourceFile,
    Transform,
    calls_named,
    check_file,
    check_not_copied,
    dotted_name,
    refuse_outside,
    witness,
)


class ForwardToCall(Transform):
    """Call a module itself instead of its forward, so that hooks run.

    Where what is called cannot be told to be a module, the change is written only if a run
    confirms it.
    """

    name = "forward-to-call"
    contract = Contract(changes={"hooks": "differs"})
    markers = re.compile(r"\.forward\s*\(")
    refusals = {
        "own-call": RefusalDoc(
            "The class of what is called defines __call__, which does something else than forward.",
            "Turn its __call__ into forward first (call-to-forward).",
        ),
        "in-a-function": RefusalDoc(
            "The call stands in no module class, so no run can be tied to the change.",
            "Write model(x) by hand where model is a module.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)

    def forward(self, x):
        return self.conv.forward(x)
""",
            after="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)

    def forward(self, x):
        return self.conv(x)
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_near(self.markers):
            receiver = _receiver(call.node)
            if receiver is None or _is_class(call, receiver):
                continue
            if dotted_name(receiver) == call.self_name and call.method.name == "__call__":
                continue  # what runs forward in place of nn.Module
            try:
                is_known = _is_module(call, receiver)
                if is_known is not False:
                    yield self._rewrite(call, is_known is None)
            except Refused as refused:
                yield self.refuse(module, call.node, refused)

    def find_outside(self, file: SourceFile, modules: frozenset[str]) -> Iterator[Found]:
        for node, owner in calls_named(self, file, modules, "forward"):
            refused = Refused("in-a-function", f"{owner or 'the file'} is no nn.Module class")
            yield refuse_outside(self, file, node, owner, refused)

    def _rewrite(self, call: Call, only_confirmed: bool) -> Found:
        module, end = call.module, call.layout.function_end
        check_file(module)
        check_not_copied(module, [call.method.node])
        if call.in_f_string:
            raise Refused("in-f-string", "the call stands inside an f-string")
        text = module.text(call.node.func)
        if not text.endswith(".forward"):
            raise Refused("unusual-call", "forward stands on a line of its own")
        found = self.rewrite(
            module,
            f"{text.splitlines()[-1].strip()} -> a call",
            [call.node],
            [Edit(module.path, end - len(".forward"), end, "")],
            [witness(module, call.node)],
            kind="forward",
        )
        return replace(found, only_confirmed=only_confirmed)


def _receiver(node: ast.Call) -> ast.expr | None:
    """What `.forward(...)` is called on; not `super()`, which leads to the base's own."""
    function = node.func
    if not isinstance(function, ast.Attribute) or function.attr != "forward":
        return None
    value = function.value
    is_super = isinstance(value, ast.Call) and dotted_name(value.func) == "super"
    return None if is_super else value


def _is_class(call: Call, receiver: ast.expr) -> bool:
    """`Base.forward(self, x)`, and what a package or a file offers."""
    dotted = dotted_name(receiver)
    if dotted is None:
        return False
    found = call.module.file.resolver.resolve(dotted, call.scope)
    if found.key is not None or found.name is not None or dotted == "cls":
        return True
    return "." not in dotted and _is_imported(call, dotted)


def _is_imported(call: Call, name: str) -> bool:
    """Whether the file imports the name, in a `try` perhaps: `cuda_extension.forward(x)`."""
    if call.scope.binds(name):
        return False
    bound = call.module.project.files[call.module.path].bindings.get(name, ())
    return any(binding.kind == "import" for binding in bound)


def _is_module(call: Call, receiver: ast.expr) -> bool | None:
    """Whether the receiver is a module; None where only a run can tell. Raises Refused."""
    module = call.module
    head, _, name = (dotted_name(receiver) or "").partition(".")
    if head and head == call.self_name and not name:
        _check_no_call(module, (module.key, *module.ancestors_in_project))
        _check_no_call(module, module.descendants_in_project)
        return True
    if head != call.self_name or not name or "." in name:
        return None
    answers = {_makes_module(module, item.value) for item in module.assignments.get(name, ())}
    return answers.pop() if len(answers) == 1 else None


def _makes_module(module: ModuleClass, value: ast.expr | None) -> bool | None:
    """Whether a constructor makes a module. Raises Refused where that has a `__call__`."""
    made = module.call_of(value)
    dotted = dotted_name(made.node.func) if made is not None else None
    if made is None or dotted is None:
        return None
    found = module.file.resolver.resolve(dotted, made.scope)
    if found.key is None:
        is_layer = (found.name or "").startswith("torch.nn.")
        return True if is_layer and (found.name or "").count(".") == 2 else None
    _check_no_call(module, (found.key, *module.project.ancestors(found.key)))
    return module.project.is_module(found.key)


def _check_no_call(module: ModuleClass, keys: tuple[tuple[str, str], ...]) -> None:
    for key in keys:
        if "__call__" in module.project.classes[key].methods:
            raise Refused("own-call", f"{key[1]} ({key[0]}) defines __call__")
