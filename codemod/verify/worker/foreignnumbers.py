"""Numbers that a missing package would have given: the size of an observation, of a vocabulary.

`STATES = env.observation_space.shape[0]` at the top of a file is a stand-in where `gym` is missing.
Where the file uses such a name as a number and as nothing else, it becomes one, of either version
of the code alike.
"""

from __future__ import annotations

import ast
import os
import sys
from types import ModuleType
from typing import AbstractSet, Any, Callable, Dict, FrozenSet, Iterable, Iterator, List

from . import loader
from .standin import NUMBER, StandIn, package_of

_defined: Dict[str, str] = {}
_looked_at: Dict[str, FrozenSet[str]] = {}  # by module: the stand-ins that it had
# Where an object stands: its attribute is asked for, it is gone through, it is a base or a kind.
_OF_OBJECTS = (
    *(ast.Attribute, ast.For, ast.comprehension, ast.Starred, ast.withitem, ast.ExceptHandler),
    *(ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.arg, ast.AnnAssign),
)
_OF_KINDS = ("isinstance", "issubclass")


def complete_all(root: str, text_of: Callable[[str], str]) -> None:
    """Gives numbers to all files below `root` that were loaded: what one of them gets does not hang
    on which other was asked for. `text_of`: a file's source, by its path."""
    for name, path in sorted(loader.paths_under(root).items()):
        module = sys.modules.get(name)
        if module is not None:
            complete(module, lambda: text_of(path))  # noqa: B023


def complete(module: ModuleType, text: Callable[[], str]) -> None:
    """Gives the module numbers. `text`: the file's source."""
    names = vars(module)
    found = frozenset(name for name, value in names.items() if type(value) is StandIn)
    if not found or _looked_at.get(module.__name__) == found:
        return
    _looked_at[module.__name__] = found
    try:
        tree = ast.parse(text())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    numbers = _numbers_among(found, tree)
    if not numbers:
        return
    packages = sorted({package_of(names[name]) for name in numbers})
    names.update(dict.fromkeys(numbers, NUMBER))
    said = "%s = %d (what %s would give)" % (", ".join(numbers), NUMBER, ", ".join(packages))
    _defined[os.path.realpath(str(names.get("__file__")))] = said


def labels(files: Iterable[str]) -> List[str]:
    """What was made up in these files, one clause for each file."""
    return [_defined[file] for file in sorted(files) if file in _defined]


def _numbers_among(names: AbstractSet[str], tree: ast.Module) -> List[str]:
    assigned = names & set(_assigned(tree)) - set(_imported(tree))
    uses: Dict[str, List[bool]] = {}
    for parent, node in _read(tree, assigned):
        uses.setdefault(node.id, []).append(_takes_a_number(parent, node))
    within = {node.id for cls in _classes(tree) for _, node in _read(cls, assigned)}
    return sorted(name for name in within if all(uses[name]))


def _assigned(tree: ast.AST) -> Iterator[str]:
    return (
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((one.asname or one.name).partition(".")[0] for one in node.names)


def _classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _read(tree: ast.AST, names: AbstractSet[str]) -> Iterator["tuple[ast.AST, ast.Name]"]:
    """Where the names are read, each with what stands around it."""
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            is_read = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
            if is_read and node.id in names:  # type: ignore[attr-defined]
                yield parent, node  # type: ignore[misc]


def _takes_a_number(parent: Any, node: ast.Name) -> bool:
    """Whether a number may stand there: no attribute, item or call of it is asked for."""
    if isinstance(parent, ast.Call):
        asks_for_kind = isinstance(parent.func, ast.Name) and parent.func.id in _OF_KINDS
        return parent.func is not node and not asks_for_kind
    if isinstance(parent, ast.Subscript):
        return parent.value is not node
    if isinstance(parent, ast.Compare):
        return not any(isinstance(one, (ast.In, ast.NotIn)) for one in parent.ops)
    return not isinstance(parent, _OF_OBJECTS)
