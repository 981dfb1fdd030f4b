"""The deconvnet: projects single activations of a network back to pixels."""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.passes import Passes
from zfnet.model.deconvnet.recording import Recording, record, to_model_layout


class Deconvnet:
    """Attached to a model, projects its activations to pixels: which pattern of the image made this unit fire.

    Zeiler & Fergus 2013, section 2.1. All activations of a layer but one are set to zero; then, layer by layer: unpool (each value
    goes where its maximum was: the switches of the forward pass on that image), rectify, filter with the transposed filters. No
    biases and no contrast normalisation on the way down. The model is only read; where its weights change, so do projections.

    Args:
        model: a Keras model of convolutions, pools, dense layers, ReLUs and what lies between them (see `rules/layers.py`).
        unsupported: what becomes of a layer that a deconvnet is not defined for (swish, attention, ...): `"error"`, or `"gradient"`
            to bring signals down through it by its plain gradient.

    Attributes:
        layers: names that can be projected from. A name means that layer's output; of a softmax layer, its logits.

    Raises:
        ValueError: if the model has a layer that a deconvnet is not defined for.

    Examples:
        >>> deconvnet = Deconvnet(ZFNet())
        >>> deconvnet.project(images, "conv5", unit=3).shape  # images: (8, 224, 224, 3)
        (8, 224, 224, 3)
    """

    def __init__(self, model: keras.Model, unsupported: str = "error") -> None:
        self.model = model
        self.graph = Graph(model, unsupported)
        self.layers = list(self.graph.outputs)
        self._passes = Passes(self.graph)

    def record(self, images: ArrayLike, layers: list[str] | None = None) -> Recording:
        """Runs one forward pass and keeps its activations, for any number of projections.

        Args:
            images: float array or tensor `(N, H, W, C)`, values and layout as the model takes them.
            layers: these and the layers below them, and no further; `None` records all.

        Returns:
            The recording.

        Raises:
            ValueError: if there are no images, they have another shape than the model takes, or a layer is not there.
        """
        images = self._checked(images)
        named = set(self.graph.outputs.values())
        if layers is not None:
            wanted = {self.graph.value_of(layer) for layer in layers}
            named &= wanted | {operation.output for operation in self.graph.needed_for(*wanted)}
        return record(self._passes, images, named, named)

    def record_switches(self, images: ArrayLike, layers: list[str]) -> Recording:
        """As `record`, of what projections from `layers` need and nothing else; for `Recording.windows_of` and `images_of`."""
        return record(self._passes, self._checked(images), {self.graph.value_of(layer) for layer in layers}, set())

    def project(self, images: ArrayLike, layer: str, unit: ArrayLike, position: ArrayLike | None = None) -> np.ndarray:
        """Records `images` and projects one activation of each; arguments and result as in `Recording.project`."""
        return self.record(images, [layer]).project(layer, unit, position)

    def project_patches(
        self, images: ArrayLike, layer: str, unit: ArrayLike, position: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Records `images` and projects one activation of each to its receptive field; as in `Recording.project_patches`."""
        return self.record(images, [layer]).project_patches(layer, unit, position)

    def activations(self, images: ArrayLike, layers: list[str]) -> list[tf.Tensor]:
        """Activations of some layers, without running what lies above them.

        Args:
            images: float array or tensor `(N, H, W, C)`, values as the model takes them.
            layers: names out of `self.layers`.

        Returns:
            For each layer a tensor as the model lays it out: `(N, h, w, units)`, or `(N, units)` of a dense one.
        """
        values = self._passes.up(self._checked(images), tuple(self.graph.value_of(layer) for layer in layers))
        return [to_model_layout(value, self.graph) for value in values]

    def maxima(self, images: ArrayLike, layers: list[str]) -> Iterator[tuple[int, list[list[tf.Tensor]]]]:
        """Maxima and activations of some layers, computed on every replica of the strategy in whose scope this is called.

        Args:
            images: as in `activations`.
            layers: as in `activations`.

        Returns:
            For each replica, the number of its first image; and for each layer the maximum of each map, `(n, units)`, and its
            activations `(n, h, w, units)`, channels last; `(n, units)` of a dense one. The last replicas may repeat the last image.
        """
        wanted = tuple(self.graph.value_of(layer) for layer in layers)
        return self._passes.maxima(self._checked(images), wanted)

    def _checked(self, images: ArrayLike) -> tf.Tensor:
        images = tf.convert_to_tensor(images)
        expected = self.model.inputs[0]
        if not tf.TensorShape(expected.shape).is_compatible_with(images.shape):
            order = "number, channels, height, width" if self.graph.channels_first else "number, height, width, channels"
            raise ValueError(f"The images have shape {images.shape}; this model takes {tuple(expected.shape)} ({order}).")
        if not len(images):
            raise ValueError(f"The images have shape {images.shape}: there is none. Expected at least one.")
        images = tf.cast(images, self.graph.dtype)
        return tf.transpose(images, (0, 2, 3, 1)) if self.graph.channels_first else images
