"""The mapping of arguments, as a reader of the rewritten source would expect it."""

from __future__ import annotations

import pytest
from observing import arguments

from codemod.catalogue import (
    Arguments,
    Bound,
    FunctionalCall,
    ModuleCall,
    Unmappable,
    bind,
    by_functional,
    by_module,
    module_call,
    to_functional,
    to_module,
)


def as_functional(name: str, constructor: str, call: str = "x") -> str | Unmappable:
    """`nn.NAME(CONSTRUCTOR)` called with `call`, as a functional call."""
    pair = by_module(f"torch.nn.{name}")
    assert pair is not None
    bound = bind(pair.constructor, arguments(constructor), f"nn.{name}")
    if isinstance(bound, Unmappable):
        return bound
    result = to_functional(pair, bound)
    if isinstance(result, Unmappable):
        return result
    full = result.full(arguments(call))
    if isinstance(full, Unmappable):
        return full
    return f"{result.name}({full})".replace("torch.nn.functional.", "F.")


def as_module(name: str, call: str) -> str | Unmappable:
    """`NAME(CALL)` as a module, built and called."""
    full = name.replace("F.", "torch.nn.functional.")
    candidates = by_functional(full)
    bound = bind(candidates[0][1].parameters, arguments(call), name)
    if isinstance(bound, Unmappable):
        return bound
    result = module_call(candidates, bound)
    if isinstance(result, Unmappable):
        return result
    return f"{result.module}({result.arguments})({result.inputs})".replace("torch.", "")


NO_FUNCTIONAL = [
    pytest.param("BatchNorm2d", "8", "stateful", id="batch-norm-by-default"),
    pytest.param("BatchNorm2d", "8, affine=False", "stateful", id="batch-norm-statistics"),
    pytest.param("LayerNorm", "8", "stateful", id="layer-norm-affine"),
    pytest.param("LayerNorm", "8, elementwise_affine=flag", "stateful", id="affine-unknown"),
    pytest.param("InstanceNorm2d", "8, affine=True", "stateful", id="instance-norm-affine"),
    pytest.param("CrossEntropyLoss", "w", "stateful", id="cross-entropy-weight"),
    pytest.param("BCEWithLogitsLoss", "pos_weight=w", "stateful", id="bce-pos-weight"),
    pytest.param(
        "TripletMarginWithDistanceLoss", "distance_function=d", "stateful", id="distance-function"
    ),
    pytest.param("ReflectionPad2d", "padding", "needs-literal", id="padding-from-a-name"),
    pytest.param("ZeroPad2d", "k // 2", "needs-literal", id="padding-computed"),
    pytest.param("ZeroPad2d", "(1, *rest)", "needs-literal", id="padding-starred"),
    pytest.param("ZeroPad2d", "(1, 1)", "needs-literal", id="padding-too-short"),
    pytest.param("FractionalMaxPool2d", "2, output_ratio=r", "needs-literal", id="ratio-a-name"),
    pytest.param("LayerNorm", "d, elementwise_affine=False", "needs-literal", id="shape-a-name"),
    pytest.param("ReLU", "True, 1", "too-many-arguments", id="too-many"),
    pytest.param("ReLU", "in_place=True", "unknown-argument", id="unknown"),
    pytest.param("ReLU", "True, inplace=True", "duplicate-argument", id="twice"),
    pytest.param("MaxPool2d", "stride=2", "missing-argument", id="missing"),
]


@pytest.mark.parametrize(("name", "constructor", "code"), NO_FUNCTIONAL)
def test_no_functional_form(name: str, constructor: str, code: str) -> None:
    result = as_functional(name, constructor)
    assert isinstance(result, Unmappable), result
    assert result.code == code
    assert result.message.endswith(".")


