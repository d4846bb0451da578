"""Small configurations. `HELPERS` are names that the source of a recipe may use.

`codemod_config(hidden_size=64)`: an object with these attributes; also `cfg["hidden_size"]`,
`"hidden_size" in cfg`, `cfg.get(...)`, `**cfg`.

`codemod_module(out_channels=64)`: a module with these attributes that returns its first argument.

`codemod_entry(model, "encode")`: the model, whose call runs `encode` instead of `forward`.

`codemod_after(model, "fuse")`: the model, whose call runs `fuse` first, then what that gives.

`codemod_set(model, fused=False)`: the model with this attribute set.

`codemod_small(Config, **overrides)`: `Config` built with its defaults, then again with every large
setting made small: widths 64, layers 2, vocabulary 99, positions 64; and settings that depend on
each other kept consistent.
"""

from __future__ import annotations

import enum
import functools
import inspect
import types
from typing import Any, Dict, Iterator, List, Optional, Tuple

import torch

from . import words

WIDTH = 64
LARGE = 64


class _Config(Dict[str, Any]):
    """A dictionary whose items are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError("the configuration has no .{}".format(name)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def codemod_config(**settings: Any) -> Any:
    """A configuration with these settings, as attributes and as items."""
    return _Config(settings)


def codemod_small(config_class: Any, **overrides: Any) -> Any:
    """An instance of `config_class` with its large settings made small, and `overrides` last.

    Falls back towards the plain defaults where the class does not take the small values.
    Raises what the class raises for its plain defaults.
    """
    settings = _small_settings(config_class)
    settings.update(overrides)
    try:
        return config_class(**settings)
    except Exception as error:
        return _built_around(config_class, settings, overrides, error)


def _built_around(
    config_class: Any, settings: Dict[str, Any], overrides: Dict[str, Any], error: Exception
) -> Any:
    """Leaves out the settings that the class refuses, one at a time."""
    kept = dict(settings)
    for name in list(settings):
        if name in overrides or name not in kept:
            continue
        less = {key: value for key, value in kept.items() if key != name}
        try:
            return config_class(**less)
        except Exception as again:
            if str(again) != str(error):
                kept, error = less, again
    return config_class(**overrides)


def _small_settings(config_class: Any) -> Dict[str, Any]:
    plain = _plain(config_class)
    found = dict(_settings(config_class, plain))
    small = shrink(found)
    required = _required(config_class)
    return {**required, **small}


def _plain(config_class: Any) -> Any:
    try:
        return config_class(**_required(config_class))
    except Exception:
        return None


def _required(config_class: Any) -> Dict[str, Any]:
    made = {}
    for name, parameter in _parameters(config_class):
        if parameter.default is parameter.empty:
            for text in [*words.guesses(name), "None"]:
                made[name] = eval(text, {"torch": torch})
                break
    return made


def _parameters(config_class: Any) -> List[Tuple[str, inspect.Parameter]]:
    try:
        signature = inspect.signature(config_class)
    except Exception:
        return []
    return [
        (name, parameter)
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]


def _settings(config_class: Any, plain: Any) -> Iterator[Tuple[str, Any]]:
    """Each parameter of the class with its value in the plain instance, else its default."""
    for name, parameter in _parameters(config_class):
        value = getattr(plain, name, None) if plain is not None else None
        if value is None and parameter.default is not parameter.empty:
            value = parameter.default
        if (value is not None and not callable(value)) or is_config(value):
            yield name, value


def is_config(value: Any) -> bool:
    """Whether a setting's value is itself a configuration object."""
    kind = type(value)
    return (
        hasattr(value, "__dict__")
        and not isinstance(value, (type, enum.Enum, torch.nn.Module, torch.Tensor))
        and not inspect.isroutine(value)
        and kind.__module__.split(".")[0] not in ("builtins", "torch", "typing", "functools")
        and bool(_parameters(kind))
    )


def shrink(settings: Dict[str, Any]) -> Dict[str, Any]:
    """The settings that must change to make the model small, with their new values."""
    small: Dict[str, Any] = {}
    for name, value in settings.items():
        new = _smaller(name, value)
        if new is not None:
            small[name] = new
    _agree(settings, small)
    return small


