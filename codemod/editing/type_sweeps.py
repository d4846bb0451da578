"""Code that looks for instances of one layer among the modules of a model.

`for m in model.modules(): if isinstance(m, nn.ReLU)`, `model.apply(f)` with such an `f`,
`type(m) in LAYERS`, `"ReLU" in type(m).__name__`, `hasattr(m, "inplace")`: what they find changes
where a layer comes or goes. Whose layers they look at is told by what the model may be.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from codemod.catalogue import by_module
from codemod.editing.object_uses import nodes_at, nodes_below
from codemod.editing.quoted import occurrences, quoted
from codemod.editing.strings_behind import strings_behind
from codemod.editing.type_parameters import askers_told
from codemod.semantics.instances import (
    UNKNOWN,
    Around,
    Instance,
    Instances,
    binds,
    inherits_from_elsewhere,
    is_container,
    last_assigned,
    may_be,
)
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Place, Project
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
_ASKS = ("isinstance(", "issubclass(", "type(", ".__class__", "case ", ".register")
_BEFORE, _BEHIND = 400, 80
# What is given a value, with the white space before it, and how the value begins that is a list,
# tuple, set or table of classes, or another name for some.
_TARGET = re.compile(r"([ \t]*)(\w+)\s*(?::[^=\n]+)?")
_LIST = re.compile(r"\s*[(\[{]")
_ALIAS = re.compile(r"(?m)\s*[\w.]+[ \t]*(?:\||$)")
_LONGEST_LIST = 600  # code points, as far as it is read
# What asks for the name of a class, or for a text that it stands in.
_TYPE_NAME = (".__name__", ".__qualname__", "._get_name()")
_SHOWN = tuple(  # each begins with a literal, which lets `re` skip to it
    re.compile(rf"{shows}\((?:type\()?\w+\)(?:\.__class__)?\)?(?=[ \t]*(?:\)|\.|:|in|==|!=))")
    for shows in ("str", "repr")
)
# What stands before the name of an attribute that is asked of a variable.
_ASKED = re.compile(r"attr\(\s*\w+\s*,\s*\Z")
_WINDOW = 120
_ALL = frozenset({"modules", "named_modules"})
_OWN = frozenset({"children", "named_children", "_modules"})
_LOOPS = ast.For | ast.AsyncFor
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_RUN_BY_TORCH = frozenset({"__init__", "forward", "__call__"})
_DEEPEST = 3  # calls of calls that are followed


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at: the modules within `of`, at any depth or (`own`) its direct children
    alone, or (`elements`) what a loop over it gives."""

    of: Instances
    depth: str  # "any", "own", "elements"


@dataclass(frozen=True, slots=True)
class TypeSweep:
    place: Place
    looked: Looked


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
    for asker in askers_told(project, _names_of(short).union(*wanted.values())):
        node, *around = asker.around
        yield from _sweeps_of(project, asker.path, asker.subject, node, tuple(around))
    for path in project.files:
        for named in _types_by_name(project, path):
            if any(word in short.lower() for word in named.words):
                yield named.sweep
    for path in _attribute_askers(project, short):
        yield from _by_attribute(project, path, short)


def read_for_sweeps(project: Project, path: str, kinds: Iterable[str]) -> None:
    """Find what `sweeps_for` the layers of these names will ask of one file."""
    _types_by_name(project, path)
    for short in kinds:
        if path in _wanted(project, short):
            _asked_in(project, path, short)
        if path in _attribute_askers(project, short):
            _by_attribute(project, path, short)


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
    for path, file in project.files.items():
        if any(name in file.bindings for name in names) or "torch.nn" in file.stars:
            paths.append(path)
    found: dict[str, frozenset[str]] = {}
    for path in dict.fromkeys(paths):
        lists = _lists_of(project, path, names, inner=False)
        found[path] = found.get(path, frozenset()) | names | lists
        for user in project.reach.importers(path) if lists else ():
            found[user] = found.get(user, frozenset()) | lists
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
            yield from _sweeps_of(project, path, subject, node, around)


