"""The search for a recipe that runs: small classes in the styles of the field."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch

from codemod.verify.worker.configs import codemod_config, codemod_small
from codemod.verify.worker.constructor import _shapes_of_inputs
from codemod.verify.worker.effort import Effort
from codemod.verify.worker.inputs import (
    Inputs,
    _indices_of_rows,
    _one_in_a_batch,
    _shape_of_state,
)
from codemod.verify.worker.laboratory import Failure
from codemod.verify.worker.messages import Change, changes
from codemod.verify.worker.reading import Reader, ranks_of
from codemod.verify.worker.recipe import evaluate
from codemod.verify.worker.specs import Raw, Spec, Tensor, apply, apply_to_all
from codemod.verify.worker.subject import Subject
from codemod.verify.worker.synthesise import NoRecipe, _search, _working

HEAD = """
import dataclasses, enum, os, typing
from typing import Callable, List, Literal, Optional, Tuple, Type
import torch
import torch.nn as nn
import torch.nn.functional as F
"""


SERVER = """
import json, sys, time, types
import torch
torch.set_num_threads(1)
from codemod.verify.worker.synthesise import NoRecipe, search
for line in sys.stdin:
    request = json.loads(line)
    module = types.ModuleType("searched")
    module.__file__ = request["path"]
    sys.modules["searched"] = module
    text = open(request["path"]).read()
    exec(compile(text, request["path"], "exec"), vars(module))
    try:
        found = search(getattr(module, request["class"]), vars(module), "searched.py",
                       request["candidates"], request["known"], request["seconds"],
                       request["wanted"])
        answer = {"recipe": found.recipe}
    except NoRecipe as none:
        answer = {"none": [none.code, none.message, none.hint]}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A process of one thread, as the worker is: a fork of one with many would hang."""
    command = [sys.executable, "-W", "ignore", "-c", SERVER]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.communicate()


class Found:
    """A class of a file on disk, and the recipe that the search found for it."""

    def __init__(self, server: Any, folder: Path, source: str, name: str) -> None:
        self.server = server
        path = self.path = folder / "searched.py"
        path.write_text(HEAD + dedent(source))
        module = types.ModuleType("searched")
        module.__file__ = str(path)
        sys.modules["searched"] = module
        exec(compile(path.read_text(), str(path), "exec"), vars(module))
        self.module = module
        self.cls = getattr(module, name)

    def search(
        self,
        candidates: Any = (),
        known: Any = (),
        seconds: float = 20.0,
        wanted: Any = (),
        places: Any = (),
    ) -> dict[str, Any]:
        lines = [[str(self.path), self.line_of(text)] for text in wanted]
        request = {
            "path": str(self.path),
            "class": self.cls.__qualname__,
            "candidates": list(candidates),
            "known": list(known),
            "wanted": [*lines, *([str(self.path), *self.place_of(text)] for text in places)],
            "seconds": seconds,
        }
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        answer = json.loads(self.server.stdout.readline())
        if "none" in answer:
            raise NoRecipe(*answer["none"])
        found: dict[str, Any] = answer["recipe"]
        return found

    def line_of(self, text: str) -> int:
        """The line of the file on which this stands, once."""
        (line,) = (n for n, one in enumerate(self.path.read_text().split("\n"), 1) if text in one)
        return line

    def place_of(self, text: str) -> tuple[int, int]:
        """The line and the column, from 1, at which this stands."""
        line = self.line_of(text)
        return line, self.path.read_text().split("\n")[line - 1].index(text) + 1

    def run(self, recipe: dict[str, Any]) -> Any:
        torch.manual_seed(0)
        model, args, kwargs = evaluate(recipe, self.cls, vars(self.module))()
        return model, args, kwargs, model(*args, **kwargs)


@pytest.fixture
def find(server: Any, tmp_path: Path) -> Any:
    yield lambda source, name="Net": Found(server, tmp_path, source, name)
    sys.modules.pop("searched", None)


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        pytest.param(
            "class Net(nn.Module):\n    pass\n", "no-recipe", "no forward", id="no-forward"
        ),
        pytest.param(
            """
            class Net(nn.Module):
                def forward(self, x):
                    raise NotImplementedError("abstract")
            """,
            "no-recipe",
            "abstract",
            id="abstract-forward",
        ),
        pytest.param(
            """
            class Net(nn.Module):
                def forward(self, x):
                    return None
            """,
            "no-recipe",
            "no tensor",
            id="gives-no-tensor",
        ),
        pytest.param(
            """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    import package_that_is_not_there
                def forward(self, x):
                    return x
            """,
            "needs-package",
            "package_that_is_not_there",
            id="missing-package",
        ),
        pytest.param(
            """
            try:
                import package_that_is_not_there as wanted
            except ImportError as error:
                wanted, said = None, str(error)
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    if wanted is None:
                        raise RuntimeError("this model needs more: " + said)
                def forward(self, x):
                    return x
            """,
            "needs-package",
            "package_that_is_not_there",
            id="missing-package-in-words-of-the-project",
        ),
        pytest.param(
            """
            class Net(nn.Module):
                def __init__(self, cfg):
                    super().__init__()
                    self.fc = nn.Linear(cfg.hidden, cfg.undreamt_of.magic().number)
                def forward(self, x):
                    return self.fc(x)
            """,
            "no-recipe",
            "cannot build Net",
            id="setting-that-cannot-be-guessed",
        ),
        pytest.param(
            """
            class Net(nn.Module):
                def forward(self, x):
                    os.abort()
            """,
            "crashed",
            "SIGABRT",
            id="every-run-crashes",
        ),
    ],
)
def test_what_is_missing_is_named(find: Any, source: str, code: str, said: str) -> None:
    with pytest.raises(NoRecipe) as raised:
        find(source).search(seconds=10.0)
    assert raised.value.code == code
    assert said in raised.value.message
    assert raised.value.hint


def test_what_raises_when_it_is_asked_for_a_name_does_not_end_the_search(find: Any) -> None:
    found = find(
        """
        class Lacking:
            def __getattr__(self, name):
                raise RuntimeError("install it")
        fetch = Lacking()
        class Net(nn.Module):
            def __init__(self, width, weights=None):
                super().__init__()
                self.fc = nn.Linear(width, 2)
                if weights is not None:
                    self.load_state_dict(fetch(weights))
            def forward(self, x):
                return self.fc(x)
        """
    )
    assert torch.is_tensor(found.run(found.search())[-1])


def test_what_stands_in_for_a_model_has_the_layers_that_are_asked_of_it(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, base):
                super().__init__()
                self.base = base
                head = self.base.get_head()
                self.fc = nn.Linear(self.base.num_features, head.weight.shape[0])
                self.fc.weight.data.copy_(head.weight.data.view(self.fc.weight.size()))
                self.base.reset_head(0)

            def forward(self, x):
                return F.relu(self.fc(self.base.features(x)))
        """
    )
    model, *_ = found.run(found.search())
    assert model.fc.weight.shape == model.base.get_head().weight.shape


def test_a_given_recipe_that_raises_is_not_replaced(find: Any) -> None:
    found = find("class Net(nn.Module):\n    def forward(self, x):\n        return x + 1\n")
    given = {"source": "given", "where": "pyproject.toml", "build": "Net(3)", "inputs": "1"}
    with pytest.raises(NoRecipe) as raised:
        found.search([given])
    assert raised.value.code == "recipe-raises"
    assert "TypeError" in raised.value.message
    assert "pyproject.toml" in raised.value.message


def test_a_harvested_recipe_that_raises_is_passed_over(find: Any) -> None:
    found = find("class Net(nn.Module):\n    def forward(self, x):\n        return x + 1\n")
    harvested = {"source": "harvested", "where": "a.py:1", "build": "Net(3)", "inputs": "1"}
    assert found.search([harvested])["source"] == "synthesised"


