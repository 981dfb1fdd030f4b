"""Probabilities that models give for stored examples, comparable whatever a model's size, layout and order of classes."""

import collections

import keras
import numpy as np
import tensorflow as tf

from zfnet.components.artifacts import Examples
from zfnet.components.data.batches import read_origins
from zfnet.components.inputs.image_input import ImageInput
from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.measures.class_probabilities import class_count
from zfnet.model.net.evaluation import CROPS, crop_corner

# How far the sum over classes may be from 1, so that half precision passes too.
TOLERANCE = 1e-2
MOST_NAMED = 3


class Probabilities:
    """A model with all that it takes to compare it with others on the same examples.

    Args:
        model: takes RGB values 0..255; gives probabilities, or logits, of which the softmax is taken. One sigmoid tells two classes apart:
            it is the probability of the second.
        examples: prepared for the larger side of the model's images.
        order: for each class of the examples, its place among the model's outputs; None if they are in the same order.
        mean: mean image `(side, side, 3)` of the model's training data, for a model whose first layer subtracts the central crop of it:
            each of ten crops is centred by its own part of it (Zeiler & Fergus 2013, section 3). None gives the model the crops as RGB.

    Raises:
        ValueError: the model takes no such images, does not give one number for each class, or the mean image is of another size.
    """

    def __init__(self, model: keras.Model, examples: Examples, order: list[int] | None = None, mean: np.ndarray | None = None) -> None:
        side, classes = examples.side, len(examples.labels)
        shapes = [tuple(output.shape) for output in model.outputs]
        self.model, self.examples, self.order, self.mean = model, examples, order, mean
        self.image_input = ImageInput.of(model, examples.image_size)
        if len(shapes) != 1 or len(shapes[0]) != 2 or output_classes(model) != classes:
            gives = f"outputs of {shapes[0] if len(shapes) == 1 else shapes}"
            expected = f"(None, {classes}){', or (None, 1) from a sigmoid' if classes == 2 else ''}"
            raise ValueError(f"The model {model.name!r} has {gives}; the examples have {classes} classes: expected {expected}.")
        if mean is not None and mean.shape != (side, side, 3):
            raise ValueError(f"The mean image is {mean.shape}, the stored images are {(side, side, 3)}; expected the same.")
        self._of_crops = ModelProbabilities(model, self.image_input)

    def stored_size(self, ten_crop: bool) -> int:
        """Side of the images to read, in pixels: the stored image for ten crops, else its central crop."""
        return self.examples.side if ten_crop else self.image_input.side

    def of(self, images: tf.Tensor, ten_crop: bool) -> tf.Tensor:
        """Computes the probabilities of images.

        Args:
            images: float tensor `(n, stored_size, stored_size, 3)`, RGB 0..255.
            ten_crop: whether to average over the paper's ten crops of each image, as Krizhevsky et al. 2012 do.

        Returns:
            float64 tensor `(n, classes)`, in the examples' order of classes.
        """
        if not ten_crop:
            return self._predict(images)
        side, size = self.examples.side, self.image_input.side
        margin = (side - size) // 2
        # The net subtracts the mean's central crop; the paper subtracts the mean first and then crops.
        mean = tf.zeros((side, side, 3)) if self.mean is None else tf.constant(self.mean, tf.float32)
        centred, central_mean = images - mean, mean[margin : margin + size, margin : margin + size]

        def predict_crop(index):
            top, left = crop_corner(index, side, size)
            crop = centred[:, top : top + size, left : left + size]
            crop = tf.where(index < CROPS // 2, crop, crop[:, :, ::-1])
            return self._predict(tf.ensure_shape(crop, (images.shape[0], size, size, 3)) + central_mean)

        # One crop after the other: ten at once take ten times the memory.
        crops = tf.map_fn(predict_crop, tf.range(CROPS), fn_output_signature=tf.float64, parallel_iterations=1)
        return tf.ensure_shape(tf.reduce_mean(crops, axis=0), (images.shape[0], len(self.examples.labels)))

    def _predict(self, squares):
        outputs = self._of_crops.of(squares)
        return outputs if self.order is None else tf.gather(outputs, self.order, axis=1)


class ModelProbabilities:
    """The probabilities of a model for images, whether it gives probabilities, logits, or one sigmoid for two classes.

    `model` is as in `Probabilities`, with one output, a vector; `image_input` is the size of its images.
    """

    def __init__(self, model: keras.Model, image_input: ImageInput) -> None:
        self._model, self._image_input = model, image_input
        self._is_binary = model.outputs[0].shape[-1] == 1
        self._logits = not self._is_binary and not _gives_probabilities(model, image_input)

    def of(self, squares: tf.Tensor) -> tf.Tensor:
        """Float64 probabilities `(n, classes)`, in the model's order, of float images `(n, side, side, 3)`, RGB 0..255."""
        images = self._image_input.crop(squares)
        if self._image_input.channels_first:
            images = tf.transpose(images, (0, 3, 1, 2))
        # In float32 the softmax has ties where logits that are near each other, or far from each other, differ.
        outputs = tf.cast(self._model(images, training=False), tf.float64)
        if self._is_binary:
            outputs = tf.concat([1 - outputs, outputs], axis=1)
        return tf.nn.softmax(outputs) if self._logits else outputs


def output_classes(model: keras.Model) -> int:
    """Number of classes that a model's first output tells apart: two for one number from a sigmoid, else the number of its values."""
    outputs = model.outputs[0].shape[-1]
    if outputs == 1:
        try:
            return max(class_count(Deconvnet(model, "gradient")), 1)
        except ValueError:  # It is no graph of layers, so that its last activation is not known.
            return 1
    return outputs


def _gives_probabilities(model: keras.Model, image_input: ImageInput) -> bool:
    """Tells whether the outputs for a grey and a black image are probabilities. NaN passes: it counts as an error later."""
    grey = np.stack([np.full((image_input.height, image_input.width, 3), shade, np.float32) for shade in (128, 0)])
    outputs = np.asarray(model(image_input.to_model_layout(grey), training=False), np.float32)
    sums = outputs.sum(axis=1)
    return bool(np.all(~np.isfinite(sums) | ((outputs.min(axis=1) >= 0) & (abs(sums - 1) < TOLERANCE))))


def class_order(model: str, known: list[str], wanted: list[str]) -> list[int]:
    """Finds, for each class of the data, its place among the classes of a model, by name.

    `known` has the names of the model's classes, in the order of its outputs, and `wanted` those of the data's, in the order of its
    labels. `model` is the model's name in messages.

    Raises:
        ValueError: a class is missing in one of the two, or a name belongs to several classes and the order is not the same.

    Examples:
        >>> class_order("birds.keras", ["tit", "crow"], ["crow", "tit"])
        [1, 0]
    """
    if known == wanted:
        return list(range(len(wanted)))
    _check_known(f"{model} does not know", wanted, known)
    _check_known(f"the data, unlike {model}, does not have", known, wanted)
    places = {name: place for place, name in enumerate(known)}
    if len(places) < len(known) or len(set(wanted)) < len(wanted):
        twice = next(name for names in (known, wanted) for name, number in collections.Counter(names).items() if number > 1)
        raise ValueError(f"{model}: {twice!r} is the name of several classes, so that their order is ambiguous: give each its own name.")
    return [places[name] for name in wanted]


def _check_known(who: str, names: list[str], among: list[str]) -> None:
    others = set(among)
    missing = list(dict.fromkeys(name for name in names if name not in others))
    if missing:
        named = ", ".join(map(repr, missing[:MOST_NAMED])) + (", ..." if len(missing) > MOST_NAMED else "")
        there_are = "is a class" if len(missing) == 1 else f"are {len(missing)} classes"
        raise ValueError(f"There {there_are} that {who}: {named}. Expected the same classes, in any order.")


def check_same_examples(examples: list[Examples], split: str) -> None:
    """Fails if the examples of a split are not the same in the same order, with the same classes.

    The same images, prepared in another size, pass: an image's place depends on a digest of its id. Nothing is decoded, and if all are in
    one directory, nothing is read.

    Raises:
        ValueError: they differ; the message names an example or a class that not all have.
    """
    first, *others = {str(each.path): each for each in examples}.values()
    if not others:
        return
    labels, ids = first.labels, read_origins(first, split).ids
    for other in others:
        _check_equal("classes", first, other, labels, other.labels)
        _check_equal(f"{split} examples", first, other, ids, read_origins(other, split).ids)


def _check_equal(kind: str, first: Examples, other: Examples, expected: list[str], found: list[str]) -> None:
    if expected == found:
        return
    alone = min(set(expected) ^ set(found), default=None)
    reason = f"{alone!r} is in one of them alone" if alone is not None else "their order is not the same"
    raise ValueError(
        f"{first.path} and {other.path} do not hold the same {kind} ({reason}): several models are compared or averaged on the same "
        "photographs, which --data can name."
    )
