"""Which code may hold an instance of a class: by folder, package and imports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from project_of import project_of

NET = "import torch.nn as nn\nclass Net(nn.Module):\n    pass\n"
TOOL = "def tool(model):\n    return model.relu\n"

PACKAGE = {
    "p/__init__.py": "from . import a, b\n\n\ndef version():\n    return 'a'\n",
    "p/a/__init__.py": "from .net import Net\n",
    "p/a/net.py": NET,
    "p/b/__init__.py": "from .tool import tool\n",
    "p/b/tool.py": TOOL,
}
APART = {
    "no-file-uses-both": {"a/net.py": NET, "b/tool.py": TOOL},
    "each-has-its-own-user": {
        "a/net.py": NET,
        "a/main.py": "from net import Net\n",
        "b/tool.py": TOOL,
        "b/main.py": "from tool import tool\n",
    },
    "a-package-that-re-exports-is-no-user": {
        "p/__init__.py": "from .a.net import Net\nfrom .b.tool import tool\n",
        "p/a/net.py": NET,
        "p/b/tool.py": TOOL,
    },
    "a-package-that-is-read-for-something-else": {
        **PACKAGE,
        "p/main.py": 'import p\n\n\ndef main():\n    """As p does."""\n    p.version()  # of p\n',
    },
    "a-package-of-which-one-part-is-read": {**PACKAGE, "p/main.py": "import p\np.b.tool(1)\n"},
    "names-of-a-package-s-own": {**PACKAGE, "p/main.py": "from p import version\nversion()\n"},
}


@pytest.mark.parametrize("files", APART.values(), ids=APART)
def test_what_never_meets(files: Mapping[str, str]) -> None:
    assert not may_hold(files)


def test_folders_without_a_user_in_common_never_meet() -> None:
    project = project_of(APART["no-file-uses-both"])
    assert not project.reach.may_meet("b/tool.py", ("a/net.py", "Net"))


BOTH = "from a.net import Net\nfrom b.tool import tool\n"
TOGETHER = {
    "one-file": {"a/net.py": NET + TOOL},
    "the-tool-imports-it": {"a/net.py": NET, "b/tool.py": "from a.net import Net\n" + TOOL},
    "it-imports-the-tool": {"a/net.py": "from b.tool import tool\n" + NET, "b/tool.py": TOOL},
    "a-file-imports-both": {"a/net.py": NET, "b/tool.py": TOOL, "main.py": BOTH},
    "inside-a-function": {
        "a/net.py": NET,
        "b/tool.py": TOOL,
        "main.py": "def main():\n    from a.net import Net\n    from b.tool import tool\n",
    },
    "through-others": {
        "a/net.py": NET,
        "c/build.py": "from a.net import Net\ndef build():\n    return Net()\n",
        "b/tool.py": TOOL,
        "main.py": "from c.build import build\nfrom b.tool import tool\n",
    },
    "re-exported": {
        "p/__init__.py": "",
        "p/a/__init__.py": "from .net import Net\n",
        "p/a/net.py": NET,
        "p/b/__init__.py": "from .tool import *\n",
        "p/b/tool.py": TOOL,
        "p/main.py": "from .a import Net\nfrom .b import tool\n",
    },
    "a-package-seen-from-outside": {
        "p/__init__.py": "from .a.net import Net\nfrom .b.tool import tool\n",
        "p/a/net.py": NET,
        "p/b/tool.py": TOOL,
        "tests/main.py": "import p\n",
    },
    "both-read-of-a-package": {**PACKAGE, "p/main.py": "import p\np.b.tool(p.a.Net())\n"},
    "both-read-of-packages": {**PACKAGE, "p/main.py": "from . import a, b\nb.tool(a.Net())\n"},
    "both-read-under-another-name": {
        **PACKAGE,
        "p/main.py": "import p as q\nprint(f'{q.b.tool(q.a.Net())}')\n",
    },
    "a-package-that-is-handed-on": {**PACKAGE, "p/main.py": "import p\nprint(vars(p))\n"},
    "a-part-of-a-package-handed-on": {
        **PACKAGE,
        "p/main.py": "import p.a\np.b.tool(getattr(p.a, 'N' + 'et'))\n",
    },
    "packages-through-another-file": {
        **PACKAGE,
        "p/api.py": "from . import a, b\nprint(b.tool)\n",
        "p/main.py": "from . import api\napi.b.tool(api.a.Net())\n",
    },
    "all-names-of-a-package": {**PACKAGE, "p/main.py": "from p import *\nb.tool(a)\n"},
    "a-package-imported-in-a-function": {
        **PACKAGE,
        "p/main.py": "def main():\n    import p\n    p.b.tool(p.a.Net())\n",
    },
    "a-name-that-a-package-makes-as-it-runs": {
        **PACKAGE,
        "p/main.py": "from p import anything\nanything()\n",
    },
    "functions-of-a-package-s-own-use-them": {
        **PACKAGE,
        "p/__init__.py": PACKAGE["p/__init__.py"] + "\n\ndef run(net=a.Net):\n    b.tool(net())\n",
    },
    "through-a-subclass": {
        "a/net.py": NET,
        "c/child.py": "from a.net import Net\nclass Child(Net):\n    pass\n",
        "b/tool.py": TOOL,
        "main.py": "from c.child import Child\nfrom b.tool import tool\n",
    },
    "registry-key": {
        "a/net.py": NET,
        "b/tool.py": TOOL,
        "main.py": "from b.tool import tool\nmodel = build('Net')\n",
    },
    "dotted-target": {
        "a/net.py": NET,
        "b/tool.py": TOOL,
        "main.py": "from b.tool import tool\nmodel = build({'_target_': 'a.net.Net'})\n",
    },
}


@pytest.mark.parametrize("files", TOGETHER.values(), ids=TOGETHER)
def test_what_may_meet(files: Mapping[str, str]) -> None:
    assert may_hold(files)


def may_hold(files: Mapping[str, str]) -> bool:
    project = project_of(files)
    (key,) = (one for one in project.classes if one[1] == "Net")
    (tool,) = (path for path, text in files.items() if "def tool" in text)
    return project.reach.may_hold(tool, key)


def test_files_that_import_everything_from_each_other_are_gone_through_once() -> None:
    """Each way through a circle of star imports, followed apart, would take hours."""
    names = [f"m{number}" for number in range(40)]
    stars = "".join(f"from pkg.{name} import *\n" for name in names)
    project = project_of(
        {
            "pkg/__init__.py": stars,
            **{f"pkg/{name}.py": stars for name in names},
            "a/net.py": NET,
            "b/tool.py": TOOL,
            "use.py": "from pkg import nowhere\n",
        }
    )
    assert set(project.reach.importers("pkg/m7.py")) >= {"pkg/m8.py", "use.py"}
    assert not project.reach.may_hold("b/tool.py", ("a/net.py", "Net"))