def test_an_attempt_that_crashes_is_passed_over(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def forward(self, x):
                if x.dim() == 4:
                    os.abort()
                return x * 2
        """
    )
    recipe = found.search()
    assert found.run(recipe)[3].dim() != 4


RUN = [
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, in_channels, out_channels, stride):
                super().__init__()
                self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1)
                self.bn = nn.BatchNorm2d(out_channels)
            def forward(self, x):
                return self.bn(self.conv(x))
        """,
        id="names-of-arguments",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, a, b):
                super().__init__()
                self.conv = nn.Conv1d(a, b, 3)
            def forward(self, x):
                return self.conv(x)
        """,
        id="names-that-say-nothing-but-where-they-go",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 6, 5)
                self.fc = nn.Linear(6 * 12 * 12, 10)
            def forward(self, x):
                x = F.max_pool2d(F.relu(self.conv(x)), 2)
                return self.fc(x.view(x.shape[0], -1))
        """,
        id="flattened-after-convolutions",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, dim, num_heads=3):
                super().__init__()
                assert dim % num_heads == 0
                self.heads = num_heads
                self.qkv = nn.Linear(dim, dim * 3)
            def forward(self, x):
                B, N, C = x.shape
                return self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads)
        """,
        id="assert-of-divisibility",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, kind):
                super().__init__()
                if kind == "max":
                    self.pool = nn.MaxPool2d(2)
                elif kind == "avg":
                    self.pool = nn.AvgPool2d(2)
                else:
                    raise ValueError("unknown")
            def forward(self, x):
                return self.pool(x)
        """,
        id="string-compared-with",
    ),
    pytest.param(
        """
        ROWS: str = "by rows"

        class Modes:
            COLUMNS = "by columns"

        class Net(nn.Module):
            def __init__(self, mode):
                assert mode in {ROWS, Modes.COLUMNS}
                super().__init__()
                self.mode = mode
            def forward(self, x):
                return F.relu(x).sum(0 if self.mode == ROWS else 1)
        """,
        id="string-in-a-set-of-names",
    ),
    pytest.param(
        """
        ROWS: str = "by rows"

        class Net(nn.Module):
            def __init__(self, mode):
                super().__init__()
                self.check(mode)
            def check(self, *given):
                for one in given:
                    if one != ROWS:
                        raise ValueError("unknown")
            def forward(self, x):
                return F.relu(x)
        """,
        id="string-that-a-name-says-in-the-failing-condition",
    ),
    pytest.param(
        """
        TABLE = {"silu": nn.SiLU, "gelu": nn.GELU}
        class Net(nn.Module):
            def __init__(self, flavour):
                super().__init__()
                self.act = TABLE[flavour]()
            def forward(self, x):
                return self.act(x)
        """,
        id="key-of-a-table",
    ),
    pytest.param(
        """
        class Block(nn.Module):
            expansion = 1
            def __init__(self, inplanes, planes, stride=1):
                super().__init__()
                self.conv = nn.Conv2d(inplanes, planes, 3, stride, 1)
            def forward(self, x):
                return self.conv(x)
        class Net(nn.Module):
            def __init__(self, block, layers):
                super().__init__()
                self.stem = nn.Conv2d(3, 64, 3)
                self.one = nn.Sequential(*[block(64, 64, 1) for _ in range(layers[0])])
                self.two = nn.Sequential(*[block(64, 64, 2) for _ in range(layers[1])])
                self.fc = nn.Linear(64 * block.expansion, 10)
            def forward(self, x):
                return self.fc(self.two(self.one(self.stem(x))).mean((2, 3)))
        """,
        id="class-as-argument",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, cfg):
                super().__init__()
                self.cfg = cfg
                self.up = nn.Linear(cfg.hidden_size, cfg.intermediate_size)
                self.drop = nn.Dropout(cfg.dropout)
            def forward(self, hidden_states):
                batch, length, width = hidden_states.shape
                return self.drop(self.up(hidden_states)) * self.cfg.scale
        """,
        id="configuration-without-a-class",
    ),
    pytest.param(
        """
        @dataclasses.dataclass
        class ModelConfig:
            vocab_size: int = 30000
            hidden_size: int = 768
            num_heads: int = 12
        class Net(nn.Module):
            def __init__(self, config: ModelConfig):
                super().__init__()
                self.embed = nn.Embedding(config.vocab_size, config.hidden_size)
                self.attention = nn.MultiheadAttention(config.hidden_size, config.num_heads)
            def forward(self, input_ids, attention_mask=None):
                x = self.embed(input_ids)
                return self.attention(x, x, x)[0]
        """,
        id="configuration-class",
    ),
    pytest.param(
        """
        class Mode(enum.Enum):
            SUM = 1
            MEAN = 2
        class Net(nn.Module):
            def __init__(self, mode: Mode, sizes: List[int], norm: Type[nn.Module],
                         place: Literal["pre", "post"], act: Callable[[], nn.Module]):
                super().__init__()
                self.mode = mode
                self.layers = nn.ModuleList(nn.Linear(size, size) for size in sizes)
                self.act = act()
            def forward(self, x):
                for layer in self.layers:
                    x = self.act(layer(x))
                return x.sum() if self.mode is Mode.SUM else x.mean()
        """,
        id="annotations",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, in_channels, out_channels):
                super().__init__()
                self.lin = nn.Linear(in_channels, out_channels)
            def forward(self, x, edge_index, edge_weight=None):
                row, col = edge_index
                out = torch.zeros(x.size(0), self.lin.out_features)
                return out.index_add(0, col, self.lin(x)[row])
        """,
        id="graph",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.LSTM(12, 7, batch_first=True)
            def __call__(self, seq):
                return self.rnn(seq)[0]
        """,
        id="hand-written-call",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.branches = nn.ModuleList(nn.Conv2d(c, 8, 1) for c in (4, 6))
            def forward(self, feats):
                return [b(f) for b, f in zip(self.branches, feats)]
        """,
        id="list-of-feature-maps",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, size):
                super().__init__()
                self.fc = nn.Linear(20, size)
            def forward(self, x, scale=None):
                return self.fc(x) * scale.mean()
        """,
        id="optional-argument-that-is-needed",
    ),
    pytest.param(
        """
        CONVS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
        def conv_of(dims):
            return CONVS[dims]
        class Net(nn.Module):
            def __init__(self, dims, width):
                super().__init__()
                self.conv = conv_of(dims)(width, width, 3)
            def forward(self, x):
                return self.conv(x)
        """,
        id="number-that-is-a-key-of-a-table-elsewhere",
    ),
    pytest.param(
        """
        class Kinds:
            def __init__(self, *made):
                self.made = made
            def __getitem__(self, place):
                return self.made[place - 1]
        CONV = Kinds(nn.Conv1d, nn.Conv2d, nn.Conv3d)
        class Net(nn.Module):
            def __init__(self, dims, width):
                super().__init__()
                self.conv = CONV[dims](width, width, 3)
            def forward(self, x):
                return self.conv(x)
        """,
        id="number-that-is-a-place-in-a-sequence-elsewhere",
    ),
]


@pytest.mark.parametrize("source", RUN)
def test_a_recipe_is_found_and_runs(find: Any, source: str) -> None:
    found = find(source)
    recipe = found.search()
    assert recipe["source"] == "synthesised"
    model, _, _, _ = found.run(recipe)
    assert type(model) is found.cls


def test_a_large_configuration_is_made_small(find: Any) -> None:
    (source,) = (one.values[0] for one in RUN if one.id == "configuration-class")
    recipe_of = find(source)
    model, args, _, _ = recipe_of.run(recipe_of.search())
    assert (model.embed.num_embeddings, model.embed.embedding_dim) == (99, 64)
    assert 64 % model.attention.num_heads == 0
    assert args[0].max() < 99


FLAGS = """
class Net(nn.Module):
    def __init__(self, width=4, use_bias=False, mode="sum"):
        super().__init__()
        self.fc = nn.Linear(width, 3, bias=use_bias)
        self.mode = mode
    def forward(self, x, mask=None):
        x = self.fc(x)
        if mask is not None:
            x = x * mask
        if self.mode == "sum":
            return x.sum()
        elif self.mode == "mean":
            return x.mean()
        return x
