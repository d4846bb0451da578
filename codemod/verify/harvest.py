"""Finds how the project itself builds and calls its models.

In the order of trust: what a file says of itself (`get_inputs`), `if __name__ == "__main__":`
blocks, documents and docstrings, demo functions, tests, other functions, constructor calls with
literal arguments, default settings, factory functions. What shows a call comes before what shows
a construction alone.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from codemod.results import Recipe
from codemod.verify import example_inputs, settings
from codemod.verify.constructions import HOLE, Construction, Constructions, parameters_of
from codemod.verify.examples import docstrings, of_docstring, of_document
from codemod.verify.factories import calls_without_arguments, makers
from codemod.verify.settings import Needs, Settings
from codemod.verify.slicing import Outside, Slice, from_outside, on_cpu, slices
from codemod.verify.small_images import with_small_images
from codemod.verify.spelling import ModuleOf, Names, any_of, definitions, dotted, only
from codemod.verify.testcode import test_bodies, written_out

Text = Callable[[], bytes]
Key = tuple[str, str]

MOST = 8  # recipes kept for a class
_MOST_CONFIGURED = 2  # of them built from settings
_MOST_IN_PART = 3  # more, with arguments that are known in part
_CALLED = re.compile(rb"\b([A-Za-z_]\w*)\s*(?:\(|as\b)")  # `Net(`, `import Net as`
_SETTINGS = re.compile(
    rb"\.add_argument\(|^class \w*(?:[Cc]onfig|CONFIG|[Ss]ettings|[Aa]rgs|[Pp]arams|[Oo]pt)"
    rb"|^\w*(?:config|CONFIG|cfg|CFG|params|PARAMS|settings|opt)\w*\s*(?::[^=\n]+)?=\s*(?:\{|dict)"
    rb"|^\w+(?:\.\w+)+ *= *\S",
    re.M,
)
_DEMO = re.compile(r"^(test|demo|example|main|check|_?demo|_?test|run)")
_TEST_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|conftest|tests?/.*)\.py$")
_ORDER = (
    "inputs",
    "main",
    "document",
    "demo",
    "test",
    "use",
    "call",
    "settings",
    "factory",
    "part",
)


@dataclass(frozen=True, slots=True)
class _Find:
    """A recipe, and where it stands in the order of trust."""

    kind: str
    recipe: Recipe

    @property
    def rank(self) -> tuple[bool, int]:
        return not self.recipe.inputs, _ORDER.index(self.kind)


@dataclass
class _Project:
    """What is known of all files. `targets`: what builds each class: itself, its factories.

    No tree is kept: those of a large project do not fit.
    """

    module_of: ModuleOf
    targets: dict[Key, list[Key]]
    needs: dict[Key, Needs] = field(default_factory=dict)
    parameters: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    settings: list[Settings] = field(default_factory=list)
    _of_one_name: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, _ in self.targets:
            self._of_one_name.setdefault(self.module_of(path), set()).add(path)

    def is_nearest(self, path: str, user: str) -> bool:
        """Whether the file `user` means `path` by its dotted name, which several may have: that
        of its own project, the one with which it has most folders in common."""
        others = self._of_one_name[self.module_of(path)]
        return len(others) == 1 or max(_common(one, user) for one in others) == _common(path, user)


def _common(path: str, other: str) -> int:
    """How many folders two paths have in common."""
    pairs = zip(path.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def harvest(
    files: Mapping[str, Text],
    wanted: Collection[Key],
    module_of: ModuleOf,
    documents: Mapping[str, Text] | None = None,
) -> Mapping[Key, tuple[Recipe, ...]]:
    """Recipes for the wanted `(path, class name)`s, the most telling first.

    `files`: the project's files, path -> bytes. Each is searched once for the names; only those
    that call one are parsed. `documents`: prose and data beside them (`.md`, `.rst`, `.json`,
    `.yaml`). What cannot be read or parsed gives nothing.
    """
    project = _Project(module_of, {key: [key] for key in wanted})
    contents = {path: _read(text) for path, text in files.items()}
    _look_at_classes(project, contents)
    if project.needs or any(project.parameters.values()):
        _find_settings(project, contents, documents or {})
    found: dict[Key, list[_Find]] = defaultdict(list)
    for path, tree, keys in _relevant(project, contents):
        for key, find in _File(path, tree, project).finds(keys):
            found[key].append(find)
    for path, text in (documents or {}).items():
        if path.endswith((".md", ".rst")):
            for key, find in _in_document(path, _read(text), project):
                found[key].append(find)
    return {key: _chosen(finds) for key, finds in found.items() if finds}


def _look_at_classes(project: _Project, contents: Mapping[str, bytes]) -> None:
    """The factories in each class's own file, which count as constructors; what it is made of."""
    by_path: dict[str, list[Key]] = defaultdict(list)
    for key in project.targets:
        by_path[key[0]].append(key)
    for path, keys in by_path.items():
        tree = _parsed(contents.get(path, b""))
        if tree is None:
            continue
        for key in keys:
            project.targets[key] += [(path, node.name) for node in makers(tree, any_of({key[1]}))]
            project.parameters[key] = parameters_of(tree, key[1])
            needs = settings.needs_of(tree, key[1])
            if needs is not None:
                project.needs[key] = needs


