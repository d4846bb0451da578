"""How values are written in the source of a recipe; and classes near the one to build."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import typing
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence

import torch

from . import words
from .reading import Facts, attributes_of, forward_of, initialiser, is_torch, signature_of

_CONFIG_CLASS = re.compile(r"(Config|Configuration|Args|Arguments|Params|Hparams|HParams|Options)$")


class Value(NamedTuple):
    """Source of one argument, and the import that it needs."""

    text: str
    setup: str = ""


OMITTED = Value("")


def joined(setups: Sequence[str]) -> str:
    lines = [line for setup in setups for line in setup.splitlines() if line]
    return "\n".join(dict.fromkeys(lines))


def texts(*texts: str) -> List[Value]:
    return [Value(text) for text in texts]


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Namer:
    """How to write a class in the source of a recipe; and classes near the one to build."""

    def __init__(self, cls: Any, namespace: Any) -> None:
        self.cls = cls
        self.namespace = namespace

    def name(self, cls: type) -> Value:
        short = cls.__name__
        if self.namespace.get(short) is cls:
            return Value(short)
        if is_torch(cls) and getattr(torch.nn, short, None) is cls:
            return Value("torch.nn." + short)
        outer = cls.__qualname__.split(".")[0]
        setup = "from {} import {}".format(cls.__module__, outer)
        return Value(cls.__qualname__, setup)

    def class_named(self, name: str) -> Optional[type]:
        found = self.namespace.get(name)
        return found if isinstance(found, type) else None

    def config_classes(self, attributes: typing.Set[str]) -> List[type]:
        """Configuration classes near the class, the one with most of the attributes first."""
        found: List[type] = []
        declared = getattr(self.cls, "config_class", None)
        if isinstance(declared, type):
            found.append(declared)
        for names in (self.namespace, *self._siblings()):
            found += [
                value
                for key, value in list(names.items())
                if isinstance(value, type) and _CONFIG_CLASS.search(key) and value not in found
            ]
        scored = [(self._known(one, attributes), -i, one) for i, one in enumerate(found)]
        ranked = sorted(scored, key=lambda item: item[:2], reverse=True)
        return [one for score, _, one in ranked if score > 0 or one is declared][:3]

    def _known(self, config: type, attributes: typing.Set[str]) -> int:
        signature = signature_of(config)
        names = set(signature.parameters) if signature else set()
        for base in config.__mro__:
            names |= set(vars(base)) | set(vars(base).get("__annotations__", {}))
        return len(attributes & names)

    def _siblings(self) -> Iterator[Dict[str, Any]]:
        """The globals of configuration files beside the class's own file."""
        path, package = self.namespace.get("__file__"), self.namespace.get("__package__")
        if not path or not package:
            return
        try:
            entries = sorted(os.listdir(os.path.dirname(path)))
        except OSError:
            return
        for entry in entries:
            if re.match(r"(?i)^(configuration|config|cfg).*\.py$", entry):
                try:
                    yield vars(importlib.import_module("{}.{}".format(package, entry[:-3])))
                except Exception:
                    continue

    def modules_named(self, name: str, attributes: typing.Set[str]) -> List[type]:
        """Module classes of the project of that name, more or less, that have the attributes."""
        wanted = _plain(name)
        scored = []
        for cls in self._module_classes():
            own = _plain(cls.__name__)
            rank = 0 if own == wanted else 1 if own.endswith(wanted) else 2 if wanted in own else 9
            if rank < 9 and len(wanted) > 3 and cls is not self.cls and self._has(cls, attributes):
                scored.append((rank, len(own), cls.__module__, cls.__qualname__, cls))
        return [one[-1] for one in sorted(scored, key=lambda one: one[:-1])][:2]

    def _has(self, cls: type, attributes: typing.Set[str]) -> bool:
        known = attributes_of(cls)
        return all(one in known or hasattr(torch.nn.Module, one) for one in attributes)

    def _module_classes(self) -> Iterator[type]:
        """Those of the class's own package, or of the scripts that stand in its folder."""
        package = self.cls.__module__.partition(".")[0]
        folder = os.path.dirname(os.path.abspath(self.namespace.get("__file__") or ""))
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            beside = os.path.dirname(os.path.abspath(file)) == folder
            if name.partition(".")[0] != package and not beside:
                continue
            for value in list(vars(module).values()):
                if is_module_class(value) and value.__module__ == name:
                    yield value

    def classes_called_as(self, facts: Facts, base: Any) -> List[Value]:
        """Module classes of the file that take the arguments with which the parameter is called."""
        call = facts.called
        if call is None:
            return []
        wanted = set(facts.attributes) - {"__name__"}
        keywords = {k.arg for k in call.keywords if k.arg}
        spread = any(k.arg is None for k in call.keywords)
        made: List[Value] = []
        for key, value in list(self.namespace.items()):
            if not is_module_class(value) or value is self.cls or is_torch(value):
                continue
            if isinstance(base, type) and not issubclass(value, base):
                continue
            if not all(hasattr(value, attribute) for attribute in wanted):
                continue
            if (
                _takes(value, len(call.args), keywords, spread)
                and len(call.args) + len(keywords) > 1
            ):
                made.append(Value(key))
        return made[:4]

    def functions_called_as(self, name: str, facts: Facts) -> List[Value]:
        """Functions of the file that are named after the parameter and take the arguments with
        which it is called: `default_conv` for `conv`."""
        call, wanted = facts.called, set(words.words_of(name))
        if call is None or facts.attributes.keys() - {"__name__"}:
            return []
        keywords = {k.arg for k in call.keywords if k.arg}
        spread = any(k.arg is None for k in call.keywords)
        made = [
            Value(key)
            for key, value in list(self.namespace.items())
            if inspect.isfunction(value) and not is_torch(value)
            if wanted <= set(words.words_of(key))
            if _accepts(signature_of(value), range(len(call.args)), keywords, spread)
        ]
        return made[:2]

    def instances_called_as(
        self, facts: Facts, instance: Callable[[type], List[Value]]
    ) -> List[Value]:
        """Instances of module classes of the file whose forward takes as many arguments."""
        call = facts.called
        if call is None or len(call.args) < 2:
            return []
        made: List[Value] = []
        for value in list(self.namespace.values()):
            if not is_module_class(value) or value is self.cls or is_torch(value):
                continue
            signature = signature_of(forward_of(value))
            if signature is not None and _binds(signature, len(call.args) + 1):
                made += instance(value)
        return made[:3]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _binds(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


_STAND_INS = ("BatchNorm2d", "Conv2d", "Linear", "LayerNorm", "Dropout", "Embedding")


def torch_classes_called_as(call: Any) -> List[Value]:
    """Layers of torch that take the keywords with which the parameter is called."""
    keywords = {k.arg for k in call.keywords if k.arg} if call is not None else set()
    if not keywords - {"inplace"}:
        return []
    return texts(
        *(
            "torch.nn." + name
            for name in _STAND_INS
            if _takes(getattr(torch.nn, name), len(call.args), keywords, True)
        )
    )


def _takes(cls: type, positional: int, keywords: typing.Set[str], spread: bool) -> bool:
    given = range(positional + 1)  # with the object itself
    return _accepts(signature_of(initialiser(cls)), given, keywords, spread)


def _accepts(
    signature: Optional[inspect.Signature],
    given: Iterable[Any],
    keywords: typing.Set[str],
    spread: bool,
) -> bool:
    """Whether a call with these arguments, and perhaps more by keyword, fits a signature."""
    if signature is None:
        return False
    try:
        bound = signature.bind_partial if spread else signature.bind
        bound(*given, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def is_module_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, torch.nn.Module)
