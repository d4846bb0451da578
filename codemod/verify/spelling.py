"""How a file of the project names what another one defines, told from its imports."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

ModuleOf = Callable[[str], str]
Spelling = Callable[[ast.expr], bool]


@dataclass
class Names:
    """The imports of one file. `module_of`: path -> dotted name."""

    path: str
    tree: ast.Module
    module_of: ModuleOf
    _imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)

    def __post_init__(self) -> None:
        kinds = (ast.Import, ast.ImportFrom)
        self._imports = [node for node in ast.walk(self.tree) if isinstance(node, kinds)]

    def of(self, path: str, qualified: str) -> set[str]:
        """The dotted names by which this file can mean `qualified` of the file `path`."""
        if path == self.path:
            return {qualified}
        first, _, rest = qualified.partition(".")
        module = self.module_of(path)
        found: set[str] = set()
        for node in self._imports:
            if isinstance(node, ast.ImportFrom):
                found |= self._imported_from(node, module, first, rest)
            else:
                for alias in node.names:
                    if alias.name == module or module.startswith(alias.name + "."):
                        found.add(f"{alias.asname or alias.name}.{qualified}")
        return found

    def stars(self) -> list[ast.stmt]:
        """`from x import *` at the top of the file, made absolute."""
        return [
            ast.copy_location(
                ast.ImportFrom(module=self.absolute(node), names=node.names, level=0), node
            )
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        ]

    def absolute(self, node: ast.ImportFrom) -> str:
        """The absolute name of the module that a `from` import names."""
        if not node.level:
            return node.module or ""
        parts = self.module_of(self.path).split(".")
        above = node.level - 1 if self.path.endswith("__init__.py") else node.level
        base = parts[: len(parts) - above] if above else parts
        return ".".join([*base, *([node.module] if node.module else [])])

    def _imported_from(self, node: ast.ImportFrom, module: str, first: str, rest: str) -> set[str]:
        source = self.absolute(node)
        tail = f".{rest}" if rest else ""
        found = set()
        for alias in node.names:
            inner = f"{source}.{alias.name}" if source else alias.name
            if alias.name in (first, "*") and _leads_to(source, module):
                name = first if alias.name == "*" else alias.asname or first
                found.add(name + tail)
            elif inner == module:
                found.add(f"{alias.asname or alias.name}.{first}{tail}")
        return found


def any_of(names: set[str]) -> Spelling:
    """Whether an expression is one of these dotted names."""
    return lambda node: dotted(node) in names


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c` and of `f().c`; empty for what is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def definitions(tree: ast.Module) -> Mapping[str, ast.stmt]:
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


def only(node: ast.ImportFrom, name: str, module: str) -> ast.ImportFrom:
    """The import of one name, from a module named absolutely."""
    names: Sequence[ast.alias] = [a for a in node.names if (a.asname or a.name) == name]
    return ast.copy_location(ast.ImportFrom(module=module, names=list(names), level=0), node)


def _leads_to(source: str, module: str) -> bool:
    """Whether `from source import X` may give what `module` defines: itself, or a package above."""
    return source == module or (bool(source) and module.startswith(source + "."))