NO_MODULE_FORM = [
    pytest.param("F.softmax", "x, 1, dtype=d", "no-module-argument", id="softmax-dtype"),
    pytest.param("F.softmax", "x, 1, 5", "no-module-argument", id="softmax-stacklevel"),
    pytest.param("torch.softmax", "x, 1, d", "no-module-argument", id="torch-softmax-dtype"),
    pytest.param(
        "F.interpolate", "x, scale_factor=2, antialias=True", "no-module-argument", id="antialias"
    ),
    pytest.param("F.cross_entropy", "x, y, w", "no-module-argument", id="cross-entropy-weight"),
    pytest.param("F.mse_loss", "x, y, weight=w", "no-module-argument", id="mse-weight"),
    pytest.param("F.layer_norm", "x, (8,), w, b", "no-module-argument", id="layer-norm-weight"),
    pytest.param("torch.relu", "x, out=y", "unknown-argument", id="relu-has-no-out"),
    pytest.param("torch.sigmoid", "x, out=y", "no-module-argument", id="sigmoid-out"),
    pytest.param("torch.rrelu", "x, generator=g", "no-module-argument", id="generator"),
    pytest.param(
        "F.alpha_dropout", "x, 0.5, True, True", "no-module-argument", id="alpha-dropout-in-place"
    ),
    pytest.param("F.dropout2d", "x, 0.5, inplce=True", "unknown-argument", id="misspelt"),
    pytest.param("torch.dropout", "x, 0.5", "missing-argument", id="torch-dropout-needs-train"),
    pytest.param("F.gelu", "x, 'tanh'", "too-many-arguments", id="gelu-keyword-only"),
    pytest.param("F.batch_norm", "x, m, v", "no-module", id="batch-norm"),
    pytest.param("F.instance_norm", "x", "no-module", id="instance-norm"),
    pytest.param("F.pad", "x, p", "needs-literal", id="pad-from-a-name"),
    pytest.param("F.pad", "x, (1, *p)", "needs-literal", id="pad-starred"),
    pytest.param("F.pad", "x, (1,) * 4", "needs-literal", id="pad-computed"),
    pytest.param("F.pad", "x, (1, 1), mode", "needs-literal", id="pad-mode-from-a-name"),
    pytest.param("F.pad", "x, (1, 1), 'edge'", "no-module", id="pad-mode-unknown"),
    pytest.param("F.pad", "x, (1,) ", "no-module", id="pad-odd"),
    pytest.param("F.pad", "x, (1, 1, 1, 1, 1, 1, 1, 1)", "no-module", id="pad-four-dimensions"),
    pytest.param("F.pad", "x, (1, 1), 'reflect', 2", "no-module-argument", id="pad-reflect-value"),
]


@pytest.mark.parametrize(("name", "call", "code"), NO_MODULE_FORM)
def test_no_module_form(name: str, call: str, code: str) -> None:
    result = as_module(name, call)
    assert isinstance(result, Unmappable), result
    assert result.code == code
    assert result.message.endswith(".")


def test_the_sentence_names_the_argument() -> None:
    result = as_module("F.interpolate", "x, scale_factor=2, antialias=True")
    assert result == Unmappable(
        "no-module-argument", "nn.Upsample has nothing for antialias of F.interpolate."
    )


