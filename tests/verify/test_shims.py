"""Old names, missing weights, code for a GPU: stood in for where the project needs it, and said."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from codemod.verify.environment import TargetEnvironment, find_python
from codemod.verify.pool import WorkerPool

HEADER = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)
"""

RUN_WITHOUT: dict[str, tuple[str, str]] = {
    "a-part-of-torch-that-never-was": ("import torch.absent", "import-failed"),
    "optional-old-name": (
        "try:\n    from collections import Mapping\n    raise RuntimeError\n"
        "except ImportError:\n    pass",
        "",
    ),
    "name-of-python-2-that-is-asked-for": (
        "try:\n    unicode\n    raise RuntimeError\nexcept NameError:\n    unicode = str",
        "",
    ),
    "name-of-python-2-that-the-file-binds": (
        "def long(text): return text * 3\nassert long('a') == 'aaa'",
        "",
    ),
    "name-that-never-was-built-in": (
        "def first(): return izip\ntry:\n    first()\n    raise RuntimeError\n"
        "except LookupError:\n    pass\nexcept Exception as error:\n"
        "    assert type(error).__name__ == 'Name' + 'Error'",
        "",
    ),
    "optional-missing-name": (
        "try:\n    from yaml import absent\n    raise RuntimeError\nexcept ImportError:\n    pass",
        "",
    ),
}

