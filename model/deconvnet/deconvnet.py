"""The deconvnet: projects single activations of a network back to pixels."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from numpy.typing import ArrayLike

from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.model_inputs import Images, InputForm
from zfnet.model.deconvnet.passes import Inputs, Passes, on_replicas, row_shapes
from zfnet.model.deconvnet.recorded_batch import RecordedBatch, record_batch, to_model_layout, values_to_store
from zfnet.model.deconvnet.recording import Recording
from zfnet.model.deconvnet.rules.fused import without_xla

AXES = {1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"]}
# As the unit of a `traced_projection`: the one with the strongest activation of the layer.
STRONGEST = -1


class Deconvnet:
    """Projects activations of a network back to pixels: the pattern of the image that made a unit fire.

    Zeiler & Fergus 2013, section 2.1. All activations of a layer but one are set to zero; then, layer by layer: unpool (each value
    goes where its maximum was: the switches of the forward pass on that image), rectify, filter with the transposed filters. Biases
    and contrast normalisation are skipped. The model is only read; when its weights change, so do projections.

    Args:
        model: a Keras model of images, signals or volumes, or of several inputs; Sequential or Functional, nested or not, of layers that
            `rules/layers.py` knows.
        unsupported: how to handle a layer without a backward rule (swish, attention, ...): `"error"`; `"literature"` to use the rule of
            later papers, if there is one; or `"gradient"` to use its plain gradient.
        rules: backward rules of layers, which have priority over all others. A key is a layer's name, a class of layers, or an activation
            function such as `keras.activations.silu`; a value is a `Rule`, or its `backward` alone: a name such as `"as-relu"`, or a
            function.

    Attributes:
        layers: names that can be projected from. A name means that layer's output; for a softmax layer, its logits.

    Raises:
        ValueError: if the model has a layer without a backward rule, or one of `rules` does not fit.

    Examples:
        >>> Deconvnet(model).layers[-4:]
        ['dropout6', 'fc7', 'dropout7', 'predictions']
        >>> deconvnet.project(images, "conv5", unit=3).shape
        (4, 96, 96, 3)
    """

    def __init__(self, model: keras.Model, unsupported: str = "error", rules: Mapping[Any, Any] | None = None) -> None:
        self.model = model
        self.graph = Graph(model, unsupported, rules)
        self.layers = list(self.graph.outputs)
        self._passes = Passes(self.graph)

    def record(self, images: Images, layers: list[str] | None = None) -> Recording:
        """Runs images through the net and stores their activations, for any number of projections.

        Memory is bounded: images run in batches, and more than 1 GiB of activations is computed anew for each request, see `Recording`.

        Args:
            images: float array or tensor `(N, H, W, C)`, values and layout as the model takes them: `(N, length, C)` for signals,
                `(N, depth, H, W, C)` for volumes; for a model of several inputs a list of arrays, or a dict by their names.
            layers: record these layers and those below them; `None` records all.

        Raises:
            ValueError: if there are no images, they have another shape than the model takes, or there is no such layer.
        """
        form, images = self._checked(images)
        named = set(self.graph.outputs.values())
        if layers is not None:
            wanted = {self.graph.value_of(layer) for layer in layers}
            named &= wanted | {operation.output for operation in self.graph.needed_for(*wanted)}
        return Recording(self._passes, images, named, form)

    def record_batch(self, images: Images, layers: list[str]) -> RecordedBatch:
        """Like `record`, but runs all images together, and stores only `layers` and what projections from them need."""
        values = {self.graph.value_of(layer) for layer in layers}
        return record_batch(self._passes, self._checked(images)[1], values_to_store(self.graph, values, values))

    def images_together(self, images: Images, layers: list[str]) -> int:
        """Number of images that `record_batch` runs within 512 MB, one at least."""
        values = {self.graph.value_of(layer) for layer in layers}
        stored = values_to_store(self.graph, values, values)
        return self._passes.images_together(self._passes.shapes(self._checked(images)[1]), stored)

    def project(self, images: Images, layer: str, unit: ArrayLike, position: ArrayLike | None = None) -> Any:
        """Records `images` and projects one activation of each, in batches; see `Recording.project`."""
        return self.record(images, [layer]).project(layer, unit, position)

    def project_patches(self, images: Images, layer: str, unit: ArrayLike, position: ArrayLike | None = None) -> tuple[Any, Any]:
        """Records `images` and projects one activation of each to its receptive field; see `Recording.project_patches`."""
        return self.record(images, [layer]).project_patches(layer, unit, position)

    def activations(self, images: Images, layers: list[str]) -> list[tf.Tensor]:
        """Activations of some layers, without running the layers above them; images as in `record`, any number, run in batches.

        Returns for each layer a tensor in the model's layout: `(N, h, w, units)`, or `(N, units)` for a dense layer.
        """
        wanted = tuple(self.graph.value_of(layer) for layer in layers)
        parts = [self._passes.forward(batch, wanted) for _, batch in self._batches(images, wanted)]
        values = parts[0] if len(parts) == 1 else [tf.concat(values, axis=0) for values in zip(*parts, strict=True)]
        return [to_model_layout(value, self.graph, number) for value, number in zip(values, wanted, strict=True)]

    def maxima(self, images: Images, layers: list[str]) -> Iterator[tuple[int, list[list[tf.Tensor]]]]:
        """Maxima and activations of some layers, computed on every replica of the current strategy; arguments as in `activations`.

        Yields for each batch and replica the number of its first image; and for each layer the maximum of each map, `(n, units)`, and its
        activations `(n, h, w, units)`, channels last; `(n, units)` for a dense layer.
        """

        def maxima(passes, images, wanted):
            values = passes.traced_forward(images, wanted)
            return [[tf.reduce_max(value, axis=list(range(1, value.shape.rank - 1))) for value in values], values]

        return self.computed(images, layers, maxima)

    def computed(self, images: Images, layers: list[str], function: Callable, held: Iterable[int] = ()) -> Iterator[tuple[int, Any]]:
        """Results of a function of the images, compiled once, on every replica of the current strategy.

        Args:
            images: as in `activations`.
            layers: names of layers that it computes.
            function: called with the passes, the tensors of the inputs `(n, ...)`, and the numbers of these layers' values; it returns
                tensors of one row an image. Functions of one name are taken for the same.
            held: numbers of other values that it holds in memory, for the number of images that run together.

        Yields:
            For each batch and replica the number of its first image, and the result.
        """
        wanted = tuple(self.graph.value_of(layer) for layer in layers)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        for first, batch in self._batches(images, tuple({*wanted, *held}), replicas):
            key = function.__name__, wanted, *row_shapes(batch)
            for start, found in on_replicas(self._passes, key, lambda each: function(self._passes, each, wanted), batch):
                yield first + start, found

    def _batches(self, images: Images, wanted: tuple[int, ...], replicas: int = 1) -> Iterator[tuple[int, Inputs]]:
        """Parts of images that fit into memory, each with the number of its first image."""
        _, images = self._checked(images)
        together = replicas * self._passes.images_together(self._passes.shapes(images), wanted)
        for first in range(0, len(images[0]), together):
            yield first, tuple(each[first : first + together] for each in images)

    def _checked(self, images: Images) -> tuple[InputForm, Inputs]:
        """The form of the images, and a tensor of each input, channels last."""
        form = InputForm.of(self.model, images)
        found = tuple(self._checked_input(*each) for each in zip(form.split(images), self.graph.inputs, strict=True))
        counts = [len(each) for each in found]
        if len(set(counts)) > 1:
            rows = " and ".join(map(str, counts))
            raise ValueError(f"The inputs {', '.join(form.names)} have {rows} rows; expected the same number.")
        return form, found

    def _checked_input(self, images: ArrayLike, source: int) -> tf.Tensor:
        images = tf.convert_to_tensor(images)
        # Keras too takes any number of images, whatever batch the model was built with.
        expected = (None, *self.model.inputs[source].shape[1:])
        first = self.graph.is_channels_first(source)
        if not tf.TensorShape(expected).is_compatible_with(images.shape):
            names = AXES.get(self.graph.dims[source])
            order = f" ({', '.join(['number', 'channels', *names] if first else ['number', *names, 'channels'])})" if names else ""
            raise ValueError(f"The images have shape {images.shape}; this model takes {expected}{order}.")
        if not len(images):
            raise ValueError(f"The images have shape {images.shape}: there is none. Expected at least one.")
        images = tf.cast(images, self.graph.dtype)
        return tf.transpose(images, (0, *range(2, len(expected)), 1)) if first else images


class TracedProjection(NamedTuple):
    """One projected activation.

    Attributes:
        projection: float tensor `(height, width, channels)`, signed pixel values of the whole image, channels last.
        activation: float scalar, its strength.
        unit: int32 scalar, its feature map or dense unit.
        position: int32 `(2,)`, row and column in the map; zeros for a dense unit.
    """

    projection: tf.Tensor
    activation: tf.Tensor
    unit: tf.Tensor
    position: tf.Tensor


def traced_projection(deconvnet: Deconvnet) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], TracedProjection]:
    """Makes a function that projects the strongest activation of a unit, as `Deconvnet.project` does, with tensors alone.

    One backward pass serves all layers, so that the program stays small: the signal is zero at every layer except the requested
    one, and zeros project to zeros.

    Args:
        deconvnet: of a model that takes images of one size, whose layers all give feature maps or dense units.

    Returns:
        A function of an image, a float tensor `(height, width, channels)` as the model takes it, channels last; of a layer, an int32
        scalar, its index in `deconvnet.layers`; and of a unit, an int32 scalar: `STRONGEST` takes the unit with the strongest
        activation of the layer. Call it inside a `tf.function`.

    Raises:
        ValueError: if the size of the images is left open, or a layer gives neither maps nor units.

    Examples:
        >>> small = Deconvnet(keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, activation="relu")]))
        >>> tf.function(traced_projection(small))(tf.ones((8, 8, 1)), 0, 1).projection.shape
        TensorShape([8, 8, 1])
    """
    graph, passes = deconvnet.graph, Passes(deconvnet.graph)
    layers = [graph.outputs[layer] for layer in deconvnet.layers]
    wrong = next((shape for shape in graph.shapes if None in shape or len(shape) not in (1, 3)), None)
    if len(graph.inputs) > 1:
        raise ValueError(f"The model {deconvnet.model.name!r} has {len(graph.inputs)} inputs; expected one, the image.")
    if wrong is not None:
        raise ValueError(f"The model {deconvnet.model.name!r} has an output of shape {wrong}; expected maps or units, of known size.")
    shapes = [tuple(size for size in shape if size is not None) for shape in graph.shapes]
    operations = graph.needed_for(*layers)
    saving = [operation for operation in operations if operation.rule.saves]
    needed = sorted({0, *layers}.union(*(operation.inputs for operation in saving)))

    def project(image: tf.Tensor, layer: tf.Tensor, unit: tf.Tensor) -> TracedProjection:
        with without_xla():
            values = dict(zip(needed, passes.traced_forward((tf.cast(image, graph.dtype)[None],), needed), strict=True))
            saved = {operation.output: operation.rule.save([values[number] for number in operation.inputs]) for operation in saving}
            requested = tf.gather(layers, layer)
            found = {value: _strongest(values[value], shapes[value], unit, tf.equal(requested, value)) for value in set(layers)}
            signals = {value: signal for value, (signal, _) in found.items()}
            (projections,) = passes.traced_backward(signals, shapes, saved)
        # These are zeros for all layers but one.
        activation, unit, position = (tf.add_n(parts) for parts in zip(*(place for _, place in found.values()), strict=True))
        return TracedProjection(projections[0], activation, unit, position)

    return project


def _strongest(activations, shape, unit, is_requested):
    """A layer's signal, and its activation, unit and position: zeros unless this layer is requested."""
    by_place = tf.reshape(activations, (-1, shape[-1]))
    strongest = tf.argmax(tf.reduce_max(by_place, axis=0), output_type=tf.int32)
    # A larger unit is meant for another layer.
    unit = tf.clip_by_value(tf.where(tf.equal(unit, STRONGEST), strongest, unit), 0, shape[-1] - 1)
    place = tf.argmax(by_place[:, unit], output_type=tf.int32)
    activation = tf.where(is_requested, by_place[place, unit], 0)
    signal = tf.reshape(tf.scatter_nd([[place, unit]], [activation], tf.shape(by_place)), (1, *shape))
    width = shape[1] if len(shape) == 3 else 1
    here = tf.cast(is_requested, tf.int32)
    return signal, (activation, unit * here, tf.stack([place // width, place % width]) * here)