# The rows of the table of pairs that need care, by name.
MIND_TO_FUNCTIONAL = [
    ("Dropout", "0.5", "F.dropout(x, 0.5, training=self.training)"),
    ("Dropout", "0.5, True", "F.dropout(x, 0.5, training=self.training, inplace=True)"),
    ("Dropout", "", "F.dropout(x, training=self.training)"),
    ("Dropout", "p=self.rate", "F.dropout(x, p=self.rate, training=self.training)"),
    ("Dropout3d", "0.1", "F.dropout3d(x, 0.1, training=self.training)"),
    ("AlphaDropout", "0.5", "F.alpha_dropout(x, 0.5, training=self.training)"),
    ("AlphaDropout", "0.5, True", "F.alpha_dropout(x, 0.5, training=self.training)"),
    ("FeatureAlphaDropout", "", "F.feature_alpha_dropout(x, training=self.training)"),
    ("RReLU", "0.1, 0.2, True", "F.rrelu(x, 0.1, 0.2, training=self.training, inplace=True)"),
    ("MaxPool2d", "3, 2, 1, 1, False, True", "F.max_pool2d(x, 3, 2, 1, 1, ceil_mode=True)"),
    ("MaxPool2d", "3, 2, 1, 1, True, False", "F.max_pool2d(x, 3, 2, 1, 1, return_indices=True)"),
    (
        "MaxPool1d",
        "3, 2, 1, 1, True, True",
        "F.max_pool1d(x, 3, 2, 1, 1, ceil_mode=True, return_indices=True)",
    ),
    ("GELU", "'tanh'", "F.gelu(x, approximate='tanh')"),
    ("Hardtanh", "min_value=-2, max_value=2", "F.hardtanh(x, min_val=-2, max_val=2)"),
    ("Hardtanh", "-1, 1, False, None, 2", "F.hardtanh(x, -1, 2)"),
    ("ReLU6", "True", "F.relu6(x, True)"),
    ("ReflectionPad2d", "1", 'F.pad(x, (1, 1, 1, 1), mode="reflect")'),
    ("ReplicationPad1d", "padding=2", 'F.pad(x, (2, 2), mode="replicate")'),
    ("CircularPad3d", "(1, 2, 3, 4, 5, 6)", 'F.pad(x, (1, 2, 3, 4, 5, 6), mode="circular")'),
    ("ZeroPad2d", "(p, p, 0, 0)", "F.pad(x, (p, p, 0, 0))"),
    ("ConstantPad2d", "1, 0.5", "F.pad(x, (1, 1, 1, 1), value=0.5)"),
    (
        "UpsamplingBilinear2d",
        "scale_factor=2",
        'F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)',
    ),
    ("UpsamplingNearest2d", "None, 2", "F.interpolate(x, scale_factor=2)"),
    ("Upsample", "None, 2, 'bilinear'", "F.interpolate(x, scale_factor=2, mode='bilinear')"),
    ("Flatten", "", "torch.flatten(x, 1)"),
    ("Flatten", "end_dim=2", "torch.flatten(x, 1, end_dim=2)"),
    ("Flatten", "0", "torch.flatten(x, 0)"),
    ("Unflatten", "1, (2, 3)", "torch.unflatten(x, 1, (2, 3))"),
    ("Unflatten", "dim=1, unflattened_size=s", "torch.unflatten(x, dim=1, sizes=s)"),
    (
        "FractionalMaxPool2d",
        "2, output_ratio=0.5",
        "F.fractional_max_pool2d(x, 2, output_ratio=(0.5, 0.5))",
    ),
    ("FractionalMaxPool3d", "2, 4", "F.fractional_max_pool3d(x, 2, 4)"),
    ("InstanceNorm2d", "8", "F.instance_norm(x)"),
    ("InstanceNorm2d", "8, 0.001", "F.instance_norm(x, eps=0.001)"),
    (
        "BatchNorm1d",
        "8, affine=False, track_running_stats=False",
        "F.batch_norm(x, None, None, training=True)",
    ),
    ("GroupNorm", "2, 8, affine=False", "F.group_norm(x, 2)"),
    ("LayerNorm", "8, elementwise_affine=False", "F.layer_norm(x, (8,))"),
    ("RMSNorm", "(4, 8), elementwise_affine=False", "F.rms_norm(x, (4, 8))"),
    ("Softmax2d", "", "F.softmax(x, dim=-3)"),
    ("Softmax", "", "F.softmax(x)"),
    ("Sigmoid", "", "torch.sigmoid(x)"),
    ("Tanh", "", "torch.tanh(x)"),
    ("ReLU", "inplace=False", "F.relu(x)"),
    ("ReLU", "inplace=True", "F.relu(x, inplace=True)"),
    ("AvgPool2d", "2, None, 1", "F.avg_pool2d(x, 2, padding=1)"),
]


@pytest.mark.parametrize(("name", "constructor", "expected"), MIND_TO_FUNCTIONAL)
def test_module_to_functional(name: str, constructor: str, expected: str) -> None:
    assert as_functional(name, constructor) == expected


