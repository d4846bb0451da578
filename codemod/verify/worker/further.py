"""Further ways to run a class: what ran, varied, so that a line runs that did not.

The base that came nearest to such a line is varied first; what comes nearer still is a base too,
so that several conditions can be met one after the other.
"""

from __future__ import annotations

import itertools
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import torch

from .branches import deciding_names, demands, entrances
from .constructor import Arguments
from .inputs import Inputs
from .laboratory import Draft
from .specs import Call, Spec
from .subject import Base, Parts, Subject, calls, steered

ENTRIES = 40  # calls of a model by another of its methods, or in another state
FLAGS = 6  # of a model that are flipped
PAIRED = 12  # calls of a model that was built in another way
AFRESH = 60  # calls of a model that owes nothing to those that ran
MENDS = 24  # of arguments with which a model could not be built, in all
_ENTERED = ("codemod_entry(", "codemod_after(")


def further(subject: Subject) -> Iterator[Draft]:
    """What runs, in another state, by another method, with other arguments or inputs."""
    begun: Dict[Base, Iterator[Draft]] = {}
    ended: List[Base] = []
    while subject.laboratory.left > 0:
        waiting = [base for base in subject.bases if base not in ended]
        if not waiting:
            return
        nearest = max(waiting, key=lambda base: base.level)
        found = next(begun.setdefault(nearest, _varied(subject, nearest.draft)), None)
        if found is None:
            ended.append(nearest)
        else:
            yield found


def _varied(subject: Subject, draft: Draft) -> Iterator[Draft]:
    yield from flags(subject, draft)
    yield from entries(subject, draft)
    yield from afresh(subject)
    yield from variants(subject, draft)


def afresh(subject: Subject) -> Iterator[Draft]:
    """Once, the likeliest constructions: what the project builds may be too little to reach a
    line, as a net without layers is."""
    if subject.was_built_afresh or not subject.steers:
        return
    subject.was_built_afresh = True
    constructor = subject.constructor
    for arguments in dict.fromkeys([constructor.modest, constructor.first]):
        draft = constructor.draft(arguments)
        model = subject.build(draft)
        for _, _, found in calls(subject, draft, model, AFRESH) if model is not None else ():
            if subject.promising:
                yield found
            break


def flags(subject: Subject, first: Draft) -> Iterator[Draft]:
    """What runs, with attributes of the model set that its constructor makes of no argument, but
    of the surroundings, and that decide whether a wanted line runs."""
    laboratory = subject.laboratory
    if not subject.missing:
        return
    model, failure = laboratory.build(first)
    if failure is not None or type(model) is not subject.cls:
        return
    for settings in list(_states(subject, model)):
        written = ", ".join("{}={!r}".format(name, value) for name, value in settings.items())
        draft = first._replace(build="codemod_set({}, {})".format(first.build, written))
        other = subject.build(draft)
        if other is not None and subject.call(other, draft) is None:
            if subject.promising:
                yield draft
            yield from _other_calls(subject, draft, other)
        elif other is not None:
            entered = list(_entered(subject, draft))
            yield from entered or first_call(subject, draft)


def _entered(subject: Subject, draft: Draft) -> Iterator[Draft]:
    """What forward does not run to its end in this state: by a method that leads to the line."""
    for name in () if draft.build.startswith(_ENTERED) else entrances(subject.cls, subject.lines):
        entry = draft._replace(build="codemod_entry({}, {!r})".format(draft.build, name))
        model = subject.build(entry)
        if model is not None and subject.call(model, entry) is None and subject.promising:
            yield entry
            return


def _states(subject: Subject, model: Any) -> Iterator[Dict[str, Any]]:
    """Values of attributes: those that the conditions around a line ask for, all at once; then
    flags one by one, and two by two."""
    seen: List[Dict[str, Any]] = []
    for line in sorted(subject.lines):
        seen.append(_unmet(model, demands(subject.cls, line)))
    flags = _flags_of(model, deciding_names(subject.cls, subject.lines))
    for count in (1, 2):
        for flipped in itertools.combinations(flags, count):
            seen.append({name: not getattr(model, name) for name in flipped})
    yield from (one for step, one in enumerate(seen) if one and one not in seen[:step])


def _unmet(model: Any, demanded: Mapping[str, Any]) -> Dict[str, Any]:
    """Those of the demands that the model does not meet, and would with a flag that is flipped or
    with None in the place of a part or a value."""
    unmet = {}
    for name, wanted in demanded.items():
        now = getattr(model, name, None)
        if name == "training" or now is None or not _is_own(model, name):
            continue
        if type(now) is bool:
            if wanted is not None and now != wanted:
                unmet[name] = wanted
        elif wanted is None or (wanted is False and isinstance(now, torch.nn.Module)):
            unmet[name] = None
    return unmet