def _smaller(name: str, value: Any) -> Optional[Any]:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        new = _smaller_integer(name, value)
        return new if new != value else None
    if isinstance(value, (list, tuple)) and value and all(type(v) is int for v in value):
        return type(value)(_smaller_list(name, list(value)))
    if is_config(value):
        try:
            return codemod_small(type(value))
        except Exception:
            return None
    return None


def _smaller_integer(name: str, value: int) -> int:
    found = set(words.words_of(name))
    if found & {"id", "ids", "token", "index", "idx"} and not found & {"num", "max", "length"}:
        return value if value < 60 else value % 60
    if found & {"vocab", "vocabulary"}:
        return value if value < words.VOCABULARY else words.VOCABULARY
    if found & {"layer", "layers", "depth", "blocks"} and not found & {"size", "dim", "scale"}:
        return min(value, 2)
    if "head" in found and found & {"dim", "size"}:
        return min(value, 16)
    if found & {"image", "img", "resolution"} and value > LARGE:
        return WIDTH
    if found & {"sampling", "rate", "hop", "freq"} and value > 1000:
        return value
    return WIDTH if value > LARGE else value


def _smaller_list(name: str, values: List[int]) -> List[int]:
    found = set(words.words_of(name))
    if found & {"depths", "depth", "layers", "blocks"}:
        return [min(value, 2) for value in values]
    largest = max(values)
    if largest <= LARGE:
        return values
    if min(values) == largest or found & {"image", "img", "resolution"}:
        return [min(value, WIDTH) for value in values]
    return [max(8, value * WIDTH // largest // 8 * 8) if value >= 8 else value for value in values]


def _agree(settings: Dict[str, Any], small: Dict[str, Any]) -> None:
    """Heads divide the width; lists of one entry a layer have as many entries as layers."""
    after = {**settings, **small}
    for name, value in settings.items():
        found = set(words.words_of(name))
        if type(value) is int and value and found & {"heads", "groups"} and WIDTH % value:
            small[name] = 4 if value % 4 == 0 or value > 4 else 1
        if type(value) is int and "key" in found and "heads" in found and value > 4:
            small[name] = min(small.get(name, value), 4)
    layers = after.get("num_hidden_layers")
    if isinstance(layers, int):
        before = settings.get("num_hidden_layers")
        for name, value in settings.items():
            if isinstance(value, (list, tuple)) and len(value) == before and before != layers:
                small[name] = type(value)(list(small.get(name, value))[:layers])


def codemod_entry(model: Any, name: str) -> Any:
    """The model, called by another of its methods than `forward`, which that one may call."""
    method = getattr(type(model), name, None)
    if "forward" in vars(model) or not inspect.isfunction(method) or name in vars(model):
        model.forward = getattr(model, name)
        return model

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        entered = vars(self).pop("forward")
        try:
            return method(self, *args, **kwargs)
        finally:
            self.forward = entered

    model.forward = types.MethodType(functools.wraps(method)(forward), model)
    return model


def codemod_after(model: Any, name: str) -> Any:
    """The model, whose call first calls one of its methods in eval mode, without arguments, then
    the module that this gives; the model itself where it gives none."""

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        training = self.training
        self.eval()
        made = getattr(self, name)()
        self.train(training)
        if not isinstance(made, torch.nn.Module) or made is self:
            return type(self).forward(self, *args, **kwargs)
        return made.train(training)(*args, **kwargs)

    model.forward = types.MethodType(functools.wraps(type(model).forward)(forward), model)
    return model


def codemod_set(model: Any, **attributes: Any) -> Any:
    """The model with these of its attributes set to other values."""
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


class _StandIn(torch.nn.Module):  # type: ignore[misc]
    """Gives back its first argument."""

    def __init__(self, attributes: Dict[str, Any]) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if args else next(iter(kwargs.values()))


def codemod_module(**attributes: Any) -> Any:
    """A module that stands in for one that the class needs."""
    return _StandIn(attributes)


HELPERS: Dict[str, Any] = {
    "codemod_after": codemod_after,
    "codemod_config": codemod_config,
    "codemod_entry": codemod_entry,
    "codemod_module": codemod_module,
    "codemod_set": codemod_set,
    "codemod_small": codemod_small,
}