def _asked_for(text: str, names: frozenset[str]) -> Iterator[int]:
    """Offsets of these names where something near asks for a class."""
    for name in sorted(names):
        offset = text.find(name)
        while offset >= 0:
            around = text[max(0, offset - _BEFORE) : offset + len(name) + _BEHIND]
            is_key = text.startswith((":", " :", "):"), offset + len(name))
            if is_key or any(word in around for word in _ASKS):
                yield offset
            offset = text.find(name, offset + 1)


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
        if not (_is_of_word(before) or _is_of_word(behind) or behind == "("):
            yield offset


def _is_of_word(character: str) -> bool:
    return character == "_" or character.isalnum()


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
    if isinstance(node, ast.Call):
        asks = dotted_name(node.func) in ("isinstance", "issubclass") and len(node.args) == 2
        if asks and _names_one(node.args[1], names):
            return _whose_type(node.args[0]) or node.args[0]
        if isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr == "get" and _names_one(node.func.value, names):
                return _whose_type(node.args[0])
            if node.func.attr == "register" and _names_one(node.args[0], names):
                return node  # `@describe.register(nn.ReLU)`
        return node if any(_is_told_by_type(one, names) for one in _arguments(node)) else None
    if isinstance(node, FunctionNode) and any(map(_registers, node.decorator_list)):
        told = [one.annotation for one in parameters_of(node)[:1] if one.annotation is not None]
        is_told = bool(told) and _names_one(told[0], names)
        return ast.copy_location(ast.Constant(None), told[0]) if is_told else None
    if isinstance(node, ast.MatchClass) and _names_one(node.cls, names):
        match = next((one for one in around if isinstance(one, ast.Match)), None)
        return match.subject if match is not None else None
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_names_one(side, names) for side in sides):
            return next((one for side in sides if (one := _whose_type(side))), None)
    if isinstance(node, ast.Subscript) and _names_one(node.value, names):
        return _whose_type(node.slice)
    return None


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(one.value for one in call.keywords)]


def _registers(decorator: ast.expr) -> bool:
    """`@describe.register`, of a `functools.singledispatch`."""
    return isinstance(decorator, ast.Attribute) and decorator.attr == "register"


def _is_told_by_type(node: ast.expr, names: frozenset[str]) -> bool:
    """`profile(model, custom_ops={nn.ReLU: count})`: what is done by type, in another package."""
    keys = node.keys if isinstance(node, ast.Dict) else []
    return any(key is not None and _names_one(key, names) for key in keys)


def _names_one(node: ast.AST, names: frozenset[str]) -> bool:
    return any(
        (isinstance(one, ast.Attribute) and one.attr in names)
        or (isinstance(one, ast.Name) and one.id in names)
        or (isinstance(one, ast.Constant) and one.value in names)
        for one in walk(node)
    )


def _whose_type(node: ast.expr) -> ast.expr | None:
    """`x` of `type(x)` and `x.__class__`."""
    if isinstance(node, ast.Call) and dotted_name(node.func) == "type" and len(node.args) == 1:
        return node.args[0]
    if isinstance(node, ast.Attribute) and node.attr == "__class__":
        return node.value
    return None


@dataclass(frozen=True, slots=True)
class _NamedType:
    """A place that asks for the name of a class, and the words (in small letters) beside it."""

    words: frozenset[str]
    sweep: TypeSweep


def _types_by_name(project: Project, path: str) -> tuple[_NamedType, ...]:
    return project.remembered("types-by-name", path, partial(_find_types_by_name, project, path))


def _find_types_by_name(project: Project, path: str) -> Iterator[_NamedType]:
    """`"ReLU" in type(m).__name__`, also by way of a variable."""
    text = project.text(path)
    if "modules(" not in text and "children(" not in text and ".apply(" not in text:
        return
    offsets = [one for word in _TYPE_NAME for one in occurrences(text, word)]
    offsets += [match.start() for shown in _SHOWN for match in shown.finditer(text)]
    for node, around in nodes_at(project, path, offsets, whole=True):
        subject = _whose_type_name(node)
        if subject is None or not isinstance(node, ast.expr):
            continue
        if _is_shown_alone(project, path, node, subject, around):
            continue
        words = _words_beside(project, path, node, around)
        if words:
            for sweep in _sweeps_of(project, path, subject, node, around):
                yield _NamedType(words, sweep)