def _find_settings(
    project: _Project, contents: Mapping[str, bytes], documents: Mapping[str, Text]
) -> None:
    for path, content in contents.items():
        tree = _parsed(content) if _SETTINGS.search(content) else None
        if tree is not None:
            project.settings += settings.in_source(path, tree)
    for path, text in documents.items():
        if path.endswith((".json", ".yaml", ".yml")):
            project.settings += settings.in_data(path, _read(text).decode("utf-8", "replace"))


def _relevant(
    project: _Project, contents: Mapping[str, bytes]
) -> Iterator[tuple[str, ast.Module, list[Key]]]:
    """Each file that may show how to build a wanted class, parsed, and which classes."""
    by_name: dict[str, set[Key]] = defaultdict(set)
    for key, targets in project.targets.items():
        for _, name in targets:
            by_name[name.split(".")[-1]].add(key)
    names = {name.encode() for name in by_name}
    own: dict[str, list[Key]] = defaultdict(list)
    for key in project.targets:
        own[key[0]].append(key)
    for path, content in contents.items():
        called = names.intersection(_CALLED.findall(content))
        keys = {key: None for name in called for key in sorted(by_name[name.decode()])}
        keys.update(dict.fromkeys(own[path]) if path in own else {})
        tree = _parsed(content) if keys else None
        if tree is not None:
            yield path, tree, list(keys)


def _parsed(content: bytes) -> ast.Module | None:
    try:
        return on_cpu(ast.parse(content))
    except (SyntaxError, ValueError, RecursionError):
        return None


def _read(text: Text) -> bytes:
    try:
        return text()
    except OSError:
        return b""


def _chosen(finds: Iterable[_Find]) -> tuple[Recipe, ...]:
    """The first few; a construction of which a call is known needs no mention of its own."""
    kept: dict[tuple[str, str, str], Recipe] = {}
    called: set[tuple[str, str]] = set()
    configured, in_part = 0, list[Recipe]()
    for find in sorted(finds, key=lambda find: find.rank):
        recipe = find.recipe
        if find.kind == "part":
            in_part.append(recipe)
            continue
        built = (recipe.setup, recipe.build)
        if recipe.inputs:
            called.add(built)
        elif built in called:
            continue
        configured += find.kind == "settings"
        if find.kind != "settings" or configured <= _MOST_CONFIGURED:
            kept.setdefault((*built, recipe.inputs), recipe)
    best = sorted(in_part, key=lambda one: one.build.count(HOLE))
    known = {recipe.build for recipe in kept.values()}
    more = {one.build: one for one in best if one.build not in known}
    return (*tuple(kept.values())[:MOST], *tuple(more.values())[:_MOST_IN_PART])


def _distance(path: str, other: str) -> tuple[bool, int]:
    """How far a file is from another: itself first, then those with most folders in common."""
    return path != other, -_common(path, other)


def _recipe(key: Key, path: str, piece: Slice) -> Recipe:
    return Recipe(
        source="harvested",
        where=f"{path}:{piece.line}",
        path=key[0],
        class_name=key[1],
        build=piece.build,
        inputs=piece.inputs,
        setup=piece.setup,
    )


