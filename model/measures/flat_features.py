"""Features of images as vectors."""

import numpy as np

from zfnet.model.deconvnet.deconvnet import Deconvnet


def flat_features(deconvnet: Deconvnet, images: np.ndarray, layers: list[str], batch_size: int = 64) -> dict[str, np.ndarray]:
    """Takes the activations of layers, each image's as one vector.

    Args:
        deconvnet: of the model.
        images: `(N, ...)`, values and layout as the model takes them.
        layers: names out of `deconvnet.layers`.
        batch_size: images that go through the net together.

    Returns:
        For each layer `(N, D)`.

    Raises:
        ValueError: a layer is not there, or has activations that are not numbers.

    Examples:
        >>> flat_features(deconvnet, images, ["pool5"])["pool5"].shape  # images: (8, 224, 224, 3)
        (8, 9216)
    """
    parts = [deconvnet.activations(images[start : start + batch_size], layers) for start in range(0, len(images), batch_size)]
    features = {}
    for layer, values in zip(layers, zip(*parts, strict=True), strict=True):
        features[layer] = np.concatenate([np.asarray(value).reshape(len(value), -1) for value in values])
        if not np.isfinite(features[layer]).all():
            raise ValueError(
                f"Layer {layer!r} has activations that are not numbers (NaN): are the model's weights, or the preprocessing, right?"
            )
    return features
