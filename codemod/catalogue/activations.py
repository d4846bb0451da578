"""Activations and softmaxes."""

from __future__ import annotations

from functools import partial

from codemod.catalogue.build import INPLACE, F, M, S, T, pair

_activation = partial(pair, group="activation")
_softmax = partial(pair, group="softmax")

_RRELU = "lower=0.125, upper=0.3333333333333333"

ACTIVATIONS = (
    _activation(
        "ReLU",
        "inplace=False",
        F("relu", "inplace=False"),
        F("relu_", implies=INPLACE, emit=False),
        T("relu"),
        T("relu_", implies=INPLACE),
        M("relu"),
        M("relu_", implies=INPLACE),
    ),
    _activation(
        "ReLU6",
        "inplace=False",
        F("relu6", "inplace=False"),
        note="Both run hardtanh(0, 6).",
    ),
    _activation(
        "RReLU",
        f"{_RRELU}, inplace=False",
        F("rrelu", f"{_RRELU}, training=False, inplace=False", training="training"),
        F(
            "rrelu_",
            f"{_RRELU}, training=False, generator=None",
            training="training",
            implies=INPLACE,
            emit=False,
        ),
        T("rrelu", f"{_RRELU}, training=False, generator=None", training="training"),
        T(
            "rrelu_",
            f"{_RRELU}, training=False, generator=None",
            training="training",
            implies=INPLACE,
        ),
        note="Draws random numbers in train mode.",
    ),
    _activation(
        "LeakyReLU",
        "negative_slope=0.01, inplace=False",
        F("leaky_relu", "negative_slope=0.01, inplace=False"),
        F("leaky_relu_", "negative_slope=0.01", implies=INPLACE, emit=False),
    ),
    _activation(
        "ELU",
        "alpha=1.0, inplace=False",
        F("elu", "alpha=1.0, inplace=False"),
        F("elu_", "alpha=1.0", implies=INPLACE, emit=False),
    ),
    _activation(
        "CELU",
        "alpha=1.0, inplace=False",
        F("celu", "alpha=1.0, inplace=False"),
        F("celu_", "alpha=1.0", implies=INPLACE, emit=False),
        T("celu", "alpha=1.0"),
        T("celu_", "alpha=1.0", implies=INPLACE),
    ),
    _activation(
        "SELU",
        "inplace=False",
        F("selu", "inplace=False"),
        F("selu_", implies=INPLACE, emit=False),
        T("selu"),
        T("selu_", implies=INPLACE),
    ),
    _activation("SiLU", "inplace=False", F("silu", "inplace=False")),
    _activation("Mish", "inplace=False", F("mish", "inplace=False")),
    _activation("GELU", "approximate='none'", F("gelu", "*, approximate='none'")),
    _activation("GLU", "dim=-1", F("glu", "dim=-1")),
    _activation("Hardsigmoid", "inplace=False", F("hardsigmoid", "inplace=False")),
    _activation("Hardswish", "inplace=False", F("hardswish", "inplace=False")),
    _activation(
        "Hardtanh",
        "min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None",
        F(
            "hardtanh",
            "min_val=-1.0, max_val=1.0, inplace=False",
            links={"min_value": ("min_val", "same"), "max_value": ("max_val", "same")},
        ),
        F("hardtanh_", "min_val=-1.0, max_val=1.0", implies=INPLACE, emit=False),
    ),
    _activation(
        "Hardshrink",
        "lambd=0.5",
        F("hardshrink", "lambd=0.5, *, out=None"),
        T("hardshrink", "lambd=0.5, *, out=None"),
        M("hardshrink", "lambd=0.5"),
    ),
    _activation("Softshrink", "lambd=0.5", F("softshrink", "lambd=0.5, *, out=None")),
    _activation("Tanhshrink", "", F("tanhshrink")),
    _activation(
        "Softplus",
        "beta=1.0, threshold=20.0",
        F("softplus", "beta=1.0, threshold=20.0, *, out=None"),
    ),
    _activation("Softsign", "", F("softsign")),
    _activation("LogSigmoid", "", F("logsigmoid", "*, out=None")),
    _activation(
        "Sigmoid",
        "",
        T("sigmoid", "*, out=None", emit=True),
        F("sigmoid", emit=False),
        S("expit", "*, out=None"),
        M("sigmoid"),
    ),
    _activation(
        "Tanh",
        "",
        T("tanh", "*, out=None", emit=True),
        F("tanh", emit=False),
        M("tanh"),
    ),
    _activation(
        "Threshold",
        "threshold, value, inplace=False",
        F("threshold", "threshold, value, inplace=False"),
        F("threshold_", "threshold, value", implies=INPLACE, emit=False),
        T("threshold", "threshold, value, *, out=None"),
        T("threshold_", "threshold, value", implies=INPLACE),
    ),
)

SOFTMAXES = (
    _softmax(
        "Softmax",
        "dim=None",
        F("softmax", "dim=None, _stacklevel=3, dtype=None"),
        T("softmax", "dim, dtype=None, *, out=None"),
        S("softmax", "dim, dtype=None"),
        M("softmax", "dim, dtype=None"),
    ),
    _softmax(
        "LogSoftmax",
        "dim=None",
        F("log_softmax", "dim=None, _stacklevel=3, dtype=None"),
        T("log_softmax", "dim, dtype=None, *, out=None"),
        S("log_softmax", "dim, *, dtype=None"),
        M("log_softmax", "dim, dtype=None"),
    ),
    _softmax("Softmin", "dim=None", F("softmin", "dim=None, _stacklevel=3, dtype=None")),
    _softmax(
        "Softmax2d",
        "",
        F("softmax", "dim=None, _stacklevel=3, dtype=None", constants={"dim": "-3"}),
        from_functional=False,
        note="nn.Softmax(dim=-3) says the same.",
    ),
)
