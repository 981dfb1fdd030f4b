"""Gradients of single activations with respect to the image: plain, and by guided backpropagation."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.rules.rule import Rectify
from zfnet.model.measures.projection_check import strongest_targets

TOGETHER = 16  # Images in one pass.


def activation_gradients(
    deconvnet: Deconvnet, images: ArrayLike, layer: str, unit: ArrayLike, position: ArrayLike | None = None, *, guided: bool = False
) -> np.ndarray:
    """Computes the gradient of one activation of each image, by TensorFlow's autodiff of the forward pass.

    Simonyan et al. 2014: how the activation changes with each pixel. Nothing is skipped, neither normalisation nor biases.

    Args:
        deconvnet: of a model that takes images; its backward rules take no part.
        images, layer, unit, position: as in `check_projection`.
        guided: whether every ReLU on the way down also sets negative values to 0, as a deconvnet does (guided backpropagation, Springenberg
            et al. 2015). It applies to ReLU6, leaky and parametric ReLU too.

    Returns:
        float32 array of the shape of the images, signed: change of the activation for a change by 1.

    Raises:
        ValueError: as `Deconvnet.project` does.

    Examples:
        >>> activation_gradients(deconvnet, images, "conv5", unit=3, guided=True).shape
        (4, 96, 96, 3)
    """
    images, graph = np.asarray(images, np.float32), deconvnet.graph
    activations = np.asarray(deconvnet.activations(images, [layer])[0])
    targets = strongest_targets(deconvnet, activations, layer, unit, position)
    forward = forward_pass(deconvnet, graph.value_of(layer), rectify_backward if guided else None)
    parts = []
    for start in range(0, len(images), TOGETHER):
        rows = slice(start, start + TOGETHER)
        batch = tf.convert_to_tensor(np.moveaxis(images[rows], 1, -1) if graph.channels_first else images[rows])
        batch = tf.cast(batch, graph.dtype)
        places = np.column_stack([np.arange(len(batch)), targets.positions[rows], targets.units[rows]])
        with tf.GradientTape() as tape:
            tape.watch(batch)
            chosen = tf.gather_nd(forward(batch), places)
        parts.append(np.asarray(tape.gradient(chosen, batch), np.float32))
    gradients = np.concatenate(parts)
    return np.moveaxis(gradients, -1, 1) if graph.channels_first else gradients


def forward_pass(
    deconvnet: Deconvnet, value: int, above: Callable[[tf.Tensor], tf.Tensor] | None = None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function of images, channels last, that computes a value of the graph; `above` is applied to every ReLU's output."""

    def forward(images: tf.Tensor) -> tf.Tensor:
        values = {0: images}
        for operation in deconvnet.graph.needed_for(value):
            output = operation.rule.function(*(values[number] for number in operation.inputs))
            values[operation.output] = above(output) if above and isinstance(operation.rule, Rectify) else output
        return values[value]

    return forward


@tf.custom_gradient
def rectify_backward(maps: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The identity, which sets negative values of the signal to 0 on the way down."""
    return tf.identity(maps), tf.nn.relu
