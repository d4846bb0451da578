"""One run, in a process of its own: finds the class, obeys the request, answers, and is gone."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING, Any, ContextManager, Dict, List, Mapping, Set

from . import (
    cage,
    cuda,
    foreignnumbers,
    halfway,
    loader,
    mainblock,
    process,
    shims,
    standin,
    wire,
    witness,
)
from .failure import Refused, failure, is_out_of_memory, of_exception
from .turns import turns

if TYPE_CHECKING:
    from .zygote import Zygote

_exit = os._exit


def run_and_answer(
    zygote: "Zygote", request: Dict[str, Any], folder: str, parent: int, fd: int
) -> None:
    """Obey each turn of the request and write its answer to `fd`. Does not return."""
    process.begin_run()
    os.setsid()
    process.die_with_parent(parent)
    cage.close_around(folder)
    cage.run_of(request["class"])
    _begin_in(folder)
    zygote.reads.begin(folder)
    recipe: Any = None
    for turn in turns(request):
        answer = _answer(zygote, {**turn, "recipe": recipe} if recipe else turn)
        wire.send(fd, _frame(answer, _doing(request)))
        if "failure" in answer:
            break
        recipe = answer.get("recipe", recipe)
    _exit(0)


def _begin_in(folder: str) -> None:
    from . import surroundings

    surroundings.begin(folder)


def _doing(request: Dict[str, Any]) -> str:
    return "the run of %s" % request["class"]


def _answer(zygote: "Zygote", request: Dict[str, Any]) -> Dict[str, Any]:
    witness.reset()
    if request.get("turn"):
        gc.collect()  # The model of the turn before has cycles, and may be half of the memory.
    process.limit_memory(zygote.settings.memory)
    try:
        answer = _obey(zygote, request)
    except BaseException as error:
        process.lift_memory_limit()
        answer = {
            "failure": _failure_of(error, zygote, _doing(request)),
            **zygote.needs([request["path"], *_files]),
        }
    process.lift_memory_limit()
    process.end_stray_fork()
    return answer


def _frame(answer: Dict[str, Any], doing: str) -> bytes:
    try:
        return wire.pack(answer)
    except wire.TooLarge:
        from .zygote import too_large

        return wire.pack({"failure": too_large(doing)})


def _failure_of(error: BaseException, zygote: "Zygote", doing: str) -> Dict[str, str]:
    touched = error.package if isinstance(error, standin.Touched) else None
    if touched is None and standin.touched() and not is_out_of_memory(error):
        touched = standin.touched()[0]
    if touched is not None:
        top = touched.partition(".")[0]
        what = touched if top == touched else "a version of %s that has %s" % (top, touched)
        return failure(
            "needs-package",
            "%s uses %s, but %s" % (doing, touched, zygote.stubs.why(touched)),
            "install %s for %s, or give --python" % (what, sys.executable),
        )
    return of_exception(error, zygote.settings.root, doing)


def _obey(zygote: "Zygote", request: Dict[str, Any]) -> Dict[str, Any]:
    module = loader.load(request["module"], request["path"])
    cls = find_class(module, request["class"])
    with _where_it_runs(zygote, request):
        if request["op"] == "recipe":
            answer = _search(zygote, request, cls, vars(module))
        elif request["op"] == "record":
            answer = {"observations": [{"recorded": _record(zygote, request, cls, vars(module))}]}
        elif request["op"] == "symbolic":
            answer = {"observations": [_on_terms(zygote, request, cls)]}
        else:
            standin.forbid()
            answer = {"observations": [_observe(request, cls, vars(module))]}
    touched = standin.touched()
    if touched:
        raise standin.Touched(touched[0], touched[0])
    answer["witnesses"] = witness.reached()
    answer["unlocated"] = list(zygote.overlay.unlocated)
    answer.update(zygote.needs([request["path"], *_files]))
    _show_passed_over(answer)
    answer["stubs"] = [
        *zygote.stubs.packages(),
        *shims.used(),
        *mainblock.labels(answer["files"]),
        *foreignnumbers.labels(answer["files"]),
        *halfway.labels(answer["files"]),
    ]
    return answer


def _show_passed_over(answer: Dict[str, Any]) -> None:
    """Put what the files raised when they were imported into what was seen of the model."""
    from .signatures import REQUIRED

    raised = halfway.passed_over(answer["files"])
    for seen in answer.get("observations") or () if raised else ():
        if "signature" in seen:
            lines = [[line, {"value": REQUIRED}] for line in raised]
            entry = ["import", {"dict": [["statements", {"dict": lines}]]}]
            seen["signature"]["dict"].append(entry)


def _where_it_runs(zygote: "Zygote", request: Dict[str, Any]) -> "ContextManager[Any]":
    """On the CPU, also what its files ask of a GPU."""
    files = zygote.imports.needed_by([request["path"]])
    return cuda.on_cpu() if cuda.is_named_in(files) else contextlib.nullcontext()


def find_class(module: Any, qualified: str) -> type:
    """The class of that name within a file. Raises `Refused` for one inside a function."""
    found: Any = module
    for name in qualified.split("."):
        if name == "<locals>" or not (found is module or isinstance(found, type)):
            raise Refused(
                "local-class",
                "%s is defined inside a function" % qualified,
                "give a recipe for a class that contains it",
            )
        if name not in vars(found):
            raised = halfway.passed_over([os.path.realpath(str(module.__file__))])
            because = "; its import raised %s" % raised[0] if raised else ""
            raise Refused(
                "import-failed",
                "%s defines no %s once it is imported%s" % (module.__name__, qualified, because),
                "it may stand under a condition that does not hold here",
            )
        found = vars(found)[name]
    if not isinstance(found, type):
        raise Refused("local-class", "%s is no class once it is imported" % qualified)
    return found


def _observe(request: Dict[str, Any], cls: type, namespace: Mapping[str, Any]) -> Any:
    from . import observe, recipe

    _shift_addresses(int(request.get("turn") or 0))
    build = recipe.evaluate(request["recipe"], cls, namespace)

    def watched() -> Any:
        made = build()
        process.end_stray_fork()
        _note_files(made[0])
        return made

    return observe.observe(
        watched,
        seed=int(request.get("seed") or 0),
        load_keys=request.get("load_keys"),
        raw=bool(request.get("raw")),
        sets=request.get("sets"),
        root=str(request.get("root") or ""),
        located=request.get("located") or (),
    )


def _record(
    zygote: "Zygote", request: Dict[str, Any], cls: type, namespace: Mapping[str, Any]
) -> Any:
    from .recorded import recorded

    standin.forbid()
    return recorded(request["recipe"], cls, namespace, zygote.settings.root)


def _on_terms(zygote: "Zygote", request: Dict[str, Any], cls: type) -> Any:
    from .symbolic import paths

    seen = paths.run(cls, list(request["modes"]), zygote.settings.root)
    return paths.compare(request["before"], seen) if request.get("before") else seen


def _search(
    zygote: "Zygote", request: Dict[str, Any], cls: type, namespace: Mapping[str, Any]
) -> Dict[str, Any]:
    from . import effort, synthesise

    timeout = zygote.settings.timeout
    seconds = float(request.get("budget") or timeout)
    try:
        found = synthesise.search(
            cls,
            namespace,
            os.path.relpath(request["path"], zygote.settings.root),
            list(request.get("candidates") or ()),
            list(request.get("known") or ()),
            seconds,
            list(request.get("wanted") or ()),
            bool(request.get("only_reaching")),
            min(effort.PATIENCE * seconds, seconds + 0.8 * timeout),  # else the slot ends it
        )
    except synthesise.NoRecipe as none:
        raise Refused(none.code, none.message, none.hint) from none
    return {"recipe": found.recipe, "contains": found.contains}


_files: Set[str] = set()


def _note_files(model: Any) -> None:
    """Remember where the classes of a model and its parts come from, registries or not."""
    for kind in {type(part) for part in model.modules()}:
        for base in kind.__mro__:
            module = sys.modules.get(base.__module__)
            file = getattr(module, "__file__", None)
            if isinstance(file, str):
                _files.add(file)


_kept: List[object] = []


def _shift_addresses(turn: int) -> None:
    """Have a repeated run find its objects elsewhere: memory that was freed is used again.

    What depends on them (the order of a set of objects) then differs between the turns.
    """
    _kept.extend(object() for _ in range(1237 * turn))
    _kept.extend([None] * size for size in range(37 * turn))
