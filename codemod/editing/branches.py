"""Whether two places in a class can both run when one of its methods is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import product

from codemod.semantics.module_class import Call, ModuleClass
from codemod.semantics.syntax import blocks_of

_LEAVES = (ast.Return, ast.Raise)
# What stands in these may run more than once a call of the method.
_REPEATED = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
)


def exclusive(first: Call, second: Call) -> bool:
    """Whether no method runs both: they stand in other branches, or in methods that never meet."""
    module = first.module
    reached = _reached(module)
    wanted = {first.method.name, second.method.name}
    return not any(
        _meet(module, method, reached, first, second)
        for method, found in reached.items()
        if wanted <= found
    )


def groups(calls: Sequence[Call]) -> list[list[Call]]:
    """The calls in as few groups as come in order, no two of a group ever run together."""
    found: list[list[Call]] = []
    for call in calls:
        for group in found:
            if all(exclusive(call, other) for other in group):
                group.append(call)
                break
        else:
            found.append([call])
    return found


def _meet(
    module: ModuleClass, method: str, reached: dict[str, set[str]], first: Call, second: Call
) -> bool:
    """Whether one run of a method may come to both by ways that part in this method."""
    one = list(_ways(module, method, reached, first))
    other = list(_ways(module, method, reached, second))
    return any(a is not b and not _apart(module, a, b) for a, b in product(one, other))


def _ways(
    module: ModuleClass, method: str, reached: dict[str, set[str]], call: Call
) -> Iterator[ast.AST]:
    """The places in a method that lead to a call: itself, and uses of methods that run it."""
    if call.method.name == method:
        yield call.node
    for name, uses in module.self_uses.items():
        if call.method.name in reached.get(name, ()):
            yield from (use.node for use in uses if use.method.name == method)


def _reached(module: ModuleClass) -> dict[str, set[str]]:
    """The methods that each method runs, directly or through others, itself included."""
    names = {method.name for method in module.methods}
    direct: dict[str, set[str]] = {name: set() for name in names}
    for name in names & module.self_uses.keys():
        for use in module.self_uses[name]:
            direct[use.method.name].add(name)
    found: dict[str, set[str]] = {}
    for name in names:
        found[name], queue = {name}, [name]
        while queue:
            new = direct[queue.pop()] - found[name]
            found[name] |= new
            queue += new
    return found


def _apart(module: ModuleClass, first: ast.AST, second: ast.AST) -> bool:
    """Whether two places of one method stand in branches of which only one is taken."""
    one = [*reversed(list(module.ancestors(first))), first]
    other = [*reversed(list(module.ancestors(second))), second]
    depth = 0
    while depth < min(len(one), len(other)) and one[depth] is other[depth]:
        depth += 1
    if depth in (0, len(one), len(other)):
        return False  # in two definitions of the method, or one inside the other
    if any(isinstance(node, _REPEATED) for node in one[1:depth]):
        return False
    parent, left, right = one[depth - 1], one[depth], other[depth]
    return (
        _in_other_branches(parent, left, right)
        or _leaves_before(parent, left, right, one[depth:])
        or _leaves_before(parent, right, left, other[depth:])
    )


def _in_other_branches(parent: ast.AST, one: ast.AST, other: ast.AST) -> bool:
    if isinstance(parent, ast.IfExp):
        return {id(one), id(other)} == {id(parent.body), id(parent.orelse)}
    if isinstance(parent, ast.If):
        return (one in parent.body and other in parent.orelse) or (
            other in parent.body and one in parent.orelse
        )
    return isinstance(parent, ast.Match) and one in parent.cases and other in parent.cases


def _leaves_before(parent: ast.AST, one: ast.AST, other: ast.AST, path: list[ast.AST]) -> bool:
    """`if a: return self.relu(x)`, and the other place stands below it in the same block."""
    if not isinstance(one, ast.If) or not isinstance(parent, ast.stmt) or len(path) < 2:
        return False
    block = next((body for body in blocks_of(parent) if one in body), [])
    if other not in block or block.index(other) < block.index(one):
        return False
    branch = one.body if path[1] in one.body else one.orelse
    return path[1] in branch and isinstance(branch[-1], _LEAVES)
