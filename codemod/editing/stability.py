"""Whether an expression means the same whenever it is evaluated, in `__init__` or at a call."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from codemod.editing.refused import Refused
from codemod.semantics.module_class import Assignment, ModuleClass
from codemod.semantics.scopes import Scope
from codemod.semantics.syntax import dotted_name

# Packages whose attributes are constants.
_CONSTANT_PACKAGES = frozenset({"torch", "math", "numpy", "enum"})


def stable_attributes(
    module: ModuleClass, node: ast.expr, scope: Scope, self_name: str | None
) -> frozenset[str]:
    """The attributes of the module that a stable expression reads.

    Raises Refused: argument-not-static, argument-reassigned.
    """
    return frozenset(_reads(module, node, scope, self_name))


def _reads(
    module: ModuleClass, node: ast.expr, scope: Scope, self_name: str | None
) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        return
    if isinstance(node, ast.Attribute | ast.Name):
        yield from _reads_of_name(module, node, scope, self_name)
        return
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield from _reads(module, node.value, scope, self_name)
        return
    parts = _parts(node)
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
    return None


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


def check_attribute(module: ModuleClass, name: str) -> None:
    """Raise Refused unless only `__init__` (or the class body) ever sets `self.NAME`."""
    if name == "training":
        raise Refused("argument-not-static", "the argument depends on self.training")
    own = module.assignments.get(name, ())
    if any(method.name == name for method in module.methods):
        raise Refused("argument-not-static", f"self.{name} is a property or a method")
    if name in module.project.assigned_outside:
        place = module.project.place_assigned(name)
        raise Refused("argument-reassigned", f"{place} assigns .{name} of an object")
    inherited = [key for key in module.ancestors_in_project if _assigns(module, key, name)]
    below = [key for key in module.descendants_in_project if _assigns(module, key, name)]
    count = len(own) + len(inherited)
    if below or count > 1:
        raise Refused("argument-reassigned", f"self.{name} is assigned more than once")
    if own and not _is_settled(module, own[0]):
        raise Refused(
            "argument-reassigned", f"self.{name} is not assigned plainly at the top of __init__"
        )
    if not count and not _is_class_attribute(module, name):
        raise Refused("argument-not-static", f"where self.{name} is set cannot be seen")


def _is_settled(module: ModuleClass, item: Assignment) -> bool:
    return item.plain and item.top_level and item.method.name == "__init__"


def _is_class_attribute(module: ModuleClass, name: str) -> bool:
    keys = (module.key, *module.ancestors_in_project)
    return any(name in module.project.classes[key].class_attributes for key in keys)


def _assigns(module: ModuleClass, key: tuple[str, str], name: str) -> bool:
    item = module.project.classes[key]
    if name not in item.names:
        return False
    pattern = rf"\bself\.{re.escape(name)}\s*(?::[^=\n]+)?(?:[-+*/]|//|\*\*)?=(?!=)"
    return re.search(pattern, module.project.class_text(key)) is not None


def _check_inner(module: ModuleClass, owner: str, last: str) -> None:
    """`self.config.dropout`: nobody may assign `.config.dropout`."""
    answers, key = module.project.answers, ("assigned", f"{owner}.{last}")
    if key not in answers:
        pattern = re.compile(
            rf"\.{re.escape(owner)}\.{re.escape(last)}\s*(?:[-+*/]|//|\*\*)?=(?!=)"
        )
        answers[key] = owner if module.project.mentions(last, pattern) else None
    if answers[key] is not None:
        raise Refused("argument-reassigned", f"code assigns .{owner}.{last} after construction")
