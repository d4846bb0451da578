"""Pieces of generated classes: each adds to `__init__`, `forward` and what stands around them.

A fragment keeps the shape of `x`. Its name is that of the trap that it holds, if it holds one;
`observe(model, x, seen)` of the generated file `use.py` runs what a fragment adds to `use`.
"""

from __future__ import annotations

from collections.abc import Callable

from generated_class import GeneratedClass as Class

Fragment = Callable[[Class], None]
FRAGMENTS: dict[str, Fragment] = {}

ACTIVATIONS = {
    "relu": "ReLU",
    "gelu": "GELU",
    "sigmoid": "Sigmoid",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "silu": "SiLU",
    "hardswish": "Hardswish",
    "softplus": "Softplus",
}


def fragment(one: Fragment) -> Fragment:
    FRAGMENTS[one.__name__.rstrip("_").replace("_", "-")] = one
    return one


def activation(c: Class, value: str) -> str:
    """A functional activation of `value`, in place or not."""
    name = c.pick("relu", "relu", *ACTIVATIONS)
    if name in ("relu", "elu", "leaky_relu") and c.pick(True, False, False):
        given = {"relu": (), "elu": ("0.5",), "leaky_relu": ("0.2",)}[name]
        return c.call(c.f(name), value, *given, "True" if given and c.pick(True, False)
                      else "inplace=True")  # fmt: skip
    return c.call(c.f(name), value)


def act_layer(c: Class, *names: str) -> str:
    """An attribute that holds an activation module; its name."""
    name = c.fresh(*(names or ("relu", "act", "relu1")))
    c.init.append(f"self.{name} = {c.nn(c.pick('ReLU', 'ReLU', 'GELU', 'Sigmoid'))}()")
    return name


# ---- plain


@fragment
def plain_functional(c: Class) -> None:
    c.forward.append(f"x = {activation(c, c.value())}")


@fragment
def plain_module(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f"x = {c.call(f'self.{name}', c.value())}")


@fragment
def pooling(c: Class) -> None:
    if c.pick(True, False):
        name = c.pick("max_pool2d", "avg_pool2d")
        c.forward.append(f"x = {c.call(c.f(name), c.value(), '3', '1', 'padding=1')}")
    else:
        name = c.fresh("pool", "maxpool")
        c.init.append(f"self.{name} = {c.call(c.nn('MaxPool2d'), '3', 'stride=1', 'padding=1')}")
        c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def dropout_module(c: Class) -> None:
    name = c.fresh("dropout", "drop")
    c.init.append(f"self.{name} = {c.call(c.nn('Dropout'), c.pick('0.3', 'p=0.5'))}")
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def dropout_functional(c: Class) -> None:
    training = c.pick("self.training", "training=self.training")
    rest = ("0.4", training) if training.startswith("self") else ("p=0.4", training)
    c.forward.append(f"x = {c.call(c.f('dropout'), c.value(), *rest)}")


@fragment
def softmax_argument(c: Class) -> None:
    dim = c.pick("-1", "dim=1", "dim=-1")
    c.forward.append(f"x = {c.call(c.pick(c.f('softmax'), 'torch.softmax'), c.value(), dim)}")


@fragment
def torch_functions(c: Class) -> None:
    c.forward.append(f"x = torch.{c.pick('relu', 'sigmoid', 'tanh')}({c.value()})")


@fragment
def tensor_method(c: Class) -> None:
    c.forward.append(f"x = ({c.value()}).{c.pick('relu()', 'sigmoid()', 'softmax(dim=-1)')}")


@fragment
def odd_statements(c: Class) -> None:
    one = activation(c, "x")
    c.forward.append(c.pick(f"y = x; x = {one}", f"x = \\\n    {one}", f"x = ({one})",
                            f"if x is not None: x = {one}"))  # fmt: skip


@fragment
def nested_calls(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f"x = self.{name}({activation(c, c.value())})")


@fragment
def conditional_expression(c: Class) -> None:
    c.forward.append(f"x = {activation(c, 'x')} if x.dim() == 4 else {activation(c, 'x')}")


@fragment
def padding(c: Class) -> None:
    c.forward.append(f"x = {c.call(c.f('pad'), 'x', '(1, 1, 1, 1)')}[..., 1:-1, 1:-1]")


