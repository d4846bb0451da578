"""A hand-written `__call__` becomes `forward`, so that hooks, tracing and scripting work.

https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.forward
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from codemod import (
    Contract,
    Edit,
    Example,
    Found,
    Method,
    ModuleClass,
    RefusalDoc,
    Refused,
    Transform,
    Witness,
    check_file,
    check_not_copied,
    dotted_name,
    relative_class,
    remove_statement,
    span,
    witness,
)


class CallToForward(Transform):
    """Rename a hand-written __call__ of a module to forward, with everything that follows."""

    name = "call-to-forward"
    contract = Contract(changes={"hooks": "differs"})
    markers = re.compile(r"__call__")
    refusals = {
        "call-and-forward": RefusalDoc(
            "The class has both __call__ and forward, and __call__ does more than to call forward.",
            "Move what __call__ does into forward, or into a method of another name.",
        ),
        "family-forward": RefusalDoc(
            "A base class or a subclass defines forward, which the renamed method would replace"
            " or be replaced by.",
            "Give one of the two methods another name.",
        ),
        "family-call": RefusalDoc(
            "Another base class defines __call__ as well, and its one would run in place of this.",
            "Remove or rename the other __call__ first.",
        ),
        "calls-forward": RefusalDoc(
            "__call__ calls self.forward, which would be itself after the rename.",
            "Rename by hand: what __call__ calls needs another name than forward.",
        ),
        "super-call": RefusalDoc(
            "It calls super().__call__, and the base's __call__ is not one that is renamed.",
            "Call super().forward instead, if that is what is meant.",
        ),
        "static-call": RefusalDoc(
            "__call__ is a static or class method, a property or not a plain def.",
            "Make it a plain method.",
        ),
    }
    examples = (
        Example(
            before="""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def __call__(self, x):
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
        ),
    )

    def find(self, module: ModuleClass) -> Iterator[Found]:
        statement = _call_alias(module)
        method = module.method("__call__")
        if method is None and statement is None:
            return
        if _is_renamed_with_base(module):
            return  # the base's rewrite renames the whole family
        node = method.node if method is not None else statement
        assert node is not None
        try:
            check_file(module)
            check_not_copied(module, [method.node] if method else ())
            _check_no_other_call(module)
            if method is None:
                yield self._drop_alias(module, node)
            elif module.method("forward") is not None:
                yield self._drop_delegation(module, method)
            else:
                yield self._rename(module, method)
        except Refused as refused:
            yield self.refuse(module, node, refused)

    def _drop_alias(self, module: ModuleClass, statement: ast.stmt) -> Found:
        """`__call__ = forward` goes: Module's own __call__ runs forward and the hooks."""
        forward = module.method("forward")
        if forward is None:
            raise Refused("call-and-forward", "__call__ is an alias of what is not seen here")
        for key in module.descendants_in_project:
            if "forward" in module.project.classes[key].methods:
                raise Refused("family-forward", f"{key[1]} ({key[0]}) would run its own forward")
        edit = remove_statement(module.source, statement)
        return self.rewrite(
            module,
            "__call__ = forward removed",
            [statement],
            [edit],
            [witness(module, forward.node)],
        )

    def _drop_delegation(self, module: ModuleClass, method: Method) -> Found:
        """A __call__ that only returns self.forward(...) goes."""
        forward = module.method("forward")
        assert forward is not None
        if not _is_pure_delegation(method):
            raise Refused("call-and-forward", "__call__ does more than to call forward")
        edit = _remove_method(module, method)
        return self.rewrite(
            module,
            "__call__ removed: forward does it",
            [method.node],
            [edit],
            [witness(module, forward.node)],
        )

    def _rename(self, module: ModuleClass, method: Method) -> Found:
        """`def __call__` becomes `def forward` in the class and in its subclasses."""
        edits: list[Edit] = []
        witnesses: list[Witness] = []
        sites: list[ast.stmt] = [method.node]
        for member in _family(module):
            own = member.method("__call__")
            if own is not None:
                _check_renamable(member, own, is_root=member.key == module.key)
            changes = _member_edits(member, own, module)
            if changes:
                check_file(member)
                check_not_copied(member, [own.node] if own is not None else ())
            if own is not None:
                witnesses.append(witness(member, own.node))
            edits += changes
        return self.rewrite(module, "__call__ -> forward", sites, edits, witnesses, kind="__call__")


