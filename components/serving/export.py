"""Export a model as a SavedModel that needs TensorFlow alone, with signatures for classes and projections."""

import functools
from collections.abc import Callable

import keras
import tensorflow as tf
from etils import epath

from zfnet.components.artifacts import Model
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.pictures.projected_activation import OUTLIERS
from zfnet.components.serving.served_image import served_image
from zfnet.components.storage.local_copy import local_copy
from zfnet.model.deconvnet.deconvnet import STRONGEST, Deconvnet, traced_projection

GUESSES = 5
UNKNOWN = -1
# Images that are decoded at a time: each may take its pixels in memory.
PARALLEL = 4


def export(model: Model, *, side: int, path: epath.Path) -> None:
    """Writes a SavedModel with three signatures.

    `serving_default` is `classification`, `project` is `projection`; both take a batch of JPEG, PNG, BMP or GIF files, of which an
    unreadable one does not fail the others. `probabilities` takes `images`, float RGB of shape `(batch, height, width, 3)`, of the net's
    size, 0..255, and returns the `probabilities` of all classes. The class names are inside, as an asset.

    `side` is that of `classification`; `path` is a local directory that must not exist.
    """
    model = local_copy(model)
    net = load_model_file(model.path / "model.keras")
    size = net.input_shape[1]
    names = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(model.path / "labels.txt"), tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE
        ),
        default_value="",
    )
    files, words = tf.TensorSpec([None], tf.string, name="image_bytes"), tf.TensorSpec([None], tf.string, name="layer")
    # Both signatures call the one graph that decodes a file: to trace it takes seconds.
    prepare = tf.function(
        functools.partial(served_image, side=side, size=size), input_signature=[tf.TensorSpec((), tf.string)], autograph=False
    )
    functions = {
        "serving_default": (classification(net, names, prepare), [files]),
        "project": (projection(net, prepare), [files, words, tf.TensorSpec([None], tf.int32, name="unit")]),
        "probabilities": (
            lambda images: {"probabilities": net(images, training=False)},
            [tf.TensorSpec([None, size, size, 3], tf.float32, name="images")],
        ),
    }
    traced = {
        name: tf.function(function, input_signature=takes, autograph=False).get_concrete_function()
        for name, (function, takes) in functions.items()
    }
    # Concrete functions are saved as they are. `keras.export.ExportArchive` traces each twice, which takes most of its time.
    archive = tf.Module()
    archive.names, archive.weights = names, traced["serving_default"].variables
    tf.saved_model.save(archive, str(path), signatures=traced)


