"""Inputs of one call: guesses from the signature and the live layers, then a steered search."""

from __future__ import annotations

import inspect
import itertools
import math
import re
import typing
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch

from . import words
from .bestfirst import BestFirst
from .documented import likely_size, shapes_of
from .guards import Guard
from .laboratory import Draft, Failure
from .layouts import (
    by_words,
    first_layer,
    for_layer,
    gives_tensor,
    is_class_of_loss,
    layout,
    of_levels,
    sizes_named_in,
    spatial_rank,
)
from .messages import STATISTICS, TOO_SMALL, Change, changes
from .parsing import inputs_of
from .reading import (
    ELEMENT,
    RECURRENT,
    STATE,
    Facts,
    Reader,
    annotation_of,
    forward_of,
    is_torch,
    plain_function,
    signature_of,
)
from .sizes import disagreeing
from .specs import (
    EDGES,
    NODES,
    OMITTED,
    Call,
    Group,
    Raw,
    Shape,
    Spec,
    Table,
    Tensor,
    apply,
    apply_to_all,
    children_of,
    example,
    is_small,
    numbers_in,
    other_shapes,
    spatially,
    tensors_of,
    trials,
    with_children,
    with_rank,
    with_tensor,
)
from .watch import Operand

_KINDS = {
    "BoolTensor": "bool",
    **dict.fromkeys(("LongTensor", "IntTensor", "ShortTensor"), "long"),
}
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)
NESTING = 3  # of tables in each other
PAIRED = 8  # values of optional inputs that are given two by two
LARGEST_AREA = 256**2
MANY_NUMBERS = 1 << 19  # in all tensors of a call
OBLONG_SIDES = (40, 32, 48, 60, 64, 24, 80, 96, 120, 128)
_SCORES = (
    *("pred", "preds", "prediction", "predictions", "predict", "logit", "logits", "score"),
    *("scores", "prob", "probs", "input", "inputs", "output", "outputs", "cls"),
)
_TARGETS = ("target", "targets", "label", "labels", "gt", "true", "truth", "mask", "masks")
_COUNTS_OF_CLASSES = ("num_classes", "n_classes", "nclass", "num_class", "classes", "class_num")
LARGER_SIDES = (64, 128)
SPATIAL_SIZES = (8, 16, 32, 64, 28, 224)
_NOT_TENSOR = re.compile(r"must be tuple of Tensors|not Tensor$|sequence|list|tuple")
_NOT_NUMBER = re.compile(
    r"only integer tensors|an integer|float.*interpreted|int, not Tensor|must be int"
    r"|can.t convert|Tensor.*ambiguous|unhashable|tuple of ints"
)
_NOT_PLAIN = re.compile(r"'(int|float|str|bool|Identity)' object|not (int|float|str|bool)")
_OF_DIMENSIONS = ("dim", "axis")
_OF_GRAPHS = ("edge_index", "index", "adj_t")
_NOT_LIST = re.compile(r"'(list|tuple)' object|not (list|tuple)|list indices|got \((list|tuple)\b")
_OF_TABLES = ("items", "keys", "values", "get", "update", "pop", "copy")
_NOT_OF_ONE_RANK = re.compile(r"must match|same number of dimensions")
_VIEWED = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size")
_GOT_AND_WANTED = re.compile(  # features, of rows or of steps
    r"cannot be multiplied \(\d+x(?P<got>\d+) and (?P<wanted>\d+)x"
    r"|equal to input_size. Expected (?P<wanted_steps>\d+), got (?P<got_steps>\d+)"
    r"|inconsistent input_size: got (?P<got_cell>\d+),? expected (?P<wanted_cell>\d+)"
)
_CHANNELS_GOT = re.compile(r"to have (\d+) channels, but got (\d+)")
_REPEATED = re.compile(r"dimensions of repeat dims can not be smaller")
_INDEXED = re.compile(r"indexing tensors could not be broadcast together with shapes (.*)")
_EXPANDED = re.compile(r"sizes provided \((\d)\) must be greater or equal .* tensor \((\d)\)")
_UNPACKED_FROM = re.compile(r"unpack \(expected (\d+), got (\d+)")
_LACKING = re.compile(r"'Tensor' object has no attribute '(\w+)'")
_PACKED = re.compile(r"PackedSequence|'Tensor' object has no attribute 'batch_sizes'")
_TOO_MANY = re.compile(r"too many values to unpack \(expected (\d+)")
_UNPACKED = re.compile(r"unpack.*expected (?:at least )?(\d+)")


