"""What the source of live functions does with a parameter, read from their `ast`.

`Reader.facts(function, name)` follows the parameter through plain assignments, `self.x = x`
and its uses in the other methods, loops over it, and calls it is passed on to.
With a `receiver`, calls of its children are followed into the live child.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import re
import types
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import torch

DEPTH = 6
RECURRENT = (torch.nn.RNNBase, torch.nn.RNNCellBase)
STATE = "hx"  # torch's name for the states that a recurrent layer is given
_SEQUENCE_FUNCTIONS = {"len", "list", "tuple", "enumerate", "zip", "reversed", "iter", "sum", "max"}
_LOOPS = {"enumerate", "zip", "reversed", "list", "tuple", "sorted"}
_MISSING = object()
Path = Tuple[str, ...]


class Passed(NamedTuple):
    """The parameter is passed on as `name` of `callee` (a class, function or live module)."""

    callee: Any
    name: str


class Facts:
    """What is done with one value. `parts` holds what is done with `.x`, `["x"]` and elements.

    `index`: it stands between the brackets of a tensor. `turns`: it is the number of turns of a
    loop.
    """

    def __init__(self) -> None:
        self.passed: List[Passed] = []
        self.names: List[str] = []
        self.annotations: List[Any] = []
        self.called: Optional[ast.Call] = None
        self.sequence = False
        self.spread = False
        self.called_later = False
        self.length = 0
        self.mapping = False
        self.number = False
        self.turns = False
        self.literals: List[Any] = []
        self.tables: List[Any] = []
        self.types: List[type] = []
        self.index = False
        self.methods: Set[str] = set()
        self.ranks: List[int] = []
        self.layers: List[Any] = []
        self.parts: Dict[str, Facts] = {}

    def at(self, path: Path) -> Facts:
        facts = self
        for step in path:
            facts = facts.parts.setdefault(step, Facts())
        return facts

    @property
    def attributes(self) -> Dict[str, Facts]:
        return {
            key: part
            for key, part in self.parts.items()
            if key not in (ELEMENT, RESULT)
            and (key[:2] != "__" or key in ("__name__", "__class__"))
        }

    @property
    def element(self) -> Optional[Facts]:
        return self.parts.get(ELEMENT)

    def absorb(self, other: Facts, depth: int = 0) -> None:
        """Adds what is done with the same value elsewhere. Parts of recursive functions end."""
        if other is self or depth > DEPTH:
            return
        for field in _LISTS:
            mine: List[Any] = getattr(self, field)
            mine.extend(item for item in getattr(other, field) if not _holds(mine, item))
        self.called = self.called or other.called
        self.sequence |= other.sequence
        self.spread |= other.spread
        self.called_later |= other.called_later
        self.mapping |= other.mapping
        self.number |= other.number
        self.turns |= other.turns
        self.index |= other.index
        self.length = max(self.length, other.length)
        self.methods |= other.methods
        for key, part in list(other.parts.items()):
            self.parts.setdefault(key, Facts()).absorb(part, depth + 1)


ELEMENT, RESULT = "[]", "()"
_LISTS = ("passed", "names", "annotations", "literals", "tables", "types", "ranks", "layers")


def _holds(items: Sequence[Any], item: Any) -> bool:
    return any(one is item or (type(one) is type(item) and _same(one, item)) for one in items)


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:
        return False


def plain_function(function: Any) -> Any:
    """The Python function under a method, a partial and its decorators; None if there is none."""
    try:
        while True:
            if isinstance(function, functools.partial):
                function = function.func
            elif inspect.ismethod(function):
                function = function.__func__
            elif hasattr(function, "__wrapped__"):
                function = function.__wrapped__
            else:
                break
    except Exception:
        return None
    return function if inspect.isfunction(function) else None


def parsed_block(text: str) -> ast.Module:
    """The tree of indented source. A comment or a text in it may begin further to the left."""
    if not text[:1].isspace():
        return ast.parse(text)
    tree = ast.increment_lineno(ast.parse("if 1:\n" + text), -1)
    return ast.Module(tree.body[0].body, [])  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=None)
def tree_of_code(code: Any) -> Optional[ast.AST]:
    """The `def` that a code object comes from, lines counted from its own first line."""
    try:
        tree = parsed_block("".join(inspect.getsourcelines(code)[0]))
    except Exception:
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name:
            return node
    return None


def tree_of(function: Any) -> Optional[ast.AST]:
    """The `def` of a function, or None where the source cannot be had."""
    plain = plain_function(function)
    return tree_of_code(plain.__code__) if plain is not None else None


@functools.lru_cache(maxsize=None)
def _assigned_words(code: Any) -> Dict[str, Tuple[str, ...]]:
    """Each name and attribute of `self` that a function assigns, with the words it is made of."""
    found: Dict[str, Dict[str, None]] = {}
    tree = tree_of_code(code)
    for node in ast.walk(tree) if tree is not None else ():
        for target, value in _assignments(node):
            for name in _words_in(target):
                found.setdefault(name, {}).update(dict.fromkeys(_words_in(value)))
    return {name: tuple(words) for name, words in found.items()}


def attributes_of(cls: type) -> Set[str]:
    """What instances of a class of the project have, beside what every module has."""
    found: Set[str] = set()
    for base in cls.__mro__:
        if not is_torch(base) and base is not object:
            found |= set(vars(base))
    for method in methods_of(cls):
        if method.__name__ == "__init__":
            found |= set(_assigned_words(method.__code__))
    return found


def _assignments(node: ast.AST) -> Iterator[Tuple[ast.AST, ast.AST]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr)):
        if node.value is not None:
            yield node.target, node.value
    elif isinstance(node, (ast.For, ast.comprehension)):
        yield node.target, node.iter


def _words_in(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id != "self":
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def sources_of(code: Any, words: Tuple[str, ...]) -> Tuple[str, ...]:
    """What the values of these names were made of within the function, in turn, nearest first."""
    assigned = _assigned_words(code)
    found: Dict[str, None] = {}
    waiting = list(words)
    while waiting:
        for source in assigned.get(waiting.pop(0), ()):
            if source not in found and source not in words:
                found[source] = None
                waiting.append(source)
    return tuple(found)


def signature_of(function: Any) -> Optional[inspect.Signature]:
    try:
        return inspect.signature(function)
    except Exception:
        return None


def initialiser(cls: type) -> Any:
    """The function whose parameters are those of `cls(...)`, or None."""
    for base in cls.__mro__:
        if "__init__" in vars(base):
            return vars(base)["__init__"] if base is not object else None
    return None


def forward_of(cls: type) -> Any:
    """What a call of the model runs: a `__call__` written by hand, else `forward`."""
    for base in cls.__mro__:
        if "__call__" in vars(base):
            call = vars(base)["__call__"]
            if not is_torch(base) and plain_function(call) is not None:
                return call
            break
    return getattr(cls, "forward", None)


def is_torch(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return isinstance(module, str) and (module == "torch" or module.startswith("torch."))


def annotation_of(parameter: inspect.Parameter, function: Any) -> Any:
    """The annotation as an object where it can be evaluated, else its text; None if absent."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return None
    if isinstance(annotation, str):
        plain = plain_function(function)
        names = dict(getattr(plain, "__globals__", {}))
        try:
            return eval(annotation, names)
        except Exception:
            return annotation
    return annotation


