"""Runs a call and says everything about it that can be compared bitwise."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from codemod.catalogue import Arguments


def arguments(source: str) -> Arguments:
    """`"2, stride=1"` as arguments."""
    call = ast.parse(f"f({source})", mode="eval").body
    assert isinstance(call, ast.Call)
    return Arguments(
        tuple(ast.unparse(argument) for argument in call.args),
        tuple((str(keyword.arg), ast.unparse(keyword.value)) for keyword in call.keywords),
    )


def inputs(source: str) -> list[Any]:
    """The values of `catalogue_cases` inputs, the same at each call."""
    generator = torch.Generator().manual_seed(7)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).requires_grad_()

    def between(*shape: int) -> torch.Tensor:
        drawn = torch.rand(shape, generator=generator) * 0.9 + 0.05
        return drawn.requires_grad_()

    def integers(below: int, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randint(below, shape, generator=generator)

    def corners(*shape: int) -> torch.Tensor:
        """For max_unpool with windows of 2: where in the larger image each value came from."""
        rank = len(shape) - 2
        index = torch.zeros(shape[2:], dtype=torch.long)
        for axis in range(rank):
            steps = 2 * torch.arange(shape[2 + axis])
            index = index * 2 * shape[2 + axis] + steps.reshape([-1] + [1] * (rank - axis - 1))
        return index.expand(shape).contiguous()

    names = {"r": normal, "u": between, "k": integers, "corners": corners, "torch": torch}
    return list(eval(f"({source},)", names))


class _Trace(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def _bits(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        plain = value.detach().contiguous()
        return (
            value.dtype,
            tuple(value.shape),
            value.stride(),
            value.requires_grad,
            plain.numpy().tobytes(),
        )
    if isinstance(value, (tuple, list)):
        return type(value), [_bits(element) for element in value]
    return value


def observe(call: Callable[..., Any], given: str) -> tuple[dict[str, Any], list[str]]:
    """Results of one seeded run with backward, and the operators it ran.

    Inputs reach the call as clones, so that those that work in place may.
    """
    leaves = inputs(given)
    args = [leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
    for leaf in leaves:
        if isinstance(leaf, torch.Tensor) and leaf.requires_grad:
            leaf.retain_grad()
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _Trace() as trace:
            output = call(*args)
            _backward(output)
    return {
        "output": _bits(output),
        "inputs": _bits(args),
        "gradients": [_bits(getattr(leaf, "grad", None)) for leaf in leaves],
        "generator": torch.get_rng_state().numpy().tobytes(),
        "aliases": [_storage(each) == _storage(arg) for each in _tensors(output) for arg in args],
    }, trace.names


def _tensors(output: Any) -> list[torch.Tensor]:
    return [output] if isinstance(output, torch.Tensor) else list(output)


def _storage(value: Any) -> int | None:
    return value.untyped_storage().data_ptr() if isinstance(value, torch.Tensor) else None


def _backward(output: Any) -> None:
    generator = torch.Generator().manual_seed(11)
    for tensor in _tensors(output):
        if tensor.requires_grad:
            tensor.backward(torch.randn(tensor.shape, generator=generator), retain_graph=True)
