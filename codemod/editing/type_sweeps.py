"""Code that looks for instances of one layer among the modules of a model.

`for m in model.modules(): if isinstance(m, nn.ReLU)`, `model.apply(f)` with such an `f`,
`type(m) in LAYERS`, `"ReLU" in type(m).__name__`, `hasattr(m, "inplace")`: what they find changes
where a layer comes or goes. Whose layers they look at is told by what the model may be.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from codemod.editing.graph_sweeps import graph_sweeps
from codemod.editing.kept_types import asked_of_kept, kept_types
from codemod.editing.looked_at import Looked, TypeSweep, sweeps_of, whose_type
from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import occurrences
from codemod.editing.settings_swept import by_setting, setting_askers, settings_of
from codemod.editing.type_parameters import askers_told
from codemod.editing.types_by_name import all_types_by_name, types_by_name
from codemod.editing.types_looked_up import all_types_looked_up, types_looked_up
from codemod.semantics.instances import (
    UNKNOWN,
    Around,
    Instance,
    inherits_from_elsewhere,
    may_be,
)
from codemod.semantics.mentions import is_of_word
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Project
from codemod.semantics.syntax import (
    FunctionNode,
    dotted_name,
    last_name,
    parameters_of,
    walk,
)

# By what a class of torch is named, the classes that an `isinstance` may ask for instead.
_BASES = (
    (re.compile(r".*Dropout"), ("_DropoutNd",)),
    (re.compile(r"(Adaptive)?(Max|Avg|LP)Pool\d"), ("_MaxPoolNd", "_AvgPoolNd", "_LPPoolNd",
                                                    "_AdaptiveAvgPoolNd", "_AdaptiveMaxPoolNd")),
    (re.compile(r"ReLU6$"), ("Hardtanh",)),
    (re.compile(r"ZeroPad(\dd)$"), (r"ConstantPad\1", "_ConstantPadNd")),
    (re.compile(r"\w+Pad\dd$"), ("_ConstantPadNd", "_ReflectionPadNd", "_ReplicationPadNd")),
    (re.compile(r"Upsampling\w+"), ("Upsample",)),
    (re.compile(r"\w+Loss"), ("_Loss", "_WeightedLoss")),
)  # fmt: skip
# What asks for a class, and how far around the class's name it is looked for, in code points.
_ASKS = (
    "isinstance(", "issubclass(", "type(", ".__class__", "case ", ".register", "set_object_type(",
    '"object_type"', "module_classes(", "source_partitions(",
)  # fmt: skip
_BEFORE, _BEHIND = 400, 80
# Functions of torch that are told types of layers.
_IS_TOLD_TYPES = re.compile(
    r"set_(?:object|module)_type|set_\w*module_classes|get_source_partitions"
)
# What is given a value, with the white space before it, and how the value begins that is a list,
# tuple, set or table of classes, or another name for some.
_TARGET = re.compile(r"([ \t]*)(\w+)\s*(?::[^=\n]+)?")
_LIST = re.compile(r"\s*(?:[(\[{]|(?:(?:frozen)?set|tuple|list|dict)\()")
_ALIAS = re.compile(r"(?m)\s*[\w.]+[ \t]*(?:\||$)")
_MAKES_SET = frozenset({"set", "frozenset", "list", "tuple", "sorted"})
_LONGEST_LIST = 600  # code points, as far as it is read


def type_sweeps(module: ModuleClass, kind: str) -> tuple[str, ...]:
    """`path:line` of the code that looks for instances of `kind`, `torch.nn.ReLU`, where the class
    may have them."""
    found = sweeps_for(module.project, kind.rpartition(".")[2])
    return tuple(dict.fromkeys(str(one.place) for one in found if _may_look_at(module, one)))


def sweeps_for(project: Project, short: str) -> tuple[TypeSweep, ...]:
    """All of a project for a layer of that name, `ReLU`; found once."""
    return project.remembered("all-type-sweeps", short, lambda: _sweeps(project, short))


def _may_look_at(module: ModuleClass, sweep: TypeSweep) -> bool:
    project, looked = module.project, sweep.looked
    if not project.reach.may_meet(sweep.place.path, module.key):
        return False
    if looked.depth == "any":
        return any(may_be_or_hold(module, one) for one in looked.of)
    if looked.depth == "elements" and not _is_iterable(module):
        return False
    return may_be(project, module.key, looked.of)


def may_be_or_hold(module: ModuleClass, one: Instance, *, within: bool = True) -> bool:
    """Whether the instance may be one of the class, or (`within`) hold one."""
    if not within:
        return may_be(module.project, module.key, frozenset({one}))
    if one.key is None:
        return True
    project = module.project
    family = {one.key} if one.exact else {one.key, *project.descendants(one.key)}
    return may_be(project, module.key, frozenset({one})) or any(
        project.reach.may_hold(key[0], module.key) for key in family
    )


def _is_iterable(module: ModuleClass) -> bool:
    keys = (module.key, *module.ancestors_in_project, *module.descendants_in_project)
    return any(
        {"__iter__", "__getitem__"} & module.project.classes[key].methods
        or inherits_from_elsewhere(module.project, key)
        for key in keys
    )


# ---- finding them


def _sweeps(project: Project, short: str) -> Iterator[TypeSweep]:
    wanted = _wanted(project, short)
    for path in wanted:
        yield from _asked_in(project, path, short)
    yield from asked_of_kept(project, short, wanted)
    for asker in askers_told(project, _names_of(short).union(*wanted.values())):
        node, *around = asker.around
        yield from sweeps_of(project, asker.path, asker.subject, node, tuple(around))
    for named in all_types_by_name(project):
        if named.is_about(short):
            yield named.sweep
    for _, one in all_types_looked_up(project):
        if short in one.names:
            yield from one.sweeps
    for setting in settings_of(short):
        for path in setting_askers(project, setting):
            yield from by_setting(project, path, setting)
    for place in graph_sweeps(project, short):
        yield TypeSweep(place, Looked(UNKNOWN, "any"))


@dataclass
class Asked:
    """What one file may ask about some layers: by these kinds, `ReLU`, and these settings."""

    kinds: list[str] = field(default_factory=list)
    settings: set[str] = field(default_factory=set)


def askers_of(project: Project, kinds: Iterable[str]) -> dict[str, Asked]:
    """What each file of a project may ask about layers of these kinds, as the index tells."""
    found = {path: Asked() for path in project.files}
    for short in kinds:
        for path in _wanted(project, short):
            found[path].kinds.append(short)
        for setting in settings_of(short):
            for path in setting_askers(project, setting):
                found[path].settings.add(setting)
    return found


def read_for_sweeps(project: Project, path: str, asked: Asked) -> None:
    """Find what `sweeps_for` the layers will ask of one file."""
    types_by_name(project, path)
    types_looked_up(project, path)
    kept_types(project, path)
    for short in asked.kinds:
        _asked_in(project, path, short)
    for setting in asked.settings:
        by_setting(project, path, setting)


def _names_of(short: str) -> frozenset[str]:
    return frozenset({short, *_asked_instead(short)})


def _wanted(project: Project, short: str) -> Mapping[str, frozenset[str]]:
    """The names by which each file may ask for the layer: its own, and those of lists of layers,
    here or where they are imported from."""
    (found,) = project.remembered("type-names", short, lambda: [_find_wanted(project, short)])
    return found


def _find_wanted(project: Project, short: str) -> Mapping[str, frozenset[str]]:
    names = _names_of(short)
    paths = [path for name in sorted(names) for path in project.files_with_attribute(name)]
    paths += [path for name in sorted(names) for path in project.files_with_string(name)]
    paths += [path for name in sorted(names) for path in project.files_binding(name)]
    paths += project.files_with_star("torch.nn")
    found: dict[str, frozenset[str]] = {}
    for path in dict.fromkeys(paths):
        lists = _lists_of(project, path, names, inner=False)
        found[path] = found.get(path, frozenset()) | names | lists
        for user in project.reach.importers(path) if lists else ():
            found[user] = found.get(user, frozenset()) | lists
    for path, one in all_types_looked_up(project):
        if one.variable and not names.isdisjoint(one.names):
            found[path] = found.get(path, names) | {one.variable}
    return found


def _asked_instead(short: str) -> Iterator[str]:
    for pattern, names in _BASES:
        match = pattern.match(short)
        if match:
            yield from (match.expand(name) for name in names)


def _asked_in(project: Project, path: str, short: str) -> tuple[TypeSweep, ...]:
    find = partial(_find_asked, project, path, short)
    return project.remembered(f"type-sweeps {short}", path, find)


def _find_asked(project: Project, path: str, short: str) -> Iterator[TypeSweep]:
    names = _names_of(short)
    wanted = _wanted(project, short)[path]
    if names <= wanted:
        wanted |= _lists_of(project, path, names, inner=True)
    offsets = list(_asked_for(project.text(path), wanted))
    for node, around in nodes_at(project, path, offsets, whole=True):
        subject = _asked_about(node, around, wanted)
        if subject is not None:
            yield from sweeps_of(project, path, subject, node, around)


def _asked_for(text: str, names: frozenset[str]) -> Iterator[int]:
    """Offsets of these names where something near asks for a class."""
    for name in sorted(names):
        offset = text.find(name)
        while offset >= 0:
            around = text[max(0, offset - _BEFORE) : offset + len(name) + _BEHIND]
            is_key = text.startswith((":", " :", "):"), offset + len(name))
            if (
                is_key
                or any(word in around for word in _ASKS)
                or _may_be_told(text, offset, offset + len(name))
            ):
                yield offset
            offset = text.find(name, offset + 1)


def _may_be_told(text: str, offset: int, end: int) -> bool:
    """Whether a name may be an element of a set, or what a decorator is given."""
    if text[end : end + 1] in (",", "}", "\n"):
        before = max(0, offset - _BEFORE)
        if text.rfind("{", before, offset) > text.rfind("}", before, offset):
            return True
    line = text.rfind("\n", 0, offset) + 1
    return text[line:offset].lstrip().startswith("@")


def _lists_of(project: Project, path: str, names: frozenset[str], *, inner: bool) -> frozenset[str]:
    """Names of lists and tables of a file that hold the class: `LAYERS = (nn.ReLU, nn.GELU)`.

    `inner`: those within functions and classes, which no other file sees by that name.
    """
    text = project.text(path)
    found = (_list_around(text, one) for name in names for one in _said(text, name))
    return frozenset(name for indent, name in filter(None, found) if bool(indent) == inner)


def _said(text: str, name: str) -> Iterator[int]:
    """Offsets of the whole word NAME where it is not called."""
    for offset in occurrences(text, name):
        end = offset + len(name)
        before, behind = text[offset - 1 : offset], text[end : end + 1]
        if not (is_of_word(before) or is_of_word(behind) or behind == "("):
            yield offset


def _list_around(text: str, offset: int) -> tuple[str, str] | None:
    """Indentation and name of the list, the table or the other name that an offset stands in."""
    equals = text.rfind("=", max(0, offset - _LONGEST_LIST), offset)
    line = text.rfind("\n", 0, max(equals, 0)) + 1
    target = _TARGET.fullmatch(text, line, equals) if equals > 0 else None
    if target is None:
        return None
    is_alias = "\n" not in text[equals:offset].strip() and _ALIAS.match(text, equals + 1)
    return target.groups() if is_alias or _LIST.match(text, equals + 1) else None  # type: ignore[return-value]


def _asked_about(node: ast.AST, around: Around, names: frozenset[str]) -> ast.expr | None:
    """The object whose class is compared with one of these; None where none is."""
    inner = (node, *around)
    if isinstance(node, ast.Call):
        asks = dotted_name(node.func) in ("isinstance", "issubclass") and len(node.args) == 2
        if asks and _names_one(node.args[1], names):
            return whose_type(node.args[0], inner) or node.args[0]
        if isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr == "get" and _names_one(node.func.value, names):
                return whose_type(node.args[0], inner)
            if node.func.attr == "register" and _names_one(node.args[0], names):
                return node  # `@describe.register(nn.ReLU)`
        return node if _is_told(node, names) else None
    if isinstance(node, FunctionNode | ast.ClassDef):
        told = _told_by_decorators(node)
        is_told = any(_names_one(one, names) for one in told)
        return ast.copy_location(ast.Constant(None), told[0]) if is_told else None
    if isinstance(node, ast.Dict):
        told = [value for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "object_type"]  # fmt: skip
        return node if any(_names_one(one, names) for one in told) else None
    if isinstance(node, ast.MatchClass) and _names_one(node.cls, names):
        match = next((one for one in around if isinstance(one, ast.Match)), None)
        return match.subject if match is not None else None
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_names_one(side, names) for side in sides):
            return next((one for side in sides if (one := whose_type(side, inner))), None)
    if isinstance(node, ast.Subscript) and _names_one(node.value, names):
        return whose_type(node.slice, inner)
    return None


def _is_told(call: ast.Call, names: frozenset[str]) -> bool:
    """`profile(model, custom_ops={nn.ReLU: count})`, `quantize_dynamic(model, {nn.ReLU})`,
    `mapping.set_object_type(nn.ReLU, ...)`: what another function does by type."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else last_name(call.func)
    given = [*call.args, *(one.value for one in call.keywords)]
    if _IS_TOLD_TYPES.fullmatch(function):
        return any(_names_one(one, names) for one in given)
    told = [key for one in given if isinstance(one, ast.Dict) for key in one.keys]
    if function not in _MAKES_SET:
        told += [item for one in given if isinstance(one, ast.Set) for item in one.elts]
    return any(one is not None and _names_one(one, names) for one in told)


def _told_by_decorators(node: FunctionNode | ast.ClassDef) -> list[ast.expr]:
    """`nn.ReLU` of `@converts(nn.ReLU)`, and of the first annotation under the `@f.register` of a
    `functools.singledispatch`."""
    called = [one for one in node.decorator_list if isinstance(one, ast.Call)]
    given = [item for one in called if last_name(one.func) != "parametrize" for item in one.args]
    # What is registered by a text is found where the name of a type is asked for.
    told = [one for one in given if not isinstance(one, ast.Constant)]
    registers = any(
        isinstance(one, ast.Attribute) and one.attr == "register" for one in node.decorator_list
    )
    if registers and isinstance(node, FunctionNode):
        annotations = [one.annotation for one in parameters_of(node)[:1]]
        told += [one for one in annotations if one is not None]
    return told


def _names_one(node: ast.AST, names: frozenset[str]) -> bool:
    return any(
        (isinstance(one, ast.Attribute) and one.attr in names)
        or (isinstance(one, ast.Name) and one.id in names)
        or (isinstance(one, ast.Constant) and one.value in names)
        for one in walk(node)
    )
