"""fix-functional-name and fix-super-init: what may be right as it is, then what is mended."""

from __future__ import annotations

import pytest
import torch
from marked_cases import HEAD, NO_F, holds, net, stays

from codemod import Transform
from codemod.testing import check_examples, confirm_rewrite
from codemod.transforms.fix_functional_name import FixFunctionalName
from codemod.transforms.fix_super_init import FixSuperInit

FC = ("self.fc = nn.Linear(4, 4)",)


@pytest.mark.parametrize("transform", [FixFunctionalName, FixSuperInit])
def test_examples(transform: type[Transform]) -> None:
    check_examples(transform)


RIGHT_NAMES = {
    "functional": net("return F.relu(x)"),
    "in-place-functional": net("return F.relu_(x)"),
    "functional-of-no-pair": net("return F.conv2d(x, x)"),
    "layer-that-is-built": net("act = nn.ReLU(True)", "return act(x)"),
    "layer-with-a-flag": net("return nn.ReLU(inplace)(x)"),
    "layer-kept": net("return x", init=("self.act = nn.ReLU(flag)",), taken="flag"),
    "builder": net("return x") + "\n    def make(self, x):\n        return nn.ReLU(x)\n",
    "another-f": net("return F.ReLU(x)", head=NO_F + "import functional as F\n"),
    "local-f": net("F = self.f", "return F.ReLU(x)"),
    "layer-with-settings": net("return nn.Softmax(x)"),
}


@pytest.mark.parametrize("source", RIGHT_NAMES.values(), ids=RIGHT_NAMES)
def test_leaves_names_that_exist(source: str) -> None:
    stays(FixFunctionalName, source)


UNCLEAR = {
    "flatten-begins-elsewhere": net("return F.Flatten(x)  #! several-meanings"),
    "arguments-fit-nothing": net("return F.ReLU(x, 1, 2, 3)  #! several-meanings"),
    "stars": net("return F.Dropout(*x)  #! several-meanings"),
}


@pytest.mark.parametrize("source", UNCLEAR.values(), ids=UNCLEAR)
def test_refuses_to_guess(source: str) -> None:
    stays(FixFunctionalName, source)


NAMES = {
    "capitals": ("F.ReLU(x)", "F.relu(x)"),
    "dropout": ("F.Dropout(x, 0.5, self.training)", "F.dropout(x, 0.5, self.training)"),
    "underscores": ("F.maxpool2d(x, 2)", "F.max_pool2d(x, 2)"),
    "loss": ("F.CrossEntropyLoss(x, x)", "F.cross_entropy(x, x)"),
    "another-package": ("F.Sigmoid(x)", "torch.sigmoid(x)"),
    "layer-meant": ("F.ReLU()(x)", "nn.ReLU()(x)"),
    "layer-given-a-tensor": ("self.fc(nn.ReLU(self.fc(x)))", "self.fc(F.relu(self.fc(x)))"),
    "layer-that-takes-nothing": ("nn.Tanh(x)", "torch.tanh(x)"),
}


@pytest.mark.parametrize(("before", "after"), NAMES.values(), ids=NAMES)
def test_writes_what_was_meant(before: str, after: str) -> None:
    keep = "F.elu(x) + torch.ones(1) + "
    wanted = net(f"return {keep}{after}", head=HEAD)
    plan = holds(FixFunctionalName, net(f"return {keep}{before}", head=HEAD), wanted)
    assert not plan.rewrites[0].contract.changes_behaviour


def test_a_layer_made_of_a_functional() -> None:
    before = net("return self.act(x) + F.elu(x)", init=("self.act = F.ReLU(inplace=True)",))
    holds(FixFunctionalName, before, before.replace("F.ReLU", "nn.ReLU"))


def sup(line: str, *, head: str = NO_F, below: str = "", bases: str = "nn.Module") -> str:
    text = net("return self.fc(x)", init=FC, head=head) + below
    text = text.replace("super().__init__()", line, 1)
    return text.replace("Net(nn.Module)", f"Net({bases})")


