"""The base of all transforms, built-in or not."""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from codemod.catalogue import Pair
from codemod.editing.observed import observers_of
from codemod.editing.refused import COMMON_REFUSALS, RefusalDoc, Refused
from codemod.errors import TransformError
from codemod.results import (
    Contract,
    Edit,
    Extent,
    Refusal,
    Release,
    Requirement,
    Rewrite,
    Site,
    Witness,
)
from codemod.semantics.layout import span
from codemod.semantics.module_class import ModuleClass, SourceFile
from codemod.semantics.project import Project

Found = Rewrite | Refusal
_Node = ast.expr | ast.stmt


@dataclass(frozen=True, slots=True)
class Example:
    """A file before and after; shown by `codemod explain` and run by the tests."""

    before: str
    after: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run tells its transforms.

    `only`: the catalogue entries that `--only` chooses. `line_length`: the project's limit.
    `verify`: whether the rewrites are going to be run. `per_layer`: whether a call in a loop
    becomes a list of modules, one a round, rather than one for all rounds. `append`: whether what
    is called on the result of an `nn.Sequential` becomes its last layer.
    """

    only: frozenset[str] | None = None
    line_length: int = 88
    verify: bool = True
    per_layer: bool = False
    append: bool = False


class Transform(ABC):
    """Finds rewrites of one kind.

    A subclass declares `name` (kebab-case), `contract`, `examples`, its own `refusals` by code,
    and `markers`: a pattern that the text of a class must match to be worth looking at.
    The first line of its docstring says what it does.
    """

    name: ClassVar[str]
    contract: ClassVar[Contract] = Contract()
    examples: ClassVar[tuple[Example, ...]] = ()
    refusals: ClassVar[Mapping[str, RefusalDoc]] = {}
    markers: ClassVar[re.Pattern[str]] = re.compile("")
    inverse: ClassVar[str | None] = None
    # Whether `find` asks all files what they do with the layers of a class. Then that is asked
    # once, before the processes part.
    asks_about_layers: ClassVar[bool] = False
    # Whether `find` finds nothing new in a class that a pass left as it was, as it did its family,
    # however others changed, and `find_outside` refusals alone. Then a further pass looks at
    # neither again.
    settles: ClassVar[bool] = False

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    @abstractmethod
    def find(self, module: ModuleClass) -> Iterable[Found]:
        """Rewrites and refusals in one nn.Module class. Must not change anything."""

    def find_outside(self, file: SourceFile, modules: frozenset[str]) -> Iterable[Found]:
        """Refusals in code that belongs to none of the module classes of a file."""
        return ()

    def markers_in(self, project: Project, path: str) -> re.Pattern[str]:
        """What finds in one file what `markers` does, where something quicker would."""
        return self.markers

    def is_chosen(self, pair: Pair) -> bool:
        """Whether `--only` leaves an entry of the catalogue in."""
        return self.settings.only is None or pair.module in self.settings.only

    @classmethod
    def refusal_docs(cls) -> dict[str, RefusalDoc]:
        """Every refusal that this transform may give, by code."""
        return {**COMMON_REFUSALS, **cls.refusals}

    # -- making results ------------------------------------------------------------------------

    def refuse(self, module: ModuleClass, node: _Node, refused: Refused) -> Refusal:
        position = module.source.position(span(module.source, node)[0])
        return self.refusal(module.path, position.line, position.column, module.name, refused)

    def refusal(
        self, path: str, line: int, column: int, class_name: str, refused: Refused
    ) -> Refusal:
        doc = self.refusal_docs().get(refused.code)
        if doc is None:
            raise TransformError(f"{self.name}: {refused.code!r} is not among its refusals")
        return Refusal(
            self.name, path, line, column, class_name, refused.code, refused.message, doc.way_out
        )

    def rewrite(
        self,
        module: ModuleClass,
        summary: str,
        sites: Sequence[_Node | Site],
        edits: Iterable[Edit],
        witnesses: Iterable[Witness],
        *,
        kind: str = "",
        contract: Contract | None = None,
        requirements: Iterable[Requirement] = (),
        releases: Iterable[Release] = (),
        only_confirmed: bool = False,
        repeats: Iterable[Extent] = (),
        layers: Iterable[str] = (),
        children: Iterable[str] = (),
        also: Iterable[ModuleClass] = (),
    ) -> Rewrite:
        """A rewrite of this class. `kind` tells rewrites of one class apart beside their order.

        `also`: other classes that it changes, in whatever file; they are run for it as well.
        `repeats`: text of the file that the edits say again elsewhere.
        `layers`: qualified names of the module classes of which an instance comes or goes.
        `children`: the names of the attributes that come to hold one.
        """
        promised = self.contract if contract is None else contract
        return Rewrite(
            id=kind or summary,
            transform=self.name,
            path=module.path,
            class_name=module.name,
            summary=summary,
            sites=tuple(
                node if isinstance(node, Site) else site_of(module, node) for node in sites
            ),
            edits=tuple(edits),
            contract=promised,
            witnesses=tuple(witnesses),
            requirements=tuple(requirements),
            releases=tuple(releases),
            only_confirmed=only_confirmed,
            repeats=tuple(repeats),
            seen_by=observers_of(module, promised, layers, children),
            also=tuple(one.key for one in also),
        )


def witness(module: ModuleClass, node: _Node) -> Witness:
    """An expression that must be evaluated, or a function that must be entered."""
    start, end = span(module.source, node)
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return Witness(module.path, start, end, "function" if is_function else "expression")


def site_of(module: ModuleClass, node: _Node) -> Site:
    """Where a rewrite changes a class."""
    position = module.source.position(span(module.source, node)[0])
    return Site(module.path, position.line, position.column)
