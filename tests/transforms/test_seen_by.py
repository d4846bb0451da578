"""A change of structure that the project itself looks at is written on demand alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked_cases import NO_F, net

from codemod import Transform
from codemod.engine.planning import plan
from codemod.source.overlay import Overlay
from codemod.testing import confirm_rewrite
from codemod.transforms.call_to_forward import CallToForward
from codemod.transforms.functional_to_module import FunctionalToModule
from codemod.transforms.module_to_functional import ModuleToFunctional

TO_MODULE = net("return F.relu(self.fc(x))")
TO_FUNCTIONAL = net("return self.act(self.fc(x))", init=("self.act = nn.ReLU()",), head=NO_F)
CALL = net("return self.fc(x)").replace("forward", "__call__")

UNSEEN = {
    "looks-for-other-layers": (
        TO_MODULE,
        "for m in model.modules():\n    isinstance(m, nn.Linear)",
    ),
    "model-of-another-package": (TO_MODULE, "m = torchvision.vgg()\nlist(m.children())[:-1]"),
    "model-of-another-class": (TO_MODULE, "m = Other()\nlist(m.children())[:-1]"),
    "one-layer-hooked": (TO_MODULE, "model.fc.register_forward_hook(f)"),
    "parts-of-a-container-run": (
        TO_MODULE,
        "class A(nn.Module):\n    def forward(self, x):\n        for b in self.body.children():\n"
        "            x = b(x)",
    ),
    "call-and-no-hooks": (CALL, "model(x)"),
    "only-layers-with-weights-hooked": (
        TO_MODULE,
        "for m in model.modules():\n    if list(m.parameters()):\n"
        "        m.register_forward_hook(f)",
    ),
    "one-kind-hooked": (
        TO_MODULE,
        "for m in model.modules():\n    if not isinstance(m, nn.Linear):\n        continue\n"
        "    m.register_forward_hook(f)",
    ),
    "one-kind-that-is-kept-hooked": (
        TO_MODULE,
        "for m in model.modules():\n    kind = type(m).__name__\n    if kind == 'Linear':\n"
        "        m.register_forward_hook(f)",
    ),
    "one-kind-given-another-forward": (
        TO_MODULE,
        "for m in model.modules():\n    if isinstance(m, nn.Linear):\n        m.forward = f",
    ),
    "model-given-another-forward": (TO_MODULE, "model.forward = f"),
    "one-kind-counted": (
        TO_MODULE,
        "n = 0\nfor m in model.modules():\n    if isinstance(m, nn.Linear):\n        n += 1",
    ),
    "function-that-is-compared": (TO_MODULE, "return model.act is F.relu"),
    "function-called-on-a-graph": (
        TO_MODULE,
        "g = torch.fx.symbolic_trace(model)\nreturn F.relu(g(x)), nn.ReLU()",
    ),
    "operator-of-a-node-of-a-graph": (
        TO_MODULE,
        "for node in torch.fx.symbolic_trace(model).graph.nodes:\n"
        "    if node.target in (F.gelu, torch.ops.aten.relu.default):\n        f(node)",
    ),
    "asks-for-other-names": (
        TO_MODULE,
        'for n, m in model.named_modules():\n    if "conv" in n or n[:3] == "act":\n        f(m)',
    ),
    "asks-for-names-of-parameters": (
        TO_MODULE,
        'for n, p in model.named_parameters():\n    if "relu" in n:\n        f(p)',
    ),
    "asks-another-model-for-the-name": (
        TO_MODULE,
        'm = Other()\nfor n, c in m.named_children():\n    if n == "relu":\n        f(c)',
    ),
    "text-of-a-path-that-may-have-been-a-model": (
        TO_MODULE,
        "def take(model: Net):\n    if isinstance(model, Path):\n        model = str(model)\n"
        "    return model == x",
    ),
    "text-of-a-path": (
        TO_MODULE,
        "if isinstance(model, Path):\n    model = str(model)\nreturn model == x",
    ),
    "text-of-what-is-no-module": (
        TO_MODULE,
        "mode = Mode(x)\nreturn str(mode) == 'linear'",
    ),
    "nodes-of-another-model": (
        TO_MODULE,
        'torchvision.create_feature_extractor(nn.Linear(2, 2), ["relu_2"])',
    ),
    "text-that-is-kept-again": (
        TO_MODULE,
        "text = str(model)\ntext = text.strip()\nprint(text)",
    ),
    "model-shown": (TO_MODULE, "print(str(model))\nlogging.info(repr(model))"),
    "error-shown": (TO_MODULE, 'e = x\nassert "relu" in str(e) and str(e) == "ReLU"'),
    "another-layer-in-the-text": (TO_MODULE, 'assert "Linear" in str(model)'),
    "node-of-another-kind-of-an-export": (
        TO_MODULE,
        'torch.onnx.export(model, x)\nreturn "/fc/Gemm_output_0"',
    ),
    "node-of-no-export": (TO_MODULE, 'return "/Relu_output_0"'),
    "other-node-of-a-graph": (
        TO_MODULE,
        'torchvision.create_feature_extractor(model, return_nodes=["fc", "gelu_1"])',
    ),
    "some-types-compared": (
        TO_MODULE,
        "assert [type(m) for m in model.modules() if isinstance(m, nn.Linear)] == [nn.Linear]",
    ),
    "weights-made-where-applied": (
        TO_MODULE,
        "def init(m):\n    if isinstance(m, nn.Linear):\n        m.reset_parameters()\n"
        "model.apply(init)",
    ),
    "one-kind-given-another-call": (
        TO_MODULE,
        "for m in model.modules():\n    if isinstance(m, nn.Linear):\n        type(m).__call__ = f",
    ),
    "children-numbered-for-a-text": (
        TO_MODULE,
        "for i, m in enumerate(model.children()):\n    print(i, m)",
    ),
}
SEEN = {
    "children-sliced": (TO_MODULE, "list(model.children())[:-1]"),
    "children-sliced-of-this-class": (TO_MODULE, "m = Net()\nlist(m.children())[:-1]"),
    "children-sliced-of-functional": (TO_FUNCTIONAL, "nn.Sequential(*model.children())"),
    "all-hooked": (TO_MODULE, "for m in model.modules():\n    m.register_forward_hook(f)"),
    "looks-for-the-new-layer": (
        TO_MODULE,
        "[m for m in model.modules() if isinstance(m, nn.ReLU)]",
    ),
    "children-unpacked": (TO_MODULE, "*body, head = model.children()"),
    "children-made-a-list-of": (TO_MODULE, "nn.ModuleList(model.children())"),
    "children-taken-one-by-one": (TO_MODULE, "c = model.children()\nnext(c), next(c)"),
    "children-run-by-a-function": (TO_MODULE, "functools.reduce(f, model.children(), x)"),
    "first-children": (TO_MODULE, "itertools.islice(model.children(), 2)"),
    "last-child-taken-out": (TO_MODULE, "model._modules.popitem()"),
    "children-beside-others": (TO_MODULE, "for m, w in zip(model.children(), x):\n    w(m)"),
    "child-by-number": (
        TO_MODULE,
        "for i, m in enumerate(model.children()):\n    if i == 1:\n        f(m)",
    ),
    "modules-counted": (TO_MODULE, "sum(1 for _ in model.modules())"),
    "all-hooked-and-kept": (
        TO_MODULE,
        "{n: m.register_forward_hook(f) for n, m in model.named_modules()}",
    ),
    "all-hooked-by-apply": (TO_MODULE, "model.apply(lambda m: m.register_forward_hook(f))"),
    "all-hooked-by-a-function": (
        TO_MODULE,
        "def add(m):\n    m.register_forward_hook(f)\nmodel.apply(add)",
    ),
    "all-hooked-and-some-shown": (
        TO_MODULE,
        "for m in model.modules():\n    if x:\n        print(m)\n    m.register_forward_hook(f)",
    ),
    "all-but-one-kind-hooked": (
        TO_MODULE,
        "for m in model.modules():\n    if not isinstance(m, nn.Linear):\n"
        "        m.register_forward_hook(f)",
    ),
    "all-but-one-kind-left": (
        TO_MODULE,
        "for m in model.modules():\n    if isinstance(m, nn.Linear):\n        continue\n"
        "    m.register_forward_hook(f)",
    ),
    "all-leaves-hooked": (
        TO_MODULE,
        "for m in model.modules():\n    leaf = not list(m.children())\n    if leaf:\n"
        "        m.register_forward_hook(f)",
    ),
    "all-given-another-forward": (
        TO_MODULE,
        "for m in model.modules():\n    m.forward = wrap(m.forward)",
    ),
    "all-given-another-forward-by-name": (
        TO_MODULE,
        'for n, m in model.named_modules():\n    setattr(m, "forward", wrap(m))',
    ),
    "all-given-another-forward-by-a-function": (
        TO_MODULE,
        "def wrap(m):\n    m.forward = f\nmodel.apply(wrap)",
    ),
    "modules-counted-in-a-loop": (
        TO_MODULE,
        "n = 0\nfor m in model.modules():\n    n += 1\nassert n == 3",
    ),
    "named-modules-counted": (TO_FUNCTIONAL, "assert len(dict(model.named_modules())) == 3"),
    "one-of-the-names-in-order": (TO_MODULE, "[n for n, _ in model.named_modules()][1]"),
    "names-compared": (TO_MODULE, 'assert [n for n, _ in model.named_children()] == ["fc"]'),
    "function-of-a-node-of-a-graph": (
        TO_MODULE,
        "for node in torch.fx.symbolic_trace(model).graph.nodes:\n    if node.target is F.relu:\n"
        "        f(node)",
    ),
    "function-of-a-node-among-others": (
        TO_MODULE,
        "g = torch.fx.symbolic_trace(model)\n[n for n in g.graph.nodes if n.target in ACTS]\n"
        "ACTS = (torch.relu, F.relu)",
    ),
    "layer-in-a-pattern-of-a-graph": (
        TO_MODULE,
        "g = torch.fx.symbolic_trace(model)\n[f((nn.Linear, nn.ReLU), n) for n in g.graph.nodes]",
    ),
    "function-told-to-a-mapping": (TO_MODULE, "QConfigMapping().set_object_type(F.relu, None)"),
    "asks-for-part-of-the-new-name": (
        TO_MODULE,
        'for n, m in model.named_modules():\n    if "relu" in n:\n        f(m)',
    ),
    "asks-for-the-end-of-the-new-name": (
        TO_MODULE,
        'for n, m in model.named_children():\n    if n.endswith("relu"):\n        f(m)',
    ),
    "asks-for-names-that-the-new-one-is-like": (
        TO_MODULE,
        'for n, m in model.named_modules():\n    if re.match(r"(.+[.])?relu.?$", n):\n        f(m)',
    ),
    "asks-for-names-with-the-new-one": (
        TO_MODULE,
        "for n, m in model.named_modules():\n    if any(t in n for t in WANTED):\n        f(m)\n"
        'WANTED = ["fc", "relu"]',
    ),
    "asks-for-the-new-name-first": (
        TO_MODULE,
        'if "relu" in dict(model.named_modules()):\n    f(m)',
    ),
    "every-module-anywhere-hooked": (
        TO_MODULE,
        "torch.nn.modules.module.register_module_forward_hook(f)",
    ),
    "class-of-all-given-another-call": (
        TO_MODULE,
        "for m in model.modules():\n    m.__class__.__call__ = f",
    ),
    "class-of-all-given-another-forward": (
        TO_FUNCTIONAL,
        "for m in model.modules():\n    type(m).forward = f",
    ),
    "listed-where-applied": (
        TO_MODULE,
        "every = []\nmodel.apply(lambda m: every.append(m))\nassert len(every) == 2",
    ),
    "counted-where-applied": (
        TO_MODULE,
        "n = 0\ndef visit(m):\n    nonlocal n\n    n += 1\nmodel.apply(visit)",
    ),
    "seeded-one-by-one": (
        TO_MODULE,
        "for i, m in enumerate(model.modules()):\n    torch.manual_seed(i)\n    f(m)",
    ),
    "set-of-names-compared": (
        TO_MODULE,
        'assert set(dict(model.named_children())) == {"fc"}',
    ),
    "keys-compared": (TO_MODULE, 'assert model._modules.keys() == {"fc"}'),
    "set-of-types-compared": (
        TO_MODULE,
        "assert {type(m) for m in model.modules()} == {type(model), nn.Linear}",
    ),
    "run-up-to-a-child": (
        TO_MODULE,
        'IntermediateLayerGetter(model, return_layers={"fc": "out"})',
    ),
    "text-compared": (TO_MODULE, "assert str(model) == x"),
    "text-compared-of-this-class": (TO_FUNCTIONAL, "net = Net()\nassert repr(net) == x"),
    "text-compared-of-what-is-tested": (
        TO_MODULE,
        "if isinstance(model, Net):\n    assert str(model) == x",
    ),
    "text-compared-by-a-method": (TO_MODULE, "x.assertEqual(repr(Net()), f)"),
    "text-that-is-kept-compared": (TO_MODULE, "text = repr(model)\nassert x != text"),
    "text-hashed": (TO_MODULE, "return hashlib.sha256(str(model).encode()).hexdigest()"),
    "new-layer-in-the-text": (TO_MODULE, 'assert "ReLU" not in str(model)'),
    "new-name-counted-in-the-text": (TO_MODULE, 'assert repr(Net()).count("(relu)") == 0'),
    "node-of-an-export": (
        TO_MODULE,
        'torch.onnx.export(model, x)\nreturn "/Relu_output_0"',
    ),
    "node-of-a-traced-graph": (
        TO_MODULE,
        'torchvision.create_feature_extractor(model, return_nodes={"relu_1": "out"})',
    ),
    "call-and-hooked": (CALL, "model.register_forward_hook(f)"),
    "call-and-all-hooked": (CALL, "for m in model.modules():\n    m.register_forward_hook(f)"),
}
TRANSFORM: dict[str, type[Transform]] = {
    TO_MODULE: FunctionalToModule,
    TO_FUNCTIONAL: ModuleToFunctional,
    CALL: CallToForward,
}


def seen_by(source: str, line: str) -> tuple[str, ...]:
    head = (
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport torchvision\n"
        "from pathlib import Path\n"
        "from net import Net\n\n\n"
    )
    other = "class Other(nn.Module):\n    pass\n\n\nclass Mode(str):\n    pass\n\n\n"
    body = "".join(f"    {one}\n" for one in line.split("\n"))
    tool = f"{head}{other}def tool(model, x, f):\n{body}"
    files = {"net.py": source.encode(), "tool.py": tool.encode()}
    paths = sorted(files)
    overlay = Overlay(Path("/nonexistent"), files)
    (rewrite,) = plan(overlay, paths, frozenset(["net.py"]), [TRANSFORM[source]()]).plan.rewrites
    assert rewrite.needs_accept is bool(rewrite.seen_by)
    return rewrite.seen_by


@pytest.mark.parametrize(("source", "line"), UNSEEN.values(), ids=UNSEEN)
def test_is_written_at_once(source: str, line: str) -> None:
    assert seen_by(source, line) == ()


@pytest.mark.parametrize(("source", "line"), SEEN.values(), ids=SEEN)
def test_is_written_on_demand(source: str, line: str) -> None:
    places = seen_by(source, line)
    assert [place.partition(":")[0] for place in places] == ["tool.py"]


@pytest.mark.parametrize("accept", [(), ("behaviour-change",)], ids=["not-asked-for", "accepted"])
def test_confirmed_and_not_written_unless_accepted(accept: tuple[str, ...]) -> None:
    report = confirm_rewrite(
        FunctionalToModule,
        {
            "net.py": TO_MODULE,
            "tool.py": "def tool(model):\n    return list(model.children())[:-1]\n",
        },
        accept=accept,
    )
    (outcome,) = report.outcomes
    assert outcome.verdict.kind == "confirmed"
    assert outcome.would_write is bool(accept)
    assert outcome.rewrite.seen_by == ("tool.py:2",)
