"""What a failure says that an argument of the constructor should have been."""

from __future__ import annotations

import ast
import itertools
import re
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from .guards import Guard
from .laboratory import Failure
from .naming import OMITTED, Value, is_number, joined

Path = Tuple[str, ...]
_CONFIGURATIONS = ("codemod_config", "codemod_small", "codemod_module")


def config_words(failure: Failure, name: str) -> List[str]:
    """Words that follow the configuration's name on the failing lines: its attributes."""
    found: List[str] = []
    for frame in failure.frames:
        for before, after in zip(frame.words, frame.words[1:]):
            if before in (name, "config", "cfg") and after not in found:
                found.append(after)
    return found


def with_setting(value: Value, key: str, option: Value) -> Value:
    separator = "" if value.text.endswith("codemod_config()") else ", "
    text = "{}{}{}={})".format(value.text[:-1], separator, key, option.text)
    return Value(text, joined([value.setup, option.setup]))


def with_item(value: Value, key: str, option: Value) -> Value:
    """The written dictionary with one more item."""
    separator = "" if value.text == "{}" else ", "
    text = "{}{}{!r}: {}}}".format(value.text[:-1], separator, key, option.text)
    return Value(text, joined([value.setup, option.setup]))


def settings_of(value: Value) -> Dict[Path, str]:
    """The settings of a configuration that is written out, with their source. Those of one
    configuration inside another are found by the keys on the way."""
    try:
        call = ast.parse(value.text, mode="eval").body
    except SyntaxError:
        return {}
    return {
        path: ast.get_source_segment(value.text, node) or "" for path, node in _leaves(call, ())
    }


def with_other(value: Value, path: Path, option: Value) -> Value:
    """The configuration with one of its settings changed."""
    call = ast.parse(value.text, mode="eval").body
    node: Any = next(node for known, node in _leaves(call, ()) if known == path)
    data = value.text.encode()
    text = (data[: node.col_offset] + option.text.encode() + data[node.end_col_offset :]).decode()
    return Value(text, joined([value.setup, option.setup]))


def _leaves(call: ast.AST, around: Path) -> Iterator[Tuple[Path, ast.AST]]:
    for keyword in call.keywords if isinstance(call, ast.Call) else ():
        path = (*around, keyword.arg or "")
        called = keyword.value.func if isinstance(keyword.value, ast.Call) else None
        if isinstance(called, ast.Name) and called.id in _CONFIGURATIONS:
            yield from _leaves(keyword.value, path)
        elif keyword.arg:
            yield path, keyword.value


def answers(failure: Failure, now: Value, options: Sequence[Value]) -> Iterator[str]:
    """What the error says this argument should have been, given what it is now."""
    message = failure.message
    number = now.text if is_number(now.text) else "64"
    if re.search(r"not iterable|not subscriptable|has no len|must be an iterable|len\(\)", message):
        for count in (2, 4, 3, 1):
            yield "[{}]".format(", ".join([number] * count))
        yield "({0}, {0})".format(number)
    if re.search(r"of type float|got float|'float' object", message) and is_number(now.text):
        yield from (text for text in ("4", "1", "2", "16") if text != now.text)
    if re.search(r"not callable", message):
        yield from ("torch.nn.ReLU", "torch.nn.ReLU()", "torch.nn.BatchNorm2d")
        yield "lambda *args, **kwargs: torch.nn.Identity()"
    yield from _layers_with(message, now)
    if _NO_TENSOR.search(message) and now.text == "torch.nn.ReLU()":
        yield "torch.nn.Identity()"
    if re.search(r"not a Module subclass|is not an nn.Module|cannot assign", message):
        yield from ("torch.nn.Identity()", "torch.nn.ReLU()")
    if "NoneType" in message or now == OMITTED:
        for option in options:
            yield option.text
    if re.search(r"'(list|tuple)' and 'int'|list.* cannot be interpreted|'list' object", message):
        yield from ("64", "4", "2")
    unpack = re.search(r"expected (\d+)", message)
    if unpack and "unpack" in message:
        yield "[{}]".format(", ".join([number] * int(unpack.group(1))))
    if now.text[:1] in "'\"" and now != OMITTED and _is_word_of(now.text.strip("'\""), message):
        yield from (repr(word) for word in _LISTED_WORD.findall(message))
    if "index out of range" in message and now.text[:1] in "[(":
        items = now.text.strip("[]()").split(",")
        for count in (4, 5, 3, 6, 8):
            yield "[{}]".format(", ".join([items[0]] * count))
    if _is_no_index(failure, now):
        yield from (text for text in ("2", "3", "1", "0") if text != now.text)


