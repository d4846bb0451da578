"""What the messages of torch and Python ask of the inputs."""

from __future__ import annotations

import math
import re
from typing import Iterator, List, NamedTuple, Tuple

from . import words


class Change(NamedTuple):
    """What to change in a tensor's specification, from `a` to `b`.

    `action`: `dim` (each size a), `channel` (the second size), `more channels` (by b), `last` (the
    last size, if it is a or a is 0), `wider` (the last size, by b), `spatial` (all but the first
    two), `rank`, `high` (the bound of whole numbers), `ratio` (the second size, scaled by b / a),
    `area` (the sides, so that their product scales by b / a), `numel` (one size, so that the number
    of elements scales by b / a), `multiple` (the second size, up to a multiple of b), `grow`
    (dimension a, to at least b), `tokens` (floats become whole numbers below b, a row for each of
    the batch), `shape` or `kind`.
    """

    action: str
    a: int = 0
    b: int = 0
    kind: str = ""
    shape: Tuple[int, ...] = ()


Changes = Iterator[Tuple[float, Change]]

TOO_SMALL = re.compile(
    r"Kernel size can't be greater|size is too small|Padding size should be less|more than 1"
    r" value per channel|more than 1 spatial|non-empty|Calculated padded|reflection_pad"
    r"|smaller than kernel|maximum size for tensor|non-negative|too small|computed output size"
)
_MAY_BE_SPATIAL = re.compile(
    r"must be greater than|Output size|out of bound|is invalid for input of size"
    r"|Sizes of tensors|size of tensor a"
)
NOT_OF_KIND = re.compile(r"not implemented for '\w+'")  # an operator of torch, for this dtype
_VAGUE = ("AssertionError", "ValueError", "ZeroDivisionError")

_CHANNELS = re.compile(r"expected input\[.*?\] to have (\d+) channels, but got (\d+)")
_MATRICES = re.compile(r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)")
_NORMALISED = re.compile(
    r"normalized_shape=\[([\d, ]+)\], expected input with shape .* size ?\[([\d, ]+)\]"
)
STATISTICS = re.compile(r"should contain (\d+) elements not (\d+)")
_EXPECTED = re.compile(r"[Ee]xpected .*?(\d+),? (?:but )?got (\d+)")
_GOT = re.compile(r"got (\d+),? expected (\d+)")
_SPLIT = re.compile(r"sum exactly to (\d+).*split_sizes=\[([\d, ]+)\]")

_UNPACK = re.compile(
    r"not enough values to unpack \(expected (\d+)|too many values to unpack \(expected (\d+)"
)
_DIMENSION = re.compile(
    r"Dimension out of range \(expected to be in range of \[-?\d+, -?\d+\], but got (-?\d+)"
)
_PERMUTE = re.compile(r"input\.dim\(\) = \d is not equal to len\(dims\) = (\d)")
_EQUATION = re.compile(
    r"subscripts in the equation \((\d)\) (?:does not match|is more than) the number of dim"
)
_DIMENSIONS = re.compile(
    r"[Ee]xpected (\d) dim|must be (?:a |an )?(\d)-?[dD]|to have (\d) dim|(\d) dimensions? expected"
    r"|[Ee]xpected (\d)[dD]|unbatched (\d)-?[dD]|batched (\d)-?[dD]|tensor with <= (\d) dim"
    r"|(\d)[dD] tensors? expected|(\d)[dD] (?:CPU )?(?:int64 )?tensor"
)
_RANKS = {"3": 3, "2": 2, "4": 4, "1": 1, "5": 5}
_MATRIX = re.compile(r"must be a matrix|a 2D tensor")
_VECTOR = re.compile(r"(?:must|supposed to) be a vector|1D tensors expected|@ vector expected")
_BOTH_RANKS = re.compile(r"same number of dimensions:? got (\d) and (\d)")
_VIEW = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")
_GROUPS = re.compile(
    r"divisible by num_groups.*num_groups=(\d+)|is not divisible by (\d+)|divisible by (\d+)"
)
_HIDDEN = re.compile(r"[Ee]xpected (?:hidden\S*|hx|cell\S*) size [(\[]([\d, ]+)[)\]]")
_SELECT = re.compile(
    r"(?:select|index)\D*(\d+) (?:is )?out of (?:range|bounds) for \D*size \[[\d, ]+\]"
    r" at dimension (\d)"
    r"|index (\d+) is out of bounds for dimension (\d)"
)
_EXCEEDS = re.compile(r"start \((\d+)\) \+ length \((\d+)\) exceeds dimension size \((\d+)\)")
_UNIT = re.compile(r"between 0 and 1|nothing but NaN")  # roots and logarithms of what is negative
_SCALAR = re.compile(r"cannot be converted to Scalar|only one element tensors|is ambiguous")
_EINSUM = re.compile(
    r"has size (\d+) for operand \d+ which does not broadcast with previously seen size (\d+)"
)
_BATCH_SIZES = re.compile(
    r"batch_size \((\d+)\) to match target batch_size \((\d+)\)"
    r"|equal to batch_size, but got (\d+) \(batch_size=(\d+)\)"
    r"|embedding dimension of (\d+), but got (\d+)"
    r"|\[(\d+)\] and src \[(\d+)\]"
)
_INDICES = re.compile(r"too many indices for tensor of dimension (\d)|index (\d) is out of range")

