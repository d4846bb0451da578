"""How each module of the catalogue is built and called, for runs against the installed torch.

Constructor arguments and inputs are source. Inputs are built by `r` (normal), `u` (between 0.05 and
0.95), `k` (integers below the first argument): all but the integers require a gradient.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """`variants`: constructor arguments; `inputs`: the arguments of one call each."""

    variants: tuple[str, ...]
    inputs: tuple[str, ...]


FLAT = ("r(2, 4, 6)",)
SHAPES = {1: "r(2, 4, 8)", 2: "r(2, 4, 8, 8)", 3: "r(2, 4, 6, 6, 6)"}
INPLACE = ("", "inplace=True", "True", "inplace=False", "False")
SLOPE = ("", "0.3", "0.3, True", "alpha=0.3", "alpha=0.3, inplace=True", "inplace=True")
DIM = ("1", "dim=1", "dim=-1", "-1")
DROP = ("", "0.3", "p=0.3", "0.3, True", "p=0.3, inplace=True", "inplace=True", "0.0", "1.0")
OLD = ("size_average=False", "reduce=False", "None, False", "size_average=True, reduce=True")
REDUCED = ("", "reduction='sum'", "reduction='none'", "None, None, 'sum'", *OLD)
OUTPUTS = {
    1: ("3", "output_size=3", "(3,)"),
    2: ("3", "(3, 2)", "output_size=(None, 3)", "[3, 2]"),
    3: ("2", "(3, 2, 1)", "output_size=(None, 3, 1)"),
}


def _max_pool(rank: int) -> Case:
    return Case(
        (
            "2",
            "kernel_size=2",
            "2, 2",
            "3, stride=2, padding=1",
            "3, 2, 1",
            "2, None, 1",
            "2, 1, 0, 2",
            "3, 2, 1, 1, False, True",
            "3, 2, 1, 1, True, False",
            "3, 2, 1, 1, True, True",
            "3, 2, return_indices=True",
            "3, 2, ceil_mode=True",
            f"({', '.join('2' * rank)},)",
        ),
        (SHAPES[rank],),
    )


def _avg_pool(rank: int) -> Case:
    divisor = ("2, 2, 0, False, True, 3", "2, divisor_override=3") if rank > 1 else ()
    return Case(
        (
            "2",
            "kernel_size=3, stride=2",
            "3, 2, 1",
            "3, None, 1, True, False",
            "3, 2, 1, ceil_mode=True, count_include_pad=False",
            *divisor,
        ),
        (SHAPES[rank],),
    )


def _max_unpool(rank: int) -> Case:
    pooled = {1: "r(2, 4, 4)", 2: "r(2, 4, 4, 4)", 3: "r(2, 4, 3, 3, 3)"}[rank]
    indices = pooled.replace("r(", "corners(")
    size = {1: "[8]", 2: "[8, 8]", 3: "[6, 6, 6]"}[rank]
    return Case(
        ("2", "2, 2", "kernel_size=2, stride=2", "2, None", "2, 2, 0"),
        (f"{pooled}, {indices}", f"{pooled}, {indices}, {size}"),
    )


def _pad(rank: int, value: tuple[str, ...] = ("",)) -> Case:
    ones = ", ".join(["1"] * 2 * rank)
    rising = ", ".join(str(i % 3) for i in range(2 * rank))
    paddings = ("1", f"({rising})", f"({ones})", "padding=2")
    return Case(
        tuple(padding + ending for padding in paddings for ending in value), (SHAPES[rank],)
    )


CASES: dict[str, Case] = {
    **dict.fromkeys(
        ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish"), Case(INPLACE, FLAT)
    ),
    **dict.fromkeys(("ELU", "CELU"), Case(SLOPE, FLAT)),
    "LeakyReLU": Case(tuple(variant.replace("alpha", "negative_slope") for variant in SLOPE), FLAT),
    "RReLU": Case(("", "0.1, 0.4", "0.1, 0.4, True", "lower=0.2", "upper=0.5, inplace=True"), FLAT),
    "GELU": Case(("", "'tanh'", "approximate='tanh'", "approximate='none'"), FLAT),
    "GLU": Case(("", "1", "dim=1"), FLAT),
    "Hardtanh": Case(
        (
            "",
            "-0.5, 0.5",
            "-0.5, 0.5, True",
            "min_val=-0.2",
            "max_val=0.2, inplace=True",
            "min_value=-0.2, max_value=0.3",
            "-1, 1, False, None, 0.3",
        ),
        FLAT,
    ),
    **dict.fromkeys(("Hardshrink", "Softshrink"), Case(("", "0.3", "lambd=0.3"), FLAT)),
    **dict.fromkeys(("Tanhshrink", "Softsign", "LogSigmoid", "Sigmoid", "Tanh"), Case(("",), FLAT)),
    "Softplus": Case(("", "2", "2, 0.5", "threshold=1, beta=3"), FLAT),
    "Threshold": Case(
        ("0.1, 20", "0.1, 20, True", "threshold=0.1, value=5", "0.1, value=3, inplace=True"), FLAT
    ),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Softmin"), Case(DIM, FLAT)),
    "Softmax2d": Case(("",), ("r(2, 3, 4, 4)", "r(3, 4, 4)")),
    **{f"MaxPool{rank}d": _max_pool(rank) for rank in SHAPES},
    **{f"AvgPool{rank}d": _avg_pool(rank) for rank in SHAPES},
    **{
        f"LPPool{rank}d": Case(
            ("2, 2", "1.5, 3, 2", "norm_type=2, kernel_size=2, ceil_mode=True", "2, 3, None, True"),
            (SHAPES[rank].replace("r(", "u("),),
        )
        for rank in SHAPES
    },
    **{f"AdaptiveAvgPool{rank}d": Case(OUTPUTS[rank], (SHAPES[rank],)) for rank in SHAPES},
    **{
        f"AdaptiveMaxPool{rank}d": Case(
            (*OUTPUTS[rank], "2, True", "2, return_indices=True"), (SHAPES[rank],)
        )
        for rank in SHAPES
    },
    "FractionalMaxPool2d": Case(
        (
            "2, 3",
            "2, output_ratio=0.5",
            "2, None, 0.5, True",
            "kernel_size=(2, 3), output_size=(3, 2), return_indices=True",
            "2, output_ratio=(0.5, 0.6)",
        ),
        (SHAPES[2],),
    ),
    "FractionalMaxPool3d": Case(
        (
            "2, 3",
            "2, output_ratio=0.5",
            "2, None, 0.5, True",
            "kernel_size=(2, 2, 1), output_size=(3, 2, 2), return_indices=True",
            "2, output_ratio=(0.5, 0.6, 0.5)",
        ),
        (SHAPES[3],),
    ),
    **{f"MaxUnpool{rank}d": _max_unpool(rank) for rank in SHAPES},
    **dict.fromkeys(("Dropout", "AlphaDropout", "FeatureAlphaDropout"), Case(DROP, FLAT)),
    **{f"Dropout{rank}d": Case(DROP, (SHAPES[rank],)) for rank in SHAPES},
    **{f"ZeroPad{rank}d": _pad(rank) for rank in SHAPES},
    **{f"ConstantPad{rank}d": _pad(rank, (", value=0.5", ", value=0")) for rank in SHAPES},
    **{f"ReflectionPad{rank}d": _pad(rank) for rank in SHAPES},
    **{f"ReplicationPad{rank}d": _pad(rank) for rank in SHAPES},
    **{f"CircularPad{rank}d": _pad(rank) for rank in SHAPES},
    "Upsample": Case(
        (
            "scale_factor=2",
            "5",
            "(5, 7)",
            "None, 2, 'bilinear', True",
            "scale_factor=(2, 1.5), mode='bicubic', align_corners=False",
            "scale_factor=1.7, mode='bilinear', align_corners=False, recompute_scale_factor=True",
            "None, 2, 'nearest-exact', None, False",
        ),
        ("r(2, 3, 4, 4)",),
    ),
    **dict.fromkeys(
        ("UpsamplingNearest2d", "UpsamplingBilinear2d"),
        Case(("5", "scale_factor=2", "size=(5, 7)", "None, (2, 3)"), ("r(2, 3, 4, 4)",)),
    ),
    "Flatten": Case(("", "1", "0", "start_dim=0", "0, 1", "end_dim=1", "2, -1"), FLAT),
    "Unflatten": Case(
        (
            "1, (2, 2)",
            "dim=1, unflattened_size=(2, -1)",
            "1, [2, 2]",
            "-1, unflattened_size=(3, 2)",
        ),
        FLAT,
    ),
    "PixelShuffle": Case(("2", "upscale_factor=2"), ("r(2, 8, 3, 3)",)),
    "PixelUnshuffle": Case(("2", "downscale_factor=2"), ("r(2, 2, 4, 4)",)),
    "ChannelShuffle": Case(("2", "groups=2"), ("r(2, 4, 3, 3)",)),
    "Fold": Case(
        (
            "(4, 4), 2, stride=2",
            "(4, 4), 2, 1, 0, 2",
            "output_size=(4, 4), kernel_size=(2, 2), stride=2",
        ),
        ("r(1, 12, 4)",),
    ),
    "Unfold": Case(
        ("2", "2, 1, 1, 2", "kernel_size=(2, 3), padding=1", "3, dilation=2"),
        ("r(2, 3, 6, 6)",),
    ),
    "CosineSimilarity": Case(("", "0", "dim=1, eps=0.1", "1, 0.5"), ("r(3, 4), r(3, 4)",)),
    "PairwiseDistance": Case(
        ("", "1", "p=3", "2, 0.1, True", "keepdim=True, eps=0.01"), ("r(3, 4), r(3, 4)",)
    ),
    **{
        f"InstanceNorm{rank}d": Case(
            ("4", "4, 0.1", "4, eps=0.1", "4, momentum=None", "num_features=4, affine=False"),
            (SHAPES[rank],),
        )
        for rank in SHAPES
    },
    **{
        f"BatchNorm{rank}d": Case(
            (
                "4, affine=False, track_running_stats=False",
                "4, 0.1, 0.2, False, False",
                "4, eps=0.1, momentum=None, affine=False, track_running_stats=False",
            ),
            (SHAPES[rank],),
        )
        for rank in SHAPES
    },
    "GroupNorm": Case(
        ("2, 4, affine=False", "2, 4, 0.1, False", "num_groups=4, num_channels=4, affine=False"),
        FLAT,
    ),
    "LayerNorm": Case(
        (
            "6, elementwise_affine=False",
            "(6,), 0.1, False",
            "[4, 6], eps=0.1, elementwise_affine=False",
            "normalized_shape=6, elementwise_affine=False, bias=False",
        ),
        FLAT,
    ),
    "RMSNorm": Case(
        ("6, elementwise_affine=False", "(4, 6), 0.1, False", "(6,), elementwise_affine=False"),
        FLAT,
    ),
    "LocalResponseNorm": Case(
        ("2", "3, 0.1", "size=2, alpha=0.1, beta=0.5, k=2.0", "2, 0.1, 0.5, 2"), (SHAPES[2],)
    ),
    **dict.fromkeys(("L1Loss", "MSELoss"), Case(REDUCED, ("r(3, 4), r(3, 4)",))),
    "SmoothL1Loss": Case((*REDUCED, "beta=0.5"), ("r(3, 4), r(3, 4)",)),
    "HuberLoss": Case(("", "'sum'", "'none', 0.5", "delta=2.0"), ("r(3, 4), r(3, 4)",)),
    "SoftMarginLoss": Case(REDUCED, ("r(3, 4), r(3, 4).detach().sign()",)),
    "MultiLabelMarginLoss": Case(REDUCED, ("r(2, 4), k(4, (2, 4))",)),
    "MultiLabelSoftMarginLoss": Case(
        ("", "reduction='sum'", "None, None, None, 'none'", "weight=None", *OLD[:2]),
        ("r(3, 4), u(3, 4).detach()",),
    ),
    "MultiMarginLoss": Case(
        ("", "2", "1, 0.5, None, None, None, 'sum'", "p=2, margin=0.5", *OLD[:2]),
        ("r(3, 4), k(4, (3,))",),
    ),
    "BCELoss": Case(
        ("", "reduction='sum'", "None, None, None, 'none'", *OLD[:2]), ("u(3, 4), u(3, 4)",)
    ),
    "BCEWithLogitsLoss": Case(
        ("", "reduction='sum'", "None, None, None, 'none', None", *OLD[:2]), ("r(3, 4), u(3, 4)",)
    ),
    "CrossEntropyLoss": Case(
        (
            "",
            "label_smoothing=0.1",
            "None, None, 1, None, 'sum', 0.1",
            "ignore_index=0, reduction='none'",
            *OLD[:2],
        ),
        ("r(5, 4), k(4, (5,))",),
    ),
    **dict.fromkeys(
        ("NLLLoss", "NLLLoss2d"),
        Case(
            ("", "None, None, 1", "ignore_index=0, reduction='none'", *OLD[:2]),
            ("r(5, 4).log_softmax(1), k(4, (5,))",),
        ),
    ),
    "KLDivLoss": Case(
        ("reduction='batchmean'", "", "log_target=True, reduction='sum'", *OLD[:2]),
        ("r(3, 4).log_softmax(1), u(3, 4)",),
    ),
    "PoissonNLLLoss": Case(
        ("", "False", "True, True", "full=True, eps=0.1", "False, reduction='sum'", *OLD[:2]),
        ("u(3, 4), u(3, 4)",),
    ),
    "GaussianNLLLoss": Case(
        ("", "full=True", "eps=0.2, reduction='sum'"),
        ("r(3, 4), r(3, 4), u(3, 4)", "r(3, 4), r(3, 4), 0.5"),
    ),
    "CTCLoss": Case(
        ("", "1", "0, 'sum', True", "reduction='none', zero_infinity=True"),
        (
            "r(8, 2, 5).log_softmax(2), k(3, (2, 3)) + 2,"
            " torch.tensor([8, 8]), torch.tensor([3, 2])",
        ),
    ),
    "HingeEmbeddingLoss": Case(
        ("", "0.5", "margin=2.0, reduction='sum'", *OLD[:2]), ("r(3, 4), r(3, 4).detach().sign()",)
    ),
    "CosineEmbeddingLoss": Case(
        ("", "0.2", "margin=0.5, reduction='none'", *OLD[:2]),
        ("r(3, 4), r(3, 4), torch.tensor([1, -1, 1])",),
    ),
    "MarginRankingLoss": Case(
        ("", "0.2", "margin=0.5, reduction='none'", *OLD[:2]),
        ("r(3), r(3), torch.tensor([1, -1, 1])",),
    ),
    "TripletMarginLoss": Case(
        ("", "0.5, 1", "swap=True", "margin=2.0, p=1.0, eps=0.1, reduction='none'", *OLD[:2]),
        ("r(3, 4), r(3, 4), r(3, 4)",),
    ),
    "TripletMarginWithDistanceLoss": Case(
        ("", "margin=0.5", "swap=True, reduction='none'", "distance_function=None"),
        ("r(3, 4), r(3, 4), r(3, 4)",),
    ),
}