def _is_no_index(failure: Failure, now: Value) -> bool:
    """Whether a whole number was looked up in a sequence or a mapping that has no such item."""
    if not now.text.isdigit():
        return False
    if failure.kind == "KeyError":
        return failure.message == now.text
    return failure.kind == "IndexError" and "index out of range" in failure.message


_NO_TENSOR = re.compile(r"argument 'input' .*must be Tensor, not ")
_LACKING = re.compile(r"'(\w+)' object has no attribute '(weight|bias|in_features|in_channels)'")


def _layers_with(message: str, now: Value) -> Iterator[str]:
    """A layer with weights in the place of one that lacks them, or of what makes such a one."""
    lacking = _LACKING.search(message)
    stand_in = "torch.nn.{}".format(lacking.group(1)) if lacking else ""
    if not stand_in or not re.search(re.escape(stand_in) + r"\b", now.text):
        return
    made = "" if now.text.startswith(stand_in + "(") else "lambda *args, **kwargs: "
    yield from (made + layer for layer in ("torch.nn.Linear(64, 64)", "torch.nn.Conv2d(64, 64, 1)"))


# "for the modes: nearest | linear | area (got mean)"
_LISTED_WORD = re.compile(r"(?<![\w-])([a-z][\w-]+)(?=\s*[|,])")


def _is_word_of(word: str, message: str) -> bool:
    return (
        bool(word)
        and re.search(r"(?<![\w-]){}(?![\w-])".format(re.escape(word)), message) is not None
    )


EMPTY = re.compile(r"at least 1|must be greater|negative|positive|zero|> 0")
_NUMBERS = (64, 1, 2, 3, 4, 8, 16, 32, 128, 5, 6, 7, 12, 24, 48, 96, 192, 224, 256, 512, 1024)


def trials(now: Any, guard: Guard) -> Iterator[Any]:
    """Values of the kind of the present one, those that the condition mentions first."""
    if isinstance(now, bool):
        yield not now
        return
    if isinstance(now, (int, float)):
        for number in guard.numbers:
            yield from (number, number + 1, number - 1, number * 2)
        yield from _NUMBERS
    if isinstance(now, str) or now is None:
        yield from guard.strings
    if isinstance(now, (list, tuple)) and now:
        for count in (*guard.numbers, 2, 3, 4, 1, 5, 6, 8):
            if 0 < count < 20:
                yield type(now)([now[0]] * count)
    if now is None:
        yield from (*guard.numbers, *_NUMBERS[:6], True)


def listed(text: str) -> List[str]:
    """The items of a list of plain items, as source."""
    if text[:1] != "[" or text.count("[") != 1:
        return []
    return [item.strip() for item in text[1:-1].split(",") if item.strip()]


def relisted(items: List[str], count: int) -> str:
    return "[{}]".format(", ".join((items * count)[:count]))


def growing_numbers(text: str) -> str:
    """`[[64, 64], [64, 64]]` becomes `[[128, 192], [256, 320]]`; other text stays."""
    if text[:1] not in "[(":
        return text
    counter = itertools.count(2)
    return re.sub(r"\b(?:64|32)\b", lambda match: str(64 * next(counter)), text)
