"""Lists which layers, operations and activation functions of Keras a deconvnet goes through, from Keras' own lists of them.

Command: make bench BENCHMARKS=supported, or .venv/bin/python benchmarks/supported.py
Seconds. Writes benchmarks/supported.json, and from it the table in docs/deconvnet.md.
"""

import inspect
import re

import keras
from report import HERE, markdown, versions, write

from zfnet.model import Deconvnet
from zfnet.model.deconvnet.rules.layers import LAYERS, LITERATURE, OPERATIONS

NAME = "supported"
DOCUMENT = HERE.parent / "docs" / "deconvnet.md"
# The first takes the image; the others are made to be subclassed.
NO_STEPS = {"InputLayer", "Layer", "Wrapper"}
SUPPORTED, LATER, REFUSED = "supported", 'with `unsupported="literature"`', "refused"


def layer_types() -> dict[str, str]:
    """For each type of layer in `keras.layers`, whether it has a rule, or one of later papers."""
    found = {kind for kind in vars(keras.layers).values() if isinstance(kind, type) and issubclass(kind, keras.layers.Layer)}
    return {kind.__name__: _answer(kind in LAYERS, kind in LITERATURE) for kind in found if kind.__name__ not in NO_STEPS}


def operations() -> dict[str, str]:
    """For each function of `keras.ops` and `keras.ops.image` that is a step of a model, whether it has a rule, or one of later papers."""
    found = {}
    for prefix, module in (("", keras.ops), ("image.", keras.ops.image)):
        for name, function in vars(module).items():
            if inspect.isfunction(function):
                # The classes of steps that it makes.
                named = {word: function.__globals__.get(word) for word in re.findall(r"\b([A-Z]\w+)\(", inspect.getsource(function))}
                kinds = [word for word, kind in named.items() if isinstance(kind, type) and issubclass(kind, keras.Operation)]
                if kinds:
                    found[prefix + name] = _answer(*(any(kind in rules for kind in kinds) for rules in (OPERATIONS, LITERATURE)))
    return found


def activations() -> dict[str, str]:
    """For each function of `keras.activations`, whether a layer with it is accepted, or with rules of later papers."""
    found = {}
    for name, function in vars(keras.activations).items():
        if inspect.isfunction(function) and name not in ("serialize", "deserialize", "get"):
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation=function)])
            found[name] = _answer(_is_accepted(model, "error"), _is_accepted(model, "literature"))
    return found


def _is_accepted(model, unsupported):
    try:
        Deconvnet(model, unsupported)
    except ValueError:
        return False
    return True


def _answer(has_rule, has_later_rule):
    return SUPPORTED if has_rule else LATER if has_later_rule else REFUSED


def collect() -> dict:
    """Names by their answer, in order."""
    kinds = {"layers": layer_types(), "operations": operations(), "activation functions": activations()}
    return {
        kind: {answer: sorted(name for name in names if names[name] == answer) for answer in (SUPPORTED, LATER, REFUSED)}
        for kind, names in kinds.items()
    }


def table(result: dict) -> str:
    """The table in Markdown."""
    rows = [
        [f"{kind}, {len(names)} {answer}", ", ".join(f"`{name}`" for name in names)]
        for kind, answers in result["supported"].items()
        for answer, names in answers.items()
    ]
    packages = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return markdown(["in Keras", ""], rows) + f"\n`{result['command']}`; {packages}.\n"


if __name__ == "__main__":
    result = {"supported": collect(), "command": f"python benchmarks/{NAME}.py", "versions": versions()}
    write(NAME, result, table(result), DOCUMENT)
