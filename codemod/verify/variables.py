"""The environment variables that models see: what Python and torch need, no secrets.

A list of what is let through, since nobody knows the names of all secrets. It also keeps a report
from depending on who runs it where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

_NEEDED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TMP", "TEMP", "TZ", "XDG_*"),
    *("LANG", "LANGUAGE", "LC_*"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONUTF8"),
    *("PYTHONIOENCODING", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_*", "NIX_LD*"),
    *("TORCH_*", "PYTORCH_*", "CUDA_*", "ATEN_*", "KMP_*", "MKL_*", "OMP_*", "ONEDNN_*", "DNNL_*"),
)
_SECRET = ("*TOKEN*", "*SECRET*", "*PASSW*", "*CREDENTIAL*", "*_KEY", "*APIKEY*", "*AUTH*")
# The user that root becomes has no name, which `getpass.getuser` would not forgive.
_ANYBODY = {"USER": "nobody"}
_FIXED = {
    "CUDA_VISIBLE_DEVICES": "",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}


def for_models(variables: Mapping[str, str], wanted: Iterable[str] = ()) -> dict[str, str]:
    """What is left of the user's variables, and what runs are given so that they agree.

    `wanted`: names or patterns (`DATA_*`) that the user lets through, secrets or not.
    """
    chosen = tuple(wanted)
    kept = {
        name: value
        for name, value in variables.items()
        if _is(name, chosen) or (_is(name, _NEEDED) and not _is(name, _SECRET))
    }
    return {**_ANYBODY, **kept, **_FIXED}


def _is(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
