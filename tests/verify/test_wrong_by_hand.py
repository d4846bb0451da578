"""Wrong rewrites of a transform that watches the method alone, through the command: none is
confirmed. What it deletes or changes must have run, on both sides, with both outcomes."""

from __future__ import annotations

from typing import Any

import pytest
from swapping import INDICES, MASK, Case, X, class_of, judged

CASES: dict[str, Case] = {
    "right": (X, "return F.relu(self.fc(x))", "F.relu(", "torch.relu(", "confirmed"),
    "right-where-some-outputs-are-nan": (
        X, "return F.relu(self.fc(x) - 0.1).log().sqrt()", "F.relu(", "torch.relu(", "confirmed",
    ),
    "wrong-where-all-outputs-are-nan": (
        X, "return self.fc(x) * 2 * float('nan')", "* 2", "* 3", "different",
    ),
    "other-operators-where-all-outputs-are-nan": (
        X, "return self.fc(x) * 2 * float('nan')", "* 2", "* 3", "not-comparable",
    ),
    "other-operators-where-all-outputs-are-zeros": (
        X, "return self.fc(x) * 2 * 0.0", "* 2", "* -2", "different",
    ),
    "wrong-where-all-outputs-but-those-for-zeros-are-nan": (
        X,
        "y = self.fc(x) * 2\nreturn torch.where(x.abs().sum() > 0, y * float('nan'), y)",
        "* 2",
        "* 3",
        "different",
    ),
    "right-in-a-branch-that-is-given": (
        MASK,
        "x = self.fc(x)\nif mask is not None:\n    x = F.relu(x)\nreturn x",
        "F.relu(x)",
        "torch.relu(x)",
        "confirmed",
    ),
    "branch-of-an-optional-argument-deleted": (
        MASK,
        "x = self.fc(x)\nif mask is not None:\n    x = x * mask\nreturn x",
        "\n        if mask is not None:\n            x = x * mask",
        "",
        "different",
    ),
    "branch-of-an-optional-argument-changed": (
        MASK,
        "x = self.fc(x)\nif mask is not None:\n    x = x * mask\nreturn x",
        "x * mask",
        "x + mask",
        "different",
    ),
    "default-for-what-is-given": (
        MASK, "return self.fc(x) * (mask or 1.0)", "mask or 1.0", "1.0", "different",
    ),
    "branch-that-nothing-reaches-deleted": (
        X,
        "x = self.fc(x)\nif os.environ.get('NEVER__'):\n    x = x * 2\nreturn x",
        "\n        if os.environ.get('NEVER__'):\n            x = x * 2",
        "",
        "not-reached",
    ),
    "branch-that-nothing-reaches-changed": (
        X,
        "x = self.fc(x)\nif os.environ.get('NEVER__'):\n    x = x * 2\nreturn x",
        "x * 2",
        "x * 3",
        "not-reached",
    ),
    "value-that-nothing-reaches-changed": (
        X, "return self.fc(x) if not os.environ.get('NEVER__') else x", "else x", "else x * 2",
        "not-reached",
    ),
    "condition-that-never-holds-changed": (
        X,
        "if x.shape[0] > 512:\n    x = x[:512]\nreturn self.fc(x)",
        "x.shape[0] > 512",
        "x.shape[0] > 511",
        "not-reached",
    ),
    "chance-that-is-never-hit": (
        X,
        "if self.training and random.random() < 1e-6:\n    return x\nreturn self.fc(x)",
        "1e-6",
        "1e-5",
        "not-reached",
    ),
    "chance-that-is-hit-at-times": (
        X,
        "if self.training and torch.rand(()) < 0.5:\n    return x\nreturn self.fc(x)",
        "0.5",
        "0.5001",
        "chance",
    ),
    "variable-set": (X, "return self.fc(x)", "return", "os.environ['A__'] = '1'; return",
                     "different"),
    "attribute-not-left": (
        X, "self.last = self.fc(x)\nreturn self.last * 2", "self.last = self.fc(x)\n"
        "        return self.last * 2", "return self.fc(x) * 2", "different",
    ),
    "private-attribute-not-left": (
        X, "self._last = self.fc(x)\nreturn self._last * 2", "self._last = self.fc(x)\n"
        "        return self._last * 2", "return self.fc(x) * 2", "different",
    ),
    "not-counted-in-a-global": (
        X, "COUNT.append(1)\nreturn self.fc(x)", "COUNT.append(1)", "pass", "different",
    ),
    "not-counted-in-the-class": (
        X, "type(self).seen += 1\nreturn self.fc(x)", "type(self).seen += 1", "pass", "different",
    ),
    "ignored-index-other": (
        INDICES, "return F.cross_entropy(self.fc(x), y, ignore_index=255)", "255", "254",
        "different",
    ),
    "ignored-index-not-the-default": (
        INDICES, "return F.cross_entropy(self.fc(x), y)", "x), y)", "x), y, ignore_index=-1)",
        "different",
    ),
    "masked-index-other": (
        INDICES, "return self.fc(x) * (y != 9).unsqueeze(-1)", "y != 9", "y != 8", "different",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return judged(tmp_path_factory.mktemp("by-hand"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_verdict(found: dict[str, dict[str, Any]], name: str) -> None:
    rewrite, expected = found[class_of(name)], CASES[name][-1]
    code = (rewrite["reason"] or {}).get("code", rewrite["verdict"])
    assert code == expected, rewrite["reason"]
    assert (rewrite["verdict"] == "confirmed") == name.startswith("right")