"""


def test_what_known_recipes_take_is_no_time_of_the_search(find: Any) -> None:
    found = find(
        """
        import time

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 3)

            def forward(self, x, busy=False):
                end = time.process_time() + 0.9
                while busy and time.process_time() < end:
                    pass
                if x.shape[0] == 1:
                    return F.relu(self.fc(x))
                return self.fc(x)
        """
    )
    given = {"source": "given", "build": "Net()"}
    inputs = ("torch.randn(2, 8)", "torch.randn(2, 8), True", "torch.randn(3, 8), True")
    known = [{**given, "inputs": f"(({one},), {{}})"} for one in inputs]
    effort = Effort(2.0, end=time.monotonic() + 600)
    wanted = [[str(found.path), found.line_of("F.relu")]]
    subject = Subject(found.cls, vars(found.module), "searched.py", [], effort, None, wanted)
    assert _search(subject, known, False)


def test_known_recipes_are_followed_by_others_that_reach_other_branches(find: Any) -> None:
    found = find(FLAGS)
    recipes: list[dict[str, Any]] = []
    for _ in range(4):
        recipes.append(found.search(known=recipes))
    assert len({(r["build"], r["inputs"]) for r in recipes}) == 4
    models = [found.run(recipe) for recipe in recipes]
    assert {model.fc.bias is not None for model, *_ in models} == {True, False}
    assert {model.mode for model, *_ in models} == {"sum", "mean"}
    assert {len(args) + len(kwargs) for _, args, kwargs, _ in models} == {1, 2}


def test_the_search_ends_when_there_is_no_further_way(find: Any) -> None:
    found = find("class Net(nn.Module):\n    def forward(self, x):\n        return x\n")
    with pytest.raises(NoRecipe, match="no further way"):
        found.search(known=[found.search()], wanted=["return x"])


def test_candidates_come_first_and_builds_are_completed(find: Any) -> None:
    found = find(FLAGS)
    whole = {"source": "harvested", "where": "t.py:3", "build": "Net(5)",
             "inputs": "((torch.ones(1, 5),), {})"}  # fmt: skip
    build = {"source": "harvested", "where": "t.py:9", "build": "Net(width=7)"}
    first = found.search([whole, build])
    second = found.search([whole, build], [first])
    assert (first["where"], first["inputs"]) == ("t.py:3", whole["inputs"])
    assert (second["where"], second["build"]) == ("t.py:9", "Net(width=7)")
    assert found.run(second)[1][0].shape[-1] == 7


def test_the_same_search_gives_the_same_recipe(find: Any) -> None:
    found = find(RUN[2].values[0])
    assert found.search() == found.search()


def test_small_configurations_keep_lists_as_long_as_layers() -> None:
    class Config:
        def __init__(
            self, num_hidden_layers: int = 12, layer_types: Any = None, hidden_size: int = 768,
            num_attention_heads: int = 12, pad_token_id: int = 50256, rope_theta: float = 1e4,
        ) -> None:  # fmt: skip
            self.num_hidden_layers = num_hidden_layers
            self.layer_types = layer_types or ["full"] * num_hidden_layers
            self.hidden_size = hidden_size
            self.num_attention_heads = num_attention_heads
            self.pad_token_id = pad_token_id
            self.rope_theta = rope_theta

    small = codemod_small(Config)
    assert (small.num_hidden_layers, len(small.layer_types)) == (2, 2)
    assert (small.hidden_size, small.num_attention_heads) == (64, 4)
    assert small.pad_token_id < 99
    assert small.rope_theta == 1e4
    assert codemod_small(Config, hidden_size=128).hidden_size == 128


def test_a_configuration_is_an_object_and_a_mapping() -> None:
    config = codemod_config(width=3)
    assert (config.width, config["width"], dict(**config)) == (3, 3, {"width": 3})
    with pytest.raises(AttributeError, match=r"no \.depth"):
        _ = config.depth


BRANCHES = [
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, cin=8, residual=False, act=False):
                super().__init__()
                self.fc, self.shortcut, self.use_act = nn.Linear(cin, cin), residual, act

            def forward(self, x):
                y = self.fc(x)
                if self.shortcut:
                    if self.use_act:
                        y = F.relu(y)
                return y
        """,
        "F.relu",
        id="two-flags-under-other-names",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, dim=8, mode="sum"):
                super().__init__()
                self.fc, self.mode = nn.Linear(dim, dim), mode

            def forward(self, x):
                y = self.fc(x)
                if self.mode == "sum":
                    return y
                return self.other(y)

            def other(self, y):
                assert self.mode == "gated"
                return F.glu(y)
        """,
        "F.glu",
        id="early-return-and-helper",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, cin, cout, stride=1):
                super().__init__()
                self.conv = nn.Conv2d(cin, cout, 3, stride, 1)
                self.down = None
                if stride != 1 or cin != cout:
                    self.down = nn.Conv2d(cin, cout, 1, stride)

            def forward(self, x):
                y = self.conv(x)
                if self.down is not None:
                    x = F.relu(self.down(x))
                return x + y
        """,
        "F.relu",
        id="parameters-compared",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 4, 4)

            def forward(self, x):
                height, width = x.shape[2:]
                rest = -width % 4
                if rest:
                    x = F.pad(x, (0, rest))
                if height % 4:
                    x = F.pad(x, (0, 0, 0, 2))
                return self.conv(x)
        """,
        "F.pad(x, (0, rest))",
        id="size-of-the-input",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 8)

            def forward(self, x, memory=None, mask=None):
                x = self.fc(x)
                if memory is not None and mask is not None:
                    x = F.softmax(x + self.fc(memory), -1)
                return x
        """,
        "F.softmax",
        id="two-optional-inputs",
    ),
    pytest.param(
        """
        FUSED = True


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fused = FUSED
                self.fc = nn.Linear(8, 8)

            def forward(self, x):
                if self.fused:
                    return self.fc(x)
                return F.softmax(self.fc(x), -1)
        """,
        "F.softmax",
        id="flag-that-no-argument-sets",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc, self.fused = nn.Linear(8, 8), os.environ.get("FUSED") is None

            def forward(self, x, bias=None):
                x = self.fc(x)
                if not self.fused:
                    if bias is not None:
                        x = F.softmax(x + bias, -1)
                return x
        """,
        "F.softmax",
        id="flag-that-no-argument-sets-and-optional-input",
    ),
    pytest.param(
        """
        FUSED = True


        class Net(nn.Module):
            def __init__(self, power=None):
                super().__init__()
                self.fc, self.fused, self.power = nn.Linear(8, 8), FUSED, power

            def forward(self, x, bias=None):
                x = self.fc(x)
                if self.power is not None:
                    x = x * self.power
                    if self.fused:
                        return x.sum(-1)
                    if bias is not None:
                        x = F.softmax(x + bias, -1)
                return x
        """,
        "F.softmax",
        id="argument-then-flag-then-optional-input",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.second, self.third = (nn.Linear(8, 8) for _ in range(3))

            def forward(self, x):
                x = self.first(x)
                if self.second is None:
                    return F.relu(x)
                x = self.second(x)
                if self.third is None:
                    return F.softmax(x, -1)
                return self.third(x)
        """,
        "F.softmax",
        id="part-that-was-taken-away",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

            def forward(self, x):
                return self.levels(x)[-1]

            def levels(self, x, indices: typing.Union[int, List[int], None] = None, early=False):
                last = max(indices) if isinstance(indices, list) else 2
                for level, layer in enumerate(self.fc):
                    x = layer(x)
                    if early and level == last:
                        break
                if 0 < level < 2:
                    x = F.softmax(x, -1)
                return [x]
        """,
        "F.softmax",
        id="two-optional-inputs-of-another-method",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc, self.fused = nn.Linear(8, 8), False

            def forward(self, x):
                return self.fc(x) if self.fused else self.fc(x) * 2

            def fuse(self):
                assert not self.training
                self.fc.weight.data *= F.softplus(torch.ones(()))
                self.fused = True
                return self
        """,
        "F.softplus",
        id="method-that-changes-the-model",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(4, 4, 3, padding=1)

            def forward(self, x):
                return self.conv(x) + x

            @torch.no_grad()
            def fuse(self):
                self.conv.weight += F.pad(torch.ones(4, 4, 1, 1), (1, 1, 1, 1))
                return self.conv
        """,
        "F.pad",
        id="method-that-gives-another-module",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem, self.deep, self.head = nn.Linear(8, 4), nn.Linear(4, 6), nn.Linear(6, 2)

            def forward_features(self, x):
                x = self.stem(x)
                if self.deep is None:
                    return F.relu(x)
                return self.deep(x)

            def forward(self, x):
                return self.head(self.forward_features(x))
        """,
        "F.relu",
        id="state-that-forward-does-not-survive",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 8)

            def forward(
                self, x, only: bool = False, taps: Optional[typing.Union[int, List[int]]] = None,
                norm: bool = False, early: bool = False,
            ):
                steps = 0
                for given in (norm, early, isinstance(taps, (list, tuple))):
                    if given:
                        steps += 1
                if only:
                    return self.fc(x)
                if steps > 2:
                    return F.gelu(x)
                return x
        """,
        "F.gelu",
        id="all-options-but-the-one-that-leaves",
    ),
]

SAME_LINE = [
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, gated=False):
                super().__init__()
                self.fc, self.gate = nn.Linear(8, 8), nn.Linear(8, 8) if gated else None

            def forward(self, x):
                gate = F.softmax(self.gate(x), -1) if self.gate is not None else F.relu(x)
                return self.fc(x) * gate
        """,
        "F.softmax",
        id="conditional-expression",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 8)

            def forward(self, x, bias=None):
                return self.fc(x if bias is None else "äö" and F.softmax(x + bias, -1))
        """,
        "F.softmax",
        id="behind-letters-of-two-bytes",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 8)

            def forward(self, x, deep=False):
                x = self.fc(x)
                return sum((lambda y: F.softmax(y, -1))(x) if deep else x for _ in range(2))
        """,
        "F.softmax",
        id="function-inside",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, block_args):
                super().__init__()
                self.args = block_args
                ratio = block_args.se_ratio
                self.has_se = ratio is not None and 0 < ratio <= 1
                self.fc = nn.Linear(block_args.width, block_args.width)
                if self.has_se:
                    self.gate = nn.Linear(block_args.width, int(block_args.width * ratio))
                    self.back = nn.Linear(int(block_args.width * ratio), block_args.width)

            def forward(self, x):
                x = self.fc(x)
                if self.has_se:
                    x = x * F.softmax(self.back(self.gate(x)), -1)
                return x
        """,
        "F.softmax",
        id="setting-between-bounds",
    ),
]


@pytest.mark.parametrize(("source", "line"), BRANCHES)
def test_a_further_recipe_reaches_the_line_that_the_first_did_not(
    find: Any, source: str, line: str
) -> None:
    found = find(source)
    first = found.search()
    reached: list[int] = []

    def note(frame: Any, event: str, _: Any) -> Any:
        if frame.f_code.co_filename == str(found.path):
            reached.append(frame.f_lineno)
        return note

    for recipe, expected in ((first, False), (found.search(known=[first], wanted=[line]), True)):
        reached.clear()
        sys.settrace(note)
        try:
            found.run(recipe)
        finally:
            sys.settrace(None)
        assert (found.line_of(line) in reached) is expected, recipe


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no columns in code objects")
@pytest.mark.parametrize(("source", "call"), SAME_LINE)
def test_a_further_recipe_reaches_the_place_that_the_first_did_not(
    find: Any, source: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(source)
    first = found.search()
    other = found.search(known=[first], places=[call])
    called: list[int] = []
    softmax = torch.nn.functional.softmax

    def noted(*args: Any) -> Any:
        called.append(1)
        return softmax(*args)

    monkeypatch.setattr(found.module.F, "softmax", noted)
    found.run(first)
    assert not called
    found.run(other)
    assert called


def test_a_line_that_nothing_reaches_ends_the_search(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def forward(self, x):
                if torch.is_tensor(None):
                    x = F.relu(x)
                return x
        """
    )
    first = found.search()
    with pytest.raises(NoRecipe, match="no further way"):
        found.search(known=[first], wanted=["F.relu"])


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("self.training and not self.training", id="both-modes"),
        pytest.param("not self.built and self.undo is None", id="other-state-raises"),
        pytest.param("self.count != 1", id="number-is-no-flag"),
    ],
)
def test_a_state_that_the_model_cannot_be_in_reaches_nothing(find: Any, condition: str) -> None:
    found = find(
        f"""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.built, self.count = True, 1

            def forward(self, x):
                if {condition}:
                    x = F.relu(x)
                return x * 2
        """
    )
    with pytest.raises(NoRecipe, match="no further way"):
        found.search(known=[found.search()], wanted=["F.relu"])


