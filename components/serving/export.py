"""A net as a SavedModel that needs TensorFlow alone: image files in; labels, or what a unit saw in them, out."""

import keras
import tensorflow as tf
from etils import epath

from zfnet.components.artifacts import Model
from zfnet.components.data.local_copy import local_copy
from zfnet.components.evaluation.saved_model_file import load_model_file
from zfnet.components.serving.classification import classification
from zfnet.components.serving.projection import UNKNOWN, projection
from zfnet.model.deconvnet.deconvnet import Deconvnet


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
