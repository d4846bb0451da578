"""How a decision says no: raised where it is seen, turned into a `Refusal` by the transform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class Refused(Exception):
    """A site must not be rewritten. `code` is in the transform's `refusals`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class RefusalDoc:
    """What `codemod explain --refusal CODE` says: why, and the way out."""

    why: str
    way_out: str


COMMON_REFUSALS: Mapping[str, RefusalDoc] = {
    "star-arguments": RefusalDoc(
        "The call passes *args or **kwargs, so which argument is which is known only when it runs.",
        "Write the arguments out.",
    ),
    "unusual-call": RefusalDoc(
        "The call is written in a form that cannot be rewritten without guessing.",
        "Write it as a plain call with its input first.",
    ),
    "unknown-receiver": RefusalDoc(
        "A method is called on something that is a tensor only by the look of it.",
        "Leave out --no-verify: it is rewritten where a run shows that nothing changes.",
    ),
    "loop-not-static": RefusalDoc(
        "How often the loop runs is not settled in __init__, so no list of modules, one a round,"
        " can be made for it.",
        "Use --loops shared: one module serves all rounds.",
    ),
    "argument-not-static": RefusalDoc(
        "An argument may differ from one call to the next, and a module takes it only once.",
        "Make it a literal, a file-level constant, or an attribute that only __init__ sets.",
    ),
    "argument-reassigned": RefusalDoc(
        "An argument is an attribute that code sets again after construction (a schedule, say).",
        "Stop setting it again, or leave this call as it is.",
    ),
    "no-counterpart": RefusalDoc(
        "An argument has no counterpart on the other side.",
        "Remove the argument if its default does.",
    ),
    "no-self": RefusalDoc(
        "The code does not run as a method of an instance, so it has no module to use.",
        "Turn it into a method that takes self.",
    ),
    "outside-class": RefusalDoc(
        "The call stands in no nn.Module class, so there is no module to give the layer to.",
        "Move the call into a method of a module, or leave it as it is.",
    ),
    "defined-twice": RefusalDoc(
        "The file defines a class of this name more than once; only the last one is looked at.",
        "Give the classes names of their own.",
    ),
    "in-init": RefusalDoc(
        "The call runs while the module is being built, not in its forward.",
        "Leave it as it is.",
    ),
    "in-default": RefusalDoc(
        "The call stands in a decorator or a default value: it runs once, when the def does.",
        "Leave it as it is.",
    ),
    "in-f-string": RefusalDoc(
        "The call stands inside an f-string, whose parts this Python does not locate exactly.",
        "Move the call out of the f-string, or run codemod with Python 3.12 or newer.",
    ),
    "no-super-init": RefusalDoc(
        "The class's __init__ does not call its base's, so nothing can be registered.",
        "Call super().__init__() at the top of __init__.",
    ),
    "init-returns": RefusalDoc(
        "__init__ may return early, before the new layer would be made.",
        "Restructure __init__ so that it has no return.",
    ),
    "one-line-init": RefusalDoc(
        "__init__ stands on one line with its def.",
        "Put its body on lines of its own.",
    ),
    "several-inits": RefusalDoc(
        "The class defines __init__ more than once, under a condition or as overloads.",
        "Define it once, with the condition inside.",
    ),
    "subclass-skips-init": RefusalDoc(
        "A subclass does not run this class's __init__ and would miss the new layer.",
        "Let the subclass call super().__init__().",
    ),
    "unknown-base": RefusalDoc(
        "A base class cannot be found, so what it does with its attributes is not known.",
        "Run codemod on the project root, so that it sees the file that defines the base.",
    ),
    "custom-attributes": RefusalDoc(
        "The class controls its own attributes (__getattr__, __setattr__, __slots__, a metaclass"
        " or a dataclass), so adding or removing one may do something else.",
        "Change this class by hand.",
    ),
    "custom-train": RefusalDoc(
        "The class sets self.training, or overrides train() without calling the base's, so its"
        " children may be in another mode than itself.",
        "Call super().train(mode) in train(), and set the mode by train() and eval() alone.",
    ),
    "used-in-family": RefusalDoc(
        "A base class or a subclass uses the attribute as well.",
        "Change the classes together, by hand.",
    ),
    "used-outside": RefusalDoc(
        "Code elsewhere uses an attribute of this name on another object, maybe this one's.",
        "Rename the attribute, so that the two can be told apart.",
    ),
    "declared": RefusalDoc(
        "A stub file (.pyi) or a Protocol declares an attribute of this name.",
        "Take the declaration out first.",
    ),
    "in-class-body": RefusalDoc(
        "The call stands in the class body, outside of its methods (`forward = lambda ...`).",
        "Write it as a method with def.",
    ),
    "named-in-string": RefusalDoc(
        "A string elsewhere names the attribute (getattr, fuse_modules, return nodes).",
        "Remove the string's use first.",
    ),
    "swept-by-type": RefusalDoc(
        "Code elsewhere looks for instances of this module class and would find one less.",
        "Remove that code first, or leave the module.",
    ),
    "replaced": RefusalDoc(
        "Code of the project replaces the layer, or the function that does the same, in torch"
        " itself: from then on the two differ.",
        "Take the replacement out first, or leave the layer.",
    ),
    "borrowed": RefusalDoc(
        "Code elsewhere replaces a method of the class, runs it on another object, or makes an"
        " instance without __init__, so what a method uses may not be there.",
        "Inherit from the class instead.",
    ),
    "read-afterwards": RefusalDoc(
        "The input is read again after the layer (the multi-branch trap): with the flag on, that"
        " reads the layer's output, and with the flag off the input.",
        "Say which is meant: read the output under its own name, or set the flag by hand.",
    ),
    "result-unused": RefusalDoc(
        "The result is not used: the call is there for what it does to its input.",
        "Assign the result: x = F.relu(x).",
    ),
    "stateful": RefusalDoc(
        "With these arguments the module holds parameters or buffers.",
        "Leave it a module.",
    ),
    "generated": RefusalDoc(
        "The file says that it is generated from another one; a change here would be overwritten.",
        "Change the file that it is generated from.",
    ),
    "copied": RefusalDoc(
        "The code is marked '# Copied from': it has to change together with its original.",
        "Change the original and its copies together, or remove the mark.",
    ),
    "scripted": RefusalDoc(
        "The class is compiled by torch.jit.script or lists the name in __constants__.",
        "Change this class by hand.",
    ),
    "layer-base": RefusalDoc(
        "The class extends a container of torch.nn, whose children mean something (nn.Sequential"
        " runs them), or a layer with attributes that a new one may hide.",
        "Change this class by hand.",
    ),
    "built-inline": RefusalDoc(
        "A dropout made in forward, nn.Dropout(0.5)(x), is always on, in eval too.",
        "Use hoist-inline-modules, which makes it in __init__ on purpose.",
    ),
    "already-a-module": RefusalDoc(
        "The class does nothing but call this functional: it is a module of its own already.",
        "Use the torch.nn class in its place.",
    ),
    "sweeps-children": RefusalDoc(
        "The class runs or slices its own children in order, so one more or one less changes it.",
        "Name the layers that the sweep is about instead of taking all children.",
    ),
}
