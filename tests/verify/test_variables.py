"""Which of the user's environment variables a model sees."""

from __future__ import annotations

import pytest

from codemod.verify.variables import for_models


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "HF_TOKEN",
        "DATABASE_URL",
        "SSH_AUTH_SOCK",
        "CONDA_TOKEN",
        "TORCH_HUB_TOKEN",
        "XDG_API_KEY",
        "PYTHONSTARTUP",
        "PYTHONWARNINGS",
    ],
)
def test_secrets_and_what_is_unknown_stay_out(name: str) -> None:
    assert name not in for_models({name: "x"})


@pytest.mark.parametrize("name", ["PATH", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONPATH", "TORCH_HOME"])
def test_what_python_and_torch_need_is_kept(name: str) -> None:
    assert for_models({name: "x"})[name] == "x"


def test_wanted_by_name_or_pattern() -> None:
    variables = {"DATA_ROOT": "a", "DATA_TOKEN": "b", "OTHER": "c"}
    kept = for_models(variables, ["DATA_*"])
    assert {name: kept.get(name) for name in variables} == {**variables, "OTHER": None}


def test_what_changes_results_is_fixed() -> None:
    kept = for_models({"OMP_NUM_THREADS": "8", "PYTHONHASHSEED": "7"})
    assert (kept["OMP_NUM_THREADS"], kept["PYTHONHASHSEED"]) == ("1", "0")


def test_there_is_a_user_where_the_system_names_none() -> None:
    assert for_models({})["USER"]
    assert for_models({"USER": "me"})["USER"] == "me"