SHIMS: dict[str, tuple[str, str]] = {
    "normalisation-that-asks-the-base-class": (
        "class Norm(nn.modules.batchnorm._BatchNorm):\n"
        "    def _check_input_dim(self, input):\n"
        "        super()._check_input_dim(input)\n"
        "assert Norm(3)(torch.zeros(2, 3, 4)).shape == (2, 3, 4)\n"
        "try:\n    Norm(3)(torch.zeros(2, 4, 4))\n    raise RuntimeError\n"
        "except ValueError:\n    pass",
        "torch.nn.modules.batchnorm._BatchNorm._check_input_dim (no longer there)",
    ),
    "python-2": (
        "def kinds(): return (int, long), unicode, reduce(lambda a, b: a + b, xrange(4))\n"
        "assert kinds() == ((int, int), str, 6) and not isinstance(None, basestring)",
        "xrange (built into Python 2)",
    ),
    "lightning-module": (
        "import pytorch_lightning as pl\n"
        "class Base(pl.LightningModule):\n"
        "    def __init__(self, width=2, *more, rate=0.1, **rest):\n"
        "        super().__init__()\n"
        "        self.save_hyperparameters(ignore=['more', 'secret'])\n"
        "        self.layer = nn.Linear(self.hparams.width, 1)\n"
        "    def forward(self, x):\n"
        "        self.log('loss', 1.0, prog_bar=True)\n"
        "        return self.layer(x.to(self.device, self.dtype))\n"
        "class Lit(Base):\n"
        "    def __init__(self, depth, width=3, secret=1):\n"
        "        super().__init__(width, rate=0.2, kind='a')\n"
        "model = Lit(4)\n"
        "assert model.hparams == dict(width=3, rate=0.2, kind='a', depth=4)\n"
        "assert model(torch.ones(2, 3)).shape == (2, 1) and model.trainer is None\n"
        "assert list(model.state_dict()) == ['layer.weight', 'layer.bias']\n"
        "import argparse, copy\n"
        "model.hparams = argparse.Namespace(width=5)\n"
        "assert copy.deepcopy(model).hparams.width == 5\n"
        "model.save_hyperparameters({'width': 6})\n"
        "assert model.hparams.width == 6 and 'depth' not in model.hparams\n"
        "model.save_hyperparameters('other')\n"
        "assert model.hparams == {'width': 6}",
        "pytorch_lightning.LightningModule (a plain module)",
    ),
    "number-of-a-missing-package": (
        "from imported import STATES, Policy\nimport imported\n"
        "imported.Policy = lambda: nn.Linear(imported.STATES, 2)",
        "STATES = 4 (what absent_gym would give)",
    ),
    "file-of-the-project": (
        "import io, numpy, pathlib\n"
        "assert open('cfg/net.cfg').read() == io.open('cfg/net.cfg').read() == '1 2'\n"
        "assert numpy.loadtxt('cfg/net.cfg').tolist() == [1, 2]\n"
        "assert pathlib.Path('cfg/net.cfg').read_text() == '1 2'\n"
        "for mode in ('w', 'a', 'r+', 'x'):\n"
        "    try:\n        open('cfg/net.cfg', mode)\n        raise RuntimeError\n"
        "    except FileNotFoundError:\n        pass\n"
        "try:\n    open('cfg/absent.cfg')\n    raise RuntimeError\n"
        "except FileNotFoundError as error:\n    assert error.filename == 'cfg/absent.cfg'\n"
        "import numpy as np\nnp.int",
        "numpy.int (no longer there)",
    ),
    "torch-six": (
        "from torch._six import container_abcs, string_classes, inf\n"
        "assert isinstance('a', string_classes) and inf > 1e300",
        "torch._six (no longer there)",
    ),
    "numpy-int": (
        "import numpy as np\nassert np.zeros(2, dtype=np.int).dtype == int",
        "numpy.int (no longer there)",
    ),
    "numpy-float-used-late": (
        "import numpy as np\ndef half(): return np.float(3) / 2\nassert half() == 1.5",
        "numpy.float (no longer there)",
    ),
    "collections": (
        "from collections import Iterable\nassert isinstance([], Iterable)",
        "collections.Iterable (no longer there)",
    ),
    "collections-attribute": (
        "import collections\nassert isinstance({}, collections.Mapping)",
        "collections.Mapping (no longer there)",
    ),
    "rfft": (
        "y = torch.rfft(torch.tensor([1.0, 2.0, 3.0, 4.0]), 1)\n"
        "assert y.tolist() == [[10, 0], [-2, 2], [-2, 0]]\n"
        "assert torch.irfft(y, 1, signal_sizes=(4,)).tolist() == [1, 2, 3, 4]",
        "torch.rfft (no longer there)",
    ),
    "removed-part-of-torch": ("from torch.utils.ffi import create_extension", "torch.utils.ffi"),
    "tensorboard": (
        "from torch.utils.tensorboard import SummaryWriter",
        "torch.utils.tensorboard",
    ),
    "name-gone-from-a-package": (
        "from yaml import absent_since_long\n@absent_since_long\nclass A: pass",
        "yaml.absent_since_long",
    ),
    "name-gone-from-torch": ("from torch.nn.modules import _Absent", "torch.nn.modules._Absent"),
    "linear-with-bias": (
        "from torch.nn.modules.linear import _LinearWithBias\n"
        "assert _LinearWithBias(2, 3)(torch.ones(1, 2)).shape == (1, 3)",
        "torch.nn.modules.linear._LinearWithBias (no longer there)",
    ),
    "module-gone-from-a-package": ("from yaml.absent import x", "yaml.absent"),
    "download": (
        "from torch.hub import load_state_dict_from_url\n"
        "net = Net()\nbefore = net.layer.weight.tolist()\n"
        "net.load_state_dict(load_state_dict_from_url('https://x.org/a/net.pth', progress=True))\n"
        "assert net.layer.weight.tolist() == before",
        "weights of net.pth (not loaded)",
    ),
    "model-zoo": (
        "import torch.utils.model_zoo as zoo\n"
        "state = zoo.load_url('https://x.org/net.pth')\n"
        "state.pop('fc.weight'); del state['fc.bias']\nNet().load_state_dict(state)",
        "weights of net.pth (not loaded)",
    ),
    "filtered": (
        "from torch.hub import load_state_dict_from_url\nnet = Net()\n"
        "state = load_state_dict_from_url('https://x.org/net.pth')\n"
        "net.load_state_dict({k: v for k, v in state.items() if 'fc' not in k})",
        "weights of net.pth (not loaded)",
    ),
    "missing-file": (
        "net = Net()\nnet.load_state_dict(torch.load('pretrained/net.pth')['state_dict'])",
        "weights of net.pth (not loaded)",
    ),
    "own-version": (
        "from importlib.metadata import version\nassert version('Shims-Own') == '0.0.0'",
        "metadata of Shims-Own (not installed)",
    ),
    "own-metadata": (
        "from importlib.metadata import metadata\nassert metadata('shims.own')['Name']",
        "metadata of shims.own (not installed)",
    ),
    "extension-compiled-at-import": (
        "from torch.utils.cpp_extension import load\nops = load('fast_ops', ['absent.cpp'])",
        "fast_ops",
    ),
    "cuda-at-import": (
        "assert torch.ones(2).cuda().device.type == 'cpu'", "cuda (run on the CPU)",
    ),
    "operator-of-a-compiled-part": (
        "@torch.library.register_fake('absentlib::nms')\ndef nms(x): return x",
        "compiled part of absentlib (does not load)",
    ),
}  # fmt: skip

ON_CPU = {
    "cuda": "x = x.cuda()",
    "cuda-async": "x = x.cuda(0, non_blocking=True)",
    "to-text": "x = x.to('cuda:0')",
    "to-device": "x = x.to(torch.device('cuda'))",
    "to-device-of-a-number": "x = x.to(torch.device('cuda', 0))",
    "to-device-by-keywords": "x = x.to(torch.device(type='cuda', index=1))",
    "to-number": "x = x.to(0)",
    "to-keyword": "x = x.to(device='cuda', dtype=torch.float64).float()",
    "factory": "x = x + torch.zeros(2, device='cuda')",
    "new": "x = x + x.new_zeros(2, device='cuda:1')",
    "device-of": "x = x + torch.zeros(2, device=x.get_device())",
    "old-type": "x = x + torch.cuda.FloatTensor(1).fill_(1)",
    "type": "x = x.type(torch.cuda.FloatTensor)",
    "type-text": "x = x.type('torch.cuda.DoubleTensor').float()",
    "module": "x = nn.Linear(2, 2).cuda()(x)",
    "module-to": "x = nn.Linear(2, 2).to('cuda')(x)",
    "pinned": "x = x.pin_memory()",
    "waits": "x = x.cuda(); torch.cuda.synchronize()",
}

