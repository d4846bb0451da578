"""Imports that a rewrite has left without a use."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from codemod.editing.removal import remove_statement
from codemod.results import Edit
from codemod.semantics.layout import span
from codemod.semantics.project import Project
from codemod.semantics.syntax import walk
from codemod.source.text import SourceText

ImportNode = ast.Import | ast.ImportFrom


def unused_import_edits(
    project: Project, source: SourceText, tree: ast.Module, released: Collection[str]
) -> list[Edit]:
    """Edits that remove the imports of `released` names that nothing uses any more.

    An import stays if it may be there for others: in an `__init__.py`, in `__all__`, imported
    from elsewhere, with a comment (`# noqa`) on it, or named in a string annotation.
    """
    if not released or source.path.endswith("__init__.py"):
        return []
    used = {name for name in released if _is_plainly_used(source.text, name)}
    if used == set(released):
        return []
    used |= set(_used_names(tree))
    edits: list[Edit] = []
    for statement in tree.body:
        if not isinstance(statement, ImportNode) or _has_comment(source, statement):
            continue
        names = {_bound_name(alias) for alias in statement.names}
        unused = {
            name
            for name in names & set(released) - used
            if _bindings(tree, name) == 1 and not _is_taken(project, source.path, name)
        }
        unused -= {alias.name.partition(".")[0] for alias in statement.names if _is_package(alias)}
        if unused == names:
            edits.append(remove_statement(source, statement))
        elif unused:
            edits += _remove_aliases(source, statement, unused)
    return edits


def _is_plainly_used(text: str, name: str) -> bool:
    """Whether `name.x` or `name(` stands at the start of a line or behind `=`, `(` or `return`.

    A quick yes for most files; everything else takes a walk over the tree.
    """
    return re.search(rf"(?m)^[^#'\"\n]*(?:[=(\[,]|return)[ ]*{name}[.(]", text) is not None


def _is_taken(project: Project, path: str, name: str) -> bool:
    """Whether another file may use the name: `from net import F`, or `net.F` after `import net`."""
    return project.is_imported_from(path, name) or any(
        _uses_as_attribute(project, other, path, name)
        for other in project.files_with_attribute(name)
    )


def _uses_as_attribute(project: Project, other: str, path: str, name: str) -> bool:
    """Whether the file `other` holds `x.NAME` for an x that it imports and that may be `path`."""
    stem = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
    text = project.text(other)
    return any(
        re.search(rf"\b{head}(?:\.\w+)*\.{name}\b", text) is not None
        for head, bindings in project.files[other].bindings.items()
        for binding in bindings
        if binding.kind == "import" and stem in re.split(r"[./]", binding.target)
    )


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _is_package(alias: ast.alias) -> bool:
    """`import a.b` binds `a` and has the effect of loading `a.b`."""
    return alias.asname is None and "." in alias.name


def _used_names(tree: ast.Module) -> Iterator[str]:
    for node in walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A string may be an annotation or an entry of `__all__`.
            if len(node.value) < 200:
                yield from re.findall(r"[A-Za-z_]\w*", node.value)
        elif isinstance(node, ast.Global):
            yield from node.names


def _bindings(tree: ast.Module, name: str) -> int:
    """How many imports in the file bind the name."""
    return sum(
        _bound_name(alias) == name
        for node in walk(tree)
        if isinstance(node, ImportNode)
        for alias in node.names
    )


def _has_comment(source: SourceText, statement: ImportNode) -> bool:
    start, end = span(source, statement)
    return "#" in source.text[start : source.line_end(end)]


def _remove_aliases(source: SourceText, statement: ImportNode, unused: set[str]) -> list[Edit]:
    """Take single names out of an import of several."""
    spans = [_alias_span(source, alias) for alias in statement.names]
    kept = [
        index for index, alias in enumerate(statement.names) if _bound_name(alias) not in unused
    ]
    edits: list[Edit] = []
    for index, (start, end) in enumerate(spans):
        if index in kept:
            continue
        if index > kept[0]:
            edits.append(Edit(source.path, spans[index - 1][1], end, ""))
        else:
            edits.append(Edit(source.path, start, spans[index + 1][0], ""))
    return edits


def _alias_span(source: SourceText, alias: ast.alias) -> tuple[int, int]:
    assert alias.end_lineno is not None
    assert alias.end_col_offset is not None
    start = source.offset(alias.lineno, alias.col_offset)
    return start, source.offset(alias.end_lineno, alias.end_col_offset)