MIND_TO_MODULE = [
    ("F.dropout", "x, 0.5, self.training", "nn.Dropout(0.5)(x)"),
    ("F.dropout", "x, 0.5, self.training, True", "nn.Dropout(0.5, inplace=True)(x)"),
    ("F.dropout", "x, p=self.rate, training=self.training", "nn.Dropout(p=self.rate)(x)"),
    ("torch.dropout", "x, 0.5, self.training", "nn.Dropout(0.5)(x)"),
    ("torch.dropout_", "x, 0.5, True", "nn.Dropout(0.5, inplace=True)(x)"),
    ("F.alpha_dropout", "x, 0.5, self.training", "nn.AlphaDropout(0.5)(x)"),
    ("F.rrelu", "x, 0.1, 0.2, self.training, True", "nn.RReLU(0.1, 0.2, inplace=True)(x)"),
    ("F.max_pool2d", "x, 2, 2, 0, 1, True", "nn.MaxPool2d(2, 2, 0, 1, ceil_mode=True)(x)"),
    (
        "F.max_pool2d",
        "x, 2, 2, 0, 1, False, True",
        "nn.MaxPool2d(2, 2, 0, 1, return_indices=True)(x)",
    ),
    ("F.max_pool2d_with_indices", "x, 2", "nn.MaxPool2d(2, return_indices=True)(x)"),
    ("torch.max_pool2d", "x, 2, 2", "nn.MaxPool2d(2, 2)(x)"),
    ("F.gelu", "x, approximate='tanh'", "nn.GELU(approximate='tanh')(x)"),
    ("F.hardtanh", "x, -2, 2", "nn.Hardtanh(-2, 2)(x)"),
    ("F.relu6", "x", "nn.ReLU6()(x)"),
    ("F.relu", "x, True", "nn.ReLU(True)(x)"),
    ("F.relu", "input=x, inplace=False", "nn.ReLU()(input=x)"),
    ("F.relu_", "x", "nn.ReLU(inplace=True)(x)"),
    ("torch.Tensor.relu_", "x", "nn.ReLU(inplace=True)(x)"),
    ("F.pad", "x, (1, 1)", "nn.ZeroPad1d(1)(x)"),
    ("F.pad", "x, (1, 2, 3, 4)", "nn.ZeroPad2d((1, 2, 3, 4))(x)"),
    ("F.pad", "x, (1, 1, 1, 1), 'constant', 0", "nn.ZeroPad2d(1)(x)"),
    ("F.pad", "x, (1, 1, 1, 1), value=0.0", "nn.ZeroPad2d(1)(x)"),
    ("F.pad", "x, [1, 1, 1, 1], value=v", "nn.ConstantPad2d(1, value=v)(x)"),
    ("F.pad", "x, (p, p), 'reflect'", "nn.ReflectionPad1d((p, p))(x)"),
    ("F.pad", "x, pad=(1, 1), mode='replicate'", "nn.ReplicationPad1d(1)(x)"),
    ("F.pad", "x, (1, 1, 1, 1, 1, 1), 'circular'", "nn.CircularPad3d(1)(x)"),
    (
        "F.interpolate",
        "x, None, 2, 'bilinear', True",
        "nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)(x)",
    ),
    (
        "F.upsample_bilinear",
        "x, scale_factor=2",
        'nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)(x)',
    ),
    ("F.upsample", "x, scale_factor=2", "nn.Upsample(scale_factor=2)(x)"),
    ("torch.flatten", "x", "nn.Flatten(0)(x)"),
    ("torch.flatten", "x, 1", "nn.Flatten(1)(x)"),
    ("torch.flatten", "x, start_dim=1", "nn.Flatten(start_dim=1)(x)"),
    ("torch.Tensor.flatten", "x, 1", "nn.Flatten(1)(x)"),
    ("torch.Tensor.unflatten", "x, 1, (2, 3)", "nn.Unflatten(1, (2, 3))(x)"),
    (
        "F.fractional_max_pool2d",
        "x, 2, output_ratio=(0.5, 0.5)",
        "nn.FractionalMaxPool2d(2, output_ratio=(0.5, 0.5))(x)",
    ),
    ("F.layer_norm", "x, (8,)", "nn.LayerNorm((8,), elementwise_affine=False)(x)"),
    (
        "F.rms_norm",
        "input=x, normalized_shape=s",
        "nn.RMSNorm(normalized_shape=s, elementwise_affine=False)(x=x)",
    ),
    ("F.softmax", "x, dim=1", "nn.Softmax(dim=1)(x)"),
    ("F.softmax", "x", "nn.Softmax()(x)"),
    ("F.sigmoid", "x", "nn.Sigmoid()(x)"),
    ("F.threshold", "x, 0.1, 20", "nn.Threshold(0.1, 20)(x)"),
    ("F.gaussian_nll_loss", "x, y, v, True", "nn.GaussianNLLLoss(full=True)(x, y, v)"),
    ("F.poisson_nll_loss", "x, y, False", "nn.PoissonNLLLoss(False)(x, y)"),
    ("F.l1_loss", "x, y, size_average=False", "nn.L1Loss(size_average=False)(x, y)"),
    ("F.cosine_embedding_loss", "a, b, y", "nn.CosineEmbeddingLoss()(a, b, y)"),
    ("F.max_unpool2d", "x, i, 2, output_size=s", "nn.MaxUnpool2d(2)(x, i, output_size=s)"),
    ("F.max_unpool2d", "x, i, 2, 2, 0, s", "nn.MaxUnpool2d(2, 2, 0)(x, i, s)"),
]


