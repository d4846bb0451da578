"""Who inherits from whom, over all files of a project."""

from __future__ import annotations

import pytest
from project_of import project_of

from codemod.semantics.project import Base

NN = "import torch.nn as nn\n"
A = NN + "class A(nn.Module):\n    pass\n"
USES_A = "class B(A):\n    pass\n"

THREE_FILES = {
    "a.py": A,
    "b.py": "from a import A\n" + USES_A,
    "c.py": "import b\n\nclass C(b.B):\n    pass\n",
}


def test_three_classes_in_three_files() -> None:
    project = project_of(THREE_FILES)
    assert project.ancestors(("c.py", "C")) == (("b.py", "B"), ("a.py", "A"))
    assert project.descendants(("a.py", "A")) == (("b.py", "B"), ("c.py", "C"))
    assert [project.is_module(key) for key in project.classes] == [True, True, True]


def test_a_name_that_is_set_to_a_part_of_itself_is_unknown() -> None:
    text = "import gym\nenv = gym.make()\nenv = env.inner\nclass B(env.Base):\n    pass\n"
    project = project_of({"a.py": text})
    assert project.resolve("a.py", "env.Base") == Base()
    assert not project.is_module(("a.py", "B"))


FOUND = {
    "import-of-the-name": {"a.py": A, "b.py": "from a import A\n" + USES_A},
    "import-under-another-name": {
        "a.py": A,
        "b.py": "from a import A as Root\nclass B(Root):\n    pass\n",
    },
    "import-of-the-file": {"a.py": A, "b.py": "import a\nclass B(a.A):\n    pass\n"},
    "import-of-the-file-under-another-name": {
        "a.py": A,
        "b.py": "import a as z\nclass B(z.A):\n    pass\n",
    },
    "alias-in-the-other-file": {
        "a.py": A + "Root = A\n",
        "b.py": "from a import Root\nclass B(Root):\n    pass\n",
    },
    "alias-in-this-file": {"a.py": A, "b.py": "from a import A\nR = A\nclass B(R):\n    pass\n"},
    "star-import": {"a.py": A, "b.py": "from a import *\n" + USES_A},
    "star-import-of-a-star-import": {
        "a.py": A,
        "mid.py": "from a import *\n",
        "b.py": "from mid import *\n" + USES_A,
    },
    "subscripted": {"a.py": A, "b.py": "from a import A\nclass B(A[int]):\n    pass\n"},
    "relative": {"p/__init__.py": "", "p/a.py": A, "p/b.py": "from .a import A\n" + USES_A},
    "relative-from-the-package": {
        "p/__init__.py": "from .a import A\n",
        "p/a.py": A,
        "p/b.py": "from . import A\n" + USES_A,
    },
    "relative-file-from-the-package": {
        "p/__init__.py": "",
        "p/a.py": A,
        "p/b.py": "from . import a\nclass B(a.A):\n    pass\n",
    },
    "relative-from-above": {
        "p/__init__.py": "",
        "p/a.py": A,
        "p/q/__init__.py": "",
        "p/q/b.py": "from ..a import A\n" + USES_A,
    },
    "relative-star": {"p/__init__.py": "", "p/a.py": A, "p/b.py": "from .a import *\n" + USES_A},
    "re-export": {
        "p/__init__.py": "from .layers import A\n",
        "p/layers/__init__.py": "from .a import A\n",
        "p/layers/a.py": A,
        "b.py": "from p import A\n" + USES_A,
    },
    "re-export-by-star": {
        "p/__init__.py": "from .a import *\n",
        "p/a.py": A,
        "b.py": "import p\nclass B(p.A):\n    pass\n",
    },
    "re-export-under-another-name": {
        "p/__init__.py": "from .a import A as Root\n",
        "p/a.py": A,
        "b.py": "from p import Root\nclass B(Root):\n    pass\n",
    },
    "src-layout": {
        "src/p/__init__.py": "",
        "src/p/a.py": A,
        "tests/b.py": "from p.a import A\n" + USES_A,
    },
    "packages-of-a-monorepo": {
        "one/src/p/__init__.py": "",
        "one/src/p/a.py": A,
        "two/src/q/__init__.py": "",
        "two/src/q/b.py": "from p.a import A\n" + USES_A,
    },
    "namespace-package": {"space/p/a.py": A, "b.py": "from space.p.a import A\n" + USES_A},
    "script-beside-its-helper": {
        "one/a.py": A,
        "two/a.py": "A = 3\n",
        "one/b.py": "from a import A\n" + USES_A,
    },
    "init-that-is-a-file-name-as-well": {
        "p/__init__.py": A,
        "p/p.py": "",
        "b.py": "from p import A\n" + USES_A,
    },
    "class-under-a-condition": {
        "a.py": NN + "if nn:\n    class A(nn.Module):\n        pass\n",
        "b.py": "from a import A\n" + USES_A,
    },
    "import-under-try": {
        "a.py": A,
        "b.py": "try:\n    from a import A\nexcept ImportError:\n    from .a import A\n" + USES_A,
    },
}


