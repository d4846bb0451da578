"""Turns the text of a recipe into a model and the arguments of one call of it.

A recipe is source, evaluated in a copy of the globals of the class's file. These names are there
as well, unless the file has them: `torch`; the class itself; `codemod_small` and
`codemod_config` (see `configs`).

A recipe may instead name a function of a recipes file, `FILE:NAME`:

    def Net():
        return (3,), {"num_classes": 10}, torch.randn(2, 3, 32, 32)

the constructor's arguments, its keyword arguments, and the inputs of one call: a tuple of
arguments, a dictionary of keyword arguments, or one value. Or it returns a model that it built
itself and the inputs: `return Net(3), torch.randn(2, 3, 32, 32)`.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, Mapping, Tuple

import torch

from . import uninitialised
from .configs import HELPERS

Call = Tuple[Any, Tuple[Any, ...], Dict[str, Any]]


class RecipeError(Exception):
    """A recipe that does not say how to build or call: `str()` is one sentence."""


def evaluate(
    recipe: Mapping[str, Any], cls: Any, namespace: Mapping[str, Any]
) -> Callable[[], Call]:
    """A function that builds afresh: `(model, args, kwargs)` for `model(*args, **kwargs)`.

    The caller seeds before each call. What the recipe's own code raises passes through.
    Raises `RecipeError` for a recipe that is incomplete, and `SyntaxError` for one that
    does not parse.
    """
    if recipe.get("function"):
        return _of_function(recipe["function"], cls)
    return _of_source(recipe, cls, namespace)


def surroundings(cls: Any, namespace: Mapping[str, Any]) -> Dict[str, Any]:
    """The names that a recipe's source sees."""
    names: Dict[str, Any] = {"torch": torch, **HELPERS}
    if cls is not None:
        names[cls.__name__] = cls
    names.update(namespace)
    return names


def arguments(inputs: Any) -> Tuple[Tuple[Any, ...], Dict[str, Any]]:
    """The arguments of a call: `(args, kwargs)` as it is, a tuple, a dictionary or one value."""
    if _is_call(inputs):
        return tuple(inputs[0]), dict(inputs[1])
    if isinstance(inputs, dict):
        return (), inputs
    if type(inputs) is tuple:
        return inputs, {}
    return (inputs,), {}


def _is_call(inputs: Any) -> bool:
    return (
        type(inputs) is tuple
        and len(inputs) == 2
        and isinstance(inputs[0], (tuple, list))
        and isinstance(inputs[1], dict)
        and all(isinstance(key, str) for key in inputs[1])
    )


def _of_source(
    recipe: Mapping[str, Any], cls: Any, namespace: Mapping[str, Any]
) -> Callable[[], Call]:
    where = recipe.get("where") or "recipe"
    if not recipe.get("build"):
        raise RecipeError("the recipe at {} has no build".format(where))
    if not recipe.get("inputs"):
        raise RecipeError("the recipe at {} has no inputs".format(where))
    setup = compile(recipe.get("setup") or "", "<setup of {}>".format(where), "exec")
    build = compile(recipe["build"].strip(), "<build of {}>".format(where), "eval")
    inputs = compile(recipe["inputs"].strip(), "<inputs of {}>".format(where), "eval")

    def call() -> Call:
        names = surroundings(cls, namespace)
        exec(setup, names)
        with uninitialised.marked():
            model = eval(build, names)
        args, kwargs = arguments(eval(inputs, names))
        return model, args, kwargs

    return call


def _of_function(reference: str, cls: Any) -> Callable[[], Call]:
    path, _, name = reference.rpartition(":")
    if not path or not name:
        raise RecipeError("{!r} does not name a function as FILE:NAME".format(reference))
    function = _load(path).get(name)
    if not callable(function):
        raise RecipeError("{} defines no function {}".format(path, name))

    def call() -> Call:
        made = function()
        if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], torch.nn.Module):
            return (made[0], *arguments(made[1]))
        if not isinstance(made, tuple) or len(made) != 3:
            raise RecipeError(
                "{}: {}() must return (args, kwargs, inputs) or (model, inputs), not {}".format(
                    path, name, type(made).__name__
                )
            )
        args, kwargs = arguments(made[2])
        with uninitialised.marked():
            model = cls(*made[0], **dict(made[1]))
        return model, args, kwargs

    return call


def _load(path: str) -> Dict[str, Any]:
    names: Dict[str, Any] = {"__name__": "codemod_recipes", "__file__": path, **HELPERS}
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.append(folder)
    try:
        exec(code, names)
    finally:
        sys.path.remove(folder)
    return names
