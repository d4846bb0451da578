"""A module that a loop calls again and again becomes a list of them, one a round."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from codemod.editing.attributes import add_attribute, fresh_names, index_in_init, placement_for
from codemod.editing.checks import check_class_accepts_attributes, check_not_copied, check_site
from codemod.editing.comments import for_readers
from codemod.editing.constructor import Constructor, is_lasting
from codemod.editing.imports import reach
from codemod.editing.loops import Rounds, header_edits, plural, round_variable, rounds_of
from codemod.editing.producers import producer_of
from codemod.editing.refused import Refused
from codemod.editing.removal import remove_statement
from codemod.editing.transform import Transform, witness
from codemod.editing.uses import check_not_used_elsewhere
from codemod.results import Edit, Extent, Requirement, Rewrite
from codemod.semantics.layout import span
from codemod.semantics.module_class import Assignment, Call, ModuleClass
from codemod.source.text import SourceText


def one_a_round(
    transform: Transform, call: Call, assignment: Assignment, made: Constructor
) -> Rewrite | None:
    """The list in place of the one module, for the only call of it; None outside of loops.

    Raises Refused: loop-not-static, and what rules out that an attribute goes.
    """
    module, name = call.module, assignment.name
    rounds = rounds_of(call)
    if rounds is None:
        return None
    check_site(call)
    check_class_accepts_attributes(module, call)
    check_not_copied(module, [assignment.method.node])
    check_not_used_elsewhere(module, name, made.pair.module)
    if not assignment.top_level or module.init is None:
        raise Refused("loop-not-static", f"__init__ makes self.{name} under a condition")
    package = reach(module.file, "torch.nn", (module.init.scope,))
    new = fresh_names(module, plural(name), [call.layout.start])[call.layout.start]
    constructor = module.text(made.call.node)
    value = f"{package.expression}.ModuleList({constructor} for _ in {rounds.over})"
    edits, requirements = _called(call, rounds, f"{call.self_name}.{new}", new)
    if package.requirement is not None:
        requirements.append(package.requirement)
    return transform.rewrite(
        module,
        f"self.{name} -> self.{new}",
        [call.node],
        [*edits, *_made(call, assignment, rounds, new, value, made)],
        [witness(module, call.node)],
        kind=f"{name} a round",
        requirements=requirements,
        repeats=[Extent(module.path, *span(module.source, made.call.node))],
        layers=[made.pair.module],
    )


def _called(
    call: Call, rounds: Rounds, target: str, new: str
) -> tuple[list[Edit], list[Requirement]]:
    if rounds.index is not None:
        return [call.replace_function(f"{target}[{rounds.index}]")], []
    variable = round_variable(call, rounds, new)
    header, requirements = header_edits(call, rounds, variable, target, call.layout.end)
    return [*header, call.replace_function(variable)], list(requirements)


def _made(
    call: Call, assignment: Assignment, rounds: Rounds, new: str, value: str, made: Constructor
) -> Sequence[Edit]:
    """Where the one was made, if the loop's layers are there by then; else behind them."""
    module = call.module
    own = index_in_init(module, assignment.name)
    if all(index_in_init(module, need) < own for need in rounds.needs):
        assert assignment.value is not None
        start, end = span(module.source, assignment.node)
        return [Edit(module.path, start, end, f"{_self(module)}.{new} = {value}")]
    if not is_lasting([made]):
        raise Refused("argument-not-static", f"self.{assignment.name} is made of what may change")
    place = placement_for(module, producer_of(call), [*rounds.needs, assignment.name])
    gone, comment = _taken_out(module.source, assignment.node)
    return [gone, add_attribute(module, new, value + comment, place, call.layout.end)]


def _taken_out(source: SourceText, statement: ast.stmt) -> tuple[Edit, str]:
    """The statement's removal, and the comment behind it, which moves along."""
    start, end = span(source, statement)
    line, behind = source.line_start(start), source.text[end : source.line_end(end)].strip()
    if source.text[line:start].strip() or not behind.startswith("#"):
        return remove_statement(source, statement), ""
    comment = for_readers(behind)
    gone = Edit(source.path, line, source.next_line(end), "")
    return gone, f"  {comment}" if comment else ""


def _self(module: ModuleClass) -> str:
    assert module.init is not None
    return module.init.self_name or "self"
