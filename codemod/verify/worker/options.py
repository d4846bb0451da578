"""Options that a script must be given: where it reads them when it is imported, made up."""

from __future__ import annotations

import argparse
from typing import Any, List, Optional, Tuple

from . import shims

_BY_TYPE = {int: 4, float: 0.1}


def install() -> None:
    """Have parsers that are given nothing fill in what is required."""
    for name in ("parse_args", "parse_known_args"):
        setattr(argparse.ArgumentParser, name, _filling(getattr(argparse.ArgumentParser, name)))


def _filling(real: Any) -> Any:
    def parse(self: Any, args: Any = None, namespace: Any = None) -> Any:
        required = _required(self) if args is None else []
        if not required:
            return real(self, args, namespace)
        before = [(one, one.required, one.default, one.nargs) for one in required]
        shims.note("required options of %s" % (self.prog or "a script"))
        try:
            for one in required:
                one.required, one.default = False, _likely(one)
                if not one.option_strings:
                    one.nargs = "?"
            return real(self, [], namespace)
        finally:
            for one, *was in before:
                one.required, one.default, one.nargs = was

    return parse


def _required(parser: argparse.ArgumentParser) -> List[argparse.Action]:
    return [one for one in parser._actions if one.required and one.dest != argparse.SUPPRESS]


def _likely(action: argparse.Action) -> Any:
    choices: Optional[Tuple[Any, ...]] = tuple(action.choices) if action.choices else None
    value = choices[0] if choices else _BY_TYPE.get(action.type, "a")  # type: ignore[call-overload]
    if action.default is not None:
        value = action.default
    return [value] if action.nargs in ("*", "+") or isinstance(action.nargs, int) else value