def _is_own(model: Any, name: str) -> bool:
    """Whether it is an attribute, a part, a parameter or a buffer of the object itself."""
    held = (vars(model), model._modules, model._parameters, model._buffers)
    return any(name in one for one in held)


def _flags_of(model: Any, names: Sequence[str]) -> List[str]:
    """Attributes among the names that are true or false, other than the mode."""
    own = (n for n in names if n != "training" and type(vars(model).get(n)) is bool)
    return list(own)[:FLAGS]


def _other_calls(subject: Subject, draft: Draft, model: Any) -> Iterator[Draft]:
    """What runs, with other inputs that decide whether a wanted line runs."""
    inputs = Inputs(model)
    call = inputs.parsed(draft.inputs)
    if call is not None:
        yield from _varied_calls(subject, draft, inputs, call, 10, PAIRED)


def _varied_calls(
    subject: Subject,
    draft: Draft,
    inputs: Inputs,
    call: Call,
    budget: int,
    limit: Optional[int] = None,
) -> Iterator[Draft]:
    """One model called with other inputs, those that decide first; a fresh one after a failure.
    `budget`: calls to repair each; `limit`: of inputs."""
    failures = subject.laboratory.failures
    deciding = deciding_names(subject.cls, subject.lines)
    model, count = None, -1
    for other in itertools.islice(inputs.variants(call, deciding), limit):
        if subject.laboratory.left <= 0:
            return
        if model is None or len(failures) > count:
            model, count = subject.build(draft), len(failures)
        if model is None:
            return
        yield from steered(subject, draft, model, other, budget)


def entries(subject: Subject, first: Draft) -> Iterator[Draft]:
    """What runs, entered by another method that leads to a wanted line, or after that method."""
    if first.build.startswith(_ENTERED):
        return
    for name in entrances(subject.cls, subject.lines):
        entry, after = (
            "{}({}, {!r})".format(helper, first.build, name)
            for helper in ("codemod_entry", "codemod_after")
        )
        tried = [
            Draft(build, inputs, first.setup)
            for build, inputs in ((entry, first.inputs), (entry, "((), {})"), (after, first.inputs))
        ]
        for draft in tried:
            model = subject.build(draft)
            if model is not None and subject.call(model, draft) is None:
                if subject.promising:
                    yield draft
                else:  # It came as far as forward does, and takes other inputs.
                    subject.keep(draft)
                break
        else:
            yield from first_call(subject, tried[0]._replace(inputs=""), subject.parts(first))


def first_call(subject: Subject, draft: Draft, like: Optional[Parts] = None) -> Iterator[Draft]:
    """Inputs of its own for a model that is entered by another method, or is in another state.

    `like`: a call of forward, of which the method may take some arguments by the same names.
    """
    model = subject.build(draft)
    if model is not None:
        start = _alike(Inputs(model), dict(like.call)) if like is not None else None
        for _, _, found in calls(subject, draft, model, ENTRIES, start):
            if subject.promising:
                yield found
            return


def _alike(inputs: Inputs, known: Mapping[str, Spec]) -> Optional[Call]:
    """The likeliest call, with what is known of arguments of these names."""
    popped = inputs.queue.pop()
    if popped is None or not known.keys() & inputs.parameters.keys():
        return None
    return tuple((name, known.get(name, spec)) for name, spec in popped[1])


def variants(subject: Subject, draft: Draft) -> Iterator[Draft]:
    """What runs, with another flag, option or optional input, so that other branches run."""
    parts = subject.parts(draft)
    if parts is None:
        return
    yield from _varied_calls(subject, parts.draft(), parts.inputs, parts.call, 30)
    mends = iter(range(MENDS))
    for others in parts.constructor.variants(
        parts.arguments, deciding_names(subject.cls, subject.lines)
    ):
        if subject.laboratory.left <= 0:
            return
        changed = parts.draft(others)
        model = subject.build(changed)
        if model is not None:
            yield from _rebuilt(subject, parts, changed, model)
        else:
            yield from _mended(subject, parts, others, mends)


def _mended(
    subject: Subject, parts: Parts, others: Arguments, mends: Iterator[int]
) -> Iterator[Draft]:
    """What cannot be built with another flag alone may be with what the failure asks for too."""
    failure = subject.laboratory.failures[-1]
    for arguments, _ in zip(parts.constructor.mended(others, failure), mends):
        draft = parts.draft(arguments)
        model = subject.build(draft)
        if model is not None:
            yield from _rebuilt(subject, parts, draft, model)
            return


def _rebuilt(subject: Subject, parts: Parts, draft: Draft, model: Any) -> Iterator[Draft]:
    """The model built in another way, called as before and with other deciding inputs."""
    for inputs, call, found in calls(subject, draft, model, 40, parts.call):
        if subject.promising:
            yield found
        if subject.missing:
            yield from _varied_calls(subject, draft, inputs, call, 10, PAIRED)
        return
