"""Constructor arguments: candidates for each parameter, and a search steered by what is raised."""

from __future__ import annotations

import ast
import enum
import inspect
import itertools
import re
import typing
from typing import Any, Collection, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

import torch

from . import words
from .agreeing import agreeing
from .bestfirst import BestFirst
from .configs import shrink
from .corrections import (
    EMPTY,
    Path,
    answers,
    config_words,
    growing_numbers,
    listed,
    relisted,
    settings_of,
    trials,
    with_item,
    with_other,
    with_setting,
)
from .guards import Guard
from .laboratory import Draft, Failure
from .naming import (
    OMITTED,
    Namer,
    Value,
    is_number,
    joined,
    texts,
    torch_classes_called_as,
)
from .parsing import HOLE, call_of
from .reading import RESULT, Facts, Reader, annotation_of, initialiser, is_torch, signature_of
from .sizes import disagreeing, in_proportion, of_the_pair

_CONFIG_NAME = re.compile(
    r"(?i)^(config|configs|configuration|cfg|args|opt|opts|hparams|hps|params|conf)$|_(config|cfg|args)$"
)
_NAMED = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")  # "num_channels must be divisible by num_groups"
_QUOTED = re.compile(r"['\"`]([A-Za-z_][\w.+-]*)['\"`]")
_NOT_SETTINGS = {
    "append", "extend", "lower", "upper", "startswith", "endswith", "split", "format", "copy",
    "items", "keys", "values", "get", "pop", "update", "__name__", "__class__", "shape", "dtype",
    "device", "size", "dim", "strip", "replace", "index", "view", "clone", "setdefault", "insert",
}  # fmt: skip
_OF_ALL_TENSORS = {"shape", "dtype", "device", "__name__", "__class__"}
_OF_TENSORS = {"shape", "size", "ndim", "dim", "unsqueeze", "numel", "new_tensor"}
_FROM_ARRAYS = (torch.tensor, torch.from_numpy, torch.as_tensor, torch.FloatTensor)
_MADE_INTO = (
    *_FROM_ARRAYS,
    torch.Tensor,
    torch.nn.Embedding.from_pretrained,
    torch.nn.Parameter,
)
_MODULE_ATTRIBUTES = {
    "weight", "parameters", "modules", "children", "named_parameters", "state_dict", "train",
    "eval", "to", "register_buffer", "in_features", "out_features", "in_channels", "out_channels",
    "apply", "named_modules", "named_children", "forward", "requires_grad_", "add_module",
    "reset_parameters", "register_forward_hook",
}  # fmt: skip


_NO_DATA = ("device", "dtype", "requires_grad", "freeze", "padding_idx", "max_norm", "sparse")

Arguments = Tuple[Tuple[str, Value], ...]


_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)
_SHAPING = ("kernel_size", "stride", "padding", "dilation", "groups")  # of a layer of torch
_PAIRED = 10
LARGEST_SIZE = 1024  # of what a call says should agree
AGREEING = 3  # ways in which settings may agree
NESTING = 4  # of lists and configurations in each other


class Parameter(NamedTuple):
    """A parameter of the constructor and the candidates for it, likeliest first."""

    name: str
    kind: Any
    required: bool
    options: Tuple[Value, ...]
    aliases: Tuple[str, ...]


