"""Whose attribute another file is about: what may be this class's first, then what is not."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
RELU = "self.relu = nn.ReLU()"
CALL = "return self.relu(self.fc(x))"
HEAD = "import torch\nimport torch.nn as nn\nfrom net import Net\n\n\n"
OTHER = HEAD + (
    "class Other(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.width = 3\n        self.relu = nn.Linear(3, 3)\n\n\n"
)
HOLDER = OTHER + "class Holder(nn.Module):\n    def __init__(self):\n        super().__init__()\n"


def function(*lines: str, head: str = OTHER, taken: str = "m") -> str:
    return f"{head}def tool({taken}):\n" + "".join(f"    {line}\n" for line in lines)


def holder(*lines: str, run: str, below: str = "") -> str:
    """A class that holds modules: lines of its `__init__`, and of a method."""
    init = "".join(f"        {line}\n" for line in lines)
    return f"{HOLDER}{init}\n    def run(self, x):\n        {run}\n{below}"


HOOK = "m.relu.register_forward_hook(print)"
LOOKS = "def look(m, name):\n    return getattr(m, name)\n"

MAY_BE_THIS = {
    "output-that-is-a-part": ("used-outside", function("return m.output.relu")),
    "made-here-and-called-an-output": (
        "used-outside",
        function("outputs = Net()", "return outputs.relu", taken=""),
    ),
    "anything": ("used-outside", function(HOOK)),
    "made-here": ("used-outside", function("m = Net()", HOOK, taken="")),
    "made-in-one-branch": (
        "used-outside",
        function("m = Other()", "if x:", "    m = Net()", HOOK, taken="x"),
    ),
    "annotated": ("used-outside", function(HOOK, taken="m: Net")),
    "annotated-in-a-string": ("used-outside", function(HOOK, taken='m: "Net | None"')),
    "annotated-as-any-module": ("used-outside", function(HOOK, taken="m: nn.Module")),
    "annotated-as-another-and-set-again": (
        "used-outside",
        function("m = pick(m)", HOOK, taken="m: Other"),
    ),
    "tested": ("used-outside", function("if isinstance(m, Net):", f"    {HOOK}")),
    "tested-for-another-and-not": (
        "used-outside",
        function("if isinstance(m, Other):", "    pass", "else:", f"    {HOOK}"),
    ),
    "tested-for-not-being-another": (
        "used-outside",
        function("if not isinstance(m, Other):", f"    {HOOK}"),
    ),
    "tested-for-another-or-more": (
        "used-outside",
        function(
            "if not (isinstance(m, Other) and x):",
            "    pass",
            "else:",
            "    m = Net()",
            f"    {HOOK}",
            taken="m, x",
        ),
    ),
    "tested-for-another-then-set": (
        "used-outside",
        function("if isinstance(m, Other):", "    m = m.width", f"    {HOOK}"),
    ),
    "set-again-in-the-loop": (
        "used-outside",
        function("m = Other()", "for i in x:", f"    {HOOK}", "    m = Net()", taken="x"),
    ),
    "set-again-in-a-try": (
        "used-outside",
        function("m = Other()", "try:", "    m = Net()", "except E:", f"    {HOOK}", taken=""),
    ),
    "set-again-by-a-function-within": (
        "used-outside",
        function(
            "m = Other()", "def f():", "    nonlocal m", "    m = Net()", "f()", HOOK, taken=""
        ),
    ),
    "set-again-by-a-walrus": (
        "used-outside",
        function("m = Other()", "return (m := Net()) and m.relu", taken=""),
    ),
    "read-by-a-function-within": (
        "used-outside",
        function("m = Other()", "f = lambda: m.relu", "m = Net()", "return f", taken=""),
    ),
    "reads-more-in-another-loop": (
        "used-outside",
        function(
            "for m in x:", "    print(m.depth)", "for n, m in y:", f"    {HOOK}", taken="x, y"
        ),
    ),
    "reads-more-of-the-last-one": (
        "used-outside",
        function("for m in x:", f"    {HOOK}", "return m.depth", taken="x"),
    ),
    "reads-more-under-a-condition-in-the-loop": (
        "used-outside",
        function("for m in x:", "    if m:", "        m.depth", f"    {HOOK}", taken="x"),
    ),
    "reads-more-unless-the-loop-goes-on": (
        "used-outside",
        function(
            "for m in x:", f"    {HOOK}", "    if m:", "        continue", "    m.depth", taken="x"
        ),
    ),
    "held-by-what-is-no-settings": (
        "used-outside",
        OTHER + "class Runner:\n    def run(self):\n        self.decoder.relu = 3\n",
    ),
    "made-by-a-class-method": (
        "used-outside",
        function("m = Net.build()", HOOK, taken=""),
    ),
    "made-by-a-function-that-says-so": (
        "used-outside",
        function("m = build()", HOOK, taken="") + "\n\ndef build() -> Net:\n    return Net()\n",
    ),
    "made-by-a-function-that-says-any-module": (
        "used-outside",
        function("m = build()", HOOK, taken="")
        + "\n\ndef build() -> nn.Module:\n    return Net()\n",
    ),
    "made-by-one-of-two-functions-of-a-name": (
        "used-outside",
        function("m = build()", HOOK, taken="") + "\n\ndef build() -> Other:\n    return Other()\n"
        "\n\ndef build():\n    return Net()\n",
    ),
    "made-by-a-function-given-in-place-of-one-that-says-so": (
        "used-outside",
        function("m = build()", HOOK, taken="build")
        + "\n\ndef build() -> Other:\n    return Other()\n",
    ),
    "out-of-a-list": (
        "used-outside",
        function("m = [Net()].pop()", HOOK, taken=""),
    ),
    "out-of-a-dictionary": (
        "used-outside",
        function("all = {1: Net()}", "m = all[1]", HOOK, taken=""),
    ),
    "one-of-a-loop": (
        "used-outside",
        function("for m in [Other(), Net()]:", f"    {HOOK}", taken=""),
    ),
    "one-of-a-comprehension": (
        "used-outside",
        function("return [m.relu for m in (Other(), Net())]", taken=""),
    ),
    "held": ("used-outside", holder("self.body = Net()", run="return self.body.relu")),
    "held-by-what-is-held": (
        "used-outside",
        holder(
            "self.body = Other()",
            run="return self.body.inner.relu",
            below="\n\ndef fill(o):\n    o.inner = Net()\n",
        ),
    ),
    "held-or-given": (
        "used-outside",
        holder("self.body = Other() or body", run="return self.body.relu"),
    ),
    "held-in-a-list": (
        "used-outside",
        holder(
            "self.all = nn.ModuleList([Net() for _ in range(3)])",
            run="return [m.relu for m in self.all]",
        ),
    ),
    "held-in-a-list-that-grows": (
        "used-outside",
        holder(
            "self.all = nn.ModuleList()",
            "self.all.append(Net())",
            run="return self.all[0].relu",
        ),
    ),
    "held-in-a-sequential": (
        "used-outside",
        holder(
            "self.all = nn.Sequential(Other(), Net())",
            run="return [m.relu for i, m in enumerate(self.all)]",
        ),
    ),
    "set-by-its-subclass": (
        "used-outside",
        holder(
            "self.body = Other()",
            run="return self.body.relu",
            below="\n\nclass More(Holder):\n    def __init__(self):\n"
            "        super().__init__()\n        self.body = Net()\n",
        ),
    ),
    "set-by-name": (
        "used-outside",
        holder(
            "self.body = Other()",
            'self.add_module("body", Net())',
            run="return self.body.relu",
        ),
    ),
    "set-from-outside": (
        "used-outside",
        holder(
            "self.body = Other()",
            run="return self.body.relu",
            below="\n\ndef swap(h):\n    h.body = Net()\n",
        ),
    ),
    "set-from-outside-by-what-is-not-known": (
        "used-outside",
        holder(
            "self.body = Other()",
            run="return self.body.relu",
            below="\n\ndef swap(h, new):\n    h.body = new\n",
        ),
    ),
    "set-from-outside-in-a-list": (
        "used-outside",
        holder(
            "self.all = nn.ModuleList([Other()])",
            run="return [m.relu for m in self.all]",
            below="\n\ndef swap(h):\n    if h:\n        h.all = nn.ModuleList([Net()])\n",
        ),
    ),
    "set-from-outside-with-another": (
        "used-outside",
        holder(
            "self.body = Other()",
            run="return self.body.relu",
            below="\n\ndef swap(h):\n    h.width, h.body = 1, Net()\n",
        ),
    ),
    "set-from-outside-by-name": (
        "used-outside",
        holder(
            "self.body = Other()",
            run="return self.body.relu",
            below='\n\ndef swap(h):\n    setattr(h, "body", Net())\n',
        ),
    ),
    "behind-a-wrapper": (
        "used-outside",
        HEAD + "class Wrap:\n    def __getattr__(self, name):\n"
        "        return getattr(self.inner, name)\n\n\n"
        "def tool(m: Wrap):\n    m.relu.register_forward_hook(print)\n",
    ),
    "made-by-a-function-of-another-package": (
        "used-outside",
        function("m = torch.compile(Net())", HOOK, taken=""),
    ),
    "reads-more-under-a-condition": (
        "used-outside",
        function("if x:", "    print(m.width)", HOOK, taken="m, x"),
    ),
    "reads-more-of-another-object": (
        "used-outside",
        function("print(m.width)", "m = x", HOOK, taken="m, x"),
    ),
    "reads-more-after-a-return": (
        "used-outside",
        function(HOOK, "if x:", "    return None", "return m.width", taken="m, x"),
    ),
    "reads-what-this-has-too": ("used-outside", function("print(m.fc)", HOOK)),
    "reads-what-is-set-from-outside": (
        "used-outside",
        function("m.tag = 1", "print(m.tag)", HOOK),
    ),
    "its-flag": ("used-outside", function("m.relu.inplace = False")),
    "its-quantization": ("used-outside", function("m.relu.qconfig = None")),
    "called-as-this": ("used-outside", function("return m.relu(x)", taken="m, x")),
    "called-with-what-begins-with-a-number": (
        "used-outside",
        function("return m.relu(1 * x)", taken="m, x"),
    ),
    "called-with-all-of-a-list": ("used-outside", function("return m.relu(*x)", taken="m, x")),
    # strings
    "asked-for": ("named-in-string", function('return hasattr(m, "relu")')),
    "asked-for-with-a-default": ("named-in-string", function('return getattr(m, "relu", None)')),
    "asked-for-in-turn": (
        "named-in-string",
        function('for n in ["act", "relu"]:', "    print(getattr(m, n))"),
    ),
    "asked-for-by-a-local": ("named-in-string", function('n = "relu"', "return getattr(m, n)")),
    "asked-for-by-a-constant": (
        "named-in-string",
        HEAD + 'NAMES = ("act", "relu")\n\n\n' + LOOKS + "\n\nprint([look(m, n) for n in NAMES])\n",
    ),
    "asked-for-by-a-constant-in-a-function": (
        "named-in-string",
        HEAD + 'NAMES = ("act", "relu")\n\n\n'
        "def tool(m):\n    return [getattr(m, n) for n in NAMES]\n",
    ),
    "asked-for-by-what-a-function-returns": (
        "named-in-string",
        HEAD + 'def name():\n    return "relu"\n\n\ndef tool(m):\n    return getattr(m, name())\n',
    ),
    "asked-for-by-a-default": (
        "named-in-string",
        HEAD + LOOKS.replace("name)", 'name="relu")', 1),
    ),
    "asked-for-by-an-argument": (
        "named-in-string",
        HEAD + LOOKS + '\n\nprint(look(Net(), "relu"))\n',
    ),
    "asked-for-by-a-kept-list": (
        "named-in-string",
        holder('self.names = ["act", "relu"]', run="return [getattr(x, n) for n in self.names]"),
    ),
    "put-together-elsewhere": (
        "named-in-string",
        function('for n in ["act", "relu"]:', '    print(getattr(m, f"{n}"))'),
    ),
    "nodes": ("named-in-string", function('return extract(m, return_nodes={"relu": "out"})')),
    "nodes-of-a-list-of-its-own": (
        "named-in-string",
        function('return extract(m, {"fc": "a", "relu": "b"})'),
    ),
    "path": ("named-in-string", function('HOOKED = "encoder.relu"')),
    "path-to-what-is-held": (
        "named-in-string",
        holder("self.body = Net()", run='return find(self, "body.relu")'),
    ),
    "path-to-one-of-a-list": (
        "named-in-string",
        holder("self.all = nn.ModuleList([Net()])", run='return find(self, "all.0.relu")'),
    ),
    "path-to-a-named-child": (
        "named-in-string",
        holder('self.add_module("body", Net())', run='return find(self, "body.relu")'),
    ),
    "path-to-its-flag": ("named-in-string", function('return find(m, "relu.inplace")')),
    "path-to-its-observer": (
        "named-in-string",
        function('return find(m, "body.relu.activation_post_process.scale")'),
    ),
    "submodules-by-name": (
        "named-in-string",
        function('return dict(m.named_modules())["relu"]'),
    ),
    "name-of-a-module-compared": (
        "named-in-string",
        function('return [o for n, o in m.named_modules() if n == "relu"]'),
    ),
    "name-of-a-child-out-of-a-table": (
        "named-in-string",
        function(
            "return [o for n, o in m.named_children() if n == TABLE[kind]]",
            head=OTHER + "TABLE = {'a': 'relu'}\n\n\n",
            taken="m, kind",
        ),
    ),
    "name-of-a-child-in-a-list-elsewhere": (
        "named-in-string",
        function(
            "for n, o in m.named_modules():",
            "    if n in NAMES:",
            "        o.scale()",
            head=OTHER + "NAMES = ['relu', 'act']\n\n\n",
        ),
    ),
    "name-of-a-child-in-a-tuple": (
        "named-in-string",
        function("for n, o in m.named_children():", '    if n in ("relu", "act"):', "        o()"),
    ),
    "name-of-a-module-that-ends-so": (
        "named-in-string",
        function("for n in dict(m.named_modules()):", '    if n.endswith("relu"):', "        x(n)"),
    ),
}

SWEEP = "for n, o in m.named_modules():"
LIST = OTHER + "NAMES = ['act', 'relu']\n\n\n"
HOOKS = (
    "\n\nclass Hooks:\n    def __init__(self, names):\n        self.names = names\n\n"
    "    def on(self, m):\n        for n, o in m.named_modules():\n"
    "            if n in self.names:\n                o.register_forward_hook(print)\n"
)
OPTIONS = (
    "\n\ndef options(parser):\n"
    "    parser.add_argument('--layer', default='relu')\n    return parser.parse_args()\n"
)


def graph(*lines: str, head: str = OTHER) -> str:
    """A loop over the nodes of a traced model."""
    loop = "for node in torch.fx.symbolic_trace(m).graph.nodes:"
    return function(loop, *(f"    {line}" for line in lines), head=head)


def swept(*lines: str, head: str = OTHER, taken: str = "m") -> str:
    return function(
        SWEEP, *(f"    {line}" for line in lines), "        o()", head=head, taken=taken
    )


ASKED_BY_NAME = {
    "path-followed": function(
        "return functools.reduce(getattr, PATH.split('.'), m)", head=OTHER + "PATH = 'relu'\n\n\n"
    ),
    "path-followed-that-is-given": function("return follow(m, 'relu')")
    + "\n\ndef follow(m, path):\n    return reduce(getattr, [m] + path.split('.'))\n",
    "path-followed-of-names": function('return reduce(getattr, ["relu"], m)'),
    "attribute-got": function("return [operator.attrgetter(n)(m) for n in NAMES]", head=LIST),
    "fused-by-a-name-put-together": function(
        "names = []",
        SWEEP,
        "    names.append([n + '.fc', f'{n}.relu'])",
        "fuse_modules(m, names)",
    ),
    "fused-at-once": function('torch.ao.quantization.fuse_modules_qat(m, [[f"{m}.relu"]])'),
    "evaluated": function('return eval(f"m.{NAME}")', head=OTHER + 'NAME = "relu"\n\n\n'),
    "executed": function('exec("m.relu = None")'),
    "features-of-nodes": function("return create_feature_extractor(m, NAMES)", head=LIST),
    "features-of-nodes-by-keyword": function(
        "return IntermediateLayerGetter(m, return_layers=NAMES)", head=LIST
    ),
    "not-traced-by-name": function('config.set_non_traceable_module_names(["relu"])'),
    "counted-by-its-name": function('return FlopCountAnalysis(m, 1).by_module()["relu"]'),
    "default-of-what-looks-it-up": HEAD + "class Tool:\n    kind: str = 'relu'\n\n"
    "    def run(self, other):\n        return getattr(other, self.kind)\n",
    "names-gone-over": function("for n in dir(m):", '    if n.startswith("relu"):', "        o()"),
    "among-its-names": function('return "relu" in dir(m)'),
    "given-to-a-test": OTHER
    + '@pytest.mark.parametrize("n, k", [("fc", 1), ("relu", 2)])\n'
    + function("return getattr(m, n)", taken="m, n, k", head=""),
    "node-of-an-export": function("torch.onnx.export(m)", 'return "/body/relu/Relu_output_0"'),
    "searched-for-in-its-text": function("m = Net()", 'assert "(relu)" in str(m)'),
    "list-held-against-modules-and-parameters": function(
        "for n, c in m.named_modules():",
        "    for k, p in c.named_parameters():",
        "        if n.startswith(tuple(BEGINS)):",
        "            o()",
        head=OTHER + 'BEGINS = ["fc", "relu"]\n\n\n',
    ),
    "list-held-against-parameters-and-looked-up": function(
        "for n, p in m.named_parameters():",
        "    if n.startswith(tuple(BEGINS)):",
        "        [getattr(m, one) for one in BEGINS]",
        head=OTHER + 'BEGINS = ["fc", "relu"]\n\n\n',
    ),
    "configured-by-name": function('QConfigMapping().set_module_name("relu", None)'),
    "target-of-a-node": graph('if node.target == "relu":', "    print(node)"),
    "target-among-names": graph(
        'if node.op == "call_module" and node.target in NAMES:', "    print(node)", head=LIST
    ),
    "module-that-an-interpreter-calls": OTHER + "class Run(torch.fx.Interpreter):\n"
    '    def call_module(self, target, args, kwargs):\n        if target == "relu":\n'
    "            return args\n",
    "leaf-of-a-tracer": OTHER + "class Leaves(torch.fx.Tracer):\n"
    '    def is_leaf_module(self, m, name):\n        return name in ("fc", "relu")\n',
    "part": swept('if "rel" in n:'),
    "part-out-of-a-list": swept("if any(t in n for t in NAMES):", head=LIST),
    "end-out-of-a-list": swept("if any(n.endswith(t) for t in NAMES):", head=LIST),
    "beginning": swept('if n.startswith("re"):'),
    "beginning-is-a-constant": swept("if n.startswith(BEGIN):", head=OTHER + "BEGIN = 're'\n\n\n"),
    "last-part": swept('if n.split(".")[-1] == "relu":'),
    "last-part-kept": function(
        SWEEP, '    last = n.rpartition(".")[2]', "    if last in NAMES:", "        o()", head=LIST
    ),
    "pattern": swept('if re.search(r"relu$", n):', head="import re\n" + OTHER),
    "compiled-pattern": swept(
        "if ACT.match(n):", head="import re\n" + OTHER + 'ACT = re.compile(r".*relu")\n\n\n'
    ),
    "wildcard": swept('if fnmatch(n, "*re?u"):', head="from fnmatch import fnmatch\n" + OTHER),
    "match-statement": function(SWEEP, "    match n:", "        case 'relu':", "            o()"),
    "table-of-handlers": swept("if TABLE.get(n):", head=OTHER + "TABLE = {'relu': print}\n\n\n"),
    "names-kept": function("names = [n for n, _ in m.named_modules()]", 'return "relu" in names'),
    "index-among-names": function(
        "names = [n for n, _ in m.named_modules()]", 'return names.index("relu")'
    ),
    "out-of-a-kept-dictionary": function(
        "all = dict(m.named_modules())", "return [all[n] for n in NAMES]", head=LIST
    ),
    "got-out-of-a-dictionary": function('return m._modules.get("relu")'),
    "out-of-its-variables": function('return vars(m)["_modules"]["relu"]'),
    "names-passed-to-a-class": function("Hooks(['relu']).on(m)") + HOOKS,
    "default-names": swept("if n in names:", taken="m, names=('relu', 'act')"),
    "option": function("a = options(m)", "return getattr(m, a.layer)") + OPTIONS,
    "option-swept-for": function("a = options(m)", SWEEP, "    if n == a.layer:", "        o()")
    + OPTIONS,
    "field-of-settings": function("return getattr(m, a.layer)", taken="m, a: Settings")
    + "\n\nclass Settings:\n    layer: str = 'relu'\n",
    "split-text": function("for n in 'fc,relu'.split(','):", "    print(getattr(m, n))"),
    "set-out-of-a-table": function(
        "for n, new in TABLE.items():",
        "    setattr(m, n, new())",
        head=OTHER + "TABLE = {'relu': nn.GELU}\n\n\n",
    ),
    "replaced-by-add-module": function('m.add_module("relu", nn.GELU())'),
    "replaced-in-a-test": function(
        'with mock.patch.object(m, "relu", nn.GELU()):', "    return m(1)"
    ),
}
NOT_ASKED_BY_NAME = {
    "evaluated-otherwise": function("m.eval()", 'return eval("relu")'),
    "evaluated-another": function('return eval(f"m.{NAME}")', head=OTHER + 'NAME = "act"\n\n\n'),
    "features-of-other-nodes": function(
        "return create_feature_extractor(m, ACTS)", "'relu'", head=OTHER + "ACTS = ['act']\n\n\n"
    ),
    "sorted-by-an-attribute": function(
        "return sorted(m, key=operator.attrgetter('size'))", "'relu'"
    ),
    "path-followed-of-settings": function(
        "return reduce(getattr, ['act', 'relu'], cfg)", taken="cfg"
    ),
    "path-followed-to-another": function("return reduce(getattr, 'body.act'.split('.'), m)"),
    "fused-others-by-a-name-put-together": function(
        SWEEP, "    fuse_modules(m, [n + '.fc', f'{n}.act'])", '    print("relu")'
    ),
    "target-of-another-node": graph('if node.target == "act":', '    print("relu")'),
    "operation-of-a-node": graph('if node.op == "relu":', "    print(node)"),
    "target-of-what-is-no-graph": function('return m.target == "relu"'),
    "another-part": swept('if "elu6" in n:'),
    "names-of-parameters": function(
        "for n, p in m.named_parameters():", '    if "relu" in n:', "        p.zero_()"
    ),
    "default-of-a-setting": HEAD + "class ToolConfig:\n    kind: str = 'relu'\n\n"
    "    def set(self, other, names):\n        for name in names:\n"
    "            setattr(other, name, getattr(other, name))\n",
    "list-held-against-parameters": function(
        "return [p for n, p in m.named_parameters() if any(b in n for b in ['fc', 'relu'])]"
    ),
    "list-held-against-keys": function(
        "for n in m.state_dict():",
        "    if n.startswith(tuple(BEGINS)):",
        "        o()",
        head=OTHER + 'BEGINS = ["fc", "relu"]\n\n\n',
    ),
    "among-names-of-another": function("m = Other()", 'return "relu" in dir(m)'),
    "other-node-of-an-export": function("torch.onnx.export(m)", 'return "/body/relu6/Relu6"'),
    "text-searched-for-another": function("m = Net()", 'return "(act)" in str(m), "relu"'),
    "given-to-a-test-of-another": OTHER
    + '@pytest.mark.parametrize("n", ["act", "relu"])\n'
    + function("return getattr(Other(), n)", taken="n", head=""),
    "another-end": swept("if n.endswith(END):", head=OTHER + "END = '.weight'\n\n\n"),
    "pattern-that-meets-all": swept(
        'if re.search("|".join(PATTERNS), n):',
        head="import re\n" + OTHER + "PATTERNS = ['fc']\n\n\n",
    ),
    "pattern-of-a-word": swept('if re.search(r"\\w+", n):', head="import re\n" + OTHER),
    "option-that-nobody-asks-for": function("a = options(m)", "return a.layer") + OPTIONS,
}


@pytest.mark.parametrize("other", ASKED_BY_NAME.values(), ids=ASKED_BY_NAME)
def test_stays_for_what_asks_for_modules_by_name(other: str) -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! named-in-string"), head=NO_F)
    stays(ModuleToFunctional, refused, files={"other.py": other})


@pytest.mark.parametrize("other", NOT_ASKED_BY_NAME.values(), ids=NOT_ASKED_BY_NAME)
def test_is_rewritten_for_what_asks_for_others_by_name(other: str) -> None:
    before = net(CALL, init=(FC, RELU), head=NO_F)
    holds(ModuleToFunctional, before, net("return F.relu(self.fc(x))"), files={"other.py": other})


@pytest.mark.parametrize(("code", "other"), MAY_BE_THIS.values(), ids=MAY_BE_THIS)
def test_stays_for_what_may_be_this(code: str, other: str) -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! {code}"), head=NO_F)
    stays(ModuleToFunctional, refused, files={"other.py": other})


def test_stays_for_a_constant_that_another_file_asks_for() -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! named-in-string"), head=NO_F)
    names = 'NAMES = ("act", "relu")\n'
    asks = "from names import NAMES\nfrom net import Net\n\n\n" + (
        "def tool(m):\n    return [getattr(m, n) for n in NAMES]\n"
    )
    stays(ModuleToFunctional, refused, files={"names.py": names, "other.py": asks})


@pytest.mark.parametrize("info", ['dict(module="relu")', '{"num": 3, "module": "relu"}'])
def test_stays_for_what_its_class_says_can_be_hooked(info: str) -> None:
    init = (FC, f"{RELU}  #! named-in-string", f"self.feature_info = [{info}]")
    stays(ModuleToFunctional, net(CALL, init=init, head=NO_F))


IS_ANOTHER = {
    "what-a-model-gave": function("outputs = m(x)", "return outputs.relu.mean()", taken="m, x"),
    "what-a-model-gave-that-is-given": function("return out_outputs.relu", taken="out_outputs"),
    "made-here": function("m = Other()", HOOK, taken=""),
    "made-by-a-function-that-says-so": function("m = build()", HOOK, taken="")
    + "\n\ndef build() -> Other:\n    return Other()\n",
    "made-by-a-function-of-another-file": function(
        "m = make()", HOOK, taken="", head="from make import build as make\n\n\n"
    ),
    "made-last": function("m = Other(m)", "m.relu.weight = m.width", "m = Net()"),
    "called-with-a-number": function("return m.weights.relu(-1)"),
    "called-with-a-number-and-more": function("return m.relu( 1 , m)"),
    "called-without-input": function("return m.relu( )"),
    "annotated": function(HOOK, taken="m: Other"),
    "annotated-in-a-string": function(HOOK, taken='m: "Other"'),
    "annotated-as-a-tensor": function("return m.relu(inplace=True)", taken="m: torch.Tensor"),
    "tested": function("if isinstance(m, Other):", f"    {HOOK}"),
    "tested-and-left": function(
        "if not isinstance(m, Other):", "    return m", "else:", f"    {HOOK}"
    ),
    "package-imported-within": function("import act", "return act.relu(m)"),
    "one-of-a-loop": function("for m in [Other(), Other()]:", f"    {HOOK}", taken=""),
    "held": holder("self.body = Other()", run="return self.body.relu.weight"),
    "held-in-a-list": holder(
        "self.all = nn.ModuleList([Other() for _ in range(3)])",
        run="return [m.relu(x) for m in self.all]",
    ),
    "held-in-one-of-two-branches": holder(
        "if x:",
        "    self.body = Other()",
        "else:",
        "    self.body = nn.Linear(1, 1)",
        run="return self.body.relu(x)",
    ),
    "set-from-outside-to-another": holder(
        "self.body = Other()",
        run="return self.body.relu(x)",
        below="\n\ndef swap(h):\n    h.body = nn.Linear(1, 1)\n",
    ),
    "set-on-another-from-outside": holder(
        "self.body = Other()",
        run="return self.body.relu(x)",
        below="\n\ndef swap(o: Other):\n    o.body = Net()\n",
    ),
    "result-of-a-module": holder(
        "self.body = Other()", run="y = self.body(x)\n        return y.relu(inplace=True)"
    ),
    "reads-more-before": function("print(m.depth)", "return m.relu(x)", taken="m, x"),
    "reads-more-in-the-loop": function(
        "for name, m in x.named_modules():", "    make(m.depth, m.relu)", taken="x"
    ),
    "settings-in-settings": OTHER
    + "class DecoderConfig:\n    def finish(self):\n        self.decoder.relu = 3\n",
    "looked-up-in-capitals": 'NAMES = {"relu": "glu", "gelu": "glu"}\n\n\n'
    "def tool(kinds, name):\n    return getattr(kinds, NAMES[name].upper())\n",
    "has-weights": function("return m.relu.weight"),
    "takes-two": function("return m.relu(x, x)", taken="m, x"),
    "takes-another-keyword": function("return m.relu(start_dim=1)"),
    "is-a-number": function("return m.relu * 2 if m.relu > 0 else 0"),
    "function-of-a-file": "import act\n\n\ndef tool(x):\n    return act.relu(x)\n",
    # strings
    "setting": function('return make({"act": "relu", "width": 3})'),
    "setting-by-keyword": function('return make(act="relu")'),
    "entry-of-a-table": function('return {"relu": nn.ReLU, "gelu": nn.GELU}["relu"]'),
    "compared": function('return m == "relu"'),
    "constant-that-nobody-asks-for": 'NAMES = ("act", "relu")\n\n\n' + LOOKS,
    "default": function("return act", taken='act="relu"'),
    "settings-are-asked": function('return getattr(config, "relu", 0)', taken="config"),
    "another-is-asked": function("m = Other()", 'return getattr(m, "relu")', taken=""),
    "torch-is-asked": function('return getattr(nn.functional, "relu")'),
    "list-of-another": function('return find(["stem", "relu"])'),
    "mapping-of-settings": function('return pick({"relu": "a", "width": "b"})'),
    "rates": function('return make({"relu": 0.1, "fc": 0.2})'),
    "path-in-another-package": function('return load("torch.nn.functional.relu")'),
    "path-to-another": holder("self.body = Other()", run='return find(self, "body.relu")'),
    "path-to-weights": function('return m["body.relu.weight"]'),
    "key-of-a-dictionary": function('return m["relu"]'),
    "name-of-a-function-compared": function(
        "for n in m.names:", '    if n == "relu":', "        x()"
    ),
    "name-of-a-module-of-another": function(
        "return [o for n, o in Other().named_modules() if n == 'relu']"
    ),
}


@pytest.mark.parametrize("other", IS_ANOTHER.values(), ids=IS_ANOTHER)
def test_is_rewritten_for_what_is_another(other: str) -> None:
    before = net(CALL, init=("self.width: int = 3", FC, RELU), head=NO_F)
    after = net("return F.relu(self.fc(x))", init=("self.width: int = 3", FC))
    files = {
        "other.py": other,
        "act.py": "def relu(x):\n    return x\n",
        "make.py": "import torch.nn as nn\n\n\ndef build() -> nn.Linear:\n    return pick()\n",
    }
    holds(ModuleToFunctional, before, after, files=files)


ASKS = HEAD + "def tool(cfg, m):\n    return {}\n"
# A configuration, and code that reads it.
SETTING = {
    "yaml": ("conf.yaml", "target: relu\n", ASKS.format("getattr(m, cfg.target)")),
    "yaml-quoted": (
        "conf.yaml",
        "target: 'relu'  # hooked\n",
        ASKS.format("getattr(m, cfg.target)"),
    ),
    "json": ("conf.json", '{"target": "relu"}', ASKS.format('getattr(m, cfg["target"])')),
    "toml": ("conf.toml", 'target = "relu"\n', ASKS.format('m.get_submodule(cfg["target"])')),
}
NO_SETTING = {
    "of-functions": ("conf.yaml", "act: relu\n", ASKS.format("getattr(torch, cfg.act)")),
    "nobody-reads-it": ("conf.yaml", "act: relu\n", ASKS.format("getattr(m, cfg.target)")),
    "nobody-looks-up": ("conf.yaml", "act: relu\n", ASKS.format("ACTS[cfg.act](m)")),
    "asked-of-another": ("conf.yaml", "act: relu\n", ASKS.format("getattr(Other(), cfg.act)")),
    "part-of-a-word": ("conf.yaml", "target: relu6\n", ASKS.format("getattr(m, cfg.target)")),
}


@pytest.mark.parametrize(("path", "text", "other"), SETTING.values(), ids=SETTING)
def test_a_setting_that_code_looks_up_by_names_it(path: str, text: str, other: str) -> None:
    refused = net(CALL, init=(FC, f"{RELU}  #! named-in-string"), head=NO_F)
    stays(ModuleToFunctional, refused, files={path: text, "other.py": other})


@pytest.mark.parametrize(("path", "text", "other"), NO_SETTING.values(), ids=NO_SETTING)
def test_any_other_setting_does_not(path: str, text: str, other: str) -> None:
    before = net(CALL, init=(FC, RELU), head=NO_F)
    other = other.replace(HEAD, OTHER)
    files = {path: text, "other.py": other}
    holds(ModuleToFunctional, before, net("return F.relu(self.fc(x))"), files=files)
