"""functional-to-module: where it must keep its hands off first, then what it writes."""

from __future__ import annotations

import pytest
from marked_cases import HEAD, NO_F, holds, net, stays

from codemod.testing import check_examples
from codemod.transforms.functional_to_module import FunctionalToModule

FC = "self.fc = nn.Linear(4, 4)"


def test_examples() -> None:
    check_examples(FunctionalToModule)


NOT_OURS = {
    # names and scope: F is something else here
    "local-named-F": net("B, C, F = x.shape", "return F.relu(x)"),
    "local-named-F-after-the-use": net("y = F.relu(x)", "F = y", "return F"),
    "parameter-named-F": net("return F.relu(x)", parameters="x, F"),
    "loop-variable-named-F": net("for F in x:", "    F.relu(F)", "return x"),
    "with-target-named-F": net("with x as F:", "    return F.relu(x)"),
    "exception-named-F": net("try:", "    return x", "except E as F:", "    return F.relu(x)"),
    "walrus-named-F": net("if (F := x) is not None:", "    return F.relu(x)", "return x"),
    "walrus-in-comprehension-named-F": net("y = [(F := i) for i in x]", "return F.relu(y)"),
    "comprehension-variable-named-F": net("return [F.relu(x) for F in x]"),
    "lambda-parameter-named-F": net("return (lambda F: F.relu(x))(x)"),
    "match-capture-named-F": net(
        "match x:", "    case [F, *rest]:", "        return F.relu(x)", "return x"
    ),
    "nested-function-sees-the-outer-local": net(
        "F = x", "def inner():", "    return F.relu(x)", "return inner()"
    ),
    "import-in-function-shadows": net("import fractions as F", "return F.relu(x)"),
    "deleted-local-F": net("F = x", "del F", "return F.relu(x)"),
    "F-of-another-package": net(
        "return F.relu(x)", head="import torch.nn as nn\nimport jax.nn as F\n"
    ),
    "two-different-Fs": net(
        "return F.relu(x)",
        head=(
            "import torch.nn as nn\n\ntry:\n    import apex.functional as F\n"
            "except ImportError:\n    import torch.nn.functional as F\n"
        ),
    ),
    "F-rebound-at-file-level": net("return F.relu(x)", head=HEAD + "\nF = make()\n"),
    "F-from-a-project-file": net("return F.relu(x)", head=NO_F + "from ops import F\n"),
    "global-F": net("global F", "F = x", "return F.relu(x)"),
    # not a call of a functional
    "function-stored": net("return self.act(x)", init=("self.act = F.relu",)),
    "function-in-partial": net(
        "return self.act(x)", init=("self.act = partial(F.leaky_relu, negative_slope=0.2)",)
    ),
    "function-chosen": net("return (F.relu if self.a else F.gelu)(x)"),
    "function-as-default": net("return act(x)", parameters="x, act=F.relu"),
    "function-passed-on": net("return checkpoint(F.relu, x)"),
    "module-built-inline": net("return nn.ReLU()(x)"),
    "no-such-functional": net("return F.ReLU(x)"),
    "functional-without-a-module": net("return F.normalize(F.linear(x, self.fc.weight))"),
    "losses-are-off-by-default": net("return F.cross_entropy(x, y)", parameters="x, y"),
    "not-a-module-class": HEAD + "\n\nclass Helper:\n    def forward(self, x):\n        return x\n",
    "comment-and-docstring": net('"""F.relu(x)"""', "return x  # F.relu(x)"),
}


@pytest.mark.parametrize("source", NOT_OURS.values(), ids=NOT_OURS)
def test_leaves_what_is_none_of_its_business(source: str) -> None:
    stays(FunctionalToModule, source)


