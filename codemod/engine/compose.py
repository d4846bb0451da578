"""From accepted rewrites to text: edits in order, requirements met once, unused imports out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from codemod.engine.blank_lines import with_blank_lines_kept
from codemod.engine.empty_blocks import without_empty_blocks
from codemod.engine.independence import placed
from codemod.engine.long_lines import limit_of, long_line_edits
from codemod.engine.processes import paused_collector, spread
from codemod.engine.text_edits import OffsetMap, apply_edits, moved
from codemod.engine.unused_imports import unused_import_edits
from codemod.engine.unwatched import new_stretches, put_there, taken_away
from codemod.errors import RewriteError, SourceError
from codemod.results import Composition, Edit, Located, Location, Rewrite, Witness
from codemod.semantics.index import ClassIndex, FileIndex, index_file
from codemod.semantics.parts import Parts, outline_of
from codemod.semantics.project import ClassKey, Project
from codemod.semantics.syntax import parse
from codemod.source.overlay import Overlay, digest
from codemod.source.text import SourceText


@dataclass(frozen=True)
class Pass:
    """The rewrites found in one pass, and the snapshot that they were found in."""

    project: Project
    rewrites: tuple[Rewrite, ...]
    # Files by path, by what they were made of, and by the ids that were accepted in them.
    known: dict[_Known, _Composed] = field(default_factory=dict, repr=False, compare=False)
    _taken: dict[str, tuple[Witness, ...]] = field(default_factory=dict, repr=False, compare=False)
    _put: dict[_Known, _PutThere] = field(default_factory=dict, repr=False, compare=False)

    def taken_away(self, rewrite: Rewrite) -> tuple[Witness, ...]:
        """The places that a rewrite would change, in the snapshot, without those it watches."""
        if rewrite.id not in self._taken:
            self._taken[rewrite.id] = tuple(
                place
                for path in sorted({edit.path for edit in rewrite.edits})
                for place in taken_away(self._parts(path), rewrite)
            )
        return self._taken[rewrite.id]

    def put_there(
        self, path: str, key: _Known, base: Overlay, rewrites: Iterable[Rewrite]
    ) -> _PutThere:
        """By rewrite the places of a composed file that it brings and does not watch."""
        if key not in self._put:
            before, made = SourceText.decode(path, base.read(path)), self.known[key]
            after = Parts(made.source, made.index.outline)
            found = ((one, list(new_stretches(before, made.maps, one))) for one in rewrites)
            self._put[key] = {
                one.id: tuple(put_there(after, stretches, made.maps, one))
                for one, stretches in found
                if stretches
            }
        return self._put[key]

    @property
    def kept(self) -> Iterator[ClassKey]:
        """The classes of the files that were composed whose lines are as they were."""
        return ((path, name) for (path, *_), made in self.known.items() for name in made.kept)

    @property
    def indexes(self) -> Iterator[FileIndex]:
        """The index of each file that was composed, by whatever rewrites of the pass."""
        return (made.index for made in self.known.values())

    def _parts(self, path: str) -> Parts:
        source = SourceText.decode(path, self.project.overlay.read(path))
        return Parts(source, self.project.files[path].outline)


_Known = tuple[str, bytes, tuple[str, ...]]
_PutThere = Mapping[str, tuple[Witness, ...]]
_Place = tuple[str, Witness, int, int]
_Places = dict[tuple[str, str], list[_Place]]  # by what they are, and the rewrite's id


@dataclass(frozen=True)
class _Composed:
    """One file after one pass: its text, its index, how to find a place of the text before it.

    `kept`: the qualified names of the classes whose lines are as they were.
    """

    source: SourceText
    index: FileIndex
    maps: tuple[OffsetMap, ...]
    kept: frozenset[str]

    def witness(self, item: Witness) -> tuple[int, int]:
        return moved(self.maps, item.start, item.end)


def with_requirements(rewrites: Iterable[Rewrite], path: str) -> list[Edit]:
    """The edits of `path`; requirements that share a key are met once."""
    edits: list[Edit] = []
    met: set[str] = set()
    for rewrite in rewrites:
        edits += [edit for edit in rewrite.edits if edit.path == path]
        for requirement in rewrite.requirements:
            if requirement.edit.path == path and requirement.key not in met:
                met.add(requirement.key)
                edits.append(requirement.edit)
    return edits


def touched_paths(rewrite: Rewrite) -> set[str]:
    return {edit.path for edit in rewrite.edits} | {
        requirement.edit.path for requirement in rewrite.requirements
    }


def closed(rewrites: Iterable[Rewrite], ids: Collection[str]) -> frozenset[str]:
    """`ids` without those that build on a rewrite that is not among them."""
    kept = set(ids)
    by_id = {rewrite.id: rewrite for rewrite in rewrites}
    while True:
        lost = {one for one in kept if not set(by_id[one].requires) <= kept}
        if not lost:
            return frozenset(kept)
        kept -= lost


def compose(passes: Sequence[Pass], ids: Collection[str], jobs: int = 1) -> Composition:
    """What the accepted rewrites make of the project, as far as the files go.

    Raises RewriteError naming the file whose composed text does not parse.
    """
    return Composition(_compose(passes, ids, jobs, None), {})


def compose_to_run(passes: Sequence[Pass], ids: Collection[str]) -> Composition:
    """As `compose`, and the places that a run watches."""
    places: _Places = {}
    files = _compose(passes, ids, 1, places)
    located = _locations(passes, files, places)
    return Composition(
        files,
        {key: located["watched", key] for kind, key in places if kind == "watched"},
        *(
            {
                key: located[wanted, key]
                for kind, key in places
                if kind == wanted and places[kind, key]
            }
            for wanted in ("put there", "taken away")
        ),
    )


def _compose(
    passes: Sequence[Pass], ids: Collection[str], jobs: int, places: _Places | None
) -> dict[str, bytes]:
    """The files that change; `places` is filled. A file that was composed before is reused."""
    accepted = closed((rewrite for one in passes for rewrite in one.rewrites), ids)
    files: dict[str, bytes] = {}
    for one in passes:
        base = passes[0].project.overlay.lay(files)  # without what is not accepted
        rewrites = [
            placed(rewrite, one.project.overlay, base)
            for rewrite in one.rewrites
            if rewrite.id in accepted
        ]
        by_path = _by_path(rewrites)
        keys = _keys(base, by_path)
        composed = _compose_files(one, base, by_path, keys, jobs)
        if places is not None:
            _carry(places, composed)
            _find_places(places, one, base, rewrites, composed)
            for path, key in keys.items():
                for item, found in one.put_there(path, key, base, by_path[path]).items():
                    places["put there", item] += [(path, it, it.start, it.end) for it in found]
        files.update({path: item.source.encode() for path, item in composed.items()})
    return files


def _find_places(
    places: _Places,
    one: Pass,
    base: Overlay,
    rewrites: Iterable[Rewrite],
    composed: Mapping[str, _Composed],
) -> None:
    accepted = set()
    for rewrite in rewrites:
        accepted.add(rewrite.id)
        places["watched", rewrite.id] = _found(composed, rewrite.witnesses)
        places["put there", rewrite.id] = []
    for rewrite in one.rewrites:
        if rewrite.id not in accepted:
            taken = _still_there(one, rewrite, base)
            places["taken away", rewrite.id] = _found(composed, taken)


def _still_there(one: Pass, rewrite: Rewrite, base: Overlay) -> tuple[Witness, ...]:
    """What a rewrite would take away, in `base`; nothing where its class is another there."""
    taken = one.taken_away(rewrite)
    try:
        moved = placed(replace(rewrite, witnesses=taken), one.project.overlay, base)
    except RewriteError:
        return ()
    return moved.witnesses if taken else ()


def _found(composed: Mapping[str, _Composed], witnesses: Iterable[Witness]) -> list[_Place]:
    return [(item.path, item, *_locate(composed, item)) for item in witnesses]


def _by_path(rewrites: Iterable[Rewrite]) -> dict[str, list[Rewrite]]:
    found: dict[str, list[Rewrite]] = {}
    for rewrite in rewrites:
        for path in touched_paths(rewrite):
            found.setdefault(path, []).append(rewrite)
    return dict(sorted(found.items()))


def _keys(base: Overlay, by_path: Mapping[str, Sequence[Rewrite]]) -> dict[str, _Known]:
    return {
        path: (path, digest(base.read(path)), tuple(item.id for item in found))
        for path, found in by_path.items()
    }


def _compose_files(
    one: Pass,
    base: Overlay,
    by_path: Mapping[str, Sequence[Rewrite]],
    keys: Mapping[str, _Known],
    jobs: int,
) -> dict[str, _Composed]:
    missing = [(path, by_path[path]) for path, key in keys.items() if key not in one.known]
    for made in spread(_ComposeFiles(one.project, base), missing, jobs):
        if isinstance(made, _Broken):
            raise RewriteError(made.path, made.message)
        one.known[keys[made.source.path]] = made
    return {path: one.known[key] for path, key in keys.items()}


@dataclass(frozen=True)
class _Broken:
    """A file whose composed text does not parse."""

    path: str
    message: str


@dataclass(frozen=True)
class _ComposeFiles:
    project: Project
    base: Overlay

    def __call__(
        self, wanted: Sequence[tuple[str, Sequence[Rewrite]]]
    ) -> list[_Composed | _Broken]:
        with paused_collector():
            return [
                _compose_file(self.project, self.base, path, rewrites) for path, rewrites in wanted
            ]


def _carry(places: _Places, composed: Mapping[str, _Composed]) -> None:
    """Move the places found in an earlier pass to where they are after this one."""
    for key, found in places.items():
        places[key] = [
            (path, item, *_locate(composed, Witness(path, start, end, item.kind)))
            for path, item, start, end in found
        ]


def _locate(composed: Mapping[str, _Composed], item: Witness) -> tuple[int, int]:
    file = composed.get(item.path)
    return file.witness(item) if file is not None else (item.start, item.end)


def _locations(
    passes: Sequence[Pass],
    files: Mapping[str, bytes],
    places: _Places,
) -> dict[tuple[str, str], Located]:
    texts: dict[str, SourceText] = {}
    for path in {path for found in places.values() for path, *_ in found}:
        data = files[path] if path in files else passes[0].project.overlay.read(path)
        texts[path] = SourceText.decode(path, data)
    return {
        key: tuple(
            (
                path,
                Location(
                    item.kind, *texts[path].ast_position(start), *texts[path].ast_position(end)
                ),
            )
            for path, item, start, end in found
        )
        for key, found in places.items()
    }


def _compose_file(
    project: Project, base: Overlay, path: str, rewrites: Sequence[Rewrite]
) -> _Composed | _Broken:
    data = base.read(path)
    source = SourceText.decode(path, data)
    known, outline = project.files[path].classes, project.files[path].outline
    if digest(data) != project.files[path].digest:
        known, outline = (), outline_of(parse(source))
    parts = Parts(source, outline)
    wanted = with_blank_lines_kept(
        source, without_empty_blocks(parts, with_requirements(rewrites, path))
    )
    text, first = apply_edits(source.text, wanted)
    composed = source.with_text(text)
    maps = [first]
    limit = project.line_limits.get(path) or limit_of(source, project.line_length)
    breaks = long_line_edits(source, composed, first.edits, limit)
    if breaks:
        text, second = apply_edits(text, breaks)
        composed = source.with_text(text)
        maps.append(second)
    try:
        tree = parse(composed)
        released = {
            item.name for rewrite in rewrites for item in rewrite.releases if item.path == path
        }
        edits = unused_import_edits(project, composed, tree, released)
        if edits:
            text, third = apply_edits(text, edits)
            composed = source.with_text(text)
            tree = parse(composed)
            maps.append(third)
        encoded = composed.encode()
    except (SourceError, UnicodeEncodeError) as error:
        return _Broken(path, f"the rewritten text is not valid: {error}")
    index = index_file(composed, tree, digest(encoded))
    kept = _texts(source, known).items() & _texts(composed, index.classes).items()
    return _Composed(composed, index, tuple(maps), frozenset(name for name, _ in kept))


def _texts(source: SourceText, classes: Iterable[ClassIndex]) -> dict[str, str]:
    """The lines of each class, of the last where several share a name."""
    return {item.qualname: source.lines(item.line, item.end_line) for item in classes}
