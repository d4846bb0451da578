"""What looks at modules from outside: what is none of it first."""

from __future__ import annotations

import textwrap

import pytest
from project_of import project_of

from codemod.semantics.observers import Observer

NOTHING = {
    "goes-over-all-and-looks-for-a-type": "for m in model.modules():\n    isinstance(m, A)",
    "initialises-weights": "for name, m in model.named_modules():\n    init(m)",
    "looks-up-by-name": "dict(model.named_modules())[name](x)",
    "replaces-by-name": "for n, c in model.named_children():\n    model._modules[n] = convert(c)",
    "kind-put-into-another": "for n, c in model.named_children():\n"
    "    if isinstance(c, nn.Linear):\n        setattr(model, n, Wrapper(c))",
    "one-kind-of-a-list": "all = [m for m in model.modules() if isinstance(m, nn.Conv2d)]\nall[1]",
    "two-models-alike": "for a, b in zip(m.modules(), n.modules()):\n    b.training = a.training",
    "modes-put-back": "for a, mode in zip(m.modules(), modes):\n    a.training = mode",
    "kind-counted": "for m in model.modules():\n    if not isinstance(m, nn.Linear):\n"
    "        continue\n    count += 1",
    "list-gone-through": "all = [m for m in model.modules()]\nfor m in all:\n    init(m)",
    "texts-of-all": "[m.extra_repr() for m in model.modules()][0]",
    "rebuilds-the-same": "for n, c in model.named_children():\n    out.add_module(n, convert(c))",
    "takes-containers-apart": "for c in model.children():\n    if isinstance(c, nn.Sequential):\n"
    "        for m in c:\n            init(m)",
    "asks-by-name": "for n in model._modules:\n    init(model._modules[n])",
    "goes-down": "for c in model.children():\n    visit(c)",
    "in-a-known-container": "if isinstance(m, nn.Sequential):\n    return list(m.children())[0]",
    "asks-for-a-leaf": "if next(m.children(), None):\n    pass",
    "asks-for-no-children": "if len(list(m.children())) == 0:\n    pass",
    "asks-for-children": "if not len(m._modules):\n    pass",
    "python-modules": "sys.modules['a']",
    "other-children": "node.children[0]",
    "hooks-by-name": "for n, m in model.named_modules():\n    if n in wanted:\n"
    "        m.register_forward_hook(hook)",
    "hooks-leaves-of-a-kind": "for m in model.modules():\n"
    "    if not list(m.children()) and isinstance(m, nn.Linear):\n"
    "        m.register_forward_hook(hook)",
    "hooks-leaves-of-some-names": "for n, m in model.named_modules():\n"
    "    if n in wanted and not m._modules:\n        m.register_forward_hook(hook)",
    "hooks-what-has-weights": "for m in model.modules():\n    if list(m.parameters(False)):\n"
    "        m.register_forward_hook(hook)",
    "copies-the-mode": "out.training = module.training",
    "sets-all-modes": "for m in model.modules():\n    m.training = mode",
    "puts-modes-back": "for m, mode in saved:\n    m.training = mode",
    "compares-the-mode": "assert model.training == False",
}


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING)
def test_what_sees_no_change_of_structure(body: str) -> None:
    assert observers(body) == []


