"""What layers, and the names of arguments, say about the shape of an input."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any, List, Optional

import torch

from . import words
from .reading import Facts, annotation_of, is_torch
from .specs import EDGES, NODES, Shape, Tensor

_OF_CLASSES = ("cross_entropy", "nll_loss", "CrossEntropyLoss", "NLLLoss")
LEVELS = 4  # of feature maps


def first_layer(model: Any) -> Any:
    for module in model.modules():
        if is_torch(type(module)) and layout(module) and layout(module) != "any":
            return module
    return None


def layout(layer: Any) -> str:
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


def for_layer(layer: Any, ranks: List[int], spatial_rank: int, found: typing.Set[str]) -> Tensor:
    form = layout(layer)
    rank = max(ranks) if ranks else 0
    if form == "tokens":
        high = getattr(layer, "num_embeddings", 2)
        return Tensor("long", (words.BATCH, words.LENGTH), high if type(high) is int else 2)
    if form == "spatial":
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
        rank = 3 if form == "steps" or found & {"hidden", "states", "tokens", "seq"} else 2
        rank = (
            spatial_rank + 2 if spatial_rank and form == "rows" and not found & {"hidden"} else rank
        )
    middle: Shape = (words.LENGTH,) if rank == 3 else (words.SPATIAL,) * max(rank - 2, 0)
    return Tensor("float", (words.BATCH, *middle, width) if rank > 1 else (width,))


def spatial_rank(model: Any) -> int:
    for module in model.modules():
        digits = re.search(r"([123])d$", type(module).__name__)
        if digits and is_torch(type(module)):
            return int(digits.group(1))
    return 0


def sizes_named_in(model: Any) -> List[int]:
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


def of_levels(found: typing.Set[str]) -> str:
    """Source of what tells the feature maps of several levels apart in a flat sequence of
    `words.LENGTH`, as in Deformable DETR (Zhu et al., 2021); empty for other words."""
    sides = "[({}, 1)] * {}".format(words.LENGTH // LEVELS, LEVELS)
    if found >= {"spatial", "shapes"}:
        return sides if "list" in found else "torch.tensor({})".format(sides)
    if found >= {"level", "start", "index"}:
        return "torch.arange({}) * {}".format(LEVELS, words.LENGTH // LEVELS)
    if found >= {"reference", "points"}:
        return "torch.rand({}, {}, {}, 2)".format(words.BATCH, words.LENGTH, LEVELS)
    return ""


def by_words(name: str, found: typing.Set[str], width: int) -> Optional[Tensor]:
    batch, length = words.BATCH, words.LENGTH
    if found >= {"edge", "index"} or name in ("adj_t", "edge_label_index"):
        return Tensor("long", (2, EDGES), NODES)
    if name in ("adj", "adjacency", "adj_matrix", "adj_mat"):
        return Tensor("positive", (batch, batch))
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
    if found & {"class", "classes"} and found & {"label", "labels", "id", "ids", "idx"}:
        return Tensor("long", (batch,), 2)
    if name in ("idx", "tokens", "token", "src", "tgt", "trg", "labels", "label", "ids") or (
        found & {"ids", "token"} and not found & {"embeds", "embeddings"}
    ):
        return Tensor("long", (batch, length), 2)
    if found & {"lengths", "lens"} or (
        found & {"len", "length"} and len(found) > 1 and not found & {"max", "min", "total"}
    ):
        return Tensor("full", (batch,), length)
    if found & {"timestep", "timesteps"} or name == "t":
        return Tensor("positive", (batch,))
    if found & {"hidden", "embeds", "query", "key", "value", "memory"} and not found & {"size"}:
        return Tensor("float", (batch, length, width))
    return None


def is_class_of_loss(facts: Facts, name: str) -> bool:
    """Whether a value is passed on as `name` (`input`, `target`) of a loss over classes."""
    callees = (one.callee for one in facts.passed if one.name == name)
    return any(
        (getattr(one, "__name__", "") or type(one).__name__) in _OF_CLASSES for one in callees
    )


def gives_tensor(name: str, parameter: inspect.Parameter, function: Any) -> bool:
    annotation = str(annotation_of(parameter, function))
    if isinstance(parameter.default, (bool, int, float, str)):
        return False
    return "Tensor" in annotation or bool(
        set(words.words_of(name))
        & {"x", "input", "inputs", "ids", "hidden", "embeds", "img", "values"}
    )
