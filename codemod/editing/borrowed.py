"""Code that runs a class's methods on other objects, replaces them, or goes round its `__init__`.

`forward = Net.forward`, `types.MethodType(Net.forward, other)`, `Net.forward = mine`,
`Net.__new__(Net)`, `other.__class__ = Net`: what the methods use is then made elsewhere, or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from codemod.editing.refused import Refused
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import LASTING, ClassKey, Place, Project

_CLASS_MADE = re.compile(r"""type\(\s*[\w"'.]+\s*,\s*\(""")


def check_methods_not_borrowed(module: ModuleClass) -> None:
    """Raises Refused (borrowed) where other objects may run the class's methods."""
    question = ":".join(module.key)
    find = partial(_borrowers, module.project, module.key)
    found = module.project.remembered(f"{LASTING}borrowed", question, find)
    if found:
        raise Refused("borrowed", f"{found[0]} takes a method of {module.name} for itself")


def _borrowers(project: Project, key: ClassKey) -> Iterator[Place]:
    path, qualname = key
    name = qualname.rpartition(".")[2]
    methods = project.classes[key].methods | {"__init__", "__new__", "forward"}
    users = [
        user
        for user in (path, *project.reach.importers(path))
        if _says(project, user, name, methods) or _gives_classes(project, user)
    ]
    patterns = _patterns(re.escape(name), methods) if users else ()
    family = {key, *project.descendants(key)}
    for user in users:
        for pattern in patterns:
            for match in pattern.finditer(project.text(user)):
                line = project.line_at(user, match.start())
                if not _is_in(project, user, line, family):
                    yield Place(user, line)


def _says(project: Project, path: str, name: str, methods: frozenset[str]) -> bool:
    """Whether a file may hold `NAME.METHOD`."""
    file = project.files[path]
    is_known = name in file.bindings or name in file.outside_attributes
    may_be = is_known or file.stars or file.local_imports
    return (
        bool(may_be)
        and not methods.isdisjoint(file.outside_attributes)
        and f"{name}." in project.text(path)
    )


def _patterns(name: str, methods: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """What does it to a class of that name; each begins with a literal, for `re` to skip to."""
    method = rf"(?:{'|'.join(sorted(methods))})"
    return (
        # it is replaced
        re.compile(rf"{name}(?<!\w{name})\.{method}[ \t]*=(?!=)"),
        # it is another's method, or is bound to another
        re.compile(rf"= {name}\.{method}[ \t]*(?=\n|\Z)"),
        re.compile(rf"MethodType\(\s*{name}\.{method}\b"),
        re.compile(rf"{name}(?<!\w{name})\.__new__\("),
        re.compile(rf"__class__ = (?:\w+\.)*{name}\b"),
        re.compile(rf"""type\(\s*[\w"'.]+\s*,\s*\([\w., ]*\b{name}\b"""),
        # it is run on an object of another class
        re.compile(rf"{name}(?<!\w{name})\.forward\(\s*\w"),
    )


def _gives_classes(project: Project, path: str) -> bool:
    """Whether a file gives objects another class, or makes classes as it runs."""
    found = project.remembered("gives-classes", path, lambda: _classes_given(project.text(path)))
    return bool(found)


def _classes_given(text: str) -> list[str]:
    return ["__class__ = "] if "__class__ = " in text else _CLASS_MADE.findall(text)


def _is_in(project: Project, path: str, line: int, family: set[ClassKey]) -> bool:
    """Whether a line stands in one of these classes."""
    return any(
        (path, one.qualname) in family and one.line <= line <= one.end_line
        for one in project.files[path].classes
    )