_NOT_LONG = re.compile(
    r"scalar types?:? Long|dtype to be Long|must be long|tensors used as indices"
    r"|expected dtype int64|one_hot is only|int64|Long but got|called on .*integ"
    r"|Class values must be"
)
_NOT_FLOAT = re.compile(
    r"not implemented for '(Long|Bool)'|but (found|got|gets) (Long|long)|same dtype|Float but"
    r"|long int|floating point|must match in|Can only calculate the mean"
)
_NOT_BOOL = re.compile(r"boolean|bool tensor|Bool")
_TOO_HIGH = re.compile(r"index out of range|out of bounds|Class values must be|negative")
_OUT_OF_BOUNDS = re.compile(
    r"index \d+ is out of bounds for dimension \d with size (\d+)"
    r"|indices in the interval \[0, (\d+)\)"  # of edges, in torch_geometric
)

_BROADCAST = re.compile(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)")
_CONCATENATE = re.compile(r"Expected size (\d+) but got size (\d+)")
_EXPAND = re.compile(
    r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)"
)
_BATCHES = re.compile(
    r"first two dimensions of batch2 tensor to be: \[(\d+), (\d+)\] but got: \[(\d+), (\d+)\]"
)


def changes(kind: str, message: str, sizes: List[int]) -> Changes:
    """Changes that an exception of this kind and message asks for, each with its cost.

    `sizes`: sides of images worth trying.
    """
    yield from _channels(message)
    yield from _ranks(message)
    if kind == "KeyError" and message in _RANKS:  # a table by the number of dimensions
        yield from (
            (0.5, Change("rank", b=rank)) for rank in _RANKS.values() if message != str(rank)
        )
    yield from _kinds(message)
    yield from _matching(message)
    yield from _counts(message)
    if TOO_SMALL.search(message):
        for step, size in enumerate(sizes):
            yield 0.3 + 0.1 * step, Change("spatial", b=size)
            yield 0.4 + 0.1 * step, Change("dim", words.LENGTH, size)
    elif _MAY_BE_SPATIAL.search(message) or kind in _VAGUE:
        for step, size in enumerate(sizes[:10]):
            yield 1.5 + 0.25 * step, Change("spatial", b=size)


def _channels(message: str) -> Changes:
    found = _CHANNELS.search(message)
    if found:
        wanted, got = int(found.group(1)), int(found.group(2))
        yield 0.3, Change("dim", got, wanted)
        yield 0.5, Change("more channels", b=wanted - got)
        yield 0.6, Change("channel", b=wanted)
        yield 0.9, Change("ratio", got, wanted)
    found = _MATRICES.search(message)
    if found:
        got, wanted = int(found.group(2)), int(found.group(3))
        yield 0.3, Change("last", got, wanted)
        yield 0.6, Change("dim", got, wanted)
        yield 0.7, Change("wider", b=wanted - got)
        yield 0.8, Change("area", got, wanted)
        yield 1.2, Change("ratio", got, wanted)
        yield 1.6, Change("last", 0, wanted)
    found = _NORMALISED.search(message)
    if found:
        wanted, got = _last(found.group(1)), _last(found.group(2))
        if found.group(1).count(",") > 1 and wanted != got:  # of images: channels, height, width
            yield 0.1, Change("spatial", b=wanted)
        yield 0.3, Change("last", got, wanted)
        yield 0.6, Change("dim", got, wanted)
        yield 1.2, Change("last", 0, wanted)
    found = STATISTICS.search(message)
    if found:
        yield 0.3, Change("dim", int(found.group(1)), int(found.group(2)))
        yield 0.6, Change("channel", b=int(found.group(2)))
    found = _EXPECTED.search(message)
    if found:
        wanted, got = int(found.group(1)), int(found.group(2))
        yield 0.5, Change("dim", got, wanted)
        yield 0.9, Change("last", 0, wanted)
    found = _GOT.search(message)
    if found:
        got, wanted = int(found.group(1)), int(found.group(2))
        yield 0.3, Change("last", got, wanted)
        yield 0.5, Change("dim", got, wanted)
    found = _SPLIT.search(message)
    if found:
        total = sum(int(number) for number in found.group(2).split(","))
        yield 0.4, Change("dim", int(found.group(1)), total)