STAND_INS = [
    pytest.param(
        """
        class Trunk(nn.Module):
            def __init__(self, width=8):
                super().__init__()
                self.out_dim, self.fc = width, nn.Linear(8, width)

            def forward(self, x):
                return self.fc(x)

        class Net(nn.Module):
            def __init__(self, trunk):
                super().__init__()
                self.trunk, self.head = trunk, nn.Linear(trunk.out_dim, 2)

            def forward(self, x):
                return self.head(self.trunk(x))
        """,
        "Trunk",
        id="class-of-the-project-by-name",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, encoder):
                super().__init__()
                self.encoder, self.head = encoder, nn.Linear(encoder.output_dim, 2)

            def forward(self, x):
                return self.head(self.encoder(x))
        """,
        "codemod_module(output_dim=64)",
        id="module-with-the-attributes-asked-for",
    ),
    pytest.param(
        """
        def default_conv(inside, outside, kernel_size, bias=True):
            return nn.Conv2d(inside, outside, kernel_size, padding=kernel_size // 2, bias=bias)
        class Basic(nn.Sequential):
            def __init__(self, inside, outside, kernel_size, bias=False, act=nn.ReLU(True)):
                super().__init__(nn.Conv2d(inside, outside, kernel_size, bias=bias), act)
        class Net(nn.Module):
            def __init__(self, conv, width, kernel_size):
                super().__init__()
                self.body = conv(width, width, kernel_size, bias=True)
            def forward(self, x):
                return (x + self.body(x))[..., :2]
        """,
        "default_conv",
        id="function-that-is-named-after-the-parameter",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, config):
                super().__init__()
                side = config.patches["size"]
                self.conv = nn.Conv2d(3, config.hidden_size, side, stride=side)
            def forward(self, x):
                return self.conv(x).mean((2, 3))[:, :2]
        """,
        "patches=codemod_config(size=",
        id="settings-asked-for-by-key",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, model, steps=4):
                super().__init__()
                self.model, self.steps = model, steps
            def forward(self, x, state):
                for step in range(self.steps):
                    x = x - 0.1 * self.model(x, torch.full((len(x),), step), state)
                return x.flatten(1)[:, :2]
        """,
        "model=codemod_module()",
        id="model-that-takes-more-than-one-argument",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, model: nn.Module, betas: Tuple[float, float], steps: int):
                super().__init__()
                assert 0.0 < betas[0] < betas[1] < 1.0
                rates = betas[0] + (betas[1] - betas[0]) * torch.arange(steps) / steps
                self.register_buffer("rates", rates)
                self.model, self.steps = model, steps
            def forward(self, x):
                step = torch.randint(0, self.steps, (x.shape[0],))
                return self.model(x * (1 - self.rates[step].mean()), step)[..., :2]
        """,
        "betas=(0.0001, 0.02)",
        id="betas-and-a-model-of-two-arguments",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, data):
                super().__init__()
                self.embed = nn.Embedding(data.words.size(), data.width)
                self.others = nn.ModuleList()
                for index in range(data.feature_num):
                    self.others.append(nn.Embedding(data.kinds[index].size(), 2))
            def forward(self, x):
                return self.embed(x)[..., :2]
        """,
        "words=codemod_config(size=lambda",
        id="vocabulary-that-tells-its-size",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, vocabs, width):
                super().__init__()
                self.fc = nn.Linear(width, vocabs["words"].size)
                self.padding = vocabs["words"].padding_idx
            def forward(self, x):
                return self.fc(x)[..., :2] + self.padding
        """,
        "words=codemod_config(padding_idx=1, size=",
        id="size-that-is-an-attribute",
    ),
]


@pytest.mark.parametrize(("source", "written"), STAND_INS)
def test_what_the_class_needs_is_stood_in_for(find: Any, source: str, written: str) -> None:
    found = find(source)
    recipe = found.search()
    assert written in recipe["build"]
    assert found.run(recipe)[-1].shape[-1] == 2


RELATED = [
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, heads=4):
                super().__init__()
                self.heads = heads

            def forward(self, qkv):
                batch, width, length = qkv.shape
                assert width % (3 * self.heads) == 0
                q, k, v = qkv.reshape(batch, 3, self.heads, -1, length).unbind(1)
                return torch.softmax(q * k, -1) * v
        """,
        id="size-that-a-condition-asks-for",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(16, 16)

            def forward(self, x, state):
                y = torch.bmm(x, state.unsqueeze(1).transpose(1, 2))
                return self.fc(x) + y
        """,
        id="rank-of-what-was-made-of-an-input",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, fields):
                super().__init__()
                self.table = nn.Embedding(sum(fields), 4)
                self.offsets = torch.tensor([0, *fields[:-1]]).cumsum(0)

            def forward(self, x):
                x = x + self.offsets.unsqueeze(0)
                return self.table(x).sum(1)
        """,
        id="indices-of-fields",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, args):
                super().__init__()
                planes = args.levels * (2 * args.radius + 1) ** 2
                self.conv = nn.Conv2d(planes, 8, 1)

            def forward(self, corr):
                return self.conv(corr)
        """,
        id="setting-that-a-size-was-made-of",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.rnn = nn.GRU(width, width, batch_first=True)

            def forward(self, text, lengths):
                packed = nn.utils.rnn.pack_padded_sequence(text, lengths, batch_first=True)
                return nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], True)[0]
        """,
        id="lengths-of-a-packed-sequence",
    ),
]


RELATED += [
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(6, 3)

            def forward(self, data):
                x, edge_index = data.x, data.edge_index
                return self.fc(x)[edge_index[0]]
        """,
        id="object-with-tensors",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.convs = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1))
                self.cell = nn.LSTMCell(8 * 5 * 5, 24)

            def forward(self, x, hx, cx):
                x = F.elu(self.convs(x)).flatten(1)
                hx, cx = self.cell(x, (hx, cx))
                return hx + cx
        """,
        id="states-of-a-cell",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, num_classes):
                super().__init__()
                self.num_classes = num_classes

            def forward(self, logits, labels):
                valid = (labels < self.num_classes).long()
                shape = (*labels.shape, self.num_classes)
                rows = F.one_hot(labels.long() * valid, num_classes=self.num_classes).view(shape)
                rows = rows.permute(0, 3, 1, 2).float()
                probs = logits.sigmoid()
                assert rows.size() == probs.size()
                return F.binary_cross_entropy(probs, rows)
        """,
        id="class-of-each-pixel",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)

            def forward(self, x):
                size = x.size()
                assert (size[2] - 1) % 24 == 0 and (size[3] - 1) % 24 == 0
                return self.conv(x)
        """,
        id="sides-of-a-shape-that-has-a-name",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, parts, **options):
                super().__init__()
                self.width = options["num_features"] * parts
                self.norm = nn.BatchNorm1d(**options)

            def forward(self, x):
                return self.norm(x) * self.width
        """,
        id="keyword-that-is-looked-up",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def forward(self, x, dim, indices):
                return torch.index_select(x, dim, indices)
        """,
        id="dimension-and-a-vector-of-indices",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(5, 10)

            def forward(self, x):
                changed = self.fc(x[:, :5])
                return x[:, 5:] * changed[:, :5] + changed[:, 5:]
        """,
        id="part-behind-what-a-layer-takes",
    ),
    pytest.param(
        """
        class Layer(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv1d(3, 2, 1)

            def forward(self, x):
                if isinstance(x, (list, tuple)):
                    return self.conv(x[0]), *x[1:]
                return self.conv(x)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = Layer()

            def forward(self, x):
                return torch.bmm(self.layer(x).transpose(1, 2), x[:, :2])
        """,
        id="tensor-that-may-be-a-list",
    ),
    pytest.param(
        """
        class Modulated(nn.Module):
            def __init__(self, width, key="style"):
                super().__init__()
                self.fc = nn.Linear(width, 3)
                self.key = key

            def forward(self, x, cond):
                return x + self.fc(cond[self.key]).sum()

        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.layer = Modulated(width)

            def forward(self, x, cond):
                return self.layer(x, cond)
        """,
        id="key-that-an-attribute-says",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.classes = 7

            def forward(self, scores, target):
                target = torch.cat([(target == i).float() for i in range(self.classes)], dim=1)
                assert scores.size() == target.size(), "shapes do not match"
                return sum((scores[:, i] * target[:, i]).mean() for i in range(self.classes))
        """,
        id="shape-of-what-is-made-of-the-other-input",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, configs):
                super().__init__()
                self.task_name = configs.task_name
                self.fc = nn.Linear(configs.enc_in, 3)

            def forward(self, x):
                if self.task_name in ["long_term", "short_term"]:
                    return self.fc(x)
                if self.task_name == "classification":
                    raise ValueError("only forecasts")
                raise ValueError("what?")
        """,
        id="string-setting-that-the-call-asks-for",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def forward(self, x, target):
                scores = F.log_softmax(x, dim=-1)
                return -scores.gather(dim=-1, index=target.unsqueeze(1)).squeeze(1)
        """,
        id="classes-as-target-of-a-loss",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, dim, n_levels=4):
                super().__init__()
                self.levels, self.fc = n_levels, nn.Linear(dim, dim)

            def forward(self, src, reference_points, spatial_shapes, level_start_index):
                if (spatial_shapes[:, 0] * spatial_shapes[:, 1]).sum() != src.shape[1]:
                    raise ValueError("shapes and sequence do not agree")
                sizes = [int(height * width) for height, width in spatial_shapes]
                maps = self.fc(src).split(sizes, dim=1)
                starts = torch.tensor(sizes).cumsum(0)[:-1]
                assert torch.equal(level_start_index[1:], starts)
                assert reference_points.shape == (*src.shape[:2], self.levels, 2)
                return torch.cat(maps, dim=1)
        """,
        id="levels-of-deformable-attention",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, nodes, edges):
                super().__init__()
                self.fc = nn.Linear(nodes + edges, 2 * nodes)
                self.bn = nn.BatchNorm1d(2 * nodes)

            def forward(self, node_emb, edge_emb, i, parts):
                rows = torch.cat([node_emb[i], edge_emb[parts["j"]]], dim=1)
                return self.bn(self.fc(rows))
        """,
        id="rows-taken-by-index-and-normalised",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, dim, feat_size: typing.Tuple[int, int]):
                super().__init__()
                self.sides = feat_size
                self.conv = nn.Conv2d(dim, 3, 1)

            def forward(self, x):
                assert x.shape[2:] == self.sides and x.numel() < 100_000
                return self.conv(x)
        """,
        id="sides-of-a-feature-map-are-small",
    ),
]