def _whose_type_name(node: ast.AST) -> ast.expr | None:
    """`x` of `type(x).__name__`, `x._get_name()`, `str(type(x))`, and of `str(x)`, `repr(x)`."""
    if isinstance(node, ast.Attribute) and node.attr in ("__name__", "__qualname__"):
        return _whose_type(node.value)
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "_get_name":
        return node.func.value
    if dotted_name(node.func) in ("str", "repr") and len(node.args) == 1:
        return _whose_type(node.args[0]) or node.args[0]
    return None


def _is_shown_alone(
    project: Project, path: str, node: ast.expr, subject: ast.expr, around: Around
) -> bool:
    """`str(x)` of what no loop over modules gives."""
    if not isinstance(node, ast.Call) or not isinstance(subject, ast.Name):
        return False
    return not any(_swept(project, path, subject, (node, *around), _DEEPEST))


def _words_beside(project: Project, path: str, node: ast.expr, around: Around) -> frozenset[str]:
    """The strings that a name of a class is compared with, in small letters."""
    asked: list[tuple[ast.AST, Around]] = [(node, around)]
    for parent in around:
        if isinstance(parent, ast.stmt):
            break
        asked.append((parent, around[len(asked) :]))
    statement = next((one for one in around if isinstance(one, ast.stmt)), None)
    if isinstance(statement, ast.Assign):
        names = {one.id for one in statement.targets if isinstance(one, ast.Name)}
        at = next((n for n, one in enumerate(around) if isinstance(one, FunctionNode)), -1)
        asked += [
            (one, inner)
            for one, inner in nodes_below(around[at], around[at:][1:])
            if isinstance(one, ast.Compare | ast.Call | ast.Subscript)
            and any(isinstance(leaf, ast.Name) and leaf.id in names for leaf in walk(one))
        ]
    words: set[str] = set()
    for one, inner in asked:
        for part in _compared_with(one):
            words |= strings_behind(project, path, part, (one, *inner))
    return frozenset(word.lower() for word in words if len(word) > 2)