class _File:
    """One parsed file of the project, searched for constructions of the wanted classes."""

    def __init__(self, path: str, tree: ast.Module, project: _Project) -> None:
        self.path = path
        self.tree = tree
        self.project = project
        self.names = Names(path, tree, project.module_of)
        self.top = definitions(tree)
        self.calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        near = sorted(project.settings, key=lambda one: _distance(one.path, path))
        self.constructions = Constructions(tree, near)

    def finds(self, keys: Sequence[Key]) -> Iterator[tuple[Key, _Find]]:
        for key in keys:
            if not self.project.is_nearest(key[0], self.path):
                continue
            spelled = set().union(*(self.names.of(*one) for one in self.project.targets[key]))
            called: set[int] = set()
            for kind, piece in self._pieces(key, spelled):
                called.update([piece.line] if piece.inputs else [])
                yield key, _Find(kind, _recipe(key, self.path, piece))
            if key[0] == self.path:
                yield from ((key, find) for find in self._of_own_file(key))
            yield from ((key, find) for find in self._known_in_part(key, called))

    def _known_in_part(self, key: Key, called: Collection[int]) -> Iterator[_Find]:
        """Constructions whose arguments hang on what is not there when the class is run.

        `called`: the lines of constructions of which a call is known.
        """
        itself = any_of(self.names.of(*key))
        parameters = self.project.parameters.get(key, ())

        def is_open(call: ast.Call) -> bool:
            return itself(call.func) and call.lineno not in called and not _is_literal(call)

        found = self.constructions.of(is_open, parameters)
        for one in sorted(found, key=lambda one: one.unknown)[:_MOST_IN_PART]:
            setup = self._setup_of(one, key)
            if setup is not None:
                piece = Slice(setup, key[1] + one.arguments, "", one.line)
                yield _Find("part", _recipe(key, self.path, piece))

    def _setup_of(self, found: Construction, key: Key) -> str | None:
        needed = from_outside(set(found.needs), self.outside(key))
        if needed is None:
            return None
        return "\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in needed)

    def _of_own_file(self, key: Key) -> Iterator[_Find]:
        for piece in example_inputs.recipes_of(self.tree, key[1]):
            yield _Find("inputs", _recipe(key, self.path, piece))
        functions = makers(self.tree, any_of({key[1]}))
        for build, line in calls_without_arguments(functions):
            yield _Find("factory", _recipe(key, self.path, Slice("", build, "", line)))
        needs = self.project.needs.get(key)
        if needs is not None:
            for build, where in settings.recipes_of(needs, key[1], self.project.settings):
                yield _Find("settings", _recipe(key, where.path, Slice("", build, "", where.line)))

    def _pieces(self, key: Key, spelled: set[str]) -> Iterator[tuple[str, Slice]]:
        if not spelled:
            return
        itself = any_of(self.names.of(*key))
        literal = [c for c in self.calls if itself(c.func) and _is_literal(c)]
        lines = {call.lineno for call in literal}
        shown: set[int] = set()
        for kind, body in self._blocks(key):
            for piece in slices(body, _Constructs(spelled), self.outside(key)):
                if piece.inputs or piece.line not in lines:
                    shown.add(piece.line)
                    yield from ((kind, one) for one in _smaller_first(piece))
        for call in literal:
            if call.lineno not in shown:
                arguments = ast.unparse(call)[len(ast.unparse(call.func)) :]
                yield "call", Slice("", key[1] + arguments, "", call.lineno)

    def _blocks(self, key: Key) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
        for node in self.tree.body:
            if _is_main(node):
                yield "main", node.body  # type: ignore[attr-defined]
        if key[0] == self.path:
            for text in docstrings(self.tree, key[1]):
                yield from (("document", body) for body in of_docstring(text))
        if _TEST_FILE.search(self.path):
            yield from (("test", body) for body in test_bodies(self.tree))
        else:
            yield from self._functions()
        defining = (ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)
        running = (node for node in self.tree.body if not _is_main(node))
        yield "demo", [node for node in running if not isinstance(node, defining)]

    def _functions(self) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                yield ("demo" if _DEMO.match(node.name) else "use"), written_out(node)
            elif isinstance(node, ast.ClassDef) and node.name.lower().startswith("test"):
                own = ast.Module([node], [])
                yield from (("test", body) for body in test_bodies(own))

    def outside(self, key: Key) -> Outside:
        """The definition of a name of this file, as statements to run beside the class's file."""

        def outside(name: str) -> Sequence[ast.stmt] | None:
            statement = self.top.get(name)
            if key[0] == self.path:
                return () if statement is not None or self.names.stars() else None
            if isinstance(statement, ast.ImportFrom):
                return [only(statement, name, self.names.absolute(statement))]
            if statement is None:
                return self.names.stars() or None
            return [statement]

        return outside


def _in_document(path: str, content: bytes, project: _Project) -> Iterator[tuple[Key, _Find]]:
    """What the code blocks of a document show. A class that it never imports goes by its name."""
    called = {name.decode() for name in _CALLED.findall(content)}
    keys = [
        key
        for key, targets in project.targets.items()
        if any(name.split(".")[-1] in called for _, name in targets)
    ]
    if not keys:
        return
    tree = on_cpu(ast.Module(of_document(content.decode("utf-8", "replace")), []))
    if not tree.body:
        return
    file = _File(path, tree, project)
    for key in keys:
        spelled = set().union(*(file.names.of(*one) for one in project.targets[key]))
        if not spelled and _is_alone(key, project):
            spelled = {key[1]}
        for piece in slices(tree.body, _Constructs(spelled), _OrTheClass(file.outside(key), key)):
            for one in _smaller_first(piece):
                yield key, _Find("document", _recipe(key, path, one))


def _smaller_first(piece: Slice) -> Iterator[Slice]:
    small = with_small_images(piece.setup, piece.inputs)
    if small is not None:
        yield replace(piece, setup=small[0], inputs=small[1])
    yield piece


def _is_alone(key: Key, project: _Project) -> bool:
    """Whether no other wanted class has the name."""
    return sum(other[1] == key[1] for other in project.targets) == 1


@dataclass(frozen=True)
class _Constructs:
    """Whether a call constructs what goes by one of these names."""

    names: set[str]

    def __call__(self, call: ast.Call) -> bool:
        return dotted(call.func) in self.names


@dataclass(frozen=True)
class _OrTheClass:
    """What defines a name of a document; the class itself is always there."""

    outside: Outside
    key: Key

    def __call__(self, name: str) -> Sequence[ast.stmt] | None:
        found = self.outside(name)
        return () if found is None and name == self.key[1].partition(".")[0] else found


def _is_main(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and dotted(node.test.left) == "__name__"
    )


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
