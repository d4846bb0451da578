"""What transforms are tested with, built-in or not: before and after, refusals, confirmation.

A test says what a file looks like before and after; the checks hold the transform to that and to
what every transform owes its users:

    from codemod.testing import check_refusal, check_rewrite, check_unchanged

    def test_silu_becomes_mish():
        check_rewrite(SiluToMish, before=..., after=...)

No check but `confirm_rewrite` touches the disk or runs the code that it is given.

A text given as `str` is dedented and loses the line break that it begins with, so that it can
stand in a triple-quoted string; one given as `bytes` is taken as it is.
"""

from __future__ import annotations

import ast
import difflib
import io
import sys
import tempfile
import textwrap
import tokenize
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from codemod.catalogue import select
from codemod.configuration import Options
from codemod.editing.comments import for_readers
from codemod.editing.transform import Settings, Transform
from codemod.engine.planning import Planned, plan
from codemod.errors import RewriteError
from codemod.results import Edit, Location, Plan, Report, Rewrite
from codemod.source.overlay import Overlay
from codemod.source.text import SourceText

__all__ = [
    "check_examples",
    "check_refusal",
    "check_rewrite",
    "check_unchanged",
    "confirm_rewrite",
]

Text = str | bytes
# A line of the main file, or a path and a line.
Place = int | tuple[str, int]
Codes = str | Collection[str]

_NOWHERE = Path("/nonexistent")


def check_rewrite(
    transform: type[Transform],
    before: Text,
    after: Text,
    *,
    path: str = "net.py",
    files: Mapping[str, Text] | None = None,
    files_after: Mapping[str, Text] | None = None,
    refusals: Mapping[Place, Codes] | None = None,
    only: Iterable[str] = (),
) -> Plan:
    """Check that the transform turns `before` into `after`, byte for byte; give the plan.

    `path` is where the text lies in the project, and `files` are the project's other files, by
    path; `files_after` says which of them change, and to what. `refusals` are all the refusals
    that are expected, as for `check_refusal`. `only` chooses catalogue entries, as `--only` does.

    Checked as well, whatever the transform: the new text parses; each rewrite also stands alone;
    a second run changes nothing; no comment for readers is lost; every edit lies within its file
    and every id is unique; what the rewrite says will be executed can be found in the new text.

    Raises AssertionError, with a diff where a text differs.
    """
    project = {path: _bytes(before), **_all_bytes(files)}
    wanted = {**project, path: _bytes(after), **_all_bytes(files_after)}
    planned = _planned(transform, project, only)
    _check_refusals(planned.plan, path, refusals or {})
    _check_texts(project, wanted, planned)
    _check_standing(transform, project, planned, only)
    return planned.plan


def check_refusal(
    transform: type[Transform],
    source: Text,
    refusals: Mapping[Place, Codes],
    *,
    path: str = "net.py",
    files: Mapping[str, Text] | None = None,
    only: Iterable[str] = (),
) -> Plan:
    """Check that nothing is rewritten and that each of `refusals`, and no other, is given.

    `refusals` gives the code, or several of them, for each line (1-based, after dedenting); a
    line of another file is written as `("other.py", 3)`.
    """
    assert refusals, "no refusal is expected: use check_unchanged"
    return check_rewrite(
        transform, source, source, path=path, files=files, refusals=refusals, only=only
    )


def check_unchanged(
    transform: type[Transform],
    source: Text,
    *,
    path: str = "net.py",
    files: Mapping[str, Text] | None = None,
    only: Iterable[str] = (),
) -> Plan:
    """Check that the transform sees nothing of its concern: no rewrite and no refusal."""
    return check_rewrite(transform, source, source, path=path, files=files, only=only)


def check_examples(transform: type[Transform]) -> None:
    """Check that the transform has examples and that each of them holds."""
    assert transform.examples, f"{transform.name} has no examples"
    for example in transform.examples:
        check_rewrite(transform, example.before.encode(), example.after.encode())


