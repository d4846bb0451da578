"""Names that nn.Module takes, against the installed torch."""

from __future__ import annotations

import torch

from codemod.semantics.module_names import MODULE_NAMES

# What torch 1.13 to 2.13 have had, and the installed one need not have any more.
OLDER = {"share_memory", "register_load_state_dict_pre_hook", "register_state_dict_post_hook"}


def test_every_name_of_the_installed_module_is_known() -> None:
    own = {name for name in dir(torch.nn.Module()) if not name.startswith("__")}
    assert own <= MODULE_NAMES


def test_no_name_is_made_up() -> None:
    own = set(dir(torch.nn.Module()))
    assert {name for name in MODULE_NAMES if not name.startswith("_")} - own <= OLDER
