"""Says why a rewrite is not confirmed: one stable code, one sentence, what the user can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from codemod.results import Aspect, Difference, Reason

GIVE_RECIPE = (
    "give a recipe for {target} under [tool.codemod.recipes] in pyproject.toml"
    " or as a function in codemod_recipes.py"
)
ONLY_NAN = "nothing but NaN"
_RAISE_TIMEOUT = "raise --timeout, or " + GIVE_RECIPE + " with smaller inputs"
_SMALLER = GIVE_RECIPE + " with smaller arguments and inputs"

# code -> (sentence, hint); `{message}` is what the worker said.
_FAILURES: Mapping[str, tuple[str, str]] = {
    "import-failed": (
        "cannot import {target}: {message}",
        "make the import work in the interpreter that `codemod doctor` shows, or pass --python",
    ),
    "no-recipe": ("cannot build and run {target}: {message}", GIVE_RECIPE),
    "recipe-raises": ("the recipe for {target} does not run: {message}", "correct that recipe"),
    "no-torch": (
        "{target} cannot be run: {message}",
        "install torch in the interpreter that `codemod doctor` shows, or pass --python",
    ),
    "timeout": ("running {target} took too long: {message}", _RAISE_TIMEOUT),
    "memory": ("running {target} needs too much memory: {message}", _SMALLER),
    "crashed": ("running {target} killed its process: {message}", GIVE_RECIPE),
    "exited": (
        "running {target} ended its process: {message}",
        "keep the exit out of the import and of the model, or " + GIVE_RECIPE,
    ),
    "raised": ("running {target} raised: {message}", GIVE_RECIPE),
    "too-large": ("what {target} gives is too large to compare: {message}", _SMALLER),
    "not-comparable": (
        "what {target} gives cannot be compared: {message}",
        "run it inside a model that returns tensors, or accept it with --accept unconfirmed",
    ),
    "scripted": (
        "{target} runs as compiled TorchScript, which cannot be watched: {message}",
        "take torch.jit.script off while codemod runs",
    ),
    "needs-package": (
        "running {target} needs a package that is not installed: {message}",
        "install it in the interpreter that `codemod doctor` shows, or pass --python",
    ),
    "local-class": (
        "{target} is defined inside a function and cannot be built from outside: {message}",
        "move the class to file level, or "
        + GIVE_RECIPE.replace("{target}", "a model that uses it"),
    ),
}


def of_failure(failure: Mapping[str, Any], target: str) -> Reason:
    """The reason for a `failure` of the worker's protocol; its own hint goes first."""
    code = str(failure.get("code", "crashed"))
    message = str(failure.get("message", "")).strip() or "no message"
    sentence, hint = _FAILURES.get(code, ("running {target} failed: {message}", GIVE_RECIPE))
    if message.startswith("cannot "):
        sentence = "{message}"
    return Reason(
        code,
        sentence.format(target=target, message=message),
        str(failure.get("hint") or "") or hint.format(target=target),
    )


def raised(what: str, target: str) -> Reason:
    return Reason(
        "raised",
        f"{target} raises in eval and in train mode before any change: {what}",
        GIVE_RECIPE.format(target=target),
    )


def nondeterministic(aspects: Iterable[str], target: str, place: str = "") -> Reason:
    """`place`: the line whose own result differs first."""
    first = f", first at {place}" if place else ""
    what = ", ".join(aspects) or "how they end"
    return Reason(
        "nondeterministic",
        f"two runs of {target} from one seed differ in {what}{first}",
        "make it draw its random numbers from torch, random or NumPy alone,"
        " or accept it with --accept unconfirmed",
    )


def not_comparable(found: Mapping[Aspect, str], target: str) -> Reason:
    shown = ", ".join(f"{aspect} holds {kind}" for aspect, kind in found.items())
    failure = {"code": "not-comparable", "message": shown or "nothing seen"}
    if ONLY_NAN in found.values():
        failure["hint"] = GIVE_RECIPE.format(target=target) + " with which it gives numbers"
    return of_failure(failure, target)


def not_reached(missing: int, of: int, target: str, scripted: bool) -> Reason:
    if scripted:
        return of_failure(
            {"code": "scripted", "message": f"{missing} of {of} changed places not seen to run"},
            target,
        )
    return Reason(
        "not-reached",
        f"{missing} of {of} changed places in {target} never ran",
        GIVE_RECIPE.format(target=target) + " that reaches them",
    )


def chance(target: str) -> Reason:
    return Reason(
        "chance",
        f"a changed condition in {target} is decided by random numbers, of which runs see few",
        "read this one yourself; --accept unconfirmed writes it",
    )


def not_exercised(aspects: Iterable[Aspect], target: str) -> Reason:
    return Reason(
        "not-exercised",
        f"the change on purpose was not seen in {', '.join(aspects)} of {target}",
        GIVE_RECIPE.format(target=target) + " that shows it",
    )


def budget() -> Reason:
    return Reason("budget", "the time for this run was spent", "raise --budget")


def requires(other: str) -> Reason:
    return Reason(
        "requires",
        f"it is built on the rewrite {other}, which is not kept",
        "see that rewrite's reason",
    )


def not_final(target: str) -> Reason:
    return Reason(
        "not-final",
        f"the exact text to be written for {target} did not run",
        "run codemod again",
    )


def different(differences: Iterable[Difference], target: str) -> Reason:
    aspects = dict.fromkeys(difference.aspect for difference in differences)
    return Reason(
        "different",
        f"{target} behaves differently after the rewrite: {', '.join(aspects)}",
        "please report it with the shown difference; the rewrite is never written",
    )


def breaks(failure: Mapping[str, Any], target: str) -> Reason:
    """The code ran before the rewrite and does not even start after it."""
    reason = of_failure(failure, target)
    return replace(
        reason,
        code="different",
        message=f"after the rewrite {reason.message}",
        hint="please report it; the rewrite is never written",
    )