@fragment
def local_argument(c: Class) -> None:
    """A local name that stands for one value, or that does not."""
    d, other = c.fresh("d", "dim"), c.fresh("other", "last")
    c.init.append(f"self.of_{d} = (1, -1)")
    c.forward += c.pick(
        (f"{d} = 1",),
        (f"{d} = self.of_{d}[-1]",),
        (f"{other}, {d} = self.of_{d}",),
        (f"{other} = 2", f"{d} = {other} - 1"),
        (f"{d} = 1", f"x = x / {d}"),
        (f"{d} = 1", f"if x.dim() == 4: {d} = -1"),
        (f"{d} = 1", f"{d} -= 2"),
        (f"{d} = x.dim() - 1",),
        (f"{d} = 1", "def change():", f"    nonlocal {d}", f"    {d} = -1", "change()"),
    )
    c.forward.append(f"x = {c.call(c.f('softmax'), 'x', d)}")


@fragment
def flatten_and_back(c: Class) -> None:
    c.forward += ["shape = x.shape", "x = torch.flatten(x, 1).reshape(shape)"]


# ---- reuse and names


@fragment
def module_used_twice(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f"x = self.{name}({c.value()}) + self.{name}(x)")


@fragment
def loop_over_layers(c: Class) -> None:
    name = c.fresh("layers", "blocks")
    c.init.append(
        f"self.{name} = {c.nn('ModuleList')}({c.nn('Conv2d')}(4, 4, 1) for _ in range(3))"
    )
    c.forward.append(
        c.pick(
            f"for layer in self.{name}:\n    x = {c.f('relu')}(layer(x))",
            f"x = sum([{c.f('gelu')}(layer(x)) for layer in self.{name}])",
            f"i = 0\nwhile i < len(self.{name}):\n"
            f"    x = {c.f('relu')}(self.{name}[i](x))\n    i += 1",
        )
    )


@fragment
def name_is_a_float(c: Class) -> None:
    name = c.fresh("dropout", "drop")
    c.init.append(f"self.{name} = 0.3")
    c.forward.append(f"x = {c.call(c.f('dropout'), c.value(), f'self.{name}', 'self.training')}")


@fragment
def name_is_a_method_of_module(c: Class) -> None:
    kind = c.pick("hardtanh", "relu6", "celu", "selu")
    c.taken.add(kind)
    c.methods.append(f"def {kind}(self):\n    return 1.5\n")
    c.forward.append(f"x = {c.f(kind)}({c.value()}) * self.{kind}()")


@fragment
def class_attribute_is_none(c: Class) -> None:
    if "relu" in c.taken:
        return
    c.taken.add("relu")
    c.body.append("relu = None\n")
    c.forward.append(f"x = {c.f('relu')}({c.value()})")


@fragment
def annotation_only(c: Class) -> None:
    if "gelu" in c.taken:
        return
    c.taken.add("gelu")
    c.body.append("gelu: float\n")
    c.forward.append(f"x = {c.f('gelu')}({c.value()})")


@fragment
def assigned_none_first(c: Class) -> None:
    name = c.fresh("relu", "act")
    c.init += [f"self.{name} = None", f"self.{name} = {c.nn('ReLU')}()"]
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def assigned_under_if(c: Class) -> None:
    name = c.fresh("relu", "act")
    one, other = f"self.{name} = {c.nn('ReLU')}()", f"self.{name} = {c.nn('GELU')}()"
    c.init.append(f"if True:\n    {one}\nelse:\n    {other}")
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def only_under_if(c: Class) -> None:
    name = c.fresh("relu", "act")
    c.init.append(f"if x_width > 3:\n    self.{name} = {c.nn('ReLU')}()")
    c.init.insert(0, "x_width = 6")
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def assigned_in_a_loop(c: Class) -> None:
    name = c.fresh("act", "relu")
    c.init.append(f"for kind in ({c.nn('ReLU')}, {c.nn('GELU')}):\n    self.{name} = kind()")
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def set_by_setattr(c: Class) -> None:
    name = c.fresh("act", "relu")
    how = c.pick(
        f'setattr(self, "{name}", {c.nn("ReLU")}())',
        f'self.add_module("{name}", {c.nn("ReLU")}())',
        f'self.register_module("{name}", {c.nn("ReLU")}())',
    )
    c.init.append(how)
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def chained_assignment(c: Class) -> None:
    one, two = c.fresh("act", "relu"), c.fresh("act2", "relu2")
    c.init.append(f"self.{one} = self.{two} = {c.nn('ReLU')}()")
    c.forward.append(f"x = self.{one}({c.value()}) + self.{two}(x)")


