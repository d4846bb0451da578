"""Dropout, padding, upsampling, shape layers, distances, normalization without parameters."""

from __future__ import annotations

from functools import partial

from codemod.catalogue.build import INPLACE, F, M, Spelling, T, pair
from codemod.catalogue.pair import Converter, Pair

_RANKS = (1, 2, 3)


def _dropout(name: str, functional: str, *builtins: Spelling) -> Pair:
    return pair(
        name,
        "p=0.5, inplace=False",
        F(functional, "p=0.5, training=True, inplace=False", training="training"),
        *builtins,
        group="dropout",
        attribute="dropout",
    )


def _alpha_dropout(name: str, functional: str) -> Pair:
    return pair(
        name,
        "p=0.5, inplace=False",
        F(functional, "p=0.5, training=False, inplace=False", training="training"),
        T(functional, "p, train", training="train"),
        group="dropout",
        attribute="dropout",
        ignored=("inplace",),
        note="The module never works in place, whatever `inplace` says.",
    )


DROPOUTS = (
    _dropout(
        "Dropout",
        "dropout",
        T("dropout", "p, train", training="train"),
        T("dropout_", "p, train", training="train", implies=INPLACE),
    ),
    *(_dropout(f"Dropout{rank}d", f"dropout{rank}d") for rank in _RANKS),
    _alpha_dropout("AlphaDropout", "alpha_dropout"),
    _alpha_dropout("FeatureAlphaDropout", "feature_alpha_dropout"),
)

_REPEAT: tuple[Converter, ...] = ("repeat-2", "repeat-4", "repeat-6")


def _pad(
    name: str,
    rank: int,
    mode: str,
    constructor: str = "padding",
    accepts: dict[str, tuple[str, ...]] | None = None,
) -> Pair:
    return pair(
        f"{name}{rank}d",
        constructor,
        F(
            "pad",
            "pad, mode='constant', value=None",
            links={"padding": ("pad", _REPEAT[rank - 1])},
            constants={"mode": f'"{mode}"'},
            accepts=accepts or {},
        ),
        group="padding",
        attribute="pad",
    )


PADDINGS = (
    *(_pad("ZeroPad", rank, "constant", accepts={"value": ("0",)}) for rank in _RANKS),
    *(_pad("ConstantPad", rank, "constant", "padding, value") for rank in _RANKS),
    *(_pad("ReflectionPad", rank, "reflect") for rank in _RANKS),
    *(_pad("ReplicationPad", rank, "replicate") for rank in _RANKS),
    *(_pad("CircularPad", rank, "circular") for rank in _RANKS),
)

_SCALE = "size=None, scale_factor=None"
_INTERPOLATE = (
    f"{_SCALE}, mode='nearest', align_corners=None, recompute_scale_factor=None, antialias=False"
)
_BILINEAR = {"mode": '"bilinear"', "align_corners": "True"}
_upsampling = partial(pair, group="upsampling", attribute="upsample")

UPSAMPLINGS = (
    _upsampling(
        "Upsample",
        f"{_SCALE}, mode='nearest', align_corners=None, recompute_scale_factor=None",
        F("interpolate", _INTERPOLATE),
        F("upsample", f"{_SCALE}, mode='nearest', align_corners=None", emit=False),
        F("upsample_nearest", _SCALE, implies={"mode": '"nearest"'}, emit=False),
        F("upsample_bilinear", _SCALE, implies=_BILINEAR, emit=False),
    ),
    _upsampling(
        "UpsamplingNearest2d",
        _SCALE,
        F("interpolate", _INTERPOLATE, constants={"mode": '"nearest"'}),
        from_functional=False,
        note="Deprecated in favour of nn.Upsample.",
    ),
    _upsampling(
        "UpsamplingBilinear2d",
        _SCALE,
        F("interpolate", _INTERPOLATE, constants=_BILINEAR),
        from_functional=False,
        note="Deprecated in favour of nn.Upsample; means align_corners=True.",
    ),
)

_shape = partial(pair, group="shape")
_distance = partial(pair, group="distance")
_FOLD = "kernel_size, dilation=1, padding=0, stride=1"