TOUCHED = {
    "removed-part-of-torch": ("from torch.utils.ffi import f", "f()", "torch.utils.ffi"),
    "extension": (
        "from torch.utils.cpp_extension import load\nops = load('fast_ops', ['absent.cpp'])\n",
        "ops.run(x)",
        "fast_ops",
    ),
    "name-gone-from-torch": ("from torch.nn import Absent", "Absent()(x)", "torch.nn.Absent"),
    "what-a-trainer-gives": (
        "import pytorch_lightning as pl\nclass Lit(pl.LightningModule): pass",
        "Lit().optimizers()",
        "pytorch_lightning",
    ),
    "name-gone": ("from yaml import absent_name", "absent_name(x)", "absent_name"),
}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("shims")
    for group, cases in (("without", RUN_WITHOUT), ("shims", SHIMS)):
        for name, (code, _) in cases.items():
            (root / f"{group}_{name}.py").write_text(HEADER + code + "\n")
    for name, code in ON_CPU.items():
        changed = HEADER.replace("return self", f"{code}\n        return self")
        (root / f"cpu_{name}.py").write_text(changed)
    for name, (line, code, _) in TOUCHED.items():
        changed = HEADER.replace("return self", f"{code}\n        return self")
        (root / f"touched_{name}.py").write_text(line + changed)
    (root / "without-a-name.py").write_text(HEADER + "import numpy\nnumpy.absent\n")
    (root / "imported.py").write_text(
        "import absent_gym\nfrom torch import nn\n"
        "STATES = absent_gym.make('Pole').observation_space.shape[0]\n"
        "class Policy(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.fc = nn.Linear(STATES, 2)\n"
    )
    (root / "cfg").mkdir()
    (root / "cfg" / "net.cfg").write_text("1 2")
    (root / "shims_own").mkdir()
    (root / "shims_own" / "__init__.py").write_text("")
    (root / "plain.py").write_text(textwrap.dedent(HEADER))
    environment = TargetEnvironment(find_python(None, root), root)
    with WorkerPool(environment) as made:
        yield made


def ask(pool: WorkerPool, name: str) -> dict[str, Any]:
    root = pool._environment.root
    recipe = {"build": "Net()", "inputs": "((torch.ones(1, 2),), {})"}
    request = {"op": "observe", "overlay": "disk", "path": str(root / f"{name}.py")}
    return pool.submit({**request, "class": "Net", "recipe": recipe, "seed": 0}).result()


def code_of(answer: dict[str, Any]) -> str:
    return str((answer.get("failure") or {}).get("code", ""))


@pytest.mark.parametrize(("name", "code"), [(n, c) for n, (_, c) in RUN_WITHOUT.items()])
def test_what_is_not_stood_in_for(pool: WorkerPool, name: str, code: str) -> None:
    answer = ask(pool, f"without_{name}")
    assert code_of(answer) == code, answer.get("failure")


def test_a_name_that_never_was_is_passed_over_at_the_top_of_a_file(pool: WorkerPool) -> None:
    answer = ask(pool, "without-a-name")
    assert answer["stubs"] == ["what without-a-name.py raises when it is imported (passed over)"]


@pytest.mark.parametrize(("name", "label"), [(n, label) for n, (_, label) in SHIMS.items()])
def test_what_is_gone_is_stood_in_for_and_said(pool: WorkerPool, name: str, label: str) -> None:
    answer = ask(pool, f"shims_{name}")
    assert code_of(answer) == "", answer.get("failure")
    assert label in answer["stubs"]


@pytest.mark.parametrize("name", ON_CPU)
def test_code_for_a_gpu_runs_on_the_cpu(pool: WorkerPool, name: str) -> None:
    answer = ask(pool, f"cpu_{name}")
    assert code_of(answer) == "", answer.get("failure")
    (observation,) = answer["observations"]
    assert "raises" not in str(observation["train"])[:40], observation["train"]
    if name not in ("old-type", "type", "waits"):  # names that are replaced leave no trace
        assert "cuda (run on the CPU)" in answer["stubs"]


@pytest.mark.parametrize(("name", "said"), [(n, said) for n, (_, _, said) in TOUCHED.items()])
def test_what_the_run_needs_of_it_is_named(pool: WorkerPool, name: str, said: str) -> None:
    answer = ask(pool, f"touched_{name}")
    assert code_of(answer) == "needs-package"
    assert said in answer["failure"]["message"]
