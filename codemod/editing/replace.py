"""The simplest rewrite: a call goes to another function."""

from __future__ import annotations

from collections.abc import Sequence

from codemod.catalogue import short
from codemod.editing.calls import rewrite_call
from codemod.editing.checks import check_text
from codemod.editing.imports import reach
from codemod.editing.transform import Transform, witness
from codemod.results import Contract, Release, Rewrite
from codemod.semantics.module_class import Call


def replace_function(
    transform: Transform,
    call: Call,
    function: str,
    *,
    keep: Sequence[int] | None = None,
    extra: Sequence[str] = (),
    contract: Contract | None = None,
) -> Rewrite:
    """Call `function` instead, given by its qualified name (`torch.nn.Mish`).

    It is named by an import that is there or is added. `keep` says which arguments stay (by index
    in source order; all of them where it is left out), `extra` is put behind them as it is.
    Raises Refused: star-arguments, unusual-call, in-f-string.
    """
    check_text(call)
    module = call.module
    package = reach(module.file, function.rpartition(".")[0], [call.scope])
    name = f"{package.expression}.{function.rpartition('.')[2]}"
    kept = range(len(call.layout.arguments)) if keep is None else keep
    old = module.text(call.node.func)
    given = f"({', '.join(extra)})" if extra else ""
    return transform.rewrite(
        module,
        f"{old} -> {name}{given}",
        sites=[call.node],
        edits=rewrite_call(call, name, kept, extra, transform.settings.line_length),
        witnesses=[witness(module, call.node)],
        kind=short(call.name or old),
        contract=contract,
        requirements=[package.requirement] if package.requirement else [],
        releases=[Release(module.path, old.partition(".")[0])],
    )
