"""Whether a class is a model of its own, or is only ever made as a part of others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from codemod.semantics.project import ClassKey, Project

_TEST = re.compile(r"(?:^|/)(?:tests?/|test_|conftest\.py)|_test\.py$")


def is_part(project: Project, key: ClassKey) -> bool:
    """Whether module classes make it, or it is handed to them, and nothing else makes it.

    Tests, which try parts alone, do not count.
    """
    question = ("is-part", f"{key[0]}:{key[1]}")
    if question not in project.answers:
        members = (key, *project.descendants(key))
        uses = [use for member in members for use in _uses(project, member)]
        project.answers[question] = "yes" if uses and "whole" not in uses else None
    return project.answers[question] is not None


def _uses(project: Project, key: ClassKey) -> Iterator[str]:
    """What is done with the class in each place that names it: it is a part there, or a whole."""
    name = key[1].rpartition(".")[2]
    pattern = re.compile(rf"(?<![\w.\"'])(?:\w+\.)*{re.escape(name)}\b(\s*\()?")
    for path in (key[0], *project.reach.importers(key[0])):
        if _TEST.search(path):
            continue
        text = project.text(path)
        for match in pattern.finditer(text):
            before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if before.lstrip().startswith(("class ", "from ", "import ", "#", "isinstance")):
                continue
            line = text.count("\n", 0, match.start()) + 1
            inside = any(
                item.line < line <= item.end_line
                for item in project.files[path].classes
                if project.is_module((path, item.qualname))
            )
            if match.group(1) and not inside:
                yield "whole"
            elif match.group(1) or _is_handed_on(text, match.start(), match.end()):
                yield "part"


def _is_handed_on(text: str, start: int, end: int) -> bool:
    """`ResNet(BasicBlock, [2, 2])`, `block=BasicBlock`."""
    return bool(re.search(r"[(,=\[]\s*$", text[max(0, start - 40) : start])) and bool(
        re.match(r"\s*[,)\]\n]", text[end : end + 40])
    )
