"""Who else uses an attribute of a module: subclasses, other objects, names in strings.

These questions go over the whole project, so they are asked of its text, not of its trees.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from itertools import islice

from codemod.editing.reassignment import is_quoted
from codemod.editing.refused import Refused
from codemod.semantics.index import NO_MODULE, FileIndex
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.project import Place, Project
from codemod.semantics.syntax import walk_at

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
_ITSELF = re.compile(r"(?:has|get)attr\(\s*self\s*$")
# `("act", nn.ReLU())` in an OrderedDict names a child of another module.
_NAMES_CHILD = re.compile(r"""\(\s*["']\w+["']\s*,\s*[\w.]+\(""")
_OF_SELF = re.compile(r"\w+\(\s*self\s*,")
# `x.relu()` and `x.softmax(dim=1)` are methods of a tensor: a module would be called with one.
_TENSOR_METHOD_CALL = re.compile(r"\(\s*(?:\)|dim\s*=|-?\d)")
# `self.features.add_module("pool", ...)` names a child of another module.
_ADDS_CHILD = re.compile(r"(?:add_module|register_module)\s*\(\s*$|name\s*=\s*$")
_RECEIVER = re.compile(r"[A-Za-z_][\w.]*$")
# `getattr(model, n)`: by a name that is no literal.
_COMPUTED = re.compile(r"\b(?:[gs]et|del)attr\(\s*([A-Za-z_][\w.]*)\s*,\s*[A-Za-z_]\w*\s*[,)]")
_WORD = re.compile(r"[A-Za-z_]\w*")
# How far around a name the other names of one list are looked for, in code points.
_WINDOW = 160


def check_not_used_elsewhere(module: ModuleClass, name: str, kind: str) -> None:
    """Raise Refused unless `self.NAME` is used in this class alone.

    `kind` is the module class (`torch.nn.ReLU`), for code that looks for its instances.
    Raises Refused: used-in-family, declared, used-outside, named-in-string, swept-by-type.
    """
    _check_family(module, name)
    _check_not_declared(module, name)
    _check_not_put_together(module, name)
    named = (
        _places(module, _string_uses, name)
        or _listed(module, name)
        or _looked_up(module, name)
        or _in_documents(module, name)
    )
    if named:
        raise Refused("named-in-string", f"{named[0]} names {name!r} in a string")
    outside = _places(module, _outside_uses, name)
    if outside:
        raise Refused("used-outside", f"{outside[0]} uses .{name} of another object")
    swept = type_sweeps(module, kind)
    if swept:
        raise Refused("swept-by-type", f"{swept[0]} looks for instances of {kind}")


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
    concerns = _mentioning(module)
    looked_up = _remembered(module.project, _lookups, name)
    named = [str(item) for item in looked_up if concerns(item.path)]
    if named:
        raise Refused("named-in-string", f"{named[0]} names {name!r} in a string")
    outside = _places(module, _outside_uses_but_calls, name)
    if outside:
        raise Refused("used-outside", f"{outside[0]} uses .{name} of another object")


def _mentioning(module: ModuleClass) -> Callable[[str], bool]:
    """Whether a file names the class or one that inherits from it."""
    keys = (module.key, *module.descendants_in_project)
    names = "|".join(sorted({re.escape(key[1].rpartition(".")[2]) for key in keys}))
    pattern = re.compile(rf"\b(?:{names})\b")
    return lambda path: pattern.search(module.project.text(path)) is not None


def type_sweeps(module: ModuleClass, kind: str) -> tuple[str, ...]:
    """`path:line` where code that may meet the class looks for instances of `torch.nn.KIND`."""
    return _places(module, _type_sweeps, kind.rpartition(".")[2])


def _places(
    module: ModuleClass, question: Callable[[Project, str], Iterator[Place]], name: str
) -> tuple[str, ...]:
    """The answers, `path:line`, from files that may hold an instance of the class."""
    reach = module.project.reach
    found = _remembered(module.project, question, name)
    return tuple(str(item) for item in found if reach.may_meet(item.path, module.key))


def _remembered(
    project: Project, question: Callable[[Project, str], Iterator[Place]], name: str
) -> tuple[Place, ...]:
    """Answers about the whole project are asked for once a name."""
    return project.remembered(question.__name__, name, lambda: question(project, name))


def _check_family(module: ModuleClass, name: str) -> None:
    for key in (*module.ancestors_in_project, *module.descendants_in_project):
        item = module.project.classes[key]
        if name in item.names:
            raise Refused("used-in-family", f"{item.qualname} ({key[0]}) uses {name} as well")


def _check_not_declared(module: ModuleClass, name: str) -> None:
    """A stub beside the file, or a Protocol, promises the attribute to type checkers."""
    project = module.project
    stub = module.path.removesuffix(".py") + ".pyi"
    if name in project.documents.get(stub, ()):
        raise Refused("declared", f"{stub} names {name}")
    for key in project.protocols:
        if name in project.classes[key].names and project.reach.may_meet(key[0], module.key):
            raise Refused("declared", f"{key[1]} ({key[0]}) is a Protocol that names {name}")


def _check_not_put_together(module: ModuleClass, name: str) -> None:
    """`getattr(self, f"relu{i}")` in the family may lead to `self.relu1`, as `"relu1"` does."""
    own = re.compile(rf"""{_TAKES_NAME}\(\s*self\s*,\s*["']{re.escape(name)}["']""")
    for key in (module.key, *module.ancestors_in_project, *module.descendants_in_project):
        text = module.project.class_text(key)
        if is_quoted(name, text) and own.search(text):
            raise Refused("named-in-string", f"{key[1]} names {name!r} in a string")
        for match in _PUT_TOGETHER.finditer(text):
            if name.startswith(match.group(1)):
                raise Refused("named-in-string", f"{key[1]} puts names like {name!r} together")


def _type_sweeps(project: Project, kind: str) -> Iterator[Place]:
    """`for m in self.modules(): if isinstance(m, nn.ReLU)`, anywhere."""
    pattern = re.compile(
        rf"isinstance\([^)\n]*\b{kind}\b|type\(\w+\)\s*(?:==|is)\s*[\w.]*\b{kind}\b"
    )
    bare = [path for path, file in project.files.items() if _has_bare_name(file, kind)]
    for path in dict.fromkeys([*project.files_with_attribute(kind), *bare]):
        match = pattern.search(project.text(path))
        if match:
            yield Place.at(path, project.text(path), match.start())


def _has_bare_name(file: FileIndex, kind: str) -> bool:
    """Whether `ReLU` alone may be the module class in a file."""
    return kind in file.bindings or "torch.nn" in file.stars


def _outside_uses(project: Project, name: str) -> Iterator[Place]:
    """The first `x.NAME` of each file with an x that may be a module other than `self`."""
    for path in project.files_with_attribute(name):
        text = project.text(path)
        uses = (
            o for o in _occurrences(text, name) if _is_outside_use(project, path, text, o, name)
        )
        yield from (Place.at(path, text, offset) for offset in islice(uses, 1))


def _outside_uses_but_calls(project: Project, name: str) -> Iterator[Place]:
    """Where, once a file, something else is done with `x.NAME` than to call it."""
    for path in project.files_with_attribute(name):
        text = project.text(path)
        uses = (
            offset
            for offset in _occurrences(text, name)
            if not text.startswith("(", offset + len(name) + 1)
            and _is_outside_use(project, path, text, offset, name)
        )
        yield from (Place.at(path, text, offset) for offset in islice(uses, 1))


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
    if _TENSOR_METHOD_CALL.match(text, offset + len(name) + 1):
        return False
    return _is_code(project, path, offset, name)


def _is_code(project: Project, path: str, offset: int, name: str) -> bool:
    """Whether the hit is an attribute in the syntax tree, not a word in a string or a comment.

    Its name stands on the last line of the attribute.
    """
    parts = project.parts(path)
    line = parts.source.position(offset).line
    return any(
        isinstance(node, ast.Attribute) and node.attr == name and node.end_lineno == line
        for statement in parts.at(line)
        for node in walk_at(statement, line)
    )


def _is_package(project: Project, path: str, receiver: str) -> bool:
    """Whether the receiver is a package or a class (`F.relu`), not an object."""
    bindings = project.files[path].bindings.get(receiver.partition(".")[0], ())
    return bool(bindings) and all(binding.kind != "other" for binding in bindings)


def _string_uses(project: Project, name: str) -> Iterator[Place]:
    """Where NAME stands in a dotted string, or is given to getattr and the like."""
    return _named(project, name, _TAKES_NAME)


def _lookups(project: Project, name: str) -> Iterator[Place]:
    """Where NAME stands in a dotted string, or is given to what finds an attribute by name."""
    return _named(project, name, _LOOKS_UP)


def _named(project: Project, name: str, functions: str) -> Iterator[Place]:
    quoted = re.escape(name)
    pattern = re.compile(
        rf"""["'](?:[\w.]+\.{quoted}(?:\.[\w.]+)?|{quoted}\.[\w.]+)["']"""
        rf"""|{functions}\([^()\n]*["']{quoted}["']"""
        rf"""|(?:\b_modules|\bnamed_(?:modules|children)\(\)\))\[\s*["']{quoted}["']\s*\]"""
    )
    for path in project.files_with_string(name):
        for match in pattern.finditer(project.text(path)):
            if not _asks_itself(project, path, match):
                yield Place.at(path, project.text(path), match.start())
                break


def _asks_itself(project: Project, path: str, match: re.Match[str]) -> bool:
    """`hasattr(self, "act")` in a class: an affair of its family, which is asked apart."""
    if not _OF_SELF.match(match.group()):
        return False
    line = project.text(path).count("\n", 0, match.start()) + 1
    return any(item.line <= line <= item.end_line for item in project.files[path].classes)


def _listed(module: ModuleClass, name: str) -> tuple[str, ...]:
    """`["conv1", "bn1", "relu"]`: a list of names of which others are attributes here too."""
    siblings = module.index.names - {name}
    pattern = re.compile(rf"""[\[({{,]\s*["']{re.escape(name)}["']""")
    for path in module.project.files_with_string(name):
        if not module.project.reach.may_meet(path, module.key):
            continue
        text = module.project.text(path)
        for match in pattern.finditer(text):
            if _NAMES_CHILD.match(text, match.start()) or _ITSELF.search(
                text[max(0, match.start() - 40) : match.start()]
            ):
                continue
            if _ADDS_CHILD.search(text[max(0, match.start() - 40) : match.start() + 1]):
                continue
            window = text[max(0, match.start() - _WINDOW) : match.end() + _WINDOW]
            others = {part for found in _STRING.findall(window) for part in found.split(".")}
            if others & siblings:
                return (str(Place.at(path, text, match.start())),)
    return ()


def _looked_up(module: ModuleClass, name: str) -> tuple[str, ...]:
    """`for n in ["relu"]: getattr(model, n)`: the name and a look-up by a computed one together."""
    project = module.project
    pattern = re.compile(rf"""["']{re.escape(name)}["']""")
    for path in project.files_with_string(name):
        if not project.reach.may_meet(path, module.key):
            continue
        text = project.text(path)
        for match in pattern.finditer(text):
            window = text[max(0, match.start() - _WINDOW) : match.end() + _WINDOW]
            if any(_is_object(project, path, found[1]) for found in _COMPUTED.finditer(window)):
                return (str(Place.at(path, text, match.start())),)
    return ()


def _is_object(project: Project, path: str, receiver: str) -> bool:
    return not NO_MODULE.search(receiver) and not _is_package(project, path, receiver)


def _in_documents(module: ModuleClass, name: str) -> tuple[str, ...]:
    """`layer1.relu`, or `[conv, relu]` with other attributes of the class, in a configuration."""
    siblings = module.index.names - {name}
    quoted = re.escape(name)
    dotted = re.compile(rf"(?<![\w.])(?!(?:torch|nn|F)\.)(?:\w+\.)+{quoted}\b|\b{quoted}\.\w")
    item = re.compile(rf"""(?m)(?:^\s*-\s+|[\[,]\s*)["']?{quoted}["']?\s*(?=[,\]#]|$)""")
    for path in module.project.documents_with(name):
        text = module.project.text(path)
        for match in dotted.finditer(text):
            return (str(Place.at(path, text, match.start())),)
        for match in item.finditer(text):
            window = text[max(0, match.start() - _WINDOW) : match.end() + _WINDOW]
            if set(_WORD.findall(window)) & siblings:
                return (str(Place.at(path, text, match.start())),)
    return ()
