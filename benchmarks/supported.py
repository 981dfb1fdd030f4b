"""Lists which layers, operations and activation functions of Keras a deconvnet goes through, from Keras' own lists of them.

Command: make bench BENCHMARKS=supported, or .venv/bin/python benchmarks/supported.py
Seconds. Writes benchmarks/supported.json, and from it the table in docs/deconvnet.md.
"""

import inspect
import re

import keras
from report import HERE, markdown, versions, write

from zfnet.model import Deconvnet
from zfnet.model.deconvnet.rules.layers import LAYERS, OPERATIONS

NAME = "supported"
DOCUMENT = HERE.parent / "docs" / "deconvnet.md"
# An image enters through the first; the others are there to be subclassed.
NO_STEPS = {"InputLayer", "Layer", "Wrapper"}


def layer_types() -> dict[str, bool]:
    """For each type of layer in `keras.layers`, whether it has a rule."""
    found = {kind for kind in vars(keras.layers).values() if isinstance(kind, type) and issubclass(kind, keras.layers.Layer)}
    return {kind.__name__: kind in LAYERS for kind in found if kind.__name__ not in NO_STEPS}


def operations() -> dict[str, bool]:
    """For each function of `keras.ops` and `keras.ops.image` that is a step of a model, whether it has a rule."""
    found = {}
    for prefix, module in (("", keras.ops), ("image.", keras.ops.image)):
        for name, function in vars(module).items():
            if inspect.isfunction(function):
                # The classes of steps that it makes.
                named = {word: function.__globals__.get(word) for word in re.findall(r"\b([A-Z]\w+)\(", inspect.getsource(function))}
                kinds = [word for word, kind in named.items() if isinstance(kind, type) and issubclass(kind, keras.Operation)]
                if kinds:
                    found[prefix + name] = any(kind in OPERATIONS for kind in kinds)
    return found


def activations() -> dict[str, bool]:
    """For each function of `keras.activations`, whether a layer with it is accepted."""
    found = {}
    for name, function in vars(keras.activations).items():
        if inspect.isfunction(function) and name not in ("serialize", "deserialize", "get"):
            layer = keras.layers.Dense(2, activation=function)
            try:
                Deconvnet(keras.Sequential([keras.Input((2,)), layer]))
                found[name] = True
            except ValueError:
                found[name] = False
    return found


def collect() -> dict:
    """Names with a rule and without, in order."""
    kinds = {"layers": layer_types(), "operations": operations(), "activation functions": activations()}
    return {
        kind: {word: sorted(name for name in names if names[name] is answer) for word, answer in (("supported", True), ("refused", False))}
        for kind, names in kinds.items()
    }


def table(result: dict) -> str:
    """The table in Markdown."""
    rows = [
        [f"{kind}, {len(names[word])} {word}", ", ".join(f"`{name}`" for name in names[word])]
        for kind, names in result["supported"].items()
        for word in ("supported", "refused")
    ]
    packages = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return markdown(["in Keras", ""], rows) + f"\n`{result['command']}`; {packages}.\n"


if __name__ == "__main__":
    result = {"supported": collect(), "command": f"python benchmarks/{NAME}.py", "versions": versions()}
    write(NAME, result, table(result), DOCUMENT)
