"""A file parsed in parts has the tree that it has as a whole."""

from __future__ import annotations

import ast
import re

import pytest

from codemod.semantics import parts as module
from codemod.semantics.partial_class import below
from codemod.semantics.parts import Parts, outline_of
from codemod.semantics.syntax import class_at, parse, statements_below
from codemod.source.text import SourceText

TEXTS = {
    "empty": "",
    "only a comment": "# nothing\n",
    "docstring, imports, classes": '"""Doc."""\nimport a\n\n@d\n# c\nclass A:\n    x = 1\n\nf()\n',
    "several on one line": "import a; x = 1; y = 2\nz = 3\n",
    "a line goes on behind a semicolon": "x = 1; \\\ny = 2\nz = 3\n",
    "strings over lines": 'a = """\nclass B:\n"""\nb = f"""{\nx}"""\n',
    "other line endings": "import a\r\nclass A:\r\n    pass\r\nx = 1\rz = 2\r",
    "form feed": "import a\n\x0c\nclass A:\n    pass\n",
    "letters beyond ASCII": "a = 'é'; b = 'ü'\nclass Ä:\n    ö = f'{a}é{b}'\n",
    "no line ending at the end": "a = 1\nif a:\n    b = 2",
    "a match": "match = 1\nasync def f():\n    pass\nmatch match:\n    case 1:\n        pass\n",
}


def parts_of(text: str) -> Parts:
    return Parts(SourceText("f.py", text), outline_of(ast.parse(text)))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_all_parts_are_the_file(text: str) -> None:
    body = ast.Module(body=parts_of(text).all(), type_ignores=[])
    assert ast.dump(body, include_attributes=True) == ast.dump(
        ast.parse(text), include_attributes=True
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_each_line_leads_to_its_statement(text: str) -> None:
    for statement in ast.parse(text).body:
        for line in range(statement.lineno, (statement.end_lineno or 0) + 1):
            found = [ast.dump(item, include_attributes=True) for item in parts_of(text).at(line)]
            assert ast.dump(statement, include_attributes=True) in found


def test_a_statement_keeps_its_nodes_when_another_does_not_stand_alone() -> None:
    parts = parts_of("class A:\n    pass\nx = 1; \\\ny = 2\nz = 3\n")
    first = parts.at(1)
    assert len(parts.all()) == 4
    assert parts.at(1) is first


def test_only_what_is_asked_for_is_parsed() -> None:
    parts = parts_of("import a\n\ndef f():\n    pass\n\nclass A:\n    b = a.relu\n")
    assert [type(item) for item in parts.simple()] == [ast.Import]
    assert [type(item) for item in parts.with_match(re.compile("relu"))] == [ast.ClassDef]
    assert not parts.has_match(re.compile("relu"), 3)
    assert parts.first_definition() == 3


def test_a_class_is_found_by_its_line() -> None:
    text = "def f():\n    if True:\n        @d\n        class A:\n            class B: pass\n"
    body = ast.parse(text).body
    assert class_at(body, 3) is None
    outer, inner = class_at(body, 4), class_at(body, 5)
    assert outer is not None
    assert inner is not None
    assert (outer.name, inner.name) == ("A", "B")


def test_statements_below_come_in_the_order_of_a_walk_and_are_all() -> None:
    text = (
        "def f():\n  try:\n    a = 1\n  except E:\n    b = 2\n  else:\n    c = 3\n  finally:\n"
        "    d = 4\n  for i in x:\n    def g():\n      e = 5\n  else:\n    pass\n"
        "  match y:\n    case 1:\n      h = lambda: 6\n  with z:\n    class A:\n      j = 7\n"
    )
    function = ast.parse(text).body[0]
    wanted = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    assert list(statements_below(function)) == wanted


CLASSES = {
    "docstring, decorators, comments": (
        'import a\n\n@d(\n    1\n)\nclass A(B, metaclass=M):\n    """Doc.\n\nx = 1\n    """\n'
        "    # c\n    @e\n    # f\n    def g(self):\n        return 1\n\n"
        "    x: int = 2\n# end\n\nf()\n"
    ),
    "two on one line": "class A:\n    x = 1; y = 2\n    z = 3\n",
    "the body beside the head": "class A: x = 1; y = 2\nclass B: pass\nz = 3\n",
    "the body beside the end of the head": "class A(\n    B,\n): x = 1\nz = 3\n",
    "a head that ends in a backslash": "class A: \\\n  x = 1\nclass B:\\\n\n  y = 1\n  z = 2\n",
    "classes that follow at once": "class A:\n    x = 1\nclass B:\n    y = 1\n    def f(s): pass",
    "classes in classes and blocks": (
        "if a:\n    class A:\n        x = 1\nclass B:\n    class C:\n        y = 1\n    z = 2\n"
    ),
    "other line endings": "class A:\r\n    x = 1\r\n    y = 'é'\rclass B:\n    z = 3",
}


def dumped(nodes: list[ast.AST]) -> list[str]:
    return [ast.dump(one, include_attributes=True) for one in nodes]


@pytest.mark.parametrize("text", CLASSES.values(), ids=CLASSES)
def test_a_line_of_a_class_leads_to_its_statement(text: str) -> None:
    whole = [one for one in ast.parse(text).body if isinstance(one, ast.ClassDef)]
    for statement in (one for item in whole for one in item.body):
        for line in range(statement.lineno, (statement.end_lineno or 0) + 1):
            (owner,) = parts_of(text).over([line])
            assert dumped([statement])[0] in dumped(below(owner, [line]))


@pytest.mark.parametrize("first", ["lines", "all"])
@pytest.mark.parametrize("text", CLASSES.values(), ids=CLASSES)
def test_a_class_read_in_parts_is_the_class(text: str, first: str) -> None:
    parts = parts_of(text)
    if first == "all":
        parts.all()
    found = {}
    for line in range(1, len(text.splitlines()) + 1):
        for owner in parts.over([line]):
            found.update({id(one): one for one in below(owner, [line])})
    for whole, owner in zip(ast.parse(text).body, parts.all(), strict=True):
        if isinstance(whole, ast.ClassDef) and isinstance(owner, ast.ClassDef):
            (seen,) = parts.over([whole.lineno])
            assert isinstance(seen, ast.ClassDef)
            assert (seen.lineno, seen.end_lineno) == (whole.lineno, whole.end_lineno)
            assert dumped([*seen.bases, *seen.body]) == dumped([*whole.bases, *whole.body])
            assert seen.body == owner.body
            assert all(id(one) in found for one in owner.body)


def test_one_method_of_a_class_is_parsed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
    parts, read = parts_of(text), []
    monkeypatch.setattr(module, "parse", lambda source: read.append(source.text) or parse(source))
    (owner,) = parts.over([6])
    assert [one.name for one in below(owner, [6])] == ["g"]
    assert "return 2" in read[-1]
    assert "return 1" not in read[-1]
    assert [one.name for one in owner.body] == ["f", "g"]
