"""How code at some place can name a package: by a name that is there, or by an import to add."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from codemod.results import Edit, Requirement
from codemod.semantics.layout import span
from codemod.semantics.module_class import SourceFile
from codemod.semantics.parts import Parts
from codemod.semantics.scopes import Scope

# The spelling that the field uses.
_CONVENTIONS = {
    "torch": ("torch", "import torch"),
    "torch.nn": ("nn", "import torch.nn as nn"),
    "torch.nn.functional": ("F", "import torch.nn.functional as F"),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """`expression` names the package; `requirement` is the import that this takes, if any."""

    expression: str
    name: str  # the file-level name that it begins with
    requirement: Requirement | None = None


def reach(file: SourceFile, package: str, scopes: Iterable[Scope | None]) -> Reach:
    """Name `package` so that it means the same in all the given scopes."""
    scopes = tuple(scopes)
    existing = _existing(file, package, scopes)
    return existing if existing is not None else _with_import(file, package, scopes)


def _free(name: str, scopes: tuple[Scope | None, ...]) -> bool:
    return not any(scope is not None and scope.binds(name) for scope in scopes)


def _existing(file: SourceFile, package: str, scopes: tuple[Scope | None, ...]) -> Reach | None:
    """A file-level import that already leads there, the most direct one first."""
    found: list[Reach] = []
    for name, target in file.imported_at_top:
        if target == package and _free(name, scopes):
            found.append(Reach(name, name))
        elif package.startswith(target + ".") and _free(name, scopes):
            rest = package[len(target) + 1 :]
            if target.partition(".")[0] == "torch":
                found.append(Reach(f"{name}.{rest}", name))
    found.sort(key=lambda item: (item.expression.count("."), len(item.expression)))
    direct = [item for item in found if "." not in item.expression]
    if direct:
        return direct[0]
    # `torch.nn.functional.relu` reads worse than an import of F, unless the file is written so.
    return found[0] if found and _written_so(file, found[0].expression) else None


def _written_so(file: SourceFile, expression: str) -> bool:
    return f"{expression}." in file.source.text


def _with_import(file: SourceFile, package: str, scopes: tuple[Scope | None, ...]) -> Reach:
    convention, statement = _CONVENTIONS.get(package) or _plain_import(package)
    name = convention
    number = 0
    while name in file.index.bindings or not _free(name, scopes):
        # The conventional name means something else here.
        number += 1
        name = (
            f"{package.rpartition('.')[2]}_{number}"
            if number > 1
            else f"{_top(package)}_{convention}"
        )
        statement = f"import {package} as {name}"
    requirement = Requirement(f"import:{file.path}:{statement}", _insertion(file, statement))
    return Reach(name, name, requirement)


def _top(package: str) -> str:
    return package.partition(".")[0]


def _plain_import(package: str) -> tuple[str, str]:
    """The name and the import of a package that has no usual spelling."""
    last = package.rpartition(".")[2]
    return last, f"import {package}" + (f" as {last}" if last != package else "")


def _insertion(file: SourceFile, statement: str) -> Edit:
    """After the last import of torch, else after the last import, else at the top."""
    source = file.source
    imports = _header_imports(file.parts)
    torch_imports = [item for item in imports if _is_torch(item)]
    guarded = [] if torch_imports else _guarded_imports(file.parts)
    if guarded:
        end = span(source, guarded[-1])[1]
        line = source.indent(end) + statement + source.newline
        return Edit(file.path, source.next_line(end), source.next_line(end), line)
    above = _sorts_above(torch_imports, statement) or _first_from(imports, torch_imports)
    if above is not None:
        start = source.offset(above.lineno, 0)
        return Edit(file.path, start, start, statement + source.newline)
    body = file.parts.first()
    anchor: ast.stmt | None = _place(torch_imports, statement)
    if anchor is None and imports:
        anchor = imports[-1]
    if anchor is None and body and _is_docstring(body[0]):
        anchor = body[0]
        statement = source.newline + statement
    if anchor is None:
        start = source.offset(body[0].lineno, 0) if body else 0
        return Edit(file.path, start, start, statement + source.newline, order=0)
    assert anchor.end_lineno is not None
    assert anchor.end_col_offset is not None
    end = source.offset(anchor.end_lineno, anchor.end_col_offset)
    after = source.next_line(end)
    if source.text[end : source.line_end(end)].lstrip().startswith(";") or after == end:
        return Edit(file.path, end, end, source.newline + statement)
    if after == len(source.text) and not source.text.endswith(("\n", "\r")):
        return Edit(file.path, after, after, source.newline + statement)
    return Edit(file.path, after, after, statement + source.newline)


def _guarded_imports(parts: Parts) -> list[ast.stmt]:
    """Imports of torch under a file-level `if` or `try`: torch may be missing."""
    guards = (item for item in parts.outside_definitions() if isinstance(item, ast.If | ast.Try))
    return [
        item
        for guard in guards
        for item in guard.body
        if isinstance(item, ast.Import | ast.ImportFrom) and _is_torch(item)
    ]


def _header_imports(parts: Parts) -> list[ast.Import | ast.ImportFrom]:
    """The imports above the first definition."""
    imports = (item for item in parts.simple() if isinstance(item, ast.Import | ast.ImportFrom))
    return [item for item in imports if item.lineno < parts.first_definition()]


def _place(
    torch_imports: list[ast.Import | ast.ImportFrom], statement: str
) -> ast.Import | ast.ImportFrom | None:
    """The plain `import torch...` that sorts before `statement`, else the last torch import."""
    package = statement.split()[1]
    plain = [
        item
        for item in torch_imports
        if isinstance(item, ast.Import) and item.names[0].name <= package
    ]
    if plain:
        return plain[-1]
    return torch_imports[-1] if torch_imports else None


def _sorts_above(
    torch_imports: list[ast.Import | ast.ImportFrom], statement: str
) -> ast.Import | None:
    """The first import of torch, if it is a plain one that sorts behind `statement`."""
    package = statement.split()[1]
    first = torch_imports[0] if torch_imports else None
    if isinstance(first, ast.Import) and not first.col_offset and first.names[0].name > package:
        return first
    return None


def _first_from(
    imports: list[ast.Import | ast.ImportFrom], torch_imports: list[ast.Import | ast.ImportFrom]
) -> ast.ImportFrom | None:
    """Where all imports of torch are `from` ones, the first of their block, if the file puts plain
    imports above them, as isort does."""
    if not torch_imports or any(isinstance(item, ast.Import) for item in torch_imports):
        return None
    mixed = any(
        isinstance(one, ast.ImportFrom) and isinstance(other, ast.Import)
        for one, other in pairwise(imports)
        if _are_together(one, other)
    )
    first: ast.ImportFrom | None = None
    for index, item in enumerate(imports[: imports.index(torch_imports[0]) + 1]):
        if index and not _are_together(imports[index - 1], item):
            first = None
        if isinstance(item, ast.ImportFrom) and item.module != "__future__":
            first = first or item
    return None if mixed or first is None or first.col_offset else first


def _are_together(one: ast.stmt, other: ast.stmt) -> bool:
    """Whether no line stands between two statements."""
    return other.lineno - (one.end_lineno or one.lineno) == 1


def _is_torch(item: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(item, ast.ImportFrom):
        return not item.level and (item.module or "").partition(".")[0] == "torch"
    return any(alias.name.partition(".")[0] == "torch" for alias in item.names)


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
