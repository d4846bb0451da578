"""Whether a class is a model of its own, or is only ever made as a part of others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codemod.semantics.mentions import is_of_word
from codemod.semantics.project import ClassKey, Project

_TEST = re.compile(r"(?:^|/)(?:tests?/|test_|conftest\.py)|_test\.py$")
_CALLED = re.compile(r"\s*\(")
_CHAIN = re.compile(r"""(?<![\w."'])(?:\w+\.)+$""")


def is_part(project: Project, key: ClassKey) -> bool:
    """Whether module classes make it, or it is handed to them, and nothing else makes it.

    Tests, which try parts alone, do not count.
    """
    question = ("is-part", f"{key[0]}:{key[1]}")
    if question not in project.answers:
        members = (key, *project.descendants(key))
        uses = (use for member in members for use in _uses(project, member))
        project.answers[question] = "yes" if _are_all_parts(uses) else None
    return project.answers[question] is not None


def _are_all_parts(uses: Iterator[str]) -> bool:
    """Whether there is any, and none is a whole: the first that is ends the search."""
    return next(uses, "whole") == "part" and all(use == "part" for use in uses)


def _uses(project: Project, key: ClassKey) -> Iterator[str]:
    """What is done with the class in each place that names it: it is a part there, or a whole."""
    name = key[1].rpartition(".")[2]
    for path in (key[0], *project.reach.importers(key[0])):
        if _TEST.search(path):
            continue
        text = project.text(path)
        offset = text.find(name)
        while offset >= 0:
            end = offset + len(name)
            start = None if is_of_word(text[end : end + 1]) else _start_of_chain(text, offset)
            offset = text.find(name, end)
            if start is None or _names_only(text, start):
                continue
            if _CALLED.match(text, end):
                within = project.is_in_module_class(path, project.line_at(path, start))
                yield "part" if within else "whole"
            elif _is_handed_on(text, start, end):
                yield "part"


def _start_of_chain(text: str, offset: int) -> int | None:
    """Where `pkg.net.` before a name begins; None for a part of a word or of a string."""
    before = text[offset - 1 : offset]
    if before != ".":
        return None if is_of_word(before) or before in ('"', "'") else offset
    line = text.rfind("\n", 0, offset) + 1
    chain = _CHAIN.search(text[line:offset])
    return line + chain.start() if chain else None


def _names_only(text: str, start: int) -> bool:
    """Whether the line only says the name, and does nothing with it."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    return before.lstrip().startswith(("class ", "from ", "import ", "#", "isinstance"))


def _is_handed_on(text: str, start: int, end: int) -> bool:
    """`ResNet(BasicBlock, [2, 2])`, `block=BasicBlock`."""
    return bool(re.search(r"[(,=\[]\s*$", text[max(0, start - 40) : start])) and bool(
        re.match(r"\s*[,)\]\n]", text[end : end + 40])
    )