def _compared_with(node: ast.AST) -> list[ast.expr]:
    """What stands beside a text: the sides of a comparison, arguments, the table it is a key of."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Call):
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return [*owner, *node.args]
    return [node.value] if isinstance(node, ast.Subscript) else []


def _settings_of(short: str) -> list[str]:
    pair = by_module(f"torch.nn.{short}")
    return [item.name for item in pair.constructor] if pair is not None else []


def _attribute_askers(project: Project, short: str) -> Collection[str]:
    (found,) = project.remembered(
        "attribute-askers",
        short,
        lambda: [
            {one: None for name in _settings_of(short) for one in project.files_with_string(name)}
        ],
    )
    return found


def _by_attribute(project: Project, path: str, short: str) -> tuple[TypeSweep, ...]:
    find = partial(_find_by_attribute, project, path, short)
    return project.remembered(f"type-attributes {short}", path, find)


def _find_by_attribute(project: Project, path: str, short: str) -> Iterator[TypeSweep]:
    """`for m in model.modules(): if hasattr(m, "inplace")`."""
    text = project.text(path)
    if "attr(" not in text or not ("modules(" in text or "children(" in text):
        return
    for name in _settings_of(short):
        asked = [one for one in quoted(text, name) if _ASKED.search(text, one - _WINDOW, one)]
        for node, around in nodes_at(project, path, asked):
            call = around[0] if around else None
            if (
                isinstance(node, ast.Constant)
                and node.value == name
                and isinstance(call, ast.Call)
                and dotted_name(call.func) in ("hasattr", "getattr", "setattr")
                and isinstance(call.args[0], ast.Name)
            ):
                for looked in _swept(project, path, call.args[0], around[1:], _DEEPEST):
                    if looked.depth != "elements":
                        yield TypeSweep(Place(path, node.lineno), looked)


# ---- what is looked at


def _sweeps_of(
    project: Project, path: str, subject: ast.expr, node: ast.AST, around: Around
) -> Iterator[TypeSweep]:
    place = Place(path, subject.lineno)
    for looked in _looked_at(project, path, subject, (node, *around), _DEEPEST):
        yield TypeSweep(place, looked)


def _looked_at(
    project: Project, path: str, subject: ast.expr, around: Around, deepest: int
) -> Iterator[Looked]:
    """Where an object that is asked about may have been found, unless it is one that is known.

    `x.NAME` is none: what uses the attribute itself is asked apart.
    """
    if isinstance(subject, ast.Attribute):
        return
    if isinstance(subject, ast.Subscript):
        if isinstance(subject.value, ast.Name):
            yield from _elements_of(project, path, subject.value, (subject, *around), deepest)
        elif isinstance(subject.value, ast.Attribute) and subject.value.attr == "_modules":
            inner = (subject.value, subject, *around)
            yield Looked(project.values.of(path, subject.value.value, inner), "own")
        return
    if not isinstance(subject, ast.Name):
        yield Looked(UNKNOWN, "any")
        return
    found = list(_swept(project, path, subject, around, deepest))
    if found:
        yield from found
        return
    if not project.values.of(path, subject, around) & UNKNOWN:
        return
    yield from _given(project, path, subject, around, deepest)


def _elements_of(
    project: Project, path: str, name: ast.Name, around: Around, deepest: int
) -> Iterator[Looked]:
    """What a container gives: a part of the model, where a sweep over it gave the container."""
    held = project.values.of(path, name, around)
    if not held & UNKNOWN and all(one.key is not None or is_container(one) for one in held):
        yield Looked(held, "elements")
        return
    whole = [one for one in _swept(project, path, name, around, deepest) if one.depth != "elements"]
    if whole:
        yield from (Looked(one.of, "any") for one in whole)
        return
    iterated, inner = _behind_local(name, around)
    if isinstance(iterated, ast.Name):
        yield Looked(held, "elements")
    else:
        yield from _of_iterated(project, path, iterated, inner, deepest)


def _swept(
    project: Project, path: str, subject: ast.Name, around: Around, deepest: int
) -> Iterator[Looked]:
    """What the innermost loop that gives the name its value goes over."""
    for index, scope in enumerate(around):
        rest = around[index + 1 :]
        if isinstance(scope, FunctionNode | ast.Lambda):
            return
        loops = [scope] if isinstance(scope, _LOOPS) else getattr(scope, "generators", ())
        for loop in loops if isinstance(scope, _LOOPS | _COMPREHENSIONS) else ():
            if not binds(loop.target, subject.id):
                continue
            iterated, inner = _behind_local(loop.iter, (scope, *rest))
            yield from _of_iterated(project, path, iterated, inner, deepest)
            return


def _behind_local(node: ast.expr, around: Around) -> tuple[ast.expr, Around]:
    """The value of a local name, if it has one alone: `layers = list(model.children())`."""
    nearest = last_assigned(node, around) if isinstance(node, ast.Name) else None
    return nearest if nearest is not None else (node, around)


def _of_iterated(
    project: Project, path: str, iterated: ast.expr, around: Around, deepest: int
) -> Iterator[Looked]:
    sweeps = [
        one for one in walk(iterated) if isinstance(one, ast.Attribute) and one.attr in _ALL | _OWN
    ]
    for one in sweeps:
        for root, is_given in _roots(project, path, one.value, (one, *around), deepest):
            yield Looked(root, "any" if is_given or one.attr in _ALL else "own")
    if sweeps:
        return
    if isinstance(iterated, ast.Name):
        yield from _elements_of(project, path, iterated, around, deepest)
    else:
        yield Looked(UNKNOWN, "elements")


def _roots(
    project: Project, path: str, node: ast.expr, around: Around, deepest: int
) -> Iterator[tuple[Instances, bool]]:
    """What the model that is gone through may be; whether it is one that a function was given,
    which may be a part of a part."""
    found = project.values.of(path, node, around)
    if not found & UNKNOWN or not isinstance(node, ast.Name):
        yield found, bool(found & UNKNOWN)
        return
    known = False
    for looked in _given(project, path, node, around, deepest):
        known = True
        yield looked.of, True
    if not known:
        yield found, True


def _given(
    project: Project, path: str, name: ast.Name, around: Around, deepest: int
) -> Iterator[Looked]:
    """What a parameter is given, where only the project's own code calls its function."""
    index = next((n for n, one in enumerate(around) if isinstance(one, FunctionNode)), None)
    function = around[index] if index is not None else None
    if not isinstance(function, FunctionNode) or index is None:
        yield Looked(UNKNOWN, "any")
        return
    parameters = [item.arg for item in parameters_of(function)]
    outside = around[index + 1 :]
    owner = next((one for one in outside if isinstance(one, ast.ClassDef)), None)
    if name.id not in parameters or deepest == 0:
        yield Looked(UNKNOWN, "any")
    elif owner is not None and function.name in _RUN_BY_TORCH:
        return  # it is given a module by an expression that names it
    elif owner is not None or not function.name.startswith("_"):
        applied = list(_applied_to(project, path, function.name))
        yield from applied or [Looked(UNKNOWN, "any")]
    else:
        place = parameters.index(name.id)
        yield from _from_callers(project, path, function, place, name.id, deepest)