REFUSED = {
    # arguments that may change from call to call
    "size-of-another-input": net(
        "return F.interpolate(x, size=y.shape[2:])  #! argument-not-static", parameters="x, y"
    ),
    "kernel-from-the-input": net("return F.max_pool2d(x, x.size()[2:])  #! argument-not-static"),
    "forward-argument": net(
        "return F.softmax(x, dim)  #! argument-not-static", parameters="x, dim"
    ),
    "loop-variable-argument": net(
        "for d in range(2):", "    x = F.softmax(x, d)  #! argument-not-static", "return x"
    ),
    "call-as-argument": net("return F.softmax(x, dim=pick())  #! argument-not-static"),
    "walrus-as-argument": net("return F.softmax(x, dim=(d := 1))  #! argument-not-static"),
    "attribute-set-by-a-schedule": net(
        "return F.leaky_relu(x, self.slope)  #! argument-reassigned",
        init=("self.slope = 0.1",),
    )
    + "\n    def step(self):\n        self.slope *= 0.9\n",
    "attribute-set-from-outside": net(
        "return F.leaky_relu(x, self.slope)  #! argument-reassigned", init=("self.slope = 0.1",)
    )
    + "\n\ndef anneal(model):\n    model.slope = 0.0\n",
    "attribute-is-a-property": net("return F.leaky_relu(x, self.slope)  #! argument-not-static")
    + "\n    @property\n    def slope(self):\n        return 0.1\n",
    "attribute-nobody-sets": net("return F.leaky_relu(x, self.slope)  #! argument-not-static"),
    "attribute-set-by-setattr": net(
        "return F.leaky_relu(x, self.slope)  #! argument-reassigned",
        init=('setattr(self, "slope", 0.1)',),
    ),
    "config-attribute-assigned-elsewhere": net(
        "return F.leaky_relu(x, self.cfg.slope)  #! argument-reassigned",
        init=("self.cfg = cfg",),
        taken="cfg",
    )
    + "\n\ndef anneal(model):\n    model.cfg.slope = 0.0\n",
    "constant-assigned-twice": net(
        "return F.leaky_relu(x, SLOPE)  #! argument-not-static",
        head=HEAD + "\nSLOPE = 0.1\nSLOPE = 0.2\n",
    ),
    "constant-set-by-global": net(
        "return F.leaky_relu(x, SLOPE)  #! argument-not-static", head=HEAD + "\nSLOPE = 0.1\n"
    )
    + "\n\ndef anneal():\n    global SLOPE\n    SLOPE = 0.0\n",
    "constant-hidden-by-a-parameter-of-init": net(
        "return F.leaky_relu(x, SLOPE)  #! argument-not-static",
        head=HEAD + "\nSLOPE = 0.1\n",
        taken="SLOPE=0.3",
    ),
    "depends-on-training": net(
        "return F.leaky_relu(x, 0.1 if self.training else 0.2)  #! argument-not-static"
    ),
    # arguments without a module form
    "softmax-dtype": net("return F.softmax(x, 1, dtype=torch.float32)  #! no-counterpart"),
    "interpolate-antialias": net(
        'return F.interpolate(x, scale_factor=2, mode="area", antialias=True)  #! no-counterpart'
    ),
    "out-argument": net("return torch.sigmoid(x, out=y)  #! no-counterpart", parameters="x, y"),
    "pad-whose-length-is-not-seen": net(
        "return F.pad(x, self.padding)  #! argument-not-static",
        init=("self.padding = padding",),
        taken="padding",
    ),
    # how the call is written
    "star-arguments": net("return F.max_pool2d(*x)  #! star-arguments"),
    "double-star-arguments": net("return F.max_pool2d(x, **self.kw)  #! star-arguments"),
    "generator-argument": net("return F.relu(i for i in x)  #! unusual-call"),
    "no-argument": net("return F.relu()  #! unusual-call"),
    "unknown-keyword": net("return F.relu(x, slope=2)  #! unusual-call"),
    "in-f-string": net('print(f"{F.relu(x)}")  #! in-f-string', "return x"),
    "in-init": net("return x", init=("self.w = F.relu(torch.ones(3))  #! in-init",)),
    "in-default": net("return x").replace(
        "forward(self, x):", "forward(self, x=F.relu(torch.ones(3))):  #! in-default"
    ),
    "in-decorator": net("return x").replace(
        "    def forward", "    @scaled(F.relu(torch.ones(3)))  #! in-default\n    def forward"
    ),
    # no instance to hang the module on
    "static-method": net("return x")
    + "\n    @staticmethod\n    def act(x):\n        return F.relu(x)  #! no-self\n",
    "class-method": net("return x")
    + "\n    @classmethod\n    def act(cls, x):\n        return F.relu(x)  #! no-self\n",
    "self-rebound": net("self = self.inner", "return F.relu(x)  #! no-self"),
    "nested-function-with-its-own-self": net(
        "def act(self, y):", "    return F.relu(y)  #! no-self", "return act(None, x)"
    ),
    "lambda-with-its-own-self": net("return (lambda self: F.relu(x))(x)  #! no-self"),
    "free-function": HEAD + "\n\ndef act(x):\n    return F.relu(x)  #! outside-class\n",
    "file-level": HEAD + "\n\ny = F.relu(torch.ones(3))  #! outside-class\n",
    "plain-class": HEAD
    + "\n\nclass Helper:\n    def act(self, x):\n        return F.relu(x)  #! outside-class\n",
    # training flags
    "dropout-without-training": net("return F.dropout(x, 0.5)  #! dropout-training"),
    "dropout-always-on": net("return F.dropout(x, 0.5, training=True)  #! dropout-training"),
    "dropout-never-on": net("return F.dropout(x, 0.5, training=False)  #! dropout-training"),
    "dropout-by-a-flag": net(
        "return F.dropout(x, 0.5, training=flag)  #! training-argument", parameters="x, flag"
    ),
    "dropout-of-another-module": net(
        "return F.dropout(x, 0.5, training=self.fc.training)  #! training-argument"
    ),
    "alpha-dropout-default-is-off": net("return F.alpha_dropout(x, 0.5)  #! dropout-training"),
    "dropout-not-training": net(
        "return F.dropout(x, 0.5, training=not self.training)  #! training-argument"
    ),
    "rrelu-default-is-off": net("return F.rrelu(x)  #! training-argument"),
    # class shape
    "init-without-super": HEAD
    + """

class Net(nn.Module):
    def __init__(self):
        self.width = 4

    def forward(self, x):
        return x + F.relu(x)  #! no-super-init
""",
    "init-under-a-condition-twice": HEAD
    + """

class Net(nn.Module):
    if torch.cuda.is_available():
        def __init__(self):
            super().__init__()
    else:
        def __init__(self):
            super().__init__()
            self.a = 1

    def forward(self, x):
        return x + F.relu(x)  #! several-inits
""",
    "init-on-one-line": HEAD
    + """

class Net(nn.Module):
    def __init__(self): super().__init__()

    def forward(self, x):
        return x + F.relu(x)  #! one-line-init
""",
    "init-may-return-early": net(
        "return F.leaky_relu(x, self.slope)  #! init-returns",
        init=("if bare:", "    return", "self.slope = 0.1"),
        taken="bare",
    ),
    "only-a-wrapper": net("return F.relu(x)  #! already-a-module", init=("self.n = 1",)),
    "torch-container-as-base": net("return F.relu(x)  #! layer-base").replace(
        "nn.Module", "nn.Sequential"
    ),
    "torch-layer-with-names-of-its-own-as-base": net("return F.relu(x)  #! layer-base").replace(
        "nn.Module", "nn.MultiheadAttention"
    ),
    "method-that-init-runs-before-what-the-layer-needs": net(
        "return x", init=("self.n = self.size()", "self.slope = 0.1")
    )
    + "\n    def size(self):\n        return F.leaky_relu(torch.ones(3), self.slope)  #! in-init\n",
    "method-that-init-runs-through-another-too-early": net(
        "return x", init=("self.n = self.size()", "self.slope = 0.1")
    )
    + "\n    def size(self):\n        return self.probe().shape\n"
    + "\n    def probe(self):\n"
    + "        return F.leaky_relu(torch.ones(3), self.slope)  #! in-init\n",
    "forward-that-init-runs-too-early": net(
        "return F.leaky_relu(x, self.slope)  #! in-init",
        init=("self.n = self(torch.ones(3))", "self.slope = 0.1"),
    ),
    "method-that-the-init-of-a-base-runs": HEAD
    + "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    + "        self.n = self.size()\n\n\nclass Net(Base):\n"
    + "    def __init__(self):\n        super().__init__()\n\n"
    + "    def size(self):\n        return F.relu(torch.ones(3))  #! in-init\n",
    "custom-getattr": net("return F.relu(x)  #! custom-attributes")
    + "\n    def __getattr__(self, name):\n        return 1\n",
    "custom-getattr-that-gives-way-to-something-else": net("return F.relu(x)  #! custom-attributes")
    + "\n    def __getattr__(self, name):\n        return getattr(self.fc, name)\n",
    "custom-setattr": net("return F.relu(x)  #! custom-attributes")
    + "\n    def __setattr__(self, name, value):\n        pass\n",
    "slots": net("return F.relu(x)  #! custom-attributes").replace(
        "class Net(nn.Module):\n", 'class Net(nn.Module):\n    __slots__ = ("fc",)\n\n'
    ),
    "metaclass": net("return F.relu(x)  #! custom-attributes").replace(
        "(nn.Module)", "(nn.Module, metaclass=Registry)"
    ),
    "dataclass": HEAD
    + """from dataclasses import dataclass


@dataclass(eq=False)
class Net(nn.Module):
    width: int

    def __post_init__(self):
        super().__init__()

    def forward(self, x):
        return F.relu(x)  #! custom-attributes
""",
    "attrs": HEAD
    + """import attrs


@attrs.define
class Net(nn.Module):
    width: int

    def forward(self, x):
        return F.relu(x)  #! custom-attributes
""",
    "base-is-computed": net("return F.relu(x)  #! unknown-base").replace(
        "nn.Module", "make_base(3)"
    ),
    "base-only-for-type-checking": """
        from typing import TYPE_CHECKING

        import torch.nn.functional as F

        if TYPE_CHECKING:
            from torch.nn import Module
        else:
            Module = object


        class Net(Module):
            def __init__(self):
                super().__init__()

            def forward(self, x):
                return F.relu(x)  #! unknown-base
    """,
    "scripted": net("return F.relu(x)  #! scripted").replace(
        "class Net", "@torch.jit.script\nclass Net"
    ),
    "sweeps-its-children": net("return F.relu(x)  #! sweeps-children")
    + "\n    def body(self):\n        return nn.Sequential(*list(self.children())[:-1])\n",
    "sweeps-its-modules-dict": net("return F.relu(x)  #! sweeps-children")
    + "\n    def run(self, x):\n        for one in self._modules.values():\n            one(x)\n",
    # generated and copied
    "generated-header": "# This file was automatically generated from modular_net.py.\n"
    + net("return F.relu(x)  #! generated"),
    "generated-at-mark": '"""Net. @generated by build.py"""\n'
    + net("return F.relu(x)  #! generated"),
    "copied-class": net("return F.relu(x)  #! copied").replace(
        "class Net", "# Copied from other.models.Net with Other->Net\nclass Net"
    ),
    "copied-init": net("return F.relu(x)  #! copied").replace(
        "    def __init__", "    # Copied from other.models.Net.__init__\n    def __init__"
    ),
    "copied-method": net("return F.relu(x)  #! copied").replace(
        "    def forward", "    # Copied from other.models.Net.forward\n    def forward"
    ),
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_refuses(source: str) -> None:
    stays(FunctionalToModule, source)


# ---- other files of the project


CHILD_SKIPS = """
    from net import Net


    class Child(Net):
        def __init__(self):
            super(Net, self).__init__()
            self.fc = None
"""


def test_refuses_where_a_subclass_skips_init_and_inherits_forward() -> None:
    source = net("return F.relu(self.fc(x))  #! subclass-skips-init")
    stays(FunctionalToModule, source, files={"child.py": CHILD_SKIPS})


def test_refuses_where_a_subclass_skips_init_and_calls_the_parents_forward() -> None:
    child = CHILD_SKIPS + "\n        def forward(self, x):\n            return super().forward(x)\n"
    source = net("return F.relu(self.fc(x))  #! subclass-skips-init")
    stays(FunctionalToModule, source, files={"child.py": child})


def test_a_subclass_that_skips_init_and_has_its_own_forward_does_not_matter() -> None:
    child = CHILD_SKIPS + "\n        def forward(self, x):\n            return x\n"
    holds(
        FunctionalToModule,
        net("return F.relu(self.fc(x))"),
        net("return self.relu(self.fc(x))", init=(FC, "self.relu = nn.ReLU()"), head=NO_F),
        files={"child.py": child},
    )


def test_refuses_where_a_subclass_sets_the_argument_again() -> None:
    child = """
        from net import Net


        class Child(Net):
            def __init__(self):
                super().__init__()
                self.slope = 0.3
    """
    source = net(
        "return F.leaky_relu(x, self.slope)  #! argument-reassigned", init=("self.slope = 0.1",)
    )
    stays(FunctionalToModule, source, files={"child.py": child})


def test_refuses_where_the_family_sweeps_its_children() -> None:
    base = """
        import torch.nn as nn


        class Base(nn.Module):
            def body(self):
                return list(self.children())[:-1]
    """
    source = net(
        "return F.relu(x)  #! sweeps-children", head=HEAD + "\nfrom base import Base\n"
    ).replace("(nn.Module)", "(Base)")
    stays(FunctionalToModule, source, files={"base.py": base})


def test_refuses_where_a_base_cannot_be_found_in_the_project() -> None:
    source = net(
        "return F.relu(x)  #! unknown-base", head=HEAD + "\nfrom .missing import Base\n"
    ).replace("(nn.Module)", "(Base)")
    stays(FunctionalToModule, source, path="pkg/net.py", files={"pkg/__init__.py": ""})


NAMES_TAKEN = {
    "asked-for-by-hasattr": (
        "",
        {"use.py": "def f(m):\n    if hasattr(m, 'relu'):\n        m.stop()\n"},
    ),
    "class-attribute": ("    relu = None\n", {}),
    "annotation": ("    relu: nn.Module\n", {}),
    "method": ("    def relu(self):\n        return 1\n", {}),
    "attribute-of-a-base": (
        "",
        {
            "base.py": """
                import torch.nn as nn


                class Base(nn.Module):
                    def __init__(self):
                        super().__init__()
                        self.relu = "on"
            """
        },
    ),
    "attribute-of-a-subclass": (
        "",
        {
            "child.py": """
                from net import Net


                class Child(Net):
                    def __init__(self):
                        super().__init__()
                        self.relu = "on"
            """
        },
    ),
    "class-attribute-of-a-grandchild": (
        "",
        {
            "child.py": "from net import Net\n\n\nclass Child(Net):\n    pass\n",
            "grandchild.py": "from child import Child as C\n\n\nclass Grand(C):\n    relu = None\n",
        },
    ),
}


@pytest.mark.parametrize(("body", "files"), NAMES_TAKEN.values(), ids=NAMES_TAKEN)
def test_new_name_hides_nothing(body: str, files: dict[str, str]) -> None:
    base = "base.py" in files
    head = HEAD + ("from base import Base\n" if base else "")
    no_f = NO_F + ("from base import Base\n" if base else "")

    def text(*forward: str, init: tuple[str, ...], head: str) -> str:
        written = net(*forward, init=init, head=head)
        if base:
            written = written.replace("(nn.Module)", "(Base)")
        return written.replace(":\n    def __init__", f":\n{body}    def __init__", 1)

    holds(
        FunctionalToModule,
        text("return F.relu(self.fc(x))", init=(FC,), head=head),
        text("return self.relu1(self.fc(x))", init=(FC, "self.relu1 = nn.ReLU()"), head=no_f),
        files=files,
    )


# ---- what is written


@pytest.mark.parametrize(
    ("head", "call", "after_head", "made"),
    [
        pytest.param(
            "import torch.nn as nn\nimport torch.nn.functional as nnf\n",
            "nnf.relu",
            "import torch.nn as nn\n",
            "nn.ReLU()",
            id="alias-nnf",
        ),
        pytest.param(
            "import torch.nn as nn\nfrom torch.nn.functional import relu as r\n",
            "r",
            "import torch.nn as nn\n",
            "nn.ReLU()",
            id="renamed-import-of-the-function",
        ),
        pytest.param(
            "import torch.nn as nn\nfrom torch.nn.functional import gelu, relu\n",
            "relu",
            "import torch.nn as nn\nfrom torch.nn.functional import gelu\n",
            "nn.ReLU()",
            id="one-of-two-imported-functions",
        ),
        pytest.param(
            "from torch import nn\n",
            "nn.functional.relu",
            "from torch import nn\n",
            "nn.ReLU()",
            id="functional-through-nn",
        ),
        pytest.param(
            "import torch as th\nimport torch.nn as nn\n",
            "th.nn.functional.relu",
            "import torch.nn as nn\n",
            "nn.ReLU()",
            id="torch-as-th",
        ),
        pytest.param(
            "import torch.nn as nn\n\nF = nn.functional\n",
            "F.relu",
            "import torch.nn as nn\n\nF = nn.functional\n",
            "nn.ReLU()",
            id="file-level-alias-of-functional",
        ),
        pytest.param(
            "import torch.nn as nn\nfrom torch.nn.functional import *\n",
            "relu",
            "import torch.nn as nn\nfrom torch.nn.functional import *\n",
            "nn.ReLU()",
            id="star-import-of-functional",
        ),
        pytest.param(
            "import torch\nimport torch.nn as nn\n",
            "torch.relu",
            "import torch.nn as nn\n",
            "nn.ReLU()",
            id="function-of-torch-itself",
        ),
        pytest.param(
            "import torch.nn as nn\nimport torch.nn.functional as F\n",
            "F.relu_",
            "import torch.nn as nn\n",
            "nn.ReLU(inplace=True)",
            id="trailing-underscore-is-in-place",
        ),
        pytest.param(
            "import torch.nn as nn\n\ntry:\n    import torch.nn.functional as F\n"
            "except ImportError:\n    F = nn.functional\n",
            "F.relu",
            "import torch.nn as nn\n\ntry:\n    import torch.nn.functional as F\n"
            "except ImportError:\n    F = nn.functional\n",
            "nn.ReLU()",
            id="try-except-imports-that-agree",
        ),
    ],
)
def test_names_are_resolved(head: str, call: str, after_head: str, made: str) -> None:
    holds(
        FunctionalToModule,
        net(f"return {call}(self.fc(x))", head=head),
        net("return self.relu(self.fc(x))", init=(FC, f"self.relu = {made}"), head=after_head),
    )


def test_import_inside_the_method() -> None:
    # The import in the function is left to the author: only file-level imports are tidied.
    holds(
        FunctionalToModule,
        net("import torch.nn.functional as F", "", "return F.relu(self.fc(x))", head=NO_F),
        net(
            "import torch.nn.functional as F",
            "",
            "return self.relu(self.fc(x))",
            init=(FC, "self.relu = nn.ReLU()"),
            head=NO_F,
        ),
    )


def test_star_import_of_nn() -> None:
    holds(
        FunctionalToModule,
        """
        import torch.nn.functional as F
        from torch.nn import *


        class Net(Module):
            def __init__(self):
                super().__init__()
                self.fc = Linear(4, 4)

            def forward(self, x):
                return F.relu(self.fc(x))
        """,
        """
        import torch.nn as nn
        from torch.nn import *


        class Net(Module):
            def __init__(self):
                super().__init__()
                self.fc = Linear(4, 4)
                self.relu = nn.ReLU()

            def forward(self, x):
                return self.relu(self.fc(x))
        """,
    )


def test_nn_is_hidden_by_a_parameter_of_init() -> None:
    holds(
        FunctionalToModule,
        net("return F.relu(x) + x", init=("self.width = nn",), taken="nn"),
        net(
            "return self.relu(x) + x",
            init=("self.width = nn", "self.relu = torch.nn.ReLU()"),
            taken="nn",
            head=NO_F,
        ),
    )


SITES = {
    "nested-in-itself": (
        net("return F.relu(F.relu(self.fc(x)))"),
        net(
            "return self.relu2(self.relu1(self.fc(x)))",
            init=(FC, "self.relu1 = nn.ReLU()", "self.relu2 = nn.ReLU()"),
            head=NO_F,
        ),
    ),
    "numbered-in-order-of-evaluation": (
        net(
            "return F.relu(self.b(F.relu(self.a(x))))",
            init=("self.a = nn.Linear(4, 4)", "self.b = nn.Linear(4, 4)"),
        ),
        net(
            "return self.relu2(self.b(self.relu1(self.a(x))))",
            init=(
                "self.a = nn.Linear(4, 4)",
                "self.relu1 = nn.ReLU()",
                "self.b = nn.Linear(4, 4)",
                "self.relu2 = nn.ReLU()",
            ),
            head=NO_F,
        ),
    ),
    "chained-layers": (
        net(
            "return F.relu(self.bn(self.conv(x)))",
            init=("self.conv = nn.Conv2d(3, 4, 3)", "self.bn = nn.BatchNorm2d(4)", FC),
        ),
        net(
            "return self.relu(self.bn(self.conv(x)))",
            init=(
                "self.conv = nn.Conv2d(3, 4, 3)",
                "self.bn = nn.BatchNorm2d(4)",
                "self.relu = nn.ReLU()",
                FC,
            ),
            head=NO_F,
        ),
    ),
    "one-site-in-a-loop": (
        net(
            "for layer in self.layers:",
            "    x = F.relu(layer(x))",
            "return self.fc(x)",
            init=("self.layers = nn.ModuleList(make())", FC),
        ),
        net(
            "for layer in self.layers:",
            "    x = self.relu(layer(x))",
            "return self.fc(x)",
            init=("self.layers = nn.ModuleList(make())", "self.relu = nn.ReLU()", FC),
            head=NO_F,
        ),
    ),
    "one-site-in-a-comprehension": (
        net("return [F.relu(y) for y in x]"),
        net("return [self.relu(y) for y in x]", init=(FC, "self.relu = nn.ReLU()"), head=NO_F),
    ),
    "one-site-in-a-while": (
        net("while x.sum() > 1:", "    x = F.tanh(x)", "return x"),
        net(
            "while x.sum() > 1:",
            "    x = self.tanh(x)",
            "return x",
            init=(FC, "self.tanh = nn.Tanh()"),
            head=NO_F,
        ),
    ),
    "branches-are-two-sites": (
        net(
            "return F.relu(x) + x if self.a else F.relu(self.fc(x))",
            init=("self.a = a", FC),
            taken="a",
        ),
        net(
            "return self.relu1(x) + x if self.a else self.relu2(self.fc(x))",
            init=("self.a = a", FC, "self.relu1 = nn.ReLU()", "self.relu2 = nn.ReLU()"),
            taken="a",
            head=NO_F,
        ),
    ),
    "two-branches-of-two-layers": (
        net(
            "a, b = F.relu(self.a(x)), F.relu(self.b(x))",
            "return a + b",
            init=("self.a = nn.Linear(4, 4)", "self.b = nn.Linear(4, 4)"),
        ),
        net(
            "a, b = self.relu1(self.a(x)), self.relu2(self.b(x))",
            "return a + b",
            init=(
                "self.a = nn.Linear(4, 4)",
                "self.relu1 = nn.ReLU()",
                "self.b = nn.Linear(4, 4)",
                "self.relu2 = nn.ReLU()",
            ),
            head=NO_F,
        ),
    ),
    "closure-over-self": (
        net("def act(y):", "    return F.relu(y)", "", "return act(self.fc(x))"),
        net(
            "def act(y):",
            "    return self.relu(y)",
            "",
            "return act(self.fc(x))",
            init=(FC, "self.relu = nn.ReLU()"),
            head=NO_F,
        ),
    ),
    "lambda-over-self": (
        net("return map(lambda y: F.relu(y), x)"),
        net("return map(lambda y: self.relu(y), x)", init=(FC, "self.relu = nn.ReLU()"), head=NO_F),
    ),
    "annotated-assignment": (
        net("y: torch.Tensor = F.relu(self.fc(x))", "return y"),
        net(
            "y: torch.Tensor = self.relu(self.fc(x))",
            "return y",
            init=(FC, "self.relu = nn.ReLU()"),
            head=NO_F,
        ),
    ),
    "walrus-around-the-call": (
        net("if (y := F.relu(self.fc(x))).sum() > 0:", "    return y", "return x"),
        net(
            "if (y := self.relu(self.fc(x))).sum() > 0:",
            "    return y",
            "return x",
            init=(FC, "self.relu = nn.ReLU()"),
            head=NO_F,
        ),
    ),
    "walrus-in-the-input": (
        net("return F.relu(y := self.fc(x)) + y"),
        net("return self.relu(y := self.fc(x)) + y", init=(FC, "self.relu = nn.ReLU()"), head=NO_F),
    ),
    "method-chained-on-the-result": (
        net("return F.relu(self.fc(x)).mean(1)"),
        net("return self.relu(self.fc(x)).mean(1)", init=(FC, "self.relu = nn.ReLU()"), head=NO_F),
    ),
    "helper-method-with-another-self-name": (
        net("return this.relu(x)").replace("this.relu", "F.relu").replace("(self, x)", "(this, x)"),
        net("return this.relu(x)", init=(FC, "self.relu = nn.ReLU()"), head=NO_F).replace(
            "(self, x)", "(this, x)"
        ),
    ),
    # arguments
    "in-place-by-keyword-stays": (
        net("return F.relu(self.fc(x), inplace=True)"),
        net(
            "return self.relu(self.fc(x))",
            init=(FC, "self.relu = nn.ReLU(inplace=True)"),
            head=NO_F,
        ),
    ),
    "in-place-by-position-stays": (
        net("return F.relu(self.fc(x), True)"),
        net("return self.relu(self.fc(x))", init=(FC, "self.relu = nn.ReLU(True)"), head=NO_F),
    ),
    "input-by-keyword": (
        net("return F.relu(input=self.fc(x))"),
        net("return self.relu(input=self.fc(x))", init=(FC, "self.relu = nn.ReLU()"), head=NO_F),
    ),
    "input-by-keyword-after-the-others": (
        net("return F.leaky_relu(negative_slope=0.2, input=x)"),
        net(
            "return self.leaky_relu(input=x)",
            init=(FC, "self.leaky_relu = nn.LeakyReLU(negative_slope=0.2)"),
            head=NO_F,
        ),
    ),
    "max-pool-positions-five-and-six-swap": (
        net("return F.max_pool2d(x, 3, 2, 1, 1, True)"),
        net(
            "return self.pool(x)",
            init=(FC, "self.pool = nn.MaxPool2d(3, 2, 1, 1, ceil_mode=True)"),
            head=NO_F,
        ),
    ),
    "gelu-approximate": (
        net('return F.gelu(x, approximate="tanh")'),
        net(
            "return self.gelu(x)",
            init=(FC, 'self.gelu = nn.GELU(approximate="tanh")'),
            head=NO_F,
        ),
    ),
    "flatten-default-start": (
        net("return torch.flatten(self.fc(x), 1)"),
        net(
            "return self.flatten(self.fc(x))",
            init=(FC, "self.flatten = nn.Flatten(1)"),
            head="import torch.nn as nn\nimport torch.nn.functional as F\n",
        ),
    ),
    "file-constant": (
        net("return F.leaky_relu(x, SLOPE)", head=HEAD + "\nSLOPE = 0.1\n"),
        net(
            "return self.leaky_relu(x)",
            init=(FC, "self.leaky_relu = nn.LeakyReLU(SLOPE)"),
            head=NO_F + "\nSLOPE = 0.1\n",
        ),
    ),
    "method-that-init-runs": (
        net(
            "return self.features(x).flatten()",
            init=("self.conv = nn.Conv2d(1, 2, 3)", "self.n = self.features(PROBE).numel()", FC),
            head=HEAD + "\nPROBE = torch.ones(1, 1, 4, 4)\n",
        )
        + "\n    def pool(self, x):\n        return F.max_pool2d(self.conv(x), 2)\n"
        + "\n    def features(self, x):\n        x = self.pool(x)\n        return F.relu(x)\n",
        net(
            "return self.features(x).flatten()",
            init=(
                "self.conv = nn.Conv2d(1, 2, 3)",
                "self.pool1 = nn.MaxPool2d(2)",
                "self.relu = nn.ReLU()",
                "self.n = self.features(PROBE).numel()",
                FC,
            ),
            head=NO_F + "\nPROBE = torch.ones(1, 1, 4, 4)\n",
        )
        + "\n    def pool(self, x):\n        return self.pool1(self.conv(x))\n"
        + "\n    def features(self, x):\n        x = self.pool(x)\n        return self.relu(x)\n",
    ),
    "attribute-set-once-in-init": (
        net("return F.leaky_relu(x, self.slope)", init=(FC, "self.slope = slope"), taken="slope"),
        net(
            "return self.leaky_relu(x)",
            init=(FC, "self.slope = slope", "self.leaky_relu = nn.LeakyReLU(self.slope)"),
            taken="slope",
            head=NO_F,
        ),
    ),
    "name-taken-by-the-float": (
        net(
            "return F.dropout(self.fc(x), self.dropout, self.training)",
            init=("self.dropout = p", FC),
            taken="p",
        ),
        net(
            "return self.dropout1(self.fc(x))",
            init=("self.dropout = p", FC, "self.dropout1 = nn.Dropout(self.dropout)"),
            taken="p",
            head=NO_F,
        ),
    ),
    "dropout-by-keywords": (
        net("return F.dropout(self.fc(x), p=0.5, training=self.training)"),
        net(
            "return self.dropout(self.fc(x))",
            init=(FC, "self.dropout = nn.Dropout(p=0.5)"),
            head=NO_F,
        ),
    ),
    "softmax-dim": (
        net("return F.softmax(self.fc(x), dim=-1)"),
        net(
            "return self.softmax(self.fc(x))",
            init=(FC, "self.softmax = nn.Softmax(dim=-1)"),
            head=NO_F,
        ),
    ),
    # placement
    "attribute-needed-stands-below-the-layer": (
        net(
            "return F.leaky_relu(self.fc(x), self.slope)",
            init=(FC, "self.slope = 0.1", "self.end = nn.Linear(4, 1)"),
        ),
        net(
            "return self.leaky_relu(self.fc(x))",
            init=(
                FC,
                "self.slope = 0.1",
                "self.leaky_relu = nn.LeakyReLU(self.slope)",
                "self.end = nn.Linear(4, 1)",
            ),
            head=NO_F,
        ),
    ),
    "layer-over-several-lines": (
        net(
            "return F.relu(self.fc(x))",
            init=("self.fc = nn.Linear(", "    4,", "    4,", ")", "self.n = 1"),
        ),
        net(
            "return self.relu(self.fc(x))",
            init=(
                "self.fc = nn.Linear(",
                "    4,",
                "    4,",
                ")",
                "self.relu = nn.ReLU()",
                "self.n = 1",
            ),
            head=NO_F,
        ),
    ),
    "layer-made-under-a-condition": (
        net(
            "return F.relu(self.fc(x))",
            init=(
                "if a:",
                "    self.fc = nn.Linear(4, 4)",
                "else:",
                "    self.fc = nn.Identity()",
                "self.n = 1",
            ),
            taken="a",
        ),
        net(
            "return self.relu(self.fc(x))",
            init=(
                "if a:",
                "    self.fc = nn.Linear(4, 4)",
                "else:",
                "    self.fc = nn.Identity()",
                "self.relu = nn.ReLU()",
                "self.n = 1",
            ),
            taken="a",
            head=NO_F,
        ),
    ),
    "comment-behind-the-layer": (
        net(
            "return F.relu(self.fc(x))",
            init=(FC + "  # the only layer", "", "# sizes", "self.n = 1"),
        ),
        net(
            "return self.relu(self.fc(x))",
            init=(
                FC + "  # the only layer",
                "self.relu = nn.ReLU()",
                "",
                "# sizes",
                "self.n = 1",
            ),
            head=NO_F,
        ),
    ),
}


@pytest.mark.parametrize(("before", "after"), SITES.values(), ids=SITES)
def test_rewrites(before: str, after: str) -> None:
    holds(FunctionalToModule, before, after)
