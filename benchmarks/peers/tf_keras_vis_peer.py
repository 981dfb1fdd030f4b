"""tf-keras-vis' `Saliency` with its `GuidedBackpropagation`, the nearest to a deconvnet that it has.

Guided backpropagation also masks by the ReLUs of the forward pass, and comes down through a contrast normalisation by its gradient.
"""

from importlib import metadata

import numpy as np

NAME = "tf-keras-vis Saliency, guided"


def version() -> str:
    """Version of tf-keras-vis."""
    return metadata.version("tf-keras-vis")


def make_projector(model, layer: str):
    """Prepares guided backpropagation from `layer` of a Keras model.

    Args:
        model: any Keras model whose ReLUs are activations of layers.
        layer: name of a layer of feature maps.

    Returns:
        The function `project(images, unit, positions)`.
    """
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.model_modifiers import ExtractIntermediateLayer, GuidedBackpropagation

    saliency = Saliency(model, model_modifier=[ExtractIntermediateLayer(layer), GuidedBackpropagation()])

    def project(images, unit, positions):
        units = np.broadcast_to(unit, len(images))

        def score(maps):
            return [maps[i, row, column, units[i]] for i, (row, column) in enumerate(positions)]

        # By default it would return the largest absolute value of the colours, scaled to 0..1.
        return saliency(score, images, keepdims=True, gradient_modifier=None, normalize_map=False).numpy()

    return project