@pytest.mark.parametrize(("name", "call", "expected"), MIND_TO_MODULE)
def test_functional_to_module(name: str, call: str, expected: str) -> None:
    assert as_module(name, call) == expected


def test_inputs_by_keyword_take_the_functionals_names() -> None:
    assert as_functional("MaxPool2d", "2", "input=x") == "F.max_pool2d(input=x, kernel_size=2)"
    assert (
        as_functional("RMSNorm", "(8,), elementwise_affine=False", "x=h")
        == "F.rms_norm(input=h, normalized_shape=(8,))"
    )
    assert (
        as_functional("PoissonNLLLoss", "False", "log_input=x, target=y")
        == "F.poisson_nll_loss(input=x, target=y, log_input=False)"
    )


@pytest.mark.parametrize("call", ["x, i, s", "x, i, output_size=s"])
def test_an_input_behind_other_arguments_becomes_a_keyword(call: str) -> None:
    assert as_functional("MaxUnpool2d", "2", call) == "F.max_unpool2d(x, i, 2, output_size=s)"
    assert as_functional("MaxUnpool2d", "2", "x, i") == "F.max_unpool2d(x, i, 2)"


def test_a_module_called_with_too_much_has_no_functional_call() -> None:
    result = as_functional("ReLU", "", "x, y")
    assert isinstance(result, Unmappable)
    assert result.code == "too-many-arguments"


def test_what_moves_is_told_from_what_stays() -> None:
    candidates = by_functional("torch.nn.functional.dropout")
    bound = bind(candidates[0][1].parameters, arguments("x, p=rate, training=self.training"))
    assert isinstance(bound, Bound)
    result = module_call(candidates, bound)
    assert isinstance(result, ModuleCall)
    assert result.moved == ("p",)
    assert result.inputs == Arguments(("x",))
    assert result.functional.inputs == ("input",)


def test_plain_mappings_are_bound_by_keyword() -> None:
    pair = by_module("torch.nn.MaxPool2d")
    assert pair is not None
    result = to_functional(pair, {"kernel_size": "2"})
    assert isinstance(result, FunctionalCall)
    assert str(result.arguments) == "kernel_size=2"
    back = to_module(pair, result.functional, {"input": "x", "kernel_size": "2"})
    assert isinstance(back, ModuleCall)
    assert str(back.arguments) == "kernel_size=2"