class Reader:
    """Reads facts, each once. `receiver`: the live model, when there is one."""

    def __init__(self, cls: type, receiver: Any = None) -> None:
        self.cls = cls
        self.receiver = receiver
        self._known: Dict[Any, Facts] = {}

    def facts(self, function: Any, name: str) -> Facts:
        return self._read(function, name, self.cls, self.receiver, 0)

    def _read(self, function: Any, name: str, owner: Any, receiver: Any, depth: int) -> Facts:
        plain = plain_function(function)
        tree = tree_of(plain) if plain is not None else None
        key = (id(getattr(plain, "__code__", plain)), name, owner, id(receiver))
        if tree is None or depth > DEPTH:
            return Facts()
        if key in self._known:
            return self._known[key]
        facts = self._known[key] = Facts()
        walk = _Walk(self, facts, plain, owner, receiver, depth)
        walk.aliases[name] = ()
        walk.run(tree)
        if walk.kept and receiver is None and isinstance(owner, type):
            self._follow_attributes(facts, walk.kept, plain, owner, depth)
        return facts

    def _follow_attributes(
        self, facts: Facts, kept: Dict[str, Path], init: Any, owner: type, depth: int
    ) -> None:
        for method in methods_of(owner):
            if method is init:
                continue
            tree = tree_of(method)
            if tree is not None:
                walk = _Walk(self, facts, method, owner, None, depth)
                walk.kept, walk.later = dict(kept), True
                walk.run(tree)


def methods_of(cls: type) -> Iterator[Any]:
    for base in cls.__mro__:
        if is_torch(base) or base is object:
            continue
        for value in list(vars(base).values()):
            plain = plain_function(value)
            if plain is not None:
                yield plain


