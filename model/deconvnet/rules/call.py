"""One call of a layer in a model: the input of its rules."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import KerasTensor, layers

from zfnet.model.deconvnet.rules.rule import Function, Gradient, PassThrough
from zfnet.model.deconvnet.rules.window import Window

LAST = "channels_last"


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer, or of an operation such as `keras.ops.add`, in a model.

    Attributes:
        layer: the layer or operation.
        function: the whole call, as a function of its tensors. As in all rules, channels come last.
        arguments: arguments of the call, symbolic tensors among them.
        shapes: shapes of its tensors without the batch, channels last; `None` for a size that the model leaves open.
        channels_first: whether the model's maps are `(channels, height, width)`.
        unsupported: as in `Deconvnet`, for a layer without a rule.
        dtype: type of the computed values, whatever that of the layer's weights is.
        inputs: its symbolic tensors, in the model's layout.
        output: the symbolic tensor that it returns, in the model's layout.
        dims: number of spatial axes of the maps: 2 for images, 1 for signals, 3 for volumes.
        dims_below: the same for each of its tensors.
        results: number of tensors that it returns, of which `output` is one.
        name: name of the layer in the graph.
        gates: numbers of the inputs that are computed from another input, or by a sigmoid or softmax.
        choose: finds the rules that the user chose for a call and some keys: names, types or activation functions; `None` if there are
            none.
    """

    layer: Any
    function: Function
    arguments: tuple
    shapes: list[tuple[int | None, ...]]
    channels_first: bool = False
    unsupported: str = "error"
    dtype: str = "float32"
    inputs: Sequence[KerasTensor] = ()
    output: KerasTensor = None
    dims: int = 2
    dims_below: Sequence[int] = ()
    results: int = 1
    name: str = ""
    gates: tuple[int, ...] = ()
    choose: Callable[..., list[PassThrough] | None] = lambda call, *keys: None

    @property
    def is_layer(self) -> bool:
        """Whether this is the call of a layer, not of an operation."""
        return isinstance(self.layer, layers.Layer)

    @property
    def on_maps(self) -> bool:
        """Whether the first input has the axes of the model's maps, not fewer or more."""
        return len(self.shapes[0]) == self.dims + 1

    def channels_last(self, function: Function) -> Function:
        """Converts a function of maps in the model's layout to one of maps whose channels come last."""
        return channels_last(function, [self.dims] * len(self.shapes), self.dims) if self.channels_first else function

    @property
    def has_other_layout(self) -> bool:
        """Whether the layer or operation takes maps in another layout than that of the model."""
        layout = getattr(self.layer, "data_format", None) or keras.config.image_data_format()
        return (layout != LAST) != (self.channels_first and self.on_maps)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of the output without the batch, channels last; `None` for a size that the model leaves open."""
        shape = tuple(self.output.shape[1:])
        return (*shape[1:], shape[0]) if self.channels_first and len(shape) == self.dims + 1 > 1 else shape

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

    def in_other_layout(self) -> list[PassThrough]:
        """Rules for a call that takes maps in another layout than the model's: none."""
        other, own = ("channels_last", "channels_first") if self.channels_first and self.on_maps else ("channels_first", "channels_last")
        place = f"in a {own} model" if self.on_maps else "on values whose axes are not those of the model's maps"
        problem = f"is of type {type(self.layer).__name__}, {other} {place}"
        return self.without_rule(problem, [own], self.function)

    def without_rule(
        self, problem: str, expected: Iterable[str], function: Function, window: Window | None = None, literature: "Rules | None" = None
    ) -> list[PassThrough]:
        """Rules for `function`, which has none of its own: those that `unsupported` asks for, or an error with `problem` and `expected`.

        `literature` finds the rules of later papers, if there are any.
        """
        of_papers = literature(self) if literature else []
        if self.unsupported == "gradient":
            return [Gradient(function, window)]
        if self.unsupported == "literature" and of_papers:
            return of_papers
        also = ' Deconvnet(model, unsupported="literature") uses the rule that later papers give it.' if of_papers else ""
        raise ValueError(
            f"Layer {self.layer.name!r} {problem}, for which no deconvnet is defined; expected one of {', '.join(expected)}. It would "
            f'need a backward rule. Deconvnet(model, unsupported="gradient") uses its plain gradient instead.{also} A rule can also be '
            "chosen or written: see docs/own_layers.md."
        )


# Finds the rules of a call, from its input to its output.
Rules = Callable[[Call], list[PassThrough]]


def channels_last(function: Callable, taken: Sequence[int], given: int) -> Callable:
    """Converts a function of channels-first maps `(N, C, H, W)` to one of channels-last maps; other tensors stay as they are.

    `taken` has the number of spatial axes of each input, and `given` that of the results: 2 for `(N, C, H, W)`.
    """

    def converted(*inputs):
        results = function(*(channels_moved(value, dims, -1, 1) for value, dims in zip(inputs, taken, strict=True)))
        return tf.nest.map_structure(lambda result: channels_moved(result, given, 1, -1), results)

    return converted


def channels_moved(value: tf.Tensor, dims: int, source: int, target: int) -> tf.Tensor:
    """Moves the channels of maps of `dims` axes of places from one axis to another; another tensor stays as it is."""
    if value.shape.rank != dims + 2:
        return value
    order = list(range(value.shape.rank))
    order.insert(target % len(order), order.pop(source))
    return tf.transpose(value, order)