def classification(
    net: keras.Model, names: tf.lookup.StaticHashTable, prepare: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Makes the function of the signature that classifies images.

    The net takes RGB 0..255 of `(size, size)` pixels and returns probabilities of the classes, whose `names` are found by their number.
    `prepare` turns the bytes of a file into an image and an error, as `served_image` does.

    Returns:
        A function of `image_bytes`, a string tensor `(N,)`, that returns `labels` `(N, k)`, the best five classes or all if there are
        fewer, best first, their `probabilities` `(N, k)`, and `errors` `(N,)`: empty, or the reason why an image can't be read, with
        empty labels and probabilities of 0.
    """
    size, classes = net.input_shape[1], net.output_shape[-1]

    def classify(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        images, errors = tf.map_fn(
            prepare,
            image_bytes,
            fn_output_signature=(tf.TensorSpec((size, size, 3), tf.float32), tf.TensorSpec((), tf.string)),
            parallel_iterations=PARALLEL,
        )
        best = tf.math.top_k(net(images, training=False), k=min(GUESSES, classes))
        read = (errors == "")[:, None]
        return {
            "labels": tf.where(read, names.lookup(tf.cast(best.indices, tf.int64)), ""),
            "probabilities": tf.where(read, best.values, 0.0),
            "errors": errors,
        }

    return classify


def projection(net: keras.Model, prepare: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]) -> Callable[..., dict[str, tf.Tensor]]:
    """Makes the function of the signature that projects a unit of each image (Zeiler & Fergus 2013, section 2.1).

    `net` and `prepare` are as in `classification`.

    Returns:
        A function of `image_bytes`, `layer` and `unit`, tensors `(N,)` of strings, strings and int32; a unit of -1 is the one with the
        strongest activation. One layer or unit, `(1,)`, is that of all images; other lengths are an error. It returns tensors `(N,)`:
        `projection_bytes`, the projection as a PNG of the size of the net's input, in which 0 is grey; `activations`; `units`;
        `positions` `(N, 2)`, row and column in the feature map; and `errors`, empty or the reason why there is no projection.
    """
    deconvnet = Deconvnet(net)
    names = tf.constant(deconvnet.layers)
    counts = tf.constant([deconvnet.graph.shapes[deconvnet.graph.outputs[layer]][-1] for layer in deconvnet.layers])
    project_unit = traced_projection(deconvnet)

    def unknown(number, layer, unit):
        last = counts[tf.maximum(number, 0)] - 1
        no_layer = tf.strings.join(["there is no layer '", layer, "'; there are ", tf.strings.reduce_join(names, separator=", ")])
        parts = ["there is no unit ", tf.as_string(unit), " in layer '", layer, "'; it has units 0 to ", tf.as_string(last)]
        no_unit = tf.strings.join([*parts, ", and -1 is the strongest"])
        wrong = (unit != STRONGEST) & ((unit < 0) | (unit > last))
        return tf.where(number == UNKNOWN, no_layer, tf.where(wrong, no_unit, ""))

    def project_one(question):
        encoded, layer, unit = question
        image, error = prepare(encoded)
        named = names == layer
        number = tf.where(tf.reduce_any(named), tf.argmax(tf.cast(named, tf.int32), output_type=tf.int32), UNKNOWN)
        error = tf.where(error == "", unknown(number, layer, unit), error)

        def picture():
            projected = project_unit(image, number, unit)
            return tf.io.encode_png(signed_picture(projected.projection)), projected.activation, projected.unit, projected.position

        def nothing():
            return tf.constant(b""), tf.constant(0.0), unit, tf.zeros((2,), tf.int32)

        return *tf.cond(error == "", picture, nothing), error

    def project(image_bytes: tf.Tensor, layer: tf.Tensor, unit: tf.Tensor) -> dict[str, tf.Tensor]:
        layer, unit = for_each(image_bytes, layer, "layer"), for_each(image_bytes, unit, "unit")
        picture, activation, number, error = (tf.TensorSpec((), kind) for kind in (tf.string, tf.float32, tf.int32, tf.string))
        position = tf.TensorSpec((2,), tf.int32)
        made = tf.map_fn(project_one, (image_bytes, layer, unit), fn_output_signature=(picture, activation, number, position, error))
        return dict(zip(("projection_bytes", "activations", "units", "positions", "errors"), made, strict=True))

    return project


def for_each(image_bytes: tf.Tensor, values: tf.Tensor, name: str) -> tf.Tensor:
    """Repeats one value, `(1,)`, for each image.

    Raises:
        tf.errors.InvalidArgumentError: there are several values, and not as many as images.
    """
    images, given = tf.size(image_bytes), tf.size(values)
    said = [f"`{name}` expects one entry, or one for each of `image_bytes`; entries and images:", given, images]
    with tf.control_dependencies([tf.debugging.Assert((given == images) | (given == 1), said)]):
        return tf.broadcast_to(values, [images])


def signed_picture(projection: tf.Tensor) -> tf.Tensor:
    """Turns a projection, a float tensor `(height, width, channels)`, into a uint8 picture as `signed_to_rgb` does."""
    ordered = tf.sort(tf.reshape(tf.abs(projection), [-1]))
    last = tf.cast(tf.size(ordered) - 1, tf.float32)
    place = (1 - OUTLIERS) * last
    below, above = ordered[tf.cast(tf.floor(place), tf.int32)], ordered[tf.cast(tf.math.ceil(place), tf.int32)]
    quantile = below + (above - below) * (place - tf.floor(place))
    scale = tf.where(quantile > 0, quantile, ordered[-1])
    scale = tf.where(scale > 0, scale, 1.0)
    return tf.cast(tf.clip_by_value(tf.round(128 + 127.5 * projection / scale), 0, 255), tf.uint8)
