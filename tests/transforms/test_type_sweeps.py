"""Code that looks for a kind of layer: what may find this class's first, then what does not."""

from __future__ import annotations

import pytest
from marked_cases import NO_F, holds, net, stays

from codemod.transforms.module_to_functional import ModuleToFunctional

FC = "self.fc = nn.Linear(4, 4)"
DROP = "self.drop = nn.Dropout(0.1, True)"
CALL = "return self.drop(self.fc(x))"
HEAD = "import torch\nimport torch.nn as nn\n"
SWEEP = "for m in model.modules():"
OFF = "m.inplace = False"
KINDS = "\n\nKINDS = (nn.ReLU, nn.Dropout)\n"


def function(*lines: str, name: str = "tool", taken: str = "model", below: str = "") -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"{HEAD}\n\ndef {name}({taken}):\n{body}{below}"


def asks(test: str, *, sweep: str = SWEEP, taken: str = "model", below: str = "") -> str:
    return function(sweep, f"    if {test}:", f"        {OFF}", taken=taken, below=below)


def method(*lines: str) -> str:
    """A class of another file, which never meets this one."""
    body = "".join(f"        {line}\n" for line in lines)
    return (
        f"{HEAD}\n\nclass Other(nn.Module):\n    def __init__(self, layers: nn.Module):\n"
        f"        super().__init__()\n        self.layers = layers\n{body}"
    )


FIND = (
    "\n\ndef find(model, kind):\n    return [m for m in model.modules() if isinstance(m, kind)]\n"
)
BLOCK = "\n\nclass Block(nn.Sequential):\n    pass\n"

