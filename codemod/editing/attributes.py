"""A new attribute of a module: its name, and the place in `__init__` where it is made."""

from __future__ import annotations

import ast
import itertools
import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from codemod.catalogue import PAIRS
from codemod.editing.checks import gives_way
from codemod.editing.keyworded import is_given_by_keyword
from codemod.editing.reassignment import reaching_assignment
from codemod.editing.refused import Refused
from codemod.results import Edit, Requirement
from codemod.semantics.index import NO_MODULE
from codemod.semantics.layout import span
from codemod.semantics.module_class import Assignment, Method, ModuleClass
from codemod.semantics.module_names import MODULE_NAMES
from codemod.semantics.project import Base, Project
from codemod.semantics.syntax import (
    FunctionNode,
    dotted_name,
    last_name,
    parameters_of,
    parse,
    statements_in,
    targets_of,
    walk,
)
from codemod.source.text import SourceText

# Orders of what is inserted with a new `__init__`: its head first, a blank line last.
_HEAD, _TAIL = -1, 2**40


@dataclass(frozen=True, slots=True)
class Placement:
    """Where new attributes go: an offset, the indentation there, and what that takes."""

    offset: int
    indent: str
    prefix: str  # a line ending, where the line before has none
    requirements: tuple[Requirement, ...] = ()


def fresh_names(
    module: ModuleClass, base: str, sites: Iterable[int], first: int | None = None
) -> dict[int, str]:
    """A name for each site (by its offset): `relu`, or `relu1`, `relu2`... where there are several.

    They are numbered in the order of `sites`, which is best that of evaluation, from `first` on
    where it is given. No name hides one of nn.Module, of the class, of its bases or of its
    subclasses, or is one that other code sets or asks for. A site that has a name already, given
    for another transform, keeps it.
    """
    sites = tuple(sites)
    taken = module.family_names | MODULE_NAMES | set(module.reserved_names.values())
    taken |= _answered_by_getattr(module)
    taken |= _given_in_bases(module, base, taken, is_copied=first is not None)
    names: dict[int, str] = {}
    number = first if first is not None else 0 if len(sites) == 1 else 1
    for site in sites:
        if site in module.reserved_names:
            names[site] = module.reserved_names[site]
            continue
        name = base + (str(number) if number else "")
        while name in taken or is_asked_for(module, name):
            number += 1
            name = f"{base}{number}"
        names[site] = name
        number += 1
    module.reserved_names.update(names)
    return names


# `hasattr(x, "NAME")`, `getattr(x, "NAME", ...)`; its first letters let `re` skip to it.
_PROBE = re.compile(
    r"""attr\((?:(?<=\bhasattr\()|(?<=\bgetattr\())\s*([\w.]+)\s*,\s*["'](\w+)["']"""
)


