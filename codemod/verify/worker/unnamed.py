"""A class without a forward of its own is called by its other methods: `pi`, `act`, `encode`.

So is, in the end, one whose forward runs in no way that was found.
"""

from __future__ import annotations

import ast
from typing import Iterator, List, Sequence

import torch

from .branches import entrances
from .constructor import Constructor
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
    yield from _called_by(subject, subject.constructor, _methods(subject))


def by_other_methods(subject: Subject) -> Iterator[Draft]:
    """What does not run by its forward: models called by another method that uses the weights."""
    names = [] if subject.bases or subject.laboratory.contains else _methods(subject)
    if not names:
        return
    constructor = Constructor(subject.cls, subject.namespace, subject.cls.__qualname__)
    for draft in _called_by(subject, constructor, names):
        if subject.laboratory.used_weights:
            yield draft


def _called_by(subject: Subject, constructor: Constructor, names: Sequence[str]) -> Iterator[Draft]:
    laboratory = subject.laboratory
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
            yield from _entered(subject, draft, names)
            failure = furthest(laboratory.failures[before:])
        constructor.learn(cost, arguments, failure)


def _entered(subject: Subject, draft: Draft, names: Sequence[str]) -> Iterator[Draft]:
    for name in names:
        entry = "codemod_entry({}, {!r})".format(draft.build, name)
        yield from first_call(subject, draft._replace(build=entry))


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
