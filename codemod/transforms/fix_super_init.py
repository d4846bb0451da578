"""`super(Net, self).__init__()` becomes `super().__init__()`; a wrong class in it is mended.

https://docs.python.org/3/library/functions.html#super
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from codemod import (
    REPAIRS,
    Call,
    Contract,
    Edit,
    Example,
    Found,
    ModuleClass,
    RefusalDoc,
    Refused,
    Transform,
    check_file,
    check_not_copied,
    dotted_name,
    witness,
)

SAME = Contract()


class FixSuperInit(Transform):
    """Write super().__init__() for the Python 2 form, and mend one that names a wrong class."""

    name = "fix-super-init"
    contract = REPAIRS
    markers = re.compile(r"\bsuper\s*\(\s*[^)\s]")
    refusals = {
        "skips-a-base": RefusalDoc(
            "It names a base class, so that this base's __init__ is passed over: super() would"
            " run it.",
            "Say super().__init__() by hand, if the base's __init__ is meant to run.",
        ),
        "may-be-right": RefusalDoc(
            "Some class inherits from both, or a class is not known: for its instances the call"
            " may mean something else.",
            "Write it by hand.",
        ),
        "rewritten-class": RefusalDoc(
            "A decorator may put another class in the place of this one, which super() without"
            " arguments does not follow.",
            "Write it by hand.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)
""",
            after="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)
""",
            note="The Python 2 form: everything is preserved.",
        ),
        Example(
            before="""\
import torch.nn as nn


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)


class AlexNet_1(nn.Module):
    def __init__(self):
        super(AlexNet, self).__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x)
""",
            after="""\
import torch.nn as nn


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x)


class AlexNet_1(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x)
""",
            note="A class that is none of the bases raises TypeError: repaired.",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        init = module.init
        if init is None or init.self_name is None:
            return
        for call in module.calls_near(self.markers):
            form = _form(call)
            if form is None or call.method.node is not init.node:
                continue
            try:
                contract = _contract(module, call, form)
                check_file(module)
                check_not_copied(module, [init.node])
            except Refused as refused:
                yield self.refuse(module, call.node, refused)
                continue
            yield self.rewrite(
                module,
                f"super({form.text}) -> super()",
                [call.node],
                [Edit(module.path, *form.inside, "")],
                [witness(module, call.node)],
                kind="super",
                contract=contract,
            )


@dataclass(frozen=True)
class _Form:
    """`super(NAMED, INSTANCE).__init__(...)`; `inside`: what goes, from bracket to bracket."""

    named: ast.expr
    instance: ast.expr | None
    inside: tuple[int, int]
    text: str


def _form(call: Call) -> _Form | None:
    function = call.node.func
    if not isinstance(function, ast.Attribute) or function.attr != "__init__":
        return None
    owner = call.module.call_of(function.value)
    if owner is None or dotted_name(owner.node.func) != "super" or owner.has_star:
        return None
    if owner.node.keywords or not 1 <= len(owner.node.args) <= 2 or owner.layout.comments:
        return None
    inside = (owner.layout.open + 1, owner.layout.close)
    instance = owner.node.args[1] if len(owner.node.args) == 2 else None
    return _Form(owner.node.args[0], instance, inside, call.module.source.text[slice(*inside)])


def _contract(module: ModuleClass, call: Call, form: _Form) -> Contract:
    """Whether it means the same or mends an error. Raises Refused."""
    if call.scope.node is not call.method.node or call.self_name is None:
        raise Refused("no-self", "super() needs the method itself")
    if form.instance is not None and dotted_name(form.instance) != call.self_name:
        raise Refused("may-be-right", "it is called for another object")
    if module.node.decorator_list:
        raise Refused("rewritten-class", f"{module.name} has a decorator")
    named = dotted_name(form.named)
    if named in (f"{call.self_name}.__class__", "__class__"):
        return SAME
    if named is None:
        raise Refused("may-be-right", "the class is computed")
    found = module.file.resolver.resolve(named, call.scope)
    is_itself = found.key == module.key or named == module.name
    if form.instance is None:
        if not is_itself:
            raise Refused("may-be-right", f"super({named}) names another class")
        return REPAIRS  # an unbound super: no base's __init__ runs
    if is_itself:
        return SAME
    if found.key in module.ancestors_in_project or found.name == "torch.nn.Module":
        raise Refused("skips-a-base", f"{named} is a base of {module.name}")
    _check_unrelated(module, named, found.key)
    return REPAIRS


def _check_unrelated(module: ModuleClass, named: str, key: tuple[str, str] | None) -> None:
    """Raises Refused (may-be-right) unless no instance of this class is one of the named."""
    if key is None:
        bound = named.partition(".")[0] in module.file.index.bindings
        if bound or module.file.index.stars:
            raise Refused("may-be-right", f"{named} is no class of the project")
        return  # a NameError
    if module.project.has_unknown_base(module.key):
        raise Refused("may-be-right", f"a base of {module.name} cannot be found")
    for one in module.descendants_in_project:
        if one == key or key in module.project.ancestors(one):
            raise Refused("may-be-right", f"{one[1]} ({one[0]}) is a {named} as well")
