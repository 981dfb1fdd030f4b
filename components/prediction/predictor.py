"""The best classes that a model gives to images: Keras models and served ones alike."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.data.batches import decode_crop
from zfnet.components.evaluation.probabilities import ModelProbabilities, output_classes
from zfnet.components.inputs.image_input import ImageInput
from zfnet.components.inputs.photograph import prepare_photograph
from zfnet.components.serving.saved_model import ServedModel

DIGITS = 6  # of a probability, after the point


class Answer(NamedTuple):
    """The best classes of one image, best first: names, and probabilities 0..1. Both are empty if the model gave NaN."""

    labels: list[str]
    probabilities: list[float]


class Predictor:
    """A model that names the classes of photographs.

    Args:
        probabilities: turns float images `(n, size, size, 3)`, RGB 0..255, to probabilities `(n, classes)`.
        labels: names of the classes, in the order of the model.
        size: side of the images, in pixels.
        top: number of classes to name; all, if there are fewer.
    """

    def __init__(self, probabilities: Callable[[tf.Tensor], tf.Tensor], labels: Sequence[str], size: int, top: int) -> None:
        self.labels, self.size = list(labels), size
        self.side = round(size * 8 / 7)
        best = min(top, len(self.labels))

        @tf.function(input_signature=[tf.TensorSpec((None, size, size, 3), tf.float32)])
        def predict(images):
            found = probabilities(images)
            values, indices = tf.math.top_k(found, best)
            return values, indices, tf.reduce_all(tf.math.is_finite(found), axis=1)

        self._predict = predict

    @classmethod
    def of_model(cls, model: keras.Model, labels: Sequence[str], top: int, image_size: int | None = None) -> "Predictor":
        """Makes a predictor of a Keras model that takes RGB 0..255 and gives probabilities, logits, or one sigmoid for two classes.

        `labels` may be empty: then classes have the numbers of their outputs. `image_size` is as in `ImageInput.of`.

        Raises:
            ValueError: the model does not take photographs, or does not give one number for each class; or `labels` are not as many.
        """
        image_input = ImageInput.of(model, image_size)
        shapes = [tuple(output.shape) for output in model.outputs]
        if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] is None or (classes := output_classes(model)) < 2:
            gives = f"outputs of {' and '.join(map(str, shapes))}"
            raise ValueError(
                f"The model {model.name!r} has {gives}, which are no classes; expected (None, classes), or (None, 1) from a sigmoid."
            )
        if labels and len(labels) != classes:
            raise ValueError(f"The labels.txt beside the model names {len(labels)} classes, and the model has {classes} outputs.")
        probabilities = ModelProbabilities(model, image_input)
        return cls(probabilities.of, labels or [str(number) for number in range(classes)], image_input.side, top)

    @classmethod
    def of_served(cls, served: ServedModel, top: int) -> "Predictor":
        """Makes a predictor of a SavedModel that `zfnet run` served."""
        return cls(served.of, served.labels, served.size, top)

    def image(self, encoded: bytes) -> np.ndarray:
        """The part of a photograph that the model takes, as an evaluation stores and crops it: uint8 `(size, size, 3)`.

        Raises:
            UnreadablePhotograph: as `prepare_photograph` does.
        """
        stored, _ = prepare_photograph(encoded, self.side)
        margin = (self.side - self.size) // 2
        return decode_crop(stored, margin, margin, self.size).numpy()

    def answers(self, images: np.ndarray | tf.Tensor) -> list[Answer]:
        """The best classes of images `(n, size, size, 3)`, RGB 0..255; of two that are equally probable, the first one comes first."""
        values, indices, finite = (each.numpy() for each in self._predict(tf.cast(images, tf.float32)))
        found = zip(np.round(values, DIGITS).tolist(), indices.tolist(), finite.tolist(), strict=True)
        return [
            Answer([self.labels[place] for place in places], probabilities) if known else Answer([], [])
            for probabilities, places, known in found
        ]