@fragment
def tuple_targets(c: Class) -> None:
    one, two = c.fresh("act", "relu"), c.fresh("act2", "relu2")
    c.init.append(f"self.{one}, self.{two} = {c.nn('ReLU')}(), {c.nn('GELU')}()")
    c.forward.append(f"x = self.{one}({c.value()}) + self.{two}(x)")


@fragment
def annotated_assignment(c: Class) -> None:
    name = c.fresh("act", "relu")
    c.init.append(f"self.{name}: {c.nn('Module')} = {c.nn('ReLU')}()")
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def deleted_later(c: Class) -> None:
    name = act_layer(c)
    c.methods.append(f"def fuse(self):\n    del self.{name}\n")
    c.forward.append(f'x = self.{name}(x) if hasattr(self, "{name}") else x')
    c.use += ["model.fuse()", "seen.append(model(x))"]


@fragment
def factory_parameter(c: Class) -> None:
    name = c.fresh("act", "relu")
    c.above.append(f"ACT_LAYER = {c.nn('ReLU')}\n")
    c.init.append(f"self.{name} = ACT_LAYER()")
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def shared_instance(c: Class) -> None:
    one, two = c.fresh("act", "relu"), c.fresh("act2", "relu2")
    c.init += [f"self.{one} = {c.nn('ReLU')}()", f"self.{two} = self.{one}"]
    c.forward.append(f"x = self.{one}({c.value()}) + self.{two}(x)")


@fragment
def function_as_attribute(c: Class) -> None:
    name = c.fresh("act", "relu")
    c.init.append(
        f"self.{name} = "
        + c.pick(c.f("relu"), f"__import__('functools').partial({c.f('leaky_relu')}, "
                 "negative_slope=0.2)", f"{c.f('relu')} if True else {c.f('gelu')}")
    )  # fmt: skip
    c.forward.append(f"x = self.{name}({activation(c, c.value())})")


@fragment
def function_as_default(c: Class) -> None:
    name = c.fresh("helper")
    c.methods.append(f"def {name}(self, x, act={c.f('relu')}):\n    return act(x)\n")
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def getattr_by_name(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f'x = getattr(self, "{name}")(x) + self.{name}(x)')


@fragment
def getattr_by_f_string(c: Class) -> None:
    c.taken |= {"relu1", "relu2"}
    c.init += [f"self.relu1 = {c.nn('ReLU')}()", f"self.relu2 = {c.nn('GELU')}()"]
    c.forward += [
        "for i in (1, 2):\n    x = " + c.pick('getattr(self, f"relu{i}")(x)',
                                              'getattr(self, "relu" + str(i))(x)',
                                              'getattr(self, "relu%d" % i)(x)'),
        "x = self.relu1(x)",
    ]  # fmt: skip


# ---- containers


@fragment
def sequential_with_activation(c: Class) -> None:
    name = c.fresh("body", "features")
    c.init.append(
        f"self.{name} = {c.nn('Sequential')}({c.nn('Conv2d')}(4, 4, 1), {c.nn('ReLU')}(), "
        f"{c.nn('Conv2d')}(4, 4, 1){c.pick('', ', ' + c.nn('ReLU') + '()')})"
    )
    c.forward.append(f"x = {c.pick('', c.f('relu'))}(self.{name}(x))")


@fragment
def sequential_sliced(c: Class) -> None:
    name = c.fresh("body", "features")
    c.init.append(
        f"self.{name} = {c.nn('Sequential')}({c.nn('Conv2d')}(4, 4, 1), {c.nn('ReLU')}())"
    )
    c.forward.append(
        c.pick(
            f"x = self.{name}[:-1](x)",
            f"for layer in self.{name}:\n    x = layer(x)",
            f"x = self.{name}[1](self.{name}[0](x)) * len(self.{name})",
        )
    )
    c.forward.append(f"x = {c.f('relu')}(self.{name}(x))")