@pytest.mark.parametrize("files", FOUND.values(), ids=FOUND)
def test_bases_are_found(files: dict[str, str]) -> None:
    project = project_of(files)
    (child,) = (key for key in project.classes if key[1] == "B")
    (base,) = project.ancestors(child)
    assert base[1] == "A"
    assert project.is_module(child) is True


UNKNOWN = {
    "computed": "class B(make()):\n    pass\n",
    "two-meanings": "try:\n    from a import A\nexcept ImportError:\n    A = object\n" + USES_A,
    "rebound": "from a import A\nA = patch(A)\n" + USES_A,
    "not-there": "from .nowhere import A\n" + USES_A,
    "name-not-in-the-file": "from a import Other\nclass B(Other):\n    pass\n",
    "undefined": USES_A,
    "subscript-of-a-call": "class B(make()[0]):\n    pass\n",
    "imports-itself": "from b import A\n" + USES_A,
}


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_what_cannot_be_told_is_unknown(text: str) -> None:
    project = project_of({"a.py": A, "b.py": text})
    assert project.bases[("b.py", "B")] == (Base(),)
    assert project.is_module(("b.py", "B")) is None
    assert project.has_unknown_base(("b.py", "B"))


def test_circular_imports_end() -> None:
    project = project_of(
        {"a.py": "from b import X\nclass A(X):\n    pass\n", "b.py": "from a import X\n"}
    )
    assert project.is_module(("a.py", "A")) is None


def test_a_class_that_extends_itself_ends() -> None:
    project = project_of({"a.py": "class A(A):\n    pass\n"})
    assert project.ancestors(("a.py", "A")) == ()


NO_MODULE = {
    "no-base": "class B:\n    pass\n",
    "object": "class B(object):\n    pass\n",
    "standard-library": "import enum\nclass B(enum.Enum):\n    pass\n",
}


@pytest.mark.parametrize("text", NO_MODULE.values(), ids=NO_MODULE)
def test_what_is_no_module(text: str) -> None:
    assert project_of({"b.py": text}).is_module(("b.py", "B")) is False


@pytest.mark.parametrize("base", ["torch.nn.Parameter", "torch.autograd.Function"])
def test_what_torch_has_beside_modules(base: str) -> None:
    project = project_of({"b.py": f"import torch\nclass B({base}):\n    pass\n"})
    assert project.is_module(("b.py", "B")) is not True