RELATED += [
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(7, 5, 3, padding=1)
                self.register_buffer("grid", torch.ones(1, 3, 48, 48))
            def forward(self, x):
                x = torch.cat([x, self.grid.repeat(x.size(0), 1, 1, 1)], 1)
                return self.conv(x)
        """,
        id="channels-that-are-added",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(257, 4, 1)
                self.register_buffer("grid", torch.ones(64, 64))
            def forward(self, x, heat):
                return self.conv(x) * torch.where(heat[:, -1:, :, :] > 0, self.grid, 0 * self.grid)
        """,
        id="wide-feature-map-of-a-fixed-side",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, channels, style_dim):
                super().__init__()
                self.norm = nn.InstanceNorm2d(channels)
                self.fc = nn.Linear(style_dim, channels)
            def forward(self, x, s):
                h = self.fc(s)
                return self.norm(x) * h.view(h.size(0), h.size(1), 1, 1)
        """,
        id="style-that-is-viewed-with-ones",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.register_buffer("filter", torch.tensor([[[-0.9, 1.0]]]))
            def forward(self, wave):
                return F.conv1d(F.pad(wave.unsqueeze(1), (1, 0), "reflect"), self.filter)
        """,
        id="padding-that-is-not-implemented-for-the-rank",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, classes):
                super().__init__()
                self.weight = nn.Parameter(torch.randn(classes, 12))
                self.loss = nn.CrossEntropyLoss()
            def forward(self, x, label=None):
                cosine = F.linear(F.normalize(x), F.normalize(self.weight))
                chosen = torch.zeros_like(cosine).scatter_(1, label.view(-1, 1), 1)
                return self.loss(chosen * (cosine - 0.2) + (1 - chosen) * cosine, label)
        """,
        id="margin-of-one-class-a-row",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, width, num_embeddings):
                super().__init__()
                self.parts = nn.ModuleList(nn.Linear(width, 8) for _ in range(num_embeddings))
                self.out = nn.Linear(8 * num_embeddings, 2)
            def forward(self, xs):
                return self.out(torch.cat([part(x) for x, part in zip(xs, self.parts)], -1))
        """,
        id="as-many-tensors-as-layers",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.parts = nn.ModuleList(nn.Conv2d(3, 4, 1) for _ in range(7))
            def forward(self, maps):
                return sum(part(maps[i]) for i, part in enumerate(self.parts))
        """,
        id="indexed-with-the-number-of-the-layer",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, widths):
                super().__init__()
                assert len(widths) == 3
                self.widths = widths
                self.conv = nn.Conv2d(widths[0], 4, 1)
            def forward(self, maps):
                assert len(maps) == len(self.widths)
                return self.conv(maps[0])
        """,
        id="asserted-number-of-tensors",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.table, self.near = nn.Embedding(50, 6), nn.Embedding(50, 6)
                self.conv, self.pool = nn.Conv1d(6, 4, 3, padding=1), nn.MaxPool1d(100)

            def forward(self, token, near):
                x = self.table(token) + self.near(near)
                return self.pool(self.conv(x.transpose(1, 2))).squeeze(-1)
        """,
        id="sequences-as-long-as-the-pooling",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(6, 6)

            def forward(self, x, per_graph):
                return self.fc(x).view(-1, per_graph, 6).sum(1)
        """,
        id="number-that-a-view-takes",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def forward(self, output, target):
                log = F.log_softmax(output, dim=-1)
                smooth = -log.sum(-1).mean() / output.size(-1)
                return smooth + F.nll_loss(log, target)
        """,
        id="target-of-a-loss-behind-a-softmax",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, gamma=2.0):
                super().__init__()
                self.gamma, self.nll = gamma, nn.NLLLoss()
            def forward(self, logits, truth):
                log = F.log_softmax(logits, dim=1)
                return self.nll((1 - log.exp()) ** self.gamma * log, truth)
        """,
        id="focal-loss",
    ),
    pytest.param(
        """
        def encoder(config):
            return nn.Linear(16, config["width"]) if config["use_vit"] else nn.Linear(8, 4)
        class Net(nn.Module):
            def __init__(self, config=None):
                super().__init__()
                self.encoder = (lambda given: encoder(given))(config)
                self.name = config["name"]
            def forward(self, x):
                return self.encoder(x)
        """,
        id="key-that-a-setting-lacks",
    ),
    pytest.param(
        """
        from copy import deepcopy
        class Net(nn.Module):
            def __init__(self, model):
                super().__init__()
                self.module = deepcopy(model)
                self.register_buffer("seen", torch.zeros(()))
            def forward(self, *args, **kwargs):
                return self.module(*args, **kwargs)
        """,
        id="copied-module",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, width, filter_size):
                super().__init__()
                self.conv = nn.Conv2d(width, width, filter_size, padding=filter_size // 2)
                self.norm = nn.LayerNorm([width, 16, 16])
            def forward(self, x):
                return self.norm(self.conv(x))
        """,
        id="size-that-is-a-kernel",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, heads=4):
                super().__init__()
                self.heads = heads
            def forward(self, q, k):
                scores = torch.einsum("bhid,bhjd->bhij", q, k)
                assert q.shape[1] == self.heads, "one a head"
                return scores.softmax(-1)
        """,
        id="ranks-of-an-einsum",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, points):
                super().__init__()
                self.one, self.other = nn.Linear(10 * points, 6), nn.Linear(10 * points, 6)
            def forward(self, source, driving):
                batch = source["points"].shape[0]
                one = self.one(source["points"].view(batch, -1))
                return one + self.other(driving["points"].view(batch, -1))
        """,
        id="tables-of-points",
    ),
    pytest.param(
        """
        def mixed(maps, width):
            return maps["low"].repeat(1, width, 1, 1) + maps["high"]
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(6, 3, 1)
            def forward(self, x, motion):
                read = lambda given: mixed(given, 6)
                return self.conv(x) + self.conv(motion["flow"] + read(motion))
        """,
        id="key-that-a-table-lacks",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(6, 3)
            def forward(self, given):
                kept = {key: value for key, value in given.copy().items()}
                return self.fc(kept["x"])
        """,
        id="copied-table",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.lin = nn.Linear(width, width)
                self.rows = nn.Parameter(torch.zeros(3, width))
            def forward(self, x, edge_index):
                x = self.lin(x) + self.rows
                try:
                    return x[edge_index[1]]
                except IndexError:
                    said = "edge_index must hold valid indices in the interval [0, {})"
                    raise IndexError(said.format(len(x))) from None
        """,
        id="edges-of-fewer-nodes",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.look = nn.ModuleDict({"up": nn.Embedding(5, width)})
                self.fc = nn.Linear(width, width)
            def forward(self, x: torch.FloatTensor, which: Optional[torch.LongTensor] = None):
                name = "up" if which is not None else "down"
                return self.fc(x) + self.look[name](which).mean()
        """,
        id="kinds-of-tensors-in-annotations",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.table = nn.Conv2d(3, 8, 1), nn.Embedding(6, 8)
            def forward(self, x, y):
                if self.training:
                    y = torch.where(torch.rand(y.shape[0]) < 0.1, 5, y)
                return self.conv(x).mean((2, 3)) + self.table(y)
        """,
        id="indices-that-another-operator-gave",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 1)
            def forward(self, x, camera):
                inner, outer = camera["inner"], camera["outer"]
                depth = (outer["base"] * inner["fx"]).view(len(x), 1, 1, 1)
                return self.conv(x) / depth
        """,
        id="dictionary-of-dictionaries",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 1)
            def forward(self, x, targets):
                boxes = torch.cat([target["boxes"].reshape(-1) for target in targets])
                return self.conv(x).mean() * boxes.mean()
        """,
        id="list-of-dictionaries",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.words, self.cell = nn.Embedding(9, 8), nn.LSTMCell(8, 8)
            def forward(self, images, captions, lengths):
                lengths, order = lengths.squeeze(1).sort(dim=0, descending=True)
                images, captions = images[order], captions[order]
                given = self.words(captions)
                steps = (lengths - 1).tolist()
                said = torch.zeros(len(images), max(steps), 8)
                for t in range(max(steps)):
                    count = sum(one > t for one in steps)
                    said[:count, t] = self.cell(given[:count, t])[0]
                return said
        """,
        id="rows-in-another-order",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.one, self.two = nn.Conv2d(3, 16, 5, stride=2), nn.Conv2d(16, 32, 5, stride=2)
                self.three, self.head = nn.Conv2d(32, 32, 5, stride=2), nn.Linear(448, 2)
            def forward(self, x):
                x = self.three(self.two(self.one(x)))
                return self.head(x.view(x.size(0), -1))
        """,
        id="images-that-are-no-squares",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self, input_size, hidden_size):
                super().__init__()
                self.gates = nn.Linear(input_size, hidden_size)
            def forward(self, inputs):
                if not isinstance(inputs, nn.utils.rnn.PackedSequence):
                    raise ValueError("inputs must be PackedSequence but got %s" % type(inputs))
                return self.gates(inputs.data) * inputs.batch_sizes[0]
        """,
        id="packed-rows",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv1d(20, 4, 1)
            def forward(self, x, speaker):
                x = x.squeeze(1).transpose(2, 1)
                speaker = speaker.unsqueeze(-1).expand(-1, -1, x.size(-1))
                return self.conv(torch.cat((x, speaker), dim=1))
        """,
        id="expanded-rank",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.lstm = nn.Conv2d(1, 8, 3, padding=1), nn.LSTM(328, 4)
            def forward(self, x, speaker):
                x = self.conv(x.unsqueeze(1)).transpose(1, 2).contiguous()
                x = x.view(x.size(0), x.size(1), -1)
                speaker = speaker.unsqueeze(1).repeat(1, x.size(1), 1)
                return self.lstm(torch.cat((x, speaker), dim=2))[0]
        """,
        id="repeated-rank-and-features-of-steps",
    ),
    pytest.param(
        """
        def neighbours(x):
            x = x.view(x.size(0), -1, x.size(2))
            near = (x.transpose(2, 1) @ x).topk(k=3, dim=-1)[1].view(x.size(0), -1)
            rows = torch.stack([one[:, which] for one, which in zip(x, near)])
            rows = rows.view(x.size(0), x.size(1), x.size(2), 3)
            return torch.cat((rows, x[..., None].repeat(1, 1, 1, 3)), dim=1)
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.second = nn.Conv2d(6, 64, 1), nn.Conv2d(128, 64, 1)
                self.kind = nn.Conv1d(16, 64, 1)
            def forward(self, x, l):
                x = self.second(neighbours(self.first(neighbours(x)).max(-1)[0])).max(-1)[0]
                return x + self.kind(l.view(len(x), -1, 1))
        """,
        id="points-and-their-neighbours",
    ),
    pytest.param(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(6, 3)
            def forward(self, x, degrees):
                found = self.fc(x) / degrees.sqrt().sum()
                assert self.training or not found.isnan().any()
                return found
        """,
        id="roots-of-numbers-that-may-be-negative",
    ),
]


@pytest.mark.parametrize("source", RELATED)
def test_inputs_that_depend_on_each_other_are_found(find: Any, source: str) -> None:
    found = find(source)
    assert torch.is_tensor(found.run(found.search())[-1])


def test_a_number_of_a_condition_makes_no_input_that_fills_the_memory(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv3d(64, 2, 1)
            def forward(self, x):
                if x.shape[2] != 1024 and x.shape[2] != 20:
                    raise ValueError("depth")
                return self.conv(x)
        """
    )
    assert found.run(found.search())[-1].shape[2] == 20