@fragment
def own_children_swept(c: Class) -> None:
    act_layer(c)
    c.layer()
    c.forward.append(
        c.pick(
            "for layer in self.children():\n    x = layer(x)",
            "x = torch.nn.Sequential(*self.children())(x)",
            "for layer in list(self.children())[:-1]:\n    x = layer(x)",
            "for name, layer in self._modules.items():\n    x = layer(x)",
            "x = x * len(list(self.children()))",
        )
    )
    c.forward.append(f"x = {c.f('relu')}(x)")
    # The sweep would call what other fragments register: it comes first and alone.
    c.forward, c.init = c.forward[-2:], c.init[-2:]


# ---- in place


@fragment
def in_place_branch(c: Class) -> None:
    layer = c.layer()
    if c.pick(True, False):
        h = c.pick(c.f("relu") + "(x, inplace=True)", c.f("relu_") + "(x)", "torch.relu_(x)")
    else:
        name = c.fresh("relu", "act")
        c.init.append(f"self.{name} = {c.nn('ReLU')}({c.pick('inplace=True', 'True')})")
        h = f"self.{name}(x)"
    c.forward += ["x = x + 1", f"h = {h}", f"x = h + self.{layer}(x)"]


@fragment
def in_place_on_the_input(c: Class) -> None:
    call = c.pick(f"{c.f('relu')}(x, inplace=True)", f"{c.f('leaky_relu')}(x, 0.1, True)",
                  "x.relu_()")  # fmt: skip
    c.forward.insert(0, f"x = {call}")


@fragment
def in_place_residual(c: Class) -> None:
    name = c.fresh("relu", "act")
    c.init.append(f"self.{name} = {c.nn('ReLU')}(inplace=True)")
    c.forward += ["x = x * 2", "y = x", f"x = self.{name}(x)", "x = x + y"]


# ---- dropout and the training flag


@fragment
def dropout_left_on(c: Class) -> None:
    c.forward.append(f"x = {c.call(c.f('dropout'), c.value(), '0.5')}")


@fragment
def dropout_always_on(c: Class) -> None:
    c.forward.append(f"x = {c.call(c.f('dropout'), c.value(), '0.5', 'training=True')}")


@fragment
def dropout_never_on(c: Class) -> None:
    c.forward.append(f"x = {c.call(c.f('dropout'), c.value(), '0.5', 'training=False')}")


@fragment
def dropout_by_a_flag(c: Class) -> None:
    name = c.fresh("use_dropout")
    c.init.append(f"self.{name} = True")
    flag = c.pick(f"self.{name}", f"self.training and self.{name}")
    c.forward.append(f"x = {c.f('dropout')}(x, 0.5, training={flag})")


@fragment
def dropout_second_position(c: Class) -> None:
    name = c.fresh("dropout", "drop")
    c.init.append(f"self.{name} = {c.nn('Dropout')}(0.5, True)")
    c.forward.append(f"x = self.{name}({c.value()} * 1)")


@fragment
def dropout_built_inline(c: Class) -> None:
    c.forward.append(f"x = {c.nn('Dropout')}(0.5)({c.value()})")


@fragment
def module_built_inline(c: Class) -> None:
    c.forward.append(f"x = {c.nn(c.pick('ReLU', 'Sigmoid'))}()({c.value()})")


@fragment
def rate_scheduled_inside(c: Class) -> None:
    rate = c.fresh("p", "rate")
    c.init.append(f"self.{rate} = 0.2")
    c.methods.append(f"def set_rate(self, p):\n    self.{rate} = p\n")
    c.forward.append(f"x = {c.f('dropout')}(x, self.{rate}, self.training)")
    c.use += ["model.set_rate(0.9)", "seen.append(model(x))"]


@fragment
def rate_scheduled_outside(c: Class) -> None:
    rate = c.fresh("p", "rate")
    c.init.append(f"self.{rate} = 0.2")
    c.forward.append(f"x = {c.f('dropout')}(x, self.{rate}, self.training)")
    how = c.pick(f"model.{rate} = 0.9", f'setattr(model, "{rate}", 0.9)',
                 f'model.__dict__["{rate}"] = 0.9')  # fmt: skip
    c.use += [how, "seen.append(model(x))"]


@fragment
def rate_of_a_module_set(c: Class) -> None:
    name = c.fresh("dropout", "drop")
    c.init.append(f"self.{name} = {c.nn('Dropout')}(0.2)")
    c.forward.append(f"x = self.{name}({c.value()})")
    how = c.pick(f"model.{name}.p = 0.9", f'model.get_submodule("{name}").p = 0.9',
                 f'getattr(model, "{name}").p = 0.9',
                 "for m in model.modules():\n    if isinstance(m, torch.nn.Dropout):\n"
                 "        m.p = 0.9")  # fmt: skip
    c.use += [how, "seen.append(model(x))"]