SEEN = {
    "sliced": ("list(model.children())[:-1]", "positions"),
    "unpacked": ("nn.Sequential(*model.children())", "positions"),
    "unpacked-list": ("nn.Sequential(*list(model.children())[:-2])", "positions"),
    "counted": ("len(list(model.children()))", "in-order"),
    "counted-in-modules": ("len(model._modules)", "in-order"),
    "first-one": ("next(iter(model.children()))", "in-order"),
    "kept-and-sliced": ("layers = list(model.children())\nreturn layers[:3]", "positions"),
    "passed-on": ("f(list(model._modules.values()))", "positions"),
    "run-in-order": ("for layer in model.children():\n    x = layer(x)", "in-order"),
    "run-by-name": ("for n, layer in model._modules.items():\n    x = layer(x)", "in-order"),
    "collected": ("[name for name, _ in model.named_children()]", "in-order"),
    "appended": ("for c in model.children():\n    layers.append(c)", "in-order"),
    "each-gone-through": (
        "for c in model.children():\n    for m in c:\n        init(m)",
        "in-order",
    ),
    "each-gone-through-by-name": (
        "for n in model._modules:\n    for m in model._modules[n]:\n        init(m)",
        "in-order",
    ),
    "first-of-each": ("for c in model.children():\n    init(c[0])", "in-order"),
    "one-of-all": ("list(model.modules())[3]", "in-depth"),
    "each-put-into-another": (
        "for n, c in model.named_children():\n    setattr(model, n, Wrapper(c))",
        "all-hooked",
    ),
    "leaf-of-a-list": (
        "leaves = [m for m in model.modules() if not list(m.children())]\nleaves[3].eval()",
        "in-depth",
    ),
    "all-but-containers-of-a-list": (
        "[m for m in model.modules() if not isinstance(m, nn.Sequential)][2]",
        "in-depth",
    ),
    "leaf-of-a-list-that-grows": (
        "def f():\n    all = []\n    for m in model.modules():\n        if not any(m.children()):\n"
        "            all.append(m)\n    return all[1]",
        "in-depth",
    ),
    "all-hooked": ("for m in model.modules():\n    m.register_forward_hook(f)", "all-hooked"),
    "leaves-hooked": (
        "for m in model.modules():\n    if not list(m.children()):\n"
        "        m.register_forward_hook(f)",
        "all-hooked",
    ),
    "leaves-hooked-by-going-on": (
        "for n, m in model.named_modules():\n    if len(m._modules) > 0:\n        continue\n"
        "    m.register_forward_hook(f)",
        "all-hooked",
    ),
    "last-one-kept": ("for c in model.children():\n    self.last = c", "in-order"),
    "all-hooked-at-once": (
        "[m.register_forward_pre_hook(f) for _, m in model.named_modules()]",
        "all-hooked",
    ),
    "one-hooked": ("model.register_forward_hook(f)", "hooked"),
    "mode-set": ("model.training = False", "mode"),
    "mode-set-by-name": ("setattr(model, 'training', False)", "mode"),
    "mode-set-in-dict": ("model.__dict__['training'] = False", "mode"),
}


@pytest.mark.parametrize(("body", "kind"), SEEN.values(), ids=SEEN)
def test_what_sees_a_change_of_structure(body: str, kind: str) -> None:
    assert {one.kind for one in observers(body)} == {kind}


MADE = {
    "parameter": ("", ("",)),
    "other-package": ("model = torchvision.resnet18()", ("torchvision.resnet18",)),
    "either": ("model = A() if x else B()", ("",)),
    "two-makers": ("model = A()\nmodel = B()", ("A", "B")),
    "loop": ("for model in models: pass", ("",)),
}


@pytest.mark.parametrize(("line", "made_by"), MADE.values(), ids=MADE)
def test_what_the_receiver_was_made_by(line: str, made_by: tuple[str, ...]) -> None:
    parameters = "" if line else "model"
    (found,) = observers(f"{line}\nlist(model.children())[0]", parameters)
    assert found.made_by == made_by


PARTS = {
    "attribute": ("len(self.body._modules)", True),
    "given-by-a-loop": ("for b in self.blocks:\n    len(b._modules)", True),
    "itself": ("len(self._modules)", False),
    "of-another": ("len(model.body._modules)", True),
}


@pytest.mark.parametrize(("body", "part"), PARTS.values(), ids=PARTS)
def test_parts(body: str, part: bool) -> None:
    (found,) = observers(body, "self, model")
    assert found.part is part


def test_owners_are_named_as_the_classes_are() -> None:
    files = {
        "a.py": """
        class A:
            class B:
                def f(self):
                    len(self._modules)
            def g(self):
                class C:
                    def h(self):
                        len(self._modules)
    """
    }
    project = project_of(files)
    assert [one.owner for _, one in project.observers] == ["A.B", "A.g.<locals>.C"]
    assert {one.owner for _, one in project.observers} < {name for _, name in project.classes}


def observers(body: str, parameters: str = "model, x") -> list[Observer]:
    text = f"def f({parameters}):\n{textwrap.indent(body.strip(), '    ')}\n"
    return [one for _, one in project_of({"a.py": text}).observers]
