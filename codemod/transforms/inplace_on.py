"""`nn.ReLU()` behind a layer becomes `nn.ReLU(inplace=True)`: less memory in training.

https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemod import (
    Call,
    Contract,
    Example,
    Found,
    InplaceCall,
    ModuleClass,
    RefusalDoc,
    Refused,
    Transform,
    check_file,
    check_not_copied,
    check_not_used_elsewhere,
    check_text,
    inplace_call,
    inplace_contract,
    inplace_names,
    input_of,
    layer_held,
    layer_made,
    overwritten,
    position_in_sequential,
    runners_of,
    stands_alone,
    uses_of,
    with_flag,
    witness,
)

# Their backward needs the result alone, so that the input may go.
_ACTIVATIONS = frozenset({"torch.nn.ReLU", "torch.nn.ReLU6", "torch.nn.ELU", "torch.nn.LeakyReLU"})
# They give a new tensor that their own backward does not need.
_FRESH = re.compile(
    r"Linear|Bilinear|(?:Lazy)?(?:Conv(?:Transpose)?|BatchNorm|InstanceNorm)[1-3]d"
    r"|GroupNorm|LayerNorm"
)
# Their backward needs what they gave.
_NEED_RESULT = re.compile(
    r"ReLU6?|LeakyReLU|ELU|SELU|CELU|Sigmoid|Tanh|(?:Log)?Softmax|Softmin|LogSigmoid"
)


class InplaceOn(Transform):
    """Let activations overwrite their input where nothing else can see it."""

    name = "inplace-on"
    contract = Contract(changes={"trace": "may-differ"})
    inverse = "inplace-off"
    markers = inplace_names()
    refusals = {
        "may-be-leaf": RefusalDoc(
            "The input comes from the caller: it may be a leaf that requires grad, which raises,"
            " or the caller may read it again.",
            "Leave it as it is.",
        ),
        "needed-by-backward": RefusalDoc(
            "The backward of what made the input needs the tensor that would be overwritten.",
            "Leave it as it is.",
        ),
        "unknown-input": RefusalDoc(
            "What made the input is no convolution, normalization or linear layer that can be"
            " seen, so who else holds it is not known.",
            "Turn it on by hand where you know.",
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
        self.relu = nn.ReLU()
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(24, 8), nn.ReLU())

    def forward(self, x):
        return self.head(self.relu(self.conv(x)))
""",
            after="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(24, 8), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.head(self.relu(self.conv(x)))
