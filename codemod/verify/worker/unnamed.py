"""A class without a forward of its own is called by its other methods: `pi`, `act`, `encode`."""

from __future__ import annotations

import ast
from typing import Iterator, List

import torch

from .branches import entrances
from .further import first_call
from .laboratory import Draft, furthest
from .reading import forward_of, methods_of, signature_of, tree_of
from .subject import Subject

ATTEMPTS = 60  # at building the class
MODELS = 3  # that are called
METHODS = 6
_SETS_UP = ("reset", "init", "load", "save", "set", "train", "freeze", "print", "build", "make")


def has_no_forward(cls: type) -> bool:
    return forward_of(cls) in (None, torch.nn.Module.forward)


def has_empty_forward(cls: type) -> bool:
    """Whether it has none, or one that does nothing but raise: `raise NotImplementedError`."""
    tree = None if has_no_forward(cls) else tree_of(forward_of(cls))
    body = getattr(tree, "body", [])
    statements = [one for one in body if not isinstance(one, ast.Expr)]
    does_nothing = all(isinstance(one, (ast.Raise, ast.Pass)) for one in statements)
    return has_no_forward(cls) or (bool(body) and does_nothing)


def by_methods(subject: Subject) -> Iterator[Draft]:
    """Models of the class, each called by one of its methods."""
    constructor, laboratory = subject.constructor, subject.laboratory
    names = _methods(subject)
    built = 0
    for _ in range(ATTEMPTS if names else 0):
        popped = constructor.queue.pop()
        if popped is None or laboratory.left <= 0 or built >= MODELS:
            return
        cost, arguments = popped
        draft = constructor.draft(arguments)
        _, failure = laboratory.build(draft)
        if failure is None:
            built += 1
            before = len(laboratory.failures)
            for name in names:
                entry = "codemod_entry({}, {!r})".format(draft.build, name)
                yield from first_call(subject, draft._replace(build=entry))
            failure = furthest(laboratory.failures[before:])
        constructor.learn(cost, arguments, failure)


def _methods(subject: Subject) -> List[str]:
    """Those that lead to a wanted line; else the public ones that take something."""
    leading = entrances(subject.cls, subject.lines)
    if leading:
        return leading[:METHODS]
    found = {method.__name__: method for method in reversed(list(methods_of(subject.cls)))}
    return [
        name
        for name, method in found.items()
        if not name.startswith(("_", *_SETS_UP))
        and not hasattr(torch.nn.Module, name)
        and len(getattr(signature_of(method), "parameters", ())) > 1
    ][:METHODS]