FINDS_THIS = {
    "isinstance": asks("isinstance(m, nn.Dropout)"),
    "isinstance-over-lines": asks(
        "isinstance(\n            m,\n            (\n                nn.ReLU,\n"
        "                nn.Dropout,\n            ),\n        )"
    ),
    "isinstance-of-a-list-with-a-name": asks("isinstance(m, KINDS)", below=KINDS),
    "isinstance-of-the-common-base": asks("isinstance(m, nn.modules.dropout._DropoutNd)"),
    "issubclass": asks("issubclass(type(m), nn.Dropout)"),
    "type-is": asks("type(m) is nn.Dropout"),
    "type-in": asks("type(m) in (nn.ReLU, nn.Dropout)"),
    "class-equals": asks("m.__class__ == nn.Dropout"),
    "table-by-type": asks("TABLE[type(m)]", below="\n\nTABLE = {nn.Dropout: 1}\n"),
    "name-of-the-type": asks('type(m).__name__ in ("ReLU", "Dropout")'),
    "begin-of-the-name": asks('m.__class__.__name__.startswith("Drop")'),
    "name-by-a-variable": function(
        SWEEP,
        "    name = m.__class__.__name__",
        '    if name.find("Dropout") >= 0:',
        f"        {OFF}",
    ),
    "name-among-names": asks(
        "type(m).__name__ in NAMES", below="\n\nNAMES = ['ReLU', 'Dropout']\n"
    ),
    "table-by-name": asks("TABLE.get(type(m).__name__)", below="\n\nTABLE = {'Dropout': 1}\n"),
    "its-own-name": asks('m._get_name() == "Dropout"'),
    "shown": asks('"Dropout" in repr(m)'),
    "shown-type": asks('"dropout" in str(type(m))'),
    "table-that-is-asked-by-type": asks(
        "TABLE.get(type(m))", below="\n\nTABLE = {nn.Dropout: 1}\n"
    ),
    "list-within": function(
        "kinds = (nn.ReLU, nn.Dropout)", SWEEP, "    if isinstance(m, kinds):", f"        {OFF}"
    ),
    "another-name": asks("isinstance(m, Drop)", below="\n\nDrop = nn.Dropout\n"),
    "either": asks("isinstance(m, Drop)", below="\n\nDrop = nn.ReLU | nn.Dropout\n"),
    "asked-for-by-name": asks('isinstance(m, getattr(nn, "Dropout"))'),
    "dispatched": function(SWEEP, "    describe(m)")
    + "\n\n@functools.singledispatch\ndef describe(m):\n    pass\n\n\n"
    "@describe.register(nn.Dropout)\ndef _(m):\n    m.inplace = False\n",
    "dispatched-by-annotation": function(SWEEP, "    describe(m)")
    + "\n\n@functools.singledispatch\ndef describe(m):\n    pass\n\n\n"
    "@describe.register\ndef _(m: nn.Dropout):\n    m.inplace = False\n",
    "told-to-another-package": function("profile(model, custom_ops={nn.Dropout: count})"),
    "match": function(SWEEP, "    match m:", "        case nn.Dropout():", f"            {OFF}"),
    "attribute-of-the-layer": asks('hasattr(m, "inplace")'),
    "children": asks("isinstance(m, nn.Dropout)", sweep="for m in model.children():"),
    "named-children-of-children": function(
        "for name, m in model.named_children():",
        "    tool(m)",
        "    if isinstance(m, nn.Dropout):",
        "        setattr(model, name, nn.Identity())",
    ),
    "by-way-of-a-list": function(
        "every = list(model.modules())",
        "for m in every:",
        "    if isinstance(m, nn.Dropout):",
        f"        {OFF}",
    ),
    "element-of-a-list": function(
        "every = list(model.modules())",
        "if isinstance(every[3], nn.Dropout):",
        "    every[3].inplace = False",
    ),
    "element-of-what-may-be-of-another-type": asks(
        "(type(m) is Block or model) and type(m[2]) is nn.Dropout", below=BLOCK
    ),
    "element-of-what-is-not-of-another-type": function(
        SWEEP,
        "    if type(m) is Block:",
        "        pass",
        "    elif type(m[2]) is nn.Dropout:",
        f"        {OFF}",
        below=BLOCK,
    ),
    "element-of-what-is-compared-otherwise": asks(
        "type(m) is not Block and type(m[2]) is nn.Dropout", below=BLOCK
    ),
    "kind-that-is-given": function("return find(model, nn.Dropout)", below=FIND),
    "kind-that-is-given-by-name": function(
        "return find(kind=(nn.ReLU, nn.Dropout), model=model)", below=FIND
    ),
    "kind-that-is-a-default": f"{HEAD}\n\ndef tool(model, kind=nn.Dropout):\n    {SWEEP}\n"
    f"        if type(m) is kind:\n            {OFF}\n",
    "kind-that-is-handed-on": function(
        "return find(model, layer)", taken="model, layer=nn.Dropout", below=FIND
    ),
    "kind-in-a-variable": function("layer = nn.Dropout", "return find(model, layer)", below=FIND),
    "kinds-of-a-list-that-is-given": function("return find(model, KINDS)", below=FIND + KINDS),
    "kind-given-to-a-method": f"{HEAD}\n\nclass Tool:\n    def find(self, model, kind):\n"
    f"        {SWEEP}\n            if m.__class__ == kind:\n                {OFF}\n\n"
    "    def run(self, model):\n        self.find(model, nn.Dropout)\n",
    "kind-given-to-what-goes-down": f"{HEAD}\n\ndef swap(model, old, new):\n"
    "    for name, m in model.named_children():\n        if type(m) == old:\n"
    "            setattr(model, name, new)\n        swap(m, old, new)\n"
    "\n\ndef tool(model):\n    swap(model, nn.Dropout, nn.Identity())\n",
    "comprehension": function("return [m for m in model.modules() if isinstance(m, nn.Dropout)]"),
    "applied": f"{HEAD}\n\ndef off(m):\n    if isinstance(m, nn.Dropout):\n        {OFF}\n"
    "\n\ndef tool(model):\n    model.apply(off)\n",
    "type-kept": function(
        SWEEP, "    kind = type(m)", "    if kind is nn.Dropout:", f"        {OFF}"
    ),
    "class-kept": function(
        SWEEP, "    kind = m.__class__", "    if kind in KINDS:", f"        {OFF}", below=KINDS
    ),
    "type-kept-for-a-table": function(
        SWEEP,
        "    kind = type(m)",
        "    if kind in TABLE:",
        "        TABLE[kind](m)",
        below="\n\nTABLE = {nn.Dropout: print}\n",
    ),
    "type-kept-on-the-way": asks("(kind := type(m)) is nn.Dropout"),
    "name-of-a-type-that-is-kept": function(
        SWEEP, "    kind = type(m)", '    if kind.__name__ == "Dropout":', f"        {OFF}"
    ),
    "among-the-bases": asks("nn.Dropout in type(m).__mro__"),
    "kinds-by-name": asks(
        "isinstance(m, KINDS)",
        below='\n\nKINDS = tuple(getattr(nn, name) for name in ("ReLU", "Dropout"))\n',
    ),
    "kinds-gone-through": function(
        "for kind in (nn.ReLU, nn.Dropout):",
        f"    {SWEEP}",
        "        if isinstance(m, kind):",
        f"            {OFF}",
    ),
    "table-gone-through": function(
        SWEEP,
        "    for kind, rate in TABLE.items():",
        "        if type(m) is kind:",
        f"            {OFF}",
        below="\n\nTABLE = {nn.Dropout: 0.5}\n",
    ),
    "any-of-the-kinds": asks("any(isinstance(m, kind) for kind in KINDS)", below=KINDS),
    "kinds-that-an-object-is-given": f"{HEAD}\n\nclass Tool:\n    def __init__(self, kinds):\n"
    f"        self.kinds = kinds\n\n    def run(self, model):\n        {SWEEP}\n"
    f"            if isinstance(m, tuple(self.kinds)):\n                {OFF}\n"
    "\n\ndef tool(model):\n    Tool([nn.Dropout]).run(model)\n",
    "kinds-that-an-object-has": f"{HEAD}\n\nclass Tool:\n    def __init__(self):\n"
    f"        self.kinds = [nn.Dropout]\n\n    def run(self, model):\n        {SWEEP}\n"
    f"            if type(m) in self.kinds:\n                {OFF}\n",
    "set-in-a-set": asks("type(m) in KEPT", below="\n\nKEPT = frozenset([nn.Dropout, nn.ReLU])\n"),
    "registered-by-a-decorator": function(
        SWEEP,
        "    CONVERT[type(m)](m)",
        below="\n\nCONVERT = {}\n\n\ndef converts(kind):\n"
        "    def keep(f):\n        CONVERT[kind] = f\n        return f\n    return keep\n\n\n"
        f"@converts(nn.Dropout)\ndef convert(m):\n    {OFF}\n",
    ),
    "registered-by-its-name": function(
        SWEEP,
        "    name = type(m).__name__",
        "    if name in CONVERT:",
        "        CONVERT[name](m)",
        below="\n\nCONVERT = {}\n\n\ndef converts(kind):\n"
        "    def keep(f):\n        CONVERT[kind] = f\n        return f\n    return keep\n\n\n"
        f"@converts('Dropout')\ndef convert(m):\n    {OFF}\n",
    ),
    "visited-by-its-name": f"{HEAD}\n\nclass Visitor:\n    def visit(self, m):\n"
    '        getattr(self, f"visit_{type(m).__name__}", self.down)(m)\n\n'
    "    def down(self, m):\n        for one in m.children():\n            self.visit(one)\n\n"
    f"    def visit_Dropout(self, m):\n        {OFF}\n",
    "visited-in-small-letters-by-a-subclass": f"{HEAD}\n\nclass Visitor:\n    def visit(self, m):\n"
    '        name = "visit_" + m.__class__.__name__.lower()\n'
    "        return getattr(self, name, self.down)(m)\n\n"
    "    def down(self, m):\n        for one in m.children():\n            self.visit(one)\n\n\n"
    f"class Off(Visitor):\n    def visit_dropout(self, m):\n        {OFF}\n",
    "function-of-that-name": function(
        SWEEP,
        '    globals().get("convert_%s" % type(m).__name__, print)(m)',
        below=f"\n\ndef convert_Dropout(m):\n    {OFF}\n",
    ),
    "type-as-a-text": asks("str(type(m)) == \"<class 'torch.nn.modules.dropout.Dropout'>\""),
    "file-of-the-type": asks('type(m).__module__ == "torch.nn.modules.dropout"'),
    "file-of-the-layer": asks('m.__module__.startswith("torch.nn.modules.dropout")'),
    "told-to-a-quantizer": function("quantize_dynamic(model, {nn.Linear, nn.Dropout})"),
    "told-to-a-mapping-in-a-chain": function(
        "return QConfigMapping().set_object_type(nn.Dropout, None).set_global(model)"
    ),
    "told-in-a-table-of-types": function(
        'prepare(model, {"": None, "object_type": [(nn.Dropout, None)]})'
    ),
    "setting-of-each": function(SWEEP, f"    {OFF}"),
    "setting-of-each-that-has-it": function(
        SWEEP, "    try:", f"        {OFF}", "    except AttributeError:", "        pass"
    ),
    "setting-applied": f"{HEAD}\n\ndef off(m):\n    if hasattr(m, 'inplace'):\n        {OFF}\n"
    "\n\ndef tool(model):\n    model.apply(off)\n",
    "setting-applied-by-a-lambda": function('model.apply(lambda m: setattr(m, "inplace", False))'),
    "setting-among-its-own": asks('"inplace" in m.__dict__'),
    "setting-among-its-variables": asks('"inplace" in vars(m)'),
    "setting-among-its-names": asks('"inplace" in dir(m)'),
    "setting-out-of-its-table": asks('m.__dict__.get("inplace")'),
    "setting-put-into-its-table": function(SWEEP, '    m.__dict__["inplace"] = False'),
    "types-kept-in-a-table": function(
        "by = {}",
        SWEEP,
        "    by.setdefault(type(m), []).append(m)",
        "return by[nn.Dropout]",
    ),
    "types-kept-in-a-table-of-another-function": function(
        "by = defaultdict(list)", SWEEP, "    by[type(m)].append(m)", "return by", name="group"
    )
    + "\n\ndef tool(model):\n    return group(model).get(nn.Dropout)\n",
    "types-counted": function(
        "counted = Counter(type(m) for m in model.modules())", "return counted[nn.Dropout]"
    ),
    "types-counted-where-applied": function(
        "counted = Counter()",
        "def visit(m):",
        "    counted[m.__class__] += 1",
        "model.apply(visit)",
        "return counted[nn.Dropout]",
    ),
    "names-of-types-counted": function(
        "counted = Counter(type(m).__name__ for m in model.modules())",
        'assert counted["Dropout"] == 1',
    ),
    "among-the-types": function("return nn.Dropout in {type(m) for m in model.modules()}"),
    "among-the-types-by-map": function("return nn.Dropout in map(type, model.modules())"),
    "types-that-are-expected": function(
        "kinds = set()",
        SWEEP,
        "    kind = type(m)",
        "    kinds.add(kind)",
        "assert kinds == {nn.Linear, nn.Dropout}",
    ),
    "kind-looked-up": asks("isinstance(m, KIND)", below='\n\nKIND = getattr(nn, "Dropout")\n'),
    "kind-looked-up-by-a-constant": asks(
        "isinstance(m, getattr(nn, NAME))", below='\n\nNAME = "Dropout"\n'
    ),
    "kinds-looked-up-by-names": function(
        "kinds = tuple(getattr(torch.nn, name) for name in NAMES)",
        SWEEP,
        "    if isinstance(m, kinds):",
        f"        {OFF}",
        below='\n\nNAMES = ["ReLU", "Dropout"]\n',
    ),
    "kind-looked-up-by-an-argument": function(
        "kind = getattr(nn, name)",
        SWEEP,
        "    if type(m) is kind:",
        f"        {OFF}",
        taken="model, name",
        below='\n\ndef run(model):\n    tool(model, "Dropout")\n',
    ),
    "kind-located": asks('isinstance(m, locate("torch.nn.Dropout"))'),
    "kind-of-an-imported-module": function(
        'home, _, name = path.rpartition(".")',
        "kind = getattr(importlib.import_module(home), name)",
        SWEEP,
        "    if isinstance(m, kind):",
        f"        {OFF}",
        taken='model, path="torch.nn.Dropout"',
    ),
    "kind-of-an-imported-package": asks(
        "isinstance(m, KIND)", below='\n\nKIND = import_module("torch.nn").Dropout\n'
    ),
    "kind-out-of-the-package-s-table": asks('isinstance(m, nn.__dict__["Dropout"])'),
    "told-to-a-quantizer-of-graphs": function("quantizer.set_module_type(nn.Dropout, model)"),
    "told-to-a-configuration": function(
        "PrepareCustomConfig().set_non_traceable_module_classes([nn.Dropout])"
    ),
    "partitions-of-a-graph": function("get_source_partitions(model.graph, [nn.Dropout])"),
    "name-of-what-was-scripted": function(
        "for m in torch.jit.script(model).children():", '    assert m.original_name != "Dropout"'
    ),
    "private-and-given-any-model": f"{HEAD}\n\ndef _off(model):\n    {SWEEP}\n"
    f"        if isinstance(m, nn.Dropout):\n            {OFF}\n"
    "\n\ndef tool(model):\n    _off(model)\n",
    "private-and-for-all-below": f"{HEAD}from net import Net\n\n\ndef _off(model):\n"
    "    for m in model.children():\n        _off(m)\n        if type(m) is nn.Dropout:\n"
    f"            {OFF}\n\n\ndef tool():\n    _off(Holder(Net()))\n\n\n"
    "class Holder(nn.Module):\n    def __init__(self, net):\n        super().__init__()\n"
    "        self.net = net\n",
    "private-and-given-this": f"{HEAD}from net import Net\n\n\ndef _off(model):\n    {SWEEP}\n"
    f"        if isinstance(m, nn.Dropout):\n            {OFF}\n"
    "\n\ndef tool():\n    _off(Net())\n",
}