def _ranks(message: str) -> Changes:
    found = _UNPACK.search(message)
    if found:
        yield 0.4, Change("rank", b=int(found.group(1) or found.group(2)))
    if "xpected" in message or "support" in message:
        for number in list(dict.fromkeys(re.findall(r"(\d)D", message)))[:3]:
            yield 0.4, Change("rank", b=int(number))
    found = _DIMENSION.search(message)
    if found:
        got = int(found.group(1))
        needed = got + 1 if got >= 0 else -got
        yield 0.4, Change("rank", b=needed)
        yield 0.9, Change("rank", b=needed + 1)
    if _MATRIX.search(message):
        yield 0.3, Change("rank", b=2)
    if _VECTOR.search(message):
        yield 0.3, Change("rank", b=1)
    found = _BOTH_RANKS.search(message)
    if found:
        for group in found.groups():
            yield 0.4, Change("rank", b=int(group))
    if _SCALAR.search(message):
        yield 0.6, Change("rank", b=0)
    for pattern, cost in ((_PERMUTE, 0.3), (_EQUATION, 0.3), (_DIMENSIONS, 0.4)):
        found = pattern.search(message)
        if found:
            yield cost, Change("rank", b=int(next(group for group in found.groups() if group)))
    found = _INDICES.search(message)
    if found:
        given = int(found.group(1) or found.group(2))
        yield 0.5, Change("rank", b=given + 1)
        yield 0.9, Change("rank", b=given + 2)
    if "tuple index out of range" in message:
        for rank in (3, 4, 5):
            yield 0.6, Change("rank", b=rank)


def _kinds(message: str) -> Changes:
    if _NOT_LONG.search(message):
        yield 0.3, Change("kind", kind="long")
    if _NOT_FLOAT.search(message):
        yield 0.4, Change("kind", kind="float")
    if _UNIT.search(message):
        yield 0.3, Change("kind", kind="positive")
    if _NOT_BOOL.search(message):
        yield 0.6, Change("kind", kind="bool")
    if "complex" in message.lower():
        yield 0.6, Change("kind", kind="complex")
    found = _OUT_OF_BOUNDS.search(message)
    if found:
        size = int(found.group(1) or found.group(2))
        yield 0.4, Change("high", b=size)
        yield 0.6, Change("dim", size, 8)
    if "index out of range in self" in message:  # numbers that an embedding was given
        yield 0.4, Change("tokens", b=8)
    if _TOO_HIGH.search(message):
        for high in (8, 4, 2, 1):
            yield 0.5 + 0.05 * (8 - high), Change("high", b=high)


def _matching(message: str) -> Changes:
    pairs: List[Tuple[int, int]] = []
    for pattern in (_BROADCAST, _CONCATENATE, _EXPAND, _EINSUM, _BATCH_SIZES):
        found = pattern.search(message)
        if found:
            one, other = (int(group) for group in found.groups() if group)
            pairs.append((one, other))
    found = _BATCHES.search(message)
    if found:
        one, two, three, four = (int(group) for group in found.groups())
        pairs += [(one, three), (two, four)]
    if any(0 in pair for pair in pairs):  # too short for a part of it to be there
        yield 0.5, Change("ratio", 1, 2)
    for a, b in pairs:
        if a != b:
            yield 0.5, Change("dim", a, b)
            yield 0.6, Change("dim", b, a)
            yield 1.0, Change("ratio", a, b)
            yield 1.0, Change("ratio", b, a)
    if not pairs:
        yield from _any_numbers(message)


def _counts(message: str) -> Changes:
    found = _VIEW.search(message)
    if found:
        sizes = [int(number) for number in found.group(1).split(",")]
        has, known = int(found.group(2)), math.prod(size for size in sizes if size > 0)
        wanted = known if -1 not in sizes else max(has // max(known, 1), 1) * known
        yield 0.4, Change("numel", has, wanted)
        if -1 in sizes:
            yield 0.8, Change("numel", has, known)
    found = _GROUPS.search(message)
    if found:
        number = int(next(group for group in found.groups() if group))
        yield 0.4, Change("multiple", b=number)
    found = _HIDDEN.search(message)
    if found:
        shape = tuple(int(number) for number in found.group(1).split(",") if number.strip())
        yield 0.2, Change("shape", shape=shape)
    found = _SELECT.search(message)
    if found:
        index, dimension = (int(group) for group in found.groups() if group)
        yield 0.5, Change("grow", dimension, index + 1)
    found = _EXCEEDS.search(message)
    if found:
        start, length, size = (int(group) for group in found.groups())
        yield 0.5, Change("dim", size, start + length)


def _any_numbers(message: str) -> Changes:
    numbers = list(dict.fromkeys([int(number) for number in re.findall(r"\b\d+\b", message)][:8]))
    for wanted in numbers:
        for got in numbers:
            if wanted != got and wanted > 0:
                yield 1.3, Change("dim", got, wanted)


def _last(numbers: str) -> int:
    return int(numbers.split(",")[-1])
