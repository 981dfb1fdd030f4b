"""One operation of a model: its rule, and the values that it takes and gives."""

import dataclasses

import keras

from zfnet.model.deconvnet.rules.chosen.own import Own
from zfnet.model.deconvnet.rules.rule import PassThrough
from zfnet.model.deconvnet.rules.window import Window


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation of the model.

    Attributes:
        layer: the Keras layer, or operation such as `keras.ops.add`, that it belongs to.
        rule: its forward function and backward rule.
        inputs: numbers of its input values; the first values are the model's inputs: 0 the image, if there is one input.
        output: number of its output value.
    """

    layer: keras.Operation
    rule: PassThrough
    inputs: tuple[int, ...]
    output: int

    @property
    def window(self) -> Window:
        """Window of the input that one output position depends on; a ValueError if positions differ in that."""
        if self.rule.window is None:
            kind = type(self.layer).__name__
            hint = " If they have one, give the window of this layer: zfnet.Rule(rule, window=...)." if isinstance(self.rule, Own) else ""
            raise ValueError(f"Layer {self.layer.name!r} is of type {kind}: the units above it have no single receptive field.{hint}")
        return self.rule.window