def _given_in_bases(
    module: ModuleClass, base: str, taken: Collection[str], *, is_copied: bool
) -> set[str]:
    """The names that the sites of the class's bases may be given in the same run.

    `is_copied`: they are copies of an attribute of that name.
    """
    spelled = {f"self.{base}"} if is_copied else set()
    for pair in PAIRS:
        if pair.attribute == base:
            names = (pair.module, *(item.name for item in pair.functional))
            spelled |= {name.rpartition(".")[2] for name in names}
    if not spelled:
        return set()
    site = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(spelled)))})_?\(")
    project = module.project
    sites = sum(
        len(
            project.remembered(
                f"calls-of {site.pattern}",
                ":".join(key),
                lambda key=key: site.findall(project.class_text(key)),  # type: ignore[misc]
            )
        )
        for key in module.ancestors_in_project
    )
    if not sites:
        return set()
    passed_over = sum(name.startswith(base) for name in taken)
    last = sites + passed_over
    return {base, *(f"{base}{number}" for number in range(1, last + 1) if last > 1)}


def is_asked_for(module: ModuleClass, name: str) -> bool:
    """Whether other code would notice a new attribute of this name.

    `if hasattr(model, "drop_rate"): model.drop_rate = 0.0` does.
    """
    return (
        reaching_assignment(module, name) is not None
        or _is_probed(module, name)
        or is_given_by_keyword(module, name)
    )


def _is_probed(module: ModuleClass, name: str) -> bool:
    """Whether `hasattr(x, NAME)` or `getattr(x, NAME, ...)` stands where x may be the module."""
    project, key = module.project, ("probed", name)
    if key not in project.answers:
        project.answers[key] = next(
            (
                path
                for path in project.files_with_string(name)
                for receiver, probed in _probes(project, path, project.text(path))
                if probed == name and receiver != "self" and not NO_MODULE.search(receiver)
            ),
            None,
        )
    family = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    return project.answers[key] is not None or any(
        probed == name
        for one in family
        for _, probed in _probes(project, ":".join(one), project.class_text(one))
    )


def _probes(project: Project, of: str, text: str) -> tuple[tuple[str, str], ...]:
    """What is asked for which attribute in the text of a file or a class."""
    return project.remembered("probes", of, lambda: _PROBE.findall(text))


def _answered_by_getattr(module: ModuleClass) -> frozenset[str]:
    """Names that a `__getattr__` of the family may answer before nn.Module does: its settings."""
    keys = (module.key, *module.ancestors_in_project)
    if module.init is None or not any(gives_way(module, key) for key in keys):
        return frozenset()
    return frozenset(item.arg for item in parameters_of(module.init.node))


def add_attribute(
    module: ModuleClass, name: str, value: str, placement: Placement, order: int
) -> Edit:
    """The line `self.NAME = VALUE`. Lines at one place are ordered by `order`.

    The rewrite also has to list the placement's `requirements`: a new `__init__`, where the class
    has none.
    """
    init = module.init
    self_name = init.self_name if init is not None and init.self_name else "self"
    line = f"{placement.indent}{self_name}.{name} = {value}"
    text = placement.prefix + line + ("" if placement.prefix else module.source.newline)
    return Edit(module.path, placement.offset, placement.offset, text, order)


def placement_for(
    module: ModuleClass,
    producer: str | None,
    needs: Collection[str] = (),
    before: int | None = None,
) -> Placement:
    """Right after the layer that feeds the new one, and after the attributes that it reads.

    `before`: index of a statement of `__init__` that uses the new layer already.
    Raises Refused: no-super-init, init-returns, one-line-init, several-inits, in-init.
    """
    init = module.init
    if init is None:
        return _new_init(module)
    if sum(method.name == "__init__" for method in module.methods) > 1:
        raise Refused("several-inits", f"{module.name} defines __init__ more than once")
    body = init.node.body
    if body[0].lineno == init.node.lineno:
        raise Refused("one-line-init", "__init__ stands on one line with its def")
    super_call = _super_call_index(module, init)
    if super_call is None:
        raise Refused("no-super-init", f"{module.name}.__init__ does not call super().__init__()")
    needed = max([super_call, *(index_in_init(module, name) for name in needs)])
    if before is not None and needed >= before:
        line = body[before].lineno
        raise Refused("in-init", f"__init__ runs the call in line {line}: too early for a layer")
    if any(isinstance(statement, ast.Return) for statement in statements_in(body)):
        if needed > super_call:
            raise Refused("init-returns", "__init__ may return before the new layer is made")
        return _after(module.source, body[super_call], body[super_call])
    anchor = index_in_init(module, producer) if producer else -1
    if anchor < 0:
        anchor = _last_module_index(module, init)
    if before is not None and anchor >= before:
        anchor = _last_module_index(module, init, before)
    return _after(module.source, body[max(anchor, needed)], body[super_call])


def placement_behind(module: ModuleClass, statement: ast.stmt) -> Placement:
    """Right behind a statement of `__init__`, in the same block."""
    source = module.source
    start, end = span(source, statement)
    is_alone = not source.text[source.line_start(start) : start].strip()
    if is_alone and not source.text[end : source.line_end(end)].lstrip().startswith(";"):
        return _after(source, statement, statement)
    return Placement(end, "", "; ")


def check_after_super(module: ModuleClass, statement: ast.stmt) -> None:
    """Raises Refused (no-super-init) for a statement of `__init__` that runs before its bases'."""
    init = module.init
    index = _super_call_index(module, init) if init is not None else None
    if init is None or index is None or statement.lineno <= init.node.body[index].lineno:
        raise Refused("no-super-init", "super().__init__() does not run before it")


def _super_call_index(module: ModuleClass, init: Method) -> int | None:
    """Index, in the body of `__init__`, of the statement that runs a base's `__init__`."""
    bases = {name for base in module.node.bases if (name := dotted_name(base))}
    above = set(module.ancestors_in_project)
    for index, statement in enumerate(init.node.body):
        for node in walk(statement):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "__init__"
            ):
                owner = node.func.value
                if isinstance(owner, ast.Call) and dotted_name(owner.func) == "super":
                    return index
                name = dotted_name(owner)
                found = module.file.resolver.resolve(name, None) if name else Base()
                if name in bases or found.name == "torch.nn.Module" or found.key in above:
                    return index
    return None


def index_in_init(module: ModuleClass, name: str | None) -> int:
    """Index, in the body of `__init__`, of the last statement that assigns an attribute, or -1."""
    init = module.init
    if init is None or name is None:
        return -1
    assigned = max(
        (_top_index(init, item) for item in module.assignments.get(name, ())), default=-1
    )
    filled = [
        index
        for index, statement in enumerate(init.node.body)
        if index > assigned >= 0 and _fills(statement, f"{init.self_name}.{name}.")
    ]
    return max([assigned, *filled])


def _fills(statement: ast.stmt, prefix: str) -> bool:
    """Whether a statement calls a method of the attribute or sets something in it."""
    for node in walk(statement):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Call):
            targets = [node.func]
        elif isinstance(node, ast.stmt):
            targets = targets_of(node)
        for target in targets:
            inner = target.value if isinstance(target, ast.Subscript) else target
            suffix = "." if isinstance(target, ast.Subscript) else ""
            if ((dotted_name(inner) or "") + suffix).startswith(prefix):
                return True
    return False


