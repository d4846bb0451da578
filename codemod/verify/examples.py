"""Python that is written in prose: code blocks of Markdown and reStructuredText, docstrings."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator, Sequence
from textwrap import dedent

Body = Sequence[ast.stmt]

_FENCE = re.compile(r"^([ \t]*)(```|~~~)[ \t]*(\w*)[^\n]*\n(.*?)^\1\2", re.M | re.S)
_DIRECTIVE = re.compile(
    r"^([ \t]*)(?:\.\. (?:code-block|code|sourcecode)::[ \t]*python\d?|[^\n]*::)[ \t]*\n"
    r"((?:[ \t]*\n|\1[ \t]+[^\n]*(?:\n|\Z))+)",
    re.M,
)
_PYTHON = frozenset({"", "py", "python", "python3", "pycon"})


def of_document(text: str) -> list[ast.stmt]:
    """The statements of all Python blocks, in order: a later block goes on from an earlier one."""
    found: list[ast.stmt] = []
    for line, code in _blocks(text):
        found += _parsed(code, line)
    return found


def of_docstring(text: str) -> Iterator[Body]:
    """The examples of a docstring: `>>>` lines, and code blocks."""
    if ">>>" in text:
        body = _of_prompts(text)
        if body:
            yield body
    blocks = of_document(text)
    if blocks:
        yield blocks


def docstrings(tree: ast.Module, class_name: str) -> Iterator[str]:
    """Those of a class, its methods and its file."""
    node = find_class(tree, class_name)
    methods = [m for m in node.body if isinstance(m, ast.FunctionDef)] if node else []
    documented: list[ast.ClassDef | ast.FunctionDef | ast.Module] = [*methods, tree]
    documented[:0] = [node] if node else []
    for one in documented:
        text = ast.get_docstring(one)
        if text:
            yield text


def find_class(tree: ast.Module, class_name: str) -> ast.ClassDef | None:
    """The class of that qualified name in a file."""
    body: list[ast.stmt] = tree.body
    found = None
    for part in class_name.split("."):
        classes = (n for n in body if isinstance(n, ast.ClassDef) and n.name == part)
        found = next(classes, None)
        if found is None:
            return None
        body = found.body
    return found


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Line offset and source of each block."""
    if "```" in text or "~~~" in text:
        for match in _FENCE.finditer(text):
            if match[3].lower() in _PYTHON:
                yield text.count("\n", 0, match.start(4)), dedent(match[4])
    elif "::" in text:
        for match in _DIRECTIVE.finditer(text):
            yield text.count("\n", 0, match.start(2)), dedent(match[2])


def _parsed(code: str, line: int) -> list[ast.stmt]:
    if ">>>" in code:
        return _of_prompts(code)
    try:
        return ast.increment_lineno(ast.parse(code), line).body
    except (SyntaxError, ValueError, RecursionError):
        return []


def _of_prompts(text: str) -> list[ast.stmt]:
    try:
        examples = doctest.DocTestParser().get_examples(text)
        return ast.parse("".join(example.source for example in examples)).body
    except (ValueError, SyntaxError):
        return []
