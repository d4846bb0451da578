"""Who else uses an attribute of a module: subclasses, other objects, names in strings.

These questions go over the whole project, so they are asked of its text, not of its trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from codemod.catalogue import Pair, by_module
from codemod.editing.met_by_name import sweep_meets
from codemod.editing.name_sweeps import name_sweeps
from codemod.editing.named import asks_by_setting, name_uses, names_it
from codemod.editing.object_uses import attribute_uses, lookups, reaches
from codemod.editing.onnx_names import nodes_named
from codemod.editing.quoted import is_quoted
from codemod.editing.refused import Refused
from codemod.editing.replaced import replaced_in
from codemod.editing.shown import telling_texts
from codemod.editing.type_sweeps import type_sweeps
from codemod.semantics.module_class import ModuleClass
from codemod.semantics.module_names import MODULE_NAMES
from codemod.semantics.project import LASTING, ClassKey, Place, Project

_TAKES_NAME = (
    r"(?:getattr|setattr|hasattr|delattr|[gs]et_submodule|attrgetter|get_attr|rgetattr|rsetattr"
    r"|create_feature_extractor|fuse_modules\w*)"
)
# `getattr(self, f"relu{i}")`, `"relu" + str(i)`, `"relu%d" % i`, `"relu{}".format(i)`: the start.
_PUT_TOGETHER = re.compile(
    rf"""{_TAKES_NAME}\(\s*\w+\s*,\s*[fF]?["']([A-Za-z_]\w*)(?:[{{%]|["']\s*[+%])"""
)
_OF_SEQUENTIAL = frozenset({"append", "extend", "insert", "pop"})
_WORD = re.compile(r"[A-Za-z_]\w*")
# How far around a name the other names of one list are looked for, in code points.
_WINDOW = 160


def check_not_used_elsewhere(
    module: ModuleClass, name: str, kind: str, *, within: bool = False
) -> None:
    """Raise Refused unless `self.NAME` is used in this class alone.

    `kind` is the module class (`torch.nn.ReLU`), for code that looks for its instances.
    `within`: the attribute is a container that has such a layer.
    Raises Refused: used-in-family, and as `check_free_of_others`.
    """
    _check_family(module, name)
    check_free_of_others(module, name, kind, within=within)


def check_free_of_others(
    module: ModuleClass, name: str, kind: str, *, within: bool = False
) -> None:
    """As `check_not_used_elsewhere`, but for the bases and the subclasses.

    Raises Refused: declared, used-outside, named-in-string, replaced, swept-by-type.
    """
    project = module.project
    asked = f"{':'.join(module.key)} {name} {kind} {within}"
    find = partial(_kept_by_others, module, name, kind, within)
    for code, message in project.remembered(f"{LASTING}kept-by-others", asked, find):
        raise Refused(code, message)


def _kept_by_others(
    module: ModuleClass, name: str, kind: str, within: bool
) -> Iterator[tuple[str, str]]:
    """Code and message of the first reason why the attribute must stay."""
    try:
        _check_free_of_others(module, name, kind, None if within else by_module(kind))
    except Refused as refused:
        yield refused.code, refused.message


def _check_free_of_others(module: ModuleClass, name: str, kind: str, pair: Pair | None) -> None:
    _check_not_declared(module, name)
    _check_not_put_together(module, name)
    _check_not_named(module, name, pair, lists=True)
    for place in (*nodes_named(module, name), *telling_texts(module, kind, name)):
        raise Refused("named-in-string", f"{place} names {name!r} in a string")
    documents = _in_documents(module, name)
    if documents:
        raise Refused("named-in-string", f"{documents[0]} names {name!r} in a string")
    for use in attribute_uses(module, name, of_layer=pair is not None):
        if pair is None and use.then is not None and not _may_be_of_sequential(module, use.then):
            continue
        if reaches(module, use, pair):
            raise Refused("used-outside", f"{use.place} uses .{name} of another object")
    replaced = next(replaced_in(module, kind), None)
    if replaced is not None:
        raise Refused("replaced", f"{replaced} puts something else in the place of {kind}")
    swept = type_sweeps(module, kind)
    if swept:
        raise Refused("swept-by-type", f"{swept[0]} looks for instances of {kind}")


def _may_be_of_sequential(module: ModuleClass, name: str) -> bool:
    """Whether a Sequential that the class makes may have an attribute: its own, or a child that is
    given this name."""
    is_own = name in MODULE_NAMES or name in _OF_SEQUENTIAL or name.startswith("_")
    return is_own or is_quoted(name, module.project.class_text(module.key))


def check_only_called_elsewhere(module: ModuleClass, name: str, pair: Pair | None = None) -> None:
    """Raise Refused unless all that other code does with `self.NAME` is to call it.

    A list of names (`fuse_modules(m, ["conv", "relu"])`) is no harm to an attribute that stays.
    `pair`: what the attribute holds, where that is one kind of layer.
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
    _check_not_named(module, name, pair, lists=False)
    for use in attribute_uses(module, name, of_layer=pair is not None):
        if not use.called and reaches(module, use, pair):
            raise Refused("used-outside", f"{use.place} uses .{name} of another object")


def _check_not_named(module: ModuleClass, name: str, pair: Pair | None, *, lists: bool) -> None:
    """Raise Refused (named-in-string) where code asks for the attribute by its name."""
    for named in name_uses(module, name):
        if names_it(module, named, pair, lists=lists):
            raise Refused("named-in-string", f"{named.place} names {name!r} in a string")
    for use in lookups(module, name):
        if reaches(module, use, pair):
            raise Refused("named-in-string", f"{use.place} names {name!r} in a string")
    for sweep, word in name_sweeps(module.project, name):
        if sweep.how == "fused" and not lists:
            continue
        if sweep_meets(module, name, sweep, word, pair):
            raise Refused("named-in-string", f"{sweep.place} asks for modules named {word!r}")


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
    for key in (module.key, *module.ancestors_in_project, *module.descendants_in_project):
        text = module.project.class_text(key)
        if is_quoted(name, text) and _own_by_name(name).search(text):
            raise Refused("named-in-string", f"{key[1]} names {name!r} in a string")
        if name.startswith(_put_together(module.project, key)):
            raise Refused("named-in-string", f"{key[1]} puts names like {name!r} together")


def _own_by_name(name: str) -> re.Pattern[str]:
    quoted = rf"""["']{re.escape(name)}["']"""
    return re.compile(
        rf"{_TAKES_NAME}\(\s*self\s*,\s*{quoted}|self\.(?:add|register)_module\(\s*{quoted}"
    )


def _put_together(project: Project, key: ClassKey) -> tuple[str, ...]:
    """What the names begin with that a class puts together."""
    return project.remembered(
        "put-together", ":".join(key), lambda: _PUT_TOGETHER.findall(project.class_text(key))
    )


def _in_documents(module: ModuleClass, name: str) -> tuple[str, ...]:
    """`layer1.relu`, or `[conv, relu]` with other attributes of the class, in a configuration; or
    `target: relu`, where code looks up by its settings."""
    documents = module.project.documents_with(name)
    if not documents:
        return ()
    siblings = module.index.names - {name}
    quoted = re.escape(name)
    dotted = re.compile(rf"(?<![\w.])(?!(?:torch|nn|F)\.)(?:\w+\.)+{quoted}\b|\b{quoted}\.\w")
    item = re.compile(rf"""(?m)(?:^\s*-\s+|[\[,]\s*)["']?{quoted}["']?\s*(?=[,\]#]|$)""")
    value = re.compile(rf"""(\w+)["']?\s*[:=]\s*["']?{quoted}["']?[ \t]*(?=[,#}}\]\r\n]|\Z)""")
    for path in documents:
        text = module.project.text(path)
        for match in dotted.finditer(text):
            return (str(Place.at(path, text, match.start())),)
        for match in item.finditer(text):
            window = text[max(0, match.start() - _WINDOW) : match.end() + _WINDOW]
            if set(_WORD.findall(window)) & siblings:
                return (str(Place.at(path, text, match.start())),)
        for match in value.finditer(text):
            if asks_by_setting(module, match.group(1)):
                return (str(Place.at(path, text, match.start())),)
    return ()