class Inputs:
    """What to try for `model(...)`. The facts are read with the live model at hand."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.function = _called(model)
        self.reader = Reader(type(model), model)
        self.layer = first_layer(model)
        self.spatial_rank = spatial_rank(model)
        self.sizes = sizes_named_in(model)
        signature = signature_of(self.function)
        parameters = list(signature.parameters.values())[1:] if signature else []
        self.parameters = {
            p.name: p for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD
        }
        self.facts = {name: self.reader.facts(self.function, name) for name in self.parameters}
        self.is_graph = any(name in _OF_GRAPHS for name in self.parameters)
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

    def positional(self, call: Call) -> List[str]:
        """The names of the arguments that `draft` gives by position."""
        names: List[str] = []
        for name, spec in call:
            kind = self.parameters[name].kind
            if spec == OMITTED or kind is inspect.Parameter.KEYWORD_ONLY:
                break
            names.append(name)
            if kind is inspect.Parameter.VAR_POSITIONAL:
                break
        return names

    def learn(self, cost: float, call: Call, failure: Failure) -> None:
        """Queues what to try after this call failed."""
        for extra, changed in self._repairs(dict(call), failure):
            self._push(cost + extra, changed)
        for step, changed in enumerate(self._alternatives(dict(call), failure)):
            self._push(cost + 3.0 + 0.3 * step, changed)

    def _push(self, cost: float, call: Dict[str, Spec]) -> None:
        """Large tensors cost more: a call of them takes as long as many of small ones; one of
        millions of numbers takes the time of all that could be tried."""
        if all(is_small(spec.shape) for spec in call.values() if isinstance(spec, Tensor)):
            numbers = sum(numbers_in(spec) for spec in call.values())
            cost += 0.5 * math.log2(max(numbers / MANY_NUMBERS, 1))
            self.queue.push(cost, tuple(call.items()))

    def parsed(self, source: str) -> Optional[Call]:
        """The call that the inputs of a recipe make; None if they are written in another way."""
        read = inputs_of(source)
        names = [n for n, p in self.parameters.items() if p.kind in _POSITIONAL]
        if read is None or len(read[0]) > len(names) or set(read[1]) - set(self.parameters):
            return None
        call: Dict[str, Spec] = dict.fromkeys(self.parameters, OMITTED)
        call.update(zip(names, read[0]))
        call.update(read[1])
        return tuple(call.items())

    def variants(self, call: Call, deciding: Sequence[str] = ()) -> Iterator[Call]:
        """The same call with optional arguments given or left out, flags flipped.

        `deciding`: names that decide what runs; inputs among them come first, and in other shapes.
        Each change alone, then optional arguments two by two.
        """
        current = dict(call)
        near = [name for name in dict.fromkeys(deciding) if name in self.parameters]
        changes = [(name, other) for name in near for other in self._others(name, current[name])]
        rest = [
            (name, option)
            for name, parameter in self.parameters.items()
            if parameter.default is not parameter.empty and name not in near
            for option in self._optional_values(parameter)
            if option != current[name]
        ]
        for single, paired in ((changes, changes), (rest, [*changes, *rest] if rest else [])):
            yield from (tuple({**current, name: option}.items()) for name, option in single)
            given = [(name, other) for name, other in paired if current[name] == OMITTED]
            alone = [(name, other) for name, other in single if current[name] == OMITTED]
            for together in (alone, given):
                if len(dict(together)) > 1:
                    for each in (reversed(together), together):  # the first value, or the last
                        yield tuple({**current, **dict(each)}.items())
            for pair in itertools.combinations(given[:PAIRED], 2):
                if len(dict(pair)) > 1:
                    yield tuple({**current, **dict(pair)}.items())

    def _others(self, name: str, now: Spec) -> Iterator[Spec]:
        """Another value for an input: given or left out, an option, another shape or kind."""
        parameter = self.parameters[name]
        found: List[Spec] = []
        if parameter.default is not parameter.empty:
            found += [OMITTED, *self._optional_values(parameter)]
        numbers = [n for n in self.facts[name].literals if type(n) is int]
        strings = [s for s in self.facts[name].literals if isinstance(s, str)]
        if isinstance(now, Tensor):
            found += other_shapes(now)
        if now == OMITTED:
            values = [*strings, *numbers, *(n + 1 for n in numbers), True]
            is_flag = isinstance(parameter.default, bool)
            found += [Raw(repr(v)) for v in values[:8] if not is_flag]
        else:
            found += list(itertools.islice(trials(now, tuple(numbers), tuple(strings)), 12))
        same = (now, Raw(repr(parameter.default)) if now == OMITTED else now)
        yield from (spec for spec in dict.fromkeys(found) if spec not in same)

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
                if first[name] == OMITTED and gives_tensor(name, parameter, self.function):
                    given = {**first, name: self.guess(name, parameter)}
                    yield tuple(given.items())
                    break
        documented = self._as_documented(first)
        if documented != first:
            yield tuple(documented.items())
        yield tuple(first.items())
        yield from (tuple(call.items()) for call in self._as_losses(first))
        for name, spec in first.items():
            if isinstance(spec, Tensor) and spec.kind == "float":
                for shape in main:
                    yield tuple({**first, name: spec._replace(shape=shape)}.items())
                break

    def _as_losses(self, call: Dict[str, Spec]) -> Iterator[Dict[str, Spec]]:
        """Scores and what they should be: a class a pixel, a class a row, as many numbers."""
        given = [name for name, spec in call.items() if isinstance(spec, Tensor)]
        if not (len(given) > 1 and _is_among(given[0], _SCORES) and _is_among(given[1], _TARGETS)):
            return
        counts = (getattr(self.model, name, None) for name in _COUNTS_OF_CLASSES)
        classes = next((n for n in counts if type(n) is int and n > 0), words.HEADS)
        sides = (words.SPATIAL, words.SPATIAL)
        for rest in (sides, ()):
            scores = Tensor("float", (words.BATCH, classes, *rest))
            target = Tensor("long", (words.BATCH, *rest), classes)
            yield {**call, given[0]: scores, given[1]: target}
            yield {**call, given[0]: scores, given[1]: scores._replace(kind="positive")}

    def _as_documented(self, call: Dict[str, Spec]) -> Dict[str, Spec]:
        """The tensors with the dimensions that the docstring gives them."""
        sizes: Dict[str, int] = {}
        made = dict(call)
        for name, symbols in shapes_of(self.function, self.parameters).items():
            spec = call.get(name)
            if isinstance(spec, Tensor):
                likely = [likely_size(one, index == 0) for index, one in enumerate(symbols)]
                near = spec.shape if len(spec.shape) == len(symbols) else likely
                for index, one in enumerate(symbols):
                    sizes.setdefault(one, likely[index] if one.isdigit() else near[index])
                made[name] = spec._replace(shape=tuple(sizes[one] for one in symbols))
        return made

    def guess(self, name: str, parameter: inspect.Parameter) -> Spec:
        spec = self._guess(name, parameter)
        if self.is_graph and isinstance(spec, Tensor) and spec.shape[:1] == (words.BATCH,):
            return spec._replace(shape=_of_nodes(spec.shape)) if spec.kind == "float" else spec
        return spec

    def _guess(self, name: str, parameter: inspect.Parameter) -> Spec:
        levels = of_levels(set(words.words_of(name)))
        if levels:
            return Raw(levels)
        named = by_words(name, set(words.words_of(name)), self._width())
        if named is not None and named.shape == (2, EDGES):
            return named
        annotation = annotation_of(parameter, self.function)
        facts = self.facts.get(name) or Facts()
        for one in [annotation, *facts.annotations]:
            spec = self._by_annotation(name, one, facts)
            if spec is not None:
                return spec
        if name in _OF_DIMENSIONS and not facts.layers:
            return Raw("1")
        return self._by_use(name, facts)

    def _by_use(self, name: str, facts: Facts, depth: int = 0) -> Spec:
        """A value by what the code does with it. Tables may hold others, lists may hold tables."""
        if depth > NESTING:
            return self._tensor(name, facts)
        held = self._held(facts)
        if held and not facts.layers:
            items = ((key, self._by_use(key, facts.parts[key], depth + 1)) for key in held)
            return Table(tuple(items), True)
        if facts.mapping and not facts.layers:
            return self._table(name, facts, depth)
        element = facts.parts.get(ELEMENT)
        if element is not None and (element.layers or element.mapping):
            items_of = (self._by_use(name, element, depth + 1),)
            return Group("[", items_of * max(facts.length, 2))
        if facts.spread or (facts.sequence and facts.length > 1 and not facts.ranks):
            return Group("[", (self._tensor(name, Facts()),) * max(facts.length, 2))
        strings = [s for s in facts.literals if isinstance(s, str)]
        if strings:
            return Raw(repr(strings[0]))
        if facts.called is not None and not (facts.layers or facts.ranks or facts.methods):
            return Raw("torch.nn.Identity()")
        return self._tensor(name, facts)

    def _held(self, facts: Facts) -> List[str]:
        """Attributes that are asked of an input and that no tensor has: it is an object."""
        asked = [key for key, part in facts.attributes.items() if part.called is None]
        foreign = [key for key in asked if not hasattr(torch.Tensor, key) and key.isidentifier()]
        return [key for key in asked if key in foreign or len(key) == 1] if foreign else []

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
        if isinstance(annotation, type) and _is_of_tensors(annotation):
            return self._tensor(name, facts, _KINDS.get(annotation.__name__, ""))
        if annotation is torch.nn.utils.rnn.PackedSequence:
            return self._packed()
        if "Callable" in str(annotation):
            return Raw("torch.nn.Identity()")
        return None

    def _group(self, name: str, origin: Any, inner: Tuple[Any, ...], facts: Facts) -> Spec:
        bracket = "(" if origin is tuple else "["
        if inner and all(one is int for one in inner if one is not Ellipsis):
            if set(words.words_of(name)) & {"index", "indices", "idx", "ids"}:
                return Raw(bracket + "0, 1" + (")" if bracket == "(" else "]"))
            count = len(inner) if origin is tuple and Ellipsis not in inner else 2
            return Raw("({})".format(", ".join([str(words.SPATIAL)] * count)))
        count = facts.length or (len(inner) if origin is tuple and Ellipsis not in inner else 2)
        element = facts.parts.get(ELEMENT) or Facts()
        return Group(bracket, (self._tensor(name, element),) * max(count, 1))

    def _table(self, name: str, facts: Facts, depth: int = 0) -> Spec:
        items = [
            (key, self._by_use(key, part, depth + 1))
            for key, part in facts.parts.items()
            if key != ELEMENT and key not in ("items", "keys", "values", "get")
        ]
        return Table(tuple(items) or (("a", self._tensor("a", Facts())),))

    def _tensor(self, name: str, facts: Facts, kind: str = "") -> Tensor:
        found = set(words.words_of(name))
        states = [one.callee for one in facts.passed if one.name == STATE]
        recurrent = next((one for one in states if isinstance(one, RECURRENT)), None)
        if recurrent is not None:
            return Tensor("float", _shape_of_state(recurrent))
        if not kind and is_class_of_loss(facts, "target"):
            return Tensor("long", (words.BATCH,), 2)
        if not kind and is_class_of_loss(facts, "input") and not facts.ranks:
            return Tensor("float", self._shape_of_rank(2))
        layer = next((one for one in facts.layers if layout(one)), None)
        if layer is not None:
            made = for_layer(layer, facts.ranks, self.spatial_rank, found)
            return made._replace(kind=kind) if kind and made.kind == "float" else made
        if "long" in facts.methods and not kind:
            kind = "long"
        by_name = by_words(name, found, self._width())
        if by_name is not None and not (by_name.kind == "float" and (facts.ranks or facts.index)):
            return by_name._replace(kind=kind) if kind and by_name.kind == "float" else by_name
        item = facts.parts.get(ELEMENT) or Facts()
        if (facts.index or item.index) and not facts.ranks:
            return Tensor("long", (words.BATCH,), 2)
        if kind == "long":
            return Tensor("long", (words.BATCH, words.LENGTH), 2)
        if max(facts.ranks, default=0) > 1:  # `x.shape[0]` alone tells none
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
            guess = for_layer(self.layer, [], self.spatial_rank, set())
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
        found = changes(failure.kind, failure.message, self._spatial_sizes(failure))
        for extra, change in found:
            yield from (
                (extra + more, new) for more, new in apply(call, change, self._blamed(failure))
            )
            for operand in failure.operands if change.action == "rank" else ():
                if not operand.itself:
                    yield from self._relative_ranks(call, operand, change.b)
        expanded = _EXPANDED.search(failure.message)
        for operand in failure.operands if expanded else ():
            yield from self._relative_ranks(
                call, operand, int(expanded.group(1)) if expanded else 0
            )
        for operand in failure.operands if _REPEATED.search(failure.message) else ():
            yield from self._relative_ranks(call, operand, len(operand.shape) - 1)
        yield from _folded_sides(call, failure)
        yield from _indices_of_rows(call, failure)
        yield from _one_in_a_batch(call, failure)
        yield from self._numbers_by_name(call, failure)
        unpacked = _UNPACKED_FROM.search(failure.message)
        if unpacked:
            wanted, got = int(unpacked.group(1)), int(unpacked.group(2))
            for operand in failure.operands:
                yield from self._relative_ranks(call, operand, len(operand.shape) + wanted - got)
        too_many = _TOO_MANY.search(failure.message)
        for operand in failure.operands if too_many else ():
            if operand.names and operand.shape:
                change = Change("dim", operand.shape[0], int(too_many.group(1)) if too_many else 0)
                yield from ((0.7 + c, new) for c, new in apply(call, change, sorted(operand.names)))
        if failure.operator == "squeeze" and "Dimension out of range" in failure.message:
            for operand in failure.operands:
                yield from _with_one_more(call, operand)
        yield from self._rows_of_statistics(call, failure)
        yield from self._ranks_that_agree(call, failure)
        yield from self._ranks_before_views(call, failure)
        yield from self._guard_repairs(call, failure)
        yield from self._lists_of_slices(call, failure)
        yield from self._pyramids(call, failure)
        yield from self._side_before_flattening(call, failure)
        yield from _sides_of_areas(call, failure)
        yield from self._give_optional(call, failure)
        yield from self._restructure(call, failure)

    def _numbers_by_name(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """What meets a tensor of another size and is named as a factor is a plain number."""
        names = self._blamed(failure) if disagreeing(failure.message) else []
        for name in names:
            likely = words.guesses(name)[:1]
            if likely == ["1.0"] and isinstance(call[name], Tensor):
                yield 0.3, {**call, name: Raw(likely[0])}

    def _spatial_sizes(self, failure: Failure) -> List[int]:
        if TOO_SMALL.search(failure.message):
            return list(dict.fromkeys([*self.sizes, 64, 224, 32, 128, 96, 299, 256]))
        told = [int(n) for n in re.findall(r"\d+", failure.message) if 4 <= int(n) <= 512]
        return list(dict.fromkeys([*told[:4], *self.sizes, 32, 64, 128, 224, 8, 28]))

    def _blamed(self, failure: Failure) -> List[str]:
        """Inputs that the operator that raised was given or that stand on its line, then the
        others that what it was given was made of."""
        given = [one for one in failure.operands if one.itself]
        made = sorted(failure.operands, key=lambda one: len(one.names))
        spoken = set(failure.words)
        named = [n for n in self.parameters if n in spoken]
        known = [n for n in self.parameters if set(self.facts[n].names) & spoken]
        direct = [n for one in given for n in sorted(one.names)]
        further = [n for one in made if failure.operator for n in sorted(one.names)]
        found = dict.fromkeys([*direct, *named, *known, *further])
        return [n for n in found if n in self.parameters]

    def _relative_ranks(
        self, call: Dict[str, Spec], operand: Operand, wanted: int
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """As many more or fewer dimensions as what was made of the input lacks or has too many."""
        for name in sorted(operand.names):
            spec = call.get(name, OMITTED)
            for index, one in enumerate(tensors_of(spec)):
                rank = len(one.shape) + wanted - len(operand.shape)
                if 0 <= rank <= 6 and rank != len(one.shape):
                    new = one._replace(shape=with_rank(one.shape, rank))
                    yield 0.35 + 0.05 * index, {**call, name: with_tensor(spec, index, new)}

    def _rows_of_statistics(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """Statistics of the last dimension, not of the second: what was normalised are rows."""
        asked = STATISTICS.search(failure.message)
        for operand in failure.operands if asked else ():
            surplus = len(operand.shape) - 2
            if surplus > 0 and asked and operand.shape[-1] == int(asked.group(2)):
                tensors = [(n, call.get(n)) for n in sorted(operand.names)]
                rows = {
                    name: spec._replace(shape=with_rank(spec.shape, len(spec.shape) - surplus))
                    for name, spec in tensors
                    if isinstance(spec, Tensor) and len(spec.shape) > surplus
                }
                yield 0.3, {**call, **{n: s for n, s in rows.items() if s.kind == "float"}}

    def _ranks_that_agree(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """Operands of different rank that do not broadcast are given one rank."""
        if len(failure.operands) < 2:
            return
        if failure.operator.startswith("conv"):
            layer = len(failure.operands[1].shape)
            yield from self._relative_ranks(call, failure.operands[0], layer)
        if not _NOT_OF_ONE_RANK.search(failure.message):
            return
        ranks = sorted({len(operand.shape) for operand in failure.operands})
        for wanted in ranks if len(ranks) > 1 else ():
            for operand in failure.operands:
                for cost, new in self._relative_ranks(call, operand, wanted):
                    yield cost + 0.4, new

    def _ranks_before_views(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """`style.view(n, c, 1, 1)`: what is viewed has the dimensions before the ones alone."""
        viewed = _VIEWED.search(failure.message)
        sizes = [int(one) for one in viewed.group(1).split(",")] if viewed else []
        while sizes and sizes[-1] == 1:
            sizes.pop()
            for operand in failure.operands:
                if list(operand.shape[: len(sizes)]) == sizes and sizes[-1:] != [1]:
                    yield from self._relative_ranks(call, operand, len(sizes))

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
                for other in trials(spec, guard.numbers, guard.strings):
                    is_small_enough = all(is_small(one.shape) for one in tensors_of(other))
                    if count < 4 and is_small_enough and guard.passes({local: example(other)}):
                        count += 1
                        yield 0.5 + 0.1 * count, {**call, name: other}
        yield from self._shapes_that_agree(call, guard)
        yield from _sides_that_pass(call, guard)
        yield from self._sizes_that_pass(call, failure, guard)

    def _shapes_that_agree(
        self, call: Dict[str, Spec], guard: Guard
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """An input whose shape was compared with another one gets that one, be it of a part."""
        for shaped in guard.shapes:
            for name, spec in call.items():
                if shaped.name != name and shaped.name not in self.facts[name].names:
                    continue
                if isinstance(spec, Tensor) and spec.shape == shaped.shape:
                    yield 0.3, {**call, name: spec._replace(shape=shaped.other)}

    def _sizes_that_pass(
        self, call: Dict[str, Spec], failure: Failure, guard: Guard
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """A local number that the condition asks about is a size: others that it lets through."""
        for local in guard.names:
            now = guard.local.get(local)
            if type(now) is not int or now <= 0:
                continue
            likely = (*guard.numbers, *(now * n for n in (*guard.numbers, 3)), *range(1, 257))
            passing = (n for n in dict.fromkeys(likely) if n > 0 and guard.passes({local: n}))
            for step, size in enumerate(itertools.islice(passing, 4)):
                for more, new in apply(call, Change("dim", now, size), self._blamed(failure)):
                    yield 0.6 + 0.1 * step + more, new

    def _lists_of_slices(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """A layer saw `x[0]`: the model takes a list of tensors."""
        for name, spec in call.items():
            if (
                isinstance(spec, Tensor)
                and len(spec.shape) > 1
                and spec.shape[1:] in failure.shapes
            ):
                for count in (2, 4, 3, 5):
                    yield 0.5 + 0.1 * count, {**call, name: Group("[", (spec,) * count)}

    def _pyramids(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """A list of feature maps, each half as large as the one before, or twice."""
        if "must match" not in failure.message and "Expected size" not in failure.message:
            return
        for name, spec in call.items():
            maps = [one for one in children_of(spec) if isinstance(one, Tensor)]
            if isinstance(spec, Group) and maps and len(maps[0].shape) > 2:
                sides = [64 >> index for index in range(len(maps))]
                for order in (sides, sides[::-1]):
                    items = tuple(
                        item._replace(shape=spatially(item.shape, max(side, 2)))
                        for item, side in zip(maps, order)
                    )
                    yield 0.4, {**call, name: spec._replace(items=items)}

    def _side_before_flattening(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """Two sizes that led to a flattened layer tell, as the side grows linearly, the third."""
        found = _GOT_AND_WANTED.search(failure.message)
        images = [s for s in call.values() if isinstance(s, Tensor) and len(s.shape) > 2]
        if not found or not images or images[0].kind != "float":
            return
        got, wanted = (
            int(found.group(key) or found.group(key + "_steps") or found.group(key + "_cell"))
            for key in ("got", "wanted")
        )
        power = 1.0 / (len(images[0].shape) - 2)
        sides = self.sides.setdefault(wanted, {})
        sides[images[0].shape[-1]] = got**power
        if len(sides) == 1:
            for size in (224, 128, 64, 32):
                yield 0.3, apply_to_all(call, Change("spatial", b=size))
        if len(sides) > 1:
            (one, first), (two, second) = list(sides.items())[-2:]
            if one != two and first != second:
                size = one + (wanted**power - first) * (two - one) / (second - first)
                if 1 <= size <= 600:
                    yield 0.05, apply_to_all(call, Change("spatial", b=round(size)))
                if power == 0.5:
                    slope = (second - first) / (two - one)
                    yield from _oblong(call, slope, first - slope * one, wanted)

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
        return list(dict.fromkeys([self.guess(parameter.name, parameter), *self._kinds(parameter)]))

    def _kinds(self, parameter: inspect.Parameter) -> Iterator[Spec]:
        """A value of each kind that the annotation allows."""
        annotation = annotation_of(parameter, self.function)
        is_union = typing.get_origin(annotation) is typing.Union
        if is_union or type(annotation).__name__ == "UnionType":
            for one in typing.get_args(annotation):
                made = self._by_annotation(parameter.name, one, self.facts[parameter.name])
                if one is not type(None) and made is not None:
                    yield made

    def _restructure(
        self, call: Dict[str, Spec], failure: Failure
    ) -> Iterator[Tuple[float, Dict[str, Spec]]]:
        """A list where a tensor was given, a tensor where a list was, a number, a dictionary."""
        for name in self._blamed(failure) or list(call):
            spec = call[name]
            if _PACKED.search(failure.message):
                yield 0.3, {**call, name: self._packed()}
            if isinstance(spec, Tensor):
                others = self._instead_of_tensor(name, spec, failure)
            elif isinstance(spec, Group):
                others = _instead_of_group(spec, failure.message)
            elif isinstance(spec, Table):
                others = self._with_key(name, spec, failure)
            elif isinstance(spec, Raw) and spec != OMITTED and _NOT_PLAIN.search(failure.message):
                others = iter([(1.0, self._tensor(name, self.facts[name]))])
            else:
                continue
            yield from ((cost, {**call, name: other}) for cost, other in others)

    def _with_key(self, name: str, spec: Table, failure: Failure) -> Iterator[Tuple[float, Spec]]:
        """The table with the key that was asked for."""
        asked = failure.message.strip("'\"") if failure.kind == "KeyError" else ""
        if asked.isidentifier() and asked not in dict(spec.items):
            part = self.facts[name].parts.get(asked) or Facts()
            yield 0.4, spec._replace(items=(*spec.items, (asked, self._by_use(asked, part))))

    def _instead_of_tensor(
        self, name: str, spec: Tensor, failure: Failure
    ) -> Iterator[Tuple[float, Spec]]:
        message = failure.message
        facts = self.facts[name]
        lacking = _LACKING.search(message)
        if lacking and lacking.group(1) in _OF_TABLES:
            yield 0.4, self._table(name, facts)
        elif lacking and name in failure.words:
            held = dict.fromkeys([*self._held(facts), lacking.group(1)])
            parts = [(key, self._by_use(key, facts.parts.get(key) or Facts())) for key in held]
            yield 0.5, Table(tuple(parts), True)
        if _NOT_TENSOR.search(message):
            for count in (2, 3, 4):
                yield 1.0 + 0.2 * count, Group("[", (spec,) * count)
        if _NOT_NUMBER.search(message):
            for text in ("2", "0", "0.5", "(16, 16)", "False"):
                yield 1.2, Raw(text)
        if failure.kind in ("KeyError", "IndexError") and self.facts[name].mapping:
            yield 0.8, self._table(name, self.facts[name])
        unpack = _UNPACKED.search(message)
        if unpack:
            yield 1.6, Group("(", (spec,) * int(unpack.group(1)))

    def _packed(self) -> Spec:
        """Rows of falling lengths, packed as torch's recurrent layers take them."""
        sizes = [getattr(module, "input_size", None) for module in self.model.modules()]
        width = next((size for size in sizes if type(size) is int), self._width())
        rows = Tensor("float", (words.BATCH, words.LENGTH, width)).text
        lengths = [words.LENGTH - step for step in range(words.BATCH)]
        text = "torch.nn.utils.rnn.pack_padded_sequence({}, torch.tensor({}), True)"
        return Raw(text.format(rows, lengths))

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
                    yield {**call, name: spec._replace(shape=with_rank(spec.shape, rank))}
            kinds = {"float": "long", "long": "float", "bool": "float"}
            yield {**call, name: spec._replace(kind=kinds.get(spec.kind, "float"))}
            if len(spec.shape) > 2:
                for size in SPATIAL_SIZES:
                    yield {**call, name: spec._replace(shape=spatially(spec.shape, size))}
            for channels in (64, 3, 1, 16, 32, 128):
                if len(spec.shape) > 1:
                    shape = (spec.shape[0], channels, *spec.shape[2:])
                    yield {**call, name: spec._replace(shape=shape)}