""",
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        for call in module.calls_near(self.markers):
            site = inplace_call(call)
            if site is None or site.spelled or not self._takes(site):
                continue
            try:
                uses = [] if call.has_star else uses_of(site)
                if uses or position_in_sequential(call) is not None:
                    yield self._turn_on(module, site, uses)
            except Refused as refused:
                yield self.refuse(module, call.node, refused)

    def _takes(self, site: InplaceCall) -> bool:
        is_off = site.value is None or (
            isinstance(site.value, ast.Constant) and site.value.value is False
        )
        return is_off and self.is_chosen(site.pair) and _needs_result_alone(site)

    def _turn_on(self, module: ModuleClass, site: InplaceCall, uses: list[Call]) -> Found:
        call = site.call
        check_file(module)
        check_not_copied(module, [call.method.node])
        check_text(call)
        _check_only_called(site)
        for use in uses:
            _check_dead(use)
        if position_in_sequential(call) is not None:
            _check_layer_before(call)
        return self.rewrite(
            module,
            f"{module.text(call.node.func)} overwrites its input",
            [call.node],
            with_flag(site, self.settings.line_length),
            [witness(module, node) for node in {call.node, *(use.node for use in uses)}],
            kind=site.pair.module,
            contract=inplace_contract(site.pair),
        )


def _needs_result_alone(site: InplaceCall) -> bool:
    """A negative slope or scale would make the backward need the input."""
    parameters = site.call.node.args + [item.value for item in site.call.node.keywords]
    given = parameters if site.makes_module else parameters[1:]
    plain = all(isinstance(item, ast.Constant) for item in given)
    return site.pair.module in _ACTIVATIONS and plain


def _check_only_called(site: InplaceCall) -> None:
    """Raises Refused where a layer that an attribute holds is called by code not seen here."""
    call, module = site.call, site.call.module
    for name, assignments in module.assignments.items():
        if not any(item.value is call.node for item in assignments):
            continue
        check_not_used_elsewhere(module, name, site.pair.module)
        runners = runners_of(module)
        if runners:
            raise Refused("unknown-input", f"{runners[0]} runs what {module.name} holds by itself")
        for use in module.self_uses.get(name, ()):
            if use.call is None and isinstance(use.node.ctx, ast.Load):
                raise Refused("unknown-input", f"self.{name} is used without being called")


def _check_dead(use: Call) -> None:
    """Raises Refused unless the input is what a layer made just before, and nothing reads it."""
    if stands_alone(use):
        raise Refused("result-unused", f"the call at line {use.node.lineno} stands alone")
    value = input_of(use)
    if value is None:
        raise Refused("unknown-input", "the input cannot be told")
    if overwritten(use, value) == "callers":
        raise Refused("may-be-leaf", f"`{ast.unparse(value)}` comes from the caller")
    reader = next(_read_left_of(use, value), None)
    if reader is not None:
        raise Refused("needed-by-backward", f"`{reader}` of the same statement runs before")
    made = use.module.call_of(value) or _made_just_before(use, value)
    layer = _layer_called(made) if made is not None else None
    if layer is not None and _NEED_RESULT.fullmatch(layer):
        raise Refused("needed-by-backward", f"it is made by nn.{layer}")
    if layer is None or not _FRESH.fullmatch(layer):
        raise Refused("unknown-input", "what made the input cannot be told")


def _read_left_of(use: Call, value: ast.expr) -> Iterator[str]:
    """What reads the input earlier in the statement, and may need it in its backward:
    `self.gate(x)` of `self.gate(x) + self.relu(x)`."""
    start = (use.node.lineno, use.node.col_offset)
    name = value.id if isinstance(value, ast.Name) else ""
    for node in ast.walk(use.statement):
        if (
            isinstance(node, ast.Name)
            and (node.id, type(node.ctx)) == (name, ast.Load)
            and (node.lineno, node.col_offset) < start
        ):
            yield ast.unparse(next(use.module.ancestors(node)))


def _made_just_before(use: Call, value: ast.expr) -> Call | None:
    """The call in `x = self.conv(x)`, where that is the statement before in the same block."""
    module, statement = use.module, use.statement
    around = next(module.ancestors(statement), None)
    block: list[ast.stmt] = getattr(around, "body", [])
    if statement not in block or block.index(statement) == 0:
        return None
    before = block[block.index(statement) - 1]
    if not isinstance(before, ast.Assign) or not isinstance(value, ast.Name):
        return None
    target = before.targets[0]
    is_it = len(before.targets) == 1 and isinstance(target, ast.Name) and target.id == value.id
    return module.call_of(before.value) if is_it else None


def _layer_called(call: Call) -> str | None:
    """The layer of torch.nn that `self.conv(x)` calls, if the attribute can be nothing else."""
    function = call.node.func
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return None
    if function.value.id != call.self_name:
        return None
    return layer_held(call.module, function.attr)


def _check_layer_before(call: Call) -> None:
    """Raises Refused unless the layer before it in an nn.Sequential gives a tensor of its own."""
    position = position_in_sequential(call)
    around = call.module.call_of(call.ancestors[0])
    assert position is not None
    assert around is not None
    if position == 0:
        raise Refused("may-be-leaf", "it is the first layer of an nn.Sequential")
    layer = layer_made(call.module, around.node.args[position - 1])
    if layer is not None and _NEED_RESULT.fullmatch(layer):
        raise Refused("needed-by-backward", f"it stands behind nn.{layer}")
    if layer is None or not _FRESH.fullmatch(layer):
        raise Refused("unknown-input", "what stands before it cannot be told")
