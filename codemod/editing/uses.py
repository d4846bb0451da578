"""Who else uses an attribute of a module: subclasses, other objects, names in strings.

These questions go over the whole project, so they are asked of its text, not of its trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codemod.editing.refused import Refused
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Project

# Functions that take the name of an attribute as a string.
_TAKES_NAME = (
    r"(?:getattr|setattr|hasattr|delattr|[gs]et_submodule|attrgetter|register_module|add_module"
    r"|get_attr|rgetattr|rsetattr|fuse_modules\w*|create_feature_extractor)"
)
_STRING = re.compile(r"""["']([A-Za-z_][\w.]*)["']""")
_RECEIVER = re.compile(r"[A-Za-z_][\w.]*$")
# How far around a name the other names of one list are looked for, in code points.
_WINDOW = 160


def check_not_used_elsewhere(module: ModuleClass, name: str, kind: str) -> None:
    """Raise Refused unless `self.NAME` is used in this class alone.

    `kind` is the module class (`torch.nn.ReLU`), for code that looks for its instances.
    Raises Refused: used-in-family, used-outside, named-in-string, swept-by-type.
    """
    _check_family(module, name)
    for path in module.project.files_with_attribute(name):
        place = _outside_use(module, path, name)
        if place is not None:
            raise Refused("used-outside", f"{place} uses .{name} of another object")
    for path in module.project.files_with_string(name):
        place = _string_use(module, path, name)
        if place is not None:
            raise Refused("named-in-string", f"{place} names {name!r} in a string")
    _check_type_sweeps(module, kind)


def _check_family(module: ModuleClass, name: str) -> None:
    for key in (*module.ancestors_in_project, *module.descendants_in_project):
        item = module.project.classes[key]
        if name in item.names:
            raise Refused("used-in-family", f"{item.qualname} ({key[0]}) uses {name} as well")


def _check_type_sweeps(module: ModuleClass, kind: str) -> None:
    """`for m in self.modules(): if isinstance(m, nn.ReLU)` in the class or one around it."""
    last = kind.rpartition(".")[2]
    pattern = re.compile(
        rf"isinstance\([^)\n]*\b{last}\b|type\(\w+\)\s*(?:==|is)\s*[\w.]*\b{last}\b"
    )
    for path in module.project.files_with_attribute(last):
        match = pattern.search(module.project.text(path))
        if match:
            line = module.project.text(path).count("\n", 0, match.start()) + 1
            raise Refused("swept-by-type", f"{path}:{line} looks for instances of {last}")


def _outside_use(module: ModuleClass, path: str, name: str) -> str | None:
    """Where a file uses `x.NAME` with an x that may be an instance of the class."""
    project = module.project
    text = project.text(path)
    for match in re.finditer(rf"(?<!\bself)(?<!\bsuper\(\))\.{re.escape(name)}\b", text):
        line = text.rfind("\n", 0, match.start()) + 1
        before = text[line : match.start()]
        receiver = _RECEIVER.search(before)
        if "#" in before or (receiver and _is_package(project, path, receiver.group())):
            continue
        if before.lstrip().startswith(("from ", "import ")):
            continue
        return _place(text, path, match.start())
    return None


def _place(text: str, path: str, offset: int) -> str:
    return f"{path}:{text.count(chr(10), 0, offset) + 1}"


def _is_package(project: Project, path: str, receiver: str) -> bool:
    """Whether the receiver is a package or a class (`F.relu`), not an object."""
    bindings = project.files[path].bindings.get(receiver.partition(".")[0], ())
    return bool(bindings) and all(binding.kind != "other" for binding in bindings)


def _string_use(module: ModuleClass, path: str, name: str) -> str | None:
    """Where a file holds NAME in a string that may be the path of an attribute."""
    text = module.project.text(path)
    quoted = re.escape(name)
    dotted = re.compile(
        rf"""["'](?:[\w.]+\.{quoted}(?:\.[\w.]+)?|{quoted}\.[\w.]+)["']"""
        rf"""|{_TAKES_NAME}\([^()\n]*["']{quoted}["']"""
    )
    match = dotted.search(text)
    if match:
        return _place(text, path, match.start())
    return next(_among_siblings(module, text, path, name), None)


def _among_siblings(module: ModuleClass, text: str, path: str, name: str) -> Iterator[str]:
    """`["conv1", "bn1", "relu"]`: a list of names of which others are attributes here too."""
    siblings = module.index.names - {name}
    for match in re.finditer(rf"""[\[({{,]\s*["']{re.escape(name)}["']""", text):
        window = text[max(0, match.start() - _WINDOW) : match.end() + _WINDOW]
        others = {part for found in _STRING.findall(window) for part in found.split(".")}
        if others & siblings:
            yield _place(text, path, match.start())
