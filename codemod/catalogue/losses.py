"""Losses.

A weight becomes a buffer: such a module is not stateless, and such a call has no module form.
"""

from __future__ import annotations

from collections.abc import Mapping

from codemod.catalogue.build import F, pair
from codemod.catalogue.pair import Pair

_TWO = "input, target"
_TRIPLET = "anchor, positive, negative"
_OLD = "size_average=None, reduce=None"
_REDUCED = f"{_OLD}, reduction='mean'"
_NO_WEIGHT = {"weight": ("None",)}


def _loss(
    name: str,
    constructor: str,
    functional: str,
    signature: str,
    *,
    forward: str = _TWO,
    inputs: str = "",
    stateful_if: Mapping[str, tuple[str, ...]] | None = None,
    from_functional: bool = True,
    note: str = "",
) -> Pair:
    return pair(
        name,
        constructor,
        F(functional, signature, inputs=inputs),
        group="loss",
        forward=forward,
        stateful_if=stateful_if,
        from_functional=from_functional,
        note=note,
    )


_NLL = "weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean'"
_WEIGHTED = f"weight=None, {_REDUCED}"

LOSSES = (
    _loss("L1Loss", _REDUCED, "l1_loss", f"{_REDUCED}, weight=None"),
    _loss("MSELoss", _REDUCED, "mse_loss", f"{_REDUCED}, weight=None"),
    _loss("SmoothL1Loss", f"{_REDUCED}, beta=1.0", "smooth_l1_loss", f"{_REDUCED}, beta=1.0"),
    _loss(
        "HuberLoss",
        "reduction='mean', delta=1.0",
        "huber_loss",
        "reduction='mean', delta=1.0, weight=None",
    ),
    _loss("SoftMarginLoss", _REDUCED, "soft_margin_loss", _REDUCED),
    _loss("MultiLabelMarginLoss", _REDUCED, "multilabel_margin_loss", _REDUCED),
    _loss(
        "MultiLabelSoftMarginLoss",
        _WEIGHTED,
        "multilabel_soft_margin_loss",
        _WEIGHTED,
        stateful_if=_NO_WEIGHT,
    ),
    _loss(
        "MultiMarginLoss",
        f"p=1, margin=1.0, {_WEIGHTED}",
        "multi_margin_loss",
        f"p=1, margin=1.0, {_WEIGHTED}",
        stateful_if=_NO_WEIGHT,
    ),
    _loss("BCELoss", _WEIGHTED, "binary_cross_entropy", _WEIGHTED, stateful_if=_NO_WEIGHT),
    _loss(
        "BCEWithLogitsLoss",
        f"{_WEIGHTED}, pos_weight=None",
        "binary_cross_entropy_with_logits",
        f"{_WEIGHTED}, pos_weight=None",
        stateful_if={"weight": ("None",), "pos_weight": ("None",)},
    ),
    _loss(
        "CrossEntropyLoss",
        f"{_NLL}, label_smoothing=0.0",
        "cross_entropy",
        f"{_NLL}, label_smoothing=0.0",
        stateful_if=_NO_WEIGHT,
    ),
    _loss("NLLLoss", _NLL, "nll_loss", _NLL, stateful_if=_NO_WEIGHT),
    _loss(
        "NLLLoss2d",
        _NLL,
        "nll_loss",
        _NLL,
        stateful_if=_NO_WEIGHT,
        from_functional=False,
        note="Deprecated in favour of nn.NLLLoss.",
    ),
    _loss(
        "KLDivLoss",
        f"{_REDUCED}, log_target=False",
        "kl_div",
        f"{_REDUCED}, log_target=False",
    ),
    _loss(
        "PoissonNLLLoss",
        "log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction='mean'",
        "poisson_nll_loss",
        "log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction='mean'",
        forward="log_input, target",
        inputs=_TWO,
        note="The input of forward is called log_input, as the constructor's flag is.",
    ),
    _loss(
        "GaussianNLLLoss",
        "*, full=False, eps=1e-06, reduction='mean'",
        "gaussian_nll_loss",
        "full=False, eps=1e-06, reduction='mean'",
        forward="input, target, var",
    ),
    _loss(
        "CTCLoss",
        "blank=0, reduction='mean', zero_infinity=False",
        "ctc_loss",
        "blank=0, reduction='mean', zero_infinity=False",
        forward="log_probs, targets, input_lengths, target_lengths",
    ),
    _loss(
        "HingeEmbeddingLoss",
        f"margin=1.0, {_REDUCED}",
        "hinge_embedding_loss",
        f"margin=1.0, {_REDUCED}",
    ),
    _loss(
        "CosineEmbeddingLoss",
        f"margin=0.0, {_REDUCED}",
        "cosine_embedding_loss",
        f"margin=0, {_REDUCED}",
        forward="input1, input2, target",
    ),
    _loss(
        "MarginRankingLoss",
        f"margin=0.0, {_REDUCED}",
        "margin_ranking_loss",
        f"margin=0, {_REDUCED}",
        forward="input1, input2, target",
    ),
    _loss(
        "TripletMarginLoss",
        f"margin=1.0, p=2.0, eps=1e-06, swap=False, {_REDUCED}",
        "triplet_margin_loss",
        f"margin=1.0, p=2, eps=1e-06, swap=False, {_REDUCED}",
        forward=_TRIPLET,
    ),
    _loss(
        "TripletMarginWithDistanceLoss",
        "*, distance_function=None, margin=1.0, swap=False, reduction='mean'",
        "triplet_margin_with_distance_loss",
        "*, distance_function=None, margin=1.0, swap=False, reduction='mean'",
        forward=_TRIPLET,
        stateful_if={"distance_function": ("None",)},
        note="A distance_function that is a module would be registered as a child.",
    ),
)