def _applied_to(project: Project, path: str, function: str) -> Iterator[Looked]:
    """`self.apply(self.FUNCTION)`, where that is all that a file does with a function."""
    text = project.text(path)
    uses = [match.start() for match in re.finditer(rf"(?<!def )\b{re.escape(function)}\b", text)]
    given: list[Looked] = []
    for node, around in nodes_at(project, path, uses, whole=True):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        if last_name(node) != function:
            continue
        call = around[0] if around else None
        if not (
            isinstance(call, ast.Call)
            and node in call.args
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "apply"
        ):
            return
        root = project.values.of(path, call.func.value, (call.func, *around))
        given.append(Looked(root, "any"))
    if not function.startswith("_") and not _is_local(project, path, function):
        return
    yield from given


def _is_local(project: Project, path: str, function: str) -> bool:
    """Whether a function stands in another one, so that no other file can call it."""
    return re.search(rf"(?m)^def {re.escape(function)}\b", project.text(path)) is None


def _from_callers(
    project: Project, path: str, function: FunctionNode, place: int, name: str, deepest: int
) -> Iterator[Looked]:
    calls = 0
    for user in dict.fromkeys((path, *project.reach.importers(path))):
        text = project.text(user)
        uses = [match.start() for match in re.finditer(rf"\b{re.escape(function.name)}\b", text)]
        for node, around in nodes_at(project, user, uses, whole=True):
            if not isinstance(node, ast.Name) or node.id != function.name:
                continue
            call = around[0] if around else None
            given = _argument(call, place, name) if isinstance(call, ast.Call) else None
            if not isinstance(call, ast.Call) or call.func is not node or given is None:
                yield Looked(UNKNOWN, "any")
                return
            calls += 1
            if user == path and any(one.lineno == function.lineno for one in around
                                    if isinstance(one, FunctionNode)):  # fmt: skip
                continue  # itself, with a part of what it was given
            if isinstance(given, ast.Name):
                for root, _ in _roots(project, user, given, around, deepest - 1):
                    yield Looked(root, "any")
            else:
                yield Looked(project.values.of(user, given, around), "any")
    if not calls:
        yield Looked(UNKNOWN, "any")


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    named = [item.value for item in call.keywords if item.arg == name]
    if named:
        return named[0]
    if place < len(call.args) and not any(isinstance(one, ast.Starred) for one in call.args):
        return call.args[place]
    return None
