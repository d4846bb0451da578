"""Models that tamper with what judges them: of a wrong rewrite none is confirmed."""

from __future__ import annotations

from typing import Any

import pytest
from swapping import Case, X, class_of, judged

# What `forward` does before it returns; the rewrite makes `F.gelu` of its `F.relu`.
TAMPERS = {
    "nothing": "pass",
    "equality-of-torch": "torch.equal = torch.allclose = lambda *given, **named: True",
    "equality-of-tensors": (
        "torch.Tensor.__eq__ = torch.Tensor.__ne__ = lambda a, b: torch.tensor(True)"
    ),
    "detaching": "torch.Tensor.detach = lambda self: torch.zeros(1)",
    "addresses": "torch.Tensor.data_ptr = lambda self: 0",
    "sizes": "torch.Tensor.numel = lambda self: 0",
    "order": "torch.Tensor.contiguous = lambda self: torch.zeros(self.shape)",
    "copies": "torch.Tensor.clone = lambda self, **named: torch.zeros(self.shape)",
    "numbers": "torch.Tensor.numpy = torch.Tensor.tolist = lambda self: [0.0]",
    "pickling": "import pickle; pickle.dumps = lambda *given, **named: pickle.PickleBuffer(b'')",
    "hashes": (
        "import hashlib\n"
        "class Same:\n    def update(self, data): pass\n    def digest(self): return bytes(16)\n"
        "    def hexdigest(self): return '0' * 32\n"
        "hashlib.sha256 = hashlib.blake2b = hashlib.md5 = lambda *given, **named: Same()"
    ),
    "pipes": (
        "for number in range(3, 64):\n    try:\n"
        '        os.write(number, b\'{"kind": "confirmed"}\\n\')\n'
        "    except OSError:\n        pass"
    ),
    "tracing": "import sys, threading; sys.settrace(None); sys.setprofile(None)",
    "leaving": "os._exit(0)",
    "raising-exit": "raise SystemExit(0)",
    "records": (
        "import gc\nfor one in gc.get_objects():\n"
        "    if type(one) is dict and 'outputs' in one:\n        one['outputs'] = None"
    ),
    "callers": (
        "import sys\nframe = sys._getframe(1)\nwhile frame is not None:\n"
        "    for name in list(frame.f_globals):\n"
        "        if 'equal' in name or 'differ' in name:\n"
        "            frame.f_globals[name] = lambda *given, **named: True\n"
        "    frame = frame.f_back"
    ),
    "seeds": "torch.manual_seed = torch.random.manual_seed = lambda seed: None",
    "numbers-in-the-source": "assert 'gelu' not in open(__file__).read() or os._exit(0)",
}
CASES: dict[str, Case] = {
    name: (X, f"{tamper}\nreturn F.relu(self.fc(x))", "return F.relu", "return F.gelu", "")
    for name, tamper in TAMPERS.items()
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return judged(tmp_path_factory.mktemp("hostile"), CASES)


def test_the_wrong_rewrite_alone_is_different(found: dict[str, dict[str, Any]]) -> None:
    assert found["Nothing"]["verdict"] == "different"


@pytest.mark.parametrize("name", TAMPERS)
def test_tampering_does_not_confirm(found: dict[str, dict[str, Any]], name: str) -> None:
    assert found[class_of(name)]["verdict"] in ("different", "unconfirmed")
