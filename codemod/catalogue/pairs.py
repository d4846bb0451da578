"""The whole catalogue, in order of preference where several modules share a functional."""

from __future__ import annotations

from codemod.catalogue.activations import ACTIVATIONS, SOFTMAXES
from codemod.catalogue.layers import (
    DISTANCES,
    DROPOUTS,
    NORMALIZATIONS,
    PADDINGS,
    SHAPES,
    UPSAMPLINGS,
)
from codemod.catalogue.losses import LOSSES
from codemod.catalogue.pair import Pair
from codemod.catalogue.pooling import POOLING

PAIRS: tuple[Pair, ...] = (
    *ACTIVATIONS,
    *SOFTMAXES,
    *POOLING,
    *DROPOUTS,
    *PADDINGS,
    *UPSAMPLINGS,
    *SHAPES,
    *NORMALIZATIONS,
    *DISTANCES,
    *LOSSES,
)
