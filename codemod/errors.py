"""What can go wrong, as one small tree.

CodemodError
├── UsageError          bad options, configuration, names: exit code 2
├── SourceError         one file cannot be read or analysed; the rest goes on
│   └── StaleFileError  a file changed on disk since it was read
├── TransformError      a transform raised; names its author's file and line
├── RewriteError        a rewrite would not parse: withdrawn, our own fault
├── WorkerError         the confirming worker failed, not the user's model
└── CommitError         writing or undoing failed; nothing is half written
"""

from __future__ import annotations


class CodemodError(Exception):
    """Base of all. `str()` is one sentence: what, where, what to do."""


class UsageError(CodemodError):
    """Options, configuration or names that cannot be honoured."""


class SourceError(CodemodError):
    """A file that cannot be read or analysed.

    `code` is one of the error codes of the report, `path` is relative to the project root.
    """

    def __init__(self, path: str, code: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[SourceError], tuple[str, str, str]]:
        return (type(self), (self.path, self.code, self.message))


class StaleFileError(SourceError):
    """A file changed on disk between the read and the write."""

    @classmethod
    def during_run(cls, path: str) -> StaleFileError:
        return cls(
            path, "changed-on-disk", f"{path}: changed on disk while codemod ran; run it again"
        )


class TransformError(CodemodError):
    """A transform raised, or yielded what is no rewrite and no refusal."""


class RewriteError(CodemodError):
    """The composed text of the file at `path` does not parse."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class WorkerError(CodemodError):
    """The worker could not be started, died, or answered what it may not."""


class CommitError(CodemodError):
    """A commit or an undo could not be carried out; every file is whole."""