def confirm_rewrite(
    transform: type[Transform],
    project: Path | Mapping[str, Text],
    *,
    accept: Collection[str] = (),
    only: Iterable[str] = (),
    recipes: Path | None = None,
    timeout: float = 60.0,
) -> Report:
    """Plan on a folder, or on files by path, run the models before and after, give the report.

    Writes nothing to the folder; `accept` and `recipes` are as on the command line. `timeout`
    is in seconds, for one run of a model. Takes torch in the interpreter that runs the test.
    Raises CodemodError.
    """
    if isinstance(project, Path):
        return _confirmed(transform, project, accept, only, recipes, timeout)
    with tempfile.TemporaryDirectory(prefix="codemod-test-") as folder:
        root = Path(folder).resolve()
        for path, text in project.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_bytes(text))
        return _confirmed(transform, root, accept, only, recipes, timeout)


def _confirmed(
    transform: type[Transform],
    root: Path,
    accept: Collection[str],
    only: Iterable[str],
    recipes: Path | None,
    timeout: float,
) -> Report:
    from codemod.refactoring import run  # confirming is paid for only by those who use it

    options = Options(
        paths=(root,),
        root=root,
        only=tuple(only),
        accept=frozenset(accept),
        python=Path(sys.executable),
        recipes=recipes,
        timeout=timeout,
        details=True,
    )
    return run(options, chosen=[transform])


# ---- texts


def _bytes(text: Text) -> bytes:
    if isinstance(text, bytes):
        return text
    return textwrap.dedent(text).removeprefix("\n").encode()


def _all_bytes(texts: Mapping[str, Text] | None) -> dict[str, bytes]:
    return {path: _bytes(text) for path, text in (texts or {}).items()}


def _decoded(path: str, data: bytes) -> str:
    return SourceText.decode(path, data).text


# ---- running


def _planned(
    transform: type[Transform], files: Mapping[str, bytes], only: Iterable[str]
) -> Planned:
    chosen = tuple(only)
    modules = frozenset(pair.module for pair in select(chosen)) if chosen else None
    python = frozenset(path for path in files if path.endswith(".py"))
    return plan(
        Overlay(_NOWHERE, files), sorted(files), python, [transform(Settings(only=modules))]
    )


def _result(files: Mapping[str, bytes], planned: Planned) -> dict[str, bytes]:
    ids = [rewrite.id for rewrite in planned.plan.rewrites]
    return {**files, **planned.compose(ids).files}


# ---- what is expected


def _check_texts(
    before: Mapping[str, bytes], wanted: Mapping[str, bytes], planned: Planned
) -> None:
    assert not planned.plan.errors, "\n".join(error.message for error in planned.plan.errors)
    for path, data in wanted.items():
        _check_parses(path, data, "the expected text")
    found = _result(before, planned)
    assert found.keys() == wanted.keys(), sorted(found.keys() ^ wanted.keys())
    for path, data in wanted.items():
        if found[path] != data:
            raise AssertionError(_difference(path, data, found[path], planned.plan))


def _difference(path: str, wanted: bytes, found: bytes, plan: Plan) -> str:
    lines = [
        f"{path} is not as expected (- expected, + found)",
        *difflib.unified_diff(
            _shown(path, wanted), _shown(path, found), "expected", "found", lineterm=""
        ),
    ]
    lines += [f"rewrite: {item.summary}" for item in plan.rewrites]
    lines += [
        f"refusal: {item.path}:{item.line}: {item.code}: {item.message}" for item in plan.refusals
    ]
    return "\n".join(lines)


def _shown(path: str, data: bytes) -> list[str]:
    """Lines; where there is more than plain text with `\\n`, with what cannot be seen."""
    text = _decoded(path, data)
    plain = data == text.encode() and not set(text) & set("\r\t\f") and text.endswith("\n")
    return text.splitlines() if plain else [repr(line) for line in text.splitlines(keepends=True)]


def _check_refusals(plan: Plan, path: str, wanted: Mapping[Place, Codes]) -> None:
    expected = sorted(
        (*((path, place) if isinstance(place, int) else place), code)
        for place, codes in wanted.items()
        for code in ([codes] if isinstance(codes, str) else codes)
    )
    found = sorted((item.path, item.line, item.code) for item in plan.refusals)
    if found == expected:
        return
    lines = ["the refusals are not as expected"]
    lines += [f"  missing: {':'.join(map(str, one))}" for one in expected if one not in found]
    lines += [
        f"  not expected: {item.path}:{item.line}: {item.code}: {item.message}"
        for item in plan.refusals
        if (item.path, item.line, item.code) not in expected
    ]
    lines += [f"  rewritten: {item.summary}" for item in plan.rewrites]
    raise AssertionError("\n".join(lines))


