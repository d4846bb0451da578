"""Finds how the project itself builds and calls its models.

In order: `if __name__ == "__main__":` blocks, demo functions and the docstring in the class's own
file; tests; constructor calls with literal arguments anywhere; factory functions of the same file.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codemod.results import Recipe
from codemod.verify.slicing import Slice, on_cpu, slices

Text = Callable[[], bytes]
ModuleOf = Callable[[str], str]
Key = tuple[str, str]

MOST = 8  # recipes kept for a class
_CALLED = re.compile(rb"\b([A-Za-z_]\w*)\s*(?:\(|as\b)")  # `Net(`, `import Net as`
_DEMO = re.compile(r"^(test|demo|example|main|check|_?demo|_?test|run)")
_PRETRAINED = {"pretrained": "False", "weights": "None", "pretrained_backbone": "False",
               "weights_backbone": "None", "progress": "False"}  # fmt: skip
_PROVENANCE_ORDER = ("main", "doctest", "demo", "test", "call", "factory")


@dataclass(frozen=True, slots=True)
class _Find:
    """A recipe, and where it stands in the order of trust."""

    kind: str
    recipe: Recipe

    @property
    def rank(self) -> tuple[int, bool]:
        return _PROVENANCE_ORDER.index(self.kind), not self.recipe.inputs


def harvest(
    files: Mapping[str, Text], wanted: Collection[Key], module_of: ModuleOf
) -> Mapping[Key, tuple[Recipe, ...]]:
    """Recipes for the wanted `(path, class name)`s, the most telling first.

    `files`: the project's files, path -> bytes. Each is searched once for the names; only those
    that call one are parsed. A file that cannot be read or parsed gives nothing.
    """
    by_name: dict[str, list[Key]] = defaultdict(list)
    for key in wanted:
        by_name[key[1].split(".")[-1]].append(key)
    own = {path for path, _ in wanted}
    names = {name.encode() for name in by_name}
    found: dict[Key, list[_Find]] = defaultdict(list)
    for path, text in files.items():
        content = _read(text)
        called = {match.decode() for match in names.intersection(_CALLED.findall(content))}
        if not called and path not in own:
            continue
        tree = _parse(content)
        if tree is None:
            continue
        targets = [key for name in by_name for key in by_name[name] if _is_of(key, path, called)]
        if targets:
            for key, find in _File(path, tree, module_of).finds(targets):
                found[key].append(find)
    return {key: _chosen(finds) for key, finds in found.items()}


def _is_of(key: Key, path: str, called: set[str]) -> bool:
    return key[0] == path or key[1].split(".")[-1] in called


def _read(text: Text) -> bytes:
    try:
        return text()
    except OSError:
        return b""


def _parse(content: bytes) -> ast.Module | None:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _chosen(finds: Iterable[_Find]) -> tuple[Recipe, ...]:
    kept: dict[tuple[str, str, str], Recipe] = {}
    for find in sorted(finds, key=lambda find: find.rank):
        recipe = find.recipe
        kept.setdefault((recipe.setup, recipe.build, recipe.inputs), recipe)
    return tuple(kept.values())[:MOST]


class _File:
    """One parsed file of the project, searched for constructions of the wanted classes."""

    def __init__(self, path: str, tree: ast.Module, module_of: ModuleOf) -> None:
        self.path = path
        self.tree = on_cpu(tree)
        self.module_of = module_of
        self.top = _definitions(self.tree)

    def finds(self, targets: Sequence[Key]) -> Iterator[tuple[Key, _Find]]:
        for key in targets:
            spelling = self._spelling(key)
            if spelling is None:
                continue
            for kind, piece in self._pieces(key, spelling):
                yield key, _Find(kind, self._recipe(key, piece))

    def _recipe(self, key: Key, piece: Slice) -> Recipe:
        return Recipe(
            source="harvested",
            where=f"{self.path}:{piece.line}",
            path=key[0],
            class_name=key[1],
            build=piece.build,
            inputs=piece.inputs,
            setup=piece.setup,
        )

    def _spelling(self, key: Key) -> Callable[[ast.expr], bool] | None:
        """Whether an expression names the class in this file; None if the file cannot know it."""
        path, class_name = key
        if path == self.path:
            dotted = class_name
            return lambda node: _dotted(node) == dotted
        first, _, rest = class_name.partition(".")
        module = self.module_of(path)
        spellings = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                spellings |= self._imported_from(node, module, first, rest)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name == module or module.startswith(alias.name + "."):
                        spellings.add(f"{alias.asname or alias.name}.{class_name}")
        return (lambda node: _dotted(node) in spellings) if spellings else None

    def _imported_from(self, node: ast.ImportFrom, module: str, first: str, rest: str) -> set[str]:
        source = self._absolute(node)
        tail = f".{rest}" if rest else ""
        found = set()
        for alias in node.names:
            inner = f"{source}.{alias.name}" if source else alias.name
            is_class = alias.name in (first, "*") and _leads_to(source, module)
            if is_class:
                name = first if alias.name == "*" else alias.asname or first
                found.add(name + tail)
            elif inner == module:
                found.add(f"{alias.asname or alias.name}.{first}{tail}")
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module_of(self.path).split(".")
        above = node.level - 1 if self.path.endswith("__init__.py") else node.level
        base = parts[: len(parts) - above] if above else parts
        return ".".join([*base, *([node.module] if node.module else [])])

    def _pieces(
        self, key: Key, spelling: Callable[[ast.expr], bool]
    ) -> Iterator[tuple[str, Slice]]:
        def constructs(call: ast.Call) -> bool:
            return spelling(call.func)

        literal = [c for c in _calls(self.tree) if constructs(c) and _is_literal(c)]
        lines = {call.lineno for call in literal}
        shown: set[int] = set()
        for kind, body in self._blocks(key):
            for piece in slices(body, constructs, self._outside(key)):
                if piece.inputs or piece.line not in lines:
                    shown.add(piece.line)
                    yield kind, piece
        for call in literal:
            if call.lineno not in shown:
                arguments = ast.unparse(call)[len(ast.unparse(call.func)) :]
                yield "call", Slice("", key[1] + arguments, "", call.lineno)
        if key[0] == self.path:
            for name, line, given in _factories(self.tree, spelling):
                yield "factory", Slice("", f"{name}({given})", "", line)

    def _blocks(self, key: Key) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
        is_test = bool(re.search(r"(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$", self.path))
        own = key[0] == self.path
        defining = (ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)
        running = (node for node in self.tree.body if not _is_main(node))
        module_level = [node for node in running if not isinstance(node, defining)]
        for node in self.tree.body:
            if _is_main(node):
                yield "main", node.body  # type: ignore[attr-defined]
        for node in self._functions():
            if is_test or _DEMO.match(node.name):
                yield ("test" if is_test else "demo"), node.body
        if own:
            yield from (("doctest", body) for body in _doctests(self.tree, key[1]))
        yield "demo", module_level

    def _functions(self) -> Iterator[ast.FunctionDef]:
        """Functions of the file and methods of test classes."""
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                yield node
            elif isinstance(node, ast.ClassDef) and node.name.lower().startswith("test"):
                yield from (inner for inner in node.body if isinstance(inner, ast.FunctionDef))

    def _outside(self, key: Key) -> Callable[[str], Sequence[ast.stmt] | None]:
        """The definition of a name of this file, as statements to run beside the class's file."""

        def outside(name: str) -> Sequence[ast.stmt] | None:
            statement = self.top.get(name)
            if key[0] == self.path:
                return () if statement is not None else None
            if isinstance(statement, ast.ImportFrom):
                return [_only(statement, name, self._absolute(statement))]
            return None if statement is None else [statement]

        return outside