def _shape_of_state(layer: Any) -> Shape:
    """Of what a recurrent layer of torch, or a cell of one, remembers of a batch."""
    width = getattr(layer, "proj_size", 0) or layer.hidden_size
    if isinstance(layer, torch.nn.RNNCellBase):
        return (words.BATCH, width)
    return (layer.num_layers * (2 if layer.bidirectional else 1), words.BATCH, width)


def _is_among(name: str, known: Sequence[str]) -> bool:
    return bool(set(words.words_of(name)) & set(known))


def _sides_that_pass(
    call: Dict[str, Spec], guard: Guard
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """A local that the condition asks about is the shape of an input: sides that it lets through,
    about as large, and larger ones."""
    for local in guard.names:
        shape = guard.local.get(local)
        for name, spec in call.items() if isinstance(shape, torch.Size) else ():
            if not (isinstance(spec, Tensor) and spec.shape == shape and len(shape) > 2):
                continue
            for step, least in enumerate((shape[-1], *LARGER_SIDES)):
                sides = (spatially(spec.shape, side) for side in range(least, 2 * least))
                passing = (one for one in sides if guard.passes({local: torch.Size(one)}))
                for one in itertools.islice(passing, 1):
                    yield 0.4 + 0.1 * step, {**call, name: spec._replace(shape=one)}


def _folded_sides(
    call: Dict[str, Spec], failure: Failure
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """Points, not images: the channels that a layer got hold a side, `x.view(b, -1, points)`."""
    told = _CHANNELS_GOT.search(failure.message)
    wanted, got = map(int, told.groups()) if told else (0, 0)
    for name, spec in call.items() if got else ():
        if isinstance(spec, Tensor) and len(spec.shape) == 4:
            times, rest = divmod(got, spec.shape[1] * spec.shape[3])
            if times and not rest and wanted % times == 0:
                shape = (spec.shape[0], wanted // times, spec.shape[2])
                yield 0.3, {**call, name: spec._replace(shape=shape)}


def _indices_of_rows(
    call: Dict[str, Spec], failure: Failure
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """`chances[range(n), target]`: one index a row, so as many dimensions less as there are more
    of one index than of another; the first and the last stay."""
    told = _INDEXED.search(failure.message)
    ranks = [len(one.split(",")) for one in re.findall(r"\[(.*?)\]", told.group(1) if told else "")]
    surplus = max(ranks, default=0) - min(ranks, default=0)
    fewer = {
        name: spec._replace(shape=(spec.shape[0], *spec.shape[1 + surplus :]))
        for name, spec in call.items()
        if surplus and isinstance(spec, Tensor) and len(spec.shape) > surplus
    }
    if fewer:
        yield 0.3, {**call, **fewer}


def _one_in_a_batch(
    call: Dict[str, Spec], failure: Failure
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """A batch of one, for code that puts parts of one input in a row along the batch, or drops
    the batch: where sizes do not agree, sooner."""
    alone = {name: _alone(spec) for name, spec in call.items()}
    if alone != call:
        yield (0.8 if disagreeing(failure.message) else 2.0), alone


def _alone(spec: Spec) -> Spec:
    if isinstance(spec, Tensor) and spec.shape[:1] == (words.BATCH,):
        return spec._replace(shape=(1, *spec.shape[1:]))
    return with_children(spec, [_alone(child) for child in children_of(spec)])


def _with_one_more(
    call: Dict[str, Spec], operand: Operand
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """What is squeezed has a last dimension of one."""
    for name in sorted(operand.names):
        spec = call.get(name, OMITTED)
        if isinstance(spec, Tensor):
            yield 0.2, {**call, name: spec._replace(shape=(*spec.shape, 1))}


def _oblong(
    call: Dict[str, Spec], slope: float, start: float, wanted: int
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """Images wider than high, where no square gives the size that is wanted: a side s is made one
    of `start + slope * s`, in the root of the size."""
    name = next(n for n, s in call.items() if isinstance(s, Tensor) and len(s.shape) == 4)
    spec = call[name]
    for step, height in enumerate(OBLONG_SIDES):
        own = start + slope * height
        width = (wanted / own - start) / slope if own > 0 and slope > 0 else 0.0
        if isinstance(spec, Tensor) and height < width <= 4 * height + 8:
            shape = (*spec.shape[:2], height, round(width))
            yield 0.3 + 0.02 * step, {**call, name: spec._replace(shape=shape)}


def _sides_of_areas(
    call: Dict[str, Spec], failure: Failure
) -> Iterator[Tuple[float, Dict[str, Spec]]]:
    """Two numbers of positions that do not agree: sides of which the area is the other one."""
    images = [s for s in call.values() if isinstance(s, Tensor) and len(s.shape) == 4]
    side = images[0].shape[-1] if images else 0
    for one, other in disagreeing(failure.message):
        for got, wanted in ((one, other), (other, one)):
            now = side * side * wanted / got
            if side and now == round(now**0.5) ** 2 and 0 < now <= LARGEST_AREA:
                yield 0.3, apply_to_all(call, Change("spatial", b=round(now**0.5)))


def _called(model: Any) -> Any:
    """The function that a call of this model runs: its own `forward`, else that of its class."""
    own = vars(model).get("forward")
    bound = inspect.ismethod(own) and own.__self__ is model
    return plain_function(own) if bound else forward_of(type(model))


def _instead_of_group(spec: Group, message: str) -> Iterator[Tuple[float, Spec]]:
    if _NOT_LIST.search(message):
        yield 0.8, spec.items[0]
    unpack = _UNPACKED.search(message)
    if unpack:
        yield 0.8, Group("(", spec.items[:1] * int(unpack.group(1)))
    if "index out of range" in message:
        for count in (len(spec.items) + 1, len(spec.items) + 2, 1):
            yield 1.0, Group(spec.bracket, spec.items[:1] * count)


def _is_of_tensors(annotation: type) -> bool:
    """Whether it stands for tensors: `torch.LongTensor` is no subclass of theirs."""
    named = annotation.__module__ == "torch" and annotation.__name__.endswith("Tensor")
    return named or issubclass(annotation, torch.Tensor)


def _of_nodes(shape: Shape) -> Shape:
    """One row a node, as wide as the channels were."""
    return (NODES, shape[1] if len(shape) > 3 else shape[-1])