@pytest.mark.parametrize("other", FINDS_THIS.values(), ids=FINDS_THIS)
def test_stays_where_other_code_may_find_it(other: str) -> None:
    line = f"{DROP}  #! swept-by-type"
    stays(ModuleToFunctional, net(CALL, init=(FC, line), head=NO_F), files={"other.py": other})


FINDS_OTHERS = {
    "other-names": asks("type(m).__name__ in NAMES", below="\n\nNAMES = ['ReLU', 'GELU']\n"),
    "another-name": asks("isinstance(m, Act)", below="\n\nAct = nn.ReLU\n"),
    "table-of-makers": function("return {'drop': nn.Dropout}[model]"),
    "list-of-layers-within": function("layers = [nn.Dropout(0.1)]", "return layers + model"),
    "shown-numbers": function(SWEEP, '    print(str(m.width) + "Dropout")'),
    "another-layer": asks("isinstance(m, nn.Dropout2d)"),
    "base-of-other-layers": asks("isinstance(m, nn.modules.pooling._MaxPoolNd)"),
    "what-is-held-as-another-attribute": function(
        "if isinstance(model.tanh, nn.Dropout):", "    model.tanh = nn.Identity()"
    ),
    "layers-of-its-own": method(
        "for m in self.modules():", "    if isinstance(m, nn.Dropout):", f"        {OFF}"
    ),
    "elements-of-a-list-of-its-own": method(
        "for m in self.layers:", "    if isinstance(m, nn.Dropout):", f"        {OFF}"
    ),
    "elements-of-what-it-is-given": method(
        "for m in layers:", "    if isinstance(m, nn.Dropout):", f"        {OFF}"
    ),
    "what-its-constructor-is-given": method("self.drops = isinstance(layers, nn.Dropout)"),
    "what-is-made-there": function("m = nn.Dropout()", "return isinstance(m, nn.Dropout)"),
    "private-and-given-others": method("_off(self)")
    + f"\n\ndef _off(model):\n    {SWEEP}\n        if isinstance(m, nn.Dropout):\n"
    f"            {OFF}\n",
    "part-of-the-name-of-others": asks('type(m).__name__.startswith("Conv")'),
    "another-kind-that-is-given": function("return find(model, nn.Conv2d)", below=FIND),
    "what-is-asked-of-the-class-itself": f"{HEAD}\n\nclass Kind:\n    def is_of(self, model):\n"
    f"        {SWEEP}\n            return isinstance(m, self)\n\n\nKind().is_of()\n",
    "kind-given-for-something-else": function(
        "return find(model, nn.Conv2d), make(nn.Dropout)", below=FIND
    ),
    "element-of-another-type": function(
        SWEEP,
        "    if type(m) is Block:",
        "        if len(m) == 3 and type(m[2]) is nn.Dropout:",
        f"            {OFF}",
        below=BLOCK,
    ),
    "element-of-another-type-in-one-condition": asks(
        "type(m) == Block and type(m[2]) is nn.Dropout", below=BLOCK
    ),
    "element-of-an-instance-of-another": asks(
        "isinstance(m, Block) and isinstance(m[-1], nn.Dropout)", below=BLOCK
    ),
    "element-of-one-of-two-types": function(
        SWEEP,
        "    if type(m) is Block or m.__class__ in (nn.Sequential, nn.ModuleList):",
        "        if type(m[2]) is nn.Dropout:",
        f"            {OFF}",
        below=BLOCK,
    ),
    "other-type-kept": function(
        SWEEP, "    kind = type(m)", "    if kind is nn.ReLU:", f"        {OFF}"
    ),
    "type-of-another-kept": function(
        SWEEP, "    kind = make(m)", "    if kind is nn.Dropout:", "        print(m)"
    ),
    "other-kinds-gone-through": function(
        "for kind in (nn.ReLU, nn.GELU):",
        f"    {SWEEP}",
        "        if isinstance(m, kind):",
        f"            {OFF}",
    ),
    "other-kinds-that-an-object-is-given": f"{HEAD}\n\nclass Tool:\n"
    "    def __init__(self, kinds):\n"
    f"        self.kinds = kinds\n\n    def run(self, model):\n        {SWEEP}\n"
    f"            if isinstance(m, tuple(self.kinds)):\n                {OFF}\n"
    "\n\ndef tool(model):\n    Tool([nn.ReLU]).run(model), nn.Dropout(0.1)\n",
    "set-of-layers-to-build": function(
        "return sorted({nn.Dropout, nn.ReLU}, key=str)", taken="kind"
    ),
    "layer-that-a-test-is-run-with": f"{HEAD}import pytest\n\n\n"
    '@pytest.mark.parametrize("layer", nn.Dropout)\ndef test(layer):\n    layer()\n',
    "kernel-of-that-name": function("pass")
    + '\n\n@use_kernel("Dropout")\nclass Kernel:\n    pass\n',
    "visits-others-by-name": f"{HEAD}\n\nclass Visitor:\n    def visit(self, m):\n"
    '        getattr(self, f"visit_{type(m).__name__}", self.down)(m)\n\n'
    "    def down(self, m):\n        for one in m.children():\n            self.visit(one)\n\n"
    "    def visit_Conv2d(self, m):\n        pass\n",
    "visits-trees": f"{HEAD}\n\nclass Visitor:\n    def visit(self, kind):\n"
    '        getattr(self, "visit_" + kind)()\n\n    def visit_Dropout(self):\n        pass\n',
    "other-layers-to-a-quantizer": function("quantize_dynamic(model, {nn.Linear, nn.LSTM})"),
    "file-of-other-layers": asks('type(m).__module__ == "torch.nn.modules.conv"'),
    "setting-of-one-kind": asks("isinstance(m, nn.ReLU)"),
    "setting-of-all-but-some": function(
        SWEEP, "    if not isinstance(m, nn.Conv2d):", "        continue", f"    {OFF}"
    ),
    "setting-of-those-of-a-name": function(
        "for n, m in model.named_modules():", '    if n == "conv":', f"        {OFF}"
    ),
    "setting-of-another-object": function("config.inplace = False", taken="config"),
    "setting-of-what-is-given-to-a-function": function("m.inplace = False", taken="m"),
    "setting-of-all-of-a-list": function("for m in steps:", f"    {OFF}", taken="steps"),
    "types-kept-and-another-asked-for": function(
        "by = {}",
        SWEEP,
        "    by.setdefault(type(m), []).append(m)",
        "return by[nn.Linear], {nn.Dropout: 1}",
    ),
    "names-of-types-kept-and-another-asked-for": function(
        "counted = Counter(type(m).__name__ for m in model.modules())",
        'return counted["Linear"], "Dropout"',
    ),
    "types-of-values-kept": function(
        "by = {}",
        "for one in values.children:",
        "    by[type(one)] = one",
        "return by[nn.Dropout]",
        taken="values: int",
    ),
    "kind-looked-up-to-be-made": function(
        "layers = list(model.modules())", 'return getattr(nn, "Dropout")(0.1), layers'
    ),
    "another-kind-looked-up": asks(
        "isinstance(m, getattr(nn, NAME))", below='\n\nNAME = "Linear"\n'
    ),
    "another-setting-among-its-own": asks('"running_mean" in m.__dict__'),
    "setting-of-a-table": function('return "inplace" in model', taken="model"),
    "a-type-that-is-given": function("return kind in (nn.Dropout, nn.ReLU)", taken="kind"),
}


@pytest.mark.parametrize("other", FINDS_OTHERS.values(), ids=FINDS_OTHERS)
def test_is_not_held_back_by(other: str) -> None:
    holds(
        ModuleToFunctional,
        net(CALL, init=(FC, DROP), head=NO_F),
        net("return F.dropout(self.fc(x), 0.1, training=self.training, inplace=True)"),
        files={"other.py": other},
    )


def test_a_loss_is_not_held_back_by_what_looks_for_weights() -> None:
    other = function(SWEEP, '    if getattr(m, "weight", None) is not None:', "        f(m)")
    before = net("return self.loss(x, self.fc(x))", init=(FC, "self.loss = nn.BCEWithLogitsLoss()"))
    after = net("return F.binary_cross_entropy_with_logits(x, self.fc(x))")
    holds(ModuleToFunctional, before, after, files={"other.py": other})