def test_a_configuration_made_small_keeps_groups_that_divide_its_widths(find: Any) -> None:
    found = find(
        """
        class NetConfig:
            def __init__(self, hidden_sizes=(256, 512, 1024, 2048), num_groups=32):
                self.hidden_sizes, self.num_groups = hidden_sizes, num_groups
        class Net(nn.Module):
            def __init__(self, config: NetConfig):
                super().__init__()
                if not isinstance(config, NetConfig):
                    raise TypeError("no configuration")
                sizes = zip(config.hidden_sizes, config.hidden_sizes[1:])
                self.convs = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in sizes)
                self.norms = nn.ModuleList(
                    nn.GroupNorm(config.num_groups, width) for width in config.hidden_sizes[1:]
                )
            def forward(self, x):
                for conv, norm in zip(self.convs, self.norms):
                    x = norm(conv(x))
                return x
        """
    )
    recipe = found.search()
    assert "num_groups=" in recipe["build"]
    assert torch.is_tensor(found.run(recipe)[-1])


def test_a_model_with_large_defaults_is_built_small(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, classes, hidden_dim=4096, num_layers=12):
                super().__init__()
                layers = [nn.Linear(hidden_dim, hidden_dim) for _ in range(num_layers)]
                self.net, self.head = nn.Sequential(*layers), nn.Linear(hidden_dim, classes)

            def forward(self, x):
                return self.head(self.net(x))
        """
    )
    model = found.run(found.search())[0]
    assert (len(model.net), model.head.in_features) == (2, 64)


def test_a_construction_that_is_known_in_part_is_completed(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, width, table, kind=None):
                super().__init__()
                if width * len(table) != 51 or kind != "narrow":
                    raise ValueError("no such net")
                self.layer = nn.Linear(width, 2)

            def forward(self, x):
                return self.layer(x)
        """
    )
    part = {"source": "harvested", "build": "Net(17, ..., kind='narrow')", "inputs": ""}
    recipe = found.search(candidates=[part])
    assert recipe["build"].startswith("Net(width=17, ")
    assert found.run(recipe)[0].layer.in_features == 17


def test_what_is_no_module_is_said(find: Any) -> None:
    found = find("class Net(torch.autograd.Function):\n    pass\n")
    with pytest.raises(NoRecipe, match=r"is no nn\.Module"):
        found.search()


def test_where_a_tensor_is_made_is_no_tensor(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, where, kind):
                super().__init__()
                self.register_buffer("scale", torch.tensor([2.0], device=where, dtype=kind))
        """
    )
    effort = Effort(2.0, end=time.monotonic() + 600)
    subject = Subject(found.cls, vars(found.module), "searched.py", [], effort)
    for parameter in subject.constructor.parameters.values():
        assert not any("torch.randn" in option.text for option in parameter.options)


def test_a_size_of_a_tensor_is_no_tensor(find: Any) -> None:
    found = find(
        """
        class Inner(nn.Module):
            def __init__(self, inside, outside):
                super().__init__()
                self.weight = nn.Parameter(torch.FloatTensor(inside, outside).normal_())
                self.bias = nn.Parameter(torch.FloatTensor(outside).zero_())

            def forward(self, input, adj):
                return torch.spmm(adj, torch.mm(input, self.weight)) + self.bias

        class Net(nn.Module):
            def __init__(self, inside, outside):
                super().__init__()
                self.layer = Inner(inside, outside)
        """
    )
    effort = Effort(2.0, end=time.monotonic() + 600)
    subject = Subject(found.cls, vars(found.module), "searched.py", [], effort)
    for parameter in subject.constructor.parameters.values():
        assert parameter.options[0].text == "64"
        assert not any("torch.randn" in option.text for option in parameter.options)


def test_what_is_made_into_a_tensor_is_a_matrix(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, vectors, weights, opt):
                super().__init__()
                self.embed = nn.Embedding.from_pretrained(torch.tensor(vectors, dtype=torch.float))
                self.other = nn.Embedding.from_pretrained(opt.embedding_pretrained, freeze=False)
                self.register_buffer("weights", torch.from_numpy(weights))
                self.rnn = nn.GRU(opt.embed_dim, opt.hidden_dim, batch_first=True)

            def forward(self, words):
                return self.rnn(self.embed(words))[0] @ self.weights.t()
        """
    )
    assert found.run(found.search())[0].embed.weight.dim() == 2


def test_a_list_of_widths_goes_by_its_use_not_its_name(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, in_channel, mlp):
                super().__init__()
                self.convs, last = nn.ModuleList(), in_channel
                for width in mlp:
                    self.convs.append(nn.Conv1d(last, width, 1))
                    last = width

            def forward(self, xyz, points):
                '''
                xyz: positions, [B, C, N]
                points: features, [B, D, N]
                '''
                distances = xyz.transpose(1, 2) @ xyz
                if xyz.shape[1] == points.shape[1] or points.shape[2] < 20:
                    raise RuntimeError("no such points")
                points = points @ distances
                for conv in self.convs:
                    points = conv(points)
                return points
        """
    )
    assert found.run(found.search())[-1].dim() == 3


def test_images_that_are_normalised_as_a_whole_have_their_sides() -> None:
    message = (
        "Given normalized_shape=[16, 40, 40], expected input with shape [*, 16, 40, 40],"
        " but got input of size[2, 16, 9, 9]"
    )
    _, likeliest = min(changes("RuntimeError", message, []), key=lambda one: one[0])
    assert (likeliest.action, likeliest.b) == ("spatial", 40)


EQUATION = (
    "einsum(): the number of subscripts in the equation (3) is more than the number of dimensions"
    " (2) for operand 0"
)


@pytest.mark.parametrize(
    ("kind", "message", "likeliest"),
    [
        ("IndexError", "index out of range in self", ("tokens", 8)),
        ("KeyError", "2", ("rank", 3)),
        ("KeyError", "3", ("rank", 2)),
        ("RuntimeError", EQUATION, ("rank", 3)),
    ],
    ids=["numbers-made-whole", "a-table-by-dimensions", "the-same-of-three", "an-equation"],
)
def test_what_an_exception_asks_for(kind: str, message: str, likeliest: tuple[str, int]) -> None:
    first = min(changes(kind, message, []), key=lambda one: one[0])[1]
    assert (first.action, first.b) == likeliest


def test_floats_become_tokens() -> None:
    call = {"x": Tensor("float", (2, 512, 16, 16)), "y": Tensor("bool", (2, 8))}
    made = apply_to_all(call, Change("tokens", b=8))
    assert made == {"x": Tensor("long", (2, 8), 8), "y": call["y"]}


def test_a_class_whose_base_is_of_a_missing_package_needs_it(find: Any) -> None:
    found = find(
        """
        from codemod.verify.worker.standin import StandIn
        Base = StandIn("fairseq.models.Encoder")
        class Net(Base):
            def forward(self, x):
                return x
        """
    )
    with pytest.raises(NoRecipe) as raised:
        found.search()
    assert (raised.value.code, "fairseq" in raised.value.message) == ("needs-package", True)


def test_a_class_without_forward_is_called_by_its_methods(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.fc, self.to_action = nn.Linear(width, 8), nn.Linear(8, 2)
                self.kept = []

            def keep(self, transition):
                self.kept.append(transition)

            def policy(self, x, dim=1):
                x = F.relu(self.fc(x))
                return F.softmax(self.to_action(x), dim=dim)

            def value(self, x):
                return torch.tanh(self.fc(x)).mean(-1)
        """
    )
    first = found.search(wanted=["F.relu"])
    assert found.run(first)[-1].shape[-1] == 2
    second = found.search(known=[first], wanted=["torch.tanh"])
    assert found.run(second)[-1].dim() == 1
    assert found.run(found.search())[-1].dim() in (1, 2)


