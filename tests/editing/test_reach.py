"""How code names a package, and where an import goes."""

from __future__ import annotations

import pytest
from editing_of import applied, module_of, source_of

from codemod import reach

CLASS = "class Net(Base):\n    def forward(self, x):\n        return x\n"


def reached(head: str, package: str = "torch.nn.functional") -> tuple[str, str]:
    """The expression, and the head of the file with the import that it takes."""
    module = module_of(head + CLASS)
    found = reach(module.file, package, [module.methods[0].scope])
    edits = [found.requirement.edit] if found.requirement else []
    text = applied(module, edits)
    assert text.endswith(CLASS)
    return found.expression, text[: -len(CLASS)]


F = "import torch.nn.functional as F\n"

THERE = [
    pytest.param("import torch.nn.functional as F\n", "F", id="conventional"),
    pytest.param("import torch.nn.functional as nnf\n", "nnf", id="own-alias"),
    pytest.param("from torch.nn import functional\n", "functional", id="from-import"),
    pytest.param("import torch.nn as nn\nF = nn.functional\n" + F, "F", id="rebound-to-the-same"),
    pytest.param(
        "from torch import nn\n\nprint(nn.functional.relu)\n", "nn.functional", id="written-so"
    ),
]


@pytest.mark.parametrize(("head", "expression"), THERE)
def test_what_is_there_is_used(head: str, expression: str) -> None:
    assert reached(head) == (expression, head)


ADDED = [
    pytest.param("", F, id="empty-file"),
    pytest.param('"""About."""\n\n\n', '"""About."""\n\n' + F + "\n\n", id="docstring-alone"),
    pytest.param(
        "#!/usr/bin/env python\n# License\n\n",
        "#!/usr/bin/env python\n# License\n\n" + F,
        id="comments-alone",
    ),
    pytest.param("import math\n\n", "import math\n" + F + "\n", id="after-other-imports"),
    pytest.param(
        "import torch\nimport torch.nn as nn\nimport yaml\n",
        "import torch\nimport torch.nn as nn\n" + F + "import yaml\n",
        id="after-torch-nn",
    ),
    pytest.param(
        "import torch\nimport torch.optim as optim\n",
        "import torch\n" + F + "import torch.optim as optim\n",
        id="in-order-among-the-torch-imports",
    ),
    pytest.param(
        "import torch.optim as optim\n",
        F + "import torch.optim as optim\n",
        id="above-what-sorts-behind",
    ),
    pytest.param("from torch import nn\n", F + "from torch import nn\n", id="above-from-imports"),
    pytest.param(
        "import math\nimport os\nfrom einops import rearrange\nfrom torch import nn\n",
        f"import math\nimport os\n{F}from einops import rearrange\nfrom torch import nn\n",
        id="behind-the-plain-imports-of-a-block",
    ),
    pytest.param(
        "from typing import Any\n\nfrom torch import nn\nfrom torch import Tensor\n",
        f"from typing import Any\n\n{F}from torch import nn\nfrom torch import Tensor\n",
        id="in-the-block-of-torch",
    ),
    pytest.param(
        "from einops import rearrange\nimport math\n\nfrom torch import nn\n",
        f"from einops import rearrange\nimport math\n\nfrom torch import nn\n{F}",
        id="after-a-from-import-where-both-kinds-mix",
    ),
    pytest.param(
        "from __future__ import annotations\nfrom torch import nn\n",
        f"from __future__ import annotations\n{F}from torch import nn\n",
        id="never-above-future-in-one-block",
    ),
    pytest.param(
        "from __future__ import annotations\n\n",
        "from __future__ import annotations\n" + F + "\n",
        id="never-above-future",
    ),
    pytest.param(
        "import math\nfrom torch import (\n    nn,\n    optim,\n)\n",
        f"import math\n{F}from torch import (\n    nn,\n    optim,\n)\n",
        id="above-an-import-over-lines",
    ),
    pytest.param(
        "import torch  # the framework\n",
        "import torch  # the framework\n" + F,
        id="after-a-comment",
    ),
]


@pytest.mark.parametrize(("head", "after"), ADDED)
def test_an_import_is_added(head: str, after: str) -> None:
    assert reached(head) == ("F", after)


def test_an_import_in_the_middle_of_a_line_of_statements() -> None:
    assert reached("import torch; x = 1\n") == ("F", "import torch\n" + F.rstrip() + "; x = 1\n")


TAKEN = [
    pytest.param("from fractions import Fraction as F\n", id="file-level"),
    pytest.param("F = 96485\n", id="constant"),
    pytest.param("def F(x):\n    return x\n\n\n", id="function"),
    pytest.param(
        "try:\n    import torch.nn.functional as F\nexcept E:\n    F = None\n", id="uncertain"
    ),
]


@pytest.mark.parametrize("head", TAKEN)
def test_a_taken_name_is_not_used(head: str) -> None:
    expression, text = reached(head)
    assert expression == "torch_F"
    assert "import torch.nn.functional as torch_F\n" in text
    compile(source_of(text), "net.py", "exec")


def test_a_local_of_the_method_hides_the_name() -> None:
    module = module_of(F + CLASS.replace("return x", "F = x\n        return F"))
    assert reach(module.file, "torch.nn.functional", [module.methods[0].scope]).name == "torch_F"


def test_another_package() -> None:
    assert reached("import torch\n", "einops.layers") == (
        "layers",
        "import einops.layers as layers\nimport torch\n",
    )
