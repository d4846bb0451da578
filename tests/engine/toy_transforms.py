"""Small transforms that show one thing each about the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from codemod import Edit, Found, ModuleClass, Transform, dotted_name, span, witness
from codemod.engine.planning import Planned, plan
from codemod.source.overlay import Overlay

NOWHERE = Path("/nonexistent")


def renaming(old: str, new: str, name: str | None = None) -> type[Transform]:
    """Calls of the function `old` become calls of `new`; the arguments are not touched."""

    class Renaming(Transform):
        """Rename a function."""

        def find(self, module: ModuleClass) -> Iterable[Found]:
            for call in module.calls:
                if dotted_name(call.node.func) == old:
                    start, end = span(module.source, call.node.func)
                    edit = Edit(module.path, start, end, new)
                    made = witness(module, call.node)
                    yield self.rewrite(module, f"{old} -> {new}", [call.node], [edit], [made])

    Renaming.name = name or f"{old}-to-{new}"
    return Renaming


def replacing(text: str, new: str, name: str) -> type[Transform]:
    """Statements with this text are replaced as a whole."""

    class Replacing(Transform):
        """Replace a statement."""

        def find(self, module: ModuleClass) -> Iterable[Found]:
            for method in module.methods:
                for statement in method.node.body:
                    if module.text(statement) == text:
                        start, end = span(module.source, statement)
                        edit = Edit(module.path, start, end, new)
                        entered = witness(module, method.node)
                        yield self.rewrite(module, name, [statement], [edit], [entered])

    Replacing.name = name
    return Replacing


def finding(find: Callable[[Transform, ModuleClass], Iterable[object]]) -> type[Transform]:
    """A transform with this `find`."""

    class Finding(Transform):
        """Find something."""

        name = "finding"

    Finding.find = find  # type: ignore[assignment, method-assign]
    Finding.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    return Finding


def planned(
    files: Mapping[str, str], *transforms: type[Transform], selected: Iterable[str] | None = None
) -> Planned:
    """A plan over files that lie nowhere but in memory."""
    data = {path: text.encode() for path, text in files.items()}
    paths = sorted(data)
    chosen = frozenset(paths if selected is None else selected)
    return plan(Overlay(NOWHERE, data), paths, chosen, [item() for item in transforms])


def composed(result: Planned, ids: Iterable[str] | None = None, path: str = "net.py") -> str:
    """The text of a file after some rewrites (all, where none are named)."""
    chosen = [item.id for item in result.plan.rewrites] if ids is None else list(ids)
    return result.compose(chosen).files[path].decode()


def net(*forward: str) -> str:
    lines = ["import torch.nn as nn", "", "", "class Net(nn.Module):", "    def forward(self, x):"]
    return "\n".join([*lines, *(f"        {line}" for line in forward), ""])