def test_what_a_forward_that_is_called_by_name_does_is_read(find: Any) -> None:
    found = find(
        """
        class Inner(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Embedding(9, 8)

            def forward(self, words, scale):
                return self.embed(words) * scale

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner, self.rows = Inner(), nn.Linear(8, 8)

            def forward(self, given, scale, rows):
                return self.inner.forward(given, scale=scale) + self.rows.forward(rows)
        """
    )
    model = found.cls()
    reader = Reader(found.cls, model)
    assert reader.facts(found.cls.forward, "given").layers == [model.inner.embed]
    assert reader.facts(found.cls.forward, "rows").layers == [model.rows]


def test_what_methods_of_an_argument_give_is_a_number_or_a_setting(find: Any) -> None:
    found = find(
        """
        class Base(nn.Module):
            def __init__(self, config, dataset):
                super().__init__()
                self.field = config["USER_FIELD"]
                self.kind = config.get("kind").lower()
                self.users = dataset.num(self.field)

        class Net(Base):
            def __init__(self, config, dataset):
                super().__init__(config, dataset)
                self.embed = nn.Embedding(self.users + 1, config["width"])
                self.rows = nn.Linear(config["width"], dataset.num("item") + 1)
                if self.kind not in ("plain", "deep"):
                    raise ValueError(self.kind)

            def forward(self, users):
                return self.rows(self.embed(users))
        """
    )
    reader = Reader(found.cls)
    config = reader.facts(found.cls.__init__, "config")
    assert set(config.attributes) >= {"USER_FIELD", "kind", "width"}
    assert config.parts["kind"].literals == ["plain", "deep"]
    assert found.run(found.search(seconds=5.0))[-1].dim() == 3


def test_a_flag_that_needs_another_argument_is_flipped_with_it(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, inside=None, outside=None, with_conv=False):
                super().__init__()
                outside = outside if outside else inside
                if with_conv:
                    self.conv = nn.Conv2d(inside, outside, 3, stride=2)
                self.with_conv = with_conv

            def forward(self, x):
                if self.with_conv:
                    return self.conv(F.pad(x, (0, 1, 0, 1)))
                return F.avg_pool2d(x, 2)
        """
    )
    first = found.search(wanted=["avg_pool2d"])
    second = found.search(known=[first], wanted=["F.pad"])
    assert "with_conv=True" in second["build"]
    assert found.run(second)[-1].dim() == 4


def test_a_film_of_large_frames_is_short() -> None:
    call: dict[str, Spec] = {"x": Tensor("float", (2, 3, 16, 16, 16))}
    made = next(iter(apply(call, Change("spatial", b=224), [])))[1]["x"]
    assert made == Tensor("float", (1, 3, 16, 224, 224))


def test_a_forward_that_only_raises_is_none(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, state_dim, action_dim):
                super().__init__()
                self.actor = nn.Linear(state_dim, action_dim)

            def forward(self):
                raise NotImplementedError

            def act(self, state):
                return F.softmax(self.actor(state), dim=-1).detach()
        """
    )
    recipe = found.search(wanted=["F.softmax"])
    assert "'act'" in recipe["build"]
    assert found.run(recipe)[-1].dim() == 2


ABSENT = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 8)

            def forward(self, x):
                return self.decode(self.fc(x))

            def decode(self, x, mask):
                return x * mask

            def {}
"""


def test_what_forward_does_not_run_is_called_by_another_method_in_the_end(find: Any) -> None:
    found = find(ABSENT.format("loss(self, x):\n                return self.fc(x).mean(1)"))
    recipe = found.search()
    assert "'loss'" in recipe["build"]
    assert found.run(recipe)[-1].dim() == 1


def test_a_method_that_uses_no_weights_does_not_stand_for_forward(find: Any) -> None:
    found = find(ABSENT.format("double(self, x):\n                return x * 2"))
    with pytest.raises(NoRecipe, match="missing 1 required positional argument: 'mask'"):
        found.search()


def test_two_sizes_that_must_both_be_three_are_found_one_after_the_other(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, num_in_ch, num_out_ch, num_feat=16, num_block=2, upscale=4,
                         res_scale=1, img_range=255.0, rgb_mean=(0.4, 0.4, 0.4)):
                super().__init__()
                self.img_range, self.mean = img_range, torch.tensor(rgb_mean).view(1, 3, 1, 1)
                self.first = nn.Conv2d(num_in_ch, num_feat, 3, 1, 1)
                self.body = nn.Sequential(
                    *(nn.Conv2d(num_feat, num_feat, 1) for _ in range(num_block)))
                self.last = nn.Conv2d(num_feat, num_out_ch, 3, 1, 1)
                self.upscale, self.res_scale = upscale, res_scale

            def forward(self, x):
                x = (x - self.mean) * self.img_range
                x = self.first(x)
                x = x + self.body(x) * self.res_scale
                return self.last(x) / self.img_range + self.mean
        """
    )
    model = found.run(found.search())[0]
    assert (model.first.in_channels, model.last.out_channels) == (3, 3)


def test_once_a_model_took_too_long_smaller_ones_come_before_those_of_the_project(
    find: Any,
) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, width=8):
                super().__init__()
                self.fc = nn.Linear(width, width)

            def forward(self, x):
                return self.fc(x)
        """
    )
    large = [{"source": "harvested", "build": "Net(4096)", "inputs": "", "setup": ""}]
    subject = Subject(found.cls, vars(found.module), str(found.path), large, Effort(20))
    assert next(_working(subject))["source"] == "harvested"
    subject = Subject(found.cls, vars(found.module), str(found.path), large, Effort(20))
    subject.is_slow = True
    assert next(_working(subject))["source"] == "synthesised"


LARGE = """
    class Net(nn.Module):
        def __init__(self, width=2):
            super().__init__()
            self.table = nn.Parameter(torch.zeros(1).expand(width << 20, 16))

        def forward(self, x):
            while len(self.table) > 8 << 20:
                x = x * self.table[0, 0]
            return x * self.table[0, 0]

        def twice(self, x):
            return F.relu(x)
    """


@pytest.mark.parametrize(
    ("candidate", "width"),
    [
        pytest.param({"source": "given"}, "Net(8)", id="given"),
        pytest.param({"source": "harvested"}, "Net()", id="large"),
        pytest.param(
            {"source": "harvested", "inputs": "((torch.ones(2),), {})"}, "Net(8)", id="whole"
        ),
    ],
)
def test_a_large_model_that_the_project_builds_comes_after_a_smaller_one(
    find: Any, candidate: dict[str, Any], width: str
) -> None:
    found = find(LARGE)
    large = [{"build": "Net(8)", "inputs": "", "setup": "", **candidate}]
    subject = Subject(found.cls, vars(found.module), str(found.path), large, Effort(20))
    assert next(_working(subject))["build"] == width


def test_what_is_known_is_varied_before_large_models_that_the_project_builds(find: Any) -> None:
    found = find(LARGE)
    large = [{"source": "harvested", "build": "Net(9)", "inputs": "", "setup": ""}]
    known = [{"build": "Net(2)", "inputs": "((torch.ones(2),), {})"}]
    wanted = [[str(found.path), found.line_of("F.relu")]]
    effort = Effort(2.0, end=time.monotonic() + 600)
    subject = Subject(found.cls, vars(found.module), "", large, effort, None, wanted)
    assert _search(subject, known, False)["build"] == "codemod_entry(Net(2), 'twice')"


def test_a_batch_of_one_is_tried_sooner_where_sizes_do_not_agree() -> None:
    call: dict[str, Spec] = {"x": Tensor("float", (2, 3)), "n": Raw("2"), "y": Tensor("long", (5,))}
    told = "The size of tensor a (2) must match the size of tensor b (32) at dimension 0"
    costs = []
    for message in (told, "something else"):
        ((cost, alone),) = _one_in_a_batch(call, Failure("call", "RuntimeError", message))
        assert alone == {**call, "x": Tensor("float", (1, 3))}
        costs.append(cost)
    assert costs[0] < costs[1]
    assert not list(_one_in_a_batch({"y": call["y"]}, Failure("call", "RuntimeError", told)))


@pytest.mark.parametrize("own", ["self.hp", "hp"])
def test_settings_that_a_condition_ties_to_each_other_agree(find: Any, own: str) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, hp):
                super().__init__()
                self.hp = hp
                assert own.audio.n_fft // 2 + 1 == own.audio.bins == own.model.fc_dim, "sizes"
                self.fc = nn.Linear(own.audio.bins, own.model.fc_dim)
            def forward(self, x):
                return self.fc(x)
        """.replace("own", own)
    )
    model = found.run(found.search())[0]
    assert model.fc.in_features == model.fc.out_features > 1


def test_indices_of_rows_are_one_a_row() -> None:
    call: dict[str, Spec] = {"x": Tensor("float", (2, 64, 16, 6)), "y": Tensor("long", (2, 64, 16))}
    told = "shape mismatch: indexing tensors could not be broadcast together with shapes {}"
    failures = [
        Failure("call", "IndexError", told.format(shapes))
        for shapes in ("[2], [2, 64, 16]", "[2], [3]")
    ]
    ((_, fewer),) = _indices_of_rows(call, failures[0])
    assert fewer == {"x": Tensor("float", (2, 6)), "y": Tensor("long", (2,))}
    assert not list(_indices_of_rows(call, failures[1]))


