"""Outputs of layers: feature vectors, and the layers whose output is that of a ReLU."""

from collections.abc import Iterable

import keras
import numpy as np

from zfnet.model.deconvnet.deconvnet import Deconvnet
from zfnet.model.deconvnet.graph import Graph
from zfnet.model.deconvnet.rules.rule import Rectify

# Layers that mix neither maps nor positions.
MAP_BY_MAP = (keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU)
# Features in one block of columns.
COLUMNS = 8192
# Directions with less variance than this share of the largest are rounding.
NOTHING = 1e-10


def flat_features(deconvnet: Deconvnet, images: np.ndarray, layers: list[str], batch_size: int = 64) -> dict[str, np.ndarray]:
    """Activations of layers, one vector an image: `(N, D)` for each layer.

    Args:
        deconvnet: of the model.
        images: `(N, ...)`, values and layout as the model takes them.
        layers: names out of `deconvnet.layers`.
        batch_size: number of images in one forward pass.

    Raises:
        ValueError: if there is no such layer, or activations are not finite.

    Examples:
        >>> flat_features(deconvnet, images, ["pool5"])["pool5"].shape
        (4, 512)
    """
    parts = [deconvnet.activations(images[start : start + batch_size], layers) for start in range(0, len(images), batch_size)]
    features = {}
    for layer, values in zip(layers, zip(*parts, strict=True), strict=True):
        features[layer] = np.concatenate([np.asarray(value).reshape(len(value), -1) for value in values])
        check_finite(layer, features[layer])
    return features


def check_finite(layer: str, activations: np.ndarray) -> None:
    """Fails with a ValueError if activations are not finite."""
    if not np.isfinite(activations).all():
        numbers = "finite numbers (NaN or infinite)"
        raise ValueError(f"Layer {layer!r} has activations that are not {numbers}: are the model's weights, or the preprocessing, right?")


def check_finite_weights(deconvnet: Deconvnet, layers: Iterable[str]) -> None:
    """Fails with a ValueError if weights below some layers are not finite; it names the first layer with such weights.

    Activations may hide it: a ReLU may turn NaN into 0.
    """
    graph = deconvnet.graph
    for operation in graph.needed_for(*map(graph.value_of, layers)):
        weights = getattr(operation.layer, "weights", ())  # An operation such as `x / 255` is no layer.
        if not all(np.isfinite(np.asarray(weight, np.float32)).all() for weight in weights):
            raise ValueError(
                f"Layer {operation.layer.name!r} has weights that are not finite numbers (NaN or infinite): did the training diverge?"
            )


def rectified_layers(graph: Graph) -> list[str]:
    """Names of the layers whose output is that of a ReLU, from the image upwards: only their maps can be dead.

    A map that is never positive passes nothing on there, and gets no gradient. ReLU6 counts too; so do leaky and parametric ReLU, which
    let a little of both through. A convolution without an activation is followed by the layer that has it.

    Examples:
        >>> rectified_layers(deconvnet.graph)
        ['conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'fc6', 'fc7']
    """
    rectified = {operation.output for operation in graph.operations if isinstance(operation.rule, Rectify)}
    return [name for value, name in graph.first_names().items() if value in rectified]


def rectified_output(graph: Graph, layer: str) -> str | None:
    """Name of the layer with the ReLU of a convolution: itself, or one above it with nothing but normalisation of single maps between.

    Returns None if the maps go on without a ReLU, or in several branches.
    """
    names = {graph.value_of(name): name for name in rectified_layers(graph)}
    value = graph.value_of(layer)
    while value not in names:
        above = [operation for operation in graph.operations if value in operation.inputs]
        if len(above) != 1 or not isinstance(above[0].layer, MAP_BY_MAP):
            return None
        value = above[0].output
    return names[value]


def feature_coordinates(features: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and scales features by the training images, and returns them in as few coordinates as lose nothing.

    The training images' mean is subtracted, and all is divided by one number, so that their mean squared length is 1: the same
    regularisation then means the same in every layer. If there are more features than training images (a map of conv1 has tens
    of thousands), the coordinates are along the directions in which the training images differ. They keep every inner
    product with a training image. The weights of a linear classifier with an L2 penalty are a sum of training images, so it is the
    same classifier, with the same predictions (representer theorem), from n numbers an image.

    Args:
        features: float array `(N, features)`, finite, possibly on disk: it is read a block of columns at a time.
        train: int array, rows of the training images.
        test: int array, rows of the test images.

    Returns:
        float64 arrays `(len(train), k)` and `(len(test), k)`, where k is at most the smaller of `len(train)` and the number of features.

    Examples:
        >>> known, new = feature_coordinates(images.reshape(4, -1), np.arange(3), np.arange(3, 4))
        >>> known.shape, new.shape
        ((3, 2), (1, 2))
    """
    wide = features.shape[1] > len(train)
    products, others = np.zeros((len(train), len(train))), np.zeros((len(test), len(train)))
    total, blocks = 0.0, []
    for start in range(0, features.shape[1], COLUMNS):
        columns = features[:, start : start + COLUMNS]
        known, new = columns[train].astype(np.float64), columns[test].astype(np.float64)
        if not (np.isfinite(known).all() and np.isfinite(new).all()):
            raise ValueError("Features hold NaN or infinite values; expected finite ones.")
        mean = known.mean(axis=0)
        known, new = known - mean, new - mean
        total += np.square(known).sum()
        if wide:
            products += known @ known.T
            others += new @ known.T
        else:
            blocks.append((known, new))
    scale = np.sqrt(total / len(train)) or 1.0
    if not wide:
        known, new = (np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True))
        return known / scale, new / scale
    variances, directions = np.linalg.eigh(products / scale**2)
    found = variances > NOTHING * max(variances[-1], 1e-300)
    found[-1] = True  # If all images are the same, one coordinate that is always 0.
    lengths = np.sqrt(np.maximum(variances[found], 0))
    directions = directions[:, found]
    return directions * lengths, (others / scale**2) @ directions / np.where(lengths > 0, lengths, 1)
