"""One call of a layer in a model: what its rules are made from."""

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
        function: all of it, of as many tensors as the call takes. As in all rules, channels come last.
        arguments: what it is called with, symbolic tensors among them.
        shapes: of the tensors that it takes, without the batch, channels last; `None` where the model leaves a size open.
        channels_first: whether the model lays its maps out `(channels, height, width)`.
        unsupported: `"error"`, or `"gradient"` for the plain gradient of what there is no rule for.
        dtype: of what is computed, whatever that of the layer's weights is.
    """

    layer: Any
    function: Function
    arguments: tuple
    shapes: list[tuple[int | None, ...]]
    channels_first: bool = False
    unsupported: str = "error"
    dtype: str = "float32"

    def channels_last(self, function: Function) -> Function:
        """Makes a function of maps as the model lays them out one of maps whose channels come last."""
        return channels_last(function) if self.channels_first else function

    @property
    def channels(self) -> int:
        """Maps of its first input.

        Raises:
            ValueError: if the model leaves their number open.
        """
        channels = self.shapes[0][-1]
        if channels is None:
            raise ValueError(f"Layer {self.layer.name!r} takes an input whose number of maps the model leaves open; build it for one.")
        return channels

    def weight(self, name: str) -> tf.Tensor:
        """One of the layer's weights, such as its `kernel`, as it is now."""
        return tf.cast(getattr(self.layer, name), self.dtype)

    def without_rule(self, what: str, expected: Iterable[str], function: Function, window: Window | None = None) -> list[PassThrough]:
        """What to do with `function`, which there is no rule for; `what` and `expected` describe it in an error."""
        if self.unsupported == "gradient":
            return [Gradient(function, window)]
        raise ValueError(
            f"Layer {self.layer.name!r} {what}, for which no deconvnet is defined; expected one of {', '.join(expected)}. It would "
            'need a rule for how a signal comes down through it. Deconvnet(model, unsupported="gradient") takes its plain gradient there.'
        )


def channels_last(function: Callable) -> Callable:
    """Makes a function of channels-first maps `(N, C, H, W)` one of channels-last maps; other tensors stay as they are."""
    return lambda *inputs: _transposed(function(*(_transposed(value, (0, 3, 1, 2)) for value in inputs)), (0, 2, 3, 1))


def _transposed(value, order):
    return tf.transpose(value, order) if value.shape.rank == 4 else value