def _call_alias(module: ModuleClass) -> ast.stmt | None:
    """The statement `__call__ = forward` in the class body."""
    return next(
        (
            item
            for item in module.node.body
            if isinstance(item, ast.Assign)
            and dotted_name(item.targets[0]) == "__call__"
            and dotted_name(item.value) == "forward"
        ),
        None,
    )


def _is_renamed_with_base(module: ModuleClass) -> bool:
    """Whether a base class of the project, a module too, defines `__call__`."""
    project = module.project
    return any(
        "__call__" in project.classes[key].methods and project.is_module(key)
        for key in module.ancestors_in_project
    )


def _check_no_other_call(module: ModuleClass) -> None:
    """Raises Refused (family-call): what a base's `__call__` hides behind this one."""
    for key in module.ancestors_in_project:
        if "__call__" in module.project.classes[key].methods:
            raise Refused("family-call", f"{key[1]} ({key[0]}) defines __call__")


def _family(module: ModuleClass) -> list[ModuleClass]:
    return [module, *(relative_class(module, key) for key in module.descendants_in_project)]


def _member_edits(member: ModuleClass, own: Method | None, root: ModuleClass) -> list[Edit]:
    """What changes in one class of the family. `own` is its `__call__`, if it has one."""
    edits = _super_edits(member)
    if edits:
        _check_super_is_renamed(member, root)
    if own is not None:
        definitions = [item for item in member.methods if item.name == "__call__"]
        edits += [_rename_edit(member, item) for item in definitions]
        edits += [*_self_edits(member), *_drop_forward_alias(member)]
    return edits


def _check_super_is_renamed(member: ModuleClass, root: ModuleClass) -> None:
    """What `super().__call__` leads to in a member must be a method that is renamed too."""
    renamed = {root.key, *root.descendants_in_project}
    for key in member.ancestors_in_project:
        if key not in renamed and "__call__" in member.project.classes[key].methods:
            raise Refused("super-call", f"{key[1]} ({key[0]}) has a __call__ that stays")
    for call in member.calls:
        owner = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
        if isinstance(owner, ast.Call) and dotted_name(owner.func) == "super" and owner.args:
            named = dotted_name(owner.args[0])
            if named not in (member.node.name, "__class__"):
                raise Refused("super-call", f"{member.name} calls super({named}, ...)")


def _check_renamable(module: ModuleClass, method: Method, *, is_root: bool) -> None:
    project = module.project
    if method.self_name is None or not isinstance(
        method.node, ast.FunctionDef | ast.AsyncFunctionDef
    ):
        raise Refused("static-call", "__call__ takes no self")
    if any(dotted_name(item) == "property" for item in method.node.decorator_list):
        raise Refused("static-call", "__call__ is a property")
    definitions = [item for item in module.methods if item.name == "__call__"]
    if sum(not _is_overload(item) for item in definitions) > 1:
        raise Refused("static-call", "__call__ is defined more than once")
    relatives = {*module.ancestors_in_project, *module.descendants_in_project}
    for key in module.descendants_in_project:
        relatives.update(project.ancestors(key))
    for key in sorted(relatives):
        if "forward" in project.classes[key].methods:
            raise Refused("family-forward", f"{key[1]} ({key[0]}) defines forward")
    if not is_root and module.method("forward") is not None:
        raise Refused("family-forward", f"{module.name} defines forward as well")
    if "forward" in module.self_uses:
        raise Refused("calls-forward", "the class uses self.forward")
    if is_root and _super_edits(module):
        raise Refused("super-call", "it calls super().__call__")


