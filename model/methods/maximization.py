"""Activation maximisation: an image that is made from noise so that one unit is as active as possible."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.rules.rule import Rectify
from zfnet.model.measures.projection_check import field_boxes
from zfnet.model.methods.gradients import forward_pass
from zfnet.model.progress import progress

STEPS, RATE = 128, 0.05
JITTER = 1 / 24  # Of the longer side of the receptive field: by so many pixels, rounded down, the image is shifted at most.
NOISE = 0.01
# Colours of natural images vary together, mostly from dark to bright: square root of their covariance in ImageNet (Olah et al. 2017).
COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)


class MaximizedActivation(NamedTuple):
    """An image that maximises an activation.

    Attributes:
        image: float32 `(height, width, 3)`, RGB 0..255.
        activation: of the unit in this image, at its position.
    """

    image: np.ndarray
    activation: float


def maximize_activation(
    deconvnet: Deconvnet,
    layer: str,
    unit: int,
    position: tuple[int, ...] | None = None,
    *,
    size: tuple[int, int],
    steps: int = STEPS,
    seed: int = 0,
) -> MaximizedActivation:
    """Changes an image, from noise, until a unit is as active as possible (Erhan et al. 2009), by gradient ascent.

    Gradients alone lead to noise that no photograph has. So, as in Olah et al. 2017, "Feature Visualization": the image is a sum of waves,
    slow ones first, in colours that vary together as in photographs; and it is shifted at each step, by at most a 24th of what the unit
    sees. The sum below a ReLU is maximised, since the gradient of a ReLU that is 0 is 0.

    Args:
        deconvnet: of a model that takes RGB 0..255.
        layer: name of a layer.
        unit: feature map or dense unit.
        position: row and column in the map; None takes the middle, and is needed for a dense unit.
        size: height and width of the image, as the model takes them.
        steps: of gradient ascent.
        seed: decides the noise and the shifts.

    Raises:
        ValueError: there is no such layer, unit or position, or `steps` is less than 1.

    Examples:
        >>> made = maximize_activation(deconvnet, "conv2", 3, size=(96, 96), steps=2)
        >>> made.image.shape, made.activation >= 0
        ((96, 96, 3), True)
    """
    graph, random = deconvnet.graph, np.random.default_rng(seed)
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1.")
    grey = np.full((1, *size, 3), 128, np.float32)
    image_layout = (lambda image: np.moveaxis(image, -1, 1)) if graph.channels_first else np.asarray
    recording = deconvnet.record(image_layout(grey), [layer])
    value = graph.value_of(layer)
    middle = tuple(length // 2 for length in recording.shapes[value][:-1])
    place = (*(middle if position is None else position), unit)
    recording.project(layer, unit, place[:-1] or None)  # Raises an error that says what is out of range.
    top = graph.needed_for(value)[-1]
    forward = forward_pass(deconvnet, top.inputs[0] if isinstance(top.rule, Rectify) else value)
    rows, columns = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None]
    frequencies = np.sqrt(rows**2 + columns**2)
    strengths = (np.sqrt(np.prod(size)) / np.maximum(frequencies, 1 / max(size))).astype(np.float32)
    colours = COLOURS / np.linalg.norm(COLOURS, axis=0).max()
    waves = keras.Variable(random.normal(scale=NOISE, size=(2, 3, *frequencies.shape)).astype(np.float32))
    optimizer = keras.optimizers.Adam(RATE)
    optimizer.build([waves])

    def image(waves: tf.Tensor) -> tf.Tensor:
        planes = tf.signal.irfft2d(tf.complex(waves[0] * strengths, waves[1] * strengths), size) / 4
        return 255 * tf.sigmoid(tf.einsum("chw,dc->hwd", planes, colours))[None]

    @tf.function(autograph=False)
    def step(shift: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            tape.watch(waves.value)
            shifted = tf.roll(image(waves.value), shift, (1, 2))
            loss = -tf.gather_nd(tf.cast(forward(tf.cast(shifted, graph.dtype)), tf.float32), [[0, *place]])
        optimizer.apply([tape.gradient(loss, waves.value)], [waves])

    ((rows_from, columns_from, rows_to, columns_to),) = field_boxes(deconvnet, image_layout(grey), layer, np.array([place[:-1]], np.int64))
    most = int(JITTER * max(rows_to - rows_from, columns_to - columns_from))
    for _ in progress(range(steps), steps, "Maximising"):
        step(tf.constant(random.integers(-most, most + 1, 2), tf.int32))
    made = np.asarray(image(waves.value))
    activations = np.asarray(deconvnet.record(image_layout(made), [layer]).activations(layer))
    activations = np.moveaxis(activations, 1, -1) if graph.is_channels_first(value) else activations
    return MaximizedActivation(made[0], float(activations[(0, *place)]))
