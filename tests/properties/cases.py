"""Generated projects, as a Hypothesis strategy."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from families import NET, SHAPES, USE, Model
from fragments import FRAGMENTS
from generated_class import IMPORTS, STEP, GeneratedClass, commented, with_step
from hypothesis import strategies as st


@dataclass(frozen=True)
class Case:
    """A project of one or a few files, and the models to be built from it."""

    files: dict[str, str]
    models: tuple[Model, ...]
    traps: frozenset[str]

    @property
    def data(self) -> dict[str, bytes]:
        return {path: text.encode() for path, text in self.files.items()}

    def __repr__(self) -> str:
        texts = "\n".join(f"# ---- {path}\n{text}" for path, text in sorted(self.files.items()))
        return f"traps {sorted(self.traps)}, models {self.models}\n{texts}"


# How often each fragment and shape was generated in this process.
GENERATED: Counter[str] = Counter()


@st.composite
def cases(draw: st.DrawFn, fragments: Sequence[str] = (), shapes: Sequence[str] = ()) -> Case:
    """Any project; or one of the named fragments and shapes alone."""
    chosen = draw(st.lists(st.sampled_from(sorted(fragments or FRAGMENTS)), min_size=1, max_size=4))
    shape = draw(st.sampled_from(sorted(shapes or ["plain", "plain", "plain", *SHAPES])))
    imports = draw(st.sampled_from(["usual", "usual", *IMPORTS]))
    made = GeneratedClass(draw, "Net", imports)  # type: ignore[arg-type]
    for name in chosen:
        FRAGMENTS[name](made)
    files, models = SHAPES[shape](made)
    files[USE] = _use(made, models)
    files.update(made.files)
    files = {path: _formatted(draw, path, text) for path, text in files.items()}
    traps = frozenset([*chosen, shape, f"imports-{imports}"])
    GENERATED.update(traps)
    return Case(files, models, traps)


def _use(made: GeneratedClass, models: Sequence[Model]) -> str:
    """The file that uses the model as other code would."""
    imports = "".join(
        f"from {model.module} import {model.build.partition('(')[0].partition('.')[0]}\n"
        for model in models
    )
    lines = textwrap.indent("\n".join(made.use or ["seen.append(model(x))"]), STEP)
    calls = "".join(f"    observe({model.build}, torch.randn(2, 4, 6, 6), [])\n"
                    for model in models)  # fmt: skip
    return (
        f"import torch\n{imports}\nFILES = {{}}\n\n\ndef settings(path):\n"
        '    return FILES[path].strip("]}\\n").split()[-1].strip("[]{}\\"").split(".")[-1]\n\n\n'
        f"def observe(model, x, seen):\n{lines}\n\n\n"
        f'if __name__ == "__main__":\n{calls}'
    )


def _formatted(draw: st.DrawFn, path: str, text: str) -> str:
    if path != NET:
        return text
    marks = draw(st.lists(st.booleans(), max_size=12))
    text = commented(text, iter(marks))
    text = with_step(text, draw(st.sampled_from(["    ", "    ", "  ", "\t"])))
    if draw(st.sampled_from([False, False, False, True])):
        text = text.replace("\n", "\r\n")
    return text.rstrip() if draw(st.sampled_from([False, False, False, True])) else text
