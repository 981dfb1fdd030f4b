"""A model as a SavedModel that needs TensorFlow alone, with signatures for classes and projections."""

from collections.abc import Callable

import keras
import tensorflow as tf
from etils import epath

from zfnet.components.artifacts import Model
from zfnet.components.inputs.model_file import load_model_file
from zfnet.components.serving.projection import UNKNOWN, projection
from zfnet.components.serving.served_image import served_image
from zfnet.components.storage.local_copy import local_copy
from zfnet.model.deconvnet.deconvnet import Deconvnet

GUESSES = 5
# Images that are decoded at a time: each may take its pixels in memory.
PARALLEL = 4


def export(model: Model, *, side: int, path: epath.Path) -> None:
    """Writes a SavedModel with three signatures.

    `serving_default` takes `image_bytes`, a batch of JPEG, PNG, BMP or GIF files, and returns the `labels` of each by name, best first,
    their `probabilities`, and `errors`; see `classification`. `project` takes `image_bytes`, `layer` and `unit`, and returns
    `projection_bytes`, PNG files, and what they show; see `projection`. `probabilities` takes `images`, float RGB of shape
    `(batch, height, width, 3)`, of the net's size, 0..255, and returns the `probabilities` of all classes. A file that can't be read
    does not fail the others of its batch. The class names are inside, as an asset.

    Args:
        model: `model.keras` and `labels.txt`.
        side: side that photographs were scaled to before the centre was cut out, in pixels.
        path: local directory to write; must not exist.
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
    layers = Deconvnet(net).layers
    numbers = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(layers, tf.range(len(layers))), default_value=UNKNOWN)
    files, words = tf.TensorSpec([None], tf.string, name="image_bytes"), tf.TensorSpec([None], tf.string, name="layer")
    archive = keras.export.ExportArchive()
    for tracked in (net, names, numbers):
        archive.track(tracked)
    archive.add_endpoint("serving_default", classification(net, names, side), input_signature=[files])
    archive.add_endpoint(
        "project", projection(net, numbers, side), input_signature=[files, words, tf.TensorSpec([None], tf.int32, name="unit")]
    )
    archive.add_endpoint(
        "probabilities",
        lambda images: {"probabilities": net(images, training=False)},
        input_signature=[tf.TensorSpec([None, size, size, 3], tf.float32, name="images")],
    )
    archive.write_out(str(path), verbose=False)


def classification(net: keras.Model, names: tf.lookup.StaticHashTable, side: int) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Makes the function behind the signature.

    Args:
        net: takes RGB 0..255 of `(size, size)` pixels and returns probabilities.
        names: of the classes, by their number.
        side: side that photographs were scaled to before the centre was cut out, in pixels.

    Returns:
        A function of `image_bytes`, a string tensor `(N,)`, that returns `labels` `(N, k)`, the best five classes or all if there are
        fewer, best first, their `probabilities` `(N, k)`, and `errors` `(N,)`: empty, or why an image can't be read; its labels are empty
        then, and its probabilities 0.
    """
    size, classes = net.input_shape[1], net.output_shape[-1]

    def classify(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        images, errors = tf.map_fn(
            lambda encoded: served_image(encoded, side=side, size=size),
            image_bytes,
            fn_output_signature=(tf.TensorSpec((size, size, 3), tf.float32), tf.TensorSpec((), tf.string)),
            parallel_iterations=PARALLEL,
        )
        best = tf.math.top_k(net(images, training=False), k=min(GUESSES, classes))
        read = tf.equal(errors, "")[:, None]
        return {
            "labels": tf.where(read, names.lookup(tf.cast(best.indices, tf.int64)), ""),
            "probabilities": tf.where(read, best.values, 0.0),
            "errors": errors,
        }

    return classify