def _leads_to(source: str, module: str) -> bool:
    """Whether `from source import X` may give what `module` defines: itself, or a package above."""
    return source == module or (bool(source) and module.startswith(source + "."))


def _only(node: ast.ImportFrom, name: str, module: str) -> ast.ImportFrom:
    names = [alias for alias in node.names if (alias.asname or alias.name) == name]
    return ast.copy_location(ast.ImportFrom(module=module, names=names, level=0), node)


def _definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """The last statement at the top of the file that binds each name."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                found[(alias.asname or alias.name).split(".")[0]] = node
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    found[inner.id] = node
    return found


def _is_main(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _is_literal(call: ast.Call) -> bool:
    if any(keyword.arg is None for keyword in call.keywords):
        return False
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(_is_literal_value(value) for value in values)


def _is_literal_value(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _doctests(tree: ast.Module, class_name: str) -> Iterator[Sequence[ast.stmt]]:
    node = _class(tree, class_name)
    if node is None:
        return
    methods = [m for m in node.body if isinstance(m, ast.FunctionDef)]
    documented: list[ast.ClassDef | ast.FunctionDef] = [node, *methods]
    for one in documented:
        text = ast.get_docstring(one)
        if not text or ">>>" not in text:
            continue
        try:
            examples = doctest.DocTestParser().get_examples(text)
            body = ast.parse("".join(example.source for example in examples)).body
        except (ValueError, SyntaxError):
            continue
        yield body


def _class(tree: ast.Module, class_name: str) -> ast.ClassDef | None:
    body: list[ast.stmt] = tree.body
    found = None
    for part in class_name.split("."):
        classes = (n for n in body if isinstance(n, ast.ClassDef) and n.name == part)
        found = next(classes, None)
        if found is None:
            return None
        body = found.body
    return found


def _factories(
    tree: ast.Module, spelling: Callable[[ast.expr], bool]
) -> Iterator[tuple[str, int, str]]:
    """Functions that return the class, or what another such function returns: (name, line,
    arguments that keep them from loading weights). Only those that need no arguments."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    makers: set[str] = set()
    grew = True
    while grew:
        before = len(makers)
        for node in functions:
            if node.name not in makers and _returns(node, spelling, makers):
                makers.add(node.name)
        grew = len(makers) > before
    for node in functions:
        if node.name in makers and not _required(node) and not node.name.startswith("_"):
            parameters = [a.arg for a in [*node.args.args, *node.args.kwonlyargs]]
            given = ", ".join(f"{p}={_PRETRAINED[p]}" for p in parameters if p in _PRETRAINED)
            yield node.name, node.lineno, given


def _returns(node: ast.FunctionDef, spelling: Callable[[ast.expr], bool], makers: set[str]) -> bool:
    def makes(value: ast.expr | None) -> bool:
        if not isinstance(value, ast.Call):
            return False
        return spelling(value.func) or _dotted(value.func) in makers

    variables = {
        target.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Assign) and makes(inner.value)
        for target in inner.targets
        if isinstance(target, ast.Name)
    }
    returned = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
    return any(
        makes(value) or (isinstance(value, ast.Name) and value.id in variables)
        for value in returned
    )


def _required(node: ast.FunctionDef) -> bool:
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    keyword = any(default is None for default in arguments.kw_defaults)
    return positional > len(arguments.defaults) or keyword
