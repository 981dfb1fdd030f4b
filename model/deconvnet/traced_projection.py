"""All projections of a model as one function of tensors, to be made part of another program: a SavedModel, for instance."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.rules.fused import without_xla

STRONGEST = -1


class TracedProjection(NamedTuple):
    """One activation, projected.

    Attributes:
        projection: float tensor `(height, width, channels)`, signed pixel values of the whole image, channels last.
        activation: float scalar, how strong it is.
        unit: int32 scalar, its feature map or dense unit.
        position: int32 `(2,)`, row and column in the map; zeros of a dense unit.
    """

    projection: tf.Tensor
    activation: tf.Tensor
    unit: tf.Tensor
    position: tf.Tensor


def traced_projection(deconvnet: Deconvnet) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], TracedProjection]:
    """Makes a function that projects the strongest activation of a unit; equal to `Deconvnet.project`, without numpy in between.

    One way down serves all layers, so that the program stays small: each starts as zeros, but the one that is asked for, and nothing
    but zeros comes down from zeros.

    Args:
        deconvnet: of a model that takes images of one size, whose layers all give feature maps or dense units.

    Returns:
        A function of an image, a float tensor `(height, width, channels)` as the model takes it, channels last; of a layer, an int32
        scalar, its place in `deconvnet.layers`; and of a unit, an int32 scalar: `STRONGEST` takes the one whose activation is the
        strongest of the layer. Meant to be called inside of a `tf.function`.

    Raises:
        ValueError: if the size of the images is left open, or a layer gives neither maps nor units.

    Examples:
        >>> deconvnet = Deconvnet(ZFNet())
        >>> project = tf.function(traced_projection(deconvnet))
        >>> project(tf.zeros((224, 224, 3)), deconvnet.layers.index("conv5"), 7).projection.shape
        TensorShape([224, 224, 3])
    """
    graph, passes = deconvnet.graph, Passes(deconvnet.graph)
    layers = [graph.outputs[layer] for layer in deconvnet.layers]
    wrong = next((shape for shape in graph.shapes if None in shape or len(shape) not in (1, 3)), None)
    if wrong is not None:
        raise ValueError(f"The model {deconvnet.model.name!r} has an output of shape {wrong}; expected maps or units, of known size.")
    shapes = [tuple(size for size in shape if size is not None) for shape in graph.shapes]
    operations = graph.needed_for(*layers)
    keeping = [operation for operation in operations if operation.rule.keeps]
    needed = sorted({0, *layers}.union(*(operation.inputs for operation in keeping)))

    def project(image: tf.Tensor, layer: tf.Tensor, unit: tf.Tensor) -> TracedProjection:
        with without_xla():
            values = dict(zip(needed, passes.traced_up(tf.cast(image, graph.dtype)[None], needed), strict=True))
            kept = {operation.output: operation.rule.keep([values[number] for number in operation.inputs]) for operation in keeping}
            asked = tf.gather(layers, layer)
            found = {value: _strongest(values[value], shapes[value], unit, tf.equal(asked, value)) for value in set(layers)}
            signals = {value: signal for value, (signal, _) in found.items()}
            projection = passes.traced_down(signals, shapes, kept)[0]
        # Of all layers but one these are zeros.
        activation, unit, position = (tf.add_n(parts) for parts in zip(*(place for _, place in found.values()), strict=True))
        return TracedProjection(projection, activation, unit, position)

    return project


def _strongest(activations, shape, unit, is_asked):
    """A layer's signal, and its activation, unit and position: zeros unless this is the layer that is asked for."""
    by_place = tf.reshape(activations, (-1, shape[-1]))
    strongest = tf.argmax(tf.reduce_max(by_place, axis=0), output_type=tf.int32)
    # A unit that this layer does not have is asked of another one.
    unit = tf.clip_by_value(tf.where(tf.equal(unit, STRONGEST), strongest, unit), 0, shape[-1] - 1)
    place = tf.argmax(by_place[:, unit], output_type=tf.int32)
    activation = tf.where(is_asked, by_place[place, unit], 0)
    signal = tf.reshape(tf.scatter_nd([[place, unit]], [activation], tf.shape(by_place)), (1, *shape))
    width = shape[1] if len(shape) == 3 else 1
    here = tf.cast(is_asked, tf.int32)
    return signal, (activation, unit * here, tf.stack([place // width, place % width]) * here)
