"""What stands in for a package that is missing: it imports, and must not be touched by a run."""

from __future__ import annotations

import contextlib
import types
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from typing import Any, Callable, Iterator, Set, Tuple

from . import lightning, shims

VERSION = "0.0.0"
NUMBER = 4  # in the place of one that a package would give

_registered: Set[str] = set()
_touched: Set[str] = set()
_forbidden = False


class Touched(BaseException):
    """The model used a stand-in while it ran. No `Exception`, so that no model swallows it."""

    def __init__(self, package: str, name: str) -> None:
        super().__init__("%s is used, but %s cannot be imported" % (name, package))
        self.package = package
        self.name = name


def forbid() -> None:
    """From now on touching a stand-in raises `Touched`."""
    global _forbidden
    _forbidden = True


@contextlib.contextmanager
def forbidden() -> Iterator[None]:
    """Within it touching a stand-in raises `Touched`."""
    global _forbidden
    before, _forbidden = _forbidden, True
    try:
        yield
    finally:
        _forbidden = before


def touched() -> Tuple[str, ...]:
    """The packages whose stand-ins were touched since `forbid`."""
    return tuple(sorted(_touched))


def register(name: str) -> None:
    """A package, or a part of one, is stood in for."""
    _registered.add(name)


def _stood_in_for(name: str) -> str:
    parts = name.split(".")
    prefixes = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((one for one in prefixes if one in _registered), parts[0])


def package_of(stand_in: StandIn) -> str:
    """The package, or the part of one, that a stand-in stands in for."""
    return _stood_in_for(vars(stand_in)["_codemod_name"])


def _touch(name: str) -> None:
    if _forbidden:
        package = _stood_in_for(name)
        _touched.add(package)
        raise Touched(package, name)


class StandInBase:
    """The base of classes that derive from a stand-in."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        _touch(_stand_in_base_of(type(self)))


def _stand_in_base_of(cls: type) -> str:
    return next(_stand_ins_below(cls), "?")


def _stand_ins_below(cls: type) -> Iterator[str]:
    names = (vars(base).get("_codemod_stand_in") for base in cls.__mro__)
    return (name for name in names if name)


def package_below(cls: type) -> str:
    """The package whose stand-in a class derives from; empty where it derives from none."""
    name = next(_stand_ins_below(cls), "")
    return _stood_in_for(name) if name else ""


class StandIn:
    """Any attribute of a missing package: can be called, derived from, subscripted, entered."""

    def __init__(self, name: str) -> None:
        self.__dict__["_codemod_name"] = name

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return VERSION
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        full = "%s.%s" % (self.__dict__["_codemod_name"], name)
        _touch(full)
        return StandIn(full)

    def __setattr__(self, name: str, value: Any) -> None:
        _touch(self.__dict__["_codemod_name"])
        self.__dict__[name] = value

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        name = self.__dict__["_codemod_name"]
        _touch(name)
        if len(arguments) == 1 and not named and _is_definition(arguments[0]):
            return arguments[0]
        return StandIn(name + "()")

    def __mro_entries__(self, bases: Tuple[Any, ...]) -> Tuple[type, ...]:
        name = self.__dict__["_codemod_name"]
        _touch(name)
        if lightning.is_lightning_module(name):
            shims.note("%s (a plain module)" % name)
            return (lightning.module_class(_touch),)
        return (type(name.rpartition(".")[2], (StandInBase,), {"_codemod_stand_in": name}),)

    def __getitem__(self, item: Any) -> Any:
        return self._derived("[]")

    def __setitem__(self, item: Any, value: Any) -> None:
        _touch(self.__dict__["_codemod_name"])

    def __or__(self, other: Any) -> Any:
        return self._derived("|")

    __ror__ = __or__

    def _derived(self, suffix: str) -> Any:
        name = self.__dict__["_codemod_name"]
        _touch(name)
        return StandIn(name + suffix)

    def __enter__(self) -> Any:
        return self._derived("()")

    def __exit__(self, *arguments: Any) -> None:
        _touch(self.__dict__["_codemod_name"])

    def __iter__(self) -> Iterator[Any]:
        _touch(self.__dict__["_codemod_name"])
        return iter(())

    def __len__(self) -> int:
        _touch(self.__dict__["_codemod_name"])
        return 0

    def __contains__(self, item: Any) -> bool:
        _touch(self.__dict__["_codemod_name"])
        return False

    def __bool__(self) -> bool:
        _touch(self.__dict__["_codemod_name"])
        return True

    def __instancecheck__(self, instance: Any) -> bool:
        _touch(self.__dict__["_codemod_name"])
        return False

    def __subclasscheck__(self, subclass: Any) -> bool:
        _touch(self.__dict__["_codemod_name"])
        return False

    def __repr__(self) -> str:
        return "<stand-in for %s>" % self.__dict__["_codemod_name"]


def _number(value: Any) -> Callable[[StandIn], Any]:
    def convert(self: StandIn) -> Any:
        _touch(self.__dict__["_codemod_name"])
        return value

    return convert


def _arithmetic(sign: str) -> Callable[..., Any]:
    def derive(self: StandIn, other: Any = None) -> Any:
        return self._derived(sign)

    return derive


for _name, _value in (("int", NUMBER), ("index", NUMBER), ("float", float(NUMBER))):
    setattr(StandIn, "__%s__" % _name, _number(_value))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "neg"):
    setattr(StandIn, "__%s__" % _name, _arithmetic(_name))
    setattr(StandIn, "__r%s__" % _name, _arithmetic(_name))
for _name in ("lt", "le", "gt", "ge"):
    setattr(StandIn, "__%s__" % _name, _arithmetic(_name))


def _is_definition(value: Any) -> bool:
    return isinstance(value, (type, types.FunctionType, staticmethod, classmethod, property))


class StandInModule(types.ModuleType):
    """A missing package or one of its modules."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name, "Stands in for a package that cannot be imported.")
        self.__spec__ = spec
        self.__path__: "list[str]" = []
        self.__all__: "list[str]" = []
        self.__version__ = VERSION

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        full = "%s.%s" % (self.__name__, name)
        _touch(full)
        return StandIn(full)


class StandInLoader(Loader):
    """Loads stand-ins."""

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return StandInModule(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        pass
