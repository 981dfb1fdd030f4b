"""A net as a SavedModel that needs TensorFlow alone: image files in, labels out."""

import keras
import tensorflow as tf
from etils import epath

from zfnet.components.artifacts import Model
from zfnet.components.data.local_copy import local_copy
from zfnet.components.evaluation.saved_model_file import load_model_file

GUESSES = 5


def export(model: Model, *, side: int, path: epath.Path) -> None:
    """Writes a SavedModel with two signatures.

    `serving_default` takes `image_bytes`, a batch of JPEG, PNG, BMP or GIF files, and returns `labels`, the five best classes of each
    by name, best first, and their `probabilities`. `probabilities` takes `images`, float RGB `(batch, height, width, 3)` of the
    net's size, 0..255, and returns the `probabilities` of all classes. The class names are inside, as an asset.

    Args:
        model: `model.keras` and `labels.txt`.
        side: side that photographs were scaled to before the centre was cut out, in pixels.
        path: local directory to write; must not exist.
    """
    model = local_copy(model)
    net = load_model_file(model.path / "model.keras")
    size, classes = net.input_shape[1], net.output_shape[-1]
    names = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(model.path / "labels.txt"), tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE
        ),
        default_value="",
    )

    def classify(image_bytes):
        images = tf.map_fn(
            lambda encoded: prepare_image(encoded, side=side, size=size),
            image_bytes,
            fn_output_signature=tf.TensorSpec((size, size, 3), tf.float32),
        )
        best = tf.math.top_k(net(images, training=False), k=min(GUESSES, classes))
        return {"labels": names.lookup(tf.cast(best.indices, tf.int64)), "probabilities": best.values}

    archive = keras.export.ExportArchive()
    archive.track(net)
    archive.track(names)
    archive.add_endpoint("serving_default", classify, input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    archive.add_endpoint(
        "probabilities",
        lambda images: {"probabilities": net(images, training=False)},
        input_signature=[tf.TensorSpec([None, size, size, 3], tf.float32, name="images")],
    )
    archive.write_out(str(path), verbose=False)


def prepare_image(encoded: tf.Tensor, *, side: int, size: int) -> tf.Tensor:
    """Decodes an image and cuts its centre out, in TensorFlow, as `prepare_photograph` and the central crop do in Pillow.

    Args:
        encoded: string scalar, the bytes of a JPEG, PNG, BMP or GIF file. EXIF orientation is not looked at.
        side: side that the shortest side is scaled to, in pixels.
        size: side of the central crop, in pixels.

    Returns:
        float32 tensor `(size, size, 3)`, values 0..255.
    """
    image = tf.cast(tf.io.decode_image(encoded, channels=3, expand_animations=False), tf.float32)
    lengths = tf.cast(tf.shape(image)[:2], tf.float32)
    shortest = tf.reduce_min(lengths)
    scale = side / shortest
    corner = (lengths - shortest) / 2
    margin = (side - size) // 2
    resized = tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=[size, size],
        scale=tf.stack([scale, scale]),
        translation=-corner * scale - margin,
        kernel_type="keyscubic",
        antialias=True,
    )
    return tf.clip_by_value(resized[0], 0, 255)