def test_a_method_is_given_what_forward_is_and_a_number_as_a_factor(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, steps=5):
                super().__init__()
                self.conv, self.table = nn.Conv2d(4, 4, 1), nn.Embedding(steps, 4)

            def forward(self, image, times):
                return self.conv(image) * self.table(times)[:, :, None, None]

            def generate(self, image, times, guidance_scale):
                one, other = F.relu(self(image, times))[:, :3].chunk(2, dim=0)
                mixed = one + guidance_scale * (other - one)
                return torch.cat([mixed, mixed], dim=0)
        """
    )
    known = [{"build": "Net()", "inputs": "((torch.randn(4, 4, 8, 8), torch.zeros(4).long()), {})"}]
    inputs = found.search(known=known, wanted=["F.relu"])["inputs"]
    assert inputs == "((torch.randn(4, 4, 8, 8), torch.zeros(4).long(), 1.0), {})"


def test_what_the_project_builds_too_little_of_is_built_afresh(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, in_channel, mlp):
                super().__init__()
                self.convs = nn.ModuleList()
                for out_channel in mlp:
                    self.convs.append(nn.Conv1d(in_channel, out_channel, 1))
                    in_channel = out_channel

            def forward(self, x):
                x = x + 1
                for conv in self.convs:
                    x = F.relu(conv(x))
                return x
        """
    )
    known = [{"build": "Net(-1, [])", "inputs": "((torch.ones(2, 4, 8),), {})"}]
    model = found.run(found.search(known=known, wanted=["F.relu"]))[0]
    assert len(model.convs) > 0


def test_hidden_states_are_as_wide_as_the_cell(find: Any) -> None:
    message = "RuntimeError: hidden0 has inconsistent hidden_size: got 8, expected 512"
    _, likeliest = min(changes("RuntimeError", message, []), key=lambda one: one[0])
    assert (likeliest.action, likeliest.a, likeliest.b) == ("last", 8, 512)


def test_a_spread_dictionary_has_the_keys_that_the_class_needs(find: Any) -> None:
    found = find(
        """
        class Encoder(nn.Module):
            def __init__(self, width, kind, depth, rate=0.1):
                super().__init__()
                if kind not in ("plain", "deep"):
                    raise NotImplementedError(kind)
                self.rows = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))

            def forward(self, x):
                return self.rows(x)

        class Net(nn.Module):
            def __init__(self, width, options):
                super().__init__()
                self.encoder = Encoder(width, **options)

            def forward(self, x):
                return self.encoder(x)
        """
    )
    options = Reader(found.cls).facts(found.cls.__init__, "options")
    assert set(options.attributes) == {"kind", "depth"}
    assert found.run(found.search(seconds=5.0))[-1].dim() == 2


def test_what_lacks_an_attribute_is_replaced_first(find: Any) -> None:
    found = find(
        """
        class Groups(nn.Module):
            def __init__(self, width, count, groups):
                super().__init__()
                self.groups = groups.to(groups.device)

        class Net(nn.Module):
            def __init__(self, width, count=3, steps=2, gain=1.3, rate=0.02, groups=[]):
                super().__init__()
                self.of = Groups(width, count, groups)
                self.rows = nn.Linear(width, count)

            def forward(self, x):
                return self.rows(x) * self.of.groups.mean()
        """
    )
    effort = Effort(2.0, end=time.monotonic() + 600)
    subject = Subject(found.cls, vars(found.module), "searched.py", [], effort)
    constructor = subject.constructor
    _, failure = subject.laboratory.build(constructor.draft(constructor.first))
    assert failure is not None
    changed = next(constructor._repairs(dict(constructor.first), failure))
    assert set(changed) == {"groups"}


def test_lengths_tell_how_far_rows_go(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.rows = nn.Linear(8, 8)
                self.seen = None

            def hidden(self, states, known, ends):
                self.seen = torch.zeros(known.shape[:2])
                for index, end in enumerate(ends):
                    self.seen[index, end:] = 1
                return known.masked_fill(self.seen.bool().unsqueeze(2), 0.0)

            def forward(self, states, known, ends, x_len):
                rows, steps, _ = known.shape
                known = nn.utils.rnn.pack_padded_sequence(
                    self.hidden(states, known, ends), x_len, batch_first=True
                )
                return self.rows(known.data)
        """
    )
    inputs = Inputs(found.cls())
    start = inputs.queue.pop()
    assert start is not None
    kinds: dict[str, Any] = dict(start[1])
    assert (kinds["ends"].kind, len(kinds["ends"].shape)) == ("long", 1)
    assert kinds["x_len"].text == "torch.full((2,), 8)"


def test_comments_at_the_margin_and_private_methods_are_read_past(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, config):
                super().__init__()
                self.config = config
                self.__layers()

            def __layers(self):
        #         self.rate = 1
                self.embed = nn.Embedding(self.config["words"], self.config["width"])
                self.rows = nn.Linear(self.config["width"], self.config["labels"])

            def __embedded(self, words, weights):
        #         print(words.shape)
                rows, columns = words.shape
                return self.embed(words) * weights.view(rows, columns, 1)

            def forward(self, first, second):
                return self.rows(self.__embedded(first, second))
        """
    )
    reader = Reader(found.cls)
    config = reader.facts(found.cls.__init__, "config")
    assert set(config.attributes) == {"words", "width", "labels"}
    model = found.cls({"words": 9, "width": 8, "labels": 2})
    first = Reader(found.cls, model).facts(found.cls.forward, "first")
    assert (first.ranks, first.layers) == ([2], [model.embed])
    assert found.run(found.search(seconds=5.0))[-1].dim() == 3


def test_items_of_a_dictionary_are_those_that_are_asked_for(find: Any) -> None:
    found = find(
        """
        def sizes_of(config):
            names = ["width", "labels"]
            return [config[name] for name in names]

        class Net(nn.Module):
            def __init__(self, config: dict, source: dict):
                super().__init__()
                self.count = config["layer_count"]
                self.rows = nn.Linear(*sizes_of(source))

            def forward(self, x):
                for _ in range(self.count):
                    x = x + 1
                return self.rows(x)
        """
    )
    config = Reader(found.cls).facts(found.cls.__init__, "config")
    assert set(config.attributes) == {"layer_count"}
    assert found.run(found.search(seconds=5.0))[-1].dim() == 2


def test_one_tensor_of_a_list_has_another_rank_and_type(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Embedding(99, 16)

            def forward(self, inputs):
                words, aspects, graph = inputs
                lengths = (words != 0).sum(-1).tolist()
                return torch.bmm(graph, self.embed(words)) + self.embed(aspects).mean(1)[:, None]
        """
    )
    assert found.run(found.search())[-1].dim() == 3


def test_a_recipe_that_spells_the_class_by_its_module_is_varied(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, width, leaky=False):
                super().__init__()
                self.fc, self.leaky = nn.Linear(width, 2), leaky

            def forward(self, x):
                x = self.fc(x)
                if self.leaky:
                    x = F.leaky_relu(x)
                return x
        """
    )
    known = {
        "source": "harvested",
        "setup": "import searched as nets",
        "build": "nets.Net(8)",
        "inputs": "((torch.randn(2, 8),), {})",
    }
    recipe = found.search(known=[known], wanted=["F.leaky_relu"])
    assert "leaky=True" in recipe["build"]


def test_patterns_of_axes_tell_ranks() -> None:
    assert ranks_of("b n (h d) -> b h n d") == [3]
    assert ranks_of("b 1 () c -> b c") == [4]
    assert ranks_of("bhid,bhjd->bhij") == [4, 4]
    assert ranks_of("b i d, b j d -> b i j") == [3, 3]
    assert ranks_of("... c -> ...") == [0]
    assert ranks_of("(b h) n d -> b h n d") == [3]


def test_a_list_that_begins_with_a_parameter_is_not_the_parameter(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def __init__(self, width, more):
                super().__init__()
                width = [width] + more[:-1]
                self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(width, more))
        """
    )
    facts = Reader(found.cls).facts(found.cls.__init__, "width")
    assert [(one.callee, one.name) for one in facts.passed] == [(torch.nn.Linear, "in_features")]
    assert not facts.sequence


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        pytest.param("image_shape", 3, ["[4, 64, 64]"], id="image"),
        pytest.param("obs_shape", 4, ["[4, 64, 64, 64]"], id="volume"),
        pytest.param("image_shape", 0, [], id="not-unpacked"),
        pytest.param("channels", 3, [], id="another-name"),
    ],
)
def test_the_shape_of_an_input(name: str, length: int, expected: list[str]) -> None:
    assert list(_shapes_of_inputs(name, length)) == expected


def test_a_length_is_asked_for_in_one_of_several_classes(find: Any) -> None:
    found = find(
        """
        class Pixels(nn.Module):
            def __init__(self, obs_shape):
                super().__init__()
                assert len(obs_shape) == 3

        KINDS = {"pixels": Pixels}

        class Net(nn.Module):
            def __init__(self, kind, obs_shape, other):
                super().__init__()
                self.encoder = KINDS[kind](obs_shape)
                assert len(other) > 3 or len(self.encoder) == 2
        """
    )
    reader = Reader(found.cls)
    lengths = [reader.facts(found.cls.__init__, name).length for name in ("obs_shape", "other")]
    assert lengths == [3, 0]


def test_a_rank_is_asked_for_by_the_length_of_a_shape(find: Any) -> None:
    found = find(
        """
        class Net(nn.Module):
            def forward(self, x, y):
                assert len(x.shape) == 5 and y.dim() == 2
                return x.sum() + y
        """
    )
    reader = Reader(found.cls, found.cls())
    assert [reader.facts(found.cls.forward, name).ranks for name in "xy"] == [[5], [2]]


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(torch.nn.GRU(6, 5, num_layers=3, bidirectional=True), id="layers"),
        pytest.param(torch.nn.RNN(6, 5), id="one"),
        pytest.param(torch.nn.GRUCell(6, 5), id="cell"),
    ],
)
def test_the_shape_of_a_state(layer: Any) -> None:
    rows = torch.randn(2, 6)
    given = layer(rows) if isinstance(layer, torch.nn.GRUCell) else layer(rows[None])[1]
    assert _shape_of_state(layer) == tuple(given.shape)