class _Walk(ast.NodeVisitor):
    def __init__(
        self, reader: Reader, facts: Facts, function: Any, owner: Any, receiver: Any, depth: int
    ) -> None:
        self.reader = reader
        self.facts = facts
        self.function = function
        self.owner = owner
        self.receiver = receiver
        self.depth = depth
        self.aliases: Dict[str, Path] = {}
        self.kept: Dict[str, Path] = {}
        self.live: Dict[str, Any] = {}
        if receiver is not None:
            self.live["self"] = receiver
        self.lists: Dict[str, Path] = {}  # names of lists that begin with what a path stands for
        self.shapes: Dict[str, Path] = {}
        self.counts: Dict[str, int] = {}
        self.orders: Set[str] = set()  # names of tensors of indices
        self.later = False  # whether it reads what runs once the constructor is done

    def run(self, tree: ast.AST) -> None:
        for statement in tree.body:  # type: ignore[attr-defined]
            self.visit(statement)

    # What a node stands for

    def path(self, node: ast.AST) -> Optional[Path]:
        if isinstance(node, ast.Name):
            return self.aliases.get(node.id)
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                return self.kept.get(node.attr)
            inner = self.path(node.value)
            return None if inner is None else (*inner, node.attr)
        if isinstance(node, ast.Subscript):
            inner = self.path(node.value)
            if inner is None:
                return None
            if self.reorders(_index(node)):
                return inner
            if self.is_of_tensor(_index(node)):
                return None
            key = self.plain(_index(node))
            return (*inner, key) if isinstance(key, str) else (*inner, ELEMENT)
        if isinstance(node, ast.Call) and _called_name(node) == "getattr" and len(node.args) > 1:
            inner, key = self.path(node.args[0]), constant(node.args[1])
            return (*inner, key) if inner is not None and isinstance(key, str) else None
        if isinstance(node, ast.Call) and _copies(self.object(node.func)) and node.args:
            return self.path(node.args[0])
        if isinstance(node, ast.BoolOp):
            return self.path(node.values[0])
        return self.same_shape(node) if self.receiver is not None else self.given_by(node)

    def given_by(self, node: ast.AST) -> Optional[Path]:
        """What a method of the value gives: `mode.lower()`, `config.get("rate")`, `data.num()`."""
        name, inner = _method(node), None
        if name:
            inner = self.path(node.func.value)  # type: ignore[attr-defined]
        if inner is None or name in _SAME_VALUE:
            return inner
        key = constant(node.args[0]) if name in ("get", "pop") and node.args else None  # type: ignore[attr-defined]
        return (*inner, key) if isinstance(key, str) else (*inner, name, RESULT)

    def is_of_tensor(self, key: ast.AST) -> bool:
        """Whether what stands between brackets selects from a tensor: `[:, 0]`, `[chosen]`."""
        if isinstance(key, ast.Tuple):
            return True
        while isinstance(key, (ast.Subscript, ast.Attribute)):
            key = key.value
        code = self.function.__code__
        own = code.co_varnames[1 : code.co_argcount]
        return self.receiver is not None and isinstance(key, ast.Name) and key.id in own

    def reorders(self, key: ast.AST) -> bool:
        """Whether it takes rows of a tensor, `captions[order]`: what is taken is of its rank."""
        return isinstance(key, ast.Name) and key.id in self.orders

    def same_shape(self, node: ast.AST) -> Optional[Path]:
        """Of a tensor: what has the same shape, or will after broadcasting."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, _ELEMENTWISE):
            left = self.path(node.left)
            return left if left is not None else self.path(node.right)
        if _method(node) in _KEEP_SHAPE:
            return self.path(node.func.value)  # type: ignore[attr-defined]
        return None

    def object(self, node: ast.AST) -> Any:
        """The live object that a dotted name stands for, or `_MISSING`."""
        if isinstance(node, ast.Name):
            if node.id in self.live:
                return self.live[node.id]
            if node.id == "self" or node.id in self.aliases:
                return _MISSING
            names = self.function.__globals__
            return _answering(names.get(node.id, getattr(builtins, node.id, _MISSING)))
        if isinstance(node, ast.Attribute):
            value = self.object(node.value)
            if value is _MISSING:
                is_self = isinstance(node.value, ast.Name) and node.value.id == "self"
                return (
                    getattr(self.owner, self.mangled(node.attr), _MISSING) if is_self else _MISSING
                )
            return _attribute(value, self.mangled(node.attr))
        if isinstance(node, ast.Subscript):
            value, key = self.object(node.value), constant(_index(node))
            if isinstance(value, torch.nn.Module) and isinstance(key, (int, str)):
                try:
                    return value[key]
                except Exception:
                    return _MISSING
            if isinstance(value, dict):  # `ENCODERS[kind](width)`: one of several
                found = value.get(key, next(iter(value.values()), None))
                return found if isinstance(found, type) or inspect.isfunction(found) else _MISSING
        if isinstance(node, ast.Call):
            return self.super_method_owner(node)
        return _MISSING

    def mangled(self, name: str) -> str:
        """A private name as the class that defines the function stores it."""
        if not name.startswith("__") or name.endswith("__"):
            return name
        definer = _definer(self.owner, self.function) if isinstance(self.owner, type) else None
        owner = getattr(definer, "__name__", "").lstrip("_")
        return "_{}{}".format(owner, name) if owner else name

    def super_method_owner(self, node: ast.Call) -> Any:
        if _called_name(node) != "super" or not isinstance(self.owner, type):
            return _MISSING
        if len(node.args) == 2:
            start = self.object(node.args[0])
        else:
            start = _definer(self.owner, self.function)
        return _Super(self.owner, start) if isinstance(start, type) else _MISSING

    # What is done with it

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.bind(target, node.value)
            if _gives_indices(node.value):
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                self.orders |= {one.id for one in names if isinstance(one, ast.Name)}
            if isinstance(target, ast.Subscript):
                self.index_of(target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.bind(node.target, node.value)

    def bind(self, target: ast.AST, value: ast.AST) -> None:
        path = self.path(value)
        if isinstance(target, ast.Name):
            chosen = self.chosen(value)
            self.live.pop(target.id, None)
            if chosen is not None:
                self.live[target.id] = chosen
            self.lists.pop(target.id, None)
            begins = self.begins(value)
            if path is not None:
                self.aliases[target.id] = path
            elif begins is not None:
                self.aliases.pop(target.id, None)
                self.lists[target.id] = begins
            elif self.receiver is not None:
                self.aliases.pop(target.id, None)
            shape = self.shape(value)
            if shape is not None:
                self.shapes[target.id] = shape
        elif isinstance(target, ast.Attribute) and path is not None:
            if isinstance(target.value, ast.Name) and target.value.id == "self":
                self.kept[target.attr] = path
        elif isinstance(target, (ast.Tuple, ast.List)):
            self.unpack(target, value, path)

    def begins(self, value: ast.AST) -> Optional[Path]:
        """What a list begins with: `[width] + widths[:-1]`, `[width] * count`."""
        if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Add, ast.Mult)):
            return self.begins(value.left)
        is_list = isinstance(value, (ast.List, ast.Tuple)) and value.elts
        return self.path(value.elts[0]) if is_list else None  # type: ignore[attr-defined]

    def chosen(self, value: ast.AST) -> Any:
        """The class or function that a name stands for from now on, one of several perhaps."""
        if isinstance(value, ast.IfExp):
            return self.chosen(value.body) or self.chosen(value.orelse)
        if isinstance(value, ast.Subscript):
            table = self.object(value.value)
            found = next(iter(table.values()), None) if isinstance(table, dict) else None
        elif isinstance(value, (ast.Name, ast.Attribute)):
            found = self.object(value)
        else:
            return None
        return found if isinstance(found, type) or inspect.isfunction(found) else None

    def unpack(self, target: Any, value: ast.AST, path: Optional[Path]) -> None:
        count = len(target.elts)
        starred = any(isinstance(item, ast.Starred) for item in target.elts)
        shape = self.shape(value)
        if shape is not None and not starred:
            self.facts.at(shape).ranks.append(count)
        if path is not None:
            facts = self.facts.at(path)
            facts.sequence = True
            if not starred:
                facts.length = max(facts.length, count)
            for item in target.elts:
                if isinstance(item, ast.Name):
                    self.aliases[item.id] = (*path, ELEMENT)
        elif isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == count:
            for item, part in zip(target.elts, value.elts):
                self.bind(item, part)
        elif self.receiver is not None:
            for item in target.elts:
                if isinstance(item, ast.Name):
                    self.aliases.pop(item.id, None)

    def shape(self, node: ast.AST) -> Optional[Path]:
        """The path of the tensor whose whole shape this is."""
        if isinstance(node, ast.Name):
            return self.shapes.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            return self.path(node.value)
        if _method(node) == "size" and not node.args:  # type: ignore[attr-defined]
            return self.path(node.func.value)  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and len(node.args) == 1:
            return self.shape(node.args[0]) if _called_name(node) in ("list", "tuple") else None
        return None

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self.loop(node.target, node.iter)
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.visit(node.iter)
        self.loop(node.target, node.iter)
        for condition in node.ifs:
            self.visit(condition)

    def _visit_comprehension_expression(self, node: Any) -> None:
        for generator in node.generators:
            self.visit(generator)
        for field in ("elt", "key", "value"):
            if hasattr(node, field):
                self.visit(getattr(node, field))

    visit_ListComp = visit_SetComp = visit_DictComp = _visit_comprehension_expression
    visit_GeneratorExp = _visit_comprehension_expression

    def loop(self, target: ast.AST, iterated: ast.AST) -> None:
        name = _called_name(iterated) if isinstance(iterated, ast.Call) else None
        if name in _LOOPS:
            sources = iterated.args  # type: ignore[attr-defined]
            targets = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
            if name == "enumerate":
                targets = targets[1:] if len(targets) == 2 else []
            if name == "zip" and len(targets) != len(sources):
                return
            counts = [self.children(one) for one in sources]
            for one, source in zip(targets, sources):
                self.loop(one, source)
                path = self.path(source)
                if path is not None and name == "zip":
                    facts = self.facts.at(path)
                    facts.length = max(facts.length, *counts)
            if name == "enumerate" and isinstance(target, (ast.Tuple, ast.List)):
                self.counter(target.elts[0], max(counts, default=0))
            return
        if name == "range":
            self.counter(target, max(map(self.children_counted, iterated.args[-1:]), default=0))  # type: ignore[attr-defined]
            return
        path = self.path(iterated)
        if path is not None:
            self.facts.at(path).sequence = True
            self.element(target, (*path, ELEMENT))
            return
        if isinstance(iterated, ast.Name) and iterated.id in self.lists:
            self.element(target, self.lists[iterated.id])
            return
        live = self.object(iterated)
        if isinstance(live, torch.nn.Module) and isinstance(target, ast.Name):
            children = list(live.children())
            if children:
                self.live[target.id] = children[0]

    def children(self, node: ast.AST) -> int:
        """How many modules a live list of modules holds that a node stands for."""
        live = self.object(node)
        return len(live) if isinstance(live, (torch.nn.ModuleList, torch.nn.Sequential)) else 0

    def children_counted(self, node: ast.AST) -> int:
        """That number, where a node is `len(self.layers)`."""
        counted = isinstance(node, ast.Call) and _called_name(node) == "len" and node.args
        return self.children(counted[0]) if counted else 0

    def counter(self, target: ast.AST, count: int) -> None:
        """A name counts the modules of a live list: what is indexed with it has as many items."""
        if isinstance(target, ast.Name):
            self.counts[target.id] = count

    def element(self, target: ast.AST, path: Path) -> None:
        if isinstance(target, ast.Name):
            self.aliases[target.id] = path
        elif isinstance(target, (ast.Tuple, ast.List)):
            facts = self.facts.at(path)
            facts.sequence = True
            facts.length = max(facts.length, len(target.elts))
            for item in target.elts:
                if isinstance(item, ast.Name):
                    self.aliases[item.id] = (*path, ELEMENT)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        path = self.path(node.value)
        key = self.plain(_index(node))
        if path is not None:
            facts = self.facts.at(path)
            if isinstance(key, str):
                facts.mapping = True
                facts.at((key,))
            else:
                facts.sequence = True
                if isinstance(key, int):
                    facts.length = max(facts.length, key + 1 if key >= 0 else -key)
                index = _index(node)
                if isinstance(index, ast.Name):
                    facts.length = max(facts.length, self.counts.get(index.id, 0))
        self.index_of(node)
        shape = self.shape(node.value)
        if shape is not None and isinstance(key, int):
            self.facts.at(shape).ranks.append(key + 1 if key >= 0 else -key)
        self.generic_visit(node)

    def index_of(self, node: ast.Subscript) -> None:
        """What stands between the brackets: a key of a table, or a tensor that takes rows."""
        key, table = _index(node), self.object(node.value)
        path = self.path(key)
        if path is not None and isinstance(table, dict):
            self.facts.at(path).tables.append(table)
        if not (table is _MISSING or table is None or isinstance(table, torch.Tensor)):
            return
        for one in key.elts if isinstance(key, ast.Tuple) else [key]:
            for part in (one.lower, one.upper) if isinstance(one, ast.Slice) else (one,):
                path = self.path(part) if part is not None else None
                if path is not None:
                    self.facts.at(path).index = True

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self.path(node)
        if path is not None:
            self.facts.at(path)
        self.generic_visit(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        path = self.path(node.value)
        if path is not None:
            self.facts.at(path).sequence = True
            self.facts.at(path).spread = True
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        for side, other in ((node.left, node.right), (node.right, node.left)):
            path = self.path(side)
            if path is None or isinstance(constant(other), str):
                continue
            if isinstance(other, (ast.List, ast.ListComp)):
                if isinstance(node.op, ast.Add):
                    self.facts.at(path).sequence = True
                continue
            self.facts.at(path).number = True
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for one, operator, other in zip(sides, node.ops, sides[1:]):
            self.compare(one, operator, other)
            if not isinstance(operator, (ast.In, ast.NotIn)):
                self.compare(other, operator, one)
        self.generic_visit(node)

    def compare(self, one: ast.AST, operator: ast.AST, other: ast.AST) -> None:
        path = self.path(_without_lower(one))
        if path is not None:
            facts = self.facts.at(path)
            if isinstance(operator, (ast.In, ast.NotIn)):
                members = self.members(other)
                facts.literals.extend(m for m in members if not _holds(facts.literals, m))
            else:
                value = self.plain(other)
                if value is not None and not _holds(facts.literals, value):
                    facts.literals.append(value)
                if isinstance(operator, (ast.Lt, ast.Gt, ast.LtE, ast.GtE)):
                    facts.number = True
        self.compare_rank(one, other, isinstance(operator, ast.Eq))

    def compare_rank(self, one: ast.AST, other: ast.AST, equal: bool) -> None:
        value = constant(other)
        if not equal or not isinstance(value, int):
            return
        inner: Optional[Path] = None
        if isinstance(one, ast.Attribute) and one.attr == "ndim":
            inner = self.path(one.value)
        elif _method(one) in ("dim", "ndimension"):
            inner = self.path(one.func.value)  # type: ignore[attr-defined]
        elif _called_name(one) == "len" and one.args:  # type: ignore[attr-defined]
            inner = self.shape(one.args[0])  # type: ignore[attr-defined]
            counted = self.path(one.args[0])  # type: ignore[attr-defined]
            if counted is not None:
                facts = self.facts.at(counted)
                facts.length = max(facts.length, value)
        if inner is not None:
            self.facts.at(inner).ranks.append(value)

    def members(self, node: ast.AST) -> List[Any]:
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return [v for v in map(self.plain, node.elts) if v is not None]
        if isinstance(node, ast.Dict):
            return [v for v in map(self.plain, filter(None, node.keys)) if v is not None]
        live = self.object(node)
        if isinstance(live, (dict, list, tuple, set, frozenset)):
            return [item for item in live if isinstance(item, (str, int, float))]
        return []

    def plain(self, node: ast.AST) -> Any:
        """The number or string that is written there, by name perhaps: `BINARY_MODE`."""
        live = self.object(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        return live if type(live) in (str, int, float) else constant(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)
            path = self.path(keyword.value) if keyword.arg is None else None
            if path is not None:
                self.facts.at(path).mapping = True
                self.spread_over(node, path)
        self.use_of_callee(node)
        self.use_of_arguments(node)

    def spread_over(self, node: ast.Call, path: Path) -> None:
        """`self(**batch)`, `Encoder(width, **options)`: the keys are what the call still needs."""
        callee = self.object(node.func)
        function, bound = _run_by(callee)
        signature = signature_of(plain_function(function))
        given = {k.arg for k in node.keywords if k.arg}
        parameters = list(signature.parameters.values()) if signature is not None else []
        needed = [
            one.name
            for one in parameters[bound + len(node.args) :]
            if one.default is one.empty and one.name not in given
            if one.kind is one.POSITIONAL_OR_KEYWORD or one.kind is one.KEYWORD_ONLY
        ]
        keys: List[Tuple[str, Optional[Path]]] = [(name, (*path, name)) for name in needed]
        if keys:
            plain = ast.Call(node.func, [], [])
            self.pass_on(callee, plain, [], keys)

    def use_of_callee(self, node: ast.Call) -> None:
        path = self.path(node.func)
        if path is None:
            return
        if isinstance(node.func, ast.Attribute) and path[:-1] == self.path(node.func.value):
            owner = self.facts.at(path[:-1])
            owner.methods.add(node.func.attr)
            if node.func.attr in ("items", "keys", "values", "get"):
                owner.mapping = True
            if node.func.attr in _RANK_BY_ARGUMENTS and node.args:
                owner.ranks.append(len(node.args))
        facts = self.facts.at(path)
        facts.called = facts.called or node
        facts.called_later |= self.later

    def use_of_arguments(self, node: ast.Call) -> None:
        named = _called_name(node)
        paths = [self.path(argument) for argument in node.args]
        if named == "isinstance" and len(node.args) == 2 and paths[0] is not None:
            kinds = self.object(node.args[1])
            for kind in kinds if isinstance(kinds, tuple) else (kinds,):
                if isinstance(kind, type):
                    self.facts.at(paths[0]).types.append(kind)
            return
        if named in ("hasattr", "getattr") and len(node.args) > 1:
            return
        if named in _SEQUENCE_FUNCTIONS and len(node.args) == 1 and paths[0] is not None:
            self.facts.at(paths[0]).sequence = True
        if named in ("int", "float", "range", "round", "abs"):
            for path in paths if named == "range" else paths[:1]:
                if path is not None:
                    self.facts.at(path).number = True
                    self.facts.at(path).turns |= named == "range" and len(paths) == 1
        keywords = [(k.arg or "", self.path(k.value)) for k in node.keywords if k.arg]
        self.states_given(node)
        if not any(p is not None for p in paths) and not any(p is not None for _, p in keywords):
            return
        callee = self.object(node.func)
        self.axes_of_arguments(callee, node, paths)
        if callee is not _MISSING and callee is not None and not _copies(callee):
            self.pass_on(callee, node, paths, keywords)

    def states_given(self, node: ast.Call) -> None:
        """What stands in `self.lstm(x, (hx, cx))`: a state of the layer."""
        states = node.args[1].elts if node.args[1:] and isinstance(node.args[1], ast.Tuple) else []
        paths = [path for path in map(self.path, states) if path is not None]
        callee = self.object(node.func) if paths else None
        if isinstance(callee, RECURRENT):
            for path in paths:
                self.facts.at(path).passed.append(Passed(callee, STATE))

    def axes_of_arguments(self, callee: Any, node: ast.Call, paths: List[Optional[Path]]) -> None:
        """A pattern of axes, `"b n (h d) -> b h n d"` or `"bid,bjd->bij"`, tells the ranks."""
        name = getattr(callee, "__name__", "")
        if name not in _PATTERNED or not str(getattr(callee, "__module__", "")).startswith(_AXES):
            return
        patterns = [one for one in map(constant, node.args) if isinstance(one, str)]
        tensors = [path for path, one in zip(paths, node.args) if constant(one) is None]
        for path, rank in zip(tensors, ranks_of(patterns[0]) if patterns else ()):
            if path is not None and rank:
                self.facts.at(path).ranks.append(rank)

    def pass_on(
        self,
        callee: Any,
        node: ast.Call,
        paths: List[Optional[Path]],
        keywords: List[Tuple[str, Optional[Path]]],
    ) -> None:
        owner: Any
        held = getattr(callee, "__self__", None) if inspect.ismethod(callee) else None
        if isinstance(held, torch.nn.Module) and callee.__name__ == "forward":
            callee = held
        if isinstance(callee, torch.nn.Module):
            function, owner, receiver = forward_of(type(callee)), type(callee), callee
        elif isinstance(callee, _Super):
            return
        elif isinstance(callee, _SuperMethod):
            function, owner, receiver = callee.function, self.owner, self.receiver
        elif isinstance(callee, type):
            function, owner, receiver = initialiser(callee), callee, None
        else:
            plain = plain_function(callee)
            bound = isinstance(node.func, ast.Attribute) and _is_self(node.func.value)
            function = callee
            owner = self.owner if bound else None
            receiver = self.receiver if bound else None
            if plain is not None:
                function = plain
        if len(node.args) > 1 and any(callee is one for one in _OF_SIZES):
            keywords, paths = [("size", path) for path in paths], []
        for name, path in _bind(function, callee, node, paths, keywords, owner is not None):
            self.passed_as(callee, function, owner, receiver, name, path)

    def passed_as(
        self, callee: Any, function: Any, owner: Any, receiver: Any, name: str, path: Path
    ) -> None:
        facts = self.facts.at(path)
        facts.passed.append(Passed(callee, name))
        leaf = _first_leaf(callee) if isinstance(callee, torch.nn.Module) else None
        pattern = vars(leaf).get("pattern") if leaf is not None else None
        if isinstance(pattern, str) and type(leaf).__module__.startswith(_AXES):
            facts.ranks.extend(rank for rank in ranks_of(pattern)[:1] if rank)
        if is_torch(callee) or (isinstance(callee, torch.nn.Module) and is_torch(type(callee))):
            leaf = _first_leaf(callee) if isinstance(callee, torch.nn.Module) else callee
            if leaf is not callee and not is_torch(type(leaf)):
                function, owner, receiver = forward_of(type(leaf)), type(leaf), leaf
                name = _first_parameter(function) or name
            else:
                if not isinstance(leaf, torch.nn.Identity):  # it takes anything
                    facts.layers.append(leaf)
                return
        facts.names.append(name)
        signature = signature_of(function)
        if signature is not None and name in signature.parameters:
            annotation = annotation_of(signature.parameters[name], function)
            if annotation is not None:
                facts.annotations.append(annotation)
        read = self.reader._read(function, name, owner, receiver, self.depth + 1)
        facts.absorb(read)
        facts.called_later |= self.later and read.called is not None


def _gives_indices(node: ast.AST) -> bool:
    """Whether it is a call that gives the indices of rows: `lengths.sort(0)`, `randperm(n)`."""
    name = _method(node) or (_called_name(node) if isinstance(node, ast.Call) else None)
    return name in _OF_INDICES


def _run_by(callee: Any) -> Tuple[Any, int]:
    """What a call of this runs, and how many of its first parameters are bound by then."""
    if isinstance(callee, torch.nn.Module):
        return (None, 0) if is_torch(type(callee)) else (forward_of(type(callee)), 1)
    if isinstance(callee, type):
        return initialiser(callee), 1
    return callee, int(inspect.ismethod(callee))


_SAME_VALUE = ("lower", "upper", "strip", "copy")
_RANK_BY_ARGUMENTS = {"permute"}
_OF_INDICES = ("sort", "argsort", "randperm")
_OF_SIZES = (  # given several numbers, these make a tensor of such sides
    *(torch.Tensor, torch.FloatTensor, torch.DoubleTensor, torch.LongTensor, torch.IntTensor),
    *(torch.zeros, torch.ones, torch.empty, torch.rand, torch.randn),
)
_ELEMENTWISE = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_KEEP_SHAPE = {"contiguous", "to", "float", "long", "int", "clone", "detach", "cuda", "cpu", "type"}


_PATTERNED = ("rearrange", "reduce", "repeat", "einsum")
_AXES = ("einops", "torch")
_AXIS = re.compile(r"\([^)]*\)|\w+")


def ranks_of(pattern: str) -> List[int]:
    """The rank of each operand of a pattern of axes; 0 where an ellipsis leaves it open."""
    operands = pattern.partition("->")[0].split(",")
    spaced = any(" " in one.strip() or "(" in one for one in operands)
    return [
        0 if "..." in one else len(_AXIS.findall(one)) if spaced else len(one.strip())
        for one in operands
    ]


def _copies(callee: Any) -> bool:
    return callee is copy.copy or callee is copy.deepcopy


class _Super:
    """`super()` in a method of `start`, for an instance of `owner`."""

    def __init__(self, owner: type, start: type) -> None:
        self.owner = owner
        self.start = start


class _SuperMethod:
    def __init__(self, function: Any) -> None:
        self.function = function
        self.__module__ = getattr(function, "__module__", "")


def _attribute(value: Any, name: str) -> Any:
    if isinstance(value, _Super):
        mro = list(value.owner.__mro__)
        after = mro[mro.index(value.start) + 1 :] if value.start in mro else mro[1:]
        for base in after:
            if name in vars(base):
                return _SuperMethod(vars(base)[name])
        return _MISSING
    if isinstance(value, torch.nn.Module) and name == "forward":
        return types.MethodType(forward_of(type(value)), value)  # not what it is entered by
    try:
        return _answering(
            inspect.getattr_static(value, name) if isinstance(value, type) else getattr(value, name)
        )
    except Exception:
        return _MISSING


def _answering(value: Any) -> Any:
    """The object; `_MISSING` for one that raises whatever it is asked, as what some projects hold
    in the place of a package that is not there."""
    try:
        getattr(value, "__name__", None)
    except Exception:
        return _MISSING
    return value


def _definer(owner: type, function: Any) -> Any:
    for base in owner.__mro__:
        if any(plain_function(value) is function for value in list(vars(base).values())):
            return base
    return _MISSING


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _index(node: ast.Subscript) -> ast.AST:
    inner: ast.AST = node.slice
    return inner.value if type(inner).__name__ == "Index" else inner  # type: ignore[attr-defined]


def constant(node: ast.AST) -> Any:
    """The value of a literal number or string, else None."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = constant(node.operand)
        return -inner if isinstance(inner, (int, float)) else None
    return None