RIGHT_SUPER = {
    "plain": sup("super().__init__()"),
    "explicit-base": sup("nn.Module.__init__(self)"),
    "another-method": sup("super().__init__()").replace(
        "self.fc(x)", "super(Net, self).forward(x)"
    ),
}


@pytest.mark.parametrize("source", RIGHT_SUPER.values(), ids=RIGHT_SUPER)
def test_leaves_other_forms(source: str) -> None:
    stays(FixSuperInit, source)


BASE = "\n\nclass Base(nn.Module):\n    pass\n"
REFUSED_SUPER = {
    "passes-a-base-over": sup(
        "super(Base, self).__init__()  #! skips-a-base", bases="Base", below=BASE
    ),
    "a-class-inherits-from-both": sup(
        "super(Base, self).__init__()  #! may-be-right",
        below=BASE + "\n\nclass Both(Net, Base):\n    pass\n",
    ),
    "class-from-elsewhere": sup(
        "super(Other, self).__init__()  #! may-be-right", head=NO_F + "from other import Other\n"
    ),
    "class-is-computed": sup("super(type(self), self).__init__()  #! may-be-right"),
    "another-object": sup("super(Net, other).__init__()  #! may-be-right"),
    "decorated-class": sup("super(Net, self).__init__()  #! rewritten-class").replace(
        "class Net", "@register\nclass Net"
    ),
    "in-a-function-within": sup(
        "def run():\n            super(Net, self).__init__()  #! no-self\n        run()"
    ),
}


@pytest.mark.parametrize("source", REFUSED_SUPER.values(), ids=REFUSED_SUPER)
def test_refuses_what_may_be_meant(source: str) -> None:
    stays(FixSuperInit, source)


SUPER = {
    "python-2-form": ("super(Net, self).__init__()", False),
    "of-the-object": ("super(self.__class__, self).__init__()", False),
    "unbound": ("super(Net).__init__()", True),
    "wrong-class": ("super(Base, self).__init__()", True),
    "class-that-does-not-exist": ("super(Alexnet, self).__init__()", True),
}


@pytest.mark.parametrize(("line", "mends"), SUPER.values(), ids=SUPER)
def test_writes_the_plain_form(line: str, mends: bool) -> None:
    plan = holds(FixSuperInit, sup(line, below=BASE), sup("super().__init__()", below=BASE))
    assert ("raises-before" in plan.rewrites[0].contract.changes.values()) is mends


def test_a_repair_is_confirmed_by_a_run_that_raised_and_one_that_does_not() -> None:
    text = sup("super(Base, self).__init__()", below=BASE)
    with pytest.raises(TypeError):
        exec(text + "\nNet()", {})
    broken = text.replace("self.fc(x)", "F.ReLU(self.fc(x))").replace(NO_F, HEAD)
    report = confirm_rewrite(FixSuperInit, {"net.py": text})
    assert [outcome.verdict.kind for outcome in report.outcomes] == ["confirmed"]
    assert report.outcomes[0].would_write
    evidence = report.outcomes[0].verdict.evidence
    assert evidence is not None
    assert evidence.aspects["eval"] == "changed-as-declared"
    report = confirm_rewrite(FixSuperInit, {"net.py": broken})
    assert [outcome.verdict.kind for outcome in report.outcomes] == ["unconfirmed"]


def test_a_repair_of_what_ran_is_not_confirmed() -> None:
    text = net("return x if x.ndim < 9 else F.ReLU(x)", init=FC)
    report = confirm_rewrite(FixFunctionalName, {"net.py": text})
    assert [outcome.verdict.kind for outcome in report.outcomes] == ["unconfirmed"]


def test_other_classes_of_the_file_are_judged_as_strictly() -> None:
    torch.manual_seed(0)
    text = net("return F.ReLU(self.fc(x))", init=FC).replace("class Net", "class Broken")
    report = confirm_rewrite(FixFunctionalName, {"net.py": text})
    assert report.outcomes[0].verdict.kind == "confirmed"
    evidence = report.outcomes[0].verdict.evidence
    assert evidence is not None
    assert evidence.aspects["state_dict"] == "equal"
