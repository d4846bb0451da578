"""What torch.nn and torch.nn.functional hold that is in no pair, and why."""

from __future__ import annotations

from collections.abc import Mapping

_ABSTRACT = "A base class."
_CONTAINER = "A container of other modules."
_SYNC = "Needs a process group."
_LAZY = "Its sizes are known after the first call only."

LEFT_OUT: Mapping[str, str] = {
    "torch.nn.Identity": "Has no functional form: the call itself goes.",
    "torch.nn.CrossMapLRN2d": "Has no functional form.",
    "torch.nn.SyncBatchNorm": _SYNC,
    "torch.nn.LazyBatchNorm1d": _LAZY,
    "torch.nn.LazyBatchNorm2d": _LAZY,
    "torch.nn.LazyBatchNorm3d": _LAZY,
    "torch.nn.LazyInstanceNorm1d": _LAZY,
    "torch.nn.LazyInstanceNorm2d": _LAZY,
    "torch.nn.LazyInstanceNorm3d": _LAZY,
    "torch.nn.Module": _ABSTRACT,
    "torch.nn.Container": _CONTAINER,
    "torch.nn.DataParallel": _CONTAINER,
    "torch.nn.Sequential": _CONTAINER,
    "torch.nn.ModuleList": _CONTAINER,
    "torch.nn.ModuleDict": _CONTAINER,
    "torch.nn.ParameterList": "A container of parameters.",
    "torch.nn.ParameterDict": "A container of parameters.",
}

_WEIGHTS = "Takes weights, which its module owns."
_NO_CLASS = "torch.nn has no module for it."
_REDUCTION = "Its reduction is a number; only torch.nn.functional's spelling is read."
_CUDNN = "Takes running statistics and weights by position, and a cuDNN flag."
_NO_INPLACE = "Its module has no in-place form."
_INTERNAL = "Internal to torch."
_RANDOM_CHANNELS = "nn.Dropout1d, 2d or 3d, depending on the rank of its input."

NO_MODULE: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "torch.nn.functional.batch_norm",
            "torch.nn.functional.group_norm",
            "torch.nn.functional.instance_norm",
        ),
        "Its module needs the number of channels, which the call does not say.",
    ),
    **dict.fromkeys(
        (
            "torch.nn.functional.bilinear",
            "torch.nn.functional.conv1d",
            "torch.nn.functional.conv2d",
            "torch.nn.functional.conv3d",
            "torch.nn.functional.conv_tbc",
            "torch.nn.functional.conv_transpose1d",
            "torch.nn.functional.conv_transpose2d",
            "torch.nn.functional.conv_transpose3d",
            "torch.nn.functional.embedding",
            "torch.nn.functional.embedding_bag",
            "torch.nn.functional.grouped_mm",
            "torch.nn.functional.linear",
            "torch.nn.functional.linear_cross_entropy",
            "torch.nn.functional.multi_head_attention_forward",
            "torch.nn.functional.prelu",
            "torch.nn.functional.scaled_grouped_mm",
            "torch.nn.functional.scaled_mm",
            "torch.bilinear",
            "torch.conv1d",
            "torch.conv2d",
            "torch.conv3d",
            "torch.conv_tbc",
            "torch.conv_transpose1d",
            "torch.conv_transpose2d",
            "torch.conv_transpose3d",
            "torch.embedding",
            "torch.embedding_bag",
            "torch.prelu",
            "torch.Tensor.prelu",
        ),
        _WEIGHTS,
    ),
    **dict.fromkeys(
        (
            "torch.nn.functional.affine_grid",
            "torch.nn.functional.grid_sample",
            "torch.nn.functional.gumbel_softmax",
            "torch.nn.functional.normalize",
            "torch.nn.functional.one_hot",
            "torch.nn.functional.pdist",
            "torch.nn.functional.scaled_dot_product_attention",
            "torch.pdist",
        ),
        _NO_CLASS,
    ),
    **dict.fromkeys(
        (
            "torch.binary_cross_entropy_with_logits",
            "torch.cosine_embedding_loss",
            "torch.ctc_loss",
            "torch.hinge_embedding_loss",
            "torch.kl_div",
            "torch.margin_ranking_loss",
            "torch.poisson_nll_loss",
            "torch.triplet_margin_loss",
        ),
        _REDUCTION,
    ),
    **dict.fromkeys(("torch.batch_norm", "torch.instance_norm", "torch.group_norm"), _CUDNN),
    **dict.fromkeys(
        ("torch.sigmoid_", "torch.tanh_", "torch.Tensor.sigmoid_", "torch.Tensor.tanh_"),
        _NO_INPLACE,
    ),
    **dict.fromkeys(
        ("torch.alpha_dropout_", "torch.feature_alpha_dropout_"),
        _NO_INPLACE,
    ),
    "torch.Tensor.unfold": "Windows along one dimension: not what nn.Unfold does.",
    **dict.fromkeys(("torch.feature_dropout", "torch.feature_dropout_"), _RANDOM_CHANNELS),
    **dict.fromkeys(
        (
            "torch.native_channel_shuffle",
            "torch.native_dropout",
            "torch.nn.functional.assert_int_or_pair",
            "torch.nn.functional.native_channel_shuffle",
        ),
        _INTERNAL,
    ),
}