SHAPES = (
    _shape(
        "Flatten",
        "start_dim=1, end_dim=-1",
        T("flatten", "start_dim=0, end_dim=-1", emit=True),
        M("flatten", "start_dim=0, end_dim=-1"),
        note="start_dim is 1 in the module, 0 in the functional.",
    ),
    _shape(
        "Unflatten",
        "dim, unflattened_size",
        T("unflatten", "dim, sizes", links={"unflattened_size": ("sizes", "same")}, emit=True),
        M("unflatten", "dim, sizes", links={"unflattened_size": ("sizes", "same")}),
    ),
    _shape(
        "PixelShuffle",
        "upscale_factor",
        F("pixel_shuffle", "upscale_factor"),
        T("pixel_shuffle", "upscale_factor"),
    ),
    _shape(
        "PixelUnshuffle",
        "downscale_factor",
        F("pixel_unshuffle", "downscale_factor"),
        T("pixel_unshuffle", "downscale_factor"),
    ),
    _shape(
        "ChannelShuffle",
        "groups",
        F("channel_shuffle", "groups"),
        T("channel_shuffle", "groups"),
    ),
    _shape("Fold", f"output_size, {_FOLD}", F("fold", f"output_size, {_FOLD}")),
    _shape("Unfold", _FOLD, F("unfold", _FOLD)),
)

DISTANCES = (
    _distance(
        "CosineSimilarity",
        "dim=1, eps=1e-08",
        F("cosine_similarity", "dim=1, eps=1e-08"),
        T("cosine_similarity", "dim=1, eps=1e-08"),
        forward="x1, x2",
    ),
    _distance(
        "PairwiseDistance",
        "p=2.0, eps=1e-06, keepdim=False",
        F("pairwise_distance", "p=2.0, eps=1e-06, keepdim=False"),
        T("pairwise_distance", "p=2.0, eps=1e-06, keepdim=False"),
        forward="x1, x2",
    ),
)

_normalization = partial(pair, group="normalization", attribute="norm")
_OFF = ("False",)
_UNUSED_NORM = ("num_features", "momentum", "device", "dtype", "bias")
_NO_WEIGHTS = {"elementwise_affine": "False"}


def _instance_norm(rank: int) -> Pair:
    return _normalization(
        f"InstanceNorm{rank}d",
        "num_features, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False,"
        " device=None, dtype=None, *, bias=True",
        F(
            "instance_norm",
            "running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,"
            " momentum=0.1, eps=1e-05",
        ),
        stateful_if={"affine": _OFF, "track_running_stats": _OFF},
        ignored=_UNUSED_NORM,
        from_functional=False,
        note="The functional does not know num_features, and takes batched input only.",
    )


def _batch_norm(rank: int) -> Pair:
    return _normalization(
        f"BatchNorm{rank}d",
        "num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True,"
        " device=None, dtype=None, *, bias=True",
        F(
            "batch_norm",
            "running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,"
            " eps=1e-05",
            constants={"running_mean": "None", "running_var": "None", "training": "True"},
        ),
        stateful_if={"affine": _OFF, "track_running_stats": _OFF},
        ignored=_UNUSED_NORM,
        from_functional=False,
        note="The functional does not know num_features.",
    )


NORMALIZATIONS = (
    *map(_instance_norm, _RANKS),
    *map(_batch_norm, _RANKS),
    _normalization(
        "GroupNorm",
        "num_groups, num_channels, eps=1e-05, affine=True, device=None, dtype=None, *, bias=True",
        F("group_norm", "num_groups, weight=None, bias=None, eps=1e-05"),
        stateful_if={"affine": _OFF},
        ignored=("num_channels", "device", "dtype", "bias"),
        from_functional=False,
        note="The functional does not know num_channels.",
    ),
    _normalization(
        "LayerNorm",
        "normalized_shape, eps=1e-05, elementwise_affine=True, bias=True, device=None, dtype=None",
        F(
            "layer_norm",
            "normalized_shape, weight=None, bias=None, eps=1e-05",
            links={"normalized_shape": ("normalized_shape", "single-to-tuple")},
            implies=_NO_WEIGHTS,
        ),
        T(
            "layer_norm",
            "normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True",
            links={"normalized_shape": ("normalized_shape", "single-to-tuple")},
            implies=_NO_WEIGHTS,
        ),
        stateful_if={"elementwise_affine": _OFF},
        ignored=("bias", "device", "dtype"),
    ),
    _normalization(
        "RMSNorm",
        "normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None",
        F(
            "rms_norm",
            "normalized_shape, weight=None, eps=None",
            inputs="input",
            links={"normalized_shape": ("normalized_shape", "single-to-tuple")},
            implies=_NO_WEIGHTS,
        ),
        T(
            "rms_norm",
            "normalized_shape, weight=None, eps=None",
            inputs="input",
            links={"normalized_shape": ("normalized_shape", "single-to-tuple")},
            implies=_NO_WEIGHTS,
        ),
        forward="x",
        stateful_if={"elementwise_affine": _OFF},
        ignored=("device", "dtype"),
    ),
    _normalization(
        "LocalResponseNorm",
        "size, alpha=0.0001, beta=0.75, k=1.0",
        F("local_response_norm", "size, alpha=0.0001, beta=0.75, k=1.0"),
    ),
)
