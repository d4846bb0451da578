"""The public API: what a transform, built-in or not, is written with.

Everything is imported on first use: `codemod --help` pays for nothing that it does not need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from codemod.catalogue import by_functional as by_functional
    from codemod.catalogue import by_module as by_module
    from codemod.catalogue.pair import Functional as Functional
    from codemod.catalogue.pair import Pair as Pair
    from codemod.editing.attributes import Placement as Placement
    from codemod.editing.attributes import add_attribute as add_attribute
    from codemod.editing.attributes import check_after_super as check_after_super
    from codemod.editing.attributes import fresh_names as fresh_names
    from codemod.editing.attributes import placement_behind as placement_behind
    from codemod.editing.attributes import placement_for as placement_for
    from codemod.editing.branches import exclusive as exclusive
    from codemod.editing.branches import groups as groups
    from codemod.editing.calls import rewrite_call as rewrite_call
    from codemod.editing.checks import (
        check_class_accepts_attributes as check_class_accepts_attributes,
    )
    from codemod.editing.checks import check_file as check_file
    from codemod.editing.checks import check_not_copied as check_not_copied
    from codemod.editing.checks import check_site as check_site
    from codemod.editing.checks import check_subclasses_run_init as check_subclasses_run_init
    from codemod.editing.checks import check_text as check_text
    from codemod.editing.checks import first_run_in_init as first_run_in_init
    from codemod.editing.constructor import Constructor as Constructor
    from codemod.editing.constructor import check_stateless as check_stateless
    from codemod.editing.constructor import constructor_of as constructor_of
    from codemod.editing.constructor import fresh_modules as fresh_modules
    from codemod.editing.constructor import holds_weights as holds_weights
    from codemod.editing.constructor import is_lasting as is_lasting
    from codemod.editing.constructor import layer_held as layer_held
    from codemod.editing.constructor import layer_made as layer_made
    from codemod.editing.constructor import layer_names as layer_names
    from codemod.editing.functional_names import functional_names as functional_names
    from codemod.editing.heirs import Heir as Heir
    from codemod.editing.heirs import heirs_calling as heirs_calling
    from codemod.editing.imports import Reach as Reach
    from codemod.editing.imports import reach as reach
    from codemod.editing.inline import inline_calls as inline_calls
    from codemod.editing.inline import inline_rewrite as inline_rewrite
    from codemod.editing.inplace import InplaceCall as InplaceCall
    from codemod.editing.inplace import inplace_call as inplace_call
    from codemod.editing.inplace import inplace_contract as inplace_contract
    from codemod.editing.inplace import inplace_names as inplace_names
    from codemod.editing.inplace import input_of as input_of
    from codemod.editing.inplace import is_inplace as is_inplace
    from codemod.editing.inplace import position_in_sequential as position_in_sequential
    from codemod.editing.inplace import uses_of as uses_of
    from codemod.editing.inplace import with_flag as with_flag
    from codemod.editing.inplace import without_flag as without_flag
    from codemod.editing.made_by_subclasses import Siblings as Siblings
    from codemod.editing.made_by_subclasses import siblings_making as siblings_making
    from codemod.editing.misspelled import functional_of as functional_of
    from codemod.editing.misspelled import misspelled_functional as misspelled_functional
    from codemod.editing.misspelled import misspelled_names as misspelled_names
    from codemod.editing.misspelled import takes_arguments as takes_arguments
    from codemod.editing.observed import runners_of as runners_of
    from codemod.editing.one_a_round import one_a_round as one_a_round
    from codemod.editing.outside import calls_named as calls_named
    from codemod.editing.outside import outside_calls as outside_calls
    from codemod.editing.outside import outside_refusals as outside_refusals
    from codemod.editing.outside import refuse_outside as refuse_outside
    from codemod.editing.overwritten import assigned_result as assigned_result
    from codemod.editing.overwritten import overwritten as overwritten
    from codemod.editing.overwritten import stands_alone as stands_alone
    from codemod.editing.producers import producer_of as producer_of
    from codemod.editing.refused import RefusalDoc as RefusalDoc
    from codemod.editing.refused import Refused as Refused
    from codemod.editing.removal import remove_statement as remove_statement
    from codemod.editing.replace import replace_function as replace_function
    from codemod.editing.sequential import trailing_layers as trailing_layers
    from codemod.editing.sequential import trailing_rewrite as trailing_rewrite
    from codemod.editing.settled import is_settled as is_settled
    from codemod.editing.stability import attributes_for_init as attributes_for_init
    from codemod.editing.stability import stable_attributes as stable_attributes
    from codemod.editing.to_functional import attribute_site as attribute_site
    from codemod.editing.to_functional import functional_rewrite as functional_rewrite
    from codemod.editing.to_functional import module_names as module_names
    from codemod.editing.to_functional import setting_read as setting_read
    from codemod.editing.to_module import OTHER_OPERATORS as OTHER_OPERATORS
    from codemod.editing.to_module import STRUCTURE as STRUCTURE
    from codemod.editing.to_module import TURNED_OFF_IN_EVAL as TURNED_OFF_IN_EVAL
    from codemod.editing.to_module import Candidates as Candidates
    from codemod.editing.to_module import ToModule as ToModule
    from codemod.editing.to_module import training_argument as training_argument
    from codemod.editing.transform import Example as Example
    from codemod.editing.transform import Found as Found
    from codemod.editing.transform import Transform as Transform
    from codemod.editing.transform import witness as witness
    from codemod.editing.uses import check_free_of_others as check_free_of_others
    from codemod.editing.uses import check_not_used_elsewhere as check_not_used_elsewhere
    from codemod.editing.uses import check_only_called_elsewhere as check_only_called_elsewhere
    from codemod.results import REPAIRS as REPAIRS
    from codemod.results import Contract as Contract
    from codemod.results import Edit as Edit
    from codemod.results import Extent as Extent
    from codemod.results import Refusal as Refusal
    from codemod.results import Release as Release
    from codemod.results import Requirement as Requirement
    from codemod.results import Rewrite as Rewrite
    from codemod.results import Witness as Witness
    from codemod.semantics.layout import span as span
    from codemod.semantics.module_class import Assignment as Assignment
    from codemod.semantics.module_class import Call as Call
    from codemod.semantics.module_class import Method as Method
    from codemod.semantics.module_class import ModuleClass as ModuleClass
    from codemod.semantics.module_class import SelfUse as SelfUse
    from codemod.semantics.module_class import SourceFile as SourceFile
    from codemod.semantics.relatives import relative_class as relative_class
    from codemod.semantics.syntax import dotted_name as dotted_name
    from codemod.testing import check_examples as check_examples
    from codemod.testing import check_refusal as check_refusal
    from codemod.testing import check_rewrite as check_rewrite
    from codemod.testing import check_unchanged as check_unchanged
    from codemod.testing import confirm_rewrite as confirm_rewrite

_HOMES = {
    "catalogue": ("by_functional", "by_module"),
    "catalogue.pair": ("Functional", "Pair"),
    "editing.attributes": (
        "Placement",
        "add_attribute",
        "check_after_super",
        "fresh_names",
        "placement_behind",
        "placement_for",
    ),
    "editing.calls": ("rewrite_call",),
    "editing.checks": (
        "check_class_accepts_attributes",
        "check_file",
        "check_not_copied",
        "check_site",
        "check_subclasses_run_init",
        "first_run_in_init",
        "check_text",
    ),
    "editing.branches": (
        "exclusive",
        "groups",
    ),
    "editing.constructor": (
        "Constructor",
        "check_stateless",
        "constructor_of",
        "fresh_modules",
        "holds_weights",
        "is_lasting",
        "layer_held",
        "layer_made",
        "layer_names",
    ),
    "editing.inplace": (
        "InplaceCall",
        "inplace_call",
        "inplace_contract",
        "inplace_names",
        "input_of",
        "is_inplace",
        "position_in_sequential",
        "uses_of",
        "with_flag",
        "without_flag",
    ),
    "editing.misspelled": (
        "functional_of",
        "misspelled_functional",
        "misspelled_names",
        "takes_arguments",
    ),
    "editing.settled": ("is_settled",),
    "editing.stability": (
        "attributes_for_init",
        "stable_attributes",
    ),
    "editing.heirs": ("Heir", "heirs_calling"),
    "editing.made_by_subclasses": ("Siblings", "siblings_making"),
    "editing.imports": (
        "Reach",
        "reach",
    ),
    "editing.inline": ("inline_calls", "inline_rewrite"),
    "editing.outside": (
        "calls_named",
        "outside_calls",
        "outside_refusals",
        "refuse_outside",
    ),
    "editing.overwritten": ("assigned_result", "overwritten", "stands_alone"),
    "editing.refused": ("RefusalDoc", "Refused"),
    "editing.producers": ("producer_of",),
    "editing.observed": ("runners_of",),
    "editing.one_a_round": ("one_a_round",),
    "editing.removal": ("remove_statement",),
    "editing.replace": ("replace_function",),
    "editing.sequential": ("trailing_layers", "trailing_rewrite"),
    "editing.to_functional": (
        "attribute_site",
        "functional_rewrite",
        "module_names",
        "setting_read",
    ),
    "editing.to_module": (
        "Candidates",
        "OTHER_OPERATORS",
        "STRUCTURE",
        "TURNED_OFF_IN_EVAL",
        "ToModule",
        "training_argument",
    ),
    "editing.functional_names": ("functional_names",),
    "editing.transform": ("Example", "Found", "Transform", "witness"),
    "editing.uses": (
        "check_free_of_others",
        "check_not_used_elsewhere",
        "check_only_called_elsewhere",
    ),
    "results": (
        "Contract",
        "Edit",
        "Extent",
        "REPAIRS",
        "Refusal",
        "Release",
        "Requirement",
        "Rewrite",
        "Witness",
    ),
    "semantics.layout": ("span",),
    "semantics.module_class": (
        "Assignment",
        "Call",
        "Method",
        "ModuleClass",
        "SelfUse",
        "SourceFile",
    ),
    "semantics.relatives": ("relative_class",),
    "semantics.syntax": ("dotted_name",),
    "testing": (
        "check_examples",
        "check_refusal",
        "check_rewrite",
        "check_unchanged",
        "confirm_rewrite",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(["__version__", *_HOME_OF])


def public_names() -> dict[str, tuple[str, ...]]:
    """The exported names, by the module of this package that defines them."""
    return dict(_HOMES)


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'codemod' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"codemod.{home}"), name)
    globals()[name] = value
    return value