@fragment
def local_rate(c: Class) -> None:
    c.forward += ["p = 0.1 + 0.2", f"x = {c.f('dropout')}(x, p, self.training)"]


@fragment
def training_set_by_hand(c: Class) -> None:
    if c.pick(True, False):
        name = c.fresh("dropout", "drop")
        c.init.append(f"self.{name} = {c.nn('Dropout')}(0.5)")
        c.forward.append(f"x = self.{name}(x)")
    else:
        c.forward.append(f"x = {c.f('dropout')}(x, 0.5, self.training)")
    how = c.pick("model.training = False", 'setattr(model, "training", False)')
    c.use += [how, "seen.append(model(x))"]


@fragment
def train_override(c: Class) -> None:
    if any(item.startswith("def train(") for item in c.methods):
        return
    if c.pick(True, False):
        name = c.fresh("dropout", "drop")
        c.init.append(f"self.{name} = {c.nn('Dropout')}(0.5)")
        c.forward.append(f"x = self.{name}(x)")
    else:
        c.forward.append(f"x = {c.f('dropout')}(x, 0.5, self.training)")
    body = c.pick(
        "self.training = mode\n    return self", "return self", "return super().train(mode)"
    )
    c.methods.append(f"def train(self, mode=True):\n    {body}\n")


@fragment
def part_in_another_mode(c: Class) -> None:
    name = c.fresh("dropout", "drop")
    c.init.append(f"self.{name} = {c.nn('Dropout')}(0.5)")
    how = c.pick("inside", "outside")
    if how == "inside":
        c.forward.append(f"self.{name}.train()")
    else:
        c.use += ["model.eval()", f"model.{name}.train()", "seen.append(model(x))"]
    c.forward.append(f"x = self.{name}({c.value()})")


# ---- arguments


@fragment
def argument_of_the_input(c: Class) -> None:
    c.forward.append(
        c.pick(
            f"x = {c.f('adaptive_avg_pool2d')}(x, x.shape[2:])",
            f"x = {c.f('interpolate')}(x, size=x.shape[2:])",
            f"x = {c.f('softmax')}(x, x.dim() - 1)",
            f"x = {c.f('softmax')}(x, 1, dtype=torch.float64).float()",
            f"x = {c.f('interpolate')}(x, scale_factor=2, mode='bilinear', antialias=True)"
            "[..., ::2, ::2]",
        )
    )


@fragment
def constructor_argument_changes(c: Class) -> None:
    name, slope = c.fresh("act", "relu"), c.fresh("slope")
    c.init += [f"self.{slope} = 0.1", f"self.{name} = {c.nn('LeakyReLU')}(self.{slope})",
               f"self.{slope} = 0.9"]  # fmt: skip
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def constructor_argument_is_kept(c: Class) -> None:
    name, slope = c.fresh("act", "relu"), c.fresh("slope")
    c.init += [f"self.{slope} = 0.1", f"self.{name} = {c.nn('LeakyReLU')}(self.{slope})"]
    c.forward.append(f"x = self.{name}({c.value()})")


@fragment
def constructor_argument_of_a_config(c: Class) -> None:
    name = c.fresh("act", "relu")
    c.above.append("class Config:\n    slope = 0.1\n\n\nCONFIG = Config()\n")
    c.init.append(f"self.{name} = {c.nn('LeakyReLU')}(CONFIG.slope)")
    c.forward.append(f"x = self.{name}({c.value()})")
    c.use += ["__import__('sys').modules[type(model).__module__].CONFIG.slope = 0.9",
              "seen.append(model(x))"] if c.pick(True, False) else []  # fmt: skip


@fragment
def file_level_constant(c: Class) -> None:
    c.above.append("SLOPE = 0.3\n")
    c.forward.append(f"x = {c.f('leaky_relu')}(x, SLOPE)")


