"""What every rewrite must be before it is planned with, whoever wrote its transform."""

from __future__ import annotations

from itertools import pairwise

from codemod.engine.text_edits import clash
from codemod.errors import SourceError
from codemod.results import Edit, Rewrite
from codemod.semantics.module_class import SourceFile
from codemod.source.text import SourceText


def fault_of(rewrite: Rewrite, file: SourceFile) -> str | None:
    """What is wrong with a rewrite that was found in `file`, if anything is."""
    if not rewrite.sites:
        return "it has no site"
    if not rewrite.edits:
        return "it has no edit"
    edits = [*rewrite.edits, *(item.edit for item in rewrite.requirements)]
    for edit in edits:
        size = _size(edit.path, file)
        if size is None:
            return f"it edits {edit.path}, which is no readable Python file of the project"
        if not 0 <= edit.start <= edit.end <= size:
            return f"it edits {edit.path} from {edit.start} to {edit.end}, of {size} code points"
    return _own_clash(rewrite.edits)


def _size(path: str, file: SourceFile) -> int | None:
    if path == file.path:
        return len(file.source.text)
    if path not in file.project.files:
        return None
    try:
        return len(SourceText.decode(path, file.project.overlay.read(path)).text)
    except SourceError:
        return None


def _own_clash(edits: tuple[Edit, ...]) -> str | None:
    ordered = sorted(edits, key=lambda edit: (edit.path, edit.start, edit.end))
    for left, right in pairwise(ordered):
        if left.path == right.path and clash(left, right):
            return f"two of its edits of {left.path} overlap, at {left.start} and {right.start}"
    return None
