"""Pooling and its inverse."""

from __future__ import annotations

from functools import partial

from codemod.catalogue.build import F, T, pair
from codemod.catalogue.pair import Converter, Pair

_pooling = partial(pair, group="pooling")

_INDICES = {"return_indices": "True"}


def _max_pool(rank: int) -> Pair:
    window = "kernel_size, stride=None, padding=0, dilation=1"
    full = f"{window}, ceil_mode=False, return_indices=False"
    indices_only = (
        (T("max_pool1d_with_indices", f"{window}, ceil_mode=False", implies=_INDICES),)
        if rank == 1
        else ()
    )
    return _pooling(
        f"MaxPool{rank}d",
        f"{window}, return_indices=False, ceil_mode=False",
        F(f"max_pool{rank}d", full),
        F(f"max_pool{rank}d_with_indices", full, implies=_INDICES, emit=False),
        T(f"max_pool{rank}d", f"{window}, ceil_mode=False"),
        *indices_only,
        attribute="pool",
        note="return_indices and ceil_mode stand in the other order in the functional.",
    )


def _avg_pool(rank: int) -> Pair:
    window = "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True"
    if rank == 1:
        spellings = F("avg_pool1d", window), T("avg_pool1d", window)
        return _pooling("AvgPool1d", window, *spellings, attribute="avg_pool")
    divided = f"{window}, divisor_override=None"
    return _pooling(
        f"AvgPool{rank}d",
        divided,
        F(f"avg_pool{rank}d", f"{divided}, *, out=None"),
        attribute="avg_pool",
    )


def _lp_pool(rank: int) -> Pair:
    window = "norm_type, kernel_size, stride=None, ceil_mode=False"
    return _pooling(f"LPPool{rank}d", window, F(f"lp_pool{rank}d", window), attribute="lp_pool")


def _adaptive_avg_pool(rank: int) -> Pair:
    name = f"adaptive_avg_pool{rank}d"
    builtin = (T(name, "output_size"),) if rank == 1 else ()
    return _pooling(
        f"AdaptiveAvgPool{rank}d",
        "output_size",
        F(name, "output_size"),
        *builtin,
        attribute="avg_pool",
    )


def _adaptive_max_pool(rank: int) -> Pair:
    name = f"adaptive_max_pool{rank}d"
    full = "output_size, return_indices=False"
    builtin = (T(name, "output_size", implies=_INDICES),) if rank == 1 else ()
    return _pooling(
        f"AdaptiveMaxPool{rank}d",
        full,
        F(name, full),
        F(f"{name}_with_indices", full, implies=_INDICES, emit=False),
        *builtin,
        attribute="max_pool",
    )


def _fractional_max_pool(rank: int, convert: Converter) -> Pair:
    name = f"fractional_max_pool{rank}d"
    full = (
        "kernel_size, output_size=None, output_ratio=None, return_indices=False,"
        " _random_samples=None"
    )
    ratio = {"output_ratio": ("output_ratio", convert)}
    return _pooling(
        f"FractionalMaxPool{rank}d",
        full,
        F(name, full, links=ratio),
        F(f"{name}_with_indices", full, links=ratio, implies=_INDICES, emit=False),
        attribute="pool",
        stateful_if={"_random_samples": ("None",)},
        note="Draws random numbers in both modes.",
    )


def _max_unpool(rank: int) -> Pair:
    window = "kernel_size, stride=None, padding=0"
    return _pooling(
        f"MaxUnpool{rank}d",
        window,
        F(f"max_unpool{rank}d", f"{window}, output_size=None"),
        forward="input, indices, output_size=None",
        attribute="unpool",
    )


_RANKS = (1, 2, 3)

POOLING = (
    *map(_max_pool, _RANKS),
    *map(_avg_pool, _RANKS),
    *map(_lp_pool, _RANKS),
    *map(_adaptive_avg_pool, _RANKS),
    *map(_adaptive_max_pool, _RANKS),
    _fractional_max_pool(2, "single-to-pair"),
    _fractional_max_pool(3, "single-to-triple"),
    *map(_max_unpool, _RANKS),
)