class Constructor:
    """The arguments to try for `cls(...)`. `expression`: how the class is called in its file."""

    def __init__(self, cls: Any, namespace: Any, expression: str, depth: int = 0) -> None:
        self.cls = cls
        self.depth = depth
        self.nesting = 0
        self.expression = expression
        self.namer = Namer(cls, namespace)
        self.reader = Reader(cls)
        self.parameters = {p.name: p for p in self._parameters()}
        self.queue: BestFirst[Arguments] = BestFirst()
        self.first = self._first()
        self.queue.push(0.0, self.first)
        self.modest = self._modest()
        self.queue.push(0.4, self.modest)

    def draft(self, arguments: Arguments) -> Draft:
        parts, setups = [], []
        for name, value in arguments:
            if value == OMITTED:
                continue
            kind = self.parameters[name].kind if name in self.parameters else None
            if kind is inspect.Parameter.POSITIONAL_ONLY:
                parts.append(value.text)
            elif kind is inspect.Parameter.VAR_POSITIONAL:
                parts.append("*" + value.text)
            else:
                parts.append("{}={}".format(name, value.text))
            if value.setup and value.setup not in setups:
                setups.append(value.setup)
        return Draft(
            "{}({})".format(self.expression, ", ".join(parts)), "", "\n".join(sorted(setups))
        )

    def learn(self, cost: float, arguments: Arguments, failure: Optional[Failure]) -> None:
        """Queues what to try after these arguments failed, or worked and led no further."""
        current = dict(arguments)
        if failure is not None:
            for step, mended in enumerate(self.mended(arguments, failure)):
                self.queue.push(cost + 1.0 + 0.05 * step, mended)
        blamed = self._blamed(failure) if failure is not None else []
        for name, parameter in self.parameters.items():
            near = 1.5 if name in blamed else 4.0
            if not parameter.required:
                near += 1.0
            for rank, option in enumerate(parameter.options):
                if option != current.get(name, OMITTED):
                    self.queue.push(cost + near + 0.5 * rank, _with(current, {name: option}))

    def mended(self, arguments: Arguments, failure: Failure) -> Iterator[Arguments]:
        """The same call with what the failure asks for, likeliest first."""
        current = dict(arguments)
        return (_with(current, changes) for changes in self._repairs(current, failure))

    def parsed(self, build: str, setup: str) -> Optional[Arguments]:
        """The arguments of a build that calls the class; None for any other."""
        written = call_of(build)
        if written is None or not self._is_called(written.called):
            return None
        names = [n for n, p in self.parameters.items() if p.kind in _POSITIONAL]
        given = {**dict(zip(names, written.positional)), **written.named}
        if len(written.positional) > len(names) or set(given) - set(self.parameters):
            return None
        arguments = dict.fromkeys(self.parameters, OMITTED)
        for name, text in given.items():
            arguments[name] = Value(text, setup)
        return tuple(arguments.items())

    def begin_with(self, cost: float, known: Draft) -> None:
        """Queues a construction that is known in part: the rest as likely as can be."""
        arguments = self.parsed(known.build, known.setup)
        if arguments is not None:
            likely = dict(self.first)
            filled = {
                name: likely[name] if value == OMITTED or value.text == HOLE else value
                for name, value in arguments
            }
            self.queue.push(cost, tuple(filled.items()))

    def _is_called(self, name: str) -> bool:
        """Whether a name means the class: its own, or that of an import, `nets.Net`."""
        own = name == self.expression
        return own or name.rpartition(".")[2] == self.expression == self.cls.__name__

    def variants(self, arguments: Arguments, deciding: Sequence[str] = ()) -> Iterator[Arguments]:
        """The same call with one flag flipped, option given or left out, other string, ...

        `deciding`: names that decide what runs; what they are made of is changed first, by two at
        a time too.
        """
        current = dict(arguments)
        near = self._near(deciding)
        changes = [(n, o) for n in near for o in self._others(n, near, current)]
        for name, option in changes:
            yield _with(current, {name: option})
        for name, value in self._settings_varied(current, deciding):
            yield _with(current, {name: value})
        for one, other in itertools.combinations(changes[:_PAIRED], 2):
            if one[0] != other[0]:
                yield _with(current, dict([one, other]))
        for flags_only in (True, False):
            for name, parameter in self.parameters.items():
                for option in parameter.options:
                    is_flag = option.text in ("True", "False") or option.text[:1] in "'\""
                    if option != current.get(name, OMITTED) and is_flag == flags_only:
                        yield _with(current, {name: option})

    def _settings_varied(
        self, current: Dict[str, Value], deciding: Sequence[str]
    ) -> Iterator[Tuple[str, Value]]:
        """Configurations with one of the settings that decide changed."""
        for name, value in current.items():
            for path, text in settings_of(value).items():
                if path[-1] in deciding:
                    for other in _other_settings_than(text):
                        yield name, with_other(value, path, Value(other))

    def _near(self, deciding: Sequence[str]) -> List[str]:
        """Parameters that the names stand for, the name met first first."""
        found: Dict[str, None] = {}
        for word in deciding:
            for name, parameter in self.parameters.items():
                if word == name or word in parameter.aliases:
                    found[name] = None
        return list(found)

    def _others(self, name: str, near: List[str], current: Dict[str, Value]) -> List[Value]:
        """Other values: the options, and the values of parameters that it may be compared with."""
        now = current.get(name, OMITTED)
        made = [*self.parameters[name].options]
        if is_number(now.text) and now.text.isdigit():
            made += [v for n in near for v in [current.get(n, OMITTED)] if v.text.isdigit()]
            made += texts(str(int(now.text) * 2), str(int(now.text) // 2), "1", "2")
        return [v for v in dict.fromkeys(made) if v != now and v.text != "0"]

    def _first(self) -> Arguments:
        return tuple(
            (p.name, p.options[0] if p.options else Value("None")) for p in self.parameters.values()
        )

    def _modest(self) -> Arguments:
        """The first arguments, with small ones instead of large defaults."""
        defaults = self._defaults().items()
        numbers = {n: d for n, d in defaults if isinstance(d, (int, list, tuple))}
        small = {n: Value(repr(v)) for n, v in shrink(numbers).items() if n in self.parameters}
        return _with(dict(self._first()), small)

    def _parameters(self) -> Iterator[Parameter]:
        function = initialiser(self.cls)
        signature = signature_of(function) if function is not None else None
        if signature is None:
            return
        for parameter in list(signature.parameters.values())[1:]:
            if parameter.kind is parameter.VAR_KEYWORD:
                continue
            facts = self.reader.facts(function, parameter.name)
            required = parameter.default is parameter.empty
            if parameter.kind is parameter.VAR_POSITIONAL:
                required = False
            options = tuple(self.options(parameter, function, facts))
            aliases = tuple(dict.fromkeys([parameter.name, *facts.names]))
            yield Parameter(parameter.name, parameter.kind, required, options, aliases)

    def options(self, parameter: inspect.Parameter, function: Any, facts: Facts) -> List[Value]:
        annotation = annotation_of(parameter, function)
        default = parameter.default
        made: List[Value] = []
        if parameter.kind is parameter.VAR_POSITIONAL:
            made.append(OMITTED)
            inner = self.values(_singular(parameter.name), annotation, facts.element or Facts())
            made += [Value("[{0}, {0}]".format(v.text), v.setup) for v in inner[:2]]
            return made
        if default is not parameter.empty:
            made.append(OMITTED)
            if isinstance(default, bool):
                made.append(Value(str(not default)))
                return made
            if isinstance(default, str):
                strings = [s for s in facts.literals if isinstance(s, str) and s != default]
                made += [Value(repr(s)) for s in strings]
                return list(dict.fromkeys(made))
        made += self.values(parameter.name, annotation, facts)
        if type(default) in (int, float):
            made = [m for m in made if m == OMITTED or is_number(m.text)]
        return list(dict.fromkeys(made))[:12]

    def values(self, name: str, annotation: Any, facts: Facts) -> List[Value]:
        """Candidates, likeliest first. The evidence in order: annotation, use, name."""
        if self.nesting > NESTING:
            return _ints("4")
        self.nesting += 1
        try:
            return self._values(name, annotation, facts)
        finally:
            self.nesting -= 1

    def _values(self, name: str, annotation: Any, facts: Facts) -> List[Value]:
        made = self.by_annotation(name, annotation, facts)
        for passed in facts.annotations:
            if not made:
                made = self.by_annotation(name, passed, facts)
        by_use = self.by_use(name, facts)
        by_name = self.by_name(name, facts)
        return list(dict.fromkeys([*made, *by_use, *by_name]))

    def by_annotation(self, name: str, annotation: Any, facts: Facts) -> List[Value]:
        if annotation is None or annotation is Any or isinstance(annotation, typing.TypeVar):
            return []
        if isinstance(annotation, str):
            return self.by_annotation_text(name, annotation, facts)
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Union or type(annotation).__name__ == "UnionType":
            made: List[Value] = []
            for one in inner:
                if one is not type(None):
                    made += self.by_annotation(name, one, facts)
            prefer = "(" if facts.sequence or facts.spread else ""
            return sorted(made, key=lambda v: not (prefer and v.text[:1] in "[("))
        if origin is typing.Annotated if hasattr(typing, "Annotated") else False:
            return self.by_annotation(name, inner[0], facts)
        if origin is not None and str(origin).endswith("Literal"):
            return [Value(repr(one)) for one in inner]
        if origin is type:
            return self.classes(name, inner[0] if inner else None, facts)
        if origin in (list, tuple, set, frozenset) or _is_sequence(origin):
            return self.sequences(name, origin, inner, facts)
        if origin is dict or _is_mapping(origin):
            return [self.mapping(facts), Value("{}")]
        if origin is not None and "Callable" in str(origin):
            return self.callables(name, facts)
        return self.by_class(name, annotation, facts)

    def by_annotation_text(self, name: str, text: str, facts: Facts) -> List[Value]:
        """An annotation that does not evaluate: its outermost known words."""
        simple = {"int": int, "float": float, "bool": bool, "str": str}
        for word in re.findall(r"[A-Za-z_][\w.]*", text):
            if word in simple and "[" not in text:
                return self.by_class(name, simple[word], facts)
            found = self.namer.class_named(word.split(".")[-1])
            if found is not None and "[" not in text:
                return self.by_class(name, found, facts)
        return []

    def by_class(self, name: str, cls: Any, facts: Facts) -> List[Value]:
        numbers = [v for v in self.by_name(name, facts) if is_number(v.text)]
        if cls is int:
            return [v for v in numbers if "." not in v.text and "e" not in v.text] or _ints("4")
        if cls is float:
            return [v for v in numbers if "." in v.text or "e" in v.text] or [
                Value("1.0"),
                *numbers,
            ]
        if cls is bool:
            return [Value("False"), Value("True")]
        if cls is str:
            return self.strings(name, facts)
        if cls is type:
            return self.classes(name, None, facts)
        if cls in (list, tuple) or cls is torch.Size:
            return self.sequences(name, cls, (), facts)
        if cls is dict:
            return [self.mapping(facts), Value("{}")]
        if cls is torch.device:
            return [Value("torch.device('cpu')")]
        if cls is torch.dtype:
            return [Value("torch.float32")]
        if cls is torch.Tensor:
            return [Value("torch.randn(4)"), Value("torch.randn(4, 4)"), Value("torch.randn(64)")]
        if cls is torch.Generator:
            return [Value("torch.Generator()")]
        if not isinstance(cls, type):
            return self.callables(name, facts) if "Callable" in str(cls) else []
        if issubclass(cls, enum.Enum):
            written = self.namer.name(cls)
            members = list(cls.__members__)
            return [Value("{}.{}".format(written.text, m), written.setup) for m in members[:4]]
        if issubclass(cls, torch.nn.Module):
            return self.modules(name, cls, facts)
        if cls.__module__ == "builtins":
            return []
        return self.small(cls, facts)

    def small(self, cls: type, facts: Facts) -> List[Value]:
        written = self.namer.name(cls)
        return [Value("codemod_small({})".format(written.text), written.setup)]

    def strings(self, name: str, facts: Facts) -> List[Value]:
        made = [repr(s) for s in facts.literals if isinstance(s, str)]
        for table in facts.tables:
            made += [repr(key) for key in list(table)[:8] if isinstance(key, str)]
        found = set(words.words_of(name))
        if not made and found & {"act", "activation", "nonlinearity", "act_fn"}:
            made += ["'relu'", "'gelu'"]
        if not made and "norm" in found:
            made += ["'batch'", "'layer'"]
        return [Value(text) for text in [*made, "'mean'", "'a'"]]

    def sequences(
        self, name: str, origin: Any, inner: Tuple[Any, ...], facts: Facts
    ) -> List[Value]:
        element = facts.element or Facts()
        singular = _singular(name)
        is_tuple = origin in (tuple, torch.Size)
        if is_tuple and inner and Ellipsis not in inner:
            parts = [self.values(singular, one, Facts())[:2] for one in inner]
            whole = [one for one in words.guesses(name)[:1] if _is_of_kinds(one, inner)]
            if whole:
                return texts(*whole)
            if _are_sides(name, inner):
                return [Value("({})".format(", ".join([str(words.SPATIAL)] * len(inner))))]
            if all(parts):
                text = ", ".join(part[0].text for part in parts)
                setup = next((p[0].setup for p in parts if p[0].setup), "")
                return [
                    Value("({},)".format(text) if len(parts) == 1 else "({})".format(text), setup)
                ]
        lengths = [facts.length] if facts.length else []
        made = texts(*_shapes_of_inputs(name, facts.length))
        items = self.values(singular, inner[0] if inner else None, element) or _ints("4")
        for length in dict.fromkeys([*lengths, 2, 4, 3, 1]):
            for item in items[:2]:
                text = ", ".join([item.text] * length)
                written = "({},)" if is_tuple and length == 1 else "({})" if is_tuple else "[{}]"
                made.append(Value(written.format(text), item.setup))
        return made

    def mapping(self, facts: Facts) -> Value:
        parts, setups = [], []
        for key, part in sorted(facts.attributes.items()):
            if key in _NOT_SETTINGS and part.called is not None:
                continue
            value = (self.values(key, None, part) or [Value("None")])[0]
            parts.append("{!r}: {}".format(key, value.text))
            setups.append(value.setup)
        return Value("{{{}}}".format(", ".join(parts)), joined(setups))

    def classes(self, name: str, base: Any, facts: Facts) -> List[Value]:
        made = [*self.namer.classes_called_as(facts, base)]
        found = set(words.words_of(name))
        if "norm" in found or "bn" in found:
            made += [Value("torch.nn.BatchNorm2d"), Value("torch.nn.LayerNorm")]
        elif found & {"conv", "convolution"}:
            made += [Value("torch.nn.Conv2d"), Value("torch.nn.Linear")]
        elif found & {"linear", "fc", "proj"}:
            made += [Value("torch.nn.Linear")]
        elif found & {"drop", "dropout"}:
            made += [Value("torch.nn.Dropout")]
        return [*made, *texts("torch.nn.ReLU", "torch.nn.Identity", "torch.nn.BatchNorm2d")]

    def callables(self, name: str, facts: Facts) -> List[Value]:
        made = self._giving_numbers(facts)
        made += self.namer.functions_called_as(name, facts)
        made += self.namer.classes_called_as(facts, None) if facts.called else []
        found = set(words.words_of(name))
        called = facts.called
        made = [*made, *torch_classes_called_as(called)]
        if found & {"norm", "bn", "normalization", "normalizer"}:
            made = [*made, *texts("torch.nn.BatchNorm2d", "torch.nn.LayerNorm")]
        if called is not None and ((not called.args and not called.keywords) or "layer" in found):
            made = [*made, *texts("torch.nn.ReLU")]
        if called is not None and any(k.arg == "inplace" for k in called.keywords):
            made = [*made, *texts("torch.nn.ReLU")]
        return [
            *made,
            *texts("torch.nn.ReLU()", "torch.nn.ReLU", "torch.nn.Identity"),
            Value("lambda *args, **kwargs: torch.nn.Identity()"),
        ]

    def _counts(self, facts: Facts) -> bool:
        """Whether a method tells the size of it, as that of a vocabulary: `words.size()`."""
        return any(self._counts_by(key, part) for key, part in facts.attributes.items())

    def _counts_by(self, key: str, part: Facts) -> bool:
        asks_for_one = part.called is not None and not part.called.args
        return key == "size" and asks_for_one and bool(self._giving_numbers(part))

    def _giving_numbers(self, facts: Facts) -> List[Value]:
        """A function that gives a number, where the constructor uses what is given as one."""
        result = facts.parts.get(RESULT)
        if result is None or facts.called_later or result.called is not None:
            return []
        likely = self.values("", None, result)[:1] if result.number or result.passed else []
        numbers = (one.text for one in likely if is_number(one.text))
        return texts(*("lambda *args, **kwargs: {}".format(one) for one in numbers))

    def modules(self, name: str, base: type, facts: Facts) -> List[Value]:
        """Instances of `base`: stand-ins where any module will do."""
        if base is torch.nn.Module:
            arguments = torch_numbers(facts)
            made = ["torch.nn.Identity()", "torch.nn.Linear(64, 64)"]
            if "conv" in words.words_of(name) or arguments:
                made.insert(0, "torch.nn.Conv2d(64, 64, 1)")
            if _takes_several(facts):
                made.insert(0, "codemod_module()")
            return texts(*made)
        if is_torch(base):
            written = "torch.nn." + base.__name__
            if base in (torch.nn.ModuleList, torch.nn.Sequential):
                return texts(written + "(torch.nn.Identity())", written + "([torch.nn.Identity()])")
            return texts(
                written + "(64)", written + "(64, 64)", written + "(64, 64, 3)", written + "()"
            )
        return self.instance(base)

    def stand_ins(self, name: str, facts: Facts) -> List[Value]:
        """A class of the project of that name; else a module that has the attributes asked for."""
        asked = _settings_in(facts) - set(dir(torch.nn.Module))
        found = [v for cls in self.namer.modules_named(name, asked) for v in self.instance(cls)]
        if asked:
            config = self.namespace_value(facts)
            found.append(config._replace(text=config.text.replace("config", "module", 1)))
        return found

    def instance(self, base: type) -> List[Value]:
        """`base(...)` with the first guess for each required argument."""
        if base is self.cls or inspect.isabstract(base):
            return texts("torch.nn.Identity()")
        if self.depth >= 2:
            return texts("torch.nn.Identity()")
        written = self.namer.name(base).text
        inner = Constructor(base, self.namer.namespace, written, self.depth + 1)
        draft = inner.draft(inner._first())
        return [Value(draft.build, joined([self.namer.name(base).setup, draft.setup]))]

    def by_use(self, name: str, facts: Facts) -> List[Value]:
        made: List[Value] = []
        for kind in facts.types:
            if kind not in (int, float, str, bool, list, tuple, dict, type(None)):
                made += self.by_class(name, kind, facts)
        if _looks_like_config(name, facts):
            made += self.configs(facts)
        else:
            built = facts.called is not None and not facts.called_later
            if (facts.mapping and facts.attributes) or self._counts(facts):
                made.append(self.namespace_value(facts))
            if not built and (facts.called or _settings_in(facts)):
                made += self.stand_ins(name, facts)
            if facts.attributes.keys() & _MODULE_ATTRIBUTES:
                made += self.modules(name, torch.nn.Module, facts)
        made += arrays(facts)
        if facts.called is not None and facts.called_later:
            made += self.namer.instances_called_as(facts, self.instance)
            if _takes_several(facts):
                made.append(Value("codemod_module()"))
        if facts.called is not None:
            made += self.callables(name, facts)
        if (facts.sequence or facts.spread) and not facts.mapping:
            made += self.sequences(name, list, (), facts)
        if facts.mapping and not _looks_like_config(name, facts):
            made.append(self.mapping(facts))
        strings = [s for s in facts.literals if isinstance(s, str)]
        if strings or facts.tables:
            made += self.strings(name, facts)[:-2]
        return made

    def configs(self, facts: Facts) -> List[Value]:
        made: List[Value] = []
        for found in self.namer.config_classes(_settings_in(facts)):
            made += self.small(found, facts)
        made.append(self.namespace_value(facts))
        return made

    def namespace_value(self, facts: Facts) -> Value:
        parts, setups = [], []
        for key, part in sorted(facts.attributes.items()):
            if key not in _settings_in(facts) and not self._counts_by(key, part):
                continue
            if not key.isidentifier():
                continue
            value = (self.values(key, None, part) or [Value("4")])[0]
            parts.append("{}={}".format(key, value.text))
            setups.append(value.setup)
        return Value("codemod_config({})".format(", ".join(parts)), joined(setups))

    def by_name(self, name: str, facts: Facts) -> List[Value]:
        """The name itself, then the names of torch's parameters that it is passed on to."""
        torch_names = [p.name for p in facts.passed if is_torch(p.callee)]
        other = [n for n in facts.names if n not in torch_names]
        made: List[str] = []
        is_counted = any(is_number(g) for one in torch_names for g in words.guesses(one)[:1])
        shaping = [n for n in torch_names if n in _SHAPING]
        if shaping and words.guesses(name)[:1] in ([], [str(words.CHANNELS)]):
            order = [*shaping, name, *torch_names, *other]  # `filter_size` is a kernel's
        elif is_counted and not any(is_number(one) for one in words.guesses(name)[:1]):
            order = [*torch_names, name, *other]  # `mlp` of `for width in mlp: nn.Linear(4, width)`
        else:
            order = [name, *torch_names, *other]
        for one in order:
            if len(words.words_of(one)) == 1 and len(one) < 3 and torch_names:
                continue
            made += words.guesses(one)
        numbers = [repr(v) for v in facts.literals if type(v) in (int, float)]
        if facts.turns and not torch_names and made[:1] in ([], [str(words.CHANNELS)]):
            made = ["2", *made]
        if facts.number:
            made = [one for one in made if is_number(one)] or ["4", "2", "64", "1.0"]
        if not made:
            made += ["64", "2", "None", "torch.nn.Identity()", "'mean'", "True"]
        return [Value(text) for text in dict.fromkeys([*made, *numbers])]

    # What the failure says

    def _blamed(self, failure: Failure) -> List[str]:
        """Parameters that stand on the failing lines, the constructor's own line first, then
        those that what stands there was made of."""
        frames = list(reversed(failure.frames))
        blamed: Dict[str, None] = {}
        asked = set(failure.guard.words) if failure.guard is not None else set()
        said = [set(f.words) for f in frames]
        for spoken in [*said, asked, *(set(f.sources) for f in frames)]:
            for name, parameter in self.parameters.items():
                if spoken & set(parameter.aliases):
                    blamed[name] = None
        return list(blamed)

    def _repairs(self, current: Dict[str, Value], failure: Failure) -> Iterator[Dict[str, Value]]:
        blamed = self._blamed(failure)
        message = failure.message
        yield from self._size_repairs(current, blamed, failure)
        for name in self._lacking_attributes(failure):
            options = (one for one in self.parameters[name].options if one != current.get(name))
            yield from ({name: option} for option in itertools.islice(options, 6))
        for name in blamed:
            parameter = self.parameters[name]
            for text in answers(failure, current.get(name, OMITTED), parameter.options):
                yield {name: Value(text)}
        yield from self._config_repairs(current, failure)
        yield from self._guard_repairs(current, failure)
        yield from self._list_repairs(current, failure)
        asked = failure.guard.strings[:6] if failure.guard is not None else ()
        for name in blamed:
            if current.get(name, OMITTED).text[:1] in ("'", '"', ""):
                yield from ({name: Value(repr(one))} for one in asked)
        quoted = _QUOTED.findall(message)
        for name in (one for one in quoted if one in self.parameters):
            yield from ({name: option} for option in self.parameters[name].options[:4])
        for name in blamed:
            for word in quoted[:6]:
                if current.get(name, OMITTED).text[:1] in "'\"" or failure.kind == "KeyError":
                    yield {name: Value(repr(word))}
        if "divisible" in message or "%" in message or failure.kind == "AssertionError":
            numbers = [n for n in blamed if is_number(current.get(n, OMITTED).text)]
            for name in numbers:
                for text in ("64", "4", "1", "2", "8", "16", "3", "512", "256", "128", "1024"):
                    yield {name: Value(text)}
            if len(numbers) > 1:
                yield {n: Value("64") for n in numbers}
        lacking = _lacking(message)
        if lacking and self._takes_keywords():
            yield {n: self._likeliest(n) for n in lacking}
        asked_key = message.strip("'") if failure.kind == "KeyError" else ""
        if asked_key.isidentifier() and asked_key not in current and self._takes_keywords():
            yield {asked_key: self._likeliest(asked_key)}

    def _lacking_attributes(self, failure: Failure) -> List[str]:
        """Parameters of which an attribute was asked that their value does not have."""
        said = re.search(r"object has no attribute '(\w+)'", failure.message)
        asked = {
            before
            for frame in failure.frames[:1]
            for before, after in zip(frame.words, frame.words[1:])
            if said and after == said.group(1)
        }
        return [name for name, one in self.parameters.items() if asked & set(one.aliases)]

    def _size_repairs(
        self, current: Dict[str, Value], blamed: Sequence[str], failure: Failure
    ) -> Iterator[Dict[str, Value]]:
        """Other numbers, where the call says that two sizes do not agree."""
        pairs = disagreeing(failure.message) if failure.stage == "call" else []
        if not pairs:
            return
        names = list(dict.fromkeys([*blamed, *self.parameters]))
        sizes = {name: self._size(name, current.get(name, OMITTED)) for name in names}
        for likely in (in_proportion, of_the_pair):
            for name, now in sizes.items():
                for one in likely(now, pairs):
                    if one != now and 0 < one <= LARGEST_SIZE:
                        yield {name: Value(str(one))}

    def _size(self, name: str, value: Value) -> Optional[int]:
        """The whole number that an argument is; 0 where it is left out and may be one."""
        if value.text.isdigit():
            return int(value.text)
        if value != OMITTED:
            return None
        default = self._defaults().get(name)
        if default is not None:
            return default if type(default) is int else None
        return 0 if any(o.text.isdigit() for o in self.parameters[name].options[:3]) else None

    def _defaults(self) -> Dict[str, Any]:
        signature = signature_of(initialiser(self.cls))
        return {n: p.default for n, p in signature.parameters.items()} if signature else {}

    def _guard_repairs(
        self, current: Dict[str, Value], failure: Failure
    ) -> Iterator[Dict[str, Value]]:
        """Values that would have passed the condition that led to the raise."""
        guard = failure.guard
        if guard is None:
            return
        for local in guard.names:
            for name, parameter in self.parameters.items():
                own = local == name if guard.function == "__init__" else False
                if own or local in parameter.aliases:
                    yield from ({name: value} for value in _passing(guard, [local]))

    def _list_repairs(
        self, current: Dict[str, Value], failure: Failure
    ) -> Iterator[Dict[str, Value]]:
        """All lists of one length; and lists of growing numbers."""
        lists = {n: listed(v.text) for n, v in current.items() if listed(v.text)}
        if len(lists) > 1 and failure.stage == "build":
            for count in (4, 3, 2, 5, 1):
                yield {n: Value(relisted(items, count)) for n, items in lists.items()}
        growing = {n: Value(growing_numbers(v.text)) for n, v in current.items()}
        changed = {n: v for n, v in growing.items() if v.text != current[n].text}
        if changed and EMPTY.search(failure.message):
            yield changed

    def _likeliest(self, name: str) -> Value:
        """The first value for a parameter of which nothing but the name is known."""
        return (self.values(name, None, Facts()) or [Value("4")])[0]

    def _takes_keywords(self) -> bool:
        signature = signature_of(initialiser(self.cls))
        kinds = [p.kind for p in signature.parameters.values()] if signature else []
        return inspect.Parameter.VAR_KEYWORD in kinds

    def _config_repairs(
        self, current: Dict[str, Value], failure: Failure
    ) -> Iterator[Dict[str, Value]]:
        asked = failure.message.strip("'") if failure.kind == "KeyError" else ""
        for name, value in current.items():
            if value.text[:1] == "{" and asked.isidentifier():
                part = self.reader.facts(initialiser(self.cls), name).parts.get(asked, Facts())
                for option in self.values(asked, None, part)[:3]:
                    yield {name: with_item(value, asked, option)}
            if not value.text.startswith(("codemod_small(", "codemod_config(")):
                continue
            known = settings_of(value)
            lacking = [key for key in _lacking(failure.message) if (key,) not in known]
            if lacking:
                whole = value
                for key in lacking:
                    whole = with_setting(whole, key, self._likeliest(key))
                yield {name: whole}
            missing = re.search(r"has no (?:attribute '|\.)(\w+)", failure.message)
            wanted = [missing.group(1)] if missing and missing.group(1) in failure.words else []
            if asked.isidentifier():
                wanted.append(asked)
            if "divisible" in failure.message:
                named = reversed(_NAMED.findall(failure.message))  # the divisor stands last
                wanted += [w for w in named if w not in wanted]
            if "None" in failure.message or failure.kind == "TypeError":
                wanted += [w for w in config_words(failure, name) if w not in wanted]
            for key in wanted[:4]:
                if re.search(r"\b{}=".format(key), value.text):
                    continue
                part = self.reader.facts(initialiser(self.cls), name).parts.get(key, Facts())
                for option in self.values(key, None, part)[:3]:
                    yield {name: with_setting(value, key, option)}
            for numbers in self._that_agree(name, value, failure):
                whole = value
                for path, number in numbers:
                    whole = with_other(whole, path, Value(str(number)))
                yield {name: whole}
            for path, option in self._other_settings(name, value, failure):
                yield {name: with_other(value, path, option)}

    def _that_agree(
        self, name: str, value: Value, failure: Failure
    ) -> Iterator[List[Tuple[Path, int]]]:
        if failure.guard is not None and failure.stage == "build":
            aliases = (name, *self.parameters[name].aliases)
            found = agreeing(failure.guard, aliases, settings_of(value))
            yield from itertools.islice(found, AGREEING)

    def _other_settings(
        self, name: str, value: Value, failure: Failure
    ) -> Iterator[Tuple[Path, Value]]:
        """Settings that stand on the failing lines, with other values."""
        facts = self.reader.facts(initialiser(self.cls), name)
        spoken = {*failure.words, *failure.sources}
        for path, text in settings_of(value).items():
            part = facts
            for key in path:
                part = part.parts.get(key, Facts())
            if not spoken & {path[-1], *part.names}:
                continue
            options = self.values(path[-1], None, part)
            told = [*_passing(failure.guard, {path[-1], *part.names})]
            told += [Value(one) for one in answers(failure, Value(text), options)]
            if text[:1] in "'\"" and failure.guard is not None:
                told += [Value(repr(one)) for one in failure.guard.strings]
            for option in list(dict.fromkeys([*told, *options]))[:8]:
                if option.text != text:
                    yield path, option


def _other_settings_than(text: str) -> Iterator[str]:
    """Of a flag the other one; of a number those on the other side of likely bounds."""
    if text in ("True", "False"):
        yield str(text == "False")
    elif is_number(text):
        yield from (one for one in ("0.5", "1", "2", "0", "None") if one != text)
    elif text == "None":
        yield from ("True", "0.5", "2")


def _passing(guard: Optional[Guard], names: Collection[str]) -> Iterator[Value]:
    """Values of a local with one of these names that would have passed the condition."""
    for local in guard.names if guard is not None else ():
        if guard is not None and local in names:
            tried = trials(guard.local.get(local), guard)
            passing = (one for one in tried if guard.passes({local: one}))
            yield from (Value(repr(one)) for one in itertools.islice(passing, 4))


def arrays(facts: Facts) -> List[Value]:
    """Tensors and arrays, for what is made into a tensor, or asked for its shape."""
    passed = [one.callee for one in facts.passed if one.name not in _NO_DATA]
    made_into = [one for one in _MADE_INTO if any(_is_it(callee, one) for callee in passed)]
    if any(one.name == "size" and is_torch(one.callee) for one in facts.passed):
        return []  # `torch.FloatTensor(width)` beside `torch.FloatTensor(width, 2)`
    if not made_into and not facts.attributes.keys() & _OF_TENSORS:
        return []
    ranks = [*dict.fromkeys(rank for rank in facts.ranks if 0 < rank < 4), 2, 1]
    shapes = {1: "64", 2: "{}, 64".format(words.VOCABULARY), 3: "2, 8, 64"}
    endings = (".numpy()", "") if any(one in _FROM_ARRAYS for one in made_into) else ("",)
    made = ("torch.randn({}){}".format(shapes[rank], end) for rank in ranks for end in endings)
    return texts(*made)


def _is_it(callee: Any, function: Any) -> bool:
    """Whether both are one function; a method of a class is another object each time."""
    inner = getattr(function, "__func__", None)
    return callee is function or (inner is not None and getattr(callee, "__func__", 0) is inner)


def _lacking(message: str) -> List[str]:
    """The required arguments that a message says were not given."""
    said = re.search(r"missing \d+ required (?:positional|keyword-only) arguments?: (.*)", message)
    return re.findall(r"'(\w+)'", said.group(1)) if said else []


def torch_numbers(facts: Facts) -> List[str]:
    """The names of torch's parameters that attributes of the value are passed on to."""
    return [
        key for key in facts.attributes if key in ("in_channels", "out_channels", "kernel_size")
    ]


def _settings_in(facts: Facts) -> Set[str]:
    """What is asked of it that strings, dictionaries and tensors do not answer: `c.size`, not
    `x.size()`."""
    return {
        key
        for key, part in facts.attributes.items()
        if key not in _NOT_SETTINGS
        or (part.called is None and (facts.mapping or key not in _OF_ALL_TENSORS))
    }


def _looks_like_config(name: str, facts: Facts) -> bool:
    settings = _settings_in(facts) - _MODULE_ATTRIBUTES
    if _CONFIG_NAME.search(name):
        return bool(settings) or not (facts.number or facts.called)
    return len(settings) >= 2 and facts.called is None


def _with(current: Dict[str, Value], changes: Dict[str, Value]) -> Arguments:
    return tuple({**current, **changes}.items())


def _ints(*numbers: str) -> List[Value]:
    return texts(*numbers, "2", "64", "1")


def _are_sides(name: str, kinds: Sequence[Any]) -> bool:
    """Whether two or three integers are the sides of an image, not of a kernel, window or patch."""
    size = str(words.CHANNELS) in words.guesses(name)[:1]
    return size and words.words_of(name)[-1:] == ("size",) and list(kinds) in ([int] * 2, [int] * 3)


def _shapes_of_inputs(name: str, length: int) -> Iterator[str]:
    """`image_shape` and the like, where as many sides are asked for: channels first."""
    if words.words_of(name)[-1:] in (("shape",), ("size",), ("dims",)) and length in (3, 4):
        yield "[{}]".format(", ".join(["4", *["64"] * (length - 1)]))


def _takes_several(facts: Facts) -> bool:
    """Whether it is called with more than one argument: `torch.nn.Identity` takes one alone."""
    called = facts.called
    return called is not None and len(called.args) + len(called.keywords) > 1


def _is_of_kinds(text: str, kinds: Sequence[Any]) -> bool:
    """Whether a written value is a tuple of these kinds."""
    value = ast.literal_eval(text) if text[:1] == "(" else None
    return value is not None and [type(one) for one in value] == list(kinds)


def _is_sequence(origin: Any) -> bool:
    return getattr(origin, "__name__", "") in (
        "Sequence",
        "Iterable",
        "Collection",
        "MutableSequence",
    )


def _is_mapping(origin: Any) -> bool:
    return getattr(origin, "__name__", "") in (
        "Mapping",
        "MutableMapping",
        "OrderedDict",
        "defaultdict",
    )


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
