"""tf-explain's `VanillaGradients`: the plain gradient, the nearest to a deconvnet that it has.

Its `explain` draws absolute values as a grey picture of 8 bits, so what it computes them with is called here. It takes one index for a
whole batch: units at different positions need a call each.
"""

from importlib import metadata

import numpy as np

NAME = "tf-explain VanillaGradients"


def version() -> str:
    """Version of tf-explain."""
    return metadata.version("tf-explain")


def make_projector(model, layer: str):
    """Prepares gradients of units of `layer` of a Keras model.

    Args:
        model: any Keras model.
        layer: name of a layer of feature maps.

    Returns:
        The function `project(images, unit, positions)`.
    """
    import keras
    import tensorflow as tf
    from tf_explain.core import VanillaGradients

    output = model.get_layer(layer).output
    # It explains classes, so each unit at each position is made one.
    classes = keras.Model(model.input, keras.layers.Flatten()(output))

    def project(images, unit, positions):
        rows, columns = np.transpose(positions)
        indices = np.ravel_multi_index((rows, columns, np.broadcast_to(unit, len(images))), output.shape[1:])
        # As a tensor, because it compiles anew for every new Python int, 0.2 s each.
        parts = [
            VanillaGradients.compute_gradients(images[i : i + 1], classes, tf.constant(index, tf.int32)) for i, index in enumerate(indices)
        ]
        return tf.concat(parts, 0).numpy()

    return project
