"""Why a request was not carried out: a stable code, one sentence, what the user can do."""

from __future__ import annotations

import os
import signal
import traceback
from typing import Dict, Optional

Failure = Dict[str, str]

_NO_MEMORY = ("can't allocate memory", "std::bad_alloc", "Cannot allocate memory")


class Refused(Exception):
    """A failure on its way up."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.failure = failure(code, message, hint)


def failure(code: str, message: str, hint: str = "") -> Failure:
    """The JSON form of a failure."""
    return {"code": code, "message": message, "hint": hint}


def of_exception(error: BaseException, root: str, doing: str, code: str = "raised") -> Failure:
    """What an exception that came out of the user's code means. `doing`: "import net"."""
    if isinstance(error, Refused):
        return error.failure
    where = _place(error, root)
    if isinstance(error, SystemExit):
        return failure("exited", "%s called sys.exit(%r)%s" % (doing, error.code, where))
    said = describe(error)
    if is_out_of_memory(error):
        return failure("memory", "%s ran out of memory%s: %s" % (doing, where, said))
    return failure(code, "%s raised %s%s" % (doing, said, where))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python or torch could not allocate."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(
        text in str(error) for text in _NO_MEMORY
    )


def describe(error: BaseException) -> str:
    """`Type: message`, on one line and of bounded length."""
    try:
        said = " ".join(str(error).split())
    except Exception:
        said = ""
    if len(said) > 400:
        said = said[:400] + "..."
    return "%s: %s" % (type(error).__name__, said) if said else type(error).__name__


def _place(error: BaseException, root: str) -> str:
    """` at FILE:LINE`: the innermost line of the project that the exception came through."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(root + os.sep):
            return " at %s:%s" % (os.path.relpath(frame.filename, root), frame.lineno)
    return ""


def of_status(status: Optional[int], doing: str) -> Failure:
    """What a process that ended without an answer did, from its `waitpid` status."""
    if status is None:
        return failure("crashed", "%s ended without an answer" % doing)
    if os.WIFSIGNALED(status):
        return failure("crashed", "%s died by %s" % (doing, _signal_name(os.WTERMSIG(status))))
    return failure("exited", "%s left its process with code %d" % (doing, os.WEXITSTATUS(status)))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number
