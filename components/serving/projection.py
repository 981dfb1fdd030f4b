"""The SavedModel signature that projects a unit of an image."""

from collections.abc import Callable

import keras
import tensorflow as tf

from zfnet.components.pictures.signed import OUTLIERS
from zfnet.components.serving.served_image import served_image
from zfnet.model.deconvnet.deconvnet import STRONGEST, Deconvnet, traced_projection

UNKNOWN = -1


def projection(net: keras.Model, layers: tf.lookup.StaticHashTable, side: int) -> Callable[..., dict[str, tf.Tensor]]:
    """Makes the function behind the signature.

    Zeiler & Fergus 2013, section 2.1.

    Args:
        net: takes RGB 0..255 of `(size, size)` pixels.
        layers: numbers of its layers, by their names, in the order of `Deconvnet.layers`; `UNKNOWN` for any other.
        side: side that photographs were scaled to before the centre was cut out, in pixels.

    Returns:
        A function of `image_bytes`, `layer` and `unit`, tensors `(N,)` of strings, strings and int32; a unit of -1 is the one whose
        activation is the strongest. It returns, each of `(N,)`: `projection_bytes`, the projection as a PNG of the size of the net's
        input, in which 0 is grey; `activations`; `units`; `positions` `(N, 2)`, row and column in the feature map; and `errors`, empty
        or why there is no picture.
    """
    size, deconvnet = net.input_shape[1], Deconvnet(net)
    names = tf.constant(deconvnet.layers)
    counts = tf.constant([deconvnet.graph.shapes[deconvnet.graph.outputs[layer]][-1] for layer in deconvnet.layers])
    project_unit = traced_projection(deconvnet)

    def project_one(question):
        encoded, layer, unit = question
        image, error = served_image(encoded, side=side, size=size)
        number = layers.lookup(layer)
        error = _first(error, _wrong_layer(number, layer, names))
        error = _first(error, _wrong_unit(number, layer, unit, counts))

        def picture():
            projected = project_unit(image, number, unit)
            return tf.io.encode_png(signed_picture(projected.projection)), projected.activation, projected.unit, projected.position

        def nothing():
            return tf.constant(b""), tf.constant(0.0), unit, tf.zeros((2,), tf.int32)

        return *tf.cond(tf.equal(error, ""), picture, nothing), error

    def project(image_bytes: tf.Tensor, layer: tf.Tensor, unit: tf.Tensor) -> dict[str, tf.Tensor]:
        picture, activation, number, error = (tf.TensorSpec((), kind) for kind in (tf.string, tf.float32, tf.int32, tf.string))
        position = tf.TensorSpec((2,), tf.int32)
        made = tf.map_fn(project_one, (image_bytes, layer, unit), fn_output_signature=(picture, activation, number, position, error))
        return dict(zip(("projection_bytes", "activations", "units", "positions", "errors"), made, strict=True))

    return project


def _first(error, other):
    return tf.where(tf.equal(error, ""), other, error)


def _wrong_layer(number, layer, names):
    unknown = tf.strings.join(["there is no layer '", layer, "'; there are ", tf.strings.reduce_join(names, separator=", ")])
    return tf.where(tf.equal(number, UNKNOWN), unknown, "")


def _wrong_unit(number, layer, unit, counts):
    last = counts[tf.maximum(number, 0)] - 1
    wrong = tf.strings.join(
        [
            "there is no unit ",
            tf.as_string(unit),
            " in layer '",
            layer,
            "'; it has units 0 to ",
            tf.as_string(last),
            ", and -1 is the strongest",
        ]
    )
    return tf.where((unit != STRONGEST) & ((unit < 0) | (unit > last)), wrong, "")


def signed_picture(projection: tf.Tensor) -> tf.Tensor:
    """Turns signed pixel values into a picture in which 0 is grey, as `signed_to_rgb` does.

    Args:
        projection: float tensor `(height, width, channels)`, signed values of any range.

    Returns:
        uint8 tensor of the same shape; 128 is 0, and the absolute value that only 0.2 % exceed is black or white.
    """
    ordered = tf.sort(tf.reshape(tf.abs(projection), [-1]))
    last = tf.cast(tf.size(ordered) - 1, tf.float32)
    place = (1 - OUTLIERS) * last
    below, above = ordered[tf.cast(tf.floor(place), tf.int32)], ordered[tf.cast(tf.math.ceil(place), tf.int32)]
    quantile = below + (above - below) * (place - tf.floor(place))
    scale = tf.where(quantile > 0, quantile, ordered[-1])
    scale = tf.where(scale > 0, scale, 1.0)
    return tf.cast(tf.clip_by_value(tf.round(128 + 127.5 * projection / scale), 0, 255), tf.uint8)
