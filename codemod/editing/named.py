"""Which strings of a project name an attribute of a given class.

`"layer1.0.relu"` is a path: it leads to the class if what stands before the last dot may be held
under that name. `["conv", "bn", "relu"]` is a list of names of one class if it has them all. Any
string names an attribute where it comes to `getattr(x, name)`. A setting (`"act": "relu"`), an
entry of a table of functions and a text do not.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from codemod.catalogue import Pair
from codemod.editing.object_uses import (
    LOOKS_UP,
    is_in_settings,
    is_settings,
    met_by,
    nodes_at,
    suits,
)
from codemod.editing.parameter_names import asks_for_parameters
from codemod.editing.paths_followed import FOLLOWS, path_followed
from codemod.editing.quoted import occurrences
from codemod.semantics.instances import (
    UNKNOWN,
    Around,
    Instances,
    inherits_from_elsewhere,
    is_container,
    last_assigned,
    may_be,
    may_be_module,
)
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.module_names import MODULE_NAMES
from codemod.semantics.project import ClassKey, Place, Project
from codemod.semantics.syntax import FunctionNode, dotted_name, last_name, targets_of, walk

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*\Z|\d+(?:\.\w+)+\Z")
# Functions that take the names of modules, with the model (or the model's own method) before them.
_TAKES_NAMES = re.compile(
    r"(?:fuse_modules\w*|get_submodule|set_submodule|set_\w*module_names?|attrgetter"
    r"|create_feature_extractor|IntermediateLayerGetter|FeatureExtractor)$"
)
_NAMES_KEYWORD = re.compile(
    r"(?:return_nodes|return_layers|target_layers?|modules_to_fuse|layer_names?|module_names?)$"
)
# What the keys of a state_dict end in.
_WEIGHT = re.compile(r"(?:^|_)(?:weight|bias|running_mean|running_var|num_batches_tracked)$")
_ASKS_ABOUT = frozenset({"startswith", "endswith", "count", "find", "index"})
_MODULES_BY_NAME = re.compile(r"_modules$|named_modules$|named_children$|^by_module$")
_DISPLAYS = ast.List | ast.Tuple | ast.Set | ast.Dict
_FOREIGN_HEADS = frozenset(
    {"torch", "nn", "F", "torchvision", "numpy", "np", "tensorflow", "tf", "jax", "keras", "flax"}
) | frozenset(sys.stdlib_module_names)  # fmt: skip
# Names that code gives its attributes as it runs.
_GIVES_NAMES = re.compile(
    r"""(?:add_module|register_module|setattr)\(\s*(?:self\s*,\s*)?(?:[fF]["']|\w+\s*[,+%.]"""
    r"""|["'][^"']*["']\s*[+%.])"""
)
# Where a name is written out that a child or another attribute is given: as an argument of
# `add_module("NAME", ...)`, and in `("NAME", Block(`, `blocks["NAME"] =`.
_REGISTERS = re.compile(r"(?:add_module|register_\w+|setattr)\(([^()\n]*)")
_QUOTED = re.compile(r"""["'](\w+)["']""")
_NAMED_CHILD = re.compile(r"""\(\s*["'](\w+)["']\s*,\s*[\w.]+\(|\[\s*["'](\w+)["']\s*\]\s*=(?!=)""")


_STRINGS = "strings "  # the question by which a project remembers them, before the name


@dataclass(frozen=True, slots=True)
class NameUse:
    """One string in which NAME stands.

    `tokens`: the parts of a path, of which NAME is the one at `index`. `others`: what else is in
    the same list. `receivers`: what it may be looked up on, empty where it is not looked up.
    `fuses`: in the list of a `fuse_modules`.
    """

    place: Place
    tokens: tuple[str, ...]
    index: int
    others: frozenset[str] = frozenset()
    receivers: Instances = frozenset()
    fuses: bool = False


def name_uses(module: ModuleClass, name: str) -> Iterator[NameUse]:
    """Every string that the class may meet in which NAME stands alone or between dots."""
    paths = module.project.files_with_string(name)
    return met_by(module, name, paths, strings_with, _STRINGS)


def strings_with(project: Project, path: str, name: str) -> tuple[NameUse, ...]:
    """Those of one file, found once."""
    return project.remembered(f"{_STRINGS}{name}", path, lambda: _find(project, path, name))


def names_it(module: ModuleClass, use: NameUse, pair: Pair | None, *, lists: bool = True) -> bool:
    """Whether the string names the class's attribute, which holds a module of `pair`.

    `lists`: whether a list of names counts that is fused, or of which it is not seen what becomes.
    """
    if use.fuses and not lists:
        return False
    if len(use.tokens) > 1:
        return _leads_here(module, use, pair)
    if may_be(module.project, module.key, use.receivers):
        return True
    return lists and bool(use.others) and _has_all(module, use.others)


def _has_all(module: ModuleClass, others: frozenset[str]) -> bool:
    """Whether the class has layers, or may have them, of all these names."""
    project = module.project
    family = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    known = others & module.family_names.union(*(_registered_in(project, key) for key in family))
    open_ended = any(inherits_from_elsewhere(project, key) for key in family) or any(
        _GIVES_NAMES.search(project.class_text(key)) for key in family
    )
    if not known or not (open_ended or known == others):
        return False
    held = (project.values.attribute(module.key, one) for one in known)
    return all(may_be_module(project, found) for found in held)


def _registered_in(project: Project, key: ClassKey) -> tuple[str, ...]:
    """The names, written out, that a class gives children or other attributes."""
    return project.remembered("registered", ":".join(key), lambda: _registered(project, key))


def _registered(project: Project, key: ClassKey) -> Iterator[str]:
    text = project.class_text(key)
    for call in _REGISTERS.finditer(text):
        yield from _QUOTED.findall(call.group(1))
    for match in _NAMED_CHILD.finditer(text):
        yield match.group(1) or match.group(2)


# ---- paths


def _leads_here(module: ModuleClass, use: NameUse, pair: Pair | None) -> bool:
    before, after = use.tokens[: use.index], use.tokens[use.index + 1 :]
    if after and pair is not None and not suits(after[0], pair):
        return False
    if after and pair is None and not _may_follow(module, use.tokens[use.index], after):
        return False
    names = [token for token in before if not token.isdigit()]
    if not names:
        return True
    if names[0] in _FOREIGN_HEADS:
        return False
    if len(before) > 1 and module.project.file_of(".".join(before), use.place.path) is not None:
        return False
    return _is_held_as(module, use, names[-1], numbered=before[-1].isdigit())


def _may_follow(module: ModuleClass, name: str, after: tuple[str, ...]) -> bool:
    """Whether a path may go on behind an attribute that may hold several layers.

    A key of a weight names none of those that have no weights; nor does a name name a layer that
    has a number.
    """
    if _WEIGHT.search(after[-1]):
        return False
    made = [one.value for one in module.assignments.get(name, ())]
    is_numbered = bool(made) and all(
        isinstance(one, ast.Call)
        and last_name(one.func) == "Sequential"
        and not one.keywords
        and not any(last_name(arg.func) == "OrderedDict" if isinstance(arg, ast.Call)
                    else isinstance(arg, ast.Name | ast.Dict) for arg in one.args)
        for one in made
    )  # fmt: skip
    return not is_numbered or after[0].isdigit() or after[0] in MODULE_NAMES


def _is_held_as(module: ModuleClass, use: NameUse, name: str, *, numbered: bool) -> bool:
    """Whether an instance may be held under a name, or, `numbered`, as one of several there.

    A file's paths are about the classes that it has to do with, if one of them has the name. Where
    nothing of the project has it, it is the user's.
    """
    project = module.project
    holders = project.remembered("holders", name, lambda: _classes_with(project, name))
    namers = project.remembered("child-namers", name, lambda: _naming_child(project, name))
    if any(project.reach.may_hold(place.path, module.key) for place in namers):
        return True
    near = [key for key in holders if project.reach.may_hold(use.place.path, key)]
    for key in near or holders:
        held = project.values.attribute(key, name)
        if any(is_container(one) for one in held):
            held |= project.values.attribute(key, name, of_elements=True)
        if may_be(project, module.key, held):
            return True
        if numbered and any(one.key is not None for one in held):
            return True
    return not holders and not namers


def _classes_with(project: Project, name: str) -> Iterator[ClassKey]:
    for key, item in project.classes.items():
        if name in item.names and project.is_module(key) is not False:
            yield key


def _naming_child(project: Project, name: str) -> Iterator[Place]:
    """`("NAME", Block())`, `add_module("NAME", ...)`, `blocks["NAME"] = ...`, once a file."""
    quoted = rf"""["']{re.escape(name)}["']"""
    pattern = re.compile(
        rf"""\(\s*{quoted}\s*,\s*[\w.]+\(|(?:add_module|register_module)\(\s*{quoted}"""
        rf"""|\[\s*{quoted}\s*\]\s*=(?!=)|{quoted}\s*:\s*[\w.]+\("""
    )
    for path in project.files_with_string(name):
        match = pattern.search(project.text(path))
        if match:
            yield Place.at(path, project.text(path), match.start())


# ---- finding them


def _find(project: Project, path: str, name: str) -> Iterator[NameUse]:
    pattern = re.compile(rf"""["'](?:\w+\.)*{re.escape(name)}(?:\.\w+)*["']""")
    offsets = [match.start() for match in pattern.finditer(project.text(path))]
    for node, around in nodes_at(project, path, offsets):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if not _DOTTED.match(node.value):
            continue
        tokens = tuple(node.value.split("."))
        if name in tokens:
            yield from _uses_of(project, path, name, node, around, tokens)


def _uses_of(
    project: Project,
    path: str,
    name: str,
    node: ast.Constant,
    around: Around,
    tokens: tuple[str, ...],
) -> Iterator[NameUse]:
    place = Place(path, node.lineno)
    fuses = _is_fused(around)
    if len(tokens) > 1:
        for index, token in enumerate(tokens):
            if token == name:
                yield NameUse(place, tokens, index, fuses=fuses)
        return
    receivers = _taken_by(project, path, node, around)
    if receivers is None:
        return
    others = _listed_with(node, around)
    if others is not None and asks_for_parameters(project, path, node, around):
        return
    if others is not None or not isinstance(around[0], ast.Dict):
        receivers |= _looked_up_on(project, path, name, around)
    yield NameUse(place, tokens, 0, others or frozenset(), receivers, fuses)


def _taken_by(project: Project, path: str, node: ast.expr, around: Around) -> Instances | None:
    """What a function that takes names is asked about; None where the string is no name at all."""
    below: ast.AST = node
    for index, parent in enumerate(around):
        rest = around[index + 1 :]
        if isinstance(parent, ast.Compare):
            return _compared(project, path, parent, rest)
        if isinstance(parent, ast.Expr) and below is node:
            return None
        if isinstance(parent, ast.Subscript) and below is parent.slice:
            return _subscripted(project, path, parent, rest)
        if isinstance(parent, ast.keyword) and _NAMES_KEYWORD.search(parent.arg or ""):
            return UNKNOWN
        if _says_module(parent, below):
            return (
                project.values.of(path, ast.Name("self", ast.Load()), rest)
                if any(isinstance(one, ast.ClassDef) for one in rest)
                else UNKNOWN
            )
        if isinstance(parent, ast.Call):
            last = (dotted_name(parent.func) or _method(parent.func)).rpartition(".")[2]
            if last in _ASKS_ABOUT and isinstance(parent.func, ast.Attribute):
                return _compared(project, path, parent.func, rest)
            if last in LOOKS_UP and below in parent.args[1:2]:
                return None  # one of `lookups`
            if _TAKES_NAMES.search(last):
                asked = parent.args[0] if parent.args and below is not parent.args[0] else None
                if last.endswith("_submodule") and isinstance(parent.func, ast.Attribute):
                    asked = parent.func.value
                return UNKNOWN if asked is None else project.values.of(path, asked, (parent, *rest))
        if not isinstance(parent, ast.keyword | _DISPLAYS):
            return frozenset()
        below = parent
    return frozenset()


def _compared(project: Project, path: str, node: ast.expr, around: Around) -> Instances | None:
    """`for n, m in model.named_modules(): if n == "NAME"`, `"NAME" in model._modules`; None where
    no names are gone through."""
    held = _named_modules_of(project, path, node, around)
    if held is not None:
        return held
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    for index, one in enumerate(around):
        loops = [one] if isinstance(one, ast.For) else getattr(one, "generators", ())
        for loop in loops:
            bound = {item.id for item in ast.walk(loop.target) if isinstance(item, ast.Name)}
            if not names & bound:
                continue
            held = _named_modules_of(project, path, loop.iter, around[index:])
            if held is not None:
                return held
    return None


def _named_modules_of(
    project: Project, path: str, node: ast.expr, around: Around
) -> Instances | None:
    """What `x` of `x._modules`, `dict(x.named_modules())` may be; None for any other expression."""
    for inner in walk(node):
        if isinstance(inner, ast.Attribute) and _MODULES_BY_NAME.search(inner.attr):
            return project.values.of(path, inner.value, (inner, node, *around))
    return None


def _says_module(parent: ast.AST, below: ast.AST) -> bool:
    """`dict(module="act")`, `{"module": "act"}`: what hooks a module by its name."""
    if isinstance(parent, ast.keyword):
        return parent.arg in ("module", "modules")
    if not isinstance(parent, ast.Dict):
        return False
    return any(
        value is below and isinstance(key, ast.Constant) and key.value in ("module", "modules")
        for key, value in zip(parent.keys, parent.values, strict=True)
    )


def _is_fused(around: Around) -> bool:
    sink = _sink(around)
    function = dotted_name(sink.func) if isinstance(sink, ast.Call) else None
    return (function or "").rpartition(".")[2].startswith("fuse_modules")


def _method(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ""


def _subscripted(
    project: Project, path: str, node: ast.Subscript, around: Around
) -> Instances | None:
    """`m._modules["NAME"]`, `dict(m.named_modules())["NAME"]`, by way of a variable too; None for
    any other table."""
    table: tuple[ast.expr, Around] | None = None
    if isinstance(node.value, ast.Name):
        table = last_assigned(node.value, (node, *around))
    return _named_modules_of(project, path, *(table or (node.value, (node, *around))))


def _listed_with(node: ast.Constant, around: Around) -> frozenset[str] | None:
    """The other names of a list of names; None for what is in no such list."""
    display = around[0] if around else None
    if isinstance(display, ast.Dict):
        keys = [one for one in display.keys if one is not None]
        if node in keys:
            value = display.values[display.keys.index(node)]
            if not _may_be_name(value):
                return None
            return _names_among(node, keys)
        return _names_among(node, display.values)
    if isinstance(display, ast.List | ast.Tuple | ast.Set):
        if _names_child(display, node):
            return None
        return _names_among(node, display.elts)
    return None


def _names_child(display: ast.expr, node: ast.Constant) -> bool:
    """`("act", nn.ReLU())` in an OrderedDict names a child of another module."""
    elements = getattr(display, "elts", [])
    return len(elements) == 2 and elements[0] is node and isinstance(elements[1], ast.Call)


def _may_be_name(value: ast.expr) -> bool:
    """Whether the value beside a key may be a name too, as in a table of nodes to return."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str | int) and not isinstance(value.value, bool)
    return isinstance(value, ast.Name | ast.JoinedStr | ast.Subscript)


def _names_among(node: ast.Constant, items: Iterable[ast.expr]) -> frozenset[str]:
    return frozenset(
        one.value.partition(".")[0]
        for one in items
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one is not node
        if _DOTTED.match(one.value)
    ) - {node.value}


# ---- look-ups by a computed name


@dataclass(frozen=True, slots=True)
class _Lookup:
    """`getattr(x, n)`, `getattr(x, f"relu{i}")`: in which function, by name and first line; in
    none at the top of a file. `place`: its own line."""

    function: str
    line: int
    place: int
    pattern: str  # of the names that it may be
    receiver: Instances


def _looked_up_on(project: Project, path: str, name: str, around: Around) -> Instances:
    """What a computed name that may be this string is looked up on."""
    found = (
        lookup.receiver
        for lookup in _lookups_behind(project, path, around)
        if re.fullmatch(lookup.pattern, name)
    )
    return frozenset().union(*found)


def _lookups_behind(project: Project, path: str, around: Around) -> Iterator[_Lookup]:
    """The look-ups that a string, or the list that it stands in, may come to."""
    function = _outermost_function(around)
    sink = _sink(around)
    if isinstance(sink, ast.Call):
        called = (dotted_name(sink.func) or "").removeprefix("self.")
        if "." in called:
            return
        for one in (path, *project.reach.defining(path, called)):
            yield from (item for item in _computed_in(project, one) if item.function == called)
    elif kept := _kept_as(sink, around):
        yield from _lookups_with(project, path, kept)
        if not any(isinstance(one, FunctionNode | ast.ClassDef) for one in around):
            for importer in project.reach.importers(path):
                if _imports(project, importer, path, kept):
                    yield from _lookups_with(project, importer, kept)
    if function is not None:
        line = function.lineno
        yield from (item for item in _computed_in(project, path) if item.line == line)
    elif isinstance(sink, ast.For):
        yield from (item for item in _computed_in(project, path) if not item.line)


def _kept_as(sink: ast.AST | None, around: Around) -> str:
    """The name under which code outside of the function finds it; "" if it does not."""
    function = _outermost_function(around)
    if isinstance(sink, ast.Return) and function is not None:
        return function.name
    if isinstance(sink, ast.Assign | ast.AnnAssign | ast.AugAssign):
        target = targets_of(sink)[0]
        if isinstance(target, ast.Attribute):
            return target.attr
        if isinstance(target, ast.Name) and function is None:
            return target.id
    return ""


def _imports(project: Project, importer: str, path: str, name: str) -> bool:
    """Whether a file takes the name, or the whole file that defines it."""
    bindings = project.files[importer].bindings.values()
    targets = {item.target for found in bindings for item in found if item.kind == "import"}
    stem = path[:-3].rpartition("/")[2]
    return bool(project.files[importer].stars) or any(
        target.rpartition(".")[2] in (name, stem) for target in targets
    )


def _lookups_with(project: Project, path: str, name: str) -> Iterator[_Lookup]:
    """The look-ups in those parts of a file that say the name, and in what these parts call."""
    lookups = _computed_in(project, path)
    if not lookups:
        return
    # It begins with a literal, which lets `re` skip to it.
    texts = project.parts(path).texts_with(re.compile(rf"{name}(?<!\w{name})\b"))
    for item in lookups:
        called = re.compile(rf"\b{re.escape(item.function)}\(") if item.function else None
        if any(
            first <= item.place <= last or (called is not None and called.search(text))
            for first, last, text in texts
        ):
            yield item


def _sink(around: Around) -> ast.AST | None:
    """What takes the string or the list that it stands in."""
    inside = ast.keyword | ast.Starred | _DISPLAYS
    return next((one for one in around if not isinstance(one, inside)), None)


def _outermost_function(around: Around) -> FunctionNode | None:
    return next((one for one in reversed(around) if isinstance(one, FunctionNode)), None)


_LOOKUPS = ("attr(", "get_submodule(", *FOLLOWS)  # what the text of one holds
_ANY = ".*"
_CASES = {"upper": "[^a-z]*", "lower": "[^A-Z]*"}


def _computed_in(project: Project, path: str) -> tuple[_Lookup, ...]:
    return project.remembered("computed", path, lambda: _computed(project, path))


def _computed(project: Project, path: str) -> Iterator[_Lookup]:
    text = project.text(path)
    offsets = [offset for word in _LOOKUPS for offset in occurrences(text, word)]
    for node, around in nodes_at(project, path, offsets, whole=True):
        if not isinstance(node, ast.Call):
            continue
        asked = _asked(node) or path_followed(node, around)
        if asked is None or is_settings(asked[0]) or is_in_settings(around):
            continue
        pattern = _pattern(asked[1])
        if pattern is not None:
            function = _outermost_function(around)
            yield _Lookup(
                function.name if function is not None else "",
                function.lineno if function is not None else 0,
                node.lineno,
                pattern,
                project.values.of(path, asked[0], (node, *around)),
            )


def _asked(node: ast.Call) -> tuple[ast.expr, ast.expr] | None:
    """What is asked, and for which name: `getattr(x, n)`, `x.get_submodule(n)`."""
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get_submodule" and node.args:
        return node.func.value, node.args[0]
    if dotted_name(node.func) in LOOKS_UP and len(node.args) > 1:
        return node.args[0], node.args[1]
    return None


def asks_by_setting(module: ModuleClass, setting: str) -> bool:
    """Whether code that reads a setting looks up, by a computed name, what may be this class's.

    `getattr(model, cfg.target_layer)` in a file that reads `target_layer`.
    """
    project = module.project
    readers = {*project.files_with_attribute(setting), *project.files_with_string(setting)}
    return any(
        may_be(project, module.key, lookup.receiver)
        for path in sorted(readers)
        if project.reach.may_meet(path, module.key)
        for lookup in _computed_in(project, path)
        if lookup.pattern == _ANY
    )


def _pattern(node: ast.expr) -> str | None:
    """The names that a computed name may be; None for one that is written out."""
    if isinstance(node, ast.Constant):
        return None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else _ANY
            for part in node.values
        )
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _CASES.get(node.func.attr, _ANY)
    if isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
        return re.escape(str(node.left.value).partition("%")[0]) + _ANY
    return _ANY