@fragment
def file_level_name_set_again(c: Class) -> None:
    c.above.append("WIDTH = 0.3\n")
    how = c.pick("global WIDTH\n    WIDTH = value", 'globals()["WIDTH"] = value')
    c.below.append(f"def set_width(value):\n    {how}\n")
    c.forward.append(f"x = {c.f('leaky_relu')}(x, WIDTH)")
    c.use += ["__import__('sys').modules[type(model).__module__].set_width(0.9)",
              "seen.append(model(x))"]  # fmt: skip


@fragment
def keyword_input(c: Class) -> None:
    if c.pick(True, False):
        c.forward.append(f"x = {c.call(c.f('relu'), 'input=x')}")
    else:
        name = act_layer(c)
        c.forward.append(f"x = self.{name}(input={c.value()})")


@fragment
def star_arguments(c: Class) -> None:
    c.forward.append(
        c.pick(
            f"x = {c.f('relu')}(*[x])",
            f'x = {c.f("leaky_relu")}(x, **{{"negative_slope": 0.2}})',
            f"x = {c.f('dropout')}(*(x, 0.5, self.training))",
        )
    )


@fragment
def walrus(c: Class) -> None:
    c.forward.append(f"x = {c.f('relu')}(y := {c.value()}) + y")


@fragment
def inside_f_string(c: Class) -> None:
    c.forward.append(f'name = f"{{{c.f("relu")}(x).sum()}}"')
    c.forward.append("x = x + len(name[:1])")


@fragment
def inputs_in_odd_order(c: Class) -> None:
    c.forward.append(
        c.pick(
            f"x = {c.f('leaky_relu')}(negative_slope=0.2, input=x)",
            f"x = {c.f('dropout')}(p=0.5, training=self.training, input=x)",
        )
    )


# ---- scope


@fragment
def local_shadows(c: Class) -> None:
    if c.imports != "whole-names":
        return
    c.forward += ["B, C, H, F = x.shape", f"x = {c.f('relu')}(x) * F"]


@fragment
def import_inside(c: Class) -> None:
    c.forward += ["import torch.nn.functional as functional", "x = functional.relu(x)"]


@fragment
def imported_function(c: Class) -> None:
    c.above.append("from torch.nn.functional import relu as rectify\n")
    c.forward.append(f"x = rectify({c.value()})")


@fragment
def closure(c: Class) -> None:
    c.forward.append(
        c.pick(
            f"def inner(t):\n    return {c.f('relu')}(t)\n\nx = inner(x)",
            f"x = (lambda t: {c.f('gelu')}(t))(x)",
            f"x = (lambda t, keep=self.training: {c.f('dropout')}(t, 0.5, self.training))(x)",
        )
    )


@fragment
def self_hidden(c: Class) -> None:
    c.forward.append(f"x = (lambda self: {c.f('relu')}(self))(x)")


@fragment
def static_helper(c: Class) -> None:
    c.methods.append(f"@staticmethod\ndef helper(x):\n    return {c.f('relu')}(x)\n")
    c.forward.append("x = self.helper(x)")


@fragment
def free_function(c: Class) -> None:
    c.above.append(f"\ndef act(x):\n    return {c.f('relu')}(x)\n")
    c.forward.append("x = act(x)")


@fragment
def helper_called_twice(c: Class) -> None:
    name = c.fresh("helper", "block")
    c.methods.append(f"def {name}(self, x):\n    return {activation(c, 'x')}\n")
    c.forward.append(f"x = self.{name}(x) + self.{name}(x * 2)")


@fragment
def run_by_init(c: Class) -> None:
    name = c.fresh("probe")
    c.methods.append(f"def {name}(self, x):\n    return {c.f('relu')}(x)\n")
    c.init.append(f"self.size = self.{name}(torch.ones(1)).shape")
    c.forward.append(f"x = self.{name}(x)")


@fragment
def property_(c: Class) -> None:
    name = c.fresh("scale")
    c.methods.append(f"@property\ndef {name}(self):\n    return {c.f('relu')}(torch.ones(1))\n")
    c.forward.append(f"x = x * self.{name}")


@fragment
def decorated_helper(c: Class) -> None:
    name = c.fresh("quick")
    c.methods.append(f"@torch.no_grad()\ndef {name}(self, x):\n    return {c.f('relu')}(x)\n")
    c.forward.append(f"x = x + self.{name}(x)")


