"""The text of a class in the hands of a kind of mutant: found, changed, written out again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_MARK = "__site__"


@dataclass(frozen=True)
class Wrong:
    """A wrong text. `site`: from where to where the changed expression goes, if there is one."""

    text: str
    site: tuple[int, int] | None


class Draft:
    """One class of a file, to be changed in place. `size` and `batch`: of its first input."""

    def __init__(self, text: str, class_name: str, batch: int = 0, size: int = 0) -> None:
        self.tree = ast.parse(text)
        self.cls = next(
            node
            for node in self.tree.body
            if isinstance(node, ast.ClassDef) and node.name == class_name
        )
        self.batch, self.size = batch, size
        self.is_marked = False

    # What is there

    def method(self, name: str) -> ast.FunctionDef | None:
        found = [n for n in self.cls.body if isinstance(n, ast.FunctionDef) and n.name == name]
        return found[0] if found else None

    @cached_property
    def init(self) -> ast.FunctionDef | None:
        return self.method("__init__")

    @cached_property
    def forward(self) -> ast.FunctionDef:
        found = self.method("forward") or self.method("__call__")
        assert found is not None
        return found

    @property
    def running(self) -> list[ast.FunctionDef]:
        """All methods but the constructor, `forward` last: what it calls stands before it."""
        methods = [n for n in self.cls.body if isinstance(n, ast.FunctionDef)]
        return [m for m in methods if m.name != "__init__"]

    @property
    def first_input(self) -> str:
        return self.forward.args.args[1].arg

    @property
    def children(self) -> dict[str, ast.Call]:
        """The attributes that the constructor sets to a call, in order."""
        found = {}
        for node in ast.walk(self.init) if self.init else ():
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                target = node.targets[0]
                if isinstance(target, ast.Attribute) and _is_self(target.value):
                    found[target.attr] = node.value
        return found

    @property
    def built(self) -> list[ast.Call]:
        """The layers that the constructor builds: `nn.X(...)`, in a container too."""
        calls = _calls(self.init) if self.init else []
        return [call for call in calls if is_of(call.func, "nn")]

    @property
    def functionals(self) -> list[ast.Call]:
        """Calls of `F.x` and `torch.x` in the running methods."""
        return [c for m in self.running for c in _calls(m) if is_of(c.func, "F", "torch")]

    @property
    def layers(self) -> list[ast.Call]:
        """Calls of children and of functionals on something, in the running methods."""
        names = set(self.children)
        return [
            call
            for method in self.running
            for call in _calls(method)
            if call.args
            and (
                is_of(call.func, "F")
                or (_attribute_of_self(call.func) in names and len(call.args) == 1)
            )
        ]

    @property
    def stateless(self) -> list[ast.Call]:
        children = self.children
        return [
            call
            for call in self.layers
            if is_of(call.func, "F") or last_name(children[call.func.attr].func) in STATELESS
        ]

    @property
    def stateful(self) -> list[ast.Call]:
        children = self.children
        return [
            call
            for call in self.layers
            if not is_of(call.func, "F") and last_name(children[call.func.attr].func) in STATEFUL
        ]

    # What is done

    def replace(self, old: ast.AST, new: ast.AST | str, *, mark: bool = True) -> bool:
        """Puts an expression where another one stood; `{}` in a text stands for that one."""
        if isinstance(new, str):
            new = expression(new.replace("{}", f"({ast.unparse(old)})"))
        if mark and not self.is_marked:
            self.is_marked = True
            new = ast.Call(ast.Name(_MARK, ast.Load()), [new], [])
        return _swap(self.tree, old, new)

    def changed(self, node: ast.AST) -> bool:
        """Says that an expression was changed in place."""
        return self.replace(node, _copy(node))

    def begin_forward(self, source: str) -> bool:
        at = _after_docstring(self.forward)
        self.forward.body[at:at] = ast.parse(source).body
        return True

    def end(self, source: str) -> bool:
        """A statement at the end of the constructor."""
        if self.init is None:
            return False
        self.init.body += ast.parse(source).body
        return True

    def returned(self, template: str) -> bool:
        """Changes what `forward` returns last, if that is one value."""
        returns = [n for n in ast.walk(self.forward) if isinstance(n, ast.Return) and n.value]
        if not returns or isinstance(returns[-1].value, (ast.Tuple, ast.Dict)):
            return False
        return self.replace(returns[-1].value, template.replace("INPUT", self.first_input))

    def define(self, source: str) -> bool:
        """A helper before the class."""
        at = self.tree.body.index(self.cls)
        self.tree.body[at:at] = ast.parse(source).body
        return True

    def written(self) -> Wrong:
        text = ast.unparse(ast.fix_missing_locations(self.tree)) + "\n"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == _MARK:
                start, end = span(text, node)
                inner = ast.get_source_segment(text, node.args[0]) or ""
                plain = text[:start] + f"({inner})" + text[end:]
                return Wrong(plain, (start + 1, start + 1 + len(inner)))
        return Wrong(text, None)


STATELESS = {
    *("ReLU", "LeakyReLU", "GELU", "Softplus", "ELU", "SiLU", "Tanh", "Softmax", "Mish", "ReLU6"),
    *("Dropout", "Dropout2d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "Hardswish"),
    *("Sigmoid", "Hardtanh", "Flatten", "LogSoftmax", "Threshold"),
}
STATEFUL = {
    *("Linear", "Conv1d", "Conv2d", "BatchNorm1d", "BatchNorm2d", "Embedding", "LayerNorm"),
    *("conv_block", "ConvNormAct", "GroupNorm"),
}


def expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_of(node: ast.expr, *owners: str) -> bool:
    return isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in owners


def keyword(call: ast.Call, name: str) -> ast.keyword | None:
    return next((word for word in call.keywords if word.arg == name), None)


def span(text: str, node: ast.expr) -> tuple[int, int]:
    lines = text.splitlines(keepends=True)

    def offset(line: int, column: int) -> int:
        before = sum(map(len, lines[: line - 1]))
        return before + len(lines[line - 1].encode()[:column].decode())

    return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)


def _calls(method: ast.AST) -> list[ast.Call]:
    """In the order in which they are evaluated: inner ones first."""
    found: list[ast.Call] = []

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            visit(child)
        if isinstance(node, ast.Call):
            found.append(node)

    visit(method)
    return found


def _attribute_of_self(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) and _is_self(node.value) else ""


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _copy(node: ast.AST) -> ast.AST:
    return expression(ast.unparse(node))


def _after_docstring(method: ast.FunctionDef) -> int:
    return int(ast.get_docstring(method) is not None)


def _swap(tree: ast.AST, old: ast.AST, new: ast.AST) -> bool:
    for parent, name, index in _places(tree):
        held = getattr(parent, name) if index is None else getattr(parent, name)[index]
        if held is old:
            if index is None:
                setattr(parent, name, new)
            else:
                getattr(parent, name)[index] = new
            return True
    return False


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, list):
                for index in range(len(value)):
                    yield parent, name, index
            elif isinstance(value, ast.AST):
                yield parent, name, None