def _top_index(init: Method, item: Assignment) -> int:
    if item.method is not init and item.method.node is not init.node:
        return -1
    for index, statement in enumerate(init.node.body):
        if statement.lineno <= item.node.lineno <= (statement.end_lineno or 0):
            return index
    return -1


def _last_module_index(module: ModuleClass, init: Method, before: int = sys.maxsize) -> int:
    """The last statement that makes a layer, by the look of it: `self.x = Name(...)`.

    The last that sets anything where none does; -1 where there is neither. Those from the index
    `before` on do not count.
    """
    found, settings = [-1], [-1]
    for item in itertools.chain.from_iterable(module.assignments.values()):
        index = _top_index(init, item)
        if index < before:
            settings.append(index)
            if _makes_layer(item):
                found.append(index)
    return max(found) if max(found) >= 0 else max(settings)


def _makes_layer(item: Assignment) -> bool:
    return isinstance(item.value, ast.Call) and last_name(item.value.func)[:1].isupper()


def _after(source: SourceText, anchor: ast.stmt, sibling: ast.stmt) -> Placement:
    end = span(source, anchor)[1]
    offset = source.next_line(end)
    missing = offset == len(source.text) and not source.text.endswith(("\n", "\r"))
    return Placement(offset, source.indent(span(source, sibling)[0]), source.newline * missing)


def _first_statement_with_a_method(module: ModuleClass) -> ast.stmt:
    """The first `def` of the class body, or the `if` around it."""
    method = module.methods[0].node
    return next(item for item in module.node.body if method in statements_in([item]))


def _new_init(module: ModuleClass) -> Placement:
    """A new `__init__` before the first method, with the signature that the class has now."""
    source = module.source
    first = _first_statement_with_a_method(module)
    decorators = first.decorator_list if isinstance(first, FunctionNode) else []
    line = min([first.lineno, *(item.lineno for item in decorators)])
    offset = source.line_starts[line - 1]
    while offset > 0:
        above = source.line_start(offset - 1)
        if not source.text[above:offset].lstrip().startswith("#"):
            break
        offset = above
    indent = source.indent(source.offset(first.lineno, first.col_offset))
    parameters, arguments = _inherited_signature(module)
    step = "\t" if indent.startswith("\t") else "    "
    head = source.newline.join(
        [f"{indent}def __init__({parameters}):", f"{indent}{step}super().__init__({arguments})", ""]
    )
    key = f"init:{module.path}:{module.name}"
    return Placement(
        offset,
        indent + step,
        "",
        (
            Requirement(key, Edit(module.path, offset, offset, head, _HEAD)),
            Requirement(key + ":end", Edit(module.path, offset, offset, source.newline, _TAIL)),
        ),
    )


def _inherited_signature(module: ModuleClass) -> tuple[str, str]:
    """Parameters of the inherited `__init__`, and how to pass them on."""
    anything = ("self, *args, **kwargs", "*args, **kwargs")
    key = module.key
    for _ in range(50):
        bases = [base for base in module.project.bases[key] if base.name != "object"]
        if len(bases) != 1:
            return anything
        base = bases[0]
        if base.name == "torch.nn.Module":
            return ("self", "")
        if base.key is None:
            return anything
        key = base.key
        if module.project.classes[key].init != "absent":
            return _signature_of(module, key) or anything
    return anything


def _signature_of(module: ModuleClass, key: tuple[str, str]) -> tuple[str, str] | None:
    """The signature of a project class's `__init__`, where it can stand in any file."""
    path, qualname = key
    source = SourceText.decode(path, module.project.overlay.read(path))
    owner = qualname.rpartition(".")[2]
    for node in walk(parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == owner:
            for item in node.body:
                if isinstance(item, FunctionNode) and item.name == "__init__":
                    return _pass_on(item)
    return None


def _pass_on(init: FunctionNode) -> tuple[str, str] | None:
    arguments = init.args
    defaults = [*arguments.defaults, *(item for item in arguments.kw_defaults if item)]
    if arguments.posonlyargs or not all(_is_plain(default) for default in defaults):
        return None
    bare = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(item.arg) for item in arguments.args],
        vararg=ast.arg(arguments.vararg.arg) if arguments.vararg else None,
        kwonlyargs=[ast.arg(item.arg) for item in arguments.kwonlyargs],
        kw_defaults=arguments.kw_defaults,
        kwarg=ast.arg(arguments.kwarg.arg) if arguments.kwarg else None,
        defaults=arguments.defaults,
    )
    if not parameters_of(init):
        return None
    passed = [item.arg for item in arguments.args[1:]]
    passed += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    passed += [f"{item.arg}={item.arg}" for item in arguments.kwonlyargs]
    passed += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    return ast.unparse(bare), ", ".join(passed)


def _is_plain(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_plain(node.operand)
    if isinstance(node, ast.Tuple):
        return all(_is_plain(item) for item in node.elts)
    return isinstance(node, ast.Constant)