TORCH = {
    "as-nn": "import torch.nn as nn\nclass B(nn.Module):\n    pass\n",
    "from-torch": "from torch import nn\nclass B(nn.Module):\n    pass\n",
    "from-torch-nn": "from torch.nn import Module\nclass B(Module):\n    pass\n",
    "renamed": "from torch.nn import Module as M\nclass B(M):\n    pass\n",
    "whole-name": "import torch\nclass B(torch.nn.Module):\n    pass\n",
    "private-home": "from torch.nn.modules.module import Module\nclass B(Module):\n    pass\n",
    "star": "from torch.nn import *\nclass B(Module):\n    pass\n",
    "container": "import torch.nn as nn\nclass B(nn.Sequential):\n    pass\n",
    "alias": "import torch.nn as nn\nM = nn.Module\nclass B(M):\n    pass\n",
    "mixed-in": "import torch.nn as nn\nclass X:\n    pass\nclass B(X, nn.Module):\n    pass\n",
    "lightning": "import lightning as L\nclass B(L.LightningModule):\n    pass\n",
    "scripted": "import torch\nclass B(torch.jit.ScriptModule):\n    pass\n",
}


@pytest.mark.parametrize("text", TORCH.values(), ids=TORCH)
def test_modules_of_torch(text: str) -> None:
    assert project_of({"b.py": text}).is_module(("b.py", "B")) is True


def test_a_project_file_called_torch_is_not_torch() -> None:
    files = {
        "torch.py": "class nn:\n    class Module:\n        pass\n",
        "b.py": TORCH["whole-name"],
    }
    project = project_of(files)
    assert project.is_module(("b.py", "B")) is not True


def test_nested_and_local_classes_have_names_of_their_own() -> None:
    project = project_of(
        {
            "a.py": """
                import torch.nn as nn

                class Outer(nn.Module):
                    class Inner(nn.Module):
                        pass

                    class Second(Inner):
                        pass

                def make():
                    class Inner(nn.Module):
                        pass
                    return Inner
            """
        }
    )
    assert [name for _, name in project.classes] == [
        "Outer",
        "Outer.Inner",
        "Outer.Second",
        "make.<locals>.Inner",
    ]
    assert project.ancestors(("a.py", "Outer.Second")) == (("a.py", "Outer.Inner"),)


# ---- what classes say about themselves


INITS = {
    "absent": ("pass", "absent"),
    "super": ("def __init__(self):\n        super().__init__()", "calls-super"),
    "super-with-arguments": (
        "def __init__(self):\n        super(B, self).__init__()",
        "calls-super",
    ),
    "by-the-name-of-the-base": ("def __init__(self):\n        X.__init__(self)", "calls-super"),
    "under-a-condition": (
        "def __init__(self, a):\n        if a:\n            super().__init__()",
        "calls-super",
    ),
    "none": ("def __init__(self):\n        self.a = 1", "skips"),
    "past-the-base": ("def __init__(self):\n        super(X, self).__init__()", "skips"),
    "of-something-else": ("def __init__(self):\n        Other.__init__(self)", "skips"),
}


@pytest.mark.parametrize(("body", "kind"), INITS.values(), ids=INITS)
def test_init_runs_the_bases(body: str, kind: str) -> None:
    project = project_of({"b.py": f"class B(X):\n    {body}\n"})
    assert project.classes[("b.py", "B")].init == kind


GENERATED = {
    "modular": ("# This file was automatically generated from modular_x.py.\n", True),
    "at-mark": ("# @generated\n", True),
    "do-not-edit": ("# Do not edit this file manually; run make.\n", True),
    "docstring": ('"""Autogenerated by build.py."""\n', True),
    "talks-about-generation": ('"""Text generation utilities."""\n', False),
    "says-it-in-code": ('WARNING = "auto-generated by x"\n', False),
    "generated-samples": ("# Samples are automatically generated here\n", False),
    "says-it-far-down": ("x = 1\n" * 600 + "# @generated\n", False),
}


@pytest.mark.parametrize(("text", "expected"), GENERATED.values(), ids=GENERATED)
def test_generated_headers(text: str, expected: bool) -> None:
    project = project_of({"a.py": text})
    assert (project.files["a.py"].generated is not None) is expected
