"""What the arguments of a construction come to, as far as it can be told without running.

`Net(args.width, len(words), cfg["depth"] * 2)` where the project says that `--width` is 32 by
default and that the depth is 3: `Net(32, ..., 6)`. An argument that is not known is written `...`,
for the search to fill. Names are followed through assignments, default arguments and attributes of
`self`.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from codemod.verify.examples import find_class
from codemod.verify.settings import Settings
from codemod.verify.spelling import definitions, dotted

DEPTH = 8
HOLE = "..."
_BUILTINS = frozenset(
    {"abs", "dict", "float", "int", "len", "list", "max", "min", "range", "round", "str", "sum"}
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPOSED = (ast.UnaryOp, ast.BinOp, ast.Compare, ast.BoolOp, ast.List, ast.Tuple, ast.Dict)
Around = tuple[ast.AST, ...]


@dataclass(frozen=True, slots=True)
class Construction:
    """Source of the arguments in brackets; how many are unknown; the names that it hangs on."""

    arguments: str
    unknown: int
    needs: tuple[str, ...]
    line: int


def parameters_of(tree: ast.Module, class_name: str) -> tuple[str, ...]:
    """The parameters of the constructor that a class writes itself; none without one."""
    node = find_class(tree, class_name)
    for method in node.body if node is not None else ():
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            every = [*method.args.posonlyargs, *method.args.args]
            return tuple(one.arg for one in every[1:])
    return ()


def _calls(node: ast.AST, around: Around) -> Iterator[tuple[ast.Call, Around]]:
    """Every call, with the functions and classes that it stands in, outermost first."""
    inner = (*around, node) if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) else around
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, inner
        yield from _calls(child, inner)


@dataclass
class Constructions:
    """Those of one file. `settings`: those that count, the nearest first."""

    tree: ast.Module
    settings: Sequence[Settings]
    torch: dict[str, str] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    calls: list[tuple[ast.Call, Around]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.calls = list(_calls(self.tree, ()))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.partition(".")[0] == "torch":
                        full = alias.name if alias.asname else "torch"
                        self.torch[alias.asname or "torch"] = full
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                for alias in node.names:
                    if node.module.partition(".")[0] == "torch":
                        self.torch[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        self.own = {name for name, node in definitions(self.tree).items() if _may_be_a_class(node)}

    def of(
        self, constructs: Callable[[ast.Call], bool], parameters: Sequence[str]
    ) -> Iterator[Construction]:
        """Each construction of which an argument is known. `parameters`: of the constructor."""
        for call, around in self.calls:
            if constructs(call):
                found = self._construction(call, around, parameters)
                if found is not None:
                    yield found

    def _construction(
        self, call: ast.Call, around: Around, parameters: Sequence[str]
    ) -> Construction | None:
        starred = any(isinstance(one, ast.Starred) for one in call.args)
        if starred or any(keyword.arg is None for keyword in call.keywords):
            return None
        reader = _Reader(self, around, call.lineno)
        names = [*parameters[: len(call.args)], *[""] * (len(call.args) - len(parameters))]
        written, unknown = [], 0
        given = [(name, "", value) for name, value in zip(names, call.args, strict=True)]
        given += [(str(one.arg), f"{one.arg}=", one.value) for one in call.keywords]
        for name, prefix, value in given:
            found = reader.value(value, DEPTH) or reader.setting(name)
            unknown += found is None
            written.append(prefix + (HOLE if found is None else ast.unparse(found)))
        if unknown == len(written):
            return None
        return Construction(
            f"({', '.join(written)})", unknown, tuple(sorted(reader.needs)), call.lineno
        )


@dataclass
class _Reader:
    """Values as they stand at one place of a file."""

    file: Constructions
    around: Around
    line: int
    needs: set[str] = field(default_factory=set)

    def value(self, node: ast.expr, depth: int) -> ast.expr | None:
        """An expression of literals and names that are there, or None."""
        if depth <= 0:
            return None
        if isinstance(node, ast.Constant):
            return node
        if isinstance(node, _COMPOSED):
            return self._composed(node, depth)
        if isinstance(node, ast.Name):
            return self._name(node.id, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, depth)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, depth)
        if isinstance(node, ast.IfExp):
            return self.value(node.body, depth - 1) or self.value(node.orelse, depth - 1)
        return self._call(node, depth) if isinstance(node, ast.Call) else None

    def setting(self, name: str) -> ast.expr | None:
        """What the settings say under this name."""
        for one in self.file.settings if name else ():
            value = one.values.get(name)
            if value not in (None, "") and not isinstance(value, dict):
                return _literal(value)
        return None

    def _composed(self, node: ast.expr, depth: int) -> ast.expr | None:
        """The same expression of values; None if a part is not known."""
        made = copy.copy(node)
        for name, part in ast.iter_fields(node):
            if isinstance(part, ast.expr):
                found = self.value(part, depth - 1)
                if found is None:
                    return None
                setattr(made, name, found)
            elif isinstance(part, list) and part and isinstance(part[0], ast.expr):
                all = [self.value(one, depth - 1) for one in part]
                if any(one is None for one in all):
                    return None
                setattr(made, name, all)
            elif isinstance(part, list) and None in part:  # `{**other}`
                return None
        return made

    def _name(self, name: str, depth: int) -> ast.expr | None:
        for scope in reversed(self.around):
            if isinstance(scope, _FUNCTIONS):
                found = self._assigned(_statements(scope.body), name, depth, self.line)
                found = found or self._default(scope, name, depth)
                if found is not None or name in _parameters(scope):
                    return found or self.setting(name)
        if name in self.file.torch:
            return _path(self.file.torch[name])
        if name in self.file.own:
            self.needs.add(name)
            return ast.Name(name, ast.Load())
        return self._assigned(_statements(self.file.tree.body), name, depth, None)

    def _assigned(
        self, body: Iterable[ast.stmt], name: str, depth: int, before: int | None
    ) -> ast.expr | None:
        """The value that was assigned last, of those that are known."""
        found = None
        for node in body:
            if before is not None and node.lineno >= before:
                break
            for target, value in _assignments(node):
                if isinstance(target, ast.Name) and target.id == name:
                    found = self._elsewhere(node.lineno).value(value, depth - 1) or found
        return found

    def _elsewhere(self, line: int) -> _Reader:
        """The same place, seen from an earlier line: `x = x * 2`."""
        return _Reader(self.file, self.around, line, self.needs)

    def _default(self, scope: ast.AST, name: str, depth: int) -> ast.expr | None:
        default = defaults_of(scope.args).get(name)  # type: ignore[attr-defined]
        if default is None or (isinstance(default, ast.Constant) and default.value is None):
            return None
        return self.value(default, depth - 1)

    def _attribute(self, node: ast.Attribute, depth: int) -> ast.expr | None:
        path = dotted(node)
        first, _, rest = path.partition(".")
        if first in self.file.torch and rest:
            return _path(f"{self.file.torch[first]}.{rest}")
        if first == "self" and rest == node.attr:
            return self._of_self(node.attr, depth)
        return self.setting(node.attr)

    def _of_self(self, name: str, depth: int) -> ast.expr | None:
        cls = next((one for one in reversed(self.around) if isinstance(one, ast.ClassDef)), None)
        for method in cls.body if cls is not None else ():
            if not isinstance(method, ast.FunctionDef):
                continue
            for node in _statements(method.body):
                for target, value in _assignments(node):
                    if isinstance(target, ast.Attribute) and dotted(target) == f"self.{name}":
                        reader = _Reader(self.file, (cls, method), node.lineno, self.needs)  # type: ignore[arg-type]
                        return reader.value(value, depth - 1)
        return None

    def _subscript(self, node: ast.Subscript, depth: int) -> ast.expr | None:
        key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return self.setting(key.value)
        held = self.value(node.value, depth - 1)
        items = held.elts if isinstance(held, (ast.List, ast.Tuple)) else []
        index = key.value if isinstance(key, ast.Constant) else None
        is_inside = isinstance(index, int) and -len(items) <= index < len(items)
        return items[index] if is_inside else None  # type: ignore[index]

    def _call(self, node: ast.Call, depth: int) -> ast.expr | None:
        """A function of Python, or a layer of torch, of values that are known."""
        path = dotted(node.func)
        first, _, rest = path.partition(".")
        if path in _BUILTINS:
            func: ast.expr = node.func
        elif first in self.file.torch and path.rpartition(".")[2][:1].isupper():
            func = _path(f"{self.file.torch[first]}.{rest}" if rest else self.file.torch[first])
        else:
            return self._got(node)
        args = [self.value(one, depth - 1) for one in node.args]
        named = [(one.arg, self.value(one.value, depth - 1)) for one in node.keywords]
        if any(one is None for one in args) or any(not n or v is None for n, v in named):
            return None
        return ast.Call(
            func,
            [one for one in args if one is not None],
            [ast.keyword(name, value) for name, value in named if value is not None],
        )

    def _got(self, node: ast.Call) -> ast.expr | None:
        """`settings.get("width", 3)` and `getattr(settings, "width", 3)`."""
        is_get = isinstance(node.func, ast.Attribute) and node.func.attr == "get"
        is_getattr = isinstance(node.func, ast.Name) and node.func.id == "getattr"
        arguments = node.args if is_get else node.args[1:] if is_getattr else []
        if not arguments or not isinstance(arguments[0], ast.Constant):
            return None
        found = self.setting(str(arguments[0].value))
        default = arguments[1] if len(arguments) > 1 else None
        return found or (default if isinstance(default, ast.Constant) else None)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements in order, those of blocks among them, not those of inner functions."""
    for node in body:
        yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, name, None) or ())


def _assignments(node: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, (ast.Tuple, ast.List)):
                if len(target.elts) == len(node.value.elts):
                    yield from zip(target.elts, node.value.elts, strict=True)
            else:
                yield target, node.value


def _parameters(scope: ast.AST) -> set[str]:
    args: ast.arguments = scope.args  # type: ignore[attr-defined]
    return {one.arg for one in [*args.posonlyargs, *args.args, *args.kwonlyargs]}


def defaults_of(args: ast.arguments) -> Mapping[str, ast.expr]:
    """By the names of parameters, the defaults of those that have one."""
    every = [*args.posonlyargs, *args.args]
    optional = every[len(every) - len(args.defaults) :]
    found = {one.arg: default for one, default in zip(optional, args.defaults, strict=True)}
    pairs = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    found.update((one.arg, default) for one, default in pairs if default is not None)
    return found


def _may_be_a_class(node: ast.stmt) -> bool:
    """Whether what a statement defines can stand in a recipe by its name."""
    return isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.ImportFrom))


def _path(name: str) -> ast.expr:
    return ast.parse(name, mode="eval").body


def _literal(value: object) -> ast.expr | None:
    try:
        return ast.parse(repr(value), mode="eval").body
    except SyntaxError:
        return None