def _called_name(node: ast.AST) -> Optional[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return None


def _without_lower(node: ast.AST) -> ast.AST:
    if _method(node) in ("lower", "upper", "strip"):
        return node.func.value  # type: ignore[attr-defined,no-any-return]
    return node


def _method(node: ast.AST) -> str:
    is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return node.func.attr if is_method else ""  # type: ignore[attr-defined]


def _first_leaf(module: Any) -> Any:
    """The first module inside containers of torch that is called with the input."""
    while isinstance(module, torch.nn.Sequential) and len(module):
        module = module[0]
    return module


def _first_parameter(function: Any) -> Optional[str]:
    signature = signature_of(function)
    names = [n for n in signature.parameters if n != "self"] if signature else []
    return names[0] if names else None


def _bind(
    function: Any,
    callee: Any,
    node: ast.Call,
    paths: List[Optional[Path]],
    keywords: List[Tuple[str, Optional[Path]]],
    method: bool,
) -> Iterator[Tuple[str, Path]]:
    signature = signature_of(function)
    parameters = list(signature.parameters.values()) if signature else []
    if parameters and (method or parameters[0].name == "self") and parameters[0].name == "self":
        parameters = parameters[1:]
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for index, path in enumerate(paths):
        if any(isinstance(a, ast.Starred) for a in node.args[: index + 1]):
            break
        if path is not None:
            yield (positional[index].name if index < len(positional) else ""), path
    for name, path in keywords:
        if path is not None and name:
            yield name, path
