"""Code that goes over the modules of a model and asks for some of them by their names.

`for n, m in model.named_modules(): if n.endswith(SUFFIX)`, `any(t in n for t in targets)`,
`dict(model.named_modules())[name]`, `re.search(PATTERN, n)`, `getattr(model, args.layer)`: which
names are asked for is followed back to where they stand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import translate
from functools import partial

from codemod.editing.graph_sweeps import traces_graphs
from codemod.editing.object_uses import is_settings, nodes_at, nodes_below
from codemod.editing.paths_followed import FOLLOWS, path_followed
from codemod.editing.quoted import occurrences
from codemod.editing.strings_behind import parametrized, strings_behind
from codemod.semantics.index import NO_MODULE
from codemod.semantics.instances import UNKNOWN, Around, Instances, may_be_of_project
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import (
    FunctionNode,
    dotted_name,
    last_name,
    parameters_of,
    walk,
)

_SWEEPS = frozenset({"named_modules", "named_children", "_modules"})
_WORDS = (
    "named_modules(", "named_children(", "._modules", '["_modules"]', "['_modules']", " dir(",
)  # fmt: skip
# A look-up by a name that is not written there, and what sets a module, by what follows the object.
_LOOKUP = re.compile(r"""attr\(\s*([^,()"'\n]+)(?:\(\))?,\s*(?!["'\s])""")
_METHOD_STEM = "module("
_METHOD_WORDS = ("get_submodule(", "set_submodule(", ".add_module(", ".register_module(")
_CONFIG = re.compile(r"config|cfg")  # in the name of an object: it is one of settings
_BEFORE = 80  # code points in which the object of a method stands
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
_BY_NAME = frozenset({"get", "pop", "index", "move_to_end", "setdefault", "__getitem__"})
_SAME = frozenset({"dict", "list", "tuple", "set", "sorted", "reversed", "enumerate", "iter"})
_ASKS_PART = frozenset({"startswith", "endswith", "find", "count", "index", "rfind"})
_MATCHES = frozenset({"match", "search", "fullmatch", "findall", "sub"})
_SETS = frozenset({"getattr", "setattr", "hasattr", "delattr", "object"})
_METHODS = frozenset(
    {
        "get_submodule",
        "set_submodule",
        "add_module",
        "register_module",
        "__setattr__",
        "__getattr__",
    }
)
# Functions that are given a model and names of its modules.
_TAKES_LIST = frozenset({"create_feature_extractor", "IntermediateLayerGetter", "FeatureExtractor"})
_NAME = re.compile(r"[A-Za-z_]\w*")
# Methods that torch.fx gives the name of a module, by the place of that among their parameters.
_GIVEN_NAMES = {"call_module": 1, "is_leaf_module": 2, "path_of_module": 2}
_ANYTHING = ("", "q", "x.0.q_0")  # what only a pattern meets that every name does
_LEAST = 2  # letters of a part of a name


@dataclass(frozen=True, slots=True)
class NameSweep:
    """One place that asks for modules by name, within or in `looked`.

    `within`: at any depth. `how`: whether the words are paths from there, last parts of paths,
    parts of names, patterns, or last parts of paths in a list that is fused.
    """

    place: Place
    looked: Instances
    within: bool
    how: str  # "path", "last", "part", "regex", "glob", "fused"
    words: frozenset[str]


def name_sweeps(project: Project, name: str) -> Iterator[tuple[NameSweep, str]]:
    """Those of the whole project that an attribute of that name may meet, with the word."""
    yield from _meeting(project.remembered("all-name-sweeps", "", lambda: _all(project)), name)


def child_sweeps(project: Project, name: str) -> Iterator[tuple[NameSweep, str]]:
    """Those that go over the modules there are, which a new child of that name may meet.

    What looks up one name on an object is about classes that have it already; and `"up" in name`
    is not about an `upsample`.
    """
    found = project.remembered(
        "all-child-sweeps",
        "",
        lambda: (one for path in project.files for one in child_sweeps_in(project, path)),
    )
    for sweep, word in _meeting(found, name):
        if sweep.how != "part" or len(word.rpartition(".")[2]) > _LEAST:
            yield sweep, word


def _meeting(sweeps: Iterable[NameSweep], name: str) -> Iterator[tuple[NameSweep, str]]:
    for sweep in sweeps:
        word = next((one for one in sorted(sweep.words) if _is_met(sweep.how, one, name)), None)
        if word is not None:
            yield sweep, word


def _all(project: Project) -> Iterator[NameSweep]:
    for path in project.files:
        yield from name_sweeps_in(project, path)


def name_sweeps_in(project: Project, path: str) -> tuple[NameSweep, ...]:
    """Those of one file, found once."""
    looked_up = partial(_looked_up, project, path)
    return (
        *child_sweeps_in(project, path),
        *project.remembered("name-sweeps looked up", path, looked_up),
    )


def child_sweeps_in(project: Project, path: str) -> tuple[NameSweep, ...]:
    """Those of one file that go over the modules there are, found once."""
    return project.remembered("name-sweeps", path, partial(_sweeps, project, path))


def _is_met(how: str, word: str, name: str) -> bool:
    if how in ("path", "last", "fused"):
        return name in word.split(".")
    if how == "part":
        part = word.rpartition(".")[2]
        return len(part) >= _LEAST and part in name
    try:
        pattern = re.compile(translate(word) if how == "glob" else word)
    except (re.error, OverflowError):
        return False
    if any(pattern.search(one) for one in _ANYTHING):
        return False  # it tells of no name
    return any(pattern.search(one) for one in (name, f"x.0.{name}"))


def _lookups(project: Project, path: str) -> Iterator[int]:
    """Offsets of what looks up by name on what may be a module, as far as the text tells."""
    text = project.text(path)
    for match in _LOOKUP.finditer(text):
        receiver = match.group(1)
        if not (NO_MODULE.search(receiver) or _CONFIG.search(receiver)) and (
            receiver != "self"
            or project.is_in_module_class(path, project.line_at(path, match.start()))
        ):
            yield match.start()
    for word in _METHOD_WORDS if _METHOD_STEM in text else ():
        for offset in occurrences(text, word):
            if not text.endswith(("self", "super()", "self."), max(0, offset - _BEFORE), offset):
                yield offset
    for word in ("patch.object(", "fuse_modules", "exec(", *_TAKES_LIST, *FOLLOWS):
        yield from occurrences(text, word)
    for offset in occurrences(text, "eval("):
        if not text.endswith((".", "_"), 0, offset):
            yield offset


# ---- finding them


def _sweeps(project: Project, path: str) -> Iterator[NameSweep]:
    if not project.files[path].goes_over_modules:
        return
    text = project.text(path)
    offsets = [offset for word in _WORDS for offset in occurrences(text, word)]
    for node, around in nodes_at(project, path, offsets, whole=True):
        if isinstance(node, ast.Attribute) and node.attr in _SWEEPS:
            yield from _of_sweep(project, path, node, node.value, node.attr, around)
        elif isinstance(node, ast.Call) and dotted_name(node.func) == "dir" and node.args:
            yield from _of_sweep(project, path, node, node.args[0], "dir", around)
        elif isinstance(node, ast.Subscript) and _is_modules(node.slice):
            yield from _of_sweep(project, path, node, _object(node.value), "_modules", around)


def _looked_up(project: Project, path: str) -> Iterator[NameSweep]:
    offsets = list(_lookups(project, path))
    for node, around in nodes_at(project, path, offsets, whole=True):
        if isinstance(node, ast.Call):
            yield from _of_lookup(project, path, node, around)
            yield from _of_list(project, path, node, around)
            yield from _of_source(project, path, node, around)
    if traces_graphs(project, path):
        yield from _of_graphs(project, path)


def _is_modules(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "_modules"


def _object(node: ast.expr) -> ast.expr:
    """`model` of `vars(model)` and of `model.__dict__`."""
    if isinstance(node, ast.Call) and dotted_name(node.func) == "vars" and node.args:
        return node.args[0]
    return node.value if isinstance(node, ast.Attribute) else node


@dataclass(frozen=True)
class _Sweep:
    project: Project
    path: str
    looked: Instances
    within: bool

    def asks(self, node: ast.expr, around: Around, how: str = "path") -> Iterator[NameSweep]:
        words = strings_behind(self.project, self.path, node, around)
        if words:
            place = Place(self.path, node.lineno)
            yield NameSweep(place, self.looked, self.within, how, words)


def _of_sweep(
    project: Project,
    path: str,
    node: ast.expr,
    receiver: ast.expr,
    name: str,
    around: Around,
) -> Iterator[NameSweep]:
    looked = project.values.of(path, receiver, (node, *around))
    sweep = _Sweep(project, path, looked, name == "named_modules")
    whole, rest = _unwrapped(node, around)
    yield from _of_names(sweep, whole, rest)


def _unwrapped(node: ast.AST, around: Around) -> tuple[ast.AST, Around]:
    """The expression around that is still the same names: `dict(m.named_modules()).keys()`."""
    while around:
        parent = around[0]
        is_view = isinstance(parent, ast.Attribute) and parent.attr in ("items", "keys", "copy")
        if is_view or (isinstance(parent, ast.Call) and _keeps(parent, node)):
            node, around = parent, around[1:]
        else:
            break
    return node, around


def _keeps(call: ast.Call, node: ast.AST) -> bool:
    return call.func is node or dotted_name(call.func) in _SAME


def _of_names(sweep: _Sweep, node: ast.AST, around: Around) -> Iterator[NameSweep]:
    """What is done with all names, which `node` stands for."""
    parent = around[0] if around else None
    rest = around[1:]
    if isinstance(parent, ast.Subscript) and parent.value is node:
        yield from sweep.asks(parent.slice, around)
    elif isinstance(parent, ast.Attribute) and parent.attr in (*_BY_NAME, "update"):
        call = rest[0] if rest else None
        if isinstance(call, ast.Call) and call.func is parent:
            if parent.attr == "update":
                keys = [ast.Constant(one.arg) for one in call.keywords if one.arg is not None]
                given: list[ast.expr] = [ast.copy_location(one, call) for one in keys]
                given += call.args
            else:
                given = call.args[:1]
            for one in given:
                yield from sweep.asks(one, (call, *rest[1:]))
    elif isinstance(parent, ast.Compare) and node in parent.comparators:
        yield from sweep.asks(parent.left, around)
    elif isinstance(parent, ast.For | ast.AsyncFor) and parent.iter is node:
        yield from _of_loop(sweep, parent.target, parent, rest)
    elif isinstance(parent, ast.comprehension) and parent.iter is node and rest:
        whole = rest[0]
        yield from _of_loop(sweep, parent.target, whole, rest[1:])
        kept = _name_of(parent.target)
        if _gives(whole, kept):
            yield from _of_names(sweep, *_unwrapped(whole, rest[1:]))
    elif isinstance(parent, ast.Assign) and parent.value is node and len(parent.targets) == 1:
        yield from _of_kept(sweep, parent.targets[0], rest)


def _gives(comprehension: ast.AST, name: str) -> bool:
    """Whether a comprehension gives the names on: `[n for n, _ in ...]`."""
    value = getattr(comprehension, "key", None) or getattr(comprehension, "elt", None)
    return isinstance(value, ast.Name) and value.id == name


def _of_kept(sweep: _Sweep, target: ast.expr, around: Around) -> Iterator[NameSweep]:
    """What is done with the names where a variable, or an attribute of `self`, keeps them."""
    kept = dotted_name(target)
    kind = FunctionNode if isinstance(target, ast.Name) else ast.ClassDef
    at = next((index for index, one in enumerate(around) if isinstance(one, kind)), None)
    if kept is None or at is None:
        return
    for node, inner in nodes_below(around[at], around[at + 1 :]):
        is_read = isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
        if is_read and dotted_name(node) == kept:
            yield from _of_names(sweep, *_unwrapped(node, inner))


def _name_of(target: ast.expr) -> str:
    """What the name is called in `for n, m in ...`, `for i, (n, m) in enumerate(...)`."""
    names = [one.id for one in walk(target) if isinstance(one, ast.Name)]
    if isinstance(target, ast.Tuple) and isinstance(target.elts[-1], ast.Tuple):
        names = [one.id for one in walk(target.elts[-1]) if isinstance(one, ast.Name)]
    return names[0] if names else ""


def _of_loop(sweep: _Sweep, target: ast.expr, body: ast.AST, around: Around) -> Iterator[NameSweep]:
    """What is asked of the name that a loop gives in each round, or of a local made of it."""
    name = _name_of(target)
    if not name:
        return
    carriers = {name}
    for node, _ in nodes_below(body, around):
        if isinstance(node, ast.Assign) and _carries(node.value, carriers):
            carriers |= {one.id for item in node.targets for one in walk(item)
                         if isinstance(one, ast.Name)}  # fmt: skip
    for node, inner in nodes_below(body, around):
        yield from _asked(sweep, node, inner, carriers, name)


def _carries(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression is one of the names, or a part of it: `n.split(".")[-1]`."""
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Subscript | ast.Attribute):
        return _carries(node.value, names)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and _carries(node.func.value, names)
    return False


def _asked(
    sweep: _Sweep, node: ast.AST, around: Around, names: set[str], path: str
) -> Iterator[NameSweep]:
    """What one expression asks of the names; `path` is the one that is a whole path."""
    inner = (node, *around)
    if isinstance(node, ast.Compare):
        yield from _compared(sweep, node, inner, names, path)
    elif isinstance(node, ast.Match) and _carries(node.subject, names):
        for case in node.cases:
            for one in walk(case.pattern):
                if isinstance(one, ast.MatchValue):
                    yield from sweep.asks(one.value, inner)
    elif isinstance(node, ast.Subscript) and _carries(node.slice, names):
        yield from sweep.asks(node.value, inner)
    elif isinstance(node, ast.Call):
        yield from _called(sweep, node, inner, names)


def _compared(
    sweep: _Sweep, node: ast.Compare, around: Around, names: set[str], path: str
) -> Iterator[NameSweep]:
    for operator, left, right in zip(
        node.ops, [node.left, *node.comparators], node.comparators, strict=False
    ):
        is_in = isinstance(operator, ast.In | ast.NotIn)
        if _carries(left, names) and not _carries(right, names):
            yield from sweep.asks(right, around, _how(left, path))
        elif _carries(right, names) and not _carries(left, names):
            yield from sweep.asks(left, around, "part" if is_in else _how(right, path))


def _how(node: ast.expr, path: str) -> str:
    return "path" if isinstance(node, ast.Name) and node.id == path else "last"


def _called(sweep: _Sweep, node: ast.Call, around: Around, names: set[str]) -> Iterator[NameSweep]:
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    function = method or dotted_name(node.func) or ""
    given = any(_carries(one, names) for one in node.args)
    others = [one for one in node.args if not _carries(one, names)]
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if owner is not None and method in _ASKS_PART and _carries(owner, names):
        for one in others:
            yield from sweep.asks(one, around, "part")
    elif given and function in _MATCHES:
        wanted = [*others, *([owner] if owner is not None and not others else [])]
        for one in wanted:
            yield from sweep.asks(one, around, "regex")
    elif given and function.startswith("fnmatch"):
        for one in others:
            yield from sweep.asks(one, around, "glob")
    elif given and method in _BY_NAME and owner is not None and not _carries(owner, names):
        yield from sweep.asks(owner, around)


def _of_lookup(project: Project, path: str, node: ast.Call, around: Around) -> Iterator[NameSweep]:
    """`getattr(model, NAME)`, `model.get_submodule(NAME)` with a name that is not written there."""
    function = last_name(node.func)
    receiver: ast.expr | None = None
    name: ast.expr | None = None
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and node.args:
        receiver, name = node.func.value, node.args[0]
        if function in ("add_module", "register_module") and not isinstance(receiver, ast.Name):
            return  # what builds its own parts
        if isinstance(receiver, ast.Call) and dotted_name(receiver.func) == "super":
            return
    elif function in _SETS and len(node.args) > 1:
        receiver, name = node.args[0], node.args[1]
    elif (followed := path_followed(node, around)) is not None:
        receiver, name = followed
    if receiver is None or name is None or is_settings(receiver):
        return
    if _CONFIG.search(dotted_name(receiver) or ""):
        return
    if function in ("getattr", "hasattr", "setattr", "delattr") and isinstance(name, ast.Constant):
        return  # asked apart
    if _is_parameter(name, around):
        return  # the callers' strings are asked apart
    words = strings_behind(project, path, name, (node, *around))
    if any(part in project.names_in_modules for word in words for part in word.split(".")):
        looked = project.values.of(path, receiver, (node, *around))
        if may_be_of_project(looked):
            yield NameSweep(Place(path, name.lineno), looked, False, "path", words)


def _of_list(project: Project, path: str, node: ast.Call, around: Around) -> Iterator[NameSweep]:
    """`fuse_modules(model, NAMES)`, `create_feature_extractor(model, return_nodes=NAMES)`."""
    function = last_name(node.func)
    fuses = function.startswith("fuse_modules")
    if not (fuses or function in _TAKES_LIST) or not node.args:
        return
    looked = project.values.of(path, node.args[0], (node, *around))
    for names in (*node.args[1:2], *(one.value for one in node.keywords)):
        words = strings_behind(project, path, names, (node, *around))
        if words:
            how = "fused" if fuses else "path"
            yield NameSweep(Place(path, node.lineno), looked, fuses, how, words)


def _of_source(project: Project, path: str, node: ast.Call, around: Around) -> Iterator[NameSweep]:
    """`eval(f"model.{NAME}")`, `exec("model.relu = None")`: all names that stand in it."""
    if last_name(node.func) not in ("eval", "exec") or not node.args:
        return
    inner = (node.args[0], node, *around)
    parts = [one.value for one in walk(node.args[0]) if isinstance(one, ast.FormattedValue)]
    words: set[str] = set()
    for part in (node.args[0], *parts):
        words |= strings_behind(project, path, part, inner)
    if any("." in word for word in words):
        names = frozenset(name for word in words for name in _NAME.findall(word))
        yield NameSweep(Place(path, node.lineno), UNKNOWN, True, "last", names)


# ---- graphs


def _of_graphs(project: Project, path: str) -> Iterator[NameSweep]:
    """`if node.target == "relu"`, and methods of torch.fx that are given the name of a module."""
    text = project.text(path)
    sweep = _Sweep(project, path, UNKNOWN, within=True)
    offsets = [one for word in (".target", *_GIVEN_NAMES) for one in occurrences(text, word)]
    for node, around in nodes_at(project, path, offsets):
        if isinstance(node, ast.Attribute) and node.attr == "target":
            yield from _of_target(sweep, node, around)
    for node, around in nodes_at(project, path, offsets, whole=True):
        if isinstance(node, FunctionNode) and node.name in _GIVEN_NAMES:
            given = [one.arg for one in parameters_of(node)][_GIVEN_NAMES[node.name] :][:1]
            for inner, outer in nodes_below(node, around) if given else ():
                yield from _asked(sweep, inner, outer, set(given), given[0])


def _of_target(sweep: _Sweep, node: ast.Attribute, around: Around) -> Iterator[NameSweep]:
    names = {one.id for one in walk(node) if isinstance(one, ast.Name)}
    for index, parent in enumerate(around):
        if isinstance(parent, ast.stmt):
            return
        yield from _asked(sweep, parent, around[index + 1 :], names, "")


def _is_parameter(node: ast.expr, around: Around) -> bool:
    function = next((one for one in around if isinstance(one, FunctionNode)), None)
    return (
        isinstance(node, ast.Name)
        and function is not None
        and any(one.arg == node.id for one in parameters_of(function))
        and not any(parametrized(function, node.id))
    )
