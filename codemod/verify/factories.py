"""Functions that build models: `def resnet18(pretrained=False): return ResNet(...)`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

Spelling = Callable[[ast.expr], bool]

# Parameters that make a factory load weights -> what keeps it from that.
NO_WEIGHTS = {
    "pretrained": "False", "weights": "None", "pretrained_backbone": "False",
    "weights_backbone": "None", "progress": "False", "encoder_weights": "None",
    "pretrained_base": "False", "imagenet_pretrained": "False", "pretrain": "False",
    "use_pretrained": "False", "load_weights": "False",
}  # fmt: skip


def makers(tree: ast.Module, spelling: Spelling) -> list[ast.FunctionDef]:
    """Functions of the file that return the class, or what another such function returns."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found: dict[str, ast.FunctionDef] = {}
    grew = True
    while grew:
        before = len(found)
        for node in functions:
            if node.name not in found and _returns(node, spelling, found.keys()):
                found[node.name] = node
        grew = len(found) > before
    return [node for node in functions if node.name in found]


def calls_without_arguments(makers: list[ast.FunctionDef]) -> Iterator[tuple[str, int]]:
    """Source and line of a call of each maker that needs no argument; it loads no weights."""
    for node in makers:
        if not _required(node) and not node.name.startswith("_"):
            yield f"{node.name}({_given(node)})", node.lineno


def _given(node: ast.FunctionDef) -> str:
    parameters = [one.arg for one in [*node.args.args, *node.args.kwonlyargs]]
    return ", ".join(f"{name}={NO_WEIGHTS[name]}" for name in parameters if name in NO_WEIGHTS)


def _returns(node: ast.FunctionDef, spelling: Spelling, known: object) -> bool:
    def makes(value: ast.expr | None) -> bool:
        if not isinstance(value, ast.Call):
            return False
        return spelling(value.func) or (
            isinstance(value.func, ast.Name) and value.func.id in known  # type: ignore[operator]
        )

    variables = {
        target.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Assign) and makes(inner.value)
        for target in inner.targets
        if isinstance(target, ast.Name)
    }
    returned = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
    return any(
        makes(value) or (isinstance(value, ast.Name) and value.id in variables)
        for value in returned
    )


def _required(node: ast.FunctionDef) -> bool:
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    keyword = any(default is None for default in arguments.kw_defaults)
    return positional > len(arguments.defaults) or keyword
