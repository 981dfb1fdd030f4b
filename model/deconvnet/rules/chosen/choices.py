"""Rules that a user chose for a model's layers, or registered for classes of layers."""

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import keras
import numpy as np

from zfnet.model.deconvnet.rules.activation import keras_function
from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.chosen.named import NAMED
from zfnet.model.deconvnet.rules.chosen.own import Backward, Own
from zfnet.model.deconvnet.rules.chosen.trial import check_window
from zfnet.model.deconvnet.rules.rule import PassThrough
from zfnet.model.deconvnet.rules.window import POINT, WHOLE, Window

WINDOWS = {"point": POINT, "whole": WHOLE}
AnyBackward = TypeVar("AnyBackward", bound=str | Backward)


@dataclasses.dataclass(frozen=True)
class Rule:
    """A backward rule for a layer: how the signal passes it on the way down to the pixels.

    Attributes:
        backward: a name, `"as-relu"`, `"fixed-deviation"`, `"fixed-gate"`, `"gradient"`, `"linear"` or `"skip"`; or a function
            `backward(layer, signal, *inputs)`. It gets the signal at the layer's output and the inputs of the forward pass, float tensors
            with one row for each image, in the model's layout. It returns the signal at the input, a tensor of the input's shape and type;
            for a layer of several inputs a list of them, with None for zeros. It uses operations of TensorFlow or Keras, treats each row by
            itself, and returns zeros for a signal of zeros.
        window: positions of the input that one value of the output depends on: `"point"` for the same place alone, `"whole"` for the
            whole map, or a `Window`, with a number for each axis: two for images. None leaves it open: a named rule finds it where it
            can; otherwise the layers above have no receptive field, and pictures show them with the whole image.

    Raises:
        ValueError: there is no such name or window.

    Examples:
        >>> Rule("linear", window="point")
        Rule(backward='linear', window='point')
    """

    backward: str | Backward
    window: str | Window | None = None

    def __post_init__(self) -> None:
        is_function = callable(self.backward) and not isinstance(self.backward, type)
        if not is_function and self.backward not in list(NAMED):
            raise ValueError(f"{self.backward!r} is no rule; expected one of {', '.join(NAMED)}, or a function (layer, signal, *inputs).")
        if isinstance(self.window, Window) and len({np.array(each, object).shape for each in self.window} | {()}) != 2:
            raise ValueError(f"{self.window!r} is no window; expected as many numbers of each: (3, 3), (1, 1) and (0, 0) for images.")
        if not isinstance(self.window, Window | None) and self.window not in list(WINDOWS):
            raise ValueError(f"{self.window!r} is no window; expected one of {', '.join(WINDOWS)}, a zfnet.Window, or None.")

    def passing(self, call: Call) -> list[PassThrough]:
        """Rules of a call that this rule was chosen for; a ValueError if it does not fit."""
        if call.results > 1:
            kind = type(call.layer).__name__
            raise ValueError(
                f"Layer {call.layer.name!r} is of type {kind} and returns {call.results} tensors; a rule is for layers that return one."
            )
        found: list[PassThrough] = NAMED[self.backward](call) if isinstance(self.backward, str) else [Own(call, self.backward)]
        if self.window is not None:
            window = WINDOWS[self.window] if isinstance(self.window, str) else self.window
            if window != WHOLE:
                check_window(call, window)
            for rule in found:
                rule.local = rule.local and rule.window == window
                rule.window = window
        return found


# Rules of users' classes of layers, for every deconvnet.
REGISTERED: dict[type, Rule] = {}


def register(*kinds: type, window: str | Window | None = None) -> Callable[[AnyBackward], AnyBackward]:
    """Makes a decorator that registers a function as the backward rule of your own layers, in every `Deconvnet` that is built later.

    The rule is for exactly these classes, not for subclasses. `Deconvnet(model, rules=...)` has priority over it.

    Args:
        kinds: classes of layers. For Keras' own, choose a rule with `Deconvnet(model, rules=...)`.
        window: as in `Rule`.

    Raises:
        ValueError: one of `kinds` is no class of layers, or is one of Keras' own.

    Examples:
        >>> class Halved(keras.layers.Layer):
        ...     def call(self, inputs):
        ...         return inputs / 2
        >>> @register(Halved, window="point")
        ... def half_of_the_signal(layer, signal, inputs):
        ...     return signal / 2
    """
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, keras.Operation)):
            raise ValueError(f"{kind!r} is no class of layers. Expected @register(MyLayer) above the function that is its rule.")
        if kind.__module__.startswith("keras.src."):
            raise ValueError(
                f"{kind.__name__} is a layer of Keras; expected one of your own. Choose a rule for one deconvnet: "
                f"Deconvnet(model, rules={{keras.layers.{kind.__name__}: ...}})."
            )

    def decorate(backward: AnyBackward) -> AnyBackward:
        REGISTERED.update(dict.fromkeys(kinds, Rule(backward, window)))
        return backward

    return decorate


class Choices:
    """The rules that a user chose for a model, as in `Deconvnet`, and those that are registered."""

    def __init__(self, rules: Mapping[Any, Any] | None) -> None:
        self._rules: list[tuple[Any, Rule]] = []
        for key, rule in (rules or {}).items():
            if not (isinstance(key, str) or callable(key)):
                raise ValueError(f"rules has the key {key!r}; expected the name of a layer, a class of layers, or an activation function.")
            found = key if isinstance(key, str | type) else keras_function(key)
            self._rules.append((found, rule if isinstance(rule, Rule) else Rule(rule)))
        self._unused = [key for key, _ in self._rules]

    def choose(self, call: Call, *keys: Any) -> list[PassThrough] | None:
        """Rules that were chosen for the first of `keys` that has any; else those that were registered for one; else None."""
        self._unused = [key for key in self._unused if not any(key is other or key == other for other in keys)]
        for key in keys:
            for own, rule in self._rules:
                if own is key or (isinstance(own, str) and own == key):
                    return rule.passing(call)
        rule = next((REGISTERED[key] for key in keys if isinstance(key, type) and key in REGISTERED), None)
        return rule.passing(call) if rule else None

    def check_all_used(self, names: Iterable[str]) -> None:
        """Fails with a ValueError if a rule was chosen for something that the model does not have; `names` are those of its layers."""
        for key in self._unused:
            if isinstance(key, str):
                near = difflib.get_close_matches(key, names, n=3)
                hint = f" Did you mean {' or '.join(near)}?" if near else f" It has: {', '.join(names)}."
                raise ValueError(f"rules has a rule for layer {key!r}, which the model does not have.{hint}")
            name = getattr(key, "__name__", key)
            what = "layer of exactly this type" if isinstance(key, type) else "layer with this activation, other than at its end"
            raise ValueError(f"rules has a rule for {name}, and the model has no {what}.")