# ---- what every transform owes


def _check_standing(
    transform: type[Transform],
    before: Mapping[str, bytes],
    planned: Planned,
    only: Iterable[str],
) -> None:
    after = _result(before, planned)
    _check_ids(planned.plan.rewrites)
    _check_bounds(planned)
    _check_alone(before, planned)
    _check_comments(before, after)
    _check_witnesses(before, planned)
    again = _planned(transform, after, only)
    assert not again.plan.rewrites, "a second run changes more: " + ", ".join(
        f"{item.path}: {item.summary}" for item in again.plan.rewrites
    )


def _check_ids(rewrites: Iterable[Rewrite]) -> None:
    counts = Counter(rewrite.id for rewrite in rewrites)
    twice = [one for one, count in counts.items() if count > 1]
    assert not twice, f"ids of more than one rewrite: {twice}"


def _edits(rewrite: Rewrite) -> Iterator[Edit]:
    yield from rewrite.edits
    yield from (item.edit for item in rewrite.requirements)


def _check_bounds(planned: Planned) -> None:
    for one in planned.passes:
        for rewrite in one.rewrites:
            for edit in _edits(rewrite):
                size = len(_decoded(edit.path, one.project.overlay.read(edit.path)))
                assert 0 <= edit.start <= edit.end <= size, f"{edit} lies outside of {edit.path}"


def _check_alone(before: Mapping[str, bytes], planned: Planned) -> None:
    """Each rewrite, with those that it builds on, gives files that parse, comments kept."""
    for rewrite in planned.plan.rewrites:
        try:
            files = planned.compose([rewrite.id, *rewrite.requires]).files
        except RewriteError as error:
            raise AssertionError(f"{rewrite.summary!r} does not stand alone: {error}") from None
        for path, data in files.items():
            _check_parses(path, data, f"{path} after {rewrite.summary!r} alone")
        _check_comments(before, {**before, **files})


def _check_parses(path: str, data: bytes, what: str) -> None:
    if not path.endswith(".py"):
        return
    try:
        ast.parse(_decoded(path, data))
    except SyntaxError as error:
        text = data.decode(errors="replace")
        raise AssertionError(f"{what} does not parse: {error}\n{text}") from None


def _check_comments(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    lost = _comments(before) - _comments(after)
    assert not lost, f"comments are lost: {sorted(lost)}"


def _comments(files: Mapping[str, bytes]) -> Counter[str]:
    return Counter(
        said
        for path, data in files.items()
        if path.endswith(".py")
        for token in tokenize.generate_tokens(
            io.StringIO(_decoded(path, data), newline="").readline
        )
        if token.type == tokenize.COMMENT and (said := for_readers(token.string))
    )


def _check_witnesses(before: Mapping[str, bytes], planned: Planned) -> None:
    rewrites = planned.plan.rewrites
    composition = planned.composed_to_run([rewrite.id for rewrite in rewrites])
    for rewrite in rewrites:
        assert rewrite.witnesses, f"{rewrite.summary!r} has no witness: it could not be confirmed"
        for path, location in composition.witnesses[rewrite.id]:
            text = _decoded(path, composition.files.get(path, before.get(path, b"")))
            assert _is_node(ast.parse(text), location), (
                f"{rewrite.summary!r}: its witness at {path}:{location.line} is no {location.kind}"
            )


def _is_node(tree: ast.Module, location: Location) -> bool:
    if location.kind == "function":
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        return any(
            isinstance(node, functions) and (node.lineno, node.col_offset) == _start(location)
            for node in ast.walk(tree)
        )
    end = (location.end_line, location.end_column)
    return any(
        (node.lineno, node.col_offset) == _start(location)
        and (node.end_lineno, node.end_col_offset) == end
        for node in ast.walk(tree)
        if isinstance(node, ast.expr)
    )


def _start(location: Location) -> tuple[int, int]:
    return location.line, location.column
