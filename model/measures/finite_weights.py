"""Weights that are numbers, without which nothing that is measured means anything."""

from collections.abc import Iterable

import numpy as np

from zfnet.model.deconvnet.graph import Graph


def refuse_nan_weights(graph: Graph, layers: Iterable[str]) -> None:
    """Fails if weights below some layers are not finite numbers.

    Activations don't tell: a ReLU may make 0 of what is no number, and a map look dead.

    Args:
        graph: of the model.
        layers: names of layers.

    Raises:
        ValueError: the message names the first layer with such weights.
    """
    for operation in graph.needed_for(*map(graph.value_of, layers)):
        weights = getattr(operation.layer, "weights", ())  # An operation such as `x / 255` is no layer.
        if not all(np.isfinite(np.asarray(weight, np.float32)).all() for weight in weights):
            raise ValueError(
                f"Layer {operation.layer.name!r} has weights that are not finite numbers (NaN or infinite): did the training diverge?"
            )
