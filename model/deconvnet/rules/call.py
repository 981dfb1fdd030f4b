"""One call of a layer in a model: the input of its rules."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from zfnet.model.deconvnet.rules.rule import Function, Gradient, PassThrough, Window


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer, or of an operation such as `keras.ops.add`, in a model.

    Attributes:
        layer: the layer or operation.
        function: the whole call, as a function of its tensors. As in all rules, channels come last.
        arguments: arguments of the call, symbolic tensors among them.
        shapes: shapes of its tensors without the batch, channels last; `None` for a size that the model leaves open.
        channels_first: whether the model's maps are `(channels, height, width)`.
        unsupported: `"error"`, or `"gradient"` for the plain gradient of a layer without a rule.
        dtype: type of the computed values, whatever that of the layer's weights is.
    """

    layer: Any
    function: Function
    arguments: tuple
    shapes: list[tuple[int | None, ...]]
    channels_first: bool = False
    unsupported: str = "error"
    dtype: str = "float32"

    def channels_last(self, function: Function) -> Function:
        """Converts a function of maps in the model's layout to one of maps whose channels come last."""
        return channels_last(function) if self.channels_first else function

    @property
    def channels(self) -> int:
        """Number of maps of its first input; a ValueError if the model leaves it open."""
        channels = self.shapes[0][-1]
        if channels is None:
            raise ValueError(f"Layer {self.layer.name!r} takes an input whose number of maps the model leaves open; build it for one.")
        return channels

    def weight(self, name: str) -> tf.Tensor:
        """Current value of one of the layer's weights, such as `kernel`."""
        return tf.cast(getattr(self.layer, name), self.dtype)

    def without_rule(self, problem: str, expected: Iterable[str], function: Function, window: Window | None = None) -> list[PassThrough]:
        """Rules for `function`, which has none of its own: its gradient, or an error with `problem` and `expected` in its message."""
        if self.unsupported == "gradient":
            return [Gradient(function, window)]
        raise ValueError(
            f"Layer {self.layer.name!r} {problem}, for which no deconvnet is defined; expected one of {', '.join(expected)}. It would "
            'need a backward rule. Deconvnet(model, unsupported="gradient") uses its plain gradient instead.'
        )


def channels_last(function: Callable) -> Callable:
    """Converts a function of channels-first maps `(N, C, H, W)` to one of channels-last maps; other tensors stay as they are."""
    return lambda *inputs: _transposed(function(*(_transposed(value, (0, 3, 1, 2)) for value in inputs)), (0, 2, 3, 1))


def _transposed(value, order):
    return tf.transpose(value, order) if value.shape.rank == 4 else value
