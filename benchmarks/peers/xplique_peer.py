"""xplique's `DeconvNet`, on the Keras net itself.

It is the deconvnet but for one thing: a signal comes down through a contrast normalisation by its gradient, which the paper passes by.
Its documented `output_layer` has no effect in 1.3.3 (the whole net is explained), so it is given a net that ends at the layer.
"""

from importlib import metadata

import numpy as np

NAME = "xplique DeconvNet"


def version() -> str:
    """Version of xplique."""
    return metadata.version("xplique")


def make_projector(model, layer: str):
    """Prepares projections from `layer` of a Keras model.

    Args:
        model: any Keras model whose ReLUs are activations of layers or layers.
        layer: name of a layer of feature maps.

    Returns:
        The function `project(images, unit, positions)`.
    """
    import keras
    from xplique.attributions import DeconvNet

    output = model.get_layer(layer).output
    # Without a reducer, which would average the colours.
    explainer = DeconvNet(keras.Model(model.input, output), reducer=None)

    def project(images, unit, positions):
        targets = np.zeros((len(images), *output.shape[1:]), "float32")
        targets[np.arange(len(images)), *np.transpose(positions), unit] = 1
        return explainer.explain(images, targets).numpy()

    return project