def _is_overload(method: Method) -> bool:
    """A signature for type checkers, `@typing.overload`."""
    names = (dotted_name(item) or "" for item in method.node.decorator_list)
    return any(name.rpartition(".")[2] == "overload" for name in names)


def _is_pure_delegation(method: Method) -> bool:
    """`def __call__(self, *args, **kwargs): return self.forward(*args, **kwargs)`."""
    body = method.node.body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if len(body) != 1 or not isinstance(body[0], ast.Return) or method.node.decorator_list:
        return False
    call = body[0].value
    if not isinstance(call, ast.Call) or dotted_name(call.func) != f"{method.self_name}.forward":
        return False
    arguments = method.node.args
    passed = [ast.unparse(item) for item in call.args]
    named = {item.arg: ast.unparse(item.value) for item in call.keywords}
    wanted = [item.arg for item in [*arguments.posonlyargs, *arguments.args][1:]]
    if arguments.vararg:
        wanted.append(f"*{arguments.vararg.arg}")
    keywords: dict[str | None, str] = {item.arg: item.arg for item in arguments.kwonlyargs}
    if arguments.kwarg:
        keywords[None] = arguments.kwarg.arg
    if arguments.defaults or any(arguments.kw_defaults):
        return False
    by_name = {name: value for name, value in named.items() if name in wanted and name == value}
    return (
        passed + list(by_name.values()) == wanted
        and {name: value for name, value in named.items() if name not in by_name} == keywords
    )


def _rename_edit(module: ModuleClass, method: Method) -> Edit:
    start, end = span(module.source, method.node)
    offset = module.source.text.index("__call__", start, end)
    return Edit(module.path, offset, offset + len("__call__"), "forward")


def _super_edits(module: ModuleClass) -> list[Edit]:
    """`super().__call__(x)` and `Base.__call__(self, x)` call forward."""
    bases = {name for base in module.node.bases if (name := dotted_name(base))}
    edits: list[Edit] = []
    for call in module.calls:
        function = call.node.func
        if not isinstance(function, ast.Attribute) or function.attr != "__call__":
            continue
        owner = function.value
        is_super = isinstance(owner, ast.Call) and dotted_name(owner.func) == "super"
        if is_super or dotted_name(owner) in bases:
            end = span(module.source, function)[1]
            edits.append(Edit(module.path, end - len("__call__"), end, "forward"))
    return edits


def _self_edits(module: ModuleClass) -> list[Edit]:
    """`self.__call__(x)` becomes `self(x)`."""
    edits: list[Edit] = []
    for use in module.self_uses.get("__call__", ()):
        if use.call is not None:
            start, end = span(module.source, use.node)
            edits.append(Edit(module.path, start, end, use.method.self_name or "self"))
    return edits


def _drop_forward_alias(module: ModuleClass) -> list[Edit]:
    """`forward = __call__` in the class body would find no name after the rename."""
    return [
        remove_statement(module.source, item)
        for item in module.node.body
        if isinstance(item, ast.Assign)
        and dotted_name(item.value) == "__call__"
        and dotted_name(item.targets[0]) == "forward"
    ]


def _remove_method(module: ModuleClass, method: Method) -> Edit:
    """Delete a method with the blank lines above it, or below it where there are none."""
    edit = remove_statement(module.source, method.node)
    source = module.source
    start = edit.start
    end = min(edit.end, source.next_line(span(source, method.node)[1]))
    while start > 0:
        above = source.line_start(start - 1)
        if source.text[above:start].strip():
            break
        start = above
    nothing_above = start == source.line_start(span(source, method.node)[0])
    while nothing_above and end < len(source.text):
        below = source.next_line(end)
        if source.text[end:below].strip():
            break
        end = below
    return Edit(edit.path, start, end, edit.new)
