"""Inputs of one call: guesses from the signature and the live layers, then a steered search."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import torch

from . import words
from .bestfirst import BestFirst
from .laboratory import Draft, Failure
from .reading import ELEMENT, Facts, Reader, annotation_of, forward_of, is_torch, signature_of

SPATIAL_SIZES = (8, 16, 32, 64, 28, 224)
NODES, EDGES = 8, 20
Shape = Tuple[int, ...]


class Tensor(NamedTuple):
    """`kind`: float, long, bool or complex. `high`: the bound of long values."""

    kind: str
    shape: Shape
    high: int = 2

    @property
    def text(self) -> str:
        shape = ", ".join(str(size) for size in self.shape)
        if self.kind == "long":
            written = "({},)".format(shape) if len(self.shape) == 1 else "({})".format(shape)
            return "torch.randint(0, {}, {})".format(max(self.high, 1), written)
        if self.kind == "bool":
            return "torch.ones({}, dtype=torch.bool)".format(shape or "()")
        if self.kind == "complex":
            return "torch.randn({}, dtype=torch.complex64)".format(shape or "()")
        if self.kind == "positive":
            return "torch.rand({})".format(shape or "()")
        return "torch.randn({})".format(shape or "()")


class Raw(NamedTuple):
    """A plain value, as source."""

    source: str

    @property
    def text(self) -> str:
        return self.source


class Group(NamedTuple):
    """A list or tuple of tensors."""

    bracket: str
    items: Tuple[Tensor, ...]

    @property
    def text(self) -> str:
        inner = ", ".join(item.text for item in self.items)
        if self.bracket == "(":
            return "({},)".format(inner) if len(self.items) == 1 else "({})".format(inner)
        return "[{}]".format(inner)


class Table(NamedTuple):
    """A dictionary of tensors."""

    items: Tuple[Tuple[str, Tensor], ...]

    @property
    def text(self) -> str:
        return "{{{}}}".format(", ".join("{!r}: {}".format(k, v.text) for k, v in self.items))


Spec = Union[Tensor, Raw, Group, Table]
OMITTED = Raw("")
Call = Tuple[Tuple[str, Spec], ...]


class Inputs:
    """What to try for `model(...)`. The facts are read with the live model at hand."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.function = forward_of(type(model))
        self.reader = Reader(type(model), model)
        self.layer = _first_layer(model)
        self.spatial_rank = _spatial_rank(model)
        self.sizes = _sizes_named_in(model)
        signature = signature_of(self.function)
        parameters = list(signature.parameters.values())[1:] if signature else []
        self.parameters = {
            p.name: p for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD
        }
        self.facts = {name: self.reader.facts(self.function, name) for name in self.parameters}
        self.sides: Dict[int, Dict[int, float]] = {}
        self.queue: BestFirst[Call] = BestFirst()
        for step, start in enumerate(self._starts()):
            self.queue.push(0.8 * step, start)

    def draft(self, call: Call, build: Draft) -> Draft:
        args: List[str] = []
        kwargs: List[str] = []
        by_name = False
        for name, spec in call:
            kind = self.parameters[name].kind
            if spec == OMITTED:
                by_name = True
            elif kind is inspect.Parameter.VAR_POSITIONAL:
                args.append("*" + spec.text)
            elif kind is inspect.Parameter.KEYWORD_ONLY or by_name:
                kwargs.append("{!r}: {}".format(name, spec.text))
            else:
                args.append(spec.text)
        written = "({},)".format(args[0]) if len(args) == 1 else "({})".format(", ".join(args))
        return build._replace(inputs="({}, {{{}}})".format(written, ", ".join(kwargs)))

    def learn(self, cost: float, call: Call, failure: Failure) -> None:
        """Queues what to try after this call failed."""
        for extra, changed in self._repairs(dict(call), failure):
            self.queue.push(cost + extra, tuple(changed.items()))
        for step, changed in enumerate(self._alternatives(dict(call), failure)):
            self.queue.push(cost + 3.0 + 0.3 * step, tuple(changed.items()))

    def variants(self, call: Call) -> Iterator[Call]:
        """The same call with optional arguments given or left out, flags flipped."""
        current = dict(call)
        for name, parameter in self.parameters.items():
            if parameter.default is parameter.empty:
                continue
            for option in self._optional_values(parameter):
                if option != current[name]:
                    yield tuple({**current, name: option}.items())

    # First guesses

    def _starts(self) -> Iterator[Call]:
        main = self._main_shapes()
        first: Dict[str, Spec] = {}
        for name, parameter in self.parameters.items():
            required = parameter.default is parameter.empty
            if parameter.kind is parameter.VAR_POSITIONAL:
                needed = not first or all(spec == OMITTED for spec in first.values())
                first[name] = Group("(", (Tensor("float", main[0]),)) if needed else OMITTED
            else:
                first[name] = self.guess(name, parameter) if required else OMITTED
        if not any(isinstance(spec, (Tensor, Group, Table)) for spec in first.values()):
            for name, parameter in self.parameters.items():
                if first[name] == OMITTED and _gives_tensor(name, parameter, self.function):
                    given = {**first, name: self.guess(name, parameter)}
                    yield tuple(given.items())
                    break
        yield tuple(first.items())
        for name, spec in first.items():
            if isinstance(spec, Tensor) and spec.kind == "float":
                for shape in main:
                    yield tuple({**first, name: spec._replace(shape=shape)}.items())
                break

    def guess(self, name: str, parameter: inspect.Parameter) -> Spec:
        annotation = annotation_of(parameter, self.function)
        facts = self.facts.get(name) or Facts()
        found = set(words.words_of(name))
        for one in [annotation, *facts.annotations]:
            spec = self._by_annotation(name, one, facts)
            if spec is not None:
                return spec
        element = facts.parts.get(ELEMENT)
        if element is not None and element.layers:
            return Group("[", (self._tensor(name, element),) * max(facts.length, 2))
        if facts.spread or (facts.sequence and facts.length and not facts.ranks):
            if not found & {"x", "input", "inputs", "img", "image"} or facts.length > 1:
                return Group("[", (self._tensor(name, Facts()),) * max(facts.length, 2))
        strings = [s for s in facts.literals if isinstance(s, str)]
        if strings:
            return Raw(repr(strings[0]))
        if facts.called is not None:
            return Raw("torch.nn.Identity()")
        return self._tensor(name, facts)

    def _by_annotation(self, name: str, annotation: Any, facts: Facts) -> Optional[Spec]:
        if annotation is None or annotation is Any:
            return None
        if isinstance(annotation, str):
            plain = annotation.replace("Optional[", "").replace("]", "").split("|")[0].strip()
            by_name = {"int": int, "float": float, "bool": bool, "str": str}
            if plain in by_name:
                return self._by_annotation(name, by_name[plain], facts)
            return self._tensor(name, facts) if "Tensor" in plain else None
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Union or type(annotation).__name__ == "UnionType":
            for one in inner:
                made = self._by_annotation(name, one, facts) if one is not type(None) else None
                if made is not None:
                    return made
            return None
        if origin in (list, tuple) or getattr(origin, "__name__", "") in ("Sequence", "Iterable"):
            return self._group(name, origin, inner, facts)
        if origin is not None and getattr(origin, "__name__", "") == "dict":
            return self._table(name, facts)
        if annotation in (list, tuple):
            return Group("[", (self._tensor(name, Facts()),) * max(facts.length, 2))
        if annotation is dict:
            return self._table(name, facts)
        if annotation is bool:
            return Raw("False")
        if annotation is str:
            strings = [s for s in facts.literals if isinstance(s, str)]
            return Raw(repr(strings[0] if strings else "a"))
        if annotation is int:
            whole = [v for v in words.guesses(name) if v.isdigit()]
            return Raw(whole[0] if whole else "2")
        if annotation is float:
            return Raw("0.5")
        if isinstance(annotation, type) and issubclass(annotation, torch.Tensor):
            if "Long" in annotation.__name__ or "Int" in annotation.__name__:
                return self._tensor(name, facts, "long")
            return self._tensor(name, facts, "bool" if "Bool" in annotation.__name__ else "")
        if "Callable" in str(annotation):
            return Raw("torch.nn.Identity()")
        return None

    def _group(self, name: str, origin: Any, inner: Tuple[Any, ...], facts: Facts) -> Spec:
        bracket = "(" if origin is tuple else "["
        if inner and all(one is int for one in inner if one is not Ellipsis):
            count = len(inner) if origin is tuple and Ellipsis not in inner else 2
            return Raw("({})".format(", ".join([str(words.SPATIAL)] * count)))
        count = facts.length or (len(inner) if origin is tuple and Ellipsis not in inner else 2)
        element = facts.parts.get(ELEMENT) or Facts()
        return Group(bracket, (self._tensor(name, element),) * max(count, 1))

    def _table(self, name: str, facts: Facts) -> Spec:
        items = [
            (key, self._tensor(key, part))
            for key, part in facts.parts.items()
            if key != ELEMENT and key not in ("items", "keys", "values", "get")
        ]
        return Table(tuple(items) or (("a", self._tensor("a", Facts())),))

    def _tensor(self, name: str, facts: Facts, kind: str = "") -> Tensor:
        found = set(words.words_of(name))
        layer = next((one for one in facts.layers if _layout(one)), None)
        if layer is not None:
            made = _for_layer(layer, facts.ranks, self.spatial_rank, found)
            return made._replace(kind=kind) if kind and made.kind == "float" else made
        if "long" in facts.methods and not kind:
            kind = "long"
        by_name = _by_words(name, found, self._width())
        if by_name is not None and not (by_name.kind == "float" and facts.ranks):
            return by_name._replace(kind=kind) if kind and by_name.kind == "float" else by_name
        if kind == "long":
            return Tensor("long", (words.BATCH, words.LENGTH), 2)
        if facts.ranks:
            return Tensor(kind or "float", self._shape_of_rank(max(facts.ranks)))
        return Tensor(kind or "float", self._main_shapes()[0])

    def _width(self) -> int:
        for module in self.model.modules():
            for attribute in ("in_features", "embed_dim", "input_size", "d_model"):
                value = getattr(module, attribute, None)
                if type(value) is int and is_torch(type(module)):
                    return value
            shape = getattr(module, "normalized_shape", None)
            if isinstance(shape, tuple) and len(shape) == 1:
                return int(shape[0])
        return words.CHANNELS

    def _channels(self) -> int:
        for module in self.model.modules():
            for attribute in ("in_channels", "num_features", "num_channels"):
                value = getattr(module, attribute, None)
                if type(value) is int and is_torch(type(module)):
                    return value
        return self._width()

    def _shape_of_rank(self, rank: int, spatial: int = words.SPATIAL) -> Shape:
        batch, length, width = words.BATCH, words.LENGTH, self._width()
        if rank <= 0:
            return ()
        if rank == 1:
            return (width,)
        if rank == 2:
            return (batch, width)
        if rank == 3 and self.spatial_rank != 1:
            return (batch, length, width)
        return (batch, self._channels(), *(spatial,) * (rank - 2))

    def _main_shapes(self) -> List[Shape]:
        """Shapes that a lone tensor `x` may have, likeliest first."""
        shapes: List[Shape] = []
        if self.layer is not None:
            guess = _for_layer(self.layer, [], self.spatial_rank, set())
            if guess.kind == "float":
                shapes.append(guess.shape)
        ranks = [self.spatial_rank + 2] if self.spatial_rank else [4, 3]
        shapes += [self._shape_of_rank(rank) for rank in [*ranks, 3, 2, 4]]
        if self.spatial_rank:
            shapes += [self._shape_of_rank(self.spatial_rank + 2, s) for s in (64, 32)]
        return list(dict.fromkeys(shapes))

    # After a failure

    def _repairs(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        for extra, change in _by_message(failure, self._spatial_sizes(failure)):
            yield from (
                (extra + more, new) for more, new in _apply(call, change, self._blamed(failure))
            )
        yield from self._guard_repairs(call, failure)
        yield from self._lists_of_slices(call, failure)
        yield from self._pyramids(call, failure)
        yield from self._side_before_flattening(call, failure)
        yield from self._give_optional(call, failure)
        yield from self._restructure(call, failure)

    def _spatial_sizes(self, failure: Failure) -> List[int]:
        if _TOO_SMALL.search(failure.message):
            return list(dict.fromkeys([*self.sizes, 64, 224, 32, 128, 96, 299, 256]))
        told = [int(n) for n in re.findall(r"\d+", failure.message) if 4 <= int(n) <= 512]
        return list(dict.fromkeys([*told[:4], *self.sizes, 32, 64, 128, 224, 8, 28]))

    def _blamed(self, failure: Failure) -> List[str]:
        spoken = failure.words
        named = [n for n in self.parameters if n in spoken]
        named += [
            n for n in self.parameters if n not in named and set(self.facts[n].names) & set(spoken)
        ]
        return named

    def _guard_repairs(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """Shapes and values that would have passed the condition that led to the raise."""
        guard = failure.guard
        if guard is None:
            return
        for local in guard.names:
            for name, spec in call.items():
                if local != name and local not in self.facts[name].names:
                    continue
                count = 0
                for other in _trials(spec, guard.numbers, guard.strings):
                    if count < 4 and guard.passes({local: _example(other)}):
                        count += 1
                        yield 0.5 + 0.1 * count, {**call, name: other}

    def _lists_of_slices(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """A layer saw `x[0]`: the model takes a list of tensors."""
        for name, spec in call.items():
            if isinstance(spec, Tensor) and len(spec.shape) > 1 and spec.shape[1:] in failure.shapes:
                for count in (2, 4, 3, 5):
                    yield 0.5 + 0.1 * count, {**call, name: Group("[", (spec,) * count)}

    def _pyramids(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """A list of feature maps, each half as large as the one before, or twice."""
        if "must match" not in failure.message and "Expected size" not in failure.message:
            return
        for name, spec in call.items():
            if isinstance(spec, Group) and spec.items and len(spec.items[0].shape) > 2:
                sides = [64 >> index for index in range(len(spec.items))]
                for order in (sides, sides[::-1]):
                    items = tuple(
                        item._replace(shape=_spatially(item.shape, max(side, 2)))
                        for item, side in zip(spec.items, order)
                    )
                    yield 0.4, {**call, name: spec._replace(items=items)}

    def _side_before_flattening(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """Two sizes that led to a flattened layer tell, as the side grows linearly, the third."""
        found = re.search(r"cannot be multiplied \(\d+x(\d+) and (\d+)x", failure.message)
        images = [s for s in call.values() if isinstance(s, Tensor) and len(s.shape) > 2]
        if not found or not images or images[0].kind != "float":
            return
        got, wanted = int(found.group(1)), int(found.group(2))
        power = 1.0 / (len(images[0].shape) - 2)
        sides = self.sides.setdefault(wanted, {})
        sides[images[0].shape[-1]] = got**power
        if len(sides) == 1:
            for size in (224, 128, 64, 32):
                yield 0.3, _apply_to_all(call, Change("spatial", b=size))
        if len(sides) > 1:
            (one, first), (two, second) = list(sides.items())[-2:]
            if one != two and first != second:
                size = one + (wanted**power - first) * (two - one) / (second - first)
                if 1 <= size <= 600:
                    yield 0.05, _apply_to_all(call, Change("spatial", b=round(size)))

    def _give_optional(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        absent = [n for n, spec in call.items() if spec == OMITTED]
        none = "None" in failure.message or failure.kind in (
            "ValueError",
            "AssertionError",
            "KeyError",
        )
        blamed = set(self._blamed(failure)) | {w for w in absent if w in failure.message}
        for step, name in enumerate(sorted(absent, key=lambda n: n not in blamed)):
            if none or name in blamed:
                extra = 0.8 if name in blamed else 2.5 + 0.2 * step
                for rank, option in enumerate(self._optional_values(self.parameters[name])):
                    yield extra + rank, {**call, name: option}

    def _optional_values(self, parameter: inspect.Parameter) -> List[Spec]:
        if isinstance(parameter.default, bool):
            return [Raw(str(not parameter.default))]
        if isinstance(parameter.default, str):
            facts = self.facts[parameter.name]
            return [Raw(repr(s)) for s in facts.literals if isinstance(s, str)]
        if type(parameter.default) in (int, float):
            return []
        if parameter.kind is parameter.VAR_POSITIONAL:
            return []
        return [self.guess(parameter.name, parameter)]

    def _restructure(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """A list where a tensor was given, a tensor where a list was, a number, a dictionary."""
        message = failure.message
        blamed = self._blamed(failure) or list(call)
        for name in blamed:
            spec = call[name]
            if isinstance(spec, Tensor):
                if re.search(r"must be tuple of Tensors|not Tensor$|sequence|list|tuple", message):
                    for count in (2, 3, 4):
                        yield 1.0 + 0.2 * count, {**call, name: Group("[", (spec,) * count)}
                if re.search(r"only integer tensors|an integer|float.*interpreted|int, not Tensor"
                             r"|must be int|can.t convert|Tensor.*ambiguous|unhashable", message):  # fmt: skip
                    for text in ("2", "0", "0.5", "(16, 16)", "False"):
                        yield 1.2, {**call, name: Raw(text)}
                key = re.search(
                    r"new\(\): invalid data type 'str'|too many indices|KeyError", message
                )
                if key or failure.kind in ("KeyError", "IndexError"):
                    table = self._table(name, self.facts[name])
                    if self.facts[name].mapping:
                        yield 0.8, {**call, name: table}
            elif isinstance(spec, Group) and re.search(
                r"'(list|tuple)' object|not (list|tuple)|list indices", message
            ):
                yield 0.8, {**call, name: spec.items[0]}
            elif isinstance(spec, Raw) and spec != OMITTED:
                if re.search(
                    r"'(int|float|str|bool|Identity)' object|not (int|float|str|bool)", message
                ):
                    yield 1.0, {**call, name: self._tensor(name, self.facts[name])}
            unpack = re.search(r"expected (?:at least )?(\d+)", message)
            if unpack and "unpack" in message and isinstance(spec, Tensor):
                yield 1.6, {**call, name: Group("(", (spec,) * int(unpack.group(1)))}
            if unpack and "unpack" in message and isinstance(spec, Group):
                yield 0.8, {**call, name: Group("(", spec.items[:1] * int(unpack.group(1)))}
            if "index out of range" in message and isinstance(spec, Group):
                for count in (len(spec.items) + 1, len(spec.items) + 2, 1):
                    yield 1.0, {**call, name: Group(spec.bracket, spec.items[:1] * count)}

    def _alternatives(self, call: Dict[str, Spec], failure: Failure) -> Iterator[Dict[str, Spec]]:
        """The systematic part: ranks 1 to 5, spatial sizes, kinds; blamed tensors first."""
        blamed = self._blamed(failure)
        names = sorted(call, key=lambda n: n not in blamed)
        for name in names:
            spec = call[name]
            if not isinstance(spec, Tensor):
                continue
            for rank in (4, 3, 2, 1, 5, 0):
                if rank != len(spec.shape):
                    yield {**call, name: spec._replace(shape=self._shape_of_rank(rank))}
            kinds = {"float": "long", "long": "float", "bool": "float"}
            yield {**call, name: spec._replace(kind=kinds.get(spec.kind, "float"))}
            if len(spec.shape) > 2:
                for size in SPATIAL_SIZES:
                    yield {**call, name: spec._replace(shape=_spatially(spec.shape, size))}
            for channels in (64, 3, 1, 16, 32, 128):
                if len(spec.shape) > 1:
                    shape = (spec.shape[0], channels, *spec.shape[2:])
                    yield {**call, name: spec._replace(shape=shape)}


_TOO_SMALL = re.compile(
    r"Kernel size can't be greater|size is too small|Padding size should be less|more than 1"
    r" value per channel|more than 1 spatial|non-empty|Calculated padded|reflection_pad"
    r"|smaller than kernel|maximum size for tensor|non-negative|too small"
)
_MAY_BE_SPATIAL = re.compile(
    r"must be greater than|Output size|out of bound|is invalid for input of size"
    r"|Sizes of tensors|size of tensor a"
)
_VAGUE = ("AssertionError", "ValueError", "ZeroDivisionError")


def _trials(spec: Spec, numbers: Tuple[int, ...], strings: Tuple[str, ...]) -> Iterator[Spec]:
    """The spec with one size, the last sizes, the rank or the value changed."""
    if isinstance(spec, Raw):
        for value in (*strings, *numbers, *(n + 1 for n in numbers), True, False, None):
            yield Raw(repr(value))
        return
    if not isinstance(spec, Tensor):
        return
    shape = spec.shape
    for number in numbers:
        if 0 < number <= 1024:
            for index in reversed(range(len(shape))):
                yield spec._replace(shape=(*shape[:index], number, *shape[index + 1 :]))
            if len(shape) > 2:
                yield spec._replace(shape=_spatially(shape, number))
    for rank in (1, 2, 3, 4, 5):
        yield spec._replace(shape=_with_rank(shape, rank))
    for kind in ("float", "long", "bool"):
        yield spec._replace(kind=kind)


def _example(spec: Spec) -> Any:
    return eval(spec.text, {"torch": torch})


# Changes that a message asks for


class Change(NamedTuple):
    """`action` on tensors: `dim` a->b, `rank` n, `kind` k, `spatial` s, `channel` b, `last` b,
    `high` n, `sizes` shape."""

    action: str
    a: int = 0
    b: int = 0
    kind: str = ""


def _by_message(failure: Failure, sizes: List[int]) -> Iterator[Tuple[float, Change]]:
    message = failure.message
    yield from _channel_messages(message)
    yield from _rank_messages(message)
    yield from _kind_messages(message)
    yield from _matching_messages(message)
    if _TOO_SMALL.search(message):
        for step, size in enumerate(sizes):
            yield 0.3 + 0.1 * step, Change("spatial", b=size)
    elif _MAY_BE_SPATIAL.search(message) or failure.kind in _VAGUE:
        for step, size in enumerate(sizes[:10]):
            yield 1.5 + 0.25 * step, Change("spatial", b=size)


def _channel_messages(message: str) -> Iterator[Tuple[float, Change]]:
    found = re.search(r"expected input\[.*?\] to have (\d+) channels, but got (\d+)", message)
    if found:
        wanted, got = int(found.group(1)), int(found.group(2))
        yield 0.3, Change("dim", got, wanted)
        yield 0.6, Change("channel", b=wanted)
        yield 0.9, Change("ratio", got, wanted)
    found = re.search(r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)", message)
    if found:
        got, wanted = int(found.group(2)), int(found.group(3))
        yield 0.3, Change("last", got, wanted)
        yield 0.6, Change("dim", got, wanted)
        yield 0.8, Change("area", got, wanted)
        yield 1.2, Change("ratio", got, wanted)
        yield 1.6, Change("last", 0, wanted)
    found = re.search(r"normalized_shape=\[([\d, ]+)\], expected input with shape .* size ?\[([\d, ]+)\]", message)  # fmt: skip
    if found:
        wanted, got = _last(found.group(1)), _last(found.group(2))
        yield 0.3, Change("last", got, wanted)
        yield 0.6, Change("dim", got, wanted)
        yield 1.2, Change("last", 0, wanted)
    found = re.search(r"should contain (\d+) elements not (\d+)", message)
    if found:
        yield 0.3, Change("dim", int(found.group(1)), int(found.group(2)))
        yield 0.6, Change("channel", b=int(found.group(2)))
    found = re.search(r"[Ee]xpected (?:to be divisible |number of channels in input |)(?:.*?)(\d+),? (?:but )?got (\d+)", message)  # fmt: skip
    if found:
        wanted, got = int(found.group(1)), int(found.group(2))
        yield 0.5, Change("dim", got, wanted)
        yield 0.9, Change("last", 0, wanted)
    found = re.search(r"sum exactly to (\d+).*split_sizes=\[([\d, ]+)\]", message)
    if found:
        total = sum(int(n) for n in found.group(2).split(","))
        yield 0.4, Change("dim", int(found.group(1)), total)


def _rank_messages(message: str) -> Iterator[Tuple[float, Change]]:
    found = re.search(r"not enough values to unpack \(expected (\d+)|too many values to unpack \(expected (\d+)", message)  # fmt: skip
    if found:
        yield 0.4, Change("rank", b=int(found.group(1) or found.group(2)))
    for number in re.findall(r"(\d)D", message)[:2]:
        if "xpected" in message or "support" in message:
            yield 0.4, Change("rank", b=int(number))
    found = re.search(r"Dimension out of range \(expected to be in range of \[-?\d+, -?\d+\], but got (-?\d+)", message)  # fmt: skip
    if found:
        got = int(found.group(1))
        needed = got + 1 if got >= 0 else -got
        yield 0.4, Change("rank", b=needed)
        yield 0.9, Change("rank", b=needed + 1)
    found = re.search(r"number of dims don't match|number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim\(\) = (\d) is not equal to len\(dims\) = (\d)", message)  # fmt: skip
    if found and found.group(2):
        yield 0.3, Change("rank", b=int(found.group(2)))
    found = re.search(r"subscripts in the equation \((\d)\) does not match the number of dimensions", message)  # fmt: skip
    if found:
        yield 0.3, Change("rank", b=int(found.group(1)))
    found = re.search(r"[Ee]xpected (\d) dim|must be (\d)-?[dD]|to have (\d) dim|(\d) dimensions? expected", message)  # fmt: skip
    if found:
        yield 0.4, Change("rank", b=int(next(g for g in found.groups() if g)))
    found = re.search(r"too many indices for tensor of dimension (\d)|index (\d) is out of range", message)  # fmt: skip
    if found:
        given = int(found.group(1) or found.group(2))
        yield 0.5, Change("rank", b=given + 1)
        yield 0.9, Change("rank", b=given + 2)
    if "tuple index out of range" in message:
        for rank in (3, 4, 5):
            yield 0.6, Change("rank", b=rank)


def _kind_messages(message: str) -> Iterator[Tuple[float, Change]]:
    if re.search(r"scalar types? Long|must be long|tensors used as indices|expected dtype int64|one_hot is only|int64|Long but got|only be? ?called on .*integ", message):  # fmt: skip
        yield 0.3, Change("kind", kind="long")
    if re.search(r"not implemented for '(Long|Bool)'|but (found|got|gets) (Long|long)|same dtype|Float but|long int|floating point|must match in|Can only calculate the mean", message):  # fmt: skip
        yield 0.4, Change("kind", kind="float")
    if re.search(r"boolean|bool tensor|Bool", message):
        yield 0.6, Change("kind", kind="bool")
    if "Class values must be" in message:
        yield 0.4, Change("kind", kind="long")
    if "complex" in message.lower():
        yield 0.6, Change("kind", kind="complex")
    if re.search(
        r"index out of range|out of bounds|IndexError|Class values must be|negative", message
    ):
        for high in (8, 4, 2, 1):
            yield 0.5 + 0.05 * (8 - high), Change("high", b=high)


def _matching_messages(message: str) -> Iterator[Tuple[float, Change]]:
    pairs: List[Tuple[int, int]] = []
    found = re.search(
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", message
    )
    if found:
        pairs.append((int(found.group(1)), int(found.group(2))))
    found = re.search(r"Expected size (\d+) but got size (\d+)", message)
    if found:
        pairs.append((int(found.group(1)), int(found.group(2))))
    found = re.search(r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)", message)  # fmt: skip
    if found:
        pairs.append((int(found.group(1)), int(found.group(2))))
    found = re.search(r"first two dimensions of batch2 tensor to be: \[(\d+), (\d+)\] but got: \[(\d+), (\d+)\]", message)  # fmt: skip
    if found:
        one, two, three, four = (int(g) for g in found.groups())
        pairs += [(one, three), (two, four)]
    for a, b in pairs:
        if a != b:
            yield 0.5, Change("dim", a, b)
            yield 0.6, Change("dim", b, a)
            yield 1.0, Change("ratio", a, b)
            yield 1.0, Change("ratio", b, a)
    if not pairs:
        numbers = [int(n) for n in re.findall(r"\b\d+\b", message)][:8]
        for wanted in dict.fromkeys(numbers):
            for got in dict.fromkeys(numbers):
                if wanted != got and wanted > 0:
                    yield 1.3, Change("dim", got, wanted)


def _apply(
    call: Dict[str, Spec], change: Change, blamed: List[str]
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """The change in all tensors at once, and in each alone; blamed ones are cheaper."""
    changed: Dict[str, Spec] = {}
    for name, spec in call.items():
        new = _changed(spec, change)
        if new != spec:
            changed[name] = new
    for name, spec in call.items():
        if isinstance(spec, Group) and change.action in ("dim", "channel", "last"):
            for index, item in enumerate(spec.items):
                items = list(spec.items)
                items[index] = _changed_tensor(item, change)
                yield 0.05 * index, {**call, name: spec._replace(items=tuple(items))}
    singles = list(changed.items())
    if len(singles) > 1 and change.action in ("dim", "spatial", "ratio"):
        yield 0.0, {**call, **changed}
    for step, (name, new) in enumerate(singles):
        yield 0.1 * step + (0.0 if name in blamed else 0.25), {**call, name: new}


def _apply_to_all(call: Dict[str, Spec], change: Change) -> Dict[str, Spec]:
    return {name: _changed(spec, change) for name, spec in call.items()}


def _changed(spec: Spec, change: Change) -> Spec:
    if isinstance(spec, Group):
        items = tuple(_changed_tensor(item, change) for item in spec.items)
        return spec._replace(items=items)
    if isinstance(spec, Table):
        return Table(tuple((key, _changed_tensor(item, change)) for key, item in spec.items))
    return _changed_tensor(spec, change) if isinstance(spec, Tensor) else spec


def _changed_tensor(spec: Tensor, change: Change) -> Tensor:
    shape = spec.shape
    if change.action == "dim":
        shape = tuple(change.b if size == change.a else size for size in shape)
    elif change.action == "channel" and len(shape) > 1:
        shape = (shape[0], change.b, *shape[2:])
    elif change.action == "last" and shape and (not change.a or shape[-1] == change.a):
        shape = (*shape[:-1], change.b)
    elif change.action == "spatial" and len(shape) > 2 and spec.kind == "float":
        shape = _spatially(shape, change.b)
    elif change.action == "rank":
        shape = _with_rank(shape, change.b)
    elif change.action == "kind":
        return spec._replace(kind=change.kind)
    elif change.action == "high" and spec.kind == "long":
        return spec._replace(high=min(change.b, spec.high))
    elif change.action == "ratio" and len(shape) > 1 and change.a:
        scaled = shape[1] * change.b // change.a
        if scaled * change.a == shape[1] * change.b and scaled > 0:
            shape = (shape[0], scaled, *shape[2:])
    elif change.action == "area" and len(shape) > 2 and change.a:
        side = shape[-1] * (change.b / change.a) ** (1 / (len(shape) - 2))
        shape = _spatially(shape, max(int(round(side)), 1))
    return spec._replace(shape=shape) if all(0 < s <= 4096 for s in shape) else spec


def _spatially(shape: Shape, size: int) -> Shape:
    return (*shape[:2], *(size,) * (len(shape) - 2))


def _with_rank(shape: Shape, rank: int) -> Shape:
    if rank == len(shape) or not 0 <= rank <= 6:
        return shape
    if rank < len(shape):
        return (*shape[: rank - 1], shape[-1]) if len(shape) == 3 and rank else shape[:rank]
    if len(shape) >= 3:
        return (*shape, *(shape[-1],) * (rank - len(shape)))
    if len(shape) == 2:
        middle = (words.LENGTH,) if rank == 3 else ()
        tail = (words.SPATIAL,) * (rank - 2) if rank > 3 else ()
        return (shape[0], *middle, shape[1]) if middle else (*shape, *tail)
    width = shape[-1] if shape else words.CHANNELS
    return _with_rank((words.BATCH, width), rank) if rank != 2 else (words.BATCH, width)


def _last(numbers: str) -> int:
    return int(numbers.split(",")[-1])


# What layers and names say


def _first_layer(model: Any) -> Any:
    for module in model.modules():
        if is_torch(type(module)) and _layout(module) and _layout(module) != "any":
            return module
    return None


def _layout(layer: Any) -> str:
    """How a layer of torch, or a function of torch, reads its input; empty if unknown."""
    name = getattr(layer, "__name__", None) or type(layer).__name__
    if not isinstance(layer, torch.nn.Module):
        if name == "embedding" or name == "one_hot":
            return "tokens"
        return "spatial" if re.search(r"(conv|pool|pad)\w*[123]d$|pixel_|interpolate", name) else ""
    if re.search(r"Embedding", name):
        return "tokens"
    if re.search(r"[123]d$", name) and hasattr(layer, "__dict__"):
        return "spatial" if not re.match(r"Dropout|Feature", name) else ""
    if re.match(r"PixelShuffle|PixelUnshuffle|Upsample|GroupNorm", name):
        return "spatial"
    if re.match(r"Linear|Bilinear|LazyLinear", name):
        return "rows"
    if re.match(r"LSTM|GRU|RNN|MultiheadAttention|Transformer", name):
        return "steps"
    if re.match(r"LayerNorm|RMSNorm", name):
        return "rows"
    return ""


def _for_layer(layer: Any, ranks: List[int], spatial_rank: int, found: typing.Set[str]) -> Tensor:
    layout = _layout(layer)
    rank = max(ranks) if ranks else 0
    if layout == "tokens":
        high = getattr(layer, "num_embeddings", 2)
        return Tensor("long", (words.BATCH, words.LENGTH), high if type(high) is int else 2)
    if layout == "spatial":
        digits = re.search(r"([123])d", getattr(layer, "__name__", type(layer).__name__))
        spatial = int(digits.group(1)) if digits else spatial_rank or 2
        channels = words.CHANNELS
        for attribute in ("in_channels", "num_features", "num_channels"):
            value = getattr(layer, attribute, None)
            channels = value if type(value) is int and value > 0 else channels
        if rank > spatial + 2:
            spatial = rank - 2
        return Tensor("float", (words.BATCH, channels, *(words.SPATIAL,) * spatial))
    width = words.CHANNELS
    for attribute in ("in_features", "in1_features", "input_size", "embed_dim", "d_model"):
        value = getattr(layer, attribute, None)
        width = value if type(value) is int and value > 0 else width
    shape = getattr(layer, "normalized_shape", None)
    if isinstance(shape, tuple) and shape:
        width = int(shape[-1])
    if rank == 0:
        rank = 3 if layout == "steps" or found & {"hidden", "states", "tokens", "seq"} else 2
        rank = (
            spatial_rank + 2
            if spatial_rank and layout == "rows" and not found & {"hidden"}
            else rank
        )
    middle: Shape = (words.LENGTH,) if rank == 3 else (words.SPATIAL,) * max(rank - 2, 0)
    return Tensor("float", (words.BATCH, *middle, width) if rank > 1 else (width,))


def _spatial_rank(model: Any) -> int:
    for module in model.modules():
        digits = re.search(r"([123])d$", type(module).__name__)
        if digits and is_torch(type(module)):
            return int(digits.group(1))
    return 0


def _sizes_named_in(model: Any) -> List[int]:
    """Sizes that modules of the model keep, such as `self.img_size = (64, 64)`."""
    sizes: List[int] = []
    for module in model.modules():
        for key, value in vars(module).items():
            if re.search(
                r"(img|image|input|in|spatial)_?(size|resolution|shape)|^size$|resolution", key
            ):
                first = value[-1] if isinstance(value, (tuple, list)) and value else value
                if type(first) is int and 4 <= first <= 512 and first not in sizes:
                    sizes.append(first)
    return sizes[:4]


def _by_words(name: str, found: typing.Set[str], width: int) -> Optional[Tensor]:
    batch, length = words.BATCH, words.LENGTH
    if found >= {"edge", "index"} or name in ("adj_t", "edge_label_index"):
        return Tensor("long", (2, EDGES), NODES)
    if found & {"edge"} and found & {"weight"}:
        return Tensor("positive", (EDGES,))
    if found & {"edge"} and found & {"attr", "feat", "features"}:
        return Tensor("float", (EDGES, width))
    if found & {"edge"} and found & {"type", "types"}:
        return Tensor("long", (EDGES,), 2)
    if name in ("batch", "batch_index", "index"):
        return Tensor("long", (NODES,), 2)
    if name in ("pos", "coords", "xyz", "points"):
        return Tensor("float", (NODES, 3))
    if found & {"mask"}:
        return Tensor("bool", (batch, length))
    if name in ("idx", "tokens", "token", "src", "tgt", "trg", "labels", "label", "ids") or (
        found & {"ids", "token"} and not found & {"embeds", "embeddings"}
    ):
        return Tensor("long", (batch, length), 2)
    if found & {"lengths", "lens"}:
        return Tensor("long", (batch,), 2)
    if found & {"timestep", "timesteps"} or name == "t":
        return Tensor("positive", (batch,))
    if found & {"hidden", "embeds", "query", "key", "value", "memory"} and not found & {"size"}:
        return Tensor("float", (batch, length, width))
    return None


def _gives_tensor(name: str, parameter: inspect.Parameter, function: Any) -> bool:
    annotation = str(annotation_of(parameter, function))
    if isinstance(parameter.default, (bool, int, float, str)):
        return False
    return "Tensor" in annotation or bool(
        set(words.words_of(name))
        & {"x", "input", "inputs", "ids", "hidden", "embeds", "img", "values"}
    )
