"""Who else uses an attribute of a module: subclasses, other objects, names in strings.

These questions go over the whole project, so they are asked of its text, not of its trees.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from codemod.editing.refused import Refused
from codemod.semantics.index import NO_MODULE, FileIndex
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Project
from codemod.semantics.syntax import parse
from codemod.source.text import SourceText

# Functions that take the name of an attribute as a string.
_LOOKS_UP = (
    r"(?:getattr|setattr|hasattr|delattr|[gs]et_submodule|attrgetter|get_attr|rgetattr|rsetattr"
    r"|create_feature_extractor)"
)
_TAKES_NAME = rf"(?:{_LOOKS_UP}|fuse_modules\w*)"
_STRING = re.compile(r"""["']([A-Za-z_][\w.]*)["']""")
# `getattr(self, f"relu{i}")`, `"relu" + str(i)`, `"relu%d" % i`, `"relu{}".format(i)`: the start.
_PUT_TOGETHER = re.compile(
    rf"""{_TAKES_NAME}\(\s*\w+\s*,\s*[fF]?["']([A-Za-z_]\w*)(?:[{{%]|["']\s*[+%])"""
)
# `x.relu()` and `x.softmax(dim=1)` are methods of a tensor: a module would be called with one.
_TENSOR_METHOD_CALL = re.compile(r"\(\s*(?:\)|dim\s*=|-?\d)")
# `self.features.add_module("pool", ...)` names a child of another module.
_ADDS_CHILD = re.compile(r"(?:add_module|register_module)\s*\(\s*$|name\s*=\s*$")
_RECEIVER = re.compile(r"[A-Za-z_][\w.]*$")
# How far around a name the other names of one list are looked for, in code points.
_WINDOW = 160


def check_not_used_elsewhere(module: ModuleClass, name: str, kind: str) -> None:
    """Raise Refused unless `self.NAME` is used in this class alone.

    `kind` is the module class (`torch.nn.ReLU`), for code that looks for its instances.
    Raises Refused: used-in-family, used-outside, named-in-string, swept-by-type.
    """
    _check_family(module, name)
    _check_not_put_together(module, name)
    named = _remembered(module.project, _string_use, name) or _listed(module, name)
    if named is not None:
        raise Refused("named-in-string", f"{named} names {name!r} in a string")
    outside = _remembered(module.project, _outside_use, name)
    if outside is not None:
        raise Refused("used-outside", f"{outside} uses .{name} of another object")
    swept = _remembered(module.project, _type_sweep, kind.rpartition(".")[2])
    if swept is not None:
        raise Refused("swept-by-type", f"{swept} looks for instances of {kind}")


def check_only_called_elsewhere(module: ModuleClass, name: str) -> None:
    """Raise Refused unless all that other code does with `self.NAME` is to call it.

    A list of names (`fuse_modules(m, ["conv", "relu"])`) is no harm to an attribute that stays.
    Raises Refused: used-in-family, used-outside, named-in-string.
    """
    otherwise = re.compile(rf"\bself\.{re.escape(name)}\b(?!\s*\()")
    for key in (*module.ancestors_in_project, *module.descendants_in_project):
        item = module.project.classes[key]
        defined = item.methods | item.class_attributes
        if name in defined or (
            name in item.names and otherwise.search(module.project.class_text(key))
        ):
            raise Refused("used-in-family", f"{item.qualname} ({key[0]}) uses {name} as well")
    _check_not_put_together(module, name)
    named = _string_use(module.project, name, _mentioning(module), _LOOKS_UP)
    if named is not None:
        raise Refused("named-in-string", f"{named} names {name!r} in a string")
    outside = _remembered(module.project, _outside_use_but_calls, name)
    if outside is not None:
        raise Refused("used-outside", f"{outside} uses .{name} of another object")


def _mentioning(module: ModuleClass) -> Callable[[str], bool]:
    """Whether a file names the class or one that inherits from it."""
    keys = (module.key, *module.descendants_in_project)
    names = "|".join(sorted({re.escape(key[1].rpartition(".")[2]) for key in keys}))
    pattern = re.compile(rf"\b(?:{names})\b")
    return lambda path: pattern.search(module.project.text(path)) is not None


def _remembered(
    project: Project, question: Callable[[Project, str], str | None], name: str
) -> str | None:
    """Answers about the whole project are asked for once a name."""
    key = (question.__name__, name)
    if key not in project.answers:
        project.answers[key] = question(project, name)
    return project.answers[key]


def _check_family(module: ModuleClass, name: str) -> None:
    for key in (*module.ancestors_in_project, *module.descendants_in_project):
        item = module.project.classes[key]
        if name in item.names:
            raise Refused("used-in-family", f"{item.qualname} ({key[0]}) uses {name} as well")


def _check_not_put_together(module: ModuleClass, name: str) -> None:
    """`getattr(self, f"relu{i}")` in the family may lead to `self.relu1`."""
    for key in (module.key, *module.ancestors_in_project, *module.descendants_in_project):
        for match in _PUT_TOGETHER.finditer(module.project.class_text(key)):
            if name.startswith(match.group(1)):
                raise Refused("named-in-string", f"{key[1]} puts names like {name!r} together")


def _type_sweep(project: Project, kind: str) -> str | None:
    """`for m in self.modules(): if isinstance(m, nn.ReLU)`, anywhere."""
    pattern = re.compile(
        rf"isinstance\([^)\n]*\b{kind}\b|type\(\w+\)\s*(?:==|is)\s*[\w.]*\b{kind}\b"
    )
    bare = [path for path, file in project.files.items() if _has_bare_name(file, kind)]
    for path in dict.fromkeys([*project.files_with_attribute(kind), *bare]):
        match = pattern.search(project.text(path))
        if match:
            return _place(project.text(path), path, match.start())
    return None


def _has_bare_name(file: FileIndex, kind: str) -> bool:
    """Whether `ReLU` alone may be the module class in a file."""
    return kind in file.bindings or "torch.nn" in file.stars


def _outside_use(project: Project, name: str) -> str | None:
    """Where `x.NAME` is used with an x that may be an instance of the class."""
    for path in project.files_with_attribute(name):
        text = project.text(path)
        for offset in _occurrences(text, name):
            if _is_outside_use(project, path, text, offset, name):
                return _place(text, path, offset)
    return None


def _outside_use_but_calls(project: Project, name: str) -> str | None:
    """Where something else is done with `x.NAME` than to call it."""
    for path in project.files_with_attribute(name):
        text = project.text(path)
        for offset in _occurrences(text, name):
            is_called = text.startswith("(", offset + len(name) + 1)
            if not is_called and _is_outside_use(project, path, text, offset, name):
                return _place(text, path, offset)
    return None


def _occurrences(text: str, name: str) -> Iterator[int]:
    """Offsets of `.NAME` as a whole name."""
    wanted = "." + name
    offset = text.find(wanted)
    while offset >= 0:
        after = text[offset + len(wanted) : offset + len(wanted) + 1]
        if not (after.isalnum() or after == "_"):
            yield offset
        offset = text.find(wanted, offset + 1)


def _is_outside_use(project: Project, path: str, text: str, offset: int, name: str) -> bool:
    before = text[text.rfind("\n", 0, offset) + 1 : offset]
    if before.endswith("super()") or "#" in before:
        return False
    if before.lstrip().startswith(("from ", "import ")):
        return False
    found = _RECEIVER.search(before)
    receiver = found.group() if found else ""
    if (
        receiver in ("self", "F")
        or NO_MODULE.search(receiver)
        or _is_package(project, path, receiver)
    ):
        return False
    if not _is_code(path, text, offset, name):
        return False
    return not _TENSOR_METHOD_CALL.match(text, offset + len(name) + 1)


def _is_code(path: str, text: str, offset: int, name: str) -> bool:
    """Whether the hit is an attribute in the syntax tree, not a word in a string or a comment."""
    line = text.count("\n", 0, offset) + 1
    return (line, name) in _attribute_lines(path, text)


@lru_cache(maxsize=64)
def _attribute_lines(path: str, text: str) -> frozenset[tuple[int, str]]:
    """Line and name of every attribute of a file; the name stands on the node's last line."""
    tree = parse(SourceText(path, text))
    return frozenset(
        (node.end_lineno or node.lineno, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    )


def _place(text: str, path: str, offset: int) -> str:
    return f"{path}:{text.count(chr(10), 0, offset) + 1}"


def _is_package(project: Project, path: str, receiver: str) -> bool:
    """Whether the receiver is a package or a class (`F.relu`), not an object."""
    bindings = project.files[path].bindings.get(receiver.partition(".")[0], ())
    return bool(bindings) and all(binding.kind != "other" for binding in bindings)


def _string_use(
    project: Project,
    name: str,
    concerns: Callable[[str], bool] = lambda _path: True,
    functions: str = _TAKES_NAME,
) -> str | None:
    """Where NAME stands in a dotted string, or is given to one of the functions.

    `concerns`: whether what stands in a file can be about the class.
    """
    quoted = re.escape(name)
    pattern = re.compile(
        rf"""["'](?:[\w.]+\.{quoted}(?:\.[\w.]+)?|{quoted}\.[\w.]+)["']"""
        rf"""|{functions}\([^()\n]*["']{quoted}["']"""
    )
    for path in filter(concerns, project.files_with_string(name)):
        match = pattern.search(project.text(path))
        if match:
            return _place(project.text(path), path, match.start())
    return None


def _listed(module: ModuleClass, name: str) -> str | None:
    """`["conv1", "bn1", "relu"]`: a list of names of which others are attributes here too."""
    siblings = module.index.names - {name}
    pattern = re.compile(rf"""[\[({{,]\s*["']{re.escape(name)}["']""")
    for path in module.project.files_with_string(name):
        text = module.project.text(path)
        for match in pattern.finditer(text):
            if _ADDS_CHILD.search(text[max(0, match.start() - 40) : match.start() + 1]):
                continue
            window = text[max(0, match.start() - _WINDOW) : match.end() + _WINDOW]
            others = {part for found in _STRING.findall(window) for part in found.split(".")}
            if others & siblings:
                return _place(text, path, match.start())
    return None
