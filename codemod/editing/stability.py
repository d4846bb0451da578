"""Whether an expression means the same whenever it is evaluated, in `__init__` or at a call."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator

from codemod.editing.refused import Refused
from codemod.editing.settled import check_attribute
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.scopes import Scope
from codemod.semantics.syntax import dotted_name, walk

# Packages whose attributes are constants.
_CONSTANT_PACKAGES = frozenset({"torch", "math", "numpy", "enum"})
# Their result depends on their arguments alone.
PURE_BUILTINS = frozenset({"abs", "bool", "float", "int", "max", "min", "round", "tuple"})


def stable_attributes(
    module: ModuleClass, node: ast.expr, scope: Scope, self_name: str | None
) -> frozenset[str]:
    """The attributes of the module that a stable expression reads.

    Raises Refused: argument-not-static, argument-reassigned.
    """
    return frozenset(_reads(module, node, scope, self_name))


def attributes_for_init(call: Call, values: Iterable[ast.expr]) -> frozenset[str]:
    """What arguments of a call read of the module, so that they can be moved to `__init__`.

    Raises Refused (argument-not-static, argument-reassigned, unusual-call) where they would
    mean something else there.
    """
    init = call.module.init
    needed: set[str] = set()
    for value in values:
        needed |= stable_attributes(call.module, value, call.scope, call.self_name)
        if init is None:
            continue
        if needed and init.self_name != call.self_name:
            raise Refused("unusual-call", "self has another name in __init__")
        names = {node.id for node in walk(value) if isinstance(node, ast.Name)}
        hidden = sorted(name for name in names - {call.self_name} if init.scope.binds(name))
        if hidden:
            raise Refused("argument-not-static", f"`{hidden[0]}` means something else in __init__")
    return frozenset(needed)


def _reads(
    module: ModuleClass, node: ast.expr, scope: Scope, self_name: str | None
) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        return
    if isinstance(node, ast.Attribute | ast.Name):
        yield from _reads_of_name(module, node, scope, self_name)
        return
    parts = _operands_of_call(module, node, scope) if isinstance(node, ast.Call) else _parts(node)
    if parts is None:
        raise _not_static(module, node)
    for part in parts:
        yield from _reads(module, part, scope, self_name)


def _parts(node: ast.expr) -> list[ast.expr] | None:
    """The operands of an operator whose result depends on nothing else."""
    if isinstance(node, ast.Tuple | ast.List):
        return node.elts
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.IfExp):
        return [node.test, node.body, node.orelse]
    if isinstance(node, ast.Subscript):
        return [node.value, node.slice]
    if isinstance(node, ast.Slice):
        return [item for item in (node.lower, node.upper, node.step) if item is not None]
    return None


def _operands_of_call(module: ModuleClass, node: ast.Call, scope: Scope) -> list[ast.expr] | None:
    """The arguments of a built-in function whose result depends on nothing else."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    hidden = scope.binds(name) or name in module.file.index.bindings or module.file.index.stars
    if name not in PURE_BUILTINS or hidden or node.keywords:
        return None
    return node.args


def _reads_of_name(
    module: ModuleClass, node: ast.Attribute | ast.Name, scope: Scope, self_name: str | None
) -> Iterator[str]:
    dotted = dotted_name(node)
    if dotted is None:
        raise _not_static(module, node)
    head, _, rest = dotted.partition(".")
    if head == self_name and rest:
        name, _, inner = rest.partition(".")
        check_attribute(module, name)
        if inner:
            _check_inner(module, name, inner.rpartition(".")[2])
        yield name
        return
    if scope.binds(head):
        raise _not_static(module, node)
    _check_file_level(module, head, rest, node)


def _not_static(module: ModuleClass, node: ast.expr) -> Refused:
    text = module.text(node)
    shown = text if len(text) <= 40 and "\n" not in text else text[:37].split("\n")[0] + "..."
    return Refused("argument-not-static", f"the argument `{shown}` may differ from call to call")


def _check_file_level(module: ModuleClass, head: str, rest: str, node: ast.expr) -> None:
    """A file-level name is stable if it is imported, defined, or assigned exactly once."""
    bindings = module.file.index.bindings.get(head)
    if bindings is None:
        if hasattr(builtins, head) and not rest:
            return
        raise _not_static(module, node)
    if len(bindings) != 1:
        raise _not_static(module, node)
    binding = bindings[0]
    if binding.target.partition(".")[0] not in _CONSTANT_PACKAGES:
        _check_not_set_from_outside(module, rest.rpartition(".")[2] or head)
    if binding.kind == "definition":
        return
    if binding.kind == "import":
        target = module.file.resolver.resolve(head, None).name
        if target is not None and target.partition(".")[0] in _CONSTANT_PACKAGES:
            return
        if not rest and head.isupper():
            return
        raise _not_static(module, node)
    assigned = re.findall(
        rf"(?m)(?:^|[^.\w]){re.escape(head)}\s*(?::[^=\n]+)?(?:[-+*/]|//|\*\*)?=(?!=)",
        module.source.text,
    )
    if rest or len(assigned) != 1:
        raise _not_static(module, node)


def _check_not_set_from_outside(module: ModuleClass, name: str) -> None:
    """`net.SLOPE = 0.2` in another file, `Config.slope = 0.2` in any."""
    project = module.project
    if name in project.assigned_outside:
        for path, file in project.files.items():
            if name in file.outside_assigned and project.reach.may_meet(path, module.key):
                raise Refused("argument-reassigned", f"{path} sets .{name} of an object")


def _check_inner(module: ModuleClass, owner: str, last: str) -> None:
    """`self.config.dropout`: nobody may assign `.config.dropout`."""
    project, name = module.project, f"{owner}.{last}"
    pattern = re.compile(rf"\.{re.escape(owner)}\.{re.escape(last)}\s*(?:[-+*/]|//|\*\*)?=(?!=)")
    found = project.remembered("assigned", name, lambda: project.mentions(last, pattern))
    reaching = [item for item in found if project.reach.may_meet(item.path, module.key)]
    if reaching:
        raise Refused("argument-reassigned", f"{reaching[0]} assigns .{name} after construction")