@fragment
def passed_as_value(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(
        c.pick(
            f"x = torch.utils.checkpoint.checkpoint(self.{name}, x, use_reentrant=False)",
            f"x = list(map(self.{name}, [x]))[0]",
            f"act = self.{name}\nx = act(x)",
        )
    )
    c.above.append("import torch.utils.checkpoint\n")


# ---- class shape


@fragment
def before_super(c: Class) -> None:
    c.before_super.append("self.__dict__['early'] = 3")
    c.forward.append(f"x = {c.f('relu')}(x)")


@fragment
def old_super(c: Class) -> None:
    c.super_call = c.pick(f"super({c.name}, self).__init__()", "torch.nn.Module.__init__(self)")
    c.forward.append(f"x = {c.f('relu')}(x)")


@fragment
def own_getattr(c: Class) -> None:
    c.methods.append(
        "def __getattr__(self, name):\n    try:\n        return super().__getattr__(name)\n"
        "    except AttributeError:\n        if name.startswith('_'):\n            raise\n"
        "        return lambda x: x * 3\n"
    )
    act_layer(c, "special")
    c.forward.append(f"x = self.special({c.f('relu')}(x))")


@fragment
def class_attribute_module(c: Class) -> None:
    c.body.append(f"off = {c.nn('Dropout')}(0.5)\n")
    c.taken.add("off")
    c.forward.append("x = self.off(x)")


@fragment
def script_constants(c: Class) -> None:
    name = act_layer(c, "relu", "act")
    c.body.append(f'__constants__ = ["{name}"]\n')
    c.forward.append(f"x = self.{name}(x)")


@fragment
def returns_early(c: Class) -> None:
    c.init_end.append("if len(self._modules) > 3:\n    self.deep = True\n    return")
    c.forward.append(f"x = {c.f('relu')}({c.pick('x', 'x + 1')})")


# ---- what other files do with the model


@fragment
def positions_swept_outside(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f"x = {activation(c, f'self.{name}({c.value()})')}")
    c.use.append(
        c.pick(
            "seen.append([type(m).__name__ for m in list(model.children())[:-1]])",
            "seen.append(len(torch.nn.Sequential(*model.children())))",
            "seen.append(list(model._modules))",
            "seen.append(len(list(model.children())))",
            "seen.append([name for name, m in model.named_children()][-1])",
        )
    )


@fragment
def type_swept_outside(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f"x = self.{name}({activation(c, c.value())})")
    kind = c.pick("ReLU", "GELU", "Sigmoid")
    c.use.append(
        c.pick(
            f"for m in model.modules():\n    if isinstance(m, torch.nn.{kind}):\n"
            "        m.forward = lambda t: t * 5",
            f"for m in model.modules():\n    if type(m) is torch.nn.{kind}:\n"
            "        m.forward = lambda t: t * 5",
            f"seen.append(sum(isinstance(m, torch.nn.{kind}) for m in model.modules()))",
        )
    )
    c.use.append("seen.append(model(x))")


@fragment
def hooks_on_all(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f"x = self.{name}({activation(c, c.value())})")
    c.use += [
        "for m in model.modules():\n    m.register_forward_hook(lambda m, i, o: seen.append(1))",
        "seen.append(model(x))",
    ]


@fragment
def used_outside(c: Class) -> None:
    name = act_layer(c)
    c.forward.append(f"x = self.{name}({c.value()})")
    c.use.append(
        c.pick(
            f"seen.append(model.{name}(x))",
            f"model.{name} = torch.nn.Tanh()",
            f"model.{name}.register_forward_hook(lambda m, i, o: o * 2)",
            f'seen.append(getattr(model, "{name}")(x))',
            f'seen.append(model.get_submodule("{name}")(x))',
            f'seen.append(dict(model.named_modules())["{name}"](x))',
            f'seen.append(model._modules["{name}"](x))',
            f'seen.append([getattr(model, n)(x) for n in ["{name}"]][0])',
            f'setattr(model, "{name}", torch.nn.Tanh())',
            f'delattr(model, "{name}")\nmodel.{name} = torch.nn.Tanh()',
            f"act = model.{name}\nseen.append(act(x))",
            f"(model).{name}.forward = lambda t: t * 7",
            f"[model][0].{name}.forward = lambda t: t * 7",
        )
    )
    c.use.append("seen.append(model(x))")


@fragment
def named_in_a_file(c: Class) -> None:
    layer, name = c.layer(), act_layer(c)
    c.forward.append(f"x = self.{name}(self.{layer}(x))")
    path, text = c.pick(
        ("settings.yaml", f"quantize:\n  - {layer}\n  - {name}\n"),
        ("settings.json", f'{{"layers": ["{layer}", "{name}"]}}\n'),
        ("settings.toml", f'layers = ["{layer}", "{name}"]\n'),
        ("settings.yaml", f"quantize: model.{name}\n"),
    )
    c.files[path] = text
    c.use.append(f'seen.append(model.get_submodule(settings("{path}"))(x))')
    c.use.append("seen.append(model(x))")


# ---- shared, inline and in place


@fragment
def shared_layer(c: Class) -> None:
    name = c.fresh("act", "relu", "drop")
    made = "Dropout(0.3)" if name == "drop" else c.pick("ReLU()", "ReLU(inplace=True)", "GELU()")
    c.init.append(f"self.{name} = {c.nn(made)}")
    call = c.call(f"self.{name}", c.value())
    c.forward += [f"x = {call}", f"x = self.{name}(x * 3) + self.{name}(x - 1)"]


@fragment
def shared_by_branches(c: Class) -> None:
    name = act_layer(c, "act", "gate")
    c.forward += [
        f"x = self.{name}(x)",
        "if x.sum() > 0:",
        f"    x = self.{name}(x * 2)",
        "else:",
        f"    x = self.{name}(x - 1)",
    ]


@fragment
def shared_weights(c: Class) -> None:
    name = c.layer()
    c.forward += [f"x = self.{name}(x)", f"x = self.{name}(x)"]


@fragment
def inline_layer(c: Class) -> None:
    made = c.nn(c.pick("ReLU()", "Softmax(dim=1)", "LeakyReLU(0.2)", "Dropout(0.3)"))
    if c.pick(True, False):
        c.forward.append(f"x = {c.call(made, c.value())}")
    else:
        c.forward += [f"act = {made}", f"x = act({c.value()})", "x = act(x + 1)"]


@fragment
def forward_by_name(c: Class) -> None:
    c.forward.append(f"x = self.{c.layer()}.forward(x)")


def in_place(c: Class, value: str) -> str:
    """A call that overwrites its input."""
    functional = c.pick("relu", "leaky_relu", "elu", "hardtanh")
    return c.pick(
        f"{c.f(functional)}_({value})",
        f"torch.relu_({value})",
        f"torch.sigmoid_({value})",
        c.call(c.f(functional), value, "inplace=True"),
    )


@fragment
def overwrites_what_a_layer_gave(c: Class) -> None:
    c.forward += [f"y = self.{c.layer()}(x)", f"x = {in_place(c, 'y')}"]


@fragment
def overwrites_what_has_another_name(c: Class) -> None:
    alias = c.pick("y", "y[0:1]", "y.view(y.shape)", "y.transpose(0, 0)", "y.chunk(2)[0]")
    c.forward += [
        f"y = self.{c.layer()}(x) * 1",
        f"z = {alias}",
        f"z = {in_place(c, 'z')}",
        c.pick("x = y + z.sum()", "x = y * 2", "x = x + z.sum()"),
    ]


@fragment
def overwrites_what_a_list_holds(c: Class) -> None:
    c.forward += [
        "kept = []",
        f"y = self.{c.layer()}(x) * 1",
        c.pick("kept.append(y)", "kept += [y]", "kept = [y]", "kept = [y * 1]"),
        f"y = {in_place(c, 'y')}",
        "x = kept[0] + y",
    ]


@fragment
def overwrites_in_a_loop(c: Class) -> None:
    c.forward += [
        f"y = self.{c.layer()}(x) * 1",
        "for _ in range(2):",
        f"    {c.pick('x = x + y', 'y = y * 2', 'x = x * 2')}",
        f"    {c.pick('z', 'y')} = {in_place(c, 'y')}",
        "x = x + 1",
    ]


@fragment
def overwrites_left_of_it(c: Class) -> None:
    c.forward += [f"y = self.{c.layer()}(x) * 1", f"x = y + {in_place(c, 'y')}"]


@fragment
def overwrites_alone(c: Class) -> None:
    c.forward += [f"y = self.{c.layer()}(x) * 1"]
    if c.pick(True, False):
        c.forward.append("z = y")
    c.forward += [in_place(c, "y"), c.pick("x = x + y", "x = y")]
    if "z = y" in c.forward:
        c.forward.append("x = x + z")
