"""What rules out a change of a class's attributes, whatever the change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from codemod.editing.borrowed import check_methods_not_borrowed
from codemod.editing.refused import Refused
from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.module_names import is_torch_module
from codemod.semantics.project import Base, ClassKey
from codemod.semantics.syntax import FunctionNode, dotted_name, walk

_OWN_ATTRIBUTE_RULES = frozenset({"__getattr__", "__getattribute__", "__setattr__", "__slots__"})
# `__getattr__` is asked for children too: one that hands on what it does not know is none of ours.
_GIVES_WAY = re.compile(
    r"def __getattr__\(\s*self,\s*(\w+)[\s\S]{0,2000}?(?:super\([^()]*\)|\bModule)\.__getattr__\("
    r"\s*(?:self,\s*)?\1\s*\)"
)
_CLASS_REWRITING = frozenset({"dataclass", "dataclasses.dataclass", "attr.s", "attrs.define"})
# Layers of torch whose own code looks at no children, and has no attribute that a new one may hide.
_PLAIN_LAYER = re.compile(
    r"torch\.nn\.(?:Module|Identity|Linear|Bilinear|Embedding|EmbeddingBag|(?:Lazy)?Conv\w+"
    r"|(?:Lazy)?(?:Batch|Instance)Norm\dd|(?:Layer|Group|RMS|SyncBatch)Norm"
    r"|(?:Adaptive)?(?:Avg|Max)Pool\dd)"
)
_COPIED = re.compile(r"#\s*Copied from \S+")


def check_file(module: ModuleClass) -> None:
    """Raises Refused: generated."""
    if module.file.index.generated is not None:
        raise Refused("generated", f"the file's header says: {module.file.index.generated}")


def check_not_copied(module: ModuleClass, methods: Iterable[FunctionNode] = ()) -> None:
    """Raises Refused (copied) if the class, or one of the methods, is a marked copy."""
    for owner in (module.node, *methods):
        if _COPIED.search(_text_above(module, owner)):
            raise Refused("copied", f"{owner.name} is marked '# Copied from'")


def _text_above(module: ModuleClass, owner: ast.ClassDef | FunctionNode) -> str:
    """The comment lines above a definition and between its decorators."""
    source = module.source
    first = min([owner.lineno, *(item.lineno for item in owner.decorator_list)])
    stop = source.line_starts[owner.lineno - 1]
    start = source.line_starts[first - 1]
    while start > 0:
        above = source.line_start(start - 1)
        if not source.text[above:start].lstrip().startswith("#"):
            break
        start = above
    return source.text[start:stop]


def gives_way(module: ModuleClass, key: ClassKey) -> bool:
    """Whether all that a class has to say of its attributes is a `__getattr__` that gives way."""
    item = module.project.classes[key]
    own_rules = (item.methods | item.class_attributes) & _OWN_ATTRIBUTE_RULES
    text = module.project.class_text(key)
    return own_rules == {"__getattr__"} and _GIVES_WAY.search(text) is not None


def _stands_behind(module: ModuleClass, key: ClassKey) -> bool:
    """Whether nn.Module comes before a class in the MRO: its `__getattr__` is then never asked."""
    project = module.project
    item = project.classes[key]
    if project.is_module(key) is not False or item.methods & (
        _OWN_ATTRIBUTE_RULES - {"__getattr__"}
    ):
        return False
    family = (module.key, *module.ancestors_in_project)
    places = [
        [
            project.is_module(base.key) is True
            for base in bases[: bases.index(Base(key))]
            if base.key
        ]
        for bases in (project.bases[one] for one in family)
        if Base(key) in bases
    ]
    return bool(places) and all(any(before) for before in places)


def check_attributes_are_plain(module: ModuleClass) -> None:
    """Raises Refused: custom-attributes, unknown-base, scripted."""
    project = module.project
    for key in (module.key, *module.ancestors_in_project):
        item = project.classes[key]
        own_rules = sorted((item.methods | item.class_attributes) & _OWN_ATTRIBUTE_RULES)
        if own_rules and not (gives_way(module, key) or _stands_behind(module, key)):
            raise Refused("custom-attributes", f"{item.qualname} defines {own_rules[0]}")
        if item.metaclass:
            raise Refused("custom-attributes", f"{item.qualname} has a metaclass")
        for decorator in item.decorators:
            if decorator in _CLASS_REWRITING:
                raise Refused("custom-attributes", f"{item.qualname} is a {decorator}")
    if project.has_unknown_base(module.key):
        raise Refused("unknown-base", f"a base of {module.name} cannot be found")


def check_no_layer_base(module: ModuleClass) -> None:
    """Raises Refused (layer-base) if the class extends a container of torch, or the like."""
    for key in (module.key, *module.ancestors_in_project):
        for base in module.project.bases[key]:
            if base.name and is_torch_module(base.name) and not _PLAIN_LAYER.fullmatch(base.name):
                raise Refused("layer-base", f"{key[1]} is a {base.name}")


def first_run_in_init(call: Call) -> int | None:
    """Index, in the body of `__init__`, of the first statement that runs the call's method.

    Raises Refused (in-init) if a base's `__init__` runs it: the layer cannot be made before.
    """
    module, name = call.module, call.method.name
    for key in module.ancestors_in_project:
        text = module.project.class_text(key)
        init = re.search(r"\n([ \t]+)def __init__\b[\s\S]*?(?=\n\1(?:def|@|async )|\Z)", text)
        if init is not None and f"self.{name}(" in init.group():
            raise Refused("in-init", f"{key[1]}.__init__ runs {name}")
    if module.init is None:
        return None
    lines = [node.lineno for node in _uses_in_init(module, _that_run(module, name))]
    return min((_statement_at(module.init.node, line) for line in lines), default=None)


def _that_run(module: ModuleClass, name: str) -> frozenset[str]:
    """The methods and properties that run a method, itself included, directly or through others."""
    found: set[str] = set()
    queue = [name]
    while queue:
        current = queue.pop()
        found.add(current)
        users = {use.method.name for use in module.self_uses.get(current, ())}
        queue.extend(users - found - {"__init__"})
    return frozenset(found)


def _uses_in_init(module: ModuleClass, names: frozenset[str]) -> Iterator[ast.expr]:
    assert module.init is not None
    init = module.init.node
    for name in names:
        uses = module.self_uses.get(name, ())
        yield from (use.node for use in uses if use.method.node is init)
    if names & {"forward", "__call__"}:
        yield from (
            node
            for node in walk(init)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == module.init.self_name
        )


def _statement_at(function: FunctionNode, line: int) -> int:
    return next(
        index
        for index, item in enumerate(function.body)
        if item.lineno <= line <= (item.end_lineno or line)
    )


def check_not_swept(module: ModuleClass) -> None:
    """Raises Refused (sweeps-children) if the family goes over its own children by position."""
    family = {module.key, *module.ancestors_in_project, *module.descendants_in_project}
    for path, one in module.project.observers:
        if (
            one.receiver == "self"
            and one.kind in ("positions", "in-order", "in-depth")
            and (path, one.owner) in family
        ):
            raise Refused(
                "sweeps-children", f"{path}:{one.line}: {one.owner} goes over its children"
            )


def check_subclasses_run_init(module: ModuleClass, method: str) -> None:
    """Raises Refused (subclass-skips-init) if a subclass runs `method` but not `__init__`."""
    classes = module.project.classes
    calls_up = re.compile(rf"(?:super\([^()]*\)|\b{re.escape(module.node.name)})\.{method}\b")
    for key in module.descendants_in_project:
        item = classes[key]
        if item.init == "skips" and (
            method not in item.methods or calls_up.search(module.project.class_text(key))
        ):
            raise Refused(
                "subclass-skips-init",
                f"{item.qualname} ({key[0]}) does not call super().__init__()",
            )


def check_site(call: Call) -> None:
    """Raises Refused: no-self, in-init, in-default, in-f-string, star-arguments, unusual-call."""
    if call.self_name is None:
        raise Refused("no-self", f"{call.method.name} has no self here")
    if call.in_decorator_or_default:
        raise Refused("in-default", "the call runs when its def does")
    if call.method.name == "__init__":
        raise Refused("in-init", "the call stands in __init__")
    check_text(call)


def check_text(call: Call) -> None:
    """Raises Refused: in-f-string, star-arguments, unusual-call."""
    if call.in_f_string:
        raise Refused("in-f-string", "the call stands inside an f-string")
    if call.has_star:
        raise Refused("star-arguments", "the call passes * or ** arguments")
    if any(isinstance(item, ast.GeneratorExp) for item in call.node.args):
        raise Refused("unusual-call", "the call takes a generator")


def check_not_scripted(module: ModuleClass, name: str | None = None) -> None:
    """Raises Refused (scripted) for a scripted class, or `name` in its `__constants__`."""
    if any((item or "").endswith("jit.script") for item in module.index.decorators):
        raise Refused("scripted", f"{module.name} is compiled by torch.jit.script")
    for statement in module.node.body:
        if (
            isinstance(statement, ast.Assign)
            and dotted_name(statement.targets[0]) == "__constants__"
        ):
            strings = {
                item.value for item in walk(statement.value) if isinstance(item, ast.Constant)
            }
            if name is not None and name in strings:
                raise Refused("scripted", f"__constants__ lists {name!r}")


def check_class_accepts_attributes(module: ModuleClass, call: Call | None = None) -> None:
    """Everything that rules out a new attribute of this class, or the loss of one.

    Raises Refused: generated, copied, custom-attributes, unknown-base, scripted, layer-base,
    sweeps-children, borrowed.
    """
    check_file(module)
    check_not_copied(module, [call.method.node] if call is not None else ())
    check_attributes_are_plain(module)
    check_not_scripted(module)
    check_no_layer_base(module)
    check_not_swept(module)
    check_methods_not_borrowed(module)
