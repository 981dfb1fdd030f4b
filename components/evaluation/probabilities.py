"""What a model answers to stored examples: probabilities of the data's classes, whatever the model's size, layout and order of classes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.net.evaluation import CROPS, crop_corner

# How far the sum over classes may be from 1, so that half precision passes too.
TOLERANCE = 1e-2


@dataclass(frozen=True, eq=False)
class Probabilities:
    """A model with all that it takes to compare it with others on the same examples.

    Args:
        model: takes RGB values 0..255; gives probabilities, or logits, of which the softmax is taken.
        examples: prepared for the larger side of the model's images.
        order: for each class of the examples, its place among the model's outputs; `None` if they are in the same order.
        mean: mean image `(side, side, 3)` of what the model was trained on, for a model whose own first layer subtracts the central crop
            of it; of the ten crops, each is centred by its own part of it (Zeiler & Fergus 2013, section 3). `None` gives the model the
            crops as RGB.

    Raises:
        ValueError: the model takes no such images, does not give one number for each class, or the mean image is of another size.
    """

    model: keras.Model
    examples: Examples
    order: Sequence[int] | None = None
    mean: np.ndarray | None = None
    image_input: ImageInput = field(init=False)
    logits: bool = field(init=False)

    def __post_init__(self) -> None:
        size, side, classes = self.examples.image_size, self.examples.side, len(self.examples.labels)
        shape = tuple(self.model.outputs[0].shape) if len(self.model.outputs) == 1 else ()
        object.__setattr__(self, "image_input", ImageInput.of(self.model, size))
        if len(shape) != 2 or shape[1] != classes:
            gives = f"outputs of {shape or [tuple(output.shape) for output in self.model.outputs]}"
            raise ValueError(f"The model {self.model.name!r} has {gives}; the examples have {classes} classes: expected (None, {classes}).")
        if self.mean is not None and self.mean.shape != (side, side, 3):
            raise ValueError(f"The mean image is {self.mean.shape}, the stored images are {(side, side, 3)}; expected the same.")
        object.__setattr__(self, "logits", not _gives_probabilities(self.model, self.image_input))

    def stored_size(self, ten_crop: bool) -> int:
        """Side of the images to be read, in pixels: what is stored for ten crops, else its central crop."""
        return self.examples.side if ten_crop else self.image_input.side

    def of(self, images: tf.Tensor, ten_crop: bool) -> tf.Tensor:
        """The probabilities.

        Args:
            images: float tensor `(n, stored_size, stored_size, 3)`, RGB 0..255.
            ten_crop: whether to average over the paper's ten crops of each image, as Krizhevsky et al. 2012 do.

        Returns:
            float64 tensor `(n, classes)`, in the examples' order of classes.
        """
        if not ten_crop:
            return self._answer(images)
        side, size = self.examples.side, self.image_input.side
        margin = (side - size) // 2
        # The net subtracts the mean's central crop; the paper subtracts the mean first and then crops.
        mean = tf.zeros((side, side, 3)) if self.mean is None else tf.constant(self.mean, tf.float32)
        centred, central_mean = images - mean, mean[margin : margin + size, margin : margin + size]

        def answer(index):
            top, left = crop_corner(index, side, size)
            crop = centred[:, top : top + size, left : left + size]
            crop = tf.where(index < CROPS // 2, crop, crop[:, :, ::-1])
            return self._answer(tf.ensure_shape(crop, (images.shape[0], size, size, 3)) + central_mean)

        # One crop after the other: ten at once take ten times the memory.
        answers = tf.map_fn(answer, tf.range(CROPS), fn_output_signature=tf.float64, parallel_iterations=1)
        return tf.ensure_shape(tf.reduce_mean(answers, axis=0), (images.shape[0], len(self.examples.labels)))

    def _answer(self, squares):
        images = self.image_input.crop(squares)
        if self.image_input.channels_first:
            images = tf.transpose(images, (0, 3, 1, 2))
        # In float32 the softmax of logits that are near each other, or far from each other, has ties that they don't have.
        outputs = tf.cast(self.model(images, training=False), tf.float64)
        if self.logits:
            outputs = tf.nn.softmax(outputs)
        return outputs if self.order is None else tf.gather(outputs, self.order, axis=1)


def _gives_probabilities(model: keras.Model, image_input: ImageInput) -> bool:
    """Whether the outputs for a grey and a black image are probabilities. NaN is left as it is: it counts as an error later."""
    grey = np.stack([np.full((image_input.height, image_input.width, 3), shade, np.float32) for shade in (128, 0)])
    outputs = np.asarray(model(image_input.to_model_layout(grey), training=False), np.float32)
    sums = outputs.sum(axis=1)
    return bool(np.all(~np.isfinite(sums) | ((outputs.min(axis=1) >= 0) & (abs(sums - 1) < TOLERANCE))))
