"""Lists of names that only names of parameters are held against.

`[p for n, p in model.named_parameters() if n.startswith(("head", "relu"))]` never meets a layer
that has no parameters.
"""

from __future__ import annotations

import ast

from codemod.editing.object_uses import nodes_at
from codemod.editing.quoted import occurrences
from codemod.semantics.instances import Around
from codemod.semantics.project import Project
from codemod.semantics.syntax import FunctionNode, last_name, walk

_OF_PARAMETERS = frozenset({"named_parameters", "named_buffers", "state_dict"})
# What is called on names to hold them against others.
_HOLDS_AGAINST = frozenset(
    {"all", "any", "endswith", "frozenset", "fullmatch", "list", "match", "not_", "replace",
     "search", "set", "split", "startswith", "tuple"}
)  # fmt: skip
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def asks_for_parameters(project: Project, path: str, node: ast.expr, around: Around) -> bool:
    """Whether all that is done with a list of names is to hold names of parameters against it."""
    if _is_held_against(node, around):
        return True
    for index, parent in enumerate(around):
        if isinstance(parent, ast.Assign):
            target = parent.targets[0]
            return isinstance(target, ast.Name) and _all_reads_are(
                project, path, target.id, around[index + 1 :]
            )
        if not isinstance(parent, ast.List | ast.Tuple | ast.Set):
            break
    return False


def _all_reads_are(project: Project, path: str, name: str, around: Around) -> bool:
    if not any(isinstance(one, FunctionNode | ast.ClassDef) for one in around) and any(
        name in project.files[user].bindings or project.files[user].stars
        for user in project.reach.importers(path)
    ):
        return False
    reads = [
        (node, inner)
        for node, inner in nodes_at(project, path, occurrences(project.text(path), name))
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    return bool(reads) and all(_is_held_against(*read) for read in reads)


def _is_held_against(node: ast.expr, around: Around) -> bool:
    """Whether an expression stands in a loop over parameters alone, and nothing else is done with
    it than to hold names against it."""
    below: ast.AST = node
    in_statement = True
    found = False
    for parent in around:
        if isinstance(parent, FunctionNode | ast.ClassDef):
            break
        if isinstance(parent, ast.Call) and in_statement:
            name = parent.func.attr if isinstance(parent.func, ast.Attribute) else ""
            if (name or last_name(parent.func)) not in _HOLDS_AGAINST:
                return False
        if isinstance(parent, ast.For) and below is not parent.iter:
            if not _is_over_parameters(parent.iter):
                return False
            found = True
        elif isinstance(parent, _COMPREHENSIONS):
            own = [one for one in parent.generators if node not in walk(one.iter)]
            if any(not _is_over_parameters(one.iter) for one in own):
                return False
            found = found or bool(own)
            in_statement = in_statement and not own
        in_statement = in_statement and not isinstance(parent, ast.stmt)
        below = parent
    return found


def _is_over_parameters(iterated: ast.expr) -> bool:
    names = {one.attr for one in walk(iterated) if isinstance(one, ast.Attribute)}
    return not names.isdisjoint(_OF_PARAMETERS) and not any("modules" in one for one in names)
